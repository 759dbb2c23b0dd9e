/* money.c: sums of money, by sign or by code, before or after the number. */
#include <string.h>

#include "text/norm.h"

/* A currency: its signs, and its codes, which end in a letter or a point and stand as words. */
struct currency {
    const char *written[6]; /* the last is NULL */
    const char *one, *many;
    const char *minor, *minors; /* NULL: it has no cents */
};

static const struct currency currencies[] = {
    {{"US $", "US$", "USD"}, "U S dollar", "U S dollars", "cent", "cents"},
    {{"JP¥", "¥", "￥", "円", "JPY"}, "yen", "yen", NULL, NULL},
    {{"CN¥", "元", "CNY", "RMB"}, "yuan", "yuan", "fen", "fen"},
    {{"MX$", "Mex$", "MXN"}, "Mexican peso", "Mexican pesos", "centavo", "centavos"},
    {{"CA$", "C$", "CAD"}, "Canadian dollar", "Canadian dollars", "cent", "cents"},
    {{"AU$", "A$", "AUD"}, "Australian dollar", "Australian dollars", "cent", "cents"},
    {{"NZ$", "NZD"}, "New Zealand dollar", "New Zealand dollars", "cent", "cents"},
    {{"HK$", "HKD"}, "Hong Kong dollar", "Hong Kong dollars", "cent", "cents"},
    {{"NT$", "TWD"}, "New Taiwan dollar", "New Taiwan dollars", "cent", "cents"},
    {{"S$", "SGD"}, "Singapore dollar", "Singapore dollars", "cent", "cents"},
    {{"R$"}, "real", "reais", "centavo", "centavos"},
    {{"$"}, "dollar", "dollars", "cent", "cents"},
    {{"£", "₤"}, "pound", "pounds", "penny", "pence"},
    {{"€", "EUR"}, "euro", "euros", "cent", "cents"},
    {{"₩", "KRW"}, "won", "won", NULL, NULL},
    {{"₹", "Rs.", "Rs"}, "rupee", "rupees", "paisa", "paise"},
    {{"₽", "RUB"}, "ruble", "rubles", "kopek", "kopeks"},
    {{"₺"}, "lira", "lira", "kurush", "kurush"},
    {{"₫"}, "dong", "dong", NULL, NULL},
    {{"₪", "ILS"}, "shekel", "shekels", "agora", "agorot"},
    {{"₱"}, "peso", "pesos", "centavo", "centavos"},
    {{"₴", "UAH"}, "hryvnia", "hryvnias", "kopek", "kopeks"},
    {{"₦", "NGN"}, "naira", "naira", "kobo", "kobo"},
    {{"฿", "THB"}, "baht", "baht", "satang", "satang"},
    {{"₿", "BTC"}, "bitcoin", "bitcoins", NULL, NULL},
    {{"₡"}, "colon", "colons", NULL, NULL},
    {{"₵"}, "cedi", "cedis", "pesewa", "pesewas"},
    {{"₸"}, "tenge", "tenge", NULL, NULL},
    {{"¢"}, "cent", "cents", NULL, NULL},
    {{"GBP"}, "British pound", "British pounds", "penny", "pence"},
    {{"INR"}, "Indian rupee", "Indian rupees", "paisa", "paise"},
    {{"CHF"}, "Swiss franc", "Swiss francs", "centime", "centimes"},
    {{"kr"}, "krona", "kronor", "ore", "ore"},
    {{"SEK"}, "Swedish krona", "Swedish kronor", "ore", "ore"},
    {{"NOK"}, "Norwegian krone", "Norwegian kroner", "ore", "ore"},
    {{"DKK"}, "Danish krone", "Danish kroner", "ore", "ore"},
    {{"CZK", "Kč"}, "Czech koruna", "Czech korunas", "haler", "halers"},
    {{"HUF"}, "forint", "forints", NULL, NULL},
    {{"AED"}, "dirham", "dirhams", "fils", "fils"},
    {{"PLN", "zł"}, "zloty", "zlotys", "grosz", "groszy"},
    {{"BRL"}, "Brazilian real", "Brazilian reais", "centavo", "centavos"},
    {{"ZAR"}, "rand", "rand", "cent", "cents"},
    {{"TRY"}, "Turkish lira", "Turkish lira", "kurush", "kurush"},
    {{"ETH"}, "ether", "ether", NULL, NULL},
    {{"DOGE"}, "dogecoin", "dogecoins", NULL, NULL},
    {{"SOL"}, "solana", "solana", NULL, NULL},
    {{"XRP"}, "X R P", "X R P", NULL, NULL},
    {{"LTC"}, "litecoin", "litecoins", NULL, NULL},
    {{"USDT"}, "tether", "tether", NULL, NULL},
};

