/* gguf.c: reading GGUF files in place; see gguf.h. gguf_write.c makes them.
 *
 * gguf_open walks the head once, front to back, with a cursor that cannot leave the file; what it accepts
 * needs no further check: metadata values are remembered as pointers into the map, tensors as a table sorted
 * by name. */
#include "kokoro/gguf.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is read in place, which needs little-endian");

struct entry { /* one metadata value */
    struct gguf_string key;
    enum gguf_value_type type;
    enum gguf_value_type element; /* of an array */
    uint64_t count;               /* elements of an array, bytes of a string, else 1 */
    const unsigned char *data;    /* first byte of the value or first element */
};

struct gguf {
    struct mapped_file file; /* to unmap; empty for gguf_open_memory */
    const char *name;        /* for errors, during opening only */
    const unsigned char *begin, *at, *end;
    uint64_t alignment;
    struct entry *entries;
    size_t entry_count;
    struct gguf_tensor *tensors;
    size_t tensor_count;
};

/* ---- Types ------------------------------------------------------------------------------------- */

static const struct type_info {
    enum gguf_type type;
    const char *name;
    uint8_t elements, bytes;
} type_infos[] = {
    {GGUF_F32, "f32", 1, 4},     {GGUF_F16, "f16", 1, 2},     {GGUF_BF16, "bf16", 1, 2},
    {GGUF_Q8_0, "q8_0", 32, 34}, {GGUF_Q4_0, "q4_0", 32, 18},
};

static const struct type_info *type_info(uint32_t type)
{
    for (size_t i = 0; i < sizeof type_infos / sizeof *type_infos; i++)
        if ((uint32_t)type_infos[i].type == type)
            return &type_infos[i];
    return NULL;
}

const char *gguf_type_name(enum gguf_type type)
{
    const struct type_info *info = type_info(type);
    return info != NULL ? info->name : NULL;
}

bool gguf_type_parse(const char *name, enum gguf_type *type)
{
    for (size_t i = 0; i < sizeof type_infos / sizeof *type_infos; i++) {
        if (strcmp(type_infos[i].name, name) == 0) {
            *type = type_infos[i].type;
            return true;
        }
    }
    return false;
}

size_t gguf_block_elements(enum gguf_type type)
{
    const struct type_info *info = type_info(type);
    return info != NULL ? info->elements : 0;
}

size_t gguf_block_bytes(enum gguf_type type)
{
    const struct type_info *info = type_info(type);
    return info != NULL ? info->bytes : 0;
}

uint64_t gguf_row_bytes(enum gguf_type type, uint64_t count)
{
    const struct type_info *info = type_info(type);
    uint64_t bytes;
    if (info == NULL || count % info->elements != 0 ||
        __builtin_mul_overflow(count / info->elements, info->bytes, &bytes))
        return 0;
    return bytes;
}

/* Bytes of a metadata value of fixed size; 0 for strings, arrays and unknown types. */
static size_t value_bytes(uint32_t type)
{
    static const uint8_t sizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof sizes ? sizes[type] : 0;
}

/* ---- Walking the head -------------------------------------------------------------------------- */

static lt_status damaged(const struct gguf *gguf, lt_error *error, const char *what)
{
    return error_set(
        error, LT_ERR_MODEL,
        "'%s' is not a usable GGUF file: %s (at byte %zu); 'litetts import' makes one of a checkpoint",
        gguf->name, what, (size_t)(gguf->at - gguf->begin));
}

static bool take(struct gguf *gguf, void *out, size_t size)
{
    if ((size_t)(gguf->end - gguf->at) < size)
        return false;
    memcpy(out, gguf->at, size);
    gguf->at += size;
    return true;
}

static bool take_string(struct gguf *gguf, struct gguf_string *string)
{
    uint64_t length;
    if (!take(gguf, &length, sizeof length) || length > (uint64_t)(gguf->end - gguf->at))
        return false;
    *string = (struct gguf_string){.data = (const char *)gguf->at, .length = (size_t)length};
    gguf->at += length;
    return true;
}

