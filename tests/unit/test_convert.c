/* test_convert.c: importing PyTorch and safetensors checkpoints and voices: every form of the same weights
 * becomes the same file, the file holds what the network computes with, and a wrong file ends in a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>
#include <zip.h>

#include "base/file.h"
#include "convert/import.h"
#include "convert/manifest.h"
#include "convert/npy.h"
#include "convert_files.h"
#include "kokoro/quant.h"
#include "sanitized.h"

static struct tensor_set published; /* the tiny model's tensors */

static int set_up(void **state)
{
    if (tiny_is_there())
        set_read(of_tiny("kokoro-tiny.pth"), &published);
    return files_set_up(state);
}

static int tear_down(void **state)
{
    set_free(&published);
    return files_tear_down(state);
}

/* Imports `path` and returns the bytes of the model file, to be freed. */
static char *import(const char *path, enum gguf_type type, const char *voices, size_t *size)
{
    lt_error error;
    struct import_options options = {.checkpoint = path,
                                     .config = of_tiny("config.json"),
                                     .voices = voices,
                                     .output = in("out.gguf"),
                                     .type = type,
                                     .name = "tiny"};
    if (import_model(&options, &error) != LT_OK)
        fail_msg("%s", error.message);
    struct str bytes = {0};
    assert_int_equal(file_read(options.output, 1 << 26, &bytes, &error), LT_OK);
    *size = bytes.length;
    return bytes.data;
}

