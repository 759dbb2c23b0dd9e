/* generator.c: istftnet.py's Generator: from the decoder's features and F0 to samples.
 *
 * Nearly all the time and memory of the engine is here, in residual blocks over arrays of 256 channels at 800 Hz and 128
 * channels at 4,800 Hz. One such array of ten seconds is 12 MiB even in float16, and a residual block needs four: the
 * stage's input x, which three blocks share, the block's running value r, what is between its two convolutions, h, and
 * the sum s of the blocks before. So
 *   - the first block's r becomes s, and the last block works in x's own place: only blocks between need all four;
 *   - while such a block works, x and s wait in 8-bit blocks, where that saves much (struct places).
 *
 * Short utterances come in groups: their rows follow one another in each array, and each has norms and edges of its own. What a
 * layer does for its weights is done once for all of them. */
#include <math.h>
#include <string.h>

#include "kokoro/forward.h"

enum {
    PACK_ABOVE = 32 << 20, /* bytes of four arrays above which waiting arrays are packed */
    CHUNK = 8192           /* elements of a task over a whole array; a multiple of 32 */
};

/* The rows of a group of utterances at some stage; `spans` lies over `begin`. */
struct rows {
    int begin[KOKORO_MAX_BATCH + 1];
    struct spans spans;
};

static int rows_of(struct spans spans, int i)
{
    return spans.begin[i + 1] - spans.begin[i];
}

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

static bool all_cancelled(const struct speech *speech)
{
    for (int i = 0; i < speech->halves.count; i++)
        if (!utterance_cancelled(speech->utterances[i]))
            return false;
    return true;
}

/* ---- Residual blocks ------------------------------------------------------------------------------ */

struct coefficients {
    float *scale, *shift; /* [utterances][channels] */
    float *inverse_alpha; /* [channels] */
};

