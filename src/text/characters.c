/* characters.c: characters beyond ASCII in the few forms that the normaliser knows. */
#include <string.h>
#include <utf8proc.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/cleaner.h"

/* Source range of the raw bytes [begin, end) of the sentence. */
static uint64_t source_begin(const struct cleaner *c, size_t at)
{
    return place_position(c->places[at].begin, c->out->reference);
}

static uint64_t source_end(const struct cleaner *c, size_t end)
{
    return place_position(c->places[end - 1].end, c->out->reference);
}

void cleaner_put(struct cleaner *c, const char *bytes, size_t size, size_t begin, size_t end)
{
    raw_append_for(&c->out->clean, bytes, size, source_begin(c, begin), source_end(c, end));
}

void cleaner_drop(struct cleaner *c, size_t begin, size_t end, const char *reason)
{
    raw_drop(&c->out->clean, source_begin(c, begin), source_end(c, end), reason);
}

char cleaner_last(const struct cleaner *c)
{
    const struct str *text = &c->out->clean.text;
    return text->length == 0 ? ' ' : text->data[text->length - 1];
}

void cleaner_put_space(struct cleaner *c, size_t begin, size_t end)
{
    if (cleaner_last(c) != ' ' && cleaner_last(c) != '\n' && c->out->clean.text.length > 0)
        cleaner_put(c, " ", 1, begin, end);
}

/* What characters are replaced by; "": they go. Sorted. */
static const struct {
    uint32_t character;
    const char *by;
} replacements[] = {
    {0x00a1, ""},   {0x00ab, "“"},   {0x00ae, ""},    {0x00b4, "'"},   {0x00bb, "”"},  {0x00bf, ""},
    {0x02b9, "'"},  {0x02bc, "'"},   {0x2010, "-"},   {0x2011, "-"},   {0x2012, "–"},  {0x2015, "—"},
    {0x2018, "'"},  {0x2019, "'"},   {0x201a, "'"},   {0x201b, "'"},   {0x201e, "“"},  {0x201f, "“"},
    {0x2020, ""},   {0x2021, ""},    {0x2022, ", "},  {0x2023, ", "},  {0x2025, "…"},  {0x2035, "'"},
    {0x2039, "“"},  {0x203a, "”"},   {0x203c, "!!"},  {0x203d, "?!"},  {0x2043, "-"},  {0x2044, "/"},
    {0x2047, "??"}, {0x2048, "?!"},  {0x2049, "?!"},  {0x2116, "No."}, {0x2117, ""},   {0x2120, ""},
    {0x2122, ""},   {0x2215, "/"},   {0x22ef, "…"},   {0x25aa, ", "},  {0x25cb, ", "}, {0x25cf, ", "},
    {0x25e6, ", "}, {0x27e8, "("},   {0x27e9, ")"},   {0x2e3a, "—"},   {0x2e3b, "—"},  {0x3001, ", "},
    {0x3002, ". "}, {0x3008, "("},   {0x3009, ")"},   {0x300a, "("},   {0x300b, ")"},  {0x300c, "“"},
    {0x300d, "”"},  {0x300e, "“"},   {0x300f, "”"},   {0x3010, "("},   {0x3011, ")"},  {0x3014, "("},
    {0x3015, ")"},  {0x301c, "—"},   {0x301d, "“"},   {0x301e, "”"},   {0xfb00, "ff"}, {0xfb01, "fi"},
    {0xfb02, "fl"}, {0xfb03, "ffi"}, {0xfb04, "ffl"}, {0xfb05, "st"},  {0xfb06, "st"}, {0xfe58, "—"},
    {0xfe63, "-"},
};

/* What a character is replaced by, NULL when it is not in the table. */
static const char *replacement(uint32_t c)
{
    size_t low = 0, high = sizeof replacements / sizeof *replacements;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (replacements[middle].character == c)
            return replacements[middle].by;
        if (replacements[middle].character < c)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool is_wide_space(uint32_t c)
{
    return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000 || c == 0x85;
}

static bool is_invisible(uint32_t c)
{
    return (c >= 0x80 && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff) || c == 0x034f || c == 0x061c ||
           c == 0xfffd || c == 0xfffc || (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000;
}

/* Characters that stand for others by their look: ¾ ① ㎏ Ⅳ 𝐀. Superscripts and subscripts keep their sense. */
static bool is_compatible(uint32_t c)
{
    return (c >= 0xbc && c <= 0xbe) || (c >= 0x2100 && c <= 0x218b && c != 0x2126) ||
           (c >= 0x2460 && c <= 0x24ff) || (c >= 0x3200 && c <= 0x33ff) || (c >= 0x1d400 && c <= 0x1d7ff) ||
           (c >= 0xff5f && c <= 0xffef) || (c >= 0xfb07 && c <= 0xfb17) || c == 0x132 || c == 0x133 ||
           (c >= 0x1c4 && c <= 0x1cc) || (c >= 0x2776 && c <= 0x2793);
}

static void put_compatible(struct cleaner *c, uint32_t codepoint, size_t begin, size_t end)
{
    utf8proc_int32_t parts[18];
    int class = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)codepoint, parts, 18,
                                                 UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE, &class);
    bool fraction = false, number = codepoint >= 0x2460 && codepoint <= 0x249b;
    if (codepoint >= 0x2160 && codepoint <= 0x217b &&
        codepoint % 16 < 12) { /* Ⅳ: a number wherever it stands */
        uint32_t value = codepoint % 16 + 1;
        char digits[2] = {(char)('0' + value / 10), (char)('0' + value % 10)};
        cleaner_put(c, digits + (value < 10), value < 10 ? 1 : 2, begin, end);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < n && i < 18; i++)
        fraction |= parts[i] == 0x2044;
    if ((fraction || number) && char_is_digit(cleaner_last(c)))
        cleaner_put(c, " ", 1, begin, end);
    for (utf8proc_ssize_t i = 0; i < n && i < 18; i++) {
        char bytes[4];
        uint32_t part = parts[i] == 0x2044 ? '/' : (uint32_t)parts[i];
        cleaner_put(c, bytes, utf8_encode(part, bytes), begin, end);
    }
}

