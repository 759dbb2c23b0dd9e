/* ssml.h: SSML 1.1 (W3C Recommendation, 7 September 2010) into raw text.
 *
 * speak, p, s, break, prosody (rate, volume, pitch), emphasis, say-as, phoneme (ipa, x-sampa), sub, voice, lang and LiteTTS's
 * <background type volume> are obeyed; mark, audio, w, token and elements of other makers keep their text; desc,
 * lexicon, metadata and meta are not spoken. Document types and nesting deeper than SSML_DEPTH are refused. */
#ifndef TEXT_SSML_H
#define TEXT_SSML_H

#include <stdbool.h>

#include "base/error.h"
#include "text/raw.h"
#include "text/reader.h"

enum { SSML_DEPTH = 64 };

struct ssml;

/* Begins to read a document from `reader` into `raw`. *ssml is the caller's, closed with ssml_close.
 * Errors: LT_ERR_MEMORY. */
lt_status ssml_open(struct reader *reader, struct raw_text *raw, uint32_t switches, bool british,
                    struct ssml **ssml, lt_error *error);
void ssml_close(struct ssml *ssml); /* NULL is fine */

/* Reads on: the next piece of the document, or the end. Errors: LT_ERR_TEXT (not well-formed, with its line; a document
 * type; no <speak>), those of reader_fill(). */
lt_status ssml_more(struct ssml *ssml, lt_error *error);
bool ssml_ended(const struct ssml *ssml);

#endif
