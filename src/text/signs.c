/* signs.c: single signs, by what stands around them: mathematics, currency signs alone, arrows, Greek letters. */
#include <string.h>

#include "text/norm.h"

/* Said wherever they stand. Sorted by bytes. */
static const struct norm_entry names[] = {
    {"¢", "cents"},
    {"£", "pound"},
    {"¥", "yen"},
    {"§", "section"},
    {"©", "copyright"},
    {"¬", "not"},
    {"°", "degrees"},
    {"±", "plus or minus"},
    {"²", "squared"},
    {"³", "cubed"},
    {"µ", "micro"},
    {"¶", "paragraph"},
    {"¹", "to the first"},
    {"×", "times"},
    {"÷", "divided by"},
    {"Γ", "gamma"},
    {"Δ", "delta"},
    {"Θ", "theta"},
    {"Λ", "lambda"},
    {"Ξ", "xi"},
    {"Π", "pi"},
    {"Σ", "sigma"},
    {"Φ", "phi"},
    {"Ψ", "psi"},
    {"Ω", "omega"},
    {"α", "alpha"},
    {"β", "beta"},
    {"γ", "gamma"},
    {"δ", "delta"},
    {"ε", "epsilon"},
    {"ζ", "zeta"},
    {"η", "eta"},
    {"θ", "theta"},
    {"ι", "iota"},
    {"κ", "kappa"},
    {"λ", "lambda"},
    {"μ", "mu"},
    {"ν", "nu"},
    {"ξ", "xi"},
    {"ο", "omicron"},
    {"π", "pi"},
    {"ρ", "rho"},
    {"ς", "sigma"},
    {"σ", "sigma"},
    {"τ", "tau"},
    {"υ", "upsilon"},
    {"φ", "phi"},
    {"χ", "chi"},
    {"ψ", "psi"},
    {"ω", "omega"},
    {"‰", "per mille"},
    {"′", "prime"},
    {"″", "double prime"},
    {"⁰", "to the zero"},
    {"⁴", "to the fourth"},
    {"⁵", "to the fifth"},
    {"⁶", "to the sixth"},
    {"⁷", "to the seventh"},
    {"⁸", "to the eighth"},
    {"⁹", "to the ninth"},
    {"ⁿ", "to the n"},
    {"₀", "zero"},
    {"₁", "one"},
    {"₂", "two"},
    {"₃", "three"},
    {"₄", "four"},
    {"₅", "five"},
    {"₆", "six"},
    {"₇", "seven"},
    {"₈", "eight"},
    {"₉", "nine"},
    {"₩", "won"},
    {"€", "euro"},
    {"₹", "rupee"},
    {"₽", "ruble"},
    {"₿", "bitcoin"},
    {"←", "left arrow"},
    {"↑", "up"},
    {"→", "to"},
    {"↓", "down"},
    {"↔", "to and from"},
    {"⇒", "implies"},
    {"⇔", "if and only if"},
    {"⇥", "tab"},
    {"⇧", "shift"},
    {"∀", "for all"},
    {"∂", "partial"},
    {"∃", "there exists"},
    {"∅", "empty set"},
    {"∆", "delta"},
    {"∇", "nabla"},
    {"∈", "in"},
    {"∉", "not in"},
    {"∏", "product"},
    {"∑", "sum"},
    {"−", "minus"},
    {"√", "square root of"},
    {"∛", "cube root of"},
    {"∝", "proportional to"},
    {"∞", "infinity"},
    {"∠", "angle"},
    {"∧", "and"},
    {"∨", "or"},
    {"∩", "intersection"},
    {"∪", "union"},
    {"∫", "integral"},
    {"∴", "therefore"},
    {"∵", "because"},
    {"∼", "about"},
    {"≃", "approximately equal to"},
    {"≅", "congruent to"},
    {"≈", "approximately equals"},
    {"≠", "is not equal to"},
    {"≡", "is identical to"},
    {"≤", "less than or equal to"},
    {"≥", "greater than or equal to"},
    {"≪", "much less than"},
    {"≫", "much greater than"},
    {"⊂", "subset of"},
    {"⊃", "superset of"},
    {"⊆", "subset of"},
    {"⊕", "plus"},
    {"⊗", "times"},
    {"⋅", "times"},
    {"⌃", "control"},
    {"⌘", "command"},
    {"⌥", "option"},
    {"⌫", "backspace"},
    {"⎋", "escape"},
    {"⏎", "return"},
    {"♭", "flat"},
    {"♮", "natural"},
    {"♯", "sharp"},
    {"✓", "check"},
};

