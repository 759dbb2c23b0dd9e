/* stft.c: see stft.h. */
#include "nn/stft.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STFT_ROWS = 512 }; /* rows of a task */

static const double PI = 3.14159265358979323846;

static double hann(int n_fft, int k)
{
    return 0.5 - 0.5 * cos(2 * PI * k / n_fft);
}

lt_status stft_open(struct stft *s, int n_fft, int hop, lt_error *error)
{
    const int bins = n_fft / 2 + 1;
    const ptrdiff_t points = kernels_padded(n_fft), parts = kernels_padded(2 * bins);
    float *tables = calloc((size_t)(2 * bins * points + n_fft * parts), sizeof *tables);
    if (!tables)
        return error_memory(error, "the Fourier tables");
    *s = (struct stft){n_fft, hop, bins, tables, tables + 2 * bins * points};
    for (int b = 0; b < bins; b++)
        for (int k = 0; k < n_fft; k++) {
            const double angle = 2 * PI * (b * k % n_fft) / n_fft;
            s->forward[b * points + k] = (float)(hann(n_fft, k) * cos(angle));
            s->forward[(bins + b) * points + k] = (float)(-hann(n_fft, k) * sin(angle));
            /* the first and the last bin are real and stand for themselves, the others also for their mirror image */
            const bool single = b == 0 || b == n_fft / 2;
            const double weight = hann(n_fft, k) * (single ? 1 : 2) / n_fft;
            s->inverse[k * parts + b] = (float)(weight * cos(angle));
            s->inverse[k * parts + bins + b] = single ? 0 : (float)(-weight * sin(angle));
        }
    return LT_OK;
}

void stft_close(struct stft *s)
{
    free(s->forward);
    *s = (struct stft){0};
}

struct stft_run {
    const struct nn *nn;
    const struct stft *stft;
    const struct array *spectrum;
    const float *signal; /* forward: samples with their padding */
    float *samples;      /* inverse */
    void *panels;
    float *scratch;      /* of all threads */
    size_t scratch_size; /* floats a thread */
};

/* Panels of a table [columns][k] for the exact products. */
static void *table_panels(struct nn *nn, const float *table, int columns, int k)
{
    const struct products *products = &nn->kernels.exact;
    void *panels = arena_take(&nn->arena, panel_bytes(products, columns, 1, k));
    if (panels)
        products->expand(&(struct expand){.source = table,
                                          .type = VALUE_F32,
                                          .row_bytes = (size_t)k * sizeof(float),
                                          .columns = columns,
                                          .source_k = k,
                                          .tap_step = 1,
                                          .taps = 1,
                                          .k = k,
                                          .panels = panels});
    return panels;
}

static void table_product(const struct stft_run *run, const float *rows, ptrdiff_t stride, int count, int k,
                          int columns, float *out)
{
    run->nn->kernels.exact.product(&(struct product){.a = rows,
                                                     .a_stride = stride,
                                                     .rows = count,
                                                     .row_step = 1,
                                                     .taps = 1,
                                                     .tap_step = 1,
                                                     .k = k,
                                                     .panels = run->panels,
                                                     .columns = columns,
                                                     .scale = 1,
                                                     .out = out,
                                                     .type = VALUE_F32,
                                                     .out_stride = columns});
}

static void forward_task(void *arg, int task, int thread)
{
    const struct stft_run *run = arg;
    const struct stft *s = run->stft;
    const int bins = s->bins, first = task * STFT_ROWS;
    const int rows = run->spectrum->rows - first < STFT_ROWS ? run->spectrum->rows - first : STFT_ROWS;
    const size_t values = (size_t)rows * (size_t)bins;
    float *parts = run->scratch + run->scratch_size * (size_t)thread;
    float *re = parts + (size_t)STFT_ROWS * 2 * (size_t)bins, *im = re + (size_t)STFT_ROWS * (size_t)bins;
    table_product(run, run->signal + (ptrdiff_t)first * s->hop, s->hop, rows, kernels_padded(s->n_fft),
                  2 * bins, parts);
    for (int t = 0; t < rows; t++) {
        float *row = parts + (ptrdiff_t)t * 2 * bins;
        row[bins] = row[2 * bins - 1] =
            0; /* real by nature: without rounding, whose sign the angle would show */
        memcpy(re + (ptrdiff_t)t * bins, row, (size_t)bins * sizeof *row);
        memcpy(im + (ptrdiff_t)t * bins, row + bins, (size_t)bins * sizeof *row);
    }
    run->nn->kernels.polar(re, im, values);
    for (int t = 0; t < rows; t++) {
        float *row = parts + (ptrdiff_t)t * 2 * bins;
        memcpy(row, re + (ptrdiff_t)t * bins, (size_t)bins * sizeof *row);
        memcpy(row + bins, im + (ptrdiff_t)t * bins, (size_t)bins * sizeof *row);
    }
    run->nn->kernels.from_float(array_row(run->spectrum, first), run->spectrum->type, parts, 2 * values);
}

