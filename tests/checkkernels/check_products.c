/* check_products.c: prologue, panels and product of a set.
 *
 * Prologue and panels are compared with the portable table's; the product with sums in double precision of
 * exactly what was packed, and with a tolerance that follows from the sum of the magnitudes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

enum { ROUNDS = 60 };

/* What rounding to the packed type may change, relative: half a step of the 8 bits of bfloat16; or half a step of
 * whole numbers of which one is `scale`. */
static double packed_step(const struct products *p)
{
    return p->packed == PACKED_BF16 ? 0x1p-8 : 0.0;
}

double whole_step(const struct products *p, float scale)
{
    return p->packed == PACKED_I16 ? 0.501 * (double)scale : 0.0;
}

/* Of a packed row of k channels at `row`: the scale, and a channel's value. */
float packed_scale(const struct products *p, const void *row, int k)
{
    float scale = 1;
    if (p->packed == PACKED_I16)
        memcpy(&scale, (const int16_t *)row + k, sizeof scale);
    return scale;
}

float packed_element(const struct products *p, const void *row, int k, int c)
{
    if (p->packed == PACKED_F32)
        return ((const float *)row)[c];
    if (p->packed == PACKED_BF16)
        return value_from_bf16(((const uint16_t *)row)[c]);
    return (float)((const int16_t *)row)[c] * packed_scale(p, row, k);
}

/* The least alignment of packed rows and panels. */
size_t packed_align(const struct products *p)
{
    return p->packed == PACKED_BF16 ? 2 : 4;
}

static float stored(const void *x, enum value_type type, size_t i)
{
    return type == VALUE_F32 ? ((const float *)x)[i] : value_from_f16(((const uint16_t *)x)[i]);
}

/* A buffer of `count` random values in a storage type. */
void *random_values(enum value_type type, size_t count, float scale)
{
    size_t size = value_bytes(type, 1);
    void *out = buffer(count * size, random_between(0, 1) ? size : 64);
    for (size_t i = 0; i < count; i++) {
        float x;
        random_fill(&x, 1, scale);
        if (type == VALUE_F32)
            ((float *)out)[i] = x;
        else
            ((uint16_t *)out)[i] = value_to_f16(x);
    }
    return out;
}

static enum value_type random_storage(void)
{
    return random_between(0, 1) ? VALUE_F32 : VALUE_F16;
}

/* Of the sine squared of a set; one with a packed type of 16 bits has a shorter polynomial, also where it writes floats. */
static double snake_error;

/* The parameters of the activation and the norm of each channel. */
static void random_channels(struct prologue *a)
{
    size_t channels = (size_t)a->channels;
    float *alpha = random_values(VALUE_F32, channels, 1), *inverse = random_values(VALUE_F32, channels, 1);
    for (size_t c = 0; c < channels; c++) {
        alpha[c] = 0.1f + fabsf(alpha[c]) * 3.0f;
        inverse[c] = 1.0f / alpha[c];
    }
    a->alpha = alpha;
    a->inverse_alpha = inverse;
    a->scale = random_between(0, 1) ? random_values(VALUE_F32, channels, 2) : NULL;
    a->shift = random_between(0, 1) ? random_values(VALUE_F32, channels, 2) : NULL;
}

/* A random prologue without its output; its inputs are below `range`. */
static struct prologue random_prologue(const struct products *p, float range)
{
    enum activation activation =
        (enum activation[]){ACTIVATION_NONE, ACTIVATION_LEAKY, ACTIVATION_SNAKE}[random_between(0, 2)];
    struct prologue a = {.type = random_storage(),
                         .rows = random_between(0, 9),
                         .channels = random_between(0, 100),
                         .activation = activation,
                         .slope = 0.2f};
    a.padded = a.channels + random_between(0, 40);
    a.in_stride = a.channels + random_between(0, 3);
    if (p->packed == PACKED_I16) /* what follows a row must be aligned for float */
        a.padded = (a.padded + 1) / 2 * 2;
    a.out_stride = packed_stride(p, a.padded) + random_between(0, 1) * 2;
    size_t in_count = a.rows > 0 ? (size_t)(a.rows - 1) * (size_t)a.in_stride + (size_t)a.channels : 0;
    void *in = random_values(a.type, in_count, range);
    if (in_count > 0 && p->packed != PACKED_I16 && random_between(0, 3) == 0) { /* NaN goes through */
        if (a.type == VALUE_F32)
            ((float *)in)[in_count / 2] = NAN;
        else
            ((uint16_t *)in)[in_count / 2] = 0x7e01;
    }
    a.in = in;
    random_channels(&a);
    return a;
}

