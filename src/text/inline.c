/* inline.c: one sentence of raw text into clean text. */
#include "text/inline.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/marks.h"

enum { DEPTH_LIMIT = 12 }; /* deeper emphasis and links are taken as plain signs: nobody writes them */

/* What the functions of this file share while they clean a sentence. */
struct cleaner {
    struct raw_text *raw;
    const char *text; /* the sentence in raw, and its size */
    size_t size;
    const struct place *places;
    const struct inline_options *options;
    struct sentence *out;
    size_t open[8]; /* spans that wait for their RAW_CLOSE */
    size_t open_count;
    int depth;           /* of markup in markup */
    bool highlight;      /* a "==" was opened */
    bool low_quote;      /* a „ was opened, which “ closes */
    size_t no_closer[3]; /* for * _ `: from here on no closing sign follows; SIZE_MAX: not known */
};

void sentence_free(struct sentence *sentence)
{
    raw_free(&sentence->clean);
    free(sentence->spans);
    *sentence = (struct sentence){0};
}

static size_t begin_span(struct sentence *sentence, const struct raw_event *how)
{
    if (sentence->span_count == sentence->span_capacity) {
        size_t capacity = sentence->span_capacity == 0 ? 16 : sentence->span_capacity * 2;
        struct span *spans = realloc(sentence->spans, capacity * sizeof *spans);
        if (spans == NULL) {
            sentence->clean.failed = true;
            return SIZE_MAX;
        }
        sentence->spans = spans;
        sentence->span_capacity = capacity;
    }
    size_t at = sentence->clean.text.length;
    sentence->spans[sentence->span_count] = (struct span){at, SIZE_MAX, *how};
    return sentence->span_count++;
}

static void end_span(struct sentence *sentence, size_t index)
{
    if (index < sentence->span_count)
        sentence->spans[index].end = sentence->clean.text.length;
}

/* Source range of the raw bytes [begin, end) of the sentence. */
static uint64_t source_begin(const struct cleaner *c, size_t at)
{
    return place_position(c->places[at].begin, c->out->reference);
}

static uint64_t source_end(const struct cleaner *c, size_t end)
{
    return place_position(c->places[end - 1].end, c->out->reference);
}

static void put(struct cleaner *c, const char *bytes, size_t size, size_t begin, size_t end)
{
    raw_append_for(&c->out->clean, bytes, size, source_begin(c, begin), source_end(c, end));
}

static void drop(struct cleaner *c, size_t begin, size_t end, const char *reason)
{
    raw_drop(&c->out->clean, source_begin(c, begin), source_end(c, end), reason);
}

static char last_char(const struct cleaner *c)
{
    const struct str *text = &c->out->clean.text;
    return text->length == 0 ? ' ' : text->data[text->length - 1];
}

static void put_space(struct cleaner *c, size_t begin, size_t end)
{
    if (last_char(c) != ' ' && last_char(c) != '\n' && c->out->clean.text.length > 0)
        put(c, " ", 1, begin, end);
}

static void clean_range(struct cleaner *c, size_t begin, size_t end);
static void clean_inner(struct cleaner *c, size_t begin, size_t end);
static void copy(struct cleaner *c, size_t begin, size_t end);

/* ---- Characters beyond ASCII ---- */

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
        put(c, digits + (value < 10), value < 10 ? 1 : 2, begin, end);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < n && i < 18; i++)
        fraction |= parts[i] == 0x2044;
    if ((fraction || number) && char_is_digit(last_char(c)))
        put(c, " ", 1, begin, end);
    for (utf8proc_ssize_t i = 0; i < n && i < 18; i++) {
        char bytes[4];
        uint32_t part = parts[i] == 0x2044 ? '/' : (uint32_t)parts[i];
        put(c, bytes, utf8_encode(part, bytes), begin, end);
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
            put(c, bytes, n, begin, end);
            for (size_t i = base; i < base + n && !c->out->clean.failed; i++)
                c->out->clean.places[i].begin = (uint32_t)from;
            return;
        }
    }
    put(c, bytes, utf8_encode(mark, bytes), begin, end);
}

