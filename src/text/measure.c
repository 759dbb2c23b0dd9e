/* measure.c: quantities: numbers with units, percent, degrees, products and quotients of units. */
#include <string.h>

#include "text/norm.h"

/* Written to said: "one|many". Sorted by bytes. */
static const struct norm_entry units[] = {
    {"%", "percent|percent"},
    {"A", "amp|amps"},
    {"AU", "astronomical unit|astronomical units"},
    {"Ah", "amp hour|amp hours"},
    {"BTU", "B T U|B T Us"},
    {"Bq", "becquerel|becquerels"},
    {"Btu", "B T U|B T Us"},
    {"Da", "dalton|daltons"},
    {"EB", "exabyte|exabytes"},
    {"GB", "gigabyte|gigabytes"},
    {"GFLOPS", "gigaflop|gigaflops"},
    {"GHz", "gigahertz|gigahertz"},
    {"GPa", "gigapascal|gigapascals"},
    {"GW", "gigawatt|gigawatts"},
    {"GWh", "gigawatt hour|gigawatt hours"},
    {"Gb", "gigabit|gigabits"},
    {"Gbit", "gigabit|gigabits"},
    {"Gbps", "gigabit per second|gigabits per second"},
    {"GeV", "gigaelectron volt|gigaelectron volts"},
    {"Ghz", "gigahertz|gigahertz"},
    {"GiB", "gibibyte|gibibytes"},
    {"Gy", "gray|grays"},
    {"Hz", "hertz|hertz"},
    {"IU", "I U|I Us"},
    {"J", "joule|joules"},
    {"K", "kelvin|kelvins"},
    {"KB", "kilobyte|kilobytes"},
    {"KG", "kilogram|kilograms"},
    {"KHz", "kilohertz|kilohertz"},
    {"KM", "kilometer|kilometers"},
    {"KW", "kilowatt|kilowatts"},
    {"KWh", "kilowatt hour|kilowatt hours"},
    {"Kb", "kilobyte|kilobytes"},
    {"Kbps", "kilobit per second|kilobits per second"},
    {"Kg", "kilogram|kilograms"},
    {"KiB", "kibibyte|kibibytes"},
    {"L", "liter|liters"},
    {"MB", "megabyte|megabytes"},
    {"MBps", "megabyte per second|megabytes per second"},
    {"MHz", "megahertz|megahertz"},
    {"MJ", "megajoule|megajoules"},
    {"MP", "megapixel|megapixels"},
    {"MPa", "megapascal|megapascals"},
    {"MW", "megawatt|megawatts"},
    {"MWh", "megawatt hour|megawatt hours"},
    {"Mb", "megabit|megabits"},
    {"Mbit", "megabit|megabits"},
    {"Mbps", "megabit per second|megabits per second"},
    {"MeV", "megaelectron volt|megaelectron volts"},
    {"Mhz", "megahertz|megahertz"},
    {"MiB", "mebibyte|mebibytes"},
    {"Mpx", "megapixel|megapixels"},
    {"MΩ", "megohm|megohms"},
    {"N", "newton|newtons"},
    {"PB", "petabyte|petabytes"},
    {"Pa", "pascal|pascals"},
    {"RPM", "revolution per minute|revolutions per minute"},
    {"Sv", "sievert|sieverts"},
    {"TB", "terabyte|terabytes"},
    {"THz", "terahertz|terahertz"},
    {"TW", "terawatt|terawatts"},
    {"TWh", "terawatt hour|terawatt hours"},
    {"Tb", "terabit|terabits"},
    {"Tbsp", "tablespoon|tablespoons"},
    {"TeV", "teraelectron volt|teraelectron volts"},
    {"TiB", "tebibyte|tebibytes"},
    {"V", "volt|volts"},
    {"VAC", "volt A C|volts A C"},
    {"VDC", "volt D C|volts D C"},
    {"W", "watt|watts"},
    {"Wh", "watt hour|watt hours"},
    {"ac", "acre|acres"},
    {"atm", "atmosphere|atmospheres"},
    {"au", "astronomical unit|astronomical units"},
    {"bar", "bar|bars"},
    {"bbl", "barrel|barrels"},
    {"bpm", "beat per minute|beats per minute"},
    {"bps", "bit per second|bits per second"},
    {"cL", "centiliter|centiliters"},
    {"cal", "calorie|calories"},
    {"cc", "c c|c c"},
    {"cd", "candela|candelas"},
    {"cl", "centiliter|centiliters"},
    {"cm", "centimeter|centimeters"},
    {"dB", "decibel|decibels"},
    {"dBA", "decibel|decibels"},
    {"dBm", "D B M|D B M"},
    {"dL", "deciliter|deciliters"},
    {"dl", "deciliter|deciliters"},
    {"dm", "decimeter|decimeters"},
    {"doz", "dozen|dozen"},
    {"dpi", "dot per inch|dots per inch"},
    {"eV", "electron volt|electron volts"},
    {"fl", "fluid|fluids"},
    {"fps", "frame per second|frames per second"},
    {"ft", "foot|feet"},
    {"g", "gram|grams"},
    {"gal", "gallon|gallons"},
    {"gb", "gigabyte|gigabytes"},
    {"gbps", "gigabit per second|gigabits per second"},
    {"ghz", "gigahertz|gigahertz"},
    {"gm", "gram|grams"},
    {"h", "hour|hours"},
    {"hPa", "hectopascal|hectopascals"},
    {"ha", "hectare|hectares"},
    {"hp", "horsepower|horsepower"},
    {"hr", "hour|hours"},
    {"hrs", "hour|hours"},
    {"in", "inch|inches"},
    {"inHg", "inch of mercury|inches of mercury"},
    {"kB", "kilobyte|kilobytes"},
    {"kDa", "kilodalton|kilodaltons"},
    {"kHz", "kilohertz|kilohertz"},
    {"kJ", "kilojoule|kilojoules"},
    {"kL", "kiloliter|kiloliters"},
    {"kN", "kilonewton|kilonewtons"},
    {"kPa", "kilopascal|kilopascals"},
    {"kV", "kilovolt|kilovolts"},
    {"kVA", "kilovolt amp|kilovolt amps"},
    {"kW", "kilowatt|kilowatts"},
    {"kWh", "kilowatt hour|kilowatt hours"},
    {"kb", "kilobyte|kilobytes"},
    {"kbit", "kilobit|kilobits"},
    {"kbps", "kilobit per second|kilobits per second"},
    {"kcal", "kilocalorie|kilocalories"},
    {"keV", "kiloelectron volt|kiloelectron volts"},
    {"kg", "kilogram|kilograms"},
    {"kgs", "kilogram|kilograms"},
    {"khz", "kilohertz|kilohertz"},
    {"km", "kilometer|kilometers"},
    {"kmh", "kilometer per hour|kilometers per hour"},
    {"kms", "kilometer|kilometers"},
    {"kn", "knot|knots"},
    {"kph", "kilometer per hour|kilometers per hour"},
    {"kt", "knot|knots"},
    {"kts", "knot|knots"},
    {"kw", "kilowatt|kilowatts"},
    {"kwh", "kilowatt hour|kilowatt hours"},
    {"kΩ", "kilohm|kilohms"},
    {"l", "liter|liters"},
    {"lb", "pound|pounds"},
    {"lbf", "pound force|pounds force"},
    {"lbs", "pound|pounds"},
    {"lm", "lumen|lumens"},
    {"lx", "lux|lux"},
    {"ly", "light year|light years"},
    {"m", "meter|meters"},
    {"mA", "milliamp|milliamps"},
    {"mAh", "milliamp hour|milliamp hours"},
    {"mH", "millihenry|millihenries"},
    {"mL", "milliliter|milliliters"},
    {"mM", "millimolar|millimolar"},
    {"mSv", "millisievert|millisieverts"},
    {"mV", "millivolt|millivolts"},
    {"mW", "milliwatt|milliwatts"},
    {"mb", "megabyte|megabytes"},
    {"mbar", "millibar|millibars"},
    {"mbps", "megabit per second|megabits per second"},
    {"mcg", "microgram|micrograms"},
    {"mg", "milligram|milligrams"},
    {"mhz", "megahertz|megahertz"},
    {"mi", "mile|miles"},
    {"min", "minute|minutes"},
    {"mins", "minute|minutes"},
    {"ml", "milliliter|milliliters"},
    {"mm", "millimeter|millimeters"},
    {"mmHg", "millimeter of mercury|millimeters of mercury"},
    {"mmol", "millimole|millimoles"},
    {"mo", "month|months"},
    {"mol", "mole|moles"},
    {"mos", "month|months"},
    {"mpg", "mile per gallon|miles per gallon"},
    {"mph", "mile per hour|miles per hour"},
    {"ms", "millisecond|milliseconds"},
    {"msec", "millisecond|milliseconds"},
    {"mΩ", "milliohm|milliohms"},
    {"nA", "nanoamp|nanoamps"},
    {"nF", "nanofarad|nanofarads"},
    {"nM", "nanomolar|nanomolar"},
    {"ng", "nanogram|nanograms"},
    {"nm", "nanometer|nanometers"},
    {"nmi", "nautical mile|nautical miles"},
    {"nmol", "nanomole|nanomoles"},
    {"ns", "nanosecond|nanoseconds"},
    {"ohm", "ohm|ohms"},
    {"oz", "ounce|ounces"},
    {"pF", "picofarad|picofarads"},
    {"pc", "parsec|parsecs"},
    {"pcs", "piece|pieces"},
    {"pct", "percent|percent"},
    {"ppb", "part per billion|parts per billion"},
    {"ppm", "part per million|parts per million"},
    {"psi", "P S I|P S I"},
    {"pt", "pint|pints"},
    {"pts", "point|points"},
    {"px", "pixel|pixels"},
    {"qt", "quart|quarts"},
    {"qts", "quart|quarts"},
    {"rpm", "revolution per minute|revolutions per minute"},
    {"s", "second|seconds"},
    {"sec", "second|seconds"},
    {"secs", "second|seconds"},
    {"sq", "square|square"},
    {"tb", "terabyte|terabytes"},
    {"tbsp", "tablespoon|tablespoons"},
    {"tsp", "teaspoon|teaspoons"},
    {"uF", "microfarad|microfarads"},
    {"um", "micrometer|micrometers"},
    {"wk", "week|weeks"},
    {"wks", "week|weeks"},
    {"yd", "yard|yards"},
    {"yds", "yard|yards"},
    {"yr", "year|years"},
    {"yrs", "year|years"},
    {"°", "degree|degrees"},
    {"°C", "degree Celsius|degrees Celsius"},
    {"°F", "degree Fahrenheit|degrees Fahrenheit"},
    {"°K", "kelvin|kelvins"},
    {"µA", "microamp|microamps"},
    {"µF", "microfarad|microfarads"},
    {"µL", "microliter|microliters"},
    {"µM", "micromolar|micromolar"},
    {"µV", "microvolt|microvolts"},
    {"µg", "microgram|micrograms"},
    {"µl", "microliter|microliters"},
    {"µm", "micrometer|micrometers"},
    {"µmol", "micromole|micromoles"},
    {"µs", "microsecond|microseconds"},
    {"º", "degree|degrees"},
    {"ºC", "degree Celsius|degrees Celsius"},
    {"ºF", "degree Fahrenheit|degrees Fahrenheit"},
    {"Ω", "ohm|ohms"},
    {"μA", "microamp|microamps"},
    {"μF", "microfarad|microfarads"},
    {"μL", "microliter|microliters"},
    {"μM", "micromolar|micromolar"},
    {"μV", "microvolt|microvolts"},
    {"μg", "microgram|micrograms"},
    {"μl", "microliter|microliters"},
    {"μm", "micrometer|micrometers"},
    {"μmol", "micromole|micromoles"},
    {"μs", "microsecond|microseconds"},
    {"‰", "per mille|per mille"},
    {"‱", "basis point|basis points"},
    {"′", "foot|feet"},
    {"″", "inch|inches"},
};

