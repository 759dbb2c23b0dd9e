/* times.c: times of day and durations. */
#include <string.h>

#include "text/norm.h"

/* What was read of a time. */
struct time {
    const char *hour, *minute, *second; /* minute and second: two digits or NULL */
    const char *fraction;               /* of the second: digits or NULL */
    size_t fraction_size;
    size_t hour_size;
    char half;   /* 'a', 'p' or 0 */
    size_t size; /* bytes, without the time zone */
    bool stop;   /* the point after "p.m." is among them */
};

/* "am", "a.m.", "P.M." at `at`: the bytes it takes, 0 when it is none. */
static size_t half_size(const struct norm *x, size_t at, struct time *time)
{
    char half = char_lower(norm_char(x, at));
    if (half != 'a' && half != 'p')
        return 0;
    if (time->minute != NULL && norm_is_border(x, at + 1) && norm_char(x, at + 1) != '.') {
        time->half = half; /* "6:02a" */
        return 1;
    }
    size_t dot = norm_char(x, at + 1) == '.';
    if (dot > 0 && norm_char(x, at + 2) == ' ' && norm_literal(x, at + 3, "m.") > 0)
        dot = 2; /* "a. m." */
    if (char_lower(norm_char(x, at + 1 + dot)) != 'm')
        return 0;
    size_t n = 2 + dot;
    bool zone = dot > 0 && norm_char(x, at + n) == '.' && char_is_alpha(norm_char(x, at + n + 1));
    if (!norm_is_border(x, at + n) && !zone)
        return 0;
    time->half = half;
    time->stop = dot > 0 && norm_char(x, at + n) == '.';
    return n + time->stop;
}

static bool is_two(const struct norm *x, size_t at)
{
    return norm_digits(x, at) == 2 && x->text[at] < '6';
}

static bool read_time(const struct norm *x, size_t at, struct time *time)
{
    *time = (struct time){.hour = x->text + at};
    time->hour_size = norm_digits(x, at);
    uint32_t hour = number_value(time->hour, time->hour_size);
    if (time->hour_size == 0 || time->hour_size > 2 || hour > 24)
        return false;
    size_t end = at + time->hour_size;
    char sep = norm_char(x, end);
    if ((sep == ':' || sep == '.') && is_two(x, end + 1)) {
        time->minute = x->text + end + 1;
        end += 3;
        if (sep == ':' && norm_char(x, end) == ':' && is_two(x, end + 1)) {
            time->second = x->text + end + 1;
            end += 3;
            char point = norm_char(x, end);
            size_t n = point == '.' || point == ',' ? norm_digits(x, end + 1) : 0;
            if (n > 0 && n <= 9 && (point == '.' || n == 3)) { /* logs have "10:22:33,123" */
                time->fraction = x->text + end + 1;
                time->fraction_size = n;
                end += 1 + n;
            }
        }
    } else if (sep == 'h' && is_two(x, end + 1) && norm_is_border(x, end + 3)) { /* "19h30" */
        time->minute = x->text + end + 1;
        end += 3;
        sep = ':';
    }
    end += time->second != NULL && norm_char(x, end) == 'Z' && norm_is_border(x, end + 1); /* ISO 8601 */
    end += time->minute != NULL && norm_char(x, end) == 'h' && norm_is_border(x, end + 1); /* "19:00h" */
    size_t space = norm_spaces(x, end), half = space > 1 ? 0 : half_size(x, end + space, time);
    if (half > 0)
        end += space + half;
    time->size = end - at;
    if (half > 0)
        return hour <= 12 || time->minute != NULL;
    return time->minute != NULL && sep == ':' && norm_is_border(x, end) &&
           !(norm_char(x, end) == ':' && char_is_digit(norm_char(x, end + 1)));
}

static void say_count(struct norm *x, const char *digits, size_t size, const char *one, const char *many)
{
    say_cardinal(x, digits, size);
    norm_say(x, number_value(digits, size) == 1 ? one : many);
}

static void say_time(struct norm *x, const struct time *time)
{
    uint32_t hour = number_value(time->hour, time->hour_size);
    bool sharp = time->minute == NULL || number_is_zero(time->minute, 2);
    if (time->second != NULL) {
        say_count(x, time->hour, time->hour_size, "hour", "hours");
        say_count(x, time->minute, 2, "minute", "minutes");
        norm_say(x, "and");
        if (time->fraction != NULL) {
            say_cardinal(x, time->second, 2);
            norm_say(x, "point");
            say_digits(x, time->fraction, time->fraction_size);
            norm_say(x, "seconds");
        } else {
            say_count(x, time->second, 2, "second", "seconds");
        }
    } else if (sharp && time->half == 0 && hour == 0) {
        norm_say(x, "midnight");
    } else {
        say_cardinal(x, time->hour, time->hour_size);
        if (sharp && time->half == 0)
            norm_say(x, "o'clock");
        else if (!sharp)
            say_two(x, time->minute, true);
    }
    if (time->half != 0)
        norm_say_letters(x, time->half == 'a' ? "AM" : "PM", 2);
}

