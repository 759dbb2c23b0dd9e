/* test_gguf.c: model files written and read back, damaged ones refused; element types against their
 * definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "kokoro/gguf.h"
#include "kokoro/quant.h"

/* ---- Files ------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/test_gguf.XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A small file with every kind of metadata that we write, and tensors. */
static void write_sample(const char *path)
{
    struct gguf_writer *writer = gguf_writer_new();
    assert_non_null(writer);
    lt_error error;
    static const uint32_t rates[] = {10, 6};
    static const char *const symbols[] = {"a", "", "\xc9\x99"};
    gguf_writer_string(writer, "general.architecture", "kokoro");
    gguf_writer_uint(writer, "heads", 12);
    gguf_writer_uints(writer, "rates", rates, 2);
    gguf_writer_strings(writer, "symbols", symbols, 3);
    assert_int_equal(gguf_writer_declare(writer, "z", GGUF_F32, 2, (uint64_t[]){2, 3}, &error), LT_OK);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_Q8_0, 3, (uint64_t[]){1, 2, 32}, &error), LT_OK);
    assert_int_equal(gguf_writer_declare(writer, "m", GGUF_F16, 1, (uint64_t[]){5}, &error), LT_OK);
    assert_int_equal(gguf_writer_open(writer, path, &error), LT_OK);
    float z[6] = {1, 2, 3, 4, 5, 6};
    float a[64];
    for (int i = 0; i < 64; i++)
        a[i] = (float)(i - 32);
    float m[5] = {0.25f, -1, 2, 3, 4};
    unsigned char bytes[24 + 68 + 10];
    quant_encode(GGUF_F32, z, 6, bytes);
    quant_encode(GGUF_Q8_0, a, 64, bytes + 24);
    quant_encode(GGUF_F16, m, 5, bytes + 24 + 68);
    for (size_t i = 0; i < sizeof bytes; i += 7) /* pieces that cross tensors */
        assert_int_equal(
            gguf_writer_data(writer, bytes + i, sizeof bytes - i < 7 ? sizeof bytes - i : 7, &error), LT_OK);
    assert_int_equal(gguf_writer_finish(writer, &error), LT_OK);
    gguf_writer_free(writer);
}

static void a_file_reads_back_as_written(void **state)
{
    (void)state;
    char *path = path_of("a.gguf");
    write_sample(path);
    struct gguf *gguf;
    lt_error error;
    assert_int_equal(gguf_open(path, &gguf, &error), LT_OK);
    unlink(path);

    uint64_t number;
    struct gguf_string text;
    assert_true(gguf_get_uint(gguf, "general.alignment", &number));
    assert_int_equal(number, 64);
    assert_true(gguf_get_uint(gguf, "heads", &number));
    assert_int_equal(number, 12);
    assert_false(gguf_get_uint(gguf, "general.architecture", &number));
    assert_false(gguf_get_uint(gguf, "head", &number));
    assert_true(gguf_get_string(gguf, "general.architecture", &text));
    assert_int_equal(text.length, 6);
    assert_memory_equal(text.data, "kokoro", 6);

    struct gguf_array array;
    assert_true(gguf_get_array(gguf, "rates", &array));
    assert_true(gguf_array_uint(&array, 1, &number));
    assert_int_equal(number, 6);
    assert_false(gguf_array_uint(&array, 2, &number));
    assert_false(gguf_next_string(&array, &text));
    assert_true(gguf_get_array(gguf, "symbols", &array));
    static const size_t lengths[] = {1, 0, 2};
    for (int i = 0; i < 3; i++) {
        assert_true(gguf_next_string(&array, &text));
        assert_int_equal(text.length, lengths[i]);
    }
    assert_false(gguf_next_string(&array, &text));

    assert_int_equal(gguf_tensor_count(gguf), 3);
    const struct gguf_tensor *z = gguf_find(gguf, "z"), *a = gguf_find(gguf, "a"), *m = gguf_find(gguf, "m");
    assert_non_null(z);
    assert_non_null(a);
    assert_non_null(m);
    assert_null(gguf_find(gguf, "b"));
    assert_int_equal(z->dims, 2);
    assert_int_equal(z->shape[0], 2);
    assert_int_equal(z->shape[1], 3);
    assert_int_equal((uintptr_t)z->data % 64, 0);
    assert_int_equal((uintptr_t)m->data % 64, 0);
    assert_true(((const float *)z->data)[5] == 6);
    float values[64];
    assert_int_equal(a->bytes, 68);
    quant_decode(a->type, a->data, a->elements, values);
    for (int i = 0; i < 64; i++)
        assert_true(fabsf(values[i] - (float)(i - 32)) < 0.14f); /* 32 / 127 / 2 */
    quant_decode(m->type, m->data, m->elements, values);
    assert_true(values[0] == 0.25f && values[4] == 4);
    gguf_close(gguf);
}