enum { UNIT_LIMIT = 6 }; /* bytes of the longest unit sign */

/* What was read of a simple unit with its power. */
struct unit {
    const char *said; /* "one|many" */
    int power;        /* 1, 2 or 3 */
    size_t size;
};

/* The bytes at `at` that can belong to a unit's sign. */
static size_t sign_size(const struct norm *x, size_t at)
{
    static const char *const wide[] = {"°", "º", "µ", "μ", "Ω", "‰", "′", "″", "‱"};
    if (norm_char(x, at) == '%')
        return 1;
    size_t n = 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (norm_literal(x, at, wide[i]) > 0)
            n = strlen(wide[i]);
    n += norm_letters(x, at + n);
    if (norm_literal(x, at + n, "Ω") > 0)
        n += 2;
    return n;
}

/* "6 ft 2 in", "8 x 11 in.": inches, though the word stands apart. */
static bool is_inches(const struct norm *x, size_t at)
{
    return norm_word(x, at, "in") > 0 &&
           (norm_recent_in(x, "feet|foot|by|ft") || norm_char(x, at + 2) == '.' || at + 2 >= x->size);
}

/* Units of one letter that are too often something else when they stand apart from the number. */
static bool is_doubtful(const char *text, size_t size, bool spaced)
{
    if (size == 1)
        return spaced ? strchr("sKANT", *text) != NULL : strchr("KAT", *text) != NULL;
    return spaced && norm_in(text, size, "in|ac|fl|mo|pc");
}

