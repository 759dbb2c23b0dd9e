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

/* Room for `more` items. */
static bool reserve(struct tokens *tokens, size_t more)
{
    if (more <= tokens->capacity - tokens->count)
        return true;
    size_t capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
    while (capacity - tokens->count < more)
        capacity *= 2;
    struct token *items = realloc(tokens->items, capacity * sizeof *items);
    if (items == NULL) {
        tokens->failed = true;
        return false;
    }
    tokens->items = items;
    tokens->capacity = capacity;
    return true;
}

struct token *tokens_add(struct tokens *tokens, const struct token *token, const char *text, size_t size)
{
    if (!reserve(tokens, 1))
        return NULL;
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
    if (tokens->pool.failed || tokens->pool.length > UINT32_MAX || !reserve(tokens, from->count)) {
        tokens->failed = true;
        return;
    }
    for (size_t i = 0; i < from->count; i++) {
        struct token *added = &tokens->items[tokens->count++];
        *added = from->items[i];
        added->text += (uint32_t)shift;
        added->phonemes += (uint32_t)shift;
    }
}