static unsigned char *read_sample(size_t *size)
{
    char *path = path_of("b.gguf");
    write_sample(path);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    unsigned char *bytes = aligned_alloc(64, 4096);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 4096, file);
    fclose(file);
    unlink(path);
    return bytes;
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = read_sample(&size);
    struct gguf *gguf;
    lt_error error;
    assert_int_equal(gguf_open_memory(bytes, size, "whole", &gguf, &error), LT_OK);
    gguf_close(gguf);
    size_t used = size - 54; /* m, the last, has 10 bytes of a padded 64 */
    for (size_t cut = 0; cut < used; cut++) {
        unsigned char *copy = aligned_alloc(64, (cut + 63) / 64 * 64 + 64);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        error.message[0] = '\0';
        assert_int_equal(gguf_open_memory(copy, cut, "cut", &gguf, &error), LT_ERR_MODEL);
        assert_null(gguf);
        assert_true(strlen(error.message) > 20);
        free(copy);
    }
    free(bytes);
}

static void no_changed_byte_leads_outside(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = read_sample(&size);
    static const unsigned char changes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < size; at++) {
        unsigned char saved = bytes[at];
        for (size_t i = 0; i < sizeof changes; i++) {
            bytes[at] = changes[i];
            struct gguf *gguf;
            if (gguf_open_memory(bytes, size, "changed", &gguf, NULL) != LT_OK)
                continue;
            for (size_t t = 0; t < gguf_tensor_count(gguf); t++) {
                const struct gguf_tensor *tensor = gguf_tensor_at(gguf, t);
                const unsigned char *data = tensor->data;
                assert_true(data >= bytes && data <= bytes + size);
                assert_true(tensor->bytes <= (uint64_t)(bytes + size - data));
            }
            gguf_close(gguf);
        }
        bytes[at] = saved;
    }
    free(bytes);
}

static void an_unfinished_file_leaves_nothing_behind(void **state)
{
    (void)state;
    lt_error error;
    char *path = path_of("c.gguf");
    struct gguf_writer *writer = gguf_writer_new();
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_F32, 1, (uint64_t[]){4}, &error), LT_OK);
    assert_int_equal(gguf_writer_open(writer, path, &error), LT_OK);
    assert_int_equal(gguf_writer_data(writer, "12345678", 8, &error), LT_OK);
    assert_int_equal(gguf_writer_finish(writer, &error), LT_ERR_INTERNAL);
    gguf_writer_free(writer);
    assert_int_not_equal(access(path, F_OK), 0);
    /* the folder's removal at the end fails unless the temporary file is gone */
}

static void a_shape_that_its_type_cannot_hold_is_refused(void **state)
{
    (void)state;
    lt_error error;
    struct gguf_writer *writer = gguf_writer_new();
    char long_name[65] = {0};
    memset(long_name, 'x', 64);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_Q8_0, 2, (uint64_t[]){32, 31}, &error),
                     LT_ERR_ARGUMENT);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_F32, 1, (uint64_t[]){0}, &error), LT_ERR_ARGUMENT);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_F32, 2, (uint64_t[]){UINT64_MAX, 2}, &error),
                     LT_ERR_ARGUMENT);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_F32, 1, (uint64_t[]){UINT64_MAX / 4}, &error),
                     LT_ERR_ARGUMENT);
    assert_int_equal(gguf_writer_declare(writer, "a", GGUF_F32, 5, (uint64_t[]){1, 1, 1, 1, 1}, &error),
                     LT_ERR_ARGUMENT);
    assert_int_equal(gguf_writer_declare(writer, long_name, GGUF_F32, 1, (uint64_t[]){1}, &error),
                     LT_ERR_ARGUMENT);
    gguf_writer_free(writer);
}

/* ---- Element types ----------------------------------------------------------------------------- */

