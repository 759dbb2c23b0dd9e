/* tagger.h: parts of speech, as far as pronunciation needs them.
 *
 * The tags are those of the Penn Treebank (Marcus, Santorini, Marcinkiewicz, 1993), which the lexicons' rules are written in.
 * The tagger knows the closed classes and a few thousand common words by name, guesses the rest by suffix and
 * capitals, and chooses among a word's tags by the best path through the sentence (a bigram model with costs set by hand). */
#ifndef TEXT_TAGGER_H
#define TEXT_TAGGER_H

#include <stddef.h>

#include "text/tokens.h"

enum pos_tag {
    POS_NONE,
    POS_CC,
    POS_CD,
    POS_DT,
    POS_EX,
    POS_IN,
    POS_JJ,
    POS_JJR,
    POS_JJS,
    POS_MD,
    POS_NN,
    POS_NNS,
    POS_NNP,
    POS_NNPS,
    POS_PDT,
    POS_PRP,
    POS_PRPS, /* PRP$: my, your ... */
    POS_RB,
    POS_RBR,
    POS_RP,
    POS_TO,
    POS_UH,
    POS_VB,
    POS_VBD,
    POS_VBG,
    POS_VBN,
    POS_VBP,
    POS_VBZ,
    POS_WDT,
    POS_WP,
    POS_WPS, /* WP$: whose */
    POS_WRB,
    POS_STOP,  /* . ! ? … and the ends of the text */
    POS_COMMA, /* , ; : — brackets and quotes */
    POS_COUNT
};

/* "NN", "PRP$" ...; "" for POS_NONE. */
const char *pos_name(enum pos_tag tag);

/* The likeliest tag of a word on its own. */
enum pos_tag tagger_guess(const char *word, size_t size);

/* Sets `tag` of every token of the list. Words that have one already keep it. Safe from any thread; no allocation. */
void tagger_tag(struct tokens *tokens);

#endif
