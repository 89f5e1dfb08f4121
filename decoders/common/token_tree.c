/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/token_tree.h"

#include <limits.h>

#include "base/mem.h"

#define FIRST_FRAMES 256

int token_tree_open(struct token_tree *t, const struct text_decoder *d, int root_is_sos, struct message *msg)
{
    *t = (struct token_tree){.root_is_sos = root_is_sos};
    int rc =
        label_tree_open(&t->labels) < 0 ? fail_memory(msg) : text_decoder_state_open(&t->state, d, FIRST_FRAMES, msg);
    if (rc < 0)
        token_tree_close(t);
    return rc;
}

void token_tree_close(struct token_tree *t)
{
    label_tree_close(&t->labels);
    text_decoder_state_close(&t->state);
    mem_free(t->rows);
    mem_free(t->path);
    *t = (struct token_tree){0};
}

void token_tree_reset(struct token_tree *t)
{
    label_tree_reset(&t->labels);
    text_decoder_state_clear(&t->state);
}

int token_tree_append(struct token_tree *t, struct nn_context *ctx, const float *encoder_out, int n_frames,
                      struct message *msg)
{
    int rc = text_decoder_state_reserve_frames(&t->state, ctx, n_frames, msg);
    if (rc >= 0)
        text_decoder_state_append(&t->state, ctx, encoder_out, n_frames);
    return rc;
}

static int position(const struct token_tree *t, int node) { return t->labels.nodes[node].depth - !t->root_is_sos; }

/* A row for each node, with the slots of its path. */
static void make_rows(struct token_tree *t, const int *nodes, int n)
{
    int *slots = t->path;
    for (int i = 0; i < n; i++) {
        int node = nodes[i], last = position(t, node);
        int token = node == LABEL_TREE_ROOT ? t->state.decoder->config.sos : t->labels.nodes[node].label;
        t->rows[i] = (struct text_row){token, last, slots};
        for (int at = last; at >= 0; node = t->labels.nodes[node].parent)
            slots[at--] = node;
        slots += last + 1;
    }
}

int token_tree_step(struct token_tree *t, struct nn_context *ctx, const int *nodes, int n,
                    const struct text_cross *cross, struct message *msg)
{
    long long n_path = 0;
    int longest = 0;
    for (int i = 0; i < n; i++) {
        int length = position(t, nodes[i]) + 1;
        n_path += length;
        longest = length > longest ? length : longest;
    }
    if (n_path > INT_MAX / 2 || MEM_GROW(t->rows, t->n_rows, n) < 0 || MEM_GROW(t->path, t->n_path, (int)n_path) < 0)
        return fail_memory(msg);
    int rc = text_decoder_state_reserve(&t->state, ctx, t->n_rows, t->labels.n_nodes, longest, msg);
    if (rc < 0)
        return rc;
    make_rows(t, nodes, n);
    text_decoder_state_step(&t->state, ctx, t->rows, n, cross);
    return LINNET_OK;
}
