/* gguf_write.c: writing GGUF files, tensor after tensor, without ever holding more than the piece at hand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kokoro/gguf.h"

struct gguf_writer {
    struct str metadata, table; /* their bytes as they go into the file */
    uint64_t entry_count, tensor_count;
    uint64_t *bytes;   /* bytes of each declared tensor */
    size_t capacity;   /* of `bytes` */
    uint64_t data_end; /* padded end of the declared tensors, counted from the end of the head */

    FILE *file; /* open between gguf_writer_open and _finish */
    struct str path, temporary;
    uint64_t current;      /* tensor being written */
    uint64_t current_done; /* bytes of it that are there */
};

struct gguf_writer *gguf_writer_new(void)
{
    struct gguf_writer *writer = calloc(1, sizeof *writer);
    if (writer != NULL)
        gguf_writer_uint(writer, "general.alignment", GGUF_ALIGNMENT);
    return writer;
}

void gguf_writer_free(struct gguf_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->file != NULL) {
        fclose(writer->file);
        unlink(writer->temporary.data);
    }
    str_free(&writer->metadata);
    str_free(&writer->table);
    str_free(&writer->path);
    str_free(&writer->temporary);
    free(writer->bytes);
    free(writer);
}

static void put_u32(struct str *s, uint32_t value)
{
    str_append(s, &value, sizeof value);
}

static void put_u64(struct str *s, uint64_t value)
{
    str_append(s, &value, sizeof value);
}

static void put_string(struct str *s, const char *text)
{
    size_t length = strlen(text);
    put_u64(s, length);
    str_append(s, text, length);
}

static void begin_entry(struct gguf_writer *writer, const char *key, enum gguf_value_type type)
{
    put_string(&writer->metadata, key);
    put_u32(&writer->metadata, type);
    writer->entry_count++;
}

void gguf_writer_uint(struct gguf_writer *writer, const char *key, uint32_t value)
{
    begin_entry(writer, key, GGUF_VALUE_UINT32);
    put_u32(&writer->metadata, value);
}

void gguf_writer_string(struct gguf_writer *writer, const char *key, const char *value)
{
    begin_entry(writer, key, GGUF_VALUE_STRING);
    put_string(&writer->metadata, value);
}

static void begin_array(struct gguf_writer *writer, const char *key, enum gguf_value_type type, size_t count)
{
    begin_entry(writer, key, GGUF_VALUE_ARRAY);
    put_u32(&writer->metadata, type);
    put_u64(&writer->metadata, count);
}

void gguf_writer_uints(struct gguf_writer *writer, const char *key, const uint32_t *values, size_t count)
{
    begin_array(writer, key, GGUF_VALUE_UINT32, count);
    str_append(&writer->metadata, values, count * sizeof *values);
}

void gguf_writer_strings(struct gguf_writer *writer, const char *key, const char *const *values, size_t count)
{
    begin_array(writer, key, GGUF_VALUE_STRING, count);
    for (size_t i = 0; i < count; i++)
        put_string(&writer->metadata, values[i]);
}

static uint64_t padded(uint64_t bytes)
{
    return (bytes + GGUF_ALIGNMENT - 1) / GGUF_ALIGNMENT * GGUF_ALIGNMENT;
}

