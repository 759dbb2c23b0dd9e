/* test_late.c: a library that is opened late works, and what is missing is told. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/late.h"
#include "sanitized.h"

static double (*cosine)(double);
static int (*nothing)(void);

static void a_function_is_found(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}};
    lt_error error;
    assert_int_equal(late_open("this", "libm.so.6", "install it", functions, 1, &error), LT_OK);
    assert_string_equal(error.message, "");
    assert_true(cosine(0) == 1);
}

static void a_missing_library_is_named(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}};
    lt_error error;
    assert_int_equal(late_open("this", "libthere-is-none.so.7", "install it", functions, 1, &error),
                     LT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "this needs libthere-is-none.so.7: install it ("));
}

static void a_missing_function_is_named(void **state)
{
    (void)state;
    const struct late_function functions[] = {{"cos", &cosine}, {"there_is_none", &nothing}};
    lt_error error;
    assert_int_equal(late_open("this", "libm.so.6", "install it", functions, 2, &error), LT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "there_is_none"));
    assert_null(nothing);
}

/* Bytes of address space that the process has now; 0 where that is not known. */
static rlim_t address_space(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* A library that there is no address space for is not called missing, and is there when there is room again. */
static void want_of_address_space_is_no_missing_library(void **state)
{
    (void)state;
    const char *soname = "libflite_cmu_us_kal16.so.1"; /* several megabytes, which the program needs, too */
    void (*registers)(void);
    const struct late_function functions[] = {{"register_cmu_us_kal16", &registers}};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    const rlim_t now = address_space();
    lt_error error;
    /* sanitizers need address space themselves */
    if (SANITIZED || now == 0 || before.rlim_cur != RLIM_INFINITY ||
        dlopen(soname, RTLD_LAZY | RTLD_NOLOAD) != NULL)
        skip();
    const struct rlimit little = {now + (1 << 20), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
    const lt_status status = late_open("this", soname, "install it", functions, 1, &error);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(status, LT_ERR_MEMORY);
    assert_non_null(strstr(error.message, soname));
    assert_int_equal(late_open("this", soname, "install it", functions, 1, &error), LT_OK);
    assert_non_null(registers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_found),
        cmocka_unit_test(a_missing_library_is_named),
        cmocka_unit_test(a_missing_function_is_named),
        cmocka_unit_test(want_of_address_space_is_no_missing_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
