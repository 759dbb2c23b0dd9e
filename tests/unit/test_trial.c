/* test_trial.c: the statistics of benchmarks. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/trial.h"

static void assert_quartiles(struct quartiles q, double lower, double median, double upper)
{
    assert_true(fabs(q.lower - lower) < 1e-12);
    assert_true(fabs(q.median - median) < 1e-12);
    assert_true(fabs(q.upper - upper) < 1e-12);
}

static void quartiles_are_interpolated(void **state)
{
    (void)state;
    double one[] = {7}, two[] = {2, 1}, five[] = {4, 1, 3, 2, 5}, same[] = {3, 3, 3, 3};
    assert_quartiles(trial_quartiles(one, 1), 7, 7, 7);
    assert_quartiles(trial_quartiles(two, 2), 1.25, 1.5, 1.75);
    assert_quartiles(trial_quartiles(five, 5), 2, 3, 4);
    assert_quartiles(trial_quartiles(same, 4), 3, 3, 3);
    double outlier[] = {1, 2, 3, 4, 1000};
    assert_quartiles(trial_quartiles(outlier, 5), 2, 3, 4);
}

static void more_measurements_are_surer(void **state)
{
    (void)state;
    const struct quartiles q = {2, 3, 4};
    assert_true(fabs(trial_uncertainty(q, 4) - 1.57) < 1e-12);
    assert_true(fabs(trial_uncertainty(q, 100) - 0.314) < 1e-12);
    assert_true(trial_uncertainty((struct quartiles){3, 3, 3}, 4) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quartiles_are_interpolated),
        cmocka_unit_test(more_measurements_are_surer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
