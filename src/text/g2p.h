/* g2p.h: from a spoken English word to phonemes: the lexicon and the rules around it.
 *
 * The rules are those that Kokoro's training texts went through (hexgrad/misaki, en.py): special cases of function words,
 * capitals, -s -ed -ing on known stems, names said letter by letter, stress. They work from right to left, because "the",
 * "to" and "a" depend on the sound that follows. */
#ifndef TEXT_G2P_H
#define TEXT_G2P_H

#include <stdbool.h>
#include <stddef.h>

#include "text/letters.h"
#include "text/lexicon.h"
#include "text/symbols.h"
#include "text/tagger.h"
#include "text/tokens.h"

/* What follows a word. */
enum g2p_future { FUTURE_NONE, FUTURE_CONSONANT, FUTURE_VOWEL };
struct g2p_context {
    enum g2p_future future; /* the next sound; FUTURE_NONE before a pause */
    bool to;                /* the next word is "to" */
};

/* Stress in halves: misaki's 0.5 is 1. */
enum { STRESS_UNSET = -100 };

struct g2p {
    const struct lexicon *lexicon; /* NULL: only rules and letters */
    bool british;
    struct letters *letters; /* letter-to-sound for what the lexicon lacks */
};

/* A pronunciation and where it came from. */
struct g2p_result {
    struct phones phones;
    enum phoneme_origin origin;
    const char *note; /* static string or NULL */
};

/* Pronounces `word` (UTF-8, no white space, any length; only what fits PHONES_MAX is said) of part of speech `tag`, with the
 * stress asked for or STRESS_UNSET. Always gives something unless the word has no letter and no digit: then false. Safe from any
 * thread. */
bool g2p_word(const struct g2p *g2p, const char *word, size_t size, enum pos_tag tag, int stress,
              struct g2p_context context, struct g2p_result *result);

/* Says the letters (and digits) of `word` one by one; false when it has none. */
bool g2p_spell(const struct g2p *g2p, const char *word, size_t size, struct g2p_result *result);

/* The lexicon's own pronunciation, without rules on the word's form, as misaki's Lexicon.lookup gives it. False: none. */
bool g2p_lookup(const struct g2p *g2p, const char *word, size_t size, enum pos_tag tag, int stress,
                struct g2p_context context, struct g2p_result *result);

/* Applies misaki's stress levels to a pronunciation. */
void g2p_apply_stress(struct phones *phones, int stress);

/* The context that a word leaves to the one before it. */
struct g2p_context g2p_next_context(struct g2p_context context, const struct phones *phones, const char *word,
                                    size_t size, enum pos_tag tag);

#endif
