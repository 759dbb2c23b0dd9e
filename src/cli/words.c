/* words.c: when each word sounds, as lines of JSON. */
#include "cli/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

lt_status words_open(struct words *words, const char *path, lt_error *error)
{
    *words = (struct words){0};
    lt_status status = output_open(&words->output, strcmp(path, "-") == 0 ? NULL : path, error);
    words->open = status == LT_OK;
    return status;
}

/* To a tenth of a millisecond: they are multiples of 1/80 s, but for what floats lose. */
static double rounded(double seconds)
{
    return round(1e4 * seconds) / 1e4;
}

bool words_put(struct words *words, const lt_word *word)
{
    json_t *object =
        json_pack("{s:s, s:f, s:f, s:I, s:I}", "text", word->text, "start_seconds",
                  rounded(word->start_seconds), "end_seconds", rounded(word->end_seconds), "text_begin",
                  (json_int_t)word->text_begin, "text_end", (json_int_t)word->text_end);
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (line == NULL)
        words->output.failure = ENOMEM;
    bool written = line != NULL && output_write(&words->output, line, strlen(line)) &&
                   output_write(&words->output, "\n", 1);
    free(line);
    json_decref(object);
    return written;
}

lt_status words_close(struct words *words, bool keep, lt_error *error)
{
    if (!words->open)
        return error_none(error);
    words->open = false;
    return output_close(&words->output, keep, error);
}
