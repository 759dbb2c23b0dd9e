/* text.c: lt_spell_out: the text front end alone, for `/dev/phonemize` and for programs that look at what
 * will be spoken. */
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/request_text.h"
#include "text/receipt.h"

/* Longest chunk: a paragraph stays one line unless it is longer. */
enum { LINE_SYMBOLS = 65536 };

struct spelling {
    const lt_request *request;
    bool first_entry; /* nothing is in the JSON array yet */
    bool failed;      /* out of memory */
    bool refused;     /* write returned false */
};

static void put(struct spelling *s, const char *bytes, size_t size)
{
    if (!s->refused && size > 0 && !s->request->write(s->request->user, bytes, size))
        s->refused = true;
}

/* Writes what became of a sentence: objects of the JSON array, separated by commas. */
static void put_receipt(void *user, const struct tokens *tokens)
{
    struct spelling *s = user;
    json_t *list = json_array();
    s->failed = s->failed || list == NULL || !receipt_add(list, tokens);
    char *text = s->failed ? NULL : json_dumps(list, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(list);
    if (text == NULL) {
        s->failed = true;
        return;
    }
    size_t size = strlen(text) - 2; /* without its brackets */
    if (size > 0) {
        if (!s->first_entry)
            put(s, ",\n", 2);
        s->first_entry = false;
        put(s, text + 1, size);
    }
    free(text);
}

static void put_line(struct spelling *s, const char *line)
{
    if (line == NULL || line[0] == '\0')
        return;
    put(s, line, strlen(line));
    put(s, "\n", 1);
}

static lt_status put_chunks(struct spelling *s, struct text_stream *stream, lt_stage stage, lt_error *error)
{
    const struct text_chunk *chunk;
    lt_status status;
    while ((status = text_stream_next(stream, &chunk, error)) == LT_OK && chunk != NULL) {
        if (s->failed)
            return error_memory(error, "the receipt");
        if (stage != LT_STAGE_RECEIPT)
            put_line(s, stage == LT_STAGE_WORDS ? chunk->text : chunk->phonemes);
        if (s->refused || (s->request->cancel != NULL && lt_cancel_fired(s->request->cancel)))
            return error_set(error, LT_ERR_CANCELLED, "the request was cancelled");
    }
    return status == LT_OK && s->failed ? error_memory(error, "the receipt") : status;
}

static lt_status check(const lt_engine *engine, const lt_request *r, lt_stage stage, lt_error *error)
{
    if (engine == NULL || r == NULL || r->write == NULL || (r->text == NULL && r->read == NULL))
        return error_set(error, LT_ERR_ARGUMENT,
                         "lt_spell_out needs an engine and a request with text (or read) and write");
    if ((unsigned)stage > LT_STAGE_RECEIPT)
        return error_set(error, LT_ERR_ARGUMENT, "there is no stage number %d", (int)stage);
    if (r->input != LT_INPUT_TEXT && r->input != LT_INPUT_SSML)
        return error_set(error, LT_ERR_UNSUPPORTED, "phonemes cannot be spelled out: give text or SSML");
    return LT_OK;
}

lt_status lt_spell_out(lt_engine *engine, const lt_request *request, lt_stage stage, const char *language,
                       lt_error *error)
{
    lt_error ignored;
    if (error == NULL)
        error = &ignored;
    error_none(error);
    lt_status status = check(engine, request, stage, error);
    if (status != LT_OK)
        return status;
    bool receipt = stage == LT_STAGE_RECEIPT;
    struct spelling s = {.request = request, .first_entry = true};
    struct request_text text = request_text_of(request);
    struct text_options options = {.input = request->input,
                                   .phonemes = stage != LT_STAGE_WORDS,
                                   .max_symbols = LINE_SYMBOLS,
                                   .language = language != NULL ? language : "en-US",
                                   .on = request->text_on,
                                   .off = request->text_off,
                                   .readable = true,
                                   .observe = receipt ? put_receipt : NULL,
                                   .observer = &s};
    struct text_stream *stream;
    status = text_stream_open(engine->frontend, &options, request_text_read, &text, &stream, error);
    if (status != LT_OK)
        return status;
    if (receipt)
        put(&s, "[", 1);
    status = put_chunks(&s, stream, stage, error);
    if (receipt && status == LT_OK)
        put(&s, "]\n", 2);
    text_stream_close(stream);
    return status;
}
