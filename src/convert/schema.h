/* schema.h: the tensors of a Kokoro model: which ones a checkpoint must have, and what each becomes in the
 * model file.
 *
 * A few shapes give every width (schema_build); from them follows the list of targets, each with the
 * checkpoint's tensors that it is made of and their exact shapes. docs/model-format.md describes the result.
 */
#ifndef CONVERT_SCHEMA_H
#define CONVERT_SCHEMA_H

#include "convert/checkpoint.h"
#include "convert/model_config.h"
#include "kokoro/gguf.h"

enum target_kind {
    TARGET_VECTOR,    /* copied, dimensions of size 1 dropped; f32 */
    TARGET_TABLE,     /* an embedding table [row][width], copied; f32 */
    TARGET_PRODUCT,   /* [out][in][tap] (or [out][in]) to [out][tap][in, padded] */
    TARGET_UPSAMPLE,  /* a transposed convolution [in][out][kernel] to [phase * out][tap][in, padded] */
    TARGET_REPEAT,    /* a vector, once for each phase of an upsampling */
    TARGET_DEPTHWISE, /* [channel][1][tap] to [tap][channel]; f32 */
    TARGET_SUM,       /* the sum of two vectors; f32 */
    TARGET_STACK,     /* three products (or vectors) one below the other */
};

enum { TARGET_MAX_SOURCES = 3, SCHEMA_NAME = 112 };

/* One tensor of the model file. A source named "X.weight" may come as a weight norm's two halves instead. */
struct target {
    char name[GGUF_MAX_NAME];
    enum target_kind kind;
    bool fine;       /* kept at q8_0 in a q4_0 model */
    uint32_t stride; /* of an upsampling */
    int sources;
    char source[TARGET_MAX_SOURCES][SCHEMA_NAME];
    int dims; /* of every source */
    uint64_t shape[3];
};

struct schema {
    struct target *targets;
    size_t count, capacity;
    uint64_t widths[WIDTH_COUNT]; /* as the tensors tell them */
    uint64_t upsample_kernels[MODEL_MAX_UPSAMPLES];
};

/* Derives the schema from a checkpoint's shapes and checks that `config` agrees. The result is the caller's,
 * freed with schema_free also after an error. Errors: LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status schema_build(const struct checkpoint *checkpoint, const struct model_config *config,
                       struct schema *schema, lt_error *error);
void schema_free(struct schema *schema);

/* Where a target's source is in a checkpoint: a tensor of that name, or the two halves of a weight norm. */
struct source {
    struct checkpoint_tensor *tensor; /* the weight, or the direction v of a weight norm; NULL: missing */
    struct checkpoint_tensor *scale;  /* g of a weight norm; NULL: none */
};
struct source schema_source(const struct checkpoint *checkpoint, const char *name);

/* Checks that every source is there and shaped as it must be, and that nothing else is, but for what the
 * model does not use. Marks what is used. Errors: LT_ERR_MODEL, naming the first and counting the rest. */
lt_status schema_check(const struct schema *schema, struct checkpoint *checkpoint, lt_error *error);

#endif
