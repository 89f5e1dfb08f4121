/* SPDX-License-Identifier: Apache-2.0
 * subsampling.c - WeNet's input layers as matrix products.
 *
 * Activations lie [time, frequency, channel].  A k x k convolution with stride s is then, for each tap in time, a
 * linear layer whose k * C inputs lie side by side and whose next row begins s * C further: no copies (im2col) are
 * needed.  To let one call run over time as well, two things are arranged by whoever writes the input: a time row has
 * room for a multiple of s frequencies, so that the step from one output row to the next is a whole number of such
 * steps (a few columns are computed for nothing), and rows are distributed to P planes, P the product of the later
 * strides: time t lies in plane t % P, row t / P, so that the rows that one tap meets follow each other.  Only the
 * first convolution, with one channel, gathers its k * k inputs. */
#include "encoder/subsampling.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/linear_stored.h"

#define BLOCK 16      /* output frames computed at a time */
#define NAME_SIZE 100 /* of a layer */
#define TAP_NAME (NAME_SIZE + 12)

static const struct {
    const char *name; /* for messages */
    int n_stages, kernels[SUBSAMPLING_STAGES], strides[SUBSAMPLING_STAGES];
    const char *out; /* name of the linear layer */
} kinds[] = {
    [SUBSAMPLING_LINEAR] = {"linear", 0, {0}, {0}, "out.0"},
    [SUBSAMPLING_CONV2D] = {"conv2d", 2, {3, 3}, {2, 2}, "out.0"},
    [SUBSAMPLING_CONV2D6] = {"conv2d6", 2, {3, 5}, {2, 3}, "linear"},
    [SUBSAMPLING_CONV2D8] = {"conv2d8", 3, {3, 3, 3}, {2, 2, 2}, "linear"},
};

/* Rows of time that stage i puts out for n frames at the end of all stages. */
static int stage_rows(const struct subsampling *s, int i, int n)
{
    for (int j = s->n_stages - 1; j > i; j--)
        n = (n - 1) * s->stages[j].stride + s->stages[j].kernel;
    return n;
}

/* Rows of a plane of stage i's output that have room for a block. */
static int plane_rows(const struct subsampling *s, int i)
{
    return (stage_rows(s, i, BLOCK) + s->stages[i].n_later - 1) / s->stages[i].n_later;
}

static size_t plane_floats(const struct subsampling *s, int i)
{
    return (size_t)plane_rows(s, i) * (size_t)s->stages[i].pitch * (size_t)s->n_dims;
}

/* ---- opening ---- */

static int measure(struct subsampling *s, struct message *msg)
{
    int n = s->n_features, rate = 1;
    s->n_stages = kinds[s->kind].n_stages;
    for (int i = 0; i < s->n_stages; i++) {
        struct subsampling_stage *stage = &s->stages[i];
        stage->kernel = kinds[s->kind].kernels[i];
        stage->stride = kinds[s->kind].strides[i];
        n = n < stage->kernel ? 0 : (n - stage->kernel) / stage->stride + 1;
        stage->n_out = n;
        s->context += (stage->kernel - 1) * rate;
        rate *= stage->stride;
    }
    s->rate = rate;
    if (s->n_stages > 0 && n < 1)
        return fail(msg, LINNET_E_MODEL, "input_layer %s cannot take %d features", kinds[s->kind].name, s->n_features);
    for (int i = s->n_stages - 1, later = 1; i >= 0; later *= s->stages[i--].stride)
        s->stages[i].n_later = later;
    for (int i = 0; i < s->n_stages; i++) {
        struct subsampling_stage *stage = &s->stages[i];
        stage->pitch = i > 0 ? s->stages[i - 1].pitch / stage->stride
                             : (stage->n_out + stage->n_later - 1) / stage->n_later * stage->n_later;
    }
    return LINNET_OK;
}

/* Tap dt of weights [O, C, k, k] as [O, C, k] in values, which has room for it. */
static void take_tap(const float *all, int n_out, int n_channels, int kernel, int dt, float *values)
{
    for (size_t i = 0; i < (size_t)n_out * (size_t)n_channels; i++)
        memcpy(values + i * (size_t)kernel, all + (i * (size_t)kernel + (size_t)dt) * (size_t)kernel,
               (size_t)kernel * sizeof *values);
}

