/* budget.c: what requests, caches and working memory may take together, beyond the mapped model. */
#include "engine/budget.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"

/* How often a waiting request looks at its cancel switch, which a signal handler may set. */
static const double POLL_SECONDS = 0.02;

/* Of the limit: what large requests leave to small ones (and may be held beside all else), and up to where one
 * is small. */
enum { SPARE_PART = 50, SMALL_PART = 100 };

struct budget {
    pthread_mutex_t lock; /* guards counts and the list */
    pthread_cond_t freed;
    struct budget_counts counts;
    struct reservation *held; /* newest first */
    double wait_seconds;
    struct cache *cache;
    const struct registry *registry;
};

lt_status budget_open(uint64_t limit, double wait_seconds, struct cache *cache,
                      const struct registry *registry, struct budget **budget, lt_error *error)
{
    struct budget *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the memory budget");
    *opened = (struct budget){
        .counts.limit = limit, .wait_seconds = wait_seconds, .cache = cache, .registry = registry};
    if (pthread_mutex_init(&opened->lock, NULL) != 0) {
        free(opened);
        return error_memory(error, "the memory budget");
    }
    if (thread_cond_open(&opened->freed) != 0) {
        pthread_mutex_destroy(&opened->lock);
        free(opened);
        return error_memory(error, "the memory budget");
    }
    *budget = opened;
    return LT_OK;
}

void budget_close(struct budget *budget)
{
    if (budget == NULL)
        return;
    pthread_cond_destroy(&budget->freed);
    pthread_mutex_destroy(&budget->lock);
    free(budget);
}

/* Bytes that the utterances of the reservations may make a backend take. */
static uint64_t most_working(const struct budget *budget, int backend)
{
    uint64_t most = 0;
    for (const struct reservation *r = budget->held; r != NULL; r = r->next)
        if (r->backend == backend && r->working > most)
            most = r->working;
    return most;
}

/* Bytes that neither backends nor requests have; the lock is held. */
static uint64_t room(struct budget *budget)
{
    struct budget_counts *counts = &budget->counts;
    counts->backends = counts->idle = 0;
    for (int i = 0; i < budget->registry->backend_count; i++) {
        const struct registry_backend *backend = &budget->registry->backends[i];
        struct backend_facts facts = {0};
        backend->type->look(backend->backend, &facts);
        uint64_t working = most_working(budget, i);
        working = facts.taken_bytes > working ? facts.taken_bytes : working;
        counts->backends += facts.memory_bytes > working ? facts.memory_bytes : working;
        counts->idle += facts.memory_bytes;
    }
    uint64_t taken = counts->backends + counts->reserved;
    return taken < counts->limit ? counts->limit - taken : 0;
}

static void link_in(struct budget *budget, struct reservation *reservation)
{
    reservation->held = true;
    reservation->previous = NULL;
    reservation->next = budget->held;
    if (budget->held != NULL)
        budget->held->previous = reservation;
    budget->held = reservation;
    budget->counts.reserved += reservation->bytes;
}

static void unlink_from(struct budget *budget, struct reservation *reservation)
{
    if (reservation->next != NULL)
        reservation->next->previous = reservation->previous;
    if (reservation->previous != NULL)
        reservation->previous->next = reservation->next;
    else
        budget->held = reservation->next;
    reservation->held = false;
    budget->counts.reserved -= reservation->bytes;
}

static bool is_small(const struct budget *budget, const struct reservation *reservation)
{
    return reservation->bytes <= budget->counts.limit / SMALL_PART;
}

/* Bytes that a reservation has to leave free: a small one none, nor one that nobody is beside. */
static uint64_t spare_beside(const struct budget *budget, const struct reservation *reservation)
{
    return is_small(budget, reservation) || reservation->next == NULL ? 0 : budget->counts.limit / SPARE_PART;
}

/* Makes the reservation, or changes one that is held, so that its utterances may take `working` bytes,
 * when there is room, the cache's included; else all stays as it was. The lock is held. */
static bool try_reserve(struct budget *budget, struct reservation *reservation, uint64_t working)
{
    const struct registry_backend *backend = &budget->registry->backends[reservation->backend];
    const bool held = reservation->held;
    const uint64_t before = reservation->working;
    if (!held && budget->counts.stuck > 0 && !is_small(budget, reservation))
        return false;
    if (held)
        unlink_from(budget, reservation);
    reservation->working = working;
    link_in(budget, reservation);
    uint64_t left = room(budget);
    if (budget->counts.backends + budget->counts.reserved + spare_beside(budget, reservation) >
        budget->counts.limit) {
        unlink_from(budget, reservation);
        reservation->working = before;
        if (held)
            link_in(budget, reservation);
        return false;
    }
    cache_set_room(budget->cache, left);
    if (working > 0)
        backend->type->allow(backend->backend, most_working(budget, reservation->backend));
    return true;
}

/* Waits for a moment, or until something was released; the lock is held. */
static void wait_a_moment(struct budget *budget)
{
    thread_wait_until(&budget->freed, &budget->lock, clock_seconds() + POLL_SECONDS);
}

