/* inline.h: one sentence of raw text into clean text.
 *
 * Takes out what is written but not said inside a line: emphasis signs, links, code quotes, HTML tags, footnote marks;
 * resolves entities and escapes; brings Unicode into the few forms that the normaliser knows: NFC, one kind of apostrophe,
 * “ and ” for quotes, - (hyphen), – (dash between) and — (dash), − (minus), ASCII for full-width, no invisible characters. */
#ifndef TEXT_INLINE_H
#define TEXT_INLINE_H

#include "text/raw.h"

/* A part of a sentence that is said in a given way. */
struct span {
    size_t begin, end; /* bytes of the sentence's text */
    struct raw_event how;
};

/* A sentence. Set up with {0}; memory is kept between sentences. */
struct sentence {
    struct raw_text clean; /* text, places and drops; it holds no control byte but RAW_LINE */
    struct span *spans;    /* in order of begin; may be nested, the later is the inner one */
    size_t span_count, span_capacity;
    uint64_t reference; /* source position at or after every place: see place_position() */
};

struct inline_options {
    uint32_t switches; /* lt_text_switch bits that are on */
    bool markup;       /* the text may hold markup and marks; SSML holds none within its elements */
};

/* Makes *sentence of the first `size` unused bytes of `raw`, takes their events, and marks them used. */
void inline_clean(struct raw_text *raw, size_t size, const struct inline_options *options, uint64_t reference,
                  struct sentence *sentence);

void sentence_free(struct sentence *sentence);

/* The characters of an HTML entity ("amp", "#39", "#x27"), without & and ;, into `out`. Returns their size, 0 when it is
 * none. */
size_t entity_decode(const char *name, size_t size, char out[8]);

/* The bytes of the picture that begins with the emoji at `text`: joined emoji, flags and skin tones are one. Sets its name, NULL
 * when it has none. */
size_t emoji_read(const char *text, size_t size, const char **name);
/* The name of a sequence without variation selectors and skin tones, or NULL. */
const char *emoji_name(const char *sequence, size_t size);
bool emoji_is(uint32_t codepoint);

#endif
