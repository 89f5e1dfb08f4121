/* SPDX-License-Identifier: Apache-2.0
 * kernels_half.h - numbers of 16 bits to and from single precision, a part of kernels_body.h. */

typedef uint16_t hvec __attribute__((vector_size(VL * 2)));

INLINE vec bf16_load(const uint16_t *p)
{
    hvec h;
    memcpy(&h, p, sizeof h);
    return (vec)(__builtin_convertvector(h, ivec) << 16);
}

#ifndef VEC_HALF
/* The bits moved into place are the number times 2^-112, subnormals too; infinities and NaNs need their exponent
 * set. */
INLINE vec half_load(const uint16_t *p)
{
    hvec h;
    memcpy(&h, p, sizeof h);
    ivec b = __builtin_convertvector(h, ivec);
    ivec magnitude = (b & 0x7fff) << 13;
    ivec special = (b & 0x7c00) == 0x7c00;
    vec v = pick(special, (vec)(magnitude | 0x7f800000), (vec)magnitude * 0x1p112f);
    return (vec)(bits(v) | (ivec)(((uvec)b & 0x8000u) << 16));
}
#define VEC_HALF(p) half_load(p)
#endif

static void FN(from_f16)(const uint16_t *x, float *y, size_t n)
{
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        store(y + i, VEC_HALF(x + i));
    if (i < n) {
        uint16_t tmp[VL] = {0};
        memcpy(tmp, x + i, (n - i) * sizeof *x);
        store_part(y + i, VEC_HALF(tmp), (int)(n - i));
    }
}

/* Half of what is cut off is added, less a little where the number is even; a NaN stays one. */
INLINE hvec bf16_of(vec v)
{
    uvec b = (uvec)v, rounded = (b + 0x7fff + (b >> 16 & 1)) >> 16;
    ivec is_nan = (bits(v) & 0x7fffffff) > 0x7f800000;
    return __builtin_convertvector((uvec)pick(is_nan, (vec)(b >> 16 | 0x40), (vec)rounded), hvec);
}

static void FN(to_bf16)(const float *x, float factor, int n, uint16_t *y)
{
    int i = 0;
    for (; i + VL <= n; i += VL) {
        hvec part = bf16_of(load(x + i) * factor);
        memcpy(y + i, &part, sizeof part);
    }
    hvec rest = bf16_of(load_part(x + i, n - i, 0.0f) * factor);
    for (int j = 0; i + j < nn_i16_inputs(n); j++)
        y[i + j] = rest[j];
}
