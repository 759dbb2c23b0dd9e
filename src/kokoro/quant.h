/* quant.h: element types of model tensors: their encoding, and a plain decoding that says what they mean.
 *
 *   f16   IEEE 754 binary16.
 *   bf16  the upper half of a float32.
 *   q8_0  blocks of 32: a scale d (f16), then 32 signed bytes q: value = d * q.                        34
 * bytes q4_0  blocks of 32: a scale d (f16), then 16 bytes: value = d * (q - 8), where elements 0 to 15 are
 * the low and 16 to 31 the high halves of the bytes.                                                       18
 * bytes
 *
 * As ggml defines and encodes them (ggml-common.h, quantize_row_q8_0_ref and quantize_row_q4_0_ref), so that
 * its tools read our files. Speed is the kernels' business; this is the reference that they are checked
 * against. */
#ifndef KOKORO_QUANT_H
#define KOKORO_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "kokoro/gguf.h"

/* Conversions of single numbers; to 16 bits: to nearest, ties to even; NaN stays NaN. */
uint16_t quant_f16_from_float(float value);
float quant_f16_to_float(uint16_t half);
uint16_t quant_bf16_from_float(float value);
float quant_bf16_to_float(uint16_t half);

/* Encodes `count` floats (a multiple of the type's block) into gguf_row_bytes(type, count) bytes at `out`. */
void quant_encode(enum gguf_type type, const float *values, size_t count, void *out);

/* The opposite: `count` elements at `data` to floats. */
void quant_decode(enum gguf_type type, const void *data, size_t count, float *values);

#endif
