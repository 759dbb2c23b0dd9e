/* simd_avx512.h: the vector operations that simd_*.h are written in, for AVX-512 (F, BW, DQ, VL).
 *
 * Every set defines the same: the type `vf` of LANES floats, and the functions below. `n` is a number of
 * lanes, 1 to LANES; lanes past it read as 0 and are not written. */
#ifndef KERNELS_SIMD_AVX512_H
#define KERNELS_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

typedef float float_at_any_byte __attribute__((may_alias, aligned(1)));
typedef __m512 vf;
enum { LANES = 16 };

INLINE __mmask16 v_mask(int n)
{
    return (__mmask16)((1u << n) - 1u);
}

INLINE vf v_set(float x)
{
    return _mm512_set1_ps(x);
}

INLINE vf v_set_f16(uint16_t x)
{
    return _mm512_set1_ps(_cvtsh_ss(x));
}

INLINE vf v_load(const float *x)
{
    return _mm512_loadu_ps(x);
}

INLINE vf v_load_part(const float *x, int n)
{
    return _mm512_maskz_loadu_ps(v_mask(n), x);
}

INLINE void v_store(float *out, vf x)
{
    _mm512_storeu_ps(out, x);
}

INLINE void v_store_part(float *out, vf x, int n)
{
    _mm512_mask_storeu_ps(out, v_mask(n), x);
}

INLINE vf v_load_f16(const uint16_t *x)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x));
}

INLINE vf v_load_f16_part(const uint16_t *x, int n)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(v_mask(n), x));
}

INLINE void v_store_f16(uint16_t *out, vf x)
{
    _mm256_storeu_si256((__m256i *)out, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE void v_store_f16_part(uint16_t *out, vf x, int n)
{
    _mm256_mask_storeu_epi16(out, v_mask(n),
                             _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE vf v_load_bf16(const uint16_t *x)
{
    __m256i bits = _mm256_loadu_si256((const __m256i *)x);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

/* LANES pairs of bfloat16: the first and the second of each. */
INLINE vf v_low_bf16(vf pairs)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pairs), 16));
}

INLINE vf v_high_bf16(vf pairs)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(pairs), _mm512_set1_epi32((int)0xffff0000u)));
}

/* LANES signed bytes. */
INLINE vf v_load_s8(const void *x)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)x)));
}

/* LANES whole numbers from -127 to 127. */
INLINE void v_store_s8(void *out, vf x)
{
    _mm_storeu_si128((__m128i *)out, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)));
}

/* The float whose bits are the four bytes at x, in every lane. */
INLINE vf v_broadcast(const void *x)
{
    return _mm512_set1_ps(*(const float_at_any_byte *)x);
}

/* a * b + c and c - a * b, rounded once. */
INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE vf v_fnma(vf a, vf b, vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

/* The larger and the smaller of both; the second when either is NaN. */
INLINE vf v_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

INLINE vf v_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

/* To the nearest whole number. */
INLINE vf v_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x less the nearest whole number: -0.5 to 0.5. */
INLINE vf v_fraction(vf x)
{
    return _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x * 2^n for whole n, |n| <= 252, also where the result is denormal or infinite. */
INLINE vf v_ldexp(vf x, vf n)
{
    return _mm512_scalef_ps(x, n);
}

/* -x where the whole number n is odd. */
INLINE vf v_negate_odd(vf x, vf n)
{
    __m512i sign = _mm512_slli_epi32(_mm512_cvtps_epi32(n), 31);
    return _mm512_castsi512_ps(_mm512_xor_si512(_mm512_castps_si512(x), sign));
}

INLINE vf v_sqrt(vf x)
{
    return _mm512_sqrt_ps(x);
}

INLINE vf v_abs(vf x)
{
    return _mm512_abs_ps(x);
}

/* |x| with the sign of `sign`. */
INLINE vf v_copysign(vf x, vf sign)
{
    const __m512i bits = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(bits, _mm512_castps_si512(sign), _mm512_castps_si512(x), 0xca));
}

/* The first lane. */
INLINE float v_first(vf x)
{
    return _mm512_cvtss_f32(x);
}

INLINE float v_sum(vf x)
{
    return _mm512_reduce_add_ps(x);
}

INLINE float v_largest(vf x)
{
    return _mm512_reduce_max_ps(x);
}

/* Transposes the matrix of 32-bit elements whose rows are x[0..LANES). */
INLINE void v_transpose(vf x[LANES])
{
    __m512 a[16], b[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i += 4) { /* 4 x 4 blocks within each 128-bit quarter */
        __m512 low0 = _mm512_unpacklo_ps(x[i], x[i + 1]), high0 = _mm512_unpackhi_ps(x[i], x[i + 1]);
        __m512 low1 = _mm512_unpacklo_ps(x[i + 2], x[i + 3]), high1 = _mm512_unpackhi_ps(x[i + 2], x[i + 3]);
        a[i] = _mm512_shuffle_ps(low0, low1, 0x44);
        a[i + 1] = _mm512_shuffle_ps(low0, low1, 0xee);
        a[i + 2] = _mm512_shuffle_ps(high0, high1, 0x44);
        a[i + 3] = _mm512_shuffle_ps(high0, high1, 0xee);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4;
         i++) { /* then the quarters: a[4g + i] holds rows 4g.., columns i, 4 + i, 8 + i, 12 + i */
        b[i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0x88);
        b[4 + i] = _mm512_shuffle_f32x4(a[i], a[4 + i], 0xdd);
        b[8 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0x88);
        b[12 + i] = _mm512_shuffle_f32x4(a[8 + i], a[12 + i], 0xdd);
        x[i] = _mm512_shuffle_f32x4(b[i], b[8 + i], 0x88);
        x[4 + i] = _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0x88);
        x[8 + i] = _mm512_shuffle_f32x4(b[i], b[8 + i], 0xdd);
        x[12 + i] = _mm512_shuffle_f32x4(b[4 + i], b[12 + i], 0xdd);
    }
}

#endif
