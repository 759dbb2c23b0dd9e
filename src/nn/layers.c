/* layers.c: product layers, normalisation. See layers.h.
 *
 * A product layer is cut in one of two ways, with the same result:
 *   by rows     the weights' panels fit a core's cache: they are expanded once, all together; then each task packs a
 *               block of rows (with the rows around it that the taps reach) into the cache and multiplies it
 *               with all panels. The generator's convolutions: many rows, small weights; most of them with fewer
 *               products (winograd.c).
 *   by columns  the rows are few: they are packed once, all together; then each task expands a group of panels into
 *               the cache and multiplies all rows with it. ALBERT, the decoder: few rows, large weights. */
#include "nn/layers.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "nn/layer_run.h"

enum {
    BLOCK_ROWS = 512,   /* rows of a task */
    SUM_ROWS = 64,      /* rows of a partial sum of float32 values: short, for it is summed in float32 */
    BLOCKS_BY_ROWS = 4, /* fewest blocks that are worth a task each */
    PANELS_BY_ROWS = 3 << 20,     /* most bytes of panels that are expanded all together */
    PANELS_BY_COLUMNS = 256 << 10 /* bytes of panels of one task by columns */
};

struct array nn_array(struct nn *nn, enum value_type type, int rows, int channels)
{
    const size_t bytes = (size_t)rows * (size_t)channels * (type == VALUE_F32 ? 4 : 2);
    return (struct array){arena_take(&nn->arena, bytes), type, rows, channels, channels};
}

void *array_row(const struct array *array, int row)
{
    const ptrdiff_t size = array->type == VALUE_F32 ? 4 : 2;
    return (unsigned char *)array->data + row * array->stride * size;
}

struct array array_part(const struct array *array, int first, int rows)
{
    struct array part = *array;
    part.data = array_row(array, first);
    part.rows = rows;
    return part;
}

/* ---- Product layers ------------------------------------------------------------------------------ */

size_t run_row_bytes(const struct layer_run *run)
{
    return (size_t)packed_stride(run->products, run->layer->weight->in) * packed_bytes(run->products);
}

/* Input rows that `rows` output rows reach. */
static int reach(const struct layer_run *run, int rows)
{
    return (rows - 1) * run->stride + (run->layer->weight->taps - 1) * run->dilation + 1;
}

void run_pack_rows(const struct layer_run *run, int span, int first, int rows, unsigned char *to, bool floats)
{
    const struct layer *layer = run->layer;
    const int begin = run->in.begin[span], count = run->in.begin[span + 1] - begin;
    const int from = first < 0 ? 0 : first;
    const int past = first + rows > count ? count : first + rows;
    const int stride = floats ? layer->weight->in : packed_stride(run->products, layer->weight->in);
    const size_t row_bytes = (size_t)stride * (floats ? sizeof(float) : packed_bytes(run->products));
    if (from >= past) {
        memset(to, 0, row_bytes * (size_t)rows);
        return;
    }
    memset(to, 0, row_bytes * (size_t)(from - first));
    memset(to + row_bytes * (size_t)(past - first), 0, row_bytes * (size_t)(first + rows - past));
    const int channels = layer->in.channels;
    const struct prologue prologue = {
        .in = array_row(&layer->in, begin + from),
        .type = layer->in.type,
        .in_stride = layer->in.stride,
        .out = to + row_bytes * (size_t)(from - first),
        .out_stride = stride,
        .rows = past - from,
        .channels = channels,
        .padded = layer->weight->in,
        .scale = layer->scale ? layer->scale + (ptrdiff_t)span * channels : NULL,
        .shift = layer->shift ? layer->shift + (ptrdiff_t)span * channels : NULL,
        .activation = layer->before,
        .slope = layer->before_slope,
        .alpha = layer->alpha,
        .inverse_alpha = layer->inverse_alpha,
    };
    if (floats)
        run->products->prologue_float(&prologue);
    else
        run->products->prologue(&prologue);
}