static void assert_same_import(const char *a, const char *b)
{
    size_t size_a, size_b;
    char *bytes_a = import(a, GGUF_F32, NULL, &size_a), *bytes_b = import(b, GGUF_F32, NULL, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(bytes_a, bytes_b, size_a);
    free(bytes_a);
    free(bytes_b);
}

/* The sentence with which an import of `path` fails. */
static const char *refusal(const char *path, const char *config, const char *voices, lt_status wanted)
{
    static lt_error error;
    struct import_options options = {.checkpoint = path,
                                     .config = config,
                                     .voices = voices,
                                     .output = in("refused.gguf"),
                                     .type = GGUF_Q8_0};
    lt_status status = import_model(&options, &error);
    if (status != wanted)
        fail_msg("status %d instead of %d: %s", status, wanted, error.message);
    assert_int_not_equal(access(options.output, F_OK), 0);
    return error.message;
}

static void assert_says(const char *sentence, const char *part)
{
    /* prints both when it fails */
    assert_string_equal(strstr(sentence, part) != NULL ? part : sentence, part);
}

/* ---- The same weights in every form ------------------------------------------------------------ */

static void state_dicts_with_and_without_metadata_are_the_same(void **state)
{
    NEEDS_REFERENCE;
    assert_same_import(of_tiny("kokoro-tiny.pth"), of_tiny("kokoro-tiny-ordered.pth"));
}

static void every_form_of_a_pytorch_file_is_the_same(void **state)
{
    NEEDS_REFERENCE;
    static const struct torch_form forms[] = {
        {"", ELEMENT_F32, false, false, false, false},
        {"module.", ELEMENT_F32, false, true, true, false},
        {"", ELEMENT_F64, true, false, true, true},
        {"module.", ELEMENT_F32, true, false, false, false},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        write_torch(&published, &forms[i], in("form.pth"));
        assert_same_import(of_tiny("kokoro-tiny.pth"), in("form.pth"));
    }
}

/* Compressed, a shared storage has to be read from its beginning for each view. */
static void views_of_a_compressed_storage_are_read(void **state)
{
    (void)state;
    struct tensor_set set = {0}, back;
    static const uint64_t shapes[3][2] = {{3, 70}, {50, 41}, {1, 9}};
    for (int t = 0; t < 3; t++) {
        static const char *const names[] = {"bert.a", "bert.b", "decoder.c"};
        struct set_tensor *tensor = set_add(&set, names[t], 2, shapes[t]);
        for (uint64_t i = 0; i < tensor->elements; i++)
            tensor->values[i] = (float)sin((double)i + t);
    }
    write_torch(&set, &(struct torch_form){"", ELEMENT_F32, true, true, false, false}, in("packed.pth"));
    set_read(in("packed.pth"), &back);
    assert_int_equal(back.count, 3);
    for (size_t t = 0; t < 3; t++) {
        assert_string_equal(back.tensors[t].name, set.tensors[t].name);
        assert_memory_equal(back.tensors[t].values, set.tensors[t].values,
                            (size_t)set.tensors[t].elements * sizeof(float));
    }
    set_free(&set);
    set_free(&back);
}

static void safetensors_are_the_same(void **state)
{
    NEEDS_REFERENCE;
    write_safetensors(&published, ELEMENT_F32, in("a.safetensors"));
    assert_same_import(of_tiny("kokoro-tiny.pth"), in("a.safetensors"));
    write_safetensors(&published, ELEMENT_F64, in("a.safetensors"));
    assert_same_import(of_tiny("kokoro-tiny.pth"), in("a.safetensors"));
}

static void half_precision_is_read_as_it_is(void **state)
{
    NEEDS_REFERENCE;
    static const enum element_type types[] = {ELEMENT_F16, ELEMENT_BF16};
    for (int i = 0; i < 2; i++) {
        struct tensor_set rounded;
        set_read(of_tiny("kokoro-tiny.pth"), &rounded);
        set_round(&rounded, types[i]);
        write_safetensors(&rounded, ELEMENT_F32, in("rounded.safetensors"));
        write_safetensors(&rounded, types[i], in("half.safetensors"));
        assert_same_import(in("rounded.safetensors"), in("half.safetensors"));
        struct torch_form form = {"module.", types[i], i == 0, false, false, false};
        write_torch(&rounded, &form, in("half.pth"));
        assert_same_import(in("rounded.safetensors"), in("half.pth"));
        set_free(&rounded);
    }
}

static void both_names_of_a_weight_norm_are_the_same(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set renamed;
    set_read(of_tiny("kokoro-tiny.pth"), &renamed);
    for (size_t i = 0; i < renamed.count; i++) {
        char *name = renamed.tensors[i].name;
        size_t length = strlen(name);
        bool v = length > 9 && strcmp(name + length - 9, ".weight_v") == 0;
        if (v || (length > 9 && strcmp(name + length - 9, ".weight_g") == 0))
            snprintf(name + length - 9, sizeof renamed.tensors[i].name - length + 9,
                     ".parametrizations.weight.original%d", v);
    }
    write_safetensors(&renamed, ELEMENT_F32, in("parametrized.safetensors"));
    assert_same_import(of_tiny("kokoro-tiny.pth"), in("parametrized.safetensors"));
    set_free(&renamed);

    struct tensor_set folded;
    set_read(of_tiny("kokoro-tiny.pth"), &folded);
    set_fold(&folded);
    write_safetensors(&folded, ELEMENT_F32, in("folded.safetensors"));
    assert_same_import(of_tiny("kokoro-tiny.pth"), in("folded.safetensors"));
    set_free(&folded);
}

/* ---- What the file holds ----------------------------------------------------------------------- */

static const struct gguf_tensor *tensor_of(const struct gguf *gguf, const char *name)
{
    const struct gguf_tensor *tensor = gguf_find(gguf, name);
    if (tensor == NULL)
        fail_msg("the model has no '%s'", name);
    return tensor;
}

static struct gguf *open_import(enum gguf_type type)
{
    size_t size;
    lt_error error;
    struct gguf *gguf;
    free(import(of_tiny("kokoro-tiny.pth"), type, of_tiny("voice.pt"), &size));
    assert_int_equal(gguf_open(in("out.gguf"), &gguf, &error), LT_OK);
    return gguf;
}

/* A transposed convolution by its definition equals the stored ordinary one, phase by phase. */
static void upsampling_is_stored_as_the_convolution_that_it_is(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set folded;
    set_read(of_tiny("kokoro-tiny.pth"), &folded);
    set_fold(&folded);
    struct gguf *gguf = open_import(GGUF_F32);
    static const unsigned rates[] = {10, 6};
    for (unsigned stage = 0; stage < 2; stage++) {
        char name[64];
        snprintf(name, sizeof name, "decoder.generator.ups.%u.weight", stage);
        const struct set_tensor *from = set_find(&folded, name);
        const struct gguf_tensor *stored = tensor_of(gguf, name);
        unsigned in_width = (unsigned)from->shape[0], out = (unsigned)from->shape[1],
                 kernel = (unsigned)from->shape[2];
        unsigned rate = rates[stage], padding = (kernel - rate) / 2, taps = (unsigned)stored->shape[1];
        unsigned padded = (unsigned)stored->shape[2], rows = 5;
        const float *weights = stored->data;
        assert_int_equal(stored->shape[0], rate * out);
        assert_int_equal(taps, (kernel + rate - 1) / rate);
        for (unsigned n = 0; n < rows * rate; n++) { /* output row, by definition and by the stored form */
            for (unsigned o = 0; o < out; o++) {
                double defined = 0, computed = 0;
                unsigned phase = (n + padding) % rate;
                int t = (int)((n + padding) / rate);
                for (unsigned row = 0; row < rows; row++) {
                    for (unsigned i = 0; i < in_width; i++) {
                        double x = sin(row * 3.1 + i);
                        int k = (int)(n + padding) - (int)(row * rate);
                        if (k >= 0 && k < (int)kernel)
                            defined += x * (double)from->values[(i * out + o) * kernel + (unsigned)k];
                        int tap = (int)row - t + (int)taps - 1;
                        if (tap >= 0 && tap < (int)taps)
                            computed +=
                                x * (double)weights[((phase * out + o) * taps + (unsigned)tap) * padded + i];
                    }
                }
                assert_true(fabs(defined - computed) < 1e-9);
            }
        }
    }
    gguf_close(gguf);
    set_free(&folded);
}

static void products_are_padded_and_vectors_are_plain(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set folded;
    set_read(of_tiny("kokoro-tiny.pth"), &folded);
    set_fold(&folded);
    struct gguf *gguf = open_import(GGUF_F32);
    const struct set_tensor *from = set_find(&folded, "decoder.decode.1.conv1.weight"); /* [48][58][3] */
    const struct gguf_tensor *to = tensor_of(gguf, from->name);
    assert_int_equal(to->shape[0], 48);
    assert_int_equal(to->shape[1], 3);
    assert_int_equal(to->shape[2], 64);
    for (unsigned o = 0; o < 48; o++)
        for (unsigned t = 0; t < 3; t++)
            for (unsigned i = 0; i < 64; i++)
                assert_true(((const float *)to->data)[(o * 3 + t) * 64 + i] ==
                            (i < 58 ? from->values[(o * 58 + i) * 3 + t] : 0));
    const struct gguf_tensor *bias = tensor_of(gguf, "predictor.shared.bias_l0_reverse");
    const float *ih = set_find(&folded, "predictor.shared.bias_ih_l0_reverse")->values;
    const float *hh = set_find(&folded, "predictor.shared.bias_hh_l0_reverse")->values;
    for (unsigned i = 0; i < bias->elements; i++)
        assert_true(((const float *)bias->data)[i] == ih[i] + hh[i]);
    const struct gguf_tensor *pool = tensor_of(gguf, "predictor.F0.1.pool.weight");
    from = set_find(&folded, pool->name);
    assert_int_equal(pool->shape[0], 3);
    for (unsigned c = 0; c < pool->shape[1]; c++)
        for (unsigned t = 0; t < 3; t++)
            assert_true(((const float *)pool->data)[t * pool->shape[1] + c] == from->values[c * 3 + t]);
    assert_int_equal(tensor_of(gguf, "decoder.F0_conv.weight")->dims, 1);
    assert_int_equal(tensor_of(gguf, "voice.voice")->shape[0], 510);
    assert_null(gguf_find(gguf, "bert.pooler.weight"));
    uint64_t heads;
    assert_true(gguf_get_uint(gguf, "kokoro.attention_heads", &heads));
    assert_int_equal(heads, 4);
    gguf_close(gguf);
    set_free(&folded);
}

static void quantised_models_lose_what_their_blocks_lose(void **state)
{
    NEEDS_REFERENCE;
    static const struct {
        enum gguf_type type;
        double least; /* dB */
    } cases[] = {{GGUF_F16, 65}, {GGUF_Q8_0, 42}, {GGUF_Q4_0, 17}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct gguf *exact = open_import(GGUF_F32), *coarse = open_import(cases[c].type);
        for (size_t i = 0; i < gguf_tensor_count(exact); i++) {
            const struct gguf_tensor *a = gguf_tensor_at(exact, i), *b = tensor_of(coarse, a->name);
            float *values = malloc((size_t)b->elements * sizeof *values);
            assert_non_null(values);
            assert_int_equal(a->elements, b->elements);
            quant_decode(b->type, b->data, (size_t)b->elements, values);
            double power = 1e-30, noise = 0;
            for (uint64_t k = 0; k < a->elements; k++) {
                double x = (double)((const float *)a->data)[k], d = x - (double)values[k];
                power += x * x;
                noise += d * d;
            }
            if (b->type == GGUF_F32)
                assert_true(noise == 0);
            else if (!(10 * log10(power / (noise + 1e-30)) > cases[c].least))
                fail_msg("%s: %s has %.1f dB", gguf_type_name(b->type), a->name, 10 * log10(power / noise));
            free(values);
        }
        const struct gguf_tensor *recurrent = tensor_of(coarse, "predictor.lstm.weight_hh_l0");
        assert_int_equal(recurrent->type, cases[c].type == GGUF_Q4_0 ? GGUF_Q8_0 : cases[c].type);
        gguf_close(exact);
        gguf_close(coarse);
    }
}

/* ---- Refusals ---------------------------------------------------------------------------------- */

static void missing_extra_and_misshaped_tensors_are_named_and_counted(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set set;
    set_read(of_tiny("kokoro-tiny.pth"), &set);
    const char *config = of_tiny("config.json");
    set_remove(&set, "predictor.lstm.bias_hh_l0");
    write_safetensors(&set, ELEMENT_F32, in("bad.safetensors"));
    assert_says(refusal(in("bad.safetensors"), config, NULL, LT_ERR_MODEL),
                "'predictor.lstm.bias_hh_l0' is missing");
    set_remove(&set, "decoder.encode.norm1.fc.bias");
    set_add(&set, "decoder.vocoder.weight", 1, (uint64_t[]){4});
    write_safetensors(&set, ELEMENT_F32, in("bad.safetensors"));
    assert_says(refusal(in("bad.safetensors"), config, NULL, LT_ERR_MODEL), "and 2 more like it");
    set_free(&set);

    set_read(of_tiny("kokoro-tiny.pth"), &set);
    set_find(&set, "decoder.encode.conv1.bias")->shape[0]--;
    set_find(&set, "decoder.encode.conv1.bias")->elements--;
    write_safetensors(&set, ELEMENT_F32, in("bad.safetensors"));
    assert_says(refusal(in("bad.safetensors"), config, NULL, LT_ERR_MODEL),
                "'decoder.encode.conv1.bias' has shape [47], not [48]");
    set_find(&set, "decoder.encode.conv1.bias")->shape[0]++;
    set_find(&set, "decoder.encode.conv1.bias")->elements++;
    set_find(&set, "decoder.encode.conv2.bias")->values[3] = NAN;
    write_safetensors(&set, ELEMENT_F32, in("bad.safetensors"));
    assert_says(refusal(in("bad.safetensors"), config, NULL, LT_ERR_MODEL), "not finite");
    set_find(&set, "decoder.encode.conv2.bias")->values[3] = 0;
    set_add(&set, "decoder.encode.norm1.norm.weight", 1, (uint64_t[]){34})->values[0] = 2;
    write_safetensors(&set, ELEMENT_F32, in("bad.safetensors"));
    assert_says(refusal(in("bad.safetensors"), config, NULL, LT_ERR_MODEL), "is not 1 throughout");
    set_free(&set);
}

static void a_configuration_must_belong_to_the_checkpoint(void **state)
{
    NEEDS_REFERENCE;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"hidden_dim\": 512}", "says hidden_dim 512, the tensors say 32"},
        {"{\"plbert\": {\"num_attention_heads\": 5}}", "cannot be divided among 5 attention heads"},
        {"{\"plbert\": {\"num_attention_heads\": 0}}", "'plbert.num_attention_heads' must be"},
        {"{\"istftnet\": {\"upsample_rates\": [10, 60]}}", "does not fit a kernel"},
        {"{\"istftnet\": {\"upsample_rates\": []}}", "'istftnet.upsample_rates' must be"},
        {"{\"istftnet\": {\"resblock_dilation_sizes\": [[1], [2, 3]]}}", "lists of 3 whole numbers"},
        {"{\"istftnet\": {\"resblock_dilation_sizes\": [[1, 3, 65]]}}", "lists of 3 whole numbers"},
        {"{\"istftnet\": {\"gen_istft_hop_size\": 7}}", "a hop of 7 does not fit frames of 20"},
        {"{\"istftnet\": {\"gen_istft_hop_size\": 33}}", "must be a whole number from 1 to 32"},
        {"{\"plbert\": {\"num_hidden_layers\": 1001}}", "must be a whole number from 1 to 1000"},
        {"{\"vocab\": {\"a\": \"b\"}}", "'vocab' must be"},
        {"{\"vocab\": {\"ab\": 1}}", "'vocab' must be"},
        {"{\"vocab\": {\"\": 1}}", "'vocab' must be"},
        {"{\"vocab\": {\"$\": 0}}", "'vocab' must be"},
        {"{\"vocab\": {\"a\": 178}}", "'a' has id 178, the tensors know 178"},
        {"[1]", "is no JSON object: config.json is needed"},
        {"", "is no JSON object: line"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(in("config.json"), cases[i].text, strlen(cases[i].text));
        assert_says(refusal(of_tiny("kokoro-tiny.pth"), in("config.json"), NULL, LT_ERR_MODEL),
                    cases[i].says);
    }
}

