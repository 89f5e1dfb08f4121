/* SPDX-License-Identifier: Apache-2.0
 * test_live.c - the scheduler of live streams, on a tiny random model: what streams say, whom it takes on, in which
 * order it decodes, and that they may end at any moment. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "serve/live.h"
#include "serve/rehearsal.h"
#include "tests/support/tiny_stream.h"

/* ---- a listener: what a stream tells goes into `text` ---- */

struct listener {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buffer text;
    int n_events, n_ends, n_failed, code, n_drained, n_released, is_telling;
    int is_blocked; /* what is asked */
    int fails_at;   /* event, counted from 1; 0: none */
    int is_held;    /* the first event does not return meanwhile */
};

static void enter(struct listener *l)
{
    pthread_mutex_lock(&l->lock);
    CU_ASSERT_EQUAL(l->is_telling++, 0); /* never two at once */
    CU_ASSERT_EQUAL(l->n_released, 0);
}

static void leave(struct listener *l)
{
    l->is_telling--;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct listener *l = arg;
    enter(l);
    CU_ASSERT_EQUAL(l->n_failed, 0);
    int is_bad = ++l->n_events == l->fails_at || event_dump(&l->text, e) < 0;
    l->n_ends += e->type == LINNET_EVENT_END;
    pthread_cond_broadcast(&l->changed);
    while (l->is_held)
        pthread_cond_wait(&l->changed, &l->lock);
    leave(l);
    return is_bad ? fail(msg, LINNET_E_IO, "no more") : LINNET_OK;
}

static void take_failure(void *arg, int code, const char *why)
{
    struct listener *l = arg;
    enter(l);
    l->n_failed++;
    l->code = code;
    CU_ASSERT_TRUE(why[0] != '\0');
    leave(l);
}

static void take_drained(void *arg)
{
    struct listener *l = arg;
    enter(l);
    l->n_drained++;
    leave(l);
}

static int is_blocked(void *arg)
{
    struct listener *l = arg;
    pthread_mutex_lock(&l->lock);
    int blocked = l->is_blocked;
    pthread_mutex_unlock(&l->lock);
    return blocked;
}

static void take_release(void *arg)
{
    struct listener *l = arg;
    enter(l);
    l->n_released++;
    leave(l);
}

static void listener_open(struct listener *l)
{
    *l = (struct listener){.code = 0};
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
}

static void wait_for(struct listener *l, const int *counter, int n)
{
    pthread_mutex_lock(&l->lock);
    while (*counter < n)
        pthread_cond_wait(&l->changed, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void set(struct listener *l, int *what, int value)
{
    pthread_mutex_lock(&l->lock);
    *what = value;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void listener_close(struct listener *l)
{
    wait_for(l, &l->n_released, 1);
    buffer_free(&l->text);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
}

/* ---- what all tests have ---- */

static struct serve_models models;
static struct live_scheduler *scheduler;
static char *expected_sound, *expected_other; /* what plain streams say of SHORT samples */

static void open_scheduler(struct live_options o)
{
    struct message msg = {""};
    o.n_threads = o.n_threads > 0 ? o.n_threads : 2;
    o.backlog_s = o.backlog_s > 0 ? o.backlog_s : 100;
    o.share = o.share > 0 ? o.share : 0.8;
    CU_ASSERT_EQUAL_FATAL(live_scheduler_open(&scheduler, &o, &models, &msg), 0);
}

static int try_live(struct live **out, struct listener *l)
{
    struct message msg = {""};
    const struct serve_request r = {.model = &models.at[0], .sample_rate_hz = 16000, .word_times = 1};
    const struct live_sink sink = {take_event, take_failure, take_drained, is_blocked, take_release, l};
    return live_open(out, scheduler, &r, &sink, &msg);
}

static struct live *open_live(struct listener *l)
{
    struct live *live = NULL;
    listener_open(l);
    CU_ASSERT_EQUAL_FATAL(try_live(&live, l), 0);
    return live;
}

static int feed(struct live *l, const float *samples, size_t n, size_t piece)
{
    int rc = 0;
    for (size_t at = 0; at < n && rc >= 0; at += piece)
        rc = live_feed(l, samples + at, n - at < piece ? n - at : piece, NULL);
    return rc;
}

static char *expect(const float *samples)
{
    const struct serve_request r = {.model = &models.at[0], .sample_rate_hz = 16000, .word_times = 1};
    struct message msg = {""};
    struct buffer out = {0};
    linnet_stream *s = NULL;
    CU_ASSERT_EQUAL_FATAL(serve_models_open_stream(&s, &r, 1, &msg), 0);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, samples, SHORT, 1600), 0);
    linnet_stream_close(s);
    CU_ASSERT_TRUE(out.n > 200);
    char *text = strdup(buffer_text(&out));
    buffer_free(&out);
    return text;
}

/* ---- streams ---- */

struct speaker {
    pthread_t thread;
    size_t piece;
};

static void *speak(void *arg)
{
    const struct speaker *s = arg;
    struct listener a, b;
    struct live *one = open_live(&a), *two = open_live(&b);
    CU_ASSERT_TRUE(feed(one, sound, SHORT, s->piece) >= 0);
    CU_ASSERT_TRUE(feed(two, other, SHORT, s->piece + 1) >= 0);
    CU_ASSERT_TRUE(live_finish(one, NULL) >= 0 && live_finish(two, NULL) >= 0);
    CU_ASSERT_TRUE(feed(one, other, SHORT, SHORT) >= 0); /* another recording */
    CU_ASSERT_TRUE(live_finish(one, NULL) >= 0);
    wait_for(&a, &a.n_ends, 2);
    wait_for(&b, &b.n_ends, 1);
    live_close(one);
    live_close(two);
    size_t n = strlen(expected_sound);
    CU_ASSERT_EQUAL(strncmp(buffer_text(&a.text), expected_sound, n), 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&a.text) + n, expected_other);
    CU_ASSERT_STRING_EQUAL(buffer_text(&b.text), expected_other);
    listener_close(&a);
    listener_close(&b);
    return NULL;
}

