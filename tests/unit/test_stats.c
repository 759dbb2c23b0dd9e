/* test_stats.c: the memory budget, the leak detector, and what lt_engine_stats tells of an engine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/engine.h"
#include "sanitized.h"

/* ---- The budget ---- */

static const struct registry no_backends;

struct budget_state {
    struct cache *cache;
    struct budget *budget;
};

static struct budget_state open_budget_of(uint64_t limit, double wait_seconds,
                                          const struct registry *registry)
{
    struct budget_state s;
    assert_int_equal(cache_open(1 << 20, &s.cache, NULL), LT_OK);
    assert_int_equal(budget_open(limit, wait_seconds, s.cache, registry, &s.budget, NULL), LT_OK);
    return s;
}

static struct budget_state open_budget(uint64_t limit, double wait_seconds)
{
    return open_budget_of(limit, wait_seconds, &no_backends);
}

static void close_budget(struct budget_state *s)
{
    budget_close(s->budget);
    cache_close(s->cache);
}

static void keep_clip(struct cache *cache, unsigned char number, size_t samples)
{
    struct cache_key key = {{number}};
    enum cache_found found;
    struct clip *clip = cache_take(cache, &key, 0, &found);
    float *zeros = calloc(samples, sizeof *zeros);
    assert_true(clip_add(clip, zeros, samples));
    free(zeros);
    clip_finish(clip, LT_OK, NULL, 0);
    assert_false(cache_release(cache, clip));
}

static lt_status reserve(struct budget *budget, struct reservation *reservation, uint64_t bytes,
                         lt_error *error)
{
    *reservation = (struct reservation){.bytes = bytes};
    return budget_reserve(budget, reservation, NULL, error);
}

static void what_does_not_fit_is_refused_in_time(void **state)
{
    (void)state;
    struct budget_state s = open_budget(1000, 0.05), patient = open_budget(1000, 60);
    struct budget_counts counts;
    struct reservation large, small, none;
    lt_error error;
    double began = clock_seconds();
    assert_int_equal(reserve(patient.budget, &none, 1001, &error), LT_ERR_MEMORY); /* never any room */
    assert_true(clock_seconds() - began < 30);                                     /* so it did not wait */
    close_budget(&patient);
    assert_int_equal(reserve(s.budget, &none, 1001, &error), LT_ERR_MEMORY);
    assert_non_null(strstr(error.message, "memory.limit_bytes"));
    assert_int_equal(reserve(s.budget, &large, 600, &error), LT_OK);
    began = clock_seconds();
    assert_int_equal(reserve(s.budget, &none, 600, &error), LT_ERR_MEMORY);
    assert_true(clock_seconds() - began >= 0.05);
    assert_false(none.held);
    assert_int_equal(reserve(s.budget, &small, 300, &error), LT_OK);
    assert_false(budget_extend(s.budget, &small, 101, 0));
    assert_false(budget_extend(s.budget, &small, 60, 41));
    assert_true(budget_extend(s.budget, &small, 100, 0));
    budget_look(s.budget, &counts);
    assert_int_equal(counts.reserved, 1000);
    assert_int_equal(counts.waits, 2);
    assert_int_equal(counts.refusals, 2);
    assert_int_equal(counts.waiting, 0);
    budget_release(s.budget, &large);
    budget_release(s.budget, &small);
    budget_release(s.budget, &none); /* holds nothing */
    assert_int_equal(reserve(s.budget, &large, 1000, &error), LT_OK);
    close_budget(&s);
}

/* Large requests, however many, leave room for a small one; a lone one may have all. */
static void small_requests_have_room_beside_large_ones(void **state)
{
    (void)state;
    enum { LARGE = 50 };
    struct budget_state s = open_budget(1000, 0);
    struct reservation large[LARGE], small[2];
    lt_error error;
    int begun = 0;
    while (begun < LARGE && reserve(s.budget, &large[begun], 100, &error) == LT_OK)
        begun++;
    assert_int_equal(begun, 9);
    for (int i = 0; i < 2; i++)
        assert_int_equal(reserve(s.budget, &small[i], 10, &error), LT_OK);
    for (int i = 0; i < begun; i++)
        budget_release(s.budget, &large[i]);
    for (int i = 0; i < 2; i++)
        budget_release(s.budget, &small[i]);
    assert_int_equal(reserve(s.budget, &large[0], 1000, &error), LT_OK);
    budget_release(s.budget, &large[0]);
    close_budget(&s);
}

