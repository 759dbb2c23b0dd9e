/* amx.c: bfloat16 products in the tile registers of AMX (Intel Architecture Software Developer's Manual,
 * volume 1, chapter 18; volume 2, TDPBF16PS). Everything else is AVX-512's.
 *
 * A tile register holds 16 rows of 64 bytes. TDPBF16PS adds to a tile C of 16 x 16 floats the product of A,
 * 16 rows of 16 pairs of bfloat16, and B, 16 pairs of channels (a row each) by 16 columns: A is 16 packed
 * rows as they lie in memory, and B is 16 rows of a panel, 16 of its 32 columns. Two A and two B tiles feed
 * four C tiles (32 rows by one panel), so that each loaded tile is multiplied twice. */
#ifdef KERNELS_MODEL
#include "model.h"
#else
#include "kernels/simd_avx512.h"
#include "kernels/simd_avx512bf16.h"
#endif

#define PACKED_BF16 1
#define PANEL       32

#include "kernels/sets.h"
#include "kernels/simd_pack.h"

enum { TILE = 16, STEP = 2 * TILE, BLOCK_ROWS = 2 * TILE };

/* The tile registers: C[row half][column half], then A by row half, B by column half. */
#define C00 0
#define C01 1
#define C10 2
#define C11 3
#define A0  4
#define A1  5
#define B0  6
#define B1  7

/* The operand of LDTILECFG: all eight tiles 64 bytes wide; `upper` rows in the upper C and A tiles (of those
 * that are used), `lower` in the lower; B is always full. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

static void configure(int upper, int lower)
{
    struct tile_config config __attribute__((aligned(64))) = {.palette = 1};
    const int rows[8] = {[C00] = upper, [C01] = upper, [C10] = lower, [C11] = lower,
                         [A0] = upper,  [A1] = lower,  [B0] = TILE,   [B1] = TILE};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = (uint8_t)rows[i];
        config.row_bytes[i] = rows[i] > 0 ? 64 : 0;
    }
    __asm__ volatile("" : : "r"(&config) : "memory"); /* gcc 12's intrinsic only says that it reads 8 bytes */
    _tile_loadconfig(&config);
}

/* What one block of rows reads: packed row 0 of tap 0, strides in bytes, and the panel. */
struct block {
    const char *a;
    ptrdiff_t row, tap; /* from output row to output row, from tap to tap */
    const char *panel;
    int taps, k;
};

/* Sums up to 32 rows of one panel into tile[32][PANEL]. */
static void sum_two(const struct block *b, float *tile)
{
    _tile_zero(C00);
    _tile_zero(C01);
    _tile_zero(C10);
    _tile_zero(C11);
    const char *w = b->panel, *first = b->a;
    for (int tap = 0; tap < b->taps; tap++, first += b->tap) {
        const char *a = first;
        for (int c = 0; c < b->k; c += STEP, a += 64, w += TILE * PANEL * 4) {
            _tile_loadd(B0, w, PANEL * 4);
            _tile_loadd(A0, a, b->row);
            _tile_dpbf16ps(C00, A0, B0);
            _tile_loadd(B1, w + 64, PANEL * 4);
            _tile_dpbf16ps(C01, A0, B1);
            _tile_loadd(A1, a + TILE * b->row, b->row);
            _tile_dpbf16ps(C10, A1, B0);
            _tile_dpbf16ps(C11, A1, B1);
        }
    }
    _tile_stored(C00, tile, PANEL * 4);
    _tile_stored(C01, tile + TILE, PANEL * 4);
    _tile_stored(C10, tile + TILE * PANEL, PANEL * 4);
    _tile_stored(C11, tile + TILE * PANEL + TILE, PANEL * 4);
}

/* Sums up to 16 rows. */
static void sum_one(const struct block *b, float *tile)
{
    _tile_zero(C00);
    _tile_zero(C01);
    const char *w = b->panel, *first = b->a;
    for (int tap = 0; tap < b->taps; tap++, first += b->tap) {
        const char *a = first;
        for (int c = 0; c < b->k; c += STEP, a += 64, w += TILE * PANEL * 4) {
            _tile_loadd(A0, a, b->row);
            _tile_loadd(B0, w, PANEL * 4);
            _tile_dpbf16ps(C00, A0, B0);
            _tile_loadd(B1, w + 64, PANEL * 4);
            _tile_dpbf16ps(C01, A0, B1);
        }
    }
    _tile_stored(C00, tile, PANEL * 4);
    _tile_stored(C01, tile + TILE, PANEL * 4);
}

/* Output rows [begin, end) of all panels, under the tile configuration for blocks of at most 32 of them. A
 * block's epilogue comes after the tile work of the next one in program order, so that the processor can run
 * both at once. */
static void product_rows(const struct product *p, int begin, int end)
{
    float tiles[2][BLOCK_ROWS * PANEL] __attribute__((aligned(64)));
    struct {
        int t, n, rows;
    } last = {.rows = 0}; /* the block whose sums wait in tiles[!turn] */
    ptrdiff_t packed_row = p->a_stride * (ptrdiff_t)sizeof(packed_t);
    struct block b = {.row = packed_row * p->row_step,
                      .tap = packed_row * p->tap_step,
                      .panel = p->panels,
                      .taps = p->taps,
                      .k = p->k};
    int turn = 0;
    for (int n = 0; n < p->columns; n += PANEL, b.panel += (ptrdiff_t)p->taps * p->k * PANEL * 2)
        for (int t = begin; t < end; t += BLOCK_ROWS, turn = !turn) {
            int rows = end - t < BLOCK_ROWS ? end - t : BLOCK_ROWS;
            b.a = (const char *)p->a + t * b.row;
            finish_prefetch(p, t, rows, n);
            if (rows > TILE)
                sum_two(&b, tiles[turn]);
            else
                sum_one(&b, tiles[turn]);
            if (last.rows > 0)
                finish(p, tiles[!turn], last.t, last.rows, last.n);
            last.t = t;
            last.n = n;
            last.rows = rows;
        }
    if (last.rows > 0)
        finish(p, tiles[!turn], last.t, last.rows, last.n);
}

static void product(const struct product *p)
{
    int whole = p->rows / BLOCK_ROWS * BLOCK_ROWS, left = p->rows - whole;
    if (whole > 0) {
        configure(TILE, TILE);
        product_rows(p, 0, whole);
    }
    if (left > 0) {
        configure(left < TILE ? left : TILE, left > TILE ? left - TILE : 0);
        product_rows(p, whole, p->rows);
    }
    _tile_release(); /* else every switch of threads saves 8 KiB of tiles */
}

void kernels_amx(struct kernels *k)
{
    k->fast = (struct products){
        .packed = VALUE_BF16,
        .panel = PANEL,
        .rows = BLOCK_ROWS,
        .prologue = prologue,
        .expand = expand,
        .expand_rows = expand_rows,
        .product = product,
    };
}
