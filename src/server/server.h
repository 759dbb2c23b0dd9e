/* server.h: `litetts serve`: the HTTP server. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/config.h"
#include "base/error.h"

/* Reads the configuration anew; NULL with *error set, else the caller's. */
typedef lt_config *(*server_reload_fn)(void *user, lt_error *error);

/* Opens an engine, serves on the socket that systemd passed or on server.host and server.port, and blocks until SIGTERM or
 * SIGINT. SIGHUP calls `reload` and puts what it returns in force (settings.h says how). SIGTERM and SIGINT let what is in
 * flight finish within server.grace_seconds; a second signal ends the process at once with 128 + its number.
 * The log (log_setup is the caller's) says "listening on http://..." with the real port.
 * Returns the exit code: 0, or 1 with *error set when the server could not start. */
int server_run(const lt_config *config, server_reload_fn reload, void *user, lt_error *error);

#endif
