/* SPDX-License-Identifier: Apache-2.0
 * attention_cache.c - packing of keys and values.
 *
 * Single precision: floats.  Else 16-bit numbers, in pairs of inputs (kernels.h): a key's lie two by two along its
 * dimensions, values two by two along the keys.  They are bf16, or whole numbers: then each key and each value of a
 * head has a scale. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "nn/attention.h"
#include "nn/half.h"

#define MOST_DIMS 1024 /* of a head of 16-bit numbers */

static int n_panels(int n) { return (n + NN_PANEL - 1) / NN_PANEL; }

int attention_cache_open(struct attention_cache *c, int n_heads, int head_dims, int capacity, int with_bias,
                         enum precision precision, struct message *msg)
{
    *c = (struct attention_cache){.n_heads = n_heads, .head_dims = head_dims};
    c->precision = precision_finer(precision);
    c->capacity = n_panels(capacity) * NN_PANEL;
    if (c->precision != PRECISION_FP32 && head_dims > MOST_DIMS)
        return fail(msg, LINNET_E_UNSUPPORTED, "heads of %d dimensions in %s: at most %d", head_dims,
                    precision_name(precision), MOST_DIMS);
    size_t heads = (size_t)n_heads, n_keys = heads * (size_t)c->capacity;
    int is_whole = c->precision == PRECISION_INT16;
    c->keys = mem_array(heads * attention_cache_keys(c), attention_cache_item(c));
    c->values = mem_array(heads * attention_cache_values(c), attention_cache_item(c));
    c->key_bias = with_bias ? mem_array(n_keys, sizeof *c->key_bias) : NULL;
    c->key_scales = is_whole ? mem_array(n_keys, sizeof *c->key_scales) : NULL;
    c->value_scales = is_whole ? mem_array(n_keys, sizeof *c->value_scales) : NULL;
    if (c->keys == NULL || c->values == NULL || (with_bias && c->key_bias == NULL) ||
        (is_whole && (c->key_scales == NULL || c->value_scales == NULL))) {
        attention_cache_close(c);
        return fail_memory(msg);
    }
    return LINNET_OK;
}

void attention_cache_close(struct attention_cache *c)
{
    void *arrays[] = {c->keys, c->values, c->key_bias, c->key_scales, c->value_scales};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    *c = (struct attention_cache){0};
}

struct attention_cache attention_cache_heads(const struct attention_cache *c, int first, int n)
{
    struct attention_cache heads = *c;
    size_t item = attention_cache_item(c), at = (size_t)first, keys = at * (size_t)c->capacity;
    heads.n_heads = n;
    heads.keys = (char *)c->keys + at * attention_cache_keys(c) * item;
    heads.values = (char *)c->values + at * attention_cache_values(c) * item;
    heads.key_bias = c->key_bias != NULL ? c->key_bias + keys : NULL;
    heads.key_scales = c->key_scales != NULL ? c->key_scales + keys : NULL;
    heads.value_scales = c->value_scales != NULL ? c->value_scales + keys : NULL;
    return heads;
}

/* n of each head's numbers for keys, from number `skip` on. */
static void move_numbers(const struct attention_cache *from, const struct attention_cache *to, const float *old,
                         float *fresh, int skip, int n)
{
    for (ptrdiff_t h = 0; old != NULL && h < from->n_heads; h++)
        memmove(fresh + to->capacity * h, old + from->capacity * h + skip, (size_t)n * sizeof *fresh);
}

/* Copies the panels from the one with the first key on to the front of `to`, which has the same or more room. */
static void move_to_front(const struct attention_cache *from, struct attention_cache *to)
{
    int skip = from->first / NN_PANEL * NN_PANEL, n = n_panels(from->last) * NN_PANEL - skip;
    size_t item = attention_cache_item(from), depth = (size_t)attention_cache_depth(from), panel = NN_PANEL * item;
    for (size_t h = 0; h < (size_t)from->n_heads; h++) {
        memmove((char *)to->keys + attention_cache_keys(to) * h * item,
                (char *)from->keys + (attention_cache_keys(from) * h + (size_t)skip * depth) * item,
                (size_t)n * depth * item);
        for (size_t p = 0; p < (size_t)n_panels(from->head_dims); p++)
            memmove((char *)to->values + attention_cache_values(to) * h * item + p * (size_t)to->capacity * panel,
                    (char *)from->values + attention_cache_values(from) * h * item +
                        (p * (size_t)from->capacity + (size_t)skip) * panel,
                    (size_t)n * panel);
    }
    move_numbers(from, to, from->key_bias, to->key_bias, skip, n);
    move_numbers(from, to, from->key_scales, to->key_scales, skip, n);
    move_numbers(from, to, from->value_scales, to->value_scales, skip, n);
    int first = from->first - skip, last = from->last - skip;
    to->first = first;
    to->last = last;
}

