/* test_engine.c: the library as a caller sees it: speaking, cancelling, errors, many threads. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/str.h"
#include "litetts/litetts.h"

static lt_engine *engine;

/* The embedded voices only, whatever the machine has installed. */
static int open_engine(void **state)
{
    (void)state;
    lt_error error;
    lt_config *config = lt_config_new();
    lt_config_set(config, "engine.data_folder", "/nonexistent", &error);
    lt_config_set(config, "engine.threads", "2", &error);
    lt_config_set(config, "cache.memory_bytes", "0", &error); /* test_cache.c has it on: here all is spoken */
    lt_status status = lt_engine_open(config, &engine, &error);
    lt_config_free(config);
    if (status != LT_OK)
        print_error("%s\n", error.message);
    return status == LT_OK ? 0 : -1;
}

static int close_engine(void **state)
{
    (void)state;
    lt_engine_close(engine);
    return 0;
}

struct capture {
    struct str bytes;
    size_t stop_after; /* refuse when so many bytes have come; 0: never */
    lt_cancel *fire_at_first;
    int writes;
    const char *source; /* for the read callback */
    size_t source_at, read_size;
    lt_progress last;
};

static bool take(void *user, const void *bytes, size_t size)
{
    struct capture *c = user;
    c->writes++;
    str_append(&c->bytes, bytes, size);
    if (c->fire_at_first != NULL)
        lt_cancel_fire(c->fire_at_first);
    return c->stop_after == 0 || c->bytes.length < c->stop_after;
}

static bool overwrite(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct capture *c = user;
    assert_true(offset + size <= c->bytes.length);
    memcpy(c->bytes.data + offset, bytes, size);
    return true;
}

static size_t read_in_pieces(void *user, char *buffer, size_t size)
{
    struct capture *c = user;
    size_t left = strlen(c->source) - c->source_at, n = c->read_size < left ? c->read_size : left;
    n = n < size ? n : size;
    memcpy(buffer, c->source + c->source_at, n);
    c->source_at += n;
    return n;
}

static size_t read_fails(void *user, char *buffer, size_t size)
{
    (void)user, (void)buffer, (void)size;
    return SIZE_MAX;
}

static void keep_progress(void *user, const lt_progress *progress)
{
    struct capture *c = user;
    assert_true(progress->text_bytes_done >= c->last.text_bytes_done);
    assert_true(progress->audio_seconds >= c->last.audio_seconds);
    c->last = *progress;
}

static lt_request pcm_request(struct capture *capture, const char *text)
{
    lt_request request;
    lt_request_init(&request);
    request.text = text;
    request.format = LT_FORMAT_PCM;
    request.write = take;
    request.user = capture;
    return request;
}

static double peak(const struct str *pcm)
{
    double most = 0;
    for (size_t i = 0; i + 1 < pcm->length; i += 2) {
        int16_t sample;
        memcpy(&sample, pcm->data + i, 2);
        most = fmax(most, fabs((double)sample));
    }
    return most;
}

static const char sentence[] =
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background.";

static void every_voice_speaks(void **state)
{
    (void)state;
    const lt_voice *voices;
    size_t count = lt_engine_voices(engine, &voices);
    assert_true(count >= 4);
    int defaults = 0;
    for (size_t i = 0; i < count; i++) {
        struct capture capture = {0};
        lt_request request = pcm_request(&capture, sentence);
        lt_result result;
        lt_error error;
        request.voice = voices[i].name;
        request.progress = keep_progress;
        defaults += voices[i].is_default;
        assert_int_equal(lt_speak(engine, &request, &result, &error), LT_OK);
        assert_true(result.audio_seconds > 3 && result.audio_seconds < 8);
        assert_int_equal(capture.bytes.length, (size_t)(result.audio_seconds * LT_SAMPLE_RATE + 0.5) * 2);
        assert_true(peak(&capture.bytes) > 3000);
        assert_true(result.first_audio_seconds > 0 && result.first_audio_seconds <= result.wall_seconds);
        assert_int_equal(result.text_bytes, strlen(sentence));
        assert_int_equal(capture.last.text_bytes_done, strlen(sentence));
        assert_true(result.speech_seconds > 0 && result.peak_memory_bytes > 1 << 20);
        str_free(&capture.bytes);
    }
    assert_int_equal(defaults, 1);
}

