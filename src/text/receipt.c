/* receipt.c: tokens as JSON. */
#include "text/receipt.h"

#include "text/phonemes.h"
#include "text/tagger.h"

static bool put_text(json_t *object, const char *name, const char *text, size_t size)
{
    return size == 0 || json_object_set_new(object, name, json_stringn(text, size)) == 0;
}

static bool put(json_t *object, const char *name, const char *text)
{
    return text == NULL || *text == '\0' || json_object_set_new(object, name, json_string(text)) == 0;
}

/* Fills `object` with what is known of a token. */
static bool describe(json_t *object, const struct tokens *tokens, const struct token *token)
{
    static const char *const kinds[] = {"word", "punctuation", "pause", "dropped"};
    static const char *const sources[] = {"text", "normalization", "mark"};
    const char *pool = tokens->pool.data;
    bool word = token->kind == TOKEN_WORD;
    bool done = put(object, "kind", kinds[token->kind]) &&
                json_object_set_new(
                    object, "source",
                    json_pack("[II]", (json_int_t)token->source_begin, (json_int_t)token->source_end)) == 0;
    if (token->kind == TOKEN_PAUSE)
        done = done && json_object_set_new(object, "seconds", json_real((double)token->seconds)) == 0;
    if (token->text_size > 0)
        done = done && put_text(object, "spoken", pool + token->text, token->text_size);
    if (token->phonemes_size > 0)
        done = done && put_text(object, "phonemes", pool + token->phonemes, token->phonemes_size);
    if (word && token->phonemes_size > 0)
        done = done && put(object, "origin", phoneme_origin_name(token->phoneme_origin));
    if (word)
        done =
            done && put(object, "from", sources[token->origin]) && put(object, "tag", pos_name(token->tag));
    return done && put(object, "note", token->note);
}

bool receipt_add(json_t *list, const struct tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        json_t *object = json_object();
        if (object == NULL || !describe(object, tokens, &tokens->items[i])) {
            json_decref(object);
            return false;
        }
        if (json_array_append_new(list, object) != 0)
            return false;
    }
    return true;
}
