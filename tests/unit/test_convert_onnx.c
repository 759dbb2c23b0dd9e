/* test_convert_onnx.c: importing ONNX exports: the tiny model in the forms that exporters and quantisers give
 * it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "convert/import.h"
#include "convert_files.h"

static lt_status import(const char *path, const char *output, lt_error *error)
{
    struct import_options options = {.checkpoint = path,
                                     .config = of_tiny("config.json"),
                                     .output = output,
                                     .type = GGUF_F32,
                                     .name = "tiny"};
    return import_model(&options, error);
}

/* Imports both files and compares the results byte by byte. */
static void assert_same_import(const char *a, const char *b)
{
    const char *paths[] = {a, b};
    struct str bytes[2] = {0};
    lt_error error;
    for (int i = 0; i < 2; i++) {
        if (import(paths[i], in("out.gguf"), &error) != LT_OK)
            fail_msg("%s", error.message);
        assert_int_equal(file_read(in("out.gguf"), 1 << 26, &bytes[i], &error), LT_OK);
    }
    assert_int_equal(bytes[0].length, bytes[1].length);
    for (size_t i = 0; i < bytes[0].length; i++)
        if (bytes[0].data[i] != bytes[1].data[i])
            fail_msg("byte %zu differs", i);
    str_free(&bytes[0]);
    str_free(&bytes[1]);
}

/* Writes the tiny model in a form, and the weights that must come back as safetensors. */
static void assert_form_round_trips(struct onnx_form form, bool folded)
{
    struct tensor_set set;
    set_read(of_tiny("kokoro-tiny.pth"), &set);
    if (form.quantisation == ONNX_HALF)
        set_round(&set, ELEMENT_F16);
    if (folded) {
        set_fold(&set);
        if (form.quantisation == ONNX_HALF)
            set_round(&set, ELEMENT_F16);
    }
    write_onnx(&set, &form, in("model.onnx"));
    write_safetensors(&set, ELEMENT_F32, in("wanted.safetensors"));
    assert_same_import(in("wanted.safetensors"), in("model.onnx"));
    set_free(&set);
}

static void named_weights_are_read_from_inside_and_outside(void **state)
{
    NEEDS_REFERENCE;
    assert_form_round_trips((struct onnx_form){ONNX_FLOAT, false, false}, false);
    assert_form_round_trips((struct onnx_form){ONNX_FLOAT, false, true}, false);
    assert_form_round_trips((struct onnx_form){ONNX_HALF, false, true}, false);
}

static void folded_weights_are_found_by_their_nodes(void **state)
{
    NEEDS_REFERENCE;
    assert_form_round_trips((struct onnx_form){ONNX_FLOAT, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_HALF, true, false}, true);
}

static void quantised_weights_are_what_their_operators_say(void **state)
{
    NEEDS_REFERENCE;
    assert_form_round_trips((struct onnx_form){ONNX_INT8, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_INT8_CHANNELS, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_INT8_ROWS, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_BLOCKS, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_INT8, true, .numbers = true}, true);
    assert_form_round_trips((struct onnx_form){ONNX_INT8, true, .cast = true}, true);
    assert_form_round_trips((struct onnx_form){ONNX_BLOCKS, true, .numbers = true}, true);
    assert_form_round_trips((struct onnx_form){ONNX_INT8_BLOCKS, true}, true);
}

static void statically_quantised_weights_are_read(void **state)
{
    NEEDS_REFERENCE;
    assert_form_round_trips((struct onnx_form){ONNX_STATIC, true, false}, true);
    assert_form_round_trips((struct onnx_form){ONNX_STATIC, true, true}, true);
}