static void speed_and_volume_scale_the_audio(void **state)
{
    (void)state;
    static const float speeds[] = {0.25f, 0.5f, 1, 2, 4};
    static const char *const voices[] = {"slt", "kal16"};
    for (size_t v = 0; v < 2; v++) {
        double normal = 0;
        for (size_t i = 0; i < 5; i++) {
            struct capture capture = {0};
            lt_request request = pcm_request(&capture, sentence);
            lt_result result;
            request.voice = voices[v];
            request.speed = 1;
            if (normal == 0) {
                assert_int_equal(lt_speak(engine, &request, &result, NULL), LT_OK);
                normal = result.audio_seconds;
            }
            request.speed = speeds[i];
            assert_int_equal(lt_speak(engine, &request, &result, NULL), LT_OK);
            double ratio = normal / result.audio_seconds;
            assert_true(ratio > 0.75 * (double)speeds[i] && ratio < 1.25 * (double)speeds[i]);
            str_free(&capture.bytes);
        }
    }
    struct capture loud = {0}, quiet = {0}, silent = {0};
    lt_request request = pcm_request(&loud, sentence);
    assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
    request.user = &quiet;
    request.volume = 0.1f;
    assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
    request.user = &silent;
    request.volume = 0;
    assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
    assert_int_equal(loud.bytes.length, quiet.bytes.length);
    assert_true(fabs(peak(&quiet.bytes) / peak(&loud.bytes) - 0.1) < 0.01);
    assert_true(peak(&silent.bytes) == 0);
    str_free(&loud.bytes);
    str_free(&quiet.bytes);
    str_free(&silent.bytes);
}

/* flite's clustergen voices draw the noise of unvoiced sounds from rand(), so their samples differ from one request to the
 * next; what must not differ is the speech: length, and the loudness of every 10 ms. The diphone voice has no noise. */
static void assert_same_speech(const struct str *a, const struct str *b, const char *voice)
{
    enum { FRAME = LT_SAMPLE_RATE / 100 };
    assert_int_equal(a->length, b->length);
    if (strcmp(voice, "kal16") == 0) {
        assert_memory_equal(a->data, b->data, a->length);
        return;
    }
    const int16_t *x = (const int16_t *)(const void *)a->data, *y = (const int16_t *)(const void *)b->data;
    double difference = 0, total = 0;
    for (size_t at = 0; at + FRAME <= a->length / 2; at += FRAME) {
        double ex = 0, ey = 0;
        for (size_t i = at; i < at + FRAME; i++) {
            ex += (double)x[i] * x[i];
            ey += (double)y[i] * y[i];
        }
        difference += fabs(sqrt(ex) - sqrt(ey));
        total += sqrt(ex);
    }
    assert_true(difference < 0.1 * total);
}

static void text_in_pieces_gives_the_same_speech(void **state)
{
    (void)state;
    struct capture whole = {0};
    lt_request request = pcm_request(&whole, sentence);
    assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
    for (size_t size = 1; size < 100; size += 33) {
        struct capture pieces = {.source = sentence, .read_size = size};
        request = pcm_request(&pieces, NULL);
        request.read = read_in_pieces;
        assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
        assert_same_speech(&pieces.bytes, &whole.bytes, "slt");
        str_free(&pieces.bytes);
    }
    str_free(&whole.bytes);
}

static void bad_requests_end_in_one_sentence(void **state)
{
    (void)state;
    struct capture capture = {0};
    lt_error error;
    lt_request good = pcm_request(&capture, "Hello."), r;
#define REFUSED(expected, change)                                                                            \
    do {                                                                                                     \
        r = good;                                                                                            \
        change;                                                                                              \
        assert_int_equal(lt_speak(engine, &r, NULL, &error), expected);                                      \
        assert_int_equal(error.status, expected);                                                            \
        assert_true(strlen(error.message) > 10 && strchr(error.message, '\n') == NULL);                      \
    } while (0)
    REFUSED(LT_ERR_ARGUMENT, r.write = NULL);
    REFUSED(LT_ERR_ARGUMENT, r.text = NULL);
    REFUSED(LT_ERR_ARGUMENT, r.speed = 0);
    REFUSED(LT_ERR_ARGUMENT, r.speed = NAN);
    REFUSED(LT_ERR_ARGUMENT, r.speed = 1e9f);
    REFUSED(LT_ERR_ARGUMENT, r.volume = -1);
    REFUSED(LT_ERR_ARGUMENT, r.volume = INFINITY);
    REFUSED(LT_ERR_FORMAT, r.format = (lt_format)99);
    REFUSED(LT_ERR_ARGUMENT, r.input = (lt_input)99);
    REFUSED(LT_ERR_VOICE, r.voice = "nobody");
    REFUSED(LT_ERR_VOICE, r.voice = "af_heart");
    REFUSED(LT_ERR_VOICE, r.voice = "slt+rms");
    REFUSED(LT_ERR_VOICE, r.voice = "+(");
    REFUSED(LT_ERR_UNSUPPORTED, r.input = LT_INPUT_PHONEMES);
    REFUSED(LT_ERR_TEXT, r.text = "caf\xe9");
    REFUSED(LT_ERR_IO, (r.text = NULL, r.read = read_fails));
    assert_int_equal(lt_speak(NULL, &good, NULL, &error), LT_ERR_ARGUMENT);
    assert_int_equal(lt_speak(engine, NULL, NULL, &error), LT_ERR_ARGUMENT);
    assert_non_null(
        strstr(lt_engine_check_voice(engine, "nobody", &error) == LT_ERR_VOICE ? error.message : "", "slt"));
    str_free(&capture.bytes);
}

