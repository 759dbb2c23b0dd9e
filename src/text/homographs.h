/* homographs.h: words that are spelled alike and said differently, where the part of speech alone does not decide. */
#ifndef TEXT_HOMOGRAPHS_H
#define TEXT_HOMOGRAPHS_H

#include <stdbool.h>

#include "text/g2p.h"
#include "text/tokens.h"

/* Corrects the tags of words whose pronunciation hangs on them, by rules on words around them ("read" is past after
 * "yesterday", "minute" an adjective before "details"). Tokens have been tagged. */
void homographs_tag(struct tokens *tokens);

/* The pronunciation of the token at `index` when its sense decides ("lead pipe", "bass guitar") or when it is one of the words that
 * the published lexicons lack; false: the lexicon's own will do. */
bool homograph_say(const struct tokens *tokens, size_t index, bool british, struct g2p_result *result);

#endif