static void many_streams(void)
{
    struct speaker speakers[] = {{.piece = 7}, {.piece = 160}, {.piece = 4000}};
    struct live_facts facts;
    open_scheduler((struct live_options){.max_streams = 100});
    for (size_t i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&speakers[i].thread, NULL, speak, &speakers[i]), 0);
    for (size_t i = 0; i < 3; i++)
        pthread_join(speakers[i].thread, NULL);
    live_scheduler_facts(scheduler, &facts);
    CU_ASSERT_EQUAL(facts.n_started, 6);
    CU_ASSERT_EQUAL(facts.n_streams, 0);
    CU_ASSERT_DOUBLE_EQUAL(facts.audio_s, 9.0 * SHORT / 16000, 1e-6);
    CU_ASSERT_DOUBLE_EQUAL(facts.backlog_s, 0, 1e-6);
    unsigned long n_finals = 0;
    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++)
        n_finals += facts.finals.counts[i];
    CU_ASSERT_TRUE(n_finals >= 9 && facts.finals.sum_s > 0);
    live_scheduler_close(scheduler);
}

static void closed_any_time(void)
{
    struct live_facts facts;
    open_scheduler((struct live_options){.max_streams = 100});
    for (int i = 0; i < 24; i++) {
        struct listener a;
        struct live *live = open_live(&a);
        CU_ASSERT_TRUE(feed(live, sound, SHORT / 3, 800) >= 0);
        if (i % 3 == 0)
            CU_ASSERT_TRUE(live_finish(live, NULL) >= 0);
        if (i % 6 == 3)
            wait_for(&a, &a.n_events, 1);
        live_close(live);
        listener_close(&a); /* released once, and nothing is told after that */
    }
    live_scheduler_facts(scheduler, &facts);
    CU_ASSERT_EQUAL(facts.n_streams, 0);
    CU_ASSERT_EQUAL(facts.n_failed, 0);
    CU_ASSERT_DOUBLE_EQUAL(facts.backlog_s, 0, 1e-6);
    live_scheduler_close(scheduler);
}

/* Whose client takes nothing is not decoded, and asked to send no more; others do not notice. */
static void blocked(void)
{
    struct listener a, b;
    open_scheduler((struct live_options){.max_streams = 2, .backlog_s = 1});
    struct live *slow = open_live(&a), *quick_one = open_live(&b);
    set(&a, &a.is_blocked, 1);
    CU_ASSERT_EQUAL(feed(slow, sound, 15000, 1600), 0);
    CU_ASSERT_EQUAL(live_is_full(slow), 0);
    CU_ASSERT_EQUAL(feed(slow, sound + 15000, SHORT - 15000, 1600), 1);
    CU_ASSERT_EQUAL(live_is_full(slow), 1);
    CU_ASSERT_TRUE(feed(quick_one, other, SHORT, 1600) >= 0 && live_finish(quick_one, NULL) >= 0);
    wait_for(&b, &b.n_ends, 1);
    CU_ASSERT_EQUAL(a.n_events, 0);
    CU_ASSERT_EQUAL(a.n_drained, 0);
    set(&a, &a.is_blocked, 0);
    live_wake(slow);
    wait_for(&a, &a.n_drained, 1);
    CU_ASSERT_EQUAL(live_is_full(slow), 0);
    CU_ASSERT_TRUE(live_finish(slow, NULL) >= 0);
    wait_for(&a, &a.n_ends, 1);
    CU_ASSERT_STRING_EQUAL(buffer_text(&a.text), expected_sound);
    live_close(slow);
    live_close(quick_one);
    listener_close(&a);
    listener_close(&b);
    live_scheduler_close(scheduler);
}

