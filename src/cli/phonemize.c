/* phonemize.c: `litetts phonemize`: what will be spoken, in phonemes, and where each came from. */
#include <stdio.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/spoken.h"
#include "text/receipt.h"
#include "text/tokens.h"

static const struct option options[] = {
    SPOKEN_OPTIONS,
    {"words", 'w', NULL, "print a word a line: the word, a tab, its phonemes", NULL, NULL},
    {"explain", 'e', NULL,
     "print a JSON array: for every word its bytes in the text, its phonemes and their origin", NULL, NULL},
    {NULL},
};

/* A list of tokens as JSON, in the making. */
struct receipt {
    json_t *list;
    bool failed;
};

static void explain(void *user, const struct tokens *tokens)
{
    struct receipt *receipt = user;
    receipt->failed = receipt->failed || !receipt_add(receipt->list, tokens);
}

/* One object a line. */
static void print_receipt(const json_t *list)
{
    size_t i;
    json_t *token;
    json_array_foreach(list, i, token)
    {
        fputs(i == 0 ? "[" : ",\n ", stdout);
        json_dumpf(token, stdout, 0);
    }
    puts(json_array_size(list) == 0 ? "[]" : "]");
}

static void print_sentence(void *user, const struct tokens *tokens)
{
    (void)user;
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];
        if (token->kind == TOKEN_WORD)
            printf("%.*s\t%.*s\n", (int)token->text_size, tokens->pool.data + token->text,
                   (int)token->phonemes_size, tokens->pool.data + token->phonemes);
    }
}

static void print_phonemes(void *user, const struct text_chunk *chunk)
{
    (void)user;
    if (chunk->phonemes != NULL && chunk->phonemes[0] != '\0')
        puts(chunk->phonemes);
}

static void ignore(void *user, const struct text_chunk *chunk)
{
    (void)user;
    (void)chunk;
}

static int run(const struct arguments *arguments)
{
    lt_error error;
    bool words = arguments_given(arguments, "words"), explained = arguments_given(arguments, "explain");
    struct receipt receipt = {.list = explained ? json_array() : NULL};
    struct text_options text = {.phonemes = true, .readable = true};
    lt_status status = LT_OK;
    if (words && explained)
        status = error_set(&error, LT_ERR_ARGUMENT, "--words and --explain given: choose one");
    else if (explained && receipt.list == NULL)
        status = error_memory(&error, "the receipt");
    if (explained) {
        text.observe = explain;
        text.observer = &receipt;
    } else if (words) {
        text.observe = print_sentence;
    }
    if (status == LT_OK)
        status = spoken_read(arguments, &text, words || explained ? ignore : print_phonemes, NULL, &error);
    if (status == LT_OK && receipt.failed)
        status = error_memory(&error, "the receipt");
    if (status == LT_OK && explained)
        print_receipt(receipt.list);
    json_decref(receipt.list);
    return status == LT_OK ? command_finish_output() : command_fail(&error);
}

const struct command phonemize_command = {
    .name = "phonemize",
    .operands = "TEXT ... | -",
    .summary = "Print the phonemes of a text",
    .notes =
        "The symbols are those that the Kokoro voices read. [word](/phonemes/) in a text says a word so;\n"
        "text.lexicon names a file of your own pronunciations.\n",
    .options = options,
    .run = run,
};
