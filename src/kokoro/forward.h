/* forward.h: the parts of the forward pass, in the order in which kokoro.c calls them.
 *
 * All work on arrays [time][channels] from the arena of `nn`; none fails except by overflowing it. */
#ifndef KOKORO_FORWARD_H
#define KOKORO_FORWARD_H

#include "kokoro/kokoro.h"
#include "nn/stft.h"

struct kokoro {
    const struct model *model;
    struct nn nn;
    enum value_type storage; /* of the generator's arrays */
    struct stft stft;
    size_t most_memory, keep_memory, group_memory; /* constant */
    size_t allowed;                                /* of most_memory, what the next call may take */
    struct kokoro_cost costs[KOKORO_PARTS];
    double since, multiplications; /* clock, and the layers' count, at the end of the last part */
};

/* Utterances on their way through the decoder, one after another. */
struct decoding {
    struct kokoro_utterance *const *utterances; /* [frames.count] */
    struct spans frames;
    struct array text;        /* encoding by frame, [frames][hidden] */
    struct array styles;      /* [utterances][style] */
    const float *f0, *energy; /* [2 * frames] */
};

/* Utterances on their way through the generator, one after another; all generator_alike. */
struct speech {
    struct kokoro_utterance *const *utterances; /* [halves.count] */
    struct spans halves;                        /* rows of half frames */
    const float *f0;                            /* [halves] */
    struct array styles;                        /* [utterances][style] */
};

/* Whether nobody waits for an utterance any more. */
static inline bool utterance_cancelled(const struct kokoro_utterance *u)
{
    return u->cancelled && atomic_load_explicit(u->cancelled, memory_order_relaxed);
}

/* Adds the time since the last call to a part. */
void kokoro_clock(struct kokoro *k, enum kokoro_part part);

/* Shows a stage to the utterance's probe, if it has one. */
void probe_stage(const struct kokoro_probe *probe, const char *name, const struct array *array);
/* The same for a batch array, to each utterance's probe. */
void probe_batch(struct kokoro_utterance *const *batch, const char *name, const struct array *array,
                 struct spans spans);

/* ALBERT: ids of all utterances, one after another, to [rows][width]. */
struct array albert(struct nn *nn, const struct albert *albert, const int *ids, struct spans spans);

/* Text encoder: ids to [rows][hidden]. */
struct array text_encoder(struct nn *nn, const struct model *model, const int *ids, struct spans spans);

/* Duration encoder: hidden features (in the first columns of `d`) to [rows][hidden + style], in place. `styles` is
 * [spans][style]. */
void duration_encoder(struct nn *nn, const struct model *model, const struct array *d,
                      const struct array *styles, struct spans spans);
/* Its head: [rows][50] logits of the sigmoids that add up to a duration. */
struct array duration_logits(struct nn *nn, const struct model *model, const struct array *d,
                             struct spans spans);

/* F0 or energy at two values a frame: the three blocks and the projection, from [frames][hidden]; curve is [2 * frames]. */
void prosody_curve(struct nn *nn, const struct adain_block blocks[3], const float *projection,
                   const float *bias, const struct array *x, const struct array *styles, struct spans spans,
                   float *curve);

/* AdainResBlk1d; out.rows is in.rows, twice it with a pool. `styles` is [spans][style]. */
void adain_block(struct nn *nn, const struct adain_block *block, const struct array *in,
                 const struct array *out, const struct array *styles, struct spans spans);

/* Decoder up to the generator: out is [2 * frames][512]. */
void decoder(struct kokoro *k, const struct decoding *decoding, const struct array *out);

/* Whether a stage of the generator packs arrays that wait, so that it takes three places and not four. */
bool generator_packs(const struct kokoro *k, int rows, int channels);

/* Whether utterances of so many frames can go through the generator together and sound as they do alone. */
bool generator_alike(const struct kokoro *k, int frames, int others);

/* Generator: samples of all utterances from [halves][512], in the arena; those of utterance i are at begin[i] to
 * begin[i + 1] - 1. NULL when all are cancelled or the arena overflowed. */
const float *generator(struct kokoro *k, const struct speech *speech, const struct array *decoded,
                       int begin[KOKORO_MAX_BATCH + 1]);

/* What its largest layer takes of the arena for itself. */
size_t generator_layer_bytes(const struct kokoro *k);

#endif
