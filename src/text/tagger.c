/* tagger.c: parts of speech by the best path through a sentence.
 *
 * Every word gets candidate tags with a cost each (what it is, apart from its neighbours), every pair of tags a cost (what
 * follows what), and the Viterbi algorithm finds the cheapest path; the state is a pair of tags, so that an adverb between
 * auxiliary and verb ("will not read") and an inverted subject ("did you read") can be looked through. Costs are -10 ln(probability), set by hand:
 * 7 is a half, 23 a tenth, 46 a hundredth. */
#include "text/tagger.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/chars.h"

/* Tags that only the tagger tells apart; tag_out turns them into Penn tags. */
enum inner_tag {
    T_BE = POS_COUNT, /* any form of "be", also "it's" */
    T_HAVE,
    T_DO,
    T_POSSESSOR, /* "dog's" */
    T_OBJECT,    /* me, him, us, them */
    T_SINGULAR,  /* he, she, it */
    T_COUNT
};

#define UNLIKELY 46

/* ---- words ------------------------------------------------------------------------------------- */

enum word_class {
    CLASS_NONE,
#define WORDS(class, words) CLASS_##class,
#include "text/tagger_words.def"
#undef WORDS
    CLASS_UNKNOWN,
    CLASS_NAME,
    CLASS_CAPITALISED_S,
    CLASS_CAPITALISED, /* first word of a sentence, unknown in lower case */
    CLASS_FORM_S,      /* verb or noun + -s: by how nominal its stem is */
    CLASS_FORM_S_VERB,
    CLASS_FORM_S_NOUN,
    CLASS_FORM_ED,
    CLASS_FORM_ING,
    CLASS_FORM_LY,
    CLASS_FORM_ER,
    CLASS_FORM_EST,
    CLASS_POSSESSOR,
    CLASS_STOP_MARK,
    CLASS_COMMA_MARK,
    CLASS_COUNT
};

#define CANDIDATES 6
struct candidate {
    uint8_t tag, cost;
};