struct later {
    struct budget *budget;
    struct reservation *reservation;
};

static void *release_later(void *argument)
{
    struct later *later = argument;
    usleep(30000);
    budget_release(later->budget, later->reservation);
    return NULL;
}

static void a_request_gets_what_another_gives_back(void **state)
{
    (void)state;
    struct budget_state s = open_budget(1000, 20);
    struct reservation first, second, third = {.bytes = 600};
    struct later later = {s.budget, &first};
    pthread_t thread;
    lt_error error;
    assert_int_equal(reserve(s.budget, &first, 600, &error), LT_OK);
    assert_int_equal(pthread_create(&thread, NULL, release_later, &later), 0);
    assert_int_equal(reserve(s.budget, &second, 600, &error), LT_OK);
    pthread_join(thread, NULL);
    atomic_bool cancelled = true;
    assert_int_equal(budget_reserve(s.budget, &third, &cancelled, &error), LT_ERR_CANCELLED);
    close_budget(&s);
}

static void the_cache_makes_room_first(void **state)
{
    (void)state;
    struct budget_state s = open_budget(200000, 0);
    struct cache_counts counts;
    struct reservation reservation;
    lt_error error;
    for (unsigned char i = 0; i < 100; i++)
        keep_clip(s.cache, i, 4000); /* 8 KB each: more than the budget */
    assert_int_equal(reserve(s.budget, &reservation, 150000, &error), LT_OK);
    cache_look(s.cache, CACHE_AUDIO, &counts);
    assert_true(counts.entries > 0 && counts.bytes <= 50000);
    keep_clip(s.cache, 200, 4000);
    cache_look(s.cache, CACHE_AUDIO, &counts);
    assert_true(counts.bytes <= 50000); /* nor does it grow while the request lasts */
    budget_release(s.budget, &reservation);
    for (unsigned char i = 0; i < 20; i++)
        keep_clip(s.cache, i, 4000);
    cache_look(s.cache, CACHE_AUDIO, &counts);
    assert_true(counts.bytes > 100000);
    close_budget(&s);
}

/* What the owner of the engine holds for requests counts as theirs does; a fiftieth always fits. */
static void what_is_held_outside_counts(void **state)
{
    (void)state;
    struct budget_state s = open_budget(200000, 0.05);
    struct cache_counts counts;
    struct budget_counts budget;
    struct reservation large, none;
    lt_error error;
    for (unsigned char i = 0; i < 100; i++)
        keep_clip(s.cache, i, 4000);
    assert_true(budget_hold(s.budget, 120000));
    cache_look(s.cache, CACHE_AUDIO, &counts);
    assert_true(counts.entries > 0 && counts.bytes <= 80000);
    assert_false(budget_hold(s.budget, 80001));
    assert_int_equal(reserve(s.budget, &none, 80001, &error), LT_ERR_MEMORY);
    budget_look(s.budget, &budget);
    assert_int_equal(budget.reserved, 120000);
    assert_int_equal(budget.waits, 1); /* it may be given back */
    budget_let_go(s.budget, 120000);
    assert_int_equal(reserve(s.budget, &large, 200000, &error), LT_OK);
    assert_true(budget_hold(s.budget, 4000));
    assert_false(budget_hold(s.budget, 1));
    budget_let_go(s.budget, 4000);
    budget_release(s.budget, &large);
    budget_look(s.budget, &budget);
    assert_int_equal(budget.reserved, 0);
    close_budget(&s);
    struct budget_state unlimited = open_budget(0, 0);
    assert_true(budget_hold(unlimited.budget, 1 << 30));
    budget_let_go(unlimited.budget, 1 << 30);
    close_budget(&unlimited);
}

/* A backend that says what it was told. */
struct backend {
    struct backend_facts facts;
    size_t allowed;
};

static void look(const struct backend *backend, struct backend_facts *facts)
{
    *facts = backend->facts;
}

static void allow(struct backend *backend, size_t bytes)
{
    backend->allowed = bytes;
}