static void a_pickle_that_names_anything_else_is_refused(void **state)
{
    (void)state;
    static const char evil[] = "\x80\x02"
                               "cposix\nsystem\nX\x08\0\0\0echo bad\x85R.";
    write_pickle(evil, sizeof evil - 1, "0123", 4, in("evil.pth"));
    const char *sentence = refusal(in("evil.pth"), NULL, NULL, LT_ERR_MODEL);
    assert_says(sentence, "'posix.system'");
    assert_says(sentence, "nothing in it was run");
}

static void malformed_pickles_end_in_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
#define P(text) {text, sizeof text - 1}
        P(""),
        P("."),
        P("\x80\x02"),
        P("\x80\x09."),
        P("\x80\x02u."),
        P("\x80\x02}u."),
        P("\x80\x02(."),
        P("\x80\x02Kaq\x05h\x06."),
        P("\x80\x02X\xff\xff\xff\xff."),
        P("\x80\x02tR."),
        P("\x80\x02)R."),
        P("\x80\x02}s."),
        P("\x80\x02(((t."),
        P("\x80\x02(Ka(u."),
        P("\x80\x02r\xff\xff\xff\xff."),
        P("\x80\x02Kar\xff\xff\xff\x7f."),
        P("\x80\x02\x8a\xff."),
        P("\x80\x02"
          "ccollections\nOrderedDict\n)Rq\x01h\x01h\x01s."), /* a dict that is its own key and value */
        P("\x80\x02}q\x01(X\x01\0\0\0ah\x01u."),             /* a dict that holds itself */
        P("\x80\x02I1\n."),
        P("\x80\x02Ka\x81."),
        P("\x80\x02Q."),
        P("\x80\x02Kab."),
