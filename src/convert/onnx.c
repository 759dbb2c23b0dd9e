/* onnx.c: the weights of an ONNX export of Kokoro under their published names.
 *
 * An exporter keeps the names of parameters that the graph uses as they are
 * ("kmodel.decoder.encode.conv1.bias"), but folds or transposes others into constants called
 * "onnx::MatMul_7521". Those are recovered from the nodes that use them, whose names spell the module's path
 * ("/encoder/bert_encoder/MatMul"). ONNX Runtime's quantiser makes a MatMul of a Gemm and transposes its
 * weight under the name that it had: a named matrix that a MatMul takes is [in][out]. Quantised exports are
 * decoded by the definitions of their operators (`ops`, below, and DequantizeLinear,
 * DynamicQuantizeLSTM and MatMulNBits: onnx/docs/Operators.md, onnxruntime/docs/ContribOperators.md), and by
 * ONNX Runtime's custom of calling the parts of a quantised X X_quantized, X_scale and X_zero_point. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "convert/checkpoint.h"
#include "convert/onnx_model.h"

/* What has to be done to a constant to get the published tensor. */
enum form {
    FORM_PLAIN,
    FORM_TRANSPOSED,  /* [in][out] to [out][in] */
    FORM_LSTM_WEIGHT, /* one direction of [direction][4 hidden][in], or [direction][in][4 hidden] when
                         transposed */
    FORM_LSTM_BIAS,   /* half of one direction of [direction][8 hidden] */
    FORM_BLOCKS       /* MatMulNBits: [out][block][packed bytes] */
};

struct recipe {
    const struct onnx_constant *data;
    const struct onnx_constant *scale, *zero; /* of quantised data; NULL: none */
    const struct onnx_constant *input_scale;  /* a bias: the other factor of its scale; NULL: none */
    int axis;                                 /* that a scale of several elements runs along */
    enum form form;
    uint64_t direction, half;
    bool transposed;
    uint64_t in, out, block; /* of FORM_BLOCKS; `block` also of a DequantizeLinear: rows of a scale, 0: all */
    unsigned bits;
};

struct onnx {
    struct checkpoint checkpoint;
    struct onnx_model model;
    struct mapped_file file; /* to unmap; empty when the bytes are the caller's */
    struct recipe *recipes;
    size_t recipe_count, recipe_capacity;
    size_t named; /* tensors of the list that had their names, sorted */
};

static void onnx_close(struct checkpoint *checkpoint)
{
    struct onnx *onnx = (struct onnx *)checkpoint;
    onnx_model_free(&onnx->model);
    file_unmap(&onnx->file);
    free(onnx->recipes);
    free(onnx);
}

/* ---- Names ------------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_root(const char *name)
{
    static const char *const roots[] = {"bert.", "bert_encoder.", "predictor.", "text_encoder.", "decoder."};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (starts_with(name, roots[i]))
            return true;
    return false;
}

/* Names of the predictor's parts that its caller may use directly, so that its own name is not in their path.
 */
