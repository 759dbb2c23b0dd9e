/* kokoro.c: the neural voices: Kokoro behind the backend interface.
 *
 * Voices are tables in the model file. A voice to speak with is one table or a blend of several,
 * "af_bella(2)+af_sky(1)": their weighted mean. An utterance's phonemes become ids by the model's vocabulary;
 * the style is the table's row for their number; words get their times from the durations. pipeline.py of
 * hexgrad/kokoro is the reference for all three. */
#include "kokoro/kokoro.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/chars.h"
#include "base/file.h"
#include "base/str.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "voices/backend.h"

enum { MAX_SYMBOLS = 510, MAX_IDS = MAX_SYMBOLS + 2, MAX_BLEND = 16, FRAMES_PER_SECOND = 40 };

/* Of the utterances that text is cut into. Kokoro can take 510 symbols, but sounds rushed near that; Kokoro-FastAPI aims
 * for 175 to 250. */
enum { NATURAL_SYMBOLS = 250 };

struct backend {
    struct model *model;
    struct kokoro *kokoro;
    struct kokoro_options options; /* that it was opened with */
    unsigned char digest[GGUF_DIGEST_BYTES];
    char model_name[64];               /* of the file */
    atomic_uint_fast64_t memory_bytes; /* kokoro_memory() after the last utterance */
    atomic_uint_fast64_t taken_bytes;  /* of backend_facts */
    atomic_size_t allowed;             /* by kokoro_allow_memory */
    const struct memo *memo;           /* where rows of blends are kept; NULL: nowhere */
    lt_voice *voices; /* in the order of model->voices; strings belong to the model or are static */
};

/* What find_voice makes. */
struct blend {
    int count;
    struct {
        const struct kokoro_voice *voice;
        double weight; /* all add up to 1 */
    } parts[MAX_BLEND];
};

/* ---- Voices --------------------------------------------------------------------------------------- */

/* Kokoro's voice names begin with a letter for the language and one for the sex: "af_heart". */
static const char *language_of(const char *name)
{
    static const struct {
        char letter;
        const char *language;
    } languages[] = {{'a', "en-US"}, {'b', "en-GB"}, {'e', "es-ES"}, {'f', "fr-FR"}, {'h', "hi-IN"},
                     {'i', "it-IT"}, {'j', "ja-JP"}, {'p', "pt-BR"}, {'z', "zh-CN"}};
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (name[0] == languages[i].letter && name[1] != '\0' && name[2] == '_')
            return languages[i].language;
    return "en-US";
}

static const char *sex_of(const char *name)
{
    if (name[0] == '\0' || (name[1] != 'f' && name[1] != 'm') || name[2] != '_')
        return "";
    return name[1] == 'f' ? "female" : "male";
}

/* Japanese and Mandarin are not among the languages that the text front end reads. */
static const char *summary_of(const char *language)
{
    return strcmp(language, "ja-JP") == 0 || strcmp(language, "zh-CN") == 0
               ? "Kokoro, neural; speaks phonemes, no text yet"
               : "Kokoro, neural";
}

static size_t kokoro_voices(const struct backend *backend, const lt_voice **voices)
{
    *voices = backend->voices;
    return backend->model->voice_count;
}

static bool list_voices(struct backend *backend)
{
    const struct model *model = backend->model;
    backend->voices = calloc(model->voice_count ? model->voice_count : 1, sizeof *backend->voices);
    if (!backend->voices)
        return false;
    size_t preferred = 0;
    for (size_t i = 0; i < model->voice_count; i++) {
        const char *name = model->voices[i].name;
        backend->voices[i] = (lt_voice){.name = name,
                                        .backend = "kokoro",
                                        .language = language_of(name),
                                        .sex = sex_of(name),
                                        .summary = summary_of(language_of(name))};
        if (!strcmp(name, "af_heart"))
            preferred = i;
    }
    if (model->voice_count)
        backend->voices[preferred].is_default = true;
    return true;
}

static const struct kokoro_voice *voice_named(const struct model *model, const char *name, size_t size)
{
    for (size_t i = 0; i < model->voice_count; i++)
        if (strlen(model->voices[i].name) == size && str_equal_nocase_n(model->voices[i].name, name, size))
            return &model->voices[i];
    return NULL;
}

static const char *skip_space(const char *at)
{
    while (char_is_space(*at))
        at++;
    return at;
}

