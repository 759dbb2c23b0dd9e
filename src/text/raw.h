/* raw.h: source text without its line structure: what markdown.c and ssml.c make and the sentence stage reads.
 *
 * Bytes of UTF-8, each with the place in the source it came from. What is not text stands in it as one control
 * byte, whose meaning is the next entry of a queue of events:
 *   RAW_EVENT  something that ends a sentence: a pause, the end of a block, a change of voice
 *   RAW_OPEN   the following text, up to RAW_CLOSE, is to be said in a given way (phonemes, say-as, emphasis)
 *   RAW_LINE   a line break that the writer meant
 * Control characters of the source never reach it. */
#ifndef TEXT_RAW_H
#define TEXT_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "text/chunks.h"

enum { RAW_EVENT = 1, RAW_OPEN = 2, RAW_CLOSE = 3, RAW_LINE = 4 };

/* Bytes of the source: the low 32 bits of their positions (place_position() restores the rest). */
struct place {
    uint32_t begin, end;
};

/* The position in the source of a place, which lies within 4 GiB before `reference`. */
static inline uint64_t place_position(uint32_t low, uint64_t reference)
{
    return reference - (uint32_t)((uint32_t)reference - low);
}

/* How a span is to be said. */
enum span_kind {
    SPAN_NONE,
    SPAN_PHONEMES, /* `text` holds Kokoro's symbols */
    SPAN_STRESS,   /* `stress`, misaki's mark */
    SPAN_SAY_AS,   /* `say_as` */
    SPAN_CODE      /* program text: identifiers apart, symbols silent */
};

enum say_as {
    SAY_NONE,
    SAY_CARDINAL,
    SAY_ORDINAL,
    SAY_DIGITS,
    SAY_CHARACTERS,
    SAY_DATE,
    SAY_TIME,
    SAY_TELEPHONE,
    SAY_FRACTION,
    SAY_UNIT,
    SAY_EXPLETIVE,
    SAY_CURRENCY,
    SAY_DURATION
};

enum event_kind { EVENT_END, EVENT_PAUSE, EVENT_STYLE, EVENT_SPAN };

struct raw_event {
    enum event_kind kind;
    /* EVENT_END: the end of a paragraph, heading, list item or SSML sentence */
    bool final;              /* the chunk ends too */
    bool stop;               /* say it as if it ended with a full stop when it has no mark of its own */
    float pause;             /* EVENT_END, EVENT_PAUSE: seconds */
    struct text_style style; /* EVENT_STYLE */
    enum span_kind span;     /* EVENT_SPAN */
    enum say_as say_as;
    char format[8]; /* of a say-as date or time: "mdy", "ymd", "ms" ... */
    float stress;
    char text[192]; /* SPAN_PHONEMES */
};

/* Source that is not spoken, for the receipt. */
struct raw_drop {
    size_t at; /* position in the text that follows it */
    uint64_t begin, end;
    const char *reason; /* static */
};

struct raw_text {
    struct str text;
    struct place *places; /* one a byte of text */
    size_t place_capacity;
    size_t front; /* what lies before was used */
    struct raw_event *events;
    size_t event_count, event_capacity, event_front;
    struct raw_drop *drops; /* in order; `at` counts from text.data */
    size_t drop_count, drop_capacity, drop_front;
    bool failed; /* out of memory: check once */
};

void raw_free(struct raw_text *raw);

/* Appends `size` bytes that stand at `source` in the source. */
void raw_append(struct raw_text *raw, const char *bytes, size_t size, uint64_t source);

/* Appends `size` bytes that all stand for the source [begin, end). */
void raw_append_for(struct raw_text *raw, const char *bytes, size_t size, uint64_t begin, uint64_t end);

/* Appends `size` bytes with the places they had in another raw text. */
void raw_copy(struct raw_text *raw, const char *bytes, const struct place *places, size_t size);

/* Appends a control byte and its event, for the source [begin, end). */
void raw_add_event(struct raw_text *raw, char control, const struct raw_event *event, uint64_t begin,
                   uint64_t end);

/* Notes that the source [begin, end) is not spoken. */
void raw_drop(struct raw_text *raw, uint64_t begin, uint64_t end, const char *reason);

/* Marks the first `size` bytes after `front` as used; their events must have been taken. */
void raw_use(struct raw_text *raw, size_t size);

#endif
