/* words.h: the file that `litetts say --words` writes: when each word sounds, a line of JSON each. */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/output.h"
#include "litetts/litetts.h"

struct words {
    bool open;
    struct output output;
};

/* Opens `path` ("-": standard output), which must stay valid. Errors: LT_ERR_IO. */
lt_status words_open(struct words *words, const char *path, lt_error *error);

/* Writes a word. False on failure, kept for words_close. */
bool words_put(struct words *words, const lt_word *word);

/* Closes what was opened. `keep`: it is whole, else it is removed. Errors: LT_ERR_IO of the first write that failed. */
lt_status words_close(struct words *words, bool keep, lt_error *error);

#endif