static bool spaced(const struct norm *x, size_t at, size_t size)
{
    char before = at == 0 ? ' ' : x->text[at - 1];
    return char_is_space(before) && char_is_space(norm_char(x, at + size));
}

static bool between_words(const struct norm *x, size_t at)
{
    return at > 0 && char_is_alpha(x->text[at - 1]) && char_is_alpha(norm_char(x, at + 1));
}

/* Digits, signs and single letters with an equals sign: there "-" is minus and "/" is over. */
static bool is_equation(const struct norm *x, size_t at)
{
    size_t begin = at > 24 ? at - 24 : 0, end = at + 24 < x->size ? at + 24 : x->size;
    if (x->long_run && at < x->run_end)
        return false;
    for (size_t i = at; i < end; i++) {
        char c = x->text[i];
        if (c == '=')
            return true;
        if (char_is_wide(c))
            continue; /* powers */
        if (char_is_alpha(c) && char_is_alpha(norm_char(x, i + 1)))
            break;
        if (!char_is_alnum(c) && strchr(" +-*/^().", c) == NULL)
            break;
    }
    for (size_t i = at; i > begin; i--) {
        char c = x->text[i - 1];
        if (c == '=')
            return true;
        if (char_is_wide(c))
            continue;
        if (char_is_alpha(c) && i > 1 && char_is_alpha(x->text[i - 2]))
            break;
        if (!char_is_alnum(c) && strchr(" +-*/^().", c) == NULL)
            break;
    }
    return false;
}

static bool between_numbers(const struct norm *x, size_t at, size_t size)
{
    size_t before = at, after = at + size;
    while (before > 0 && x->text[before - 1] == ' ')
        before--;
    after += norm_spaces(x, after);
    return before > 0 && char_is_digit(x->text[before - 1]) && char_is_digit(norm_char(x, after));
}

/* "5 * 3" and "a * b" are products, "A*" is a mark; other stars are ornaments. */
static const char *star_name(const struct norm *x, size_t at)
{
    size_t gap = at > 0 && x->text[at - 1] == ' ', left = at - gap;
    size_t right = at + 1 + norm_spaces(x, at + 1);
    bool one_before =
        left > 0 && char_is_alnum(x->text[left - 1]) && (left == 1 || !char_is_alpha(x->text[left - 2]));
    bool one_after = char_is_alnum(norm_char(x, right)) && !char_is_alpha(norm_char(x, right + 1));
    if (one_before && one_after)
        return "times";
    return one_before && gap == 0 && char_is_upper(x->text[at - 1]) && norm_is_border(x, at + 1) &&
                   norm_char(x, at + 1) != '*'
               ? "star"
               : NULL;
}

