/* winograd.h: the three linear maps of a fast convolution, F(4, 4) and F(5, 3) at seven points (kernels.h, "Fast
 * convolutions"), over any type with + - *: include it after `typedef ... winograd_t`, a float or a vector of floats.
 *
 * A filter w and a run of input x are polynomials; their product at a point is the product of their values there, and the
 * outputs follow from the values at enough points (Toom 1963, Cook 1966; transposed for filtering: Winograd 1980,
 * "Arithmetic Complexity of Computations", chapter V). The points are +-1/2, +-3/2, +-3 and infinity: symmetric, so that
 * sums of even and of odd terms serve two points each, and so spaced that rounding is little worse than that of the plain
 * sum: 67 dB for packed rows of 13 bits, 124 dB in float32. Values at the points are ordered as the points are here. */
#ifndef KERNELS_WINOGRAD_H
#define KERNELS_WINOGRAD_H

#include "kernels/kernels.h"

enum { WINOGRAD_PAIRS = WINOGRAD_POINTS / 2, WINOGRAD_INFINITY = WINOGRAD_POINTS - 1 };

#define WINOGRAD_UNROLL _Pragma("GCC unroll 8")

static const float winograd_point[WINOGRAD_PAIRS] = {0.5f, 1.5f, 3.0f};

static inline float winograd_square(int pair)
{
    return winograd_point[pair % WINOGRAD_PAIRS] * winograd_point[pair % WINOGRAD_PAIRS];
}

/* A tile's seven input rows at each point: the inputs times the product over all other points q of (x - q). */
static inline __attribute__((always_inline)) void winograd_input(const winograd_t x[WINOGRAD_POINTS],
                                                                 winograd_t out[WINOGRAD_POINTS])
{
    const float s0 = winograd_square(0), s1 = winograd_square(1), s2 = winograd_square(2);
    WINOGRAD_UNROLL
    for (int i = 0; i < WINOGRAD_PAIRS; i++) {
        const float sum = winograd_square(i + 1) + winograd_square(i + 2);
        const float product = winograd_square(i + 1) * winograd_square(i + 2);
        const winograd_t even = x[4] - sum * x[2] + product * x[0];
        const winograd_t odd = x[5] - sum * x[3] + product * x[1];
        out[2 * i] = odd + winograd_point[i] * even;
        out[2 * i + 1] = odd - winograd_point[i] * even;
    }
    out[WINOGRAD_INFINITY] =
        x[6] - (s0 + s1 + s2) * x[4] + (s0 * s1 + s0 * s2 + s1 * s2) * x[2] - s0 * s1 * s2 * x[0];
}

/* The weights of `taps` taps, 3 or 4, at each point, over the product of its distances to the other points. w[3] is 0
 * when there are 3. */
static inline __attribute__((always_inline)) void winograd_weights(const winograd_t w[WINOGRAD_TAPS],
                                                                   int taps, winograd_t out[WINOGRAD_POINTS])
{
    WINOGRAD_UNROLL
    for (int i = 0; i < WINOGRAD_PAIRS; i++) {
        const float a = winograd_point[i], square = winograd_square(i);
        const float factor =
            1.0f / (2.0f * a * (square - winograd_square(i + 1)) * (square - winograd_square(i + 2)));
        const winograd_t even = factor * w[0] + factor * square * w[2];
        const winograd_t odd = factor * a * w[1] + factor * a * square * w[3];
        out[2 * i] = odd + even;
        out[2 * i + 1] = odd - even;
    }
    out[WINOGRAD_INFINITY] = taps == WINOGRAD_TAPS ? w[3] : w[2];
}

/* A tile's `rows` output rows, 4 or 5, from the products at each point: a polynomial's values back to coefficients,
 * transposed. */
static inline __attribute__((always_inline)) void winograd_output(const winograd_t products[WINOGRAD_POINTS],
                                                                  int rows, winograd_t out[WINOGRAD_ROWS])
{
    WINOGRAD_UNROLL
    for (int i = 0; i < rows; i++) {
        WINOGRAD_UNROLL
        for (int pair = 0; pair < WINOGRAD_PAIRS; pair++) {
            const float square = winograd_square(pair);
            const float power = (i & 1 ? winograd_point[pair] : 1.0f) * (i & 2 ? square : 1.0f) *
                                (i & 4 ? square * square : 1.0f);
            const winograd_t both = i & 1 ? products[2 * pair] - products[2 * pair + 1]
                                          : products[2 * pair] + products[2 * pair + 1];
            out[i] = pair ? power * both + out[i] : power * both;
        }
    }
    out[rows - 1] = out[rows - 1] + products[WINOGRAD_INFINITY];
}

#endif
