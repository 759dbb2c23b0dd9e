/* scheduler.c: queues of utterances, the workers that speak them, and the samples on their way back. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/scheduler.h"

enum { MAX_BATCH = 64 };

struct queue {
    const struct registry_backend *backend;
    pthread_mutex_t lock; /* guards the list and `closing` */
    pthread_cond_t filled;
    struct job *urgent_first, **urgent_last; /* jobs that start a request */
    struct job *first, **last;               /* the others */
    bool closing;
    pthread_t *workers;
    int worker_count;
};

struct scheduler {
    struct queue queues[REGISTRY_MAX_BACKENDS];
    int queue_count;
};

/* ---- Jobs ---- */

/* Condition variables wait on the monotonic clock, so that a changed wall clock does not matter. */
static int cond_open(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
}

lt_status job_open(struct job *job, lt_error *error)
{
    if (pthread_mutex_init(&job->lock, NULL) != 0)
        return error_memory(error, "an utterance");
    if (cond_open(&job->changed) != 0) {
        pthread_mutex_destroy(&job->lock);
        return error_memory(error, "an utterance");
    }
    return LT_OK;
}

void job_close(struct job *job)
{
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job->samples);
    job->samples = NULL;
}

/* The utterance's emit: runs on a worker. */
static bool receive(void *user, const float *samples, size_t count)
{
    struct job *job = user;
    if (atomic_load_explicit(job->stop, memory_order_relaxed))
        return false;
    bool kept = true;
    pthread_mutex_lock(&job->lock);
    if (job->sample_count + count > job->sample_capacity) {
        size_t capacity = (job->sample_count + count) * 3 / 2;
        float *grown = realloc(job->samples, capacity * sizeof *grown);
        if (grown != NULL) {
            job->samples = grown;
            job->sample_capacity = capacity;
        } else {
            kept = false;
        }
    }
    if (kept && count > 0) {
        memcpy(job->samples + job->sample_count, samples, count * sizeof *samples);
        job->sample_count += count;
        pthread_cond_signal(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
    if (!kept)
        job->utterance.status = error_memory(&job->utterance.error, "speech");
    return kept;
}

size_t job_take(struct job *job, double seconds, float **samples, size_t *capacity, bool *done)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&job->lock);
    while (job->sample_count == 0 && !job->done)
        if (pthread_cond_timedwait(&job->changed, &job->lock, &until) == ETIMEDOUT)
            break;
    float *spare = *samples;
    size_t spare_capacity = *capacity, count = job->sample_count;
    *samples = job->samples;
    *capacity = job->sample_capacity;
    job->samples = spare;
    job->sample_capacity = spare_capacity;
    job->sample_count = 0;
    *done = job->done;
    pthread_mutex_unlock(&job->lock);
    return count;
}

