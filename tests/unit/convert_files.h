/* convert_files.h: where tests of the importers keep their files, and checkpoints made for them: a set of
 * tensors, written as PyTorch, safetensors and ONNX files in the forms that savers and exporters give them.
 * Everything here ends the test program when it cannot be done. */
#ifndef TESTS_CONVERT_FILES_H
#define TESTS_CONVERT_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "convert/checkpoint.h"

/* cmocka's fixtures for a group: a temporary folder, and the look for the tiny model of the reference data.
 */
int files_set_up(void **state);
int files_tear_down(void **state);

/* Paths of files in the temporary folder and in that of the tiny model; each is valid for the next 31 calls.
 */
const char *in(const char *name);
const char *of_tiny(const char *name);

/* Whether the tiny model is there. */
bool tiny_is_there(void);
#define NEEDS_REFERENCE                                                                                      \
    do {                                                                                                     \
        (void)state;                                                                                         \
        if (!tiny_is_there())                                                                                \
            skip();                                                                                          \
    } while (0)

struct set_tensor {
    char name[160];
    int dims;
    uint64_t shape[CHECKPOINT_MAX_DIMS];
    uint64_t elements;
    float *values;
};

struct tensor_set {
    struct set_tensor *tensors;
    size_t count, capacity;
};

/* Reads every tensor of a checkpoint. */
void set_read(const char *path, struct tensor_set *set);
void set_free(struct tensor_set *set);
struct set_tensor *set_find(const struct tensor_set *set, const char *name); /* NULL: none */
/* Adds a tensor with room for its values, which are zero. */
struct set_tensor *set_add(struct tensor_set *set, const char *name, int dims, const uint64_t *shape);
void set_remove(struct tensor_set *set, const char *name);

/* Rounds every value to what `type` can hold. */
void set_round(struct tensor_set *set, enum element_type type);
/* Replaces each weight_g and weight_v by the weight that they make, in double as the importer does. */
void set_fold(struct tensor_set *set);

void write_file(const char *path, const void *bytes, size_t size);

void write_safetensors(const struct tensor_set *set, enum element_type type, const char *path);

struct torch_form {
    const char *prefix;     /* "module." or "" before each name within its part */
    enum element_type type; /* F32, F16, BF16 or F64 */
    bool one_storage;       /* all tensors are views of one storage; matrices are stored transposed */
    bool deflated;          /* the zip is compressed */
    bool modern; /* protocol 4, byteorder and .data/serialization_id, tensors wrapped as parameters */
    bool flat;   /* one dict of all names, not a dict of parts */
};
void write_torch(const struct tensor_set *set, const struct torch_form *form, const char *path);

/* A torch zip around a given pickle, with one storage of `size` bytes. */
void write_pickle(const void *pickle, size_t pickle_size, const void *storage, size_t size, const char *path);

enum onnx_quantisation {
    ONNX_FLOAT,
    ONNX_HALF,
    ONNX_INT8,
    ONNX_INT8_CHANNELS,
    ONNX_INT8_ROWS,   /* only of what a Gemm takes, behind a DequantizeLinear with a scale a row */
    ONNX_INT8_BLOCKS, /* the same with a scale for 32 of a row */
    ONNX_STATIC,      /* as ONNX Runtime's static quantisation does it: QLinearConv, QGemm, QLinearMatMul */
    ONNX_BLOCKS
};
struct onnx_form {
    enum onnx_quantisation quantisation;
    bool anonymous; /* products, convolutions and LSTMs as an exporter folds them */
    bool external;  /* weights in NAME.data */
    bool numbers;   /* bytes are stored as int32_data */
    bool reordered; /* MatMulNBits has a g_idx */
    bool unknown;   /* MatMulNBits is called MatMulBnb4 */
    bool cast;      /* an LSTM's scales go through Casts, as in an export of half precision */
};
/* Writes `set` as an export; quantised values in `set` become what a reader must get back. */
void write_onnx(struct tensor_set *set, const struct onnx_form *form, const char *path);

#endif
