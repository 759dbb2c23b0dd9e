/* bench.c: `litetts bench`: how fast a model speaks here, where the time goes, and the memory it takes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/bench_record.h"
#include "cli/command.h"
#include "cli/trial.h"
#include "kokoro/kokoro.h"

static const struct option options[] = {
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"golden", 0, "DIR", "speak the input_ids.npy, style.npy and speed.npy of a folder", NULL, NULL},
    {"tokens", 0, "N", "speak N made-up phonemes (100)", NULL, NULL},
    {"threads", 0, "N", NULL, "engine.threads", NULL},
    {"isa", 0, "SET", NULL, "engine.isa", NULL},
    {"batch", 0, "N", "utterances at once (1)", NULL, NULL},
    {"runs", 0, "N", "timed runs, after one that is not (5)", NULL, NULL},
    {"save", 0, "NAME", "keep the result under a name, or in a file when it has a '/'", NULL, NULL},
    {"compare", 0, "NAME", "compare the result with a kept one", NULL, NULL},
    {"json", 0, NULL, "print one line of JSON", NULL, NULL},
    {NULL},
};

enum { MOST_RUNS = 10000 };

/* What is measured of each run: its wall time, the time of all its threads (steadier, where others use the
 * machine too), and the wall time of each part. */
enum { WALL, CPU, FIRST_PART, MEASURES = FIRST_PART + KOKORO_PARTS };

struct bench {
    const struct arguments *arguments;
    struct model *model;
    struct kokoro *kokoro;
    struct trial trial;
    json_t *kept; /* the result to compare with; NULL: none */
    int threads, batch, runs;
    double load_seconds;
    double seconds[MEASURES][MOST_RUNS];
    double multiplications[KOKORO_PARTS]; /* of a run */
    size_t samples;                       /* of one utterance */
};

/* ---- Memory at its peak --------------------------------------------------------------------------- */

struct memory_watch {
    pthread_t thread;
    atomic_bool done;
    uint64_t anonymous, file; /* most of each, in bytes */
};

