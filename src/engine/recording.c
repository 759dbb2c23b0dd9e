/* recording.c: what a request writes, recorded so that the same request can be answered from the cache. */
#include "engine/recording.h"

#include <string.h>

/* Of the memory budget: what recordings leave to requests that are to be spoken, so that one at a time has
 * its answer kept, however long its chunks are, and a crowd has room for its speech. */
static const double LEFT = 0.27;

/* The state of the user's lexicon as far as it matters to a request; false when that is not known. */
static bool read_generation(lt_engine *engine, const lt_request *request, const struct voice_ref *voice,
                            uint64_t *generation)
{
    *generation = 0;
    bool pronounced =
        engine->registry.backends[voice->backend].type->wants_phonemes && request->input != LT_INPUT_PHONEMES;
    return !pronounced || frontend_generation(engine->frontend, voice->language, generation, NULL) == LT_OK;
}

struct answer *recording_find(struct recording *recording, lt_engine *engine, const lt_request *request,
                              size_t size, const struct voice_ref *voice)
{
    recording->keyed =
        cache_keeps(engine->cache) && request->text != NULL && size <= ANSWER_MOST_TEXT &&
        request->progress == NULL && request->word == NULL &&
        read_generation(engine, request, voice, &recording->generation) &&
        answer_key_make(&engine->registry, voice, recording->generation, request, size, &recording->key);
    return recording->keyed ? (struct answer *)cache_find(engine->cache, CACHE_ENCODED, &recording->key)
                            : NULL;
}

void recording_begin(struct recording *recording, lt_engine *engine, struct reservation *reservation,
                     uint64_t most)
{
    recording->most = most < ANSWER_MOST_BYTES ? most : ANSWER_MOST_BYTES;
    const double limit = (double)config_integer(engine->config, CONFIG_memory_limit_bytes);
    recording->running = recording->keyed && budget_extend(engine->budget, reservation, recording->most,
                                                           (uint64_t)(LEFT * limit));
}

void recording_write(struct recording *recording, const void *bytes, size_t size)
{
    if (!recording->running)
        return;
    if (size <= recording->most - recording->bytes.length)
        str_append(&recording->bytes, bytes, size);
    else
        recording->bytes.failed = true;
    if (recording->bytes.failed) {
        recording->running = false;
        str_free(&recording->bytes);
    }
}

void recording_rewrite(struct recording *recording, uint64_t offset, const void *bytes, size_t size)
{
    if (recording->running && offset <= recording->bytes.length && size <= recording->bytes.length - offset)
        memcpy(recording->bytes.data + offset, bytes, size);
    else
        recording->running = false;
}

void recording_keep(struct recording *recording, lt_engine *engine, const lt_request *request,
                    const struct voice_ref *voice, const lt_result *result)
{
    uint64_t generation;
    if (!recording->running || !read_generation(engine, request, voice, &generation) ||
        generation != recording->generation) /* a part may have the old pronunciations */
        return;
    struct answer *answer = answer_new(&recording->key, &recording->bytes, result);
    if (answer != NULL)
        cache_keep(engine->cache, &answer->entry);
}

void recording_close(struct recording *recording)
{
    str_free(&recording->bytes);
}
