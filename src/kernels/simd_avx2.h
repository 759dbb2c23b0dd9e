/* simd_avx2.h: the vector operations of simd_avx512.h (which explains them) for AVX2 with FMA and F16C. */
#ifndef KERNELS_SIMD_AVX2_H
#define KERNELS_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float float_at_any_byte __attribute__((may_alias, aligned(1)));
typedef __m256 vf;
enum { LANES = 8 };

INLINE __m256i v_mask(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE vf v_set(float x)
{
    return _mm256_set1_ps(x);
}

INLINE vf v_set_f16(uint16_t x)
{
    return _mm256_set1_ps(_cvtsh_ss(x));
}

INLINE vf v_load(const float *x)
{
    return _mm256_loadu_ps(x);
}

INLINE vf v_load_part(const float *x, int n)
{
    return _mm256_maskload_ps(x, v_mask(n));
}

INLINE void v_store(float *out, vf x)
{
    _mm256_storeu_ps(out, x);
}

INLINE void v_store_part(float *out, vf x, int n)
{
    _mm256_maskstore_ps(out, v_mask(n), x);
}

INLINE vf v_load_f16(const uint16_t *x)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x));
}

INLINE vf v_load_f16_part(const uint16_t *x, int n)
{
    uint16_t part[8] = {0};
    memcpy(part, x, (size_t)n * sizeof *x);
    return v_load_f16(part);
}

INLINE void v_store_f16(uint16_t *out, vf x)
{
    _mm_storeu_si128((__m128i *)out, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

INLINE void v_store_f16_part(uint16_t *out, vf x, int n)
{
    uint16_t part[8];
    v_store_f16(part, x);
    memcpy(out, part, (size_t)n * sizeof *out);
}

INLINE vf v_load_bf16(const uint16_t *x)
{
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

INLINE vf v_low_bf16(vf pairs)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pairs), 16));
}

INLINE vf v_high_bf16(vf pairs)
{
    return _mm256_and_ps(pairs, _mm256_castsi256_ps(_mm256_set1_epi32((int)0xffff0000u)));
}

INLINE vf v_load_s8(const void *x)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)x)));
}

INLINE void v_store_s8(void *out, vf x)
{
    __m256i whole = _mm256_cvtps_epi32(x);
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64((__m128i *)out, _mm_packs_epi16(half, half));
}

INLINE vf v_broadcast(const void *x)
{
    return _mm256_set1_ps(*(const float_at_any_byte *)x);
}

INLINE vf v_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE vf v_fnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

INLINE vf v_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

INLINE vf v_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

INLINE vf v_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE vf v_fraction(vf x)
{
    return x - v_round(x);
}

/* 2^n, |n| <= 126. */
INLINE vf v_exponent(__m256i n)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}

/* In two steps, because 2^n alone may be out of range. */
INLINE vf v_ldexp(vf x, vf n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    return _mm256_mul_ps(_mm256_mul_ps(x, v_exponent(half)), v_exponent(_mm256_sub_epi32(whole, half)));
}

INLINE vf v_negate_odd(vf x, vf n)
{
    return _mm256_xor_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtps_epi32(n), 31)));
}

INLINE vf v_sqrt(vf x)
{
    return _mm256_sqrt_ps(x);
}

INLINE vf v_abs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

INLINE vf v_copysign(vf x, vf sign)
{
    return _mm256_or_ps(_mm256_and_ps(_mm256_set1_ps(-0.0f), sign), v_abs(x));
}

INLINE float v_first(vf x)
{
    return _mm256_cvtss_f32(x);
}

INLINE float v_sum(vf x)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

INLINE float v_largest(vf x)
{
    __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    half = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

INLINE void v_transpose(vf x[LANES])
{
    vf a[LANES];
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) { /* 4 x 4 blocks within each half */
        vf low0 = _mm256_unpacklo_ps(x[i], x[i + 1]), high0 = _mm256_unpackhi_ps(x[i], x[i + 1]);
        vf low1 = _mm256_unpacklo_ps(x[i + 2], x[i + 3]), high1 = _mm256_unpackhi_ps(x[i + 2], x[i + 3]);
        a[i] = _mm256_shuffle_ps(low0, low1, 0x44);
        a[i + 1] = _mm256_shuffle_ps(low0, low1, 0xee);
        a[i + 2] = _mm256_shuffle_ps(high0, high1, 0x44);
        a[i + 3] = _mm256_shuffle_ps(high0, high1, 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) { /* then the halves */
        x[i] = _mm256_permute2f128_ps(a[i], a[4 + i], 0x20);
        x[4 + i] = _mm256_permute2f128_ps(a[i], a[4 + i], 0x31);
    }
}

#endif
