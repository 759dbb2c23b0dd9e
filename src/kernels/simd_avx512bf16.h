/* simd_avx512bf16.h: what AVX512_BF16 adds to simd_avx512.h. */
#ifndef KERNELS_SIMD_AVX512BF16_H
#define KERNELS_SIMD_AVX512BF16_H

#include "kernels/simd_avx512.h"

/* The first n lanes, rounded to nearest even. */
INLINE void v_store_16(uint16_t *out, vf x, int n)
{
    __m256i bits = (__m256i)_mm512_cvtneps_pbh(x);
    if (n < LANES)
        _mm256_mask_storeu_epi16(out, v_mask(n), bits);
    else
        _mm256_storeu_si256((__m256i *)out, bits);
}

/* 2 LANES values as bfloat16, `low` first. */
INLINE vf v_pair_16(vf low, vf high)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(high, low));
}

/* x + a.low * w.low + a.high * w.high, for LANES pairs; see v_dot_i16. */
INLINE vf v_dot_bf16(vf x, vf a, vf w)
{
    __asm__("vdpbf16ps %2, %1, %0" : "+v"(x) : "v"(a), "v"(w));
    return x;
}

#endif
