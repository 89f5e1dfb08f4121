/* SPDX-License-Identifier: Apache-2.0
 * batch.c - a thread for each recording under way, or each window of one.
 *
 * A thread holds the lock but for when it decodes: there it takes it for what the decoder has to say.  Events of what
 * is not yet to be handed on are kept. */
#include "bin/batch.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/pool.h"
#include "decoders/common/events.h"
#include "decoders/common/model.h"
#include "decoders/common/options.h"
#include "frontend/audio_file.h"
#include "models/stream.h"

/* ---- opening ---- */

/* How many recordings at a time pay (doc/decisions.md has the measurements), and what their windows may take. */
enum { PAYS = 8, MOST_BYTES = 512 << 20 };

int batch_size(const struct decoding *d, const linnet_stream *s)
{
    if (!stream_can_batch(s) || d->batch > 0)
        return stream_can_batch(s) ? d->batch : 1;
    const struct linnet_model *m = d->model;
    size_t bytes = text_decoder_frame_bytes(m->left) * (size_t)encoder_frames(m->encoder, m->encoder->window);
    int most = MOST_BYTES / bytes > PAYS ? PAYS : (int)(MOST_BYTES / bytes);
    return most > 0 ? most : 1;
}

static int count(const struct batch_work *work, const struct decoding *d, int n_windows)
{
    int wanted = 1;
    if (n_windows > 1 && stream_can_batch(d->stream))
        wanted = batch_size(d, d->stream);
    else if (n_windows > 1 && !work->is_live) {
        wanted = pool_threads(d->model->pool);
        wanted = d->batch > 0 && d->batch < wanted ? d->batch : wanted;
        wanted = wanted < TEXT_BATCH_MOST ? wanted : TEXT_BATCH_MOST;
    }
    return wanted < n_windows ? wanted : n_windows;
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

/* Recordings that are longer than a window are cut only where that was asked for: the text may be another. */
static int find_windows(struct batch *b, const struct decoding *d, struct message *msg)
{
    const struct decoder_options *options = settings_of(&d->settings, &decoder_settings);
    int is_cut = d->batch > 1 && options->clip.n == 0 && stream_can_batch(d->stream), rc = LINNET_OK;
    const struct vad_options *vad = is_cut ? settings_of(stream_settings(d->stream), &vad_settings) : NULL;
    for (int i = 0; i < b->work->n && rc >= 0; i++) {
        struct batch_source source = {.path = ""};
        linnet_file_options_init(&source.part);
        int is_there = is_cut && b->work->find(b->work->arg, i, &source, NULL) >= 0;
        rc = windows_add(&b->windows, i, source.path, &source.part, is_there ? vad : NULL, msg);
    }
    return rc;
}

/* How long a recording is by what is known of it before it is decoded; what cannot be read takes no time. */
static double expected_s(const struct batch_work *work, const struct decoding *d, int recording)
{
    struct batch_source source = {.path = ""};
    struct audio_file *f = NULL;
    double length_s = 0;
    linnet_file_options_init(&source.part);
    if (work->find(work->arg, recording, &source, NULL) < 0)
        return 0;
    if (source.part.end_s > 0)
        return source.part.end_s - source.part.start_s;
    if (decoding_open_audio(d, &f, source.path, source.part.raw, NULL) >= 0)
        length_s = audio_file_duration_s(f) < 0 ? HUGE_VAL : audio_file_duration_s(f) - source.part.start_s;
    audio_file_close(f);
    return length_s;
}

static int put_longest_first(struct batch *b, const struct decoding *d, struct message *msg)
{
    double *length_s = mem_array((size_t)b->work->n, sizeof *length_s);
    if (length_s == NULL)
        return fail_memory(msg);
    for (int i = 0; i < b->work->n; i++)
        length_s[i] = expected_s(b->work, d, i);
    windows_sort(&b->windows, length_s);
    mem_free(length_s);
    return LINNET_OK;
}

/* What ends the program, or the terminal that it was started from; nohup has made that nothing to heed. */
static void catch_signals(linnet_stream *const *streams, int n)
{
    struct sigaction hangup;
    decoding_catch(SIGINT, streams, n);
    decoding_catch(SIGTERM, streams, n);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
        decoding_catch(SIGHUP, streams, n);
}

int batch_open(struct batch *b, const struct decoding *d, const struct decoding_options *options,
               const struct batch_work *work, struct message *msg)
{
    linnet_stream *streams[TEXT_BATCH_MOST];
    *b = (struct batch){.work = work, .at = {*d}, .n = 1};
    int rc = find_windows(b, d, msg), n = rc >= 0 ? count(work, d, b->windows.n) : 1;
    if (rc >= 0 && n > 1 && work->any_order)
        rc = put_longest_first(b, d, msg);
    while (b->n < n && rc >= 0)
        rc = open_another(b, d, options, msg);
    if (rc >= 0 && n > 1 && stream_can_batch(d->stream))
        rc = share_steps(b, d, n, msg);
    if (rc < 0)
        return rc;
    for (int i = 0; i < n; i++)
        streams[i] = b->at[i].stream;
    catch_signals(streams, n);
    return LINNET_OK;
}

void batch_close(struct batch *b)
{
    for (int i = 1; i < b->n; i++) /* the first is the caller's */
        linnet_stream_close(b->at[i].stream);
    text_batch_close(b->steps);
    windows_close(&b->windows);
}

/* ---- in order ---- */

/* A window that is decoded, or was and waits for those before it. */
struct item {
    struct run *run;
    int i;
    struct events later; /* that came before its turn */
    struct linnet_stats stats;
    int is_open, rc;
    struct message msg;
};

struct run {
    struct batch *b;
    pthread_mutex_t lock;
    struct item **items;                 /* [windows] NULL: not begun, handed on, or no memory */
    char *is_done;                       /* [windows] */
    int next, head;                      /* window that is begun next; whose results are handed on */
    int has_ended, is_begun, is_stopped; /* the head's recording; no others are wanted */
    struct batch_end end;                /* of the head's recording, so far */
    struct message msg;
};

static const struct window *window_of(const struct run *r, int i) { return &r->b->windows.at[i]; }

/* The head's recording has its file. */
static int begin(struct run *r, const struct linnet_stats *stats, struct message *msg)
{
    const struct batch_work *w = r->b->work;
    if (r->is_begun)
        return LINNET_OK;
    r->is_begun = 1;
    int rc = w->begin != NULL ? w->begin(w->arg, window_of(r, r->head)->recording, stats, msg) : LINNET_OK;
    r->end.is_open = rc >= 0;
    return rc;
}

/* A time of the window in its recording; the last time stamps of a window may lie behind it. */
static double time_of(const struct window *w, double time_s)
{
    return w->before_s + (w->length_s > 0 && time_s > w->length_s ? w->length_s : time_s);
}

/* An event of the head, with times of the recording. */
static int deliver(struct run *r, const linnet_event *event, struct message *msg)
{
    const struct window *w = window_of(r, r->head);
    linnet_event e = *event;
    struct linnet_window window;
    if (r->end.rc < 0)
        return LINNET_OK;
    struct linnet_word *words = mem_array((size_t)e.n_words, sizeof *words);
    if (words == NULL)
        return fail_memory(msg);
    e.start_s = time_of(w, e.start_s);
    e.end_s = time_of(w, e.end_s);
    for (int i = 0; i < e.n_words; i++) {
        words[i] = event->words[i];
        words[i].start_s = time_of(w, words[i].start_s);
        words[i].end_s = time_of(w, words[i].end_s);
    }
    e.words = words;
    if (event->window != NULL) {
        window = *event->window;
        window.start_s = time_of(w, window.start_s);
        e.window = &window;
    }
    int rc = r->b->work->event(r->b->work->arg, w->recording, &e, msg);
    mem_free(words);
    return rc;
}

/* Hands on what the head has. */
static int catch_up(struct item *m, struct message *msg)
{
    linnet_event e;
    int rc = begin(m->run, &m->stats, msg);
    while (rc >= 0 && (rc = events_pop(&m->later, &e)) > 0)
        rc = deliver(m->run, &e, msg);
    return rc;
}

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct item *m = arg;
    int rc;
    pthread_mutex_lock(&m->run->lock);
    if (m->i != m->run->head)
        rc = events_push(&m->later, e, msg);
    else if ((rc = catch_up(m, msg)) >= 0)
        rc = deliver(m->run, e, msg);
    pthread_mutex_unlock(&m->run->lock);
    return rc;
}

