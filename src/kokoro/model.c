/* model.c: binding a model file. See model.h.
 *
 * One struct binder walks through the layers; the first thing that is missing or does not fit is remembered in `error`
 * and everything after it is skipped, so that the walk reads as a list of the layers. */
#include "kokoro/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"

enum { ANY = -1, MAX_WIDTH = 1 << 16, MAX_FRAME = 4096 };

struct binder {
    const struct gguf *gguf;
    lt_status status;
    lt_error error;
    char prefix[GGUF_MAX_NAME * 2]; /* of the names that bind() is given */
    size_t type_bytes[GGUF_BF16 + 1];
};

static void fail(struct binder *b, const char *name, const char *what)
{
    if (b->status == LT_OK)
        b->status =
            error_set(&b->error, LT_ERR_MODEL,
                      "the model file does not fit: '%s' %s; import the checkpoint again", name, what);
}

static void set_prefix(struct binder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set_prefix(struct binder *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->prefix, sizeof b->prefix, format, arguments);
    va_end(arguments);
}

static const struct gguf_tensor *find(const struct binder *b, const char *name, char full[GGUF_MAX_NAME * 4])
{
    snprintf(full, GGUF_MAX_NAME * 4, "%s%s", b->prefix, name);
    return gguf_find(b->gguf, full);
}

static bool exists(const struct binder *b, const char *name)
{
    char full[GGUF_MAX_NAME * 4];
    return find(b, name, full) != NULL;
}

/* An array of float32 of `count` elements in all (ANY: any number, from 1); *length receives it. */
static const float *vector(struct binder *b, const char *name, int count, int *length)
{
    char full[GGUF_MAX_NAME * 4];
    if (length)
        *length = 1; /* something to go on with after an error */
    if (b->status != LT_OK)
        return NULL;
    const struct gguf_tensor *tensor = find(b, name, full);
    if (!tensor)
        return fail(b, full, "is missing"), NULL;
    if (tensor->type != GGUF_F32)
        return fail(b, full, "is not float32"), NULL;
    if (tensor->elements == 0 || tensor->elements > 1 << 28 ||
        (count != ANY && tensor->elements != (uint64_t)count))
        return fail(b, full, "has the wrong size"), NULL;
    if (length)
        *length = (int)tensor->elements;
    return tensor->data;
}

/* A table [rows][columns] of float32; *rows receives how many. */
static const float *table(struct binder *b, const char *name, int columns, int *rows)
{
    int elements;
    const float *data = vector(b, name, ANY, &elements);
    if (data && elements % columns != 0)
        fail(b, name, "has the wrong size");
    *rows = elements / columns;
    return data;
}

static enum value_type value_type(enum gguf_type type)
{
    switch (type) {
    case GGUF_F16:
        return VALUE_F16;
    case GGUF_BF16:
        return VALUE_BF16;
    case GGUF_Q8_0:
        return VALUE_Q8_0;
    case GGUF_Q4_0:
        return VALUE_Q4_0;
    case GGUF_F32:
        break;
    }
    return VALUE_F32;
}

/* A product weight [out][taps][in]; `in` is the true width, which the file pads. ANY takes what the file has. */
static struct weight matrix(struct binder *b, const char *name, int out, int taps, int in)
{
    struct weight weight = {.out = 1, .taps = 1, .in = KERNELS_K};
    char full[GGUF_MAX_NAME * 4];
    if (b->status != LT_OK)
        return weight;
    const struct gguf_tensor *tensor = find(b, name, full);
    if (!tensor)
        return fail(b, full, "is missing"), weight;
    const uint64_t *shape = tensor->shape;
    const uint64_t of_out = shape[0], of_in = shape[tensor->dims - 1],
                   of_taps = tensor->dims == 3 ? shape[1] : 1;
    if (tensor->dims < 2 || tensor->dims > 3 || of_out == 0 || of_taps == 0 || of_in == 0 ||
        of_out > MAX_WIDTH || of_taps > 1024 || of_in > MAX_WIDTH || of_in % KERNELS_K != 0 ||
        (out != ANY && of_out != (uint64_t)out) || (taps != ANY && of_taps != (uint64_t)taps) ||
        (in != ANY && of_in != (uint64_t)kernels_padded(in)))
        return fail(b, full, "has the wrong shape"), weight;
    weight.data = tensor->data;
    weight.type = value_type(tensor->type);
    weight.out = (int)of_out;
    weight.taps = (int)of_taps;
    weight.in = (int)of_in;
    weight.row_bytes = tensor->bytes / of_out;
    b->type_bytes[tensor->type] += tensor->bytes;
    return weight;
}

