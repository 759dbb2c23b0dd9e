/* import.c: writes a model file from a checkpoint, tensor by tensor, as docs/model-format.md lays it out.
 *
 * First everything is looked at (the checkpoint's table of contents, the configuration, the voices) and
 * declared; only then is anything written. A tensor's rows are reordered, encoded and written one at a time.
 */
#include "convert/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "convert/checkpoint.h"
#include "convert/model_config.h"
#include "convert/schema.h"
#include "convert/voices.h"
#include "kokoro/quant.h"

enum { BLOCK = 32, SAMPLE_RATE = 24000 };

struct import {
    const struct import_options *options;
    struct checkpoint *checkpoint;
    struct model_config config;
    struct schema schema;
    struct voice_list voices;
    struct gguf_writer *writer;
    uint64_t done, total; /* bytes of tensors */
    lt_error *error;
};

static uint64_t pad(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* ---- Declaring --------------------------------------------------------------------------------- */

static uint64_t taps_of(const struct target *target)
{
    return target->dims == 3 ? target->shape[2] : 1;
}

static uint64_t upsample_taps(const struct target *target)
{
    return (target->shape[2] + target->stride - 1) / target->stride;
}

/* What the durations and the energy hang on: errors of ALBERT and of the duration encoder come out of the
 * prosody predictor a hundredfold (docs/engine.md has the measurements). */
static bool is_delicate(const struct target *target)
{
    return strncmp(target->name, "bert", 4) == 0 || strncmp(target->name, "predictor.text_encoder.", 23) == 0;
}

/* The element type of a target's tensor. */
static enum gguf_type type_of(const struct import *import, const struct target *target)
{
    bool product = target->kind == TARGET_PRODUCT || target->kind == TARGET_UPSAMPLE ||
                   (target->kind == TARGET_STACK && target->dims == 2);
    if (!product)
        return GGUF_F32;
    const enum gguf_type type = import->options->type;
    if (type == GGUF_Q8_0 && is_delicate(target))
        return GGUF_F16;
    return type == GGUF_Q4_0 && (target->fine || is_delicate(target)) ? GGUF_Q8_0 : type;
}

/* The shape of a target's tensor; returns its rank. */
static int shape_of(const struct target *target, uint64_t shape[3])
{
    switch (target->kind) {
    case TARGET_PRODUCT:
        shape[0] = target->shape[0];
        shape[1] = taps_of(target);
        shape[2] = pad(target->shape[1]);
        return 3;
    case TARGET_UPSAMPLE:
        shape[0] = target->stride * target->shape[1];
        shape[1] = upsample_taps(target);
        shape[2] = pad(target->shape[0]);
        return 3;
    case TARGET_STACK:
        shape[0] = (uint64_t)target->sources * target->shape[0];
        shape[1] = 1;
        shape[2] = target->dims == 2 ? pad(target->shape[1]) : 0;
        return target->dims == 2 ? 3 : 1;
    case TARGET_REPEAT:
        shape[0] = target->stride * target->shape[0];
        return 1;
    case TARGET_DEPTHWISE:
        shape[0] = target->shape[2];
        shape[1] = target->shape[0];
        return 2;
    case TARGET_TABLE:
        shape[0] = target->shape[0];
        shape[1] = target->shape[1];
        return 2;
    case TARGET_VECTOR:
    case TARGET_SUM:
        break;
    }
    shape[0] = 1;
    for (int i = 0; i < target->dims; i++)
        shape[0] *= target->shape[i];
    return 1;
}

static lt_status declare(struct import *import, const char *name, enum gguf_type type, int dims,
                         const uint64_t *shape)
{
    uint64_t elements = 1;
    for (int i = 0; i < dims; i++)
        elements *= shape[i];
    import->total += gguf_row_bytes(type, elements);
    return gguf_writer_declare(import->writer, name, type, dims, shape, import->error);
}

static lt_status declare_tensors(struct import *import)
{
    lt_status status = LT_OK;
    for (size_t i = 0; i < import->schema.count && status == LT_OK; i++) {
        const struct target *target = &import->schema.targets[i];
        uint64_t shape[3];
        int dims = shape_of(target, shape);
        status = declare(import, target->name, type_of(import, target), dims, shape);
    }
    for (size_t i = 0; i < import->voices.count && status == LT_OK; i++) {
        char name[GGUF_MAX_NAME];
        snprintf(name, sizeof name, "voice.%s", import->voices.voices[i].name);
        uint64_t shape[2] = {import->voices.voices[i].rows, import->voices.width};
        status = declare(import, name, GGUF_F32, 2, shape);
    }
    return status;
}

/* ggml's number for a file whose products have this type (ggml_ftype). */
static uint32_t file_type(enum gguf_type type)
{
    return type == GGUF_F32 ? 0 : type == GGUF_F16 ? 1 : type == GGUF_Q4_0 ? 2 : 7;
}

/* The checkpoint's file name without folder and ending. */
static void stem_of(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash != NULL ? slash + 1 : path);
    char *dot = strrchr(out, '.');
    if (dot != NULL && dot != out)
        *dot = '\0';
}

