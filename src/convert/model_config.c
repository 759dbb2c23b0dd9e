/* model_config.c: config.json, and the published values that stand in for it. */
#include "convert/model_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"

/* The published vocabulary (config.json of Kokoro-82M, Apache-2.0). Id 0 is the padding at both ends, no
 * symbol. */
static const struct {
    const char *symbol;
    uint32_t id;
} published_vocabulary[] = {
    {";", 1},   {":", 2},   {",", 3},   {".", 4},   {"!", 5},       {"?", 6},   {"—", 9},       {"…", 10},
    {"\"", 11}, {"(", 12},  {")", 13},  {"“", 14},  {"”", 15},      {" ", 16},  {"\u0303", 17}, {"ʣ", 18},
    {"ʥ", 19},  {"ʦ", 20},  {"ʨ", 21},  {"ᵝ", 22},  {"\uab67", 23}, {"A", 24},  {"I", 25},      {"O", 31},
    {"Q", 33},  {"S", 35},  {"T", 36},  {"W", 39},  {"Y", 41},      {"ᵊ", 42},  {"a", 43},      {"b", 44},
    {"c", 45},  {"d", 46},  {"e", 47},  {"f", 48},  {"h", 50},      {"i", 51},  {"j", 52},      {"k", 53},
    {"l", 54},  {"m", 55},  {"n", 56},  {"o", 57},  {"p", 58},      {"q", 59},  {"r", 60},      {"s", 61},
    {"t", 62},  {"u", 63},  {"v", 64},  {"w", 65},  {"x", 66},      {"y", 67},  {"z", 68},      {"ɑ", 69},
    {"ɐ", 70},  {"ɒ", 71},  {"æ", 72},  {"β", 75},  {"ɔ", 76},      {"ɕ", 77},  {"ç", 78},      {"ɖ", 80},
    {"ð", 81},  {"ʤ", 82},  {"ə", 83},  {"ɚ", 85},  {"ɛ", 86},      {"ɜ", 87},  {"ɟ", 90},      {"ɡ", 92},
    {"ɥ", 99},  {"ɨ", 101}, {"ɪ", 102}, {"ʝ", 103}, {"ɯ", 110},     {"ɰ", 111}, {"ŋ", 112},     {"ɳ", 113},
    {"ɲ", 114}, {"ɴ", 115}, {"ø", 116}, {"ɸ", 118}, {"θ", 119},     {"œ", 120}, {"ɹ", 123},     {"ɾ", 125},
    {"ɻ", 126}, {"ʁ", 128}, {"ɽ", 129}, {"ʂ", 130}, {"ʃ", 131},     {"ʈ", 132}, {"ʧ", 133},     {"ʊ", 135},
    {"ʋ", 136}, {"ʌ", 138}, {"ɣ", 139}, {"ɤ", 140}, {"χ", 142},     {"ʎ", 143}, {"ʒ", 147},     {"ʔ", 148},
    {"ˈ", 156}, {"ˌ", 157}, {"ː", 158}, {"ʰ", 162}, {"ʲ", 164},     {"↓", 169}, {"→", 171},     {"↗", 172},
    {"↘", 173}, {"ᵻ", 177},
};

enum {
    PUBLISHED_SYMBOLS = sizeof published_vocabulary / sizeof *published_vocabulary,
    MAX_SYMBOLS = 4096,
    MAX_CONFIG = 1 << 20
};

static const char *const width_names[WIDTH_COUNT] = {
    [WIDTH_HIDDEN] = "hidden_dim",
    [WIDTH_STYLE] = "style_dim",
    [WIDTH_TOKENS] = "n_token",
    [WIDTH_LAYERS] = "n_layer",
    [WIDTH_MAX_DURATION] = "max_dur",
    [WIDTH_TEXT_KERNEL] = "text_encoder_kernel_size",
    [WIDTH_BERT] = "plbert.hidden_size",
    [WIDTH_BERT_INNER] = "plbert.intermediate_size",
    [WIDTH_BERT_POSITIONS] = "plbert.max_position_embeddings",
    [WIDTH_UPSAMPLE_INITIAL] = "istftnet.upsample_initial_channel",
    [WIDTH_N_FFT] = "istftnet.gen_istft_n_fft",
};

