/* test_audio.c: names of formats, samples to 16 bits, the encoders as streams, resampling and volume. What
 * the encoded bytes sound like is test_audio_formats.c's to say. */
#include <math.h>
#include <pthread.h>
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
#include "audio/encoder.h"
#include "audio/encoder_type.h"
#include "audio/resample.h"
#include "audio/volume.h"
#include "base/str.h"

#define PI 3.14159265358979323846

/* ---- A sink in memory -------------------------------------------------------------------------- */

struct memory_sink {
    struct str bytes;
    int calls;     /* of write and rewrite */
    int refuse_at; /* the call that is refused; -1: none */
    bool refused;
};

static bool answer(struct memory_sink *memory)
{
    assert_false(memory->refused); /* a sink that refused is not called again */
    memory->refused = memory->calls++ == memory->refuse_at;
    return !memory->refused;
}

static bool memory_write(void *user, const void *bytes, size_t size)
{
    struct memory_sink *memory = user;
    assert_true(size > 0);
    str_append(&memory->bytes, bytes, size);
    return answer(memory);
}

static bool memory_rewrite(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct memory_sink *memory = user;
    assert_true(offset + size <= memory->bytes.length);
    memcpy(memory->bytes.data + offset, bytes, size);
    return answer(memory);
}

/* An encoder with the default configuration; NULL when it cannot be opened. */
static struct encoder *try_open_on(lt_format format, struct memory_sink *memory, bool rewritable)
{
    struct encoder *encoder;
    lt_config *config = lt_config_new();
    struct sink sink = {memory_write, rewritable ? memory_rewrite : NULL, memory};
    lt_error error;
    if (encoder_open(format, config, &sink, &encoder, &error) != LT_OK)
        fprintf(stderr, "%s\n", error.message);
    lt_config_free(config);
    return encoder;
}

static struct encoder *open_on(lt_format format, struct memory_sink *memory, bool rewritable)
{
    struct encoder *encoder = try_open_on(format, memory, rewritable);
    assert_non_null(encoder);
    return encoder;
}

static void fill_tone(float *samples, size_t count, double hertz, double rate)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(0.5 * sin(2 * PI * hertz * (double)i / rate));
}

/* ---- Names ------------------------------------------------------------------------------------- */

static void formats_are_found_by_name_and_by_ending(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        lt_format format;
    } good[] = {
        {"wav", LT_FORMAT_WAV},       {"PCM", LT_FORMAT_PCM},         {"Mp3", LT_FORMAT_MP3},
        {"book.MP3", LT_FORMAT_MP3},  {"a.b/c.opus", LT_FORMAT_OPUS}, {"x.tar.flac", LT_FORMAT_FLAC},
        {"/tmp/.aac", LT_FORMAT_AAC}, {"book.ogg", LT_FORMAT_OPUS},   {"./wav.pcm", LT_FORMAT_PCM},
    };
    static const char *const bad[] = {"",           ".",       "mp",      "mp3x", "book.",
                                      "a.mp3/book", "out/mp3", "wav.txt", "mp3 "};
    lt_error error;
    lt_format format;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(lt_format_parse(good[i].name, &format, &error), LT_OK);
        assert_int_equal(format, good[i].format);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(lt_format_parse(bad[i], &format, &error), LT_ERR_FORMAT);
        for (int f = 0; f < LT_FORMAT_COUNT; f++)
            assert_non_null(strstr(error.message, lt_format_name((lt_format)f)));
    }
    assert_int_equal(lt_format_parse(NULL, &format, NULL), LT_ERR_FORMAT);
}

static void every_format_has_a_name_and_a_type(void **state)
{
    (void)state;
    for (int i = 0; i < LT_FORMAT_COUNT; i++) {
        lt_format format;
        assert_int_equal(lt_format_parse(lt_format_name((lt_format)i), &format, NULL), LT_OK);
        assert_int_equal(format, i);
        assert_int_equal(strncmp(lt_format_mime((lt_format)i), "audio/", 6), 0);
    }
    assert_null(lt_format_name(LT_FORMAT_COUNT));
    assert_null(lt_format_mime((lt_format)-1));
}

/* ---- Samples and headers ----------------------------------------------------------------------- */

