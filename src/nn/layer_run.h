/* layer_run.h: a product layer while it runs: what layers.c and winograd.c share. */
#ifndef NN_LAYER_RUN_H
#define NN_LAYER_RUN_H

#include "nn/layers.h"

/* A block of output rows of one utterance. */
struct block {
    int span;
    int out_row;      /* in layer->out */
    int first, rows;  /* within the utterance */
    size_t packed_at; /* by columns: its first packed row */
};

/* Everything that the tasks of a layer read. */
struct layer_run {
    const struct layer *layer;
    const struct kernels *kernels;
    const struct products *products;
    int stride, dilation;
    struct spans in, out;
    int whole_in[2], whole_out[2]; /* the spans of a layer that was given none */
    struct block *blocks;
    int block_count;
    int block_rows; /* most rows of a block; how many an utterance's have, but the last, hangs on it alone */
    int sum_rows;   /* rows of a partial sum */
    float *sums;    /* [block][sum_parts][2][columns], or NULL */

    unsigned char *panels; /* by rows: all; by columns: one group a thread */
    size_t panels_size;    /* bytes a thread */
    /* packed rows; by rows: of one block a thread, and what else winograd.c says; by columns: all */
    unsigned char *packed;
    size_t packed_size; /* bytes a thread */
    bool winograd;      /* winograd.c runs it */
    int group;          /* columns of a group of panels */
};

/* Packs `rows` input rows of an utterance from row `first` on (which may be negative) to `to`; rows that the
 * utterance does not have become zero. As packed rows, or as plain float rows of weight->in values. */
void run_pack_rows(const struct layer_run *run, int span, int first, int rows, unsigned char *to,
                   bool floats);

/* Bytes from one packed row to the next. */
size_t run_row_bytes(const struct layer_run *run);

/* What follows the sums of a product of columns first .. first + columns - 1, from output row `row` on. `sums` is NULL or
 * where column `first` is summed. */
struct product run_epilogue(const struct layer_run *run, int row, int first, int columns, float *sums);

/* Partial sum `part` of a block; bytes of all of a block's. */
float *run_sums_of(const struct layer_run *run, const struct block *block, int part);
size_t run_sums_bytes(const struct layer_run *run);

/* Whether a layer can run as a fast convolution and is long enough to gain by it. */
bool winograd_worth(const struct layer_run *run);

/* Output rows of a block then, at least four of which an utterance of so many rows has; and those that belong together in
 * one: partial sums are of whole groups. */
int winograd_block_rows(const struct layer_run *run, int rows);
int winograd_group_rows(const struct layer_run *run);

/* Bytes of all panels, and of `packed` a thread. */
size_t winograd_panels_bytes(const struct layer_run *run);
size_t winograd_packed_bytes(const struct layer_run *run);

/* Tasks (threads.h) with a layer_run: one for each group of columns, and then one for each block. */
void winograd_weights_task(void *arg, int task, int thread);
void winograd_task(void *arg, int task, int thread);

#endif
