/* normalize.c: the dispatcher of normalisation: walks over a sentence, keeps words and punctuation, and hands everything
 * else to the family that knows it (numbers.c, dates.c, money.c ...). See norm.h. */
#include "text/normalize.h"

#include <string.h>

#include "base/utf8.h"
#include "text/norm.h"

/* ---- Saying ---- */

static struct token *add(struct norm *x, enum token_kind kind, enum token_origin origin, const char *text,
                         size_t size)
{
    struct token token = {.kind = (uint8_t)kind, .origin = (uint8_t)origin, .note = x->note};
    const struct place *places = x->sentence->clean.places;
    size_t begin = x->begin < x->size ? x->begin : x->size - 1;
    size_t end = x->end > begin ? x->end : begin + 1;
    token.source_begin = place_position(places[begin].begin, x->sentence->reference);
    token.source_end = place_position(places[end - 1].end, x->sentence->reference);
    if (kind == TOKEN_WORD && x->begin < x->stress_end) {
        token.has_stress = true;
        token.stress = x->stress;
    }
    for (size_t i = x->out->count; kind == TOKEN_WORD && i > x->first; i--) { /* words are always apart */
        struct token *last = &x->out->items[i - 1];
        if (last->kind == TOKEN_WORD)
            last->space_after = true;
        if (last->kind != TOKEN_DROPPED)
            break;
    }
    return tokens_add(x->out, &token, text, size);
}

struct token *norm_say_text(struct norm *x, const char *word, size_t size)
{
    return add(x, TOKEN_WORD, ORIGIN_NORMALIZED, word, size);
}

struct token *norm_say(struct norm *x, const char *word)
{
    return norm_say_text(x, word, strlen(word));
}

void norm_say_letters(struct norm *x, const char *letters, size_t size)
{
    char upper[32];
    size_t n = 0;
    for (size_t i = 0; i < size && n < sizeof upper; i++)
        if (char_is_alpha(letters[i]))
            upper[n++] = char_upper(letters[i]);
    struct token *token = n == 0 ? NULL : norm_say_text(x, upper, n);
    if (token != NULL)
        token->spell = true;
}

void norm_say_given(struct norm *x, const char *word, size_t size, const char *phonemes, size_t phonemes_size)
{
    struct token *token = add(x, TOKEN_WORD, ORIGIN_GIVEN, word, size);
    if (token == NULL)
        return;
    token->phonemes = (uint32_t)x->out->pool.length;
    token->phonemes_size = (uint32_t)phonemes_size;
    token->phoneme_origin = PHONEMES_GIVEN;
    str_append(&x->out->pool, phonemes, phonemes_size);
}

void norm_say_words(struct norm *x, const char *words)
{
    while (*words != '\0') {
        size_t n = strcspn(words, " ");
        norm_say_text(x, words, n);
        words += n + (words[n] == ' ');
    }
}

void norm_mark(struct norm *x, const char *mark)
{
    add(x, TOKEN_PUNCTUATION, ORIGIN_TEXT, mark, strlen(mark));
}

static void drop(struct norm *x, size_t begin, size_t end, const char *reason)
{
    norm_range(x, begin, end, reason);
    struct token *last = x->out->count > x->first ? &x->out->items[x->out->count - 1] : NULL;
    bool space = last != NULL && last->space_after;
    struct token *token = add(x, TOKEN_DROPPED, ORIGIN_TEXT, x->text + begin, end - begin);
    if (token != NULL)
        token->space_after = space;
}

/* White space follows what was said last. What is dropped after it takes its space over, so the first that has one ends the
 * way back. */
static void add_space(struct norm *x)
{
    for (size_t i = x->out->count; i > x->first && !x->out->items[i - 1].space_after; i--) {
        struct token *token = &x->out->items[i - 1];
        token->space_after = true;
        if (token->kind != TOKEN_DROPPED)
            break;
    }
}

/* ---- Looking ---- */

size_t norm_digits(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && char_is_digit(x->text[end]))
        end++;
    return end - at;
}

