/* languages.c: Spanish, French, Hindi, Italian and Portuguese through espeak-ng. */
#include "text/languages.h"

#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "text/espeak.h"
#include "text/symbols.h"

struct language {
    const char *code, *voice, *name; /* voice NULL: not there yet */
};

static const struct language languages[] = {
    {"es", "es", "Spanish"},  {"fr", "fr", "French"},        {"hi", "hi", "Hindi"},
    {"it", "it", "Italian"},  {"pt", "pt-br", "Portuguese"}, {"ja", NULL, "Japanese"},
    {"zh", NULL, "Mandarin"}, {"cmn", NULL, "Mandarin"},
};

bool language_is(const char *code, const char *language)
{
    size_t size = strlen(language);
    return str_equal_nocase_n(code, language, size) &&
           (code[size] == '\0' || code[size] == '-' || code[size] == '_');
}

lt_status language_find(const char *code, const struct language **language, lt_error *error)
{
    *language = NULL;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++) {
        if (!language_is(code, languages[i].code))
            continue;
        if (languages[i].voice == NULL)
            return error_set(error, LT_ERR_UNSUPPORTED,
                             "%s cannot be pronounced yet: use en-US, en-GB, es, fr, hi, it or pt",
                             languages[i].name);
        *language = &languages[i];
        return error_none(error);
    }
    return error_set(error, LT_ERR_UNSUPPORTED,
                     "the language '%.40s' is not known: use en-US, en-GB, es, fr, hi, it or pt", code);
}

const char *language_code(const struct language *language)
{
    return language->code;
}

lt_status language_open(const char *code, const struct language **language, lt_error *error)
{
    lt_status status = language_find(code, language, error);
    if (status != LT_OK || espeak_has_voice((*language)->voice))
        return status;
    return error_set(
        error, LT_ERR_UNSUPPORTED,
        "%s needs espeak-ng, which is not in this build or not installed: install it and build again",
        (*language)->name);
}

/* misaki's letters for sounds that espeak-ng writes as two tied ones. */
static const struct {
    char tied[8];
    char symbol[4];
} tied_sounds[] = {{"a^ɪ", "I"}, {"a^ʊ", "W"}, {"d^z", "ʣ"}, {"d^ʒ", "ʤ"}, {"e^ɪ", "A"}, {"o^ʊ", "O"},
                   {"ə^ʊ", "Q"}, {"s^s", "S"}, {"t^s", "ʦ"}, {"t^ʃ", "ʧ"}, {"ɔ^ɪ", "Y"}};

/* Appends one word of espeak-ng's IPA to `out` in Kokoro's symbols; what the vocabulary lacks is left out. */
static void put_ipa(const char *ipa, size_t size, struct str *out)
{
    bool flag = false; /* inside "(en)", a note of a change of language */
    for (size_t i = 0; i < size;) {
        bool found = false;
        for (size_t t = 0; t < sizeof tied_sounds / sizeof *tied_sounds && !found; t++) {
            size_t length = strlen(tied_sounds[t].tied);
            found = length <= size - i && memcmp(ipa + i, tied_sounds[t].tied, length) == 0;
            if (found) {
                str_puts(out, tied_sounds[t].symbol);
                i += length;
            }
        }
        if (found)
            continue;
        uint32_t c;
        size_t length = utf8_decode(ipa + i, size - i, &c);
        if (length == 0)
            return;
        if (c == '(' || c == ')')
            flag = c == '(';
        else if (!flag && c != '^' && c != '-' && symbol_of(c) != SYMBOL_NONE)
            str_append(out, ipa + i, length);
        i += length;
    }
}

static void put_phonemes(struct tokens *tokens, struct token *token, const char *ipa, size_t size)
{
    token->phonemes = (uint32_t)tokens->pool.length;
    put_ipa(ipa, size, &tokens->pool);
    token->phonemes_size = (uint32_t)(tokens->pool.length - token->phonemes);
    token->phoneme_origin = PHONEMES_LTS;
    token->note = token->phonemes_size > 0 ? "espeak-ng" : "nothing in it can be said";
}

static size_t count_words(const char *ipa)
{
    size_t words = *ipa != '\0';
    for (; *ipa != '\0'; ipa++)
        words += *ipa == ' ';
    return words;
}

/* Appends the words of tokens [begin, end), separated by spaces; returns how many. */
static size_t join_words(const struct tokens *tokens, size_t begin, size_t end, struct str *text)
{
    size_t words = 0;
    for (size_t i = begin; i < end; i++) {
        const struct token *token = &tokens->items[i];
        if (token->kind != TOKEN_WORD)
            continue;
        if (words++ > 0)
            str_putc(text, ' ');
        str_append(text, tokens->pool.data + token->text, token->text_size);
    }
    return words;
}

/* Says the tokens of a run one by one. */
static void say_singly(const struct language *language, struct tokens *tokens, size_t begin, size_t end)
{
    struct str word = {0}, ipa = {0};
    for (size_t i = begin; i < end; i++) {
        struct token *token = &tokens->items[i];
        if (token->kind != TOKEN_WORD)
            continue;
        str_clear(&word);
        str_clear(&ipa);
        str_append(&word, tokens->pool.data + token->text, token->text_size);
        if (!word.failed && word.length > 0)
            espeak_ipa(language->voice, word.data, &ipa);
        put_phonemes(tokens, token, ipa.data == NULL ? "" : ipa.data, ipa.length);
        tokens->failed = tokens->failed || word.failed || ipa.failed;
    }
    str_free(&word);
    str_free(&ipa);
}

/* Says the words of tokens [begin, end) together; one by one where espeak-ng joins or splits words. */
static void say_run(const struct language *language, struct tokens *tokens, size_t begin, size_t end)
{
    struct str text = {0}, ipa = {0};
    size_t words = join_words(tokens, begin, end, &text);
    if (words > 0 && !text.failed)
        espeak_ipa(language->voice, text.data, &ipa);
    if (text.failed || ipa.failed)
        tokens->failed = true;
    else if (ipa.data == NULL || count_words(ipa.data) != words) {
        say_singly(language, tokens, begin, end);
    } else {
        const char *at = ipa.data;
        for (size_t i = begin; i < end; i++) {
            if (tokens->items[i].kind != TOKEN_WORD)
                continue;
            size_t size = strcspn(at, " ");
            put_phonemes(tokens, &tokens->items[i], at, size);
            at += size + (at[size] == ' ');
        }
    }
    str_free(&text);
    str_free(&ipa);
}

void language_add(const struct language *language, struct tokens *tokens)
{
    size_t begin = 0;
    for (size_t i = 0; i <= tokens->count; i++) {
        struct token *token = i < tokens->count ? &tokens->items[i] : NULL;
        if (token != NULL &&
            (token->kind == TOKEN_DROPPED || (token->kind == TOKEN_WORD && token->phonemes_size == 0)))
            continue;
        if (i > begin)
            say_run(language, tokens, begin, i);
        begin = i + 1;
        if (token != NULL && token->kind == TOKEN_PUNCTUATION && token->phonemes_size == 0) {
            token->phonemes = token->text;
            token->phonemes_size = token->text_size;
        }
    }
}
