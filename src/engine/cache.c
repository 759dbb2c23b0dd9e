/* cache.c: what was spoken before, and what is being spoken now. */
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
    SLOTS = 16384,      /* of the hash table */
    GHOSTS = 4096,      /* keys remembered of clips that left the small queue */
    GHOSTS_LEAST = 64,  /* remembered even when the main queue is small */
    SMALL_SHARE = 10,   /* the small queue's part of the room is 1 / SMALL_SHARE */
    PROMOTED_ABOVE = 1, /* uses in the small queue above which a clip moves to the main one */
    FREQUENCY_MOST = 3
};

struct fifo {
    struct cache_entry *newest, *oldest;
    uint64_t bytes, count;
};

struct cache {
    uint64_t limit;                   /* most bytes ever; constant */
    pthread_mutex_t lock;             /* guards everything below */
    uint64_t room;                    /* most bytes now */
    struct cache_entry *table[SLOTS]; /* chained by entry->chain */
    struct fifo small, main;
    /* A key is remembered in the slot that it hashes to, with the number of the eviction that put it
     * there: it counts as forgotten when as many others were put since as the main queue has members. */
    struct {
        uint64_t fingerprint, number;
    } ghosts[GHOSTS];
    uint64_t ghost_number;
    struct cache_counts counts[CACHE_KINDS];
};

lt_status cache_open(uint64_t limit, struct cache **cache, lt_error *error)
{
    struct cache *opened = calloc(1, sizeof *opened);
    if (opened == NULL || pthread_mutex_init(&opened->lock, NULL) != 0) {
        free(opened);
        return error_memory(error, "the cache");
    }
    opened->limit = opened->room = limit;
    *cache = opened;
    return LT_OK;
}

bool cache_keeps(const struct cache *cache)
{
    return cache->limit > 0; /* constant */
}

/* ---- The table ---- */

static uint64_t fingerprint(const struct cache_key *key)
{
    uint64_t value;
    memcpy(&value, key->bytes, sizeof value); /* a digest: any part of it is as good as another */
    return value;
}

static struct cache_entry **slot_of(struct cache *cache, const struct cache_key *key)
{
    return &cache->table[fingerprint(key) % SLOTS];
}

static struct cache_entry *find(struct cache *cache, enum cache_kind kind, const struct cache_key *key)
{
    struct cache_entry *entry = *slot_of(cache, key);
    while (entry != NULL && (entry->kind != kind || memcmp(&entry->key, key, sizeof *key) != 0))
        entry = entry->chain;
    return entry;
}

/* Entries are the first fields of the structures that they belong to. */
static struct clip *clip_of(struct cache_entry *entry)
{
    return (struct clip *)entry;
}

static void free_entry(struct cache_entry *entry)
{
    if (entry->kind == CACHE_AUDIO)
        clip_free(clip_of(entry));
    else if (entry->kind == CACHE_ENCODED)
        answer_free((struct answer *)entry);
    else
        free(entry); /* a note */
}

static void table_add(struct cache *cache, struct cache_entry *entry)
{
    struct cache_entry **slot = slot_of(cache, &entry->key);
    entry->chain = *slot;
    *slot = entry;
}

static void table_remove(struct cache *cache, struct cache_entry *entry)
{
    struct cache_entry **at = slot_of(cache, &entry->key);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    entry->place = PLACE_NOWHERE;
}

/* ---- The queues ---- */

static void fifo_push(struct fifo *fifo, struct cache_entry *entry)
{
    entry->newer = NULL;
    entry->older = fifo->newest;
    if (fifo->newest != NULL)
        fifo->newest->newer = entry;
    else
        fifo->oldest = entry;
    fifo->newest = entry;
    fifo->bytes += entry->bytes;
    fifo->count++;
}

