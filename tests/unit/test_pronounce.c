/* test_pronounce.c: the lexicon file, the rules on it, the tagger, the user's lexicon and the other
 * languages. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>

#include "../text_source.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "engine/note.h"
#include "text/espeak.h"
#include "text/frontend.h"
#include "text/g2p.h"
#include "text/lexicon.h"
#include "text/phonemes.h"
#include "text/symbols.h"
#include "text/user_lexicon.h"

/* A folder of our own with lexicon.bin, compiled from the reference data; empty when that is absent. */
static char folder[256], sources[LEXICON_PARTS][512];
static bool have_lexicons;

static const char *const part_names[LEXICON_PARTS] = {"us_gold", "us_silver", "gb_gold", "gb_silver"};

static int set_up(void **state)
{
    (void)state;
    const char *shared = getenv("LITETTS_TEST_SHARED"), *paths[LEXICON_PARTS];
    snprintf(folder, sizeof folder, "/tmp/litetts-pronounce-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    have_lexicons = shared != NULL;
    for (int i = 0; i < LEXICON_PARTS && have_lexicons; i++) {
        snprintf(sources[i], sizeof sources[i], "%s/data/misaki/%s.json", shared, part_names[i]);
        paths[i] = sources[i];
        have_lexicons = access(paths[i], R_OK) == 0;
    }
    if (!have_lexicons) {
        puts("the reference lexicons are absent ($LITETTS_TEST_SHARED/data/misaki): tests of them are "
             "skipped");
        return 0;
    }
    char out[300];
    lt_error error;
    snprintf(out, sizeof out, "%s/lexicon.bin", folder);
    if (lexicon_compile(paths, out, &error) != LT_OK) {
        puts(error.message);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char path[300];
    snprintf(path, sizeof path, "%s/lexicon.bin", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/words.txt", folder);
    unlink(path);
    return rmdir(folder);
}

static void need_lexicons(void)
{
    if (!have_lexicons)
        skip();
}

static struct lexicon *open_lexicon(void)
{
    char path[300];
    struct lexicon *lexicon;
    lt_error error;
    snprintf(path, sizeof path, "%s/lexicon.bin", folder);
    if (lexicon_open(path, &lexicon, &error) != LT_OK)
        fail_msg("%s", error.message);
    return lexicon;
}

static struct pronouncer *open_pronouncer(const char *language, const char *user)
{
    lt_config *config = lt_config_new();
    lt_error error;
    struct pronouncer *pronouncer;
    assert_int_equal(lt_config_set(config, "engine.data_folder", folder, &error), LT_OK);
    assert_int_equal(lt_config_set(config, "text.letter_to_sound", "flite", &error), LT_OK);
    if (user != NULL)
        assert_int_equal(lt_config_set(config, "text.lexicon", user, &error), LT_OK);
    if (pronouncer_open(config, language, &pronouncer, &error) != LT_OK)
        fail_msg("%s", error.message);
    lt_config_free(config);
    return pronouncer;
}

/* Splits at white space and marks, as normalisation hands a plain sentence on. Returns the token that
 * began with '*', which is removed. */
static size_t tokenize(const char *text, struct tokens *tokens)
{
    size_t starred = 0;
    while (*text != '\0') {
        struct token token = {0};
        size_t size = 1;
        if (*text == ' ') {
            if (tokens->count > 0)
                tokens->items[tokens->count - 1].space_after = true;
            text++;
            continue;
        }
        if (*text == '*') {
            starred = tokens->count;
            text++;
            continue;
        }
        if (strchr(".,!?;:\"()", *text) != NULL) {
            token.kind = TOKEN_PUNCTUATION;
        } else {
            size = strcspn(text, " ,!?;:\"()*");
            if (text[size - 1] == '.' && memchr(text, '.', size - 1) == NULL)
                size--;
        }
        tokens_add(tokens, &token, text, size);
        text += size;
        if (*text == '*')
            text++;
    }
    return starred;
}

/* Phonemes of a sentence, with its spaces, into *out. */
static void say(struct pronouncer *pronouncer, const char *text, struct str *out)
{
    struct tokens tokens = {0};
    lt_error error;
    tokenize(text, &tokens);
    assert_int_equal(phonemes_add(pronouncer, &tokens, &error), LT_OK);
    str_clear(out);
    for (size_t i = 0; i < tokens.count; i++) {
        str_append(out, tokens.pool.data + tokens.items[i].phonemes, tokens.items[i].phonemes_size);
        if (tokens.items[i].space_after)
            str_putc(out, ' ');
    }
    str_putc(out, '\0');
    tokens_free(&tokens);
}

static void assert_says(struct pronouncer *pronouncer, const char *text, const char *phonemes)
{
    struct str out = {0};
    say(pronouncer, text, &out);
    assert_string_equal(out.data, phonemes);
    str_free(&out);
}

/* ---- the lexicon file ---- */

static void assert_variant(const struct lexicon_entry *entry, enum lexicon_tag tag, const json_t *value)
{
    const struct lexicon_variant *variant = lexicon_variant(entry, tag);
    assert_non_null(variant);
    assert_int_equal(variant->spelled, json_is_null(value));
    if (variant->spelled)
        return;
    struct phones phones = {0};
    struct str text = {0};
    phones_append(&phones, variant->ids, variant->size);
    phones_write(&phones, &text);
    assert_string_equal(text.data == NULL ? "" : text.data, json_string_value(value));
    str_free(&text);
}

static bool count_word(void *user, const char *word, size_t size, const struct lexicon_entry *entry)
{
    (void)word, (void)size, (void)entry;
    ++*(size_t *)user;
    return true;
}

static void the_file_holds_every_word_as_published(void **state)
{
    (void)state;
    static const char *const tags[LEXICON_TAGS] = {"DEFAULT", "None", "NOUN", "VERB", "ADJ",
                                                   "ADV",     "VBD",  "VBN",  "VBP",  "DT"};
    need_lexicons();
    double start = clock_thread_seconds(); /* of work: what else the machine does is not ours */
    struct lexicon *lexicon = open_lexicon();
    assert_true(clock_thread_seconds() - start < 0.05);
    struct stat info;
    char path[300];
    snprintf(path, sizeof path, "%s/lexicon.bin", folder);
    assert_int_equal(stat(path, &info), 0);
    assert_true(info.st_size <= 16 << 20);
    for (int part = 0; part < LEXICON_PARTS; part++) {
        json_t *root = json_load_file(sources[part], 0, NULL), *value;
        const char *word;
        size_t words = 0;
        assert_non_null(root);
        lexicon_walk(lexicon, part, count_word, &words);
        assert_int_equal(words, json_object_size(root));
        json_object_foreach(root, word, value)
        {
            struct lexicon_entry entry;
            if (!lexicon_find_exact(lexicon, part, word, strlen(word), &entry))
                fail_msg("%s is not in %s", word, part_names[part]);
            if (!json_is_object(value)) {
                assert_int_equal(entry.count, 1);
                assert_variant(&entry, LEXICON_DEFAULT, value);
                continue;
            }
            assert_int_equal(entry.count, json_object_size(value));
            for (int tag = 0; tag < LEXICON_TAGS; tag++)
                if (json_object_get(value, tags[tag]) != NULL)
                    assert_variant(&entry, tag, json_object_get(value, tags[tag]));
        }
        json_decref(root);
    }
    assert_false(lexicon_find_exact(lexicon, LEXICON_US_GOLD, "litettsy", 8, NULL));
    lexicon_close(lexicon);
}

/* What misaki's lexicon holds for a word once it has added the capitalised and lower-case forms
 * (grow_dictionary). */
static const json_t *grown(const json_t *root, const char *word)
{
    const json_t *value = json_object_get(root, word);
    char other[80];
    size_t size = strlen(word);
    if (value != NULL || size < 2)
        return value;
    for (size_t i = 1; i < size; i++)
        if (word[i] >= 'A' && word[i] <= 'Z')
            return NULL;
    memcpy(other, word, size + 1);
    if (word[0] >= 'a' && word[0] <= 'z')
        other[0] = (char)(word[0] - 32);
    else if (word[0] >= 'A' && word[0] <= 'Z')
        other[0] = (char)(word[0] + 32);
    else
        return NULL;
    return json_object_get(root, other);
}

static void every_word_is_said_as_misaki_does_by_default(void **state)
{
    (void)state;
    need_lexicons();
    struct lexicon *lexicon = open_lexicon();
    for (int british = 0; british < 2; british++) {
        struct g2p g2p = {lexicon, british, NULL};
        json_t *gold = json_load_file(sources[2 * british], 0, NULL),
               *silver = json_load_file(sources[2 * british + 1], 0, NULL);
        json_t *const both[] = {gold, silver};
        for (int part = 0; part < 2; part++) {
            const char *word;
            json_t *value;
            json_object_foreach(both[part], word, value)
            {
                const json_t *expected = part == 0                   ? value
                                         : grown(gold, word) != NULL ? grown(gold, word)
                                                                     : value;
                if (json_is_object(expected))
                    expected = json_object_get(expected, "DEFAULT");
                struct g2p_result result;
                struct g2p_context middle = {FUTURE_CONSONANT, false};
                struct str text = {0};
                assert_true(g2p_lookup(&g2p, word, strlen(word), POS_NONE, STRESS_UNSET, middle, &result));
                phones_write(&result.phones, &text);
                if (strcmp(text.data, json_string_value(expected)) != 0)
                    fail_msg("%s: %s, not %s", word, text.data, json_string_value(expected));
                str_free(&text);
            }
        }
        json_decref(gold);
        json_decref(silver);
    }
    lexicon_close(lexicon);
}

static void a_damaged_file_is_refused_or_harmless(void **state)
{
    (void)state;
    need_lexicons();
    char path[300];
    struct str bytes = {0};
    struct lexicon *lexicon;
    lt_error error;
    snprintf(path, sizeof path, "%s/lexicon.bin", folder);
    assert_int_equal(file_read(path, 16 << 20, &bytes, &error), LT_OK);
    for (size_t size = 0; size < bytes.length; size += 1 + size / 2) {
        assert_int_equal(lexicon_open_bytes(bytes.data, size, &lexicon, &error), LT_ERR_MODEL);
        assert_non_null(strstr(error.message, "litetts pull"));
    }
    /* any byte may be wrong: nothing outside the file is read */
    char *copy = malloc(bytes.length);
    assert_non_null(copy);
    uint32_t random = 1;
    for (int round = 0; round < 40; round++) {
        memcpy(copy, bytes.data, bytes.length);
        for (int i = 0; i < 2000; i++) {
            random = random * 1664525 + 1013904223;
            size_t at = i < 60 ? 12 + random % 68 : random % bytes.length;
            copy[round % 4 == 0 ? at : 80 + random % (bytes.length - 80)] = (char)(random >> 16);
        }
        if (lexicon_open_bytes(copy, bytes.length, &lexicon, &error) != LT_OK)
            continue;
        static const char *const words[] = {
            "the", "read", "Kokoro", "misspelt", "a", "antidisestablishmentarianism", "of"};
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            for (int part = 0; part < LEXICON_PARTS; part++) {
                struct lexicon_entry entry;
                lexicon_find(lexicon, part, words[w], strlen(words[w]), &entry);
            }
        lexicon_close(lexicon);
    }
    free(copy);
    str_free(&bytes);
}

static void write_text(const char *path, const char *text)
{
    lt_error error;
    assert_int_equal(file_replace(path, text, strlen(text), &error), LT_OK);
}

static void a_file_that_is_no_lexicon_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *sentence;
    } cases[] = {
        {"[]", "no JSON object"},
        {"{\"a\":", "cannot read the lexicon"},
        {"{\"word\": \"w5d\"}", "the word 'word'"},
        {"{\"word\": {\"VERB\": \"wɜɹd\"}}", "no DEFAULT"},
        {"{\"word\": {\"DEFAULT\": \"wɜɹd\", \"XYZ\": \"wɜɹd\"}}", "unknown tag"},
        {"{\"word\": 5}", "the word 'word'"},
        {"{\"\": \"wɜɹd\"}", "empty"},
    };
    char json[300], out[300];
    const char *paths[LEXICON_PARTS] = {json, json, json, json};
    lt_error error;
    snprintf(json, sizeof json, "%s/words.txt", folder);
    snprintf(out, sizeof out, "%s/none.bin", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(json, cases[i].json);
        assert_int_not_equal(lexicon_compile(paths, out, &error), LT_OK);
        if (strstr(error.message, cases[i].sentence) == NULL)
            fail_msg("%s: %s", cases[i].json, error.message);
        assert_int_not_equal(access(out, F_OK), 0);
    }
    unlink(json);
    assert_int_equal(lexicon_compile(paths, out, &error), LT_ERR_IO);
}

/* ---- symbols ---- */

static void the_vocabulary_is_the_published_one(void **state)
{
    (void)state;
    char path[512];
    const char *shared = getenv("LITETTS_TEST_SHARED");
    snprintf(path, sizeof path, "%s/data/kokoro/vocab.json", shared == NULL ? "" : shared);
    json_t *vocabulary = json_load_file(path, 0, NULL), *value;
    if (vocabulary == NULL) {
        printf("%s is absent: skipped\n", path);
        skip();
    }
    const char *symbol;
    json_object_foreach(vocabulary, symbol, value)
    {
        uint32_t codepoint;
        utf8_decode(symbol, strlen(symbol), &codepoint);
        assert_string_equal(symbol_text((uint8_t)json_integer_value(value)), symbol);
        assert_int_equal(symbol_of(codepoint), codepoint == '$' ? 0 : json_integer_value(value));
    }
    size_t known = 0;
    for (unsigned id = 0; id < 256; id++)
        known += *symbol_text((uint8_t)id) != '\0';
    assert_int_equal(known, json_object_size(vocabulary));
    json_decref(vocabulary);
}

static void ipa_and_x_sampa_become_symbols(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        bool xsampa, british;
        const char *to;
    } cases[] = {
        {"kˈOkəɹO", false, false, "kˈOkəɹO"}, /* already */
        {"ˈkoʊkəɹoʊ", false, false, "kˈOkəɹO"},
        {"ˈwʊstər", false, false, "wˈʊstəɹ"},
        {"təˈmeɪtoʊ", false, false, "təmˈAtO"},
        {"təˈmɑːtəʊ", false, true, "təmˈɑːtQ"},
        {"t͡ʃɜːt͡ʃ", false, false, "ʧɜɹʧ"},
        {"ˈdʒʌdʒ", false, true, "ʤˈʌʤ"},
        {"ˈbʌt.n̩", false, false, "bˈʌtᵊn"},
        {"ˈɡɹiːn ˈhaʊs", false, false, "ɡɹˈin hˈWs"},
        {"pəˈkɑːn", false, false, "pəkˈɑn"},
        {"bɛd", false, false, "bɛd"},
        {"bed", false, true, "bɛd"},
        {"kæt", false, true, "kat"},
        {"t@\"meItoU", true, false, "təmˈAtO"},
        {"\"tS3:tS", true, true, "ʧˈɜːʧ"},
        {"\"wUst@r\\", true, false, "wˈʊstəɹ"},
        {"\"{p@l", true, false, "ˈæpəl"},
        {"%In.f@r\\\"meI.S@n", true, false, "ˌɪnfəɹmˈAʃən"},
        {"", false, false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str out = {0};
        lt_error error;
        lt_status status = (cases[i].xsampa ? symbols_from_xsampa : symbols_from_ipa)(
            cases[i].from, strlen(cases[i].from), cases[i].british, &out, &error);
        if (status != LT_OK)
            fail_msg("%s: %s", cases[i].from, error.message);
        assert_string_equal(out.data == NULL ? "" : out.data, cases[i].to);
        str_free(&out);
    }
    struct str out = {0};
    lt_error error;
    assert_int_equal(symbols_from_ipa("ba5", 3, false, &out, &error), LT_ERR_TEXT);
    assert_non_null(strstr(error.message, "'5'"));
    assert_int_equal(symbols_from_ipa("b\xff", 2, false, &out, &error), LT_ERR_TEXT);
    str_free(&out);
}

/* ---- sentences ---- */

/* The corpora: lines of fields between " | "; '#' begins a comment. */
static FILE *open_corpus(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/tests/corpus/%s", getenv("LITETTS_TEST_SOURCE"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static bool next_line(FILE *file, char *line, size_t size, char *fields[], int count)
{
    do {
        if (fgets(line, (int)size, file) == NULL)
            return false;
        line[strcspn(line, "\n")] = '\0';
    } while (line[0] == '#' || line[0] == '\0');
    for (int i = 0; i < count; i++) {
        fields[i] = line;
        line = strstr(line, " | ");
        assert_true((line == NULL) == (i + 1 == count));
        if (line != NULL) {
            *line = '\0';
            line += 3;
        }
    }
    return true;
}

/* Whether the word between asterisks is said so. */
static bool is_said(struct pronouncer *pronouncer, const char *sentence, const char *phonemes)
{
    struct tokens tokens = {0};
    size_t starred = tokenize(sentence, &tokens);
    assert_int_equal(phonemes_add(pronouncer, &tokens, NULL), LT_OK);
    const struct token *token = &tokens.items[starred];
    const char *said = tokens.pool.data + token->phonemes;
    bool right =
        token->phonemes_size == strlen(phonemes) && memcmp(said, phonemes, token->phonemes_size) == 0;
    if (!right)
        printf("%s: %.*s, not %s\n", sentence, (int)token->phonemes_size, said, phonemes);
    tokens_free(&tokens);
    return right;
}

static void ambiguous_words_are_said_as_their_sentence_asks(void **state)
{
    (void)state;
    need_lexicons();
    struct pronouncer *pronouncer = open_pronouncer("en-US", NULL);
    FILE *file = open_corpus("ambiguous.txt");
    char line[1024], *fields[2];
    int sentences = 0, wrong = 0;
    for (; next_line(file, line, sizeof line, fields, 2); sentences++)
        wrong += !is_said(pronouncer, fields[0], fields[1]);
    fclose(file);
    pronouncer_close(pronouncer);
    assert_int_equal(wrong, 0);
    assert_true(sentences >= 300);
}

/* British homographs; contractions and elisions in both accents. */
static void words_are_said_in_both_accents(void **state)
{
    (void)state;
    need_lexicons();
    struct pronouncer *american = open_pronouncer("en-US", NULL), *british = open_pronouncer("en-GB", NULL);
    FILE *file = open_corpus("said.txt");
    char line[1024], *fields[3];
    int sentences = 0, wrong = 0;
    for (; next_line(file, line, sizeof line, fields, 3); sentences++)
        wrong += !is_said(strcmp(fields[0], "gb") == 0 ? british : american, fields[1], fields[2]);
    fclose(file);
    pronouncer_close(american);
    pronouncer_close(british);
    assert_int_equal(wrong, 0);
    assert_true(sentences >= 300);
}

/* The whole way from text to phonemes. Where misaki's README has an example of the same kind the symbols
 * are its own, in the alphabet of the published model (T for the flap). */
static void whole_texts_are_said(void **state)
{
    (void)state;
    need_lexicons();
    static const char *const cases[][2] = {
        {"[Misaki](/misˈɑki/) is a G2P engine", "misˈɑki ɪz ɐ ʤˈi tə pˈi ˈɛnʤən"}, /* 2 between letters: to */
        {"a B2B deal", "ɐ bˈi tə bˈi dˈil"},
        {"text2speech", "tˈɛkst tə spˈiʧ"},
        {"A2A", "ˈA tʊ ˈA"},
        {"H2O", "ˈAʧ tˈu ˈO"}, /* not these */
        {"R2D2", "ˈɑɹ tˈu dˈi tˈu"},
        {"CO2", "sˌiˈO tˈu"},
        {"th’ end o’ th’ road", "ði ˈɛnd ˈʌ ðə ɹˈOd"},
        {"I’m, it’s, doesn’t, they’re, you’ve", "ˌIm, ɪts, dˈʌzᵊnt, ðɛɹ, juv"},
        {"told tales", "tˈOld tˈAlz"},
        {"the letter", "ðə lˈɛTəɹ"},
        {"<speak>a <lang xml:lang='en-GB'>tomato</lang> <lang xml:lang='ja'>tomato</lang></speak>",
         "ɐ təmˈɑːtQ təmˈATO."},
        {"<speak>say <lang xml:lang='fr-FR'>bonjour</lang> 5</speak>", "sˈA bɔ̃ʒˈuʁ fˈIv."},
    };
    lt_config *config = lt_config_new();
    struct frontend *frontend;
    lt_error error;
    assert_int_equal(lt_config_set(config, "engine.data_folder", folder, &error), LT_OK);
    assert_int_equal(frontend_open(config, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text_source source = {cases[i][0], strlen(cases[i][0]), 0};
        struct text_options options = {.phonemes = true, .max_symbols = 500, .language = "en-US"};
        struct text_stream *stream;
        const struct text_chunk *chunk;
        if (strncmp(cases[i][0], "<speak>", 7) == 0)
            options.input = LT_INPUT_SSML;
        if (strstr(cases[i][0], "fr-FR") != NULL && !espeak_has_voice("fr"))
            continue;
        assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error),
                         LT_OK);
        assert_int_equal(text_stream_next(stream, &chunk, &error), LT_OK);
        assert_non_null(chunk);
        assert_string_equal(chunk->phonemes, cases[i][1]);
        text_stream_close(stream);
    }
    frontend_close(frontend);
    lt_config_free(config);
}

/* Symbols that have to be changed, inserted or deleted to make `a` of `b` (Levenshtein); without stress
 * marks when asked. */
static size_t distance(const char *a, const char *b, bool stress, size_t *length)
{
    static uint8_t x[1024], y[1024];
    static size_t row[1025];
    size_t nx = 0, ny = 0;
    for (int which = 0; which < 2; which++)
        for (const char *at = which == 0 ? a : b; *at != '\0';) {
            uint32_t c;
            size_t size = utf8_decode(at, strlen(at), &c);
            uint8_t id = symbol_of(c);
            if (stress || (id != SYMBOL_PRIMARY && id != SYMBOL_SECONDARY))
                *(which == 0 ? &x[nx++] : &y[ny++]) = id;
            at += size;
        }
    for (size_t j = 0; j <= ny; j++)
        row[j] = j;
    for (size_t i = 1; i <= nx; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= ny; j++) {
            size_t up = row[j], best = diagonal + (x[i - 1] != y[j - 1]);
            if (up + 1 < best)
                best = up + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = up;
            row[j] = best;
        }
    }
    *length += ny;
    return row[ny];
}

