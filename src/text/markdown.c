/* markdown.c: plain text and markdown, line by line, into raw text. */
#include "text/markdown.h"

#include <string.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/marks.h"

enum { LINE_LIMIT = 8192 }; /* a longer line is handled in pieces */

static const float PARAGRAPH_PAUSE = 0.4F;
static const float HEADING_PAUSE = 0.6F;
static const float ITEM_PAUSE = 0.25F;

/* A line of the window without its line end. */
struct line {
    const char *text;
    size_t size;
    uint64_t source; /* position of text[0] */
    bool begins;     /* text[0] is the line's first byte */
    bool ends;       /* a line end follows */
};

/* Puts out the end of the block that was being read. */
static void end_block(struct markdown *m, uint64_t source)
{
    if (m->in_paragraph) {
        struct raw_event event = {.kind = EVENT_END, .final = true, .stop = m->stop, .pause = m->pause};
        raw_add_event(m->raw, RAW_EVENT, &event, source, source);
    }
    m->in_paragraph = false;
    m->last_columns = 0;
    m->stop = false;
    m->pause = PARAGRAPH_PAUSE;
}

static void begin_block(struct markdown *m, uint64_t source, bool stop, float pause)
{
    end_block(m, source);
    m->in_paragraph = true;
    m->stop = stop;
    m->pause = pause;
}

/* Puts out text of a line: marks become events, control characters go. */
static void put(struct markdown *m, const char *text, size_t size, uint64_t source)
{
    size_t from = 0;
    for (size_t at = 0; at < size;) {
        unsigned char c = (unsigned char)text[at];
        struct raw_event event;
        size_t mark =
            c == '[' && m->fence == 0 ? mark_read(text + at, size - at, m->switches, &m->style, &event) : 0;
        bool control = (c < ' ' && c != '\t') || c == 0x7f;
        if (mark == 0 && !control) {
            at++;
            continue;
        }
        raw_append(m->raw, text + from, at - from, source + from);
        size_t n = control ? 1 : mark;
        if (control)
            raw_drop(m->raw, source + at, source + at + 1, "control character");
        else if (event.kind == EVENT_END) /* mark_read's way to say: refused */
            raw_drop(m->raw, source + at, source + at + n, "mark not allowed");
        else
            raw_add_event(m->raw, RAW_EVENT, &event, source + at, source + at + n);
        at += n;
        from = at;
    }
    raw_append(m->raw, text + from, size - from, source + from);
}

static void drop_line(struct markdown *m, const struct line *line, const char *reason)
{
    if (line->size > 0)
        raw_drop(m->raw, line->source, line->source + line->size, reason);
}

/* Leaves out the first `size` bytes of a line. */
static void skip(struct line *line, size_t size)
{
    line->text += size;
    line->size -= size;
    line->source += size;
}

static size_t count_leading(const struct line *line, char c)
{
    size_t n = 0;
    while (n < line->size && line->text[n] == c)
        n++;
    return n;
}

static void trim(struct line *line)
{
    size_t n = 0;
    while (n < line->size && char_is_space(line->text[n]))
        n++;
    skip(line, n);
    while (line->size > 0 && char_is_space(line->text[line->size - 1]))
        line->size--;
}

static bool starts_with(const struct line *line, const char *prefix)
{
    size_t n = strlen(prefix);
    return line->size >= n && memcmp(line->text, prefix, n) == 0;
}

/* A line of one sign only, three or more of it: a rule, or the underline of a heading. */
static bool is_rule(const struct line *line)
{
    if (line->size < 3 || strchr("-=*_~#+", line->text[0]) == NULL)
        return false;
    size_t signs = 0;
    for (size_t i = 0; i < line->size; i++) {
        if (line->text[i] == line->text[0])
            signs++;
        else if (line->text[i] != ' ')
            return false;
    }
    return signs >= 3;
}

/* The size of a list item's bullet or number with its space, 0 when it is none. */
static size_t bullet_size(const struct markdown *m, const struct line *line, bool *numbered)
{
    *numbered = false;
    const char *s = line->text;
    if (line->size >= 2 && s[1] == ' ' &&
        (s[0] == '-' || s[0] == '*' ||
         (s[0] == '+' && (m->in_list || (!m->in_paragraph && line->size > 2 && !char_is_digit(s[2]))))))
        return 2;
    static const char *const signs[] = {"• ", "‣ ", "◦ ", "▪ ", "● ", "○ ",
                                        "· ", "– ", "— ", "➤ ", "✓ ", "►  "};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (starts_with(line, signs[i]))
            return strlen(signs[i]);
    size_t n = 0;
    while (n < line->size && n < 4 && char_is_digit(s[n]))
        n++;
    *numbered = n > 0 && n < 4 && n + 1 < line->size && (s[n] == '.' || s[n] == ')') && s[n + 1] == ' ';
    return *numbered ? n + 2 : 0;
}

