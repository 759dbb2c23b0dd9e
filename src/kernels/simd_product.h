/* simd_product.h: the blocked product over vectors.
 *
 * A tile of TILE_ROWS output rows and one panel of columns is summed in registers over all taps and channels:
 * each step broadcasts one 32-bit unit of every row (a float32 channel, or a pair of bfloat16 channels) and
 * multiplies it with PANEL / LANES vectors of the panel. The panel streams from the second-level cache, the
 * tile's rows stay in the first. Needs, beside simd_pack.h and its macros,
 *     TILE_ROWS                        rows of a tile: TILE_ROWS * PANEL / LANES sums fill the registers
 *     vf v_multiply(vf a, vf w, vf x)  x + a * w, float32 lanes, or x + a.low * w.low + a.high * w.high for
 * pairs */
#ifndef KERNELS_SIMD_PRODUCT_H
#define KERNELS_SIMD_PRODUCT_H

#include "kernels/simd_pack.h"

enum { VECTORS = PANEL / LANES, GROUP = 3, GROUPS = (TILE_ROWS + GROUP - 1) / GROUP };

/* Sums `rows` rows (a constant where it is called) from packed row `first` on into tile[rows][PANEL]. Rows
 * are addressed in groups of three, pointer + 0, 1, 2 strides, which keeps the pointers in registers. */
INLINE void product_tile(const struct product *p, const char *first, const float *w, float *tile,
                         const int rows)
{
    vf x[TILE_ROWS][VECTORS];
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            x[i][v] = v_set(0.0f);
    ptrdiff_t unit_row = p->a_stride * (ptrdiff_t)sizeof(packed_t), row = unit_row * p->row_step;
    for (int tap = 0; tap < p->taps; tap++, first += p->tap_step * unit_row) {
        const char *a[GROUPS];
#pragma GCC unroll 8
        for (int g = 0; g * GROUP < rows; g++)
            a[g] = first + g * GROUP * row;
#pragma GCC unroll 4
        for (int c = 0; c < p->k; c += UNIT, w += PANEL) {
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
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            v_store(tile + i * PANEL + v * LANES, x[i][v]);
}

static void product(const struct product *p)
{
    ptrdiff_t row = p->a_stride * (ptrdiff_t)sizeof(packed_t) * p->row_step;
    const float *w = p->panels;
    for (int n = 0; n < p->columns; n += PANEL, w += (ptrdiff_t)p->taps * (p->k / UNIT) * PANEL) {
        const char *a = p->a;
        for (int t = 0, rows; t < p->rows; t += rows, a += rows * row) {
            float tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
            int left = p->rows - t;
            finish_prefetch(p, t, left < TILE_ROWS ? left : TILE_ROWS, n);
            if (left >= TILE_ROWS)
                product_tile(p, a, w, tile, rows = TILE_ROWS);
            else if (left >= 4)
                product_tile(p, a, w, tile, rows = 4);
            else
                product_tile(p, a, w, tile, rows = 1);
            finish(p, tile, t, rows, n);
        }
    }
}

/* Puts the products of this file into the table. */
static inline void simd_product_override(struct products *p)
{
    *p = (struct products){
        .packed = PACKED_BF16 ? VALUE_BF16 : VALUE_F32,
        .panel = PANEL,
        .rows = TILE_ROWS,
        .prologue = prologue,
        .expand = expand,
        .expand_rows = expand_rows,
        .product = product,
    };
}

#endif
