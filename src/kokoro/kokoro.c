/* kokoro.c: from phoneme ids to samples. See kokoro.h.
 *
 * speak_batch reads from top to bottom as KModel.forward_with_tokens (model.py) does. What depends on phonemes runs on the
 * whole batch at once, where the products gain from more rows. The decoder and the generator run on groups of short utterances, which share
 * the work on weights; long ones follow one after another, so that memory follows from the longest. */
#include "kokoro/kokoro.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kokoro/forward.h"

static const size_t MEBIBYTE = (size_t)1 << 20;

lt_status kokoro_open(const struct model *model, const struct kokoro_options *options, struct kokoro **out,
                      lt_error *error)
{
    struct kokoro *k = calloc(1, sizeof *k);
    if (!k)
        return error_memory(error, "the engine");
    k->model = model;
    kernels_get(&k->nn.kernels, options->isa);
    const bool exact =
        options->precision == KOKORO_EXACT || (options->precision == KOKORO_AUTO && model->type == GGUF_F32);
    k->nn.products = exact ? &k->nn.kernels.exact : &k->nn.kernels.fast;
    k->nn.fine = exact ? &k->nn.kernels.exact : &k->nn.kernels.fine;
    k->storage = exact ? VALUE_F32 : VALUE_F16;
    k->most_memory = options->most_memory ? options->most_memory : 1024 * MEBIBYTE;
    k->keep_memory = options->keep_memory ? options->keep_memory : 32 * MEBIBYTE;
    k->group_memory = options->group_memory ? options->group_memory : 48 * MEBIBYTE;
    k->allowed = k->most_memory;
    lt_status status = threads_create(options->threads, options->pinned, &k->nn.threads, error);
    if (status == LT_OK)
        status = stft_open(&k->stft, model->n_fft, model->hop, error);
    if (status != LT_OK) {
        kokoro_close(k);
        return status;
    }
    k->since = clock_seconds();
    *out = k;
    return LT_OK;
}

void kokoro_close(struct kokoro *k)
{
    if (!k)
        return;
    threads_destroy(k->nn.threads);
    stft_close(&k->stft);
    arena_free(&k->nn.arena);
    free(k);
}

/* ---- Times and probes ----------------------------------------------------------------------------- */

const char *kokoro_part_name(enum kokoro_part part)
{
    static const char *const names[KOKORO_PARTS] = {
        "albert", "prosody", "text", "decoder", "excitation", "noise", "upsample", "resblocks", "wave"};
    return names[part];
}

const struct kokoro_cost *kokoro_costs(const struct kokoro *k)
{
    return k->costs;
}

enum isa kokoro_isa(const struct kokoro *k)
{
    return k->nn.kernels.isa;
}

void kokoro_reset_costs(struct kokoro *k)
{
    memset(k->costs, 0, sizeof k->costs);
}

size_t kokoro_memory(const struct kokoro *k)
{
    return k->nn.arena.held;
}

/* ---- Memory ---------------------------------------------------------------------------------------- */

/* Room for batches of short utterances even when no long one is expected; and an utterance's ids, at two frames an id or more, and
 * prosody. */
static const size_t LEAST_NEED = 64 * ((size_t)1 << 20), FRAME_NEED = 4096;

static size_t need(const struct kokoro *k, int frames)
{
    const struct model *m = k->model;
    int rows = 2 * frames;
    size_t stage = 0;
    const size_t decoded = value_bytes(VALUE_F32, (size_t)rows * (size_t)m->decode[3].out);
    for (int i = 0; i < m->upsample_count;
         i++) { /* the generator: x, s and h, and one more unless it packs */
        const struct upsample *up = &m->upsamples[i];
        rows = (rows + 1) * up->rate + 1;
        const size_t array =
            value_bytes(k->storage, ((size_t)rows * (size_t)up->channels + 31) & ~(size_t)31);
        const size_t arrays = generator_packs(k, rows, up->channels) ? 3 : 4;
        stage = arrays * array > stage ? arrays * array : stage;
    }
    return generator_layer_bytes(k) + decoded + stage + FRAME_NEED * (size_t)frames;
}

size_t kokoro_need(const struct kokoro *k, int frames)
{
    size_t bytes = need(k, frames);
    bytes = bytes > LEAST_NEED ? bytes : LEAST_NEED;
    return bytes < k->most_memory ? bytes : k->most_memory;
}

