/* winograd.c: convolutions by rows with fewer products (kernels.h, "Fast convolutions"). */
#include <string.h>

#include "nn/layer_run.h"

enum {
    LEAST_TAPS = 3,       /* with fewer there is nothing to save */
    LEAST_BLOCKS = 4,     /* a task each */
    PRODUCTS_ROWS = 600,  /* most rows of all products of a block, so that it stays in a second-level cache */
    NESTED_ROWS = 28,     /* most rows of one with nested tiles: fewer would wait for their panels */
    MOST_PANELS = 3 << 20 /* bytes of the plain panels; the products' are two to four times as large */
};

enum { NESTED_TILES = 3, NESTED_PRODUCTS = 4 /* at each point */ };

/* F(3, 2) over tiles x0 to x3 and runs w0 and w1: of what each of the four products is. The outputs: struct transform_output. */
static const struct {
    int tile, added; /* tile + factor * added */
    float factor;
    float runs[2];
} nested[NESTED_PRODUCTS] = {
    {0, 2, -1, {1, 0}},
    {1, 2, 1, {0.5F, 0.5F}},
    {2, 1, -1, {0.5F, -0.5F}},
    {3, 1, -1, {0, 1}},
};

/* Output rows are cut into tiles of rows `dilation` apart; the tiles (or threes of nested tiles) that begin in the same rows,
 * one for each remainder, are a group. Rows of a product are [group][remainder], so that one does all remainders. */
struct layout {
    int tile_rows, run_taps; /* F(tile_rows, run_taps) */
    bool nested;
    int products; /* the points, four times if nested */
    int group;    /* output rows of a group */
    int groups;   /* of a block; the last may reach past it */
    size_t panel; /* bytes of a product's panel; panels are [panel][product], as they are used */
    int rows;     /* float rows that the block's groups read */
    int product_rows;

    /* Of a thread's place, in bytes: after the float rows the packed rows of each product; then the products of one panel. */
    size_t packed, packed_size; /* of one */
    size_t sums, size;
};

