/* kernels.h: the hot loops of the engine, behind one table of function pointers.
 *
 * How the room is laid out. portable.c holds a plain C version of every kernel; each further file holds what
 * one instruction set does better and is compiled with that set's flags (meson.build), so nothing outside it
 * may be called on another machine. kernels_get() fills a table with the portable version and lets one set
 * after another override it, up to the best that the machine has and the caller allows. tests/checkkernels
 * runs every function of every set against the portable one.
 *
 * To add a set: a value in cpu.h's enum isa and its detection in cpu.c; a file with `void kernels_NAME(struct
 * kernels *k)` that overrides entries; a line in sets[] of kernels.c; a line with its flags in meson.build; a
 * line and a peak in tests/checkkernels. The vector sets share all but a few dozen operations: simd_*.h.
 *
 * The data. Activations are rows of channels, [time][channels], in a storage type: VALUE_F32, or VALUE_F16
 * where halving memory traffic and memory counts more than the last bits. The product reads them from packed
 * rows, small blocks in the cache in the type that the set multiplies in (float32, bfloat16 or 16-bit
 * integers), which the prologue writes; weights come as panels of a few columns, expanded from the (quantised)
 * weights of the model file into cache-sized scratch as they are used:
 *
 *     storage rows --prologue--> packed rows  \
 *                                              product --epilogue--> storage rows, and sums
 *     mapped weights --expand--> panels       /                      for the next normalisation
 *
 * A convolution is a product with several taps: tap j reads the packed rows shifted by j * tap_step.
 *
 * Integers. Where a processor multiplies pairs of 16-bit integers and adds them up in 32 bits as fast as it
 * multiplies floats, packed rows and panels are PACKED_I16. Each packed row has one scale: its largest
 * magnitude becomes INTEGER_ROW. Each column of a panel has one, as large as the sums allow: the products of
 * INTEGER_DEPTH channels add up to less than 2^31 whatever the rows are, and are then added in float32. Rows
 * of 13 bits and columns of 12 to 15 are finer than bfloat16's 8, and whole numbers add up to the same in any
 * order.
 *
 * Fast convolutions. A tile of m output rows of a convolution of r taps takes m * r products of rows and weights, or
 * m + r - 1 when both are first evaluated, as polynomials, at so many points: Winograd's minimal filtering F(m, r) (Lavin
 * and Gray 2015, "Fast Algorithms for Convolutional Neural Networks"). More points save more products and round worse:
 * with eleven, 3 taps take 11 products for 27 (F(9, 3)) and 7 taps 11 for 35 (F(5, 7)). 11 taps are two runs, F(6, 6): what the
 * second run of a tile reads is what the first reads of the next tile. So at each point they are a convolution of two taps
 * over tiles, and three tiles take four products of tiles for six (F(3, 2), nested): 44 products for 198. Every point is a
 * plain product over the tiles:
 *
 *     storage rows --prologue_float--> float rows --transform_input--> packed rows of all points  \
 *                                                                                                 products
 *     mapped weights --transform_weights--> panels of all points                                  /      |
 *     storage rows, sums <--epilogue-- transform_output <-----------------------------------------------
 *
 * A set offers it (products.points is not 0) where its packed type is fine enough: bfloat16 has no digits
 * to spare. nn/winograd.c does the rest, winograd.h has the formulas.
 *
 * All functions may be called from any number of threads at once on different outputs; none allocates. Pointers
 * need only the alignment of their element type (64-byte aligned scratch is faster). Results do not depend on
 * addresses, nor on how rows are split over calls, with the exception of the order of float additions into
 * sum and sum_squares. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/cpu.h"
#include "kernels/values.h"

/* The product's depth per tap is padded with zeros to a multiple of this, whatever the set. It is also the
 * block of Q8_0 and Q4_0. */
#define KERNELS_K VALUE_BLOCK

/* PACKED_I16: the largest magnitude of a packed row; the channels whose products are added up in integers;
 * and the largest sum of the magnitudes of a column over so many channels: 2^31 / INTEGER_ROW, less what
 * rounding may add. */
enum { INTEGER_ROW = 8191, INTEGER_DEPTH = 128, INTEGER_SUM = 262000 };

static inline int kernels_padded(int k)
{
    return (k + KERNELS_K - 1) / KERNELS_K * KERNELS_K;
}

/* What packed rows and panels hold. */
enum packed_type { PACKED_F32, PACKED_BF16, PACKED_I16 };