static void samples_are_rounded_and_clamped(void **state)
{
    (void)state;
    static const struct {
        float sample;
        int value;
    } cases[] = {
        {0, 0},
        {1, 32767},
        {-1, -32768},
        {0.5f, 16384},
        {1e30f, 32767},
        {-1e30f, -32768},
        {INFINITY, 32767},
        {-INFINITY, -32768},
        {NAN, 0},
        {1.4f / 32768, 1},
        {1.6f / 32768, 2},
        {-1.6f / 32768, -2},
        {32766.4f / 32768, 32766},
        {1e-30f, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char bytes[2];
        pcm_s16le(&cases[i].sample, 1, bytes);
        assert_int_equal((int16_t)(bytes[0] | bytes[1] << 8), cases[i].value);
    }
    for (int value = INT16_MIN; value <= INT16_MAX; value++) { /* 16-bit audio comes back as it was */
        float sample = (float)value / 32768.0f;
        unsigned char bytes[2];
        pcm_s16le(&sample, 1, bytes);
        assert_int_equal((int16_t)(bytes[0] | bytes[1] << 8), value);
    }
}

static uint32_t u32_at(const void *bytes, size_t at)
{
    const unsigned char *b = (const unsigned char *)bytes + at;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static void wav_sizes_are_true_or_the_streaming_ones(void **state)
{
    (void)state;
    static const struct {
        uint64_t data;
        uint32_t riff_size, data_size;
    } cases[] = {
        {0, 36, 0},
        {2, 38, 2},
        {0xffffffd8, 0xfffffffc, 0xffffffd8},
        {0xffffffda, 0xfffffffe, 0xffffffda}, /* the largest that fits */
        {0xffffffdc, 0xffffffff, 0xffffffff},
        {0xffffffff, 0xffffffff, 0xffffffff},
        {0x100000000, 0xffffffff, 0xffffffff}, /* 4 GiB, whose low 32 bits are 0 */
        {0x100000064, 0xffffffff, 0xffffffff},
        {UINT64_MAX, 0xffffffff, 0xffffffff},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char header[44];
        wav_header(cases[i].data, header);
        assert_int_equal(u32_at(header, 4), cases[i].riff_size);
        assert_int_equal(u32_at(header, 40), cases[i].data_size);
    }
}

static void wav_gets_true_sizes_through_rewrite_alone(void **state)
{
    (void)state;
    float samples[5000];
    fill_tone(samples, 5000, 440, LT_SAMPLE_RATE);
    for (int rewritable = 0; rewritable < 2; rewritable++) {
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on(LT_FORMAT_WAV, &memory, rewritable);
        assert_int_equal(encoder_write(encoder, samples, 5000, NULL), LT_OK);
        assert_int_equal(u32_at(memory.bytes.data, 4), 0xffffffff);
        assert_int_equal(encoder_finish(encoder, NULL), LT_OK);
        encoder_close(encoder);
        assert_int_equal(memory.bytes.length, 44 + 10000);
        assert_int_equal(u32_at(memory.bytes.data, 4), rewritable ? 10036 : 0xffffffff);
        assert_int_equal(u32_at(memory.bytes.data, 40), rewritable ? 10000 : 0xffffffff);
        str_free(&memory.bytes);
    }
}

/* ---- Streaming --------------------------------------------------------------------------------- */

static void nothing_is_written_before_the_first_sample(void **state)
{
    (void)state;
    for (int format = 0; format < LT_FORMAT_COUNT; format++) {
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on((lt_format)format, &memory, true);
        assert_int_equal(encoder_write(encoder, NULL, 0, NULL), LT_OK);
        assert_int_equal(encoder_flush(encoder, NULL), LT_OK);
        encoder_close(encoder); /* neither does a close without finish */
        assert_int_equal(memory.calls, 0);
        str_free(&memory.bytes);
    }
}

/* Without any flush, a second of sound has brought bytes, and each further one more. */
static void bytes_leave_while_samples_still_come(void **state)
{
    (void)state;
    float samples[LT_SAMPLE_RATE / 10];
    fill_tone(samples, LT_SAMPLE_RATE / 10, 500, LT_SAMPLE_RATE);
    for (int format = 0; format < LT_FORMAT_COUNT; format++) {
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on((lt_format)format, &memory, false);
        size_t before = 0;
        for (int tenth = 1; tenth <= 40; tenth++) {
            assert_int_equal(encoder_write(encoder, samples, LT_SAMPLE_RATE / 10, NULL), LT_OK);
            if (tenth % 10 == 0) {
                assert_true(memory.bytes.length > before + 1000);
                before = memory.bytes.length;
            }
        }
        assert_int_equal(encoder_finish(encoder, NULL), LT_OK);
        encoder_close(encoder);
        str_free(&memory.bytes);
    }
}

static void a_flush_without_new_sound_writes_nothing(void **state)
{
    (void)state;
    float samples[9000];
    fill_tone(samples, 9000, 300, LT_SAMPLE_RATE);
    for (int format = 0; format < LT_FORMAT_COUNT; format++) {
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on((lt_format)format, &memory, true);
        assert_int_equal(encoder_write(encoder, samples, 9000, NULL), LT_OK);
        assert_int_equal(encoder_flush(encoder, NULL), LT_OK);
        size_t length = memory.bytes.length;
        assert_int_equal(encoder_flush(encoder, NULL), LT_OK);
        assert_int_equal(memory.bytes.length, length);
        encoder_close(encoder);
        str_free(&memory.bytes);
    }
}

static void closing_half_way_writes_nothing_more(void **state)
{
    (void)state;
    float samples[7001];
    fill_tone(samples, 7001, 300, LT_SAMPLE_RATE);
    for (int format = 0; format < LT_FORMAT_COUNT; format++) {
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on((lt_format)format, &memory, true);
        assert_int_equal(encoder_write(encoder, samples, 7001, NULL), LT_OK);
        int calls = memory.calls;
        encoder_close(encoder);
        assert_int_equal(memory.calls, calls);
        str_free(&memory.bytes);
    }
}

/* Speaks `count` samples in pieces of odd sizes with a flush in the middle; the first failure, or LT_OK. */
static lt_status drive(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    lt_status status = LT_OK;
    for (size_t at = 0, piece = 1; at < count && status == LT_OK; piece = piece * 3 % 4999) {
        size_t n = piece < count - at ? piece : count - at;
        status = encoder_write(encoder, samples + at, n, error);
        if (status == LT_OK && at < count / 2 && at + n >= count / 2)
            status = encoder_flush(encoder, error);
        at += n;
    }
    return status == LT_OK ? encoder_finish(encoder, error) : status;
}

/* Refuses the first call, the second ... until a run needs no more calls. */
static void a_sink_that_refuses_ends_the_stream(void **state)
{
    (void)state;
    enum { COUNT = 15001 };
    float *samples = malloc(COUNT * sizeof *samples);
    assert_non_null(samples);
    fill_tone(samples, COUNT, 500, LT_SAMPLE_RATE);
    for (int format = 0; format < LT_FORMAT_COUNT; format++) {
        lt_error error = {.status = LT_ERR_CANCELLED};
        int runs = 0;
        for (; error.status == LT_ERR_CANCELLED; runs++) {
            struct memory_sink memory = {.refuse_at = runs};
            struct encoder *encoder = open_on((lt_format)format, &memory, true);
            lt_status status = drive(encoder, samples, COUNT, &error);
            assert_int_equal(status, memory.refused ? LT_ERR_CANCELLED : LT_OK);
            assert_int_equal(error.status, status);
            assert_int_equal(strlen(error.message) > 0, memory.refused);
            if (memory.refused) { /* and stays ended, silently */
                assert_int_equal(encoder_write(encoder, samples, 100, NULL), LT_ERR_CANCELLED);
                assert_int_equal(encoder_flush(encoder, NULL), LT_ERR_CANCELLED);
                assert_int_equal(encoder_finish(encoder, &error), LT_ERR_CANCELLED);
            }
            encoder_close(encoder);
            str_free(&memory.bytes);
        }
        assert_true(runs > 3);
    }
    free(samples);
}

static void an_unknown_format_is_an_error(void **state)
{
    (void)state;
    lt_error error;
    struct encoder *encoder;
    struct sink sink = {memory_write, NULL, NULL};
    assert_int_equal(encoder_open(LT_FORMAT_COUNT, NULL, &sink, &encoder, &error), LT_ERR_FORMAT);
    assert_null(encoder);
    encoder_close(NULL);
}

static void every_bit_rate_of_the_configuration_works(void **state)
{
    (void)state;
    static const struct {
        lt_format format;
        enum config_key key;
    } keys[] = {{LT_FORMAT_MP3, CONFIG_audio_mp3_bitrate},
                {LT_FORMAT_OPUS, CONFIG_audio_opus_bitrate},
                {LT_FORMAT_AAC, CONFIG_audio_aac_bitrate}};
    float samples[4000];
    fill_tone(samples, 4000, 500, LT_SAMPLE_RATE);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const struct config_key_info *info = config_key(keys[i].key);
        size_t first = 0, size = 0;
        for (int rate = (int)info->least; rate <= (int)info->most; rate += rate < 48 ? 1 : 13) {
            struct memory_sink memory = {.refuse_at = -1};
            struct sink sink = {memory_write, memory_rewrite, &memory};
            lt_config *config = lt_config_new();
            char text[16];
            struct encoder *encoder;
            lt_error error;
            snprintf(text, sizeof text, "%d", rate);
            assert_int_equal(lt_config_set(config, info->name, text, &error), LT_OK);
            assert_int_equal(encoder_open(keys[i].format, config, &sink, &encoder, &error), LT_OK);
            assert_int_equal(drive(encoder, samples, 4000, &error), LT_OK);
            encoder_close(encoder);
            size = memory.bytes.length;
            first = first == 0 ? size : first;
            lt_config_free(config);
            str_free(&memory.bytes);
        }
        assert_true(size > 3 * first); /* the setting has an effect */
    }
}

/* A library does not write to its caller's terminal, and libavcodec would. */
static void codecs_print_nothing(void **state)
{
    (void)state;
    float samples[5000];
    fill_tone(samples, 5000, 500, LT_SAMPLE_RATE);
    FILE *caught = tmpfile();
    assert_non_null(caught);
    fflush(NULL);
    int saved[2] = {dup(STDOUT_FILENO), dup(STDERR_FILENO)};
    dup2(fileno(caught), STDOUT_FILENO);
    dup2(fileno(caught), STDERR_FILENO);
    lt_status worst = LT_OK;
    for (int i = 0; i < 2 * LT_FORMAT_COUNT; i++) { /* finished, and dropped half-way */
        struct memory_sink memory = {.refuse_at = -1};
        struct encoder *encoder = open_on((lt_format)(i / 2), &memory, true);
        lt_status status =
            i % 2 == 0 ? drive(encoder, samples, 5000, NULL) : encoder_write(encoder, samples, 5000, NULL);
        worst = status != LT_OK ? status : worst;
        encoder_close(encoder);
        str_free(&memory.bytes);
    }
    fflush(NULL);
    dup2(saved[0], STDOUT_FILENO);
    dup2(saved[1], STDERR_FILENO);
    close(saved[0]);
    close(saved[1]);
    assert_int_equal(worst, LT_OK);
    assert_int_equal(lseek(fileno(caught), 0, SEEK_END), 0);
    fclose(caught);
}

/* ---- Threads ----------------------------------------------------------------------------------- */

struct job {
    lt_format format;
    const float *samples;
    size_t count;
    struct memory_sink memory;
    lt_status status;
};

static void *encode_job(void *argument)
{
    struct job *job = argument;
    struct encoder *encoder = try_open_on(job->format, &job->memory, true);
    job->status = encoder == NULL ? LT_ERR_INTERNAL : drive(encoder, job->samples, job->count, NULL);
    encoder_close(encoder);
    return NULL;
}

/* The codecs share nothing: at the same time they make the same bytes as one after the other. */
static void encoders_in_threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    enum { COUNT = 24000, JOBS = 3 * LT_FORMAT_COUNT };
    float *samples = malloc(COUNT * sizeof *samples);
    assert_non_null(samples);
    fill_tone(samples, COUNT, 700, LT_SAMPLE_RATE);
    struct job jobs[JOBS];
    pthread_t threads[JOBS];
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (struct job){(lt_format)(i % LT_FORMAT_COUNT), samples, COUNT, {.refuse_at = -1}};
        assert_int_equal(pthread_create(&threads[i], NULL, encode_job, &jobs[i]), 0);
    }
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < JOBS; i++) {
        struct job alone = {jobs[i].format, samples, COUNT, {.refuse_at = -1}};
        encode_job(&alone);
        assert_int_equal(alone.status, LT_OK);
        assert_int_equal(jobs[i].status, LT_OK);
        assert_int_equal(alone.memory.bytes.length, jobs[i].memory.bytes.length);
        if (jobs[i].format != LT_FORMAT_OPUS) /* whose pages bear a random number */
            assert_memory_equal(alone.memory.bytes.data, jobs[i].memory.bytes.data,
                                alone.memory.bytes.length);
        str_free(&alone.memory.bytes);
        str_free(&jobs[i].memory.bytes);
    }
    free(samples);
}

