/* dates.c: dates in the usual orders, quarters and decades. */
#include <string.h>

#include "text/norm.h"

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* The month that the word is, 1 to 12, also shortened; 0: none. */
static uint32_t month_of(const char *word, size_t size)
{
    if (size == 4 && norm_in(word, size, "sept"))
        return 9;
    for (uint32_t i = 0; i < 12 && size >= 3; i++) {
        size_t full = strlen(months[i]), n = 0;
        while (n < size && n < full && char_lower(word[n]) == char_lower(months[i][n]))
            n++;
        if (n == size && (n == 3 || n == full))
            return i + 1;
    }
    return 0;
}

/* Words that are months only beside a year or when they are capitalised. */
static bool is_doubtful(const char *word, size_t size)
{
    return char_is_lower(word[0]) && norm_in(word, size, "may|march|mar");
}

static bool is_year(const char *digits, size_t size)
{
    uint32_t year = number_value(digits, size);
    return size == 4 && year >= 1000 && year < 2200;
}

/* The year after a day and month: ", 2012", " 2012", " '12"; says it and returns the bytes used. */
static size_t take_year(struct norm *x, size_t at)
{
    size_t n = norm_char(x, at) == ',' ? 1 : 0;
    size_t space = norm_spaces(x, at + n);
    bool joined = n == 0 && space == 0 && (norm_char(x, at) == '-' || norm_char(x, at) == '/');
    if (joined)
        space = 1;
    n += space;
    bool quote = norm_char(x, at + n) == '\'';
    size_t digits = norm_digits(x, at + n + quote);
    if (n == 0 || space > 1 || !norm_is_border(x, at + n + quote + digits))
        return 0;
    const char *year = x->text + at + n + quote;
    if (quote || (joined && digits == 2) ? digits != 2 : !is_year(year, digits))
        return 0;
    if (norm_char(x, at + n + digits) == ':' ||
        (norm_char(x, at + n + digits) == '-' && !quote && space == 0))
        return 0;
    if (digits == 2)
        say_two(x, year, true);
    else
        say_year(x, year, digits);
    return n + quote + digits;
}

/* A day's number, with or without its ending; 0 when it is none. */
static size_t day_size(const struct norm *x, size_t at, size_t *digits)
{
    *digits = norm_digits(x, at);
    uint32_t day = number_value(x->text + at, *digits);
    if (*digits == 0 || *digits > 2 || day < 1 || day > 31)
        return 0;
    size_t end = at + *digits;
    size_t n = norm_letters(x, end) == 2 && norm_in(x->text + end, 2, "st|nd|rd|th") ? 2 : 0;
    char next = norm_char(x, end + n);
    if (!norm_is_border(x, end + n) || next == ':' || next == '%' ||
        (next == '/' && !char_is_alpha(norm_char(x, end + n + 1))) ||
        (next == '.' && char_is_digit(norm_char(x, end + n + 1))))
        return 0;
    return *digits + n;
}

