/* phonemes.c: the pronunciation stage over a list of tokens. */
#include "text/phonemes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/file.h"
#include "base/memo.h"
#include "base/utf8.h"
#include "text/g2p.h"
#include "text/homographs.h"
#include "text/languages.h"
#include "text/said.h"
#include "text/user_lexicon.h"

struct pronouncer {
    bool english;
    const struct language *language; /* when not English */
    struct g2p g2p;
    struct lexicon *lexicon;
    struct letters *letters;
    const struct memo *memo; /* NULL: nothing is kept */
    char *user_path;         /* NULL: none */
    pthread_rwlock_t user_lock;
    struct user_lexicon *user; /* guarded by user_lock, as is how often it was replaced: */
    uint64_t generation;
};

const char *phoneme_origin_name(enum phoneme_origin origin)
{
    static const char *const names[] = {"none", "user lexicon", "gold lexicon",    "silver lexicon",
                                        "rule", "spelled",      "letter-to-sound", "given"};
    return names[origin];
}

/* Opens the compiled lexicon of the data folder when it is there. */
static lt_status open_lexicon(const lt_config *config, struct pronouncer *pronouncer, lt_error *error)
{
    struct str path = {0};
    file_data_folder(config_string(config, CONFIG_engine_data_folder), &path);
    str_puts(&path, "/lexicon.bin");
    lt_status status = error_none(error);
    if (path.failed)
        status = error_memory(error, "the lexicon");
    else if (access(path.data, F_OK) == 0)
        status = lexicon_open(path.data, &pronouncer->lexicon, error);
    str_free(&path);
    return status;
}

static lt_status open_english(const lt_config *config, bool british, struct pronouncer *pronouncer,
                              lt_error *error)
{
    const char *letters = config_string(config, CONFIG_text_letter_to_sound);
    pronouncer->english = true;
    lt_status status = letters_open(british, strcmp(letters, "flite") != 0, &pronouncer->letters, error);
    if (status == LT_OK && strcmp(letters, "espeak") == 0 &&
        strcmp(letters_name(pronouncer->letters), "espeak-ng") != 0)
        status = error_set(error, LT_ERR_UNSUPPORTED,
                           "text.letter_to_sound is 'espeak', but espeak-ng is not in this build or not "
                           "installed: use 'auto'");
    if (status == LT_OK)
        status = open_lexicon(config, pronouncer, error);
    pronouncer->g2p = (struct g2p){pronouncer->lexicon, british, pronouncer->letters};
    return status;
}

lt_status pronouncer_open(const lt_config *config, const char *language, struct pronouncer **pronouncer,
                          lt_error *error)
{
    *pronouncer = NULL;
    struct pronouncer *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "pronunciation");
    pthread_rwlock_init(&opened->user_lock, NULL);
    bool british = language_is(language, "en-gb") || language_is(language, "en_gb");
    lt_status status = language_is(language, "en") ? open_english(config, british, opened, error)
                                                   : language_open(language, &opened->language, error);
    const char *user = config_string(config, CONFIG_text_lexicon);
    if (status == LT_OK && *user != '\0') {
        opened->user_path = strdup(user);
        status = opened->user_path == NULL ? error_memory(error, "the user's lexicon")
                                           : user_lexicon_open(user, british, &opened->user, error);
    }
    if (status != LT_OK)
        pronouncer_close(opened);
    else
        *pronouncer = opened;
    return status;
}

void pronouncer_close(struct pronouncer *pronouncer)
{
    if (pronouncer == NULL)
        return;
    user_lexicon_close(pronouncer->user);
    lexicon_close(pronouncer->lexicon);
    letters_close(pronouncer->letters);
    pthread_rwlock_destroy(&pronouncer->user_lock);
    free(pronouncer->user_path);
    free(pronouncer);
}

void pronouncer_remember(struct pronouncer *pronouncer, const struct memo *memo)
{
    pronouncer->memo = memo;
}

/* Reads the user's lexicon again when its file has changed; one that cannot be read leaves the old one in
 * force. */
static void refresh_user(struct pronouncer *pronouncer)
{
    pthread_rwlock_rdlock(&pronouncer->user_lock);
    bool changed = user_lexicon_changed(pronouncer->user);
    pthread_rwlock_unlock(&pronouncer->user_lock);
    struct user_lexicon *fresh = NULL;
    if (!changed || user_lexicon_open(pronouncer->user_path, pronouncer->g2p.british, &fresh, NULL) != LT_OK)
        return;
    pthread_rwlock_wrlock(&pronouncer->user_lock);
    struct user_lexicon *old = pronouncer->user;
    pronouncer->user = fresh;
    pronouncer->generation++;
    pthread_rwlock_unlock(&pronouncer->user_lock);
    user_lexicon_close(old);
}

