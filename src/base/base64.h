/* base64.h: bytes as text (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/str.h"

/* Characters that so many bytes become, with padding. */
#define BASE64_SIZE(size) (((size) + 2) / 3 * 4)

/* Writes `size` bytes in base64, with padding and without a NUL, to `out`; returns BASE64_SIZE(size). */
size_t base64_put(const void *bytes, size_t size, char *out);

/* The same, appended to *out. */
void base64_encode(const void *bytes, size_t size, struct str *out);

#endif
