/* encoder.c: picks a format's encoder and does for it what all share: names, clean samples, counting,
 * failure. */
#include "audio/encoder.h"

#include <stdlib.h>
#include <string.h>

#include "audio/encoder_type.h"
#include "base/str.h"

static const struct {
    const char *name;
    const char *mime; /* RFC 7845 gives Opus in Ogg audio/ogg; audio/opus is a packet of RTP */
    const struct encoder_type *type;
} formats[LT_FORMAT_COUNT] = {
    [LT_FORMAT_WAV] = {"wav", "audio/wav", &wav_encoder},
    [LT_FORMAT_PCM] = {"pcm", "audio/pcm", &pcm_encoder},
    [LT_FORMAT_MP3] = {"mp3", "audio/mpeg", &mp3_encoder},
    [LT_FORMAT_OPUS] = {"opus", "audio/ogg", &opus_encoder},
    [LT_FORMAT_FLAC] = {"flac", "audio/flac", &flac_encoder},
    [LT_FORMAT_AAC] = {"aac", "audio/aac", &aac_encoder},
};

/* ---- Names ------------------------------------------------------------------------------------- */

static bool is_format(lt_format format)
{
    return (unsigned)format < LT_FORMAT_COUNT;
}

const char *lt_format_name(lt_format format)
{
    return is_format(format) ? formats[format].name : NULL;
}

const char *lt_format_mime(lt_format format)
{
    return is_format(format) ? formats[format].mime : NULL;
}

/* What names the format in "mp3", "book.mp3" or "a.b/book.mp3"; "" in a path without an ending. */
static const char *ending(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash != NULL ? slash : name, '.');
    if (dot != NULL)
        return dot + 1;
    return slash != NULL ? "" : name;
}

lt_status lt_format_parse(const char *name, lt_format *format, lt_error *error)
{
    if (name == NULL)
        name = "";
    const char *wanted = ending(name);
    if (str_equal_nocase(wanted, "ogg")) /* the other usual ending of Opus files */
        wanted = "opus";
    for (int i = 0; i < LT_FORMAT_COUNT; i++) {
        if (str_equal_nocase(wanted, formats[i].name)) {
            *format = (lt_format)i;
            return error_none(error);
        }
    }
    return error_set(
        error, LT_ERR_FORMAT,
        "'%.100s' names no audio format: use wav, pcm, mp3, opus, flac or aac, as a name or a file's ending",
        name);
}

/* ---- For the formats --------------------------------------------------------------------------- */

void *encoder_allocate(const struct encoder_type *type, const struct sink *sink, size_t size)
{
    struct encoder *encoder = calloc(1, size);
    if (encoder != NULL) {
        encoder->type = type;
        encoder->sink = *sink;
    }
    return encoder;
}

lt_status encoder_put(struct encoder *encoder, const void *bytes, size_t size, lt_error *error)
{
    if (size == 0 || encoder->closing)
        return LT_OK;
    if (!encoder->sink.write(encoder->sink.user, bytes, size))
        return error_set(error, LT_ERR_CANCELLED, "the receiver of the audio asked to stop after %llu bytes",
                         (unsigned long long)encoder->bytes);
    encoder->bytes += size;
    return LT_OK;
}

lt_status encoder_put_at(struct encoder *encoder, uint64_t offset, const void *bytes, size_t size,
                         lt_error *error)
{
    if (encoder->closing)
        return LT_OK;
    if (!encoder->sink.rewrite(encoder->sink.user, offset, bytes, size))
        return error_set(error, LT_ERR_CANCELLED, "the receiver of the audio refused its final header");
    return LT_OK;
}

/* ---- The encoder ------------------------------------------------------------------------------- */

lt_status encoder_open(lt_format format, const lt_config *config, const struct sink *sink,
                       struct encoder **encoder, lt_error *error)
{
    *encoder = NULL;
    if (!is_format(format))
        return error_set(error, LT_ERR_FORMAT, "%d is no audio format: use a value of lt_format",
                         (int)format);
    lt_status status = formats[format].type->open(config, sink, encoder, error);
    return status == LT_OK ? error_none(error) : status;
}

/* Keeps the first failure: a codec that stopped half-way must not be driven further. */
static lt_status remember(struct encoder *encoder, lt_status status)
{
    if (status != LT_OK && encoder->failed == LT_OK)
        encoder->failed = status;
    return status;
}

static lt_status failed_before(const struct encoder *encoder, lt_error *error)
{
    return error_set(error, encoder->failed, "the audio stream ended at an earlier error");
}

lt_status encoder_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    float block[ENCODER_BLOCK];
    if (encoder->failed != LT_OK)
        return failed_before(encoder, error);
    while (count > 0) {
        size_t n = count < ENCODER_BLOCK ? count : ENCODER_BLOCK;
        for (size_t i = 0; i < n; i++)
            block[i] = sample_clean(samples[i]);
        lt_status status = encoder->type->write(encoder, block, n, error);
        if (status != LT_OK)
            return remember(encoder, status);
        encoder->samples += n;
        samples += n;
        count -= n;
    }
    return error_none(error);
}

lt_status encoder_flush(struct encoder *encoder, lt_error *error)
{
    if (encoder->failed != LT_OK)
        return failed_before(encoder, error);
    if (encoder->type->flush == NULL || encoder->samples == 0)
        return error_none(error);
    lt_status status = encoder->type->flush(encoder, error);
    return status == LT_OK ? error_none(error) : remember(encoder, status);
}

lt_status encoder_finish(struct encoder *encoder, lt_error *error)
{
    if (encoder->failed != LT_OK)
        return failed_before(encoder, error);
    lt_status status = encoder->type->finish == NULL ? LT_OK : encoder->type->finish(encoder, error);
    return status == LT_OK ? error_none(error) : remember(encoder, status);
}

void encoder_close(struct encoder *encoder)
{
    if (encoder == NULL)
        return;
    encoder->closing = true;
    if (encoder->type->close != NULL)
        encoder->type->close(encoder);
    free(encoder);
}
