/* fuzz_utf8.c: UTF-8 decoding against its own encoder, and the borders that utf8_floor finds. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t valid = utf8_first_invalid(text, size);
    for (size_t at = 0; at < valid;) {
        uint32_t c;
        char again[4];
        size_t n = utf8_decode(text + at, valid - at, &c);
        if (n == 0 || utf8_encode(c, again) != n || memcmp(again, text + at, n) != 0)
            abort();
        for (size_t cut = at; cut < at + n; cut++)
            if (utf8_floor(text, cut) != at)
                abort();
        at += n;
    }
    return 0;
}
