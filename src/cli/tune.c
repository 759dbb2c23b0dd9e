/* tune.c: `litetts tune`: measures what each optimisation is worth on this machine (tuning.h), and writes the
 * settings that make the most of it. */
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
#include "cli/command.h"
#include "cli/tuning.h"

static const struct option options[] = {
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {"seconds", 's', "N", "most time to take (60)", NULL, NULL},
    {"dry-run", 'n', NULL, "measure and print, but write nothing", NULL, NULL},
    {"output", 'o', "FILE", "write the settings to FILE instead of the configuration file", NULL, NULL},
    {"quiet", 'q', NULL, "do not show what is being measured", NULL, NULL},
    {"json", 0, NULL, "print a JSON object", NULL, NULL},
    {NULL},
};

enum { CONFIG_FILE_MOST = 1 << 20 };

struct tune {
    const struct arguments *arguments;
    lt_config *config;
    struct model *model; /* NULL: there is none */
    struct progress_bar bar;
    struct tuning tuning;
    struct str path; /* of the file to write */
};

/* ---- Writing -------------------------------------------------------------------------------------- */

static bool changes_any(const struct tune *t)
{
    for (int i = 0; i < TUNING_SUBJECTS; i++)
        if (subject_changes(&t->tuning.subjects[i]))
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
    for (int i = 0; i < TUNING_SUBJECTS && status == LT_OK; i++) {
        const struct subject *s = &t->tuning.subjects[i];
        if (subject_changes(s))
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
    for (int i = 0; i < TUNING_SUBJECTS; i++) {
        const struct subject *s = &t->tuning.subjects[i];
        json_t *list = json_array();
        for (int c = 0; c < s->count; c++)
            json_array_append_new(list, candidate_report(s, c));
        if (s->count > 0)
            json_object_set_new(measured, s->key != CONFIG_COUNT ? config_key(s->key)->name : s->title, list);
        else
            json_decref(list);
        if (subject_changes(s))
            json_object_set_new(settings, config_key(s->key)->name,
                                json_pack("{s:s, s:s, s:s}", "value", s->list[s->best].value, "before",
                                          config_string(t->config, s->key), "origin",
                                          config_origin(t->config, s->key)));
    }
    return json_pack("{s:s, s:s, s:f, s:f, s:o, s:{s:f, s:f}, s:o, s:s, s:b}", "type",
                     t->model ? gguf_type_name(t->model->type) : "", "instruction_set",
                     isa_name(isa_detect(ISA_COUNT)), "seconds", clock_seconds() - t->tuning.begin, "load",
                     t->tuning.load, "measured", measured, "cache", "new_seconds", t->tuning.cold_seconds,
                     "hit_seconds", t->tuning.hit_seconds, "settings", settings, "file", t->path.data,
                     "written", written);
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

/* Whether others took a good part of the machine before it was measured. */
static bool is_busy(const struct tune *t)
{
    return t->tuning.load > 0.5 * threads_available();
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
    for (int i = 0; i < TUNING_SUBJECTS; i++)
        print_subject(&t->tuning.subjects[i]);
    if (t->tuning.hit_seconds > 0)
        printf("%-16s %-20s %-17.0f %.2g ms instead of %.3g ms\n", "cache", "hit",
               t->tuning.cold_seconds / t->tuning.hit_seconds, 1e3 * t->tuning.hit_seconds,
               1e3 * t->tuning.cold_seconds);
    else
        printf("%-16s %-20s cache.memory_bytes is 0\n", "cache", "off");
    if (is_busy(t))
        printf("\nMind that other programs kept the machine busy (a load of %.1f on %d CPUs): try again when "
               "it is idle.\n",
               t->tuning.load, threads_available());
}

static void print_changes(const struct tune *t, bool written)
{
    if (!changes_any(t)) {
        puts("\nThe settings in force are the best for this machine: nothing to change.");
        return;
    }
    printf("\n%s %s:\n", written ? "Written to" : "Not written to", t->path.data);
    for (int i = 0; i < TUNING_SUBJECTS; i++) {
        const struct subject *s = &t->tuning.subjects[i];
        if (!subject_changes(s))
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

static lt_status prepare(struct tune *t, lt_error *error)
{
    t->config = arguments_config(t->arguments, error);
    if (!t->config)
        return error->status;
    lt_status status = arguments_number(t->arguments, "seconds", 1, 3600, 60, &t->tuning.seconds, error);
    if (status == LT_OK)
        status = find_path(t, error);
    if (status == LT_OK)
        status = trial_open_model(t->config, &t->model, error);
    t->tuning.config = t->config;
    t->tuning.model = t->model;
    t->tuning.bar = &t->bar;
    t->tuning.begin = clock_seconds();
    return status;
}

static lt_status print(const struct tune *t, bool written, lt_error *error)
{
    if (!arguments_given(t->arguments, "json")) {
        print_report(t);
        print_changes(t, written);
        return LT_OK;
    }
    json_t *made = report(t, written);
    if (!made)
        return error_memory(error, "the report");
    json_dumpf(made, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(5));
    putchar('\n');
    json_decref(made);
    return LT_OK;
}

/* What was found is printed even where it cannot be written. */
static lt_status tune(struct tune *t, lt_error *error)
{
    lt_status status = prepare(t, error);
    progress_start(&t->bar, arguments_given(t->arguments, "quiet"));
    if (status == LT_OK)
        status = tuning_measure(&t->tuning, error);
    if (status != LT_OK)
        return status;
    const bool wanted = changes_any(t) && !arguments_given(t->arguments, "dry-run");
    const lt_status writing = wanted ? write_settings(t, error) : LT_OK;
    lt_error fault;
    status = print(t, wanted && writing == LT_OK, &fault);
    if (status != LT_OK && writing == LT_OK)
        return error_set(error, status, "%s", fault.message);
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
