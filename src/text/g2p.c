/* g2p.c: single words by misaki's rules (en.py, class Lexicon) over the compiled lexicon. */
#include "text/g2p.h"

#include <string.h>

#include "text/g2p_rules.h"

/* A word of a length that a lexicon can hold, ASCII. */
struct spelling {
    char text[LEXICON_MAX_WORD + 1];
    size_t size;
};

static bool all_letters(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!char_is_alpha(word[i]))
            return false;
    return size > 0;
}

static bool has_lower(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (char_is_lower(word[i]))
            return true;
    return false;
}

static bool has_upper(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (char_is_upper(word[i]))
            return true;
    return false;
}

static bool spelling_set(struct spelling *spelling, const char *word, size_t size)
{
    if (size > LEXICON_MAX_WORD)
        return false;
    memcpy(spelling->text, word, size);
    spelling->text[size] = '\0';
    spelling->size = size;
    return true;
}

static void spelling_lower(struct spelling *spelling)
{
    for (size_t i = 0; i < spelling->size; i++)
        spelling->text[i] = char_lower(spelling->text[i]);
}

static bool spelling_is(const struct spelling *spelling, const char *text)
{
    return strcmp(spelling->text, text) == 0;
}

static bool ends_with(const struct spelling *spelling, const char *ending)
{
    size_t size = strlen(ending);
    return spelling->size >= size && memcmp(spelling->text + spelling->size - size, ending, size) == 0;
}

/* `spelling` without its last `cut` letters and with `more` instead. */
static struct spelling stem_of(const struct spelling *spelling, size_t cut, const char *more)
{
    struct spelling stem = {0};
    spelling_set(&stem, spelling->text, spelling->size - cut);
    size_t size = strlen(more);
    if (stem.size + size <= LEXICON_MAX_WORD) {
        memcpy(stem.text + stem.size, more, size + 1);
        stem.size += size;
    }
    return stem;
}

/* ---- lexicon ----------------------------------------------------------------------------------- */

static bool find_gold(const struct g2p *g2p, const char *word, size_t size, struct lexicon_entry *entry)
{
    return g2p->lexicon != NULL &&
           lexicon_find(g2p->lexicon, g2p->british ? LEXICON_GB_GOLD : LEXICON_US_GOLD, word, size, entry);
}

static bool find_silver(const struct g2p *g2p, const char *word, size_t size, struct lexicon_entry *entry)
{
    return g2p->lexicon != NULL &&
           lexicon_find(g2p->lexicon, g2p->british ? LEXICON_GB_SILVER : LEXICON_US_SILVER, word, size,
                        entry);
}

static bool is_symbol(const char *word, size_t size)
{
    return size == 1 && memchr("%&+@", word[0], 4) != NULL;
}

static enum lexicon_tag parent_tag(enum pos_tag tag)
{
    switch (tag) {
    case POS_VB:
    case POS_VBD:
    case POS_VBG:
    case POS_VBN:
    case POS_VBP:
    case POS_VBZ:
        return LEXICON_VERB;
    case POS_NN:
    case POS_NNS:
    case POS_NNP:
    case POS_NNPS:
        return LEXICON_NOUN;
    case POS_RB:
    case POS_RBR:
        return LEXICON_ADV;
    case POS_JJ:
    case POS_JJR:
    case POS_JJS:
        return LEXICON_ADJ;
    default:
        return LEXICON_DEFAULT;
    }
}

/* The tag itself where the lexicons have variants for it, else LEXICON_DEFAULT. */
static enum lexicon_tag own_tag(enum pos_tag tag)
{
    switch (tag) {
    case POS_VBD:
        return LEXICON_VBD;
    case POS_VBN:
        return LEXICON_VBN;
    case POS_VBP:
        return LEXICON_VBP;
    case POS_DT:
        return LEXICON_DT;
    default:
        return LEXICON_DEFAULT;
    }
}

/* The variant for a tag in a context; `final` looks at "before a pause" first. */
static const struct lexicon_variant *choose(const struct lexicon_entry *entry, enum pos_tag tag, bool final)
{
    const struct lexicon_variant *variant = NULL;
    if (entry->count > 1) {
        if (final)
            variant = lexicon_variant(entry, LEXICON_FINAL);
        if (variant == NULL && own_tag(tag) != LEXICON_DEFAULT)
            variant = lexicon_variant(entry, own_tag(tag));
        if (variant == NULL)
            variant = lexicon_variant(entry, parent_tag(tag));
    }
    return variant != NULL ? variant : &entry->variants[0];
}

