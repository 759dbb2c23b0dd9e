/* generator.c: istftnet.py's Generator: from the decoder's features and F0 to samples.
 *
 * Nearly all the time and memory of the engine is here, in residual blocks over arrays of 256 channels at 800 Hz and 128
 * channels at 4,800 Hz. One such array of ten seconds is 12 MiB even in float16, and a residual block needs four: the
 * stage's input x, which three blocks share, the block's running value r, what is between its two convolutions, h, and
 * the sum s of the blocks before. So
 *   - the first block's r becomes s, and the last block works in x's own place: only blocks between need all four;
 *   - while such a block works, x and s wait in 8-bit blocks, where that saves much (struct places). */
#include <math.h>
#include <string.h>

#include "kokoro/forward.h"

enum {
    PACK_ABOVE = 32 << 20, /* bytes of four arrays above which waiting arrays are packed */
    CHUNK = 8192           /* elements of a task over a whole array; a multiple of 32 */
};

/* ---- Passes over whole arrays --------------------------------------------------------------------- */

struct array_run {
    const struct kernels *kernels;
    void *to;
    const void *from;
    enum value_type to_type, from_type;
    size_t count;
    bool add;
};

static unsigned char *element_at(const void *data, enum value_type type, size_t index)
{
    return (unsigned char *)(uintptr_t)data + value_bytes(type, index);
}

static void convert_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct array_run *run = arg;
    float values[CHUNK / 8], sums[CHUNK / 8];
    const size_t begin = (size_t)task * CHUNK;
    const size_t end = begin + CHUNK < run->count ? begin + CHUNK : run->count;
    for (size_t i = begin; i < end; i += CHUNK / 8) {
        const size_t n = end - i < CHUNK / 8 ? end - i : CHUNK / 8;
        run->kernels->to_float(values, element_at(run->from, run->from_type, i), run->from_type, n);
        if (run->add) {
            run->kernels->to_float(sums, element_at(run->to, run->to_type, i), run->to_type, n);
            run->kernels->axpy(values, sums, 1, n);
        }
        run->kernels->from_float(element_at(run->to, run->to_type, i), run->to_type, values, n);
    }
}

/* to = from, or to += from, over `count` elements; packed types round up to a whole block of 32. */
static void convert(struct nn *nn, void *to, enum value_type to_type, const void *from,
                    enum value_type from_type, size_t count, bool add)
{
    struct array_run run = {&nn->kernels, to, from, to_type, from_type, (count + 31) & ~(size_t)31, add};
    threads_run(nn->threads, convert_task, &run, (int)((run.count + CHUNK - 1) / CHUNK));
}

static bool cancelled(const struct speech *speech)
{
    return speech->cancelled && atomic_load_explicit(speech->cancelled, memory_order_relaxed);
}

/* ---- Residual blocks ------------------------------------------------------------------------------ */

struct coefficients {
    float *scale, *shift, *inverse_alpha;
};

/* The prologue of a convolution of a residual block: adaptive instance norm, then snake. */
static struct coefficients snake_coefficients(struct nn *nn, const struct weight *fc, const float *alpha,
                                              const struct array *style, const struct moments *moments,
                                              int rows)
{
    const int channels = fc->out / 2;
    const size_t bytes = (size_t)channels * sizeof(float);
    struct coefficients c = {arena_take(&nn->arena, bytes), arena_take(&nn->arena, bytes),
                             arena_take(&nn->arena, bytes)};
    const size_t mark = nn->arena.used;
    struct array gamma_beta = nn_array(nn, VALUE_F32, 1, 2 * channels);
    nn_layer(nn,
             &(struct layer){.weight = fc, .products = &nn->kernels.exact, .in = *style, .out = gamma_beta});
    if (!nn->arena.overflow) {
        nn_adain(moments, rows, gamma_beta.data, channels, c.scale, c.shift);
        for (int i = 0; i < channels; i++)
            c.inverse_alpha[i] = 1 / alpha[i];
    }
    arena_release(&nn->arena, mark);
    return c;
}