/* Many ends of recordings fill a stream, too. */
static void ends_take_room(void)
{
    struct listener a;
    int is_full = 0, n = 0;
    open_scheduler((struct live_options){.max_streams = 1, .backlog_s = 1});
    struct live *live = open_live(&a);
    set(&a, &a.is_blocked, 1);
    for (; n < 1000 && !is_full; n++)
        is_full = live_finish(live, NULL);
    CU_ASSERT_EQUAL(is_full, 1);
    live_close(live);
    listener_close(&a);
    live_scheduler_close(scheduler);
}

static void failures(void)
{
    struct listener a;
    float bad = NAN;
    struct live_facts facts;
    open_scheduler((struct live_options){.max_streams = 1});
    struct live *live = open_live(&a);
    a.fails_at = 2;
    CU_ASSERT_TRUE(feed(live, sound, SHORT, 1600) >= 0 && live_finish(live, NULL) >= 0);
    wait_for(&a, &a.n_failed, 1);
    CU_ASSERT_EQUAL(a.code, LINNET_E_IO);
    CU_ASSERT_EQUAL(a.n_events, 2);
    CU_ASSERT_TRUE(live_feed(live, sound, SHORT, NULL) >= 0); /* and is dropped */
    live_close(live);
    listener_close(&a);

    live = open_live(&a);
    CU_ASSERT_TRUE(live_feed(live, &bad, 1, NULL) >= 0);
    wait_for(&a, &a.n_failed, 1);
    CU_ASSERT_EQUAL(a.code, LINNET_E_AUDIO);
    live_close(live);
    listener_close(&a);
    live_scheduler_facts(scheduler, &facts);
    CU_ASSERT_EQUAL(facts.n_failed, 2);
    CU_ASSERT_DOUBLE_EQUAL(facts.backlog_s, 0, 1e-6);
    live_scheduler_close(scheduler);
}

static void too_long(void)
{
    struct listener a;
    open_scheduler((struct live_options){.max_streams = 1, .stream_s = 1});
    struct live *live = open_live(&a);
    CU_ASSERT_TRUE(feed(live, sound, 16000, 1600) >= 0);
    CU_ASSERT_EQUAL(live_feed(live, sound, 1600, NULL), LINNET_E_ARGUMENT);
    live_close(live);
    listener_close(&a);
    live_scheduler_close(scheduler);
}

/* ---- whom it takes on ---- */

static void taken_on(void)
{
    struct listener a, b;
    struct live *second = NULL;
    struct live_facts facts;
    open_scheduler((struct live_options){.max_streams = 1});
    struct live *first = open_live(&a);
    listener_open(&b);
    CU_ASSERT_EQUAL(try_live(&second, &b), LINNET_E_BUSY);
    CU_ASSERT_EQUAL(b.n_released, 0);
    live_close(first);
    CU_ASSERT_EQUAL(try_live(&second, &b), 0);
    live_close(second);
    live_scheduler_facts(scheduler, &facts);
    CU_ASSERT_EQUAL(facts.n_refused, 1);
    CU_ASSERT_EQUAL(facts.n_started, 2);
    listener_close(&a);
    listener_close(&b);
    live_scheduler_close(scheduler);
}

/* How many streams fit 0.8 of two processors, where each takes so much when its speaker speaks. */
static int fitting(double compute_s, double other_s)
{
    enum { MOST = 12 };
    struct listener l[MOST];
    struct live *live[MOST] = {NULL};
    int n = 0;
    models.at[0].cost = (struct cost){0};
    for (int i = 0; i < 100; i++)
        cost_add(&models.at[0].cost, i % 2 ? compute_s : other_s);
    open_scheduler((struct live_options){.n_threads = 2});
    for (int is_taken = 1; is_taken && n < MOST; n += is_taken) {
        listener_open(&l[n]);
        is_taken = try_live(&live[n], &l[n]) == 0;
    }
    for (int i = 0; i < n; i++) {
        live_close(live[i]);
        listener_close(&l[i]);
    }
    live_scheduler_close(scheduler);
    models.at[0].cost = (struct cost){0};
    return n;
}

static void costs(void)
{
    CU_ASSERT_EQUAL(fitting(0.25, 0.25), 6);
    CU_ASSERT_EQUAL(fitting(0.5, 0), 3); /* the same mean, but 4 x 0.25 + 1.645 x sqrt(4) x 0.25 = 1.8 */
    CU_ASSERT_EQUAL(fitting(5, 5), 1);   /* the first is always taken */
    struct cost c = {0};
    for (int i = 0; i < 5000; i++)
        cost_add(&c, 1);
    for (int i = 0; i < 10000; i++)
        cost_add(&c, i % 2 ? 0.25 : 0.75); /* what was long ago is forgotten */
    CU_ASSERT_DOUBLE_EQUAL(c.mean_s, 0.5, 0.01);
    CU_ASSERT_DOUBLE_EQUAL(c.variance, 0.0625, 0.002);
}

