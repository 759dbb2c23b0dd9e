/* avxvnni.c: products of 16-bit integers with AVX-VNNI, the 256-bit form of AVX512-VNNI for processors without AVX-512
 * (Intel's since Alder Lake) and with it (Zen 5). Everything else stays AVX2's. */
#include "kernels/simd_avxvnni.h"

#define USE_I16   1
#define PANEL     16
#define TILE_ROWS 6

INLINE vf v_multiply(vf a, vf w, vf x)
{
    return v_dot_i16(x, a, w);
}

#include "kernels/sets.h"
#include "kernels/simd_product.h"

void kernels_avxvnni(struct kernels *k)
{
    simd_product_override(&k->fine);
    k->fast = k->fine;
}
