/* amx.c: bfloat16 products in the tile registers of AMX (Intel Architecture Software Developer's Manual,
 * volume 1, chapter 18; volume 2, TDPBF16PS). Everything else is AVX-512's.
 *
 * A tile register holds 16 rows of 64 bytes. TDPBF16PS adds to a tile C of 16 x 16 floats the product of A,
 * 16 rows of 16 pairs of bfloat16, and B, 16 pairs of channels (a row each) by 16 columns: A is 16 packed
 * rows as they lie in memory, and B is 16 rows of a panel, which here is 16 columns wide, so that a tile is 1
 * KiB in one piece.
 *
 * Four C tiles sum 64 rows of one panel. Panels of many taps do not fit the first-level cache, the 64 packed
 * rows do: so each B tile is loaded once and multiplied four times, and the A tiles, used once each, come
 * from near. Two panels side by side make a tile of sums for the epilogue, 32 columns wide: whole cache lines
 * of float16. The epilogue of a tile is done in portions between the taps of the next, while the tile unit is
 * busy. */
#ifdef KERNELS_MODEL
#include "model.h"
#else
#include "kernels/simd_avx512.h"
#include "kernels/simd_avx512bf16.h"
#endif

#define USE_BF16     1
#define PANEL        16
#define TILE_COLUMNS 32

#include "kernels/sets.h"
#include "kernels/simd_pack.h"

enum { TILE = 16, STEP = 2 * TILE, TILES = 4, BLOCK_ROWS = TILES * TILE };

/* The tile registers: four of sums; the A tiles take turns, so that one can be loaded while others are in
 * use. */
#define C0 0
#define C1 1
#define C2 2
#define C3 3
#define A0 4
#define A1 5
#define A2 6
#define B  7

/* The operand of LDTILECFG. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* All tiles 64 bytes wide and 16 rows high, but the last of the blocks' C tiles, and A2, which always goes
 * with it where a block is not whole, only as high as what is left of `rows` (at most BLOCK_ROWS). */
static void configure(int rows)
{
    struct tile_config config __attribute__((aligned(64))) = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.rows[i] = TILE;
        config.row_bytes[i] = 64;
    }
    if (rows % TILE != 0)
        config.rows[rows / TILE] = config.rows[A2] = (uint8_t)(rows % TILE);
    __asm__ volatile("" : : "r"(&config) : "memory"); /* gcc 12's intrinsic only says that it reads 8 bytes */
    _tile_loadconfig(&config);
}

/* A tile of the output: its first row and column, and how many of its rows have been seen to. */
struct tile {
    int t, n, rows, done;
};

/* What is done in portions between the taps of a tile: its own memory is asked for, and the tile before gets its epilogue. */
struct meanwhile {
    struct tile next, last;
    const float *sums; /* of `last` */
    int portion;       /* rows of each at once */
};

/* Takes the next portion of a tile; returns its rows, from tile->done - rows on. */
static int portion_of(struct tile *tile, int rows)
{
    const int left = tile->rows - tile->done;
    const int taken = rows < left ? rows : left;
    tile->done += taken;
    return taken;
}

static void finish_some(const struct product *p, struct meanwhile *m, int portion)
{
    const int rows = portion_of(&m->last, portion), first = m->last.done - rows;
    if (rows > 0)
        finish(p, m->sums + (ptrdiff_t)first * TILE_COLUMNS, m->last.t + first, rows, m->last.n);
}

static void do_portion(const struct product *p, struct meanwhile *m)
{
    const int rows = portion_of(&m->next, m->portion);
    finish_prefetch(p, m->next.t + m->next.done - rows, rows, m->next.n);
    finish_some(p, m, m->portion);
}

/* Adds a step of the depth, STEP channels, of all tiles but the last, which is A2's. */
INLINE void add_step(const char *a, ptrdiff_t row, const char *w, const int tiles)
{
    _tile_loadd(B, w, 64);
    if (tiles > 1) {
        _tile_loadd(A0, a, row);
        _tile_dpbf16ps(C0, A0, B);
    }
    if (tiles > 2) {
        _tile_loadd(A1, a + TILE * row, row);
        _tile_dpbf16ps(C1, A1, B);
    }
    if (tiles > 3) {
        _tile_loadd(A0, a + 2 * TILE * row, row);
        _tile_dpbf16ps(C2, A0, B);
    }
    _tile_loadd(A2, a + (tiles - 1) * TILE * row, row);
    if (tiles == 1)
        _tile_dpbf16ps(C0, A2, B);
    else if (tiles == 2)
        _tile_dpbf16ps(C1, A2, B);
    else if (tiles == 3)
        _tile_dpbf16ps(C2, A2, B);
    else
        _tile_dpbf16ps(C3, A2, B);
}

