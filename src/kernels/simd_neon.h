/* simd_neon.h: the vector operations of simd_avx512.h (which explains them) for 64-bit ARM. */
#ifndef KERNELS_SIMD_NEON_H
#define KERNELS_SIMD_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float float_at_any_byte __attribute__((may_alias, aligned(1)));
typedef float32x4_t vf;
enum { LANES = 4 };

INLINE vf v_set(float x)
{
    return vdupq_n_f32(x);
}

INLINE vf v_set_f16(uint16_t x)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(x)));
}

INLINE vf v_load(const float *x)
{
    return vld1q_f32(x);
}

INLINE vf v_load_part(const float *x, int n)
{
    float part[LANES] = {0};
    memcpy(part, x, (size_t)n * sizeof *x);
    return vld1q_f32(part);
}

INLINE void v_store(float *out, vf x)
{
    vst1q_f32(out, x);
}

INLINE void v_store_part(float *out, vf x, int n)
{
    float part[LANES];
    vst1q_f32(part, x);
    memcpy(out, part, (size_t)n * sizeof *out);
}

INLINE vf v_load_f16(const uint16_t *x)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x)));
}

INLINE vf v_load_f16_part(const uint16_t *x, int n)
{
    uint16_t part[LANES] = {0};
    memcpy(part, x, (size_t)n * sizeof *x);
    return v_load_f16(part);
}

INLINE void v_store_f16(uint16_t *out, vf x)
{
    vst1_u16(out, vreinterpret_u16_f16(vcvt_f16_f32(x)));
}

INLINE void v_store_f16_part(uint16_t *out, vf x, int n)
{
    uint16_t part[LANES];
    v_store_f16(part, x);
    memcpy(out, part, (size_t)n * sizeof *out);
}

INLINE vf v_load_bf16(const uint16_t *x)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(x), 16));
}

INLINE vf v_low_bf16(vf pairs)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(pairs), 16));
}

INLINE vf v_high_bf16(vf pairs)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pairs), vdupq_n_u32(0xffff0000u)));
}

INLINE vf v_load_s8(const void *x)
{
    int8_t bytes[8] = {0};
    memcpy(bytes, x, LANES);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(bytes)))));
}

INLINE void v_store_s8(void *out, vf x)
{
    int16x4_t half = vmovn_s32(vcvtnq_s32_f32(x));
    int8x8_t bytes = vmovn_s16(vcombine_s16(half, half));
    memcpy(out, &bytes, LANES);
}

INLINE vf v_broadcast(const void *x)
{
    return vdupq_n_f32(*(const float_at_any_byte *)x);
}

INLINE vf v_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

INLINE vf v_fnma(vf a, vf b, vf c)
{
    return vfmsq_f32(c, a, b);
}

/* NEON answers NaN when either is NaN. */
INLINE vf v_max(vf a, vf b)
{
    return vmaxq_f32(a, b);
}

INLINE vf v_min(vf a, vf b)
{
    return vminq_f32(a, b);
}

INLINE vf v_round(vf x)
{
    return vrndnq_f32(x);
}

INLINE vf v_fraction(vf x)
{
    return x - v_round(x);
}

/* 2^n, |n| <= 126. */
INLINE vf v_exponent(int32x4_t n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

/* In two steps, because 2^n alone may be out of range. */
INLINE vf v_ldexp(vf x, vf n)
{
    int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1);
    return vmulq_f32(vmulq_f32(x, v_exponent(half)), v_exponent(vsubq_s32(whole, half)));
}

INLINE vf v_negate_odd(vf x, vf n)
{
    uint32x4_t sign = vshlq_n_u32(vreinterpretq_u32_s32(vcvtnq_s32_f32(n)), 31);
    return vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(x), sign));
}

INLINE vf v_sqrt(vf x)
{
    return vsqrtq_f32(x);
}

INLINE vf v_abs(vf x)
{
    return vabsq_f32(x);
}

INLINE vf v_copysign(vf x, vf sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, x);
}

INLINE float v_sum(vf x)
{
    return vaddvq_f32(x);
}

INLINE float v_largest(vf x)
{
    return vmaxvq_f32(x);
}

INLINE void v_transpose(vf x[LANES])
{
    float32x4x2_t a = vtrnq_f32(x[0], x[1]), b = vtrnq_f32(x[2], x[3]);
    x[0] = vcombine_f32(vget_low_f32(a.val[0]), vget_low_f32(b.val[0]));
    x[1] = vcombine_f32(vget_low_f32(a.val[1]), vget_low_f32(b.val[1]));
    x[2] = vcombine_f32(vget_high_f32(a.val[0]), vget_high_f32(b.val[0]));
    x[3] = vcombine_f32(vget_high_f32(a.val[1]), vget_high_f32(b.val[1]));
}

#endif
