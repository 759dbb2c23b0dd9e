/* speak.c: lt_speak: one request from text to encoded bytes.
 *
 * The calling thread does everything but the speech itself: it pulls chunks from the text stream, keeps a
 * few of them with the scheduler (LOOKAHEAD, so that the backend never waits for encoding or for a slow
 * caller, and memory stays bounded), and takes samples back in order: volume, encoder, the caller's write.
 * Samples are passed on while their utterance is still being spoken. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/ambience.h"
#include "audio/encoder.h"
#include "audio/volume.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "engine/clip_key.h"
#include "engine/engine.h"
#include "engine/piece.h"
#include "engine/recording.h"
#include "engine/request_text.h"

/* Estimates of what a request takes beyond its samples (text window, chunks, encoder), of what is recorded
 * of it beyond them (headers, pauses), and of the samples of a character or phoneme at speed 1: a tenth of
 * a second, more than most take, since a growing buffer has spare room. */
enum {
    REQUEST_BYTES = 256 * 1024,
    RECORDING_BYTES = 64 * 1024,
    SYMBOL_BYTES = LT_SAMPLE_RATE / 10 * (int)sizeof(int16_t)
};

enum { LOOKAHEAD = 2, FIRST_SYMBOLS = 60, READ_SAMPLES = 4096 };

/* How often a waiting request looks at its cancel switch: a switch that a signal handler may set cannot
 * wake it. */
static const double POLL_SECONDS = 0.02;

struct speech {
    lt_engine *engine;
    const lt_request *request;
    struct request_text text;
    struct voice_ref voice; /* the request's own */
    struct text_stream *stream;
    struct encoder *encoder;
    struct ambience ambience;       /* what sounds under the piece that is being written */
    struct piece pieces[LOOKAHEAD]; /* a ring: `waiting` of them, the oldest at `oldest` */
    int oldest, waiting;
    struct reservation reservation;
    bool text_ended, first_piece_submitted;
    bool entered; /* counted by the scheduler as a request that may submit more */
    uint64_t samples_written;
    double began;
    bool write_refused;
    struct recording recording;
    lt_result result;
};

/* ---- The caller's side ---- */

static bool write_bytes(void *user, const void *bytes, size_t size)
{
    struct speech *s = user;
    s->result.bytes_written += size;
    recording_write(&s->recording, bytes, size);
    if (!s->write_refused && !s->request->write(s->request->user, bytes, size))
        s->write_refused = true;
    return !s->write_refused;
}

static bool rewrite_bytes(void *user, uint64_t offset, const void *bytes, size_t size)
{
    struct speech *s = user;
    recording_rewrite(&s->recording, offset, bytes, size);
    return s->request->rewrite(s->request->user, offset, bytes, size);
}

static bool cancelled(struct speech *s)
{
    return s->request->cancel != NULL && lt_cancel_fired(s->request->cancel);
}

/* What ends a wait for memory; NULL: nothing. */
static const atomic_bool *cancel_flag(const lt_request *request)
{
    return request->cancel != NULL ? &request->cancel->fired : NULL;
}

/* ---- Sending chunks to the scheduler ---- */

/* Whether there is nothing for the backend: words without phonemes say nothing to one that reads those. */
static bool is_silent(const struct text_chunk *chunk)
{
    const char *spoken = chunk->phonemes != NULL ? chunk->phonemes : chunk->text;
    return spoken[strspn(spoken, " ")] == '\0';
}

/* The voice of a piece: a mark in the text, or the request's. Both must be of one kind of backend, because
 * the text was prepared for it. */
