/* recording.h: what a request writes, recorded so that the same request can be answered from the cache.
 *
 * A request with callbacks for progress or words is neither answered so nor recorded, for they tell of the
 * work; nor is one whose text arrives piece by piece, is long, or makes more than ANSWER_MOST_BYTES.
 * Belongs to one request. */
#ifndef ENGINE_RECORDING_H
#define ENGINE_RECORDING_H

#include "engine/engine.h"

/* Set up with {0}. */
struct recording {
    bool keyed; /* an answer may be kept for the request */
    struct cache_key key;
    uint64_t generation; /* of the user's lexicon, in the key */
    bool running;        /* what is written is being recorded */
    struct str bytes;
    uint64_t most; /* of them, reserved from the memory budget */
};

/* What is kept for the request, to be given back with cache_let_go; NULL: it has to be spoken. `size` is
 * its text's. */
struct answer *recording_find(struct recording *recording, lt_engine *engine, const lt_request *request,
                              size_t size, const struct voice_ref *voice);

/* Begins to record a request that recording_find looked for, of which at most `most` bytes are expected:
 * more are not kept. Does nothing when the memory budget has no room for them. */
void recording_begin(struct recording *recording, lt_engine *engine, struct reservation *reservation,
                     uint64_t most);
void recording_write(struct recording *recording, const void *bytes, size_t size);
void recording_rewrite(struct recording *recording, uint64_t offset, const void *bytes, size_t size);

/* Has what was recorded kept as the answer of a request that went well. */
void recording_keep(struct recording *recording, lt_engine *engine, const lt_request *request,
                    const struct voice_ref *voice, const lt_result *result);

/* Lets go of what was not kept. */
void recording_close(struct recording *recording);

#endif