/* What a word of each class may be. A list ends at cost and tag 0. */
static const struct candidate classes[CLASS_COUNT][CANDIDATES] = {
    [CLASS_DETERMINER] = {{POS_DT, 0}},
    [CLASS_ALL] = {{POS_PDT, 7}, {POS_DT, 7}, {POS_RB, 25}},
    [CLASS_NO] = {{POS_DT, 2}, {POS_UH, 20}},
    [CLASS_THAT] = {{POS_IN, 8}, {POS_DT, 10}, {POS_WDT, 12}},
    [CLASS_PLURAL_SUBJECT] = {{POS_PRP, 0}},
    [CLASS_SINGULAR_SUBJECT] = {{T_SINGULAR, 0}},
    [CLASS_IT] = {{T_SINGULAR, 5}, {T_OBJECT, 9}},
    [CLASS_YOU] = {{POS_PRP, 4}, {T_OBJECT, 12}},
    [CLASS_OBJECT] = {{T_OBJECT, 0}},
    [CLASS_HER] = {{POS_PRPS, 4}, {T_OBJECT, 10}},
    [CLASS_POSSESSIVE] = {{POS_PRPS, 0}},
    [CLASS_BE] = {{T_BE, 0}},
    [CLASS_HAVE] = {{T_HAVE, 0}},
    [CLASS_DO] = {{T_DO, 0}},
    [CLASS_MODAL] = {{POS_MD, 0}},
    [CLASS_WILL] = {{POS_MD, 0}, {POS_NN, 30}},
    [CLASS_WOULD] = {{POS_MD, 5}, {T_HAVE, 9}},
    [CLASS_TO] = {{POS_TO, 0}},
    [CLASS_PREPOSITION] = {{POS_IN, 0}, {POS_RB, 30}},
    [CLASS_PARTICLE] = {{POS_IN, 6}, {POS_RP, 10}, {POS_RB, 14}},
    [CLASS_CONJUNCTION] = {{POS_CC, 0}},
    [CLASS_THERE] = {{POS_EX, 8}, {POS_RB, 8}},
    [CLASS_WHICH] = {{POS_WDT, 0}},
    [CLASS_WHO] = {{POS_WP, 0}},
    [CLASS_WHEN] = {{POS_WRB, 0}},
    [CLASS_PLEASE] = {{POS_MD, 4}, {POS_UH, 6}, {POS_VB, 14}},
    [CLASS_INTERJECTION] = {{POS_UH, 2}, {POS_RB, 14}, {POS_JJ, 25}},
    [CLASS_NUMBER] = {{POS_CD, 0}},
    [CLASS_ORDINAL] = {{POS_JJ, 3}, {POS_RB, 16}, {POS_NN, 22}},
    [CLASS_SO] = {{POS_RB, 4}, {POS_IN, 14}},
    [CLASS_MORE] = {{POS_JJ, 8}, {POS_RB, 8}, {POS_NN, 22}},
    [CLASS_ADVERB] = {{POS_RB, 0}},
    [CLASS_ADVERB_ADJECTIVE] = {{POS_RB, 8}, {POS_JJ, 6}, {POS_NN, 30}},
    [CLASS_ADJECTIVE] = {{POS_JJ, 0}, {POS_NN, 40}},
    [CLASS_ADJECTIVE_NOUN] = {{POS_JJ, 8}, {POS_NN, 6}},
    [CLASS_ADJECTIVE_VERB] = {{POS_JJ, 6}, {POS_VB, 11}, {POS_VBP, 16}, {POS_RB, 28}, {POS_NN, 40}},
    [CLASS_THREE] = {{POS_JJ, 9}, {POS_NN, 9}, {POS_VB, 14}, {POS_VBP, 18}},
    [CLASS_VERB] = {{POS_VB, 6}, {POS_VBP, 8}, {POS_NN, 42}},
    [CLASS_VERB_NOUN] = {{POS_NN, 6}, {POS_VB, 12}, {POS_VBP, 14}},
    [CLASS_NOUN_VERB] = {{POS_NN, 1}, {POS_VB, 25}, {POS_VBP, 28}},
    [CLASS_NOUN] = {{POS_NN, 0}},
    [CLASS_PAST] = {{POS_VBD, 0}},
    [CLASS_PARTICIPLE] = {{POS_VBN, 0}, {POS_JJ, 20}},
    [CLASS_PAST_PARTICIPLE] = {{POS_VBD, 5}, {POS_VBN, 7}, {POS_NN, 42}},
    [CLASS_SAME_FORMS] = {{POS_VB, 10}, {POS_VBP, 15}, {POS_VBD, 10}, {POS_VBN, 12}, {POS_NN, 14}},
    [CLASS_READ] = {{POS_VB, 7}, {POS_VBP, 12}, {POS_VBD, 9}, {POS_VBN, 9}, {POS_NN, 30}},
    [CLASS_WOUND] = {{POS_NN, 8}, {POS_VBD, 9}, {POS_VBN, 9}, {POS_VB, 22}, {POS_VBP, 28}},
    [CLASS_LEFT] = {{POS_VBD, 8}, {POS_VBN, 9}, {POS_JJ, 9}, {POS_NN, 14}, {POS_RB, 14}},
    [CLASS_UNKNOWN] = {{POS_NN, 4}, {POS_VB, 22}, {POS_VBP, 25}, {POS_JJ, 14}},
    [CLASS_NAME] = {{POS_NNP, 0}},
    [CLASS_CAPITALISED_S] = {{POS_NNS, 2}, {POS_NNP, 13}, {POS_VBZ, 30}},
    [CLASS_PLURAL] = {{POS_NNS, 0}},
    [CLASS_COLLECTIVE] = {{POS_NNS, 3}, {POS_NN, 8}},
    [CLASS_CAPITALISED] = {{POS_NNP, 4}, {POS_NN, 9}, {POS_VB, 20}, {POS_JJ, 16}},
    [CLASS_FORM_S] = {{POS_NNS, 6}, {POS_VBZ, 9}},
    [CLASS_FORM_S_VERB] = {{POS_VBZ, 1}, {POS_NNS, 35}},
    [CLASS_FORM_S_NOUN] = {{POS_NNS, 1}, {POS_VBZ, 24}},
    [CLASS_FORM_ED] = {{POS_VBD, 5}, {POS_VBN, 7}, {POS_JJ, 18}},
    [CLASS_FORM_ING] = {{POS_VBG, 3}, {POS_NN, 12}, {POS_JJ, 20}},
    [CLASS_FORM_LY] = {{POS_RB, 1}, {POS_JJ, 25}},
    [CLASS_FORM_ER] = {{POS_NN, 6}, {POS_JJR, 10}, {POS_RBR, 20}},
    [CLASS_FORM_EST] = {{POS_JJS, 2}, {POS_NN, 25}},
    [CLASS_POSSESSOR] = {{T_POSSESSOR, 0}},
    [CLASS_STOP_MARK] = {{POS_STOP, 0}},
    [CLASS_COMMA_MARK] = {{POS_COMMA, 0}},
};

