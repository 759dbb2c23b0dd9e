/* speak.c: lt_speak: one request from text to encoded bytes.
 *
 * The calling thread does everything but the speech itself: it pulls chunks from the text stream, keeps a few of them
 * with the scheduler (LOOKAHEAD, so that the backend never waits for encoding or for a slow caller, and memory stays
 * bounded), and takes samples back in order: volume, encoder, the caller's write. Samples are passed on while their
 * utterance is still being spoken. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/encoder.h"
#include "audio/volume.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "engine/engine.h"

enum { LOOKAHEAD = 2, FIRST_SYMBOLS = 120 };

/* How often a waiting request looks at its cancel switch: a switch that a signal handler may set cannot wake it. */
static const double POLL_SECONDS = 0.02;

/* A chunk with the scheduler, and all that its utterance points to. */
struct piece {
    struct job job;
    struct voice_ref voice;
    struct str text, phonemes;
    struct utterance_word *words;
    uint64_t source_end;
    float pause_seconds, volume;
    bool silent; /* nothing to speak: only the pause */
};

struct speech {
    lt_engine *engine;
    const lt_request *request;
    struct voice_ref voice; /* the request's own */
    struct text_stream *stream;
    struct encoder *encoder;
    struct piece pieces[LOOKAHEAD]; /* a ring: `waiting` of them, the oldest at `oldest` */
    int oldest, waiting;
    bool text_ended, first_piece_submitted;
    bool entered; /* counted by the scheduler as a request that may submit more */
    atomic_bool stop;
    float *samples; /* swapped with the jobs' buffers */
    size_t sample_capacity;
    size_t text_at; /* of request->text, when that is read */
    uint64_t samples_written;
    double began;
    bool write_refused;
    lt_result result;
};

/* ---- The caller's side: reading and writing ---- */

static size_t read_source(void *user, char *buffer, size_t size)
{
    struct speech *s = user;
    const lt_request *r = s->request;
    if (r->text == NULL)
        return r->read(r->user, buffer, size);
    size_t left = r->text_bytes - s->text_at, n = left < size ? left : size;
    memcpy(buffer, r->text + s->text_at, n);
    s->text_at += n;
    return n;
}

static bool write_bytes(void *user, const void *bytes, size_t size)
{
    struct speech *s = user;
    s->result.bytes_written += size;
    if (!s->write_refused && !s->request->write(s->request->user, bytes, size))
        s->write_refused = true;
    return !s->write_refused;
}

static bool rewrite_bytes(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct speech *s = user;
    return s->request->rewrite(s->request->user, offset, bytes, size);
}

static bool cancelled(struct speech *s)
{
    return s->request->cancel != NULL && lt_cancel_fired(s->request->cancel);
}

/* ---- Sending chunks to the scheduler ---- */

static lt_status copy_chunk(struct piece *piece, const struct text_chunk *chunk, lt_error *error)
{
    str_clear(&piece->text);
    str_clear(&piece->phonemes);
    str_puts(&piece->text, chunk->text);
    if (chunk->phonemes != NULL)
        str_puts(&piece->phonemes, chunk->phonemes);
    free(piece->words);
    piece->words = chunk->word_count == 0 ? NULL : malloc(chunk->word_count * sizeof *piece->words);
    if (piece->text.failed || piece->phonemes.failed || (chunk->word_count > 0 && piece->words == NULL))
        return error_memory(error, "a piece of text");
    if (chunk->word_count > 0)
        memcpy(piece->words, chunk->words, chunk->word_count * sizeof *piece->words);
    piece->source_end = chunk->source_end;
    piece->pause_seconds = chunk->pause_seconds;
    piece->volume = chunk->volume;
    piece->silent = chunk->text[0] == '\0' && (chunk->phonemes == NULL || chunk->phonemes[0] == '\0');
    return LT_OK;
}

/* The voice of a chunk: a mark in the text, or the request's. Both must be of one kind of backend, because the text was
 * prepared for it. */
static lt_status chunk_voice(struct speech *s, const struct text_chunk *chunk, struct voice_ref *voice,
                             lt_error *error)
{
    const char *name = chunk->voice != NULL ? chunk->voice : s->request->voice;
    lt_status status = registry_find(&s->engine->registry, name, voice, error);
    if (status == LT_OK && voice->backend != s->voice.backend) {
        registry_release(&s->engine->registry, voice);
        status = error_set(
            error, LT_ERR_VOICE,
            "the text asks for the voice '%.100s', which is of another kind than the request's: use voices "
            "of one backend in one request",
            name);
    }
    return status;
}