static int stored_open(struct subsampling_stage *stage, int n_dims, int is_first, const char *name,
                       const struct layer_source *from, const struct tensor *bias)
{
    int k = stage->kernel, n_in = is_first ? k * k : k * n_dims, n_taps = is_first ? 1 : k, rc = 1, dt;
    char tap[TAP_NAME];
    for (dt = 0; dt < n_taps && rc > 0; dt++) {
        const struct tensor *biases[] = {dt == 0 ? bias : NULL};
        snprintf(tap, sizeof tap, "%s.%d", name, dt);
        rc = linear_stored_open(&stage->taps[dt], from, tap, n_in, n_dims, biases, 1);
    }
    return rc == 0 && dt > 1 ? fail(from->msg, LINNET_E_MODEL, "%s: this tap is not stored", tap) : rc;
}

static int taps_open(struct subsampling_stage *stage, const struct tensor *weight, const char *name,
                     const struct layer_source *from, const struct tensor *bias)
{
    int n_dims = (int)weight->shape[0], c = (int)weight->shape[1], k = stage->kernel, n_taps = c == 1 ? 1 : k;
    char tap[TAP_NAME];
    float *all = NULL, *values = NULL;
    int rc = floats_load(&all, from, weight->name, 4, (const int64_t[]){n_dims, c, k, k});
    if (rc >= 0 && (values = mem_array((size_t)n_dims * (size_t)c * (size_t)k, sizeof *values)) == NULL)
        rc = fail_memory(from->msg);
    for (int dt = 0; dt < n_taps && rc >= 0; dt++) {
        struct tensor w = {.name = name, .dtype = DTYPE_F32, .n_dims = 3, .shape = {n_dims, c, k}, .data = values};
        if (c == 1)
            w = (struct tensor){.name = name, .dtype = DTYPE_F32, .n_dims = 2, .shape = {n_dims, k * k}, .data = all};
        else
            take_tap(all, n_dims, c, k, dt, values);
        const struct tensor *weights[] = {&w}, *biases[] = {dt == 0 ? bias : NULL};
        snprintf(tap, sizeof tap, "%s.%d", name, dt);
        if ((rc = linear_open(&stage->taps[dt], weights, biases, 1, from->precision, from->pool, from->msg)) >= 0)
            rc = linear_list_add(from, tap, &stage->taps[dt], &weight, 1);
    }
    mem_free(all);
    mem_free(values);
    return rc;
}

static int stage_open(struct subsampling_stage *stage, int n_dims, int is_first, const char *name,
                      const struct layer_source *from)
{
    const struct tensor *weight, *bias;
    char full[NAME_SIZE + 16];
    int rc;
    snprintf(full, sizeof full, "%s.bias", name);
    if ((rc = safetensors_get(from->file, full, 1, (const int64_t[]){n_dims}, &bias, from->msg)) < 0 ||
        (rc = stored_open(stage, n_dims, is_first, name, from, bias)) != 0)
        return rc;
    const int64_t shape[] = {n_dims, is_first ? 1 : n_dims, stage->kernel, stage->kernel};
    snprintf(full, sizeof full, "%s.weight", name);
    rc = safetensors_get(from->file, full, 4, shape, &weight, from->msg);
    return rc < 0 ? rc : taps_open(stage, weight, name, from, bias);
}

/* The last layer's inputs are [C, F] in the checkpoint and [F, C] here: what linear_open does for convolutions. */
static int out_open(struct subsampling *s, const struct subsampling_names *names, const struct layer_source *from)
{
    char layer[NAME_SIZE], name[NAME_SIZE + 16];
    int f = s->n_stages > 0 ? s->stages[s->n_stages - 1].n_out : 1, c = s->n_stages > 0 ? s->n_dims : s->n_features, rc;
    const struct tensor *w, *b;
    snprintf(layer, sizeof layer, "%s%s", names->layers, kinds[s->kind].out);
    snprintf(name, sizeof name, "%s.bias", layer);
    if ((rc = safetensors_get(from->file, name, 1, (const int64_t[]){s->n_dims}, &b, from->msg)) < 0 ||
        (rc = linear_stored_open(&s->out, from, layer, c * f, s->n_dims, &b, 1)) != 0)
        return rc;
    snprintf(name, sizeof name, "%s.weight", layer);
    if ((rc = safetensors_get(from->file, name, 2, (const int64_t[]){s->n_dims, (int64_t)c * f}, &w, from->msg)) < 0)
        return rc;
    struct tensor weight = *w;
    weight.n_dims = 3;
    weight.shape[1] = c;
    weight.shape[2] = f;
    const struct tensor *weights[] = {&weight};
    rc = linear_open(&s->out, weights, &b, 1, from->precision, from->pool, from->msg);
    return rc < 0 ? rc : linear_list_add(from, layer, &s->out, &w, 1);
}

