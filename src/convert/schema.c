/* schema.c: the list of a Kokoro model's tensors, module by module as in hexgrad/kokoro (model.py,
 * modules.py, istftnet.py) and, for "bert", transformers' AlbertModel. */
#include "convert/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the model file calls "bert.layer.", and the published checkpoint: */
static const char albert_layer[] = "bert.encoder.albert_layer_groups.0.albert_layers.0.";

struct builder {
    const struct checkpoint *checkpoint;
    struct schema *schema;
    bool failed; /* out of memory, or a name that is too long */
    /* the widths that the list needs */
    uint64_t hidden, style, bert, decoder, asr;
};

/* ---- Finding sources --------------------------------------------------------------------------- */

struct source schema_source(const struct checkpoint *checkpoint, const char *name)
{
    struct source source = {.tensor = checkpoint_find(checkpoint, name)};
    size_t length = strlen(name);
    static const char weight[] = ".weight";
    if (source.tensor != NULL || length < sizeof weight ||
        strcmp(name + length - (sizeof weight - 1), weight) != 0)
        return source;
    static const char *const halves[][2] = {
        {"_v", "_g"},               /* torch.nn.utils.weight_norm */
        {"original1", "original0"}, /* torch.nn.utils.parametrizations.weight_norm */
    };
    for (int i = 0; i < 2 && source.tensor == NULL; i++) {
        char path[SCHEMA_NAME + 48];
        int stem = (int)(length - (sizeof weight - 1));
        const char *middle = i == 0 ? weight : ".parametrizations.weight.";
        snprintf(path, sizeof path, "%.*s%s%s", stem, name, middle, halves[i][1]);
        source.scale = checkpoint_find(checkpoint, path);
        snprintf(path, sizeof path, "%.*s%s%s", stem, name, middle, halves[i][0]);
        source.tensor = source.scale != NULL ? checkpoint_find(checkpoint, path) : NULL;
    }
    if (source.tensor == NULL)
        source.scale = NULL;
    return source;
}

/* Size of dimension `dim` of the source `format`...; 0 when there is no such tensor or dimension. */
static uint64_t size_of(const struct builder *b, int dim, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static uint64_t size_of(const struct builder *b, int dim, const char *format, ...)
{
    char name[SCHEMA_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    struct source source = schema_source(b->checkpoint, name);
    return source.tensor != NULL && dim < source.tensor->dims ? source.tensor->shape[dim] : 0;
}

/* Prints a name; one that is too long is a failure of the whole. */
static void put_name(struct builder *b, char out[SCHEMA_NAME], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put_name(struct builder *b, char out[SCHEMA_NAME], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(out, SCHEMA_NAME, format, arguments) >= SCHEMA_NAME)
        b->failed = true;
    va_end(arguments);
}

/* ---- Adding targets ---------------------------------------------------------------------------- */

/* A new target whose one source has the same name, but for ALBERT's prefix; NULL after a failure. */
static struct target *add(struct builder *b, enum target_kind kind, const char *name, int dims,
                          const uint64_t *shape)
{
    struct schema *s = b->schema;
    if (s->count == s->capacity) {
        size_t capacity = s->capacity * 2 + 128;
        struct target *more = realloc(s->targets, capacity * sizeof *more);
        if (more == NULL) {
            b->failed = true;
            return NULL;
        }
        s->targets = more;
        s->capacity = capacity;
    }
    struct target *target = &s->targets[s->count];
    *target = (struct target){.kind = kind, .sources = 1, .dims = dims};
    memcpy(target->shape, shape, (size_t)dims * sizeof *shape);
    static const char layer[] = "bert.layer.";
    bool albert = strncmp(name, layer, sizeof layer - 1) == 0;
    int length = snprintf(target->name, sizeof target->name, "%s", name);
    put_name(b, target->source[0], "%s%s", albert ? albert_layer : "",
             albert ? name + sizeof layer - 1 : name);
    if (length >= (int)sizeof target->name) {
        b->failed = true;
        return NULL;
    }
    s->count++;
    return target;
}

static void add_vector(struct builder *b, const char *module, const char *leaf, uint64_t size)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "%s%s", module, leaf);
    add(b, TARGET_VECTOR, name, 1, (uint64_t[]){size});
}

