/* frontend.c: from text to chunks: the one place where the stages of the text front end meet.
 *
 *   reader      window on the source, checked UTF-8
 *   markdown    lines into raw text (ssml.c for SSML)
 *   sentences   where the next sentence ends
 *   inline      what is inside a line: emphasis, links, entities, Unicode
 *   normalize   words as they are spoken
 *   chunks      as many sentences as a backend can hold
 *
 * A stream works sentence by sentence, only as far ahead as the next chunk needs. */
#include "text/frontend.h"

#include <stdlib.h>
#include <string.h>

#include "text/chunks.h"
#include "text/inline.h"
#include "text/markdown.h"
#include "text/normalize.h"
#include "text/phonemes.h"
#include "text/reader.h"
#include "text/sentences.h"

enum {
    SENTENCE_LIMIT = 16384
}; /* bytes of the longest sentence; what is longer is cut at a clause or a space */

struct frontend {
    bool name_emoji;
    bool skip_code;
};

struct text_stream {
    struct frontend *frontend;
    struct text_options options;
    struct reader reader;
    struct raw_text raw;
    struct markdown markdown;
    struct sentence sentence;
    struct text_style style;       /* of the next sentence */
    struct pronouncer *pronouncer; /* NULL: the backend reads words */
    struct tokens tokens;          /* of the sentence in work */
    float owed_pause;              /* silence before the next word: the end of a paragraph */
    struct chunker chunker;
};

lt_status frontend_open(const lt_config *config, struct frontend **frontend, lt_error *error)
{
    *frontend = calloc(1, sizeof **frontend);
    if (*frontend == NULL)
        return error_memory(error, "the text front end");
    if (config != NULL) {
        (*frontend)->name_emoji = strcmp(config_string(config, CONFIG_text_emoji), "name") == 0;
        (*frontend)->skip_code = strcmp(config_string(config, CONFIG_text_code), "skip") == 0;
    }
    return LT_OK;
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
    struct text_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_memory(error, "the text");
    s->frontend = frontend;
    s->options = *options;
    s->reader = (struct reader){.read = read, .user = user};
    s->style = (struct text_style){.rate = 1, .volume = 1};
    s->markdown = (struct markdown){
        .reader = &s->reader,
        .raw = &s->raw,
        .refused = options->refused_marks,
        .skip_code = frontend->skip_code,
        .style = s->style,
    };
    chunker_init(&s->chunker, options);
    *stream = s;
    return LT_OK;
}

void text_stream_close(struct text_stream *stream)
{
    if (stream == NULL)
        return;
    reader_free(&stream->reader);
    raw_free(&stream->raw);
    sentence_free(&stream->sentence);
    tokens_free(&stream->tokens);
    chunker_free(&stream->chunker);
    free(stream);
}

uint64_t text_stream_position(const struct text_stream *stream)
{
    return stream->reader.offset + stream->reader.valid;
}

/* Reads on until the raw text begins with a whole sentence or an event: *length is the sentence's, 0 at the end. */
static lt_status find_sentence(struct text_stream *stream, size_t *length, lt_error *error)
{
    struct raw_text *raw = &stream->raw;
    size_t from = 0;
    for (;;) {
        const char *text = raw->text.data + raw->front;
        size_t size = raw->text.length - raw->front;
        bool ended = stream->markdown.ended;
        if (size > 0 && *text == RAW_EVENT) {
            *length = 1;
            return LT_OK;
        }
        bool cut = size > SENTENCE_LIMIT;
        *length = size == 0 ? 0 : sentence_length(text, size, ended, &from);
        if (cut && (*length == 0 || *length > SENTENCE_LIMIT))
            *length = sentence_cut(text, SENTENCE_LIMIT);
        if (*length > 0 || ended)
            return LT_OK;
        lt_status status = markdown_more(&stream->markdown, error);
        if (status != LT_OK)
            return status;
        if (raw->failed)
            return error_memory(error, "the text");
    }
}

/* Whether the sentence said last needs a full stop: it ends in a word. */
static bool needs_stop(const struct tokens *tokens)
{
    for (size_t i = tokens->count; i > 0; i--) {
        uint8_t kind = tokens->items[i - 1].kind;
        if (kind != TOKEN_DROPPED)
            return kind == TOKEN_WORD;
    }
    return false;
}

