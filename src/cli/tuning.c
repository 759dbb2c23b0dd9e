/* tuning.c: the candidates of each subject, and which of them is the best. */
#include "cli/tuning.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/threads.h"

/* A speech of about half a second, and the shortest one. */
enum { TRIAL_TOKENS = 5, SHORT_TOKENS = 1, BATCH = 8, CACHE_HITS = 20 };

static const double least_gain = 0.03; /* what is worth a line in the configuration */

struct work {
    struct tuning *tuning;
    struct trial trial, short_trial;
    struct kokoro_options chosen; /* the best so far */
    const struct subject *now;    /* being measured */
};

/* ---- Candidates ----------------------------------------------------------------------------------- */

static struct candidate *add(struct work *w, struct subject *s, const char *value)
{
    struct candidate *made = &s->list[s->count++];
    *made = (struct candidate){.options = w->chosen, .batch = 1};
    snprintf(made->value, sizeof made->value, "%s", value);
    return made;
}

/* Notes that the last one added is what the settings ask for, when it is. */
static void note_in_force(struct subject *s, bool is)
{
    if (is)
        s->in_force = s->count - 1;
}

static void fill_isa(struct work *w, struct subject *s)
{
    enum isa wanted = ISA_COUNT;
    isa_parse(config_string(w->tuning->config, s->key), &wanted);
    const enum isa best = isa_detect(ISA_COUNT), used = isa_detect(wanted);
    add(w, s, "auto")->options.isa = ISA_COUNT;
    for (int i = ISA_COUNT - 1; i >= 0 && s->count < CANDIDATES_MOST; i--) {
        const enum isa isa = (enum isa)i;
        if (isa == best || !isa_available(isa))
            continue;
        add(w, s, isa_name(isa))->options.isa = isa;
        note_in_force(s, isa == used);
    }
}

/* All numbers of threads on a small machine, the round ones on a large one. */
static bool is_round(int threads, int all)
{
    return all <= 8 || threads <= 2 || threads == all / 4 || threads == all / 2 || threads == 3 * all / 4;
}

static void fill_threads(struct work *w, struct subject *s)
{
    const int all = threads_available(), used = (int)config_integer(w->tuning->config, s->key);
    add(w, s, "0")->options.threads = all;
    for (int n = all - 1; n > 0; n--) {
        if (!is_round(n, all) && n != used)
            continue;
        char value[16];
        snprintf(value, sizeof value, "%d", n);
        add(w, s, value)->options.threads = n;
        note_in_force(s, n == used);
    }
    if (used > all) {
        add(w, s, config_string(w->tuning->config, s->key))->options.threads = used;
        note_in_force(s, true);
    }
}

static void fill_pin(struct work *w, struct subject *s)
{
    if (w->chosen.threads < 2) /* nothing to pin */
        return;
    add(w, s, "false")->options.pinned = false;
    add(w, s, "true")->options.pinned = true;
    note_in_force(s, config_bool(w->tuning->config, s->key));
}

static void fill_precision(struct work *w, struct subject *s)
{
    const bool exact = w->tuning->model->type == GGUF_F32; /* what "auto" is */
    add(w, s, exact ? "exact" : "fast");
    add(w, s, exact ? "fast" : "exact")->options.precision = exact ? KOKORO_FAST : KOKORO_EXACT;
}

static void fill_batching(struct work *w, struct subject *s)
{
    add(w, s, "true")->batch = BATCH;
    add(w, s, "false")->batch = 1;
    note_in_force(s, !config_bool(w->tuning->config, s->key));
}

static const struct {
    const char *title;
    enum config_key key;
    double until; /* share of the time at which it ends */
    void (*fill)(struct work *w, struct subject *s);
} subjects[TUNING_SUBJECTS] = {
    [TUNING_ISA] = {"instruction set", CONFIG_engine_isa, 0.30, fill_isa},
    [TUNING_THREADS] = {"threads", CONFIG_engine_threads, 0.55, fill_threads},
    [TUNING_PIN] = {"pinning", CONFIG_engine_pin, 0.70, fill_pin},
    [TUNING_PRECISION] = {"precision", CONFIG_COUNT, 0.80, fill_precision},
    [TUNING_BATCHING] = {"batching", CONFIG_engine_batching, 0.95, fill_batching},
};

/* ---- Measuring ------------------------------------------------------------------------------------ */

static void show(void *user, const struct candidate *candidate)
{
    struct work *w = user;
    if (!w->tuning->bar->shown)
        return;
    fprintf(stderr, "\r\033[KMeasuring %s: %s, at most %.0f s to go", w->now->title, candidate->value,
            fmax(0, w->tuning->begin + w->tuning->seconds - clock_seconds()));
    w->tuning->bar->drawn = true;
}

