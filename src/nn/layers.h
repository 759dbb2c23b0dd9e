/* layers.h: the layers of the network, made of kernels.
 *
 * Activations are arrays [time][channels]. A batch of utterances of different lengths is one array in which they follow
 * one another; `spans` says where each begins. Every result of an utterance is the same, bit by bit, whatever
 * else is in the batch and however many threads run it: rows are cut into blocks of fixed size, and sums over
 * time are added block by block in order.
 *
 * Normalisation never has a pass of its own. A layer that writes an array also sums it (`moments`), and the layer that
 * reads it normalises as it reads (`scale` and `shift` a channel). */
#ifndef NN_LAYERS_H
#define NN_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/threads.h"
#include "kernels/kernels.h"
#include "nn/arena.h"

/* What a layer needs to run. */
struct nn {
    struct kernels kernels;
    const struct products *products; /* for everything heavy: kernels.fast, or kernels.exact */
    const struct products *fine;     /* little work on which much hangs: kernels.fine, or kernels.exact */
    struct threads *threads;
    struct arena arena;
    double multiplications; /* multiply-adds of all product layers so far, padding not counted */
};

/* A product weight of the model file, [out][taps][in]; docs/model-format.md. */
struct weight {
    const void *data; /* in the mapped file */
    enum value_type type;
    int out, taps, in; /* in: padded to a multiple of 32 */
    size_t row_bytes;  /* from one output channel to the next */
    const float *bias; /* [out] or NULL */
};

/* [rows][channels], row t at data + t * stride elements. */
struct array {
    void *data;
    enum value_type type; /* VALUE_F32 or VALUE_F16 */
    int rows, channels;
    ptrdiff_t stride;
};

/* Where each utterance's rows lie in an array: utterance i has rows begin[i] to begin[i + 1] - 1. */
struct spans {
    int count;
    const int *begin; /* [count + 1] */
};

/* Sums over the rows of one utterance, of one channel. */
struct moments {
    double sum, squares;
};

/* An uninitialised array from the arena; data is NULL after an overflow of the arena. */
struct array nn_array(struct nn *nn, enum value_type type, int rows, int channels);

/* Address of a row, and the part of an array from row `first` on. */
void *array_row(const struct array *array, int row);
struct array array_part(const struct array *array, int first, int rows);
static inline float *array_floats(const struct array *array, int row)
{
    return (float *)array->data + row * array->stride;
}

/* One product layer: linear (one tap), convolution, or transposed convolution in its ordinary form:
 *   out[t] = (after(sum over taps j: weight_j * before(in[t * stride - padding + j * dilation] * scale + shift) + bias)
 *             + residual[t]) * factor + addend[t]
 * where rows of `in` outside the utterance are zero (after `before`). */
struct layer {
    const struct weight *weight;
    const void *panels;              /* the weight as nn_panels expanded it, or NULL */
    const struct products *products; /* NULL: nn->products */
    struct array in, out;
    struct spans in_spans, out_spans; /* count 0: one span, the whole array */
    bool alike; /* whatever spans come together here, either all have NN_LONG_ROWS output rows or none has */
    int stride, dilation, padding;      /* stride 0 means 1, dilation 0 means 1 */
    const float *scale, *shift;         /* [spans][in.channels], both or neither */
    enum activation before;             /* NONE, LEAKY, SNAKE */
    const float *alpha, *inverse_alpha; /* [in.channels], for SNAKE */
    enum activation after;              /* NONE, LEAKY, GELU */
    float before_slope, after_slope;    /* of LEAKY */
    const struct array *residual;       /* like `out`; may be `out` itself */
    const struct array *addend;         /* like `out`; may be `out` itself */
    float factor;                       /* 0 means 1 */
    struct moments *moments; /* [spans][out.channels]: set to the sums of what was stored; or NULL */
};
void nn_layer(struct nn *nn, const struct layer *layer);

/* Output rows of an utterance from which on a layer, where it can, is a fast convolution (kernels.h): those round other
 * than plain products, so that spans must be alike in this, or the result would hang on the batch. */
enum { NN_LONG_ROWS = 512 };

/* Bytes of the arena that a long layer of this weight, without stride, takes for itself on so many threads: panels and packed rows. */
size_t nn_layer_bytes(const struct nn *nn, const struct weight *weight, int dilation, int threads);

/* Expands a weight for `products` once and for all, for layers of few rows that use it again and again; in the arena. NULL
 * when it is full. */
const void *nn_panels(struct nn *nn, const struct products *products, const struct weight *weight);

/* Sums of an array that no layer has summed: moments [spans][channels]. Where `added` is not NULL, it is added to the
 * array first; it has the same shape, type and stride. */
void nn_moments(struct nn *nn, const struct array *array, const struct array *added, struct spans spans,
                struct moments *moments);

/* Adaptive instance normalisation as coefficients of the next layer's prologue: with mean and variance of each channel
 * over `rows` rows, x -> (x - mean) / sqrt(variance + 1e-5) * (1 + gamma) + beta. `style` is [2 * channels]:
 * gamma, then beta. */
void nn_adain(const struct moments *moments, int rows, const float *style, int channels, float *scale,
              float *shift);

/* A bidirectional LSTM of one layer. Inputs are in.channels wide, out is [rows][2 * hidden], forward first; `out` may be
 * `in` or part of it. `products` is for the inputs; NULL: nn->products. */
struct lstm {
    struct weight input[2];     /* [4 * hidden][in] with both biases added, forward and reverse */
    struct weight recurrent[2]; /* [4 * hidden][hidden] */
    int hidden;
};
void nn_lstm(struct nn *nn, const struct lstm *lstm, const struct products *products, const struct array *in,
             const struct array *out, struct spans spans);

/* Self-attention of every utterance over itself, with these products: qkv is [rows][3 * width], out [rows][width] (float32). */
void nn_attention(struct nn *nn, const struct products *products, const struct array *qkv,
                  const struct array *out, struct spans spans, int heads);

#endif
