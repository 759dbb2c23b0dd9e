/* main.c: the program: picks the subcommand.
 *
 * A subcommand is one file beside this one and one line in the table below (command.h says how). */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"

static const struct command *const commands[] = {
    &say_command,       &voices_command,    &serve_command, &top_command,  &pull_command,   &import_command,
    &normalize_command, &phonemize_command, &bench_command, &tune_command, &doctor_command,
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_overview(FILE *out)
{
    fputs("Usage: litetts COMMAND [OPTION ...] [OPERAND ...]\n\nTurns text into speech.\n\nCommands:\n", out);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-11s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nExamples:\n"
          "  litetts say -o hello.mp3 Hello from LiteTTS.\n"
          "  litetts say -f book.txt -o book.opus\n"
          "  litetts serve --port 8354\n"
          "\n'litetts help COMMAND' or 'litetts COMMAND --help' explains one; 'litetts --version' prints the "
          "version.\n",
          out);
}

static void print_exit_codes(void)
{
    fputs("\nExit codes: 0 done; 1 failed; 2 wrong command line or configuration; 128 + N ended by signal N\n"
          "(130 Ctrl-C, 143 terminated; 141: the reader of standard output went away).\n",
          stdout);
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        size_t d = str_guess(name, commands[i]->name);
        if (d < least) {
            least = d;
            best = commands[i]->name;
        }
    }
    lt_error error;
    if (best != NULL)
        error_set(&error, LT_ERR_ARGUMENT,
                  "unknown command '%s': did you mean '%s'? ('litetts --help' lists all)", name, best);
    else
        error_set(&error, LT_ERR_ARGUMENT, "unknown command '%s': 'litetts --help' lists all", name);
    return command_fail(&error);
}

static int help(int argc, char **argv)
{
    if (argc == 0) {
        print_overview(stdout);
        print_exit_codes();
        return command_finish_output();
    }
    const struct command *command = find_command(argv[0]);
    if (command == NULL)
        return unknown_command(argv[0]);
    command_help(command);
    return command_finish_output();
}

static int run(const struct command *command, int argc, char **argv)
{
    lt_error error;
    struct arguments *arguments;
    if (arguments_parse(command, argc, argv, &arguments, &error) != LT_OK)
        return command_fail(&error);
    if (arguments == NULL) /* --help */
        return command_finish_output();
    int code = command->run(arguments);
    arguments_free(arguments);
    return code;
}

int main(int argc, char **argv)
{
    /* A reader that goes away and a file over the limit of ulimit -f are errors of write(), told apart and
     * cleaned up after like any other. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0) {
        printf("litetts %s\n", lt_version());
        return command_finish_output();
    }
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)
        return help(argc - 2, argv + 2);
    const struct command *command = find_command(first);
    return command != NULL ? run(command, argc - 2, argv + 2) : unknown_command(first);
}