size_t scan_month_date(struct norm *x, size_t at, size_t size)
{
    size_t next = at + size;
    for (char c; next < at + size + 2 && ((c = norm_char(x, next)) == ' ' || c == '.' || c == '-');)
        next++;
    uint32_t month = char_is_digit(norm_char(x, next)) ? month_of(x->text + at, size) : 0;
    if (month == 0)
        return 0;
    bool doubtful = is_doubtful(x->text + at, size);
    size_t end = at + size + (norm_char(x, at + size) == '.');
    size_t space = norm_spaces(x, end);
    if (space != 1 && !(space == 0 && norm_char(x, end) == '-'))
        return 0;
    size_t from = end + 1, digits, day = day_size(x, from, &digits);
    size_t number = norm_digits(x, from);
    if (day == 0) { /* "july 1506" */
        if (!is_year(x->text + from, number) || !norm_is_border(x, from + number) ||
            norm_char(x, from + number) == ':')
            return 0;
        norm_range(x, at, from + number, "date");
        norm_say(x, months[month - 1]);
        say_year(x, x->text + from, number);
        return from + number - at;
    }
    size_t rest = from + day, year = rest + (norm_char(x, rest) == ',');
    year += norm_spaces(x, year);
    if (doubtful && !is_year(x->text + year, norm_digits(x, year)) && digits == day)
        return 0;
    norm_range(x, at, from + day, "date");
    norm_say(x, months[month - 1]);
    say_ordinal(x, x->text + from, digits);
    size_t dash = norm_dash(x, rest), last, other;
    other = dash == 0 ? 0 : day_size(x, rest + dash, &last);
    if (other > 0) {
        norm_range(x, rest, rest + dash + other, "date");
        norm_say(x, "to");
        say_ordinal(x, x->text + rest + dash, last);
        rest += dash + other;
    }
    size_t month_after = rest + dash, name = norm_letters(x, month_after);
    if (dash > 0 && other == 0 && name > 0 && char_is_upper(x->text[month_after]) &&
        month_of(x->text + month_after, name) > 0) { /* "May 1-June 3" */
        norm_range(x, rest, month_after, "date");
        norm_say(x, "to");
        return month_after - at;
    }
    norm_range(x, rest, rest + 1, "date");
    size_t used = 0;
    if (norm_char(x, rest) == ',' || norm_char(x, rest) == ' ' || norm_char(x, rest) == '-') {
        size_t begin = rest + (norm_char(x, rest) == ',');
        begin += norm_spaces(x, begin);
        norm_range(x, begin, begin + norm_digits(x, begin) + (norm_char(x, begin) == '\'' ? 3 : 0), "date");
        used = take_year(x, rest);
    }
    return rest + used - at;
}

static void say_day_month(struct norm *x, const char *day, size_t digits, uint32_t month, bool day_first)
{
    if (!day_first) {
        norm_say(x, months[month - 1]);
        say_ordinal(x, day, digits);
        return;
    }
    if (!norm_previous_in(x, "the"))
        norm_say(x, "the");
    say_ordinal(x, day, digits);
    norm_say(x, "of");
    norm_say(x, months[month - 1]);
}

/* "3–5 January": the first of two days; its bytes with the dash. */
static size_t take_first_day(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at), dash = norm_dash(x, at + n);
    size_t from = at + n + dash, digits, day = day_size(x, from, &digits);
    uint32_t first = number_value(x->text + at, n), last = number_value(x->text + from, digits);
    size_t word = from + day + 1;
    if (n == 0 || n > 2 || dash == 0 || day == 0 || first < 1 || first >= last ||
        norm_char(x, from + day) != ' ' || month_of(x->text + word, norm_letters(x, word)) == 0 ||
        !char_is_upper(x->text[word]))
        return 0;
    norm_range(x, at, at + n, "date");
    if (!norm_previous_in(x, "the"))
        norm_say(x, "the");
    say_ordinal(x, x->text + at, n);
    norm_range(x, at + n, from, "date");
    norm_say(x, "to");
    return n + dash;
}

/* "25 july 2012", "26th of May", "3-Jan-99". */
static size_t scan_day_month(struct norm *x, size_t at)
{
    size_t digits, day = day_size(x, at, &digits), end = at + day;
    if (day == 0)
        return 0;
    size_t gap = norm_spaces(x, end);
    if (gap == 0 && (norm_char(x, end) == '-' || norm_char(x, end) == '/'))
        gap = 1;
    if (gap != 1)
        return 0;
    size_t word = end + gap, of = norm_word(x, word, "of");
    word += of > 0 ? of + 1 : 0;
    size_t size = norm_letters(x, word);
    uint32_t month = month_of(x->text + word, size);
    size_t rest = word + size + (norm_char(x, word + size) == '.' && size < 5);
    if (month == 0 || !norm_is_border(x, word + size))
        return 0;
    size_t year = rest + (norm_char(x, rest) == ',');
    year += norm_spaces(x, year);
    if (is_doubtful(x->text + word, size) && day == digits && !is_year(x->text + year, norm_digits(x, year)))
        return 0;
    norm_range(x, at, rest, "date");
    say_day_month(x, x->text + at, digits, month, true);
    size_t used = take_year(x, rest);
    if (used == 0 && word + size < rest && rest >= x->size)
        rest--; /* the point ends the sentence */
    size_t last;
    if (norm_char(x, rest + used) == '-' && day_size(x, rest + used + 1, &last) > 0) { /* "3 Jan-5 Jan" */
        norm_range(x, rest + used, rest + used + 1, "date");
        norm_say(x, "to");
        used++;
    }
    return rest + used - at;
}

