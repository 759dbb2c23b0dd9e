/* gguf.h: reading and writing GGUF files, the container of the project's models.
 *
 * GGUF version 3, little-endian, as the ggml project specifies it (docs/gguf.md of ggml-org/ggml): a header,
 * typed metadata, a table of tensors, then the tensors' bytes, each at a multiple of general.alignment. The
 * reader maps the file and points into it: nothing is copied, and pages are only read when they are used.
 * Every count, length and offset is checked against the file, so a damaged or hostile file ends in
 * LT_ERR_MODEL.
 *
 * What a Kokoro file holds is written down in docs/model-format.md. */
#ifndef KOKORO_GGUF_H
#define KOKORO_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "base/str.h"

enum {
    GGUF_MAX_DIMS = 4,
    GGUF_MAX_NAME = 64,    /* bytes of a tensor's name, by the specification */
    GGUF_MAX_COUNT = 65536 /* most tensors, and most metadata entries: our limit, far above any model's */
};

/* The element types that this project reads and writes; values are ggml's. Blocks are described in quant.h.
 */
enum gguf_type { GGUF_F32 = 0, GGUF_F16 = 1, GGUF_Q4_0 = 2, GGUF_Q8_0 = 8, GGUF_BF16 = 30 };

/* Types of metadata values, as numbered in the file. */
enum gguf_value_type {
    GGUF_VALUE_UINT8 = 0,
    GGUF_VALUE_INT8 = 1,
    GGUF_VALUE_UINT16 = 2,
    GGUF_VALUE_INT16 = 3,
    GGUF_VALUE_UINT32 = 4,
    GGUF_VALUE_INT32 = 5,
    GGUF_VALUE_FLOAT32 = 6,
    GGUF_VALUE_BOOL = 7,
    GGUF_VALUE_STRING = 8,
    GGUF_VALUE_ARRAY = 9,
    GGUF_VALUE_UINT64 = 10,
    GGUF_VALUE_INT64 = 11,
    GGUF_VALUE_FLOAT64 = 12
};

/* "f32", "q8_0" ...; static storage, NULL for a type that is not ours. */
const char *gguf_type_name(enum gguf_type type);
/* The type of such a name; false: there is none. */
bool gguf_type_parse(const char *name, enum gguf_type *type);
/* Elements and bytes of the smallest piece of a row: 1 and 4 for f32, 32 and 34 for q8_0. */
size_t gguf_block_elements(enum gguf_type type);
size_t gguf_block_bytes(enum gguf_type type);
/* Bytes of `count` elements, a multiple of the type's block; 0 when that overflows or is no multiple. */
uint64_t gguf_row_bytes(enum gguf_type type, uint64_t count);

/* ---- Reading ----------------------------------------------------------------------------------- */

/* One tensor: an array in C order: shape[dims - 1] is contiguous (the file lists dimensions the other way
 * round). */
struct gguf_tensor {
    char name[GGUF_MAX_NAME + 1];
    enum gguf_type type;
    int dims;                      /* 1 to 4 */
    uint64_t shape[GGUF_MAX_DIMS]; /* outermost first; unused ones are 1 */
    uint64_t elements;             /* product of the shape */
    const void *data;              /* in the map, aligned to general.alignment bytes of the file */
    uint64_t bytes;
};

/* Bytes in the map, not NUL-terminated. */
struct gguf_string {
    const char *data;
    size_t length;
};

/* An array in the metadata. Read with gguf_array_uint/_float (numbers) or one after another with
 * gguf_next_string. */
struct gguf_array {
    enum gguf_value_type type; /* of its elements */
    uint64_t count;
    const unsigned char *data; /* first element, in the map; advanced by gguf_next_string */
};

struct gguf; /* an open file; safe to use from several threads */

/* Maps and checks `path`. On success *gguf is the caller's. Errors: LT_ERR_IO (cannot open), LT_ERR_MODEL
 * (not GGUF, damaged, or with tensors of a type that is not ours), LT_ERR_MEMORY. */
lt_status gguf_open(const char *path, struct gguf **gguf, lt_error *error);
void gguf_close(struct gguf *gguf); /* NULL is fine */

/* The same on bytes that the caller owns and keeps; `name` is what errors call them. `bytes` must be aligned
 * to 64. */
lt_status gguf_open_memory(const void *bytes, size_t size, const char *name, struct gguf **gguf,
                           lt_error *error);

size_t gguf_tensor_count(const struct gguf *gguf);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index); /* sorted by name */
const struct gguf_tensor *gguf_find(const struct gguf *gguf, const char *name);  /* NULL: none */

enum { GGUF_DIGEST_BYTES = 32 };

/* Tells this file from others, without reading all of it: a SHA-256 of its size, its head (metadata, names,
 * shapes, offsets) and 64 bytes of the beginning, middle and end of every tensor, which costs a page fault
 * each. The head alone would not do: models trained further have the same one; path and times would not,
 * since a file may be replaced. */
void gguf_digest(const struct gguf *gguf, unsigned char digest[GGUF_DIGEST_BYTES]);

/* Metadata. Each returns false when there is no such key or its value is of another kind (a negative integer
 * is not a uint, any width is). */
bool gguf_get_uint(const struct gguf *gguf, const char *key, uint64_t *value);
bool gguf_get_string(const struct gguf *gguf, const char *key, struct gguf_string *value);
bool gguf_get_array(const struct gguf *gguf, const char *key, struct gguf_array *array);
bool gguf_array_uint(const struct gguf_array *array, uint64_t index, uint64_t *value);
bool gguf_next_string(struct gguf_array *array,
                      struct gguf_string *value); /* false at the end; counts down */

/* ---- Writing ----------------------------------------------------------------------------------- */

/* A file in the making. In this order: metadata and tensors are declared, gguf_writer_open writes the head
 * into a temporary file beside the target, gguf_writer_data takes the tensors' bytes in the order of their
 * declaration, in pieces of any size, and gguf_writer_finish puts the file in its place. Used by one thread
 * at a time. */
struct gguf_writer;

enum { GGUF_ALIGNMENT = 64 }; /* of every tensor: a cache line, and the widest vector load */

struct gguf_writer *gguf_writer_new(void);         /* NULL: out of memory */
void gguf_writer_free(struct gguf_writer *writer); /* an unfinished temporary file is removed; NULL is fine */

/* Metadata; running out of memory is remembered and reported by gguf_writer_open. */
void gguf_writer_uint(struct gguf_writer *writer, const char *key, uint32_t value);
void gguf_writer_string(struct gguf_writer *writer, const char *key, const char *value);
void gguf_writer_uints(struct gguf_writer *writer, const char *key, const uint32_t *values, size_t count);
void gguf_writer_strings(struct gguf_writer *writer, const char *key, const char *const *values,
                         size_t count);

/* Declares the next tensor. Errors: LT_ERR_ARGUMENT (an empty or too long name, a bad shape, a row that is no
 * multiple of the type's block), LT_ERR_MEMORY. */
lt_status gguf_writer_declare(struct gguf_writer *writer, const char *name, enum gguf_type type, int dims,
                              const uint64_t *shape, lt_error *error);

lt_status gguf_writer_open(struct gguf_writer *writer, const char *path,
                           lt_error *error); /* LT_ERR_IO, LT_ERR_MEMORY */
lt_status gguf_writer_data(struct gguf_writer *writer, const void *bytes, size_t size, lt_error *error);
/* LT_ERR_INTERNAL when fewer or more bytes were given than declared; LT_ERR_IO. */
lt_status gguf_writer_finish(struct gguf_writer *writer, lt_error *error);

#endif
