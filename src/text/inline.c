/* inline.c: one sentence of raw text into clean text. */
#include "text/inline.h"

#include <stdlib.h>
#include <string.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/cleaner.h"
#include "text/marks.h"

enum { DEPTH_LIMIT = 12 }; /* deeper emphasis and links are taken as plain signs: nobody writes them */

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

static void clean_range(struct cleaner *c, size_t begin, size_t end);
static void clean_inner(struct cleaner *c, size_t begin, size_t end);
static void copy(struct cleaner *c, size_t begin, size_t end);

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
    if (at > 0 && c->text[at - 1] == c->text[at] && cleaner_last(c) == c->text[at])
        return 0; /* the rest of a run that stays */
    size_t n = run_length(c, at), memo = c->text[at] == '*' ? 0 : 1;
    bool opens = n <= 3 && c->depth < DEPTH_LIMIT && can_open(c, at, at + n);
    size_t close = opens ? find_closer(c, at + n, c->text[at], n, &c->no_closer[memo]) : SIZE_MAX;
    if (close != SIZE_MAX) {
        cleaner_drop(c, at, at + n, "emphasis mark");
        bool few = count_words(c->text + at + n, close - at - n) <= 3;
        struct raw_event how = {.kind = EVENT_SPAN, .span = SPAN_STRESS, .stress = 2};
        size_t span = few ? begin_span(c->out, &how) : SIZE_MAX;
        clean_inner(c, at + n, close);
        end_span(c->out, span);
        cleaner_drop(c, close, close + n, "emphasis mark");
        return close + n - at;
    }
    bool bare = n > 1 || c->text[at] == '*'; /* ** and footnote stars; a lone _ belongs to a name */
    if (bare && (can_close(c, at, at + n) || can_open(c, at, at + n)) &&
        !(at > 0 && char_is_digit(c->text[at - 1]))) {
        cleaner_drop(c, at, at + n, "emphasis mark");
        return n;
    }
    return 0;
}

/* Program text: no markup in it. */
static void put_code(struct cleaner *c, size_t begin, size_t end)
{
    for (size_t i = begin; i < end;) {
        if (char_is_wide(c->text[i])) {
            i += cleaner_put_wide(c, i);
        } else {
            if ((unsigned char)c->text[i] > RAW_LINE)
                cleaner_put(c, c->text + i, 1, i, i + 1);
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
        cleaner_put(c, "'", 1, at, at + 1); /* "it`s" */
        return 1;
    }
    cleaner_drop(c, at, at + n, "code mark");
    if (close == SIZE_MAX)
        return n;
    struct raw_event how = {.kind = EVENT_SPAN, .span = SPAN_CODE};
    size_t span = begin_span(c->out, &how);
    put_code(c, at + n, close);
    end_span(c->out, span);
    cleaner_drop(c, close, close + n, "code mark");
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
        cleaner_drop(c, at, close + 1, "footnote mark");
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
        cleaner_drop(c, at, end + 1, "badge"); /* a picture that is a link */
        return end + 1 - at;
    }
    if (said && (c->options->switches & LT_TEXT_PHONEME_MARKS) == 0)
        how.span = SPAN_NONE;
    cleaner_drop(c, at, at + 1, "link mark");
    size_t span = said && how.span != SPAN_NONE ? begin_span(c->out, &how) : SIZE_MAX;
    clean_inner(c, at + 1, close);
    end_span(c->out, span);
    cleaner_drop(c, close, end + 1, said ? "pronunciation mark" : "link address");
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
    cleaner_drop(c, at, (size_t)(from - c->text), "HTML tag");
    clean_inner(c, (size_t)(from - c->text), (size_t)(close - c->text));
    cleaner_drop(c, (size_t)(close - c->text), at + end + 1, "HTML tag");
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
        cleaner_drop(c, at, at + 1, "address mark");
        clean_inner(c, at + 1, at + end);
        cleaner_drop(c, at + end, at + end + 1, "address mark");
        return end + 1;
    }
    bool tag = name == 2 || n == end || (text[n] == '/' && n + 1 == end) || text[n] == '=' ||
               (text[n] == ' ' && (memchr(text + n, '=', end - n) != NULL || text[end - 1] == '/'));
    if (!tag || !(char_is_alpha(text[name]) || text[1] == '!' || text[1] == '?'))
        return 0;
    if (n - name == 3 && strncmp(text + name, "img", 3) == 0 && put_picture(c, at, end))
        return end + 1;
    cleaner_drop(c, at, at + end + 1, "HTML tag");
    if (is_block_tag(text + name, n - name))
        cleaner_put_space(c, at, at + end + 1);
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
        cleaner_put(c, bytes, 1, at, end + 1);
    } else { /* through the same door as the character itself, with the entity's place */
        struct place places[8];
        for (size_t i = 0; i < n; i++)
            places[i] = (struct place){c->places[at].begin, c->places[end].end};
        struct cleaner inner = *c;
        inner.text = bytes;
        inner.size = n;
        inner.places = places;
        cleaner_put_wide(&inner, 0);
    }
    return end + 1 - at;
}

static size_t take_control(struct cleaner *c, size_t at)
{
    char control = c->text[at];
    if (control == RAW_LINE) {
        cleaner_put(c, "\n", 1, at, at + 1);
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
    cleaner_drop(c, at, at + 2, "highlighting mark");
    return 2;
}

/* "H~2~O": what stands low, as the character for it. */
static size_t take_lowered(struct cleaner *c, size_t at)
{
    if (at == 0 || at + 2 >= c->size || !char_is_alpha(c->text[at - 1]) || !char_is_digit(c->text[at + 1]) ||
        c->text[at + 2] != '~')
        return 0;
    char low[4] = {'\xe2', '\x82', (char)(0x80 + (c->text[at + 1] - '0')), '\0'};
    cleaner_put(c, low, 3, at, at + 3);
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
    cleaner_drop(c, end, end + 1, "mark of a raised text");
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
    cleaner_drop(c, at, from, "mark of a formula");
    clean_inner(c, from, end);
    cleaner_drop(c, end, end + n, "mark of a formula");
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
        cleaner_drop(c, at, at + 2, "strikethrough mark");
        return 2;
    case '[':
        return take_link(c, at);
    case '!': {
        size_t n = next == '[' ? take_link(c, at + 1) : 0;
        if (n > 0)
            cleaner_drop(c, at, at + 1, "image mark");
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
        return cleaner_take_kaomoji(c, at);
    case '&':
        return take_entity(c, at);
    case '\\':
        if (next == '\0' || strchr("*_[]`#~|<>()", next) == NULL)
            return 0;
        cleaner_drop(c, at, at + 1, "escape");
        cleaner_put(c, &next, 1, at + 1, at + 2);
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
            used = cleaner_put_wide(c, at);
        } else if (byte <= RAW_LINE) {
            used = take_control(c, at);
        } else if (byte == ' ' || byte == '\t') {
            cleaner_put_space(c, at, at + 1);
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
