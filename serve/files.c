/* SPDX-License-Identifier: Apache-2.0
 * files.c - a line for each model, and threads that decode what is at its head.
 *
 * What waits is a descriptor and a copy of the request; streams are those of the threads (file_streams.h).  The threads
 * give way to all others of the server, so live streams are decoded as if there were no files. */
#include "serve/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/priority.h"
#include "models/stream.h"
#include "serve/file_streams.h"
#include "serve/live.h"

#define NAME "the recording" /* for messages */

struct file_job {
    struct file_job *next, *before; /* of those that wait, or of those that are decoded */
    struct line *line;
    struct serve_request request;
    struct file_sink sink;
    int fd;
    double came_s; /* clock */
    atomic_int n_holders;
    int waits, is_cancelled; /* by the lock */
    atomic_int has_ended;
    linnet_stream *stream; /* while it is decoded */
};

struct jobs {
    struct file_job *first, *last;
    int n;
};

struct line {
    struct files *files;
    struct file_streams *streams;
    pthread_cond_t work;
    struct jobs waiting, running;
    pthread_t *threads; /* [n_threads] */
    int n_threads;
};

struct files {
    struct files_options options;
    const struct serve_models *models;
    pthread_mutex_t lock;
    struct line *lines; /* [models->n] */
    struct files_facts facts;
    int is_closing;
};

/* ---- jobs, with the lock ---- */

static void append(struct jobs *jobs, struct file_job *j)
{
    j->before = jobs->last;
    j->next = NULL;
    *(jobs->last != NULL ? &jobs->last->next : &jobs->first) = j;
    jobs->last = j;
    jobs->n++;
}

static void take_out(struct jobs *jobs, struct file_job *j)
{
    *(j->before != NULL ? &j->before->next : &jobs->first) = j->next;
    *(j->next != NULL ? &j->next->before : &jobs->last) = j->before;
    jobs->n--;
}

static void cancel(struct file_job *j)
{
    j->is_cancelled = 1;
    linnet_stream_cancel(j->stream);
}

/* ---- the end of a job ---- */

static void destroy(struct file_job *j)
{
    if (atomic_fetch_sub(&j->n_holders, 1) > 1)
        return;
    serve_request_free(&j->request);
    mem_free(j);
}

/* Without the lock. */
static void end(struct file_job *j, int rc, const char *why, const struct linnet_stats *stats)
{
    struct files *f = j->line->files;
    pthread_mutex_lock(&f->lock);
    f->facts.audio_s += stats->audio_s;
    f->facts.compute_s += stats->features_s + stats->encoder_s + stats->decoder_s;
    f->facts.n_done += rc >= 0;
    f->facts.n_failed += rc < 0 && rc != LINNET_E_CANCELLED;
    pthread_mutex_unlock(&f->lock);
    close(j->fd);
    atomic_store(&j->has_ended, 1); /* nothing of it needs the line any more */
    j->sink.ended(j->sink.arg, rc, why, stats);
    j->sink.release(j->sink.arg);
    destroy(j);
}

static void end_cancelled(struct file_job *j)
{
    const struct linnet_stats none = {.size = sizeof none};
    end(j, LINNET_E_CANCELLED, "cancelled", &none);
}

/* ---- decoding ---- */

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct file_job *j = arg;
    return j->sink.event(j->sink.arg, e, msg);
}

static void take_fed(void *arg, double fed_s)
{
    struct file_job *j = arg;
    struct linnet_stats stats = {.size = sizeof stats};
    if (linnet_stream_stats(j->stream, &stats) >= 0)
        j->sink.fed(j->sink.arg, fed_s, stats.file_s);
}

/* Whether the recording may last so long; a file that tells its length is refused before anything is decoded. */
static int check_length(const struct file_job *j, double seconds, struct message *msg)
{
    double most_s = j->line->files->options.most_s;
    return most_s > 0 && seconds > most_s ? fail(msg, LINNET_E_ARGUMENT, "a recording may last %.0f s here", most_s)
                                          : LINNET_OK;
}