static void running_text_is_said_as_misaki_says_it(void **state)
{
    (void)state;
    need_lexicons();
    struct pronouncer *us = open_pronouncer("en-US", NULL), *gb = open_pronouncer("en-GB", NULL);
    FILE *file = open_corpus("pronunciation.txt");
    char line[2048], *fields[3];
    size_t sentences = 0, errors = 0, bare_errors = 0, symbols = 0, bare_symbols = 0;
    for (; next_line(file, line, sizeof line, fields, 3); sentences++) {
        struct str out = {0};
        say(strcmp(fields[0], "gb") == 0 ? gb : us, fields[1], &out);
        size_t wrong = distance(out.data, fields[2], true, &symbols);
        bare_errors += distance(out.data, fields[2], false, &bare_symbols);
        errors += wrong;
        if (wrong > 0)
            printf("%s\n  %s, not\n  %s\n", fields[1], out.data, fields[2]);
        str_free(&out);
    }
    fclose(file);
    pronouncer_close(us);
    pronouncer_close(gb);
    printf("phoneme error rate: %.2f %% with stress, %.2f %% without, of %zu symbols\n",
           100.0 * (double)errors / (double)symbols, 100.0 * (double)bare_errors / (double)bare_symbols,
           symbols);
    assert_true(sentences >= 200);
    assert_true((double)errors < 0.02 * (double)symbols);
    assert_true((double)bare_errors < 0.01 * (double)bare_symbols);
}

