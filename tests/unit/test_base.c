/* test_base.c: errors, strings, UTF-8 and configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"

static void utf8_rejects_what_rfc_3629_forbids(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size, first_invalid;
    } cases[] = {
        {"plain", 5, 5},
        {"h\xc3\xa9llo", 6, 6},
        {"\xf0\x9f\x98\x80", 4, 4},
        {"a\xc0\x80", 3, 1},          /* overlong NUL */
        {"a\xed\xa0\x80", 4, 1},      /* a surrogate */
        {"ab\xf4\x90\x80\x80", 6, 2}, /* beyond U+10FFFF */
        {"\xe2\x82", 2, 0},           /* cut short */
        {"ok\xff", 3, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_first_invalid(cases[i].bytes, cases[i].size), cases[i].first_invalid);
}

static void utf8_floor_never_splits_a_character(void **state)
{
    (void)state;
    const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"; /* borders at 0 1 3 6 10 11 */
    static const size_t floors[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t size = 0; size < 12; size++)
        assert_int_equal(utf8_floor(text, size), floors[size]);
    assert_int_equal(utf8_count(text, 11), 5);
}

static void utf8_round_trips_every_scalar_value(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        char bytes[4];
        uint32_t back = 0;
        size_t n = utf8_encode(c, bytes);
        assert_int_equal(utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, c);
    }
}

static void utf8_clean_replaces_what_is_no_character(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xe9", "caf?"},
        {"\xff", "?"},
        {"\xed\xa0\x80.", "???."},                  /* a surrogate */
        {"\xe2\x82", "??"},                         /* cut off */
        {"\xe2\x82\xe2\x82\xac", "??\xe2\x82\xac"}, /* cut off before a whole one */
        {"twelve bytes\x80 and \xc3\xa9", "twelve bytes? and \xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *clean = utf8_clean_copy(cases[i][0]);
        assert_string_equal(clean, cases[i][1]);
        free(clean);
    }
    char longer[] = "a\xff\xff"; /* nothing beyond the size */
    utf8_clean(longer, 2);
    assert_memory_equal(longer, "a?\xff", 4);
}

static void guesses_need_something_in_common(void **state)
{
    (void)state;
    assert_int_equal(str_guess("speed", "speed"), 0);
    assert_int_equal(str_guess("sped", "speed"), 1);
    assert_int_equal(str_guess("out", "output"), 1); /* the beginning of a name */
    assert_int_equal(str_guess("sya", "say"), 1);    /* neighbours swapped */
    assert_int_equal(str_guess("srevre", "server"), 2);
    assert_int_equal(str_guess("mpe_bitrata", "mp3_bitrate"), 2);
    assert_int_equal(str_guess("foo", "top"), SIZE_MAX); /* two letters of three */
    assert_int_equal(str_guess("sy", "say"), SIZE_MAX);
    assert_int_equal(str_guess("list", "tune"), SIZE_MAX);
    assert_int_equal(str_guess("start", "serve"), SIZE_MAX);
    assert_int_equal(str_guess("nonsense", "voice"), SIZE_MAX);
    assert_int_equal(str_guess("version", "serve"), SIZE_MAX);
    assert_int_equal(str_guess("b", "batching"), SIZE_MAX);
    assert_int_equal(str_guess("", "isa"), SIZE_MAX);
}

static void ascii_letters_have_no_case(void **state)
{
    (void)state;
    assert_true(str_equal_nocase("LITE-tts_9", "lite-TTS_9"));
    assert_true(str_equal_nocase("", ""));
    assert_false(str_equal_nocase("kal", "kal16"));
    assert_false(str_equal_nocase("kal16", "kal"));
    assert_false(str_equal_nocase("\xc3\x89", "\xc3\xa9")); /* É é: no ASCII */
    assert_false(str_equal_nocase("@", "`"));               /* 0x20 apart, and no letters */
    assert_true(str_equal_nocase_n("REDIS://host", "redis://", 8));
    assert_false(str_equal_nocase_n("red", "redis://", 8));
}

