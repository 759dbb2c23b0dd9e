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

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "text/chunks.h"
#include "text/inline.h"
#include "text/languages.h"
#include "text/markdown.h"
#include "text/normalize.h"
#include "text/phonemes.h"
#include "text/reader.h"
#include "text/sentences.h"
#include "text/ssml.h"
#include "text/user_lexicon.h"

/* Bytes of the longest sentence; what is longer is cut at a clause or a space. */
enum { SENTENCE_LIMIT = 16384 };

enum { LANGUAGES_MOST = 16 };

struct frontend {
    lt_config *config;
    const struct memo *memo; /* where phonemes are kept; NULL: nowhere */
    uint32_t switches;       /* lt_text_switch bits that are on */
    bool skip_code;
    /* The pronouncers in use, opened when a stream first needs them. */
    pthread_mutex_t lock;
    struct {
        char language[16];
        struct pronouncer *pronouncer;
    } languages[LANGUAGES_MOST];
    size_t language_count;
};

struct text_stream {
    struct frontend *frontend;
    struct text_options options;
    uint32_t switches; /* lt_text_switch bits that are on */
    struct reader reader;
    struct raw_text raw;
    struct markdown markdown; /* for plain text */
    struct ssml *ssml;        /* for SSML, else NULL */
    struct normalize_options normalize;
    struct sentence sentence;
    struct text_style style;       /* of the next sentence */
    struct pronouncer *pronouncer; /* NULL: the backend reads words */
    struct tokens tokens;          /* of the sentence in work */
    float owed_pause;              /* silence before the next word: the end of a paragraph */
    struct chunker chunker;
};

/* What the configuration switches on. */
static uint32_t read_switches(const lt_config *config)
{
    static const struct {
        enum config_key key;
        uint32_t bit;
    } keys[] = {
        {CONFIG_text_normalize, LT_TEXT_NORMALIZE},
        {CONFIG_text_units, LT_TEXT_UNITS},
        {CONFIG_text_urls, LT_TEXT_URLS},
        {CONFIG_text_emails, LT_TEXT_EMAILS},
        {CONFIG_text_telephones, LT_TEXT_TELEPHONES},
        {CONFIG_text_plurals, LT_TEXT_PLURALS},
        {CONFIG_text_symbols, LT_TEXT_SYMBOLS},
        {CONFIG_text_markdown, LT_TEXT_MARKDOWN},
        {CONFIG_text_pause_marks, LT_TEXT_PAUSE_MARKS},
        {CONFIG_text_voice_marks, LT_TEXT_VOICE_MARKS},
        {CONFIG_text_rate_marks, LT_TEXT_RATE_MARKS},
        {CONFIG_text_phoneme_marks, LT_TEXT_PHONEME_MARKS},
    };
    uint32_t switches = strcmp(config_string(config, CONFIG_text_emoji), "name") == 0 ? LT_TEXT_EMOJI : 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (config_bool(config, keys[i].key))
            switches |= keys[i].bit;
    return switches;
}

/* Whether the user's lexicon can be read, so that who opens a front end hears of it, and not who first
 * speaks. */
static lt_status check_lexicon(const lt_config *config, lt_error *error)
{
    const char *path = config_string(config, CONFIG_text_lexicon);
    struct user_lexicon *lexicon = NULL;
    lt_error fault;
    lt_status status = path[0] == '\0' ? LT_OK : user_lexicon_open(path, false, &lexicon, &fault);
    user_lexicon_close(lexicon);
    return status == LT_OK ? LT_OK : error_set(error, LT_ERR_CONFIG, "text.lexicon: %s", fault.message);
}

lt_status frontend_open(const lt_config *config, struct frontend **frontend, lt_error *error)
{
    struct frontend *f = calloc(1, sizeof *f);
    lt_config *copy = config == NULL ? lt_config_new() : config_copy(config);
    if (f == NULL || copy == NULL) {
        free(f);
        lt_config_free(copy);
        return error_memory(error, "the text front end");
    }
    lt_status status = check_lexicon(copy, error);
    if (status != LT_OK) {
        free(f);
        lt_config_free(copy);
        return status;
    }
    f->config = copy;
    f->switches = read_switches(copy);
    f->skip_code = strcmp(config_string(copy, CONFIG_text_code), "skip") == 0;
    pthread_mutex_init(&f->lock, NULL);
    *frontend = f;
    return LT_OK;
}

void frontend_close(struct frontend *frontend)
{
    if (frontend == NULL)
        return;
    for (size_t i = 0; i < frontend->language_count; i++)
        pronouncer_close(frontend->languages[i].pronouncer);
    pthread_mutex_destroy(&frontend->lock);
    lt_config_free(frontend->config);
    free(frontend);
}

void frontend_remember(struct frontend *frontend, const struct memo *memo)
{
    frontend->memo = memo;
}

