/* simd_product.h: the blocked product over vectors.
 *
 * A tile of TILE_ROWS output rows and one panel of columns is summed in registers over all taps and channels:
 * each step broadcasts one 32-bit unit of every row (a float32 channel, or a pair of bfloat16 channels) and
 * multiplies it with PANEL / LANES vectors of the panel. The panel streams from the second-level cache, the
 * tile's rows stay in the first. Needs, beside simd_pack.h and its macros,
 *     TILE_ROWS                        rows of a tile: TILE_ROWS * PANEL / LANES sums fill the registers
 *     vf v_multiply(vf a, vf w, vf x)  x + a * w, float32 lanes, or x + a.low * w.low + a.high * w.high for
 *                                      pairs
 *     vf v_whole(vf x)                 with USE_I16: the lanes, 32-bit integers there, as float32 */
#ifndef KERNELS_SIMD_PRODUCT_H
#define KERNELS_SIMD_PRODUCT_H

#include "kernels/simd_pack.h"
#if !USE_BF16
#include "kernels/simd_winograd.h"
#endif

enum { VECTORS = PANEL / LANES, GROUP = 3, GROUPS = (TILE_ROWS + GROUP - 1) / GROUP };

/* Steps of the inner loop that are unrolled: products of pairs add in place, and with more than one step gcc 12 moves
 * their sums from register to register. */
enum { STEPS = USE_16 ? 1 : 4 };

/* A tile of 4 rows or of 1 waits for its own sums: it takes as long as so many rows of a whole tile. Where the last rows
 * would take many of them, a whole tile goes over some rows again, and drops their sums. */
enum { SMALL_TILE = 5 };

/* The sums of a tile, in registers; `rows` is a constant wherever it is passed. */
typedef vf tile_sums[TILE_ROWS][VECTORS];

INLINE void sums_clear(tile_sums x, const int rows)
{
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            x[i][v] = v_set(0.0f);
}

INLINE void sums_store(float *tile, tile_sums x, const int rows)
{
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            v_store(tile + i * PANEL + v * LANES, x[i][v]);
}

/* Adds `depth` channels of the rows from `first` on (`row` bytes apart) times a panel's rows from `w` on. Rows are
 * addressed in groups of three, pointer + 0, 1, 2 strides, which keeps the pointers in registers. */
INLINE void sums_add(tile_sums x, const char *first, ptrdiff_t row, const float *w, int depth, const int rows)
{
    const char *a[GROUPS];
#pragma GCC unroll 8
    for (int g = 0; g * GROUP < rows; g++)
        a[g] = first + g * GROUP * row;
#pragma GCC unroll STEPS
    for (int c = 0; c < depth; c += UNIT, w += PANEL) {
        vf panel[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            panel[v] = v_load(w + v * LANES);
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++) {
            vf unit = v_broadcast(a[i / GROUP] + i % GROUP * row);
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                x[i][v] = v_multiply(unit, panel[v], x[i][v]);
        }
#pragma GCC unroll 8
        for (int g = 0; g * GROUP < rows; g++)
            a[g] += sizeof(packed_t) * UNIT;
    }
}

#if USE_I16

/* Adds `depth` channels, INTEGER_DEPTH at most, of the rows from `first` on to tile[rows][PANEL], or sets it: sums of
 * whole numbers in registers, times the rows' scales, which are at `scale`. The last of a tile multiplies all by the
 * columns' scales, which follow it in the panel. */
INLINE void segment(float *tile, const char *first, const char *scale, ptrdiff_t row, const float *w,
                    int depth, bool add, const bool last, const int rows)
{
    tile_sums x;
    vf columns[VECTORS];
    sums_clear(x, rows);
    sums_add(x, first, row, w, depth, rows);
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
        columns[v] = last ? v_load(w + depth / UNIT * PANEL + v * LANES) : v_set(1.0f);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        vf s = v_broadcast(scale + i * row);
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            float *sum = tile + i * PANEL + v * LANES;
            v_store(sum, v_fma(v_whole(x[i][v]), s, add ? v_load(sum) : v_set(0.0f)) * columns[v]);
        }
    }
}

/* Of TILE_ROWS rows: functions of their own, where the sums have all registers to themselves. */
static __attribute__((noinline)) void whole_segment(float *tile, const char *first, const char *scale,
                                                    ptrdiff_t row, const float *w, int depth, bool add)
{
    segment(tile, first, scale, row, w, depth, add, false, TILE_ROWS);
}

static __attribute__((noinline)) void last_segment(float *tile, const char *first, const char *scale,
                                                   ptrdiff_t row, const float *w, int depth, bool add)
{
    segment(tile, first, scale, row, w, depth, add, true, TILE_ROWS);
}