const char *model_width_name(enum model_width width)
{
    return width_names[width];
}

static void set_published(struct model_config *config)
{
    *config = (struct model_config){
        .attention_heads = 12,
        .albert_repeats = 12,
        .upsample_rates = {10, 6},
        .upsample_count = 2,
        .kernel_count = 3,
        .dilations = {1, 3, 5, 1, 3, 5, 1, 3, 5},
        .istft_hop = 5,
        .origin = "the published configuration",
    };
}

static bool reserve_symbols(struct model_config *config, size_t count)
{
    config->symbols = calloc(count, sizeof *config->symbols);
    config->ids = calloc(count, sizeof *config->ids);
    return config->symbols != NULL && config->ids != NULL;
}

static bool add_symbol(struct model_config *config, const char *symbol, uint32_t id)
{
    config->symbols[config->symbol_count] = strdup(symbol);
    config->ids[config->symbol_count] = id;
    return config->symbols[config->symbol_count] != NULL && ++config->symbol_count > 0;
}

static lt_status set_published_vocabulary(struct model_config *config, lt_error *error)
{
    if (!reserve_symbols(config, PUBLISHED_SYMBOLS))
        return error_memory(error, "a vocabulary");
    for (size_t i = 0; i < PUBLISHED_SYMBOLS; i++)
        if (!add_symbol(config, published_vocabulary[i].symbol, published_vocabulary[i].id))
            return error_memory(error, "a vocabulary");
    return LT_OK;
}

/* ---- config.json ------------------------------------------------------------------------------- */

static lt_status bad_value(const struct model_config *config, lt_error *error, const char *name,
                           const char *wanted)
{
    return error_set(error, LT_ERR_MODEL, "'%s': '%s' must be %s", config->origin, name, wanted);
}

/* The value at a dotted name of one or two parts; NULL: absent. */
static const json_t *find(const json_t *root, const char *name)
{
    const char *dot = strchr(name, '.');
    if (dot == NULL)
        return json_object_get(root, name);
    char section[32] = "";
    memcpy(section, name, (size_t)(dot - name));
    return json_object_get(json_object_get(root, section), dot + 1);
}

static bool as_size(const json_t *value, uint32_t most, uint32_t *out)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > most)
        return false;
    *out = (uint32_t)number;
    return true;
}

/* Reads a number from 1 to `most` if it is there. */
static lt_status read_size(const json_t *root, const char *name, const struct model_config *config,
                           uint32_t most, uint32_t *out, lt_error *error)
{
    const json_t *value = find(root, name);
    char wanted[48];
    if (value == NULL || as_size(value, most, out))
        return LT_OK;
    snprintf(wanted, sizeof wanted, "a whole number from 1 to %u", most);
    return bad_value(config, error, name, wanted);
}

static lt_status read_rates(const json_t *root, struct model_config *config, lt_error *error)
{
    const json_t *rates = find(root, "istftnet.upsample_rates");
    if (rates == NULL)
        return LT_OK;
    size_t count = json_array_size(rates);
    bool good = count >= 1 && count <= MODEL_MAX_UPSAMPLES;
    for (size_t i = 0; good && i < count; i++)
        good = as_size(json_array_get(rates, i), MODEL_MAX_RATE, &config->upsample_rates[i]);
    config->upsample_count = (uint32_t)count;
    return good ? LT_OK
                : bad_value(config, error, "istftnet.upsample_rates",
                            "a list of 1 to 4 whole numbers up to 64");
}

