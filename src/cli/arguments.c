/* arguments.c: the command line of every subcommand: options from its table, --help, and the configuration
 * that comes out of file, environment and flags. */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/str.h"

/* Every command takes these too. */
static const struct option common[] = {
    {"config", 0, "FILE", "read the settings from FILE instead of the usual places", NULL, NULL},
    {"set", 0, "KEY=VALUE", "set any setting, as 'engine.threads=2'; may be repeated", NULL, NULL},
    {"help", 'h', NULL, "show this help", NULL, NULL},
    {NULL},
};

/* A setting from the command line, in the order given: the last one counts. */
struct assignment {
    const char *key;   /* NULL: `value` is the KEY=VALUE of --set */
    const char *value; /* points into argv */
};

struct arguments {
    const struct command *command;
    const char **values; /* by place in command->options; owned array of pointers into argv */
    char **operands;     /* the same of what is no option */
    int operand_count;
    const char *config_file;
    struct assignment *assignments; /* owned */
    int assignment_count;
    bool wants_help;
};

/* ---- Parsing ---- */

/* The option of a table with this long name (of `length` bytes) or, when `name` is NULL, this letter. */
static const struct option *find(const struct option *table, const char *name, size_t length, char letter)
{
    for (const struct option *o = table; o->name != NULL; o++)
        if (name != NULL ? strlen(o->name) == length && memcmp(o->name, name, length) == 0
                         : o->letter == letter)
            return o;
    return NULL;
}

static const struct option *find_any(const struct command *command, const char *name, size_t length,
                                     char letter)
{
    const struct option *found = find(command->options, name, length, letter);
    return found != NULL ? found : find(common, name, length, letter);
}

static lt_status unknown_option(const struct command *command, const char *name, lt_error *error)
{
    const char *best = NULL;
    size_t least = SIZE_MAX;
    const struct option *tables[] = {command->options, common};
    for (int t = 0; t < 2; t++) {
        for (const struct option *o = tables[t]; o->name != NULL; o++) {
            size_t d = str_guess(name, o->name);
            if (d < least) {
                least = d;
                best = o->name;
            }
        }
    }
    if (best == NULL)
        return error_set(error, LT_ERR_ARGUMENT, "unknown option '--%s': 'litetts %s --help' lists all", name,
                         command->name);
    return error_set(error, LT_ERR_ARGUMENT,
                     "unknown option '--%s': did you mean '--%s'? ('litetts %s --help' lists all)", name,
                     best, command->name);
}

static lt_status take(struct arguments *arguments, const struct option *option, const char *value,
                      lt_error *error)
{
    if (option->choices != NULL && !str_list_has(option->choices, "|", value))
        return error_set(error, LT_ERR_ARGUMENT, "--%s takes one of %s, not '%s'", option->name,
                         option->choices, value);
    if (find(common, option->name, strlen(option->name), 0) == option) {
        if (strcmp(option->name, "help") == 0)
            arguments->wants_help = true;
        else if (strcmp(option->name, "config") == 0)
            arguments->config_file = value;
        else if (strchr(value, '=') == NULL)
            return error_set(error, LT_ERR_ARGUMENT, "--set takes KEY=VALUE, not '%s'", value);
        else
            arguments->assignments[arguments->assignment_count++] = (struct assignment){NULL, value};
        return LT_OK;
    }
    arguments->values[option - arguments->command->options] = value;
    if (option->key != NULL)
        arguments->assignments[arguments->assignment_count++] = (struct assignment){option->key, value};
    return LT_OK;
}

/* --name, --name=value, --name value. Moves *at past what it used. */
static lt_status parse_long(struct arguments *arguments, int argc, char **argv, int *at, lt_error *error)
{
    const char *name = argv[(*at)++] + 2;
    size_t length = strcspn(name, "=");
    const struct option *option = find_any(arguments->command, name, length, 0);
    if (option == NULL) {
        struct str bare = {0};
        str_append(&bare, name, length);
        lt_status status = bare.failed ? error_memory(error, "the arguments")
                                       : unknown_option(arguments->command, bare.data, error);
        str_free(&bare);
        return status;
    }
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option->value == NULL && value != NULL)
        return error_set(error, LT_ERR_ARGUMENT, "--%s takes no value", option->name);
    if (option->value != NULL && value == NULL) {
        if (*at == argc)
            return error_set(error, LT_ERR_ARGUMENT, "--%s needs a value: --%s %s", option->name,
                             option->name, option->value);
        value = argv[(*at)++];
    }
    return take(arguments, option, value != NULL ? value : "", error);
}

