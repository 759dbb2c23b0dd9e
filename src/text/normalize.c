/* normalize.c: the dispatcher of normalisation: walks over a sentence, keeps its punctuation, and hands everything else to the
 * family that knows it (words.c, numbers.c, dates.c ...). See norm.h. */
#include "text/normalize.h"

#include <string.h>

#include "base/utf8.h"
#include "text/norm.h"

/* ---- Numbers ---- */

/* Whether what follows a number is a thing that is counted. */
static bool is_counted(const struct norm *x, size_t at)
{
    size_t n = norm_char(x, at) == ' ' ? norm_letters(x, at + 1) : 0;
    if (norm_previous_in(x,
                         "process|pid|id|ticket|order|case|invoice|account|job|build|error|code|zip|number"))
        return false;
    if (n == 0)
        return norm_previous_in(
            x, "of|about|around|nearly|almost|over|than|approximately|roughly|to|reached|total");
    return char_is_lower(x->text[at + 1]) &&
           !norm_in(x->text + at + 1, n,
                    "and|or|is|was|in|at|on|for|to|from|the|a|by|with|as|when|while|after|before|are|"
                    "were|has|had|until|since|he|she|it|they|we|but|that|which|who|where|will|not");
}

/* Whether four digits are an amount, which would be a year elsewhere: "1035 cans", "2^10 = 1024". */
static bool is_amount(const struct norm *x, const struct number *number, size_t at)
{
    uint32_t value = number_value(number->whole, number->whole_size);
    if (number->whole_size != 4 || number->whole[0] == '0' || number->fraction_size > 0)
        return false;
    if (norm_recent_in(x, "flight|bus|train|route|gate|room|form|model|channel"))
        return false;
    if (norm_previous_in(x, "equals|plus|minus|times|exactly|only|over|nearly|almost|than|approximately"))
        return true;
    size_t n = norm_char(x, at) == ' ' ? norm_letters(x, at + 1) : 0;
    bool plural = n > 3 && char_is_lower(x->text[at + 1]) && norm_char(x, at + n) == 's' &&
                  norm_char(x, at + n - 1) != 's';
    plural |= norm_in(x->text + at + 1, n, "people|men|women|children|of");
    return plural &&
           (value < 1900 || value >= 2100
                ? !norm_previous_in(x, "in|since|by|until|from|the|during|before|after|circa|year")
                : norm_previous_in(x, "has|have|had|are|were|with|about|sold|bought|found|made|all"));
}

/* What may follow a number that was said: its unit. Returns the bytes used. */
static size_t take_unit(struct norm *x, size_t at, bool plural)
{
    size_t space = norm_spaces(x, at);
    if (space > 1)
        return 0;
    size_t used = measure_unit(x, at + space, plural, space > 0);
    return used == 0 ? 0 : space + used;
}

/* A double quote right after a number, with no quotation open: inches. */
static size_t take_inches(struct norm *x, size_t at, bool plural)
{
    if (norm_char(x, at) != '"' || x->quote_open)
        return 0;
    size_t n = norm_char(x, at + 1) == ' ' ? norm_letters(x, at + 2) : 0;
    bool adjective =
        n > 0 && !norm_in(x->text + at + 2, n, "by|x|tall|long|wide|thick|deep|high|in|and|or|of|from|is|to");
    norm_range(x, at, at + 1, "inches");
    norm_say(x, plural && !adjective ? "inches" : "inch");
    return 1;
}

/* Whether the digits and the signs between them, or the digits and letters, run on for longer than any number, date or name does. */
static bool in_long_run(struct norm *x, size_t at)
{
    enum { LONGEST = 128 };
    if (at >= x->run_end) {
        size_t end = at, mixed = at;
        while (end < x->size && (char_is_digit(x->text[end]) || strchr("-.,:/", x->text[end]) != NULL))
            end++;
        while (mixed < x->size && char_is_alnum(x->text[mixed]))
            mixed++;
        x->long_run = end - at > LONGEST || mixed - at > LONGEST;
        x->run_end = mixed - at > LONGEST ? mixed : end;
    }
    return x->long_run;
}