/* The currency whose sign or code is the longest at `at`; NULL: none. */
static const struct currency *find_currency(const struct norm *x, size_t at, size_t *size, bool *code)
{
    const struct currency *found = NULL;
    char first = norm_char(x, at), second = norm_char(x, at + 1);
    *size = 0;
    bool code_like = char_is_upper(first) && (char_is_upper(second) || second == 's' || second == '$');
    bool small = (first == 'k' && second == 'r') || (strchr("zK", first) != NULL && char_is_wide(second)) ||
                 norm_char(x, at + 3) == '$'; /* "kr", "zł", "Mex$" */
    if (char_is_alpha(first) ? !code_like && !small : first != '$' && !char_is_wide(first))
        return NULL;
    for (size_t i = 0; i < sizeof currencies / sizeof *currencies; i++)
        for (const char *const *written = currencies[i].written; *written != NULL; written++) {
            if (**written != first)
                continue;
            size_t n = strlen(*written);
            bool word = char_is_alpha(**written) && (*written)[n - 1] != '$';
            if (n <= *size || at + n > x->size || memcmp(x->text + at, *written, n) != 0 ||
                (word && char_is_alpha(norm_char(x, at + n))))
                continue;
            found = &currencies[i];
            *size = n;
            *code = word;
        }
    return found;
}

/* Scales after a sum: "million", and the letters and short forms that mean them there. */
static const struct {
    const char *written, *said;
    bool letter; /* only beside a currency */
} scales[] = {
    {"thousand", "thousand", false},
    {"million", "million", false},
    {"billion", "billion", false},
    {"trillion", "trillion", false},
    {"quadrillion", "quadrillion", false},
    {"mln", "million", false},
    {"mn", "million", false},
    {"bln", "billion", false},
    {"bn", "billion", false},
    {"tn", "trillion", false},
    {"mm", "million", true},
    {"mio", "million", true},
    {"k", "thousand", true},
    {"m", "million", true},
    {"b", "billion", true},
    {"t", "trillion", true},
    {"crore", "crore", false},
    {"lakh", "lakh", false},
};

static size_t find_scale(const struct norm *x, size_t at, bool money, const char **said)
{
    size_t space = norm_spaces(x, at);
    if (space > 1)
        return 0;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        size_t n = norm_word(x, at + space, scales[i].written);
        if (n == 0 || (scales[i].letter && (!money || norm_char(x, at + space + n) == '\'')))
            continue;
        *said = scales[i].said;
        return space + n;
    }
    return 0;
}

size_t say_scale(struct norm *x, size_t at)
{
    const char *said;
    size_t n = find_scale(x, at, false, &said);
    if (n > 0) {
        norm_range(x, at + norm_spaces(x, at), at + n, "scale");
        norm_say(x, said);
    }
    return n;
}

