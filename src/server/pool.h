/* pool.h: worker threads that speak requests: so many at once, so many more that wait.
 *
 * A job holds one of the pool's places while it works. A job that has to wait for its client (whose buffer
 * is full) lends its place to another, so that slow listeners cost memory for what they hold, never the
 * speech of others. Jobs begin in the order in which they came, but long ones never hold all places: a
 * quarter, one at least where there are two, is left to short ones, so that books do not keep a reply
 * waiting until one of them is over. */
#ifndef SERVER_POOL_H
#define SERVER_POOL_H

#include <stdbool.h>

struct pool;

/* A job; part of the caller's own structure, which stays valid until `run` has returned. */
struct pool_job {
    void (*run)(struct pool_job *job); /* called once, on a worker thread */
    bool is_long;                      /* it may work for many seconds */
    struct pool_job *next;             /* the pool's */
};

struct pool_counts {
    unsigned working; /* jobs that hold a place */
    unsigned paused;  /* jobs between pool_pause and pool_continue */
    unsigned queued;  /* jobs that have not begun */
    unsigned threads; /* that work, or wait for a job */
};

/* A worker that has had nothing to do for so long ends: the blocks that malloc keeps for it go back to the
 * heap, and its stack to the system (pool_tidy), so that a server at rest is as small as one that has just
 * begun. */
enum { POOL_IDLE_SECONDS = 3 };

/* A pool with `places` (1 or more) and room for `queue` more jobs beyond them. Threads begin when they are
 * needed, places + queue of them at most. NULL when out of memory. */
struct pool *pool_new(unsigned places, unsigned queue);

/* Hands over a job. False when places + queue jobs are there already (or no thread could be started, or
 * the pool ends): then *retry_after is about how many seconds it takes until there is room, 1 or more. */
bool pool_submit(struct pool *pool, struct pool_job *job, unsigned *retry_after);

/* Takes back a job that has not begun. False when it has. */
bool pool_withdraw(struct pool *pool, struct pool_job *job);

/* Called by a running job, in pairs: lends its place; waits until it has one again. */
void pool_pause(struct pool *pool, const struct pool_job *job);
void pool_continue(struct pool *pool, const struct pool_job *job);

struct pool_counts pool_count(struct pool *pool);

/* Frees what threads that have ended leave behind; call it about once a second. */
void pool_tidy(struct pool *pool);

/* Waits until all jobs have been run and all threads have ended; nothing more is taken. */
void pool_finish(struct pool *pool);

/* Frees a pool that was finished, or that never had a job. NULL is fine. */
void pool_free(struct pool *pool);

#endif