static const struct backend_type told_type = {.name = "test", .look = look, .allow = allow};
static struct backend told; /* each test sets it up */
static const struct registry told_registry = {.backends = {{&told_type, &told}}, .backend_count = 1};

/* A backend speaks one batch at a time, so what requests may have it take does not add up: the largest
 * counts. */
static void working_memory_counts_once(void **state)
{
    (void)state;
    told = (struct backend){.facts.memory_bytes = 100};
    struct budget_counts counts;
    struct reservation a = {.bytes = 10, .working = 500}, b = {.bytes = 10, .working = 700},
                       c = {.bytes = 10, .working = 981};
    lt_error error;
    struct budget_state s = open_budget_of(1000, 0, &told_registry);
    struct budget *budget = s.budget;
    assert_int_equal(budget_reserve(budget, &a, NULL, &error), LT_OK);
    assert_int_equal(told.allowed, 500);
    assert_int_equal(budget_reserve(budget, &b, NULL, &error), LT_OK);
    assert_int_equal(told.allowed, 700);
    budget_look(budget, &counts);
    assert_int_equal(counts.backends, 700);
    assert_int_equal(counts.idle, 100);
    assert_int_equal(counts.reserved, 20);
    assert_int_equal(budget_reserve(budget, &c, NULL, &error), LT_ERR_MEMORY);
    assert_int_equal(told.allowed, 700);
    assert_int_equal(budget_raise_working(budget, &a, 980, NULL, &error),
                     LT_OK); /* a longer utterance than was expected */
    assert_int_equal(told.allowed, 980);
    assert_int_equal(budget_raise_working(budget, &b, 981, NULL, &error), LT_ERR_MEMORY);
    assert_non_null(strstr(error.message, "memory.limit_bytes"));
    assert_int_equal(told.allowed, 980);
    budget_release(budget, &a);
    told.facts.taken_bytes = 990; /* still at it */
    budget_look(budget, &counts);
    assert_int_equal(counts.backends, 990);
    told.facts.taken_bytes = 0;
    budget_look(budget, &counts);
    assert_int_equal(counts.backends, 700);
    budget_release(budget, &b);
    budget_look(budget, &counts);
    assert_int_equal(counts.backends, 100);
    assert_int_equal(counts.reserved, 0);
    close_budget(&s);
}

/* A request whose utterance is longer than expected waits for others, and keeps what it holds. */
static void a_longer_utterance_waits_for_room(void **state)
{
    (void)state;
    told = (struct backend){0};
    struct budget_counts counts;
    struct reservation longer = {.bytes = 100, .working = 500}, other = {.bytes = 300, .working = 500};
    struct later later = {.reservation = &other};
    pthread_t thread;
    lt_error error;
    struct budget_state s = open_budget_of(1000, 20, &told_registry);
    struct budget *budget = s.budget;
    later.budget = budget;
    assert_int_equal(budget_reserve(budget, &longer, NULL, &error), LT_OK);
    assert_int_equal(budget_reserve(budget, &other, NULL, &error), LT_OK);
    atomic_bool cancelled = true;
    assert_int_equal(budget_raise_working(budget, &longer, 900, &cancelled, &error), LT_ERR_CANCELLED);
    budget_look(budget, &counts);
    assert_true(longer.held && longer.working == 500 && counts.reserved == 400 && counts.waiting == 0);
    assert_int_equal(pthread_create(&thread, NULL, release_later, &later), 0);
    assert_int_equal(budget_raise_working(budget, &longer, 900, NULL, &error), LT_OK);
    pthread_join(thread, NULL);
    assert_int_equal(told.allowed, 900);
    const double began = clock_seconds();
    assert_int_equal(budget_raise_working(budget, &longer, 901, NULL, &error), LT_ERR_MEMORY);
    assert_true(clock_seconds() - began < 10); /* nobody else is left to wait for */
    budget_look(budget, &counts);
    assert_true(counts.reserved == 100 && counts.refusals == 1 && counts.waits == 3);
    budget_release(budget, &longer);
    close_budget(&s);
}

struct raiser {
    struct budget *budget;
    struct reservation *reservation;
    uint64_t working;
    lt_status status;
};

