/* abbreviations.c: shortened words, with and without their point, titles, states and street names. */
#include <pthread.h>
#include <string.h>

#include "text/norm.h"

/* Said whether or not a point follows. Lower case; sorted. */
static const struct norm_entry anywhere[] = {
    {"aka", "also known as"},  {"approx", "approximately"},
    {"asst", "assistant"},     {"blvd", "boulevard"},
    {"capt", "captain"},       {"cmdr", "commander"},
    {"dept", "department"},    {"dr", "doctor"},
    {"esp", "especially"},     {"etc", "et cetera"},
    {"excl", "excluding"},     {"expy", "expressway"},
    {"govt", "government"},    {"hwy", "highway"},
    {"incl", "including"},     {"jr", "junior"},
    {"lieut", "lieutenant"},   {"messrs", "messieurs"},
    {"mgr", "manager"},        {"mr", "mister"},
    {"mrs", "misses"},         {"ms", "miz"},
    {"mtn", "mountain"},       {"pkwy", "parkway"},
    {"pls", "please"},         {"plz", "please"},
    {"ppl", "people"},         {"pres", "president"},
    {"prof", "professor"},     {"sgt", "sergeant"},
    {"sr", "senior"},          {"st", "saint"},
    {"sts", "saints"},         {"supt", "superintendent"},
    {"thru", "through"},       {"thurs", "Thursday"},
    {"thx", "thanks"},         {"tmrw", "tomorrow"},
    {"tues", "Tuesday"},       {"univ", "university"},
    {"vs", "versus"},          {"wwi", "World War one"},
    {"wwii", "World War two"},
};

/* Said so only with a point, as are the streets and the calendar below. */
static const struct norm_entry pointed[] = {
    {"adm", "admiral"},
    {"amb", "ambassador"},
    {"assn", "association"},
    {"attn", "attention"},
    {"avg", "average"},
    {"bldg", "building"},
    {"brig", "brigadier"},
    {"bros", "brothers"},
    {"ca", "circa"},
    {"cf", "compare"},
    {"ch", "chapter"},
    {"cmd", "command"},
    {"co", "company"},
    {"col", "colonel"},
    {"comdr", "commander"},
    {"cont", "continued"},
    {"corp", "corporation"},
    {"cpl", "corporal"},
    {"def", "definition"},
    {"det", "detective"},
    {"diff", "difference"},
    {"dist", "district"},
    {"div", "division"},
    {"ed", "edition"},
    {"eds", "editors"},
    {"eg", "for example"},
    {"eq", "equation"},
    {"esq", "esquire"},
    {"est", "established"},
    {"fig", "figure"},
    {"figs", "figures"},
    {"fr", "father"},
    {"ft", "fort"},
    {"gen", "general"},
    {"gov", "governor"},
    {"hon", "honorable"},
    {"ie", "that is"},
    {"inc", "incorporated"},
    {"info", "information"},
    {"insp", "inspector"},
    {"intl", "international"},
    {"lt", "lieutenant"},
    {"ltd", "limited"},
    {"maj", "major"},
    {"max", "maximum"},
    {"min", "minimum"},
    {"misc", "miscellaneous"},
    {"mt", "mount"},
    {"natl", "national"},
    {"no", "number"},
    {"nos", "numbers"},
    {"op", "opus"},
    {"oz", "ounces"},
    {"par", "paragraph"},
    {"para", "paragraph"},
    {"pg", "page"},
    {"pp", "pages"},
    {"pt", "part"},
    {"pvt", "private"},
    {"ref", "reference"},
    {"rep", "representative"},
    {"rev", "reverend"},
    {"sec", "section"},
    {"sect", "section"},
    {"sen", "senator"},
    {"ste", "suite"},
    {"tbsp", "tablespoon"},
    {"tel", "telephone"},
    {"temp", "temperature"},
    {"tsp", "teaspoon"},
    {"viz", "namely"},
    {"vol", "volume"},
    {"vols", "volumes"},
};

/* Said so only before a number (with or without point). */
static const struct norm_entry numbered[] = {
    {"apt", "apartment"}, {"art", "article"},   {"c", "circa"},          {"ch", "chapter"},
    {"chs", "chapters"},  {"cl", "clause"},     {"cor", "Corinthians"},  {"eq", "equation"},
    {"exh", "exhibit"},   {"ext", "extension"}, {"fig", "figure"},       {"figs", "figures"},
    {"mag", "magnitude"}, {"no", "number"},     {"nos", "numbers"},      {"p", "page"},
    {"par", "paragraph"}, {"pg", "page"},       {"pp", "pages"},         {"ps", "Psalm"},
    {"qty", "quantity"},  {"rev", "revision"},  {"rm", "room"},          {"rt", "route"},
    {"sec", "section"},   {"ste", "suite"},     {"temp", "temperature"}, {"ver", "version"},
    {"vol", "volume"},    {"wk", "week"},
};