/* A power after a unit's sign: "²", "^3", "2"; its bytes. */
static size_t power_size(const struct norm *x, size_t at, int *power)
{
    *power = 1;
    if (norm_literal(x, at, "²") > 0 || norm_literal(x, at, "³") > 0) {
        *power = x->text[at + 1] == '\xb2' ? 2 : 3;
        return 2;
    }
    size_t caret = norm_char(x, at) == '^';
    char digit = norm_char(x, at + caret);
    if ((digit == '2' || digit == '3') && norm_is_border(x, at + caret + 1)) {
        *power = digit - '0';
        return caret + 1;
    }
    return 0;
}

static bool read_unit(const struct norm *x, size_t at, bool spaced, struct unit *unit)
{
    size_t prefix = 0;
    int square = 1;
    if (!norm_wants(x, LT_TEXT_UNITS))
        return false;
    if (norm_word(x, at, "sq") > 0 || norm_word(x, at, "cu") > 0) { /* "sq. ft" */
        square = char_lower(x->text[at]) == 's' ? 2 : 3;
        prefix = 2 + (norm_char(x, at + 2) == '.');
        if (norm_char(x, at + prefix) != ' ')
            return false;
        prefix++;
        spaced = false;
    }
    size_t n = sign_size(x, at + prefix);
    if (n == 0 || n > UNIT_LIMIT + 2)
        return false;
    const char *text = x->text + at + prefix;
    unit->said = NORM_FIND(units, text, n);
    if (unit->said == NULL && n == 3 && memcmp(text, "deg", 3) == 0)
        unit->said = "degree|degrees";
    unit->size = prefix + n;
    int power = 1;
    size_t more = power_size(x, at + unit->size, &power);
    bool inch = n == 2 && is_inches(x, at + prefix);
    bool product = norm_literal(x, at + unit->size, "·") > 0; /* "5 N·m" */
    if (unit->said == NULL || (more == 0 && !inch && !product && is_doubtful(text, n, spaced)))
        return false;
    unit->size += more;
    unit->power = more > 0 ? power : square;
    char next = norm_char(x, at + unit->size);
    if (char_is_alnum(next) && strchr("%", text[n - 1]) == NULL)
        return false;
    return !(next == '-' && spaced && char_is_alnum(norm_char(x, at + unit->size + 1)));
}

