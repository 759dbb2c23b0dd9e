/* wav.c: RIFF WAVE, 16-bit PCM (Microsoft and IBM, "Multimedia Programming Interface and Data
 * Specifications 1.0").
 *
 * The header comes first and holds sizes that are known last. A stream says 0xFFFFFFFF, which players read
 * as "until the end"; where the sink can rewrite, finish puts the true sizes there. Sound of 4 GiB or
 * more, which the 32-bit fields cannot count, keeps 0xFFFFFFFF too: players that take it as a stream play
 * all of it. */
#include <string.h>

#include "audio/encoder_type.h"

#define HEADER_BYTES   44
#define UNKNOWN_SIZE   0xffffffffu
#define AFTER_RIFFSIZE 36 /* bytes of the header that the RIFF size counts */

static void put_u16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value & 0xff);
    at[1] = (unsigned char)(value >> 8 & 0xff);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    put_u16(at, value & 0xffff);
    put_u16(at + 2, value >> 16);
}

void wav_header(uint64_t data_bytes, unsigned char header[HEADER_BYTES])
{
    bool fits = data_bytes < UNKNOWN_SIZE - AFTER_RIFFSIZE;
    memcpy(header, "RIFF....WAVEfmt ", 16);
    put_u32(header + 4, fits ? (uint32_t)data_bytes + AFTER_RIFFSIZE : UNKNOWN_SIZE);
    put_u32(header + 16, 16);                 /* bytes of the fmt chunk */
    put_u16(header + 20, 1);                  /* WAVE_FORMAT_PCM */
    put_u16(header + 22, 1);                  /* channels */
    put_u32(header + 24, LT_SAMPLE_RATE);     /* samples a second */
    put_u32(header + 28, LT_SAMPLE_RATE * 2); /* bytes a second */
    put_u16(header + 32, 2);                  /* bytes a sample of all channels */
    put_u16(header + 34, 16);                 /* bits a sample */
    memcpy(header + 36, "data", 4);
    put_u32(header + 40, fits ? (uint32_t)data_bytes : UNKNOWN_SIZE);
}

static lt_status wav_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                          lt_error *error)
{
    (void)config;
    *encoder = encoder_allocate(&wav_encoder, sink, sizeof **encoder);
    return *encoder == NULL ? error_memory(error, "the WAV encoder") : LT_OK;
}

static lt_status begin(struct encoder *encoder, lt_error *error)
{
    unsigned char header[HEADER_BYTES];
    if (encoder->bytes > 0)
        return LT_OK;
    wav_header(UINT64_MAX, header);
    return encoder_put(encoder, header, sizeof header, error);
}

static lt_status wav_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    lt_status status = begin(encoder, error);
    return status != LT_OK ? status : pcm_encoder.write(encoder, samples, count, error);
}

static lt_status wav_finish(struct encoder *encoder, lt_error *error)
{
    unsigned char header[HEADER_BYTES];
    lt_status status = begin(encoder, error);
    if (status != LT_OK || encoder->sink.rewrite == NULL)
        return status;
    wav_header(encoder->bytes - HEADER_BYTES, header);
    return encoder_put_at(encoder, 0, header, sizeof header, error);
}

const struct encoder_type wav_encoder = {.open = wav_open, .write = wav_write, .finish = wav_finish};
