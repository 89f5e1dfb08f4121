/* SPDX-License-Identifier: Apache-2.0
 * linear.c - packing of weights and the division of a product among threads.
 *
 * Many rows (an encoder): a task is a block of rows against all panels; the block stays in the second-level cache while
 * the panels stream past.  Few rows (a decoder step): a task is some panels against all rows. */
#include "nn/linear.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/half.h"
#include "nn/matmul.h"

#define BLOCK_TILES 4        /* tiles of rows in a block: 56 rows x 2048 inputs are 450 KB */
#define MOST_I16_WEIGHT 511  /* weights of 10 bits leave 13 for 512 inputs, 11 for 2048 */
#define SMALL_WORK (1 << 16) /* multiplications below which threads cost more than they bring */

static int most_i8_weight(const struct linear *l) { return l->inputs == DTYPE_I16 ? NN_I8_WIDE_WEIGHT : NN_I8_WEIGHT; }

/* ---- packing ---- */

struct packing {
    struct linear *l;
    const struct tensor *const *weights;
    int n_parts, n_taps;
    const struct nn_kernels *kernels;
    float *rows; /* [n_threads, 3, n_in + 4], where weights become whole numbers */
};

/* Copies inputs from .. to - 1 of output row i of a part into column col of its panel. */
static void pack_row(const struct packing *p, const struct tensor *t, int64_t i, void *panel, int col, int from, int to)
{
    int n_channels = p->l->n_in / p->n_taps;
    size_t base = (size_t)i * (size_t)p->l->n_in;
    for (int k = from; k < to; k++) {
        size_t at = base + (size_t)(k % n_channels) * (size_t)p->n_taps + (size_t)(k / n_channels);
        size_t cell = (size_t)k * NN_PANEL + (size_t)col;
        if (p->l->dtype == DTYPE_F32)
            tensor_to_f32(t, at, 1, (float *)panel + cell);
        else
            memcpy((uint16_t *)panel + cell, (const uint16_t *)t->data + at, 2);
    }
}

/* The same for a layer that is no convolution and needs no change of type: most of a model. */
static void pack_row_plain(const struct packing *p, const struct tensor *t, int64_t i, void *panel, int col, int from,
                           int to)
{
    size_t base = (size_t)i * (size_t)p->l->n_in;
    if (p->l->dtype == DTYPE_F32)
        for (int k = from; k < to; k++)
            memcpy((float *)panel + (size_t)k * NN_PANEL + col, (const float *)t->data + base + k, sizeof(float));
    else
        for (int k = from; k < to; k++)
            memcpy((uint16_t *)panel + (size_t)k * NN_PANEL + col, (const uint16_t *)t->data + base + k, 2);
}

static size_t panel_bytes(const struct linear *l)
{
    int n_in = l->dtype == DTYPE_I8 ? nn_i8_inputs(l->n_in) : l->inputs != DTYPE_F32 ? nn_i16_inputs(l->n_in) : l->n_in;
    return (size_t)n_in * NN_PANEL * dtype_size(l->dtype);
}

/* Output row i of a part as floats [n_in], in the order in which inputs lie; `mixed` [n_in] is for those of taps. */
static const float *float_row(const struct packing *p, const struct tensor *t, int64_t i, float *row, float *mixed)
{
    int n_in = p->l->n_in, n_channels = n_in / p->n_taps;
    tensor_to_f32(t, (size_t)i * (size_t)n_in, (size_t)n_in, row);
    for (int k = 0; p->n_taps > 1 && k < n_in; k++)
        mixed[k] = row[k % n_channels * p->n_taps + k / n_channels];
    return p->n_taps > 1 ? mixed : row;
}

/* Output `out` of the layer as whole numbers or bf16; q is where they are made. */
static void narrow_output(const struct packing *p, const float *row, int out, void *q)
{
    static const struct nn_i16_limits limits = {MOST_I16_WEIGHT, INFINITY};
    struct linear *l = p->l;
    char *panel = (char *)l->packed + (size_t)(out / NN_PANEL) * panel_bytes(l);
    if (l->dtype == DTYPE_BF16)
        p->kernels->to_bf16(row, 1.0f, l->n_in, q);
    else if (l->dtype == DTYPE_I16)
        p->kernels->quantize16(row, NULL, l->n_in, &limits, q, &l->scales[out]);
    else
        p->kernels->quantize_weights(row, l->n_in, most_i8_weight(l), q, &l->scales[out], &l->sums[out]);
    nn_pack_row(NN_PANEL, out % NN_PANEL, (int)(panel_bytes(l) / NN_PANEL), 4, q, panel);
}

