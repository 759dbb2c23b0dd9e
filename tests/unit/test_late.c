/* test_late.c: a library that is opened late works, and what is missing is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/late.h"

static double (*cosine)(double);
static int (*nothing)(void);

static void a_function_is_found(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}};
    char why[LATE_WHY] = "?";
    assert_true(late_open("libm.so.6", functions, 1, why));
    assert_string_equal(why, "");
    assert_true(cosine(0) == 1);
}

static void a_missing_library_is_named(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}};
    char why[LATE_WHY] = "";
    assert_false(late_open("libthere-is-none.so.7", functions, 1, why));
    assert_non_null(strstr(why, "libthere-is-none.so.7"));
}

static void a_missing_function_is_named(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}, {"there_is_none", &nothing}};
    char why[LATE_WHY] = "";
    assert_false(late_open("libm.so.6", functions, 2, why));
    assert_non_null(strstr(why, "there_is_none"));
    assert_null(nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_found),
        cmocka_unit_test(a_missing_library_is_named),
        cmocka_unit_test(a_missing_function_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