/* Says the name of a picture where names are wanted and it has one, else drops it as `what`. */
static void put_name(struct cleaner *c, const char *name, size_t begin, size_t end, const char *what)
{
    if (name == NULL || (c->options->switches & LT_TEXT_EMOJI) == 0) {
        drop(c, begin, end, what);
        return;
    }
    put_space(c, begin, end);
    put(c, name, strlen(name), begin, end);
    put(c, " ", 1, begin, end);
}

/* Faces drawn with several characters; dropped or named as emoji are. Returns the bytes used. */
static size_t take_kaomoji(struct cleaner *c, size_t at)
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

/* Puts out the character at `at` beyond ASCII; returns its size. */
static size_t put_wide(struct cleaner *c, size_t at)
{
    uint32_t codepoint = 0;
    size_t n = utf8_decode(c->text + at, c->size - at, &codepoint);
    if (n == 0) { /* a piece of a character at a cut: cannot be in checked text */
        drop(c, at, at + 1, "unprintable character");
        return 1;
    }
    const char *other;
    size_t face = codepoint == 0xaf || codepoint == 0x295 || codepoint == 0xca0 ? take_kaomoji(c, at) : 0;
    if (face > 0)
        return face;
    if (codepoint == 0x201c && c->low_quote) { /* „so“ */
        c->low_quote = false;
        put(c, "”", 3, at, at + n);
        return n;
    }
    c->low_quote |= codepoint == 0x201e;
    if (codepoint < 0x250 && codepoint > 0xbf && !is_compatible(codepoint))
        put(c, c->text + at, n, at, at + n);
    else if (is_wide_space(codepoint))
        put_space(c, at, at + n);
    else if (is_invisible(codepoint))
        drop(c, at, at + n, "invisible character");
    else if ((other = replacement(codepoint)) != NULL && *other == '\0')
        drop(c, at, at + n, "mark without sound");
    else if (other != NULL)
        put(c, other, strlen(other), at, at + n);
    else if (codepoint >= 0xff01 && codepoint <= 0xff5e)
        put(c, &(char){(char)(codepoint - 0xff01 + '!')}, 1, at, at + n);
    else if (is_compatible(codepoint))
        put_compatible(c, codepoint, at, at + n);
    else if (emoji_is(codepoint))
        return put_emoji(c, at);
    else if (codepoint >= 0x300 && utf8proc_category((utf8proc_int32_t)codepoint) == UTF8PROC_CATEGORY_MN)
        put_mark(c, codepoint, at, at + n);
    else
        put(c, c->text + at, n, at, at + n);
    return n;
}

/* ---- Markup ---- */

static bool is_word_char(char c)
{
    return char_is_alnum(c) || char_is_wide(c);
}

/* Whether a run of emphasis signs [at, end) can open or close emphasis (CommonMark's flanking, simplified). */
static bool can_open(const struct cleaner *c, size_t at, size_t end)
{
    char before = at == 0 ? ' ' : c->text[at - 1], after = end < c->size ? c->text[end] : ' ';
    return !char_is_space(after) && !is_word_char(before) && before != ')' &&
           strchr(".,;:!?)=", after) == NULL;
}

static bool can_close(const struct cleaner *c, size_t at, size_t end)
{
    char before = at == 0 ? ' ' : c->text[at - 1], after = end < c->size ? c->text[end] : ' ';
    return !char_is_space(before) && !is_word_char(after) && (unsigned char)before > RAW_LINE;
}

static size_t run_length(const struct cleaner *c, size_t at)
{
    size_t n = 1;
    while (at + n < c->size && c->text[at + n] == c->text[at])
        n++;
    return n;
}

