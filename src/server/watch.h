/* watch.h: the thread that notices what libmicrohttpd does not: clients that leave while their connection is
 * suspended, and clients that are too slow to send their request or to take their answer. */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include "server/state.h"

/* Starts and ends the thread. Errors: LT_ERR_IO. */
lt_status watch_start(struct server *server, lt_error *error);
void watch_stop(struct server *server);

/* From now on the exchange of `connection` is abandoned when its client closes the connection. */
void watch_add(struct server *server, const struct connection *connection);
void watch_remove(struct server *server, const struct connection *connection);

#endif
