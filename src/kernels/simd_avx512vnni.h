/* simd_avx512vnni.h: what AVX512_VNNI, and 16-bit integers on AVX-512, add to simd_avx512.h. */
#ifndef KERNELS_SIMD_AVX512VNNI_H
#define KERNELS_SIMD_AVX512VNNI_H

#include "kernels/simd_avx512.h"

/* LANES 32-bit integers to 16 bits, saturated. */
INLINE __m256i v_to_i16(vf x)
{
    return _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(x));
}

/* The first n lanes, rounded to nearest even. */
INLINE void v_store_16(uint16_t *out, vf x, int n)
{
    if (n < LANES)
        _mm256_mask_storeu_epi16(out, v_mask(n), v_to_i16(x));
    else
        _mm256_storeu_si256((__m256i *)out, v_to_i16(x));
}

/* 2 LANES values as 16-bit integers, `low` first. */
INLINE vf v_pair_16(vf low, vf high)
{
    __m512i pair = _mm512_castsi256_si512(v_to_i16(low));
    return _mm512_castsi512_ps(_mm512_inserti64x4(pair, v_to_i16(high), 1));
}

INLINE vf v_load_i16(const uint16_t *x)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)x)));
}

/* The lanes, 32-bit integers, as floats. */
INLINE vf v_whole(vf x)
{
    return _mm512_cvtepi32_ps(_mm512_castps_si512(x));
}

/* x + a.low * w.low + a.high * w.high, for LANES pairs; x are 32-bit integers. Not as an intrinsic, with which
 * gcc 12 copies the sums of the product's loop from register to register. */
INLINE vf v_dot_i16(vf x, vf a, vf w)
{
    __asm__("vpdpwssd %2, %1, %0" : "+v"(x) : "v"(a), "v"(w));
    return x;
}

#endif
