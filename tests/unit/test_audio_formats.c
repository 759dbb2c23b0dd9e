/* test_audio_formats.c: every format is decoded by an independent decoder (ffmpeg; sox too, where it reads
 * the format) and compared with the samples that were encoded. One run of ffmpeg decodes all cases of a
 * format. */
#include <math.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "audio/encoder.h"
#include "base/file.h"

#define PI 3.14159265358979323846

extern char **environ;

/* ---- What is encoded --------------------------------------------------------------------------- */

enum signal { NOTHING, ONE, ODD, SWEEP, HARD, SIGNALS };

static const size_t signal_counts[SIGNALS] = {0, 1, 4801, 3 * LT_SAMPLE_RATE, 2 * LT_SAMPLE_RATE};

/* 100 to 5,000 Hz in `count` samples, amplitude 0.5. */
static void fill_sweep(float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double t = (double)i / LT_SAMPLE_RATE, length = (double)count / LT_SAMPLE_RATE;
        samples[i] = (float)(0.5 * sin(2 * PI * (100 * t + 4900 * t * t / (2 * length))));
    }
}

/* What a voice should never make: silence, noise, a full-scale square, values beyond full scale, NaN,
 * infinities. */
static void fill_hard(float *samples, size_t count)
{
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        size_t part = 6 * i / count;
        random = random * 1664525u + 1013904223u;
        float noise = (float)(int32_t)random / 2147483648.0f;
        samples[i] = part == 0   ? 0.0f
                     : part == 1 ? 0.9f * noise
                     : part == 2 ? (i / 60 % 2 ? 1.0f : -1.0f)
                                 : 3 * noise;
        if (part == 4)
            samples[i] = i / 50 % 2 ? NAN : 0.3f;
        if (part == 5)
            samples[i] = i / 30 % 3 == 0 ? INFINITY : i / 30 % 3 == 1 ? -INFINITY : 1e-40f;
    }
}

/* `signal_counts[signal]` samples and, in *pcm, what 16 bits should make of them. Both are the caller's. */
static float *make_signal(enum signal signal, int16_t **pcm)
{
    size_t count = signal_counts[signal];
    float *samples = malloc((count + 1) * sizeof *samples);
    *pcm = malloc((count + 1) * sizeof **pcm);
    assert_true(samples != NULL && *pcm != NULL);
    if (signal == HARD)
        fill_hard(samples, count);
    else
        fill_sweep(samples, count);
    if (signal == ONE)
        samples[0] = 0.25f;
    for (size_t i = 0; i < count; i++) {
        double value = isnan(samples[i]) ? 0 : nearbyint((double)samples[i] * 32768);
        (*pcm)[i] = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);
    }
    return samples;
}

/* ---- Files and processes ----------------------------------------------------------------------- */

struct folder {
    char path[64];
    bool have_ffmpeg, have_sox;
};

static int run(char *const *arguments)
{
    pid_t child;
    int status;
    if (posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ) != 0)
        return -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool have(const char *program)
{
    char command[64];
    snprintf(command, sizeof command, "command -v %s >/dev/null", program);
    return run((char *[]){"sh", "-c", command, NULL}) == 0;
}

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return -1;
    snprintf(folder->path, sizeof folder->path, "/tmp/litetts-test-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        free(folder);
        return -1;
    }
    folder->have_ffmpeg = have("ffmpeg");
    folder->have_sox = have("sox");
    if (!folder->have_ffmpeg)
        printf("ffmpeg is not installed: the tests that need it are skipped\n");
    if (!folder->have_sox)
        printf("sox is not installed: the test that needs it is skipped\n");
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    int code = run((char *[]){"rm", "-rf", folder->path, NULL});
    free(folder);
    return code;
}

static void name_file(char name[128], const struct folder *folder, const char *stem, int number,
                      const char *end)
{
    snprintf(name, 128, "%s/%s%d.%s", folder->path, stem, number, end);
}

static void save(const char *path, const struct str *bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    if (bytes->length > 0)
        assert_int_equal(fwrite(bytes->data, 1, bytes->length, file), bytes->length);
    assert_int_equal(fclose(file), 0);
}

/* ---- Encoding ---------------------------------------------------------------------------------- */

static bool memory_write(void *user, const void *bytes, size_t size)
{
    str_append(user, bytes, size);
    return true;
}