int kokoro_most_frames(const struct kokoro *k)
{
    int least = 0, more = 1 << 17; /* an hour */
    while (more - least > 1) {
        const int frames = least + (more - least) / 2;
        if (need(k, frames) <= k->most_memory)
            least = frames;
        else
            more = frames;
    }
    return least;
}

void kokoro_allow(struct kokoro *k, size_t bytes)
{
    k->allowed = bytes < k->most_memory ? bytes : k->most_memory;
}

void kokoro_clock(struct kokoro *k, enum kokoro_part part)
{
    const double now = clock_seconds();
    k->costs[part].seconds += now - k->since;
    k->costs[part].multiplications += k->nn.multiplications - k->multiplications;
    k->since = now;
    k->multiplications = k->nn.multiplications;
}

void probe_stage(const struct kokoro_probe *probe, const char *name, const struct array *array)
{
    if (probe && probe->stage && array->data)
        probe->stage(probe->user, name, array);
}

void probe_batch(struct kokoro_utterance *const *batch, const char *name, const struct array *array,
                 struct spans spans)
{
    for (int i = 0; i < spans.count; i++) {
        const struct array part = array_part(array, spans.begin[i], spans.begin[i + 1] - spans.begin[i]);
        if (array->data)
            probe_stage(batch[i]->probe, name, &part);
    }
}

/* ---- The forward pass ----------------------------------------------------------------------------- */

/* What the phonemes of a batch became. Arrays of all utterances, one after another; some by id, some by frame. */
struct batch {
    struct kokoro_utterance **utterances;
    int count;
    int id_begin[KOKORO_MAX_BATCH + 1], frame_begin[KOKORO_MAX_BATCH + 1];
    struct spans ids, frames;
    int *all_ids, *durations;                         /* [ids] */
    struct array decoder_styles, prosody_styles;      /* [utterances][style] */
    struct array text;                                /* [ids][hidden] */
    struct array d;                                   /* duration encoder's output, [ids][hidden + style] */
    float *f0, *energy;                               /* [2 * frames] */
    struct kokoro_utterance *unfit[KOKORO_MAX_BATCH]; /* too large for what the others leave of the arena */
    int unfit_count;
};

static bool prepare(struct kokoro *k, struct batch *b)
{
    struct nn *nn = &k->nn;
    const int style = k->model->style;
    for (int i = 0; i < b->count; i++)
        b->id_begin[i + 1] = b->id_begin[i] + b->utterances[i]->count;
    b->ids = (struct spans){b->count, b->id_begin};
    const int rows = b->id_begin[b->count];
    b->all_ids = arena_take(&nn->arena, (size_t)rows * sizeof *b->all_ids);
    b->durations = arena_take(&nn->arena, (size_t)rows * sizeof *b->durations);
    b->decoder_styles = nn_array(nn, VALUE_F32, b->count, style);
    b->prosody_styles = nn_array(nn, VALUE_F32, b->count, style);
    if (nn->arena.overflow)
        return false;
    for (int i = 0; i < b->count; i++) {
        const struct kokoro_utterance *u = b->utterances[i];
        memcpy(b->all_ids + b->id_begin[i], u->ids, (size_t)u->count * sizeof *u->ids);
        memcpy(array_floats(&b->decoder_styles, i), u->style, (size_t)style * sizeof(float));
        memcpy(array_floats(&b->prosody_styles, i), u->style + style, (size_t)style * sizeof(float));
    }
    return true;
}

/* Durations in frames: round(sum of sigmoids / speed), at least 1. */
static void round_durations(const struct batch *b, const struct array *logits)
{
    for (int i = 0; i < b->count; i++) {
        const struct kokoro_utterance *u = b->utterances[i];
        for (int t = b->id_begin[i]; t < b->id_begin[i + 1]; t++) {
            double sum = 0;
            for (int c = 0; c < logits->channels; c++)
                sum += 1 / (1 + exp(-(double)array_floats(logits, t)[c]));
            const double frames = rint(sum / (double)u->speed);
            b->durations[t] = frames >= 1 ? (int)frames : 1;
            if (u->durations)
                u->durations[t - b->id_begin[i]] = b->durations[t];
            if (u->probe && u->probe->durations)
                b->durations[t] = u->probe->durations[t - b->id_begin[i]];
        }
    }
}