static void *raise_working(void *argument)
{
    struct raiser *raiser = argument;
    raiser->status = budget_raise_working(raiser->budget, raiser->reservation, raiser->working, NULL, NULL);
    return NULL;
}

static void await_stuck(struct budget *budget, uint64_t stuck)
{
    struct budget_counts counts;
    do {
        usleep(1000);
        budget_look(budget, &counts);
    } while (counts.stuck != stuck);
}

/* A request that somebody listens to already is not refused in the middle, however long others take; large requests begin after
 * it. Only when none but such are left, and all wait, must one of them give way. */
static void what_has_begun_is_not_refused(void **state)
{
    (void)state;
    told = (struct backend){0};
    struct budget_counts counts;
    struct reservation begun = {.bytes = 1000, .working = 5000}, other = {.bytes = 3000, .working = 5000},
                       large = {.bytes = 101}, small = {.bytes = 100},
                       second = {.bytes = 1000, .working = 5000};
    pthread_t thread;
    struct budget_state s = open_budget_of(10000, 0.02, &told_registry);
    struct budget *budget = s.budget;
    assert_int_equal(budget_reserve(budget, &begun, NULL, NULL), LT_OK);
    assert_int_equal(budget_reserve(budget, &other, NULL, NULL), LT_OK);
    assert_int_equal(budget_raise_working(budget, &begun, 9000, NULL, NULL), LT_ERR_MEMORY); /* not yet */
    begun.begun = true;
    struct raiser raiser = {budget, &begun, 9000, LT_OK};
    assert_int_equal(pthread_create(&thread, NULL, raise_working, &raiser), 0);
    await_stuck(budget, 1);
    assert_int_equal(budget_reserve(budget, &large, NULL, NULL),
                     LT_ERR_MEMORY); /* it would fit: there are 1000 */
    assert_int_equal(budget_reserve(budget, &small, NULL, NULL), LT_OK);
    usleep(50000); /* longer than others wait */
    budget_look(budget, &counts);
    assert_int_equal(counts.stuck, 1);
    budget_release(budget, &small);
    budget_release(budget, &other);
    pthread_join(thread, NULL);
    assert_int_equal(raiser.status, LT_OK);
    assert_int_equal(told.allowed, 9000);
    budget_release(budget, &begun);

    begun.working = second.working = 5000; /* two who each need what the other has */
    second.begun = true;
    assert_int_equal(budget_reserve(budget, &begun, NULL, NULL), LT_OK);
    assert_int_equal(budget_reserve(budget, &second, NULL, NULL), LT_OK);
    raiser.status = LT_ERR_INTERNAL;
    assert_int_equal(pthread_create(&thread, NULL, raise_working, &raiser), 0);
    await_stuck(budget, 1);
    assert_int_equal(budget_raise_working(budget, &second, 9000, NULL, NULL), LT_ERR_MEMORY);
    budget_release(budget, &second);
    pthread_join(thread, NULL);
    assert_int_equal(raiser.status, LT_OK);
    budget_release(budget, &begun);
    budget_look(budget, &counts);
    assert_true(counts.stuck == 0 && counts.waiting == 0 && counts.reserved == 0);
    close_budget(&s);
}

/* ---- The leak detector ---- */

static double growth_of(uint64_t step, uint64_t noise, bool *rising)
{
    struct leak_watch watch = {.lock = PTHREAD_MUTEX_INITIALIZER};
    for (uint64_t i = 0; i < 6 * STATS_LEAK_WINDOW / STATS_LEAK_EVERY; i++)
        leak_sample(&watch, 50000000 + i * step + (i * 7919 % 13) * noise);
    *rising = watch.rising >= STATS_LEAK_TIMES;
    return watch.growth;
}

static void growth_is_told_from_noise(void **state)
{
    (void)state;
    bool rising;
    assert_true(growth_of(0, 0, &rising) == 0 && !rising);
    assert_true(fabs(growth_of(0, 1000000, &rising)) < 1 && !rising);
    assert_true(fabs(growth_of(1000, 0, &rising) - 20000) < 1 && !rising);
    assert_true(fabs(growth_of(2000, 0, &rising) - 40000) < 1 && rising);
    assert_true(fabs(growth_of(1000, 100000, &rising) - 20000) < 8000);
}

