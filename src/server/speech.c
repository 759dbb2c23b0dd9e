/* speech.c: speaks a request on a worker thread and sends the audio as it is made.
 *
 * The worker's write callback fills a ring, libmicrohttpd's content reader empties it. The worker waits
 * when the ring is full (and lends its place in the pool meanwhile); the connection is suspended while the
 * ring is empty. An answer that is not to be streamed goes to an unnamed temporary file first, so that its
 * length can be told and long speech does not fill the memory. */
#include "server/speech.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/utf8.h"
#include "server/http.h"
#include "server/reply.h"
#include "server/watch.h"
#include "text/symbols.h"

enum {
    RING_BYTES = 256 * 1024, /* some 20 s of MP3, 5 s of PCM */
    /* The answer begins when this much is there: more than any format's header, less than any sentence;
     * until then an error still becomes a status of its own. */
    START_BYTES = 1024,
    EVENT_BYTES = 12 * 1024, /* audio in one server-sent event, at most; a multiple of 3 */
    LONG_CHARACTERS = 1000   /* a text of more, about a minute of speech, makes a long job */
};

/* ---- The worker's side ---- */

/* Lets the HTTP thread go on with the exchange. The lock is held. */
static void wake(struct exchange *x)
{
    if (x->suspended) {
        x->suspended = false;
        MHD_resume_connection(x->http);
    }
}

/* Waits until the ring is half empty; false when the client has gone. The lock is held, but not meanwhile. */
static bool wait_for_room(struct exchange *x)
{
    struct speech *speech = &x->speech;
    pthread_mutex_unlock(&x->lock);
    pool_pause(x->server->pool, &speech->job);
    pthread_mutex_lock(&x->lock);
    while (speech->ring_used > RING_BYTES / 2 && !x->gone)
        pthread_cond_wait(&speech->room, &x->lock);
    bool gone = x->gone;
    pthread_mutex_unlock(&x->lock);
    pool_continue(x->server->pool, &speech->job);
    pthread_mutex_lock(&x->lock);
    return !gone;
}

static bool write_ring(void *user, const void *bytes, size_t size)
{
    struct exchange *x = user;
    struct speech *speech = &x->speech;
    const char *from = bytes;
    pthread_mutex_lock(&x->lock);
    bool there = !x->gone;
    while (size > 0 && there) {
        if (speech->ring_used == RING_BYTES) {
            there = wait_for_room(x);
            continue;
        }
        size_t end = (speech->ring_begin + speech->ring_used) % RING_BYTES;
        size_t room = end < speech->ring_begin ? speech->ring_begin - end : RING_BYTES - end;
        size_t n = size < room ? size : room;
        memcpy(speech->ring + end, from, n);
        speech->ring_used += n;
        from += n;
        size -= n;
        if (speech->answering || speech->ring_used >= START_BYTES)
            wake(x);
    }
    pthread_mutex_unlock(&x->lock);
    return there;
}

