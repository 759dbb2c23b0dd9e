/* routes.c: the table of routes and the small answers. */
#include "server/routes.h"

#include <string.h>

#include "base/clock.h"
#include "server/pages.h"
#include "server/reply.h"
#include "server/speech.h"
#include "server/stats.h"

/* Names that clients ask for. They all mean the one engine: the voice decides what speaks. */
static const char *const models[] = {"kokoro", "tts-1", "tts-1-hd", "gpt-4o-mini-tts"};

enum { MODEL_CREATED = 1735689600 /* 2025-01-01: clients want a date, it means nothing here */ };

static json_t *model_json(const char *id)
{
    return json_pack("{s:s, s:s, s:i, s:s}", "id", id, "object", "model", "created", MODEL_CREATED,
                     "owned_by", "litetts");
}

static enum MHD_Result get_models(struct exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        json_array_append_new(list, model_json(models[i]));
    return reply_json(x, 200, json_pack("{s:s, s:o}", "object", "list", "data", list));
}

/* The same names where Open WebUI looks for them. */
static enum MHD_Result get_audio_models(struct exchange *x)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "id", models[i], "name", models[i]));
    return reply_json(x, 200, json_pack("{s:o}", "models", list));
}

static enum MHD_Result get_model(struct exchange *x)
{
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        if (strcmp(x->argument, models[i]) == 0)
            return reply_json(x, 200, model_json(models[i]));
    struct api_error error;
    api_error_set(&error, 404, "model_not_found", "model",
                  "There is no such model; GET /v1/models lists the names, and speech takes any.");
    return reply_error(x, &error);
}

/* An array of all voices; `id` and `name` are what Open WebUI reads, `gender` what LiteTTS's clients read. */
static json_t *voices_json(const struct settings *settings)
{
    const lt_voice *voices;
    size_t n = lt_engine_voices(settings->engine, &voices);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "id", voices[i].name, "name",
                                        voices[i].name, "backend", voices[i].backend, "language",
                                        voices[i].language, "gender", voices[i].sex, "description",
                                        voices[i].summary, "default", voices[i].is_default));
    return list;
}

static json_t *voice_names_json(const struct settings *settings)
{
    const lt_voice *voices;
    size_t n = lt_engine_voices(settings->engine, &voices);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(voices[i].name));
    return list;
}

/* Kokoro-FastAPI's clients read "voices" (names only with ?legacy=true), LiteTTS's read "data". */
static enum MHD_Result get_audio_voices(struct exchange *x)
{
    const char *legacy = MHD_lookup_connection_value(x->http, MHD_GET_ARGUMENT_KIND, "legacy");
    if (legacy != NULL && (strcmp(legacy, "true") == 0 || strcmp(legacy, "1") == 0))
        return reply_json(x, 200, json_pack("{s:o}", "voices", voice_names_json(x->settings)));
    return reply_json(x, 200,
                      json_pack("{s:s, s:o, s:o}", "object", "list", "voices", voices_json(x->settings),
                                "data", voices_json(x->settings)));
}

static enum MHD_Result get_voices(struct exchange *x)
{
    return reply_json(x, 200, voices_json(x->settings));
}

static enum MHD_Result get_health(struct exchange *x)
{
    struct server *server = x->server;
    const lt_voice *voices;
    struct pool_counts counts = pool_count(server->pool);
    bool draining = atomic_load(&server->draining);
    pthread_mutex_lock(&server->lock);
    unsigned connections = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    json_t *value = json_pack(
        "{s:s, s:s, s:f, s:I, s:i, s:i, s:i, s:i, s:I}", "status", draining ? "draining" : "healthy",
        "version", lt_version(), "uptime_seconds", clock_seconds() - server->started, "voices_available",
        (json_int_t)lt_engine_voices(x->settings->engine, &voices), "speaking", (int)counts.working,
        "waiting_for_clients", (int)counts.paused, "queued", (int)counts.queued, "connections",
        (int)connections, "requests", (json_int_t)atomic_load(&server->requests));
    return reply_json(x, draining ? 503 : 200, value);
}

/* For supervisors: the process answers, whatever else it does. */
static enum MHD_Result get_live(struct exchange *x)
{
    return reply_json(x, 200, json_pack("{s:s}", "status", "alive"));
}

/* For load balancers: whether new speech would be taken now. It cannot be asked while the voices are
 * loaded, because the server listens only afterwards. */
