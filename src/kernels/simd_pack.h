/* simd_pack.h: what surrounds a product, over vectors: prologue, panels and epilogue.
 *
 * A set's file includes it after its simd_SET.h, with
 *     PACKED_BF16  1 when packed rows and panels are bfloat16, in pairs of channels; else 0 or undefined
 *     PANEL        columns of a panel, a multiple of LANES
 *     TILE_COLUMNS columns of the tiles that the product sums, if not PANEL
 * With bfloat16 it also needs
 *     void v_store_bf16(uint16_t *out, vf x, int n)     n lanes, rounded to nearest even
 *     vf v_pair_bf16(vf low, vf high)                   2 LANES values, low first
 *
 * Panels: F32 [panel][tap][k][PANEL], BF16 [panel][tap][k / 2][PANEL][2]: either way a step of the product is
 * one row of PANEL 32-bit units. */
#ifndef KERNELS_SIMD_PACK_H
#define KERNELS_SIMD_PACK_H

#include "kernels/simd_math.h"

#ifndef PACKED_BF16
#define PACKED_BF16 0
#endif
#ifndef TILE_COLUMNS
#define TILE_COLUMNS PANEL
#endif

#if PACKED_BF16
typedef uint16_t packed_t;
enum { UNIT = 2 }; /* packed values in a unit */
#else
typedef float packed_t;
enum { UNIT = 1 };
#endif

INLINE void v_store_packed(packed_t *out, vf x, int n)
{
#if PACKED_BF16
    v_store_bf16(out, x, n);
#else
    v_store_n(out, x, n);
#endif
}

/* x + sin(alpha x)^2 / alpha. */
INLINE vf v_snake(vf x, vf alpha, vf inverse_alpha)
{
#if PACKED_BF16
    /* In half turns t: sin(pi t)^2 is a polynomial of the square of t's fraction, error 4e-7. The product t
     * is rounded, which costs |t| * 4e-7 more: far below a step of bfloat16. */
    vf t = v_fraction(x * (alpha * v_set(0.31830988618f)));
    vf u = t * t;
    vf p = v_fma(u, v_set(10.58130053f), v_set(-29.42627445f));
    p = v_fma(u, p, v_set(42.64342619f));
    p = v_fma(u, p, v_set(-32.46513955f));
    p = v_fma(u, p, v_set(9.869524813f));
    return v_fma(inverse_alpha * u, p, x);
#else
    return v_fma(inverse_alpha, v_sin_squared(alpha * x), x);
#endif
}

/* One vector of the prologue; `activation` and `type` are constants where it is called, so each pair becomes
 * a loop of its own. */
INLINE void prologue_vector(const struct prologue *p, const void *in, enum value_type type,
                            enum activation activation, packed_t *out, int c, int n)
{
    vf x = v_load_value(in, type, c, n);
    if (p->scale)
        x = v_fma(x, v_load_n(p->scale + c, n), p->shift ? v_load_n(p->shift + c, n) : v_set(0.0f));
    else if (p->shift)
        x += v_load_n(p->shift + c, n);
    if (activation == ACTIVATION_SNAKE)
        x = v_snake(x, v_load_n(p->alpha + c, n), v_load_n(p->inverse_alpha + c, n));
    else
        x = v_activated(x, activation, p->slope);
    v_store_packed(out + c, x, n);
}

INLINE void prologue_rows(const struct prologue *all, enum value_type type, enum activation activation)
{
    const struct prologue copy = *all, *p = &copy; /* which, other than *all, no store can change */
    for (ptrdiff_t t = 0; t < p->rows; t++) {
        const void *in = (const char *)p->in + t * p->in_stride * (type == VALUE_F32 ? 4 : 2);
        packed_t *out = (packed_t *)p->out + t * p->out_stride;
        int c = 0;
        for (; c + LANES <= p->channels; c += LANES)
            prologue_vector(p, in, type, activation, out, c, LANES);
        if (c < p->channels)
            prologue_vector(p, in, type, activation, out, c, p->channels - c);
        if (p->padded > p->channels)
            memset(out + p->channels, 0, (size_t)(p->padded - p->channels) * sizeof *out);
    }
}

