/* portable.c: every kernel in plain C: what runs where nothing better does, and what the other sets are
 * checked against. */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/sets.h"

typedef float winograd_t;
#include "kernels/winograd.h"

enum { PANEL = 8, TILE = 4 }; /* columns and rows that the product holds in registers */

static float load(const void *x, enum value_type type, ptrdiff_t i)
{
    return type == VALUE_F32 ? ((const float *)x)[i] : value_from_f16(((const uint16_t *)x)[i]);
}

static void store(void *x, enum value_type type, ptrdiff_t i, float value)
{
    if (type == VALUE_F32)
        ((float *)x)[i] = value;
    else
        ((uint16_t *)x)[i] = value_to_f16(value);
}

static float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x)));
}

static float activated(float x, enum activation activation, float slope)
{
    if (activation == ACTIVATION_LEAKY)
        return x > 0.0f ? x : slope * x;
    return activation == ACTIVATION_GELU ? gelu(x) : x;
}

static void prologue(const struct prologue *p)
{
    for (ptrdiff_t t = 0; t < p->rows; t++) {
        float *out = (float *)p->out + t * p->out_stride;
        for (int c = 0; c < p->channels; c++) {
            float x = load(p->in, p->type, t * p->in_stride + c);
            x = x * (p->scale ? p->scale[c] : 1.0f) + (p->shift ? p->shift[c] : 0.0f);
            if (p->activation == ACTIVATION_SNAKE) {
                float s = sinf(p->alpha[c] * x);
                x += p->inverse_alpha[c] * (s * s);
            } else {
                x = activated(x, p->activation, p->slope);
            }
            out[c] = x;
        }
        for (int c = p->channels; c < p->padded; c++)
            out[c] = 0.0f;
    }
}

static void to_float(float *out, const void *in, enum value_type type, size_t count)
{
    const uint8_t *block = in;
    uint16_t scale;
    switch (type) {
    case VALUE_F32:
        memmove(out, in, count * sizeof(float));
        return;
    case VALUE_F16:
        for (size_t i = 0; i < count; i++)
            out[i] = value_from_f16(((const uint16_t *)in)[i]);
        return;
    case VALUE_BF16:
        for (size_t i = 0; i < count; i++)
            out[i] = value_from_bf16(((const uint16_t *)in)[i]);
        return;
    case VALUE_Q8_0:
        for (; count >= VALUE_BLOCK; count -= VALUE_BLOCK, block += VALUE_Q8_0_BYTES, out += VALUE_BLOCK) {
            memcpy(&scale, block, sizeof scale);
            float d = value_from_f16(scale);
            for (int i = 0; i < VALUE_BLOCK; i++)
                out[i] = d * (float)(int8_t)block[2 + i];
        }
        return;
    case VALUE_Q4_0:
        for (; count >= VALUE_BLOCK; count -= VALUE_BLOCK, block += VALUE_Q4_0_BYTES, out += VALUE_BLOCK) {
            memcpy(&scale, block, sizeof scale);
            float d = value_from_f16(scale);
            for (int i = 0; i < VALUE_BLOCK / 2; i++) {
                out[i] = d * (float)((block[2 + i] & 15) - 8);
                out[i + VALUE_BLOCK / 2] = d * (float)((block[2 + i] >> 4) - 8);
            }
        }
        return;
    }
}

/* A block of Q8_0 for each VALUE_BLOCK values, as GGML makes them. */
static void to_q8_0(uint8_t *block, const float *in, size_t count)
{
    for (; count >= VALUE_BLOCK; count -= VALUE_BLOCK, block += VALUE_Q8_0_BYTES, in += VALUE_BLOCK) {
        float most = 0.0f;
        for (int i = 0; i < VALUE_BLOCK; i++)
            most = fmaxf(most, fabsf(in[i]));
        uint16_t scale = value_to_f16(most / 127.0f);
        float factor = scale ? 127.0f / most : 0.0f;
        memcpy(block, &scale, sizeof scale);
        for (int i = 0; i < VALUE_BLOCK; i++)
            block[2 + i] = (uint8_t)(int8_t)rintf(in[i] * factor);
    }
}

static void from_float(void *out, enum value_type type, const float *in, size_t count)
{
    if (type == VALUE_F32) {
        memmove(out, in, count * sizeof(float));
        return;
    }
    if (type == VALUE_Q8_0) {
        to_q8_0(out, in, count);
        return;
    }
    uint16_t *half = out;
    for (size_t i = 0; i < count; i++)
        half[i] = type == VALUE_F16 ? value_to_f16(in[i]) : value_to_bf16(in[i]);
}