/* Sums `rows` rows from packed row `first` on into tile[rows][PANEL]: whole numbers in registers, and every
 * INTEGER_DEPTH channels in float32. */
INLINE void product_tile(const struct product *p, const char *first, const float *w, float *tile,
                         const int rows)
{
    ptrdiff_t unit_row = p->a_stride * (ptrdiff_t)sizeof(packed_t), row = unit_row * p->row_step;
    for (int tap = 0; tap < p->taps; tap++, first += p->tap_step * unit_row)
        for (int c = 0; c < p->k; c += INTEGER_DEPTH) {
            int depth = p->k - c < INTEGER_DEPTH ? p->k - c : INTEGER_DEPTH;
            const char *from = first + c * (ptrdiff_t)sizeof(packed_t);
            const char *scale = first + p->k * (ptrdiff_t)sizeof(packed_t);
            const bool last = tap + 1 == p->taps && c + depth == p->k;
            if (rows == TILE_ROWS && last)
                last_segment(tile, from, scale, row, w, depth, tap + c > 0);
            else if (rows == TILE_ROWS)
                whole_segment(tile, from, scale, row, w, depth, tap + c > 0);
            else
                segment(tile, from, scale, row, w, depth, tap + c > 0, last, rows);
            w += depth / UNIT * PANEL;
        }
}

#else

/* Sums `rows` rows from packed row `first` on into tile[rows][PANEL]. */
INLINE void product_tile(const struct product *p, const char *first, const float *w, float *tile,
                         const int rows)
{
    ptrdiff_t unit_row = p->a_stride * (ptrdiff_t)sizeof(packed_t), row = unit_row * p->row_step;
    tile_sums x;
    sums_clear(x, rows);
    for (int tap = 0; tap < p->taps; tap++, first += p->tap_step * unit_row) {
        sums_add(x, first, row, w, p->k, rows);
        w += p->k / UNIT * PANEL;
    }
    sums_store(tile, x, rows);
}

#endif

/* Whether the sums of one panel are wanted as they are, row by row, as those at the points of a fast convolution. */
INLINE bool plain_sums(const struct product *p)
{
    return p->columns == PANEL && p->out_stride == PANEL && p->type == VALUE_F32 && p->scale == 1.0f &&
           p->activation == ACTIVATION_NONE && !p->bias && !p->residual && !p->addend && !p->sum;
}

static void product(const struct product *p)
{
    ptrdiff_t row = p->a_stride * (ptrdiff_t)sizeof(packed_t) * p->row_step;
    const float *w = p->panels;
    ptrdiff_t panel_size = (ptrdiff_t)p->taps * (p->k / UNIT) * PANEL + PANEL_SCALES / UNIT;
    const bool plain = plain_sums(p);
    for (int n = 0; n < p->columns; n += PANEL, w += panel_size) {
        const char *a = p->a;
        for (int t = 0, rows; t < p->rows; t += rows, a += rows * row) {
            float scratch[TILE_ROWS * PANEL] __attribute__((aligned(64)));
            int left = p->rows - t, again = 0;
            if (left < TILE_ROWS && t >= TILE_ROWS && SMALL_TILE * (left / 4 + left % 4) > TILE_ROWS)
                again = TILE_ROWS - left;
            float *tile = plain ? (float *)p->out + (ptrdiff_t)(t - again) * PANEL : scratch;
            if (!plain)
                finish_prefetch(p, t, left < TILE_ROWS ? left : TILE_ROWS, n);
            if (left + again >= TILE_ROWS)
                product_tile(p, a - again * row, w, tile, rows = TILE_ROWS);
            else if (left >= 4)
                product_tile(p, a, w, tile, rows = 4);
            else
                product_tile(p, a, w, tile, rows = 1);
            rows -= again;
            if (!plain)
                finish(p, tile + (ptrdiff_t)again * PANEL, t, rows, n);
        }
    }
}

/* Puts the products of this file into the table. */
static inline void simd_product_override(struct products *p)
{
    *p = (struct products){
        .packed = USE_I16    ? PACKED_I16
                  : USE_BF16 ? PACKED_BF16
                             : PACKED_F32,
        .panel = PANEL,
        .rows = TILE_ROWS,
        .prologue = prologue,
        .expand = expand,
        .expand_rows = expand_rows,
        .product = product,
    };
#if !USE_BF16
    p->points = WINOGRAD_POINTS;
    p->prologue_float = prologue_float;
    p->transform_input = transform_input;
    p->transform_weights = transform_weights;
    p->transform_output = transform_output;
#endif
}

#endif
