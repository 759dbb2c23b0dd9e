/* lstm.c: the bidirectional LSTM (layers.h).
 *
 * What the inputs add to the gates is one product over all time steps. Only the recurrent part is serial; its chains
 * (utterances times two directions) run side by side on the threads, each with its direction's weights
 * unpacked once into a form that stays in the cache. */
#include <string.h>

#include "nn/layers.h"

struct lstm_run {
    const struct nn *nn;
    const struct lstm *lstm;
    const struct array *out;
    struct spans spans;
    enum value_type type; /* of the packed recurrent weights */
    void *packed[2];
    float *unpacked[2]; /* [4 * hidden][hidden] */
    struct array gates[2];
    float *cells; /* [chain][2 * hidden]: c, and h before the first step */
};

static void unpack_task(void *arg, int direction, int thread)
{
    (void)thread;
    const struct lstm_run *run = arg;
    const struct weight *weight = &run->lstm->recurrent[direction];
    const int hidden = run->lstm->hidden;
    float *row = run->unpacked[direction];
    for (int i = 0; i < weight->out; i++, row += weight->in)
        run->nn->kernels.to_float(row, (const unsigned char *)weight->data + weight->row_bytes * (size_t)i,
                                  weight->type, (size_t)weight->in);
    /* rows of the file are padded to 32, those of matvec_pack are not */
    if (weight->in != hidden)
        for (int i = 1; i < weight->out; i++)
            memmove(run->unpacked[direction] + (ptrdiff_t)i * hidden,
                    run->unpacked[direction] + (ptrdiff_t)i * weight->in, (size_t)hidden * sizeof(float));
    matvec_pack(run->unpacked[direction], weight->out, hidden, run->type, run->packed[direction]);
}

static void chain_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct lstm_run *run = arg;
    const struct kernels *kernels = &run->nn->kernels;
    const int hidden = run->lstm->hidden;
    const int direction = task & 1, span = task >> 1;
    const int begin = run->spans.begin[span], end = run->spans.begin[span + 1];
    float *cell = run->cells + (ptrdiff_t)task * 2 * hidden;
    const float *before = cell + hidden;
    memset(cell, 0, (size_t)hidden * 2 * sizeof *cell);
    for (int step = 0; step < end - begin; step++) {
        const int row = direction ? end - 1 - step : begin + step;
        float *gates = array_floats(&run->gates[direction], row);
        float *h = array_floats(run->out, row) + direction * hidden;
        const struct matvec matvec = {.w = run->packed[direction],
                                      .type = run->type,
                                      .n = 4 * hidden,
                                      .k = hidden,
                                      .batch = 1,
                                      .x = before,
                                      .y = gates};
        kernels->matvec(&matvec);
        kernels->lstm_cell(gates, cell, h, hidden);
        before = h;
    }
}

void nn_lstm(struct nn *nn, const struct lstm *lstm, const struct products *products, const struct array *in,
             const struct array *out, struct spans spans)
{
    const size_t mark = nn->arena.used;
    const int hidden = lstm->hidden;
    struct lstm_run run = {.nn = nn, .lstm = lstm, .out = out, .spans = spans};
    run.type = nn->products == &nn->kernels.exact ? VALUE_F32 : VALUE_BF16;
    for (int i = 0; i < 2; i++) {
        run.gates[i] = nn_array(nn, VALUE_F32, in->rows, 4 * hidden);
        run.packed[i] = arena_take(&nn->arena, matvec_bytes(run.type, 4 * hidden, hidden));
        nn_layer(nn, &(struct layer){
                         .weight = &lstm->input[i], .products = products, .in = *in, .out = run.gates[i]});
    }
    run.cells = arena_take(&nn->arena, (size_t)spans.count * 4 * (size_t)hidden * sizeof(float));
    const size_t unpacking = nn->arena.used;
    for (int i = 0; i < 2; i++)
        run.unpacked[i] = arena_take(&nn->arena, (size_t)lstm->recurrent[i].out *
                                                     (size_t)lstm->recurrent[i].in * sizeof(float));
    if (!nn->arena.overflow) {
        threads_run(nn->threads, unpack_task, &run, 2);
        arena_release(&nn->arena, unpacking);
        threads_run(nn->threads, chain_task, &run, 2 * spans.count);
    }
    arena_release(&nn->arena, mark);
}
