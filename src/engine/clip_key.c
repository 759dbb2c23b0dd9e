/* clip_key.c: what a clip is known by. */
#include "engine/clip_key.h"

#include <stdio.h>
#include <string.h>

#include <nettle/sha2.h>

static void add(struct sha256_ctx *context, const void *bytes, size_t size)
{
    sha256_update(context, size, bytes);
}

bool clip_key_make(const struct registry *registry, const struct voice_ref *voice,
                   const struct utterance *utterance, struct cache_key *key)
{
    const struct registry_backend *backend = &registry->backends[voice->backend];
    struct str identity = {0};
    str_printf(&identity, "LiteTTS %s %d ", LITETTS_VERSION, CLIP_SOUND_REVISION);
    backend->type->identify(backend->backend, voice->voice, &identity);
    bool known = !identity.failed;
    struct sha256_ctx context;
    sha256_init(&context);
    if (known)
        add(&context, identity.data,
            identity.length + 1); /* with the NUL, so that no two parts run together */
    str_free(&identity);
    const bool by_phonemes = utterance->phonemes != NULL;
    const char *spoken = by_phonemes ? utterance->phonemes : utterance->text;
    add(&context, spoken, strlen(spoken) + 1);
    for (size_t i = 0; i < utterance->word_count; i++) {
        const struct utterance_word *word = &utterance->words[i];
        const uint32_t range[2] = {by_phonemes ? word->phoneme_begin : word->spoken_begin,
                                   by_phonemes ? word->phoneme_end : word->spoken_end};
        add(&context, range, sizeof range);
    }
    const float manner[] = {utterance->speed, utterance->pitch, utterance->pitch_hertz};
    add(&context, manner, sizeof manner);
    add(&context, &utterance->seed, sizeof utterance->seed);
    sha256_digest(&context, sizeof key->bytes, key->bytes);
    return known;
}

void clip_key_name(const struct cache_key *key, char name[CLIP_KEY_NAME + 1])
{
    for (int i = 0; i < CACHE_KEY_BYTES; i++)
        snprintf(name + 2 * i, 3, "%02x", key->bytes[i]);
}
