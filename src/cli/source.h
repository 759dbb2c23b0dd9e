/* source.h: the text that `litetts say` speaks, from a file or a pipe, a piece at a time. */
#ifndef CLI_SOURCE_H
#define CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct source {
    int fd;
    const char *name; /* for messages */
    bool owned;       /* close it */
    /* Of a regular file, known before it is spoken; else 0. */
    uint64_t bytes_total, characters_total;
    uint64_t bytes_read, characters_read;
    int failure; /* errno of the read that failed; 0: none */
};

/* Opens `path` ("-": standard input), which must stay valid. A regular file is read through once, to know how
 * much there is and that all of it is valid UTF-8 before the first word is spoken. Errors: LT_ERR_IO,
 * LT_ERR_TEXT (with the place of the first bad byte). */
lt_status source_open(struct source *source, const char *path, lt_error *error);

/* As lt_request.read: SIZE_MAX on failure. Returns 0, the end, when a signal came. */
size_t source_read(struct source *source, char *buffer, size_t size);

void source_close(struct source *source);

/* Characters in the first `bytes` bytes: exact at the end, a good estimate before. */
uint64_t source_characters(const struct source *source, uint64_t bytes);

#endif
