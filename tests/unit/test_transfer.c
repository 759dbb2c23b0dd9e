/* test_transfer.c: the line that shows how far a download or an import is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/transfer.h"

static void assert_line(const struct transfer *transfer, uint64_t done, uint64_t total, double seconds,
                        const char *wanted)
{
    struct str line = {0};
    transfer_line(transfer, done, total, seconds, 100, &line);
    assert_string_equal(line.data, wanted);
    str_free(&line);
}

static void a_line_says_what_is_known(void **state)
{
    (void)state;
    struct transfer transfer = {.item = "model"};
    assert_line(&transfer, 0, 0, 0, "model  0.0 MB");
    assert_line(&transfer, 0, 4000000, 0, "model [....................]   0 %  0.0/4.0 MB");
    assert_line(&transfer, 1000000, 4000000, 2,
                "model [#####...............]  25 %  1.0/4.0 MB  0.5 MB/s  0:06 left");
    assert_line(&transfer, 4000000, 4000000, 2, "model [####################] 100 %  4.0/4.0 MB  2.0 MB/s");
    assert_line(&transfer, 5000000, 4000000, 2, "model  5.0 MB  2.5 MB/s"); /* more than announced */
}

static void the_rate_counts_what_this_run_brought(void **state)
{
    (void)state;
    struct transfer transfer = {.item = "model", .first = 3000000};
    assert_line(&transfer, 3500000, 4000000, 1,
                "model [#################...]  88 %  3.5/4.0 MB  0.5 MB/s  0:01 left");
    assert_line(&transfer, 0, 4000000, 1,
                "model [....................]   0 %  0.0/4.0 MB"); /* it started over */
}

static void a_long_name_is_cut(void **state)
{
    (void)state;
    struct transfer transfer = {0};
    transfer_item(&transfer,
                  "12345678901234567890123456789012345678901234567890123456789012345678901234567890", 7);
    assert_int_equal(transfer.first, 7);
    struct str line = {0};
    transfer_line(&transfer, 7, 0, 0, 100, &line);
    assert_string_equal(line.data, "123456789012345678901234567890123456789012345678901234567890123  0.0 MB");
    str_free(&line);
}

/* A line that wraps cannot be redrawn: the terminal would scroll ten times a second. */
static void a_line_fits_its_terminal(void **state)
{
    (void)state;
    static const char *const wanted[] = {
        [100] = "1/61 kokoro-v1_0.pth [##########..........]  52 %  170.2/327.2 MB  11.3 MB/s  0:14 left",
        [79] = "1/61 kokoro-v1_0.pth [######......]  52 %  170.2/327.2 MB  11.3 MB/s  0:14 left",
        [70] = "1/61 kokoro-v1_0.pth  52 %  170.2/327.2 MB  11.3 MB/s  0:14 left",
        [60] = "1/61 kokoro-v1_0.pth  52 %  170.2/327.2 MB  11.3 MB/s",
        [50] = "1/61 kokoro-v1_0.pth [##...]  52 %  170.2/327.2 MB",
        [30] = "1/61 kokoro-v1_0.pth  52 %",
        [10] = "1/61 kokor",
    };
    struct transfer transfer = {0};
    transfer_item(&transfer, "1/61 kokoro-v1_0.pth", 0);
    for (int width = 0; width <= 100; width++) {
        struct str line = {0};
        transfer_line(&transfer, 170200000, 327200000, 15.1, width, &line);
        assert_true(line.length <= (size_t)width);
        if (wanted[width] != NULL)
            assert_string_equal(line.data, wanted[width]);
        str_free(&line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_says_what_is_known),
        cmocka_unit_test(the_rate_counts_what_this_run_brought),
        cmocka_unit_test(a_long_name_is_cut),
        cmocka_unit_test(a_line_fits_its_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
