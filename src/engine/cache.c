/* cache.c: clips that were spoken before, and those that are being spoken now. */
#include "engine/cache.h"

#include <stdlib.h>
#include <string.h>

enum cache_place {
    PLACE_NOWHERE, /* not in the table: only its users know it */
    PLACE_FLIGHT,  /* being made */
    PLACE_SMALL,
    PLACE_MAIN
};

enum {
    SLOTS = 4096,       /* of the hash table */
    GHOSTS = 4096,      /* keys remembered of clips that left the small queue */
    GHOSTS_LEAST = 64,  /* remembered even when the main queue is small */
    SMALL_SHARE = 10,   /* the small queue's part of the room is 1 / SMALL_SHARE */
    PROMOTED_ABOVE = 1, /* uses in the small queue above which a clip moves to the main one */
    FREQUENCY_MOST = 3
};

struct fifo {
    struct clip *newest, *oldest;
    uint64_t bytes, count;
};

struct cache {
    pthread_mutex_t lock;      /* guards everything below */
    uint64_t limit, room;      /* most bytes ever, and now */
    bool enabled;              /* constant */
    struct clip *table[SLOTS]; /* chained by clip->chain */
    struct fifo small, main;
    /* A key is remembered in the slot that it hashes to, with the number of the eviction that put it there: it counts
     * as forgotten when as many others were put since as the main queue has members. */
    struct {
        uint64_t fingerprint, number;
    } ghosts[GHOSTS];
    uint64_t ghost_number;
    struct cache_counts counts;
};

lt_status cache_open(uint64_t limit, bool lower, struct cache **cache, lt_error *error)
{
    struct cache *opened = calloc(1, sizeof *opened);
    if (opened == NULL || pthread_mutex_init(&opened->lock, NULL) != 0) {
        free(opened);
        return error_memory(error, "the cache");
    }
    opened->limit = opened->room = limit;
    opened->enabled = limit > 0 || lower;
    *cache = opened;
    return LT_OK;
}

bool cache_enabled(const struct cache *cache)
{
    return cache->enabled;
}

/* ---- The table ---- */

static uint64_t fingerprint(const struct clip_key *key)
{
    uint64_t value;
    memcpy(&value, key->bytes, sizeof value); /* a digest: any part of it is as good as another */
    return value;
}

static struct clip **slot_of(struct cache *cache, const struct clip_key *key)
{
    return &cache->table[fingerprint(key) % SLOTS];
}

static struct clip *find(struct cache *cache, const struct clip_key *key)
{
    struct clip *clip = *slot_of(cache, key);
    while (clip != NULL && memcmp(&clip->key, key, sizeof *key) != 0)
        clip = clip->chain;
    return clip;
}

static void table_add(struct cache *cache, struct clip *clip)
{
    struct clip **slot = slot_of(cache, &clip->key);
    clip->chain = *slot;
    *slot = clip;
}

static void table_remove(struct cache *cache, struct clip *clip)
{
    struct clip **at = slot_of(cache, &clip->key);
    while (*at != clip)
        at = &(*at)->chain;
    *at = clip->chain;
    clip->place = PLACE_NOWHERE;
}

/* ---- The queues ---- */

static void fifo_push(struct fifo *fifo, struct clip *clip)
{
    clip->newer = NULL;
    clip->older = fifo->newest;
    if (fifo->newest != NULL)
        fifo->newest->newer = clip;
    else
        fifo->oldest = clip;
    fifo->newest = clip;
    fifo->bytes += clip->bytes;
    fifo->count++;
}

static struct clip *fifo_pop(struct fifo *fifo)
{
    struct clip *clip = fifo->oldest;
    fifo->oldest = clip->newer;
    if (fifo->oldest != NULL)
        fifo->oldest->older = NULL;
    else
        fifo->newest = NULL;
    fifo->bytes -= clip->bytes;
    fifo->count--;
    return clip;
}

static void remember_ghost(struct cache *cache, const struct clip *clip)
{
    uint64_t print = fingerprint(&clip->key);
    cache->ghosts[print % GHOSTS].fingerprint = print;
    cache->ghosts[print % GHOSTS].number = ++cache->ghost_number;
}

static bool is_ghost(const struct cache *cache, const struct clip_key *key)
{
    uint64_t print = fingerprint(key), number = cache->ghosts[print % GHOSTS].number;
    uint64_t most = cache->main.count > GHOSTS_LEAST ? cache->main.count : GHOSTS_LEAST;
    return number > 0 && cache->ghosts[print % GHOSTS].fingerprint == print &&
           cache->ghost_number - number < most;
}

static void drop(struct cache *cache, struct clip *clip)
{
    table_remove(cache, clip);
    cache->counts.evictions++;
    if (clip->users == 0) /* else its last user frees it */
        clip_free(clip);
}

