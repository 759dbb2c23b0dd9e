/* fuzz_text.c: the text front end over any bytes: what it hands out is in bounds, and does not depend on the pieces that the text
 * arrives in. The first byte chooses the size of the pieces and of the chunks, the second what is done with the text. */
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
static lt_status read_all(struct frontend *frontend, const struct text_options *options, const char *text,
                          size_t size, size_t piece, struct str *out)
{
    struct text_source source = {text, size, 0, piece};
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    lt_status status = text_stream_open(frontend, options, text_source_read, &source, &stream, &error);
    if (status != LT_OK)
        abort();
    while ((status = text_stream_next(stream, &chunk, &error)) == LT_OK && chunk != NULL) {
        check_chunk(chunk, size, options->max_symbols);
        str_puts(out, chunk->text);
        str_printf(out, "|%.2f|%.2f|%s\n", (double)chunk->pause_seconds, (double)chunk->rate,
                   chunk->voice == NULL ? "" : chunk->voice);
    }
    text_stream_close(stream);
    return status;
}

/* From 128 on, each bit of `byte` switches something; below, all is as it is by default. */
static void choose_switches(uint8_t byte, struct text_options *options)
{
    static const uint32_t groups[] = {LT_TEXT_NORMALIZE,
                                      LT_TEXT_UNITS | LT_TEXT_PLURALS,
                                      LT_TEXT_URLS | LT_TEXT_EMAILS,
                                      LT_TEXT_TELEPHONES | LT_TEXT_SYMBOLS,
                                      LT_TEXT_MARKDOWN,
                                      LT_TEXT_PAUSE_MARKS | LT_TEXT_VOICE_MARKS | LT_TEXT_RATE_MARKS};
    for (size_t i = 0; i < sizeof groups / sizeof *groups && byte >= 128; i++)
        options->off |= (byte >> i & 1) != 0 ? groups[i] : 0;
    options->on = byte >= 192 ? LT_TEXT_EMOJI : 0;
    options->readable = byte % 2 == 0;
    options->language = byte % 3 == 0 ? "en-GB" : "en-US";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frontend *frontend;
    if (frontend == NULL && frontend_open(NULL, &frontend, NULL) != LT_OK)
        abort();
    if (size < 2)
        return 0;
    size_t piece = data[0] % 32 + 1, max = 16 + (size_t)data[0] * 4;
    struct str whole = {0}, pieces = {0};
    struct text_options options = {.max_symbols = max, .first_symbols = max / 4};
    choose_switches(data[1], &options);
    const char *text = (const char *)data + 2;
    lt_status first = read_all(frontend, &options, text, size - 2, SIZE_MAX, &whole);
    lt_status second = read_all(frontend, &options, text, size - 2, piece, &pieces);
    if (first != second || (first != LT_OK && first != LT_ERR_TEXT))
        abort();
    if (first == LT_OK &&
        (whole.length != pieces.length || (whole.length > 0 && strcmp(whole.data, pieces.data) != 0)))
        abort();
    str_free(&whole);
    str_free(&pieces);
    return 0;
}