enum activation {
    ACTIVATION_NONE,
    ACTIVATION_LEAKY, /* x > 0 ? x : slope * x; slope 0 is relu */
    ACTIVATION_GELU, /* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): "gelu_new" of ALBERT; product only */
    ACTIVATION_SNAKE, /* x + sin(alpha x)^2 / alpha, alpha a channel; prologue only; the square within 2.3e-5 in
                       * products of 16-bit types */
};

/* Storage rows to packed rows: out[t][c] = activation(in[t][c] * scale[c] + shift[c]) for c < channels, and 0
 * for channels <= c < padded. */
struct prologue {
    const void *in;
    enum value_type type;       /* of in: VALUE_F32 or VALUE_F16 */
    ptrdiff_t in_stride;        /* elements from row to row; any, 0 and negative too */
    void *out;                  /* in the products' packed type; PACKED_I16: aligned for float */
    ptrdiff_t out_stride;       /* elements from row to row, at least packed_stride(products, padded) */
    int rows, channels;         /* 0 or more */
    int padded;                 /* columns written, >= channels */
    const float *scale;         /* [channels]; NULL: 1 */
    const float *shift;         /* [channels]; NULL: 0 */
    enum activation activation; /* NONE, LEAKY or SNAKE */
    float slope;                /* LEAKY */
    const float *alpha;         /* SNAKE: [channels], not 0 */
    const float *inverse_alpha; /* SNAKE: [channels], 1 / alpha */
};

/* Weights to panels, for `columns` output channels n, `taps` taps j and k channels c:
 *     panel(n, j, c) = source row n, element (first_tap + j * tap_step) * source_k + c
 * Columns up to the next multiple of the panel and channels up to the next multiple of KERNELS_K become 0. */
struct expand {
    const void *source;
    enum value_type type; /* any */
    size_t row_bytes;     /* bytes from source row n to n + 1 */
    int columns;
    int source_k;  /* elements from tap to tap in a source row; a multiple of 32 for Q8_0 and Q4_0 */
    int first_tap; /* which of the source's taps are used: a transposed convolution's phase takes */
    int tap_step;  /* every tenth */
    int taps, k;   /* k <= source_k */
    void *panels;  /* panel_bytes(products, columns, taps, k) bytes */
};

/* Panels from an activation array that is already [depth][columns] (attention: the values; one tap):
 *     panel(n, 0, c) = source[c * stride + n] */
struct expand_rows {
    const void *source;
    enum value_type type; /* VALUE_F32 or VALUE_F16 */
    ptrdiff_t stride;     /* elements from row c to c + 1 */
    int columns, k;
    void *panels;
};

/* out[t][n] = (activation(sum over j, c of a[t * row_step + j * tap_step][c] * panel(n, j, c) + bias[n]) +
 * residual[t][n])
 *             * scale + addend[t][n]
 * computed in float32, rounded to `type` when stored. sum[n] and sum_squares[n] are increased by the sums
 * over t of the value before that rounding and of its square. `out` may be the residual or the addend itself
 * (same address and stride). */
struct product {
    const void
        *a; /* packed rows; row 0 of tap 0. Rows may overlap (a_stride < k), as in a short-time transform */
    ptrdiff_t a_stride; /* elements from packed row to packed row; PACKED_I16: at least packed_stride */
    int rows;           /* output rows */
    int row_step; /* packed rows from output row to output row: the stride of a convolution, usually 1 */
    int taps, tap_step; /* packed rows from tap to tap: the dilation; may be negative */
    int k; /* channels a tap, a multiple of KERNELS_K; all k elements of a row are read and must be finite */
    const void *
        panels; /* from expand or expand_rows with the same taps and k; the first panel is that of column 0 */
    int columns;                /* any number from 1 */
    const float *bias;          /* [columns] or NULL */
    enum activation activation; /* NONE, LEAKY or GELU */
    float slope;                /* LEAKY */
    float scale;                /* usually 1 */
    const void *residual;       /* of `type`, or NULL */
    ptrdiff_t residual_stride;  /* elements from row to row, here and below; 0 repeats one row */
    const void *addend;         /* of `type`, or NULL */
    ptrdiff_t addend_stride;
    void *out;
    enum value_type
        type; /* of out, residual and addend: VALUE_F32, or VALUE_F16 (too large becomes infinite) */
    ptrdiff_t out_stride;
    float *sum; /* [columns] or NULL, then sum_squares too: keep `rows` below some 1000 with sums, and */
    float *sum_squares; /* add the sums of blocks in double */
};

enum {
    WINOGRAD_POINTS = 11,
    WINOGRAD_MOST_K = 512,  /* most channels that transform_input takes */
    WINOGRAD_MOST_ROWS = 90 /* most output rows of the tiles that transform_output makes side by side */
};