size_t measure_unit_size(const struct norm *x, size_t at, bool spaced)
{
    struct unit unit;
    return read_unit(x, at, spaced, &unit) ? unit.size : 0;
}

static void say_unit(struct norm *x, const struct unit *unit, bool plural)
{
    const char *bar = strchr(unit->said, '|');
    char words[64];
    size_t n = plural ? strlen(bar + 1) : (size_t)(bar - unit->said);
    memcpy(words, plural ? bar + 1 : unit->said, n);
    words[n] = '\0';
    bool after = unit->power > 1 && strncmp(unit->said, "second|", 7) == 0; /* "per second squared" */
    if (unit->power > 1 && !after)
        norm_say(x, unit->power == 2 ? "square" : "cubic");
    norm_say_words(x, words);
    if (after)
        norm_say(x, unit->power == 2 ? "squared" : "cubed");
}

size_t measure_unit(struct norm *x, size_t at, bool plural, bool spaced)
{
    struct unit unit;
    if (!read_unit(x, at, spaced, &unit))
        return 0;
    size_t used = unit.size, dot = norm_literal(x, at + used, "·");
    struct unit next;
    dot = dot > 0 && read_unit(x, at + used + dot, false, &next) ? dot : 0; /* "N·m" */
    norm_range(x, at, at + unit.size, "unit");
    say_unit(x, &unit, plural && dot == 0);
    if (norm_char(x, at + used) == '.' && norm_char(x, at + used + 1) == ' ' && used <= 4 &&
        !char_is_upper(norm_char(x, at + used + 2)) && at + used + 2 < x->size)
        return used + 1; /* "3 in. long" */
    if (dot > 0) {
        norm_range(x, at + used, at + used + dot + next.size, "unit");
        say_unit(x, &next, plural);
        used += dot + next.size;
    }
    size_t slash = norm_char(x, at + used) == '/', one = slash;
    int power;
    if (slash > 0 && char_is_alpha(norm_char(x, at + used + 1)) && norm_is_border(x, at + used + 2) &&
        power_size(x, at + used + 2, &power) == 0 &&
        strchr("hsdKA", x->text[at + used + 1]) != NULL) { /* letters that are units after "/" */
        char letter = x->text[at + used + 1];
        norm_range(x, at + used, at + used + 2, "unit");
        norm_say(x, "per");
        norm_say(x, letter == 'h'   ? "hour"
                    : letter == 's' ? "second"
                    : letter == 'd' ? "day"
                    : letter == 'K' ? "kelvin"
                                    : "amp");
        return used + 2;
    }
    if (slash > 0 && read_unit(x, at + used + one, false, &next)) {
        norm_range(x, at + used, at + used + 1 + next.size, "unit");
        norm_say(x, "per");
        say_unit(x, &next, false);
        used += 1 + next.size;
        slash = norm_char(x, at + used) == '/'; /* "mg/kg/day" */
    }
    if (slash > 0) {
        static const char *const words[] = {"day",    "week",   "month",  "year",   "hour",
                                            "minute", "second", "person", "serving"};
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            size_t n = norm_word(x, at + used + 1, words[i]);
            if (n == 0)
                continue;
            norm_range(x, at + used, at + used + 1 + n, "unit");
            norm_say(x, "per");
            norm_say(x, words[i]);
            return used + 1 + n;
        }
    }
    return used;
}