/* Skips the elements of an array, checking that all are inside. */
static bool take_array(struct gguf *gguf, struct entry *entry)
{
    uint32_t element;
    if (!take(gguf, &element, sizeof element) || !take(gguf, &entry->count, sizeof entry->count))
        return false;
    entry->element = element;
    entry->data = gguf->at;
    size_t size = value_bytes(element);
    uint64_t left = (uint64_t)(gguf->end - gguf->at);
    if (size > 0) {
        if (entry->count > left / size)
            return false;
        gguf->at += entry->count * size;
        return true;
    }
    if (element != GGUF_VALUE_STRING || entry->count > left / sizeof(uint64_t))
        return false;
    struct gguf_string ignored;
    for (uint64_t i = 0; i < entry->count; i++)
        if (!take_string(gguf, &ignored))
            return false;
    return true;
}

static bool take_entry(struct gguf *gguf, struct entry *entry)
{
    uint32_t type;
    if (!take_string(gguf, &entry->key) || !take(gguf, &type, sizeof type))
        return false;
    entry->type = type;
    entry->count = 1;
    if (type == GGUF_VALUE_ARRAY)
        return take_array(gguf, entry);
    if (type == GGUF_VALUE_STRING) {
        struct gguf_string string;
        if (!take_string(gguf, &string))
            return false;
        entry->data = (const unsigned char *)string.data;
        entry->count = string.length;
        return true;
    }
    size_t size = value_bytes(type);
    if (size == 0 || (size_t)(gguf->end - gguf->at) < size)
        return false;
    entry->data = gguf->at;
    gguf->at += size;
    return true;
}

static const struct entry *find_entry(const struct gguf *gguf, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < gguf->entry_count; i++)
        if (gguf->entries[i].key.length == length && memcmp(gguf->entries[i].key.data, key, length) == 0)
            return &gguf->entries[i];
    return NULL;
}

/* Reads a row of the tensor table; *offset is where its bytes begin, counted from the end of the head. */
static lt_status take_tensor(struct gguf *gguf, struct gguf_tensor *tensor, uint64_t *offset, lt_error *error)
{
    struct gguf_string name;
    uint32_t dims, type;
    if (!take_string(gguf, &name) || !take(gguf, &dims, sizeof dims))
        return damaged(gguf, error, "the tensor table is cut off");
    if (name.length == 0 || name.length > GGUF_MAX_NAME || memchr(name.data, '\0', name.length) != NULL)
        return damaged(gguf, error, "a tensor's name is empty or too long");
    if (dims < 1 || dims > GGUF_MAX_DIMS)
        return damaged(gguf, error, "a tensor has no dimensions or too many");
    memcpy(tensor->name, name.data, name.length);
    tensor->dims = (int)dims;
    tensor->elements = 1;
    for (uint32_t i = 0; i < GGUF_MAX_DIMS; i++)
        tensor->shape[i] = 1;
    for (uint32_t i = 0; i < dims; i++) {
        uint64_t *size = &tensor->shape[dims - 1 - i];
        if (!take(gguf, size, sizeof *size))
            return damaged(gguf, error, "the tensor table is cut off");
        if (*size == 0 || __builtin_mul_overflow(tensor->elements, *size, &tensor->elements))
            return damaged(gguf, error, "a tensor's shape is empty or too large");
    }
    if (!take(gguf, &type, sizeof type) || !take(gguf, offset, sizeof *offset))
        return damaged(gguf, error, "the tensor table is cut off");
    if (type_info(type) == NULL)
        return damaged(gguf, error, "a tensor has an element type other than f32, f16, bf16, q8_0 and q4_0");
    tensor->type = type;
    uint64_t row = gguf_row_bytes(type, tensor->shape[dims - 1]);
    tensor->bytes = gguf_row_bytes(type, tensor->elements);
    if (row == 0 || tensor->bytes == 0)
        return damaged(gguf, error, "a tensor's rows do not fit the blocks of its type");
    return LT_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct gguf_tensor *)a)->name, ((const struct gguf_tensor *)b)->name);
}

