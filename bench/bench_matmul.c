/* SPDX-License-Identifier: Apache-2.0
 * bench_matmul.c - speed of single precision products of the shapes that occur: our kernels, OpenBLAS, oneDNN, in turn.
 *
 *     bench/bench_matmul [rounds [threads]]
 *
 * y [rows, n_out] = x [rows, n_in] W^T, with one thread and with `threads`; GFLOP/s, medians over the rounds, as
 * Markdown.  Weights are packed once where a program can do that: OpenBLAS reads W as it is.  A W that fits a cache
 * stays there, which favours nobody.  The others are loaded where they are found, oneDNN only where its header (2.x)
 * was too when this was compiled; nothing else here depends on it. */
#include <cblas.h>
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "bench/measure.h"
#if defined(__has_include)
#if __has_include(<oneapi/dnnl/dnnl.h>)
#include <oneapi/dnnl/dnnl.h>
#define HAVE_DNNL (DNNL_VERSION_MAJOR == 2)
#endif
#endif

enum { MAX_ROUNDS = 101 };
#define TRIAL_S 0.004

struct shape {
    int rows, n_in, n_out, n_threads;
};

/* A product that is ready to run, and how. */
struct product {
    struct shape shape;
    float *x, *w, *y;
    struct pool *pool;
    struct nn_context ctx;
    struct linear linear;
};

/* ---- ours ---- */

static void ours_run(struct product *p)
{
    const struct shape *s = &p->shape;
    linear_forward(&p->ctx, &p->linear, &(struct linear_rows){p->x, s->n_in, s->rows, p->y, s->n_out}, NULL);
}

static int ours_prepare(struct product *p)
{
    (void)p;
    return 1;
}

/* ---- OpenBLAS ---- */

static struct {
    __typeof__(cblas_sgemm) *sgemm;
    void (*set_threads)(int);
} blas;

static int blas_prepare(struct product *p)
{
    if (blas.sgemm != NULL && blas.set_threads != NULL)
        blas.set_threads(p->shape.n_threads);
    return blas.sgemm != NULL && blas.set_threads != NULL;
}

static void blas_run(struct product *p)
{
    const struct shape *s = &p->shape;
    blas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s->rows, s->n_out, s->n_in, 1.0f, p->x, s->n_in, p->w, s->n_in,
               0.0f, p->y, s->n_out);
}

static void blas_load(void)
{
    unsetenv("OPENBLAS_CORETYPE"); /* it knows the processor best */
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return;
    *(void **)&blas.sgemm = dlsym(library, "cblas_sgemm");
    *(void **)&blas.set_threads = dlsym(library, "openblas_set_num_threads");
}

/* ---- oneDNN ---- */

#if HAVE_DNNL
/* clang-format off */
#define DNNL_FUNCTIONS(X) \
    X(engine_create) X(stream_create) X(stream_wait) X(memory_desc_init_by_tag) X(matmul_desc_init) \
    X(primitive_desc_create) X(primitive_desc_query_md) X(primitive_desc_destroy) X(primitive_create) \
    X(primitive_execute) X(primitive_destroy) X(memory_create) X(memory_destroy) X(reorder_primitive_desc_create)
/* clang-format on */
#define POINTER(name) __typeof__(dnnl_##name) *name;
#define FIND(name) found &= (*(void **)&dnnl.name = dlsym(library, "dnnl_" #name)) != NULL;

static struct {
    DNNL_FUNCTIONS(POINTER)
    void (*set_threads)(int);
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t product; /* of the last that was prepared, with its memory: */
    dnnl_memory_t x, w, y;
} dnnl;

