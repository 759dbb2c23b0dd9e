/* scheduler.c: queues of utterances and the workers that speak them. */
#include "engine/scheduler.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"

struct queue {
    const struct registry_backend *backend;
    pthread_mutex_t lock; /* guards the batcher and what follows */
    pthread_cond_t filled;
    struct batcher batcher;
    int requests; /* open */
    bool closing;
    pthread_t *workers;
    int worker_count;
};

struct scheduler {
    struct queue queues[REGISTRY_MAX_BACKENDS];
    int queue_count;
};

void scheduler_enter(struct scheduler *scheduler, int backend)
{
    struct queue *queue = &scheduler->queues[backend];
    pthread_mutex_lock(&queue->lock);
    queue->requests++;
    pthread_mutex_unlock(&queue->lock);
}

void scheduler_leave(struct scheduler *scheduler, int backend)
{
    struct queue *queue = &scheduler->queues[backend];
    pthread_mutex_lock(&queue->lock);
    queue->requests--;
    pthread_cond_signal(&queue->filled); /* a batch that waits may have nobody left to wait for */
    pthread_mutex_unlock(&queue->lock);
}

void scheduler_submit(struct scheduler *scheduler, struct job *job)
{
    struct queue *queue = &scheduler->queues[job->backend];
    pthread_mutex_lock(&queue->lock);
    batcher_add(&queue->batcher, job, clock_seconds());
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void scheduler_withdraw(struct scheduler *scheduler, struct job *job)
{
    struct queue *queue = &scheduler->queues[job->backend];
    pthread_mutex_lock(&queue->lock);
    bool waiting = batcher_remove(&queue->batcher, job);
    pthread_mutex_unlock(&queue->lock);
    if (waiting)
        job_finish(job, LT_ERR_CANCELLED, 0);
    else
        clip_wait(job->clip);
}

int scheduler_look(struct scheduler *scheduler, int backend, struct batch_class classes[CLASS_COUNT])
{
    struct queue *queue = &scheduler->queues[backend];
    pthread_mutex_lock(&queue->lock);
    for (int i = 0; i < CLASS_COUNT; i++)
        classes[i] = queue->batcher.classes[i];
    int requests = queue->requests;
    pthread_mutex_unlock(&queue->lock);
    return requests;
}

void scheduler_want(struct scheduler *scheduler, double seconds)
{
    for (int i = 0; i < scheduler->queue_count; i++) {
        struct queue *queue = &scheduler->queues[i];
        pthread_mutex_lock(&queue->lock);
        queue->batcher.wanted = seconds;
        pthread_mutex_unlock(&queue->lock);
    }
}

double scheduler_wanted(struct scheduler *scheduler)
{
    struct queue *queue = &scheduler->queues[0]; /* all are told the same, and there is one at least */
    pthread_mutex_lock(&queue->lock);
    const double wanted = queue->batcher.wanted;
    pthread_mutex_unlock(&queue->lock);
    return wanted;
}

int scheduler_workers(const struct scheduler *scheduler, int backend)
{
    return scheduler->queues[backend].worker_count;
}

/* ---- Workers ---- */

/* A batch while it is spoken; what follows `began` is guarded by the queue's lock. */
struct spoken_batch {
    struct queue *queue;
    int count, length_class;
    bool rested; /* of batch_report */
    double began, first_sound;
    double counted; /* until when its time has been shared out to jobs */
    int left;
    uint64_t samples;
};

static void report_batch(const struct spoken_batch *batch, double now)
{
    batcher_report(&batch->queue->batcher,
                   &(struct batch_report){.length_class = batch->length_class,
                                          .count = batch->count,
                                          .audio_seconds = (double)batch->samples / LT_SAMPLE_RATE,
                                          .work_seconds = now - batch->began,
                                          .first_sound = batch->first_sound,
                                          .rested = batch->rested});
}

/* An utterance is over, maybe before others of its batch: whoever waits for it goes on at once. */
static void job_done(void *user)
{
    struct job *job = user;
    struct spoken_batch *batch = job->batch;
    struct queue *queue = batch->queue;
    pthread_mutex_lock(&queue->lock); /* first, so that who has heard a whole batch also finds it counted */
    double now = clock_seconds(), work = now - batch->counted;
    batch->counted = now;
    batch->samples += job->samples_made;
    if (job->urgent && job->samples_made > 0 && job->first_sound - batch->began > batch->first_sound)
        batch->first_sound = job->first_sound - batch->began;
    if (--batch->left == 0)
        report_batch(batch, now);
    pthread_mutex_unlock(&queue->lock);
    job_finish(job, job->utterance.status, work);
}

static void speak_batch(struct queue *queue, struct job **jobs, int count, bool rested)
{
    struct utterance *utterances[BATCH_MAX];
    double now = clock_seconds();
    struct spoken_batch batch = {.queue = queue,
                                 .count = count,
                                 .length_class = jobs[0]->length_class,
                                 .rested = rested,
                                 .began = now,
                                 .counted = now,
                                 .left = count};
    for (int i = 0; i < count; i++) {
        jobs[i]->batch = &batch;
        utterances[i] = &jobs[i]->utterance;
        utterances[i]->status = LT_OK;
        utterances[i]->done = job_done;
        error_none(&utterances[i]->error);
    }
    queue->backend->type->speak(queue->backend->backend, utterances, count);
}

/* Waits until something is added, or until a moment on the monotonic clock (0: no such moment). The lock
 * is held. */
static void wait_until(struct queue *queue, double moment)
{
    if (moment == 0)
        pthread_cond_wait(&queue->filled, &queue->lock);
    else
        thread_wait_until(&queue->filled, &queue->lock, moment);
}

static void *work(void *argument)
{
    struct queue *queue = argument;
    for (;;) {
        struct job *jobs[BATCH_MAX];
        int count;
        double until;
        pthread_mutex_lock(&queue->lock);
        while ((count = batcher_next(&queue->batcher, clock_seconds(), queue->requests, jobs, &until)) == 0 &&
               !queue->closing)
            wait_until(queue, until);
        if (queue->batcher.waiting > 0)
            pthread_cond_signal(&queue->filled); /* for the next worker */
        const bool rested = queue->batcher.rested;
        pthread_mutex_unlock(&queue->lock);
        if (count == 0)
            return NULL;
        speak_batch(queue, jobs, count, rested);
    }
}

static lt_status queue_open(struct queue *queue, const struct registry_backend *backend, int threads,
                            const lt_config *config, lt_error *error)
{
    int wanted = backend->type->serial ? 1 : threads;
    *queue = (struct queue){.backend = backend, .workers = calloc((size_t)wanted, sizeof *queue->workers)};
    if (queue->workers == NULL)
        return error_memory(error, "worker threads");
    batcher_open(&queue->batcher, backend->type->max_batch, config_bool(config, CONFIG_engine_batching),
                 config_number(config, CONFIG_target_first_audio_ms) / 1000);
    pthread_mutex_init(&queue->lock, NULL);
    thread_cond_open(&queue->filled);
    for (; queue->worker_count < wanted; queue->worker_count++) {
        int failed = thread_start(&queue->workers[queue->worker_count], work, queue);
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
        threads = threads_available();
    lt_status status = LT_OK;
    for (int i = 0; i < registry->backend_count && status == LT_OK; i++) {
        status = queue_open(&opened->queues[i], &registry->backends[i], threads, config, error);
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