void stft_forward(struct nn *nn, const struct stft *s, const float *samples, int count,
                  const struct array *spectrum)
{
    const size_t mark = nn->arena.used;
    const int half = s->n_fft / 2, k = kernels_padded(s->n_fft);
    const size_t beyond = (size_t)(k - s->n_fft); /* read by the last row, times zero */
    float *signal = arena_take(&nn->arena, ((size_t)count + (size_t)s->n_fft + beyond) * sizeof *signal);
    struct stft_run run = {.nn = nn, .stft = s, .spectrum = spectrum, .signal = signal};
    run.panels = table_panels(nn, s->forward, 2 * s->bins, k);
    run.scratch_size = (size_t)STFT_ROWS * 4 * (size_t)s->bins;
    run.scratch =
        arena_take(&nn->arena, run.scratch_size * (size_t)threads_count(nn->threads) * sizeof(float));
    if (!nn->arena.overflow) {
        memcpy(signal + half, samples, (size_t)count * sizeof *signal);
        for (int i = 1; i <= half; i++) {
            signal[half - i] = samples[i];
            signal[half + count - 1 + i] = samples[count - 1 - i];
        }
        memset(signal + count + s->n_fft, 0, beyond * sizeof *signal);
        threads_run(nn->threads, forward_task, &run, (spectrum->rows + STFT_ROWS - 1) / STFT_ROWS);
    }
    arena_release(&nn->arena, mark);
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

/* `rows` frames [n_fft], windowed, from rows of the spectrum. */
static void inverse_frames(const struct stft_run *run, int first, int rows, float *scratch, float *frames)
{
    const struct stft *s = run->stft;
    const struct kernels *kernels = &run->nn->kernels;
    const int bins = s->bins, k = kernels_padded(2 * bins);
    const size_t values = (size_t)rows * (size_t)bins, room = (size_t)(STFT_ROWS + s->n_fft) * (size_t)bins;
    float *magnitude = scratch, *angle = magnitude + room, *cosine = angle + room, *packed = cosine + room;
    for (int t = 0; t < rows; t++) {
        const float *row = array_floats(run->spectrum, first + t);
        memcpy(magnitude + (ptrdiff_t)t * bins, row, (size_t)bins * sizeof *row);
        memcpy(angle + (ptrdiff_t)t * bins, row + bins, (size_t)bins * sizeof *row);
    }
    kernels->exponential(magnitude, magnitude, values);
    kernels->sine(angle, angle, values);
    kernels->cosine(cosine, angle, values);
    kernels->sine(angle, angle, values);
    for (int t = 0; t < rows; t++) {
        float *row = packed + (ptrdiff_t)t * k;
        for (int b = 0; b < bins; b++) {
            const ptrdiff_t i = (ptrdiff_t)t * bins + b;
            row[b] = magnitude[i] * cosine[i];
            row[bins + b] = magnitude[i] * angle[i];
        }
        memset(row + 2 * bins, 0, (size_t)(k - 2 * bins) * sizeof *row);
    }
    table_product(run, packed, k, rows, k, s->n_fft, frames);
}

/* Samples of the blocks of `hop` that begin with the frames of one task: each adds up the frames that reach it. */
static void inverse_task(void *arg, int task, int thread)
{
    const struct stft_run *run = arg;
    const struct stft *s = run->stft;
    const int all = run->spectrum->rows, hop = s->hop, taps = s->n_fft / hop, half = s->n_fft / 2;
    const int first = task * STFT_ROWS,
              past = first + STFT_ROWS < all + taps - 1 ? first + STFT_ROWS : all + taps - 1;
    const int from = first - taps + 1 > 0 ? first - taps + 1 : 0, to = past < all ? past : all;
    float *scratch = run->scratch + run->scratch_size * (size_t)thread;
    float *frames =
        scratch + (size_t)(STFT_ROWS + s->n_fft) * (size_t)(3 * s->bins + kernels_padded(2 * s->bins));
    inverse_frames(run, from, to - from, scratch, frames);
    float inside[64]; /* 1 / envelope where `taps` frames meet */
    for (int p = 0; p < hop; p++)
        inside[p] = 1 / envelope(s, 2 * taps, taps * hop + p);
    const int count = (all - 1) * hop;
    for (int block = first; block < past; block++) {
        const bool edge = block < taps - 1 || block >= all;
        const float *at = frames + (ptrdiff_t)(block - from) * s->n_fft;
        for (int p = 0; p < hop; p++) {
            const int n = block * hop + p - half;
            if (n < 0 || n >= count)
                continue;
            float sum = 0;
            for (int j = taps - 1; j >= 0; j--) /* frame block - j, at j * hop + p */
                if (!edge || (block - j >= 0 && block - j < all))
                    sum += at[j * (hop - s->n_fft) + p];
            run->samples[n] = edge ? sum / envelope(s, all, n + half) : sum * inside[p];
        }
    }
}

void stft_inverse(struct nn *nn, const struct stft *s, const struct array *spectrum, float *samples)
{
    const size_t mark = nn->arena.used;
    const int parts = kernels_padded(2 * s->bins), blocks = spectrum->rows + s->n_fft / s->hop - 1;
    struct stft_run run = {.nn = nn, .stft = s, .spectrum = spectrum, .samples = samples};
    run.panels = table_panels(nn, s->inverse, s->n_fft, parts);
    run.scratch_size = (size_t)(STFT_ROWS + s->n_fft) * (size_t)(3 * s->bins + parts + s->n_fft);
    run.scratch =
        arena_take(&nn->arena, run.scratch_size * (size_t)threads_count(nn->threads) * sizeof(float));
    if (!nn->arena.overflow)
        threads_run(nn->threads, inverse_task, &run, (blocks + STFT_ROWS - 1) / STFT_ROWS);
    arena_release(&nn->arena, mark);
}
