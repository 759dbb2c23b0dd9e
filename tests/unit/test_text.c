/* test_text.c: reading, sentences and chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../text_source.h"
#include "sanitized.h"
#include "text/frontend.h"
#include "text/sentences.h"

/* Reads all of `text`; *out gets the chunks, one a line, with "|pause" where there is one. */
static lt_status read_all(const char *text, size_t size, size_t piece, size_t max, size_t first,
                          struct str *out, lt_error *error)
{
    struct frontend *frontend = NULL;
    struct text_stream *stream = NULL;
    struct text_source source = {text, size, 0, piece};
    struct text_options options = {.max_symbols = max, .first_symbols = first, .language = "en-US"};
    assert_int_equal(frontend_open(NULL, &frontend, error), LT_OK);
    assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, error), LT_OK);
    lt_status status;
    const struct text_chunk *chunk;
    uint64_t last = 0;
    while ((status = text_stream_next(stream, &chunk, error)) == LT_OK && chunk != NULL) {
        assert_true(strlen(chunk->text) <= max);
        assert_true(chunk->source_begin >= last && chunk->source_end <= size);
        last = chunk->source_begin;
        for (size_t i = 0; i < chunk->word_count; i++) {
            const struct utterance_word *word = &chunk->words[i];
            assert_true(word->source_begin < word->source_end && word->source_end <= chunk->source_end);
            assert_true(word->spoken_begin < word->spoken_end && word->spoken_end <= strlen(chunk->text));
        }
        str_puts(out, chunk->text);
        if (chunk->pause_seconds > 0)
            str_puts(out, " |");
        str_putc(out, '\n');
    }
    text_stream_close(stream);
    frontend_close(frontend);
    return status;
}

static void sentences_end_where_they_end(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"One. Two.", "One. "},
        {"Mr. Smith went. He did.", "Mr. Smith went. "},
        {"J. R. R. Tolkien wrote. Yes.", "J. R. R. Tolkien wrote. "},
        {"It is 3.5 m. Then stop.", "It is 3.5 m. "},
        {"\"Really?\" he said. No.", "\"Really?\" he said. "},
        {"He said \"Go.\" Then left.", "He said \"Go.\" "},
        {"Wait... what? Yes.", "Wait... what? "},
        {"Wait... What?", "Wait... "},
        {"At 5 p.m. we left. Ok.", "At 5 p.m. we left. "},
        {"We met at 5 p.m. We left.", "We met at 5 p.m. "},
        {"See e.g. Smith et al. 2003. Next.", "See e.g. Smith et al. 2003. "},
        {"Visit www.example.com. Now.", "Visit www.example.com. "},
        {"Hi!!! There.", "Hi!!! "},
        {"The U.S. Army came. It left.", "The U.S. Army came. "},
        {"no end", "no end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t from = 0;
        size_t n = sentence_length(cases[i][0], strlen(cases[i][0]), true, &from);
        if (n != strlen(cases[i][1]))
            fail_msg("'%s' was cut after '%.*s'", cases[i][0], (int)n, cases[i][0]);
    }
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    const char text[] =
        "\xef\xbb\xbfThe first one, as they say. Caf\xc3\xa9 \xe2\x80\x9cquoted\xe2\x80\x9d "
        "words!\n\n\nAnother paragraph, "
        "with a long sentence that has to be cut somewhere because it does not fit; here, say, or there. End";
    struct str whole = {0};
    lt_error error;
    assert_int_equal(read_all(text, sizeof text - 1, SIZE_MAX, 60, 20, &whole, &error), LT_OK);
    assert_non_null(strstr(whole.data, "words!\n |\n"));
    for (size_t piece = 1; piece < 20; piece++) {
        struct str again = {0};
        assert_int_equal(read_all(text, sizeof text - 1, piece, 60, 20, &again, &error), LT_OK);
        assert_string_equal(whole.data, again.data);
        str_free(&again);
    }
    str_free(&whole);
}