/* Fails unless element `c` of packed row `t` is about `y`, which the portable prologue gives. */
static void check_prologue_element(const struct products *p, const struct prologue *a, const char *row,
                                   float y, float range, size_t t, size_t c)
{
    float x = packed_element(p, row, a->padded, (int)c);
    /* The argument alpha * x of the sine is rounded alike only up to a step of x * scale + shift. */
    double step = fabs((double)y) * 0x1p-21 + (a->scale ? 2.0 * range * 0x1p-23 : 0.0);
    bool snake = a->activation == ACTIVATION_SNAKE;
    double tolerance = 2e-6 + (snake ? 2.0 * step : step) * 2.0 + packed_step(p) * fabs((double)y) +
                       whole_step(p, packed_scale(p, row, a->padded)) + 1.2e-38;
    if (c >= (size_t)a->channels)
        tolerance = 0; /* the padding is exactly 0 */
    else if (snake)
        tolerance += snake_error * (double)a->inverse_alpha[c];
    if (!close_to(x, y, tolerance))
        check_fail("row %zu of %d, channel %zu of %d: %.9g instead of %.9g (activation %d)", t, a->rows, c,
                   a->channels, x, y, (int)a->activation);
}

static void check_prologue_once(const struct products *p, const struct products *portable)
{
    float range = random_between(0, 1) ? 3.0f : 2000.0f;
    struct prologue a = random_prologue(p, range);
    size_t row_bytes = (size_t)packed_stride(p, a.padded) * packed_bytes(p);
    size_t stride_bytes = (size_t)a.out_stride * packed_bytes(p);
    size_t got_bytes = a.rows > 0 ? (size_t)(a.rows - 1) * stride_bytes + row_bytes : 0;
    char *got = buffer(got_bytes, random_between(0, 1) ? packed_align(p) : 64);
    float *expected = buffer((size_t)(a.rows * a.padded) * sizeof(float), 64);
    a.out = got;
    p->prologue(&a);
    a.out = expected;
    a.out_stride = a.padded;
    portable->prologue(&a);
    for (size_t t = 0; t < (size_t)a.rows; t++)
        for (size_t c = 0; c < (size_t)a.padded; c++)
            check_prologue_element(p, &a, got + t * stride_bytes, expected[t * (size_t)a.padded + c], range,
                                   t, c);
    for (size_t t = 0; t + 1 < (size_t)a.rows; t++) /* the gaps between rows */
        for (size_t i = t * stride_bytes + row_bytes; i < (t + 1) * stride_bytes; i++)
            if ((unsigned char)got[i] != 0xa5)
                check_fail("wrote between rows %zu and %zu", t, t + 1);
}

/* `count` weights of a type, random. */
void *random_weights(enum value_type type, size_t count)
{
    if (type == VALUE_F32 || type == VALUE_F16)
        return random_values(type, count, 1);
    size_t size = value_bytes(type, count);
    uint8_t *out = buffer(size, 1);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)random_bits();
    size_t block = type == VALUE_Q8_0 ? VALUE_Q8_0_BYTES : type == VALUE_Q4_0 ? VALUE_Q4_0_BYTES : 2;
    for (size_t i = 0; i < size; i += block) { /* scales, and bfloat16 itself, must be finite */
        uint16_t x =
            type == VALUE_BF16 ? value_to_bf16(random_float(-1, 1)) : value_to_f16(random_float(-0.1f, 0.1f));
        memcpy(out + i, &x, sizeof x);
    }
    return out;
}