/* Where a residual block reads and writes. */
struct snake_places {
    const struct array *x; /* input */
    const struct array *r; /* running value and output; may be x */
    const struct array *h; /* between two convolutions */
    const struct array *s; /* NULL, or: the output is added to this, and r is left unfinished */
};

/* AdaINResBlock1 on an array whose sums are in `moments`. */
static void snake_block(struct nn *nn, const struct snake_block *block, struct snake_places at,
                        const struct moments *moments, const struct array *style)
{
    const size_t mark = nn->arena.used;
    const int channels = block->channels, rows = at.x->rows;
    struct moments *of_h = arena_take(&nn->arena, (size_t)channels * sizeof *of_h);
    struct moments *of_r = arena_take(&nn->arena, (size_t)channels * sizeof *of_r);
    for (int i = 0; i < MODEL_STEPS && !nn->arena.overflow; i++) {
        const struct array *in = i ? at.r : at.x;
        const bool last = i + 1 == MODEL_STEPS;
        const size_t step = nn->arena.used;
        struct coefficients c =
            snake_coefficients(nn, &block->style1[i], block->alpha1[i], style, i ? of_r : moments, rows);
        nn_layer(nn, &(struct layer){.weight = &block->conv1[i],
                                     .in = *in,
                                     .out = *at.h,
                                     .dilation = block->dilation[i],
                                     .padding = block->dilation[i] * (block->conv1[i].taps - 1) / 2,
                                     .scale = c.scale,
                                     .shift = c.shift,
                                     .before = ACTIVATION_SNAKE,
                                     .alpha = block->alpha1[i],
                                     .inverse_alpha = c.inverse_alpha,
                                     .moments = of_h});
        c = snake_coefficients(nn, &block->style2[i], block->alpha2[i], style, of_h, rows);
        nn_layer(nn, &(struct layer){.weight = &block->conv2[i],
                                     .in = *at.h,
                                     .out = last && at.s ? *at.s : *at.r,
                                     .padding = (block->conv2[i].taps - 1) / 2,
                                     .scale = c.scale,
                                     .shift = c.shift,
                                     .before = ACTIVATION_SNAKE,
                                     .alpha = block->alpha2[i],
                                     .inverse_alpha = c.inverse_alpha,
                                     .residual = in,
                                     .addend = last ? at.s : NULL,
                                     .moments = last ? NULL : of_r});
        arena_release(&nn->arena, step);
    }
    arena_release(&nn->arena, mark);
}

/* ---- One stage ------------------------------------------------------------------------------------ */

/* The three places of a stage, each for a whole array; the last has room for two arrays in 8-bit blocks. */
struct places {
    struct array s, x, h;
    void *spare; /* place for one more array when nothing is packed, else NULL */
};

static size_t array_bytes(enum value_type type, int rows, int channels)
{
    return value_bytes(type, ((size_t)rows * (size_t)channels + 31) & ~(size_t)31);
}

bool generator_packs(const struct kokoro *k, int rows, int channels)
{
    return k->storage == VALUE_F16 && 4 * array_bytes(k->storage, rows, channels) > PACK_ABOVE;
}

static struct array take_array(struct nn *nn, enum value_type type, int rows, int channels, size_t bytes)
{
    return (struct array){arena_take(&nn->arena, bytes), type, rows, channels, channels};
}

