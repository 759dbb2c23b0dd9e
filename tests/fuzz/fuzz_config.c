/* fuzz_config.c: the configuration file. Whatever it holds, every value stays one that its key takes, and an error is
 * a sentence; a setting that is changed in its text has its new value, and no other setting changes. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/config_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Changes one setting in `text`, whose values `config` has. */
static void edit(const lt_config *config, const char *data, size_t size, enum config_key key,
                 const char *value)
{
    lt_error error;
    struct str text = {0};
    str_append(&text, data, size);
    lt_config *changed = lt_config_new();
    if (text.failed || changed == NULL || config_edit(&text, key, value, &error) != LT_OK ||
        config_load_text(changed, text.data, text.length, "the file", &error) != LT_OK)
        abort();
    for (int i = 0; i < CONFIG_COUNT; i++) {
        const enum config_key other = (enum config_key)i;
        if (strcmp(config_string(changed, other), other == key ? value : config_string(config, other)) != 0)
            abort();
    }
    lt_config_free(changed);
    str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lt_error error;
    lt_config *config = lt_config_new();
    if (config == NULL)
        return 0;
    lt_status status = config_load_text(config, (const char *)data, size, "the file", &error);
    if (status != error.status || (status != LT_OK && error.message[0] == '\0'))
        abort();
    if (status == LT_OK) {
        edit(config, (const char *)data, size, CONFIG_engine_threads, "3");
        edit(config, (const char *)data, size, CONFIG_text_lexicon, "a \"b\" \\c");
    }
    lt_config *again = lt_config_new();
    for (int i = 0; i < CONFIG_COUNT && again != NULL; i++) {
        const char *name = config_key((enum config_key)i)->name;
        if (lt_config_set(again, name, lt_config_get(config, name), NULL) != LT_OK)
            abort();
    }
    lt_config_free(again);
    lt_config_free(config);
    return 0;
}