size_t norm_letters(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && char_is_alpha(x->text[end]))
        end++;
    return end - at;
}

size_t norm_spaces(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size && x->text[end] == ' ')
        end++;
    return end - at;
}

size_t norm_literal(const struct norm *x, size_t at, const char *literal)
{
    size_t n = 0;
    for (; literal[n] != '\0'; n++)
        if (at + n >= x->size || char_lower(x->text[at + n]) != literal[n])
            return 0;
    return n;
}

size_t norm_word(const struct norm *x, size_t at, const char *literal)
{
    size_t n = norm_literal(x, at, literal);
    return n > 0 && norm_is_border(x, at + n) ? n : 0;
}

bool norm_in(const char *word, size_t size, const char *words)
{
    while (size > 0 && *words != '\0') {
        size_t n = 0;
        while (n < size && words[n] != '\0' && words[n] != '|' && char_lower(word[n]) == words[n])
            n++;
        if (n == size && (words[n] == '|' || words[n] == '\0'))
            return true;
        const char *bar = strchr(words, '|');
        if (bar == NULL)
            return false;
        words = bar + 1;
    }
    return false;
}

bool norm_previous_in(const struct norm *x, const char *words)
{
    for (size_t i = x->out->count; i > x->first; i--) {
        const struct token *token = &x->out->items[i - 1];
        if (token->kind == TOKEN_WORD)
            return norm_in(x->out->pool.data + token->text, token->text_size, words);
        if (token->kind != TOKEN_DROPPED)
            return false;
    }
    return false;
}

bool norm_recent_in(const struct norm *x, const char *words)
{
    size_t seen = 0;
    for (size_t i = x->out->count; i > x->first && seen < 3; i--) {
        const struct token *token = &x->out->items[i - 1];
        if (token->kind != TOKEN_WORD)
            continue;
        seen++;
        if (norm_in(x->out->pool.data + token->text, token->text_size, words))
            return true;
    }
    return false;
}