/* A number that stands for itself alone. */
static size_t take_plain_number(struct norm *x, size_t at)
{
    struct number number;
    if (number_read(x, at, &number)) {
        norm_range(x, at, at + number.size, "number");
        say_bare(x, &number, false);
        return number.size;
    }
    size_t digits = norm_digits(x, at);
    norm_range(x, at, at + digits, "digits");
    say_digits(x, x->text + at, digits);
    return digits;
}

/* ".45 caliber", ".357 magnum": hundredths or thousandths of an inch, said without them. */
static size_t take_caliber(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at + 1), next = at + 2 + n;
    if (x->text[at] != '.' || (n != 2 && n != 3) || x->text[at + 1] == '0' ||
        norm_char(x, at + 1 + n) != ' ' ||
        !norm_in(
            x->text + next, norm_letters(x, next),
            "caliber|calibre|cal|magnum|rifle|rifles|pistol|pistols|revolver|handgun|acp|ammo|ammunition|"
            "rounds|winchester|remington|special"))
        return 0;
    norm_range(x, at, at + 1 + n, "caliber");
    say_pairs(x, x->text + at + 1, n);
    return 1 + n;
}

/* "1 Corinthians 13", "2 Kings 4:1": the first or second book of that name. */
static size_t take_book(struct norm *x, size_t at)
{
    static const char *const which[] = {"first", "second", "third"};
    size_t size = norm_char(x, at + 1) == ' ' ? norm_letters(x, at + 2) : 0, chapter = at + 3 + size;
    if (size == 0 || x->text[at] < '1' || x->text[at] > '3' || !char_is_upper(x->text[at + 2]) ||
        norm_char(x, chapter - 1) != ' ' || !char_is_digit(norm_char(x, chapter)) ||
        !norm_in(x->text + at + 2, size,
                 "samuel|kings|chronicles|corinthians|thessalonians|timothy|peter|john|maccabees"))
        return 0;
    norm_range(x, at, at + 1, "number of a book");
    norm_say(x, which[x->text[at] - '1']);
    return 1;
}

/* A digit (or a point and a digit) begins at `at`. */
static size_t take_number(struct norm *x, size_t at)
{
    size_t used;
    if (in_long_run(x, at))
        return take_plain_number(x, at);
    if ((used = scan_electronic(x, at, 0)) > 0 || (used = scan_telephone(x, at)) > 0 ||
        (used = scan_date(x, at)) > 0 || (used = scan_time(x, at)) > 0 || (used = scan_decade(x, at)) > 0 ||
        (used = scan_address(x, at)) > 0 || (used = scan_ordinal(x, at)) > 0 ||
        (used = scan_plural(x, at)) > 0 || (used = scan_status(x, at)) > 0 ||
        (used = take_caliber(x, at)) > 0 || (used = take_book(x, at)) > 0)
        return used;
    if ((used = scan_fraction(x, at)) > 0) {
        bool whole = memchr(x->text + at, ' ', used) != NULL || memchr(x->text + at, '-', used) != NULL;
        used += take_inches(x, at + used, false);
        return used + take_unit(x, at + used, whole); /* "one half teaspoon", "one and a half teaspoons" */
    }
    if ((used = scan_range(x, at)) > 0)
        return used + take_unit(x, at + used, true);
    struct number number;
    if (!number_read(x, at, &number))
        return take_plain_number(x, at);
    if (norm_word(x, at, "401k") + norm_word(x, at, "403b") > 0) { /* savings plans */
        norm_range(x, at, at + 4, "number");
        say_cardinal(x, number.whole, 1);
        say_two(x, number.whole + 1, true);
        norm_say_letters(x, x->text + at + 3, 1);
        return 4;
    }
    if ((used = scan_money_after(x, at, &number)) > 0 || (used = scan_measure(x, at)) > 0 ||
        (used = scan_serial(x, at)) > 0)
        return used;
    norm_range(x, at, at + number.size, "number");
    if (number.size == 3 && x->text[at + 1] == '0' && norm_char(x, at + 3) == '(' &&
        norm_char(x, at + 5) == ')' && char_is_alpha(norm_char(x, at + 4))) { /* "401(k)" */
        say_cardinal(x, number.whole, 1);
        say_two(x, number.whole + 1, true);
        norm_range(x, at + 3, at + 6, "number");
        norm_say_letters(x, x->text + at + 4, 1);
        return 6;
    }
    if (is_amount(x, &number, at + number.size))
        say_number(x, &number);
    else
        say_bare(x, &number, is_counted(x, at + number.size));
    return number.size + take_inches(x, at + number.size, !number_is_one(&number));
}

