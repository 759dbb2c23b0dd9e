/* excitation.c: see excitation.h.
 *
 * The reference adds up the phase of every harmonic once a frame and interpolates linearly between the frames' middles;
 * (h * f0 / 24000) mod 1 a frame. We keep the phase of the fundamental alone, in double: harmonic h is then at h
 * times that phase, because whole turns do not show, except that "mod 1" takes k = floor(h * turns a sample) turns from every
 * sample. Between the middles of two frames of even length those are k * (m + 1/2) turns after m samples: half a turn
 * when k is odd, which changes the sign. */
#include "kokoro/excitation.h"

#include <math.h>

enum { SAMPLE_RATE = 24000, MAX_HARMONICS = 64 };

static const double TURN = 6.283185307179586476925;
static const float SINE_LEVEL = 0.1f, VOICED_NOISE = 0.003f, VOICED_ABOVE = 10.0f; /* istftnet.py */

struct excitation_run {
    const struct model *model;
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

/* Samples t and t + 1 (t even) of the normal noise, by Box and Muller. */
static void normal_pair(uint64_t seed, long t, float pair[2])
{
    const uint64_t bits = random_bits(seed, (uint64_t)t);
    const float radius = sqrtf(-2 * logf(((float)(bits >> 40) + 0.5f) * 0x1p-24f));
    float sine, cosine;
    sincosf((float)(bits & 0xffffff) * (0x1p-24f * (float)TURN), &sine, &cosine);
    pair[0] = radius * cosine;
    pair[1] = radius * sine;
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

static float noise_of(const struct excitation_run *run, const float *pair, long t)
{
    if (!run->noise)
        return pair[t & 1] * run->noise_scale;
    float sum = 0;
    for (int h = 0; h < run->model->harmonics; h++)
        sum += run->model->source[h] * run->noise(t, h);
    return sum;
}

/* Sum of the weighted harmonics at `phase` turns: sin(h x) by its recurrence. */
static float harmonics_of(const struct model *model, double phase, const float *sign)
{
    const double x = TURN * (phase - floor(phase));
    double before = 0, now = sin(x), sum = 0;
    const double twice = 2 * cos(x);
    for (int h = 0; h < model->harmonics; h++) {
        sum += now * (double)(sign[h] * model->source[h]);
        const double next = twice * now - before;
        before = now;
        now = next;
    }
    return (float)sum;
}

static void frame_task(void *arg, int frame, int thread)
{
    (void)thread;
    const struct excitation_run *run = arg;
    const struct model *model = run->model;
    const bool voiced = run->f0[frame] > VOICED_ABOVE;
    const struct frame_phase phases = frame_phases(run, frame);
    const float noise_level = voiced ? VOICED_NOISE : SINE_LEVEL / 3;
    const int half = run->scale / 2;
    float pair[2] = {0};
    for (int i = 0; i < run->scale; i++) {
        const long t = (long)frame * run->scale + i;
        const int part = i >= half;
        if (!run->noise && (i == 0 || (t & 1) == 0))
            normal_pair(run->seed, t & ~1L, pair);
        float sum = *model->source_bias + noise_level * noise_of(run, pair, t);
        if (voiced)
            sum +=
                SINE_LEVEL * harmonics_of(model, phases.start[part] + phases.step[part] * (i - part * half),
                                          phases.sign[part]);
        run->samples[t] = tanhf(sum);
    }
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
        struct excitation_run run = {model,  f0, phase, frames, scale, seed, noise, (float)sqrt(squares),
                                     samples};
        threads_run(nn->threads, frame_task, &run, frames);
    }
    arena_release(&nn->arena, mark);
}
