/* user_lexicon.c: the user's own pronunciations. */
#include "text/user_lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "text/symbols.h"

#define LARGEST_FILE (16u << 20)

/* One line of the file; offsets into `pool`, where strings end with NUL. */
struct entry {
    size_t word, value;
    bool is_phonemes;
};

struct user_lexicon {
    char *path;              /* NULL when parsed from bytes */
    struct file_stamp stamp; /* of the file when it was read */
    struct str pool;
    struct entry *entries; /* sorted by word */
    size_t count, capacity;
};

static const char *at(const struct user_lexicon *lexicon, size_t offset)
{
    return lexicon->pool.data + offset;
}

static size_t keep(struct user_lexicon *lexicon, const char *text, size_t size)
{
    size_t offset = lexicon->pool.length;
    str_append(&lexicon->pool, text, size);
    str_putc(&lexicon->pool, '\0');
    return offset;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static lt_status add_entry(struct user_lexicon *lexicon, const struct entry *entry, lt_error *error)
{
    if (lexicon->count == lexicon->capacity) {
        size_t capacity = lexicon->capacity == 0 ? 64 : 2 * lexicon->capacity;
        struct entry *entries = realloc(lexicon->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return error_memory(error, "the user's lexicon");
        lexicon->entries = entries;
        lexicon->capacity = capacity;
    }
    lexicon->entries[lexicon->count++] = *entry;
    return lexicon->pool.failed ? error_memory(error, "the user's lexicon") : LT_OK;
}

/* Reads one line without its newline. */
static lt_status parse_line(struct user_lexicon *lexicon, const char *name, int number, const char *line,
                            size_t size, bool british, lt_error *error)
{
    size_t begin = 0;
    while (begin < size && is_blank(line[begin]))
        begin++;
    while (size > begin && is_blank(line[size - 1]))
        size--;
    if (begin == size || line[begin] == '#')
        return LT_OK;
    if (utf8_first_invalid(line, size) < size)
        return error_set(error, LT_ERR_TEXT, "'%s' line %d is not valid UTF-8", name, number);
    size_t end = begin, value;
    while (end < size && !is_blank(line[end]))
        end++;
    for (value = end; value < size && is_blank(line[value]);)
        value++;
    if (value == size)
        return error_set(error, LT_ERR_TEXT,
                         "'%s' line %d has a word but no pronunciation: write /phonemes/ or words after it",
                         name, number);
    struct entry entry = {.word = keep(lexicon, line + begin, end - begin)};
    if (line[value] != '/') {
        entry.value = keep(lexicon, line + value, size - value);
        return add_entry(lexicon, &entry, error);
    }
    if (size - value < 3 || line[size - 1] != '/')
        return error_set(error, LT_ERR_TEXT, "'%s' line %d: phonemes stand between two slashes", name,
                         number);
    struct str symbols = {0};
    lt_error inner;
    if (symbols_from_ipa(line + value + 1, size - value - 2, british, &symbols, &inner) != LT_OK) {
        str_free(&symbols);
        return error_set(error, inner.status, "'%s' line %d: %s", name, number, inner.message);
    }
    entry.is_phonemes = true;
    entry.value = keep(lexicon, symbols.data == NULL ? "" : symbols.data, symbols.length);
    str_free(&symbols);
    return add_entry(lexicon, &entry, error);
}

static int compare(const void *a, const void *b, void *lexicon)
{
    const struct entry *x = a, *y = b;
    int order = strcmp(at(lexicon, x->word), at(lexicon, y->word));
    return order != 0 ? order : (x->word > y->word) - (x->word < y->word);
}

lt_status user_lexicon_parse(const char *name, const char *text, size_t size, bool british,
                             struct user_lexicon **lexicon, lt_error *error)
{
    *lexicon = NULL;
    struct user_lexicon *read = calloc(1, sizeof *read);
    if (read == NULL)
        return error_memory(error, "the user's lexicon");
    lt_status status = error_none(error);
    int number = 1;
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
        text += 3;
        size -= 3;
    }
    for (size_t i = 0; i < size && status == LT_OK; number++) {
        const char *newline = memchr(text + i, '\n', size - i);
        size_t length = newline == NULL ? size - i : (size_t)(newline - text) - i;
        status = memchr(text + i, '\0', length) != NULL
                     ? error_set(error, LT_ERR_TEXT, "'%s' line %d has a NUL byte", name, number)
                     : parse_line(read, name, number, text + i, length, british, error);
        i += length + 1;
    }
    if (status != LT_OK) {
        user_lexicon_close(read);
        return status;
    }
    if (read->count > 0)
        qsort_r(read->entries, read->count, sizeof *read->entries, compare, read);
    *lexicon = read;
    return status;
}

lt_status user_lexicon_open(const char *path, bool british, struct user_lexicon **lexicon, lt_error *error)
{
    *lexicon = NULL;
    struct str text = {0};
    struct file_stamp stamp = file_stamp(path); /* before it is read, so that a change meanwhile is seen */
    if (!stamp.there)
        return error_errno(error, LT_ERR_IO, "cannot open the user's lexicon '%s'", path);
    lt_status status = file_read(path, LARGEST_FILE, &text, error);
    if (status == LT_OK)
        status = user_lexicon_parse(path, text.data == NULL ? "" : text.data, text.length, british, lexicon,
                                    error);
    str_free(&text);
    if (status != LT_OK)
        return status;
    (*lexicon)->path = strdup(path);
    (*lexicon)->stamp = stamp;
    if ((*lexicon)->path == NULL) {
        user_lexicon_close(*lexicon);
        *lexicon = NULL;
        return error_memory(error, "the user's lexicon");
    }
    return status;
}

void user_lexicon_close(struct user_lexicon *lexicon)
{
    if (lexicon == NULL)
        return;
    free(lexicon->path);
    free(lexicon->entries);
    str_free(&lexicon->pool);
    free(lexicon);
}

bool user_lexicon_changed(const struct user_lexicon *lexicon)
{
    if (lexicon->path == NULL)
        return false;
    struct file_stamp now = file_stamp(lexicon->path);
    return now.there && !file_stamp_same(&now, &lexicon->stamp);
}

/* The last line for exactly this word, or NULL. */
static const struct entry *find(const struct user_lexicon *lexicon, const char *word, size_t size)
{
    size_t low = 0, high = lexicon->count;
    while (low < high) { /* the first entry after the word */
        size_t middle = low + (high - low) / 2;
        const char *other = at(lexicon, lexicon->entries[middle].word);
        int order = strncmp(other, word, size);
        if (order == 0 && other[size] != '\0')
            order = 1;
        if (order <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const char *other = at(lexicon, lexicon->entries[low - 1].word);
    return strncmp(other, word, size) == 0 && other[size] == '\0' ? &lexicon->entries[low - 1] : NULL;
}

bool user_lexicon_find(const struct user_lexicon *lexicon, const char *word, size_t size,
                       struct user_entry *entry)
{
    const struct entry *found = find(lexicon, word, size);
    char lower[128];
    if (found == NULL && size <= sizeof lower) {
        for (size_t i = 0; i < size; i++)
            lower[i] = char_lower(word[i]);
        found = find(lexicon, lower, size);
    }
    if (found == NULL)
        return false;
    const char *value = at(lexicon, found->value);
    *entry = (struct user_entry){found->is_phonemes ? value : NULL, found->is_phonemes ? NULL : value};
    return true;
}
