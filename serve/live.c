/* SPDX-License-Identifier: Apache-2.0
 * live.c - one lock for the line of streams and what waits in them; decoding is done outside of it. */
#include "serve/live.h"

#include <math.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "serve/backlog.h"

/* Seconds of audio whose computation is counted together, for the model's cost. */
struct second {
    double audio_s, compute_s;
    int is_speech; /* words were told, or an utterance was open */
};

struct live {
    struct live_scheduler *scheduler;
    struct live_sink sink;
    struct serve_model *model;
    linnet_stream *stream;
    int rate_hz;
    struct live *next;      /* in the line */
    struct backlog waiting; /* audio to be decoded */
    double turn_s;          /* clock: its place in the line, when its next audio came */
    double spoken_s;        /* clock: when what was decoded would have been spoken, had nothing come too fast */
    double fed_s;           /* of the recording, what came */
    double backlog_s;       /* of audio */
    struct second second;
    int is_open;  /* the utterance */
    int is_whole; /* its seconds say nothing about those of other streams */
    int is_in_line, is_running, is_closed, is_failed, is_full;
};

struct live_scheduler {
    struct live_options options;
    const struct serve_models *models;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct live *first; /* the line, by turns */
    struct live_facts facts;
    pthread_t *threads;
    int n_threads, is_closing;
};

enum {
    PIECES_PER_S = 2,       /* of a second's audio, what is decoded before others have their turn */
    MOST_WAITING = 2 << 20, /* samples, whatever the rate */
};

#define HASTE                                                                                                          \
    1.1 /* times its speed, at which audio still comes in its time: clocks differ, and networks make up leeway */

/* ---- the line, with the lock ---- */

/* Nobody uses it any more.  Without the lock. */
static void destroy(struct live *l)
{
    backlog_clear(&l->waiting);
    linnet_stream_close(l->stream);
    l->sink.release(l->sink.arg);
    mem_free(l);
}

static void line_up(struct live *l)
{
    struct live_scheduler *s = l->scheduler;
    struct backlog_piece piece;
    if (l->is_in_line || l->is_running || l->is_failed || !backlog_peek(&l->waiting, 1, &piece) ||
        l->sink.is_blocked(l->sink.arg))
        return;
    struct live **at = &s->first;
    l->turn_s = fmax(piece.came_s, l->spoken_s);
    while (*at != NULL && (*at)->turn_s <= l->turn_s)
        at = &(*at)->next;
    l->next = *at;
    *at = l;
    l->is_in_line = 1;
    pthread_cond_signal(&s->work);
}

static struct live *take_from_line(struct live_scheduler *s)
{
    struct live *l = s->first;
    s->first = l->next;
    l->is_in_line = 0;
    l->is_running = 1;
    return l;
}

static void remove_from_line(struct live *l)
{
    struct live **at = &l->scheduler->first;
    while (*at != NULL && *at != l)
        at = &(*at)->next;
    if (*at != NULL)
        *at = l->next;
    l->is_in_line = 0;
}

/* Whether more waits than a share of what may. */
static int is_above(const struct live *l, double share)
{
    double most = l->scheduler->options.backlog_s * l->rate_hz;
    return (double)l->waiting.n_waiting > share * fmin(most, MOST_WAITING);
}

/* ---- decoding ---- */

/* What a thread does in one turn of a stream. */
struct turn {
    struct backlog_piece piece;
    int is_alone; /* the thread has used no other */
    int n_partials, n_finals, is_open;
    double compute_s;
};

static int take_events(struct live *l, struct turn *t, struct message *msg)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(l->stream, &e)) > 0) {
        t->n_partials += e.type == LINNET_EVENT_PARTIAL;
        t->n_finals += e.type == LINNET_EVENT_FINAL;
        t->is_open = e.type == LINNET_EVENT_PARTIAL;
        if ((rc = l->sink.event(l->sink.arg, &e, msg)) < 0)
            return rc;
    }
    return rc;
}

/* Decodes the piece, or what an end leaves. */
static int decode(struct live *l, struct turn *t, struct message *msg)
{
    const struct backlog_piece *p = &t->piece;
    int rc = p->is_end ? linnet_stream_finish(l->stream) : linnet_stream_feed(l->stream, p->samples, p->n);
    if (rc < 0)
        return fail(msg, rc, "%s", linnet_stream_error(l->stream));
    rc = take_events(l, t, msg);
    if (rc >= 0 && p->is_end && (rc = linnet_stream_reset(l->stream)) < 0)
        fail(msg, rc, "%s", linnet_stream_error(l->stream));
    return rc;
}

/* For the model's cost.  A thread that was helped by others does not know what they took. */
static void count_second(struct live *l, const struct turn *t, double audio_s)
{
    struct second *s = &l->second;
    s->audio_s += audio_s;
    s->compute_s += t->compute_s;
    s->is_speech |= t->n_partials + t->n_finals > 0 || l->is_open;
    l->is_open = t->is_open;
    if (s->audio_s < 1 && !t->piece.is_end)
        return;
    if (s->is_speech && t->is_alone && !l->is_whole)
        cost_add(&l->model->cost, s->compute_s / fmax(s->audio_s, 1));
    *s = (struct second){0};
}

/* Audio came, or does not wait any more. */
static void add_backlog(struct live *l, double audio_s)
{
    l->backlog_s += audio_s;
    l->scheduler->facts.backlog_s += audio_s;
}

