/* test_text_normalize.c: normalisation against the cases of NVIDIA's NeMo text processing (in the reference data) and against
 * the sentences in tests/corpus.
 *
 * The reference cases are "written~spoken", a file a class; they are compared without case, punctuation, hyphens and the
 * word "and". Where a case has several good readings, tests/corpus/alternatives.txt lists the one made here; each such line
 * says why. The corpus is ours, and all of it must match. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../text_source.h"
#include "base/file.h"
#include "text/frontend.h"
#include "text/tokens.h"

/* The words spoken for `text`, which is SSML when it begins with <speak>. */
static void speak(struct frontend *frontend, const char *text, size_t size, const char *language,
                  struct str *out)
{
    struct text_source source = {text, size, 0};
    struct text_options options = {.readable = true, .max_symbols = 65536, .language = language};
    if (size > 7 && memcmp(text, "<speak>", 7) == 0)
        options.input = LT_INPUT_SSML;
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error), LT_OK);
    str_clear(out);
    str_puts(out, "");
    while (text_stream_next(stream, &chunk, &error) == LT_OK && chunk != NULL) {
        str_puts(out, out->length > 0 && chunk->text[0] != '\0' ? " " : "");
        str_puts(out, chunk->text);
    }
    text_stream_close(stream);
}

/* What is compared: lower case, without punctuation, hyphens and "and". */
static void simplify(const char *text, size_t size, struct str *out)
{
    str_clear(out);
    str_puts(out, "");
    for (size_t i = 0; i < size;) {
        while (i < size && (text[i] == ' ' || (strchr(".,;:!?-()[]{}<>/\"*_=|", text[i]) != NULL)))
            i++;
        if (i + 3 <= size && (memcmp(text + i, "\xe2\x80", 2) == 0)) { /* dashes, quotes, ellipsis */
            i += 3;
            continue;
        }
        size_t begin = out->length;
        str_putc(out, ' ');
        while (i < size && text[i] != ' ' && strchr(".,;:!?-()[]{}<>/\"*_=|", text[i]) == NULL &&
               !(i + 3 <= size && memcmp(text + i, "\xe2\x80", 2) == 0)) {
            char c = text[i++];
            if (c != '\'')
                str_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
        }
        if (out->length == begin + 1 || strcmp(out->data + begin, " and") == 0) {
            out->length = begin;
            out->data[begin] = '\0';
        }
    }
}

/* The next line of `text` at *at; its size, or SIZE_MAX at the end. */
static size_t next_line(const struct str *text, size_t *at, const char **line)
{
    if (*at >= text->length)
        return SIZE_MAX;
    *line = text->data + *at;
    const char *end = memchr(*line, '\n', text->length - *at);
    size_t size = end == NULL ? text->length - *at : (size_t)(end - *line);
    *at += size + 1;
    return size;
}

/* Whether alternatives.txt has a line "written~spoken" for the case. */
static bool is_alternative(const struct str *alternatives, const char *written, size_t size,
                           const char *simple)
{
    const char *line;
    struct str other = {0};
    bool found = false;
    for (size_t at = 0, n; !found && (n = next_line(alternatives, &at, &line)) != SIZE_MAX;) {
        if (n <= size || line[size] != '~' || memcmp(line, written, size) != 0)
            continue;
        simplify(line + size + 1, n - size - 1, &other);
        found = strcmp(other.data, simple) == 0;
    }
    str_free(&other);
    return found;
}

/* Copies a case's text; with `lines`, "\\n" in it becomes a line end. */
static void unescape(const char *text, size_t size, bool lines, struct str *out)
{
    str_clear(out);
    str_puts(out, "");
    for (size_t i = 0; i < size; i++) {
        bool line_end = lines && text[i] == '\\' && i + 1 < size && text[i + 1] == 'n';
        str_putc(out, line_end ? '\n' : text[i]);
        i += line_end;
    }
}

struct score {
    unsigned right, all;
};