static bool memory_rewrite(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct str *memory = user;
    assert_true(offset + size <= memory->length);
    memcpy(memory->data + offset, bytes, size);
    return true;
}

/* Encodes in pieces of odd sizes. With `flush_at` > 0 it flushes there and stops, as a listener in the
 * middle of the speech has it. */
static void encode(lt_format format, const float *samples, size_t count, bool rewritable, size_t flush_at,
                   struct str *bytes)
{
    lt_error error;
    lt_config *config = lt_config_new();
    struct sink sink = {memory_write, rewritable ? memory_rewrite : NULL, bytes};
    struct encoder *encoder;
    assert_int_equal(encoder_open(format, config, &sink, &encoder, &error), LT_OK);
    size_t end = flush_at > 0 ? flush_at : count;
    for (size_t at = 0, piece = 1; at < end; piece = piece * 3 % 4999) {
        size_t n = piece < end - at ? piece : end - at;
        assert_int_equal(encoder_write(encoder, samples + at, n, &error), LT_OK);
        at += n;
    }
    if (flush_at > 0)
        assert_int_equal(encoder_flush(encoder, &error), LT_OK);
    else
        assert_int_equal(encoder_finish(encoder, &error), LT_OK);
    encoder_close(encoder);
    lt_config_free(config);
    assert_false(bytes->failed);
}

/* ---- Decoding ---------------------------------------------------------------------------------- */

#define CASES                                                                                                \
    (2 * SIGNALS + 1) /* each signal as a stream and with rewrite; then the flushed half of the sweep */

static void decode_all(const struct folder *folder, const char *format)
{
    char *arguments[8 + CASES * 20];
    char in[CASES][128], out[CASES][128], map[CASES][8];
    int n = 0;
#define ADD(text) arguments[n++] = (text)
    ADD("ffmpeg"), ADD("-nostdin"), ADD("-y"), ADD("-v"), ADD("error");
    for (int i = 0; i < CASES; i++) {
        name_file(in[i], folder, "in", i, format);
        if (strcmp(format, "pcm") == 0)
            ADD("-f"), ADD("s16le"), ADD("-ar"), ADD("24000"), ADD("-ac"), ADD("1");
        ADD("-i"), ADD(in[i]);
    }
    for (int i = 0; i < CASES; i++) {
        name_file(out[i], folder, "out", i, "raw");
        snprintf(map[i], sizeof map[i], "%d:a", i);
        ADD("-map"), ADD(map[i]), ADD("-f"), ADD("s16le"), ADD("-ar"), ADD("24000"), ADD("-ac"), ADD("1"),
            ADD(out[i]);
    }
    ADD(NULL);
#undef ADD
    assert_int_equal(run(arguments), 0);
}

static int16_t *load_samples(const char *path, size_t *count)
{
    struct str bytes = {0};
    assert_int_equal(file_read(path, SIZE_MAX, &bytes, NULL), LT_OK);
    int16_t *samples = malloc(bytes.length + 2);
    assert_non_null(samples);
    memcpy(samples, bytes.data != NULL ? bytes.data : "", bytes.length);
    *count = bytes.length / 2;
    str_free(&bytes);
    return samples;
}

/* ---- Comparing --------------------------------------------------------------------------------- */

/* How far `decoded` is behind `pcm`, from 0 to `most`: where a window of both correlates best. */
static size_t delay_of(const int16_t *decoded, size_t decoded_count, const int16_t *pcm, size_t count,
                       size_t most)
{
    size_t best = 0, from = count / 4, to = from + (count / 2 < 6000 ? count / 2 : 6000);
    double highest = -1e300;
    for (size_t delay = 0; delay <= most && to + delay <= decoded_count; delay++) {
        double sum = 0;
        for (size_t i = from; i < to; i++)
            sum += (double)pcm[i] * decoded[i + delay];
        if (sum > highest) {
            highest = sum;
            best = delay;
        }
    }
    return best;
}

/* Signal to noise in dB of what both have; `margin` samples at each end do not count. */
static double snr_of(const int16_t *decoded, size_t decoded_count, const int16_t *pcm, size_t count,
                     size_t delay, size_t margin)
{
    double signal = 0, noise = 0;
    for (size_t i = margin; i + margin < count && i + delay < decoded_count; i++) {
        double difference = (double)decoded[i + delay] - pcm[i];
        signal += (double)pcm[i] * pcm[i];
        noise += difference * difference;
    }
    return 10 * log10((signal + 1) / (noise + 1));
}

