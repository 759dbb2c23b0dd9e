/* load_server.h: a `litetts serve` of our own to measure. */
#ifndef BENCH_LOAD_SERVER_H
#define BENCH_LOAD_SERVER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct load_server {
    pid_t pid;
    FILE *log;    /* its standard error, a temporary file */
    char url[64]; /* "http://127.0.0.1:40123" */
};

/* Starts `program` with the settings KEY=VALUE of `settings` (NULL at the end) on a free port of this machine and waits until it
 * listens. False after a message on standard error. */
bool load_server_start(struct load_server *server, const char *program, const char *const *settings);

/* Seconds of processor time that all of its threads have used; 0 when that cannot be read. */
double load_server_cpu_seconds(const struct load_server *server);

/* Ends it; false, after a message, when it does not end well. One that was not started (pid 0) is fine. */
bool load_server_stop(struct load_server *server);

#endif
