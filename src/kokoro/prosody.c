/* prosody.c: text encoder and prosody predictor: modules.py's TextEncoder, DurationEncoder and ProsodyPredictor. */
#include <math.h>
#include <string.h>

#include "kokoro/forward.h"

static const float NORM_EPSILON = 1e-5f;

struct array text_encoder(struct nn *nn, const struct model *model, const int *ids, struct spans spans)
{
    const int rows = spans.begin[spans.count], hidden = model->hidden;
    struct array x = nn_array(nn, VALUE_F32, rows, hidden);
    const size_t mark = nn->arena.used;
    struct array y = nn_array(nn, VALUE_F32, rows, hidden);
    if (nn->arena.overflow)
        return x;
    for (int t = 0; t < rows; t++)
        memcpy(array_floats(&x, t), model->text_embedding + (ptrdiff_t)ids[t] * hidden,
               (size_t)hidden * sizeof(float));
    for (int i = 0; i < model->text_layers; i++) {
        const struct text_layer *layer = &model->text[i];
        nn_layer(nn, &(struct layer){.weight = &layer->conv,
                                     .in = x,
                                     .out = y,
                                     .in_spans = spans,
                                     .padding = (layer->conv.taps - 1) / 2});
        nn->kernels.layer_norm(y.data, y.stride, rows, hidden, layer->norm.weight, layer->norm.bias,
                               NORM_EPSILON);
        nn->kernels.activate(x.data, y.data, (size_t)rows * (size_t)hidden, ACTIVATION_LEAKY, 0.2f);
    }
    nn_lstm(nn, &model->text_lstm, NULL, &x, &x, spans);
    arena_release(&nn->arena, mark);
    return x;
}

/* AdaLayerNorm on the first columns of d: layer norm, then (1 + gamma) x + beta of each utterance's style. */
static void ada_layer_norm(struct nn *nn, const struct weight *fc, const struct array *d, int hidden,
                           const struct array *styles, struct spans spans)
{
    const size_t mark = nn->arena.used;
    struct array coefficients = nn_array(nn, VALUE_F32, spans.count, 2 * hidden);
    nn_layer(nn, &(struct layer){
                     .weight = fc, .products = &nn->kernels.exact, .in = *styles, .out = coefficients});
    for (int s = 0; s < spans.count && !nn->arena.overflow; s++) {
        float *gamma = array_floats(&coefficients, s);
        for (int c = 0; c < hidden; c++)
            gamma[c] += 1;
        nn->kernels.layer_norm(array_floats(d, spans.begin[s]), d->stride,
                               spans.begin[s + 1] - spans.begin[s], hidden, gamma, gamma + hidden,
                               NORM_EPSILON);
    }
    arena_release(&nn->arena, mark);
}

void duration_encoder(struct nn *nn, const struct model *model, const struct array *d,
                      const struct array *styles, struct spans spans)
{
    const int hidden = model->hidden;
    if (nn->arena.overflow)
        return;
    for (int s = 0; s < spans.count; s++)
        for (int t = spans.begin[s]; t < spans.begin[s + 1]; t++)
            memcpy(array_floats(d, t) + hidden, array_floats(styles, s),
                   (size_t)model->style * sizeof(float));
    for (int i = 0; i < model->duration_layers; i++) {
        nn_lstm(nn, &model->duration[i].lstm, &nn->kernels.exact, d, d, spans);
        ada_layer_norm(nn, &model->duration[i].style, d, hidden, styles, spans);
    }
}

struct array duration_logits(struct nn *nn, const struct model *model, const struct array *d,
                             struct spans spans)
{
    struct array logits = nn_array(nn, VALUE_F32, d->rows, model->duration_out.out);
    const size_t mark = nn->arena.used;
    struct array x = nn_array(nn, VALUE_F32, d->rows, model->hidden);
    nn_lstm(nn, &model->duration_lstm, &nn->kernels.exact, d, &x, spans);
    nn_layer(nn, &(struct layer){
                     .weight = &model->duration_out, .products = &nn->kernels.exact, .in = x, .out = logits});
    arena_release(&nn->arena, mark);
    return logits;
}

/* begin[i] * 2 */
static struct spans double_spans(struct nn *nn, struct spans spans)
{
    int *begin = arena_take(&nn->arena, (size_t)(spans.count + 1) * sizeof *begin);
    for (int i = 0; begin && i <= spans.count; i++)
        begin[i] = 2 * spans.begin[i];
    return (struct spans){spans.count, begin};
}

/* Coefficients [spans][channels] of adaptive instance norm from the sums of an array and the style. */
struct coefficients {
    float *scale, *shift;
};

static struct coefficients adain(struct nn *nn, const struct weight *fc, const struct array *styles,
                                 const struct moments *moments, struct spans spans)
{
    const int channels = fc->out / 2;
    const size_t floats = (size_t)spans.count * (size_t)channels;
    struct coefficients c = {arena_take(&nn->arena, floats * sizeof(float)),
                             arena_take(&nn->arena, floats * sizeof(float))};
    const size_t mark = nn->arena.used;
    struct array style = nn_array(nn, VALUE_F32, spans.count, 2 * channels);
    nn_layer(nn, &(struct layer){.weight = fc, .products = &nn->kernels.exact, .in = *styles, .out = style});
    for (int s = 0; s < spans.count && !nn->arena.overflow; s++)
        nn_adain(moments + (ptrdiff_t)s * channels, spans.begin[s + 1] - spans.begin[s],
                 array_floats(&style, s), channels, c.scale + (ptrdiff_t)s * channels,
                 c.shift + (ptrdiff_t)s * channels);
    arena_release(&nn->arena, mark);
    return c;
}

