/* stft.c: see stft.h. */
#include "nn/stft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STFT_ROWS = 1024 }; /* rows of a task */

static const double PI = 3.14159265358979323846;

static double hann(int n_fft, int k)
{
    return 0.5 - 0.5 * cos(2 * PI * k / n_fft);
}

static void fill_tables(struct stft *s)
{
    const int n = s->n_fft, hop = s->hop, taps = n / hop, bins = s->bins;
    float *forward = s->tables, *inverse = forward + (ptrdiff_t)2 * bins * taps * s->forward.in;
    for (int b = 0; b < bins; b++)
        for (int k = 0; k < n; k++) {
            const double angle = 2 * PI * ((double)b * k / n - floor((double)b * k / n));
            const ptrdiff_t at = (ptrdiff_t)(k / hop) * s->forward.in + k % hop;
            forward[(ptrdiff_t)b * taps * s->forward.in + at] = (float)(hann(n, k) * cos(angle));
            forward[(ptrdiff_t)(bins + b) * taps * s->forward.in + at] = (float)(-hann(n, k) * sin(angle));
            /* bins 0 and n / 2 stand for themselves, the others also for their mirror image */
            const double weight = hann(n, k) * (b == 0 || b == n / 2 ? 1 : 2) / n;
            float *row = inverse + ((ptrdiff_t)(k % hop) * taps + (taps - 1 - k / hop)) * s->inverse.in;
            row[b] = (float)(weight * cos(angle));
            row[bins + b] = b == 0 || b == n / 2 ? 0 : (float)(-weight * sin(angle));
        }
}

static struct weight table_weight(const float *data, int out, int taps, int in)
{
    return (struct weight){.data = data,
                           .type = VALUE_F32,
                           .out = out,
                           .taps = taps,
                           .in = in,
                           .row_bytes = (size_t)taps * (size_t)in * sizeof(float)};
}

lt_status stft_open(struct stft *s, int n_fft, int hop, lt_error *error)
{
    const int taps = n_fft / hop, bins = n_fft / 2 + 1;
    const int samples = kernels_padded(hop), parts = kernels_padded(2 * bins);
    const size_t forward = (size_t)2 * (size_t)bins * (size_t)taps * (size_t)samples;
    const size_t inverse = (size_t)hop * (size_t)taps * (size_t)parts;
    float *tables = calloc(forward + inverse, sizeof *tables);
    if (!tables)
        return error_memory(error, "the Fourier tables");
    *s = (struct stft){.n_fft = n_fft, .hop = hop, .bins = bins, .tables = tables};
    s->forward = table_weight(tables, 2 * bins, taps, samples);
    s->inverse = table_weight(tables + forward, hop, taps, parts);
    fill_tables(s);
    return LT_OK;
}

void stft_close(struct stft *s)
{
    free(s->tables);
    *s = (struct stft){0};
}

struct stft_run {
    const struct nn *nn;
    const struct stft *stft;
    struct array from, to;
};

static void polar_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct stft_run *run = arg;
    const int bins = run->stft->bins, first = task * STFT_ROWS;
    const int past = first + STFT_ROWS < run->from.rows ? first + STFT_ROWS : run->from.rows;
    for (int t = first; t < past; t++) {
        float *row = array_floats(&run->from, t);
        row[bins] = row[2 * bins - 1] =
            0; /* real by nature: without rounding, whose sign the angle would show */
        for (int b = 0; b < bins; b++) {
            const float re = row[b], im = row[bins + b];
            row[b] = sqrtf(re * re + im * im);
            row[bins + b] = atan2f(im, re);
        }
        if (run->from.data != run->to.data)
            run->nn->kernels.from_float(array_row(&run->to, t), run->to.type, row, (size_t)bins * 2);
    }
}

