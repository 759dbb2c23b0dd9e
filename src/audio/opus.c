/* opus.c: Opus in Ogg (RFC 6716, RFC 7845) through libopusenc, which takes the samples to Opus's 48 kHz.
 *
 * Its pull interface is used, because only there a page can be forced out before it is full: at the end of
 * an utterance all but the last 20 ms frame leaves. Within an utterance a page ends after half a second. */
#include <opusenc.h>
#include <sys/random.h>

#include "audio/encoder_type.h"

#define PAGE_SAMPLES 24000 /* at 48 kHz: half a second */

/* Of 0 to 10. The default, 9, analyses the sound for music at five times the cost; speech at 48 kbit/s
 * gains nothing by it (signal to noise 25.4 dB against 25.3). Below the rate of VOICE_BITS it is told that
 * it hears speech instead. */
#define COMPLEXITY 5
#define VOICE_BITS 32000

struct opus_encoder {
    struct encoder base;
    OggOpusComments *comments;
    OggOpusEnc *enc;
};

static lt_status fault(int code, lt_error *error)
{
    if (code == OPE_ALLOC_FAIL)
        return error_memory(error, "the Opus encoder");
    return error_set(error, LT_ERR_INTERNAL, "libopusenc failed: %s", ope_strerror(code));
}

/* Streams that may end up behind each other in one file need different serial numbers (RFC 3533, section
 * 4). */
static opus_int32 random_serial(void)
{
    uint32_t serial = 0;
    if (getrandom(&serial, sizeof serial, 0) != sizeof serial)
        serial = 1;
    return (opus_int32)(serial & INT32_MAX);
}

static int set_up(OggOpusEnc *enc, const lt_config *config, uint32_t serial)
{
    opus_int32 bits = (opus_int32)config_integer(config, CONFIG_audio_opus_bitrate) * 1000;
    int code = ope_encoder_ctl(enc, OPUS_SET_BITRATE(bits));
    if (code == OPE_OK)
        code = ope_encoder_ctl(enc, OPUS_SET_COMPLEXITY(COMPLEXITY));
    if (code == OPE_OK) /* 12 kHz, all there is in 24,000 samples a second */
        code = ope_encoder_ctl(enc, OPUS_SET_MAX_BANDWIDTH(OPUS_BANDWIDTH_SUPERWIDEBAND));
    if (code == OPE_OK && bits < VOICE_BITS)
        code = ope_encoder_ctl(enc, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
    if (code == OPE_OK) /* two seconds of lookahead by default, for music */
        code = ope_encoder_ctl(enc, OPE_SET_DECISION_DELAY(0));
    if (code == OPE_OK)
        code = ope_encoder_ctl(enc, OPE_SET_MUXING_DELAY(PAGE_SAMPLES));
    if (code == OPE_OK)
        code = ope_encoder_ctl(enc, OPE_SET_COMMENT_PADDING(0));
    if (code == OPE_OK)
        code = ope_encoder_ctl(
            enc, OPE_SET_SERIALNO(serial != 0 ? (opus_int32)(serial & INT32_MAX) : random_serial()));
    return code;
}

static lt_status opus_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                           lt_error *error)
{
    struct opus_encoder *opus = encoder_allocate(&opus_encoder, sink, sizeof *opus);
    if (opus == NULL)
        return error_memory(error, "the Opus encoder");
    int code = OPE_ALLOC_FAIL;
    opus->comments = ope_comments_create();
    if (opus->comments != NULL)
        opus->enc = ope_encoder_create_pull(opus->comments, LT_SAMPLE_RATE, 1, 0, &code);
    if (opus->enc != NULL)
        code = set_up(opus->enc, config, sink->serial);
    if (code != OPE_OK) {
        encoder_close(&opus->base);
        return fault(code, error);
    }
    *encoder = &opus->base;
    return LT_OK;
}

/* Passes on the pages that are full, and with `flush` also the one that is not. */
static lt_status put_pages(struct opus_encoder *opus, bool flush, lt_error *error)
{
    unsigned char *page;
    opus_int32 size;
    int got;
    while ((got = ope_encoder_get_page(opus->enc, &page, &size, flush)) == 1) {
        lt_status status = encoder_put(&opus->base, page, (size_t)size, error);
        if (status != LT_OK)
            return status;
    }
    return got == 0 ? LT_OK : fault(got, error);
}

static lt_status opus_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    struct opus_encoder *opus = (struct opus_encoder *)encoder;
    int code = ope_encoder_write_float(opus->enc, samples, (int)count);
    return code != OPE_OK ? fault(code, error) : put_pages(opus, false, error);
}

static lt_status opus_flush(struct encoder *encoder, lt_error *error)
{
    return put_pages((struct opus_encoder *)encoder, true, error);
}

static lt_status opus_finish(struct encoder *encoder, lt_error *error)
{
    struct opus_encoder *opus = (struct opus_encoder *)encoder;
    const float nothing = 0;
    /* A drain without any write would read an end position that libopusenc never set. */
    int code = ope_encoder_write_float(opus->enc, &nothing, 0);
    if (code == OPE_OK)
        code = ope_encoder_drain(opus->enc);
    return code != OPE_OK ? fault(code, error) : put_pages(opus, true, error);
}

static void opus_close(struct encoder *encoder)
{
    struct opus_encoder *opus = (struct opus_encoder *)encoder;
    if (opus->enc != NULL)
        ope_encoder_destroy(opus->enc);
    if (opus->comments != NULL)
        ope_comments_destroy(opus->comments);
}

const struct encoder_type opus_encoder = {
    .open = opus_open, .write = opus_write, .flush = opus_flush, .finish = opus_finish, .close = opus_close};