/* s += the sum over the stage's blocks of x; x and h are used up. */
static void run_blocks(struct kokoro *k, const struct upsample *up, struct places *at,
                       const struct moments *moments, const struct speech *speech, const struct array *style)
{
    struct nn *nn = &k->nn;
    const int count = k->model->block_count;
    const size_t elements = (size_t)at->x.rows * (size_t)at->x.channels;
    snake_block(nn, &up->blocks[0], (struct snake_places){&at->x, &at->s, &at->h, NULL}, moments, style);
    for (int i = 1; i < count && !cancelled(speech); i++) {
        if (i + 1 == count) {
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->x, &at->x, &at->h, &at->s}, moments,
                        style);
        } else if (at->spare) {
            struct array r = at->x;
            r.data = at->spare;
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->x, &r, &at->h, &at->s}, moments,
                        style);
        } else {
            /* x and s wait in h's place, x's place becomes h, s's place r */
            unsigned char *packed_x = at->h.data;
            unsigned char *packed_s = packed_x + array_bytes(VALUE_Q8_0, at->x.rows, at->x.channels);
            convert(nn, packed_x, VALUE_Q8_0, at->x.data, at->x.type, elements, false);
            convert(nn, packed_s, VALUE_Q8_0, at->s.data, at->s.type, elements, false);
            convert(nn, at->s.data, at->s.type, packed_x, VALUE_Q8_0, elements, false);
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->s, &at->s, &at->x, NULL}, moments,
                        style);
            convert(nn, at->s.data, at->s.type, packed_s, VALUE_Q8_0, elements, true);
            convert(nn, at->x.data, at->x.type, packed_x, VALUE_Q8_0, elements, false);
        }
    }
}

/* Upsamples `in` (times `in_scale` first, then leaky relu) to at->x. */
static void upsample(struct kokoro *k, const struct upsample *up, const struct array *in,
                     const float *in_scale, const float *in_shift, struct places *at,
                     const struct speech *speech, bool last)
{
    struct nn *nn = &k->nn;
    /* one row more than the input has; the first `padding` output rows are cut, and what remains may be moved by the
     * one row that the reflection adds */
    struct array rows = {at->x.data, at->x.type, in->rows + 1, up->up.out, up->up.out};
    nn_layer(nn, &(struct layer){.weight = &up->up,
                                 .in = *in,
                                 .out = rows,
                                 .padding = up->up.taps - 1,
                                 .scale = in_scale,
                                 .shift = in_shift,
                                 .before = ACTIVATION_LEAKY,
                                 .before_slope = 0.1f});
    struct array x = at->x;
    x.data = array_row(&x, up->padding);
    const int produced = in->rows * up->rate;
    if (speech->probe) {
        const struct array shown = array_part(&x, 0, produced);
        probe_stage(speech->probe, up == k->model->upsamples ? "ups0" : "ups1", &shown);
    }
    if (last) { /* a row before the first, the same as the second */
        x = array_part(&x, -1, produced + 1);
        memcpy(array_row(&x, 0), array_row(&x, 2), value_bytes(x.type, (size_t)x.channels));
    }
    at->x = x;
}

/* The noise branch: the excitation's spectrum, convolved and through a residual block, to at->s. */
static void noise_branch(struct kokoro *k, const struct upsample *up, const struct array *har,
                         struct places *at, const struct speech *speech, const struct array *style)
{
    struct nn *nn = &k->nn;
    const size_t mark = nn->arena.used;
    struct moments *moments = arena_take(&nn->arena, (size_t)up->channels * sizeof *moments);
    if (!nn->arena.overflow) {
        nn_layer(nn, &(struct layer){.weight = &up->noise,
                                     .in = *har,
                                     .out = at->s,
                                     .stride = up->noise_stride,
                                     .padding = up->noise_padding,
                                     .moments = moments});
        snake_block(nn, &up->noise_block, (struct snake_places){&at->s, &at->s, &at->h, NULL}, moments,
                    style);
        if (up == k->model->upsamples)
            probe_stage(speech->probe, "noise_res0", &at->s);
    }
    arena_release(&nn->arena, mark);
}

/* ---- The whole ------------------------------------------------------------------------------------ */