/* ---- Resampling -------------------------------------------------------------------------------- */

/* Resamples `count` samples in pieces of `piece` with an output buffer of `capacity`; returns how many
 * came. `out` holds `room`. *lag is the most input, in seconds, that was inside before the end. */
static size_t resample(int rate, const float *in, size_t count, size_t piece, size_t capacity, float *out,
                       size_t room, double *lag)
{
    struct resampler *resampler;
    lt_error error;
    assert_int_equal(resampler_open(rate, &resampler, &error), LT_OK);
    size_t at = 0, total = 0, produced = 0;
    *lag = 0;
    for (bool last = false; !last || at < count || produced == capacity;) {
        size_t n = piece < count - at ? piece : count - at;
        last = at + n == count;
        size_t used;
        assert_true(total + capacity <= room);
        assert_true(resampler_process(resampler, n > 0 ? in + at : NULL, n, last, out + total, capacity,
                                      &used, &produced));
        assert_true(used <= n && produced <= capacity);
        at += used;
        total += produced;
        if (!last && produced < capacity)
            *lag = fmax(*lag, (double)at / rate - (double)total / LT_SAMPLE_RATE);
    }
    resampler_close(resampler);
    return total;
}

static void resampling_keeps_length_time_and_pitch(void **state)
{
    (void)state;
    static const int rates[] = {8000, 11025, 16000, 22050, 24000, 44100, 48000};
    enum { ROOM = 40000 };
    float *in = malloc(2 * ROOM * sizeof *in), *out = malloc(ROOM * sizeof *out),
          *same = malloc(ROOM * sizeof *same);
    assert_true(in != NULL && out != NULL && same != NULL);
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        size_t count = (size_t)rates[r] + 77;
        double lag, ignored;
        fill_tone(in, count, 1000, rates[r]);
        size_t total = resample(rates[r], in, count, 160, 333, out, ROOM, &lag);
        assert_true(fabs((double)total - (double)count * LT_SAMPLE_RATE / rates[r]) <= 0.5);
        assert_true(lag < 0.040);
        double noise = 0, signal = 0;
        for (size_t i = 1000; i < total - 1000; i++) { /* away from the tone's hard ends */
            double wanted = 0.5 * sin(2 * PI * 1000 * (double)i / LT_SAMPLE_RATE);
            signal += wanted * wanted;
            noise += (out[i] - wanted) * (out[i] - wanted);
        }
        assert_true(10 * log10(signal / noise) > 100); /* measured: 119 dB or better */
        /* However it is cut, the same samples come. */
        assert_int_equal(resample(rates[r], in, count, count, 4096, same, ROOM, &ignored), total);
        assert_memory_equal(out, same, total * sizeof *out);
    }
    free(in);
    free(out);
    free(same);
}