static void narrow_panel(void *arg, int i_panel, int i_thread)
{
    const struct packing *p = arg;
    float *row = p->rows + (ptrdiff_t)i_thread * 3 * (p->l->n_in + 4), *mixed = row + p->l->n_in + 4;
    void *q = mixed + p->l->n_in + 4;
    int64_t from = (int64_t)i_panel * NN_PANEL, base = 0;
    for (int i = 0; i < p->n_parts; base += p->weights[i++]->shape[0])
        for (int64_t out = from; out < from + NN_PANEL; out++)
            if (out >= base && out < base + p->weights[i]->shape[0])
                narrow_output(p, float_row(p, p->weights[i], out - base, row, mixed), (int)out, q);
}

/* By blocks of inputs, so that the cells of a block stay in the cache while 32 rows are put into them. */
static void pack_panel(void *arg, int i_panel, int i_thread)
{
    enum { BLOCK = 64 };
    const struct packing *p = arg;
    (void)i_thread;
    char *panel = (char *)p->l->packed + (size_t)i_panel * panel_bytes(p->l);
    for (int from = 0; from < p->l->n_in; from += BLOCK) {
        int to = from + BLOCK < p->l->n_in ? from + BLOCK : p->l->n_in;
        int64_t row = (int64_t)i_panel * NN_PANEL, base = 0;
        for (int i = 0; i < p->n_parts; base += p->weights[i++]->shape[0])
            for (int col = 0; col < NN_PANEL; col++) {
                const struct tensor *t = p->weights[i];
                if (row + col < base || row + col >= base + t->shape[0])
                    continue;
                if (p->n_taps == 1 && t->dtype == p->l->dtype)
                    pack_row_plain(p, t, row + col - base, panel, col, from, to);
                else
                    pack_row(p, t, row + col - base, panel, col, from, to);
            }
    }
}

static int check_part(const struct tensor *w, const struct tensor *b, int64_t n_in, struct message *msg)
{
    if (w->n_dims < 2 || w->n_dims > 3 || w->shape[0] < 1)
        return fail(msg, LINNET_E_MODEL, "%s: not a weight of a linear layer", w->name);
    int64_t n = w->shape[1] * (w->n_dims == 3 ? w->shape[2] : 1);
    if (n != n_in)
        return fail(msg, LINNET_E_MODEL, "%s: %lld inputs, %lld expected", w->name, (long long)n, (long long)n_in);
    if (w->dtype != DTYPE_F32 && w->dtype != DTYPE_F16 && w->dtype != DTYPE_BF16)
        return fail(msg, LINNET_E_MODEL, "%s: weights of type %s are not supported", w->name, dtype_name(w->dtype));
    if (b != NULL && (b->n_dims != 1 || b->shape[0] != w->shape[0]))
        return fail(msg, LINNET_E_MODEL, "%s: %lld values, %lld expected", b->name, (long long)b->shape[0],
                    (long long)w->shape[0]);
    if (b != NULL && b->dtype != DTYPE_F32 && b->dtype != DTYPE_F16 && b->dtype != DTYPE_BF16)
        return fail(msg, LINNET_E_MODEL, "%s: a bias of type %s is not supported", b->name, dtype_name(b->dtype));
    return LINNET_OK;
}

static int panels_open(struct linear *l, struct packing *p, int has_bias, struct pool *pool, struct message *msg)
{
    size_t n_out = (size_t)linear_panels(l) * NN_PANEL;
    int is_whole = l->dtype == DTYPE_I8 || l->dtype == DTYPE_I16, is_narrowed = l->inputs != DTYPE_F32;
    l->panels = l->packed = mem_array((size_t)linear_panels(l), panel_bytes(l));
    l->bias = has_bias ? mem_array(n_out, sizeof *l->bias) : NULL;
    l->scales = is_whole ? mem_array(n_out, sizeof *l->scales) : NULL;
    l->sums = is_whole ? mem_array(n_out, sizeof *l->sums) : NULL;
    p->rows = is_narrowed ? mem_array((size_t)pool_threads(pool) * 3, (size_t)(l->n_in + 4) * sizeof *p->rows) : NULL;
    if (l->panels == NULL || (has_bias && l->bias == NULL) || (is_whole && (l->scales == NULL || l->sums == NULL)) ||
        (is_narrowed && p->rows == NULL)) {
        mem_free(p->rows);
        linear_close(l);
        return fail_memory(msg);
    }
    pool_run(pool, is_narrowed ? narrow_panel : pack_panel, p, linear_panels(l));
    mem_free(p->rows);
    return LINNET_OK;
}

