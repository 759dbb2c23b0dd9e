/* onnx_model.h: an ONNX file as a list of constants and a list of nodes, read in place (onnx/onnx.proto, IR
 * version 3 and later). Nothing is computed; onnx.c makes sense of it. */
#ifndef CONVERT_ONNX_MODEL_H
#define CONVERT_ONNX_MODEL_H

#include "base/error.h"
#include "base/file.h"
#include "convert/checkpoint.h"
#include "convert/protobuf.h"

enum { ONNX_MAX_INPUTS = 16, ONNX_MAX_FILES = 16 };

struct onnx_node;

/* An initializer, or the value of a Constant node. */
struct onnx_constant {
    struct span name;
    enum element_type type;
    int dims; /* -1: of a type or rank that no weight has */
    uint64_t shape[CHECKPOINT_MAX_DIMS];
    uint64_t elements;
    struct span raw;               /* little-endian elements; size 0 when they are elsewhere */
    struct span packed;            /* float_data, double_data (as raw) or int32_data, int64_data (varints) */
    bool varints;                  /* `packed` holds varints */
    struct span location;          /* name of the file that holds them; size 0: none */
    uint64_t offset, length;       /* in that file; length UINT64_MAX: not said */
    bool read;                     /* some tensor is made of it: onnx.c's mark, as are the next two */
    const struct onnx_node *taker; /* the product or convolution whose weight it is; NULL: none */
    const struct onnx_node *decoder; /* the DequantizeLinear that takes it; NULL: none */
};

struct onnx_node {
    struct span name, type;
    struct span message; /* the whole NodeProto, for its attributes */
    struct span inputs[ONNX_MAX_INPUTS];
    int input_count;
    struct span output; /* the first */
};

struct onnx_model {
    const char *name;                /* for errors */
    bool mapped;                     /* the bytes are a mapped file: its pages are let go of after use */
    char folder[512];                /* where files of external data are; ends in '/' or is empty */
    struct onnx_constant *constants; /* sorted by name */
    size_t constant_count, constant_capacity;
    struct onnx_node *nodes; /* in the order of the file */
    size_t node_count, node_capacity;
    const struct onnx_node **producers; /* sorted by output */
    struct external {
        char path[1024];
        struct mapped_file file;
    } external[ONNX_MAX_FILES]; /* mapped when first used */
    int external_count;
};

/* Reads the model in `bytes`, which must outlive *model as `path` must, the caller's to free in every case.
 * Errors: LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status onnx_model_read(struct span bytes, const char *path, struct onnx_model *model, lt_error *error);
void onnx_model_free(struct onnx_model *model);

bool span_is(struct span span, const char *text);

const struct onnx_constant *onnx_constant(const struct onnx_model *model, struct span name); /* NULL: none */
const struct onnx_node *onnx_producer(const struct onnx_model *model, struct span output);   /* NULL: none */

/* An integer attribute of a node; `fallback` when it has none. */
int64_t onnx_attribute(const struct onnx_node *node, const char *name, int64_t fallback);

/* Decodes all elements of a constant; `values` has room. Errors: LT_ERR_MODEL (cut off, an external file that
 * is not there or not beside the model), LT_ERR_IO. */
lt_status onnx_decode(struct onnx_model *model, const struct onnx_constant *constant, float *values,
                      lt_error *error);

#endif
