/* warm.h: speaks a list of phrases when an engine is opened, so that they are in the cache when they are asked for.
 *
 * The list (cache.warm_file) has a phrase a line, or VOICE, a tab and a phrase; empty lines and those that begin with # are
 * skipped. A thread speaks one after another, at the default speed, as any other request would be; one that fails is
 * skipped; lt_stats counts them with all others. */
#ifndef ENGINE_WARM_H
#define ENGINE_WARM_H

#include "base/config.h"
#include "litetts/litetts.h"

struct warm;

/* Begins, on an engine that is open but for this; *warm is NULL when no list is configured. Errors: LT_ERR_IO (the list
 * cannot be read), LT_ERR_MEMORY. */
lt_status warm_start(lt_engine *engine, const lt_config *config, struct warm **warm, lt_error *error);

/* Ends it, also in the middle of the list; NULL is fine. */
void warm_stop(struct warm *warm);

#endif