/* A sign that may belong to a number. */
static size_t take_signed(struct norm *x, size_t at)
{
    bool wide = strncmp(x->text + at, "−", 3) == 0 && at + 3 <= x->size;
    size_t n = wide ? 3 : 1;
    bool minus = wide || x->text[at] == '-';
    char next = norm_char(x, at + n), before = at == 0 ? ' ' : x->text[at - 1];
    if (!minus && x->text[at] != '+')
        return 0;
    bool number = char_is_digit(next) || (next == '.' && char_is_digit(norm_char(x, at + n + 1)));
    bool alone = char_is_space(before) || strchr("([{<=|^\"',", before) != NULL || char_is_wide(before);
    size_t used;
    if (!number && alone && (used = scan_money(x, at + n)) > 0) {
        return used + n; /* said by scan_money, which looks at the sign before it */
    }
    if (!number || (!alone && !wide) ||
        (minus && x->out->count > x->first && before == ' ' && !wide && at >= 2 &&
         char_is_digit(x->text[at - 2]) && norm_char(x, at + n) == ' '))
        return 0;
    if (x->text[at] == '+' && (used = scan_telephone(x, at)) > 0)
        return used;
    norm_range(x, at, at + n, "sign");
    norm_say(x, minus ? "minus" : "plus");
    return n;
}

/* ---- Punctuation ---- */

static bool is_open_quote(const struct norm *x, size_t at)
{
    char before = at == 0 ? ' ' : x->text[at - 1];
    return char_is_space(before) || strchr("([{-/", before) != NULL ||
           (at >= 3 && (memcmp(x->text + at - 3, "—", 3) == 0 || memcmp(x->text + at - 3, "“", 3) == 0));
}

/* ASCII marks; returns the bytes used, 0 when the sign is none of them. */
static size_t take_ascii_mark(struct norm *x, size_t at)
{
    char c = x->text[at], text[2] = {c, '\0'};
    size_t n = 1;
    norm_range(x, at, at + 1, NULL);
    switch (c) {
    case '.':
        if (at > 0 && char_is_alpha(x->text[at - 1]) && char_is_digit(norm_char(x, at + 1))) {
            norm_drop(x, at, at + 1, "point inside a name"); /* "H.264" */
            return 1;
        }
        while (norm_char(x, at + n) == '.')
            n++;
        norm_range(x, at, at + n, NULL);
        norm_mark(x, n > 1 ? "…" : ".");
        return n;
    case '!':
    case '?':
        while (norm_char(x, at + n) == c || (c == '!' && n > 1 && norm_char(x, at + n) == '1')) /* "!!1!" */
            n++;
        norm_range(x, at, at + n, NULL);
        norm_mark(x, text);
        return n;
    case ',':
    case ';':
    case ':':
    case '(':
    case ')':
        norm_mark(x, text);
        return 1;
    case '[':
    case '{':
        norm_mark(x, "(");
        return 1;
    case ']':
    case '}':
        norm_mark(x, ")");
        return 1;
    case '"':
        x->quote_open = is_open_quote(x, at) || !x->quote_open;
        if (!is_open_quote(x, at))
            x->quote_open = false;
        norm_mark(x, x->quote_open ? "“" : "”");
        return 1;
    case '\n':
        if (norm_last(x) != NULL && norm_last(x)->kind == TOKEN_WORD)
            norm_mark(x, ",");
        norm_space_after(x);
        return 1;
    default:
        return 0;
    }
}

