/* SPDX-License-Identifier: Apache-2.0
 * text_batch.c - threads that take turns, and steps for all of them.
 *
 * The lock is held by whoever passes the turn on, and during a step: everybody else waits for his turn anyway. */
#include "nn/text_batch.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum member_state { ABSENT, READY, WAITING }; /* not inside; may run, or runs; wants a step */

struct member {
    enum member_state state;
    pthread_cond_t turn;
    struct text_wish wish;
    double share_s; /* of the last step */
};

struct text_batch {
    const struct text_decoder *decoder;
    pthread_mutex_t lock;
    struct member members[TEXT_BATCH_MOST];
    int n_threads;
    int running; /* member, or -1 */
    uint64_t n_steps;
    struct text_work work;
    float *logits; /* [n_logits, V] */
    int n_logits;  /* at most */
    int *wanted;   /* [n_logits] rows of the step */
};

int text_batch_open(struct text_batch **out, const struct text_decoder *d, int n_threads, struct message *msg)
{
    if (n_threads < 1 || n_threads > TEXT_BATCH_MOST)
        return fail(msg, LINNET_E_ARGUMENT, "%d recordings at a time: possible are 1 to %d", n_threads,
                    TEXT_BATCH_MOST);
    struct text_batch *b = mem_array(1, sizeof *b);
    if (b == NULL)
        return fail_memory(msg);
    b->decoder = d;
    b->n_threads = n_threads;
    b->running = -1;
    pthread_mutex_init(&b->lock, NULL);
    for (int i = 0; i < n_threads; i++)
        pthread_cond_init(&b->members[i].turn, NULL);
    *out = b;
    return LINNET_OK;
}

void text_batch_close(struct text_batch *b)
{
    if (b == NULL)
        return;
    for (int i = 0; i < b->n_threads; i++)
        pthread_cond_destroy(&b->members[i].turn);
    pthread_mutex_destroy(&b->lock);
    text_work_close(&b->work);
    mem_free(b->logits);
    mem_free(b->wanted);
    mem_free(b);
}

int text_batch_reserve(struct text_batch *b, int n_rows, int n_logits, struct message *msg)
{
    n_logits = n_logits > TEXT_BATCH_MOST ? n_logits : TEXT_BATCH_MOST;
    if (text_work_reserve(&b->work, b->decoder, n_rows > n_logits ? n_rows : n_logits) < 0)
        return fail_memory(msg);
    if (n_logits <= b->n_logits)
        return LINNET_OK;
    float *logits = mem_array((size_t)n_logits, (size_t)b->decoder->config.n_vocabulary * sizeof *logits);
    int *wanted = mem_array((size_t)n_logits, sizeof *wanted), is_there = logits != NULL && wanted != NULL;
    mem_free(is_there ? b->logits : logits);
    mem_free(is_there ? b->wanted : wanted);
    if (!is_there)
        return fail_memory(msg);
    b->logits = logits;
    b->wanted = wanted;
    b->n_logits = n_logits;
    return LINNET_OK;
}

uint64_t text_batch_steps(const struct text_batch *b) { return b->n_steps; }

/* ---- steps ---- */

/* Members whose rows find room in one step. */
struct round {
    struct member *members[TEXT_BATCH_MOST];
    struct text_part parts[TEXT_BATCH_MOST];
    int n, n_rows, n_logits;
};

static void gather(struct text_batch *b, struct round *r)
{
    *r = (struct round){.n = 0};
    for (struct member *m = b->members; m < b->members + b->n_threads; m++) {
        const struct text_wish *w = &m->wish;
        if (m->state != WAITING ||
            (r->n > 0 && (r->n_rows + w->part.n > b->work.n_rows || r->n_logits + w->n_wanted > b->n_logits)))
            continue;
        for (int i = 0; i < w->n_wanted; i++)
            b->wanted[r->n_logits++] = r->n_rows + w->wanted[i];
        r->n_rows += w->part.n;
        r->members[r->n] = m;
        r->parts[r->n++] = w->part;
    }
}

/* All that wait become ready.  Returns whether there were any. */
static int run_steps(struct text_batch *b)
{
    struct round r;
    int n = 0;
    for (gather(b, &r); r.n > 0; gather(b, &r), n++) {
        struct nn_context *ctx = r.members[0]->wish.ctx;
        size_t n_vocabulary = (size_t)b->decoder->config.n_vocabulary, at = 0;
        double start_s = clock_s();
        b->n_steps++;
        text_decoder_step(b->decoder, ctx, &b->work, r.parts, r.n);
        text_decoder_logits(b->decoder, ctx, &b->work, b->wanted, r.n_logits, b->logits);
        for (int i = 0; i < r.n; i++) {
            const struct text_wish *w = &r.members[i]->wish;
            size_t size = (size_t)w->n_wanted * n_vocabulary;
            memcpy(w->logits, b->logits + at, size * sizeof *b->logits);
            at += size;
            r.members[i]->state = READY;
        }
        for (int i = 0; i < r.n; i++)
            r.members[i]->share_s = (clock_s() - start_s) / r.n;
    }
    return n;
}

/* ---- turns ---- */

/* The next member that may run after the one that did, or -1. */
static int next_ready(const struct text_batch *b)
{
    for (int i = 1; i <= b->n_threads; i++) {
        int k = (b->running + i) % b->n_threads;
        if (b->members[k].state == READY)
            return k;
    }
    return -1;
}

static void pass_on(struct text_batch *b)
{
    int next = next_ready(b);
    if (next < 0 && run_steps(b))
        next = next_ready(b);
    b->running = next;
    if (next >= 0)
        pthread_cond_signal(&b->members[next].turn);
}

static void wait_for_turn(struct text_batch *b, int i)
{
    while (b->running != i)
        pthread_cond_wait(&b->members[i].turn, &b->lock);
}

void text_batch_enter(struct text_batch *b)
{
    int i = 0;
    pthread_mutex_lock(&b->lock);
    while (b->members[i].state != ABSENT)
        i++;
    b->members[i].state = READY;
    if (b->running < 0)
        b->running = i;
    wait_for_turn(b, i);
    pthread_mutex_unlock(&b->lock);
}

void text_batch_leave(struct text_batch *b)
{
    pthread_mutex_lock(&b->lock);
    b->members[b->running].state = ABSENT;
    pass_on(b);
    pthread_mutex_unlock(&b->lock);
}

double text_batch_step(struct text_batch *b, const struct text_wish *wish)
{
    double start_s = clock_s();
    pthread_mutex_lock(&b->lock);
    int i = b->running;
    b->members[i].wish = *wish;
    b->members[i].state = WAITING;
    pass_on(b);
    wait_for_turn(b, i);
    double share_s = b->members[i].share_s;
    pthread_mutex_unlock(&b->lock);
    return clock_s() - start_s - share_s;
}