/* A linear layer (taps 0) or a convolution: its weight. */
static struct target *add_weight(struct builder *b, const char *module, uint64_t out, uint64_t in,
                                 uint64_t taps)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "%s.weight", module);
    return add(b, TARGET_PRODUCT, name, taps > 0 ? 3 : 2, (uint64_t[]){out, in, taps});
}

/* The same with its bias; `fine` products lose too much at 4 bits. */
static void add_layer(struct builder *b, const char *module, uint64_t out, uint64_t in, uint64_t taps,
                      bool fine)
{
    struct target *weight = add_weight(b, module, out, in, taps);
    if (weight != NULL)
        weight->fine = fine;
    add_vector(b, module, ".bias", out);
}

/* A layer whose output or input is one number: its weight is a vector. */
static void add_row(struct builder *b, const char *module, int dims, const uint64_t *shape)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "%s.weight", module);
    add(b, TARGET_VECTOR, name, dims, shape);
    add_vector(b, module, ".bias", 1);
}

static void add_norm(struct builder *b, const char *module, uint64_t size)
{
    add_vector(b, module, ".weight", size);
    add_vector(b, module, ".bias", size);
}

static void add_table(struct builder *b, const char *name, uint64_t rows, uint64_t width)
{
    add(b, TARGET_TABLE, name, 2, (uint64_t[]){rows, width});
}

/* A bidirectional LSTM of hidden_dim / 2 cells a direction. */
static void add_lstm(struct builder *b, const char *module, uint64_t in)
{
    uint64_t cells = b->hidden / 2;
    static const char *const directions[] = {"", "_reverse"};
    for (int d = 0; d < 2; d++) {
        char name[SCHEMA_NAME];
        put_name(b, name, "%s.weight_ih_l0%s", module, directions[d]);
        add(b, TARGET_PRODUCT, name, 2, (uint64_t[]){4 * cells, in});
        put_name(b, name, "%s.weight_hh_l0%s", module, directions[d]);
        struct target *recurrent = add(b, TARGET_PRODUCT, name, 2, (uint64_t[]){4 * cells, cells});
        if (recurrent != NULL)
            recurrent->fine = true;
        put_name(b, name, "%s.bias_l0%s", module, directions[d]);
        struct target *bias = add(b, TARGET_SUM, name, 1, (uint64_t[]){4 * cells});
        if (bias == NULL)
            return;
        bias->sources = 2;
        put_name(b, bias->source[0], "%s.bias_ih_l0%s", module, directions[d]);
        put_name(b, bias->source[1], "%s.bias_hh_l0%s", module, directions[d]);
    }
}

/* ---- Modules ----------------------------------------------------------------------------------- */

/* Query, key and value of the attention, which read the same input, become one product. */
static void add_query_key_value(struct builder *b, const char *leaf, int dims)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "bert.layer.attention.qkv.%s", leaf);
    struct target *stack = add(b, TARGET_STACK, name, dims, (uint64_t[]){b->bert, b->bert});
    if (stack == NULL)
        return;
    static const char *const parts[] = {"query", "key", "value"};
    stack->sources = 3;
    for (int i = 0; i < 3; i++)
        put_name(b, stack->source[i], "%sattention.%s.%s", albert_layer, parts[i], leaf);
}