/* "2023-04" is April; "2003-04", where the second number is the year after, or a later one, is a range. */
static bool is_year_month(const struct norm *x, size_t at)
{
    uint32_t month = number_value(x->text + at + 5, 2);
    char next = norm_char(x, at + 7);
    return is_year(x->text + at, 4) && month >= 1 && month <= 12 &&
           month <= number_value(x->text + at + 2, 2) && norm_is_border(x, at + 7) && next != '-' &&
           next != '/';
}

/* "2006-08-05", "2016/07/03", "2023-04". */
static size_t scan_iso(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at);
    char sep = norm_char(x, at + n);
    if (n != 4 || (sep != '-' && sep != '/' && sep != '.'))
        return 0;
    if (sep == '-' && norm_digits(x, at + 5) == 2 && is_year_month(x, at)) {
        norm_range(x, at, at + 7, "date");
        norm_say(x, months[number_value(x->text + at + 5, 2) - 1]);
        say_year(x, x->text + at, 4);
        return 7;
    }
    size_t m = norm_digits(x, at + 5), d = norm_digits(x, at + 6 + m);
    const char *month = x->text + at + 5, *day = x->text + at + 6 + m;
    if (m == 0 || m > 2 || d == 0 || d > 2 || norm_char(x, at + 5 + m) != sep)
        return 0;
    uint32_t which = number_value(month, m), number = number_value(day, d);
    size_t size = 6 + m + d;
    char next = norm_char(x, at + size);
    bool time = next == 'T' && char_is_digit(norm_char(x, at + size + 1));
    if (which < 1 || which > 12 || number < 1 || number > 31 || (!time && !norm_is_border(x, at + size)) ||
        next == sep || next == '_')
        return 0;
    norm_range(x, at, at + size, "date");
    say_day_month(x, day, d, which, x->british);
    say_year(x, x->text + at, 4);
    return size + time;
}

/* Whether the words before tell that "3/4" is a date: "on", "Tuesday,", "the week of". */
static bool date_is_due(const struct norm *x)
{
    static const char days[] = "monday|tuesday|wednesday|thursday|friday|saturday|sunday";
    size_t n = x->out->count;
    const struct token *last = n > x->first ? &x->out->items[n - 1] : NULL;
    if (last != NULL && last->kind == TOKEN_PUNCTUATION && last->text_size == 1 &&
        x->out->pool.data[last->text] == ',' && n - 1 > x->first) {
        const struct token *day = last - 1;
        return day->kind == TOKEN_WORD && norm_in(x->out->pool.data + day->text, day->text_size, days);
    }
    return norm_previous_in(x, days) || norm_previous_in(x, "on|due|until|since|dated|cob|eod") ||
           (norm_previous_in(x, "of") && norm_recent_in(x, "week|night|morning|evening|afternoon|as"));
}