/* The one name of a language that has many ("fr", "fr-CA"): each pronouncer is opened once. */
static const char *canonical(const char *language)
{
    const struct language *known;
    if (language == NULL || language_is(language, "en"))
        return language != NULL && (language_is(language, "en-gb") || language_is(language, "en_gb"))
                   ? "en-GB"
                   : "en-US";
    return language_find(language, &known, NULL) == LT_OK ? language_code(known) : language;
}

/* The pronouncer of a language, which lives as long as the front end. */
static lt_status find_pronouncer(struct frontend *frontend, const char *language,
                                 struct pronouncer **pronouncer, lt_error *error)
{
    lt_status status = LT_OK;
    language = canonical(language);
    *pronouncer = NULL;
    pthread_mutex_lock(&frontend->lock);
    for (size_t i = 0; i < frontend->language_count; i++)
        if (str_equal_nocase(frontend->languages[i].language, language))
            *pronouncer = frontend->languages[i].pronouncer;
    if (*pronouncer == NULL) {
        size_t at = frontend->language_count;
        if (at == LANGUAGES_MOST || strlen(language) >= sizeof frontend->languages->language)
            status = error_set(error, LT_ERR_UNSUPPORTED,
                               "'%.40s' is no language of this build: use one such as en-US", language);
        else if ((status = pronouncer_open(frontend->config, language, pronouncer, error)) == LT_OK) {
            pronouncer_remember(*pronouncer, frontend->memo);
            strcpy(frontend->languages[at].language, language);
            frontend->languages[at].pronouncer = *pronouncer;
            frontend->language_count++;
        }
    }
    pthread_mutex_unlock(&frontend->lock);
    return status;
}

lt_status frontend_generation(struct frontend *frontend, const char *language, uint64_t *generation,
                              lt_error *error)
{
    struct pronouncer *pronouncer;
    lt_status status = find_pronouncer(frontend, language, &pronouncer, error);
    if (status == LT_OK)
        *generation = pronouncer_generation(pronouncer);
    return status;
}

/* Only English has normalisation; numbers of other languages are left to espeak-ng. */
static bool is_english(const char *language)
{
    return language == NULL || language_is(language, "en");
}

/* Where dates have the day first. */
static bool is_british(const char *language)
{
    static const char *const regions[] = {"gb", "au", "nz", "ie"};
    if (language == NULL || !language_is(language, "en") || strlen(language) < 5)
        return false;
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
        if (str_equal_nocase(language + 3, regions[i]))
            return true;
    return false;
}

/* Whether the text is of a language that this program reads. Phonemes have none. */
static lt_status check_language(const struct text_options *options, lt_error *error)
{
    const struct language *language;
    return options->input == LT_INPUT_PHONEMES || is_english(options->language)
               ? LT_OK
               : language_find(options->language, &language, error);
}

lt_status text_stream_open(struct frontend *frontend, const struct text_options *options, text_read_fn read,
                           void *user, struct text_stream **stream, lt_error *error)
{
    if (options->input == LT_INPUT_PHONEMES && !options->phonemes)
        return error_set(
            error, LT_ERR_UNSUPPORTED,
            "this voice reads words, not phonemes: give text, or use a voice of the Kokoro model");
    struct pronouncer *pronouncer = NULL;
    lt_status status = check_language(options, error);
    if (status != LT_OK)
        return status;
    if (options->phonemes && options->input != LT_INPUT_PHONEMES) {
        status = find_pronouncer(frontend, options->language, &pronouncer, error);
        if (status != LT_OK)
            return status;
    }
    struct text_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_memory(error, "the text");
    s->frontend = frontend;
    s->options = *options;
    s->pronouncer = pronouncer;
    s->reader = (struct reader){.read = read, .user = user};
    s->style = (struct text_style){.rate = 1, .volume = 1, .pitch = 1};
    s->switches = (frontend->switches | options->on) & ~options->off;
    if (!is_english(options->language))
        s->switches &= ~(uint32_t)LT_TEXT_NORMALIZE;
    s->normalize = (struct normalize_options){.british = is_british(options->language),
                                              .switches = s->switches,
                                              .respell = !options->phonemes && !options->readable};
    s->markdown = (struct markdown){
        .reader = &s->reader,
        .raw = &s->raw,
        .switches = s->switches,
        .skip_code = frontend->skip_code,
        .style = s->style,
    };
    chunker_init(&s->chunker, options);
    if (options->input == LT_INPUT_SSML) {
        status = ssml_open(&s->reader, &s->raw, s->switches, s->normalize.british, &s->ssml, error);
        if (status != LT_OK) {
            free(s);
            return status;
        }
    }
    *stream = s;
    return LT_OK;
}

