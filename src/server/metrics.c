/* metrics.c: GET /metrics, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/reply.h"
#include "server/stats.h"
#include "server/targets.h"

/* Begins a family of samples. `type` is gauge, counter or histogram. */
static void family(struct str *out, const char *name, const char *type, const char *help)
{
    str_printf(out, "# HELP litetts_%s %s\n# TYPE litetts_%s %s\n", name, help, name, type);
}

static void number(struct str *out, double value)
{
    if (isnan(value))
        str_puts(out, "NaN");
    else if (isinf(value))
        str_puts(out, "+Inf");
    else
        str_printf(out, "%.15g", value);
    str_putc(out, '\n');
}

/* A label's value: backslash, quote and newline are escaped. */
static void put_label(struct str *out, const char *name, const char *value)
{
    str_printf(out, "%s=\"", name);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            str_putc(out, '\\');
        if (*value == '\n')
            str_puts(out, "\\n");
        else
            str_putc(out, *value);
    }
    str_putc(out, '"');
}

/* A family of one sample without labels. */
static void single(struct str *out, const char *name, const char *type, const char *help, double value)
{
    family(out, name, type, help);
    str_printf(out, "litetts_%s ", name);
    number(out, value);
}

/* A sample with one label. */
static void labelled(struct str *out, const char *name, const char *label, const char *label_value,
                     double value)
{
    str_printf(out, "litetts_%s{", name);
    put_label(out, label, label_value);
    str_puts(out, "} ");
    number(out, value);
}

/* A sample with two. */
static void labelled_twice(struct str *out, const char *name, const char *label, const char *label_value,
                           const char *second, const char *second_value, double value)
{
    str_printf(out, "litetts_%s{", name);
    put_label(out, label, label_value);
    str_putc(out, ',');
    put_label(out, second, second_value);
    str_puts(out, "} ");
    number(out, value);
}

static void put_server(struct str *out, const struct snapshot *s)
{
    family(out, "info", "gauge", "What is running: always 1.");
    str_puts(out, "litetts_info{");
    const char *const labels[][2] = {{"version", lt_version()},
                                     {"isa", s->isa},
                                     {"model", s->model},
                                     {"voice", s->default_voice},
                                     {"weights", s->engine.weights}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        str_puts(out, i > 0 ? "," : "");
        put_label(out, labels[i][0], labels[i][1]);
    }
    str_puts(out, "} 1\n");
    single(out, "threads", "gauge", "Threads that speak.", s->engine.threads);
    single(out, "threads_pinned", "gauge", "1 when they are kept on their CPUs.", s->engine.pinned);
    single(out, "batching", "gauge", "1 when utterances of several requests are spoken together.",
           s->engine.batching);
    single(out, "uptime_seconds", "gauge", "Time since the start.", s->uptime);
    single(out, "draining", "gauge", "1 while the server shuts down.", s->draining);
    family(out, "reloads_total", "counter", "Attempts to read the configuration again.");
    labelled(out, "reloads_total", "result", "ok", (double)s->reloads);
    labelled(out, "reloads_total", "result", "failed", (double)s->reload_failures);
    single(out, "connections", "gauge", "Open connections.", s->connections);
    single(out, "requests_in_flight", "gauge", "Requests that are not over.", s->exchanges);
    family(out, "jobs", "gauge", "Requests that are spoken, wait for their client, or wait for their turn.");
    labelled(out, "jobs", "state", "speaking", s->jobs.working);
    labelled(out, "jobs", "state", "waiting_for_client", s->jobs.paused);
    labelled(out, "jobs", "state", "queued", s->jobs.queued);
    single(out, "jobs_limit", "gauge", "Jobs beyond which requests are answered 429.", s->most_jobs);
    single(out, "memory_resident_bytes", "gauge", "Resident memory of the process.",
           (double)s->resident_bytes);
    single(out, "memory_peak_bytes", "gauge", "Most resident memory so far.", (double)s->peak_bytes);
}

static void put_requests(struct str *out, const struct counts *c)
{
    family(out, "http_requests_total", "counter", "Requests that are over; status 0: cut before an answer.");
    for (int i = 0; i < c->answer_count; i++) {
        str_puts(out, "litetts_http_requests_total{");
        put_label(out, "route", c->answers[i].route[0] != '\0' ? c->answers[i].route : "other");
        str_printf(out, ",status=\"%d\"} ", c->answers[i].status);
        number(out, (double)c->answers[i].count);
    }
    family(out, "errors_total", "counter", "Answers with an error, by its code.");
    for (int i = 0; i < c->code_count; i++)
        labelled(out, "errors_total", "code", c->codes[i].code, (double)c->codes[i].count);
}

