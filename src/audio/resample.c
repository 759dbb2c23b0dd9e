/* resample.c: libsoxr as a stream.
 *
 * Its high quality (20 bits: images and aliases below -120 dB) runs 1,500 times faster than speech, so a
 * lower one would save nothing. What counts is latency, which comes from the block of its Fourier
 * transforms: the smallest block holds back 15 ms at 16 kHz where the default holds 37 ms, at the same
 * speed. */
#include "audio/resample.h"

#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_RATE 1000
#define MOST_RATE  384000

struct resampler {
    soxr_t soxr; /* NULL when the input has the right rate already */
};

lt_status resampler_open(int rate, struct resampler **resampler, lt_error *error)
{
    *resampler = NULL;
    if (rate < LEAST_RATE || rate > MOST_RATE)
        return error_set(error, LT_ERR_UNSUPPORTED,
                         "cannot resample from %d samples a second: the rate must be from %d to %d", rate,
                         LEAST_RATE, MOST_RATE);
    struct resampler *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_memory(error, "a resampler");
    if (rate != LT_SAMPLE_RATE) {
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
        runtime.log2_min_dft_size = 8;
        runtime.log2_large_dft_size = 10;
        soxr_error_t fault = NULL;
        r->soxr = soxr_create(rate, LT_SAMPLE_RATE, 1, &fault, NULL, &quality, &runtime);
        if (r->soxr == NULL || fault != NULL) {
            resampler_close(r);
            return error_memory(error, "a resampler");
        }
    }
    *resampler = r;
    return error_none(error);
}

static bool copy(const float *in, size_t count, float *out, size_t capacity, size_t *used, size_t *produced)
{
    size_t n = count < capacity ? count : capacity;
    if (n > 0)
        memcpy(out, in, n * sizeof *out);
    *used = *produced = n;
    return true;
}

bool resampler_process(struct resampler *resampler, const float *in, size_t count, bool last, float *out,
                       size_t capacity, size_t *used, size_t *produced)
{
    *used = *produced = 0;
    if (resampler->soxr == NULL)
        return copy(in, count, out, capacity, used, produced);
    /* soxr knows the end of the stream from a NULL input alone, which would come too early with samples
     * left. */
    for (;;) {
        bool ending = last && *used == count;
        size_t took = 0, made = 0;
        if (*used == count && !ending)
            return true;
        soxr_error_t fault =
            soxr_process(resampler->soxr, ending ? NULL : in + *used, ending ? 0 : count - *used, &took,
                         out + *produced, capacity - *produced, &made);
        if (fault != NULL)
            return false;
        *used += took;
        *produced += made;
        if (*produced == capacity || (took == 0 && made == 0))
            return true;
    }
}

void resampler_close(struct resampler *resampler)
{
    if (resampler == NULL)
        return;
    soxr_delete(resampler->soxr);
    free(resampler);
}
