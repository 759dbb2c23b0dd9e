/* numbers.c: cardinals, ordinals, decimals, fractions and years in words.
 *
 * Numbers are worked on as digits, never as machine numbers, so that neither size nor rounding matters. */
#include <string.h>

#include "text/norm.h"
#include "text/number_words.h"

const char *const number_ones[20] = {"zero",    "one",     "two",       "three",    "four",
                                     "five",    "six",     "seven",     "eight",    "nine",
                                     "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                     "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
const char *const number_tens[10] = {"",      "",      "twenty",  "thirty", "forty",
                                     "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const one_ths[] = {"zeroth",    "first",     "second",      "third",      "fourth",
                                      "fifth",     "sixth",     "seventh",     "eighth",     "ninth",
                                      "tenth",     "eleventh",  "twelfth",     "thirteenth", "fourteenth",
                                      "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
static const char *const ten_ths[] = {"",         "",         "twentieth",  "thirtieth", "fortieth",
                                      "fiftieth", "sixtieth", "seventieth", "eightieth", "ninetieth"};
const char *const number_scales[16] = {"",
                                       "thousand",
                                       "million",
                                       "billion",
                                       "trillion",
                                       "quadrillion",
                                       "quintillion",
                                       "sextillion",
                                       "septillion",
                                       "octillion",
                                       "nonillion",
                                       "decillion",
                                       "undecillion",
                                       "duodecillion",
                                       "tredecillion",
                                       "quattuordecillion"};
static const char *const scale_ths[] = {"",
                                        "thousandth",
                                        "millionth",
                                        "billionth",
                                        "trillionth",
                                        "quadrillionth",
                                        "quintillionth",
                                        "sextillionth",
                                        "septillionth",
                                        "octillionth",
                                        "nonillionth",
                                        "decillionth",
                                        "undecillionth",
                                        "duodecillionth",
                                        "tredecillionth",
                                        "quattuordecillionth"};

/* Groups of thousands apart by spaces: "50 000", "1 234 567"; "123 456" alone may be two numbers. */
static size_t read_spaced(const struct norm *x, size_t at, struct number *number)
{
    size_t groups = 0, end = at;
    while (groups < 8 && norm_char(x, end) == ' ' && norm_digits(x, end + 1) == 3) {
        groups++;
        end += 4;
    }
    if (groups == 0 || !norm_is_border(x, end) || norm_char(x, end) == '-' ||
        (groups == 1 && memcmp(x->text + at + 1, "000", 3) != 0))
        return 0;
    for (size_t i = 0; i < groups; i++, number->whole_size += 3)
        memcpy(number->whole + number->whole_size, x->text + at + 4 * i + 1, 3);
    number->separated = true;
    return end - at;
}

/* Appends groups of digits, each behind `separator`, as long as they have `size` digits; returns how many. */
static size_t read_groups(const struct norm *x, size_t *at, char separator, size_t size,
                          struct number *number)
{
    size_t groups = 0;
    while (norm_char(x, *at) == separator && norm_digits(x, *at + 1) == size &&
           number->whole_size + size <= NUMBER_DIGITS) {
        memcpy(number->whole + number->whole_size, x->text + *at + 1, size);
        number->whole_size += size;
        *at += 1 + size;
        groups++;
    }
    return groups;
}

/* Whether the number that ends at `at` has a sign of a currency before or behind it. */
static bool beside_currency(const struct norm *x, size_t from, size_t at)
{
    static const char *const signs[] = {"€", "£", "$", "₽", "₺", "₹"};
    from -= from > 0 && x->text[from - 1] == ' ';
    at += norm_spaces(x, at) == 1;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        size_t n = strlen(signs[i]);
        if (norm_literal(x, at, signs[i]) > 0 || (from >= n && memcmp(x->text + from - n, signs[i], n) == 0))
            return true;
    }
    return norm_word(x, at, "eur") + norm_word(x, at, "chf") > 0;
}

/* "1,50,000" as in India, "1'200" as in Switzerland, "1.299,00" and "1.000.000" as in most of Europe: thousands that no comma
 * parts. `from` is where the number begins, `at` the end of its first `n` digits. Returns the bytes used. */
static size_t read_foreign(const struct norm *x, size_t from, size_t at, size_t n, struct number *number)
{
    struct number read = *number;
    size_t end = at;
    if (n == 0 || n > 3 || x->text[from] == '0')
        return 0;
    if (n <= 2 && norm_char(x, at) == ',' && norm_digits(x, at + 1) == 2) {
        if (read_groups(x, &end, ',', 2, &read) == 0 || read_groups(x, &end, ',', 3, &read) != 1)
            return 0;
    } else if (norm_char(x, at) == '\'') {
        if (read_groups(x, &end, '\'', 3, &read) == 0)
            return 0;
    } else {
        size_t groups = read_groups(x, &end, '.', 3, &read);
        size_t decimals = norm_char(x, end) == ',' ? norm_digits(x, end + 1) : 0;
        bool comma = decimals > 0 && decimals <= 2 && norm_is_border(x, end + 1 + decimals);
        bool dollars = from > 0 && x->text[from - 1] == '$';
        if (groups == 0 || (groups == 1 && !comma && (dollars || !beside_currency(x, from, end))))
            return 0;
        if (norm_char(x, end) == '.' && char_is_digit(norm_char(x, end + 1)))
            return 0;
    }
    if (!norm_is_border(x, end))
        return 0;
    read.separated = true;
    *number = read;
    return end - at;
}

/* "1,5 kg", "50,00 €", "€3,50": a decimal comma, when a unit or currency shows that a number goes on, or when points part the
 * thousands. */
static bool is_decimal_comma(const struct norm *x, size_t from, size_t at, bool foreign)
{
    size_t n = norm_char(x, at) == ',' ? norm_digits(x, at + 1) : 0, end = at + 1 + n;
    if (n == 0 || n > 2)
        return false;
    if (foreign)
        return norm_is_border(x, end);
    if (beside_currency(x, from, end) && norm_is_border(x, end) &&
        !(norm_char(x, end) == ',' && char_is_digit(norm_char(x, end + 1))))
        return true;
    end += norm_spaces(x, end) == 1;
    return norm_word(x, end, "million") + norm_word(x, end, "billion") + norm_word(x, end, "trillion") > 0 ||
           measure_unit_size(x, end, true) > 0;
}

bool number_read(const struct norm *x, size_t at, struct number *number)
{
    *number = (struct number){.size = 0};
    size_t n = norm_digits(x, at), from = at;
    if (n > NUMBER_DIGITS)
        return false;
    memcpy(number->whole, x->text + at, n);
    number->whole_size = n;
    at += n;
    size_t foreign = read_foreign(x, from, at, n, number);
    at += foreign;
    if (foreign == 0 && n >= 1 && n <= 3 && read_groups(x, &at, ',', 3, number) > 0)
        number->separated = true;
    if (norm_char(x, at) == ',' && norm_digits(x, at + 1) == 3 && number->whole_size + 3 > NUMBER_DIGITS)
        return false; /* it goes on */
    if (at - from == n && n <= 3 && n > 0)
        at += read_spaced(x, at, number);
    bool point = norm_char(x, at) == '.' || is_decimal_comma(x, from, at, foreign > 0);
    size_t fraction = point ? norm_digits(x, at + 1) : 0;
    if (fraction > NUMBER_DIGITS)
        return false;
    if (fraction > 0) {
        memcpy(number->fraction, x->text + at + 1, fraction);
        number->fraction_size = fraction;
        at += 1 + fraction;
    }
    number->size = at - from;
    return number->size > 0;
}

uint32_t number_value(const char *digits, size_t size)
{
    if (size > 9)
        return UINT32_MAX;
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value * 10 + (uint32_t)(digits[i] - '0');
    return value;
}

bool number_is_zero(const char *digits, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (digits[i] != '0')
            return false;
    return true;
}

bool number_is_one(const struct number *number)
{
    return number->fraction_size == 0 && number_value(number->whole, number->whole_size) == 1;
}

void say_digits(struct norm *x, const char *digits, size_t size)
{
    for (size_t i = 0; i < size; i++)
        norm_say(x, number_ones[digits[i] - '0']);
}

/* 1 to 99; `last` asks for the ordinal. */
static void say_below_100(struct norm *x, uint32_t value, bool last)
{
    if (value < 20) {
        norm_say(x, last ? one_ths[value] : number_ones[value]);
    } else if (value % 10 == 0) {
        norm_say(x, last ? ten_ths[value / 10] : number_tens[value / 10]);
    } else {
        norm_say(x, number_tens[value / 10]);
        norm_say(x, last ? one_ths[value % 10] : number_ones[value % 10]);
    }
}

/* 1 to 999. */
static void say_below_1000(struct norm *x, uint32_t value, bool last)
{
    if (value >= 100) {
        norm_say(x, number_ones[value / 100]);
        norm_say(x, last && value % 100 == 0 ? "hundredth" : "hundred");
    }
    if (value % 100 > 0)
        say_below_100(x, value % 100, last);
}

/* A whole number in words, group by group; `ordinal` gives the last word its ending. */
static void say_whole(struct norm *x, const char *digits, size_t size, bool ordinal)
{
    while (size > 1 && *digits == '0') {
        digits++;
        size--;
    }
    if (size > NUMBER_DIGITS) {
        say_digits(x, digits, size);
        return;
    }
    if (size == 1 && *digits == '0') {
        norm_say(x, ordinal ? one_ths[0] : number_ones[0]);
        return;
    }
    while (size > 0) {
        size_t group = (size - 1) / 3, n = size - group * 3;
        uint32_t value = number_value(digits, n);
        digits += n;
        size -= n;
        bool last = ordinal && number_is_zero(digits, size);
        if (value == 0)
            continue;
        say_below_1000(x, value, last && group == 0);
        if (group > 0)
            norm_say(x, last ? scale_ths[group] : number_scales[group]);
    }
}

void say_cardinal(struct norm *x, const char *digits, size_t size)
{
    say_whole(x, digits, size, false);
}

void say_ordinal(struct norm *x, const char *digits, size_t size)
{
    say_whole(x, digits, size, true);
}

void say_two(struct norm *x, const char *digits, bool oh)
{
    uint32_t value = number_value(digits, 2);
    if (value < 10) {
        norm_say(x, oh ? "oh" : "zero");
        norm_say(x, number_ones[value]);
    } else {
        say_below_100(x, value, false);
    }
}

void say_year(struct norm *x, const char *digits, size_t size)
{
    uint32_t year = number_value(digits, size);
    uint32_t century = year / 100, rest = year % 100;
    if (size != 4 || year < 1000 || year % 1000 < 10) {
        say_cardinal(x, digits, size);
        return;
    }
    say_below_100(x, century, false);
    if (rest == 0)
        norm_say(x, "hundred");
    else
        say_two(x, digits + 2, true);
}

/* The word for ten times `digit` in the plural: "eighties". */
static const char *decade_word(uint32_t value)
{
    static const char *const words[] = {"hundreds", "tens",    "twenties",  "thirties", "forties",
                                        "fifties",  "sixties", "seventies", "eighties", "nineties"};
    return words[value / 10 % 10];
}

void say_decade(struct norm *x, const char *digits, size_t size)
{
    uint32_t value = number_value(digits, size);
    if (size == 4 && value % 1000 == 0) {
        say_below_100(x, value / 1000, false);
        norm_say(x, "thousands");
        return;
    }
    if (size == 4)
        say_below_100(x, value / 100, false);
    norm_say(x, decade_word(value % 100));
}

/* "third", "quarters", "hundredths". */
static void say_denominator(struct norm *x, const char *digits, size_t size, bool plural)
{
    uint32_t value = number_value(digits, size);
    if (value == 2 || value == 4) {
        norm_say(x, value == 2 ? plural ? "halves" : "half" : plural ? "quarters" : "quarter");
        return;
    }
    say_ordinal(x, digits, size);
    if (plural && x->out->count > 0 && !x->out->failed) {
        struct token *last = &x->out->items[x->out->count - 1];
        str_putc(&x->out->pool, 's');
        last->text_size++;
    }
}

void say_pairs(struct norm *x, const char *digits, size_t size)
{
    if (size == 3 && digits[1] == '0' && digits[2] != '0') {
        say_digits(x, digits, size);
    } else if (size == 3 && !number_is_zero(digits + 1, 2)) {
        norm_say(x, number_ones[digits[0] - '0']);
        say_two(x, digits + 1, true);
    } else if (size == 4) {
        say_year(x, digits, size);
    } else if (size < 4) {
        say_cardinal(x, digits, size);
    } else {
        say_digits(x, digits, size);
    }
}

void say_number(struct norm *x, const struct number *number)
{
    if (number->whole_size > 0)
        say_cardinal(x, number->whole, number->whole_size);
    if (number->fraction_size > 0) {
        norm_say(x, "point");
        say_digits(x, number->fraction, number->fraction_size);
    }
}

void say_model(struct norm *x, const char *digits, size_t size)
{
    if (size == 3 && !number_is_zero(digits + 1, 2)) {
        norm_say(x, number_ones[digits[0] - '0']);
        say_two(x, digits + 1, true);
    } else if (size == 4) {
        say_year(x, digits, size);
    } else {
        say_cardinal(x, digits, size);
    }
}

/* Whether the word said last is written in capitals only: "RFC", "BMW". */
static bool previous_is_acronym(const struct norm *x)
{
    const struct token *last = norm_last(x);
    if (last == NULL || last->kind != TOKEN_WORD || last->text_size < 2 || last->text_size > 5)
        return false;
    for (size_t i = 0; i < last->text_size; i++)
        if (!char_is_upper(x->out->pool.data[last->text + i]))
            return false;
    return true;
}

/* Whether the number [at, end) of three or four digits names a thing rather than counts one: it stands after a word for things that
 * have such names, or after an acronym in a text that is not all in capitals. */
static bool is_model(const struct norm *x, size_t end, bool counts)
{
    if (norm_previous_in(x,
                         "boeing|airbus|flight|room|route|highway|interstate|suite|rtx|gtx|rx|ieee|rfc|"
                         "geforce|radeon|ryzen|"
                         "threadripper|xeon|epyc|athlon|pentium|intel|nokia|atari|xbox|commodore|motorola|"
                         "porsche|ferrari|peugeot|renault|fiat|mercedes|volvo|saab|mazda|cessna|embraer|"
                         "learjet|bombardier|tupolev|kawasaki|yamaha|roland|nikon|thinkpad|latitude|inspiron|"
                         "optiplex|precision|laserjet|officejet|levi's|fahrenheit|kepler|gliese"))
        return true;
    size_t next = end + norm_spaces(x, end);
    return !counts && previous_is_acronym(x) &&
           !(char_is_upper(norm_char(x, next)) && char_is_upper(norm_char(x, next + 1)));
}

void say_bare(struct norm *x, const struct number *number, bool counts)
{
    size_t n = number->whole_size;
    uint32_t value = number_value(number->whole, n);
    if (number->separated || number->fraction_size > 0) {
        say_number(x, number);
    } else if (n > 1 && number->whole[0] == '0') {
        say_digits(x, number->whole, n);
    } else if (n == 4 && norm_recent_in(x, "ending|ends|pin|code|digits|extension|room|flight|zip")) {
        if (norm_previous_in(x, "room") || norm_recent_in(x, "flight"))
            say_model(x, number->whole, n);
        else
            say_digits(x, number->whole, n);
    } else if (n == 3 && norm_previous_in(x, "extension")) {
        say_digits(x, number->whole, n);
    } else if (n == 4 && value >= 1010 && value < 2100 && (!counts || value % 100 != 0)) {
        say_year(x, number->whole, n);
    } else if (n == 4 && value >= 2100 && value < 3000 && !counts &&
               norm_previous_in(x, "in|by|until|since|year")) {
        say_year(x, number->whole, n);
    } else if ((n == 3 || n == 4) && is_model(x, x->end, counts)) {
        say_model(x, number->whole, n);
    } else if (n == 3 && norm_previous_in(x, "dial|call|dialed|called|dialing|calling")) {
        say_digits(x, number->whole, n); /* "call 911" */
    } else if ((n == 5 || n == 6) && norm_recent_in(x, "text|sms|dial|stop")) {
        say_digits(x, number->whole, n); /* "text STOP to 12345" */
    } else if (n > 4 && !counts && !(n > 6 && number_is_zero(number->whole + n - 6, 6))) {
        say_digits(x, number->whole, n);
    } else {
        say_cardinal(x, number->whole, n);
    }
}

/* Whether the digits are a status code of HTTP. */
static bool is_status(const char *digits)
{
    uint32_t code = number_value(digits, 3);
    return (code >= 100 && code <= 103) || (code >= 200 && code <= 208) || (code >= 300 && code <= 308) ||
           (code >= 400 && code <= 431) || code == 451 || (code >= 500 && code <= 511);
}

/* "a 404 error", "HTTP 503", "401 Unauthorized": said as "four oh four". */
size_t scan_status(struct norm *x, size_t at)
{
    const char *digits = x->text + at;
    if (norm_digits(x, at) != 3 || !is_status(digits) || !norm_is_border(x, at + 3) ||
        (norm_char(x, at + 3) == '.' && char_is_digit(norm_char(x, at + 4))))
        return 0;
    size_t next = at + 4, letters = norm_char(x, at + 3) == ' ' ? norm_letters(x, next) : 0;
    bool phrase = letters > 0 && char_is_upper(x->text[next]) &&
                  norm_in(x->text + next, letters,
                          "not|ok|unauthorized|forbidden|bad|internal|service|gateway|too|moved|found|"
                          "created|accepted|no|payment|method|conflict|gone|temporary|permanent");
    bool noun = norm_in(x->text + next, letters,
                        "error|errors|page|pages|response|responses|redirect|redirects|status|code|codes");
    bool told = norm_recent_in(x, "http|https|status") || norm_previous_in(x, "error|code|errors|codes");
    bool answer = letters == 0 && digits[1] == '0' && digits[2] != '0' &&
                  norm_previous_in(x, "returned|returns|return|responded|responds|got|gets|get");
    if (!phrase && !noun && !told && !answer)
        return 0;
    norm_range(x, at, at + 3, "HTTP status");
    norm_say(x, number_ones[digits[0] - '0']);
    if (number_is_zero(digits + 1, 2))
        norm_say(x, "hundred");
    else
        say_two(x, digits + 1, true);
    return 3;
}

/* ---- Ordinals ---- */

static bool suffix_fits(const char *digits, size_t size, const char *suffix)
{
    uint32_t value = number_value(size > 2 ? digits + size - 2 : digits, size > 2 ? 2 : size);
    char a = char_lower(suffix[0]), b = char_lower(suffix[1]);
    if (value >= 10 && value < 20)
        return a == 't' && b == 'h';
    switch (value % 10) {
    case 1:
        return a == 's' && b == 't';
    case 2:
        return a == 'n' && b == 'd';
    case 3:
        return a == 'r' && b == 'd';
    default:
        return a == 't' && b == 'h';
    }
}

size_t scan_ordinal(struct norm *x, size_t at)
{
    struct number number;
    if (!number_read(x, at, &number) || number.fraction_size > 0)
        return 0;
    size_t end = at + number.size;
    if (norm_letters(x, end) < 2)
        return 0;
    if (number.size == number.whole_size && number.size > 2 && norm_letters(x, end) == 2 &&
        norm_is_border(x, end + 2) && norm_in(x->text + end, 2, "st|nd|rd|th") &&
        !suffix_fits(number.whole, number.whole_size, x->text + end)) { /* "111st": no ordinal */
        norm_range(x, at, end, "digits");
        say_digits(x, number.whole, number.whole_size);
        return number.size;
    }
    size_t plural = norm_letters(x, end) == 3 && norm_char(x, end + 2) == 's' ? 1 : 0;
    if (!norm_is_border(x, end + 2 + plural) || !suffix_fits(number.whole, number.whole_size, x->text + end))
        return 0;
    norm_range(x, at, end + 2 + plural, "ordinal");
    if (plural > 0)
        say_denominator(x, number.whole, number.whole_size, true);
    else
        say_ordinal(x, number.whole, number.whole_size);
    end += 2 + plural;
    size_t dash = norm_dash(x, end), other = norm_digits(x, end + dash);
    if (dash > 0 && other > 0 && norm_letters(x, end + dash + other) == 2 &&
        suffix_fits(x->text + end + dash, other, x->text + end + dash + other)) {
        norm_range(x, end, end + dash, "range"); /* "10th-12th" */
        norm_say(x, "to");
        end += dash;
    }
    return end - at;
}

/* ---- Plurals ---- */

/* Numbers that are names of things: HTTP's errors, Boeing's aircraft. */
static bool is_name(const char *digits)
{
    return (strchr("345", digits[0]) != NULL && digits[1] == '0') || (digits[0] == '7' && digits[2] == '7') ||
           memcmp(digits, "911", 3) == 0;
}

/* "404s", "the 747s", "these 1099s": more than one of what the number names, and no seconds. */
size_t scan_plural(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at);
    const char *digits = x->text + at;
    bool named = n == 3 && is_name(digits) &&
                 !norm_previous_in(
                     x, "in|for|after|within|every|took|takes|take|wait|waited|than|lasted|ran|timeout|is|"
                        "was|about|only|sleep|by|to|least|most");
    bool many =
        norm_previous_in(x, "the|these|those|many|some|all|several|few|more|of|our|my|any|no|two|three|four");
    bool aged =
        n == 2 && at > 0 && x->text[at - 1] == '-' && norm_previous_in(x, "under|over"); /* "under-18s" */
    if ((!aged && n != 3 && n != 4) || norm_word(x, at + n, "s") == 0 || !(named || many || aged) ||
        x->text[at] == '0')
        return 0;
    norm_range(x, at, at + n + 1, "plural of a number");
    if (n == 2) {
        say_cardinal(x, digits, n);
    } else if (n == 4) {
        say_year(x, digits, n);
    } else {
        norm_say(x, number_ones[digits[0] - '0']);
        number_is_zero(digits + 1, 2) ? (void)norm_say(x, "hundred") : say_two(x, digits + 1, true);
    }
    struct token *last = x->out->failed ? NULL : norm_last(x);
    if (last == NULL || last->kind != TOKEN_WORD)
        return n + 1;
    char end = x->out->pool.data[x->out->pool.length - 1];
    if (end == 'y') { /* "twenties" */
        x->out->pool.data[x->out->pool.length - 1] = 'i';
        str_puts(&x->out->pool, "es");
        last->text_size += 2;
    } else {
        str_puts(&x->out->pool, end == 'x' ? "es" : "s");
        last->text_size += end == 'x' ? 2 : 1;
    }
    return n + 1;
}

