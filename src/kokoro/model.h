/* model.h: a Kokoro model: the layers of the network, bound to the tensors of a mapped model file.
 *
 * Nothing is copied: every weight and vector points into the file, which docs/model-format.md describes. All widths
 * come from the tensors' shapes, so a small model of the same architecture runs on the same code. A bound model is
 * constant and may be used from any number of threads. */
#ifndef KOKORO_MODEL_H
#define KOKORO_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kokoro/gguf.h"
#include "nn/layers.h"

enum {
    MODEL_TEXT_LAYERS = 8, /* most layers of the text and the duration encoder */
    MODEL_UPSAMPLES = 4,   /* most upsampling stages of the generator */
    MODEL_BLOCKS = 4,      /* most residual blocks of one stage */
    MODEL_STEPS = 3        /* steps of a residual block */
};

/* Layer normalisation over channels. */
struct layer_norm {
    const float *weight, *bias;
    int channels;
};

/* ALBERT: a transformer that repeats one layer. */
struct albert {
    const float *words, *positions, *types; /* embeddings, [vocabulary | positions | 2][embedding] */
    int embedding, position_count;
    struct layer_norm embedding_norm;
    struct weight in; /* embedding -> width */
    struct weight qkv, dense, ffn, ffn_out;
    struct layer_norm attention_norm, full_norm;
    int width, heads, repeats;
};

/* AdainResBlk1d (istftnet.py): two convolutions with adaptive instance norm and a shortcut; doubles the rows
 * when it has a pool. */
struct adain_block {
    struct weight conv1, conv2;
    struct weight shortcut;        /* 1x1; data NULL when widths in and out are the same */
    struct weight style1, style2;  /* style -> gamma, beta of the norms before conv1 and conv2 */
    const float *pool, *pool_bias; /* [3][in], [in]; NULL: no upsampling */
    int in, out;                   /* channels */
};

/* AdaINResBlock1 (istftnet.py): steps of norm, snake, convolution, norm, snake, convolution, added to the input. */
struct snake_block {
    struct weight conv1[MODEL_STEPS], conv2[MODEL_STEPS];
    struct weight style1[MODEL_STEPS], style2[MODEL_STEPS];
    const float *alpha1[MODEL_STEPS], *alpha2[MODEL_STEPS];
    int dilation[MODEL_STEPS];
    int channels;
};

struct upsample {
    struct weight up;    /* transposed convolution: rate * channels outputs a row */
    int rate, padding;   /* rows out per row in; rows cut at the beginning */
    struct weight noise; /* convolution of the excitation's spectrum */
    int noise_stride, noise_padding;
    struct snake_block noise_block;
    struct snake_block blocks[MODEL_BLOCKS];
    int channels;
};

struct duration_layer {
    struct lstm lstm;
    struct weight style; /* AdaLayerNorm */
};

struct text_layer {
    struct weight conv;
    struct layer_norm norm;
};

struct kokoro_voice {
    char name[GGUF_MAX_NAME + 1];
    const float *table; /* [rows][2 * style] */
    int rows;
};

struct vocabulary_entry {
    uint32_t codepoint;
    int id;
};

struct model {
    struct gguf *gguf;
    const unsigned char
        *forget[2][2]; /* begin and end of what model_forget_pages lets go, on page borders; NULL: nothing */
    enum gguf_type type; /* of the product weights: of most of the file */

    struct albert albert;
    struct weight bert_encoder; /* ALBERT's width -> hidden */

    int hidden, style; /* 512, 128 */
    int vocabulary;    /* rows of the embedding tables */
    int harmonics;     /* sines of the excitation: 9 */

    struct duration_layer duration[MODEL_TEXT_LAYERS];
    int duration_layers;
    struct lstm duration_lstm;
    struct weight duration_out; /* hidden -> sigmoids that add up to a duration */

    struct lstm prosody_lstm; /* "shared" */
    struct adain_block f0[3], energy[3];
    const float *f0_out, *f0_out_bias, *energy_out, *energy_out_bias; /* [hidden / 2], [1] */

    const float *text_embedding; /* [vocabulary][hidden] */
    struct text_layer text[MODEL_TEXT_LAYERS];
    int text_layers;
    struct lstm text_lstm;

    const float *f0_conv, *f0_conv_bias, *energy_conv, *energy_conv_bias; /* [3], [1]: 80 Hz to 40 Hz */
    struct weight asr_res;
    struct adain_block encode, decode[4];

    const float *source, *source_bias; /* [harmonics], [1] */
    struct upsample upsamples[MODEL_UPSAMPLES];
    int upsample_count, block_count;
    struct weight conv_post;
    int n_fft, hop;

    struct kokoro_voice *voices; /* owned; sorted by name */
    size_t voice_count;
    struct vocabulary_entry *symbols; /* owned; sorted by code point */
    size_t symbol_count;
};

/* Opens and binds the model file at `path`. On success *model is the caller's, closed by model_close. Errors:
 * LT_ERR_IO, LT_ERR_MODEL (not a Kokoro model, a missing tensor, shapes that do not fit), LT_ERR_MEMORY. */
lt_status model_open(const char *path, struct model **model, lt_error *error);

/* The same on an open file, which the model then owns, also when binding fails. */
lt_status model_bind(struct gguf *gguf, struct model **model, lt_error *error);

void model_close(struct model *model); /* NULL is fine */

/* Lets go of the resident pages of all weights but the generator's; they come back from the page cache when they are read
 * again. Any thread may be reading them. */
void model_forget_pages(const struct model *model);

/* Rows of audio frames (at 40 Hz) to samples: 600. */
int model_samples_per_frame(const struct model *model);

/* The id of a phoneme symbol; -1 when the model has none. */
int model_symbol(const struct model *model, uint32_t codepoint);

#endif
