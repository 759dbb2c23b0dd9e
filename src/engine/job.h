/* job.h: one utterance on its way through a backend, and its samples on their way back. */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include <pthread.h>

#include "voices/backend.h"

/* Owned by the request that submits it, which must wait for `done` before it lets go of the job or of anything that the
 * utterance points to. */
struct job {
    struct utterance
        utterance;     /* filled by the owner but for emit, user and cancelled, which are set by job_open */
    int backend;       /* index in the registry */
    bool urgent;       /* first utterance of its request: its listener hears nothing yet */
    size_t characters; /* of its text: says its length class */
    const atomic_bool *stop; /* the owner no longer wants it; valid during the job's life */

    pthread_mutex_t lock;   /* guards the fields below, up to `next` */
    pthread_cond_t changed; /* new samples, or done */
    float *samples;         /* samples not yet taken */
    size_t sample_count, sample_capacity;
    uint64_t samples_made; /* all that the backend has emitted */
    double speech_seconds; /* the backend's work; a batch's is shared equally */
    bool done;

    struct job *next; /* in the batcher, as are the two below; guarded by the queue's lock */
    double submitted; /* clock_seconds() */
    int length_class;
};

/* Sets up the scheduler's part of a job whose public fields are filled. Errors: LT_ERR_MEMORY. */
lt_status job_open(struct job *job, lt_error *error);
void job_close(struct job *job);

/* Waits up to `seconds` for samples or the end. Moves what there is into *samples / *capacity (swapping buffers, so that
 * nothing is copied), returns how many, and sets *done when nothing will follow. */
size_t job_take(struct job *job, double seconds, float **samples, size_t *capacity, bool *done);

/* Ends a job; its owner may free it as soon as this has released the lock. */
void job_finish(struct job *job, lt_status status, double speech_seconds);

/* Waits until a job is done. */
void job_wait(struct job *job);

/* A condition variable on the monotonic clock, so that a changed wall clock does not matter; 0 or an errno value. */
int job_cond_open(pthread_cond_t *cond);

#endif