static void resampling_works_at_the_edges(void **state)
{
    (void)state;
    struct resampler *resampler;
    lt_error error;
    float in[3] = {0.25f, 0.25f, 0.25f}, out[64];
    double lag;
    static const int bad[] = {0, -16000, 999, 384001, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(resampler_open(bad[i], &resampler, &error), LT_ERR_UNSUPPORTED);
        assert_null(resampler);
    }
    assert_int_equal(resample(16000, in, 0, 1, 64, out, 64, &lag), 0);
    assert_int_equal(resample(8000, in, 1, 1, 64, out, 64, &lag), 3);
    assert_int_equal(resample(48000, in, 2, 1, 64, out, 64, &lag), 1);
    assert_int_equal(resample(24000, in, 3, 2, 1, out, 64, &lag), 3);
    resampler_close(NULL);
}

/* ---- Volume ------------------------------------------------------------------------------------ */

/* ---- Ambience ---------------------------------------------------------------------------------- */

/* `count` samples of a kind at `level`, asked for in pieces of `piece`. */
static float *make_ambience(enum ambience_kind kind, float level, uint64_t seed, size_t count, size_t piece)
{
    struct ambience ambience;
    float *samples = calloc(count, sizeof *samples);
    assert_non_null(samples);
    ambience_init(&ambience, seed);
    ambience_set(&ambience, kind, level);
    for (size_t at = 0; at < count; at += piece)
        ambience_mix(&ambience, samples + at, piece < count - at ? piece : count - at);
    return samples;
}

