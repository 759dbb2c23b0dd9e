/* memo.h: what the rooms below the engine may have kept for the next time, without knowing who keeps it or
 * for how long.
 *
 * Only what is worked out of its key and of nothing else goes in, so that whether it is found never
 * changes a result. */
#ifndef BASE_MEMO_H
#define BASE_MEMO_H

#include "base/str.h"

enum memo_kind {
    MEMO_PHONEMES, /* of a sentence */
    MEMO_BLEND,    /* a row of a blend of voices */
    MEMO_KINDS
};

/* Appends what a key stands for to *value; false: it could not, or it is not to be kept. */
typedef bool memo_make(void *maker, struct str *value);

/* Thread-safe. Keys are bytes of any kind and length, and may hold addresses: they are only of use to who
 * keeps them. */
struct memo {
    /* Appends to *value what is kept for a key, else what make(maker, value) does, which is then kept if
     * there is room. */
    void (*recall)(void *user, enum memo_kind kind, const void *key, size_t key_size, memo_make *make,
                   void *maker, struct str *value);
    void *user;
};

#endif
