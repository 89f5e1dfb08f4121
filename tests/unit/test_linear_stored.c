/* SPDX-License-Identifier: Apache-2.0
 * test_linear_stored.c - layers from a file that has them packed give the bits of those packed when they are opened,
 * and of files that are wrong the tensor is named. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/linear_stored.h"
#include "tests/support/noise.h"
#include "tests/support/scratch.h"

/* ---- two layers: three of 37 inputs and 20 outputs in one, a convolution of 3 taps ---- */

enum { N_IN = 37, N_PART = 20, N_CHANNELS = 10, N_OUT = 45, N_TAPS = 3, N_TENSORS = 7, N_MOST = 1400, N_ROWS = 5 };

static float numbers[N_TENSORS][N_MOST];
static const struct {
    const char *name;
    int n_dims;
    int64_t shape[3];
} tensors[N_TENSORS] = {
    {"x.q.weight", 2, {N_PART, N_IN}},
    {"x.q.bias", 1, {N_PART}},
    {"x.k.weight", 2, {N_PART, N_IN}},
    {"x.v.weight", 2, {N_PART, N_IN}},
    {"x.v.bias", 1, {N_PART}},
    {"c.weight", 3, {N_OUT, N_CHANNELS, N_TAPS}},
    {"c.bias", 1, {N_OUT}},
};

static int is_weight(int i) { return tensors[i].n_dims > 1; }

static size_t n_bytes(int i)
{
    size_t bytes = 0;
    CU_ASSERT_EQUAL_FATAL(tensor_measure(DTYPE_F32, tensors[i].n_dims, tensors[i].shape, &bytes), 0);
    return bytes;
}

struct layers {
    struct safetensors *file;
    struct linear qkv, convolution;
};

static int layers_open(struct layers *l, const char *path, enum precision precision, struct linear_list *list,
                       struct message *msg)
{
    static const char *const names[] = {"q", "k", "v"};
    *l = (struct layers){0};
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&l->file, path, msg), 0);
    const struct layer_source from = {l->file, precision, NULL, msg, list};
    int rc =
        linear_load_joined(&l->qkv, &from, &(struct layer_names){"x.", names, 3}, N_IN, N_PART, LAYER_BIAS_OPTIONAL);
    return rc < 0 ? rc : linear_load_convolution(&l->convolution, &from, "c", N_CHANNELS, N_OUT, N_TAPS, LAYER_BIAS);
}

static void layers_close(struct layers *l)
{
    linear_close(&l->qkv);
    linear_close(&l->convolution);
    safetensors_close(l->file);
}

/* ---- files ---- */

static void write_weights(const char *path)
{
    struct safetensors_writer *w;
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&w, path, NULL), 0);
    for (int i = 0; i < N_TENSORS; i++) {
        noise_fill(numbers[i], N_MOST);
        CU_ASSERT_EQUAL(
            safetensors_writer_declare(w, tensors[i].name, DTYPE_F32, tensors[i].n_dims, tensors[i].shape, NULL), i);
    }
    for (int i = 0; i < N_TENSORS; i++)
        CU_ASSERT_EQUAL(safetensors_writer_put(w, i, numbers[i], n_bytes(i), NULL), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_close(w, NULL), 0);
}

/* What is wrong with a tensor of the file. */
struct fault {
    const char *tensor;
    enum { NONE, MISSING, OTHER_TYPE, OTHER_SHAPE, NOT_FINITE, LOWEST } what;
    const char *says;
};

/* Declares the tensor, or puts it as number i. */
static int put(struct safetensors_writer *w, const struct tensor *from, const struct fault *fault, int declares, int i)
{
    struct tensor t = *from;
    float *spoilt = NULL;
    int is_it = fault != NULL && strcmp(fault->tensor, t.name) == 0;
    if (is_it && fault->what == MISSING)
        return 0;
    if (is_it && fault->what == OTHER_TYPE)
        t.dtype = t.dtype == DTYPE_I8 ? DTYPE_U8 : t.dtype == DTYPE_I16 ? DTYPE_F16 : DTYPE_U32;
    if (is_it && fault->what == OTHER_SHAPE) {
        t.n_bytes -= t.n_bytes / (size_t)t.shape[0];
        t.shape[0]--;
    }
    if (is_it && (fault->what == NOT_FINITE || fault->what == LOWEST)) {
        t.data = spoilt = mem_array(t.n_bytes, 1);
        spoilt[1] = NAN;
        for (size_t j = 0; fault->what == LOWEST && j < t.n_bytes; j++) /* -128, -32768, -2^31 */
            ((unsigned char *)spoilt)[j] = j % dtype_size(t.dtype) == dtype_size(t.dtype) - 1 ? 0x80 : 0;
    }
    CU_ASSERT((declares ? safetensors_writer_declare(w, t.name, t.dtype, t.n_dims, t.shape, NULL)
                        : safetensors_writer_put(w, i, t.data, t.n_bytes, NULL)) >= 0);
    mem_free(spoilt);
    return 1;
}

