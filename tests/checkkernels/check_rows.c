/* check_rows.c: the kernels of a set that are not products, against the portable ones and against double
 * precision. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { ROUNDS = 40 };

static float *random_row(size_t count, float scale)
{
    float *out = buffer(count * sizeof(float), random_between(0, 1) ? sizeof(float) : 64);
    random_fill(out, count, scale);
    return out;
}

static float *copy_of(const float *x, size_t count)
{
    float *out = buffer(count * sizeof(float), 64);
    memcpy(out, x, count * sizeof(float));
    return out;
}

static void compare(const char *what, const float *got, const float *expected, size_t count, double absolute,
                    double relative)
{
    for (size_t i = 0; i < count; i++)
        if (!close_to((double)got[i], (double)expected[i], absolute + relative * fabs((double)expected[i])))
            check_fail("%s %zu of %zu: %.9g instead of %.9g", what, i, count, (double)got[i],
                       (double)expected[i]);
}

static void done(void)
{
    buffers_intact();
    buffers_release();
}

/* A function of one argument against its double-precision reference over [-range, range] and the special
 * values. */
static void check_function(const struct set *set, const char *name, void (*f)(float *, const float *, size_t),
                           double (*reference)(double), float range, double absolute, double relative)
{
    static const float special[] = {0.0f,       -0.0f,       1e-40f,   -1e-40f,  1e-30f, 1.0f,
                                    -1.0f,      50.0f,       -50.0f,   88.0f,    -87.0f, 1.5707964f,
                                    3.1415927f, -3.1415927f, 10000.0f, -10000.0f};
    if (!check_begin(set, name))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = (size_t)random_between(0, 100);
        float *in = random_row(count, round % 2 ? range : 4.0f), *out = random_row(count, 1);
        for (size_t i = 0; i < count && round == 3; i++)
            in[i] = special[i % (sizeof special / sizeof *special)];
        for (size_t i = 0; i < count; i++)
            in[i] = fminf(range, fmaxf(-range, in[i]));
        if (count > 5 && round % 4 == 0)
            in[5] = NAN;
        f(out, in, count);
        for (size_t i = 0; i < count; i++) {
            double expected = reference((double)in[i]);
            if (!close_to((double)out[i], expected, absolute + relative * fabs(expected)))
                check_fail("%s(%.9g) = %.9g instead of %.9g", name, (double)in[i], (double)out[i], expected);
        }
        float *in_place = copy_of(in, count);
        f(in_place, in_place, count);
        if (memcmp(in_place, out, count * sizeof(float)) != 0)
            check_fail("differs when done in place");
        done();
    }
}

static double sigmoid_double(double x)
{
    return 1 / (1 + exp(-x));
}

static void check_functions(const struct set *set)
{
    const struct kernels *k = &set->kernels;
    check_function(set, "sine", k->sine, sin, 10000.0f, 1e-6, 0);
    check_function(set, "cosine", k->cosine, cos, 10000.0f, 1e-6, 0);
    check_function(set, "exponential", k->exponential, exp, 88.0f, 2e-38, 4e-7);
    check_function(set, "sigmoid", k->sigmoid, sigmoid_double, 1000.0f, 1e-6, 0);
    check_function(set, "hyperbolic_tangent", k->hyperbolic_tangent, tanh, 1000.0f, 1e-6, 0);
}

static void check_exponential_limits(const struct set *set)
{
    if (!check_begin(set, "exponential limits"))
        return;
    float *in = random_row(6, 1), *out = random_row(6, 1);
    const float values[] = {-104.5f, -1e30f, -INFINITY, 89.5f, 1e30f, INFINITY};
    memcpy(in, values, sizeof values);
    set->kernels.exponential(out, in, 6);
    for (int i = 0; i < 6; i++)
        if (i < 3 ? !(fabsf(out[i]) <= 1.5e-45f) : !isinf(out[i]))
            check_fail("exp(%g) = %g", (double)values[i], (double)out[i]);
    done();
}