/* A layer NAME.weight with NAME.bias. */
static struct weight linear(struct binder *b, const char *name, int out, int taps, int in)
{
    char part[GGUF_MAX_NAME * 2];
    snprintf(part, sizeof part, "%s.weight", name);
    struct weight weight = matrix(b, part, out, taps, in);
    snprintf(part, sizeof part, "%s.bias", name);
    weight.bias = vector(b, part, weight.out, NULL);
    return weight;
}

static struct layer_norm layer_norm(struct binder *b, const char *weight, const char *bias, int channels)
{
    struct layer_norm norm;
    norm.weight = vector(b, weight, channels, &norm.channels);
    norm.bias = vector(b, bias, norm.channels, NULL);
    return norm;
}

static struct lstm lstm(struct binder *b, const char *name, int in, int hidden)
{
    struct lstm l = {.hidden = hidden};
    for (int i = 0; i < 2; i++) {
        const char *suffix = i ? "_reverse" : "";
        char part[GGUF_MAX_NAME * 2];
        snprintf(part, sizeof part, "%s.weight_ih_l0%s", name, suffix);
        l.input[i] = matrix(b, part, 4 * hidden, 1, in);
        snprintf(part, sizeof part, "%s.weight_hh_l0%s", name, suffix);
        l.recurrent[i] = matrix(b, part, 4 * hidden, 1, hidden);
        snprintf(part, sizeof part, "%s.bias_l0%s", name, suffix);
        l.input[i].bias = vector(b, part, 4 * hidden, NULL);
    }
    return l;
}

static void bind_albert(struct binder *b, const struct gguf *gguf, struct albert *a)
{
    uint64_t heads = 12, repeats = 12;
    gguf_get_uint(gguf, "kokoro.attention_heads", &heads);
    gguf_get_uint(gguf, "kokoro.albert_repeats", &repeats);

    set_prefix(b, "bert.embeddings.");
    a->embedding_norm = layer_norm(b, "LayerNorm.weight", "LayerNorm.bias", ANY);
    a->embedding = a->embedding_norm.channels;
    a->positions = table(b, "position_embeddings.weight", a->embedding, &a->position_count);
    a->types = vector(b, "token_type_embeddings.weight", 2 * a->embedding, NULL);
    set_prefix(b, "bert.encoder.");
    a->in = linear(b, "embedding_hidden_mapping_in", ANY, 1, a->embedding);
    a->width = a->in.out;
    set_prefix(b, "bert.layer.");
    a->qkv = linear(b, "attention.qkv", 3 * a->width, 1, a->width);
    a->dense = linear(b, "attention.dense", a->width, 1, a->width);
    a->ffn = linear(b, "ffn", ANY, 1, a->width);
    a->ffn_out = linear(b, "ffn_output", a->width, 1, a->ffn.out);
    a->attention_norm = layer_norm(b, "attention.LayerNorm.weight", "attention.LayerNorm.bias", a->width);
    a->full_norm = layer_norm(b, "full_layer_layer_norm.weight", "full_layer_layer_norm.bias", a->width);
    if (heads == 0 || heads > 256 || a->width % (int)heads != 0 || repeats > 1000)
        fail(b, "bert.layer.attention.qkv.weight", "does not fit kokoro.attention_heads");
    a->heads = (int)heads;
    a->repeats = (int)repeats;
}

/* AdainResBlk1d at the binder's prefix + name. */
static struct adain_block adain_block(struct binder *b, const char *name, int in, int style)
{
    char prefix[GGUF_MAX_NAME * 2];
    struct adain_block block = {.in = in};
    snprintf(prefix, sizeof prefix, "%s", b->prefix);
    set_prefix(b, "%s%s.", prefix, name);
    block.conv1 = linear(b, "conv1", ANY, 3, in);
    block.out = block.conv1.out;
    block.conv2 = linear(b, "conv2", block.out, 3, block.out);
    block.style1 = linear(b, "norm1.fc", 2 * in, 1, style);
    block.style2 = linear(b, "norm2.fc", 2 * block.out, 1, style);
    if (in != block.out)
        block.shortcut = matrix(b, "conv1x1.weight", block.out, 1, in);
    if (exists(b, "pool.weight")) {
        block.pool = vector(b, "pool.weight", 3 * in, NULL);
        block.pool_bias = vector(b, "pool.bias", in, NULL);
    }
    set_prefix(b, "%s", prefix);
    return block;
}

