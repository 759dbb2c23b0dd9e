/* serials.c: letters mixed with digits, version numbers, and ranges of numbers. */
#include <string.h>

#include "text/norm.h"

enum { SERIAL_LIMIT = 64 }; /* bytes: longer is no serial number that anyone would listen to */

/* A run of digits inside a serial. */
static void say_run(struct norm *x, const char *digits, size_t size)
{
    if ((size > 1 && *digits == '0') || size > 4)
        say_digits(x, digits, size);
    else if (size == 4 && digits[2] == '0' && digits[3] == '0')
        say_cardinal(x, digits, size);
    else if (size == 4)
        say_pairs(x, digits, size);
    else
        say_cardinal(x, digits, size);
}

/* "1.2.3", "v2.0.1-rc1" */
static size_t scan_version(struct norm *x, size_t at)
{
    size_t from = at, points = 0, v = char_lower(norm_char(x, at)) == 'v' ? 1 : 0, end = at + v;
    struct number number;
    bool wild = false;
    if (v == 0 && number_read(x, at, &number) && number.separated)
        return 0; /* "1.000.000" */
    while (char_is_digit(norm_char(x, end)) && end - at <= 40) {
        end += norm_digits(x, end);
        if (norm_word(x, end, ".x") > 0) { /* "2.x" */
            wild = true;
            break;
        }
        if (norm_char(x, end) != '.' || !char_is_digit(norm_char(x, end + 1)))
            break;
        end++;
        points++;
    }
    if (end == at + v || (points < (v > 0 ? 0 : 2) && !wild) || end - at > 40)
        return 0;
    if (v > 0 && points == 0 && !norm_is_border(x, end))
        return 0;
    points += wild;
    norm_range(x, from, end, "version");
    if (v > 0 && char_is_alpha(x->text[at]))
        norm_say(x, points > 0 ? "version" : "V");
    for (size_t part = at + v; part < end;) {
        size_t n = norm_digits(x, part);
        say_run(x, x->text + part, n);
        part += n;
        if (part < end) {
            norm_say(x, "point");
            part++;
        }
    }
    if (wild) {
        norm_range(x, end, end + 2, "version");
        norm_say_words(x, "point x");
        end += 2;
    }
    return end - at;
}

/* "2.0": what is left of a version, said as the beginning was. */
static size_t scan_version_rest(struct norm *x, size_t at)
{
    size_t end = at;
    for (;;) {
        size_t n = norm_digits(x, end);
        norm_range(x, end, end + n, "version");
        say_run(x, x->text + end, n);
        end += n;
        if (norm_char(x, end) != '.' || !char_is_digit(norm_char(x, end + 1)))
            return end - at;
        norm_say(x, "point");
        end++;
    }
}

/* Letters and digits one by one. */
static void say_hexadecimal(struct norm *x, size_t at, size_t end)
{
    for (size_t i = at; i < end; i++) {
        norm_range(x, i, i + 1, "hexadecimal");
        if (char_is_digit(x->text[i]))
            say_digits(x, x->text + i, 1);
        else if (char_is_alpha(x->text[i]))
            norm_say_letters(x, x->text + i, 1);
        else if (x->text[i] == '+')
            norm_say(x, "plus");
    }
}

/* "0x7f", "U+1F600", "9fceb02", "550e8400-e29b-41d4-a716-446655440000". */
static size_t scan_hexadecimal(struct norm *x, size_t at)
{
    bool code = norm_literal(x, at, "u+") > 0, literal = norm_literal(x, at, "0x") > 0;
    size_t from = at + (code || literal ? 2 : 0), end = from, digits = 0, letters = 0, dashes = 0;
    for (; end < x->size && end - at < SERIAL_LIMIT; end++) {
        char c = x->text[end];
        bool letter = char_is_alpha(c) && char_lower(c) <= 'f';
        if (c == '-' && !code && !literal && end - from >= 8 && char_is_alnum(norm_char(x, end + 1)))
            dashes++;
        else if (!letter && !char_is_digit(c))
            break;
        digits += char_is_digit(c);
        letters += letter;
    }
    bool prefixed = (code || literal) && end > from;
    bool sum = dashes == 0 && digits > 1 && letters > 1 && end - from >= 7; /* of a commit */
    bool uuid = dashes == 4 && end - from == 36;
    if (!norm_is_border(x, end) || !(prefixed || sum || uuid))
        return 0;
    say_hexadecimal(x, at, end);
    return end - at;
}

