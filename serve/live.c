/* SPDX-License-Identifier: Apache-2.0
 * live.c - one lock for the line of streams and what waits in them; decoding is done outside of it. */
#include "serve/live.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Audio that came, or the end of a recording. */
struct block {
    struct block *next;
    size_t n, at; /* samples, and how many of them are decoded */
    int is_end;
    float samples[];
};

struct live {
    struct live_scheduler *scheduler;
    struct live_sink sink;
    struct serve_model *model;
    linnet_stream *stream;
    int rate_hz;
    struct live *next;           /* in the line */
    struct block *first, *last;  /* to be decoded */
    size_t n_waiting;            /* samples */
    double fed_s;                /* of the recording, what came */
    double second_s, computed_s; /* audio and computation of the present second, for the model's cost */
    int is_in_line, is_running, is_closed, is_failed, is_full;
};

struct live_scheduler {
    struct live_options options;
    const struct serve_models *models;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct live *first, *last; /* the line */
    struct live_facts facts;
    pthread_t *threads;
    int n_threads, is_closing;
};

enum { SLICE_PER_S = 2 /* of a second's audio, what is decoded before others have their turn */ };

/* ---- a stream ---- */

static void drop_blocks(struct live *l)
{
    for (struct block *b = l->first, *next; b != NULL; b = next) {
        next = b->next;
        mem_free(b);
    }
    l->first = l->last = NULL;
    l->n_waiting = 0;
}

/* Nobody uses it any more.  Without the lock. */
static void destroy(struct live *l)
{
    drop_blocks(l);
    linnet_stream_close(l->stream);
    l->sink.release(l->sink.arg);
    mem_free(l);
}

static void line_up(struct live *l)
{
    struct live_scheduler *s = l->scheduler;
    if (l->is_in_line || l->is_running || l->is_failed || l->first == NULL || l->sink.is_blocked(l->sink.arg))
        return;
    l->is_in_line = 1;
    l->next = NULL;
    *(s->last != NULL ? &s->last->next : &s->first) = l;
    s->last = l;
    pthread_cond_signal(&s->work);
}

static struct live *take_from_line(struct live_scheduler *s)
{
    struct live *l = s->first;
    s->first = l->next;
    s->last = s->first != NULL ? s->last : NULL;
    l->is_in_line = 0;
    l->is_running = 1;
    return l;
}

static void remove_from_line(struct live *l)
{
    struct live_scheduler *s = l->scheduler;
    struct live **at = &s->first, *before = NULL;
    for (; *at != NULL && *at != l; before = *at, at = &(*at)->next)
        ;
    if (*at != NULL) {
        *at = l->next;
        s->last = s->last == l ? before : s->last;
    }
    l->is_in_line = 0;
}

/* ---- decoding ---- */

static int take_events(struct live *l, struct message *msg)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(l->stream, &e)) > 0)
        if ((rc = l->sink.event(l->sink.arg, &e, msg)) < 0)
            return rc;
    return rc;
}

/* Decodes n samples of the block, or what its end leaves. */
static int decode(struct live *l, const struct block *b, size_t n, struct message *msg)
{
    int rc = n > 0 ? linnet_stream_feed(l->stream, b->samples + b->at, n) : LINNET_OK;
    if (rc >= 0 && b->is_end)
        rc = linnet_stream_finish(l->stream);
    if (rc < 0)
        return fail(msg, rc, "%s", linnet_stream_error(l->stream));
    rc = take_events(l, msg);
    if (rc >= 0 && b->is_end && (rc = linnet_stream_reset(l->stream)) < 0)
        fail(msg, rc, "%s", linnet_stream_error(l->stream));
    return rc;
}

/* Audio was decoded: with the lock. */
static void count(struct live *l, double audio_s, double compute_s)
{
    struct live_scheduler *s = l->scheduler;
    s->facts.audio_s += audio_s;
    s->facts.compute_s += compute_s;
    l->second_s += audio_s;
    l->computed_s += compute_s;
    if (l->second_s >= 1) {
        cost_add(&l->model->cost, l->computed_s / l->second_s);
        l->second_s = l->computed_s = 0;
    }
}