/* ---- An engine ---- */

static lt_engine *open_engine(const char *key, const char *value)
{
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = lt_config_new();
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "engine.threads", "2", &error);
    if (key != NULL)
        assert_int_equal(lt_config_set(config, key, value, &error), LT_OK);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    lt_config_free(config);
    return engine;
}

static bool swallow(void *user, const void *bytes, size_t size)
{
    (void)bytes;
    *(size_t *)user += size;
    return true;
}

static lt_status speak(lt_engine *engine, const char *text, uint64_t seed, lt_result *result)
{
    size_t bytes = 0;
    lt_request request;
    lt_request_init(&request);
    request.text = text;
    request.voice = "kal16";
    request.seed = seed;
    request.write = swallow;
    request.user = &bytes;
    lt_status status = lt_speak(engine, &request, result, NULL);
    if (status == LT_OK)
        assert_int_equal(bytes, result->bytes_written);
    return status;
}

static void requests_are_counted(void **state)
{
    (void)state;
    lt_engine *engine = open_engine(NULL, NULL);
    lt_result first, again, failed;
    lt_stats stats;
    lt_engine_stats(engine, &stats);
    assert_int_equal(stats.requests[LT_OK], 0);
    assert_int_equal(stats.first_audio_count, 0);
    assert_int_equal(stats.cache_count, CACHE_KINDS);
    assert_int_equal(stats.batch_count, 3);
    assert_int_equal(speak(engine, "One two three.", 0, &first), LT_OK);
    assert_int_equal(speak(engine, "One two three.", 0, &again), LT_OK);
    assert_int_equal(speak(engine, "caf\xe9", 0, &failed), LT_ERR_TEXT);
    assert_int_equal(lt_speak(engine, &(lt_request){0}, NULL, NULL), LT_ERR_ARGUMENT);
    lt_engine_stats(engine, &stats);
    assert_int_equal(stats.requests[LT_OK], 2);
    assert_int_equal(stats.requests[LT_ERR_TEXT], 1);
    assert_int_equal(stats.requests[LT_ERR_ARGUMENT], 1);
    assert_int_equal(stats.active_requests, 0);
    assert_int_equal(stats.queued_chunks, 0);
    assert_int_equal(stats.chunks, first.chunks + again.chunks);
    assert_int_equal(stats.chunks_cached, again.chunks);
    assert_true(fabs(stats.audio_seconds - first.audio_seconds - again.audio_seconds) < 1e-6);
    assert_true(fabs(stats.speech_seconds - first.speech_seconds) < 1e-6);
    assert_int_equal(stats.first_audio_count, 2);
    uint64_t in_buckets = 0;
    for (int i = 0; i < LT_FIRST_AUDIO_BUCKETS; i++) {
        in_buckets += stats.first_audio[i];
        assert_true(i == 0 || stats.first_audio_bound[i] > stats.first_audio_bound[i - 1]);
    }
    assert_int_equal(in_buckets, 2);
    assert_true(fabs(stats.first_audio_seconds - first.first_audio_seconds - again.first_audio_seconds) <
                1e-6);
    assert_string_equal(stats.caches[0].level, "memory");
    assert_string_equal(stats.caches[0].kind, "audio");
    assert_int_equal(stats.caches[0].hits, 0); /* the whole answer was there */
    assert_int_equal(stats.caches[0].misses, first.chunks);
    assert_string_equal(stats.caches[1].level, "memory");
    assert_string_equal(stats.caches[1].kind, "encoded");
    assert_int_equal(stats.caches[1].hits, 1);
    assert_int_equal(stats.caches[1].misses, 2);
    assert_int_equal(stats.caches[1].entries, 1);
    assert_int_equal(stats.memory_cache_bytes, stats.caches[0].bytes + stats.caches[1].bytes);
    assert_string_equal(stats.batches[0].backend, "flite");
    uint64_t spoken = 0;
    for (size_t i = 0; i < stats.batch_count; i++)
        spoken += stats.batches[i].chunks;
    assert_int_equal(spoken, first.chunks);
    assert_true(stats.uptime_seconds > 0 && stats.model[0] != '\0');
    assert_int_equal(stats.memory_request_bytes, 0);
    assert_true(stats.resident_anonymous_bytes > 0 && stats.resident_file_bytes > 0);
    lt_engine_close(engine);
}

