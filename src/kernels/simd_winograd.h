/* simd_winograd.h: fast convolutions over vectors (kernels.h): what comes before and after the products at each point.
 * Include it after simd_pack.h. */
#ifndef KERNELS_SIMD_WINOGRAD_H
#define KERNELS_SIMD_WINOGRAD_H

#include "kernels/simd_pack.h"

typedef vf winograd_t;
#include "kernels/winograd.h"

static void prologue_float(const struct prologue *p)
{
    prologue_to(p, true);
}

/* ---- Input ---------------------------------------------------------------------------------------- */

/* One vector of a row, at each point; `added` is `in` of t->added. */
INLINE void input_vector(const struct transform_input *t, const float *in, const float *added,
                         vf out[WINOGRAD_POINTS])
{
    vf x[WINOGRAD_POINTS];
    const ptrdiff_t step = t->distance * t->in_stride;
#pragma GCC unroll 16
    for (int i = 0; i < WINOGRAD_POINTS; i++)
        x[i] = v_load(in + i * step);
    if (added)
#pragma GCC unroll 16
        for (int i = 0; i < WINOGRAD_POINTS; i++)
            x[i] = v_fma(v_set(t->factor), v_load(added + i * step), x[i]);
    winograd_input(x, out);
}

#if USE_I16

INLINE void input_row(const struct transform_input *t, const float *in, const float *added, packed_t *out)
{
    float kept[WINOGRAD_POINTS][WINOGRAD_MOST_K] __attribute__((aligned(64)));
    vf most[WINOGRAD_POINTS];
    for (int i = 0; i < WINOGRAD_POINTS; i++)
        most[i] = v_set(0.0f);
    for (int c = 0; c < t->k; c += LANES) {
        vf x[WINOGRAD_POINTS];
        input_vector(t, in + c, added ? added + c : NULL, x);
#pragma GCC unroll 16
        for (int i = 0; i < WINOGRAD_POINTS; i++) {
            v_store(kept[i] + c, x[i]);
            most[i] = v_max(v_abs(x[i]), most[i]);
        }
    }
    for (int i = 0; i < WINOGRAD_POINTS; i++, out += t->point_stride) {
        const float largest = v_largest(most[i]);
        const vf factor = v_set(row_factor(largest));
        for (int c = 0; c < t->k; c += LANES)
            v_store_packed(out + c, v_load(kept[i] + c) * factor, LANES);
        *(float_in_row *)(void *)(out + t->k) = largest * (1.0f / (float)INTEGER_ROW);
    }
}

#else

INLINE void input_row(const struct transform_input *t, const float *in, const float *added, packed_t *out)
{
    for (int c = 0; c < t->k; c += LANES) {
        vf x[WINOGRAD_POINTS];
        input_vector(t, in + c, added ? added + c : NULL, x);
#pragma GCC unroll 16
        for (int i = 0; i < WINOGRAD_POINTS; i++)
            v_store_packed(out + i * t->point_stride + c, x[i], LANES);
    }
}

#endif

static void transform_input(const struct transform_input *all)
{
    const struct transform_input copy = *all, *t = &copy; /* which, other than *all, no store can change */
    for (ptrdiff_t row = 0; row < t->rows; row++)
        input_row(t, t->in + row * t->in_stride, t->added ? t->added + row * t->in_stride : NULL,
                  (packed_t *)t->out + row * t->out_stride);
}

/* ---- Weights -------------------------------------------------------------------------------------- */

/* Channels c to c + LANES of one tap of a column; 0 where there is no such tap. */
INLINE vf weights_tap(const struct transform_weights *w, enum value_type type, const uint8_t *column, int tap,
                      int c)
{
    const int block = c / VALUE_BLOCK * VALUE_BLOCK;
    const uint8_t *source = column + value_bytes(type, (size_t)tap * (size_t)w->k + (size_t)block);
    uint8_t unpacked[VALUE_BLOCK] __attribute__((aligned(16)));
    if (tap >= w->taps)
        return v_set(0.0f);
    if (type == VALUE_Q4_0)
        unpack_q4_0(source, unpacked);
    return block_vector(source, type, unpacked, c - block);
}

