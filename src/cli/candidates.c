/* candidates.c: measures candidates in turns. */
#include "cli/candidates.h"

#include <math.h>

#include "base/clock.h"

static const double hopeless = 3;     /* times the first candidate's time */
static const double rough_noise = .5; /* of what a single short trial says */

/* A measurement in progress; everything by candidate. */
struct progress {
    const struct contest *contest;
    struct candidate *list;
    int count;
    struct kokoro *engines[CANDIDATES_MOST]; /* NULL: out of the race */
    double last[CANDIDATES_MOST];            /* seconds of its last turn: what the next one will take */
    double seconds[CANDIDATES_MOST][CANDIDATES_ROUNDS];
};

static void leave(struct progress *p, int i)
{
    kokoro_close(p->engines[i]);
    p->engines[i] = NULL;
}

/* Opens one and speaks the short trial with it: that fetches the weights. *seconds is how long it took. */
static lt_status warm_up(struct progress *p, int i, double *seconds, lt_error *error)
{
    p->contest->show(p->contest->user, &p->list[i]);
    lt_status status = kokoro_open(p->contest->model, &p->list[i].options, &p->engines[i], error);
    const double start = clock_seconds();
    if (status == LT_OK)
        status = trial_speak(p->contest->warm_up, p->engines[i], 1, NULL, error);
    *seconds = clock_seconds() - start;
    return status;
}

/* Opens all; who is out of the question leaves. */
static lt_status warm_up_all(struct progress *p, lt_error *error)
{
    double first = 0, seconds;
    lt_status status = warm_up(p, 0, &first, error);
    const double start = clock_seconds();
    if (status == LT_OK) /* again, now that the weights are in memory */
        status = trial_speak(p->contest->warm_up, p->engines[0], 1, NULL, error);
    first = clock_seconds() - start;
    for (int i = 1; i < p->count && status == LT_OK && clock_seconds() < p->contest->latest; i++) {
        status = warm_up(p, i, &seconds, error);
        if (status != LT_OK || seconds <= hopeless * first)
            continue;
        p->list[i].speed = first / seconds;
        p->list[i].noise = rough_noise;
        p->list[i].rounds = 1;
        leave(p, i);
    }
    return status;
}

static lt_status take_turn(struct progress *p, int i, int round, lt_error *error)
{
    const struct contest *c = p->contest;
    lt_status status = LT_OK;
    c->show(c->user, &p->list[i]);
    const double start = clock_seconds();
    for (int spoken = 0; spoken < c->utterances && status == LT_OK; spoken += p->list[i].batch)
        status = trial_speak(c->trial, p->engines[i], p->list[i].batch, NULL, error);
    p->seconds[i][round] = p->last[i] = clock_seconds() - start;
    p->list[i].rounds = round + 1;
    return status;
}

static lt_status take_turns(struct progress *p, lt_error *error)
{
    for (int round = 0; round < CANDIDATES_ROUNDS; round++)
        for (int i = 0; i < p->count; i++) {
            if (!p->engines[i])
                continue;
            if (clock_seconds() + p->last[i] > (round == 0 ? p->contest->latest : p->contest->deadline))
                return LT_OK;
            const lt_status status = take_turn(p, i, round, error);
            if (status != LT_OK)
                return status;
        }
    return LT_OK;
}

static void judge(struct progress *p, int i)
{
    struct candidate *candidate = &p->list[i];
    double ratios[CANDIDATES_ROUNDS];
    for (int round = 0; round < candidate->rounds; round++)
        ratios[round] = p->seconds[0][round] / p->seconds[i][round];
    const struct quartiles q = trial_quartiles(ratios, candidate->rounds);
    candidate->speed = q.median;
    if (candidate->rounds >= CANDIDATES_FEWEST_ROUNDS)
        candidate->noise = trial_uncertainty(q, candidate->rounds) / q.median;
}

lt_status candidates_measure(const struct contest *contest, struct candidate *list, int count,
                             lt_error *error)
{
    struct progress p = {.contest = contest, .list = list, .count = count};
    for (int i = 0; i < count; i++) {
        list[i].speed = 0;
        list[i].noise = INFINITY;
        list[i].rounds = 0;
    }
    lt_status status = warm_up_all(&p, error);
    if (status == LT_OK)
        status = take_turns(&p, error);
    for (int i = 0; i < count; i++) {
        if (p.engines[i] && list[i].rounds > 0)
            judge(&p, i);
        leave(&p, i);
    }
    return status;
}