/* "5! = 120" */
static size_t take_factorial(struct norm *x, size_t at)
{
    char next = norm_char(x, at + 1 + norm_spaces(x, at + 1));
    bool calculated =
        norm_char(x, at + 1) != '=' && (next == '=' || next == '/' || next == '*' || next == '+');
    if (at == 0 || !char_is_digit(x->text[at - 1]) || !calculated)
        return 0;
    norm_range(x, at, at + 1, "symbol");
    norm_say(x, "factorial");
    return 1;
}

/* Elisions that begin with an apostrophe. */
static size_t elision_size(const struct norm *x, size_t at)
{
    static const char *const words[] = {
        "'tis",    "'twas",   "'em",        "'cause",  "'til",      "'till",  "'bout",  "'round",  "'n'",
        "'n",      "'gainst", "'twere",     "'twill",  "'neath",    "'cos",   "'coz",   "'tisn't", "'twasn't",
        "'twould", "'twon't", "'twouldn't", "'tain't", "'tweren't", "'tween", "'twixt", "'nuff",   "'kay",
        "'scuse",  "'fraid",  "'nother",    "'sup",    "'ello",     "'ere",   "'im",    "'cept",   "'fore",
        "'stead",  "'pon",    "'course",    "'spose",  "'twill've"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = norm_word(x, at, words[i]);
        if (n > 0)
            return n;
    }
    return 0;
}

/* A single quote that is no apostrophe. */
static size_t take_single_quote(struct norm *x, size_t at)
{
    size_t n = elision_size(x, at);
    if (n > 0) {
        norm_range(x, at, at + n, NULL);
        norm_add(x, TOKEN_WORD, ORIGIN_TEXT, x->text + at, n);
        return n;
    }
    if ((n = scan_decade(x, at)) > 0)
        return n;
    if (norm_digits(x, at + 1) == 2 && norm_is_border(x, at + 3) && norm_char(x, at + 3) != '\'') {
        norm_range(x, at, at + 3, "year"); /* "'08" */
        say_two(x, x->text + at + 1, true);
        return 3;
    }
    norm_range(x, at, at + 1, NULL);
    if (x->text_after_quote == NULL && is_open_quote(x, at) && !char_is_space(norm_char(x, at + 1))) {
        const char *close = memchr(x->text + at + 1, '\'', x->size - at - 1);
        if (close != NULL) {
            x->text_after_quote = close;
            norm_mark(x, "“");
            return 1;
        }
    } else if (x->text_after_quote != NULL && norm_is_border(x, at + 1)) {
        x->text_after_quote = NULL;
        norm_mark(x, "”");
        return 1;
    }
    norm_drop(x, at, at + 1, "apostrophe without a word");
    return 1;
}

/* Hyphens and dashes. */
static size_t take_dash(struct norm *x, size_t at)
{
    size_t n = 1, wide = 0;
    if (char_is_wide(x->text[at]))
        wide = n = 3;
    while (wide == 0 && norm_char(x, at + n) == '-')
        n++;
    char before = at == 0 ? ' ' : x->text[at - 1], after = norm_char(x, at + n);
    norm_range(x, at, at + n, NULL);
    bool spaced = char_is_space(before) && char_is_space(after);
    if (n == 2 && wide == 0 && char_is_space(before) && char_is_alpha(after)) { /* "--verbose" */
        norm_say_words(x, "dash dash");
        return n;
    }
    bool digits = char_is_digit(before) || char_is_digit(after);
    if (wide > 0 && x->text[at + 2] == '\x93' && digits && !norm_is_border(x, at + n) &&
        (char_is_alnum(before) || before == '.')) {
        norm_say(x, "to"); /* "noon–1pm" */
        return n;
    }
    bool em = (wide > 0 && x->text[at + 2] == '\x94') || n > 3 || (wide == 0 && n > 1) || spaced || wide > 0;
    if (em && !(n > 3 && spaced)) {
        norm_mark(x, "—");
        return n;
    }
    norm_drop(x, at, at + n, "hyphen");
    return n;
}

