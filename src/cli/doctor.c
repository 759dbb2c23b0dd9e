/* doctor.c: `litetts doctor`: what this installation is made of, and what is wrong with it.
 *
 * The report is one JSON object, section by section; without --json it is printed as text. A problem is
 * something that does not work as it was asked to (exit code 1); a hint is something that could be better. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "audio/playback.h"
#include "base/config.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "cli/command.h"
#include "cli/libraries.h"
#include "kernels/cpu.h"

static const struct option options[] = {
    {"json", 0, NULL, "print a JSON object", NULL, NULL},
    {NULL},
};

struct report {
    json_t *root, *problems, *hints; /* owned; root holds the two lists too */
    bool failed;                     /* out of memory: something is missing */
};

/* ---- Filling it ---- */

static json_t *section(struct report *report, const char *name)
{
    json_t *made = json_object();
    if (json_object_set_new(report->root, name, made) != 0)
        report->failed = true;
    return json_object_get(report->root, name);
}

static void put(struct report *report, json_t *in, const char *name, json_t *value)
{
    if (json_object_set_new(in, name, value) != 0)
        report->failed = true;
}

/* A JSON string; NULL when out of memory. JSON is UTF-8, paths are any bytes. */
static json_t *text_of(const char *text)
{
    char *clean = utf8_clean_copy(text);
    json_t *value = json_string(clean); /* NULL of NULL */
    free(clean);
    return value;
}

static void put_text(struct report *report, json_t *in, const char *name, const char *text)
{
    put(report, in, name, text_of(text));
}