/* The sums of whole numbers must fit: no INTEGER_DEPTH of a column may add up to more than 31 bits times the largest
 * of a row. */
void check_panel_sums(const struct products *p, const void *panels, int taps, int k, int n)
{
    float scale = panel_scale(p, panels, taps, k, n);
    for (int tap = 0; tap < taps && scale > 0; tap++)
        for (int first = 0; first < kernels_padded(k); first += INTEGER_DEPTH) {
            double sum = 0;
            for (int c = first; c < kernels_padded(k) && c < first + INTEGER_DEPTH; c++)
                sum += fabs((double)panel_element(p, panels, taps, k, n, tap, c) / (double)scale);
            if (sum * (double)INTEGER_ROW > INT32_MAX)
                check_fail("column %d tap %d from channel %d: magnitudes add up to %g", n, tap, first, sum);
        }
}

static void check_expand_once(const struct products *p, const struct products *portable)
{
    enum value_type type = (enum value_type)random_between(0, 4);
    bool quantised = type == VALUE_Q8_0 || type == VALUE_Q4_0;
    struct expand e = {.type = type, .columns = random_between(1, 80)};
    e.k = random_between(0, 7) == 0 ? random_between(100, 3 * INTEGER_DEPTH) : random_between(1, 100);
    int source_taps = random_between(1, 6);
    e.source_k = quantised ? kernels_padded(e.k) : e.k + random_between(0, 5);
    e.taps = random_between(1, source_taps);
    e.tap_step = e.taps > 1 ? (source_taps - 1) / (e.taps - 1) : 1;
    e.first_tap = random_between(0, source_taps - 1 - (e.taps - 1) * e.tap_step);
    if (random_between(0, 1)) {
        e.first_tap += (e.taps - 1) * e.tap_step;
        e.tap_step = -e.tap_step;
    }
    e.row_bytes = value_bytes(type, (size_t)e.source_k * (size_t)source_taps);
    e.source = random_weights(type, (size_t)e.columns * (size_t)e.source_k * (size_t)source_taps);
    size_t size = panel_bytes(p, e.columns, e.taps, e.k);
    void *got = buffer(size, random_between(0, 1) ? packed_align(p) : 64);
    void *expected = buffer(panel_bytes(portable, e.columns, e.taps, e.k), 64);
    e.panels = got;
    p->expand(&e);
    e.panels = expected;
    portable->expand(&e);
    for (int n = 0; n < (e.columns + p->panel - 1) / p->panel * p->panel; n++) {
        double whole = whole_step(p, panel_scale(p, got, e.taps, e.k, n));
        check_panel_sums(p, got, e.taps, e.k, n);
        for (int tap = 0; tap < e.taps; tap++)
            for (int c = 0; c < kernels_padded(e.k); c++) {
                float x = panel_element(p, got, e.taps, e.k, n, tap, c);
                float y = n < e.columns ? panel_element(portable, expected, e.taps, e.k, n, tap, c) : 0.0f;
                if (!close_to(x, y, fabs((double)y) * (packed_step(p) + 1e-7) + whole + 1.2e-38))
                    check_fail("type %d column %d of %d tap %d channel %d of %d: %g instead of %g", (int)type,
                               n, e.columns, tap, c, e.k, x, y);
            }
    }
}

