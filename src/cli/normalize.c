/* normalize.c: `litetts normalize`: what will be spoken, in words. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/command.h"
#include "cli/source.h"
#include "text/frontend.h"

static const struct option options[] = {
    {"file", 'f', "FILE", "read the text in FILE ('-': standard input)", NULL, NULL},
    {"language", 0, "TAG", "language of the text (default en-US); en-GB reads dates with the day first", NULL,
     NULL},
    {"input", 0, "KIND", "what the text is (default text)", NULL, "text|ssml"},
    {NULL},
};

/* The words of the command line, read as a stream. */
struct words {
    struct str text;
    size_t at;
};

static size_t read_words(void *user, char *buffer, size_t size)
{
    struct words *words = user;
    size_t n = words->text.length - words->at < size ? words->text.length - words->at : size;
    memcpy(buffer, words->text.data + words->at, n);
    words->at += n;
    return n;
}

static size_t read_source(void *user, char *buffer, size_t size)
{
    return source_read(user, buffer, size);
}

/* Prints the words of every paragraph on a line. */
static lt_status print_words(struct text_stream *stream, lt_error *error)
{
    const struct text_chunk *chunk;
    lt_status status;
    while ((status = text_stream_next(stream, &chunk, error)) == LT_OK && chunk != NULL)
        if (chunk->text[0] != '\0')
            puts(chunk->text);
    return status;
}

static lt_status normalize(const lt_config *config, const struct text_options *text, text_read_fn read,
                           void *user, lt_error *error)
{
    struct frontend *frontend = NULL;
    struct text_stream *stream = NULL;
    lt_status status = frontend_open(config, &frontend, error);
    if (status == LT_OK)
        status = text_stream_open(frontend, text, read, user, &stream, error);
    if (status == LT_OK) {
        status = print_words(stream, error);
        text_stream_close(stream);
    }
    frontend_close(frontend);
    return status;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    char *const *operands;
    int count = arguments_operands(arguments, &operands);
    const char *path = arguments_value(arguments, "file"), *language = arguments_value(arguments, "language");
    const char *input = arguments_value(arguments, "input");
    if (path == NULL && count == 1 && strcmp(operands[0], "-") == 0)
        path = "-";
    else if ((path == NULL) == (count == 0)) {
        error_set(&error, LT_ERR_ARGUMENT,
                  path == NULL ? "no text: give it as TEXT or with --file FILE"
                               : "text and --file given: choose one");
        return command_fail(&error);
    }
    lt_config *config = arguments_config(arguments, &error);
    if (config == NULL)
        return command_fail(&error);
    struct text_options text = {
        .input = input != NULL && strcmp(input, "ssml") == 0 ? LT_INPUT_SSML : LT_INPUT_TEXT,
        .joined_letters = true,
        .max_symbols = 65536,
        .language = language == NULL ? "en-US" : language,
    };
    lt_status status;
    if (path != NULL) {
        struct source source;
        status = source_open(&source, path, &error);
        if (status == LT_OK) {
            status = normalize(config, &text, read_source, &source, &error);
            source_close(&source);
        }
    } else {
        struct words words = {0};
        for (int i = 0; i < count; i++) {
            str_puts(&words.text, i > 0 ? " " : "");
            str_puts(&words.text, operands[i]);
        }
        status = words.text.failed ? error_memory(&error, "the text")
                                   : normalize(config, &text, read_words, &words, &error);
        str_free(&words.text);
    }
    lt_config_free(config);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command normalize_command = {
    .name = "normalize",
    .operands = "TEXT ... | -",
    .summary = "print what will be spoken, in words",
    .options = options,
    .run = run,
};