/* ---- the user's lexicon ---- */

static void the_users_lexicon_comes_first(void **state)
{
    (void)state;
    need_lexicons();
    char path[300];
    snprintf(path, sizeof path, "%s/words.txt", folder);
    write_text(path, "\xef\xbb\xbf# mine\n\nKokoro  /ˈkɑkəɹoʊ/\r\nnginx\tengine x\nthe /ðˈi/\nthe /ðˈʌ/\n");
    struct pronouncer *pronouncer = open_pronouncer("en-US", path);
    assert_says(pronouncer, "Kokoro nginx the dog.", "kˈɑkəɹO ˈɛnʤən ˈɛks ðˈʌ dˈɔɡ.");
    assert_says(pronouncer, "Nginx.", "ˈɛnʤən ˈɛks."); /* lower case serves every case */
    assert_says(pronouncer, "kokoro.", "kˈOkəɹO.");    /* a capital does not */
    write_text(path, "dog /kˈæt/\n");
    assert_says(pronouncer, "the dog.", "ðə kˈæt."); /* read again */
    write_text(path, "dog\n");
    assert_says(pronouncer, "the dog.", "ðə kˈæt."); /* a broken one is not */
    pronouncer_close(pronouncer);
}

static void a_broken_users_lexicon_is_told_by_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *sentence;
    } cases[] = {
        {"a b\nword\n", 9, "line 2 has a word but no pronunciation"},
        {"word /wɜɹd\n", 13, "line 1: phonemes stand between"},
        {"word /w5d/", 10, "line 1: '5'"},
        {"a b\nc d\nword\xff x", 15, "line 3 is not valid UTF-8"},
        {"a b\0c", 5, "line 1 has a NUL byte"},
        {"word //", 7, "line 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct user_lexicon *lexicon;
        lt_error error;
        assert_int_equal(
            user_lexicon_parse("mine.txt", cases[i].text, cases[i].size, false, &lexicon, &error),
            LT_ERR_TEXT);
        assert_null(lexicon);
        assert_non_null(strstr(error.message, "'mine.txt'"));
        if (strstr(error.message, cases[i].sentence) == NULL)
            fail_msg("%s", error.message);
    }
    struct user_lexicon *lexicon;
    lt_error error;
    assert_int_equal(user_lexicon_parse("empty", "", 0, false, &lexicon, &error), LT_OK);
    struct user_entry entry;
    assert_false(user_lexicon_find(lexicon, "a", 1, &entry));
    user_lexicon_close(lexicon);
    assert_int_equal(user_lexicon_open("/nonexistent/words.txt", false, &lexicon, &error), LT_ERR_IO);
}

