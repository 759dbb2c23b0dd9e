/* test_cache.c: clips, the cache of them, and an engine that uses it. */
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/ambience.h"
#include "base/str.h"
#include "engine/cache.h"
#include "engine/engine.h"

/* ---- Clips ---- */

static void samples_come_back_as_sixteen_bits(void **state)
{
    (void)state;
    const float given[] = {0, 0.5f, -1, 32767 / 32768.0f, 0.4f / 32768, 0.6f / 32768, -1.5f / 32768};
    const float expected[] = {0, 0.5f, -1, 32767 / 32768.0f, 0, 1 / 32768.0f, -2 / 32768.0f};
    enum { COUNT = sizeof given / sizeof *given };
    struct clip *clip = clip_new(0);
    float back[COUNT + 5];
    bool done;
    assert_true(clip_add(clip, given, COUNT));
    assert_int_equal(clip_read(clip, 1, 0, back, COUNT + 5, &done), COUNT);
    assert_false(done);
    assert_memory_equal(back, expected, sizeof expected);
    assert_int_equal(clip_read(clip, 0.001, COUNT, back, 5, &done), 0); /* nothing more yet */
    assert_false(done);
    clip_finish(clip, LT_OK, NULL, 0);
    assert_int_equal(clip_read(clip, 1, 2, back, 3, &done), 3);
    assert_false(done);
    assert_memory_equal(back, expected + 2, 3 * sizeof *back);
    assert_int_equal(clip_read(clip, 1, COUNT - 1, back, 3, &done), 1);
    assert_true(done);
    clip_free(clip);
}

static void samples_out_of_range_survive(void **state)
{
    (void)state;
    const float inside[] = {0.25f, 0.4f / 32768}, outside[] = {1.25f, -1.125f, 0.5f, INFINITY};
    struct clip *clip = clip_new(0);
    float back[6];
    bool done;
    assert_true(clip_add(clip, inside, 2) && clip_add(clip, outside, 4));
    clip_finish(clip, LT_OK, NULL, 0);
    assert_int_equal(clip_read(clip, 1, 0, back, 6, &done), 6);
    assert_true(done && back[0] == 0.25f && back[1] == 0 && back[2] == 1.25f && back[3] == -1.125f &&
                back[4] == 0.5f && isinf(back[5]));
    clip_free(clip);
}

/* ---- The cache ---- */

static struct cache_key key_of(uint64_t number)
{
    struct cache_key key = {0};
    uint64_t mixed = number * 0x9e3779b97f4a7c15u; /* keys are digests: spread out */
    memcpy(key.bytes, &mixed, sizeof mixed);
    memcpy(key.bytes + 8, &number, sizeof number);
    return key;
}

static void fill(struct clip *clip, uint64_t number, size_t samples)
{
    float sample = (float)(number % 1000) / 32768;
    for (size_t i = 0; i < samples; i++)
        assert_true(clip_add(clip, &sample, 1));
    clip_finish(clip, LT_OK, NULL, 0);
}

/* Asks for a clip, makes it when it is missing, lets go of it; returns whether it was there. */
static bool use(struct cache *cache, uint64_t number, size_t samples)
{
    struct cache_key key = key_of(number);
    enum cache_found found;
    struct clip *clip = cache_take(cache, &key, 0, &found);
    float first;
    bool done;
    if (found == CACHE_MISS)
        fill(clip, number, samples);
    assert_int_equal(clip_read(clip, 10, 0, &first, 1, &done), 1);
    assert_true(first == (float)(number % 1000) / 32768);
    assert_false(cache_release(cache, clip));
    return found != CACHE_MISS;
}

static struct cache *open_cache(uint64_t limit)
{
    struct cache *cache;
    assert_int_equal(cache_open(limit, &cache, NULL), LT_OK);
    return cache;
}

static void what_was_made_is_found(void **state)
{
    (void)state;
    struct cache *cache = open_cache(1 << 20);
    for (uint64_t i = 0; i < 100; i++)
        assert_false(use(cache, i, 100));
    for (uint64_t i = 0; i < 100; i++)
        assert_true(use(cache, i, 100));
    struct cache_counts counts;
    cache_look(cache, CACHE_AUDIO, &counts);
    assert_int_equal(counts.hits, 100);
    assert_int_equal(counts.misses, 100);
    assert_int_equal(counts.added, 100);
    assert_int_equal(counts.entries, 100);
    assert_true(counts.bytes >= 100 * 200 && counts.bytes <= 1 << 20);
    cache_close(cache);
}

