/* test_batcher.c: which utterances are spoken together, and when: the policy with a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/batcher.h"

static struct job *new_job(size_t characters, bool urgent)
{
    struct job *job = calloc(1, sizeof *job);
    job->characters = characters;
    job->urgent = urgent;
    return job;
}

static int take(struct batcher *batcher, double now, int requests, struct job **jobs)
{
    double until;
    int count = batcher_next(batcher, now, requests, jobs, &until);
    return count;
}

static void release(struct job **jobs, int count)
{
    for (int i = 0; i < count; i++)
        free(jobs[i]);
}

static void a_lone_request_never_waits(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 16, true);
    assert_int_equal(take(&batcher, 1, 1, jobs), 0);
    batcher_add(&batcher, new_job(10, true), 1);
    assert_int_equal(take(&batcher, 1, 1, jobs), 1);
    release(jobs, 1);
}

static void a_batch_leaves_when_its_oldest_has_waited(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    double until;
    batcher_open(&batcher, 16, true);
    batcher_add(&batcher, new_job(10, true), 1);
    batcher_add(&batcher, new_job(12, true), 1.001);
    assert_int_equal(batcher_next(&batcher, 1.0015, 5, jobs, &until), 0);
    assert_true(until > 1.0015 && until < 1.0101);
    assert_int_equal(batcher_next(&batcher, until, 5, jobs, &until), 2);
    release(jobs, 2);
}

static void a_full_batch_leaves_at_once(void **state)
{
    (void)state;
    static const size_t characters[CLASS_COUNT] = {20, 100, 101};
    static const int sizes[CLASS_COUNT] = {16, 8, 4};
    for (int c = 0; c < CLASS_COUNT; c++) {
        struct batcher batcher;
        struct job *jobs[BATCH_MAX];
        batcher_open(&batcher, 16, true);
        for (int i = 0; i < sizes[c] + 1; i++)
            batcher_add(&batcher, new_job(characters[c], true), 1);
        assert_int_equal(take(&batcher, 1, 100, jobs), sizes[c]);
        release(jobs, sizes[c]);
        assert_int_equal(take(&batcher, 1, 100, jobs), 0);
        assert_int_equal(take(&batcher, 2, 100, jobs), 1);
        release(jobs, 1);
    }
}

static void batching_off_or_impossible_means_one(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct batcher batcher;
        struct job *jobs[BATCH_MAX];
        batcher_open(&batcher, i == 0 ? 1 : 16, i == 0);
        for (int j = 0; j < 3; j++)
            batcher_add(&batcher, new_job(10, true), 1);
        for (int j = 0; j < 3; j++) {
            assert_int_equal(take(&batcher, 1, 10, jobs), 1);
            release(jobs, 1);
        }
    }
}

static void classes_do_not_mix(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 16, true);
    batcher_add(&batcher, new_job(300, true), 1.0);
    batcher_add(&batcher, new_job(10, true), 1.1);
    batcher_add(&batcher, new_job(300, true), 1.2);
    assert_int_equal(take(&batcher, 2, 3, jobs), 2);
    assert_int_equal(jobs[0]->characters, 300);
    assert_int_equal(jobs[1]->characters, 300);
    release(jobs, 2);
    assert_int_equal(take(&batcher, 2, 3, jobs), 1);
    release(jobs, 1);
}

/* A long book must not delay the first sound of a reply, nor a crowd of replies stop the book. */
static void first_utterances_go_first_but_do_not_starve_later_ones(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 1, true);
    batcher_add(&batcher, new_job(50, false), 1.0);
    for (int i = 0; i < 10; i++)
        batcher_add(&batcher, new_job(50, true), 1.1);
    int book_at = -1;
    for (int i = 0; i < 11; i++) {
        assert_int_equal(take(&batcher, 2, 11, jobs), 1);
        if (!jobs[0]->urgent)
            book_at = i;
        release(jobs, 1);
    }
    assert_true(book_at >= 1 && book_at <= 5);
}

static void a_removed_job_is_never_spoken(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX], *three[3];
    for (int gone = 0; gone < 3; gone++) { /* first, middle, last: the list stays whole */
        batcher_open(&batcher, 16, true);
        for (int i = 0; i < 3; i++) {
            three[i] = new_job(10, i == 1);
            batcher_add(&batcher, three[i], 1 + i * 0.1);
        }
        assert_true(batcher_remove(&batcher, three[gone]));
        assert_false(batcher_remove(&batcher, three[gone]));
        batcher_add(&batcher, new_job(10, true), 2);
        int count = take(&batcher, 3, 3, jobs);
        assert_int_equal(count, 3);
        for (int i = 0; i < count; i++)
            assert_ptr_not_equal(jobs[i], three[gone]);
        release(jobs, count);
        free(three[gone]);
        assert_int_equal(batcher.waiting, 0);
    }
}

static void sizes_follow_what_batches_cost(void **state)
{
    (void)state;
    struct batcher cheap, dear;
    batcher_open(&cheap, 64, true);
    batcher_open(&dear, 64, true);
    for (int i = 0; i < 200; i++) {
        for (int size = 1; size <= 64; size *= 2) {
            batcher_report(&cheap, CLASS_MEDIUM, size, size,
                           0.1 * size / (1 + 0.2 * size));                                  /* ever cheaper */
            batcher_report(&dear, CLASS_MEDIUM, size, size, 0.1 * size * (1 + 0.2 * size)); /* ever dearer */
        }
    }
    assert_true(cheap.classes[CLASS_MEDIUM].size > 8);
    assert_int_equal(dear.classes[CLASS_MEDIUM].size, 1);
    assert_non_null(strstr(dear.classes[CLASS_MEDIUM].size_reason, "smaller"));
}

static void waits_shrink_when_nobody_joins(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 16, true);
    double wait = batcher.classes[CLASS_SHORT].wait_seconds;
    for (int i = 0; i < 100; i++) {
        batcher_add(&batcher, new_job(10, true), i);
        assert_int_equal(take(&batcher, i + 0.5, 2, jobs), 1);
        release(jobs, 1);
        batcher_report(&batcher, CLASS_SHORT, 1, 1, 0.1);
    }
    assert_true(batcher.classes[CLASS_SHORT].wait_seconds < wait / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_request_never_waits),
        cmocka_unit_test(a_batch_leaves_when_its_oldest_has_waited),
        cmocka_unit_test(a_full_batch_leaves_at_once),
        cmocka_unit_test(batching_off_or_impossible_means_one),
        cmocka_unit_test(classes_do_not_mix),
        cmocka_unit_test(first_utterances_go_first_but_do_not_starve_later_ones),
        cmocka_unit_test(a_removed_job_is_never_spoken),
        cmocka_unit_test(sizes_follow_what_batches_cost),
        cmocka_unit_test(waits_shrink_when_nobody_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