#undef P
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_pickle(cases[i].bytes, cases[i].size, "0123", 4, in("odd.pth"));
        assert_true(strlen(refusal(in("odd.pth"), NULL, NULL, LT_ERR_MODEL)) > 20);
    }
}

/* A dict of 100,000 numbers, in a dict that names it 100,000 times: 10^10 items to walk through. */
static void a_pickle_that_repeats_itself_ends_soon(void **state)
{
    (void)state;
    struct str p = {0};
    str_puts(&p, "\x80\x02}q\x01(");
    for (int i = 0; i < 100000; i++)
        str_puts(&p, "K\x01N");
    str_puts(&p, "u0}(");
    for (int i = 0; i < 100000; i++)
        str_puts(&p, "U\x01"
                     "ah\x01");
    str_puts(&p, "u.");
    write_pickle(p.data, p.length, "0123", 4, in("long.pth"));
    str_free(&p);
    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    assert_says(refusal(in("long.pth"), NULL, NULL, LT_ERR_MODEL), "longer than that of any model");
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - begin.tv_sec < 10);
}

/* A tensor of one storage "0" of 16 bytes; `view` is its offset, size and stride. */
static void views_outside_their_storage_are_refused(void **state)
{
    (void)state;
    static const char *const views[] = {
        "K\x01K\x04\x85K\x01\x85",             /* 4 floats from the second on */
        "K\x00K\x02\x85K\x04\x85",             /* a stride beyond the end */
        "K\x00J\xff\xff\xff\x7f\x85K\x00\x85", /* 2^31 times the same element */
        "K\x00J\xff\xff\xff\xff\x85K\x01\x85", /* a negative size */
        "K\x00\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85",
        "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x04\x85K\x01\x85",
        "K\x00K\x04\x85K\x01K\x01\x86", /* ranks that differ */
        "K\x00K\x00\x85K\x01\x85",      /* nothing */
    };
    static const size_t sizes[] = {8, 8, 11, 11, 27 - 2, 16, 10, 8};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        struct str p = {0};
        static const char head[] =
            "\x80\x02}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloat"
            "Storage\nX\x01\0\0\0"
            "0X\x03\0\0\0cpuK\x04tQ";
        str_append(&p, head, sizeof head - 1);
        str_append(&p, views[i], sizes[i]);
        static const char tail[] = "\x89}tRs.";
        str_append(&p, tail, sizeof tail - 1);
        write_pickle(p.data, p.length, "0123456789abcdef", 16, in("view.pth"));
        assert_true(strlen(refusal(in("view.pth"), NULL, NULL, LT_ERR_MODEL)) > 20);
        str_free(&p);
    }
}