/* Float rows to packed rows at each point, a row t from as many rows t + i * distance as there are points. */
struct transform_input {
    const float *in;
    const float *added; /* rows like those of `in`, which are added to them times `factor`; or NULL */
    float factor;
    ptrdiff_t in_stride; /* elements from row to row, at least k */
    int distance;
    int rows, k; /* k: channels, a multiple of KERNELS_K, WINOGRAD_MOST_K at most */
    void *out;   /* in the products' packed type; PACKED_I16: aligned for float */
    ptrdiff_t out_stride,
        point_stride; /* elements from row to row, at least packed_stride, and point to point */
};

/* Weights to the panels of each point: as `expand`, but with one tap, which stands for a run of taps. */
struct transform_weights {
    const void *source;
    enum value_type type; /* any */
    size_t row_bytes;     /* bytes from source row n to n + 1 */
    int columns;
    int taps;         /* of the source; those of its runs that it lacks are 0 */
    int run_taps;     /* winograd_run_taps of them */
    float factors[2]; /* the run is the source's first times the first, plus its second times the second */
    int k;            /* channels, also from tap to tap in the source: a multiple of KERNELS_K */
    void *panels;     /* panel_bytes(products, panel, 1, k) bytes of each panel at each point */
    size_t point_bytes, panel_step; /* bytes from point to point, and from panel to panel */
};

/* The products at each point to output rows: row (i * m + j) * dilation + d, for a tile i of m rows, is made of the products
 * of all points at row i * dilation + d; with nested tiles, for a tile 3 i + h, of those of h: y0 = p0 + p1 + p2,
 * y1 = p1 - p2, y2 = p1 + p2 + p3 of the four products p. `epilogue` says how many rows and columns (one panel at most) there
 * are, and what follows, as for a product; its first half, to `panels`, is not read. */
struct transform_output {
    const float *in;
    ptrdiff_t in_stride,
        point_stride;        /* elements from row to row, at least a panel, and from point to point */
    ptrdiff_t nested_stride; /* elements from one of the four products of nested tiles to the next; else 0 */
    int tile_rows, dilation; /* their product, three times it if nested, is at most WINOGRAD_MOST_ROWS */
    const struct product *epilogue;
};

/* One way to multiply: its packed type, its panels and the functions that agree on them. */
struct products {
    enum packed_type packed;
    int panel; /* columns of a panel */
    int rows;  /* `rows` of a product should be a multiple of this, or large, for full speed */
    void (*prologue)(const struct prologue *p);
    void (*expand)(const struct expand *e);
    void (*expand_rows)(const struct expand_rows *e);
    void (*product)(const struct product *p);
    /* Fast convolutions: WINOGRAD_POINTS; 0 and NULL: not offered. prologue_float is `prologue` to plain float rows: no scales, out_stride in
     * floats. */
    int points;
    void (*prologue_float)(const struct prologue *p);
    void (*transform_input)(const struct transform_input *t);
    void (*transform_weights)(const struct transform_weights *w);
    void (*transform_output)(const struct transform_output *t);
};

/* Taps of a run of a fast convolution: all, up to two thirds as many as points; or half, where there are two runs, for then
 * a tile must have as many rows as a run has taps. */
static inline int winograd_run_taps(const struct products *p, int taps)
{
    return taps <= 2 * p->points / 3 ? taps : (p->points + 1) / 2;
}

/* Bytes of one packed element; the elements that a packed row of k takes, with PACKED_I16 the row's scale, a float, at
 * its end; and the bytes of the panels of `columns` columns: the panel of column n (a multiple of products->panel)
 * starts at panel_bytes(products, n, taps, k). Panels of PACKED_I16 end in the scales of their columns, floats. */
static inline size_t packed_bytes(const struct products *p)
{
    return p->packed == PACKED_F32 ? 4 : 2;
}

static inline int packed_stride(const struct products *p, int k)
{
    return p->packed == PACKED_I16 ? k + 2 : k;
}

static inline size_t panel_bytes(const struct products *p, int columns, int taps, int k)
{
    size_t panels = ((size_t)columns + (size_t)p->panel - 1) / (size_t)p->panel;
    size_t column = (size_t)taps * (size_t)kernels_padded(k) * packed_bytes(p);
    return panels * (size_t)p->panel * (column + (p->packed == PACKED_I16 ? sizeof(float) : 0));
}

/* y[b][i] += sum over c of w[i][c] * x[b][c], for the serial part of an LSTM, where the weights stay in the
 * cache. w comes from matvec_pack, in F32, or in BF16 (half the cache; x stays float32). */
