/* budget.h: what requests, caches and working memory may take together, beyond the mapped model.
 *
 * A request reserves an estimate of what it will need before it allocates anything, and of what its
 * utterances will have a backend take. When that does not fit, the cache is shrunk first; then the request
 * waits for others to end; then it is refused, so that many requests at once never swell the process. The
 * cache grows into whatever nobody has reserved. A fiftieth is left to small requests, so that books keep no
 * reply waiting. A request whose listener has heard a part of it is not refused any more: it waits for as long
 * as others hold what it needs, and large requests do not begin before it goes on.
 *
 * Thread-safe. One lock, under which the cache's may be taken, never the other way round. */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include <stdatomic.h>

#include "engine/cache.h"
#include "voices/registry.h"

struct budget;

/* What a request reserves. The budget's from budget_reserve to budget_release; a request that holds none
 * has {0}. */
struct reservation {
    uint64_t bytes; /* of its own buffers */
    int backend;    /* index in the registry */
    /* bytes that its longest utterance takes in that backend, which speaks one batch at a time: of all
     * requests, the largest counts */
    uint64_t working;
    bool begun; /* audio has been given out: set by its owner before budget_raise_working */
    bool held;
    bool stuck; /* the budget's: it has begun, and waits for room */
    struct reservation *next, *previous;
};

struct budget_counts {
    uint64_t limit; /* bytes; 0: none */
    /* bytes of working memory that backends hold, or that requests in progress may make them take */
    uint64_t backends;
    uint64_t idle;     /* bytes that backends hold between utterances */
    uint64_t reserved; /* bytes reserved by the requests in progress for themselves, and those of the next: */
    uint64_t outside;  /* bytes that the engine's owner holds for requests: budget_hold */
    uint64_t waiting;  /* requests that wait for room now */
    uint64_t stuck;    /* of them, those that have begun */
    uint64_t waits;    /* requests that had to wait, since budget_open */
    uint64_t refusals; /* of them, that were refused */
};

/* `cache` and `registry` must outlive it. `wait_seconds`: longest that a request waits. Errors:
 * LT_ERR_MEMORY. */
lt_status budget_open(uint64_t limit, double wait_seconds, struct cache *cache,
                      const struct registry *registry, struct budget **budget, lt_error *error);
void budget_close(struct budget *budget); /* NULL is fine */

/* Makes a reservation. `cancelled` (may be NULL) ends the wait. Errors: LT_ERR_MEMORY (no room in time, or
 * never any), LT_ERR_CANCELLED. */
lt_status budget_reserve(struct budget *budget, struct reservation *reservation, const atomic_bool *cancelled,
                         lt_error *error);

/* Raises the working memory of a reservation that is held to `working`, if it is less; waits for that like
 * budget_reserve, holding what it has; when it has begun, for as long as anybody who is not in the same place
 * holds something. Errors: the same, after which it is as it was. */
lt_status budget_raise_working(struct budget *budget, struct reservation *reservation, uint64_t working,
                               const atomic_bool *cancelled, lt_error *error);

/* Adds `bytes` to a reservation that is held, at once or not at all, for what a request can do without:
 * true when it got them. `leave` bytes have to be left for other requests. */
bool budget_extend(struct budget *budget, struct reservation *reservation, uint64_t bytes, uint64_t leave);

/* Counts `bytes` that the engine's owner holds for requests until budget_let_go, at once or not at all: true
 * when they fit. A fiftieth of the limit always does, so that a small request can say that it wants to wait. */
bool budget_hold(struct budget *budget, uint64_t bytes);
void budget_let_go(struct budget *budget, uint64_t bytes);

/* Gives all of it back. One that is not held is fine. */
void budget_release(struct budget *budget, struct reservation *reservation);

void budget_look(struct budget *budget, struct budget_counts *counts);

#endif
