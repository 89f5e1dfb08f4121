/* SPDX-License-Identifier: Apache-2.0
 * events.c - an event is one block: the node, then arrays and texts, so that it is copied and released as a whole. */
#include "decoders/common/events.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/calibration.h"

struct event_node {
    struct event_node *next;
    linnet_event event;
};

/* Measures when base is NULL, else copies to base + used. */
struct block {
    char *base;
    size_t used;
};

static void *put(struct block *b, const void *from, size_t n, size_t alignment)
{
    size_t at = (b->used + alignment - 1) / alignment * alignment;
    b->used = at + n;
    if (b->base == NULL || from == NULL)
        return NULL;
    if (n > 0)
        memcpy(b->base + at, from, n);
    return b->base + at;
}

static char *put_text(struct block *b, const char *text)
{
    const char *t = text != NULL ? text : "";
    return put(b, t, strlen(t) + 1, 1);
}

static void put_event(struct block *b, const linnet_event *e, const struct calibration *c, linnet_event *out)
{
    const size_t a = _Alignof(max_align_t);
    struct linnet_word *words = put(b, e->words, (size_t)e->n_words * sizeof *words, a);
    struct linnet_hypothesis *nbest = put(b, e->nbest, (size_t)e->n_nbest * sizeof *nbest, a);
    int *tokens = put(b, e->tokens, (size_t)e->n_tokens * sizeof *tokens, a);
    struct linnet_window *window = put(b, e->window, e->window != NULL ? sizeof *window : 0, a);
    char *text = put_text(b, e->text), *language = put_text(b, e->language);
    for (int i = 0; i < e->n_words; i++) {
        char *t = put_text(b, e->words[i].text);
        if (words != NULL)
            words[i].text = t;
        if (words != NULL && c != NULL)
            words[i].confidence = (float)calibration_apply(c, (double)words[i].probability);
    }
    for (int i = 0; i < e->n_nbest; i++) {
        const struct linnet_hypothesis *h = &e->nbest[i];
        int *ids = put(b, h->tokens, (size_t)h->n_tokens * sizeof *ids, a);
        double *times_s = put(b, h->times_s, h->times_s != NULL ? (size_t)h->n_tokens * sizeof *times_s : 0, a);
        char *t = put_text(b, h->text);
        if (nbest != NULL) {
            nbest[i].tokens = ids;
            nbest[i].times_s = times_s;
            nbest[i].text = t;
        }
    }
    if (out == NULL)
        return;
    *out = *e;
    out->words = words;
    out->nbest = nbest;
    out->tokens = tokens;
    out->window = window;
    out->text = text;
    out->language = language;
}

int events_push(struct events *q, const linnet_event *event, struct message *msg)
{
    struct block b = {NULL, sizeof(struct event_node)};
    put_event(&b, event, NULL, NULL);
    struct event_node *node = mem_array(b.used, 1);
    if (node == NULL)
        return fail_memory(msg);
    b = (struct block){(char *)node, sizeof *node};
    put_event(&b, event, q->calibration, &node->event);
    if (q->last != NULL)
        q->last->next = node;
    else
        q->first = node;
    q->last = node;
    if (node->event.language[0] != '\0')
        snprintf(q->language, sizeof q->language, "%s", node->event.language);
    return LINNET_OK;
}

void events_release(struct events *q)
{
    mem_free(q->popped);
    q->popped = NULL;
}

int events_pop(struct events *q, linnet_event *event)
{
    events_release(q);
    struct event_node *node = q->first;
    if (node == NULL)
        return 0;
    q->first = node->next;
    if (q->first == NULL)
        q->last = NULL;
    q->popped = node;
    *event = node->event;
    return 1;
}

void events_clear(struct events *q)
{
    linnet_event e;
    while (events_pop(q, &e))
        ;
    events_release(q);
    q->language[0] = '\0';
}