/* ---- everything else ---- */

static void without_a_lexicon_flite_serves(void **state)
{
    (void)state;
    lt_config *config = lt_config_new();
    lt_error error;
    struct pronouncer *pronouncer;
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "text.letter_to_sound", "flite", &error);
    assert_int_equal(pronouncer_open(config, "en-US", &pronouncer, &error), LT_OK);
    assert_says(pronouncer, "The water is cold.", "ðə wˈɔTəɹ ɪz kˈOld.");
    assert_says(pronouncer, "Open the apple.", "ˈOpən ði ˈæpᵊl.");
    assert_says(pronouncer, "BBC", "bˌibˌisˈi");
    pronouncer_close(pronouncer);
    lt_config_free(config);
}

static void strange_words_are_said_or_noted(void **state)
{
    (void)state;
    struct pronouncer *pronouncer = open_pronouncer("en-US", NULL);
    struct tokens tokens = {0};
    struct token word = {0}, spelled = {.spell = true};
    static char huge[100000];
    memset(huge, 'a', sizeof huge);
    tokens_add(&tokens, &word, huge, sizeof huge);
    tokens_add(&tokens, &word, "\xff\xfe\x01", 3);
    tokens_add(&tokens, &word, "世界", 6);
    tokens_add(&tokens, &word, "'''---'''", 9);
    tokens_add(&tokens, &word, "x-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16-17-18-19-20-21-22-23-24-25-26-27",
               73);
    tokens_add(&tokens, &spelled, "dvd7", 4);
    tokens_add(&tokens, &word, "", 0);
    tokens_add(&tokens, &word, "1234567890123456789012345678901234567890", 40);
    assert_int_equal(phonemes_add(pronouncer, &tokens, NULL), LT_OK);
    assert_true(tokens.items[0].phonemes_size > 0);
    assert_non_null(strstr(tokens.items[0].note, "too long"));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(tokens.items[i].phonemes_size, 0);
        assert_non_null(tokens.items[i].note);
    }
    assert_true(tokens.items[4].phonemes_size > 0);
    assert_int_equal(tokens.items[5].phoneme_origin, PHONEMES_SPELLED);
    assert_true(tokens.items[7].phonemes_size > 0);
    tokens_free(&tokens);
    pronouncer_close(pronouncer);
}

