/* stats.c: takes the numbers together, and answers them as JSON: what /dashboard and `litetts top` show. */
#include "server/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "server/reply.h"
#include "server/targets.h"

/* What speaks, and on which kernels. */
static void look_at_engine(const struct settings *settings, struct snapshot *stats)
{
    lt_engine_stats(settings->engine, &stats->engine);
    stats->isa = stats->engine.isa[0] != '\0' ? stats->engine.isa : "none";
    stats->model = stats->engine.model[0] != '\0' ? stats->engine.model : "flite";
    stats->default_voice = "";
    const lt_voice *voices;
    size_t n = lt_engine_voices(settings->engine, &voices);
    for (size_t i = 0; i < n; i++)
        if (voices[i].is_default)
            stats->default_voice = voices[i].name;
}

bool stats_over_budget(const lt_stats *engine)
{
    return engine->memory_waiting > 0;
}

struct snapshot *snapshot_take(const struct exchange *x)
{
    struct server *server = x->server;
    struct snapshot *stats = calloc(1, sizeof *stats);
    if (stats == NULL)
        return NULL;
    stats->now = clock_seconds();
    stats->uptime = stats->now - server->started;
    stats->draining = atomic_load(&server->draining);
    pthread_mutex_lock(&server->lock);
    stats->connections = server->connection_count;
    stats->reloads = server->reloads.done;
    stats->reload_failures = server->reloads.failed;
    memcpy(stats->reload_error, server->reloads.error, sizeof stats->reload_error);
    pthread_mutex_unlock(&server->lock);
    stats->exchanges = atomic_load(&server->exchanges);
    stats->most_jobs = server->most_jobs;
    stats->jobs = pool_count(server->pool);
    stats->resident_bytes = memory_read_field("/proc/self/status", "VmRSS");
    stats->peak_bytes = memory_peak_bytes();
    counters_note_memory(&server->counters, stats->resident_bytes, stats->now);
    counters_look(&server->counters, stats->now, &stats->counts);
    stats->minute = span_of_minute(&stats->counts);
    stats->hour = span_of_hour(&stats->counts);
    look_at_engine(x->settings, stats);
    return stats;
}

/* ---- JSON ---- */

/* A number, null for one that there is not. */
static json_t *real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : NAN;
}

static json_t *requests_json(const struct counts *c)
{
    json_t *by_status = json_object(), *by_route = json_object(), *errors = json_object();
    json_int_t total = 0;
    for (int i = 0; i < c->answer_count; i++) {
        const struct answer_count *a = &c->answers[i];
        char status[16];
        snprintf(status, sizeof status, "%d", a->status);
        const char *route = a->route[0] != '\0' ? a->route : "other";
        json_int_t count = (json_int_t)a->count;
        json_int_t of_status = json_integer_value(json_object_get(by_status, status));
        json_int_t of_route = json_integer_value(json_object_get(by_route, route));
        json_object_set_new(by_status, status, json_integer(of_status + count));
        json_object_set_new(by_route, route, json_integer(of_route + count));
        total += count;
    }
    for (int i = 0; i < c->code_count; i++)
        json_object_set_new(errors, c->codes[i].code, json_integer((json_int_t)c->codes[i].count));
    return json_pack("{s:I, s:o, s:o, s:o}", "total", total, "by_status", by_status, "by_route", by_route,
                     "errors", errors);
}

static json_t *speech_json(const struct counts *c)
{
    double work = c->text_seconds + c->speech_seconds + c->encode_seconds;
    return json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:o}", "requests", (json_int_t)c->spoken, "cut",
                     (json_int_t)c->cut, "characters", (json_int_t)c->characters, "audio_seconds",
                     c->audio_seconds, "text_seconds", c->text_seconds, "speech_seconds", c->speech_seconds,
                     "encode_seconds", c->encode_seconds, "rtf", real(ratio(work, c->audio_seconds)));
}

