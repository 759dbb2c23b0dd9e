/* winograd.h: the three linear maps of a fast convolution (kernels.h, "Fast convolutions"), over any type with + - *: include it
 * after `typedef ... winograd_t`, a float or a vector of floats.
 *
 * A filter w and a run of input x are polynomials; their product at a point is the product of their values there, and the
 * outputs follow from the values at enough points (Toom 1963, Cook 1966; transposed for filtering: Winograd 1980,
 * "Arithmetic Complexity of Computations", chapter V). The points are pairs +-a, and infinity: sums of even and of odd terms
 * serve both of a pair. They are +-3/16, +-9/16, +-15/16, +-11/8, +-5/2, spaced so that what is rounded at the points, rows
 * and weights, is multiplied little on the way to the outputs. Values at the points are in the order of the pairs, +a first; then
 * infinity. */
#ifndef KERNELS_WINOGRAD_H
#define KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

enum {
    WINOGRAD_PAIRS = WINOGRAD_POINTS / 2,
    WINOGRAD_INFINITY = WINOGRAD_POINTS - 1,
    WINOGRAD_TAPS = 2 * WINOGRAD_POINTS / 3,         /* most taps of a run (winograd_run_taps) */
    WINOGRAD_ROWS = WINOGRAD_POINTS - 2,             /* most output rows of a tile: those of 3 taps */
    WINOGRAD_NESTED_ROWS = (WINOGRAD_POINTS + 1) / 2 /* those of a nested tile */
};

#define WINOGRAD_UNROLL _Pragma("GCC unroll 16")

/* Of each pair: the powers of a; the polynomial in x squared that is 0 at all other pairs, by rising powers of that; and 1 over
 * the product of a's distances to all other finite points. */
static const float winograd_power[WINOGRAD_PAIRS][WINOGRAD_ROWS] = {
    {1.0f, 0.1875f, 0.03515625f, 0.00659179688f, 0.00123596191f, 0.000231742859f, 4.3451786e-05f,
     8.14720988e-06f, 1.52760185e-06f},
    {1.0f, 0.5625f, 0.31640625f, 0.177978516f, 0.100112915f, 0.0563135147f, 0.031676352f, 0.017817948f,
     0.0100225958f},
    {1.0f, 0.9375f, 0.87890625f, 0.823974609f, 0.772476196f, 0.724196434f, 0.678934157f, 0.636500772f,
     0.596719474f},
    {1.0f, 1.375f, 1.890625f, 2.59960938f, 3.57446289f, 4.91488647f, 6.7579689f, 9.29220724f, 12.776785f},
    {1.0f, 2.5f, 6.25f, 15.625f, 39.0625f, 97.65625f, 244.140625f, 610.351562f, 1525.87891f},
};
static const float winograd_zeros[WINOGRAD_PAIRS][WINOGRAD_PAIRS] = {
    {3.28604132f, -16.3881361f, 21.8250885f, -9.3359375f, 1.0f},
    {0.365115702f, -11.0524714f, 19.2883453f, -9.0546875f, 1.0f},
    {0.131441653f, -4.24475884f, 14.6894684f, -8.4921875f, 1.0f},
    {0.0611040741f, -2.01049f, 8.01054382f, -7.48046875f, 1.0f},
    {0.0184839824f, -0.61499244f, 2.64646912f, -3.12109375f, 1.0f},
};
static const float winograd_scale[WINOGRAD_PAIRS] = {0.974492625f, -0.60151925f, 0.206794928f, -0.0282269889f,
                                                     0.000231630109f};