/* -q, -qv, -oFILE, -o FILE. */
static lt_status parse_short(struct arguments *arguments, int argc, char **argv, int *at, lt_error *error)
{
    for (const char *c = argv[(*at)++] + 1; *c != '\0'; c++) {
        const struct option *option = find_any(arguments->command, NULL, 0, *c);
        if (option == NULL)
            return error_set(error, LT_ERR_ARGUMENT, "unknown option '-%c': 'litetts %s --help' lists all",
                             *c, arguments->command->name);
        if (option->value == NULL) {
            lt_status status = take(arguments, option, "", error);
            if (status != LT_OK)
                return status;
            continue;
        }
        if (c[1] != '\0')
            return take(arguments, option, c + 1, error);
        if (*at == argc)
            return error_set(error, LT_ERR_ARGUMENT, "-%c needs a value: -%c %s", *c, *c, option->value);
        return take(arguments, option, argv[(*at)++], error);
    }
    return LT_OK;
}

static lt_status parse(struct arguments *arguments, int argc, char **argv, lt_error *error)
{
    lt_status status = LT_OK;
    bool options_over = false;
    for (int at = 0; at < argc && status == LT_OK && !arguments->wants_help;) {
        const char *word = argv[at];
        if (options_over || word[0] != '-' || word[1] == '\0') {
            arguments->operands[arguments->operand_count++] = argv[at++];
        } else if (strcmp(word, "--") == 0) {
            options_over = true;
            at++;
        } else if (word[1] == '-') {
            status = parse_long(arguments, argc, argv, &at, error);
        } else {
            status = parse_short(arguments, argc, argv, &at, error);
        }
    }
    if (status == LT_OK && !arguments->wants_help && arguments->operand_count > 0 &&
        arguments->command->operands[0] == '\0')
        return error_set(error, LT_ERR_ARGUMENT, "'litetts %s' takes no operand, such as '%s'",
                         arguments->command->name, arguments->operands[0]);
    return status;
}

lt_status arguments_parse(const struct command *command, int argc, char **argv, struct arguments **arguments,
                          lt_error *error)
{
    *arguments = NULL;
    struct arguments *made = calloc(1, sizeof *made);
    size_t most = (size_t)argc + 1, options = 1;
    while (command->options[options - 1].name != NULL)
        options++;
    if (made != NULL) {
        made->command = command;
        made->values = calloc(options, sizeof *made->values);
        made->operands = calloc(most, sizeof *made->operands);
        made->assignments = calloc(most, sizeof *made->assignments);
    }
    if (made == NULL || made->values == NULL || made->operands == NULL || made->assignments == NULL) {
        arguments_free(made);
        return error_memory(error, "the arguments");
    }
    lt_status status = parse(made, argc, argv, error);
    if (status == LT_OK && made->wants_help)
        command_help(command);
    if (status == LT_OK && !made->wants_help)
        *arguments = made;
    else
        arguments_free(made);
    return status;
}

void arguments_free(struct arguments *arguments)
{
    if (arguments == NULL)
        return;
    free(arguments->values);
    free(arguments->operands);
    free(arguments->assignments);
    free(arguments);
}

/* ---- Reading them ---- */

const char *arguments_value(const struct arguments *arguments, const char *option)
{
    const struct option *found = find(arguments->command->options, option, strlen(option), 0);
    return found == NULL ? NULL : arguments->values[found - arguments->command->options];
}

bool arguments_given(const struct arguments *arguments, const char *option)
{
    return arguments_value(arguments, option) != NULL;
}

lt_status arguments_number(const struct arguments *arguments, const char *option, double least, double most,
                           double fallback, double *value, lt_error *error)
{
    const char *text = arguments_value(arguments, option);
    *value = fallback;
    if (text == NULL)
        return LT_OK;
    double number;
    if (!str_to_number(text, &number) || number < least || number > most)
        return error_set(error, LT_ERR_ARGUMENT, "--%s takes a number from %g to %g, not '%s'", option, least,
                         most, text);
    *value = number;
    return LT_OK;
}

lt_status arguments_whole(const struct arguments *arguments, const char *option, int least, int most,
                          int fallback, int *value, lt_error *error)
{
    const char *text = arguments_value(arguments, option);
    *value = fallback;
    if (text == NULL)
        return LT_OK;
    int64_t number;
    if (!str_to_whole(text, &number) || number < least || number > most)
        return error_set(error, LT_ERR_ARGUMENT, "--%s takes a whole number from %d to %d, not '%s'", option,
                         least, most, text);
    *value = (int)number;
    return LT_OK;
}

int arguments_operands(const struct arguments *arguments, char *const **operands)
{
    *operands = arguments->operands;
    return arguments->operand_count;
}

/* ---- Configuration ---- */

const char *arguments_config_path(const struct arguments *arguments)
{
    return arguments->config_file;
}

