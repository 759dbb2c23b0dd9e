/* simd_avx512bf16.h: what AVX512_BF16 adds to simd_avx512.h. */
#ifndef KERNELS_SIMD_AVX512BF16_H
#define KERNELS_SIMD_AVX512BF16_H

#include "kernels/simd_avx512.h"

/* The first n lanes, rounded to nearest even. */
INLINE void v_store_bf16(uint16_t *out, vf x, int n)
{
    __m256i bits = (__m256i)_mm512_cvtneps_pbh(x);
    if (n < LANES)
        _mm256_mask_storeu_epi16(out, v_mask(n), bits);
    else
        _mm256_storeu_si256((__m256i *)out, bits);
}

/* 2 LANES values as bfloat16, `low` first. */
INLINE vf v_pair_bf16(vf low, vf high)
{
    return _mm512_castsi512_ps((__m512i)_mm512_cvtne2ps_pbh(high, low));
}

/* x less the nearest whole number: -0.5 to 0.5. */
INLINE vf v_fraction(vf x)
{
    return _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* x + a.low * w.low + a.high * w.high, for LANES pairs. */
INLINE vf v_dot_bf16(vf x, vf a, vf w)
{
    return _mm512_dpbf16_ps(x, (__m512bh)_mm512_castps_si512(a), (__m512bh)_mm512_castps_si512(w));
}

#endif
