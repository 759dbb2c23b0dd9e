/* letters.c: letter-to-sound through espeak-ng or flite, and the maps from their phonemes to Kokoro's symbols. */
#include "text/letters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <flite/flite.h>

#include "base/chars.h"
#include "base/utf8.h"
#include "text/espeak.h"

/* flite's American lexicon (libflite_cmulex), which has no header of its own. */
cst_lexicon *cmu_lex_init(void);

#define LONGEST_WORD  63 /* of letters; longer ones are said in pieces */
#define ANSWERS       1024
#define ANSWER_WORD   40
#define ANSWER_PHONES 56

/* A direct-mapped table of words already said. */
struct answer {
    uint8_t word_size, phone_count;
    char word[ANSWER_WORD];
    uint8_t phones[ANSWER_PHONES];
};

struct letters {
    bool british;
    bool espeak; /* wanted; espeak-ng is started by the first word that needs it */
    const cst_lexicon *flite;
    pthread_mutex_t mutex; /* guards answers */
    struct answer *answers;
};

static cst_lexicon *flite_lexicon;
static pthread_once_t flite_once = PTHREAD_ONCE_INIT;

static void start_flite(void)
{
    flite_lexicon = cmu_lex_init();
}

lt_status letters_open(bool british, bool espeak, struct letters **letters, lt_error *error)
{
    *letters = calloc(1, sizeof **letters);
    struct answer *answers = calloc(ANSWERS, sizeof *answers);
    if (*letters == NULL || answers == NULL) {
        free(answers);
        free(*letters);
        *letters = NULL;
        return error_memory(error, "letter-to-sound");
    }
    pthread_once(&flite_once, start_flite);
    **letters =
        (struct letters){.british = british, .espeak = espeak, .flite = flite_lexicon, .answers = answers};
    pthread_mutex_init(&(*letters)->mutex, NULL);
    return error_none(error);
}

void letters_close(struct letters *letters)
{
    if (letters == NULL)
        return;
    pthread_mutex_destroy(&letters->mutex);
    free(letters->answers);
    free(letters);
}

static bool uses_espeak(const struct letters *letters)
{
    return letters->espeak && espeak_has_voice(letters->british ? "en-gb" : "en-us");
}

const char *letters_name(const struct letters *letters)
{
    return uses_espeak(letters) ? "espeak-ng" : "flite";
}

/* ---- flite ------------------------------------------------------------------------------------- */