static void every_cut_of_a_checkpoint_is_refused(void **state)
{
    NEEDS_REFERENCE;
    struct str bytes = {0};
    write_safetensors(&published, ELEMENT_F16, in("whole.safetensors"));
    for (int f = 0; f < 2; f++) {
        str_clear(&bytes);
        assert_int_equal(
            file_read(f == 0 ? of_tiny("kokoro-tiny.pth") : in("whole.safetensors"), 1 << 26, &bytes, NULL),
            LT_OK);
        static const double cuts[] = {0, 1e-6, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.99, 0.9999};
        for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
            size_t size = (size_t)(cuts[i] * (double)bytes.length);
            write_file(in("cut"), bytes.data, size);
            assert_true(strlen(refusal(in("cut"), of_tiny("config.json"), NULL, LT_ERR_MODEL)) > 20);
        }
    }
    str_free(&bytes);
    assert_says(refusal(in("nowhere.pth"), NULL, NULL, LT_ERR_IO), "cannot open");
    write_file(in("old.pth"), "\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.", 21);
    assert_says(refusal(in("old.pth"), NULL, NULL, LT_ERR_MODEL),
                "from before version 1.6: load it and save it again");
    write_file(in("text"), "Hello, this is no model.", 24);
    assert_says(refusal(in("text"), NULL, NULL, LT_ERR_MODEL), "is no checkpoint that can be imported");
}

typedef lt_status open_function(const void *bytes, size_t size, const char *name,
                                struct checkpoint **checkpoint, lt_error *error);

/* Opens every beginning of a file, in memory that ends where it does: none is a checkpoint, but the whole is. */
static void assert_no_beginning_opens(const char *path, open_function *open)
{
    struct str bytes = {0};
    struct checkpoint *checkpoint;
    lt_error error;
    assert_int_equal(file_read(path, 1 << 16, &bytes, &error), LT_OK);
    for (size_t size = 0; size <= bytes.length; size++) {
        char *cut = malloc(size > 0 ? size : 1);
        assert_non_null(cut);
        memcpy(cut, bytes.data, size);
        error.message[0] = '\0';
        const lt_status status = open(cut, size, "it", &checkpoint, &error);
        if (status == LT_OK)
            checkpoint_close(checkpoint);
        if ((status == LT_OK) != (size == bytes.length))
            fail_msg("%s: %zu of %zu bytes: status %d", path, size, bytes.length, status);
        assert_true(status == LT_OK || strstr(error.message, "download it again") != NULL);
        free(cut);
    }
    str_free(&bytes);
}