/* Channels [c, c + VALUE_BLOCK) of a tap of one column, zeros after the last. */
static void expand_block(const struct expand *e, int column, int tap, int c, float block[VALUE_BLOCK])
{
    int count = e->k - c < VALUE_BLOCK ? e->k - c : VALUE_BLOCK;
    ptrdiff_t element = (ptrdiff_t)(e->first_tap + tap * e->tap_step) * e->source_k + c;
    const uint8_t *row = (const uint8_t *)e->source + (size_t)column * e->row_bytes;
    bool quantised = e->type == VALUE_Q8_0 || e->type == VALUE_Q4_0;
    to_float(block, row + value_bytes(e->type, (size_t)element), e->type,
             quantised ? VALUE_BLOCK : (size_t)count);
    for (int i = count; i < VALUE_BLOCK; i++)
        block[i] = 0.0f;
}
static void expand(const struct expand *e)
{
    int padded = kernels_padded(e->k);
    for (int n = 0; n < (e->columns + PANEL - 1) / PANEL * PANEL; n++) {
        float *panel = (float *)e->panels + (ptrdiff_t)(n / PANEL) * PANEL * e->taps * padded + n % PANEL;
        for (int tap = 0; tap < e->taps; tap++)
            for (int c = 0; c < padded; c += VALUE_BLOCK) {
                float block[VALUE_BLOCK] = {0};
                if (n < e->columns)
                    expand_block(e, n, tap, c, block);
                for (int i = 0; i < VALUE_BLOCK; i++)
                    panel[((ptrdiff_t)tap * padded + c + i) * PANEL] = block[i];
            }
    }
}

static void expand_rows(const struct expand_rows *e)
{
    int padded = kernels_padded(e->k);
    float *out = e->panels;
    for (int n0 = 0; n0 < e->columns; n0 += PANEL)
        for (int c = 0; c < padded; c++)
            for (int n = n0; n < n0 + PANEL; n++)
                *out++ = c < e->k && n < e->columns ? load(e->source, e->type, c * e->stride + n) : 0.0f;
}

/* The epilogue for one tile of sums: rows t.., columns n.. of the output. */
static void finish(const struct product *p, const float tile[TILE][PANEL], int t, int rows, int n,
                   int columns)
{
    for (int j = 0; j < columns; j++) {
        float sum = 0.0f, sum_squares = 0.0f;
        for (int i = 0; i < rows; i++) {
            float x = activated(tile[i][j] + (p->bias ? p->bias[n + j] : 0.0f), p->activation, p->slope);
            if (p->residual)
                x += load(p->residual, p->type, (t + i) * p->residual_stride + n + j);
            x *= p->scale;
            if (p->addend)
                x += load(p->addend, p->type, (t + i) * p->addend_stride + n + j);
            store(p->out, p->type, (t + i) * p->out_stride + n + j, x);
            sum += x;
            sum_squares += x * x;
        }
        if (p->sum) {
            p->sum[n + j] += sum;
            p->sum_squares[n + j] += sum_squares;
        }
    }
}

typedef float vec __attribute__((vector_size(PANEL * sizeof(float)), aligned(4), may_alias));

static void product(const struct product *p)
{
    for (int t = 0; t < p->rows; t += TILE) {
        int rows = p->rows - t < TILE ? p->rows - t : TILE;
        const float *w = p->panels;
        for (int n = 0; n < p->columns; n += PANEL) {
            vec sums[TILE] = {{0}};
            for (int tap = 0; tap < p->taps; tap++) {
                /* Rows past the last repeat it, so that the loop has no border case; their sums are
                 * dropped. */
                const float *a[TILE];
                for (int i = 0; i < TILE; i++) {
                    ptrdiff_t row = (ptrdiff_t)(t + (i < rows ? i : rows - 1)) * p->row_step;
                    a[i] = (const float *)p->a + (row + (ptrdiff_t)tap * p->tap_step) * p->a_stride;
                }
                for (int c = 0; c < p->k; c++, w += PANEL)
                    for (int i = 0; i < TILE; i++)
                        sums[i] += a[i][c] * *(const vec *)w;
            }
            finish(p, (const float(*)[PANEL])sums, t, rows, n,
                   p->columns - n < PANEL ? p->columns - n : PANEL);
        }
    }
}

static void transform_input(const struct transform_input *t)
{
    for (ptrdiff_t row = 0; row < t->rows; row++)
        for (int c = 0; c < t->k; c++) {
            float x[WINOGRAD_POINTS], out[WINOGRAD_POINTS];
            for (int i = 0; i < WINOGRAD_POINTS; i++)
                x[i] = t->in[(row + i * t->distance) * t->in_stride + c] +
                       (t->added ? t->factor * t->added[(row + i * t->distance) * t->in_stride + c] : 0);
            winograd_input(x, out);
            for (int i = 0; i < WINOGRAD_POINTS; i++)
                ((float *)t->out)[i * t->point_stride + row * t->out_stride + c] = out[i];
        }
}

