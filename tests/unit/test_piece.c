/* test_piece.c: cutting what is too long for a backend's memory in two. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "engine/piece.h"

static struct piece piece_of(const char *text, const char *phonemes, struct utterance_word *words,
                             size_t count)
{
    struct piece piece = {0};
    lt_error error;
    const struct text_chunk chunk = {.text = text,
                                     .phonemes = phonemes,
                                     .words = words,
                                     .word_count = count,
                                     .source_end = 40,
                                     .pause_seconds = 0.5f,
                                     .voice = "af_sky",
                                     .rate = 1.5f,
                                     .volume = 1,
                                     .pitch = 1};
    assert_int_equal(piece_set(&piece, &chunk, &error), LT_OK);
    return piece;
}

static void words_go_with_their_half(void **state)
{
    (void)state;
    struct utterance_word words[] = {
        {.source_begin = 5, .spoken_begin = 0, .spoken_end = 3, .phoneme_begin = 0, .phoneme_end = 4},
        {.source_begin = 9, .spoken_begin = 4, .spoken_end = 8, .phoneme_begin = 5, .phoneme_end = 11},
        {.source_begin = 14, .spoken_begin = 9, .spoken_end = 12, .phoneme_begin = 12, .phoneme_end = 19},
    };
    struct piece piece = piece_of("one four six.", "wˈn fˈOɹ sˈɪks.", words, 3), halves[2];
    lt_error error;
    assert_int_equal(piece_middle(&piece), 12); /* the space at 11 is nearer to 10 than that at 4 */
    assert_int_equal(piece_cut(&piece, 12, halves, &error), LT_OK);
    assert_string_equal(halves[0].text.data, "one four ");
    assert_string_equal(halves[0].phonemes.data, "wˈn fˈOɹ ");
    assert_int_equal(halves[0].word_count, 2);
    assert_int_equal(halves[0].words[1].phoneme_begin, 5);
    assert_string_equal(halves[1].text.data, "six.");
    assert_string_equal(halves[1].phonemes.data, "sˈɪks.");
    assert_int_equal(halves[1].word_count, 1);
    const struct utterance_word *six = &halves[1].words[0];
    assert_int_equal(six->source_begin, 14);
    assert_int_equal(six->spoken_begin, 0);
    assert_int_equal(six->spoken_end, 3);
    assert_int_equal(six->phoneme_begin, 0);
    assert_int_equal(six->phoneme_end, 7);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(halves[i].voice.data, "af_sky");
        assert_true(halves[i].rate == 1.5f && halves[i].clip == NULL);
        piece_free(&halves[i]);
    }
    piece_free(&piece);
}

static void one_word_is_cut_through(void **state)
{
    (void)state;
    struct utterance_word word = {.spoken_end = 3, .phoneme_end = 8};
    struct piece piece = piece_of("ooh", "ˈɜːl", &word, 1), halves[2]; /* 2, 2, 2 and 1 bytes */
    lt_error error;
    assert_int_equal(piece_middle(&piece), 2);
    assert_int_equal(piece_cut(&piece, 2, halves, &error), LT_OK);
    assert_string_equal(halves[0].phonemes.data, "ˈ");
    assert_int_equal(halves[0].words[0].phoneme_end, 2);
    assert_string_equal(halves[1].phonemes.data, "ɜːl");
    assert_int_equal(halves[1].word_count, 0);
    assert_string_equal(halves[1].text.data, ""); /* never NULL */
    piece_free(&halves[0]);
    piece_free(&halves[1]);
    piece_free(&piece);
}

/* Whatever the phonemes: halves are not empty, begin and end between symbols, and put together give the whole, down to one symbol. */
static void everything_can_be_cut_down_to_symbols(void **state)
{
    (void)state;
    static const char *const all[] = {"ab",  "ɜa", "aɜ",  "ɜɜ",   "a b",          " ab",
                                      "ab ", "  ", "a  ", "   b", "həlˈO wˈɜɹld."};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct piece piece = piece_of("", all[i], NULL, 0), halves[2];
        lt_error error;
        for (size_t middle; (middle = piece_middle(&piece)) > 0;) {
            assert_true(middle < piece.phonemes.length);
            assert_int_equal(piece_cut(&piece, middle, halves, &error), LT_OK);
            assert_int_equal(halves[0].phonemes.length + halves[1].phonemes.length, piece.phonemes.length);
            assert_int_equal(utf8_first_invalid(halves[0].phonemes.data, middle), middle);
            assert_memory_equal(piece.phonemes.data, halves[0].phonemes.data, middle);
            assert_string_equal(piece.phonemes.data + middle, halves[1].phonemes.data);
            piece_free(&halves[i % 2]);
            piece_free(&piece);
            piece = halves[1 - i % 2];
        }
        assert_int_equal(utf8_count(piece.phonemes.data, piece.phonemes.length), 1);
        piece_free(&piece);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_go_with_their_half),
        cmocka_unit_test(one_word_is_cut_through),
        cmocka_unit_test(everything_can_be_cut_down_to_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