static double rms(const float *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return sqrt(sum / (double)count);
}

/* The share of the energy that differences keep: low for dull sounds, high for bright ones. */
static double brightness(const float *samples, size_t count)
{
    double sum = 0;
    for (size_t i = 1; i < count; i++)
        sum += pow((double)samples[i] - (double)samples[i - 1], 2);
    return sqrt(sum / (double)count) / rms(samples, count);
}

static void ambience_is_as_loud_as_it_says(void **state)
{
    (void)state;
    const size_t count = 30 * LT_SAMPLE_RATE, faded = AMBIENCE_FADE_SAMPLES;
    double bright[AMBIENCE_KINDS];
    for (int kind = 0; kind < AMBIENCE_KINDS; kind++) {
        float *loud = make_ambience((enum ambience_kind)kind, 1, 7, count, count);
        float *soft = make_ambience((enum ambience_kind)kind, 0.2f, 7, count, count);
        double level = rms(loud + faded, count - faded), sum = 0, most = 0;
        for (size_t i = faded; i < count; i++) {
            sum += (double)loud[i];
            most = fmax(most, fabs((double)loud[i]));
        }
        assert_true(level > 0.7 * (double)AMBIENCE_RMS && level < 1.4 * (double)AMBIENCE_RMS);
        assert_true(fabs(rms(soft + faded, count - faded) / level - 0.2) < 0.001);
        assert_true(fabs(sum / (double)(count - faded)) < 0.001); /* no DC */
        assert_true(most < 1.2);
        for (size_t i = 0; i < 100; i++) /* it fades in */
            assert_true(fabs((double)loud[i]) < 0.02);
        bright[kind] = brightness(loud + faded, count - faded);
        free(loud);
        free(soft);
    }
    assert_true(bright[AMBIENCE_RAIN] > bright[AMBIENCE_NATURE]);
    assert_true(bright[AMBIENCE_NATURE] > bright[AMBIENCE_COFFEE_SHOP]);
    assert_true(bright[AMBIENCE_COFFEE_SHOP] > bright[AMBIENCE_WIND]);
}

