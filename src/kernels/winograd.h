/* winograd.h: the three linear maps of a fast convolution (kernels.h, "Fast convolutions"), over any type with + - *: include it
 * after `typedef ... winograd_t`, a float or a vector of floats, with WINOGRAD_POINTS defined, 7 or 11.
 *
 * A filter w and a run of input x are polynomials; their product at a point is the product of their values there, and the
 * outputs follow from the values at enough points (Toom 1963, Cook 1966; transposed for filtering: Winograd 1980,
 * "Arithmetic Complexity of Computations", chapter V). The points are pairs +-a, and infinity: sums of even and of odd terms
 * serve both of a pair. They are +-1/2, +-3/2, +-3; or +-1/4, +-9/16, +-1, +-11/8, +-19/8: spaced so that rounding is little worse
 * than that of the plain sum. With seven points 67 dB remain of packed rows of 13 bits; with eleven 109 dB of float32. Values
 * at the points are in the order of the pairs, +a first; then infinity. */
#ifndef KERNELS_WINOGRAD_H
#define KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

enum {
    WINOGRAD_PAIRS = WINOGRAD_POINTS / 2,
    WINOGRAD_INFINITY = WINOGRAD_POINTS - 1,
    WINOGRAD_TAPS = 2 * WINOGRAD_POINTS / 3, /* most taps of a run (winograd_run_taps) */
    WINOGRAD_ROWS = WINOGRAD_POINTS - 2      /* most output rows of a tile: those of 3 taps */
};

#define WINOGRAD_UNROLL _Pragma("GCC unroll 16")

/* Of each pair: the powers of a; the polynomial in x squared that is 0 at all other pairs, by rising powers of that; and 1 over
 * the product of a's distances to all other finite points. */
#if WINOGRAD_POINTS == 7
static const float winograd_power[WINOGRAD_PAIRS][WINOGRAD_ROWS] = {{1.0f, 0.5f, 0.25f, 0.125f, 0.0625f},
                                                                    {1.0f, 1.5f, 2.25f, 3.375f, 5.0625f},
                                                                    {1.0f, 3.0f, 9.0f, 27.0f, 81.0f}};
static const float winograd_zeros[WINOGRAD_PAIRS][WINOGRAD_PAIRS] = {
    {20.25f, -11.25f, 1.0f}, {2.25f, -9.25f, 1.0f}, {0.5625f, -2.5f, 1.0f}};
static const float winograd_scale[WINOGRAD_PAIRS] = {0.0571428571f, -0.024691358f, 0.00282186949f};
#else
static const float winograd_power[WINOGRAD_PAIRS][WINOGRAD_ROWS] = {
    {1.0f, 0.25f, 0.0625f, 0.015625f, 0.00390625f, 0.0009765625f, 0.000244140625f, 6.10351562e-05f,
     1.52587891e-05f},
    {1.0f, 0.5625f, 0.31640625f, 0.177978516f, 0.100112915f, 0.0563135147f, 0.031676352f, 0.017817948f,
     0.0100225958f},
    {1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f},
    {1.0f, 1.375f, 1.890625f, 2.59960938f, 3.57446289f, 4.91488647f, 6.7579689f, 9.29220724f, 12.776785f},
    {1.0f, 2.375f, 5.640625f, 13.3964844f, 31.8166504f, 75.5645447f, 179.465794f, 426.23126f, 1012.29924f}};
static const float winograd_zeros[WINOGRAD_PAIRS][WINOGRAD_PAIRS] = {
    {3.37425327f, -16.4214945f, 20.8948975f, -8.84765625f, 1.0f},
    {0.666519165f, -11.8015289f, 18.7287598f, -8.59375f, 1.0f},
    {0.21089083f, -4.18970585f, 13.5377197f, -7.91015625f, 1.0f},
    {0.111545563f, -2.26858902f, 8.17657471f, -7.01953125f, 1.0f},
    {0.0373878479f, -0.773532867f, 3.00567627f, -3.26953125f, 1.0f}};
static const float winograd_scale[WINOGRAD_PAIRS] = {0.823931673f, -0.611019445f, 0.188768397f,
                                                     -0.0378329484f, 0.000407337614f};
#endif

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
    out[rows - 1] += products[WINOGRAD_INFINITY];
}

#endif