/* Reads "name" or "name(weight)" at *at and moves on. */
static lt_status parse_part(const struct model *model, const char **at, struct blend *blend, lt_error *error)
{
    const char *begin = skip_space(*at);
    const size_t size = strcspn(begin, "+( \t\r\n");
    const struct kokoro_voice *voice = voice_named(model, begin, size);
    if (size == 0)
        return error_set(error, LT_ERR_VOICE, "a blend of voices is written like 'af_bella(2)+af_sky(1)'");
    if (!voice)
        return error_set(error, LT_ERR_VOICE,
                         "Kokoro has no voice '%.*s': 'litetts voices' lists what there is",
                         size < 64 ? (int)size : 64, begin);
    if (blend->count == MAX_BLEND)
        return error_set(error, LT_ERR_VOICE, "a blend has more than %d voices, the most that can be mixed",
                         MAX_BLEND);
    double weight = 1;
    *at = skip_space(begin + size);
    if (**at == '(') {
        char *end;
        weight = str_number(*at + 1, &end);
        const char *close = skip_space(end);
        if (end == *at + 1 || *close != ')' || !(weight > 0 && weight <= 1000))
            return error_set(error, LT_ERR_VOICE,
                             "the weight of '%s' in a blend must be a number above 0, up to 1000: "
                             "'af_bella(2)+af_sky(1)'",
                             voice->name);
        *at = skip_space(close + 1);
    }
    blend->parts[blend->count].voice = voice;
    blend->parts[blend->count++].weight = weight;
    return LT_OK;
}

static lt_status parse_blend(const struct model *model, const char *text, struct blend *blend,
                             lt_error *error)
{
    for (const char *at = text;;) {
        const lt_status status = parse_part(model, &at, blend, error);
        if (status != LT_OK)
            return status;
        if (*at == '\0')
            break;
        if (*at++ != '+')
            return error_set(error, LT_ERR_VOICE,
                             "a blend of voices is written like 'af_bella(2)+af_sky(1)'");
    }
    double sum = 0;
    for (int i = 0; i < blend->count; i++)
        sum += blend->parts[i].weight;
    for (int i = 0; i < blend->count; i++)
        blend->parts[i].weight /= sum;
    return LT_OK;
}

static lt_status kokoro_find_voice(struct backend *backend, const char *name, const void **voice,
                                   const char **language, lt_error *error)
{
    struct blend *blend = calloc(1, sizeof *blend);
    if (!blend)
        return error_memory(error, "a voice");
    const lt_status status = parse_blend(backend->model, name, blend, error);
    if (status != LT_OK) {
        free(blend);
        return status;
    }
    *voice = blend;
    *language = language_of(blend->parts[0].voice->name);
    return LT_OK;
}

static void kokoro_release_voice(struct backend *backend, const void *voice)
{
    (void)backend;
    free((void *)(uintptr_t)voice);
}

static void kokoro_identify(const struct backend *backend, const void *voice, struct str *out)
{
    const struct blend *blend = voice;
    str_printf(out, "kokoro %s ", isa_name(kokoro_isa(backend->kokoro)));
    for (int i = 0; i < GGUF_DIGEST_BYTES; i++)
        str_printf(out, "%02x", backend->digest[i]);
    for (int i = 0; i < blend->count; i++) {
        str_printf(out, " %s ", blend->parts[i].voice->name);
        str_append(out, &blend->parts[i].weight,
                   sizeof blend->parts[i].weight); /* printf's would follow the locale */
    }
}

/* Frames of 1/40 s that a symbol may take at speed 1, and beyond all symbols: silence at both ends. Speech
 * has 2 to 3 a symbol. */
enum { SYMBOL_FRAMES = 4, EDGE_FRAMES = 40 };

static size_t kokoro_longest(const struct backend *backend, float speed)
{
    const int frames = kokoro_most_frames(backend->kokoro) - EDGE_FRAMES;
    return frames > SYMBOL_FRAMES ? (size_t)((float)frames * speed / SYMBOL_FRAMES) : 1;
}

static size_t kokoro_working(const struct backend *backend, size_t symbols, float speed)
{
    return kokoro_need(backend->kokoro, EDGE_FRAMES + (int)((float)(symbols * SYMBOL_FRAMES) / speed));
}

static void kokoro_allow_memory(struct backend *backend, size_t bytes)
{
    atomic_store_explicit(&backend->allowed, bytes, memory_order_relaxed);
}

