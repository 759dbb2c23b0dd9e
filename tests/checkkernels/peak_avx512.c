/* peak_avx512.c: the peak of float32 multiply-adds with AVX-512. */
#include <immintrin.h>

#include "base/clock.h"
#include "peak.h"

double peak_avx512(void)
{
    enum { SUMS = 24, STEPS = 200000 };
    __m512 sums[SUMS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm512_set1_ps((float)i);
    double start = clock_thread_seconds();
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sums[i] = _mm512_fmadd_ps(sums[i], a, b);
    double seconds = clock_thread_seconds() - start;
    for (int i = 1; i < SUMS; i++)
        sums[0] = _mm512_add_ps(sums[0], sums[i]);
    volatile float keep = _mm512_reduce_add_ps(sums[0]);
    (void)keep;
    return 2.0 * 16 * SUMS * STEPS / seconds;
}
