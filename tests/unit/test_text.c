/* test_text.c: reading, sentences and chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/frontend.h"
#include "text/sentences.h"

/* A source that hands out its text in pieces of `piece` bytes. */
struct source {
    const char *text;
    size_t size, at, piece;
};

static size_t source_read(void *user, char *buffer, size_t size)
{
    struct source *source = user;
    size_t n = source->size - source->at;
    n = n < size ? n : size;
    n = n < source->piece ? n : source->piece;
    memcpy(buffer, source->text + source->at, n);
    source->at += n;
    return n;
}

/* Reads all of `text`; *out gets the chunks, one a line, with "|pause" where there is one. */
static lt_status read_all(const char *text, size_t size, size_t piece, size_t max, size_t first,
                          struct str *out, lt_error *error)
{
    struct frontend *frontend = NULL;
    struct text_stream *stream = NULL;
    struct source source = {text, size, 0, piece};
    struct text_options options = {.max_symbols = max, .first_symbols = first, .language = "en-US"};
    assert_int_equal(frontend_open(NULL, &frontend, error), LT_OK);
    assert_int_equal(text_stream_open(frontend, &options, source_read, &source, &stream, error), LT_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences_end_where_they_end), cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(long_words_are_cut),           cmocka_unit_test(bad_bytes_are_named),
        cmocka_unit_test(nothing_to_say_is_no_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