/* Endings of street names. */
static const struct norm_entry streets[] = {
    {"av", "avenue"},    {"ave", "avenue"},  {"blvd", "boulevard"},  {"cir", "circle"},  {"cres", "crescent"},
    {"ct", "court"},     {"dr", "drive"},    {"expy", "expressway"}, {"hwy", "highway"}, {"ln", "lane"},
    {"pkwy", "parkway"}, {"pl", "place"},    {"plz", "plaza"},       {"rd", "road"},     {"sq", "square"},
    {"st", "street"},    {"ter", "terrace"},
};

static const struct norm_entry directions[] = {
    {"e", "east"},  {"n", "north"},      {"ne", "northeast"}, {"nw", "northwest"},
    {"s", "south"}, {"se", "southeast"}, {"sw", "southwest"}, {"w", "west"},
};

static const struct norm_entry states[] = {
    {"AK", "Alaska"},         {"AL", "Alabama"},       {"AR", "Arkansas"},      {"AZ", "Arizona"},
    {"CA", "California"},     {"CO", "Colorado"},      {"CT", "Connecticut"},   {"DC", "D C"},
    {"DE", "Delaware"},       {"FL", "Florida"},       {"GA", "Georgia"},       {"HI", "Hawaii"},
    {"IA", "Iowa"},           {"ID", "Idaho"},         {"IL", "Illinois"},      {"IN", "Indiana"},
    {"KS", "Kansas"},         {"KY", "Kentucky"},      {"LA", "Louisiana"},     {"MA", "Massachusetts"},
    {"MD", "Maryland"},       {"ME", "Maine"},         {"MI", "Michigan"},      {"MN", "Minnesota"},
    {"MO", "Missouri"},       {"MS", "Mississippi"},   {"MT", "Montana"},       {"NC", "North Carolina"},
    {"ND", "North Dakota"},   {"NE", "Nebraska"},      {"NH", "New Hampshire"}, {"NJ", "New Jersey"},
    {"NM", "New Mexico"},     {"NV", "Nevada"},        {"NY", "New York"},      {"OH", "Ohio"},
    {"OK", "Oklahoma"},       {"OR", "Oregon"},        {"PA", "Pennsylvania"},  {"RI", "Rhode Island"},
    {"SC", "South Carolina"}, {"SD", "South Dakota"},  {"TN", "Tennessee"},     {"TX", "Texas"},
    {"UT", "Utah"},           {"VA", "Virginia"},      {"VT", "Vermont"},       {"WA", "Washington"},
    {"WI", "Wisconsin"},      {"WV", "West Virginia"}, {"WY", "Wyoming"},
};

/* Whether the point at `at` (after an abbreviation) ends the sentence, too: nothing but closing marks follows. */
static bool ends_sentence(const struct norm *x, size_t at)
{
    at++;
    while (at < x->size && (strchr(" \"')]", x->text[at]) != NULL || char_is_wide(x->text[at])))
        at++;
    return at >= x->size;
}

/* Says what an abbreviation stands for; returns the bytes used, the point among them unless it ends the sentence. */
static size_t say(struct norm *x, size_t at, size_t size, const char *words, bool keep_capital)
{
    bool point = norm_char(x, at + size) == '.';
    size_t used = size + (point && !ends_sentence(x, at + size));
    norm_range(x, at, at + size + point, "abbreviation");
    char text[48];
    size_t n = strlen(words);
    memcpy(text, words, n + 1);
    if (keep_capital && char_is_upper(x->text[at]))
        text[0] = char_upper(text[0]);
    norm_say_words(x, text);
    return used;
}

static bool previous_is_capital(const struct norm *x)
{
    const struct token *last = norm_last(x);
    if (last == NULL)
        return false;
    const char *word = x->out->pool.data + last->text;
    return last->kind == TOKEN_WORD && last->text_size > 1 &&
           (char_is_upper(*word) ||
            (last->origin == ORIGIN_NORMALIZED && norm_in(word + last->text_size - 2, 2, "st|nd|rd|th")));
}

static bool next_is_capital(const struct norm *x, size_t at)
{
    at += norm_char(x, at) == '.';
    return norm_char(x, at) == ' ' && char_is_upper(norm_char(x, at + 1));
}

