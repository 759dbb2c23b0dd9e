/* stats.c: what an engine has done, and lt_engine_stats. */
#include "engine/stats.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/engine.h"

static const double first_audio_bounds[LT_FIRST_AUDIO_BUCKETS] = {0.002, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                                  0.25,  0.5,   1,    2.5,   5,    INFINITY};

static const char *const class_names[CLASS_COUNT] = {"short", "medium", "long"};

void stats_open(struct stats *stats)
{
    stats->opened = clock_seconds();
    pthread_mutex_init(&stats->leak.lock, NULL);
}

void stats_close(struct stats *stats)
{
    pthread_mutex_destroy(&stats->leak.lock);
}

static void add(atomic_uint_fast64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t nanoseconds(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * 1e9) : 0;
}

static double seconds_of(const atomic_uint_fast64_t *counter)
{
    return 1e-9 * (double)get(counter);
}

void stats_begin(struct stats *stats)
{
    add(&stats->active, 1);
}

uint64_t stats_active(const struct stats *stats)
{
    return get(&stats->active);
}

void stats_end(struct stats *stats, lt_status status, const lt_result *result)
{
    add(&stats->chunks, result->chunks);
    add(&stats->chunks_cached, result->chunks_cached);
    add(&stats->text_bytes, result->text_bytes);
    add(&stats->bytes_written, result->bytes_written);
    add(&stats->audio_ns, nanoseconds(result->audio_seconds));
    add(&stats->text_ns, nanoseconds(result->text_seconds));
    add(&stats->speech_ns, nanoseconds(result->speech_seconds));
    add(&stats->encode_ns, nanoseconds(result->encode_seconds));
    if (result->first_audio_seconds > 0) {
        int bucket = 0;
        while (result->first_audio_seconds > first_audio_bounds[bucket])
            bucket++;
        add(&stats->first_audio[bucket], 1);
        add(&stats->first_audio_count, 1);
        add(&stats->first_audio_ns, nanoseconds(result->first_audio_seconds));
    }
    add(&stats->requests[(unsigned)status < LT_STATUS_COUNT ? status : LT_ERR_INTERNAL], 1);
    atomic_fetch_sub_explicit(&stats->active, 1, memory_order_relaxed);
}

/* ---- The leak detector ---- */

static uint64_t finished(const struct stats *stats)
{
    uint64_t sum = 0;
    for (int i = 0; i < LT_STATUS_COUNT; i++)
        sum += get(&stats->requests[i]);
    return sum;
}

bool stats_leak_due(const struct stats *stats)
{
    return finished(stats) % STATS_LEAK_EVERY == 0;
}

/* The least of a window, since requests in progress only add to it; the first window fills pools and is no
 * measure. */
void leak_sample(struct leak_watch *watch, uint64_t unaccounted)
{
    pthread_mutex_lock(&watch->lock);
    if (watch->samples == 0 || unaccounted < watch->least)
        watch->least = unaccounted;
    if (++watch->samples == STATS_LEAK_WINDOW / STATS_LEAK_EVERY) {
        double difference = (double)watch->least - (double)watch->last;
        if (watch->windows == 2)
            watch->growth = difference;
        else if (watch->windows > 2)
            watch->growth += 0.25 * (difference - watch->growth);
        watch->rising = watch->windows >= 2 && difference >= STATS_LEAK_BYTES ? watch->rising + 1 : 0;
        watch->last = watch->least;
        watch->windows++;
        watch->samples = 0;
    }
    pthread_mutex_unlock(&watch->lock);
}

void engine_sample_memory(lt_engine *engine)
{
    struct budget_counts budget;
    budget_look(engine->budget, &budget);
    uint64_t known = budget.idle + cache_bytes(engine->cache);
    uint64_t anonymous = memory_read_field("/proc/self/status", "RssAnon");
    leak_sample(&engine->stats.leak, anonymous > known ? anonymous - known : 0);
}

/* ---- lt_engine_stats ---- */

static void look_at_requests(const struct stats *from, lt_stats *to)
{
    to->uptime_seconds = clock_seconds() - from->opened;
    for (int i = 0; i < LT_STATUS_COUNT; i++)
        to->requests[i] = get(&from->requests[i]);
    to->active_requests = stats_active(from);
    to->chunks = get(&from->chunks);
    to->chunks_cached = get(&from->chunks_cached);
    to->text_bytes = get(&from->text_bytes);
    to->bytes_written = get(&from->bytes_written);
    to->audio_seconds = seconds_of(&from->audio_ns);
    to->text_seconds = seconds_of(&from->text_ns);
    to->speech_seconds = seconds_of(&from->speech_ns);
    to->encode_seconds = seconds_of(&from->encode_ns);
    to->first_audio_seconds = seconds_of(&from->first_audio_ns);
    to->first_audio_count = get(&from->first_audio_count);
    for (int i = 0; i < LT_FIRST_AUDIO_BUCKETS; i++) {
        to->first_audio_bound[i] = first_audio_bounds[i];
        to->first_audio[i] = get(&from->first_audio[i]);
    }
}