/* Runs the cases of one file, printing those that fail. */
static struct score run_cases(struct frontend *frontend, const char *path, const struct str *alternatives,
                              bool lines)
{
    struct score score = {0};
    struct str cases = {0}, text = {0}, said = {0}, simple = {0}, expected = {0};
    lt_error error;
    const char *line;
    assert_int_equal(file_read(path, 1 << 24, &cases, &error), LT_OK);
    for (size_t at = 0, n; (n = next_line(&cases, &at, &line)) != SIZE_MAX;) {
        const char *tilde = n == 0 ? NULL : memchr(line, '~', n);
        while (tilde != NULL && memchr(tilde + 1, '~', n - (size_t)(tilde + 1 - line)) != NULL)
            tilde = memchr(tilde + 1, '~', n - (size_t)(tilde + 1 - line)); /* the last one divides */
        if (tilde == NULL)
            continue;
        size_t written = (size_t)(tilde - line);
        unescape(line, written, lines, &text);
        speak(frontend, text.data, text.length, "en-US", &said);
        simplify(said.data, said.length, &simple);
        simplify(tilde + 1, n - written - 1, &expected);
        bool right = strcmp(simple.data, expected.data) == 0 ||
                     is_alternative(alternatives, line, written, simple.data);
        score.right += right;
        score.all++;
        if (!right)
            printf("  %.*s\n    said     %s\n    expected%s\n", (int)written, line, said.data, expected.data);
    }
    str_free(&cases);
    str_free(&text);
    str_free(&said);
    str_free(&simple);
    str_free(&expected);
    return score;
}

/* Runs every *.txt of a folder; prints a line a file. */
static struct score run_folder(const char *folder, const struct str *alternatives, bool lines)
{
    struct score total = {0};
    struct frontend *frontend = NULL;
    lt_error error;
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    struct dirent **files;
    int count = scandir(folder, &files, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = files[i]->d_name;
        size_t n = strlen(name);
        if (n > 4 && strcmp(name + n - 4, ".txt") == 0 && strcmp(name, "alternatives.txt") != 0) {
            char path[4096 + 257];
            snprintf(path, sizeof path, "%s/%s", folder, name);
            struct score score = run_cases(frontend, path, alternatives, lines);
            printf("%-20s %3u of %3u  %5.1f %%\n", name, score.right, score.all,
                   score.all == 0 ? 100.0 : 100.0 * score.right / score.all);
            total.right += score.right;
            total.all += score.all;
        }
        free(files[i]);
    }
    if (count >= 0)
        free(files);
    frontend_close(frontend);
    return total;
}

static void corpus_path(char *path, size_t size, const char *name)
{
    const char *source = getenv("LITETTS_TEST_SOURCE");
    snprintf(path, size, "%s/tests/corpus%s", source == NULL ? "." : source, name);
}

static void reference_cases_match(void **state)
{
    (void)state;
    const char *shared = getenv("LITETTS_TEST_SHARED");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/data/normalization", shared == NULL ? "" : shared);
    DIR *there = opendir(folder);
    if (there == NULL) {
        print_message("no reference cases in '%s': skipped\n", folder);
        skip();
    }
    closedir(there);
    struct str alternatives = {0};
    lt_error error;
    char list[4096];
    corpus_path(list, sizeof list, "/alternatives.txt");
    assert_int_equal(file_read(list, 1 << 20, &alternatives, &error), LT_OK);
    struct score score = run_folder(folder, &alternatives, false);
    str_free(&alternatives);
    printf("all: %u of %u, %.1f %%\n", score.right, score.all, 100.0 * score.right / score.all);
    assert_true(score.all > 0);
    assert_true(score.right * 100 >= score.all * 95);
}

__attribute__((unused)) static void corpus_matches(void **state)
{
    (void)state;
    struct str none = {0};
    char folder[4096];
    corpus_path(folder, sizeof folder, "");
    struct score score = run_folder(folder, &none, true);
    printf("corpus: %u of %u\n", score.right, score.all);
    assert_true(score.all >= 600);
    assert_int_equal(score.right, score.all);
}

/* Checks that the keys of the tables in a source file are in order, as norm_find() needs them; returns how many tables. */
static unsigned check_tables(const char *path)
{
    struct str source = {0};
    lt_error error;
    unsigned tables = 0;
    assert_int_equal(file_read(path, 1 << 20, &source, &error), LT_OK);
    for (const char *table = strstr(source.data, "struct norm_entry "); table != NULL;
         table = strstr(table + 1, "struct norm_entry ")) {
        const char *at = strstr(table, "[] = {"), *end = at == NULL ? NULL : strstr(at, "};");
        char last[64] = "", key[64];
        if (end == NULL)
            continue;
        tables++;
        while ((at = strstr(at, "{\"")) != NULL && at < end) {
            size_t n = strcspn(at + 2, "\"");
            assert_true(n < sizeof key);
            memcpy(key, at + 2, n);
            key[n] = '\0';
            if (strcmp(last, key) >= 0)
                fail_msg("%s: '%s' stands before '%s'", path, last, key);
            strcpy(last, key);
            at += 2 + n;
        }
    }
    str_free(&source);
    return tables;
}