static void add_albert(struct builder *b)
{
    uint64_t embedding = size_of(b, 1, "bert.embeddings.word_embeddings.weight");
    const uint64_t *widths = b->schema->widths;
    add_table(b, "bert.embeddings.word_embeddings.weight", widths[WIDTH_TOKENS], embedding);
    add_table(b, "bert.embeddings.position_embeddings.weight", widths[WIDTH_BERT_POSITIONS], embedding);
    add_table(b, "bert.embeddings.token_type_embeddings.weight", 2, embedding);
    add_norm(b, "bert.embeddings.LayerNorm", embedding);
    add_layer(b, "bert.encoder.embedding_hidden_mapping_in", b->bert, embedding, 0, false);
    add_query_key_value(b, "weight", 2);
    add_query_key_value(b, "bias", 1);
    add_layer(b, "bert.layer.attention.dense", b->bert, b->bert, 0, false);
    add_norm(b, "bert.layer.attention.LayerNorm", b->bert);
    add_layer(b, "bert.layer.ffn", widths[WIDTH_BERT_INNER], b->bert, 0, false);
    add_layer(b, "bert.layer.ffn_output", b->bert, widths[WIDTH_BERT_INNER], 0, false);
    add_norm(b, "bert.layer.full_layer_layer_norm", b->bert);
    add_layer(b, "bert_encoder", b->hidden, b->bert, 0, false);
}

/* AdaIN1d and AdaLayerNorm: a linear layer from the style to a scale and a shift for each channel. */
static void add_adaptive_norm(struct builder *b, const char *module, uint64_t channels)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "%s.fc", module);
    add_layer(b, name, 2 * channels, b->style, 0, false);
}

/* AdainResBlk1d; `upsample`: it doubles the time. */
static void add_block(struct builder *b, const char *module, uint64_t in, uint64_t out, bool upsample)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "%s.conv1", module);
    add_layer(b, name, out, in, 3, false);
    put_name(b, name, "%s.conv2", module);
    add_layer(b, name, out, out, 3, false);
    put_name(b, name, "%s.norm1", module);
    add_adaptive_norm(b, name, in);
    put_name(b, name, "%s.norm2", module);
    add_adaptive_norm(b, name, out);
    put_name(b, name, "%s.conv1x1", module);
    if (in != out)
        add_weight(b, name, out, in, 1);
    if (!upsample)
        return;
    put_name(b, name, "%s.pool.weight", module);
    add(b, TARGET_DEPTHWISE, name, 3, (uint64_t[]){in, 1, 3});
    put_name(b, name, "%s.pool", module);
    add_vector(b, name, ".bias", in);
}

static void add_predictor(struct builder *b)
{
    uint64_t hidden = b->hidden, styled = b->hidden + b->style;
    char name[SCHEMA_NAME];
    for (uint64_t i = 0; i < b->schema->widths[WIDTH_LAYERS]; i++) {
        put_name(b, name, "predictor.text_encoder.lstms.%u", (unsigned)(2 * i));
        add_lstm(b, name, styled);
        put_name(b, name, "predictor.text_encoder.lstms.%u", (unsigned)(2 * i + 1));
        add_adaptive_norm(b, name, hidden);
    }
    add_lstm(b, "predictor.lstm", styled);
    add_layer(b, "predictor.duration_proj.linear_layer", b->schema->widths[WIDTH_MAX_DURATION], hidden, 0,
              true);
    add_lstm(b, "predictor.shared", styled);
    static const char *const curves[] = {"F0", "N"};
    for (int i = 0; i < 2; i++) {
        put_name(b, name, "predictor.%s.0", curves[i]);
        add_block(b, name, hidden, hidden, false);
        put_name(b, name, "predictor.%s.1", curves[i]);
        add_block(b, name, hidden, hidden / 2, true);
        put_name(b, name, "predictor.%s.2", curves[i]);
        add_block(b, name, hidden / 2, hidden / 2, false);
        put_name(b, name, "predictor.%s_proj", curves[i]);
        add_row(b, name, 3, (uint64_t[]){1, hidden / 2, 1});
    }
}