static void expand_columns(const struct layer_run *run, int first, int columns, void *panels)
{
    const struct weight *weight = run->layer->weight;
    const struct expand expand = {
        .source = (const unsigned char *)weight->data + weight->row_bytes * (size_t)first,
        .type = weight->type,
        .row_bytes = weight->row_bytes,
        .columns = columns,
        .source_k = weight->in,
        .tap_step = 1,
        .taps = weight->taps,
        .k = weight->in,
        .panels = panels,
    };
    run->products->expand(&expand);
}

static void *element(const struct array *array, int row, int column)
{
    return (unsigned char *)array_row(array, row) + (ptrdiff_t)column * (array->type == VALUE_F32 ? 4 : 2);
}

static int sum_parts(const struct layer_run *run)
{
    return (run->block_rows + run->sum_rows - 1) / run->sum_rows;
}

float *run_sums_of(const struct layer_run *run, const struct block *block, int part)
{
    const ptrdiff_t parts = (block - run->blocks) * sum_parts(run) + part;
    return run->sums + parts * 2 * run->layer->weight->out;
}

size_t run_sums_bytes(const struct layer_run *run)
{
    return (size_t)sum_parts(run) * 2 * (size_t)run->layer->weight->out * sizeof(float);
}

struct product run_epilogue(const struct layer_run *run, int row, int first, int columns, float *sums)
{
    const struct layer *layer = run->layer;
    const struct weight *weight = layer->weight;
    return (struct product){
        .columns = columns,
        .bias = weight->bias ? weight->bias + first : NULL,
        .activation = layer->after,
        .slope = layer->after_slope,
        .scale = layer->factor != 0 ? layer->factor : 1,
        .residual = layer->residual ? element(layer->residual, row, first) : NULL,
        .residual_stride = layer->residual ? layer->residual->stride : 0,
        .addend = layer->addend ? element(layer->addend, row, first) : NULL,
        .addend_stride = layer->addend ? layer->addend->stride : 0,
        .out = element(&layer->out, row, first),
        .type = layer->out.type,
        .out_stride = layer->out.stride,
        .sum = sums,
        .sum_squares = sums ? sums + weight->out : NULL,
    };
}

/* These columns of some rows of a block, from packed rows and panels. */
static void multiply_rows(const struct layer_run *run, int row, int rows, const void *packed,
                          const void *panels, int first, int columns, float *sums)
{
    const struct weight *weight = run->layer->weight;
    struct product product = run_epilogue(run, row, first, columns, sums);
    product.a = packed;
    product.a_stride = packed_stride(run->products, weight->in);
    product.rows = rows;
    product.row_step = run->stride;
    product.taps = weight->taps;
    product.tap_step = run->dilation;
    product.k = weight->in;
    product.panels = panels;
    run->products->product(&product);
}

/* The same for a whole block, one partial sum after another. */
static void multiply(const struct layer_run *run, const struct block *block, const unsigned char *packed,
                     const void *panels, int first, int columns)
{
    const struct weight *weight = run->layer->weight;
    const size_t row_bytes = run_row_bytes(run);
    const int step = run->sums ? run->sum_rows : run->block_rows;
    for (int row = 0; row < block->rows; row += step) {
        float *sums = NULL;
        if (run->sums) {
            sums = run_sums_of(run, block, row / step) + first;
            memset(sums, 0, (size_t)columns * sizeof *sums);
            memset(sums + weight->out, 0, (size_t)columns * sizeof *sums);
        }
        const int rows = block->rows - row < step ? block->rows - row : step;
        multiply_rows(run, block->out_row + row, rows, packed + row_bytes * (size_t)(row * run->stride),
                      panels, first, columns, sums);
    }
}

static void expand_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct layer_run *run = arg;
    const struct weight *weight = run->layer->weight;
    const int first = task * run->group;
    const int columns = weight->out - first < run->group ? weight->out - first : run->group;
    expand_columns(run, first, columns,
                   run->panels + panel_bytes(run->products, first, weight->taps, weight->in));
}

