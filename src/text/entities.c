/* entities.c: the HTML entities that texts use. */
#include <string.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/inline.h"

/* Sorted by name. */
static const struct {
    char name[8];
    uint16_t codepoint;
} entities[] = {
    {"AMP", '&'},      {"Agrave", 0xc0},   {"Auml", 0xc4},    {"Ccedil", 0xc7},   {"Delta", 0x394},
    {"Eacute", 0xc9},  {"GT", '>'},        {"LT", '<'},       {"Omega", 0x3a9},   {"Ouml", 0xd6},
    {"QUOT", '"'},     {"Uuml", 0xdc},     {"aacute", 0xe1},  {"acirc", 0xe2},    {"acute", 0xb4},
    {"aelig", 0xe6},   {"agrave", 0xe0},   {"alpha", 0x3b1},  {"amp", '&'},       {"apos", '\''},
    {"aring", 0xe5},   {"ast", '*'},       {"asymp", 0x2248}, {"atilde", 0xe3},   {"auml", 0xe4},
    {"bdquo", 0x201e}, {"beta", 0x3b2},    {"bull", 0x2022},  {"ccedil", 0xe7},   {"cent", 0xa2},
    {"colon", ':'},    {"comma", ','},     {"copy", 0xa9},    {"dagger", 0x2020}, {"darr", 0x2193},
    {"deg", 0xb0},     {"divide", 0xf7},   {"dollar", '$'},   {"eacute", 0xe9},   {"ecirc", 0xea},
    {"egrave", 0xe8},  {"emsp", 0x2003},   {"ensp", 0x2002},  {"equals", '='},    {"euml", 0xeb},
    {"euro", 0x20ac},  {"excl", '!'},      {"frac12", 0xbd},  {"frac14", 0xbc},   {"frac34", 0xbe},
    {"ge", 0x2265},    {"gt", '>'},        {"harr", 0x2194},  {"hearts", 0x2665}, {"hellip", 0x2026},
    {"iacute", 0xed},  {"icirc", 0xee},    {"iexcl", 0xa1},   {"infin", 0x221e},  {"iquest", 0xbf},
    {"iuml", 0xef},    {"lambda", 0x3bb},  {"laquo", 0xab},   {"larr", 0x2190},   {"lbrack", '['},
    {"ldquo", 0x201c}, {"le", 0x2264},     {"lowbar", '_'},   {"lpar", '('},      {"lsquo", 0x2018},
    {"lt", '<'},       {"mdash", 0x2014},  {"micro", 0xb5},   {"middot", 0xb7},   {"minus", 0x2212},
    {"mu", 0x3bc},     {"nbsp", 0xa0},     {"ndash", 0x2013}, {"ne", 0x2260},     {"ntilde", 0xf1},
    {"num", '#'},      {"oacute", 0xf3},   {"ocirc", 0xf4},   {"oelig", 0x153},   {"ograve", 0xf2},
    {"omega", 0x3c9},  {"oslash", 0xf8},   {"otilde", 0xf5},  {"ouml", 0xf6},     {"para", 0xb6},
    {"percnt", '%'},   {"period", '.'},    {"pi", 0x3c0},     {"plus", '+'},      {"plusmn", 0xb1},
    {"pound", 0xa3},   {"prime", 0x2032},  {"quest", '?'},    {"quot", '"'},      {"raquo", 0xbb},
    {"rarr", 0x2192},  {"rbrack", ']'},    {"rdquo", 0x201d}, {"reg", 0xae},      {"rpar", ')'},
    {"rsquo", 0x2019}, {"sbquo", 0x201a},  {"sect", 0xa7},    {"semi", ';'},      {"shy", 0xad},
    {"sigma", 0x3c3},  {"sol", '/'},       {"sup1", 0xb9},    {"sup2", 0xb2},     {"sup3", 0xb3},
    {"szlig", 0xdf},   {"thinsp", 0x2009}, {"times", 0xd7},   {"trade", 0x2122},  {"uacute", 0xfa},
    {"uarr", 0x2191},  {"ucirc", 0xfb},    {"ugrave", 0xf9},  {"uuml", 0xfc},     {"yen", 0xa5},
    {"zwj", 0x200d},   {"zwnj", 0x200c},
};

/* The number of "#39" or "#x27"; 0 when it is no character that text may hold. */
static uint32_t read_number(const char *text, size_t size)
{
    bool hex = size > 1 && char_lower(text[1]) == 'x';
    uint32_t value = 0;
    for (size_t i = hex ? 2 : 1; i < size; i++) {
        char c = char_lower(text[i]);
        if (char_is_digit(c))
            value = value * (hex ? 16 : 10) + (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            value = value * 16 + (uint32_t)(c - 'a' + 10);
        else
            return 0;
    }
    bool valid = value >= ' ' && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff);
    return valid ? value : 0;
}

size_t entity_decode(const char *name, size_t size, char out[8])
{
    if (size == 0 || size > 8)
        return 0;
    if (name[0] == '#') {
        uint32_t c = read_number(name, size);
        return c == 0 ? 0 : utf8_encode(c, out);
    }
    size_t low = 0, high = sizeof entities / sizeof *entities;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(name, entities[middle].name, size);
        if (order == 0 && size < sizeof entities->name && entities[middle].name[size] != '\0')
            order = -1;
        if (order == 0)
            return utf8_encode(entities[middle].codepoint, out);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0;
}
