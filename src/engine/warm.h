/* warm.h: speaks phrases into the cache before they are asked for.
 *
 * A list (cache.warm_file) has a phrase a line, or VOICE, a tab and a phrase; empty lines and those that
 * begin with # are skipped. It is spoken at the start. What was asked for most in earlier runs
 * (cache.predict_file, frequent.h) is spoken after that, whenever no request is in progress. A thread
 * speaks one phrase after another as any other request would be; one that fails is skipped; lt_stats
 * counts them with all others. The same thread writes what is learnt to the file. */
#ifndef ENGINE_WARM_H
#define ENGINE_WARM_H

#include "base/config.h"
#include "litetts/litetts.h"

struct warm;

/* Begins, on an engine that is open but for this; *warm is NULL when neither file is configured. Errors:
 * LT_ERR_IO (the list cannot be read), LT_ERR_MEMORY. */
lt_status warm_start(lt_engine *engine, const lt_config *config, struct warm **warm, lt_error *error);

/* Notes a request that went well, for later runs. NULL is fine. */
void warm_learn(struct warm *warm, const lt_request *request, size_t text_size);

/* Ends it, also in the middle of the list; NULL is fine. */
void warm_stop(struct warm *warm);

#endif
