/* fuzz_model_config.c: a checkpoint's config.json: it is refused with a sentence, or its numbers are in
 * range. */
#include <stdint.h>
#include <stdlib.h>

#include "convert/model_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_config config;
    lt_error error = {0};
    if (model_config_parse((const char *)data, size, "fuzz", &config, &error) == LT_OK) {
        if (config.attention_heads == 0 || config.upsample_count == 0 ||
            config.upsample_count > MODEL_MAX_UPSAMPLES || config.kernel_count > MODEL_MAX_KERNELS ||
            config.symbol_count == 0)
            abort();
    } else if (error.message[0] == '\0') {
        abort();
    }
    model_config_free(&config);
    return 0;
}
