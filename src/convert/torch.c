/* torch.c: PyTorch files as torch.save writes them since version 1.6: a zip with one pickle, PREFIX/data.pkl,
 * that names tensors as views (offset, shape, strides) of storages, each a file PREFIX/data/KEY of plain
 * little-endian elements.
 *
 * The checkpoint may be a dict of dicts of tensors (the published kokoro-v1_0.pth), a flat state dict, or one
 * tensor (a voice). Format: torch/serialization.py and caffe2/serialize/inline_container.h of
 * pytorch/pytorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "convert/checkpoint.h"
#include "convert/pickle.h"

struct view { /* where a tensor's elements are */
    enum element_type type;
    uint64_t entry;                        /* of the zip */
    uint64_t offset;                       /* first element in the storage */
    uint64_t strides[CHECKPOINT_MAX_DIMS]; /* in elements */
    uint64_t span;                         /* elements from the first to the last used one */
};

struct torch {
    struct checkpoint checkpoint;
    zip_t *zip;
    char prefix[128]; /* of the entries, with its slash; "" for none */
    struct view *views;
    size_t view_count, view_capacity;
};

static void torch_close(struct checkpoint *checkpoint)
{
    struct torch *torch = (struct torch *)checkpoint;
    if (torch->zip != NULL)
        zip_discard(torch->zip);
    free(torch->views);
    free(torch);
}

/* ---- Entries of the zip ------------------------------------------------------------------------ */

static lt_status skip(zip_file_t *file, bool stored, uint64_t bytes)
{
    if (bytes == 0)
        return LT_OK;
    if (stored)
        return bytes <= INT64_MAX && zip_fseek(file, (zip_int64_t)bytes, SEEK_SET) == 0 ? LT_OK
                                                                                        : LT_ERR_MODEL;
    unsigned char ignored[16384];
    while (bytes > 0) {
        zip_int64_t got = zip_fread(file, ignored, bytes < sizeof ignored ? bytes : sizeof ignored);
        if (got <= 0)
            return LT_ERR_MODEL;
        bytes -= (uint64_t)got;
    }
    return LT_OK;
}

/* Reads `size` bytes of an entry from byte `from` on. A read that reaches the entry's end checks its
 * checksum. */
static lt_status read_entry(struct torch *torch, uint64_t entry, uint64_t from, unsigned char *out,
                            size_t size, lt_error *error)
{
    zip_stat_t info;
    zip_file_t *file = zip_fopen_index(torch->zip, entry, 0);
    if (file == NULL || zip_stat_index(torch->zip, entry, 0, &info) != 0) {
        if (file != NULL)
            zip_fclose(file);
        return checkpoint_damaged(&torch->checkpoint, error, "%s", zip_strerror(torch->zip));
    }
    lt_status status =
        skip(file, (info.valid & ZIP_STAT_COMP_METHOD) && info.comp_method == ZIP_CM_STORE, from);
    size_t done = 0;
    while (status == LT_OK && done < size) {
        zip_int64_t got = zip_fread(file, out + done, size - done);
        if (got <= 0)
            status = LT_ERR_MODEL;
        else
            done += (size_t)got;
    }
    unsigned char more;
    if (status == LT_OK && zip_fread(file, &more, 1) < 0)
        status = LT_ERR_MODEL;
    if (status != LT_OK)
        checkpoint_damaged(&torch->checkpoint, error, "entry %llu of the zip cannot be read (%s)",
                           (unsigned long long)entry, zip_file_strerror(file));
    zip_fclose(file);
    return status;
}

/* Reads a whole small entry; *bytes is the caller's. */
static lt_status read_small(struct torch *torch, uint64_t entry, uint64_t limit, unsigned char **bytes,
                            size_t *size, lt_error *error)
{
    zip_stat_t info;
    if (zip_stat_index(torch->zip, entry, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE) ||
        info.size > limit)
        return checkpoint_damaged(&torch->checkpoint, error, "its table of contents is too large");
    *size = (size_t)info.size;
    *bytes = malloc(*size + 1);
    if (*bytes == NULL)
        return error_memory(error, "a checkpoint's table of contents");
    lt_status status = read_entry(torch, entry, 0, *bytes, *size, error);
    if (status != LT_OK)
        free(*bytes);
    return status;
}

/* Finds PREFIX/data.pkl and remembers the prefix. */
static lt_status find_pickle(struct torch *torch, uint64_t *entry, lt_error *error)
{
    zip_int64_t count = zip_get_num_entries(torch->zip, 0);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(torch->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        const char *slash = name != NULL ? strchr(name, '/') : NULL;
        const char *base = slash != NULL ? slash + 1 : name;
        if (name == NULL || strcmp(base, "data.pkl") != 0 || (size_t)(base - name) >= sizeof torch->prefix)
            continue;
        memcpy(torch->prefix, name, (size_t)(base - name));
        *entry = (uint64_t)i;
        return LT_OK;
    }
    return checkpoint_damaged(&torch->checkpoint, error, "the zip has no data.pkl");
}