static void openai_names_are_aliases(void **state)
{
    (void)state;
    static const char *const names[] = {"alloy", "ash",   "ballad", "cedar", "coral", "echo",
                                        "fable", "marin", "nova",   "onyx",  "sage",  "shimmer",
                                        "verse", "ALLOY", "",       NULL};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(lt_engine_check_voice(engine, names[i], NULL), LT_OK);
}

static void a_refusing_receiver_stops_the_request(void **state)
{
    (void)state;
    struct capture capture = {.stop_after = 1000};
    lt_request request = pcm_request(&capture, sentence);
    assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_ERR_CANCELLED);
    assert_true(capture.bytes.length < 100000);
    str_free(&capture.bytes);
}

static void cancel_leaves_a_valid_shorter_file(void **state)
{
    (void)state;
    struct str text = {0};
    for (int i = 0; i < 200; i++)
        str_puts(&text, sentence);
    struct capture capture = {.fire_at_first = lt_cancel_new()};
    lt_request request = pcm_request(&capture, text.data);
    request.format = LT_FORMAT_WAV;
    request.rewrite = overwrite;
    request.cancel = capture.fire_at_first;
    lt_result result;
    lt_error error;
    assert_int_equal(lt_speak(engine, &request, &result, &error), LT_ERR_CANCELLED);
    assert_true(result.audio_seconds < 30);
    uint32_t riff, data;
    memcpy(&riff, capture.bytes.data + 4, 4);
    memcpy(&data, capture.bytes.data + 40, 4);
    assert_int_equal(riff, capture.bytes.length - 8);
    assert_int_equal(data, capture.bytes.length - 44);
    assert_int_equal(lt_speak(engine, &request, &result, &error),
                     LT_ERR_CANCELLED); /* fired before it began */
    lt_cancel_free(capture.fire_at_first);
    str_free(&capture.bytes);
    str_free(&text);
}

static void silence_and_nothing_are_fine(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " ", "\n\n\n", "...", "-"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct capture capture = {0};
        lt_request request = pcm_request(&capture, texts[i]);
        lt_result result;
        lt_error error;
        lt_status status = lt_speak(engine, &request, &result, &error);
        assert_int_equal(status, LT_OK);
        assert_true(result.audio_seconds < 2);
        str_free(&capture.bytes);
    }
}

struct speaker {
    pthread_t thread;
    struct capture capture;
    const char *text, *voice;
    lt_status status;
};

static void *speak_in_thread(void *argument)
{
    struct speaker *s = argument;
    lt_request request = pcm_request(&s->capture, s->text);
    request.voice = s->voice;
    s->status = lt_speak(engine, &request, NULL, NULL);
    return NULL;
}

/* Peers lock, crash or corrupt speech when two requests meet: each must get what a lone one gets. */
static void many_threads_get_the_speech_of_one(void **state)
{
    (void)state;
    enum { SPEAKERS = 16 };
    static const char *const voices[] = {"slt", "rms", "awb", "kal16"};
    struct speaker alone[4] = {0}, together[SPEAKERS] = {0};
    for (size_t v = 0; v < 4; v++) {
        alone[v].text = sentence;
        alone[v].voice = voices[v];
        speak_in_thread(&alone[v]);
        assert_int_equal(alone[v].status, LT_OK);
    }
    for (size_t i = 0; i < SPEAKERS; i++) {
        together[i].text = sentence;
        together[i].voice = voices[i % 4];
        assert_int_equal(pthread_create(&together[i].thread, NULL, speak_in_thread, &together[i]), 0);
    }
    for (size_t i = 0; i < SPEAKERS; i++) {
        pthread_join(together[i].thread, NULL);
        assert_int_equal(together[i].status, LT_OK);
        assert_same_speech(&together[i].capture.bytes, &alone[i % 4].capture.bytes, voices[i % 4]);
        str_free(&together[i].capture.bytes);
    }
    for (size_t v = 0; v < 4; v++)
        str_free(&alone[v].capture.bytes);
}

/* ---- The stages alone ---- */

static lt_status spell(const char *text, lt_input input, lt_stage stage, struct capture *c, lt_error *error)
{
    lt_request request;
    lt_request_init(&request);
    request.text = text;
    request.input = input;
    request.write = take;
    request.user = c;
    return lt_spell_out(engine, &request, stage, NULL, error);
}

