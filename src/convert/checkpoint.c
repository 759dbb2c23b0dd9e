/* checkpoint.c: what all checkpoint formats share: the list of tensors, names, element types. */
#include "convert/checkpoint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "kokoro/quant.h"

size_t element_bytes(enum element_type type)
{
    static const uint8_t sizes[ELEMENT_TYPE_COUNT] = {4, 2, 2, 8, 1, 1, 2, 4, 8};
    return sizes[type];
}

static float decode_one(enum element_type type, const unsigned char *data)
{
    union {
        float f32;
        double f64;
        uint16_t half;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
    } u;
    memcpy(&u, data, element_bytes(type));
    switch (type) {
    case ELEMENT_F32:
        return u.f32;
    case ELEMENT_F16:
        return quant_f16_to_float(u.half);
    case ELEMENT_BF16:
        return quant_bf16_to_float(u.half);
    case ELEMENT_F64:
        return (float)u.f64;
    case ELEMENT_I8:
        return (float)u.i8;
    case ELEMENT_U8:
        return (float)data[0];
    case ELEMENT_I16:
        return (float)u.i16;
    case ELEMENT_I32:
        return (float)u.i32;
    case ELEMENT_I64:
        return (float)u.i64;
    case ELEMENT_TYPE_COUNT:
        break;
    }
    return 0;
}

void element_decode(enum element_type type, const unsigned char *data, size_t count, float *values)
{
    if (type == ELEMENT_F32) {
        memcpy(values, data, count * sizeof *values);
        return;
    }
    size_t size = element_bytes(type);
    for (size_t i = 0; i < count; i++)
        values[i] = decode_one(type, data + i * size);
}

lt_status checkpoint_damaged(const struct checkpoint *checkpoint, lt_error *error, const char *format, ...)
{
    char reason[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    return error_set(error, LT_ERR_MODEL,
                     "'%s' is not a usable %s file: %s; download it again, or use another", checkpoint->path,
                     checkpoint->format, reason);
}

void checkpoint_forget_pages(const void *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = (uintptr_t)data / page * page;
    madvise((void *)begin, (uintptr_t)data + size - begin, MADV_DONTNEED);
}

/* Copies a name without the "module." components that DataParallel leaves in it; 0 when it is no name. */
static size_t clean_name(const char *name, size_t length, char out[CHECKPOINT_MAX_NAME + 1])
{
    static const char module[] = "module.";
    size_t used = 0;
    bool start = true; /* of a component */
    for (size_t i = 0; i < length;) {
        if (start && length - i > sizeof module - 1 && memcmp(name + i, module, sizeof module - 1) == 0) {
            i += sizeof module - 1;
            continue;
        }
        if (used == CHECKPOINT_MAX_NAME || (unsigned char)name[i] < 0x20)
            return 0;
        start = name[i] == '.';
        out[used++] = name[i++];
    }
    out[used] = '\0';
    return utf8_first_invalid(out, used) == used ? used : 0;
}

lt_status checkpoint_add(struct checkpoint *checkpoint, const char *name, size_t name_length, int dims,
                         const uint64_t *shape, size_t source, lt_error *error)
{
    if (checkpoint->count == CHECKPOINT_MAX_TENSORS)
        return checkpoint_damaged(checkpoint, error, "it has more than %d tensors", CHECKPOINT_MAX_TENSORS);
    if (checkpoint->count == checkpoint->capacity) {
        size_t capacity = checkpoint->capacity + checkpoint->capacity / 2 + 256;
        struct checkpoint_tensor *more = realloc(checkpoint->tensors, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(error, "a checkpoint's table of contents");
        checkpoint->tensors = more;
        checkpoint->capacity = capacity;
    }
    struct checkpoint_tensor *tensor = &checkpoint->tensors[checkpoint->count];
    *tensor = (struct checkpoint_tensor){.dims = dims, .elements = 1, .source = source};
    if (clean_name(name, name_length, tensor->name) == 0)
        return checkpoint_damaged(checkpoint, error, "a tensor's name is empty, too long or not UTF-8");
    if (dims < 0 || dims > CHECKPOINT_MAX_DIMS)
        return checkpoint_damaged(checkpoint, error, "'%s' has %d dimensions", tensor->name, dims);
    for (int i = 0; i < dims; i++) {
        tensor->shape[i] = shape[i];
        if (shape[i] == 0 || __builtin_mul_overflow(tensor->elements, shape[i], &tensor->elements) ||
            tensor->elements > CHECKPOINT_MAX_ELEMENTS)
            return checkpoint_damaged(checkpoint, error,
                                      "'%s' is empty, or larger than any tensor of a voice", tensor->name);
    }
    checkpoint->count++;
    return LT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct checkpoint_tensor *)a)->name, ((const struct checkpoint_tensor *)b)->name);
}

