/* homographs.c: which of two pronunciations, by part of speech and the words around. */
#include "text/homographs.h"

#include <pthread.h>
#include <string.h>

#include "base/chars.h"

/* ---- looking around ---------------------------------------------------------------------------- */

/* A word of the list in lower case, at most 23 letters; longer words are cut, which no cue is. */
struct near_word {
    char text[24];
    size_t size;
};

static void read_word(const struct tokens *tokens, size_t index, struct near_word *word)
{
    const struct token *token = &tokens->items[index];
    const char *text = tokens->pool.data + token->text;
    word->size = token->text_size < sizeof word->text - 1 ? token->text_size : sizeof word->text - 1;
    for (size_t i = 0; i < word->size; i++)
        word->text[i] = char_lower(text[i]);
    word->text[word->size] = '\0';
}

/* Whether `word` is one of the words of a space-separated list. */
static bool in_list(const struct near_word *word, const char *list)
{
    for (const char *at = list; *at != '\0';) {
        size_t size = strcspn(at, " ");
        if (size == word->size && memcmp(at, word->text, size) == 0)
            return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

/* The word `step` words before (-) or after (+) `index` in the same sentence, or SIZE_MAX. */
static size_t neighbour(const struct tokens *tokens, size_t index, int step)
{
    size_t at = index;
    for (int left = step < 0 ? -step : step; left > 0;) {
        if (step < 0 ? at == 0 : at + 1 >= tokens->count)
            return SIZE_MAX;
        at = step < 0 ? at - 1 : at + 1;
        const struct token *token = &tokens->items[at];
        if (token->kind == TOKEN_PUNCTUATION && token->tag == POS_STOP)
            return SIZE_MAX;
        if (token->kind == TOKEN_WORD)
            left--;
    }
    return at;
}

static bool neighbour_in(const struct tokens *tokens, size_t index, int step, const char *list)
{
    size_t at = neighbour(tokens, index, step);
    struct near_word word;
    if (at == SIZE_MAX)
        return false;
    read_word(tokens, at, &word);
    return in_list(&word, list);
}

/* How many words of `list` stand within `reach` words on both sides, in the same sentence. */
static int count_near(const struct tokens *tokens, size_t index, int reach, const char *list)
{
    int found = 0;
    for (int step = -reach; step <= reach; step++)
        if (step != 0 && neighbour_in(tokens, index, step, list))
            found++;
    return found;
}

/* ---- the tag decides --------------------------------------------------------------------------- */

static enum pos_tag tag_at(const struct tokens *tokens, size_t index, int step)
{
    size_t at = neighbour(tokens, index, step);
    return at == SIZE_MAX ? POS_STOP : (enum pos_tag)tokens->items[at].tag;
}

static bool is_verb(enum pos_tag tag)
{
    return tag >= POS_VB && tag <= POS_VBZ;
}

/* The mark right after the word, 0 when a word follows. */
static bool before_mark(const struct tokens *tokens, size_t index)
{
    return index + 1 >= tokens->count || tokens->items[index + 1].kind != TOKEN_WORD;
}

/* Past or present of "read" after a subject that fits both ("I", "they", "children"): by the times and verbs of the sentence. */
static bool reads_as_past(const struct tokens *tokens, size_t index)
{
    int past = 2 * count_near(tokens, index, 12,
                              "yesterday last ago previously earlier already just once was were had did "
                              "before recently finally "
                              "until after somewhere");
    if (count_near(tokens, index, 12, "when while") > 0 &&
        count_near(tokens, index, 12, "was were had did") > 0)
        past += 2; /* "every night when I was small" */
    int present =
        3 * count_near(
                tokens, index, 12,
                "every always usually often sometimes generally normally daily mostly weekly rarely seldom "
                "regularly nowadays whenever don't typically if few most");
    present += tag_at(tokens, index, -2) == POS_STOP && tag_at(tokens, index, -1) == POS_NNS &&
               tag_at(tokens, index, 1) == POS_NNS; /* "kids read comics" */
    for (int step = -12; step <= 12; step++) {
        size_t at = step == 0 ? SIZE_MAX : neighbour(tokens, index, step);
        if (at == SIZE_MAX)
            continue;
        enum pos_tag tag = tokens->items[at].tag;
        past += tag == POS_VBD ? 2 : 0;
        present += tag == POS_MD && step < 0 ? 2 : 0;
        present +=
            (tag == POS_VBZ || tag == POS_VBP) && !neighbour_in(tokens, index, step, "was were had did") ? 1
                                                                                                         : 0;
    }
    return past >= present;
}

static void tag_read(const struct tokens *tokens, size_t index, struct token *token)
{
    if (token->tag == POS_NN && neighbour_in(tokens, index, -1, "well much widely most")) {
        token->tag = POS_VBN; /* a widely read book */
        return;
    }
    if (token->tag != POS_VBP && token->tag != POS_VBD)
        return;
    int step = -1;
    while (tag_at(tokens, index, step) == POS_RB)
        step--;
    enum pos_tag subject = tag_at(tokens, index, step);
    bool plural = subject == POS_NNS || neighbour_in(tokens, index, step, "i we they you who people") ||
                  subject == POS_STOP;
    bool participle = subject == POS_NNS && neighbour_in(tokens, index, 1, "from by into off");
    for (int ahead = 2; participle && ahead <= 7; ahead++) { /* "lines read from the file are trimmed" */
        enum pos_tag later = tag_at(tokens, index, ahead);
        if (later == POS_VBP || later == POS_VBZ || later == POS_MD) {
            token->tag = POS_VBN;
            return;
        }
    }
    /* "he read" cannot be present */
    token->tag = !plural || reads_as_past(tokens, index) ? POS_VBD : POS_VB;
}

static void tag_used(const struct tokens *tokens, size_t index, struct token *token)
{
    if (!neighbour_in(tokens, index, 1, "to"))
        return;
    int step = -1;
    while (tag_at(tokens, index, step) == POS_RB)
        step--;
    bool be = neighbour_in(tokens, index, step,
                           "is are was were be been being am it's isn't aren't wasn't weren't i'm you're "
                           "he's she's they're we're");
    bool get =
        neighbour_in(tokens, index, step, "get gets got getting become became grow grew grown gotten quite");
    bool thing = neighbour_in(
        tokens, index, step,
        "tool tools method methods technique techniques machine device devices material materials word words "
        "term terms software system process money instrument language chemical substance data");
    bool infinitive = tag_at(tokens, index, 2) == POS_VB;
    if (get || (be && !infinitive))
        token->tag = POS_JJ; /* accustomed */
    else
        token->tag = be || thing ? POS_VBN : POS_VBD; /* employed, or a habit of the past */
}

static void tag_content(const struct tokens *tokens, size_t index, struct token *token)
{
    bool after_be = neighbour_in(tokens, index, -1,
                                 "am is are was were be been being i'm you're he's she's we're they're seem "
                                 "seems seemed feel feels felt "
                                 "look looks looked quite perfectly very so not more remain remained fairly");
    bool apposed = index > 0 && tokens->items[index - 1].kind == TOKEN_PUNCTUATION &&
                   neighbour_in(tokens, index, 1, "with to");
    bool joined = neighbour_in(tokens, index, -1, "and or but") && tag_at(tokens, index, -2) == POS_JJ &&
                  before_mark(tokens, index);
    token->tag = after_be || apposed || joined ? POS_JJ : POS_NN;
}

/* The injury as noun ("the wound") or plain verb ("they wound us", "to wound him"), unless something is wound up or around. */
static void tag_wound(const struct tokens *tokens, size_t index, struct token *token)
{
    enum pos_tag before = tag_at(tokens, index, -1);
    bool whom =
        neighbour_in(tokens, index, 1, "me us him them people others someone anyone soldiers civilians");
    bool plain = neighbour_in(tokens, index, -1,
                              "to can could will would may might must did didn't don't doesn't not never");
    if (is_verb(token->tag) &&
        (plain || (whom && neighbour_in(tokens, index, -1, "they you we these those"))))
        token->tag = POS_VB;
    else if ((before == POS_NN || before == POS_JJ || before == POS_DT) && token->tag == POS_VBD &&
             !neighbour_in(
                 tokens, index, 1,
                 "up around round through down the a an his her its it itself into tightly slowly back "
                 "along across"))
        token->tag = POS_NN;
}

/* A noun but for its fixed company: "arithmetic mean", "arsenic acid". */
static void tag_arithmetic(const struct tokens *tokens, size_t index, struct token *token)
{
    bool adjective = neighbour_in(
        tokens, index, 1,
        "mean means progression progressions series sequence sequences operation operations "
        "operator operators expression expressions average logic unit shift overflow coding "
        "acid acids function functions circuit circuits instruction instructions type types conversion");
    token->tag = adjective ? POS_JJ : POS_NN;
}

/* "an inside job", "an obligate parasite": adjectives only between what begins a noun's phrase and the noun. */
static void tag_rarely_adjective(const struct tokens *tokens, size_t index, struct token *token)
{
    enum pos_tag before = tag_at(tokens, index, -1), after = tag_at(tokens, index, 1);
    bool begun = before == POS_DT || before == POS_PRPS || before == POS_JJ ||
                 neighbour_in(tokens, index, -1, "very so too more most rather quite");
    if (begun && (after == POS_NN || after == POS_NNS) && !before_mark(tokens, index))
        token->tag = POS_JJ;
}

/* "that" by itself or before a noun is stressed: a determiner. */
static void tag_that(const struct tokens *tokens, size_t index, struct token *token)
{
    bool asked = neighbour_in(tokens, index, -1,
                              "is was are isn't wasn't does did do like about of for with after on at") &&
                 tag_at(tokens, index, 1) != POS_PRP;
    bool alone =
        before_mark(tokens, index) ||
        neighbour_in(
            tokens, index, 1,
            "already again now yet one way kind sort is was isn't wasn't would will can too myself yourself");
    bool relative = neighbour(tokens, index, -1) != SIZE_MAX &&
                    (tag_at(tokens, index, -1) == POS_NN || tag_at(tokens, index, -1) == POS_NNS) &&
                    !before_mark(tokens, index);
    if ((asked || alone) && !relative)
        token->tag = POS_DT;
}

static void tag_minute(const struct tokens *tokens, size_t index, struct token *token)
{
    bool small = neighbour_in(tokens, index, 1,
                              "detail details particle particles trace traces quantity quantities amount "
                              "amounts difference differences "
                              "fraction fractions change changes inspection examination scrutiny proportions "
                              "variations crystals insects "
                              "organisms cracks holes attention doses") ||
                 (neighbour_in(tokens, index, -1, "so too very extremely how was is were are almost most") &&
                  before_mark(tokens, index)) ||
                 neighbour_in(tokens, index, -1, "so very extremely too");
    bool span =
        neighbour_in(tokens, index, -1, "last per this any one") || tag_at(tokens, index, -1) == POS_CD;
    enum pos_tag after = before_mark(tokens, index) ? POS_STOP : tag_at(tokens, index, 1);
    bool measured =
        (after == POS_NN || after == POS_NNS) &&
        neighbour_in(tokens, index, -1, "every each the a is are was were these those some many") &&
        !neighbour_in(
            tokens, index, 1,
            "hand hands steak steaks walk drive break mark ride silence warning speech delay video clip book "
            "later ago episode call waltz rice maid men counts matters passes passed");
    token->tag = (small || measured) && !span ? POS_JJ : POS_NN;
}

static void tag_close(const struct tokens *tokens, size_t index, struct token *token)
{
    bool article = neighbour_in(tokens, index, -1, "a the its");
    if (article && (before_mark(tokens, index) || neighbour_in(tokens, index, 1, "of")))
        token->tag = POS_NN; /* draw to a close */
    else if (is_verb(token->tag) && neighbour_in(tokens, index, 1, "to by enough") &&
             tag_at(tokens, index, -1) != POS_MD && !neighbour_in(tokens, index, -1, "to not"))
        token->tag = POS_RB;
    else if (token->tag == POS_VB && neighbour_in(tokens, index, 1, "to") &&
             (is_verb(tag_at(tokens, index, -1)) || neighbour_in(tokens, index, -1, "too very so as")))
        token->tag = POS_RB;
    else if (neighbour_in(
                 tokens, index, -1,
                 "stay stayed stand stood sit sat keep come came get got hold live lived too very so how"))
        token->tag = POS_RB;
}

static void tag_live(const struct tokens *tokens, size_t index, struct token *token)
{
    if (neighbour_in(tokens, index, 1,
                     "music audience audiences band bands performance performances show shows album wire "
                     "wires broadcast broadcasts stream "
                     "streams streaming tv television coverage event events recording version bait fire "
                     "ammunition animals birds chat demo "
                     "updates update blog theatre theater entertainment concert concerts feed video weapon "
                     "rounds round set footage "
                     "cricket football sport sports session sessions data chickens lobster cattle studio "
                     "interview debate on-air"))
        token->tag = POS_JJ;
    else if (neighbour_in(tokens, index, -1,
                          "broadcast broadcasts streamed streaming stream recorded go going goes went gone "
                          "perform performs performed "
                          "performing played shown aired airing reporting televised sang show watch watched "
                          "seen was is are were be a "
                          "the any airs plays") &&
             !neighbour_in(tokens, index, -2, "and"))
        token->tag = POS_RB;
}

static void tag_invalid(const struct tokens *tokens, size_t index, struct token *token)
{
    bool person = neighbour_in(
        tokens, index, 1, "mother father wife husband son daughter aunt uncle brother sister child carriage");
    bool alone =
        neighbour_in(tokens, index, -1, "an the elderly bedridden chronic") && before_mark(tokens, index);
    enum pos_tag before = tag_at(tokens, index, -1);
    bool subject = (before == POS_JJ || before == POS_DT) &&
                   (tag_at(tokens, index, 1) == POS_VBD ||
                    neighbour_in(tokens, index, 1, "had has was is were can could will would needs needed"));
    token->tag = person || alone || subject ? POS_NN : POS_JJ;
}

static void tag_dove(const struct tokens *tokens, size_t index, struct token *token)
{
    enum pos_tag before = tag_at(tokens, index, -1);
    bool aside =
        neighbour_in(tokens, index, 1, "to") && neighbour_in(tokens, index, 2, "his her their my our");
    if ((aside && before != POS_JJ && before != POS_DT) ||
        (neighbour_in(
             tokens, index, 1,
             "into in off under down for headfirst straight right deep head deeper back beneath from") &&
         (before == POS_PRP || before == POS_NN || before == POS_NNS || before == POS_NNP ||
          before == POS_RB || before == POS_CC)))
        token->tag = POS_VBD;
    else
        token->tag = POS_NN;
}

static void tag_learned(const struct tokens *tokens, size_t index, struct token *token)
{
    if (neighbour_in(tokens, index, 1,
                     "professor man men woman scholar scholars judge judges friend friend's colleague "
                     "counsel society societies journal "
                     "journals discussion discourse doctor doctors people debate opinion men's monk "
                     "institution bishop clerk") &&
        tag_at(tokens, index, -1) != POS_PRP)
        token->tag = POS_JJ;
    else if (neighbour_in(tokens, index, 1, "in") && neighbour_in(tokens, index, -1, "is was") &&
             neighbour_in(tokens, index, -2, "he she who"))
        token->tag = POS_JJ; /* "she was learned in the law" */
}

/* Adjectives that are verbs only where nothing but a verb can stand: after "to", a modal, "do" or a plural subject. */
static void tag_rarely_verb(const struct tokens *tokens, size_t index, struct token *token)
{
    int step = -1;
    while (tag_at(tokens, index, step) == POS_RB)
        step--;
    enum pos_tag before = tag_at(tokens, index, step);
    bool verb = before == POS_TO || before == POS_MD ||
                neighbour_in(tokens, index, step, "do does did don't doesn't didn't i we you they let's");
    if (is_verb(token->tag) && !verb)
        token->tag = POS_JJ;
}

/* The letter A: "vitamin A", "A B C"; else the article. */
static void tag_a(const struct tokens *tokens, size_t index, struct token *token)
{
    bool capital = tokens->pool.data[token->text] == 'A';
    size_t next = neighbour(tokens, index, 1);
    bool letter_after = capital && next != SIZE_MAX && tokens->items[next].text_size == 1 &&
                        tokens->pool.data[tokens->items[next].text] >= 'B' &&
                        tokens->pool.data[tokens->items[next].text] <= 'Z';
    letter_after =
        letter_after ||
        (capital && neighbour_in(tokens, index, 1, "slash dash hyphen plus minus dot underscore star"));
    bool named =
        neighbour_in(tokens, index, -1,
                     "letter vitamin plan grade option section type hepatitis group class level appendix");
    bool last = index + 1 < tokens->count && tokens->items[index + 1].kind == TOKEN_PUNCTUATION &&
                tokens->pool.data[tokens->items[index + 1].text] != '"';
    if (letter_after || (named && (capital || last)) || (capital && last))
        token->tag = POS_NN;
}

/* "Keep them separate." */
static void tag_separate(const struct tokens *tokens, size_t index, struct token *token)
{
    enum pos_tag before = tag_at(tokens, index, -1);
    if (token->tag == POS_VBP && before_mark(tokens, index) && (before == POS_NNS || before == POS_NN))
        token->tag = POS_JJ;
}

static void tag_graduate(const struct tokens *tokens, size_t index, struct token *token)
{
    if (neighbour_in(tokens, index, 1,
                     "school schools student students program programs programme degree degrees studies "
                     "course courses"))
        token->tag = POS_JJ;
}

static const struct {
    const char *words;
    void (*tag)(const struct tokens *tokens, size_t index, struct token *token);
} taggers[] = {
    {"a", tag_a},
    {"read reread", tag_read},
    {"used", tag_used},
    {"content", tag_content},
    {"minute", tag_minute},
    {"wound", tag_wound},
    {"arithmetic arsenic", tag_arithmetic},
    {"adulterate attenuate bifurcate federate foliate geminate incorporate nucleate obligate perforate "
     "predestinate radiate regenerate reincarnate reticulate trifurcate undulate inside pasty grown-up",
     tag_rarely_adjective},
    {"that", tag_that},
    {"close", tag_close},
    {"live", tag_live},
    {"invalid", tag_invalid},
    {"dove", tag_dove},
    {"learned", tag_learned},
    {"graduate", tag_graduate},
    {"separate", tag_separate},
    {"appropriate approximate intimate moderate consummate animate desolate legitimate degenerate",
     tag_rarely_verb},
};

/* ---- the sense decides ------------------------------------------------------------------------- */

/* When a sense is possible at all. */
enum {
    ANY,
    NOUNS = 1,       /* tagged as noun or adjective */
    VERBS = 2,       /* tagged as verb */
    CAPITAL = 4,     /* written with a capital, not at the beginning of a sentence */
    ATTRIBUTIVE = 8, /* before a noun */
    FIRST = 16,      /* the first word of a sentence */
};

/* One sense of a word. Its score is `prior`, 4 for each cue near (8 words on both sides), 6 for a word of `before` right before it and
 * for one of `after` right after it; the best wins, the first of equals. A sense whose pronunciation is NULL is the lexicon's own. */
struct sense {
    const char *words;
    const char *us, *gb;
    int when, prior;
    const char *before, *after, *near;
};

static const struct sense senses[] = {
#define SENSE(words, us, gb, when, prior, before, after, near)                                               \
    {words, us, gb, when, prior, before, after, near},
#define WORD(words, us, gb) SENSE(words, us, gb, ANY, 0, "", "", "")
#include "text/homographs.def"
#undef WORD
#undef SENSE
};
#define SENSE_COUNT (sizeof senses / sizeof *senses)
_Static_assert(SENSE_COUNT < 256, "homograph.first_sense is a byte");

/* ---- the words of both tables by hash ---------------------------------------------------------- */

/* What is known of a word: entry of `taggers` + 1 (0: none), and its run of senses. */
struct homograph {
    const char *word;
    uint8_t size, tagger, first_sense, sense_count;
};

#define HOMOGRAPH_SLOTS 1024
#define LONGEST         12
static struct homograph homographs[HOMOGRAPH_SLOTS]; /* filled once, then only read */
static pthread_once_t homographs_once = PTHREAD_ONCE_INIT;

/* The slot of a word: its own, or the free one where it would go. */
static struct homograph *slot_of(const char *word, size_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)word[i]) * 16777619u;
    for (size_t at = (hash ^ hash >> 15) % HOMOGRAPH_SLOTS;; at = (at + 1) % HOMOGRAPH_SLOTS) {
        struct homograph *slot = &homographs[at];
        if (slot->word == NULL || (slot->size == size && memcmp(slot->word, word, size) == 0))
            return slot;
    }
}