static struct cache_entry *fifo_pop(struct fifo *fifo)
{
    struct cache_entry *entry = fifo->oldest;
    fifo->oldest = entry->newer;
    if (fifo->oldest != NULL)
        fifo->oldest->older = NULL;
    else
        fifo->newest = NULL;
    fifo->bytes -= entry->bytes;
    fifo->count--;
    return entry;
}

static void remember_ghost(struct cache *cache, const struct cache_entry *entry)
{
    uint64_t print = fingerprint(&entry->key);
    cache->ghosts[print % GHOSTS].fingerprint = print;
    cache->ghosts[print % GHOSTS].number = ++cache->ghost_number;
}

static bool is_ghost(const struct cache *cache, const struct cache_key *key)
{
    uint64_t print = fingerprint(key), number = cache->ghosts[print % GHOSTS].number;
    uint64_t most = cache->main.count > GHOSTS_LEAST ? cache->main.count : GHOSTS_LEAST;
    return number > 0 && cache->ghosts[print % GHOSTS].fingerprint == print &&
           cache->ghost_number - number < most;
}

static void drop(struct cache *cache, struct cache_entry *entry)
{
    struct cache_counts *counts = &cache->counts[entry->kind];
    table_remove(cache, entry);
    counts->evictions++;
    counts->entries--;
    counts->bytes -= entry->bytes;
    if (entry->users == 0) /* else its last user frees it */
        free_entry(entry);
}

/* Evicts one entry, or moves one from the small queue to the main one. */
static void evict_step(struct cache *cache)
{
    if (cache->small.count > 0 &&
        (cache->main.count == 0 || cache->small.bytes > cache->room / SMALL_SHARE)) {
        struct cache_entry *entry = fifo_pop(&cache->small);
        if (entry->frequency > PROMOTED_ABOVE) {
            entry->frequency = 0;
            entry->place = PLACE_MAIN;
            fifo_push(&cache->main, entry);
        } else {
            remember_ghost(cache, entry);
            drop(cache, entry);
        }
    } else if (cache->main.count > 0) {
        struct cache_entry *entry = fifo_pop(&cache->main);
        if (entry->frequency > 0) { /* another round */
            entry->frequency--;
            fifo_push(&cache->main, entry);
        } else {
            drop(cache, entry);
        }
    }
}

static void make_room(struct cache *cache, uint64_t limit)
{
    while (cache->small.bytes + cache->main.bytes > limit)
        evict_step(cache);
}

/* Puts an entry that is done, and in the table, into a queue. */
static void keep(struct cache *cache, struct cache_entry *entry)
{
    struct cache_counts *counts = &cache->counts[entry->kind];
    if (entry->bytes > cache->room / 2) {
        table_remove(cache, entry);
        counts->refused++;
        return;
    }
    make_room(cache, cache->room - entry->bytes);
    bool known = is_ghost(cache, &entry->key);
    entry->place = known ? PLACE_MAIN : PLACE_SMALL;
    fifo_push(known ? &cache->main : &cache->small, entry);
    counts->added++;
    counts->entries++;
    counts->bytes += entry->bytes;
}

/* ---- Taking and giving back ---- */

static void use(struct cache_entry *entry)
{
    entry->users++;
    entry->frequency += entry->frequency < FREQUENCY_MOST;
}

/* What `key` has in the table, unless it is a clip whose making failed, which is taken out. */
static struct clip *find_good(struct cache *cache, const struct cache_key *key)
{
    struct cache_entry *entry = find(cache, CACHE_AUDIO, key);
    lt_status status;
    if (entry == NULL)
        return NULL;
    if (entry->place != PLACE_FLIGHT || !clip_is_done(clip_of(entry), &status) || status == LT_OK)
        return clip_of(entry);
    table_remove(cache, entry);
    return NULL;
}