/* The rate after a sum: "/wk", "/month". */
static size_t take_rate(struct norm *x, size_t at)
{
    static const char *const units[][2] = {
        {"d", "day"},      {"day", "day"},       {"wk", "week"},     {"week", "week"},  {"mo", "month"},
        {"mth", "month"},  {"month", "month"},   {"yr", "year"},     {"y", "year"},     {"year", "year"},
        {"h", "hour"},     {"hr", "hour"},       {"hour", "hour"},   {"min", "minute"}, {"s", "second"},
        {"sec", "second"}, {"person", "person"}, {"night", "night"},
    };
    if (norm_char(x, at) != '/')
        return 0;
    norm_range(x, at, at + 1, "rate");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t n = norm_word(x, at + 1, units[i][0]);
        if (n > 0) {
            x->end = at + 1 + n;
            norm_say(x, "per");
            norm_say(x, units[i][1]);
            return 1 + n;
        }
    }
    if (!char_is_alpha(norm_char(x, at + 1)))
        return 0;
    norm_say(x, "per");
    size_t unit = measure_unit(x, at + 1, false, false);
    return 1 + unit;
}

/* Whether the sum describes the word after it ("a $50 bill", "a $5-a-day habit"): then its unit is singular. */
static bool is_adjective(const struct norm *x, size_t at)
{
    char c = norm_char(x, at);
    if (c == '-' && char_is_alpha(norm_char(x, at + 1)))
        return true;
    size_t n = c == ' ' ? norm_letters(x, at + 1) : 0;
    if (n > 2 && norm_previous_in(x, "a|an|another") && char_is_lower(x->text[at + 1]) &&
        !norm_in(x->text + at + 1, n,
                 "per|and|off|for|from|each|more|less|plus|over|when|with|but|not|was|are|has|that|which|the|"
                 "would|"
                 "will|may|can|could|should|had|than|into|only|just|out|now|here|there|after|before"))
        return true;
    return n > 0 &&
           norm_in(
               x->text + at + 1, n,
               "bill|bills|note|notes|coin|coins|gift|fine|check|deposit|fee|ticket|voucher|"
               "bonus|discount|prize|tip|limit|minimum|coupon|question|budget|loan|valuation|deal|contract|"
               "investment|lawsuit|settlement|grant|donation|mortgage|project|bailout|bet|reward|"
               "refund|rebate|surcharge|subscription|stake|house|car|dress|watch|company|industry|"
               "market|fund|bond|debt|deficit|surplus|package|home|salary|mansion|property|payout|payment|"
               "raise|"
               "jackpot|prize|estate|ransom|penalty|charge|cut|hike|increase|program|plan");
}

static void say_sum(struct norm *x, const struct currency *currency, const struct number *number,
                    bool singular)
{
    size_t cents = number->fraction_size;
    while (cents > 2 && number->fraction[cents - 1] == '0')
        cents--;
    bool whole = number_is_zero(number->fraction, number->fraction_size);
    bool zero = number_is_zero(number->whole, number->whole_size);
    if (!whole && (cents > 2 || currency->minor == NULL)) {
        say_number(x, number);
        norm_say_words(x, singular ? currency->one : currency->many);
        return;
    }
    if (!zero || whole) {
        bool one = number_value(number->whole, number->whole_size) == 1;
        say_cardinal(x, number->whole_size > 0 ? number->whole : "0",
                     number->whole_size > 0 ? number->whole_size : 1);
        norm_say_words(x, one || singular ? currency->one : currency->many);
    }
    if (!whole) {
        char digits[2] = {number->fraction[0], cents > 1 ? number->fraction[1] : '0'};
        say_cardinal(x, digits, 2);
        norm_say_words(x, number_value(digits, 2) == 1 ? currency->minor : currency->minors);
    }
}

/* "$5 million dollars": the second mention is not said. */
static size_t take_repetition(const struct norm *x, size_t at, const struct currency *currency)
{
    size_t space = norm_spaces(x, at), n = norm_word(x, at + space, currency->many);
    n = n > 0 ? n : norm_word(x, at + space, currency->one);
    return space == 1 && n > 0 ? space + n : 0;
}