static void long_words_are_cut(void **state)
{
    (void)state;
    char text[5001];
    memset(text, 'x', 5000);
    text[5000] = '\0';
    struct str out = {0};
    lt_error error;
    assert_int_equal(read_all(text, 5000, 100, 64, 0, &out, &error), LT_OK);
    size_t count = 0;
    for (size_t i = 0; i < out.length; i++)
        count += out.data[i] == 'x';
    assert_int_equal(count, 5000);
    str_free(&out);
}

static void bad_bytes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *position;
    } cases[] = {
        {"ab\xff", 3, "byte 2"}, {"ab\0c", 4, "byte 2"}, {"caf\xc3", 4, "byte 3"}, {"\xc0\x80", 2, "byte 0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 5; piece++) {
            struct str out = {0};
            lt_error error;
            assert_int_equal(read_all(cases[i].text, cases[i].size, piece, 64, 0, &out, &error), LT_ERR_TEXT);
            assert_non_null(strstr(error.message, cases[i].position));
            str_free(&out);
        }
}

static void nothing_to_say_is_no_chunk(void **state)
{
    (void)state;
    struct str out = {0};
    lt_error error;
    assert_int_equal(read_all("", 0, 1, 64, 0, &out, &error), LT_OK);
    assert_int_equal(read_all(" \n\n \n", 5, 1, 64, 0, &out, &error), LT_OK);
    assert_int_equal(out.length, 0);
    assert_int_equal(read_all("\n\n\na\n\n\n\nb\n\n", 11, 3, 64, 0, &out, &error), LT_OK);
    assert_string_equal(out.data, "a\n |\nb\n");
    str_free(&out);
}

/* Opens a stream over `text`, which `source` reads. */
static struct text_stream *open_stream(struct frontend *frontend, struct text_source *source,
                                       const char *text, const struct text_options *options)
{
    struct text_stream *stream = NULL;
    lt_error error;
    *source = (struct text_source){text, strlen(text), 0, 7};
    assert_int_equal(text_stream_open(frontend, options, text_source_read, source, &stream, &error), LT_OK);
    return stream;
}

/* Writes every word of the text as "spoken<written>" to *out; chunks end in '|'. */
static void list_words(struct frontend *frontend, const char *text, lt_input input, struct str *out)
{
    struct text_options options = {.input = input, .readable = true, .max_symbols = 400, .language = "en-US"};
    struct text_source source;
    struct text_stream *stream = open_stream(frontend, &source, text, &options);
    const struct text_chunk *chunk;
    lt_error error;
    str_clear(out);
    while (text_stream_next(stream, &chunk, &error) == LT_OK && chunk != NULL) {
        for (size_t i = 0; i < chunk->word_count; i++) {
            const struct utterance_word *word = &chunk->words[i];
            str_append(out, chunk->text + word->spoken_begin, word->spoken_end - word->spoken_begin);
            str_putc(out, '<');
            str_append(out, text + word->source_begin, (size_t)(word->source_end - word->source_begin));
            str_puts(out, "> ");
        }
        str_putc(out, '|');
    }
    text_stream_close(stream);
}

static void words_know_their_source(void **state)
{
    (void)state;
    static const struct {
        lt_input input;
        const char *text, *words;
    } cases[] = {
        {LT_INPUT_TEXT, "Pay $100 now", "Pay<Pay> one<$100> hundred<$100> dollars<$100> now<now> |"},
        {LT_INPUT_TEXT, "**Bold** &amp; [link](http://x.y/z)", "Bold<Bold> and<&amp;> link<link> |"},
        {LT_INPUT_TEXT, "caf\u00e9 \u00bd \ufb01n",
         "caf\u00e9<caf\u00e9> one<\u00bd> half<\u00bd> fin<\ufb01n> |"},
        {LT_INPUT_TEXT, "cafe\u0301s", "caf\u00e9s<cafe\u0301s> |"},
        {LT_INPUT_TEXT, "- hyphen-\n  ated 5kg", "hyphenated<hyphen-\n  ated> five<5> kilograms<kg> |"},
        {LT_INPUT_TEXT, "a\r\nb \xe2\x80\x8bzero\u200bwidth", "a<a> b<b> zerowidth<zero\u200bwidth> |"},
        {LT_INPUT_SSML, "<speak>One <sub alias=\"two three\">23</sub>&#52;</speak>",
         "One<One> two<23> three<23> four<&#52;> |"},
    };
    struct frontend *frontend = NULL;
    lt_error error;
    struct str out = {0};
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        list_words(frontend, cases[i].text, cases[i].input, &out);
        assert_string_equal(out.data, cases[i].words);
    }
    str_free(&out);
    frontend_close(frontend);
}