static lt_status refuse(struct budget *budget, uint64_t bytes, lt_error *error)
{
    budget->counts.refusals++;
    return error_set(
        error, LT_ERR_MEMORY,
        "the request needs about %.1f MiB and the budget of %.1f MiB has no room for it%s: try again "
        "later, or raise memory.limit_bytes",
        (double)bytes / 1048576, (double)budget->counts.limit / 1048576,
        budget->held == NULL ? "" : " while others are spoken");
}

/* Whether others will give something back that helps a reservation of so many bytes: when it has begun, others
 * who wait like it will not. The lock is held. */
static bool others_hold(const struct budget *budget, const struct reservation *reservation, uint64_t bytes)
{
    for (const struct reservation *r = budget->held; r != NULL; r = r->next)
        if (r != reservation && !(reservation->stuck && r->stuck))
            return true;
    return budget->counts.outside > 0 && bytes <= budget->counts.limit;
}

static void set_stuck(struct budget *budget, struct reservation *reservation, bool stuck)
{
    budget->counts.stuck += (uint64_t)stuck - (uint64_t)reservation->stuck;
    reservation->stuck = stuck;
}

/* Waits until there is room, as long as that may come. The lock is held. */
static lt_status wait_for_room(struct budget *budget, struct reservation *reservation, uint64_t working,
                               const atomic_bool *cancelled, lt_error *error)
{
    const bool begun = reservation->held && reservation->begun;
    const double give_up = clock_seconds() + (begun ? INFINITY : budget->wait_seconds);
    lt_status status = LT_OK;
    budget->counts.waits++;
    budget->counts.waiting++;
    set_stuck(budget, reservation, begun);
    do {
        if (!others_hold(budget, reservation, reservation->bytes + working) || clock_seconds() >= give_up)
            status = refuse(budget, reservation->bytes + working, error);
        else if (cancelled != NULL && atomic_load(cancelled))
            status = error_set(error, LT_ERR_CANCELLED, "stopped while it waited for memory");
        else
            wait_a_moment(budget);
    } while (status == LT_OK && !try_reserve(budget, reservation, working));
    set_stuck(budget, reservation, false);
    budget->counts.waiting--;
    return status;
}

static lt_status reserve(struct budget *budget, struct reservation *reservation, uint64_t working,
                         const atomic_bool *cancelled, lt_error *error)
{
    pthread_mutex_lock(&budget->lock);
    lt_status status = try_reserve(budget, reservation, working)
                           ? LT_OK
                           : wait_for_room(budget, reservation, working, cancelled, error);
    pthread_mutex_unlock(&budget->lock);
    return status;
}

lt_status budget_reserve(struct budget *budget, struct reservation *reservation, const atomic_bool *cancelled,
                         lt_error *error)
{
    if (budget->counts.limit == 0) /* constant */
        return LT_OK;
    return reserve(budget, reservation, reservation->working, cancelled, error);
}

lt_status budget_raise_working(struct budget *budget, struct reservation *reservation, uint64_t working,
                               const atomic_bool *cancelled, lt_error *error)
{
    if (working <= reservation->working || !reservation->held) /* only its owner changes them */
        return LT_OK;
    return reserve(budget, reservation, working, cancelled, error);
}

bool budget_extend(struct budget *budget, struct reservation *reservation, uint64_t bytes, uint64_t leave)
{
    if (budget->counts.limit == 0)
        return true;
    pthread_mutex_lock(&budget->lock);
    uint64_t left = room(budget);
    bool got = reservation->held && budget->counts.waiting == 0 && bytes <= left && left - bytes >= leave;
    if (got) {
        reservation->bytes += bytes;
        budget->counts.reserved += bytes;
        cache_set_room(budget->cache, left - bytes);
    }
    pthread_mutex_unlock(&budget->lock);
    return got;
}

bool budget_hold(struct budget *budget, uint64_t bytes)
{
    struct budget_counts *counts = &budget->counts;
    if (counts->limit == 0)
        return true;
    pthread_mutex_lock(&budget->lock);
    const uint64_t left = room(budget);
    const bool fits = bytes <= left || counts->outside + bytes <= counts->limit / SPARE_PART;
    if (fits) {
        counts->outside += bytes;
        counts->reserved += bytes;
        cache_set_room(budget->cache, left > bytes ? left - bytes : 0);
    }
    pthread_mutex_unlock(&budget->lock);
    return fits;
}

void budget_let_go(struct budget *budget, uint64_t bytes)
{
    if (budget->counts.limit == 0)
        return;
    pthread_mutex_lock(&budget->lock);
    budget->counts.outside -= bytes;
    budget->counts.reserved -= bytes;
    cache_set_room(budget->cache, room(budget));
    pthread_cond_broadcast(&budget->freed);
    pthread_mutex_unlock(&budget->lock);
}

void budget_release(struct budget *budget, struct reservation *reservation)
{
    if (!reservation->held)
        return;
    pthread_mutex_lock(&budget->lock);
    unlink_from(budget, reservation);
    cache_set_room(budget->cache, room(budget));
    pthread_cond_broadcast(&budget->freed);
    pthread_mutex_unlock(&budget->lock);
}

void budget_look(struct budget *budget, struct budget_counts *counts)
{
    pthread_mutex_lock(&budget->lock);
    room(budget); /* brings `backends` up to date */
    *counts = budget->counts;
    pthread_mutex_unlock(&budget->lock);
}