static size_t aligned(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* For `rows` output rows. */
static struct layout layout_of(const struct layer_run *run, int rows)
{
    const struct weight *weight = run->layer->weight;
    const struct products *products = run->products;
    struct layout w = {.run_taps = winograd_run_taps(products, weight->taps)};
    w.tile_rows = products->points + 1 - w.run_taps;
    w.nested = weight->taps > w.run_taps;
    w.products = (w.nested ? NESTED_PRODUCTS : 1) * products->points;
    w.group = (w.nested ? NESTED_TILES : 1) * w.tile_rows * run->dilation;
    w.groups = (rows + w.group - 1) / w.group;
    w.panel = aligned(panel_bytes(products, products->panel, 1, weight->in));
    w.product_rows = w.groups * run->dilation;
    /* the last tile that is read, and what it reads beyond itself */
    const int tiles = w.groups * (w.nested ? NESTED_TILES : 1) - (w.nested ? 0 : 1);
    w.rows = (tiles * w.tile_rows + products->points) * run->dilation;
    w.packed = aligned((size_t)w.rows * (size_t)weight->in * sizeof(float));
    w.packed_size = aligned((size_t)w.product_rows * run_row_bytes(run));
    w.sums = w.packed + (size_t)w.products * w.packed_size;
    w.size = w.sums +
             aligned((size_t)w.products * (size_t)w.product_rows * (size_t)products->panel * sizeof(float));
    return w;
}

/* Transforming the weights costs as much as some 200 rows save. */
bool winograd_worth(const struct layer_run *run)
{
    const struct layer *layer = run->layer;
    const struct weight *weight = layer->weight;
    const int rows = run->out.begin[1] - run->out.begin[0];
    return run->products->points && weight->taps >= LEAST_TAPS &&
           weight->taps <= 2 * winograd_run_taps(run->products, weight->taps) &&
           weight->in <= WINOGRAD_MOST_K && run->stride == 1 &&
           winograd_group_rows(run) <= WINOGRAD_MOST_ROWS && (layer->alike || layer->in_spans.count == 0) &&
           rows >= NN_LONG_ROWS &&
           panel_bytes(run->products, weight->out, weight->taps, weight->in) <= MOST_PANELS;
}

int winograd_group_rows(const struct layer_run *run)
{
    return layout_of(run, 1).group;
}

/* Whole tiles of the kernel's where each product has many rows. */
int winograd_block_rows(const struct layer_run *run, int rows)
{
    const struct layout w = layout_of(run, 1);
    const int share = rows / (LEAST_BLOCKS * w.group), step = run->products->rows;
    const int most = (w.nested ? NESTED_ROWS : PRODUCTS_ROWS / w.products) / run->dilation;
    const int groups = share < most ? share : most;
    if (groups >= step)
        return groups / step * step * w.group;
    return (groups ? groups : 1) * w.group;
}

/* The panels of all products of the columns before `first`. */
static size_t panels_before(const struct layer_run *run, const struct layout *w, int first)
{
    const int panel = run->products->panel;
    return (size_t)((first + panel - 1) / panel) * (size_t)w->products * w->panel;
}

size_t winograd_panels_bytes(const struct layer_run *run)
{
    const struct layout w = layout_of(run, 1);
    return panels_before(run, &w, run->layer->weight->out);
}

size_t winograd_packed_bytes(const struct layer_run *run)
{
    return layout_of(run, run->block_rows).size;
}

void winograd_weights_task(void *arg, int task, int thread)
{
    (void)thread;
    const struct layer_run *run = arg;
    const struct weight *weight = run->layer->weight;
    const struct layout w = layout_of(run, 1);
    const int first = task * run->group;
    struct transform_weights transform = {
        .source = (const unsigned char *)weight->data + weight->row_bytes * (size_t)first,
        .type = weight->type,
        .row_bytes = weight->row_bytes,
        .columns = weight->out - first < run->group ? weight->out - first : run->group,
        .taps = weight->taps,
        .run_taps = w.run_taps,
        .factors = {1, 0},
        .k = weight->in,
        .panels = run->panels + panels_before(run, &w, first),
        .point_bytes = w.panel,
        .panel_step = (size_t)w.products * w.panel,
    };
    for (int done = 0; done < w.products; done += run->products->points) {
        if (w.nested)
            memcpy(transform.factors, nested[done / run->products->points].runs, sizeof transform.factors);
        run->products->transform_weights(&transform);
        transform.panels = (unsigned char *)transform.panels + (size_t)run->products->points * w.panel;
    }
}

/* The float rows of a group to packed rows at each point. */
static void input_group(const struct layer_run *run, const struct layout *w, unsigned char *place, int group)
{
    const int channels = run->layer->weight->in, points = run->products->points;
    const ptrdiff_t tile = (ptrdiff_t)w->tile_rows * run->dilation * channels;
    const float *rows = (const float *)(void *)place + (ptrdiff_t)group * w->group * channels;
    struct transform_input transform = {
        .in = rows,
        .in_stride = channels,
        .distance = run->dilation,
        .rows = run->dilation,
        .k = channels,
        .out = place + w->packed + run_row_bytes(run) * (size_t)(group * run->dilation),
        .out_stride = packed_stride(run->products, channels),
        .point_stride = (ptrdiff_t)(w->packed_size / packed_bytes(run->products)),
    };
    for (int done = 0; done < w->products; done += points) {
        if (w->nested) {
            transform.in = rows + nested[done / points].tile * tile;
            transform.added = rows + nested[done / points].added * tile;
            transform.factor = nested[done / points].factor;
        }
        run->products->transform_input(&transform);
        transform.out = (unsigned char *)transform.out + (size_t)points * w->packed_size;
    }
}

/* A panel of columns of a block. */
static void panel_of_columns(const struct layer_run *run, const struct block *block, const struct layout *w,
                             unsigned char *place, int first)
{
    const struct weight *weight = run->layer->weight;
    const struct products *products = run->products;
    const int panel = products->panel, size = w->product_rows * panel;
    const unsigned char *panels = run->panels + panels_before(run, w, first);
    float *sums_of_products = (float *)(void *)(place + w->sums);
    for (int i = 0; i < w->products; i++)
        products->product(&(struct product){
            .a = place + w->packed + w->packed_size * (size_t)i,
            .a_stride = packed_stride(products, weight->in),
            .rows = w->product_rows,
            .row_step = 1,
            .taps = 1,
            .k = weight->in,
            .panels = panels + w->panel * (size_t)i,
            .columns = panel, /* those that do not exist are 0 */
            .scale = 1,
            .out = sums_of_products + (ptrdiff_t)i * size,
            .type = VALUE_F32,
            .out_stride = panel,
        });
    const int columns = weight->out - first < panel ? weight->out - first : panel;
    for (int row = 0; row < block->rows; row += run->sum_rows) {
        float *sums = run->sums ? run_sums_of(run, block, row / run->sum_rows) + first : NULL;
        struct product end = run_epilogue(run, block->out_row + row, first, columns, sums);
        end.rows = block->rows - row < run->sum_rows ? block->rows - row : run->sum_rows;
        products->transform_output(&(struct transform_output){
            .in = sums_of_products + (ptrdiff_t)(row / w->group * run->dilation) * panel,
            .in_stride = panel,
            .point_stride = size,
            .nested_stride = w->nested ? (ptrdiff_t)products->points * size : 0,
            .tile_rows = w->tile_rows,
            .dilation = run->dilation,
            .epilogue = &end,
        });
    }
}

void winograd_task(void *arg, int task, int thread)
{
    const struct layer_run *run = arg;
    const struct block *block = &run->blocks[task];
    const struct layout w = layout_of(run, block->rows);
    unsigned char *place = run->packed + run->packed_size * (size_t)thread;
    run_pack_rows(run, block->span, block->first - run->layer->padding, w.rows, place, true);
    for (int group = 0; group < w.groups; group++)
        input_group(run, &w, place, group);
    if (run->sums)
        memset(run_sums_of(run, block, 0), 0, run_sums_bytes(run));
    for (int first = 0; first < run->layer->weight->out; first += run->products->panel)
        panel_of_columns(run, block, &w, place, first);
}
