/* targets.c: judges what was against what is wanted. */
#include "server/targets.h"

#include <math.h>

static const double AT_RISK = 0.8; /* of what is allowed */

static const struct {
    const char *name, *unit;
    enum config_key key;
} targets[TARGET_COUNT] = {
    [TARGET_RTF] = {"rtf", "", CONFIG_target_rtf},
    [TARGET_MEMORY] = {"memory_bytes", "bytes", CONFIG_target_memory_bytes},
    [TARGET_SUCCESS] = {"success_rate", "", CONFIG_target_success_rate},
    [TARGET_FIRST_AUDIO] = {"first_audio_ms", "ms", CONFIG_target_first_audio_ms},
};

const char *target_name(enum target target)
{
    return targets[target].name;
}

const char *target_unit(enum target target)
{
    return targets[target].unit;
}

const char *target_state_name(enum target_state state)
{
    static const char *const names[TARGET_STATE_COUNT] = {"unknown", "met", "at_risk", "missed"};
    return names[state];
}

static double measure(enum target target, const struct span *span)
{
    switch (target) {
    case TARGET_RTF:
        return span->audio_seconds > 0 ? span->work_seconds / span->audio_seconds : NAN;
    case TARGET_MEMORY:
        return span->memory_bytes > 0 ? (double)span->memory_bytes : NAN;
    case TARGET_SUCCESS:
        return span->judged > 0 ? 1 - (double)span->failed / (double)span->judged : NAN;
    default:
        return 1000 * first_audio_quantile(span->first_audio, 0.95);
    }
}

struct verdict target_judge(const lt_config *config, enum target target, const struct span *span)
{
    struct verdict verdict = {.wanted = config_number(config, targets[target].key),
                              .value = measure(target, span)};
    if (!(verdict.wanted > 0) || isnan(verdict.value))
        return verdict;
    bool share = target == TARGET_SUCCESS; /* what is allowed there is the rest to 1 */
    double used = share ? 1 - verdict.value : verdict.value;
    double allowed = share ? 1 - verdict.wanted : verdict.wanted;
    verdict.state = used > allowed ? TARGET_MISSED : used > AT_RISK * allowed ? TARGET_AT_RISK : TARGET_MET;
    return verdict;
}