/* Emoticons: dropped. */
static size_t emoticon_size(const struct norm *x, size_t at)
{
    static const char *const faces[] = {":-)", ":-(", ":-D", ":-P", ";-)", ":-/", ":)",  ":(",  ":D",  ":P",
                                        ";)",  ":/",  ":'(", "XD",  "xD",  "<3",  "^_^", "-_-", ":O",  ":|",
                                        "=)",  ":*",  ":3",  ">:(", "T_T", "o_O", "O_o", "O_O", ">_<", "^^",
                                        ":p",  ";P",  ":o",  ":-O", ":-|", ":-*", ":')", "=D",  "-.-"};
    char second = norm_char(x, at + 1);
    if (char_is_alpha(x->text[at]) && second != 'D' && second != '_' && second != ':')
        return 0; /* nearly all words */
    if (strchr(":;=<>^-xXTOoD", x->text[at]) == NULL || (at > 0 && !char_is_space(x->text[at - 1])))
        return 0;
    for (size_t i = 0; i < sizeof faces / sizeof *faces; i++) {
        size_t n = strlen(faces[i]);
        if (at + n <= x->size && memcmp(x->text + at, faces[i], n) == 0) {
            char after = norm_char(x, at + n);
            if (char_is_space(after) || (strchr(".,!?", after) != NULL && after != '\0'))
                return n;
        }
    }
    return 0;
}

static size_t take_emoticon(struct norm *x, size_t at)
{
    size_t n = emoticon_size(x, at);
    if (n == 2 && memcmp(x->text + at, "<3", 2) == 0) {
        norm_range(x, at, at + n, "emoticon");
        norm_say(x, "heart");
    } else if (n > 0) {
        norm_drop(x, at, at + n, "emoticon");
    }
    return n;
}

/* ":smile:", ":thumbs_up:": an emoji by its name. */
static size_t take_shortcode(struct norm *x, size_t at)
{
    size_t end = at + 1;
    while (end < x->size && end - at < 32 && (char_is_lower(x->text[end]) || x->text[end] == '_'))
        end++;
    if (end - at < 3 || norm_char(x, end) != ':' || !norm_is_border(x, end + 1) ||
        (at > 0 && !char_is_space(x->text[at - 1])))
        return 0;
    if (!norm_wants(x, LT_TEXT_EMOJI)) {
        norm_drop(x, at, end + 1, "emoji");
        return end + 1 - at;
    }
    for (size_t from = at + 1; from < end;) {
        size_t n = norm_letters(x, from);
        norm_range(x, from, from + n, "emoji");
        if (n > 0)
            norm_say_text(x, x->text + from, n);
        from += n + 1;
    }
    return end + 1 - at;
}

/* ---- The walk ---- */

/* Puts in the drops noted up to the position, so that the receipt is in order. */
static void take_drops(struct norm *x, size_t at)
{
    const struct raw_text *clean = &x->sentence->clean;
    while (x->next_drop < clean->drop_count && clean->drops[x->next_drop].at <= at) {
        const struct raw_drop *dropped = &clean->drops[x->next_drop++];
        struct token *last = norm_last(x);
        struct token token = {.kind = TOKEN_DROPPED,
                              .note = dropped->reason,
                              .source_begin = dropped->begin,
                              .source_end = dropped->end,
                              .space_after = last != NULL && last->space_after};
        tokens_add(x->out, &token, "", 0);
    }
}

