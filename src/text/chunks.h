/* chunks.h: packs spoken tokens into chunks that a backend can hold.
 *
 * A chunk is as many whole sentences as fit; a sentence that does not fit is cut after a clause mark, else after a
 * word, else inside one. The first chunk is short, so that sound starts early, and each may be twice as long as the one
 * before, so that it is ready when that one has sounded; a first sentence may be twice as long as that, for it sounds
 * best in one piece. A change of voice, a pause or the end of a paragraph ends a chunk. */
#ifndef TEXT_CHUNKS_H
#define TEXT_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "text/frontend.h"
#include "text/tokens.h"

/* How a passage is to be spoken. */
struct text_style {
    char voice[64]; /* empty: the request's */
    float rate;     /* factors, 1 without marks */
    float volume;
    float pitch, pitch_hertz; /* as in an utterance: 1 and 0 without marks */
    char background[16];      /* kind of ambience under the speech ("rain"); empty: none */
    float background_volume;  /* 0 to 1 */
    char language[16];        /* BCP 47, of the words; empty: the request's */
};

bool text_style_equal(const struct text_style *a, const struct text_style *b);

/* A run of tokens in one style: usually a sentence. */
struct passage {
    size_t end; /* index of the token after its last */
    struct text_style style;
    float pause; /* seconds of silence after it */
    bool final;  /* nothing may follow in the same chunk: the end of a paragraph */
};

struct chunker {
    size_t max_symbols, limit; /* longest chunk ever; longest next one */
    double fitting_symbols; /* longest chunk at rate 1 for which there is memory; slower ones are shorter */
    bool phonemes;          /* symbols are counted in phonemes, else in bytes of text */
    bool readable;          /* of text_options */
    struct tokens tokens;   /* waiting; those before `first` were spoken */
    size_t first;
    struct passage *passages; /* of `tokens`, in order; those before `passage_first` were spoken */
    size_t passage_count, passage_capacity, passage_first;
    size_t symbols; /* in the waiting tokens */
    size_t pauses;  /* waiting tokens that are pauses */
    bool has_final; /* a waiting passage ends a chunk by itself */
    /* The memory of the chunk handed out last. */
    struct str text, spoken_phonemes;
    struct utterance_word *words;
    size_t word_capacity;
    struct text_chunk chunk;
    struct text_style chunk_style;
};

/* Sets up *chunker, which was {0}. */
void chunker_init(struct chunker *chunker, const struct text_options *options);
void chunker_free(struct chunker *chunker);

/* Says that the tokens added to chunker->tokens since the last call are a passage; `end` is filled in.
 * Errors: LT_ERR_MEMORY. */
lt_status chunker_add_passage(struct chunker *chunker, const struct passage *passage, lt_error *error);

/* Whether the next chunk can be cut without seeing more tokens. */
bool chunker_is_full(const struct chunker *chunker);

/* Takes the next chunk of the waiting tokens: *chunk, valid until the next call, or NULL when none wait.
 * Errors: LT_ERR_MEMORY. */
lt_status chunker_take(struct chunker *chunker, const struct text_chunk **chunk, lt_error *error);

#endif