/* The place of the run of `n` signs that closes the emphasis or code opened before `from`; SIZE_MAX: none. */
static size_t find_closer(struct cleaner *c, size_t from, char sign, size_t n, size_t *memo)
{
    if (from >= *memo)
        return SIZE_MAX;
    for (size_t at = from; at < c->size;) {
        if (c->text[at] != sign) {
            at++;
            continue;
        }
        size_t run = run_length(c, at);
        if (run >= n && (sign == '`' ? run == n : can_close(c, at, at + run)))
            return at;
        at += run;
    }
    *memo = from;
    return SIZE_MAX;
}

static size_t count_words(const char *text, size_t size)
{
    size_t words = 0;
    for (size_t i = 0; i < size; i++)
        words += !char_is_space(text[i]) && (i == 0 || char_is_space(text[i - 1]));
    return words;
}

/* * or _ at `at`; returns what was used, 0 when the sign stays. */
static size_t take_emphasis(struct cleaner *c, size_t at)
{
    if (at > 0 && c->text[at - 1] == c->text[at] && last_char(c) == c->text[at])
        return 0; /* the rest of a run that stays */
    size_t n = run_length(c, at), memo = c->text[at] == '*' ? 0 : 1;
    bool opens = n <= 3 && c->depth < DEPTH_LIMIT && can_open(c, at, at + n);
    size_t close = opens ? find_closer(c, at + n, c->text[at], n, &c->no_closer[memo]) : SIZE_MAX;
    if (close != SIZE_MAX) {
        drop(c, at, at + n, "emphasis mark");
        bool few = count_words(c->text + at + n, close - at - n) <= 3;
        struct raw_event how = {.kind = EVENT_SPAN, .span = SPAN_STRESS, .stress = 2};
        size_t span = few ? begin_span(c->out, &how) : SIZE_MAX;
        clean_inner(c, at + n, close);
        end_span(c->out, span);
        drop(c, close, close + n, "emphasis mark");
        return close + n - at;
    }
    bool bare = n > 1 || c->text[at] == '*'; /* ** and footnote stars; a lone _ belongs to a name */
    if (bare && (can_close(c, at, at + n) || can_open(c, at, at + n)) &&
        !(at > 0 && char_is_digit(c->text[at - 1]))) {
        drop(c, at, at + n, "emphasis mark");
        return n;
    }
    return 0;
}

/* Program text: no markup in it. */
static void put_code(struct cleaner *c, size_t begin, size_t end)
{
    for (size_t i = begin; i < end;) {
        if (char_is_wide(c->text[i])) {
            i += put_wide(c, i);
        } else {
            if ((unsigned char)c->text[i] > RAW_LINE)
                put(c, c->text + i, 1, i, i + 1);
            i++;
        }
    }
}

static size_t take_code(struct cleaner *c, size_t at)
{
    size_t n = run_length(c, at);
    size_t close = find_closer(c, at + n, '`', n, &c->no_closer[2]);
    bool apostrophe = n == 1 && at > 0 && char_is_alpha(c->text[at - 1]) && at + 1 < c->size &&
                      char_is_alpha(c->text[at + 1]);
    if (close == SIZE_MAX && apostrophe) {
        put(c, "'", 1, at, at + 1); /* "it`s" */
        return 1;
    }
    drop(c, at, at + n, "code mark");
    if (close == SIZE_MAX)
        return n;
    struct raw_event how = {.kind = EVENT_SPAN, .span = SPAN_CODE};
    size_t span = begin_span(c->out, &how);
    put_code(c, at + n, close);
    end_span(c->out, span);
    drop(c, close, close + n, "code mark");
    return close + n - at;
}

/* The end of the bracket that opens at `at`, at most `limit` bytes on; 0 when there is none. */
static size_t matching(const struct cleaner *c, size_t at, char open, char close, size_t limit)
{
    size_t depth = 0, end = at + limit < c->size ? at + limit : c->size;
    if (memchr(c->text + at, close, end - at) == NULL)
        return 0;
    for (size_t i = at; i < end; i++) {
        if ((unsigned char)c->text[i] <= RAW_LINE)
            return 0;
        if (c->text[i] == open)
            depth++;
        else if (c->text[i] == close && --depth == 0)
            return i;
    }
    return 0;
}

