/* roman.c: roman numerals: which words are some, and whether they count or order. */
#include <string.h>

#include "text/norm.h"

static uint32_t roman_digit(char c)
{
    switch (c) {
    case 'I':
        return 1;
    case 'V':
        return 5;
    case 'X':
        return 10;
    case 'L':
        return 50;
    case 'C':
        return 100;
    case 'D':
        return 500;
    case 'M':
        return 1000;
    default:
        return 0;
    }
}

/* The value of a well-formed roman numeral in capitals, else 0. */
static uint32_t roman_value(const char *text, size_t size)
{
    static const struct {
        uint32_t value;
        char letters[3];
    } steps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                 {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
    uint32_t value = 0;
    size_t at = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t n = strlen(steps[i].letters);
        for (int times = 0; times < (i % 4 == 0 ? 3 : 1); times++) {
            if (size - at < n || memcmp(text + at, steps[i].letters, n) != 0)
                break;
            value += steps[i].value;
            at += n;
        }
    }
    return at == size ? value : 0;
}

/* The digits of a roman numeral's value; how many. */
static size_t roman_digits(uint32_t value, char digits[4])
{
    size_t n = 0;
    for (uint32_t power = 1000; power > 0; power /= 10)
        if (n > 0 || value >= power)
            digits[n++] = (char)('0' + value / power % 10);
    return n;
}

/* "the XXth century", "XIXth". */
size_t scan_roman_ordinal(struct norm *x, size_t at, size_t size)
{
    char digits[4];
    uint32_t value = size > 3 ? roman_value(x->text + at, size - 2) : 0;
    if (value == 0 || !norm_in(x->text + at + size - 2, 2, "st|nd|rd|th"))
        return 0;
    norm_range(x, at, at + size, "roman numeral");
    say_ordinal(x, digits, roman_digits(value, digits));
    return size;
}

bool scan_roman_as(struct norm *x, size_t at, size_t end, bool ordinal)
{
    char digits[4];
    uint32_t value = roman_value(x->text + at, end - at);
    if (value == 0)
        return false;
    norm_range(x, at, end, "roman numeral");
    size_t n = roman_digits(value, digits);
    ordinal ? say_ordinal(x, digits, n) : say_cardinal(x, digits, n);
    return true;
}

static bool previous_is_name(const struct norm *x)
{
    const struct token *last = norm_last(x);
    if (last == NULL)
        return false;
    const char *word = x->out->pool.data + last->text;
    return last->kind == TOKEN_WORD && last->origin == ORIGIN_TEXT && last->text_size > 2 &&
           char_is_upper(word[0]) && char_is_lower(word[1]);
}

/* "Part I of II": the words said last are a roman numeral and "of". */
static bool follows_roman(const struct norm *x)
{
    size_t n = x->out->count;
    if (n < x->first + 2 || !norm_previous_in(x, "of"))
        return false;
    const char *note = x->out->items[n - 2].note;
    return note != NULL && strcmp(note, "roman numeral") == 0;
}

/* "scene ii", "page xiv", "(iii)": small numerals, after words that are numbered so or in brackets of their own. */
static size_t scan_small_roman(struct norm *x, size_t at, size_t size)
{
    char capitals[5], digits[4];
    for (size_t i = 0; i < size; i++)
        if (strchr("ivx", x->text[at + i]) == NULL)
            return 0; /* nearly all words */
    bool enclosed = at > 0 && x->text[at - 1] == '(' && norm_char(x, at + size) == ')' && x->text[at] != 'x';
    if (size > sizeof capitals ||
        (!enclosed && !norm_previous_in(x, "act|scene|chapter|part|section|page|pages|appendix|book|"
                                           "volume|verse|canto|figure|article|clause|question|step")))
        return 0;
    for (size_t i = 0; i < size; i++)
        capitals[i] = char_upper(x->text[at + i]);
    uint32_t value = roman_value(capitals, size);
    if (value == 0 || value > 39 || (size == 1 && norm_char(x, at + 1) == ' '))
        return 0;
    norm_range(x, at, at + size, "roman numeral");
    say_cardinal(x, digits, roman_digits(value, digits));
    return size;
}

size_t scan_roman(struct norm *x, size_t at, size_t size)
{
    if (size > 0 && strchr("ivx", x->text[at]) != NULL)
        return scan_small_roman(x, at, size);
    if (size == 0 || size > 12 || roman_digit(x->text[at]) == 0)
        return 0;
    uint32_t value = roman_value(x->text + at, size);
    if (value == 0)
        return 0;
    bool counted = norm_previous_in(x, "chapter|part|section|volume|vol|book|act|scene|article|appendix|"
                                       "phase|type|stage|level|class|grade|world|war|"
                                       "title|figure|table|unit|lesson|bowl|episode|season|round|mark|"
                                       "category|group|tier|step|page|iphone|windows|"
                                       "rocky|schedule|annex|exhibit|division|corps|apollo|titan|saturn|"
                                       "verse|canto|opus|paragraph|clause|module");
    counted |= size > 1 &&
               norm_previous_in(x, "fantasy|quest|wars|trek|fighter|kombat|evil|doom|quake|diablo|starcraft|"
                                   "warcraft|civilization|empires|halloween|saw|jaws|godfather|terminator|"
                                   "rambo|creed|souls|auto|scrolls|symphony|sonata|concerto|quartet|movement|"
                                   "pentium|vatican|mega|gta|salt|gen|generation|mk|model|plan|project|"
                                   "operation|region|zone|stratum|kingdom|portal|dragon|effect|duty");
    counted |= norm_previous_in(x, "gta") || follows_roman(x);
    if (at > 0 && x->text[at - 1] == '-')
        return 0; /* "Type-C" */
    bool named = previous_is_name(x) && !norm_previous_in(x, "malcolm") && value < 40 &&
                 (size > 1 || value == 5 || value == 10) &&
                 !norm_in(x->text + at, size, "mi|di|li|mix|dim|mild");
    bool century = size > 1 && norm_char(x, at + size) == ' ' &&
                   norm_in(x->text + at + size + 1, norm_letters(x, at + size + 1),
                           "century|centuries|olympiad|olympics|dynasty|legion|amendment|arrondissement");
    if (!counted && !century && !(named && size > 1) &&
        !(named &&
          norm_previous_in(x, "henry|george|louis|charles|edward|philip|charlemagne|james|pope|pius|leo")))
        return 0;
    if (counted && size == 1 && x->text[at] == 'I' && char_is_lower(norm_char(x, at + 2)) &&
        norm_in(x->text + at + 2, norm_letters(x, at + 2),
                "am|was|have|had|will|would|do|did|can|could|think|saw|went|found"))
        return 0;
    char digits[4];
    size_t n = roman_digits(value, digits);
    norm_range(x, at, at + size, "roman numeral");
    if (century) {
        say_ordinal(x, digits, n);
    } else if (counted) {
        say_cardinal(x, digits, n);
    } else {
        norm_say(x, "the");
        say_ordinal(x, digits, n);
    }
    return size;
}