static void kokoro_look(const struct backend *backend, struct backend_facts *facts)
{
    *facts = (struct backend_facts){
        .isa = isa_name(kokoro_isa(backend->kokoro)),
        .model = backend->model_name,
        .weights = gguf_type_name(backend->model->type),
        .threads = backend->options.threads,
        .pinned = backend->options.pinned,
        .memory_bytes = atomic_load_explicit(&backend->memory_bytes, memory_order_relaxed),
        .taken_bytes = atomic_load_explicit(&backend->taken_bytes, memory_order_relaxed),
    };
}

static void kokoro_remember(struct backend *backend, const struct memo *memo)
{
    backend->memo = memo;
}

/* One row of `width` numbers of the voices' tables, mixed. */
static void mix_row(const struct blend *blend, int row, int width, float *style)
{
    for (int c = 0; c < width; c++) {
        double sum = 0;
        for (int i = 0; i < blend->count; i++) {
            const struct kokoro_voice *voice = blend->parts[i].voice;
            const int own = row < voice->rows ? row : voice->rows - 1;
            sum += blend->parts[i].weight * (double)voice->table[(ptrdiff_t)own * width + c];
        }
        style[c] = (float)sum;
    }
}

/* A row of a blend that may be kept. */
struct mixing {
    const struct blend *blend;
    int row, width;
};

static bool append_row(void *user, struct str *value)
{
    const struct mixing *mixing = user;
    const size_t bytes = (size_t)mixing->width * sizeof(float);
    if (!str_reserve(value, bytes))
        return false;
    mix_row(mixing->blend, mixing->row, mixing->width, (float *)(void *)(value->data + value->length));
    value->length += bytes;
    return true;
}

/* The row of a blend of several voices as it was kept; false when out of memory. */
static bool recall_row(const struct memo *memo, const struct blend *blend, int row, int width, float *style)
{
    struct {
        uintptr_t voice[MAX_BLEND]; /* addresses of tables: those of this model */
        double weight[MAX_BLEND];
        int64_t row;
    } key = {.row = row};
    for (int i = 0; i < blend->count; i++) {
        key.voice[i] = (uintptr_t)blend->parts[i].voice->table;
        key.weight[i] = blend->parts[i].weight;
    }
    struct mixing mixing = {blend, row, width};
    struct str value = {0};
    memo->recall(memo->user, MEMO_BLEND, &key, sizeof key, append_row, &mixing, &value);
    const bool there = !value.failed;
    if (there)
        memcpy(style, value.data, (size_t)width * sizeof *style);
    str_free(&value);
    return there;
}

/* The style for an utterance of `symbols` phonemes. */
static void style_of(const struct backend *backend, const struct blend *blend, int symbols, float *style)
{
    const int width = 2 * backend->model->style, row = symbols > 0 ? symbols - 1 : 0;
    const bool kept = blend->count > 1 && backend->memo != NULL;
    if (!kept || !recall_row(backend->memo, blend, row, width, style))
        mix_row(blend, row, width, style);
}

/* ---- Opening -------------------------------------------------------------------------------------- */

/* What utterances that are spoken together may take: two thirds of what the budget leaves beside a full cache; the rest
 * is for requests. */
static size_t group_memory(const lt_config *config)
{
    const int64_t limit = config_integer(config, CONFIG_memory_limit_bytes);
    const int64_t rest = limit - config_integer(config, CONFIG_cache_memory_bytes);
    if (limit == 0)
        return (size_t)256 << 20;
    return rest > 2 ? (size_t)(rest / 3 * 2) : 1;
}

/* Of the arena, what stays for the next batch. Sentences of a few words take less, and to touch the rest anew
 * costs longer ones some milliseconds of seconds. */
static const size_t KEPT_MEMORY = (size_t)21 << 20;

/* Of the memory budget, what utterances may take; the rest is for requests. 0: no limit of ours. */
static size_t working_share(const lt_config *config)
{
    return (size_t)config_integer(config, CONFIG_memory_limit_bytes) / 4 * 3;
}

static lt_status open_engine(struct backend *backend, const lt_config *config, const char *path,
                             lt_error *error)
{
    lt_status status = model_open(path, &backend->model, error);
    if (status != LT_OK)
        return status;
    if (backend->model->style > 1024)
        return error_set(error, LT_ERR_MODEL, "'%s' has styles of %d numbers: at most 1024 are supported",
                         path, backend->model->style);
    gguf_digest(backend->model->gguf, backend->digest);
    const char *slash = strrchr(path, '/');
    snprintf(backend->model_name, sizeof backend->model_name, "%s", slash ? slash + 1 : path);
    struct kokoro_options *options = &backend->options;
    *options = (struct kokoro_options){.threads = (int)config_integer(config, CONFIG_engine_threads),
                                       .pinned = config_bool(config, CONFIG_engine_pin),
                                       .isa = ISA_COUNT,
                                       .most_memory = working_share(config),
                                       .keep_memory = KEPT_MEMORY,
                                       .group_memory = group_memory(config)};
    if (options->threads == 0)
        options->threads = threads_available();
    isa_parse(config_string(config, CONFIG_engine_isa), &options->isa); /* "auto" is none: no cap */
    atomic_init(&backend->allowed, SIZE_MAX);
    status = kokoro_open(backend->model, options, &backend->kokoro, error);
    if (status == LT_OK && !list_voices(backend))
        status = error_memory(error, "the list of voices");
    return status;
}

