/* registry.c: all voices of all backends under one roof. */
#include "voices/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* In the order in which their default voice is preferred. */
static const struct backend_type *const backend_types[] = {&kokoro_backend, &flite_backend};

/* OpenAI's voice names, so that its clients work unchanged: the first candidate that exists is taken. The
 * Kokoro voices are those that were named after them, or the nearest in kind. */
static const struct {
    const char *alias;
    const char *candidates[2];
} aliases[] = {
    {"alloy", {"af_alloy", "slt"}},  {"ash", {"am_michael", "rms"}}, {"ballad", {"bm_george", "awb"}},
    {"cedar", {"am_fenrir", "rms"}}, {"coral", {"af_bella", "slt"}}, {"echo", {"am_echo", "kal16"}},
    {"fable", {"bm_fable", "awb"}},  {"marin", {"af_heart", "slt"}}, {"nova", {"af_nova", "slt"}},
    {"onyx", {"am_onyx", "rms"}},    {"sage", {"af_sarah", "slt"}},  {"shimmer", {"af_sky", "slt"}},
    {"verse", {"am_puck", "kal16"}},
};

static int by_backend_and_name(const void *a, const void *b)
{
    const lt_voice *x = a, *y = b;
    int order = strcmp(x->backend, y->backend);
    return order != 0 ? order : strcmp(x->name, y->name);
}

static lt_voice *find_exact(const struct registry *registry, const char *name)
{
    for (size_t i = 0; i < registry->voice_count; i++)
        if (str_equal_nocase(registry->voices[i].name, name))
            return &registry->voices[i];
    return NULL;
}

static lt_status collect_voices(struct registry *registry, lt_error *error)
{
    for (int i = 0; i < registry->backend_count; i++) {
        const lt_voice *voices;
        size_t count = registry->backends[i].type->voices(registry->backends[i].backend, &voices);
        if (count == 0) /* a model that was imported without any */
            continue;
        lt_voice *all = realloc(registry->voices, (registry->voice_count + count) * sizeof *all);
        if (all == NULL)
            return error_memory(error, "the list of voices");
        memcpy(all + registry->voice_count, voices, count * sizeof *all);
        if (registry->voice_count > 0) /* the default is that of the first backend with voices */
            for (size_t v = 0; v < count; v++)
                all[registry->voice_count + v].is_default = false;
        registry->voices = all;
        registry->voice_count += count;
    }
    qsort(registry->voices, registry->voice_count, sizeof *registry->voices, by_backend_and_name);
    return LT_OK;
}

static lt_status no_such_voice(const struct registry *registry, const char *name, lt_error *error)
{
    struct str list = {0};
    enum { SHOWN = 12 };
    for (size_t i = 0; i < registry->voice_count && i < SHOWN; i++)
        str_printf(&list, "%s%s", i == 0 ? "" : ", ", registry->voices[i].name);
    if (registry->voice_count > SHOWN)
        str_printf(&list, " and %zu more ('litetts voices' lists all)", registry->voice_count - SHOWN);
    /* Kokoro's names are xy_name */
    bool kokoro_name = strlen(name) > 3 && name[2] == '_' && registry->backend_count == 1;
    lt_status status = error_set(error, LT_ERR_VOICE, "there is no voice '%.100s': there are %s%s", name,
                                 list.data != NULL ? list.data : "none",
                                 kokoro_name ? "; 'litetts pull kokoro' fetches the neural voices" : "");
    str_free(&list);
    return status;
}

static lt_status choose_default(struct registry *registry, const char *configured, lt_error *error)
{
    if (configured[0] == '\0')
        return LT_OK;
    lt_voice *voice = find_exact(registry, configured);
    if (voice == NULL)
        return no_such_voice(registry, configured, error);
    for (size_t i = 0; i < registry->voice_count; i++)
        registry->voices[i].is_default = &registry->voices[i] == voice;
    return LT_OK;
}

lt_status registry_open(const lt_config *config, struct registry *registry, lt_error *error)
{
    *registry = (struct registry){0};
    lt_status status = LT_OK;
    for (size_t i = 0; i < sizeof backend_types / sizeof *backend_types && status == LT_OK; i++) {
        struct backend *backend;
        status = backend_types[i]->open(config, &backend, error);
        if (status == LT_OK)
            registry->backends[registry->backend_count++] =
                (struct registry_backend){backend_types[i], backend};
        else if (status == LT_ERR_UNSUPPORTED)
            status = LT_OK;
    }
    if (status == LT_OK)
        status = collect_voices(registry, error);
    if (status == LT_OK && registry->voice_count == 0)
        status = error_set(error, LT_ERR_VOICE,
                           "this build has no voice: build it with flite, or run 'litetts pull kokoro'");
    if (status == LT_OK)
        status = choose_default(registry, config_string(config, CONFIG_voice_default_voice), error);
    if (status != LT_OK)
        registry_close(registry);
    return status;
}

void registry_close(struct registry *registry)
{
    for (int i = 0; i < registry->backend_count; i++)
        registry->backends[i].type->close(registry->backends[i].backend);
    free(registry->voices);
    *registry = (struct registry){0};
}

static const lt_voice *default_voice(const struct registry *registry)
{
    for (size_t i = 0; i < registry->voice_count; i++)
        if (registry->voices[i].is_default)
            return &registry->voices[i];
    return &registry->voices[0];
}

/* The voice that `name` means, or NULL: an exact name first, so that an alias never hides a voice. */
static const lt_voice *find_named(const struct registry *registry, const char *name)
{
    const lt_voice *voice = find_exact(registry, name);
    for (size_t i = 0; voice == NULL && i < sizeof aliases / sizeof *aliases; i++)
        if (str_equal_nocase(aliases[i].alias, name))
            for (size_t c = 0; voice == NULL && c < 2; c++)
                voice = find_exact(registry, aliases[i].candidates[c]);
    return voice;
}

lt_status registry_find(const struct registry *registry, const char *name, struct voice_ref *ref,
                        lt_error *error)
{
    *ref = (struct voice_ref){.backend = -1};
    const char *wanted = name != NULL ? name : "";
    const lt_voice *voice = wanted[0] == '\0' ? default_voice(registry) : find_named(registry, wanted);
    if (voice != NULL)
        wanted = voice->name;
    else if (strpbrk(wanted, "+(") == NULL)
        return no_such_voice(registry, wanted, error);
    /* a blend goes to the first backend that can blend: the others say that they cannot */
    lt_status status = LT_ERR_VOICE;
    for (int i = 0; i < registry->backend_count && status != LT_OK; i++) {
        const struct registry_backend *b = &registry->backends[i];
        if (voice != NULL && strcmp(voice->backend, b->type->name) != 0)
            continue;
        lt_error fault;
        status = b->type->find_voice(b->backend, wanted, &ref->voice, &ref->language, &fault);
        if (status == LT_OK)
            ref->backend = i;
        else if (voice != NULL ||
                 i == 0) /* of a blend, the preferred backend's reason is the one that helps */
            error_set(error, fault.status, "%s", fault.message);
    }
    return status;
}

void registry_release(const struct registry *registry, struct voice_ref *ref)
{
    if (ref->voice != NULL)
        registry->backends[ref->backend].type->release_voice(registry->backends[ref->backend].backend,
                                                             ref->voice);
    ref->voice = NULL;
}