void g2p_apply_stress(struct phones *phones, int stress)
{
    bool primary = phones_has(phones, SYMBOL_PRIMARY), secondary = phones_has(phones, SYMBOL_SECONDARY);
    if (stress == STRESS_UNSET)
        return;
    if (stress < -2) {
        phones_remove(phones, SYMBOL_PRIMARY);
        phones_remove(phones, SYMBOL_SECONDARY);
    } else if (stress == -2 || ((stress == 0 || stress == -1) && primary)) {
        phones_remove(phones, SYMBOL_SECONDARY);
        phones_replace(phones, SYMBOL_PRIMARY, SYMBOL_SECONDARY);
    } else if (stress >= 0 && !primary && !secondary) {
        if (!phones_has_class(phones, CLASS_VOWEL))
            return;
        phones_insert(phones, 0, stress > 2 ? SYMBOL_PRIMARY : SYMBOL_SECONDARY);
        phones_settle_stress(phones);
    } else if (stress >= 2 && !primary) {
        phones_replace(phones, SYMBOL_SECONDARY, SYMBOL_PRIMARY);
    }
}

/* Letters of the English alphabet, for builds without a lexicon: American, then what Britain says otherwise. */
static const char *const letter_names[26] = {
    "ˈA",  "bˈi", "sˈi", "dˈi",  "ˈi",  "ˈɛf", "ʤˈi", "ˈAʧ", "ˈI",  "ʤˈA",      "kˈA",  "ˈɛl", "ˈɛm",
    "ˈɛn", "ˈO",  "pˈi", "kjˈu", "ˈɑɹ", "ˈɛs", "tˈi", "jˈu", "vˈi", "dˈʌbᵊlju", "ˈɛks", "wˈI", "zˈi"};

static bool append_letter(const struct g2p *g2p, char c, struct phones *phones)
{
    char upper = char_upper(c);
    struct lexicon_entry entry;
    if (find_gold(g2p, &upper, 1, &entry)) {
        phones_append(phones, entry.variants[0].ids, entry.variants[0].size);
        return true;
    }
    if (g2p->lexicon != NULL)
        return false;
    struct phones name;
    const char *text = g2p->british && upper == 'Z' ? "zˈɛd" : letter_names[upper - 'A'];
    phones_parse(text, strlen(text), &name, NULL);
    phones_append(phones, name.id, name.count);
    return true;
}

/* misaki's get_NNP: the letters, the last of them stressed. */
bool g2p_spell_letters(const struct g2p *g2p, const char *word, size_t size, struct g2p_result *result)
{
    struct phones phones = {0};
    for (size_t i = 0; i < size; i++)
        if (char_is_alpha(word[i]) && !append_letter(g2p, word[i], &phones))
            return false;
    if (phones.count == 0)
        return false;
    g2p_apply_stress(&phones, 0);
    for (size_t i = phones.count; i-- > 0;)
        if (phones.id[i] == SYMBOL_SECONDARY) {
            phones.id[i] = SYMBOL_PRIMARY;
            break;
        }
    *result = (struct g2p_result){phones, PHONEMES_SPELLED, "letter by letter"};
    return true;
}

static void take(struct g2p_result *result, const struct lexicon_variant *variant, enum phoneme_origin origin)
{
    *result = (struct g2p_result){.origin = origin};
    phones_append(&result->phones, variant->ids, variant->size);
}

bool g2p_lookup(const struct g2p *g2p, const char *word, size_t size, enum pos_tag tag, int stress,
                struct g2p_context context, struct g2p_result *result)
{
    struct spelling s;
    struct lexicon_entry entry;
    bool name = false;
    if (!spelling_set(&s, word, size))
        return false;
    enum phoneme_origin origin = PHONEMES_GOLD;
    bool found = find_gold(g2p, s.text, s.size, &entry);
    if (!found && !has_lower(s.text, s.size)) {
        spelling_lower(&s);
        name = tag == POS_NNP;
        found = find_gold(g2p, s.text, s.size, &entry);
    }
    if (!found && !name) {
        origin = PHONEMES_SILVER;
        found = find_silver(g2p, s.text, s.size, &entry);
    }
    if (found) {
        const struct lexicon_variant *variant = choose(&entry, tag, context.future == FUTURE_NONE);
        found = !variant->spelled;
        if (found)
            take(result, variant, origin);
    }
    if ((!found || (name && !phones_has(&result->phones, SYMBOL_PRIMARY))) &&
        g2p_spell_letters(g2p, s.text, s.size, result))
        return true;
    if (found)
        g2p_apply_stress(&result->phones, stress);
    return found;
}