static void kokoro_backend_close(struct backend *backend)
{
    kokoro_close(backend->kokoro);
    model_close(backend->model);
    free(backend->voices);
    free(backend);
}

static lt_status kokoro_backend_open(const lt_config *config, struct backend **out, lt_error *error)
{
    struct str path = {0};
    const char *configured = config_string(config, CONFIG_engine_model);
    file_model(configured, config_string(config, CONFIG_engine_data_folder), &path);
    struct backend *backend = path.failed ? NULL : calloc(1, sizeof *backend);
    lt_status status;
    if (!backend)
        status = error_memory(error, "the Kokoro voices");
    else if (configured[0] == '\0' && access(path.data, F_OK) != 0 && errno == ENOENT)
        status = error_set(error, LT_ERR_UNSUPPORTED,
                           "no Kokoro model at '%s': 'litetts pull kokoro' fetches one", path.data);
    else
        status = open_engine(backend, config, path.data, error);
    str_free(&path);
    if (status == LT_OK)
        *out = backend;
    else if (backend)
        kokoro_backend_close(backend);
    return status;
}

/* ---- Speaking ------------------------------------------------------------------------------------- */

/* An utterance as the engine wants it, and what maps it back to words. */
struct prepared {
    struct kokoro_utterance spoken;
    int ids[MAX_IDS], durations[MAX_IDS];
    uint32_t offset[MAX_IDS]; /* byte of utterance.phonemes at which each id's symbol begins */
    bool space[MAX_IDS];      /* the id is that of a space */
    float *style;
    struct utterance *from;
    int symbols; /* that utterance.phonemes has, those that the model does not know too */
    bool timed;
};

static int id_of(const struct model *model, uint32_t codepoint)
{
    enum { SCRIPT_G = 0x261 }; /* IPA's g, which keyboards lack */
    const int id = model_symbol(model, codepoint);
    return id < 0 && codepoint == 'g' ? model_symbol(model, SCRIPT_G) : id;
}

/* Phonemes to ids; symbols that the model does not know are skipped. */
static lt_status read_phonemes(const struct backend *backend, struct prepared *p)
{
    const struct model *model = backend->model;
    const char *phonemes = p->from->phonemes;
    const size_t size = strlen(phonemes);
    int count = 1, symbols = 0;
    p->ids[0] = 0;
    for (size_t at = 0; at < size;) {
        uint32_t codepoint;
        const size_t length = utf8_decode(phonemes + at, size - at, &codepoint);
        if (length == 0)
            return error_set(&p->from->error, LT_ERR_TEXT, "the phonemes are not valid UTF-8");
        const int id = id_of(model, codepoint);
        symbols++;
        if (id >= 0) {
            if (count == MAX_IDS - 1)
                return error_set(&p->from->error, LT_ERR_TEXT, "an utterance of more than %d phonemes",
                                 MAX_SYMBOLS);
            p->ids[count] = id;
            p->offset[count] = (uint32_t)at;
            p->space[count] = codepoint == ' ';
            count++;
        }
        at += length;
    }
    p->ids[count] = 0;
    p->offset[count] = (uint32_t)size;
    p->spoken.ids = p->ids;
    p->spoken.count = count + 1;
    p->symbols = symbols;
    style_of(backend, p->from->voice, symbols, p->style);
    return LT_OK;
}

/* First id whose symbol begins at `byte` or later. */
static int id_at(const struct prepared *p, uint32_t byte)
{
    int i = 1;
    while (i < p->spoken.count - 1 && p->offset[i] < byte)
        i++;
    return i;
}

/* Word times out of the durations, as pipeline.py's join_timestamps: in half frames, so that the space
 * between two words is shared between them; all is three frames early. */
