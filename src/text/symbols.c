/* symbols.c: the vocabulary of phoneme symbols, and conversion from IPA and X-SAMPA. */
#include "text/symbols.h"

#include <string.h>

#include "base/utf8.h"

/* The published vocabulary; combining tilde at 17. */
static const char vocabulary[256][4] = {
    [0] = "$",       [1] = ";",   [2] = ":",   [3] = ",",   [4] = ".",   [5] = "!",   [6] = "?",
    [9] = "—",       [10] = "…",  [11] = "\"", [12] = "(",  [13] = ")",  [14] = "“",  [15] = "”",
    [16] = " ",      [17] = "̃",   [18] = "ʣ",  [19] = "ʥ",  [20] = "ʦ",  [21] = "ʨ",  [22] = "ᵝ",
    [23] = "\uab67", [24] = "A",  [25] = "I",  [31] = "O",  [33] = "Q",  [35] = "S",  [36] = "T",
    [39] = "W",      [41] = "Y",  [42] = "ᵊ",  [43] = "a",  [44] = "b",  [45] = "c",  [46] = "d",
    [47] = "e",      [48] = "f",  [50] = "h",  [51] = "i",  [52] = "j",  [53] = "k",  [54] = "l",
    [55] = "m",      [56] = "n",  [57] = "o",  [58] = "p",  [59] = "q",  [60] = "r",  [61] = "s",
    [62] = "t",      [63] = "u",  [64] = "v",  [65] = "w",  [66] = "x",  [67] = "y",  [68] = "z",
    [69] = "ɑ",      [70] = "ɐ",  [71] = "ɒ",  [72] = "æ",  [75] = "β",  [76] = "ɔ",  [77] = "ɕ",
    [78] = "ç",      [80] = "ɖ",  [81] = "ð",  [82] = "ʤ",  [83] = "ə",  [85] = "ɚ",  [86] = "ɛ",
    [87] = "ɜ",      [90] = "ɟ",  [92] = "ɡ",  [99] = "ɥ",  [101] = "ɨ", [102] = "ɪ", [103] = "ʝ",
    [110] = "ɯ",     [111] = "ɰ", [112] = "ŋ", [113] = "ɳ", [114] = "ɲ", [115] = "ɴ", [116] = "ø",
    [118] = "ɸ",     [119] = "θ", [120] = "œ", [123] = "ɹ", [125] = "ɾ", [126] = "ɻ", [128] = "ʁ",
    [129] = "ɽ",     [130] = "ʂ", [131] = "ʃ", [132] = "ʈ", [133] = "ʧ", [135] = "ʊ", [136] = "ʋ",
    [138] = "ʌ",     [139] = "ɣ", [140] = "ɤ", [142] = "χ", [143] = "ʎ", [147] = "ʒ", [148] = "ʔ",
    [156] = "ˈ",     [157] = "ˌ", [158] = "ː", [162] = "ʰ", [164] = "ʲ", [169] = "↓", [171] = "→",
    [172] = "↗",     [173] = "↘", [177] = "ᵻ"};