static void no_beginning_of_a_file_is_taken_for_the_whole(void **state)
{
    (void)state;
    struct tensor_set set = {0};
    set_add(&set, "bert.a.weight", 2, (uint64_t[]){3, 7});
    set_add(&set, "decoder.b.bias", 1, (uint64_t[]){5});
    write_safetensors(&set, ELEMENT_F32, in("small.safetensors"));
    assert_no_beginning_opens(in("small.safetensors"), safetensors_open_memory);
    write_onnx(&set, &(struct onnx_form){ONNX_FLOAT, false, false}, in("small.onnx"));
    assert_no_beginning_opens(in("small.onnx"), onnx_open_memory);
    for (int packed = 0; packed < 2; packed++) {
        write_torch(&set, &(struct torch_form){"module.", ELEMENT_F32, packed, packed, packed, false},
                    in("small.pth"));
        assert_no_beginning_opens(in("small.pth"), torch_open_memory);
    }
    set_free(&set);
}

/* What stands where the model shall go, and must stay. */
static void an_output_that_is_no_model_of_ours_is_left_alone(void **state)
{
    NEEDS_REFERENCE;
    lt_error error;
    struct stat info;
    struct import_options options = {
        .checkpoint = of_tiny("kokoro-tiny.pth"), .config = of_tiny("config.json"), .type = GGUF_Q8_0};
    assert_int_equal(mkfifo(in("pipe"), 0600), 0);
    options.output = in("pipe");
    assert_int_equal(import_model(&options, &error), LT_ERR_IO);
    assert_says(error.message, "is no regular file");
    assert_true(stat(in("pipe"), &info) == 0 && S_ISFIFO(info.st_mode));
    assert_int_equal(mkdir(in("models"), 0700), 0);
    options.output = in("models");
    assert_int_equal(import_model(&options, &error), LT_ERR_IO);
    assert_says(error.message, "is a folder");
    write_safetensors(&published, ELEMENT_F32, in("own.safetensors"));
    options.checkpoint = options.output = in("own.safetensors");
    assert_int_equal(import_model(&options, &error), LT_ERR_ARGUMENT);
    assert_says(error.message, "is the checkpoint itself");
}

/* A name is put into GGUF as UTF-8, whatever the file is called. */
static void a_models_name_is_utf8(void **state)
{
    NEEDS_REFERENCE;
    lt_error error;
    struct gguf *gguf;
    struct gguf_string name;
    struct import_options options = {.checkpoint = of_tiny("kokoro-tiny.pth"),
                                     .config = of_tiny("config.json"),
                                     .output = in("named.gguf"),
                                     .type = GGUF_Q8_0,
                                     .name = "caf\xe9"};
    assert_int_equal(import_model(&options, &error), LT_OK);
    assert_int_equal(gguf_open(in("named.gguf"), &gguf, &error), LT_OK);
    assert_true(gguf_get_string(gguf, "general.name", &name));
    assert_int_equal(name.length, 4);
    assert_memory_equal(name.data, "caf?", 4);
    gguf_close(gguf);
}

static bool stop_half_way(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    return done < total / 2;
}

static void an_import_that_is_stopped_leaves_nothing(void **state)
{
    NEEDS_REFERENCE;
    lt_error error;
    assert_int_equal(mkdir(in("stopped"), 0777), 0);
    struct import_options options = {.checkpoint = of_tiny("kokoro-tiny.pth"),
                                     .config = of_tiny("config.json"),
                                     .output = in("stopped/out.gguf"),
                                     .type = GGUF_F16,
                                     .progress = stop_half_way};
    assert_int_equal(import_model(&options, &error), LT_ERR_CANCELLED);
    assert_int_equal(rmdir(in("stopped")), 0); /* fails unless it is empty */
}

/* ---- Voices ------------------------------------------------------------------------------------ */

static void write_npy(const char *path, const float *values, size_t count, struct str *copy)
{
    struct str npy = {0};
    char header[119];
    memset(header, ' ', sizeof header);
    header[sizeof header - 1] = '\n';
    int used = snprintf(header, sizeof header,
                        "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, 1, 256), }", count / 256);
    header[used] = ' ';
    uint16_t length = sizeof header - 1;
    header[length - 1] = '\n';
    str_append(&npy, "\x93NUMPY\x01\x00", 8);
    str_append(&npy, &length, 2);
    str_append(&npy, header, length);
    str_append(&npy, values, count * sizeof *values);
    write_file(path, npy.data, npy.length);
    if (copy != NULL)
        *copy = npy;
    else
        str_free(&npy);
}

static void write_zip(const char *path, const char *member, const struct str *bytes)
{
    int code;
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &code);
    assert_non_null(zip);
    zip_source_t *source = zip_source_buffer(zip, bytes->data, bytes->length, 0);
    assert_true(zip_file_add(zip, member, source, 0) >= 0);
    assert_int_equal(zip_close(zip), 0);
}

