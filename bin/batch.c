/* SPDX-License-Identifier: Apache-2.0
 * batch.c - a thread for each recording under way.
 *
 * They take turns (text_batch_enter), so that nothing here needs a lock. */
#include "bin/batch.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "decoders/common/model.h"
#include "models/stream.h"

/* ---- opening ---- */

/* How many recordings at a time pay (doc/decisions.md has the measurements), and what their windows may take. */
enum { PAYS = 8, MOST_BYTES = 512 << 20 };

static int count(const struct decoding *d, int n_recordings)
{
    if (!stream_can_batch(d->stream) || n_recordings < 2)
        return 1;
    const struct linnet_model *m = d->model;
    size_t bytes = text_decoder_frame_bytes(m->left) * (size_t)encoder_frames(m->encoder, m->encoder->window);
    int most = MOST_BYTES / bytes > PAYS ? PAYS : (int)(MOST_BYTES / bytes);
    int wanted = d->batch > 0 ? d->batch : most > 0 ? most : 1;
    return wanted < n_recordings ? wanted : n_recordings;
}

/* Another stream like d's. */
static int open_another(struct batch *b, const struct decoding *d, const struct decoding_options *options,
                        struct message *msg)
{
    struct decoding *mine = &b->at[b->n];
    *mine = *d;
    mine->stream = NULL;
    int rc = decoding_open_stream(mine, options, 0, 0, msg);
    if (rc >= 0)
        b->n++;
    return rc;
}

static int share_steps(struct batch *b, const struct decoding *d, int n, struct message *msg)
{
    int rc = text_batch_open(&b->steps, d->model->left, n, msg);
    for (int i = 0; i < n && rc >= 0; i++) {
        rc = stream_set_batch(b->at[i].stream, b->steps, b->at[0].stream);
        if (rc < 0)
            fail(msg, rc, "%s", linnet_stream_error(b->at[i].stream));
    }
    return rc;
}

int batch_open(struct batch *b, const struct decoding *d, const struct decoding_options *options, int n_recordings,
               struct message *msg)
{
    linnet_stream *streams[TEXT_BATCH_MOST];
    int n = count(d, n_recordings), rc = LINNET_OK;
    *b = (struct batch){.at = {*d}, .n = 1};
    while (b->n < n && rc >= 0)
        rc = open_another(b, d, options, msg);
    if (rc >= 0 && n > 1)
        rc = share_steps(b, d, n, msg);
    if (rc < 0)
        return rc;
    for (int i = 0; i < n; i++)
        streams[i] = b->at[i].stream;
    decoding_catch(SIGINT, streams, n);
    decoding_catch(SIGTERM, streams, n);
    return LINNET_OK;
}

void batch_close(struct batch *b)
{
    for (int i = 1; i < b->n; i++) /* the first is the caller's */
        linnet_stream_close(b->at[i].stream);
    text_batch_close(b->steps);
}

/* ---- running ---- */

struct run {
    struct batch *b;
    const struct batch_work *work;
    int next, n_handed_on, stopped;
    char *decoded; /* [work->n] */
};

struct worker {
    struct run *run;
    struct decoding *d;
    pthread_t thread;
};

static void hand_on_ready(struct run *r)
{
    for (; r->n_handed_on < r->work->n && r->decoded[r->n_handed_on]; r->n_handed_on++)
        if (r->work->hand_on(r->work->arg, r->n_handed_on) < 0)
            r->stopped = 1;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct run *r = w->run;
    if (r->b->steps != NULL)
        text_batch_enter(r->b->steps);
    while (r->next < r->work->n && !r->stopped && decoding_signal() == 0) {
        int i = r->next++;
        r->work->decode(r->work->arg, i, w->d);
        r->decoded[i] = 1;
        hand_on_ready(r);
    }
    if (r->b->steps != NULL)
        text_batch_leave(r->b->steps);
    return NULL;
}

/* The calling thread is one of them; where others cannot be started there are fewer. */
int batch_run(struct batch *b, const struct batch_work *what, struct message *msg)
{
    struct run r = {.b = b, .work = what};
    struct worker workers[TEXT_BATCH_MOST];
    int n = 1;
    r.decoded = mem_array((size_t)what->n + 1, 1);
    if (r.decoded == NULL)
        return fail_memory(msg);
    for (int i = 0; i < b->n; i++)
        workers[i] = (struct worker){.run = &r, .d = &b->at[i]};
    while (n < b->n && pthread_create(&workers[n].thread, NULL, work, &workers[n]) == 0)
        n++;
    work(&workers[0]);
    for (int i = 1; i < n; i++)
        pthread_join(workers[i].thread, NULL);
    mem_free(r.decoded);
    return LINNET_OK;
}