static void take_fed(void *arg, double fed_s)
{
    struct item *m = arg;
    const struct batch_work *w = m->run->b->work;
    const struct window *window = window_of(m->run, m->i);
    pthread_mutex_lock(&m->run->lock);
    if (m->i == m->run->head && w->fed != NULL)
        w->fed(w->arg, window->recording, window->before_s + fed_s);
    pthread_mutex_unlock(&m->run->lock);
}

static int take_call(void *arg, double fed_s, double compute_s, struct message *msg)
{
    const struct item *m = arg;
    const struct batch_work *w = m->run->b->work;
    pthread_mutex_lock(&m->run->lock);
    int rc = w->called != NULL ? w->called(w->arg, fed_s, compute_s, msg) : LINNET_OK;
    pthread_mutex_unlock(&m->run->lock);
    return rc;
}

static void take_warning(void *arg, const char *warning)
{
    struct item *m = arg;
    pthread_mutex_lock(&m->run->lock);
    decoding_warn(NULL, warning);
    pthread_mutex_unlock(&m->run->lock);
}

void batch_add_stats(struct linnet_stats *sum, const struct linnet_stats *s)
{
    sum->audio_s += s->audio_s;
    sum->features_s += s->features_s;
    sum->encoder_s += s->encoder_s;
    sum->decoder_s += s->decoder_s;
    sum->n_tokens += s->n_tokens;
    sum->n_fallbacks += s->n_fallbacks;
}

