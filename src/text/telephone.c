/* telephone.c: telephone and other numbers that are said digit by digit in groups. */
#include <string.h>

#include "text/norm.h"

enum { GROUP_LIMIT = 8 };

/* Groups of digits (or letters, "1-800-FLOWERS") of a number. */
struct groups {
    size_t begin[GROUP_LIMIT], size[GROUP_LIMIT];
    size_t count, end;
    bool plus;
};

static void say_groups(struct norm *x, const struct groups *groups)
{
    if (groups->plus) {
        norm_range(x, groups->begin[0] - 1, groups->begin[0], "telephone number");
        norm_say(x, "plus");
    }
    for (size_t i = 0; i < groups->count; i++) {
        const char *text = x->text + groups->begin[i];
        size_t size = groups->size[i];
        norm_range(x, groups->begin[i], groups->begin[i] + size, "telephone number");
        if (!char_is_digit(*text))
            norm_say_text(x, text, size);
        else if (size == 3 && text[1] == '0' && text[2] == '0' && i < 2 && *text != '0')
            say_cardinal(x, text, size);
        else
            say_digits(x, text, size);
        bool letters =
            i + 1 < groups->count && !char_is_digit(*text) && !char_is_digit(x->text[groups->begin[i + 1]]);
        if (i + 1 < groups->count && !letters) {
            norm_range(x, groups->begin[i] + size, groups->begin[i + 1], "telephone number");
            norm_mark(x, ",");
            norm_space_after(x);
        }
    }
}

/* Reads groups of digits separated by one of - . or a space (and brackets around the first). */
static void read_groups(const struct norm *x, size_t at, struct groups *groups)
{
    *groups = (struct groups){.end = at};
    groups->plus = norm_char(x, at) == '+';
    at += groups->plus;
    while (groups->count < GROUP_LIMIT) {
        size_t bracket = norm_char(x, at) == '(', digits = norm_digits(x, at + bracket);
        if (digits == 0 || digits > 10 ||
            (bracket > 0 && (norm_char(x, at + 1 + digits) != ')' || digits > 4)))
            break;
        groups->begin[groups->count] = at + bracket;
        groups->size[groups->count++] = digits;
        at += digits + 2 * bracket;
        groups->end = at;
        char sep = norm_char(x, at);
        if (sep == '-' || sep == '.' || sep == ' ')
            at++;
        else if (bracket == 0 && sep != '(')
            break;
        if (norm_char(x, at) == ' ' && bracket > 0)
            at++;
    }
}

static bool sizes_are(const struct groups *groups, const char *sizes)
{
    if (strlen(sizes) != groups->count)
        return false;
    for (size_t i = 0; i < groups->count; i++)
        if (groups->size[i] != (size_t)(sizes[i] - '0'))
            return false;
    return true;
}

/* Whether all groups are separated by `sep`. */
static bool separated_by(const struct norm *x, const struct groups *groups, char sep)
{
    for (size_t i = 1; i < groups->count; i++)
        if (x->text[groups->begin[i] - 1] != sep)
            return false;
    return true;
}

/* "1-800-GO-U-HAUL": letters after the prefix. */
static size_t scan_vanity(struct norm *x, size_t at)
{
    struct groups groups = {.count = 2, .begin = {at, at + 2}, .size = {1, 3}};
    if (norm_literal(x, at, "1-8") == 0 || norm_digits(x, at + 2) != 3 || norm_char(x, at + 5) != '-')
        return 0;
    bool letters = false;
    size_t end = at + 5;
    while (groups.count < GROUP_LIMIT && norm_char(x, end) == '-') {
        size_t n = norm_letters(x, end + 1);
        letters |= n > 0;
        n = n > 0 ? n : norm_digits(x, end + 1);
        if (n == 0)
            break;
        groups.begin[groups.count] = end + 1;
        groups.size[groups.count++] = n;
        end += 1 + n;
    }
    if (!letters || !norm_is_border(x, end))
        return 0;
    say_groups(x, &groups);
    return end - at;
}

static bool is_telephone(const struct norm *x, const struct groups *groups, size_t at)
{
    static const char *const shapes[] = {"334",   "3344", "1334", "11334", "2334", "34",
                                         "44444", "4444", "324",  "33334", "54"};
    bool dashes = separated_by(x, groups, '-'), dots = separated_by(x, groups, '.');
    bool bracket = x->text[at] == '(' || memchr(x->text + at, '(', groups->end - at) != NULL;
    size_t digits = 0;
    for (size_t i = 0; i < groups->count; i++)
        digits += groups->size[i];
    if (digits >= 6 && (dashes || separated_by(x, groups, ' ')) && norm_recent_in(x, "otp|code|passcode|pin"))
        return true;
    if (norm_recent_in(x, "fax|tel|phone|telephone") && bracket && digits >= 8)
        return true;
    if (norm_previous_in(x, "isbn|issn|iban|imei|ssn|ein|upc|number|tel|phone|fax|telephone|mobile|cell") &&
        digits >= 8 && (dashes || separated_by(x, groups, ' ')))
        return true;
    if (x->text[at] == '0' && separated_by(x, groups, ' ') && digits >= 9 && digits <= 11 &&
        groups->size[0] >= 2)
        return true; /* "020 7946 0958": the trunk prefix of most countries */
    if (groups->plus)
        return digits >= 7 && digits <= 15 && groups->count >= 2;
    if (x->text[at] == '(')
        return sizes_are(groups, "334");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (!sizes_are(groups, shapes[i]))
            continue;
        if (i == 6 || i == 7) /* card numbers */
            return dashes || separated_by(x, groups, ' ');
        if (i == 0 && groups->size[0] == 3 && separated_by(x, groups, ' '))
            return true; /* "123 123 5678" */
        return dashes || (dots && groups->count == 3) || (bracket && i < 4) ||
               (i == 0 && x->text[groups->begin[2] - 1] == '-');
    }
    return false;
}

size_t scan_telephone(struct norm *x, size_t at)
{
    if (!norm_wants(x, LT_TEXT_TELEPHONES))
        return 0;
    size_t used = scan_vanity(x, at);
    if (used > 0)
        return used;
    struct groups groups;
    read_groups(x, at, &groups);
    if (groups.count < 2 || !(norm_is_border(x, groups.end) || norm_char(x, groups.end) == 'x'))
        return 0;
    char next = norm_char(x, groups.end);
    if ((next == '-' || next == '/' || next == ':') && char_is_alnum(norm_char(x, groups.end + 1)))
        return 0;
    while (groups.count > 2 && !is_telephone(x, &groups, at)) { /* "123-4567 10 times": fewer groups may do */
        if (x->text[groups.begin[groups.count - 1] - 1] != ' ')
            return 0;
        groups.count--;
        groups.end = groups.begin[groups.count - 1] + groups.size[groups.count - 1];
    }
    if (!is_telephone(x, &groups, at))
        return 0;
    say_groups(x, &groups);
    size_t extension = groups.end + norm_spaces(x, groups.end);
    if (groups.count > 2 && norm_char(x, extension) == 'x' && norm_digits(x, extension + 1) > 0) { /* "x42" */
        size_t digits = norm_digits(x, extension + 1);
        norm_range(x, extension, extension + 1 + digits, "extension");
        norm_say(x, "extension");
        say_digits(x, x->text + extension + 1, digits);
        return extension + 1 + digits - at;
    }
    return groups.end - at;
}
