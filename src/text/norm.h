/* norm.h: what the families of normalisation share (words, numbers, dates, money ...); private to normalize.c and them.
 *
 * The dispatcher in normalize.c walks over a sentence. Where a family may begin it calls the family's scanners: each looks
 * at the text from `at` on and either says words and returns the bytes it has used, or says nothing and returns 0. No scanner
 * looks back, none looks further than a bounded number of words ahead, so that the whole is linear. */
#ifndef TEXT_NORM_H
#define TEXT_NORM_H

#include "base/chars.h"
#include "text/inline.h"
#include "text/tokens.h"

struct norm {
    const char *text; /* the sentence */
    size_t size;
    const struct sentence *sentence;
    struct tokens *out;
    size_t first;      /* index in out of the sentence's first token */
    size_t begin, end; /* bytes of the sentence that the words being said stand for */
    const char *note;  /* which rule says them */
    size_t next_span;  /* first span that begins at or after the position */
    size_t next_drop;
    float stress;      /* of the span that the position is in */
    size_t stress_end; /* where that span ends */
    bool in_code;      /* identifiers are taken apart, symbols are silent */
    size_t code_end;
    bool british;      /* dates day first; 'zed' */
    uint32_t switches; /* lt_text_switch bits that are on */
    bool respell;      /* the words are for a backend that reads no phonemes */
    bool quote_open;   /* a straight double quote was opened */
    const char *text_after_quote;
    size_t no_serial_until;  /* up to here nothing is a serial number: the run is too long for one */
    size_t no_address_until; /* up to here nothing is an address of the net */
    size_t run_end;          /* where the run of digits and their signs ends that was looked at last */
    bool long_run;           /* it is too long for a number of any kind */
};

/* ---- Saying (norm.c) ---- */

/* A token of any kind, for the source of text[begin, end); NULL when out of memory. */
struct token *norm_add(struct norm *x, enum token_kind kind, enum token_origin origin, const char *text,
                       size_t size);
/* One word, for the source of text[begin, end). */
struct token *norm_say(struct norm *x, const char *word);
struct token *norm_say_text(struct norm *x, const char *word, size_t size);
/* Letters said by name ("PM", "CA"): upper-cased, one token that is spelled. */
void norm_say_letters(struct norm *x, const char *letters, size_t size);
/* One word whose phonemes (Kokoro's symbols) stand in the text. */
void norm_say_given(struct norm *x, const char *word, size_t size, const char *phonemes,
                    size_t phonemes_size);
/* Words separated by spaces. */
void norm_say_words(struct norm *x, const char *words);
/* A mark that Kokoro knows. */
void norm_mark(struct norm *x, const char *mark);
/* Leaves text[begin, end) out, and says why. */
void norm_drop(struct norm *x, size_t begin, size_t end, const char *reason);
/* White space follows what was said last. */
void norm_space_after(struct norm *x);
/* Sets what the next words stand for. */
static inline void norm_range(struct norm *x, size_t begin, size_t end, const char *note)
{
    x->begin = begin;
    x->end = end;
    x->note = note;
}

/* ---- Looking (norm.c) ---- */

static inline bool norm_wants(const struct norm *x, lt_text_switch what)
{
    return (x->switches & what) != 0;
}

/* The last token of the passage so far; NULL: there is none. It is valid until one is added. */
static inline struct token *norm_last(const struct norm *x)
{
    return x->out->count > x->first ? &x->out->items[x->out->count - 1] : NULL;
}

/* The byte at `at`, ' ' beyond the ends. */
static inline char norm_char(const struct norm *x, size_t at)
{
    return at < x->size ? x->text[at] : ' ';
}

/* Whether a word may end before `at`: no letter or digit there; of the signs beyond ASCII, only dashes, quotes and dots. */
static inline bool norm_is_border(const struct norm *x, size_t at)
{
    char c = norm_char(x, at);
    if (!char_is_wide(c))
        return !char_is_alnum(c);
    char last = norm_char(x, at + 2);
    return c == '\xe2' && norm_char(x, at + 1) == '\x80' && last >= '\x93' && last <= '\xa6';
}

