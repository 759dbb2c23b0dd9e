/* error.c: error sentences. */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static void tidy(char *message, size_t capacity, size_t wanted)
{
    size_t length = strlen(message);
    if (wanted >= capacity) { /* cut: end at a character border, with an ellipsis */
        length = utf8_floor(message, capacity - 4);
        memcpy(message + length, "...", 4);
        length += 3;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)message[i];
        if (c < 0x20 || c == 0x7f)
            message[i] = ' ';
    }
    utf8_clean(message, length);
}

static lt_status set(lt_error *error, lt_status status, const char *format, va_list arguments, int system)
{
    if (error == NULL)
        return status;
    error->status = status;
    int wanted = vsnprintf(error->message, sizeof error->message, format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted;
    if (system != 0 && length < sizeof error->message) {
        char reason[128];
        /* strerror_r has two incompatible forms; this is the GNU one, which _GNU_SOURCE selects. */
        const char *text = strerror_r(system, reason, sizeof reason);
        int more = snprintf(error->message + length, sizeof error->message - length, ": %s", text);
        length += more < 0 ? 0 : (size_t)more;
    }
    tidy(error->message, sizeof error->message, length);
    return status;
}

lt_status error_set(lt_error *error, lt_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, status, format, arguments, 0);
    va_end(arguments);
    return status;
}

lt_status error_errno(lt_error *error, lt_status status, const char *format, ...)
{
    int saved = errno;
    va_list arguments;
    va_start(arguments, format);
    set(error, status, format, arguments, saved);
    va_end(arguments);
    return status;
}

lt_status error_memory(lt_error *error, const char *what)
{
    return error_set(error, LT_ERR_MEMORY, "out of memory for %s: free some, or lower the limits in force",
                     what);
}

lt_status error_none(lt_error *error)
{
    if (error != NULL) {
        error->status = LT_OK;
        error->message[0] = '\0';
    }
    return LT_OK;
}

const char *lt_status_name(lt_status status)
{
    static const char *const names[] = {"ok",     "argument",    "text",    "voice",  "format",
                                        "config", "io",          "model",   "memory", "cancelled",
                                        "busy",   "unsupported", "internal"};
    size_t i = (size_t)status;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}

const char *lt_version(void)
{
    return LITETTS_VERSION;
}