/* Decodes the next of what waits in a stream.  Has the lock, and lets go of it meanwhile. */
static void run_slice(struct live *l)
{
    struct live_scheduler *s = l->scheduler;
    struct block *b = l->first;
    size_t n = b->n - b->at, most = (size_t)l->rate_hz / SLICE_PER_S;
    struct message msg = {""};
    int is_drained = 0;
    n = n < most ? n : most;
    pthread_mutex_unlock(&s->lock);
    double start_s = clock_s();
    int rc = decode(l, b, n, &msg);
    double compute_s = clock_s() - start_s;
    pthread_mutex_lock(&s->lock);
    count(l, (double)n / l->rate_hz, compute_s);
    b->at += n;
    l->n_waiting -= n;
    if (b->at == b->n) {
        l->first = b->next;
        l->last = l->first != NULL ? l->last : NULL;
        mem_free(b);
    }
    if (rc < 0) {
        l->is_failed = 1;
        s->facts.n_failed += !l->is_closed;
    }
    if (l->is_full && (double)l->n_waiting < s->options.backlog_s / 2 * l->rate_hz)
        is_drained = 1, l->is_full = 0;
    int is_closed = l->is_closed;
    pthread_mutex_unlock(&s->lock);
    if (rc < 0 && !is_closed)
        l->sink.failed(l->sink.arg, rc, msg.text);
    else if (is_drained && !is_closed)
        l->sink.drained(l->sink.arg);
    pthread_mutex_lock(&s->lock);
}

