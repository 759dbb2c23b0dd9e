/* targets.h: what the operator wants (the settings target.*), held against what was. */
#ifndef SERVER_TARGETS_H
#define SERVER_TARGETS_H

#include "base/config.h"
#include "server/counters.h"

enum target { TARGET_RTF, TARGET_MEMORY, TARGET_SUCCESS, TARGET_FIRST_AUDIO, TARGET_COUNT };

enum target_state {
    TARGET_UNKNOWN, /* nothing happened in that time, or no target is set */
    TARGET_MET,
    TARGET_AT_RISK, /* met, but more than four fifths of what is allowed are used up */
    TARGET_MISSED,
    TARGET_STATE_COUNT
};

/* How a target stands in a span of time. */
struct verdict {
    double wanted; /* 0: no target is set */
    double value;  /* NAN: nothing happened */
    enum target_state state;
};

/* Name ("rtf", as in target.rtf) and, for people, unit ("" for a ratio); static storage. */
const char *target_name(enum target target);
const char *target_unit(enum target target);

/* "unknown", "met", "at_risk", "missed"; static storage. */
const char *target_state_name(enum target_state state);

/* rtf: work a second of audio; memory_bytes: the most resident; success_rate: the share of requests that
 * did not fail; first_audio_ms: what 95 % of the requests stayed below. */
struct verdict target_judge(const lt_config *config, enum target target, const struct span *span);

#endif