static const struct {
    uint8_t class;
    const char *words;
} lists[] = {
#define WORDS(class, words) {CLASS_##class, words},
#include "text/tagger_words.def"
#undef WORDS
};

/* The words of the lists by hash: filled once, then only read. */
#define SLOTS 8192
static struct {
    const char *word;
    uint8_t size, class;
} slots[SLOTS];

static size_t word_hash(const char *word, size_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    return (hash ^ hash >> 15) % SLOTS;
}

static void fill_slots(void)
{
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (const char *word = lists[i].words; *word != '\0';) {
            size_t size = strcspn(word, " "), at = word_hash(word, size);
            while (slots[at].word != NULL)
                at = (at + 1) % SLOTS;
            slots[at].word = word;
            slots[at].size = (uint8_t)size;
            slots[at].class = lists[i].class;
            word += size + (word[size] == ' ');
        }
}

static enum word_class find_class(const char *word, size_t size)
{
    for (size_t at = word_hash(word, size); slots[at].word != NULL; at = (at + 1) % SLOTS)
        if (slots[at].size == size && memcmp(slots[at].word, word, size) == 0)
            return slots[at].class;
    return CLASS_NONE;
}

/* ---- inflections and suffixes ------------------------------------------------------------------ */

static bool ends(const char *word, size_t size, const char *ending)
{
    size_t length = strlen(ending);
    return size > length + 1 && memcmp(word + size - length, ending, length) == 0;
}

static bool is_verb_class(enum word_class class)
{
    return class == CLASS_VERB || class == CLASS_VERB_NOUN || class == CLASS_ADJECTIVE_VERB ||
           class == CLASS_THREE || class == CLASS_SAME_FORMS || class == CLASS_READ || class == CLASS_WOUND;
}

/* The class of `word` without its last `cut` letters and with `more`. */
static enum word_class stem_class(const char *word, size_t size, size_t cut, const char *more)
{
    char stem[48] = {0};
    size_t length = size - cut, extra = strlen(more);
    if (cut >= size || length + extra > sizeof stem)
        return CLASS_NONE;
    memcpy(stem, word, length);
    memcpy(stem + length, more, extra);
    return find_class(stem, length + extra);
}

static enum word_class class_of_s(const char *word, size_t size)
{
    enum word_class stem = stem_class(word, size, 1, "");
    if (stem == CLASS_NONE && ends(word, size, "ies"))
        stem = stem_class(word, size, 3, "y");
    if (stem == CLASS_NONE && ends(word, size, "es"))
        stem = stem_class(word, size, 2, "");
    if (stem == CLASS_VERB)
        return CLASS_FORM_S_VERB;
    return is_verb_class(stem) ? CLASS_FORM_S : CLASS_FORM_S_NOUN;
}

/* The stem of an -ed or -ing form, whose ending has `cut` letters: "use", "stop", "cry". */
static enum word_class inflected_stem(const char *word, size_t size, size_t cut)
{
    enum word_class stem = stem_class(word, size, cut, "");
    if (stem == CLASS_NONE)
        stem = stem_class(word, size, cut, "e");
    if (stem == CLASS_NONE && size > cut + 2 && word[size - cut - 1] == word[size - cut - 2])
        stem = stem_class(word, size, cut + 1, "");
    return stem;
}