static json_t *span_json(const struct span *span)
{
    return json_pack("{s:I, s:I, s:f, s:o, s:o, s:o, s:I}", "requests", (json_int_t)span->judged, "failed",
                     (json_int_t)span->failed, "audio_seconds", span->audio_seconds, "rtf",
                     real(ratio(span->work_seconds, span->audio_seconds)), "first_audio_p50_ms",
                     real(1000 * first_audio_quantile(span->first_audio, 0.5)), "first_audio_p95_ms",
                     real(1000 * first_audio_quantile(span->first_audio, 0.95)), "memory_bytes",
                     (json_int_t)span->memory_bytes);
}

/* Lists, oldest first, of what each second or minute brought. */
static json_t *history_json(const struct counts *c, const struct span *slot(const struct counts *, int))
{
    json_t *requests = json_array(), *failed = json_array(), *audio = json_array(), *rtf = json_array(),
           *first = json_array(), *memory = json_array();
    for (int ago = SLOTS - 1; ago >= 0; ago--) {
        const struct span *s = slot(c, ago);
        json_array_append_new(requests, json_integer((json_int_t)s->judged));
        json_array_append_new(failed, json_integer((json_int_t)s->failed));
        json_array_append_new(audio, json_real(s->audio_seconds));
        json_array_append_new(rtf, real(ratio(s->work_seconds, s->audio_seconds)));
        json_array_append_new(first, real(1000 * first_audio_quantile(s->first_audio, 0.95)));
        json_array_append_new(memory,
                              s->memory_bytes > 0 ? json_integer((json_int_t)s->memory_bytes) : json_null());
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "requests", requests, "failed", failed,
                     "audio_seconds", audio, "rtf", rtf, "first_audio_p95_ms", first, "memory_bytes", memory);
}

static json_t *verdict_json(const lt_config *config, enum target target, const struct span *span)
{
    struct verdict verdict = target_judge(config, target, span);
    return json_pack("{s:o, s:s}", "value", real(verdict.value), "state", target_state_name(verdict.state));
}

static json_t *targets_json(const lt_config *config, const struct snapshot *stats)
{
    json_t *list = json_array();
    for (enum target target = 0; target < TARGET_COUNT; target++) {
        double wanted = target_judge(config, target, &stats->minute).wanted;
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", target_name(target),
                                              "unit", target_unit(target), "wanted",
                                              wanted > 0 ? json_real(wanted) : json_null(), "minute",
                                              verdict_json(config, target, &stats->minute), "hour",
                                              verdict_json(config, target, &stats->hour)));
    }
    return list;
}

static json_t *batches_json(const lt_stats *engine)
{
    json_t *list = json_array();
    for (size_t i = 0; i < engine->batch_count; i++) {
        const lt_batch_stats *b = &engine->batches[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:i, s:f, s:s, s:s, s:I, s:I, s:I, s:f, s:f}", "backend",
                                        b->backend, "length_class", b->length_class, "size", b->size,
                                        "wait_seconds", b->wait_seconds, "size_reason", b->size_reason,
                                        "wait_reason", b->wait_reason, "waiting", (json_int_t)b->waiting,
                                        "batches", (json_int_t)b->batches, "chunks", (json_int_t)b->chunks,
                                        "audio_seconds", b->audio_seconds, "work_seconds", b->work_seconds));
    }
    return list;
}

static json_t *caches_json(const lt_stats *engine)
{
    json_t *list = json_array();
    for (size_t i = 0; i < engine->cache_count; i++) {
        const lt_cache_stats *c = &engine->caches[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "level", c->level,
                            "kind", c->kind, "hits", (json_int_t)c->hits, "shared", (json_int_t)c->shared,
                            "misses", (json_int_t)c->misses, "added", (json_int_t)c->added, "evictions",
                            (json_int_t)c->evictions, "errors", (json_int_t)c->errors, "entries",
                            (json_int_t)c->entries, "bytes", (json_int_t)c->bytes, "limit_bytes",
                            (json_int_t)c->limit_bytes, "down", c->down));
    }
    return list;
}