/* What weights become, which until then are of l->dtype, and what meets them. */
static void choose_types(struct linear *l, enum precision precision)
{
    l->inputs = DTYPE_F32;
    if (precision == PRECISION_FP32)
        return;
    l->dtype = precision == PRECISION_BF16 ? DTYPE_BF16 : precision == PRECISION_INT16 ? DTYPE_I16 : DTYPE_I8;
    l->inputs = precision == PRECISION_BF16 ? DTYPE_BF16 : precision == PRECISION_INT8 ? DTYPE_U8 : DTYPE_I16;
}

int linear_open(struct linear *l, const struct tensor *const *weights, const struct tensor *const *biases, int n_parts,
                enum precision precision, struct pool *pool, struct message *msg)
{
    memset(l, 0, sizeof *l);
    const struct tensor *w = weights[0];
    int n_taps = w->n_dims == 3 ? (int)w->shape[2] : 1;
    int64_t n_in = w->n_dims >= 2 ? w->shape[1] * n_taps : 0, n_out = 0;
    int has_bias = 0;
    if (n_in < 1 || n_in > 1 << 24)
        return fail(msg, LINNET_E_MODEL, "%s: %lld inputs", w->name, (long long)n_in);
    l->dtype = w->dtype;
    for (int i = 0; i < n_parts; i++) {
        const struct tensor *b = biases != NULL ? biases[i] : NULL;
        int rc = check_part(weights[i], b, n_in, msg);
        if (rc < 0)
            return rc;
        n_out += weights[i]->shape[0];
        has_bias |= b != NULL;
        if (weights[i]->dtype != l->dtype)
            l->dtype = DTYPE_F32;
    }
    if (n_out > 1 << 24)
        return fail(msg, LINNET_E_MODEL, "%s: %lld outputs", w->name, (long long)n_out);
    l->n_in = (int)n_in;
    l->n_out = (int)n_out;
    choose_types(l, precision);
    struct packing p = {l, weights, n_parts, n_taps, kernels_pick(), NULL};
    int rc = panels_open(l, &p, has_bias, pool, msg);
    if (rc < 0)
        return rc;
    int64_t base = 0;
    for (int i = 0; i < n_parts; base += weights[i++]->shape[0])
        if (has_bias && biases[i] != NULL)
            tensor_to_f32(biases[i], 0, (size_t)biases[i]->shape[0], l->bias + base);
    return LINNET_OK;
}

void linear_close(struct linear *l)
{
    mem_free(l->packed);
    mem_free(l->bias);
    mem_free(l->scales);
    mem_free(l->sums);
    l->panels = l->packed = NULL;
    l->bias = l->scales = NULL;
    l->sums = NULL;
}

size_t linear_bytes(const struct linear *l)
{
    size_t beside = (l->bias != NULL ? sizeof *l->bias : 0) + (l->scales != NULL ? sizeof *l->scales : 0) +
                    (l->sums != NULL ? sizeof *l->sums : 0);
    return l->panels == NULL ? 0 : (size_t)linear_panels(l) * (panel_bytes(l) + NN_PANEL * beside);
}

size_t linear_own_bytes(const struct linear *l)
{
    return l->packed == NULL ? 0 : (size_t)linear_panels(l) * panel_bytes(l);
}

void linear_move(struct linear *l, void *to)
{
    memcpy(to, l->packed, linear_own_bytes(l));
    mem_free(l->packed);
    l->packed = NULL;
    l->panels = to;
}

void linear_row(const struct linear *l, int i, float *out)
{
    const char *panel = (const char *)l->panels + (size_t)(i / NN_PANEL) * panel_bytes(l);
    size_t at = (size_t)(i % NN_PANEL);
    for (int k = 0; k < l->n_in; k++, at += NN_PANEL)
        out[k] = l->dtype == DTYPE_F32   ? ((const float *)(const void *)panel)[at]
                 : l->dtype == DTYPE_F16 ? half_f16_to_f32(((const uint16_t *)(const void *)panel)[at])
                                         : half_bf16_to_f32(((const uint16_t *)(const void *)panel)[at]);
}

