/* test_config.c: docs/configuration.md says of every setting what the table of settings says; a setting is changed in the text
 * of a file without touching the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/config_edit.h"
#include "base/file.h"

static void put_values(const struct config_key_info *key, struct str *out)
{
    switch (key->type) {
    case CONFIG_STRING:
        str_puts(out, "text");
        break;
    case CONFIG_INTEGER:
        str_printf(out, "whole number, %.0f to %.0f", key->least, key->most);
        break;
    case CONFIG_NUMBER:
        str_printf(out, "number, %g to %g", key->least, key->most);
        break;
    case CONFIG_BOOL:
        str_puts(out, "true or false");
        break;
    case CONFIG_CHOICE:
        for (const char *c = key->choices; *c != '\0'; c++)
            str_append(out, *c == '|' ? ", " : c, *c == '|' ? 2 : 1);
        break;
    }
}

/* The line of the table in docs/configuration.md. */
static void put_row(const struct config_key_info *key, struct str *out)
{
    const char *quote = key->fallback[0] != '\0' ? "`" : "";
    str_printf(out, "| `%s` | %s%s%s | ", key->name, quote, quote[0] != '\0' ? key->fallback : "empty",
               quote);
    put_values(key, out);
    str_printf(out, " | %s |\n", key->help);
}

static void read_document(struct str *text)
{
    const char *root = getenv("LITETTS_TEST_SOURCE");
    struct str path = {0};
    lt_error error;
    str_printf(&path, "%s/docs/configuration.md", root != NULL ? root : ".");
    assert_int_equal(file_read(path.data, 1 << 20, text, &error), LT_OK);
    str_free(&path);
}

static void every_setting_is_documented(void **state)
{
    (void)state;
    struct str document = {0};
    read_document(&document);
    int missing = 0;
    for (int i = 0; i < CONFIG_COUNT; i++) {
        struct str row = {0};
        put_row(config_key((enum config_key)i), &row);
        if (strstr(document.data, row.data) == NULL) {
            print_error("docs/configuration.md lacks this line:\n%s", row.data);
            missing++;
        }
        str_free(&row);
    }
    str_free(&document);
    assert_int_equal(missing, 0);
}

static void every_documented_setting_exists(void **state)
{
    (void)state;
    struct str document = {0};
    read_document(&document);
    int rows = 0;
    for (char *row = document.data; (row = strstr(row, "\n| `")) != NULL; rows++) {
        row += strlen("\n| `");
        char name[64] = {0};
        size_t length = strcspn(row, "`");
        assert_true(length < sizeof name);
        memcpy(name, row, length);
        if (config_find(name) == CONFIG_COUNT)
            fail_msg("docs/configuration.md tells of '%s', which is no setting", name);
    }
    assert_int_equal(rows, CONFIG_COUNT);
    str_free(&document);
}

/* ---- Changing a file ---- */

static void an_edit_changes_one_value(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        enum config_key key;
        const char *value, *after;
    } edits[] = {
        {"", CONFIG_engine_threads, "2", "{\n  \"engine\": { \"threads\": 2 }\n}\n"},
        {"{}", CONFIG_engine_isa, "avx2", "{\n  \"engine\": { \"isa\": \"avx2\" }\n}"},
        {"{\"engine\":{}}", CONFIG_engine_batching, "off", "{\"engine\":{ \"batching\": false }}"},
        /* where it stands, in either form or both */
        {"{\"engine\": {\"isa\": \"amx\" ,\n\t\"threads\":\t4 } }", CONFIG_engine_threads, "2",
         "{\"engine\": {\"isa\": \"amx\" ,\n\t\"threads\":\t2 } }"},
        {"{\"engine.threads\": \"4\"}", CONFIG_engine_threads, "2", "{\"engine.threads\": 2}"},
        {"{\"engine.threads\": 4, \"engine\": {\"threads\": 5}}", CONFIG_engine_threads, "2",
         "{\"engine.threads\": 2, \"engine\": {\"threads\": 2}}"},
        {"{\"eng\\u0069ne\": {\"thre\\u0061ds\": 4}}", CONFIG_engine_threads, "2",
         "{\"eng\\u0069ne\": {\"thre\\u0061ds\": 2}}"},
        /* beside its neighbours, as they are set */
        {"{\n    \"engine\": {\n        \"isa\": \"avx2\"\n    }\n}\n", CONFIG_engine_threads, "2",
         "{\n    \"engine\": {\n        \"isa\": \"avx2\",\n        \"threads\": 2\n    }\n}\n"},
        {"{\n\t\"voice\": {\"speed\": 1.1}\n}\n", CONFIG_engine_threads, "2",
         "{\n\t\"voice\": {\"speed\": 1.1},\n\t\"engine\": { \"threads\": 2 }\n}\n"},
        /* not where it only seems to stand */
        {"{\"text\": {\"lexicon\": \"\\\"engine.threads\\\": {[\"}}", CONFIG_engine_threads, "2",
         "{\"text\": {\"lexicon\": \"\\\"engine.threads\\\": {[\"},\"engine\": { \"threads\": 2 }}"},
        {"{\"text\": {\"lexicon\": \"x\"}}", CONFIG_text_lexicon, "C:\\a \"b\"",
         "{\"text\": {\"lexicon\": \"C:\\\\a \\\"b\\\"\"}}"},
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        lt_error error;
        struct str text = {0};
        str_puts(&text, edits[i].before);
        if (config_edit(&text, edits[i].key, edits[i].value, &error) != LT_OK)
            fail_msg("%s: %s", edits[i].before, error.message);
        assert_string_equal(text.data, edits[i].after);
        str_free(&text);
    }
}

static void an_edit_refuses_what_it_cannot_read(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "{\"engine\": ", "{\"engine\": {\"thread\": 1}}",
                                        "{} // a comment", "{\"engine\": 1}"};
    lt_error error;
    struct str text = {0};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        str_clear(&text);
        str_puts(&text, texts[i]);
        assert_int_equal(config_edit(&text, CONFIG_engine_threads, "2", &error), LT_ERR_CONFIG);
        assert_string_equal(text.data, texts[i]);
    }
    str_clear(&text);
    assert_int_equal(config_edit(&text, CONFIG_engine_threads, "many", &error), LT_ERR_CONFIG);
    str_free(&text);
}

static void a_text_with_a_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = "{\"server\": {\"grace_seconds\": 1.5\0}}";
    lt_error error;
    lt_config *config = lt_config_new();
    assert_non_null(config);
    assert_int_equal(config_load_text(config, text, sizeof text - 1, "the file", &error), LT_ERR_CONFIG);
    lt_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_documented),  cmocka_unit_test(every_documented_setting_exists),
        cmocka_unit_test(an_edit_changes_one_value),    cmocka_unit_test(an_edit_refuses_what_it_cannot_read),
        cmocka_unit_test(a_text_with_a_nul_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