static struct moments *take_moments(struct nn *nn, struct spans spans, int channels)
{
    return arena_take(&nn->arena, (size_t)spans.count * (size_t)channels * sizeof(struct moments));
}

/* Normalises, activates and doubles the rows: what conv1 reads in a block with a pool. */
static struct array pooled(struct nn *nn, const struct adain_block *block, const struct array *in,
                           struct coefficients c, struct spans spans)
{
    struct array out = nn_array(nn, VALUE_F32, 2 * in->rows, block->in);
    const size_t mark = nn->arena.used;
    struct array active = nn_array(nn, VALUE_F32, in->rows, block->in);
    for (int s = 0; s < spans.count && !nn->arena.overflow; s++) {
        const int begin = spans.begin[s], rows = spans.begin[s + 1] - begin;
        nn->kernels.exact.prologue(&(struct prologue){.in = array_row(in, begin),
                                                      .type = in->type,
                                                      .in_stride = in->stride,
                                                      .out = array_floats(&active, begin),
                                                      .out_stride = active.stride,
                                                      .rows = rows,
                                                      .channels = block->in,
                                                      .padded = block->in,
                                                      .scale = c.scale + (ptrdiff_t)s * block->in,
                                                      .shift = c.shift + (ptrdiff_t)s * block->in,
                                                      .activation = ACTIVATION_LEAKY,
                                                      .slope = 0.2f});
        nn->kernels.pool(array_floats(&out, 2 * begin), out.stride, array_floats(&active, begin),
                         active.stride, rows, block->in, block->pool, block->pool_bias);
    }
    arena_release(&nn->arena, mark);
    return out;
}

/* What is added to the convolutions: the input, its rows doubled with a pool, its channels mapped with a 1x1. */
static struct array shortcut(struct nn *nn, const struct adain_block *block, const struct array *in)
{
    if (!block->shortcut.data && !block->pool)
        return *in;
    const int times = block->pool ? 2 : 1;
    struct array out = nn_array(nn, VALUE_F32, times * in->rows, block->out);
    struct array first = out; /* every first of `times` rows */
    first.rows = in->rows;
    first.stride = times * out.stride;
    if (nn->arena.overflow)
        return out;
    if (block->shortcut.data)
        nn_layer(nn, &(struct layer){.weight = &block->shortcut, .in = *in, .out = first});
    for (int t = 0; t < in->rows; t++) {
        if (!block->shortcut.data)
            memcpy(array_floats(&first, t), array_floats(in, t), (size_t)block->out * sizeof(float));
        for (int i = 1; i < times; i++)
            memcpy(array_floats(&out, times * t + i), array_floats(&first, t),
                   (size_t)block->out * sizeof(float));
    }
    return out;
}

void adain_block(struct nn *nn, const struct adain_block *block, const struct array *in,
                 const struct array *out, const struct array *styles, struct spans spans)
{
    const size_t mark = nn->arena.used;
    const struct spans out_spans = block->pool ? double_spans(nn, spans) : spans;
    struct moments *moments = take_moments(nn, spans, block->in);
    struct moments *inner_moments = take_moments(nn, spans, block->out);
    struct array inner = nn_array(nn, VALUE_F32, out->rows, block->out);
    if (nn->arena.overflow) {
        arena_release(&nn->arena, mark);
        return;
    }
    nn_moments(nn, in, NULL, spans, moments);
    struct coefficients c = adain(nn, &block->style1, styles, moments, spans);
    struct layer conv1 = {.weight = &block->conv1,
                          .in = *in,
                          .out = inner,
                          .in_spans = out_spans,
                          .padding = 1,
                          .moments = inner_moments};
    if (block->pool) {
        conv1.in = pooled(nn, block, in, c, spans);
    } else {
        conv1.scale = c.scale;
        conv1.shift = c.shift;
        conv1.before = ACTIVATION_LEAKY;
        conv1.before_slope = 0.2f;
    }
    nn_layer(nn, &conv1);
    c = adain(nn, &block->style2, styles, inner_moments, out_spans);
    const struct array residual = shortcut(nn, block, in);
    nn_layer(nn, &(struct layer){.weight = &block->conv2,
                                 .in = inner,
                                 .out = *out,
                                 .in_spans = out_spans,
                                 .padding = 1,
                                 .scale = c.scale,
                                 .shift = c.shift,
                                 .before = ACTIVATION_LEAKY,
                                 .before_slope = 0.2f,
                                 .residual = &residual,
                                 .factor = sqrtf(0.5f)});
    arena_release(&nn->arena, mark);
}

void prosody_curve(struct nn *nn, const struct adain_block blocks[3], const float *projection,
                   const float *bias, const struct array *x, const struct array *styles, struct spans spans,
                   float *curve)
{
    const size_t mark = nn->arena.used;
    const struct spans doubled = double_spans(nn, spans);
    struct array a = nn_array(nn, VALUE_F32, x->rows, blocks[0].out);
    struct array b = nn_array(nn, VALUE_F32, 2 * x->rows, blocks[1].out);
    struct array c = nn_array(nn, VALUE_F32, 2 * x->rows, blocks[2].out);
    if (!nn->arena.overflow) {
        adain_block(nn, &blocks[0], x, &a, styles, spans);
        adain_block(nn, &blocks[1], &a, &b, styles, spans);
        adain_block(nn, &blocks[2], &b, &c, styles, doubled);
        for (int t = 0; t < c.rows; t++) {
            double sum = (double)*bias;
            for (int i = 0; i < c.channels; i++)
                sum += (double)projection[i] * (double)array_floats(&c, t)[i];
            curve[t] = (float)sum;
        }
    }
    arena_release(&nn->arena, mark);
}
