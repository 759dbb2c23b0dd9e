/* peak_neon.c: the peak of float32 multiply-adds with NEON. */
#include <arm_neon.h>

#include "base/clock.h"
#include "peak.h"

double peak_neon(void)
{
    enum { SUMS = 24, STEPS = 200000 };
    float32x4_t sums[SUMS], a = vdupq_n_f32(0.999f), b = vdupq_n_f32(1e-3f);
    for (int i = 0; i < SUMS; i++)
        sums[i] = vdupq_n_f32((float)i);
    double start = clock_thread_seconds();
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 24
        for (int i = 0; i < SUMS; i++)
            sums[i] = vfmaq_f32(sums[i], a, b);
    double seconds = clock_thread_seconds() - start;
    for (int i = 1; i < SUMS; i++)
        sums[0] = vaddq_f32(sums[0], sums[i]);
    volatile float keep = vaddvq_f32(sums[0]);
    (void)keep;
    return 2.0 * 4 * SUMS * STEPS / seconds;
}
