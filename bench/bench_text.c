/* bench_text.c: how fast the text front end turns text into spoken words: MB of source a second on one
 * core.
 *
 *     bench_text [FILE ...]
 *
 * Without files it measures a mixture of prose, numbers and markdown; phonemes, with the lexicon of the
 * data folder where it is there (LITETTS_ENGINE_DATA_FOLDER), when none are kept, when they are kept, and
 * when they were; then inputs made to be slow: a line of 10 MB, brackets, digits, emphasis signs. Each is
 * read through the same interface as the engine's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../tests/text_source.h"
#include "base/file.h"
#include "engine/note.h"
#include "text/frontend.h"

/* Seconds of processor time, which other programs on the machine do not lengthen. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Normalises `text` and prints what it took. */
static bool measure(struct frontend *frontend, const char *name, const struct str *text, bool phonemes)
{
    struct text_source source = {text->data, text->length, 0};
    struct text_options options = {.max_symbols = 400, .language = "en-US", .phonemes = phonemes};
    struct text_stream *stream;
    const struct text_chunk *chunk;
    lt_error error;
    size_t words = 0, bytes = 0;
    double start = cpu_seconds();
    lt_status status = text_stream_open(frontend, &options, text_source_read, &source, &stream, &error);
    if (status == LT_OK) {
        while ((status = text_stream_next(stream, &chunk, &error)) == LT_OK && chunk != NULL) {
            words += chunk->word_count;
            bytes += strlen(chunk->text);
        }
        text_stream_close(stream);
    }
    double seconds = cpu_seconds() - start;
    if (status != LT_OK) {
        fprintf(stderr, "%s: %s\n", name, error.message);
        return false;
    }
    double megabytes = (double)text->length / 1e6;
    printf("%-28s %7.2f MB  %7.3f s  %7.2f MB/s  %9zu words  %7.2f MB spoken\n", name, megabytes, seconds,
           megabytes / seconds, words, (double)bytes / 1e6);
    return true;
}

/* Sentences that are all different, pronounced by a front end that has its phonemes kept in `cache`, or
 * not. */
static bool measure_phonemes(const lt_config *config, struct cache *cache, const char *const names[2])
{
    struct frontend *frontend = NULL;
    struct str text = {0};
    const struct memo memo = cache != NULL ? note_memo(cache) : (struct memo){0};
    lt_error error;
    for (int i = 0; i < 20000; i++)
        str_printf(&text, "It was bright cold day number %d, and the old man didn't look up from his book. ",
                   i);
    bool good = !text.failed && frontend_open(config, &frontend, &error) == LT_OK;
    if (good && cache != NULL)
        frontend_remember(frontend, &memo);
    for (int i = 0; i < 2 && good; i++)
        good = measure(frontend, names[i], &text, true);
    frontend_close(frontend);
    str_free(&text);
    return good;
}

static bool measure_cache(const lt_config *config)
{
    struct cache *cache;
    if (cache_open((uint64_t)64 << 20, &cache, NULL) != LT_OK)
        return false;
    bool good = measure_phonemes(config, NULL, (const char *[]){"phonemes", "phonemes again"}) &&
                measure_phonemes(config, cache, (const char *[]){"phonemes that are kept", "kept phonemes"});
    cache_close(cache);
    return good;
}

/* A text of about `size` bytes made of repetitions of `unit`. */
static void repeat(struct str *text, const char *unit, size_t size)
{
    str_clear(text);
    while (text->length < size && !text->failed)
        str_puts(text, unit);
}

static bool measure_all(struct frontend *frontend)
{
    static const struct {
        const char *name, *unit;
        size_t size;
    } cases[] = {
        {"prose",
         "It was a bright cold day in April, and the clocks were striking thirteen. The old man didn't look "
         "up from his book; he "
         "had read it many times before, and yet he found something new on every page.\n\n",
         20000000},
        {"prose with numbers",
         "On March 5, 2024, Dr. Smith paid $1,234.56 for 12 kg of coffee at 5:30 p.m. (see "
         "https://example.com/a?b=1). That's 3.5% "
         "more than in 1998, isn't it? Call 555-123-4567 or write to a.b@example.org.\n\n",
         10000000},
        {"markdown",
         "## A heading\n\n- **Bold** item with `code` and a [link](https://example.com/x)\n- *Second* "
         "item\n\n| a | b |\n|---|---|\n| 1 | "
         "2 |\n\n> Quoted text.\n\n",
         10000000},
        {"Unicode",
         "Caf\u00e9 \u201cna\u00efve\u201d \u2014 it\u2019s 5\u00a0\u20ac \u2026 \u00bd cup, \u4f60\u597d "
         "\U0001f600!\n",
         5000000},
        {"one line of 10 MB", "word and word, ", 10000000},
        {"one line without spaces", "x", 10000000},
        {"digits", "7", 1000000},
        {"opening brackets", "[", 100000},
        {"bracket pairs", "[]", 1000000},
        {"link beginnings", "[a](", 1000000},
        {"emphasis openers", "*a _b ", 2000000},
        {"emphasis nests", "*_", 1000000},
        {"code quotes", "` `` ", 1000000},
        {"tag beginnings", "<a ", 1000000},
        {"entities", "&amp", 1000000},
        {"full stops", ".", 1000000},
        {"spaced full stops", ". ", 1000000},
        {"digits and dots", "1.", 1000000},
        {"digits and dashes", "1-", 1000000},
        {"digits and commas", "123,", 1000000},
        {"letters and digits", "a1", 1000000},
        {"letters and dots", "a.", 1000000},
        {"quotes", "'a\"b ", 1000000},
        {"at signs", "a@", 1000000},
        {"slashes", "/a", 1000000},
        {"new lines", "\n", 1000000},
        {"short lines", "a\n", 1000000},
        {"combining marks", "e\u0301\u0301\u0301", 1000000},
        {"equals signs", "1 - 1 = ", 1000000},
    };
    struct str text = {0};
    bool good = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases && good; i++) {
        repeat(&text, cases[i].unit, cases[i].size);
        good = !text.failed && measure(frontend, cases[i].name, &text, false);
    }
    str_free(&text);
    return good;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct frontend *frontend;
    lt_error error;
    lt_config *config = lt_config_new();
    if (config == NULL || lt_config_load_environment(config, &error) != LT_OK ||
        frontend_open(config, &frontend, &error) != LT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bool good = argc > 1 || (measure_cache(config) && measure_all(frontend));
    for (int i = 1; i < argc && good; i++) {
        struct str text = {0};
        good = file_read(argv[i], (size_t)1 << 30, &text, &error) == LT_OK;
        if (good)
            good = measure(frontend, argv[i], &text, false);
        else
            fprintf(stderr, "%s\n", error.message);
        str_free(&text);
    }
    frontend_close(frontend);
    lt_config_free(config);
    return good ? 0 : 1;
}