static void bind_prosody(struct binder *b, struct model *m)
{
    char name[64];
    set_prefix(b, "%s", "");
    m->bert_encoder = linear(b, "bert_encoder", ANY, 1, m->albert.width);
    m->hidden = m->bert_encoder.out;

    set_prefix(b, "predictor.text_encoder.");
    m->style = matrix(b, "lstms.1.fc.weight", 2 * m->hidden, 1, ANY).in;
    for (int i = 0; i < MODEL_TEXT_LAYERS; i++) {
        snprintf(name, sizeof name, "lstms.%d.weight_ih_l0", 2 * i);
        if (!exists(b, name))
            break;
        snprintf(name, sizeof name, "lstms.%d", 2 * i);
        m->duration[i].lstm = lstm(b, name, m->hidden + m->style, m->hidden / 2);
        snprintf(name, sizeof name, "lstms.%d.fc", 2 * i + 1);
        m->duration[i].style = linear(b, name, 2 * m->hidden, 1, m->style);
        m->duration_layers = i + 1;
    }
    set_prefix(b, "predictor.");
    m->duration_lstm = lstm(b, "lstm", m->hidden + m->style, m->hidden / 2);
    m->duration_out = linear(b, "duration_proj.linear_layer", ANY, 1, m->hidden);
    m->prosody_lstm = lstm(b, "shared", m->hidden + m->style, m->hidden / 2);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "F0.%d", i);
        m->f0[i] = adain_block(b, name, i ? m->f0[i - 1].out : m->hidden, m->style);
        snprintf(name, sizeof name, "N.%d", i);
        m->energy[i] = adain_block(b, name, i ? m->energy[i - 1].out : m->hidden, m->style);
    }
    if (!m->f0[1].pool || !m->energy[1].pool || m->f0[0].pool || m->f0[2].pool || m->energy[0].pool ||
        m->energy[2].pool)
        fail(b, "predictor.F0.1.pool.weight", "is missing, or another block has one");
    m->f0_out = vector(b, "F0_proj.weight", m->f0[2].out, NULL);
    m->f0_out_bias = vector(b, "F0_proj.bias", 1, NULL);
    m->energy_out = vector(b, "N_proj.weight", m->energy[2].out, NULL);
    m->energy_out_bias = vector(b, "N_proj.bias", 1, NULL);
}

static void bind_text(struct binder *b, struct model *m)
{
    char name[64], weight[64], bias[64];
    set_prefix(b, "text_encoder.");
    m->text_embedding = table(b, "embedding.weight", m->hidden, &m->vocabulary);
    for (int i = 0; i < MODEL_TEXT_LAYERS; i++) {
        snprintf(name, sizeof name, "cnn.%d.0.weight", i);
        if (!exists(b, name))
            break;
        snprintf(name, sizeof name, "cnn.%d.0", i);
        snprintf(weight, sizeof weight, "cnn.%d.1.gamma", i);
        snprintf(bias, sizeof bias, "cnn.%d.1.beta", i);
        m->text[i].conv = linear(b, name, m->hidden, ANY, m->hidden);
        m->text[i].norm = layer_norm(b, weight, bias, m->hidden);
        m->text_layers = i + 1;
    }
    m->text_lstm = lstm(b, "lstm", m->hidden, m->hidden / 2);
    set_prefix(b, "bert.embeddings.");
    int words;
    m->albert.words = table(b, "word_embeddings.weight", m->albert.embedding, &words);
    if (words != m->vocabulary)
        fail(b, "word_embeddings.weight", "has the wrong size");
}

static void bind_decoder(struct binder *b, struct model *m)
{
    set_prefix(b, "decoder.");
    m->f0_conv = vector(b, "F0_conv.weight", 3, NULL);
    m->f0_conv_bias = vector(b, "F0_conv.bias", 1, NULL);
    m->energy_conv = vector(b, "N_conv.weight", 3, NULL);
    m->energy_conv_bias = vector(b, "N_conv.bias", 1, NULL);
    m->asr_res = linear(b, "asr_res.0", ANY, 1, m->hidden);
    m->encode = adain_block(b, "encode", m->hidden + 2, m->style);
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "decode.%d", i);
        const int width = i ? m->decode[i - 1].out : m->encode.out;
        m->decode[i] = adain_block(b, name, width + m->asr_res.out + 2, m->style);
        if (i < 3 && m->decode[i].out != m->encode.out)
            fail(b, name, "has the wrong shape");
    }
    if (m->encode.pool || m->decode[0].pool || m->decode[1].pool || m->decode[2].pool || !m->decode[3].pool)
        fail(b, "decoder.decode.3.pool.weight", "is missing, or another block has one");
}