/* Feet and inches: 6'2", 5'10. */
static size_t scan_feet(struct norm *x, size_t at)
{
    size_t feet = norm_digits(x, at),
           quote = norm_char(x, at + feet) == '\'' ? 1 : norm_literal(x, at + feet, "′");
    size_t inches = norm_digits(x, at + feet + quote), end = at + feet + quote + inches;
    size_t close = norm_char(x, end) == '"' ? 1 : norm_literal(x, end, "″");
    size_t space = norm_spaces(x, at + feet + quote), word = at + feet + quote + space;
    if (feet == 1 && quote > 0 && space == 1 &&
        norm_in(x->text + word, norm_letters(x, word), "end|ends|utr|cap|region|untranslated|terminus")) {
        norm_range(x, at, at + feet + quote, "prime"); /* "the 5' end" of a strand */
        say_cardinal(x, x->text + at, feet);
        norm_say(x, "prime");
        return feet + quote;
    }
    if (feet > 0 && feet < 3 && quote > 0 && inches == 0 && norm_is_border(x, at + feet + quote) &&
        x->text_after_quote == NULL && norm_char(x, at + feet + quote) != '"') { /* "6'" */
        norm_range(x, at, at + feet + quote, "feet");
        say_cardinal(x, x->text + at, feet);
        norm_say(x, number_value(x->text + at, feet) == 1 ? "foot" : "feet");
        return feet + quote;
    }
    if (feet == 0 || feet > 2 || quote == 0 || inches == 0 || inches > 2 ||
        (close == 0 && !norm_is_border(x, end)))
        return 0;
    norm_range(x, at, end + close, "feet and inches");
    say_cardinal(x, x->text + at, feet);
    norm_say(x, number_value(x->text + at, feet) == 1 ? "foot" : "feet");
    say_cardinal(x, x->text + at + feet + quote, inches);
    if (close > 0)
        norm_say(x, number_value(x->text + at + feet + quote, inches) == 1 ? "inch" : "inches");
    return end + close - at;
}

