/* fuzz_config.c: the configuration file. Whatever it holds, every value stays one that its key takes, and an error is
 * a sentence. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lt_error error;
    lt_config *config = lt_config_new();
    if (config == NULL)
        return 0;
    lt_status status = config_load_text(config, (const char *)data, size, "the file", &error);
    if (status != error.status || (status != LT_OK && error.message[0] == '\0'))
        abort();
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