static void bytes_stay_below_the_limit(void **state)
{
    (void)state;
    enum { LIMIT = 100000 };
    struct cache *cache = open_cache(LIMIT);
    struct cache_counts counts;
    uint64_t random = 1;
    for (int i = 0; i < 5000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        use(cache, (random >> 40) % 200, 1 + (random >> 33) % 3000);
        cache_look(cache, CACHE_AUDIO, &counts);
        assert_true(counts.bytes <= LIMIT);
    }
    assert_true(counts.evictions > 100 && counts.hits > 100 && counts.entries > 5);
    assert_int_equal(counts.entries, counts.added - counts.evictions);
    use(cache, 1000, LIMIT); /* twice as many bytes as all the room */
    cache_look(cache, CACHE_AUDIO, &counts);
    assert_int_equal(counts.refused, 1);
    cache_set_room(cache, 1000);
    cache_look(cache, CACHE_AUDIO, &counts);
    assert_true(counts.bytes <= 1000);
    cache_close(cache);
}

/* Phrases that are always needed, and a book between: plain LRU of the same size would lose every phrase. */
static void a_long_scan_leaves_what_is_often_used(void **state)
{
    (void)state;
    enum { PHRASES = 20, SAMPLES = 1000, ROOM = 40 };
    struct cache *cache = open_cache(ROOM * (SAMPLES * sizeof(int16_t) + sizeof(struct clip)));
    for (int round = 0; round < 4; round++)
        for (uint64_t i = 0; i < PHRASES; i++)
            use(cache, i, SAMPLES);
    for (uint64_t i = 0; i < 20 * ROOM; i++)
        use(cache, 10000 + i, SAMPLES);
    int kept = 0;
    for (uint64_t i = 0; i < PHRASES; i++)
        kept += use(cache, i, SAMPLES);
    assert_int_equal(kept, PHRASES);
    cache_close(cache);
}

/* What was evicted from the small queue, and comes again soon, is for the main one. */
static void what_comes_back_soon_stays(void **state)
{
    (void)state;
    enum { SAMPLES = 1000, ROOM = 40 };
    struct cache *cache = open_cache(ROOM * (SAMPLES * sizeof(int16_t) + sizeof(struct clip)));
    assert_false(use(cache, 1, SAMPLES));
    for (uint64_t i = 0; i < ROOM; i++)
        use(cache, 100 + i, SAMPLES);
    assert_false(use(cache, 1, SAMPLES)); /* gone, but remembered */
    for (uint64_t i = 0; i < 3 * ROOM; i++)
        use(cache, 1000 + i, SAMPLES);
    assert_true(use(cache, 1, SAMPLES));
    cache_close(cache);
}

static void a_failed_clip_is_made_anew(void **state)
{
    (void)state;
    struct cache *cache = open_cache(1 << 20);
    struct cache_key key = key_of(7);
    enum cache_found found;
    lt_error error = {LT_ERR_MEMORY, "no"};
    struct clip *first = cache_take(cache, &key, 0, &found), *second;
    assert_int_equal(found, CACHE_MISS);
    clip_finish(first, LT_ERR_MEMORY, &error, 0);
    second = cache_take(cache, &key, 0, &found);
    assert_int_equal(found, CACHE_MISS);
    assert_ptr_not_equal(first, second);
    assert_false(cache_release(cache, first));
    fill(second, 7, 10);
    assert_false(cache_release(cache, second));
    assert_true(use(cache, 7, 10));
    cache_close(cache);
}

static void an_abandoned_clip_goes_to_its_last_user(void **state)
{
    (void)state;
    struct cache *cache = open_cache(1 << 20);
    struct cache_key key = key_of(7);
    enum cache_found found;
    struct clip *first = cache_take(cache, &key, 0, &found), *second = cache_take(cache, &key, 0, &found);
    assert_int_equal(found, CACHE_SHARED);
    assert_ptr_equal(first, second);
    assert_false(cache_release(cache, first)); /* the other still wants it */
    assert_true(cache_release(cache, second));
    clip_free(second);
    assert_false(use(cache, 7, 10));
    cache_close(cache);
}

