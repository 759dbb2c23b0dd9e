/* pool.c: worker threads with a bounded queue. */
#include "server/pool.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"

struct pool {
    pthread_mutex_t lock; /* over everything below */
    pthread_cond_t work;  /* a job may begin, or the pool ends */
    pthread_cond_t place; /* a place is free for a job that continues */
    pthread_cond_t quiet; /* the last thread has ended */
    struct pool_job *first, *last;
    unsigned places, queue;
    unsigned working, paused, queued;
    unsigned continuing;    /* paused jobs that want their place back: they go before queued ones */
    unsigned threads, idle; /* all; those that wait for a job */
    double mean_seconds;    /* moving average of how long a job takes */
    bool ending;
};

struct pool *pool_new(unsigned places, unsigned queue)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->places = places;
    pool->queue = queue;
    pool->mean_seconds = 1;
    pthread_mutex_init(&pool->lock, NULL);
    thread_cond_open(&pool->work);
    pthread_cond_init(&pool->place, NULL);
    pthread_cond_init(&pool->quiet, NULL);
    return pool;
}

static bool may_begin(const struct pool *pool)
{
    return pool->first != NULL && pool->working + pool->continuing < pool->places;
}

static void run_first(struct pool *pool)
{
    struct pool_job *job = pool->first;
    pool->first = job->next;
    if (pool->first == NULL)
        pool->last = NULL;
    pool->queued--;
    pool->working++;
    pthread_mutex_unlock(&pool->lock);
    double begun = clock_seconds();
    job->run(job);
    double seconds = clock_seconds() - begun;
    pthread_mutex_lock(&pool->lock);
    pool->working--;
    pool->mean_seconds += 0.1 * (seconds - pool->mean_seconds);
    if (pool->continuing > 0)
        pthread_cond_signal(&pool->place);
}

/* Waits until a job may begin: false when this thread is to end, because the pool does or nothing came for
 * a while. The lock is held. */
static bool wait_for_work(struct pool *pool)
{
    const double until = clock_seconds() + POOL_IDLE_SECONDS;
    bool more = true;
    while (more && !may_begin(pool) && !(pool->ending && pool->first == NULL)) {
        pool->idle++;
        more = thread_wait_until(&pool->work, &pool->lock, until);
        pool->idle--;
    }
    return may_begin(pool); /* whoever signalled may have counted on this thread */
}

static void *worker(void *user)
{
    struct pool *pool = user;
    pthread_mutex_lock(&pool->lock);
    while (wait_for_work(pool))
        run_first(pool); /* and then looks for the next itself, so a free place needs no other thread */
    if (pool->ending)    /* threads that waited for a place while jobs were queued may end, too */
        pthread_cond_broadcast(&pool->work);
    if (--pool->threads == 0)
        pthread_cond_signal(&pool->quiet);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Starts a thread where a queued job could begin and none is idle. The lock is held. */
static void wake_or_start(struct pool *pool)
{
    if (!may_begin(pool))
        return;
    if (pool->queued <= pool->idle) {
        pthread_cond_signal(&pool->work);
        return;
    }
    if (thread_start(NULL, worker, pool) == 0)
        pool->threads++;
}

static void append(struct pool *pool, struct pool_job *job)
{
    job->next = NULL;
    if (pool->last != NULL)
        pool->last->next = job;
    else
        pool->first = job;
    pool->last = job;
    pool->queued++;
}

/* Unlinks `job` from the queue; false when it is not there. The lock is held. */
static bool remove_queued(struct pool *pool, const struct pool_job *job)
{
    struct pool_job *before = NULL;
    for (struct pool_job *at = pool->first; at != NULL; before = at, at = at->next) {
        if (at != job)
            continue;
        if (before != NULL)
            before->next = at->next;
        else
            pool->first = at->next;
        if (pool->last == at)
            pool->last = before;
        pool->queued--;
        return true;
    }
    return false;
}

bool pool_submit(struct pool *pool, struct pool_job *job, unsigned *retry_after)
{
    pthread_mutex_lock(&pool->lock);
    bool taken = !pool->ending && pool->working + pool->paused + pool->queued < pool->places + pool->queue;
    if (taken) {
        append(pool, job);
        wake_or_start(pool);
        if (pool->threads == 0) /* not even one could be started */
            taken = !remove_queued(pool, job);
    }
    double wait = ceil(pool->mean_seconds * (pool->queued + 1) / pool->places);
    *retry_after = wait < 1 ? 1 : wait > 60 ? 60 : (unsigned)wait;
    pthread_mutex_unlock(&pool->lock);
    return taken;
}

bool pool_withdraw(struct pool *pool, struct pool_job *job)
{
    pthread_mutex_lock(&pool->lock);
    bool removed = remove_queued(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return removed;
}

void pool_pause(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->working--;
    pool->paused++;
    if (pool->continuing > 0)
        pthread_cond_signal(&pool->place);
    wake_or_start(pool);
    pthread_mutex_unlock(&pool->lock);
}

void pool_continue(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->continuing++;
    while (pool->working >= pool->places)
        pthread_cond_wait(&pool->place, &pool->lock);
    pool->continuing--;
    pool->paused--;
    pool->working++;
    pthread_mutex_unlock(&pool->lock);
}

struct pool_counts pool_count(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_counts counts = {pool->working, pool->paused, pool->queued, pool->threads};
    pthread_mutex_unlock(&pool->lock);
    return counts;
}

void pool_finish(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->quiet, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->place);
    pthread_cond_destroy(&pool->quiet);
    free(pool);
}
