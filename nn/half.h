/* SPDX-License-Identifier: Apache-2.0
 * half.h - 16-bit floating point: IEEE binary16 (f16) and bfloat16 (bf16), one number at a time.
 *
 * Plain integer arithmetic, the same on every machine: the reference that vector code is tested against.
 * Narrowing rounds to nearest, ties to even; what is too big becomes infinity, subnormals are kept, a NaN stays a
 * (quiet) NaN with its sign and upper payload. */
#ifndef LINNET_NN_HALF_H
#define LINNET_NN_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t half_bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static inline float half_from_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static inline float half_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
    if (exponent == 31) /* infinity, NaN (made quiet, as processors do) */
        return half_from_bits(sign | 0x7f800000 | mantissa << 13 | (mantissa != 0 ? 0x400000 : 0));
    if (exponent != 0)
        return half_from_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float magnitude = (float)mantissa * 0x1p-24f; /* zero and subnormals: exact */
    return half_from_bits(sign | half_bits(magnitude));
}

static inline uint16_t half_f32_to_f16(float x)
{
    uint32_t u = half_bits(x), sign = u >> 16 & 0x8000, magnitude = u & 0x7fffffff;
    if (magnitude > 0x7f800000) /* NaN */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) /* 65520 and up round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude >= 0x38800000) /* normal: rebias, round the 13 bits that go */
        return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
    if (magnitude < 0x33000000) /* under half of the smallest subnormal */
        return (uint16_t)sign;
    uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000, shift = 126 - (magnitude >> 23); /* 14 .. 24 */
    uint32_t rest = mantissa & ((1u << shift) - 1), tie = 1u << (shift - 1), kept = mantissa >> shift;
    return (uint16_t)(sign | (kept + (rest > tie || (rest == tie && (kept & 1)))));
}

static inline float half_bf16_to_f32(uint16_t b) { return half_from_bits((uint32_t)b << 16); }

static inline uint16_t half_f32_to_bf16(float x)
{
    uint32_t u = half_bits(x);
    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

#endif