static const uint8_t classes[256] = {[SYMBOL_A] = CLASS_VOWEL | CLASS_HEAVY | CLASS_FLAP_BEFORE,
                                     [SYMBOL_I] = CLASS_VOWEL | CLASS_HEAVY | CLASS_FLAP_BEFORE,
                                     [SYMBOL_O] = CLASS_VOWEL | CLASS_HEAVY | CLASS_FLAP_BEFORE,
                                     [SYMBOL_Q] = CLASS_VOWEL | CLASS_HEAVY,
                                     [SYMBOL_W] = CLASS_VOWEL | CLASS_HEAVY | CLASS_FLAP_BEFORE,
                                     [SYMBOL_Y] = CLASS_VOWEL | CLASS_HEAVY | CLASS_FLAP_BEFORE,
                                     [SYMBOL_a] = CLASS_VOWEL,
                                     [SYMBOL_i] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_u] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_ASH] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_ALPHA] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_TURNED_ALPHA] = CLASS_VOWEL,
                                     [SYMBOL_OPEN_O] = CLASS_VOWEL,
                                     [SYMBOL_SCHWA] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_EPSILON] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_OPEN_E] = CLASS_VOWEL,
                                     [SYMBOL_SMALL_I] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_UPSILON] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_TURNED_V] = CLASS_VOWEL | CLASS_FLAP_BEFORE,
                                     [SYMBOL_SMALL_BAR_I] = CLASS_VOWEL,
                                     [SYMBOL_b] = CLASS_CONSONANT,
                                     [SYMBOL_d] = CLASS_CONSONANT,
                                     [SYMBOL_f] = CLASS_CONSONANT,
                                     [SYMBOL_h] = CLASS_CONSONANT,
                                     [SYMBOL_j] = CLASS_CONSONANT,
                                     [SYMBOL_k] = CLASS_CONSONANT,
                                     [SYMBOL_l] = CLASS_CONSONANT,
                                     [SYMBOL_m] = CLASS_CONSONANT,
                                     [SYMBOL_n] = CLASS_CONSONANT,
                                     [SYMBOL_p] = CLASS_CONSONANT,
                                     [SYMBOL_s] = CLASS_CONSONANT,
                                     [SYMBOL_t] = CLASS_CONSONANT,
                                     [SYMBOL_v] = CLASS_CONSONANT,
                                     [SYMBOL_w] = CLASS_CONSONANT,
                                     [SYMBOL_z] = CLASS_CONSONANT,
                                     [SYMBOL_ETH] = CLASS_CONSONANT,
                                     [SYMBOL_ENG] = CLASS_CONSONANT,
                                     [SYMBOL_G] = CLASS_CONSONANT,
                                     [SYMBOL_TURNED_R] = CLASS_CONSONANT | CLASS_FLAP_BEFORE,
                                     [SYMBOL_FLAP] = CLASS_CONSONANT,
                                     [SYMBOL_ESH] = CLASS_CONSONANT,
                                     [SYMBOL_EZH] = CLASS_CONSONANT,
                                     [SYMBOL_DEZH] = CLASS_CONSONANT | CLASS_HEAVY,
                                     [SYMBOL_TESH] = CLASS_CONSONANT | CLASS_HEAVY,
                                     [SYMBOL_THETA] = CLASS_CONSONANT,
                                     /* ; : , . ! ? — … */
                                     [1] = CLASS_STOP,
                                     [2] = CLASS_STOP,
                                     [3] = CLASS_STOP,
                                     [4] = CLASS_STOP,
                                     [5] = CLASS_STOP,
                                     [6] = CLASS_STOP,
                                     [9] = CLASS_STOP,
                                     [10] = CLASS_STOP};

unsigned symbol_class(uint8_t id)
{
    return classes[id];
}

const char *symbol_text(uint8_t id)
{
    return vocabulary[id];
}

uint8_t symbol_of(uint32_t codepoint)
{
    char bytes[5] = {0};
    if (codepoint == 0 || codepoint == '$' || codepoint > 0x10ffff)
        return SYMBOL_NONE; /* '$' is the model's padding, not a symbol */
    utf8_encode(codepoint, bytes);
    for (unsigned id = 1; id < 256; id++)
        if (vocabulary[id][0] == bytes[0] && strcmp(vocabulary[id], bytes) == 0)
            return (uint8_t)id;
    return SYMBOL_NONE;
}

void phones_put(struct phones *phones, uint8_t id)
{
    if (phones->count < PHONES_MAX)
        phones->id[phones->count++] = id;
    else
        phones->full = true;
}

void phones_append(struct phones *phones, const uint8_t *ids, size_t count)
{
    size_t room = PHONES_MAX - (size_t)phones->count;
    if (count > room) {
        count = room;
        phones->full = true;
    }
    memcpy(phones->id + phones->count, ids, count);
    phones->count = (uint8_t)(phones->count + count);
}

