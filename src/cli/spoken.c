/* spoken.c: text from the command line through the front end. */
#include "cli/spoken.h"

#include <string.h>

#include "base/str.h"
#include "cli/source.h"

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

/* How a text is read and who takes its chunks. */
struct reading {
    const lt_config *config;
    const struct text_options *options;
    void (*take)(void *user, const struct text_chunk *chunk);
    void *user;
};

static lt_status read_chunks(const struct reading *reading, text_read_fn read, void *from, lt_error *error)
{
    struct frontend *frontend = NULL;
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_status status = frontend_open(reading->config, &frontend, error);
    if (status == LT_OK)
        status = text_stream_open(frontend, reading->options, read, from, &stream, error);
    while (status == LT_OK && (status = text_stream_next(stream, &chunk, error)) == LT_OK && chunk != NULL)
        reading->take(reading->user, chunk);
    text_stream_close(stream);
    frontend_close(frontend);
    return status;
}

static lt_status read_operands(const struct reading *reading, char *const *operands, int count,
                               lt_error *error)
{
    struct words words = {0};
    for (int i = 0; i < count; i++) {
        str_puts(&words.text, i > 0 ? " " : "");
        str_puts(&words.text, operands[i]);
    }
    lt_status status =
        words.text.failed ? error_memory(error, "the text") : read_chunks(reading, read_words, &words, error);
    str_free(&words.text);
    return status;
}

static lt_status read_file(const struct reading *reading, const char *path, lt_error *error)
{
    struct source source;
    lt_status status = source_open(&source, path, error);
    if (status != LT_OK)
        return status;
    status = read_chunks(reading, read_source, &source, error);
    source_close(&source);
    return status;
}

lt_status spoken_read(const struct arguments *arguments, struct text_options *options,
                      void (*take)(void *user, const struct text_chunk *chunk), void *user, lt_error *error)
{
    char *const *operands;
    int count = arguments_operands(arguments, &operands);
    const char *path = arguments_value(arguments, "file"), *language = arguments_value(arguments, "language");
    const char *input = arguments_value(arguments, "input");
    if (path == NULL && count == 1 && strcmp(operands[0], "-") == 0)
        path = "-";
    else if ((path == NULL) == (count == 0))
        return error_set(error, LT_ERR_ARGUMENT,
                         path == NULL ? "no text: give it as TEXT or with --file FILE"
                                      : "text and --file given: choose one");
    options->input = input != NULL && strcmp(input, "ssml") == 0 ? LT_INPUT_SSML : LT_INPUT_TEXT;
    options->max_symbols = 65536;
    options->language = language == NULL ? "en-US" : language;
    lt_config *config = arguments_config(arguments, error);
    if (config == NULL)
        return error->status;
    const struct reading reading = {.config = config, .options = options, .take = take, .user = user};
    lt_status status =
        path != NULL ? read_file(&reading, path, error) : read_operands(&reading, operands, count, error);
    lt_config_free(config);
    return status;
}
