/* piece.c: a chunk of text on its way through a request. */
#include "engine/piece.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* Replaces words; false when out of memory. */
static bool set_words(struct piece *piece, const struct utterance_word *words, size_t count)
{
    free(piece->words);
    piece->words = count == 0 ? NULL : malloc(count * sizeof *words);
    piece->word_count = piece->words == NULL ? 0 : count;
    if (piece->word_count > 0)
        memcpy(piece->words, words, count * sizeof *words);
    return piece->word_count == count;
}

static void set_text(struct str *to, const char *text)
{
    str_clear(to);
    if (text != NULL)
        str_puts(to, text);
}

lt_status piece_set(struct piece *piece, const struct text_chunk *chunk, lt_error *error)
{
    piece->clip = NULL;
    set_text(&piece->text, chunk->text);
    set_text(&piece->phonemes, chunk->phonemes);
    set_text(&piece->voice, chunk->voice);
    bool kept = set_words(piece, chunk->words, chunk->word_count);
    if (!kept || piece->text.failed || piece->phonemes.failed || piece->voice.failed)
        return error_memory(error, "a piece of text");
    piece->rate = chunk->rate;
    piece->pitch = chunk->pitch;
    piece->pitch_hertz = chunk->pitch_hertz;
    piece->source_end = chunk->source_end;
    piece->pause_seconds = chunk->pause_seconds;
    piece->volume = chunk->volume;
    if (!ambience_find(chunk->background, &piece->background))
        piece->background = AMBIENCE_KINDS;
    piece->background_volume = chunk->background_volume;
    return LT_OK;
}

/* ---- Cutting ---- */

static size_t distance(size_t a, size_t b)
{
    return a < b ? b - a : a - b;
}

size_t piece_middle(const struct piece *piece)
{
    const struct str *phonemes = &piece->phonemes;
    const size_t middle = phonemes->length / 2;
    size_t space = 0;
    for (size_t at = 1; at + 1 < phonemes->length; at++)
        if (phonemes->data[at] == ' ' && (space == 0 || distance(at, middle) < distance(space, middle)))
            space = at;
    if (space > 0)
        return space + 1;
    if (utf8_count(phonemes->data, phonemes->length) < 2)
        return 0;
    size_t at = utf8_floor(phonemes->data, middle);
    uint32_t symbol; /* a long first symbol reaches past the middle */
    return at > 0 ? at : utf8_decode(phonemes->data, phonemes->length, &symbol);
}

/* Part of a piece: bytes of its text and its phonemes, and the words that begin there. */
struct part {
    size_t text_begin, text_end, phoneme_begin, phoneme_end, word_begin, word_end;
};

static lt_status copy_part(const struct piece *piece, const struct part *part, struct piece *half,
                           lt_error *error)
{
    *half = *piece;
    half->clip = NULL;
    half->words = NULL;
    half->text = half->phonemes = half->voice = (struct str){0};
    str_append(&half->text, piece->text.data + part->text_begin, part->text_end - part->text_begin);
    str_append(&half->phonemes, piece->phonemes.data + part->phoneme_begin,
               part->phoneme_end - part->phoneme_begin);
    str_append(&half->voice, piece->voice.data, piece->voice.length);
    const size_t words = part->word_end - part->word_begin;
    bool kept = set_words(half, words > 0 ? &piece->words[part->word_begin] : NULL, words);
    if (!kept || half->text.failed || half->phonemes.failed || half->voice.failed)
        return error_memory(error, "a piece of text");
    for (size_t i = 0; i < half->word_count; i++) {
        struct utterance_word *word = &half->words[i];
        if (word->phoneme_end > part->phoneme_end) /* it was cut through, and ends where its half does */
            word->phoneme_end = (uint32_t)part->phoneme_end;
        word->spoken_begin -= (uint32_t)part->text_begin;
        word->spoken_end -= (uint32_t)part->text_begin;
        word->phoneme_begin -= (uint32_t)part->phoneme_begin;
        word->phoneme_end -= (uint32_t)part->phoneme_begin;
    }
    return LT_OK;
}

lt_status piece_cut(const struct piece *piece, size_t middle, struct piece halves[2], lt_error *error)
{
    size_t word = 0;
    while (word < piece->word_count && piece->words[word].phoneme_begin < middle)
        word++;
    const size_t text = word < piece->word_count ? piece->words[word].spoken_begin : piece->text.length;
    const struct part parts[2] = {
        {0, text, 0, middle, 0, word},
        {text, piece->text.length, middle, piece->phonemes.length, word, piece->word_count},
    };
    halves[1] = (struct piece){0};
    lt_status status = copy_part(piece, &parts[0], &halves[0], error);
    return status == LT_OK ? copy_part(piece, &parts[1], &halves[1], error) : status;
}

void piece_free(struct piece *piece)
{
    str_free(&piece->text);
    str_free(&piece->phonemes);
    str_free(&piece->voice);
    free(piece->words);
    piece->words = NULL;
}