/* A cache that keeps nothing shares what is being made, until its last user lets go. */
static void what_is_not_kept_is_shared_meanwhile(void **state)
{
    (void)state;
    const float sample = 0.5f;
    struct cache *cache = open_cache(0);
    struct cache_key key = key_of(7);
    enum cache_found found;
    struct clip *first = cache_take(cache, &key, 0, &found);
    assert_int_equal(found, CACHE_MISS);
    assert_true(clip_add(first, &sample, 1));
    clip_finish(first, LT_OK, NULL, 0);
    assert_ptr_equal(cache_take(cache, &key, 0, &found), first);
    assert_int_equal(found, CACHE_SHARED);
    assert_false(cache_release(cache, first));
    assert_false(cache_release(cache, first));
    assert_int_equal(cache_bytes(cache), 0);
    assert_false(use(cache, 7, 10));
    cache_close(cache);
}

static void *use_at_random(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)pthread_self();
    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        use(argument, (random >> 40) % 100, 1 + (random >> 40) % 100 * 20);
    }
    return NULL;
}

static void threads_share_it(void **state)
{
    (void)state;
    struct cache *cache = open_cache(50000);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_at_random, cache), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    struct cache_counts counts;
    cache_look(cache, CACHE_AUDIO, &counts);
    assert_int_equal(counts.hits + counts.shared + counts.misses, 8 * 2000);
    assert_true(counts.bytes <= 50000);
    cache_close(cache);
}

/* ---- An engine with a cache ---- */

static lt_engine *open_engine_keeping(const char *memory_bytes)
{
    lt_error error;
    lt_engine *engine = NULL;
    lt_config *config = lt_config_new();
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "engine.threads", "2", &error);
    lt_config_set(config, "cache.memory_bytes", memory_bytes, &error);
    assert_int_equal(lt_engine_open(config, &engine, &error), LT_OK);
    lt_config_free(config);
    return engine;
}

static lt_engine *open_engine(void)
{
    return open_engine_keeping("67108864");
}

struct listener {
    pthread_t thread;
    lt_engine *engine;
    lt_request request;
    lt_result result;
    lt_status status;
    struct str bytes;
    lt_cancel *fire; /* at the first bytes */
    struct pause {
        sem_t reached, over;
    } * pause; /* there, if it is not NULL: waits until it is over */
};

static bool hear(void *user, const void *bytes, size_t size)
{
    struct listener *l = user;
    str_append(&l->bytes, bytes, size);
    if (l->fire != NULL)
        lt_cancel_fire(l->fire);
    if (l->pause != NULL) {
        sem_post(&l->pause->reached);
        sem_wait(&l->pause->over);
        l->pause = NULL;
    }
    return true;
}

static void *listen(void *argument)
{
    struct listener *l = argument;
    l->request.write = hear;
    l->request.user = l;
    l->request.format = LT_FORMAT_PCM;
    l->status = lt_speak(l->engine, &l->request, &l->result, NULL);
    return NULL;
}

/* slt draws noise at random, so that two makings never give the same bytes: the same bytes mean a cache. */
static struct listener speak(lt_engine *engine, const char *text, const char *voice, float speed,
                             float volume)
{
    struct listener l = {.engine = engine};
    lt_request_init(&l.request);
    l.request.text = text;
    l.request.voice = voice;
    l.request.speed = speed;
    l.request.volume = volume;
    listen(&l);
    assert_int_equal(l.status, LT_OK);
    assert_true(l.bytes.length > 10000);
    return l;
}

static const char sentence[] = "The birch canoe slid on the smooth planks.";

static void a_repeated_request_gives_the_same_bytes(void **state)
{
    (void)state;
    lt_engine *engine = open_engine();
    struct listener first = speak(engine, sentence, "slt", 1, 1),
                    again = speak(engine, sentence, "SLT", 1, 1);
    assert_int_equal(first.result.chunks_cached, 0);
    assert_int_equal(again.result.chunks_cached, again.result.chunks);
    assert_true(first.result.speech_seconds > 0 && again.result.speech_seconds == 0);
    assert_int_equal(first.bytes.length, again.bytes.length);
    assert_memory_equal(first.bytes.data, again.bytes.data, first.bytes.length);
    /* the volume is not part of what is kept */
    struct listener softer = speak(engine, sentence, "slt", 1, 0.5f);
    assert_int_equal(softer.result.chunks_cached, softer.result.chunks);
    /* all else is */
    struct listener others[] = {speak(engine, sentence, "slt", 1.01f, 1),
                                speak(engine, sentence, "rms", 1, 1),
                                speak(engine, "The birch canoe slid on the smooth plank.", "slt", 1, 1)};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(others[i].result.chunks_cached, 0);
        str_free(&others[i].bytes);
    }
    str_free(&first.bytes);
    str_free(&again.bytes);
    str_free(&softer.bytes);
    lt_engine_close(engine);
}