/* The sentence by which the tiny model in a form is refused, without the tensor `missing` where that is not NULL. */
static const char *refusal_of(struct onnx_form form, const char *missing)
{
    static lt_error error;
    struct tensor_set set;
    set_read(of_tiny("kokoro-tiny.pth"), &set);
    set_fold(&set);
    if (missing != NULL)
        set_remove(&set, missing);
    write_onnx(&set, &form, in("model.onnx"));
    set_free(&set);
    assert_int_equal(import(in("model.onnx"), in("refused.gguf"), &error), LT_ERR_MODEL);
    return error.message;
}

static void an_operator_that_is_not_read_is_named(void **state)
{
    NEEDS_REFERENCE;
    const char *sentence = refusal_of((struct onnx_form){ONNX_BLOCKS, true, .unknown = true}, NULL);
    assert_non_null(strstr(sentence, "the operator 'MatMulBnb4'"));
    assert_non_null(strstr(sentence, "_Q4' is of"));

    /* no operator is to blame for a tensor that the file has not */
    sentence = refusal_of((struct onnx_form){ONNX_FLOAT, true, false}, "decoder.generator.conv_post.weight");
    assert_non_null(strstr(sentence, "'decoder.generator.conv_post.weight'"));
    assert_null(strstr(sentence, "operator"));
}

static void blocks_in_an_order_of_their_own_are_refused(void **state)
{
    NEEDS_REFERENCE;
    const char *sentence = refusal_of((struct onnx_form){ONNX_BLOCKS, true, .reordered = true}, NULL);
    assert_non_null(strstr(sentence, "g_idx"));
}

static void exports_that_are_cut_or_changed_end_in_a_sentence(void **state)
{
    NEEDS_REFERENCE;
    struct tensor_set set;
    struct str bytes = {0};
    lt_error error;
    set_read(of_tiny("kokoro-tiny.pth"), &set);
    set_fold(&set);
    write_onnx(&set, &(struct onnx_form){ONNX_BLOCKS, true, true}, in("model.onnx"));
    set_free(&set);
    assert_int_equal(file_read(in("model.onnx"), 1 << 26, &bytes, &error), LT_OK);
    for (size_t i = 0; i < 40; i++) {
        size_t size = bytes.length * i / 40;
        write_file(in("cut.onnx"), bytes.data, size);
        error.message[0] = '\0';
        assert_int_equal(import(in("cut.onnx"), in("out.gguf"), &error), LT_ERR_MODEL);
        assert_true(strlen(error.message) > 20);
    }
    assert_int_equal(truncate(in("model.onnx.data"), 1000), 0);
    assert_int_equal(import(in("model.onnx"), in("cut.gguf"), &error), LT_ERR_MODEL);
    assert_non_null(strstr(error.message, "is cut off"));
    assert_int_equal(unlink(in("model.onnx.data")), 0);
    assert_int_equal(import(in("model.onnx"), in("cut.gguf"), &error), LT_ERR_IO);
    assert_int_not_equal(access(in("cut.gguf"), F_OK), 0);

    /* a file of weights elsewhere: "model.onnx.data" becomes a path that leaves the folder */
    char *at = bytes.data;
    while ((at = memmem(at, bytes.length - (size_t)(at - bytes.data), "model.onnx.data", 15)) != NULL)
        memcpy(at, "../etc/hostname", 15);
    write_file(in("elsewhere.onnx"), bytes.data, bytes.length);
    assert_int_equal(import(in("elsewhere.onnx"), in("cut.gguf"), &error), LT_ERR_MODEL);
    assert_non_null(strstr(error.message, "outside of its folder"));
    str_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_weights_are_read_from_inside_and_outside),
        cmocka_unit_test(folded_weights_are_found_by_their_nodes),
        cmocka_unit_test(quantised_weights_are_what_their_operators_say),
        cmocka_unit_test(statically_quantised_weights_are_read),
        cmocka_unit_test(an_operator_that_is_not_read_is_named),
        cmocka_unit_test(blocks_in_an_order_of_their_own_are_refused),
        cmocka_unit_test(exports_that_are_cut_or_changed_end_in_a_sentence),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