static void check_activate(const struct set *set)
{
    if (!check_begin(set, "activate"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = (size_t)random_between(0, 100);
        float *in = random_row(count, 10), *out = random_row(count, 1), *expected = random_row(count, 1);
        if (count > 3)
            in[3] = NAN;
        enum activation activation = round % 2 ? ACTIVATION_LEAKY : ACTIVATION_GELU;
        set->kernels.activate(out, in, count, activation, 0.01f);
        set->portable.activate(expected, in, count, activation, 0.01f);
        compare("value", out, expected, count, 1e-6, 1e-6);
        done();
    }
}

static void check_axpy(const struct set *set)
{
    if (!check_begin(set, "axpy"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = (size_t)random_between(0, 100);
        float *x = random_row(count, 2), *y = random_row(count, 2), *expected = copy_of(y, count);
        set->kernels.axpy(y, x, 0.7f, count);
        set->portable.axpy(expected, x, 0.7f, count);
        compare("value", y, expected, count, 5e-7, 0);
        done();
    }
}

static void check_matvec(const struct set *set)
{
    if (!check_begin(set, "matvec"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        struct matvec m = {.type = round % 2 ? VALUE_F32 : VALUE_BF16,
                           .n = random_between(1, 300),
                           .k = random_between(1, 90),
                           .batch = random_between(1, 6)};
        m.x_stride = m.k + random_between(0, 5);
        m.y_stride = m.n + random_between(0, 5);
        float *w = random_row((size_t)(m.n * m.k), 1);
        void *packed = buffer(matvec_bytes(m.type, m.n, m.k), 64);
        matvec_pack(w, m.n, m.k, m.type, packed);
        m.w = packed;
        m.x = random_row((size_t)(m.batch - 1) * (size_t)m.x_stride + (size_t)m.k, 1);
        size_t count = (size_t)(m.batch - 1) * (size_t)m.y_stride + (size_t)m.n;
        float *y = random_row(count, 1), *expected = copy_of(y, count);
        for (int b = 0; b < m.batch; b++)
            for (int i = 0; i < m.n; i++) {
                double sum = (double)y[b * m.y_stride + i];
                for (int c = 0; c < m.k; c++) {
                    float weight = w[i * m.k + c];
                    if (m.type == VALUE_BF16)
                        weight = value_from_bf16(value_to_bf16(weight));
                    sum += (double)weight * (double)m.x[b * m.x_stride + c];
                }
                expected[b * m.y_stride + i] = (float)sum;
            }
        m.y = y;
        set->kernels.matvec(&m);
        compare("sum", y, expected, count, 1e-6 * m.k, 0);
        done();
    }
}

static void check_lstm_cell(const struct set *set)
{
    if (!check_begin(set, "lstm_cell"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        size_t hidden = (size_t)random_between(1, 70);
        float *gates = random_row(4 * hidden, round % 2 ? 4 : 100), *c = random_row(hidden, 2);
        float *h = random_row(hidden, 1), *c2 = copy_of(c, hidden), *h2 = random_row(hidden, 1);
        set->kernels.lstm_cell(gates, c, h, (int)hidden);
        set->portable.lstm_cell(gates, c2, h2, (int)hidden);
        compare("state", c, c2, hidden, 2e-6, 0);
        compare("output", h, h2, hidden, 2e-6, 0);
        done();
    }
}

static void check_layer_norm(const struct set *set)
{
    if (!check_begin(set, "layer_norm"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        int rows = random_between(0, 5), columns = random_between(1, 100);
        ptrdiff_t stride = columns + random_between(0, 4);
        size_t count = rows > 0 ? (size_t)((rows - 1) * stride + columns) : 0;
        float *x = random_row(count, 3), *expected = copy_of(x, count);
        const float *weight = round % 2 ? random_row((size_t)columns, 2) : NULL;
        const float *bias = round % 4 < 2 ? random_row((size_t)columns, 2) : NULL;
        set->kernels.layer_norm(x, stride, rows, columns, weight, bias, 1e-3f);
        set->portable.layer_norm(expected, stride, rows, columns, weight, bias, 1e-3f);
        compare("value", x, expected, count, 2e-5, 1e-5);
        done();
    }
}

static void check_softmax(const struct set *set)
{
    if (!check_begin(set, "softmax"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        int rows = random_between(0, 5), columns = random_between(1, 100);
        ptrdiff_t stride = columns + random_between(0, 4);
        size_t count = rows > 0 ? (size_t)((rows - 1) * stride + columns) : 0;
        float *x = random_row(count, round % 2 ? 5 : 500);
        for (int row = 0; row < rows && round % 4 == 0; row++)
            for (int i = 1; i < columns; i += 3)
                x[row * stride + i] = -INFINITY; /* masked */
        float *expected = copy_of(x, count);
        set->kernels.softmax(x, stride, rows, columns, 0.125f);
        set->portable.softmax(expected, stride, rows, columns, 0.125f);
        compare("value", x, expected, count, 1e-7, 2e-5);
        done();
    }
}

static void check_polar(const struct set *set)
{
    if (!check_begin(set, "polar"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = (size_t)random_between(0, 100);
        float range = round % 2 ? 1.0f : 1e-6f;
        float *re = random_row(count, range), *im = random_row(count, range);
        const float edges[] = {0, -0.0f, range};
        for (size_t i = 0; i < count && i < 9; i++) { /* all corners of the plane, zero among them */
            re[i] = edges[i % 3];
            im[i] = edges[i / 3];
        }
        float *magnitude = copy_of(re, count), *angle = copy_of(im, count);
        set->kernels.polar(re, im, count);
        set->portable.polar(magnitude, angle, count);
        compare("magnitude", re, magnitude, count, 0, 5e-7);
        compare("angle", im, angle, count, 5e-7, 0);
        done();
    }
}

static void check_column_sums(const struct set *set)
{
    if (!check_begin(set, "column_sums"))
        return;
    for (int round = 0; round < 4 * ROUNDS; round++) {
        int rows = random_between(0, 40), channels = random_between(1, 300);
        ptrdiff_t stride = channels + random_between(0, 4);
        size_t count = rows > 0 ? (size_t)((rows - 1) * stride + channels) : 0, size = (size_t)channels;
        enum value_type type = round % 2 ? VALUE_F32 : VALUE_F16;
        void *x = random_values(type, count, 3), *x2 = buffer(value_bytes(type, count), 4);
        memcpy(x2, x, value_bytes(type, count));
        const void *added = round % 4 < 2 ? random_values(type, count, 3) : NULL;
        float *sum = random_row(size, 1), *squares = random_row(size, 1);
        float *sum2 = copy_of(sum, size), *squares2 = copy_of(squares, size);
        set->kernels.column_sums(x, added, type, stride, rows, channels, sum, squares);
        set->portable.column_sums(x2, added, type, stride, rows, channels, sum2, squares2);
        if (memcmp(x, x2, value_bytes(type, count)) != 0)
            check_fail("the sum of the arrays differs (type %d)", (int)type);
        compare("sum", sum, sum2, size, 1e-4, 0);
        compare("sum of squares", squares, squares2, size, 2e-4, 1e-5);
        done();
    }
}

static void check_pool(const struct set *set)
{
    if (!check_begin(set, "pool"))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        int rows = random_between(1, 9), channels = random_between(1, 70);
        ptrdiff_t stride = channels + random_between(0, 4), out_stride = channels + random_between(0, 4);
        float *x = random_row((size_t)((rows - 1) * stride + channels), 3);
        float *w = random_row((size_t)(3 * channels), 1), *bias = random_row((size_t)channels, 1);
        size_t count = (size_t)((2 * rows - 1) * out_stride + channels);
        float *out = random_row(count, 1), *expected = copy_of(out, count);
        set->kernels.pool(out, out_stride, x, stride, rows, channels, w, bias);
        set->portable.pool(expected, out_stride, x, stride, rows, channels, w, bias);
        compare("value", out, expected, count, 2e-6, 0);
        done();
    }
}

/* Every binary16 there is goes to float and back unchanged, whole rows at a time. */
static void check_f16(const struct set *set)
{
    if (!check_begin(set, "f16"))
        return;
    uint16_t *in = buffer(65536 * 2, 2), *back = buffer(65536 * 2, 2);
    float *out = buffer(65536 * 4, 4);
    for (int i = 0; i < 65536; i++)
        in[i] = (uint16_t)i;
    set->kernels.to_float(out, in, VALUE_F16, 65536);
    set->kernels.from_float(back, VALUE_F16, out, 65536);
    for (int i = 0; i < 65536; i++) {
        bool nan = (i & 0x7fff) > 0x7c00;
        if (nan ? !isnan(out[i]) || (back[i] & 0x7fff) <= 0x7c00 : back[i] != i)
            check_fail("%04x became %g and %04x", i, (double)out[i], back[i]);
    }
    done();
}

/* Blocks of random bits with finite scales. */
static void check_to_float(const struct set *set)
{
    if (!check_begin(set, "to_float"))
        return;
    for (int round = 0; round < 5 * ROUNDS; round++) {
        enum value_type type = (enum value_type)(round % 5);
        bool quantised = type == VALUE_Q8_0 || type == VALUE_Q4_0;
        size_t count = (size_t)random_between(0, 90) * (quantised ? VALUE_BLOCK : 1);
        size_t bytes = value_bytes(type, count), step = quantised ? value_bytes(type, VALUE_BLOCK) : 2;
        uint8_t *in = buffer(bytes, quantised ? 1 : value_bytes(type, 1));
        for (size_t i = 0; i < bytes; i++)
            in[i] = (uint8_t)random_bits();
        for (size_t i = 0; i < bytes && quantised; i += step)
            in[i + 1] &= 0xbf; /* the scale's largest exponent bit: neither infinite nor NaN */
        float *got = random_row(count, 1), *expected = random_row(count, 1);
        set->kernels.to_float(got, in, type, count);
        set->portable.to_float(expected, in, type, count);
        compare("value", got, expected, count, 0, 0);
        done();
    }
}

static void check_from_float(const struct set *set)
{
    if (!check_begin(set, "from_float"))
        return;
    for (int round = 0; round < 4 * ROUNDS; round++) {
        enum value_type type = (enum value_type)(round % 4); /* not Q4_0 */
        size_t count = (size_t)random_between(0, 90) * (type == VALUE_Q8_0 ? VALUE_BLOCK : 1);
        size_t bytes = value_bytes(type, count);
        float *in = random_row(count, round % 3 ? 2 : 70000);
        if (type == VALUE_Q8_0 && count > 0) /* a block of zeros */
            memset(in, 0, VALUE_BLOCK * sizeof *in);
        else if (count > 8)
            in[7] = INFINITY, in[8] = NAN;
        uint8_t *got = buffer(bytes, type == VALUE_Q8_0 ? 1 : value_bytes(type, 1)),
                *expected = buffer(bytes, 64);
        set->kernels.from_float(got, type, in, count);
        set->portable.from_float(expected, type, in, count);
        for (size_t i = 0; i < bytes; i++) {
            bool nan = type != VALUE_Q8_0 && isnan(in[i / value_bytes(type, 1)]);
            if (got[i] != expected[i] && !nan)
                check_fail("type %d: byte %zu of %zu is %02x instead of %02x", (int)type, i, bytes, got[i],
                           expected[i]);
        }
        done();
    }
}

void check_rows(const struct set *set)
{
    check_functions(set);
    check_exponential_limits(set);
    check_activate(set);
    check_axpy(set);
    check_matvec(set);
    check_lstm_cell(set);
    check_layer_norm(set);
    check_softmax(set);
    check_polar(set);
    check_column_sums(set);
    check_pool(set);
    check_f16(set);
    check_to_float(set);
    check_from_float(set);
}
