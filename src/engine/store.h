/* store.h: the cache's levels below memory: a folder, then Redis, each only when it is configured.
 *
 * Requests read from them, because a clip that is there is faster to fetch than to speak; a thread writes
 * to them, so that no request waits for that. When the thread falls behind, clips are left out. */
#ifndef ENGINE_STORE_H
#define ENGINE_STORE_H

#include "base/config.h"
#include "engine/cache.h"
#include "engine/level.h"

struct store;

/* *store is NULL when no level is configured, which all functions take for an empty store. `cache` must
 * outlive it. Errors: LT_ERR_CONFIG, LT_ERR_IO, LT_ERR_MEMORY. */
lt_status store_open(const lt_config *config, struct cache *cache, struct store **store, lt_error *error);
void store_close(struct store *store); /* writes what waits first */

/* Fills an empty clip that has its key; the caller ends it with clip_finish. False: no level has it. */
bool store_load(struct store *store, struct clip *clip);

/* Has a done clip, which the caller holds, written. */
void store_save(struct store *store, struct clip *clip);

/* The counts of a level; false when it is not configured. */
bool store_look_disk(struct store *store, struct level_counts *counts);
bool store_look_redis(struct store *store, struct level_counts *counts);

#endif
