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
    batcher_open(&batcher, 16, true, 0);
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
    batcher_open(&batcher, 16, true, 0);
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
        batcher_open(&batcher, 16, true, 0);
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
        batcher_open(&batcher, i == 0 ? 1 : 16, i == 0, 0);
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
    batcher_open(&batcher, 16, true, 0);
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
    batcher_open(&batcher, 1, true, 0);
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

/* Twelve books that begin together are spoken eight at a time; a reply that comes meanwhile waits for the eight, not
 * for the others and what would fill up their batch; but a book does not wait for replies for ever. */
static void a_short_reply_passes_a_crowd_of_books(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 16, true, 1);
    const int size = batcher.classes[CLASS_MEDIUM].size;
    for (int i = 0; i < size + 4; i++)
        batcher_add(&batcher, new_job(60, true), 1);
    for (int i = 0; i < size; i++)
        batcher_add(&batcher, new_job(60, false), 1);
    assert_int_equal(take(&batcher, 1, 100, jobs), size);
    release(jobs, size);
    batcher_add(&batcher, new_job(10, true), 5);
    batcher_report(&batcher,
                   &(struct batch_report){CLASS_MEDIUM, size, .audio_seconds = 80, .work_seconds = 8});
    assert_int_equal(take(&batcher, 9, 100, jobs), 1);
    assert_int_equal(jobs[0]->characters, 10);
    release(jobs, 1);
    batcher_report(&batcher, &(struct batch_report){CLASS_SHORT, 1, .audio_seconds = 2, .work_seconds = 0.5});

    batcher_add(&batcher, new_job(11, true), 8.9);       /* one that came later than the books may wait */
    assert_int_equal(take(&batcher, 9.5, 100, jobs), 4); /* and keeps later chunks out */
    assert_true(jobs[0]->urgent && jobs[3]->urgent);
    release(jobs, 4);
    batcher_report(&batcher, &(struct batch_report){CLASS_MEDIUM, 4, .audio_seconds = 40, .work_seconds = 4});
    assert_int_equal(take(&batcher, 13, 100, jobs), 1);
    assert_int_equal(jobs[0]->characters, 11);
    release(jobs, 1);
    assert_int_equal(take(&batcher, 14, 100, jobs), size);
    assert_false(jobs[0]->urgent);
    release(jobs, size);
}