/* Whether a character beyond ASCII is at `at` that is no letter: U+0080 to U+00BF, × and ÷, U+2000 to U+2FFF, U+3000 to U+303F. */
bool norm_is_sign(const struct norm *x, size_t at);
/* Whether text[at, at + size) is ASCII capitals alone. */
bool norm_is_capitals(const struct norm *x, size_t at, size_t size);
/* Number of digits, of ASCII letters, of spaces from `at`. */
size_t norm_digits(const struct norm *x, size_t at);
size_t norm_letters(const struct norm *x, size_t at);
size_t norm_spaces(const struct norm *x, size_t at);
/* Size of `literal` (lower case ASCII) when the text at `at` is it in any case, else 0. */
size_t norm_literal(const struct norm *x, size_t at, const char *literal);
/* The same, followed by a border. */
size_t norm_word(const struct norm *x, size_t at, const char *literal);
/* Whether the last word said is one of `words` (lower case, separated by '|'). */
bool norm_previous_in(const struct norm *x, const char *words);
/* Whether one of the last three words said is. */
bool norm_recent_in(const struct norm *x, const char *words);
/* Whether the ASCII word [begin, begin + size) is one of `words` (lower case, separated by '|'). */
bool norm_in(const char *word, size_t size, const char *words);

/* The bytes of a hyphen or en dash at `at`, 0 when there is none. */
static inline size_t norm_dash(const struct norm *x, size_t at)
{
    return norm_char(x, at) == '-' ? 1 : norm_literal(x, at, "–");
}

/* A table of pairs, sorted by key (lower-case ASCII or UTF-8). */
struct norm_entry {
    const char *key, *value;
};
const char *norm_find(const struct norm_entry *table, size_t count, const char *key, size_t size);
#define NORM_FIND(table, key, size) norm_find(table, sizeof(table) / sizeof *(table), key, size)

/* ---- numbers.c ---- */

enum { NUMBER_DIGITS = 48 }; /* longest number that is said as one; more is said digit by digit */

struct number {
    char whole[NUMBER_DIGITS + 1]; /* digits without separators; empty for ".5" */
    char fraction[NUMBER_DIGITS + 1];
    size_t whole_size, fraction_size;
    size_t size;    /* bytes of text */
    bool separated; /* had thousands separators */
};

/* Reads "12", "1,234", "1,234.5", ".5" at `at`. False when there is none or it has more than NUMBER_DIGITS digits. */
bool number_read(const struct norm *x, size_t at, struct number *number);
/* The value of a whole number below 10^9, else UINT32_MAX. */
uint32_t number_value(const char *digits, size_t size);
bool number_is_one(const struct number *number);
bool number_is_zero(const char *digits, size_t size);

void say_digits(struct norm *x, const char *digits, size_t size);
void say_cardinal(struct norm *x, const char *digits, size_t size);
void say_ordinal(struct norm *x, const char *digits, size_t size);
/* "nineteen eighty four", "two thousand five", "nineteen oh five". */
void say_year(struct norm *x, const char *digits, size_t size);
/* "nineteen eighties"; size 2 or 4, ending in 0. */
void say_decade(struct norm *x, const char *digits, size_t size);
/* As pairs: "twenty seven eighty eight", "one twenty three", "seven zero eight". */
void say_pairs(struct norm *x, const char *digits, size_t size);
/* The number of a product, road or room, of three or four digits: "thirty ninety", "seven forty seven", "one oh one", "five
 * thousand". */
void say_model(struct norm *x, const char *digits, size_t size);
/* A number with its fraction: "two point zero five". */
void say_number(struct norm *x, const struct number *number);
/* Two digits as in a time or year: "oh five", "forty". */
void say_two(struct norm *x, const char *digits, bool oh);
/* A number as it stands alone, whose reading depends on how it is written: years, leading zeros, long runs. */
void say_bare(struct norm *x, const struct number *number, bool counts);

