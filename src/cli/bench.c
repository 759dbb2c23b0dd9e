/* bench.c: `litetts bench`: how fast a model speaks here, where the time goes, and the memory it takes. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cli/command.h"
#include "convert/npy.h"
#include "kokoro/kokoro.h"

static const struct option options[] = {
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"golden", 0, "DIR", "speak the input_ids.npy, style.npy and speed.npy of a folder", NULL, NULL},
    {"tokens", 0, "N", "speak N made-up phonemes (100)", NULL, NULL},
    {"threads", 0, "N", NULL, "engine.threads", NULL},
    {"isa", 0, "SET", NULL, "engine.isa", NULL},
    {"batch", 0, "N", "utterances at once (1)", NULL, NULL},
    {"runs", 0, "N", "timed runs, after one that is not (5)", NULL, NULL},
    {"json", 0, NULL, "print one line of JSON", NULL, NULL},
    {NULL},
};

enum { MOST_RUNS = 10000 };

struct bench {
    const struct arguments *arguments;
    struct model *model;
    struct kokoro *kokoro;
    int *ids;
    float *style;
    int count; /* of ids */
    float speed;
    int threads, batch, runs;
    double load_seconds;
    double seconds[MOST_RUNS]; /* of each run, sorted later */
    double cpu_seconds; /* of all threads, a run: steadier than wall time where others use the machine too */
    size_t samples;     /* of one utterance */
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

/* ---- Input ---------------------------------------------------------------------------------------- */

/* Made-up phonemes and style, the same as those of the benchmark of ONNX Runtime. */
static lt_status make_input(struct bench *b, int tokens, lt_error *error)
{
    const int width = 2 * b->model->style;
    b->count = tokens + 2;
    b->speed = 1;
    b->ids = calloc((size_t)b->count, sizeof *b->ids);
    b->style = calloc((size_t)width, sizeof *b->style);
    if (!b->ids || !b->style)
        return error_memory(error, "the input");
    for (int i = 1; i <= tokens; i++)
        b->ids[i] = 1 + (int)((uint32_t)i * 2654435761u % 168);
    for (int i = 0; i < width; i++)
        b->style[i] = (float)(sin(i * 12.9898) * 0.4);
    return LT_OK;
}

/* Reads `folder`/`name`.npy as float32, *values the caller's. */
static lt_status read_array(const char *folder, const char *name, float **values, size_t *count,
                            lt_error *error)
{
    struct str path = {0}, file = {0};
    str_printf(&path, "%s/%s.npy", folder, name);
    struct npy npy;
    lt_status status =
        path.failed ? error_memory(error, "a path") : file_read(path.data, 1 << 24, &file, error);
    if (status == LT_OK)
        status = npy_read((const unsigned char *)file.data, file.length, path.data, &npy, error);
    if (status == LT_OK) {
        *count = (size_t)npy.elements;
        *values = malloc(*count * sizeof **values);
        if (*values)
            element_decode(npy.type, npy.data, *count, *values);
        else
            status = error_memory(error, "the input");
    }
    str_free(&path);
    str_free(&file);
    return status;
}