static void *watch(void *argument)
{
    struct memory_watch *w = argument;
    while (!atomic_load(&w->done)) {
        const uint64_t anonymous = memory_read_field("/proc/self/status", "RssAnon");
        const uint64_t file = memory_read_field("/proc/self/status", "RssFile");
        w->anonymous = anonymous > w->anonymous ? anonymous : w->anonymous;
        w->file = file > w->file ? file : w->file;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return NULL;
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

static double cpu_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lt_status run_all(struct bench *b, lt_error *error)
{
    /* the first run warms caches and pages */
    lt_status status = trial_speak(&b->trial, b->kokoro, b->batch, &b->samples, error);
    for (int i = 0; i < b->runs && status == LT_OK; i++) {
        kokoro_reset_costs(b->kokoro);
        const double cpu = cpu_clock(), start = clock_seconds();
        status = trial_speak(&b->trial, b->kokoro, b->batch, NULL, error);
        b->seconds[WALL][i] = clock_seconds() - start;
        b->seconds[CPU][i] = cpu_clock() - cpu;
        for (int part = 0; part < KOKORO_PARTS; part++) {
            b->seconds[FIRST_PART + part][i] = kokoro_costs(b->kokoro)[part].seconds;
            b->multiplications[part] = kokoro_costs(b->kokoro)[part].multiplications;
        }
    }
    return status;
}

/* ---- The report ----------------------------------------------------------------------------------- */

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static const char *measure_name(int measure)
{
    return measure == WALL  ? "wall"
           : measure == CPU ? "cpu"
                            : kokoro_part_name((enum kokoro_part)(measure - FIRST_PART));
}

static const char *input_name(const struct bench *b)
{
    const char *golden = arguments_value(b->arguments, "golden");
    return golden ? golden : "made up";
}

/* Sorts the measurements. */
static json_t *measures_report(struct bench *b)
{
    json_t *measures = json_object();
    for (int i = 0; i < MEASURES; i++) {
        const struct quartiles q = trial_quartiles(b->seconds[i], b->runs);
        json_t *measure =
            json_pack("{s:f, s:f, s:f}", "lower", q.lower, "median", q.median, "upper", q.upper);
        if (i >= FIRST_PART)
            json_object_set_new(
                measure, "gflops",
                json_real(q.median > 0 ? 2e-9 * b->multiplications[i - FIRST_PART] / q.median : 0));
        json_object_set_new(measures, measure_name(i), measure);
    }
    return measures;
}

static json_t *report(struct bench *b, const struct memory_watch *memory)
{
    char machine[512], date[32], digest[2 * GGUF_DIGEST_BYTES + 1];
    cpu_describe(machine, sizeof machine);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&(time_t){time(NULL)}));
    unsigned char bytes[GGUF_DIGEST_BYTES];
    gguf_digest(b->model->gguf, bytes);
    for (int i = 0; i < GGUF_DIGEST_BYTES; i++)
        snprintf(digest + 2 * i, 3, "%02x", bytes[i]);
    json_t *measures = measures_report(b);
    const double median = number(json_object_get(measures, measure_name(WALL)), "median");
    const double audio = (double)b->samples * b->batch / LT_SAMPLE_RATE;
    double multiplications = 0;
    for (int i = 0; i < KOKORO_PARTS; i++)
        multiplications += b->multiplications[i];
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, "
        "s:f, s:f, s:f, s:o}",
        "engine", "litetts " LITETTS_VERSION, "date", date, "machine", machine, "cpus", threads_available(),
        "digest", digest, "isa", isa_name(kokoro_isa(b->kokoro)), "type", gguf_type_name(b->model->type),
        "threads", b->threads, "input", input_name(b), "batch", b->batch, "tokens", b->trial.count - 2,
        "runs", b->runs, "audioSeconds", audio, "loadSeconds", b->load_seconds, "medianSeconds", median,
        "fastestSeconds", b->seconds[WALL][0], "slowestSeconds", b->seconds[WALL][b->runs - 1], "rtf",
        median / audio, "gflops", 2e-9 * multiplications / median, "peakMiB",
        (double)memory_peak_bytes() / 1048576, "peakAnonymousMiB", (double)memory->anonymous / 1048576,
        "peakFileMiB", (double)memory->file / 1048576, "seconds", measures);
}

static void print_report(const json_t *r)
{
    const json_t *seconds = json_object_get(r, "seconds");
    printf("%s, %s, %d thread%s: %.2f s of audio in %.3f s (%.3f to %.3f, %d runs): RTF %.4f, %.0f GFLOPS\n",
           json_string_value(json_object_get(r, "isa")), json_string_value(json_object_get(r, "type")),
           (int)number(r, "threads"), number(r, "threads") > 1 ? "s" : "", number(r, "audioSeconds"),
           number(r, "medianSeconds"), number(r, "fastestSeconds"), number(r, "slowestSeconds"),
           (int)number(r, "runs"), number(r, "rtf"), number(r, "gflops"));
    printf("%.3f s of CPU time a run; ", number(json_object_get(seconds, "cpu"), "median"));
    printf("loaded in %.3f s; peak memory %.1f MiB, of which at most %.1f MiB anonymous, %.1f MiB "
           "file-backed\n\n",
           number(r, "loadSeconds"), number(r, "peakMiB"), number(r, "peakAnonymousMiB"),
           number(r, "peakFileMiB"));
    for (int i = FIRST_PART; i < MEASURES; i++) {
        const json_t *part = json_object_get(seconds, measure_name(i));
        printf("%-12s %8.2f ms %8.0f GFLOPS\n", measure_name(i), 1e3 * number(part, "median"),
               number(part, "gflops"));
    }
}

/* ---- The command ---------------------------------------------------------------------------------- */

