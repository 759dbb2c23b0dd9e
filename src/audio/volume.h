/* volume.h: louder or softer, without wrapping. */
#ifndef AUDIO_VOLUME_H
#define AUDIO_VOLUME_H

#include <stddef.h>

/* Multiplies `count` samples by `volume` (0 or more, finite). Up to 1 that is all. Above 1, what leaves
 * [-0.8, 0.8] is bent so that it approaches full scale and never reaches past it:
 *     y = volume * x;   a = |y|;   a > k:  y = sign(y) * (1 - (1 - k)^2 / (1 - 2k + a)),  k = 0.8
 * Value and slope join at k, so there is no edge to hear: an a of 1 gives 0.9, 2 gives 0.97 and 4 gives
 * 0.99. A NaN stays one; the encoders make it silence. */
void volume_apply(float *samples, size_t count, float volume);

/* The same bend alone, for a sum of sounds: what is within [-0.8, 0.8] stays as it is. */
void volume_limit(float *samples, size_t count);

#endif