/* Channels c to c + LANES of the run of a column, at each point. */
INLINE void weights_vector(const struct transform_weights *w, enum value_type type, const uint8_t *column,
                           int c, vf out[WINOGRAD_POINTS])
{
    vf taps[WINOGRAD_TAPS];
#pragma GCC unroll 8
    for (int i = 0; i < WINOGRAD_TAPS; i++) {
        taps[i] = v_set(0.0f);
        for (int run = 0; run < 2 && i < w->run_taps; run++)
            if (w->factors[run] != 0.0f)
                taps[i] = v_fma(v_set(w->factors[run]),
                                weights_tap(w, type, column, run * w->run_taps + i, c), taps[i]);
    }
    winograd_weights(taps, w->run_taps, out);
}

#if USE_I16

/* By what a column becomes whole numbers at each point, and the inverse. */
INLINE void weights_factors(const struct transform_weights *w, enum value_type type, const uint8_t *column,
                            float factors[WINOGRAD_POINTS], float scales[WINOGRAD_POINTS])
{
    vf most[WINOGRAD_POINTS], sum[WINOGRAD_POINTS], x[WINOGRAD_POINTS];
    float largest_sum[WINOGRAD_POINTS] = {0};
    for (int i = 0; i < WINOGRAD_POINTS; i++)
        most[i] = v_set(0.0f);
    for (int first = 0; first < w->k; first += INTEGER_DEPTH) {
        for (int i = 0; i < WINOGRAD_POINTS; i++)
            sum[i] = v_set(0.0f);
        for (int c = first; c < w->k && c < first + INTEGER_DEPTH; c += LANES) {
            weights_vector(w, type, column, c, x);
#pragma GCC unroll 16
            for (int i = 0; i < WINOGRAD_POINTS; i++) {
                sum[i] += v_abs(x[i]);
                most[i] = v_max(v_abs(x[i]), most[i]);
            }
        }
        for (int i = 0; i < WINOGRAD_POINTS; i++) {
            const float all = v_sum(sum[i]);
            largest_sum[i] = all > largest_sum[i] ? all : largest_sum[i];
        }
    }
    for (int i = 0; i < WINOGRAD_POINTS; i++) {
        factors[i] = v_first(integer_factor(v_set(v_largest(most[i])), v_set(largest_sum[i])));
        scales[i] = 1.0f / factors[i];
    }
}

#endif

/* VALUE_BLOCK channels of LANES columns at each point, blocks[point][column]. */
INLINE void weights_blocks(const struct transform_weights *w, enum value_type type, const uint8_t *column,
                           int columns, int channel, float blocks[WINOGRAD_POINTS][LANES][VALUE_BLOCK])
{
    for (int n = 0; n < LANES; n++, column += n < columns ? w->row_bytes : 0)
        for (int c = 0; c < VALUE_BLOCK; c += LANES) {
            vf x[WINOGRAD_POINTS];
            if (n < columns)
                weights_vector(w, type, column, channel + c, x);
#pragma GCC unroll 16
            for (int i = 0; i < WINOGRAD_POINTS; i++)
                v_store(blocks[i][n] + c, n < columns ? x[i] : v_set(0.0f));
        }
}

INLINE void weights_typed(const struct transform_weights *w, enum value_type type)
{
    float blocks[WINOGRAD_POINTS][LANES][VALUE_BLOCK] __attribute__((aligned(64)));
    for (int n0 = 0; n0 < (w->columns + PANEL - 1) / PANEL * PANEL; n0 += LANES) {
        char *out = (char *)w->panels + (size_t)(n0 / PANEL) * w->panel_step +
                    (size_t)(n0 % PANEL * UNIT) * sizeof(packed_t);
        const int columns = w->columns - n0; /* that exist; none where only the panel goes on */
        const uint8_t *column = (const uint8_t *)w->source + (columns > 0 ? (size_t)n0 * w->row_bytes : 0);
        float factors[WINOGRAD_POINTS][LANES] = {{0}};
#if USE_I16
        for (int n = 0; n < LANES; n++) {
            float of_column[WINOGRAD_POINTS] = {0}, scales[WINOGRAD_POINTS] = {0};
            if (n < columns)
                weights_factors(w, type, column + (size_t)n * w->row_bytes, of_column, scales);
            for (int i = 0; i < WINOGRAD_POINTS; i++) {
                factors[i][n] = of_column[i];
                memcpy(out + (size_t)i * w->point_bytes + (size_t)(PANEL * w->k) * sizeof(packed_t) +
                           (size_t)n * sizeof(float),
                       &scales[i], sizeof scales[i]);
            }
        }
#endif
        for (int c = 0; c < w->k; c += VALUE_BLOCK, out += VALUE_BLOCK * PANEL * sizeof(packed_t)) {
            weights_blocks(w, type, column, columns, c, blocks);
            for (int i = 0; i < WINOGRAD_POINTS; i++)
                expand_blocks((const uint8_t *)blocks[i], sizeof blocks[i][0], VALUE_F32, factors[i],
                              (packed_t *)(void *)(out + (size_t)i * w->point_bytes));
        }
    }
}