static void rows_task(void *arg, int task, int thread)
{
    const struct layer_run *run = arg;
    const struct block *block = &run->blocks[task];
    unsigned char *packed = run->packed + run->packed_size * (size_t)thread;
    run_pack_rows(run, block->span, block->first * run->stride - run->layer->padding, reach(run, block->rows),
                  packed, false);
    multiply(run, block, packed, run->panels, 0, run->layer->weight->out);
}

/* Packs what a block adds to the packed rows of the blocks before it in its utterance. */
static void pack_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct layer_run *run = arg;
    const struct block *block = &run->blocks[task];
    const bool last = task + 1 == run->block_count || run->blocks[task + 1].span != block->span;
    const int first = block->first * run->stride - run->layer->padding;
    const int rows = last ? reach(run, block->rows) : block->rows * run->stride;
    const size_t row_bytes = run_row_bytes(run);
    run_pack_rows(run, block->span, first, rows, run->packed + block->packed_at * row_bytes, false);
}

static void columns_task(void *arg, int task, int thread)
{
    const struct layer_run *run = arg;
    const struct weight *weight = run->layer->weight;
    const int first = task * run->group;
    const int columns = weight->out - first < run->group ? weight->out - first : run->group;
    const unsigned char *panels = run->layer->panels;
    if (panels) {
        panels += panel_bytes(run->products, first, weight->taps, weight->in);
    } else {
        panels = run->panels + run->panels_size * (size_t)thread;
        expand_columns(run, first, columns, run->panels + run->panels_size * (size_t)thread);
    }
    const size_t row_bytes = run_row_bytes(run);
    for (int i = 0; i < run->block_count; i++)
        multiply(run, &run->blocks[i], run->packed + run->blocks[i].packed_at * row_bytes, panels, first,
                 columns);
}

/* Rows of the blocks of an utterance of so many output rows, but the last. */
static int block_rows_of(const struct layer_run *run, int rows)
{
    return run->winograd ? winograd_block_rows(run, rows) : BLOCK_ROWS;
}

/* Cuts the output into blocks; returns false when the arena is full. *packed_rows is what packing all takes. */
static bool cut_blocks(struct nn *nn, struct layer_run *run, size_t *packed_rows)
{
    int count = 0;
    for (int i = 0; i < run->out.count; i++) {
        const int rows = run->out.begin[i + 1] - run->out.begin[i], step = block_rows_of(run, rows);
        count += (rows + step - 1) / step;
    }
    run->block_count = count;
    run->blocks = arena_take(&nn->arena, (size_t)count * sizeof *run->blocks);
    if (!run->blocks)
        return false;
    size_t packed_at = 0;
    struct block *block = run->blocks;
    for (int i = 0; i < run->out.count; i++) {
        const int begin = run->out.begin[i], rows = run->out.begin[i + 1] - begin;
        const int step = block_rows_of(run, rows);
        for (int first = 0; first < rows; first += step, block++) {
            const int here = rows - first < step ? rows - first : step;
            *block = (struct block){i, begin + first, first, here,
                                    packed_at + (size_t)first * (size_t)run->stride};
        }
        packed_at += rows ? (size_t)reach(run, rows) : 0;
    }
    *packed_rows = packed_at;
    return true;
}

/* Adds the blocks' sums up, in order. */
static void add_sums(const struct layer_run *run)
{
    const int columns = run->layer->weight->out;
    struct moments *moments = run->layer->moments;
    for (int i = 0; i < run->out.count * columns; i++)
        moments[i] = (struct moments){0, 0};
    for (int b = 0; b < run->block_count; b++) {
        struct moments *to = moments + (ptrdiff_t)run->blocks[b].span * columns;
        for (int row = 0; row < run->blocks[b].rows; row += run->sum_rows) {
            const float *sums = run_sums_of(run, &run->blocks[b], row / run->sum_rows);
            for (int i = 0; i < columns; i++) {
                to[i].sum += (double)sums[i];
                to[i].squares += (double)sums[columns + i];
            }
        }
    }
}

static int round_up(int n, int step)
{
    return (n + step - 1) / step * step;
}