/* A tile's input rows, as many as points, at each point: the inputs times the product over all other points q of (x - q). */
static inline __attribute__((always_inline)) void winograd_input(const winograd_t x[WINOGRAD_POINTS],
                                                                 winograd_t out[WINOGRAD_POINTS])
{
    enum { LAST = WINOGRAD_PAIRS - 1 };
    winograd_t even, beyond = x[2] * winograd_zeros[LAST][0];
    WINOGRAD_UNROLL
    for (int i = 0; i < WINOGRAD_PAIRS; i++) {
        winograd_t odd = x[1] * winograd_zeros[i][0];
        even = x[0] * winograd_zeros[i][0];
        WINOGRAD_UNROLL
        for (int k = 1; k < WINOGRAD_PAIRS; k++) {
            even += x[2 * k] * winograd_zeros[i][k];
            odd += x[2 * k + 1] * winograd_zeros[i][k];
        }
        out[2 * i] = odd + even * winograd_power[i][1];
        out[2 * i + 1] = odd - even * winograd_power[i][1];
    }
    /* infinity: the last pair's polynomial times (x squared - that pair's square) */
    WINOGRAD_UNROLL
    for (int k = 1; k < WINOGRAD_PAIRS; k++)
        beyond += x[2 * k + 2] * winograd_zeros[LAST][k];
    out[WINOGRAD_INFINITY] = beyond - even * winograd_power[LAST][2];
}

/* The weights of `taps` taps, 3 to WINOGRAD_TAPS, at each point, over the product of its distances to the other points; those
 * from w[taps] on are 0. */
static inline __attribute__((always_inline)) void winograd_weights(const winograd_t w[WINOGRAD_TAPS],
                                                                   int taps, winograd_t out[WINOGRAD_POINTS])
{
    WINOGRAD_UNROLL
    for (int i = 0; i < WINOGRAD_PAIRS; i++) {
        winograd_t even = w[0] * winograd_scale[i], odd = w[1] * (winograd_scale[i] * winograd_power[i][1]);
        WINOGRAD_UNROLL
        for (int k = 2; k < WINOGRAD_TAPS; k += 2) {
            even += w[k] * (winograd_scale[i] * winograd_power[i][k]);
            if (k + 1 < WINOGRAD_TAPS)
                odd += w[k + 1] * (winograd_scale[i] * winograd_power[i][k + 1]);
        }
        out[2 * i] = odd + even;
        out[2 * i + 1] = odd - even;
    }
    out[WINOGRAD_INFINITY] = w[taps - 1];
}

/* A tile's `rows` output rows, at most WINOGRAD_ROWS, from the products at each point: a polynomial's values back to
 * coefficients, transposed. */
static inline __attribute__((always_inline)) void winograd_output(const winograd_t products[WINOGRAD_POINTS],
                                                                  int rows, winograd_t out[WINOGRAD_ROWS])
{
    winograd_t sum[WINOGRAD_PAIRS], difference[WINOGRAD_PAIRS];
    WINOGRAD_UNROLL
    for (int i = 0; i < WINOGRAD_PAIRS; i++) {
        sum[i] = products[2 * i] + products[2 * i + 1];
        difference[i] = products[2 * i] - products[2 * i + 1];
    }
    WINOGRAD_UNROLL
    for (int row = 0; row < rows; row++) {
        const winograd_t *terms = row & 1 ? difference : sum;
        winograd_t all = terms[0] * winograd_power[0][row];
        WINOGRAD_UNROLL
        for (int i = 1; i < WINOGRAD_PAIRS; i++)
            all += terms[i] * winograd_power[i][row];
        out[row] = all;
    }
    if (rows > 0) /* always, which gcc 14 asks for */
        out[rows - 1] += products[WINOGRAD_INFINITY];
}

/* What the point of the h-th of three nested tiles is of the four products there (F(3, 2): points 0, 1, -1 and infinity). */
static inline __attribute__((always_inline)) winograd_t winograd_nested(winograd_t p0, winograd_t p1,
                                                                        winograd_t p2, winograd_t p3, int h)
{
    if (h == 0)
        return p0 + p1 + p2;
    return h == 1 ? p1 - p2 : p1 + p2 + p3;
}

#endif
