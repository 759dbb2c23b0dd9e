/* sentences.h: where sentences end.
 *
 * Knows abbreviations, initials, decimals, ellipses, quotes and brackets, list numbers and web addresses. It works on a
 * text that arrives in pieces: it says "more is needed" rather than guess from half a word. */
#ifndef TEXT_SENTENCES_H
#define TEXT_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

/* `text` is raw text (raw.h): a RAW_EVENT ends a sentence before it, a RAW_LINE after it; links and tags are kept whole.
 *
 * Length of the first sentence of `text` (UTF-8), with its closing quotes and brackets and the white space
 * after it. Scanning begins at `from`, which an earlier call that returned 0 may have advanced: *from is updated, so
 * that growing text is scanned once. 0: the text ends before that is certain and `complete` is false; with `complete`
 * (nothing follows) the result is at most `size` and 0 only for an empty text. */
size_t sentence_length(const char *text, size_t size, bool complete, size_t *from);

/* Best place to cut a text without a sentence end at or before `limit` bytes: after a clause mark, else after white
 * space, else at a character border; in (0, limit]. `limit` is less than the size of the text and at least 4. */
size_t sentence_cut(const char *text, size_t limit);

#endif