/* Number of the entry PREFIX `name`; -1: none. */
static zip_int64_t find_entry(struct torch *torch, const char *name)
{
    char path[256];
    int length = snprintf(path, sizeof path, "%s%s", torch->prefix, name);
    return length > 0 && (size_t)length < sizeof path ? zip_name_locate(torch->zip, path, ZIP_FL_ENC_RAW)
                                                      : -1;
}

static lt_status check_byte_order(struct torch *torch, lt_error *error)
{
    zip_int64_t entry = find_entry(torch, "byteorder");
    if (entry < 0)
        return LT_OK;
    unsigned char *text;
    size_t size;
    lt_status status = read_small(torch, (uint64_t)entry, 64, &text, &size, error);
    if (status != LT_OK)
        return status;
    if (size < 6 || memcmp(text, "little", 6) != 0)
        status = checkpoint_damaged(&torch->checkpoint, error, "it was saved on a big-endian machine");
    free(text);
    return status;
}

/* ---- From pickle to tensors -------------------------------------------------------------------- */

struct walk {
    struct torch *torch;
    const struct pickle *pickle;
    char name[512]; /* of the value being looked at */
    unsigned visited;
    lt_error *error;
};

static lt_status bad_tensor(struct walk *walk, const char *why)
{
    return checkpoint_damaged(&walk->torch->checkpoint, walk->error, "tensor '%s' %s", walk->name, why);
}

/* Reads a storage: ('storage', type, key, location, element count). */
static lt_status read_storage(struct walk *walk, const struct pickle_value *value, struct view *view,
                              uint64_t *elements)
{
    uint32_t item = value->first;
    const struct pickle_value *tuple = pickle_item(walk->pickle, &item);
    if (value->kind != PICKLE_PERSISTENT || tuple->kind != PICKLE_TUPLE || tuple->count < 5)
        return bad_tensor(walk, "has no storage");
    item = tuple->first;
    pickle_item(walk->pickle, &item); /* the word "storage" */
    const struct pickle_value *type = pickle_item(walk->pickle, &item);
    const struct pickle_value *key = pickle_item(walk->pickle, &item);
    pickle_item(walk->pickle, &item); /* the device that it was on */
    const struct pickle_value *count = pickle_item(walk->pickle, &item);
    if (type->kind != PICKLE_GLOBAL || type->integer < PICKLE_FLOAT_STORAGE || key->kind != PICKLE_STRING ||
        key->length == 0 || key->length > 64 || count->kind != PICKLE_INTEGER || count->integer <= 0)
        return bad_tensor(walk, "has a storage of an unknown form");
    static const enum element_type types[] = {ELEMENT_F32, ELEMENT_F16, ELEMENT_BF16, ELEMENT_F64, ELEMENT_I8,
                                              ELEMENT_U8,  ELEMENT_I16, ELEMENT_I32,  ELEMENT_I64};
    view->type = types[type->integer - PICKLE_FLOAT_STORAGE];

    char name[80];
    snprintf(name, sizeof name, "data/%.*s", (int)key->length, key->text);
    zip_int64_t entry = find_entry(walk->torch, name);
    zip_stat_t info;
    if (entry < 0 || zip_stat_index(walk->torch->zip, (zip_uint64_t)entry, 0, &info) != 0 ||
        !(info.valid & ZIP_STAT_SIZE))
        return bad_tensor(walk, "has a storage that is not in the zip");
    *elements = info.size / element_bytes(view->type);
    if (*elements < (uint64_t)count->integer)
        return bad_tensor(walk, "has a storage that is cut off");
    view->entry = (uint64_t)entry;
    return LT_OK;
}

/* Reads a tuple of non-negative numbers; their count, or -1. */
static int read_numbers(struct walk *walk, const struct pickle_value *tuple,
                        uint64_t numbers[CHECKPOINT_MAX_DIMS])
{
    if (tuple->kind != PICKLE_TUPLE || tuple->count > CHECKPOINT_MAX_DIMS)
        return -1;
    uint32_t item = tuple->first;
    for (uint32_t i = 0; i < tuple->count; i++) {
        const struct pickle_value *number = pickle_item(walk->pickle, &item);
        if (number->kind != PICKLE_INTEGER || number->integer < 0)
            return -1;
        numbers[i] = (uint64_t)number->integer;
    }
    return (int)tuple->count;
}