void text_stream_close(struct text_stream *stream)
{
    if (stream == NULL)
        return;
    reader_free(&stream->reader);
    raw_free(&stream->raw);
    ssml_close(stream->ssml);
    sentence_free(&stream->sentence);
    tokens_free(&stream->tokens);
    chunker_free(&stream->chunker);
    free(stream);
}

uint64_t text_stream_position(const struct text_stream *stream)
{
    return stream->reader.offset + stream->reader.valid;
}

/* Reads on until the raw text begins with a whole sentence or an event: *length is the sentence's, 0 at
 * the end. */
static lt_status find_sentence(struct text_stream *stream, size_t *length, lt_error *error)
{
    struct raw_text *raw = &stream->raw;
    size_t from = 0;
    for (;;) {
        const char *text = raw->text.data == NULL ? "" : raw->text.data + raw->front;
        size_t size = raw->text.length - raw->front;
        bool ended = stream->ssml != NULL ? ssml_ended(stream->ssml) : stream->markdown.ended;
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
        lt_status status =
            stream->ssml != NULL ? ssml_more(stream->ssml, error) : markdown_more(&stream->markdown, error);
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

/* Shows a mark that was obeyed to whoever keeps the receipt. */
static void observe_mark(struct text_stream *stream, const struct token *token)
{
    if (stream->options.observe == NULL || token->source_begin == token->source_end)
        return;
    tokens_clear(&stream->tokens);
    tokens_add(&stream->tokens, token, "", 0);
    stream->options.observe(stream->options.observer, &stream->tokens);
}

/* Shows what was left out behind the last sentence. */
static void observe_drops(struct text_stream *stream)
{
    struct raw_text *raw = &stream->raw;
    if (stream->options.observe == NULL || raw->drop_front == raw->drop_count)
        return;
    tokens_clear(&stream->tokens);
    for (; raw->drop_front < raw->drop_count; raw->drop_front++) {
        const struct raw_drop *dropped = &raw->drops[raw->drop_front];
        struct token token = {.kind = TOKEN_DROPPED,
                              .note = dropped->reason,
                              .source_begin = dropped->begin,
                              .source_end = dropped->end};
        tokens_add(&stream->tokens, &token, "", 0);
    }
    stream->options.observe(stream->options.observer, &stream->tokens);
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
        token.kind = TOKEN_DROPPED;
        token.note = "mark: how to speak from here on";
        if (stream->ssml == NULL)
            observe_mark(stream, &token);
        return LT_OK;
    }
    if (event->kind == EVENT_PAUSE) {
        token.kind = TOKEN_PAUSE;
        token.seconds = event->pause;
        observe_mark(stream, &token);
        tokens_add(tokens, &token, "", 0);
        return chunker_add_passage(&stream->chunker, &passage, error);
    }
    const struct chunker *chunker = &stream->chunker;
    bool same_style = chunker->passage_count > 0 &&
                      text_style_equal(&chunker->passages[chunker->passage_count - 1].style, &stream->style);
    if (event->stop && same_style && needs_stop(tokens)) {
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

/* Says the sentence in work in the language that is in force. */
static lt_status say_sentence(struct text_stream *stream, lt_error *error)
{
    struct normalize_options normalize = stream->normalize;
    struct pronouncer *pronouncer = stream->pronouncer, *other = NULL;
    const char *language = stream->style.language;
    if (pronouncer != NULL && *language != '\0' &&
        find_pronouncer(stream->frontend, language, &other, NULL) == LT_OK) {
        pronouncer = other;
        if (!is_english(language))
            normalize.switches &= ~(uint32_t)LT_TEXT_NORMALIZE;
    }
    tokens_clear(&stream->tokens);
    if (stream->options.input == LT_INPUT_PHONEMES)
        normalize_phonemes(&stream->sentence, &stream->tokens);
    else
        normalize_sentence(&stream->sentence, &normalize, &stream->tokens);
    return pronouncer == NULL ? LT_OK : phonemes_add(pronouncer, &stream->tokens, error);
}

/* Reads the next sentence or event into the chunker. *more is false at the end of the text. */
static lt_status read_sentence(struct text_stream *stream, bool *more, lt_error *error)
{
    size_t length;
    lt_status status = find_sentence(stream, &length, error);
    *more = length > 0;
    if (status == LT_OK && length == 0)
        observe_drops(stream);
    if (status != LT_OK || length == 0)
        return status;
    if (stream->raw.text.data[stream->raw.front] == RAW_EVENT)
        return take_event(stream, error);
    struct inline_options inlines = {stream->switches, stream->options.input == LT_INPUT_TEXT};
    inline_clean(&stream->raw, length, &inlines, text_stream_position(stream), &stream->sentence);
    if (stream->sentence.clean.failed)
        return error_memory(error, "a sentence");
    if ((status = say_sentence(stream, error)) != LT_OK)
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
