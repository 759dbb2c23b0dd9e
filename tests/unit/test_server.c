/* test_server.c: the parts of the server that know no HTTP: the request parser, captions, the pool, base64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "server/captions.h"
#include "server/counters.h"
#include "server/pool.h"
#include "server/rates.h"
#include "server/request.h"
#include "server/systemd.h"
#include "server/targets.h"

/* ---- Requests ---- */

static const struct speech_limits limits = {.max_characters = 20, .speed = 1.5f};

static void test_request_defaults(void **state)
{
    (void)state;
    const char *body = "{\"input\": \"h\\u00e9llo \\ud83d\\ude00\", \"speed\": null, \"unknown\": [1, {}]}";
    struct speech_request request;
    struct api_error error;
    assert_true(request_parse(REQUEST_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_string_equal(request.text, "h\xc3\xa9llo \xf0\x9f\x98\x80");
    assert_int_equal(request.text_bytes, strlen(request.text));
    assert_int_equal(request.characters, 7);
    assert_string_equal(request.voice, "");
    assert_int_equal(request.format, LT_FORMAT_MP3);
    assert_int_equal(request.input, LT_INPUT_TEXT);
    assert_true(request.speed == 1.5f && request.volume == 1 && request.seed == 0);
    assert_true(request.stream);
    assert_false(request.events);
    request_free(&request);
}

static void test_request_mark(void **state)
{
    (void)state;
    struct speech_request request;
    struct api_error error;
    const char *body = "\xef\xbb\xbf{\"input\":\"x\"}";
    assert_true(request_parse(REQUEST_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_string_equal(request.text, "x");
    request_free(&request);
    for (size_t size = 0; size <= 3; size++) { /* the mark, and parts of it, are no JSON */
        assert_false(request_parse(REQUEST_SPEECH, body, size, &limits, &request, &error));
        assert_string_equal(error.code, "invalid_json");
    }
}

static void test_request_fields(void **state)
{
    (void)state;
    const char *body =
        "{\"input\":\"x\",\"model\":\"m\",\"voice\":{\"id\":\"a(2)+b\"},\"response_format\":\"FLAC\","
        "\"speed\":4,\"volume_multiplier\":0,\"seed\":7,\"stream\":false,\"stream_format\":\"sse\","
        "\"ssml\":true}";
    struct speech_request request;
    struct api_error error;
    assert_true(request_parse(REQUEST_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_string_equal(request.voice, "a(2)+b");
    assert_int_equal(request.format, LT_FORMAT_FLAC);
    assert_int_equal(request.input, LT_INPUT_SSML);
    assert_true(request.speed == 4 && request.volume == 0 && request.seed == 7);
    assert_false(request.stream);
    assert_true(request.events);
    request_free(&request);
}

static void test_request_switches(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        uint32_t on, off;
    } cases[] = {
        {"", 0, 0},
        {",\"normalization_options\":null", 0, 0},
        {",\"normalization_options\":{\"whatever\":1,\"normalize\":null}", 0, 0},
        {",\"normalization_options\":{\"normalize\":false,\"emoji\":true}", LT_TEXT_EMOJI, LT_TEXT_NORMALIZE},
        {",\"normalization_options\":{\"unit_normalization\":true,\"url_normalization\":false,"
         "\"email_normalization\":false,\"optional_pluralization_normalization\":false,"
         "\"phone_normalization\":false,\"replace_remaining_symbols\":false,\"markdown\":false}",
         LT_TEXT_UNITS,
         LT_TEXT_URLS | LT_TEXT_EMAILS | LT_TEXT_PLURALS | LT_TEXT_TELEPHONES | LT_TEXT_SYMBOLS |
             LT_TEXT_MARKDOWN},
        {",\"allow_voice_tags\":false", 0, LT_TEXT_VOICE_MARKS | LT_TEXT_RATE_MARKS},
        {",\"allow_voice_tags\":true", LT_TEXT_VOICE_MARKS | LT_TEXT_RATE_MARKS, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct speech_request request;
        struct api_error error;
        char body[512];
        snprintf(body, sizeof body, "{\"input\":\"x\"%s}", cases[i].fields);
        assert_true(request_parse(REQUEST_SPEECH, body, strlen(body), &limits, &request, &error));
        assert_int_equal(request.text_on, cases[i].on);
        assert_int_equal(request.text_off, cases[i].off);
        request_free(&request);
    }
}

static void test_request_errors(void **state)
{
    (void)state;
    static const struct {
        const char *body, *code, *param;
    } cases[] = {
        {"", "invalid_json", NULL},
        {"{\"input\":\"x\",\"normalization_options\":true}", "invalid_type", "normalization_options"},
        {"{\"input\":\"x\",\"normalization_options\":{\"normalize\":1}}", "invalid_type", "normalize"},
        {"{\"input\":\"x\",\"allow_voice_tags\":\"no\"}", "invalid_type", "allow_voice_tags"},
        {"{\"input\":\"x\"} trailing", "invalid_json", NULL},
        {"{\"input\":\"a\\u0000\"}", "invalid_json", NULL},
        {"{\"input\":\"\\ud800\"}", "invalid_json", NULL},
        {"{\"input\":\"\xed\xa0\x80\"}", "invalid_json", NULL},
        {"{\"input\":\"\xff\"}", "invalid_json", NULL},
        {"null", "invalid_json", NULL},
        {"[]", "invalid_type", NULL},
        {"{}", "missing_required_parameter", "input"},
        {"{\"input\":\" \\t\\n\"}", "empty_string", "input"},
        {"{\"input\":\"123456789012345678901\"}", "string_above_max_length", "input"},
        {"{\"input\":\"x\",\"speed\":0.2499}", "decimal_below_min_value", "speed"},
        {"{\"input\":\"x\",\"speed\":4.001}", "decimal_above_max_value", "speed"},
        {"{\"input\":\"x\",\"speed\":true}", "invalid_type", "speed"},
        {"{\"input\":\"x\",\"voice\":[]}", "invalid_type", "voice"},
        {"{\"input\":\"x\",\"response_format\":\"x.wav\"}", "invalid_value", "response_format"},
        /* the 40 bytes that are quoted end within a character */
        {"{\"input\":\"x\",\"stream_format\":\"012345678901234567890123456789012345678\xc3\xa9\"}",
         "invalid_value", "stream_format"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct speech_request request;
        struct api_error error;
        assert_false(
            request_parse(REQUEST_SPEECH, cases[i].body, strlen(cases[i].body), &limits, &request, &error));
        assert_int_equal(error.status, 400);
        assert_string_equal(error.code, cases[i].code);
        if (cases[i].param != NULL)
            assert_string_equal(error.param, cases[i].param);
        else
            assert_null(error.param);
        size_t length = strlen(error.message);
        assert_true(length > 10 && utf8_first_invalid(error.message, length) == length);
        assert_null(request.body);
    }
}

static void test_request_text(void **state)
{
    (void)state;
    const char *body = "{\"text\":\"x\",\"language\":\"b\",\"explain\":true}";
    struct speech_request request;
    struct api_error error;
    assert_true(request_parse(REQUEST_PHONEMES, body, strlen(body), &limits, &request, &error));
    assert_string_equal(request.text, "x");
    assert_string_equal(request.language, "en-GB");
    assert_true(request.explain && !request.stream);
    request_free(&request);
    body = "{\"text\":\"x\",\"language\":\"pt-BR\",\"ssml\":true}";
    assert_true(request_parse(REQUEST_WORDS, body, strlen(body), &limits, &request, &error));
    assert_string_equal(request.language, "pt-BR");
    assert_int_equal(request.input, LT_INPUT_SSML);
    request_free(&request);
    body = "{\"phonemes\":\"x\"}";
    assert_true(request_parse(REQUEST_PHONEMES_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_int_equal(request.input, LT_INPUT_PHONEMES);
    assert_int_equal(request.format, LT_FORMAT_WAV);
    request_free(&request);
    for (enum request_kind kind = REQUEST_PHONEMES_SPEECH; kind < REQUEST_KIND_COUNT; kind++) {
        body = "{\"input\":\"x\"}";
        assert_false(request_parse(kind, body, strlen(body), &limits, &request, &error));
        assert_string_equal(error.code, "missing_required_parameter");
        assert_string_equal(error.param, kind == REQUEST_PHONEMES_SPEECH ? "phonemes" : "text");
    }
}

static void test_request_captions(void **state)
{
    (void)state;
    const char *body = "{\"input\":\"x\",\"stream_format\":\"sse\"}";
    struct speech_request request;
    struct api_error error;
    assert_true(request_parse(REQUEST_CAPTIONED_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_true(request.timestamps && request.stream && !request.events);
    request_free(&request);
    body = "{\"input\":\"x\",\"return_timestamps\":false,\"stream\":false}";
    assert_true(request_parse(REQUEST_CAPTIONED_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_false(request.timestamps || request.stream);
    request_free(&request);
    body = "{\"input\":\"x\",\"return_timestamps\":\"yes\"}";
    assert_false(request_parse(REQUEST_CAPTIONED_SPEECH, body, strlen(body), &limits, &request, &error));
    assert_string_equal(error.param, "return_timestamps");
    assert_true(
        request_parse(REQUEST_SPEECH, body, strlen(body), &limits, &request, &error)); /* no field of it */
    request_free(&request);
}

static void test_request_deep(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 20 };
    char *body = malloc(DEPTH);
    assert_non_null(body);
    memset(body, '[', DEPTH);
    struct speech_request request;
    struct api_error error;
    assert_false(request_parse(REQUEST_SPEECH, body, DEPTH, &limits, &request, &error));
    assert_string_equal(error.code, "invalid_json");
    free(body);
}

/* ---- Base64 ---- */

static void test_base64(void **state)
{
    (void)state;
    /* RFC 4648, section 10 */
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct str out = {0};
        base64_encode(vectors[i][0], strlen(vectors[i][0]), &out);
        assert_string_equal(out.data != NULL ? out.data : "", vectors[i][1]);
        str_free(&out);
    }
    struct str out = {0};
    base64_encode("\xfb\xff\xfe\x00", 4, &out);
    assert_string_equal(out.data, "+//+AA==");
    str_free(&out);
}

/* ---- Captions ---- */

static bool put_text(void *user, const void *bytes, size_t size)
{
    str_append(user, bytes, size);
    return true;
}

static bool put_nothing(void *user, const void *bytes, size_t size)
{
    (void)bytes;
    *(int *)user += size > 0;
    return false;
}

static void test_captions_stream(void **state)
{
    (void)state;
    struct str out = {0};
    struct captions captions = {.mime = "audio/pcm", .put = put_text, .user = &out};
    /* a line has the audio since the last one, however it was cut, and ends with padding of its own */
    assert_true(captions_audio(&captions, "f", 1) && captions_audio(&captions, "", 0));
    assert_true(captions_audio(&captions, "ooba", 4) && captions_audio(&captions, "rfoo", 4));
    captions_word(&captions, &(lt_word){.text = "a\"b", .start_seconds = 0, .end_seconds = 0.2 / 3});
    captions_word(&captions, &(lt_word){.text = "\xc3\xa9", .start_seconds = 1, .end_seconds = 12.625f});
    assert_true(captions_end_piece(&captions));
    /* words without audio wait for the next */
    captions_word(&captions, &(lt_word){.text = "c", .start_seconds = 13, .end_seconds = 14});
    assert_true(captions_end_piece(&captions) && captions_end_piece(&captions));
    assert_true(captions_audio(&captions, "fo", 2) && captions_end_piece(&captions));
    assert_true(captions_audio(&captions, "f", 1) && captions_end(&captions));
    assert_string_equal(out.data,
                        "{\"audio\":\"Zm9vYmFyZm9v\",\"audio_format\":\"audio/pcm\",\"timestamps\":["
                        "{\"word\":\"a\\\"b\",\"start_time\":0.0,\"end_time\":0.0667},"
                        "{\"word\":\"\xc3\xa9\",\"start_time\":1.0,\"end_time\":12.625}]}\n"
                        "{\"audio\":\"Zm8=\",\"audio_format\":\"audio/pcm\",\"timestamps\":["
                        "{\"word\":\"c\",\"start_time\":13.0,\"end_time\":14.0}]}\n"
                        "{\"audio\":\"Zg==\",\"audio_format\":\"audio/pcm\",\"timestamps\":[]}\n");
    captions_free(&captions);
    str_clear(&out);
    captions = (struct captions){.mime = "audio/pcm", .put = put_text, .user = &out};
    captions_word(&captions, &(lt_word){.text = "c", .start_seconds = 13, .end_seconds = 14});
    assert_true(captions_end(&captions)); /* words are told, even when no audio comes any more */
    assert_string_equal(out.data, "{\"audio\":\"\",\"audio_format\":\"audio/pcm\",\"timestamps\":["
                                  "{\"word\":\"c\",\"start_time\":13.0,\"end_time\":14.0}]}\n");
    captions_free(&captions);
    str_free(&out);
}

static void test_captions_refused(void **state)
{
    (void)state;
    int asked = 0;
    struct captions captions = {.mime = "audio/pcm", .put = put_nothing, .user = &asked};
    assert_false(captions_audio(&captions, "foobar", 6));
    assert_false(captions_audio(&captions, "foobar", 6) || captions_end_piece(&captions) ||
                 captions_end(&captions));
    assert_int_equal(asked, 1); /* who wants no more is not asked again */
    captions_free(&captions);
    captions = (struct captions){.mime = "audio/pcm"};
    captions.words.failed = true; /* out of memory */
    captions_word(&captions, &(lt_word){.text = "a"});
    assert_false(captions_end(&captions));
    captions_free(&captions);
}

/* All of the object, read in pieces of `step` bytes, is what it has to be. */
static void check_whole(const struct captions *captions, int file, size_t audio_size, size_t step,
                        const struct str *wanted)
{
    char *got = malloc(wanted->length + 1);
    assert_non_null(got);
    assert_int_equal(captions_length(captions, audio_size), wanted->length);
    for (size_t at = 0; at < wanted->length;) {
        ssize_t n = captions_read(captions, file, audio_size, at, got + at,
                                  step < wanted->length - at ? step : wanted->length - at);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_memory_equal(got, wanted->data, wanted->length);
    free(got);
}

static void test_captions_whole(void **state)
{
    (void)state;
    static unsigned char audio[7001];
    for (size_t i = 0; i < sizeof audio; i++)
        audio[i] = (unsigned char)(i * i >> 3);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(audio, 1, sizeof audio, file), sizeof audio);
    fflush(file);
    struct captions captions = {.mime = "audio/mpeg"};
    captions_word(&captions, &(lt_word){.text = "a", .start_seconds = 0.5, .end_seconds = 1});
    assert_true(captions_end(&captions));
    for (size_t size = sizeof audio - 5; size <= sizeof audio; size++) {
        struct str wanted = {0};
        str_puts(&wanted, "{\"audio\":\"");
        base64_encode(audio, size, &wanted);
        str_puts(&wanted, "\",\"audio_format\":\"audio/mpeg\",\"timestamps\":["
                          "{\"word\":\"a\",\"start_time\":0.5,\"end_time\":1.0}]}");
        for (size_t step = 1; step < 8; step++)
            check_whole(&captions, fileno(file), size, step, &wanted);
        check_whole(&captions, fileno(file), size, 16384, &wanted);
        str_free(&wanted);
    }
    char out[16];
    assert_int_equal(captions_read(&captions, fileno(file), sizeof audio + 3, 9000, out, sizeof out),
                     -1); /* it is shorter */
    fclose(file);
    captions_free(&captions);
}

/* ---- Rates ---- */

/* What is left of a key's burst. */
static int left_of(struct rates *rates, unsigned key)
{
    int left = 0;
    while (rates_take(rates, key, 100) == 0)
        left++;
    return left;
}

static void test_rates_carry(void **state)
{
    (void)state;
    struct rates before = {.a_minute = 5}, after = {.a_minute = 6}, none = {.a_minute = 6};
    assert_true(rates_take(&before, 0, 100) == 0 && rates_take(&before, 0, 100) == 0);
    assert_int_equal(rates_take(&before, 1, 100), 0);
    rates_carry(&after, " new,second , first", &before, "first, second");
    assert_int_equal(left_of(&after, 0), 6);
    assert_int_equal(left_of(&after, 1), 5);
    assert_int_equal(left_of(&after, 2), 4);
    rates_carry(&none, "", &before, "first, second"); /* from keys to none: a new list */
    assert_int_equal(left_of(&none, 0), 6);
    none = (struct rates){.a_minute = 6};
    rates_carry(&none, " ", &before, "");
    assert_int_equal(left_of(&none, 0), 4);
    none = (struct rates){.a_minute = 6};
    rates_carry(&none, "fir, firsts", &before, "first, second");
    assert_int_equal(left_of(&none, 0), 6);
}

/* ---- The pool ---- */

struct work {
    struct pool_job job;
    struct pool *pool;
    pthread_mutex_t *gate; /* held by the test until the job may end; NULL: it ends at once */
    bool pauses;           /* lends its place while it waits for the gate */
};

static atomic_int running, most_running, done;

static void work(struct pool_job *job)
{
    struct work *mine = (struct work *)job;
    int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running);
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
    if (mine->pauses) {
        atomic_fetch_sub(&running, 1);
        pool_pause(mine->pool, job);
    }
    if (mine->gate != NULL) {
        pthread_mutex_lock(mine->gate);
        pthread_mutex_unlock(mine->gate);
    }
    if (mine->pauses) {
        pool_continue(mine->pool, job);
        atomic_fetch_add(&running, 1);
    }
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&done, 1);
}

static void reset_counters(void)
{
    atomic_store(&running, 0);
    atomic_store(&most_running, 0);
    atomic_store(&done, 0);
}

static void test_pool_limits(void **state)
{
    (void)state;
    reset_counters();
    struct pool *pool = pool_new(2, 3);
    assert_non_null(pool);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    struct work jobs[6] = {0};
    unsigned retry = 0;
    for (int i = 0; i < 6; i++) {
        jobs[i] = (struct work){.job.run = work, .pool = pool, .gate = &gate};
        assert_true(pool_submit(pool, &jobs[i].job, &retry) == (i < 5));
    }
    assert_in_range(retry, 1, 60);
    while (pool_count(pool).working < 2)
        sched_yield();
    assert_int_equal(pool_count(pool).queued, 3);
    assert_false(pool_withdraw(pool, &jobs[0].job));
    assert_true(pool_withdraw(pool, &jobs[4].job));
    assert_false(pool_withdraw(pool, &jobs[4].job));
    assert_true(pool_submit(pool, &jobs[5].job, &retry));
    pthread_mutex_unlock(&gate);
    pool_finish(pool);
    assert_false(pool_submit(pool, &jobs[4].job, &retry)); /* what comes late is refused, not kept waiting */
    assert_int_equal(atomic_load(&done), 5);
    assert_in_range(atomic_load(&most_running), 1, 2);
    pool_free(pool);
}

/* A job that waits for its client lets another run, and gets a place again. */
static void test_pool_pause(void **state)
{
    (void)state;
    reset_counters();
    struct pool *pool = pool_new(1, 50);
    assert_non_null(pool);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    struct work jobs[40];
    unsigned retry;
    for (int i = 0; i < 40; i++) {
        bool pauses = i % 2 == 0;
        jobs[i] =
            (struct work){.job.run = work, .pool = pool, .gate = pauses ? &gate : NULL, .pauses = pauses};
        assert_true(pool_submit(pool, &jobs[i].job, &retry));
    }
    while (atomic_load(&done) < 20) /* those that do not pause */
        sched_yield();
    while (pool_count(pool).paused < 20)
        sched_yield();
    pthread_mutex_unlock(&gate);
    pool_finish(pool);
    assert_int_equal(atomic_load(&done), 40);
    assert_int_equal(atomic_load(&most_running), 1);
    pool_free(pool);
}

/* Long jobs, running, paused or queued, leave a quarter of the places to short ones, which run meanwhile; a
 * pool of one place has none to leave. */
static void test_pool_long_jobs(void **state)
{
    (void)state;
    reset_counters();
    struct pool *pool = pool_new(4, 40);
    assert_non_null(pool);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    struct work books[10], replies[10];
    unsigned retry;
    for (int i = 0; i < 10; i++) {
        books[i] = (struct work){
            .job = {.run = work, .is_long = true}, .pool = pool, .gate = &gate, .pauses = i == 1 || i == 8};
        assert_true(pool_submit(pool, &books[i].job, &retry));
    }
    for (int i = 0; i < 10; i++) {
        replies[i] = (struct work){.job.run = work, .pool = pool};
        assert_true(pool_submit(pool, &replies[i].job, &retry));
    }
    const double began = clock_seconds();
    while (atomic_load(&done) < 10 && clock_seconds() < began + 10)
        usleep(1000);
    assert_int_equal(atomic_load(&done), 10); /* no book is */
    while (pool_count(pool).working < 3)
        sched_yield();
    assert_int_equal(pool_count(pool).working, 3);
    assert_true(pool_withdraw(pool, &books[9].job));
    pthread_mutex_unlock(&gate);
    pool_finish(pool);
    assert_int_equal(atomic_load(&done), 19);
    pool_free(pool);

    pool = pool_new(1, 1);
    struct work lone = {.job = {.run = work, .is_long = true}, .pool = pool};
    assert_true(pool_submit(pool, &lone.job, &retry));
    pool_finish(pool);
    assert_int_equal(atomic_load(&done), 20);
    pool_free(pool);
}

/* Workers that have nothing to do end; one that lends its place while its client is slow does not; new
 * ones begin. */
static void test_pool_rests(void **state)
{
    (void)state;
    reset_counters();
    struct pool *pool = pool_new(8, 8);
    assert_non_null(pool);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&gate);
    struct work jobs[10];
    unsigned retry;
    const double began = clock_seconds();
    for (int i = 0; i < 9; i++) {
        bool pauses = i == 0;
        jobs[i] =
            (struct work){.job.run = work, .pool = pool, .gate = pauses ? &gate : NULL, .pauses = pauses};
        assert_true(pool_submit(pool, &jobs[i].job, &retry));
    }
    while (pool_count(pool).threads > 1 && clock_seconds() < began + 10 * POOL_IDLE_SECONDS)
        usleep(10000);
    assert_true(clock_seconds() >= began + POOL_IDLE_SECONDS);
    assert_int_equal(atomic_load(&done), 8);
    assert_int_equal(pool_count(pool).threads, 1);
    assert_int_equal(pool_count(pool).paused, 1);
    jobs[9] = (struct work){.job.run = work, .pool = pool};
    assert_true(pool_submit(pool, &jobs[9].job, &retry));
    pthread_mutex_unlock(&gate);
    pool_finish(pool);
    assert_int_equal(atomic_load(&done), 10);
    assert_int_equal(pool_count(pool).threads, 0);
    pool_free(pool);
}

/* ---- Counters and targets ---- */

static struct counters counters;
static struct counts copy;

static void record(double now, bool failed, double audio, double work, double first_audio)
{
    struct request_record r = {.route = "/x",
                               .status = failed ? 500 : 200,
                               .code = failed ? "e" : NULL,
                               .judged = true,
                               .failed = failed,
                               .complete = true,
                               .spoken = !failed,
                               .audio_seconds = audio,
                               .speech_seconds = work,
                               .first_audio_seconds = first_audio,
                               .characters = 3};
    counters_record(&counters, &r, now);
}

static void test_counters_windows(void **state)
{
    (void)state;
    counters_open(&counters, 1000.5);
    record(1000.9, false, 2, 0.5, 0.03);
    record(1010, false, 1, 0.25, 0.2);
    record(1059, true, 0, 0, 0);
    counters_note_memory(&counters, 100, 1010);
    counters_note_memory(&counters, 50, 1011);
    counters_look(&counters, 1059.9, &copy);
    struct span minute = span_of_minute(&copy), hour = span_of_hour(&copy);
    assert_int_equal(minute.judged, 3);
    assert_int_equal(minute.failed, 1);
    assert_true(minute.audio_seconds == 3 && minute.work_seconds == 0.75);
    assert_int_equal(minute.memory_bytes, 100);
    assert_int_equal(first_audio_count(minute.first_audio), 2);
    assert_int_equal(slot_of_second(&copy, 0)->failed, 1);
    assert_int_equal(slot_of_second(&copy, 59)->judged, 1);
    assert_int_equal(copy.characters, 6);
    assert_int_equal(copy.answer_count, 2);
    assert_int_equal(copy.code_count, 1);
    counters_look(&counters, 1070.5, &copy); /* the first two have left the minute */
    minute = span_of_minute(&copy);
    assert_int_equal(minute.judged, 1);
    hour = span_of_hour(&copy);
    assert_int_equal(hour.judged, 3);
    assert_int_equal(hour.memory_bytes, 100);
    counters_look(&counters, 1060 + 3600, &copy);
    assert_int_equal(span_of_hour(&copy).judged, 0);
    assert_int_equal(copy.spoken, 2); /* sums stay */
    record(1e9, false, 1, 1, 1);      /* a machine that slept for long */
    counters_look(&counters, 1e9, &copy);
    assert_int_equal(span_of_hour(&copy).judged, 1);
    assert_int_equal(span_of_minute(&copy).judged, 1);
    counters_close(&counters);
}

static void test_first_audio_quantile(void **state)
{
    (void)state;
    uint64_t buckets[FIRST_AUDIO_BUCKETS] = {0};
    assert_true(isnan(first_audio_quantile(buckets, 0.95)));
    buckets[3] = 100; /* 10 to 25 ms */
    assert_float_equal(first_audio_quantile(buckets, 0.5), 0.0175, 1e-9);
    buckets[6] = 100; /* 100 to 150 ms */
    assert_float_equal(first_audio_quantile(buckets, 0.95), 0.145, 1e-9);
    buckets[FIRST_AUDIO_BUCKETS - 1] = 10000;
    assert_float_equal(first_audio_quantile(buckets, 0.95), 5, 1e-9);
}

static enum target_state judge(lt_config *config, const char *key, const char *value, enum target target,
                               const struct span *span)
{
    assert_int_equal(lt_config_set(config, key, value, NULL), LT_OK);
    return target_judge(config, target, span).state;
}

static void test_targets(void **state)
{
    (void)state;
    lt_config *config = lt_config_new();
    struct span nothing = {0},
                span = {
                    .judged = 100, .failed = 1, .audio_seconds = 10, .work_seconds = 5, .memory_bytes = 1000};
    assert_int_equal(judge(config, "target.rtf", "0.7", TARGET_RTF, &span), TARGET_MET);
    assert_int_equal(judge(config, "target.rtf", "0.6", TARGET_RTF, &span), TARGET_AT_RISK);
    assert_int_equal(judge(config, "target.rtf", "0.4", TARGET_RTF, &span), TARGET_MISSED);
    assert_int_equal(judge(config, "target.rtf", "0", TARGET_RTF, &span), TARGET_UNKNOWN);
    assert_int_equal(judge(config, "target.rtf", "1", TARGET_RTF, &nothing), TARGET_UNKNOWN);
    assert_int_equal(judge(config, "target.memory_bytes", "1100", TARGET_MEMORY, &span), TARGET_AT_RISK);
    assert_int_equal(judge(config, "target.memory_bytes", "999", TARGET_MEMORY, &span), TARGET_MISSED);
    assert_int_equal(judge(config, "target.success_rate", "0.95", TARGET_SUCCESS, &span), TARGET_MET);
    assert_int_equal(judge(config, "target.success_rate", "0.989", TARGET_SUCCESS, &span), TARGET_AT_RISK);
    assert_int_equal(judge(config, "target.success_rate", "0.995", TARGET_SUCCESS, &span), TARGET_MISSED);
    span.failed = 0;
    assert_int_equal(judge(config, "target.success_rate", "1", TARGET_SUCCESS, &span), TARGET_MET);
    assert_int_equal(judge(config, "target.first_audio_ms", "20", TARGET_FIRST_AUDIO, &span), TARGET_UNKNOWN);
    span.first_audio[3] = 10;
    assert_int_equal(judge(config, "target.first_audio_ms", "20", TARGET_FIRST_AUDIO, &span), TARGET_MISSED);
    lt_config_free(config);
}

static void test_rates(void **state)
{
    (void)state;
    struct rates rates = {.a_minute = 6}; /* one every 10 s, and 6 at once */
    for (int i = 0; i < 6; i++)
        assert_int_equal(rates_take(&rates, 0, 100), 0);
    assert_int_equal(rates_take(&rates, 0, 100), 10);
    assert_int_equal(rates_take(&rates, 0, 104), 6);
    assert_int_equal(rates_take(&rates, 1, 104), 0); /* another key */
    assert_int_equal(rates_take(&rates, 0, 110), 0);
    assert_int_equal(rates_take(&rates, 0, 110), 10);
    for (int i = 0; i < 6; i++) /* long silence saves no more than a minute's worth */
        assert_int_equal(rates_take(&rates, 0, 1e6), 0);
    assert_true(rates_take(&rates, 0, 1e6) > 0);
    struct rates rare = {.a_minute = 0.5}; /* one in two minutes */
    assert_int_equal(rates_take(&rare, RATES_KEYS + 5, 0), 0);
    assert_int_equal(rates_take(&rare, RATES_KEYS + 5, 0), 120);
    assert_int_equal(rates_take(&rare, RATES_KEYS - 1, 60), 60);
    struct rates any = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rates_take(&any, 0, 1), 0);
}

/* ---- systemd ---- */

static void test_notify(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "litetts-test-%d", (int)getpid());
    char name[sizeof address.sun_path], got[128];
    snprintf(name, sizeof name, "@%s", address.sun_path + 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    systemd_notify("READY=1");
    assert_int_equal(recv(fd, got, sizeof got, MSG_DONTWAIT), 7);
    assert_memory_equal(got, "READY=1", 7);
    systemd_notify_reloading();
    ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    got[n] = '\0';
    long long microseconds;
    assert_int_equal(sscanf(got, "RELOADING=1\nMONOTONIC_USEC=%lld", &microseconds), 1);
    assert_true(microseconds > 0);
    setenv("NOTIFY_SOCKET", "relative", 1); /* is not used */
    systemd_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    systemd_notify("READY=1");
    assert_true(recv(fd, got, sizeof got, MSG_DONTWAIT) < 0);
    close(fd);
}

static void test_socket_of_another(void **state)
{
    (void)state;
    char pid[16];
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_PID", "1", 1);
    assert_int_equal(systemd_socket(), -1); /* for another process */
    assert_null(getenv("LISTEN_FDS"));
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "0", 1);
    assert_int_equal(systemd_socket(), -1);
    assert_int_equal(systemd_socket(), -1); /* nothing is set */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_defaults), cmocka_unit_test(test_request_fields),
        cmocka_unit_test(test_request_switches), cmocka_unit_test(test_request_errors),
        cmocka_unit_test(test_request_text),     cmocka_unit_test(test_rates),
        cmocka_unit_test(test_notify),           cmocka_unit_test(test_socket_of_another),
        cmocka_unit_test(test_counters_windows), cmocka_unit_test(test_first_audio_quantile),
        cmocka_unit_test(test_targets),          cmocka_unit_test(test_request_deep),
        cmocka_unit_test(test_request_captions), cmocka_unit_test(test_request_mark),
        cmocka_unit_test(test_base64),           cmocka_unit_test(test_captions_stream),
        cmocka_unit_test(test_captions_refused), cmocka_unit_test(test_captions_whole),
        cmocka_unit_test(test_rates_carry),      cmocka_unit_test(test_pool_limits),
        cmocka_unit_test(test_pool_pause),       cmocka_unit_test(test_pool_long_jobs),
        cmocka_unit_test(test_pool_rests),

    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