static lt_status read_dilations(const json_t *root, struct model_config *config, lt_error *error)
{
    const json_t *rows = find(root, "istftnet.resblock_dilation_sizes");
    if (rows == NULL)
        return LT_OK;
    size_t row_count = json_array_size(rows);
    bool good = row_count >= 1 && row_count <= MODEL_MAX_KERNELS;
    for (size_t i = 0; good && i < row_count; i++) {
        const json_t *row = json_array_get(rows, i);
        good = json_array_size(row) == MODEL_DILATIONS;
        for (size_t j = 0; good && j < MODEL_DILATIONS; j++)
            good =
                as_size(json_array_get(row, j), MODEL_MAX_RATE, &config->dilations[i * MODEL_DILATIONS + j]);
    }
    config->kernel_count = (uint32_t)row_count;
    return good ? LT_OK
                : bad_value(config, error, "istftnet.resblock_dilation_sizes",
                            "1 to 4 lists of 3 whole numbers up to 64");
}

static lt_status read_vocabulary(const json_t *root, struct model_config *config, lt_error *error)
{
    json_t *vocabulary = json_object_get(root, "vocab");
    if (vocabulary == NULL)
        return set_published_vocabulary(config, error);
    size_t count = json_object_size(vocabulary);
    if (count == 0 || count > MAX_SYMBOLS)
        return bad_value(config, error, "vocab", "an object of phoneme symbols and ids");
    if (!reserve_symbols(config, count))
        return error_memory(error, "a vocabulary");
    const char *symbol;
    json_t *id;
    json_object_foreach(vocabulary, symbol, id)
    {
        uint32_t codepoint;
        size_t length = strlen(symbol);
        json_int_t number = json_integer_value(id);
        if (!json_is_integer(id) || number < 0 || number > 65535 || length == 0 ||
            utf8_decode(symbol, length, &codepoint) != length)
            return bad_value(config, error, "vocab",
                             "an object of phoneme symbols, a character each, and ids from 0 to 65535");
        if (number != 0 && !add_symbol(config, symbol, (uint32_t)number))
            return error_memory(error, "a vocabulary");
    }
    return config->symbol_count > 0
               ? LT_OK
               : bad_value(config, error, "vocab", "an object with other ids than 0, the padding's");
}

static lt_status read_all(const json_t *root, struct model_config *config, lt_error *error)
{
    const struct {
        const char *name;
        uint32_t most, *out;
    } sizes[] = {
        {"plbert.num_attention_heads", 256, &config->attention_heads},
        {"plbert.num_hidden_layers", 1000, &config->albert_repeats},
        {"istftnet.gen_istft_hop_size", MODEL_MAX_FFT / 2, &config->istft_hop},
    };
    lt_status status = LT_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && status == LT_OK; i++)
        status = read_size(root, sizes[i].name, config, sizes[i].most, sizes[i].out, error);
    for (int i = 0; i < WIDTH_COUNT && status == LT_OK; i++)
        status = read_size(root, width_names[i], config, 65536, &config->widths[i], error);
    if (status == LT_OK)
        status = read_rates(root, config, error);
    if (status == LT_OK)
        status = read_dilations(root, config, error);
    return status == LT_OK ? read_vocabulary(root, config, error) : status;
}

lt_status model_config_parse(const char *text, size_t size, const char *name, struct model_config *config,
                             lt_error *error)
{
    set_published(config);
    config->origin = name;
    json_error_t where;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    lt_status status;
    if (json_is_object(root))
        status = read_all(root, config, error);
    else if (root != NULL)
        status = error_set(error, LT_ERR_MODEL, "'%s' is no JSON object: config.json is needed", name);
    else
        status = error_set(error, LT_ERR_MODEL, "'%s' is no JSON object: line %d: %s", name, where.line,
                           where.text);
    json_decref(root);
    return status;
}

lt_status model_config_read(const char *path, struct model_config *config, lt_error *error)
{
    set_published(config);
    if (path == NULL)
        return set_published_vocabulary(config, error);
    struct str text = {0};
    lt_status status = file_read(path, MAX_CONFIG, &text, error);
    if (status == LT_OK)
        status = model_config_parse(text.data, text.length, path, config, error);
    str_free(&text);
    return status;
}

void model_config_free(struct model_config *config)
{
    for (size_t i = 0; i < config->symbol_count; i++)
        free(config->symbols[i]);
    free(config->symbols);
    free(config->ids);
    *config = (struct model_config){0};
}
