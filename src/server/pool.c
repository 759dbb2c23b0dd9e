/* pool.c: worker threads with a bounded queue. */
#include "server/pool.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"

/* One of the pool's threads. */
struct worker {
    struct pool *pool;
    struct passing thread;
    struct worker *next; /* in pool->ended */
};

struct pool {
    pthread_mutex_t lock;           /* over everything below */
    pthread_cond_t work;            /* a job may begin, or the pool ends */
    pthread_cond_t place;           /* a place is free for a job that continues */
    pthread_cond_t quiet;           /* the last thread has ended */
    struct pool_job *first, **last; /* queued: the first, and where the next is linked */
    unsigned places, queue;
    unsigned long_places; /* of them, that long jobs may hold */
    unsigned working, paused, queued;
    unsigned continuing; /* paused jobs that want their place back: they go before queued ones */
    unsigned long_working, long_queued, long_continuing; /* of them, long ones */
    unsigned threads, idle;                              /* all; those that wait for a job */
    struct worker *ended;                                /* threads that nobody has joined yet */
    double mean_seconds;                                 /* moving average of how long a job takes */
    bool ending;
};

struct pool *pool_new(unsigned places, unsigned queue)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->places = places;
    pool->long_places = places > 1 ? places - (places + 3) / 4 : 1;
    pool->queue = queue;
    pool->last = &pool->first;
    pool->mean_seconds = 1;
    pthread_mutex_init(&pool->lock, NULL);
    thread_cond_open(&pool->work);
    pthread_cond_init(&pool->place, NULL);
    pthread_cond_init(&pool->quiet, NULL);
    return pool;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Places that a long job could take, beyond those that paused long jobs want back. The lock is held, as it
 * is below. */
static unsigned long_places_left(const struct pool *pool)
{
    const unsigned claimed = pool->long_working + pool->long_continuing;
    return claimed < pool->long_places ? pool->long_places - claimed : 0;
}

/* How many of the queued jobs may begin now. Paused jobs that want to go on have the first claim to the
 * places that they may hold. */
static unsigned ready(const struct pool *pool)
{
    const unsigned claimed = pool->working + pool->continuing - pool->long_continuing +
                             least(pool->long_continuing, pool->long_places - pool->long_working);
    const unsigned places = claimed < pool->places ? pool->places - claimed : 0;
    return least(places, pool->queued - pool->long_queued + least(pool->long_queued, long_places_left(pool)));
}

/* Takes the job at a link out of the queue. */
static struct pool_job *unlink_job(struct pool *pool, struct pool_job **link)
{
    struct pool_job *job = *link;
    *link = job->next;
    if (pool->last == &job->next)
        pool->last = link;
    pool->queued--;
    pool->long_queued -= job->is_long;
    return job;
}

/* The first queued job that may begin, of which there is one. */
static struct pool_job *take_next(struct pool *pool)
{
    const bool long_may = long_places_left(pool) > 0;
    struct pool_job **link = &pool->first;
    while ((*link)->is_long && !long_may)
        link = &(*link)->next;
    return unlink_job(pool, link);
}

static void take_place(struct pool *pool, const struct pool_job *job)
{
    pool->working++;
    pool->long_working += job->is_long;
}

/* All that wait for a place look whether it is one for them. */
static void give_place(struct pool *pool, bool was_long)
{
    pool->working--;
    pool->long_working -= was_long;
    if (pool->continuing > 0)
        pthread_cond_broadcast(&pool->place);
}

static void run_next(struct pool *pool)
{
    struct pool_job *job = take_next(pool);
    const bool is_long = job->is_long;
    take_place(pool, job);
    pthread_mutex_unlock(&pool->lock);
    double begun = clock_seconds();
    job->run(job);
    double seconds = clock_seconds() - begun;
    pthread_mutex_lock(&pool->lock);
    pool->mean_seconds += 0.1 * (seconds - pool->mean_seconds);
    give_place(pool, is_long);
}

/* Waits until a job may begin: false when this thread is to end, because the pool does or nothing came for
 * a while. The lock is held. */
static bool wait_for_work(struct pool *pool)
{
    const double until = clock_seconds() + POOL_IDLE_SECONDS;
    bool more = true;
    while (more && ready(pool) == 0 && !(pool->ending && pool->first == NULL)) {
        pool->idle++;
        more = thread_wait_until(&pool->work, &pool->lock, until);
        pool->idle--;
    }
    return ready(pool) > 0; /* whoever signalled may have counted on this thread */
}

static void *work(void *user)
{
    struct worker *self = user;
    struct pool *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    while (wait_for_work(pool))
        run_next(pool); /* and then looks for the next itself, so a free place needs no other thread */
    if (pool->ending)   /* threads that waited for a place while jobs were queued may end, too */
        pthread_cond_broadcast(&pool->work);
    self->next = pool->ended;
    pool->ended = self;
    if (--pool->threads == 0)
        pthread_cond_signal(&pool->quiet);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The lock is held, so that the thread has its name before anybody can join it. */
static void start_worker(struct pool *pool)
{
    struct worker *worker = malloc(sizeof *worker);
    if (worker == NULL)
        return;
    worker->pool = pool;
    if (passing_start(&worker->thread, work, worker) == 0)
        pool->threads++;
    else
        free(worker);
}

/* Starts a thread where a queued job could begin and none is idle. The lock is held. */
static void wake_or_start(struct pool *pool)
{
    const unsigned jobs = ready(pool);
    if (jobs == 0)
        return;
    if (jobs <= pool->idle) {
        pthread_cond_signal(&pool->work);
        return;
    }
    start_worker(pool);
}

static void append(struct pool *pool, struct pool_job *job)
{
    job->next = NULL;
    *pool->last = job;
    pool->last = &job->next;
    pool->queued++;
    pool->long_queued += job->is_long;
}

/* Unlinks `job` from the queue; false when it is not there. The lock is held. */
static bool remove_queued(struct pool *pool, const struct pool_job *job)
{
    struct pool_job **link = &pool->first;
    while (*link != NULL && *link != job)
        link = &(*link)->next;
    if (*link == NULL)
        return false;
    unlink_job(pool, link);
    return true;
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

void pool_pause(struct pool *pool, const struct pool_job *job)
{
    pthread_mutex_lock(&pool->lock);
    pool->paused++;
    give_place(pool, job->is_long);
    wake_or_start(pool);
    pthread_mutex_unlock(&pool->lock);
}

void pool_continue(struct pool *pool, const struct pool_job *job)
{
    pthread_mutex_lock(&pool->lock);
    pool->continuing++;
    pool->long_continuing += job->is_long;
    while (pool->working >= pool->places || (job->is_long && pool->long_working >= pool->long_places))
        pthread_cond_wait(&pool->place, &pool->lock);
    pool->continuing--;
    pool->long_continuing -= job->is_long;
    pool->paused--;
    take_place(pool, job);
    pthread_mutex_unlock(&pool->lock);
}

struct pool_counts pool_count(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct pool_counts counts = {pool->working, pool->paused, pool->queued, pool->threads};
    pthread_mutex_unlock(&pool->lock);
    return counts;
}

void pool_tidy(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct worker *worker = pool->ended;
    pool->ended = NULL;
    pthread_mutex_unlock(&pool->lock);
    while (worker != NULL) {
        struct worker *next = worker->next;
        passing_join(&worker->thread);
        free(worker);
        worker = next;
    }
}

void pool_finish(struct pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    while (pool->threads > 0)
        pthread_cond_wait(&pool->quiet, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    pool_tidy(pool);
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