static lt_status take_event(struct text_stream *stream, lt_error *error)
{
    struct raw_text *raw = &stream->raw;
    const struct raw_event *event = &raw->events[raw->event_front++];
    struct place place = raw->places[raw->front];
    uint64_t reference = reader_position(&stream->reader);
    struct token token = {.source_begin = place_position(place.begin, reference),
                          .source_end = place_position(place.end, reference)};
    struct tokens *tokens = &stream->chunker.tokens;
    struct passage passage = {.style = stream->style};
    raw_use(raw, 1);
    if (event->kind == EVENT_STYLE) {
        stream->style = event->style;
        return LT_OK;
    }
    if (event->kind == EVENT_PAUSE) {
        token.kind = TOKEN_PAUSE;
        token.seconds = event->pause;
        tokens_add(tokens, &token, "", 0);
        return chunker_add_passage(&stream->chunker, &passage, error);
    }
    if (event->stop && needs_stop(tokens)) {
        token.kind = TOKEN_PUNCTUATION;
        token.space_after = true;
        tokens_add(tokens, &token, ".", 1);
    }
    passage.final = event->final;
    stream->owed_pause = event->pause > stream->owed_pause ? event->pause : stream->owed_pause;
    return chunker_add_passage(&stream->chunker, &passage, error);
}

/* Puts the tokens of the sentence in work into the chunker, after the silence that is due before them. */
static lt_status add_sentence(struct text_stream *stream, lt_error *error)
{
    struct tokens *waiting = &stream->chunker.tokens;
    bool said = false;
    for (size_t i = 0; i < stream->tokens.count; i++)
        said |= stream->tokens.items[i].kind == TOKEN_WORD;
    if (said && stream->owed_pause > 0) {
        struct token pause = stream->tokens.items[0];
        pause.kind = TOKEN_PAUSE;
        pause.note = "end of a paragraph";
        pause.seconds = stream->owed_pause;
        pause.source_end = pause.source_begin;
        tokens_add(waiting, &pause, "", 0);
        stream->owed_pause = 0;
    }
    tokens_append(waiting, &stream->tokens);
    struct passage passage = {.style = stream->style};
    return chunker_add_passage(&stream->chunker, &passage, error);
}

/* Reads the next sentence or event into the chunker. *more is false at the end of the text. */
static lt_status read_sentence(struct text_stream *stream, bool *more, lt_error *error)
{
    size_t length;
    lt_status status = find_sentence(stream, &length, error);
    *more = length > 0;
    if (status != LT_OK || length == 0)
        return status;
    if (stream->raw.text.data[stream->raw.front] == RAW_EVENT)
        return take_event(stream, error);
    struct inline_options inlines = {stream->options.refused_marks, true, stream->frontend->name_emoji};
    inline_clean(&stream->raw, length, &inlines, text_stream_position(stream), &stream->sentence);
    if (stream->sentence.clean.failed)
        return error_memory(error, "a sentence");
    const char *language = stream->options.language;
    struct normalize_options options = {
        .british = language != NULL && (strcmp(language, "en-GB") == 0 || strcmp(language, "en-AU") == 0),
        .verbatim = stream->options.verbatim,
    };
    tokens_clear(&stream->tokens);
    normalize_sentence(&stream->sentence, &options, &stream->tokens);
    if (stream->pronouncer != NULL &&
        (status = phonemes_add(stream->pronouncer, &stream->tokens, error)) != LT_OK)
        return status;
    if (stream->options.observe != NULL)
        stream->options.observe(stream->options.observer, &stream->tokens);
    return add_sentence(stream, error);
}

lt_status text_stream_next(struct text_stream *stream, const struct text_chunk **chunk, lt_error *error)
{
    do {
        *chunk = NULL;
        for (bool more = true; more && !chunker_is_full(&stream->chunker);) {
            lt_status status = read_sentence(stream, &more, error);
            if (status != LT_OK)
                return status;
        }
        lt_status status = chunker_take(&stream->chunker, chunk, error);
        if (status != LT_OK)
            return status;
    } while (*chunk != NULL && (*chunk)->text[0] == '\0' &&
             (*chunk)->pause_seconds <= 0); /* all of it was dropped */
    return LT_OK;
}