/* Joins a combining mark to the character before it where Unicode has the two in one. */
static void put_mark(struct cleaner *c, uint32_t mark, size_t begin, size_t end)
{
    struct str *text = &c->out->clean.text;
    size_t base = text->length;
    while (base > 0 && base + 4 > text->length && ((unsigned char)text->data[base - 1] & 0xc0) == 0x80)
        base--;
    base -= base > 0;
    uint32_t first = 0;
    char bytes[4];
    if (text->length > 0 && utf8_decode(text->data + base, text->length - base, &first) > 0) {
        utf8proc_int32_t pair[2] = {(utf8proc_int32_t)first, (utf8proc_int32_t)mark};
        if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_STABLE | UTF8PROC_COMPOSE) == 1) {
            size_t from = c->out->clean.places[base].begin;
            text->length = base;
            size_t n = utf8_encode((uint32_t)pair[0], bytes);
            cleaner_put(c, bytes, n, begin, end);
            for (size_t i = base; i < base + n && !c->out->clean.failed; i++)
                c->out->clean.places[i].begin = (uint32_t)from;
            return;
        }
    }
    cleaner_put(c, bytes, utf8_encode(mark, bytes), begin, end);
}

/* Says the name of a picture where names are wanted and it has one, else drops it as `what`. */
static void put_name(struct cleaner *c, const char *name, size_t begin, size_t end, const char *what)
{
    if (name == NULL || (c->options->switches & LT_TEXT_EMOJI) == 0) {
        cleaner_drop(c, begin, end, what);
        return;
    }
    cleaner_put_space(c, begin, end);
    cleaner_put(c, name, strlen(name), begin, end);
    cleaner_put(c, " ", 1, begin, end);
}

size_t cleaner_take_kaomoji(struct cleaner *c, size_t at)
{
    static const char *const faces[][2] = {
        {"¯\\_(ツ)_/¯", "shrug"},
        {"(╯°□°)╯︵ ┻━┻", "table flip"},
        {"(╯°□°）╯︵ ┻━┻", "table flip"},
        {"ʕ•ᴥ•ʔ", "bear"},
        {"(ಠ_ಠ)", "disapproval"},
        {"ಠ_ಠ", "disapproval"},
        {"(^_^)", "smile"},
        {"(^^)", "smile"},
        {"(T_T)", "crying"},
        {"(>_<)", "wince"},
        {"(・_・)", "blank stare"},
        {"(•_•)", "blank stare"},
        {"(¬_¬)", "side eye"},
        {"(っ◕‿◕)っ", "hug"},
        {"(ง •̀_•́)ง", "fight"},
        {"( ͡° ͜ʖ ͡°)", "smirk"},
        {"(-_-)", "unamused"},
        {"(o_o)", "stare"},
    };
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
        size_t n = strlen(faces[i][0]);
        if (n > c->size - at || memcmp(c->text + at, faces[i][0], n) != 0)
            continue;
        put_name(c, faces[i][1], at, at + n, "emoticon");
        return n;
    }
    return 0;
}

static size_t put_emoji(struct cleaner *c, size_t at)
{
    const char *name;
    size_t n = emoji_read(c->text + at, c->size - at, &name);
    put_name(c, name, at, at + n, "emoji");
    return n;
}

size_t cleaner_put_wide(struct cleaner *c, size_t at)
{
    uint32_t codepoint = 0;
    size_t n = utf8_decode(c->text + at, c->size - at, &codepoint);
    if (n == 0) { /* a piece of a character at a cut: cannot be in checked text */
        cleaner_drop(c, at, at + 1, "unprintable character");
        return 1;
    }
    const char *other;
    size_t face =
        codepoint == 0xaf || codepoint == 0x295 || codepoint == 0xca0 ? cleaner_take_kaomoji(c, at) : 0;
    if (face > 0)
        return face;
    if (codepoint == 0x201c && c->low_quote) { /* „so“ */
        c->low_quote = false;
        cleaner_put(c, "”", 3, at, at + n);
        return n;
    }
    c->low_quote |= codepoint == 0x201e;
    if (codepoint < 0x250 && codepoint > 0xbf && !is_compatible(codepoint))
        cleaner_put(c, c->text + at, n, at, at + n);
    else if (is_wide_space(codepoint))
        cleaner_put_space(c, at, at + n);
    else if (is_invisible(codepoint))
        cleaner_drop(c, at, at + n, "invisible character");
    else if ((other = replacement(codepoint)) != NULL && *other == '\0')
        cleaner_drop(c, at, at + n, "mark without sound");
    else if (other != NULL)
        cleaner_put(c, other, strlen(other), at, at + n);
    else if (codepoint >= 0xff01 && codepoint <= 0xff5e)
        cleaner_put(c, &(char){(char)(codepoint - 0xff01 + '!')}, 1, at, at + n);
    else if (is_compatible(codepoint))
        put_compatible(c, codepoint, at, at + n);
    else if (emoji_is(codepoint))
        return put_emoji(c, at);
    else if (codepoint >= 0x300 && utf8proc_category((utf8proc_int32_t)codepoint) == UTF8PROC_CATEGORY_MN)
        put_mark(c, codepoint, at, at + n);
    else
        cleaner_put(c, c->text + at, n, at, at + n);
    return n;
}
