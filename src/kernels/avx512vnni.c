/* avx512vnni.c: products of 16-bit integers on AVX-512 with VPDPWSSD (Cascade Lake, Ice Lake, Zen 4 and later),
 * which adds two products of pairs to a 32-bit lane as fast as a lane of float32 is multiplied. Everything else stays
 * AVX-512's. */
#include "kernels/simd_avx512vnni.h"

#define USE_I16   1
#define PANEL     32
#define TILE_ROWS 14

INLINE vf v_multiply(vf a, vf w, vf x)
{
    return v_dot_i16(x, a, w);
}

#include "kernels/sets.h"
#include "kernels/simd_product.h"

void kernels_avx512vnni(struct kernels *k)
{
    simd_product_override(&k->fine);
    k->fast = k->fine;
}
