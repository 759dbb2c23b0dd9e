/* piece.h: a chunk of text on its way through a request: copies of all that its utterance needs, so that
 * it outlives the text stream's chunk, and can be cut in two. */
#ifndef ENGINE_PIECE_H
#define ENGINE_PIECE_H

#include "audio/ambience.h"
#include "base/str.h"
#include "engine/clip.h"
#include "text/frontend.h"

struct piece {
    struct clip *clip; /* held by the request; NULL: nothing to speak, only the pause */
    bool found;        /* the clip was there, or another request has it spoken */

    struct str text, phonemes; /* of the utterance; no phonemes: the backend wants none */
    struct str voice;          /* that a mark asks for; empty: the request's */
    struct utterance_word *words;
    size_t word_count;
    float rate, pitch, pitch_hertz;

    uint64_t source_end;
    float pause_seconds, volume;
    enum ambience_kind background; /* AMBIENCE_KINDS: none */
    float background_volume;
};

/* Makes `piece` a copy of a chunk; what it was before is gone, but its memory is used again. {0} is an
 * empty piece. It has no clip yet. Errors: LT_ERR_MEMORY. */
lt_status piece_set(struct piece *piece, const struct text_chunk *chunk, lt_error *error);

/* Where a piece with phonemes is best cut in two: the byte of its phonemes with which the second half
 * begins, after the space that is nearest to the middle, else after the symbol that is. 0: there is but
 * one symbol. */
size_t piece_middle(const struct piece *piece);

/* Cuts a piece there: halves[0] and halves[1] become its parts, with the words that begin in them. To be
 * freed also after an error. Errors: LT_ERR_MEMORY. */
lt_status piece_cut(const struct piece *piece, size_t middle, struct piece halves[2], lt_error *error);

void piece_free(struct piece *piece); /* it must not hold a clip */

#endif