static lt_status submit_chunk(struct speech *s, const struct text_chunk *chunk, lt_error *error)
{
    struct piece *piece = &s->pieces[(s->oldest + s->waiting) % LOOKAHEAD];
    lt_status status = copy_chunk(piece, chunk, error);
    if (status != LT_OK)
        return status;
    if (piece->silent) {
        s->waiting++;
        return LT_OK;
    }
    status = chunk_voice(s, chunk, &piece->voice, error);
    if (status != LT_OK)
        return status;
    piece->job = (struct job){
        .backend = piece->voice.backend,
        .urgent = !s->first_piece_submitted,
        .characters = utf8_count(piece->text.data, piece->text.length),
        .stop = &s->stop,
    };
    float speed = s->request->speed * chunk->rate;
    piece->job.utterance = (struct utterance){
        .text = piece->text.data,
        .phonemes = chunk->phonemes != NULL ? piece->phonemes.data : NULL,
        .words = piece->words,
        .word_count = chunk->word_count,
        .voice = piece->voice.voice,
        .speed = speed < 0.25f  ? 0.25f
                 : speed > 4.0f ? 4.0f
                                : speed,
        .seed = s->request->seed,
    };
    status = job_open(&piece->job, error);
    if (status != LT_OK) {
        registry_release(&s->engine->registry, &piece->voice);
        return status;
    }
    s->first_piece_submitted = true;
    s->waiting++;
    scheduler_submit(s->engine->scheduler, &piece->job);
    return LT_OK;
}

/* No more utterances will come: nobody needs to wait for them. */
static void end_text(struct speech *s)
{
    s->text_ended = true;
    if (s->entered)
        scheduler_leave(s->engine->scheduler, s->voice.backend);
    s->entered = false;
}

static lt_status fill_pipeline(struct speech *s, lt_error *error)
{
    while (s->waiting < LOOKAHEAD && !s->text_ended) {
        const struct text_chunk *chunk;
        double began = clock_seconds();
        lt_status status = text_stream_next(s->stream, &chunk, error);
        s->result.text_seconds += clock_seconds() - began;
        if (status == LT_OK && chunk != NULL)
            status = submit_chunk(s, chunk, error);
        if (status != LT_OK || chunk == NULL)
            end_text(s);
        if (status != LT_OK)
            return status;
    }
    return LT_OK;
}

/* ---- Taking samples back ---- */

static lt_status encode(struct speech *s, float *samples, size_t count, float volume, lt_error *error)
{
    if (count == 0)
        return LT_OK;
    double began = clock_seconds();
    volume_apply(samples, count, s->request->volume * volume);
    lt_status status = encoder_write(s->encoder, samples, count, error);
    s->result.encode_seconds += clock_seconds() - began;
    s->samples_written += count;
    if (s->result.first_audio_seconds == 0)
        s->result.first_audio_seconds = clock_seconds() - s->began;
    return status;
}

static lt_status encode_silence(struct speech *s, float seconds, lt_error *error)
{
    float zeros[1024] = {0};
    size_t left = seconds > 0 ? (size_t)(seconds * LT_SAMPLE_RATE) : 0;
    lt_status status = LT_OK;
    while (left > 0 && status == LT_OK) {
        size_t n = left < 1024 ? left : 1024;
        status = cancelled(s) ? LT_ERR_CANCELLED : encode(s, zeros, n, 1, error);
        left -= n;
    }
    return status;
}

static void report_words(struct speech *s, const struct piece *piece, double offset)
{
    const struct utterance *u = &piece->job.utterance;
    struct str text = {0};
    for (size_t i = 0; s->request->word != NULL && i < u->word_count; i++) {
        const struct utterance_word *w = &u->words[i];
        if (w->start < 0)
            continue;
        str_clear(&text);
        str_append(&text, u->text + w->spoken_begin, w->spoken_end - w->spoken_begin);
        if (text.failed)
            break;
        s->request->word(s->request->user, &(lt_word){text.data, w->source_begin, w->source_end,
                                                      offset + (double)w->start, offset + (double)w->end});
    }
    str_free(&text);
}