/* Reads the tensor table and points each tensor to its bytes. */
static lt_status take_tensors(struct gguf *gguf, lt_error *error)
{
    uint64_t *offsets = malloc((gguf->tensor_count + 1) * sizeof *offsets);
    if (offsets == NULL)
        return error_memory(error, "a model's tensor table");
    lt_status status = LT_OK;
    for (size_t i = 0; i < gguf->tensor_count && status == LT_OK; i++)
        status = take_tensor(gguf, &gguf->tensors[i], &offsets[i], error);

    uint64_t head = (uint64_t)(gguf->at - gguf->begin);
    uint64_t data = (head + gguf->alignment - 1) / gguf->alignment * gguf->alignment;
    uint64_t size = (uint64_t)(gguf->end - gguf->begin);
    uint64_t room = data < size ? size - data : 0;
    for (size_t i = 0; i < gguf->tensor_count && status == LT_OK; i++) {
        struct gguf_tensor *tensor = &gguf->tensors[i];
        if (offsets[i] % gguf->alignment != 0)
            status = damaged(gguf, error, "a tensor is not aligned");
        else if (offsets[i] > room || tensor->bytes > room - offsets[i])
            status =
                error_set(error, LT_ERR_MODEL,
                          "'%s' is cut off: tensor '%s' ends behind its last byte; import or copy it again",
                          gguf->name, tensor->name);
        else
            tensor->data = gguf->begin + data + offsets[i];
    }
    free(offsets);
    if (status != LT_OK)
        return status;

    if (gguf->tensor_count > 0)
        qsort(gguf->tensors, gguf->tensor_count, sizeof *gguf->tensors, by_name);
    for (size_t i = 1; i < gguf->tensor_count; i++)
        if (by_name(&gguf->tensors[i - 1], &gguf->tensors[i]) == 0)
            return damaged(gguf, error, "two tensors have the same name");
    return LT_OK;
}

static lt_status take_head(struct gguf *gguf, lt_error *error)
{
    char magic[4];
    uint32_t version;
    uint64_t tensors, entries;
    if (!take(gguf, magic, 4) || memcmp(magic, "GGUF", 4) != 0)
        return damaged(gguf, error, "it does not begin with \"GGUF\"");
    if (!take(gguf, &version, sizeof version) || version < 2 || version > 3)
        return damaged(gguf, error, "its version is not 2 or 3");
    if (!take(gguf, &tensors, sizeof tensors) || !take(gguf, &entries, sizeof entries) ||
        tensors > GGUF_MAX_COUNT || entries > GGUF_MAX_COUNT)
        return damaged(gguf, error, "it is cut off, or claims too many tensors or metadata");

    gguf->entries = calloc(entries + 1, sizeof *gguf->entries);
    gguf->tensors = calloc(tensors + 1, sizeof *gguf->tensors);
    if (gguf->entries == NULL || gguf->tensors == NULL)
        return error_memory(error, "a model's tensor table");
    for (; gguf->entry_count < entries; gguf->entry_count++)
        if (!take_entry(gguf, &gguf->entries[gguf->entry_count]))
            return damaged(gguf, error, "its metadata is cut off or malformed");
    gguf->tensor_count = (size_t)tensors;

    gguf->alignment = 32;
    if (find_entry(gguf, "general.alignment") != NULL &&
        (!gguf_get_uint(gguf, "general.alignment", &gguf->alignment) || gguf->alignment < 8 ||
         gguf->alignment > 1 << 20 || (gguf->alignment & (gguf->alignment - 1)) != 0))
        return damaged(gguf, error, "its alignment is not a power of two from 8 to 2^20");
    return take_tensors(gguf, error);
}

static lt_status open_bytes(const unsigned char *bytes, size_t size, const char *name, struct gguf **out,
                            lt_error *error)
{
    struct gguf *gguf = calloc(1, sizeof *gguf);
    if (gguf == NULL)
        return error_memory(error, "a model");
    gguf->name = name;
    gguf->begin = gguf->at = bytes;
    gguf->end = bytes + size;
    lt_status status = take_head(gguf, error);
    gguf->name = NULL;
    if (status == LT_OK)
        *out = gguf;
    else
        gguf_close(gguf);
    return status;
}

lt_status gguf_open_memory(const void *bytes, size_t size, const char *name, struct gguf **gguf,
                           lt_error *error)
{
    *gguf = NULL;
    if (size == 0)
        return error_set(error, LT_ERR_MODEL, "'%s' is empty: import a checkpoint first", name);
    return open_bytes(bytes, size, name, gguf, error);
}

lt_status gguf_open(const char *path, struct gguf **gguf, lt_error *error)
{
    struct mapped_file file;
    *gguf = NULL;
    lt_status status = file_map(path, &file, error);
    if (status != LT_OK)
        return status;
    status = gguf_open_memory(file.data, file.size, path, gguf, error);
    if (status == LT_OK)
        (*gguf)->file = file;
    else
        file_unmap(&file);
    return status;
}

void gguf_close(struct gguf *gguf)
{
    if (gguf == NULL)
        return;
    file_unmap(&gguf->file);
    free(gguf->entries);
    free(gguf->tensors);
    free(gguf);
}

