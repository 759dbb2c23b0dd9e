/* threads.h: starting threads, and a small pool of them that share out the tasks of one job.
 *
 * The engine cuts each step of an utterance into tasks (blocks of rows), runs them here and goes on when all
 * are done. Steps are short, from some ten microseconds, so a waiting thread first spins for a moment before
 * it sleeps. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

/* Starts a thread with a stack of THREAD_STACK_BYTES, a fraction of the usual, since address space may be
 * limited and a server has hundreds of threads; what they run keeps its arrays on the heap. Returns 0 or an
 * errno value. */
enum { THREAD_STACK_BYTES = 1 << 20 };
int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* A thread that leaves nothing behind. The C library keeps the stacks of threads that have ended for the
 * next ones, 40 MiB of them, each with 20 to 30 KiB of touched pages and a block on the heap; so a process
 * whose threads come and go would keep, for ever, what the most that ever ran at once had. The stack of a
 * passing thread is as large as that of thread_start, has a page below it that traps, and is unmapped when
 * the thread is joined, which has to be done. passing_start returns 0 or an errno value. */
struct passing {
    pthread_t thread;
    void *stack; /* mapped; the guard page is its first */
};
int passing_start(struct passing *passing, void *(*run)(void *argument), void *argument);
void passing_join(struct passing *passing);

/* Condition variables that wait on clock_seconds()'s clock, so that a changed wall clock does not matter.
 * thread_cond_open returns 0 or an errno value. thread_wait_until waits, like pthread_cond_wait, until
 * `moment` at the latest: false when that has come. */
int thread_cond_open(pthread_cond_t *cond);
bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, double moment);

struct threads;

/* One task: `task` counts from 0, `thread` is below threads_count() and never the same in two tasks that run
 * at once: the index of scratch memory. */
typedef void threads_task(void *arg, int task, int thread);

/* Processors that this process may run on, at least 1. */
int threads_available(void);

/* Makes a pool of `count` threads, the one that calls threads_run() included: count - 1 are started; 1 or
 * less starts none. `pinned` keeps each of the started ones on a processor of its own, as long as the
 * process has enough of them; the caller's thread is the caller's, and stays free to move. Errors:
 * LT_ERR_MEMORY. */
lt_status threads_create(int count, bool pinned, struct threads **pool, lt_error *error);

/* Ends the threads; NULL is fine. No threads_run() may be in progress. */
void threads_destroy(struct threads *pool);

/* Threads of the pool, the caller included; 1 for NULL. */
int threads_count(const struct threads *pool);

/* Calls task(arg, 0 .. tasks - 1, ...), each once, in any order, on the pool and the calling thread; returns
 * when all have returned. Everything written before the call is seen by the tasks, everything written by them
 * is seen after it. With NULL, a pool of one or a single task, they run here in order. One threads_run() of a
 * pool at a time, and not from inside a task. */
void threads_run(struct threads *pool, threads_task *task, void *arg, int tasks);

#endif
