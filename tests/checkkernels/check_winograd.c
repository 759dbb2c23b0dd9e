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
        const double term = coefficients[i] * (double)t->in[(row + i * t->distance) * t->in_stride + c];
        sum += term;
        *magnitude += fabs(term);
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
    t.in = random_values(VALUE_F32, (size_t)(in_rows - 1) * (size_t)t.in_stride + (size_t)t.k, 3);
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

/* The weights at `weights` of a run of taps, k apart, at a point. */
static double expected_weight(const struct products *p, const float *weights, int taps, int run_taps, int k,
                              int point, double *magnitude)
{
    const int finite = p->points - 1;
    double sum = 0, distances = 1;
    *magnitude = 0;
    for (int i = 0; i < finite && point < finite; i++)
        distances *= i == point ? 1 : finite_points[point] - finite_points[i];
    for (int i = 0; i < taps && i < run_taps; i++) {
        const double factor = point < finite ? pow(finite_points[point], i) / distances : i + 1 == run_taps;
        sum += factor * (double)weights[(ptrdiff_t)i * k];
        *magnitude += fabs(factor * (double)weights[(ptrdiff_t)i * k]);
    }
    return sum;
}

static void check_weights_once(const struct products *p, const struct products *portable)
{
    struct kernels kernels;
    (void)portable;
    kernels_get(&kernels, ISA_PORTABLE);
    struct transform_weights w = {.type = (enum value_type)random_between(0, 4),
                                  .columns = random_between(1, 80),
                                  .taps = random_between(3, 15),
                                  .k = random_between(1, 5) * KERNELS_K};
    w.run_taps = winograd_run_taps(p, w.taps);
    const int runs = (w.taps + w.run_taps - 1) / w.run_taps;
    const size_t row = (size_t)(w.taps * w.k);
    w.row_bytes = value_bytes(w.type, row);
    w.source = random_weights(w.type, (size_t)w.columns * row);
    w.point_bytes = panel_bytes(p, w.columns, runs, w.k) + (size_t)random_between(0, 2) * 64;
    char *panels = buffer(p->points * w.point_bytes, packed_align(p));
    w.panels = panels;
    p->transform_weights(&w);
    float *values = buffer(row * sizeof *values, 64);
    for (int n = 0; n < (w.columns + p->panel - 1) / p->panel * p->panel; n++) {
        if (n < w.columns)
            kernels.to_float(values, (const char *)w.source + (size_t)n * w.row_bytes, w.type, row);
        for (int i = 0; i < p->points * runs * w.k; i++) {
            const int point = i / (runs * w.k), run = i / w.k % runs, c = i % w.k;
            const char *panel = panels + (size_t)point * w.point_bytes;
            double y = 0, magnitude = 0;
            if (n < w.columns)
                y = expected_weight(p, values + (ptrdiff_t)run * w.run_taps * w.k + c,
                                    w.taps - run * w.run_taps, w.run_taps, w.k, point, &magnitude);
            const double x = (double)panel_element(p, panel, runs, w.k, n, run, c);
            if (!close_to(x, y,
                          1e-6 * magnitude + whole_step(p, panel_scale(p, panel, runs, w.k, n)) + 1e-30))
                check_fail(
                    "type %d point %d column %d of %d run %d of %d channel %d of %d: %.9g instead of %.9g",
                    (int)w.type, point, n, w.columns, run, runs, c, w.k, x, y);
        }
        for (int point = 0; point < p->points; point++)
            check_panel_sums(p, panels + (size_t)point * w.point_bytes, runs, w.k, n);
    }
}

/* The sum of an output row and column before the epilogue. */
static double expected_output(const struct products *p, const struct transform_output *t, int row, int n,
                              double *magnitude)
{
    const int tile = row / (t->tile_rows * t->dilation), power = row / t->dilation % t->tile_rows;
    const float *in = t->in + (tile * t->dilation + row % t->dilation) * t->in_stride + n;
    const int finite = p->points - 1;
    double sum = 0;
    *magnitude = 0;
    for (int point = 0; point < p->points; point++) {
        const double factor = point < finite ? pow(finite_points[point], power) : power + 1 == t->tile_rows;
        sum += factor * (double)in[point * t->point_stride];
        *magnitude += fabs(factor * (double)in[point * t->point_stride]);
    }
    return sum;
}

static void check_output_once(const struct products *p, const struct products *portable)
{
    (void)portable;
    struct transform_output t = {.dilation = random_between(1, 5)};
    t.tile_rows = p->points + 1 - winograd_run_taps(p, random_between(3, 15));
    const int tiles = random_between(1, 9), group = t.tile_rows * t.dilation;
    const int rows = tiles * group - random_between(0, group - 1), columns = random_between(1, p->panel);
    t.in_stride = p->panel + random_between(0, 3);
    t.point_stride = tiles * t.dilation * t.in_stride + random_between(0, 9);
    t.in = random_values(VALUE_F32, (size_t)(p->points * t.point_stride), 2);
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