static double power_of(const int16_t *samples, size_t count)
{
    double sum = 1;
    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * samples[i];
    return sum;
}

/* What a format promises, in samples at LT_SAMPLE_RATE. */
struct promise {
    lt_format format;
    bool exact;
    size_t most_delay;    /* silence that a decoder puts in front */
    size_t most_extra;    /* what a decoder makes too many, delay included, of a stream */
    size_t extra_rewrite; /* the same with rewrite */
    size_t most_held;     /* what a flush may leave inside */
    double least_snr;     /* dB, of a sweep */
};

static void check_case(const struct promise *promise, enum signal signal, bool rewritable, const int16_t *pcm,
                       const int16_t *decoded, size_t decoded_count)
{
    size_t count = signal_counts[signal];
    if (promise->exact) {
        assert_int_equal(decoded_count, count);
        assert_memory_equal(decoded, pcm, count * sizeof *pcm);
        return;
    }
    if (signal == NOTHING || signal == ONE) { /* that it decodes is enough; a frame or two of near silence */
        assert_true(decoded_count <= 2048);
        return;
    }
    assert_in_range(decoded_count, count,
                    count + (rewritable ? promise->extra_rewrite : promise->most_extra));
    if (signal == HARD) { /* nothing wrapped, nothing vanished */
        assert_true(fabs(10 * log10(power_of(decoded, decoded_count) / power_of(pcm, count))) < 1.5);
        return;
    }
    size_t delay = delay_of(decoded, decoded_count, pcm, count, promise->most_delay);
    assert_true(snr_of(decoded, decoded_count, pcm, count, delay, 500) > promise->least_snr);
}

static void check_flushed(const struct promise *promise, const int16_t *pcm, size_t flush_at,
                          const int16_t *decoded, size_t decoded_count)
{
    size_t delay = delay_of(decoded, decoded_count, pcm, flush_at, promise->most_delay);
    assert_in_range(decoded_count, flush_at + delay - promise->most_held, flush_at + delay);
    assert_true(snr_of(decoded, decoded_count, pcm, flush_at, delay, 500) > promise->least_snr);
}

static void check_format(const struct folder *folder, const struct promise *promise)
{
    const char *format = lt_format_name(promise->format);
    const size_t flush_at = LT_SAMPLE_RATE + 123;
    float *samples[SIGNALS];
    int16_t *pcm[SIGNALS];
    char path[128];
    for (int i = 0; i < CASES; i++) {
        enum signal signal = i == CASES - 1 ? SWEEP : (enum signal)(i / 2);
        if (i % 2 == 0 && i < CASES - 1)
            samples[signal] = make_signal(signal, &pcm[signal]);
        struct str bytes = {0};
        encode(promise->format, samples[signal], signal_counts[signal], i % 2 == 1,
               i == CASES - 1 ? flush_at : 0, &bytes);
        name_file(path, folder, "in", i, format);
        save(path, &bytes);
        str_free(&bytes);
    }
    decode_all(folder, format);
    for (int i = 0; i < CASES; i++) {
        size_t count;
        name_file(path, folder, "out", i, "raw");
        int16_t *decoded = load_samples(path, &count);
        if (i == CASES - 1)
            check_flushed(promise, pcm[SWEEP], flush_at, decoded, count);
        else
            check_case(promise, (enum signal)(i / 2), i % 2 == 1, pcm[i / 2], decoded, count);
        free(decoded);
    }
    for (int i = 0; i < SIGNALS; i++) {
        free(samples[i]);
        free(pcm[i]);
    }
}

/* ---- The tests --------------------------------------------------------------------------------- */

#define FORMAT_TEST(name, ...)                                                                               \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        const struct folder *folder = *state;                                                                \
        if (!folder->have_ffmpeg)                                                                            \
            skip();                                                                                          \
        check_format(folder, &(const struct promise){__VA_ARGS__});                                          \
    }

FORMAT_TEST(pcm_decodes_to_what_was_encoded, .format = LT_FORMAT_PCM, .exact = true, .least_snr = 90)
FORMAT_TEST(wav_decodes_to_what_was_encoded, .format = LT_FORMAT_WAV, .exact = true, .least_snr = 90)
FORMAT_TEST(flac_decodes_to_what_was_encoded, .format = LT_FORMAT_FLAC, .exact = true, .most_held = 1153,
            .least_snr = 90)
