/* symbols.h: the phoneme symbols that Kokoro was trained on, and the ways into them.
 *
 * Inside the front end a pronunciation is a list of bytes, one a symbol: the byte is the symbol's id in the published
 * model's vocabulary (hexgrad/Kokoro-82M, config.json), so that rules compare bytes and never decode UTF-8. Besides IPA
 * the vocabulary has the lexicons' own letters: A "ey", I "eye", O "oh", Q the British "oh", W "ow", Y "oy", T the American
 * flap, ᵊ and ᵻ reduced vowels; a stress mark stands right before its vowel, not before its syllable. */
#ifndef TEXT_SYMBOLS_H
#define TEXT_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* The ids that rules name. */
enum symbol {
    SYMBOL_NONE = 0,
    SYMBOL_SPACE = 16,
    SYMBOL_A = 24,
    SYMBOL_I = 25,
    SYMBOL_O = 31,
    SYMBOL_Q = 33,
    SYMBOL_T = 36,
    SYMBOL_W = 39,
    SYMBOL_Y = 41,
    SYMBOL_SMALL_SCHWA = 42, /* ᵊ */
    SYMBOL_a = 43,
    SYMBOL_b = 44,
    SYMBOL_d = 46,
    SYMBOL_e = 47,
    SYMBOL_f = 48,
    SYMBOL_h = 50,
    SYMBOL_i = 51,
    SYMBOL_j = 52,
    SYMBOL_k = 53,
    SYMBOL_l = 54,
    SYMBOL_m = 55,
    SYMBOL_n = 56,
    SYMBOL_o = 57,
    SYMBOL_p = 58,
    SYMBOL_r = 60,
    SYMBOL_s = 61,
    SYMBOL_t = 62,
    SYMBOL_u = 63,
    SYMBOL_v = 64,
    SYMBOL_w = 65,
    SYMBOL_z = 68,
    SYMBOL_ALPHA = 69,        /* ɑ */
    SYMBOL_TURNED_A = 70,     /* ɐ */
    SYMBOL_TURNED_ALPHA = 71, /* ɒ */
    SYMBOL_ASH = 72,          /* æ */
    SYMBOL_OPEN_O = 76,       /* ɔ */
    SYMBOL_ETH = 81,          /* ð */
    SYMBOL_DEZH = 82,         /* ʤ */
    SYMBOL_SCHWA = 83,        /* ə */
    SYMBOL_EPSILON = 86,      /* ɛ */
    SYMBOL_OPEN_E = 87,       /* ɜ */
    SYMBOL_G = 92,            /* ɡ */
    SYMBOL_SMALL_I = 102,     /* ɪ */
    SYMBOL_ENG = 112,         /* ŋ */
    SYMBOL_THETA = 119,       /* θ */
    SYMBOL_TURNED_R = 123,    /* ɹ */
    SYMBOL_FLAP = 125,        /* ɾ */
    SYMBOL_ESH = 131,         /* ʃ */
    SYMBOL_TESH = 133,        /* ʧ */
    SYMBOL_UPSILON = 135,     /* ʊ */
    SYMBOL_TURNED_V = 138,    /* ʌ */
    SYMBOL_EZH = 147,         /* ʒ */
    SYMBOL_GLOTTAL = 148,     /* ʔ */
    SYMBOL_PRIMARY = 156,     /* ˈ */
    SYMBOL_SECONDARY = 157,   /* ˌ */
    SYMBOL_LONG = 158,        /* ː */
    SYMBOL_SMALL_BAR_I = 177  /* ᵻ */
};

/* Classes of symbols, as the pronunciation rules need them. */
enum {
    CLASS_VOWEL = 1,
    CLASS_CONSONANT = 2,
    CLASS_HEAVY = 4,       /* diphthongs and affricates: count twice in the weight of a word */
    CLASS_STOP = 8,        /* punctuation that ends a phrase (not quotes, not brackets) */
    CLASS_FLAP_BEFORE = 16 /* an American t after it and before a vowel is a flap */
};
unsigned symbol_class(uint8_t id);

/* UTF-8 of a symbol, "" for an id that the vocabulary lacks. */
const char *symbol_text(uint8_t id);

/* Id of a character, SYMBOL_NONE when the vocabulary lacks it. */
uint8_t symbol_of(uint32_t codepoint);

/* A pronunciation. {0} is empty. A symbol that does not fit is left out and sets `full`. */
#define PHONES_MAX 250
struct phones {
    uint8_t id[PHONES_MAX];
    uint8_t count;
    bool full;
};

void phones_put(struct phones *phones, uint8_t id);
void phones_append(struct phones *phones, const uint8_t *ids, size_t count);
bool phones_has(const struct phones *phones, uint8_t id);
bool phones_has_class(const struct phones *phones, unsigned mask);

/* Inserts `id` at position `at`, moving the rest. */
void phones_insert(struct phones *phones, size_t at, uint8_t id);
void phones_remove(struct phones *phones, uint8_t id);
void phones_replace(struct phones *phones, uint8_t from, uint8_t to);

/* Moves each stress mark right before the next vowel. */
void phones_settle_stress(struct phones *phones);

/* Reads UTF-8 of the vocabulary's symbols. *bad (NULL is fine) receives the byte of the first character that is none. */
bool phones_parse(const char *text, size_t size, struct phones *phones, size_t *bad);

/* Appends the UTF-8 of a pronunciation. */
void phones_write(const struct phones *phones, struct str *out);

/* Appends IPA (as dictionaries write it: diphthongs as two letters, stress before the syllable) to *out in Kokoro's symbols.
 * Text that is in Kokoro's symbols already passes unchanged. Errors: LT_ERR_TEXT naming the first character that has no
 * counterpart, LT_ERR_MEMORY. */
lt_status symbols_from_ipa(const char *ipa, size_t size, bool british, struct str *out, lt_error *error);

/* The same for X-SAMPA (J. C. Wells, 1995, "Computer-coding the IPA: a proposed extension of SAMPA"). */
lt_status symbols_from_xsampa(const char *xsampa, size_t size, bool british, struct str *out,
                              lt_error *error);

#endif
