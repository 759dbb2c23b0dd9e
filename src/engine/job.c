/* job.c: one utterance on its way through a backend, and its samples on their way back. */
#include "engine/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int job_cond_open(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    if (failed != 0)
        return failed;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
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
        job->samples_made += count;
        pthread_cond_signal(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
    if (!kept)
        job->utterance.status = error_memory(&job->utterance.error, "speech");
    return kept;
}

lt_status job_open(struct job *job, lt_error *error)
{
    if (pthread_mutex_init(&job->lock, NULL) != 0)
        return error_memory(error, "an utterance");
    if (job_cond_open(&job->changed) != 0) {
        pthread_mutex_destroy(&job->lock);
        return error_memory(error, "an utterance");
    }
    job->utterance.emit = receive;
    job->utterance.user = job;
    job->utterance.cancelled = job->stop;
    return LT_OK;
}

void job_close(struct job *job)
{
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job->samples);
    job->samples = NULL;
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

void job_finish(struct job *job, lt_status status, double speech_seconds)
{
    pthread_mutex_lock(&job->lock);
    job->utterance.status = status;
    job->speech_seconds = speech_seconds;
    job->done = true;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

void job_wait(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    while (!job->done)
        pthread_cond_wait(&job->changed, &job->lock);
    pthread_mutex_unlock(&job->lock);
}
