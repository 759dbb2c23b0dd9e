/* candidates.h: which of several ways to run the Kokoro engine is the fastest here.
 *
 * They take turns, so that what else the machine does in the meantime touches all of them alike, and each
 * turn is held against the first candidate's of the same round. */
#ifndef CLI_CANDIDATES_H
#define CLI_CANDIDATES_H

#include "cli/trial.h"

enum { CANDIDATES_MOST = 16, CANDIDATES_ROUNDS = 50, CANDIDATES_FEWEST_ROUNDS = 3 };

struct candidate {
    char value[24];                /* what it is, in its setting's text form */
    struct kokoro_options options; /* how the engine is opened */
    int batch;                     /* utterances that are spoken at once */

    /* What candidates_measure fills in. */
    double speed; /* times as fast as the first; 0: not measured */
    double noise; /* how far off that may be, as a share of it; INFINITY: it was spoken too seldom to tell */
    int rounds;   /* times it was spoken */
};

/* Speaks `trial` as often as `utterances` says (a multiple of every batch) in each round, candidate by
 * candidate: one round if there is time until `latest` (on clock_seconds), then more, at most
 * CANDIDATES_ROUNDS, as long as there is time until `deadline`. One that needs more than three times as long
 * as the first for the short trial `warm_up` is not spoken again. `show` is called before each turn. Errors:
 * those of kokoro_open and kokoro_speak. */
struct contest {
    const struct model *model;
    const struct trial *warm_up, *trial;
    int utterances;
    double deadline, latest;
    void (*show)(void *user, const struct candidate *candidate);
    void *user;
};
lt_status candidates_measure(const struct contest *contest, struct candidate *list, int count,
                             lt_error *error);

#endif