/* Encodes one utterance's samples as they arrive, until it is done. */
static lt_status drain_job(struct speech *s, struct piece *piece, lt_error *error)
{
    double offset = (double)s->samples_written / LT_SAMPLE_RATE;
    for (bool done = false; !done;) {
        size_t count = job_take(&piece->job, POLL_SECONDS, &s->samples, &s->sample_capacity, &done);
        if (cancelled(s))
            return LT_ERR_CANCELLED;
        lt_status status = encode(s, s->samples, count, piece->volume, error);
        if (status != LT_OK)
            return status;
    }
    s->result.speech_seconds += piece->job.speech_seconds;
    const struct utterance *u = &piece->job.utterance;
    if (u->status != LT_OK)
        return error_set(error, u->status, "%s", u->error.message);
    report_words(s, piece, offset);
    return LT_OK;
}

static void release_piece(struct speech *s, struct piece *piece)
{
    if (piece->silent)
        return;
    job_close(&piece->job);
    registry_release(&s->engine->registry, &piece->voice);
}

static void report_progress(struct speech *s, uint64_t source_end)
{
    if (s->request->progress == NULL)
        return;
    lt_progress progress = {
        .text_bytes_done = source_end,
        .text_bytes_total = s->request->text != NULL ? s->request->text_bytes
                            : s->text_ended          ? text_stream_position(s->stream)
                                                     : 0,
        .audio_seconds = (double)s->samples_written / LT_SAMPLE_RATE,
        .work_seconds = clock_seconds() - s->began,
    };
    s->request->progress(s->request->user, &progress);
}

static lt_status finish_oldest(struct speech *s, lt_error *error)
{
    struct piece *piece = &s->pieces[s->oldest];
    lt_status status = piece->silent ? LT_OK : drain_job(s, piece, error);
    if (status != LT_OK)
        return status; /* the piece stays in the ring: stop_pipeline takes it back */
    uint64_t source_end = piece->source_end;
    float pause = piece->pause_seconds;
    release_piece(s, piece);
    s->oldest = (s->oldest + 1) % LOOKAHEAD;
    s->waiting--;
    s->result.chunks++;
    status = encode_silence(s, pause, error);
    if (status == LT_OK) {
        double began = clock_seconds();
        status = encoder_flush(s->encoder, error);
        s->result.encode_seconds += clock_seconds() - began;
    }
    if (status == LT_OK)
        report_progress(s, source_end);
    return status;
}

static void stop_pipeline(struct speech *s)
{
    atomic_store(&s->stop, true);
    for (; s->waiting > 0; s->waiting--, s->oldest = (s->oldest + 1) % LOOKAHEAD) {
        struct piece *piece = &s->pieces[s->oldest];
        if (!piece->silent)
            scheduler_withdraw(s->engine->scheduler, &piece->job);
        release_piece(s, piece);
    }
}

/* Speaks everything. A fault of the text does not cost the chunks before it: they are finished first. */
static lt_status run_pipeline(struct speech *s, lt_error *error)
{
    lt_status text_status = LT_OK, status = LT_OK;
    lt_error text_error;
    while (status == LT_OK) {
        if (cancelled(s))
            status = LT_ERR_CANCELLED;
        else if (text_status == LT_OK && (text_status = fill_pipeline(s, &text_error)) != LT_OK &&
                 s->waiting == 0)
            break;
        else if (s->waiting == 0)
            break;
        else
            status = finish_oldest(s, error);
    }
    stop_pipeline(s);
    if (status == LT_OK && text_status != LT_OK)
        status = error_set(error, text_status, "%s", text_error.message);
    return status;
}

/* ---- The request ---- */

void lt_request_init(lt_request *request)
{
    *request = (lt_request){.text_bytes = SIZE_MAX, .speed = 1, .volume = 1};
}