/* Whether "/.../" in a link's place holds phonemes, not a path: it has a sign that paths do not have. */
static bool is_phonemes(const char *text, size_t size)
{
    if (size < 3 || text[0] != '/' || text[size - 1] != '/' || memchr(text + 1, '/', size - 2) != NULL)
        return false;
    for (size_t i = 1; i + 1 < size; i++)
        if (char_is_wide(text[i]) || (char_is_upper(text[i]) && strchr("AIOQWYT", text[i]) != NULL))
            return memchr(text, '.', size) == NULL;
    return false;
}

/* What the target of [text](target) asks for; false when it is an address. */
static bool read_target(const char *text, size_t size, struct raw_event *how)
{
    *how = (struct raw_event){.kind = EVENT_SPAN};
    if (is_phonemes(text, size)) {
        how->span = SPAN_PHONEMES;
        size_t n = size - 2 < sizeof how->text - 1 ? size - 2 : utf8_floor(text + 1, sizeof how->text - 1);
        memcpy(how->text, text + 1, n);
        return true;
    }
    size_t sign = size > 0 && (*text == '-' || *text == '+');
    double value;
    if (size == 0 || mark_read_number(text + sign, size - sign, &value) != size - sign || size == sign ||
        value > 9)
        return false;
    how->span = SPAN_STRESS;
    how->stress = (float)(*text == '-' ? -value : value);
    return true;
}

/* [text](target), [text][name], ![image](target), [^note], [12]. Returns what was used, 0 when the bracket stays. */
static size_t take_link(struct cleaner *c, size_t at)
{
    size_t close = c->depth < DEPTH_LIMIT ? matching(c, at, '[', ']', 1000) : 0;
    bool markdown = (c->options->switches & LT_TEXT_MARKDOWN) != 0;
    if (close == 0)
        return 0;
    if (markdown && c->text[at + 1] == '^') {
        drop(c, at, close + 1, "footnote mark");
        return close + 1 - at;
    }
    char next = close + 1 < c->size ? c->text[close + 1] : ' ';
    size_t end = next == '('   ? matching(c, close + 1, '(', ')', 2000)
                 : next == '[' ? matching(c, close + 1, '[', ']', 100)
                               : 0;
    struct raw_event how;
    bool said = end > 0 && next == '(' && read_target(c->text + close + 2, end - close - 2, &how);
    if (end == 0 || (!markdown && !said))
        return 0;
    if (next == '(' && c->text[at + 1] == '!' && at + 2 < c->size && c->text[at + 2] == '[') {
        drop(c, at, end + 1, "badge"); /* a picture that is a link */
        return end + 1 - at;
    }
    if (said && (c->options->switches & LT_TEXT_PHONEME_MARKS) == 0)
        how.span = SPAN_NONE;
    drop(c, at, at + 1, "link mark");
    size_t span = said && how.span != SPAN_NONE ? begin_span(c->out, &how) : SIZE_MAX;
    clean_inner(c, at + 1, close);
    end_span(c->out, span);
    drop(c, close, end + 1, said ? "pronunciation mark" : "link address");
    return end + 1 - at;
}

/* Whether the name of a tag separates what stands around it. */
static bool is_block_tag(const char *name, size_t size)
{
    static const char *const blocks[] = {"br", "p",  "div",     "li",      "tr",    "td", "th",
                                         "dt", "dd", "h1",      "h2",      "h3",    "h4", "h5",
                                         "h6", "hr", "summary", "details", "option"};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (strlen(blocks[i]) == size && strncmp(blocks[i], name, size) == 0)
            return true;
    return false;
}

