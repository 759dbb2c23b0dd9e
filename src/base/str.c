/* str.c: a growable byte string. */
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chars.h"

void str_free(struct str *s)
{
    free(s->data);
    *s = (struct str){0};
}

void str_clear(struct str *s)
{
    s->length = 0;
    s->failed = false;
    if (s->data != NULL)
        s->data[0] = '\0';
}

bool str_reserve(struct str *s, size_t more)
{
    if (s->failed)
        return false;
    if (more >= SIZE_MAX / 2 - s->length) {
        s->failed = true;
        return false;
    }
    size_t needed = s->length + more + 1;
    if (needed <= s->capacity)
        return true;
    size_t capacity = s->capacity < 64 ? 64 : s->capacity;
    while (capacity < needed)
        capacity += capacity / 2;
    char *data = realloc(s->data, capacity);
    if (data == NULL) {
        s->failed = true;
        return false;
    }
    data[s->length] = '\0'; /* data is a string even before anything is appended */
    s->data = data;
    s->capacity = capacity;
    return true;
}

void str_append(struct str *s, const void *bytes, size_t size)
{
    if ((s->failed || size >= s->capacity - s->length) && !str_reserve(s, size))
        return;
    if (size > 0)
        memcpy(s->data + s->length, bytes, size);
    s->length += size;
    s->data[s->length] = '\0';
}

void str_puts(struct str *s, const char *text)
{
    str_append(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
    str_append(s, &c, 1);
}

void str_printf(struct str *s, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int wanted = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (wanted < 0) {
        s->failed = true;
    } else if (str_reserve(s, (size_t)wanted)) {
        vsnprintf(s->data + s->length, (size_t)wanted + 1, format, again);
        s->length += (size_t)wanted;
    }
    va_end(again);
}

void str_remove_front(struct str *s, size_t size)
{
    if (size == 0 || s->data == NULL)
        return;
    if (size > s->length)
        size = s->length;
    memmove(s->data, s->data + size, s->length - size + 1);
    s->length -= size;
}

bool str_equal_nocase_n(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (char_lower(a[i]) != char_lower(b[i]))
            return false;
        if (a[i] == '\0')
            break;
    }
    return true;
}

bool str_equal_nocase(const char *a, const char *b)
{
    return str_equal_nocase_n(a, b, SIZE_MAX);
}

bool str_list_has(const char *list, const char *separators, const char *word)
{
    const size_t length = strlen(word);
    while (length > 0 && *list != '\0') {
        const size_t n = strcspn(list, separators);
        if (n == length && memcmp(list, word, n) == 0)
            return true;
        list += n + strspn(list + n, separators);
    }
    return false;
}

static locale_t plain;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t str_plain_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_plain);
    return plain;
}

double str_number(const char *text, char **end)
{
    const locale_t locale = str_plain_locale();
    return locale != (locale_t)0 ? strtod_l(text, end, locale) : strtod(text, end);
}

bool str_to_number(const char *text, double *number)
{
    if (text[0] == '\0' || text[strspn(text, "+-0123456789.eE")] != '\0')
        return false;
    char *end;
    const double read = str_number(text, &end);
    if (*end != '\0' || !isfinite(read))
        return false;
    *number = read;
    return true;
}

bool str_to_whole(const char *text, int64_t *number)
{
    if (text[0] == '\0' || text[strspn(text, "+-0123456789")] != '\0')
        return false;
    char *end;
    errno = 0;
    const long long read = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *number = read;
    return true;
}

/* The optimal string alignment distance: Levenshtein's, in which a swap of neighbours is one change, not two. */
static size_t distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t rows[3][LONGEST + 1], n = strnlen(b, LONGEST), m = strnlen(a, LONGEST);
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const size_t least = above[j] < row[j - 1] ? above[j] + 1 : row[j - 1] + 1;
            const size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = change < least ? change : least;
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && above_that[j - 2] + 1 < row[j])
                row[j] = above_that[j - 2] + 1;
        }
    }
    return rows[m % 3][n];
}

size_t str_guess(const char *name, const char *known)
{
    const size_t length = strlen(name);
    if (length > 1 && strncmp(name, known, length) == 0)
        return name[length] == known[length] ? 0 : 1;
    const size_t d = distance(name, known);
    return 3 * d <= length ? d : SIZE_MAX;
}