/* ARPAbet to symbols. `stressed` differs where the lexicons tell a full vowel from a reduced one. */
static const struct {
    const char *name;
    uint8_t plain[2], stressed[2];
} arpabet[] = {
    {"aa", {SYMBOL_ALPHA}, {SYMBOL_ALPHA}},
    {"ae", {SYMBOL_ASH}, {SYMBOL_ASH}},
    {"ah", {SYMBOL_SCHWA}, {SYMBOL_TURNED_V}},
    {"ao", {SYMBOL_OPEN_O}, {SYMBOL_OPEN_O}},
    {"aw", {SYMBOL_W}, {SYMBOL_W}},
    {"ax", {SYMBOL_SCHWA}, {SYMBOL_TURNED_V}},
    {"axr", {SYMBOL_SCHWA, SYMBOL_TURNED_R}, {SYMBOL_OPEN_E, SYMBOL_TURNED_R}},
    {"ay", {SYMBOL_I}, {SYMBOL_I}},
    {"b", {SYMBOL_b}, {SYMBOL_b}},
    {"ch", {SYMBOL_TESH}, {SYMBOL_TESH}},
    {"d", {SYMBOL_d}, {SYMBOL_d}},
    {"dh", {SYMBOL_ETH}, {SYMBOL_ETH}},
    {"eh", {SYMBOL_EPSILON}, {SYMBOL_EPSILON}},
    {"er", {SYMBOL_SCHWA, SYMBOL_TURNED_R}, {SYMBOL_OPEN_E, SYMBOL_TURNED_R}},
    {"ey", {SYMBOL_A}, {SYMBOL_A}},
    {"f", {SYMBOL_f}, {SYMBOL_f}},
    {"g", {SYMBOL_G}, {SYMBOL_G}},
    {"hh", {SYMBOL_h}, {SYMBOL_h}},
    {"ih", {SYMBOL_SMALL_I}, {SYMBOL_SMALL_I}},
    {"iy", {SYMBOL_i}, {SYMBOL_i}},
    {"jh", {SYMBOL_DEZH}, {SYMBOL_DEZH}},
    {"k", {SYMBOL_k}, {SYMBOL_k}},
    {"l", {SYMBOL_l}, {SYMBOL_l}},
    {"m", {SYMBOL_m}, {SYMBOL_m}},
    {"n", {SYMBOL_n}, {SYMBOL_n}},
    {"ng", {SYMBOL_ENG}, {SYMBOL_ENG}},
    {"ow", {SYMBOL_O}, {SYMBOL_O}},
    {"oy", {SYMBOL_Y}, {SYMBOL_Y}},
    {"p", {SYMBOL_p}, {SYMBOL_p}},
    {"r", {SYMBOL_TURNED_R}, {SYMBOL_TURNED_R}},
    {"s", {SYMBOL_s}, {SYMBOL_s}},
    {"sh", {SYMBOL_ESH}, {SYMBOL_ESH}},
    {"t", {SYMBOL_t}, {SYMBOL_t}},
    {"th", {SYMBOL_THETA}, {SYMBOL_THETA}},
    {"uh", {SYMBOL_UPSILON}, {SYMBOL_UPSILON}},
    {"uw", {SYMBOL_u}, {SYMBOL_u}},
    {"v", {SYMBOL_v}, {SYMBOL_v}},
    {"w", {SYMBOL_w}, {SYMBOL_w}},
    {"y", {SYMBOL_j}, {SYMBOL_j}},
    {"z", {SYMBOL_z}, {SYMBOL_z}},
    {"zh", {SYMBOL_EZH}, {SYMBOL_EZH}},
};

/* Appends one of flite's phones: a name, then a stress digit on vowels ("ao1"). */
static void put_arpabet(const char *phone, struct phones *phones)
{
    size_t length = strlen(phone);
    char digit = length > 0 ? phone[length - 1] : '\0';
    bool has_digit = digit >= '0' && digit <= '2', stressed = digit == '1' || digit == '2';
    if (has_digit)
        length--;
    for (size_t i = 0; i < sizeof arpabet / sizeof *arpabet; i++) {
        if (strlen(arpabet[i].name) != length || memcmp(arpabet[i].name, phone, length) != 0)
            continue;
        const uint8_t *ids = stressed ? arpabet[i].stressed : arpabet[i].plain;
        if (stressed)
            phones_put(phones, digit == '1' ? SYMBOL_PRIMARY : SYMBOL_SECONDARY);
        phones_append(phones, ids, ids[1] == 0 ? 1 : 2);
        return;
    }
}

/* American flaps: t between a vowel (or r) and an unstressed vowel. */
static void flap(struct phones *phones)
{
    for (size_t i = 1; i + 1 < phones->count; i++)
        if (phones->id[i] == SYMBOL_t &&
            (symbol_class(phones->id[i - 1]) & (CLASS_FLAP_BEFORE | CLASS_VOWEL)) &&
            ((symbol_class(phones->id[i + 1]) & CLASS_VOWEL) ||
             (i + 2 < phones->count && phones->id[i + 1] == SYMBOL_SMALL_SCHWA &&
              phones->id[i + 2] == SYMBOL_l)))
            phones->id[i] = SYMBOL_FLAP;
}