/* ---- Fractions ---- */

/* "/4" with an ordinal ending or none after the numerator; fills `digits`, returns the bytes used. */
static size_t read_denominator(const struct norm *x, size_t at, const char **digits, size_t *size)
{
    if (norm_char(x, at) != '/')
        return 0;
    size_t n = norm_digits(x, at + 1), end = at + 1 + n;
    if (n == 0 || n > NUMBER_DIGITS || x->text[at + 1] == '0')
        return 0;
    *digits = x->text + at + 1;
    *size = n;
    size_t letters = norm_letters(x, end);
    if ((letters == 2 || letters == 3) && suffix_fits(*digits, n, x->text + end) &&
        (letters == 2 || norm_char(x, end + 2) == 's'))
        end += letters;
    bool more = norm_char(x, end) == '/' ||
                (norm_char(x, end) == '-' && !char_is_space(norm_char(x, end + 1)) &&
                 char_is_alnum(norm_char(x, end + 1)) && !char_is_alpha(norm_char(x, end + 1)));
    size_t word = norm_letters(x, end);
    bool unit =
        measure_unit_size(x, end, false) > 0 ||
        norm_in(x->text + end, word, "inch|inches|cup|cups|mile|miles|teaspoon|tablespoon|pound|hour");
    return more || (char_is_alnum(norm_char(x, end)) && !unit) ? 0 : end - at;
}

