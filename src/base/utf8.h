/* utf8.h: decoding, encoding and checking UTF-8 (RFC 3629: no surrogates, no overlong forms). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character at `text`, of which `size` bytes may be read, into *codepoint. Returns its length
 * in bytes (1 to 4), or 0 when the bytes are not valid UTF-8 or `size` is 0. */
size_t utf8_decode(const char *text, size_t size, uint32_t *codepoint);

/* Encodes a code point (a Unicode scalar value) into `out`; returns its length, 1 to 4. */
size_t utf8_encode(uint32_t codepoint, char out[4]);

/* Offset of the first byte that is not valid UTF-8, or `size` when all is. */
size_t utf8_first_invalid(const char *text, size_t size);

/* Largest character border <= `size` in `text` (of which at least `size` bytes may be read): where a
 * piece may be cut without splitting a character. */
size_t utf8_floor(const char *text, size_t size);

/* Makes `text` valid UTF-8: replaces each byte that is no part of a valid character by '?'. */
void utf8_clean(char *text, size_t size);

/* A copy of `text` that is valid UTF-8 in the same way; the caller's to free, NULL when out of memory. */
char *utf8_clean_copy(const char *text);

/* Number of characters (code points) in valid UTF-8. */
size_t utf8_count(const char *text, size_t size);

#endif
