/* g2p_rules.h: what the two halves of the English pronunciation rules share: g2p.c, single words, and compounds.c. */
#ifndef TEXT_G2P_RULES_H
#define TEXT_G2P_RULES_H

#include "base/chars.h"
#include "text/g2p.h"

/* Says a word that the lexicon knows, as it is or by rule (misaki's Lexicon.__call__). */
bool g2p_say_known(const struct g2p *g2p, const char *text, size_t size, enum pos_tag tag,
                   struct g2p_context context, struct g2p_result *result);

/* Says the letters of a word, the last of them stressed (misaki's get_NNP); false: a character is no letter of the lexicon, or none is. */
bool g2p_spell_letters(const struct g2p *g2p, const char *word, size_t size, struct g2p_result *result);

/* Adds the ending -s to a pronunciation that is not empty. */
void g2p_add_s(const struct g2p *g2p, struct phones *phones);

/* Whether an American t at the end becomes a flap before a vowel. */
bool g2p_flaps(const struct phones *phones);

#endif
