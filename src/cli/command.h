/* command.h: what a subcommand is, how its arguments arrive and how it reports failure.
 *
 * A subcommand is one file with one `const struct command NAME_command`; to add one, write the file, declare
 * it below and add it to the table in main.c. Parsing, --help, --config and --set come with the table. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "base/error.h"

/* Exit codes; the man page and `litetts --help` list them. After SIGINT or SIGTERM: 128 + the signal. */
enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,        /* it was asked rightly and did not work */
    EXIT_USAGE = 2,         /* the command line or the configuration asks for what does not exist */
    EXIT_BROKEN_PIPE = 141, /* the reader of standard output went away; as if SIGPIPE had ended the program */
};

/* What is done with a text: options of all commands that take one. The other switches (text.units ...) are
 * for --set. */
#define TEXT_OPTIONS                                                                                         \
    {"normalize", 0, "BOOL", NULL, "text.normalize", NULL},                                                  \
        {"markdown", 0, "BOOL", NULL, "text.markdown", NULL},                                                \
    {                                                                                                        \
        "emoji", 0, "HOW", NULL, "text.emoji", NULL                                                          \
    }

struct option {
    const char *name;    /* "output" for --output; NULL ends a table */
    char letter;         /* 'o' for -o; 0: none */
    const char *value;   /* what its value is called in --help, "FILE"; NULL: a switch without value */
    const char *help;    /* one line; NULL: the help and default of `key` */
    const char *key;     /* setting that it sets, "server.port"; NULL: the command reads it */
    const char *choices; /* words that it takes, separated by '|'; NULL: any (or those of `key`) */
};

struct arguments; /* a parsed command line */

struct command {
    const char *name;
    const char *operands; /* as in "Usage: litetts say [OPTION ...] OPERANDS"; "" takes none */
    const char *summary;  /* one line, without a full stop */
    const char *notes;    /* paragraphs below the options in --help; NULL: none */
    const struct option *options;
    int (*run)(const struct arguments *arguments); /* returns the exit code */
};

extern const struct command say_command, voices_command, serve_command, bench_command, doctor_command,
    import_command, pull_command, normalize_command, phonemize_command, top_command, tune_command;

/* Parses argv[0 .. argc), what follows the subcommand's name, into *arguments, which points into argv and is
 * the caller's, to be freed with arguments_free. *arguments is NULL when --help was given and answered.
 * Errors: LT_ERR_ARGUMENT, LT_ERR_MEMORY. */
lt_status arguments_parse(const struct command *command, int argc, char **argv, struct arguments **arguments,
                          lt_error *error);
void arguments_free(struct arguments *arguments); /* NULL is fine */

/* The value of an option of the command's table ("" for a switch); NULL when it was not given. */
const char *arguments_value(const struct arguments *arguments, const char *option);
bool arguments_given(const struct arguments *arguments, const char *option);

/* The value of an option as a number in [least, most]; `fallback` when it was not given. Errors:
 * LT_ERR_ARGUMENT. */
lt_status arguments_number(const struct arguments *arguments, const char *option, double least, double most,
                           double fallback, double *value, lt_error *error);

/* The same for whole numbers. */
lt_status arguments_whole(const struct arguments *arguments, const char *option, int least, int most,
                          int fallback, int *value, lt_error *error);

/* The operands: what is neither an option nor an option's value. */
int arguments_operands(const struct arguments *arguments, char *const **operands);

/* The file that --config names; NULL when it was not given. */
const char *arguments_config_path(const struct arguments *arguments);

/* The sources of the configuration that the command line names, each read over what `config` holds. */
lt_status arguments_config_file(const struct arguments *arguments, lt_config *config, lt_error *error);
lt_status arguments_config_flags(const struct arguments *arguments, lt_config *config, lt_error *error);

/* The configuration in force: defaults < file < environment < flags. NULL on error (LT_ERR_CONFIG, LT_ERR_IO,
 * LT_ERR_MEMORY); else the caller's, to be freed with lt_config_free. */
lt_config *arguments_config(const struct arguments *arguments, lt_error *error);

/* Writes the --help of a command to standard output. */
void command_help(const struct command *command);

/* Prints "litetts: " and the sentence of `error` on standard error; returns the exit code for its status. */
int command_fail(const lt_error *error);

/* Flushes standard output. EXIT_OK, or the exit code of its failure, after a sentence on standard error (none
 * for a reader that went away). Every command that prints its answer there ends with it. */
int command_finish_output(void);

#endif
