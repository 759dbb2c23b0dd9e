/* normalize.c: `litetts normalize`: what will be spoken, in words. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/spoken.h"

static const struct option options[] = {
    SPOKEN_OPTIONS,
    {NULL},
};

/* Prints the words of a paragraph on a line. */
static void print_words(void *user, const struct text_chunk *chunk)
{
    (void)user;
    if (chunk->text[0] != '\0')
        puts(chunk->text);
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    struct text_options text = {.readable = true};
    lt_status status = spoken_read(arguments, &text, print_words, NULL, &error);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command normalize_command = {
    .name = "normalize",
    .operands = "TEXT ... | -",
    .summary = "Print what will be spoken, in words",
    .options = options,
    .run = run,
};
