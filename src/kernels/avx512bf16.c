/* avx512bf16.c: bfloat16 products on AVX-512 with VDPBF16PS (Cooper Lake, Zen 4, Sapphire Rapids), which adds
 * two products of bfloat16 pairs to a float32 lane. Everything else stays AVX-512's. Denormal inputs and sums
 * count as 0 there. */
#ifdef KERNELS_MODEL
#include "model.h"
#else
#include "kernels/simd_avx512.h"
#include "kernels/simd_avx512bf16.h"
#endif

#define USE_BF16  1
#define PANEL     32
#define TILE_ROWS 14

INLINE vf v_multiply(vf a, vf w, vf x)
{
    return v_dot_bf16(x, a, w);
}

#include "kernels/sets.h"
#include "kernels/simd_product.h"

void kernels_avx512bf16(struct kernels *k)
{
    simd_product_override(&k->fast);
}
