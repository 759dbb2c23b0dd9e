/* test_config.c: docs/configuration.md says of every setting what the table of settings says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/config.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setting_is_documented),
        cmocka_unit_test(every_documented_setting_exists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
