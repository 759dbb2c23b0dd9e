/* bench.c: times the kernels of a set over the shapes that Kokoro spends its time in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"

enum { RUNS = 15 };

/* Scratch that the timed calls share; nothing here is freed before the program ends. */
static void *scratch(size_t bytes)
{
    void *out = aligned_alloc(64, (bytes + 4095) / 4096 * 4096);
    if (!out) {
        fprintf(stderr, "checkkernels: no memory for %zu bytes\n", bytes);
        exit(2);
    }
    memset(out, 0, bytes);
    return out;
}

static float *random_scratch(size_t count)
{
    float *out = scratch(count * sizeof(float));
    for (size_t i = 0; i < count; i++)
        out[i] = random_float(-1, 1);
    return out;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of RUNS values. Not the best one: what a virtual machine does not get of its processor is taken off a thread's time late, and
 * then from another run, which seems twice as fast. */
static double median(double values[RUNS])
{
    qsort(values, RUNS, sizeof *values, compare);
    return values[RUNS / 2];
}

/* The median time of RUNS runs of `call`, each repeated until it lasts at least a millisecond. */
static double time_of(void (*call)(void *), void *arg)
{
    double times[RUNS];
    int repeats = 1;
    for (int run = 0; run < RUNS; run++) {
        double start = clock_thread_seconds();
        for (int i = 0; i < repeats; i++)
            call(arg);
        double seconds = clock_thread_seconds() - start;
        if (seconds < 1e-3 && repeats < 1 << 20) {
            repeats *= 4;
            run--;
            continue;
        }
        times[run] = seconds / repeats;
    }
    return median(times);
}

static double median_peak(peak_function *peak_of)
{
    double peaks[RUNS];
    for (int run = 0; run < RUNS; run++)
        peaks[run] = peak_of();
    return median(peaks);
}

struct shape {
    const char *name;
    int rows, k, columns, taps, step;
};

/* Blocks of the shapes in the generator, the decoder and ALBERT. */
static const struct shape shapes[] = {
    {"128x128 3 taps", 336, 128, 128, 3, 1},     {"128x128 7 taps", 336, 128, 128, 7, 3},
    {"128x128 11 taps", 336, 128, 128, 11, 5},   {"256x256 3 taps", 168, 256, 256, 3, 1},
    {"256x256 7 taps", 168, 256, 256, 7, 3},     {"256x256 11 taps", 168, 256, 256, 11, 5},
    {"1090x1024 3 taps", 112, 1120, 1024, 3, 1}, {"768x2048", 112, 768, 2048, 1, 1},
    {"768x2048 short", 27, 768, 2048, 1, 1},     {"512x256 2 taps", 336, 512, 256, 2, 1},
    {"attention 64x128", 128, 64, 128, 1, 1},
};

struct product_call {
    const struct products *p;
    struct product m;
};

static void call_product(void *arg)
{
    struct product_call *call = arg;
    call->p->product(&call->m);
}

static void bench_product(const struct set *set, const struct products *p, const struct shape *s, double peak)
{
    size_t rows = (size_t)(s->rows + (s->taps - 1) * s->step), columns = (size_t)s->columns;
    float *in = random_scratch(rows * (size_t)s->k), *w = random_scratch(columns * (size_t)(s->taps * s->k));
    int stride = packed_stride(p, s->k);
    void *packed = scratch(rows * (size_t)stride * packed_bytes(p));
    struct prologue prologue = {.in = in,
                                .in_stride = s->k,
                                .out = packed,
                                .out_stride = stride,
                                .rows = (int)rows,
                                .channels = s->k,
                                .padded = s->k};
    p->prologue(&prologue);
    struct expand expand = {.source = w,
                            .row_bytes = (size_t)(s->taps * s->k) * sizeof(float),
                            .columns = s->columns,
                            .source_k = s->k,
                            .tap_step = 1,
                            .taps = s->taps,
                            .k = s->k,
                            .panels = scratch(panel_bytes(p, s->columns, s->taps, s->k))};
    p->expand(&expand);
    enum value_type type = p->packed == PACKED_F32 ? VALUE_F32 : VALUE_F16;
    struct product_call call = {p,
                                {.a = packed,
                                 .a_stride = stride,
                                 .rows = s->rows,
                                 .row_step = 1,
                                 .taps = s->taps,
                                 .tap_step = s->step,
                                 .k = s->k,
                                 .panels = expand.panels,
                                 .columns = s->columns,
                                 .bias = random_scratch(columns),
                                 .scale = 1.0f,
                                 .residual = scratch((size_t)s->rows * columns * sizeof(float)),
                                 .residual_stride = s->columns,
                                 .out = scratch((size_t)s->rows * columns * sizeof(float)),
                                 .type = type,
                                 .out_stride = s->columns,
                                 .sum = scratch(columns * sizeof(float)),
                                 .sum_squares = scratch(columns * sizeof(float))}};
    double seconds = time_of(call_product, &call);
    double gflops = 2e-9 * s->rows * s->k * s->columns * s->taps / seconds;
    printf("%-12s %-5s product %-18s %9.1f us %8.1f GFLOPS", set->name,
           p == &set->kernels.fast ? "fast" : "exact", s->name, seconds * 1e6, gflops);
    printf(peak > 0 ? " %5.1f %% of peak\n" : "\n", 100e9 * gflops / peak);
    free(in);
    free(w);
    free(packed);
    free(expand.panels);
    free((void *)call.m.bias);
    free((void *)call.m.residual);
    free(call.m.out);
    free(call.m.sum);
    free(call.m.sum_squares);
}

struct prologue_call {
    const struct products *p;
    struct prologue a;
};

static void call_prologue(void *arg)
{
    struct prologue_call *call = arg;
    call->p->prologue(&call->a);
}

struct expand_call {
    const struct products *p;
    struct expand e;
};

static void call_expand(void *arg)
{
    struct expand_call *call = arg;
    call->p->expand(&call->e);
}

static void bench_around(const struct set *set, const struct products *p)
{
    enum { BLOCK = 512, CHANNELS = 128, TAPS = 7 };
    const char *way = p == &set->kernels.fast ? "fast" : "exact";
    float *in = random_scratch(BLOCK * CHANNELS), *alpha = random_scratch(CHANNELS);
    uint16_t *half = scratch(BLOCK * CHANNELS * 2);
    set->portable.from_float(half, VALUE_F16, in, BLOCK * CHANNELS);
    void *out = scratch(BLOCK * (CHANNELS + 2) * sizeof(float));
    struct prologue_call call = {p,
                                 {.in_stride = CHANNELS,
                                  .out = out,
                                  .out_stride = packed_stride(p, CHANNELS),
                                  .rows = BLOCK,
                                  .channels = CHANNELS,
                                  .padded = CHANNELS,
                                  .scale = alpha,
                                  .shift = alpha,
                                  .activation = ACTIVATION_SNAKE,
                                  .alpha = alpha,
                                  .inverse_alpha = alpha}};
    for (int type = VALUE_F32; type <= VALUE_F16; type++) {
        call.a.in = type == VALUE_F32 ? (void *)in : (void *)half;
        call.a.type = (enum value_type)type;
        double seconds = time_of(call_prologue, &call);
        printf("%-12s %-5s prologue, snake, from %s %9.3f ns a value\n", set->name, way,
               type == VALUE_F32 ? "f32" : "f16", 1e9 * seconds / (BLOCK * CHANNELS));
    }
    static const char *const names[] = {"f32", "f16", "bf16", "q8_0", "q4_0"};
    enum { WEIGHTS = CHANNELS * CHANNELS * TAPS };
    void *source = scratch(WEIGHTS * 4), *panels = scratch(panel_bytes(p, CHANNELS, TAPS, CHANNELS));
    for (int type = VALUE_F32; type <= VALUE_Q4_0; type++) {
        struct expand_call expand = {p,
                                     {.source = source,
                                      .type = (enum value_type)type,
                                      .row_bytes = value_bytes((enum value_type)type, CHANNELS * TAPS),
                                      .columns = CHANNELS,
                                      .source_k = CHANNELS,
                                      .tap_step = 1,
                                      .taps = TAPS,
                                      .k = CHANNELS,
                                      .panels = panels}};
        printf("%-12s %-5s expand %-4s %9.3f ns a weight\n", set->name, way, names[type],
               1e9 * time_of(call_expand, &expand) / WEIGHTS);
    }
    free(in);
    free(alpha);
    free(half);
    free(out);
    free(source);
    free(panels);
}

struct transforms_call {
    const struct products *p;
    struct transform_input in;
    struct transform_weights weights;
    struct transform_output out;
};

static void call_transform_input(void *arg)
{
    const struct transforms_call *call = arg;
    call->p->transform_input(&call->in);
}

static void call_transform_weights(void *arg)
{
    const struct transforms_call *call = arg;
    call->p->transform_weights(&call->weights);
}

static void call_transform_output(void *arg)
{
    const struct transforms_call *call = arg;
    call->p->transform_output(&call->out);
}

/* The transforms of a convolution of 7 taps: of its input and output in time a value of the plain convolution's. */
static void bench_transforms(const struct set *set, const struct products *p)
{
    enum { CHANNELS = 128, TAPS = 7, TILES = 84, IN_ROWS = TILES + WINOGRAD_POINTS };
    const int run_taps = winograd_run_taps(p, TAPS);
    const int tile_rows = p->points + 1 - run_taps;
    const char *way = p == &set->kernels.fast ? "fast" : "exact";
    const int stride = packed_stride(p, CHANNELS);
    const size_t panel = panel_bytes(p, p->panel, 1, CHANNELS),
                 panels = panel_bytes(p, CHANNELS, 1, CHANNELS);
    float *in = random_scratch(IN_ROWS * CHANNELS);
    float *products = random_scratch((size_t)(p->points * TILES * p->panel));
    void *rows = scratch((size_t)(p->points * TILES * stride) * packed_bytes(p));
    void *source = scratch(value_bytes(VALUE_Q8_0, CHANNELS * TAPS * CHANNELS));
    void *all = scratch((size_t)p->points * panels),
         *out = scratch((size_t)(TILES * tile_rows * p->panel) * 2);
    struct product end = {.rows = TILES * tile_rows,
                          .columns = p->panel,
                          .scale = 1.0f,
                          .type = VALUE_F16,
                          .out = out,
                          .out_stride = p->panel};
    struct transforms_call call = {.p = p,
                                   .in = {.in = in,
                                          .in_stride = CHANNELS,
                                          .distance = 1,
                                          .rows = TILES,
                                          .k = CHANNELS,
                                          .out = rows,
                                          .out_stride = stride,
                                          .point_stride = (ptrdiff_t)TILES * stride},
                                   .weights = {.source = source,
                                               .type = VALUE_Q8_0,
                                               .row_bytes = value_bytes(VALUE_Q8_0, CHANNELS * TAPS),
                                               .columns = CHANNELS,
                                               .taps = TAPS,
                                               .run_taps = run_taps,
                                               .factors = {1, 0},
                                               .k = CHANNELS,
                                               .panels = all,
                                               .point_bytes = panel,
                                               .panel_step = (size_t)p->points * panel},
                                   .out = {.in = products,
                                           .in_stride = p->panel,
                                           .point_stride = (ptrdiff_t)TILES * p->panel,
                                           .tile_rows = tile_rows,
                                           .dilation = 1,
                                           .epilogue = &end}};
    printf("%-12s %-5s transform_input  %13.3f ns a value\n", set->name, way,
           1e9 * time_of(call_transform_input, &call) / (TILES * tile_rows * CHANNELS));
    printf("%-12s %-5s transform_weights %12.3f ns a weight\n", set->name, way,
           1e9 * time_of(call_transform_weights, &call) / (CHANNELS * TAPS * CHANNELS));
    printf("%-12s %-5s transform_output %13.3f ns a value\n", set->name, way,
           1e9 * time_of(call_transform_output, &call) / (TILES * tile_rows * p->panel));
    free(in);
    free(products);
    free(rows);
    free(source);
    free(all);
    free(out);
}

void bench_products(const struct set *set)
{
    for (int fast = 0; fast < 2; fast++) {
        const struct products *p = fast ? &set->kernels.fast : &set->kernels.exact;
        if (fast && p->product == set->kernels.exact.product)
            return;
        peak_function *peak_of = fast ? set->fast_peak : set->exact_peak;
        const double peak = peak_of ? median_peak(peak_of) : 0;
        if (peak_of)
            printf("%-12s %-5s peak, measured %27.1f GFLOPS\n", set->name, fast ? "fast" : "exact",
                   peak * 1e-9);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            bench_product(set, p, &shapes[i], peak);
        bench_around(set, p);
        if (p->transform_input)
            bench_transforms(set, p);
    }
}

struct matvec_call {
    const struct kernels *k;
    struct matvec m;
};

static void call_matvec(void *arg)
{
    struct matvec_call *call = arg;
    call->k->matvec(&call->m);
}

struct rows_call {
    void (*f)(float *out, const float *in, size_t count);
    float *out, *in;
};

enum { VALUES = 4096, HIDDEN = 256 };

static void call_rows(void *arg)
{
    struct rows_call *call = arg;
    call->f(call->out, call->in, VALUES);
}

struct polar_call {
    const struct kernels *k;
    const float *in;
    float *out;
};

static void call_polar(void *arg)
{
    struct polar_call *call = arg;
    float re[VALUES];
    memcpy(re, call->in, sizeof re); /* what replaces `out`, angles, stays in its range */
    call->k->polar(re, call->out, VALUES);
}

struct column_sums_call {
    const struct kernels *k;
    uint16_t *x, *added;
};

static void call_column_sums(void *arg)
{
    struct column_sums_call *call = arg;
    enum { CHANNELS = 128 };
    float sum[CHANNELS] = {0}, squares[CHANNELS] = {0};
    call->k->column_sums(call->x, call->added, VALUE_F16, CHANNELS, VALUES / CHANNELS, CHANNELS, sum,
                         squares);
}

void bench_rows(const struct set *set)
{
    const struct kernels *k = &set->kernels;
    float *in = random_scratch(VALUES), *out = scratch(VALUES * sizeof(float));
    const struct {
        const char *name;
        void (*f)(float *, const float *, size_t);
    } functions[] = {{"sine", k->sine},
                     {"exponential", k->exponential},
                     {"sigmoid", k->sigmoid},
                     {"hyperbolic_tangent", k->hyperbolic_tangent}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        struct rows_call call = {functions[i].f, out, in};
        printf("%-12s %-26s %9.3f ns a value\n", set->name, functions[i].name,
               1e9 * time_of(call_rows, &call) / VALUES);
    }
    struct polar_call polar = {k, in, out};
    printf("%-12s %-26s %9.3f ns a value\n", set->name, "polar", 1e9 * time_of(call_polar, &polar) / VALUES);
    struct column_sums_call sums = {k, scratch(VALUES * sizeof(uint16_t)),
                                    scratch(VALUES * sizeof(uint16_t))};
    memset(sums.x, 0, VALUES * sizeof *sums.x);
    memset(sums.added, 0, VALUES * sizeof *sums.added);
    printf("%-12s %-26s %9.3f ns a value\n", set->name, "column_sums, added",
           1e9 * time_of(call_column_sums, &sums) / VALUES);
    free(sums.x);
    free(sums.added);
    float *w = random_scratch(4 * HIDDEN * HIDDEN);
    for (int type = VALUE_F32; type <= VALUE_BF16; type += VALUE_BF16 - VALUE_F32)
        for (int batch = 1; batch <= 4; batch += 3) {
            void *packed = scratch(matvec_bytes((enum value_type)type, 4 * HIDDEN, HIDDEN));
            matvec_pack(w, 4 * HIDDEN, HIDDEN, (enum value_type)type, packed);
            struct matvec_call call = {k,
                                       {.w = packed,
                                        .type = (enum value_type)type,
                                        .n = 4 * HIDDEN,
                                        .k = HIDDEN,
                                        .batch = batch,
                                        .x = in,
                                        .x_stride = HIDDEN,
                                        .y = out,
                                        .y_stride = 4 * HIDDEN}};
            printf("%-12s matvec %s, batch %d %17.2f us\n", set->name, type == VALUE_F32 ? "f32 " : "bf16",
                   batch, 1e6 * time_of(call_matvec, &call));
            free(packed);
        }
    free(w);
    free(in);
    free(out);
}
