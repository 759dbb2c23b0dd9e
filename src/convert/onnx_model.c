/* onnx_model.c: reading ONNX files. Field numbers are those of onnx.proto. */
#include "convert/onnx_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONSTANTS = 1 << 18, MAX_NODES = 1 << 18 };

bool span_is(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

static int compare(struct span a, struct span b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static lt_status damaged(const struct onnx_model *model, lt_error *error, const char *what)
{
    return error_set(error, LT_ERR_MODEL,
                     "'%s' is not a usable ONNX file: %s; download it again, or use another", model->name,
                     what);
}

/* ---- TensorProto ------------------------------------------------------------------------------- */

static bool find_type(uint64_t number, enum element_type *type)
{
    static const struct {
        uint64_t number;
        enum element_type type;
    } types[] = {{1, ELEMENT_F32}, {2, ELEMENT_U8},   {3, ELEMENT_I8},   {5, ELEMENT_I16},  {6, ELEMENT_I32},
                 {7, ELEMENT_I64}, {10, ELEMENT_F16}, {11, ELEMENT_F64}, {16, ELEMENT_BF16}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].number == number) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

static void add_dimension(struct onnx_constant *c, uint64_t size)
{
    if (c->dims < 0)
        return;
    if (c->dims == CHECKPOINT_MAX_DIMS || size == 0 ||
        __builtin_mul_overflow(c->elements, size, &c->elements) || c->elements > CHECKPOINT_MAX_ELEMENTS) {
        c->dims = -1;
        return;
    }
    c->shape[c->dims++] = size;
}

/* One entry of external_data: a key and a value, both strings. */
static void read_external(struct onnx_constant *c, struct span entry, bool *bad)
{
    struct protobuf_field field;
    struct span key = {0}, value = {0};
    while (protobuf_next(&entry, &field, bad)) {
        if (field.number == 1 && field.is_bytes)
            key = field.bytes;
        if (field.number == 2 && field.is_bytes)
            value = field.bytes;
    }
    if (span_is(key, "location")) {
        c->location = value;
        return;
    }
    uint64_t number = 0;
    for (size_t i = 0; i < value.size && i < 19; i++)
        number = value.data[i] >= '0' && value.data[i] <= '9' ? number * 10 + (value.data[i] - '0')
                                                              : UINT64_MAX / 16;
    if (span_is(key, "offset"))
        c->offset = number;
    if (span_is(key, "length"))
        c->length = number;
}

static void read_tensor(struct span message, struct onnx_constant *c, bool *bad)
{
    struct protobuf_field field;
    *c = (struct onnx_constant){.elements = 1, .length = UINT64_MAX};
    bool known = false;
    while (protobuf_next(&message, &field, bad)) {
        uint64_t size;
        switch (field.number) {
        case 1: /* dims */
            if (!field.is_bytes)
                add_dimension(c, field.value);
            while (field.is_bytes && protobuf_varint(&field.bytes, &size))
                add_dimension(c, size);
            break;
        case 2: /* data_type */
            known = find_type(field.value, &c->type);
            break;
        case 4:  /* float_data */
        case 5:  /* int32_data: also of 8 and 16 bit types */
        case 7:  /* int64_data */
        case 10: /* double_data */
            if (field.is_bytes)
                c->packed = field.bytes;
            c->varints = field.number == 5 || field.number == 7;
            break;
        case 8: /* name */
            c->name = field.bytes;
            break;
        case 9: /* raw_data */
            c->raw = field.bytes;
            break;
        case 13: /* external_data */
            read_external(c, field.bytes, bad);
            break;
        default:
            break;
        }
    }
    if (!known)
        c->dims = -1;
}

/* ---- GraphProto -------------------------------------------------------------------------------- */

/* `array` of `count` elements with room for one more; NULL: out of memory, it stays. */
static void *grown(void *array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return array;
    size_t more = *capacity + *capacity / 2 + 256;
    void *bigger = realloc(array, more * size);
    if (bigger != NULL)
        *capacity = more;
    return bigger;
}

static lt_status add_constant(struct onnx_model *model, const struct onnx_constant *constant, lt_error *error)
{
    if (model->constant_count == MAX_CONSTANTS)
        return damaged(model, error, "it has too many constants");
    struct onnx_constant *constants =
        grown(model->constants, &model->constant_capacity, model->constant_count, sizeof *constants);
    if (constants == NULL)
        return error_memory(error, "a checkpoint's table of contents");
    model->constants = constants;
    model->constants[model->constant_count++] = *constant;
    return LT_OK;
}

/* The attribute of a name; false: there is none. */
static bool find_attribute(const struct onnx_node *node, const char *name, struct span *attribute)
{
    struct span message = node->message;
    struct protobuf_field field, inner;
    bool bad = false;
    while (protobuf_next(&message, &field, &bad)) {
        if (field.number != 5 || !field.is_bytes)
            continue;
        struct span rest = field.bytes;
        while (protobuf_next(&rest, &inner, &bad)) {
            if (inner.number == 1 && inner.is_bytes && span_is(inner.bytes, name)) {
                *attribute = field.bytes;
                return true;
            }
        }
    }
    return false;
}

int64_t onnx_attribute(const struct onnx_node *node, const char *name, int64_t fallback)
{
    struct span attribute;
    struct protobuf_field field;
    bool bad = false;
    if (!find_attribute(node, name, &attribute))
        return fallback;
    while (protobuf_next(&attribute, &field, &bad))
        if (field.number == 3 && !field.is_bytes) /* i */
            return (int64_t)field.value;
    return fallback;
}

/* The tensor of a Constant node. */
static lt_status add_constant_node(struct onnx_model *model, const struct onnx_node *node, bool *bad,
                                   lt_error *error)
{
    struct span attribute;
    struct protobuf_field field;
    if (!find_attribute(node, "value", &attribute))
        return LT_OK;
    while (protobuf_next(&attribute, &field, bad)) {
        if (field.number != 5 || !field.is_bytes) /* t */
            continue;
        struct onnx_constant constant;
        read_tensor(field.bytes, &constant, bad);
        constant.name = node->output;
        return add_constant(model, &constant, error);
    }
    return LT_OK;
}

static lt_status add_node(struct onnx_model *model, struct span message, bool *bad, lt_error *error)
{
    struct onnx_node node = {.message = message};
    struct protobuf_field field;
    while (protobuf_next(&message, &field, bad)) {
        if (!field.is_bytes)
            continue;
        if (field.number == 1 && node.input_count < ONNX_MAX_INPUTS)
            node.inputs[node.input_count++] = field.bytes;
        else if (field.number == 2 && node.output.data == NULL)
            node.output = field.bytes;
        else if (field.number == 3)
            node.name = field.bytes;
        else if (field.number == 4)
            node.type = field.bytes;
    }
    if (span_is(node.type, "Constant"))
        return add_constant_node(model, &node, bad, error);
    if (model->node_count == MAX_NODES)
        return damaged(model, error, "it has too many nodes");
    struct onnx_node *nodes = grown(model->nodes, &model->node_capacity, model->node_count, sizeof *nodes);
    if (nodes == NULL)
        return error_memory(error, "a checkpoint's table of contents");
    model->nodes = nodes;
    model->nodes[model->node_count++] = node;
    return LT_OK;
}

static int constants_by_name(const void *a, const void *b)
{
    return compare(((const struct onnx_constant *)a)->name, ((const struct onnx_constant *)b)->name);
}

static int nodes_by_output(const void *a, const void *b)
{
    return compare((*(const struct onnx_node *const *)a)->output,
                   (*(const struct onnx_node *const *)b)->output);
}

static lt_status sort(struct onnx_model *model, lt_error *error)
{
    if (model->constant_count > 0)
        qsort(model->constants, model->constant_count, sizeof *model->constants, constants_by_name);
    model->producers = calloc(model->node_count + 1, sizeof *model->producers);
    if (model->producers == NULL)
        return error_memory(error, "a checkpoint's table of contents");
    for (size_t i = 0; i < model->node_count; i++)
        model->producers[i] = &model->nodes[i];
    qsort(model->producers, model->node_count, sizeof *model->producers, nodes_by_output);
    return LT_OK;
}

static lt_status read_graph(struct onnx_model *model, struct span graph, bool *bad, lt_error *error)
{
    struct protobuf_field field;
    lt_status status = LT_OK;
    while (status == LT_OK && protobuf_next(&graph, &field, bad)) {
        if (field.number == 1 && field.is_bytes) {
            status = add_node(model, field.bytes, bad, error);
        } else if (field.number == 5 && field.is_bytes) {
            struct onnx_constant constant;
            read_tensor(field.bytes, &constant, bad);
            status = add_constant(model, &constant, error);
        }
    }
    return status;
}

lt_status onnx_model_read(struct span bytes, const char *path, struct onnx_model *model, lt_error *error)
{
    *model = (struct onnx_model){.name = path};
    const char *slash = strrchr(path, '/');
    if (slash != NULL && (size_t)(slash - path) + 2 > sizeof model->folder)
        return error_set(error, LT_ERR_IO, "'%s' is too long a path", path);
    if (slash != NULL)
        memcpy(model->folder, path, (size_t)(slash - path) + 1);
    struct protobuf_field field;
    bool bad = false;
    lt_status status = LT_OK;
    while (status == LT_OK && protobuf_next(&bytes, &field, &bad))
        if (field.number == 7 && field.is_bytes) /* ModelProto.graph */
            status = read_graph(model, field.bytes, &bad, error);
    if (status == LT_OK && bad)
        status = damaged(model, error, "it is cut off or damaged");
    return status == LT_OK ? sort(model, error) : status;
}

void onnx_model_free(struct onnx_model *model)
{
    for (int i = 0; i < model->external_count; i++)
        file_unmap(&model->external[i].file);
    free(model->constants);
    free(model->nodes);
    free(model->producers);
    *model = (struct onnx_model){0};
}

const struct onnx_constant *onnx_constant(const struct onnx_model *model, struct span name)
{
    size_t low = 0, high = model->constant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(model->constants[middle].name, name);
        if (order == 0)
            return &model->constants[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct onnx_node *onnx_producer(const struct onnx_model *model, struct span output)
{
    size_t low = 0, high = model->node_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(model->producers[middle]->output, output);
        if (order == 0)
            return model->producers[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Elements ---------------------------------------------------------------------------------- */

/* Finds or maps a file of external data. It must lie in the model's folder: a path that leads elsewhere would
 * let a model read any file of its user. */
static lt_status open_external(struct onnx_model *model, struct span location, struct span *bytes,
                               lt_error *error)
{
    char path[1024];
    bool good = location.size > 0 && location.size < 256 && location.data[0] != '/' &&
                memchr(location.data, '\0', location.size) == NULL &&
                memmem(location.data, location.size, "..", 2) == NULL;
    if (!good)
        return damaged(model, error, "its weights lie in a file outside of its folder");
    snprintf(path, sizeof path, "%s%.*s", model->folder, (int)location.size, (const char *)location.data);
    for (int i = 0; i < model->external_count; i++) {
        if (strcmp(model->external[i].path, path) == 0) {
            *bytes = (struct span){model->external[i].file.data, model->external[i].file.size};
            return LT_OK;
        }
    }
    if (model->external_count == ONNX_MAX_FILES)
        return damaged(model, error, "its weights lie in too many files");
    struct external *external = &model->external[model->external_count];
    lt_status status = file_map(path, &external->file, error);
    if (status != LT_OK)
        return status;
    memcpy(external->path, path, sizeof path);
    *bytes = (struct span){external->file.data, external->file.size};
    model->external_count++;
    return LT_OK;
}

/* Finds the bytes of a constant whose elements are not stored as varints. */
static lt_status find_bytes(struct onnx_model *model, const struct onnx_constant *c, struct span *bytes,
                            lt_error *error)
{
    size_t wanted = (size_t)c->elements * element_bytes(c->type);
    *bytes = c->raw.size > 0 ? c->raw : c->packed;
    if (c->location.size > 0) {
        struct span file;
        lt_status status = open_external(model, c->location, &file, error);
        if (status != LT_OK)
            return status;
        if (c->offset > file.size || wanted > file.size - c->offset ||
            (c->length != UINT64_MAX && c->length < wanted))
            return error_set(error, LT_ERR_MODEL,
                             "'%s%.*s' is cut off: '%.*s' ends behind its last byte; download it again",
                             model->folder, (int)c->location.size, (const char *)c->location.data,
                             (int)c->name.size, (const char *)c->name.data);
        *bytes = (struct span){file.data + c->offset, wanted};
    }
    if (c->dims < 0 || bytes->size < wanted)
        return error_set(error, LT_ERR_MODEL,
                         "'%s' is not a usable ONNX file: '%.*s' has fewer elements than its shape; download "
                         "it again, or use another",
                         model->name, (int)c->name.size, (const char *)c->name.data);
    return LT_OK;
}

/* Elements that are stored as varints: halves as their bits, the rest as numbers. */
static bool decode_varints(const struct onnx_constant *c, float *values)
{
    struct span rest = c->packed;
    for (uint64_t i = 0; i < c->elements; i++) {
        uint64_t number;
        if (!protobuf_varint(&rest, &number))
            return false;
        element_decode(c->type, (const unsigned char *)&number, 1, &values[i]);
    }
    return true;
}

lt_status onnx_decode(struct onnx_model *model, const struct onnx_constant *c, float *values, lt_error *error)
{
    if (c->dims >= 0 && c->varints && c->raw.size == 0 && c->location.size == 0) {
        if (decode_varints(c, values))
            return LT_OK;
        return damaged(model, error, "a tensor has fewer elements than its shape");
    }
    struct span bytes;
    lt_status status = find_bytes(model, c, &bytes, error);
    if (status != LT_OK)
        return status;
    element_decode(c->type, bytes.data, (size_t)c->elements, values);
    if (model->mapped || c->location.size > 0)
        checkpoint_forget_pages(bytes.data, bytes.size);
    return LT_OK;
}
