/* threads.c: the pool of threads.
 *
 * A job is announced by raising `generation`; every worker answers each generation once and counts itself out
 * of `busy`, so when busy is 0 nobody looks at the job any more and the next may be written. Tasks are
 * claimed from one counter. */
#include "base/threads.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

/* After how long a waiting thread lets others run between two looks, and after how long it sleeps. Most waits are short: one
 * thread's share of a layer takes longer than another's, or a step is serial. To be woken takes a virtual machine, which
 * stops an idle processor, longer than most of them; but where others have work for the processor, they come first. */
static const double yield_after_seconds = 50e-6, sleep_after_seconds = 1e-3;

struct worker {
    struct threads *pool;
    pthread_t thread;
    int index;
};

struct threads {
    int count; /* workers and the caller */
    struct worker *workers;
    pthread_mutex_t lock; /* only for sleeping and waking */
    pthread_cond_t started, finished;
    atomic_uint generation;
    atomic_bool stop;

    threads_task *task; /* the job of this generation */
    void *arg;
    int tasks;
    atomic_int next; /* first task that nobody has claimed */
    atomic_int busy; /* workers that have not answered this generation */
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Whether there is another generation than `seen`; and whether all workers have answered this one. */
static bool job_announced(struct threads *pool, unsigned seen)
{
    return atomic_load_explicit(&pool->generation, memory_order_acquire) != seen;
}

static bool workers_done(struct threads *pool, unsigned seen)
{
    (void)seen;
    return atomic_load_explicit(&pool->busy, memory_order_acquire) == 0;
}

/* Waits until `ready`; whoever makes it so signals `changed` under the lock. */
static void await(struct threads *pool, bool (*ready)(struct threads *pool, unsigned seen), unsigned seen,
                  pthread_cond_t *changed)
{
    const double begin = clock_seconds();
    for (double waited = 0; waited < sleep_after_seconds; waited = clock_seconds() - begin) {
        for (int i = 0; i < 32; i++) {
            if (ready(pool, seen))
                return;
            relax();
        }
        if (waited > yield_after_seconds)
            sched_yield();
    }
    pthread_mutex_lock(&pool->lock);
    while (!ready(pool, seen))
        pthread_cond_wait(changed, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void work(struct threads *pool, int thread)
{
    for (;;) {
        int task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (task >= pool->tasks)
            return;
        pool->task(pool->arg, task, thread);
    }
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct threads *pool = worker->pool;
    for (unsigned seen = 0;; seen++) {
        await(pool, job_announced, seen, &pool->started);
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return NULL;
        work(pool, worker->index);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

/* Raises the generation and wakes who sleeps. The lock makes sure that nobody falls asleep in between. */
static void announce(struct threads *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->started);
    pthread_mutex_unlock(&pool->lock);
}

int thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0)
        return failed;
    failed = pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    if (failed == 0)
        failed = pthread_create(thread, &attributes, run, argument);
    pthread_attr_destroy(&attributes);
    return failed;
}

/* The thread sanitizer keeps some hundred KiB of its own on each stack, and makes only those larger that the C
 * library maps. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_THREAD_SANITIZER
#endif
#endif
#ifdef UNDER_THREAD_SANITIZER
enum { PASSING_STACK_BYTES = 4 * THREAD_STACK_BYTES };
#else
enum { PASSING_STACK_BYTES = THREAD_STACK_BYTES };
#endif

static size_t guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* Maps a stack above its guard; NULL with errno set. */
static void *map_stack(void)
{
    const size_t guard = guard_bytes(), size = guard + PASSING_STACK_BYTES;
    char *stack = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return NULL;
    if (mprotect(stack + guard, PASSING_STACK_BYTES, PROT_READ | PROT_WRITE) == 0)
        return stack;
    const int reason = errno;
    munmap(stack, size);
    errno = reason;
    return NULL;
}

static void unmap_stack(void *stack)
{
    munmap(stack, guard_bytes() + PASSING_STACK_BYTES);
}

int passing_start(struct passing *passing, void *(*run)(void *argument), void *argument)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0)
        return failed;
    passing->stack = map_stack();
    failed = passing->stack == NULL ? errno : 0;
    if (failed == 0)
        failed =
            pthread_attr_setstack(&attributes, (char *)passing->stack + guard_bytes(), PASSING_STACK_BYTES);
    if (failed == 0)
        failed = pthread_create(&passing->thread, &attributes, run, argument);
    if (failed != 0 && passing->stack != NULL)
        unmap_stack(passing->stack);
    pthread_attr_destroy(&attributes);
    return failed;
}

void passing_join(struct passing *passing)
{
    pthread_join(passing->thread, NULL);
    unmap_stack(passing->stack);
}

int thread_cond_open(pthread_cond_t *cond)
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

bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, double moment)
{
    const double whole = floor(moment);
    const struct timespec until = {(time_t)whole, (long)((moment - whole) * 1e9)};
    return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

int threads_available(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}

/* Keeps each worker on one of the processors that the process may use, but the first. One that cannot be
 * kept moves. */
static void pin_workers(struct threads *pool)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < pool->count)
        return;
    int cpu = 0;
    while (!CPU_ISSET(cpu, &set))
        cpu++;
    for (int i = 0; i < pool->count - 1; i++) {
        for (cpu++; !CPU_ISSET(cpu, &set); cpu++) {
        }
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        pthread_setaffinity_np(pool->workers[i].thread, sizeof one, &one);
    }
}

lt_status threads_create(int count, bool pinned, struct threads **pool, lt_error *error)
{
    *pool = NULL;
    struct threads *p = calloc(1, sizeof *p);
    if (!p)
        return error_memory(error, "the thread pool");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->started, NULL);
    pthread_cond_init(&p->finished, NULL);
    p->count = 1;
    p->workers = count > 1 ? calloc((size_t)count - 1, sizeof *p->workers) : NULL;
    for (int i = 1; i < count; i++) {
        int failed = 1;
        if (p->workers) {
            p->workers[i - 1] = (struct worker){.pool = p, .index = i};
            failed = thread_start(&p->workers[i - 1].thread, worker_main, &p->workers[i - 1]);
        }
        if (failed) {
            threads_destroy(p);
            return error_set(error, LT_ERR_MEMORY, "cannot start thread %d of %d; use fewer threads", i + 1,
                             count);
        }
        p->count++;
    }
    if (pinned)
        pin_workers(p);
    *pool = p;
    return error_none(error);
}

void threads_destroy(struct threads *pool)
{
    if (!pool)
        return;
    atomic_store_explicit(&pool->stop, true, memory_order_relaxed);
    announce(pool);
    for (int i = 1; i < pool->count; i++)
        pthread_join(pool->workers[i - 1].thread, NULL);
    pthread_cond_destroy(&pool->started);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int threads_count(const struct threads *pool)
{
    return pool ? pool->count : 1;
}

void threads_run(struct threads *pool, threads_task *task, void *arg, int tasks)
{
    if (threads_count(pool) == 1 || tasks <= 1) {
        for (int i = 0; i < tasks; i++)
            task(arg, i, 0);
        return;
    }
    pool->task = task;
    pool->arg = arg;
    pool->tasks = tasks;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->count - 1, memory_order_relaxed);
    announce(pool);
    work(pool, 0);
    await(pool, workers_done, 0, &pool->finished);
}