static void stress_marks_are_obeyed(void **state)
{
    (void)state;
    need_lexicons();
    struct pronouncer *pronouncer = open_pronouncer("en-US", NULL);
    struct tokens tokens = {0};
    struct token down = {.has_stress = true, .stress = -2}, up = {.has_stress = true, .stress = 2},
                 given = {0};
    tokens_add(&tokens, &down, "increase", 8);
    tokens_add(&tokens, &up, "or", 2);
    given.phonemes_size = 4;
    given.phoneme_origin = PHONEMES_GIVEN;
    struct token *last = tokens_add(&tokens, &given, "kˈæt", 5);
    last->phonemes = last->text;
    last->phonemes_size = 5;
    assert_int_equal(phonemes_add(pronouncer, &tokens, NULL), LT_OK);
    assert_memory_equal(tokens.pool.data + tokens.items[0].phonemes, "ɪnkɹis", tokens.items[0].phonemes_size);
    assert_memory_equal(tokens.pool.data + tokens.items[1].phonemes, "ˈɔɹ", tokens.items[1].phonemes_size);
    assert_int_equal(tokens.items[2].phoneme_origin, PHONEMES_GIVEN);
    tokens_free(&tokens);
    pronouncer_close(pronouncer);
}

static void espeak_leaves_the_locale_alone(void **state)
{
    (void)state;
    struct str said = {0};
    if (!espeak_has_voice("fr"))
        skip();
    assert_true(espeak_ipa("fr", "\u00c9COLE", &said)); /* whose capital only a UTF-8 locale knows */
    assert_string_equal(said.data, "ek\u02c8\u0254l");
    assert_string_equal(setlocale(LC_CTYPE, NULL), "C");
    str_free(&said);
}