/* Alone, again, and beside others, in every format; Ogg's serial number tells texts apart all the same. */
static void the_same_request_gives_the_same_bytes_in_every_format(void **state)
{
    (void)state;
    for (lt_format format = 0; format < LT_FORMAT_COUNT; format++) {
        struct str first = {0};
        for (int i = 0; i < 3; i++) {
            struct capture c = {0};
            lt_request request = pcm_request(&c, i < 2 ? sentence : "Another text.");
            request.voice = "kal16";
            request.format = format;
            assert_int_equal(lt_speak(engine, &request, NULL, NULL), LT_OK);
            if (i == 0) {
                first = c.bytes;
                continue;
            }
            if (i == 1) {
                assert_int_equal(c.bytes.length, first.length);
                assert_memory_equal(c.bytes.data, first.data, first.length);
            } else if (format == LT_FORMAT_OPUS) { /* bytes 14 to 17 of a page */
                assert_memory_not_equal(c.bytes.data + 14, first.data + 14, 4);
            }
            str_free(&c.bytes);
        }
        str_free(&first);
    }
}

static void stages_write_words_phonemes_and_receipts(void **state)
{
    (void)state;
    lt_error error;
    static const struct {
        const char *text;
        lt_input input;
        lt_stage stage;
        const char *expected;
    } cases[] = {
        {"It costs $5.\n\nReally!", LT_INPUT_TEXT, LT_STAGE_WORDS, "It costs five dollars.\nReally!\n"},
        {"<speak>It costs $5.</speak>", LT_INPUT_SSML, LT_STAGE_WORDS, "It costs five dollars.\n"},
        {"", LT_INPUT_TEXT, LT_STAGE_WORDS, ""},
        {"", LT_INPUT_TEXT, LT_STAGE_RECEIPT, "[]\n"},
        {"[Oh](/ˈO/)", LT_INPUT_TEXT, LT_STAGE_PHONEMES, "ˈO\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct capture c = {0};
        assert_int_equal(spell(cases[i].text, cases[i].input, cases[i].stage, &c, &error), LT_OK);
        assert_string_equal(c.bytes.data == NULL ? "" : c.bytes.data, cases[i].expected);
        str_free(&c.bytes);
    }
    struct capture c = {0};
    assert_int_equal(spell("One. Two 2. Three.", LT_INPUT_TEXT, LT_STAGE_RECEIPT, &c, &error), LT_OK);
    json_t *list = json_loadb(c.bytes.data, c.bytes.length, 0, NULL);
    assert_int_equal(json_array_size(list), 7); /* four words, three marks */
    const json_t *third = json_array_get(list, 3);
    assert_string_equal(json_string_value(json_object_get(third, "spoken")), "two");
    assert_int_equal(json_integer_value(json_array_get(json_object_get(third, "source"), 0)), 9);
    json_decref(list);
    str_free(&c.bytes);
}

static void stages_refuse_what_they_cannot_do(void **state)
{
    (void)state;
    lt_error error;
    struct capture c = {0};
    assert_int_equal(spell("h", LT_INPUT_PHONEMES, LT_STAGE_WORDS, &c, &error), LT_ERR_UNSUPPORTED);
    assert_int_equal(spell("h", LT_INPUT_TEXT, (lt_stage)7, &c, &error), LT_ERR_ARGUMENT);
    assert_int_equal(spell("\xff", LT_INPUT_TEXT, LT_STAGE_WORDS, &c, &error), LT_ERR_TEXT);
    assert_int_equal(spell(NULL, LT_INPUT_TEXT, LT_STAGE_WORDS, &c, &error), LT_ERR_ARGUMENT);
    c.stop_after = 1;
    assert_int_equal(spell("One.\n\nTwo.", LT_INPUT_TEXT, LT_STAGE_WORDS, &c, &error), LT_ERR_CANCELLED);
    assert_int_equal(c.writes, 1);
    str_free(&c.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_voice_speaks),
        cmocka_unit_test(speed_and_volume_scale_the_audio),
        cmocka_unit_test(text_in_pieces_gives_the_same_speech),
        cmocka_unit_test(bad_requests_end_in_one_sentence),
        cmocka_unit_test(openai_names_are_aliases),
        cmocka_unit_test(a_refusing_receiver_stops_the_request),
        cmocka_unit_test(cancel_leaves_a_valid_shorter_file),
        cmocka_unit_test(silence_and_nothing_are_fine),
        cmocka_unit_test(many_threads_get_the_speech_of_one),
        cmocka_unit_test(the_same_request_gives_the_same_bytes_in_every_format),
        cmocka_unit_test(stages_write_words_phonemes_and_receipts),
        cmocka_unit_test(stages_refuse_what_they_cannot_do),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