/* The letters and digits of [at, end), between which are `joined` hyphens and slashes. */
static void say_parts(struct norm *x, size_t at, size_t end, bool letters, size_t joined)
{
    bool paired = !letters && norm_previous_in(x, "boeing|airbus|douglas");  /* "747-400" */
    paired |= end - at == 5 && x->text[at] == 'I' && x->text[at + 1] == '-'; /* "I-405", a road */
    for (size_t i = at; i < end;) {
        size_t n = norm_letters(x, i), m = norm_digits(x, i);
        norm_range(x, i, i + (n > 0 ? n : m), "serial");
        if (n > 0) {
            bool year = norm_word(x, i, "yr") > 0; /* "a 20-yr-old" */
            struct token *token = year ? norm_say(x, "year") : norm_say_text(x, x->text + i, n);
            bool formula = n == 2 && i + n < end && char_is_digit(x->text[i + n]) &&
                           char_is_upper(x->text[i]) && char_is_upper(x->text[i + 1]); /* "CO2", "PS5" */
            if (token != NULL && (n == 1 || formula))
                token->spell = true;
        } else if (m == 3 && paired) {
            say_model(x, x->text + i, m);
        } else if (m > 0) {
            if (m == 4 && joined > 0 && x->text[i] != '0') {
                struct number number;
                if (number_read(x, i, &number))
                    say_bare(x, &number, true);
            } else if (m == 5 && joined > 0 && x->text[i] != '0' && !letters && i > at && i + m == end) {
                say_digits(x, x->text + i, m);
            } else {
                say_run(x, x->text + i, m);
            }
        }
        i += n + m;
        if (i < end && (x->text[i] == '-' || x->text[i] == '/'))
            i++;
    }
}