static void tables_are_sorted(void **state)
{
    (void)state;
    const char *source = getenv("LITETTS_TEST_SOURCE");
    static const char *const files[] = {"abbreviations.c", "emoji_names.c", "measure.c", "signs.c"};
    unsigned tables = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/src/text/%s", source == NULL ? "." : source, files[i]);
        tables += check_tables(path);
    }
    assert_true(tables >= 10);
}

/* What is said for `text` under a setting. */
static void expect(const char *key, const char *value, const char *language, const char *text,
                   const char *words)
{
    struct frontend *frontend = NULL;
    struct str said = {0};
    lt_error error;
    lt_config *config = lt_config_new();
    assert_non_null(config);
    if (key != NULL)
        assert_int_equal(lt_config_set(config, key, value, &error), LT_OK);
    assert_int_equal(frontend_open(config, &frontend, &error), LT_OK);
    speak(frontend, text, strlen(text), language, &said);
    assert_string_equal(said.data, words);
    frontend_close(frontend);
    lt_config_free(config);
    str_free(&said);
}

static void settings_and_languages_count(void **state)
{
    (void)state;
    const char code[] = "Run:\n\n```sh\nls -l\n```\n\nDone.";
    expect("text.emoji", "skip", "en-US", "Great \U0001f44d!", "Great!");
    static const char *const emoji[][2] = {
        {"Great \U0001f44d!", "Great thumbs up!"},
        {"\U0001f44b\U0001f3fd Hi", "waving hand Hi"},                              /* a skin tone */
        {"\U0001f469\u200d\U0001f4bb codes", "woman technologist codes"},           /* joined */
        {"\U0001f469\U0001f3fe\u200d\U0001f4bb codes", "woman technologist codes"}, /* both */
        {"\U0001f468\u200d\U0001f469\u200d\U0001f467 ok", "family man, woman, girl ok"},
        {"Go \U0001f1fa\U0001f1f8\U0001f1eb\U0001f1f7!", "Go flag United States flag France!"},
        {"\U0001f3f3\ufe0f\u200d\U0001f308", "rainbow flag"},
        {"\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "flag England"},
        {"Press 1\ufe0f\u20e3", "Press one"}, /* a keycap */
        {"\u2764\ufe0f\U0001f602", "red heart face with tears of joy"},
        {"\U0001f9d1\u200d\U0001f9d1 x", "person x"}, /* none known */
    };
    for (size_t i = 0; i < sizeof emoji / sizeof *emoji; i++)
        expect("text.emoji", "name", "en-US", emoji[i][0], emoji[i][1]);
    expect("text.code", "read", "en-US", code, "Run: ls dash l. Done.");
    expect("text.code", "skip", "en-US", code, "Run: Done.");
    expect("text.normalize", "false", "en-US", "a != b! 5! = 120 (x).", "a!= b! 5! = 120 (x).");
    expect(NULL, NULL, "en-US", "On 5/6/2020", "On May sixth twenty twenty");
    expect(NULL, NULL, "en-GB", "On 5/6/2020", "On the fifth of June twenty twenty");
    expect(NULL, NULL, "en_gb", "On 5/6/2020", "On the fifth of June twenty twenty");
    expect(NULL, NULL, "es", "Tengo 5 gatos.", "Tengo 5 gatos.");
}

/* Marks which bytes of the source the tokens of a sentence stand for. */
static void mark_covered(void *user, const struct tokens *tokens)
{
    struct str *covered = user;
    for (size_t i = 0; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];
        assert_true(token->source_end <= covered->length);
        assert_true(token->source_begin < token->source_end || token->kind != TOKEN_WORD);
        assert_true(token->kind != TOKEN_DROPPED || token->note != NULL);
        for (uint64_t k = token->source_begin; k < token->source_end; k++)
            covered->data[k] = 'x';
    }
}