static void write_stored(const char *path, const struct linear_list *list, const struct fault *fault,
                         const char *version)
{
    struct safetensors_writer *w;
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_open(&w, path, NULL), 0);
    CU_ASSERT_EQUAL(
        version != NULL ? safetensors_writer_meta(w, "linnet.panels", version, NULL) : linear_stored_mark(w, NULL), 0);
    for (int declares = 1; declares >= 0; declares--) {
        int n = 0;
        for (int i = 0; i < N_TENSORS; i++) {
            struct tensor t = {tensors[i].name, DTYPE_F32, tensors[i].n_dims, {0}, numbers[i], n_bytes(i)};
            memcpy(t.shape, tensors[i].shape, sizeof tensors[i].shape);
            n += is_weight(i) ? 0 : put(w, &t, fault, declares, n);
        }
        for (int i = 0; i < list->n; i++) {
            struct linear_stored stored;
            linear_stored_of(&list->at[i], &stored);
            for (int j = 0; j < stored.n; j++)
                n += put(w, &stored.at[j], fault, declares, n);
        }
    }
    CU_ASSERT_EQUAL_FATAL(safetensors_writer_close(w, NULL), 0);
}

/* Puts n spaces after the header, so that all data lies so much further. */
static void shift(const char *path, int n)
{
    static unsigned char bytes[100000];
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    size_t size = fread(bytes, 1, sizeof bytes - (size_t)n, f), header = 8 + bytes[0] + ((size_t)bytes[1] << 8);
    fclose(f);
    CU_ASSERT_FATAL(size > header && size < sizeof bytes - (size_t)n);
    memmove(bytes + header + n, bytes + header, size - header);
    memset(bytes + header, ' ', (size_t)n);
    header += (size_t)n - 8;
    bytes[0] = header & 255;
    bytes[1] = (unsigned char)(header >> 8);
    write_bytes(path, bytes, size + (size_t)n);
}

/* ---- tests ---- */

static void forward(const struct linear *l, const float *x, float *y)
{
    struct nn_context ctx;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(nn_context_reserve(&ctx, linear_scratch(l), NULL), 0);
    linear_forward(&ctx, l, &(struct linear_rows){x, l->n_in, N_ROWS, y, l->n_out}, NULL);
    nn_context_close(&ctx);
}

static void check_same(const struct linear *a, const struct linear *b)
{
    float x[N_ROWS * N_IN], y[N_ROWS * 3 * N_PART], z[N_ROWS * 3 * N_PART];
    noise_fill(x, N_ROWS * N_IN);
    CU_ASSERT_EQUAL_FATAL(a->n_in, b->n_in);
    CU_ASSERT_EQUAL_FATAL(a->n_out, b->n_out);
    forward(a, x, y);
    forward(b, x, z);
    CU_ASSERT_EQUAL(memcmp(y, z, (size_t)(N_ROWS * a->n_out) * sizeof *y), 0);
    CU_ASSERT(linear_bytes(b) > 0 && linear_bytes(b) <= linear_bytes(a));
    CU_ASSERT(a->packed == a->panels && b->packed == NULL); /* the second uses the file's */
    CU_ASSERT_EQUAL((uintptr_t)b->panels % 64, 0);
}

static const enum precision precisions[] = {PRECISION_INT8, PRECISION_INT8X16, PRECISION_INT16};

