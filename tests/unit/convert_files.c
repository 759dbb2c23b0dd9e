/* convert_files.c: the folder of a test, and writers of checkpoint files. */
#include "convert_files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "kokoro/quant.h"

static void fail(const char *what)
{
    fprintf(stderr, "convert_files: cannot %s\n", what);
    abort();
}

/* ---- Folders ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/test_convert.XXXXXX";

/* "FOLDER/NAME", one of 32 strings in turn. */
static const char *path_in(const char *of, const char *name)
{
    static char paths[32][1024];
    static int next;
    char *path = paths[next++ % 32];
    snprintf(path, sizeof paths[0], "%s/%s", of, name);
    return path;
}

const char *in(const char *name)
{
    return path_in(folder, name);
}

const char *of_tiny(const char *name)
{
    const char *shared = getenv("LITETTS_TEST_SHARED");
    char tiny[512];
    snprintf(tiny, sizeof tiny, "%s/reference/kokoro-tiny", shared != NULL ? shared : "");
    return path_in(tiny, name);
}

bool tiny_is_there(void)
{
    return access(of_tiny("kokoro-tiny.pth"), R_OK) == 0;
}

int files_set_up(void **state)
{
    (void)state;
    if (!tiny_is_there())
        fputs("the reference data is absent: most of these tests are skipped\n", stderr);
    return mkdtemp(folder) != NULL ? 0 : -1;
}

int files_tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* ---- Sets -------------------------------------------------------------------------------------- */

struct set_tensor *set_add(struct tensor_set *set, const char *name, int dims, const uint64_t *shape)
{
    if (set->count == set->capacity) {
        set->capacity = set->capacity * 2 + 64;
        set->tensors = realloc(set->tensors, set->capacity * sizeof *set->tensors);
        if (set->tensors == NULL)
            fail("allocate");
    }
    struct set_tensor *t = &set->tensors[set->count++];
    *t = (struct set_tensor){.dims = dims, .elements = 1};
    snprintf(t->name, sizeof t->name, "%s", name);
    for (int i = 0; i < dims; i++) {
        t->shape[i] = shape[i];
        t->elements *= shape[i];
    }
    t->values = calloc((size_t)t->elements, sizeof *t->values);
    if (t->values == NULL)
        fail("allocate");
    return t;
}

void set_read(const char *path, struct tensor_set *set)
{
    struct checkpoint *checkpoint;
    lt_error error;
    *set = (struct tensor_set){0};
    if (checkpoint_open(path, &checkpoint, &error) != LT_OK)
        fail(error.message);
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct checkpoint_tensor *from = &checkpoint->tensors[i];
        struct set_tensor *t = set_add(set, from->name, from->dims, from->shape);
        if (checkpoint_read(checkpoint, from, t->values, &error) != LT_OK)
            fail(error.message);
    }
    checkpoint_close(checkpoint);
}

void set_free(struct tensor_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->tensors[i].values);
    free(set->tensors);
    *set = (struct tensor_set){0};
}

struct set_tensor *set_find(const struct tensor_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->tensors[i].name, name) == 0)
            return &set->tensors[i];
    return NULL;
}

void set_remove(struct tensor_set *set, const char *name)
{
    struct set_tensor *t = set_find(set, name);
    if (t == NULL)
        fail("remove what is not there");
    free(t->values);
    *t = set->tensors[--set->count];
}

/* One number as `type` stores it. */
static void encode(enum element_type type, float value, void *out)
{
    uint16_t half = type == ELEMENT_F16 ? quant_f16_from_float(value) : quant_bf16_from_float(value);
    double wide = (double)value;
    switch (type) {
    case ELEMENT_F16:
    case ELEMENT_BF16:
        memcpy(out, &half, 2);
        break;
    case ELEMENT_F64:
        memcpy(out, &wide, 8);
        break;
    default:
        memcpy(out, &value, 4);
    }
}

void set_round(struct tensor_set *set, enum element_type type)
{
    for (size_t i = 0; i < set->count; i++) {
        for (uint64_t k = 0; k < set->tensors[i].elements; k++) {
            unsigned char bytes[8];
            encode(type, set->tensors[i].values[k], bytes);
            element_decode(type, bytes, 1, &set->tensors[i].values[k]);
        }
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

void set_fold(struct tensor_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!ends_with(set->tensors[i].name, ".weight_v"))
            continue;
        char scale_name[160];
        snprintf(scale_name, sizeof scale_name, "%s", set->tensors[i].name);
        scale_name[strlen(scale_name) - 1] = 'g';
        struct set_tensor *v = &set->tensors[i], *g = set_find(set, scale_name);
        uint64_t width = v->elements / v->shape[0];
        for (uint64_t row = 0; row < v->shape[0]; row++) {
            float *values = v->values + row * width;
            double sum = 0;
            for (uint64_t k = 0; k < width; k++)
                sum += (double)values[k] * (double)values[k];
            for (uint64_t k = 0; k < width; k++)
                values[k] = (float)((double)values[k] * ((double)g->values[row] / sqrt(sum)));
        }
        v->name[strlen(v->name) - 2] = '\0'; /* "_v" */
        set_remove(set, scale_name);
        i = (size_t)-1; /* the order has changed */
    }
}

void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL || (size > 0 && fwrite(bytes, 1, size, file) != size) || fclose(file) != 0)
        fail("write a file");
}

/* ---- safetensors ------------------------------------------------------------------------------- */