/* A row of a table: begins with '|' and has another, or stands below the rule of a table. */
static bool is_row(const struct markdown *m, const struct line *line)
{
    const char *bar = memchr(line->text, '|', line->size);
    return bar != NULL && line->size > 2 &&
           (m->in_table || (bar == line->text && memchr(bar + 1, '|', line->size - 1) != NULL));
}

/* "|---|:-:|", "--- | ---", "+---+---+": what parts the head of a table from its rows. */
static bool is_table_rule(const struct line *line)
{
    size_t dashes = 0, bars = 0;
    for (size_t i = 0; i < line->size; i++) {
        if (strchr("|-:+= ", line->text[i]) == NULL)
            return false;
        dashes += line->text[i] == '-' || line->text[i] == '=';
        bars += line->text[i] == '|' || line->text[i] == '+';
    }
    return dashes > 0 && bars > 0;
}

static void put_row(struct markdown *m, const struct line *line)
{
    begin_block(m, line->source, true, ITEM_PAUSE);
    bool first = true;
    if (line->text[0] == '|')
        raw_drop(m->raw, line->source, line->source + 1, "table border");
    for (size_t at = line->text[0] == '|'; at < line->size;) {
        size_t end = at;
        while (end < line->size && (line->text[end] != '|' || line->text[end - 1] == '\\'))
            end++;
        struct line cell = {line->text + at, end - at, line->source + at, true, true};
        trim(&cell);
        if (cell.size > 0) {
            if (!first)
                raw_append_for(m->raw, ", ", 2, cell.source, cell.source);
            put(m, cell.text, cell.size, cell.source);
            first = false;
        }
        if (end < line->size)
            raw_drop(m->raw, line->source + end, line->source + end + 1, "table border");
        at = end + 1;
    }
    end_block(m, line->source + line->size);
}

/* Lines inside fenced code, and the fences. */
static bool handle_code(struct markdown *m, struct line *line)
{
    struct line code = *line;
    trim(&code);
    char sign = code.size > 0 ? code.text[0] : 0;
    size_t n = sign == '`' || sign == '~' ? count_leading(&code, sign) : 0;
    if (m->fence == 0) {
        if (n < 3 || (sign == '`' && memchr(code.text + n, '`', code.size - n) != NULL))
            return false;
        end_block(m, code.source);
        m->fence = sign;
        m->fence_size = n;
        drop_line(m, &code, "code fence");
        return true;
    }
    if (sign == m->fence && n >= m->fence_size && n == code.size) {
        m->fence = 0;
        drop_line(m, &code, "code fence");
    } else if (m->skip_code) {
        drop_line(m, &code, "code");
    } else if (code.size > 0) {
        begin_block(m, code.source, true, 0);
        struct raw_event event = {.kind = EVENT_SPAN, .span = SPAN_CODE};
        raw_add_event(m->raw, RAW_OPEN, &event, code.source, code.source);
        put(m, code.text, code.size, code.source);
        char close = RAW_CLOSE;
        raw_append_for(m->raw, &close, 1, code.source + code.size, code.source + code.size);
        end_block(m, code.source + code.size);
    }
    return true;
}

static bool find(const struct line *line, const char *needle, size_t *at)
{
    const char *found = memmem(line->text, line->size, needle, strlen(needle));
    *at = found == NULL ? 0 : (size_t)(found - line->text);
    return found != NULL;
}

/* HTML comments, scripts and style sheets that begin a line: dropped to their end. */
static bool handle_comment(struct markdown *m, struct line *line)
{
    static const char *const kinds[][2] = {{"<!--", "-->"}, {"<script", "</script>"}, {"<style", "</style>"}};
    for (size_t i = 0; i < 3 && !m->in_comment; i++)
        if (starts_with(line, kinds[i][0])) {
            m->in_comment = true;
            m->comment_end = kinds[i][1];
        }
    if (!m->in_comment)
        return false;
    size_t at = 0;
    if (find(line, m->comment_end, &at)) {
        size_t n = at + strlen(m->comment_end);
        struct line dropped = {line->text, n, line->source, true, true};
        drop_line(m, &dropped, "HTML comment");
        skip(line, n);
        m->in_comment = false;
        trim(line);
        return line->size == 0;
    }
    drop_line(m, line, "HTML comment");
    return true;
}

