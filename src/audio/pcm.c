/* pcm.c: bare samples: signed 16-bit, little-endian, no header. */
#include "audio/encoder_type.h"

void pcm_s16le(const float *samples, size_t count, unsigned char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t value = (uint16_t)sample_s16(sample_clean(samples[i]));
        bytes[2 * i] = (unsigned char)(value & 0xff);
        bytes[2 * i + 1] = (unsigned char)(value >> 8);
    }
}

static lt_status pcm_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                          lt_error *error)
{
    (void)config;
    *encoder = encoder_allocate(&pcm_encoder, sink, sizeof **encoder);
    return *encoder == NULL ? error_memory(error, "the PCM encoder") : LT_OK;
}

static lt_status pcm_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    unsigned char bytes[2 * ENCODER_BLOCK];
    pcm_s16le(samples, count, bytes);
    return encoder_put(encoder, bytes, 2 * count, error);
}

const struct encoder_type pcm_encoder = {.open = pcm_open, .write = pcm_write};
