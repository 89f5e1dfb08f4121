/* SPDX-License-Identifier: Apache-2.0
 * label_tree.h - many sequences of labels that share their beginnings.
 *
 * A sequence is named by its last node; walking to the root reads it backwards.  Nodes count their users (sequences
 * that end there, and children) and are freed with the last one, so that a search over an endless stream only holds
 * what its hypotheses consist of.  Nodes are numbers, not pointers: the array may move when it grows. */
#ifndef LINNET_DECODERS_COMMON_LABEL_TREE_H
#define LINNET_DECODERS_COMMON_LABEL_TREE_H

#include "base/status.h"

#define LABEL_TREE_ROOT 0

struct label_node {
    int parent, label;
    int depth;                     /* labels from the root to here */
    int n_users;                   /* 0: on the free list */
    int first_child, next_sibling; /* -1 ends; next_sibling links the free list too */
    int mark;                      /* the search's own; -1 when added */
    float value;                   /* the search's own */
};

struct label_tree {
    struct label_node *nodes;
    int n_nodes; /* in the array, used and free */
    int n_free, first_free;
};

LINNET_MUST_CHECK int label_tree_open(struct label_tree *t);
void label_tree_close(struct label_tree *t);
void label_tree_reset(struct label_tree *t); /* the root alone; the memory stays */

/* Makes sure that n calls of label_tree_add find room. */
LINNET_MUST_CHECK int label_tree_reserve(struct label_tree *t, int n);

/* A new child; the caller is its first user.  There must be room (label_tree_reserve). */
int label_tree_add(struct label_tree *t, int parent, int label, float value);
int label_tree_child(const struct label_tree *t, int parent, int label); /* -1: there is none */

static inline int label_tree_keep(struct label_tree *t, int node)
{
    t->nodes[node].n_users++;
    return node;
}
void label_tree_drop(struct label_tree *t, int node);

/* Writes the labels and, unless NULL, the values from the root to node; returns how many: the node's depth. */
int label_tree_read(const struct label_tree *t, int node, int *labels, float *values);

/* The last node that the paths to a and b share. */
int label_tree_common(const struct label_tree *t, int a, int b);

#endif