/* A time zone after a time: "EST", "e.s.t", "est"; says it and returns the bytes used. */
static size_t take_zone(struct norm *x, size_t at, bool stopped)
{
    static const char zones[] = "est|edt|cst|cdt|mst|mdt|pst|pdt|gmt|utc|bst|cet|cest|ist|jst|aest|et|pt|ct";
    size_t space = norm_spaces(x, at), end = at + space, n = 0;
    char letters[5];
    if (space > 1 || (space == 0 && !stopped))
        return 0;
    while (n < 4 && char_is_alpha(norm_char(x, end))) {
        letters[n++] = x->text[end++];
        if (norm_char(x, end) == '.' && char_is_alpha(norm_char(x, end + 1)))
            end++;
    }
    if (!norm_is_border(x, end) || !norm_in(letters, n, zones) || (n == 2 && char_is_lower(letters[0])))
        return 0;
    norm_range(x, at + space, end, "time zone");
    norm_say_letters(x, letters, n);
    return end - at;
}

/* Whether the point at the end of "p.m." also ends the sentence. */
static size_t keep_stop(struct norm *x, size_t end, const struct time *time)
{
    size_t next = end;
    while (next < x->size && (x->text[next] == ' ' || x->text[next] == '"' || x->text[next] == ')'))
        next++;
    return time->stop && next >= x->size ? 1 : 0;
}

/* "2h 15m 30s", "3m45s", "1d 4h": two parts or more, the larger first. */
static size_t scan_duration(struct norm *x, size_t at)
{
    static const struct {
        const char *written, *one, *many;
        int rank;
    } units[] = {
        {"d", "day", "days", 3},          {"h", "hour", "hours", 2},     {"hr", "hour", "hours", 2},
        {"hrs", "hour", "hours", 2},      {"m", "minute", "minutes", 1}, {"min", "minute", "minutes", 1},
        {"mins", "minute", "minutes", 1}, {"s", "second", "seconds", 0}, {"sec", "second", "seconds", 0},
        {"secs", "second", "seconds", 0},
    };
    struct {
        size_t at, digits, end, unit;
    } parts[4];
    size_t count = 0, end = at;
    for (int rank = 4; count < 4;) {
        size_t from = end + (count > 0 && norm_spaces(x, end) == 1), n = norm_digits(x, from), unit = 0;
        size_t word = from + n + (n > 0 && norm_spaces(x, from + n) == 1), letters = norm_letters(x, word);
        while (unit < sizeof units / sizeof *units && !norm_in(x->text + word, letters, units[unit].written))
            unit++;
        if (n == 0 || n > 4 || letters == 0 || unit == sizeof units / sizeof *units ||
            units[unit].rank >= rank)
            break;
        rank = units[unit].rank;
        end = word + letters;
        parts[count].at = from;
        parts[count].digits = n;
        parts[count].end = end;
        parts[count++].unit = unit;
    }
    if (count < 2 || !norm_is_border(x, end))
        return 0;
    for (size_t i = 0; i < count; i++) {
        norm_range(x, parts[i].at, parts[i].end, "duration");
        say_count(x, x->text + parts[i].at, parts[i].digits, units[parts[i].unit].one,
                  units[parts[i].unit].many);
    }
    return end - at;
}

/* "1:50,000", the scale of a map. */
static size_t scan_scale(struct norm *x, size_t at)
{
    struct number scale;
    if (norm_literal(x, at, "1:") == 0 || !number_read(x, at + 2, &scale) || !scale.separated)
        return 0;
    norm_range(x, at, at + 2 + scale.size, "ratio");
    say_cardinal(x, x->text + at, 1);
    norm_say(x, "to");
    say_number(x, &scale);
    return 2 + scale.size;
}

/* "1:2:3": three numbers or more. */
static size_t take_proportion(struct norm *x, size_t at)
{
    size_t ends[6], count = 0, end = at, n;
    while (count < 6 && (n = norm_digits(x, end)) > 0 && n <= 4) {
        end = ends[count++] = end + n;
        if (norm_char(x, end) != ':' || !char_is_digit(norm_char(x, end + 1)))
            break;
        end++;
    }
    if (count < 3 || end != ends[count - 1] || !norm_is_border(x, end))
        return 0;
    for (size_t i = 0, from = at; i < count; from = ends[i++] + 1) {
        norm_range(x, from, ends[i], "ratio");
        if (i > 0)
            norm_say(x, "to");
        say_cardinal(x, x->text + from, ends[i] - from);
    }
    return end - at;
}

