/* batcher.c: which utterances are spoken together, and when. */
#include "engine/batcher.h"

static const double FIRST_WAIT = 0.003, LEAST_WAIT = 0.0005, MOST_WAIT = 0.010;

/* A larger batch must be cheaper by this much to be worth its latency. */
static const double WORTH = 0.97;

/* Weight of a new observation in the moving averages. */
static const double FRESH = 0.2;

enum { URGENT_RUN = 4, TRIES = 8 };

void batcher_open(struct batcher *batcher, int most, bool enabled)
{
    static const int sizes[CLASS_COUNT] = {16, 8, 4};
    *batcher = (struct batcher){.most = enabled ? (most < BATCH_MAX ? most : BATCH_MAX) : 1};
    batcher->tuning = batcher->most > 1;
    for (int i = 0; i < CLASS_COUNT; i++) {
        struct batch_class *c = &batcher->classes[i];
        c->size = sizes[i] < batcher->most ? sizes[i] : batcher->most;
        c->wait_seconds = batcher->most > 1 ? FIRST_WAIT : 0;
        c->size_reason = c->wait_reason = batcher->most > 1 ? "starting value" : "batching is off";
        c->urgent_last = &c->urgent_first;
        c->last = &c->first;
    }
}

static int class_of(size_t characters)
{
    return characters <= SHORT_CHARACTERS    ? CLASS_SHORT
           : characters <= MEDIUM_CHARACTERS ? CLASS_MEDIUM
                                             : CLASS_LONG;
}

void batcher_add(struct batcher *batcher, struct job *job, double now)
{
    job->length_class = class_of(job->characters);
    job->submitted = now;
    job->next = NULL;
    struct batch_class *c = &batcher->classes[job->length_class];
    struct job ***last = job->urgent ? &c->urgent_last : &c->last;
    **last = job;
    *last = &job->next;
    c->waiting++;
    batcher->waiting++;
}

static bool unlink_from(struct job **first, struct job ***last, const struct job *job)
{
    for (struct job **at = first; *at != NULL; at = &(*at)->next) {
        if (*at != job)
            continue;
        if (job->next == NULL)
            *last = at;
        *at = job->next;
        return true;
    }
    return false;
}

static void take_out(struct batcher *batcher, struct batch_class *c)
{
    c->waiting--;
    batcher->waiting--;
}

bool batcher_remove(struct batcher *batcher, struct job *job)
{
    if (job->length_class < 0 || job->length_class >= CLASS_COUNT)
        return false;
    struct batch_class *c = &batcher->classes[job->length_class];
    bool found = job->urgent ? unlink_from(&c->urgent_first, &c->urgent_last, job)
                             : unlink_from(&c->first, &c->last, job);
    if (found)
        take_out(batcher, c);
    return found;
}

/* The oldest waiting job, of the kind whose turn it is. */
static struct job *head(const struct batcher *batcher)
{
    struct job *urgent = NULL, *later = NULL;
    for (int i = 0; i < CLASS_COUNT; i++) {
        const struct batch_class *c = &batcher->classes[i];
        if (c->urgent_first != NULL && (urgent == NULL || c->urgent_first->submitted < urgent->submitted))
            urgent = c->urgent_first;
        if (c->first != NULL && (later == NULL || c->first->submitted < later->submitted))
            later = c->first;
    }
    return urgent != NULL && (later == NULL || batcher->urgent_run < URGENT_RUN) ? urgent : later;
}

static struct job *pop(struct batcher *batcher, struct batch_class *c, bool urgent)
{
    struct job **first = urgent ? &c->urgent_first : &c->first, *job = *first;
    if (job == NULL)
        return NULL;
    *first = job->next;
    if (*first == NULL)
        *(urgent ? &c->urgent_last : &c->last) = first;
    job->next = NULL;
    take_out(batcher, c);
    return job;
}

int batcher_next(struct batcher *batcher, double now, int requests, struct job **jobs, double *until)
{
    *until = 0;
    struct job *oldest = head(batcher);
    if (oldest == NULL)
        return 0;
    struct batch_class *c = &batcher->classes[oldest->length_class];
    bool others_may_join = requests > batcher->waiting;
    if (c->waiting < c->size && others_may_join && now < oldest->submitted + c->wait_seconds) {
        *until = oldest->submitted + c->wait_seconds;
        return 0;
    }
    bool urgent = oldest->urgent;
    batcher->urgent_run = urgent ? batcher->urgent_run + 1 : 0;
    int count = 0, late = 0;
    while (count < c->size) { /* the kind whose turn it is, then the other fills up */
        struct job *job = pop(batcher, c, urgent);
        if (job == NULL)
            job = pop(batcher, c, !urgent);
        if (job == NULL)
            break;
        late += job->submitted > oldest->submitted;
        jobs[count++] = job;
    }
    c->joined += FRESH * (late - c->joined);
    return count;
}

/* ---- Tuning ---- */

static int size_bucket(int count)
{
    int bucket = 0;
    for (int size = 1; size < count && bucket < 5; size *= 2)
        bucket++;
    return bucket;
}

static void resize(struct batch_class *c, int size, const char *reason)
{
    c->size = size;
    c->size_reason = reason;
}

static void rewait(struct batch_class *c, double wait, const char *reason)
{
    c->wait_seconds = wait;
    c->wait_reason = reason;
}

/* Compares what batches of the present size cost with those of half of it, and looks at what waiting
 * brought. */
static void tune(const struct batcher *batcher, struct batch_class *c)
{
    if (++c->tried < TRIES)
        return;
    c->tried = 0;
    int bucket = size_bucket(c->size);
    double full = c->cost[bucket], half = bucket > 0 ? c->cost[bucket - 1] : 0;
    if (full > 0 && half > 0 && full > half / WORTH)
        resize(c, c->size / 2, "smaller: a full batch cost more a second of audio than half a batch");
    else if (full > 0 && half > 0 && full < half * WORTH && c->size < batcher->most)
        resize(c, c->size * 2 < batcher->most ? c->size * 2 : batcher->most,
               "larger: a full batch cost less a second of audio than half a batch");
    if (c->joined < 0.1 && c->wait_seconds > LEAST_WAIT)
        rewait(c, c->wait_seconds / 2, "shorter: hardly anything joined while batches waited");
    else if (c->joined >= 1 && c->wait_seconds < MOST_WAIT)
        rewait(c, c->wait_seconds * 1.5 < MOST_WAIT ? c->wait_seconds * 1.5 : MOST_WAIT,
               "longer: others joined while batches waited");
}

void batcher_report(struct batcher *batcher, int length_class, int count, double audio_seconds,
                    double work_seconds)
{
    struct batch_class *c = &batcher->classes[length_class];
    c->batches++;
    c->jobs += (uint64_t)count;
    c->audio_seconds += audio_seconds;
    c->work_seconds += work_seconds;
    if (audio_seconds <= 0 || !batcher->tuning)
        return;
    double *cost = &c->cost[size_bucket(count)], seen = work_seconds / audio_seconds;
    *cost = *cost == 0 ? seen : *cost + FRESH * (seen - *cost);
    tune(batcher, c);
}