/* A piece was decoded: with the lock. */
static void count(struct live *l, const struct turn *t, double now_s)
{
    struct live_facts *f = &l->scheduler->facts;
    double audio_s = (double)t->piece.n / l->rate_hz, waited_s = now_s - t->piece.came_s;
    f->audio_s += audio_s;
    f->compute_s += t->compute_s;
    if (!l->is_closed)
        add_backlog(l, -audio_s);
    histogram_add(&f->partials, waited_s, t->n_partials);
    histogram_add(&f->finals, waited_s, t->n_finals);
    count_second(l, t, audio_s);
    l->spoken_s = l->turn_s + audio_s / HASTE;
}

/* Decodes the next of what waits in a stream.  Has the lock, and lets go of it meanwhile. */
static void run_turn(struct live *l)
{
    struct live_scheduler *s = l->scheduler;
    struct turn t = {.is_alone = s->facts.n_streams > 1, .is_open = l->is_open};
    struct message msg = {""};
    int is_drained = 0;
    backlog_peek(&l->waiting, (size_t)(l->rate_hz / PIECES_PER_S), &t.piece);
    pthread_mutex_unlock(&s->lock);
    pool_alone(t.is_alone);
    double start_s = clock_thread_s();
    int rc = decode(l, &t, &msg);
    t.compute_s = clock_thread_s() - start_s;
    pthread_mutex_lock(&s->lock);
    count(l, &t, clock_s());
    backlog_take(&l->waiting, &t.piece);
    if (rc < 0) {
        l->is_failed = 1;
        s->facts.n_failed += !l->is_closed;
    }
    if (l->is_full && !is_above(l, 0.5))
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
        run_turn(l);
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

/* What a second takes in which all streams speak, and one more of the model (NULL: none). */
static double busy_s(const struct live_scheduler *s, const struct serve_model *more)
{
    struct cost_sum sum = {0};
    for (int i = 0; i < s->models->n; i++) {
        const struct serve_model *m = &s->models->at[i];
        cost_sum_add(&sum, &m->cost, m->n_live + (m == more));
    }
    return cost_sum_busy(&sum);
}

void live_scheduler_facts(struct live_scheduler *s, struct live_facts *facts)
{
    pthread_mutex_lock(&s->lock);
    *facts = s->facts;
    facts->busy = busy_s(s, NULL) / (s->options.share * s->n_threads);
    pthread_mutex_unlock(&s->lock);
}

/* ---- taking on ---- */

/* Whether those who were taken on wait too long. */
static int is_late(const struct live_scheduler *s)
{
    return s->options.late_s > 0 && s->first != NULL && clock_s() - s->first->turn_s > s->options.late_s;
}

/* Whether another stream of the model fits; with the lock.  The first is taken whatever it costs: nobody suffers. */
static int has_room(const struct live_scheduler *s, const struct serve_model *model)
{
    const struct live_options *o = &s->options;
    if (o->max_streams > 0)
        return s->facts.n_streams < o->max_streams;
    return s->facts.n_streams == 0 || (!is_late(s) && busy_s(s, model) <= o->share * s->n_threads);
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
    return has ? LINNET_OK
               : fail(msg, LINNET_E_BUSY, "as many streams are open as can be served in time: try again later");
}

/* With the lock. */
static void release(struct live_scheduler *s, struct serve_model *model)
{
    s->facts.n_streams--;
    model->n_live--;
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
        *l = (struct live){
            .scheduler = s, .sink = *sink, .model = r->model, .rate_hz = r->sample_rate_hz, .is_whole = r->is_whole};
        rc = serve_models_open_stream(&l->stream, r, !r->is_whole, msg);
    }
    if (rc < 0) {
        mem_free(l);
        pthread_mutex_lock(&s->lock);
        release(s, r->model);
        s->facts.n_started--;
        pthread_mutex_unlock(&s->lock);
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
    pthread_mutex_lock(&s->lock);
    l->is_closed = 1; /* before it is cancelled, which is no failure */
    linnet_stream_cancel(l->stream);
    remove_from_line(l);
    release(s, l->model);
    add_backlog(l, -l->backlog_s);
    int is_running = l->is_running; /* then the thread that runs it destroys it, as soon as it has the lock */
    pthread_mutex_unlock(&s->lock);
    if (!is_running)
        destroy(l);
}

const char *live_decoder(const struct live *l) { return serve_models_decoder(l->model, l->stream); }

/* ---- audio ---- */

/* Samples, or an end where there are none. */
static int put(struct live *l, const float *samples, size_t n, struct message *msg)
{
    struct live_scheduler *s = l->scheduler;
    pthread_mutex_lock(&s->lock);
    int rc = l->is_failed ? LINNET_OK : backlog_add(&l->waiting, samples, n, clock_s(), msg);
    if (rc >= 0 && !l->is_failed) {
        add_backlog(l, (double)n / l->rate_hz);
        l->is_full |= is_above(l, 1);
        line_up(l);
    }
    int is_full = l->is_full;
    pthread_mutex_unlock(&s->lock);
    return rc < 0 ? rc : is_full;
}

int live_feed(struct live *l, const float *samples, size_t n, struct message *msg)
{
    double most_s = l->scheduler->options.stream_s;
    l->fed_s += (double)n / l->rate_hz;
    if (most_s > 0 && l->fed_s > most_s)
        return fail(msg, LINNET_E_ARGUMENT, "a recording may last %.0f s here", most_s);
    return n > 0 ? put(l, samples, n, msg) : live_is_full(l);
}

int live_finish(struct live *l, struct message *msg)
{
    l->fed_s = 0;
    return put(l, NULL, 0, msg);
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

int live_is_busy(struct live *l)
{
    pthread_mutex_lock(&l->scheduler->lock);
    int is_busy = l->is_running || l->waiting.n_waiting > 0;
    pthread_mutex_unlock(&l->scheduler->lock);
    return is_busy;
}
