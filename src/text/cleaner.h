/* cleaner.h: what inline.c, which knows markup, and characters.c, which knows Unicode, share while they clean a sentence; private
 * to the two. */
#ifndef TEXT_CLEANER_H
#define TEXT_CLEANER_H

#include "text/inline.h"

struct cleaner {
    struct raw_text *raw;
    const char *text; /* the sentence in raw, and its size */
    size_t size;
    const struct place *places;
    const struct inline_options *options;
    struct sentence *out;
    size_t open[8]; /* spans that wait for their RAW_CLOSE */
    size_t open_count;
    int depth;           /* of markup in markup */
    bool highlight;      /* a "==" was opened */
    bool low_quote;      /* a „ was opened, which “ closes */
    size_t no_closer[3]; /* for * _ `: from here on no closing sign follows; SIZE_MAX: not known */
};

/* Puts bytes into the clean text that stand for the raw bytes [begin, end) of the sentence. */
void cleaner_put(struct cleaner *c, const char *bytes, size_t size, size_t begin, size_t end);

/* The same with a space, unless one is there, or nothing. */
void cleaner_put_space(struct cleaner *c, size_t begin, size_t end);

/* Leaves the raw bytes [begin, end) out, and says why. */
void cleaner_drop(struct cleaner *c, size_t begin, size_t end, const char *reason);

/* The last byte of the clean text; a space when there is none. */
char cleaner_last(const struct cleaner *c);

/* Puts out the character at `at`, beyond ASCII, in the form that the normaliser knows; returns its size. */
size_t cleaner_put_wide(struct cleaner *c, size_t at);

/* Faces drawn with several characters; dropped or named as emoji are. Returns the bytes used, 0 when there is none. */
size_t cleaner_take_kaomoji(struct cleaner *c, size_t at);

#endif
