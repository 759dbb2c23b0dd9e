/* said.h: the phonemes of a sentence as they are kept to say the same sentence again. */
#ifndef TEXT_SAID_H
#define TEXT_SAID_H

#include "text/tokens.h"

/* Appends all of `tokens` that decides their phonemes (besides whose pronunciation it is): words, marks,
 * what is known of them. */
void said_key(const struct tokens *tokens, struct str *key);

/* Appends what pronouncing has made of tokens: phonemes, their origin, notes and tags. The notes are static
 * strings: it is of use in this process only. */
void said_write(const struct tokens *tokens, struct str *value);

/* Gives tokens, with the same key as those of said_write, what was made of those. tokens->pool.failed when
 * out of memory. */
void said_read(const struct str *value, struct tokens *tokens);

#endif