/* "Elm St.", "5th Ave", but "St. Paul", "Dr. Evil". */
static size_t scan_street(struct norm *x, size_t at, size_t size, const char *word)
{
    const char *street = NORM_FIND(streets, word, size);
    if (street == NULL || !char_is_upper(x->text[at]) || !previous_is_capital(x))
        return 0;
    if (norm_in(word, size, "cir") && norm_char(x, at + size) == '.' &&
        !char_is_upper(norm_char(x, at + size + 2)))
        street = "circuit"; /* "9th Cir. 1997" */
    bool title = (size == 2 && (memcmp(word, "st", 2) == 0 || memcmp(word, "dr", 2) == 0));
    size_t next = at + size + (norm_char(x, at + size) == '.');
    if (title && next_is_capital(x, at + size) &&
        !norm_in(x->text + next + 1, norm_letters(x, next + 1),
                 "it|he|she|they|we|the|there|in|and|n|s|e|w|apt|suite|then|this|but"))
        return 0;
    if (!title && size == 2 && norm_char(x, at + size) != '.' && norm_char(x, at + size) != ',' &&
        at + size < x->size)
        return 0; /* "Ct", "Pl" alone are seldom streets in the middle of a sentence */
    return say(x, at, size, street, true);
}

static size_t scan_state(struct norm *x, size_t at, size_t size)
{
    const char *state = size == 2 ? NORM_FIND(states, x->text + at, 2) : NULL;
    if (state == NULL || x->out->count <= x->first)
        return 0;
    bool comma = at >= 3 && x->text[at - 1] == ' ' && x->text[at - 2] == ',' &&
                 char_is_lower(x->text[at - 3]) && !norm_previous_in(x, "esquire|junior|senior|doctor");
    bool zip = norm_char(x, at + 2) == ' ' && norm_digits(x, at + 3) == 5;
    char next = norm_char(x, at + 2);
    bool end = next == ',' || next == '.' || at + 2 >= x->size || char_is_space(next);
    return zip || (comma && end) ? say(x, at, size, state, false) : 0;
}

/* "U.S.", "e.g.", "Ph.D.": letters with points. Returns the bytes used. */
static size_t scan_initials(struct norm *x, size_t at)
{
    static const struct norm_entry known[] = {
        {"aka", "also known as"},
        {"eg", "for example"},
        {"ie", "that is"},
        {"phd", "P H D"},
    };
    char letters[16];
    size_t n = 0, end = at, parts = 0;
    while (n + 2 < sizeof letters) {
        size_t run = norm_letters(x, end);
        bool part =
            run > 0 && run <= 3 && char_is_upper(x->text[end]) && (n > 0 || run < 3); /* "B.Sc.", "Ph.D." */
        if ((run != 1 && !part) || n + run + 2 >= sizeof letters || norm_char(x, end + run) != '.')
            break;
        memcpy(letters + n, x->text + end, run);
        n += run;
        end += run + 1;
        parts++;
    }
    if (norm_letters(x, end) == 1 && norm_is_border(x, end + 1) && n > 0 && norm_char(x, end) != ' ')
        letters[n++] = x->text[end++], parts++;
    if (parts < 2 || !norm_is_border(x, end))
        return 0;
    bool point = x->text[end - 1] == '.';
    char lower[16];
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(letters[i]);
    norm_range(x, at, end, "initials");
    const char *words = NORM_FIND(known, lower, n);
    if (words != NULL)
        norm_say_words(x, words);
    else
        norm_say_letters(x, letters, n);
    return end - at - (point && ends_sentence(x, end - 1));
}

