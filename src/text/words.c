/* words.c: what begins with a letter: words as they are written, lengthened, laughed, stuttered or joined by hyphens, the
 * names of program text, and where a word begins something else. */
#include <string.h>

#include "text/norm.h"

/* The size of the word at `at`: letters, and apostrophes and hyphens between letters. */
static size_t word_size(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size) {
        char c = x->text[end];
        if (char_is_alpha(c)) {
            end++;
        } else if (char_is_wide(c)) {
            if (norm_is_sign(x, end))
                break;
            end++;
        } else if (c == '\'' && end > at && end + 1 < x->size &&
                   (char_is_alpha(x->text[end + 1]) ||
                    (char_is_wide(x->text[end + 1]) && !norm_is_sign(x, end + 1)))) {
            end++;
        } else {
            break;
        }
    }
    return end - at;
}

/* Words that are written with a double letter, for undoing lengthening: "gooood" is "good", "sooo" is "so". */
static bool has_double(const char *word, size_t size)
{
    return norm_in(
        word, size,
        "good|cool|soon|too|look|need|sweet|feel|see|free|sleep|really|hello|well|all|will|tell|call|hmm|shh|"
        "grr|brr|psst|mmm|aah|ooh|eek|boo|wee|whee|woo|yoo|hoo|bee|week|keep|deep|been|off|stuff|yell|full|"
        "sorry|happy|pretty|funny|mommy|daddy|daddy|silly|finally|totally|kidding|book|food|mood|room|zoom|"
        "pff|pfft|zzz|tsk|ahh|ohh|uhh|ugh|eww|aww|oww|err|umm|phew|whoo|coffee|please|speed|freak|weed");
}

/* A word in which a letter stands three times or more in a row: says it in its usual spelling. */
static bool say_lengthened(struct norm *x, const char *word, size_t size)
{
    char twice[64], once[64];
    size_t run = 0, two = 0, one = 0;
    bool lengthened = false;
    if (size > sizeof twice || size < 3)
        return false;
    for (size_t i = 0; i < size; i++) {
        run = i > 0 && char_lower(word[i]) == char_lower(word[i - 1]) ? run + 1 : 1;
        lengthened |= run == 3;
        if (run <= 2) {
            twice[two++] = word[i];
            once[one++] = word[i];
        }
        one -= run == 3; /* the "ll" of "hellooo" stays */
    }
    if (!lengthened || char_is_wide(word[0]) ||
        norm_in(word, size, "www|iii|viii|xxx|aaa|ccc|xiii|xviii|xxxi|zzz|mmm|ieee|ppp|bbb|fff|sss"))
        return false;
    x->note = "lengthened word";
    if (has_double(twice, two))
        norm_say_text(x, twice, two);
    else
        norm_say_text(x, once, one);
    return true;
}

/* "hahaha", "hehehe", "bwahahah", "ahahaha": one word a syllable. */
static bool say_laughter(struct norm *x, const char *word, size_t size)
{
    size_t begin = 0, end = size;
    while (begin < end && begin < 4 && char_lower(word[begin]) != 'h')
        begin++;
    if (end - begin < 4 || char_lower(word[begin]) != 'h' ||
        strchr("aeio", char_lower(word[begin + 1])) == NULL)
        return false;
    end -= (end - begin) % 2 == 1 && char_lower(word[end - 1]) == 'h'; /* "hahah" */
    for (size_t i = begin; i < end; i++)
        if (char_lower(word[i]) != char_lower(word[begin + (i - begin) % 2]))
            return false;
    if ((end - begin) % 2 != 0 || (begin == 0 && end - begin < 6) ||
        (begin > 0 && !norm_in(word, begin, "a|ba|bw|bwa|mua|mw|mwa|wa|aa")))
        return false;
    x->note = "laughter";
    if (begin > 0)
        norm_say(x, char_lower(word[0]) == 'a' ? "ah" : char_lower(word[0]) == 'w' ? "wah" : "bwah");
    for (size_t i = begin; i < end; i += 2)
        norm_say_text(x, word + i, 2);
    return true;
}