/* The prologue of a convolution of a residual block: adaptive instance norm, then snake. */
static struct coefficients snake_coefficients(struct nn *nn, const struct weight *fc, const float *alpha,
                                              const struct array *styles, const struct moments *moments,
                                              struct spans spans)
{
    const int channels = fc->out / 2;
    const size_t bytes = (size_t)channels * sizeof(float), all = bytes * (size_t)spans.count;
    struct coefficients c = {arena_take(&nn->arena, all), arena_take(&nn->arena, all),
                             arena_take(&nn->arena, bytes)};
    const size_t mark = nn->arena.used;
    struct array gamma_beta = nn_array(nn, VALUE_F32, spans.count, 2 * channels);
    nn_layer(nn,
             &(struct layer){.weight = fc, .products = &nn->kernels.exact, .in = *styles, .out = gamma_beta});
    if (!nn->arena.overflow) {
        for (int i = 0; i < spans.count; i++) {
            const ptrdiff_t at = (ptrdiff_t)i * channels;
            nn_adain(moments + at, rows_of(spans, i), array_floats(&gamma_beta, i), channels, c.scale + at,
                     c.shift + at);
        }
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

/* AdaINResBlock1 on an array whose sums are in `moments`, [utterances][channels]. */
static void snake_block(struct nn *nn, const struct snake_block *block, struct snake_places at,
                        const struct moments *moments, const struct array *styles, struct spans spans)
{
    const size_t mark = nn->arena.used;
    const size_t sums = (size_t)spans.count * (size_t)block->channels;
    struct moments *of_h = arena_take(&nn->arena, sums * sizeof *of_h);
    struct moments *of_r = arena_take(&nn->arena, sums * sizeof *of_r);
    for (int i = 0; i < MODEL_STEPS && !nn->arena.overflow; i++) {
        const struct array *in = i ? at.r : at.x;
        const bool last = i + 1 == MODEL_STEPS;
        const size_t step = nn->arena.used;
        struct coefficients c =
            snake_coefficients(nn, &block->style1[i], block->alpha1[i], styles, i ? of_r : moments, spans);
        nn_layer(nn, &(struct layer){.weight = &block->conv1[i],
                                     .in = *in,
                                     .out = *at.h,
                                     .in_spans = spans,
                                     .alike = true,
                                     .dilation = block->dilation[i],
                                     .padding = block->dilation[i] * (block->conv1[i].taps - 1) / 2,
                                     .scale = c.scale,
                                     .shift = c.shift,
                                     .before = ACTIVATION_SNAKE,
                                     .alpha = block->alpha1[i],
                                     .inverse_alpha = c.inverse_alpha,
                                     .moments = of_h});
        c = snake_coefficients(nn, &block->style2[i], block->alpha2[i], styles, of_h, spans);
        nn_layer(nn, &(struct layer){.weight = &block->conv2[i],
                                     .in = *at.h,
                                     .out = last && at.s ? *at.s : *at.r,
                                     .in_spans = spans,
                                     .alike = true,
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

/* The three places of a stage, each for a whole array of `rows`; the last has room for two arrays in 8-bit blocks. */
struct places {
    struct spans rows;
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
                       const struct moments *moments, const struct speech *speech)
{
    struct nn *nn = &k->nn;
    const int count = k->model->block_count;
    const struct array *styles = &speech->styles;
    const size_t elements = (size_t)at->x.rows * (size_t)at->x.channels;
    snake_block(nn, &up->blocks[0], (struct snake_places){&at->x, &at->s, &at->h, NULL}, moments, styles,
                at->rows);
    for (int i = 1; i < count && !all_cancelled(speech); i++) {
        if (i + 1 == count) {
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->x, &at->x, &at->h, &at->s}, moments,
                        styles, at->rows);
        } else if (at->spare) {
            struct array r = at->x;
            r.data = at->spare;
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->x, &r, &at->h, &at->s}, moments,
                        styles, at->rows);
        } else {
            /* x and s wait in h's place, x's place becomes h, s's place r */
            unsigned char *packed_x = at->h.data;
            unsigned char *packed_s = packed_x + array_bytes(VALUE_Q8_0, at->x.rows, at->x.channels);
            convert(nn, packed_x, VALUE_Q8_0, at->x.data, at->x.type, elements, false);
            convert(nn, packed_s, VALUE_Q8_0, at->s.data, at->s.type, elements, false);
            convert(nn, at->s.data, at->s.type, packed_x, VALUE_Q8_0, elements, false);
            snake_block(nn, &up->blocks[i], (struct snake_places){&at->s, &at->s, &at->x, NULL}, moments,
                        styles, at->rows);
            convert(nn, at->s.data, at->s.type, packed_s, VALUE_Q8_0, elements, true);
            convert(nn, at->x.data, at->x.type, packed_x, VALUE_Q8_0, elements, false);
        }
    }
}

/* One row before an utterance's first, the same as its second. */
static void reflect(const struct array *x, int first)
{
    memcpy(array_row(x, first), array_row(x, first + 2), value_bytes(x->type, (size_t)x->channels));
}

/* Copies each utterance's rows of what the upsampling made to their place in x, without those that it has too many:
 * `padding` before the first, and `rate` in all. */
static void cut_rows(const struct upsample *up, const struct array *made, struct spans in, struct places *at,
                     int reflected)
{
    for (int i = 0; i < in.count; i++) {
        const int from = (in.begin[i] + i) * up->rate + up->padding, rows = rows_of(in, i) * up->rate;
        memcpy(array_row(&at->x, at->rows.begin[i] + reflected), array_row(made, from),
               value_bytes(at->x.type, (size_t)rows * (size_t)at->x.channels));
    }
}

/* Upsamples `in` (times `in_scale` first, then leaky relu) to at->x. */
static void upsample(struct kokoro *k, const struct upsample *up, const struct array *in, struct spans spans,
                     const float *in_scale, const float *in_shift, struct places *at,
                     const struct speech *speech, bool last)
{
    struct nn *nn = &k->nn;
    const int count = spans.count, reflected = last;
    /* one row more than the input has; the first `padding` output rows are cut, and what remains may be moved by the
     * one row that the reflection adds: in its place where there is only one utterance */
    int begin[KOKORO_MAX_BATCH + 1];
    for (int i = 0; i <= count; i++)
        begin[i] = spans.begin[i] + i;
    struct array made = {count > 1 ? at->spare : at->x.data, at->x.type, begin[count], up->up.out,
                         up->up.out};
    nn_layer(nn, &(struct layer){.weight = &up->up,
                                 .in = *in,
                                 .out = made,
                                 .in_spans = spans,
                                 .out_spans = {count, begin},
                                 .padding = up->up.taps - 1,
                                 .scale = in_scale,
                                 .shift = in_shift,
                                 .before = ACTIVATION_LEAKY,
                                 .before_slope = 0.1f});
    made.rows *= up->rate;
    made.channels = up->channels;
    made.stride = up->channels;
    if (count > 1)
        cut_rows(up, &made, spans, at, reflected);
    else
        at->x.data = array_row(&at->x, up->padding - reflected);
    for (int i = 0; i < count; i++) {
        const struct array shown =
            array_part(&at->x, at->rows.begin[i] + reflected, rows_of(spans, i) * up->rate);
        probe_stage(speech->utterances[i]->probe, up == k->model->upsamples ? "ups0" : "ups1", &shown);
        if (last)
            reflect(&at->x, at->rows.begin[i]);
    }
}

/* The noise branch: the excitation's spectrum, convolved and through a residual block, to at->s. */
static void noise_branch(struct kokoro *k, const struct upsample *up, const struct array *har,
                         struct spans har_rows, struct places *at, const struct speech *speech)
{
    struct nn *nn = &k->nn;
    const size_t mark = nn->arena.used;
    struct moments *moments =
        arena_take(&nn->arena, (size_t)at->rows.count * (size_t)up->channels * sizeof *moments);
    if (!nn->arena.overflow) {
        nn_layer(nn, &(struct layer){.weight = &up->noise,
                                     .in = *har,
                                     .out = at->s,
                                     .in_spans = har_rows,
                                     .out_spans = at->rows,
                                     .stride = up->noise_stride,
                                     .padding = up->noise_padding,
                                     .moments = moments});
        snake_block(nn, &up->noise_block, (struct snake_places){&at->s, &at->s, &at->h, NULL}, moments,
                    &speech->styles, at->rows);
        if (up == k->model->upsamples)
            probe_batch(speech->utterances, "noise_res0", &at->s, at->rows);
    }
    arena_release(&nn->arena, mark);
}

/* ---- The whole ------------------------------------------------------------------------------------ */

/* The excitation's spectrum of one utterance. */
static void harmonics(struct kokoro *k, const struct kokoro_utterance *u, const float *f0, int halves,
                      const struct array *har)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const struct kokoro_probe *probe = u->probe;
    const int scale = model_samples_per_frame(m) / 2, samples = halves * scale;
    const size_t mark = nn->arena.used;
    struct array source = nn_array(nn, VALUE_F32, samples, 1);
    if (!nn->arena.overflow) {
        excitation(nn, m, probe && probe->f0 && probe->f0_count == halves ? probe->f0 : f0, halves, scale,
                   u->seed, probe ? probe->noise : NULL, source.data);
        probe_stage(probe, "source", &source);
        stft_forward(nn, &k->stft, source.data, samples, har);
        probe_stage(probe, "har", har);
        if (probe && probe->har && probe->har_rows == har->rows)
            nn->kernels.from_float(har->data, har->type, probe->har,
                                   (size_t)har->rows * (size_t)har->channels);
    }
    arena_release(&nn->arena, mark);
}

/* The same of all, [rows][n_fft + 2]. */
static struct array all_harmonics(struct kokoro *k, const struct speech *speech, struct rows *rows)
{
    const struct model *m = k->model;
    const struct spans halves = speech->halves;
    *rows = (struct rows){.spans = {halves.count, rows->begin}};
    for (int i = 0; i < halves.count; i++)
        rows->begin[i + 1] =
            rows->begin[i] + rows_of(halves, i) * (model_samples_per_frame(m) / 2) / m->hop + 1;
    const struct array har = nn_array(&k->nn, k->storage, rows->begin[halves.count], m->n_fft + 2);
    for (int i = 0; i < halves.count && !k->nn.arena.overflow; i++) {
        const struct array one = array_part(&har, rows->begin[i], rows_of(rows->spans, i));
        harmonics(k, speech->utterances[i], speech->f0 + halves.begin[i], rows_of(halves, i), &one);
    }
    return har;
}

/* Rows that a stage makes of `in` rows. */
static int stage_rows(const struct model *m, int stage, int in)
{
    return in * m->upsamples[stage].rate + (stage + 1 == m->upsample_count);
}

/* Rows that a stage makes of those of `in`. */
static void all_stage_rows(const struct model *m, int stage, struct spans in, struct rows *out)
{
    *out = (struct rows){.spans = {in.count, out->begin}};
    for (int i = 0; i < in.count; i++)
        out->begin[i + 1] = out->begin[i] + stage_rows(m, stage, rows_of(in, i));
}

bool generator_alike(const struct kokoro *k, int frames, int others)
{
    const struct model *m = k->model;
    int rows = 2 * frames, other_rows = 2 * others;
    for (int i = 0; i < m->upsample_count; i++) {
        rows = stage_rows(m, i, rows);
        other_rows = stage_rows(m, i, other_rows);
        const int channels = m->upsamples[i].channels;
        if ((rows >= NN_LONG_ROWS) != (other_rows >= NN_LONG_ROWS) || generator_packs(k, rows, channels) ||
            generator_packs(k, other_rows, channels))
            return false;
    }
    return true;
}

/* Takes the places of a stage; `s`, its output, stays when the arena goes back to *mark. The last stage's h takes the
 * place of everything from `bottom` on, its input and har: they have been read when h is first written. */
static struct places take_places(struct kokoro *k, const struct upsample *up, int in_rows, struct spans spans,
                                 bool last, size_t bottom, size_t *mark)
{
    struct nn *nn = &k->nn;
    const int channels = up->channels, rows = spans.begin[spans.count];
    const enum value_type type = k->storage;
    const size_t whole = array_bytes(type, rows, channels);
    const size_t packed = 2 * array_bytes(VALUE_Q8_0, rows, channels);
    /* the rows that the upsampling cuts off, and one before the first for the reflection: all fit into x's place
     * or, of a group, spare's */
    const size_t upsampled = array_bytes(type, (in_rows + spans.count) * up->rate + 1, channels);
    const size_t room = upsampled > whole ? upsampled : whole;
    const bool group = spans.count > 1, packs = !group && generator_packs(k, rows, channels);
    const size_t of_h = packs && packed > whole ? packed : whole;
    struct places at = {.rows = spans};
    if (last) {
        const size_t there = nn->arena.used - bottom;
        arena_take(&nn->arena, there < of_h ? of_h - there : 0);
        at.h = (struct array){nn->arena.base + bottom, type, rows, channels, channels};
    }
    at.s = take_array(nn, type, rows, channels, whole);
    *mark = nn->arena.used;
    at.x = take_array(nn, type, rows, channels, group ? whole : room);
    if (!last)
        at.h = take_array(nn, type, rows, channels, of_h);
    if (group || (!packs && k->model->block_count > 2))
        at.spare = arena_take(&nn->arena, group ? room : whole);
    return at;
}

/* The last convolution and the inverse transform: s is the sum of the last stage's blocks. */
static const float *wave(struct kokoro *k, const struct array *s, struct spans rows, const float *scale,
                         const float *shift, const struct speech *speech, int *begin)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    begin[0] = 0;
    for (int i = 0; i < rows.count; i++)
        begin[i + 1] = begin[i] + (rows_of(rows, i) - 1) * m->hop;
    float *samples = arena_take(&nn->arena, (size_t)begin[rows.count] * sizeof *samples);
    struct array spectrum = nn_array(nn, VALUE_F32, s->rows, m->n_fft + 2);
    if (nn->arena.overflow)
        return NULL;
    nn_layer(nn, &(struct layer){.weight = &m->conv_post,
                                 .in = *s,
                                 .out = spectrum,
                                 .in_spans = rows,
                                 .alike = true,
                                 .padding = (m->conv_post.taps - 1) / 2,
                                 .scale = scale,
                                 .shift = shift,
                                 .before = ACTIVATION_LEAKY,
                                 .before_slope = 0.01f});
    probe_batch(speech->utterances, "conv_post", &spectrum, rows);
    for (int i = 0; i < rows.count; i++) {
        const struct array one = array_part(&spectrum, rows.begin[i], rows_of(rows, i));
        stft_inverse(nn, &k->stft, &one, samples + begin[i]);
    }
    return nn->arena.overflow ? NULL : samples;
}