/* "40°26′46″N", "30° W": degrees on the globe. */
static size_t scan_coordinate(struct norm *x, size_t at)
{
    static const struct {
        const char *sign, *ascii, *one, *many;
    } parts[] = {
        {"°", "°", "degree", "degrees"}, {"′", "'", "minute", "minutes"}, {"″", "\"", "second", "seconds"}};
    struct number numbers[3];
    size_t ends[3], count = 0, end = at;
    for (; count < 3 && number_read(x, end + (count > 0 && norm_char(x, end) == ' '), &numbers[count]);
         count++) {
        size_t from = end + (count > 0 && norm_char(x, end) == ' ') + numbers[count].size;
        size_t sign = norm_literal(x, from, parts[count].sign);
        sign = sign > 0 ? sign : norm_literal(x, from, parts[count].ascii);
        if (sign == 0)
            break;
        end = ends[count] = from + sign;
    }
    size_t space = norm_spaces(x, end) == 1;
    char letter = norm_char(x, end + space);
    const char *direction = letter == 'N'   ? "north"
                            : letter == 'S' ? "south"
                            : letter == 'E' ? "east"
                                            : "west";
    if (count == 0 || strchr("NSEW", letter) == NULL || !norm_is_border(x, end + space + 1))
        return 0;
    for (size_t i = 0, from = at; i < count; from = ends[i++]) {
        norm_range(x, from, ends[i], "coordinate");
        say_number(x, &numbers[i]);
        norm_say(x, number_is_one(&numbers[i]) ? parts[i].one : parts[i].many);
    }
    norm_range(x, end + space, end + space + 1, "coordinate");
    norm_say(x, direction);
    return end + space + 1 - at;
}

/* Multiples by one letter right after a number: "10K", "1.5M", "3B". */
static size_t scan_multiple(struct norm *x, size_t at, const struct number *number)
{
    size_t end = at + number->size;
    char letter = norm_char(x, end);
    if (char_lower(letter) != 'k' && norm_letters(x, end) > 1) { /* "2.3bn" */
        norm_range(x, at, end, "multiple");
        size_t before = x->out->count;
        say_number(x, number);
        size_t scale = say_scale(x, end);
        if (scale == 0)
            x->out->count = before;
        return scale == 0 ? 0 : number->size + scale;
    }
    if (norm_word(x, end, "k gold") + norm_word(x, end, "k ring") + norm_word(x, end, "k race") +
            norm_word(x, end, "k run") + norm_word(x, end, "k video") >
        0)
        return 0; /* "a 10K race" */
    const char *said = letter == 'K' || letter == 'k' ? "thousand"
                       : letter == 'M'                ? "million"
                       : letter == 'B'                ? "billion"
                       : letter == 'T'                ? "trillion"
                                                      : NULL;
    size_t plus = norm_char(x, end + 1) == '+';
    size_t after = end + 1 + norm_spaces(x, end + 1);
    if (letter == 'B' && number->fraction_size == 0 &&
        !(char_is_lower(norm_char(x, after)) && after > end + 1))
        return 0; /* "221B Baker Street" */
    bool small = number->fraction_size == 0 && number->whole_size < 2;
    if (said == NULL || !norm_is_border(x, end + 1) || norm_char(x, end + 1) == '-' ||
        (small && letter != 'M'))
        return 0;
    norm_range(x, at, end + 1, "multiple");
    say_number(x, number);
    norm_say(x, said);
    if (plus > 0) {
        norm_range(x, end + 1, end + 2, "multiple");
        norm_say(x, "plus");
    }
    return number->size + 1 + plus;
}