/* What the cache keeps is the speech alone: with a background and then without, the difference is the background, also in
 * the pause, and behind the end until it has faded. */
static void a_background_is_not_kept(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<speak><background type='rain' volume='30'>Hello.<break time='1s'/>Yes.</background></speak>",
        "<speak><prosody volume='medium'>Hello.<break time='1s'/>Yes.</prosody></speak>"};
    lt_engine *engine = open_engine();
    struct listener heard[2] = {0};
    for (int i = 0; i < 2; i++) {
        heard[i].engine = engine;
        lt_request_init(&heard[i].request);
        heard[i].request.text = texts[i];
        heard[i].request.input = LT_INPUT_SSML;
        heard[i].request.voice = "slt";
        heard[i].request.seed = 5;
        listen(&heard[i]);
        assert_int_equal(heard[i].status, LT_OK);
    }
    size_t with = heard[0].bytes.length / 2, without = heard[1].bytes.length / 2;
    assert_int_equal(heard[1].result.chunks_cached, 2);
    assert_int_equal(with, without + AMBIENCE_FADE_SAMPLES);
    float *expected = calloc(with, sizeof *expected);
    assert_non_null(expected);
    struct ambience ambience;
    ambience_init(&ambience, 5);
    ambience_set(&ambience, AMBIENCE_RAIN, 0.3f);
    ambience_mix(&ambience, expected, without);
    ambience_set(&ambience, AMBIENCE_KINDS, 0);
    ambience_mix(&ambience, expected + without, AMBIENCE_FADE_SAMPLES);
    size_t wrong = 0;
    for (size_t i = 0; i < with; i++) {
        int16_t a, b = 0;
        memcpy(&a, heard[0].bytes.data + 2 * i, 2);
        if (i < without)
            memcpy(&b, heard[1].bytes.data + 2 * i, 2);
        bool bent = abs((int)a) > 0.75 * 32767 || abs((int)b) > 0.75 * 32767; /* the limiter's */
        wrong += !bent && fabs((double)(a - b) - 32767 * (double)expected[i]) > 2.5;
    }
    assert_int_equal(wrong, 0);
    free(expected);
    str_free(&heard[0].bytes);
    str_free(&heard[1].bytes);
    lt_engine_close(engine);
}

/* Utterances that the backends have spoken. */
static uint64_t utterances(lt_engine *engine)
{
    lt_stats stats;
    lt_engine_stats(engine, &stats);
    uint64_t spoken = 0;
    for (size_t i = 0; i < stats.batch_count; i++)
        spoken += stats.batches[i].chunks;
    return spoken;
}

static bool patch(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct listener *l = user;
    assert_true(offset + size <= l->bytes.length);
    memcpy(l->bytes.data + offset, bytes, size);
    return true;
}

static struct listener speak_as(lt_engine *engine, lt_request request, lt_format format)
{
    struct listener l = {.engine = engine, .request = request};
    l.request.write = hear;
    l.request.user = &l;
    l.request.format = format;
    l.status = lt_speak(engine, &l.request, &l.result, NULL);
    assert_int_equal(l.status, LT_OK);
    return l;
}