/* misaki's is_known: whether g2p_lookup is the way to say it. */
static bool is_known(const struct g2p *g2p, const struct spelling *s)
{
    if (is_symbol(s->text, s->size) || find_gold(g2p, s->text, s->size, NULL) ||
        find_silver(g2p, s->text, s->size, NULL))
        return true;
    if (!all_letters(s->text, s->size))
        return false;
    if (s->size == 1)
        return true;
    return !has_lower(s->text + 1, s->size - 1); /* NASA, eU: looked up in lower case, else spelled */
}

/* ---- -s, -ed, -ing ----------------------------------------------------------------------------- */

static bool last_in(const struct phones *phones, const char *set)
{
    const char *last = symbol_text(phones->id[phones->count - 1]);
    return *last != '\0' && strstr(set, last) != NULL;
}

void g2p_add_s(const struct g2p *g2p, struct phones *phones)
{
    if (last_in(phones, "ptkfθ")) {
        phones_put(phones, SYMBOL_s);
        return;
    }
    if (last_in(phones, "szʃʒʧʤ"))
        phones_put(phones, g2p->british ? SYMBOL_SMALL_I : SYMBOL_SMALL_BAR_I);
    phones_put(phones, SYMBOL_z);
}

bool g2p_flaps(const struct phones *phones)
{
    return phones->count > 1 && phones->id[phones->count - 1] == SYMBOL_t &&
           (symbol_class(phones->id[phones->count - 2]) & CLASS_FLAP_BEFORE);
}

static void add_ed(const struct g2p *g2p, struct phones *phones)
{
    uint8_t last = phones->id[phones->count - 1];
    if (last_in(phones, "pkfθʃsʧ")) {
        phones_put(phones, SYMBOL_t);
        return;
    }
    if (last == SYMBOL_t && !g2p->british && g2p_flaps(phones))
        phones->id[phones->count - 1] = SYMBOL_FLAP;
    if (last == SYMBOL_t || last == SYMBOL_d)
        phones_put(phones, g2p->british || phones->count < 2 ? SYMBOL_SMALL_I : SYMBOL_SMALL_BAR_I);
    phones_put(phones, SYMBOL_d);
}

static bool add_ing(const struct g2p *g2p, struct phones *phones)
{
    if (g2p->british && last_in(phones, "əː"))
        return false; /* a silent r would have to return: "occurring" */
    if (!g2p->british && g2p_flaps(phones))
        phones->id[phones->count - 1] = SYMBOL_FLAP;
    phones_put(phones, SYMBOL_SMALL_I);
    phones_put(phones, SYMBOL_ENG);
    return true;
}

/* The common end of the three: the stem's pronunciation, marked as made by a rule. */
static bool stem_lookup(const struct g2p *g2p, const struct spelling *stem, enum pos_tag tag, int stress,
                        struct g2p_context context, const char *note, struct g2p_result *result)
{
    if (!g2p_lookup(g2p, stem->text, stem->size, tag, stress, context, result) || result->phones.count == 0)
        return false;
    result->origin = PHONEMES_RULE;
    result->note = note;
    return true;
}

static bool stem_s(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                   struct g2p_context context, struct g2p_result *result)
{
    if (word->size < 3 || !ends_with(word, "s"))
        return false;
    struct spelling one = stem_of(word, 1, ""), two = stem_of(word, 2, ""), three = one;
    const struct spelling *stem = NULL;
    if (!ends_with(word, "ss") && is_known(g2p, &one))
        stem = &one;
    else if ((ends_with(word, "'s") ||
              (word->size > 4 && ends_with(word, "es") && !ends_with(word, "ies"))) &&
             is_known(g2p, &two))
        stem = &two;
    else if (word->size > 4 && ends_with(word, "ies") &&
             (three = stem_of(word, 3, "y"), is_known(g2p, &three)))
        stem = &three;
    if (stem == NULL || !stem_lookup(g2p, stem, tag, stress, context, "stem + -s", result))
        return false;
    g2p_add_s(g2p, &result->phones);
    return true;
}