/* Writes every chunk as "text{voice rate volume pause}" to *out. */
static lt_status list_chunks(struct frontend *frontend, const char *text, const struct text_options *options,
                             struct str *out, lt_error *error)
{
    struct text_source source;
    struct text_stream *stream = open_stream(frontend, &source, text, options);
    const struct text_chunk *chunk;
    lt_status status;
    str_clear(out);
    str_puts(out, "");
    while ((status = text_stream_next(stream, &chunk, error)) == LT_OK && chunk != NULL)
        str_printf(out, "%s{%s %.2f %.2f %.2f%s%s}", chunk->text, chunk->voice == NULL ? "" : chunk->voice,
                   (double)chunk->rate, (double)chunk->volume, (double)chunk->pause_seconds,
                   chunk->background == NULL ? "" : " ", chunk->background == NULL ? "" : chunk->background);
    text_stream_close(stream);
    return status;
}

static void marks_change_the_voice(void **state)
{
    (void)state;
    static const struct {
        lt_input input;
        uint32_t off;
        const char *text, *chunks;
    } cases[] = {
        {LT_INPUT_TEXT, 0, "One [pause:1.5s] two", "One{ 1.00 1.00 1.50}two{ 1.00 1.00 0.00}"},
        {LT_INPUT_TEXT, 0, "One [pause:250ms]two", "One{ 1.00 1.00 0.25}two{ 1.00 1.00 0.00}"},
        {LT_INPUT_TEXT, 0, "A [voice:af_bella]b [rate:1.2]c [voice:]d",
         "A{ 1.00 1.00 0.00}b{af_bella 1.00 1.00 0.00}c{af_bella 1.20 1.00 0.00}d{ 1.20 1.00 0.00}"},
        {LT_INPUT_TEXT, LT_TEXT_VOICE_MARKS | LT_TEXT_PAUSE_MARKS, "A [voice:x]b [pause:9s]c",
         "A b c{ 1.00 1.00 0.00}"},
        {LT_INPUT_TEXT, 0, "[pause:x] stays", "(pause:x) stays{ 1.00 1.00 0.00}"},
        {LT_INPUT_TEXT, 0, "[pause:100000s]", "{ 1.00 1.00 60.00}"},
        {LT_INPUT_SSML, 0, "<speak>a<break time='2s'/>b<break strength='weak'/>c</speak>",
         "a{ 1.00 1.00 2.00}b{ 1.00 1.00 0.25}c.{ 1.00 1.00 0.00}"},
        {LT_INPUT_SSML, 0,
         "<speak><prosody rate='150%' volume='+6dB'>a<voice name='v'>b</voice></prosody><background "
         "type='rain' "
         "volume='50'>c</background></speak>",
         "a{ 1.50 2.00 0.00}b{v 1.50 2.00 0.00}c{ 1.00 1.00 0.00 rain}"},
        {LT_INPUT_SSML, 0, "<speak><p>One</p><p>Two</p></speak>",
         "One.{ 1.00 1.00 0.00}{ 1.00 1.00 0.40}Two.{ 1.00 1.00 0.00}"},
    };
    struct frontend *frontend = NULL;
    lt_error error;
    struct str out = {0};
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text_options options = {
            .input = cases[i].input, .max_symbols = 400, .language = "en-US", .off = cases[i].off};
        assert_int_equal(list_chunks(frontend, cases[i].text, &options, &out, &error), LT_OK);
        assert_string_equal(out.data, cases[i].chunks);
    }
    str_free(&out);
    frontend_close(frontend);
}

