/* sentences.c: where sentences end: a scan over terminators, deciding each from the word before and the text after. */
#include "text/sentences.h"

#include <stdint.h>
#include <string.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/raw.h"

/* Words before a full stop that does not end the sentence (lower case, without the stop). */
static const char *const never_final[] = {
    "a.k.a", "adm",  "al",     "approx", "art",  "assn", "attn", "brig",  "ca",   "capt", "cf",
    "ch",    "chs",  "cir",    "cl",     "cmdr", "col",  "com",  "comdr", "cor",  "cpl",  "def",
    "det",   "e.g",  "ed",     "eds",    "eg",   "eq",   "esp",  "est",   "ex",   "exh",  "fig",
    "figs",  "fr",   "gen",    "gov",    "amb",  "insp", "hon",  "i.e",   "ie",   "incl", "lt",
    "mag",   "maj",  "messrs", "mgr",    "mlle", "mme",  "mr",   "mrs",   "ms",   "msgr", "mx",
    "nos",   "op",   "p",      "par",    "pfc",  "ph",   "pp",   "pres",  "prof", "ps",   "pt",
    "pvt",   "ref",  "rep",    "reps",   "rev",  "rt",   "sec",  "sen",   "sens", "sgt",  "ste",
    "sts",   "supt", "tel",    "univ",   "v",    "ver",  "viz",  "vol",   "vols", "vs",
};

/* Abbreviations that end a sentence when a capital follows. */
static const char *const final_before_capital[] = {"am",  "a.m", "p.m",   "pm", "etc",
                                                   "a.d", "b.c", "b.c.e", "c.e"};

/* Abbreviations that end a sentence when a word follows that often begins one. */
static const char *const final_before_starter[] = {
    "apt", "ave", "blvd", "bros", "co",   "corp", "ct", "dept", "dr", "ft",  "hwy", "inc", "jr",    "ln",
    "ltd", "md",  "mt",   "no",   "ph.d", "pl",   "rd", "sr",   "st", "u.k", "u.n", "u.s", "u.s.a",
};

/* Of these, the ones that are titles unless a name is before them. */
static const char *const titles[] = {"dr", "st", "mt", "ft"};

/* Capitalised words that begin sentences far more often than names. */
static const char *const starters[] = {
    "a",     "after", "all",   "also", "an",   "and",   "as",   "at",    "because", "but",  "by",   "did",
    "do",    "for",   "from",  "he",   "her",  "here",  "his",  "how",   "i",       "i'll", "i'm",  "if",
    "in",    "is",    "it",    "it's", "its",  "let's", "many", "most",  "my",      "no",   "not",  "now",
    "of",    "on",    "once",  "one",  "or",   "our",   "she",  "since", "so",      "some", "that", "the",
    "then",  "there", "these", "they", "this", "those", "to",   "was",   "we",      "were", "what", "when",
    "where", "while", "who",   "why",  "with", "yes",   "yet",  "you",   "your",
};

static bool word_in(const char *const *list, size_t count, const char *word, size_t size)
{
    char lower[8];
    if (size == 0 || size >= sizeof lower)
        return false;
    for (size_t i = 0; i < size; i++)
        lower[i] = char_lower(word[i]);
    lower[size] = '\0';
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], lower) == 0)
            return true;
    return false;
}

/* The size of the character of `list`, all beyond ASCII, that stands at `text`; 0: none of them. */
static size_t wide_in(const char *const *list, size_t count, const char *text, size_t size)
{
    for (size_t i = 0; i < count && (unsigned char)*text >= 0xc0; i++) {
        size_t n = strlen(list[i]);
        if (n <= size && memcmp(text, list[i], n) == 0)
            return n;
    }
    return 0;
}

/* The length of a sentence terminator at `text`, 0 when there is none. */
static size_t terminator(const char *text, size_t size)
{
    static const char *const wide[] = {"\u2026", "\u3002", "\uff01", "\uff1f", "\u203d", "\u0964"};
    if (*text == '.' || *text == '!' || *text == '?')
        return 1;
    return wide_in(wide, sizeof wide / sizeof *wide, text, size);
}

/* The length of a closing quote or bracket at `text`, 0 when there is none. */
static size_t closer(const char *text, size_t size)
{
    static const char *const wide[] = {"\u201d", "\u2019", "\u00bb", "\u203a"};
    if (strchr("\"')]}*_", *text) != NULL && *text != '\0')
        return 1;
    return wide_in(wide, sizeof wide / sizeof *wide, text, size);
}

