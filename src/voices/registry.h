/* registry.h: all voices of all backends under one roof: names, aliases, the default. */
#ifndef VOICES_REGISTRY_H
#define VOICES_REGISTRY_H

#include "voices/backend.h"

enum { REGISTRY_MAX_BACKENDS = 4 };

struct registry_backend {
    const struct backend_type *type;
    struct backend *backend;
};

/* Open backends and their voices. Constant after registry_open, so safe to read from any thread. */
struct registry {
    struct registry_backend backends[REGISTRY_MAX_BACKENDS];
    int backend_count;
    lt_voice *voices; /* all, sorted by backend and name; exactly one is_default */
    size_t voice_count;
};

/* Opens every backend of this build. One that lacks what it needs (no model file) is left out; one whose
 * files are damaged is an error. Errors: LT_ERR_MODEL, LT_ERR_VOICE (voice.default_voice does not exist),
 * LT_ERR_MEMORY. */
lt_status registry_open(const lt_config *config, struct registry *registry, lt_error *error);
void registry_close(struct registry *registry);

/* A voice ready to speak with. */
struct voice_ref {
    int backend;          /* index in registry.backends */
    const void *voice;    /* what utterance.voice takes */
    const char *language; /* BCP 47; belongs to the registry */
};

/* Resolves a name, an alias ("alloy") or a blend ("af_bella(2)+af_sky"); NULL or "": the default voice. To be
 * given back with registry_release. Errors: LT_ERR_VOICE, with a sentence that lists what there is.
 * Thread-safe. */
lt_status registry_find(const struct registry *registry, const char *name, struct voice_ref *ref,
                        lt_error *error);
void registry_release(const struct registry *registry, struct voice_ref *ref);

#endif