/* A picture is what its alt attribute says: <img src="x" alt="a cat">. The tag is [at, at + end]. */
static bool put_picture(struct cleaner *c, size_t at, size_t end)
{
    const char *alt = memmem(c->text + at, end, " alt=\"", 6);
    const char *from = alt == NULL ? NULL : alt + 6;
    const char *close = from == NULL ? NULL : memchr(from, '"', (size_t)(c->text + at + end - from));
    if (close == NULL || close == from)
        return false;
    drop(c, at, (size_t)(from - c->text), "HTML tag");
    clean_inner(c, (size_t)(from - c->text), (size_t)(close - c->text));
    drop(c, (size_t)(close - c->text), at + end + 1, "HTML tag");
    return true;
}

/* An HTML tag, comment or <address> at `at`. Returns what was used, 0 when it is none. */
static size_t take_tag(struct cleaner *c, size_t at)
{
    size_t limit = c->size - at < 2000 ? c->size - at : 2000;
    const char *text = c->text + at, *close = memchr(text, '>', limit);
    if (close == NULL || limit < 3)
        return 0;
    size_t end = (size_t)(close - text), name = text[1] == '/' || text[1] == '!' || text[1] == '?' ? 2 : 1,
           n = name;
    while (n < end && (char_is_alnum(text[n]) || text[n] == '-' || text[n] == ':' || text[n] == '_'))
        n++;
    if (name == 1 && n == name)
        return 0;
    if (name == 1 && (memmem(text, end, "://", 3) != NULL || memchr(text, '@', end) != NULL) &&
        memchr(text, ' ', end) == NULL) {
        drop(c, at, at + 1, "address mark");
        clean_inner(c, at + 1, at + end);
        drop(c, at + end, at + end + 1, "address mark");
        return end + 1;
    }
    bool tag = name == 2 || n == end || (text[n] == '/' && n + 1 == end) || text[n] == '=' ||
               (text[n] == ' ' && (memchr(text + n, '=', end - n) != NULL || text[end - 1] == '/'));
    if (!tag || !(char_is_alpha(text[name]) || text[1] == '!' || text[1] == '?'))
        return 0;
    if (n - name == 3 && strncmp(text + name, "img", 3) == 0 && put_picture(c, at, end))
        return end + 1;
    drop(c, at, at + end + 1, "HTML tag");
    if (is_block_tag(text + name, n - name))
        put_space(c, at, at + end + 1);
    return end + 1;
}

static size_t take_entity(struct cleaner *c, size_t at)
{
    size_t end = at + 1;
    while (end < c->size && end - at < 10 && (char_is_alnum(c->text[end]) || c->text[end] == '#'))
        end++;
    char bytes[8];
    size_t n =
        end < c->size && c->text[end] == ';' ? entity_decode(c->text + at + 1, end - at - 1, bytes) : 0;
    if (n == 0)
        return 0;
    if (n == 1) {
        put(c, bytes, 1, at, end + 1);
    } else { /* through the same door as the character itself, with the entity's place */
        struct place places[8];
        for (size_t i = 0; i < n; i++)
            places[i] = (struct place){c->places[at].begin, c->places[end].end};
        struct cleaner inner = *c;
        inner.text = bytes;
        inner.size = n;
        inner.places = places;
        put_wide(&inner, 0);
    }
    return end + 1 - at;
}

static size_t take_control(struct cleaner *c, size_t at)
{
    char control = c->text[at];
    if (control == RAW_LINE) {
        put(c, "\n", 1, at, at + 1);
    } else if (control == RAW_CLOSE) {
        if (c->open_count > 0 && --c->open_count < sizeof c->open / sizeof *c->open)
            end_span(c->out, c->open[c->open_count]);
    } else {
        const struct raw_event *event = &c->raw->events[c->raw->event_front++];
        if (control == RAW_OPEN && c->open_count++ < sizeof c->open / sizeof *c->open)
            c->open[c->open_count - 1] = begin_span(c->out, event);
        const char *close = event->span == SPAN_CODE ? memchr(c->text + at, RAW_CLOSE, c->size - at) : NULL;
        if (close != NULL) {
            size_t end = (size_t)(close - c->text);
            put_code(c, at + 1, end);
            return end - at;
        }
    }
    return 1;
}

