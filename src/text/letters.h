/* letters.h: letter-to-sound for English words that no lexicon has.
 *
 * espeak-ng where it was built in and chosen (it is what Kokoro's training texts fell back to), else flite's lexicon and
 * letter-to-sound rules. Both hand over their own phonemes, mapped here to Kokoro's symbols. A small table of answers keeps
 * repeated words cheap. */
#ifndef TEXT_LETTERS_H
#define TEXT_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "text/symbols.h"

struct letters;

/* `espeak`: use espeak-ng when this build has it and its data is installed. Errors: LT_ERR_MEMORY. */
lt_status letters_open(bool british, bool espeak, struct letters **letters, lt_error *error);
void letters_close(struct letters *letters); /* NULL is fine */

/* "espeak-ng" or "flite": static string, for receipts. */
const char *letters_name(const struct letters *letters);

/* Pronounces `word` (lower- or upper-case letters a-z and apostrophes; other bytes are left out). False when nothing
 * speakable is in it. Safe from any thread. */
bool letters_say(struct letters *letters, const char *word, size_t size, struct phones *phones);

#endif