static void put_speech(struct str *out, const struct counts *c, const lt_stats *e)
{
    single(out, "speech_requests_total", "counter", "Requests that were spoken, also in part.",
           (double)c->spoken);
    single(out, "speech_cut_total", "counter", "Of them, those whose client was not sent all of it.",
           (double)c->cut);
    single(out, "characters_total", "counter", "Characters of text in them.", (double)c->characters);
    single(out, "audio_seconds_total", "counter", "Audio that was made.", c->audio_seconds);
    family(out, "stage_seconds_total", "counter", "Work of the stages of speech.");
    labelled(out, "stage_seconds_total", "stage", "text", c->text_seconds);
    labelled(out, "stage_seconds_total", "stage", "speech", c->speech_seconds);
    labelled(out, "stage_seconds_total", "stage", "encode", c->encode_seconds);
    family(out, "speech_ends_total", "counter",
           "How the engine's requests ended, by status; after the first byte no answer tells.");
    for (int status = 0; status < LT_STATUS_COUNT; status++)
        labelled(out, "speech_ends_total", "status", lt_status_name((lt_status)status),
                 (double)e->requests[status]);
    family(out, "first_audio_seconds", "histogram", "Time from a request's arrival to its first sound.");
    uint64_t count = 0;
    for (int i = 0; i < FIRST_AUDIO_BUCKETS; i++) {
        char bound[32];
        snprintf(bound, sizeof bound, isinf(first_audio_bounds[i]) ? "+Inf" : "%g", first_audio_bounds[i]);
        count += c->first_audio[i];
        labelled(out, "first_audio_seconds_bucket", "le", bound, (double)count);
    }
    str_puts(out, "litetts_first_audio_seconds_sum ");
    number(out, c->first_audio_seconds);
    str_puts(out, "litetts_first_audio_seconds_count ");
    number(out, (double)count);
}

/* The value of a field as a number, for the families below. */
#define NUMBER_OF(type, field)                                                                               \
    static double type##_##field(const lt_##type *of)                                                        \
    {                                                                                                        \
        return (double)of->field;                                                                            \
    }
NUMBER_OF(batch_stats, size)
NUMBER_OF(batch_stats, wait_seconds)
NUMBER_OF(batch_stats, waiting)
NUMBER_OF(batch_stats, batches)
NUMBER_OF(batch_stats, chunks)
NUMBER_OF(batch_stats, audio_seconds)
NUMBER_OF(batch_stats, work_seconds)
NUMBER_OF(cache_stats, hits)
NUMBER_OF(cache_stats, shared)
NUMBER_OF(cache_stats, misses)
NUMBER_OF(cache_stats, evictions)
NUMBER_OF(cache_stats, errors)
NUMBER_OF(cache_stats, entries)
NUMBER_OF(cache_stats, bytes)
NUMBER_OF(cache_stats, down)
#undef NUMBER_OF

static void put_batches(struct str *out, const lt_stats *e)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const lt_batch_stats *batch);
    } families[] = {
        {"batch_size_limit", "gauge", "Most chunks of a batch at present.", batch_stats_size},
        {"batch_wait_limit_seconds", "gauge", "Longest that a chunk waits for others.",
         batch_stats_wait_seconds},
        {"batch_queue", "gauge", "Chunks that wait.", batch_stats_waiting},
        {"batches_total", "counter", "Batches that were spoken.", batch_stats_batches},
        {"batch_chunks_total", "counter", "Chunks that were spoken in them.", batch_stats_chunks},
        {"batch_audio_seconds_total", "counter", "Audio that was made in them.", batch_stats_audio_seconds},
        {"batch_work_seconds_total", "counter", "Time that the backend took for them.",
         batch_stats_work_seconds},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        family(out, families[i].name, families[i].type, families[i].help);
        for (size_t j = 0; j < e->batch_count; j++)
            labelled_twice(out, families[i].name, "backend", e->batches[j].backend, "class",
                           e->batches[j].length_class, families[i].value(&e->batches[j]));
    }
}

