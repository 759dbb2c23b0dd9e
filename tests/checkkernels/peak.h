/* peak.h: what one thread of each set can multiply and add without touching memory; a file per set beside the
 * kernels' flags. */
#ifndef CHECKKERNELS_PEAK_H
#define CHECKKERNELS_PEAK_H

/* Operations, of floats or of 16-bit integers, a second (a multiply-add is two), measured over about a millisecond. */
double peak_avx2(void);
double peak_avx512(void);
double peak_avx512vnni(void);
double peak_avx512bf16(void);
double peak_amx(void);
double peak_neon(void);

#endif