static int check_told_length(const struct file_job *j, linnet_stream *stream, struct message *msg)
{
    struct linnet_stats stats = {.size = sizeof stats};
    int rc = linnet_stream_stats(stream, &stats);
    return rc < 0 ? rc : check_length(j, stats.file_s, msg);
}

static int check_fed(void *arg, double fed_s, double compute_s, struct message *msg)
{
    (void)compute_s;
    return check_length(arg, fed_s, msg);
}

/* j->stream may be cancelled by others from here on, or no more. */
static void set_stream(struct file_job *j, linnet_stream *stream)
{
    pthread_mutex_lock(&j->line->files->lock);
    j->stream = stream;
    if (j->is_cancelled)
        linnet_stream_cancel(stream);
    pthread_mutex_unlock(&j->line->files->lock);
}

static int decode(struct file_job *j, struct linnet_stats *stats, struct message *msg)
{
    const struct decoding_sink sink = {.event = take_event, .fed = take_fed, .called = check_fed, .arg = j};
    struct file_stream *s;
    int rc = file_streams_take(j->line->streams, &s, &j->request, msg);
    if (rc < 0)
        return rc;
    struct decoding d = {.stream = s->stream};
    set_stream(j, s->stream);
    if (lseek(j->fd, 0, SEEK_SET) != 0)
        rc = fail(msg, LINNET_E_IO, NAME " cannot be read from its beginning");
    else if ((rc = stream_open_fd(s->stream, j->fd, NAME)) < 0)
        fail(msg, rc, "%s", linnet_stream_error(s->stream));
    else if ((rc = check_told_length(j, s->stream, msg)) >= 0 &&
             (rc = file_streams_enter(j->line->streams, s, msg)) >= 0)
        rc = decoding_run(&d, &sink, msg);
    int counted = linnet_stream_stats(s->stream, stats);
    set_stream(j, NULL);
    file_streams_put(j->line->streams, s);
    return rc < 0 ? rc : counted;
}

static void run(struct file_job *j)
{
    struct message msg = {""};
    struct linnet_stats stats = {.size = sizeof stats};
    struct line *l = j->line;
    double start_s = clock_s();
    int rc = decode(j, &stats, &msg);
    pthread_mutex_lock(&l->files->lock);
    take_out(&l->running, j);
    histogram_add(&l->files->facts.waited, start_s - j->came_s, 1);
    histogram_add(&l->files->facts.ran, clock_s() - start_s, 1);
    pthread_mutex_unlock(&l->files->lock);
    end(j, rc, msg.text, &stats);
}

