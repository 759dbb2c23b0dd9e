/* answer.h: the bytes of a whole request, encoded, as they are kept to answer the same request again.
 *
 * A chunk of the answer is in the cache anyway, as samples; but to encode them again takes longer than all
 * else of a repeated request, in most formats. */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include "base/str.h"
#include "engine/cache_entry.h"
#include "text/frontend.h"
#include "voices/registry.h"

/* Most bytes of an answer that is kept, 22 s of WAV or 87 s of MP3; and of the text of a request that is
 * looked up. */
enum { ANSWER_MOST_BYTES = 1 << 20, ANSWER_MOST_TEXT = 16384 };

/* Constant once it is in the cache. */
struct answer {
    struct cache_entry entry; /* the first field; the cache's */
    unsigned char *bytes;     /* [size], the answer's */
    size_t size;
    double audio_seconds;
    uint64_t text_bytes; /* as in lt_result */
    uint32_t chunks;     /* the same */
};

/* An answer of the bytes in `encoded`, which it takes over, to `key`, with the facts of `result`; its
 * memory is packed. NULL when out of memory: then `encoded` is as it was. */
struct answer *answer_new(const struct cache_key *key, struct str *encoded, const lt_result *result);
void answer_free(struct answer *answer);

/* SHA-256 of all that decides the bytes of a request's answer, for one engine: its text, `size` bytes of
 * it, and how it is to be read (input, text_on, text_off), the voice's identity, speed, volume, seed and
 * format, whether headers can be corrected at the end, and the state of the user's lexicon
 * (frontend_generation), of which the answer must not be older than the request. False when out of memory. */
bool answer_key_make(const struct registry *registry, const struct voice_ref *voice, uint64_t generation,
                     const lt_request *request, size_t size, struct cache_key *key);

#endif
