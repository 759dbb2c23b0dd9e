/* test_threads.c: the thread pool runs each task once, hands memory over, and survives thousands of jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
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
        assert_int_equal(threads_create(threads, &pool, NULL), LT_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_task_once), cmocka_unit_test(test_no_pool)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