/* Each switch, off (or on, for those that are off by default), and what it changes. */
static void switches_change_what_is_said(void **state)
{
    (void)state;
    static const struct {
        uint32_t on, off;
        const char *text, *spoken;
    } cases[] = {
        {0, 0, "10KB for $5", "ten kilobytes for five dollars"},
        {0, LT_TEXT_NORMALIZE, "10KB for $5, *now*", "10KB for $5, now"},
        {0, LT_TEXT_UNITS, "10KB at 5%", "ten KB at five percent"},
        {0, 0, "see x.org/a", "see X dot org slash A"},
        {0, LT_TEXT_URLS, "see example.org/ab", "see example.org slash ab"},
        {0, 0, "me@example.de", "me at example dot DE"},
        {0, LT_TEXT_EMAILS | LT_TEXT_URLS, "me@example.de", "me at example.de"},
        {0, 0, "555-123-4567", "five five five, one two three, four five six seven"},
        {0, LT_TEXT_TELEPHONES, "555-123-4567",
         "five hundred fifty five one hundred twenty three four thousand five hundred sixty seven"},
        {0, 0, "the file(s) and box(es)", "the files and boxes"},
        {0, LT_TEXT_PLURALS, "the file(s)", "the file(s)"},
        {0, 0, "3 + 4 @ home", "three plus four at home"},
        {0, LT_TEXT_SYMBOLS, "3 + 4 @ home", "three four home"},
        {0, 0, "# Head\nA **b** [c](http://d.e) `f`\n- g &amp; h", "Head.A b c fg and h."},
        {0, LT_TEXT_MARKDOWN, "A **b** [c](dx) <i>\n\n- g", "A b (c)(dx) i— g"},
        {0, LT_TEXT_MARKDOWN, "[Oh](/\u02c8O/) [so](+2)", "Oh so"},
        {0, 0, "Hi \U0001f600 there", "Hi there"},
        {LT_TEXT_EMOJI, 0, "Hi \U0001f600 there", "Hi grinning face there"},
        {LT_TEXT_EMOJI, LT_TEXT_EMOJI, "Hi \U0001f600 there", "Hi there"},
        {0, LT_TEXT_PHONEME_MARKS, "[Oh](/\u02c8O/) no", "Oh no"},
    };
    struct frontend *frontend = NULL;
    lt_error error;
    struct str out = {0};
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text_options options = {.readable = true,
                                       .max_symbols = 400,
                                       .language = "en-US",
                                       .on = cases[i].on,
                                       .off = cases[i].off};
        struct text_source source = {cases[i].text, strlen(cases[i].text), 0, SIZE_MAX};
        struct text_stream *stream = NULL;
        const struct text_chunk *chunk;
        str_clear(&out);
        str_puts(&out, "");
        assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error),
                         LT_OK);
        while (text_stream_next(stream, &chunk, &error) == LT_OK && chunk != NULL)
            str_puts(&out, chunk->text);
        text_stream_close(stream);
        assert_string_equal(out.data, cases[i].spoken);
    }
    str_free(&out);
    frontend_close(frontend);
}

/* Processor time that `size` bytes of `pattern`, again and again, take. */
static double time_of(struct frontend *frontend, const char *pattern, size_t size)
{
    char *text = malloc(size);
    size_t length = strlen(pattern);
    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = pattern[i % length];
    struct text_source source = {text, size, 0, SIZE_MAX};
    struct text_options options = {.max_symbols = 400, .language = "en-US"};
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    clock_t began = clock();
    assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error), LT_OK);
    while (text_stream_next(stream, &chunk, &error) == LT_OK && chunk != NULL)
        continue;
    text_stream_close(stream);
    free(text);
    return (double)(clock() - began) / CLOCKS_PER_SEC;
}

/* Seconds that a busy machine, and a sanitizer, may add. */
static const double SLACK = SANITIZED ? 4 : 0.2;

/* Every mark alone, with spaces, after letters and digits, and what opens something that never closes: four times the text takes about
 * four times as long. */