lt_status gguf_writer_declare(struct gguf_writer *writer, const char *name, enum gguf_type type, int dims,
                              const uint64_t *shape, lt_error *error)
{
    uint64_t elements = 1;
    bool good = dims >= 1 && dims <= GGUF_MAX_DIMS;
    for (int i = 0; good && i < dims; i++)
        good = shape[i] > 0 && !__builtin_mul_overflow(elements, shape[i], &elements);
    uint64_t bytes = good && gguf_row_bytes(type, shape[dims - 1]) > 0 ? gguf_row_bytes(type, elements) : 0;
    if (bytes == 0 || bytes > INT64_MAX - GGUF_ALIGNMENT - writer->data_end)
        return error_set(error, LT_ERR_ARGUMENT, "tensor '%s' has a shape that %s cannot hold", name,
                         gguf_type_name(type) ? gguf_type_name(type) : "its type");
    size_t length = strlen(name); /* ggml's reader wants room for a NUL within 64 bytes */
    if (length == 0 || length >= GGUF_MAX_NAME)
        return error_set(error, LT_ERR_ARGUMENT, "'%s' is no name for a tensor: it takes 1 to %d bytes", name,
                         GGUF_MAX_NAME - 1);
    if (writer->tensor_count == writer->capacity) {
        size_t capacity = writer->capacity * 2 + 64;
        uint64_t *more = realloc(writer->bytes, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(error, "a model's tensor table");
        writer->bytes = more;
        writer->capacity = capacity;
    }
    put_string(&writer->table, name);
    put_u32(&writer->table, (uint32_t)dims);
    for (int i = dims - 1; i >= 0; i--)
        put_u64(&writer->table, shape[i]);
    put_u32(&writer->table, type);
    put_u64(&writer->table, writer->data_end);
    writer->bytes[writer->tensor_count++] = bytes;
    writer->data_end += padded(bytes);
    return LT_OK;
}

static lt_status put(struct gguf_writer *writer, const void *bytes, size_t size, lt_error *error)
{
    if (size > 0 && fwrite(bytes, 1, size, writer->file) != size)
        return error_errno(error, LT_ERR_IO, "cannot write '%s'", writer->path.data);
    return LT_OK;
}

static lt_status put_padding(struct gguf_writer *writer, uint64_t written, lt_error *error)
{
    static const char zeros[GGUF_ALIGNMENT];
    return put(writer, zeros, (size_t)(padded(written) - written), error);
}

lt_status gguf_writer_open(struct gguf_writer *writer, const char *path, lt_error *error)
{
    struct str head = {0};
    str_puts(&head, "GGUF");
    put_u32(&head, 3);
    put_u64(&head, writer->tensor_count);
    put_u64(&head, writer->entry_count);
    str_append(&head, writer->metadata.data, writer->metadata.length);
    str_append(&head, writer->table.data, writer->table.length);
    str_puts(&writer->path, path);
    lt_status status = LT_OK;
    if (head.failed || writer->metadata.failed || writer->table.failed || writer->path.failed)
        status = error_memory(error, "a model's head");
    if (status == LT_OK)
        status = file_make_parents(path, error);
    if (status == LT_OK) {
        int fd = file_make_temporary(path, 0666, &writer->temporary);
        if (fd >= 0 && (writer->file = fdopen(fd, "wb")) == NULL) {
            close(fd);
            unlink(writer->temporary.data);
        }
        if (writer->file == NULL)
            status = error_errno(error, LT_ERR_IO, "cannot make a temporary file beside '%s'", path);
    }
    if (status == LT_OK)
        status = put(writer, head.data, head.length, error);
    if (status == LT_OK)
        status = put_padding(writer, head.length, error);
    str_free(&head);
    return status;
}

lt_status gguf_writer_data(struct gguf_writer *writer, const void *bytes, size_t size, lt_error *error)
{
    const unsigned char *at = bytes;
    while (size > 0) {
        if (writer->current >= writer->tensor_count)
            return error_set(error, LT_ERR_INTERNAL, "more bytes than declared for '%s'", writer->path.data);
        uint64_t left = writer->bytes[writer->current] - writer->current_done;
        size_t piece = size < left ? size : (size_t)left;
        lt_status status = put(writer, at, piece, error);
        if (status != LT_OK)
            return status;
        at += piece;
        size -= piece;
        writer->current_done += piece;
        if (piece == left) {
            status = put_padding(writer, writer->current_done, error);
            if (status != LT_OK)
                return status;
            writer->current++;
            writer->current_done = 0;
        }
    }
    return LT_OK;
}

lt_status gguf_writer_finish(struct gguf_writer *writer, lt_error *error)
{
    if (writer->current != writer->tensor_count)
        return error_set(error, LT_ERR_INTERNAL, "fewer bytes than declared for '%s'", writer->path.data);
    FILE *file = writer->file;
    bool good = fflush(file) == 0 && fsync(fileno(file)) == 0;
    int saved = errno;
    writer->file = NULL;
    if (fclose(file) != 0 && good) {
        good = false;
        saved = errno;
    }
    if (good && rename(writer->temporary.data, writer->path.data) == 0)
        return LT_OK;
    if (good)
        saved = errno;
    unlink(writer->temporary.data);
    errno = saved;
    return error_errno(error, LT_ERR_IO, "cannot write '%s'", writer->path.data);
}