bool phones_has(const struct phones *phones, uint8_t id)
{
    return memchr(phones->id, id, phones->count) != NULL;
}

bool phones_has_class(const struct phones *phones, unsigned mask)
{
    for (size_t i = 0; i < phones->count; i++)
        if (classes[phones->id[i]] & mask)
            return true;
    return false;
}

void phones_insert(struct phones *phones, size_t at, uint8_t id)
{
    if (phones->count == PHONES_MAX) {
        phones->full = true;
        return;
    }
    memmove(phones->id + at + 1, phones->id + at, phones->count - at);
    phones->id[at] = id;
    phones->count++;
}

void phones_remove(struct phones *phones, uint8_t id)
{
    size_t kept = 0;
    for (size_t i = 0; i < phones->count; i++)
        if (phones->id[i] != id)
            phones->id[kept++] = phones->id[i];
    phones->count = (uint8_t)kept;
}

void phones_replace(struct phones *phones, uint8_t from, uint8_t to)
{
    for (size_t i = 0; i < phones->count; i++)
        if (phones->id[i] == from)
            phones->id[i] = to;
}

void phones_settle_stress(struct phones *phones)
{
    for (size_t i = phones->count; i-- > 0;) {
        uint8_t mark = phones->id[i];
        if (mark != SYMBOL_PRIMARY && mark != SYMBOL_SECONDARY)
            continue;
        size_t vowel = i + 1;
        while (vowel < phones->count && !(classes[phones->id[vowel]] & CLASS_VOWEL))
            vowel++;
        if (vowel == phones->count)
            continue; /* no vowel to carry it */
        memmove(phones->id + i, phones->id + i + 1, vowel - i - 1);
        phones->id[vowel - 1] = mark;
    }
}

bool phones_parse(const char *text, size_t size, struct phones *phones, size_t *bad)
{
    *phones = (struct phones){0};
    for (size_t i = 0; i < size;) {
        uint32_t c;
        size_t length = utf8_decode(text + i, size - i, &c);
        uint8_t id = length == 0 ? SYMBOL_NONE : symbol_of(c);
        if (id == SYMBOL_NONE || phones->count == PHONES_MAX) {
            if (bad != NULL)
                *bad = i;
            return false;
        }
        phones_put(phones, id);
        i += length;
    }
    return true;
}

void phones_write(const struct phones *phones, struct str *out)
{
    char text[PHONES_MAX * 3];
    size_t size = 0;
    for (size_t i = 0; i < phones->count; i++)
        for (const char *c = vocabulary[phones->id[i]]; *c != '\0'; c++)
            text[size++] = *c;
    str_append(out, text, size);
}

/* ---- IPA --------------------------------------------------------------------------------------- */

struct rewrite {
    const char *from, *to;
};

/* Longest first within a first character. Tie bars (U+0361, U+035C) are removed before matching. */
static const struct rewrite from_ipa[] = {
    {"eɪ", "A"}, {"aɪ", "I"}, {"ɑɪ", "I"}, {"aʊ", "W"},  {"ɑʊ", "W"}, {"æʊ", "W"}, {"ɔɪ", "Y"}, {"oʊ", "O"},
    {"əʊ", "Q"}, {"tʃ", "ʧ"}, {"dʒ", "ʤ"}, {"ɝː", "ɜɹ"}, {"ɝ", "ɜɹ"}, {"ɚ", "əɹ"}, {"g", "ɡ"},  {"r", "ɹ"},
    {"ɫ", "l"},  {"ʍ", "w"},  {"l̩", "ᵊl"}, {"n̩", "ᵊn"},  {"m̩", "ᵊm"}, {"ɹ̩", "əɹ"}, {"ɾ", "T"},  {"ʔ", "t"},
    {"ʌɪ", "I"}, {"'", "ˈ"},  {"’", "ˈ"},  {".", ""},    {"‿", ""},   {"ʰ", ""},   {"̪", ""},    {"̬", ""},
    {"̚", ""},    {"̥", ""},    {"̯", ""},    {"̩", ""},     {"͡", ""},    {"͜", ""},    {"ɱ", "m"},  {"ʋ", "v"},
    {"ɘ", "ə"},  {"ɵ", "ə"},  {"ɐ", "ɐ"},  {"ɨ", "ᵻ"},   {"ʉ", "u"},  {"ɬ", "l"},  {"ħ", "h"},  {"ɦ", "h"},
};
static const struct rewrite from_ipa_us[] = {{"ɜːɹ", "ɜɹ"}, {"ɜːr", "ɜɹ"}, {"ɜː", "ɜɹ"},
                                             {"ː", ""},     {"ɒ", "ɑ"},    {"e", "ɛ"}};