void checkpoint_sort(struct checkpoint *checkpoint)
{
    if (checkpoint->count > 0)
        qsort(checkpoint->tensors, checkpoint->count, sizeof *checkpoint->tensors, by_name);
}

struct checkpoint_tensor *checkpoint_find(const struct checkpoint *checkpoint, const char *name)
{
    size_t low = 0, high = checkpoint->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(checkpoint->tensors[middle].name, name);
        if (order == 0)
            return &checkpoint->tensors[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

lt_status checkpoint_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                          float *values, lt_error *error)
{
    return checkpoint->read(checkpoint, tensor, values, error);
}

void checkpoint_close(struct checkpoint *checkpoint)
{
    if (checkpoint == NULL)
        return;
    free(checkpoint->tensors);
    checkpoint->close(checkpoint);
}

/* The format that a file's first bytes speak of. */
static lt_status open_by_content(const char *path, struct checkpoint **checkpoint, lt_error *error)
{
    unsigned char head[10] = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_errno(error, LT_ERR_IO, "cannot open '%s'", path);
    size_t got = fread(head, 1, sizeof head, file);
    bool failed = ferror(file) != 0;
    if (failed)
        error_errno(error, LT_ERR_IO, "cannot read '%s'", path);
    fclose(file);
    if (failed)
        return LT_ERR_IO;
    if (got == 0)
        return error_set(error, LT_ERR_MODEL,
                         "'%s' is empty: a checkpoint (.pth, .safetensors, .onnx) is needed", path);
    if (got >= 4 && memcmp(head, "PK\3\4", 4) == 0)
        return torch_open(path, checkpoint, error);
    if (got > 8 && head[8] == '{') /* the length of a JSON header comes first */
        return safetensors_open(path, checkpoint, error);
    if (got >= 2 && head[0] == 0x08 && head[1] < 0x20) /* field 1 of ONNX's ModelProto: ir_version */
        return onnx_open(path, checkpoint, error);
    if (got >= 2 && head[0] == 0x80 && head[1] <= 5)
        return error_set(
            error, LT_ERR_MODEL,
            "'%s' is a PyTorch file from before version 1.6: load it and save it again with a newer one",
            path);
    return error_set(
        error, LT_ERR_MODEL,
        "'%s' is no checkpoint that can be imported: a PyTorch zip (.pth), .safetensors or .onnx is needed",
        path);
}

lt_status checkpoint_open(const char *path, struct checkpoint **checkpoint, lt_error *error)
{
    *checkpoint = NULL;
    struct checkpoint *opened = NULL;
    lt_status status = open_by_content(path, &opened, error);
    if (status != LT_OK)
        return status;
    checkpoint_sort(opened);
    for (size_t i = 1; i < opened->count && status == LT_OK; i++)
        if (by_name(&opened->tensors[i - 1], &opened->tensors[i]) == 0)
            status = checkpoint_damaged(opened, error, "'%s' is in it twice", opened->tensors[i].name);
    if (status == LT_OK)
        *checkpoint = opened;
    else
        checkpoint_close(opened);
    return status;
}
