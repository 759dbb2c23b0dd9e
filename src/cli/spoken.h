/* spoken.h: what `litetts normalize` and `litetts phonemize` share: text from the command line through the
 * front end. */
#ifndef CLI_SPOKEN_H
#define CLI_SPOKEN_H

#include "base/error.h"
#include "cli/command.h"
#include "text/frontend.h"

/* The options of both commands, for the beginning of their tables. */
#define SPOKEN_OPTIONS                                                                                         \
    {"file", 'f', "FILE", "read the text in FILE ('-': standard input)", NULL, NULL},                          \
        {"language", 'l', "TAG", "language of the text (default en-US); en-GB reads dates with the day first", \
         NULL,       NULL},                                                                                    \
        {"input", 0, "KIND", "what the text is (default text)", NULL, "text|ssml"}, TEXT_OPTIONS

/* Reads the operands, --file or standard input and calls `take` with every chunk. `options` says what the
 * chunks shall have; language and kind of input are filled in from the command line. Errors: what opening and
 * reading the text say. */
lt_status spoken_read(const struct arguments *arguments, struct text_options *options,
                      void (*take)(void *user, const struct text_chunk *chunk), void *user, lt_error *error);

#endif