/* Whether `a` is faster than `b` by more than noise. */
static bool beats(const struct candidate *a, const struct candidate *b)
{
    return b->speed > 0 && a->speed / b->speed > 1 + fmax(a->noise + b->noise, least_gain);
}

/* What is in force, unless the default is clearly faster; or the fastest of those that are clearly faster
 * than that. */
static int choose(const struct subject *s)
{
    const int kept = beats(&s->list[0], &s->list[s->in_force]) ? 0 : s->in_force;
    int best = kept;
    for (int i = 0; i < s->count; i++)
        if (beats(&s->list[i], &s->list[kept]) && s->list[i].speed > s->list[best].speed)
            best = i;
    return best;
}

static lt_status measure_subject(struct work *w, int which, lt_error *error)
{
    struct subject *s = &w->tuning->subjects[which];
    *s = (struct subject){.title = subjects[which].title, .key = subjects[which].key};
    subjects[which].fill(w, s);
    if (s->count == 0)
        return LT_OK;
    w->now = s;
    const bool batches = which == TUNING_BATCHING;
    const struct contest contest = {.model = w->tuning->model,
                                    .warm_up = &w->short_trial,
                                    .trial = batches ? &w->short_trial : &w->trial,
                                    .utterances = batches ? BATCH : 1,
                                    .deadline = w->tuning->begin + subjects[which].until * w->tuning->seconds,
                                    .latest = w->tuning->begin +
                                              subjects[TUNING_SUBJECTS - 1].until * w->tuning->seconds,
                                    .show = show,
                                    .user = w};
    const lt_status status = candidates_measure(&contest, s->list, s->count, error);
    if (status != LT_OK || s->key == CONFIG_COUNT)
        return status;
    s->best = choose(s);
    w->chosen = s->list[s->best].options;
    return LT_OK;
}

static bool discard(void *user, const void *bytes, size_t size)
{
    (void)user;
    (void)bytes;
    (void)size;
    return true;
}

static lt_status speak(lt_engine *engine, double *seconds, lt_error *error)
{
    lt_request request;
    lt_result result;
    lt_request_init(&request);
    request.text = "Thank you for calling.";
    request.write = discard;
    const lt_status status = lt_speak(engine, &request, &result, error);
    *seconds = result.wall_seconds;
    return status;
}

/* The time of a request whose words are new, and of one whose words are in the cache. */
static lt_status measure_cache(struct work *w, lt_error *error)
{
    if (config_integer(w->tuning->config, CONFIG_cache_memory_bytes) == 0)
        return LT_OK;
    lt_engine *engine;
    double hits[CACHE_HITS];
    lt_config *config = config_copy(w->tuning->config);
    lt_status status = config == NULL ? error_memory(error, "the configuration") : LT_OK;
    /* what earlier runs left on disk or in Redis is no new request */
    if (status == LT_OK)
        status = lt_config_set(config, "cache.disk_folder", "", error);
    if (status == LT_OK)
        status = lt_config_set(config, "cache.redis", "", error);
    if (status == LT_OK)
        status = lt_engine_open(config, &engine, error);
    lt_config_free(config);
    if (status != LT_OK)
        return status;
    status = speak(engine, &w->tuning->cold_seconds, error);
    for (int i = 0; i < CACHE_HITS && status == LT_OK; i++)
        status = speak(engine, &hits[i], error);
    lt_engine_close(engine);
    if (status == LT_OK)
        w->tuning->hit_seconds = trial_quartiles(hits, CACHE_HITS).median;
    return status;
}

static lt_status measure_subjects(struct work *w, lt_error *error)
{
    const struct model *model = w->tuning->model;
    lt_status status = trial_make(model, TRIAL_TOKENS, &w->trial, error);
    if (status == LT_OK)
        status = trial_make(model, SHORT_TOKENS, &w->short_trial, error);
    w->chosen = (struct kokoro_options){.threads = threads_available(), .isa = ISA_COUNT};
    for (int i = 0; i < TUNING_SUBJECTS && status == LT_OK; i++)
        status = measure_subject(w, i, error);
    trial_free(&w->trial);
    trial_free(&w->short_trial);
    return status;
}

lt_status tuning_measure(struct tuning *tuning, lt_error *error)
{
    struct work w = {.tuning = tuning};
    getloadavg(&tuning->load, 1);
    lt_status status = tuning->model ? measure_subjects(&w, error) : LT_OK;
    if (status == LT_OK)
        status = measure_cache(&w, error);
    progress_erase(tuning->bar);
    return status;
}

bool subject_changes(const struct subject *s)
{
    return s->count > 0 && s->key != CONFIG_COUNT && s->best != s->in_force;
}
