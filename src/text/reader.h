/* reader.h: the window on the source text: reads it piece by piece and checks that it is text.
 *
 * The window holds the source bytes from `offset` on; whoever uses them drops them from the front with
 * reader_drop(), so that memory is bounded by how far ahead a user looks. Not thread safe. */
#ifndef TEXT_READER_H
#define TEXT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "text/frontend.h"

struct reader {
    text_read_fn read;
    void *user;
    struct str bytes; /* the window; only the first `valid` bytes have been checked */
    size_t valid;     /* whole characters of valid UTF-8 without NUL */
    size_t front;     /* bytes of the window that were dropped already */
    uint64_t offset;  /* position in the source of bytes.data[0] */
    bool ended;       /* nothing more to read */
};

/* Reads until `want` checked bytes are in the window or the source has ended. A byte order mark at the very
 * beginning is skipped. Errors: LT_ERR_TEXT (not UTF-8, a NUL byte; the sentence says where), LT_ERR_IO, LT_ERR_MEMORY. */
lt_status reader_fill(struct reader *reader, size_t want, lt_error *error);

/* The checked bytes that were not dropped, their number and their position in the source. */
const char *reader_data(const struct reader *reader);
size_t reader_size(const struct reader *reader);
uint64_t reader_position(const struct reader *reader);

/* Forgets the first `size` of them. */
void reader_drop(struct reader *reader, size_t size);

void reader_free(struct reader *reader);

#endif
