/* tokens.c: the list of spoken tokens. */
#include "text/tokens.h"

#include <stdlib.h>

void tokens_free(struct tokens *tokens)
{
    str_free(&tokens->pool);
    free(tokens->items);
    *tokens = (struct tokens){0};
}

void tokens_clear(struct tokens *tokens)
{
    str_clear(&tokens->pool);
    tokens->count = 0;
    tokens->failed = false;
}

struct token *tokens_add(struct tokens *tokens, const struct token *token, const char *text, size_t size)
{
    if (tokens->count == tokens->capacity) {
        size_t capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
        struct token *items = realloc(tokens->items, capacity * sizeof *items);
        if (items == NULL) {
            tokens->failed = true;
            return NULL;
        }
        tokens->items = items;
        tokens->capacity = capacity;
    }
    size_t at = tokens->pool.length;
    str_append(&tokens->pool, text, size);
    if (tokens->pool.failed || at + size > UINT32_MAX) {
        tokens->failed = true;
        return NULL;
    }
    struct token *added = &tokens->items[tokens->count++];
    *added = *token;
    added->text = (uint32_t)at;
    added->text_size = (uint32_t)size;
    return added;
}

void tokens_append(struct tokens *tokens, const struct tokens *from)
{
    size_t shift = tokens->pool.length;
    tokens->failed |= from->failed;
    str_append(&tokens->pool, from->pool.data, from->pool.length);
    for (size_t i = 0; i < from->count; i++) {
        struct token *added = tokens_add(tokens, &from->items[i], "", 0);
        if (added == NULL)
            return;
        added->text = (uint32_t)(shift + from->items[i].text);
        added->text_size = from->items[i].text_size;
        added->phonemes = (uint32_t)(shift + from->items[i].phonemes);
    }
}
