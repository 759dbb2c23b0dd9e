/* winograd.c: convolutions by rows with fewer products (kernels.h, "Fast convolutions"). */
#include <string.h>

#include "nn/layer_run.h"

enum {
    LEAST_TAPS = 3,        /* with fewer there is nothing to save */
    LEAST_BLOCKS = 4,      /* a task each */
    PRODUCTS_ROWS = 600,   /* most rows at all points, so that a block stays in a second-level cache */
    MOST_PANELS = 3 << 20, /* bytes of the plain panels; those at the points two to four times as large */
};

/* Output rows are cut into tiles of rows `dilation` apart; the tiles that begin in the same tile_rows * dilation rows, one
 * for each remainder, are a group. Rows of anything at the points are [group][remainder], so that one product does all
 * remainders, with its taps `dilation` rows apart. */
struct layout {
    int tile_rows, run_taps, runs; /* F(tile_rows, run_taps) in so many runs */
    int group;                     /* output rows of a group */
    int groups;                    /* of a block; the last may reach past it */
    size_t panels;                 /* bytes at each point */
    int rows, points_rows;         /* float rows, and rows at each point, that the block's groups read */

    /* Of a thread's place, in bytes: packed rows at each point, after the float rows; then the products at each point of
     * one panel. */
    size_t point; /* from point to point */
    size_t points, products, size;
};

static size_t aligned(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* For `rows` output rows. */
static struct layout layout_of(const struct layer_run *run, int rows)
{
    const struct weight *weight = run->layer->weight;
    const int points = run->products->points;
    struct layout w = {.run_taps = winograd_run_taps(run->products, weight->taps)};
    w.tile_rows = points + 1 - w.run_taps;
    w.runs = (weight->taps + w.run_taps - 1) / w.run_taps;
    w.group = w.tile_rows * run->dilation;
    w.groups = (rows + w.group - 1) / w.group;
    w.panels = aligned(panel_bytes(run->products, weight->out, w.runs, weight->in));
    w.points_rows = (w.groups + w.runs - 1) * run->dilation;
    w.rows = w.points_rows * w.tile_rows + (points - w.tile_rows) * run->dilation;
    w.point = aligned((size_t)w.points_rows * run_row_bytes(run));
    w.points = aligned((size_t)w.rows * (size_t)weight->in * sizeof(float));
    w.products = w.points + (size_t)points * w.point;
    w.size = w.products + aligned((size_t)points * (size_t)(w.groups * run->dilation) *
                                  (size_t)run->products->panel * sizeof(float));
    return w;
}

/* Transforming the weights costs as much as some 200 rows save. */
bool winograd_worth(const struct layer_run *run)
{
    const struct layer *layer = run->layer;
    const struct weight *weight = layer->weight;
    const int rows = run->out.begin[1] - run->out.begin[0];
    return run->products->points && weight->taps >= LEAST_TAPS && weight->in <= WINOGRAD_MOST_K &&
           run->stride == 1 && winograd_group_rows(run) <= WINOGRAD_MOST_ROWS &&
           (layer->alike || layer->in_spans.count == 0) && rows >= NN_LONG_ROWS &&
           panel_bytes(run->products, weight->out, weight->taps, weight->in) <= MOST_PANELS;
}

int winograd_group_rows(const struct layer_run *run)
{
    return layout_of(run, 1).group;
}

/* The products should have about PRODUCTS_ROWS rows in all, and whole tiles of the kernel's where it has many. */
int winograd_block_rows(const struct layer_run *run, int rows)
{
    const int group = winograd_group_rows(run), least = LEAST_BLOCKS * group;
    const int share = rows / least, most = PRODUCTS_ROWS / run->products->points / run->dilation;
    const int groups = share < most ? share : most, step = run->products->rows;
    if (groups >= step)
        return groups / step * step * group;
    return (groups ? groups : 1) * group;
}

size_t winograd_panels_bytes(const struct layer_run *run)
{
    return (size_t)run->products->points * layout_of(run, run->block_rows).panels;
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
    run->products->transform_weights(&(struct transform_weights){
        .source = (const unsigned char *)weight->data + weight->row_bytes * (size_t)first,
        .type = weight->type,
        .row_bytes = weight->row_bytes,
        .columns = weight->out - first < run->group ? weight->out - first : run->group,
        .taps = weight->taps,
        .run_taps = w.run_taps,
        .k = weight->in,
        .panels = run->panels + panel_bytes(run->products, first, w.runs, weight->in),
        .point_bytes = w.panels,
    });
}

/* Float rows of a block to packed rows at each point. */
static void input_rows(const struct layer_run *run, const struct layout *w, unsigned char *place)
{
    const int channels = run->layer->weight->in;
    for (int row = 0; row < w->points_rows; row += run->dilation)
        run->products->transform_input(&(struct transform_input){
            .in = (const float *)(void *)place + (ptrdiff_t)row * w->tile_rows * channels,
            .in_stride = channels,
            .distance = run->dilation,
            .rows = run->dilation,
            .k = channels,
            .out = place + w->points + run_row_bytes(run) * (size_t)row,
            .out_stride = packed_stride(run->products, channels),
            .point_stride = (ptrdiff_t)(w->point / packed_bytes(run->products)),
        });
}

/* A panel of columns of a block. */
static void panel_of_columns(const struct layer_run *run, const struct block *block, const struct layout *w,
                             unsigned char *place, int first)
{
    const struct weight *weight = run->layer->weight;
    const struct products *products = run->products;
    const int rows = w->groups * run->dilation, panel = products->panel;
    float *sums_at_points = (float *)(void *)(place + w->products);
    for (int point = 0; point < products->points; point++)
        products->product(&(struct product){
            .a = place + w->points + w->point * (size_t)point,
            .a_stride = packed_stride(products, weight->in),
            .rows = rows,
            .row_step = 1,
            .taps = w->runs,
            .tap_step = run->dilation,
            .k = weight->in,
            .panels =
                run->panels + w->panels * (size_t)point + panel_bytes(products, first, w->runs, weight->in),
            .columns = panel, /* those that do not exist are 0 */
            .scale = 1,
            .out = sums_at_points + (ptrdiff_t)point * rows * panel,
            .type = VALUE_F32,
            .out_stride = panel,
        });
    const int columns = weight->out - first < panel ? weight->out - first : panel;
    for (int row = 0; row < block->rows; row += run->sum_rows) {
        float *sums = run->sums ? run_sums_of(run, block, row / run->sum_rows) + first : NULL;
        struct product end = run_epilogue(run, block->out_row + row, first, columns, sums);
        end.rows = block->rows - row < run->sum_rows ? block->rows - row : run->sum_rows;
        products->transform_output(&(struct transform_output){
            .in = sums_at_points + (ptrdiff_t)(row / w->tile_rows) * panel,
            .in_stride = panel,
            .point_stride = (ptrdiff_t)rows * panel,
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
    input_rows(run, &w, place);
    if (run->sums)
        memset(run_sums_of(run, block, 0), 0, run_sums_bytes(run));
    for (int first = 0; first < run->layer->weight->out; first += run->products->panel)
        panel_of_columns(run, block, &w, place, first);
}
