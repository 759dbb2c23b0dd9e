/* kokoro.c: from phoneme ids to samples. See kokoro.h.
 *
 * speak_batch reads from top to bottom as KModel.forward_with_tokens (model.py) does. What depends on phonemes runs on the
 * whole batch at once, where the products gain from more rows; the decoder and the generator, which have thousands of
 * rows, take one utterance after another, so that memory follows from the longest one. */
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
    k->storage = exact ? VALUE_F32 : VALUE_F16;
    k->most_memory = options->most_memory ? options->most_memory : 1024 * MEBIBYTE;
    k->keep_memory = options->keep_memory ? options->keep_memory : 32 * MEBIBYTE;
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
    int *all_ids, *durations;                    /* [ids] */
    struct array decoder_styles, prosody_styles; /* [utterances][style] */
    struct array text;                           /* [ids][hidden] */
    struct array d;                              /* duration encoder's output, [ids][hidden + style] */
    float *f0, *energy;                          /* [2 * frames] */
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
        nn_lstm(nn, &m->prosody_lstm, NULL, &stretched, &x, b->frames);
        prosody_curve(nn, m->f0, m->f0_out, m->f0_out_bias, &x, &b->prosody_styles, b->frames, b->f0);
        prosody_curve(nn, m->energy, m->energy_out, m->energy_out_bias, &x, &b->prosody_styles, b->frames,
                      b->energy);
        int begin[KOKORO_MAX_BATCH + 1];
        const struct spans doubled = {b->count, begin};
        for (int i = 0; i <= b->count; i++)
            begin[i] = 2 * b->frame_begin[i];
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

/* Sound of utterance i. */
static void decode(struct kokoro *k, struct batch *b, int i)
{
    struct nn *nn = &k->nn;
    struct kokoro_utterance *u = b->utterances[i];
    const int frames = b->frame_begin[i + 1] - b->frame_begin[i];
    const size_t mark = nn->arena.used;
    struct speech speech = {.style = u->style,
                            .f0 = b->f0 + 2 * b->frame_begin[i],
                            .energy = b->energy + 2 * b->frame_begin[i],
                            .seed = u->seed,
                            .probe = u->probe,
                            .cancelled = u->cancelled};
    const struct array style = array_part(&b->decoder_styles, i, 1);
    const struct array text = array_part(&b->text, b->id_begin[i], u->count);
    struct array x = nn_array(nn, VALUE_F32, 2 * frames, k->model->decode[3].out);
    const size_t decoding = nn->arena.used;
    speech.asr = nn_array(nn, VALUE_F32, frames, k->model->hidden);
    if (speech.asr.data)
        stretch(&text, b->durations + b->id_begin[i], u->count, &speech.asr);
    probe_stage(u->probe, "decoder_asr", &speech.asr);
    decoder(k, &speech, &style, &x);
    arena_release(&nn->arena, decoding);
    kokoro_clock(k, KOKORO_DECODER);
    if (frames >= LONG_FRAMES)
        model_forget_pages(k->model);
    size_t count = 0;
    const float *samples = nn->arena.overflow ? NULL : generator(k, &speech, &x, &style, &count);
    if (nn->arena.overflow)
        u->status = error_set(&u->error, LT_ERR_MEMORY,
                              "an utterance of %.0f seconds needs more working memory than %zu MiB",
                              frames / 40.0, k->most_memory / MEBIBYTE);
    else if (!samples || !u->emit(u->user, samples, count))
        u->status = error_set(&u->error, LT_ERR_CANCELLED, "cancelled while speaking");
    nn->arena.overflow = false;
    arena_release(&nn->arena, mark);
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

static void fail_all(struct batch *b, lt_status status, const char *message)
{
    for (int i = 0; i < b->count; i++)
        b->utterances[i]->status = error_set(&b->utterances[i]->error, status, "%s", message);
}

static void speak_batch(struct kokoro *k, struct batch *b)
{
    struct nn *nn = &k->nn;
    lt_error error;
    k->since = clock_seconds();
    if (arena_reserve(&nn->arena, k->most_memory, &error) != LT_OK)
        return fail_all(b, error.status, error.message);
    if (!prepare(k, b) || !encode(k, b))
        return fail_all(b, LT_ERR_MEMORY, "the batch needs more working memory than is allowed");
    predict_prosody(k, b);
    if (nn->arena.overflow)
        return fail_all(b, LT_ERR_MEMORY, "the batch needs more working memory than is allowed");
    kokoro_clock(k, KOKORO_PROSODY);
    for (int i = 0; i < b->count; i++)
        decode(k, b, i);
}

void kokoro_speak(struct kokoro *k, struct kokoro_utterance **utterances, int count)
{
    struct kokoro_utterance *good[KOKORO_MAX_BATCH];
    struct batch batch = {.utterances = good};
    for (int i = 0; i < count; i++)
        if (check(k, utterances[i]))
            good[batch.count++] = utterances[i];
    if (batch.count)
        speak_batch(k, &batch);
    arena_release(&k->nn.arena, 0);
    arena_trim(&k->nn.arena, k->keep_memory);
}