static void a_removed_job_is_never_spoken(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX], *three[3];
    for (int gone = 0; gone < 3; gone++) { /* first, middle, last: the list stays whole */
        batcher_open(&batcher, 16, true, 0);
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

static void report(struct batcher *batcher, int length_class, int count, double work)
{
    batcher_report(batcher, &(struct batch_report){.length_class = length_class,
                                                   .count = count,
                                                   .audio_seconds = count,
                                                   .work_seconds = work});
}

static void sizes_follow_what_batches_cost(void **state)
{
    (void)state;
    struct batcher cheap, dear;
    batcher_open(&cheap, 64, true, 0);
    batcher_open(&dear, 64, true, 0);
    for (int i = 0; i < 200; i++) {
        for (int size = 1; size <= 64; size *= 2) {
            const double alone = 0.1 * size, more = 1 + 0.2 * size;
            report(&cheap, CLASS_MEDIUM, size, alone / more); /* ever cheaper */
            report(&dear, CLASS_MEDIUM, size, alone * more);  /* ever dearer */
        }
    }
    assert_true(cheap.classes[CLASS_MEDIUM].size > 8);
    assert_int_equal(dear.classes[CLASS_MEDIUM].size, 1);
    assert_non_null(strstr(dear.classes[CLASS_MEDIUM].size_reason, "smaller"));
    /* what was measured on a busy machine is not for ever */
    for (int i = 0; i < 200; i++)
        for (int size = 1; size <= dear.classes[CLASS_MEDIUM].size; size *= 2)
            report(&dear, CLASS_MEDIUM, size, 0.1 * size / (1 + 0.2 * size));
    assert_true(dear.classes[CLASS_MEDIUM].size > 8);
}

/* Sixteen requests meet an idle backend, then the next ones: a full batch makes their first sounds late. */
static void bursts_get_smaller_batches_when_first_sounds_are_late(void **state)
{
    (void)state;
    static const double wanted[] = {0, 2, 0.5};
    static const int sizes[] = {16, 16, 8};
    for (int w = 0; w < 3; w++) {
        struct batcher batcher;
        struct job *jobs[BATCH_MAX];
        batcher_open(&batcher, 64, true, wanted[w]);
        for (int burst = 0; burst < 12; burst++) {
            const double now = 100 * burst;
            for (int i = 0; i < 16; i++)
                batcher_add(&batcher, new_job(10, true), now);
            for (int count, spoken = 0; (count = take(&batcher, now + spoken, 16, jobs)) > 0;
                 spoken += count) {
                release(jobs, count);
                batcher_report(&batcher, &(struct batch_report){.length_class = CLASS_SHORT,
                                                                .count = count,
                                                                .audio_seconds = count,
                                                                .work_seconds = 0.05 * count,
                                                                .first_sound = 0.05 * count,
                                                                .rested = batcher.rested});
            }
            assert_int_equal(take(&batcher, now + 20, 16, jobs), 0); /* nothing is left */
        }
        assert_int_equal(batcher.classes[CLASS_SHORT].size, sizes[w]);
        assert_true((strstr(batcher.classes[CLASS_SHORT].size_reason, "first sounds") != NULL) == (w == 2));
        for (int i = 0; i < 10; i++) /* under load cost decides */
            report(&batcher, CLASS_SHORT, batcher.classes[CLASS_SHORT].size, 1);
        assert_int_equal(batcher.classes[CLASS_SHORT].size, 16);
    }
}

/* Replies come while the chunks of books are spoken, four together, for two seconds; or not at all; or so many
 * that each waits for others. */
static void replies_do_not_wait_for_large_batches_of_books(void **state)
{
    (void)state;
    enum { SOME, NONE, CROWD };
    for (int replies = SOME; replies <= CROWD; replies++) {
        struct batcher batcher;
        struct job *jobs[BATCH_MAX];
        batcher_open(&batcher, 64, true, 1);
        double now = 100;
        for (int i = 0; i < 50; i++) {
            while (batcher.classes[CLASS_LONG].waiting < 8)
                batcher_add(&batcher, new_job(250, false), now);
            if (i % 2 == 1 && replies != NONE)
                batcher_add(&batcher, new_job(30, true),
                            replies == CROWD ? now - 10 : now - 0.45 * batcher.classes[CLASS_LONG].size);
            int count = take(&batcher, now, 100, jobs);
            struct batch_report report = {.length_class = jobs[0]->length_class,
                                          .count = count,
                                          .audio_seconds = 5 * count,
                                          .work_seconds = 0.5 * count,
                                          .rested = batcher.rested};
            now += report.work_seconds;
            release(jobs, count);
            batcher_report(&batcher, &report);
            if (i == 5) /* after two that waited */
                assert_int_equal(batcher.classes[CLASS_LONG].size, replies == SOME ? 2 : 4);
        }
        assert_int_equal(batcher.classes[CLASS_LONG].size, replies == SOME ? 2 : 4);
        while (batcher.waiting > 0)
            release(jobs, take(&batcher, now, 0, jobs));
    }
}

static void waits_shrink_when_nobody_joins(void **state)
{
    (void)state;
    struct batcher batcher;
    struct job *jobs[BATCH_MAX];
    batcher_open(&batcher, 16, true, 0);
    double wait = batcher.classes[CLASS_SHORT].wait_seconds;
    for (int i = 0; i < 100; i++) {
        batcher_add(&batcher, new_job(10, true), i);
        assert_int_equal(take(&batcher, i + 0.5, 2, jobs), 1);
        release(jobs, 1);
        report(&batcher, CLASS_SHORT, 1, 0.1);
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
        cmocka_unit_test(a_short_reply_passes_a_crowd_of_books),
        cmocka_unit_test(a_removed_job_is_never_spoken),
        cmocka_unit_test(sizes_follow_what_batches_cost),
        cmocka_unit_test(waits_shrink_when_nobody_joins),
        cmocka_unit_test(bursts_get_smaller_batches_when_first_sounds_are_late),
        cmocka_unit_test(replies_do_not_wait_for_large_batches_of_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