static void add_text_encoder(struct builder *b)
{
    const uint64_t *widths = b->schema->widths;
    char name[SCHEMA_NAME];
    add_table(b, "text_encoder.embedding.weight", widths[WIDTH_TOKENS], b->hidden);
    for (uint64_t i = 0; i < widths[WIDTH_LAYERS]; i++) {
        put_name(b, name, "text_encoder.cnn.%u.0", (unsigned)i);
        add_layer(b, name, b->hidden, b->hidden, widths[WIDTH_TEXT_KERNEL], false);
        put_name(b, name, "text_encoder.cnn.%u.1", (unsigned)i);
        add_vector(b, name, ".gamma", b->hidden);
        add_vector(b, name, ".beta", b->hidden);
    }
    add_lstm(b, "text_encoder.lstm", b->hidden);
}

/* AdaINResBlock1: pairs of convolutions, each behind an adaptive norm and a snake activation. */
static void add_resblock(struct builder *b, const char *module, uint64_t channels, uint64_t taps,
                         uint64_t pairs)
{
    char name[SCHEMA_NAME];
    for (unsigned half = 1; half <= 2; half++) {
        for (unsigned i = 0; i < pairs; i++) {
            put_name(b, name, "%s.convs%u.%u", module, half, i);
            add_layer(b, name, channels, channels, taps, false);
            put_name(b, name, "%s.adain%u.%u", module, half, i);
            add_adaptive_norm(b, name, channels);
            put_name(b, name, "%s.alpha%u.%u", module, half, i);
            add(b, TARGET_VECTOR, name, 3, (uint64_t[]){1, channels, 1});
        }
    }
}

static void add_upsampling(struct builder *b, unsigned i, uint64_t in, uint64_t out, uint64_t kernel,
                           uint32_t stride)
{
    char name[SCHEMA_NAME];
    put_name(b, name, "decoder.generator.ups.%u.weight", i);
    struct target *weight = add(b, TARGET_UPSAMPLE, name, 3, (uint64_t[]){in, out, kernel});
    if (weight != NULL)
        weight->stride = stride;
    put_name(b, name, "decoder.generator.ups.%u.bias", i);
    struct target *bias = add(b, TARGET_REPEAT, name, 1, (uint64_t[]){out});
    if (bias != NULL)
        bias->stride = stride;
}

static void add_generator(struct builder *b, const struct model_config *config)
{
    char name[SCHEMA_NAME];
    const uint64_t *widths = b->schema->widths;
    uint64_t spectrum = widths[WIDTH_N_FFT] + 2;
    uint64_t channels = widths[WIDTH_UPSAMPLE_INITIAL];
    uint64_t harmonics = size_of(b, 1, "decoder.generator.m_source.l_linear.weight");
    add_row(b, "decoder.generator.m_source.l_linear", 2, (uint64_t[]){1, harmonics});
    for (unsigned i = 0; i < config->upsample_count; i++, channels /= 2) {
        add_upsampling(b, i, channels, channels / 2, b->schema->upsample_kernels[i],
                       config->upsample_rates[i]);
        uint64_t rate = 1; /* of the source's frames to this stage's */
        for (unsigned j = i + 1; j < config->upsample_count; j++)
            rate *= config->upsample_rates[j];
        put_name(b, name, "decoder.generator.noise_convs.%u", i);
        add_layer(b, name, channels / 2, spectrum, rate > 1 ? 2 * rate : 1, true);
        put_name(b, name, "decoder.generator.noise_res.%u", i);
        add_resblock(b, name, channels / 2, size_of(b, 2, "%s.convs1.0.weight", name), MODEL_DILATIONS);
        for (unsigned j = 0; j < config->kernel_count; j++) {
            put_name(b, name, "decoder.generator.resblocks.%u", i * config->kernel_count + j);
            add_resblock(b, name, channels / 2, size_of(b, 2, "%s.convs1.0.weight", name), MODEL_DILATIONS);
        }
    }
    add_layer(b, "decoder.generator.conv_post", spectrum, channels, 7, true);
}

