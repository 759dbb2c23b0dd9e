/* compounds.c: words that the lexicon does not hold as they are: compounds, digits, clitics, accents, letters one by one (misaki's word loop in
 * class G2P, and its get_number). */
#include <string.h>

#include <utf8proc.h>

#include "base/str.h"
#include "base/utf8.h"
#include "text/g2p_rules.h"
#include "text/number_words.h"

/* ---- digits ------------------------------------------------------------------------------------ */

/* Appends one word of a number, after a space. */
static void put_word(const struct g2p *g2p, const char *word, struct phones *phones)
{
    struct g2p_result said;
    struct g2p_context none = {FUTURE_CONSONANT, false};
    size_t size = strlen(word);
    if (!g2p_lookup(g2p, word, size, POS_CD, STRESS_UNSET, none, &said) &&
        !letters_say(g2p->letters, word, size, &said.phones))
        return;
    if (phones->count > 0)
        phones_put(phones, SYMBOL_SPACE);
    phones_append(phones, said.phones.id, said.phones.count);
}

/* 0 to 999. */
static void put_hundreds(const struct g2p *g2p, unsigned value, struct phones *phones)
{
    if (value >= 100) {
        put_word(g2p, number_ones[value / 100], phones);
        put_word(g2p, "hundred", phones);
        value %= 100;
        if (value == 0)
            return;
    }
    if (value >= 20) {
        put_word(g2p, number_tens[value / 10], phones);
        if (value % 10 == 0)
            return;
        value %= 10;
    }
    put_word(g2p, number_ones[value], phones);
}

static void put_cardinal(const struct g2p *g2p, uint64_t value, struct phones *phones)
{
    unsigned groups[5] = {0};
    int top = 0;
    for (int i = 0; i < 5; i++, value /= 1000) {
        groups[i] = (unsigned)(value % 1000);
        if (groups[i] != 0)
            top = i;
    }
    for (int i = top; i >= 0; i--) {
        if (groups[i] == 0 && top > 0)
            continue;
        put_hundreds(g2p, groups[i], phones);
        if (i > 0)
            put_word(g2p, number_scales[i], phones);
    }
}

/* Normalisation spells numbers out; digits that still come here are read as a cardinal, or one by one when they are long or begin with zero. */
static void put_digits(const struct g2p *g2p, const char *digits, size_t size, struct phones *phones)
{
    uint64_t value = 0;
    if (size <= 12 && (size == 1 || digits[0] != '0')) {
        for (size_t i = 0; i < size; i++)
            value = value * 10 + (unsigned)(digits[i] - '0');
        put_cardinal(g2p, value, phones);
        return;
    }
    for (size_t i = 0; i < size && !phones->full; i++)
        put_word(g2p, number_ones[digits[i] - '0'], phones);
}

/* "3", "1,200", "2.5": digits with commas and points between them. */
static void put_number(const struct g2p *g2p, const char *text, size_t size, struct phones *phones)
{
    char digits[LEXICON_MAX_WORD];
    size_t count = 0;
    bool fraction = false;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && char_is_digit(text[i])) {
            if (count < sizeof digits)
                digits[count++] = text[i];
            continue;
        }
        if (i < size && text[i] == ',')
            continue;
        for (size_t d = 0; fraction && d < count; d++)
            put_word(g2p, number_ones[digits[d] - '0'], phones);
        if (!fraction && count > 0)
            put_digits(g2p, digits, count, phones);
        if (i < size && text[i] == '.') {
            put_word(g2p, "point", phones);
            fraction = true;
        }
        count = 0;
    }
}

bool g2p_spell(const struct g2p *g2p, const char *word, size_t size, struct g2p_result *result)
{
    struct phones all = {0};
    size_t at = 0;
    while (at < size && !all.full) {
        struct g2p_result run = {0};
        size_t end = at;
        while (end < size && !char_is_digit(word[end]))
            end++;
        if (end > at && g2p_spell_letters(g2p, word + at, end - at, &run)) {
            if (all.count > 0)
                phones_put(&all, SYMBOL_SPACE);
            phones_append(&all, run.phones.id, run.phones.count);
        }
        for (at = end; at < size && char_is_digit(word[at]); at++)
            put_word(g2p, number_ones[word[at] - '0'], &all);
    }
    *result = (struct g2p_result){all, PHONEMES_SPELLED, "letter by letter"};
    return all.count > 0;
}

/* ---- words of several pieces -------------------------------------------------------------------- */

/* A piece of a word: letters, digits or a mark (misaki's subtokens). */
struct piece {
    size_t begin, end;
    struct phones phones;
    bool said;
};

#define PIECES_MAX 24

static bool is_joint(char c)
{
    return memchr("',-._/", c, 6) != NULL;
}