static void put_caches(struct str *out, const lt_stats *e)
{
    static const struct {
        const char *name, *type, *help;
        double (*value)(const lt_cache_stats *cache);
    } families[] = {
        {"cache_hits_total", "counter", "Chunks, answers, phonemes or blends that were found.",
         cache_stats_hits},
        {"cache_shared_total", "counter", "Chunks that were being spoken for another request.",
         cache_stats_shared},
        {"cache_misses_total", "counter", "Those that were not found.", cache_stats_misses},
        {"cache_evictions_total", "counter", "Those that had to make room.", cache_stats_evictions},
        {"cache_errors_total", "counter", "Damaged entries, failed writes and timeouts.", cache_stats_errors},
        {"cache_entries", "gauge", "Those that are kept.", cache_stats_entries},
        {"cache_bytes", "gauge", "Bytes that they occupy.", cache_stats_bytes},
        {"cache_down", "gauge", "1 while the level is out of use because it failed.", cache_stats_down},
    };
    single(out, "chunks_total", "counter", "Chunks of text in the requests that are over.",
           (double)e->chunks);
    single(out, "chunks_cached_total", "counter", "Of them, those that were not spoken anew.",
           (double)e->chunks_cached);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        family(out, families[i].name, families[i].type, families[i].help);
        for (size_t j = 0; j < e->cache_count; j++)
            labelled_twice(out, families[i].name, "level", e->caches[j].level, "kind", e->caches[j].kind,
                           families[i].value(&e->caches[j]));
    }
}

static void put_memory(struct str *out, const lt_stats *e)
{
    single(out, "memory_limit_bytes", "gauge", "The budget memory.limit_bytes; 0: none.",
           (double)e->memory_limit_bytes);
    family(out, "memory_bytes", "gauge", "What the budget covers, by who holds it.");
    labelled(out, "memory_bytes", "holder", "backend", (double)e->memory_backend_bytes);
    labelled(out, "memory_bytes", "holder", "cache", (double)e->memory_cache_bytes);
    labelled(out, "memory_bytes", "holder", "requests", (double)e->memory_request_bytes);
    single(out, "memory_waiting", "gauge", "Requests that wait for room.", (double)e->memory_waiting);
    single(out, "memory_waits_total", "counter", "Requests that had to wait for room.",
           (double)e->memory_waits);
    single(out, "memory_refusals_total", "counter", "Requests that were refused for want of room.",
           (double)e->memory_refusals);
    single(out, "memory_anonymous_bytes", "gauge", "Resident heap and stacks of the process.",
           (double)e->resident_anonymous_bytes);
    single(out, "memory_file_bytes", "gauge", "Mapped files that are resident: the model, libraries.",
           (double)e->resident_file_bytes);
    single(out, "memory_growth_bytes_per_1000_requests", "gauge", "Growth that nothing accounts for.",
           e->growth_bytes_per_1000);
    single(out, "memory_growing", "gauge",
           "1 when it grew three times in a row, from thousand requests to thousand: a leak.", e->growing);
}

static void put_verdict(struct str *out, const char *name, enum target target, const char *window,
                        const char *state, double value)
{
    str_printf(out, "litetts_%s{", name);
    put_label(out, "target", target_name(target));
    str_putc(out, ',');
    put_label(out, "window", window);
    if (state != NULL) {
        str_putc(out, ',');
        put_label(out, "state", state);
    }
    str_puts(out, "} ");
    number(out, value);
}

static void put_targets(struct str *out, const lt_config *config, const struct snapshot *s)
{
    static const char *const windows[] = {"1m", "1h"};
    const struct span *spans[] = {&s->minute, &s->hour};
    family(out, "target", "gauge", "What is wanted (the settings target.*); 0: nothing.");
    for (enum target t = 0; t < TARGET_COUNT; t++)
        labelled(out, "target", "target", target_name(t), target_judge(config, t, &s->minute).wanted);
    family(out, "target_value", "gauge", "What was, in the last minute and hour; NaN: nothing happened.");
    for (enum target t = 0; t < TARGET_COUNT; t++)
        for (int i = 0; i < 2; i++)
            put_verdict(out, "target_value", t, windows[i], NULL, target_judge(config, t, spans[i]).value);
    family(out, "target_state", "gauge", "1 for the state that each target is in.");
    for (enum target t = 0; t < TARGET_COUNT; t++)
        for (int i = 0; i < 2; i++)
            for (enum target_state state = 0; state < TARGET_STATE_COUNT; state++)
                put_verdict(out, "target_state", t, windows[i], target_state_name(state),
                            target_judge(config, t, spans[i]).state == state);
}

enum MHD_Result metrics_answer(struct exchange *x)
{
    struct snapshot *stats = snapshot_take(x);
    struct str text = {0};
    if (stats == NULL)
        return MHD_NO;
    put_server(&text, stats);
    put_requests(&text, &stats->counts);
    put_speech(&text, &stats->counts, &stats->engine);
    put_batches(&text, &stats->engine);
    put_caches(&text, &stats->engine);
    put_memory(&text, &stats->engine);
    put_targets(&text, x->settings->config, stats);
    free(stats);
    return reply_text(x, "text/plain; version=0.0.4; charset=utf-8", &text);
}
