/* answer.c: the bytes of a whole request, encoded. */
#include "engine/answer.h"

#include <stdlib.h>

#include <nettle/sha2.h>

struct answer *answer_new(const struct cache_key *key, struct str *encoded, const lt_result *result)
{
    struct answer *answer = malloc(sizeof *answer);
    if (answer == NULL)
        return NULL;
    *answer = (struct answer){.entry = {.key = *key, .kind = CACHE_ENCODED, .keyed = true},
                              .bytes = (unsigned char *)encoded->data,
                              .size = encoded->length,
                              .audio_seconds = result->audio_seconds,
                              .text_bytes = result->text_bytes,
                              .chunks = result->chunks};
    unsigned char *packed = answer->size > 0 ? realloc(answer->bytes, answer->size) : NULL;
    if (packed != NULL)
        answer->bytes = packed;
    *encoded = (struct str){0};
    answer->entry.bytes = sizeof *answer + answer->size;
    return answer;
}

void answer_free(struct answer *answer)
{
    free(answer->bytes);
    free(answer);
}

_Static_assert(sizeof(void *) != 8 || sizeof(lt_request) == 120,
               "a new field of a request may belong into the key");

bool answer_key_make(const struct registry *registry, const struct voice_ref *voice, uint64_t generation,
                     const lt_request *request, size_t size, struct cache_key *key)
{
    const struct registry_backend *backend = &registry->backends[voice->backend];
    struct str identity = {0};
    backend->type->identify(backend->backend, voice->voice, &identity);
    const bool known = !identity.failed && identity.data != NULL;
    const uint64_t numbers[] = {generation,
                                request->seed,
                                (uint64_t)request->input,
                                (uint64_t)request->format,
                                request->rewrite != NULL,
                                request->text_on,
                                request->text_off};
    const float factors[] = {request->speed, request->volume};
    struct sha256_ctx context;
    sha256_init(&context);
    if (known)
        sha256_update(&context, identity.length + 1, /* with the NUL, so that no two parts run together */
                      (const uint8_t *)identity.data);
    str_free(&identity);
    sha256_update(&context, sizeof numbers, (const uint8_t *)numbers);
    sha256_update(&context, sizeof factors, (const uint8_t *)factors);
    sha256_update(&context, size, (const uint8_t *)request->text);
    sha256_digest(&context, sizeof key->bytes, key->bytes);
    return known;
}