static bool is_predictor_part(const char *name)
{
    static const char *const parts[] = {
        "text_encoder.lstms.", "lstm.", "shared.", "duration_proj.", "F0.", "N.", "F0_proj.", "N_proj."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (starts_with(name, parts[i]))
            return true;
    return false;
}

/* Makes a published name of an exporter's: wrappers around the model are dropped from its front ("kmodel.",
 * "encoder.", "decoder.decoder."), and what the exporter left out is put in. False when it names no part of
 * the model. */
static bool publish_name(const char *name, char out[CHECKPOINT_MAX_NAME + 1])
{
    static const char *const layer = "bert.encoder.albert_layers.0.";
    for (int wrappers = 0; wrappers < 4; wrappers++) {
        const char *dot = strchr(name, '.');
        bool doubled = dot != NULL && starts_with(name, "decoder.decoder.");
        if (is_root(name) || is_predictor_part(name)) {
            if (!doubled)
                break;
        }
        if (dot == NULL)
            return false;
        name = dot + 1;
    }
    const char *front = "";
    if (is_predictor_part(name)) {
        front = "predictor.";
    } else if (starts_with(name, layer)) {
        front = "bert.encoder.albert_layer_groups.0.albert_layers.0.";
        name += strlen(layer);
    } else if (!is_root(name)) {
        return false;
    }
    int length = snprintf(out, CHECKPOINT_MAX_NAME + 1, "%s%s", front, name);
    return length > 0 && length <= CHECKPOINT_MAX_NAME;
}

/* "query_1": the second use of a module that the graph repeats. */
static bool is_repeated(const char *part, size_t length)
{
    size_t digits = 0;
    while (digits < length && isdigit((unsigned char)part[length - 1 - digits]))
        digits++;
    return digits > 0 && digits < length && part[length - 1 - digits] == '_';
}

/* The module that a node belongs to, from its name "/cnn.0/cnn.0.1/LayerNormalization": "cnn.0.1." False: it
 * has none. */
static bool module_of(struct span name, char out[CHECKPOINT_MAX_NAME + 1])
{
    char path[CHECKPOINT_MAX_NAME + 1];
    size_t used = 0;
    if (name.size == 0 || name.data[0] != '/' || name.size > CHECKPOINT_MAX_NAME - 16 ||
        memchr(name.data, '\0', name.size) != NULL)
        return false;
    const char *at = (const char *)name.data, *end = at + name.size;
    const char *last = memrchr(at, '/', name.size);
    while (at < last) {
        at++;
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t length = (size_t)(slash - at);
        if (is_repeated(at, length))
            return false;
        /* the items of a list repeat its name: "cnn.0/cnn.0.1" */
        bool item =
            slash + 1 + length < end && memcmp(slash + 1, at, length) == 0 && slash[1 + length] == '.';
        if (!item) {
            memcpy(path + used, at, length);
            used += length;
            path[used++] = '.';
        }
        at = slash;
    }
    path[used] = '\0';
    return used > 0 && publish_name(path, out);
}

/* ---- Adding tensors ---------------------------------------------------------------------------- */

static lt_status add(struct onnx *onnx, const char *name, int dims, const uint64_t *shape,
                     const struct recipe *recipe, lt_error *error)
{
    if (onnx->recipe_count == onnx->recipe_capacity) {
        size_t capacity = onnx->recipe_capacity * 2 + 256;
        struct recipe *more = realloc(onnx->recipes, capacity * sizeof *more);
        if (more == NULL)
            return error_memory(error, "a checkpoint's table of contents");
        onnx->recipes = more;
        onnx->recipe_capacity = capacity;
    }
    onnx->recipes[onnx->recipe_count] = *recipe;
    return checkpoint_add(&onnx->checkpoint, name, strlen(name), dims, shape, onnx->recipe_count++, error);
}

/* Whether the file has a tensor of this name under its own name. */
static bool has_named(const struct onnx *onnx, const char *name)
{
    struct checkpoint named = {.tensors = onnx->checkpoint.tensors, .count = onnx->named};
    return checkpoint_find(&named, name) != NULL;
}

static bool is_float(enum element_type type)
{
    return type == ELEMENT_F32 || type == ELEMENT_F16 || type == ELEMENT_BF16 || type == ELEMENT_F64;
}

static bool ends_with(struct span name, const char *end)
{
    size_t length = strlen(end);
    return name.size >= length && memcmp(name.data + name.size - length, end, length) == 0;
}

/* The name of what was quantised, X of X_quantized; another name as it is. */
static struct span stem_of(struct span name)
{
    static const char suffix[] = "_quantized";
    if (ends_with(name, suffix))
        name.size -= sizeof suffix - 1;
    return name;
}

/* Finds the scale and zero point of a constant X_quantized by their names. */
static bool find_scale(const struct onnx_model *model, const struct onnx_constant *data,
                       struct recipe *recipe)
{
    char name[CHECKPOINT_MAX_NAME + 16];
    int stem = (int)stem_of(data->name).size;
    if (data->name.size > CHECKPOINT_MAX_NAME || (size_t)stem == data->name.size)
        return false;
    int size = snprintf(name, sizeof name, "%.*s_scale", stem, (const char *)data->name.data);
    recipe->scale = onnx_constant(model, (struct span){(unsigned char *)name, (size_t)size});
    size = snprintf(name, sizeof name, "%.*s_zero_point", stem, (const char *)data->name.data);
    recipe->zero = onnx_constant(model, (struct span){(unsigned char *)name, (size_t)size});
    recipe->data = data;
    recipe->axis = data->dims == 2 ? 1 : 0;
    return recipe->scale != NULL;
}

/* Input `index` of a node; size 0 when it has none. */
static struct span input(const struct onnx_node *node, int index)
{
    return index < node->input_count ? node->inputs[index] : (struct span){0};
}

static bool is_cast(const struct onnx_node *node)
{
    return span_is(node->type, "Cast") || span_is(node->type, "Identity");
}

/* The constant that an input is, or is cast from, as scales are in exports of half precision; NULL: none. */
static const struct onnx_constant *parameter(const struct onnx_model *model, struct span name)
{
    for (int steps = 0; steps < 8 && name.size > 0; steps++) {
        const struct onnx_constant *constant = onnx_constant(model, name);
        if (constant != NULL)
            return constant;
        const struct onnx_node *node = onnx_producer(model, name);
        if (node == NULL || !is_cast(node))
            return NULL;
        name = input(node, 0);
    }
    return NULL;
}

/* Follows an input to the constant that it comes from, through what does not change its layout. */
static bool resolve(const struct onnx_model *model, struct span name, struct recipe *recipe)
{
    *recipe = (struct recipe){0};
    for (int steps = 0; steps < 8 && name.size > 0; steps++) {
        const struct onnx_constant *constant = onnx_constant(model, name);
        if (constant != NULL) {
            recipe->data = constant;
            if (recipe->scale == NULL)
                find_scale(model, constant, recipe);
            if (recipe->axis < 0)
                recipe->axis += constant->dims;
            return constant->dims >= 0;
        }
        const struct onnx_node *node = onnx_producer(model, name);
        if (node == NULL)
            return false;
        if (span_is(node->type, "DequantizeLinear") && recipe->scale == NULL) {
            recipe->scale = parameter(model, input(node, 1));
            recipe->zero = parameter(model, input(node, 2));
            recipe->axis = (int)onnx_attribute(node, "axis", 1);
            recipe->block = (uint64_t)onnx_attribute(node, "block_size", 0);
            if (recipe->scale == NULL)
                return false;
        } else if (!is_cast(node)) {
            return false;
        }
        name = input(node, 0);
    }
    return false;
}

/* The operators that take a weight: which of their inputs it is, and which hold what decodes it; 0: none, or
 * found by its name. */
static const struct op {
    const char *type;
    bool convolution;
    int weight, scale, zero;
    int bias, input_scale;
} ops[] = {
    {.type = "Conv", .convolution = true, .weight = 1, .bias = 2},
    {.type = "ConvTranspose", .convolution = true, .weight = 1, .bias = 2},
    {.type = "ConvInteger", .convolution = true, .weight = 1},
    {.type = "QLinearConv",
     .convolution = true,
     .weight = 3,
     .scale = 4,
     .zero = 5,
     .bias = 8,
     .input_scale = 1},
    {.type = "MatMul", .weight = 1},
    {.type = "MatMulInteger", .weight = 1},
    {.type = "DynamicQuantizeMatMul", .weight = 1, .scale = 2, .zero = 3, .bias = 4},
    {.type = "MatMulIntegerToFloat", .weight = 1, .scale = 3, .zero = 5, .bias = 6},
    {.type = "QLinearMatMul", .weight = 3, .scale = 4, .zero = 5},
    {.type = "Gemm", .weight = 1, .bias = 2},
    {.type = "QGemm", .weight = 3, .scale = 4, .zero = 5, .bias = 6, .input_scale = 1},
};

static const struct op *op_of(const struct onnx_node *node)
{
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (span_is(node->type, ops[i].type))
            return &ops[i];
    return NULL;
}

/* Whether an operator takes a matrix as [in][out]. */
static bool takes_columns(const struct onnx_node *node)
{
    return !op_of(node)->convolution && onnx_attribute(node, "transB", 0) == 0;
}

/* The weight of a node and what decodes it; false: it has none that is constant. */
static bool resolve_weight(const struct onnx_model *model, const struct onnx_node *node,
                           struct recipe *recipe)
{
    const struct op *op = op_of(node);
    if (op == NULL || !resolve(model, input(node, op->weight), recipe))
        return false;
    if (op->scale > 0) {
        recipe->scale = parameter(model, input(node, op->scale));
        recipe->zero = parameter(model, input(node, op->zero));
        recipe->axis = takes_columns(node) ? 1 : 0;
    }
    return is_float(recipe->data->type) || recipe->scale != NULL;
}

/* The published name of a constant, or of what was quantised to it; false when it has none. */
static bool constant_name(const struct onnx_constant *c, char out[CHECKPOINT_MAX_NAME + 1])
{
    char name[CHECKPOINT_MAX_NAME + 1];
    size_t length = (is_float(c->type) ? c->name : stem_of(c->name)).size;
    if (length == 0 || length > CHECKPOINT_MAX_NAME || memchr(c->name.data, '\0', length) != NULL)
        return false;
    memcpy(name, c->name.data, length);
    name[length] = '\0';
    return publish_name(name, out);
}

/* Fills in how a constant that has a parameter's name is decoded. False: it is not known here, or the file
 * has it as floats, too (ONNX Runtime quantises what one node takes and leaves it as it is for another). */
static bool decode_named(const struct onnx_model *model, const struct onnx_constant *c, struct recipe *recipe)
{
    *recipe = (struct recipe){.data = c};
    if (is_float(c->type))
        return true;
    struct span stem = stem_of(c->name);
    if (stem.size < c->name.size && onnx_constant(model, stem) != NULL)
        return false;
    if (c->taker != NULL)
        return resolve_weight(model, c->taker, recipe);
    return c->decoder != NULL ? resolve(model, c->decoder->output, recipe) : find_scale(model, c, recipe);
}

/* Adds every constant that has a parameter's name. */
static lt_status add_named(struct onnx *onnx, lt_error *error)
{
    for (size_t i = 0; i < onnx->model.constant_count; i++) {
        const struct onnx_constant *c = &onnx->model.constants[i];
        char published[CHECKPOINT_MAX_NAME + 1];
        struct recipe recipe;
        if (c->dims < 1 || ends_with(c->name, "_scale") || ends_with(c->name, "_zero_point") ||
            !constant_name(c, published) || !decode_named(&onnx->model, c, &recipe))
            continue;
        bool turned = c->taker != NULL && c->dims == 2 && takes_columns(c->taker);
        if (turned)
            recipe.form = FORM_TRANSPOSED;
        lt_status status = add(onnx, published, c->dims,
                               turned ? (uint64_t[]){c->shape[1], c->shape[0]} : c->shape, &recipe, error);
        if (status != LT_OK)
            return status;
    }
    onnx->named = onnx->checkpoint.count;
    checkpoint_sort(&onnx->checkpoint);
    return LT_OK;
}

/* ---- From nodes -------------------------------------------------------------------------------- */

/* Notes at each constant what takes it. */
static void mark_uses(struct onnx_model *model)
{
    struct recipe recipe;
    for (size_t i = 0; i < model->node_count; i++) {
        const struct onnx_node *node = &model->nodes[i];
        if (resolve_weight(model, node, &recipe))
            model->constants[recipe.data - model->constants].taker = node;
        if (span_is(node->type, "DequantizeLinear") && resolve(model, node->output, &recipe))
            model->constants[recipe.data - model->constants].decoder = node;
    }
}

/* Adds MODULE.LEAF, unless the file has it under its own name. A constant with a parameter's name is that one
 * (a module's own convolution may be with a table, as in the STFT). */
static lt_status add_leaf(struct onnx *onnx, const char *module, const char *leaf, int dims,
                          const uint64_t *shape, const struct recipe *recipe, lt_error *error)
{
    char name[CHECKPOINT_MAX_NAME + 1], other[CHECKPOINT_MAX_NAME + 1];
    int length = snprintf(name, sizeof name, "%s%s", module, leaf);
    if (length >= (int)sizeof name)
        return LT_OK;
    const char *own = constant_name(recipe->data, other) ? other : name;
    return has_named(onnx, own) ? LT_OK : add(onnx, own, dims, shape, recipe, error);
}

/* Adds the bias of a product or convolution: floats, or integers that have the scale of the products, which
 * is that of the input by that of the weights. */
static lt_status add_bias(struct onnx *onnx, const struct onnx_node *node, const char *module,
                          lt_error *error)
{
    const struct op *op = op_of(node);
    struct recipe recipe;
    if (op->bias == 0 || !resolve(&onnx->model, input(node, op->bias), &recipe) || recipe.data->dims != 1)
        return LT_OK;
    if (!is_float(recipe.data->type) && recipe.scale == NULL) {
        if (op->input_scale == 0)
            return LT_OK;
        recipe.scale = parameter(&onnx->model, input(node, op->scale));
        recipe.input_scale = parameter(&onnx->model, input(node, op->input_scale));
        if (recipe.scale == NULL || recipe.input_scale == NULL)
            return LT_OK;
    }
    return add_leaf(onnx, module, "bias", 1, recipe.data->shape, &recipe, error);
}

/* A convolution, plain or transposed: weight and bias as PyTorch has them. */
static lt_status add_convolution(struct onnx *onnx, const struct onnx_node *node, const char *module,
                                 lt_error *error)
{
    struct recipe recipe;
    lt_status status = LT_OK;
    if (resolve_weight(&onnx->model, node, &recipe) && recipe.data->dims == 3)
        status = add_leaf(onnx, module, "weight", 3, recipe.data->shape, &recipe, error);
    return status == LT_OK ? add_bias(onnx, node, module, error) : status;
}

/* A product with a constant [in][out], or [out][in]. */
static lt_status add_product(struct onnx *onnx, const struct onnx_node *node, const char *module,
                             lt_error *error)
{
    struct recipe recipe;
    if (!resolve_weight(&onnx->model, node, &recipe) || recipe.data->dims != 2)
        return LT_OK;
    bool columns = takes_columns(node);
    recipe.form = columns ? FORM_TRANSPOSED : FORM_PLAIN;
    uint64_t shape[2] = {recipe.data->shape[columns ? 1 : 0], recipe.data->shape[columns ? 0 : 1]};
    lt_status status = add_leaf(onnx, module, "weight", 2, shape, &recipe, error);
    return status == LT_OK ? add_bias(onnx, node, module, error) : status;
}

/* MatMulNBits: B is [out][blocks][block * bits / 8] bytes, scales [out * blocks]. */
static lt_status add_blocks(struct onnx *onnx, const struct onnx_node *node, const char *module,
                            lt_error *error)
{
    int64_t in = onnx_attribute(node, "K", 0), out = onnx_attribute(node, "N", 0);
    int64_t bits = onnx_attribute(node, "bits", 4), block = onnx_attribute(node, "block_size", 0);
    struct recipe recipe = {.data = parameter(&onnx->model, input(node, 1)),
                            .scale = parameter(&onnx->model, input(node, 2)),
                            .zero = parameter(&onnx->model, input(node, 3)),
                            .form = FORM_BLOCKS};
    if (recipe.data == NULL || recipe.scale == NULL)
        return LT_OK;
    if (input(node, 4).size > 0) /* g_idx */
        return checkpoint_damaged(
            &onnx->checkpoint, error,
            "a MatMulNBits of '%s' has its rows in an order of its own (g_idx), which is "
            "not supported",
            module);
    uint64_t blocks = block > 0 && in > 0 ? ((uint64_t)in + (uint64_t)block - 1) / (uint64_t)block : 0;
    if (in < 1 || in > 65536 || out < 1 || out > 65536 || (bits != 4 && bits != 8) || block < 16 ||
        block > 65536 || block % 2 != 0 || recipe.data->type != ELEMENT_U8 ||
        recipe.data->elements != (uint64_t)out * blocks * (uint64_t)(block * bits / 8) ||
        recipe.scale->elements != (uint64_t)out * blocks)
        return checkpoint_damaged(&onnx->checkpoint, error,
                                  "a MatMulNBits of '%s' is not what its definition says", module);
    recipe.in = (uint64_t)in;
    recipe.out = (uint64_t)out;
    recipe.block = (uint64_t)block;
    recipe.bits = (unsigned)bits;
    return add_leaf(onnx, module, "weight", 2, (uint64_t[]){recipe.out, recipe.in}, &recipe, error);
}

/* One of an LSTM's weights: input `index`, called weight_ih_l0 or weight_hh_l0. */
static lt_status add_lstm_weight(struct onnx *onnx, const struct onnx_node *node, const char *module,
                                 int index, const char *leaf, lt_error *error)
{
    struct recipe recipe;
    if (!resolve(&onnx->model, input(node, index), &recipe) || recipe.data->dims != 3)
        return LT_OK;
    recipe.form = FORM_LSTM_WEIGHT;
    if (span_is(node->type, "DynamicQuantizeLSTM")) { /* scales and zero points are inputs 8 to 11 */
        recipe.scale = parameter(&onnx->model, input(node, 6 + 2 * index));
        recipe.zero = parameter(&onnx->model, input(node, 7 + 2 * index));
        recipe.transposed = true;
    }
    recipe.axis = 0;
    const uint64_t *s = recipe.data->shape;
    uint64_t shape[2] = {s[recipe.transposed ? 2 : 1], s[recipe.transposed ? 1 : 2]};
    lt_status status = LT_OK;
    for (uint64_t d = 0; d < s[0] && d < 2 && shape[0] % 4 == 0 && status == LT_OK; d++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", leaf, d > 0 ? "_reverse" : "");
        recipe.direction = d;
        status = add_leaf(onnx, module, name, 2, shape, &recipe, error);
    }
    return status;
}

static lt_status add_lstm(struct onnx *onnx, const struct onnx_node *node, const char *module,
                          lt_error *error)
{
    lt_status status = add_lstm_weight(onnx, node, module, 1, "weight_ih_l0", error);
    if (status == LT_OK)
        status = add_lstm_weight(onnx, node, module, 2, "weight_hh_l0", error);
    struct recipe recipe;
    if (status != LT_OK || !resolve(&onnx->model, input(node, 3), &recipe) || recipe.data->dims != 2 ||
        recipe.data->shape[1] % 8 != 0)
        return status;
    recipe.form = FORM_LSTM_BIAS;
    uint64_t shape[1] = {recipe.data->shape[1] / 2};
    for (uint64_t i = 0; i < 2 * recipe.data->shape[0] && i < 4 && status == LT_OK; i++) {
        static const char *const leaves[] = {"bias_ih_l0", "bias_hh_l0", "bias_ih_l0_reverse",
                                             "bias_hh_l0_reverse"};
        recipe.direction = i / 2;
        recipe.half = i % 2;
        status = add_leaf(onnx, module, leaves[i], 1, shape, &recipe, error);
    }
    return status;
}

static lt_status add_node(struct onnx *onnx, const struct onnx_node *node, lt_error *error)
{
    char module[CHECKPOINT_MAX_NAME + 1];
    if (!module_of(node->name, module))
        return LT_OK;
    const struct op *op = op_of(node);
    if (op != NULL)
        return op->convolution ? add_convolution(onnx, node, module, error)
                               : add_product(onnx, node, module, error);
    if (span_is(node->type, "MatMulNBits"))
        return add_blocks(onnx, node, module, error);
    if (span_is(node->type, "LSTM") || span_is(node->type, "DynamicQuantizeLSTM"))
        return add_lstm(onnx, node, module, error);
    return LT_OK;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* Decodes a constant into new memory. */
static lt_status load(struct onnx *onnx, const struct onnx_constant *c, float **values, lt_error *error)
{
    *values = c->dims >= 0 ? malloc((size_t)c->elements * sizeof **values) : NULL;
    if (c->dims < 0)
        return checkpoint_damaged(&onnx->checkpoint, error, "a scale or zero point has an unknown type");
    if (*values == NULL)
        return error_memory(error, "a tensor");
    lt_status status = onnx_decode(&onnx->model, c, *values, error);
    if (status != LT_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

/* Which element of the scale belongs to element `i` of the data; the counts have been checked. */
static uint64_t scale_index(const struct recipe *recipe, uint64_t i)
{
    const struct onnx_constant *data = recipe->data;
    if (recipe->scale->elements == 1)
        return 0;
    uint64_t inner = 1; /* elements of one step along the axis */
    for (int d = recipe->axis + 1; d < data->dims; d++)
        inner *= data->shape[d];
    uint64_t along = i / inner % data->shape[recipe->axis];
    if (recipe->block > 0 && recipe->form != FORM_BLOCKS) {
        uint64_t outer = i / inner / data->shape[recipe->axis];
        return (outer * recipe->scale->shape[recipe->axis] + along / recipe->block) * inner + i % inner;
    }
    if (recipe->scale->elements == data->shape[recipe->axis])
        return along;
    return along * data->shape[2] + i % data->shape[2]; /* an LSTM's, by direction and output */
}

static bool scale_fits(const struct recipe *recipe)
{
    const struct onnx_constant *data = recipe->data, *scale = recipe->scale;
    if (recipe->zero != NULL && recipe->zero->elements != scale->elements)
        return false;
    if (scale->elements == 1)
        return true;
    if (recipe->axis < 0 || recipe->axis >= data->dims)
        return false;
    if (recipe->block > 0) {
        uint64_t size = data->shape[recipe->axis], blocks = (size - 1) / recipe->block + 1;
        return scale->dims == data->dims && scale->shape[recipe->axis] == blocks &&
               scale->elements == data->elements / size * blocks;
    }
    bool lstm = recipe->form == FORM_LSTM_WEIGHT && scale->elements == data->shape[0] * data->shape[2];
    return scale->elements == data->shape[recipe->axis] || lstm;
}

/* value = (value - zero) * scale. */
static lt_status dequantise(struct onnx *onnx, const struct recipe *recipe, float *values, lt_error *error)
{
    if (!scale_fits(recipe))
        return checkpoint_damaged(&onnx->checkpoint, error, "the scale of '%.*s' does not fit its shape",
                                  (int)recipe->data->name.size, (const char *)recipe->data->name.data);
    float *scale = NULL, *zero = NULL, *input_scale = NULL;
    lt_status status = load(onnx, recipe->scale, &scale, error);
    if (status == LT_OK && recipe->zero != NULL)
        status = load(onnx, recipe->zero, &zero, error);
    if (status == LT_OK && recipe->input_scale != NULL)
        status = load(onnx, recipe->input_scale, &input_scale, error);
    for (uint64_t i = 0; i < recipe->data->elements && status == LT_OK; i++) {
        uint64_t at = scale_index(recipe, i);
        values[i] = (values[i] - (zero != NULL ? zero[at] : 0)) * scale[at];
        if (input_scale != NULL)
            values[i] *= *input_scale;
    }
    free(scale);
    free(zero);
    free(input_scale);
    return status;
}

/* Gates of ONNX (input, output, forget, cell) in PyTorch's order (input, forget, cell, output). */
static const unsigned gate_of[4] = {0, 2, 3, 1};

static void take_lstm_weight(const struct recipe *recipe, const float *from, float *values)
{
    const uint64_t *s = recipe->data->shape;
    uint64_t rows = s[recipe->transposed ? 2 : 1], in = s[recipe->transposed ? 1 : 2], cells = rows / 4;
    from += recipe->direction * rows * in;
    for (uint64_t row = 0; row < rows; row++) {
        uint64_t source = gate_of[row / cells] * cells + row % cells;
        for (uint64_t i = 0; i < in; i++)
            values[row * in + i] = recipe->transposed ? from[i * rows + source] : from[source * in + i];
    }
}

static void take_lstm_bias(const struct recipe *recipe, const float *from, float *values)
{
    uint64_t rows = recipe->data->shape[1] / 2, cells = rows / 4;
    from += (2 * recipe->direction + recipe->half) * rows;
    for (uint64_t row = 0; row < rows; row++)
        values[row] = from[gate_of[row / cells] * cells + row % cells];
}

static void transpose(const struct recipe *recipe, const float *from, float *values)
{
    uint64_t in = recipe->data->shape[0], out = recipe->data->shape[1];
    for (uint64_t o = 0; o < out; o++)
        for (uint64_t i = 0; i < in; i++)
            values[o * in + i] = from[i * out + o];
}

/* Nibble `index` of bytes that were decoded as numbers. */
static float nibble(const float *bytes, uint64_t index)
{
    return (float)((unsigned)bytes[index / 2] >> (index % 2 * 4) & 15);
}

/* The zero point of a block: half of the range, a number of the scale's own type, or a packed one. */
static float block_zero(const struct recipe *recipe, const float *zero, uint64_t row, uint64_t block,
                        uint64_t blocks)
{
    if (zero == NULL)
        return (float)(1u << (recipe->bits - 1));
    if (recipe->bits == 8 || recipe->zero->type != ELEMENT_U8)
        return zero[row * blocks + block];
    return nibble(zero + row * ((blocks + 1) / 2), block);
}

static void unpack_blocks(const struct recipe *recipe, const float *data, const float *scale,
                          const float *zero, float *values)
{
    uint64_t blocks = (recipe->in + recipe->block - 1) / recipe->block;
    uint64_t row_bytes = blocks * recipe->block * recipe->bits / 8;
    for (uint64_t row = 0; row < recipe->out; row++) {
        const float *bytes = data + row * row_bytes;
        for (uint64_t i = 0; i < recipe->in; i++) {
            float q = recipe->bits == 8 ? bytes[i] : nibble(bytes, i);
            uint64_t block = i / recipe->block;
            float offset = block_zero(recipe, zero, row, block, blocks);
            values[row * recipe->in + i] = (q - offset) * scale[row * blocks + block];
        }
    }
}

static lt_status read_blocks(struct onnx *onnx, const struct recipe *recipe, float *values, lt_error *error)
{
    float *data = NULL, *scale = NULL, *zero = NULL;
    uint64_t blocks = (recipe->in + recipe->block - 1) / recipe->block;
    lt_status status = load(onnx, recipe->data, &data, error);
    if (status == LT_OK)
        status = load(onnx, recipe->scale, &scale, error);
    if (status == LT_OK && recipe->zero != NULL) {
        bool packed = recipe->bits == 4 && recipe->zero->type == ELEMENT_U8;
        if (recipe->zero->elements != recipe->out * (packed ? (blocks + 1) / 2 : blocks))
            status = checkpoint_damaged(&onnx->checkpoint, error,
                                        "a MatMulNBits has zero points of a wrong shape");
        else
            status = load(onnx, recipe->zero, &zero, error);
    }
    if (status == LT_OK)
        unpack_blocks(recipe, data, scale, zero, values);
    free(data);
    free(scale);
    free(zero);
    return status;
}

static lt_status onnx_read(struct checkpoint *checkpoint, const struct checkpoint_tensor *tensor,
                           float *values, lt_error *error)
{
    struct onnx *onnx = (struct onnx *)checkpoint;
    const struct recipe *recipe = &onnx->recipes[tensor->source];
    if (recipe->form == FORM_BLOCKS)
        return read_blocks(onnx, recipe, values, error);
    float *whole = values; /* what the constant holds: more than the tensor, or in another order */
    lt_status status = recipe->form == FORM_PLAIN ? onnx_decode(&onnx->model, recipe->data, values, error)
                                                  : load(onnx, recipe->data, &whole, error);
    if (status == LT_OK && recipe->scale != NULL)
        status = dequantise(onnx, recipe, whole, error);
    else if (status == LT_OK && !is_float(recipe->data->type))
        status = checkpoint_damaged(checkpoint, error, "'%s' is quantised and has no scale", tensor->name);
    if (status == LT_OK && recipe->form == FORM_TRANSPOSED)
        transpose(recipe, whole, values);
    if (status == LT_OK && recipe->form == FORM_LSTM_WEIGHT)
        take_lstm_weight(recipe, whole, values);
    if (status == LT_OK && recipe->form == FORM_LSTM_BIAS)
        take_lstm_bias(recipe, whole, values);
    if (whole != values)
        free(whole);
    return status;
}

/* Whether a constant is a table of bytes, or of a type that is not known here, such as 4-bit integers. */
static bool is_packed(const struct onnx_constant *c)
{
    return c->dims < 0 || (c->dims > 1 && (c->type == ELEMENT_I8 || c->type == ELEMENT_U8));
}

/* Notes the largest quantised weight of which no tensor is made, and the operator that takes it: when the model
 * turns out to lack tensors, that is the reason. */
static void note_unread(struct onnx *onnx)
{
    const struct onnx_constant *largest = NULL;
    const struct onnx_node *taker = NULL;
    for (size_t i = 0; i < onnx->recipe_count; i++)
        onnx->model.constants[onnx->recipes[i].data - onnx->model.constants].read = true;
    for (size_t i = 0; i < onnx->model.node_count; i++) {
        const struct onnx_node *node = &onnx->model.nodes[i];
        for (int k = 0; k < node->input_count; k++) {
            const struct onnx_constant *c = onnx_constant(&onnx->model, node->inputs[k]);
            if (c == NULL || c->read || op_of(node) != NULL || !is_packed(c) ||
                (largest != NULL && c->elements <= largest->elements))
                continue;
            largest = c;
            taker = node;
        }
    }
    if (largest == NULL)
        return;
    snprintf(onnx->checkpoint.unread, sizeof onnx->checkpoint.unread,
             "; '%.*s' is of the operator '%.*s', whose weights are not read: use an export without it",
             (int)(largest->name.size < 96 ? largest->name.size : 96), (const char *)largest->name.data,
             (int)(taker->type.size < 48 ? taker->type.size : 48), (const char *)taker->type.data);
}

/* ---- Opening ----------------------------------------------------------------------------------- */

lt_status onnx_open_memory(const void *bytes, size_t size, const char *name, struct checkpoint **checkpoint,
                           lt_error *error)
{
    struct onnx *onnx = calloc(1, sizeof *onnx);
    if (onnx == NULL)
        return error_memory(error, "a checkpoint");
    onnx->checkpoint = (struct checkpoint){.format = "ONNX", .read = onnx_read, .close = onnx_close};
    snprintf(onnx->checkpoint.path, sizeof onnx->checkpoint.path, "%s", name);
    lt_status status = onnx_model_read((struct span){bytes, size}, name, &onnx->model, error);
    onnx->model.name = onnx->checkpoint.path; /* lives as long as it */
    if (status == LT_OK) {
        mark_uses(&onnx->model);
        status = add_named(onnx, error);
    }
    for (size_t i = 0; i < onnx->model.node_count && status == LT_OK; i++)
        status = add_node(onnx, &onnx->model.nodes[i], error);
    if (status == LT_OK)
        note_unread(onnx);
    if (status == LT_OK && onnx->checkpoint.count == 0)
        status = checkpoint_damaged(&onnx->checkpoint, error, "it holds no weights");
    if (status == LT_OK)
        *checkpoint = &onnx->checkpoint;
    else
        checkpoint_close(&onnx->checkpoint);
    return status;
}

lt_status onnx_open(const char *path, struct checkpoint **checkpoint, lt_error *error)
{
    struct mapped_file file;
    lt_status status = file_map(path, &file, error);
    if (status != LT_OK)
        return status;
    status = onnx_open_memory(file.data, file.size, path, checkpoint, error);
    if (status == LT_OK) {
        ((struct onnx *)*checkpoint)->file = file;
        ((struct onnx *)*checkpoint)->model.mapped = true;
    } else {
        file_unmap(&file);
    }
    return status;
}