/* Sums `tiles` tiles of rows (a constant where it is called) of one panel, from packed row `a` on, into rows
 * of TILE_COLUMNS floats. */
INLINE void sum_tiles(const struct product *p, const char *a, const char *w, float *sums, const int tiles,
                      struct meanwhile *m)
{
    ptrdiff_t packed_row = p->a_stride * (ptrdiff_t)sizeof(packed_t), row = packed_row * p->row_step;
    _tile_zero(C0);
    if (tiles > 1)
        _tile_zero(C1);
    if (tiles > 2)
        _tile_zero(C2);
    if (tiles > 3)
        _tile_zero(C3);
    for (int tap = 0; tap < p->taps; tap++, a += p->tap_step * packed_row) {
        for (int c = 0; c < p->k; c += STEP, w += TILE * 64)
            add_step(a + c * (ptrdiff_t)sizeof(packed_t), row, w, tiles);
        do_portion(p, m);
    }
    _tile_stored(C0, sums, TILE_COLUMNS * 4);
    if (tiles > 1)
        _tile_stored(C1, sums + TILE * TILE_COLUMNS, TILE_COLUMNS * 4);
    if (tiles > 2)
        _tile_stored(C2, sums + 2 * TILE * TILE_COLUMNS, TILE_COLUMNS * 4);
    if (tiles > 3)
        _tile_stored(C3, sums + 3 * TILE * TILE_COLUMNS, TILE_COLUMNS * 4);
}

static void sum_block(const struct product *p, const char *a, const char *w, float *sums, int rows,
                      struct meanwhile *m)
{
    if (rows > 3 * TILE)
        sum_tiles(p, a, w, sums, 4, m);
    else if (rows > 2 * TILE)
        sum_tiles(p, a, w, sums, 3, m);
    else if (rows > TILE)
        sum_tiles(p, a, w, sums, 2, m);
    else
        sum_tiles(p, a, w, sums, 1, m);
}

/* Output rows [begin, end), whole blocks or less than one, of all panels, under the tile configuration for
 * them. */
static void product_rows(const struct product *p, int begin, int end)
{
    float sums[2][BLOCK_ROWS * TILE_COLUMNS] __attribute__((aligned(64)));
    ptrdiff_t row = p->a_stride * (ptrdiff_t)sizeof(packed_t) * p->row_step;
    size_t panel_size = (size_t)p->taps * (size_t)p->k * PANEL * sizeof(packed_t);
    const char *w = p->panels;
    /* two panels make a tile, so that there are twice as many portions as taps */
    struct meanwhile m = {.portion = (BLOCK_ROWS + 2 * p->taps - 1) / (2 * p->taps)};
    int turn = 0;
    for (int n = 0; n < p->columns; n += TILE_COLUMNS, w += 2 * panel_size)
        for (int t = begin; t < end; t += BLOCK_ROWS, turn = !turn) {
            int rows = end - t < BLOCK_ROWS ? end - t : BLOCK_ROWS;
            const char *a = (const char *)p->a + t * row;
            m.next = (struct tile){t, n, rows, 0};
            sum_block(p, a, w, sums[turn], rows, &m);
            if (n + PANEL < p->columns)
                sum_block(p, a, w + panel_size, sums[turn] + PANEL, rows, &m);
            finish_some(p, &m, BLOCK_ROWS);
            m.last = (struct tile){t, n, rows, 0};
            m.sums = sums[turn];
        }
    finish_some(p, &m, BLOCK_ROWS);
}

static void product(const struct product *p)
{
    int whole = p->rows / BLOCK_ROWS * BLOCK_ROWS;
    if (whole > 0) {
        configure(BLOCK_ROWS);
        product_rows(p, 0, whole);
    }
    if (whole < p->rows) {
        configure(p->rows - whole);
        product_rows(p, whole, p->rows);
    }
    _tile_release(); /* else every switch of threads saves 8 KiB of tiles */
}

void kernels_amx(struct kernels *k)
{
    k->fast = (struct products){
        .packed = PACKED_BF16,
        .panel = PANEL,
        .rows = BLOCK_ROWS,
        .prologue = prologue,
        .expand = expand,
        .expand_rows = expand_rows,
        .product = product,
    };
}
