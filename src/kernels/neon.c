/* neon.c: float32 on 64-bit ARM: every kernel, and the product in tiles of 6 rows by 16 columns. */
#include "kernels/simd_neon.h"

#define PANEL        16
#define TILE_ROWS    6
#define MATVEC_CHUNK 8

INLINE vf v_multiply(vf a, vf w, vf x)
{
    return v_fma(a, w, x);
}

#include "kernels/sets.h"
#include "kernels/simd_product.h"
#include "kernels/simd_rows.h"

void kernels_neon(struct kernels *k)
{
    simd_rows_override(k);
    simd_product_override(&k->exact);
    k->fine = k->fast = k->exact;
}
