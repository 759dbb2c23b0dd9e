/* counters.h: what the server has done: since its start, and in the last minute and hour.
 *
 * Knows no HTTP and no clock: the caller passes the time, so that it can be tested by itself. Thread-safe:
 * one lock. */
#ifndef SERVER_COUNTERS_H
#define SERVER_COUNTERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { FIRST_AUDIO_BUCKETS = 16, SLOTS = 60, ANSWERS_MOST = 512, CODES_MOST = 48 };

/* Upper bounds of the buckets of the first-audio histogram, in seconds; the last is infinite. */
extern const double first_audio_bounds[FIRST_AUDIO_BUCKETS];

/* One request that is over. */
struct request_record {
    const char *route;                         /* static; NULL: a path that is none */
    int status;                                /* of the answer; 0: the connection was cut before one */
    const char *code;                          /* static; of the error that was answered, or NULL */
    bool judged;                               /* it asked for work: it counts for the success rate */
    bool failed;                               /* through the server's fault or lack of room */
    bool complete;                             /* the client was sent all of it */
    bool spoken;                               /* the fields below are set */
    double audio_seconds, first_audio_seconds; /* first_audio 0: there was none */
    double text_seconds, speech_seconds, encode_seconds; /* work of the stages */
    uint64_t characters;
};

/* What happened in a span of time. */
struct span {
    uint64_t judged, failed;
    double audio_seconds, work_seconds; /* made, and spent on it by all stages */
    uint64_t memory_bytes;              /* most that was resident */
    uint64_t first_audio[FIRST_AUDIO_BUCKETS];
};

struct answer_count {
    const char *route; /* "" for a path that is none */
    int status;
    uint64_t count;
};

struct code_count {
    const char *code;
    uint64_t count;
};

struct counts {
    struct answer_count answers[ANSWERS_MOST];
    struct code_count codes[CODES_MOST];
    int answer_count, code_count;
    uint64_t spoken, cut, characters;
    double text_seconds, speech_seconds, encode_seconds, audio_seconds, first_audio_seconds;
    uint64_t first_audio[FIRST_AUDIO_BUCKETS];
    struct span seconds[SLOTS], minutes[SLOTS]; /* rings: the slot of second t is t % SLOTS */
    int64_t second;                             /* the newest; older slots are those before it */
};

struct counters {
    pthread_mutex_t lock;
    struct counts counts;
};

void counters_open(struct counters *counters, double now);
void counters_close(struct counters *counters);

/* Counts a request that ended at `now` (clock_seconds()). */
void counters_record(struct counters *counters, const struct request_record *record, double now);

/* Notes the resident memory at `now`; call it about once a second. */
void counters_note_memory(struct counters *counters, uint64_t bytes, double now);

/* Brings the rings up to `now` and copies all of it. */
void counters_look(struct counters *counters, double now, struct counts *copy);

/* The last minute or hour of a copy, as one. */
struct span span_of_minute(const struct counts *copy);
struct span span_of_hour(const struct counts *copy);

/* The slot `ago` (0 to SLOTS - 1) seconds or minutes before the newest. */
const struct span *slot_of_second(const struct counts *copy, int ago);
const struct span *slot_of_minute(const struct counts *copy, int ago);

/* How many first sounds a histogram holds, and an estimate of a quantile of them (0 to 1) in seconds:
 * linear within its bucket, the lower bound of the last one; NAN when there are none. */
uint64_t first_audio_count(const uint64_t buckets[FIRST_AUDIO_BUCKETS]);
double first_audio_quantile(const uint64_t buckets[FIRST_AUDIO_BUCKETS], double quantile);

#endif
