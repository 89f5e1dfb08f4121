/* SPDX-License-Identifier: Apache-2.0
 * file_streams.c - no more streams are open than threads may decode, whatever requests come: where none that is kept
 * suits a request, the one that was used longest ago goes. */
#include "serve/file_streams.h"

#include <pthread.h>

#include "base/mem.h"
#include "bin/batch.h"
#include "decoders/common/model.h"
#include "models/stream.h"

struct file_streams {
    struct serve_model *model;
    struct text_batch *steps; /* NULL: decoded one after the other */
    linnet_stream *first;     /* never decodes: what streams need between two steps is its (stream_set_batch) */
    int most;
    pthread_mutex_t lock;
    struct file_stream *kept; /* the last one used first */
    int n_open;               /* kept or taken */
};

/* ---- opening ---- */

/* Shows too that files can be decoded with the settings of the command line. */
static int open_first(struct file_streams *f, struct message *msg)
{
    const struct serve_request plain = {.model = f->model};
    int rc = serve_models_open_stream(&f->first, &plain, 0, msg);
    if (rc < 0)
        return rc;
    f->most = batch_size(&f->model->decoding, f->first);
    if (f->most > 1)
        return text_batch_open(&f->steps, f->model->low->left, f->most, msg);
    linnet_stream_close(f->first);
    f->first = NULL;
    return LINNET_OK;
}

int file_streams_open(struct file_streams **out, struct serve_model *model, struct message *msg)
{
    struct file_streams *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    f->model = model;
    pthread_mutex_init(&f->lock, NULL);
    int rc = open_first(f, msg);
    if (rc < 0)
        file_streams_close(f);
    else
        *out = f;
    return rc;
}

static void close_stream(struct file_stream *s)
{
    if (s == NULL)
        return;
    linnet_stream_close(s->stream);
    serve_request_free(&s->request);
    mem_free(s);
}

void file_streams_close(struct file_streams *f)
{
    if (f == NULL)
        return;
    for (struct file_stream *s = f->kept, *next; s != NULL; s = next) {
        next = s->next;
        close_stream(s);
    }
    linnet_stream_close(f->first);
    text_batch_close(f->steps);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

int file_streams_most(const struct file_streams *f) { return f->most; }

/* ---- streams ---- */

static struct file_stream *unlink_stream(struct file_stream **at)
{
    struct file_stream *s = *at;
    *at = s->next;
    s->next = NULL;
    return s;
}

/* One that is kept and suits the request; else *old may get one that has to go. */
static struct file_stream *find(struct file_streams *f, const struct serve_request *r, struct file_stream **old)
{
    struct file_stream *found = NULL, **at = &f->kept, **last = NULL;
    pthread_mutex_lock(&f->lock);
    for (; *at != NULL && !serve_request_is(&(*at)->request, r); at = &(*at)->next)
        last = at;
    if (*at != NULL) {
        found = unlink_stream(at);
    } else if (last != NULL && f->n_open >= f->most) {
        *old = unlink_stream(last);
    } else {
        f->n_open++;
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

static int open_stream(struct file_streams *f, struct file_stream **out, const struct serve_request *r,
                       struct message *msg)
{
    struct file_stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    int rc = serve_request_copy(&s->request, r, msg);
    if (rc >= 0 && (rc = serve_models_open_stream(&s->stream, r, 0, msg)) >= 0)
        s->shares_steps = f->steps != NULL && stream_can_batch(s->stream);
    if (rc < 0)
        close_stream(s);
    else
        *out = s;
    return rc;
}

static void forget(struct file_streams *f, struct file_stream *s)
{
    close_stream(s);
    pthread_mutex_lock(&f->lock);
    f->n_open--;
    pthread_mutex_unlock(&f->lock);
}

int file_streams_take(struct file_streams *f, struct file_stream **out, const struct serve_request *r,
                      struct message *msg)
{
    struct file_stream *old = NULL, *s = find(f, r, &old);
    close_stream(old);
    int rc = s == NULL ? open_stream(f, &s, r, msg) : LINNET_OK;
    if (rc < 0)
        forget(f, NULL);
    else
        *out = s;
    return rc;
}

int file_streams_enter(struct file_streams *f, struct file_stream *s, struct message *msg)
{
    if (!s->shares_steps)
        return LINNET_OK;
    text_batch_enter(f->steps);
    s->has_entered = 1;
    if (s->has_steps)
        return LINNET_OK;
    int rc = stream_set_batch(s->stream, f->steps, f->first); /* by a thread that has its turn */
    if (rc < 0)
        return fail(msg, rc, "%s", linnet_stream_error(s->stream));
    s->has_steps = 1;
    return LINNET_OK;
}

void file_streams_put(struct file_streams *f, struct file_stream *s)
{
    if (s->has_entered)
        text_batch_leave(f->steps);
    s->has_entered = 0;
    if (linnet_stream_reset(s->stream) < 0) {
        forget(f, s);
        return;
    }
    pthread_mutex_lock(&f->lock);
    s->next = f->kept;
    f->kept = s;
    pthread_mutex_unlock(&f->lock);
}