/* Room for a layer's partial sums, of up to a minute, and for vectors. */
enum { SUMS_BYTES = 1 << 20 };

static size_t block_bytes(const struct kokoro *k, const struct snake_block *block)
{
    size_t most = 0;
    for (int i = 0; i < MODEL_STEPS; i++) {
        const size_t bytes =
            nn_layer_bytes(&k->nn, &block->conv1[i], block->dilation[i], threads_count(k->nn.threads));
        most = bytes > most ? bytes : most;
    }
    return most;
}

size_t generator_layer_bytes(const struct kokoro *k)
{
    size_t most = 0;
    for (int i = 0; i < k->model->upsample_count; i++) {
        const struct upsample *up = &k->model->upsamples[i];
        for (int j = -1; j < k->model->block_count; j++) {
            const size_t bytes = block_bytes(k, j < 0 ? &up->noise_block : &up->blocks[j]);
            most = bytes > most ? bytes : most;
        }
    }
    return most + SUMS_BYTES;
}

/* Vectors of the whole generator. */
struct shared {
    float *average,
        *zero; /* [utterances][widest]: 1 / blocks, by which sums of blocks are scaled where they are read; 0 */
    struct moments *moments; /* [utterances][widest] */
};

static struct shared take_shared(struct kokoro *k, int utterances)
{
    const struct model *m = k->model;
    int widest = 1;
    for (int i = 0; i < m->upsample_count; i++)
        if (m->upsamples[i].channels > widest)
            widest = m->upsamples[i].channels;
    const size_t count = (size_t)widest * (size_t)utterances;
    struct shared shared = {.average = arena_take(&k->nn.arena, count * sizeof(float)),
                            .zero = arena_take(&k->nn.arena, count * sizeof(float)),
                            .moments = arena_take(&k->nn.arena, count * sizeof(struct moments))};
    for (size_t i = 0; i < count && !k->nn.arena.overflow; i++) {
        shared.average[i] = 1.0f / (float)m->block_count;
        shared.zero[i] = 0;
    }
    return shared;
}