/* Words of chats that a digit stands in. */
static size_t scan_chat(struct norm *x, size_t at)
{
    static const char *const words[][2] = {{"gr8", "great"},     {"m8", "mate"},          {"l8r", "later"},
                                           {"b4", "before"},     {"w8", "wait"},          {"h8", "hate"},
                                           {"str8", "straight"}, {"2morrow", "tomorrow"}, {"2day", "today"},
                                           {"2nite", "tonight"}, {"4ever", "forever"},    {"any1", "anyone"},
                                           {"some1", "someone"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = norm_word(x, at, words[i][0]);
        if (n == 0 || (char_is_upper(x->text[at]) && n < 3)) /* "B4" is a sheet of paper */
            continue;
        norm_range(x, at, at + n, "chat");
        norm_say(x, words[i][1]);
        return n;
    }
    return 0;
}

/* Whether the hyphen at `hyphen`, behind `letters` letters of what began at `at`, is followed by a word that is no serial. */
static bool word_follows(const struct norm *x, size_t at, size_t hyphen, size_t letters)
{
    size_t next = hyphen + 1, n = norm_digits(x, next);
    if (norm_char(x, hyphen) != '-' || n == 0)
        return false;
    if ((n == 2 || n == 4) && x->text[hyphen + n] == '0' && norm_word(x, next + n, "s") > 0)
        return true; /* "mid-1980s" */
    if (n == 2 && hyphen - letters == at && norm_in(x->text + at, letters, "under|over") &&
        norm_word(x, next + n, "s") > 0)
        return true; /* "under-18s" */
    return letters > 0 && norm_letters(x, next + n) == 2 && norm_is_border(x, next + n + 2) &&
           norm_in(x->text + next + n, 2, "st|nd|rd|th"); /* "mid-20th century" */
}

/* Where the letters and digits from `at` end that hyphens and slashes join, and which of the two are among them. */
static size_t serial_end(const struct norm *x, size_t at, bool *letters, bool *digits)
{
    size_t end = at;
    *letters = *digits = false;
    while (end < x->size && end - at < SERIAL_LIMIT) {
        size_t n = norm_letters(x, end), m = norm_digits(x, end);
        if (n + m == 0)
            break;
        *letters |= n > 0;
        *digits |= m > 0;
        end += n + m;
        if (word_follows(x, at, end, n))
            break;
        char c = norm_char(x, end);
        bool words = c == '/' && n > 0 && norm_letters(x, end + 1) > 1;
        if ((c == '-' || c == '/') && char_is_alnum(norm_char(x, end + 1)) && !words)
            end++;
    }
    return end;
}

/* What follows a serial that ended at `end`: ".5" of "covid-19.5", ".2.0" of "gcc-12.2.0". Returns the bytes used. */
static size_t say_decimal(struct norm *x, size_t end)
{
    if (norm_char(x, end) != '.' || !char_is_digit(norm_char(x, end + 1)) || !char_is_digit(x->text[end - 1]))
        return 0;
    size_t n = norm_digits(x, end + 1);
    norm_range(x, end, end + 1 + n, "serial");
    bool version = norm_char(x, end + 1 + n) == '.' && char_is_digit(norm_char(x, end + 2 + n));
    norm_say(x, "point");
    if (version)
        return 1 + scan_version_rest(x, end + 1);
    say_digits(x, x->text + end + 1, n);
    return 1 + n;
}

size_t scan_serial(struct norm *x, size_t at)
{
    size_t used = scan_version(x, at);
    if (used > 0 || (used = scan_chat(x, at)) > 0 || (used = scan_hexadecimal(x, at)) > 0)
        return used;
    if (at < x->no_serial_until)
        return 0;
    bool letters, digits;
    size_t end = serial_end(x, at, &letters, &digits), joined = 0;
    if (end - at >= SERIAL_LIMIT)
        x->no_serial_until = end;
    for (size_t i = at; i < end; i++)
        joined += x->text[i] == '-' || x->text[i] == '/';
    if (!digits || (!letters && joined < 1) || end - at >= SERIAL_LIMIT ||
        norm_char(x, end + norm_spaces(x, end)) == '=')
        return 0;
    size_t top = norm_digits(x, at);
    if (top > 0 && x->text[at + top] == '/' && norm_letters(x, at + top + 1) == end - at - top - 1) {
        norm_range(x, at, end, "rate"); /* "1/f" */
        say_cardinal(x, x->text + at, top);
        norm_say(x, "per");
        norm_say_text(x, x->text + at + top + 1, end - at - top - 1);
        return end - at;
    }
    say_parts(x, at, end, letters, joined);
    return end - at + say_decimal(x, end);
}

/* The size of the chemical element's sign at `at`, 0 when there is none. */
static size_t element_size(const struct norm *x, size_t at)
{
    static const char pairs[] =
        "HeLiBeNeNaMgAlSiClArCaScTiCrMnFeCoNiCuZnGaGeAsSeBrKrRbSrZrNbMoAgCdSnSbTeXeCsBaPtAuHgPbBi"
        "RaThPu";
    char first = norm_char(x, at), second = norm_char(x, at + 1);
    if (!char_is_upper(first))
        return 0;
    if (!char_is_lower(second))
        return strchr("HBCNOFPSKVYIWU", first) != NULL;
    for (size_t i = 0; pairs[i] != '\0'; i += 2)
        if (pairs[i] == first && pairs[i + 1] == second)
            return 2;
    return 0;
}

/* A count behind an element or bracket: "2" or "₂"; its bytes. */
static size_t element_count(const struct norm *x, size_t at, char *digit)
{
    size_t n = norm_digits(x, at);
    *digit = norm_char(x, at);
    if (n > 0)
        return n;
    bool low = (unsigned char)norm_char(x, at) == 0xe2 && (unsigned char)norm_char(x, at + 1) == 0x82 &&
               (unsigned char)norm_char(x, at + 2) >= 0x80 && (unsigned char)norm_char(x, at + 2) <= 0x89;
    *digit = low ? (char)('0' + ((unsigned char)x->text[at + 2] - 0x80)) : *digit;
    return low ? 3 : 0;
}

/* Whether [at, end) is a formula without counts that is no word or name either. */
static bool is_known_formula(const struct norm *x, size_t at, size_t end)
{
    static const char *const known[] = {"NaCl", "KCl",  "HCl", "NaOH", "HBr",  "CaO", "MgO", "ZnO", "FeO",
                                        "AgCl", "LiCl", "NaF", "SiC",  "GaAs", "GaN", "CuO", "FeS", "KBr"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == end - at && memcmp(known[i], x->text + at, end - at) == 0)
            return true;
    return false;
}

/* Where the formula that begins at `at` ends; 0: there is none. Formulas of one-letter elements alone, without
 * small figures, are left to scan_serial. */
static size_t formula_end(const struct norm *x, size_t at)
{
    size_t end = at, elements = 0, pairs = 0, counts = 0, low = 0, open = 0, n;
    char digit;
    while (end - at < SERIAL_LIMIT) {
        if ((n = element_size(x, end)) > 0) {
            elements++;
            pairs += n == 2;
        } else if (end > at && (n = element_count(x, end, &digit)) > 0 && n < 4 && digit != '0') {
            counts++;
            low += char_is_wide(x->text[end]);
        } else if (end > at && norm_char(x, end) == '(' && open == 0 && element_size(x, end + 1) > 0) {
            n = open = 1;
            pairs++;
        } else if (norm_char(x, end) == ')' && open == 1 && element_count(x, end + 1, &digit) > 0) {
            n = 1;
            open = 0;
        } else {
            break;
        }
        end += n;
    }
    bool formula = elements > 1 && pairs > 0 && open == 0 && (counts > 0 || is_known_formula(x, at, end));
    formula |= low > 0 && open == 0; /* nothing else has small figures below the line */
    return formula && norm_is_border(x, end) ? end : 0;
}

size_t scan_formula(struct norm *x, size_t at)
{
    size_t end = formula_end(x, at);
    for (size_t i = at; i < end;) {
        size_t letters = 0, n;
        char digits[3];
        while ((n = element_size(x, i + letters)) > 0)
            letters += n;
        norm_range(x, i, i + (letters > 0 ? letters : 1), "chemical formula");
        struct token *token = letters == 0 ? NULL : norm_say_text(x, x->text + i, letters);
        if (token != NULL)
            token->spell = true;
        i += letters;
        size_t count = 0;
        while (count < sizeof digits && (n = element_count(x, i, &digits[count])) > 0) {
            norm_range(x, i, i + n, "chemical formula");
            if (char_is_wide(x->text[i]))
                count++;
            else
                say_cardinal(x, x->text + i, n);
            i += n;
        }
        if (count > 0)
            say_cardinal(x, digits, count);
        i += letters == 0 && (x->text[i] == '(' || x->text[i] == ')');
    }
    return end > at ? end - at : 0;
}

/* Whether hours are meant by the numbers that end at `at`. */
static bool names_hours(const struct norm *x, size_t at)
{
    size_t next = at + norm_spaces(x, at);
    return norm_previous_in(
               x, "open|hours|from|works|work|working|weekdays|daily|worked|shift|friday|saturday|sunday") ||
           norm_in(x->text + next, norm_letters(x, next),
                   "mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
                   "weekdays|"
                   "daily|job|jobs|shift|schedule");
}

/* Two lengths with an x between them. */
struct dimensions {
    const struct number *a, *b;
    size_t at, sign, stop; /* where they begin, the sign, and where they end */
    size_t gap;            /* spaces on each side of the sign */
    bool unit;             /* a unit follows */
};

/* "2x8", "8.5 x 11 in", "2x4x8"; 0: it is a product. */
static size_t say_dimensions(struct norm *x, const struct dimensions *d)
{
    size_t at = d->at, stop = d->stop;
    bool cross = char_lower(x->text[d->sign]) != 'x'; /* × */
    char next = norm_char(x, stop);
    bool power = next == '^' ||
                 norm_literal(x, stop, "⁻") + norm_literal(x, stop, "²") + norm_literal(x, stop, "³") > 0 ||
                 (next == '\xe2' && norm_char(x, stop + 1) == '\x81');
    bool equation = norm_char(x, stop + norm_spaces(x, stop)) == '=' || norm_recent_in(x, "equals");
    if (d->gap == 0 && d->a->size == 1 && d->a->whole[0] == '0')
        return 0; /* "0x80" */
    if (power || (d->gap > 0 && !d->unit && cross))
        return 0;
    if (d->gap > 0 && !d->unit && equation) { /* "4 x 4 = 16" */
        norm_range(x, at, stop, "product");
        say_number(x, d->a);
        norm_say(x, "times");
        say_number(x, d->b);
        return stop - at;
    }
    struct number c;
    bool third = !cross && d->gap == 0 && char_lower(next) == 'x' && number_read(x, stop + 1, &c) &&
                 (norm_is_border(x, stop + 1 + c.size) || measure_unit_size(x, stop + 1 + c.size, false) > 0);
    bool large = third || d->a->whole_size > 2 || d->unit || d->gap > 0 || d->a->fraction_size > 0 ||
                 x->text[d->sign] != 'x';
    if (!third && char_lower(next) == 'x' && !d->unit)
        return 0;
    stop += third ? 1 + c.size : 0;
    norm_range(x, at, stop, "dimensions");
    say_bare(x, d->a, true);
    norm_say(x, large ? "by" : "x");
    say_bare(x, d->b, true);
    if (third) {
        norm_say(x, "by");
        say_bare(x, &c, true);
    }
    return stop - at;
}

/* Whether the last words were a range, too: "lost 3-6, 6-4, 7-5". */
static bool follows_range(const struct norm *x)
{
    for (size_t i = x->out->count; i > x->first; i--) {
        const struct token *token = &x->out->items[i - 1];
        if (token->kind == TOKEN_WORD)
            return token->note != NULL && strcmp(token->note, "range") == 0;
    }
    return false;
}

/* "5-10", "1990–95", "2x8": two numbers and what is between them. */
size_t scan_range(struct norm *x, size_t at)
{
    struct number a, b;
    if (!number_read(x, at, &a) || norm_previous_in(x, "boeing|airbus|model|type|form"))
        return 0;
    size_t end = at + a.size, gap = norm_spaces(x, end), wide = norm_literal(x, end + gap, "–");
    char sign = norm_char(x, end + gap);
    size_t times = char_lower(sign) == 'x' ? 1 : norm_literal(x, end + gap, "×");
    size_t dash = sign == '-' ? 1 : wide;
    size_t from = end + gap + dash + times, after = norm_spaces(x, from);
    if (dash + times == 0 || after != gap || gap > 1 || !number_read(x, from + after, &b))
        return 0;
    if (dash == 1 && gap > 0 &&
        (b.whole_size > a.whole_size + 1 || a.whole_size > 4 || norm_recent_in(x, "equals") ||
         number_value(a.whole, a.whole_size) >= number_value(b.whole, b.whole_size)))
        return 0; /* "10 - 3", "call 5 - 555 ..." */
    from += after;
    size_t stop = from + b.size;
    char next = norm_char(x, stop);
    size_t unit = norm_spaces(x, stop) <= 1
                      ? measure_unit_size(x, stop + norm_spaces(x, stop), norm_spaces(x, stop) > 0)
                      : 0;
    if (unit == 0 && char_lower(next) != 'x' &&
        (char_is_alnum(next) || next == '/' || (next == '-' && char_is_alnum(norm_char(x, stop + 1))) ||
         (next == '.' && char_is_digit(norm_char(x, stop + 1)))))
        return 0;
    if (times > 0)
        return say_dimensions(x, &(struct dimensions){&a, &b, at, end + gap, stop, gap, unit > 0});
    uint32_t low = number_value(a.whole, a.whole_size), high = number_value(b.whole, b.whole_size);
    size_t equals = stop + norm_spaces(x, stop);
    bool years = a.whole_size == 4 && low >= 1000 && low < 2200 && !a.separated;
    if (norm_char(x, equals) == '=' || (wide == 0 && b.whole_size > a.whole_size + 2) ||
        (b.whole[0] == '0' && !(years && b.whole_size == 2)) || a.whole_size > 4 + (wide > 0 ? 9U : 0U))
        return 0;
    if (years && b.whole_size == 2) {
        norm_range(x, at, stop, "range");
        say_year(x, a.whole, 4);
        norm_say(x, "to");
        say_two(x, b.whole, true);
        return stop - at;
    }
    size_t gap_after = norm_spaces(x, stop);
    bool score =
        follows_range(x) ||
        norm_previous_in(x, "went|leads|led|lead|winning|trailing|up|down|by|record|final") ||
        norm_recent_in(x, "odds|won|win|lost|beat|beats|defeated|score|tied|victory|draw|drew|final") ||
        norm_in(x->text + stop + gap_after, norm_letters(x, stop + gap_after),
                "victory|win|loss|defeat|lead|score|draw|tie|record|vote|majority|rout|upset|thriller");
    bool hours = low > high && low <= 12 && high <= 12 && names_hours(x, stop); /* "open 9-5" */
    if (low >= high && a.fraction_size == 0 && b.fraction_size == 0 && wide == 0 && !score && !hours)
        return 0;
    norm_range(x, at, stop, "range");
    say_bare(x, &a, false);
    norm_say(x, "to");
    say_bare(x, &b, years == false);
    return stop - at;
}