/* Powers of ten: "1.5e-10", "6.02×10^23", "3 x 10⁸". */
static size_t scan_scientific(struct norm *x, size_t at, const struct number *number)
{
    size_t end = at + number->size, sign, digits;
    bool minus = false;
    if (char_lower(norm_char(x, end)) == 'e') {
        sign = norm_char(x, end + 1) == '-' || norm_char(x, end + 1) == '+';
        minus = norm_char(x, end + 1) == '-';
        end += 1 + sign;
        digits = norm_digits(x, end);
        if (digits == 0 || digits > 4 || !norm_is_border(x, end + digits) ||
            (sign == 0 && number->fraction_size == 0 && number->whole_size > 1))
            return 0;
        norm_range(x, at, end + digits, "scientific notation");
        say_number(x, number);
        norm_say_words(x, "times ten to the power of");
        if (minus)
            norm_say(x, "minus");
        say_cardinal(x, x->text + end, digits);
        return end + digits - at;
    }
    end += norm_spaces(x, end);
    size_t times = char_lower(norm_char(x, end)) == 'x' ? 1 : norm_literal(x, end, "×");
    end += times + norm_spaces(x, end + times);
    if (times == 0 || norm_literal(x, end, "10") == 0)
        return 0;
    end += 2;
    char exponent[8];
    size_t n = 0;
    if (norm_char(x, end) == '^') {
        end++;
        sign = norm_char(x, end) == '-' ? 1 : norm_literal(x, end, "−");
        minus = sign > 0;
        end += sign;
        for (; n < sizeof exponent && char_is_digit(norm_char(x, end)); end++)
            exponent[n++] = x->text[end];
    } else {
        static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
        sign = norm_literal(x, end, "⁻");
        minus = sign > 0;
        end += sign;
        for (bool found = true; found && n < sizeof exponent;) {
            found = false;
            for (size_t i = 0; i < 10 && !found; i++)
                if ((sign = norm_literal(x, end, raised[i])) > 0) {
                    exponent[n++] = (char)('0' + i);
                    end += sign;
                    found = true;
                }
        }
    }
    if (n == 0)
        return 0;
    norm_range(x, at, end, "scientific notation");
    say_number(x, number);
    norm_say_words(x, "times ten to the power of");
    if (minus)
        norm_say(x, "minus");
    say_cardinal(x, exponent, n);
    return end - at;
}

/* Whether a noun follows that the quantity before `at` describes: "a 5 km run", "35mm film". */
static bool describes(const struct norm *x, size_t at)
{
    size_t n = norm_char(x, at) == ' ' ? norm_letters(x, at + 1) : 0;
    if (norm_in(
            x->text + at + 1, n,
            "film|camera|cameras|lens|lenses|screen|display|monitor|cable|drive|disk|engine|motor|battery|"
            "bulb|charger|pipe|hose|rope|ladder|gun|rifle|cannon|shell|tank|bolt|screw|nail|sprint|dash|race|"
            "relay|marathon|pool|bottle|tablet|capsule|dose|resistor|capacitor|sensor|antenna|processor|"
            "angle|angles|turn|rotation|round|rounds|bullet|bullets|pistol|handgun"))
        return true;
    return n > 2 && char_is_lower(x->text[at + 1]) && norm_previous_in(x, "a|an") &&
           !norm_in(x->text + at + 1, n,
                    "and|are|for|from|has|was|were|with|per|away|long|wide|tall|high|deep|thick|"
                    "above|below|ago|later|after|before|into|that|which|when|while|off|more|less");
}