/* Measured: 26 dB (LAME turns the level down by 0.4 dB, so that decoders do not clip), 21 to 29 dB, 77 dB. */
FORMAT_TEST(mp3_decodes_to_what_was_encoded, .format = LT_FORMAT_MP3, .most_delay = 1200, .most_extra = 2300,
            .extra_rewrite = 0, .most_held = 2000, .least_snr = 24)
FORMAT_TEST(opus_decodes_to_what_was_encoded, .format = LT_FORMAT_OPUS, .most_delay = 2, .most_extra = 0,
            .extra_rewrite = 0, .most_held = 481, .least_snr = 18)
FORMAT_TEST(aac_decodes_to_what_was_encoded, .format = LT_FORMAT_AAC, .most_delay = 1100, .most_extra = 2100,
            .extra_rewrite = 2100, .most_held = 3072, .least_snr = 40)

/* sox reads two of the formats, by other code than ffmpeg's (libFLAC for FLAC). */
static void sox_decodes_to_what_was_encoded(void **state)
{
    static const lt_format formats[] = {LT_FORMAT_WAV, LT_FORMAT_FLAC};
    struct folder *folder = *state;
    if (!folder->have_sox)
        skip();
    int16_t *pcm;
    float *samples = make_signal(HARD, &pcm);
    for (int i = 0; i < 4; i++) {
        char in[128], out[128];
        struct str bytes = {0};
        lt_format format = formats[i / 2];
        encode(format, samples, signal_counts[HARD], i % 2 == 1, 0, &bytes);
        name_file(in, folder, "sox", i, lt_format_name(format));
        name_file(out, folder, "sox", i, "s16");
        save(in, &bytes);
        str_free(&bytes);
        assert_int_equal(run((char *[]){"sox", "-V1", "-D", in, "-e", "signed", "-b", "16", "-L", out, NULL}),
                         0);
        size_t count;
        int16_t *decoded = load_samples(out, &count);
        assert_int_equal(count, signal_counts[HARD]);
        assert_memory_equal(decoded, pcm, count * sizeof *pcm);
        free(decoded);
    }
    free(samples);
    free(pcm);
}

/* RFC 9639, section 8.2: 36 bits of sample count end at byte 26 of the file; then the MD5 sum of the
 * samples. */
static void flac_header_has_length_and_md5_through_rewrite(void **state)
{
    struct folder *folder = *state;
    int16_t *pcm;
    float *samples = make_signal(HARD, &pcm);
    size_t count = signal_counts[HARD];
    char path[128], command[160], sum[33] = "", found[33] = "";
    name_file(path, folder, "md5", 0, "raw");
    struct str bytes = {0};
    str_append(&bytes, pcm, 2 * count);
    save(path, &bytes);
    snprintf(command, sizeof command, "md5sum %s", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(sum, 1, 32, pipe), 32);
    pclose(pipe);
    for (int rewritable = 0; rewritable < 2; rewritable++) {
        str_clear(&bytes);
        encode(LT_FORMAT_FLAC, samples, count, rewritable, 0, &bytes);
        const unsigned char *b = (const unsigned char *)bytes.data;
        uint64_t length = (uint64_t)(b[21] & 15) << 32 | (uint64_t)b[22] << 24 |
                          (uint64_t)(b[23] << 16 | b[24] << 8 | b[25]);
        for (size_t i = 0; i < 16; i++)
            snprintf(found + 2 * i, 3, "%02x", b[26 + i]);
        assert_int_equal(length, rewritable ? count : 0);
        assert_string_equal(found, rewritable ? sum : "00000000000000000000000000000000");
    }
    str_free(&bytes);
    free(samples);
    free(pcm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcm_decodes_to_what_was_encoded),
        cmocka_unit_test(wav_decodes_to_what_was_encoded),
        cmocka_unit_test(flac_decodes_to_what_was_encoded),
        cmocka_unit_test(mp3_decodes_to_what_was_encoded),
        cmocka_unit_test(opus_decodes_to_what_was_encoded),
        cmocka_unit_test(aac_decodes_to_what_was_encoded),
        cmocka_unit_test(sox_decodes_to_what_was_encoded),
        cmocka_unit_test(flac_header_has_length_and_md5_through_rewrite),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