static void ambience_does_not_depend_on_pieces(void **state)
{
    (void)state;
    enum { COUNT = 2 * LT_SAMPLE_RATE };
    for (int kind = 0; kind < AMBIENCE_KINDS; kind++) {
        float *whole = make_ambience((enum ambience_kind)kind, 0.5f, 3, COUNT, COUNT);
        float *pieces = make_ambience((enum ambience_kind)kind, 0.5f, 3, COUNT, 77);
        float *other = make_ambience((enum ambience_kind)kind, 0.5f, 4, COUNT, COUNT);
        assert_memory_equal(whole, pieces, COUNT * sizeof *whole);
        assert_memory_not_equal(whole, other, COUNT * sizeof *whole);
        free(whole);
        free(pieces);
        free(other);
    }
}

/* One kind gives way to another, and that to silence: no step, and after the fade nothing. */
static void ambience_fades(void **state)
{
    (void)state;
    enum { STEP = AMBIENCE_FADE_SAMPLES };
    static float samples[4 * STEP];
    struct ambience ambience;
    memset(samples, 0, sizeof samples);
    ambience_init(&ambience, 1);
    assert_false(ambience_sounds(&ambience));
    ambience_set(&ambience, AMBIENCE_WIND, 1);
    ambience_mix(&ambience, samples, STEP);
    ambience_set(&ambience, AMBIENCE_COFFEE_SHOP, 1);
    ambience_mix(&ambience, samples + STEP, STEP / 2); /* a change of mind in the middle of a fade */
    ambience_set(&ambience, AMBIENCE_KINDS, 0);
    assert_true(ambience_sounds(&ambience));
    ambience_mix(&ambience, samples + STEP + STEP / 2, STEP + 1);
    assert_false(ambience_sounds(&ambience));
    ambience_mix(&ambience, samples + 3 * STEP, STEP);
    for (size_t i = 1; i < 4 * STEP; i++)
        assert_true(fabs((double)samples[i] - (double)samples[i - 1]) < 0.2);
    assert_true(rms(samples + STEP / 2, STEP) > 0.01);
    assert_true(rms(samples + 3 * STEP, STEP) == 0);
}