/* "11/17/05", "01.10.2010", "3-1-1999"; "05/2020". */
static size_t scan_numeric(struct norm *x, size_t at)
{
    size_t a = norm_digits(x, at), b = norm_digits(x, at + a + 1);
    char sep = norm_char(x, at + a);
    if (a == 0 || a > 2 || (sep != '/' && sep != '-' && sep != '.'))
        return 0;
    const char *first = x->text + at, *second = first + a + 1;
    uint32_t month = number_value(first, a), day = number_value(second, b);
    if (sep == '/' && b == 4 && month >= 1 && month <= 12 && day >= 1900 && day < 2100 &&
        norm_is_border(x, at + a + 5) && norm_char(x, at + a + 5) != '/') {
        norm_range(x, at, at + a + 5, "date");
        norm_say(x, months[month - 1]);
        say_year(x, second, 4);
        return a + 5;
    }
    if (sep == '/' && month >= 1 && month <= 12 && day >= 1 && day <= 31 &&
        norm_char(x, at + a + 1 + b) != '/' && norm_is_border(x, at + a + 1 + b) &&
        norm_char(x, at + a + 1 + b) != '"' &&
        measure_unit_size(x, at + a + 1 + b + norm_spaces(x, at + a + 1 + b), true) == 0 && date_is_due(x)) {
        /* "Thurs 8/9" */
        norm_range(x, at, at + a + 1 + b, "date");
        x->british ? say_day_month(x, first, a, day, true) : say_day_month(x, second, b, month, false);
        return a + 1 + b;
    }
    if (b == 0 || b > 2 || norm_char(x, at + a + 1 + b) != sep)
        return 0;
    size_t y = norm_digits(x, at + a + b + 2), size = a + b + 2 + y;
    const char *year = x->text + at + a + b + 2;
    if (!((y == 2 && sep == '/') || (y == 4 && is_year(year, y))) || !norm_is_border(x, at + size) ||
        norm_char(x, at + size) == sep)
        if (!(norm_char(x, at + size) == '.' && sep == '.' && norm_is_border(x, at + size + 1)))
            return 0;
    bool day_first = month > 12 || (x->british && day <= 12);
    if (day_first) {
        uint32_t swap = month;
        month = day;
        day = swap;
        second = first;
        b = a;
    }
    if (y != 2 && y != 4)
        return 0;
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return 0;
    norm_range(x, at, at + size, "date");
    say_day_month(x, second, b, month, x->british);
    if (y == 2)
        say_two(x, year, false);
    else
        say_year(x, year, y);
    return size;
}

/* "2Q22". */
static size_t scan_quarter(struct norm *x, size_t at)
{
    static const char *const quarters[] = {"first", "second", "third", "fourth"};
    char q = norm_char(x, at);
    size_t n = norm_digits(x, at + 2);
    if (q < '1' || q > '4' || char_lower(norm_char(x, at + 1)) != 'q' || (n != 2 && n != 4) ||
        !norm_is_border(x, at + 2 + n))
        return 0;
    norm_range(x, at, at + 2 + n, "quarter");
    norm_say(x, "the");
    norm_say(x, quarters[q - '1']);
    norm_say_words(x, "quarter of");
    if (n == 2)
        say_two(x, x->text + at + 2, true);
    else
        say_year(x, x->text + at + 2, 4);
    return 2 + n;
}

size_t scan_date(struct norm *x, size_t at)
{
    size_t used = take_first_day(x, at);
    if (used > 0)
        return used; /* scan_day_month comes to the second */
    if ((used = scan_iso(x, at)) > 0 || (used = scan_numeric(x, at)) > 0 ||
        (used = scan_day_month(x, at)) > 0)
        return used;
    return scan_quarter(x, at);
}

/* "1980s", "80s", "1980's"; returns the bytes used without saying it. */
static size_t decade_size(const struct norm *x, size_t at, const char **digits, size_t *size)
{
    size_t quote = norm_char(x, at) == '\'';
    *size = norm_digits(x, at + quote);
    *digits = x->text + at + quote;
    size_t end = at + quote + *size;
    size_t apostrophe = norm_char(x, end) == '\'';
    uint32_t value = number_value(*digits, *size);
    bool fits = *size == 2 ? value >= 20 || quote : *size == 4 && value >= 1000 && value < 2200 && quote == 0;
    if (!fits || (*digits)[*size - 1] != '0' || norm_char(x, end + apostrophe) != 's' ||
        !norm_is_border(x, end + apostrophe + 1))
        return 0;
    return end + apostrophe + 1 - at;
}

