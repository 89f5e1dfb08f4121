/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/label_tree.h"

#include <assert.h>
#include <limits.h>

#include "base/mem.h"

#define FIRST_NODES 256

static void put_on_free_list(struct label_tree *t, int node)
{
    t->nodes[node].n_users = 0;
    t->nodes[node].next_sibling = t->first_free;
    t->first_free = node;
    t->n_free++;
}

void label_tree_reset(struct label_tree *t)
{
    t->n_free = 0;
    t->first_free = -1;
    for (int i = t->n_nodes - 1; i > LABEL_TREE_ROOT; i--)
        put_on_free_list(t, i);
    t->nodes[LABEL_TREE_ROOT] =
        (struct label_node){.parent = -1, .label = -1, .n_users = 1, .first_child = -1, .next_sibling = -1, .mark = -1};
}

int label_tree_open(struct label_tree *t)
{
    t->nodes = mem_array(FIRST_NODES, sizeof *t->nodes);
    if (t->nodes == NULL)
        return LINNET_E_MEMORY;
    t->n_nodes = FIRST_NODES;
    label_tree_reset(t);
    return LINNET_OK;
}

void label_tree_close(struct label_tree *t)
{
    mem_free(t->nodes);
    t->nodes = NULL;
    t->n_nodes = t->n_free = 0;
}

int label_tree_reserve(struct label_tree *t, int n)
{
    if (n <= t->n_free)
        return LINNET_OK;
    if (n > INT_MAX / 2 - t->n_nodes || t->n_nodes > INT_MAX / 4)
        return LINNET_E_MEMORY;
    int n_new = t->n_nodes * 2;
    while (n_new - t->n_nodes < n - t->n_free)
        n_new += t->n_nodes;
    struct label_node *nodes = mem_resize(t->nodes, (size_t)t->n_nodes, (size_t)n_new, sizeof *nodes);
    if (nodes == NULL)
        return LINNET_E_MEMORY;
    int n_old = t->n_nodes;
    t->nodes = nodes;
    t->n_nodes = n_new;
    for (int i = n_new - 1; i >= n_old; i--)
        put_on_free_list(t, i);
    return LINNET_OK;
}

int label_tree_add(struct label_tree *t, int parent, int label, float value)
{
    assert(t->n_free > 0);
    int node = t->first_free;
    struct label_node *n = &t->nodes[node], *p = &t->nodes[parent];
    t->first_free = n->next_sibling;
    t->n_free--;
    *n = (struct label_node){.parent = parent,
                             .label = label,
                             .depth = p->depth + 1,
                             .n_users = 1,
                             .first_child = -1,
                             .next_sibling = p->first_child,
                             .mark = -1,
                             .value = value};
    p->first_child = node;
    p->n_users++;
    return node;
}

int label_tree_child(const struct label_tree *t, int parent, int label)
{
    int node = t->nodes[parent].first_child;
    while (node >= 0 && t->nodes[node].label != label)
        node = t->nodes[node].next_sibling;
    return node;
}

static void unlink_from_parent(struct label_tree *t, int node)
{
    int *link = &t->nodes[t->nodes[node].parent].first_child;
    while (*link != node)
        link = &t->nodes[*link].next_sibling;
    *link = t->nodes[node].next_sibling;
}

void label_tree_drop(struct label_tree *t, int node)
{
    while (--t->nodes[node].n_users == 0) {
        int parent = t->nodes[node].parent;
        unlink_from_parent(t, node);
        put_on_free_list(t, node);
        node = parent; /* which was used by this child */
    }
}

int label_tree_read(const struct label_tree *t, int node, int *labels, float *values)
{
    int n = t->nodes[node].depth;
    for (int i = n - 1; i >= 0; i--) {
        labels[i] = t->nodes[node].label;
        if (values != NULL)
            values[i] = t->nodes[node].value;
        node = t->nodes[node].parent;
    }
    return n;
}

int label_tree_common(const struct label_tree *t, int a, int b)
{
    while (a != b)
        if (t->nodes[a].depth >= t->nodes[b].depth)
            a = t->nodes[a].parent;
        else
            b = t->nodes[b].parent;
    return a;
}