static bool stem_ed(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                    struct g2p_context context, struct g2p_result *result)
{
    if (word->size < 4 || !ends_with(word, "d"))
        return false;
    struct spelling one = stem_of(word, 1, ""), two = stem_of(word, 2, "");
    const struct spelling *stem = NULL;
    if (!ends_with(word, "dd") && is_known(g2p, &one))
        stem = &one;
    else if (word->size > 4 && ends_with(word, "ed") && !ends_with(word, "eed") && is_known(g2p, &two))
        stem = &two;
    if (stem == NULL || !stem_lookup(g2p, stem, tag, stress, context, "stem + -ed", result))
        return false;
    add_ed(g2p, &result->phones);
    return true;
}

/* "specified", "marred": forms that misaki leaves to letter-to-sound, though their stems are in the lexicon. */
static bool stem_ed_changed(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                            struct g2p_context context, struct g2p_result *result)
{
    if (word->size < 5 || !ends_with(word, "ed"))
        return false;
    struct spelling y = stem_of(word, 3, "y"), single = stem_of(word, 3, "");
    const struct spelling *stem = NULL;
    char last = word->text[word->size - 3];
    if (last == 'i' && (find_gold(g2p, y.text, y.size, NULL) || find_silver(g2p, y.text, y.size, NULL)))
        stem = &y;
    else if (last == word->text[word->size - 4] && (find_gold(g2p, single.text, single.size, NULL) ||
                                                    find_silver(g2p, single.text, single.size, NULL)))
        stem = &single;
    if (stem == NULL || !stem_lookup(g2p, stem, tag, stress, context, "stem + -ed", result))
        return false;
    add_ed(g2p, &result->phones);
    return true;
}

/* A doubled consonant or "ck" before -ing: "running", "panicking". */
static bool doubled_before_ing(const struct spelling *word)
{
    char last = word->text[word->size - 4], before = word->text[word->size - 5];
    return (last == before && strchr("bcdgklmnprstvxz", last) != NULL) || (before == 'c' && last == 'k');
}

static bool stem_ing(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                     struct g2p_context context, struct g2p_result *result)
{
    if (word->size < 5 || !ends_with(word, "ing"))
        return false;
    struct spelling plain = stem_of(word, 3, ""), with_e = stem_of(word, 3, "e"),
                    single = stem_of(word, 4, "");
    const struct spelling *stem = NULL;
    if (word->size > 5 && is_known(g2p, &plain))
        stem = &plain;
    else if (is_known(g2p, &with_e))
        stem = &with_e;
    else if (word->size > 5 && doubled_before_ing(word) && is_known(g2p, &single))
        stem = &single;
    return stem != NULL && stem_lookup(g2p, stem, tag, stress, context, "stem + -ing", result) &&
           add_ing(g2p, &result->phones);
}

/* ---- special cases ----------------------------------------------------------------------------- */

static bool given(struct g2p_result *result, const char *symbols, const char *note)
{
    *result = (struct g2p_result){.origin = PHONEMES_RULE, .note = note};
    return phones_parse(symbols, strlen(symbols), &result->phones, NULL);
}

static bool one_of(const struct spelling *word, const char *a, const char *b, const char *c)
{
    return spelling_is(word, a) || spelling_is(word, b) || (c != NULL && spelling_is(word, c));
}

/* Initials with dots: "U.S.", "a.m.": parts of at most two letters. */
static bool is_dotted(const struct spelling *word)
{
    size_t run = 0, first = 0, last = word->size;
    bool inner = false;
    while (first < last && word->text[first] == '.')
        first++;
    while (last > first && word->text[last - 1] == '.')
        last--;
    for (size_t i = first; i < last; i++) {
        if (word->text[i] == '.') {
            inner = true;
            run = 0;
        } else if (!char_is_alpha(word->text[i]) || ++run > 2) {
            return false;
        }
    }
    return inner;
}

/* A variant of a gold word by tag, marked as context's choice. */
static bool gold_variant(const struct g2p *g2p, const char *word, enum lexicon_tag tag, const char *otherwise,
                         const char *note, struct g2p_result *result)
{
    struct lexicon_entry entry;
    if (!find_gold(g2p, word, strlen(word), &entry))
        return given(result, otherwise, note);
    const struct lexicon_variant *variant = lexicon_variant(&entry, tag);
    take(result, variant == NULL || variant->spelled ? &entry.variants[0] : variant, PHONEMES_GOLD);
    result->note = note;
    return true;
}