/* "100s of", "1000s": not counted exactly. */
static size_t scan_many(struct norm *x, size_t at)
{
    static const char *const words[][2] = {
        {"10s of", "tens"}, {"100s of", "hundreds"}, {"1000s", "thousands"}, {"1000s of", "thousands"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (norm_word(x, at, words[i][0]) == 0)
            continue;
        size_t n = norm_digits(x, at) + 1;
        norm_range(x, at, at + n, "number");
        norm_say(x, words[i][1]);
        return n;
    }
    return 0;
}

size_t scan_decade(struct norm *x, size_t at)
{
    size_t many = scan_many(x, at);
    if (many > 0)
        return many;
    const char *digits;
    size_t size, used = decade_size(x, at, &digits, &size);
    if (used == 0 ||
        (size == 2 && x->text[at] != '\'' &&
         norm_previous_in(x,
                          "in|for|to|after|within|than|every|took|takes|timeout|of|at|about|under|over|last|"
                          "lasted|ran|wait|waited|by|only|is|was|another|plus|minus")))
        return 0; /* "in 30s" are seconds */
    norm_range(x, at, at + used, "decade");
    say_decade(x, digits, size);
    size_t dash = norm_dash(x, at + used);
    size_t other = dash == 0 ? 0 : decade_size(x, at + used + dash, &digits, &size);
    if (other > 0) {
        norm_range(x, at + used, at + used + dash + other, "decade");
        norm_say(x, "to");
        say_decade(x, digits, size);
        used += dash + other;
    }
    return used;
}

bool scan_date_as(struct norm *x, size_t at, size_t end, const char *format)
{
    const char *parts[3] = {NULL, NULL, NULL}; /* year, month, day */
    if (*format == '\0' && norm_digits(x, at) == 8)
        format = "ymd";
    size_t sizes[3] = {0}, count = strlen(format);
    bool joined = count > 1 && norm_digits(x, at) == end - at; /* "20200912" */
    bool long_year = joined && strchr(format, 'y') != NULL && end - at == 2 * count + 2;
    if (joined && !long_year && end - at != 2 * count)
        return false;
    for (; *format != '\0'; format++) {
        int part = *format == 'y' ? 0 : *format == 'm' ? 1 : 2;
        while (at < end && !char_is_digit(x->text[at]))
            at++;
        size_t n = joined ? part == 0 && long_year ? 4 : 2 : norm_digits(x, at);
        if (n == 0 || at + n > end || parts[part] != NULL)
            return false;
        parts[part] = x->text + at;
        sizes[part] = n;
        at += n;
    }
    uint32_t month = number_value(parts[1], sizes[1]), day = number_value(parts[2], sizes[2]);
    if (at != end || (parts[1] != NULL && (month < 1 || month > 12)) ||
        (parts[2] != NULL && (day < 1 || day > 31)))
        return false;
    size_t begin = end;
    for (size_t i = 0; i < 3; i++)
        if (parts[i] != NULL && (size_t)(parts[i] - x->text) < begin)
            begin = (size_t)(parts[i] - x->text);
    norm_range(x, begin, end, "say-as date");
    if (parts[1] != NULL && parts[2] != NULL)
        say_day_month(x, parts[2], sizes[2], month, x->british);
    else if (parts[1] != NULL)
        norm_say(x, months[month - 1]);
    else if (parts[2] != NULL)
        say_ordinal(x, parts[2], sizes[2]);
    if (parts[0] != NULL)
        sizes[0] == 2 ? say_two(x, parts[0], true) : say_year(x, parts[0], sizes[0]);
    return begin < end;
}
