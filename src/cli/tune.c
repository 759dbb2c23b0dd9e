/* tune.c: `litetts tune`: what each optimisation is worth on this machine, and the settings that make the most of it.
 *
 * One subject after another: the candidates of a subject take turns (candidates.h), the best of them is kept for the
 * subjects that follow, and a setting is changed only where that is worth more than noise. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/config_edit.h"
#include "base/file.h"
#include "base/threads.h"
#include "cli/candidates.h"
#include "cli/command.h"
#include "cli/progress.h"

static const struct option options[] = {
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"seconds", 's', "N", "most time to take (60)", NULL, NULL},
    {"dry-run", 'n', NULL, "measure and print, but write nothing", NULL, NULL},
    {"output", 'o', "FILE", "write the settings to FILE instead of the configuration file", NULL, NULL},
    {"quiet", 'q', NULL, "do not show what is being measured", NULL, NULL},
    {"json", 0, NULL, "print a JSON object", NULL, NULL},
    {NULL},
};

/* A speech of about half a second, and the shortest one. */
enum { TRIAL_TOKENS = 5, SHORT_TOKENS = 1, BATCH = 8, CACHE_HITS = 20, CONFIG_FILE_MOST = 1 << 20 };

static const double least_gain = 0.03; /* what is worth a line in the configuration */

struct subject {
    const char *title;
    enum config_key key; /* what the candidates are values of; CONFIG_COUNT: it is measured, but not chosen */
    double until;        /* share of the time at which it ends */
    struct candidate list[CANDIDATES_MOST]; /* the first is the default */
    int count, in_force, best;
};

enum { ISA, THREADS, PIN, PRECISION, BATCHING, SUBJECTS };

struct tune {
    const struct arguments *arguments;
    lt_config *config;
    struct model *model; /* NULL: there is none */
    struct trial trial, short_trial;
    double begin, seconds; /* of the clock; the time to take */
    struct kokoro_options chosen;
    struct subject subjects[SUBJECTS];
    const struct subject *now; /* being measured */
    struct progress_bar bar;
    double cold_seconds, hit_seconds; /* of a request; 0: the cache is off */
    struct str path;                  /* of the file to write */
};

/* ---- Candidates ----------------------------------------------------------------------------------- */

static struct candidate *add(struct tune *t, struct subject *s, const char *value)
{
    struct candidate *made = &s->list[s->count++];
    *made = (struct candidate){.options = t->chosen, .batch = 1};
    snprintf(made->value, sizeof made->value, "%s", value);
    return made;
}

/* Notes that the last one added is what the settings ask for, when it is. */
static void note_in_force(struct subject *s, bool is)
{
    if (is)
        s->in_force = s->count - 1;
}

static void fill_isa(struct tune *t, struct subject *s)
{
    enum isa wanted = ISA_COUNT;
    isa_parse(config_string(t->config, s->key), &wanted);
    const enum isa best = isa_detect(ISA_COUNT), used = isa_detect(wanted);
    add(t, s, "auto")->options.isa = ISA_COUNT;
    for (int i = ISA_COUNT - 1; i >= 0 && s->count < CANDIDATES_MOST; i--) {
        const enum isa isa = (enum isa)i;
        if (isa == best || !isa_available(isa))
            continue;
        add(t, s, isa_name(isa))->options.isa = isa;
        note_in_force(s, isa == used);
    }
}

/* All numbers of threads on a small machine, the round ones on a large one. */
static bool is_round(int threads, int all)
{
    return all <= 8 || threads <= 2 || threads == all / 4 || threads == all / 2 || threads == 3 * all / 4;
}

static void fill_threads(struct tune *t, struct subject *s)
{
    const int all = threads_available(), used = (int)config_integer(t->config, s->key);
    add(t, s, "0")->options.threads = all;
    for (int n = all - 1; n > 0; n--) {
        if (!is_round(n, all) && n != used)
            continue;
        char value[16];
        snprintf(value, sizeof value, "%d", n);
        add(t, s, value)->options.threads = n;
        note_in_force(s, n == used);
    }
    if (used > all) {
        add(t, s, config_string(t->config, s->key))->options.threads = used;
        note_in_force(s, true);
    }
}

static void fill_pin(struct tune *t, struct subject *s)
{
    if (t->chosen.threads < 2) /* nothing to pin */
        return;
    add(t, s, "false")->options.pinned = false;
    add(t, s, "true")->options.pinned = true;
    note_in_force(s, config_bool(t->config, s->key));
}

static void fill_precision(struct tune *t, struct subject *s)
{
    const bool exact = t->model->type == GGUF_F32; /* what "auto" is */
    add(t, s, exact ? "exact" : "fast");
    add(t, s, exact ? "fast" : "exact")->options.precision = exact ? KOKORO_FAST : KOKORO_EXACT;
}

