/* check_winograd.c: the transforms of fast convolutions of a set, against their definition in double precision: the values
 * of polynomials at the points and infinity. */
#include <math.h>
#include <string.h>

#include "check.h"

enum { ROUNDS = 40, MOST = WINOGRAD_POINTS };

static const double finite_points[] = {0.1875,  -0.1875, 0.5625, -0.5625, 0.9375,
                                       -0.9375, 1.375,   -1.375, 2.5,     -2.5};

/* The coefficients of the product of (x - q) over all finite points q but `left_out`. */
static void product_of_others(const struct products *p, int left_out, double coefficients[MOST])
{
    memset(coefficients, 0, MOST * sizeof *coefficients);
    coefficients[0] = 1;
    for (int i = 0; i + 1 < p->points; i++)
        for (int power = p->points - 1; i != left_out && power >= 0; power--)
            coefficients[power] =
                (power ? coefficients[power - 1] : 0) - finite_points[i] * coefficients[power];
}

static double expected_input(const struct products *p, const struct transform_input *t, int point, int row,
                             int c, double *magnitude)
{
    double coefficients[MOST], sum = 0;
    product_of_others(p, point, coefficients);
    *magnitude = 0;
    for (int i = 0; i < p->points; i++) {
        const ptrdiff_t at = (row + i * t->distance) * t->in_stride + c;
        const double added = t->added ? (double)(t->factor * t->added[at]) : 0;
        sum += coefficients[i] * ((double)t->in[at] + added);
        *magnitude += fabs(coefficients[i]) * (fabs((double)t->in[at]) + fabs(added));
    }
    return sum;
}

static void check_input_once(const struct products *p, const struct products *portable)
{
    (void)portable;
    struct transform_input t = {.distance = random_between(1, 6),
                                .rows = random_between(1, 6),
                                .k = random_between(1, WINOGRAD_MOST_K / KERNELS_K) * KERNELS_K};
    t.in_stride = t.k + random_between(0, 3);
    t.out_stride = packed_stride(p, t.k);
    t.point_stride = t.rows * t.out_stride + random_between(0, 3) * 2;
    const int in_rows = t.rows + (p->points - 1) * t.distance;
    const size_t in_size = (size_t)(in_rows - 1) * (size_t)t.in_stride + (size_t)t.k;
    t.in = random_values(VALUE_F32, in_size, 3);
    if (random_between(0, 1)) {
        t.added = random_values(VALUE_F32, in_size, 3);
        t.factor = random_between(0, 1) ? 1 : -1;
    }
    const size_t count = (size_t)((p->points - 1) * t.point_stride + t.rows * t.out_stride);
    char *out = buffer(count * packed_bytes(p), packed_align(p));
    t.out = out;
    p->transform_input(&t);
    for (int point = 0; point < p->points; point++)
        for (int row = 0; row < t.rows; row++)
            for (int c = 0; c < t.k; c++) {
                const size_t at = (size_t)(point * t.point_stride + row * t.out_stride) * packed_bytes(p);
                double magnitude, y = expected_input(p, &t, point, row, c, &magnitude);
                const double x = (double)packed_element(p, out + at, t.k, c);
                if (!close_to(x, y, 1e-6 * magnitude + whole_step(p, packed_scale(p, out + at, t.k)) + 1e-30))
                    check_fail("point %d row %d of %d channel %d of %d: %.9g instead of %.9g", point, row,
                               t.rows, c, t.k, x, y);
            }
}