/* AdaINResBlock1 at the binder's prefix + name. */
static struct snake_block snake_block(struct binder *b, const char *name, int channels, int style,
                                      const int dilation[MODEL_STEPS])
{
    struct snake_block block = {.channels = channels};
    char prefix[GGUF_MAX_NAME * 2], part[32];
    snprintf(prefix, sizeof prefix, "%s", b->prefix);
    set_prefix(b, "%s%s.", prefix, name);
    for (int i = 0; i < MODEL_STEPS; i++) {
        block.dilation[i] = dilation[i];
        snprintf(part, sizeof part, "convs1.%d", i);
        block.conv1[i] = linear(b, part, channels, ANY, channels);
        snprintf(part, sizeof part, "convs2.%d", i);
        block.conv2[i] = linear(b, part, channels, ANY, channels);
        snprintf(part, sizeof part, "adain1.%d.fc", i);
        block.style1[i] = linear(b, part, 2 * channels, 1, style);
        snprintf(part, sizeof part, "adain2.%d.fc", i);
        block.style2[i] = linear(b, part, 2 * channels, 1, style);
        snprintf(part, sizeof part, "alpha1.%d", i);
        block.alpha1[i] = vector(b, part, channels, NULL);
        snprintf(part, sizeof part, "alpha2.%d", i);
        block.alpha2[i] = vector(b, part, channels, NULL);
        if (block.conv1[i].taps % 2 == 0 || block.conv2[i].taps % 2 == 0)
            fail(b, name, "has an even kernel");
    }
    set_prefix(b, "%s", prefix);
    return block;
}

/* An array of unsigned integers of the metadata, each 1 to `most`; returns how many, at most `room`. */
static int metadata_uints(struct binder *b, const char *key, int *values, int room, uint64_t most)
{
    struct gguf_array array;
    if (!gguf_get_array(b->gguf, key, &array) || array.count == 0 || array.count > (uint64_t)room) {
        fail(b, key, "is missing or of the wrong length");
        return 0;
    }
    for (uint64_t i = 0; i < array.count; i++) {
        uint64_t value;
        if (!gguf_array_uint(&array, i, &value) || value < 1 || value > most) {
            fail(b, key, "is out of range");
            return 0;
        }
        values[i] = (int)value;
    }
    return (int)array.count;
}

static void bind_upsample(struct binder *b, struct model *m, int stage, int in, const int *rates, int kernel,
                          const int *dilations)
{
    static const int noise_dilation[MODEL_STEPS] = {1, 3, 5}; /* fixed in istftnet.py */
    struct upsample *up = &m->upsamples[stage];
    char name[32];
    up->rate = rates[stage];
    if (kernel < up->rate || (kernel - up->rate) % 2 != 0)
        return fail(b, "kokoro.upsample_kernels", "does not fit the rates");
    up->padding = (kernel - up->rate) / 2;
    snprintf(name, sizeof name, "ups.%d", stage);
    up->up = linear(b, name, ANY, (kernel + up->rate - 1) / up->rate, in);
    up->channels = up->up.out / up->rate;
    if (up->up.out % up->rate != 0)
        return fail(b, name, "has the wrong shape");

    int stride = 1;
    for (int i = stage + 1; i < m->upsample_count; i++)
        stride *= rates[i];
    up->noise_stride = stride;
    up->noise_padding = stage + 1 < m->upsample_count ? (stride + 1) / 2 : 0;
    snprintf(name, sizeof name, "noise_convs.%d", stage);
    up->noise = linear(b, name, up->channels, stage + 1 < m->upsample_count ? 2 * stride : 1, m->n_fft + 2);
    snprintf(name, sizeof name, "noise_res.%d", stage);
    up->noise_block = snake_block(b, name, up->channels, m->style, noise_dilation);
    for (int i = 0; i < m->block_count; i++) {
        snprintf(name, sizeof name, "resblocks.%d", stage * m->block_count + i);
        up->blocks[i] = snake_block(b, name, up->channels, m->style, dilations + (ptrdiff_t)i * MODEL_STEPS);
    }
}

