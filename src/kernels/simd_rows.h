/* simd_rows.h: the kernels that are not products, over vectors.
 *
 * A set's file includes it after its simd_SET.h, with MATVEC_CHUNK defined: how many vectors of a matvec's
 * group are summed at once (twice as many sums must fit the registers). */
#ifndef KERNELS_SIMD_ROWS_H
#define KERNELS_SIMD_ROWS_H

#include "kernels/simd_math.h"

/* out[i] = f(in[i]) for each function of one argument. */
#define ELEMENTWISE(name, f)                                                                                 \
    static void name(float *out, const float *in, size_t count)                                              \
    {                                                                                                        \
        for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i += LANES) {                                            \
            int n = lanes_left(i, (ptrdiff_t)count);                                                         \
            v_store_n(out + i, f(v_load_n(in + i, n)), n);                                                   \
        }                                                                                                    \
    }

ELEMENTWISE(sine, v_sin)
ELEMENTWISE(cosine, v_cos)
ELEMENTWISE(exponential, v_exp)
ELEMENTWISE(sigmoid, v_sigmoid)
ELEMENTWISE(hyperbolic_tangent, v_tanh)

static void polar(float *re, float *im, size_t count)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i += LANES) {
        int n = lanes_left(i, (ptrdiff_t)count);
        vf x = v_load_n(re + i, n), y = v_load_n(im + i, n);
        v_store_n(re + i, v_sqrt(v_fma(x, x, y * y)), n);
        v_store_n(im + i, v_angle(x, y), n);
    }
}

static void activate(float *out, const float *in, size_t count, enum activation activation, float slope)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i += LANES) {
        int n = lanes_left(i, (ptrdiff_t)count);
        v_store_n(out + i, v_activated(v_load_n(in + i, n), activation, slope), n);
    }
}

static void axpy(float *y, const float *x, float a, size_t count)
{
    for (ptrdiff_t i = 0; i < (ptrdiff_t)count; i += LANES) {
        int n = lanes_left(i, (ptrdiff_t)count);
        v_store_n(y + i, v_fma(v_set(a), v_load_n(x + i, n), v_load_n(y + i, n)), n);
    }
}

enum {
    GROUP_VECTORS = MATVEC_GROUP / LANES,
    SUM_VECTORS = 8 /* whose sums column_sums keeps at once */
};

INLINE void matvec_add(float *y, vf x, int left)
{
    if (left > 0)
        v_store_n(y, v_load_n(y, left < LANES ? left : LANES) + x, left < LANES ? left : LANES);
}

/* Even and odd channels are summed apart, which halves the wait for the additions. */
INLINE void matvec_group_f32(const struct matvec *m, const float *w, const float *x, float *y, int left)
{
    for (int half = 0; half < GROUP_VECTORS; half += MATVEC_CHUNK) {
        vf sums[2][MATVEC_CHUNK];
        for (int v = 0; v < MATVEC_CHUNK; v++)
            sums[0][v] = sums[1][v] = v_set(0.0f);
        const float *column = w + half * LANES;
        int c = 0;
        for (; c + 2 <= m->k; c += 2, column += 2 * MATVEC_GROUP) {
            vf x0 = v_set(x[c]), x1 = v_set(x[c + 1]);
#pragma GCC unroll 8
            for (int v = 0; v < MATVEC_CHUNK; v++) {
                sums[0][v] = v_fma(x0, v_load(column + v * LANES), sums[0][v]);
                sums[1][v] = v_fma(x1, v_load(column + MATVEC_GROUP + v * LANES), sums[1][v]);
            }
        }
        if (c < m->k)
            for (int v = 0; v < MATVEC_CHUNK; v++)
                sums[0][v] = v_fma(v_set(x[c]), v_load(column + v * LANES), sums[0][v]);
        for (int v = 0; v < MATVEC_CHUNK; v++)
            matvec_add(y + (half + v) * LANES, sums[0][v] + sums[1][v], left - (half + v) * LANES);
    }
}

