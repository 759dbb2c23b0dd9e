/* base64.h: bytes as text (RFC 4648, section 4). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/str.h"

/* Appends `size` bytes in base64, with padding, to *out. */
void base64_encode(const void *bytes, size_t size, struct str *out);

#endif
