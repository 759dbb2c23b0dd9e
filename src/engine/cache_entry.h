/* cache_entry.h: what the cache knows of each thing that it keeps: a field at the beginning of each. */
#ifndef ENGINE_CACHE_ENTRY_H
#define ENGINE_CACHE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CACHE_KEY_BYTES = 32 }; /* a SHA-256 */

struct cache_key {
    unsigned char bytes[CACHE_KEY_BYTES];
};

enum cache_kind {
    CACHE_AUDIO,    /* struct clip: the samples of a chunk */
    CACHE_ENCODED,  /* struct answer: the bytes of a whole request */
    CACHE_PHONEMES, /* of a sentence */
    CACHE_BLENDS,   /* rows of voices that are mixed of several */
    CACHE_KINDS
};

/* Under the cache's lock, but for `key`, `kind` and `keyed`, which are constant once others see the entry. */
struct cache_entry {
    struct cache_key key;
    enum cache_kind kind;
    bool keyed;    /* may be shared and kept */
    int users;     /* requests that hold it */
    int place;     /* enum cache_place */
    int frequency; /* uses since it was last looked at for eviction, at most 3 */
    size_t bytes;  /* that the cache counts for it */
    struct cache_entry *chain, *newer, *older;
};

#endif