INLINE void prologue_typed(const struct prologue *p, enum value_type type)
{
    if (p->activation == ACTIVATION_SNAKE)
        prologue_rows(p, type, ACTIVATION_SNAKE);
    else if (p->activation == ACTIVATION_LEAKY)
        prologue_rows(p, type, ACTIVATION_LEAKY);
    else
        prologue_rows(p, type, ACTIVATION_NONE);
}

static void prologue(const struct prologue *p)
{
    if (p->type == VALUE_F32)
        prologue_typed(p, VALUE_F32);
    else
        prologue_typed(p, VALUE_F16);
}

/* Writes LANES columns of VALUE_BLOCK channels into a panel, from a block of each column, `column_bytes`
 * apart. `out` is the first of VALUE_BLOCK / UNIT rows of PANEL units. */
INLINE void expand_blocks(const uint8_t *in, size_t column_bytes, enum value_type type, packed_t *out)
{
    uint8_t unpacked[LANES][VALUE_BLOCK] __attribute__((aligned(16)));
    for (int i = 0; i < LANES && type == VALUE_Q4_0; i++)
        unpack_q4_0(in + (size_t)i * column_bytes, unpacked[i]);
    for (int c = 0; c < VALUE_BLOCK; c += LANES * UNIT) {
        vf x[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            const uint8_t *block = in + (size_t)i * column_bytes;
            x[i] = block_vector(block, type, unpacked[i], c);
#if PACKED_BF16
            x[i] = v_pair_bf16(x[i], block_vector(block, type, unpacked[i], c + LANES));
#endif
        }
        v_transpose(x);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            v_store((float *)(void *)(out + (ptrdiff_t)(c / UNIT + i) * PANEL * UNIT), x[i]);
    }
}

/* The same at the borders: only the first `columns` columns (which may be none) and `channels` channels
 * exist, the rest becomes 0. The source may end right after its last value. */
INLINE void expand_border(const uint8_t *in, size_t column_bytes, enum value_type type, packed_t *out,
                          int columns, int channels)
{
    float blocks[LANES][VALUE_BLOCK] = {{0}};
    bool quantised = type == VALUE_Q8_0 || type == VALUE_Q4_0;
    for (int i = 0; i < LANES && i < columns; i++) {
        uint8_t block[VALUE_BLOCK * sizeof(float)] = {0};
        size_t bytes = value_bytes(type, quantised ? VALUE_BLOCK : (size_t)channels);
        memcpy(block, in + (size_t)i * column_bytes, bytes);
        block_to_float(blocks[i], block, type);
        for (int c = channels; c < VALUE_BLOCK; c++)
            blocks[i][c] = 0.0f;
    }
    expand_blocks((const uint8_t *)blocks, sizeof blocks[0], VALUE_F32, out);
}

INLINE void expand_typed(const struct expand *e, enum value_type type)
{
    int padded = kernels_padded(e->k);
    for (int n0 = 0; n0 < (e->columns + PANEL - 1) / PANEL * PANEL; n0 += LANES) {
        packed_t *out = (packed_t *)e->panels + (ptrdiff_t)(n0 / PANEL) * PANEL * e->taps * padded;
        out += n0 % PANEL * UNIT;
        int columns = e->columns - n0; /* that exist; none where only the panel goes on */
        const uint8_t *column = (const uint8_t *)e->source + (columns > 0 ? (size_t)n0 * e->row_bytes : 0);
        for (int tap = 0; tap < e->taps; tap++) {
            size_t first = (size_t)(e->first_tap + tap * e->tap_step) * (size_t)e->source_k;
            for (int c = 0; c < padded; c += VALUE_BLOCK, out += VALUE_BLOCK * PANEL) {
                const uint8_t *in = column + value_bytes(type, first + (size_t)c);
                int channels = e->k - c < VALUE_BLOCK ? e->k - c : VALUE_BLOCK;
                if (columns >= LANES && channels == VALUE_BLOCK)
                    expand_blocks(in, e->row_bytes, type, out);
                else
                    expand_border(in, e->row_bytes, type, out, columns, channels);
            }
        }
    }
}

