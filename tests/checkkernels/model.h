/* model.h: a software model of the bfloat16 and tile instructions, so that the logic of avx512bf16.c and
 * amx.c is checked on any machine: both are compiled once more with -DKERNELS_MODEL and find here, in plain
 * C, the operations of simd_avx512.h, those of simd_avx512bf16.h and the tile intrinsics. The tiles check
 * what the processor would answer with a fault: shapes that do not fit, tiles that are not configured. */
#ifndef CHECKKERNELS_MODEL_H
#define CHECKKERNELS_MODEL_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/values.h"

#define kernels_avx512bf16 kernels_avx512bf16_model
#define kernels_amx        kernels_amx_model

#define INLINE static inline /* not always: the loops below would make huge functions */

enum { LANES = 16 };
typedef float vf __attribute__((vector_size(64)));

#define EACH for (int i = 0; i < LANES; i++)

INLINE vf v_set(float x)
{
    vf out;
    EACH out[i] = x;
    return out;
}

INLINE vf v_set_f16(uint16_t x)
{
    return v_set(value_from_f16(x));
}

INLINE vf v_load_part(const float *x, int n)
{
    vf out;
    EACH out[i] = i < n ? x[i] : 0.0f;
    return out;
}

INLINE vf v_load(const float *x)
{
    vf out;
    memcpy(&out, x, sizeof out);
    return out;
}

INLINE void v_store_part(float *out, vf x, int n)
{
    memcpy(out, &x, (size_t)n * sizeof *out);
}

INLINE void v_store(float *out, vf x)
{
    memcpy(out, &x, sizeof x);
}

INLINE vf v_load_f16_part(const uint16_t *x, int n)
{
    vf out;
    EACH out[i] = i < n ? value_from_f16(x[i]) : 0.0f;
    return out;
}

INLINE vf v_load_f16(const uint16_t *x)
{
    return v_load_f16_part(x, LANES);
}

INLINE void v_store_f16_part(uint16_t *out, vf x, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = value_to_f16(x[i]);
}

INLINE void v_store_f16(uint16_t *out, vf x)
{
    v_store_f16_part(out, x, LANES);
}

INLINE vf v_load_bf16(const uint16_t *x)
{
    vf out;
    EACH out[i] = value_from_bf16(x[i]);
    return out;
}

INLINE vf v_load_s8(const void *x)
{
    vf out;
    EACH out[i] = (float)((const int8_t *)x)[i];
    return out;
}

INLINE vf v_broadcast(const void *x)
{
    float value;
    memcpy(&value, x, sizeof value);
    return v_set(value);
}

INLINE vf v_fma(vf a, vf b, vf c)
{
    EACH c[i] = fmaf(a[i], b[i], c[i]);
    return c;
}

INLINE vf v_fnma(vf a, vf b, vf c)
{
    EACH c[i] = fmaf(-a[i], b[i], c[i]);
    return c;
}

INLINE vf v_max(vf a, vf b)
{
    EACH a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}

INLINE vf v_min(vf a, vf b)
{
    EACH a[i] = a[i] < b[i] ? a[i] : b[i];
    return a;
}

INLINE vf v_round(vf x)
{
    EACH x[i] = rintf(x[i]);
    return x;
}

INLINE vf v_ldexp(vf x, vf n)
{
    EACH x[i] = n[i] == n[i] ? ldexpf(x[i], (int)n[i]) : n[i];
    return x;
}

INLINE vf v_negate_odd(vf x, vf n)
{
    EACH x[i] = n[i] == n[i] && (long)n[i] % 2 != 0 ? -x[i] : x[i];
    return x;
}

INLINE vf v_sqrt(vf x)
{
    EACH x[i] = sqrtf(x[i]);
    return x;
}

INLINE vf v_abs(vf x)
{
    EACH x[i] = fabsf(x[i]);
    return x;
}

INLINE vf v_copysign(vf x, vf sign)
{
    EACH x[i] = copysignf(x[i], sign[i]);
    return x;
}

INLINE void v_transpose(vf x[LANES])
{
    for (int row = 0; row < LANES; row++)
        for (int i = 0; i < row; i++) { /* as bits: the elements may be pairs of bfloat16 */
            uint32_t a, b;
            memcpy(&a, (char *)&x[row] + 4 * i, 4);
            memcpy(&b, (char *)&x[i] + 4 * row, 4);
            memcpy((char *)&x[row] + 4 * i, &b, 4);
            memcpy((char *)&x[i] + 4 * row, &a, 4);
        }
}