static enum MHD_Result get_ready(struct exchange *x)
{
    lt_stats engine;
    lt_engine_stats(x->settings->engine, &engine);
    struct pool_counts counts = pool_count(x->server->pool);
    const char *why = NULL;
    if (atomic_load(&x->server->draining))
        why = "draining";
    else if (stats_over_budget(&engine))
        why = "over_budget";
    else if (counts.working + counts.paused + counts.queued >= x->server->most_jobs)
        why = "busy";
    return reply_json(x, why != NULL ? 503 : 200, json_pack("{s:s}", "status", why != NULL ? why : "ready"));
}

static enum MHD_Result get_index(struct exchange *x)
{
    return reply_static(x, "text/html; charset=utf-8", page_index.bytes, page_index.size);
}

static enum MHD_Result get_docs(struct exchange *x)
{
    return reply_static(x, "text/html; charset=utf-8", page_docs.bytes, page_docs.size);
}

static enum MHD_Result get_dashboard(struct exchange *x)
{
    return reply_static(x, "text/html; charset=utf-8", page_dashboard.bytes, page_dashboard.size);
}

static enum MHD_Result get_openapi(struct exchange *x)
{
    return reply_static(x, "application/json", page_openapi.bytes, page_openapi.size);
}

#define GET_ONLY     "GET, HEAD, OPTIONS"
#define POST_ONLY    "POST, OPTIONS"
#define GET_AND_POST "GET, HEAD, POST, OPTIONS"

static const struct route routes[] = {
    {"/", GET_ONLY, true, get_index, NULL},
    {"/dashboard", GET_ONLY, true, get_dashboard, NULL},
    {"/dev/captioned_speech", POST_ONLY, false, NULL, speech_begin_captioned},
    {"/dev/generate_from_phonemes", POST_ONLY, false, NULL, speech_begin_phonemes},
    {"/dev/normalize", GET_AND_POST, false, speech_normalize, speech_normalize},
    {"/dev/phonemize", GET_AND_POST, false, speech_phonemize, speech_phonemize},
    {"/docs", GET_ONLY, true, get_docs, NULL},
    {"/health", GET_ONLY, true, get_health, NULL},
    {"/health/live", GET_ONLY, true, get_live, NULL},
    {"/health/ready", GET_ONLY, true, get_ready, NULL},
    {"/metrics", GET_ONLY, false, metrics_answer, NULL},
    {"/openapi.json", GET_ONLY, true, get_openapi, NULL},
    {"/stats", GET_ONLY, false, stats_answer, NULL},
    {"/v1/audio/speech", POST_ONLY, false, NULL, speech_begin},
    {"/v1/audio/stream", POST_ONLY, false, NULL, speech_begin_stream},
    /* Open WebUI asks for these without the key that it speaks with */
    {"/v1/audio/models", GET_ONLY, true, get_audio_models, NULL},
    {"/v1/audio/voices", GET_ONLY, true, get_audio_voices, NULL},
    {"/v1/models", GET_ONLY, false, get_models, NULL},
    {"/v1/models/", GET_ONLY, false, get_model, NULL},
    {"/v1/voices", GET_ONLY, false, get_voices, NULL},
};

/* Whether `path` begins as `route` does, where any number of slashes is one; *rest is what it goes on with. */
static bool begins_with(const char *path, const char *route, const char **rest)
{
    for (; *route != '\0'; route++, path++) {
        while (path[0] == '/' && path[1] == '/')
            path++;
        if (*path != *route)
            return false;
    }
    *rest = path;
    return true;
}

static bool matches(const char *path, const char *route, const char **argument)
{
    if (!begins_with(path, route, argument))
        return false;
    const char *rest = *argument;
    const size_t length = strlen(route);
    if (length > 1 && route[length - 1] == '/')
        return rest[0] != '\0' && strchr(rest, '/') == NULL;
    return strspn(rest, "/") == strlen(rest);
}

const struct route *route_find(const char *path, const char **argument)
{
    static const char version[] = "/v1";
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        const char *route = routes[i].path;
        if (matches(path, route, argument))
            return &routes[i];
        if (strncmp(route, version, sizeof version - 1) == 0 &&
            matches(path, route + sizeof version - 1, argument))
            return &routes[i];
    }
    *argument = "";
    return NULL;
}