struct clip *cache_take(struct cache *cache, const struct cache_key *key, size_t word_count,
                        enum cache_found *found)
{
    struct cache_counts *counts = &cache->counts[CACHE_AUDIO];
    const bool keyed = key != NULL;
    pthread_mutex_lock(&cache->lock);
    struct clip *clip = keyed ? find_good(cache, key) : NULL;
    if (clip != NULL) {
        *found = clip->entry.place == PLACE_FLIGHT ? CACHE_SHARED : CACHE_HIT;
        use(&clip->entry);
        *(*found == CACHE_HIT ? &counts->hits : &counts->shared) += 1;
    } else if ((clip = clip_new(word_count)) != NULL) {
        *found = CACHE_MISS;
        clip->entry.users = 1;
        counts->misses++;
        if (keyed) {
            clip->entry.keyed = true;
            clip->entry.key = *key;
            clip->entry.place = PLACE_FLIGHT;
            table_add(cache, &clip->entry);
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return clip;
}

void cache_hold(struct cache *cache, struct clip *clip)
{
    pthread_mutex_lock(&cache->lock);
    clip->entry.users++;
    pthread_mutex_unlock(&cache->lock);
}

bool cache_release(struct cache *cache, struct clip *clip)
{
    if (clip_is_done(clip, NULL)) /* already here: it takes a while, and others need the lock */
        clip_pack(clip);
    struct cache_entry *entry = &clip->entry;
    struct job *job = NULL;
    lt_status status;
    pthread_mutex_lock(&cache->lock);
    bool done = clip_is_done(clip, &status), last = --entry->users == 0;
    if (entry->place == PLACE_FLIGHT && done && status == LT_OK) {
        entry->bytes = clip_pack(clip);
        keep(cache, entry);
    } else if (entry->place == PLACE_FLIGHT && (done || last)) {
        table_remove(cache, entry);
    }
    if (last && done) {
        job = clip->job; /* nobody needs what made it */
        clip->job = NULL;
    }
    bool kept = entry->place != PLACE_NOWHERE;
    pthread_mutex_unlock(&cache->lock);
    job_free(job);
    if (last && done && !kept)
        clip_free(clip);
    return last && !done;
}

struct cache_entry *cache_find(struct cache *cache, enum cache_kind kind, const struct cache_key *key)
{
    pthread_mutex_lock(&cache->lock);
    struct cache_entry *entry = find(cache, kind, key);
    cache->counts[kind].hits += entry != NULL;
    cache->counts[kind].misses += entry == NULL;
    if (entry != NULL)
        use(entry);
    pthread_mutex_unlock(&cache->lock);
    return entry;
}

void cache_let_go(struct cache *cache, struct cache_entry *entry)
{
    pthread_mutex_lock(&cache->lock);
    bool gone = --entry->users == 0 && entry->place == PLACE_NOWHERE;
    pthread_mutex_unlock(&cache->lock);
    if (gone)
        free_entry(entry);
}

void cache_keep(struct cache *cache, struct cache_entry *entry)
{
    pthread_mutex_lock(&cache->lock);
    bool there = find(cache, entry->kind, &entry->key) != NULL; /* somebody was faster */
    if (!there) {
        table_add(cache, entry);
        keep(cache, entry);
    }
    bool kept = entry->place != PLACE_NOWHERE;
    pthread_mutex_unlock(&cache->lock);
    if (!kept)
        free_entry(entry);
}

void cache_set_room(struct cache *cache, uint64_t bytes)
{
    pthread_mutex_lock(&cache->lock);
    cache->room = bytes < cache->limit ? bytes : cache->limit;
    make_room(cache, cache->room);
    pthread_mutex_unlock(&cache->lock);
}

void cache_look(struct cache *cache, enum cache_kind kind, struct cache_counts *counts)
{
    pthread_mutex_lock(&cache->lock);
    *counts = cache->counts[kind];
    counts->limit = cache->limit;
    pthread_mutex_unlock(&cache->lock);
}

uint64_t cache_bytes(struct cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    uint64_t bytes = cache->small.bytes + cache->main.bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        for (struct cache_entry *entry = cache->table[i], *next; entry != NULL; entry = next) {
            next = entry->chain;
            free_entry(entry);
        }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}