const char *norm_find(const struct norm_entry *table, size_t count, const char *key, size_t size)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *entry = table[middle].key;
        int order = 0;
        size_t i = 0;
        for (; i < size && order == 0; i++)
            order = entry[i] == '\0' ? 1 : (int)(unsigned char)key[i] - (int)(unsigned char)entry[i];
        if (order == 0 && entry[size] == '\0')
            return table[middle].value;
        if (order <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- Words ---- */

/* A character beyond ASCII that is no letter: U+0080 to U+00BF, × and ÷, U+2000 to U+2FFF, U+3000 to U+303F. */
static bool is_sign(const struct norm *x, size_t at)
{
    unsigned char c = (unsigned char)x->text[at], next = (unsigned char)norm_char(x, at + 1);
    return c == 0xc2 || c == 0xe2 || (c == 0xc3 && (next == 0x97 || next == 0xb7)) ||
           (c == 0xe3 && next == 0x80);
}

/* The size of the word at `at`: letters, and apostrophes and hyphens between letters. */
static size_t word_size(const struct norm *x, size_t at)
{
    size_t end = at;
    while (end < x->size) {
        char c = x->text[end];
        if (char_is_alpha(c)) {
            end++;
        } else if (char_is_wide(c)) {
            if (is_sign(x, end))
                break;
            end++;
        } else if (c == '\'' && end > at && end + 1 < x->size &&
                   (char_is_alpha(x->text[end + 1]) ||
                    (char_is_wide(x->text[end + 1]) && !is_sign(x, end + 1)))) {
            end++;
        } else {
            break;
        }
    }
    return end - at;
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

static void say_word(struct norm *x, size_t at, size_t size)
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
    add(x, TOKEN_WORD, ORIGIN_TEXT, word, size);
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
 * single beginning with a vowel in it may be a word ("re-read", "no-nonsense"). */
static size_t stutter_size(const struct norm *x, size_t at)
{
    size_t n = norm_letters(x, at), end = at, times = 0;
    bool vowel = false;
    if (n == 0 || n > 4 || norm_char(x, at + n) != '-')
        return 0;
    for (size_t i = at; i < at + n; i++)
        vowel |= strchr("aeiou", char_lower(x->text[i])) != NULL;
    if (n == 1 && strchr("xe", char_lower(x->text[at])) != NULL)
        return 0;
    vowel = vowel && n > 1;
    while (norm_letters(x, end) == n && norm_char(x, end + n) == '-' &&
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

static bool is_capitals(const struct norm *x, size_t at, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!char_is_upper(x->text[at + i]))
            return false;
    return true;
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
    if ((next != '&' && (at == 0 || x->text[at - 1] != '&')) || size > 3 || !is_capitals(x, at, size))
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
static size_t take_word(struct norm *x, size_t at)
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
        drop(x, at, at + used, "stutter");
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
            drop(x, at, at + 1, "point inside a name"); /* "H.264" */
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
        if (x->out->count > x->first && x->out->items[x->out->count - 1].kind == TOKEN_WORD)
            norm_mark(x, ",");
        add_space(x);
        return 1;
    default:
        return 0;
    }
}

/* "5! = 120" */
static size_t take_factorial(struct norm *x, size_t at)
{
    char next = norm_char(x, at + 1 + norm_spaces(x, at + 1));
    bool operator= norm_char(x, at + 1) != '=' && (next == '=' || next == '/' || next == '*' || next == '+');
    if (at == 0 || !char_is_digit(x->text[at - 1]) || !operator)
        return 0;
    norm_range(x, at, at + 1, "symbol");
    norm_say(x, "factorial");
    return 1;
}

/* A single quote that is no apostrophe. */
static size_t take_single_quote(struct norm *x, size_t at)
{
    size_t n = elision_size(x, at);
    if (n > 0) {
        norm_range(x, at, at + n, NULL);
        add(x, TOKEN_WORD, ORIGIN_TEXT, x->text + at, n);
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
    drop(x, at, at + 1, "apostrophe without a word");
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
    drop(x, at, at + n, "hyphen");
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
        drop(x, at, at + n, "emoticon");
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
        drop(x, at, end + 1, "emoji");
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
        struct token *last = x->out->count > x->first ? &x->out->items[x->out->count - 1] : NULL;
        struct token token = {.kind = TOKEN_DROPPED,
                              .note = dropped->reason,
                              .source_begin = dropped->begin,
                              .source_end = dropped->end,
                              .space_after = last != NULL && last->space_after};
        tokens_add(x->out, &token, "", 0);
    }
}

static size_t say_as(struct norm *x, const struct span *span);

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
        return say_as(x, span);
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
            drop(x, at, at + 3, "copyright sign after the word");
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
    if (ticker > 0 && ticker < 6 && is_capitals(x, at + 1, ticker) && norm_is_border(x, at + 1 + ticker)) {
        drop(x, at, at + 1, "sign of a ticker");
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
        return take_word(x, at);
    }
    if (char_is_digit(c) ||
        (c == '.' && char_is_digit(norm_char(x, at + 1)) && (at == 0 || !char_is_alnum(x->text[at - 1]))))
        return take_number(x, at);
    if ((used = take_emoticon(x, at)) > 0)
        return used;
    if (x->in_code && strchr("(){}[];:=<>|&*#\"'`,$\\+!", c) != NULL && c != '\0') {
        drop(x, at, at + 1, "program sign");
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
    bool operator= c == '!' && norm_char(x, at + 1) == '=';
    if (!operator&&(used = take_ascii_mark(x, at)) > 0)
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
    drop(x, at, at + n, "sign without a name");
    return n;
}

/* "COVID-19's": the ending belongs to the word that was said last. */
static size_t add_possessive(struct norm *x, size_t at)
{
    struct token *last = x->out->count > x->first ? &x->out->items[x->out->count - 1] : NULL;
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
            add_space(x);
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
        else if (n > 1 && !is_sign(x, at)) {
            struct token *token = norm_say_text(x, x->text + at, n);
            if (token != NULL)
                token->spell = true;
        } else if (x->text[at] != ' ' && x->text[at] != '\n' && !say_sign(x, at) && scan_symbol(x, at) == 0) {
            drop(x, at, at + n, "sign without a name");
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

/* What <say-as> asks for; 0: the text does not fit, it is said as it would be without. */
static size_t say_as(struct norm *x, const struct span *span)
{
    size_t at = span->begin, size = span->end - at, n = norm_digits(x, at);
    size_t last = span->end;
    while (last > at && x->text[last - 1] == ' ')
        last--;
    bool whole = n > 0 && at + n == last;
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
        norm_range(x, at, last, "say-as number");
        if (scan_roman_as(x, at, last, false))
            return size;
        if (!number_read(x, at, &number) || at + number.size != last)
            return 0;
        say_number(x, &number);
        return size;
    case SAY_ORDINAL:
        norm_range(x, at, last, "say-as ordinal");
        if (scan_roman_as(x, at, last, true))
            return size;
        if (!whole || n > NUMBER_DIGITS)
            return 0;
        say_ordinal(x, x->text + at, n);
        return size;
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

/* Words and punctuation as they are written. */
static void walk_verbatim(struct norm *x)
{
    for (size_t at = 0; at < x->size;) {
        if (x->text[at] == ' ' || x->text[at] == '\n') {
            add_space(x);
            at++;
            continue;
        }
        size_t end = at;
        while (end < x->size && x->text[end] != ' ' && x->text[end] != '\n' &&
               (strchr(".,!?;:()\"", x->text[end]) == NULL || (end > at && !norm_is_border(x, end + 1))))
            end++;
        norm_range(x, at, end, NULL);
        if (end > at)
            add(x, TOKEN_WORD, ORIGIN_TEXT, x->text + at, end - at);
        else
            end += take_ascii_mark(x, at);
        at = end;
    }
}

void normalize_sentence(const struct sentence *sentence, const struct normalize_options *options,
                        struct tokens *tokens)
{
    struct norm x = {
        .text = sentence->clean.text.data,
        .size = sentence->clean.text.length,
        .sentence = sentence,
        .out = tokens,
        .first = tokens->count,
        .british = options->british,
        .switches = options->switches,
        .respell = options->respell,
    };
    abbreviations_prepare();
    if (x.size > 0 && (options->switches & LT_TEXT_NORMALIZE) == 0)
        walk_verbatim(&x);
    else if (x.size > 0)
        walk(&x, 0, x.size);
    take_drops(&x, SIZE_MAX);
    if (tokens->count > x.first)
        add_space(&x);
}

void normalize_phonemes(const struct sentence *sentence, struct tokens *tokens)
{
    struct norm x = {
        .text = sentence->clean.text.data,
        .size = sentence->clean.text.length,
        .sentence = sentence,
        .out = tokens,
        .first = tokens->count,
    };
    for (size_t at = 0; at < x.size;) {
        size_t end = at, mark = 0;
        while (end < x.size && x.text[end] != ' ' && x.text[end] != '\n' && (mark = mark_size(&x, end)) == 0)
            end++;
        norm_range(&x, at, end, "phonemes");
        if (end > at) {
            struct token *token = add(&x, TOKEN_WORD, ORIGIN_GIVEN, x.text + at, end - at);
            if (token == NULL)
                return;
            token->phonemes = token->text;
            token->phonemes_size = token->text_size;
            token->phoneme_origin = PHONEMES_GIVEN;
        } else if (mark > 0) {
            norm_range(&x, at, at + mark, NULL);
            add(&x, TOKEN_PUNCTUATION, ORIGIN_TEXT, x.text + at, mark);
            end = at + mark;
        } else {
            add_space(&x);
            end = at + 1;
        }
        at = end;
    }
    take_drops(&x, SIZE_MAX);
    if (tokens->count > x.first)
        add_space(&x);
}
