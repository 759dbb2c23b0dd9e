/* output.h: the file or pipe that audio is written to.
 *
 * A file is opened at once, so that a wrong path is known before any work, but an existing one is emptied
 * only when the first byte arrives: a request that fails before it speaks leaves it as it was. A regular file
 * that could not be completed is removed, so that no broken file looks whole. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct output {
    int fd;
    const char *path; /* NULL: standard output */
    bool regular;     /* a regular file of ours: emptied first, removed on failure */
    bool seekable;    /* output_rewrite works */
    bool created;     /* it did not exist before */
    bool started;     /* the first byte has been written */
    off_t origin;     /* where our first byte is */
    int failure;      /* errno of the first failed write; 0: none */
};

/* Opens `path` (NULL: standard output), which must stay valid. Errors: LT_ERR_IO. */
lt_status output_open(struct output *output, const char *path, lt_error *error);

/* Appends bytes, and overwrites some at `offset` from the first. False on failure, kept for output_close. */
bool output_write(struct output *output, const void *bytes, size_t size);
bool output_rewrite(struct output *output, uint64_t offset, const void *bytes, size_t size);

/* The reader of the pipe went away. */
bool output_is_broken_pipe(const struct output *output);

/* Closes it. `keep`: the content is whole; else a regular file is removed, or left as it was when nothing had
 * been written. Errors: LT_ERR_IO of the first write that failed, or of closing; the file is then removed. */
lt_status output_close(struct output *output, bool keep, lt_error *error);

#endif
