/* cache.h: what was spoken before, and what is being spoken now.
 *
 * It keeps things of several kinds in one room: clips, the samples of chunks; answers, the bytes of whole
 * requests; phonemes of sentences and rows of blended voices (note.h).
 *
 * A request asks for a clip by its key: a digest of all that decides the samples (words or phonemes,
 * voice, speed, seed, model, instruction set). It gets the one that is kept, or the one that another
 * request is having spoken at this moment, or an empty one that it has to see filled: so the same words
 * are never spoken twice at once. A clip that is done is kept for later. What is of another kind never
 * changes: it is looked up, and put here when it was made.
 *
 * What is kept when there is no room for all is decided by S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO
 * queues are all you need for cache eviction", SOSP 2023): what is new passes through a small queue, a
 * tenth of the room; what was asked for again moves to the main queue, where it stays as long as it is
 * used; the rest leaves, and only its keys are remembered for a while, so that what is soon asked for
 * again goes to the main queue at once. A book that is read once thus passes through the small queue and
 * leaves the phrases that are always needed alone, which plain LRU would evict. Queues and counts are
 * weighted by bytes.
 *
 * Thread-safe. One lock; a clip's own lock may be taken under it, never the other way round. */
#ifndef ENGINE_CACHE_H
#define ENGINE_CACHE_H

#include "engine/answer.h"
#include "engine/clip.h"
#include "engine/job.h"

struct cache;

/* Counts of one kind since cache_open, unless they say otherwise. */
struct cache_counts {
    uint64_t hits;      /* entries that were there */
    uint64_t shared;    /* clips that another request was having spoken */
    uint64_t misses;    /* entries that were not there */
    uint64_t added;     /* entries that were kept */
    uint64_t evictions; /* of them, that made room for others */
    uint64_t refused;   /* entries too large for the room there was */
    uint64_t entries;   /* kept now */
    uint64_t bytes;     /* they occupy now */
    uint64_t limit;     /* most bytes, of all kinds together */
};

/* `limit`: most bytes that are kept; 0: none, and clips are only shared while they are made. Errors:
 * LT_ERR_MEMORY. */
lt_status cache_open(uint64_t limit, struct cache **cache, lt_error *error);
void cache_close(struct cache *cache); /* nothing may be held; NULL is fine */

/* Whether anything is kept in memory. */
bool cache_keeps(const struct cache *cache);

/* How a clip was found. */
enum cache_found { CACHE_HIT, CACHE_SHARED, CACHE_MISS };

/* The clip of `key` for an utterance of `word_count` words, held until cache_release. After CACHE_MISS the
 * caller sees to it that it gets done: by a job (clip->job), or by clip_finish. With a `key` of NULL it is
 * always a new one that nobody else gets. NULL when out of memory. */
struct clip *cache_take(struct cache *cache, const struct cache_key *key, size_t word_count,
                        enum cache_found *found);

/* Holds a clip, which somebody holds, once more. */
void cache_hold(struct cache *cache, struct clip *clip);

/* Lets go of a clip. Returns false when that is all. True: nobody else holds it and it is not done: the
 * caller must end its job, if any, and free job and clip. */
bool cache_release(struct cache *cache, struct clip *clip);

/* What is kept for `key` of a kind other than audio, held until cache_let_go; NULL: nothing. */
struct cache_entry *cache_find(struct cache *cache, enum cache_kind kind, const struct cache_key *key);
void cache_let_go(struct cache *cache, struct cache_entry *entry);

/* Keeps an entry of a kind other than audio, with its key, kind and bytes set, which it takes over, if
 * there is room and nothing is kept for its key. */
void cache_keep(struct cache *cache, struct cache_entry *entry);

/* Keeps no more than `bytes` from now on, nor than the limit it was opened with; UINT64_MAX at first. */
void cache_set_room(struct cache *cache, uint64_t bytes);

void cache_look(struct cache *cache, enum cache_kind kind, struct cache_counts *counts);

/* Bytes that all kinds occupy now. */
uint64_t cache_bytes(struct cache *cache);

#endif
