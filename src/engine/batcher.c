/* batcher.c: which utterances are spoken together, and when. */
#include "engine/batcher.h"

static const double FIRST_WAIT = 0.003, LEAST_WAIT = 0.0005, MOST_WAIT = 0.010;

/* A larger batch must be cheaper by this much to be worth its latency. */
static const double WORTH = 0.97;

/* Weight of a new observation in the moving averages. */
static const double FRESH = 0.2;

/* Part of the latest batches that followed another without a rest, from which on a backend is under load. */
static const double PRESSED = 0.9;

/* Seconds without a job after which a backend is at rest: clients that ask again at once are faster. */
static const double REST = 0.1;

/* Batches between looks at a class, and until a size is tried again that was too large: a busy machine measures
 * badly, loads change, and no size shall be for ever. */
enum { URGENT_RUN = 4, TRIES = 8, TRY_AGAIN = 64 };

void batcher_open(struct batcher *batcher, int most, bool enabled, double wanted)
{
    static const int sizes[CLASS_COUNT] = {16, 8, 4};
    *batcher =
        (struct batcher){.most = enabled ? (most < BATCH_MAX ? most : BATCH_MAX) : 1, .wanted = wanted};
    batcher->tuning = batcher->most > 1;
    for (int i = 0; i < CLASS_COUNT; i++) {
        struct batch_class *c = &batcher->classes[i];
        c->size = sizes[i] < batcher->most ? sizes[i] : batcher->most;
        c->wait_seconds = batcher->most > 1 ? FIRST_WAIT : 0;
        c->size_reason = c->wait_reason = batcher->most > 1 ? "starting value"
                                          : enabled         ? "these voices speak one at a time"
                                                            : "batching is off";
        c->pressed = 1; /* until batches after a rest say else */
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

/* When a batch of a class's first utterances would be over if it had left as the oldest of them came. */
static double over_at(const struct batch_class *c)
{
    return c->urgent_first->submitted + (c->batches > 0 ? c->work_seconds / (double)c->batches : 0);
}

/* The oldest waiting job, of the kind and class whose turn it is. */
static struct job *head(const struct batcher *batcher)
{
    struct job *urgent = NULL, *later = NULL;
    double first_over = 0;
    for (int i = 0; i < CLASS_COUNT; i++) {
        const struct batch_class *c = &batcher->classes[i];
        if (c->urgent_first != NULL && (urgent == NULL || over_at(c) < first_over)) {
            urgent = c->urgent_first;
            first_over = over_at(c);
        }
        if (c->first != NULL && (later == NULL || c->first->submitted < later->submitted))
            later = c->first;
    }
    return urgent != NULL && (later == NULL || batcher->urgent_run < URGENT_RUN) ? urgent : later;
}

static bool has_urgent_elsewhere(const struct batcher *batcher, const struct batch_class *here)
{
    for (int i = 0; i < CLASS_COUNT; i++)
        if (&batcher->classes[i] != here && batcher->classes[i].urgent_first != NULL)
            return true;
    return false;
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

/* Notes whether a first utterance that came while a batch of later ones was spoken had to wait too long for
 * its end. One that was there before waited for more than that batch. */
static void note_blocking(const struct batcher *batcher, const struct job *first, double now)
{
    struct batch_class *before = batcher->before;
    const bool blocked = batcher->wanted > 0 && first->submitted >= batcher->left_at &&
                         now - first->submitted > batcher->wanted;
    before->blocking += ((blocked ? 1 : 0) - before->blocking) / 2;
}

int batcher_next(struct batcher *batcher, double now, int requests, struct job **jobs, double *until)
{
    *until = 0;
    struct job *oldest = head(batcher);
    if (oldest == NULL) {
        if (batcher->idle_at < 0)
            batcher->idle_at = now;
        return 0;
    }
    struct batch_class *c = &batcher->classes[oldest->length_class];
    bool others_may_join = requests > batcher->waiting;
    if (c->waiting < c->size && others_may_join && now < oldest->submitted + c->wait_seconds) {
        *until = oldest->submitted + c->wait_seconds;
        return 0;
    }
    bool urgent = oldest->urgent;
    batcher->rested = batcher->idle_at >= 0 && oldest->submitted >= batcher->idle_at + REST;
    batcher->idle_at = -1;
    if (urgent && batcher->before != NULL)
        note_blocking(batcher, oldest, now);
    batcher->urgent_run = urgent ? batcher->urgent_run + 1 : 0;
    const bool fill = !urgent || !has_urgent_elsewhere(batcher, c);
    int count = 0, late = 0, first = 0;
    while (count < c->size) { /* the kind whose turn it is, then the other fills up */
        struct job *job = pop(batcher, c, urgent);
        if (job == NULL && fill)
            job = pop(batcher, c, !urgent);
        if (job == NULL)
            break;
        late += job->submitted > oldest->submitted;
        first += job->urgent;
        jobs[count++] = job;
    }
    batcher->before = count > 1 && first < count ? c : NULL;
    batcher->left_at = now;
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
    if (size > c->size) /* what was measured of it long ago tells nothing */
        c->cost[size_bucket(size)] = 0;
    c->size = size;
    c->size_reason = reason;
    c->first_sound = c->blocking = 0;
    c->size_before = 0;
    c->tried = 0;
}

static void rewait(struct batch_class *c, double wait, const char *reason)
{
    c->wait_seconds = wait;
    c->wait_reason = reason;
}

/* Why batches of a class make first sounds later than is wanted; NULL: they do not. */
static const char *lateness(const struct batcher *batcher, const struct batch_class *c)
{
    if (c->blocking > 0.5)
        return "smaller: first sounds waited longer than is wanted for batches of later chunks";
    if (batcher->wanted > 0 && c->pressed <= 0.5 && c->first_sound > batcher->wanted)
        return "smaller: a full batch took longer to its first sounds than is wanted";
    return NULL;
}

/* Compares what batches of the present size cost with those of half of it. */
static void tune_size(const struct batcher *batcher, struct batch_class *c)
{
    const int bucket = size_bucket(c->size), twice = 2 * c->size;
    const double full = c->cost[bucket], half = bucket > 0 ? c->cost[bucket - 1] : 0;
    if (full > 0 && half > 0 && full > half / WORTH)
        resize(c, c->size / 2, "smaller: a full batch cost more a second of audio than half a batch");
    else if (c->hold > 0)
        return;
    else if (c->size == 1 && c->tried >= TRY_AGAIN)
        resize(c, 2, "larger: to see again whether two together cost less");
    else if (full > 0 && half > 0 && full < half * WORTH && c->size < batcher->most)
        resize(c, twice < batcher->most ? twice : batcher->most,
               "larger: a full batch cost less a second of audio than half a batch");
}

/* Looks at what waiting brought. */
static void tune_wait(const struct batcher *batcher, struct batch_class *c)
{
    const bool late = lateness(batcher, c) != NULL;
    const double longer = c->wait_seconds * 1.5;
    if (late && c->wait_seconds > LEAST_WAIT)
        rewait(c, c->wait_seconds / 2, "shorter: first sounds took longer than is wanted");
    else if (c->joined < 0.1 && c->wait_seconds > LEAST_WAIT)
        rewait(c, c->wait_seconds / 2, "shorter: hardly anything joined while batches waited");
    else if (c->joined >= 1 && c->wait_seconds < MOST_WAIT && !late)
        rewait(c, longer < MOST_WAIT ? longer : MOST_WAIT, "longer: others joined while batches waited");
}

/* Makes batches smaller where that helps first sounds, at once, since who waits for a batch that is too large
 * waits for seconds; and as large as they were when batches follow one another without a rest. True when it
 * has changed the size. */
static bool follow_first_sounds(const struct batcher *batcher, struct batch_class *c)
{
    const char *late = lateness(batcher, c);
    const int before = c->size;
    if (c->size_before > 0 && c->pressed > PRESSED) {
        resize(c, c->size_before, "larger: batches follow one another, so that cost decides again");
        c->hold = 0;
    } else if (late != NULL && c->size > 1) {
        const int first = c->blocking > 0.5 ? 0 : c->size_before > 0 ? c->size_before : c->size;
        resize(c, c->size / 2, late);
        c->size_before = first;
        c->hold = TRY_AGAIN;
    }
    return c->size != before;
}

static void average(double *average, double seen)
{
    *average = *average == 0 ? seen : *average + FRESH * (seen - *average);
}

void batcher_report(struct batcher *batcher, const struct batch_report *report)
{
    struct batch_class *c = &batcher->classes[report->length_class];
    c->batches++;
    c->jobs += (uint64_t)report->count;
    c->audio_seconds += report->audio_seconds;
    c->work_seconds += report->work_seconds;
    if (report->audio_seconds <= 0 || !batcher->tuning)
        return;
    average(&c->cost[size_bucket(report->count)], report->work_seconds / report->audio_seconds);
    c->pressed += FRESH * ((report->rested ? 0 : 1) - c->pressed);
    if (report->rested && report->count == c->size && report->first_sound > 0)
        average(&c->first_sound, report->first_sound);
    c->hold -= c->hold > 0;
    const bool due = ++c->tried % TRIES == 0;
    if (due)
        tune_wait(batcher, c);
    if (!follow_first_sounds(batcher, c) && due)
        tune_size(batcher, c);
}
