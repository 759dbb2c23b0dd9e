/* fuzz_manifest.c: a manifest: it is refused with a sentence, or every path in it stays below its folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "convert/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest manifest;
    lt_error error = {0};
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (manifest_parse(text, "fuzz", &manifest, &error) == LT_OK) {
        for (size_t i = 0; i < manifest.count; i++)
            if (manifest.files[i].path[0] == '/' || strstr(manifest.files[i].path, "..") != NULL)
                abort();
    } else if (error.message[0] == '\0') {
        abort();
    }
    manifest_free(&manifest);
    free(text);
    return 0;
}