/* "9.5/10" */
static size_t scan_score(struct norm *x, size_t at, const struct number *number)
{
    struct number most;
    size_t slash = at + number->size;
    if (number->fraction_size == 0 || norm_char(x, slash) != '/' || !char_is_digit(norm_char(x, slash + 1)) ||
        !number_read(x, slash + 1, &most) || most.whole_size > 3 || !norm_is_border(x, slash + 1 + most.size))
        return 0;
    norm_range(x, at, slash + 1 + most.size, "score");
    say_number(x, number);
    norm_say_words(x, "out of");
    say_number(x, &most);
    return number->size + 1 + most.size;
}

/* Units that the number before them tells from others: "233.15 K" is no multiple, "5bps" and "1.2pp" are points of interest rates.
 * Says both; bytes of the unit. */
static size_t take_special_unit(struct norm *x, const struct number *number, size_t unit, size_t space)
{
    bool kelvin =
        space == 1 && number->fraction_size > 0 && norm_char(x, unit) == 'K' && norm_is_border(x, unit + 1);
    size_t points =
        space == 0 && number->whole_size < 4 ? norm_word(x, unit, "bps") + norm_word(x, unit, "pp") : 0;
    size_t size = kelvin ? 1 : points;
    if (size == 0 || !norm_wants(x, LT_TEXT_UNITS))
        return 0;
    say_number(x, number);
    norm_range(x, unit, unit + size, "unit");
    norm_say_words(x, kelvin ? "kelvin" : points == 3 ? "basis" : "percentage");
    if (!kelvin)
        norm_say(x, number_is_one(number) ? "point" : "points");
    return size;
}

size_t scan_measure(struct norm *x, size_t at)
{
    struct number number;
    size_t used;
    if ((used = scan_coordinate(x, at)) > 0 || (used = scan_feet(x, at)) > 0)
        return used;
    if (!number_read(x, at, &number))
        return 0;
    if ((used = scan_score(x, at, &number)) > 0)
        return used;
    if ((used = scan_scientific(x, at, &number)) > 0)
        return used + (norm_char(x, at + used) == ' ' && measure_unit_size(x, at + used + 1, true) > 0
                           ? 1 + measure_unit(x, at + used + 1, true, true)
                           : 0);
    if ((used = scan_multiple(x, at, &number)) > 0)
        return used;
    size_t end = at + number.size, space = norm_spaces(x, end);
    bool hyphen = norm_char(x, end) == '-' && char_is_alpha(norm_char(x, end + 1)) &&
                  (measure_unit_size(x, end + 1, true) > 1 ||
                   (strchr("mLVWg", x->text[end + 1]) != NULL && norm_char(x, end + 2) == ' ' &&
                    char_is_lower(norm_char(x, end + 3)))); /* "100-m dash" */
    if (space > 1)
        return 0;
    norm_range(x, at, end, "measure");
    size_t unit = end + space + hyphen;
    if ((used = take_special_unit(x, &number, unit, space)) > 0)
        return unit + used - at;
    struct unit parsed;
    bool apart =
        (space > 0 || hyphen) && number.fraction_size == 0; /* "0.35 s" is seconds, "80 s" may be not */
    if (!read_unit(x, unit, apart, &parsed))
        return 0;
    bool adjective = describes(x, unit + parsed.size);
    if (number.fraction_size == 0 && number.whole_size > 1 && number.whole[0] == '0')
        say_bare(x, &number, true);
    else
        say_number(x, &number);
    used = measure_unit(x, unit, !hyphen && !adjective && !number_is_one(&number), apart);
    end = unit + used;
    /* "5%-10%", "10°–15°" */
    size_t dash = norm_dash(x, end);
    if (dash > 0 && char_is_digit(norm_char(x, end + dash))) {
        norm_range(x, end, end + dash, "range");
        norm_say(x, "to");
        end += dash;
    }
    return end - at;
}
