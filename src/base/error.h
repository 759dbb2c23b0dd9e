/* error.h: how internal functions report failure: a status and one sentence. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#include "litetts/litetts.h"

/* Fills *error (NULL is fine) with `status` and a printf-formatted sentence; returns `status`, so that a
 * failing function ends with `return error_set(error, LT_ERR_IO, ...)`. Invalid UTF-8 in the arguments is
 * replaced, newlines become spaces, a longer sentence is cut at a character border. */
lt_status error_set(lt_error *error, lt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: appends errno's sentence. `what` says what was tried on which thing
 * ("cannot open 'x.gguf'"). */
lt_status error_errno(lt_error *error, lt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* LT_ERR_MEMORY with its usual sentence; `what` names what the memory was for. */
lt_status error_memory(lt_error *error, const char *what);

/* Resets *error to LT_OK and returns it. */
lt_status error_none(lt_error *error);

#endif
