/* scheduler.h: who speaks when: utterances of all requests wait here for a backend.
 *
 * Each backend has a queue and worker threads: one when the backend is serial (it runs threads of its own
 * inside), else engine.threads of them. A worker takes the batch that the queue's batcher chooses and has
 * the backend speak it.
 *
 * Locks: one mutex a queue for its batcher, one a clip for its samples; neither is held while another is
 * taken. */
#ifndef ENGINE_SCHEDULER_H
#define ENGINE_SCHEDULER_H

#include "engine/batcher.h"
#include "voices/registry.h"

struct scheduler;

lt_status scheduler_open(const lt_config *config, const struct registry *registry,
                         struct scheduler **scheduler, lt_error *error);
/* Ends the workers; no job may be waiting. */
void scheduler_close(struct scheduler *scheduler);

/* Tells that a request begins and ends to use a backend: batches wait only while some open request might
 * join. */
void scheduler_enter(struct scheduler *scheduler, int backend);
void scheduler_leave(struct scheduler *scheduler, int backend);

/* Puts a new job into its backend's queue. */
void scheduler_submit(struct scheduler *scheduler, struct job *job);

/* Takes a job that has not begun out of the queue, or waits until it is done: either way it is done
 * afterwards. Set job->stop first, so that a job which runs ends soon. */
void scheduler_withdraw(struct scheduler *scheduler, struct job *job);

/* A copy of the present state of a backend's classes, for statistics; returns how many requests are open. */
int scheduler_look(struct scheduler *scheduler, int backend, struct batch_class classes[CLASS_COUNT]);

/* From now on batches are tuned so that requests get their first sound within `seconds`; 0: at any time. At
 * first that is target.first_audio_ms. */
void scheduler_want(struct scheduler *scheduler, double seconds);
double scheduler_wanted(struct scheduler *scheduler);

/* Threads on which a backend is called. */
int scheduler_workers(const struct scheduler *scheduler, int backend);

#endif
