/* scheduler.h: who speaks when: utterances of all requests wait here for a backend.
 *
 * Each backend has a queue and worker threads: one when the backend is serial (it runs threads of its own inside),
 * else engine.threads of them. A worker takes up to max_batch waiting jobs and speaks them as one batch. First
 * utterances of a request go before later ones, so that a long book does not delay the first sound of a reply.
 *
 * Locks: one mutex a queue for its list, one a job for its samples; a job's is never held while a queue's is taken. */
#ifndef ENGINE_SCHEDULER_H
#define ENGINE_SCHEDULER_H

#include <pthread.h>

#include "voices/registry.h"

struct scheduler;

/* One utterance on its way through a backend. Owned by the request that submits it, which must wait for `done` before it
 * lets go of the job or of anything that the utterance points to. */
struct job {
    struct utterance utterance; /* filled by the owner but for emit and user, which are the scheduler's */
    int backend;                /* index in the registry */
    bool urgent;                /* first utterance of its request */
    const atomic_bool *stop;    /* the owner no longer wants it; constant during the job's life */

    pthread_mutex_t lock;   /* guards the fields below */
    pthread_cond_t changed; /* new samples, or done */
    float *samples;         /* samples not yet taken */
    size_t sample_count, sample_capacity;
    double speech_seconds; /* the backend's work, a batch's shared equally */
    bool done;

    struct job *next; /* in the queue; guarded by the queue's lock */
};

lt_status scheduler_open(const lt_config *config, const struct registry *registry,
                         struct scheduler **scheduler, lt_error *error);
/* Ends the workers; no job may be waiting. */
void scheduler_close(struct scheduler *scheduler);

/* Sets up and tears down the scheduler's part of a job. */
lt_status job_open(struct job *job, lt_error *error);
void job_close(struct job *job);

/* Puts a job into its backend's queue. */
void scheduler_submit(struct scheduler *scheduler, struct job *job);

/* Takes a job that has not begun out of the queue, or waits until it is done: either way it is done afterwards. Set
 * *job->stop first, so that a job which runs ends soon. */
void scheduler_withdraw(struct scheduler *scheduler, struct job *job);

/* Waits up to `seconds` for samples or the end. Moves what there is into *samples / *capacity (swapping buffers, so that
 * nothing is copied), returns how many, and sets *done when nothing will follow. */
size_t job_take(struct job *job, double seconds, float **samples, size_t *capacity, bool *done);

#endif