static lt_status piece_voice(struct speech *s, const struct piece *piece, struct voice_ref *voice,
                             lt_error *error)
{
    const char *name = piece->voice.length > 0 ? piece->voice.data : s->request->voice;
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

static float within(float value, float least, float most)
{
    return value < least ? least : value > most ? most : value;
}

/* Has a clip spoken that nobody has. Takes the voice over on success. */
static bool submit_job(struct speech *s, struct clip *clip, const struct utterance *utterance,
                       const struct voice_ref *voice)
{
    clip->job = job_new(clip, utterance, &s->engine->registry, voice, !s->first_piece_submitted /* urgent */);
    if (clip->job == NULL) {
        lt_error fault;
        error_memory(&fault, "an utterance");
        clip_finish(clip, LT_ERR_MEMORY, &fault, 0); /* also for others who wait for it by now */
        return false;
    }
    scheduler_submit(s->engine->scheduler, clip->job);
    return true;
}

/* Sees to it that the memory budget has what the backend takes for an utterance: marks in the text, and
 * numbers, may make it longer than the request's text let expect. */
static lt_status reserve_working(struct speech *s, const struct utterance *utterance, lt_error *error)
{
    const struct registry_backend *backend = &s->engine->registry.backends[s->voice.backend];
    if (backend->type->working == NULL)
        return LT_OK;
    const char *spoken = backend->type->wants_phonemes ? utterance->phonemes : utterance->text;
    uint64_t working =
        backend->type->working(backend->backend, utf8_count(spoken, strlen(spoken)), utterance->speed);
    s->reservation.begun = s->result.bytes_written > 0;
    return budget_raise_working(s->engine->budget, &s->reservation, working, cancel_flag(s->request), error);
}

/* Fetches a clip from a level below memory. */
static bool load_clip(struct speech *s, struct clip *clip)
{
    bool loaded = store_load(s->engine->store, clip);
    if (loaded)
        clip_finish(clip, LT_OK, NULL, 0);
    return loaded;
}

/* Gets the clip of a piece: one that is there, or that another request has spoken, or a new one. */
static lt_status take_clip(struct speech *s, struct piece *piece, lt_error *error)
{
    struct cache *cache = s->engine->cache;
    struct voice_ref voice;
    lt_status status = piece_voice(s, piece, &voice, error);
    if (status != LT_OK)
        return status;
    const struct utterance utterance = {
        .text = piece->text.data,
        .phonemes = piece->phonemes.length > 0 ? piece->phonemes.data : NULL,
        .words = piece->words,
        .word_count = piece->word_count,
        .voice = voice.voice,
        .speed = within(s->request->speed * piece->rate, 0.25f, 4.0f),
        .pitch = piece->pitch,
        .pitch_hertz = piece->pitch_hertz,
        .seed = s->request->seed,
    };
    status = reserve_working(s, &utterance, error);
    if (status != LT_OK) {
        registry_release(&s->engine->registry, &voice);
        return status;
    }
    struct cache_key key;
    const bool keyed = clip_key_make(&s->engine->registry, &voice, &utterance, &key);
    enum cache_found found;
    piece->clip = cache_take(cache, keyed ? &key : NULL, piece->word_count, &found);
    if (piece->clip == NULL)
        status = error_memory(error, "an utterance");
    else
        piece->found = found != CACHE_MISS || (keyed && load_clip(s, piece->clip));
    if (piece->clip == NULL || piece->found || !submit_job(s, piece->clip, &utterance, &voice))
        registry_release(&s->engine->registry, &voice);
    return status;
}

static lt_status submit_chunk(struct speech *s, const struct text_chunk *chunk, lt_error *error)
{
    struct piece *piece = &s->pieces[(s->oldest + s->waiting) % LOOKAHEAD];
    lt_status status = piece_set(piece, chunk, error);
    if (status == LT_OK && !is_silent(chunk)) {
        status = take_clip(s, piece, error);
        s->first_piece_submitted = true;
    }
    if (status == LT_OK)
        s->waiting++;
    return status;
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

/* A number for a stream, the same for the same request; 0 for one whose text is not there yet. */
static uint32_t serial_of(const struct speech *s)
{
    struct cache_key key;
    uint32_t serial = 0;
    if (s->request->text != NULL &&
        answer_key_make(&s->engine->registry, &s->voice, 0, s->request, s->text.size, &key))
        memcpy(&serial, key.bytes, sizeof serial);
    return serial;
}

/* Only when there is something to encode, because a header may go out at once: a request that fails before
 * that has written nothing. */
static lt_status need_encoder(struct speech *s, lt_error *error)
{
    if (s->encoder != NULL)
        return LT_OK;
    struct sink sink = {.write = write_bytes,
                        .rewrite = s->request->rewrite != NULL ? rewrite_bytes : NULL,
                        .user = s,
                        .serial = s->request->format == LT_FORMAT_OPUS ? serial_of(s) : 0};
    return encoder_open(s->request->format, s->engine->config, &sink, &s->encoder, error);
}

static lt_status encode(struct speech *s, float *samples, size_t count, float volume, lt_error *error)
{
    if (count == 0)
        return LT_OK;
    lt_status status = need_encoder(s, error);
    if (status != LT_OK)
        return status;
    double began = clock_seconds();
    if (ambience_sounds(&s->ambience)) {
        volume_apply(samples, count, volume);
        ambience_mix(&s->ambience, samples, count);
        volume_limit(samples, count);
        volume = 1;
    }
    volume_apply(samples, count, s->request->volume * volume);
    status = encoder_write(s->encoder, samples, count, error);
    s->result.encode_seconds += clock_seconds() - began;
    s->samples_written += count;
    if (s->result.first_audio_seconds == 0)
        s->result.first_audio_seconds = clock_seconds() - s->began;
    return status;
}

static lt_status encode_silence(struct speech *s, float seconds, lt_error *error)
{
    size_t left = seconds > 0 ? (size_t)(seconds * LT_SAMPLE_RATE) : 0;
    lt_status status = LT_OK;
    while (left > 0 && status == LT_OK) {
        float samples[1024] = {0}; /* afresh: encode() adds the background */
        size_t n = left < 1024 ? left : 1024;
        status = cancelled(s) ? LT_ERR_CANCELLED : encode(s, samples, n, 1, error);
        left -= n;
    }
    return status;
}

static lt_status report_words(struct speech *s, const struct piece *piece, double offset, lt_error *error)
{
    lt_status status = LT_OK;
    struct str text = {0};
    for (size_t i = 0; s->request->word != NULL && i < piece->word_count; i++) {
        const struct utterance_word *w = &piece->words[i];
        const struct clip_time *time = &piece->clip->times[i]; /* constant, since the clip is done */
        if (time->start < 0)
            continue;
        str_clear(&text);
        str_append(&text, piece->text.data + w->spoken_begin, w->spoken_end - w->spoken_begin);
        if (text.failed) {
            status = error_memory(error, "a word");
            break;
        }
        s->request->word(s->request->user,
                         &(lt_word){text.data, w->source_begin, w->source_end, offset + (double)time->start,
                                    offset + (double)time->end});
    }
    str_free(&text);
    return status;
}

/* Encodes one utterance's samples as they arrive, until it is done. *too_long: the backend had not the
 * memory for it, and there is none of it. */
static lt_status drain_clip(struct speech *s, struct piece *piece, bool *too_long, lt_error *error)
{
    struct clip *clip = piece->clip;
    double offset = (double)s->samples_written / LT_SAMPLE_RATE;
    size_t at = 0;
    *too_long = false;
    for (bool done = false; !done;) {
        float samples[READ_SAMPLES];
        size_t count = clip_read(clip, POLL_SECONDS, at, samples, READ_SAMPLES, &done);
        if (cancelled(s))
            return LT_ERR_CANCELLED;
        lt_status status = encode(s, samples, count, piece->volume, error);
        if (status != LT_OK)
            return status;
        at += count;
    }
    *too_long = clip->status == LT_ERR_MEMORY && at == 0;
    if (!piece->found)
        s->result.speech_seconds += clip->speech_seconds;
    if (clip->status != LT_OK)
        return error_set(error, clip->status, "%s", clip->error.message);
    if (piece->found)
        s->result.chunks_cached++;
    if (!piece->found)
        store_save(s->engine->store, clip);
    return report_words(s, piece, offset, error);
}

static void release_piece(struct speech *s, struct piece *piece)
{
    struct clip *clip = piece->clip;
    piece->clip = NULL;
    if (clip == NULL || !cache_release(s->engine->cache, clip))
        return;
    /* unfinished, and nobody else wants it */
    atomic_store(&clip->job->stop, true);
    scheduler_withdraw(s->engine->scheduler, clip->job);
    job_free(clip->job);
    clip_free(clip);
}

static lt_status drain_halves(struct speech *s, const struct piece *piece, size_t middle, lt_error *error);

/* Encodes a piece. One that is spoken so slowly that it needs more memory than its symbols let expect is
 * cut in two, and so on: nine times make one symbol of the most that there may be. */
static lt_status drain_piece(struct speech *s, struct piece *piece, lt_error *error)
{
    bool too_long;
    lt_status status = drain_clip(s, piece, &too_long, error);
    size_t middle = too_long ? piece_middle(piece) : 0;
    return middle > 0 ? drain_halves(s, piece, middle, error) : status;
}

static lt_status drain_halves(struct speech *s, const struct piece *piece, size_t middle, lt_error *error)
{
    struct piece halves[2];
    lt_status status = piece_cut(piece, middle, halves, error);
    for (int i = 0; i < 2 && status == LT_OK; i++)
        status = take_clip(s, &halves[i], error);
    for (int i = 0; i < 2 && status == LT_OK; i++)
        status = drain_piece(s, &halves[i], error);
    s->result.chunks++; /* one more than was counted on */
    for (int i = 0; i < 2; i++) {
        release_piece(s, &halves[i]);
        piece_free(&halves[i]);
    }
    return status;
}

static void report_progress(struct speech *s, uint64_t source_end)
{
    if (s->request->progress == NULL)
        return;
    lt_progress progress = {
        .text_bytes_done = source_end,
        .text_bytes_total = s->request->text != NULL ? s->text.size
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
    ambience_set(&s->ambience, piece->background, piece->background_volume);
    lt_status status = piece->clip == NULL ? LT_OK : drain_piece(s, piece, error);
    if (status != LT_OK)
        return status; /* the piece stays in the ring: stop_pipeline takes it back */
    uint64_t source_end = piece->source_end;
    float pause = piece->pause_seconds;
    release_piece(s, piece);
    s->oldest = (s->oldest + 1) % LOOKAHEAD;
    s->waiting--;
    s->result.chunks++;
    status = encode_silence(s, pause, error);
    if (status == LT_OK && s->encoder != NULL) {
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
    for (; s->waiting > 0; s->waiting--, s->oldest = (s->oldest + 1) % LOOKAHEAD)
        release_piece(s, &s->pieces[s->oldest]);
}

/* A background that sounds to the end must not break off. */
static lt_status fade_out(struct speech *s, lt_error *error)
{
    bool sounds = ambience_sounds(&s->ambience);
    ambience_set(&s->ambience, AMBIENCE_KINDS, 0);
    return sounds ? encode_silence(s, (float)AMBIENCE_FADE_SAMPLES / LT_SAMPLE_RATE, error) : LT_OK;
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
    if (status == LT_OK)
        status = fade_out(s, error);
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

/* Bytes that the samples of so many characters or phonemes take, at most. */
static uint64_t sample_bytes(const struct speech *s, uint64_t symbols)
{
    return (uint64_t)((double)(symbols * SYMBOL_BYTES) / (double)s->request->speed);
}

/* Reserves what the request will hold at most: two chunks of its text, or all of it when it is shorter. */
static lt_status reserve_memory(struct speech *s, size_t max_symbols, lt_error *error)
{
    const lt_request *r = s->request;
    const struct registry_backend *backend = &s->engine->registry.backends[s->voice.backend];
    uint64_t most = r->text != NULL && r->input == LT_INPUT_TEXT ? s->text.size : UINT64_MAX;
    uint64_t waiting = LOOKAHEAD * (uint64_t)max_symbols;
    size_t longest = most < max_symbols ? (size_t)most : max_symbols;
    s->reservation = (struct reservation){
        .bytes = REQUEST_BYTES + sample_bytes(s, most < waiting ? most : waiting),
        .backend = s->voice.backend,
        .working =
            backend->type->working == NULL ? 0 : backend->type->working(backend->backend, longest, r->speed),
    };
    return budget_reserve(s->engine->budget, &s->reservation, cancel_flag(r), error);
}

static lt_status open_speech(struct speech *s, lt_error *error)
{
    const struct registry_backend *backend = &s->engine->registry.backends[s->voice.backend];
    const struct backend_type *type = backend->type;
    const size_t fitting =
        type->longest == NULL ? SIZE_MAX : type->longest(backend->backend, s->request->speed);
    const size_t max_symbols = fitting < type->max_symbols ? fitting : type->max_symbols;
    lt_status status = reserve_memory(s, max_symbols, error);
    if (status != LT_OK)
        return status;
    scheduler_enter(s->engine->scheduler, s->voice.backend);
    s->entered = true;
    if (s->request->input == LT_INPUT_PHONEMES && !type->wants_phonemes)
        return error_set(error, LT_ERR_UNSUPPORTED,
                         "the %s voices speak text, not phonemes: choose a Kokoro voice ('litetts pull "
                         "kokoro' fetches them)",
                         type->name);
    struct text_options options = {
        .input = s->request->input,
        .phonemes = type->wants_phonemes,
        .max_symbols = max_symbols,
        .fitting_symbols = fitting,
        .first_symbols = FIRST_SYMBOLS,
        .language = s->voice.language,
        .on = s->request->text_on,
        .off = s->request->text_off,
    };
    recording_begin(&s->recording, s->engine, &s->reservation,
                    RECORDING_BYTES + sample_bytes(s, s->text.size));
    return text_stream_open(s->engine->frontend, &options, request_text_read, &s->text, &s->stream, error);
}

static void close_speech(struct speech *s)
{
    end_text(s);
    encoder_close(s->encoder);
    text_stream_close(s->stream);
    registry_release(&s->engine->registry, &s->voice);
    for (int i = 0; i < LOOKAHEAD; i++)
        piece_free(&s->pieces[i]);
    recording_close(&s->recording);
    budget_release(s->engine->budget, &s->reservation);
}

static lt_status stopped_by_receiver(lt_error *error)
{
    return error_set(error, LT_ERR_CANCELLED, "stopped: the receiver of the audio wanted no more");
}

/* Also after a cancel or a fault: what has been written becomes a whole, shorter file. */
static lt_status finish_file(struct speech *s, lt_status status, lt_error *error)
{
    if (s->write_refused)
        return stopped_by_receiver(error);
    if (s->encoder == NULL && status != LT_OK && status != LT_ERR_CANCELLED)
        return status;
    lt_error fault;
    lt_status finished = need_encoder(s, &fault);
    if (finished == LT_OK)
        finished = encoder_finish(s->encoder, &fault);
    if (s->write_refused)
        return stopped_by_receiver(error);
    if (status == LT_OK && finished != LT_OK)
        return error_set(error, finished, "%s", fault.message);
    if (status == LT_ERR_CANCELLED)
        error_set(error, status, "stopped before the end of the text");
    return status;
}

/* Writes what was kept of the same request. */
static lt_status repeat(struct speech *s, struct answer *answer, lt_error *error)
{
    enum { PIECE = 64 * 1024 };
    lt_status status = LT_OK;
    s->result.text_bytes = answer->text_bytes;
    s->result.audio_seconds = answer->audio_seconds;
    s->result.chunks = s->result.chunks_cached = answer->chunks;
    for (size_t at = 0; at < answer->size && status == LT_OK; at += PIECE) {
        size_t left = answer->size - at;
        if (cancelled(s))
            status = error_set(error, LT_ERR_CANCELLED, "stopped before the end of the text");
        else if (!write_bytes(s, answer->bytes + at, left < PIECE ? left : PIECE))
            status = stopped_by_receiver(error);
        else if (at == 0 && answer->audio_seconds > 0)
            s->result.first_audio_seconds = clock_seconds() - s->began;
    }
    cache_let_go(s->engine->cache, &answer->entry);
    return status;
}

static lt_status speak(struct speech *s, lt_error *error)
{
    const lt_request *r = s->request;
    lt_engine *engine = s->engine;
    lt_status status = registry_find(&engine->registry, r->voice, &s->voice, error);
    if (status != LT_OK)
        return status;
    struct answer *kept = recording_find(&s->recording, engine, r, s->text.size, &s->voice);
    if (kept != NULL)
        return repeat(s, kept, error);
    status = open_speech(s, error);
    if (status == LT_OK)
        status = finish_file(s, run_pipeline(s, error), error);
    s->result.audio_seconds = (double)s->samples_written / LT_SAMPLE_RATE;
    s->result.text_bytes = s->stream != NULL ? text_stream_position(s->stream) : 0;
    if (status == LT_OK)
        recording_keep(&s->recording, engine, r, &s->voice, &s->result);
    return status;
}

static void count_request(lt_engine *engine, lt_status status, const lt_result *result)
{
    stats_end(&engine->stats, status, result);
    if (stats_leak_due(&engine->stats))
        engine_sample_memory(engine);
}

static void count_refused(lt_engine *engine, lt_status status)
{
    stats_begin(&engine->stats);
    count_request(engine, status, &(lt_result){0});
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
    if (status != LT_OK) {
        if (engine != NULL)
            count_refused(engine, status);
        return status;
    }
    struct speech s = {.engine = engine,
                       .request = request,
                       .text = request_text_of(request),
                       .voice = {.backend = -1},
                       .began = clock_seconds()};
    ambience_init(&s.ambience, request->seed);
    stats_begin(&engine->stats);
    status = speak(&s, error);
    close_speech(&s);
    s.result.wall_seconds = clock_seconds() - s.began;
    s.result.peak_memory_bytes = memory_peak_bytes();
    count_request(engine, status, &s.result);
    if (status == LT_OK)
        warm_learn(engine->warm, request, s.text.size);
    if (result != NULL)
        *result = s.result;
    return status;
}
