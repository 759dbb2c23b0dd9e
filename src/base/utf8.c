/* utf8.c: decoding, encoding and checking UTF-8. */
#include "base/utf8.h"

#include <string.h>

size_t utf8_decode(const char *text, size_t size, uint32_t *codepoint)
{
    const unsigned char *s = (const unsigned char *)text;
    if (size == 0)
        return 0;
    if (s[0] < 0x80) {
        *codepoint = s[0];
        return 1;
    }
    size_t n;
    uint32_t c, least;
    if ((s[0] & 0xe0) == 0xc0) {
        n = 2, c = s[0] & 0x1fu, least = 0x80;
    } else if ((s[0] & 0xf0) == 0xe0) {
        n = 3, c = s[0] & 0x0fu, least = 0x800;
    } else if ((s[0] & 0xf8) == 0xf0) {
        n = 4, c = s[0] & 0x07u, least = 0x10000;
    } else {
        return 0;
    }
    if (size < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *codepoint = c;
    return n;
}

size_t utf8_encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t utf8_first_invalid(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint64_t eight;
        if (size - at >= sizeof eight) { /* ASCII, eight bytes at a time */
            memcpy(&eight, text + at, sizeof eight);
            if ((eight & 0x8080808080808080U) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        uint32_t ignored;
        size_t n = utf8_decode(text + at, size - at, &ignored);
        if (n == 0)
            return at;
        at += n;
    }
    return size;
}

size_t utf8_floor(const char *text, size_t size)
{
    size_t at = size;
    while (at > 0 && size - at < 4 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    if (at == 0)
        return size; /* nothing but continuation bytes: not UTF-8, any border is as good */
    uint32_t ignored;
    return utf8_decode(text + at - 1, size - at + 1, &ignored) == size - at + 1 ? size : at - 1;
}

void utf8_clean(char *text, size_t size)
{
    size_t at = 0;
    while ((at += utf8_first_invalid(text + at, size - at)) < size)
        text[at++] = '?';
}

char *utf8_clean_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy != NULL)
        utf8_clean(copy, strlen(copy));
    return copy;
}

size_t utf8_count(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}