/* Pairs of bfloat16: the first is the low half of a 32-bit unit, the second the high half. */
INLINE void matvec_group_bf16(const struct matvec *m, const float *w, const float *x, float *y, int left)
{
    for (int half = 0; half < GROUP_VECTORS; half += MATVEC_CHUNK) {
        vf sums[2][MATVEC_CHUNK];
        for (int v = 0; v < MATVEC_CHUNK; v++)
            sums[0][v] = sums[1][v] = v_set(0.0f);
        const float *column = w + half * LANES;
        for (int c = 0; c < m->k; c += 2, column += MATVEC_GROUP) {
            vf x0 = v_set(x[c]), x1 = v_set(c + 1 < m->k ? x[c + 1] : 0.0f);
#pragma GCC unroll 8
            for (int v = 0; v < MATVEC_CHUNK; v++) {
                vf pair = v_load(column + v * LANES);
                sums[0][v] = v_fma(x0, v_low_bf16(pair), sums[0][v]);
                sums[1][v] = v_fma(x1, v_high_bf16(pair), sums[1][v]);
            }
        }
        for (int v = 0; v < MATVEC_CHUNK; v++)
            matvec_add(y + (half + v) * LANES, sums[0][v] + sums[1][v], left - (half + v) * LANES);
    }
}

static void matvec(const struct matvec *m)
{
    int units = m->type == VALUE_F32 ? m->k : (m->k + 1) / 2;
    const float *w = m->w;
    for (int group = 0; group < m->n; group += MATVEC_GROUP, w += (ptrdiff_t)units * MATVEC_GROUP)
        for (int b = 0; b < m->batch; b++) {
            const float *x = m->x + b * m->x_stride;
            float *y = m->y + b * m->y_stride + group;
            if (m->type == VALUE_F32)
                matvec_group_f32(m, w, x, y, m->n - group);
            else
                matvec_group_bf16(m, w, x, y, m->n - group);
        }
}

static void lstm_cell(const float *gates, float *c, float *h, int hidden)
{
    for (int i = 0; i < hidden; i += LANES) {
        int n = lanes_left(i, hidden);
        vf in = v_sigmoid(v_load_n(gates + i, n)), forget = v_sigmoid(v_load_n(gates + hidden + i, n));
        vf candidate = v_tanh(v_load_n(gates + 2 * hidden + i, n));
        vf out = v_sigmoid(v_load_n(gates + 3 * hidden + i, n));
        vf state = v_fma(forget, v_load_n(c + i, n), in * candidate);
        v_store_n(c + i, state, n);
        v_store_n(h + i, out * v_tanh(state), n);
    }
}

static void layer_norm_row(float *x, int columns, const float *weight, const float *bias, float epsilon)
{
    vf sum = v_set(0.0f), squares = v_set(0.0f);
    for (int i = 0; i < columns; i += LANES)
        sum += v_load_n(x + i, lanes_left(i, columns));
    vf mean = v_set(v_sum(sum) / (float)columns);
    for (int i = 0; i < columns; i += LANES) {
        int n = lanes_left(i, columns);
        vf d = v_load_n(x + i, n) - mean;
        if (n < LANES) { /* lanes past the row must not count */
            float part[LANES] = {0};
            v_store_part(part, d, n);
            d = v_load(part);
        }
        squares = v_fma(d, d, squares);
    }
    vf scale = v_set(1.0f / __builtin_sqrtf(v_sum(squares) / (float)columns + epsilon));
    for (int i = 0; i < columns; i += LANES) {
        int n = lanes_left(i, columns);
        vf y = (v_load_n(x + i, n) - mean) * scale;
        y = v_fma(y, weight ? v_load_n(weight + i, n) : v_set(1.0f),
                  bias ? v_load_n(bias + i, n) : v_set(0.0f));
        v_store_n(x + i, y, n);
    }
}

static void layer_norm(float *x, ptrdiff_t stride, int rows, int columns, const float *weight,
                       const float *bias, float epsilon)
{
    for (; rows > 0; rows--, x += stride)
        layer_norm_row(x, columns, weight, bias, epsilon);
}

