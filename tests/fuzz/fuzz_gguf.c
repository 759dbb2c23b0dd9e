/* fuzz_gguf.c: a model file: it is refused with a sentence, or every byte that it points to is in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kokoro/gguf.h"
#include "kokoro/quant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sum; /* of what was read, so that it is */

static void read_tensor(const struct gguf_tensor *tensor)
{
    float block[32];
    const unsigned char *bytes = tensor->data;
    size_t step = gguf_block_elements(tensor->type);
    quant_decode(tensor->type, bytes, step, block);
    quant_decode(tensor->type, bytes + tensor->bytes - gguf_block_bytes(tensor->type), step, block);
    sum += block[0] > 0;
}

static void read_metadata(const struct gguf *gguf)
{
    static const char *const keys[] = {"r", "v", "f", "n", "b", "general.architecture", "general.alignment"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        uint64_t number;
        struct gguf_string text;
        struct gguf_array array;
        sum += gguf_get_uint(gguf, keys[i], &number);
        if (gguf_get_string(gguf, keys[i], &text) && text.length > 0)
            sum += (unsigned char)text.data[text.length - 1];
        if (!gguf_get_array(gguf, keys[i], &array))
            continue;
        sum += gguf_array_uint(&array, array.count - 1, &number);
        while (gguf_next_string(&array, &text))
            sum += text.length > 0 ? (unsigned char)text.data[text.length - 1] : 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf *gguf;
    lt_error error = {0};
    void *copy = NULL; /* aligned as a mapped file is */
    if (posix_memalign(&copy, 64, size + 1) != 0)
        return 0;
    memcpy(copy, data, size);
    if (gguf_open_memory(copy, size, "fuzz", &gguf, &error) == LT_OK) {
        for (size_t i = 0; i < gguf_tensor_count(gguf); i++)
            read_tensor(gguf_tensor_at(gguf, i));
        read_metadata(gguf);
        gguf_close(gguf);
    } else if (error.message[0] == '\0') {
        abort();
    }
    free(copy);
    return 0;
}
