/* text_source.h: text in memory for the front end to read, as tests, fuzz targets and benchmarks have it. */
#ifndef TESTS_TEXT_SOURCE_H
#define TESTS_TEXT_SOURCE_H

#include <stddef.h>
#include <string.h>

struct text_source {
    const char *text;
    size_t size, at; /* bytes; `at` were read */
    size_t piece;    /* most bytes that are handed out at once; 0: any number */
};

/* A text_read_fn on a struct text_source. */
static inline size_t text_source_read(void *user, char *buffer, size_t size)
{
    struct text_source *source = user;
    size_t n = source->size - source->at;
    n = n < size ? n : size;
    n = source->piece == 0 || n < source->piece ? n : source->piece;
    memcpy(buffer, source->text + source->at, n);
    source->at += n;
    return n;
}

#endif