static void rehearsed(void)
{
    struct message msg = {""};
    CU_ASSERT_EQUAL(rehearsal_run(&models, 2, &msg), 0);
    CU_ASSERT_TRUE(models.at[0].cost.n >= 2 && models.at[0].cost.mean_s > 0);
    models.at[0].cost = (struct cost){0};
}

/* ---- the order ---- */

/* With one thread, which is held: who sent a recording at once has to wait for who speaks. */
static void whose_turn(void)
{
    struct listener h, a, b;
    open_scheduler((struct live_options){.n_threads = 1, .max_streams = 3});
    struct live *holder = open_live(&h);
    set(&h, &h.is_held, 1);
    CU_ASSERT_TRUE(feed(holder, sound, SHORT, 1600) >= 0 && live_finish(holder, NULL) >= 0);
    wait_for(&h, &h.n_events, 1);
    struct live *player = open_live(&a), *speaker = open_live(&b);
    CU_ASSERT_TRUE(feed(player, other, LONG, 1600) >= 0 && live_finish(player, NULL) >= 0);
    CU_ASSERT_TRUE(feed(speaker, other, SHORT, 1600) >= 0 && live_finish(speaker, NULL) >= 0);
    set(&h, &h.is_held, 0);
    wait_for(&b, &b.n_ends, 1);
    pthread_mutex_lock(&a.lock);
    CU_ASSERT_EQUAL(a.n_ends, 0);
    pthread_mutex_unlock(&a.lock);
    live_close(player);
    live_close(speaker);
    live_close(holder);
    listener_close(&h);
    listener_close(&a);
    listener_close(&b);
    live_scheduler_close(scheduler);
}

/* When a thread that is held keeps others waiting, nobody new comes. */
static void late(void)
{
    const struct timespec longer = {.tv_nsec = 60 * 1000 * 1000};
    struct listener h, a, b;
    struct live *third = NULL;
    open_scheduler((struct live_options){.n_threads = 1, .share = 1e6, .late_s = 0.05});
    struct live *holder = open_live(&h), *speaker = open_live(&a);
    listener_open(&b);
    set(&h, &h.is_held, 1);
    CU_ASSERT_TRUE(feed(holder, sound, SHORT, 1600) >= 0 && live_finish(holder, NULL) >= 0);
    wait_for(&h, &h.n_events, 1);
    CU_ASSERT_TRUE(live_feed(speaker, other, 1600, NULL) >= 0 && live_finish(speaker, NULL) >= 0);
    nanosleep(&longer, NULL);
    CU_ASSERT_EQUAL(try_live(&third, &b), LINNET_E_BUSY);
    set(&h, &h.is_held, 0);
    wait_for(&a, &a.n_ends, 1);
    wait_for(&h, &h.n_ends, 1);
    CU_ASSERT_EQUAL(try_live(&third, &b), 0);
    live_close(third);
    live_close(speaker);
    live_close(holder);
    listener_close(&h);
    listener_close(&a);
    listener_close(&b);
    live_scheduler_close(scheduler);
    models.at[0].cost = (struct cost){0};
}

/* ---- the model, first and last ---- */

static void opened(void)
{
    static char vad[] = "vad.kind=energy", words[] = "decoder.logprob_threshold=-1000"; /* of an untrained model */
    char *set[] = {vad, words};
    const struct decoding_options o = {.model = folder, .language = "en", .quiet = 1, .set = {set, 2}};
    struct message msg = {""};
    CU_ASSERT_EQUAL_FATAL(serve_models_open(&models, &o, NULL, 0, &msg), 0);
    expected_sound = expect(sound);
    expected_other = expect(other);
    CU_ASSERT_STRING_NOT_EQUAL(expected_sound, expected_other);
}

static void closed(void)
{
    free(expected_sound);
    free(expected_other);
    serve_models_close(&models);
}

static const struct unit_test tests[] = {
    {"a model is opened", opened},
    {"many streams say what plain ones say", many_streams},
    {"a stream is closed at any moment", closed_any_time},
    {"a client that takes nothing", blocked},
    {"ends of recordings take room", ends_take_room},
    {"streams fail", failures},
    {"a recording is too long", too_long},
    {"no more streams than wanted", taken_on},
    {"no more streams than fit", costs},
    {"a rehearsal", rehearsed},
    {"who plays a file waits for who speaks", whose_turn},
    {"nobody comes while others are late", late},
    {"the model is closed", closed},
};

TINY_STREAM_MAIN("live", tests)
