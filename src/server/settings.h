/* settings.h: the configuration that is in force, and the engine that was opened from it; both can be
 * exchanged while the server runs.
 *
 * An exchange holds the settings that it began with until it is over, so a reload changes nothing under a
 * request, and an old engine is closed when the last request that uses it has ended. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdatomic.h>

#include "base/config.h"
#include "server/rates.h"
#include "server/request.h"

struct shared_engine; /* an engine that several settings may have in common */

/* Constant while it is held, but for `rates`. */
struct settings {
    atomic_int holders;
    lt_config *config;
    lt_engine *engine;
    struct shared_engine *shared; /* owner of `engine` */
    struct speech_limits limits;
    size_t max_body;
    uint64_t max_held; /* most server.held_bytes */
    double read_timeout, write_timeout;
    struct rates rates; /* under server.lock, since a reload hands them on */
};

/* Settings of a configuration, which is copied, held once. Where no setting of the engine differs from
 * those of `before` (NULL: there are none), its engine is shared; else another one is opened, which takes
 * time and memory. NULL with *error set. */
struct settings *settings_open(const lt_config *config, const struct settings *before, lt_error *error);

struct settings *settings_hold(struct settings *settings);
void settings_release(struct settings *settings); /* NULL is fine */

/* The next setting from *key on that is read at the start only and differs between two configurations;
 * NULL: no more. Set *key to 0 first. */
const char *settings_next_fixed(const lt_config *a, const lt_config *b, int *key);

#endif
