/* SPDX-License-Identifier: Apache-2.0
 * backlog.c - a list of blocks.  Samples that come in small pieces share one. */
#include "serve/backlog.h"

#include <string.h>

#include "base/mem.h"

struct backlog_block {
    struct backlog_block *next;
    size_t room, n, at; /* samples: that fit, that came, that are decoded */
    int is_end;
    double came_s; /* of the first of them */
    float samples[];
};

static struct backlog_block *append_block(struct backlog *b, size_t n, double now_s)
{
    size_t room = n == 0 ? 0 : n > BACKLOG_LEAST ? n : BACKLOG_LEAST;
    struct backlog_block *block = mem_array(1, sizeof *block + room * sizeof(float));
    if (block == NULL)
        return NULL;
    block->room = room;
    block->is_end = n == 0;
    block->came_s = now_s;
    *(b->last != NULL ? &b->last->next : &b->first) = block;
    b->last = block;
    return block;
}

int backlog_add(struct backlog *b, const float *samples, size_t n, double now_s, struct message *msg)
{
    struct backlog_block *block = b->last;
    if (block == NULL || block->is_end || n == 0 || block->room - block->n < n)
        block = append_block(b, n, now_s);
    if (block == NULL)
        return fail_memory(msg);
    if (n > 0)
        memcpy(block->samples + block->n, samples, n * sizeof *samples);
    block->n += n;
    b->n_waiting += n > 0 ? n : BACKLOG_LEAST;
    return LINNET_OK;
}

int backlog_peek(const struct backlog *b, size_t most, struct backlog_piece *piece)
{
    const struct backlog_block *block = b->first;
    if (block == NULL)
        return 0;
    size_t n = block->n - block->at;
    *piece = (struct backlog_piece){block->samples + block->at, n < most ? n : most, block->is_end, block->came_s};
    return 1;
}

void backlog_take(struct backlog *b, const struct backlog_piece *piece)
{
    struct backlog_block *block = b->first;
    block->at += piece->n;
    b->n_waiting -= block->is_end ? BACKLOG_LEAST : piece->n;
    if (block->at < block->n)
        return;
    b->first = block->next;
    b->last = b->first != NULL ? b->last : NULL;
    mem_free(block);
}

void backlog_clear(struct backlog *b)
{
    for (struct backlog_block *block = b->first, *next; block != NULL; block = next) {
        next = block->next;
        mem_free(block);
    }
    *b = (struct backlog){0};
}
