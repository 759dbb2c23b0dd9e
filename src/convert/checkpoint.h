/* checkpoint.h: a published model as a list of named tensors, whatever file it came in.
 *
 * Opening a checkpoint reads only its table of contents; checkpoint_read then fetches one tensor at a time as
 * float32, so that importing a model takes the memory of its largest tensor, not of the file. torch.c (zips
 * of pickles), safetensors.c and onnx.c implement it. Files come from anywhere: every size is checked,
 * nothing in them is executed. */
#ifndef CONVERT_CHECKPOINT_H
#define CONVERT_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    CHECKPOINT_MAX_DIMS = 4,
    CHECKPOINT_MAX_NAME = 255,        /* bytes of a tensor's name */
    CHECKPOINT_MAX_TENSORS = 16384,   /* a published model has 548 */
    CHECKPOINT_MAX_ELEMENTS = 1 << 26 /* of one tensor; the largest of a published model has 3.4 million */
};

/* How elements are stored in a file. */
enum element_type {
    ELEMENT_F32,
    ELEMENT_F16,
    ELEMENT_BF16,
    ELEMENT_F64,
    ELEMENT_I8,
    ELEMENT_U8,
    ELEMENT_I16,
    ELEMENT_I32,
    ELEMENT_I64,
    ELEMENT_TYPE_COUNT
};

size_t element_bytes(enum element_type type);

/* Converts `count` little-endian elements at `data` (any alignment) to float32. */
void element_decode(enum element_type type, const unsigned char *data, size_t count, float *values);

struct checkpoint_tensor {
    char name[CHECKPOINT_MAX_NAME +
              1]; /* as published, "module." dropped: "bert.embeddings.LayerNorm.weight" */
    int dims;     /* 0 to 4 */
    uint64_t shape[CHECKPOINT_MAX_DIMS];
    uint64_t elements; /* product of the shape, 1 to CHECKPOINT_MAX_ELEMENTS */
    size_t source;     /* where the bytes are: the format's own number */
    bool used;         /* the importer's mark */
};

/* An open checkpoint; used by one thread at a time. A format embeds it as its first member. */
struct checkpoint {
    const char *format; /* "PyTorch", "safetensors", "ONNX" */
    char path[512];     /* for messages; cut to size */
    struct checkpoint_tensor *tensors;
    size_t count, capacity;
    char unread[256]; /* "; 'NAME' is of the operator ..." of a weight that is not read; empty: none */
    lt_status (*read)(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor, float *values,
                      lt_error *error);
    void (*close)(struct checkpoint *checkpoint); /* releases the format's own things, not `tensors` */
};

/* Opens a checkpoint, its format known by its content. On success *checkpoint is the caller's.
 * Errors: LT_ERR_IO, LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status checkpoint_open(const char *path, struct checkpoint **checkpoint, lt_error *error);
void checkpoint_close(struct checkpoint *checkpoint); /* NULL is fine */

/* Reads a tensor, in C order, into `values`, which has room for tensor->elements. Errors: LT_ERR_IO,
 * LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status checkpoint_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                          float *values, lt_error *error);

/* The tensor of a name; NULL: none. The list is sorted. */
struct checkpoint_tensor *checkpoint_find(const struct checkpoint *checkpoint, const char *name);

/* ---- For the formats --------------------------------------------------------------------------- */

lt_status torch_open(const char *path, struct checkpoint **checkpoint, lt_error *error);
lt_status safetensors_open(const char *path, struct checkpoint **checkpoint, lt_error *error);
lt_status onnx_open(const char *path, struct checkpoint **checkpoint, lt_error *error);

/* The same from bytes that the caller owns and keeps; `name` is what errors call them. */
lt_status torch_open_memory(const void *bytes, size_t size, const char *name, struct checkpoint **checkpoint,
                            lt_error *error);
lt_status safetensors_open_memory(const void *bytes, size_t size, const char *name,
                                  struct checkpoint **checkpoint, lt_error *error);
lt_status onnx_open_memory(const void *bytes, size_t size, const char *name, struct checkpoint **checkpoint,
                           lt_error *error);

/* Appends a tensor after checking its name and shape. Errors: LT_ERR_MODEL, LT_ERR_MEMORY. */
lt_status checkpoint_add(struct checkpoint *checkpoint, const char *name, size_t name_length, int dims,
                         const uint64_t *shape, size_t source, lt_error *error);

/* Sorts the list by name, as checkpoint_find needs it. */
void checkpoint_sort(struct checkpoint *checkpoint);

/* Lets go of the pages of a mapped file that hold `size` bytes at `data`: read again, they come from the file
 * again. */
void checkpoint_forget_pages(const void *data, size_t size);

/* LT_ERR_MODEL: "'model.pth' is not a usable PyTorch file: ", the reason, and what to do. */
lt_status checkpoint_damaged(const struct checkpoint *checkpoint, lt_error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