/* Length of an ending that is a word of its own ("'ll"), which begins with the apostrophe at `at`; 0: none. */
static size_t clitic_length(const char *word, size_t size, size_t at)
{
    static const char *const clitics[] = {"'ll", "'re", "'ve", "'d", "'m"};
    for (size_t i = 0; i < sizeof clitics / sizeof *clitics; i++) {
        size_t length = strlen(clitics[i]);
        if (size - at >= length && memcmp(word + at, clitics[i], length) == 0 &&
            (size - at == length || !char_is_alpha(word[at + length])))
            return length;
    }
    return 0;
}

/* Length of the piece that begins at `at` (misaki's SUBTOKEN_REGEX, for ASCII). */
static size_t piece_length(const char *word, size_t size, size_t at)
{
    size_t i = at;
    if (char_is_digit(word[i])) {
        while (i < size && (char_is_digit(word[i]) || ((word[i] == ',' || word[i] == '.') && i + 1 < size &&
                                                       char_is_digit(word[i + 1]))))
            i++;
        return i - at;
    }
    if (word[i] == '\'' && i > 0 && clitic_length(word, size, i) > 0)
        return clitic_length(word, size, i);
    if (!char_is_alpha(word[i]))
        return 1;
    if (char_is_upper(word[i]) && i + 2 < size && char_is_upper(word[i + 1]) && char_is_lower(word[i + 2]))
        return 1; /* the X of "XMan" */
    while (i < size &&
           (char_is_alpha(word[i]) || (word[i] == '\'' && i + 1 < size && char_is_alpha(word[i + 1])))) {
        if (char_is_lower(word[i]) && i + 1 < size && char_is_upper(word[i + 1]))
            return i + 1 - at; /* camelCase */
        if (word[i] == '\'' && clitic_length(word, size, i) > 0)
            return i - at;
        if (i > at && char_is_upper(word[i]) && i + 2 < size && char_is_upper(word[i + 1]) &&
            char_is_lower(word[i + 2]))
            return i + 1 - at; /* HTMLElement */
        i++;
    }
    return i - at;
}

static size_t cut_pieces(const char *word, size_t size, struct piece *pieces)
{
    size_t count = 0;
    for (size_t at = 0; at < size && count < PIECES_MAX;) {
        size_t length = piece_length(word, size, at);
        pieces[count].begin = at;
        pieces[count].end = at + length;
        pieces[count].phones = (struct phones){0};
        pieces[count++].said = false;
        at += length;
    }
    return count;
}

static int weight(const struct phones *phones)
{
    int sum = 0;
    for (size_t i = 0; i < phones->count; i++)
        sum += symbol_class(phones->id[i]) & CLASS_HEAVY ? 2 : 1;
    return sum;
}

/* Whether the pieces are said as separate words: letters next to digits, or a slash. */
static bool stands_apart(const char *word, size_t size)
{
    bool letter = false, digit = false, other = false;
    for (size_t i = 0; i < size; i++) {
        if (word[i] == '/')
            return true;
        letter = letter || char_is_alpha(word[i]);
        digit = digit || char_is_digit(word[i]);
        other = other || (!char_is_alpha(word[i]) && !char_is_digit(word[i]) && !is_joint(word[i]));
    }
    return letter + digit + other > 1;
}

/* Stress inside a compound (misaki's resolve_tokens): the lighter half of its parts loses the main stress. */
static void balance_stress(struct piece *pieces, size_t count)
{
    size_t order[PIECES_MAX], spoken = 0, stressed = 0;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].phones.count > 0) {
            order[spoken++] = i;
            stressed += phones_has(&pieces[i].phones, SYMBOL_PRIMARY);
        }
    if (spoken == 2 && pieces[order[0]].end - pieces[order[0]].begin == 1) {
        g2p_apply_stress(&pieces[order[1]].phones, -1);
        return;
    }
    if (spoken < 2 || stressed <= (spoken + 1) / 2)
        return;
    for (size_t i = 1; i < spoken; i++) /* unstressed first, then by weight, then by place */
        for (size_t j = i; j > 0; j--) {
            const struct phones *a = &pieces[order[j - 1]].phones, *b = &pieces[order[j]].phones;
            int stress_a = phones_has(a, SYMBOL_PRIMARY), stress_b = phones_has(b, SYMBOL_PRIMARY);
            if (stress_a < stress_b || (stress_a == stress_b && weight(a) <= weight(b)))
                break;
            size_t swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    for (size_t i = 0; i < spoken / 2; i++)
        g2p_apply_stress(&pieces[order[i]].phones, -1);
}