/* The weight of channel c of a column, whose values are at `column`, at a point. */
static double expected_weight(const struct products *p, const struct transform_weights *w,
                              const float *column, int c, int point, double *magnitude)
{
    const int finite = p->points - 1;
    double sum = 0, distances = 1;
    *magnitude = 0;
    for (int i = 0; i < finite && point < finite; i++)
        distances *= i == point ? 1 : finite_points[point] - finite_points[i];
    for (int i = 0; i < 2 * w->run_taps && i < w->taps; i++) {
        const int of_run = i % w->run_taps;
        const double factor =
            point < finite ? pow(finite_points[point], of_run) / distances : of_run + 1 == w->run_taps;
        const double term =
            factor * (double)w->factors[i / w->run_taps] * (double)column[(ptrdiff_t)i * w->k + c];
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

/* All panels of weights, each at each point and as it is laid out, against the definition. */
static void compare_weights(const struct products *p, const struct kernels *kernels,
                            const struct transform_weights *w)
{
    const size_t row = (size_t)(w->taps * w->k);
    float *values = buffer(row * sizeof *values, 64);
    for (int n = 0; n < (w->columns + p->panel - 1) / p->panel * p->panel; n++) {
        if (n < w->columns)
            kernels->to_float(values, (const char *)w->source + (size_t)n * w->row_bytes, w->type, row);
        for (int point = 0; point < p->points; point++) {
            const char *panel = (const char *)w->panels + (size_t)(n / p->panel) * w->panel_step +
                                (size_t)point * w->point_bytes;
            const int of_panel = n % p->panel;
            for (int c = 0; c < w->k; c++) {
                double y = 0, magnitude = 0;
                if (n < w->columns)
                    y = expected_weight(p, w, values, c, point, &magnitude);
                const double x = (double)panel_element(p, panel, 1, w->k, of_panel, 0, c);
                const double step = whole_step(p, panel_scale(p, panel, 1, w->k, of_panel));
                if (!close_to(x, y, 1e-6 * magnitude + step + 1e-30))
                    check_fail("type %d point %d column %d of %d channel %d of %d: %.9g instead of %.9g",
                               (int)w->type, point, n, w->columns, c, w->k, x, y);
            }
            check_panel_sums(p, panel, 1, w->k, of_panel);
        }
    }
}

static void check_weights_once(const struct products *p, const struct products *portable)
{
    static const float factors[][2] = {{1, 0}, {0.5F, 0.5F}, {0.5F, -0.5F}, {0, 1}};
    struct kernels kernels;
    (void)portable;
    kernels_get(&kernels, ISA_PORTABLE);
    struct transform_weights w = {.type = (enum value_type)random_between(0, 4),
                                  .columns = random_between(1, 80),
                                  .taps = random_between(3, 12),
                                  .factors = {1, 0},
                                  .k = random_between(1, 5) * KERNELS_K};
    w.run_taps = winograd_run_taps(p, w.taps);
    if (w.taps > w.run_taps)
        memcpy(w.factors, factors[random_between(0, 3)], sizeof w.factors);
    const size_t row = (size_t)(w.taps * w.k);
    const size_t panels = (size_t)((w.columns + p->panel - 1) / p->panel);
    w.row_bytes = value_bytes(w.type, row);
    w.source = random_weights(w.type, (size_t)w.columns * row);
    w.point_bytes = panel_bytes(p, p->panel, 1, w.k) + (size_t)random_between(0, 2) * 64;
    w.panel_step = p->points * w.point_bytes + (size_t)random_between(0, 2) * 64;
    w.panels = buffer(panels * w.panel_step, packed_align(p));
    p->transform_weights(&w);
    compare_weights(p, &kernels, &w);
}

/* A product at a point of one of nested tiles, the h-th of three. */
static double nested_product(const struct transform_output *t, const float *in, int h, double *magnitude)
{
    static const int signs[3][4] = {{1, 1, 1, 0}, {0, 1, -1, 0}, {0, 1, 1, 1}};
    double sum = 0;
    *magnitude = 0;
    for (int i = 0; i < 4; i++) {
        const double term = signs[h][i] * (double)in[i * t->nested_stride];
        sum += term;
        *magnitude += fabs(term);
    }
    return sum;
}

/* The sum of an output row and column before the epilogue. */
static double expected_output(const struct products *p, const struct transform_output *t, int row, int n,
                              double *magnitude)
{
    const int tile = row / (t->tile_rows * t->dilation), power = row / t->dilation % t->tile_rows;
    const int group = t->nested_stride ? tile / 3 : tile;
    const float *in = t->in + (group * t->dilation + row % t->dilation) * t->in_stride + n;
    const int finite = p->points - 1;
    double sum = 0;
    *magnitude = 0;
    for (int point = 0; point < p->points; point++) {
        const double factor = point < finite ? pow(finite_points[point], power) : power + 1 == t->tile_rows;
        double y = (double)in[point * t->point_stride], terms = fabs(y);
        if (t->nested_stride)
            y = nested_product(t, in + point * t->point_stride, tile % 3, &terms);
        sum += factor * y;
        *magnitude += fabs(factor) * terms;
    }
    return sum;
}

static void check_output_once(const struct products *p, const struct products *portable)
{
    (void)portable;
    struct transform_output t = {.dilation = random_between(1, 5)};
    const int taps = random_between(3, 12), run_taps = winograd_run_taps(p, taps);
    const bool nested = taps > run_taps;
    t.tile_rows = p->points + 1 - run_taps;
    const int groups = random_between(1, 9), group = (nested ? 3 : 1) * t.tile_rows * t.dilation;
    const int rows = groups * group - random_between(0, group - 1), columns = random_between(1, p->panel);
    t.in_stride = p->panel + random_between(0, 3);
    t.point_stride = groups * t.dilation * t.in_stride + random_between(0, 9);
    t.nested_stride = nested ? p->points * t.point_stride + random_between(0, 9) : 0;
    t.in = random_values(VALUE_F32, (size_t)(p->points * t.point_stride + 3 * t.nested_stride), 2);
    float sum[2][64] = {{0}};
    const size_t values = (size_t)(rows * columns);
    struct product end = {.rows = rows,
                          .columns = columns,
                          .bias = random_between(0, 1) ? random_values(VALUE_F32, (size_t)columns, 1) : NULL,
                          .scale = 0.75f,
                          .type = VALUE_F32,
                          .residual = random_between(0, 1) ? random_values(VALUE_F32, values, 1) : NULL,
                          .residual_stride = columns,
                          .out = buffer(values * sizeof(float), 4),
                          .out_stride = columns,
                          .sum = sum[0],
                          .sum_squares = sum[1]};
    t.epilogue = &end;
    p->transform_output(&t);
    for (int n = 0; n < columns; n++) {
        double total = 0, squares = 0, magnitudes = 1;
        for (int row = 0; row < rows; row++) {
            const ptrdiff_t at = (ptrdiff_t)row * columns + n;
            double magnitude, y = expected_output(p, &t, row, n, &magnitude);
            y = 0.75 * (y + (end.bias ? (double)end.bias[n] : 0) +
                        (end.residual ? (double)((const float *)end.residual)[at] : 0));
            const double x = (double)((float *)end.out)[at];
            if (!close_to(x, y, 1e-6 * (magnitude + 2)))
                check_fail("row %d of %d column %d of %d: %.9g instead of %.9g", row, rows, n, columns, x, y);
            total += x;
            squares += x * x;
            magnitudes += fabs(x) + x * x;
        }
        if (!close_to((double)sum[0][n], total, 2e-6 * magnitudes) ||
            !close_to((double)sum[1][n], squares, 2e-6 * magnitudes))
            check_fail("sums of column %d: %.9g %.9g instead of %.9g %.9g", n, (double)sum[0][n],
                       (double)sum[1][n], total, squares);
    }
}

void check_winograd(const struct set *set, const struct products *p, const char *way)
{
    check_rounds(set, p, way, "transform_input", check_input_once, ROUNDS);
    check_rounds(set, p, way, "transform_weights", check_weights_once, ROUNDS);
    check_rounds(set, p, way, "transform_output", check_output_once, ROUNDS);
}