static void add_decoder(struct builder *b, const struct model_config *config)
{
    uint64_t in = b->decoder + b->asr + 2;
    add_block(b, "decoder.encode", b->hidden + 2, b->decoder, false);
    for (unsigned i = 0; i < 3; i++) {
        char name[SCHEMA_NAME];
        put_name(b, name, "decoder.decode.%u", i);
        add_block(b, name, in, b->decoder, false);
    }
    add_block(b, "decoder.decode.3", in, b->schema->widths[WIDTH_UPSAMPLE_INITIAL], true);
    add_row(b, "decoder.F0_conv", 3, (uint64_t[]){1, 1, 3});
    add_row(b, "decoder.N_conv", 3, (uint64_t[]){1, 1, 3});
    add_layer(b, "decoder.asr_res.0", b->asr, b->hidden, 1, true);
    add_generator(b, config);
}

/* ---- Widths ------------------------------------------------------------------------------------ */

/* Reads every width from the one tensor that tells it. */
static lt_status read_widths(struct builder *b, const struct model_config *config, lt_error *error)
{
    const struct {
        uint64_t *out;
        int dim;
        const char *source;
    } sources[] = {
        {&b->schema->widths[WIDTH_TOKENS], 0, "text_encoder.embedding.weight"},
        {&b->schema->widths[WIDTH_BERT_POSITIONS], 0, "bert.embeddings.position_embeddings.weight"},
        {&b->schema->widths[WIDTH_BERT], 1, "bert_encoder.weight"},
        {&b->schema->widths[WIDTH_BERT_INNER], 0,
         "bert.encoder.albert_layer_groups.0.albert_layers.0.ffn.weight"},
        {&b->schema->widths[WIDTH_HIDDEN], 0, "bert_encoder.weight"},
        {&b->schema->widths[WIDTH_STYLE], 1, "predictor.text_encoder.lstms.1.fc.weight"},
        {&b->schema->widths[WIDTH_MAX_DURATION], 0, "predictor.duration_proj.linear_layer.weight"},
        {&b->schema->widths[WIDTH_TEXT_KERNEL], 2, "text_encoder.cnn.0.0.weight"},
        {&b->schema->widths[WIDTH_UPSAMPLE_INITIAL], 0, "decoder.generator.ups.0.weight"},
        {&b->schema->widths[WIDTH_N_FFT], 0, "decoder.generator.conv_post.weight"},
        {&b->decoder, 0, "decoder.encode.conv1.weight"},
        {&b->asr, 0, "decoder.asr_res.0.weight"},
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        *sources[i].out = size_of(b, sources[i].dim, "%s", sources[i].source);
        if (*sources[i].out == 0 || *sources[i].out > 65536)
            return error_set(error, LT_ERR_MODEL,
                             "'%s' is no Kokoro checkpoint: it has no usable tensor '%s'%s",
                             b->checkpoint->path, sources[i].source, b->checkpoint->unread);
    }
    uint64_t *widths = b->schema->widths;
    if (widths[WIDTH_N_FFT] < 4 || widths[WIDTH_HIDDEN] % 2 != 0)
        return error_set(error, LT_ERR_MODEL, "'%s' is no Kokoro checkpoint: its widths cannot be",
                         b->checkpoint->path);
    widths[WIDTH_N_FFT] -= 2;
    while (size_of(b, 0, "text_encoder.cnn.%u.0.weight", (unsigned)widths[WIDTH_LAYERS]) > 0)
        widths[WIDTH_LAYERS]++;
    b->hidden = widths[WIDTH_HIDDEN];
    b->style = widths[WIDTH_STYLE];
    b->bert = widths[WIDTH_BERT];
    for (unsigned i = 0; i < config->upsample_count; i++)
        b->schema->upsample_kernels[i] = size_of(b, 2, "decoder.generator.ups.%u.weight", i);
    return LT_OK;
}