/* "[^1]: a note" is read as "Footnote 1: a note"; "[name]: address" is not read. */
static bool handle_definition(struct markdown *m, struct line *line)
{
    const char *close = line->size > 4 && line->text[0] == '[' ? memchr(line->text, ']', line->size) : NULL;
    if (close == NULL || close + 1 >= line->text + line->size || close[1] != ':')
        return false;
    size_t label = (size_t)(close - line->text) + 2;
    if (line->text[1] == '^') {
        begin_block(m, line->source, true, PARAGRAPH_PAUSE);
        raw_append_for(m->raw, "Footnote ", 9, line->source, line->source + 2);
        put(m, line->text + 2, label - 4, line->source + 2);
        raw_append_for(m->raw, ": ", 2, line->source + label - 2, line->source + label);
        skip(line, label);
        trim(line);
        put(m, line->text, line->size, line->source);
        return true;
    }
    size_t at;
    struct line target = *line;
    skip(&target, label);
    trim(&target);
    if (!find(&target, "://", &at) || memchr(target.text, ' ', at) != NULL)
        return false;
    drop_line(m, line, "link definition");
    return true;
}

/* Whether the line end before `line` was meant: the writer could have put its first word on the line before. */
static bool is_break(const struct markdown *m, const struct line *line)
{
    const struct str *raw = &m->raw->text;
    char last = raw->length > m->raw->front ? raw->data[raw->length - 1] : ' ';
    if (strchr(".,;:!?-", last) != NULL || char_is_wide(last) || char_is_lower(line->text[0]))
        return false;
    if (line->text[0] == '[' && line->size > 1 && char_is_digit(line->text[1]))
        return true;
    if (line->size > 5 && char_is_digit(line->text[0]) && (line->text[4] == '-' || line->text[2] == ':'))
        return true; /* a time or date as logs have them */
    const char *space = memchr(line->text, ' ', line->size);
    size_t word = space == NULL ? line->size : (size_t)(space - line->text);
    size_t width = m->last_columns > line->size ? m->last_columns : line->size;
    return width <= 45 || m->last_columns + 1 + word <= width;
}

/* Joins a line to the paragraph before it. */
static void join(struct markdown *m, const struct line *line)
{
    struct str *raw = &m->raw->text;
    size_t n = raw->length - m->raw->front;
    const char *end = raw->data + raw->length;
    bool hyphen = n >= 3 && end[-1] == '-' && char_is_alpha(end[-2]) && char_is_alpha(end[-3]);
    if (hyphen && char_is_lower(line->text[0])) {
        raw->length--; /* hyphenation undone */
        raw->data[raw->length] = '\0';
        raw_drop(m->raw, line->source - 1, line->source, "hyphenation");
    } else if (n >= 2 && memcmp(end - 2, "\u00ad", 2) == 0) {
        return;
    } else if (n > 0 && (unsigned char)end[-1] > RAW_LINE) {
        char separator = is_break(m, line) ? RAW_LINE : ' ';
        raw_append_for(m->raw, &separator, 1, line->source, line->source);
    }
}

static void put_heading(struct markdown *m, struct line *line, size_t level)
{
    uint64_t end = line->source + line->size;
    raw_drop(m->raw, line->source, line->source + level, "heading mark");
    skip(line, level);
    trim(line);
    while (line->size > 0 && (line->text[line->size - 1] == '#' || line->text[line->size - 1] == ' '))
        line->size--;
    if (line->source + line->size < end)
        raw_drop(m->raw, line->source + line->size, end, "heading mark");
    begin_block(m, line->source, true, HEADING_PAUSE);
    put(m, line->text, line->size, line->source);
    end_block(m, line->source + line->size);
}

static void put_item(struct markdown *m, struct line *line, size_t bullet, bool numbered)
{
    begin_block(m, line->source, true, ITEM_PAUSE);
    m->in_list = true;
    if (numbered) {
        raw_append(m->raw, line->text, bullet - 2, line->source);
        raw_append_for(m->raw, ". ", 2, line->source + bullet - 2, line->source + bullet);
    } else {
        raw_drop(m->raw, line->source, line->source + bullet, "list mark");
    }
    skip(line, bullet);
    trim(line);
    if (starts_with(line, "[ ] ") || starts_with(line, "[x] ") || starts_with(line, "[X] ")) {
        raw_drop(m->raw, line->source, line->source + 4, "list mark");
        skip(line, 4);
    }
    m->last_columns = line->size + bullet;
    put(m, line->text, line->size, line->source);
}