/* GGUF's strings are UTF-8, a file's name and an argument are any bytes. */
static lt_status put_text(struct import *import, const char *key, const char *value)
{
    char *clean = utf8_clean_copy(value);
    if (clean == NULL)
        return error_memory(import->error, "a model's name");
    gguf_writer_string(import->writer, key, clean);
    free(clean);
    return LT_OK;
}

static lt_status put_metadata(struct import *import)
{
    struct gguf_writer *writer = import->writer;
    const struct model_config *config = &import->config;
    const struct import_options *options = import->options;
    char stem[256];
    stem_of(options->checkpoint, stem, sizeof stem);
    gguf_writer_string(writer, "general.architecture", "kokoro");
    lt_status status = put_text(import, "general.name", options->name != NULL ? options->name : stem);
    if (status == LT_OK)
        status =
            put_text(import, "general.license", options->license != NULL ? options->license : "apache-2.0");
    gguf_writer_uint(writer, "general.file_type", file_type(options->type));
    gguf_writer_uint(writer, "kokoro.sample_rate", SAMPLE_RATE);
    gguf_writer_uint(writer, "kokoro.attention_heads", config->attention_heads);
    gguf_writer_uint(writer, "kokoro.albert_repeats", config->albert_repeats);
    gguf_writer_uints(writer, "kokoro.upsample_rates", config->upsample_rates, config->upsample_count);
    uint32_t kernels[MODEL_MAX_UPSAMPLES];
    for (unsigned i = 0; i < config->upsample_count; i++)
        kernels[i] = (uint32_t)import->schema.upsample_kernels[i];
    gguf_writer_uints(writer, "kokoro.upsample_kernels", kernels, config->upsample_count);
    gguf_writer_uints(writer, "kokoro.resblock_dilations", config->dilations,
                      (size_t)config->kernel_count * MODEL_DILATIONS);
    gguf_writer_uint(writer, "kokoro.istft_n_fft", (uint32_t)import->schema.widths[WIDTH_N_FFT]);
    gguf_writer_uint(writer, "kokoro.istft_hop", config->istft_hop);
    gguf_writer_strings(writer, "kokoro.vocabulary.symbols", (const char *const *)config->symbols,
                        config->symbol_count);
    gguf_writer_uints(writer, "kokoro.vocabulary.ids", config->ids, config->symbol_count);
    return status;
}

/* ---- Reading weights --------------------------------------------------------------------------- */

/* Folds a weight norm: values = scale * values / |values|, the norm over all dimensions but the first. */
static lt_status fold_norm(struct import *import, const struct source *source, uint64_t rows, float *values)
{
    float *scale = malloc((size_t)rows * sizeof *scale);
    if (scale == NULL)
        return error_memory(import->error, source->scale->name);
    lt_status status = checkpoint_read(import->checkpoint, source->scale, scale, import->error);
    uint64_t width = source->tensor->elements / rows;
    for (uint64_t row = 0; row < rows && status == LT_OK; row++) {
        float *v = values + row * width;
        double sum = 0;
        for (uint64_t i = 0; i < width; i++)
            sum += (double)v[i] * (double)v[i];
        double factor = (double)scale[row] / sqrt(sum);
        for (uint64_t i = 0; i < width; i++)
            v[i] = (float)((double)v[i] * factor);
    }
    free(scale);
    return status;
}

