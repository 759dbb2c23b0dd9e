/* engine.c: opening and closing an engine, its voices, and the cancel switch. */
#include "engine/engine.h"

#include <stdlib.h>

/* A copy of the caller's configuration, or the one that the command would have. */
static lt_status open_config(const lt_config *given, lt_config **config, lt_error *error)
{
    *config = given != NULL ? config_copy(given) : lt_config_new();
    if (*config == NULL)
        return error_memory(error, "the configuration");
    lt_status status = given != NULL ? LT_OK : lt_config_load_file(*config, NULL, error);
    return status != LT_OK || given != NULL ? status : lt_config_load_environment(*config, error);
}

static lt_status open_cache(lt_engine *engine, lt_error *error)
{
    const lt_config *config = engine->config;
    lt_status status =
        cache_open((uint64_t)config_integer(config, CONFIG_cache_memory_bytes), &engine->cache, error);
    return status != LT_OK ? status : store_open(config, engine->cache, &engine->store, error);
}

/* Lets the rooms below keep what they have worked out, where anything is kept. */
static void share_cache(lt_engine *engine)
{
    if (!cache_keeps(engine->cache))
        return;
    engine->memo = note_memo(engine->cache);
    frontend_remember(engine->frontend, &engine->memo);
    for (int i = 0; i < engine->registry.backend_count; i++) {
        const struct registry_backend *backend = &engine->registry.backends[i];
        if (backend->type->remember != NULL)
            backend->type->remember(backend->backend, &engine->memo);
    }
}

lt_status lt_engine_open(const lt_config *config, lt_engine **engine, lt_error *error)
{
    lt_error ignored;
    if (error == NULL)
        error = &ignored;
    error_none(error);
    if (engine == NULL)
        return error_set(error, LT_ERR_ARGUMENT, "lt_engine_open needs a place for the engine, not NULL");
    *engine = NULL;
    lt_engine *opened = calloc(1, sizeof *opened);
    if (opened == NULL)
        return error_memory(error, "the engine");
    stats_open(&opened->stats);
    lt_status status = open_config(config, &opened->config, error);
    if (status == LT_OK)
        status = registry_open(opened->config, &opened->registry, error);
    if (status == LT_OK)
        status = frontend_open(opened->config, &opened->frontend, error);
    if (status == LT_OK)
        status = scheduler_open(opened->config, &opened->registry, &opened->scheduler, error);
    if (status == LT_OK)
        status = open_cache(opened, error);
    if (status == LT_OK)
        share_cache(opened);
    if (status == LT_OK)
        status = budget_open((uint64_t)config_integer(opened->config, CONFIG_memory_limit_bytes),
                             config_number(opened->config, CONFIG_memory_wait_seconds), opened->cache,
                             &opened->registry, &opened->budget, error);
    if (status == LT_OK)
        status = warm_start(opened, opened->config, &opened->warm, error);
    if (status != LT_OK) {
        lt_engine_close(opened);
        return status;
    }
    *engine = opened;
    return LT_OK;
}

void lt_engine_close(lt_engine *engine)
{
    if (engine == NULL)
        return;
    warm_stop(engine->warm);
    scheduler_close(engine->scheduler);
    store_close(engine->store);
    budget_close(engine->budget);
    cache_close(engine->cache);
    frontend_close(engine->frontend);
    registry_close(&engine->registry);
    lt_config_free(engine->config);
    stats_close(&engine->stats);
    free(engine);
}

size_t lt_engine_voices(const lt_engine *engine, const lt_voice **voices)
{
    *voices = engine->registry.voices;
    return engine->registry.voice_count;
}

lt_status lt_engine_check_voice(const lt_engine *engine, const char *voice, lt_error *error)
{
    struct voice_ref ref;
    error_none(error);
    lt_status status = registry_find(&engine->registry, voice, &ref, error);
    if (status == LT_OK)
        registry_release(&engine->registry, &ref);
    return status;
}

void lt_engine_want_first_audio(lt_engine *engine, double milliseconds)
{
    scheduler_want(engine->scheduler, milliseconds / 1000);
}

bool lt_engine_hold(lt_engine *engine, uint64_t bytes)
{
    return budget_hold(engine->budget, bytes);
}

void lt_engine_let_go(lt_engine *engine, uint64_t bytes)
{
    budget_let_go(engine->budget, bytes);
}

lt_cancel *lt_cancel_new(void)
{
    return calloc(1, sizeof(lt_cancel));
}

void lt_cancel_fire(lt_cancel *cancel)
{
    atomic_store(&cancel->fired, true);
}

bool lt_cancel_fired(const lt_cancel *cancel)
{
    return atomic_load(&cancel->fired);
}

void lt_cancel_free(lt_cancel *cancel)
{
    free(cancel);
}