static void softmax_row(float *x, int columns, float scale)
{
    vf most = v_set(-__builtin_inff()), sum = v_set(0.0f);
    int whole = columns / LANES * LANES;
    for (int i = 0; i < whole; i += LANES)
        most = v_max(most, v_load(x + i) * v_set(scale));
    float top = v_largest(most);
    for (int i = whole; i < columns; i++)
        top = x[i] * scale > top ? x[i] * scale : top;
    for (int i = 0; i < whole; i += LANES) {
        vf y = v_exp(v_fma(v_load(x + i), v_set(scale), v_set(-top)));
        v_store(x + i, y);
        sum += y;
    }
    float total = v_sum(sum);
    if (whole < columns) {
        float part[LANES] = {0};
        int n = columns - whole;
        v_store_part(part, v_exp(v_fma(v_load_part(x + whole, n), v_set(scale), v_set(-top))), n);
        total += v_sum(v_load(part));
        v_store_part(x + whole, v_load(part), n);
    }
    for (int i = 0; i < columns; i += LANES) {
        int n = lanes_left(i, columns);
        v_store_n(x + i, v_load_n(x + i, n) * v_set(1.0f / total), n);
    }
}

static void softmax(float *x, ptrdiff_t stride, int rows, int columns, float scale)
{
    for (; rows > 0; rows--, x += stride)
        softmax_row(x, columns, scale);
}

/* column_sums of `vectors` vectors of columns from c on, a constant where it is called: as many sums as fit the registers
 * walk along the rows, which lie in memory one after another. */
INLINE void column_sums_strip(void *x, const void *added, enum value_type type, ptrdiff_t stride, int rows,
                              int c, int vectors, int lanes, float *sum, float *sum_squares)
{
    vf s[SUM_VECTORS], squares[SUM_VECTORS];
    for (int v = 0; v < vectors; v++)
        s[v] = squares[v] = v_set(0.0f);
    for (ptrdiff_t at = c; at < c + rows * stride; at += stride)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            vf y = v_load_value(x, type, at + v * LANES, lanes);
            if (added) {
                v_store_value(x, type, at + v * LANES, y + v_load_value(added, type, at + v * LANES, lanes),
                              lanes);
                y = v_load_value(x, type, at + v * LANES, lanes);
            }
            s[v] += y;
            squares[v] = v_fma(y, y, squares[v]);
        }
    for (int v = 0; v < vectors; v++, c += LANES) {
        v_store_n(sum + c, v_load_n(sum + c, lanes) + s[v], lanes);
        v_store_n(sum_squares + c, v_load_n(sum_squares + c, lanes) + squares[v], lanes);
    }
}

INLINE void column_sums_typed(void *x, const void *added, enum value_type type, ptrdiff_t stride, int rows,
                              int channels, float *sum, float *sum_squares)
{
    int c = 0;
    for (; c + SUM_VECTORS * LANES <= channels; c += SUM_VECTORS * LANES)
        column_sums_strip(x, added, type, stride, rows, c, SUM_VECTORS, LANES, sum, sum_squares);
    for (; c < channels; c += LANES)
        column_sums_strip(x, added, type, stride, rows, c, 1, lanes_left(c, channels), sum, sum_squares);
}

static void column_sums(void *x, const void *added, enum value_type type, ptrdiff_t stride, int rows,
                        int channels, float *sum, float *sum_squares)
{
    if (type == VALUE_F32)
        column_sums_typed(x, added, VALUE_F32, stride, rows, channels, sum, sum_squares);
    else
        column_sums_typed(x, added, VALUE_F16, stride, rows, channels, sum, sum_squares);
}