/* Elements between the first and the last that a view touches, both counted; false when that overflows. */
static bool view_span(int dims, const uint64_t *shape, struct view *view)
{
    view->span = 1;
    for (int i = 0; i < dims; i++) {
        uint64_t reach;
        if (shape[i] == 0 || __builtin_mul_overflow(shape[i] - 1, view->strides[i], &reach) ||
            __builtin_add_overflow(view->span, reach, &view->span))
            return false;
    }
    return view->span <= CHECKPOINT_MAX_ELEMENTS;
}

static lt_status add_view(struct walk *walk, const struct view *view, int dims, const uint64_t *shape)
{
    struct torch *torch = walk->torch;
    if (torch->view_count == torch->view_capacity) {
        size_t capacity = torch->view_capacity * 2 + 64;
        struct view *more = realloc(torch->views, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(walk->error, "a checkpoint's table of contents");
        torch->views = more;
        torch->view_capacity = capacity;
    }
    torch->views[torch->view_count] = *view;
    return checkpoint_add(&torch->checkpoint, walk->name, strlen(walk->name), dims, shape,
                          torch->view_count++, walk->error);
}

/* Reads _rebuild_tensor_v2(storage, offset, size, stride, ...); `item` stands before the storage. */
static lt_status read_tensor(struct walk *walk, uint32_t item)
{
    const struct pickle_value *storage = pickle_item(walk->pickle, &item);
    const struct pickle_value *offset = pickle_item(walk->pickle, &item);
    const struct pickle_value *size = pickle_item(walk->pickle, &item);
    const struct pickle_value *stride = pickle_item(walk->pickle, &item);
    struct view view = {0};
    uint64_t shape[CHECKPOINT_MAX_DIMS], elements = 0, end;
    int dims = read_numbers(walk, size, shape);
    if (offset->kind != PICKLE_INTEGER || offset->integer < 0 || dims < 0 ||
        read_numbers(walk, stride, view.strides) != dims)
        return bad_tensor(walk, "has a shape of an unknown form");
    lt_status status = read_storage(walk, storage, &view, &elements);
    if (status != LT_OK)
        return status;
    view.offset = (uint64_t)offset->integer;
    if (!view_span(dims, shape, &view) || __builtin_add_overflow(view.offset, view.span, &end) ||
        end > elements)
        return bad_tensor(walk, "reaches beyond its storage");
    return add_view(walk, &view, dims, shape);
}

/* Counts a value of the walk: dicts may be shared, so a short pickle can name many. */
static lt_status count_visit(struct walk *walk)
{
    if (++walk->visited <= 8 * CHECKPOINT_MAX_TENSORS)
        return LT_OK;
    return checkpoint_damaged(&walk->torch->checkpoint, walk->error,
                              "its table of contents is longer than that of any model");
}

static lt_status walk_value(struct walk *walk, const struct pickle_value *value, size_t name_length,
                            int depth);

static lt_status walk_dict(struct walk *walk, const struct pickle_value *dict, size_t name_length, int depth)
{
    for (uint32_t item = dict->first; item != 0;) {
        const struct pickle_value *key = pickle_item(walk->pickle, &item);
        const struct pickle_value *value = pickle_item(walk->pickle, &item);
        if (count_visit(walk) != LT_OK)
            return LT_ERR_MODEL;
        if (key->kind != PICKLE_STRING) /* not a state dict: optimizers number their entries */
            continue;
        if (name_length + 1 + key->length >= sizeof walk->name)
            return checkpoint_damaged(&walk->torch->checkpoint, walk->error, "a tensor's name is too long");
        size_t length = name_length;
        if (length > 0)
            walk->name[length++] = '.';
        memcpy(walk->name + length, key->text, key->length);
        length += key->length;
        walk->name[length] = '\0';
        lt_status status = walk_value(walk, value, length, depth + 1);
        if (status != LT_OK)
            return status;
    }
    return LT_OK;
}

/* Collects the tensors of a value. What is neither tensor nor dict (an epoch number, say) is passed over. */
static lt_status walk_value(struct walk *walk, const struct pickle_value *value, size_t name_length,
                            int depth)
{
    if (depth > 8)
        return checkpoint_damaged(&walk->torch->checkpoint, walk->error,
                                  "its table of contents is nested too deeply");
    if (value->kind == PICKLE_DICT)
        return walk_dict(walk, value, name_length, depth);
    if (value->kind != PICKLE_CALL)
        return LT_OK;
    uint32_t item = value->first;
    const struct pickle_value *name = pickle_item(walk->pickle, &item);
    if (name->integer == PICKLE_REBUILD_TENSOR)
        return read_tensor(walk, item);
    return walk_value(walk, pickle_item(walk->pickle, &item), name_length,
                      depth + 1); /* a parameter's tensor */
}

/* ---- Reading a tensor -------------------------------------------------------------------------- */

/* Gathers a strided view of rank `dims` whose first element is at `data`. */
static void gather(const struct view *view, const struct checkpoint_tensor *tensor, const unsigned char *data,
                   float *values)
{
    uint64_t index[CHECKPOINT_MAX_DIMS] = {0};
    size_t size = element_bytes(view->type);
    for (uint64_t i = 0; i < tensor->elements; i++) {
        uint64_t at = 0;
        for (int d = 0; d < tensor->dims; d++)
            at += index[d] * view->strides[d];
        element_decode(view->type, data + at * size, 1, &values[i]);
        for (int d = tensor->dims - 1; d >= 0 && ++index[d] == tensor->shape[d]; d--)
            index[d] = 0;
    }
}

static bool is_contiguous(const struct view *view, const struct checkpoint_tensor *tensor)
{
    uint64_t stride = 1;
    for (int d = tensor->dims - 1; d >= 0; d--) {
        if (tensor->shape[d] > 1 && view->strides[d] != stride)
            return false;
        stride *= tensor->shape[d];
    }
    return true;
}

static lt_status torch_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                            float *values, lt_error *error)
{
    struct torch *torch = (struct torch *)checkpoint;
    const struct view *view = &torch->views[tensor->source];
    size_t size = element_bytes(view->type);
    unsigned char *data = malloc((size_t)view->span * size);
    if (data == NULL)
        return error_memory(error, tensor->name);
    lt_status status =
        read_entry(torch, view->entry, view->offset * size, data, (size_t)view->span * size, error);
    if (status == LT_OK && is_contiguous(view, tensor))
        element_decode(view->type, data, (size_t)tensor->elements, values);
    else if (status == LT_OK)
        gather(view, tensor, data, values);
    free(data);
    return status;
}