static void check_expand_rows_once(const struct products *p, const struct products *portable)
{
    struct expand_rows e = {
        .type = random_storage(), .columns = random_between(1, 80), .k = random_between(1, 70)};
    e.stride = e.columns + random_between(0, 5);
    e.source = random_values(e.type, (size_t)(e.k - 1) * (size_t)e.stride + (size_t)e.columns, 2);
    void *got = buffer(panel_bytes(p, e.columns, 1, e.k), 64);
    void *expected = buffer(panel_bytes(portable, e.columns, 1, e.k), 64);
    e.panels = got;
    p->expand_rows(&e);
    e.panels = expected;
    portable->expand_rows(&e);
    for (int n = 0; n < (e.columns + p->panel - 1) / p->panel * p->panel; n++) {
        double whole = whole_step(p, panel_scale(p, got, 1, e.k, n));
        check_panel_sums(p, got, 1, e.k, n);
        for (int c = 0; c < kernels_padded(e.k); c++) {
            float x = panel_element(p, got, 1, e.k, n, 0, c);
            float y = n < e.columns ? panel_element(portable, expected, 1, e.k, n, 0, c) : 0.0f;
            if (!close_to(x, y, fabs((double)y) * (packed_step(p) + 1e-7) + whole + 1.2e-38))
                check_fail("column %d of %d channel %d of %d: %g instead of %g", n, e.columns, c, e.k, x, y);
        }
    }
}

/* `count` elements of packed rows, random; for whole numbers the largest of all in every third buffer. */
static void fill_packed(const struct products *p, void *rows, size_t count)
{
    bool extreme = random_between(0, 2) == 0;
    for (size_t i = 0; i < count; i++) {
        float x;
        random_fill(&x, 1, 2);
        if (p->packed == PACKED_F32)
            ((float *)rows)[i] = x;
        else if (p->packed == PACKED_BF16)
            ((uint16_t *)rows)[i] = value_to_bf16(x);
        else
            ((int16_t *)rows)[i] =
                (int16_t)(extreme ? INTEGER_ROW : random_between(-INTEGER_ROW, INTEGER_ROW));
    }
}

/* A product of random size and kind, without its buffers. `plain`: the sums of a panel as they are. */
static void random_shape(const struct products *p, struct product *m, bool *plain)
{
    *m = (struct product){.rows = random_between(1, 70),
                          .row_step = random_between(1, 3),
                          .taps = random_between(1, 5),
                          .tap_step = random_between(-3, 3),
                          .k = random_between(0, 5) == 0 ? 2 * INTEGER_DEPTH + KERNELS_K
                                                         : random_between(1, 3) * KERNELS_K,
                          .columns = random_between(1, 100),
                          .activation = (enum activation)random_between(0, 2),
                          .slope = random_float(0, 0.5f),
                          .scale = random_between(0, 1) ? 1.0f : 0.57735f,
                          .type = random_storage()};
    *plain = random_between(0, 3) == 0;
    if (*plain) {
        m->columns = p->panel;
        m->activation = ACTIVATION_NONE;
        m->scale = 1.0f;
        m->type = VALUE_F32;
    }
    m->a_stride = packed_stride(p, m->k) + random_between(0, 2) * random_between(0, 20) * 2;
    if (p->packed != PACKED_I16 && random_between(0, 3) == 0)
        m->a_stride = 5;
}

/* Its packed rows: the memory that they are in. */
static void *random_packed_rows(const struct products *p, struct product *m)
{
    int back = m->tap_step < 0 ? -(m->taps - 1) * m->tap_step : 0, ahead = (m->taps - 1) * m->tap_step + back;
    if (m->tap_step > 0)
        ahead = (m->taps - 1) * m->tap_step;
    size_t last = (size_t)((m->rows - 1) * m->row_step + (m->tap_step > 0 ? ahead : back));
    size_t count = last * (size_t)m->a_stride + (size_t)packed_stride(p, m->k);
    void *rows = buffer(count * packed_bytes(p), random_between(0, 1) ? packed_align(p) : 64);
    fill_packed(p, rows, count);
    for (size_t t = 0; p->packed == PACKED_I16 && t <= last; t++) {
        float scale = random_float(0, 4.0f / (float)INTEGER_ROW);
        memcpy((int16_t *)rows + t * (size_t)m->a_stride + m->k, &scale, sizeof scale);
    }
    m->a = (char *)rows + (ptrdiff_t)back * m->a_stride * (ptrdiff_t)packed_bytes(p);
    return rows;
}

