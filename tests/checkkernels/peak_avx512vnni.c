/* peak_avx512vnni.c: the peak of products of 16-bit integer pairs with VPDPWSSD. */
#include "base/clock.h"
#include "peak.h"

#define DOT(n) "vpdpwssd %%zmm0, %%zmm0, %%zmm" #n "\n"

double peak_avx512vnni(void)
{
    enum { SUMS = 12, STEPS = 400000 };
    double start = clock_thread_seconds();
    for (int step = 0; step < STEPS; step++)
        __asm__ volatile(DOT(1) DOT(2) DOT(3) DOT(4) DOT(5) DOT(6) DOT(7) DOT(8) DOT(9) DOT(10) DOT(11)
                             DOT(12)
                         :
                         :
                         : "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12");
    return 4.0 * 16 * SUMS * STEPS / (clock_thread_seconds() - start);
}
