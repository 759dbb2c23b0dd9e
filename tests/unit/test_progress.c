/* test_progress.c: the progress bar of `litetts say`: what it tells, and that it never outgrows its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/progress.h"

static void assert_line(const struct progress_facts *facts, int width, const char *expected)
{
    struct str line = {0};
    progress_line(facts, width, &line);
    assert_string_equal(line.data != NULL ? line.data : "", expected);
    str_free(&line);
}

static void the_line_tells_all_that_fits(void **state)
{
    (void)state;
    const struct progress_facts facts = {
        .characters_done = 8787, .characters_total = 35149, .audio_seconds = 754.2, .work_seconds = 20};
    assert_line(&facts, 100,
                "[########.........................]  24 %  1:00 left  12:34 of audio  37.7x  "
                "8,787/35,149 characters");
    assert_line(&facts, 79,
                "[##..........]  24 %  1:00 left  12:34 of audio  37.7x  8,787/35,149 characters");
    assert_line(&facts, 60, "[####..............]  24 %  1:00 left  12:34 of audio  37.7x");
    assert_line(&facts, 20, " 24 %  1:00 left");
}

static void an_unknown_length_has_no_share(void **state)
{
    (void)state;
    const struct progress_facts facts = {
        .characters_done = 1234567, .audio_seconds = 3723, .work_seconds = 100};
    assert_line(&facts, 100, "1:02:03 of audio  37.2x  1,234,567 characters");
    assert_line(&facts, 40, "1:02:03 of audio  37.2x");
    assert_line(&facts, 20, "1:02:03 of audio");
    assert_line(&facts, 3, "");
}

static void no_line_is_wider_than_asked(void **state)
{
    (void)state;
    for (int width = 0; width < 200; width++) {
        for (uint64_t done = 0; done <= 1000000; done += 99999) {
            const struct progress_facts facts = {.characters_done = done,
                                                 .characters_total = width % 3 == 0 ? 0 : 1000000,
                                                 .audio_seconds = (double)done / 14,
                                                 .work_seconds = (double)done / 500};
            struct str line = {0};
            progress_line(&facts, width, &line);
            assert_true(line.length <= (size_t)width);
            str_free(&line);
        }
    }
}

static void durations_read_as_clocks(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00"},       {6.6, "0:07"}, {59.6, "1:00"}, {754, "12:34"},
                 {3600, "1:00:00"}, {-1, "0:00"},  {1e300, "0:00"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str text = {0};
        progress_put_duration(cases[i].seconds, &text);
        assert_string_equal(text.data, cases[i].text);
        str_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_tells_all_that_fits),
        cmocka_unit_test(an_unknown_length_has_no_share),
        cmocka_unit_test(no_line_is_wider_than_asked),
        cmocka_unit_test(durations_read_as_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
