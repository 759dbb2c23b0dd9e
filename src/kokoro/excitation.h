/* excitation.h: the source signal of the generator: sines at F0 and its harmonics, and noise.
 *
 * SineGen and SourceModuleHnNSF of istftnet.py. */
#ifndef KOKORO_EXCITATION_H
#define KOKORO_EXCITATION_H

#include <stdint.h>

#include "kokoro/model.h"

#define EXCITATION_VOICED_ABOVE                                                                              \
    10.0f /* Hz: a half frame whose F0 is not above it is unvoiced (istftnet.py) */

/* Noise of unit variance at sample t for harmonic h, in place of the seeded generator. */
typedef float (*excitation_noise)(long t, int h);

/* samples[frames * scale] = the excitation for `f0`, `frames` values in Hz at 24000 / scale a second. `noise` NULL: normal
 * noise that follows from `seed` and the sample's number alone. */
void excitation(struct nn *nn, const struct model *model, const float *f0, int frames, int scale,
                uint64_t seed, excitation_noise noise, float *samples);

#endif
