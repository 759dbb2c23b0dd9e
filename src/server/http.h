/* http.h: between libmicrohttpd and the routes: connections, request bodies, limits, the log line of a
 * request. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server/state.h"

/* Starts libmicrohttpd on server->listening. Errors: LT_ERR_IO. */
lt_status http_start(struct server *server, lt_error *error);

/* Accepts no more connections; those that are open stay. */
void http_quiesce(struct server *server);

/* Ends libmicrohttpd and every connection, after http_quiesce. No exchange may be suspended. Closes the
 * listening socket. */
void http_stop(struct server *server);

/* Sets what a connection is doing and how many seconds it has for it (INFINITY: any). */
void http_set_phase(struct exchange *x, enum phase phase, double seconds);

/* Counts `bytes` more that an exchange holds in memory until it is over. False where that is too much
 * together with what others hold: then they are not counted. */
bool http_hold(struct exchange *x, uint64_t bytes);

/* Lets go of an exchange; the last holder logs and frees it. */
void http_release(struct exchange *x);

#endif