static void time_words(struct prepared *p)
{
    struct utterance *u = p->from;
    const int lead = p->durations[0] > 3 ? p->durations[0] - 3 : 0;
    int before[MAX_IDS + 1]; /* half frames before each id */
    before[1] = 2 * lead;
    for (int i = 1; i < p->spoken.count; i++)
        before[i + 1] = before[i] + 2 * p->durations[i];
    for (size_t w = 0; w < u->word_count; w++) {
        struct utterance_word *word = &u->words[w];
        const int begin = id_at(p, word->phoneme_begin), end = id_at(p, word->phoneme_end);
        if (begin >= end)
            continue;
        int from = before[begin], to = before[end];
        if (begin > 1 && p->space[begin - 1])
            from -= p->durations[begin - 1];
        if (p->space[end])
            to += p->durations[end];
        word->start = (float)from / (2 * FRAMES_PER_SECOND);
        word->end = (float)to / (2 * FRAMES_PER_SECOND);
    }
}

static bool emit(void *user, const float *samples, size_t count)
{
    struct prepared *p = user;
    if (!p->timed)
        time_words(p);
    p->timed = true;
    return p->from->emit(p->from->user, samples, count);
}

static void finish_utterance(struct utterance *u)
{
    if (u->done)
        u->done(u->user);
}

static void done(void *user)
{
    struct prepared *p = user;
    struct utterance *u = p->from;
    if (u->status == LT_OK && p->spoken.status != LT_OK) { /* else it knows better why it stopped */
        u->status = p->spoken.status;
        u->error = p->spoken.error;
    }
    finish_utterance(u);
}

static void speak_prepared(struct backend *backend, struct prepared *prepared, int count)
{
    struct kokoro_utterance *batch[KOKORO_MAX_BATCH];
    for (int i = 0; i < count; i++)
        batch[i] = &prepared[i].spoken;
    const size_t allowed = atomic_load_explicit(&backend->allowed, memory_order_relaxed);
    kokoro_allow(backend->kokoro, allowed);
    if (allowed != SIZE_MAX) /* there is a budget */
        atomic_store_explicit(&backend->taken_bytes, allowed, memory_order_relaxed);
    kokoro_speak(backend->kokoro, batch, count);
    atomic_store_explicit(&backend->memory_bytes, kokoro_memory(backend->kokoro), memory_order_relaxed);
    atomic_store_explicit(&backend->taken_bytes, 0, memory_order_relaxed);
}

static void prepare(struct backend *backend, struct prepared *p, struct utterance *u, float *style)
{
    *p = (struct prepared){.from = u, .style = style};
    p->spoken = (struct kokoro_utterance){.style = style,
                                          .speed = u->speed,
                                          .pitch = u->pitch,
                                          .pitch_hertz = u->pitch_hertz,
                                          .seed = u->seed,
                                          .cancelled = u->cancelled,
                                          .emit = emit,
                                          .done = done,
                                          .user = p,
                                          .durations = p->durations};
    u->status = read_phonemes(backend, p);
    /* also where there is more just now, so that where a text is cut does not depend on who else speaks */
    p->spoken.most_memory = kokoro_working(backend, (size_t)p->symbols, u->speed);
}

static void kokoro_backend_speak(struct backend *backend, struct utterance **batch, int count)
{
    const size_t style = 2 * (size_t)backend->model->style;
    struct prepared *prepared = calloc((size_t)count, sizeof *prepared);
    float *styles = calloc((size_t)count * style, sizeof *styles);
    int ready = 0;
    for (int i = 0; i < count; i++) {
        struct utterance *u = batch[i];
        if (!prepared || !styles)
            u->status = error_memory(&u->error, "an utterance");
        else
            prepare(backend, &prepared[ready], u, styles + style * (size_t)ready);
        if (u->status == LT_OK && prepared[ready].spoken.count > 2)
            ready++;
        else
            finish_utterance(u);
    }
    if (ready)
        speak_prepared(backend, prepared, ready);
    free(prepared);
    free(styles);
}

const struct backend_type kokoro_backend = {
    .name = "kokoro",
    .wants_phonemes = true,
    .serial = true,
    .max_batch = KOKORO_MAX_BATCH,
    .max_symbols = NATURAL_SYMBOLS,
    .open = kokoro_backend_open,
    .close = kokoro_backend_close,
    .voices = kokoro_voices,
    .find_voice = kokoro_find_voice,
    .release_voice = kokoro_release_voice,
    .remember = kokoro_remember,
    .identify = kokoro_identify,
    .look = kokoro_look,
    .longest = kokoro_longest,
    .working = kokoro_working,
    .allow = kokoro_allow_memory,
    .speak = kokoro_backend_speak,
};
