/* attention.c: self-attention (layers.h): for each utterance and head, softmax(Q K' / sqrt(d)) V. */
#include <math.h>

#include "nn/layers.h"

struct attention_run {
    const struct nn *nn;
    const struct products *products;
    const struct array *qkv, *out;
    struct spans spans;
    int heads, width; /* width of a head */
    unsigned char *scratch;
    size_t scratch_size; /* bytes a thread */
};

/* Places of a thread's scratch, for an utterance of `rows` rows. */
struct attention_scratch {
    size_t packed, panels, scores, total;
};

static size_t aligned(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static struct attention_scratch attention_layout(const struct products *products, int rows, int width)
{
    const int long_k = kernels_padded(rows), short_k = kernels_padded(width);
    const size_t keys = panel_bytes(products, rows, 1, short_k),
                 values = panel_bytes(products, width, 1, long_k);
    const int k = long_k > short_k ? long_k : short_k;
    struct attention_scratch at = {0};
    at.panels = aligned((size_t)rows * (size_t)packed_stride(products, k) * packed_bytes(products));
    at.scores = at.panels + aligned(keys > values ? keys : values);
    at.total = at.scores + aligned((size_t)rows * (size_t)rows * sizeof(float));
    return at;
}

/* out = a x panels, where a is packed from `from` first. */
static void attention_product(const struct products *products, const float *from, ptrdiff_t from_stride,
                              int rows, int channels, void *packed, const void *panels, int columns,
                              float *out, ptrdiff_t out_stride)
{
    const int k = kernels_padded(channels), stride = packed_stride(products, k);
    products->prologue(&(struct prologue){.in = from,
                                          .type = VALUE_F32,
                                          .in_stride = from_stride,
                                          .out = packed,
                                          .out_stride = stride,
                                          .rows = rows,
                                          .channels = channels,
                                          .padded = k});
    products->product(&(struct product){.a = packed,
                                        .a_stride = stride,
                                        .rows = rows,
                                        .row_step = 1,
                                        .taps = 1,
                                        .tap_step = 1,
                                        .k = k,
                                        .panels = panels,
                                        .columns = columns,
                                        .scale = 1,
                                        .out = out,
                                        .type = VALUE_F32,
                                        .out_stride = out_stride});
}

static void attention_task(void *arg, int task, int thread)
{
    const struct attention_run *run = arg;
    const struct products *products = run->products;
    const int span = task / run->heads, head = task % run->heads, width = run->width;
    const int begin = run->spans.begin[span], rows = run->spans.begin[span + 1] - begin;
    const struct attention_scratch at = attention_layout(products, rows, width);
    unsigned char *scratch = run->scratch + run->scratch_size * (size_t)thread;
    void *packed = scratch + at.packed, *panels = scratch + at.panels;
    float *scores = (float *)(void *)(scratch + at.scores);
    const ptrdiff_t stride = run->qkv->stride;
    const float *query = array_floats(run->qkv, begin) + head * width;
    const float *key = query + run->heads * width, *value = key + run->heads * width;

    products->expand(&(struct expand){.source = key,
                                      .type = VALUE_F32,
                                      .row_bytes = (size_t)stride * sizeof(float),
                                      .columns = rows,
                                      .source_k = width,
                                      .tap_step = 1,
                                      .taps = 1,
                                      .k = width,
                                      .panels = panels});
    attention_product(products, query, stride, rows, width, packed, panels, rows, scores, rows);
    run->nn->kernels.softmax(scores, rows, rows, rows, 1.0f / sqrtf((float)width));
    products->expand_rows(&(struct expand_rows){
        .source = value, .type = VALUE_F32, .stride = stride, .columns = width, .k = rows, .panels = panels});
    attention_product(products, scores, rows, rows, rows, packed, panels, width,
                      array_floats(run->out, begin) + head * width, run->out->stride);
}

void nn_attention(struct nn *nn, const struct products *products, const struct array *qkv,
                  const struct array *out, struct spans spans, int heads)
{
    const size_t mark = nn->arena.used;
    struct attention_run run = {.nn = nn,
                                .products = products,
                                .qkv = qkv,
                                .out = out,
                                .spans = spans,
                                .heads = heads,
                                .width = out->channels / heads};
    int longest = 0;
    for (int i = 0; i < spans.count; i++)
        if (spans.begin[i + 1] - spans.begin[i] > longest)
            longest = spans.begin[i + 1] - spans.begin[i];
    run.scratch_size = attention_layout(products, longest, run.width).total;
    run.scratch = arena_take(&nn->arena, run.scratch_size * (size_t)threads_count(nn->threads));
    if (run.scratch)
        threads_run(nn->threads, attention_task, &run, spans.count * heads);
    arena_release(&nn->arena, mark);
}