/* ---- product ---- */

struct product {
    struct nn_context *ctx;
    const struct linear *l;
    struct nn_product product;
    const float *x;
    float *y;
    ptrdiff_t ldx, ldy;
    struct linear_how how;
    int n_rows, block_rows, n_panel_groups;
    int *packed_rows; /* [n_threads] first row of the block that a thread's scratch holds; -1: none */
};

/* Of inputs in 16 bits: n_in products with weights stay below 2^31. */
static struct nn_i16_limits input_limits(const struct linear *l)
{
    int weight = l->dtype == DTYPE_I8 ? NN_I8_WIDE_WEIGHT : MOST_I16_WEIGHT;
    float most = floorf(2147483000.0f / ((float)l->n_in * (float)weight));
    return (struct nn_i16_limits){most < 32767 ? most : 32767, INFINITY};
}

struct packed_rows {
    char *at;
    size_t row_bytes;
    char *made;     /* [tile_rows] where rows become whole numbers or bf16 */
    float *scales;  /* [block_rows] of whole numbers, */
    int32_t *zeros; /* and the zero points of those of 8 bits */
};

/* Row r of those that are packed, as whole numbers or bf16. */
static void narrow_row(const struct product *p, const float *x, int r, const struct packed_rows *packed, void *out)
{
    const struct nn_kernels *kernels = p->ctx->kernels;
    const struct nn_i16_limits limits = input_limits(p->l);
    if (p->l->inputs == DTYPE_U8)
        kernels->quantize(x, p->l->n_in, out, &packed->scales[r], &packed->zeros[r]);
    else if (p->l->inputs == DTYPE_I16)
        kernels->quantize16(x, NULL, p->l->n_in, &limits, out, &packed->scales[r]);
    else
        kernels->to_bf16(x, 1.0f, p->l->n_in, out);
}

/* Rows row .. row + n - 1, tile by tile, in the form that the layer's panels take. */
static void pack_rows(const struct product *p, int row, int n, const struct packed_rows *packed)
{
    int tile = p->product.tile_rows, n_in = p->l->n_in;
    int bytes = p->l->inputs == DTYPE_U8 ? nn_i8_inputs(n_in) : 2 * nn_i16_inputs(n_in);
    for (int r = 0; r < n; r += tile) {
        int rows = n - r < tile ? n - r : tile;
        const float *x = p->x + (row + r) * p->ldx;
        char *to = packed->at + (size_t)r * packed->row_bytes;
        if (p->l->inputs == DTYPE_F32) {
            nn_pack_rows(rows, n_in, x, p->ldx, (float *)(void *)to);
            continue;
        }
        for (int i = 0; i < rows; i++)
            narrow_row(p, x + i * p->ldx, r + i, packed, packed->made + (size_t)i * packed->row_bytes);
        nn_pack_tile(rows, bytes, p->product.width, packed->made, (ptrdiff_t)packed->row_bytes, to);
    }
}

/* The thread's scratch: packed rows, and for what is no float a tile of them, scales and zero points. */
static void packed_open(const struct product *p, float *scratch, struct packed_rows *packed)
{
    size_t rows = (size_t)p->block_rows, width = (size_t)p->product.width;
    size_t bytes = panel_bytes(p->l) / NN_PANEL / dtype_size(p->l->dtype) * dtype_size(p->l->inputs);
    packed->at = (char *)scratch;
    packed->row_bytes = (bytes + width - 1) / width * width;
    if (p->l->inputs == DTYPE_F32)
        return;
    packed->made = packed->at + rows * packed->row_bytes;
    packed->scales = (float *)(void *)(packed->made + (size_t)p->product.tile_rows * packed->row_bytes);
    packed->zeros = (int32_t *)(void *)(packed->scales + rows);
}

static int first_panel(const struct product *p, int group)
{
    return (int)((int64_t)linear_panels(p->l) * group / p->n_panel_groups);
}

/* Task i: block of rows i / n_panel_groups against group of panels i % n_panel_groups.  The tasks of a thread come in
 * order, so most find their rows packed by the one before. */