static void random_panels(const struct products *p, struct product *m)
{
    struct expand e = {.type = VALUE_F32,
                       .columns = m->columns,
                       .source_k = m->k,
                       .tap_step = 1,
                       .taps = m->taps,
                       .k = m->k,
                       .row_bytes = (size_t)(m->taps * m->k) * sizeof(float)};
    e.source = random_values(VALUE_F32, (size_t)m->columns * (size_t)(m->taps * m->k), 1);
    m->panels = e.panels = buffer(panel_bytes(p, m->columns, m->taps, m->k), 64);
    p->expand(&e);
}

/* What is added to it, and where it goes. */
static void random_around(struct product *m, bool plain)
{
    size_t columns = (size_t)m->columns;
    m->bias = random_between(0, 1) ? random_values(VALUE_F32, columns, 1) : NULL;
    m->residual_stride = random_between(0, 4) == 0 ? 0 : m->columns + random_between(0, 3);
    m->addend_stride = m->columns + random_between(0, 3);
    m->out_stride = m->columns + random_between(0, 3);
    size_t last_row = (size_t)(m->rows - 1);
    if (random_between(0, 1))
        m->residual = random_values(m->type, last_row * (size_t)m->residual_stride + columns, 1);
    if (random_between(0, 1))
        m->addend = random_values(m->type, last_row * (size_t)m->addend_stride + columns, 1);
    m->out = random_values(m->type, last_row * (size_t)m->out_stride + columns, 1);
    if (random_between(0, 3) == 0) { /* in place */
        m->addend = m->out;
        m->addend_stride = m->out_stride;
    }
    if (random_between(0, 1)) {
        m->sum = random_values(VALUE_F32, columns, 1);
        m->sum_squares = random_values(VALUE_F32, columns, 1);
    }
    if (plain) {
        m->bias = m->sum = m->sum_squares = NULL;
        m->residual = m->addend = NULL;
        m->out_stride = m->columns;
    }
}

/* A random product with its buffers; sum and sum_squares start from what the caller finds in before[]. */
static void random_product(const struct products *p, struct product *m, void **rows)
{
    bool plain;
    random_shape(p, m, &plain);
    *rows = random_packed_rows(p, m);
    random_panels(p, m);
    random_around(m, plain);
}

static double activated(double x, const struct product *m)
{
    if (m->activation == ACTIVATION_LEAKY)
        return x > 0 ? x : (double)m->slope * x;
    if (m->activation == ACTIVATION_GELU)
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    return x;
}

/* The value of one output before rounding, and in *magnitude the sum of the magnitudes in it. */
static double expected_value(const struct products *p, const struct product *m, const void *addend, int t,
                             int n, double *magnitude)
{
    double sum = 0;
    *magnitude = 0;
    for (int tap = 0; tap < m->taps; tap++)
        for (int c = 0; c < m->k; c++) {
            ptrdiff_t row = (ptrdiff_t)(t * m->row_step + tap * m->tap_step) * m->a_stride;
            const char *a = (const char *)m->a + row * (ptrdiff_t)packed_bytes(p);
            double term = (double)packed_element(p, a, m->k, c) *
                          (double)panel_element(p, m->panels, m->taps, m->k, n, tap, c);
            sum += term;
            *magnitude += fabs(term);
        }
    if (m->bias)
        sum += (double)m->bias[n];
    double x = activated(sum, m);
    if (m->residual)
        x += (double)stored(m->residual, m->type, (size_t)(t * m->residual_stride + n));
    x *= (double)m->scale;
    if (addend)
        x += (double)stored(addend, m->type, (size_t)(t * m->addend_stride + n));
    *magnitude += fabs(x) + 1;
    return x;
}

