/* kokoro.h: the Kokoro engine: phoneme ids in, samples out.
 *
 * Kokoro-82M (hexgrad/kokoro: model.py, modules.py, istftnet.py) on our own kernels. kokoro.c reads from top to bottom as
 * the model computes; docs/engine.md explains it. */
#ifndef KOKORO_KOKORO_H
#define KOKORO_KOKORO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "kokoro/excitation.h"
#include "kokoro/model.h"

enum { KOKORO_MAX_BATCH = 16 };

struct kokoro; /* a model, its threads and working memory */

enum kokoro_precision {
    KOKORO_AUTO,  /* exact for a float32 model file, else fast */
    KOKORO_EXACT, /* float32 everywhere */
    KOKORO_FAST /* products of bfloat16 or 16-bit integers where the set has them, the generator's arrays in float16 */
};

struct kokoro_options {
    int threads;  /* 1 to 256 */
    bool pinned;  /* each on a processor of its own, see threads_create */
    enum isa isa; /* highest instruction set; ISA_COUNT: no cap */
    enum kokoro_precision precision;
    size_t most_memory; /* most bytes of working memory of a call; 0: 1 GiB */
    size_t keep_memory; /* bytes of it that stay for the next call; 0: 32 MiB */
    /* Bytes of kokoro_need() up to which short utterances are spoken together; 0: 48 MiB. */
    size_t group_memory;
};

/* Observers and substitutes for tests; all may be NULL. */
struct kokoro_probe {
    /* Receives every stage's output under the name that shared reference folders use ("bert", "decoder_encode" ...). */
    void (*stage)(void *user, const char *name, const struct array *array);
    void *user;
    excitation_noise noise; /* for the excitation, instead of seeded normal noise */
    const float *f0;        /* for the excitation, instead of the predicted: as many as are predicted */
    const float *har;       /* the excitation's spectrum, instead of the computed: [rows][n_fft + 2] */
    int har_rows, f0_count;
    const int *durations; /* instead of the predicted, which are still reported: [count] */
};

/* One utterance. */
struct kokoro_utterance {
    const int *ids;     /* with the 0 at each end */
    int count;          /* of ids, 3 to the model's positions (512) */
    const float *style; /* [256]: a row of a voice's table */
    float speed;        /* durations are divided by it; above 0 */
    /* Of voiced frames: F0 = pitch * predicted + pitch_hertz; pitch 0: their mean is pitch_hertz; both 0: as predicted. */
    float pitch, pitch_hertz;
    uint64_t seed; /* of the excitation's noise */
    /* Bytes of kokoro_need() above which it ends with LT_ERR_MEMORY, whatever there is; 0: any. */
    size_t most_memory;
    const atomic_bool *cancelled; /* looked at between parts of the work; NULL: never */
    const struct kokoro_probe *probe;

    /* Receives the samples (24 kHz, about [-1, 1]); false stops the utterance. From any thread, one call at a time. */
    bool (*emit)(void *user, const float *samples, size_t count);
    /* Called when the utterance is over, with status set: from then on it is its owner's, although others of its batch may still be
     * spoken. From any thread; may be NULL. */
    void (*done)(void *user);
    void *user;

    int *durations; /* [count], the caller's: filled with frames of 1/40 s an id; may be NULL */
    lt_status status;
    lt_error error;
};

/* Opens an engine on a model, which must outlive it. Errors: LT_ERR_ARGUMENT, LT_ERR_MEMORY. */
lt_status kokoro_open(const struct model *model, const struct kokoro_options *options, struct kokoro **kokoro,
                      lt_error *error);
void kokoro_close(struct kokoro *kokoro); /* NULL is fine */

/* Speaks 1 to KOKORO_MAX_BATCH utterances; sets status in each. The samples of an utterance depend on nothing but it
 * (and the model and the instruction set): neither on the batch nor on the threads. One call at a time. */
void kokoro_speak(struct kokoro *kokoro, struct kokoro_utterance **batch, int count);

/* Where time and arithmetic went since kokoro_open or kokoro_reset_costs. */
enum kokoro_part {
    KOKORO_ALBERT,
    KOKORO_PROSODY, /* durations, F0 and energy */
    KOKORO_TEXT,
    KOKORO_DECODER,
    KOKORO_EXCITATION,
    KOKORO_NOISE, /* the generator's noise branch */
    KOKORO_UPSAMPLE,
    KOKORO_RESBLOCKS,
    KOKORO_WAVE, /* last convolution, inverse transform */
    KOKORO_PARTS
};
const char *kokoro_part_name(enum kokoro_part part);
struct kokoro_cost {
    double seconds;
    double multiplications; /* multiply-adds of the product layers */
};
const struct kokoro_cost *kokoro_costs(const struct kokoro *kokoro); /* [KOKORO_PARTS] */
void kokoro_reset_costs(struct kokoro *kokoro);

/* Bytes of working memory that stay for the next call. Not during a kokoro_speak. */
size_t kokoro_memory(const struct kokoro *kokoro);

/* Bytes of working memory that utterances of up to `frames` frames (of 1/40 s) take at most, alone or in a batch: never more than
 * options.most_memory. From any thread. */
size_t kokoro_need(const struct kokoro *kokoro, int frames);

/* Frames of the longest utterance for which options.most_memory is enough; 0: it is not enough for any. */
int kokoro_most_frames(const struct kokoro *kokoro);

/* From now on calls take no more than `bytes`, nor than options.most_memory; a batch that needs more is spoken in parts. Not during
 * a kokoro_speak. */
void kokoro_allow(struct kokoro *kokoro, size_t bytes);

enum isa kokoro_isa(const struct kokoro *kokoro); /* the set in use */

#endif