static bool write_at(struct exchange *x, uint64_t offset, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = pwrite(x->speech.file, bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            x->speech.file_error = errno;
            log_event(LOG_ERROR, x->id, "cannot write to the temporary file", "reason=%m");
            return false;
        }
        bytes += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_file(void *user, const void *bytes, size_t size)
{
    struct exchange *x = user;
    bool written = write_at(x, x->speech.file_size, bytes, size);
    x->speech.file_size += size;
    return written;
}

static bool rewrite_file(void *user, uint64_t offset, const void *bytes, size_t size)
{
    return write_at(user, offset, bytes, size);
}

/* ---- Audio with captions ---- */

static bool has_captions(const struct exchange *x)
{
    return x->speech.request.kind == REQUEST_CAPTIONED_SPEECH;
}

static void note_word(void *user, const lt_word *word)
{
    struct exchange *x = user;
    struct speech *speech = &x->speech;
    captions_word(&speech->captions, word);
    const uint64_t room = 2 * speech->captions.words.length; /* that a growing string may take */
    if (room <= speech->captions_held)
        return;
    if (http_hold(x, room - speech->captions_held))
        speech->captions_held = room;
    else
        speech->captions.words.failed = true;
}

static bool write_caption(void *user, const void *bytes, size_t size)
{
    struct exchange *x = user;
    struct captions *captions = &x->speech.captions;
    return !captions->words.failed && captions_audio(captions, bytes, size);
}

/* A failure shows at the next audio, or at the end. */
static void end_caption(void *user, const lt_progress *progress)
{
    struct exchange *x = user;
    (void)progress;
    captions_end_piece(&x->speech.captions);
}

/* Has the audio of a request wrapped in JSON, with the times of its words. */
static void ask_for_captions(struct exchange *x, lt_request *request)
{
    const struct speech_request *asked = &x->speech.request;
    x->speech.captions = (struct captions){
        .mime = lt_format_mime(asked->format), .put = asked->stream ? write_ring : NULL, .user = x};
    request->word = asked->timestamps ? note_word : NULL;
    if (asked->stream) {
        request->write = write_caption;
        request->progress = end_caption;
    }
}

/* Ends the captions of a request that ended with `status`; returns how it ended with them. */
static lt_status end_captions(struct exchange *x, lt_status status)
{
    struct captions *captions = &x->speech.captions;
    if (status == LT_OK && !captions_end(captions) && !captions->words.failed)
        return error_set(&x->speech.error, LT_ERR_CANCELLED, "stopped: the client has gone");
    return captions->words.failed ? error_memory(&x->speech.error, "the times of the words") : status;
}

/* ---- What a worker does ---- */

static bool write_text(void *user, const void *bytes, size_t size)
{
    struct exchange *x = user;
    struct str *spelled = &x->speech.spelled;
    if (http_hold(x, 2 * size)) /* as it is, and as the answer that waits for its client */
        str_append(spelled, bytes, size);
    else
        spelled->failed = true;
    return !spelled->failed;
}

/* The text of an exchange and how it is to be read, as the engine takes it. */
static lt_request request_of(struct exchange *x)
{
    const struct speech_request *asked = &x->speech.request;
    lt_request request;
    lt_request_init(&request);
    request.text = asked->text;
    request.text_bytes = asked->text_bytes;
    request.input = asked->input;
    request.text_on = asked->text_on;
    request.text_off = asked->text_off;
    request.cancel = x->speech.cancel;
    request.user = x;
    return request;
}

static lt_status spell_out(struct exchange *x)
{
    const struct speech_request *asked = &x->speech.request;
    lt_request request = request_of(x);
    request.write = write_text;
    lt_stage stage = asked->explain                    ? LT_STAGE_RECEIPT
                     : asked->kind == REQUEST_PHONEMES ? LT_STAGE_PHONEMES
                                                       : LT_STAGE_WORDS;
    str_puts(&x->speech.spelled, asked->explain ? "{\"words\":" : "");
    lt_status status = lt_spell_out(x->settings->engine, &request, stage, asked->language, &x->speech.error);
    str_puts(&x->speech.spelled, asked->explain ? "}" : "");
    return x->speech.spelled.failed ? error_memory(&x->speech.error, "the answer") : status;
}

static lt_status speak(struct exchange *x)
{
    const struct speech_request *asked = &x->speech.request;
    lt_request request = request_of(x);
    request.voice = asked->voice;
    request.speed = asked->speed;
    request.volume = asked->volume;
    request.format = asked->format;
    request.seed = asked->seed;
    request.write = asked->stream ? write_ring : write_file;
    request.rewrite = asked->stream ? NULL : rewrite_file;
    if (has_captions(x))
        ask_for_captions(x, &request);
    const double waited = clock_seconds() - x->speech.submitted;
    lt_status status = lt_speak(x->settings->engine, &request, &x->speech.result, &x->speech.error);
    if (x->speech.result.first_audio_seconds > 0)
        x->speech.result.first_audio_seconds += waited;
    if (has_captions(x))
        status = end_captions(x, status);
    if (x->speech.file_error == 0)
        return status;
    errno = x->speech.file_error; /* what lt_speak takes for a client that left */
    return error_errno(&x->speech.error, LT_ERR_IO,
                       "the server cannot write its temporary file; ask for a streamed answer");
}

static void run(struct pool_job *job)
{
    struct exchange *x = (struct exchange *)((char *)job - offsetof(struct exchange, speech.job));
    lt_status status = request_kind_is_text(x->speech.request.kind) ? spell_out(x) : speak(x);
    pthread_mutex_lock(&x->lock);
    x->speech.status = status;
    x->speech.ended = true;
    wake(x);
    pthread_mutex_unlock(&x->lock);
    http_release(x);
}

/* ---- The HTTP thread's side ---- */

/* Waits for the worker. The lock is held. */
static void suspend(struct exchange *x)
{
    x->suspended = true;
    MHD_suspend_connection(x->http);
}

/* Moves up to `size` bytes out of the ring. The lock is held. */
static size_t take(struct exchange *x, char *out, size_t size)
{
    struct speech *speech = &x->speech;
    size_t taken = 0;
    while (taken < size && speech->ring_used > 0) {
        size_t n = RING_BYTES - speech->ring_begin;
        n = n < speech->ring_used ? n : speech->ring_used;
        n = n < size - taken ? n : size - taken;
        memcpy(out + taken, speech->ring + speech->ring_begin, n);
        speech->ring_begin = (speech->ring_begin + n) % RING_BYTES;
        speech->ring_used -= n;
        taken += n;
    }
    if (taken > 0 && speech->ring_used <= RING_BYTES / 2)
        pthread_cond_signal(&speech->room);
    return taken;
}

/* Appends one server-sent event (https://html.spec.whatwg.org/#server-sent-events) with a JSON value,
 * released. */
static void put_event(struct str *out, json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    json_decref(value);
    if (text != NULL)
        str_printf(out, "data: %s\n\n", text);
    else
        out->failed = true;
    free(text);
}

/* The last event: how much was spoken, or why it ended early. We count a character as a token of input and
 * 50 ms of audio as one of output. */
static void put_last_event(struct exchange *x)
{
    struct speech *speech = &x->speech;
    json_int_t input = (json_int_t)speech->request.characters;
    json_int_t output = (json_int_t)ceil(speech->result.audio_seconds * 20);
    put_event(&speech->event,
              speech->status == LT_OK
                  ? json_pack("{s:s, s:{s:I, s:I, s:I}}", "type", "speech.audio.done", "usage",
                              "input_tokens", input, "output_tokens", output, "total_tokens", input + output)
                  : json_pack("{s:{s:s, s:s, s:n, s:s}}", "error", "message", speech->error.message, "type",
                              "server_error", "param", "code", lt_status_name(speech->status)));
    speech->finished = true;
}

/* Like take, but as events that carry the audio in base64 (OpenAI's "speech.audio.delta"). The lock is
 * held. */
static size_t take_events(struct exchange *x, char *out, size_t size)
{
    struct speech *speech = &x->speech;
    if (speech->event_sent == speech->event.length) {
        char audio[EVENT_BYTES];
        str_clear(&speech->event);
        speech->event_sent = 0;
        size_t n = take(x, audio, sizeof audio);
        if (n > 0) {
            str_puts(&speech->event, "data: {\"type\":\"speech.audio.delta\",\"audio\":\"");
            base64_encode(audio, n, &speech->event);
            str_puts(&speech->event, "\"}\n\n");
        } else if (speech->ended && !speech->finished) {
            put_last_event(x);
        }
        if (speech->event.failed)
            x->gone = true;
    }
    size_t n = speech->event.length - speech->event_sent;
    n = n < size ? n : size;
    if (n > 0)
        memcpy(out, speech->event.data + speech->event_sent, n);
    speech->event_sent += n;
    return n;
}

/* libmicrohttpd asks for the next bytes of a streamed answer. */
static ssize_t read_stream(void *user, uint64_t position, char *out, size_t size)
{
    struct exchange *x = user;
    (void)position;
    pthread_mutex_lock(&x->lock);
    size_t n = x->gone ? 0 : x->speech.request.events ? take_events(x, out, size) : take(x, out, size);
    ssize_t result = (ssize_t)n;
    if (x->gone) {
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (n == 0 && x->speech.ended) {
        /* an answer that breaks off must not look complete */
        result =
            x->speech.status == LT_OK ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (n == 0) {
        suspend(x);
    }
    pthread_mutex_unlock(&x->lock);
    atomic_fetch_add(&x->sent, n);
    /* to be asked again means that the client took what was there */
    http_set_phase(x, result == 0 ? PHASE_WORKING : PHASE_ANSWERING,
                   result == 0 ? INFINITY : x->settings->write_timeout);
    return result;
}

static ssize_t read_file(void *user, uint64_t position, char *out, size_t size)
{
    struct exchange *x = user;
    const struct speech *speech = &x->speech;
    ssize_t n = has_captions(x)
                    ? captions_read(&speech->captions, speech->file, speech->file_size, position, out, size)
                    : pread(speech->file, out, size, (off_t)position);
    if (n <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    atomic_fetch_add(&x->sent, (uint64_t)n);
    http_set_phase(x, PHASE_ANSWERING, x->settings->write_timeout);
    return n;
}

static enum MHD_Result answer_audio(struct exchange *x)
{
    enum { BLOCK = 16 * 1024 };
    const struct speech_request *request = &x->speech.request;
    const struct speech *speech = &x->speech;
    const uint64_t size = request->stream   ? MHD_SIZE_UNKNOWN
                          : has_captions(x) ? captions_length(&speech->captions, speech->file_size)
                                            : speech->file_size;
    struct MHD_Response *response =
        MHD_create_response_from_callback(size, BLOCK, request->stream ? read_stream : read_file, x, NULL);
    if (response == NULL)
        return MHD_NO;
    char disposition[64];
    snprintf(disposition, sizeof disposition, "attachment; filename=speech.%s",
             lt_format_name(request->format));
    MHD_add_response_header(response, "Cache-Control", "no-cache");
    MHD_add_response_header(response, "X-Accel-Buffering", "no"); /* or nginx would hold the stream back */
    if (request->events) {
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    } else if (has_captions(x)) {
        MHD_add_response_header(response, "Content-Type", "application/json");
    } else {
        MHD_add_response_header(response, "Content-Type", lt_format_mime(request->format));
        MHD_add_response_header(response, "Content-Disposition", disposition);
    }
    return reply_send(x, MHD_HTTP_OK, response);
}

/* The ids of phoneme symbols, as the model reads them; what it has no id for is left out. */
static json_t *symbol_ids(const char *phonemes, size_t size)
{
    json_t *ids = json_array();
    uint32_t symbol;
    for (size_t at = 0, n; (n = utf8_decode(phonemes + at, size - at, &symbol)) > 0; at += n) {
        uint8_t id = symbol_of(symbol);
        if (id != SYMBOL_NONE)
            json_array_append_new(ids, json_integer(id));
    }
    return ids;
}

/* {"phonemes", "tokens"} or {"text"}, or the receipt. */
static enum MHD_Result answer_text(struct exchange *x)
{
    struct str *spelled = &x->speech.spelled;
    if (x->speech.request.explain) /* JSON already; a tree of it would be many times as large */
        return reply_text(x, "application/json", spelled);
    bool phonemes = x->speech.request.kind == REQUEST_PHONEMES;
    size_t length = spelled->length > 0 ? spelled->length - 1 : 0; /* without the last line's end */
    for (size_t i = 0; phonemes && i < length; i++)
        if (spelled->data[i] == '\n') /* no symbol, while a space is one */
            spelled->data[i] = ' ';
    const char *text = length > 0 ? spelled->data : "";
    return reply_json(x, MHD_HTTP_OK,
                      phonemes ? json_pack("{s:o, s:o}", "phonemes", json_stringn(text, length), "tokens",
                                           symbol_ids(text, length))
                               : json_pack("{s:o}", "text", json_stringn(text, length)));
}

static enum MHD_Result answer_failure(struct exchange *x)
{
    static const struct {
        int status;
        const char *code, *param;
    } answers[] = {
        [LT_ERR_ARGUMENT] = {400, "invalid_value", NULL},
        [LT_ERR_TEXT] = {400, "invalid_value", NULL}, /* the field depends on the route */
        [LT_ERR_VOICE] = {400, "voice_not_found", "voice"},
        [LT_ERR_FORMAT] = {400, "invalid_value", "response_format"},
        [LT_ERR_UNSUPPORTED] = {400, "unsupported", NULL},
        [LT_ERR_MEMORY] = {503, "out_of_memory", NULL},
        [LT_ERR_BUSY] = {429, "rate_limit_exceeded", NULL},
        [LT_ERR_CANCELLED] = {503, "shutting_down", NULL},
        [LT_ERR_IO] = {500, "internal_error", NULL},
        [LT_ERR_INTERNAL] = {500, "internal_error", NULL},
    };
    lt_status status = x->speech.status;
    if ((size_t)status >= sizeof answers / sizeof answers[0] || answers[status].status == 0)
        status = LT_ERR_INTERNAL;
    struct api_error error;
    api_error_set(&error, answers[status].status, answers[status].code, answers[status].param, "%s",
                  x->speech.error.message);
    if (status == LT_ERR_TEXT)
        error.param = request_text_field(x->speech.request.kind);
    if (error.status == 429 || error.status == 503)
        error.retry_after = 1;
    return reply_error(x, &error);
}

enum MHD_Result speech_answer(struct exchange *x)
{
    struct speech *speech = &x->speech;
    pthread_mutex_lock(&x->lock);
    bool ended = speech->ended, gone = x->gone;
    size_t used = speech->ring_used;
    bool ready = ended || (speech->request.stream && used >= START_BYTES);
    speech->answering = ready;
    if (!ready && !gone)
        suspend(x);
    pthread_mutex_unlock(&x->lock);
    if (gone)
        return MHD_NO;
    if (!ready)
        return MHD_YES;
    if (ended && speech->status != LT_OK && (used == 0 || !speech->request.stream))
        return answer_failure(x);
    return request_kind_is_text(x->speech.request.kind) ? answer_text(x) : answer_audio(x);
}

/* An unnamed file in $TMPDIR or /tmp; -1 with errno set. */
static int temporary_file(void)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return file;
    struct str name = {0};
    str_printf(&name, "%s/litetts-XXXXXX", folder);
    file = name.failed ? -1 : mkostemp(name.data, O_CLOEXEC);
    if (file >= 0)
        unlink(name.data);
    str_free(&name);
    return file;
}

static char *take_ring(struct server *server)
{
    char *spare = atomic_exchange(&server->spare_ring, NULL);
    return spare != NULL ? spare : malloc(RING_BYTES);
}

static bool set_up(struct exchange *x, struct api_error *error)
{
    struct speech *speech = &x->speech;
    speech->cancel = lt_cancel_new();
    speech->ring = speech->request.stream ? take_ring(x->server) : NULL;
    if (speech->cancel == NULL || (speech->request.stream && speech->ring == NULL))
        return api_error_set(error, 503, "out_of_memory", NULL,
                             "The server is out of memory; try again later.");
    if (!speech->request.stream && !request_kind_is_text(x->speech.request.kind) &&
        (speech->file = temporary_file()) < 0)
        return api_error_set(error, 500, "internal_error", NULL,
                             "The server cannot make a temporary file (%m); ask for a streamed answer.");
    return true;
}

static bool submit(struct exchange *x, struct api_error *error)
{
    unsigned retry_after;
    if (atomic_load(&x->server->draining)) {
        api_error_set(error, 503, "shutting_down", NULL, "The server is shutting down; try again later.");
        error->retry_after = 1;
        return false;
    }
    const struct speech_request *request = &x->speech.request;
    x->speech.job.run = run;
    x->speech.job.is_long = request->characters > LONG_CHARACTERS && !request_kind_is_text(request->kind);
    x->speech.submitted = clock_seconds();
    x->stage = STAGE_SPEAKING;
    http_set_phase(x, PHASE_WORKING, INFINITY);
    pthread_mutex_lock(&x->lock); /* so that the worker cannot resume before this has suspended */
    atomic_fetch_add(&x->holders, 1);
    x->speaking = pool_submit(x->server->pool, &x->speech.job, &retry_after);
    if (x->speaking)
        suspend(x);
    pthread_mutex_unlock(&x->lock);
    if (x->speaking)
        return true;
    atomic_fetch_sub(&x->holders, 1);
    api_error_set(error, 429, "rate_limit_exceeded", NULL,
                  "The server is busy: every place in its queue is taken; try again in %u s.", retry_after);
    error->retry_after = retry_after;
    return false;
}

static enum MHD_Result begin(struct exchange *x, enum request_kind kind, bool always_stream)
{
    struct server *server = x->server;
    struct speech *speech = &x->speech;
    struct api_error error;
    lt_error fault;
    if (!request_parse(kind, x->body.data, x->body.length, &x->settings->limits, &speech->request, &error))
        return reply_error(x, &error);
    str_free(&x->body);
    if (always_stream || speech->request.events)
        speech->request.stream = true;
    if (!request_kind_is_text(x->speech.request.kind) &&
        lt_engine_check_voice(x->settings->engine, speech->request.voice, &fault) != LT_OK) {
        api_error_set(&error, 400, "voice_not_found", "voice", "%s", fault.message);
        return reply_error(x, &error);
    }
    if (!set_up(x, &error) || !submit(x, &error))
        return reply_error(x, &error);
    watch_add(server, x->connection);
    return MHD_YES;
}

enum MHD_Result speech_begin(struct exchange *x)
{
    return begin(x, REQUEST_SPEECH, false);
}

enum MHD_Result speech_begin_stream(struct exchange *x)
{
    return begin(x, REQUEST_SPEECH, true);
}

enum MHD_Result speech_begin_captioned(struct exchange *x)
{
    return begin(x, REQUEST_CAPTIONED_SPEECH, false);
}

enum MHD_Result speech_begin_phonemes(struct exchange *x)
{
    return begin(x, REQUEST_PHONEMES_SPEECH, false);
}

/* A GET names the fields in its query: makes the body that a POST would have. */
static enum MHD_Result begin_text(struct exchange *x, enum request_kind kind)
{
    static const char *const fields[] = {"text", "language"}, *const switches[] = {"explain", "ssml"};
    if (strcmp(x->method, "POST") == 0)
        return begin(x, kind, false);
    json_t *body = json_object();
    bool made = body != NULL;
    for (size_t i = 0; i < 2; i++) {
        const char *value = MHD_lookup_connection_value(x->http, MHD_GET_ARGUMENT_KIND, fields[i]);
        const char *on = MHD_lookup_connection_value(x->http, MHD_GET_ARGUMENT_KIND, switches[i]);
        if (value != NULL)
            made = made && json_object_set_new(body, fields[i], json_string(value)) == 0;
        json_object_set_new(body, switches[i],
                            json_boolean(on != NULL && (strcmp(on, "true") == 0 || strcmp(on, "1") == 0)));
    }
    char *text = made ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (text == NULL) {
        struct api_error error;
        api_error_set(&error, 400, "invalid_value", NULL, "The query of the request is not UTF-8.");
        return reply_error(x, &error);
    }
    str_puts(&x->body, text);
    free(text);
    return begin(x, kind, false);
}

enum MHD_Result speech_phonemize(struct exchange *x)
{
    return begin_text(x, REQUEST_PHONEMES);
}

enum MHD_Result speech_normalize(struct exchange *x)
{
    return begin_text(x, REQUEST_WORDS);
}

void speech_abandon(struct exchange *x)
{
    pthread_mutex_lock(&x->lock);
    x->gone = true;
    if (x->speaking && !x->speech.ended)
        lt_cancel_fire(x->speech.cancel);
    pthread_cond_signal(&x->speech.room);
    bool withdrawn = x->speaking && pool_withdraw(x->server->pool, &x->speech.job);
    wake(x);
    pthread_mutex_unlock(&x->lock);
    if (withdrawn)
        http_release(x);
}

void speech_free(struct exchange *x)
{
    struct speech *speech = &x->speech;
    if (speech->file >= 0)
        close(speech->file);
    lt_cancel_free(speech->cancel);
    if (speech->ring != NULL)
        free(atomic_exchange(&x->server->spare_ring, speech->ring));
    captions_free(&speech->captions);
    str_free(&speech->event);
    str_free(&speech->spelled);
    request_free(&speech->request);
}
