/* SPDX-License-Identifier: Apache-2.0
 * align.c - forced alignment with CTC (Graves et al. 2006), by the Viterbi algorithm.
 *
 * The states are blank, token 0, blank, token 1, ..., blank.  An alignment stays, moves on by one, or skips the blank
 * between two different tokens.  For each frame and state the step that reached it is kept, a byte each. */
#include "decoders/ctc/align.h"

#include <math.h>
#include <stddef.h>

#include "base/mem.h"

#define MAX_STEPS ((size_t)1 << 31) /* frames x states */

struct lattice {
    const struct ctc_align_input *in;
    int n_states;
    double *now, *next;   /* [n_states] log probability of the best path that ends there */
    unsigned char *steps; /* [T, n_states] by how many states the best path moved */
};

static int symbol(const struct lattice *l, int state)
{
    return state % 2 == 0 ? l->in->blank : l->in->tokens[state / 2];
}

static int may_skip(const struct lattice *l, int state)
{
    return state >= 3 && state % 2 == 1 && l->in->tokens[state / 2] != l->in->tokens[state / 2 - 1];
}

static void advance(struct lattice *l, int t)
{
    const float *row = l->in->logprobs + (size_t)t * (size_t)l->in->n_vocabulary;
    unsigned char *steps = l->steps + (size_t)t * (size_t)l->n_states;
    for (int s = 0; s < l->n_states; s++) {
        double best = l->now[s];
        steps[s] = 0;
        for (int step = 1; step <= 2 && step <= s; step++)
            if ((step == 1 || may_skip(l, s)) && l->now[s - step] > best) {
                best = l->now[s - step];
                steps[s] = (unsigned char)step;
            }
        double logprob = (double)row[symbol(l, s)];
        l->next[s] = best + (logprob > -1e30 ? logprob : -1e30);
    }
    double *swap = l->now;
    l->now = l->next;
    l->next = swap;
}

/* Before the first frame: in the first blank, which a step of 0 or 1 leaves for state 0 or 1. */
static void start(struct lattice *l)
{
    for (int s = 0; s < l->n_states; s++)
        l->now[s] = -INFINITY;
    l->now[0] = 0.0;
}

static void trace_back(const struct lattice *l, int state, struct ctc_alignment *to)
{
    int last = -1; /* token whose frames are being passed */
    float best = -INFINITY;
    for (int t = l->in->n_frames - 1; t >= 0; t--) {
        int token = state / 2;
        if (state % 2 == 1) {
            float logprob = l->in->logprobs[(size_t)t * (size_t)l->in->n_vocabulary + (size_t)l->in->tokens[token]];
            if (token != last || logprob >= best) {
                best = logprob;
                if (to->peaks != NULL)
                    to->peaks[token] = t;
                if (to->logprobs != NULL)
                    to->logprobs[token] = logprob;
            }
            if (token != last && to->ends != NULL)
                to->ends[token] = t + 1;
            if (to->begins != NULL)
                to->begins[token] = t;
            last = token;
        }
        state -= l->steps[(size_t)t * (size_t)l->n_states + (size_t)state];
    }
}

int ctc_align(const struct ctc_align_input *in, struct ctc_alignment *out, struct message *msg)
{
    int n = in->n, n_needed = n;
    for (int i = 1; i < n; i++)
        n_needed += in->tokens[i] == in->tokens[i - 1];
    if (in->n_frames < 1 || in->n_frames < n_needed)
        return fail(msg, LINNET_E_ARGUMENT, "%d tokens cannot be aligned with %d frames", n, in->n_frames);
    size_t n_states = 2 * (size_t)n + 1;
    if ((size_t)in->n_frames > MAX_STEPS / n_states)
        return fail(msg, LINNET_E_ARGUMENT, "%d tokens and %d frames are too many to align", n, in->n_frames);
    double *rows = mem_array(2 * n_states, sizeof *rows);
    unsigned char *steps = mem_array((size_t)in->n_frames * n_states, 1);
    int rc = LINNET_OK;
    if (rows == NULL || steps == NULL) {
        rc = fail_memory(msg);
    } else {
        struct lattice l = {in, (int)n_states, rows, rows + n_states, steps};
        start(&l);
        for (int t = 0; t < in->n_frames; t++)
            advance(&l, t);
        int end = n > 0 && l.now[2 * n - 1] > l.now[2 * n] ? 2 * n - 1 : 2 * n;
        trace_back(&l, end, out);
        out->score = l.now[end];
    }
    mem_free(rows);
    mem_free(steps);
    return rc;
}
