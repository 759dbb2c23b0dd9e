/* stats.h: how the server does, for programs: GET /stats as JSON, GET /metrics for Prometheus. */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "server/counters.h"
#include "server/pool.h"
#include "server/state.h"

/* All of it at one moment; what both routes and both judgements are made from. */
struct snapshot {
    double now, uptime;
    bool draining;
    uint64_t reloads, reload_failures; /* of the configuration */
    char reload_error[sizeof((lt_error *)0)->message];
    unsigned connections, exchanges, most_jobs;
    struct pool_counts jobs;
    struct counts counts;
    struct span minute, hour;
    uint64_t resident_bytes, peak_bytes;
    const char *isa, *model, *default_voice;
    lt_stats engine;
};

/* NULL when out of memory, else the caller's, to be freed with free(). Its strings live as long as the
 * exchange. */
struct snapshot *snapshot_take(const struct exchange *x);

/* Whether requests wait for room in the memory budget. */
bool stats_over_budget(const lt_stats *engine);

enum MHD_Result stats_answer(struct exchange *x);   /* GET /stats */
enum MHD_Result metrics_answer(struct exchange *x); /* GET /metrics */

#endif