/* The bytes of a whole request are kept: its repetition reads no text, speaks nothing and runs no encoder. */
static void a_repeated_request_costs_no_work(void **state)
{
    (void)state;
    lt_engine *engine = open_engine();
    lt_request request;
    lt_request_init(&request);
    request.text = sentence;
    for (int seekable = 0; seekable < 2; seekable++)
        for (lt_format format = 0; format < LT_FORMAT_COUNT; format++) {
            request.rewrite = seekable ? patch : NULL;
            struct listener first = speak_as(engine, request, format);
            uint64_t spoken = utterances(engine);
            struct listener again = speak_as(engine, request, format);
            assert_int_equal(utterances(engine), spoken);
            assert_true(first.result.encode_seconds > 0 && first.result.text_seconds > 0);
            assert_true(again.result.encode_seconds == 0 && again.result.text_seconds == 0 &&
                        again.result.speech_seconds == 0 && again.result.first_audio_seconds > 0);
            assert_true(again.result.audio_seconds == first.result.audio_seconds);
            assert_int_equal(again.result.text_bytes, sizeof sentence - 1);
            assert_int_equal(again.result.chunks, first.result.chunks);
            assert_int_equal(again.result.chunks_cached, first.result.chunks);
            assert_int_equal(again.result.bytes_written, again.bytes.length);
            assert_int_equal(first.bytes.length, again.bytes.length);
            assert_memory_equal(first.bytes.data, again.bytes.data, first.bytes.length);
            str_free(&first.bytes);
            str_free(&again.bytes);
        }
    struct cache_counts counts;
    cache_look(engine->cache, CACHE_ENCODED, &counts);
    assert_int_equal(counts.hits, 2 * LT_FORMAT_COUNT);
    assert_int_equal(counts.misses, 2 * LT_FORMAT_COUNT);
    assert_int_equal(counts.entries, 2 * LT_FORMAT_COUNT);
    lt_engine_close(engine);
}

static void no_word(void *user, const lt_word *word)
{
    (void)user, (void)word;
}

static void no_progress(void *user, const lt_progress *progress)
{
    (void)user, (void)progress;
}

/* All that decides the bytes is in the key; who wants to be told of the work gets the work done. */
static void another_request_gets_no_kept_answer(void **state)
{
    (void)state;
    lt_engine *engine = open_engine();
    lt_request request;
    lt_request_init(&request);
    request.text = "Hello.";
    request.voice = "kal16";
    enum { OTHERS = 11 };
    lt_request others[OTHERS];
    for (size_t i = 0; i < OTHERS; i++)
        others[i] = request;
    others[0].text = "Hello!";
    others[1].text_bytes = 5;
    others[2].voice = "rms";
    others[3].speed = 1.5f;
    others[4].volume = 0.5f;
    others[5].seed = 1;
    others[6].input = LT_INPUT_SSML;
    others[6].text = "<speak>Hello.</speak>";
    others[7].text_on = LT_TEXT_UNITS;
    others[8].text_off = LT_TEXT_UNITS;
    others[9].word = no_word;
    others[10].progress = no_progress;
    struct listener l = speak_as(engine, request, LT_FORMAT_WAV);
    str_free(&l.bytes);
    for (size_t i = 0; i < OTHERS; i++) {
        l = speak_as(engine, others[i], LT_FORMAT_WAV);
        str_free(&l.bytes);
    }
    l = speak_as(engine, request, LT_FORMAT_PCM);
    str_free(&l.bytes);
    struct cache_counts counts;
    cache_look(engine->cache, CACHE_ENCODED, &counts);
    assert_int_equal(counts.hits, 0);
    assert_int_equal(counts.added, 1 + (OTHERS - 2) + 1);
    lt_engine_close(engine);
}

/* What is too long, or was stopped, is not kept; a receiver may stop a kept answer, too. */
static void only_whole_short_answers_are_kept(void **state)
{
    (void)state;
    lt_engine *engine = open_engine();
    lt_request request;
    struct str text = {0};
    struct cache_counts counts;
    lt_request_init(&request);
    request.voice = "kal16";
    while (text.length < 1000) /* more than 22 s */
        str_puts(&text, "The birch canoe slid on the smooth planks. ");
    request.text = text.data;
    struct listener l = speak_as(engine, request, LT_FORMAT_WAV);
    assert_true(l.bytes.length > ANSWER_MOST_BYTES);
    str_free(&l.bytes);
    cache_look(engine->cache, CACHE_ENCODED, &counts);
    assert_int_equal(counts.added, 0);
    request.text = sentence;
    for (int round = 0; round < 2;
         round++) { /* made, kept; then stopped at its first bytes, and found for the next */
        struct listener stopped = {.engine = engine, .request = request, .fire = lt_cancel_new()};
        stopped.request.write = hear;
        stopped.request.user = &stopped;
        stopped.request.cancel = stopped.fire;
        if (round == 1)
            lt_cancel_fire(stopped.fire);
        lt_status status = lt_speak(engine, &stopped.request, &stopped.result, NULL);
        assert_int_equal(status, LT_ERR_CANCELLED);
        cache_look(engine->cache, CACHE_ENCODED, &counts);
        assert_int_equal(counts.added, round);
        assert_int_equal(counts.hits, round);
        lt_cancel_free(stopped.fire);
        str_free(&stopped.bytes);
        if (round == 0) {
            l = speak_as(engine, request, LT_FORMAT_WAV);
            str_free(&l.bytes);
        }
    }
    str_free(&text);
    lt_engine_close(engine);
}