int subsampling_open(struct subsampling *s, enum subsampling_kind kind, int n_features, int n_dims,
                     const struct subsampling_names *names, const struct layer_source *from)
{
    *s = (struct subsampling){.kind = kind, .n_features = n_features, .n_dims = n_dims};
    char name[NAME_SIZE];
    int rc = measure(s, from->msg);
    if (rc < 0)
        return rc;
    const int64_t shape[] = {n_features};
    if (safetensors_find(from->file, names->mean) != NULL &&
        ((rc = floats_load(&s->mean, from, names->mean, 1, shape)) < 0 ||
         (rc = floats_load(&s->istd, from, names->istd, 1, shape)) < 0))
        goto fail;
    for (int i = 0; i < s->n_stages; i++) {
        snprintf(name, sizeof name, "%sconv.%d", names->layers, 2 * i);
        if ((rc = stage_open(&s->stages[i], n_dims, i == 0, name, from)) < 0)
            goto fail;
    }
    snprintf(name, sizeof name, "%sout.1", names->layers);
    if ((rc = out_open(s, names, from)) < 0 ||
        (kind == SUBSAMPLING_LINEAR && (rc = layer_norm_load(&s->norm, from, name, n_dims)) < 0))
        goto fail;
    return LINNET_OK;
fail:
    subsampling_close(s);
    return rc;
}

void subsampling_close(struct subsampling *s)
{
    mem_free(s->mean);
    mem_free(s->istd);
    for (int i = 0; i < SUBSAMPLING_STAGES; i++)
        for (int j = 0; j < SUBSAMPLING_TAPS; j++)
            linear_close(&s->stages[i].taps[j]);
    linear_close(&s->out);
    layer_norm_close(&s->norm);
    *s = (struct subsampling){0};
}

size_t subsampling_bytes(const struct subsampling *s)
{
    size_t n = linear_bytes(&s->out);
    for (int i = 0; i < SUBSAMPLING_STAGES; i++)
        for (int j = 0; j < SUBSAMPLING_TAPS; j++)
            n += linear_bytes(&s->stages[i].taps[j]);
    return n;
}

int subsampling_state_open(struct subsampling_state *state, const struct subsampling *s, struct nn_context *ctx,
                           struct message *msg)
{
    *state = (struct subsampling_state){0};
    int rc = nn_context_reserve(ctx, linear_scratch(&s->out), msg);
    size_t n = (size_t)(BLOCK - 1) * (size_t)s->rate + (size_t)s->context + 1;
    state->features = mem_array(n * (size_t)s->n_features, sizeof *state->features);
    int whole = rc >= 0 && state->features != NULL;
    if (whole && s->n_stages > 0) {
        const struct subsampling_stage *first = &s->stages[0];
        n = (size_t)plane_rows(s, 0) * (size_t)first->pitch * (size_t)(first->kernel * first->kernel);
        state->gathered = mem_array(n, sizeof *state->gathered);
        whole = state->gathered != NULL;
    }
    for (int i = 0; i < s->n_stages && whole; i++) {
        state->planes[i] = mem_array((size_t)s->stages[i].n_later * plane_floats(s, i), sizeof *state->planes[i]);
        rc = nn_context_reserve(ctx, linear_scratch(&s->stages[i].taps[0]), msg);
        whole = rc >= 0 && state->planes[i] != NULL;
    }
    if (whole)
        return LINNET_OK;
    subsampling_state_close(state);
    return rc < 0 ? rc : fail_memory(msg);
}

void subsampling_state_close(struct subsampling_state *state)
{
    mem_free(state->features);
    mem_free(state->gathered);
    for (int i = 0; i < SUBSAMPLING_STAGES; i++)
        mem_free(state->planes[i]);
    *state = (struct subsampling_state){0};
}

/* ---- forward ---- */

static void normalize(const struct subsampling *s, const float *features, int n, float *out)
{
    int m = s->n_features;
    if (s->mean == NULL)
        memcpy(out, features, (size_t)n * (size_t)m * sizeof *out);
    for (int t = 0; t < n && s->mean != NULL; t++, features += m, out += m)
        for (int i = 0; i < m; i++)
            out[i] = (features[i] - s->mean[i]) * s->istd[i];
}

