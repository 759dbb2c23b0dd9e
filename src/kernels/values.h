/* values.h: the element types of activations and weights, and their scalar conversions. */
#ifndef KERNELS_VALUES_H
#define KERNELS_VALUES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Storage and packed rows know F32, F16, BF16 as each function says; weights may have any. */
enum value_type {
    VALUE_F32,
    VALUE_F16,  /* IEEE 754 binary16 */
    VALUE_BF16, /* the upper half of a float32 */
    VALUE_Q8_0, /* GGML: blocks of 32 values: an F16 scale and 32 signed bytes, value = scale * byte */
    VALUE_Q4_0, /* GGML: blocks of 32 values: an F16 scale and 16 bytes; their low halves are values 0..15, the
                   high halves 16..31; value = scale * (half - 8) */
};

/* Values in a block of Q8_0 and Q4_0, and the bytes of one. */
#define VALUE_BLOCK      32
#define VALUE_Q8_0_BYTES 34
#define VALUE_Q4_0_BYTES 18

/* Bytes of `count` values of a type; count is a multiple of VALUE_BLOCK for the quantised types. */
static inline size_t value_bytes(enum value_type type, size_t count)
{
    switch (type) {
    case VALUE_F32:
        return count * 4;
    case VALUE_F16:
    case VALUE_BF16:
        return count * 2;
    case VALUE_Q8_0:
        return count / VALUE_BLOCK * VALUE_Q8_0_BYTES;
    case VALUE_Q4_0:
        return count / VALUE_BLOCK * VALUE_Q4_0_BYTES;
    }
    return 0;
}

static inline uint32_t value_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float value_bits_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Conversions round to nearest even; NaN stays NaN; what is too large for F16 becomes infinite. */

static inline float value_from_f16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
    if (magnitude < 0x0400u) { /* zero or denormal: magnitude * 2^-24, exact */
        float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    if (magnitude >= 0x7c00u) /* infinite or NaN */
        return value_bits_float(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
    return value_bits_float(sign | ((magnitude << 13) + ((127u - 15u) << 23)));
}

static inline uint16_t value_to_f16(float value)
{
    uint32_t bits = value_float_bits(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) /* NaN: quiet, its upper bits kept */
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    if (magnitude >= 0x477ff000u) /* rounds to 65536 or more */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude <
        0x38800000u) { /* denormal: adding 0.5 leaves magnitude / 2^-24 in the low bits, rounded */
        uint32_t sum = value_float_bits(value_bits_float(magnitude) + 0.5f);
        return (uint16_t)(sign | (sum - 0x3f000000u));
    }
    uint32_t rounded = magnitude - ((127u - 15u) << 23) + 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | rounded >> 13);
}

static inline float value_from_bf16(uint16_t bits)
{
    return value_bits_float((uint32_t)bits << 16);
}

static inline uint16_t value_to_bf16(float value)
{
    uint32_t bits = value_float_bits(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

#endif
