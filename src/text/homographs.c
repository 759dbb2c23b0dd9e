/* homographs.c: which of two pronunciations, by part of speech and the words around. */
#include "text/homographs.h"

#include <string.h>

/* ---- looking around ---------------------------------------------------------------------------- */

/* A word of the list in lower case, at most 23 letters; longer words are cut, which no cue is. */
struct near_word {
    char text[24];
    size_t size;
};

static bool is_word(const struct tokens *tokens, size_t index)
{
    return tokens->items[index].kind == TOKEN_WORD;
}

static void read_word(const struct tokens *tokens, size_t index, struct near_word *word)
{
    const struct token *token = &tokens->items[index];
    const char *text = tokens->pool.data + token->text;
    word->size = token->text_size < sizeof word->text - 1 ? token->text_size : sizeof word->text - 1;
    for (size_t i = 0; i < word->size; i++)
        word->text[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
    word->text[word->size] = '\0';
}

/* Whether `word` is one of the words of a space-separated list. */
static bool in_list(const struct near_word *word, const char *list)
{
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (size == word->size && memcmp(at, word->text, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

/* The word `step` words before (-) or after (+) `index` in the same sentence, or SIZE_MAX. */
static size_t neighbour(const struct tokens *tokens, size_t index, int step)
{
    size_t at = index;
    for (int left = step < 0 ? -step : step; left > 0;) {
        if (step < 0 ? at == 0 : at + 1 >= tokens->count)
            return SIZE_MAX;
        at = step < 0 ? at - 1 : at + 1;
        const struct token *token = &tokens->items[at];
        if (token->kind == TOKEN_PUNCTUATION && token->tag == POS_STOP)
            return SIZE_MAX;
        if (token->kind == TOKEN_WORD)
            left--;
    }
    return at;
}

static bool neighbour_in(const struct tokens *tokens, size_t index, int step, const char *list)
{
    size_t at = neighbour(tokens, index, step);
    struct near_word word;
    if (at == SIZE_MAX)
        return false;
    read_word(tokens, at, &word);
    return in_list(&word, list);
}

/* How many words of `list` stand within `reach` words on both sides, in the same sentence. */
static int count_near(const struct tokens *tokens, size_t index, int reach, const char *list)
{
    int found = 0;
    for (int step = -reach; step <= reach; step++)
        if (step != 0 && neighbour_in(tokens, index, step, list))
            found++;
    return found;
}
void homographs_tag(struct tokens *tokens)
{
    (void)tokens;
    (void)count_near;
    (void)is_word;
}

bool homograph_say(const struct tokens *tokens, size_t index, bool british, struct g2p_result *result)
{
    (void)tokens;
    (void)index;
    (void)british;
    (void)result;
    return false;
}
