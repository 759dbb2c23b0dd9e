/* job.h: one utterance on its way through a backend; its samples go into a clip. */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "engine/clip.h"
#include "voices/registry.h"

/* Belongs to its clip's users together: it may outlive the request that submitted it, so it holds copies
 * of all that the utterance points to. */
struct job {
    struct utterance utterance;
    struct clip *clip;
    const struct registry *registry;
    struct voice_ref voice; /* released with the job */
    int backend;            /* index in the registry */
    bool urgent;            /* first utterance of its request: its listener hears nothing yet */
    size_t characters;      /* of its text: says its length class */
    atomic_bool stop;       /* nobody wants it any more */

    uint64_t samples_made;      /* the worker's, until the clip is done, as is: */
    double first_sound;         /* clock_seconds() of its first samples */
    struct spoken_batch *batch; /* the scheduler's, while it is spoken */

    struct job *next; /* in the batcher, as are the two below; guarded by the queue's lock */
    double submitted; /* clock_seconds() */
    int length_class;
};

/* A job that speaks `utterance` (text, phonemes, words, speed and seed are copied) with `voice`, which it
 * takes over on success, into `clip`. NULL when out of memory. */
struct job *job_new(struct clip *clip, const struct utterance *utterance, const struct registry *registry,
                    const struct voice_ref *voice, bool urgent);

/* The job must not have been submitted, or be done. NULL is fine. */
void job_free(struct job *job);

/* Ends a job: the clip gets its words' times and its status. Its users may free it as soon as this wakes
 * them. */
void job_finish(struct job *job, lt_status status, double speech_seconds);

#endif
