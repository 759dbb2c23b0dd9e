/* store.c: the cache's levels below memory: a folder, then Redis. */
#include "engine/store.h"

#include <errno.h>
#include <stdlib.h>

#include "base/threads.h"
#include "engine/disk.h"
#include "engine/record.h"
#include "engine/redis.h"

enum { QUEUE = 64 }; /* most clips that wait to be written */

struct store {
    struct cache *cache;
    struct disk *disk;
    struct redis *redis;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t filled;
    struct clip *queue[QUEUE]; /* a ring, held from the cache */
    int first, waiting;
    bool closing, started;
    pthread_t writer;
};

static void write_clip(struct store *store, struct clip *clip)
{
    struct str record = {0};
    record_write(clip, &record);
    if (!record.failed && store->disk != NULL)
        disk_save(store->disk, clip, record.data, record.length);
    if (!record.failed && store->redis != NULL)
        redis_save(store->redis, clip, record.data, record.length);
    str_free(&record);
}

static void *write_clips(void *argument)
{
    struct store *store = argument;
    pthread_mutex_lock(&store->lock);
    for (;;) {
        while (store->waiting == 0 && !store->closing)
            pthread_cond_wait(&store->filled, &store->lock);
        if (store->waiting == 0)
            break;
        struct clip *clip = store->queue[store->first];
        store->first = (store->first + 1) % QUEUE;
        store->waiting--;
        pthread_mutex_unlock(&store->lock);
        write_clip(store, clip);
        cache_release(store->cache, clip); /* done, so nothing is left to end */
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

static lt_status open_levels(struct store *store, const lt_config *config, lt_error *error)
{
    const char *folder = config_string(config, CONFIG_cache_disk_folder);
    const char *url = config_string(config, CONFIG_cache_redis);
    lt_status status = LT_OK;
    if (folder[0] != '\0')
        status =
            disk_open(folder, (uint64_t)config_integer(config, CONFIG_cache_disk_bytes), &store->disk, error);
    if (status == LT_OK && url[0] != '\0')
        status = redis_open(url, (int)config_integer(config, CONFIG_cache_redis_timeout_ms),
                            config_integer(config, CONFIG_cache_redis_ttl_seconds), &store->redis, error);
    return status;
}

static lt_status start_writer(struct store *store, lt_error *error)
{
    int failed = thread_start(&store->writer, write_clips, store);
    errno = failed;
    store->started = failed == 0;
    return failed == 0 ? LT_OK : error_errno(error, LT_ERR_MEMORY, "cannot start the cache's writer");
}

lt_status store_open(const lt_config *config, struct cache *cache, struct store **store, lt_error *error)
{
    *store = NULL;
    if (config_string(config, CONFIG_cache_disk_folder)[0] == '\0' &&
        config_string(config, CONFIG_cache_redis)[0] == '\0')
        return LT_OK;
    struct store *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the cache's levels");
    *opened =
        (struct store){.cache = cache, .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};
    lt_status status = open_levels(opened, config, error);
    if (status == LT_OK)
        status = start_writer(opened, error);
    if (status != LT_OK) {
        store_close(opened);
        return status;
    }
    *store = opened;
    return LT_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    if (store->started) {
        pthread_mutex_lock(&store->lock);
        store->closing = true;
        pthread_cond_signal(&store->filled);
        pthread_mutex_unlock(&store->lock);
        pthread_join(store->writer, NULL);
    }
    disk_close(store->disk);
    redis_close(store->redis);
    pthread_cond_destroy(&store->filled);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

bool store_load(struct store *store, struct clip *clip)
{
    if (store == NULL)
        return false;
    return (store->disk != NULL && disk_load(store->disk, clip)) ||
           (store->redis != NULL && redis_load(store->redis, clip));
}

void store_save(struct store *store, struct clip *clip)
{
    if (store == NULL || !clip->entry.keyed)
        return;
    pthread_mutex_lock(&store->lock);
    if (store->waiting < QUEUE) {
        cache_hold(store->cache, clip);
        store->queue[(store->first + store->waiting++) % QUEUE] = clip;
        pthread_cond_signal(&store->filled);
    }
    pthread_mutex_unlock(&store->lock);
}

bool store_look_disk(struct store *store, struct level_counts *counts)
{
    if (store == NULL || store->disk == NULL)
        return false;
    disk_look(store->disk, counts);
    return true;
}

bool store_look_redis(struct store *store, struct level_counts *counts)
{
    if (store == NULL || store->redis == NULL)
        return false;
    redis_look(store->redis, counts);
    return true;
}
