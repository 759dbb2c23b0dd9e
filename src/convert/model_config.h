/* model_config.h: what a model's tensors do not tell: config.json as published beside the checkpoint, or the
 * published values. */
#ifndef CONVERT_MODEL_CONFIG_H
#define CONVERT_MODEL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What the engine takes: kokoro/model.c has the same limits. */
enum {
    MODEL_MAX_UPSAMPLES = 4,
    MODEL_MAX_KERNELS = 4,
    MODEL_DILATIONS = 3, /* of each residual block, neither more nor less: istftnet.py */
    MODEL_MAX_LAYERS = 8,
    MODEL_MAX_RATE = 64, /* of an upsampling, and the largest dilation */
    MODEL_MAX_FFT = 64
};

/* Widths that both config.json and the tensors tell; 0 in a configuration that does not say. */
enum model_width {
    WIDTH_HIDDEN, /* hidden_dim */
    WIDTH_STYLE,  /* style_dim */
    WIDTH_TOKENS, /* n_token */
    WIDTH_LAYERS, /* n_layer */
    WIDTH_MAX_DURATION,
    WIDTH_TEXT_KERNEL, /* text_encoder_kernel_size */
    WIDTH_BERT,        /* plbert.hidden_size */
    WIDTH_BERT_INNER,  /* plbert.intermediate_size */
    WIDTH_BERT_POSITIONS,
    WIDTH_UPSAMPLE_INITIAL, /* istftnet.upsample_initial_channel */
    WIDTH_N_FFT,            /* istftnet.gen_istft_n_fft */
    WIDTH_COUNT
};

/* The name of a width in config.json, "plbert.hidden_size". */
const char *model_width_name(enum model_width width);

struct model_config {
    uint32_t attention_heads, albert_repeats;
    uint32_t upsample_rates[MODEL_MAX_UPSAMPLES];
    uint32_t upsample_count;
    uint32_t kernel_count;                                   /* residual blocks after each upsampling */
    uint32_t dilations[MODEL_MAX_KERNELS * MODEL_DILATIONS]; /* row by row */
    uint32_t istft_hop;
    uint32_t widths[WIDTH_COUNT];
    char **symbols; /* phoneme symbols, UTF-8 */
    uint32_t *ids;  /* their ids */
    size_t symbol_count;
    const char *origin; /* for messages: the path, or "the published configuration" */
};

/* Reads config.json (NULL: the published values). The result is the caller's, freed with model_config_free
 * also after an error; `path` must outlive it. Errors: LT_ERR_IO, LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status model_config_read(const char *path, struct model_config *config, lt_error *error);

/* The same from the text of a config.json; `name` is what errors call it, and must outlive the result. */
lt_status model_config_parse(const char *text, size_t size, const char *name, struct model_config *config,
                             lt_error *error);
void model_config_free(struct model_config *config);

#endif