void write_safetensors(const struct tensor_set *set, enum element_type type, const char *path)
{
    static const char *const names[] = {"F32", "F16", "BF16", "F64"};
    struct str header = {0}, data = {0};
    str_puts(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < set->count; i++) {
        const struct set_tensor *t = &set->tensors[i];
        str_printf(&header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", t->name, names[type]);
        for (int d = 0; d < t->dims; d++)
            str_printf(&header, "%s%llu", d > 0 ? "," : "", (unsigned long long)t->shape[d]);
        str_printf(&header, "],\"data_offsets\":[%zu,", data.length);
        for (uint64_t k = 0; k < t->elements; k++) {
            unsigned char bytes[8];
            encode(type, t->values[k], bytes);
            str_append(&data, bytes, element_bytes(type));
        }
        str_printf(&header, "%zu]}", data.length);
    }
    str_putc(&header, '}');
    struct str file = {0};
    uint64_t length = header.length;
    str_append(&file, &length, 8);
    str_append(&file, header.data, header.length);
    str_append(&file, data.data, data.length);
    if (file.failed || data.failed)
        fail("allocate");
    write_file(path, file.data, file.length);
    str_free(&header);
    str_free(&data);
    str_free(&file);
}

/* ---- PyTorch ----------------------------------------------------------------------------------- */

static void add_entry(zip_t *zip, const char *name, const void *bytes, size_t size, bool deflated)
{
    void *copy = size > 0 ? malloc(size) : NULL; /* an empty buffer would not be freed */
    if (size > 0 && copy == NULL)
        fail("allocate");
    if (size > 0)
        memcpy(copy, bytes, size);
    zip_source_t *source = zip_source_buffer(zip, copy, size, 1);
    zip_int64_t index = zip_file_add(zip, name, source, 0);
    if (index < 0 ||
        zip_set_file_compression(zip, (zip_uint64_t)index, deflated ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0)
        fail("add to a zip");
}

static zip_t *new_zip(const char *path)
{
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    if (zip == NULL)
        fail("make a zip");
    return zip;
}

void write_pickle(const void *pickle, size_t pickle_size, const void *storage, size_t size, const char *path)
{
    zip_t *zip = new_zip(path);
    add_entry(zip, "archive/data.pkl", pickle, pickle_size, false);
    add_entry(zip, "archive/data/0", storage, size, false);
    if (zip_close(zip) != 0)
        fail("close a zip");
}

static void put_text(struct str *p, bool modern, const char *text)
{
    uint32_t length = (uint32_t)strlen(text);
    str_putc(p, modern ? (char)0x8c : 'X');
    str_append(p, &length, modern ? 1 : 4);
    str_puts(p, text);
    if (modern)
        str_putc(p, (char)0x94); /* MEMOIZE */
}

static void put_name(struct str *p, bool modern, const char *module, const char *name)
{
    if (modern) {
        put_text(p, true, module);
        put_text(p, true, name);
        str_putc(p, (char)0x93); /* STACK_GLOBAL */
    } else {
        str_printf(p, "c%s\n%s\n", module, name);
    }
}

static void put_number(struct str *p, uint64_t number)
{
    if (number < 256) {
        str_putc(p, 'K');
        str_append(p, &number, 1);
    } else {
        str_putc(p, 'J');
        str_append(p, &number, 4);
    }
}

static void put_numbers(struct str *p, int count, const uint64_t *numbers)
{
    str_putc(p, '(');
    for (int i = 0; i < count; i++)
        put_number(p, numbers[i]);
    str_putc(p, 't');
}

/* Strides of a tensor's elements: C order, or for `turned` matrices the last dimension first. */
static void strides_of(const struct set_tensor *t, bool turned, uint64_t strides[CHECKPOINT_MAX_DIMS])
{
    uint64_t stride = 1;
    for (int i = 0; i < t->dims; i++) {
        int d = turned ? i : t->dims - 1 - i;
        strides[d] = stride;
        stride *= t->shape[d];
    }
}

struct place { /* where a tensor's elements begin */
    char key[24];
    uint64_t offset, storage_elements;
};

static void put_tensor(struct str *p, const struct set_tensor *t, const struct torch_form *form,
                       const struct place *place)
{
    static const char *const storages[] = {"FloatStorage", "HalfStorage", "BFloat16Storage", "DoubleStorage"};
    uint64_t strides[CHECKPOINT_MAX_DIMS];
    strides_of(t, form->one_storage, strides);
    if (form->modern) {
        put_name(p, true, "torch._utils", "_rebuild_parameter");
        str_putc(p, '(');
    }
    put_name(p, form->modern, "torch._utils", "_rebuild_tensor_v2");
    str_puts(p, "((");
    put_text(p, form->modern, "storage");
    put_name(p, form->modern, "torch", storages[form->type]);
    put_text(p, form->modern, place->key);
    put_text(p, form->modern, "cuda:0");
    put_number(p, place->storage_elements);
    str_puts(p, "tQ");
    put_number(p, place->offset);
    put_numbers(p, t->dims, t->shape);
    put_numbers(p, t->dims, strides);
    str_putc(p, (char)0x89);
    put_name(p, form->modern, "collections", "OrderedDict");
    str_puts(p, ")RtR");
    if (form->modern) { /* requires_grad and hooks of the parameter */
        str_putc(p, (char)0x88);
        put_name(p, true, "collections", "OrderedDict");
        str_puts(p, ")RtR");
    }
}

/* Appends the elements of a tensor to a storage. */
static void put_elements(struct str *storage, const struct set_tensor *t, const struct torch_form *form)
{
    uint64_t strides[CHECKPOINT_MAX_DIMS];
    size_t size = element_bytes(form->type), at = storage->length;
    strides_of(t, form->one_storage, strides);
    if (!str_reserve(storage, (size_t)t->elements * size))
        fail("allocate");
    for (uint64_t i = 0; i < t->elements; i++) {
        uint64_t rest = i, to = 0;
        for (int d = t->dims - 1; d >= 0; d--) {
            to += rest % t->shape[d] * strides[d];
            rest /= t->shape[d];
        }
        encode(form->type, t->values[i], storage->data + at + to * size);
    }
    storage->length = at + (size_t)t->elements * size;
}

/* The part of a name before its first dot. */
static size_t part_of(const char *name)
{
    return strcspn(name, ".");
}

static int by_part(const void *a, const void *b)
{
    return strcmp(((const struct set_tensor *)a)->name, ((const struct set_tensor *)b)->name);
}

void write_torch(const struct tensor_set *set, const struct torch_form *form, const char *path)
{
    zip_t *zip = new_zip(path);
    struct str p = {0}, storage = {0};
    uint64_t total = 0, offset = 0;
    qsort(set->tensors, set->count, sizeof *set->tensors, by_part);
    for (size_t i = 0; i < set->count; i++)
        total += set->tensors[i].elements;
    str_puts(&p, form->modern ? "\x80\x04}(" : "\x80\x02}(");
    for (size_t i = 0; i < set->count; i++) {
        const struct set_tensor *t = &set->tensors[i];
        size_t part = part_of(t->name);
        bool first = i == 0 || part_of(t[-1].name) != part || strncmp(t[-1].name, t->name, part) != 0;
        char name[192];
        if (first && !form->flat) { /* a state dict begins */
            str_puts(&p, i > 0 ? "u" : "");
            snprintf(name, sizeof name, "%.*s", (int)part, t->name);
            put_text(&p, form->modern, name);
            str_puts(&p, "}(");
        }
        snprintf(name, sizeof name, "%s%s", form->prefix, form->flat ? t->name : t->name + part + 1);
        put_text(&p, form->modern, name);
        struct place place = {"0", offset, total};
        if (!form->one_storage) {
            snprintf(place.key, sizeof place.key, "%zu", i);
            place.offset = 0;
            place.storage_elements = t->elements;
            storage.length = 0;
        }
        put_tensor(&p, t, form, &place);
        put_elements(&storage, t, form);
        if (!form->one_storage) {
            snprintf(name, sizeof name, "saved/data/%zu", i);
            add_entry(zip, name, storage.data, storage.length, form->deflated);
        }
        offset += t->elements;
    }
    str_puts(&p, form->flat ? "u." : "uu.");
    add_entry(zip, "saved/data.pkl", p.data, p.length, form->deflated);
    if (form->one_storage)
        add_entry(zip, "saved/data/0", storage.data, storage.length, form->deflated);
    if (form->modern) {
        add_entry(zip, "saved/byteorder", "little", 6, false);
        add_entry(zip, "saved/.data/serialization_id", "0123456789", 10, false);
    }
    add_entry(zip, "saved/version", "3\n", 2, false);
    if (p.failed || storage.failed || zip_close(zip) != 0)
        fail("write a zip");
    str_free(&p);
    str_free(&storage);
}

/* ---- ONNX -------------------------------------------------------------------------------------- */

static void put_varint(struct str *s, uint64_t value)
{
    for (; value > 127; value >>= 7)
        str_putc(s, (char)(value | 128));
    str_putc(s, (char)value);
}

static void put_integer(struct str *s, uint64_t field, uint64_t value)
{
    put_varint(s, field << 3);
    put_varint(s, value);
}

static void put_bytes(struct str *s, uint64_t field, const void *bytes, size_t size)
{
    put_varint(s, field << 3 | 2);
    put_varint(s, size);
    str_append(s, bytes, size);
}

static void put_string(struct str *s, uint64_t field, const char *text)
{
    put_bytes(s, field, text, strlen(text));
}

static void put_message(struct str *s, uint64_t field, struct str *message)
{
    put_bytes(s, field, message->data, message->length);
    str_free(message);
}

struct onnx_file {
    struct str graph, data; /* GraphProto, and the file of external data */
    const struct onnx_form *form;
    char data_name[64];
    unsigned anonymous; /* constants named so far */
};

static void put_pair(struct str *tensor, const char *key, const char *value)
{
    struct str pair = {0};
    put_string(&pair, 1, key);
    put_string(&pair, 2, value);
    put_message(tensor, 13, &pair);
}

/* An initializer of raw bytes; `type` is ONNX's number. */
static void put_initializer(struct onnx_file *f, const char *name, int dims, const uint64_t *shape,
                            unsigned type, const void *bytes, size_t size)
{
    struct str tensor = {0};
    for (int i = 0; i < dims; i++)
        put_integer(&tensor, 1, shape[i]);
    put_integer(&tensor, 2, type);
    put_string(&tensor, 8, name);
    if (f->form->external && size > 64) {
        char number[32];
        put_pair(&tensor, "location", f->data_name);
        snprintf(number, sizeof number, "%zu", f->data.length);
        put_pair(&tensor, "offset", number);
        snprintf(number, sizeof number, "%zu", size);
        put_pair(&tensor, "length", number);
        put_integer(&tensor, 14, 1);
        str_append(&f->data, bytes, size);
    } else if (f->form->numbers && type == 2) {
        struct str numbers = {0};
        for (size_t i = 0; i < size; i++)
            put_varint(&numbers, ((const unsigned char *)bytes)[i]);
        put_message(&tensor, 5, &numbers);
    } else {
        put_bytes(&tensor, 9, bytes, size);
    }
    put_message(&f->graph, 5, &tensor);
}

static void put_floats(struct onnx_file *f, const char *name, int dims, const uint64_t *shape,
                       const float *values)
{
    uint64_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= shape[i];
    bool half = f->form->quantisation == ONNX_HALF;
    size_t size = half ? 2 : 4;
    char *bytes = malloc((size_t)count * size);
    if (bytes == NULL)
        fail("allocate");
    for (uint64_t i = 0; i < count; i++)
        encode(half ? ELEMENT_F16 : ELEMENT_F32, values[i], bytes + i * size);
    put_initializer(f, name, dims, shape, half ? 10 : 1, bytes, (size_t)count * size);
    free(bytes);
}

static void put_node(struct onnx_file *f, const char *type, const char *name, const char *const *inputs,
                     const char *const *attributes, const int64_t *values)
{
    struct str node = {0};
    char output[256];
    for (; *inputs != NULL; inputs++)
        put_string(&node, 1, *inputs);
    snprintf(output, sizeof output, "%s_output_0", name);
    put_string(&node, 2, output);
    put_string(&node, 3, name);
    put_string(&node, 4, type);
    for (int i = 0; attributes != NULL && attributes[i] != NULL; i++) {
        struct str attribute = {0};
        put_string(&attribute, 1, attributes[i]);
        put_integer(&attribute, 3, (uint64_t)values[i]);
        put_integer(&attribute, 20, 2);
        put_message(&node, 5, &attribute);
    }
    put_message(&f->graph, 1, &node);
}

static void new_name(struct onnx_file *f, const char *operator, char out[64])
{
    snprintf(out, 64, "onnx::%s_%u", operator, 5000 + f->anonymous++);
}

/* The path that an exporter gives a module's node: "/encoder/predictor/lstm/LSTM". */
static void scope_of(const char *module, const char *operator, char out[320])
{
    if (strlen(module) + strlen(operator) > 256)
        fail("name a node");
    char *end = stpcpy(out, strncmp(module, "decoder.", 8) == 0 ? "/decoder/" : "/encoder/");
    for (const char *c = module; *c != '\0'; c++) {
        bool index = c[1] >= '0' && c[1] <= '9';
        if (strncmp(c, "cnn.", 4) == 0) { /* a list within a list: /cnn.0/cnn.0.1 */
            end = mempcpy(end, c, 5);
            *end++ = '/';
        }
        *end++ = *c == '.' && !index ? '/' : *c;
    }
    *end++ = '/';
    stpcpy(end, operator);
}

#define X_SCALE 0.03125F /* of the inputs of a statically quantised file */

/* Quantises to unsigned bytes, one scale for all or for each of `channels` along the last dimension (or,
 * `first`, the first); puts what a reader gets back into `values`. Writes NAME_quantized, _scale,
 * _zero_point. Returns the scales, the caller's to free. */
static float *put_quantised(struct onnx_file *f, const char *name, int dims, const uint64_t *shape,
                            float *values, bool first, uint64_t channels)
{
    uint64_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= shape[i];
    unsigned char *bytes = malloc((size_t)count), *zero = malloc((size_t)channels);
    float *scale = calloc((size_t)channels, sizeof *scale);
    if (bytes == NULL || zero == NULL || scale == NULL)
        fail("allocate");
    uint64_t inner = first ? count / channels : 1;
    for (uint64_t i = 0; i < count; i++)
        scale[i / inner % channels] = fmaxf(scale[i / inner % channels], fabsf(values[i]) / 100);
    for (uint64_t c = 0; c < channels; c++)
        zero[c] = (unsigned char)(120 + c % 16);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t c = i / inner % channels;
        float q = scale[c] > 0 ? roundf(values[i] / scale[c]) : 0;
        bytes[i] = (unsigned char)(q + (float)zero[c]);
        values[i] = ((float)bytes[i] - (float)zero[c]) * scale[c];
    }
    char part[224];
    uint64_t one[1] = {channels};
    int rank = channels > 1 ? 1 : 0;
    snprintf(part, sizeof part, "%s_quantized", name);
    put_initializer(f, part, dims, shape, 2, bytes, (size_t)count);
    snprintf(part, sizeof part, "%s_scale", name);
    put_initializer(f, part, rank, one, 1, scale, (size_t)channels * sizeof *scale);
    snprintf(part, sizeof part, "%s_zero_point", name);
    put_initializer(f, part, rank, one, 2, zero, (size_t)channels);
    free(bytes);
    free(zero);
    return scale;
}

/* MatMulNBits with 4 bits and blocks of 32; what a reader gets back goes into t->values, [out][in]. */
static void put_blocks(struct onnx_file *f, struct set_tensor *t, const char *scope)
{
    uint64_t out = t->shape[0], in = t->shape[1], blocks = (in + 31) / 32;
    unsigned char *bytes = calloc((size_t)(out * blocks), 16);
    float *scales = calloc((size_t)(out * blocks), sizeof *scales);
    if (bytes == NULL || scales == NULL)
        fail("allocate");
    for (uint64_t row = 0; row < out; row++) {
        for (uint64_t b = 0; b < blocks; b++) {
            float *scale = &scales[row * blocks + b];
            uint64_t end = (b + 1) * 32 < in ? (b + 1) * 32 : in;
            for (uint64_t i = b * 32; i < end; i++)
                *scale = fmaxf(*scale, fabsf(t->values[row * in + i]) / 7);
            for (uint64_t i = b * 32; i < end; i++) {
                float *value = &t->values[row * in + i];
                unsigned q = (unsigned)(roundf(*scale > 0 ? *value / *scale : 0) + 8);
                bytes[(row * blocks + b) * 16 + i % 32 / 2] |= (unsigned char)(q << (i % 2 * 4));
                *value = ((float)q - 8) * *scale;
            }
        }
    }
    char data[64], scale[64];
    snprintf(data, sizeof data, "onnx::MatMul_%u_Q4", f->anonymous);
    snprintf(scale, sizeof scale, "onnx::MatMul_%u_scales", f->anonymous++);
    put_initializer(f, data, 3, (uint64_t[]){out, blocks, 16}, 2, bytes, (size_t)(out * blocks * 16));
    put_initializer(f, scale, 1, (uint64_t[]){out * blocks}, 1, scales,
                    (size_t)(out * blocks) * sizeof *scales);
    put_node(f, f->form->unknown ? "MatMulBnb4" : "MatMulNBits", scope,
             (const char *[]){"x", data, scale, f->form->reordered ? "" : NULL, "order", NULL},
             (const char *[]){"K", "N", "bits", "block_size", NULL},
             (int64_t[]){(int64_t)in, (int64_t)out, 4, 32});
    free(bytes);
    free(scales);
}

/* A linear layer's weight [out][in], transposed to a MatMul's operand; `named`: as ONNX Runtime's quantiser
 * does it to a Gemm, which keeps the name of its weight. */
static void put_linear(struct onnx_file *f, struct set_tensor *t, const char *module, bool named)
{
    char scope[320], name[192], part[3][224];
    scope_of(module, named ? "Gemm_MatMul_quant" : "MatMul", scope);
    if (f->form->quantisation == ONNX_BLOCKS) {
        put_blocks(f, t, scope);
        return;
    }
    uint64_t out = t->shape[0], in = t->shape[1];
    float *turned = malloc((size_t)(out * in) * sizeof *turned);
    if (turned == NULL)
        fail("allocate");
    for (uint64_t o = 0; o < out; o++)
        for (uint64_t i = 0; i < in; i++)
            turned[i * out + o] = t->values[o * in + i];
    if (named)
        snprintf(name, sizeof name, "kmodel.%s", t->name);
    else
        new_name(f, "MatMul", name);
    if (f->form->quantisation == ONNX_INT8 || f->form->quantisation == ONNX_INT8_CHANNELS) {
        free(put_quantised(f, name, 2, (uint64_t[]){in, out}, turned, false,
                           f->form->quantisation == ONNX_INT8_CHANNELS ? out : 1));
        for (uint64_t o = 0; o < out; o++)
            for (uint64_t i = 0; i < in; i++)
                t->values[o * in + i] = turned[i * out + o];
        snprintf(part[0], sizeof part[0], "%s_quantized", name);
        snprintf(part[1], sizeof part[1], "%s_zero_point", name);
        put_node(f, "MatMulInteger", scope, (const char *[]){"x", part[0], "x_zero_point", part[1], NULL},
                 NULL, NULL);
    } else if (f->form->quantisation == ONNX_STATIC) {
        free(put_quantised(f, name, 2, (uint64_t[]){in, out}, turned, false, 1));
        for (uint64_t o = 0; o < out; o++)
            for (uint64_t i = 0; i < in; i++)
                t->values[o * in + i] = turned[i * out + o];
        snprintf(part[0], sizeof part[0], "%s_quantized", name);
        snprintf(part[1], sizeof part[1], "%s_scale", name);
        snprintf(part[2], sizeof part[2], "%s_zero_point", name);
        put_node(f, "QLinearMatMul", scope,
                 (const char *[]){"x", "x_scale", "x_zero_point", part[0], part[1], part[2], "y_scale",
                                  "y_zero_point", NULL},
                 NULL, NULL);
    } else {
        put_floats(f, name, 2, (uint64_t[]){in, out}, turned);
        put_node(f, "MatMul", scope, (const char *[]){"x", name, NULL}, NULL, NULL);
    }
    free(turned);
}

/* Quantises a matrix to signed bytes, with a scale for 32 columns of each row. */
static void put_quantised_blocks(struct onnx_file *f, const char *name, struct set_tensor *t)
{
    uint64_t rows = t->shape[0], in = t->shape[1], blocks = (in + 31) / 32;
    signed char *bytes = malloc((size_t)t->elements);
    float *scale = calloc((size_t)(rows * blocks), sizeof *scale);
    if (bytes == NULL || scale == NULL)
        fail("allocate");
    for (uint64_t i = 0; i < t->elements; i++) {
        float *s = &scale[i / in * blocks + i % in / 32];
        *s = fmaxf(*s, fabsf(t->values[i]) / 127);
    }
    for (uint64_t i = 0; i < t->elements; i++) {
        float s = scale[i / in * blocks + i % in / 32];
        bytes[i] = (signed char)(s > 0 ? roundf(t->values[i] / s) : 0);
        t->values[i] = (float)bytes[i] * s;
    }
    char part[224];
    snprintf(part, sizeof part, "%s_quantized", name);
    put_initializer(f, part, 2, t->shape, 3, bytes, (size_t)t->elements);
    snprintf(part, sizeof part, "%s_scale", name);
    put_initializer(f, part, 2, (uint64_t[]){rows, blocks}, 1, scale,
                    (size_t)(rows * blocks) * sizeof *scale);
    free(bytes);
    free(scale);
}

/* A Gemm's weight [out][in], decoded in the graph. */
static void put_decoded_gemm(struct onnx_file *f, struct set_tensor *t, const char *module)
{
    char scope[320], name[192], part[4][256];
    char decoded[272];
    static const char *const suffixes[] = {"quantized", "scale", "zero_point", "DequantizeLinear"};
    bool blocks = f->form->quantisation == ONNX_INT8_BLOCKS;
    snprintf(name, sizeof name, "kmodel.%s", t->name);
    if (blocks)
        put_quantised_blocks(f, name, t);
    else
        free(put_quantised(f, name, 2, t->shape, t->values, true, t->shape[0]));
    for (int i = 0; i < 4; i++)
        snprintf(part[i], sizeof part[i], "%s_%s", name, suffixes[i]);
    put_node(f, "DequantizeLinear", part[3],
             (const char *[]){part[0], part[1], blocks ? NULL : part[2], NULL},
             (const char *[]){"axis", blocks ? "block_size" : NULL, NULL}, (int64_t[]){blocks ? 1 : 0, 32});
    snprintf(decoded, sizeof decoded, "%s_output_0", part[3]);
    scope_of(module, "Gemm", scope);
    put_node(f, "Gemm", scope, (const char *[]){"x", decoded, NULL}, (const char *[]){"transB", NULL},
             (int64_t[]){1});
}

static void put_convolution(struct onnx_file *f, struct set_tensor *t, const char *module)
{
    char scope[320], name[64], part[96];
    new_name(f, "Conv", name);
    if (f->form->quantisation == ONNX_INT8_CHANNELS) {
        scope_of(module, "Conv_quant", scope);
        free(put_quantised(f, name, t->dims, t->shape, t->values, true, t->shape[0]));
        snprintf(part, sizeof part, "%s_quantized", name);
        put_node(f, "ConvInteger", scope, (const char *[]){"x", part, NULL}, NULL, NULL);
    } else if (f->form->quantisation == ONNX_INT8) { /* with its weight decoded in the graph */
        free(put_quantised(f, name, t->dims, t->shape, t->values, true, 1));
        char q[96], s[96], z[96], node[96];
        snprintf(q, sizeof q, "%s_quantized", name);
        snprintf(s, sizeof s, "%s_scale", name);
        snprintf(z, sizeof z, "%s_zero_point", name);
        snprintf(node, sizeof node, "%s_DequantizeLinear", name);
        put_node(f, "DequantizeLinear", node, (const char *[]){q, s, z, NULL}, NULL, NULL);
        snprintf(part, sizeof part, "%s_DequantizeLinear_output_0", name);
        scope_of(module, "Conv", scope);
        put_node(f, "Conv", scope, (const char *[]){"x", part, NULL}, NULL, NULL);
    } else {
        scope_of(module, "Conv", scope);
        put_floats(f, name, t->dims, t->shape, t->values);
        put_node(f, "Conv", scope, (const char *[]){"x", name, NULL}, NULL, NULL);
    }
}

/* A bias as 32-bit integers, whose scale is that of the weights `name` (one for each of `channels`) by that of
 * the input, which is x_scale; what a reader gets back goes into t->values. */
static void put_static_bias(struct onnx_file *f, struct set_tensor *t, const float *scale, uint64_t channels)
{
    int32_t *numbers = malloc((size_t)t->elements * sizeof *numbers);
    if (numbers == NULL)
        fail("allocate");
    for (uint64_t i = 0; i < t->elements; i++) {
        float s = scale[i % channels];
        numbers[i] = s > 0 ? (int32_t)roundf(t->values[i] / (s * X_SCALE)) : 0;
        t->values[i] = (float)numbers[i] * s * X_SCALE;
    }
    char name[192];
    snprintf(name, sizeof name, "kmodel.%s_quantized", t->name);
    put_initializer(f, name, 1, t->shape, 6, numbers, (size_t)t->elements * sizeof *numbers);
    free(numbers);
}

/* A convolution or Gemm as ONNX Runtime's static quantisation makes it, with its bias. */
static void put_static(struct onnx_file *f, const struct tensor_set *set, struct set_tensor *t,
                       const char *module)
{
    char scope[320], name[192], bias_name[192], part[3][224];
    static const char *const suffixes[] = {"quantized", "scale", "zero_point"};
    uint64_t channels = t->shape[0];
    snprintf(name, sizeof name, "kmodel.%s", t->name);
    float *scale = put_quantised(f, name, t->dims, t->shape, t->values, true, channels);
    for (int i = 0; i < 3; i++)
        snprintf(part[i], sizeof part[i], "%s_%s", name, suffixes[i]);
    snprintf(bias_name, sizeof bias_name, "%s.bias", module);
    struct set_tensor *bias = set_find(set, bias_name);
    if (bias != NULL)
        put_static_bias(f, bias, scale, channels);
    free(scale);
    snprintf(bias_name, sizeof bias_name, "kmodel.%s.bias_quantized", module);
    const char *last = bias != NULL ? bias_name : NULL;
    scope_of(module, t->dims == 3 ? "Conv_quant" : "Gemm_quant", scope);
    if (t->dims == 3)
        put_node(f, "QLinearConv", scope,
                 (const char *[]){"x", "x_scale", "x_zero_point", part[0], part[1], part[2], "y_scale",
                                  "y_zero_point", last, NULL},
                 NULL, NULL);
    else
        put_node(f, "QGemm", scope,
                 (const char *[]){"x", "x_scale", "x_zero_point", part[0], part[1], part[2], last, NULL},
                 (const char *[]){"transB", NULL}, (int64_t[]){1});
}

/* What else a statically quantised file has: the input's scale, a module's own convolutions with tables, and
 * integers of what another node takes as floats. */
static void put_static_rest(struct onnx_file *f, const struct tensor_set *set)
{
    float scale = X_SCALE, table[8] = {0.5F, -1, 1, 0.25F};
    put_initializer(f, "x_scale", 0, NULL, 1, &scale, sizeof scale);
    for (int i = 0; i < 2; i++) {
        char name[64], part[80], scope[64];
        snprintf(name, sizeof name, "kmodel.decoder.generator.stft.table%d", i);
        free(put_quantised(f, name, 3, (uint64_t[]){2, 1, 4}, table, true, 1));
        snprintf(part, sizeof part, "%s_quantized", name);
        snprintf(scope, sizeof scope, "/decoder/decoder/generator/Conv_%d_quant", i);
        put_node(f, "ConvInteger", scope, (const char *[]){"x", part, NULL}, NULL, NULL);
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct set_tensor *t = &set->tensors[i];
        if (strstr(t->name, ".alpha1.") == NULL)
            continue;
        struct set_tensor copy = *t;
        char name[192];
        copy.values = malloc((size_t)t->elements * sizeof *copy.values);
        if (copy.values == NULL)
            fail("allocate");
        memcpy(copy.values, t->values, (size_t)t->elements * sizeof *copy.values);
        snprintf(name, sizeof name, "kmodel.%s", t->name);
        free(put_quantised(f, name, t->dims, t->shape, copy.values, true, 1));
        free(copy.values);
    }
}

/* Packs one direction of an LSTM's weights or biases with ONNX's order of gates. */
static void pack_gates(const struct set_tensor *t, float *out)
{
    static const unsigned torch_gate[4] = {0, 3, 1, 2}; /* input, output, forget, cell */
    uint64_t cells = t->shape[0] / 4, width = t->elements / t->shape[0];
    for (unsigned gate = 0; gate < 4; gate++)
        memcpy(out + gate * cells * width, t->values + torch_gate[gate] * cells * width,
               (size_t)(cells * width) * sizeof *out);
}

static void unpack_gates(struct set_tensor *t, const float *from)
{
    static const unsigned torch_gate[4] = {0, 3, 1, 2};
    uint64_t cells = t->shape[0] / 4, width = t->elements / t->shape[0];
    for (unsigned gate = 0; gate < 4; gate++)
        memcpy(t->values + torch_gate[gate] * cells * width, from + gate * cells * width,
               (size_t)(cells * width) * sizeof *from);
}

/* W or R of an LSTM: both directions of MODULE.LEAF. `quantised`: as DynamicQuantizeLSTM takes them, a scale
 * a direction. */
static void put_lstm_weight(struct onnx_file *f, const struct tensor_set *set, const char *module,
                            const char *leaf, bool quantised, char name[64])
{
    static const char *const ends[] = {"", "_reverse"};
    struct set_tensor *t[2];
    for (int d = 0; d < 2; d++) {
        char full[192];
        snprintf(full, sizeof full, "%s.%s%s", module, leaf, ends[d]);
        t[d] = set_find(set, full);
    }
    uint64_t rows = t[0]->shape[0], in = t[0]->shape[1], size = rows * in;
    float *packed = malloc((size_t)(2 * size) * sizeof *packed),
          *turned = malloc((size_t)(2 * size) * sizeof *turned);
    if (packed == NULL || turned == NULL)
        fail("allocate");
    for (int d = 0; d < 2; d++)
        pack_gates(t[d], packed + (uint64_t)d * size);
    new_name(f, "LSTM", name);
    if (!quantised) {
        put_floats(f, name, 3, (uint64_t[]){2, rows, in}, packed);
    } else {
        for (uint64_t i = 0; i < 2 * size; i++) /* [direction][in][rows] */
            turned[i / size * size + i % in * rows + i % size / in] = packed[i];
        free(put_quantised(f, name, 3, (uint64_t[]){2, in, rows}, turned, true, 2));
        for (uint64_t i = 0; i < 2 * size; i++)
            packed[i] = turned[i / size * size + i % in * rows + i % size / in];
        for (int d = 0; d < 2; d++)
            unpack_gates(t[d], packed + (uint64_t)d * size);
    }
    free(packed);
    free(turned);
}

static void put_lstm(struct onnx_file *f, const struct tensor_set *set, const char *module)
{
    static const char *const biases[] = {"bias_ih_l0", "bias_hh_l0", "bias_ih_l0_reverse",
                                         "bias_hh_l0_reverse"};
    bool quantised = f->form->quantisation == ONNX_INT8 || f->form->quantisation == ONNX_INT8_CHANNELS;
    char w[64], r[64], b[64], scope[320], part[6][96];
    put_lstm_weight(f, set, module, "weight_ih_l0", quantised, w);
    put_lstm_weight(f, set, module, "weight_hh_l0", quantised, r);
    float *packed = NULL;
    uint64_t rows = 0;
    for (uint64_t i = 0; i < 4; i++) {
        char full[192];
        snprintf(full, sizeof full, "%s.%s", module, biases[i]);
        const struct set_tensor *t = set_find(set, full);
        rows = t->shape[0];
        packed = packed != NULL ? packed : malloc((size_t)(4 * rows) * sizeof *packed);
        if (packed == NULL)
            fail("allocate");
        pack_gates(t, packed + i * rows);
    }
    new_name(f, "LSTM", b);
    put_floats(f, b, 2, (uint64_t[]){2, 2 * rows}, packed);
    free(packed);
    scope_of(module, quantised ? "LSTM_quant" : "LSTM", scope);
    if (!quantised) {
        put_node(f, "LSTM", scope, (const char *[]){"x", w, r, b, NULL}, NULL, NULL);
        return;
    }
    static const char *const suffixes[] = {"quantized", "scale", "zero_point"};
    for (int i = 0; i < 6; i++)
        snprintf(part[i], sizeof part[i], "%s_%s", i < 3 ? w : r, suffixes[i % 3]);
    for (int i = 1; f->form->cast && i < 6; i += 3) {
        char node[96];
        snprintf(node, sizeof node, "%s_cast", i == 1 ? w : r);
        put_node(f, "Cast", node, (const char *[]){part[i], NULL}, NULL, NULL);
        snprintf(part[i], sizeof part[i], "%s_cast_output_0", i == 1 ? w : r);
    }
    put_node(f, "DynamicQuantizeLSTM", scope,
             (const char *[]){"x", part[0], part[3], b, "", "h", "c", "", part[1], part[2], part[4], part[5],
                              NULL},
             NULL, NULL);
}

/* Whether static quantisation takes a module: a convolution, but no transposed one, or a Gemm. */
static bool is_static(const struct tensor_set *set, const char *module)
{
    char name[176];
    snprintf(name, sizeof name, "%s.weight", module);
    const struct set_tensor *weight = set_find(set, name);
    return weight != NULL && (weight->dims == 3 || ends_with(module, ".fc")) &&
           strstr(module, ".ups.") == NULL && !ends_with(module, ".pool");
}

/* Writes what has its own node; true when `t` is done with. */
static bool put_folded(struct onnx_file *f, const struct tensor_set *set, struct set_tensor *t)
{
    char module[160];
    snprintf(module, sizeof module, "%s", t->name);
    char *leaf = strrchr(module, '.');
    *leaf++ = '\0';
    if (strstr(leaf, "_l0") != NULL) {
        if (strcmp(leaf, "weight_ih_l0") == 0)
            put_lstm(f, set, module);
        return true;
    }
    bool quantised = f->form->quantisation == ONNX_INT8 || f->form->quantisation == ONNX_INT8_CHANNELS;
    bool table = strstr(t->name, "_embeddings.") != NULL || strcmp(module, "text_encoder.embedding") == 0;
    bool gemm = ends_with(module, "fc");
    bool rows = f->form->quantisation == ONNX_INT8_ROWS || f->form->quantisation == ONNX_INT8_BLOCKS;
    if (rows && gemm && strcmp(leaf, "weight") == 0) {
        put_decoded_gemm(f, t, module);
        return true;
    }
    if (f->form->quantisation == ONNX_STATIC && is_static(set, module)) { /* its bias is written with it */
        if (strcmp(leaf, "weight") == 0)
            put_static(f, set, t, module);
        return true;
    }
    /* tables and what a Gemm takes are used as they are, and keep their names */
    if (strcmp(leaf, "weight") != 0 || t->dims < 2 || ((table || gemm) && !quantised))
        return false;
    char name[192];
    snprintf(name, sizeof name, "kmodel.%s", t->name);
    if (table)
        free(put_quantised(f, name, t->dims, t->shape, t->values, true, 1));
    else if (t->dims == 3)
        put_convolution(f, t, module);
    else
        put_linear(f, t, module, gemm);
    return true;
}

void write_onnx(struct tensor_set *set, const struct onnx_form *form, const char *path)
{
    struct onnx_file f = {.form = form};
    const char *slash = strrchr(path, '/');
    snprintf(f.data_name, sizeof f.data_name, "%s.data", slash != NULL ? slash + 1 : path);
    for (size_t i = 0; i < set->count; i++) {
        struct set_tensor *t = &set->tensors[i];
        char name[200];
        if (form->anonymous && put_folded(&f, set, t))
            continue;
        snprintf(name, sizeof name, "%s%s", form->anonymous ? "kmodel." : "", t->name);
        put_floats(&f, name, t->dims, t->shape, t->values);
    }
    if (form->quantisation == ONNX_STATIC)
        put_static_rest(&f, set);
    if (form->anonymous) { /* a constant that is no parameter, as the numbers of the harmonics */
        static const float harmonics[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
        put_floats(&f, "onnx::Mul_4999", 3, (uint64_t[]){1, 1, 9}, harmonics);
        put_node(&f, "Mul", "/decoder/decoder/generator/m_source/l_sin_gen/Mul",
                 (const char *[]){"x", "onnx::Mul_4999", NULL}, NULL, NULL);
    }
    put_string(&f.graph, 2, "main_graph");
    struct str file = {0};
    put_integer(&file, 1, 8); /* ir_version */
    put_string(&file, 2, "pytorch");
    put_message(&file, 7, &f.graph);
    if (file.failed || f.data.failed)
        fail("allocate");
    write_file(path, file.data, file.length);
    char data[512];
    snprintf(data, sizeof data, "%s.data", path);
    if (form->external)
        write_file(data, f.data.data, f.data.length);
    str_free(&file);
    str_free(&f.data);
}