/* "Psalm 23:4", "John 3:16-18", after the name of a book: chapter and verse. */
static size_t scan_verse(struct norm *x, size_t at)
{
    static const char books[] =
        "genesis|exodus|leviticus|numbers|deuteronomy|joshua|judges|ruth|samuel|kings|chronicles|ezra|"
        "nehemiah|esther|"
        "job|psalm|psalms|proverbs|ecclesiastes|isaiah|jeremiah|lamentations|ezekiel|daniel|hosea|joel|amos|"
        "obadiah|"
        "jonah|micah|nahum|habakkuk|zephaniah|haggai|zechariah|malachi|matthew|mark|luke|john|acts|romans|"
        "corinthians|galatians|ephesians|philippians|colossians|thessalonians|timothy|titus|philemon|hebrews|"
        "james|"
        "peter|jude|revelation|revelations|quran|surah";
    size_t a = norm_digits(x, at), from = at + a + 1, b = norm_digits(x, from), end = from + b;
    if (a == 0 || a > 3 || b == 0 || b > 3 || norm_char(x, at + a) != ':' || !norm_is_border(x, end) ||
        norm_char(x, end) == ':' || !norm_previous_in(x, books) ||
        !char_is_upper(x->out->pool.data[norm_last(x)->text]))
        return 0;
    struct time time;
    if (read_time(x, at, &time) && time.half != 0)
        return 0;
    norm_range(x, at, at + a, "chapter");
    say_cardinal(x, x->text + at, a);
    norm_range(x, from, end, "verse");
    say_cardinal(x, x->text + from, b);
    size_t dash = norm_dash(x, end), last = dash > 0 ? norm_digits(x, end + dash) : 0;
    if (last == 0 || last > 3 || !norm_is_border(x, end + dash + last))
        return end - at;
    norm_range(x, end, end + dash + last, "verses");
    norm_say(x, "to");
    say_cardinal(x, x->text + end + dash, last);
    return end + dash + last - at;
}

static size_t take_ratio(struct norm *x, size_t at)
{
    size_t proportion = take_proportion(x, at);
    if (proportion > 0)
        return proportion;
    size_t a = norm_digits(x, at), b = norm_digits(x, at + a + 1);
    if (a == 0 || a > 4 || b == 0 || b > 4 || norm_char(x, at + a) != ':' ||
        !norm_is_border(x, at + a + 1 + b) || norm_char(x, at + a + 1 + b) == ':')
        return 0;
    norm_range(x, at, at + a + 1 + b, "ratio");
    say_cardinal(x, x->text + at, a);
    size_t end = at + a + 1 + b, dash = norm_dash(x, end);
    size_t last = dash > 0 ? norm_digits(x, end + dash) : 0;
    if ((b != 2 || a > 2) && last == 0)
        norm_say(x, "to");
    if (b == 2)
        say_two(x, x->text + at + a + 1, true); /* "41:07" */
    else
        say_cardinal(x, x->text + at + a + 1, b);
    if (last == 0)
        return end - at;
    norm_range(x, end, end + dash + last, "verses"); /* "Matthew 5:3-12" */
    norm_say(x, "to");
    say_cardinal(x, x->text + end + dash, last);
    return end + dash + last - at;
}

/* "2-5pm", "10-11:30 a.m.": the first hour has no half of its own. */
static size_t scan_hours(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at), dash = norm_dash(x, at + n);
    uint32_t hour = number_value(x->text + at, n);
    struct time other;
    if (n == 0 || n > 2 || hour < 1 || hour > 12 || dash == 0 || !read_time(x, at + n + dash, &other) ||
        other.half == 0)
        return 0;
    norm_range(x, at, at + n + dash, "time");
    say_cardinal(x, x->text + at, n);
    norm_say(x, "to");
    size_t from = at + n + dash, end = from + other.size;
    norm_range(x, from, end, "time");
    say_time(x, &other);
    return end + take_zone(x, end, other.stop) - keep_stop(x, end, &other) - at;
}

/* "1:23.456", the time of a lap. */
static size_t scan_lap(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at), point = at + n + 3, digits = norm_digits(x, point + 1),
           end = point + 1 + digits;
    if (n == 0 || n > 2 || norm_char(x, at + n) != ':' || !is_two(x, at + n + 1) ||
        norm_char(x, point) != '.' || digits == 0 || digits > 3 || !norm_is_border(x, end))
        return 0;
    norm_range(x, at, end, "time");
    say_cardinal(x, x->text + at, n);
    say_two(x, x->text + at + n + 1, true);
    norm_say(x, "point");
    say_digits(x, x->text + point + 1, digits);
    return end - at;
}