/* ---- Scanners: bytes used, or 0 ---- */

/* words.c: a word, or what begins with one; a word as it is written, but for lengthened ones and laughter. */
size_t scan_word(struct norm *x, size_t at);
void say_word(struct norm *x, size_t at, size_t size);

/* say_as.c: what SSML asks for; 0: the text does not fit, it is said as it would be without. */
size_t scan_say_as(struct norm *x, const struct span *span);

/* numbers.c: "3rd"; "404s", "the 747s"; "HTTP 404", "a 503 error"; "1/2", "1 1/2". */
size_t scan_ordinal(struct norm *x, size_t at);
size_t scan_plural(struct norm *x, size_t at);
size_t scan_status(struct norm *x, size_t at);
size_t scan_fraction(struct norm *x, size_t at);

/* roman.c: a word of `size` bytes: "VIII"; "XXth". */
size_t scan_roman(struct norm *x, size_t at, size_t size);
size_t scan_roman_ordinal(struct norm *x, size_t at, size_t size);

/* dates.c: what begins with a digit; with a word of `size` bytes; "1980s", "'80s". */
size_t scan_date(struct norm *x, size_t at);
size_t scan_month_date(struct norm *x, size_t at, size_t size);
size_t scan_decade(struct norm *x, size_t at);

/* times.c */
size_t scan_time(struct norm *x, size_t at);

/* money.c: what begins with a sign or a code; "5 €", whose number was read. */
size_t scan_money(struct norm *x, size_t at);
size_t scan_money_after(struct norm *x, size_t at, const struct number *number);

/* measure.c */
size_t scan_measure(struct norm *x, size_t at);

/* telephone.c */
size_t scan_telephone(struct norm *x, size_t at);

/* electronic.c: URL, e-mail, path, IP, handle, which begins with a word of `size` bytes (0: with a sign or digit). */
size_t scan_electronic(struct norm *x, size_t at, size_t size);

/* abbreviations.c: before the first of its scanners, any number of times, from any thread; a word of `size` bytes; "Mon-Fri",
 * "Jan-Mar"; "1428 Elm St.". */
void abbreviations_prepare(void);
size_t scan_abbreviation(struct norm *x, size_t at, size_t size);
size_t scan_calendar_range(struct norm *x, size_t at, size_t size);
size_t scan_address(struct norm *x, size_t at);

/* serials.c: letters with digits, versions; "5-10", "$5-$10", "1960s-80s"; "Fe2O3", "NaCl". */
size_t scan_serial(struct norm *x, size_t at);
size_t scan_range(struct norm *x, size_t at);
size_t scan_formula(struct norm *x, size_t at);

/* signs.c: one sign. */
size_t scan_symbol(struct norm *x, size_t at);

/* arpabet.c: "{HH AH0 L OW1}". */
size_t scan_arpabet(struct norm *x, size_t at);

/* ---- Shared readers ---- */
/* The unit at `at` (after a number, spaces skipped by the caller): says it, singular or plural; bytes used. */
size_t measure_unit(struct norm *x, size_t at, bool plural, bool spaced);
/* Whether a unit follows at `at`; its size. */
size_t measure_unit_size(const struct norm *x, size_t at, bool spaced);
/* "million", "bn": says it; bytes used. */
size_t say_scale(struct norm *x, size_t at);
/* Says the name that the sign has in an address ("dash", "dot"); false when it has none. */
bool say_sign(struct norm *x, size_t at);
/* A date in the order that `format` names ("mdy", "dmy", "ymd", "md" ...); false when the text is none. */
bool scan_date_as(struct norm *x, size_t at, size_t end, const char *format);
/* A time of day, or a duration, of the parts that `format` names ("hms", "ms", "h"; "": as many as there are); false when the
 * text is none. */
bool scan_time_as(struct norm *x, size_t at, size_t end, const char *format, bool duration);
/* A roman numeral in capitals as a number; false when the text is none. */
bool scan_roman_as(struct norm *x, size_t at, size_t end, bool ordinal);

#endif