/* Words that depend on what follows; false: not one of them. */
static bool weak_form(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                      struct g2p_context context, struct g2p_result *result)
{
    bool noun = parent_tag(tag) == LEXICON_NOUN;
    if (one_of(word, "am", "Am", "AM")) {
        if (noun)
            return g2p_spell_letters(g2p, word->text, word->size, result);
        if (context.future == FUTURE_NONE || !spelling_is(word, "am") ||
            (stress != STRESS_UNSET && stress > 0))
            return gold_variant(g2p, "am", LEXICON_DEFAULT, g2p->british ? "am" : "æm", "full form", result);
        return given(result, "ɐm", "weak form");
    }
    if (one_of(word, "an", "An", "AN"))
        return spelling_is(word, "AN") && noun ? g2p_spell_letters(g2p, word->text, word->size, result)
                                               : given(result, "ɐn", "weak form");
    if (one_of(word, "to", "To", NULL) || (spelling_is(word, "TO") && (tag == POS_TO || tag == POS_IN))) {
        if (context.future == FUTURE_NONE)
            return gold_variant(g2p, "to", LEXICON_DEFAULT, g2p->british ? "tuː" : "tu", "before a pause",
                                result);
        return context.future == FUTURE_VOWEL ? given(result, "tʊ", "before a vowel")
                                              : given(result, "tə", "before a consonant");
    }
    if (one_of(word, "in", "In", NULL) || (spelling_is(word, "IN") && tag != POS_NNP))
        return context.future == FUTURE_NONE || tag != POS_IN ? given(result, "ˈɪn", "not a preposition")
                                                              : given(result, "ɪn", "preposition");
    if (one_of(word, "the", "The", "th'") || spelling_is(word, "Th'") ||
        (spelling_is(word, "THE") && tag == POS_DT))
        return context.future == FUTURE_VOWEL ? given(result, "ði", "before a vowel")
                                              : given(result, "ðə", "before a consonant");
    return false;
}

static const char *symbol_word(char c)
{
    switch (c) {
    case '%':
        return "percent";
    case '&':
        return "and";
    case '+':
        return "plus";
    default:
        return "at";
    }
}

static bool is_versus(const struct spelling *word)
{
    return (word->size == 2 || (word->size == 3 && word->text[2] == '.')) &&
           char_lower(word->text[0]) == 'v' && char_lower(word->text[1]) == 's';
}

static bool special_case(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                         struct g2p_context context, struct g2p_result *result)
{
    if (is_symbol(word->text, word->size)) {
        const char *name = symbol_word(word->text[0]);
        return g2p_lookup(g2p, name, strlen(name), POS_NONE, STRESS_UNSET, context, result);
    }
    if (is_dotted(word))
        return g2p_spell_letters(g2p, word->text, word->size, result);
    if (one_of(word, "a", "A", NULL))
        return tag == POS_DT ? given(result, "ɐ", "article") : given(result, "ˈA", "the letter");
    if (spelling_is(word, "I") && tag == POS_PRP)
        return given(result, "ˌI", "pronoun");
    if (one_of(word, "by", "By", "BY") && parent_tag(tag) == LEXICON_ADV)
        return given(result, "bˈI", "adverb");
    if (tag == POS_IN && is_versus(word))
        return g2p_lookup(g2p, "versus", 6, POS_NONE, STRESS_UNSET, context, result);
    if (one_of(word, "used", "Used", "USED") && g2p->lexicon != NULL) {
        bool habit = (tag == POS_VBD || tag == POS_JJ) && context.to;
        return gold_variant(g2p, "used", habit ? LEXICON_VBD : LEXICON_DEFAULT, "jˈuzd",
                            habit ? "used to" : NULL, result);
    }
    return weak_form(g2p, word, tag, stress, context, result);
}

/* ---- one word ---------------------------------------------------------------------------------- */

