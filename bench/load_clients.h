/* load_clients.h: clients of a speech server, hundreds of them on one thread (libcurl's multi interface), so that they cost little
 * beside the server that is measured. */
#ifndef BENCH_LOAD_CLIENTS_H
#define BENCH_LOAD_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_server;

enum { LOAD_MOST_CLIENTS = 1024 };

/* Seconds that requests took. */
struct load_times {
    double *seconds; /* sorted by load_run */
    size_t count, capacity;
};

struct load_plan {
    const char *url;          /* of the server */
    const char *voice;        /* NULL: the server's default */
    double speed;             /* that requests ask for, 0.25 to 4 */
    const char *const *texts; /* chosen from at random, the same ones for the same seed */
    size_t text_count;
    int clients;    /* 1 to LOAD_MOST_CLIENTS; closed loop: all are always waiting for an answer */
    double rate;    /* above 0: open loop: so many requests a second arrive, whatever the answers (Poisson) */
    double seconds; /* measured; before that, up to as long again until every client has had one answer */
    uint64_t seed;
    const struct load_server *server; /* to read its processor time; NULL: not ours */
};

struct load_result {
    double seconds;       /* that were measured */
    double audio_seconds; /* of sound that arrived in them */
    double cpu_seconds;   /* of processor time that the server used in them; 0: not known */
    size_t answered;      /* requests that ended well in them */
    size_t refused;       /* with 429 or 503, from the beginning on */
    size_t failed;        /* in any other way */
    char failure[256];    /* what went wrong with one of them; empty: nothing */
    struct load_times first_audio, completion; /* of those answered, from their beginning or arrival */
};

/* Puts the server under load. False, after a message on standard error, when the clients themselves fail. On success the caller
 * gives the result back to load_result_free. */
bool load_run(const struct load_plan *plan, struct load_result *result);
void load_result_free(struct load_result *result);

/* Value below which `part` (0 to 1) of the times lie; NAN when there are none. */
double load_percentile(const struct load_times *times, double part);

#endif
