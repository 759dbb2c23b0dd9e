/* languages.h: the languages besides English, through espeak-ng with misaki's map (espeak.py, EspeakG2P). */
#ifndef TEXT_LANGUAGES_H
#define TEXT_LANGUAGES_H

#include "base/error.h"
#include "text/tokens.h"

struct language;

/* Whether a BCP 47 code is of a language: "en-US" and "en_us" are of "en". */
bool language_is(const char *code, const char *language);

/* Finds a language besides English by its code ("es", "fr-FR", "hi", "it", "pt-BR"). The result is static. Errors:
 * LT_ERR_UNSUPPORTED: there is none, or nobody can pronounce it yet. */
lt_status language_find(const char *code, const struct language **language, lt_error *error);

/* Its code without a region: "fr". */
const char *language_code(const struct language *language);

/* The same, ready to be pronounced. Errors: LT_ERR_UNSUPPORTED also when espeak-ng lacks it. */
lt_status language_open(const char *code, const struct language **language, lt_error *error);

/* Fills the phonemes of every word of `tokens` that has none. Words between marks are said together, so that they join as the
 * language wants. Safe from several threads at once. */
void language_add(const struct language *language, struct tokens *tokens);

#endif