void stft_forward(struct nn *nn, const struct stft *s, const float *samples, int count,
                  const struct array *spectrum)
{
    const size_t mark = nn->arena.used;
    const int half = s->n_fft / 2, rows = count / s->hop + 1;
    const int padded = count + s->n_fft;
    struct array parts = *spectrum;
    if (spectrum->type != VALUE_F32)
        parts = nn_array(nn, VALUE_F32, rows, 2 * s->bins);
    float *signal = arena_take(&nn->arena, (size_t)padded * sizeof *signal);
    if (!nn->arena.overflow) {
        memcpy(signal + half, samples, (size_t)count * sizeof *signal);
        for (int i = 1; i <= half; i++) {
            signal[half - i] = samples[i];
            signal[half + count - 1 + i] = samples[count - 1 - i];
        }
        nn_layer(nn, &(struct layer){.weight = &s->forward,
                                     .products = &nn->kernels.exact,
                                     .in = {signal, VALUE_F32, padded / s->hop, s->hop, s->hop},
                                     .out = parts});
        struct stft_run run = {nn, s, parts, *spectrum};
        threads_run(nn->threads, polar_task, &run, (rows + STFT_ROWS - 1) / STFT_ROWS);
    }
    arena_release(&nn->arena, mark);
}

/* (log magnitude, x) to the complex number of that magnitude and the angle sin(x). */
static void complex_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct stft_run *run = arg;
    const struct kernels *kernels = &run->nn->kernels;
    const int bins = run->stft->bins, first = task * STFT_ROWS;
    const int past = first + STFT_ROWS < run->from.rows ? first + STFT_ROWS : run->from.rows;
    float cosines[64 / 2 + 1];
    for (int t = first; t < past; t++) {
        float *row = array_floats(&run->from, t), *angle = row + bins;
        kernels->exponential(row, row, (size_t)bins);
        kernels->sine(angle, angle, (size_t)bins);
        kernels->cosine(cosines, angle, (size_t)bins);
        kernels->sine(angle, angle, (size_t)bins);
        for (int b = 0; b < bins; b++) {
            angle[b] *= row[b];
            row[b] *= cosines[b];
        }
    }
}

/* What the windows of all frames add up to at a sample of the signal with its padding. */
static float envelope(const struct stft *s, int rows, int at)
{
    double sum = 0;
    for (int k = at % s->hop; k < s->n_fft; k += s->hop) {
        const int frame = at / s->hop - k / s->hop;
        if (frame >= 0 && frame < rows)
            sum += hann(s->n_fft, k) * hann(s->n_fft, k);
    }
    return (float)sum;
}

void stft_inverse(struct nn *nn, const struct stft *s, const struct array *spectrum, float *samples)
{
    const size_t mark = nn->arena.used;
    const int rows = spectrum->rows, half = s->n_fft / 2, count = (rows - 1) * s->hop;
    const int taps = s->n_fft / s->hop;
    float *sums = arena_take(&nn->arena, (size_t)(rows + taps - 1) * (size_t)s->hop * sizeof *sums);
    if (!nn->arena.overflow) {
        struct stft_run run = {nn, s, *spectrum, {0}};
        threads_run(nn->threads, complex_task, &run, (rows + STFT_ROWS - 1) / STFT_ROWS);
        nn_layer(nn, &(struct layer){.weight = &s->inverse,
                                     .products = &nn->kernels.exact,
                                     .in = *spectrum,
                                     .out = {sums, VALUE_F32, rows + taps - 1, s->hop, s->hop},
                                     .padding = taps - 1});
        const int edge = s->n_fft < count / 2 ? s->n_fft : count / 2;
        for (int i = 0; i < s->hop; i++) { /* away from the edges the envelope repeats */
            const float factor = 1 / envelope(s, rows, half + edge + i);
            for (int n = edge + i; n < count - edge; n += s->hop)
                samples[n] = sums[half + n] * factor;
        }
        for (int i = 0; i < edge; i++) {
            samples[i] = sums[half + i] / envelope(s, rows, half + i);
            const int n = count - edge + i;
            samples[n] = sums[half + n] / envelope(s, rows, half + n);
        }
    }
    arena_release(&nn->arena, mark);
}