/* One vowel of American English as the British lexicons write it; `r`: an r followed it. Appends to *out. */
static void put_british_vowel(uint8_t id, bool stressed, bool r, struct phones *out)
{
    switch (id) {
    case SYMBOL_ASH:
        phones_put(out, SYMBOL_a);
        break;
    case SYMBOL_O:
        phones_put(out, r ? SYMBOL_OPEN_O : SYMBOL_Q);
        break;
    case SYMBOL_ALPHA:
        phones_put(out, r ? SYMBOL_ALPHA : SYMBOL_TURNED_ALPHA);
        break;
    default:
        phones_put(out, id);
    }
    bool centring = r && (id == SYMBOL_SMALL_I || id == SYMBOL_i || id == SYMBOL_UPSILON || id == SYMBOL_u ||
                          id == SYMBOL_I || id == SYMBOL_W);
    bool lengthened = r && (id == SYMBOL_ALPHA || id == SYMBOL_OPEN_O || id == SYMBOL_O ||
                            id == SYMBOL_OPEN_E || id == SYMBOL_EPSILON);
    if (centring)
        phones_put(out, SYMBOL_SCHWA);
    else if (lengthened || id == SYMBOL_OPEN_O || (stressed && (id == SYMBOL_i || id == SYMBOL_u)))
        phones_put(out, SYMBOL_LONG);
}

/* An American pronunciation in the British manner: no r but before vowels, British vowels. */
static void make_british(struct phones *phones)
{
    struct phones out = {0};
    for (size_t i = 0; i < phones->count; i++) {
        uint8_t id = phones->id[i];
        if (!(symbol_class(id) & CLASS_VOWEL)) {
            phones_put(&out, id);
            continue;
        }
        size_t after = i + 1;
        bool r = after < phones->count && phones->id[after] == SYMBOL_TURNED_R;
        size_t past = r ? after + 1 : after;
        bool vowel = past < phones->count &&
                     ((symbol_class(phones->id[past]) & CLASS_VOWEL) || phones->id[past] == SYMBOL_PRIMARY ||
                      phones->id[past] == SYMBOL_SECONDARY);
        bool stressed =
            i > 0 && (phones->id[i - 1] == SYMBOL_PRIMARY || phones->id[i - 1] == SYMBOL_SECONDARY);
        put_british_vowel(id, stressed, r && !vowel, &out);
        if (r && !vowel)
            i++;
    }
    *phones = out;
}

/* flite gives every stressed vowel the same mark: of two, a last syllable has the lighter one ("everything"), else the first has
 * ("reputation"). */
static void rank_stresses(struct phones *phones)
{
    size_t first = SIZE_MAX, last = SIZE_MAX, count = 0;
    for (size_t i = 0; i < phones->count; i++)
        if (phones->id[i] == SYMBOL_PRIMARY) {
            first = count == 0 ? i : first;
            last = i;
            count++;
        }
    if (count < 2)
        return;
    size_t vowels_after = 0;
    for (size_t i = last; i < phones->count; i++)
        vowels_after += (symbol_class(phones->id[i]) & CLASS_VOWEL) != 0;
    size_t main_stress = vowels_after == 1 ? first : last;
    for (size_t i = 0; i < phones->count; i++)
        if (phones->id[i] == SYMBOL_PRIMARY && i != main_stress)
            phones->id[i] = SYMBOL_SECONDARY;
}

/* The lexicons' reduced vowels: "people" and "person" with a small schwa, "before" and "decide" with a schwa, "wanted" and
 * "greatest" with a barred i. */
static void reduce(struct phones *phones)
{
    uint8_t *id = phones->id;
    size_t count = phones->count;
    if (count > 4 && (id[0] == SYMBOL_b || id[0] == SYMBOL_d || id[0] == SYMBOL_TURNED_R) &&
        id[1] == SYMBOL_SMALL_I)
        id[1] = SYMBOL_SCHWA;
    for (size_t i = 1; i + 1 < count; i++) {
        uint8_t before = id[i - 1], after = id[i + 1];
        bool consonant = (symbol_class(before) & CLASS_CONSONANT) && before != SYMBOL_TURNED_R;
        if (id[i] != SYMBOL_SCHWA || !consonant)
            continue;
        bool last = i + 2 == count;
        if ((after == SYMBOL_l && before != SYMBOL_f && last) || (after == SYMBOL_n && before == SYMBOL_s))
            id[i] = SYMBOL_SMALL_SCHWA;
        else if ((after == SYMBOL_d && last && (before == SYMBOL_t || before == SYMBOL_d)) ||
                 (after == SYMBOL_s && i + 3 == count && id[i + 2] == SYMBOL_t))
            id[i] = SYMBOL_SMALL_BAR_I;
    }
}

