/* espeak.h: phonemes from espeak-ng, for builds that have it (option `espeak`; espeak-ng is GPL-3, docs/dependencies.md).
 *
 * espeak-ng keeps global state: one mutex of the program guards every call. */
#ifndef TEXT_ESPEAK_H
#define TEXT_ESPEAK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Whether this build has espeak-ng, its data could be loaded, and it has the voice ("en-us", "fr" ...); starts it on the first
 * call. Safe from any thread. */
bool espeak_has_voice(const char *voice);

/* Appends the IPA of `text` (NUL-terminated UTF-8) in `voice` to *out: words separated by spaces, '^' tying the letters of
 * one phoneme, stress marks before their syllables. False when the voice is missing. Safe from any thread. */
bool espeak_ipa(const char *voice, const char *text, struct str *out);

#endif