/* ---- A whole layer -------------------------------------------------------------------------------- */

/* Whether a layer is a fast convolution where it runs by rows, and its blocks and partial sums. */
static void plan_blocks(struct layer_run *run)
{
    run->winograd = winograd_worth(run);
    run->block_rows = 1;
    for (int i = 0; i < run->out.count; i++) {
        const int rows = block_rows_of(run, run->out.begin[i + 1] - run->out.begin[i]);
        run->block_rows = rows > run->block_rows ? rows : run->block_rows;
    }
    run->sum_rows = run->block_rows;
    if (run->layer->out.type == VALUE_F32) {
        const int group = run->winograd ? winograd_group_rows(run) : 1;
        run->sum_rows = group > SUM_ROWS ? group : SUM_ROWS / group * group;
    }
}

/* Sets the bytes that a thread needs by rows; returns those of all panels. */
static size_t plan_by_rows(struct layer_run *run)
{
    const struct weight *weight = run->layer->weight;
    if (run->winograd) {
        run->packed_size = winograd_packed_bytes(run);
        return winograd_panels_bytes(run);
    }
    run->packed_size = (size_t)reach(run, run->block_rows) * run_row_bytes(run);
    return panel_bytes(run->products, weight->out, weight->taps, weight->in);
}

size_t nn_layer_bytes(const struct nn *nn, const struct weight *weight, int dilation, int threads)
{
    const struct layer layer = {.weight = weight};
    struct layer_run run = {.layer = &layer,
                            .products = nn->products,
                            .stride = 1,
                            .dilation = dilation,
                            .out = {1, run.whole_out},
                            .whole_out = {0, INT_MAX}};
    plan_blocks(&run);
    const size_t panels = plan_by_rows(&run);
    return panels + run.packed_size * (size_t)threads;
}

static void run_by_rows(struct nn *nn, struct layer_run *run)
{
    const struct weight *weight = run->layer->weight;
    run->panels = arena_take(&nn->arena, plan_by_rows(run));
    run->packed = arena_take(&nn->arena, run->packed_size * (size_t)threads_count(nn->threads));
    if (!run->panels || !run->packed)
        return;
    run->group = round_up(weight->out / 8 + 1, run->products->panel);
    threads_run(nn->threads, run->winograd ? winograd_weights_task : expand_task, run,
                (weight->out + run->group - 1) / run->group);
    threads_run(nn->threads, run->winograd ? winograd_task : rows_task, run, run->block_count);
}

static void run_by_columns(struct nn *nn, struct layer_run *run, size_t packed_rows)
{
    const struct weight *weight = run->layer->weight;
    const struct products *products = run->products;
    const size_t one = panel_bytes(products, products->panel, weight->taps, weight->in);
    const size_t panels = PANELS_BY_COLUMNS / one ? PANELS_BY_COLUMNS / one : 1;
    run->group = (int)panels * products->panel;
    run->panels_size = panels * one;
    run->panels = arena_take(&nn->arena, run->panels_size * (size_t)threads_count(nn->threads));
    run->packed = arena_take(&nn->arena, packed_rows * run_row_bytes(run));
    if (!run->panels || !run->packed)
        return;
    threads_run(nn->threads, pack_task, run, run->block_count);
    threads_run(nn->threads, columns_task, run, (weight->out + run->group - 1) / run->group);
}

const void *nn_panels(struct nn *nn, const struct products *products, const struct weight *weight)
{
    const struct layer layer = {.weight = weight};
    struct layer_run run = {.layer = &layer, .products = products};
    run.panels = arena_take(&nn->arena, panel_bytes(run.products, weight->out, weight->taps, weight->in));
    run.group = round_up(weight->out / 8 + 1, run.products->panel);
    if (run.panels)
        threads_run(nn->threads, expand_task, &run, (weight->out + run.group - 1) / run.group);
    return run.panels;
}