/* Endings that settle the class of an unknown word. */
static enum word_class class_of_suffix(const char *word, size_t size)
{
    static const struct {
        const char *ending;
        uint8_t class;
    } suffixes[] = {
        {"tion", CLASS_NOUN},         {"sion", CLASS_NOUN},          {"ness", CLASS_NOUN},
        {"ment", CLASS_NOUN},         {"ity", CLASS_NOUN},           {"ship", CLASS_NOUN},
        {"hood", CLASS_NOUN},         {"ism", CLASS_NOUN},           {"ist", CLASS_NOUN},
        {"ance", CLASS_NOUN},         {"ence", CLASS_NOUN},          {"ology", CLASS_NOUN},
        {"ful", CLASS_ADJECTIVE},     {"ous", CLASS_ADJECTIVE},      {"ive", CLASS_ADJECTIVE},
        {"able", CLASS_ADJECTIVE},    {"ible", CLASS_ADJECTIVE},     {"ish", CLASS_ADJECTIVE},
        {"less", CLASS_ADJECTIVE},    {"ic", CLASS_ADJECTIVE},       {"ical", CLASS_ADJECTIVE},
        {"al", CLASS_ADJECTIVE_NOUN}, {"ent", CLASS_ADJECTIVE_NOUN}, {"ant", CLASS_ADJECTIVE_NOUN},
        {"ify", CLASS_VERB},          {"ize", CLASS_VERB},           {"ise", CLASS_VERB},
        {"ate", CLASS_THREE},         {"ly", CLASS_FORM_LY},         {"wards", CLASS_ADVERB},
        {"wise", CLASS_ADVERB},       {"est", CLASS_FORM_EST},       {"er", CLASS_FORM_ER},
    };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (size > strlen(suffixes[i].ending) + 2 && ends(word, size, suffixes[i].ending))
            return suffixes[i].class;
    return CLASS_UNKNOWN;
}

/* The class of a word in lower case; CLASS_UNKNOWN when nothing is known about it. */
static enum word_class class_of_lower(const char *word, size_t size)
{
    enum word_class class = find_class(word, size);
    if (class != CLASS_NONE)
        return class;
    if (ends(word, size, "'s") || ends(word, size, "s'"))
        return CLASS_POSSESSOR;
    if (ends(word, size, "ing") && size > 4)
        return CLASS_FORM_ING;
    if (ends(word, size, "ed") && size > 3)
        return !ends(word, size, "eed") || is_verb_class(stem_class(word, size, 1, "")) ? CLASS_FORM_ED
                                                                                        : CLASS_UNKNOWN;
    if (ends(word, size, "er") || ends(word, size, "est")) {
        enum word_class stem = inflected_stem(word, size, word[size - 1] == 'r' ? 2 : 3);
        if (stem == CLASS_NONE && word[size - 3] == 'i')
            stem = stem_class(word, size, 3, "y");
        if (stem == CLASS_ADJECTIVE || stem == CLASS_ADVERB_ADJECTIVE)
            return word[size - 1] == 'r' ? CLASS_FORM_ER : CLASS_FORM_EST;
    }
    if (word[size - 1] == 's' && size > 2 && !ends(word, size, "ss") && !ends(word, size, "ous") &&
        !ends(word, size, "is") && !ends(word, size, "us"))
        return class_of_s(word, size);
    return class_of_suffix(word, size);
}

/* The class of a word as written; `first`: of a sentence, where a capital says nothing. */
static enum word_class class_of(const char *word, size_t size, bool first)
{
    char lower[48] = {0};
    bool capital = char_is_upper(word[0]), rest_capital = false, digit = false;
    if (size > sizeof lower)
        return CLASS_UNKNOWN;
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char c = word[i];
        if (i > 0 && char_is_upper(c))
            rest_capital = true;
        if (char_is_digit(c))
            digit = true;
        if ((unsigned char)c == 0xe2 && i + 2 < size && (unsigned char)word[i + 1] == 0x80 &&
            (unsigned char)word[i + 2] == 0x99) {
            c = '\''; /* ’ */
            i += 2;
        }
        lower[length++] = char_lower(c);
    }
    if (digit)
        return CLASS_NUMBER;
    enum word_class class = class_of_lower(lower, length);
    if (!capital || (length == 1 && lower[0] == 'i'))
        return class;
    if (class == CLASS_POSSESSOR)
        return class;
    bool closed = class <= CLASS_MORE;
    if (closed || (first && !rest_capital && class != CLASS_UNKNOWN && class != CLASS_FORM_S_NOUN &&
                   class != CLASS_FORM_ER))
        return class;
    if (rest_capital && class != CLASS_UNKNOWN)
        return class; /* shouted */
    if (first && class == CLASS_FORM_S_NOUN)
        return CLASS_CAPITALISED_S;
    return first && !rest_capital ? CLASS_CAPITALISED : CLASS_NAME;
}