/* Whether a capitalised word should be read as its lower-case form (misaki's get_word). */
static bool reads_as_lower(const struct g2p *g2p, const struct spelling *word, const struct spelling *lower,
                           enum pos_tag tag, int stress, struct g2p_context context)
{
    bool letters = true, some = false;
    for (size_t i = 0; i < word->size; i++) {
        some = some || char_is_alpha(word->text[i]);
        letters = letters && (char_is_alpha(word->text[i]) || word->text[i] == '\'');
    }
    if (word->size < 2 || !letters || !some || !has_upper(word->text, word->size) ||
        (tag == POS_NNP && word->size <= 7))
        return false;
    bool all_capitals = !has_lower(word->text, word->size);
    size_t initial = word->text[0] == '\'' ? 2 : 1; /* "'Twas" */
    if (!all_capitals && has_upper(word->text + initial, word->size - initial))
        return false;
    if (find_gold(g2p, word->text, word->size, NULL) || find_silver(g2p, word->text, word->size, NULL))
        return false;
    struct g2p_result unused;
    return find_gold(g2p, lower->text, lower->size, NULL) ||
           find_silver(g2p, lower->text, lower->size, NULL) ||
           stem_s(g2p, lower, tag, stress, context, &unused) ||
           stem_ed(g2p, lower, tag, stress, context, &unused) ||
           stem_ing(g2p, lower, tag, stress, context, &unused);
}

/* "singin'": as "singing", but for its last sound. */
static bool dropped_g(const struct g2p *g2p, const struct spelling *word, enum pos_tag tag, int stress,
                      struct g2p_context context, struct g2p_result *result)
{
    if (!ends_with(word, "in'"))
        return false;
    struct spelling whole = stem_of(word, 1, "g");
    bool said = is_known(g2p, &whole)
                    ? g2p_lookup(g2p, whole.text, whole.size, tag, stress, context, result)
                    : stem_ing(g2p, &whole, tag, stress == STRESS_UNSET ? 1 : stress, context, result);
    if (!said || result->phones.count == 0 || result->phones.id[result->phones.count - 1] != SYMBOL_ENG)
        return false;
    result->phones.id[result->phones.count - 1] = SYMBOL_n;
    result->origin = PHONEMES_RULE;
    result->note = "-in' for -ing";
    return true;
}

static bool get_word(const struct g2p *g2p, const struct spelling *spelled, enum pos_tag tag, int stress,
                     struct g2p_context context, struct g2p_result *result)
{
    if (special_case(g2p, spelled, tag, stress, context, result))
        return true;
    struct spelling word = *spelled, lower = *spelled;
    spelling_lower(&lower);
    if (reads_as_lower(g2p, &word, &lower, tag, stress, context))
        word = lower;
    if (is_known(g2p, &word))
        return g2p_lookup(g2p, word.text, word.size, tag, stress, context, result);
    if (ends_with(&word, "s'")) {
        struct spelling possessive = stem_of(&word, 2, "'s");
        if (is_known(g2p, &possessive))
            return g2p_lookup(g2p, possessive.text, possessive.size, tag, stress, context, result);
    }
    if (ends_with(&word, "'")) {
        struct spelling plain = stem_of(&word, 1, "");
        if (is_known(g2p, &plain))
            return g2p_lookup(g2p, plain.text, plain.size, tag, stress, context, result);
    }
    return stem_s(g2p, &word, tag, stress, context, result) ||
           stem_ed(g2p, &word, tag, stress, context, result) ||
           stem_ing(g2p, &word, tag, stress == STRESS_UNSET ? 1 : stress, context, result) ||
           stem_ed_changed(g2p, &word, tag, stress, context, result) ||
           dropped_g(g2p, &word, tag, stress, context, result);
}

/* misaki's Lexicon.__call__: capitals ask for stress. */
bool g2p_say_known(const struct g2p *g2p, const char *text, size_t size, enum pos_tag tag,
                   struct g2p_context context, struct g2p_result *result)
{
    struct spelling word;
    if (!spelling_set(&word, text, size))
        return false;
    int stress = STRESS_UNSET;
    if (has_upper(word.text, word.size))
        stress = has_lower(word.text, word.size) ? 1 : 4;
    return get_word(g2p, &word, tag, stress, context, result) && result->phones.count > 0;
}

struct g2p_context g2p_next_context(struct g2p_context context, const struct phones *phones, const char *word,
                                    size_t size, enum pos_tag tag)
{
    for (size_t i = 0; i < phones->count; i++) {
        unsigned class = symbol_class(phones->id[i]);
        if (!(class & (CLASS_VOWEL | CLASS_CONSONANT | CLASS_STOP)))
            continue;
        context.future = class & CLASS_STOP    ? FUTURE_NONE
                         : class & CLASS_VOWEL ? FUTURE_VOWEL
                                               : FUTURE_CONSONANT;
        break;
    }
    context.to = size == 2 && char_lower(word[0]) == 't' && char_lower(word[1]) == 'o' &&
                 (word[1] == 'o' || tag == POS_TO || tag == POS_IN);
    return context;
}
