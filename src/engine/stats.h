/* stats.h: what an engine has done: counters behind lt_engine_stats. Atomic, so that counting costs next
 * to nothing. */
#ifndef ENGINE_STATS_H
#define ENGINE_STATS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"

/* Watches for memory that grows and that no subsystem accounts for. */
struct leak_watch {
    pthread_mutex_t lock;
    uint64_t windows;     /* that have ended */
    uint64_t samples;     /* of the present window */
    uint64_t least, last; /* bytes: the present window's least, the one before's */
    double growth;        /* moving average of the differences from window to window */
    int rising;           /* such differences in a row of STATS_LEAK_BYTES or more */
};

struct stats {
    double opened; /* clock_seconds() */
    atomic_uint_fast64_t requests[LT_STATUS_COUNT], active;
    atomic_uint_fast64_t chunks, chunks_cached, text_bytes, bytes_written;
    atomic_uint_fast64_t audio_ns, text_ns, speech_ns, encode_ns, first_audio_ns, first_audio_count;
    atomic_uint_fast64_t first_audio[LT_FIRST_AUDIO_BUCKETS];
    struct leak_watch leak;
};

void stats_open(struct stats *stats);
void stats_close(struct stats *stats);

/* A request begins, and ends with `status`. */
void stats_begin(struct stats *stats);
void stats_end(struct stats *stats, lt_status status, const lt_result *result);

/* Requests in progress. */
uint64_t stats_active(const struct stats *stats);

/* Whether it is time for leak_sample: every STATS_LEAK_EVERY requests. */
bool stats_leak_due(const struct stats *stats);

/* Takes note of memory (bytes) that no subsystem accounts for. */
void leak_sample(struct leak_watch *watch, uint64_t unaccounted);

enum { STATS_LEAK_EVERY = 50, STATS_LEAK_WINDOW = 1000 }; /* requests */

/* Growth from window to window, so many times in a row, that is a leak: pools fill once, and noise does not
 * rise for ever. */
enum { STATS_LEAK_BYTES = 32 * 1024, STATS_LEAK_TIMES = 3 };

#endif
