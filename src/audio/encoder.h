/* encoder.h: from samples to the bytes of an audio format, streaming.
 *
 * One file a format (wav.c, mp3.c ...) fills a `struct encoder_type` of encoder_type.h; encoder.c picks
 * it. All take mono float samples at LT_SAMPLE_RATE; beyond [-1, 1] they are clamped, NaN counts as 0.
 * Bytes leave through the sink as soon as the format allows, and none before the first encoder_write or
 * encoder_finish, so a request that fails before its first sound has written nothing. Every finished
 * stream is a valid file, an empty one too.
 *
 * An encoder belongs to one thread at a time; different encoders are independent. */
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
    /* Tells the stream from others where the format has a number for that (Ogg); 0: one is drawn at random.
     * With one of the caller's own the same samples give the same bytes. */
    uint32_t serial;
};

struct encoder; /* an open encoder */

/* Opens an encoder that writes to `sink` (copied). Bit rates come from `config`. On success *encoder is
 * the caller's, to be closed with encoder_close. Errors: LT_ERR_FORMAT, LT_ERR_MEMORY, LT_ERR_UNSUPPORTED
 * (a codec library is not installed), LT_ERR_INTERNAL. */
lt_status encoder_open(lt_format format, const lt_config *config, const struct sink *sink,
                       struct encoder **encoder, lt_error *error);

/* Encodes `count` samples (0 is fine). Errors: LT_ERR_CANCELLED when the sink refused, LT_ERR_MEMORY,
 * LT_ERR_INTERNAL from a codec. After an error the encoder calls the sink no more, and every call but
 * encoder_close fails. */
lt_status encoder_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error);

/* Pushes out what the format lets go without a gap; called at the end of each utterance, so that a
 * listener hears it. What a codec still needs for its next frame stays inside: 20 ms in Opus, 48 ms in
 * FLAC, at most 0.1 s in MP3 and 0.13 s in AAC; WAV and PCM never hold anything back. Errors: as
 * encoder_write. */
lt_status encoder_flush(struct encoder *encoder, lt_error *error);

/* Ends the stream: last frames, and true sizes through rewrite. Call it once, then encoder_close. Errors: as
 * encoder_write. */
lt_status encoder_finish(struct encoder *encoder, lt_error *error);

/* Releases it, finished or not, without another byte to the sink. NULL is fine. */
void encoder_close(struct encoder *encoder);

/* Samples to signed 16-bit, little-endian: 32768 * sample, rounded to nearest (ties to even), clamped.
 * `bytes` holds 2 * count. */
void pcm_s16le(const float *samples, size_t count, unsigned char *bytes);

#endif
