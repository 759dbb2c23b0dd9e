/* note.c: what the rooms below the engine have the cache keep. */
#include "engine/note.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

/* Constant once it is in the cache. */
struct note {
    struct cache_entry entry; /* the first field; the cache's */
    size_t size;
    unsigned char bytes[]; /* [size] */
};

static const enum cache_kind kinds[MEMO_KINDS] = {
    [MEMO_PHONEMES] = CACHE_PHONEMES, [MEMO_BLEND] = CACHE_BLENDS};

static void make_key(const void *bytes, size_t size, struct cache_key *key)
{
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, bytes);
    sha256_digest(&context, sizeof key->bytes, key->bytes);
}

/* Keeps what was made. */
static void keep(struct cache *cache, enum cache_kind kind, const struct cache_key *key, const char *bytes,
                 size_t size)
{
    struct note *note = malloc(sizeof *note + size);
    if (note == NULL)
        return;
    *note = (struct note){
        .entry = {.key = *key, .kind = kind, .keyed = true, .bytes = sizeof *note + size},
        .size = size,
    };
    memcpy(note->bytes, bytes, size);
    cache_keep(cache, &note->entry);
}

static void recall(void *user, enum memo_kind kind, const void *key, size_t key_size, memo_make *make,
                   void *maker, struct str *value)
{
    struct cache *cache = user;
    struct cache_key digest;
    make_key(key, key_size, &digest);
    struct cache_entry *entry = cache_find(cache, kinds[kind], &digest);
    if (entry != NULL) {
        const struct note *note = (const struct note *)entry;
        str_append(value, note->bytes, note->size);
        cache_let_go(cache, entry);
        return;
    }
    const size_t begin = value->length;
    if (make(maker, value) && !value->failed && value->length > begin)
        keep(cache, kinds[kind], &digest, value->data + begin, value->length - begin);
}

struct memo note_memo(struct cache *cache)
{
    return (struct memo){.recall = recall, .user = cache};
}
