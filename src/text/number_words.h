/* number_words.h: the English words that cardinals are made of. */
#ifndef TEXT_NUMBER_WORDS_H
#define TEXT_NUMBER_WORDS_H

extern const char *const number_ones[20]; /* "zero" to "nineteen" */
extern const char *const number_tens[10]; /* from [2] on: "twenty" to "ninety" */
extern const char
    *const number_scales[16]; /* from [1] on: "thousand", "million" ... for 10^(3 i) (short scale) */

#endif