static void an_engine_keeps_to_its_budget(void **state)
{
    (void)state;
    lt_engine *engine = open_engine("memory.limit_bytes", "100000");
    lt_result result;
    lt_stats stats;
    assert_int_equal(speak(engine, "Hello.", 0, &result), LT_ERR_MEMORY);
    lt_engine_stats(engine, &stats);
    assert_int_equal(stats.memory_refusals, 1);
    assert_int_equal(stats.requests[LT_ERR_MEMORY], 1);
    lt_engine_close(engine);
    engine = open_engine("memory.limit_bytes", "0");
    assert_int_equal(speak(engine, "Hello.", 0, &result), LT_OK);
    lt_engine_close(engine);
}

/* What the books say must be what the kernel says. */
static void accounts_agree_with_the_kernel(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    lt_engine *engine = open_engine(NULL, NULL);
    static const char text[] =
        "The quick brown fox jumps over the lazy dog, and then it does so once more, to be sure.";
    lt_result result;
    lt_stats before, after;
    assert_int_equal(speak(engine, text, 0, &result), LT_OK);
    lt_engine_stats(engine, &before);
    for (uint64_t seed = 1; seed <= 120; seed++)
        assert_int_equal(speak(engine, text, seed, &result), LT_OK);
    lt_engine_stats(engine, &after);
    double booked = (double)(after.memory_cache_bytes - before.memory_cache_bytes);
    double grown = (double)after.resident_anonymous_bytes - (double)before.resident_anonymous_bytes;
    print_message("booked %.2f MiB, grown by %.2f MiB\n", booked / 1048576, grown / 1048576);
    assert_true(booked > 16 << 20);
    assert_true(fabs(grown - booked) < 0.15 * booked + (2 << 20));
    lt_engine_close(engine);
}

/* Growth that an engine reports after some thousand requests, when each of them leaves `leak` bytes lying
 * in the process. */
static double growth_with(size_t leak, bool *growing)
{
    enum { REQUESTS = 6 * STATS_LEAK_WINDOW };
    lt_engine *engine = open_engine(NULL, NULL);
    char **lost = calloc(REQUESTS, sizeof *lost);
    lt_result result;
    lt_stats stats;
    assert_non_null(lost);
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(speak(engine, "Yes.", 0, &result), LT_OK);
        lost[i] = leak > 0 ? malloc(leak) : NULL;
        for (size_t at = 0; lost[i] != NULL && at < leak; at += 64) /* only what is written to is resident */
            lost[i][at] = 1;
    }
    lt_engine_stats(engine, &stats);
    for (int i = 0; i < REQUESTS; i++)
        free(lost[i]);
    free(lost);
    lt_engine_close(engine);
    *growing = stats.growing;
    return stats.growth_bytes_per_1000;
}

static void a_leak_is_seen_from_outside(void **state)
{
    (void)state;
    if (SANITIZED) /* its heap grows by more than what is lost */
        skip();
    bool growing;
    double none = growth_with(0, &growing);
    print_message("without a leak: %.0f bytes a thousand requests\n", none);
    assert_true(none < 20000 && !growing);
    double some = growth_with(500, &growing);
    print_message("500 bytes lost a request: %.0f bytes a thousand requests\n", some);
    assert_true(some > 400000 && some < 2000000 && growing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_refused_in_time),
        cmocka_unit_test(small_requests_have_room_beside_large_ones),
        cmocka_unit_test(a_request_gets_what_another_gives_back),
        cmocka_unit_test(the_cache_makes_room_first),
        cmocka_unit_test(what_is_held_outside_counts),
        cmocka_unit_test(working_memory_counts_once),
        cmocka_unit_test(a_longer_utterance_waits_for_room),
        cmocka_unit_test(what_has_begun_is_not_refused),
        cmocka_unit_test(growth_is_told_from_noise),
        cmocka_unit_test(a_leak_is_seen_from_outside),
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test(an_engine_keeps_to_its_budget),
        cmocka_unit_test(accounts_agree_with_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