void nn_layer(struct nn *nn, const struct layer *layer)
{
    const size_t mark = nn->arena.used;
    const struct weight *weight = layer->weight;
    struct layer_run run = {
        .layer = layer,
        .kernels = &nn->kernels,
        .products = layer->products ? layer->products : nn->products,
        .stride = layer->stride ? layer->stride : 1,
        .dilation = layer->dilation ? layer->dilation : 1,
        .in = layer->in_spans,
        .out = layer->out_spans,
        .whole_in = {0, layer->in.rows},
        .whole_out = {0, layer->out.rows},
    };
    if (!run.in.count)
        run.in = (struct spans){1, run.whole_in};
    if (!run.out.count)
        run.out = layer->in_spans.count ? layer->in_spans : (struct spans){1, run.whole_out};
    plan_blocks(&run);
    nn->multiplications += (double)layer->out.rows * (double)layer->in.channels * weight->taps * weight->out;
    size_t packed_rows;
    if (!nn->arena.overflow && cut_blocks(nn, &run, &packed_rows) && run.block_count) {
        if (layer->moments)
            run.sums = arena_take(&nn->arena, (size_t)run.block_count * run_sums_bytes(&run));
        const size_t panels = panel_bytes(run.products, weight->out, weight->taps, weight->in);
        if (!layer->moments || run.sums) {
            if (run.winograd || (run.block_count >= BLOCKS_BY_ROWS && panels <= PANELS_BY_ROWS))
                run_by_rows(nn, &run);
            else
                run_by_columns(nn, &run, packed_rows);
            if (layer->moments)
                add_sums(&run);
        }
    }
    arena_release(&nn->arena, mark);
}

/* ---- Normalisation ------------------------------------------------------------------------------- */

struct moments_run {
    const struct nn *nn;
    const struct array *array, *added;
    const struct layer_run *run;
};

static void moments_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct moments_run *moments = arg;
    const struct layer_run *run = moments->run;
    const struct array *array = moments->array;
    const struct block *block = &run->blocks[task];
    for (int row = 0; row < block->rows; row += run->sum_rows) {
        float *sums = run_sums_of(run, block, row / run->sum_rows);
        const int rows = block->rows - row < run->sum_rows ? block->rows - row : run->sum_rows;
        memset(sums, 0, (size_t)array->channels * 2 * sizeof *sums);
        const int at = block->out_row + row;
        moments->nn->kernels.column_sums(array_row(array, at),
                                         moments->added ? array_row(moments->added, at) : NULL, array->type,
                                         array->stride, rows, array->channels, sums, sums + array->channels);
    }
}

void nn_moments(struct nn *nn, const struct array *array, const struct array *added, struct spans spans,
                struct moments *moments)
{
    const size_t mark = nn->arena.used;
    const struct weight shape = {.out = array->channels, .taps = 1};
    const struct layer layer = {.weight = &shape, .moments = moments};
    struct layer_run run = {
        .layer = &layer, .stride = 1, .dilation = 1, .out = spans, .whole_out = {0, array->rows}};
    run.block_rows = BLOCK_ROWS;
    run.sum_rows = array->type == VALUE_F32 ? SUM_ROWS : BLOCK_ROWS;
    if (!spans.count)
        run.out = (struct spans){1, run.whole_out};
    size_t unused;
    if (!nn->arena.overflow && cut_blocks(nn, &run, &unused)) {
        run.sums = arena_take(&nn->arena, (size_t)run.block_count * run_sums_bytes(&run));
        if (run.sums) {
            struct moments_run tasks = {nn, array, added, &run};
            threads_run(nn->threads, moments_task, &tasks, run.block_count);
            add_sums(&run);
        }
    }
    arena_release(&nn->arena, mark);
}

void nn_adain(const struct moments *moments, int rows, const float *style, int channels, float *scale,
              float *shift)
{
    for (int c = 0; c < channels; c++) {
        const double mean = moments[c].sum / rows;
        const double variance = moments[c].squares / rows - mean * mean;
        const double factor = (1.0 + (double)style[c]) / sqrt((variance > 0 ? variance : 0) + 1e-5);
        scale[c] = (float)factor;
        shift[c] = (float)((double)style[channels + c] - mean * factor);
    }
}