static void onednn_load(void)
{
    void *library = dlopen("libdnnl.so.2", RTLD_NOW | RTLD_LOCAL), *openmp = dlopen("libgomp.so.1", RTLD_NOW);
    int found = library != NULL && openmp != NULL;
    if (found) {
        DNNL_FUNCTIONS(FIND)
        *(void **)&dnnl.set_threads = dlsym(openmp, "omp_set_num_threads");
    }
    if (!found || dnnl.set_threads == NULL || dnnl.engine_create(&dnnl.engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl.stream_create(&dnnl.stream, dnnl.engine, dnnl_stream_default_flags) != dnnl_success)
        dnnl.engine = NULL;
}

/* W, which lies [n_out, n_in], in the form that the product likes best. */
static dnnl_status_t onednn_reorder(const dnnl_memory_desc_t *as_is, const dnnl_memory_desc_t *best, float *w)
{
    dnnl_primitive_desc_t how;
    dnnl_primitive_t reorder;
    dnnl_memory_t from;
    dnnl_status_t bad = dnnl.memory_create(&from, as_is, dnnl.engine, w);
    bad = bad ? bad : dnnl.memory_create(&dnnl.w, best, dnnl.engine, DNNL_MEMORY_ALLOCATE);
    bad = bad ? bad : dnnl.reorder_primitive_desc_create(&how, as_is, dnnl.engine, best, dnnl.engine, NULL);
    bad = bad ? bad : dnnl.primitive_create(&reorder, how);
    if (bad)
        return bad;
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, dnnl.w}};
    bad = dnnl.primitive_execute(reorder, dnnl.stream, 2, args);
    dnnl.stream_wait(dnnl.stream);
    dnnl.primitive_destroy(reorder);
    dnnl.primitive_desc_destroy(how);
    dnnl.memory_destroy(from);
    return bad;
}

static int onednn_prepare(struct product *p)
{
    if (dnnl.engine == NULL)
        return 0;
    const struct shape *s = &p->shape;
    const dnnl_dims_t x_dims = {s->rows, s->n_in}, w_dims = {s->n_in, s->n_out}, y_dims = {s->rows, s->n_out};
    dnnl_memory_desc_t x, w, w_any, y;
    dnnl_matmul_desc_t matmul;
    dnnl_primitive_desc_t how;
    dnnl.set_threads(s->n_threads);
    dnnl_status_t bad = dnnl.memory_desc_init_by_tag(&x, 2, x_dims, dnnl_f32, dnnl_ab);
    bad = bad ? bad : dnnl.memory_desc_init_by_tag(&w, 2, w_dims, dnnl_f32, dnnl_ba);
    bad = bad ? bad : dnnl.memory_desc_init_by_tag(&w_any, 2, w_dims, dnnl_f32, dnnl_format_tag_any);
    bad = bad ? bad : dnnl.memory_desc_init_by_tag(&y, 2, y_dims, dnnl_f32, dnnl_ab);
    bad = bad ? bad : dnnl.matmul_desc_init(&matmul, &x, &w_any, NULL, &y);
    bad = bad ? bad : dnnl.primitive_desc_create(&how, &matmul, NULL, dnnl.engine, NULL);
    if (bad)
        return 0;
    bad = onednn_reorder(&w, dnnl.primitive_desc_query_md(how, dnnl_query_weights_md, 0), p->w);
    bad = bad ? bad : dnnl.primitive_create(&dnnl.product, how);
    bad = bad ? bad : dnnl.memory_create(&dnnl.x, &x, dnnl.engine, p->x);
    bad = bad ? bad : dnnl.memory_create(&dnnl.y, &y, dnnl.engine, p->y);
    dnnl.primitive_desc_destroy(how);
    return !bad;
}

static void onednn_run(struct product *p)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, dnnl.x}, {DNNL_ARG_WEIGHTS, dnnl.w}, {DNNL_ARG_DST, dnnl.y}};
    (void)p;
    dnnl.primitive_execute(dnnl.product, dnnl.stream, 3, args);
    dnnl.stream_wait(dnnl.stream);
}

static void onednn_finish(void)
{
    dnnl.primitive_destroy(dnnl.product);
    dnnl.memory_destroy(dnnl.x);
    dnnl.memory_destroy(dnnl.w);
    dnnl.memory_destroy(dnnl.y);
}
#else
static void onednn_load(void) {}
static int onednn_prepare(struct product *p)
{
    (void)p;
    return 0;
}
static void onednn_run(struct product *p) { (void)p; }
static void onednn_finish(void) {}
#endif

/* ---- measuring ---- */

static const struct backend {
    const char *name;
    int (*prepare)(struct product *p);
    void (*run)(struct product *p);
    void (*finish)(void);
} backends[] = {{"linnet", ours_prepare, ours_run, NULL},
                {"OpenBLAS", blas_prepare, blas_run, NULL},
                {"oneDNN", onednn_prepare, onednn_run, onednn_finish}};
enum { N_BACKENDS = sizeof backends / sizeof backends[0] };