static void finish(struct job *job, lt_status status, double seconds)
{
    pthread_mutex_lock(&job->lock);
    job->utterance.status = status;
    job->speech_seconds = seconds;
    job->done = true;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

/* ---- Queues ---- */

static struct job *pop(struct queue *queue)
{
    struct job **first = queue->urgent_first != NULL ? &queue->urgent_first : &queue->first;
    struct job ***last = queue->urgent_first != NULL ? &queue->urgent_last : &queue->last;
    struct job *job = *first;
    if (job != NULL) {
        *first = job->next;
        if (*first == NULL)
            *last = first;
        job->next = NULL;
    }
    return job;
}

static bool unlink_job(struct job **first, struct job ***last, struct job *job)
{
    for (struct job **at = first; *at != NULL; at = &(*at)->next) {
        if (*at != job)
            continue;
        *at = job->next;
        if (*at == NULL)
            *last = at;
        job->next = NULL;
        return true;
    }
    return false;
}

void scheduler_submit(struct scheduler *scheduler, struct job *job)
{
    struct queue *queue = &scheduler->queues[job->backend];
    job->utterance.emit = receive;
    job->utterance.user = job;
    job->utterance.cancelled = job->stop;
    job->next = NULL;
    pthread_mutex_lock(&queue->lock);
    struct job ***last = job->urgent ? &queue->urgent_last : &queue->last;
    **last = job;
    *last = &job->next;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void scheduler_withdraw(struct scheduler *scheduler, struct job *job)
{
    struct queue *queue = &scheduler->queues[job->backend];
    pthread_mutex_lock(&queue->lock);
    bool waiting = job->urgent ? unlink_job(&queue->urgent_first, &queue->urgent_last, job)
                               : unlink_job(&queue->first, &queue->last, job);
    pthread_mutex_unlock(&queue->lock);
    if (waiting) {
        finish(job, LT_ERR_CANCELLED, 0);
        return;
    }
    pthread_mutex_lock(&job->lock);
    while (!job->done)
        pthread_cond_wait(&job->changed, &job->lock);
    pthread_mutex_unlock(&job->lock);
}

/* ---- Workers ---- */

static void speak_batch(const struct registry_backend *b, struct job **jobs, int count)
{
    struct utterance *batch[MAX_BATCH];
    for (int i = 0; i < count; i++) {
        batch[i] = &jobs[i]->utterance;
        batch[i]->status = LT_OK;
        error_none(&batch[i]->error);
    }
    double began = clock_seconds();
    b->type->speak(b->backend, batch, count);
    double each = (clock_seconds() - began) / count;
    for (int i = 0; i < count; i++)
        finish(jobs[i], batch[i]->status, each);
}

static void *work(void *argument)
{
    struct queue *queue = argument;
    int limit = queue->backend->type->max_batch < MAX_BATCH ? queue->backend->type->max_batch : MAX_BATCH;
    for (;;) {
        struct job *jobs[MAX_BATCH];
        int count = 0;
        pthread_mutex_lock(&queue->lock);
        while (queue->urgent_first == NULL && queue->first == NULL && !queue->closing)
            pthread_cond_wait(&queue->filled, &queue->lock);
        while (count < limit && (jobs[count] = pop(queue)) != NULL)
            count++;
        pthread_mutex_unlock(&queue->lock);
        if (count == 0)
            return NULL;
        speak_batch(queue->backend, jobs, count);
    }
}

static int cpu_count(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

static lt_status queue_open(struct queue *queue, const struct registry_backend *backend, int threads,
                            lt_error *error)
{
    *queue = (struct queue){.backend = backend};
    queue->urgent_last = &queue->urgent_first;
    queue->last = &queue->first;
    int wanted = backend->type->serial ? 1 : threads;
    queue->workers = calloc((size_t)wanted, sizeof *queue->workers);
    if (queue->workers == NULL)
        return error_memory(error, "worker threads");
    pthread_mutex_init(&queue->lock, NULL);
    cond_open(&queue->filled);
    for (; queue->worker_count < wanted; queue->worker_count++) {
        int failed = pthread_create(&queue->workers[queue->worker_count], NULL, work, queue);
        if (failed != 0) {
            errno = failed;
            return error_errno(error, LT_ERR_MEMORY, "cannot start worker thread %d of %d",
                               queue->worker_count + 1, wanted);
        }
    }
    return LT_OK;
}

static void queue_close(struct queue *queue)
{
    if (queue->workers == NULL)
        return;
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    for (int i = 0; i < queue->worker_count; i++)
        pthread_join(queue->workers[i], NULL);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
    free(queue->workers);
}

lt_status scheduler_open(const lt_config *config, const struct registry *registry,
                         struct scheduler **scheduler, lt_error *error)
{
    struct scheduler *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the scheduler");
    int threads = (int)config_integer(config, CONFIG_engine_threads);
    if (threads == 0)
        threads = cpu_count();
    lt_status status = LT_OK;
    for (int i = 0; i < registry->backend_count && status == LT_OK; i++) {
        status = queue_open(&opened->queues[i], &registry->backends[i], threads, error);
        opened->queue_count = i + 1;
    }
    if (status != LT_OK) {
        scheduler_close(opened);
        return status;
    }
    *scheduler = opened;
    return LT_OK;
}

void scheduler_close(struct scheduler *scheduler)
{
    if (scheduler == NULL)
        return;
    for (int i = 0; i < scheduler->queue_count; i++)
        queue_close(&scheduler->queues[i]);
    free(scheduler);
}
