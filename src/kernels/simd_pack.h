/* simd_pack.h: what surrounds a product, over vectors: prologue, panels and epilogue.
 *
 * A set's file includes it after its simd_SET.h, with
 *     USE_BF16, USE_I16   one of them 1 when packed rows and panels are of that type, not float32
 *     PANEL                     columns of a panel, a multiple of LANES
 *     TILE_COLUMNS              columns of the tiles that the product sums, if not PANEL
 * With a 16-bit type it also needs, rounding to nearest even,
 *     void v_store_16(uint16_t *out, vf x, int n)       n lanes
 *     vf v_pair_16(vf low, vf high)                     2 LANES values, low first
 *
 * Panels: F32 [panel][tap][k][PANEL], BF16 and I16 [panel][tap][k / 2][PANEL][2]: either way a step of the
 * product is one row of PANEL 32-bit units. A panel of I16 ends in its columns' scales, [PANEL] floats. */
#ifndef KERNELS_SIMD_PACK_H
#define KERNELS_SIMD_PACK_H

#include "kernels/simd_math.h"

#ifndef USE_BF16
#define USE_BF16 0
#endif
#ifndef USE_I16
#define USE_I16 0
#endif
#define USE_16 (USE_BF16 || USE_I16)
#ifndef TILE_COLUMNS
#define TILE_COLUMNS PANEL
#endif

#if USE_16
typedef uint16_t packed_t;
enum { UNIT = 2 }; /* packed values in a unit */
#else
typedef float packed_t;
enum { UNIT = 1 };
#endif

/* Elements at the end of a panel: its columns' scales. */
enum { PANEL_SCALES = USE_I16 ? PANEL * UNIT : 0 };

typedef float float_in_row __attribute__((may_alias)); /* a packed row's scale, after its whole numbers */

INLINE void v_store_packed(packed_t *out, vf x, int n)
{
#if USE_16
    v_store_16(out, x, n);
#else
    v_store_n(out, x, n);
#endif
}

#if USE_I16

/* What makes whole numbers of a packed row with this largest magnitude. */
INLINE float row_factor(float largest)
{
    return largest > 1e-30f ? (float)INTEGER_ROW / largest : 0.0f;
}

#endif

/* x + sin(alpha x)^2 / alpha. */
INLINE vf v_snake(vf x, vf alpha, vf inverse_alpha)
{
    return v_fma(inverse_alpha, v_sin_squared(alpha * x), x);
}

/* The same for packed types, which are coarser: of `t`, which is alpha x / pi, in half turns, and pi / alpha. sin(pi t)^2 is a
 * polynomial of the square of t's fraction, error 2.3e-5; here it is divided by pi. */
INLINE vf v_snake_16(vf t, vf half_turn)
{
    vf fraction = v_fraction(t), u = fraction * fraction;
    vf p = v_fma(u, v_set(-7.31823904f), v_set(13.1445953f));
    p = v_fma(u, p, v_set(-10.2985575f));
    p = v_fma(u, p, v_set(3.14066012f));
    return half_turn * v_fma(u, p, t);
}

enum { PROLOGUE_KEPT = 2048 }; /* values of a row that are kept until its largest magnitude is known */

/* What makes alpha x / pi of a value before its scale and shift; and pi / alpha. */
struct turns {
    float scale[PROLOGUE_KEPT], shift[PROLOGUE_KEPT], half_turn[PROLOGUE_KEPT];
};

INLINE void turns_of(struct turns *turns, const struct prologue *p)
{
    for (int c = 0; c < p->channels; c += LANES) {
        vf factor = v_load(p->alpha + c) * v_set(0.31830988618f);
        v_store(turns->scale + c, v_load(p->scale + c) * factor);
        v_store(turns->shift + c, v_load(p->shift + c) * factor);
        v_store(turns->half_turn + c, v_load(p->inverse_alpha + c) * v_set(3.14159265359f));
    }
}

/* One vector of the prologue. `type`, `activation` and `whole` are constants where it is called, so each kind of row
 * becomes a loop of its own; `whole` rows, which are those of nearly all the work, consist of whole vectors, have a
 * scale and a shift and can be kept: their loop has no branch. */
INLINE vf prologue_vector(const struct prologue *p, const void *in, enum value_type type,
                          enum activation activation, bool whole, const struct turns *turns, int c)
{
    const int n = whole ? LANES : lanes_left(c, p->channels);
    vf x = v_load_value(in, type, c, n);
    if (USE_16 && whole && activation == ACTIVATION_SNAKE)
        return v_snake_16(v_fma(x, v_load(turns->scale + c), v_load(turns->shift + c)),
                          v_load(turns->half_turn + c));
    if (whole || p->scale)
        x = v_fma(x, v_load_n(p->scale + c, n), whole || p->shift ? v_load_n(p->shift + c, n) : v_set(0.0f));
    else if (p->shift)
        x += v_load_n(p->shift + c, n);
    if (activation == ACTIVATION_SNAKE)
        x = v_snake(x, v_load_n(p->alpha + c, n), v_load_n(p->inverse_alpha + c, n));
    else
        x = v_activated(x, activation, p->slope);
    return x;
}