/* Seconds of one product: of as many as take TRIAL_S. */
static double trial(const struct backend *b, struct product *p)
{
    b->run(p);
    double start = clock_s(), now = start;
    int n = 0;
    while (now - start < TRIAL_S) {
        b->run(p);
        n++;
        now = clock_s();
    }
    return (now - start) / n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct product *p, int n_rounds)
{
    const struct timespec pause = {0, 30000000}; /* until threads of the other libraries spin no more */
    static double seconds[N_BACKENDS][MAX_ROUNDS];
    int is_there[N_BACKENDS];
    const struct shape *s = &p->shape;
    for (int i = 0; i < N_BACKENDS; i++)
        is_there[i] = backends[i].prepare(p);
    for (int round = 0; round < n_rounds; round++)
        for (int i = 0; i < N_BACKENDS; i++) {
            if (!is_there[i])
                continue;
            seconds[i][round] = trial(&backends[i], p);
            if (i > 0 && s->n_threads > 1)
                nanosleep(&pause, NULL);
        }
    printf("| %d x %d to %d | %d |", s->rows, s->n_in, s->n_out, s->n_threads);
    for (int i = 0; i < N_BACKENDS; i++) {
        qsort(seconds[i], (size_t)n_rounds, sizeof(double), ascending);
        double speed = 2e-9 * s->rows * s->n_in * s->n_out / seconds[i][n_rounds / 2];
        printf(is_there[i] ? " %.1f |" : " - |", speed);
        if (is_there[i] && backends[i].finish != NULL)
            backends[i].finish();
    }
    printf("\n");
    fflush(stdout);
}

static int product_open(struct product *p, const struct shape *shape, struct message *msg)
{
    size_t n_in = (size_t)shape->n_in, n_out = (size_t)shape->n_out, rows = (size_t)shape->rows;
    *p = (struct product){.shape = *shape};
    p->x = mem_array(rows * n_in, sizeof *p->x);
    p->w = mem_array(n_out * n_in, sizeof *p->w);
    p->y = mem_array(rows * n_out, sizeof *p->y);
    if (p->x == NULL || p->w == NULL || p->y == NULL)
        return fail_memory(msg);
    for (size_t i = 0; i < rows * n_in; i++)
        p->x[i] = (float)(i % 17) - 8.0f;
    for (size_t i = 0; i < n_out * n_in; i++)
        p->w[i] = (float)(i % 13) / 13.0f - 0.5f;
    const struct tensor w = {
        .name = "w", .dtype = DTYPE_F32, .n_dims = 2, .shape = {shape->n_out, shape->n_in}, .data = p->w};
    const struct tensor *const weights[] = {&w};
    int rc;
    if ((rc = pool_open(&p->pool, shape->n_threads)) < 0 || (rc = nn_context_open(&p->ctx, p->pool, msg)) < 0 ||
        (rc = linear_open(&p->linear, weights, NULL, 1, PRECISION_FP32, p->pool, msg)) < 0)
        return rc;
    return nn_context_reserve(&p->ctx, linear_scratch(&p->linear), msg);
}

static void product_close(struct product *p)
{
    linear_close(&p->linear);
    nn_context_close(&p->ctx);
    pool_close(p->pool);
    mem_free(p->x);
    mem_free(p->w);
    mem_free(p->y);
}

int main(int argc, char **argv)
{
    static const int layers[][2] = {{512, 512}, {512, 2048}, {2048, 512}, {256, 1024}, {256, 2048}, {512, 51865}};
    static const int rows[] = {1, 5, 16, 64, 500, 1500};
    int n_rounds = number(argc, argv, 1, 5), n_threads = number(argc, argv, 2, 2), rc = LINNET_OK;
    struct message msg;
    if (n_rounds < 1 || n_rounds > MAX_ROUNDS || n_threads < 1)
        return 2;
    blas_load();
    onednn_load();
    printf("| rows x inputs to outputs | threads | linnet (%s) | OpenBLAS | oneDNN |\n|---|---|---|---|---|\n",
           kernels_pick()->name);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            for (int n = 1; n <= n_threads && rc >= 0; n += n_threads > 1 ? n_threads - 1 : 1) {
                struct product p;
                if (layers[i][1] > 10000 && rows[k] > 64)
                    continue; /* the vocabulary's logits are wanted of a few rows only */
                rc = product_open(&p, &(struct shape){rows[k], layers[i][0], layers[i][1], n}, &msg);
                if (rc >= 0)
                    measure(&p, n_rounds);
                product_close(&p);
            }
    if (rc < 0)
        fprintf(stderr, "bench_matmul: %s\n", msg.text);
    return rc < 0;
}