static void multiply(void *arg, int i, int i_thread)
{
    struct product *p = arg;
    const struct linear *l = p->l;
    int tile = p->product.tile_rows;
    int row = i / p->n_panel_groups * p->block_rows;
    int n = p->n_rows - row < p->block_rows ? p->n_rows - row : p->block_rows;
    struct packed_rows packed = {0};
    packed_open(p, p->ctx->scratch[i_thread], &packed);
    if (p->packed_rows[i_thread] != row)
        pack_rows(p, row, n, &packed);
    p->packed_rows[i_thread] = row;
    if (p->product.begin != NULL)
        p->product.begin();
    int group = i % p->n_panel_groups;
    for (int j = first_panel(p, group); j < first_panel(p, group + 1); j++) {
        const void *panel = (const char *)l->panels + (size_t)j * panel_bytes(l);
        struct nn_epilogue end = {.bias = l->bias != NULL ? l->bias + j * NN_PANEL : NULL,
                                  .act = p->how.act,
                                  .add = p->how.add,
                                  .scale = p->how.scale};
        if (l->scales != NULL)
            end.scales = l->scales + j * NN_PANEL;
        if (l->inputs == DTYPE_U8)
            end.sums = l->sums + j * NN_PANEL;
        int n_cols = l->n_out - j * NN_PANEL < NN_PANEL ? l->n_out - j * NN_PANEL : NN_PANEL;
        for (int r = 0; r < n; r += tile) {
            if (packed.scales != NULL) {
                end.row_scales = packed.scales + r;
                end.row_zeros = packed.zeros + r;
            }
            p->product.panel(n - r < tile ? n - r : tile, l->n_in, packed.at + (size_t)r * packed.row_bytes, panel,
                             p->y + (row + r) * p->ldy + j * NN_PANEL, p->ldy, n_cols, &end);
        }
    }
    if (p->product.end != NULL)
        p->product.end();
}

static void divide(struct product *p)
{
    int blocks = (p->n_rows + p->block_rows - 1) / p->block_rows, panels = linear_panels(p->l);
    int64_t work = (int64_t)p->n_rows * p->l->n_in * p->l->n_out;
    int groups = 1;
    if (p->ctx->n_threads > 1 && work > SMALL_WORK && blocks < 6 * p->ctx->n_threads) {
        groups = 6 * p->ctx->n_threads / blocks;
        int most = (int)(work / blocks / (SMALL_WORK / 2)) + 1;
        groups = groups < most ? groups : most;
        groups = groups < panels ? groups : panels;
    }
    if (groups > p->ctx->n_threads)
        groups -= groups % p->ctx->n_threads;
    p->n_panel_groups = groups;
}

void linear_forward(struct nn_context *ctx, const struct linear *l, const struct linear_rows *rows,
                    const struct linear_how *how)
{
    if (rows->n < 1)
        return;
    int packed_rows[POOL_MOST_THREADS];
    struct product p = {
        .ctx = ctx, .l = l, .x = rows->x, .y = rows->y, .ldx = rows->ldx, .ldy = rows->ldy, .n_rows = rows->n};
    p.product = matmul_for(ctx->kernels, l->dtype, l->inputs);
    p.how = how != NULL ? *how : (struct linear_how){NN_NONE, 0, 0.0f};
    p.block_rows = BLOCK_TILES * p.product.tile_rows;
    divide(&p);
    for (int i = 0; i < ctx->n_threads; i++)
        packed_rows[i] = -1;
    p.packed_rows = packed_rows;
    ctx->work.products[l->dtype][l->inputs] += (double)rows->n * l->n_in * l->n_out;
    ctx->work.read_bytes += (double)linear_bytes(l);
    int n_tasks = (rows->n + p.block_rows - 1) / p.block_rows * p.n_panel_groups;
    pool_run(n_tasks > 1 ? ctx->pool : NULL, multiply, &p, n_tasks);
}

size_t linear_scratch(const struct linear *l)
{
    size_t n_in = (size_t)(l->n_in + NN_MAX_WIDTH - 1) / NN_MAX_WIDTH * NN_MAX_WIDTH;
    size_t beside = BLOCK_TILES * NN_MAX_ROWS * (sizeof(float) + sizeof(int32_t));
    return ((BLOCK_TILES + 1) * n_in * NN_TILE_BYTES + beside + NN_SLACK) / sizeof(float);
}