static void every_form_of_a_voice_is_the_same(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set voice;
    set_read(of_tiny("voice.pt"), &voice);
    assert_int_equal(voice.count, 1);
    size_t count = (size_t)voice.tensors[0].elements, size, wanted_size;
    struct str npy;
    write_npy(in("voice.npy"), voice.tensors[0].values, count, &npy);
    write_zip(in("voice.npz"), "voice.npy", &npy);
    write_file(in("voice.bin"), voice.tensors[0].values, count * sizeof(float));
    char *wanted = import(of_tiny("kokoro-tiny.pth"), GGUF_Q8_0, of_tiny("voice.pt"), &wanted_size);
    static const char *const files[] = {"voice.npy", "voice.npz", "voice.bin"};
    for (int i = 0; i < 3; i++) {
        char *got = import(of_tiny("kokoro-tiny.pth"), GGUF_Q8_0, in(files[i]), &size);
        assert_int_equal(size, wanted_size);
        assert_memory_equal(got, wanted, size);
        free(got);
    }
    free(wanted);
    str_free(&npy);
    set_free(&voice);
}

static void no_beginning_of_an_array_is_taken_for_the_whole(void **state)
{
    (void)state;
    static const float values[512];
    struct str whole;
    struct npy npy;
    write_npy(in("small.npy"), values, 512, &whole);
    for (size_t size = 0; size <= whole.length; size++) {
        unsigned char *cut = malloc(size > 0 ? size : 1); /* it ends where the array does */
        assert_non_null(cut);
        memcpy(cut, whole.data, size);
        assert_int_equal(npy_read(cut, size, "it", &npy, NULL), size == whole.length ? LT_OK : LT_ERR_MODEL);
        free(cut);
    }
    str_free(&whole);
}

static void assert_no_voice(const char *name, lt_status status, const char *says)
{
    assert_says(refusal(of_tiny("kokoro-tiny.pth"), of_tiny("config.json"), in(name), status), says);
}

static void voices_that_are_none_are_refused(void **state)
{
    NEEDS_REFERENCE;
    static float table[510 * 256]; /* a voice */
    const size_t row = 256 * sizeof *table;
    assert_no_voice("no-such-voice.pt", LT_ERR_IO, "cannot open");
    write_file(in("short.bin"), table, sizeof table - 4);
    assert_no_voice("short.bin", LT_ERR_MODEL, "rows of 256 numbers");
    write_file(in("empty.bin"), "", 0);
    assert_no_voice("empty.bin", LT_ERR_MODEL, "rows of 256 numbers");
    for (size_t rows = 1; rows < 510; rows += 127) { /* a download that broke off between two rows */
        write_file(in("cut.bin"), table, rows * row);
        assert_no_voice("cut.bin", LT_ERR_MODEL, "and 510 are needed; if it is cut off");
    }
    write_file(in("af+am.bin"), table, sizeof table);
    assert_no_voice("af+am.bin", LT_ERR_MODEL, "is no name for a voice");
    write_file(in("a_name_that_no_list_of_voices_has_a_column_wide_enough_for.bin"), table, sizeof table);
    assert_no_voice("a_name_that_no_list_of_voices_has_a_column_wide_enough_for.bin", LT_ERR_MODEL,
                    "up to 48 letters");
    table[7] = INFINITY;
    write_file(in("loud.bin"), table, sizeof table);
    assert_no_voice("loud.bin", LT_ERR_MODEL, "not finite");
    table[7] = 0;
    write_file(in("broken.npy"), "\x93NUMPY\x01\x00\xff\xff{'descr'", 18);
    assert_no_voice("broken.npy", LT_ERR_MODEL, "header is cut off");
    write_zip(in("notes.npz"), "README.txt", &(struct str){.data = (char[]){"hello"}, .length = 5});
    assert_no_voice("notes.npz", LT_ERR_MODEL, "is a zip without voices");
    assert_int_equal(mkdir(in("voices"), 0777), 0);
    assert_no_voice("voices", LT_ERR_MODEL, "holds no voices");
    write_file(in("voices/twin.bin"), table, sizeof table);
    write_npy(in("voices/twin.npy"), table, 256, NULL);
    assert_no_voice("voices", LT_ERR_MODEL, "hold two voices named 'twin'");
}

/* ---- The published size, and manifests --------------------------------------------------------- */

/* The seeded full-size model, as safetensors of half precision to save time, imports in far less memory than
 * it has. */
