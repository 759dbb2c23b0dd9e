/* encoder_type.h: what a format implements and what encoder.c does for it. Only for the files of this
 * folder.
 *
 * encoder.c cleans the samples, cuts them into blocks, counts bytes and remembers failure, so that a
 * format is only its codec: each has a structure that begins with `struct encoder`. */
#ifndef AUDIO_ENCODER_TYPE_H
#define AUDIO_ENCODER_TYPE_H

#include "audio/encoder.h"

#define ENCODER_BLOCK 4096 /* most samples that encoder_type.write gets at once */

struct encoder_type {
    /* Makes *encoder with encoder_allocate. Writes nothing yet. */
    lt_status (*open)(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                      lt_error *error);
    /* Encodes 1 to ENCODER_BLOCK samples, all finite and within [-1, 1]. */
    lt_status (*write)(struct encoder *encoder, const float *samples, size_t count, lt_error *error);
    /* As encoder_flush; NULL when nothing can be pushed. Only called after a write. */
    lt_status (*flush)(struct encoder *encoder, lt_error *error);
    lt_status (*finish)(struct encoder *encoder, lt_error *error); /* NULL when there is nothing to end */
    /* Releases what the format holds; encoder.c frees the structure. NULL when it holds nothing. */
    void (*close)(struct encoder *encoder);
};

struct encoder {
    const struct encoder_type *type;
    struct sink sink;
    uint64_t samples; /* written by the caller so far */
    uint64_t bytes;   /* handed to sink.write so far */
    lt_status failed; /* of the first call that failed; LT_OK: none */
    bool closing;     /* encoder_close: what a library still writes is dropped */
};

extern const struct encoder_type wav_encoder, pcm_encoder, mp3_encoder, opus_encoder, flac_encoder,
    aac_encoder;

/* A zeroed structure of `size` bytes that begins with struct encoder, its type and sink set; NULL when out of
 * memory. */
void *encoder_allocate(const struct encoder_type *type, const struct sink *sink, size_t size);

/* Hands bytes to the sink. Errors: LT_ERR_CANCELLED when it refuses. */
lt_status encoder_put(struct encoder *encoder, const void *bytes, size_t size, lt_error *error);

/* Overwrites bytes written earlier; only where sink.rewrite is there. Errors: LT_ERR_CANCELLED when it
 * refuses. */
lt_status encoder_put_at(struct encoder *encoder, uint64_t offset, const void *bytes, size_t size,
                         lt_error *error);

/* Within [-1, 1], NaN as 0. Comparisons, since fminf and fmaxf are calls unless the compiler may forget
 * about NaN. */
static inline float sample_clean(float sample)
{
    if (sample >= -1.0f)
        return sample <= 1.0f ? sample : 1.0f;
    return sample < -1.0f ? -1.0f : 0.0f;
}

/* One sample, finite and within [-1, 1], to 16 bits. The scale is 32768, so that 16-bit audio read as
 * value / 32768 comes back exactly; only +1 itself is clamped. */
static inline int16_t sample_s16(float sample)
{
    /* At 1.5 * 2^23 the spacing of floats is 1: the addition rounds to nearest, ties to even. lrintf is a
     * call. */
    const float big = 12582912.0f;
    int value = (int)(sample * 32768.0f + big - big);
    return (int16_t)(value > INT16_MAX ? INT16_MAX : value);
}

/* The 44 bytes that begin a WAV file with `data_bytes` of sound; more than fits 32 bits (or UINT64_MAX,
 * not known yet) gives the streaming sizes. */
void wav_header(uint64_t data_bytes, unsigned char header[44]);

#endif