static const struct linear_how relu = {.act = NN_RELU}, sum = {.add = 1, .scale = 1.0f};

/* Rows of linear layers for n_t rows of time with n_out of pitch frequencies each: the last row's padding is left out.
 */
static int n_rows(const struct subsampling_stage *stage, int n_t)
{
    return n_t < 1 ? 0 : (n_t - 1) * stage->pitch + stage->n_out;
}

/* Rows of time of n that lie in a plane. */
static int rows_in_plane(int n, int plane, int n_planes) { return (n - plane + n_planes - 1) / n_planes; }

static void first_stage(struct nn_context *ctx, const struct subsampling *s, struct subsampling_state *state, int n_t)
{
    const struct subsampling_stage *stage = &s->stages[0];
    int k = stage->kernel, m = s->n_features;
    for (int plane = 0; plane < stage->n_later; plane++) {
        int n = rows_in_plane(n_t, plane, stage->n_later);
        for (int j = 0; j < n; j++) {
            const float *x = state->features + (ptrdiff_t)(j * stage->n_later + plane) * stage->stride * m;
            float *to = state->gathered + (ptrdiff_t)j * stage->pitch * k * k;
            for (int f = 0; f < stage->n_out; f++, x += stage->stride)
                for (int dt = 0; dt < k; dt++)
                    for (int df = 0; df < k; df++)
                        *to++ = x[dt * m + df];
        }
        linear_forward(ctx, &stage->taps[0],
                       &(struct linear_rows){state->gathered, k * k, n_rows(stage, n),
                                             state->planes[0] + (size_t)plane * plane_floats(s, 0), s->n_dims},
                       &relu);
    }
}

/* Stage i > 0: output row t = plane + j * n_later meets, for tap dt, the input row t * stride + dt. */
static void next_stage(struct nn_context *ctx, const struct subsampling *s, struct subsampling_state *state, int i,
                       int n_t)
{
    const struct subsampling_stage *stage = &s->stages[i];
    ptrdiff_t in_row = (ptrdiff_t)s->stages[i - 1].pitch * s->n_dims;
    int in_planes = s->stages[i - 1].n_later;
    for (int plane = 0; plane < stage->n_later; plane++) {
        int n = n_rows(stage, rows_in_plane(n_t, plane, stage->n_later));
        float *y = state->planes[i] + (size_t)plane * plane_floats(s, i);
        for (int dt = 0; dt < stage->kernel; dt++) {
            int t = plane * stage->stride + dt;
            const float *x =
                state->planes[i - 1] + (size_t)(t % in_planes) * plane_floats(s, i - 1) + (t / in_planes) * in_row;
            linear_forward(ctx, &stage->taps[dt],
                           &(struct linear_rows){x, (ptrdiff_t)stage->stride * s->n_dims, n, y, s->n_dims},
                           dt > 0 ? &sum : NULL);
        }
        ctx->kernels->activate(y, n * s->n_dims, NN_RELU);
    }
}

int subsampling_forward(struct nn_context *ctx, const struct subsampling *s, struct subsampling_state *state,
                        const float *features, int n_features, float *out)
{
    int n_out = n_features <= s->context ? 0 : (n_features - s->context - 1) / s->rate + 1;
    for (int t = 0; t < n_out; t += BLOCK, out += BLOCK * s->n_dims) {
        int n = n_out - t < BLOCK ? n_out - t : BLOCK;
        normalize(s, features + (ptrdiff_t)t * s->rate * s->n_features, (n - 1) * s->rate + s->context + 1,
                  state->features);
        const float *x = state->features;
        ptrdiff_t ld = s->n_features;
        for (int i = 0; i < s->n_stages; i++) {
            if (i == 0)
                first_stage(ctx, s, state, stage_rows(s, i, n));
            else
                next_stage(ctx, s, state, i, stage_rows(s, i, n));
            x = state->planes[i];
            ld = (ptrdiff_t)s->stages[i].pitch * s->n_dims;
        }
        linear_forward(ctx, &s->out, &(struct linear_rows){x, ld, n, out, s->n_dims}, NULL);
        if (s->kind == SUBSAMPLING_LINEAR)
            layer_norm_rows(ctx, &s->norm, out, out, n);
    }
    return n_out;
}