/* ---- what follows what ------------------------------------------------------------------------- */

/* The cost of the second tag after the first; filled once from tagger_costs.def. */
static uint8_t follow[T_COUNT][T_COUNT];

/* The tag of a name of `size` bytes in tagger_costs.def. */
static unsigned tag_named(const char *name, size_t size)
{
    static const char *const inner[] = {"BE", "HAVE", "DO", "POSS", "OBJ", "SING"};
    for (unsigned tag = 0; tag < T_COUNT; tag++) {
        const char *known = tag >= POS_COUNT   ? inner[tag - POS_COUNT]
                            : tag == POS_STOP  ? "STOP"
                            : tag == POS_COMMA ? "COMMA"
                                               : pos_name(tag);
        if (strlen(known) == size && memcmp(known, name, size) == 0)
            return tag;
    }
    return POS_NONE;
}

static void fill_follow(void)
{
    static const struct {
        const char *tag, *pairs;
    } rows[] = {
#define FOLLOW(tag, pairs) {tag, pairs},
#include "text/tagger_costs.def"
#undef FOLLOW
    };
    memset(follow, UNLIKELY, sizeof follow);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned first = tag_named(rows[i].tag, strlen(rows[i].tag));
        for (const char *at = rows[i].pairs; *at != '\0';) {
            size_t size = strcspn(at, " ");
            char *end;
            unsigned second = tag_named(at, size);
            follow[first][second] = (uint8_t)strtoul(at + size, &end, 10);
            at = end + strspn(end, " ");
        }
    }
}

static int bigram(unsigned first, unsigned second)
{
    return follow[first][second];
}

static bool is_subject(unsigned tag)
{
    return tag == POS_PRP || tag == T_SINGULAR || tag == POS_NN || tag == POS_NNS || tag == POS_NNP ||
           tag == POS_NNPS;
}

/* The cost of `third` after `first` and `second`. */
static int trigram(unsigned first, unsigned second, unsigned third)
{
    int cost = bigram(second, third);
    if (second == POS_RB) { /* look through an adverb */
        int through = bigram(first, third) + 5;
        bool auxiliary = first == POS_MD || first == POS_TO || first == T_DO || first == T_HAVE;
        bool verbal = third >= POS_VB && third <= POS_VBZ;
        return auxiliary        ? (3 * through + cost) / 4
               : verbal         ? (through + cost) / 2
               : through < cost ? through
                                : cost;
    }
    if (is_subject(second) && (first == POS_MD || first == T_DO)) { /* did you read */
        if (third == POS_VB)
            return 6;
        if (third == POS_VBP || third == POS_VBD || third == POS_VBZ)
            return cost + 30;
    }
    if (is_subject(second) && first == T_HAVE && third >= POS_VB && third <= POS_VBZ) /* have you read */
        return third == POS_VBN ? 8 : cost + 30;
    if (is_subject(second) && first == T_BE &&
        (third == POS_VBG || third == POS_VBN || third == POS_JJ)) /* are you close */
        return 10;
    if (second == POS_CC && first == third) /* read and write */
        return cost - 6 > 1 ? cost - 6 : 1;
    return cost;
}

/* ---- the best path ----------------------------------------------------------------------------- */

/* One column of the lattice: the candidates of a word, and for each pair (tag before, tag) the cheapest cost. */
struct column {
    const struct candidate *candidates;
    uint8_t count;
    uint16_t cost[CANDIDATES][CANDIDATES]; /* [of the column before][own] */
    uint8_t back[CANDIDATES][CANDIDATES];  /* candidate two columns before */
};

/* A run of tokens tagged at once: at most this many words, sentence marks included; a longer sentence is cut. */
#define COLUMNS 96

