/* peak_avx2.c: the peak of float32 multiply-adds with AVX2. */
#include <immintrin.h>

#include "base/clock.h"
#include "peak.h"

double peak_avx2(void)
{
    enum { SUMS = 12, STEPS = 400000 };
    __m256 sums[SUMS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
    for (int i = 0; i < SUMS; i++)
        sums[i] = _mm256_set1_ps((float)i);
    double start = clock_thread_seconds();
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < SUMS; i++)
            sums[i] = _mm256_fmadd_ps(sums[i], a, b);
    double seconds = clock_thread_seconds() - start;
    for (int i = 1; i < SUMS; i++)
        sums[0] = _mm256_add_ps(sums[0], sums[i]);
    volatile float keep = _mm256_cvtss_f32(sums[0]);
    (void)keep;
    return 2.0 * 8 * SUMS * STEPS / seconds;
}