uint64_t pronouncer_generation(struct pronouncer *pronouncer)
{
    if (pronouncer->user_path == NULL)
        return 0;
    refresh_user(pronouncer);
    pthread_rwlock_rdlock(&pronouncer->user_lock);
    uint64_t generation = pronouncer->generation;
    pthread_rwlock_unlock(&pronouncer->user_lock);
    return generation;
}

/* Stores a pronunciation in a token, with the symbols that the published model was trained on: T for the
 * flap, t for the glottal stop. */
static void store(struct tokens *tokens, size_t index, struct g2p_result *result)
{
    struct token *token = &tokens->items[index];
    phones_replace(&result->phones, SYMBOL_FLAP, SYMBOL_T);
    phones_replace(&result->phones, SYMBOL_GLOTTAL, SYMBOL_t);
    token->phonemes = (uint32_t)tokens->pool.length;
    phones_write(&result->phones, &tokens->pool);
    token->phonemes_size = (uint32_t)(tokens->pool.length - token->phonemes);
    token->phoneme_origin = (uint8_t)result->origin;
    if (result->note != NULL && (token->note == NULL || token->origin == ORIGIN_TEXT))
        token->note = result->note; /* else what normalisation did says more */
}

/* A word from the user's lexicon: its phonemes, or the words to say instead. False: it has none. */
static bool from_user(struct pronouncer *pronouncer, const char *word, size_t size,
                      struct g2p_context context, struct g2p_result *result)
{
    struct user_entry entry;
    if (pronouncer->user == NULL || !user_lexicon_find(pronouncer->user, word, size, &entry))
        return false;
    *result = (struct g2p_result){.origin = PHONEMES_USER_LEXICON, .note = "your lexicon"};
    if (entry.phonemes != NULL)
        return phones_parse(entry.phonemes, strlen(entry.phonemes), &result->phones, NULL);
    for (const char *part = entry.words; *part != '\0';) {
        size_t length = strcspn(part, " \t");
        struct g2p_result said;
        if (length > 0 && pronouncer->english &&
            g2p_word(&pronouncer->g2p, part, length, tagger_guess(part, length), STRESS_UNSET, context,
                     &said)) {
            if (result->phones.count > 0)
                phones_put(&result->phones, SYMBOL_SPACE);
            phones_append(&result->phones, said.phones.id, said.phones.count);
        }
        part += length + strspn(part + length, " \t");
    }
    return result->phones.count > 0;
}

/* Longest word that is looked at; the rest of a longer one is not said. */
#define WORD_BYTES 250

static int stress_of(const struct token *token)
{
    return token->has_stress ? (int)(token->stress * 2) : STRESS_UNSET;
}

/* Whether the token is the 2 of "B2B" or "text2speech", which stands for "to"; in "H2O" and "R2D2" it is a number. */
static bool is_joining_two(const struct tokens *tokens, size_t index)
{
    const struct token *t = &tokens->items[index];
    const char *pool = tokens->pool.data;
    if (index == 0 || index + 1 == tokens->count || t->origin != ORIGIN_NORMALIZED || t->note == NULL ||
        strcmp(t->note, "serial") != 0 || t->text_size != 3 || memcmp(pool + t->text, "two", 3) != 0 ||
        t->source_end - t->source_begin != 1)
        return false;
    const struct token *before = t - 1, *after = t + 1;
    if (before->kind != TOKEN_WORD || after->kind != TOKEN_WORD || before->source_end != t->source_begin ||
        after->source_begin != t->source_end || !char_is_alpha(pool[before->text + before->text_size - 1]) ||
        !char_is_alpha(pool[after->text]))
        return false;
    bool more = (index > 1 && before[-1].source_end == before->source_begin) ||
                (index + 2 < tokens->count && after[1].source_begin == after->source_end &&
                 after[1].kind == TOKEN_WORD);
    bool element = before->text_size == 1 && after->text_size == 1 &&
                   strchr("HND", pool[before->text]) != NULL && strchr("OS", pool[after->text]) != NULL;
    return !more && !element;
}

