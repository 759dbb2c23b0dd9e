/* quant.c: encoding and reference decoding of tensor elements; see quant.h for the formats. */
#include "kokoro/quant.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 32, Q8_BYTES = 2 + BLOCK, Q4_BYTES = 2 + BLOCK / 2 };

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t quant_f16_from_float(float value)
{
    uint32_t bits = float_bits(value);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN, kept quiet */
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) { /* below 2^-14: a multiple of 2^-24; the addition rounds it to even */
        float scaled = float_of_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (float_bits(scaled) - float_bits(0.5f)));
    }
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

float quant_f16_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00)
        return float_of_bits(sign | 0x7f800000 | (magnitude & 0x3ff) << 13);
    if (magnitude < 0x400) {
        float value = (float)magnitude * 0x1p-24f;
        return sign ? -value : value;
    }
    return float_of_bits(sign | ((magnitude << 13) + 0x38000000));
}

uint16_t quant_bf16_from_float(float value)
{
    uint32_t bits = float_bits(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float quant_bf16_to_float(uint16_t half)
{
    return float_of_bits((uint32_t)half << 16);
}

static void encode_q8_block(const float *values, unsigned char *out)
{
    float most = 0;
    for (int i = 0; i < BLOCK; i++)
        most = fmaxf(most, fabsf(values[i]));
    float scale = most / 127;
    float inverse = scale > 0 ? 1 / scale : 0;
    uint16_t half = quant_f16_from_float(scale);
    memcpy(out, &half, 2);
    for (int i = 0; i < BLOCK; i++) {
        float q = roundf(values[i] * inverse);
        /* a scale so small that its inverse is infinite, and NaN, end as 0 */
        out[2 + i] = (unsigned char)(q >= -127 && q <= 127 ? (int8_t)q : 0);
    }
}

static unsigned q4_code(float value, float inverse)
{
    float q = value * inverse + 8.5f;
    return !(q >= 0) ? 0 : q >= 16 ? 15 : (unsigned)q;
}

static void encode_q4_block(const float *values, unsigned char *out)
{
    float most = 0, extreme = 0; /* the element of the largest magnitude becomes exactly -8 */
    for (int i = 0; i < BLOCK; i++) {
        if (fabsf(values[i]) > most) {
            most = fabsf(values[i]);
            extreme = values[i];
        }
    }
    float scale = extreme / -8;
    float inverse = scale != 0 ? 1 / scale : 0;
    uint16_t half = quant_f16_from_float(scale);
    memcpy(out, &half, 2);
    for (int i = 0; i < BLOCK / 2; i++)
        out[2 + i] =
            (unsigned char)(q4_code(values[i], inverse) | q4_code(values[i + BLOCK / 2], inverse) << 4);
}

void quant_encode(enum gguf_type type, const float *values, size_t count, void *out)
{
    unsigned char *bytes = out;
    switch (type) {
    case GGUF_F32:
        memcpy(bytes, values, 4 * count);
        break;
    case GGUF_F16:
    case GGUF_BF16:
        for (size_t i = 0; i < count; i++) {
            uint16_t half =
                type == GGUF_F16 ? quant_f16_from_float(values[i]) : quant_bf16_from_float(values[i]);
            memcpy(bytes + 2 * i, &half, 2);
        }
        break;
    case GGUF_Q8_0:
        for (size_t i = 0; i < count / BLOCK; i++)
            encode_q8_block(values + i * BLOCK, bytes + i * Q8_BYTES);
        break;
    case GGUF_Q4_0:
        for (size_t i = 0; i < count / BLOCK; i++)
            encode_q4_block(values + i * BLOCK, bytes + i * Q4_BYTES);
        break;
    }
}

static void decode_block(enum gguf_type type, const unsigned char *in, float *values)
{
    uint16_t half;
    memcpy(&half, in, 2);
    float scale = quant_f16_to_float(half);
    if (type == GGUF_Q8_0) {
        for (int i = 0; i < BLOCK; i++)
            values[i] = scale * (float)(int8_t)in[2 + i];
        return;
    }
    for (int i = 0; i < BLOCK / 2; i++) {
        values[i] = scale * (float)((in[2 + i] & 15) - 8);
        values[i + BLOCK / 2] = scale * (float)((in[2 + i] >> 4) - 8);
    }
}

void quant_decode(enum gguf_type type, const void *data, size_t count, float *values)
{
    const unsigned char *bytes = data;
    switch (type) {
    case GGUF_F32:
        memcpy(values, bytes, 4 * count);
        break;
    case GGUF_F16:
    case GGUF_BF16:
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, bytes + 2 * i, 2);
            values[i] = type == GGUF_F16 ? quant_f16_to_float(half) : quant_bf16_to_float(half);
        }
        break;
    case GGUF_Q8_0:
    case GGUF_Q4_0:
        for (size_t i = 0; i < count / BLOCK; i++)
            decode_block(type, bytes + i * gguf_block_bytes(type), values + i * BLOCK);
        break;
    }
}