lt_status arguments_config_file(const struct arguments *arguments, lt_config *config, lt_error *error)
{
    return lt_config_load_file(config, arguments->config_file, error);
}

lt_status arguments_config_flags(const struct arguments *arguments, lt_config *config, lt_error *error)
{
    for (int i = 0; i < arguments->assignment_count; i++) {
        const struct assignment *a = &arguments->assignments[i];
        lt_status status;
        if (a->key != NULL) {
            status = lt_config_set(config, a->key, a->value, error);
        } else {
            struct str key = {0};
            size_t length = strcspn(a->value, "=");
            str_append(&key, a->value, length);
            status = key.failed ? error_memory(error, "the configuration")
                                : lt_config_set(config, key.data, a->value + length + 1, error);
            str_free(&key);
        }
        if (status != LT_OK)
            return status;
    }
    return LT_OK;
}

lt_config *arguments_config(const struct arguments *arguments, lt_error *error)
{
    lt_config *config = lt_config_new();
    if (config == NULL) {
        error_memory(error, "the configuration");
        return NULL;
    }
    if (arguments_config_file(arguments, config, error) == LT_OK &&
        lt_config_load_environment(config, error) == LT_OK &&
        arguments_config_flags(arguments, config, error) == LT_OK)
        return config;
    lt_config_free(config);
    return NULL;
}

/* ---- Help ---- */

enum { HELP_COLUMN = 28, HELP_WIDTH = 100 };

/* Where a line of at most `width` bytes of `text` ends: at a space, but "(default 1)" stays whole; 0:
 * nowhere. */
static size_t help_break(const char *text, size_t width)
{
    static const char whole[] = "(default";
    enum { WHOLE = sizeof whole - 1 };
    size_t cut = width;
    while (cut > 0 && (text[cut] != ' ' || (cut >= WHOLE && memcmp(text + cut - WHOLE, whole, WHOLE) == 0)))
        cut--;
    return cut;
}

/* Prints `text` in the column of explanations. */
static void help_paragraph(const char *text)
{
    size_t width = HELP_WIDTH - HELP_COLUMN, cut;
    while (strlen(text) > width && (cut = help_break(text, width)) > 0) {
        printf("%.*s\n%*s", (int)cut, text, HELP_COLUMN, "");
        text += cut + 1;
    }
    printf("%s\n", text);
}

static void help_option(const struct option *option)
{
    char left[64];
    int n =
        snprintf(left, sizeof left, "  %c%c%s --%s%s%s", option->letter != 0 ? '-' : ' ',
                 option->letter != 0 ? option->letter : ' ', option->letter != 0 ? "," : " ", option->name,
                 option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
    if (n < HELP_COLUMN - 1)
        printf("%-*s", HELP_COLUMN, left);
    else
        printf("%s\n%*s", left, HELP_COLUMN, "");

    const struct config_key_info *key = option->key != NULL ? config_key(config_find(option->key)) : NULL;
    struct str text = {0};
    str_puts(&text, option->help != NULL ? option->help : key != NULL ? key->help : "");
    const char *choices = option->choices != NULL ? option->choices : key != NULL ? key->choices : NULL;
    if (choices != NULL)
        str_printf(&text, ": %s", choices);
    if (key != NULL && key->fallback[0] != '\0')
        str_printf(&text, " (default %s)", key->fallback);
    help_paragraph(text.failed || text.data == NULL ? "" : text.data);
    str_free(&text);
}

void command_help(const struct command *command)
{
    printf("Usage: litetts %s [OPTION ...]%s%s\n\n%s.\n\nOptions:\n", command->name,
           command->operands[0] != '\0' ? " " : "", command->operands, command->summary);
    for (const struct option *o = command->options; o->name != NULL; o++)
        help_option(o);
    for (const struct option *o = common; o->name != NULL; o++)
        if (find(command->options, o->name, strlen(o->name), 0) == NULL) /* else the command's own meaning */
            help_option(o);
    if (command->notes != NULL)
        printf("\n%s", command->notes);
}

/* ---- Failure ---- */

int command_fail(const lt_error *error)
{
    fprintf(stderr, "litetts: %s\n", error->message);
    switch (error->status) {
    case LT_ERR_ARGUMENT:
    case LT_ERR_VOICE:
    case LT_ERR_FORMAT:
    case LT_ERR_CONFIG:
        return EXIT_USAGE;
    default:
        return EXIT_FAILED;
    }
}

int command_finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno == EPIPE)
        return EXIT_BROKEN_PIPE;
    lt_error error;
    error_errno(&error, LT_ERR_IO, "cannot write to standard output");
    return command_fail(&error);
}