static void check_product_once(const struct products *p, const struct products *portable)
{
    (void)portable;
    struct product m;
    void *rows;
    random_product(p, &m, &rows);
    if (random_between(0, 7) == 0) { /* a NaN row must not touch its neighbours */
        if (p->packed == PACKED_F32)
            ((float *)rows)[0] = NAN;
        else if (p->packed == PACKED_BF16)
            ((uint16_t *)rows)[0] = 0x7fc0;
        else
            memcpy((int16_t *)rows + m.k, &(float){NAN}, sizeof(float));
    }
    size_t size = value_bytes(m.type, 1);
    size_t count = (size_t)(m.rows - 1) * (size_t)m.out_stride + (size_t)m.columns,
           columns = (size_t)m.columns;
    void *before = buffer(count * size, 64);
    memcpy(before, m.out, count * size);
    float sums[2][100] = {0};
    if (m.sum) {
        memcpy(sums[0], m.sum, columns * sizeof(float));
        memcpy(sums[1], m.sum_squares, columns * sizeof(float));
    }
    p->product(&m);
    const void *addend = m.addend == m.out ? before : m.addend;
    for (int n = 0; n < m.columns; n++) {
        double sum = (double)sums[0][n], squares = (double)sums[1][n], magnitudes = 1;
        for (int t = 0; t < m.rows; t++) {
            double magnitude, y = expected_value(p, &m, addend, t, n, &magnitude);
            double x = (double)stored(m.out, m.type, (size_t)(t * m.out_stride + n));
            double tolerance = 1e-6 * magnitude + (m.type == VALUE_F16 ? fabs(y) * 0x1p-11 + 0x1p-25 : 0.0);
            if (!close_to(x, y, tolerance))
                check_fail(
                    "row %d of %d column %d of %d (k %d, taps %d step %d, row step %d, stride %td, type %d, "
                    "activation %d): %.9g instead of %.9g",
                    t, m.rows, n, m.columns, m.k, m.taps, m.tap_step, m.row_step, m.a_stride, (int)m.type,
                    (int)m.activation, x, y);
            sum += x;
            squares += x * x;
            magnitudes += fabs(x) + x * x;
        }
        double tolerance =
            (m.type == VALUE_F16 ? 0x1p-10 : 2e-6) * magnitudes; /* sums are of what is not rounded yet */
        if (m.sum && (!close_to((double)m.sum[n], sum, tolerance) ||
                      !close_to((double)m.sum_squares[n], squares, tolerance)))
            check_fail("sums of column %d of %d over %d rows: %.9g %.9g instead of %.9g %.9g", n, m.columns,
                       m.rows, (double)m.sum[n], (double)m.sum_squares[n], sum, squares);
    }
    for (int t = 0; t + 1 < m.rows; t++) {
        size_t gap = (size_t)(t * m.out_stride + m.columns) * size;
        if (memcmp((char *)m.out + gap, (char *)before + gap, (size_t)(m.out_stride - m.columns) * size) != 0)
            check_fail("wrote between rows %d and %d", t, t + 1);
    }
}

void check_rounds(const struct set *set, const struct products *p, const char *way, const char *kernel,
                  products_check *once, int rounds)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", way, kernel);
    if (check_begin(set, name))
        for (int i = 0; i < rounds; i++) {
            once(p, &set->portable.exact);
            buffers_intact();
            buffers_release();
        }
}

static void check_one_way(const struct set *set, const struct products *p, const char *way)
{
    snake_error = p->packed == PACKED_F32 ? 0 : 2.4e-5;
    check_rounds(set, p, way, "prologue", check_prologue_once, 4 * ROUNDS);
    check_rounds(set, p, way, "expand", check_expand_once, ROUNDS);
    check_rounds(set, p, way, "expand_rows", check_expand_rows_once, ROUNDS);
    check_rounds(set, p, way, "product", check_product_once, ROUNDS);
    if (!p->points)
        return;
    struct products floats = *p;
    floats.packed = PACKED_F32;
    floats.prologue = p->prologue_float;
    check_rounds(set, &floats, way, "prologue_float", check_prologue_once, 4 * ROUNDS);
    check_winograd(set, p, way);
}

void check_products(const struct set *set)
{
    check_one_way(set, &set->kernels.exact, "exact");
    if (set->kernels.fast.product != set->kernels.exact.product)
        check_one_way(set, &set->kernels.fast, "fast");
}