static void end_recording(struct run *r, int recording)
{
    r->end.msg = &r->msg;
    if (r->b->work->end(r->b->work->arg, recording, &r->end) < 0)
        r->is_stopped = 1;
    r->end = (struct batch_end){0};
    r->is_begun = 0;
}

static void hand_on(struct run *r, struct item *m)
{
    struct message *msg = r->end.rc < 0 ? NULL : &r->msg;
    const struct window *w = window_of(r, r->head);
    int rc = m == NULL ? fail_memory(msg) : m->is_open ? catch_up(m, msg) : LINNET_OK;
    if (m != NULL) {
        if (m->rc < 0)
            rc = fail(msg, m->rc, "%s", m->msg.text);
        batch_add_stats(&r->end.stats, &m->stats);
        events_clear(&m->later);
    }
    mem_free(m);
    r->end.rc = r->end.rc < 0 ? r->end.rc : rc < 0 ? rc : LINNET_OK;
    r->items[r->head] = NULL;
    if (w->is_last)
        end_recording(r, w->recording);
    r->head++;
}

/* ---- running ---- */

static int decode(struct item *m, struct decoding *d)
{
    const struct batch_work *w = m->run->b->work;
    const struct window *window = window_of(m->run, m->i);
    struct decoding_sink sink = {
        .event = take_event, .fed = take_fed, .called = take_call, .warn = take_warning, .arg = m};
    struct batch_source source = {.path = ""};
    linnet_file_options_init(&source.part);
    int rc = w->find(w->arg, window->recording, &source, &m->msg);
    if (rc < 0)
        return rc;
    if (window->length_s > 0) {
        source.part.start_s = window->start_s;
        source.part.end_s = window->end_s;
    }
    if ((rc = decoding_open_file(d, source.path, &source.part, &m->msg)) < 0 ||
        (rc = linnet_stream_stats(d->stream, &m->stats)) < 0)
        return rc;
    pthread_mutex_lock(&m->run->lock);
    m->is_open = 1;
    rc = m->i == m->run->head ? begin(m->run, &m->stats, &m->msg) : LINNET_OK;
    pthread_mutex_unlock(&m->run->lock);
    if (rc >= 0)
        rc = decoding_run(d, &sink, &m->msg);
    int end = linnet_stream_stats(d->stream, &m->stats);
    return rc < 0 ? rc : end;
}

struct worker {
    struct run *run;
    struct decoding *d;
    pthread_t thread;
};

/* Decodes windows as long as there are any; the lock is held before and after. */
static void decode_windows(struct worker *w)
{
    struct run *r = w->run;
    while (r->next < r->b->windows.n && !r->is_stopped && decoding_signal() == 0) {
        int i = r->next++;
        struct item *m = r->items[i] = mem_array(1, sizeof *m);
        if (m != NULL) {
            *m = (struct item){.run = r, .i = i, .stats.size = sizeof m->stats};
            pthread_mutex_unlock(&r->lock);
            int rc = decode(m, w->d);
            pthread_mutex_lock(&r->lock);
            m->rc = rc;
        }
        r->is_done[i] = 1;
        while (r->head < r->b->windows.n && r->is_done[r->head])
            hand_on(r, r->items[r->head]);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct text_batch *steps = w->run->b->steps;
    if (steps != NULL)
        text_batch_enter(steps);
    else
        pool_alone(w->run->b->n > 1);
    pthread_mutex_lock(&w->run->lock);
    decode_windows(w);
    pthread_mutex_unlock(&w->run->lock);
    if (steps != NULL)
        text_batch_leave(steps);
    pool_alone(0);
    return NULL;
}

/* The calling thread is one of them; where others cannot be started there are fewer. */
static void run_threads(struct run *r)
{
    struct worker workers[TEXT_BATCH_MOST];
    int n = 1;
    for (int i = 0; i < r->b->n; i++)
        workers[i] = (struct worker){.run = r, .d = &r->b->at[i]};
    while (n < r->b->n && pthread_create(&workers[n].thread, NULL, work, &workers[n]) == 0)
        n++;
    work(&workers[0]);
    for (int i = 1; i < n; i++)
        pthread_join(workers[i].thread, NULL);
}

int batch_run(struct batch *b, struct message *msg)
{
    size_t n = (size_t)b->windows.n;
    struct run r = {.b = b};
    void *block = MEM_PARTS(MEM_PART(r.items, n + 1), MEM_PART(r.is_done, n + 1));
    if (block == NULL)
        return fail_memory(msg);
    pthread_mutex_init(&r.lock, NULL);
    run_threads(&r);
    pthread_mutex_destroy(&r.lock);
    if (r.is_begun || r.end.rc < 0) { /* a signal came between two of its windows */
        r.end.rc = r.end.rc < 0 ? r.end.rc : fail(&r.msg, LINNET_E_CANCELLED, "cancelled");
        end_recording(&r, window_of(&r, r.head)->recording);
    }
    mem_free(block);
    return LINNET_OK;
}