static void other_languages_go_through_espeak_or_say_why_not(void **state)
{
    (void)state;
    lt_config *config = lt_config_new();
    lt_error error;
    struct pronouncer *pronouncer;
    assert_int_equal(pronouncer_open(config, "ja", &pronouncer, &error), LT_ERR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "Japanese cannot be pronounced yet"));
    assert_int_equal(pronouncer_open(config, "zh-CN", &pronouncer, &error), LT_ERR_UNSUPPORTED);
    assert_int_equal(pronouncer_open(config, "tlh", &pronouncer, &error), LT_ERR_UNSUPPORTED);
    if (!espeak_has_voice("fr")) {
        assert_int_equal(pronouncer_open(config, "es", &pronouncer, &error), LT_ERR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "espeak-ng"));
        lt_config_free(config);
        return;
    }
    static const struct {
        const char *language, *text, *phonemes;
    } cases[] = {
        {"es", "Hola, mundo.", "ˈola, mˈundo."},           {"es-ES", "Los coches.", "los kˈoʧes."},
        {"it", "Ciao, come stai?", "ʧˈao, kˌome stˈaj?"},  {"pt-BR", "Bom dia.", "bˈoŋ ʤˈiæ."},
        {"fr-FR", "Bonjour le monde.", "bɔ̃ʒˈuʁ lə mˈɔ̃d."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(pronouncer_open(config, cases[i].language, &pronouncer, &error), LT_OK);
        assert_says(pronouncer, cases[i].text, cases[i].phonemes);
        pronouncer_close(pronouncer);
    }
    lt_config_free(config);
}

