/* mp3.c: MPEG layer III through LAME: mono, constant bit rate; 24 kHz makes it MPEG-2, whose frame is 576
 * samples.
 *
 * Where the sink can rewrite, the stream begins with LAME's Info frame (the Xing header of a constant bit
 * rate), which finish fills in: it tells players the length and how many samples of encoder delay and
 * padding to drop. A stream that cannot be rewritten has no such frame, since an empty one would be a lie
 * about the length. */
#include <lame/lame.h>

#include "audio/encoder_type.h"

/* On speech no worse than the slower default (signal to noise 25.7 dB against 25.2 at 48 kbit/s), in two
 * thirds of its time. */
#define QUALITY 7

/* LAME's bound on what a call may return: 1.25 * samples + 7200. */
#define MOST_BYTES (ENCODER_BLOCK + ENCODER_BLOCK / 4 + 7200)

struct mp3_encoder {
    struct encoder base;
    lame_t lame;
};

static void silent(const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
}

static bool set_up(lame_t lame, const lt_config *config, bool rewritable)
{
    lame_set_errorf(lame, silent);
    lame_set_debugf(lame, silent);
    lame_set_msgf(lame, silent);
    lame_set_write_id3tag_automatic(lame, 0);
    return lame_set_in_samplerate(lame, LT_SAMPLE_RATE) == 0 &&
           lame_set_out_samplerate(lame, LT_SAMPLE_RATE) == 0 && lame_set_num_channels(lame, 1) == 0 &&
           lame_set_mode(lame, MONO) == 0 && lame_set_VBR(lame, vbr_off) == 0 &&
           lame_set_brate(lame, (int)config_integer(config, CONFIG_audio_mp3_bitrate)) == 0 &&
           lame_set_quality(lame, QUALITY) == 0 && lame_set_bWriteVbrTag(lame, rewritable) == 0 &&
           lame_init_params(lame) >= 0;
}

static lt_status mp3_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                          lt_error *error)
{
    struct mp3_encoder *mp3 = encoder_allocate(&mp3_encoder, sink, sizeof *mp3);
    if (mp3 != NULL)
        mp3->lame = lame_init();
    if (mp3 == NULL || mp3->lame == NULL) {
        encoder_close(mp3 == NULL ? NULL : &mp3->base);
        return error_memory(error, "the MP3 encoder");
    }
    if (!set_up(mp3->lame, config, sink->rewrite != NULL)) {
        encoder_close(&mp3->base);
        return error_set(error, LT_ERR_INTERNAL, "LAME does not take %s kbit/s at %d samples a second",
                         lt_config_get(config, "audio.mp3_bitrate"), LT_SAMPLE_RATE);
    }
    *encoder = &mp3->base;
    return LT_OK;
}

/* Passes on what a call of LAME returned: a number of bytes, or a negative code. */
static lt_status put(struct encoder *encoder, const unsigned char *bytes, int size, lt_error *error)
{
    if (size >= 0)
        return encoder_put(encoder, bytes, (size_t)size, error);
    if (size == -2)
        return error_memory(error, "the MP3 encoder");
    return error_set(error, LT_ERR_INTERNAL, "LAME failed with code %d", size);
}

static lt_status mp3_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    struct mp3_encoder *mp3 = (struct mp3_encoder *)encoder;
    unsigned char bytes[MOST_BYTES];
    int size = lame_encode_buffer_ieee_float(mp3->lame, samples, samples, (int)count, bytes, sizeof bytes);
    return put(encoder, bytes, size, error);
}

static lt_status mp3_finish(struct encoder *encoder, lt_error *error)
{
    struct mp3_encoder *mp3 = (struct mp3_encoder *)encoder;
    unsigned char bytes[MOST_BYTES];
    if (encoder->samples == 0) { /* no frame is no file: one frame of silence */
        const float silence = 0;
        lt_status status = mp3_write(encoder, &silence, 1, error);
        if (status != LT_OK)
            return status;
    }
    lt_status status = put(encoder, bytes, lame_encode_flush(mp3->lame, bytes, sizeof bytes), error);
    if (status != LT_OK || encoder->sink.rewrite == NULL)
        return status;
    size_t size = lame_get_lametag_frame(mp3->lame, bytes, sizeof bytes);
    if (size > sizeof bytes)
        return error_set(error, LT_ERR_INTERNAL, "LAME's Info frame of %zu bytes is too large", size);
    return size == 0 ? LT_OK : encoder_put_at(encoder, 0, bytes, size, error);
}

static void mp3_close(struct encoder *encoder)
{
    struct mp3_encoder *mp3 = (struct mp3_encoder *)encoder;
    if (mp3->lame != NULL)
        lame_close(mp3->lame);
}

const struct encoder_type mp3_encoder = {
    .open = mp3_open, .write = mp3_write, .finish = mp3_finish, .close = mp3_close};
