/* SPDX-License-Identifier: Apache-2.0
 * hotwords.c - the graph behind hotwords.h: a trie of the phrases with failure links (Aho and Corasick 1975).
 *
 * A node's `provisional` is the bonus on the path to it since the last phrase that ended on the path: it has been added
 * to the score, and is subtracted again if the next phrase is not finished.  When a token has no arc, the match fails:
 * the provisional bonus is subtracted, and the tokens behind the last finished phrase (or, when none was finished,
 * behind the first token) are matched again from the root.  Where that leads and what bonus it gives depends on the
 * node only, so it is computed once: `fail` and `fail_delta`.  A phrase that is the beginning of no other one leads
 * back to the root at once.
 *
 * WeNet's runtime (context_graph.cc) does the same for phrases that do not overlap.  Where they do, it drops the bonus
 * of a shorter phrase when a longer one fails more than one token behind it, and subtracts bonuses that were never
 * added; its Python subtracts the bonus of a phrase that ends the utterance.  Here the sum of all deltas is always that
 * of the leftmost longest phrases. */
#include "decoders/common/hotwords.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "base/mem.h"

#define MAX_NODES (1 << 26)

struct node {
    int parent, token, depth;
    int fail;           /* the node where the match goes on when a token has no arc here */
    int phrase;         /* that ends here, or -1 */
    int child, sibling; /* the last arc from here, and the one before it from the same node; 0: none */
    double bonus;       /* of the arc to here */
    double provisional; /* see the top */
    double rematched;   /* bonus of matching the rest again from the root */
    double fail_delta;  /* rematched - provisional */
};

struct hotwords {
    struct node *nodes; /* parents come before their children, and nodes of smaller depth before those of larger */
    int n_nodes;
    int *table;       /* [n_table] open addressing: node whose (parent, token) hashes here, or -1 */
    uint32_t n_table; /* a power of two, at least twice n_nodes */
};

static uint32_t hash(int parent, int token)
{
    uint64_t key = (uint64_t)(uint32_t)parent << 32 | (uint32_t)token;
    key *= 0x9E3779B97F4A7C15u;
    return (uint32_t)(key >> 32);
}

/* The place of (parent, token) in the table, or of the hole where it belongs. */
static uint32_t place(const struct hotwords *h, int parent, int token)
{
    uint32_t at = hash(parent, token) & (h->n_table - 1);
    while (h->table[at] >= 0 && (h->nodes[h->table[at]].parent != parent || h->nodes[h->table[at]].token != token))
        at = (at + 1) & (h->n_table - 1);
    return at;
}

static inline int arc(const struct hotwords *h, int from, int token)
{
    return h->nodes[from].child > 0 ? h->table[place(h, from, token)] : -1;
}

int hotwords_step(const struct hotwords *h, int state, int token, double *delta)
{
    *delta = 0.0;
    for (;;) {
        int next = arc(h, state, token);
        if (next >= 0) {
            *delta += h->nodes[next].bonus;
            return h->nodes[next].child > 0 ? next : HOTWORDS_START;
        }
        if (state == HOTWORDS_START)
            return HOTWORDS_START;
        *delta += h->nodes[state].fail_delta;
        state = h->nodes[state].fail;
    }
}

double hotwords_finish(const struct hotwords *h, int state)
{
    double delta = 0.0;
    for (; state != HOTWORDS_START; state = h->nodes[state].fail)
        delta += h->nodes[state].fail_delta;
    return delta;
}

/* The node that a token leads to from the state, or -1. */
static int arc_after(const struct hotwords *h, int state, int token)
{
    int next;
    while ((next = arc(h, state, token)) < 0 && state != HOTWORDS_START)
        state = h->nodes[state].fail;
    return next;
}

double hotwords_bonus(const struct hotwords *h, int state, int token)
{
    int next = arc_after(h, state, token);
    return next >= 0 ? h->nodes[next].bonus : 0.0;
}

void hotwords_arcs(const struct hotwords *h, int state, hotwords_arc *found, void *arg)
{
    double delta;
    for (int from = state;; from = h->nodes[from].fail) {
        for (int i = h->nodes[from].child; i > 0; i = h->nodes[i].sibling)
            if (arc_after(h, state, h->nodes[i].token) == i) { /* no longer match has it too */
                hotwords_step(h, state, h->nodes[i].token, &delta);
                found(arg, h->nodes[i].token, h->nodes[i].bonus, delta);
            }
        if (from == HOTWORDS_START)
            return;
    }
}