static void numbers_are_all_of_their_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double number;
    } numbers[] = {{"0", 0},  {"-1.5", -1.5}, {"+2", 2},    {".5", 0.5},
                   {"2.", 2}, {"25e-1", 2.5}, {"1E3", 1000}};
    double number = 7;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_true(str_to_number(numbers[i].text, &number));
        assert_true(number == numbers[i].number);
    }
    static const char *const none[] = {"",       " ",     "x",   " 1",   "1 ",  "1x",       "1,5",
                                       "0x10",   "0x1p3", "inf", "-inf", "nan", "infinity", "1e999",
                                       "-1e999", "e5",    "1e",  "--1",  "-",   "1.2.3",    "1\n",
                                       "\t1",    ".",     "1 2", "1e+"};
    int64_t whole = 7;
    number = 7;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(str_to_number(none[i], &number));
        assert_false(str_to_whole(none[i], &whole));
    }
    static const char *const broken[] = {"1.0", "1e3", "9223372036854775808", "-9223372036854775809"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(str_to_whole(broken[i], &whole));
    assert_true(number == 7 && whole == 7);
    assert_true(str_to_whole("-9223372036854775808", &whole) && whole == INT64_MIN);
    assert_true(str_to_whole("+12", &whole) && whole == 12);
}

static void lists_have_whole_words(void **state)
{
    (void)state;
    assert_true(str_list_has("wav|mp3|opus", "|", "mp3") && str_list_has("wav", "|", "wav"));
    assert_false(str_list_has("wav|mp3|opus", "|", "mp") || str_list_has("wav|mp3", "|", "mp3|"));
    assert_false(str_list_has("wav|mp3", "|", "") || str_list_has("", "|", "wav"));
    assert_true(str_list_has(" http://a, http://b ", " ,", "http://b"));
}

static void error_sentences_are_cut_and_cleaned(void **state)
{
    (void)state;
    lt_error error;
    char huge[2000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_int_equal(error_set(&error, LT_ERR_IO, "%s", huge), LT_ERR_IO);
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    assert_string_equal(error.message + sizeof error.message - 4, "...");
    error_set(&error, LT_ERR_TEXT,
              "a\nb\xff"
              "c");
    assert_string_equal(error.message, "a b?c");
}

static void config_checks_types_and_ranges(void **state)
{
    (void)state;
    lt_error error;
    lt_config *config = lt_config_new();
    assert_non_null(config);
    assert_int_equal(config_integer(config, CONFIG_server_port), 8354);
    assert_int_equal(lt_config_set(config, "server.port", "80", &error), LT_OK);
    assert_int_equal(config_integer(config, CONFIG_server_port), 80);
    static const char *const bad[][2] = {
        {"server.port", "65536"}, {"server.port", "8o"},  {"server.port", ""},   {"server.port", " 1"},
        {"voice.speed", "nan"},   {"voice.speed", "1e9"}, {"log.level", "loud"}, {"log.level", "info|text"},
        {"log.level", ""},        {"voice.speed", "0.1"}, {"engine.isa", "avx"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lt_config_set(config, bad[i][0], bad[i][1], &error), LT_ERR_CONFIG);
    assert_int_equal(config_integer(config, CONFIG_server_port), 80);
    lt_config_free(config);
}

static void config_names_the_nearest_key(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"server.prot", "server.port"},
        {"port", "server.port"},
        {"engine.thread", "engine.threads"},
        {"audio.mp3_bit_rate", "audio.mp3_bitrate"},
    };
    lt_config *config = lt_config_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lt_error error;
        assert_int_equal(lt_config_set(config, cases[i][0], "1", &error), LT_ERR_CONFIG);
        assert_non_null(strstr(error.message, cases[i][0]));
        assert_non_null(strstr(error.message, cases[i][1]));
    }
    lt_config_free(config);
}

