/* chars.h: classes of ASCII characters, the same in every locale. */
#ifndef BASE_CHARS_H
#define BASE_CHARS_H

#include <stdbool.h>

static inline bool char_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool char_is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool char_is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool char_is_alpha(char c)
{
    return char_is_upper(c) || char_is_lower(c);
}

static inline bool char_is_alnum(char c)
{
    return char_is_alpha(c) || char_is_digit(c);
}

/* A byte of a character beyond ASCII. */
static inline bool char_is_wide(char c)
{
    return (unsigned char)c >= 0x80;
}

static inline char char_lower(char c)
{
    return char_is_upper(c) ? (char)(c + 32) : c;
}

static inline char char_upper(char c)
{
    return char_is_lower(c) ? (char)(c - 32) : c;
}

#endif
