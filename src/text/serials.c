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
    while (char_is_digit(norm_char(x, end)) && end - at <= 40) {
        end += norm_digits(x, end);
        if (norm_char(x, end) != '.' || !char_is_digit(norm_char(x, end + 1)))
            break;
        end++;
        points++;
    }
    if (end == at + v || points < (v > 0 ? 0 : 2) || end - at > 40)
        return 0;
    if (v > 0 && points == 0 && !norm_is_border(x, end))
        return 0;
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
    return end - at;
}

size_t scan_serial(struct norm *x, size_t at)
{
    size_t used = scan_version(x, at), end = at;
    if (used > 0)
        return used;
    if (at < x->no_serial_until)
        return 0;
    bool letters = false, digits = false;
    while (end < x->size && end - at < SERIAL_LIMIT) {
        size_t n = norm_letters(x, end), m = norm_digits(x, end);
        if (n + m == 0)
            break;
        letters |= n > 0;
        digits |= m > 0;
        end += n + m;
        char c = norm_char(x, end);
        size_t decade = c == '-' ? norm_digits(x, end + 1) : 0;
        if ((decade == 2 || decade == 4) && x->text[end + decade] == '0' &&
            norm_word(x, end + 1 + decade, "s") > 0)
            break; /* "mid-1980s" */
        bool more = (c == '-' || c == '/') && char_is_alnum(norm_char(x, end + 1));
        if (more && c == '/' && n > 0 && norm_letters(x, end + 1) > 1)
            more = false; /* words, not a number */
        if (more)
            end++;
    }
    if (end - at >= SERIAL_LIMIT)
        x->no_serial_until = end;
    size_t joined = 0;
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
    for (size_t i = at; i < end;) {
        size_t n = norm_letters(x, i), m = norm_digits(x, i);
        norm_range(x, i, i + (n > 0 ? n : m), "serial");
        if (n > 0) {
            struct token *token = norm_say_text(x, x->text + i, n);
            if (token != NULL && n == 1)
                token->spell = true;
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
    char decimal = norm_char(x, end);
    if (decimal == '.' && char_is_digit(norm_char(x, end + 1)) && char_is_digit(x->text[end - 1])) {
        size_t n = norm_digits(x, end + 1); /* "covid-19.5" */
        norm_range(x, end, end + 1 + n, "serial");
        norm_say(x, "point");
        say_digits(x, x->text + end + 1, n);
        end += 1 + n;
    }
    return end - at;
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
    if (dash + times == 0 || after != gap || gap > 1 || (dash == 1 && gap > 0) ||
        !number_read(x, from + after, &b))
        return 0;
    from += after;
    size_t stop = from + b.size;
    char next = norm_char(x, stop);
    size_t unit = norm_spaces(x, stop) <= 1
                      ? measure_unit_size(x, stop + norm_spaces(x, stop), norm_spaces(x, stop) > 0)
                      : 0;
    if (unit == 0 &&
        (char_is_alnum(next) || next == '/' || (next == '-' && char_is_alnum(norm_char(x, stop + 1))) ||
         (next == '.' && char_is_digit(norm_char(x, stop + 1)))))
        return 0;
    bool power = next == '^' ||
                 norm_literal(x, stop, "⁻") + norm_literal(x, stop, "²") + norm_literal(x, stop, "³") > 0 ||
                 (next == '\xe2' && norm_char(x, stop + 1) == '\x81');
    if (times > 0 && (power || (gap > 0 && unit == 0)))
        return 0; /* a product, not two lengths */
    if (times > 0) {
        norm_range(x, at, stop, "dimensions");
        say_bare(x, &a, true);
        bool large = a.whole_size > 2 || unit > 0 || x->text[end + gap] != 'x';
        norm_say(x, large ? "by" : "x");
        say_bare(x, &b, true);
        return stop - at;
    }
    uint32_t low = number_value(a.whole, a.whole_size), high = number_value(b.whole, b.whole_size);
    size_t equals = stop + norm_spaces(x, stop);
    if (norm_char(x, equals) == '=' || (wide == 0 && b.whole_size > a.whole_size + 2) || b.whole[0] == '0' ||
        a.whole_size > 4 + (wide > 0 ? 9U : 0U))
        return 0;
    bool years = a.whole_size == 4 && low >= 1000 && low < 2200 && !a.separated;
    if (years && b.whole_size == 2) {
        norm_range(x, at, stop, "range");
        say_year(x, a.whole, 4);
        norm_say(x, "to");
        say_two(x, b.whole, true);
        return stop - at;
    }
    bool score = norm_previous_in(
        x, "won|lost|beat|score|leads|led|lead|win|winning|tied|trailing|up|down|by|record|victory");
    if (low >= high && a.fraction_size == 0 && b.fraction_size == 0 && wide == 0 && !score)
        return 0;
    norm_range(x, at, stop, "range");
    say_bare(x, &a, false);
    norm_say(x, "to");
    say_bare(x, &b, years == false);
    return stop - at;
}
