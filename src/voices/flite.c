/* flite.c: the embedded voice: libflite's US-English voices behind the backend interface.
 *
 * A voice is static data in a library of its own, which is opened when the voice is first asked for
 * (base/late.h): relocation writes to half a megabyte of each, in every process that has it. An utterance is
 * synthesised on the calling thread: its features (speed, streaming callback) are set on the utterance, never
 * on the shared voice, and the voice is only read, so utterances of one voice may be spoken side by side.
 * flite hands out 16-bit pieces while it synthesises; they are resampled to LT_SAMPLE_RATE and emitted
 * at once. The noise in unvoiced sounds comes from rand() inside flite, so all but kal16 differ inaudibly
 * from one request to the next. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flite/cst_cg.h>
#include <flite/flite.h>
#include <flite/flite_version.h>

#include "audio/resample.h"
#include "base/late.h"
#include "base/str.h"
#include "voices/backend.h"

enum { VOICE_COUNT = 4, PIECE = 4096 };

static const lt_voice voice_list[VOICE_COUNT] = {
    {"awb", "flite", "en-US", "male", "flite, clustergen, Scottish accent", false},
    {"kal16", "flite", "en-US", "male", "flite, diphones, the most robotic and the fastest", false},
    {"rms", "flite", "en-US", "male", "flite, clustergen", false},
    {"slt", "flite", "en-US", "female", "flite, clustergen", true},
};

/* What lt_speak passes as utterance.voice. */
struct flite_voice {
    const char *soname, *registers; /* the function that makes it, which has no header */
    /* Durations are stretched by this at speed 1, so that each voice reads about 155 words a minute, pauses
     * included: the pace of audiobooks. By themselves they range from 149 (rms) to 175 (kal16). */
    float stretch;
    cst_voice *made; /* flite's own static object; NULL until it was asked for; set once, under the mutex */
};

struct backend {
    struct flite_voice voices[VOICE_COUNT]; /* in the order of voice_list */
};

/* The only one: flite keeps its voices for the life of the process, in variables without a lock. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards `made` of each */
static struct backend flite = {{
    {"libflite_cmu_us_awb.so.1", "register_cmu_us_awb", 1.05f, NULL},
    {"libflite_cmu_us_kal16.so.1", "register_cmu_us_kal16", 1.13f, NULL},
    {"libflite_cmu_us_rms.so.1", "register_cmu_us_rms", 1.0f, NULL},
    {"libflite_cmu_us_slt.so.1", "register_cmu_us_slt", 1.08f, NULL},
}};

static lt_status open_voice(struct flite_voice *voice, const char *name, lt_error *error)
{
    cst_voice *(*make)(const char *folder);
    const struct late_function function = {voice->registers, &make};
    char user[32];
    snprintf(user, sizeof user, "voice '%s'", name);
    lt_status status = LT_OK;
    pthread_mutex_lock(&mutex);
    if (voice->made == NULL) /* else others may be reading it */
        status = late_open(user, voice->soname, "install the package libflite1", &function, 1, error);
    if (voice->made == NULL && status == LT_OK) {
        flite_init();
        voice->made = make(NULL);
        if (voice->made == NULL)
            status = error_set(error, LT_ERR_INTERNAL, "flite could not make voice '%s'", name);
    }
    pthread_mutex_unlock(&mutex);
    return status;
}

static lt_status flite_open(const lt_config *config, struct backend **backend, lt_error *error)
{
    (void)config;
    (void)error;
    *backend = &flite;
    return LT_OK;
}

static void flite_close(struct backend *backend)
{
    (void)backend;
}

static size_t flite_voices(const struct backend *backend, const lt_voice **voices)
{
    (void)backend;
    *voices = voice_list;
    return VOICE_COUNT;
}

static lt_status flite_find_voice(struct backend *backend, const char *name, const void **voice,
                                  const char **language, lt_error *error)
{
    for (int i = 0; i < VOICE_COUNT; i++) {
        if (str_equal_nocase(voice_list[i].name, name)) {
            *voice = &backend->voices[i];
            *language = voice_list[i].language;
            return open_voice(&backend->voices[i], voice_list[i].name, error);
        }
    }
    return error_set(
        error, LT_ERR_VOICE,
        "'%.100s' is no voice of flite, whose voices cannot be blended: 'litetts pull kokoro' fetches "
        "voices that can",
        name);
}

static void flite_release_voice(struct backend *backend, const void *voice)
{
    (void)backend;
    (void)voice;
}

static void flite_identify(const struct backend *backend, const void *voice, struct str *out)
{
    const struct flite_voice *spoken = voice;
    const ptrdiff_t index = spoken - backend->voices;
    str_printf(out, "flite %s %s ", FLITE_PROJECT_VERSION, voice_list[index].name);
    str_append(out, &spoken->stretch, sizeof spoken->stretch); /* printf's would follow the locale */
}

static void flite_look(const struct backend *backend, struct backend_facts *facts)
{
    (void)backend;
    *facts = (struct backend_facts){.isa = "", .model = "flite " FLITE_PROJECT_VERSION, .weights = ""};
}

/* What the streaming callback needs. */
struct piece_state {
    struct utterance *utterance;
    struct resampler *resampler; /* made at the first piece, when the rate is known */
    bool stopped;
};

static bool emit_resampled(struct piece_state *state, const float *samples, size_t count, bool last)
{
    struct utterance *u = state->utterance;
    float out[PIECE * 3];
    size_t produced;
    do {
        size_t used;
        if (!resampler_process(state->resampler, samples, count, last, out, sizeof out / sizeof *out, &used,
                               &produced)) {
            u->status = error_set(&u->error, LT_ERR_INTERNAL, "the resampler failed");
            return false;
        }
        samples += used;
        count -= used;
        if (produced > 0 && !u->emit(u->user, out, produced))
            return false;
    } while (count > 0 || (last && produced > 0));
    return true;
}