/* ---- Opening ----------------------------------------------------------------------------------- */

static lt_status read_contents(struct torch *torch, lt_error *error)
{
    uint64_t entry = 0;
    lt_status status = find_pickle(torch, &entry, error);
    if (status == LT_OK)
        status = check_byte_order(torch, error);
    if (status != LT_OK)
        return status;
    unsigned char *bytes;
    size_t size;
    status = read_small(torch, entry, PICKLE_MAX_BYTES, &bytes, &size, error);
    if (status != LT_OK)
        return status;
    struct pickle pickle;
    status = pickle_read(bytes, size, torch->checkpoint.path, &pickle, error);
    if (status == LT_OK) {
        struct walk walk = {.torch = torch, .pickle = &pickle, .error = error};
        const struct pickle_value *root = pickle_value(&pickle, pickle.root);
        bool one = root->kind == PICKLE_CALL; /* a voice: the file is one tensor, without a name */
        if (one)
            strcpy(walk.name, "tensor");
        status = walk_value(&walk, root, one ? strlen(walk.name) : 0, 0);
    }
    if (status == LT_OK && torch->checkpoint.count == 0)
        status = checkpoint_damaged(&torch->checkpoint, error, "it holds no tensors");
    pickle_free(&pickle);
    free(bytes);
    return status;
}

/* Takes over `zip`; NULL: opening failed with `code`. */
static lt_status open_zip(zip_t *zip, zip_error_t *code, const char *name, struct checkpoint **checkpoint,
                          lt_error *error)
{
    struct torch *torch = calloc(1, sizeof *torch);
    if (torch == NULL) {
        if (zip != NULL)
            zip_discard(zip);
        return error_memory(error, "a checkpoint");
    }
    torch->zip = zip;
    torch->checkpoint = (struct checkpoint){.format = "PyTorch", .read = torch_read, .close = torch_close};
    snprintf(torch->checkpoint.path, sizeof torch->checkpoint.path, "%s", name);
    lt_status status = zip == NULL ? checkpoint_damaged(&torch->checkpoint, error, "%s: it may be cut off",
                                                        zip_error_strerror(code))
                                   : read_contents(torch, error);
    if (status == LT_OK)
        *checkpoint = &torch->checkpoint;
    else
        checkpoint_close(&torch->checkpoint);
    return status;
}

lt_status torch_open(const char *path, struct checkpoint **checkpoint, lt_error *error)
{
    int number = 0;
    zip_error_t code;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &number);
    zip_error_init_with_code(&code, number);
    lt_status status = open_zip(zip, &code, path, checkpoint, error);
    zip_error_fini(&code);
    return status;
}

lt_status torch_open_memory(const void *bytes, size_t size, const char *name, struct checkpoint **checkpoint,
                            lt_error *error)
{
    zip_error_t code;
    zip_error_init(&code);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &code);
    zip_t *zip = source != NULL ? zip_open_from_source(source, ZIP_RDONLY, &code) : NULL;
    if (zip == NULL && source != NULL)
        zip_source_free(source);
    lt_status status = open_zip(zip, &code, name, checkpoint, error);
    zip_error_fini(&code);
    return status;
}
