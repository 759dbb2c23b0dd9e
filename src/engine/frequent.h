/* frequent.h: which phrases are asked for most, from run to run.
 *
 * A table of fixed size counts requests by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi:
 * "Efficient computation of frequent and top-k elements in data streams", ICDT 2005): a phrase that is not
 * in a full table takes the place of the one with the smallest count and goes on from that count. So every
 * phrase that makes up more than 1 / FREQUENT_MOST of all requests is in it, and a count is too high by at
 * most what it began with.
 *
 * Thread-safe. */
#ifndef ENGINE_FREQUENT_H
#define ENGINE_FREQUENT_H

#include "base/error.h"

enum {
    FREQUENT_MOST = 256,       /* phrases in the table */
    FREQUENT_TEXT_BYTES = 512, /* longest text of a phrase, with its NUL; longer ones are not counted */
    FREQUENT_VOICE_BYTES = 64,
    FREQUENT_LEAST = 2 /* requests that a phrase must have had for certain to be remembered */
};

/* All that a repeated request has in common. */
struct phrase {
    char text[FREQUENT_TEXT_BYTES];
    char voice[FREQUENT_VOICE_BYTES]; /* as it was asked for; empty: the default */
    float speed, volume;
    lt_format format;
};

struct frequent;

/* An empty table; NULL when out of memory. */
struct frequent *frequent_new(void);
void frequent_free(struct frequent *frequent); /* NULL is fine */

/* Counts a request. What is no plain short text, or has a seed or switches of its own, is left out. */
void frequent_note(struct frequent *frequent, const lt_request *request, size_t text_size);

/* Stores copies of the phrases that were asked for FREQUENT_LEAST times, the most frequent first, and
 * returns how many. */
size_t frequent_list(struct frequent *frequent, struct phrase phrases[FREQUENT_MOST]);

/* Adds what an earlier run has left in a file, its counts halved, so that what is not asked for any more
 * fades. A file that is missing, damaged or of another kind adds nothing. */
void frequent_load(struct frequent *frequent, const char *path);

/* Replaces the file, if anything was counted since it was last written. Errors: LT_ERR_IO, LT_ERR_MEMORY. */
lt_status frequent_save(struct frequent *frequent, const char *path, lt_error *error);

#endif
