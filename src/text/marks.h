/* marks.h: marks in plain text that steer the voice: [pause:1.5s], [voice:NAME], [rate:1.2]. */
#ifndef TEXT_MARKS_H
#define TEXT_MARKS_H

#include <stddef.h>

#include "text/raw.h"

/* Reads the mark that `text` begins with. Returns its size and fills *event: EVENT_PAUSE, or EVENT_STYLE, with which
 * *style is updated; EVENT_END when `switches` (lt_text_switch bits that are on) lack its kind. 0: it is no mark. */
size_t mark_read(const char *text, size_t size, uint32_t switches, struct text_style *style,
                 struct raw_event *event);

/* Reads a non-negative decimal number ("1.5", ".5"); returns its size, 0 when there is none. */
size_t mark_read_number(const char *text, size_t size, double *value);

#endif