static lt_status open_model(struct bench *b, const lt_config *config, lt_error *error)
{
    const double start = clock_seconds();
    lt_status status = trial_open_model(config, &b->model, error);
    if (status == LT_OK && !b->model)
        return error_set(error, LT_ERR_IO,
                         "there is no Kokoro model to measure: 'litetts pull kokoro' fetches one, --model "
                         "names another");
    struct kokoro_options settings = {.threads = (int)config_integer(config, CONFIG_engine_threads),
                                      .pinned = config_bool(config, CONFIG_engine_pin),
                                      .isa = ISA_COUNT};
    if (settings.threads == 0)
        settings.threads = threads_available();
    isa_parse(config_string(config, CONFIG_engine_isa), &settings.isa);
    b->threads = settings.threads;
    if (status == LT_OK)
        status = kokoro_open(b->model, &settings, &b->kokoro, error);
    b->load_seconds = clock_seconds() - start;
    return status;
}

static lt_status prepare(struct bench *b, lt_error *error)
{
    int tokens;
    lt_status status = arguments_whole(b->arguments, "tokens", 1, 510, 100, &tokens, error);
    if (status == LT_OK)
        status = arguments_whole(b->arguments, "batch", 1, KOKORO_MAX_BATCH, 1, &b->batch, error);
    if (status == LT_OK)
        status = arguments_whole(b->arguments, "runs", 1, MOST_RUNS, 5, &b->runs, error);
    if (status != LT_OK)
        return status;
    const char *golden = arguments_value(b->arguments, "golden");
    const char *compare = arguments_value(b->arguments, "compare");
    if (compare)
        status = record_load(compare, &b->kept, error);
    if (status != LT_OK)
        return status;
    return golden ? trial_read(b->model, golden, &b->trial, error)
                  : trial_make(b->model, tokens, &b->trial, error);
}

/* Prints the result, held against `kept` unless that is NULL, and saves it when asked to. */
static lt_status answer(const struct arguments *arguments, json_t *result, const json_t *kept,
                        lt_error *error)
{
    const char *save = arguments_value(arguments, "save");
    json_t *comparison = kept ? record_compare(kept, result) : NULL;
    if (kept && !comparison)
        return error_memory(error, "the comparison");
    if (arguments_given(arguments, "json")) {
        json_t *printed = json_copy(result);
        if (comparison)
            json_object_set(printed, "comparison", comparison);
        json_dumpf(printed, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5));
        putchar('\n');
        json_decref(printed);
    } else {
        print_report(result);
        if (comparison)
            record_print(comparison);
    }
    json_decref(comparison);
    return save ? record_save(save, result, error) : LT_OK;
}

static lt_status bench(struct bench *b, lt_error *error)
{
    if (arguments_given(b->arguments, "golden") && arguments_given(b->arguments, "tokens"))
        return error_set(error, LT_ERR_ARGUMENT,
                         "--golden and --tokens contradict each other: leave one of them out");
    lt_config *config = arguments_config(b->arguments, error);
    if (!config)
        return error->status;
    lt_status status = open_model(b, config, error);
    lt_config_free(config);
    if (status == LT_OK)
        status = prepare(b, error);
    if (status == LT_OK && b->kept)
        status = record_check(b->kept, input_name(b), b->trial.count - 2, b->batch, error);
    if (status != LT_OK)
        return status;
    struct memory_watch memory = {0};
    const bool watching = pthread_create(&memory.thread, NULL, watch, &memory) == 0;
    status = run_all(b, error);
    atomic_store(&memory.done, true);
    if (watching)
        pthread_join(memory.thread, NULL);
    json_t *result = status == LT_OK ? report(b, &memory) : NULL;
    if (status == LT_OK && !result)
        status = error_memory(error, "the report");
    if (status == LT_OK)
        status = answer(b->arguments, result, b->kept, error);
    json_decref(result);
    return status;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        error_memory(&error, "the benchmark");
        return command_fail(&error);
    }
    b->arguments = arguments;
    const lt_status status = bench(b, &error);
    kokoro_close(b->kokoro);
    model_close(b->model);
    trial_free(&b->trial);
    json_decref(b->kept);
    free(b);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command bench_command = {
    .name = "bench",
    .operands = "",
    .summary = "Measure how fast a Kokoro model speaks on this machine",
    .notes =
        "RTF is the time to speak divided by the length of the audio: below 1 is faster than it sounds.\n"
        "GFLOPS count two operations a multiply-add of the network's products.\n",
    .options = options,
    .run = run,
};