static void ambience_has_names(void **state)
{
    (void)state;
    enum ambience_kind kind = AMBIENCE_KINDS;
    assert_true(ambience_find("coffee_shop", &kind) && kind == AMBIENCE_COFFEE_SHOP);
    assert_true(ambience_find("nature", &kind) && kind == AMBIENCE_NATURE);
    assert_false(ambience_find("volcano", &kind) || ambience_find(NULL, &kind));
}

/* ---- Volume ------------------------------------------------------------------------------------ */

static void volume_scales_and_never_passes_full_scale(void **state)
{
    (void)state;
    float samples[4] = {0.5f, -1.0f, 0.0f, 2.0f};
    volume_apply(samples, 4,
                 1); /* nothing changes, not even beyond full scale: that is the encoder's to clamp */
    assert_memory_equal(samples, ((float[4]){0.5f, -1.0f, 0.0f, 2.0f}), sizeof samples);
    volume_apply(samples, 4, 0.5f);
    assert_memory_equal(samples, ((float[4]){0.25f, -0.5f, 0.0f, 1.0f}), sizeof samples);
    volume_apply(samples, 2, 2);
    assert_memory_equal(samples, ((float[2]){0.5f, -0.792f}), sizeof(float));
    volume_apply(samples, 4, 0);
    for (int i = 0; i < 4; i++)
        assert_true(samples[i] == 0);

    static const float volumes[] = {1.001f, 1.5f, 2, 4};
    for (size_t v = 0; v < sizeof volumes / sizeof *volumes; v++) {
        float before = 0;
        for (int i = 0; i <= 40000; i++) { /* rising, smooth, odd, at most 1 */
            float pair[2] = {(float)i / 10000, -(float)i / 10000};
            volume_apply(pair, 2, volumes[v]);
            assert_true(pair[0] >= before && pair[0] <= 1);
            assert_true(pair[0] - before <= volumes[v] * 1.001f / 10000 + 1e-6f);
            assert_true(pair[1] == -pair[0]);
            if (volumes[v] * (float)i / 10000 <= 0.8f)
                assert_true(pair[0] == (float)i / 10000 * volumes[v]);
            before = pair[0];
        }
    }
    float wild[3] = {INFINITY, -INFINITY, 1e38f};
    volume_apply(wild, 3, 4);
    assert_true(wild[0] == 1 && wild[1] == -1 && wild[2] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found_by_name_and_by_ending),
        cmocka_unit_test(every_format_has_a_name_and_a_type),
        cmocka_unit_test(samples_are_rounded_and_clamped),
        cmocka_unit_test(wav_sizes_are_true_or_the_streaming_ones),
        cmocka_unit_test(wav_gets_true_sizes_through_rewrite_alone),
        cmocka_unit_test(nothing_is_written_before_the_first_sample),
        cmocka_unit_test(bytes_leave_while_samples_still_come),
        cmocka_unit_test(a_flush_without_new_sound_writes_nothing),
        cmocka_unit_test(closing_half_way_writes_nothing_more),
        cmocka_unit_test(a_sink_that_refuses_ends_the_stream),
        cmocka_unit_test(an_unknown_format_is_an_error),
        cmocka_unit_test(every_bit_rate_of_the_configuration_works),
        cmocka_unit_test(codecs_print_nothing),
        cmocka_unit_test(encoders_in_threads_do_not_disturb_each_other),
        cmocka_unit_test(resampling_keeps_length_time_and_pitch),
        cmocka_unit_test(resampling_works_at_the_edges),
        cmocka_unit_test(ambience_is_as_loud_as_it_says),
        cmocka_unit_test(ambience_does_not_depend_on_pieces),
        cmocka_unit_test(ambience_fades),
        cmocka_unit_test(ambience_has_names),
        cmocka_unit_test(volume_scales_and_never_passes_full_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
