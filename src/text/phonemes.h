/* phonemes.h: the pronunciation stage: from spoken words to the symbols that Kokoro reads.
 *
 *     pronouncer_open(config, "en-US", &pronouncer, &error);
 *     phonemes_add(pronouncer, &tokens, &error);   // fills phonemes, origin and note of every word
 *
 * A word is looked for in the user's lexicon, in the compiled lexicon of the data folder (litetts pull),
 * by rule on a known stem, and last by letter-to-sound; without a compiled lexicon, flite's own serves.
 * Languages other than English go through espeak-ng, where this build has it. */
#ifndef TEXT_PHONEMES_H
#define TEXT_PHONEMES_H

#include "base/config.h"
#include "base/error.h"
#include "text/symbols.h"
#include "text/tokens.h"

struct memo;
struct pronouncer;

/* Opens what a language needs: "en-US", "en-GB" (any English otherwise is American), "es", "fr-FR", "hi",
 * "it", "pt-BR"; case does not matter. Errors: LT_ERR_UNSUPPORTED (Japanese, Mandarin; another language
 * without espeak-ng), LT_ERR_MODEL (a damaged lexicon), LT_ERR_TEXT (the user's lexicon, with its line),
 * LT_ERR_IO, LT_ERR_MEMORY. */
lt_status pronouncer_open(const lt_config *config, const char *language, struct pronouncer **pronouncer,
                          lt_error *error);
void pronouncer_close(struct pronouncer *pronouncer); /* NULL is fine */

/* Has phonemes of sentences kept in `memo`, which must outlive the pronouncer; NULL, as at first: they are
 * not. Not while it is in use. */
void pronouncer_remember(struct pronouncer *pronouncer, const struct memo *memo);

/* Reads the user's lexicon again where its file has changed, and returns how often that has happened: as
 * long as the number stays the same, the same words have the same phonemes. Safe from any thread. */
uint64_t pronouncer_generation(struct pronouncer *pronouncer);

/* Fills phonemes, phoneme_origin, note and tag of every word of `tokens` that has none yet, and the
 * phonemes of punctuation (the mark itself). Words that cannot be said keep phonemes_size 0 and a note
 * that says why. Call it with whole phrases: context runs across words. Safe from several threads at once
 * with different lists; no allocation but the list's pool. Errors: LT_ERR_MEMORY. */
lt_status phonemes_add(struct pronouncer *pronouncer, struct tokens *tokens, lt_error *error);

/* "gold", "silver", "letter-to-sound" ... for receipts; static storage. */
const char *phoneme_origin_name(enum phoneme_origin origin);

#endif