INLINE void v_store_16(uint16_t *out, vf x, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = value_to_bf16(x[i]);
}

INLINE vf v_pair_16(vf low, vf high)
{
    uint16_t values[2 * LANES];
    v_store_16(values, low, LANES);
    v_store_16(values + LANES, high, LANES);
    vf out;
    memcpy(&out, values, sizeof out);
    return out;
}

INLINE vf v_fraction(vf x)
{
    EACH x[i] -= rintf(x[i]);
    return x;
}

/* A bfloat16 as the multipliers read it: denormals are 0. */
INLINE float model_operand(uint32_t upper_half)
{
    return value_bits_float(upper_half & 0x7f800000u ? upper_half : upper_half & 0x80000000u);
}

/* x + the sum of the two products of a pair, the second first, each addition rounded. */
INLINE float model_dot(float x, uint32_t a, uint32_t w)
{
    x = fmaf(model_operand(a & 0xffff0000u), model_operand(w & 0xffff0000u), x);
    return fmaf(model_operand(a << 16), model_operand(w << 16), x);
}

INLINE vf v_dot_bf16(vf x, vf a, vf w)
{
    uint32_t a_bits[LANES], w_bits[LANES];
    memcpy(a_bits, &a, sizeof a_bits);
    memcpy(w_bits, &w, sizeof w_bits);
    EACH x[i] = model_dot(x[i], a_bits[i], w_bits[i]);
    return x;
}

/* The tile registers. */
struct model_tile {
    int rows, row_bytes;
    uint32_t data[16][16];
};

static struct {
    int configured;
    struct model_tile tiles[8];
} model_tiles;

static inline void model_fault(const char *what)
{
    fprintf(stderr, "checkkernels: the tile model faults: %s\n", what);
    exit(1);
}

static inline struct model_tile *model_tile(int i)
{
    if (!model_tiles.configured || model_tiles.tiles[i].rows == 0)
        model_fault("a tile is used that is not configured");
    return &model_tiles.tiles[i];
}

/* LDTILECFG: palette 1, at most 16 rows of at most 64 bytes; both or none of a tile's sizes are 0. */
static inline void _tile_loadconfig(const void *config)
{
    const uint8_t *bytes = config;
    if (bytes[0] != 1)
        model_fault("the palette is not 1");
    for (int i = 0; i < 8; i++) {
        uint16_t row_bytes;
        memcpy(&row_bytes, bytes + 16 + 2 * i, 2);
        int rows = bytes[48 + i];
        if (rows > 16 || row_bytes > 64 || (rows == 0) != (row_bytes == 0))
            model_fault("a configuration is invalid");
        model_tiles.tiles[i] = (struct model_tile){.rows = rows, .row_bytes = row_bytes};
    }
    for (int i = 1; i < 64; i++)
        if ((i < 16 || (i >= 32 && i < 48) || i >= 56) && bytes[i] != 0)
            model_fault("a reserved byte of the configuration is not 0");
    model_tiles.configured = 1;
}

static inline void _tile_release(void)
{
    model_tiles.configured = 0;
}

static inline void _tile_zero(int i)
{
    struct model_tile *tile = model_tile(i);
    memset(tile->data, 0, sizeof tile->data);
}

static inline void _tile_loadd(int i, const void *base, ptrdiff_t stride)
{
    struct model_tile *tile = model_tile(i);
    memset(tile->data, 0, sizeof tile->data);
    for (int row = 0; row < tile->rows; row++)
        memcpy(tile->data[row], (const char *)base + row * stride, (size_t)tile->row_bytes);
}

static inline void _tile_stored(int i, void *base, ptrdiff_t stride)
{
    const struct model_tile *tile = model_tile(i);
    for (int row = 0; row < tile->rows; row++)
        memcpy((char *)base + row * stride, tile->data[row], (size_t)tile->row_bytes);
}

static inline void _tile_dpbf16ps(int c_index, int a_index, int b_index)
{
    struct model_tile *c = model_tile(c_index);
    const struct model_tile *a = model_tile(a_index), *b = model_tile(b_index);
    if (c->rows != a->rows || c->row_bytes != b->row_bytes || a->row_bytes != 4 * b->rows)
        model_fault("the shapes of a product do not fit");
    for (int row = 0; row < c->rows; row++)
        for (int pair = 0; pair < b->rows; pair++)
            for (int n = 0; n < c->row_bytes / 4; n++) {
                float sum = value_bits_float(c->data[row][n]);
                c->data[row][n] = value_float_bits(model_dot(sum, a->data[row][pair], b->data[pair][n]));
            }
}

#endif