static void expand(const struct expand *e)
{
    switch (e->type) {
    case VALUE_F32:
        expand_typed(e, VALUE_F32);
        break;
    case VALUE_F16:
        expand_typed(e, VALUE_F16);
        break;
    case VALUE_BF16:
        expand_typed(e, VALUE_BF16);
        break;
    case VALUE_Q8_0:
        expand_typed(e, VALUE_Q8_0);
        break;
    case VALUE_Q4_0:
        expand_typed(e, VALUE_Q4_0);
        break;
    }
}

INLINE vf expand_row(const struct expand_rows *e, int c, int n)
{
    int lanes = lanes_left(n, e->columns);
    return c < e->k && lanes > 0 ? v_load_value(e->source, e->type, c * e->stride + n, lanes) : v_set(0.0f);
}

static void expand_rows(const struct expand_rows *e)
{
    packed_t *out = e->panels;
    for (int n0 = 0; n0 < e->columns; n0 += PANEL)
        for (int c = 0; c < kernels_padded(e->k); c += UNIT)
            for (int n = n0; n < n0 + PANEL; n += LANES, out += LANES * UNIT) {
#if PACKED_BF16
                packed_t low[LANES], high[LANES];
                v_store_bf16(low, expand_row(e, c, n), LANES);
                v_store_bf16(high, expand_row(e, c + 1, n), LANES);
                for (int i = 0; i < LANES; i++) {
                    out[2 * i] = low[i];
                    out[2 * i + 1] = high[i];
                }
#else
                v_store(out, expand_row(e, c, n));
#endif
            }
}

/* Asks for the lines of an array, `rows` rows of a panel's columns, that the epilogue will want after the
 * products. */
INLINE void prefetch_rows(const void *x, size_t size, ptrdiff_t stride, int rows)
{
    const char *line = x;
    for (int i = 0; i < rows; i++, line += stride * (ptrdiff_t)size)
        for (size_t offset = 0; offset < TILE_COLUMNS * size; offset += 64)
            __builtin_prefetch(line + offset);
}

/* The arrays of a layer lie in memory and are walked in strips, a panel wide, which the processor does not
 * foresee; the sums of a tile take long enough to fetch what its epilogue touches. */
INLINE void finish_prefetch(const struct product *p, int t, int rows, int n0)
{
    size_t size = p->type == VALUE_F32 ? 4 : 2;
    prefetch_rows((const char *)p->out + (t * p->out_stride + n0) * (ptrdiff_t)size, size, p->out_stride,
                  rows);
    if (p->residual)
        prefetch_rows((const char *)p->residual + (t * p->residual_stride + n0) * (ptrdiff_t)size, size,
                      p->residual_stride, rows);
    if (p->addend)
        prefetch_rows((const char *)p->addend + (t * p->addend_stride + n0) * (ptrdiff_t)size, size,
                      p->addend_stride, rows);
}

/* Reads and writes n lanes of an array that is like the output. */
INLINE vf finish_read(const void *x, enum value_type type, ptrdiff_t stride, int t, int n, int lanes)
{
    return v_load_value(x, type, t * stride + n, lanes);
}

INLINE void finish_write(const struct product *p, enum value_type type, vf x, int t, int n, int lanes)
{
    ptrdiff_t at = t * p->out_stride + n;
    if (type == VALUE_F32)
        v_store_n((float *)p->out + at, x, lanes);
    else if (lanes < LANES)
        v_store_f16_part((uint16_t *)p->out + at, x, lanes);
    else
        v_store_f16((uint16_t *)p->out + at, x);
}

INLINE void finish_sums(const struct product *p, vf sum, vf squares, int n, int lanes)
{
    v_store_n(p->sum + n, v_load_n(p->sum + n, lanes) + sum, lanes);
    v_store_n(p->sum_squares + n, v_load_n(p->sum_squares + n, lanes) + squares, lanes);
}