static void fill_batching(struct tune *t, struct subject *s)
{
    add(t, s, "true")->batch = BATCH;
    add(t, s, "false")->batch = 1;
    note_in_force(s, !config_bool(t->config, s->key));
}

static const struct {
    const char *title;
    enum config_key key;
    double until;
    void (*fill)(struct tune *t, struct subject *s);
} subjects[SUBJECTS] = {
    [ISA] = {"instruction set", CONFIG_engine_isa, 0.30, fill_isa},
    [THREADS] = {"threads", CONFIG_engine_threads, 0.55, fill_threads},
    [PIN] = {"pinning", CONFIG_engine_pin, 0.70, fill_pin},
    [PRECISION] = {"precision", CONFIG_COUNT, 0.80, fill_precision},
    [BATCHING] = {"batching", CONFIG_engine_batching, 0.95, fill_batching},
};

/* ---- Measuring ------------------------------------------------------------------------------------ */

static void show(void *user, const struct candidate *candidate)
{
    struct tune *t = user;
    if (!t->bar.shown)
        return;
    fprintf(stderr, "\r\033[KMeasuring %s: %s, at most %.0f s to go", t->now->title, candidate->value,
            fmax(0, t->begin + t->seconds - clock_seconds()));
    t->bar.drawn = true;
}

/* Whether `a` is faster than `b` by more than noise. */
static bool beats(const struct candidate *a, const struct candidate *b)
{
    return b->speed > 0 && a->speed / b->speed > 1 + fmax(a->noise + b->noise, least_gain);
}

/* What is in force, unless the default is clearly faster; or the fastest of those that are clearly faster than that. */
static int choose(const struct subject *s)
{
    const int kept = beats(&s->list[0], &s->list[s->in_force]) ? 0 : s->in_force;
    int best = kept;
    for (int i = 0; i < s->count; i++)
        if (beats(&s->list[i], &s->list[kept]) && s->list[i].speed > s->list[best].speed)
            best = i;
    return best;
}

static lt_status measure_subject(struct tune *t, int which, lt_error *error)
{
    struct subject *s = &t->subjects[which];
    *s = (struct subject){
        .title = subjects[which].title, .key = subjects[which].key, .until = subjects[which].until};
    subjects[which].fill(t, s);
    if (s->count == 0)
        return LT_OK;
    t->now = s;
    const bool batches = which == BATCHING;
    const struct contest contest = {.model = t->model,
                                    .warm_up = &t->short_trial,
                                    .trial = batches ? &t->short_trial : &t->trial,
                                    .utterances = batches ? BATCH : 1,
                                    .deadline = t->begin + s->until * t->seconds,
                                    .latest = t->begin + subjects[SUBJECTS - 1].until * t->seconds,
                                    .show = show,
                                    .user = t};
    const lt_status status = candidates_measure(&contest, s->list, s->count, error);
    if (status != LT_OK || s->key == CONFIG_COUNT)
        return status;
    s->best = choose(s);
    t->chosen = s->list[s->best].options;
    return LT_OK;
}

static bool discard(void *user, const void *bytes, size_t size)
{
    (void)user;
    (void)bytes;
    (void)size;
    return true;
}

static lt_status speak(lt_engine *engine, double *seconds, lt_error *error)
{
    lt_request request;
    lt_result result;
    lt_request_init(&request);
    request.text = "Thank you for calling.";
    request.write = discard;
    const lt_status status = lt_speak(engine, &request, &result, error);
    *seconds = result.wall_seconds;
    return status;
}

/* The time of a request whose words are new, and of one whose words are in the cache. */
static lt_status measure_cache(struct tune *t, lt_error *error)
{
    if (config_integer(t->config, CONFIG_cache_memory_bytes) == 0)
        return LT_OK;
    lt_engine *engine;
    double hits[CACHE_HITS];
    lt_config *config = config_copy(t->config);
    lt_status status = config == NULL ? error_memory(error, "the configuration") : LT_OK;
    /* what earlier runs left on disk or in Redis is no new request */
    if (status == LT_OK)
        status = lt_config_set(config, "cache.disk_folder", "", error);
    if (status == LT_OK)
        status = lt_config_set(config, "cache.redis", "", error);
    if (status == LT_OK)
        status = lt_engine_open(config, &engine, error);
    lt_config_free(config);
    if (status != LT_OK)
        return status;
    status = speak(engine, &t->cold_seconds, error);
    for (int i = 0; i < CACHE_HITS && status == LT_OK; i++)
        status = speak(engine, &hits[i], error);
    lt_engine_close(engine);
    if (status == LT_OK)
        t->hit_seconds = trial_quartiles(hits, CACHE_HITS).median;
    return status;
}