/* The slot of each word of a list in turn; NULL after the last. */
static struct homograph *add_next(const char **list)
{
    size_t size = strcspn(*list, " ");
    if (size == 0)
        return NULL;
    struct homograph *slot = slot_of(*list, size);
    slot->word = *list;
    slot->size = (uint8_t)size;
    *list += size + ((*list)[size] == ' ');
    return slot;
}

static void fill_homographs(void)
{
    struct homograph *slot;
    for (size_t i = 0; i < sizeof taggers / sizeof *taggers; i++)
        for (const char *list = taggers[i].words; (slot = add_next(&list)) != NULL;)
            slot->tagger = (uint8_t)(i + 1);
    for (size_t i = 0; i < SENSE_COUNT; i++)
        for (const char *list = senses[i].words; (slot = add_next(&list)) != NULL;) {
            if (slot->sense_count == 0)
                slot->first_sense = (uint8_t)i;
            slot->sense_count++;
        }
}

/* What is known of the token at `index`, or NULL. */
static const struct homograph *find_homograph(const struct tokens *tokens, size_t index)
{
    struct near_word word;
    if (tokens->items[index].kind != TOKEN_WORD || tokens->items[index].text_size > LONGEST)
        return NULL;
    read_word(tokens, index, &word);
    const struct homograph *slot = slot_of(word.text, word.size);
    return slot->word == NULL ? NULL : slot;
}