/* What both config.json and the tensors tell must be the same. */
static lt_status check_config(const struct builder *b, const struct model_config *config, lt_error *error)
{
    const uint64_t *widths = b->schema->widths;
    for (int i = 0; i < WIDTH_COUNT; i++)
        if (config->widths[i] != 0 && config->widths[i] != widths[i])
            return error_set(error, LT_ERR_MODEL,
                             "'%s' does not belong to '%s': it says %s %u, the tensors say %llu",
                             config->origin, b->checkpoint->path, model_width_name((enum model_width)i),
                             config->widths[i], (unsigned long long)widths[i]);
    for (size_t i = 0; i < config->symbol_count; i++)
        if (config->ids[i] >= widths[WIDTH_TOKENS])
            return error_set(error, LT_ERR_MODEL,
                             "'%s' does not belong to '%s': '%s' has id %u, the tensors know %llu",
                             config->origin, b->checkpoint->path, config->symbols[i], config->ids[i],
                             (unsigned long long)widths[WIDTH_TOKENS]);
    return LT_OK;
}

/* What only the configuration says must fit the tensors, and all of it the engine. */
static lt_status check_numbers(const struct builder *b, const struct model_config *config, lt_error *error)
{
    const uint64_t *widths = b->schema->widths;
    if (widths[WIDTH_BERT] % config->attention_heads != 0)
        return error_set(
            error, LT_ERR_MODEL,
            "a width of %llu cannot be divided among %u attention heads: give the checkpoint's own "
            "config.json with --config",
            (unsigned long long)widths[WIDTH_BERT], config->attention_heads);
    if (widths[WIDTH_LAYERS] > MODEL_MAX_LAYERS || widths[WIDTH_N_FFT] > MODEL_MAX_FFT)
        return error_set(error, LT_ERR_MODEL,
                         "'%s' is no Kokoro checkpoint: it has %llu layers and frames of %llu samples",
                         b->checkpoint->path, (unsigned long long)widths[WIDTH_LAYERS],
                         (unsigned long long)widths[WIDTH_N_FFT]);
    if (widths[WIDTH_N_FFT] % 2 != 0 || widths[WIDTH_N_FFT] % config->istft_hop != 0 ||
        config->istft_hop > widths[WIDTH_N_FFT] / 2)
        return error_set(
            error, LT_ERR_MODEL,
            "a hop of %u does not fit frames of %llu samples: give the checkpoint's own config.json "
            "with --config",
            config->istft_hop, (unsigned long long)widths[WIDTH_N_FFT]);
    if (widths[WIDTH_UPSAMPLE_INITIAL] % (1u << config->upsample_count) != 0)
        return error_set(
            error, LT_ERR_MODEL, "'%s' is no Kokoro checkpoint: %llu channels cannot be halved %u times",
            b->checkpoint->path, (unsigned long long)widths[WIDTH_UPSAMPLE_INITIAL], config->upsample_count);
    for (unsigned i = 0; i < config->upsample_count; i++)
        if (b->schema->upsample_kernels[i] < config->upsample_rates[i] ||
            (b->schema->upsample_kernels[i] - config->upsample_rates[i]) % 2 != 0)
            return error_set(
                error, LT_ERR_MODEL,
                "an upsampling by %u does not fit a kernel of %llu: give the checkpoint's own config.json "
                "with --config",
                config->upsample_rates[i], (unsigned long long)b->schema->upsample_kernels[i]);
    return LT_OK;
}

lt_status schema_build(const struct checkpoint *checkpoint, const struct model_config *config,
                       struct schema *schema, lt_error *error)
{
    *schema = (struct schema){0};
    struct builder b = {.checkpoint = checkpoint, .schema = schema};
    lt_status status = read_widths(&b, config, error);
    if (status == LT_OK)
        status = check_config(&b, config, error);
    if (status == LT_OK)
        status = check_numbers(&b, config, error);
    if (status != LT_OK)
        return status;
    add_albert(&b);
    add_predictor(&b);
    add_text_encoder(&b);
    add_decoder(&b, config);
    return b.failed ? error_memory(error, "the list of a model's tensors") : LT_OK;
}