static const struct rewrite from_ipa_gb[] = {{"ɛə", "ɛː"}, {"eə", "ɛː"}, {"æ", "a"},
                                             {"e", "ɛ"},   {"ɾ", "t"},   {"oʊ", "Q"}};

/* The rewrite of `table` that starts at `text`, or NULL. */
static const struct rewrite *rewrite_find(const struct rewrite *table, size_t count, const char *text,
                                          size_t size)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(table[i].from);
        if (length <= size && memcmp(table[i].from, text, length) == 0)
            return &table[i];
    }
    return NULL;
}

/* Copies `ipa` without tie bars into *out, so that "t͡ʃ" is matched as "tʃ". */
static void remove_ties(const char *ipa, size_t size, struct str *out)
{
    for (size_t i = 0; i < size; i++) {
        if (i + 1 < size && (unsigned char)ipa[i] == 0xcd &&
            ((unsigned char)ipa[i + 1] == 0xa1 || (unsigned char)ipa[i + 1] == 0x9c))
            i++;
        else
            str_putc(out, ipa[i]);
    }
}

/* Settles the stress of a pronunciation of any length, word by word. */
static void write_settled(const char *text, size_t size, struct str *out)
{
    while (size > 0) {
        const char *space = memchr(text, ' ', size);
        size_t length = space == NULL ? size : (size_t)(space - text);
        struct phones word;
        if (phones_parse(text, length, &word, NULL)) {
            phones_settle_stress(&word);
            phones_write(&word, out);
        } else {
            str_append(out, text, length);
        }
        if (space == NULL)
            return;
        str_putc(out, ' ');
        text += length + 1;
        size -= length + 1;
    }
}

lt_status symbols_from_ipa(const char *ipa, size_t size, bool british, struct str *out, lt_error *error)
{
    struct str plain = {0}, symbols = {0};
    lt_status status = error_none(error);
    remove_ties(ipa, size, &plain);
    const struct rewrite *own = british ? from_ipa_gb : from_ipa_us;
    size_t own_count =
        british ? sizeof from_ipa_gb / sizeof *from_ipa_gb : sizeof from_ipa_us / sizeof *from_ipa_us;
    for (size_t i = 0; i < plain.length && status == LT_OK;) {
        const char *at = plain.data + i;
        size_t left = plain.length - i;
        const struct rewrite *shared = rewrite_find(from_ipa, sizeof from_ipa / sizeof *from_ipa, at, left);
        const struct rewrite *accent = rewrite_find(own, own_count, at, left);
        /* the longer match wins, the accent's own on equal length */
        const struct rewrite *rewrite = accent;
        if (shared != NULL && (accent == NULL || strlen(shared->from) > strlen(accent->from)))
            rewrite = shared;
        if (rewrite != NULL) {
            str_puts(&symbols, rewrite->to);
            i += strlen(rewrite->from);
            continue;
        }
        uint32_t c = 0;
        size_t length = utf8_decode(at, left, &c);
        if (length == 0 || symbol_of(c) == SYMBOL_NONE)
            status = error_set(error, LT_ERR_TEXT,
                               "'%.*s' in the phonemes '%.*s' is no symbol that the voice knows: use IPA, or "
                               "Kokoro's symbols",
                               (int)(length == 0 ? 1 : length), at,
                               (int)(size > 80 ? utf8_floor(ipa, 80) : size), ipa);
        else
            str_append(&symbols, at, length);
        i += length;
    }
    if (status == LT_OK)
        write_settled(symbols.data == NULL ? "" : symbols.data, symbols.length, out);
    if (status == LT_OK && (plain.failed || symbols.failed || out->failed))
        status = error_memory(error, "phonemes");
    str_free(&plain);
    str_free(&symbols);
    return status;
}

