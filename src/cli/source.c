/* source.c: the text that `litetts say` speaks, from a file or a pipe. */
#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/interrupt.h"

enum { CHECK_BYTES = 65536 };

/* Length of the character at the end of `text` that may go on behind it: 0 to 3 bytes. */
static size_t unfinished_tail(const char *text, size_t size)
{
    for (size_t n = 1; n <= 3 && n <= size; n++) {
        unsigned char c = (unsigned char)text[size - n];
        if (c >= 0xc0)
            return n < (c >= 0xf0 ? 4U : c >= 0xe0 ? 3U : 2U) ? n : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

/* Checks and counts the whole file in `buffer` of CHECK_BYTES, with pread: the file stands where it stood. */
static lt_status check_file(struct source *source, char *buffer, lt_error *error)
{
    size_t kept = 0; /* the beginning of a character, from the last piece */
    uint64_t line = 1;
    for (uint64_t offset = 0;;) {
        ssize_t n = pread(source->fd, buffer + kept, CHECK_BYTES - kept, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(error, LT_ERR_IO, "cannot read '%s'", source->name);
        uint64_t base = offset - kept;
        size_t have = kept + (size_t)n;
        size_t tail = n > 0 ? unfinished_tail(buffer, have) : 0;
        size_t bad = utf8_first_invalid(buffer, have - tail);
        for (size_t i = 0; i < bad; i++)
            line += buffer[i] == '\n';
        if (bad < have - tail)
            return error_set(error, LT_ERR_TEXT,
                             "'%s' is not UTF-8 text: byte %llu, on line %llu, is 0x%02x; convert it, for "
                             "example with iconv",
                             source->name, (unsigned long long)(base + bad), (unsigned long long)line,
                             (unsigned char)buffer[bad]);
        source->characters_total += utf8_count(buffer, have - tail);
        if (n == 0)
            return LT_OK;
        memmove(buffer, buffer + have - tail, tail);
        kept = tail;
        offset += (uint64_t)n;
        source->bytes_total = offset;
    }
}

lt_status source_open(struct source *source, const char *path, lt_error *error)
{
    bool is_input = strcmp(path, "-") == 0;
    *source =
        (struct source){.fd = STDIN_FILENO, .name = is_input ? "standard input" : path, .owned = !is_input};
    if (!is_input)
        source->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (source->fd < 0 || fstat(source->fd, &info) != 0) {
        lt_status status = error_errno(error, LT_ERR_IO, "cannot read '%s'", source->name);
        source_close(source);
        return status;
    }
    lt_status status = error_none(error);
    if (S_ISDIR(info.st_mode)) {
        status = error_set(error, LT_ERR_IO, "'%s' is a folder: name a text file", source->name);
    } else if (S_ISREG(info.st_mode) && !is_input) {
        char *buffer = malloc(CHECK_BYTES);
        status = buffer != NULL ? check_file(source, buffer, error) : error_memory(error, "reading a file");
        free(buffer);
    }
    if (status != LT_OK)
        source_close(source);
    return status;
}

size_t source_read(struct source *source, char *buffer, size_t size)
{
    if (!interrupt_wait_readable(source->fd))
        return 0;
    ssize_t n;
    do
        n = read(source->fd, buffer, size);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        source->failure = errno;
        return SIZE_MAX;
    }
    source->bytes_read += (uint64_t)n;
    source->characters_read += utf8_count(buffer, (size_t)n);
    return (size_t)n;
}

void source_close(struct source *source)
{
    if (source->owned && source->fd >= 0)
        close(source->fd);
    source->fd = -1;
}

uint64_t source_characters(const struct source *source, uint64_t bytes)
{
    bool all = source->bytes_total > 0;
    uint64_t of = all ? source->bytes_total : source->bytes_read;
    uint64_t characters = all ? source->characters_total : source->characters_read;
    return of == 0 ? 0 : (uint64_t)((double)characters * ((double)bytes / (double)of) + 0.5);
}