static const char busy_text[] =
    "The zorbling quizzaciously read the wound, and unbeknownst frobnicators record the content.";

static void *say_often(void *user)
{
    struct str first = {0}, again = {0};
    say(user, busy_text, &first);
    for (int i = 0; i < 200; i++) {
        say(user, busy_text, &again);
        if (strcmp(first.data, again.data) != 0)
            return NULL;
    }
    str_free(&again);
    return first.data;
}

static void threads_share_a_pronouncer(void **state)
{
    (void)state;
    struct pronouncer *pronouncer = open_pronouncer("en-GB", NULL);
    pthread_t threads[4];
    void *said[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, say_often, pronouncer), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], &said[i]);
    for (int i = 0; i < 4; i++) {
        assert_non_null(said[i]);
        assert_string_equal(said[i], said[0]);
    }
    for (int i = 0; i < 4; i++)
        free(said[i]);
    pronouncer_close(pronouncer);
}

/* Pronounces two lists of the same tokens, by each of two pronouncers; all that comes of it must be the
 * same. */
static void compare_pronounced(struct pronouncer *plain, struct pronouncer *keeping, const char *sentence,
                               const char *note)
{
    struct tokens made = {0}, kept = {0};
    tokenize(sentence, &made);
    tokenize(sentence, &kept);
    made.items[0].note = kept.items[0].note = note;
    made.items[0].origin = kept.items[0].origin = note != NULL ? ORIGIN_NORMALIZED : ORIGIN_TEXT;
    assert_int_equal(phonemes_add(plain, &made, NULL), LT_OK);
    assert_int_equal(phonemes_add(keeping, &kept, NULL), LT_OK);
    assert_int_equal(made.count, kept.count);
    for (size_t i = 0; i < made.count; i++) {
        const struct token *a = &made.items[i], *b = &kept.items[i];
        assert_int_equal(a->phonemes_size, b->phonemes_size);
        assert_memory_equal(made.pool.data + a->phonemes, kept.pool.data + b->phonemes, a->phonemes_size);
        assert_true(a->tag == b->tag && a->phoneme_origin == b->phoneme_origin && a->note == b->note);
    }
    tokens_free(&made);
    tokens_free(&kept);
}

