/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/outbox.h"

#include <libwebsockets.h>
#include <string.h>

#include "base/mem.h"

int outbox_open(struct outbox *o, struct message *msg)
{
    *o = (struct outbox){0};
    return pthread_mutex_init(&o->lock, NULL) == 0 ? LINNET_OK : fail(msg, LINNET_E_MEMORY, "no mutex");
}

void outbox_close(struct outbox *o)
{
    for (struct outbox_message *m = o->first, *next; m != NULL; m = next) {
        next = m->next;
        outbox_free_message(m);
    }
    pthread_mutex_destroy(&o->lock);
    *o = (struct outbox){0};
}

static int put(struct outbox *o, const void *bytes, size_t n, int is_binary, struct message *msg)
{
    struct outbox_message *m = mem_array(1, sizeof *m + LWS_PRE + n);
    if (m == NULL)
        return fail_memory(msg);
    *m = (struct outbox_message){.n = n, .is_binary = is_binary, .bytes = (char *)(m + 1) + LWS_PRE};
    if (n > 0)
        memcpy(m->bytes, bytes, n);
    pthread_mutex_lock(&o->lock);
    int is_full = o->n_bytes + n > OUTBOX_MOST, is_dropped = is_full || o->is_ended;
    if (!is_dropped) {
        *(o->last != NULL ? &o->last->next : &o->first) = m;
        o->last = m;
        o->n_bytes += n;
    }
    pthread_mutex_unlock(&o->lock);
    if (is_dropped)
        mem_free(m);
    return is_full ? fail(msg, LINNET_E_IO, "the client does not take what it is sent") : LINNET_OK;
}

int outbox_put(struct outbox *o, const void *bytes, size_t n, struct message *msg) { return put(o, bytes, n, 0, msg); }

int outbox_put_binary(struct outbox *o, const void *bytes, size_t n, struct message *msg)
{
    return put(o, bytes, n, 1, msg);
}

void outbox_end(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    o->is_ended = 1;
    pthread_mutex_unlock(&o->lock);
}

struct outbox_message *outbox_take(struct outbox *o, int *is_ended)
{
    pthread_mutex_lock(&o->lock);
    struct outbox_message *m = o->first;
    if (m != NULL) {
        o->first = m->next;
        o->last = o->first != NULL ? o->last : NULL;
        o->n_bytes -= m->n;
    }
    *is_ended = o->is_ended;
    pthread_mutex_unlock(&o->lock);
    return m;
}

void outbox_free_message(struct outbox_message *m) { mem_free(m); }

int outbox_is_high(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    int is_high = o->n_bytes >= OUTBOX_HIGH;
    pthread_mutex_unlock(&o->lock);
    return is_high;
}

int outbox_is_empty(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    int is_empty = o->first == NULL && !o->is_ended;
    pthread_mutex_unlock(&o->lock);
    return is_empty;
}

int outbox_is_ended(struct outbox *o)
{
    pthread_mutex_lock(&o->lock);
    int is_ended = o->is_ended;
    pthread_mutex_unlock(&o->lock);
    return is_ended;
}