/* Function words as they are said in a sentence, American: the lexicons know it, letter-to-sound does not. */
static const char *function_word(const char *word, size_t size)
{
    static const struct {
        char word[8], sound[10];
    } words[] = {
        {"and", "ænd"},    {"are", "ɑɹ"},      {"as", "æz"},       {"at", "æt"},     {"be", "bi"},
        {"been", "bɪn"},   {"but", "bˌʌt"},    {"by", "bI"},       {"can", "kæn"},   {"could", "kʊd"},
        {"do", "dˈu"},     {"does", "dˈʌz"},   {"don't", "dˈOnt"}, {"for", "fɔɹ"},   {"from", "fɹʌm"},
        {"get", "ɡɛt"},    {"had", "hæd"},     {"has", "hæz"},     {"have", "hæv"},  {"he", "hi"},
        {"her", "hɜɹ"},    {"him", "hˌɪm"},    {"his", "hɪz"},     {"i", "ˌI"},      {"if", "ɪf"},
        {"is", "ɪz"},      {"it", "ɪt"},       {"its", "ɪts"},     {"me", "mˌi"},    {"my", "mI"},
        {"not", "nˌɑt"},   {"of", "ʌv"},       {"on", "ˌɔn"},      {"or", "ɔɹ"},     {"our", "ˌWəɹ"},
        {"she", "ʃi"},     {"should", "ʃˌʊd"}, {"so", "sˌO"},      {"some", "sˌʌm"}, {"than", "ðən"},
        {"that", "ðæt"},   {"their", "ðɛɹ"},   {"them", "ðˌɛm"},   {"there", "ðɛɹ"}, {"they", "ðA"},
        {"this", "ðɪs"},   {"those", "ðOz"},   {"these", "ðiz"},   {"up", "ˌʌp"},    {"us", "ˌʌs"},
        {"was", "wʌz"},    {"we", "wi"},       {"were", "wɜɹ"},    {"what", "wˌʌt"}, {"when", "wˌɛn"},
        {"where", "wˌɛɹ"}, {"which", "wˌɪʧ"},  {"who", "hˌu"},     {"will", "wɪl"},  {"with", "wɪð"},
        {"would", "wʊd"},  {"you", "ju"},      {"your", "jʊɹ"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == size && str_equal_nocase_n(words[i].word, word, size))
            return words[i].sound;
    return NULL;
}

/* Says one piece that no longer run knows. */
static void say_unknown_piece(const struct g2p *g2p, const char *word, struct piece *piece,
                              struct g2p_result *result)
{
    const char *text = word + piece->begin;
    size_t size = piece->end - piece->begin;
    if (char_is_digit(text[0])) {
        put_number(g2p, text, size, &piece->phones);
        return;
    }
    if (clitic_length(text, size, 0) == size) { /* one that the lexicon lacks */
        const char *sound = text[1] == 'l'   ? "əl"
                            : text[1] == 'r' ? "əɹ"
                            : text[1] == 'v' ? "əv"
                            : text[1] == 'd' ? "d"
                                             : "m";
        phones_parse(sound, strlen(sound), &piece->phones, NULL);
    }
    if (!char_is_alpha(text[0]))
        return;
    const char *weak = g2p->lexicon == NULL ? function_word(text, size) : NULL;
    if (weak != NULL && !g2p->british) {
        phones_parse(weak, strlen(weak), &piece->phones, NULL);
        g2p_apply_stress(&piece->phones, char_is_upper(text[0]) && size > 1 ? 1 : STRESS_UNSET);
        result->note = "weak form";
        return;
    }
    bool possessive = size > 2 && text[size - 2] == '\'' && char_lower(text[size - 1]) == 's';
    if (!letters_say(g2p->letters, text, possessive ? size - 2 : size, &piece->phones))
        return;
    if (weak != NULL)
        g2p_apply_stress(&piece->phones, 2 * -2);
    if (possessive)
        g2p_add_s(g2p, &piece->phones);
    result->origin = PHONEMES_LTS;
    result->note = letters_name(g2p->letters);
}

/* Says the pieces from the right, always the longest run of them that the lexicon knows. */
static void say_pieces(const struct g2p *g2p, const char *word, struct piece *pieces, size_t count,
                       enum pos_tag tag, struct g2p_context context, struct g2p_result *result)
{
    size_t right = count;
    while (right > 0) {
        size_t left = 0;
        bool known = false;
        struct g2p_result said;
        size_t end = pieces[right - 1].end;
        for (; left < right; left++) {
            size_t begin = pieces[left].begin;
            enum pos_tag own = tagger_guess(word + begin, end - begin);
            if (right == count && (left == 0 || own == POS_NN || own == POS_NNP))
                own = tag;
            bool joint = is_joint(word[begin]) && clitic_length(word, end, begin) == 0;
            if ((known = !joint && g2p_say_known(g2p, word + begin, end - begin, own, context, &said)))
                break;
        }
        if (known) {
            pieces[left].phones = said.phones;
            right = left;
        } else {
            left = --right;
            say_unknown_piece(g2p, word, &pieces[left], result);
        }
        context = g2p_next_context(context, &pieces[left].phones, word + pieces[left].begin,
                                   pieces[left].end - pieces[left].begin, tag);
    }
}

/* Readies what was said so far for a clitic that begins with a vowel: "that'll" has an American flap, "what'd" gets a vowel between
 * its two stops. */
static void begin_clitic(const char *word, const struct piece *piece, bool british, struct phones *said)
{
    if (word[piece->begin] != '\'' || piece->phones.count == 0 || said->count == 0)
        return;
    uint8_t last = said->id[said->count - 1];
    bool vowel = symbol_class(piece->phones.id[0]) & CLASS_VOWEL;
    bool stops = piece->end - piece->begin == 2 && piece->phones.id[0] == SYMBOL_d &&
                 (last == SYMBOL_t || last == SYMBOL_d);
    if ((vowel || stops) && !british && g2p_flaps(said))
        said->id[said->count - 1] = SYMBOL_FLAP;
    if (stops)
        phones_put(said, SYMBOL_SCHWA);
}

/* Joins the pieces' phonemes into the result. */
static void join_pieces(const char *word, size_t size, struct piece *pieces, size_t count, bool british,
                        struct g2p_result *result)
{
    bool apart = stands_apart(word, size);
    if (!apart)
        balance_stress(pieces, count);
    result->phones = (struct phones){0};
    for (size_t i = 0; i < count; i++) {
        begin_clitic(word, &pieces[i], british, &result->phones);
        if (apart && result->phones.count > 0 && pieces[i].phones.count > 0)
            phones_put(&result->phones, SYMBOL_SPACE);
        phones_append(&result->phones, pieces[i].phones.id, pieces[i].phones.count);
    }
}

/* The letters a-z of a character without its accents ("é" to "e", "ß" to "ss"); their number, at most 3. */
static size_t ascii_letters(uint32_t codepoint, char out[3])
{
    static const struct {
        uint16_t codepoint;
        char letters[3];
    } own[] = {{0xdf, "ss"}, {0xe6, "ae"}, {0xc6, "Ae"}, {0x153, "oe"}, {0x152, "Oe"},
               {0xf8, "o"},  {0xd8, "O"},  {0x142, "l"}, {0x141, "L"},  {0xf0, "th"},
               {0xd0, "Th"}, {0xfe, "th"}, {0xde, "Th"}, {0x111, "d"},  {0x131, "i"}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].codepoint == codepoint) {
            size_t length = strlen(own[i].letters);
            memcpy(out, own[i].letters, length);
            return length;
        }
    utf8proc_int32_t parts[8];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)codepoint, parts, 8,
                                                     UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
    size_t length = 0;
    for (utf8proc_ssize_t i = 0; i < count && i < 8 && length < 3; i++)
        if (parts[i] < 128 && (char_is_alpha((char)parts[i]) || char_is_digit((char)parts[i])))
            out[length++] = (char)parts[i];
    return length;
}

