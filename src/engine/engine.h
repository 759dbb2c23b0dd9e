/* engine.h: what an open engine holds; speak.c works on it. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/budget.h"
#include "engine/cache.h"
#include "engine/note.h"
#include "engine/scheduler.h"
#include "engine/stats.h"
#include "engine/store.h"
#include "engine/warm.h"
#include "text/frontend.h"
#include "voices/registry.h"

/* Constant after lt_engine_open, but for what its parts guard themselves. */
struct lt_engine {
    lt_config *config;
    struct registry registry;
    struct frontend *frontend;
    struct scheduler *scheduler;
    struct cache *cache;
    struct memo memo;    /* for the front end and the backends: kept in `cache` */
    struct store *store; /* NULL: no levels below memory */
    struct budget *budget;
    struct stats stats;
    struct warm *warm; /* NULL: no phrases are spoken in advance */
};

/* Has the leak detector look at the process's memory. */
void engine_sample_memory(lt_engine *engine);

struct lt_cancel {
    atomic_bool fired;
};
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a signal handler may set it");

#endif