/* The epilogue of a whole panel without an activation, as the convolutions of the generator end: what is
 * added is a constant where this is called, so that the loop holds nothing else. */
INLINE void finish_whole(const struct product *all, enum value_type type, bool residual, bool addend,
                         const float *tile, int t, int rows, int n0)
{
    enum { TILE_VECTORS = TILE_COLUMNS / LANES };
    const struct product copy = *all, *p = &copy; /* which, other than *all, no store can change */
    vf bias[TILE_VECTORS], sum[TILE_VECTORS], squares[TILE_VECTORS], scale = v_set(p->scale);
    for (int v = 0; v < TILE_VECTORS; v++) {
        bias[v] = p->bias ? v_load(p->bias + n0 + v * LANES) : v_set(0.0f);
        sum[v] = squares[v] = v_set(0.0f);
    }
    for (int i = 0; i < rows; i++, tile += TILE_COLUMNS)
#pragma GCC unroll 4
        for (int v = 0; v < TILE_VECTORS; v++) {
            int n = n0 + v * LANES;
            vf x = v_load(tile + v * LANES) + bias[v];
            if (residual)
                x += finish_read(p->residual, type, p->residual_stride, t + i, n, LANES);
            x *= scale;
            if (addend)
                x += finish_read(p->addend, type, p->addend_stride, t + i, n, LANES);
            finish_write(p, type, x, t + i, n, LANES);
            sum[v] += x;
            squares[v] = v_fma(x, x, squares[v]);
        }
    for (int v = 0; v < TILE_VECTORS && p->sum; v++)
        finish_sums(p, sum[v], squares[v], n0 + v * LANES, LANES);
}

INLINE void finish_whole_typed(const struct product *p, enum value_type type, const float *tile, int t,
                               int rows, int n0)
{
    if (p->residual && p->addend)
        finish_whole(p, type, true, true, tile, t, rows, n0);
    else if (p->residual)
        finish_whole(p, type, true, false, tile, t, rows, n0);
    else if (p->addend)
        finish_whole(p, type, false, true, tile, t, rows, n0);
    else
        finish_whole(p, type, false, false, tile, t, rows, n0);
}

/* Any epilogue, one vector of columns. */
static void finish_columns(const struct product *p, const float *tile, int t, int rows, int n, int lanes)
{
    vf bias = p->bias ? v_load_n(p->bias + n, lanes) : v_set(0.0f);
    vf sum = v_set(0.0f), squares = v_set(0.0f);
    for (int i = 0; i < rows; i++) {
        vf x = v_activated(v_load(tile + (ptrdiff_t)i * TILE_COLUMNS) + bias, p->activation, p->slope);
        if (p->residual)
            x += finish_read(p->residual, p->type, p->residual_stride, t + i, n, lanes);
        x *= v_set(p->scale);
        if (p->addend)
            x += finish_read(p->addend, p->type, p->addend_stride, t + i, n, lanes);
        finish_write(p, p->type, x, t + i, n, lanes);
        sum += x;
        squares = v_fma(x, x, squares);
    }
    if (p->sum)
        finish_sums(p, sum, squares, n, lanes);
}

/* The epilogue of a tile of sums, rows of TILE_COLUMNS floats: rows t.., columns n0.. of the output. */
static __attribute__((noinline)) void finish(const struct product *p, const float *tile, int t, int rows,
                                             int n0)
{
    if (p->activation != ACTIVATION_NONE || n0 + TILE_COLUMNS > p->columns) {
        for (int n = n0; n < p->columns && n < n0 + TILE_COLUMNS; n += LANES, tile += LANES)
            finish_columns(p, tile, t, rows, n, lanes_left(n, p->columns));
    } else if (p->type == VALUE_F32) {
        finish_whole_typed(p, VALUE_F32, tile, t, rows, n0);
    } else {
        finish_whole_typed(p, VALUE_F16, tile, t, rows, n0);
    }
}

#endif
