/* log.c: the log of the program. */
#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

/* Written once by log_setup before other threads start. */
static enum log_level least = LOG_INFO;
static bool as_json;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_setup(enum log_level level, bool json)
{
    least = level;
    as_json = json;
}

bool log_parse_level(const char *name, enum log_level *level)
{
    for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static void timestamp(char out[32])
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(out + n, 32 - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* Where the field after `at` begins: at the word before the next '=', or at the end. */
static const char *next_field(const char *at)
{
    const char *equals = strchr(at, '=');
    if (equals == NULL)
        return at + strlen(at);
    while (equals > at && equals[-1] != ' ')
        equals--;
    return equals;
}

static void add_fields(json_t *object, char *fields)
{
    char *field = fields;
    while (*field != '\0') {
        char *equals = strchr(field, '=');
        if (equals == NULL)
            return;
        const char *next = next_field(equals + 1);
        size_t length = (size_t)(next - equals - 1);
        if (*next != '\0' && length > 0)
            length--; /* the space between */
        json_object_setn_new(object, field, (size_t)(equals - field), json_stringn(equals + 1, length));
        field += next - field;
    }
}

static void write_json(enum log_level level, const char *when, const char *request_id, const char *message,
                       char *fields)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "time", when, "level", level_names[level], "message", message);
    if (request_id != NULL)
        json_object_set_new(object, "request_id", json_string(request_id));
    add_fields(object, fields);
    char *line = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    if (line != NULL)
        fprintf(stderr, "%s\n", line);
    json_free_t release;
    json_get_alloc_funcs(NULL, &release);
    release(line);
}

void log_event(enum log_level level, const char *request_id, const char *message, const char *fields, ...)
{
    if (level < least)
        return;
    char values[2048], when[32];
    va_list arguments;
    va_start(arguments, fields);
    if (vsnprintf(values, sizeof values, fields, arguments) < 0)
        values[0] = '\0';
    va_end(arguments);
    timestamp(when);
    if (as_json) {
        write_json(level, when, request_id, message, values);
        return;
    }
    for (char *c = values; *c != '\0'; c++) /* one event is one line, whatever a client sent */
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    fprintf(stderr, "%s %-7s %s%s%s%s%s\n", when, level_names[level], message, values[0] ? " " : "", values,
            request_id ? " id=" : "", request_id ? request_id : "");
}