static void say_with_flite(const struct letters *letters, const char *word, struct phones *phones)
{
    cst_val *list = lex_lookup(letters->flite, word, NULL, NULL);
    for (const cst_val *item = list; item != NULL; item = val_cdr(item))
        put_arpabet(val_string(val_car(item)), phones);
    delete_val(list);
    /* letter-to-sound may leave a word without any stress */
    if (phones_has_class(phones, CLASS_VOWEL) && !phones_has(phones, SYMBOL_PRIMARY)) {
        phones_insert(phones, 0, SYMBOL_PRIMARY);
        phones_settle_stress(phones);
    }
    rank_stresses(phones);
    if (letters->british) {
        make_british(phones);
        return;
    }
    reduce(phones);
    flap(phones);
}

/* ---- espeak-ng --------------------------------------------------------------------------------- */

struct rewrite {
    const char *from, *to;
};

/* misaki's map of espeak-ng's phonemes (espeak.py, EspeakFallback), in its order: longest first. */
static const struct rewrite from_espeak[] = {
    {"ʔˌn̩", "ʔn"}, {"ʔn̩", "ʔn"},  {"a^ɪ", "I"}, {"a^ʊ", "W"}, {"d^ʒ", "ʤ"}, {"e^ɪ", "A"}, {"t^ʃ", "ʧ"},
    {"ɔ^ɪ", "Y"},  {"ə^l", "ᵊl"}, {"ʲo", "jo"}, {"ʲə", "jə"}, {"e", "A"},   {"ʲ", ""},    {"ɚ", "əɹ"},
    {"r", "ɹ"},    {"x", "k"},    {"ç", "k"},   {"ɐ", "ə"},   {"ɬ", "l"},   {"̃", ""}};
static const struct rewrite from_espeak_gb[] = {{"e^ə", "ɛː"}, {"iə", "ɪə"}, {"ə^ʊ", "Q"}};
static const struct rewrite from_espeak_us[] = {
    {"o^ʊ", "O"}, {"ɜːɹ", "ɜɹ"}, {"ɜː", "ɜɹ"}, {"ɪə", "iə"}, {"ː", ""}};
static const struct rewrite from_espeak_end[] = {{"o", "ɔ"}, {"^", ""}};

/* Replaces every `from` by `to`, which is never longer than twice `from`, within `size` bytes of `text`. */
static void replace_all(char *text, size_t size, const struct rewrite *rewrite)
{
    char out[512];
    size_t length = 0, from = strlen(rewrite->from), to = strlen(rewrite->to);
    const char *found, *at = text;
    if (strstr(text, rewrite->from) == NULL)
        return;
    while ((found = strstr(at, rewrite->from)) != NULL && length + (size_t)(found - at) + to < sizeof out) {
        memcpy(out + length, at, (size_t)(found - at));
        length += (size_t)(found - at);
        memcpy(out + length, rewrite->to, to);
        length += to;
        at = found + from;
    }
    size_t rest = strlen(at);
    if (length + rest >= sizeof out || length + rest >= size)
        return; /* too long to be one word: left as it is */
    memcpy(out + length, at, rest);
    memcpy(text, out, length + rest);
    text[length + rest] = '\0';
}

/* "n̩" (any letter, then the syllabic mark) to "ᵊn". */
static void open_syllabics(const char *text, struct phones *phones)
{
    static const char syllabic[] = "\u0329";
    while (*text != '\0') {
        uint32_t c;
        size_t length = utf8_decode(text, strlen(text), &c);
        if (length == 0)
            return;
        bool mark = strncmp(text + length, syllabic, 2) == 0;
        if (mark)
            phones_put(phones, SYMBOL_SMALL_SCHWA);
        uint8_t id = symbol_of(c);
        if (id != SYMBOL_NONE)
            phones_put(phones, id);
        text += length + (mark ? 2 : 0);
    }
}

