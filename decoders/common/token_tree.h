/* SPDX-License-Identifier: Apache-2.0
 * token_tree.h - a text decoder run on a tree of token sequences.
 *
 * A node of the tree is a token after its ancestors, and the slot of its keys and values: what sequences share is
 * computed once.  One call takes any number of new nodes: a beam's next tokens, or all of an n-best list. */
#ifndef LINNET_DECODERS_TOKEN_TREE_H
#define LINNET_DECODERS_TOKEN_TREE_H

#include "decoders/common/label_tree.h"
#include "nn/text_decoder.h"

/* Nodes are added with label_tree_add (after label_tree_reserve) and may be dropped; a node that is added again must be
 * computed again.  A zeroed one may be closed. */
struct token_tree {
    struct label_tree labels;
    struct text_decoder_state state;
    int root_is_sos;
    struct text_row *rows; /* [n_rows] */
    int *path;             /* [n_path] slots of each row, one row after the other */
    int n_rows, n_path;
};

/* root_is_sos: the root stands for the decoder's sos.  Otherwise it stands for nothing: each child of it begins a
 * sequence, at position 0, with sos as its label as a rule. */
LINNET_MUST_CHECK int token_tree_open(struct token_tree *t, const struct text_decoder *d, int root_is_sos,
                                      struct message *msg);
void token_tree_close(struct token_tree *t);

/* A new utterance: the tree is only its root, and the decoder has no frames. */
void token_tree_reset(struct token_tree *t);
LINNET_MUST_CHECK int token_tree_append(struct token_tree *t, struct nn_context *ctx, const float *encoder_out,
                                        int n_frames, struct message *msg);

/* Computes nodes [n]: each node's parent must have been computed, or stand before it.  cross: see
 * text_decoder_state_step.  What follows node i is asked of t->state as row i. */
LINNET_MUST_CHECK int token_tree_step(struct token_tree *t, struct nn_context *ctx, const int *nodes, int n,
                                      const struct text_cross *cross, struct message *msg);

#endif