static const char *ascii_name(const struct norm *x, size_t at)
{
    char c = x->text[at], before = at == 0 ? ' ' : x->text[at - 1], after = norm_char(x, at + 1);
    switch (c) {
    case '%':
        return "percent";
    case '&':
        return "and";
    case '@':
        return "at";
    case '=':
        return after == '=' || before == '=' ? after == '=' ? "equals" : NULL : "equals";
    case '+':
        return "plus";
    case '#':
        if (norm_literal(x, at + 1, " of ") > 0)
            return "number";
        return before >= 'A' && before <= 'G' && (at == 1 || !char_is_alnum(x->text[at - 2])) ? "sharp"
                                                                                              : "hash";
    case '$':
        return "dollar";
    case '*':
        return star_name(x, at);
    case '-':
        if (before == ' ' && char_is_alpha(after) && norm_is_border(x, at + 2) && norm_char(x, at + 2) == ' ')
            return "dash"; /* "-m", a program's option */
        if (before >= 'A' && before <= 'F' && (at == 1 || x->text[at - 2] == ' ') &&
            strchr(",.;)!?", after) != NULL)
            return "minus"; /* "a B-." */
        return (char_is_digit(after) || after == ' ') && is_equation(x, at) ? "minus" : NULL;
    case '/':
        if (char_is_alpha(before) && char_is_alpha(after) && norm_is_border(x, at + 2) &&
            (at == 1 || norm_is_border(x, at - 2)))
            return NULL; /* "I/O", "A/C" */
        if (between_numbers(x, at, 1) && is_equation(x, at))
            return "divided by";
        if (between_words(x, at) || spaced(x, at, 1) || at == 0 || (before == ' ' && char_is_lower(after)))
            return "slash";
        if (char_is_wide(before) && at > 1 && (unsigned char)x->text[at - 2] >= 0xce &&
            (unsigned char)x->text[at - 2] <= 0xcf && (char_is_alnum(after) || char_is_wide(after)))
            return "over"; /* "π/2" */
        return char_is_digit(before) && char_is_alpha(after) ? "per" : NULL;
    case '~':
        return char_is_digit(after) || after == '$' ? "about" : NULL;
    case '<':
        return after == '=' ? "less than or equal to"
               : between_numbers(x, at, 1) || spaced(x, at, 1) || char_is_digit(after) ? "less than"
                                                                                       : NULL;
    case '>':
        return after == '=' ? "greater than or equal to"
               : between_numbers(x, at, 1) || spaced(x, at, 1) || char_is_digit(after) ? "greater than"
                                                                                       : NULL;
    case '^':
        return "to the power of";
    case '\\':
        return between_words(x, at) ? "backslash" : NULL;
    default:
        return NULL;
    }
}

/* "events/s", "requests/min": a rate after a word. */
static size_t scan_rate(struct norm *x, size_t at)
{
    static const char *const units[][2] = {
        {"s", "second"}, {"sec", "second"}, {"min", "minute"}, {"h", "hour"}, {"hr", "hour"}};
    if (x->text[at] == '/' && at > 2 && char_is_alpha(x->text[at - 1]) && norm_letters(x, at + 1) < 3 &&
        norm_in(x->text + at + 1, norm_letters(x, at + 1), "ml|kg|mg|mm|cm") && norm_is_border(x, at + 3)) {
        norm_range(x, at, at + 1, "rate"); /* "cells/mL" */
        norm_say(x, "per");
        return 1 + measure_unit(x, at + 1, false, false);
    }
    if (x->text[at] != '/' || at < 3 || !char_is_alpha(x->text[at - 1]) || !char_is_alpha(x->text[at - 2]))
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = norm_word(x, at + 1, units[i][0]);
        if (n == 0)
            continue;
        norm_range(x, at, at + 1 + n, "rate");
        norm_say(x, "per");
        norm_say(x, units[i][1]);
        return 1 + n;
    }
    return 0;
}

/* The digit that a raised sign at `at` stands for, '-' for a raised minus; its bytes, 0 when it is none. */
static size_t raised_size(const struct norm *x, size_t at, char *stands_for)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    *stands_for = '-';
    if (norm_literal(x, at, "⁻") > 0)
        return 3;
    for (int i = 0; i < 10; i++) {
        size_t n = norm_literal(x, at, raised[i]);
        *stands_for = (char)('0' + i);
        if (n > 0)
            return n;
    }
    return 0;
}

/* "10⁻³", "2¹⁰": powers that have no short name. */
static size_t scan_power(struct norm *x, size_t at)
{
    char digits[8], c;
    size_t count = 0, end = at, n = raised_size(x, at, &c);
    bool minus = n > 0 && c == '-';
    if (minus) {
        end += n;
        n = raised_size(x, end, &c);
    }
    for (; n > 0 && c != '-' && count < sizeof digits; n = raised_size(x, end, &c)) {
        digits[count++] = c;
        end += n;
    }
    size_t minus_behind = norm_literal(x, end, "⁻"),
           sign = minus_behind > 0 ? minus_behind : norm_literal(x, end, "⁺");
    if (!minus && sign > 0) { /* "PO₄³⁻": a charge */
        norm_range(x, at, end + sign, "charge");
        if (count > 0)
            say_cardinal(x, digits, count);
        norm_say(x, minus_behind > 0 ? "minus" : "plus");
        return end + sign - at;
    }
    if (count > 0 && !minus && char_is_upper(norm_char(x, end)) && (at == 0 || norm_is_border(x, at - 1))) {
        norm_range(x, at, end, "isotope"); /* "¹⁴C" */
        say_cardinal(x, digits, count);
        return end - at;
    }
    if (count == 0 || (count == 1 && !minus))
        return 0;
    norm_range(x, at, end, "power");
    norm_say_words(x, "to the power of");
    if (minus)
        norm_say(x, "minus");
    say_cardinal(x, digits, count);
    return end - at;
}

