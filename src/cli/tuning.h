/* tuning.h: what each optimisation of the Kokoro engine, and the cache, are worth on this machine.
 *
 * One subject after another: the candidates of a subject take turns (candidates.h), and the best of them is
 * kept for the subjects that follow. */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "base/config.h"
#include "cli/candidates.h"
#include "cli/progress.h"

/* What there are several ways to do; measured in this order. */
enum { TUNING_ISA, TUNING_THREADS, TUNING_PIN, TUNING_PRECISION, TUNING_BATCHING, TUNING_SUBJECTS };

struct subject {
    const char *title;
    enum config_key key; /* what the candidates are values of; CONFIG_COUNT: it is measured, but not chosen */
    struct candidate list[CANDIDATES_MOST]; /* the first is the default */
    int count;                              /* 0: not measured */
    int in_force, best; /* what the settings ask for; that, or what is faster by more than noise */
};

struct tuning {
    /* Filled in by the caller. */
    const lt_config *config;
    const struct model *model; /* NULL: there is none, only the cache is measured */
    double begin, seconds;     /* on clock_seconds; the time to take */
    struct progress_bar *bar;  /* for its line */

    /* By tuning_measure. */
    struct subject subjects[TUNING_SUBJECTS];
    double load; /* processes that ran or wanted to, on average over the minute before; 0: not known */
    double cold_seconds; /* of a request whose words are new; 0: the cache is off */
    double hit_seconds;  /* of one whose words are in the cache */
};

/* Measures all, in about `seconds`; a first turn of each candidate may take longer. Errors: those of
 * lt_engine_open, lt_speak and kokoro_speak. */
lt_status tuning_measure(struct tuning *tuning, lt_error *error);

/* Whether a subject's best is another than what is in force. */
bool subject_changes(const struct subject *subject);

#endif