/* Every byte of `text` that is no white space is in the receipt; prints it when not. */
static bool receipt_is_whole(struct frontend *frontend, const struct str *text)
{
    struct text_source source = {text->data, text->length, 0};
    struct str covered = {0};
    struct text_options options = {.readable = true,
                                   .max_symbols = 65536,
                                   .language = "en-US",
                                   .observe = mark_covered,
                                   .observer = &covered};
    if (text->length > 7 && memcmp(text->data, "<speak>", 7) == 0)
        options.input = LT_INPUT_SSML;
    struct text_stream *stream = NULL;
    const struct text_chunk *chunk;
    lt_error error;
    for (size_t i = 0; i < text->length; i++)
        str_putc(&covered, (unsigned char)text->data[i] <= ' ' ? ' ' : '?');
    assert_int_equal(text_stream_open(frontend, &options, text_source_read, &source, &stream, &error), LT_OK);
    do
        assert_int_equal(text_stream_next(stream, &chunk, &error), LT_OK);
    while (chunk != NULL);
    text_stream_close(stream);
    bool whole = covered.length == 0 || memchr(covered.data, '?', covered.length) == NULL;
    if (!whole)
        printf("  %s\n  %s\n", text->data, covered.data);
    str_free(&covered);
    return whole;
}

/* Nothing is dropped silently: over the corpus and marks of every kind, each byte was spoken or is said to be left out. */
static void receipts_are_whole(void **state)
{
    (void)state;
    static const char *const more[] = {
        "# Head ##\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n![p](q.png) [x][y]\n\n[y]: "
        "https://x.org\n",
        "[pause:1s] a [voice:slt] b [rate:2] c [d](/ˈdi/) [e](-1)\n\n---\n\n```\ncode\n```",
        "<speak><?p i?><!-- c --><p>a <break time='1s'/><break strength='none'/><sub alias='x y'>W3C</sub> "
        "<sub "
        "alias='z'/></p><lexicon uri='l'/><v:own>b</v:own><![CDATA[c]]> &amp; <desc>d</desc></speak>",
    };
    struct frontend *frontend = NULL;
    struct str cases = {0}, text = {0};
    lt_error error;
    unsigned broken = 0, all = 0;
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    char folder[4096], path[4096 + 257];
    corpus_path(folder, sizeof folder, "");
    struct dirent **files;
    int count = scandir(folder, &files, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        const char *line;
        bool cases_file =
            strstr(files[i]->d_name, ".txt") != NULL && file_read(path, 1 << 24, &cases, &error) == LT_OK;
        for (size_t at = 0, n; cases_file && (n = next_line(&cases, &at, &line)) != SIZE_MAX; all++) {
            const char *tilde = memrchr(line, '~', n);
            unescape(line, tilde == NULL ? n : (size_t)(tilde - line), true, &text);
            broken += !receipt_is_whole(frontend, &text);
        }
        free(files[i]);
    }
    if (count >= 0)
        free(files);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        str_clear(&text);
        str_puts(&text, more[i]);
        broken += !receipt_is_whole(frontend, &text);
    }
    str_free(&cases);
    str_free(&text);
    frontend_close(frontend);
    assert_true(all > 600);
    assert_int_equal(broken, 0);
}

/* A language that nobody here reads is refused, by name. */
static void unknown_languages_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *code, *word; /* of the error; NULL: it is known */
    } cases[] = {{"en", NULL}, {"en_GB", NULL},          {"pt-BR", NULL},    {"xx", "'xx'"},
                 {"", "''"},   {"english", "'english'"}, {"ja", "Japanese"}, {"zh-CN", "Mandarin"}};
    struct frontend *frontend = NULL;
    lt_error error;
    assert_int_equal(frontend_open(NULL, &frontend, &error), LT_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text_source source = {"x", 1, 0};
        struct text_options options = {.readable = true, .max_symbols = 64, .language = cases[i].code};
        struct text_stream *stream = NULL;
        lt_status status = text_stream_open(frontend, &options, text_source_read, &source, &stream, &error);
        assert_int_equal(status, cases[i].word == NULL ? LT_OK : LT_ERR_UNSUPPORTED);
        if (cases[i].word != NULL)
            assert_non_null(strstr(error.message, cases[i].word));
        text_stream_close(stream);
    }
    frontend_close(frontend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_cases_match), cmocka_unit_test(corpus_matches),
        cmocka_unit_test(tables_are_sorted),     cmocka_unit_test(settings_and_languages_count),
        cmocka_unit_test(receipts_are_whole),    cmocka_unit_test(unknown_languages_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
