/* SPDX-License-Identifier: Apache-2.0
 * kaldi_fft.c - power spectrum of a real frame, rounded as kaldi-native-fbank rounds it.
 *
 * In single precision each bin is off by some 1e-7 of the loudest one, so where a band has a billionth of its frame's
 * energy the logarithm of that band is rounding: 0.02 from the exact value, and elsewhere for every order of the sums.
 * Models are trained on such features and results are compared on such features, so this transform adds in the order of
 * the one that makes them.  It is scalar code without fused multiplications: every machine has the same bits.
 *
 * The method is the textbook's: pairs of samples are complex points, which are put into digit-reversed order and
 * transformed by passes of radix 4 (Cooley and Tukey, decimation in time), after one of radix 2 if their number is no
 * power of four; then the spectra of the even and the odd samples are separated.  The order is kissfft's as it is in
 * kaldi-native-fbank 1.23's packages for x86-64, where gcc -ffast-math has split some differences into their two terms
 * and added these one by one (plus and minus below). */
#include "frontend/kaldi_fft.h"

#include <math.h>

#include "base/mem.h"

/* Point i of the first pass: the remainders of i by the passes' radices, read backwards. */
static void fill_order(unsigned *order, size_t n, unsigned first, unsigned step)
{
    unsigned radix = n % 4 == 0 ? 4 : 2;
    if (n == 1)
        *order = first;
    for (unsigned k = 0; n > 1 && k < radix; k++)
        fill_order(order + k * (n / radix), n / radix, first + k * step, step * radix);
}

static struct kaldi_fft_point twiddle(double angle)
{
    return (struct kaldi_fft_point){(float)cos(angle), (float)sin(angle)};
}

int kaldi_fft_open(struct kaldi_fft *f, size_t n_fft, struct message *msg)
{
    if (n_fft < 2 || n_fft > 1 << 20 || (n_fft & (n_fft - 1)) != 0)
        return fail(msg, LINNET_E_ARGUMENT, "a Fourier transform of %zu points", n_fft);
    size_t n = n_fft / 2;
    double pi = acos(-1.0);
    *f = (struct kaldi_fft){.n = n};
    f->block = MEM_PARTS(MEM_PART(f->in, n_fft), MEM_PART(f->power, n + 1), MEM_PART(f->points, n),
                         MEM_PART(f->twiddles, n), MEM_PART(f->split_twiddles, n / 2 + 1), MEM_PART(f->order, n));
    if (f->block == NULL)
        return fail_memory(msg);
    fill_order(f->order, n, 0, 1);
    for (size_t k = 0; k < n; k++)
        f->twiddles[k] = twiddle(-2.0 * pi * (double)k / (double)n);
    for (size_t k = 0; k <= n / 2; k++)
        f->split_twiddles[k] = twiddle(-pi * ((double)k / (double)n + 0.5));
    return LINNET_OK;
}

void kaldi_fft_close(struct kaldi_fft *f)
{
    mem_free(f->block);
    *f = (struct kaldi_fft){0};
}

/* Transforms of one point to transforms of two. */
static void pass_2(struct kaldi_fft_point *z, size_t n)
{
    for (struct kaldi_fft_point *end = z + n; z < end; z += 2) {
        struct kaldi_fft_point a = z[0], b = z[1];
        z[0] = (struct kaldi_fft_point){a.re + b.re, a.im + b.im};
        z[1] = (struct kaldi_fft_point){a.re - b.re, a.im - b.im};
    }
}

/* Point k of four transforms of m points to points k, m + k, 2 m + k, 3 m + k of one of 4 m. */
static void butterfly_4(struct kaldi_fft_point *z, size_t m, struct kaldi_fft_point u, struct kaldi_fft_point v,
                        struct kaldi_fft_point w)
{
    struct kaldi_fft_point a = z[0], b = z[m], c = z[2 * m], d = z[3 * m];
    float b_re = b.re * u.re - b.im * u.im, b_im = b.re * u.im + b.im * u.re; /* times its twiddle */
    float c_im = c.re * v.im + c.im * v.re;
    float d_im = d.re * w.im + d.im * w.re;
    float c_plus = c.re * v.re, c_minus = c.im * v.im, d_plus = d.re * w.re, d_minus = d.im * w.im;
    float sum_re = a.re + c_plus - c_minus, sum_im = a.im + c_im;
    float difference_re = a.re + c_minus - c_plus, difference_im = a.im - c_im;
    float odd_re = b_re - d_minus + d_plus, odd_im = b_im + d_im;
    float across_re = b_re - d_plus + d_minus;
    z[0] = (struct kaldi_fft_point){sum_re + odd_re, sum_im + odd_im};
    z[m] = (struct kaldi_fft_point){difference_re + b_im - d_im, difference_im - across_re};
    z[2 * m] = (struct kaldi_fft_point){sum_re - odd_re, sum_im - odd_im};
    z[3 * m] = (struct kaldi_fft_point){difference_re + d_im - b_im, difference_im + across_re};
}

static void pass_4(struct kaldi_fft_point *z, const struct kaldi_fft_point *twiddles, size_t n, size_t m)
{
    size_t step = n / (4 * m);
    for (struct kaldi_fft_point *end = z + n; z < end; z += 4 * m)
        for (size_t k = 0; k < m; k++)
            butterfly_4(z + k, m, twiddles[k * step], twiddles[2 * k * step], twiddles[3 * k * step]);
}

static float squared(float re, float im) { return re * re + im * im; }

/* Bins k and n - k of the real frame from points k and n - k. */
static void unpack(struct kaldi_fft *f)
{
    const struct kaldi_fft_point *z = f->points;
    f->power[0] = squared(z[0].re + z[0].im, 0.0f);
    f->power[f->n] = squared(z[0].re - z[0].im, 0.0f);
    for (size_t k = 1; k <= f->n / 2; k++) {
        struct kaldi_fft_point a = z[k], b = z[f->n - k], w = f->split_twiddles[k];
        float even_re = a.re + b.re, even_im = a.im - b.im, odd_re = a.re - b.re, odd_im = a.im + b.im;
        float plus = odd_re * w.re, minus = odd_im * w.im, im = odd_re * w.im + odd_im * w.re;
        f->power[k] = squared((even_re + plus - minus) * 0.5f, (even_im + im) * 0.5f);
        f->power[f->n - k] = squared((even_re + minus - plus) * 0.5f, (im - even_im) * 0.5f);
    }
}

void kaldi_fft_step(struct kaldi_fft *f)
{
    size_t m = f->n;
    while (m > 2)
        m /= 4;
    for (size_t i = 0; i < f->n; i++)
        f->points[i] = (struct kaldi_fft_point){f->in[2 * f->order[i]], f->in[2 * f->order[i] + 1]};
    if (m == 2)
        pass_2(f->points, f->n);
    for (; m < f->n; m *= 4)
        pass_4(f->points, f->twiddles, f->n, m);
    unpack(f);
}