static void only_files_are_replaced(void **state)
{
    (void)state;
    lt_error error;
    char path[] = "/tmp/litetts-pipe-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_replace(path, "x", 1, &error), LT_ERR_IO);
    assert_non_null(strstr(error.message, "is no regular file"));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    unlink(path);
}

static void a_replaced_file_keeps_its_permissions(void **state)
{
    (void)state;
    static const struct {
        mode_t umask, wanted;
    } cases[] = {{022, 0644}, {077, 0600}};
    struct stat info;
    char path[] = "/tmp/litetts-mode-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < 2; i++) {
        unlink(path);
        const mode_t before = umask(cases[i].umask);
        assert_int_equal(file_replace(path, "new", 3, NULL), LT_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, cases[i].wanted);
        assert_int_equal(chmod(path, 0640), 0);
        assert_int_equal(file_replace(path, "newer", 5, NULL), LT_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0640);
        assert_int_equal(info.st_size, 5);
        unlink(path);
        assert_int_equal(file_replace_private(path, "own", 3, NULL), LT_OK);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 0777, 0600);
        umask(before);
    }
    unlink(path);
}

static void config_sources_override_in_order(void **state)
{
    (void)state;
    lt_error error;
    char path[] = "/tmp/litetts-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char text[] = "{\"server\": {\"port\": 1000, \"host\": \"::1\"}, \"voice\": {\"speed\": 1.5}}";
    assert_int_equal(file_replace(path, text, sizeof text - 1, &error), LT_OK);
    lt_config *config = lt_config_new();
    setenv("LITETTS_SERVER_PORT", "2000", 1);
    assert_int_equal(lt_config_load_file(config, path, &error), LT_OK);
    assert_int_equal(lt_config_load_environment(config, &error), LT_OK);
    assert_string_equal(lt_config_get(config, "server.host"), "::1");
    assert_string_equal(lt_config_get(config, "server.port"), "2000");
    assert_string_equal(lt_config_get(config, "voice.speed"), "1.5");
    assert_string_equal(config_origin(config, CONFIG_server_port), "LITETTS_SERVER_PORT");
    assert_string_equal(config_origin(config, CONFIG_server_host), path);
    setenv("LITETTS_SERVER_PROT", "1", 1);
    assert_int_equal(lt_config_load_environment(config, &error), LT_ERR_CONFIG);
    assert_non_null(strstr(error.message, "LITETTS_SERVER_PORT"));
    unsetenv("LITETTS_SERVER_PORT");
    unsetenv("LITETTS_SERVER_PROT");
    static const char *const bad[] = {"",
                                      "[]",
                                      "{",
                                      "{\"server\":{\"port\":\"x\"}}",
                                      "{\"servr\":{\"port\":1}}",
                                      "{\"server\":{\"port\":[1]}}",
                                      "{\"server\":1}",
                                      "{\"a\":1,\"a\":2}",
                                      "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(file_replace(path, bad[i], strlen(bad[i]), &error), LT_OK);
        assert_int_equal(lt_config_load_file(config, path, &error), LT_ERR_CONFIG);
        assert_non_null(strstr(error.message, path));
    }
    remove(path);
    lt_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_rejects_what_rfc_3629_forbids),
        cmocka_unit_test(utf8_floor_never_splits_a_character),
        cmocka_unit_test(utf8_round_trips_every_scalar_value),
        cmocka_unit_test(utf8_clean_replaces_what_is_no_character),
        cmocka_unit_test(guesses_need_something_in_common),
        cmocka_unit_test(ascii_letters_have_no_case),
        cmocka_unit_test(numbers_are_all_of_their_text),
        cmocka_unit_test(lists_have_whole_words),
        cmocka_unit_test(error_sentences_are_cut_and_cleaned),
        cmocka_unit_test(config_checks_types_and_ranges),
        cmocka_unit_test(config_names_the_nearest_key),
        cmocka_unit_test(only_files_are_replaced),
        cmocka_unit_test(a_replaced_file_keeps_its_permissions),
        cmocka_unit_test(config_sources_override_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