static void a_full_size_model_takes_little_memory(void **state)
{
    NEEDS_REFERENCE;
    if (SANITIZED)
        skip();
    FILE *file = fopen(of_tiny("../kokoro-82m/tensors.tsv"), "r");
    if (file == NULL)
        skip();
    struct str header = {0};
    uint64_t at = 0;
    char line[512], name[256], shape[64];
    str_putc(&header, '{');
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#' || sscanf(line, "%255s %63s", name, shape) != 2)
            continue;
        uint64_t count = 1;
        for (char *s = shape; *s != '\0'; s += *s == ',')
            count *= strtoull(s, &s, 10);
        str_printf(&header, "%s\"%s\":{\"dtype\":\"F16\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                   at ? "," : "", name, shape, (unsigned long long)at, (unsigned long long)(at + 2 * count));
        at += 2 * count;
    }
    fclose(file);
    str_putc(&header, '}');
    assert_false(header.failed);
    FILE *out = fopen(in("full.safetensors"), "wb");
    assert_non_null(out);
    uint64_t length = header.length;
    fwrite(&length, 8, 1, out);
    fwrite(header.data, 1, header.length, out);
    static uint16_t ones[32768];
    for (size_t i = 0; i < 32768; i++)
        ones[i] = 0x3c00;
    for (uint64_t left = at; left > 0; left -= left < sizeof ones ? left : sizeof ones)
        fwrite(ones, 1, left < sizeof ones ? (size_t)left : sizeof ones, out);
    assert_int_equal(fclose(out), 0);
    str_free(&header);

    lt_error error;
    struct import_options options = {
        .checkpoint = in("full.safetensors"), .output = in("full.gguf"), .type = GGUF_F16};
    if (import_model(&options, &error) != LT_OK)
        fail_msg("%s", error.message);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    print_message("peak memory of an import: %ld KiB\n", usage.ru_maxrss);
    assert_true(usage.ru_maxrss < 128 * 1024);
}

static void manifests_keep_to_their_folder(void **state)
{
    (void)state;
    struct manifest manifest;
    lt_error error;
    assert_int_equal(manifest_read(NULL, &manifest, &error), LT_OK);
    assert_int_equal(manifest.count, 60); /* checkpoint, config, 54 voices, 4 lexicons */
    assert_int_equal(manifest.bytes, 368017973);
    assert_string_equal(manifest.files[0].url, "https://huggingface.co/hexgrad/Kokoro-82M/resolve/"
                                               "f3ff3571791e39611d31c381e3a41a3af07b4987/kokoro-v1_0.pth");
    manifest_free(&manifest);
#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LONG                                                                                                 \
    "a_path_of_ninety-six_bytes/that_is_one_more_than_there_is_room_for/in_the_manifests_of/voice.bin"
    static const char *const bad[] = {
        "",
        "# nothing\n",
        SUM " 1 ../a\n",
        SUM " 1 /etc/passwd\n",
        SUM " 1 a/../../b\n",
        SUM " 0 a\n",
        SUM " -1 a\n",
        SUM " a\n",
        "abc 1 a\n",
        SUM " 1 .hidden\n",
        SUM " 1 a b c\n",
        SUM " 1 a/\n",
        SUM " 99999999999999 a\n",
        SUM " 10x a\n",
        SUM " 0x10 a\n",
        SUM " 1 " LONG "\n",
        SUM " 1 a " LONG "\n",
        "base http://" LONG LONG LONG "\n" SUM " 1 a\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(manifest_parse(bad[i], "it", &manifest, &error), LT_ERR_MODEL);
        manifest_free(&manifest);
    }
    assert_int_equal(manifest_parse("base http://x\r\n" SUM " 5 v/a.bin b.bin\r\n", "it", &manifest, &error),
                     LT_OK);
    assert_string_equal(manifest.files[0].path, "v/a.bin");
    assert_string_equal(manifest.files[0].url, "http://x/b.bin");
    manifest_free(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_size_model_takes_little_memory), /* first: it asks for the peak so far */
        cmocka_unit_test(state_dicts_with_and_without_metadata_are_the_same),
        cmocka_unit_test(every_form_of_a_pytorch_file_is_the_same),
        cmocka_unit_test(views_of_a_compressed_storage_are_read),
        cmocka_unit_test(safetensors_are_the_same),
        cmocka_unit_test(half_precision_is_read_as_it_is),
        cmocka_unit_test(both_names_of_a_weight_norm_are_the_same),
        cmocka_unit_test(upsampling_is_stored_as_the_convolution_that_it_is),
        cmocka_unit_test(products_are_padded_and_vectors_are_plain),
        cmocka_unit_test(quantised_models_lose_what_their_blocks_lose),
        cmocka_unit_test(missing_extra_and_misshaped_tensors_are_named_and_counted),
        cmocka_unit_test(a_configuration_must_belong_to_the_checkpoint),
        cmocka_unit_test(a_pickle_that_names_anything_else_is_refused),
        cmocka_unit_test(malformed_pickles_end_in_a_sentence),
        cmocka_unit_test(a_pickle_that_repeats_itself_ends_soon),
        cmocka_unit_test(views_outside_their_storage_are_refused),
        cmocka_unit_test(every_cut_of_a_checkpoint_is_refused),
        cmocka_unit_test(no_beginning_of_a_file_is_taken_for_the_whole),
        cmocka_unit_test(an_output_that_is_no_model_of_ours_is_left_alone),
        cmocka_unit_test(a_models_name_is_utf8),
        cmocka_unit_test(an_import_that_is_stopped_leaves_nothing),
        cmocka_unit_test(every_form_of_a_voice_is_the_same),
        cmocka_unit_test(no_beginning_of_an_array_is_taken_for_the_whole),
        cmocka_unit_test(voices_that_are_none_are_refused),
        cmocka_unit_test(manifests_keep_to_their_folder),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