void schema_free(struct schema *schema)
{
    free(schema->targets);
    *schema = (struct schema){0};
}

/* ---- Checking a checkpoint --------------------------------------------------------------------- */

/* Counts complaints and keeps the first. */
struct complaints {
    size_t count;
    char first[256];
};

static void complain(struct complaints *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct complaints *c, const char *format, ...)
{
    if (c->count++ > 0)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->first, sizeof c->first, format, arguments);
    va_end(arguments);
}

static void put_shape(int dims, const uint64_t *shape, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < dims && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%llu", i > 0 ? "," : "",
                                 (unsigned long long)shape[i]);
    if (used < size)
        snprintf(out + used, size - used, "]");
}

/* The same shape, but for dimensions of size 1, which exporters add and drop. */
static bool same_shape(const struct checkpoint_tensor *tensor, int dims, const uint64_t *shape)
{
    int i = 0, j = 0;
    for (;;) {
        while (i < tensor->dims && tensor->shape[i] == 1)
            i++;
        while (j < dims && shape[j] == 1)
            j++;
        if (i == tensor->dims || j == dims)
            return i == tensor->dims && j == dims;
        if (tensor->shape[i++] != shape[j++])
            return false;
    }
}

static void check_source(struct complaints *c, const struct source *source, const struct target *target,
                         const char *name)
{
    if (source->tensor == NULL) {
        complain(c, "'%s' is missing", name);
        return;
    }
    source->tensor->used = true;
    if (!same_shape(source->tensor, target->dims, target->shape)) {
        char wanted[80], found[100];
        put_shape(target->dims, target->shape, wanted, sizeof wanted);
        put_shape(source->tensor->dims, source->tensor->shape, found, sizeof found);
        complain(c, "'%s' has shape %s, not %s", source->tensor->name, found, wanted);
    }
    if (source->scale == NULL)
        return;
    source->scale->used = true;
    if (source->scale->elements != target->shape[0])
        complain(c, "'%s' has %llu elements, not %llu", source->scale->name,
                 (unsigned long long)source->scale->elements, (unsigned long long)target->shape[0]);
}

static bool ends_with(const char *name, const char *end)
{
    size_t length = strlen(name), tail = strlen(end);
    return length >= tail && strcmp(name + length - tail, end) == 0;
}

/* What checkpoints carry and the model does not need: ALBERT's pooler, PyTorch's buffers, and the scale and
 * shift of instance norms, which are one and zero (import.c checks that). */
static bool is_unused(const char *name)
{
    return strncmp(name, "bert.pooler.", 12) == 0 || strcmp(name, "bert.embeddings.position_ids") == 0 ||
           strncmp(name, "decoder.generator.stft.", 23) == 0 || ends_with(name, ".norm.weight") ||
           ends_with(name, ".norm.bias");
}

lt_status schema_check(const struct schema *schema, struct checkpoint *checkpoint, lt_error *error)
{
    struct complaints c = {0};
    for (size_t i = 0; i < schema->count; i++) {
        const struct target *target = &schema->targets[i];
        for (int s = 0; s < target->sources; s++) {
            struct source source = schema_source(checkpoint, target->source[s]);
            check_source(&c, &source, target, target->source[s]);
        }
    }
    for (size_t i = 0; i < checkpoint->count; i++)
        if (!checkpoint->tensors[i].used && !is_unused(checkpoint->tensors[i].name))
            complain(&c, "'%s' belongs to no part of the model", checkpoint->tensors[i].name);
    if (c.count == 0)
        return LT_OK;
    if (c.count == 1)
        return error_set(error, LT_ERR_MODEL, "'%s' is not the Kokoro model that it seems: tensor %s%s",
                         checkpoint->path, c.first, checkpoint->unread);
    return error_set(error, LT_ERR_MODEL,
                     "'%s' is not the Kokoro model that it seems: tensor %s, and %zu more like it%s",
                     checkpoint->path, c.first, c.count - 1, checkpoint->unread);
}