/* ---- Looking things up ------------------------------------------------------------------------- */

size_t gguf_tensor_count(const struct gguf *gguf)
{
    return gguf->tensor_count;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *gguf, size_t index)
{
    return &gguf->tensors[index];
}

const struct gguf_tensor *gguf_find(const struct gguf *gguf, const char *name)
{
    size_t low = 0, high = gguf->tensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(gguf->tensors[middle].name, name);
        if (order == 0)
            return &gguf->tensors[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Reads a number of any integer type as an unsigned one; false for a negative number or another type. */
static bool read_uint(enum gguf_value_type type, const unsigned char *data, uint64_t *value)
{
    size_t size = value_bytes(type);
    bool is_signed = type == GGUF_VALUE_INT8 || type == GGUF_VALUE_INT16 || type == GGUF_VALUE_INT32 ||
                     type == GGUF_VALUE_INT64;
    if (size == 0 || type == GGUF_VALUE_FLOAT32 || type == GGUF_VALUE_FLOAT64 || type == GGUF_VALUE_BOOL)
        return false;
    if (is_signed && (data[size - 1] & 0x80) != 0)
        return false;
    *value = 0;
    memcpy(value, data, size);
    return true;
}

bool gguf_get_uint(const struct gguf *gguf, const char *key, uint64_t *value)
{
    const struct entry *entry = find_entry(gguf, key);
    return entry != NULL && read_uint(entry->type, entry->data, value);
}

bool gguf_get_string(const struct gguf *gguf, const char *key, struct gguf_string *value)
{
    const struct entry *entry = find_entry(gguf, key);
    if (entry == NULL || entry->type != GGUF_VALUE_STRING)
        return false;
    *value = (struct gguf_string){.data = (const char *)entry->data, .length = (size_t)entry->count};
    return true;
}

bool gguf_get_array(const struct gguf *gguf, const char *key, struct gguf_array *array)
{
    const struct entry *entry = find_entry(gguf, key);
    if (entry == NULL || entry->type != GGUF_VALUE_ARRAY)
        return false;
    *array = (struct gguf_array){.type = entry->element, .count = entry->count, .data = entry->data};
    return true;
}

bool gguf_array_uint(const struct gguf_array *array, uint64_t index, uint64_t *value)
{
    return index < array->count &&
           read_uint(array->type, array->data + index * value_bytes(array->type), value);
}

bool gguf_next_string(struct gguf_array *array, struct gguf_string *value)
{
    if (array->type != GGUF_VALUE_STRING || array->count == 0)
        return false;
    uint64_t length;
    memcpy(&length, array->data, sizeof length);
    *value =
        (struct gguf_string){.data = (const char *)array->data + sizeof length, .length = (size_t)length};
    array->data += sizeof length + length;
    array->count--;
    return true;
}

/* ---- Identity ---------------------------------------------------------------------------------- */

static void digest_sample(struct sha256_ctx *context, const struct gguf_tensor *tensor, uint64_t at)
{
    enum { SAMPLE = 64 };
    const uint64_t left = tensor->bytes - at;
    sha256_update(context, left < SAMPLE ? (size_t)left : SAMPLE, (const unsigned char *)tensor->data + at);
}

void gguf_digest(const struct gguf *gguf, unsigned char digest[GGUF_DIGEST_BYTES])
{
    struct sha256_ctx context;
    sha256_init(&context);
    const unsigned char *head_end = gguf->end;
    for (size_t i = 0; i < gguf->tensor_count; i++)
        if ((const unsigned char *)gguf->tensors[i].data < head_end)
            head_end = gguf->tensors[i].data;
    const uint64_t size = (uint64_t)(gguf->end - gguf->begin);
    sha256_update(&context, sizeof size, (const unsigned char *)&size);
    sha256_update(&context, (size_t)(head_end - gguf->begin), gguf->begin);
    for (size_t i = 0; i < gguf->tensor_count; i++) {
        const struct gguf_tensor *tensor = &gguf->tensors[i];
        digest_sample(&context, tensor, 0);
        digest_sample(&context, tensor, tensor->bytes / 2);
        digest_sample(&context, tensor, tensor->bytes > 64 ? tensor->bytes - 64 : 0);
    }
    sha256_digest(&context, GGUF_DIGEST_BYTES, digest);
}
