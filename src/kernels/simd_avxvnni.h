/* simd_avxvnni.h: what AVX-VNNI, and 16-bit integers on AVX2, add to simd_avx2.h; simd_avx512vnni.h explains it. */
#ifndef KERNELS_SIMD_AVXVNNI_H
#define KERNELS_SIMD_AVXVNNI_H

#include "kernels/simd_avx2.h"

/* The instruction in its AVX-VNNI form; the tests also run it in AVX-512's, on processors that have only that. */
#ifdef KERNELS_EVEX
#define VPDPWSSD "vpdpwssd"
#else
#define VPDPWSSD "%{vex%} vpdpwssd"
#endif

/* 2 LANES values as 16-bit integers, `low` first. */
INLINE vf v_pair_16(vf low, vf high)
{
    __m256i halves = _mm256_packs_epi32(_mm256_cvtps_epi32(low), _mm256_cvtps_epi32(high));
    return _mm256_castsi256_ps(_mm256_permute4x64_epi64(halves, 0xd8));
}

/* The first n lanes, rounded to nearest even. */
INLINE void v_store_16(uint16_t *out, vf x, int n)
{
    __m128i half = _mm256_castsi256_si128(_mm256_castps_si256(v_pair_16(x, x)));
    if (n < LANES)
        memcpy(out, &half, (size_t)n * sizeof *out);
    else
        _mm_storeu_si128((__m128i *)out, half);
}

INLINE vf v_load_i16(const uint16_t *x)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)x)));
}

INLINE vf v_whole(vf x)
{
    return _mm256_cvtepi32_ps(_mm256_castps_si256(x));
}

INLINE vf v_dot_i16(vf x, vf a, vf w)
{
    __asm__(VPDPWSSD " %2, %1, %0" : "+x"(x) : "x"(a), "x"(w));
    return x;
}

#endif