/* ---- X-SAMPA ----------------------------------------------------------------------------------- */

/* To IPA; longest first within a first character. A character that is not here stands for itself. */
static const struct rewrite from_xsampa_table[] = {
    {"r\\`", "ɻ"}, {"r\\", "ɹ"}, {"r`", "ɽ"},  {"l`", "l"},  {"s`", "ʂ"},  {"z`", "z"},  {"t`", "ʈ"},
    {"d`", "ɖ"},   {"n`", "ɳ"},  {"s\\", "ɕ"}, {"z\\", "ʒ"}, {"h\\", "h"}, {"j\\", "ʝ"}, {"p\\", "ɸ"},
    {"v\\", "v"},  {"J\\", "ɟ"}, {"R\\", "ʁ"}, {"X\\", "h"}, {"M\\", "ɰ"}, {"G\\", "ɡ"}, {"@`", "ɚ"},
    {"3`", "ɝ"},   {"_~", "̃"},   {"~", "̃"},    {"_t", ""},   {"_h", ""},   {"_v", ""},   {"_0", ""},
    {"_}", ""},    {"_d", ""},   {"_=", "̩"},   {"=", "̩"},    {"_^", ""},   {"_", ""},    {"-", ""},
    {"||", ""},    {"|", ""},    {"{", "æ"},   {"}", "ʉ"},   {"@", "ə"},   {"3", "ɜ"},   {"A", "ɑ"},
    {"Q", "ɒ"},    {"O", "ɔ"},   {"V", "ʌ"},   {"U", "ʊ"},   {"I", "ɪ"},   {"E", "ɛ"},   {"D", "ð"},
    {"T", "θ"},    {"S", "ʃ"},   {"Z", "ʒ"},   {"N", "ŋ"},   {"R", "ʁ"},   {"C", "ç"},   {"G", "ɣ"},
    {"B", "β"},    {"L", "ʎ"},   {"J", "ɲ"},   {"H", "ɥ"},   {"M", "ɯ"},   {"P", "ʋ"},   {"W", "w"},
    {"X", "χ"},    {"Y", "y"},   {"2", "ø"},   {"9", "œ"},   {"&", "œ"},   {"1", "ɨ"},   {"4", "ɾ"},
    {"5", "l"},    {"6", "ɐ"},   {"7", "ɤ"},   {"8", "ə"},   {"?", "ʔ"},   {"\"", "ˈ"},  {"%", "ˌ"},
    {":", "ː"},    {"'", "ʲ"},   {"g", "ɡ"},   {"r", "ɹ"},   {"F", "m"},   {".", ""},
};

lt_status symbols_from_xsampa(const char *xsampa, size_t size, bool british, struct str *out, lt_error *error)
{
    struct str ipa = {0};
    for (size_t i = 0; i < size;) {
        const struct rewrite *rewrite = rewrite_find(
            from_xsampa_table, sizeof from_xsampa_table / sizeof *from_xsampa_table, xsampa + i, size - i);
        if (rewrite != NULL) {
            str_puts(&ipa, rewrite->to);
            i += strlen(rewrite->from);
        } else {
            str_putc(&ipa, xsampa[i++]);
        }
    }
    lt_status status =
        ipa.failed ? error_memory(error, "phonemes")
                   : symbols_from_ipa(ipa.data == NULL ? "" : ipa.data, ipa.length, british, out, error);
    str_free(&ipa);
    return status;
}