void say_word(struct norm *x, size_t at, size_t size)
{
    norm_range(x, at, at + size, NULL);
    const char *word = x->text + at;
    if (size > 2 && size < 7 && char_is_upper(word[0]) &&
        (char_is_upper(word[2]) || char_is_upper(word[1])) && scan_formula(x, at) > 0)
        return;
    bool triple = false;
    for (size_t i = 2; i < size && !triple; i++)
        triple = word[i] == word[i - 1] && word[i] == word[i - 2] && char_is_alpha(word[i]);
    if (triple && say_lengthened(x, word, size))
        return;
    if (size >= 5 && strchr("habwmHABWM", word[0]) != NULL && say_laughter(x, word, size))
        return;
    norm_add(x, TOKEN_WORD, ORIGIN_TEXT, word, size);
}

/* In program text: "parseJsonFile" as "parse Json File". */
static void say_identifier(struct norm *x, size_t at, size_t size)
{
    size_t from = at;
    for (size_t i = at + 1; i <= at + size; i++) {
        bool border = i == at + size || (char_is_upper(x->text[i]) && char_is_lower(x->text[i - 1])) ||
                      (i + 1 < at + size && char_is_upper(x->text[i]) && char_is_upper(x->text[i - 1]) &&
                       char_is_lower(x->text[i + 1]));
        if (!border)
            continue;
        say_word(x, from, i - from);
        from = i;
    }
}

/* Whether the letters [at, at + size) begin the word at `other`, which goes on after them. */
static bool begins_word(const struct norm *x, size_t at, size_t size, size_t other)
{
    for (size_t i = 0; i < size; i++)
        if (char_lower(norm_char(x, other + i)) != char_lower(x->text[at + i]))
            return false;
    return char_is_lower(norm_char(x, other + size));
}

/* "b-b-but", "kn-know", "wha-wha-what": the beginnings before the word are not said. Returns their size with the hyphens. A
 * single beginning with a vowel in it may be a word ("re-read", "no-nonsense"). Only so many are looked at, since what turns
 * out to be none is looked at again from its second letter on. */
static size_t stutter_size(const struct norm *x, size_t at)
{
    enum { MOST_TIMES = 16 };
    size_t n = norm_letters(x, at), end = at, times = 0;
    bool vowel = false;
    if (n == 0 || n > 4 || norm_char(x, at + n) != '-')
        return 0;
    for (size_t i = at; i < at + n; i++)
        vowel |= strchr("aeiou", char_lower(x->text[i])) != NULL;
    if (n == 1 && strchr("xe", char_lower(x->text[at])) != NULL)
        return 0;
    vowel = vowel && n > 1;
    while (times < MOST_TIMES && norm_letters(x, end) == n && norm_char(x, end + n) == '-' &&
           (end == at || !begins_word(x, at, n, end))) {
        for (size_t i = 0; i < n; i++)
            if (char_lower(x->text[end + i]) != char_lower(x->text[at + i]))
                return 0;
        end += n + 1;
        times++;
    }
    bool word = begins_word(x, at, n, end) && norm_word(x, end, "test") + norm_word(x, end, "tests") == 0;
    return word && (!vowel || times > 1) ? end - at : 0;
}

/* Continues a word over hyphens as long as letters follow: "well-known", "state-of-the-art". */
static size_t compound_size(const struct norm *x, size_t at, size_t size)
{
    size_t end = at + size;
    while (norm_char(x, end) == '-' && (char_is_alpha(norm_char(x, end + 1))) && end - at < 100) {
        size_t n = word_size(x, end + 1);
        char after = norm_char(x, end + 1 + n);
        if (char_is_digit(after) || after == '.' || after == '@' || after == '/' || n == 1)
            break;
        end += 1 + n;
    }
    return end - at;
}

/* "file(s)", "box(es)": the plural is said. Returns the bytes used. */
static size_t take_plural(struct norm *x, size_t at, size_t size)
{
    char plural[64];
    size_t ending = norm_literal(x, at + size, "(s)") > 0    ? 1
                    : norm_literal(x, at + size, "(es)") > 0 ? 2
                                                             : 0;
    size_t used = size + ending + 2;
    if (ending == 0 || size < 2 || size + ending > sizeof plural || !norm_wants(x, LT_TEXT_PLURALS) ||
        !norm_is_border(x, at + used))
        return 0;
    memcpy(plural, x->text + at, size);
    memcpy(plural + size, x->text + at + size + 1, ending);
    norm_range(x, at, at + used, "optional plural");
    norm_say_text(x, plural, size + ending);
    return used;
}

