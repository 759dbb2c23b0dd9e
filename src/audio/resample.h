/* resample.h: a stream of samples at a voice's own rate (8, 16 kHz ...) to LT_SAMPLE_RATE. */
#ifndef AUDIO_RESAMPLE_H
#define AUDIO_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* One stream; used by one thread at a time. */
struct resampler;

/* Opens a stream of mono samples at `rate` a second (1,000 to 384,000). On success *resampler is the
 * caller's, to be closed with resampler_close. Errors: LT_ERR_UNSUPPORTED (the rate), LT_ERR_MEMORY. */
lt_status resampler_open(int rate, struct resampler **resampler, lt_error *error);

/* Takes up to `count` samples of `in` (NULL with 0) and makes up to `capacity` samples at LT_SAMPLE_RATE
 * in `out`; *used and *produced say how many. `last`: these are the stream's final samples, so what the
 * filter holds comes too. Call again with the rest of the input while *used < count, and with `last` until
 * *produced < capacity: then all is out, round(total * LT_SAMPLE_RATE / rate) samples, aligned in time
 * with the input. After that the stream takes no more. Without `last` at most about 40 ms stay inside.
 * False: a fault inside the library. */
bool resampler_process(struct resampler *resampler, const float *in, size_t count, bool last, float *out,
                       size_t capacity, size_t *used, size_t *produced);

void resampler_close(struct resampler *resampler); /* NULL is fine */

#endif