static json_t *memory_json(const struct snapshot *s)
{
    const lt_stats *e = &s->engine;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "resident_bytes",
                     (json_int_t)s->resident_bytes, "peak_bytes", (json_int_t)s->peak_bytes, "limit_bytes",
                     (json_int_t)e->memory_limit_bytes, "backend_bytes", (json_int_t)e->memory_backend_bytes,
                     "cache_bytes", (json_int_t)e->memory_cache_bytes, "request_bytes",
                     (json_int_t)e->memory_request_bytes, "waiting", (json_int_t)e->memory_waiting, "waits",
                     (json_int_t)e->memory_waits, "refusals", (json_int_t)e->memory_refusals,
                     "anonymous_bytes", (json_int_t)e->resident_anonymous_bytes, "file_bytes",
                     (json_int_t)e->resident_file_bytes, "growth_bytes_per_1000_requests",
                     e->growth_bytes_per_1000, "growing", e->growing);
}

/* What makes it fast, as far as it is switched on. */
static json_t *optimisations_json(const lt_config *config, const struct snapshot *s)
{
    const lt_stats *e = &s->engine;
    json_t *caches = json_array();
    for (size_t i = 0; i < e->cache_count; i++) {
        const char *level = e->caches[i].level; /* the memory level is there even when it may hold nothing */
        const bool off =
            strcmp(level, "memory") == 0 && config_integer(config, CONFIG_cache_memory_bytes) == 0;
        if (!off && (i == 0 || strcmp(level, e->caches[i - 1].level) != 0)) /* once, whatever it keeps */
            json_array_append_new(caches, json_string(level));
    }
    return json_pack("{s:s, s:s, s:i, s:b, s:b, s:o}", "isa", s->isa, "weights", e->weights, "threads",
                     e->threads, "pinned", e->pinned, "batching", e->batching, "caches", caches);
}

static json_t *engine_json(const lt_stats *engine)
{
    return json_pack("{s:f, s:I, s:I, s:I, s:o, s:o}", "first_audio_wanted_ms", engine->first_audio_wanted_ms,
                     "queued_chunks", (json_int_t)engine->queued_chunks, "chunks", (json_int_t)engine->chunks,
                     "chunks_cached", (json_int_t)engine->chunks_cached, "batches", batches_json(engine),
                     "caches", caches_json(engine));
}

enum MHD_Result stats_answer(struct exchange *x)
{
    struct snapshot *s = snapshot_take(x);
    if (s == NULL)
        return MHD_NO;
    const struct counts *c = &s->counts;
    json_t *server = json_pack("{s:s, s:f, s:b, s:s, s:s, s:s, s:I, s:I, s:s?}", "version", lt_version(),
                               "uptime_seconds", s->uptime, "draining", s->draining, "isa", s->isa, "model",
                               s->model, "voice", s->default_voice, "reloads", (json_int_t)s->reloads,
                               "reload_failures", (json_int_t)s->reload_failures, "reload_error",
                               s->reload_error[0] != '\0' ? s->reload_error : NULL);
    json_t *queue =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "speaking", (int)s->jobs.working, "waiting_for_clients",
                  (int)s->jobs.paused, "queued", (int)s->jobs.queued, "limit", (int)s->most_jobs,
                  "connections", (int)s->connections, "requests", (int)s->exchanges);
    json_t *value = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "server", server, "optimisations",
        optimisations_json(x->settings->config, s), "queue", queue, "requests", requests_json(c), "speech",
        speech_json(c), "engine", engine_json(&s->engine), "memory", memory_json(s), "minute",
        span_json(&s->minute), "hour", span_json(&s->hour), "targets", targets_json(x->settings->config, s),
        "seconds", history_json(c, slot_of_second), "minutes", history_json(c, slot_of_minute));
    free(s);
    return reply_json(x, 200, value);
}