static void bind_generator(struct binder *b, struct model *m)
{
    int rates[MODEL_UPSAMPLES], kernels[MODEL_UPSAMPLES], dilations[MODEL_BLOCKS * MODEL_STEPS];
    uint64_t n_fft = 20, hop = 5;
    gguf_get_uint(b->gguf, "kokoro.istft_n_fft", &n_fft);
    gguf_get_uint(b->gguf, "kokoro.istft_hop", &hop);
    m->upsample_count = metadata_uints(b, "kokoro.upsample_rates", rates, MODEL_UPSAMPLES, 64);
    if (metadata_uints(b, "kokoro.upsample_kernels", kernels, MODEL_UPSAMPLES, 512) != m->upsample_count)
        fail(b, "kokoro.upsample_kernels", "is not as long as the rates");
    const int steps =
        metadata_uints(b, "kokoro.resblock_dilations", dilations, MODEL_BLOCKS * MODEL_STEPS, 64);
    m->block_count = steps / MODEL_STEPS;
    if (steps % MODEL_STEPS != 0)
        fail(b, "kokoro.resblock_dilations", "is no multiple of 3 long");
    if (n_fft < 4 || n_fft > 64 || n_fft % 2 != 0 || hop < 1 || n_fft % hop != 0 || hop > n_fft / 2)
        fail(b, "kokoro.istft_n_fft", "is out of range");
    m->n_fft = (int)n_fft;
    m->hop = (int)hop;
    long samples = 2 * m->hop; /* a frame; published: 600 */
    for (int i = 0; i < m->upsample_count; i++)
        samples *= rates[i];
    if (samples > MAX_FRAME)
        fail(b, "kokoro.upsample_rates", "is out of range");

    set_prefix(b, "decoder.generator.");
    m->source = vector(b, "m_source.l_linear.weight", ANY, &m->harmonics);
    m->source_bias = vector(b, "m_source.l_linear.bias", 1, NULL);
    if (m->harmonics > 64)
        fail(b, "m_source.l_linear.weight", "has the wrong size");
    int channels = m->decode[3].out;
    for (int i = 0; i < m->upsample_count && b->status == LT_OK; i++) {
        bind_upsample(b, m, i, channels, rates, kernels[i], dilations);
        channels = m->upsamples[i].channels;
    }
    m->conv_post = linear(b, "conv_post", m->n_fft + 2, ANY, channels);
    if (m->conv_post.taps % 2 == 0)
        fail(b, "conv_post.weight", "has an even kernel");
}

static int compare_symbols(const void *a, const void *b)
{
    const struct vocabulary_entry *x = a, *y = b;
    return (x->codepoint > y->codepoint) - (x->codepoint < y->codepoint);
}

static void bind_vocabulary(struct binder *b, struct model *m)
{
    struct gguf_array symbols, ids;
    if (!gguf_get_array(b->gguf, "kokoro.vocabulary.symbols", &symbols) ||
        !gguf_get_array(b->gguf, "kokoro.vocabulary.ids", &ids) || symbols.count != ids.count)
        return; /* a model for ids alone */
    m->symbols = calloc(symbols.count ? symbols.count : 1, sizeof *m->symbols);
    if (!m->symbols) {
        b->status = error_memory(&b->error, "the vocabulary");
        return;
    }
    struct gguf_string symbol;
    for (uint64_t i = 0; gguf_next_string(&symbols, &symbol); i++) {
        uint64_t id;
        uint32_t codepoint;
        if (utf8_decode(symbol.data, symbol.length, &codepoint) != symbol.length || symbol.length == 0 ||
            !gguf_array_uint(&ids, i, &id) || id >= (uint64_t)m->vocabulary)
            return fail(b, "kokoro.vocabulary.symbols", "holds a symbol or id that cannot be");
        m->symbols[m->symbol_count++] = (struct vocabulary_entry){codepoint, (int)id};
    }
    qsort(m->symbols, m->symbol_count, sizeof *m->symbols, compare_symbols);
}

static void bind_voices(struct binder *b, struct model *m)
{
    const size_t count = gguf_tensor_count(b->gguf);
    for (size_t i = 0; i < count; i++)
        m->voice_count += !strncmp(gguf_tensor_at(b->gguf, i)->name, "voice.", 6);
    m->voices = calloc(m->voice_count ? m->voice_count : 1, sizeof *m->voices);
    if (!m->voices) {
        b->status = error_memory(&b->error, "the table of voices");
        return;
    }
    struct kokoro_voice *voice = m->voices;
    for (size_t i = 0; i < count; i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(b->gguf, i);
        if (strncmp(tensor->name, "voice.", 6))
            continue;
        if (tensor->type != GGUF_F32 || tensor->elements == 0 || tensor->elements > 1 << 24 ||
            tensor->shape[tensor->dims - 1] != 2 * (uint64_t)m->style)
            return fail(b, tensor->name, "has the wrong shape");
        snprintf(voice->name, sizeof voice->name, "%s", tensor->name + 6);
        voice->table = tensor->data;
        voice->rows = (int)(tensor->elements / (2 * (uint64_t)m->style));
        voice++;
    }
}