/* "w/", "w/o", "b/c", "c/o", "n/a", "and/or", "24/7" have a meaning of their own. */
static size_t scan_slashed(struct norm *x, size_t at)
{
    static const char *const known[][2] = {
        {"w/out", "without"},       {"w/o", "without"},    {"b/c", "because"},
        {"c/o", "care of"},         {"and/or", "and or"},  {"he/she", "he or she"},
        {"his/her", "his or her"},  {"s/he", "she or he"}, {"him/her", "him or her"},
        {"either/or", "either or"}, {"b/w", "between"},    {"y/o", "year old"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = norm_word(x, at, known[i][0]);
        if (n > 0) {
            norm_range(x, at, at + n, "abbreviation");
            norm_say_words(x, known[i][1]);
            return n;
        }
    }
    static const char *const rates[][2] = {
        {"km/h", "kilometers per hour"},  {"m/s", "meters per second"},
        {"mb/s", "megabytes per second"}, {"gb/s", "gigabytes per second"},
        {"kb/s", "kilobytes per second"}, {"mg/dl", "milligrams per deciliter"},
        {"g/ml", "grams per milliliter"}};
    for (size_t i = 0; i < sizeof rates / sizeof *rates && norm_wants(x, LT_TEXT_UNITS); i++) {
        size_t n = norm_word(x, at, rates[i][0]);
        if (n > 0) {
            norm_range(x, at, at + n, "unit");
            norm_say_words(x, rates[i][1]);
            return n;
        }
    }
    if (norm_literal(x, at, "w/") > 0 && !char_is_digit(norm_char(x, at + 2)) &&
        norm_char(x, at + 3) != '/') {
        norm_range(x, at, at + 2, "abbreviation");
        norm_say(x, "with");
        return 2;
    }
    if (norm_word(x, at, "n/a") > 0) {
        norm_range(x, at, at + 3, "abbreviation");
        norm_say_letters(x, "NA", 2);
        return 3;
    }
    return 0;
}

/* Short months and days, which are words of their own, too ("sat", "mar", "sun"). */
static const struct norm_entry calendar[] = {
    {"apr", "April"},    {"aug", "August"},    {"dec", "December"},   {"feb", "February"},
    {"fri", "Friday"},   {"jan", "January"},   {"jul", "July"},       {"jun", "June"},
    {"mar", "March"},    {"mon", "Monday"},    {"nov", "November"},   {"oct", "October"},
    {"sat", "Saturday"}, {"sep", "September"}, {"sept", "September"}, {"sun", "Sunday"},
    {"thu", "Thursday"}, {"thur", "Thursday"}, {"thurs", "Thursday"}, {"tue", "Tuesday"},
    {"tues", "Tuesday"}, {"wed", "Wednesday"},
};

/* The day or month that the capitalised word at `at` is or is short for, with its kind; NULL: it is none. */
static const char *calendar_name(const struct norm *x, size_t at, size_t size, bool *day)
{
    char lower[9];
    if (size < 3 || size > sizeof lower || !char_is_upper(norm_char(x, at)) || !norm_is_border(x, at + size))
        return NULL;
    for (size_t i = 0; i < size; i++)
        lower[i] = char_lower(x->text[at + i]);
    const char *name = NORM_FIND(calendar, lower, size);
    for (size_t i = 0; i < sizeof calendar / sizeof *calendar && name == NULL; i++)
        if (strlen(calendar[i].value) == size && norm_literal(x, at, calendar[i].key) > 0 &&
            memcmp(calendar[i].value + 1, lower + 1, size - 1) == 0)
            name = calendar[i].value;
    if (name == NULL && size == 3 && memcmp(lower, "may", 3) == 0)
        name = "May";
    *day = name != NULL && strcmp(name + strlen(name) - 3, "day") == 0;
    return name;
}

/* "Mon-Fri", "Monday–Friday", "Jan-Mar": from one day or month to another. */
size_t scan_calendar_range(struct norm *x, size_t at, size_t size)
{
    bool day, other_day;
    if (size == 1 && norm_word(x, at, "m-f") > 0 && char_is_upper(x->text[at]) &&
        (norm_char(x, at + 3) == ' ' || norm_char(x, at + 3) == ',') &&
        norm_digits(x, at + 4 + (norm_char(x, at + 3) == ',')) > 0) {
        norm_range(x, at, at + 3, "days or months"); /* "M-F 9-5" */
        norm_say_words(x, "Monday to Friday");
        return 3;
    }
    size_t dash = norm_dash(x, at + size), other = at + size + dash, n = norm_letters(x, other);
    const char *first = dash == 0 ? NULL : calendar_name(x, at, size, &day);
    const char *last = first == NULL ? NULL : calendar_name(x, other, n, &other_day);
    if (last == NULL || day != other_day || norm_dash(x, other + n) > 0)
        return 0;
    norm_range(x, at, at + size, "days or months");
    norm_say(x, first);
    norm_range(x, at + size, other, "days or months");
    norm_say(x, "to");
    if (day || !char_is_digit(norm_char(x, other + n + 1))) {
        norm_range(x, other, other + n, "days or months");
        norm_say(x, last);
        return other + n - at;
    }
    return other - at; /* the month may have a date of its own */
}

/* The size of the short month or day at `at`, 0 when there is none. */
static size_t calendar_size(const struct norm *x, size_t at)
{
    char lower[5];
    size_t n = norm_letters(x, at);
    if (n < 3 || n > 5 || !char_is_upper(x->text[at]) || !char_is_lower(x->text[at + 1]))
        return 0;
    for (size_t i = 0; i < n; i++)
        lower[i] = char_lower(x->text[at + i]);
    return NORM_FIND(calendar, lower, n) != NULL ? n : 0;
}

/* "Jan., Feb. and Mar.", "Mon. to Fri.", "4 p.m. Sat": short months and days beside others, or after a time. */
static size_t scan_calendar(struct norm *x, size_t at, size_t size, const char *word)
{
    static const char others[] =
        "january|february|march|april|may|june|july|august|september|october|november|"
        "december|monday|tuesday|wednesday|thursday|friday|saturday|sunday";
    if (calendar_size(x, at) != size || norm_previous_in(x, "the|a|an|i|he|she|we|they|you|it"))
        return 0;
    size_t point = norm_char(x, at + size) == '.', next = at + size + point;
    next += norm_char(x, next) == ',';
    next += norm_spaces(x, next);
    bool sure = norm_previous_in(x, "am|pm") ||
                (point > 0 && norm_previous_in(x, "on|every|next|last|until|till|since")) ||
                norm_recent_in(x, others);
    if (!sure) {
        static const char *const links[] = {"to ", "and ", "or ", "through ", "thru ", "& ", "- ", "– "};
        for (size_t i = 0; i < sizeof links / sizeof *links; i++)
            if (norm_literal(x, next, links[i]) > 0) {
                next += strlen(links[i]);
                break;
            }
        if (norm_digits(x, next) > 0) /* "Mon., 5 Feb." */
            next += norm_digits(x, next) + 1;
        sure = calendar_size(x, next) > 0;
    }
    return sure ? say(x, at, size, NORM_FIND(calendar, word, size), false) : 0;
}

/* "b. 1972", "d. 2020", "the 5th c.": born, died, century. */
static size_t scan_life(struct norm *x, size_t at, size_t size)
{
    char letter = x->text[at];
    size_t year = at + 2 + norm_spaces(x, at + 2);
    const struct token *last = norm_last(x);
    if (size == 1 && letter == 'c' && norm_char(x, at + 1) == '.' && last != NULL && last->text_size > 2 &&
        last->origin == ORIGIN_NORMALIZED &&
        norm_in(x->out->pool.data + last->text + last->text_size - 2, 2, "st|nd|rd|th")) {
        norm_range(x, at, at + 2, "abbreviation"); /* "the 5th c." */
        norm_say(x, "century");
        return ends_sentence(x, at + 1) ? 1 : 2;
    }
    if (size != 1 || (letter != 'b' && letter != 'd') || norm_char(x, at + 1) != '.' ||
        norm_digits(x, year) != 4 || !norm_is_border(x, year + 4))
        return 0;
    norm_range(x, at, at + 2, "abbreviation");
    norm_say(x, letter == 'b' ? "born" : "died");
    return 2;
}

/* "Roe v. Wade" */
static size_t scan_versus(struct norm *x, size_t at, size_t size)
{
    if (size != 1 || x->text[at] != 'v' || norm_char(x, at + 1) != '.' || !previous_is_capital(x) ||
        !next_is_capital(x, at + 1))
        return 0;
    norm_range(x, at, at + 2, "abbreviation");
    norm_say(x, "versus");
    return 2;
}

/* "Elm Ave NW": after the street comes the direction. */
static size_t scan_direction(struct norm *x, size_t at, size_t size, const char *word)
{
    const char *direction = size <= 2 && char_is_upper(x->text[at]) && char_is_upper(x->text[at + size - 1])
                                ? NORM_FIND(directions, word, size)
                                : NULL;
    if (direction == NULL ||
        !norm_previous_in(
            x, "street|avenue|road|lane|drive|court|place|boulevard|parkway|highway|way|square|terrace"))
        return 0;
    return say(x, at, size, direction, true);
}

static size_t scan_weekday(struct norm *x, size_t at, size_t size)
{
    bool day;
    const char *name = size == 3 ? calendar_name(x, at, size, &day) : NULL;
    size_t comma = at + size;
    if (name == NULL || !day || norm_char(x, comma) != ',')
        return 0;
    comma += 1 + norm_spaces(x, comma + 1);
    static const char months[] =
        "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june|july|"
        "august|september|october|november|december";
    if (!char_is_digit(norm_char(x, comma)) && !norm_in(x->text + comma, norm_letters(x, comma), months))
        return 0;
    return say(x, at, size, name, false);
}

/* Whether the word names a key: held with another one, or pressed alone. */
static bool is_key(const struct norm *x, size_t at, size_t size, bool *chord)
{
    const char *word = x->text + at;
    char sign = norm_char(x, at + size), next = norm_char(x, at + size + 1);
    char first = char_lower(word[0]), second = char_lower(norm_char(x, at + 1));
    bool alone = size > 2 && size < 5 &&
                 ((first == 'c' && (second == 't' || second == 'm')) || (first == 'e' && second == 's') ||
                  (first == 'd' && second == 'e') || (first == 'i' && second == 'n') || second == 'g');
    *chord = false;
    if (sign != '+' && sign != '-' && !alone)
        return false; /* nearly all words */
    bool sure = norm_in(word, size, "ctrl|cmd");
    bool held = sure || norm_in(word, size, "control|command|alt|shift|opt|option|win|meta|super|fn");
    *chord = held && char_is_alnum(next) &&
             (sign == '+' || (sign == '-' && (sure || char_is_digit(norm_char(x, at + size + 2)))));
    return *chord || norm_in(word, size, "ctrl") ||
           (norm_in(word, size, "esc|del|ins|pgup|pgdn|cmd") &&
            norm_previous_in(x, "press|pressed|pressing|hit|hitting|tap|the|hold|plus"));
}

static void say_key(struct norm *x, size_t at, size_t size)
{
    static const struct norm_entry keys[] = {
        {"cmd", "Command"},        {"ctrl", "Control"}, {"del", "Delete"},     {"esc", "Escape"},
        {"ins", "Insert"},         {"opt", "Option"},   {"pgdn", "Page Down"}, {"pgup", "Page Up"},
        {"prtsc", "Print Screen"}, {"win", "Windows"},
    };
    char lower[6];
    for (size_t i = 0; i < size && i < sizeof lower; i++)
        lower[i] = char_lower(x->text[at + i]);
    const char *name = size < sizeof lower ? NORM_FIND(keys, lower, size) : NULL;
    norm_range(x, at, at + size, "key");
    if (name != NULL)
        norm_say_words(x, name);
    else
        norm_say_text(x, x->text + at, size);
}

/* "Ctrl+C", "Ctrl-Alt-Del", "Cmd+Shift+4": keys that are pressed together. */
static size_t scan_keys(struct norm *x, size_t at, size_t size)
{
    bool chord;
    if (!is_key(x, at, size, &chord))
        return 0;
    char sign = norm_char(x, at + size);
    size_t end = at + size;
    say_key(x, at, size);
    while (chord && norm_char(x, end) == sign) {
        size_t letters = norm_letters(x, end + 1), digits = norm_digits(x, end + 1 + letters);
        if (letters + digits == 0)
            break;
        norm_range(x, end, end + 1, "key");
        if (sign == '+')
            norm_say(x, "plus");
        end++;
        if (letters > 0)
            say_key(x, end, letters);
        end += letters;
        norm_range(x, end, end + digits, "key"); /* "F4" */
        if (digits > 0)
            say_cardinal(x, x->text + end, digits);
        end += digits;
    }
    return end - at;
}

/* Abbreviations that what stands right behind them tells: "Mk II", "J. Smith", "No.1", "Mr.Smith". */
static size_t scan_tight(struct norm *x, size_t at, size_t size, const char *word)
{
    char next = norm_char(x, at + size);
    bool point = next == '.';
    if (size == 2 && norm_in(word, size, "mk") && next == ' ' &&
        strchr("IVX", norm_char(x, at + 3)) != NULL) {
        norm_range(x, at, at + size, "abbreviation"); /* "Mk II" */
        norm_say(x, "Mark");
        return size;
    }
    if (size == 2 && (word[0] == 'm' || word[0] == 'f') && word[1] == 't' && next == ' ' &&
        char_is_upper(x->text[at]) && char_is_lower(x->text[at + 1]) && char_is_upper(norm_char(x, at + 3)) &&
        char_is_lower(norm_char(x, at + 4))) {
        norm_range(x, at, at + size, "abbreviation"); /* "Mt Everest", "Ft Worth" */
        norm_say(x, word[0] == 'm' ? "Mount" : "Fort");
        return size;
    }
    if (size == 1 && point && char_is_upper(x->text[at]) && norm_char(x, at + 2) == ' ' &&
        char_is_upper(norm_char(x, at + 3))) { /* "J. Smith" */
        norm_range(x, at, at + 2, "initial");
        norm_say_letters(x, x->text + at, 1);
        return 2;
    }
    char beyond = norm_char(x, at + size + 1);
    if (point && char_is_digit(beyond) && NORM_FIND(numbered, word, size) != NULL) { /* "No.1" */
        norm_range(x, at, at + size + 1, "abbreviation");
        norm_say(x, NORM_FIND(numbered, word, size));
        return size + 1;
    }
    if (point && char_is_upper(beyond) && char_is_upper(x->text[at]) && size > 1 &&
        NORM_FIND(anywhere, word, size) != NULL) {
        norm_range(x, at, at + size + 1, "abbreviation"); /* "Mr.Smith" */
        norm_say(x, NORM_FIND(anywhere, word, size));
        return size + 1;
    }
    return 0;
}

/* Words in their own right, which a sentence may end with. */
static bool is_word(const struct norm *x, size_t at, size_t size, const char *word, bool number)
{
    if (norm_in(word, size, "no") && !number)
        return true;
    return norm_in(
               word, size,
               "no|sat|sun|max|min|dec|mar|def|art|ed|cont|temp|fig|gen|rep|info|op|col|wed|par|ref|rev|ch|"
               "ca|pt|pl|ln|ct|rd|cmd|diff|div|oz|est|pg") &&
           (ends_sentence(x, at + size) || (norm_in(word, size, "no|sat|wed|art|ed|op|par|max|min") &&
                                            !next_is_capital(x, at + size) && !number));
}

/* Abbreviations that only their point tells from words; `number`: one follows. */
static size_t scan_pointed(struct norm *x, size_t at, size_t size, const char *word, bool number)
{
    const char *words = NORM_FIND(pointed, word, size);
    words = words == NULL ? NORM_FIND(streets, word, size) : words;
    words = words == NULL && !norm_in(word, size, "mar|mon|sun") ? NORM_FIND(calendar, word, size) : words;
    if (words == NULL)
        return 0;
    if (norm_in(word, size, "ed") && norm_word(x, at + size + 2, "by") > 0)
        return say(x, at, size, "edited", true);
    if (is_word(x, at, size, word, number))
        return 0;
    if (norm_in(word, size, "est") && !number)
        words = "estimated";
    return say(x, at, size, words, char_is_upper(words[0]));
}

/* A set of short words that says no to nearly all others: a bit for what their first, last and middle letters and size make. */
static uint64_t short_words[16];
static pthread_once_t short_words_once = PTHREAD_ONCE_INIT;

static size_t short_word_bit(const char *word, size_t size)
{
    return ((unsigned char)word[0] + 5U * (unsigned char)word[size / 2] +
            19U * (unsigned char)word[size - 1] + 131U * size) %
           (sizeof short_words * 8);
}

static void add_short_word(const char *word)
{
    size_t bit = short_word_bit(word, strlen(word));
    short_words[bit / 64] |= (uint64_t)1 << bit % 64;
}

static void make_short_words(void)
{
    static const char *const more[] = {"mk", "ctrl", "cmd", "esc", "del", "ins", "pgup", "pgdn"};
    for (size_t i = 0; i < sizeof anywhere / sizeof *anywhere; i++)
        add_short_word(anywhere[i].key);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        add_short_word(more[i]);
}

void abbreviations_prepare(void)
{
    pthread_once(&short_words_once, make_short_words);
}

/* Whether the word, which has small letters at both ends and a word or nothing behind it, is surely no abbreviation. */
static bool is_plain(const struct norm *x, size_t at, size_t size)
{
    const char *word = x->text + at;
    if (norm_char(x, at + size) != ' ' || !char_is_lower(word[0]) || !char_is_lower(word[size - 1]) ||
        !char_is_lower(word[size / 2]) || char_is_digit(norm_char(x, at + size + 1)))
        return false;
    size_t bit = short_word_bit(word, size);
    return (short_words[bit / 64] >> bit % 64 & 1) == 0;
}

size_t scan_abbreviation(struct norm *x, size_t at, size_t size)
{
    char word[12], next = norm_char(x, at + size);
    size_t used;
    if (size == 0 || size > 8 || char_is_wide(x->text[at]) || is_plain(x, at, size))
        return 0;
    if (next == '/' && (used = scan_slashed(x, at)) > 0)
        return used;
    if (next == '.' && size <= 2 && (used = scan_initials(x, at)) > 0)
        return used;
    for (size_t i = 0; i < size; i++)
        word[i] = char_lower(x->text[at + i]);
    if ((used = scan_keys(x, at, size)) > 0)
        return used;
    bool point = next == '.';
    if ((used = scan_tight(x, at, size, word)) > 0)
        return used;
    if (!norm_is_border(x, at + size) || next == '-' || next == '\'' ||
        (point && (char_is_alnum(norm_char(x, at + size + 1)) || norm_char(x, at + size + 1) == '.')))
        return 0;
    if (!point && next != ',' && !char_is_upper(x->text[at]) && !char_is_digit(norm_char(x, at + size + 1)) &&
        NORM_FIND(anywhere, word, size) == NULL)
        return 0; /* most words */
    if ((used = scan_street(x, at, size, word)) > 0 || (used = scan_state(x, at, size)) > 0 ||
        (used = scan_weekday(x, at, size)) > 0 || (used = scan_calendar(x, at, size, word)) > 0 ||
        (used = scan_life(x, at, size)) > 0 || (used = scan_direction(x, at, size, word)) > 0 ||
        (used = scan_versus(x, at, size)) > 0)
        return used;
    size_t after = at + size + point;
    bool number = char_is_digit(norm_char(x, after + norm_spaces(x, after)));
    const char *words =
        number && (point || size > 1) &&
                !(size == 2 && !point && char_is_lower(x->text[at]) && norm_in(word, size, "no"))
            ? NORM_FIND(numbered, word, size)
            : NULL;
    if (words != NULL && (point || size > 2 || char_is_upper(x->text[at])))
        return say(x, at, size, words, true);
    bool title = size == 2 && (word[0] == 's' || word[0] == 'd') && (word[1] == 't' || word[1] == 'r');
    if (title && !char_is_upper(x->text[at]))
        return 0;
    if (title && !next_is_capital(x, at + size) && (word[0] == 'd' || word[1] == 't'))
        return word[1] == 't' && point && previous_is_capital(x) ? say(x, at, size, "street", true) : 0;
    bool all_capitals = size > 1 && char_is_upper(x->text[at + 1]);
    if (size <= 3 && norm_in(word, size, "ms|sr|jr|mr|mrs|st|dr") &&
        (!char_is_upper(x->text[at]) || (all_capitals && !point)))
        return 0;
    if ((words = NORM_FIND(anywhere, word, size)) != NULL &&
        !(size == 2 && norm_in(word, size, "ms") && !point && !next_is_capital(x, at + size)))
        return say(x, at, size, words, false);
    return point ? scan_pointed(x, at, size, word, number) : 0;
}

/* The number of a house: "1428 Elm St": digits, words with capitals, and the ending of a street name. */
size_t scan_address(struct norm *x, size_t at)
{
    size_t n = norm_digits(x, at), letter = char_is_upper(norm_char(x, at + n)), end = at + n + letter;
    if (n == 0 || n > 5 || norm_char(x, end) != ' ')
        return 0;
    size_t from = end + 1;
    for (int words = 0; words < 5; words++) {
        size_t size = norm_letters(x, from), ordinal = norm_digits(x, from);
        char lower[9];
        if (ordinal > 0)
            size = ordinal + norm_letters(x, from + ordinal);
        if (size == 0 || (ordinal == 0 && !char_is_upper(x->text[from])))
            return 0;
        for (size_t i = 0; i < size && i < sizeof lower; i++)
            lower[i] = char_lower(x->text[from + i]);
        bool street =
            words > 0 && size < sizeof lower &&
            (NORM_FIND(streets, lower, size) != NULL ||
             norm_in(lower, size,
                     "street|avenue|road|lane|drive|court|place|way|square|crescent|terrace|circle|highway"));
        if (street || (words > 0 && norm_word(x, from, "boulevard") + norm_word(x, from, "parkway") > 0)) {
            norm_range(x, at, end, "house number");
            say_pairs(x, x->text + at, n);
            if (letter > 0) /* "221B Baker St." */
                norm_say_letters(x, x->text + at + n, 1);
            size_t direction = norm_letters(x, end + 1);
            const char *said = direction > 0 && direction < 3 ? NORM_FIND(directions, lower, 0) : NULL;
            char key[2] = {char_lower(norm_char(x, end + 1)), char_lower(norm_char(x, end + 2))};
            said = direction > 0 && direction < 3 ? NORM_FIND(directions, key, direction) : said;
            if (said == NULL)
                return n + letter;
            size_t point = norm_char(x, end + 1 + direction) == '.';
            norm_range(x, end + 1, end + 1 + direction + point, "direction");
            char word[12] = "";
            strcpy(word, said);
            word[0] = char_upper(word[0]);
            norm_say(x, word);
            return n + letter + 1 + direction + point;
        }
        from += size + (norm_char(x, from + size) == '.');
        if (norm_char(x, from) != ' ')
            return 0;
        from++;
    }
    return 0;
}