static void count_frames(struct batch *b)
{
    for (int i = 0; i < b->count; i++) {
        b->frame_begin[i + 1] = b->frame_begin[i];
        for (int t = b->id_begin[i]; t < b->id_begin[i + 1]; t++)
            b->frame_begin[i + 1] += b->durations[t];
    }
    b->frames = (struct spans){b->count, b->frame_begin};
}

/* Rows by id to rows by frame: each repeated by its duration. */
static void stretch(const struct array *from, const int *durations, int ids, const struct array *to)
{
    int row = 0;
    for (int t = 0; t < ids; t++)
        for (int i = 0; i < durations[t]; i++, row++)
            memcpy(array_floats(to, row), array_floats(from, t), (size_t)from->channels * sizeof(float));
}

/* The F0 that an utterance asks for instead of the predicted, `count` values. What is unvoiced stays so, and what is voiced stays
 * above what the excitation takes for unvoiced. */
static void change_pitch(const struct kokoro_utterance *u, float *f0, int count)
{
    const float least = 3 * EXCITATION_VOICED_ABOVE;
    float factor = u->pitch, hertz = u->pitch_hertz;
    if (factor == 0) {
        double sum = 0;
        int voiced = 0;
        for (int i = 0; i < count; i++) {
            sum += f0[i] > EXCITATION_VOICED_ABOVE ? (double)f0[i] : 0;
            voiced += f0[i] > EXCITATION_VOICED_ABOVE;
        }
        factor = voiced == 0 ? 1 : (float)((double)hertz * voiced / sum);
        hertz = 0;
    }
    for (int i = 0; i < count; i++)
        if (f0[i] > EXCITATION_VOICED_ABOVE)
            f0[i] = fmaxf(factor * f0[i] + hertz, least);
}

static void predict_prosody(struct kokoro *k, struct batch *b)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const int frames = b->frame_begin[b->count];
    b->f0 = arena_take(&nn->arena, 2 * (size_t)frames * sizeof *b->f0);
    b->energy = arena_take(&nn->arena, 2 * (size_t)frames * sizeof *b->energy);
    const size_t mark = nn->arena.used;
    struct array x = nn_array(nn, VALUE_F32, frames, m->hidden);
    struct array stretched = nn_array(nn, VALUE_F32, frames, m->hidden + m->style);
    if (!nn->arena.overflow) {
        stretch(&b->d, b->durations, b->id_begin[b->count], &stretched);
        nn_lstm(nn, &m->prosody_lstm, nn->fine, &stretched, &x, b->frames);
        prosody_curve(nn, m->f0, m->f0_out, m->f0_out_bias, &x, &b->prosody_styles, b->frames, b->f0);
        prosody_curve(nn, m->energy, m->energy_out, m->energy_out_bias, &x, &b->prosody_styles, b->frames,
                      b->energy);
        int begin[KOKORO_MAX_BATCH + 1];
        const struct spans doubled = {b->count, begin};
        for (int i = 0; i <= b->count; i++)
            begin[i] = 2 * b->frame_begin[i];
        for (int i = 0; i < b->count; i++) {
            const struct kokoro_utterance *u = b->utterances[i];
            if (u->pitch_hertz != 0 || (u->pitch != 0 && u->pitch != 1))
                change_pitch(u, b->f0 + begin[i], begin[i + 1] - begin[i]);
        }
        probe_batch(b->utterances, "f0", &(struct array){b->f0, VALUE_F32, 2 * frames, 1, 1}, doubled);
        probe_batch(b->utterances, "energy", &(struct array){b->energy, VALUE_F32, 2 * frames, 1, 1},
                    doubled);
    }
    arena_release(&nn->arena, mark);
}