int attention_cache_reserve(struct attention_cache *c, int n, struct message *msg)
{
    if (c->last + n <= c->capacity)
        return LINNET_OK;
    int length = attention_cache_length(c);
    if (length + NN_PANEL + n <= c->capacity) {
        move_to_front(c, c);
        return LINNET_OK;
    }
    struct attention_cache bigger;
    int rc = attention_cache_open(&bigger, c->n_heads, c->head_dims, 2 * (length + NN_PANEL + n), c->key_bias != NULL,
                                  c->precision, msg);
    if (rc < 0)
        return rc;
    move_to_front(c, &bigger);
    attention_cache_close(c);
    *c = bigger;
    return LINNET_OK;
}

/* ---- appending ---- */

struct appending {
    const struct nn_context *ctx;
    struct attention_cache *c;
    const struct attention_keys *k;
};

/* Keys t .. t + n - 1, all of one panel: column by column, so that each of the panel's lines is written once. */
static void append_keys(float *panel, int t, const float *keys, ptrdiff_t ldk, int n, int d)
{
    for (int k = 0; k < d; k++, panel += NN_PANEL)
        for (int i = 0; i < n; i++)
            panel[t % NN_PANEL + i] = keys[i * ldk + k];
}

static void append_floats(struct attention_cache *c, const struct attention_keys *a, int h)
{
    int d = c->head_dims;
    const float *keys = a->keys + (ptrdiff_t)h * d, *values = a->values + (ptrdiff_t)h * d;
    float *to = (float *)c->keys + attention_cache_keys(c) * (size_t)h;
    for (int i = 0, n; i < a->n; i += n) {
        int t = c->last + i, room = NN_PANEL - t % NN_PANEL;
        n = a->n - i < room ? a->n - i : room;
        append_keys(to + (ptrdiff_t)(t / NN_PANEL) * d * NN_PANEL, t, keys + i * a->ldk, a->ldk, n, d);
    }
    to = (float *)c->values + attention_cache_values(c) * (size_t)h;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < d; k += NN_PANEL) {
            int n = d - k < NN_PANEL ? d - k : NN_PANEL;
            memcpy(to + ((ptrdiff_t)(k / NN_PANEL) * c->capacity + c->last + i) * NN_PANEL, values + i * a->ldv + k,
                   (size_t)n * sizeof *to);
        }
}

/* A row as 16-bit numbers; scales[at] is of whole ones. */
static void narrow(const struct appending *w, const float *x, const struct nn_i16_limits *limits, int16_t *q,
                   float *scales, ptrdiff_t at)
{
    if (w->c->precision == PRECISION_BF16)
        w->ctx->kernels->to_bf16(x, 1.0f, w->c->head_dims, (uint16_t *)q);
    else
        w->ctx->kernels->quantize16(x, NULL, w->c->head_dims, limits, q, &scales[at]);
}

static void append_pairs(const struct appending *w, int h)
{
    struct attention_cache *c = w->c;
    const struct attention_keys *a = w->k;
    const struct nn_i16_limits key_limits = attention_key_limits(c), value_limits = {ATTENTION_MOST_VALUE, INFINITY};
    int d = c->head_dims, depth = attention_cache_depth(c);
    int16_t q[MOST_DIMS], *keys = (int16_t *)c->keys + attention_cache_keys(c) * (size_t)h,
                          *values = (int16_t *)c->values + attention_cache_values(c) * (size_t)h;
    for (int i = 0; i < a->n; i++) {
        int t = c->last + i;
        ptrdiff_t at = (ptrdiff_t)h * c->capacity + t;
        int16_t *panel = keys + (ptrdiff_t)(t / NN_PANEL) * depth * NN_PANEL + t % NN_PANEL * 2;
        narrow(w, a->keys + i * a->ldk + (ptrdiff_t)h * d, &key_limits, q, c->key_scales, at);
        for (int k = 0; k < depth; k += 2)
            memcpy(panel + (ptrdiff_t)k * NN_PANEL, q + k, 2 * sizeof *q);
        narrow(w, a->values + i * a->ldv + (ptrdiff_t)h * d, &value_limits, q, c->value_scales, at);
        for (int k = 0; k < d; k++)
            values[attention_value_at(c, t, k)] = q[k];
    }
}

