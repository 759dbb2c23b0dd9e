/* markdown.h: plain text and markdown, line by line, into raw text.
 *
 * Finds what lines mean: paragraphs whose lines were wrapped, headings, lists, quotations, tables, code, rules, notes;
 * undoes wrapping and hyphenation; takes out [pause:], [voice:] and [rate:] marks. What is inside a line
 * (emphasis, links, entities) is left to inline.c. */
#ifndef TEXT_MARKDOWN_H
#define TEXT_MARKDOWN_H

#include "base/error.h"
#include "text/raw.h"
#include "text/reader.h"

struct markdown {
    struct reader *reader;
    struct raw_text *raw;
    uint32_t switches;       /* lt_text_switch bits that are on */
    bool skip_code;          /* fenced code is not spoken */
    struct text_style style; /* in force at the end of what was read */
    size_t scanned;          /* bytes of the window known to hold no line end */
    bool ended;              /* all was read */
    /* Where the last line left things. */
    bool in_paragraph; /* text was put out that the next line may continue */
    bool in_line;      /* the next piece belongs to the same line */
    bool in_list;
    bool in_table;   /* the rule of a table was passed: lines with '|' are its rows */
    bool in_comment; /* an HTML comment, script or style sheet */
    const char *comment_end;
    char fence; /* '`' or '~' inside fenced code, else 0 */
    size_t fence_size;
    size_t last_columns; /* of the last line of the paragraph */
    bool stop;           /* the block gets a full stop when it has no mark at its end */
    float pause;         /* after the block */
};

/* Reads on: appends at least one piece of text or event to the raw text, or sets `ended`.
 * Errors: those of reader_fill(). */
lt_status markdown_more(struct markdown *markdown, lt_error *error);

#endif