/* Adds a run of taps of one column, VALUE_BLOCK channels from c on, times its factor. */
static void add_run(const struct transform_weights *w, int n, int run, int c,
                    float taps[WINOGRAD_TAPS][VALUE_BLOCK])
{
    for (int i = 0; i < w->run_taps && run * w->run_taps + i < w->taps; i++) {
        const size_t element = (size_t)(run * w->run_taps + i) * (size_t)w->k + (size_t)c;
        float values[VALUE_BLOCK];
        to_float(values,
                 (const uint8_t *)w->source + (size_t)n * w->row_bytes + value_bytes(w->type, element),
                 w->type, VALUE_BLOCK);
        for (int j = 0; j < VALUE_BLOCK; j++)
            taps[i][j] += w->factors[run] * values[j];
    }
}

/* VALUE_BLOCK channels from c on of a column to the panels at each point. */
static void transform_block(const struct transform_weights *w, int n, int c)
{
    float taps[WINOGRAD_TAPS][VALUE_BLOCK] = {{0}};
    for (int run = 0; run < 2 && n < w->columns; run++)
        add_run(w, n, run, c, taps);
    for (int i = 0; i < VALUE_BLOCK; i++) {
        const ptrdiff_t at = (ptrdiff_t)(c + i) * PANEL + n % PANEL;
        float run_taps[WINOGRAD_TAPS], out[WINOGRAD_POINTS];
        for (int tap = 0; tap < WINOGRAD_TAPS; tap++)
            run_taps[tap] = taps[tap][i];
        winograd_weights(run_taps, w->run_taps, out);
        for (size_t point = 0; point < WINOGRAD_POINTS; point++)
            ((float *)((char *)w->panels + (size_t)(n / PANEL) * w->panel_step +
                       point * w->point_bytes))[at] = out[point];
    }
}

static void transform_weights(const struct transform_weights *w)
{
    for (int n = 0; n < (w->columns + PANEL - 1) / PANEL * PANEL; n++)
        for (int c = 0; c < w->k; c += VALUE_BLOCK)
            transform_block(w, n, c);
}

/* Output rows of a tile from the products at `in`; of which of three nested tiles, or -1. */
static void output_tile(const struct transform_output *t, const float *in, int nested, float rows[][PANEL])
{
    for (int n = 0; n < PANEL; n++, in++) {
        float x[WINOGRAD_POINTS], out[WINOGRAD_ROWS];
        for (int i = 0; i < WINOGRAD_POINTS; i++) {
            const float *at = in + i * t->point_stride;
            x[i] = *at;
            if (nested >= 0)
                x[i] = winograd_nested(*at, at[t->nested_stride], at[2 * t->nested_stride],
                                       at[3 * t->nested_stride], nested);
        }
        winograd_output(x, t->tile_rows, out);
        for (int i = 0; i < t->tile_rows; i++)
            rows[i * t->dilation][n] = out[i];
    }
}

static void transform_output(const struct transform_output *t)
{
    const struct product *p = t->epilogue;
    float rows[WINOGRAD_MOST_ROWS][PANEL];
    const int tile = t->tile_rows * t->dilation, group = t->nested_stride ? 3 * tile : tile;
    const float *in = t->in;
    for (int first = 0; first < p->rows; first += group) {
        for (int d = 0; d < t->dilation; d++, in += t->in_stride) {
            output_tile(t, in, t->nested_stride ? 0 : -1, rows + d);
            for (int i = 1; i < 3 && t->nested_stride; i++)
                output_tile(t, in, i, rows + i * tile + d);
        }
        for (int i = 0; i < group && first + i < p->rows; i += TILE) {
            const int left = p->rows - first - i < group - i ? p->rows - first - i : group - i;
            finish(p, (const float(*)[PANEL])rows[i], first + i, left < TILE ? left : TILE, 0, p->columns);
        }
    }
}

static void matvec(const struct matvec *m)
{
    for (int b = 0; b < m->batch; b++)
        for (int group = 0; group < m->n; group += MATVEC_GROUP) {
            float sums[MATVEC_GROUP] = {0};
            const float *x = m->x + b * m->x_stride;
            int pairs = (m->k + 1) / 2;
            const float *w = (const float *)m->w + (ptrdiff_t)group * m->k;
            const uint16_t *half = (const uint16_t *)m->w + (ptrdiff_t)group * pairs * 2;
            for (int c = 0; c < m->k; c++)
                for (int i = 0; i < MATVEC_GROUP; i++)
                    sums[i] += x[c] * (m->type == VALUE_F32
                                           ? w[c * MATVEC_GROUP + i]
                                           : value_from_bf16(half[(c / 2 * MATVEC_GROUP + i) * 2 + c % 2]));
            for (int i = 0; i < MATVEC_GROUP && group + i < m->n; i++)
                m->y[b * m->y_stride + group + i] += sums[i];
        }
}