/* A span begins at `at`: sets what holds inside it, or says it. Returns the bytes used. */
static size_t take_span(struct norm *x, size_t at)
{
    const struct span *span = &x->sentence->spans[x->next_span++];
    size_t size = span->end - span->begin;
    if (span->begin < at || size == 0)
        return 0;
    switch (span->how.span) {
    case SPAN_STRESS:
        x->stress = span->how.stress;
        x->stress_end = span->end;
        return 0;
    case SPAN_CODE:
        x->code_end = span->end;
        return 0;
    case SPAN_SAY_AS:
        return scan_say_as(x, span);
    case SPAN_PHONEMES:
        norm_range(x, span->begin, span->end, "phonemes in the text");
        norm_say_given(x, x->text + span->begin, size, span->how.text, strlen(span->how.text));
        return size;
    case SPAN_NONE:
    default:
        return 0;
    }
}

/* "(c) 2024"; a ticker's "$TSLA"; the point of ".NET", ".gitignore". */
static size_t take_prefix(struct norm *x, size_t at)
{
    char c = x->text[at];
    if (c == '(' && norm_literal(x, at, "(c) ") > 0 && norm_digits(x, at + 4) == 4) {
        if (norm_previous_in(x, "copyright")) {
            norm_drop(x, at, at + 3, "copyright sign after the word");
            return 3;
        }
        norm_range(x, at, at + 3, "symbol");
        norm_say(x, "copyright");
        return 3;
    }
    if (c == '.' && (at == 0 || x->text[at - 1] == ' ') && char_is_alpha(norm_char(x, at + 1)) &&
        (char_is_lower(x->text[at + 1]) || char_is_upper(norm_char(x, at + 2)))) {
        norm_range(x, at, at + 1, "dot before a name");
        norm_say(x, "dot");
        return 1;
    }
    size_t ticker = c == '$' ? norm_letters(x, at + 1) : 0;
    if (ticker > 0 && ticker < 6 && norm_is_capitals(x, at + 1, ticker) &&
        norm_is_border(x, at + 1 + ticker)) {
        norm_drop(x, at, at + 1, "sign of a ticker");
        return 1;
    }
    return 0;
}

static size_t take(struct norm *x, size_t at)
{
    char c = x->text[at];
    size_t used;
    if (char_is_alpha(c) && at < x->run_end &&
        x->long_run) { /* no name either: a key, a picture in base 64 */
        used = norm_letters(x, at);
        say_word(x, at, used);
        return used;
    }
    if (char_is_alpha(c) || (char_is_wide(c) && c != '\xe2')) {
        if ((used = take_emoticon(x, at)) > 0)
            return used;
        if (char_is_wide(c) && ((used = scan_money(x, at)) > 0 || (used = scan_symbol(x, at)) > 0))
            return used;
        return scan_word(x, at);
    }
    if (char_is_digit(c) ||
        (c == '.' && char_is_digit(norm_char(x, at + 1)) && (at == 0 || !char_is_alnum(x->text[at - 1]))))
        return take_number(x, at);
    if ((used = take_emoticon(x, at)) > 0)
        return used;
    if (x->in_code && strchr("(){}[];:=<>|&*#\"'`,$\\+!", c) != NULL && c != '\0') {
        norm_drop(x, at, at + 1, "program sign");
        return 1;
    }
    if (c == '\'')
        return take_single_quote(x, at);
    if ((c == '{' || c == '[') && (used = scan_arpabet(x, at)) > 0)
        return used;
    if (c == ':' && (used = take_shortcode(x, at)) > 0)
        return used;
    if ((c == '(' || c == '+') && (used = scan_telephone(x, at)) > 0)
        return used;
    if ((used = take_signed(x, at)) > 0)
        return used;
    if (c == '.' || c == '/' || c == '@' || c == '#' || c == '~' || c == '\\')
        if ((used = scan_electronic(x, at, 0)) > 0)
            return used;
    if ((used = take_prefix(x, at)) > 0)
        return used;
    if (c == '!' && (used = take_factorial(x, at)) > 0)
        return used;
    bool unequal = c == '!' && norm_char(x, at + 1) == '=';
    if (!unequal && (used = take_ascii_mark(x, at)) > 0)
        return used;
    if ((used = scan_money(x, at)) > 0 || (used = scan_symbol(x, at)) > 0)
        return used;
    if (c == '-' || (at + 3 <= x->size && c == '\xe2' && x->text[at + 1] == '\x80' &&
                     (x->text[at + 2] == '\x93' || x->text[at + 2] == '\x94')))
        return take_dash(x, at);
    return 0;
}