/* Adds a printf-formatted sentence to a list. */
__attribute__((format(printf, 3, 4))) static void add(struct report *report, json_t *list, const char *format,
                                                      ...)
{
    char sentence[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(sentence, sizeof sentence, format, values);
    va_end(values);
    if (json_array_append_new(list, text_of(sentence)) != 0)
        report->failed = true;
}

/* ---- Machine ---- */

static void report_processor(struct report *report, const lt_config *config)
{
    json_t *s = section(report, "processor");
    char features[512];
    cpu_describe(features, sizeof features);
    put_text(report, s, "features", features);

    enum isa wanted, best = isa_detect(ISA_COUNT);
    const char *setting = config_string(config, CONFIG_engine_isa);
    bool capped = isa_parse(setting, &wanted);
    put_text(report, s, "instruction_set", isa_name(capped ? isa_detect(wanted) : best));
    if (capped && !isa_available(wanted))
        add(report, report->problems,
            "engine.isa asks for %s, which this machine or build lacks: set it to auto or %s", setting,
            isa_name(best));

    int cpus = threads_available();
    int64_t threads = config_integer(config, CONFIG_engine_threads);
    put(report, s, "cpus", json_integer(cpus));
    put(report, s, "threads", json_integer(threads > 0 ? threads : cpus));
    if (threads > cpus)
        add(report, report->problems,
            "engine.threads is %lld, but the process may use %d CPUs: more threads than CPUs only wait; set "
            "it to 0",
            (long long)threads, cpus);
}

/* The memory limit of this process's control group (version 2); 0 without one. */
static uint64_t group_memory_limit(void)
{
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    if (file == NULL)
        return 0;
    unsigned long long limit = 0;
    if (fscanf(file, "%llu", &limit) != 1) /* "max" */
        limit = 0;
    fclose(file);
    return limit;
}

static void report_memory(struct report *report)
{
    static const uint64_t least = 128U << 20;
    json_t *s = section(report, "memory");
    uint64_t available = memory_read_field("/proc/meminfo", "MemAvailable"), limit = group_memory_limit();
    put(report, s, "total_bytes", json_integer((json_int_t)memory_read_field("/proc/meminfo", "MemTotal")));
    put(report, s, "available_bytes", json_integer((json_int_t)available));
    if (limit > 0)
        put(report, s, "limit_bytes", json_integer((json_int_t)limit));
    if (available > 0 && available < least)
        add(report, report->problems,
            "only %llu MiB of memory are available: free some, speech needs about %llu MiB",
            (unsigned long long)(available >> 20), (unsigned long long)(least >> 20));
    if (limit > 0 && limit < least)
        add(report, report->problems, "the control group limits memory to %llu MiB: raise it to %llu MiB",
            (unsigned long long)(limit >> 20), (unsigned long long)(least >> 20));
}

static void report_libraries(struct report *report)
{
    json_t *s = section(report, "libraries");
    char version[LIBRARY_VERSION_SIZE];
    for (int i = 0; i < library_count; i++) {
        library_version(i, version);
        put_text(report, s, library_name(i), version);
    }
}

/* ---- Speech ---- */

static bool discard(void *user, const void *bytes, size_t size)
{
    (void)user;
    (void)bytes;
    (void)size;
    return true;
}

/* Speaks a word with the default voice in each format, as the surest sign that all of it works. */
static void report_trial(struct report *report, json_t *s, lt_engine *engine)
{
    struct str formats = {0};
    for (int f = 0; f < LT_FORMAT_COUNT; f++) {
        lt_error error;
        lt_request request;
        lt_result result;
        lt_request_init(&request);
        request.text = "Hello.";
        request.format = (lt_format)f;
        request.write = discard;
        const char *name = lt_format_name(request.format);
        if (lt_speak(engine, &request, &result, &error) != LT_OK) {
            add(report, report->problems, "a trial word could not be spoken as %s: %s", name, error.message);
            continue;
        }
        str_printf(&formats, "%s%s", formats.length > 0 ? " " : "", name);
        if (f != LT_FORMAT_WAV)
            continue;
        put(report, s, "trial_audio_seconds", json_real(result.audio_seconds));
        put(report, s, "trial_work_seconds", json_real(result.wall_seconds));
        if (result.audio_seconds < 0.1)
            add(report, report->problems,
                "a trial word came out as %.3f s of audio: choose another voice with voice.default_voice",
                result.audio_seconds);
    }
    put_text(report, s, "formats", formats.data != NULL ? formats.data : "none");
    report->failed |= formats.failed;
    str_free(&formats);
}

/* What makes it fast, as far as it is switched on. */
static void report_optimisations(struct report *report, const lt_config *config, lt_engine *engine)
{
    json_t *s = section(report, "optimisations");
    lt_stats stats;
    lt_engine_stats(engine, &stats);
    put_text(report, s, "instruction_set", stats.isa[0] != '\0' ? stats.isa : "not for the embedded voices");
    put_text(report, s, "weights", stats.weights[0] != '\0' ? stats.weights : "none");
    put(report, s, "threads", json_integer(stats.threads));
    put_text(report, s, "pinning", stats.pinned ? "on" : "off");
    put_text(report, s, "batching", stats.batching ? "on" : "off");
    put(report, s, "cache_bytes", json_integer(config_integer(config, CONFIG_cache_memory_bytes)));
    for (size_t i = 0; i < stats.cache_count; i++)
        if (strcmp(stats.caches[i].level, "memory") != 0)
            put_text(report, s, stats.caches[i].level, stats.caches[i].down ? "down" : "on");
}

static void report_voices(struct report *report, const lt_config *config)
{
    json_t *s = section(report, "voices");
    lt_error error;
    lt_engine *engine;
    if (lt_engine_open(config, &engine, &error) != LT_OK) {
        add(report, report->problems, "the engine does not start: %s", error.message);
        return;
    }
    const lt_voice *voices;
    size_t count = lt_engine_voices(engine, &voices);
    put(report, s, "count", json_integer((json_int_t)count));
    for (size_t i = 0; i < count; i++) {
        json_int_t before = json_integer_value(json_object_get(s, voices[i].backend));
        put(report, s, voices[i].backend, json_integer(before + 1));
        if (voices[i].is_default)
            put_text(report, s, "default", voices[i].name);
    }
    if (lt_engine_check_voice(engine, NULL, &error) != LT_OK)
        add(report, report->problems, "the default voice cannot speak: %s", error.message);
    else
        report_trial(report, s, engine);
    report_optimisations(report, config, engine);
    lt_engine_close(engine);
}

static void report_models(struct report *report, const lt_config *config)
{
    json_t *s = section(report, "models");
    struct str folder = {0}, model = {0};
    file_data_folder(config_string(config, CONFIG_engine_data_folder), &folder);
    const char *named = config_string(config, CONFIG_engine_model);
    file_model(named, config_string(config, CONFIG_engine_data_folder), &model);
    report->failed |= folder.failed || model.failed;
    if (!report->failed) {
        struct stat info;
        bool there = stat(model.data, &info) == 0 && S_ISREG(info.st_mode);
        put_text(report, s, "folder", folder.data);
        put_text(report, s, "kokoro", there ? model.data : "not installed");
        if (there)
            put(report, s, "kokoro_bytes", json_integer((json_int_t)info.st_size));
        else if (named[0] != '\0')
            add(report, report->problems,
                "engine.model names '%s', which is no file: correct the path, or leave it empty", named);
        else
            add(report, report->hints,
                "only the embedded voices speak: 'litetts pull kokoro' fetches the neural ones");
    }
    str_free(&folder);
    str_free(&model);
}

static void report_playback(struct report *report)
{
    lt_error error;
    struct playback *playback;
    bool there = playback_open(NULL, &playback, &error) == LT_OK;
    if (there)
        playback_close(playback);
    else
        add(report, report->hints, "'litetts say' cannot play here: %s", error.message);
    put_text(report, section(report, "playback"), "device", there ? "default" : "none");
}

/* ---- Configuration ---- */

/* Reads every source, each on its own, so that a fault in one does not hide the others. */
static void read_config(struct report *report, const struct arguments *arguments, lt_config *config)
{
    lt_error error;
    if (arguments_config_file(arguments, config, &error) != LT_OK)
        add(report, report->problems, "%s", error.message);
    if (lt_config_load_environment(config, &error) != LT_OK)
        add(report, report->problems, "%s", error.message);
    if (arguments_config_flags(arguments, config, &error) != LT_OK)
        add(report, report->problems, "%s", error.message);
}

static void check_secrets(struct report *report, const lt_config *config)
{
    const char *host = config_string(config, CONFIG_server_host);
    bool has_key = config_string(config, CONFIG_server_api_key)[0] != '\0';
    bool local = strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
    if (!local && !has_key)
        add(report, report->hints,
            "the server listens on %s and asks for no key: set server.api_key unless a proxy guards it",
            host);
    struct stat info;
    const char *origin = config_origin(config, CONFIG_server_api_key);
    if (has_key && stat(origin, &info) == 0 && (info.st_mode & (S_IROTH | S_IRGRP)) != 0)
        add(report, report->hints, "'%s' holds server.api_key and others may read it: chmod 600 it", origin);
}

/* Whether a setting's value is for nobody's eyes: a key, or a URL with a password before the '@'. */
static bool is_secret(enum config_key key, const char *value)
{
    return value[0] != '\0' &&
           (key == CONFIG_server_api_key || (key == CONFIG_cache_redis && strchr(value, '@') != NULL));
}

static void report_config(struct report *report, const lt_config *config)
{
    json_t *s = section(report, "configuration");
    for (int i = 0; i < CONFIG_COUNT; i++) {
        enum config_key key = (enum config_key)i;
        const char *value = config_string(config, key);
        put(report, s, config_key(key)->name,
            json_pack("{s:o, s:o}", "value", text_of(is_secret(key, value) ? "(hidden)" : value), "origin",
                      text_of(config_origin(config, key))));
    }
    check_secrets(report, config);
}

/* ---- Printing ---- */

static void print_setting(const char *value, const char *origin)
{
    printf("%s (%s)", value[0] != '\0' ? value : "-", origin);
}

static void print_value(const char *name, const json_t *value)
{
    size_t length = strlen(name);
    printf("  %-30s ", name);
    if (json_is_object(value)) /* a setting */
        print_setting(json_string_value(json_object_get(value, "value")),
                      json_string_value(json_object_get(value, "origin")));
    else if (json_is_string(value))
        fputs(json_string_value(value), stdout);
    else if (json_is_real(value))
        printf("%.3f", json_real_value(value));
    else if (length > 6 && strcmp(name + length - 6, "_bytes") == 0)
        printf("%.1f MiB", (double)json_integer_value(value) / (1 << 20));
    else
        printf("%lld", (long long)json_integer_value(value));
    putchar('\n');
}

static void print_text(const json_t *root)
{
    const char *name, *field;
    json_t *value, *member;
    json_object_foreach((json_t *)(uintptr_t)root, name, value)
    {
        if (json_is_string(value)) {
            printf("%s %s\n", name, json_string_value(value));
        } else if (json_is_object(value)) {
            printf("\n%s\n", name);
            json_object_foreach(value, field, member) print_value(field, member);
        } else if (json_array_size(value) > 0) {
            printf("\n%s\n", name);
            for (size_t i = 0; i < json_array_size(value); i++)
                printf("  %s\n", json_string_value(json_array_get(value, i)));
        }
    }
    if (json_array_size(json_object_get(root, "problems")) == 0)
        puts("\nNothing is wrong.");
}

static int print(struct report *report, bool as_json)
{
    if (report->failed) {
        lt_error error;
        error_memory(&error, "the report");
        return command_fail(&error);
    }
    if (!as_json)
        print_text(report->root);
    else if (json_dumpf(report->root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0)
        putchar('\n');
    int code = command_finish_output();
    return code != EXIT_OK ? code : json_array_size(report->problems) > 0 ? EXIT_FAILED : EXIT_OK;
}

static int run(const struct arguments *arguments)
{
    struct report report = {.root = json_object(), .problems = json_array(), .hints = json_array()};
    lt_config *config = lt_config_new();
    report.failed = report.root == NULL || report.problems == NULL || report.hints == NULL || config == NULL;
    if (!report.failed) {
        put_text(&report, report.root, "litetts", lt_version());
        read_config(&report, arguments, config);
        report_processor(&report, config);
        report_memory(&report);
        report_libraries(&report);
        report_voices(&report, config);
        report_models(&report, config);
        report_playback(&report);
        report_config(&report, config);
        put(&report, report.root, "hints", json_incref(report.hints));
        put(&report, report.root, "problems", json_incref(report.problems));
    }
    int code = print(&report, arguments_given(arguments, "json"));
    json_decref(report.root);
    json_decref(report.problems);
    json_decref(report.hints);
    lt_config_free(config);
    return code;
}

const struct command doctor_command = {
    .name = "doctor",
    .operands = "",
    .summary = "Show this installation and its settings, and say what is wrong and how to mend it",
    .notes = "Exits with 1 when something is wrong.\n",
    .options = options,
    .run = run,
};
