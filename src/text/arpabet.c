/* arpabet.c: pronunciations in the text as CMU's dictionary writes them: "{HH AH0 L OW1}", "[HH AH0 L OW1]".
 *
 * Every vowel carries a digit: 0 no stress, 1 primary, 2 secondary. Kokoro's symbols are misaki's
 * (https://github.com/hexgrad/misaki, EN_PHONES.md). */
#include <string.h>

#include "text/norm.h"

enum { ARPABET_LIMIT = 160 }; /* bytes between the brackets */

/* `british` where it differs from American; `respelled` for a voice that reads only words. Sorted by name. */
static const struct phone {
    const char *name, *american, *british, *respelled;
} phones[] = {
    {"AA", "ɑ", "ɑː", "ah"}, {"AE", "æ", "a", "a"},   {"AH", "ʌ", "ʌ", "uh"}, {"AO", "ɔ", "ɔː", "aw"},
    {"AW", "W", "W", "ow"},  {"AY", "I", "I", "y"},   {"B", "b", "b", "b"},   {"CH", "ʧ", "ʧ", "ch"},
    {"D", "d", "d", "d"},    {"DH", "ð", "ð", "th"},  {"EH", "ɛ", "ɛ", "e"},  {"ER", "ɜɹ", "ɜː", "er"},
    {"EY", "A", "A", "ay"},  {"F", "f", "f", "f"},    {"G", "ɡ", "ɡ", "g"},   {"HH", "h", "h", "h"},
    {"IH", "ɪ", "ɪ", "i"},   {"IY", "i", "iː", "ee"}, {"JH", "ʤ", "ʤ", "j"},  {"K", "k", "k", "k"},
    {"L", "l", "l", "l"},    {"M", "m", "m", "m"},    {"N", "n", "n", "n"},   {"NG", "ŋ", "ŋ", "ng"},
    {"OW", "O", "Q", "oh"},  {"OY", "Y", "Y", "oy"},  {"P", "p", "p", "p"},   {"R", "ɹ", "ɹ", "r"},
    {"S", "s", "s", "s"},    {"SH", "ʃ", "ʃ", "sh"},  {"T", "t", "t", "t"},   {"TH", "θ", "θ", "th"},
    {"UH", "ʊ", "ʊ", "oo"},  {"UW", "u", "uː", "oo"}, {"V", "v", "v", "v"},   {"W", "w", "w", "w"},
    {"Y", "j", "j", "y"},    {"Z", "z", "z", "z"},    {"ZH", "ʒ", "ʒ", "zh"},
};

/* The phone that [name, name + size) is; NULL: none. */
static const struct phone *find_phone(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof phones / sizeof *phones; i++)
        if (strlen(phones[i].name) == size && memcmp(phones[i].name, name, size) == 0)
            return &phones[i];
    return NULL;
}

/* Appends the phones in [at, end) to `symbols` and `respelled`; false: it is no ARPAbet. */
static bool read_phones(const struct norm *x, size_t at, size_t end, struct str *symbols,
                        struct str *respelled)
{
    size_t vowels = 0;
    while (at < end) {
        size_t n = norm_letters(x, at), stressed = char_is_digit(norm_char(x, at + n));
        const struct phone *phone = n > 0 && at + n <= end ? find_phone(x->text + at, n) : NULL;
        bool vowel = phone != NULL && strchr("AEIOU", *phone->name) != NULL;
        char stress = norm_char(x, at + n);
        if (phone == NULL || vowel != (stressed > 0) || (vowel && stress > '2'))
            return false;
        str_puts(symbols, stress == '1' ? "ˈ" : stress == '2' ? "ˌ" : "");
        if (stress == '0' && (memcmp(phone->name, "AH", n) == 0 || memcmp(phone->name, "ER", n) == 0))
            str_puts(symbols, *(phone->name + 1) == 'H' || x->british ? "ə" : "əɹ");
        else
            str_puts(symbols, x->british ? phone->british : phone->american);
        str_puts(respelled, phone->respelled);
        vowels += vowel;
        at += n + stressed;
        size_t gap = norm_spaces(x, at);
        if (at < end && gap == 0)
            return false;
        at += gap;
    }
    return vowels > 0;
}

size_t scan_arpabet(struct norm *x, size_t at)
{
    char close = x->text[at] == '{' ? '}' : ']';
    size_t end = at + 1, limit = at + ARPABET_LIMIT < x->size ? at + ARPABET_LIMIT : x->size;
    if (!norm_wants(x, LT_TEXT_PHONEME_MARKS) || !char_is_upper(norm_char(x, at + 1)))
        return 0;
    while (end < limit && (char_is_upper(x->text[end]) || char_is_digit(x->text[end]) || x->text[end] == ' '))
        end++;
    struct str symbols = {0}, respelled = {0};
    size_t used = 0;
    if (norm_char(x, end) == close && read_phones(x, at + 1, end, &symbols, &respelled)) {
        used = end + 1 - at;
        norm_range(x, at, end + 1, "phonemes in the text");
        norm_say_given(x, x->respell ? respelled.data : x->text + at + 1,
                       x->respell ? respelled.length : used - 2, symbols.data, symbols.length);
        x->out->failed |= symbols.failed || respelled.failed;
    }
    str_free(&symbols);
    str_free(&respelled);
    return used;
}