/* Removes espeak-ng's notes of a change of language, "(en)". */
static void remove_flags(char *text)
{
    char *out = text;
    bool inside = false;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '(')
            inside = true;
        else if (*c == ')')
            inside = false;
        else if (!inside)
            *out++ = *c;
    }
    *out = '\0';
}

static void say_with_espeak(const struct letters *letters, const char *word, struct phones *phones)
{
    struct str ipa = {0};
    char text[512];
    if (espeak_ipa(letters->british ? "en-gb" : "en-us", word, &ipa) && !ipa.failed &&
        ipa.length < sizeof text / 2) {
        memcpy(text, ipa.data, ipa.length + 1);
        remove_flags(text);
        for (size_t i = 0; i < sizeof from_espeak / sizeof *from_espeak; i++)
            replace_all(text, sizeof text, &from_espeak[i]);
        const struct rewrite *own = letters->british ? from_espeak_gb : from_espeak_us;
        size_t count =
            letters->british ? sizeof from_espeak_gb / sizeof *own : sizeof from_espeak_us / sizeof *own;
        for (size_t i = 0; i < count; i++)
            replace_all(text, sizeof text, &own[i]);
        for (size_t i = 0; i < sizeof from_espeak_end / sizeof *from_espeak_end; i++)
            replace_all(text, sizeof text, &from_espeak_end[i]);
        open_syllabics(text, phones);
    }
    str_free(&ipa);
}

/* ---- words ------------------------------------------------------------------------------------- */

/* Says one word of at most LONGEST_WORD letters. */
static void say_fresh(const struct letters *letters, const char *word, struct phones *phones)
{
    if (uses_espeak(letters))
        say_with_espeak(letters, word, phones);
    if (phones->count == 0)
        say_with_flite(letters, word, phones);
}

static bool recall(struct letters *letters, const char *word, size_t size, struct answer *slot,
                   struct phones *phones)
{
    pthread_mutex_lock(&letters->mutex);
    bool known = slot->word_size == size && memcmp(slot->word, word, size) == 0;
    if (known)
        phones_append(phones, slot->phones, slot->phone_count);
    pthread_mutex_unlock(&letters->mutex);
    return known;
}

static void remember(struct letters *letters, const char *word, size_t size, struct answer *slot,
                     const struct phones *phones)
{
    pthread_mutex_lock(&letters->mutex);
    slot->word_size = (uint8_t)size;
    slot->phone_count = phones->count;
    memcpy(slot->word, word, size);
    memcpy(slot->phones, phones->id, phones->count);
    pthread_mutex_unlock(&letters->mutex);
}

static void say_piece(struct letters *letters, const char *word, size_t size, struct phones *phones)
{
    if (size > ANSWER_WORD) {
        say_fresh(letters, word, phones);
        return;
    }
    size_t hash = 5381;
    for (size_t i = 0; i < size; i++)
        hash = hash * 33 + (unsigned char)word[i];
    struct answer *slot = &letters->answers[hash % ANSWERS];
    if (recall(letters, word, size, slot, phones))
        return;
    struct phones fresh = {0};
    say_fresh(letters, word, &fresh);
    phones_append(phones, fresh.id, fresh.count);
    if (fresh.count > 0 && fresh.count <= ANSWER_PHONES)
        remember(letters, word, size, slot, &fresh);
}

bool letters_say(struct letters *letters, const char *word, size_t size, struct phones *phones)
{
    char piece[LONGEST_WORD + 1];
    size_t length = 0;
    *phones = (struct phones){0};
    for (size_t i = 0; i <= size && !phones->full; i++) {
        char c = i < size ? char_lower(word[i]) : '\0';
        if (char_is_lower(c) || (c == '\'' && length > 0))
            piece[length++] = c;
        if (length == LONGEST_WORD || (i == size && length > 0)) {
            piece[length] = '\0';
            say_piece(letters, piece, length, phones);
            length = 0;
        }
    }
    return phones->count > 0;
}