static void say_fraction(struct norm *x, const char *top, size_t top_size, const char *bottom,
                         size_t bottom_size, bool mixed)
{
    uint32_t numerator = number_value(top, top_size), denominator = number_value(bottom, bottom_size);
    if (mixed && numerator == 1 && (denominator == 2 || denominator == 4)) {
        norm_say(x, "a");
        norm_say(x, denominator == 2 ? "half" : "quarter");
        return;
    }
    say_cardinal(x, top, top_size);
    if (denominator == 1) {
        norm_say(x, "over");
        say_cardinal(x, bottom, bottom_size);
    } else {
        say_denominator(x, bottom, bottom_size, numerator != 1);
    }
}

/* Whether `short_year` are the last digits of the year after `year`. */
static bool is_next_year(uint32_t year, uint32_t short_year)
{
    return year >= 1800 && year < 2200 && (year + 1) % 100 == short_year;
}

/* "120/80 mmHg", "BP 130/85": `size` bytes with the lower value in `bottom`. */
static size_t take_pressure(struct norm *x, size_t at, size_t size, const char *bottom, size_t bottom_size)
{
    size_t end = at + size, space = norm_spaces(x, end);
    if (norm_word(x, end + space, "mmhg") == 0 && !norm_recent_in(x, "pressure|bp"))
        return 0;
    norm_range(x, at, end, "blood pressure");
    say_cardinal(x, x->text + at, 3);
    norm_say(x, "over");
    say_cardinal(x, bottom, bottom_size);
    size_t unit = space == 1 ? measure_unit(x, end + 1, true, true) : 0;
    return size + (unit > 0 ? 1 + unit : 0);
}