/* Evicts one clip, or moves one from the small queue to the main one. */
static void evict_step(struct cache *cache)
{
    if (cache->small.count > 0 &&
        (cache->main.count == 0 || cache->small.bytes > cache->room / SMALL_SHARE)) {
        struct clip *clip = fifo_pop(&cache->small);
        if (clip->frequency > PROMOTED_ABOVE) {
            clip->frequency = 0;
            clip->place = PLACE_MAIN;
            fifo_push(&cache->main, clip);
        } else {
            remember_ghost(cache, clip);
            drop(cache, clip);
        }
    } else if (cache->main.count > 0) {
        struct clip *clip = fifo_pop(&cache->main);
        if (clip->frequency > 0) { /* another round */
            clip->frequency--;
            fifo_push(&cache->main, clip);
        } else {
            drop(cache, clip);
        }
    }
}

static void make_room(struct cache *cache, uint64_t limit)
{
    while (cache->small.bytes + cache->main.bytes > limit)
        evict_step(cache);
}

/* Puts a clip that is done, and in the table, into a queue. */
static void keep(struct cache *cache, struct clip *clip)
{
    if (clip->bytes > cache->room / 2) {
        table_remove(cache, clip);
        cache->counts.refused++;
        return;
    }
    make_room(cache, cache->room - clip->bytes);
    bool known = is_ghost(cache, &clip->key);
    clip->place = known ? PLACE_MAIN : PLACE_SMALL;
    fifo_push(known ? &cache->main : &cache->small, clip);
    cache->counts.added++;
}

/* ---- Taking and giving back ---- */

/* What `key` has in the table, unless it is a clip whose making failed, which is taken out. */
static struct clip *find_good(struct cache *cache, const struct clip_key *key)
{
    struct clip *clip = find(cache, key);
    lt_status status;
    if (clip == NULL || clip->place != PLACE_FLIGHT || !clip_is_done(clip, &status) || status == LT_OK)
        return clip;
    table_remove(cache, clip);
    return NULL;
}

struct clip *cache_take(struct cache *cache, const struct clip_key *key, size_t word_count,
                        enum cache_found *found)
{
    bool keyed = key != NULL && cache_enabled(cache);
    pthread_mutex_lock(&cache->lock);
    struct clip *clip = keyed ? find_good(cache, key) : NULL;
    if (clip != NULL) {
        *found = clip->place == PLACE_FLIGHT ? CACHE_SHARED : CACHE_HIT;
        clip->users++;
        clip->frequency += clip->frequency < FREQUENCY_MOST;
        *(*found == CACHE_HIT ? &cache->counts.hits : &cache->counts.shared) += 1;
    } else if ((clip = clip_new(word_count)) != NULL) {
        *found = CACHE_MISS;
        clip->users = 1;
        cache->counts.misses++;
        if (keyed) {
            clip->keyed = true;
            clip->key = *key;
            clip->place = PLACE_FLIGHT;
            table_add(cache, clip);
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return clip;
}

void cache_hold(struct cache *cache, struct clip *clip)
{
    pthread_mutex_lock(&cache->lock);
    clip->users++;
    pthread_mutex_unlock(&cache->lock);
}

bool cache_release(struct cache *cache, struct clip *clip)
{
    if (clip_is_done(clip, NULL)) /* already here: it takes a while, and others need the lock */
        clip_pack(clip);
    struct job *job = NULL;
    lt_status status;
    pthread_mutex_lock(&cache->lock);
    bool done = clip_is_done(clip, &status), last = --clip->users == 0;
    if (clip->place == PLACE_FLIGHT && done && status == LT_OK) {
        clip->bytes = clip_pack(clip);
        keep(cache, clip);
    } else if (clip->place == PLACE_FLIGHT && (done || last)) {
        table_remove(cache, clip);
    }
    if (last && done) {
        job = clip->job; /* nobody needs what made it */
        clip->job = NULL;
    }
    bool kept = clip->place != PLACE_NOWHERE;
    pthread_mutex_unlock(&cache->lock);
    job_free(job);
    if (last && done && !kept)
        clip_free(clip);
    return last && !done;
}

void cache_set_room(struct cache *cache, uint64_t bytes)
{
    pthread_mutex_lock(&cache->lock);
    cache->room = bytes < cache->limit ? bytes : cache->limit;
    make_room(cache, cache->room);
    pthread_mutex_unlock(&cache->lock);
}

void cache_look(struct cache *cache, struct cache_counts *counts)
{
    pthread_mutex_lock(&cache->lock);
    *counts = cache->counts;
    counts->entries = cache->small.count + cache->main.count;
    counts->bytes = cache->small.bytes + cache->main.bytes;
    counts->limit = cache->limit;
    pthread_mutex_unlock(&cache->lock);
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        for (struct clip *clip = cache->table[i], *next; clip != NULL; clip = next) {
            next = clip->chain;
            clip_free(clip);
        }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}