/* Copies `word` as ASCII: curly apostrophes straight, accents removed, what has no Latin letter left out. */
static size_t to_ascii(const char *word, size_t size, char *out, size_t room, bool *changed)
{
    size_t length = 0;
    *changed = false;
    for (size_t i = 0; i < size && length + 4 < room;) {
        uint32_t c;
        size_t step = utf8_decode(word + i, size - i, &c);
        if (step == 0)
            step = 1;
        else if (step == 1)
            out[length++] = word[i];
        else if (c == 0x2018 || c == 0x2019)
            out[length++] = '\'';
        else {
            *changed = true;
            length += ascii_letters(c, out + length);
        }
        i += step;
    }
    return length;
}

bool g2p_word(const struct g2p *g2p, const char *word, size_t size, enum pos_tag tag, int stress,
              struct g2p_context context, struct g2p_result *result)
{
    char text[4 * LEXICON_MAX_WORD] = {0};
    bool accents;
    size_t length = to_ascii(word, size, text, sizeof text, &accents);
    *result = (struct g2p_result){0};
    if (!g2p_say_known(g2p, text, length, tag, context, result)) {
        struct piece pieces[PIECES_MAX];
        size_t count = cut_pieces(text, length, pieces);
        *result = (struct g2p_result){.origin = PHONEMES_RULE, .note = "compound"};
        say_pieces(g2p, text, pieces, count, tag, context, result);
        join_pieces(text, length, pieces, count, g2p->british, result);
    }
    if (accents && result->note == NULL)
        result->note = "without accents";
    g2p_apply_stress(&result->phones, stress);
    return result->phones.count > 0;
}