/* "==marked==": both signs go. */
static size_t take_highlight(struct cleaner *c, size_t at)
{
    if (at + 1 >= c->size || c->text[at + 1] != '=')
        return 0;
    bool closes = at > 0 && !char_is_space(c->text[at - 1]) && c->highlight;
    bool opens = can_open(c, at, at + 2) && memmem(c->text + at + 2, c->size - at - 2, "==", 2) != NULL;
    if (!closes && !opens)
        return 0;
    c->highlight = !closes;
    drop(c, at, at + 2, "highlighting mark");
    return 2;
}

/* "H~2~O": what stands low, as the character for it. */
static size_t take_lowered(struct cleaner *c, size_t at)
{
    if (at == 0 || at + 2 >= c->size || !char_is_alpha(c->text[at - 1]) || !char_is_digit(c->text[at + 1]) ||
        c->text[at + 2] != '~')
        return 0;
    char low[4] = {'\xe2', '\x82', (char)(0x80 + (c->text[at + 1] - '0')), '\0'};
    put(c, low, 3, at, at + 3);
    return 3;
}

/* "x^2^": the second sign only closes. */
static size_t take_raised(struct cleaner *c, size_t at)
{
    size_t end = at + 1;
    while (end < c->size && end - at < 5 && char_is_alnum(c->text[end]))
        end++;
    if (at == 0 || end == at + 1 || end >= c->size || c->text[end] != '^' ||
        !char_is_alnum(c->text[at - 1]) || (end + 1 < c->size && char_is_alnum(c->text[end + 1])))
        return 0;
    copy(c, at, end);
    drop(c, end, end + 1, "mark of a raised text");
    return end + 1 - at;
}

/* "$x^2$", "$$E = mc^2$$": the signs around a formula, which is no sum of money. */
static size_t take_formula(struct cleaner *c, size_t at)
{
    size_t n = run_length(c, at), from = at + n, limit = c->size - from < 200 ? c->size - from : 200;
    const char *close = n > 2 ? NULL : memchr(c->text + from, '$', limit);
    if (close == NULL || c->depth >= DEPTH_LIMIT)
        return 0;
    size_t end = (size_t)(close - c->text);
    bool formula = end > from && !char_is_digit(c->text[from]) && !char_is_space(c->text[from]) &&
                   !char_is_space(c->text[end - 1]) && run_length(c, end) == n &&
                   (end + n >= c->size || !char_is_alnum(c->text[end + n])) &&
                   (end - from == 1 || memchr(c->text + from, '^', end - from) != NULL ||
                    memchr(c->text + from, '=', end - from) != NULL);
    if (!formula)
        return 0;
    drop(c, at, from, "mark of a formula");
    clean_inner(c, from, end);
    drop(c, end, end + n, "mark of a formula");
    return end + n - at;
}

/* A character with a meaning in markup; returns what was used, 0 when it is just a character. */
static size_t take_markup(struct cleaner *c, size_t at)
{
    char next = at + 1 < c->size ? c->text[at + 1] : ' ';
    if ((c->options->switches & LT_TEXT_MARKDOWN) == 0)
        return c->text[at] == '[' ? take_link(c, at) : 0; /* it may say how a word is pronounced */
    switch (c->text[at]) {
    case '*':
    case '_':
        return take_emphasis(c, at);
    case '`':
        return take_code(c, at);
    case '~':
        if (next != '~')
            return take_lowered(c, at);
        drop(c, at, at + 2, "strikethrough mark");
        return 2;
    case '[':
        return take_link(c, at);
    case '!': {
        size_t n = next == '[' ? take_link(c, at + 1) : 0;
        if (n > 0)
            drop(c, at, at + 1, "image mark");
        return n == 0 ? 0 : n + 1;
    }
    case '<':
        return take_tag(c, at);
    case '=':
        return take_highlight(c, at);
    case '^':
        return take_raised(c, at);
    case '$':
        return take_formula(c, at);
    case '(':
        return take_kaomoji(c, at);
    case '&':
        return take_entity(c, at);
    case '\\':
        if (next == '\0' || strchr("*_[]`#~|<>()", next) == NULL)
            return 0;
        drop(c, at, at + 1, "escape");
        put(c, &next, 1, at + 1, at + 2);
        return 2;
    default:
        return 0;
    }
}

