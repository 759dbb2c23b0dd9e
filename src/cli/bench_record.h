/* bench_record.h: results of `litetts bench` that are kept under a name, and how a new result compares with
 * them. */
#ifndef CLI_BENCH_RECORD_H
#define CLI_BENCH_RECORD_H

#include <jansson.h>

#include "base/error.h"

/* A name without a '/' stands for bench/NAME.json in the folder of file_state_folder; one with a '/' is a
 * path. */

/* Writes a result, over an older one of that name. Errors: LT_ERR_IO, LT_ERR_MEMORY. */
lt_status record_save(const char *name, const json_t *result, lt_error *error);

/* Reads a kept result. *result is the caller's. Errors: LT_ERR_IO, LT_ERR_ARGUMENT (the file is no such
 * result). */
lt_status record_load(const char *name, json_t **result, lt_error *error);

/* LT_OK when both results are of the same work: input, phonemes and batch. Errors: LT_ERR_ARGUMENT. */
lt_status record_check(const json_t *before, const char *input, int tokens, int batch, lt_error *error);

/* Holds `after` against `before`: {"before": its date, "differences": {name: [before, after]} of the machine,
 * the model, the program and the settings, "seconds": {measure: {"before", "after", "ratio", "noise",
 * "verdict"}}, "peakMiB": {"before", "after", "ratio"}}. A ratio is after / before, and "noise" by which
 * share it may be more or less than 1 without meaning anything; the verdict is "faster", "slower", "within
 * noise", or "too few runs" to tell. NULL when out of memory, else the caller's. */
json_t *record_compare(const json_t *before, const json_t *after);

/* Prints a comparison on standard output, for people. */
void record_print(const json_t *comparison);

#endif