static float sigmoid_of(float x)
{
    return 1.0f / (1.0f + expf(-x));
}

static void lstm_cell(const float *gates, float *c, float *h, int hidden)
{
    for (int i = 0; i < hidden; i++) {
        float in = sigmoid_of(gates[i]), forget = sigmoid_of(gates[hidden + i]);
        c[i] = forget * c[i] + in * tanhf(gates[2 * hidden + i]);
        h[i] = sigmoid_of(gates[3 * hidden + i]) * tanhf(c[i]);
    }
}

static void layer_norm(float *x, ptrdiff_t stride, int rows, int columns, const float *weight,
                       const float *bias, float epsilon)
{
    for (; rows > 0; rows--, x += stride) {
        double mean = 0, variance = 0;
        for (int i = 0; i < columns; i++)
            mean += x[i];
        mean /= columns;
        for (int i = 0; i < columns; i++)
            variance += (x[i] - mean) * (x[i] - mean);
        float scale = (float)(1.0 / sqrt(variance / columns + epsilon));
        for (int i = 0; i < columns; i++)
            x[i] = (x[i] - (float)mean) * scale * (weight ? weight[i] : 1.0f) + (bias ? bias[i] : 0.0f);
    }
}

static void softmax(float *x, ptrdiff_t stride, int rows, int columns, float scale)
{
    for (; rows > 0; rows--, x += stride) {
        float most = -INFINITY, sum = 0.0f;
        for (int i = 0; i < columns; i++)
            most = fmaxf(most, x[i] * scale);
        for (int i = 0; i < columns; i++)
            sum += x[i] = expf(x[i] * scale - most);
        for (int i = 0; i < columns; i++)
            x[i] /= sum;
    }
}

static void sine(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sinf(in[i]);
}

static void cosine(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = cosf(in[i]);
}

static void exponential(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = expf(in[i]);
}

static void sigmoid(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = sigmoid_of(in[i]);
}

static void hyperbolic_tangent(float *out, const float *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = tanhf(in[i]);
}

static void activate(float *out, const float *in, size_t count, enum activation activation, float slope)
{
    for (size_t i = 0; i < count; i++)
        out[i] = activated(in[i], activation, slope);
}

static void polar(float *re, float *im, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float magnitude = sqrtf(re[i] * re[i] + im[i] * im[i]);
        im[i] = atan2f(im[i], re[i]);
        re[i] = magnitude;
    }
}

static void column_sums(void *x, const void *added, enum value_type type, ptrdiff_t stride, int rows,
                        int channels, float *sum, float *sum_squares)
{
    for (ptrdiff_t t = 0; t < rows; t++)
        for (int c = 0; c < channels; c++) {
            if (added)
                store(x, type, t * stride + c,
                      load(x, type, t * stride + c) + load(added, type, t * stride + c));
            float value = load(x, type, t * stride + c);
            sum[c] += value;
            sum_squares[c] += value * value;
        }
}

static void pool(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride, int rows,
                 int channels, const float *w, const float *bias)
{
    for (int t = 0; t < rows; t++, in += in_stride, out += 2 * out_stride)
        for (int c = 0; c < channels; c++) {
            float next = t + 1 < rows ? in[in_stride + c] : 0.0f;
            out[c] = w[channels + c] * in[c] + bias[c];
            out[out_stride + c] = w[2 * channels + c] * in[c] + w[c] * next + bias[c];
        }
}

static void axpy(float *y, const float *x, float a, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] += a * x[i];
}

void kernels_portable(struct kernels *k)
{
    const struct products products = {
        .packed = PACKED_F32,
        .panel = PANEL,
        .rows = TILE,
        .prologue = prologue,
        .expand = expand,
        .expand_rows = expand_rows,
        .product = product,
        .points = WINOGRAD_POINTS,
        .prologue_float = prologue,
        .transform_input = transform_input,
        .transform_weights = transform_weights,
        .transform_output = transform_output,
    };
    *k = (struct kernels){
        .isa = ISA_PORTABLE,
        .exact = products,
        .fine = products,
        .fast = products,
        .matvec = matvec,
        .lstm_cell = lstm_cell,
        .layer_norm = layer_norm,
        .softmax = softmax,
        .sine = sine,
        .cosine = cosine,
        .exponential = exponential,
        .sigmoid = sigmoid,
        .hyperbolic_tangent = hyperbolic_tangent,
        .polar = polar,
        .activate = activate,
        .column_sums = column_sums,
        .pool = pool,
        .axpy = axpy,
        .to_float = to_float,
        .from_float = from_float,
    };
}
