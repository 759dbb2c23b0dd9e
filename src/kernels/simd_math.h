/* simd_math.h: elementary functions over vectors. Include after a simd_SET.h.
 *
 * The polynomials are minimax fits (Remez); reductions are Cody and Waite's, exact up to the last constant
 * thanks to the fused multiply-add. The errors stated are of the formulas; rounding adds about 1e-7. */
#ifndef KERNELS_SIMD_MATH_H
#define KERNELS_SIMD_MATH_H

#include "kernels/kernels.h"

INLINE vf v_load_n(const float *x, int n)
{
    return n < LANES ? v_load_part(x, n) : v_load(x);
}

INLINE void v_store_n(float *out, vf x, int n)
{
    if (n < LANES)
        v_store_part(out, x, n);
    else
        v_store(out, x);
}

/* n lanes of a storage row. */
INLINE vf v_load_value(const void *x, enum value_type type, ptrdiff_t i, int n)
{
    if (type == VALUE_F32)
        return v_load_n((const float *)x + i, n);
    const uint16_t *half = (const uint16_t *)x + i;
    return n < LANES ? v_load_f16_part(half, n) : v_load_f16(half);
}

INLINE void v_store_value(void *out, enum value_type type, ptrdiff_t i, vf x, int n)
{
    if (type == VALUE_F32)
        v_store_n((float *)out + i, x, n);
    else if (n < LANES)
        v_store_f16_part((uint16_t *)out + i, x, n);
    else
        v_store_f16((uint16_t *)out + i, x);
}

INLINE int lanes_left(ptrdiff_t i, ptrdiff_t count)
{
    return count - i < LANES ? (int)(count - i) : LANES;
}

/* x - n pi; what the two constants lack of pi, 3.4e-15, counts n times. */
INLINE vf v_reduce_pi(vf x, vf n)
{
    x = v_fnma(n, v_set(3.1415927410125732f), x);
    return v_fnma(n, v_set(-8.742277657347586e-08f), x);
}

/* sin(r) for |r| <= pi / 2, error 3e-9. */
INLINE vf v_sin_reduced(vf r)
{
    vf square = r * r;
    vf p = v_fma(square, v_set(2.590487697e-6f), v_set(-1.980089736e-4f));
    p = v_fma(square, p, v_set(8.332899816e-3f));
    p = v_fma(square, p, v_set(-0.1666664763f));
    return v_fma(r * square, p, r);
}

INLINE vf v_sin(vf x)
{
    vf n = v_round(x * v_set(0.31830988618f));
    return v_negate_odd(v_sin_reduced(v_reduce_pi(x, n)), n);
}

/* cos(x) = sin(x + pi / 2), with the half turn taken off in the reduction. */
INLINE vf v_cos(vf x)
{
    vf n = v_round(v_fma(x, v_set(0.31830988618f), v_set(0.5f)));
    return v_negate_odd(v_sin_reduced(v_reduce_pi(x, n - v_set(0.5f))), n);
}

INLINE vf v_sin_squared(vf x)
{
    vf s = v_sin_reduced(v_reduce_pi(x, v_round(x * v_set(0.31830988618f))));
    return s * s;
}

/* e^x, relative error 3e-9; infinite above 88.7, denormal and then 0 below -87.3. */
INLINE vf v_exp(vf x)
{
    x = v_min(v_set(89.0f), v_max(v_set(-105.0f), x));
    vf n = v_round(x * v_set(1.44269504089f));
    vf r = v_fnma(n, v_set(0.6931471824645996f), x);
    r = v_fnma(n, v_set(-1.9046542121259336e-09f), r);
    vf p = v_fma(r, v_set(1.38146088e-3f), v_set(8.368709864e-3f));
    p = v_fma(r, p, v_set(4.166838744e-2f));
    p = v_fma(r, p, v_set(0.1666652069f));
    p = v_fma(r, p, v_set(0.4999999345f));
    return v_ldexp(v_fma(r * r, p, r) + v_set(1.0f), n);
}

INLINE vf v_sigmoid(vf x)
{
    return v_set(1.0f) / (v_set(1.0f) + v_exp(v_set(0.0f) - x));
}

