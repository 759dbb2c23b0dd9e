/* fuzz_ssml.c: SSML over any bytes: it is read or refused, and what is read is in bounds. */
#include <stdlib.h>
#include <string.h>

#include "../text_source.h"
#include "text/frontend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct frontend *frontend;
    if (frontend == NULL && frontend_open(NULL, &frontend, NULL) != LT_OK)
        abort();
    struct text_source source = {(const char *)data, size, 0};
    struct text_options options = {.input = LT_INPUT_SSML, .max_symbols = 200, .language = "en-GB"};
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    lt_status status = text_stream_open(frontend, &options, text_source_read, &source, &stream, &error);
    if (status != LT_OK)
        abort();
    while ((status = text_stream_next(stream, &chunk, &error)) == LT_OK && chunk != NULL) {
        if (strlen(chunk->text) > 200 || chunk->source_end > size ||
            !(chunk->rate >= 0.25F && chunk->rate <= 4) || !(chunk->volume >= 0) ||
            !(chunk->pause_seconds >= 0 && chunk->pause_seconds <= 60))
            abort();
        for (size_t i = 0; i < chunk->word_count; i++)
            if (chunk->words[i].source_end > size || chunk->words[i].spoken_end > strlen(chunk->text))
                abort();
    }
    if (status != LT_OK && status != LT_ERR_TEXT)
        abort();
    text_stream_close(stream);
    return 0;
}