/* What the first letter or digit after the white space says about the text there. */
enum follow { FOLLOW_END, FOLLOW_LOWER, FOLLOW_UPPER, FOLLOW_STARTER, FOLLOW_DIGIT, FOLLOW_OTHER };

static bool is_starter(const char *word, size_t size)
{
    size_t n = 0;
    while (n < size && n < 8 && (char_is_alpha(word[n]) || word[n] == '\''))
        n++;
    return word_in(starters, sizeof starters / sizeof *starters, word, n);
}

static enum follow following(const char *text, size_t size)
{
    for (size_t i = 0; i < size && i < 16; i++) {
        if (char_is_lower(text[i]))
            return FOLLOW_LOWER;
        if (char_is_upper(text[i]))
            return is_starter(text + i, size - i) ? FOLLOW_STARTER : FOLLOW_UPPER;
        if (char_is_digit(text[i]))
            return FOLLOW_DIGIT;
        if ((unsigned char)text[i] >= 0xc0) {
            uint32_t c = 0;
            utf8_decode(text + i, size - i, &c);
            if (c < 0x2000 || c > 0x2fff) /* a letter beyond ASCII; not a quote or dash */
                return FOLLOW_OTHER;
        }
    }
    return size == 0 ? FOLLOW_END : FOLLOW_OTHER;
}

/* Whether a capitalised word or a number stands before `at`: then "Dr." is Drive, "St." is Street. */
static bool follows_name(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] == ' ')
        at--;
    if (at == 0 || !char_is_alnum(text[at - 1]))
        return false;
    while (at > 0 && char_is_alnum(text[at - 1]))
        at--;
    return !char_is_lower(text[at]);
}

/* Whether the full stop at `at` ends the sentence, given what follows. */
static bool stop_is_final(const char *text, size_t at, enum follow follow)
{
    size_t begin = at;
    while (begin > 0 && at - begin < 12 && (char_is_alpha(text[begin - 1]) || text[begin - 1] == '.'))
        begin--;
    while (begin < at && text[begin] == '.')
        begin++;
    size_t size = at - begin;
    const char *word = text + begin;
    bool capital = follow == FOLLOW_UPPER || follow == FOLLOW_STARTER;
    if (follow == FOLLOW_END)
        return true;
    if (size == 1 && char_is_upper(*word) && *word != 'I')
        return follow == FOLLOW_STARTER; /* else an initial */
    size_t next = at + 1;
    while (char_is_space(text[next]))
        next++;
    bool acronym = char_is_upper(text[next]) && char_is_upper(text[next + 1]); /* "5 p.m. EST" */
    static const char *const days[] = {"monday",  "tuesday", "thursday", "friday", "sunday", "january",
                                       "march",   "april",   "may",      "june",   "july",   "august",
                                       "october", "today",   "eastern",  "pacific"};
    size_t letters = 0;
    while (letters < 8 && char_is_alpha(text[next + letters]))
        letters++;
    acronym |= word_in(days, sizeof days / sizeof *days, text + next, letters);
    if (acronym && follow == FOLLOW_UPPER && size >= 2 && size <= 3 && char_lower(word[size - 1]) == 'm')
        return false;
    if (word_in(final_before_capital, sizeof final_before_capital / sizeof *final_before_capital, word, size))
        return capital;
    if (word_in(titles, sizeof titles / sizeof *titles, word, size) && !follows_name(text, begin))
        return false; /* "Dr. No" */
    if (word_in(final_before_starter, sizeof final_before_starter / sizeof *final_before_starter, word,
                size) ||
        (size >= 3 && char_is_upper(word[0]) && word[1] == '.' && char_is_upper(word[2])))
        return follow == FOLLOW_STARTER;
    if (word_in(never_final, sizeof never_final / sizeof *never_final, word, size))
        return false;
    static const char *const months[] = {"jan", "feb", "mar",  "apr", "jun", "jul",
                                         "aug", "sep", "sept", "oct", "nov", "dec"};
    static const char *const units[] = {"rs",  "ext", "tbsp", "tsp",  "oz",  "lb",  "lbs", "hr",
                                        "hrs", "min", "mins", "max",  "avg", "sq",  "cu",  "med",
                                        "lg",  "sm",  "bldg", "hwy",  "rm",  "apt", "ste", "c",
                                        "ca",  "b",   "d",    "temp", "wk",  "qty"};
    if ((follow == FOLLOW_DIGIT || follow == FOLLOW_OTHER) &&
        word_in(units, sizeof units / sizeof *units, word, size))
        return false;
    if (follow == FOLLOW_DIGIT && word_in(months, sizeof months / sizeof *months, word, size))
        return false;
    if (size == 0 && at > 0 && char_is_digit(text[at - 1])) {
        size_t digits = at;
        while (digits > 0 && at - digits < 4 && char_is_digit(text[digits - 1]))
            digits--;
        bool starts = digits == 0 || text[digits - 1] == '\n';
        if (starts && at - digits <= 3)
            return false; /* the number of a list item */
    }
    return true;
}

