/* compare.c: see compare.h. */
#include "compare.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

enum { SIZE = 1024, HOP = 256, BANDS = 80, RATE = 24000 };

static const double PI = 3.14159265358979323846;

double snr_db(const double *reference, size_t reference_count, const float *values, size_t count)
{
    double signal = 0, noise = 0;
    if (count != reference_count)
        return NAN;
    for (size_t i = 0; i < count; i++) {
        const double difference = reference[i] - (double)values[i];
        signal += reference[i] * reference[i];
        noise += difference * difference;
    }
    const double db = 10 * log10(signal / noise);
    return noise == 0 || db > 300 ? 300 : db;
}

/* In place, by halves (Cooley and Tukey). */
static void fft(double complex *x, int n, int stride, double complex *scratch)
{
    if (n == 1)
        return;
    fft(x, n / 2, 2 * stride, scratch);
    fft(x + stride, n / 2, 2 * stride, scratch);
    for (int i = 0; i < n / 2; i++) {
        const double complex even = x[2 * i * stride];
        const double complex odd = x[(2 * i + 1) * stride] * cexp(-2 * PI * I * i / n);
        scratch[i] = even + odd;
        scratch[i + n / 2] = even - odd;
    }
    for (int i = 0; i < n; i++)
        x[i * stride] = scratch[i];
}

static double mel(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

/* Energy of each band at a frame. */
static void mel_frame(const double *samples, double bands[BANDS])
{
    static double complex x[SIZE], scratch[SIZE];
    for (int i = 0; i < SIZE; i++)
        x[i] = samples[i] * (0.5 - 0.5 * cos(2 * PI * i / SIZE));
    fft(x, SIZE, 1, scratch);
    for (int b = 0; b < BANDS; b++)
        bands[b] = 0;
    for (int k = 1; k < SIZE / 2; k++) { /* triangles that overlap by half */
        const double at = mel((double)k * RATE / SIZE) / mel(RATE / 2.0) * (BANDS + 1) - 1;
        const int band = (int)floor(at);
        const double energy = creal(x[k]) * creal(x[k]) + cimag(x[k]) * cimag(x[k]);
        if (band >= 0 && band < BANDS)
            bands[band] += energy * (band + 1 - at);
        if (band + 1 < BANDS && band + 1 >= 0)
            bands[band + 1] += energy * (at - band);
    }
}

double log_mel_distance_db(const double *reference, size_t reference_count, const float *values, size_t count)
{
    if (count != reference_count || count < SIZE)
        return NAN;
    const size_t frames = (count - SIZE) / HOP + 1;
    double *copy = malloc(count * sizeof *copy), *bands = malloc(frames * 2 * BANDS * sizeof *bands);
    if (!copy || !bands)
        abort(); /* a test without memory has nothing to say */
    for (size_t i = 0; i < count; i++)
        copy[i] = (double)values[i];
    double loudest = 0, sum = 0;
    for (size_t f = 0; f < frames; f++) {
        mel_frame(reference + f * HOP, bands + f * 2 * BANDS);
        mel_frame(copy + f * HOP, bands + f * 2 * BANDS + BANDS);
        for (int b = 0; b < BANDS; b++)
            loudest = fmax(loudest, bands[f * 2 * BANDS + (size_t)b]);
    }
    const double floor_energy = loudest * 1e-8;
    for (size_t f = 0; f < frames; f++)
        for (int b = 0; b < BANDS; b++) {
            const double *band = bands + f * 2 * BANDS + b;
            const double d = 10 * log10(fmax(band[0], floor_energy) / fmax(band[BANDS], floor_energy));
            sum += d * d;
        }
    free(copy);
    free(bands);
    return sqrt(sum / (double)(frames * BANDS));
}