static lt_status read_golden(struct bench *b, const char *folder, lt_error *error)
{
    float *ids = NULL, *speed = NULL;
    size_t count = 0, style = 0, one = 0;
    lt_status status = read_array(folder, "input_ids", &ids, &count, error);
    if (status == LT_OK)
        status = read_array(folder, "style", &b->style, &style, error);
    if (status == LT_OK)
        status = read_array(folder, "speed", &speed, &one, error);
    if (status == LT_OK && (style != 2 * (size_t)b->model->style || one != 1 || count > 4096))
        status = error_set(error, LT_ERR_ARGUMENT, "'%s' does not fit the model", folder);
    if (status == LT_OK && !(b->ids = calloc(count + 1, sizeof *b->ids)))
        status = error_memory(error, "the input");
    if (status == LT_OK) {
        b->count = (int)count;
        b->speed = *speed;
        for (size_t i = 0; i < count; i++)
            b->ids[i] = (int)ids[i];
    }
    free(ids);
    free(speed);
    return status;
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

static bool count_samples(void *user, const float *samples, size_t count)
{
    (void)samples;
    *(size_t *)user += count;
    return true;
}

static lt_status run_once(struct bench *b, lt_error *error)
{
    struct kokoro_utterance utterances[KOKORO_MAX_BATCH], *batch[KOKORO_MAX_BATCH];
    size_t samples[KOKORO_MAX_BATCH] = {0};
    for (int i = 0; i < b->batch; i++) {
        utterances[i] = (struct kokoro_utterance){.ids = b->ids,
                                                  .count = b->count,
                                                  .style = b->style,
                                                  .speed = b->speed,
                                                  .seed = (uint64_t)i,
                                                  .emit = count_samples,
                                                  .user = &samples[i]};
        batch[i] = &utterances[i];
    }
    kokoro_speak(b->kokoro, batch, b->batch);
    b->samples = samples[0];
    for (int i = 0; i < b->batch; i++)
        if (utterances[i].status != LT_OK)
            return error_set(error, utterances[i].status, "%s", utterances[i].error.message);
    return LT_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double cpu_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static lt_status run_all(struct bench *b, lt_error *error)
{
    lt_status status = run_once(b, error); /* warms caches and pages */
    kokoro_reset_costs(b->kokoro);
    const double cpu = cpu_clock();
    for (int i = 0; i < b->runs && status == LT_OK; i++) {
        const double start = clock_seconds();
        status = run_once(b, error);
        b->seconds[i] = clock_seconds() - start;
    }
    b->cpu_seconds = (cpu_clock() - cpu) / b->runs;
    qsort(b->seconds, (size_t)b->runs, sizeof *b->seconds, compare_doubles);
    return status;
}

/* ---- Reports -------------------------------------------------------------------------------------- */

static json_t *parts_report(const struct bench *b)
{
    json_t *parts = json_object();
    const struct kokoro_cost *costs = kokoro_costs(b->kokoro);
    for (int i = 0; i < KOKORO_PARTS; i++)
        json_object_set_new(
            parts, kokoro_part_name((enum kokoro_part)i),
            json_pack("{s:f, s:f}", "seconds", costs[i].seconds / b->runs, "gflops",
                      costs[i].seconds > 0 ? 2e-9 * costs[i].multiplications / costs[i].seconds : 0.0));
    return parts;
}

static json_t *report(const struct bench *b, const struct memory_watch *memory)
{
    const double median = b->seconds[b->runs / 2];
    const double audio = (double)b->samples * b->batch / LT_SAMPLE_RATE;
    const struct kokoro_cost *costs = kokoro_costs(b->kokoro);
    double multiplications = 0;
    for (int i = 0; i < KOKORO_PARTS; i++)
        multiplications += costs[i].multiplications / b->runs;
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}",
        "engine", "litetts " LITETTS_VERSION, "isa", isa_name(kokoro_isa(b->kokoro)), "type",
        gguf_type_name(b->model->type), "threads", b->threads, "batch", b->batch, "tokens", b->count - 2,
        "runs", b->runs, "audioSeconds", audio, "loadSeconds", b->load_seconds, "medianSeconds", median,
        "fastestSeconds", b->seconds[0], "slowestSeconds", b->seconds[b->runs - 1], "cpuSeconds",
        b->cpu_seconds, "rtf", median / audio, "gflops", 2e-9 * multiplications / median, "peakMiB",
        (double)memory_peak_bytes() / 1048576, "peakAnonymousMiB", (double)memory->anonymous / 1048576,
        "peakFileMiB", (double)memory->file / 1048576, "parts", parts_report(b));
}

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static void print_report(const json_t *r)
{
    printf("%s, %s, %d thread%s: %.2f s of audio in %.3f s (%.3f to %.3f, %d runs): RTF %.4f, %.0f GFLOPS\n",
           json_string_value(json_object_get(r, "isa")), json_string_value(json_object_get(r, "type")),
           (int)number(r, "threads"), number(r, "threads") > 1 ? "s" : "", number(r, "audioSeconds"),
           number(r, "medianSeconds"), number(r, "fastestSeconds"), number(r, "slowestSeconds"),
           (int)number(r, "runs"), number(r, "rtf"), number(r, "gflops"));
    printf("%.3f s of CPU time a run; ", number(r, "cpuSeconds"));
    printf("loaded in %.3f s; peak memory %.1f MiB, of which at most %.1f MiB anonymous, %.1f MiB "
           "file-backed\n\n",
           number(r, "loadSeconds"), number(r, "peakMiB"), number(r, "peakAnonymousMiB"),
           number(r, "peakFileMiB"));
    const char *name;
    json_t *part;
    json_object_foreach(json_object_get(r, "parts"), name, part)
        printf("%-12s %8.2f ms %8.0f GFLOPS\n", name, 1e3 * number(part, "seconds"), number(part, "gflops"));
}

/* ---- The command ---------------------------------------------------------------------------------- */

static lt_status open_model(struct bench *b, const lt_config *config, lt_error *error)
{
    const double start = clock_seconds();
    struct str path = {0};
    str_puts(&path, config_string(config, CONFIG_engine_model));
    if (path.length == 0) {
        file_data_folder(config_string(config, CONFIG_engine_data_folder), &path);
        str_puts(&path, "/kokoro.gguf");
    }
    lt_status status = path.failed ? error_memory(error, "a path") : model_open(path.data, &b->model, error);
    str_free(&path);
    struct kokoro_options settings = {.threads = (int)config_integer(config, CONFIG_engine_threads),
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
    double tokens, batch, runs;
    lt_status status = arguments_number(b->arguments, "tokens", 1, 510, 100, &tokens, error);
    if (status == LT_OK)
        status = arguments_number(b->arguments, "batch", 1, KOKORO_MAX_BATCH, 1, &batch, error);
    if (status == LT_OK)
        status = arguments_number(b->arguments, "runs", 1, MOST_RUNS, 5, &runs, error);
    if (status != LT_OK)
        return status;
    b->batch = (int)batch;
    b->runs = (int)runs;
    const char *golden = arguments_value(b->arguments, "golden");
    return golden ? read_golden(b, golden, error) : make_input(b, (int)tokens, error);
}

static lt_status bench(struct bench *b, lt_error *error)
{
    lt_config *config = arguments_config(b->arguments, error);
    if (!config)
        return error->status;
    lt_status status = open_model(b, config, error);
    lt_config_free(config);
    if (status == LT_OK)
        status = prepare(b, error);
    if (status != LT_OK)
        return status;
    struct memory_watch memory = {0};
    const bool watching = pthread_create(&memory.thread, NULL, watch, &memory) == 0;
    status = run_all(b, error);
    atomic_store(&memory.done, true);
    if (watching)
        pthread_join(memory.thread, NULL);
    json_t *result = status == LT_OK ? report(b, &memory) : NULL;
    if (result && arguments_given(b->arguments, "json"))
        json_dumpf(result, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5)),
            putchar('\n');
    else if (result)
        print_report(result);
    else if (status == LT_OK)
        status = error_memory(error, "the report");
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
    free(b->ids);
    free(b->style);
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
