/* batcher.h: which utterances are spoken together, and when.
 *
 * Waiting jobs are kept by length class, because a batch takes as long as its longest member. A batch
 * leaves when it is full, when its oldest job has waited its class's time, or at once when nobody else
 * could join it (a lone request never waits). First utterances of a request go before later ones; after
 * URGENT_RUN batches of first ones a waiting later one gets its turn, so that neither a book nor a crowd
 * starves the other. Of first ones in several classes those go first whose batch, had it left when the oldest
 * of them came, would be over first: so a short reply passes a crowd of books that had the same idea earlier,
 * and books wait for replies that came after them no longer than their own batch takes. Later ones fill up a
 * batch of first ones only where no first one of another class waits for its end. Else it is first come, first
 * served.
 *
 * Sizes and waits tune themselves from what batches cost and how long their first sounds took:
 * batcher_report. Where first utterances follow one another without a rest, cost decides, since who is served
 * last waits for all of them. A smaller batch is better where one that began on a backend at rest took longer
 * to its first sounds than is wanted, and where first utterances had to wait that long for a batch of later
 * ones.
 *
 * No threads and no clock in here: the caller holds a lock over every call and passes the time, so that
 * the policy can be tested by itself. */
#ifndef ENGINE_BATCHER_H
#define ENGINE_BATCHER_H

#include "engine/job.h"

enum length_class { CLASS_SHORT, CLASS_MEDIUM, CLASS_LONG, CLASS_COUNT };
enum { BATCH_MAX = 64 };

/* The characters up to which a job is of a class; a longer one is CLASS_LONG. */
enum { SHORT_CHARACTERS = 20, MEDIUM_CHARACTERS = 100 };

/* What a class does at present, and why: shown by statistics. */
struct batch_class {
    int size;                              /* most jobs of a batch, 1 to `most` */
    double wait_seconds;                   /* longest that a job waits for others */
    const char *size_reason, *wait_reason; /* of the last change of each; static strings */
    uint64_t batches, jobs;
    double audio_seconds, work_seconds; /* made and spent so far */
    /* Seconds of work a second of audio by batch size (1, 2, 3-4, 5-8, 9-16, more), moving averages; 0:
     * not seen */
    double cost[6];
    double joined; /* moving average of jobs that came while a batch waited */
    /* Seconds from when a full batch left a backend at rest to the last of the first sounds in it, a moving
     * average; 0: not seen at this size */
    double first_sound;
    double pressed;  /* moving average of 1 for a batch that followed another, 0 for one after a rest */
    double blocking; /* of 1 for a first utterance that it kept waiting too long, 0 for others */
    unsigned hold;   /* batches for which the size does not grow */
    int size_before; /* what it was before first sounds after a rest made it smaller; 0: they did not */

    struct job *urgent_first, **urgent_last, *first, **last; /* waiting */
    int waiting;
    unsigned tried; /* batches since the size changed */
};

/* What a batch was like. */
struct batch_report {
    int length_class, count;
    double audio_seconds, work_seconds; /* made and spent */
    double first_sound; /* from its start to its last first sound; 0: it had no first utterance */
    bool rested;        /* batcher.rested when it left */
};

struct batcher {
    struct batch_class classes[CLASS_COUNT];
    int most;                   /* the backend's largest batch */
    bool tuning;                /* sizes and waits may change */
    double wanted;              /* seconds in which a request shall get its first sound; 0: any */
    double idle_at;             /* when nothing waited any more; negative: something does */
    bool rested;                /* the backend had nothing to do for a while when the last batch left */
    struct batch_class *before; /* of the last batch, when it had several and later utterances */
    double left_at;             /* when that was */
    int urgent_run;             /* batches of first utterances since a later one was spoken */
    int waiting;                /* jobs in all classes */
};

/* Starting sizes 16, 8 and 4 (or `most`); `enabled` false: every batch is one job. `wanted` is the field of
 * that name. */
void batcher_open(struct batcher *batcher, int most, bool enabled, double wanted);

void batcher_add(struct batcher *batcher, struct job *job, double now);

/* Takes a waiting job out again; false when it is not waiting. */
bool batcher_remove(struct batcher *batcher, struct job *job);

/* Takes the batch that is to be spoken now into jobs[BATCH_MAX] and returns its size. 0: nothing yet; then
 * *until is when to ask again (0: when something is added). `requests` is how many requests are open: as
 * long as more are open than wait, others may still join. */
int batcher_next(struct batcher *batcher, double now, int requests, struct job **jobs, double *until);

/* Tells what a batch was like, and tunes its class. */
void batcher_report(struct batcher *batcher, const struct batch_report *report);

#endif