/* Pronounces one English word token; updates the context. */
static void say_token(struct pronouncer *pronouncer, struct tokens *tokens, size_t index,
                      struct g2p_context *context)
{
    const struct token *token = &tokens->items[index];
    char word[WORD_BYTES];
    size_t size = token->text_size <= sizeof word ? token->text_size
                                                  : utf8_floor(tokens->pool.data + token->text, sizeof word);
    enum pos_tag tag = token->tag;
    struct g2p_result result;
    memcpy(word, tokens->pool.data + token->text, size);
    if (is_joining_two(tokens, index)) { /* as misaki has it */
        memcpy(word, "to", size = 2);
        tag = POS_TO;
    }
    bool said = from_user(pronouncer, word, size, *context, &result);
    if (!said && token->spell)
        said = g2p_spell(&pronouncer->g2p, word, size, &result);
    if (!said)
        said = homograph_say(tokens, index, pronouncer->g2p.british, &result) ||
               g2p_word(&pronouncer->g2p, word, size, tag, stress_of(token), *context, &result);
    if (!said) {
        tokens->items[index].note = "nothing in it can be said";
        return;
    }
    if (size < token->text_size)
        result.note = "too long: only its beginning is said";
    store(tokens, index, &result);
    *context = g2p_next_context(*context, &result.phones, word, size, tag);
}

/* Context that a token with phonemes already leaves: given ones, or punctuation. */
static void pass_token(struct tokens *tokens, size_t index, struct g2p_context *context)
{
    struct token *token = &tokens->items[index];
    const char *text = tokens->pool.data;
    struct phones phones;
    size_t bad = 0;
    if (token->kind == TOKEN_PAUSE) {
        *context = (struct g2p_context){0};
        return;
    }
    if (token->kind == TOKEN_PUNCTUATION && token->phonemes_size == 0) {
        token->phonemes = token->text;
        token->phonemes_size = token->text_size;
    }
    phones_parse(text + token->phonemes, token->phonemes_size, &phones, &bad);
    *context = g2p_next_context(*context, &phones, text + token->text, token->text_size, token->tag);
}

static void add_english(struct pronouncer *pronouncer, struct tokens *tokens)
{
    struct g2p_context context = {0};
    tagger_tag(tokens);
    homographs_tag(tokens);
    for (size_t i = tokens->count; i-- > 0;) {
        const struct token *token = &tokens->items[i];
        if (token->kind == TOKEN_DROPPED)
            continue;
        if (token->kind != TOKEN_WORD || token->phonemes_size > 0)
            pass_token(tokens, i, &context);
        else
            say_token(pronouncer, tokens, i, &context);
    }
}

static void pronounce(struct pronouncer *pronouncer, struct tokens *tokens)
{
    if (pronouncer->english)
        add_english(pronouncer, tokens);
    else
        language_add(pronouncer->language, tokens);
}

/* Tokens whose phonemes may be kept. */
struct saying {
    struct pronouncer *pronouncer;
    struct tokens *tokens;
    bool made; /* they were not */
};

static bool say_anew(void *user, struct str *value)
{
    struct saying *saying = user;
    pronounce(saying->pronouncer, saying->tokens);
    saying->made = true;
    said_write(saying->tokens, value);
    return !saying->tokens->failed && !saying->tokens->pool.failed;
}

/* Takes what was made of the same tokens before, or makes it and has it kept. The user's lexicon is
 * locked. */
static void pronounce_or_recall(struct pronouncer *pronouncer, struct tokens *tokens)
{
    const struct memo *memo = pronouncer->memo;
    const uintptr_t whose[] = {(uintptr_t)pronouncer, (uintptr_t)pronouncer->generation};
    struct saying saying = {.pronouncer = pronouncer, .tokens = tokens};
    struct str key = {0}, value = {0};
    str_append(&key, whose, sizeof whose);
    said_key(tokens, &key);
    if (key.failed)
        tokens->failed = true;
    else
        memo->recall(memo->user, MEMO_PHONEMES, key.data, key.length, say_anew, &saying, &value);
    if (!key.failed && !saying.made && value.failed)
        tokens->failed = true;
    else if (!key.failed && !saying.made)
        said_read(&value, tokens);
    str_free(&key);
    str_free(&value);
}

lt_status phonemes_add(struct pronouncer *pronouncer, struct tokens *tokens, lt_error *error)
{
    if (pronouncer->user_path != NULL)
        refresh_user(pronouncer);
    pthread_rwlock_rdlock(&pronouncer->user_lock);
    if (pronouncer->memo != NULL && tokens->count > 0)
        pronounce_or_recall(pronouncer, tokens);
    else
        pronounce(pronouncer, tokens);
    pthread_rwlock_unlock(&pronouncer->user_lock);
    if (tokens->failed || tokens->pool.failed)
        return error_memory(error, "phonemes");
    return error_none(error);
}