static enum pos_tag tag_out(unsigned tag)
{
    switch (tag) {
    case T_BE:
        return POS_VBZ;
    case T_HAVE:
    case T_DO:
        return POS_VBP;
    case T_POSSESSOR:
        return POS_NN;
    case T_OBJECT:
    case T_SINGULAR:
        return POS_PRP;
    default:
        return (enum pos_tag)tag;
    }
}

static uint8_t count_candidates(const struct candidate *candidates)
{
    uint8_t count = 0;
    while (count < CANDIDATES && candidates[count].tag != 0)
        count++;
    return count;
}

/* Fills column `c` from the two before it. */
static void extend(struct column *columns, size_t c)
{
    struct column *column = &columns[c], *before = &columns[c - 1];
    const struct candidate *older = c >= 2 ? columns[c - 2].candidates : NULL;
    size_t older_count = c >= 2 ? columns[c - 2].count : 1;
    for (size_t j = 0; j < before->count; j++)
        for (size_t k = 0; k < column->count; k++) {
            int best = UINT16_MAX;
            size_t back = 0;
            for (size_t i = 0; i < older_count; i++) {
                unsigned first = older == NULL ? POS_STOP : older[i].tag;
                int cost =
                    before->cost[i][j] + trigram(first, before->candidates[j].tag, column->candidates[k].tag);
                if (cost < best) {
                    best = cost;
                    back = i;
                }
            }
            best += column->candidates[k].cost;
            column->cost[j][k] = (uint16_t)(best > UINT16_MAX ? UINT16_MAX : best);
            column->back[j][k] = (uint8_t)back;
        }
}

/* The tags of the best path as the rules below see them. */
struct path {
    const struct column *columns;
    uint8_t tags[COLUMNS + 2];
    size_t last;
};

/* Finds the cheapest path through columns 1 to path->last. */
static void trace(struct path *path)
{
    const struct column *columns = path->columns;
    size_t last = path->last;
    size_t j = 0, k = 0;
    int best = UINT16_MAX + 1;
    for (size_t a = 0; a < columns[last - 1].count; a++)
        for (size_t b = 0; b < columns[last].count; b++)
            if (columns[last].cost[a][b] < best) {
                best = columns[last].cost[a][b];
                j = a;
                k = b;
            }
    for (size_t c = last; c >= 1; c--) {
        path->tags[c] = columns[c].candidates[k].tag;
        size_t i = columns[c].back[j][k];
        k = j;
        j = i;
    }
}

/* Whether a column may be `tag` without being far-fetched. */
static bool may_be(const struct path *path, size_t c, unsigned tag)
{
    for (size_t i = 0; i < path->columns[c].count; i++)
        if (path->columns[c].candidates[i].tag == tag)
            return path->columns[c].candidates[i].cost <= 16;
    return false;
}

static bool is_nominal(unsigned tag)
{
    return tag == POS_NN || tag == POS_NNS || tag == POS_NNP || tag == POS_NNPS;
}

static bool in_noun_phrase(unsigned tag)
{
    return is_nominal(tag) || tag == POS_DT || tag == POS_PDT || tag == POS_PRPS || tag == T_POSSESSOR ||
           tag == POS_JJ || tag == POS_CD || tag == POS_JJS;
}

/* "Did the camera record anything?": the verb after an auxiliary and a whole noun phrase, too far for a trigram. */
static void mend_question(struct path *path, size_t c)
{
    unsigned auxiliary = path->tags[c];
    bool noun = false;
    for (size_t i = c + 1; i <= path->last; i++) {
        unsigned tag = path->tags[i];
        bool finite = tag == POS_VBP || tag == POS_VBD;
        if (noun && auxiliary == T_BE && i < path->last && path->tags[i + 1] == POS_STOP &&
            may_be(path, i, POS_JJ)) {
            path->tags[i] = POS_JJ;
            return;
        }
        if (noun && auxiliary != T_BE && may_be(path, i, POS_VB) &&
            (finite || tag == POS_NN || tag == POS_JJ)) {
            path->tags[i] = POS_VB;
            return;
        }
        if (!in_noun_phrase(tag))
            return;
        noun = noun || is_nominal(tag);
    }
}