static void no_text_is_slow(void **state)
{
    (void)state;
    enum { SHORT = 1 << 13, LONG = 4 * SHORT };
    static const char *const forms[] = {"%c", "%c ", "a%c", "1%c", "a %c"};
    static const char *const more[] = {"[a](",  "[a][", "![",    "<a href=\"", "<!--", "{H",    "[W ",
                                       "Ctrl+", "ab:",  "1:",    "0 ",         "1x",   "1.",    "1,23",
                                       "1'2",   "1h ",  "C2",    "Fe",         "a-",   "ba-",   "mwaha",
                                       "&am",   "$1-",  "404s ", "https://",   "a@b.", "#A",    "*a ",
                                       "**a",   "`a",   "_a",    "~~",         "Dr. ", "Jan. ", "iii ",
                                       "1/2 ",  "10^"};
    struct frontend *frontend = NULL;
    lt_error error;
    char pattern[16];
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    size_t marks = sizeof forms / sizeof *forms * 94;
    for (size_t i = 0; i < marks + sizeof more / sizeof *more; i++) {
        char c = (char)('!' + i % 94);
        if (i < marks && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c > '0' && c <= '9')))
            continue;
        const char *form = i < marks ? forms[i / 94] : more[i - marks];
        snprintf(pattern, sizeof pattern, "%s", form);
        char *place = strchr(pattern, '%');
        if (i < marks && place != NULL) { /* "%c" */
            *place = c;
            memmove(place + 1, place + 2, strlen(place + 2) + 1);
        }
        double few = time_of(frontend, pattern, SHORT), many = time_of(frontend, pattern, LONG);
        if (many > 10 * few + SLACK && time_of(frontend, pattern, LONG) > 10 * few + SLACK)
            fail_msg("'%s': %.3f s for %d bytes, %.3f s for %d", pattern, few, SHORT, many, LONG);
    }
    frontend_close(frontend);
}

static void prosody_changes_the_pitch(void **state)
{
    (void)state;
    static const struct {
        const char *pitch;
        float factor, hertz;
    } cases[] = {{"+10%", 1.1f, 0},
                 {"-20%", 0.8f, 0},
                 {"+12st", 2, 0},
                 {"-12st", 0.5f, 0},
                 {"x-low", 0.7f, 0},
                 {"high", 1.15f, 0},
                 {"medium", 1, 0},
                 {"default", 1, 0},
                 {"+20Hz", 1, 20},
                 {"-15Hz", 1, -15},
                 {"150Hz", 0, 150},
                 {"9000Hz", 0, 500},
                 {"+900%", 2, 0},
                 {"nonsense", 1, 0},
                 {"+10", 1, 0},
                 {"", 1, 0},
                 {"+10%\"><prosody pitch=\"+10%", 1.21f, 0}};
    struct frontend *frontend = NULL;
    lt_error error;
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        bool nested = strchr(cases[i].pitch, '<') != NULL;
        snprintf(text, sizeof text, "<speak><prosody pitch=\"%s\">a</prosody>%s</speak>", cases[i].pitch,
                 nested ? "</prosody>" : "");
        struct text_source source = {text, strlen(text), 0, SIZE_MAX};
        struct text_options options = {.input = LT_INPUT_SSML, .max_symbols = 400, .language = "en-US"};
        struct text_stream *stream = NULL;
        const struct text_chunk *chunk;
        assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error),
                         LT_OK);
        assert_int_equal(text_stream_next(stream, &chunk, &error), LT_OK);
        float off = chunk->pitch - cases[i].factor;
        if (off > 1e-4f || off < -1e-4f || chunk->pitch_hertz != cases[i].hertz)
            fail_msg("pitch %s is %g and %g Hz", cases[i].pitch, (double)chunk->pitch,
                     (double)chunk->pitch_hertz);
        text_stream_close(stream);
    }
    frontend_close(frontend);
}

static void bad_ssml_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"<speak>a", "not well-formed"},
        {"<speak>a & b</speak>", "line 1, column 11"},
        {"<p>a</p>", "<speak>"},
        {"<p/>", "<speak>"},
        {"", "not well-formed"},
        {"<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>", "document type"},
    };
    struct frontend *frontend = NULL;
    lt_error error;
    struct str out = {0}, deep = {0};
    struct text_options options = {.input = LT_INPUT_SSML, .max_symbols = 400, .language = "en-US"};
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(list_chunks(frontend, cases[i][0], &options, &out, &error), LT_ERR_TEXT);
        assert_non_null(strstr(error.message, cases[i][1]));
    }
    for (int i = 0; i < 1000; i++)
        str_puts(&deep, "<speak>");
    assert_int_equal(list_chunks(frontend, deep.data, &options, &out, &error), LT_ERR_TEXT);
    assert_non_null(strstr(error.message, "deeper"));
    str_free(&out);
    str_free(&deep);
    frontend_close(frontend);
}