static void *work(void *arg)
{
    struct live_scheduler *s = arg;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->first == NULL && !s->is_closing)
            pthread_cond_wait(&s->work, &s->lock);
        if (s->first == NULL)
            break;
        struct live *l = take_from_line(s);
        run_slice(l);
        l->is_running = 0;
        if (l->is_closed) {
            pthread_mutex_unlock(&s->lock);
            destroy(l);
            pthread_mutex_lock(&s->lock);
        } else {
            line_up(l);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the scheduler ---- */

int live_scheduler_open(struct live_scheduler **out, const struct live_options *o, const struct serve_models *models,
                        struct message *msg)
{
    struct live_scheduler *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    s->options = *o;
    s->models = models;
    s->threads = mem_array((size_t)o->n_threads, sizeof *s->threads);
    if (s->threads == NULL) {
        mem_free(s);
        return fail_memory(msg);
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    while (s->n_threads < o->n_threads && pthread_create(&s->threads[s->n_threads], NULL, work, s) == 0)
        s->n_threads++;
    if (s->n_threads == 0) {
        live_scheduler_close(s);
        return fail(msg, LINNET_E_MEMORY, "no thread can be started");
    }
    *out = s;
    return LINNET_OK;
}

void live_scheduler_close(struct live_scheduler *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->is_closing = 1;
    pthread_cond_broadcast(&s->work);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->n_threads; i++)
        pthread_join(s->threads[i], NULL);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    mem_free(s->threads);
    mem_free(s);
}

/* What busy seconds of all streams take together. */
static double busy_s(const struct live_scheduler *s)
{
    double sum = 0;
    for (int i = 0; i < s->models->n; i++)
        sum += s->models->at[i].n_live * cost_busy(&s->models->at[i].cost);
    return sum;
}

void live_scheduler_facts(struct live_scheduler *s, struct live_facts *facts)
{
    pthread_mutex_lock(&s->lock);
    *facts = s->facts;
    facts->busy = busy_s(s) / (s->options.share * s->n_threads);
    pthread_mutex_unlock(&s->lock);
}

/* ---- taking on ---- */

/* Whether another stream of the model fits; with the lock. */
static int has_room(const struct live_scheduler *s, const struct serve_model *model)
{
    const struct live_options *o = &s->options;
    if (o->max_streams > 0)
        return s->facts.n_streams < o->max_streams;
    return s->facts.n_streams == 0 || busy_s(s) + cost_busy(&model->cost) <= o->share * s->n_threads;
}

static int reserve(struct live_scheduler *s, struct serve_model *model, struct message *msg)
{
    pthread_mutex_lock(&s->lock);
    int has = has_room(s, model);
    s->facts.n_started += (unsigned long)has;
    s->facts.n_refused += (unsigned long)!has;
    s->facts.n_streams += has;
    model->n_live += has;
    pthread_mutex_unlock(&s->lock);
    return has ? LINNET_OK : fail(msg, LINNET_E_BUSY, "all of the processor is taken: try again later");
}

static void release(struct live_scheduler *s, struct serve_model *model)
{
    pthread_mutex_lock(&s->lock);
    s->facts.n_streams--;
    model->n_live--;
    pthread_mutex_unlock(&s->lock);
}

int live_open(struct live **out, struct live_scheduler *s, const struct serve_request *r, const struct live_sink *sink,
              struct message *msg)
{
    int rc = reserve(s, r->model, msg);
    if (rc < 0)
        return rc;
    struct live *l = mem_array(1, sizeof *l);
    if (l == NULL) {
        rc = fail_memory(msg);
    } else {
        *l = (struct live){.scheduler = s, .sink = *sink, .model = r->model, .rate_hz = r->sample_rate_hz};
        rc = serve_models_open_stream(&l->stream, r, 1, msg);
    }
    if (rc < 0) {
        mem_free(l);
        release(s, r->model);
        return rc;
    }
    *out = l;
    return LINNET_OK;
}

void live_close(struct live *l)
{
    if (l == NULL)
        return;
    struct live_scheduler *s = l->scheduler;
    linnet_stream_cancel(l->stream);
    pthread_mutex_lock(&s->lock);
    l->is_closed = 1;
    remove_from_line(l);
    int is_running = l->is_running;
    pthread_mutex_unlock(&s->lock);
    release(s, l->model);
    if (!is_running)
        destroy(l);
}

/* ---- audio ---- */

static int put(struct live *l, const float *samples, size_t n, int is_end, struct message *msg)
{
    struct live_scheduler *s = l->scheduler;
    struct block *b = mem_array(1, sizeof *b + n * sizeof *samples);
    if (b == NULL)
        return fail_memory(msg);
    b->n = n;
    b->is_end = is_end;
    if (n > 0)
        memcpy(b->samples, samples, n * sizeof *samples);
    pthread_mutex_lock(&s->lock);
    *(l->last != NULL ? &l->last->next : &l->first) = b;
    l->last = b;
    l->n_waiting += n;
    l->is_full |= (double)l->n_waiting > s->options.backlog_s * l->rate_hz;
    int is_full = l->is_full;
    line_up(l);
    pthread_mutex_unlock(&s->lock);
    return is_full;
}

int live_feed(struct live *l, const float *samples, size_t n, struct message *msg)
{
    double most_s = l->scheduler->options.stream_s;
    l->fed_s += (double)n / l->rate_hz;
    if (most_s > 0 && l->fed_s > most_s)
        return fail(msg, LINNET_E_ARGUMENT, "a recording may last %.0f s here", most_s);
    return put(l, samples, n, 0, msg);
}

int live_finish(struct live *l, struct message *msg)
{
    l->fed_s = 0;
    return put(l, NULL, 0, 1, msg);
}

void live_wake(struct live *l)
{
    pthread_mutex_lock(&l->scheduler->lock);
    line_up(l);
    pthread_mutex_unlock(&l->scheduler->lock);
}

int live_is_full(struct live *l)
{
    pthread_mutex_lock(&l->scheduler->lock);
    int is_full = l->is_full;
    pthread_mutex_unlock(&l->scheduler->lock);
    return is_full;
}
