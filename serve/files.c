/* SPDX-License-Identifier: Apache-2.0
 * files.c - a thread decodes one recording after the other. */
#include "serve/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/live.h"

struct file_job {
    struct file_job *next;
    struct files *files;
    struct file_sink sink;
    linnet_stream *stream;
    int fd;
    atomic_int n_holders, is_let_go;
};

struct files {
    struct files_options options;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct file_job *first, *last;
    struct files_facts facts;
    pthread_t thread;
    int has_thread, is_closing;
};

static void destroy(struct file_job *j)
{
    if (atomic_fetch_sub(&j->n_holders, 1) > 1)
        return;
    linnet_stream_close(j->stream);
    mem_free(j);
}

/* ---- decoding ---- */

static int take_events(struct file_job *j, struct message *msg)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(j->stream, &e)) > 0)
        if ((rc = j->sink.event(j->sink.arg, &e, msg)) < 0)
            return rc;
    return rc;
}

static int step(struct file_job *j, int (*what)(linnet_stream *), int *rc, struct message *msg)
{
    struct linnet_stats stats = {.size = sizeof stats};
    *rc = what(j->stream);
    if (*rc < 0)
        fail(msg, *rc, "%s", linnet_stream_error(j->stream));
    int told = take_events(j, *rc < 0 ? NULL : msg);
    if (told >= 0 && (told = linnet_stream_stats(j->stream, &stats)) >= 0)
        j->sink.fed(j->sink.arg, stats.audio_s, stats.file_s);
    return told;
}

static int decode(struct file_job *j, struct message *msg)
{
    char path[64];
    int rc, end = LINNET_OK, told;
    snprintf(path, sizeof path, "/proc/self/fd/%d", j->fd);
    if ((rc = linnet_stream_open_file(j->stream, path, NULL)) < 0)
        return fail(msg, rc, "%s", linnet_stream_error(j->stream));
    do
        told = step(j, linnet_stream_read, &rc, msg);
    while (told >= 0 && rc > 0);
    if (told >= 0)
        told = step(j, linnet_stream_finish, &end, rc < 0 ? NULL : msg);
    return rc < 0 ? rc : end < 0 ? end : told;
}

static void run(struct files *f, struct file_job *j)
{
    struct message msg = {""};
    struct linnet_stats stats = {.size = sizeof stats};
    double start_s = clock_s();
    int rc = atomic_load(&j->is_let_go) ? fail(&msg, LINNET_E_CANCELLED, "cancelled") : decode(j, &msg);
    int rc_stats = linnet_stream_stats(j->stream, &stats);
    pthread_mutex_lock(&f->lock);
    f->facts.audio_s += rc_stats >= 0 ? stats.audio_s : 0;
    f->facts.compute_s += clock_s() - start_s;
    f->facts.n_done += rc >= 0;
    f->facts.n_failed += rc < 0;
    pthread_mutex_unlock(&f->lock);
    j->sink.ended(j->sink.arg, rc, msg.text, &stats);
    j->sink.release(j->sink.arg);
    close(j->fd);
    destroy(j);
}

static void *work(void *arg)
{
    struct files *f = arg;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (f->first == NULL && !f->is_closing)
            pthread_cond_wait(&f->work, &f->lock);
        struct file_job *j = f->first;
        if (j == NULL)
            break;
        f->first = j->next;
        f->last = f->first != NULL ? f->last : NULL;
        f->facts.n_waiting--;
        f->facts.n_running++;
        pthread_mutex_unlock(&f->lock);
        run(f, j);
        pthread_mutex_lock(&f->lock);
        f->facts.n_running--;
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- the line ---- */

int files_open(struct files **out, const struct files_options *o, const struct serve_models *models,
               struct message *msg)
{
    struct files *f = mem_array(1, sizeof *f);
    (void)models;
    if (f == NULL)
        return fail_memory(msg);
    f->options = *o;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->work, NULL);
    f->has_thread = pthread_create(&f->thread, NULL, work, f) == 0;
    if (!f->has_thread) {
        files_close(f);
        return fail(msg, LINNET_E_MEMORY, "no thread can be started");
    }
    *out = f;
    return LINNET_OK;
}

void files_close(struct files *f)
{
    if (f == NULL)
        return;
    pthread_mutex_lock(&f->lock);
    f->is_closing = 1;
    for (struct file_job *j = f->first; j != NULL; j = j->next)
        atomic_store(&j->is_let_go, 1);
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
    if (f->has_thread)
        pthread_join(f->thread, NULL);
    pthread_cond_destroy(&f->work);
    pthread_mutex_destroy(&f->lock);
    mem_free(f);
}

void files_facts(struct files *f, struct files_facts *facts)
{
    pthread_mutex_lock(&f->lock);
    *facts = f->facts;
    pthread_mutex_unlock(&f->lock);
}

static int line_up(struct file_job *j, struct message *msg)
{
    struct files *f = j->files;
    pthread_mutex_lock(&f->lock);
    int is_full = f->is_closing || f->facts.n_waiting >= f->options.most_waiting;
    if (is_full) {
        f->facts.n_refused++;
    } else {
        *(f->last != NULL ? &f->last->next : &f->first) = j;
        f->last = j;
        f->facts.n_waiting++;
        pthread_cond_signal(&f->work);
    }
    pthread_mutex_unlock(&f->lock);
    return is_full ? fail(msg, LINNET_E_BUSY, "too many recordings wait: try again later") : LINNET_OK;
}

int files_add(struct file_job **out, struct files *f, const struct serve_request *r, int fd,
              const struct file_sink *sink, struct message *msg)
{
    struct file_job *j = mem_array(1, sizeof *j);
    int rc = j == NULL ? fail_memory(msg) : LINNET_OK;
    if (rc >= 0) {
        *j = (struct file_job){.files = f, .sink = *sink, .fd = fd};
        atomic_init(&j->n_holders, 2);
        rc = serve_models_open_stream(&j->stream, r, 0, msg);
    }
    if (rc >= 0 && (rc = line_up(j, msg)) < 0)
        linnet_stream_close(j->stream);
    if (rc < 0) {
        mem_free(j);
        close(fd);
        return rc;
    }
    *out = j;
    return LINNET_OK;
}

void files_let_go(struct file_job *j)
{
    if (j == NULL)
        return;
    atomic_store(&j->is_let_go, 1);
    linnet_stream_cancel(j->stream);
    destroy(j);
}
