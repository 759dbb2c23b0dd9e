/* bench_record.c: results of `litetts bench`, before and after a change. */
#include "cli/bench_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/trial.h"

enum { FILE_LIMIT = 1 << 20, FEWEST_RUNS = 5 };

/* Two runs of one program differ by this much, whatever is measured within a run: where its pages happen to
 * lie. */
static const double least_noise = 0.01;

/* ---- Files ---------------------------------------------------------------------------------------- */

static void put_path(const char *name, struct str *path)
{
    if (strchr(name, '/') != NULL) {
        str_puts(path, name);
        return;
    }
    file_state_folder(path);
    str_printf(path, "/bench/%s.json", name);
}

lt_status record_save(const char *name, const json_t *result, lt_error *error)
{
    struct str path = {0};
    put_path(name, &path);
    char *text = json_dumps(result, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6));
    const lt_status status = path.failed || text == NULL ? error_memory(error, "the result")
                                                         : file_replace(path.data, text, strlen(text), error);
    free(text);
    str_free(&path);
    return status;
}

lt_status record_load(const char *name, json_t **result, lt_error *error)
{
    struct str path = {0}, text = {0};
    put_path(name, &path);
    lt_status status =
        path.failed ? error_memory(error, "a path") : file_read(path.data, FILE_LIMIT, &text, error);
    if (status == LT_ERR_IO && access(path.data, F_OK) != 0)
        status = error_set(error, LT_ERR_IO, "there is no '%s': 'litetts bench --save %s' makes it",
                           path.data, name);
    json_t *read = status == LT_OK ? json_loadb(text.data, text.length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (status == LT_OK && !json_is_object(json_object_get(read, "seconds")))
        status = error_set(error, LT_ERR_ARGUMENT,
                           "'%s' is no result of 'litetts bench': make one with --save", path.data);
    if (status == LT_OK)
        *result = read;
    else
        json_decref(read);
    str_free(&path);
    str_free(&text);
    return status;
}

/* ---- Comparing ------------------------------------------------------------------------------------ */

static double number(const json_t *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

lt_status record_check(const json_t *before, const char *input, int tokens, int batch, lt_error *error)
{
    const char *was = json_string_value(json_object_get(before, "input"));
    if (was != NULL && strcmp(was, input) == 0 && number(before, "tokens") == tokens &&
        number(before, "batch") == batch)
        return LT_OK;
    return error_set(
        error, LT_ERR_ARGUMENT,
        "that result is of %.0f phonemes (%s), %.0f at once, and this would be %d (%s), %d at once: "
        "give the same --tokens, --golden and --batch",
        number(before, "tokens"), was != NULL ? was : "unknown", number(before, "batch"), tokens, input,
        batch);
}

static json_t *differences(const json_t *before, const json_t *after)
{
    static const char *const names[] = {"machine", "cpus", "engine", "digest", "type", "isa", "threads"};
    json_t *found = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *was = json_object_get(before, names[i]), *is = json_object_get(after, names[i]);
        if (!json_equal(was, is))
            json_object_set_new(found, names[i], json_pack("[O?, O?]", was, is));
    }
    return found;
}

static struct quartiles quartiles_of(const json_t *measure)
{
    return (struct quartiles){number(measure, "lower"), number(measure, "median"), number(measure, "upper")};
}

static json_t *compare_measure(const json_t *before, int runs_before, const json_t *after, int runs_after)
{
    const struct quartiles was = quartiles_of(before), is = quartiles_of(after);
    const double ratio = is.median / was.median;
    const double noise =
        fmax(trial_uncertainty(was, runs_before) / was.median + trial_uncertainty(is, runs_after) / is.median,
             least_noise);
    const char *verdict = runs_before < FEWEST_RUNS || runs_after < FEWEST_RUNS ? "too few runs"
                          : ratio > 1 + noise                                   ? "slower"
                          : ratio < 1 / (1 + noise)                             ? "faster"
                                                                                : "within noise";
    return json_pack("{s:f, s:f, s:f, s:f, s:s}", "before", was.median, "after", is.median, "ratio", ratio,
                     "noise", noise, "verdict", verdict);
}

json_t *record_compare(const json_t *before, const json_t *after)
{
    const json_t *old = json_object_get(before, "seconds");
    const int runs_before = (int)number(before, "runs"), runs_after = (int)number(after, "runs");
    json_t *seconds = json_object(), *measure, *date = json_object_get(before, "date");
    const char *name;
    json_object_foreach(json_object_get(after, "seconds"), name, measure)
    {
        const json_t *same = json_object_get(old, name);
        if (number(same, "median") > 0 && number(measure, "median") > 0) /* a part that both have */
            json_object_set_new(seconds, name, compare_measure(same, runs_before, measure, runs_after));
    }
    const double was = number(before, "peakMiB"), is = number(after, "peakMiB");
    return json_pack("{s:O?, s:o, s:o, s:{s:f, s:f, s:f}}", "before", date, "differences",
                     differences(before, after), "seconds", seconds, "peakMiB", "before", was, "after", is,
                     "ratio", was > 0 ? is / was : 0.0);
}

static void print_difference(const char *name, const json_t *pair)
{
    char *was = json_dumps(json_array_get(pair, 0), JSON_ENCODE_ANY),
         *is = json_dumps(json_array_get(pair, 1), JSON_ENCODE_ANY);
    printf("Mind that %s differs: %s, now %s\n", name, was != NULL ? was : "unknown",
           is != NULL ? is : "unknown");
    free(was);
    free(is);
}

void record_print(const json_t *comparison)
{
    const char *name, *date = json_string_value(json_object_get(comparison, "before"));
    json_t *value;
    putchar('\n');
    json_object_foreach(json_object_get(comparison, "differences"), name, value)
        print_difference(name, value);
    printf("%-12s %11s %11s %9s %8s\n", "", "before", "now", "ratio", "noise");
    json_object_foreach(json_object_get(comparison, "seconds"), name, value)
        printf("%-12s %8.2f ms %8.2f ms %9.3f %7.1f%%  %s\n", name, 1e3 * number(value, "before"),
               1e3 * number(value, "after"), number(value, "ratio"), 100 * number(value, "noise"),
               json_string_value(json_object_get(value, "verdict")));
    value = json_object_get(comparison, "peakMiB");
    printf("%-12s %7.1f MiB %7.1f MiB %9.3f\n", "peak memory", number(value, "before"),
           number(value, "after"), number(value, "ratio"));
    printf("Before: the result of %s.\n", date != NULL ? date : "an unknown date");
}