static void *work(void *arg)
{
    struct line *l = arg;
    struct files *f = l->files;
    priority_lower();
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (l->waiting.n == 0 && !f->is_closing)
            pthread_cond_wait(&l->work, &f->lock);
        if (l->waiting.n == 0)
            break;
        struct file_job *j = l->waiting.first;
        take_out(&l->waiting, j);
        append(&l->running, j);
        j->waits = 0;
        pthread_mutex_unlock(&f->lock);
        run(j);
        pthread_mutex_lock(&f->lock);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- all lines ---- */

static int open_line(struct line *l, struct files *f, struct serve_model *model, struct message *msg)
{
    l->files = f;
    pthread_cond_init(&l->work, NULL);
    int rc = file_streams_open(&l->streams, model, msg);
    if (rc < 0)
        return rc;
    int n = file_streams_most(l->streams);
    l->threads = mem_array((size_t)n, sizeof *l->threads);
    if (l->threads == NULL)
        return fail_memory(msg);
    while (l->n_threads < n && pthread_create(&l->threads[l->n_threads], NULL, work, l) == 0)
        l->n_threads++;
    return l->n_threads > 0 ? LINNET_OK : fail(msg, LINNET_E_MEMORY, "no thread can be started");
}

static void close_line(struct line *l)
{
    if (l->files == NULL)
        return;
    for (int i = 0; i < l->n_threads; i++)
        pthread_join(l->threads[i], NULL);
    file_streams_close(l->streams);
    pthread_cond_destroy(&l->work);
    mem_free(l->threads);
}

int files_open(struct files **out, const struct files_options *o, const struct serve_models *models,
               struct message *msg)
{
    struct files *f = mem_array(1, sizeof *f);
    if (f == NULL)
        return fail_memory(msg);
    *f = (struct files){.options = *o, .models = models, .lines = mem_array((size_t)models->n, sizeof *f->lines)};
    pthread_mutex_init(&f->lock, NULL);
    int rc = f->lines == NULL ? fail_memory(msg) : LINNET_OK;
    for (int i = 0; i < models->n && rc >= 0; i++)
        rc = open_line(&f->lines[i], f, &models->at[i], msg);
    if (rc < 0)
        files_close(f);
    else
        *out = f;
    return rc;
}

/* Nothing is taken on any more.  Returns the first job that waits, of any line, or NULL. */
static struct file_job *close_lines(struct files *f)
{
    struct file_job *found = NULL;
    pthread_mutex_lock(&f->lock);
    f->is_closing = 1;
    for (int i = 0; f->lines != NULL && i < f->models->n && f->lines[i].files != NULL; i++) {
        struct line *l = &f->lines[i];
        for (struct file_job *j = l->running.first; j != NULL; j = j->next)
            cancel(j);
        if (found == NULL && (found = l->waiting.first) != NULL) {
            take_out(&l->waiting, found);
            found->waits = 0;
        }
        pthread_cond_broadcast(&l->work);
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

void files_close(struct files *f)
{
    if (f == NULL)
        return;
    for (struct file_job *j; (j = close_lines(f)) != NULL;)
        end_cancelled(j);
    for (int i = 0; f->lines != NULL && i < f->models->n; i++)
        close_line(&f->lines[i]);
    pthread_mutex_destroy(&f->lock);
    mem_free(f->lines);
    mem_free(f);
}

void files_facts(struct files *f, struct files_facts *facts)
{
    pthread_mutex_lock(&f->lock);
    *facts = f->facts;
    for (int i = 0; i < f->models->n; i++) {
        facts->n_waiting += f->lines[i].waiting.n;
        facts->n_running += f->lines[i].running.n;
    }
    pthread_mutex_unlock(&f->lock);
}

/* ---- the line ---- */

static int line_up(struct file_job *j, struct message *msg)
{
    struct files *f = j->line->files;
    int n_waiting = 0;
    pthread_mutex_lock(&f->lock);
    for (int i = 0; i < f->models->n; i++)
        n_waiting += f->lines[i].waiting.n;
    int is_full = f->is_closing || n_waiting >= f->options.most_waiting;
    if (is_full) {
        f->facts.n_refused++;
    } else {
        j->waits = 1;
        append(&j->line->waiting, j);
        pthread_cond_signal(&j->line->work);
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
        *j = (struct file_job){
            .line = &f->lines[r->model - f->models->at], .sink = *sink, .fd = fd, .came_s = clock_s()};
        atomic_init(&j->n_holders, 2);
        rc = serve_request_copy(&j->request, r, msg);
    }
    if (rc >= 0)
        rc = line_up(j, msg);
    if (rc < 0) {
        if (j != NULL)
            serve_request_free(&j->request);
        mem_free(j);
        close(fd);
        return rc;
    }
    *out = j;
    return LINNET_OK;
}

void files_let_go(struct file_job *j)
{
    struct line *l = j != NULL ? j->line : NULL;
    if (j == NULL)
        return;
    if (atomic_load(&j->has_ended)) {
        destroy(j);
        return;
    }
    pthread_mutex_lock(&l->files->lock);
    int waits = j->waits;
    if (waits)
        take_out(&l->waiting, j);
    j->waits = 0;
    cancel(j);
    pthread_mutex_unlock(&l->files->lock);
    if (waits)
        end_cancelled(j);
    destroy(j);
}
