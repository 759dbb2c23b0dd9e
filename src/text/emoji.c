/* emoji.c: which characters are emoji, and where a sequence of them that is one picture ends. */
#include <string.h>

#include "base/utf8.h"
#include "text/inline.h"

enum { JOINER = 0x200d, EMOJI_STYLE = 0xfe0f, KEYCAP = 0x20e3 };

bool emoji_is(uint32_t c)
{
    return (c >= 0x1f000 && c <= 0x1faff) ||
           (c >= 0x2600 && c <= 0x27bf && c != 0x2713 && !(c >= 0x266d && c <= 0x266f)) ||
           (c >= 0x2b05 && c <= 0x2b55) || (c >= 0x231a && c <= 0x231b) || (c >= 0x23e9 && c <= 0x23fa) ||
           c == KEYCAP;
}

static bool is_skin_tone(uint32_t c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

/* A letter of a country's code: two make a flag. */
static bool is_flag_letter(uint32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

size_t emoji_read(const char *text, size_t size, const char **name)
{
    char key[32];
    size_t key_size = 0, base = 0, at = 0, n;
    uint32_t c = 0, previous = 0;
    while ((n = utf8_decode(text + at, size - at, &c)) > 0) {
        bool silent = c == EMOJI_STYLE || is_skin_tone(c);
        bool tag = c >= 0xe0020 && c <= 0xe007f; /* of a flag of a region */
        bool more = previous == JOINER || (is_flag_letter(previous) && is_flag_letter(c) && key_size == n);
        if (at > 0 && !silent && !tag && c != JOINER && !more)
            break;
        at += n;
        if (silent && at > n)
            continue;
        if (key_size + n > sizeof key) {
            *name = NULL;
            return at;
        }
        memcpy(key + key_size, text + at - n, n);
        key_size += n;
        base = base == 0 ? key_size : base;
        previous = c;
    }
    *name = emoji_name(key, key_size);
    if (*name == NULL && base < key_size)
        *name = emoji_name(key, base); /* at least the first of those that are joined */
    return at;
}