void homographs_tag(struct tokens *tokens)
{
    pthread_once(&homographs_once, fill_homographs);
    for (size_t i = 0; i < tokens->count; i++) {
        const struct homograph *homograph = find_homograph(tokens, i);
        if (homograph != NULL && homograph->tagger > 0)
            taggers[homograph->tagger - 1].tag(tokens, i, &tokens->items[i]);
    }
}

/* ---- choosing a sense -------------------------------------------------------------------------- */

static bool sense_possible(const struct tokens *tokens, size_t index, const struct sense *sense)
{
    const struct token *token = &tokens->items[index];
    enum pos_tag tag = token->tag;
    char initial = tokens->pool.data[token->text];
    bool first = neighbour(tokens, index, -1) == SIZE_MAX;
    bool noun_after = !before_mark(tokens, index) &&
                      (tag_at(tokens, index, 1) == POS_NN || tag_at(tokens, index, 1) == POS_NNS);
    return !((sense->when & NOUNS && is_verb(tag)) || (sense->when & VERBS && !is_verb(tag)) ||
             (sense->when & CAPITAL && (initial < 'A' || initial > 'Z' || first)) ||
             (sense->when & ATTRIBUTIVE && !noun_after) || (sense->when & FIRST && !first));
}

static int sense_score(const struct tokens *tokens, size_t index, const struct sense *sense)
{
    return sense->prior + 4 * count_near(tokens, index, 8, sense->near) +
           6 * neighbour_in(tokens, index, -1, sense->before) +
           6 * neighbour_in(tokens, index, 1, sense->after);
}

bool homograph_say(const struct tokens *tokens, size_t index, bool british, struct g2p_result *result)
{
    const struct homograph *homograph = find_homograph(tokens, index);
    const struct sense *best = NULL;
    int best_score = 0;
    for (int i = 0; homograph != NULL && i < homograph->sense_count; i++) {
        const struct sense *sense = &senses[homograph->first_sense + i];
        if (!sense_possible(tokens, index, sense))
            continue;
        int score = sense_score(tokens, index, sense);
        if (best == NULL || score > best_score) {
            best = sense;
            best_score = score;
        }
    }
    if (best == NULL || best->us == NULL)
        return false;
    const char *symbols = british ? best->gb : best->us;
    const char *note = homograph->sense_count > 1 ? "sense from the words around" : "built-in word";
    *result = (struct g2p_result){.origin = PHONEMES_RULE, .note = note};
    return phones_parse(symbols, strlen(symbols), &result->phones, NULL);
}