static void backends_get_ascii(void **state)
{
    (void)state;
    struct frontend *frontend = NULL;
    lt_error error;
    struct str out = {0};
    struct text_options options = {.max_symbols = 400, .language = "en-US"};
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    assert_int_equal(
        list_chunks(frontend,
                    "\u201cCaf\u00e9\u201d \u2014 na\u00efve\u2026 5 p.m. \u0141\u00f3d\u017a \u4f60\u597d",
                    &options, &out, &error),
        LT_OK);
    assert_string_equal(out.data, "\"Cafe\", naive... five P M Lodz { 1.00 1.00 0.00}");
    str_free(&out);
    frontend_close(frontend);
}

static void chunks_begin_short_and_grow(void **state)
{
    (void)state;
    struct frontend *frontend = NULL;
    lt_error error;
    struct str text = {0};
    for (int i = 0; i < 100; i++)
        str_puts(&text, "Here is one more sentence, of some length. ");
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    struct text_options options = {.max_symbols = 400, .first_symbols = 60, .language = "en-US"};
    struct text_source source;
    struct text_stream *stream = open_stream(frontend, &source, text.data, &options);
    const struct text_chunk *chunk;
    size_t limit = 60;
    while (text_stream_next(stream, &chunk, &error) == LT_OK && chunk != NULL) {
        size_t size = strlen(chunk->text);
        assert_true(size <= limit && (size > limit / 3 || source.at == source.size));
        assert_int_equal(chunk->text[size - 1], '.');
        limit = limit * 2 < 400 ? limit * 2 : 400;
    }
    text_stream_close(stream);
    frontend_close(frontend);
    str_free(&text);
}

/* Where the first chunk ends: early, but not in the middle of a sentence that is not long, nor after a word or two. */
static void first_chunks_end_well(void **state)
{
    (void)state;
    static const struct {
        const char *text, *first;
    } cases[] = {
        {"Good morning. How are you? I hope that you slept well, and that the rain did not wake you.",
         "Good morning. How are you?\n"},
        {"When the rain had stopped, they walked along the river and talked of old times. Then it rained.",
         "When the rain had stopped, they walked along the river and talked of old times.\n"},
        {"Well, the man who had come in last sat down near the door, took off his hat, and looked at each of "
         "us in turn without a word.",
         "Well, the man who had come in last sat down near the door,\n"},
        {"Well, nobody who saw the man that had come in last and sat down near the door could say why he had "
         "not taken off his hat.",
         "Well,\n"},
        {"Nobody who saw the man that had come in last and sat down near the door of the inn could say, "
         "later, why he wore that hat.",
         "Nobody who saw the man that had come in last and sat down near the door of the inn could say,\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        lt_error error;
        assert_int_equal(read_all(cases[i].text, strlen(cases[i].text), SIZE_MAX, 400, 60, &out, &error),
                         LT_OK);
        if (strncmp(out.data, cases[i].first, strlen(cases[i].first)) != 0)
            fail_msg("the chunks are\n%sbut the first should be\n%s", out.data, cases[i].first);
        str_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_end_where_they_end), cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(long_words_are_cut),           cmocka_unit_test(bad_bytes_are_named),
        cmocka_unit_test(nothing_to_say_is_no_chunk),   cmocka_unit_test(words_know_their_source),
        cmocka_unit_test(marks_change_the_voice),       cmocka_unit_test(switches_change_what_is_said),
        cmocka_unit_test(prosody_changes_the_pitch),    cmocka_unit_test(no_text_is_slow),
        cmocka_unit_test(bad_ssml_is_refused),          cmocka_unit_test(backends_get_ascii),
        cmocka_unit_test(chunks_begin_short_and_grow),  cmocka_unit_test(first_chunks_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