static void transform_weights(const struct transform_weights *w)
{
    switch (w->type) {
    case VALUE_F32:
        weights_typed(w, VALUE_F32);
        break;
    case VALUE_F16:
        weights_typed(w, VALUE_F16);
        break;
    case VALUE_BF16:
        weights_typed(w, VALUE_BF16);
        break;
    case VALUE_Q8_0:
        weights_typed(w, VALUE_Q8_0);
        break;
    case VALUE_Q4_0:
        weights_typed(w, VALUE_Q4_0);
        break;
    }
}

/* ---- Output --------------------------------------------------------------------------------------- */

/* The rows of a tile of each of `dilation` remainders, to rows of a panel. `nested` is a constant where this is called: which
 * of three nested tiles it is, or -1. */
INLINE void output_tiles(const struct transform_output *t, const float *in, float *out, const int tile_rows,
                         const int nested)
{
    for (int d = 0; d < t->dilation; d++, in += t->in_stride, out += PANEL)
#pragma GCC unroll 4
        for (int v = 0; v < PANEL; v += LANES) {
            vf x[WINOGRAD_POINTS], y[WINOGRAD_ROWS];
#pragma GCC unroll 16
            for (int i = 0; i < WINOGRAD_POINTS; i++) {
                const float *at = in + i * t->point_stride + v;
                x[i] = v_load(at);
                if (nested >= 0)
                    x[i] = winograd_nested(x[i], v_load(at + t->nested_stride),
                                           v_load(at + 2 * t->nested_stride),
                                           v_load(at + 3 * t->nested_stride), nested);
            }
            winograd_output(x, tile_rows, y);
#pragma GCC unroll 16
            for (int i = 0; i < tile_rows; i++)
                v_store(out + (ptrdiff_t)i * t->dilation * PANEL + v, y[i]);
        }
}

/* A group of rows. Those of 3, 7 and 11 taps have loops of their own. */
INLINE void output_group(const struct transform_output *t, const float *in, float *out)
{
    const ptrdiff_t tile = (ptrdiff_t)WINOGRAD_NESTED_ROWS * t->dilation * PANEL;
    if (t->nested_stride) {
        output_tiles(t, in, out, WINOGRAD_NESTED_ROWS, 0);
        output_tiles(t, in, out + tile, WINOGRAD_NESTED_ROWS, 1);
        output_tiles(t, in, out + 2 * tile, WINOGRAD_NESTED_ROWS, 2);
    } else if (t->tile_rows == WINOGRAD_ROWS) { /* 3 taps */
        output_tiles(t, in, out, WINOGRAD_ROWS, -1);
    } else if (t->tile_rows == 5) {
        output_tiles(t, in, out, 5, -1);
    } else {
        output_tiles(t, in, out, t->tile_rows, -1);
    }
}

static void transform_output(const struct transform_output *all)
{
    const struct transform_output copy = *all, *t = &copy;
    const struct product *p = t->epilogue;
    float rows[WINOGRAD_MOST_ROWS * PANEL] __attribute__((aligned(64)));
    const int group = (t->nested_stride ? 3 : 1) * t->tile_rows * t->dilation;
    const int groups = WINOGRAD_MOST_ROWS / group;
    const float *in = t->in;
    for (int row = 0; row < p->rows; row += groups * group) {
        const int left = p->rows - row < groups * group ? p->rows - row : groups * group;
        finish_prefetch(p, row, left, 0);
        for (int first = 0; first < left; first += group, in += t->dilation * t->in_stride)
            output_group(t, in, rows + (ptrdiff_t)first * PANEL);
        finish(p, rows, row, left, 0);
    }
}

#endif
