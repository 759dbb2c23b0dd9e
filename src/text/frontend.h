/* frontend.h: from text to utterances: what the engine sees of the text front end.
 *
 * A text_stream reads source text piece by piece, finds sentences, normalises them to spoken words, cuts
 * them into chunks a backend can speak, and (for backends that want them) adds phonemes. Memory is bounded
 * by the longest chunk and the reading window, not by the text. */
#ifndef TEXT_FRONTEND_H
#define TEXT_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"
#include "base/str.h"
#include "text/utterance_word.h"

struct memo;
struct tokens;

/* Lexicons and settings that all streams share; safe to use from several threads. */
struct frontend;

/* Errors: LT_ERR_CONFIG (the user's lexicon cannot be read, with its file and line), LT_ERR_MEMORY. */
lt_status frontend_open(const lt_config *config, struct frontend **frontend, lt_error *error);
void frontend_close(struct frontend *frontend);

/* Has phonemes of sentences kept in `memo`, which must outlive the front end. Before any stream is opened. */
void frontend_remember(struct frontend *frontend, const struct memo *memo);

/* A number that stays the same as long as a language's pronunciations do: how often the user's lexicon was
 * read again. What was made while it changed may hold both. Errors: those of text_stream_open. */
lt_status frontend_generation(struct frontend *frontend, const char *language, uint64_t *generation,
                              lt_error *error);

/* Reads up to `size` bytes of text; 0: end, SIZE_MAX: error. */
typedef size_t (*text_read_fn)(void *user, char *buffer, size_t size);

struct text_options {
    lt_input input;
    bool phonemes;      /* chunks carry phonemes */
    size_t max_symbols; /* longest chunk: phoneme symbols when `phonemes`, else bytes of text */
    /* What the backend has memory for at rate 1: slower passages have less, in proportion; 0: any. */
    size_t fitting_symbols;
    size_t first_symbols; /* aim for the first chunk, so that sound starts early; 0: no special aim */
    const char *language; /* BCP 47 of the voice, "en-US" */
    uint32_t on, off;     /* lt_text_switch bits that differ from the configuration; `off` wins */
    /* The words are for people to read. False: for a backend that speaks plain ASCII words: spelled
     * letters stand apart ("P M"), letters lose their accents, quotes and dashes become ASCII. */
    bool readable;
    /* Sees the tokens of every sentence when they are complete, for receipts; NULL: nobody. They are valid
     * during the call. */
    void (*observe)(void *observer, const struct tokens *tokens);
    void *observer;
};

/* One chunk. All memory belongs to the stream and is valid until the next call. */
struct text_chunk {
    const char *text;     /* spoken words and punctuation, NUL-terminated */
    const char *phonemes; /* NULL unless asked for */
    struct utterance_word *words;
    size_t word_count;
    uint64_t source_begin, source_end; /* bytes of the source that it covers */
    float pause_seconds;               /* silence after it, beyond what the backend makes */
    const char *voice;                 /* a [voice:NAME] mark or <voice> in force; NULL: the request's */
    float rate;                        /* factor on the request's speed, 1 without marks */
    float volume;                      /* factor on the request's volume, 1 without marks */
    float pitch, pitch_hertz;          /* as in an utterance: 1 and 0 without marks */
    const char *background;  /* ambience asked for ("rain", "wind", "coffee_shop" ...); NULL: none */
    float background_volume; /* of the ambience, 0 to 1 */
};

struct text_stream;

/* Begins reading. `options` is copied. Errors: LT_ERR_MEMORY, LT_ERR_UNSUPPORTED. */
lt_status text_stream_open(struct frontend *frontend, const struct text_options *options, text_read_fn read,
                           void *user, struct text_stream **stream, lt_error *error);
void text_stream_close(struct text_stream *stream);

/* The next chunk: *chunk points to it, or is NULL at the end of the text. A chunk whose text is empty and
 * whose pause is positive is silence. Errors: LT_ERR_TEXT (invalid UTF-8, NUL bytes: with the byte's
 * position; malformed SSML), LT_ERR_IO (read failed), LT_ERR_MEMORY. */
lt_status text_stream_next(struct text_stream *stream, const struct text_chunk **chunk, lt_error *error);

/* Bytes of source read so far. */
uint64_t text_stream_position(const struct text_stream *stream);

#endif
