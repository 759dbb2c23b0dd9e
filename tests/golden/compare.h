/* compare.h: how close two signals are. */
#ifndef GOLDEN_COMPARE_H
#define GOLDEN_COMPARE_H

#include <stddef.h>

/* 10 log10(sum x^2 / sum (x - y)^2) of a reference x; at most 300 (equal), NaN when lengths differ or a value is not
 * finite. */
double snr_db(const double *reference, size_t reference_count, const float *values, size_t count);

/* Root mean square difference, in dB, of two signals' mel spectra: 80 bands up to 12 kHz of a 1024-point Hann transform
 * every 256 samples, energies 80 dB below the reference's loudest band and less counted as that. NaN as above. */
double log_mel_distance_db(const double *reference, size_t reference_count, const float *values,
                           size_t count);

#endif
