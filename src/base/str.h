/* str.h: a growable byte string. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set up with {0}; data is NULL or NUL-terminated at data[length]. When memory runs out, `failed` is set,
 * the content stays as it was and later calls do nothing: build the whole string, then check once. */
struct str {
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

void str_free(struct str *s);                 /* releases the memory, back to {0} */
void str_clear(struct str *s);                /* length 0, memory kept, failed reset */
bool str_reserve(struct str *s, size_t more); /* room for `more` bytes and the NUL */
void str_append(struct str *s, const void *bytes, size_t size);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_remove_front(struct str *s, size_t size); /* drops the first `size` bytes */

/* The locale "C", for uselocale() around libraries that would follow the program's; 0, which changes nothing,
 * when there is no memory for it. Lives as long as the program. */
locale_t str_plain_locale(void);

/* strtod with the decimal point of C, whatever the locale of the program that uses the library. *end
 * (never NULL) is behind the number, or `text` when there is none. */
double str_number(const char *text, char **end);

/* Reads all of `text` as a decimal number, as "-1.5" or "2e3", or as a whole one, as "-12"; false when it is anything
 * else ("", " 1", "1 s", "0x10", "inf") or too large for its type; *number is then left as it was. */
bool str_to_number(const char *text, double *number);
bool str_to_whole(const char *text, int64_t *number);

/* Whether two strings are the same but for the case of ASCII letters; of strings, the first `size` bytes.
 * strcasecmp would follow the locale of the program that uses the library: in a Turkish one 'I' is no 'i'. */
bool str_equal_nocase(const char *a, const char *b);
bool str_equal_nocase_n(const char *a, const char *b, size_t size);

/* Whether a word, not an empty one, is among those of a list that any of the characters of `separators` part. */
bool str_list_has(const char *list, const char *separators, const char *word);

/* How far an unknown name is from a known one, to say which one was meant: letters left out, added, changed, or
 * swapped with their neighbour, of which the first 64 bytes count; or 1 when it is the beginning of the known one, of
 * two bytes or more. SIZE_MAX when more than a third of the name would have to change: that is no guess any more. */
size_t str_guess(const char *name, const char *known);

#endif
