/* fuzz_phonemes.c: words, user's lexicons and phonetic alphabets. Whatever they hold, a word gets phonemes or a note, and what it
 * gets is made of the voice's symbols. */
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/utf8.h"
#include "text/phonemes.h"
#include "text/symbols.h"
#include "text/user_lexicon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_symbols(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint32_t c;
        size_t length = utf8_decode(text + i, size - i, &c);
        if (length == 0 || symbol_of(c) == SYMBOL_NONE)
            abort();
        i += length;
    }
}

/* One token a run of bytes between spaces; '.' and ',' are marks. */
static void pronounce(struct pronouncer *pronouncer, const char *text, size_t size)
{
    struct tokens tokens = {0};
    for (size_t i = 0, begin = 0; i <= size; i++) {
        struct token token = {.spell = i % 17 == 3};
        bool mark = i < size && (text[i] == '.' || text[i] == ',');
        if (i < size && text[i] != ' ' && text[i] != '\n' && !mark)
            continue;
        if (i > begin)
            tokens_add(&tokens, &token, text + begin, i - begin);
        token = (struct token){.kind = TOKEN_PUNCTUATION};
        if (mark)
            tokens_add(&tokens, &token, text + i, 1);
        begin = i + 1;
    }
    if (phonemes_add(pronouncer, &tokens, NULL) == LT_OK)
        for (size_t i = 0; i < tokens.count; i++) {
            const struct token *token = &tokens.items[i];
            if (token->phonemes_size == 0 && token->note == NULL && token->text_size > 0)
                abort();
            check_symbols(tokens.pool.data + token->phonemes, token->phonemes_size);
        }
    tokens_free(&tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pronouncer *pronouncer;
    const char *text = (const char *)data;
    if (pronouncer == NULL) {
        lt_config *config = lt_config_new();
        if (config == NULL || lt_config_set(config, "engine.data_folder", "/nonexistent", NULL) != LT_OK ||
            lt_config_set(config, "text.letter_to_sound", "flite", NULL) != LT_OK ||
            pronouncer_open(config, "en-US", &pronouncer, NULL) != LT_OK)
            abort();
        lt_config_free(config);
    }
    pronounce(pronouncer, text, size);
    for (int british = 0; british < 2; british++) {
        struct str out = {0};
        if (symbols_from_ipa(text, size, british, &out, NULL) == LT_OK)
            check_symbols(out.data, out.length);
        str_clear(&out);
        if (symbols_from_xsampa(text, size, british, &out, NULL) == LT_OK)
            check_symbols(out.data, out.length);
        str_free(&out);
    }
    struct user_lexicon *user;
    struct user_entry entry;
    if (user_lexicon_parse("fuzz", text, size, false, &user, NULL) == LT_OK &&
        user_lexicon_find(user, "word", 4, &entry) && entry.phonemes != NULL)
        check_symbols(entry.phonemes, strlen(entry.phonemes));
    user_lexicon_close(user);
    return 0;
}
