/* SPDX-License-Identifier: Apache-2.0
 * kernels.c - which table of vector kernels this processor can run. */
#include "nn/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <config.h>

#if defined(HAVE_AVX2)
#include <cpuid.h>
#endif
#if defined(HAVE_AMX)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(HAVE_NEONDOT)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

extern const struct nn_kernels nn_kernels_scalar, nn_kernels_avx2, nn_kernels_avxvnni, nn_kernels_avx512,
    nn_kernels_avx512vnni, nn_kernels_avx512bf16, nn_kernels_amx, nn_kernels_neon, nn_kernels_neondot;

#if defined(HAVE_AVX2)
/* Not every compiler's __builtin_cpu_supports knows the name. */
static int has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

#if defined(HAVE_AVX512BF16) || defined(HAVE_AVXVNNI)
static int has_feature(unsigned bit) /* of leaf 7, 1 */
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << bit);
}
#endif

#if defined(HAVE_AMX)
static int has_amx;

/* The processor has tiles, their products of bytes and of bf16, and Linux lets this process use them: it keeps 8 KB
 * more of each thread that does, so it wants to be asked. */
static void ask_for_amx(void)
{
    const unsigned wanted = 1u << 22 | 1u << 24 | 1u << 25;
    const long request_permission = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
    unsigned a, b, c, d;
    has_amx = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & wanted) == wanted &&
              syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#endif

int kernels_all(const struct nn_kernels *tables[NN_MOST_TABLES])
{
    int n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init(); /* asks the operating system too: it must save the wide registers */
#ifdef HAVE_AVX512
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
        if (__builtin_cpu_supports("avx512vnni")) {
#ifdef HAVE_AMX
            static pthread_once_t once = PTHREAD_ONCE_INIT;
            pthread_once(&once, ask_for_amx);
            if (has_amx)
                tables[n++] = &nn_kernels_amx;
#endif
#ifdef HAVE_AVX512BF16
            if (has_feature(5))
                tables[n++] = &nn_kernels_avx512bf16;
#endif
            tables[n++] = &nn_kernels_avx512vnni;
        }
        tables[n++] = &nn_kernels_avx512;
    }
#endif
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) {
#ifdef HAVE_AVXVNNI
        if (has_feature(4))
            tables[n++] = &nn_kernels_avxvnni;
#endif
        tables[n++] = &nn_kernels_avx2;
    }
#endif
#endif
#ifdef HAVE_NEONDOT
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP)
        tables[n++] = &nn_kernels_neondot;
#endif
#ifdef HAVE_NEON
    tables[n++] = &nn_kernels_neon;
#endif
    tables[n++] = &nn_kernels_scalar;
    return n;
}

static const struct nn_kernels *picked;

static void pick(void)
{
    const struct nn_kernels *tables[NN_MOST_TABLES];
    int n = kernels_all(tables);
    const char *wanted = getenv("LINNET_CPU");
    picked = tables[0];
    for (int i = 0; wanted != NULL && i < n; i++)
        if (strcmp(wanted, tables[i]->name) == 0)
            picked = tables[i];
}

/* Once: on virtual machines a question to the processor takes tens of microseconds. */
const struct nn_kernels *kernels_pick(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, pick);
    return picked;
}

/* A float, or as many bytes of shorter numbers. */
typedef float unit __attribute__((may_alias));

/* Four columns of as many rows, x (stride ldx), into a [4][rows]. */
static inline void pack_columns(int rows, const unit *x, ptrdiff_t ldx, unit *a)
{
    int i = 0;
#if HAVE_SHUFFLEVECTOR
    typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
    typedef float pair __attribute__((vector_size(8), aligned(4), may_alias));
    for (; i + 4 <= rows; i += 4) {
        const unit *from = x + i * ldx;
        quad r0 = *(const quad *)from, r1 = *(const quad *)(from + ldx), r2 = *(const quad *)(from + 2 * ldx),
             r3 = *(const quad *)(from + 3 * ldx);
        quad low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
        quad low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        *(quad *)(a + i) = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
        *(quad *)(a + rows + i) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
        *(quad *)(a + 2 * rows + i) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
        *(quad *)(a + 3 * rows + i) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    }
    for (; i + 2 <= rows; i += 2) {
        quad r0 = *(const quad *)(x + i * ldx), r1 = *(const quad *)(x + (i + 1) * ldx);
        *(pair *)(a + i) = __builtin_shufflevector(r0, r1, 0, 4);
        *(pair *)(a + rows + i) = __builtin_shufflevector(r0, r1, 1, 5);
        *(pair *)(a + 2 * rows + i) = __builtin_shufflevector(r0, r1, 2, 6);
        *(pair *)(a + 3 * rows + i) = __builtin_shufflevector(r0, r1, 3, 7);
    }
#endif
    for (; i < rows; i++)
        for (int k = 0; k < 4; k++)
            a[k * rows + i] = x[i * ldx + k];
}

static void pack_units(int rows, int n, const unit *x, ptrdiff_t ldx, unit *a)
{
    if (rows == 1) {
        memcpy(a, x, (size_t)n * sizeof *a);
        return;
    }
    /* Four columns at a time: reads and writes both stay in few cache lines. */
    int k = 0;
    for (; k + 4 <= n; k += 4)
        pack_columns(rows, x + k, ldx, a + (ptrdiff_t)k * rows);
    for (; k < n; k++)
        for (int i = 0; i < rows; i++)
            a[(ptrdiff_t)k * rows + i] = x[i * ldx + k];
}

/* Inlined, so that the width is a constant. */
static inline __attribute__((always_inline)) void pack(int rows, int n, const int width, const char *x, char *a)
{
    for (; n >= width; n -= width, x += width, a += (ptrdiff_t)width * rows)
        memcpy(a, x, (size_t)width);
    if (n > 0) {
        memcpy(a, x, (size_t)n);
        memset(a + n, 0, (size_t)(width - n));
    }
}

void nn_pack_row(int rows, int i, int n, int width, const void *x, void *a)
{
    char *to = (char *)a + (ptrdiff_t)width * i;
    switch (width) {
    case 4:
        pack(rows, n, 4, x, to);
        break;
    case 8:
        pack(rows, n, 8, x, to);
        break;
    default:
        pack(rows, n, NN_MAX_WIDTH, x, to);
    }
}

void nn_pack_rows(int rows, int n_in, const float *x, ptrdiff_t ldx, float *a) { pack_units(rows, n_in, x, ldx, a); }

void nn_pack_tile(int rows, int n, int width, const void *x, ptrdiff_t stride, void *a)
{
    enum { UNIT = sizeof(unit) };
    if (width == UNIT)
        pack_units(rows, n / UNIT, x, stride / UNIT, a);
    else
        for (int i = 0; i < rows; i++)
            nn_pack_row(rows, i, n, width, (const char *)x + i * stride, a);
}