/* flite's streaming callback: `size` new samples of `wave` from `start` on. */
static int take_piece(const cst_wave *wave, int start, int size, int last, cst_audio_streaming_info *info)
{
    struct piece_state *state = info->userdata;
    struct utterance *u = state->utterance;
    if (u->cancelled != NULL && atomic_load_explicit(u->cancelled, memory_order_relaxed))
        state->stopped = true;
    if (!state->stopped && state->resampler == NULL) {
        u->status = resampler_open(wave->sample_rate, &state->resampler, &u->error);
        state->stopped = u->status != LT_OK;
    }
    float samples[PIECE];
    do {
        int n = size < PIECE ? size : PIECE;
        for (int i = 0; i < n; i++)
            samples[i] = (float)wave->samples[start + i] / 32768.0f;
        start += n;
        size -= n;
        state->stopped = state->stopped || !emit_resampled(state, samples, (size_t)n, last && size == 0);
    } while (size > 0 && !state->stopped);
    return state->stopped ? CST_AUDIO_STREAM_STOP : CST_AUDIO_STREAM_CONT;
}

/* The F0 models of all voices but rms look at these features. */
static void set_pitch(cst_utterance *spoken, const struct utterance *u)
{
    float factor = u->pitch, mean = 100;
    if (u->pitch == 0 && u->pitch_hertz == 0)
        return;
    if (u->pitch == 0) {
        feat_set_float(spoken->features, "int_f0_target_mean", u->pitch_hertz);
        return;
    }
    if (feat_present(spoken->features, "cg_db"))
        mean = val_cg_db(feat_val(spoken->features, "cg_db"))->f0_mean;
    else
        mean = get_param_float(spoken->features, "int_f0_target_mean", mean);
    factor += u->pitch_hertz / mean;
    feat_set_float(spoken->features, "f0_shift", factor < 0.4F ? 0.4F : factor);
}

/* Widens the times of a word by its part of a token, bytes [begin, end) of the text: a token of several words is
 * divided by its letters. */
static void add_time(struct utterance_word *word, uint32_t begin, uint32_t end, float start, float seconds)
{
    const uint32_t from = word->spoken_begin > begin ? word->spoken_begin : begin;
    const uint32_t to = word->spoken_end < end ? word->spoken_end : end;
    if (from >= to)
        return;
    const float letter = seconds / (float)(end - begin);
    if (word->start < 0)
        word->start = start + (float)(from - begin) * letter;
    word->end = start + (float)(to - begin) * letter;
}

/* Word times out of the ends of flite's segments. Its tokens are the text's words, in order, without the marks
 * around them; one that it says nothing for has no segments. */
static void time_words(struct utterance *u, const cst_utterance *spoken)
{
    const char *rest = u->text;
    size_t w = 0;
    const cst_item *token = relation_head(utt_relation(spoken, "Token"));
    for (; token != NULL && w < u->word_count; token = item_next(token)) {
        const char *name = item_name(token), *at = strstr(rest, name);
        if (at == NULL)
            continue;
        rest = at + strlen(name);
        const uint32_t begin = (uint32_t)(at - u->text), end = (uint32_t)(rest - u->text);
        const float start =
            ffeature_float(token, "daughter1.R:SylStructure.daughter1.daughter1.R:Segment.p.end");
        const float stop =
            ffeature_float(token, "daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end");
        while (w < u->word_count && u->words[w].spoken_end <= begin)
            w++;
        for (size_t i = w; i < u->word_count && u->words[i].spoken_begin < end && stop > start; i++)
            add_time(&u->words[i], begin, end, start, stop - start);
    }
}

/* In the locale "C", because flite asks the locale which letters are small. */
static void speak_one(struct utterance *u)
{
    const locale_t before = uselocale(str_plain_locale());
    struct piece_state state = {.utterance = u};
    cst_audio_streaming_info *info = new_audio_streaming_info();
    info->asc = take_piece;
    info->userdata = &state;
    cst_utterance *spoken = new_utterance();
    utt_set_input_text(spoken, u->text);
    const struct flite_voice *voice = u->voice;
    utt_init(spoken, voice->made);
    feat_set_float(spoken->features, "duration_stretch", voice->stretch / u->speed);
    set_pitch(spoken, u);
    feat_set(spoken->features, "streaming_info",
             audio_streaming_info_val(info)); /* the utterance owns it now */
    bool made = utt_synth(spoken) != NULL;
    if (made)
        time_words(u, spoken);
    if (u->status == LT_OK && u->cancelled != NULL && atomic_load(u->cancelled))
        u->status = LT_ERR_CANCELLED;
    else if (u->status == LT_OK && !made)
        u->status = error_set(&u->error, LT_ERR_INTERNAL, "flite could not speak '%.60s'", u->text);
    delete_utterance(spoken);
    resampler_close(state.resampler);
    uselocale(before);
}

static void flite_speak(struct backend *backend, struct utterance **batch, int count)
{
    (void)backend;
    for (int i = 0; i < count; i++) {
        speak_one(batch[i]);
        if (batch[i]->done)
            batch[i]->done(batch[i]->user);
    }
}

const struct backend_type flite_backend = {
    .name = "flite",
    .wants_phonemes = false,
    .serial = false,
    .max_batch = 1,
    .max_symbols = 250,
    .open = flite_open,
    .close = flite_close,
    .voices = flite_voices,
    .find_voice = flite_find_voice,
    .release_voice = flite_release_voice,
    .identify = flite_identify,
    .look = flite_look,
    .speak = flite_speak,
};
