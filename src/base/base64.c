/* base64.c: bytes as text. */
#include "base/base64.h"

size_t base64_put(const void *bytes, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < size; i += 3, out += 4) {
        size_t left = size - i;
        uint32_t group =
            (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        out[0] = digits[group >> 18];
        out[1] = digits[group >> 12 & 63];
        out[2] = left > 1 ? digits[group >> 6 & 63] : '=';
        out[3] = left > 2 ? digits[group & 63] : '=';
    }
    return BASE64_SIZE(size);
}

void base64_encode(const void *bytes, size_t size, struct str *out)
{
    if (!str_reserve(out, BASE64_SIZE(size)))
        return;
    out->length += base64_put(bytes, size, out->data + out->length);
    out->data[out->length] = '\0';
}
