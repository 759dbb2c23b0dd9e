/* systemd.h: what systemd and its kin agree on with a service: sockets that it opened, and news of the
 * service's state.
 *
 * Both protocols are a few lines, stable by promise (https://systemd.io/PORTABILITY_AND_STABILITY/), so
 * libsystemd is not needed; without systemd the functions do nothing. */
#ifndef SERVER_SYSTEMD_H
#define SERVER_SYSTEMD_H

/* The listening socket that was passed on (sd_listen_fds(3)), close-on-exec and non-blocking; -1 when
 * there is none. More than one: the first; the others stay unused. Call it before other threads start: it
 * changes the environment. */
int systemd_socket(void);

/* Sends a state such as "READY=1" to the service manager (sd_notify(3)), if there is one that listens. */
void systemd_notify(const char *state);

/* The same for the beginning of a reload, which wants the time. */
void systemd_notify_reloading(void);

#endif