static lt_status measure(struct tune *t, lt_error *error)
{
    lt_status status = LT_OK;
    if (t->model) {
        status = trial_make(t->model, TRIAL_TOKENS, &t->trial, error);
        if (status == LT_OK)
            status = trial_make(t->model, SHORT_TOKENS, &t->short_trial, error);
        t->chosen = (struct kokoro_options){.threads = threads_available(), .isa = ISA_COUNT};
        for (int i = 0; i < SUBJECTS && status == LT_OK; i++)
            status = measure_subject(t, i, error);
    }
    if (status == LT_OK)
        status = measure_cache(t, error);
    progress_erase(&t->bar);
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------------- */

static bool changes(const struct subject *s)
{
    return s->count > 0 && s->key != CONFIG_COUNT && s->best != s->in_force;
}

static bool changes_any(const struct tune *t)
{
    for (int i = 0; i < SUBJECTS; i++)
        if (changes(&t->subjects[i]))
            return true;
    return false;
}

/* The file to write: --output, --config or the one that is read; where that is a link, what it leads to. */
static lt_status find_path(struct tune *t, lt_error *error)
{
    const char *output = arguments_value(t->arguments, "output"),
               *config = arguments_config_path(t->arguments);
    if (output || config)
        str_puts(&t->path, output ? output : config);
    else
        config_find_file(&t->path);
    char *target = t->path.failed ? NULL : realpath(t->path.data, NULL);
    if (target) {
        str_clear(&t->path);
        str_puts(&t->path, target);
        free(target);
    }
    return t->path.failed ? error_memory(error, "a path") : LT_OK;
}

static lt_status write_settings(struct tune *t, lt_error *error)
{
    struct str text = {0};
    lt_status status = LT_OK;
    if (access(t->path.data, F_OK) == 0)
        status = file_read(t->path.data, CONFIG_FILE_MOST, &text, error);
    for (int i = 0; i < SUBJECTS && status == LT_OK; i++) {
        const struct subject *s = &t->subjects[i];
        if (changes(s))
            status = config_edit(&text, s->key, s->list[s->best].value, error);
    }
    if (status == LT_OK)
        status = file_replace(t->path.data, text.data, text.length, error);
    str_free(&text);
    return status;
}

/* ---- The report ----------------------------------------------------------------------------------- */

static json_t *candidate_report(const struct subject *s, int i)
{
    const struct candidate *c = &s->list[i];
    return json_pack("{s:s, s:f, s:o, s:i, s:b}", "value", c->value, "speed", c->speed, "noise",
                     isfinite(c->noise) ? json_real(c->noise) : json_null(), "rounds", c->rounds, "in_force",
                     i == s->in_force);
}

static json_t *report(const struct tune *t, bool written)
{
    json_t *measured = json_object(), *settings = json_object();
    for (int i = 0; i < SUBJECTS; i++) {
        const struct subject *s = &t->subjects[i];
        json_t *list = json_array();
        for (int c = 0; c < s->count; c++)
            json_array_append_new(list, candidate_report(s, c));
        if (s->count > 0)
            json_object_set_new(measured, s->key != CONFIG_COUNT ? config_key(s->key)->name : s->title, list);
        else
            json_decref(list);
        if (changes(s))
            json_object_set_new(settings, config_key(s->key)->name,
                                json_pack("{s:s, s:s, s:s}", "value", s->list[s->best].value, "before",
                                          config_string(t->config, s->key), "origin",
                                          config_origin(t->config, s->key)));
    }
    return json_pack("{s:s, s:s, s:f, s:o, s:{s:f, s:f}, s:o, s:s, s:b}", "type",
                     t->model ? gguf_type_name(t->model->type) : "", "instruction_set",
                     isa_name(isa_detect(ISA_COUNT)), "seconds", clock_seconds() - t->begin, "measured",
                     measured, "cache", "new_seconds", t->cold_seconds, "hit_seconds", t->hit_seconds,
                     "settings", settings, "file", t->path.data, "written", written);
}

/* What the default of a setting stands for here; "" where it says so itself. */
static const char *meaning(enum config_key key)
{
    return key == CONFIG_engine_isa       ? isa_name(isa_detect(ISA_COUNT))
           : key == CONFIG_engine_threads ? "one a CPU"
                                          : "";
}

static void print_subject(const struct subject *s)
{
    for (int i = 0; i < s->count; i++) {
        const struct candidate *c = &s->list[i];
        const char *means = i == 0 ? meaning(s->key) : "";
        const int width =
            printf("%-16s %s%s%s", i == 0 ? s->title : "", c->value, means[0] ? ": " : "", means);
        printf("%*s", width < 38 ? 38 - width : 1, "");
        if (c->speed == 0)
            printf("%-18s", "no time left");
        else if (i == 0)
            printf("%-17s", "1");
        else if (!isfinite(c->noise))
            printf("%-8.2f %-8s", c->speed, c->rounds == 1 ? "once" : "twice");
        else
            printf("%-8.2f ± %3.0f %% ", c->speed, 100 * c->noise);
        puts(s->key == CONFIG_COUNT ? "" : i == s->in_force ? " in force" : i == s->best ? " better" : "");
    }
}

static void print_report(const struct tune *t)
{
    if (t->model)
        printf("Speed of each, the first of its group being 1, with %s weights:\n\n",
               gguf_type_name(t->model->type));
    else
        puts("There is no Kokoro model ('litetts pull kokoro' fetches one). Instruction set, threads and "
             "batches make no\n"
             "difference to the embedded voices; what there is to measure is the cache.\n");
    for (int i = 0; i < SUBJECTS; i++)
        print_subject(&t->subjects[i]);
    if (t->hit_seconds > 0)
        printf("%-16s %-20s %-17.0f %.2f ms instead of %.1f ms\n", "cache", "hit",
               t->cold_seconds / t->hit_seconds, 1e3 * t->hit_seconds, 1e3 * t->cold_seconds);
    else
        printf("%-16s %-20s cache.memory_bytes is 0\n", "cache", "off");
}

static void print_changes(const struct tune *t, bool written)
{
    if (!changes_any(t)) {
        puts("\nThe settings in force are the best for this machine: nothing to change.");
        return;
    }
    printf("\n%s %s:\n", written ? "Written to" : "Not written to", t->path.data);
    for (int i = 0; i < SUBJECTS; i++) {
        const struct subject *s = &t->subjects[i];
        if (!changes(s))
            continue;
        const char *origin = config_origin(t->config, s->key);
        printf("  %s = %s, which was %s (%s): %.2f times as fast\n", config_key(s->key)->name,
               s->list[s->best].value, config_string(t->config, s->key), origin,
               s->list[s->best].speed / s->list[s->in_force].speed);
        if (strcmp(origin, "flag") == 0 || strncmp(origin, "LITETTS_", 8) == 0)
            printf("    %s still comes before the file: take it away\n",
                   origin[0] == 'f' ? "the command line" : origin);
    }
}

/* ---- The command ---------------------------------------------------------------------------------- */

/* Opens the model; where none is installed and none is asked for, there is none. */
static lt_status open_model(struct tune *t, lt_error *error)
{
    struct str path = {0};
    const char *named = config_string(t->config, CONFIG_engine_model);
    file_model(named, config_string(t->config, CONFIG_engine_data_folder), &path);
    lt_status status = path.failed ? error_memory(error, "a path") : LT_OK;
    if (status == LT_OK && (named[0] != '\0' || access(path.data, F_OK) == 0))
        status = model_open(path.data, &t->model, error);
    str_free(&path);
    return status;
}

static lt_status tune(struct tune *t, lt_error *error)
{
    t->config = arguments_config(t->arguments, error);
    if (!t->config)
        return error->status;
    lt_status status = arguments_number(t->arguments, "seconds", 1, 3600, 60, &t->seconds, error);
    if (status == LT_OK)
        status = find_path(t, error);
    if (status == LT_OK)
        status = open_model(t, error);
    t->begin = clock_seconds();
    progress_start(&t->bar, arguments_given(t->arguments, "quiet"));
    if (status == LT_OK)
        status = measure(t, error);
    const bool wanted = changes_any(t) && !arguments_given(t->arguments, "dry-run");
    lt_status writing = LT_OK;
    if (status == LT_OK && wanted)
        writing = write_settings(t, error);
    if (status != LT_OK)
        return status;
    const bool written = wanted && writing == LT_OK;
    if (arguments_given(t->arguments, "json")) {
        json_t *made = report(t, written);
        if (!made)
            return error_memory(error, "the report");
        json_dumpf(made, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5));
        putchar('\n');
        json_decref(made);
    } else {
        print_report(t);
        print_changes(t, written);
    }
    return writing;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct tune *t = calloc(1, sizeof *t);
    if (!t) {
        error_memory(&error, "the measurements");
        return command_fail(&error);
    }
    t->arguments = arguments;
    const lt_status status = tune(t, &error);
    progress_erase(&t->bar);
    model_close(t->model);
    trial_free(&t->trial);
    trial_free(&t->short_trial);
    lt_config_free(t->config);
    str_free(&t->path);
    free(t);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command tune_command = {
    .name = "tune",
    .operands = "",
    .summary = "Measure what each optimisation is worth on this machine and choose the best settings",
    .notes = "Candidates take turns, and a setting is changed only where that makes more than noise. Only "
             "the lines of\n"
             "the changed settings are touched in the configuration file. Precision changes the sound and is "
             "never\n"
             "chosen for you. To compare types of weights: 'litetts bench --save' and '--compare' with each "
             "model.\n",
    .options = options,
    .run = run,
};