struct matvec {
    const void *w;
    enum value_type type; /* of w: VALUE_F32 or VALUE_BF16 */
    int n, k;
    int batch;          /* vectors at once, each with its own x and y */
    const float *x;     /* [batch][k] */
    ptrdiff_t x_stride; /* elements from vector to vector */
    float *y;           /* [batch][n] */
    ptrdiff_t y_stride;
};

/* Rows of a matvec are packed in groups of 64: F32 [group][k][64], BF16 [group][(k + 1) / 2][64][2], zeros
 * where there is no row or column. The same for every set. */
#define MATVEC_GROUP 64

size_t matvec_bytes(enum value_type type, int n, int k);

/* Packs w[n][k] (row stride k) into `packed`, matvec_bytes(type, n, k) bytes. */
void matvec_pack(const float *w, int n, int k, enum value_type type, void *packed);

struct kernels {
    enum isa isa;
    struct products exact; /* multiplies in float32 */
    struct products fine;  /* multiplies in 16-bit integers where the machine has them, else equal to exact */
    struct products fast;  /* multiplies in bfloat16 where the set has it, else equal to fine */

    void (*matvec)(const struct matvec *m);

    /* One LSTM step of `hidden` units: gates[4 * hidden] in PyTorch's order i, f, g, o, biases already added;
     * c = sigmoid(f) * c + sigmoid(i) * tanh(g); h = sigmoid(o) * tanh(c). Absolute error below 1e-6. */
    void (*lstm_cell)(const float *gates, float *c, float *h, int hidden);

    /* x[r][i] = (x - mean) / sqrt(variance + epsilon) * weight[i] + bias[i] over each row of `columns`
     * (variance by n); in place. weight and bias may be NULL (1 and 0). */
    void (*layer_norm)(float *x, ptrdiff_t stride, int rows, int columns, const float *weight,
                       const float *bias, float epsilon);

    /* x[r][i] = exp(scale x[r][i]) / sum over the row, with the largest taken off first; in place. */
    void (*softmax)(float *x, ptrdiff_t stride, int rows, int columns, float scale);

    /* out[i] = f(in[i]) for `count` values; in place is fine. Absolute error of sine and cosine below 1e-6
     * for |x| <= 10,000, relative error of exponential below 4e-7 (it underflows to 0 below -87.3), absolute
     * error of sigmoid and tanh below 1e-6. */
    void (*sine)(float *out, const float *in, size_t count);
    void (*cosine)(float *out, const float *in, size_t count);
    void (*exponential)(float *out, const float *in, size_t count);
    void (*sigmoid)(float *out, const float *in, size_t count);
    void (*hyperbolic_tangent)(float *out, const float *in, size_t count);

    /* Magnitude and angle, -pi to pi as atan2 has it, of the complex numbers re[i] + im[i] j, in their place. */
    void (*polar)(float *re, float *im, size_t count);

    /* out[i] = activation(in[i]), ACTIVATION_LEAKY or ACTIVATION_GELU. */
    void (*activate)(float *out, const float *in, size_t count, enum activation activation, float slope);

    /* sum[c] += sum over rows of x[t][c], sum_squares[c] likewise; x is F32 or F16. Where `added` is not NULL, x[t][c] +=
     * added[t][c] first, of the same type and stride; the sums are of what that becomes when stored. */
    void (*column_sums)(void *x, const void *added, enum value_type type, ptrdiff_t stride, int rows,
                        int channels, float *sum, float *sum_squares);

    /* Depthwise transposed convolution, kernel 3, stride 2, padding 1, output padding 1 (AdainResBlk1d's
     * pool), on float32 rows: out[2t] = w[1] in[t] + bias, out[2t+1] = w[2] in[t] + w[0] in[t+1] + bias; row
     * `rows` of `in` is read as 0. w is [3][channels]. */
    void (*pool)(float *out, ptrdiff_t out_stride, const float *in, ptrdiff_t in_stride, int rows,
                 int channels, const float *w, const float *bias);

    /* y[i] += a * x[i]. */
    void (*axpy)(float *y, const float *x, float a, size_t count);

    /* Types: any to F32; F32 to F32, F16, BF16 and Q8_0 (round to nearest even). For Q8_0 and Q4_0 `count` is
     * a multiple of VALUE_BLOCK; what becomes Q8_0 must be finite. */
    void (*to_float)(float *out, const void *in, enum value_type type, size_t count);
    void (*from_float)(void *out, enum value_type type, const float *in, size_t count);
};

/* The table of the best set that this machine has, at most `cap` (ISA_COUNT: no cap); k->isa says which it
 * became. */
void kernels_get(struct kernels *k, enum isa cap);

/* Exactly `isa`, which must be available: for tests and benchmarks. */
void kernels_portable(struct kernels *k);

#endif