static void what_is_kept_is_what_would_be_made(void **state)
{
    (void)state;
    static const char *const sentences[] = {
        "I read a book, as I have read many.", "The record: they record it!", "I read a book.",
        "Xylqwrt said \"NASA\" (twice)?",      "the apple, the pear.",
    };
    static const char first_note[] = "a number", second_note[] = "a year";
    struct cache *cache;
    struct cache_counts counts;
    assert_int_equal(cache_open(1 << 20, &cache, NULL), LT_OK);
    const struct memo memo = note_memo(cache);
    struct pronouncer *plain = open_pronouncer("en-US", NULL), *keeping = open_pronouncer("en-US", NULL),
                      *british = open_pronouncer("en-GB", NULL),
                      *british_keeping = open_pronouncer("en-GB", NULL);
    pronouncer_remember(keeping, &memo);
    pronouncer_remember(british_keeping, &memo);
    enum { COUNT = sizeof sentences / sizeof *sentences };
    for (int again = 0; again < 3; again++)
        for (size_t i = 0; i < COUNT; i++) {
            compare_pronounced(plain, keeping, sentences[i], NULL);
            compare_pronounced(plain, keeping, sentences[i], first_note);
            compare_pronounced(plain, keeping, sentences[i], second_note);
            compare_pronounced(british, british_keeping, sentences[i], NULL);
        }
    cache_look(cache, CACHE_PHONEMES, &counts);
    assert_int_equal(counts.misses, 4 * COUNT);
    assert_int_equal(counts.hits, 2 * 4 * COUNT);
    pronouncer_close(plain);
    pronouncer_close(keeping);
    pronouncer_close(british);
    pronouncer_close(british_keeping);
    cache_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_holds_every_word_as_published),
        cmocka_unit_test(every_word_is_said_as_misaki_does_by_default),
        cmocka_unit_test(a_damaged_file_is_refused_or_harmless),
        cmocka_unit_test(a_file_that_is_no_lexicon_is_named),
        cmocka_unit_test(the_vocabulary_is_the_published_one),
        cmocka_unit_test(ipa_and_x_sampa_become_symbols),
        cmocka_unit_test(ambiguous_words_are_said_as_their_sentence_asks),
        cmocka_unit_test(whole_texts_are_said),
        cmocka_unit_test(words_are_said_in_both_accents),
        cmocka_unit_test(running_text_is_said_as_misaki_says_it),
        cmocka_unit_test(the_users_lexicon_comes_first),
        cmocka_unit_test(a_broken_users_lexicon_is_told_by_line),
        cmocka_unit_test(without_a_lexicon_flite_serves),
        cmocka_unit_test(strange_words_are_said_or_noted),
        cmocka_unit_test(stress_marks_are_obeyed),
        cmocka_unit_test(espeak_leaves_the_locale_alone),
        cmocka_unit_test(other_languages_go_through_espeak_or_say_why_not),
        cmocka_unit_test(threads_share_a_pronouncer),
        cmocka_unit_test(what_is_kept_is_what_would_be_made),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
