/* avx512.c: float32 on AVX-512 (F, BW, DQ, VL): every kernel, and the product in tiles of 14 rows by 32
 * columns. */
#include "kernels/simd_avx512.h"

#define PANEL        32
#define TILE_ROWS    14
#define MATVEC_CHUNK 4 /* vectors of a matvec's group summed at once */

INLINE vf v_multiply(vf a, vf w, vf x)
{
    return v_fma(a, w, x);
}

#include "kernels/sets.h"
#include "kernels/simd_product.h"
#include "kernels/simd_rows.h"

void kernels_avx512(struct kernels *k)
{
    simd_rows_override(k);
    simd_product_override(&k->exact);
    k->fine = k->fast = k->exact;
}