INLINE void prologue_row_float(const struct prologue *p, const void *in, enum value_type type,
                               enum activation activation, bool whole, const struct turns *turns, float *out)
{
    for (int c = 0; c < p->channels; c += LANES)
        v_store_n(out + c, prologue_vector(p, in, type, activation, whole, turns, c),
                  whole ? LANES : lanes_left(c, p->channels));
}

#if !USE_I16

INLINE void prologue_row(const struct prologue *p, const void *in, enum value_type type,
                         enum activation activation, bool whole, const struct turns *turns, packed_t *out)
{
    for (int c = 0; c < p->channels; c += LANES)
        v_store_packed(out + c, prologue_vector(p, in, type, activation, whole, turns, c),
                       whole ? LANES : lanes_left(c, p->channels));
}

#else

/* A row's largest magnitude must be known before the first is rounded, so values are kept, and
 * computed again where a row is longer than what is kept. */
INLINE void prologue_row(const struct prologue *p, const void *in, enum value_type type,
                         enum activation activation, bool whole, const struct turns *turns, packed_t *out)
{
    float kept[PROLOGUE_KEPT] __attribute__((aligned(64)));
    vf most = v_set(0.0f);
    for (int c = 0; c < p->channels; c += LANES) {
        vf x = prologue_vector(p, in, type, activation, whole, turns, c);
        if (whole || c < PROLOGUE_KEPT)
            v_store(kept + c, x);
        most = v_max(v_abs(x), most);
    }
    float largest = v_largest(most), factor = row_factor(largest);
    for (int c = 0; c < p->channels; c += LANES) {
        vf x = whole || c < PROLOGUE_KEPT ? v_load(kept + c)
                                          : prologue_vector(p, in, type, activation, whole, turns, c);
        v_store_packed(out + c, x * v_set(factor), whole ? LANES : lanes_left(c, p->channels));
    }
    *(float_in_row *)(void *)(out + p->padded) = largest * (1.0f / (float)INTEGER_ROW);
}

#endif

INLINE void prologue_rows(const struct prologue *all, enum value_type type, enum activation activation,
                          bool whole, bool floats)
{
    const struct prologue copy = *all, *p = &copy; /* which, other than *all, no store can change */
    const size_t size = floats ? sizeof(float) : sizeof(packed_t);
    struct turns turns;
    if (USE_16 && whole && activation == ACTIVATION_SNAKE)
        turns_of(&turns, p);
    for (ptrdiff_t t = 0; t < p->rows; t++) {
        const void *in = (const char *)p->in + t * p->in_stride * (type == VALUE_F32 ? 4 : 2);
        char *out = (char *)p->out + t * p->out_stride * (ptrdiff_t)size;
        if (floats)
            prologue_row_float(p, in, type, activation, whole, &turns, (float *)(void *)out);
        else
            prologue_row(p, in, type, activation, whole, &turns, (packed_t *)(void *)out);
        if (p->padded > p->channels)
            memset(out + (size_t)p->channels * size, 0, (size_t)(p->padded - p->channels) * size);
    }
}

INLINE void prologue_activated(const struct prologue *p, enum value_type type, enum activation activation,
                               bool floats)
{
    if (p->scale && p->shift && p->channels % LANES == 0 && p->channels <= PROLOGUE_KEPT)
        prologue_rows(p, type, activation, true, floats);
    else
        prologue_rows(p, type, activation, false, floats);
}

INLINE void prologue_typed(const struct prologue *p, enum value_type type, bool floats)
{
    if (p->activation == ACTIVATION_SNAKE)
        prologue_activated(p, type, ACTIVATION_SNAKE, floats);
    else if (p->activation == ACTIVATION_LEAKY)
        prologue_activated(p, type, ACTIVATION_LEAKY, floats);
    else
        prologue_activated(p, type, ACTIVATION_NONE, floats);
}

INLINE void prologue_to(const struct prologue *p, bool floats)
{
    if (p->type == VALUE_F32)
        prologue_typed(p, VALUE_F32, floats);
    else
        prologue_typed(p, VALUE_F16, floats);
}

static void prologue(const struct prologue *p)
{
    prologue_to(p, false);
}

