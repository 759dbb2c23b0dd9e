/* safetensors.c: .safetensors files: the length of a JSON header (8 bytes), the header, which gives each
 * tensor's type, shape and byte range, then the bytes. Format: huggingface/safetensors. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "convert/checkpoint.h"

enum { MAX_HEADER = 16 << 20 }; /* a Kokoro model's has 60 thousand bytes */

struct range {
    enum element_type type;
    uint64_t begin; /* in the file */
};

struct safetensors {
    struct checkpoint checkpoint;
    struct mapped_file file; /* to unmap; empty when the bytes are the caller's */
    const unsigned char *data;
    struct range *ranges;
};

static void safetensors_close(struct checkpoint *checkpoint)
{
    struct safetensors *s = (struct safetensors *)checkpoint;
    file_unmap(&s->file);
    free(s->ranges);
    free(s);
}

static lt_status safetensors_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                                  float *values, lt_error *error)
{
    (void)error;
    struct safetensors *s = (struct safetensors *)checkpoint;
    const struct range *range = &s->ranges[tensor->source];
    const unsigned char *data = s->data + range->begin;
    element_decode(range->type, data, (size_t)tensor->elements, values);
    if (s->file.data != NULL)
        checkpoint_forget_pages(data, (size_t)tensor->elements * element_bytes(range->type));
    return LT_OK;
}

static bool find_type(const char *name, enum element_type *type)
{
    static const char *const names[ELEMENT_TYPE_COUNT] = {"F32", "F16", "BF16", "F64", "I8",
                                                          "U8",  "I16", "I32",  "I64"};
    for (int i = 0; i < ELEMENT_TYPE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            *type = (enum element_type)i;
            return true;
        }
    }
    return false;
}

/* Reads one tensor's entry; `begin` and `size` are those of the data section. */
static lt_status add_tensor(struct safetensors *s, const char *name, const json_t *entry, uint64_t begin,
                            uint64_t size, lt_error *error)
{
    const char *type_name = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    struct range *range = &s->ranges[s->checkpoint.count];
    if (type_name == NULL || !find_type(type_name, &range->type))
        return checkpoint_damaged(&s->checkpoint, error, "'%s' has elements of type '%s'", name,
                                  type_name ? type_name : "none");
    size_t dims = json_array_size(shape);
    uint64_t sizes[CHECKPOINT_MAX_DIMS];
    if (!json_is_array(shape) || dims > CHECKPOINT_MAX_DIMS || json_array_size(offsets) != 2)
        return checkpoint_damaged(&s->checkpoint, error, "'%s' has no shape or more than 4 dimensions", name);
    for (size_t i = 0; i < dims; i++) {
        json_int_t value = json_integer_value(json_array_get(shape, i));
        sizes[i] = value > 0 ? (uint64_t)value : 0;
    }
    lt_status status =
        checkpoint_add(&s->checkpoint, name, strlen(name), (int)dims, sizes, s->checkpoint.count, error);
    if (status != LT_OK)
        return status;
    uint64_t bytes = s->checkpoint.tensors[s->checkpoint.count - 1].elements * element_bytes(range->type);
    json_int_t from = json_integer_value(json_array_get(offsets, 0));
    json_int_t to = json_integer_value(json_array_get(offsets, 1));
    if (from < 0 || to < from || (uint64_t)(to - from) != bytes)
        return checkpoint_damaged(&s->checkpoint, error, "'%s' has a byte range that is not its size", name);
    if ((uint64_t)to > size)
        return checkpoint_damaged(&s->checkpoint, error, "it is cut off: '%s' ends behind its last byte",
                                  name);
    range->begin = begin + (uint64_t)from;
    return LT_OK;
}

static lt_status read_header(struct safetensors *s, uint64_t size, lt_error *error)
{
    uint64_t length;
    if (size < 8)
        return checkpoint_damaged(&s->checkpoint, error, "it is cut off");
    memcpy(&length, s->data, 8);
    if (length > MAX_HEADER || length > size - 8)
        return checkpoint_damaged(&s->checkpoint, error, "its header is cut off or too large");
    json_error_t where;
    json_t *header = json_loadb((const char *)s->data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(header)) {
        json_decref(header);
        return checkpoint_damaged(&s->checkpoint, error, "its header is no JSON object: %s", where.text);
    }
    lt_status status = LT_OK;
    s->ranges = calloc(json_object_size(header) + 1, sizeof *s->ranges);
    if (s->ranges == NULL)
        status = error_memory(error, "a checkpoint's table of contents");
    const char *name;
    json_t *entry;
    json_object_foreach(header, name, entry)
    {
        if (status == LT_OK && strcmp(name, "__metadata__") != 0)
            status = add_tensor(s, name, entry, 8 + length, size - 8 - length, error);
    }
    json_decref(header);
    if (status == LT_OK && s->checkpoint.count == 0)
        status = checkpoint_damaged(&s->checkpoint, error, "it holds no tensors");
    return status;
}

lt_status safetensors_open_memory(const void *bytes, size_t size, const char *name,
                                  struct checkpoint **checkpoint, lt_error *error)
{
    struct safetensors *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_memory(error, "a checkpoint");
    s->checkpoint =
        (struct checkpoint){.format = "safetensors", .read = safetensors_read, .close = safetensors_close};
    snprintf(s->checkpoint.path, sizeof s->checkpoint.path, "%s", name);
    s->data = bytes;
    lt_status status = read_header(s, size, error);
    if (status == LT_OK)
        *checkpoint = &s->checkpoint;
    else
        checkpoint_close(&s->checkpoint);
    return status;
}

lt_status safetensors_open(const char *path, struct checkpoint **checkpoint, lt_error *error)
{
    struct mapped_file file;
    lt_status status = file_map(path, &file, error);
    if (status != LT_OK)
        return status;
    status = safetensors_open_memory(file.data, file.size, path, checkpoint, error);
    if (status == LT_OK)
        ((struct safetensors *)*checkpoint)->file = file;
    else
        file_unmap(&file);
    return status;
}
