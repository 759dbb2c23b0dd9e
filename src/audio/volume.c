/* volume.c: a factor and a soft limiter. It has no memory, hence no delay and no state between pieces of a
 * stream. */
#include "audio/volume.h"

#include <math.h>

static float limit(float sample)
{
    const float knee = 0.8f;
    float level = fabsf(sample);
    if (!(level > knee))
        return sample;
    return copysignf(1.0f - (1.0f - knee) * (1.0f - knee) / (1.0f - 2.0f * knee + level), sample);
}

void volume_limit(float *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = limit(samples[i]);
}

void volume_apply(float *samples, size_t count, float volume)
{
    if (volume == 1.0f)
        return;
    for (size_t i = 0; i < count; i++)
        samples[i] *= volume;
    if (volume > 1.0f)
        volume_limit(samples, count);
}
