/* frontend.c: from text to chunks: the one place where the stages of the text front end meet.
 *
 * reader (window on the source) -> sentences -> tokens -> chunker. A stream works sentence by sentence, only as far
 * ahead as the next chunk needs. */
#include "text/frontend.h"

#include <stdlib.h>
#include <string.h>

#include "text/chunks.h"
#include "text/reader.h"
#include "text/sentences.h"

enum {
    SENTENCE_LIMIT = 16384,   /* longest sentence; what is longer is cut at a clause or a space */
    PARAGRAPH_PAUSE_MS = 400, /* silence between paragraphs */
};

struct frontend {
    int unused;
};

struct text_stream {
    struct frontend *frontend;
    struct text_options options;
    struct reader reader;
    struct chunker chunker;
};

lt_status frontend_open(const lt_config *config, struct frontend **frontend, lt_error *error)
{
    (void)config;
    *frontend = calloc(1, sizeof **frontend);
    return *frontend == NULL ? error_memory(error, "the text front end") : LT_OK;
}

void frontend_close(struct frontend *frontend)
{
    free(frontend);
}

lt_status text_stream_open(struct frontend *frontend, const struct text_options *options, text_read_fn read,
                           void *user, struct text_stream **stream, lt_error *error)
{
    if (options->phonemes || options->input != LT_INPUT_TEXT)
        return error_set(error, LT_ERR_UNSUPPORTED, "this build reads plain text only: give it as text");
    *stream = calloc(1, sizeof **stream);
    if (*stream == NULL)
        return error_memory(error, "the text");
    (*stream)->frontend = frontend;
    (*stream)->options = *options;
    (*stream)->reader = (struct reader){.read = read, .user = user};
    chunker_init(&(*stream)->chunker, options);
    return LT_OK;
}

void text_stream_close(struct text_stream *stream)
{
    if (stream == NULL)
        return;
    reader_free(&stream->reader);
    chunker_free(&stream->chunker);
    free(stream);
}

uint64_t text_stream_position(const struct text_stream *stream)
{
    return stream->reader.offset + stream->reader.valid;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds the words of `text`, separated by white space, as tokens. */
static void add_words(struct tokens *tokens, const char *text, size_t size, uint64_t source)
{
    for (size_t at = 0; at < size;) {
        size_t begin = at;
        while (at < size && !is_space(text[at]))
            at++;
        if (at > begin) {
            struct token token = {.kind = TOKEN_WORD, .space_after = true};
            token.source_begin = source + begin;
            token.source_end = source + at;
            tokens_add(tokens, &token, text + begin, at - begin);
        }
        while (at < size && is_space(text[at]))
            at++;
    }
}

/* Where the paragraph that `text` begins with ends (the blank line after it included), or 0 when it goes on. */
static size_t paragraph_length(const char *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            lines++;
        else if (!is_space(text[i])) {
            if (lines > 1)
                return i;
            lines = 0;
        }
    }
    return 0;
}

/* Reads the next sentence into the chunker. *more is false at the end of the text. */
static lt_status read_sentence(struct text_stream *stream, bool *more, lt_error *error)
{
    struct reader *reader = &stream->reader;
    size_t from = 0, length = 0, paragraph = 0;
    for (size_t want = 1; length == 0; want = reader_size(reader) + 1) {
        lt_status status = reader_fill(reader, want, error);
        if (status != LT_OK)
            return status;
        const char *text = reader_data(reader);
        size_t size = reader_size(reader);
        *more = size > 0;
        if (size == 0)
            return LT_OK;
        bool cut = size > SENTENCE_LIMIT;
        paragraph = paragraph_length(text, cut ? SENTENCE_LIMIT : size);
        if (paragraph > 0)
            size = paragraph;
        length = sentence_length(text, size, paragraph > 0 || reader->ended, &from);
        if (cut && (length == 0 || length > SENTENCE_LIMIT))
            length = sentence_cut(text, SENTENCE_LIMIT);
    }
    struct passage passage = {.style = {.rate = 1, .volume = 1}, .final = length == paragraph};
    passage.pause = passage.final ? PARAGRAPH_PAUSE_MS / 1000.0F : 0;
    add_words(&stream->chunker.tokens, reader_data(reader), length, reader_position(reader));
    reader_drop(reader, length);
    return chunker_add_passage(&stream->chunker, &passage, error);
}

lt_status text_stream_next(struct text_stream *stream, const struct text_chunk **chunk, lt_error *error)
{
    *chunk = NULL;
    for (bool more = true; more && !chunker_is_full(&stream->chunker);) {
        lt_status status = read_sentence(stream, &more, error);
        if (status != LT_OK)
            return status;
    }
    return chunker_take(&stream->chunker, chunk, error);
}
