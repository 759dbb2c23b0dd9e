/* redis.h: clips in Redis or Valkey: the cache's level that several machines may share.
 *
 * Redis may be down, slow or restarted at any time: that is a miss, counted as an error. After a failure
 * it is left alone for a second, after each further one for twice as long, up to 30 seconds, so that a
 * dead server costs one timeout now and then. Reading and writing have a connection each, so that a long
 * write does not hold up a request.
 *
 * Thread-safe. */
#ifndef ENGINE_REDIS_H
#define ENGINE_REDIS_H

#include "engine/clip.h"
#include "engine/level.h"

struct redis;

/* `url`: redis://[[user]:password@]host[:port][/database] or unix:///path/to/socket. `timeout_ms`: of
 * connecting, and of each wait for bytes. `ttl_seconds`: after which Redis forgets a clip; 0: never. Does
 * not connect yet. Errors: LT_ERR_CONFIG (not such a URL), LT_ERR_MEMORY. */
lt_status redis_open(const char *url, int timeout_ms, int64_t ttl_seconds, struct redis **redis,
                     lt_error *error);
void redis_close(struct redis *redis); /* NULL is fine */

/* Fills an empty clip that has its key; false: it is not there, or Redis does not answer. */
bool redis_load(struct redis *redis, struct clip *clip);

/* Writes a clip's record. */
void redis_save(struct redis *redis, const struct clip *clip, const void *record, size_t size);

void redis_look(struct redis *redis, struct level_counts *counts);

#endif