static void add_level(struct hotwords *h, const struct hotword *phrases, int n, int *ends, int depth)
{
    for (int i = 0; i < n; i++) {
        if (phrases[i].n_tokens <= depth)
            continue;
        int token = phrases[i].tokens[depth];
        uint32_t at = place(h, ends[i], token);
        int node = h->table[at];
        if (node < 0) {
            node = h->n_nodes++;
            h->nodes[node] = (struct node){.parent = ends[i],
                                           .token = token,
                                           .depth = depth + 1,
                                           .phrase = -1,
                                           .sibling = h->nodes[ends[i]].child,
                                           .bonus = -INFINITY};
            h->table[at] = node;
            h->nodes[ends[i]].child = node;
        }
        h->nodes[node].bonus = fmax(h->nodes[node].bonus, phrases[i].bonus);
        if (phrases[i].n_tokens == depth + 1 && h->nodes[node].phrase < 0)
            h->nodes[node].phrase = i;
        ends[i] = node;
    }
}

static void link_node(struct hotwords *h, int i)
{
    struct node *n = &h->nodes[i];
    const struct node *parent = &h->nodes[n->parent];
    if (n->phrase >= 0) { /* nothing is provisional: restart at the root */
        n->fail = HOTWORDS_START;
        n->provisional = n->rematched = n->fail_delta = 0.0;
        return;
    }
    n->provisional = parent->provisional + n->bonus;
    n->fail = HOTWORDS_START;
    if (n->parent != HOTWORDS_START) {
        double delta;
        n->fail = hotwords_step(h, parent->fail, n->token, &delta);
        n->rematched = parent->rematched + delta;
    }
    n->fail_delta = n->rematched - n->provisional;
}

static int check(const struct hotword *phrases, int n, int *max_tokens, long long *n_tokens, struct message *msg)
{
    *max_tokens = 0;
    *n_tokens = 0;
    for (int i = 0; i < n; i++) {
        if (phrases[i].n_tokens < 1)
            return fail(msg, LINNET_E_ARGUMENT, "hotword %d has no tokens", i + 1);
        if (!isfinite(phrases[i].bonus))
            return fail(msg, LINNET_E_ARGUMENT, "hotword %d: the bonus is not a finite number", i + 1);
        *n_tokens += phrases[i].n_tokens;
        if (phrases[i].n_tokens > *max_tokens)
            *max_tokens = phrases[i].n_tokens;
    }
    return *n_tokens < MAX_NODES ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "too many hotwords");
}

int hotwords_open(struct hotwords **out, const struct hotword *phrases, int n, struct message *msg)
{
    int max_tokens;
    long long n_tokens;
    int rc = check(phrases, n, &max_tokens, &n_tokens, msg);
    if (rc < 0)
        return rc;
    struct hotwords *h = mem_array(1, sizeof *h);
    int *ends = mem_array((size_t)n, sizeof *ends);
    if (h == NULL || ends == NULL)
        goto out_of_memory;
    for (h->n_table = 4; h->n_table < 2 * (n_tokens + 1);)
        h->n_table *= 2;
    h->nodes = mem_array((size_t)n_tokens + 1, sizeof *h->nodes);
    h->table = mem_array(h->n_table, sizeof *h->table);
    if (h->nodes == NULL || h->table == NULL)
        goto out_of_memory;
    for (uint32_t i = 0; i < h->n_table; i++)
        h->table[i] = -1;
    h->nodes[0] = (struct node){.parent = -1, .token = -1, .phrase = -1};
    h->n_nodes = 1;
    for (int depth = 0; depth < max_tokens; depth++)
        add_level(h, phrases, n, ends, depth);
    for (int i = 1; i < h->n_nodes; i++)
        link_node(h, i);
    mem_free(ends);
    *out = h;
    return LINNET_OK;
out_of_memory:
    mem_free(ends);
    hotwords_close(h);
    return fail_memory(msg);
}

void hotwords_close(struct hotwords *h)
{
    if (h == NULL)
        return;
    mem_free(h->nodes);
    mem_free(h->table);
    mem_free(h);
}

void hotwords_find(const struct hotwords *h, const int *tokens, int n, hotwords_found *found, void *arg)
{
    for (int first = 0; first < n;) {
        int longest = -1;
        for (int at = first, node = HOTWORDS_START; at < n && (node = arc(h, node, tokens[at])) >= 0; at++)
            if (h->nodes[node].phrase >= 0)
                longest = node;
        if (longest >= 0)
            found(arg, h->nodes[longest].phrase, first, h->nodes[longest].depth);
        first += longest >= 0 ? h->nodes[longest].depth : 1;
    }
}
