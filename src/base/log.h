/* log.h: the log of the program: one line an event on standard error, as text or JSON.
 *
 * The library is silent: only cli/ and server/ log. The functions may be called from any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Sets what is logged (`level` and above) and how; call once, before other threads start. */
void log_setup(enum log_level level, bool json);

/* Logs one event: a message and `fields`, pairs of name and printf-formatted value, as in
 * log_event(LOG_INFO, id, "request done", "status=%d seconds=%.3f", 200, 0.12): fields are separated by
 * single spaces, a name has no '=', a value ends at the next " name=". `request_id` may be NULL; `fields`
 * may be "". */
void log_event(enum log_level level, const char *request_id, const char *message, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

/* "debug", "info", "warning", "error" to a level; false for any other word. */
bool log_parse_level(const char *name, enum log_level *level);

#endif