static void stored_layers_give_the_same_bits(void)
{
    struct message msg = {""};
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
        struct linear_list list = {0};
        struct layers packed, stored;
        write_weights(in_folder("weights"));
        CU_ASSERT_EQUAL_FATAL(layers_open(&packed, in_folder("weights"), precisions[i], &list, &msg), 0);
        CU_ASSERT_EQUAL_FATAL(list.n, 2);
        CU_ASSERT_STRING_EQUAL(list.at[0].name, "x.q+k+v");
        CU_ASSERT_STRING_EQUAL(list.at[1].weights[0]->name, "c.weight");
        CU_ASSERT_EQUAL(linear_stored_in(packed.file, &msg), 0);
        write_stored(in_folder("stored"), &list, NULL, NULL);
        /* What is stored counts, not what is asked for. */
        for (size_t j = 0; j < sizeof precisions / sizeof precisions[0]; j++) {
            CU_ASSERT_EQUAL_FATAL(layers_open(&stored, in_folder("stored"), precisions[j], NULL, &msg), 0);
            CU_ASSERT_EQUAL(linear_stored_in(stored.file, &msg), 1);
            check_same(&packed.qkv, &stored.qkv);
            check_same(&packed.convolution, &stored.convolution);
            layers_close(&stored);
        }
        CU_ASSERT(layers_open(&stored, in_folder("stored"), PRECISION_FP32, NULL, &msg) < 0);
        CU_ASSERT(says(&msg, "no tensor x.q.weight"));
        layers_close(&stored);
        layers_close(&packed);
        linear_list_close(&list);
    }
}

/* The fault is found, and said with the tensor's name. */
static void refuse(const char *what, const char *tensor)
{
    struct message msg = {""};
    struct layers stored;
    CU_ASSERT(layers_open(&stored, in_folder("stored"), PRECISION_INT8, NULL, &msg) < 0);
    CU_ASSERT(says(&msg, what));
    CU_ASSERT(says(&msg, tensor));
    layers_close(&stored);
}

static void wrong_files_are_refused(void)
{
    static const struct fault faults[] = {
        {"x.q+k+v.w8a8", MISSING, "no tensor"},
        {"x.q+k+v.w8a8", OTHER_TYPE, "type U8, expected I8"},
        {"x.q+k+v.w8a8", OTHER_SHAPE, "is [1, 10, 32, 4], expected [2, 10, 32, 4]"},
        {"x.q+k+v.scales", MISSING, "no tensor"},
        {"x.q+k+v.scales", OTHER_TYPE, "type U32, expected F32"},
        {"x.q+k+v.scales", OTHER_SHAPE, "is [63], expected [64]"},
        {"x.q+k+v.scales", NOT_FINITE, "not finite"},
        {"x.q+k+v.sums", MISSING, "no tensor"},
        {"x.q+k+v.sums", OTHER_SHAPE, "is [63], expected [64]"},
        {"x.q.bias", OTHER_SHAPE, "is [19], expected [20]"},
        {"c.bias", MISSING, "no tensor"},
        {"c.w8a8", OTHER_SHAPE, "is [1, 8, 32, 4], expected [2, 8, 32, 4]"},
    };
    struct message msg = {""};
    struct linear_list list = {0};
    struct layers packed;
    write_weights(in_folder("weights"));
    CU_ASSERT_EQUAL_FATAL(layers_open(&packed, in_folder("weights"), PRECISION_INT8, &list, &msg), 0);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        write_stored(in_folder("stored"), &list, &faults[i], NULL);
        int gone = faults[i].what == MISSING && strstr(faults[i].tensor, "w8a8") != NULL;
        refuse(faults[i].says, gone ? "x.q.weight" : faults[i].tensor);
    }
    write_stored(in_folder("stored"), &list, NULL, "2");
    refuse("version 2, not 1", "quantize the model anew");
    write_stored(in_folder("stored"), &list, NULL, NULL);
    shift(in_folder("stored"), 8);
    refuse("does not lie at a multiple of 64 bytes", "x.q+k+v.w8a8");
    layers_close(&packed);
    linear_list_close(&list);
}