/* The number, scale and range after the sign; `at` is the number's place. */
static size_t take_sum(struct norm *x, size_t from, size_t at, const struct currency *currency)
{
    struct number number, upper;
    const char *scale = NULL;
    if (!number_read(x, at, &number))
        return 0;
    size_t end = at + number.size, n = find_scale(x, end, true, &scale), dash = norm_dash(x, end + n);
    if (n == 0 && char_is_alpha(norm_char(x, end)) && measure_unit_size(x, end, false) == 0 && from == at)
        return 0;
    norm_range(x, from, end + n, "money");
    if (dash > 0 && char_is_digit(norm_char(x, end + n + dash)) && number_read(x, end + n + dash, &upper)) {
        size_t second = end + n + dash; /* "$5-10", "$5-10 million" */
        say_number(x, &number);
        if (n > 0)
            norm_say(x, scale);
        norm_range(x, second - dash, second, "money");
        norm_say(x, "to");
        number = upper;
        end = second + number.size;
        n = find_scale(x, end, true, &scale);
        norm_range(x, second, end + n, "money");
    }
    bool singular = is_adjective(x, end + n);
    if (n > 0) {
        say_number(x, &number);
        norm_say(x, scale);
        norm_say_words(x, singular ? currency->one : currency->many);
    } else {
        say_sum(x, currency, &number, singular);
    }
    end += n;
    end += take_repetition(x, end, currency);
    end += take_rate(x, end);
    return end - from;
}

size_t scan_money(struct norm *x, size_t at)
{
    size_t size;
    bool code;
    const struct currency *currency = find_currency(x, at, &size, &code);
    if (currency == NULL)
        return 0;
    size_t space = norm_spaces(x, at + size), number = at + size + space;
    char c = norm_char(x, number);
    bool negative = !code && c == '-' && space == 0;
    if (negative)
        c = norm_char(x, ++number);
    if (space > 1 || !(char_is_digit(c) || (c == '.' && char_is_digit(norm_char(x, number + 1)))))
        return 0;
    char sign =
        at > 0 && (at == 1 || x->text[at - 2] == ' ' || x->text[at - 2] == '(') ? x->text[at - 1] : ' ';
    if (negative || sign == '-' || sign == '+') {
        size_t place = negative ? at : at - 1; /* sources never go back */
        norm_range(x, place, place + 1, "money");
        norm_say(x, !negative && sign == '+' ? "plus" : "minus");
    }
    size_t used = take_sum(x, at, number, currency), dash = norm_dash(x, at + used), other;
    if (used > 0 && dash > 0 && find_currency(x, at + used + dash, &other, &code) != NULL && !code) {
        norm_range(x, at + used, at + used + dash, "money");
        size_t before = x->out->count;
        norm_say(x, "to");
        size_t more = scan_money(x, at + used + dash);
        if (more > 0)
            return used + dash + more;
        x->out->count = before;
    }
    return used;
}

size_t scan_money_after(struct norm *x, size_t at, const struct number *number)
{
    size_t end = at + number->size, size;
    if (number->size <= 2 && norm_char(x, end) == 'p' && norm_is_border(x, end + 1) &&
        norm_word(x, end + 2, "video") == 0) { /* "50p" */
        norm_range(x, at, end + 1, "money");
        say_number(x, number);
        norm_say(x, number_is_one(number) ? "penny" : "pence");
        return number->size + 1;
    }
    const char *scale = NULL;
    size_t n = find_scale(x, end, true, &scale), space = norm_spaces(x, end + n);
    bool code;
    const struct currency *currency = space > 1 ? NULL : find_currency(x, end + n + space, &size, &code);
    if (currency != NULL && number->size == 1 && space == 0 && norm_literal(x, end, "rs") > 0)
        return 0; /* "the 3Rs" */
    if (currency == NULL || !norm_is_border(x, end + n + space + size) ||
        (!code && char_is_digit(norm_char(x, end + n + space + size))))
        return 0; /* a sign before a digit belongs to the next sum */
    size_t used = number->size + n + space + size;
    norm_range(x, at, at + used, "money");
    if (n > 0) {
        say_number(x, number);
        norm_say(x, scale);
        norm_say_words(x, currency->many);
    } else {
        say_sum(x, currency, number, false);
    }
    return used + take_rate(x, at + used);
}