/* Writes LANES columns of VALUE_BLOCK channels into a panel, from a block of each column, `column_bytes`
 * apart, in whole numbers after multiplication by `factors` [LANES]. `out` is the first of VALUE_BLOCK / UNIT rows of
 * PANEL units. */
INLINE void expand_blocks(const uint8_t *in, size_t column_bytes, enum value_type type, const float *factors,
                          packed_t *out)
{
    uint8_t unpacked[LANES][VALUE_BLOCK] __attribute__((aligned(16)));
    for (int i = 0; i < LANES && type == VALUE_Q4_0; i++)
        unpack_q4_0(in + (size_t)i * column_bytes, unpacked[i]);
    (void)factors; /* of whole numbers alone */
    for (int c = 0; c < VALUE_BLOCK; c += LANES * UNIT) {
        vf x[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            const uint8_t *block = in + (size_t)i * column_bytes;
            x[i] = block_vector(block, type, unpacked[i], c);
#if USE_16
            vf high = block_vector(block, type, unpacked[i], c + LANES);
            if (USE_I16)
                x[i] = v_pair_16(x[i] * v_set(factors[i]), high * v_set(factors[i]));
            else
                x[i] = v_pair_16(x[i], high);
#endif
        }
        v_transpose(x);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            v_store((float *)(void *)(out + (ptrdiff_t)(c / UNIT + i) * PANEL * UNIT), x[i]);
    }
}

/* The block of a column that ends after `channels` channels, the rest 0. The source may end right after its last
 * value. */
INLINE void border_block(float out[VALUE_BLOCK], const uint8_t *in, enum value_type type, int channels)
{
    bool quantised = type == VALUE_Q8_0 || type == VALUE_Q4_0;
    uint8_t block[VALUE_BLOCK * sizeof(float)] = {0};
    memcpy(block, in, value_bytes(type, quantised ? VALUE_BLOCK : (size_t)channels));
    block_to_float(out, block, type);
    for (int c = channels; c < VALUE_BLOCK; c++)
        out[c] = 0.0f;
}

/* The byte of a column where a channel of a tap begins, after those of the source's taps that are not used. */
INLINE size_t tap_offset(const struct expand *e, enum value_type type, int tap, int channel)
{
    size_t first = (size_t)(e->first_tap + tap * e->tap_step) * (size_t)e->source_k;
    return value_bytes(type, first + (size_t)channel);
}

/* Any block of a column, as floats. */
INLINE void any_block(float out[VALUE_BLOCK], const struct expand *e, enum value_type type,
                      const uint8_t *column, int tap, int channel)
{
    int channels = e->k - channel < VALUE_BLOCK ? e->k - channel : VALUE_BLOCK;
    border_block(out, column + tap_offset(e, type, tap, channel), type, channels);
}

/* expand_blocks where not all blocks are there as they are: only the first `columns` columns exist (which may be
 * none), the rest becomes 0. */
INLINE void expand_any(const struct expand *e, enum value_type type, const uint8_t *column, int tap,
                       int channel, const float *factors, packed_t *out, int columns)
{
    float blocks[LANES][VALUE_BLOCK] = {{0}};
    for (int i = 0; i < LANES && i < columns; i++)
        any_block(blocks[i], e, type, column + (size_t)i * e->row_bytes, tap, channel);
    expand_blocks((const uint8_t *)blocks, sizeof blocks[0], VALUE_F32, factors, out);
}

#if USE_I16

INLINE void add_magnitudes(const void *block, enum value_type type, vf *sum, vf *most)
{
    uint8_t unpacked[VALUE_BLOCK] __attribute__((aligned(16)));
    if (type == VALUE_Q4_0)
        unpack_q4_0(block, unpacked);
    for (int c = 0; c < VALUE_BLOCK; c += LANES) {
        vf x = v_abs(block_vector(block, type, unpacked, c));
        *sum += x;
        *most = v_max(*most, x);
    }
}

/* By what floats become whole numbers: the largest magnitude, and the largest sum of the magnitudes that are added up,
 * become as large as they may. A column of zeros keeps finite. */
INLINE vf integer_factor(vf most, vf sum)
{
    vf least = v_set(1e-30f);
    return v_min(v_set(INT16_MAX) / v_max(most, least), v_set((float)INTEGER_SUM) / v_max(sum, least));
}