/* Everything that depends on phonemes: durations and text encoding. */
static bool encode(struct kokoro *k, struct batch *b)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const int rows = b->id_begin[b->count];
    b->d = nn_array(nn, VALUE_F32, rows, m->hidden + m->style);
    const size_t mark = nn->arena.used;
    const struct array bert = albert(nn, &m->albert, b->all_ids, b->ids);
    probe_batch(b->utterances, "bert", &bert, b->ids);
    kokoro_clock(k, KOKORO_ALBERT);

    struct array features = b->d;
    features.channels = m->hidden;
    /* durations and energy hang on what follows, and it is little work: in float32 */
    nn_layer(nn,
             &(struct layer){
                 .weight = &m->bert_encoder, .products = &nn->kernels.exact, .in = bert, .out = features});
    probe_batch(b->utterances, "bert_encoder", &features, b->ids);
    duration_encoder(nn, m, &b->d, &b->prosody_styles, b->ids);
    probe_batch(b->utterances, "duration_encoder", &b->d, b->ids);
    const struct array logits = duration_logits(nn, m, &b->d, b->ids);
    probe_batch(b->utterances, "duration_logits", &logits, b->ids);
    if (nn->arena.overflow)
        return false;
    round_durations(b, &logits);
    count_frames(b);
    arena_release(&nn->arena, mark);
    kokoro_clock(k, KOKORO_PROSODY);

    b->text = text_encoder(nn, m, b->all_ids, b->ids);
    probe_batch(b->utterances, "text_encoder", &b->text, b->ids);
    kokoro_clock(k, KOKORO_TEXT);
    return !nn->arena.overflow;
}

/* From this length on, where the generator's arrays are large, the pages of the weights that it does not use are given
 * back first: mapping them again from the page cache takes the next utterance about a millisecond. */
enum { LONG_FRAMES = 5 * 40 };

/* A run of a batch's utterances that go through the decoder together: at most GROUP_FRAMES, or one. */
struct group {
    int first, count;
    int begin[KOKORO_MAX_BATCH + 1],
        doubled_begin[KOKORO_MAX_BATCH + 1]; /* rows of frames, and of half frames */
    struct array x;                          /* decoder's output, [2 * frames][512] */
};

enum {
    /* 20 seconds of audio: their working memory is that of one utterance of ten seconds in the generator */
    GROUP_FRAMES = 20 * 40,
    /* Frames a thread that go through the generator together: so many that expanding the weights no longer shows, no
     * more since all of them wait for one another. Of a batch of fewer utterances, each is heard sooner alone. */
    GENERATOR_FRAMES = 5 * 40 / 2,
    GENERATOR_BATCH = 4
};

static void finish(struct kokoro_utterance *u)
{
    if (u->done)
        u->done(u->user);
}

static void decode_group(struct kokoro *k, const struct batch *b, struct group *g)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const int first = b->frame_begin[g->first], ids = b->id_begin[g->first];
    for (int i = 0; i <= g->count; i++) {
        g->begin[i] = b->frame_begin[g->first + i] - first;
        g->doubled_begin[i] = 2 * g->begin[i];
    }
    const int frames = g->begin[g->count];
    g->x = nn_array(nn, VALUE_F32, 2 * frames, m->decode[3].out);
    const size_t mark = nn->arena.used;
    struct decoding decoding = {.utterances = b->utterances + g->first,
                                .frames = {g->count, g->begin},
                                .text = nn_array(nn, VALUE_F32, frames, m->hidden),
                                .styles = array_part(&b->decoder_styles, g->first, g->count),
                                .f0 = b->f0 + 2 * first,
                                .energy = b->energy + 2 * first};
    if (!nn->arena.overflow) {
        const int id_count = b->id_begin[g->first + g->count] - ids;
        const struct array text = array_part(&b->text, ids, id_count);
        stretch(&text, b->durations + ids, id_count, &decoding.text);
        probe_batch(decoding.utterances, "decoder_asr", &decoding.text, decoding.frames);
        decoder(k, &decoding, &g->x);
        probe_batch(decoding.utterances, "decoder_decode3", &g->x,
                    (struct spans){g->count, g->doubled_begin});
    }
    if (nn->arena.overflow)
        g->x.data = NULL;
    nn->arena.overflow = false;
    arena_release(&nn->arena, mark);
    kokoro_clock(k, KOKORO_DECODER);
}