/* Sixteen-bit samples as numbers: product of a frame with itself `lag` later, by its energies. */
static double likeness(const int16_t *frame, size_t size, size_t lag)
{
    double product = 0, here = 1, there = 1;
    for (size_t i = 0; i < size; i++) {
        product += (double)frame[i] * frame[i + lag];
        here += (double)frame[i] * frame[i];
        there += (double)frame[i + lag] * frame[i + lag];
    }
    return product / sqrt(here * there);
}

/* The mean F0 of loud, periodic frames of 50 ms: of each, the shortest lag at which it is most like itself. */
static double hertz_of(const struct str *pcm)
{
    enum { FRAME = LT_SAMPLE_RATE / 20 };
    const size_t count = pcm->length / 2;
    int16_t *samples = malloc(pcm->length);
    double sum = 0, frames = 0;
    assert_non_null(samples);
    memcpy(samples, pcm->data, pcm->length);
    for (size_t at = 0; at + 2 * FRAME < count; at += FRAME) {
        double best = 0, energy = 0;
        size_t period = 0;
        for (size_t i = at; i < at + FRAME; i++)
            energy += (double)samples[i] * samples[i];
        for (size_t lag = LT_SAMPLE_RATE / 350; lag < LT_SAMPLE_RATE / 50 && energy > 1e6 * FRAME; lag++) {
            double now = likeness(samples + at, FRAME, lag);
            period = now > best + 0.02 ? lag : period;
            best = now > best + 0.02 ? now : best;
        }
        if (best > 0.8) {
            sum += (double)LT_SAMPLE_RATE / (double)period;
            frames++;
        }
    }
    free(samples);
    return frames > 0 ? sum / frames : 0;
}

/* flite's kal16, which draws no noise; each pitch is a clip of its own. */
static void pitch_is_heard_and_part_of_the_key(void **state)
{
    (void)state;
    static const char *const pitches[] = {"+0%", "+50%", "-30%", "+40Hz", "180Hz", "+50%"};
    static const double expected[] = {95, 142, 66, 135, 180, 142};
    lt_engine *engine = open_engine();
    for (int i = 0; i < 6; i++) {
        char text[128];
        struct listener l = {.engine = engine};
        snprintf(text, sizeof text,
                 "<speak><prosody pitch='%s'>Oh no, no one will know you now.</prosody></speak>", pitches[i]);
        lt_request_init(&l.request);
        l.request.text = text;
        l.request.input = LT_INPUT_SSML;
        l.request.voice = "kal16";
        listen(&l);
        assert_int_equal(l.status, LT_OK);
        assert_int_equal(l.result.chunks_cached, i == 5); /* the only one that was spoken before */
        double hertz = hertz_of(&l.bytes);
        if (fabs(hertz / expected[i] - 1) > 0.15)
            fail_msg("%s sounds at %.0f Hz", pitches[i], hertz);
        str_free(&l.bytes);
    }
    lt_engine_close(engine);
}

enum { TOGETHER = 16 };

static void identical_requests_in_flight_are_spoken_once(void **state)
{
    (void)state;
    lt_engine *engine = open_engine();
    struct listener l[TOGETHER] = {0};
    for (int i = 0; i < TOGETHER; i++) {
        l[i].engine = engine;
        lt_request_init(&l[i].request);
        l[i].request.text = sentence;
        assert_int_equal(pthread_create(&l[i].thread, NULL, listen, &l[i]), 0);
    }
    uint32_t made = 0;
    for (int i = 0; i < TOGETHER; i++) {
        pthread_join(l[i].thread, NULL);
        assert_int_equal(l[i].status, LT_OK);
        made += l[i].result.chunks - l[i].result.chunks_cached;
        assert_int_equal(l[i].bytes.length, l[0].bytes.length);
        assert_memory_equal(l[i].bytes.data, l[0].bytes.data, l[0].bytes.length);
    }
    assert_int_equal(made, l[0].result.chunks);
    for (int i = 0; i < TOGETHER; i++)
        str_free(&l[i].bytes);
    lt_engine_close(engine);
}

