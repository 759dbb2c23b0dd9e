/* reader.c: the window on the source text. */
#include "text/reader.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

enum { READ_SIZE = 16384 }; /* bytes asked for at once: small enough that the first sentence does not wait */

const char *reader_data(const struct reader *reader)
{
    return reader->bytes.data == NULL ? "" : reader->bytes.data + reader->front;
}

size_t reader_size(const struct reader *reader)
{
    return reader->valid - reader->front;
}

uint64_t reader_position(const struct reader *reader)
{
    return reader->offset + reader->front;
}

void reader_drop(struct reader *reader, size_t size)
{
    reader->front += size;
}

void reader_free(struct reader *reader)
{
    str_free(&reader->bytes);
}

/* Checks what has arrived beyond `valid`; a character that is cut short at the end waits for its rest. */
static lt_status reader_check(struct reader *reader, lt_error *error)
{
    const char *data = reader->bytes.data;
    size_t arrived = reader->bytes.length - reader->valid;
    size_t whole = reader->ended ? arrived : utf8_floor(data + reader->valid, arrived);
    const char *from = data + reader->valid;
    size_t good = utf8_first_invalid(from, whole);
    const char *nul = good == 0 ? NULL : memchr(from, '\0', good);
    if (nul != NULL)
        return error_set(error, LT_ERR_TEXT,
                         "the text has a NUL byte at byte %" PRIu64
                         ": give plain UTF-8 text, not a binary file",
                         reader->offset + (uint64_t)(nul - data));
    if (good < whole)
        return error_set(error, LT_ERR_TEXT,
                         "the text is not valid UTF-8 at byte %" PRIu64 ": convert it to UTF-8 first",
                         reader->offset + reader->valid + good);
    if (reader->offset == 0 && reader->valid == 0 && whole >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0)
        reader->front = 3; /* a byte order mark */
    reader->valid += whole;
    return LT_OK;
}

lt_status reader_fill(struct reader *reader, size_t want, lt_error *error)
{
    while (!reader->ended && reader_size(reader) < want) {
        if (reader->front > READ_SIZE) {
            str_remove_front(&reader->bytes, reader->front);
            reader->offset += reader->front;
            reader->valid -= reader->front;
            reader->front = 0;
        }
        if (!str_reserve(&reader->bytes, READ_SIZE))
            return error_memory(error, "the text");
        size_t got = reader->read(reader->user, reader->bytes.data + reader->bytes.length, READ_SIZE);
        if (got > READ_SIZE)
            return error_set(error, LT_ERR_IO, "reading the text failed after byte %" PRIu64,
                             reader->offset + reader->bytes.length);
        reader->ended = got == 0;
        reader->bytes.length += got;
        reader->bytes.data[reader->bytes.length] = '\0';
        lt_status status = reader_check(reader, error);
        if (status != LT_OK)
            return status;
    }
    return LT_OK;
}