size_t scan_fraction(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at), end = at + n, m = 0, bottom_size = 0;
    const char *bottom = NULL;
    if (n == 0 || n > 15)
        return 0;
    size_t used = read_denominator(x, end, &bottom, &bottom_size);
    uint32_t top = number_value(x->text + at, n);
    size_t equals = end + used + norm_spaces(x, end + used);
    if (used > 0 && norm_char(x, equals) == '=' && top >= number_value(bottom, bottom_size))
        return 0; /* a division: "8/2 = 4", but "1/4 = 0.25" */
    if (used > 0 &&
        (norm_word(x, at, "24/7") > 0 || norm_word(x, at, "9/11") > 0 ||
         (n == bottom_size && used == 1 + n && memcmp(bottom, x->text + at, n) == 0) ||
         norm_word(x, equals, "rule") + norm_word(x, equals, "split") + norm_word(x, equals, "mix") > 0)) {
        norm_range(x, at, end + used, "fixed expression"); /* "24/7", "50/50", "the 80/20 rule" */
        say_cardinal(x, x->text + at, n);
        say_cardinal(x, bottom, bottom_size);
        return n + used;
    }
    if (used == 3 && n == 4 && is_next_year(top, number_value(bottom, bottom_size))) { /* "2023/24" */
        norm_range(x, at, end + used, "years");
        say_year(x, x->text + at, 4);
        say_two(x, bottom, true);
        return n + used;
    }
    bool odds = norm_recent_in(x, "odds"),
         score = norm_previous_in(x, "scored|rated|rating|score|gave|got|graded");
    if (used > 0 && (odds || score)) {
        norm_range(x, at, end + used, odds ? "odds" : "score");
        say_cardinal(x, x->text + at, n);
        norm_say_words(x, odds ? "to" : "out of");
        say_cardinal(x, bottom, bottom_size);
        return n + used;
    }
    if (used > 0 && n == 3 && (bottom_size == 2 || bottom_size == 3)) {
        size_t pressure = take_pressure(x, at, n + used, bottom, bottom_size);
        if (pressure > 0)
            return pressure;
    }
    if (used > 0) {
        norm_range(x, at, end + used, "fraction");
        say_fraction(x, x->text + at, n, bottom, bottom_size, false);
        return n + used;
    }
    size_t gap = norm_spaces(x, end);
    if (gap == 0 && norm_char(x, end) == '-')
        gap = 1;
    m = norm_digits(x, end + gap);
    if (gap != 1 || m == 0 || m > 15)
        return 0;
    used = read_denominator(x, end + 1 + m, &bottom, &bottom_size);
    if (used == 0)
        return 0;
    norm_range(x, at, end + 1 + m + used, "mixed fraction");
    say_cardinal(x, x->text + at, n);
    norm_say(x, "and");
    say_fraction(x, x->text + end + 1, m, bottom, bottom_size, true);
    return n + 1 + m + used;
}