/* Reads source `index` of a target, weight norm folded, into *values, to be freed; *count elements. */
static lt_status read_source(struct import *import, const struct target *target, int index, float **values,
                             uint64_t *count)
{
    struct source source = schema_source(import->checkpoint, target->source[index]);
    *count = source.tensor->elements;
    *values = malloc((size_t)*count * sizeof **values);
    if (*values == NULL)
        return error_memory(import->error, source.tensor->name);
    lt_status status = checkpoint_read(import->checkpoint, source.tensor, *values, import->error);
    if (status == LT_OK && source.scale != NULL)
        status = fold_norm(import, &source, target->shape[0], *values);
    for (uint64_t i = 0; i < *count && status == LT_OK; i++)
        if (!isfinite((*values)[i]))
            status = checkpoint_damaged(import->checkpoint, import->error,
                                        "'%s' holds numbers that are not finite, or a weight norm of zero",
                                        source.tensor->name);
    if (status != LT_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

/* Encodes and writes rows one at a time. */
struct row_writer {
    struct import *import;
    enum gguf_type type;
    size_t elements; /* of a row */
    float *row;      /* to be filled; zero where it is padding */
    unsigned char *encoded;
};

static lt_status rows_begin(struct row_writer *rows, struct import *import, enum gguf_type type,
                            uint64_t elements)
{
    *rows = (struct row_writer){.import = import, .type = type, .elements = (size_t)elements};
    rows->row = calloc((size_t)elements, sizeof *rows->row);
    rows->encoded = malloc((size_t)gguf_row_bytes(type, elements));
    return rows->row != NULL && rows->encoded != NULL ? LT_OK
                                                      : error_memory(import->error, "a row of weights");
}

static lt_status rows_put(struct row_writer *rows)
{
    size_t bytes = (size_t)gguf_row_bytes(rows->type, rows->elements);
    quant_encode(rows->type, rows->row, rows->elements, rows->encoded);
    rows->import->done += bytes;
    return gguf_writer_data(rows->import->writer, rows->encoded, bytes, rows->import->error);
}

static void rows_end(struct row_writer *rows)
{
    free(rows->row);
    free(rows->encoded);
}

/* [out][in][tap] to rows [tap][in, padded]. */
static lt_status write_product(struct import *import, const struct target *target, const float *values)
{
    uint64_t out = target->shape[0], in = target->shape[1], taps = taps_of(target), padded = pad(in);
    struct row_writer rows;
    lt_status status = rows_begin(&rows, import, type_of(import, target), taps * padded);
    for (uint64_t o = 0; o < out && status == LT_OK; o++) {
        const float *from = values + o * in * taps;
        for (uint64_t t = 0; t < taps; t++)
            for (uint64_t i = 0; i < in; i++)
                rows.row[t * padded + i] = from[i * taps + t];
        status = rows_put(&rows);
    }
    rows_end(&rows);
    return status;
}

/* [in][out][kernel] to rows [tap][in, padded], one for each phase and output channel: tap j of phase p holds
 * kernel element p + (taps - 1 - j) * stride. */
static lt_status write_upsampling(struct import *import, const struct target *target, const float *values)
{
    uint64_t in = target->shape[0], out = target->shape[1], kernel = target->shape[2],
             stride = target->stride;
    uint64_t taps = upsample_taps(target), padded = pad(in);
    struct row_writer rows;
    lt_status status = rows_begin(&rows, import, type_of(import, target), taps * padded);
    for (uint64_t row = 0; row < stride * out && status == LT_OK; row++) {
        uint64_t phase = row / out, o = row % out;
        for (uint64_t t = 0; t < taps; t++) {
            uint64_t k = phase + (taps - 1 - t) * stride;
            for (uint64_t i = 0; i < in; i++)
                rows.row[t * padded + i] = k < kernel ? values[(i * out + o) * kernel + k] : 0;
        }
        status = rows_put(&rows);
    }
    rows_end(&rows);
    return status;
}

static lt_status write_floats(struct import *import, const float *values, uint64_t count)
{
    import->done += count * sizeof *values;
    return gguf_writer_data(import->writer, values, (size_t)count * sizeof *values, import->error);
}

/* [channel][1][tap] to [tap][channel]. */
static lt_status write_depthwise(struct import *import, const struct target *target, const float *values)
{
    uint64_t channels = target->shape[0], taps = target->shape[2];
    struct row_writer rows;
    lt_status status = rows_begin(&rows, import, GGUF_F32, channels);
    for (uint64_t t = 0; t < taps && status == LT_OK; t++) {
        for (uint64_t c = 0; c < channels; c++)
            rows.row[c] = values[c * taps + t];
        status = rows_put(&rows);
    }
    rows_end(&rows);
    return status;
}

/* Adds the second source of a sum to the first. */
static lt_status add_second(struct import *import, const struct target *target, float *values, uint64_t count)
{
    float *second;
    uint64_t second_count;
    lt_status status = read_source(import, target, 1, &second, &second_count);
    for (uint64_t i = 0; i < count && status == LT_OK; i++)
        values[i] += second[i];
    free(second);
    return status;
}

/* Writes what one source of a target becomes. */
static lt_status write_source(struct import *import, const struct target *target, float *values,
                              uint64_t count)
{
    lt_status status = LT_OK;
    switch (target->kind) {
    case TARGET_PRODUCT:
        return write_product(import, target, values);
    case TARGET_STACK:
        return target->dims == 2 ? write_product(import, target, values)
                                 : write_floats(import, values, count);
    case TARGET_UPSAMPLE:
        return write_upsampling(import, target, values);
    case TARGET_DEPTHWISE:
        return write_depthwise(import, target, values);
    case TARGET_REPEAT:
        for (uint32_t i = 0; i < target->stride && status == LT_OK; i++)
            status = write_floats(import, values, count);
        return status;
    case TARGET_SUM:
        status = add_second(import, target, values, count);
        return status == LT_OK ? write_floats(import, values, count) : status;
    case TARGET_VECTOR:
    case TARGET_TABLE:
        break;
    }
    return write_floats(import, values, count);
}

static lt_status report(struct import *import)
{
    const struct import_options *options = import->options;
    if (options->progress == NULL || options->progress(options->user, import->done, import->total))
        return LT_OK;
    return error_set(import->error, LT_ERR_CANCELLED, "the import was stopped; nothing was written");
}

static lt_status write_target(struct import *import, const struct target *target)
{
    lt_status status = LT_OK;
    int pieces = target->kind == TARGET_STACK ? target->sources : 1;
    for (int i = 0; i < pieces && status == LT_OK; i++) {
        float *values;
        uint64_t count;
        status = read_source(import, target, i, &values, &count);
        if (status == LT_OK)
            status = write_source(import, target, values, count);
        free(values);
    }
    return status == LT_OK ? report(import) : status;
}

static lt_status write_voice(struct import *import, const struct voice_file *voice)
{
    float *values;
    lt_status status = voice_read(&import->voices, voice, &values, import->error);
    uint64_t count = voice->rows * import->voices.width;
    for (uint64_t i = 0; i < count && status == LT_OK; i++)
        if (!isfinite(values[i]))
            status =
                error_set(import->error, LT_ERR_MODEL, "voice '%s' in '%s' holds numbers that are not finite",
                          voice->name, voice->path);
    if (status == LT_OK)
        status = write_floats(import, values, count);
    free(values);
    return status == LT_OK ? report(import) : status;
}

/* ---- The whole --------------------------------------------------------------------------------- */

/* The instance norms' own scale and shift are one and zero in every published model, and the engine leaves
 * them out. */
static lt_status check_norms(struct import *import)
{
    lt_status status = LT_OK;
    for (size_t i = 0; i < import->checkpoint->count && status == LT_OK; i++) {
        const struct checkpoint_tensor *tensor = &import->checkpoint->tensors[i];
        const char *leaf = strstr(tensor->name, ".norm.");
        if (tensor->used || leaf == NULL || tensor->elements > 65536)
            continue;
        float *values = malloc((size_t)tensor->elements * sizeof *values);
        if (values == NULL)
            return error_memory(import->error, tensor->name);
        status = checkpoint_read(import->checkpoint, tensor, values, import->error);
        float wanted = strcmp(leaf, ".norm.weight") == 0 ? 1 : 0;
        for (uint64_t k = 0; k < tensor->elements && status == LT_OK; k++)
            if (values[k] != wanted)
                status = checkpoint_damaged(import->checkpoint, import->error,
                                            "'%s' is not %g throughout, which the engine relies on",
                                            tensor->name, (double)wanted);
        free(values);
    }
    return status;
}

/* The file that is put in the output's place must not take that of a device, or of the checkpoint. */
static lt_status check_output(const struct import_options *options, lt_error *error)
{
    struct stat output, checkpoint;
    if (stat(options->output, &output) != 0)
        return LT_OK;
    if (S_ISDIR(output.st_mode))
        return error_set(error, LT_ERR_IO, "'%s' is a folder: name a file in it", options->output);
    if (!S_ISREG(output.st_mode))
        return error_set(error, LT_ERR_IO, "'%s' is no regular file: name another for the model",
                         options->output);
    if (stat(options->checkpoint, &checkpoint) == 0 && checkpoint.st_dev == output.st_dev &&
        checkpoint.st_ino == output.st_ino)
        return error_set(error, LT_ERR_ARGUMENT,
                         "'%s' is the checkpoint itself: name another file for the model", options->output);
    return LT_OK;
}

static lt_status look(struct import *import)
{
    const struct import_options *options = import->options;
    lt_status status = check_output(options, import->error);
    import->checkpoint = options->opened;
    if (status == LT_OK && !options->opened)
        status = checkpoint_open(options->checkpoint, &import->checkpoint, import->error);
    if (status == LT_OK)
        status = model_config_read(options->config, &import->config, import->error);
    if (status == LT_OK)
        status = schema_build(import->checkpoint, &import->config, &import->schema, import->error);
    if (status == LT_OK)
        status = schema_check(&import->schema, import->checkpoint, import->error);
    if (status == LT_OK)
        status = check_norms(import);
    /* a row for each number of phonemes: of the positions, the padding takes one at each end */
    const uint64_t positions = import->schema.widths[WIDTH_BERT_POSITIONS];
    import->voices = (struct voice_list){.width = 2 * import->schema.widths[WIDTH_STYLE],
                                         .least_rows = positions > 2 ? positions - 2 : 1};
    if (status == LT_OK && options->voices != NULL)
        status = voice_list_read(options->voices, &import->voices, import->error);
    else if (status == LT_OK)
        status = voice_list_read_files(options->voice_files, options->voice_file_count, &import->voices,
                                       import->error);
    return status;
}

static lt_status write_model(struct import *import)
{
    import->writer = gguf_writer_new();
    if (import->writer == NULL)
        return error_memory(import->error, "a model");
    lt_status status = put_metadata(import);
    if (status == LT_OK)
        status = declare_tensors(import);
    if (status == LT_OK)
        status = gguf_writer_open(import->writer, import->options->output, import->error);
    for (size_t i = 0; i < import->schema.count && status == LT_OK; i++)
        status = write_target(import, &import->schema.targets[i]);
    for (size_t i = 0; i < import->voices.count && status == LT_OK; i++)
        status = write_voice(import, &import->voices.voices[i]);
    return status == LT_OK ? gguf_writer_finish(import->writer, import->error) : status;
}

lt_status import_model(const struct import_options *options, lt_error *error)
{
    struct import import = {.options = options, .error = error};
    lt_status status = look(&import);
    if (status == LT_OK)
        status = write_model(&import);
    gguf_writer_free(import.writer);
    voice_list_free(&import.voices);
    schema_free(&import.schema);
    model_config_free(&import.config);
    checkpoint_close(import.checkpoint);
    return status;
}