/* Every half to float and back, and every midpoint between neighbours to the even one. */
static void f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        float value = quant_f16_to_float((uint16_t)half);
        if (isnan(value)) {
            assert_true(isnan(quant_f16_to_float(quant_f16_from_float(value))));
            continue;
        }
        assert_int_equal(quant_f16_from_float(value), half);
        if ((half & 0x7fff) >= 0x7bff)
            continue;
        float next = quant_f16_to_float((uint16_t)(half + 1));
        float middle = (float)(((double)value + (double)next) / 2);
        assert_int_equal(quant_f16_from_float(middle), half & 1 ? half + 1 : half);
        assert_int_equal(quant_f16_from_float(nextafterf(middle, next)), half + 1);
        assert_int_equal(quant_f16_from_float(nextafterf(middle, value)), half);
    }
    assert_int_equal(quant_f16_from_float(65519.996f), 0x7bff);
    assert_int_equal(quant_f16_from_float(65520.0f), 0x7c00);
    assert_true(quant_f16_to_float(0x3555) == 0.333251953125f);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(quant_bf16_from_float(1.0f), 0x3f80);
    assert_int_equal(quant_bf16_from_float(1.00390625f), 0x3f80); /* half way, to even */
    assert_int_equal(quant_bf16_from_float(1.01171875f), 0x3f82);
    assert_true(isnan(quant_bf16_to_float(quant_bf16_from_float(NAN))));
    assert_int_equal(quant_bf16_from_float(3.4e38f), 0x7f80);
}

static void blocks_are_what_their_definition_says(void **state)
{
    (void)state;
    float values[32], back[32];
    unsigned char block[34];
    for (int i = 0; i < 32; i++)
        values[i] = (float)(i % 2 ? -i : i) / 8;
    values[31] = -4;
    quant_encode(GGUF_Q8_0, values, 32, block);
    float scale = quant_f16_to_float((uint16_t)(block[0] | block[1] << 8));
    assert_true(fabsf(scale - 4.0f / 127) < 1e-5f);
    assert_int_equal((int8_t)block[2 + 31], -127);
    quant_decode(GGUF_Q8_0, block, 32, back);
    for (int i = 0; i < 32; i++)
        assert_true(fabsf(back[i] - values[i]) <= 4.0f / 127 * 0.51f);

    quant_encode(GGUF_Q4_0, values, 32, block);
    scale = quant_f16_to_float((uint16_t)(block[0] | block[1] << 8));
    assert_true(scale == 0.5f); /* the extreme, -4, is -8 steps of it */
    assert_int_equal(block[2 + 15] >> 4, 0);
    assert_int_equal(block[2] & 15, 8);
    quant_decode(GGUF_Q4_0, block, 32, back);
    for (int i = 0; i < 31; i++)
        assert_true(fabsf(back[i] - values[i]) <= (values[i] > 3.5f ? 0.5f : 0.25f));

    memset(values, 0, sizeof values);
    for (int t = 0; t < 2; t++) {
        quant_encode(t ? GGUF_Q4_0 : GGUF_Q8_0, values, 32, block);
        quant_decode(t ? GGUF_Q4_0 : GGUF_Q8_0, block, 32, back);
        for (int i = 0; i < 32; i++)
            assert_true(back[i] == 0);
    }
    values[3] = NAN;
    values[4] = 1e-45f;
    quant_encode(GGUF_Q8_0, values, 32, block); /* only has to be defined */
    quant_encode(GGUF_Q4_0, values, 32, block);
}

static void sizes_follow_from_blocks(void **state)
{
    (void)state;
    assert_int_equal(gguf_row_bytes(GGUF_F32, 7), 28);
    assert_int_equal(gguf_row_bytes(GGUF_Q8_0, 64), 68);
    assert_int_equal(gguf_row_bytes(GGUF_Q4_0, 64), 36);
    assert_int_equal(gguf_row_bytes(GGUF_Q4_0, 33), 0);
    assert_int_equal(gguf_row_bytes(GGUF_F32, UINT64_MAX / 2), 0);
    assert_string_equal(gguf_type_name(GGUF_BF16), "bf16");
    assert_null(gguf_type_name((enum gguf_type)3));
    enum gguf_type type;
    assert_true(gguf_type_parse("q4_0", &type) && type == GGUF_Q4_0);
    assert_false(gguf_type_parse("q4", &type));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back_as_written),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(no_changed_byte_leads_outside),
        cmocka_unit_test(an_unfinished_file_leaves_nothing_behind),
        cmocka_unit_test(a_shape_that_its_type_cannot_hold_is_refused),
        cmocka_unit_test(f16_rounds_to_nearest_even),
        cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(blocks_are_what_their_definition_says),
        cmocka_unit_test(sizes_follow_from_blocks),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