static void pool(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride, int rows,
                 int channels, const float *w, const float *bias)
{
    for (int t = 0; t < rows; t++, in += in_stride, out += 2 * out_stride)
        for (int c = 0; c < channels; c += LANES) {
            int n = lanes_left(c, channels);
            vf x = v_load_n(in + c, n), b = v_load_n(bias + c, n);
            vf next = t + 1 < rows ? v_load_n(in + in_stride + c, n) : v_set(0.0f);
            v_store_n(out + c, v_fma(v_load_n(w + channels + c, n), x, b), n);
            vf odd = v_fma(v_load_n(w + 2 * channels + c, n), x, b);
            v_store_n(out + out_stride + c, v_fma(v_load_n(w + c, n), next, odd), n);
        }
}

INLINE void to_float_typed(float *out, const uint8_t *in, enum value_type type, size_t count)
{
    size_t whole = count / VALUE_BLOCK * VALUE_BLOCK, bytes = value_bytes(type, VALUE_BLOCK);
    for (size_t i = 0; i < whole; i += VALUE_BLOCK, in += bytes)
        block_to_float(out + i, in, type);
    if (whole < count) {
        uint8_t part[VALUE_BLOCK * sizeof(float)] = {0};
        float values[VALUE_BLOCK];
        memcpy(part, in, value_bytes(type, count - whole));
        block_to_float(values, part, type);
        memcpy(out + whole, values, (count - whole) * sizeof(float));
    }
}

static void to_float(float *out, const void *in, enum value_type type, size_t count)
{
    switch (type) {
    case VALUE_F32:
        memmove(out, in, count * sizeof(float));
        break;
    case VALUE_F16:
        to_float_typed(out, in, VALUE_F16, count);
        break;
    case VALUE_BF16:
        to_float_typed(out, in, VALUE_BF16, count);
        break;
    case VALUE_Q8_0:
        to_float_typed(out, in, VALUE_Q8_0, count);
        break;
    case VALUE_Q4_0:
        to_float_typed(out, in, VALUE_Q4_0, count);
        break;
    }
}

INLINE void block_to_q8_0(uint8_t *block, const float *in)
{
    vf most = v_set(0.0f);
    for (int i = 0; i < VALUE_BLOCK; i += LANES)
        most = v_max(most, v_abs(v_load(in + i)));
    float largest = v_largest(most);
    uint16_t scale = value_to_f16(largest / 127.0f);
    vf factor = v_set(scale ? 127.0f / largest : 0.0f);
    memcpy(block, &scale, sizeof scale);
    for (int i = 0; i < VALUE_BLOCK; i += LANES)
        v_store_s8(block + 2 + i, v_round(v_load(in + i) * factor));
}

static void from_float(void *out, enum value_type type, const float *in, size_t count)
{
    uint16_t *half = out;
    uint8_t *block = out;
    if (type == VALUE_F32) {
        memmove(out, in, count * sizeof(float));
    } else if (type == VALUE_Q8_0) {
        for (; count >= VALUE_BLOCK; count -= VALUE_BLOCK, in += VALUE_BLOCK, block += VALUE_Q8_0_BYTES)
            block_to_q8_0(block, in);
    } else if (type == VALUE_BF16) {
        for (size_t i = 0; i < count; i++)
            half[i] = value_to_bf16(in[i]);
    } else {
        size_t i = 0;
        for (; i + LANES <= count; i += LANES)
            v_store_f16(half + i, v_load(in + i));
        if (i < count)
            v_store_f16_part(half + i, v_load_part(in + i, (int)(count - i)), (int)(count - i));
    }
}

/* Puts the kernels of this file into the table. */
static inline void simd_rows_override(struct kernels *k)
{
    k->matvec = matvec;
    k->lstm_cell = lstm_cell;
    k->layer_norm = layer_norm;
    k->softmax = softmax;
    k->sine = sine;
    k->cosine = cosine;
    k->exponential = exponential;
    k->sigmoid = sigmoid;
    k->hyperbolic_tangent = hyperbolic_tangent;
    k->polar = polar;
    k->activate = activate;
    k->column_sums = column_sums;
    k->pool = pool;
    k->axpy = axpy;
    k->to_float = to_float;
    k->from_float = from_float;
}

#endif
