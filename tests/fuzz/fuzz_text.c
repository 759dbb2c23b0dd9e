/* fuzz_text.c: the text front end over any bytes: what it hands out is in bounds, and does not depend on the pieces that the text
 * arrives in. The first byte chooses the size of the pieces and of the chunks. */
#include <stdlib.h>
#include <string.h>

#include "../text_source.h"
#include "base/utf8.h"
#include "text/frontend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_chunk(const struct text_chunk *chunk, size_t size, size_t max)
{
    size_t length = strlen(chunk->text);
    if (length > max || chunk->source_end > size || utf8_first_invalid(chunk->text, length) != length)
        abort();
    for (size_t i = 0; i < chunk->word_count; i++) {
        const struct utterance_word *word = &chunk->words[i];
        if (word->source_begin >= word->source_end || word->source_end > size ||
            word->spoken_begin > word->spoken_end || word->spoken_end > length ||
            (i > 0 && word->source_begin < chunk->words[i - 1].source_begin))
            abort();
    }
}

/* Reads all of it; what was said goes to *out. */
static lt_status read_all(struct frontend *frontend, const char *text, size_t size, size_t piece, size_t max,
                          struct str *out)
{
    struct text_source source = {text, size, 0, piece};
    struct text_options options = {.max_symbols = max, .first_symbols = max / 4, .language = "en-US"};
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    lt_status status = text_stream_open(frontend, &options, text_source_read, &source, &stream, &error);
    if (status != LT_OK)
        abort();
    while ((status = text_stream_next(stream, &chunk, &error)) == LT_OK && chunk != NULL) {
        check_chunk(chunk, size, max);
        str_puts(out, chunk->text);
        str_printf(out, "|%.2f|%.2f|%s\n", (double)chunk->pause_seconds, (double)chunk->rate,
                   chunk->voice == NULL ? "" : chunk->voice);
    }
    text_stream_close(stream);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frontend *frontend;
    if (frontend == NULL && frontend_open(NULL, &frontend, NULL) != LT_OK)
        abort();
    if (size == 0)
        return 0;
    size_t piece = data[0] % 32 + 1, max = 16 + (size_t)data[0] * 4;
    struct str whole = {0}, pieces = {0};
    const char *text = (const char *)data + 1;
    lt_status first = read_all(frontend, text, size - 1, SIZE_MAX, max, &whole);
    lt_status second = read_all(frontend, text, size - 1, piece, max, &pieces);
    if (first != second || (first != LT_OK && first != LT_ERR_TEXT))
        abort();
    if (first == LT_OK &&
        (whole.length != pieces.length || (whole.length > 0 && strcmp(whole.data, pieces.data) != 0)))
        abort();
    str_free(&whole);
    str_free(&pieces);
    return 0;
}
