/* normalize.h: a sentence into the words that are spoken. */
#ifndef TEXT_NORMALIZE_H
#define TEXT_NORMALIZE_H

#include "text/inline.h"
#include "text/tokens.h"

struct normalize_options {
    bool british;      /* dates with the day first, "pence" */
    uint32_t switches; /* lt_text_switch bits that are on */
    bool respell;      /* the words are for a backend that reads no phonemes: given ones are spelled for it */
};

/* Appends the tokens of `sentence` to `tokens` (whose `failed` says when memory ran out). Linear in the sentence. */
void normalize_sentence(const struct sentence *sentence, const struct normalize_options *options,
                        struct tokens *tokens);

/* The same for a sentence that is Kokoro's phoneme symbols already: words between spaces, given as they are. */
void normalize_phonemes(const struct sentence *sentence, struct tokens *tokens);

#endif