/* Bytes that need a look; all others are copied in runs. */
static bool is_special(unsigned char byte)
{
    static const bool specials[256] = {
        [RAW_EVENT] = true, [RAW_OPEN] = true, [RAW_CLOSE] = true, [RAW_LINE] = true, [' '] = true,
        ['\t'] = true,      ['*'] = true,      ['_'] = true,       ['`'] = true,      ['~'] = true,
        ['='] = true,       ['^'] = true,      ['$'] = true,       ['('] = true,      ['['] = true,
        ['!'] = true,       ['<'] = true,      ['&'] = true,       ['\\'] = true};
    return byte >= 0x80 || specials[byte];
}

static void copy(struct cleaner *c, size_t begin, size_t end)
{
    raw_copy(&c->out->clean, c->text + begin, c->places + begin, end - begin);
}

static void clean_range(struct cleaner *c, size_t begin, size_t end)
{
    for (size_t at = begin; at < end;) {
        size_t run = at;
        while (run < end && (!is_special((unsigned char)c->text[run]) ||
                             (c->text[run] == ' ' && run > at && c->text[run - 1] != ' ')))
            run++; /* one space behind a character of the run stays as it is */
        if (run > at)
            copy(c, at, run);
        at = run;
        if (at == end)
            break;
        unsigned char byte = (unsigned char)c->text[at];
        size_t used = 0;
        if (byte >= 0x80) {
            used = put_wide(c, at);
        } else if (byte <= RAW_LINE) {
            used = take_control(c, at);
        } else if (byte == ' ' || byte == '\t') {
            put_space(c, at, at + 1);
            used = 1;
        } else if (c->options->markup) {
            used = take_markup(c, at);
        }
        if (used == 0) {
            copy(c, at, at + 1);
            used = 1;
        }
        at += used;
    }
}

/* The text inside markup: what closes outside of it does not count. */
static void clean_inner(struct cleaner *c, size_t begin, size_t end)
{
    struct cleaner outer = *c;
    c->size = end;
    c->depth++;
    for (size_t i = 0; i < 3; i++)
        c->no_closer[i] = SIZE_MAX;
    clean_range(c, begin, end);
    c->size = outer.size;
    c->depth--;
    memcpy(c->no_closer, outer.no_closer, sizeof c->no_closer);
}

/* Takes the drops of the raw text that lie in the sentence over to it. */
static void take_drops(struct raw_text *raw, size_t end, struct sentence *sentence)
{
    while (raw->drop_front < raw->drop_count && raw->drops[raw->drop_front].at < end) {
        const struct raw_drop *dropped = &raw->drops[raw->drop_front++];
        raw_drop(&sentence->clean, dropped->begin, dropped->end, dropped->reason);
    }
}

void inline_clean(struct raw_text *raw, size_t size, const struct inline_options *options, uint64_t reference,
                  struct sentence *sentence)
{
    struct raw_text *clean = &sentence->clean;
    str_clear(&clean->text);
    str_puts(&clean->text, "");
    clean->drop_count = clean->drop_front = 0;
    sentence->span_count = 0;
    sentence->reference = reference;
    struct cleaner cleaner = {
        .raw = raw,
        .text = raw->text.data + raw->front,
        .size = size,
        .places = raw->places + raw->front,
        .options = options,
        .out = sentence,
        .no_closer = {SIZE_MAX, SIZE_MAX, SIZE_MAX},
    };
    take_drops(raw, raw->front + size, sentence);
    clean_range(&cleaner, 0, size);
    for (size_t i = 0; i < sentence->span_count; i++)
        if (sentence->spans[i].end > clean->text.length)
            sentence->spans[i].end = clean->text.length;
    raw_use(raw, size);
}