/* A line of a paragraph, the first or a further one. */
static void put_line(struct markdown *m, const struct line *line)
{
    if (m->in_paragraph)
        join(m, line);
    else
        begin_block(m, line->source, false, PARAGRAPH_PAUSE);
    m->last_columns = line->size;
    put(m, line->text, line->size, line->source);
}

/* The first piece of a line of text that is no markdown: empty lines separate paragraphs. */
static void handle_plain(struct markdown *m, struct line line)
{
    trim(&line);
    if (line.size == 0)
        end_block(m, line.source);
    else
        put_line(m, &line);
}

/* The first piece of a line. */
static void handle_line(struct markdown *m, struct line line)
{
    if (m->fence == 0 && handle_comment(m, &line))
        return;
    if (handle_code(m, &line))
        return;
    trim(&line);
    while (line.size > 0 && line.text[0] == '>' && (line.size == 1 || strchr("> ", line.text[1]) != NULL)) {
        raw_drop(m->raw, line.source, line.source + 1, "quotation mark of a line");
        skip(&line, 1);
        trim(&line);
    }
    size_t level = count_leading(&line, '#'), bullet;
    bool numbered;
    if (line.size == 0) {
        end_block(m, line.source);
        m->in_list = m->in_table = false;
    } else if (is_table_rule(&line)) {
        drop_line(m, &line, "table rule");
        m->stop |= m->in_paragraph;
        end_block(m, line.source);
        m->in_table = true;
    } else if (is_rule(&line)) {
        drop_line(m, &line, "rule");
        m->pause = m->in_paragraph ? HEADING_PAUSE : m->pause;
        m->stop |= m->in_paragraph;
        end_block(m, line.source);
    } else if (level > 0 && level <= 6 && level < line.size && line.text[level] == ' ') {
        put_heading(m, &line, level);
    } else if (is_row(m, &line)) {
        put_row(m, &line);
    } else if ((bullet = bullet_size(m, &line, &numbered)) > 0) {
        put_item(m, &line, bullet, numbered);
    } else if (!handle_definition(m, &line)) {
        put_line(m, &line);
    }
}

/* A further piece of a long line, or its end. */
static void handle_rest(struct markdown *m, const struct line *line)
{
    if (m->in_comment || (m->fence != 0 && m->skip_code))
        drop_line(m, line, m->in_comment ? "HTML comment" : "code");
    else
        put(m, line->text, line->size, line->source);
    m->in_paragraph |= line->size > 0 && !m->in_comment && m->fence == 0;
}

/* Where a long line is cut: after white space, if there is any. */
static size_t piece_size(const char *text)
{
    size_t n = LINE_LIMIT;
    while (n > LINE_LIMIT / 2 && !char_is_space(text[n - 1]))
        n--;
    return n > LINE_LIMIT / 2 ? n : utf8_floor(text, LINE_LIMIT);
}

lt_status markdown_more(struct markdown *m, lt_error *error)
{
    size_t n;
    const char *text, *end;
    for (;;) {
        lt_status status = reader_fill(m->reader, m->scanned + 1, error);
        if (status != LT_OK)
            return status;
        text = reader_data(m->reader);
        n = reader_size(m->reader);
        end = text + m->scanned;
        while (end < text + n && *end != '\n' && *end != '\r')
            end++;
        m->scanned = (size_t)(end - text);
        if (m->scanned > LINE_LIMIT || end + 1 < text + n || (end < text + n && *end == '\n') ||
            m->reader->ended)
            break;
        if (end < text + n) { /* a carriage return: is a line feed behind it? */
            status = reader_fill(m->reader, n + 1, error);
            if (status != LT_OK)
                return status;
            text = reader_data(m->reader);
            n = reader_size(m->reader);
            end = text + m->scanned;
            break;
        }
    }
    uint64_t source = reader_position(m->reader);
    if (n == 0) {
        m->ended = true;
        end_block(m, source);
        return LT_OK;
    }
    struct line line = {text, (size_t)(end - text), source, !m->in_line, end < text + n};
    size_t used = line.size;
    if (line.size > LINE_LIMIT) {
        line.size = used = piece_size(text);
        line.ends = false;
    } else if (line.ends) {
        used += end[0] == '\r' && end + 1 < text + n && end[1] == '\n' ? 2 : 1;
    }
    if (line.begins && (m->switches & LT_TEXT_MARKDOWN) == 0)
        handle_plain(m, line);
    else if (line.begins)
        handle_line(m, line);
    else
        handle_rest(m, &line);
    m->in_line = !line.ends;
    reader_drop(m->reader, used);
    m->scanned = 0;
    return LT_OK;
}