/* The spectrum of the excitation, [rows][n_fft + 2]. */
static struct array harmonics(struct kokoro *k, const struct speech *speech, int frames)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const struct kokoro_probe *probe = speech->probe;
    const int scale = model_samples_per_frame(m) / 2;
    const int samples = 2 * frames * scale, rows = samples / m->hop + 1;
    struct array har = nn_array(nn, k->storage, rows, m->n_fft + 2);
    const size_t mark = nn->arena.used;
    struct array source = nn_array(nn, VALUE_F32, samples, 1);
    if (nn->arena.overflow)
        return har;
    excitation(nn, m, probe && probe->f0 && probe->f0_count == 2 * frames ? probe->f0 : speech->f0,
               2 * frames, scale, speech->seed, probe ? probe->noise : NULL, source.data);
    probe_stage(probe, "source", &source);
    stft_forward(nn, &k->stft, source.data, samples, &har);
    probe_stage(probe, "har", &har);
    if (probe && probe->har && probe->har_rows == rows)
        nn->kernels.from_float(har.data, har.type, probe->har, (size_t)rows * (size_t)har.channels);
    arena_release(&nn->arena, mark);
    return har;
}

/* Rows that a stage makes of `in` rows. */
static int stage_rows(const struct model *m, int stage, int in)
{
    return in * m->upsamples[stage].rate + (stage + 1 == m->upsample_count);
}

/* Takes the places of a stage; `s`, its output, stays when the arena goes back to *mark. The last stage's h takes the
 * place of everything from `bottom` on, its input and har: they have been read when h is first written. */
static struct places take_places(struct kokoro *k, const struct upsample *up, int in_rows, int rows,
                                 bool last, size_t bottom, size_t *mark)
{
    struct nn *nn = &k->nn;
    const int channels = up->channels;
    const enum value_type type = k->storage;
    const size_t whole = array_bytes(type, rows, channels);
    const size_t packed = 2 * array_bytes(VALUE_Q8_0, rows, channels);
    /* x's place also holds the rows that the upsampling cuts off, and one before the first for the reflection */
    const size_t upsampled = array_bytes(type, (in_rows + 1) * up->rate + 1, channels);
    const bool packs = generator_packs(k, rows, channels);
    const size_t of_h = packs && packed > whole ? packed : whole;
    struct places at;
    if (last) {
        const size_t there = nn->arena.used - bottom;
        arena_take(&nn->arena, there < of_h ? of_h - there : 0);
        at.h = (struct array){nn->arena.base + bottom, type, rows, channels, channels};
    }
    at.s = take_array(nn, type, rows, channels, whole);
    *mark = nn->arena.used;
    at.x = take_array(nn, type, rows, channels, upsampled > whole ? upsampled : whole);
    if (!last)
        at.h = take_array(nn, type, rows, channels, of_h);
    at.spare = packs || k->model->block_count < 3 ? NULL : arena_take(&nn->arena, whole);
    return at;
}

/* The last convolution and the inverse transform: s is the sum of the last stage's blocks. */
static const float *wave(struct kokoro *k, const struct array *s, const float *scale, const float *shift,
                         const struct speech *speech, size_t *count)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    *count = (size_t)(s->rows - 1) * (size_t)m->hop;
    float *samples = arena_take(&nn->arena, *count * sizeof *samples);
    struct array spectrum = nn_array(nn, VALUE_F32, s->rows, m->n_fft + 2);
    if (nn->arena.overflow)
        return NULL;
    nn_layer(nn, &(struct layer){.weight = &m->conv_post,
                                 .in = *s,
                                 .out = spectrum,
                                 .padding = (m->conv_post.taps - 1) / 2,
                                 .scale = scale,
                                 .shift = shift,
                                 .before = ACTIVATION_LEAKY,
                                 .before_slope = 0.01f});
    probe_stage(speech->probe, "conv_post", &spectrum);
    stft_inverse(nn, &k->stft, &spectrum, samples);
    return samples;
}

/* Room for a layer's partial sums, of up to a minute, and for vectors. */
enum { SUMS_BYTES = 1 << 20 };

static size_t block_bytes(const struct nn *nn, const struct snake_block *block, int threads)
{
    size_t most = 0;
    for (int i = 0; i < MODEL_STEPS; i++) {
        const size_t bytes = nn_layer_bytes(nn, &block->conv1[i], block->dilation[i], threads);
        most = bytes > most ? bytes : most;
    }
    return most;
}

