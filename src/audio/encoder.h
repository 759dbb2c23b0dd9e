/* encoder.h: from samples to the bytes of an audio format, streaming.
 *
 * One file a format implements `struct encoder_type`; encoder.c picks it. All take mono float samples at
 * LT_SAMPLE_RATE and clamp to [-1, 1] (NaN counts as 0). Bytes leave through the sink as soon as the format allows. */
#ifndef AUDIO_ENCODER_H
#define AUDIO_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/error.h"

/* Where bytes go: the write and rewrite of lt_request. `rewrite` may be NULL. */
struct sink {
    bool (*write)(void *user, const void *bytes, size_t size);
    bool (*rewrite)(void *user, uint64_t offset, const void *bytes, size_t size);
    void *user;
};

struct encoder; /* an open encoder; each format has its own structure beginning with struct encoder_base */

/* Opens an encoder that writes to `sink` (copied). Bit rates come from `config`. Errors: LT_ERR_FORMAT,
 * LT_ERR_MEMORY, LT_ERR_INTERNAL. */
lt_status encoder_open(lt_format format, const lt_config *config, const struct sink *sink,
                       struct encoder **encoder, lt_error *error);

/* Encodes `count` samples. Errors: LT_ERR_CANCELLED when the sink refused, LT_ERR_INTERNAL from a codec. */
lt_status encoder_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error);

/* Pushes out what the format lets go without a gap (an Ogg page, a FLAC frame); called at the end of each
 * utterance, so that a listener hears it. Errors as encoder_write. */
lt_status encoder_flush(struct encoder *encoder, lt_error *error);

/* Ends the stream: last frames, and true sizes through rewrite. Errors as encoder_write. */
lt_status encoder_finish(struct encoder *encoder, lt_error *error);

/* Releases it, finished or not. NULL is fine. */
void encoder_close(struct encoder *encoder);

/* Samples to signed 16-bit, little-endian, rounded to nearest, clamped. `bytes` holds 2 * count. */
void pcm_s16le(const float *samples, size_t count, unsigned char *bytes);

#endif
