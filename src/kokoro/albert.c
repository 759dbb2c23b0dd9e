/* albert.c: ALBERT (Lan et al. 2019, as in transformers' AlbertModel): a post-norm transformer that applies one layer
 * over and over. Kokoro's "plbert" reads phonemes with it. Durations, pitch and energy follow from what it says, and enlarge
 * its errors (docs/engine.md): its products are the fine ones. */
#include <string.h>

#include "kokoro/forward.h"

static const float ALBERT_EPSILON = 1e-12f;

static void normalize(struct nn *nn, const struct array *x, const struct layer_norm *norm)
{
    nn->kernels.layer_norm(x->data, x->stride, x->rows, x->channels, norm->weight, norm->bias,
                           ALBERT_EPSILON);
}

/* Words + positions + token type 0. */
static void embed(const struct albert *a, const int *ids, struct spans spans, const struct array *out)
{
    for (int s = 0; s < spans.count; s++)
        for (int t = spans.begin[s]; t < spans.begin[s + 1]; t++) {
            const float *word = a->words + (ptrdiff_t)ids[t] * a->embedding;
            const float *position = a->positions + (ptrdiff_t)(t - spans.begin[s]) * a->embedding;
            float *row = array_floats(out, t);
            for (int c = 0; c < a->embedding; c++)
                row[c] = word[c] + position[c] + a->types[c];
        }
}

struct array albert(struct nn *nn, const struct albert *a, const int *ids, struct spans spans)
{
    const int rows = spans.begin[spans.count];
    struct array x = nn_array(nn, VALUE_F32, rows, a->width);
    const size_t mark = nn->arena.used;
    struct array embedded = nn_array(nn, VALUE_F32, rows, a->embedding);
    struct array qkv = nn_array(nn, VALUE_F32, rows, 3 * a->width);
    struct array context = nn_array(nn, VALUE_F32, rows, a->width);
    struct array inner = nn_array(nn, VALUE_F32, rows, a->ffn.out);
    const void *panels[4] = {NULL};
    if (nn->fine->packed != PACKED_F32) { /* so fast that expanding 12 times would take longer; 14 MiB */
        panels[0] = nn_panels(nn, nn->fine, &a->qkv);
        panels[1] = nn_panels(nn, nn->fine, &a->dense);
        panels[2] = nn_panels(nn, nn->fine, &a->ffn);
        panels[3] = nn_panels(nn, nn->fine, &a->ffn_out);
    }
    if (nn->arena.overflow)
        return x;
    embed(a, ids, spans, &embedded);
    normalize(nn, &embedded, &a->embedding_norm);
    nn_layer(nn, &(struct layer){.weight = &a->in, .products = nn->fine, .in = embedded, .out = x});
    for (int i = 0; i < a->repeats; i++) {
        nn_layer(nn, &(struct layer){
                         .weight = &a->qkv, .panels = panels[0], .products = nn->fine, .in = x, .out = qkv});
        nn_attention(nn, nn->fine, &qkv, &context, spans, a->heads);
        nn_layer(nn, &(struct layer){.weight = &a->dense,
                                     .panels = panels[1],
                                     .products = nn->fine,
                                     .in = context,
                                     .out = x,
                                     .residual = &x});
        normalize(nn, &x, &a->attention_norm);
        nn_layer(nn, &(struct layer){.weight = &a->ffn,
                                     .panels = panels[2],
                                     .products = nn->fine,
                                     .in = x,
                                     .out = inner,
                                     .after = ACTIVATION_GELU});
        nn_layer(nn, &(struct layer){.weight = &a->ffn_out,
                                     .panels = panels[3],
                                     .products = nn->fine,
                                     .in = inner,
                                     .out = x,
                                     .residual = &x});
        normalize(nn, &x, &a->full_norm);
    }
    arena_release(&nn->arena, mark);
    return x;
}