static lt_status check_request(const lt_engine *engine, const lt_request *r, lt_error *error)
{
    if (engine == NULL || r == NULL)
        return error_set(error, LT_ERR_ARGUMENT, "lt_speak needs an engine and a request, not NULL");
    if (r->write == NULL)
        return error_set(error, LT_ERR_ARGUMENT, "the request has no write callback to receive the audio");
    if (r->text == NULL && r->read == NULL)
        return error_set(error, LT_ERR_ARGUMENT, "the request has neither text nor a read callback");
    if (!(r->speed >= 0.25f && r->speed <= 4))
        return error_set(error, LT_ERR_ARGUMENT, "speed must be from 0.25 to 4, not %g", (double)r->speed);
    if (!(r->volume >= 0 && r->volume <= 4))
        return error_set(error, LT_ERR_ARGUMENT, "volume must be from 0 to 4, not %g", (double)r->volume);
    if ((unsigned)r->format >= LT_FORMAT_COUNT)
        return error_set(error, LT_ERR_FORMAT, "there is no audio format number %d", (int)r->format);
    if ((unsigned)r->input > LT_INPUT_SSML)
        return error_set(error, LT_ERR_ARGUMENT, "there is no input kind number %d", (int)r->input);
    return LT_OK;
}

static lt_status open_speech(struct speech *s, lt_error *error)
{
    lt_status status = registry_find(&s->engine->registry, s->request->voice, &s->voice, error);
    if (status != LT_OK)
        return status;
    scheduler_enter(s->engine->scheduler, s->voice.backend);
    s->entered = true;
    const struct backend_type *type = s->engine->registry.backends[s->voice.backend].type;
    if (s->request->input == LT_INPUT_PHONEMES && !type->wants_phonemes)
        return error_set(error, LT_ERR_UNSUPPORTED,
                         "the %s voices speak text, not phonemes: choose a Kokoro voice ('litetts pull "
                         "kokoro' fetches them)",
                         type->name);
    struct text_options options = {
        .input = s->request->input,
        .phonemes = type->wants_phonemes,
        .max_symbols = type->max_symbols,
        .first_symbols = FIRST_SYMBOLS,
        .language = s->voice.language,
    };
    status = text_stream_open(s->engine->frontend, &options, read_source, s, &s->stream, error);
    if (status != LT_OK)
        return status;
    struct sink sink = {
        .write = write_bytes, .rewrite = s->request->rewrite != NULL ? rewrite_bytes : NULL, .user = s};
    return encoder_open(s->request->format, s->engine->config, &sink, &s->encoder, error);
}

static void close_speech(struct speech *s)
{
    end_text(s);
    encoder_close(s->encoder);
    text_stream_close(s->stream);
    registry_release(&s->engine->registry, &s->voice);
    for (int i = 0; i < LOOKAHEAD; i++) {
        str_free(&s->pieces[i].text);
        str_free(&s->pieces[i].phonemes);
        free(s->pieces[i].words);
    }
    free(s->samples);
}

static void fill_result(struct speech *s)
{
    s->result.audio_seconds = (double)s->samples_written / LT_SAMPLE_RATE;
    s->result.wall_seconds = clock_seconds() - s->began;
    s->result.text_bytes = s->stream != NULL ? text_stream_position(s->stream) : 0;
    s->result.peak_memory_bytes = memory_peak_bytes();
}

lt_status lt_speak(lt_engine *engine, const lt_request *request, lt_result *result, lt_error *error)
{
    lt_error ignored;
    if (error == NULL)
        error = &ignored;
    error_none(error);
    if (result != NULL)
        *result = (lt_result){0};
    lt_status status = check_request(engine, request, error);
    if (status != LT_OK)
        return status;
    lt_request r = *request;
    if (r.text != NULL && r.text_bytes == SIZE_MAX)
        r.text_bytes = strlen(r.text);
    struct speech s = {.engine = engine, .request = &r, .voice = {.backend = -1}, .began = clock_seconds()};
    status = open_speech(&s, error);
    if (status == LT_OK) {
        status = run_pipeline(&s, error);
        /* also after a cancel or a fault: what has been written becomes a whole, shorter file */
        lt_error fault;
        lt_status finished = s.write_refused ? LT_ERR_CANCELLED : encoder_finish(s.encoder, &fault);
        if (status == LT_OK && finished != LT_OK && !s.write_refused)
            status = error_set(error, finished, "%s", fault.message);
        if (s.write_refused)
            status = error_set(error, LT_ERR_CANCELLED, "stopped: the receiver of the audio wanted no more");
        else if (status == LT_ERR_CANCELLED)
            error_set(error, status, "stopped before the end of the text");
    }
    fill_result(&s);
    close_speech(&s);
    if (result != NULL)
        *result = s.result;
    return status;
}