/* Also where nothing is kept. The first is still at its first bytes when the second asks. */
static void identical_requests_in_flight_need_no_room(void **state)
{
    (void)state;
    lt_engine *engine = open_engine_keeping("0");
    struct pause pause;
    assert_int_equal(sem_init(&pause.reached, 0, 0) + sem_init(&pause.over, 0, 0), 0);
    struct listener first = {.engine = engine, .pause = &pause};
    lt_request_init(&first.request);
    first.request.text = sentence;
    first.request.voice = "slt";
    assert_int_equal(pthread_create(&first.thread, NULL, listen, &first), 0);
    sem_wait(&pause.reached);
    struct listener second = speak(engine, sentence, "slt", 1, 1);
    sem_post(&pause.over);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.status, LT_OK);
    assert_int_equal(first.result.chunks_cached, 0);
    assert_int_equal(second.result.chunks_cached, second.result.chunks);
    assert_int_equal(first.bytes.length, second.bytes.length);
    assert_memory_equal(first.bytes.data, second.bytes.data, first.bytes.length);
    struct listener later = speak(engine, sentence, "slt", 1, 1);
    assert_int_equal(later.result.chunks_cached, 0);
    str_free(&first.bytes);
    str_free(&second.bytes);
    str_free(&later.bytes);
    sem_destroy(&pause.reached);
    sem_destroy(&pause.over);
    lt_engine_close(engine);
}

/* The one that began it leaves at its first bytes; the others want it to the end. */
static void a_leader_that_leaves_does_not_end_the_speech(void **state)
{
    (void)state;
    static const char text[] = "This is a rather long sentence, which takes a while to speak, since it has "
                               "many words and several clauses, "
                               "so that whoever began it has time enough to leave before it is at its end.";
    lt_engine *engine = open_engine();
    struct listener whole = speak(engine, text, "rms", 1, 1);
    for (int round = 0; round < 5; round++) {
        struct listener l[TOGETHER] = {0};
        for (int i = 0; i < TOGETHER; i++) {
            l[i].engine = engine;
            lt_request_init(&l[i].request);
            l[i].request.text = text;
            l[i].request.seed = 1 + (uint64_t)round; /* a new key each round */
            l[i].request.voice = "rms";
            if (i < TOGETHER / 2)
                l[i].request.cancel = l[i].fire = lt_cancel_new();
            assert_int_equal(pthread_create(&l[i].thread, NULL, listen, &l[i]), 0);
            if (i == 0)
                usleep(1000); /* so that it is the first */
        }
        for (int i = 0; i < TOGETHER; i++) {
            pthread_join(l[i].thread, NULL);
            if (i >= TOGETHER / 2) {
                assert_int_equal(l[i].status, LT_OK);
                assert_int_equal(l[i].bytes.length, whole.bytes.length);
            }
            lt_cancel_free(l[i].fire);
            str_free(&l[i].bytes);
        }
    }
    str_free(&whole.bytes);
    lt_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_come_back_as_sixteen_bits),
        cmocka_unit_test(samples_out_of_range_survive),
        cmocka_unit_test(what_was_made_is_found),
        cmocka_unit_test(bytes_stay_below_the_limit),
        cmocka_unit_test(a_long_scan_leaves_what_is_often_used),
        cmocka_unit_test(what_comes_back_soon_stays),
        cmocka_unit_test(a_failed_clip_is_made_anew),
        cmocka_unit_test(an_abandoned_clip_goes_to_its_last_user),
        cmocka_unit_test(what_is_not_kept_is_shared_meanwhile),
        cmocka_unit_test(threads_share_it),
        cmocka_unit_test(a_repeated_request_gives_the_same_bytes),
        cmocka_unit_test(a_background_is_not_kept),
        cmocka_unit_test(pitch_is_heard_and_part_of_the_key),
        cmocka_unit_test(a_repeated_request_costs_no_work),
        cmocka_unit_test(another_request_gets_no_kept_answer),
        cmocka_unit_test(only_whole_short_answers_are_kept),
        cmocka_unit_test(identical_requests_in_flight_are_spoken_once),
        cmocka_unit_test(identical_requests_in_flight_need_no_room),
        cmocka_unit_test(a_leader_that_leaves_does_not_end_the_speech),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
