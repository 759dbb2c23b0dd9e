/* test_threads.c: the thread pool runs each task once, hands memory over, and survives thousands of jobs. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/threads.h"

enum { MOST_THREADS = 5, MOST_TASKS = 200 };

struct job {
    int runs
        [MOST_TASKS]; /* of each task: plain integers, so that the thread sanitizer sees a task run twice */
    int inside[MOST_THREADS]; /* tasks running on a thread index right now */
    int threads;
    int input;
};

static void count(void *arg, int task, int thread)
{
    struct job *job = arg;
    assert_in_range(thread, 0, job->threads - 1);
    assert_int_equal(job->inside[thread]++, 0);
    job->runs[task] += job->input;
    job->inside[thread]--;
}

static void test_each_task_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= MOST_THREADS; threads += 2) {
        struct threads *pool;
        assert_int_equal(threads_create(threads, false, &pool, NULL), LT_OK);
        assert_int_equal(threads_count(pool), threads);
        for (int round = 0; round < 2000; round++) {
            struct job job = {.threads = threads, .input = round + 1};
            int tasks = round * 7 % MOST_TASKS;
            threads_run(pool, count, &job, tasks);
            for (int i = 0; i < MOST_TASKS; i++)
                assert_int_equal(job.runs[i], i < tasks ? round + 1 : 0);
            if (round % 500 == 0)
                usleep(1000); /* long enough for the workers to fall asleep */
        }
        threads_destroy(pool);
    }
}

/* Uses half of the stack, and tells where it is. */
static void *use_stack(void *argument)
{
    volatile char touched[THREAD_STACK_BYTES / 2];
    for (size_t i = 0; i < sizeof touched; i += 1024)
        touched[i] = 1;
    *(uintptr_t *)argument = (uintptr_t)touched;
    return NULL;
}

/* Threads that come and go leave no stacks behind. */
static void test_passing(void **state)
{
    (void)state;
    enum { TOGETHER = 20 };
    struct passing threads[TOGETHER];
    uintptr_t stacks[TOGETHER] = {0};
    for (int i = 0; i < TOGETHER; i++)
        assert_int_equal(passing_start(&threads[i], use_stack, &stacks[i]), 0);
    for (int i = 0; i < TOGETHER; i++)
        passing_join(&threads[i]);
    int mapped = 0;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < TOGETHER; i++) {
        assert_true(stacks[i] != 0);
        mapped += msync((void *)(stacks[i] / page * page), page, MS_ASYNC) == 0;
    }
    assert_in_range(mapped, 0, TOGETHER / 2); /* a sanitizer may have put something there meanwhile */
}

static void test_no_pool(void **state)
{
    (void)state;
    struct job job = {.threads = 1, .input = 1};
    threads_run(NULL, count, &job, 3);
    assert_int_equal(job.runs[2], 1);
    assert_int_equal(threads_count(NULL), 1);
    assert_true(threads_available() >= 1);
    threads_destroy(NULL);
}

/* Notes on how many processors each thread may run; the first task waits for the second, so that two threads take one each. */
struct places {
    atomic_int started;
    int cpus[2], first[2];
};

static void look_where(void *arg, int task, int thread)
{
    struct places *places = arg;
    (void)task;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    places->cpus[thread] = CPU_COUNT(&set);
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--)
        if (CPU_ISSET(cpu, &set))
            places->first[thread] = cpu;
    atomic_fetch_add(&places->started, 1);
    while (atomic_load(&places->started) < 2)
        sched_yield();
}

static void test_pinned(void **state)
{
    (void)state;
    if (threads_available() < 2)
        skip();
    for (int pinned = 0; pinned < 2; pinned++) {
        struct threads *pool;
        struct places places = {0};
        assert_int_equal(threads_create(2, pinned, &pool, NULL), LT_OK);
        threads_run(pool, look_where, &places, 2);
        assert_int_equal(places.cpus[0], threads_available());
        assert_int_equal(places.cpus[1], pinned ? 1 : threads_available());
        if (pinned)
            assert_int_not_equal(places.first[1], places.first[0]);
        threads_destroy(pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_task_once), cmocka_unit_test(test_no_pool),
                                       cmocka_unit_test(test_passing), cmocka_unit_test(test_pinned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