/* "He collected art objects": no second verb right behind the bare noun that follows the first. */
static void mend_second_verb(struct path *path, size_t c)
{
    size_t i = c - 1;
    while (i > 0 && (path->tags[i] == POS_NN || path->tags[i] == POS_JJ))
        i--;
    if (i > 0 && i < c - 1 && path->tags[i] >= POS_VB && path->tags[i] <= POS_VBZ && may_be(path, c, POS_NNS))
        path->tags[c] = POS_NNS;
}

/* What a path of trigrams cannot see. */
static void mend(struct path *path)
{
    for (size_t c = 1; c <= path->last; c++) {
        unsigned before = c == 1 ? POS_STOP : path->tags[c - 1], tag = path->tags[c];
        bool opens = before == POS_STOP || before == POS_COMMA || before == POS_WRB || before == POS_WDT ||
                     before == POS_WP || before == POS_CC;
        if (opens && (tag == T_DO || tag == POS_MD || tag == T_BE))
            mend_question(path, c);
        if (tag == POS_VBZ && c > 2)
            mend_second_verb(path, c);
    }
}

static enum word_class class_of_mark(const char *text, size_t size)
{
    if (size == 1 && strchr(".!?", text[0]) != NULL)
        return CLASS_STOP_MARK;
    return CLASS_COMMA_MARK;
}

/* The class of a token; *first: it begins a sentence. */
static enum word_class class_of_token(const struct tokens *tokens, const struct token *token, bool first)
{
    const char *text = tokens->pool.data + token->text;
    if (token->kind == TOKEN_PUNCTUATION)
        return class_of_mark(text, token->text_size);
    if (token->kind == TOKEN_PAUSE)
        return CLASS_COMMA_MARK;
    return class_of(text, token->text_size, first);
}

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill_tables(void)
{
    fill_slots();
    fill_follow();
}

enum pos_tag tagger_guess(const char *word, size_t size)
{
    if (size == 0)
        return POS_NONE;
    pthread_once(&tables_once, fill_tables);
    const struct candidate *candidates = classes[class_of(word, size, false)], *best = candidates;
    for (size_t i = 1; i < CANDIDATES && candidates[i].tag != 0; i++)
        if (candidates[i].cost < best->cost)
            best = &candidates[i];
    return tag_out(best->tag);
}

void tagger_tag(struct tokens *tokens)
{
    static const struct candidate start = {POS_STOP, 0};
    struct column columns[COLUMNS + 2];
    struct token *words[COLUMNS + 2];
    pthread_once(&tables_once, fill_tables);
    size_t at = 0;
    while (at < tokens->count) {
        columns[0] = (struct column){.candidates = &start, .count = 1};
        size_t last = 0;
        bool stop = false, first = true;
        for (; at < tokens->count && last < COLUMNS && !stop; at++) {
            struct token *token = &tokens->items[at];
            if (token->kind == TOKEN_DROPPED || (token->text_size == 0 && token->kind == TOKEN_WORD))
                continue;
            enum word_class class = class_of_token(tokens, token, first);
            struct column *column = &columns[++last];
            column->candidates = classes[class];
            column->count = count_candidates(column->candidates);
            words[last] = token;
            extend(columns, last);
            stop = class == CLASS_STOP_MARK;
            first = first && token->kind != TOKEN_WORD;
        }
        if (last == 0)
            continue;
        struct path path = {.columns = columns, .last = last};
        trace(&path);
        mend(&path);
        for (size_t c = 1; c <= last; c++)
            if (words[c]->tag == POS_NONE)
                words[c]->tag = (uint8_t)tag_out(path.tags[c]);
    }
}

const char *pos_name(enum pos_tag tag)
{
    static const char *const names[POS_COUNT] = {
        "",    "CC",   "CD",  "DT",  "EX",   "IN", "JJ",  "JJR", "JJS", "MD", "NN", "NNS",
        "NNP", "NNPS", "PDT", "PRP", "PRP$", "RB", "RBR", "RP",  "TO",  "UH", "VB", "VBD",
        "VBG", "VBN",  "VBP", "VBZ", "WDT",  "WP", "WP$", "WRB", ".",   ","};
    return tag < POS_COUNT ? names[tag] : "";
}
