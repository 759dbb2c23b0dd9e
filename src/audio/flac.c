/* flac.c: FLAC (RFC 9639), 16 bits, through libFLAC.
 *
 * The STREAMINFO block comes first and holds the number of samples and the MD5 sum of the sound. A stream
 * leaves both at 0, "unknown"; where the sink can rewrite, libFLAC is given a seek function and fills them
 * in at the end. Blocks are short (48 ms), since a block leaves only when it is full; that costs about 1 %
 * in size. */
#include <FLAC/stream_encoder.h>

#include "audio/encoder_type.h"

#define BLOCK_SAMPLES 1152

struct flac_encoder {
    struct encoder base;
    FLAC__StreamEncoder *flac;
    uint64_t position;   /* where libFLAC's next bytes go: the end, or before it after a seek */
    bool started;        /* the header has been written */
    lt_error *error;     /* of the call in progress, for the callbacks; may be NULL */
    lt_status sink_said; /* what the sink answered to the callbacks */
};

static FLAC__StreamEncoderWriteStatus take_bytes(const FLAC__StreamEncoder *library, const FLAC__byte bytes[],
                                                 size_t size, uint32_t samples, uint32_t frame, void *user)
{
    (void)library;
    (void)samples;
    (void)frame;
    struct flac_encoder *flac = user;
    if (flac->position == flac->base.bytes)
        flac->sink_said = encoder_put(&flac->base, bytes, size, flac->error);
    else
        flac->sink_said = encoder_put_at(&flac->base, flac->position, bytes, size, flac->error);
    flac->position += size;
    return flac->sink_said == LT_OK ? FLAC__STREAM_ENCODER_WRITE_STATUS_OK
                                    : FLAC__STREAM_ENCODER_WRITE_STATUS_FATAL_ERROR;
}

static FLAC__StreamEncoderSeekStatus seek(const FLAC__StreamEncoder *library, FLAC__uint64 offset, void *user)
{
    (void)library;
    ((struct flac_encoder *)user)->position = offset;
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
}

static FLAC__StreamEncoderTellStatus tell(const FLAC__StreamEncoder *library, FLAC__uint64 *offset,
                                          void *user)
{
    (void)library;
    *offset = ((struct flac_encoder *)user)->position;
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
}

/* What a failed call of libFLAC means. */
static lt_status fault(struct flac_encoder *flac, lt_error *error)
{
    if (flac->sink_said != LT_OK)
        return flac->sink_said; /* *error has its sentence already */
    FLAC__StreamEncoderState state = FLAC__stream_encoder_get_state(flac->flac);
    if (state == FLAC__STREAM_ENCODER_MEMORY_ALLOCATION_ERROR)
        return error_memory(error, "the FLAC encoder");
    return error_set(error, LT_ERR_INTERNAL, "libFLAC failed: %s", FLAC__StreamEncoderStateString[state]);
}

static lt_status flac_open(const lt_config *config, const struct sink *sink, struct encoder **encoder,
                           lt_error *error)
{
    (void)config;
    struct flac_encoder *flac = encoder_allocate(&flac_encoder, sink, sizeof *flac);
    if (flac != NULL)
        flac->flac = FLAC__stream_encoder_new();
    if (flac == NULL || flac->flac == NULL) {
        encoder_close(flac == NULL ? NULL : &flac->base);
        return error_memory(error, "the FLAC encoder");
    }
    *encoder = &flac->base;
    return LT_OK;
}

/* Opens the library's stream, which writes the header: hence not before the first sample. */
static lt_status start(struct flac_encoder *flac, lt_error *error)
{
    if (flac->started)
        return LT_OK;
    flac->started = true;
    bool rewritable = flac->base.sink.rewrite != NULL;
    FLAC__StreamEncoder *library = flac->flac;
    if (!FLAC__stream_encoder_set_channels(library, 1) ||
        !FLAC__stream_encoder_set_bits_per_sample(library, 16) ||
        !FLAC__stream_encoder_set_sample_rate(library, LT_SAMPLE_RATE) ||
        !FLAC__stream_encoder_set_compression_level(library, 5) ||
        !FLAC__stream_encoder_set_blocksize(library, BLOCK_SAMPLES))
        return fault(flac, error);
    flac->error = error;
    FLAC__StreamEncoderInitStatus status = FLAC__stream_encoder_init_stream(
        library, take_bytes, rewritable ? seek : NULL, rewritable ? tell : NULL, NULL, flac);
    if (status == FLAC__STREAM_ENCODER_INIT_STATUS_OK)
        return LT_OK;
    if (status == FLAC__STREAM_ENCODER_INIT_STATUS_ENCODER_ERROR)
        return fault(flac, error);
    return error_set(error, LT_ERR_INTERNAL, "libFLAC failed: %s",
                     FLAC__StreamEncoderInitStatusString[status]);
}

static lt_status flac_write(struct encoder *encoder, const float *samples, size_t count, lt_error *error)
{
    struct flac_encoder *flac = (struct flac_encoder *)encoder;
    FLAC__int32 values[ENCODER_BLOCK];
    lt_status status = start(flac, error);
    if (status != LT_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        values[i] = sample_s16(samples[i]);
    flac->error = error;
    return FLAC__stream_encoder_process_interleaved(flac->flac, values, (uint32_t)count) ? LT_OK
                                                                                         : fault(flac, error);
}

static lt_status flac_finish(struct encoder *encoder, lt_error *error)
{
    struct flac_encoder *flac = (struct flac_encoder *)encoder;
    lt_status status = start(flac, error);
    if (status != LT_OK)
        return status;
    flac->error = error;
    return FLAC__stream_encoder_finish(flac->flac) ? LT_OK : fault(flac, error);
}

static void flac_close(struct encoder *encoder)
{
    struct flac_encoder *flac = (struct flac_encoder *)encoder;
    flac->error = NULL;
    if (flac->flac != NULL)
        FLAC__stream_encoder_delete(
            flac->flac); /* finishes an open stream; encoder_put drops what it writes */
}

const struct encoder_type flac_encoder = {
    .open = flac_open, .write = flac_write, .finish = flac_finish, .close = flac_close};
