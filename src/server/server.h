/* server.h: `litetts serve`: the HTTP server. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/config.h"
#include "base/error.h"

/* Where the configuration comes from. */
struct server_source {
    lt_config *(*read)(void *user,
                       lt_error *error); /* reads it anew; NULL with *error set, else the caller's */
    void *user;
    const char *file; /* the file that it is read from, which need not exist */
};

/* Opens an engine, serves on the socket that systemd passed or on server.host and server.port, and blocks
 * until SIGTERM or SIGINT. SIGHUP, and with server.reload "auto" a change of its file, has the
 * configuration read anew and put in force (settings.h says how). SIGTERM and SIGINT let what is in flight
 * finish within server.grace_seconds; a second signal ends the process at once with 128 + its number. The
 * log (log_setup is the caller's) says "listening on http://..." with the real port. Returns the exit
 * code: 0, or 1 with *error set when the server could not start. */
int server_run(const lt_config *config, const struct server_source *source, lt_error *error);

#endif