size_t generator_layer_bytes(const struct kokoro *k, int threads)
{
    size_t most = 0;
    for (int i = 0; i < k->model->upsample_count; i++) {
        const struct upsample *up = &k->model->upsamples[i];
        for (int j = -1; j < k->model->block_count; j++) {
            const size_t bytes = block_bytes(&k->nn, j < 0 ? &up->noise_block : &up->blocks[j], threads);
            most = bytes > most ? bytes : most;
        }
    }
    return most + SUMS_BYTES;
}

size_t generator_bytes(const struct kokoro *k, int frames)
{
    const struct model *m = k->model;
    const int samples = frames * model_samples_per_frame(m);
    size_t bytes = generator_layer_bytes(k, 1) + array_bytes(k->storage, samples / m->hop + 1, m->n_fft + 2);
    size_t stage =
        3 * value_bytes(VALUE_F32, (size_t)samples); /* the excitation and what its transform takes */
    int rows = 2 * frames;
    for (int i = 0; i < m->upsample_count; i++) {
        const struct upsample *up = &m->upsamples[i];
        const size_t upsampled = array_bytes(k->storage, (rows + 1) * up->rate + 1, up->channels);
        const size_t input = i ? array_bytes(k->storage, rows, m->upsamples[i - 1].channels) : 0;
        stage = input + 4 * upsampled > stage ? input + 4 * upsampled : stage;
        rows = stage_rows(m, i, rows);
    }
    return bytes + stage;
}

/* Vectors of the whole generator. */
struct shared {
    float *average,
        *zero; /* [widest]: 1 / blocks, by which sums of blocks are scaled where they are read; 0 */
    struct moments *moments;
};

static struct shared take_shared(struct kokoro *k)
{
    const struct model *m = k->model;
    int widest = 1;
    for (int i = 0; i < m->upsample_count; i++)
        if (m->upsamples[i].channels > widest)
            widest = m->upsamples[i].channels;
    struct shared shared = {.average = arena_take(&k->nn.arena, (size_t)widest * sizeof(float)),
                            .zero = arena_take(&k->nn.arena, (size_t)widest * sizeof(float)),
                            .moments = arena_take(&k->nn.arena, (size_t)widest * sizeof(struct moments))};
    for (int c = 0; c < widest && !k->nn.arena.overflow; c++) {
        shared.average[c] = 1.0f / (float)m->block_count;
        shared.zero[c] = 0;
    }
    return shared;
}

const float *generator(struct kokoro *k, const struct speech *speech, const struct array *decoded,
                       const struct array *style, size_t *count)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const struct shared shared = take_shared(k);
    const size_t bottom = nn->arena.used;
    const struct array har = harmonics(k, speech, decoded->rows / 2);
    kokoro_clock(k, KOKORO_EXCITATION);

    struct array x = *decoded;
    for (int i = 0; i < m->upsample_count; i++) {
        const struct upsample *up = &m->upsamples[i];
        const bool last = i + 1 == m->upsample_count;
        size_t mark;
        struct places at = take_places(k, up, x.rows, stage_rows(m, i, x.rows), last, bottom, &mark);
        if (nn->arena.overflow || cancelled(speech))
            return NULL;
        upsample(k, up, &x, i ? shared.average : NULL, i ? shared.zero : NULL, &at, speech, last);
        kokoro_clock(k, KOKORO_UPSAMPLE);
        noise_branch(k, up, &har, &at, speech, style);
        kokoro_clock(k, KOKORO_NOISE);
        nn_moments(nn, &at.x, &at.s, (struct spans){0}, shared.moments);
        kokoro_clock(k, KOKORO_UPSAMPLE);
        run_blocks(k, up, &at, shared.moments, speech, style);
        if (i == 0) /* named after the first block, whose output the reference adds the others to */
            probe_stage(speech->probe, "resblock0", &at.s);
        kokoro_clock(k, KOKORO_RESBLOCKS);
        x = at.s;
        arena_release(&nn->arena, mark);
    }
    if (nn->arena.overflow || cancelled(speech))
        return NULL;
    const float *samples = wave(k, &x, shared.average, shared.zero, speech, count);
    kokoro_clock(k, KOKORO_WAVE);
    return samples;
}