static void append_head(void *arg, int h, int i_thread)
{
    const struct appending *w = arg;
    const struct attention_keys *a = w->k;
    struct attention_cache *c = w->c;
    (void)i_thread;
    if (c->precision == PRECISION_FP32)
        append_floats(c, a, h);
    else
        append_pairs(w, h);
    for (int i = 0; c->key_bias != NULL && i < a->n; i++)
        c->key_bias[(ptrdiff_t)c->capacity * h + c->last + i] = a->bias[(ptrdiff_t)i * c->n_heads + h];
}

void attention_cache_append(struct nn_context *ctx, struct attention_cache *c, const struct attention_keys *k)
{
    struct appending a = {ctx, c, k};
    pool_run(k->n >= NN_PANEL ? ctx->pool : NULL, append_head, &a, c->n_heads);
    c->last += k->n;
}

/* ---- copies ---- */

/* The n keys of a head from key `at` on become those from key t on.  A key lies in units of four bytes, a panel's width
 * apart. */
static void copy_keys(const struct attention_cache *from, int at, struct attention_cache *to, int t, int h, int n)
{
    enum { UNIT = 4 };
    size_t item = attention_cache_item(to), n_units = (size_t)attention_cache_depth(to) * item / UNIT;
    const char *a = (const char *)from->keys + attention_cache_keys(from) * (size_t)h * item;
    char *b = (char *)to->keys + attention_cache_keys(to) * (size_t)h * item;
    for (size_t i = (size_t)at, j = (size_t)t; i < (size_t)(at + n); i++, j++) {
        const char *source = a + (i / NN_PANEL * n_units * NN_PANEL + i % NN_PANEL) * UNIT;
        char *target = b + (j / NN_PANEL * n_units * NN_PANEL + j % NN_PANEL) * UNIT;
        for (size_t k = 0; k < n_units * NN_PANEL; k += NN_PANEL)
            memcpy(target + k * UNIT, source + k * UNIT, UNIT);
    }
}

static void copy_values(const struct attention_cache *from, int at, struct attention_cache *to, int t, int h, int n)
{
    size_t item = attention_cache_item(to);
    const char *a = (const char *)from->values + attention_cache_values(from) * (size_t)h * item;
    char *b = (char *)to->values + attention_cache_values(to) * (size_t)h * item;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < to->head_dims; k++)
            memcpy(b + (size_t)attention_value_at(to, t + i, k) * item,
                   a + (size_t)attention_value_at(from, at + i, k) * item, item);
}

void attention_cache_copy(struct attention_cache *to, const struct attention_cache *from, int j, int n)
{
    int at = from->first + j, t = to->last;
    const float *const numbers[] = {from->key_bias, from->key_scales, from->value_scales};
    float *const copies[] = {to->key_bias, to->key_scales, to->value_scales};
    for (ptrdiff_t h = 0; h < to->n_heads; h++) {
        copy_keys(from, at, to, t, (int)h, n);
        copy_values(from, at, to, t, (int)h, n);
        for (int i = 0; i < 3; i++)
            if (numbers[i] != NULL)
                memcpy(copies[i] + h * to->capacity + t, numbers[i] + h * from->capacity + at,
                       (size_t)n * sizeof(float));
    }
    to->last += n;
}

/* ---- rows ---- */

/* Number i of an array: of keys or values. */
static float number_at(const struct attention_cache *c, const void *array, size_t i)
{
    switch (c->precision) {
    case PRECISION_INT16:
        return ((const int16_t *)array)[i];
    case PRECISION_BF16:
        return half_bf16_to_f32(((const uint16_t *)array)[i]);
    default:
        return ((const float *)array)[i];
    }
}

void attention_cache_row(const struct attention_cache *c, int j, float *key, float *value)
{
    int t = c->first + j, d = c->head_dims, depth = attention_cache_depth(c), is_pairs = c->precision != PRECISION_FP32;
    for (int h = 0; h < c->n_heads; h++)
        for (int k = 0; k < d; k++) {
            size_t in_panel = is_pairs ? (size_t)(k / 2 * NN_PANEL + t % NN_PANEL) * 2 + (size_t)(k % 2)
                                       : (size_t)k * NN_PANEL + (size_t)(t % NN_PANEL);
            size_t at = attention_cache_keys(c) * (size_t)h + (size_t)(t / NN_PANEL * depth) * NN_PANEL + in_panel;
            size_t value_at = attention_cache_values(c) * (size_t)h + (size_t)attention_value_at(c, t, k);
            ptrdiff_t scale = (ptrdiff_t)h * c->capacity + t;
            key[h * d + k] = number_at(c, c->keys, at) * (c->key_scales != NULL ? c->key_scales[scale] : 1.0f);
            value[h * d + k] =
                number_at(c, c->values, value_at) * (c->value_scales != NULL ? c->value_scales[scale] : 1.0f);
        }
}