/* The size of a mark that Kokoro knows, 0 when there is none at `at`. */
static size_t mark_size(const struct norm *x, size_t at)
{
    if (strchr(";:,.!?()\"", x->text[at]) != NULL && x->text[at] != '\0')
        return 1;
    static const char *const marks[] = {"“", "”", "…", "—"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (at + 3 <= x->size && memcmp(x->text + at, marks[i], 3) == 0)
            return 3;
    return 0;
}

/* What no family knows. */
static size_t take_unknown(struct norm *x, size_t at)
{
    uint32_t codepoint = 0;
    size_t n = utf8_decode(x->text + at, x->size - at, &codepoint);
    n = n == 0 ? 1 : n;
    norm_range(x, at, at + n, NULL);
    static const char *const marks[] = {"“", "”", "…", "—"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (n == 3 && memcmp(x->text + at, marks[i], 3) == 0) {
            norm_mark(x, marks[i]);
            return n;
        }
    norm_drop(x, at, at + n, "sign without a name");
    return n;
}

/* "COVID-19's": the ending belongs to the word that was said last. */
static size_t add_possessive(struct norm *x, size_t at)
{
    struct token *last = norm_last(x);
    if (last == NULL || last->kind != TOKEN_WORD || last->text + last->text_size != x->out->pool.length)
        return 0;
    str_puts(&x->out->pool, "'s");
    last->text_size += 2;
    last->source_end = place_position(x->sentence->clean.places[at + 1].end, x->sentence->reference);
    return 2;
}

/* Signs that were read but have no word, as the hyphen of "F-22" or the comma of "May 5, 2024", belong to the words before them
 * (at the beginning, to those behind): each byte of the source has its place in the receipt. [at, end) was said as the tokens
 * from `first` on. */
static void cover_signs(struct norm *x, size_t first, size_t at, size_t end)
{
    const struct place *places = x->sentence->clean.places;
    uint64_t reference = x->sentence->reference;
    struct token *items = x->out->items;
    size_t next = first, run = first; /* tokens [run, next) stand for the same source */
    if (x->out->failed || first == x->out->count)
        return;
    uint64_t covered = 0;
    for (size_t i = at; i < end; i++) {
        uint64_t from = place_position(places[i].begin, reference);
        for (; next < x->out->count && items[next].source_begin <= from; next++)
            if (items[next].source_end > covered) {
                run = next;
                covered = items[next].source_end;
            }
        if (x->text[i] == ' ' || (next > first && from < covered))
            continue;
        if (next == first) {
            uint64_t begin = items[first].source_begin;
            for (size_t k = first; k < x->out->count && items[k].source_begin == begin; k++)
                items[k].source_begin = from;
        } else {
            uint64_t before = covered;
            covered = place_position(places[i].end, reference);
            for (size_t k = run; k < next; k++)
                if (items[k].source_end == before)
                    items[k].source_end = covered;
        }
    }
}

static void walk(struct norm *x, size_t from, size_t end)
{
    for (size_t at = from; at < end;) {
        if (x->next_drop < x->sentence->clean.drop_count)
            take_drops(x, at);
        if (x->text[at] == ' ') {
            norm_space_after(x);
            at++;
            continue;
        }
        while (x->next_span < x->sentence->span_count && x->sentence->spans[x->next_span].begin < at)
            x->next_span++;
        size_t used = 0, first = x->out->count;
        while (used == 0 && x->next_span < x->sentence->span_count &&
               x->sentence->spans[x->next_span].begin == at)
            used = take_span(x, at);
        x->in_code = at < x->code_end;
        if (used == 0)
            used = take(x, at);
        if (used == 0)
            used = take_unknown(x, at);
        if (used > 1 && !(x->begin == at && x->end >= at + used))
            cover_signs(x, first, at, at + used);
        at += used;
        bool initials =
            used > 2 && x->text[at - 1] == '.' && char_is_alpha(x->text[at - 2]); /* "the U.S.'s" */
        if ((char_is_alnum(x->text[at - 1]) || initials) && norm_word(x, at, "'s") > 0)
            at += add_possessive(x, at);
    }
}

/* Words and punctuation as they are written. */
static void walk_verbatim(struct norm *x)
{
    for (size_t at = 0; at < x->size;) {
        if (x->text[at] == ' ' || x->text[at] == '\n') {
            norm_space_after(x);
            at++;
            continue;
        }
        size_t end = at;
        while (end < x->size && x->text[end] != ' ' && x->text[end] != '\n' &&
               (strchr(".,!?;:()\"", x->text[end]) == NULL || (end > at && !norm_is_border(x, end + 1))))
            end++;
        norm_range(x, at, end, NULL);
        if (end > at)
            norm_add(x, TOKEN_WORD, ORIGIN_TEXT, x->text + at, end - at);
        else
            end += take_ascii_mark(x, at);
        at = end;
    }
}

static struct norm start_norm(const struct sentence *sentence, struct tokens *tokens)
{
    return (struct norm){
        .text = sentence->clean.text.data,
        .size = sentence->clean.text.length,
        .sentence = sentence,
        .out = tokens,
        .first = tokens->count,
    };
}

static void end_norm(struct norm *x)
{
    take_drops(x, SIZE_MAX);
    if (x->out->count > x->first)
        norm_space_after(x);
}

void normalize_sentence(const struct sentence *sentence, const struct normalize_options *options,
                        struct tokens *tokens)
{
    struct norm x = start_norm(sentence, tokens);
    x.british = options->british;
    x.switches = options->switches;
    x.respell = options->respell;
    abbreviations_prepare();
    if (x.size > 0 && (options->switches & LT_TEXT_NORMALIZE) == 0)
        walk_verbatim(&x);
    else if (x.size > 0)
        walk(&x, 0, x.size);
    end_norm(&x);
}

void normalize_phonemes(const struct sentence *sentence, struct tokens *tokens)
{
    struct norm x = start_norm(sentence, tokens);
    for (size_t at = 0; at < x.size;) {
        size_t end = at, mark = 0;
        while (end < x.size && x.text[end] != ' ' && x.text[end] != '\n' && (mark = mark_size(&x, end)) == 0)
            end++;
        norm_range(&x, at, end, "phonemes");
        if (end > at) {
            struct token *token = norm_add(&x, TOKEN_WORD, ORIGIN_GIVEN, x.text + at, end - at);
            if (token == NULL)
                return;
            token->phonemes = token->text;
            token->phonemes_size = token->text_size;
            token->phoneme_origin = PHONEMES_GIVEN;
        } else if (mark > 0) {
            norm_range(&x, at, at + mark, NULL);
            norm_add(&x, TOKEN_PUNCTUATION, ORIGIN_TEXT, x.text + at, mark);
            end = at + mark;
        } else {
            norm_space_after(&x);
            end = at + 1;
        }
        at = end;
    }
    end_norm(&x);
}