/* "0530 hrs", "at 1400 hours", "23:00 hours". */
static size_t scan_military(struct norm *x, size_t at)
{
    const char *hour = x->text + at, *minute;
    size_t colon = norm_char(x, at + 2) == ':', size = 4 + colon, word = at + size + 1;
    if (colon ? norm_digits(x, at) != 2 || norm_digits(x, at + 3) != 2 : norm_digits(x, at) != 4)
        return 0;
    minute = hour + 2 + colon;
    size_t letters = norm_word(x, word, "hrs") + norm_word(x, word, "hours");
    if (norm_spaces(x, at + size) != 1 || letters == 0 || number_value(hour, 2) > 23 ||
        number_value(minute, 2) > 59 ||
        !(colon > 0 || *hour == '0' || norm_previous_in(x, "at|by|from|until|since|before|after") ||
          (letters == 3 && number_is_zero(minute, 2) && norm_word(x, word + 4, "of") == 0)))
        return 0;
    norm_range(x, at, at + size, "time");
    say_two(x, hour, true);
    if (number_is_zero(minute, 2))
        norm_say(x, "hundred");
    else
        say_two(x, minute, true);
    norm_say(x, "hours");
    return size + 1 + letters;
}

/* The numbers of [at, end) between ':' or the signs of minutes and seconds; four digits alone are two numbers. How many, 0
 * when there is something else. */
static size_t read_parts(const struct norm *x, size_t at, size_t end, const char *parts[3], size_t sizes[3])
{
    size_t count = 0;
    if (norm_digits(x, at) == 4 && at + 4 == end) {
        parts[0] = x->text + at;
        parts[1] = parts[0] + 2;
        sizes[0] = sizes[1] = 2;
        return 2;
    }
    while (at < end && count < 3) {
        size_t n = norm_digits(x, at);
        if (n == 0 || n > 4)
            return 0;
        parts[count] = x->text + at;
        sizes[count++] = n;
        at += n;
        at += at < end && strchr(":'\"", x->text[at]) != NULL;
    }
    return at == end ? count : 0;
}

bool scan_time_as(struct norm *x, size_t at, size_t end, const char *format, bool duration)
{
    static const char *const units[3][2] = {{"hour", "hours"}, {"minute", "minutes"}, {"second", "seconds"}};
    const char *parts[3];
    size_t sizes[3], count = read_parts(x, at, end, parts, sizes);
    bool primes = memchr(x->text + at, '\'', end - at) != NULL; /* 1'21" */
    if (count == 0)
        return false;
    size_t first = primes || *format == 'm' ? 1 : *format == 's' ? 2 : 0;
    norm_range(x, at, end, "say-as time");
    if (duration || first > 0 || count == 3) {
        if (first + count > 3)
            return false;
        for (size_t i = 0; i < count; i++) {
            if (i == 2)
                norm_say(x, "and");
            say_count(x, parts[i], sizes[i], units[first + i][0], units[first + i][1]);
        }
        return true;
    }
    struct time time = {.hour = parts[0], .hour_size = sizes[0], .minute = count > 1 ? parts[1] : NULL};
    if (number_value(parts[0], sizes[0]) > 24 || (count > 1 && sizes[1] != 2))
        return false;
    say_time(x, &time);
    return true;
}

size_t scan_time(struct norm *x, size_t at)
{
    struct time time;
    size_t used = scan_verse(x, at);
    if (used > 0 || (used = scan_hours(x, at)) > 0 || (used = scan_duration(x, at)) > 0 ||
        (used = scan_scale(x, at)) > 0 || (used = scan_military(x, at)) > 0 || (used = scan_lap(x, at)) > 0)
        return used;
    if (!read_time(x, at, &time))
        return take_ratio(x, at);
    size_t end = at + time.size, from = end + norm_spaces(x, end), dash = norm_dash(x, from);
    size_t to = from + dash + norm_spaces(x, from + dash);
    struct time other;
    norm_range(x, at, end, "time");
    if (dash > 0 && time.half == 0 && time.second == NULL && number_is_zero(time.minute, 2) &&
        read_time(x, to, &other) && other.half != 0)
        say_cardinal(x, time.hour, time.hour_size); /* "10:00-11:00 a.m." has its half behind */
    else
        say_time(x, &time);
    size_t zone = take_zone(x, end, time.stop);
    if (zone > 0)
        return time.size + zone;
    if (dash > 0 && norm_word(x, to, "noon") + norm_word(x, to, "midnight") > 0) {
        norm_range(x, from, from + dash, "time"); /* "8 a.m.-noon" */
        norm_say(x, "to");
        return from + dash - at;
    }
    if (dash > 0 && read_time(x, to, &other)) {
        norm_range(x, from, from + dash, "time");
        norm_say(x, "to");
        norm_range(x, to, to + other.size, "time");
        say_time(x, &other);
        end = to + other.size;
        return end + take_zone(x, end, other.stop) - keep_stop(x, end, &other) - at;
    }
    return time.size - keep_stop(x, end, &time);
}
