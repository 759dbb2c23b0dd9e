/* decoder.c: istftnet.py's Decoder up to the generator: text encoding, F0 and energy, mixed in five blocks. Several short
 * utterances go through it together, since its weights are large and their rows are few. */
#include <string.h>

#include "kokoro/forward.h"

/* Curves at 80 Hz to 40 Hz: convolution of kernel 3, stride 2, padding 1, into column `column` of `out`. */
static void halve_curves(const float *curve, struct spans frames, const float *weight, float bias,
                         const struct array *out, int column)
{
    for (int i = 0; i < frames.count; i++)
        for (int t = frames.begin[i]; t < frames.begin[i + 1]; t++) {
            const float before = t > frames.begin[i] ? curve[2 * t - 1] : 0;
            array_floats(out, t)[column] =
                weight[0] * before + weight[1] * curve[2 * t] + weight[2] * curve[2 * t + 1] + bias;
        }
}

/* The same columns of two arrays. */
static void copy_columns(const struct array *to, int to_column, const struct array *from, int from_column,
                         int columns)
{
    for (int t = 0; t < from->rows; t++)
        memcpy(array_floats(to, t) + to_column, array_floats(from, t) + from_column,
               (size_t)columns * sizeof(float));
}

/* Columns first .. first + columns - 1. */
static struct array columns_of(const struct array *array, int first, int columns)
{
    struct array part = *array;
    part.data = array_floats(array, 0) + first;
    part.channels = columns;
    return part;
}

void decoder(struct kokoro *k, const struct decoding *decoding, const struct array *out)
{
    struct nn *nn = &k->nn;
    const struct model *m = k->model;
    const struct spans spans = decoding->frames;
    const struct array *text = &decoding->text, *styles = &decoding->styles;
    const int frames = text->rows, width = m->encode.out, extra = m->asr_res.out + 2;
    const size_t mark = nn->arena.used;
    /* each block's input is the output of the block before, then the same `extra` columns: text, F0, energy */
    struct array in = nn_array(nn, VALUE_F32, frames, m->hidden + 2);
    struct array a = nn_array(nn, VALUE_F32, frames, width + extra);
    struct array b = nn_array(nn, VALUE_F32, frames, width + extra);
    if (nn->arena.overflow)
        return;
    copy_columns(&in, 0, text, 0, m->hidden);
    halve_curves(decoding->f0, spans, m->f0_conv, *m->f0_conv_bias, &in, m->hidden);
    halve_curves(decoding->energy, spans, m->energy_conv, *m->energy_conv_bias, &in, m->hidden + 1);
    struct array asr_res = columns_of(&a, width, m->asr_res.out);
    nn_layer(nn, &(struct layer){.weight = &m->asr_res, .in = *text, .out = asr_res});
    copy_columns(&a, width + m->asr_res.out, &in, m->hidden, 2);
    copy_columns(&b, width, &a, width, extra);

    struct array to = columns_of(&a, 0, width);
    adain_block(nn, &m->encode, &in, &to, styles, spans);
    probe_batch(decoding->utterances, "decoder_encode", &to, spans);
    for (int i = 0; i < 3; i++) {
        to = columns_of(&b, 0, m->decode[i].out);
        adain_block(nn, &m->decode[i], &a, &to, styles, spans);
        if (i == 0)
            probe_batch(decoding->utterances, "decoder_decode0", &to, spans);
        const struct array swap = a;
        a = b;
        b = swap;
    }
    adain_block(nn, &m->decode[3], &a, out, styles, spans);
    arena_release(&nn->arena, mark);
}
