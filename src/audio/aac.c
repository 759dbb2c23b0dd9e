/* aac.c: AAC-LC (ISO/IEC 14496-3) in ADTS frames, through the encoder of FFmpeg's libavcodec.
 *
 * libavcodec brings some 90 other libraries with it: linked, they would cost every run of the program 15
 * MB of resident memory and 15 ms of start, measured on Debian 12. So it is opened when the first AAC
 * stream is (base/late.h), under the name of the version whose headers this file was compiled with: only then
 * do the structures match. The code is good for libavcodec 59.24 (FFmpeg 5.1), where
 * AVChannelLayout came, and later. */
#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <pthread.h>
#include <string.h>

#include "audio/encoder_type.h"
#include "base/late.h"

#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(59, 24, 100)
#error "libavcodec 59.24 (FFmpeg 5.1) or later is needed"
#endif

#define LIBRARY    "libavcodec.so." AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR)
#define PACKAGE    "libavcodec" AV_STRINGIFY(LIBAVCODEC_VERSION_MAJOR)
#define FRAME      1024 /* samples of an AAC frame */
#define ADTS_BYTES 7

/* The functions that are used, in libavcodec and in the libavutil under it. */
#define FUNCTIONS(X)                                                                                         \
    X(avcodec_find_encoder_by_name)                                                                          \
    X(avcodec_alloc_context3)                                                                                \
    X(avcodec_free_context)                                                                                  \
    X(avcodec_open2)                                                                                         \
    X(avcodec_send_frame)                                                                                    \
    X(avcodec_receive_packet)                                                                                \
    X(av_packet_alloc)                                                                                       \
    X(av_packet_free)                                                                                        \
    X(av_frame_alloc)                                                                                        \
    X(av_frame_free)                                                                                         \
    X(av_frame_get_buffer)                                                                                   \
    X(av_frame_make_writable)                                                                                \
    X(av_opt_set)                                                                                            \
    X(av_strerror)

static struct {
    FUNCTIONS(LATE_MEMBER)
} av;
#define LATE_TABLE av

struct aac_encoder {
    struct encoder base;
    AVCodecContext *context;
    AVFrame *frame;   /* being filled */
    AVPacket *packet; /* that frames come out in */
    int filled;       /* samples in `frame` */
};

/* ---- The library ------------------------------------------------------------------------------- */

/* Opens it when it is not open yet; a failure is tried again by the next stream. */
static lt_status need_library(lt_error *error)
{
    static const struct late_function functions[] = {FUNCTIONS(LATE_FUNCTION)};
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static bool open; /* guarded by mutex */
    lt_status status = LT_OK;
    pthread_mutex_lock(&mutex);
    if (!open)
        status = late_open("AAC", LIBRARY, "install the package " PACKAGE ", or choose another format",
                           functions, sizeof functions / sizeof *functions, error);
    open = status == LT_OK;
    pthread_mutex_unlock(&mutex);
    return status;
}

static lt_status fault(int code, lt_error *error)
{
    char reason[128] = "";
    if (code == AVERROR(ENOMEM))
        return error_memory(error, "the AAC encoder");
    av.av_strerror(code, reason, sizeof reason);
    return error_set(error, LT_ERR_INTERNAL, "libavcodec failed: %s", reason);
}

/* ---- The encoder ------------------------------------------------------------------------------- */

/* A code of libavutil: 0, or negative. */
static int set_up(struct aac_encoder *aac, const lt_config *config)
{
    const AVCodec *codec = av.avcodec_find_encoder_by_name("aac");
    if (codec == NULL)
        return AVERROR_ENCODER_NOT_FOUND;
    aac->context = av.avcodec_alloc_context3(codec);
    aac->frame = av.av_frame_alloc();
    aac->packet = av.av_packet_alloc();
    if (aac->context == NULL || aac->frame == NULL || aac->packet == NULL)
        return AVERROR(ENOMEM);
    aac->context->log_level_offset = 128; /* added to a message's level, of one byte: beyond all that print */
    aac->context->sample_rate = LT_SAMPLE_RATE;
    aac->context->sample_fmt = AV_SAMPLE_FMT_FLTP;
    aac->context->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_MONO;
    /* The profile's name differs between versions; AAC-LC is the default. */
    aac->context->bit_rate = config_integer(config, CONFIG_audio_aac_bitrate) * 1000;
    aac->context->thread_count = 1;
    /* Three times as fast as the default and, on speech at 32 to 64 kbit/s, 7 to 9 dB nearer to the
     * original. A version without the choice uses what it has. */
    (void)av.av_opt_set(aac->context->priv_data, "aac_coder", "fast", 0);
    int code = av.avcodec_open2(aac->context, codec, NULL);
    if (code < 0)
        return code;
    aac->frame->format = AV_SAMPLE_FMT_FLTP;
    aac->frame->sample_rate = LT_SAMPLE_RATE;
    aac->frame->ch_layout = aac->context->ch_layout; /* a native order owns no memory: a plain copy is one */
    aac->frame->nb_samples = FRAME;
    return av.av_frame_get_buffer(aac->frame, 0);
}

