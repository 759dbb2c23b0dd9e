/* tokens.h: what the stages of the text front end pass on: a list of spoken tokens.
 *
 * reader + markup + segmenter  produce sentences of source text;
 * normalize                    turns a sentence into tokens: words as they are spoken, and punctuation;
 * pronounce                    gives every word token its phonemes.
 * Each token knows the bytes of the user's source that it came from and how it came to be (the receipt that
 * `litetts phonemize --explain` prints). */
#ifndef TEXT_TOKENS_H
#define TEXT_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum token_kind {
    TOKEN_WORD,        /* one spoken word */
    TOKEN_PUNCTUATION, /* a mark that Kokoro knows: ; : , . ! ? — … " ( ) “ ” */
    TOKEN_PAUSE,       /* silence of `seconds` */
    TOKEN_DROPPED      /* source that is not spoken; kept for the receipt, `note` says why */
};

enum token_origin {
    ORIGIN_TEXT,       /* the word as it stands in the source */
    ORIGIN_NORMALIZED, /* made by normalisation (numbers, symbols, abbreviations) */
    ORIGIN_GIVEN       /* phonemes given in the text ([word](/.../), <phoneme>) */
};

enum phoneme_origin {
    PHONEMES_NONE,
    PHONEMES_USER_LEXICON,
    PHONEMES_GOLD,
    PHONEMES_SILVER,
    PHONEMES_RULE,    /* a rule on a lexicon entry: -s, -ed, -ing, compound, possessive ... */
    PHONEMES_SPELLED, /* letter by letter */
    PHONEMES_LTS,     /* letter-to-sound */
    PHONEMES_GIVEN
};

struct token {
    uint64_t source_begin, source_end; /* bytes in the source text */
    uint32_t text, text_size;          /* in pool: the spoken word in its own case, or the mark */
    uint32_t phonemes, phonemes_size;  /* in pool; size 0 until pronounced */
    const char *note;                  /* static string: rule or reason, for the receipt; may be NULL */
    float seconds;                     /* TOKEN_PAUSE */
    float stress;                      /* misaki's stress mark: -2 -1 0 +1 +2; 0 when `has_stress` is false */
    uint8_t kind;                      /* enum token_kind */
    uint8_t origin;                    /* enum token_origin */
    uint8_t phoneme_origin;            /* enum phoneme_origin */
    uint8_t tag;                       /* part of speech, enum pos_tag of tagger.h; 0 until tagged */
    bool has_stress;
    bool space_after; /* white space follows in the spoken text */
    bool spell;       /* say the letters (acronyms, say-as) */
};

/* A growable list; {0} is empty. Tokens refer to the pool by offset, so that both may grow. */
struct tokens {
    struct str pool;
    struct token *items;
    size_t count, capacity;
    bool failed; /* out of memory: check once at the end */
};

void tokens_free(struct tokens *tokens);
void tokens_clear(struct tokens *tokens); /* keeps the memory */

/* Appends a copy of `token` with its text set to `text`; returns the new item or NULL when out of memory. */
struct token *tokens_add(struct tokens *tokens, const struct token *token, const char *text, size_t size);

/* Appends all of `from` to `tokens`. */
void tokens_append(struct tokens *tokens, const struct tokens *from);

#endif
