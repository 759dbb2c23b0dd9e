/* excitation.c: see excitation.h.
 *
 * The reference adds up the phase of every harmonic once a frame and interpolates linearly between the frames' middles;
 * (h * f0 / 24000) mod 1 a frame. We keep the phase of the fundamental alone, in double: harmonic h is then at h
 * times that phase, because whole turns do not show, except that "mod 1" takes k = floor(h * turns a sample) turns from every
 * sample. Between the middles of two frames of even length those are k * (m + 1/2) turns after m samples: half a turn
 * when k is odd, which changes the sign. */
#include "kokoro/excitation.h"

#include <math.h>
#include <string.h>

enum { SAMPLE_RATE = 24000, MAX_HARMONICS = 64, LANES = 32 };

static const double TURN = 6.283185307179586476925;
static const float SINE_LEVEL = 0.1f, VOICED_NOISE = 0.003f; /* istftnet.py */

struct excitation_run {
    const struct model *model;
    const struct kernels *kernels;
    const float *f0;
    const double *phase; /* [frames]: of the fundamental at each frame's middle, in turns, 0 to 1 */
    int frames, scale;
    uint64_t seed;
    excitation_noise noise;
    float noise_scale; /* of the one draw that stands for one a harmonic */
    float *samples;
};

/* The splitmix64 generator as a function of its position. */
static uint64_t random_bits(uint64_t seed, uint64_t position)
{
    uint64_t z = seed + (position + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Natural logarithm of 0 < u < 1: exponent, and 2 artanh((m - 1) / (m + 1)) of the mantissa. Absolute error below
 * 1e-6. Without branches, so that a loop of it becomes vectors. */
static float logarithm(float u)
{
    union {
        float f;
        int32_t i;
    } bits = {.f = u};
    const int32_t exponent = (bits.i - 0x3f3504f3) >> 23; /* the mantissa is then from sqrt(1/2) to sqrt(2) */
    bits.i -= exponent * (1 << 23);
    const float s = (bits.f - 1) / (bits.f + 1), s2 = s * s;
    return (float)exponent * 0.693147181f +
           2 * s * (1 + s2 * (1 / 3.0f + s2 * (1 / 5.0f + s2 * (1 / 7.0f + s2 / 9.0f))));
}

/* Normal noise for samples t to t + LANES - 1, by Box and Muller; each follows from its own number. */
static void normal_noise(const struct kernels *kernels, uint64_t seed, long t, float *noise)
{
    float radius[LANES], angle[LANES];
    for (int i = 0; i < LANES; i++) {
        const uint64_t bits = random_bits(seed, (uint64_t)(t + i));
        radius[i] = ((float)(int32_t)(bits >> 40) + 0.5f) * 0x1p-24f;
        angle[i] = (float)(int32_t)(bits & 0xffffff) * (0x1p-24f * (float)TURN);
    }
    kernels->cosine(noise, angle, LANES);
    for (int i = 0; i < LANES; i++)
        noise[i] *= sqrtf(-2 * logarithm(radius[i]));
}

/* Turns a sample at a frequency, as Python's (x / 24000) % 1. */
static double turns(double f0)
{
    const double x = f0 / SAMPLE_RATE;
    return x - floor(x);
}

/* Phases of the samples of one frame in turns (unwrapped), and for its two halves the sign of each harmonic. */
struct frame_phase {
    double start[2], step[2]; /* of the first sample of each half, and from sample to sample */
    float sign[2][MAX_HARMONICS];
};

static struct frame_phase frame_phases(const struct excitation_run *run, int frame)
{
    const int half = run->scale / 2, harmonics = run->model->harmonics;
    struct frame_phase p;
    for (int i = 0; i < 2;
         i++) { /* before the middle: from the last frame's middle; after it: to the next one's */
        const int from = frame - 1 + i, to = from + 1;
        const bool between = from >= 0 && to < run->frames;
        const double step = between ? turns((double)run->f0[to]) : 0;
        const int first = i ? half : 0; /* sample within the frame */
        const double since = first + 0.5 - 0.5 * run->scale + (i ? 0 : run->scale);
        p.step[i] = step;
        p.start[i] = run->phase[from < 0 ? 0 : from] + since * step;
        for (int h = 0; h < harmonics; h++) {
            const double k = floor((h + 1) * step);
            p.sign[i][h] = run->scale % 2 == 0 && fmod(k, 2) != 0 ? -1.0f : 1.0f;
        }
    }
    return p;
}

/* The noise of every harmonic, weighted as the harmonics are: of the seeded generator, one draw stands for all. */
static void weighted_noise(const struct excitation_run *run, long t, float *noise)
{
    if (!run->noise) {
        normal_noise(run->kernels, run->seed, t, noise);
        for (int i = 0; i < LANES; i++)
            noise[i] *= run->noise_scale;
        return;
    }
    for (int i = 0; i < LANES; i++) {
        noise[i] = 0;
        for (int h = 0; h < run->model->harmonics; h++)
            noise[i] += run->model->source[h] * run->noise(t + i, h);
    }
}

/* sum += the weighted harmonics at the phases start + i * step turns: sin and cos of h x by rotation. */
static void add_harmonics(const struct excitation_run *run, double start, double step, const float *sign,
                          float *sum)
{
    const struct model *model = run->model;
    float x[LANES], sine[LANES], cosine[LANES], s[LANES], c[LANES];
    for (int i = 0; i < LANES; i++) {
        const double phase = start + step * i;
        x[i] = (float)(TURN * (phase - (double)(int64_t)phase)); /* phases are not negative */
    }
    run->kernels->sine(sine, x, LANES);
    run->kernels->cosine(cosine, x, LANES);
    memcpy(s, sine, sizeof s);
    memcpy(c, cosine, sizeof c);
    for (int h = 0; h < model->harmonics; h++) {
        const float weight = SINE_LEVEL * sign[h] * model->source[h];
        for (int i = 0; i < LANES; i++) {
            sum[i] += weight * s[i];
            const float next = s[i] * cosine[i] + c[i] * sine[i];
            c[i] = c[i] * cosine[i] - s[i] * sine[i];
            s[i] = next;
        }
    }
}

/* Samples of one half of a frame. */
static void half_frame(const struct excitation_run *run, long t, int count, bool voiced, double start,
                       double step, const float *sign)
{
    const float noise_level = voiced ? VOICED_NOISE : SINE_LEVEL / 3;
    float sum[LANES], noise[LANES];
    for (int done = 0; done < count; done += LANES) {
        weighted_noise(run, t + done, noise);
        for (int i = 0; i < LANES; i++)
            sum[i] = *run->model->source_bias + noise_level * noise[i];
        if (voiced)
            add_harmonics(run, start + step * done, step, sign, sum);
        const int n = count - done < LANES ? count - done : LANES;
        run->kernels->hyperbolic_tangent(run->samples + t + done, sum, (size_t)n);
    }
}

static void frame_task(void *arg, int frame, int thread)
{
    (void)thread;
    const struct excitation_run *run = arg;
    const bool voiced = run->f0[frame] > EXCITATION_VOICED_ABOVE;
    const struct frame_phase p = frame_phases(run, frame);
    const long t = (long)frame * run->scale;
    const int half = run->scale / 2;
    half_frame(run, t, half, voiced, p.start[0], p.step[0], p.sign[0]);
    half_frame(run, t + half, run->scale - half, voiced, p.start[1], p.step[1], p.sign[1]);
}

void excitation(struct nn *nn, const struct model *model, const float *f0, int frames, int scale,
                uint64_t seed, excitation_noise noise, float *samples)
{
    const size_t mark = nn->arena.used;
    double *phase = arena_take(&nn->arena, (size_t)frames * sizeof *phase);
    if (phase) {
        double sum = 0, squares = 0;
        for (int i = 0; i < frames; i++) {
            sum += turns((double)f0[i]) * scale;
            sum -= floor(sum);
            phase[i] = sum;
        }
        for (int h = 0; h < model->harmonics; h++)
            squares += (double)model->source[h] * (double)model->source[h];
        struct excitation_run run = {model, &nn->kernels,         f0,     phase, frames, scale, seed,
                                     noise, (float)sqrt(squares), samples};
        threads_run(nn->threads, frame_task, &run, frames);
    }
    arena_release(&nn->arena, mark);
}