/* The size of a link's text or a tag at `text`, inside of which no sentence ends; 1 when it is neither. */
static size_t bracket(const char *text, size_t size)
{
    size_t limit = size < 400 ? size : 400;
    char close = *text == '[' ? ']' : '>';
    for (size_t i = 1; i < limit; i++) {
        if (text[i] == close)
            return close == '>' || (i + 1 < size && (text[i + 1] == '(' || text[i + 1] == '[')) ? i + 1 : 1;
        if (text[i] == *text || (unsigned char)text[i] <= RAW_LINE ||
            (*text == '<' && char_is_space(text[1])))
            return 1;
    }
    return 1;
}

/* Whether the terminators [begin, end) end the sentence, when `next` is the first text after them. */
static bool is_final(const char *text, size_t size, size_t begin, size_t end, size_t next)
{
    enum follow follow = following(text + next, size - next);
    bool stop_only = text[begin] == '.' && (end == begin + 1 || terminator(text + begin + 1, 1) == 0);
    bool ellipsis = text[begin] == '.' && !stop_only;
    if (next < size && text[next] == '=')
        return false; /* "5! = 120" */
    if (follow == FOLLOW_LOWER || (ellipsis && (follow == FOLLOW_DIGIT || follow == FOLLOW_OTHER)))
        return false;
    return !stop_only || stop_is_final(text, begin, follow);
}

/* Bytes at which sentence_length() has to look; all others are inside a sentence. */
static bool is_special(unsigned char byte)
{
    static const bool specials[256] = {[RAW_EVENT] = true, [RAW_LINE] = true, ['.'] = true, ['!'] = true,
                                       ['?'] = true,       ['['] = true,      ['<'] = true};
    return byte >= 0xc0 || specials[byte];
}

size_t sentence_length(const char *text, size_t size, bool complete, size_t *from)
{
    for (size_t at = *from; at < size;) {
        if (!is_special((unsigned char)text[at])) {
            at++;
            continue;
        }
        char c = text[at];
        if (c == RAW_EVENT || c == RAW_LINE)
            return c == RAW_EVENT ? at : at + 1;
        size_t n = terminator(text + at, size - at);
        if (n == 0) {
            size_t step = c == '[' || c == '<' ? bracket(text + at, size - at) : 1;
            if (step == 1 && (c == '[' || c == '<') && size - at < 400 && !complete &&
                memchr(text + at, RAW_EVENT, size - at) == NULL) {
                *from = at; /* its end may come */
                return 0;
            }
            at += step;
            continue;
        }
        size_t begin = at, end = at + n;
        while (end < size && (n = terminator(text + end, size - end)) > 0)
            end += n;
        while (end < size && (n = closer(text + end, size - end)) > 0)
            end += n;
        size_t next = end;
        while (next < size && char_is_space(text[next]))
            next++;
        if (next < size && (text[next] == RAW_EVENT || text[next] == RAW_LINE))
            return next + (text[next] == RAW_LINE);
        if (size - next < 16 && !complete && memchr(text + next, RAW_EVENT, size - next) == NULL) {
            *from = begin; /* what follows is not there yet */
            return 0;
        }
        if (next > end || end == size || char_is_wide(text[begin])) {
            if (is_final(text, size, begin, end, next))
                return next;
        }
        at = end;
    }
    *from = size;
    return complete ? size : 0;
}

size_t sentence_cut(const char *text, size_t limit)
{
    size_t space = 0;
    for (size_t at = limit; at > limit / 2; at--) {
        if (!char_is_space(text[at - 1]))
            continue;
        if (space == 0)
            space = at;
        if (at >= 2 && strchr(",;:)", text[at - 2]) != NULL)
            return at;
    }
    if (space > 0)
        return space;
    size_t border = utf8_floor(text, limit);
    return border == 0 ? limit : border;
}
