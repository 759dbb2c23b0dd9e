/* words.c: when each word sounds, as lines of JSON. */
#include "cli/words.h"

#include <errno.h>
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

bool words_put(struct words *words, const lt_word *word)
{
    json_t *object = json_pack("{s:s, s:f, s:f, s:I, s:I}", "text", word->text, "start_seconds",
                               word->start_seconds, "end_seconds", word->end_seconds, "text_begin",
                               (json_int_t)word->text_begin, "text_end", (json_int_t)word->text_end);
    char *line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (line == NULL)
        words->output.failure = ENOMEM;
    bool written = line != NULL && output_write(&words->output, line, strlen(line)) &&
                   output_write(&words->output, "\n", 1);
    words->count += written;
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
