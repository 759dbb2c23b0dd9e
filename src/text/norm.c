/* norm.c: saying words and looking at the text, as all families of normalisation do; see norm.h. */
#include "text/norm.h"

#include <string.h>

/* ---- Saying ---- */

struct token *norm_add(struct norm *x, enum token_kind kind, enum token_origin origin, const char *text,
                       size_t size)
{
    struct token token = {.kind = (uint8_t)kind, .origin = (uint8_t)origin, .note = x->note};
    const struct place *places = x->sentence->clean.places;
    size_t begin = x->begin < x->size ? x->begin : x->size - 1;
    size_t end = x->end > begin ? x->end : begin + 1;
    token.source_begin = place_position(places[begin].begin, x->sentence->reference);
    token.source_end = place_position(places[end - 1].end, x->sentence->reference);
    if (kind == TOKEN_WORD && x->begin < x->stress_end) {
        token.has_stress = true;
        token.stress = x->stress;
    }
    for (size_t i = x->out->count; kind == TOKEN_WORD && i > x->first; i--) { /* words are always apart */
        struct token *last = &x->out->items[i - 1];
        if (last->kind == TOKEN_WORD)
            last->space_after = true;
        if (last->kind != TOKEN_DROPPED)
            break;
    }
    return tokens_add(x->out, &token, text, size);
}

struct token *norm_say_text(struct norm *x, const char *word, size_t size)
{
    return norm_add(x, TOKEN_WORD, ORIGIN_NORMALIZED, word, size);
}

struct token *norm_say(struct norm *x, const char *word)
{
    return norm_say_text(x, word, strlen(word));
}

void norm_say_letters(struct norm *x, const char *letters, size_t size)
{
    char upper[32];
    size_t n = 0;
    for (size_t i = 0; i < size && n < sizeof upper; i++)
        if (char_is_alpha(letters[i]))
            upper[n++] = char_upper(letters[i]);
    struct token *token = n == 0 ? NULL : norm_say_text(x, upper, n);
    if (token != NULL)
        token->spell = true;
}

void norm_say_given(struct norm *x, const char *word, size_t size, const char *phonemes, size_t phonemes_size)
{
    struct token *token = norm_add(x, TOKEN_WORD, ORIGIN_GIVEN, word, size);
    if (token == NULL)
        return;
    token->phonemes = (uint32_t)x->out->pool.length;
    token->phonemes_size = (uint32_t)phonemes_size;
    token->phoneme_origin = PHONEMES_GIVEN;
    str_append(&x->out->pool, phonemes, phonemes_size);
}

void norm_say_words(struct norm *x, const char *words)
{
    while (*words != '\0') {
        size_t n = strcspn(words, " ");
        norm_say_text(x, words, n);
        words += n + (words[n] == ' ');
    }
}

void norm_mark(struct norm *x, const char *mark)
{
    norm_add(x, TOKEN_PUNCTUATION, ORIGIN_TEXT, mark, strlen(mark));
}

void norm_drop(struct norm *x, size_t begin, size_t end, const char *reason)
{
    norm_range(x, begin, end, reason);
    struct token *last = norm_last(x);
    bool space = last != NULL && last->space_after;
    struct token *token = norm_add(x, TOKEN_DROPPED, ORIGIN_TEXT, x->text + begin, end - begin);
    if (token != NULL)
        token->space_after = space;
}

/* White space follows what was said last. What is dropped after it takes its space over, so the first that has one ends the
 * way back. */
void norm_space_after(struct norm *x)
{
    for (size_t i = x->out->count; i > x->first && !x->out->items[i - 1].space_after; i--) {
        struct token *token = &x->out->items[i - 1];
        token->space_after = true;
        if (token->kind != TOKEN_DROPPED)
            break;
    }
}

/* ---- Looking ---- */

size_t norm_digits(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && char_is_digit(x->text[end]))
        end++;
    return end - at;
}

size_t norm_letters(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && char_is_alpha(x->text[end]))
        end++;
    return end - at;
}

size_t norm_spaces(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && x->text[end] == ' ')
        end++;
    return end - at;
}

size_t norm_literal(const struct norm *x, size_t at, const char *literal)
{
    size_t n = 0;
    for (; literal[n] != '\0'; n++)
        if (at + n >= x->size || char_lower(x->text[at + n]) != literal[n])
            return 0;
    return n;
}

size_t norm_word(const struct norm *x, size_t at, const char *literal)
{
    size_t n = norm_literal(x, at, literal);
    return n > 0 && norm_is_border(x, at + n) ? n : 0;
}

bool norm_in(const char *word, size_t size, const char *words)
{
    while (size > 0 && *words != '\0') {
        size_t n = 0;
        while (n < size && words[n] != '\0' && words[n] != '|' && char_lower(word[n]) == words[n])
            n++;
        if (n == size && (words[n] == '|' || words[n] == '\0'))
            return true;
        const char *bar = strchr(words, '|');
        if (bar == NULL)
            return false;
        words = bar + 1;
    }
    return false;
}

bool norm_previous_in(const struct norm *x, const char *words)
{
    for (size_t i = x->out->count; i > x->first; i--) {
        const struct token *token = &x->out->items[i - 1];
        if (token->kind == TOKEN_WORD)
            return norm_in(x->out->pool.data + token->text, token->text_size, words);
        if (token->kind != TOKEN_DROPPED)
            return false;
    }
    return false;
}

bool norm_recent_in(const struct norm *x, const char *words)
{
    size_t seen = 0;
    for (size_t i = x->out->count; i > x->first && seen < 3; i--) {
        const struct token *token = &x->out->items[i - 1];
        if (token->kind != TOKEN_WORD)
            continue;
        seen++;
        if (norm_in(x->out->pool.data + token->text, token->text_size, words))
            return true;
    }
    return false;
}

const char *norm_find(const struct norm_entry *table, size_t count, const char *key, size_t size)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *entry = table[middle].key;
        int order = 0;
        size_t i = 0;
        for (; i < size && order == 0; i++)
            order = entry[i] == '\0' ? 1 : (int)(unsigned char)key[i] - (int)(unsigned char)entry[i];
        if (order == 0 && entry[size] == '\0')
            return table[middle].value;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool norm_is_sign(const struct norm *x, size_t at)
{
    unsigned char c = (unsigned char)x->text[at], next = (unsigned char)norm_char(x, at + 1);
    return c == 0xc2 || c == 0xe2 || (c == 0xc3 && (next == 0x97 || next == 0xb7)) ||
           (c == 0xe3 && next == 0x80);
}

bool norm_is_capitals(const struct norm *x, size_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!char_is_upper(x->text[at + i]))
            return false;
    return true;
}
