/* voices.c: `litetts voices`: what can speak. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/utf8.h"
#include "cli/command.h"

static const struct option options[] = {
    {"json", 0, NULL, "print a JSON array", NULL, NULL},
    {"model", 'm', "FILE", NULL, "engine.model", NULL},
    {NULL},
};

enum { COLUMNS = 5 };

static const char *cell(const lt_voice *voice, int column)
{
    switch (column) {
    case 0:
        return voice->name;
    case 1:
        return voice->language;
    case 2:
        return voice->sex[0] != '\0' ? voice->sex : "-";
    case 3:
        return voice->backend;
    default:
        return voice->summary;
    }
}

static void print_table(const lt_voice *voices, size_t count)
{
    static const char *const titles[COLUMNS] = {"VOICE", "LANGUAGE", "SEX", "BACKEND", "DESCRIPTION"};
    int widths[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
        widths[c] = (int)strlen(titles[c]);
        for (size_t v = 0; v < count; v++) {
            const char *text = cell(&voices[v], c);
            int width = (int)utf8_count(text, strlen(text));
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (int c = 0; c < COLUMNS; c++)
        printf(c + 1 < COLUMNS ? "%-*s  " : "%.*s", widths[c], titles[c]);
    putchar('\n');
    for (size_t v = 0; v < count; v++) {
        for (int c = 0; c < COLUMNS; c++) {
            const char *text = cell(&voices[v], c);
            int pad = c + 1 < COLUMNS ? widths[c] - (int)utf8_count(text, strlen(text)) + 2 : 0;
            printf("%s%*s", text, pad, "");
        }
        puts(voices[v].is_default ? " (default)" : "");
    }
}

static lt_status print_json(const lt_voice *voices, size_t count, lt_error *error)
{
    json_t *list = json_array();
    bool complete = list != NULL;
    for (size_t v = 0; v < count && complete; v++)
        complete =
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "name", voices[v].name,
                                                  "backend", voices[v].backend, "language",
                                                  voices[v].language, "sex", voices[v].sex, "summary",
                                                  voices[v].summary, "default", voices[v].is_default)) == 0;
    if (complete && json_dumpf(list, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(list);
    return complete ? LT_OK : error_memory(error, "the list of voices");
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = arguments_config(arguments, &error);
    lt_status status = config == NULL ? error.status : lt_engine_open(config, &engine, &error);
    if (status == LT_OK) {
        const lt_voice *voices;
        size_t count = lt_engine_voices(engine, &voices);
        if (arguments_given(arguments, "json"))
            status = print_json(voices, count, &error);
        else
            print_table(voices, count);
    }
    lt_engine_close(engine);
    lt_config_free(config);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command voices_command = {
    .name = "voices",
    .operands = "",
    .summary = "List the voices",
    .options = options,
    .run = run,
};