static void look_at_class(const struct batch_class *from, lt_batch_stats *to)
{
    to->size = from->size;
    to->wait_seconds = from->wait_seconds;
    to->size_reason = from->size_reason;
    to->wait_reason = from->wait_reason;
    to->waiting = (uint64_t)from->waiting;
    to->batches = from->batches;
    to->chunks = from->jobs;
    to->audio_seconds = from->audio_seconds;
    to->work_seconds = from->work_seconds;
}

static void look_at_backends(lt_engine *engine, lt_stats *to)
{
    _Static_assert(REGISTRY_MAX_BACKENDS * CLASS_COUNT <= LT_MOST_BATCH_STATS, "each has its place");
    to->first_audio_wanted_ms = 1000 * scheduler_wanted(engine->scheduler);
    for (int b = 0; b < engine->registry.backend_count; b++) {
        const struct registry_backend *backend = &engine->registry.backends[b];
        struct batch_class classes[CLASS_COUNT];
        scheduler_look(engine->scheduler, b, classes);
        for (int c = 0; c < CLASS_COUNT; c++) {
            lt_batch_stats *batches = &to->batches[to->batch_count++];
            batches->backend = backend->type->name;
            batches->length_class = class_names[c];
            look_at_class(&classes[c], batches);
            to->queued_chunks += batches->waiting;
        }
        struct backend_facts facts = {0};
        backend->type->look(backend->backend, &facts);
        if (b == 0) {
            to->isa = facts.isa;
            to->model = facts.model;
            to->weights = facts.weights;
            to->threads = facts.threads > 0 ? facts.threads : scheduler_workers(engine->scheduler, b);
            to->pinned = facts.pinned;
            to->batching =
                backend->type->max_batch > 1 && config_bool(engine->config, CONFIG_engine_batching);
        }
    }
}

static void look_at_memory(lt_engine *engine, lt_stats *to)
{
    struct budget_counts budget;
    budget_look(engine->budget, &budget);
    to->memory_limit_bytes = budget.limit;
    to->memory_backend_bytes = budget.backends;
    to->memory_request_bytes = budget.reserved;
    to->memory_waiting = budget.waiting;
    to->memory_waits = budget.waits;
    to->memory_refusals = budget.refusals;
    to->memory_cache_bytes = cache_bytes(engine->cache);
    to->resident_anonymous_bytes = memory_read_field("/proc/self/status", "RssAnon");
    to->resident_file_bytes = memory_read_field("/proc/self/status", "RssFile");
    pthread_mutex_lock(&engine->stats.leak.lock);
    to->growth_bytes_per_1000 = engine->stats.leak.growth;
    to->growing = engine->stats.leak.rising >= STATS_LEAK_TIMES;
    pthread_mutex_unlock(&engine->stats.leak.lock);
}

static void look_at_caches(lt_engine *engine, lt_stats *to)
{
    static const char *const kinds[CACHE_KINDS] = {[CACHE_AUDIO] = "audio",
                                                   [CACHE_ENCODED] = "encoded",
                                                   [CACHE_PHONEMES] = "phonemes",
                                                   [CACHE_BLENDS] = "blend"};
    _Static_assert(CACHE_KINDS + 2 <= LT_MOST_CACHE_STATS, "with disk and Redis");
    for (enum cache_kind kind = 0; kind < CACHE_KINDS; kind++) {
        struct cache_counts counts;
        cache_look(engine->cache, kind, &counts);
        to->caches[to->cache_count++] = (lt_cache_stats){
            .level = "memory",
            .kind = kinds[kind],
            .hits = counts.hits,
            .shared = counts.shared,
            .misses = counts.misses,
            .added = counts.added,
            .evictions = counts.evictions,
            .entries = counts.entries,
            .bytes = counts.bytes,
            .limit_bytes = counts.limit,
        };
    }
}

static void add_level(lt_stats *to, const char *name, const struct level_counts *counts)
{
    to->caches[to->cache_count++] = (lt_cache_stats){
        .level = name,
        .kind = "audio",
        .hits = counts->hits,
        .misses = counts->misses,
        .added = counts->added,
        .evictions = counts->evictions,
        .errors = counts->errors,
        .entries = counts->entries,
        .bytes = counts->bytes,
        .limit_bytes = counts->limit,
        .down = counts->down,
    };
}

static void look_at_store(lt_engine *engine, lt_stats *to)
{
    struct level_counts counts;
    if (store_look_disk(engine->store, &counts))
        add_level(to, "disk", &counts);
    if (store_look_redis(engine->store, &counts))
        add_level(to, "redis", &counts);
}

void lt_engine_stats(lt_engine *engine, lt_stats *stats)
{
    *stats = (lt_stats){.isa = "", .model = "", .weights = ""};
    look_at_requests(&engine->stats, stats);
    look_at_backends(engine, stats);
    look_at_caches(engine, stats);
    look_at_store(engine, stats);
    look_at_memory(engine, stats);
}
