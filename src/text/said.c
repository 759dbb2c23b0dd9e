/* said.c: the phonemes of a sentence as they are kept to say the same sentence again. */
#include "text/said.h"

#include <string.h>

/* What is known of a token beside its text; what few have follows where `flags` says so. */
struct asked {
    uint32_t text_size;
    uint8_t kind, origin, tag, flags;
};
_Static_assert(sizeof(struct asked) == 8, "its bytes go into the key: no padding");

enum { SPACE_AFTER = 1, SPELL = 2, STRESS = 4, NOTE = 8, GIVEN = 16 };

/* What was made of a token. */
struct made {
    const char *note;
    uint32_t size;          /* of the phonemes, which follow; 0 where they are `in_text` */
    uint8_t in_text;        /* they are the token's text, as punctuation's are */
    uint8_t phoneme_origin; /* and what was found out about the token */
    uint8_t tag;
};

void said_key(const struct tokens *tokens, struct str *key)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];
        const struct asked asked = {
            .text_size = token->text_size,
            .kind = token->kind,
            .origin = token->origin,
            .tag = token->tag,
            .flags = (uint8_t)((token->space_after ? SPACE_AFTER : 0) | (token->spell ? SPELL : 0) |
                               (token->has_stress ? STRESS : 0) | (token->note != NULL ? NOTE : 0) |
                               (token->phonemes_size > 0 ? GIVEN : 0)),
        };
        str_append(key, &asked, sizeof asked);
        str_append(key, tokens->pool.data + token->text, token->text_size);
        if (token->has_stress)
            str_append(key, &token->stress, sizeof token->stress);
        if (token->note != NULL) /* static: the same string for the same reason */
            str_append(key, &token->note, sizeof token->note);
        if (token->phonemes_size > 0) {
            str_append(key, &token->phonemes_size, sizeof token->phonemes_size);
            str_putc(key, (char)token->phoneme_origin);
            str_append(key, tokens->pool.data + token->phonemes, token->phonemes_size);
        }
    }
}

void said_write(const struct tokens *tokens, struct str *value)
{
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];
        const bool in_text = token->phonemes == token->text && token->phonemes_size == token->text_size;
        const struct made made = {
            .note = token->note,
            .size = in_text ? 0 : token->phonemes_size,
            .in_text = in_text,
            .phoneme_origin = token->phoneme_origin,
            .tag = token->tag,
        };
        str_append(value, &made, sizeof made);
        str_append(value, tokens->pool.data + token->phonemes, made.size);
    }
}

void said_read(const struct str *value, struct tokens *tokens)
{
    const char *at = value->data;
    for (size_t i = 0; i < tokens->count; i++) {
        struct token *token = &tokens->items[i];
        struct made made;
        memcpy(&made, at, sizeof made);
        at += sizeof made;
        token->note = made.note;
        token->phoneme_origin = made.phoneme_origin;
        token->tag = made.tag;
        token->phonemes = made.in_text ? token->text : (uint32_t)tokens->pool.length;
        token->phonemes_size = made.in_text ? token->text_size : made.size;
        str_append(&tokens->pool, at, made.size);
        at += made.size;
    }
}
