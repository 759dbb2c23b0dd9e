/* receipt.h: what became of every piece of a text, as JSON: `litetts phonemize --explain` and the server print it. */
#ifndef TEXT_RECEIPT_H
#define TEXT_RECEIPT_H

#include <jansson.h>

#include "text/tokens.h"

/* Appends one object a token to the JSON array `list`: kind ("word", "punctuation", "pause", "dropped"), source (first byte, byte
 * after the last), and where they apply spoken, from (text, normalization, mark), phonemes, origin, note, tag (part of speech) and seconds. False when out of memory. */
bool receipt_add(json_t *list, const struct tokens *tokens);

#endif