/* Operators of program text that are written with two signs. */
static size_t scan_operator(struct norm *x, size_t at)
{
    if (at > 0 && char_is_alnum(x->text[at - 1]) && char_is_alnum(norm_char(x, at + 2)) &&
        norm_literal(x, at, "**") > 0) {
        norm_range(x, at, at + 2, "operator"); /* "10**3" */
        norm_say_words(x, "to the power of");
        return 2;
    }
    if (norm_literal(x, at, "+/-") > 0) {
        norm_range(x, at, at + 3, "operator");
        norm_say_words(x, "plus or minus");
        return 3;
    }
    static const char *const operators[][2] = {{"!=", "not equals"},  {"&&", "and"}, {"||", "or"},
                                               {"->", "to"},          {"=>", "to"},  {"+=", "plus equals"},
                                               {"-=", "minus equals"}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (norm_literal(x, at, operators[i][0]) == 0 || norm_char(x, at + 2) == operators[i][0][1])
            continue;
        norm_range(x, at, at + 2, "operator");
        norm_say_words(x, operators[i][1]);
        return 2;
    }
    return 0;
}

size_t scan_symbol(struct norm *x, size_t at)
{
    unsigned char c = (unsigned char)x->text[at];
    if (!norm_wants(x, LT_TEXT_SYMBOLS))
        return 0;
    size_t rate = scan_rate(x, at);
    if (rate > 0)
        return rate;
    size_t more = c < 0x80 ? scan_operator(x, at) : scan_power(x, at);
    if (more > 0)
        return more;
    if (c == '^' && norm_is_border(x, at + 2) &&
        (norm_char(x, at + 1) == '2' || norm_char(x, at + 1) == '3')) {
        norm_range(x, at, at + 2, "power"); /* "x^2" */
        norm_say(x, x->text[at + 1] == '2' ? "squared" : "cubed");
        return 2;
    }
    if (c < 0x80) {
        const char *name = ascii_name(x, at);
        if (name == NULL)
            return 0;
        size_t n = (c == '<' || c == '>' || c == '=') && norm_char(x, at + 1) == '=' ? 2 : 1;
        norm_range(x, at, at + n, "symbol");
        norm_say_words(x, name);
        return n;
    }
    if (norm_literal(x, at, "·") > 0 && at > 0 && char_is_alnum(x->text[at - 1]) &&
        char_is_alnum(norm_char(x, at + 2)) && (at == 1 || !char_is_alpha(x->text[at - 2])) &&
        !char_is_alpha(norm_char(x, at + 3))) {
        norm_range(x, at, at + 2, "symbol"); /* "x·y" */
        norm_say(x, "times");
        return 2;
    }
    if (norm_literal(x, at, "§§") > 0) {
        norm_range(x, at, at + 4, "symbol");
        norm_say(x, "sections");
        return 4;
    }
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2, degree = c == 0xc2 ? measure_unit_size(x, at, false) : 0;
    if (degree > 2) /* "°C" without a number */
        return measure_unit(x, at, true, false);
    const char *name = at + n <= x->size ? NORM_FIND(names, x->text + at, n) : NULL;
    if (name == NULL)
        return 0;
    if (c == 0xce || c == 0xcf) { /* a Greek letter: its name only when it stands alone */
        bool before = at > 1 && char_is_wide(x->text[at - 1]) && (unsigned char)x->text[at - 2] != 0xc2;
        unsigned char after = (unsigned char)norm_char(x, at + n);
        if (before || (after > 0xc2 && after < 0xe2))
            return 0;
    }
    norm_range(x, at, at + n, "symbol");
    norm_say_words(x, name);
    return n;
}