const float *generator(struct kokoro *k, const struct speech *speech, const struct array *decoded,
                       int begin[KOKORO_MAX_BATCH + 1])
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const struct shared shared = take_shared(k, speech->halves.count);
    const size_t bottom = nn->arena.used;
    struct rows har_rows, rows[MODEL_UPSAMPLES];
    const struct array har = all_harmonics(k, speech, &har_rows);
    kokoro_clock(k, KOKORO_EXCITATION);

    struct array x = *decoded;
    struct spans spans = speech->halves;
    for (int i = 0; i < m->upsample_count; i++) {
        const struct upsample *up = &m->upsamples[i];
        const bool last = i + 1 == m->upsample_count;
        size_t mark;
        all_stage_rows(m, i, spans, &rows[i]);
        struct places at = take_places(k, up, x.rows, rows[i].spans, last, bottom, &mark);
        if (nn->arena.overflow || all_cancelled(speech))
            return NULL;
        upsample(k, up, &x, spans, i ? shared.average : NULL, i ? shared.zero : NULL, &at, speech, last);
        kokoro_clock(k, KOKORO_UPSAMPLE);
        noise_branch(k, up, &har, har_rows.spans, &at, speech);
        kokoro_clock(k, KOKORO_NOISE);
        nn_moments(nn, &at.x, &at.s, at.rows, shared.moments);
        kokoro_clock(k, KOKORO_UPSAMPLE);
        run_blocks(k, up, &at, shared.moments, speech);
        if (i == 0) /* named after the first block, whose output the reference adds the others to */
            probe_batch(speech->utterances, "resblock0", &at.s, at.rows);
        kokoro_clock(k, KOKORO_RESBLOCKS);
        x = at.s;
        spans = at.rows;
        arena_release(&nn->arena, mark);
    }
    if (nn->arena.overflow || all_cancelled(speech))
        return NULL;
    const float *samples = wave(k, &x, spans, shared.average, shared.zero, speech, begin);
    kokoro_clock(k, KOKORO_WAVE);
    return samples;
}
