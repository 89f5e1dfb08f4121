/* SPDX-License-Identifier: Apache-2.0
 * text_decoder_state.c - what a stream keeps of a Transformer's decoder: the encoder's states as keys and values, and
 * slots. */
#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "nn/sinusoid.h"
#include "nn/text_decoder.h"

enum { FRAMES_BLOCK = 256 }; /* whose keys and values are under way at once */

/* ---- memory ---- */

int text_decoder_state_open(struct text_decoder_state *s, const struct text_decoder *d, int n_frames,
                            struct message *msg)
{
    const struct text_decoder_config *c = &d->config;
    *s = (struct text_decoder_state){.decoder = d};
    /* Those of all blocks side by side: in pages of 2 MB reading them takes nine tenths of the time. */
    return attention_cache_open(&s->cross, c->n_blocks * c->n_heads, c->n_dims / c->n_heads, n_frames, 0,
                                linear_precision(&d->blocks[0].cross_kv), msg);
}

void text_decoder_state_close(struct text_decoder_state *s)
{
    void *arrays[] = {s->frames, s->slots, s->positions};
    attention_cache_close(&s->cross);
    text_work_close(&s->work);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    *s = (struct text_decoder_state){0};
}

/* An array whose old contents are not needed. */
static int replace(float **array, size_t n_rows, size_t n_columns)
{
    mem_free(*array);
    *array = mem_array(n_rows, n_columns * sizeof **array);
    return *array != NULL ? LINNET_OK : LINNET_E_MEMORY;
}

static int reserve_slots(struct text_decoder_state *s, int n)
{
    const struct text_decoder_config *c = &s->decoder->config;
    size_t head = (size_t)(c->n_dims / c->n_heads), n_heads = 2 * (size_t)c->n_blocks * (size_t)c->n_heads;
    size_t n_old = (size_t)s->n_slots * head, n_new = (size_t)n * head;
    if (n <= s->n_slots)
        return LINNET_OK;
    float *fresh = mem_sparse(n_heads, n_new * sizeof *fresh); /* each head's are far apart, and few are used */
    if (fresh == NULL)
        return LINNET_E_MEMORY;
    for (size_t i = 0; i < n_heads && n_old > 0; i++)
        memcpy(fresh + i * n_new, s->slots + i * n_old, n_old * sizeof *fresh);
    mem_free(s->slots);
    s->slots = fresh;
    s->n_slots = n;
    return LINNET_OK;
}

static int reserve_positions(struct text_decoder_state *s, int n)
{
    const struct text_decoder_config *c = &s->decoder->config;
    if (c->n_positions > 0 || n <= s->n_positions)
        return LINNET_OK;
    n += n / 2 + 32;
    s->n_positions = 0;
    if (replace(&s->positions, (size_t)n, (size_t)c->n_dims) < 0)
        return LINNET_E_MEMORY;
    s->n_positions = n;
    nn_sinusoid(0, n, c->n_dims, s->positions);
    return LINNET_OK;
}

/* Scratch for products, and n floats for scores. */
static int reserve_scratch(const struct text_decoder *d, struct nn_context *ctx, size_t n, struct message *msg)
{
    const size_t needs[] = {n, linear_scratch(&d->output), linear_scratch(&d->blocks[0].back)};
    int rc = LINNET_OK;
    for (int i = 0; rc >= 0 && i < 3; i++)
        rc = nn_context_reserve(ctx, needs[i], msg);
    return rc;
}

int text_decoder_state_reserve(struct text_decoder_state *s, struct nn_context *ctx, int n_rows, int n_slots,
                               int n_positions, struct message *msg)
{
    int most = s->decoder->config.n_positions;
    if (most > 0 && n_positions > most)
        return fail(msg, LINNET_E_ARGUMENT, "a text of %d tokens: the model has positions for %d", n_positions, most);
    if (n_positions > INT_MAX / 2 || text_work_reserve(&s->work, s->decoder, n_rows) < 0 ||
        reserve_slots(s, n_slots) < 0 || reserve_positions(s, n_positions) < 0)
        return fail_memory(msg);
    return reserve_scratch(s->decoder, ctx, (size_t)(most > 0 ? most : s->n_positions), msg);
}

/* ---- the encoder's states ---- */

int text_decoder_state_reserve_frames(struct text_decoder_state *s, struct nn_context *ctx, int n, struct message *msg)
{
    const struct text_decoder_config *c = &s->decoder->config;
    int n_all = text_decoder_state_frames(s) + n;
    int rc = reserve_scratch(s->decoder, ctx, attention_scratch(n_all, c->n_dims / c->n_heads), msg);
    int n_block = n < FRAMES_BLOCK ? n : FRAMES_BLOCK;
    if (rc >= 0 && n_block > s->n_frames) {
        s->n_frames = 0;
        if (replace(&s->frames, (size_t)n_block, 2 * (size_t)c->n_dims) < 0)
            return fail_memory(msg);
        s->n_frames = n_block;
    }
    return rc < 0 ? rc : attention_cache_reserve(&s->cross, n, msg);
}

void text_decoder_state_append(struct text_decoder_state *s, struct nn_context *ctx, const float *states, int n)
{
    const struct text_decoder *d = s->decoder;
    ptrdiff_t n_dims = d->config.n_dims;
    int n_heads = d->config.n_heads;
    for (int i = 0; i < d->config.n_blocks; i++) {
        struct attention_cache cross = attention_cache_heads(&s->cross, i * n_heads, n_heads);
        for (int at = 0; at < n; at += FRAMES_BLOCK) {
            int size = n - at < FRAMES_BLOCK ? n - at : FRAMES_BLOCK;
            const struct linear_rows rows = {states + at * n_dims, n_dims, size, s->frames, 2 * n_dims};
            linear_forward(ctx, &d->blocks[i].cross_kv, &rows, NULL);
            attention_cache_append(
                ctx, &cross,
                &(struct attention_keys){s->frames, 2 * n_dims, s->frames + n_dims, 2 * n_dims, NULL, size});
        }
    }
    s->cross.last += n;
}

void text_decoder_state_keep(struct text_decoder_state *s, int n) { attention_cache_keep(&s->cross, n); }

void text_decoder_state_cut(struct text_decoder_state *s, int n) { attention_cache_cut(&s->cross, n); }

void text_decoder_state_clear(struct text_decoder_state *s) { attention_cache_clear(&s->cross); }