INLINE vf v_tanh(vf x)
{
    vf e = v_exp(v_set(-2.0f) * v_abs(x));
    return v_copysign((v_set(1.0f) - e) / (v_set(1.0f) + e), x);
}

/* The angle of x + y j, -pi to pi. The arc tangent of the smaller part over the larger is a polynomial (interpolated at
 * Chebyshev's nodes on [0, 1], error 7e-8). A sign s takes an angle a to a when it is 1, to half or a whole turn less a when it
 * is -1. */
INLINE vf v_angle(vf x, vf y)
{
    vf width = v_abs(x), height = v_abs(y);
    vf q = v_min(width, height) / v_max(v_max(width, height), v_set(1e-45f));
    vf square = q * q;
    vf a = v_fma(square, v_set(-0.00455979199f), v_set(0.0237805186f));
    a = v_fma(square, a, v_set(-0.0588297531f));
    a = v_fma(square, a, v_set(0.0986886546f));
    a = v_fma(square, a, v_set(-0.140032902f));
    a = v_fma(square, a, v_set(0.199669618f));
    a = v_fma(square, a, v_set(-0.333318127f));
    a = v_fma(square, a, v_set(0.999999882f)) * q;
    vf flat = v_copysign(v_set(1.0f), width - height), right = v_copysign(v_set(1.0f), x);
    a = v_fma(flat, a, v_set(0.785398163f) * (v_set(1.0f) - flat));
    a = v_fma(right, a, v_set(1.57079633f) * (v_set(1.0f) - right));
    return v_copysign(a, y);
}

/* 0.5 x (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3). */
INLINE vf v_gelu(vf x)
{
    vf u = x * v_fma(x * x, v_set(0.044715f), v_set(1.0f));
    return x / (v_set(1.0f) + v_exp(v_set(-1.59576912161f) * u));
}

/* x > 0 ? x : slope * x. */
INLINE vf v_leaky(vf x, vf slope)
{
    return v_fma(slope, v_min(v_set(0.0f), x), v_max(v_set(0.0f), x));
}

INLINE vf v_activated(vf x, enum activation activation, float slope)
{
    if (activation == ACTIVATION_LEAKY)
        return v_leaky(x, v_set(slope));
    return activation == ACTIVATION_GELU ? v_gelu(x) : x;
}

/* The bytes of a block of Q4_0 apart: VALUE_BLOCK bytes from 0 to 15. */
INLINE void unpack_q4_0(const uint8_t *block, uint8_t out[VALUE_BLOCK])
{
    typedef uint8_t bytes16 __attribute__((vector_size(16)));
    bytes16 pairs, low, high;
    memcpy(&pairs, block + 2, sizeof pairs);
    low = pairs & 15;
    high = pairs >> 4;
    memcpy(out, &low, sizeof low);
    memcpy(out + VALUE_BLOCK / 2, &high, sizeof high);
}

/* Values i to i + LANES of a block of VALUE_BLOCK values of a type. `unpacked` are the bytes of a block of
 * Q4_0. */
INLINE vf block_vector(const void *block, enum value_type type, const uint8_t *unpacked, int i)
{
    if (type == VALUE_F32)
        return v_load((const float *)block + i);
    if (type == VALUE_F16)
        return v_load_f16((const uint16_t *)block + i);
    if (type == VALUE_BF16)
        return v_load_bf16((const uint16_t *)block + i);
    uint16_t scale;
    memcpy(&scale, block, sizeof scale);
    if (type == VALUE_Q8_0)
        return v_set_f16(scale) * v_load_s8((const uint8_t *)block + 2 + i);
    return v_set_f16(scale) * (v_load_s8(unpacked + i) - v_set(8.0f));
}

/* VALUE_BLOCK values of a type from `in` to `out`. */
INLINE void block_to_float(float *out, const void *in, enum value_type type)
{
    uint8_t unpacked[VALUE_BLOCK] __attribute__((aligned(16)));
    if (type == VALUE_Q4_0)
        unpack_q4_0(in, unpacked);
    for (int i = 0; i < VALUE_BLOCK; i += LANES)
        v_store(out + i, block_vector(in, type, unpacked, i));
}

#endif
