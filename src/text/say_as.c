/* say_as.c: what SSML's <say-as> asks for. */
#include "text/norm.h"

/* Each character by name: letters, digits, signs. */
static void say_characters(struct norm *x, size_t begin, size_t end)
{
    for (size_t at = begin; at < end;) {
        size_t n = char_is_wide(x->text[at]) ? 2 : 1;
        while (at + n < end && ((unsigned char)x->text[at + n] & 0xc0) == 0x80)
            n++;
        norm_range(x, at, at + n, "say-as characters");
        if (char_is_digit(x->text[at]))
            say_digits(x, x->text + at, 1);
        else if (char_is_alpha(x->text[at]))
            norm_say_letters(x, x->text + at, 1);
        else if (n > 1 && !norm_is_sign(x, at)) {
            struct token *token = norm_say_text(x, x->text + at, n);
            if (token != NULL)
                token->spell = true;
        } else if (x->text[at] != ' ' && x->text[at] != '\n' && !say_sign(x, at) && scan_symbol(x, at) == 0) {
            norm_drop(x, at, at + n, "sign without a name");
        }
        at += n;
    }
}

/* Digits one by one, with a pause between the groups of a telephone number; false when letters stand there. */
static bool say_single_digits(struct norm *x, size_t begin, size_t end, bool telephone)
{
    if (telephone && scan_telephone(x, begin) == end - begin)
        return true;
    for (size_t i = begin; i < end; i++)
        if (char_is_alpha(x->text[i]) || char_is_wide(x->text[i]))
            return false;
    for (size_t i = begin; i < end; i++) {
        norm_range(x, i, i + 1, "say-as digits");
        if (char_is_digit(x->text[i]))
            say_digits(x, x->text + i, 1);
        else if (x->text[i] == '+')
            norm_say(x, "plus");
        else if (i > begin && char_is_digit(x->text[i - 1]) && telephone)
            norm_mark(x, ",");
    }
    return true;
}

/* A number in words; false when the text is none. */
static bool say_as_number(struct norm *x, size_t begin, size_t end, bool ordinal)
{
    struct number number;
    size_t digits = norm_digits(x, begin);
    norm_range(x, begin, end, ordinal ? "say-as ordinal" : "say-as number");
    if (scan_roman_as(x, begin, end, ordinal))
        return true;
    if (ordinal ? digits == 0 || digits > NUMBER_DIGITS || begin + digits != end
                : !number_read(x, begin, &number) || begin + number.size != end)
        return false;
    if (ordinal)
        say_ordinal(x, x->text + begin, digits);
    else
        say_number(x, &number);
    return true;
}

size_t scan_say_as(struct norm *x, const struct span *span)
{
    size_t at = span->begin, size = span->end - at, n = norm_digits(x, at);
    size_t last = span->end;
    while (last > at && x->text[last - 1] == ' ')
        last--;
    struct number number;
    switch (span->how.say_as) {
    case SAY_CHARACTERS:
        say_characters(x, at, last);
        return size;
    case SAY_DIGITS:
    case SAY_TELEPHONE:
        return say_single_digits(x, at, last, span->how.say_as == SAY_TELEPHONE) ? size : 0;
    case SAY_CARDINAL:
    case SAY_UNIT:
    case SAY_ORDINAL:
        return say_as_number(x, at, last, span->how.say_as == SAY_ORDINAL) ? size : 0;
    case SAY_EXPLETIVE:
        norm_range(x, at, last, "say-as expletive");
        norm_say(x, "beep");
        return size;
    case SAY_DATE: {
        bool bare = span->how.format[0] == '\0' && n > 0 && n <= 2 && norm_char(x, at + n) == '/' &&
                    norm_digits(x, at + n + 1) == last - at - n - 1; /* "3/4" */
        const char *format = !bare ? span->how.format : x->british ? "dm" : "md";
        return scan_date_as(x, at, last, format) ? size : 0;
    }
    case SAY_TIME:
    case SAY_DURATION:
        return scan_time_as(x, at, last, span->how.format, span->how.say_as == SAY_DURATION) ? size : 0;
    case SAY_FRACTION:
        if (n == 0 || n > NUMBER_DIGITS || norm_char(x, at + n) != '+' || at + n + 1 >= last)
            return 0;
        norm_range(x, at, at + n + 1, "say-as fraction"); /* "3+1/2" */
        say_cardinal(x, x->text + at, n);
        norm_say(x, "and");
        return n + 1;
    case SAY_CURRENCY:
        if (!number_read(x, at, &number) || at + number.size != last)
            return 0;
        norm_range(x, at, last, "say-as currency"); /* of what is not said: an amount, no year */
        say_number(x, &number);
        return size;
    case SAY_NONE:
    default:
        return 0; /* it is told by its form */
    }
}