/* A roman numeral, or a sum of money that begins with a currency's code. */
static size_t take_numeral(struct norm *x, size_t at, size_t size)
{
    size_t used;
    char first = x->text[at];
    if (char_is_upper(first)) {
        size_t stem = size > 2 && x->text[at + size - 2] == '\'' ? size - 2 : size; /* "Elizabeth II's" */
        if ((used = scan_roman(x, at, stem)) > 0 || (used = scan_roman_ordinal(x, at, size)) > 0)
            return used;
        return scan_money(x, at);
    }
    return size <= 5 && (first == 'i' || first == 'v' || first == 'x') ? scan_roman(x, at, size) : 0;
}

/* Letters with other signs that make a name together: "U+1F600", "Fe2O3", "A320", "AT&T". */
static size_t take_name(struct norm *x, size_t at, size_t size)
{
    size_t used;
    char next = norm_char(x, at + size);
    if (size == 1 && next == '+' && (used = scan_serial(x, at)) > 0)
        return used;
    if (char_is_upper(x->text[at]) && (char_is_digit(next) || next == '(' || char_is_wide(next)) &&
        (used = scan_formula(x, at)) > 0)
        return used;
    if ((char_is_digit(next) || (next == '-' && char_is_digit(norm_char(x, at + size + 1)))) &&
        (used = scan_serial(x, at)) > 0)
        return used;
    if ((next != '&' && (at == 0 || x->text[at - 1] != '&')) || size > 3 || !norm_is_capitals(x, at, size))
        return 0;
    norm_range(x, at, at + size, "initials");
    norm_say_letters(x, x->text + at, size);
    return size;
}

/* Whether the apostrophe after a word belongs to it ("dogs'", "runnin'", "ol'") and closes no quotation. */
static bool is_elided(const struct norm *x, size_t at, size_t size)
{
    char last = x->text[at + size - 1];
    return norm_char(x, at + size) == '\'' && x->text_after_quote == NULL &&
           norm_is_border(x, at + size + 1) &&
           (last == 's' || last == 'z' || (last == 'n' && size > 3 && x->text[at + size - 2] == 'i') ||
            norm_in(x->text + at, size, "ol|lil|mo|th|an|o|wi|tha"));
}

/* A letter begins at `at`. */
size_t scan_word(struct norm *x, size_t at)
{
    size_t size = word_size(x, at), used;
    if (size == 0) { /* a letter-like sign beyond ASCII */
        return 0;
    }
    char next = norm_char(x, at + size);
    if (size == 1 && char_lower(x->text[at]) == 'x' && next == ' ' && char_is_digit(norm_char(x, at + 2)) &&
        norm_previous_in(
            x, "feet|foot|inches|inch|centimeters|millimeters|meters|yards|half|quarter|quarters")) {
        norm_range(x, at, at + 1, "dimensions");
        norm_say(x, "by");
        return 1;
    }
    if (x->in_code) {
        if (strchr(".:/@", next) != NULL && (used = scan_electronic(x, at, size)) > 0)
            return used;
        say_identifier(x, at, size);
        return size;
    }
    if (next == ' ' || next == ',' || next == '\n') { /* by far the most words */
        if ((used = scan_month_date(x, at, size)) == 0 && (used = scan_abbreviation(x, at, size)) == 0 &&
            (used = take_numeral(x, at, size)) == 0)
            say_word(x, at, used = size);
        return used;
    }
    if (next == '(' && (used = take_plural(x, at, size)) > 0)
        return used;
    if (norm_dash(x, at + size) > 0 && (used = scan_calendar_range(x, at, size)) > 0)
        return used;
    if (next == '-' && (used = stutter_size(x, at)) > 0) {
        norm_drop(x, at, at + used, "stutter");
        return used;
    }
    if ((used = scan_electronic(x, at, size)) > 0 || (used = scan_month_date(x, at, size)) > 0 ||
        (used = scan_abbreviation(x, at, size)) > 0 || (used = take_numeral(x, at, size)) > 0 ||
        (used = take_name(x, at, size)) > 0)
        return used;
    if (next == '-')
        size = compound_size(x, at, size);
    size += is_elided(x, at, size);
    say_word(x, at, size);
    return size;
}