/* Finds what lies before and after the generator's tensors in the file. */
static void find_forgettable(const struct gguf *gguf, const unsigned char *forget[2][2])
{
    static const char generator[] = "decoder.generator.";
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = UINTPTR_MAX, last = 0, keep_first = UINTPTR_MAX, keep_last = 0;
    for (size_t i = 0; i < gguf_tensor_count(gguf); i++) {
        const struct gguf_tensor *tensor = gguf_tensor_at(gguf, i);
        const uintptr_t begin = (uintptr_t)tensor->data, end = begin + (uintptr_t)tensor->bytes;
        const bool keep = !strncmp(tensor->name, generator, sizeof generator - 1);
        first = begin < first ? begin : first;
        last = end > last ? end : last;
        if (keep && begin < keep_first)
            keep_first = begin;
        if (keep && end > keep_last)
            keep_last = end;
    }
    const uintptr_t borders[2][2] = {{first, keep_first}, {keep_last, last}};
    for (int i = 0; i < 2; i++) {
        const uintptr_t begin = (borders[i][0] + page - 1) / page * page, end = borders[i][1] / page * page;
        if (begin < end) {
            forget[i][0] = (const unsigned char *)begin;
            forget[i][1] = (const unsigned char *)end;
        }
    }
}

void model_forget_pages(const struct model *model)
{
    for (int i = 0; i < 2; i++)
        if (model->forget[i][0])
            madvise((void *)(uintptr_t)model->forget[i][0],
                    (size_t)(model->forget[i][1] - model->forget[i][0]), MADV_DONTNEED);
}

lt_status model_bind(struct gguf *gguf, struct model **out, lt_error *error)
{
    struct model *m = calloc(1, sizeof *m);
    if (!m) {
        gguf_close(gguf);
        return error_memory(error, "the model");
    }
    m->gguf = gguf;
    struct binder binder = {.gguf = gguf}, *b = &binder;
    struct gguf_string architecture;
    if (!gguf_get_string(gguf, "general.architecture", &architecture) || architecture.length != 6 ||
        memcmp(architecture.data, "kokoro", 6) != 0)
        b->status = error_set(&b->error, LT_ERR_MODEL,
                              "the file is GGUF, but of no Kokoro model: make one with 'litetts import'");
    bind_albert(b, gguf, &m->albert);
    bind_prosody(b, m);
    bind_text(b, m);
    bind_decoder(b, m);
    bind_generator(b, m);
    if (b->status == LT_OK)
        bind_vocabulary(b, m);
    if (b->status == LT_OK)
        bind_voices(b, m);
    if (b->status != LT_OK) {
        model_close(m);
        return error_set(error, b->status, "%s", b->error.message);
    }
    for (int i = 0; i <= GGUF_BF16; i++)
        if (b->type_bytes[i] > b->type_bytes[m->type])
            m->type = (enum gguf_type)i;
    *out = m;
    return LT_OK;
}

lt_status model_open(const char *path, struct model **model, lt_error *error)
{
    struct gguf *gguf;
    lt_status status = gguf_open(path, &gguf, error);
    if (status == LT_OK)
        status = model_bind(gguf, model, error);
    if (status == LT_OK) /* only of a mapped file: other memory would not come back */
        find_forgettable(gguf, (*model)->forget);
    return status;
}

void model_close(struct model *model)
{
    if (!model)
        return;
    gguf_close(model->gguf);
    free(model->voices);
    free(model->symbols);
    free(model);
}

int model_samples_per_frame(const struct model *model)
{
    int samples = 2 * model->hop; /* the decoder's last block doubles the rows */
    for (int i = 0; i < model->upsample_count; i++)
        samples *= model->upsamples[i].rate;
    return samples;
}

int model_symbol(const struct model *model, uint32_t codepoint)
{
    const struct vocabulary_entry key = {.codepoint = codepoint};
    const struct vocabulary_entry *found =
        bsearch(&key, model->symbols, model->symbol_count, sizeof key, compare_symbols);
    return found ? found->id : -1;
}