static lt_status aac_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                          lt_error *error)
{
    lt_status status = need_library(error);
    if (status != LT_OK)
        return status;
    struct aac_encoder *aac = encoder_allocate(&aac_encoder, sink, sizeof *aac);
    if (aac == NULL)
        return error_memory(error, "the AAC encoder");
    int code = set_up(aac, config);
    if (code < 0) {
        encoder_close(&aac->base);
        return fault(code, error);
    }
    *encoder = &aac->base;
    return LT_OK;
}

/* ADTS header of a frame of `size` bytes (ISO/IEC 14496-3, table 1.A.5): MPEG-4, no CRC, AAC-LC, 24 kHz,
 * one channel, one raw data block, buffer fullness "variable rate". */
static void adts_header(size_t size, unsigned char header[ADTS_BYTES])
{
    const unsigned profile = 1, rate_index = 6, channels = 1, fullness = 0x7ff;
    unsigned length = (unsigned)size + ADTS_BYTES; /* 13 bits */
    header[0] = 0xff;
    header[1] = 0xf1;
    header[2] = (unsigned char)(profile << 6 | rate_index << 2 | channels >> 2);
    header[3] = (unsigned char)((channels & 3) << 6 | length >> 11);
    header[4] = (unsigned char)(length >> 3 & 0xff);
    header[5] = (unsigned char)((length & 7) << 5 | fullness >> 6);
    header[6] = (unsigned char)((fullness & 0x3f) << 2);
}

static lt_status put_packet(struct aac_encoder *aac, lt_error *error)
{
    unsigned char header[ADTS_BYTES];
    size_t size = (size_t)aac->packet->size;
    if (size + ADTS_BYTES > 0x1fff)
        return error_set(error, LT_ERR_INTERNAL, "an AAC frame of %zu bytes does not fit ADTS", size);
    adts_header(size, header);
    lt_status status = encoder_put(&aac->base, header, sizeof header, error);
    return status != LT_OK ? status : encoder_put(&aac->base, aac->packet->data, size, error);
}

/* Gives the encoder a frame (NULL: the end) and passes on what comes out. */
static lt_status encode(struct aac_encoder *aac, const AVFrame *frame, lt_error *error)
{
    int code = av.avcodec_send_frame(aac->context, frame);
    while (code >= 0) {
        code = av.avcodec_receive_packet(aac->context, aac->packet); /* releases what the packet held */
        lt_status status = code < 0 ? LT_OK : put_packet(aac, error);
        if (status != LT_OK)
            return status;
    }
    return code == AVERROR(EAGAIN) || code == AVERROR_EOF ? LT_OK : fault(code, error);
}

static lt_status aac_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    struct aac_encoder *aac = (struct aac_encoder *)encoder;
    while (count > 0) {
        int room = FRAME - aac->filled;
        int n = count < (size_t)room ? (int)count : room;
        if (aac->filled == 0) { /* the encoder may still hold the last frame's buffer */
            int code = av.av_frame_make_writable(aac->frame);
            if (code < 0)
                return fault(code, error);
        }
        memcpy((float *)aac->frame->data[0] + aac->filled, samples, (size_t)n * sizeof *samples);
        aac->filled += n;
        samples += n;
        count -= (size_t)n;
        if (aac->filled == FRAME) {
            aac->filled = 0;
            lt_status status = encode(aac, aac->frame, error);
            if (status != LT_OK)
                return status;
        }
    }
    return LT_OK;
}

static lt_status aac_finish(struct encoder *encoder, lt_error *error)
{
    struct aac_encoder *aac = (struct aac_encoder *)encoder;
    lt_status status = LT_OK;
    if (encoder->samples == 0) { /* no frame is no file: one frame of silence */
        const float silence = 0;
        status = aac_write(encoder, &silence, 1, error);
    }
    if (status == LT_OK && aac->filled > 0) {
        aac->frame->nb_samples = aac->filled;
        status = encode(aac, aac->frame, error);
    }
    return status != LT_OK ? status : encode(aac, NULL, error);
}

static void aac_close(struct encoder *encoder)
{
    struct aac_encoder *aac = (struct aac_encoder *)encoder;
    av.av_packet_free(&aac->packet);
    av.av_frame_free(&aac->frame);
    av.avcodec_free_context(&aac->context);
}

const struct encoder_type aac_encoder = {
    .open = aac_open, .write = aac_write, .finish = aac_finish, .close = aac_close};