/* No numbers of panels and sums are wrong enough to do more than give wrong results. */
static void any_numbers_will_do(void)
{
    static const struct {
        enum precision precision;
        struct fault fault;
    } all[] = {{PRECISION_INT8, {"x.q+k+v.w8a8", LOWEST, ""}},
               {PRECISION_INT8, {"x.q+k+v.sums", LOWEST, ""}},
               {PRECISION_INT8X16, {"x.q+k+v.w8a16", LOWEST, ""}},
               {PRECISION_INT16, {"x.q+k+v.w16a16", LOWEST, ""}}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct linear_list list = {0};
        struct message msg = {""};
        struct layers packed, stored;
        float x[N_ROWS * N_IN], y[N_ROWS * 3 * N_PART], z[N_ROWS * 3 * N_PART];
        write_weights(in_folder("weights"));
        CU_ASSERT_EQUAL_FATAL(layers_open(&packed, in_folder("weights"), all[i].precision, &list, &msg), 0);
        write_stored(in_folder("stored"), &list, &all[i].fault, NULL);
        CU_ASSERT_EQUAL_FATAL(layers_open(&stored, in_folder("stored"), PRECISION_INT8, NULL, &msg), 0);
        noise_fill(x, N_ROWS * N_IN);
        forward(&packed.qkv, x, y);
        forward(&stored.qkv, x, z);
        for (int j = 0; j < N_ROWS * 3 * N_PART; j++)
            CU_ASSERT(isfinite(z[j]) && z[j] != y[j]);
        layers_close(&stored);
        layers_close(&packed);
        linear_list_close(&list);
    }
}

/* Where they are of bf16 when a model of them opens, they are near: a weight has 10 bits, and 9 then. */
static void finer_layers_become_bf16(void)
{
    struct linear_list list = {0};
    struct message msg = {""};
    struct layers packed, stored;
    float x[N_ROWS * N_IN], y[N_ROWS * 3 * N_PART], z[N_ROWS * 3 * N_PART];
    write_weights(in_folder("weights"));
    CU_ASSERT_EQUAL_FATAL(layers_open(&packed, in_folder("weights"), PRECISION_INT16, &list, &msg), 0);
    write_stored(in_folder("stored"), &list, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(layers_open(&stored, in_folder("stored"), PRECISION_BF16, NULL, &msg), 0);
    CU_ASSERT(stored.qkv.dtype == DTYPE_BF16 && stored.qkv.inputs == DTYPE_BF16 && stored.qkv.packed != NULL);
    CU_ASSERT_EQUAL(stored.convolution.dtype, DTYPE_BF16);
    noise_fill(x, N_ROWS * N_IN);
    forward(&packed.qkv, x, y);
    forward(&stored.qkv, x, z);
    for (int j = 0; j < N_ROWS * 3 * N_PART; j++) /* weights and inputs of at most 1 err by 2^-9 of themselves */
        CU_ASSERT(fabsf(z[j] - y[j]) <= 2.1f * N_IN / 512);
    CU_ASSERT(memcmp(y, z, sizeof y) != 0);
    layers_close(&stored);
    layers_close(&packed);
    linear_list_close(&list);
}

/* Where the finer layers of int8 are of bf16, those that are listed to be stored are not. */
static void listed_layers_are_of_whole_numbers(void)
{
    struct linear_list list = {0};
    struct message msg = {""};
    struct layers plain, listed;
    write_weights(in_folder("weights"));
    CU_ASSERT_EQUAL_FATAL(layers_open(&plain, in_folder("weights"), PRECISION_BF16, NULL, &msg), 0);
    CU_ASSERT_EQUAL(plain.qkv.inputs, DTYPE_BF16);
    CU_ASSERT_EQUAL_FATAL(layers_open(&listed, in_folder("weights"), PRECISION_BF16, &list, &msg), 0);
    CU_ASSERT_EQUAL(listed.qkv.inputs, DTYPE_I16);
    CU_ASSERT_EQUAL(listed.convolution.dtype, DTYPE_I16);
    layers_close(&plain);
    layers_close(&listed);
    linear_list_close(&list);
}

static const struct unit_test tests[] = {
    {"stored layers give the same bits", stored_layers_give_the_same_bits},
    {"wrong files are refused", wrong_files_are_refused},
    {"any numbers will do", any_numbers_will_do},
    {"finer layers become bf16", finer_layers_become_bf16},
    {"listed layers are of whole numbers", listed_layers_are_of_whole_numbers},
};

SCRATCH_MAIN("linear_stored", tests)