/* Sound of utterances first .. past - 1 of a group, which are over then; false when the arena is too small for them. */
static bool generate(struct kokoro *k, const struct batch *b, const struct group *g, int first, int past)
{
    struct nn *nn = &k->nn;
    const size_t mark = nn->arena.used;
    int halves[KOKORO_MAX_BATCH + 1], begin[KOKORO_MAX_BATCH + 1];
    for (int i = first; i <= past; i++)
        halves[i - first] = g->doubled_begin[i] - g->doubled_begin[first];
    const struct speech speech = {.utterances = b->utterances + g->first + first,
                                  .halves = {past - first, halves},
                                  .f0 = b->f0 + 2 * b->frame_begin[g->first + first],
                                  .styles = array_part(&b->decoder_styles, g->first + first, past - first)};
    const struct array x = array_part(&g->x, g->doubled_begin[first], halves[past - first]);
    const float *samples = generator(k, &speech, &x, begin);
    const bool fitted = !nn->arena.overflow;
    for (int i = 0; fitted && i < past - first; i++) {
        struct kokoro_utterance *u = speech.utterances[i];
        if (!samples || utterance_cancelled(u) ||
            !u->emit(u->user, samples + begin[i], (size_t)(begin[i + 1] - begin[i])))
            u->status = error_set(&u->error, LT_ERR_CANCELLED, "cancelled while speaking");
        finish(u);
    }
    nn->arena.overflow = false;
    arena_release(&nn->arena, mark);
    return fitted;
}

static void refuse_length(struct kokoro_utterance *u, int frames, size_t bytes)
{
    u->status = error_set(&u->error, LT_ERR_MEMORY,
                          "an utterance of %.0f seconds needs more working memory than %zu MiB: raise "
                          "memory.limit_bytes, or let it be spoken faster",
                          frames / 40.0, bytes / MEBIBYTE);
    finish(u);
}

/* Utterance i of a group does not fit. */
static void leave(const struct kokoro *k, struct batch *b, const struct group *g, int i)
{
    struct kokoro_utterance *u = b->utterances[g->first + i];
    if (b->count > 1) { /* alone, it may */
        b->unfit[b->unfit_count++] = u;
        return;
    }
    refuse_length(u, g->begin[i + 1] - g->begin[i], k->allowed);
}

/* The first of the utterances up to past - 1 of a group that go through the generator together. One that is cancelled goes alone,
 * which ends it at once. */
static int first_together(const struct kokoro *k, const struct batch *b, const struct group *g, int past)
{
    struct kokoro_utterance *const *utterances = b->utterances + g->first;
    const int threads = threads_count(k->nn.threads), most = GENERATOR_FRAMES * (threads > 2 ? threads : 2);
    const int frames = g->begin[past] - g->begin[past - 1];
    int first = past - 1;
    while (b->count >= GENERATOR_BATCH && first > 0 && !utterance_cancelled(utterances[first]) &&
           !utterance_cancelled(utterances[first - 1])) {
        const int together = g->begin[past] - g->begin[first - 1];
        if (together > most || need(k, together) > k->group_memory ||
            !generator_alike(k, frames, g->begin[first] - g->begin[first - 1]))
            break;
        first--;
    }
    return first;
}

/* Sound of a group, the shortest first. */
static void generate_all(struct kokoro *k, struct batch *b, struct group *g)
{
    for (int past = g->count; past > 0;) {
        int first = first_together(k, b, g, past);
        if (g->begin[past] - g->begin[past - 1] >= LONG_FRAMES)
            model_forget_pages(k->model);
        if (!g->x.data || !generate(k, b, g, first, past)) {
            first = past - 1;
            if (!g->x.data || !generate(k, b, g, first, past))
                leave(k, b, g, first);
        }
        past = first;
    }
}

/* Sound of a batch, in groups from its end, where the shortest are. */
static void decode(struct kokoro *k, struct batch *b)
{
    struct nn *nn = &k->nn;
    for (int past = b->count; past > 0;) {
        struct group g = {.first = past - 1, .count = 1};
        while (g.first > 0 && b->frame_begin[past] - b->frame_begin[g.first - 1] <= GROUP_FRAMES)
            g.first--;
        g.count = past - g.first;
        const size_t mark = nn->arena.used;
        decode_group(k, b, &g);
        generate_all(k, b, &g);
        arena_release(&nn->arena, mark);
        past = g.first;
    }
}