/* The same of a column of weights; sets *scale to its inverse. */
INLINE float column_factor(const struct expand *e, enum value_type type, const uint8_t *column, float *scale)
{
    vf most = v_set(0.0f);
    float largest_sum = 0.0f;
    for (int tap = 0; tap < e->taps; tap++)
        for (int first = 0; first < e->k; first += INTEGER_DEPTH) {
            vf sum = v_set(0.0f);
            for (int c = first; c < e->k && c < first + INTEGER_DEPTH; c += VALUE_BLOCK) {
                float block[VALUE_BLOCK];
                if (e->k - c >= VALUE_BLOCK) {
                    add_magnitudes(column + tap_offset(e, type, tap, c), type, &sum, &most);
                } else {
                    any_block(block, e, type, column, tap, c);
                    add_magnitudes(block, VALUE_F32, &sum, &most);
                }
            }
            float all = v_sum(sum);
            largest_sum = all > largest_sum ? all : largest_sum;
        }
    vf factor = integer_factor(v_set(v_largest(most)), v_set(largest_sum));
    *scale = 1.0f / v_first(factor);
    return v_first(factor);
}

#endif

INLINE void expand_typed(const struct expand *e, enum value_type type)
{
    int padded = kernels_padded(e->k);
    ptrdiff_t panel_size = (ptrdiff_t)PANEL * e->taps * padded;
    for (int n0 = 0; n0 < (e->columns + PANEL - 1) / PANEL * PANEL; n0 += LANES) {
        packed_t *out = (packed_t *)e->panels + n0 / PANEL * (panel_size + PANEL_SCALES) + n0 % PANEL * UNIT;
        int columns = e->columns - n0; /* that exist; none where only the panel goes on */
        const uint8_t *column = (const uint8_t *)e->source + (columns > 0 ? (size_t)n0 * e->row_bytes : 0);
        float factors[LANES] = {0};
#if USE_I16
        float *scales = (float *)(void *)(out + panel_size);
        for (int i = 0; i < LANES; i++) {
            scales[i] = 0.0f;
            if (i < columns)
                factors[i] = column_factor(e, type, column + (size_t)i * e->row_bytes, &scales[i]);
        }
#endif
        for (int tap = 0; tap < e->taps; tap++) {
            for (int c = 0; c < padded; c += VALUE_BLOCK, out += VALUE_BLOCK * PANEL) {
                if (columns >= LANES && e->k - c >= VALUE_BLOCK)
                    expand_blocks(column + tap_offset(e, type, tap, c), e->row_bytes, type, factors, out);
                else
                    expand_any(e, type, column, tap, c, factors, out, columns);
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

#if USE_I16

/* By what LANES columns from n on become whole numbers; puts the inverses into `scales`. */
INLINE vf rows_factor(const struct expand_rows *e, int n, float *scales)
{
    vf most = v_set(0.0f), largest_sum = v_set(0.0f);
    for (int first = 0; first < e->k; first += INTEGER_DEPTH) {
        vf sum = v_set(0.0f);
        for (int c = first; c < e->k && c < first + INTEGER_DEPTH; c++) {
            vf x = v_abs(expand_row(e, c, n));
            sum += x;
            most = v_max(most, x);
        }
        largest_sum = v_max(largest_sum, sum);
    }
    vf factor = integer_factor(most, largest_sum);
    v_store(scales, v_set(1.0f) / factor);
    return factor;
}

#endif

/* Two rows of LANES columns, in pairs. */
INLINE void store_pairs(packed_t *out, vf low, vf high)
{
#if USE_16
    packed_t row[2][LANES];
    v_store_packed(row[0], low, LANES);
    v_store_packed(row[1], high, LANES);
    for (int i = 0; i < LANES; i++) {
        out[2 * i] = row[0][i];
        out[2 * i + 1] = row[1][i];
    }
#else
    (void)high;
    v_store(out, low);
#endif
}

static void expand_rows(const struct expand_rows *e)
{
    packed_t *out = e->panels;
    int padded = kernels_padded(e->k);
    for (int n0 = 0; n0 < e->columns; n0 += PANEL, out += PANEL_SCALES) {
        vf factors[PANEL / LANES];
        for (int v = 0; v < PANEL / LANES; v++) {
            factors[v] = v_set(1.0f);
#if USE_I16
            float *scales = (float *)(void *)(out + (ptrdiff_t)padded * PANEL);
            factors[v] = rows_factor(e, n0 + v * LANES, scales + v * LANES);
#endif
        }
        for (int c = 0; c < padded; c += UNIT)
            for (int v = 0; v < PANEL / LANES; v++, out += LANES * UNIT) {
                vf low = expand_row(e, c, n0 + v * LANES), high = expand_row(e, c + 1, n0 + v * LANES);
                store_pairs(out, low * factors[v], high * factors[v]);
            }
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
            v_store_value(p->out, type, (t + i) * p->out_stride + n, x, LANES);
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
        v_store_value(p->out, p->type, (t + i) * p->out_stride + n, x, lanes);
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