static bool check(const struct kokoro *k, struct kokoro_utterance *u)
{
    u->status = error_none(&u->error);
    if (u->count < 2 || u->count > k->model->albert.position_count)
        u->status = error_set(&u->error, LT_ERR_ARGUMENT,
                              "an utterance of %d phonemes: 1 to %d can be spoken at once", u->count - 2,
                              k->model->albert.position_count - 2);
    else if (!(u->speed > 0))
        u->status = error_set(&u->error, LT_ERR_ARGUMENT, "the speed must be above 0");
    for (int i = 0; u->status == LT_OK && i < u->count; i++)
        if (u->ids[i] < 0 || u->ids[i] >= k->model->vocabulary)
            u->status = error_set(&u->error, LT_ERR_ARGUMENT, "phoneme id %d: the model has 0 to %d",
                                  u->ids[i], k->model->vocabulary - 1);
    return u->status == LT_OK;
}

static void fail_all(const struct batch *b, lt_status status, const char *message)
{
    for (int i = 0; i < b->count; i++) {
        b->utterances[i]->status = error_set(&b->utterances[i]->error, status, "%s", message);
        finish(b->utterances[i]);
    }
}

/* Ends the utterances that came out longer than they may, and returns how many are left, in the first places. */
static int drop_long_ones(const struct kokoro *k, const struct batch *b)
{
    int left = 0;
    for (int i = 0; i < b->count; i++) {
        struct kokoro_utterance *u = b->utterances[i];
        const int frames = b->frame_begin[i + 1] - b->frame_begin[i];
        if (u->most_memory > 0 && kokoro_need(k, frames) > u->most_memory)
            refuse_length(u, frames, u->most_memory);
        else
            b->utterances[left++] = u;
    }
    return left;
}

/* Speaks a batch; one that does not fit into the arena, in halves; one with utterances that are too long, once more without them. */
static void speak_batch(struct kokoro *k, struct kokoro_utterance **utterances, int count)
{
    struct batch b = {.utterances = utterances, .count = count};
    bool fits = prepare(k, &b) && encode(k, &b);
    const int left = fits ? drop_long_ones(k, &b) : count;
    if (left < count) {
        arena_release(&k->nn.arena, 0);
        if (left > 0)
            speak_batch(k, utterances, left);
        return;
    }
    if (fits) {
        predict_prosody(k, &b);
        kokoro_clock(k, KOKORO_PROSODY);
        fits = !k->nn.arena.overflow;
    }
    if (fits)
        decode(k, &b);
    k->nn.arena.overflow = false;
    arena_release(&k->nn.arena, 0);
    if (!fits && count == 1)
        fail_all(&b, LT_ERR_MEMORY,
                 "an utterance needs more working memory than there is: raise memory.limit_bytes");
    else if (!fits) {
        speak_batch(k, utterances, count / 2);
        speak_batch(k, utterances + count / 2, count - count / 2);
    }
    for (int i = 0; i < b.unfit_count; i++)
        speak_batch(k, &b.unfit[i], 1);
}

/* Makes the arena as large as it may be for this call. */
static lt_status open_arena(struct kokoro *k, lt_error *error)
{
    const lt_status status = arena_reserve(&k->nn.arena, k->most_memory, error);
    if (status == LT_OK)
        arena_limit(&k->nn.arena, k->allowed);
    return status;
}

/* Longer ones first. */
static int compare_lengths(const void *a, const void *b)
{
    const struct kokoro_utterance *const *x = a, *const *y = b;
    return ((*x)->count < (*y)->count) - ((*x)->count > (*y)->count);
}

void kokoro_speak(struct kokoro *k, struct kokoro_utterance **utterances, int count)
{
    struct kokoro_utterance *good[KOKORO_MAX_BATCH];
    int good_count = 0;
    lt_error error;
    for (int i = 0; i < count; i++)
        if (check(k, utterances[i]))
            good[good_count++] = utterances[i];
        else
            finish(utterances[i]);
    if (good_count == 0)
        return;
    qsort(good, (size_t)good_count, sizeof *good, compare_lengths);
    k->since = clock_seconds();
    if (open_arena(k, &error) != LT_OK)
        return fail_all(&(struct batch){.utterances = good, .count = good_count}, error.status,
                        error.message);
    speak_batch(k, good, good_count);
    arena_trim(&k->nn.arena, k->keep_memory);
}
