/* SPDX-License-Identifier: Apache-2.0
 * test_files.c - recordings that a server gets whole (serve/files.h): each gets what a stream of its own gives it,
 * whatever waits and is decoded beside it; what is refused, cancelled or broken harms no other. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "serve/files.h"
#include "serve/live.h"
#include "tests/support/tiny_stream.h"

enum { N_KINDS = 5, N_SOUNDS = 2, N_JOBS = 13, N_THREADS = 3, N_WAITING = 4 };

static const struct kind {
    const char *language, *decoder, *prompt, *temperature;
    int word_times;
} kinds[N_KINDS] = {{"en", "", NULL, "0", 0},
                    {"de", NULL, "<300><301>", "0", 0},
                    {"en", NULL, NULL, "0.7", 1},
                    {NULL, NULL, NULL, "0,0.5", 0},
                    {"en", "alignatt", NULL, NULL, 0}};

/* Of the command line: little work. */
static const char *const always[] = {"decoder.max_tokens=10", "decoder.context=audio"};
static struct buffer expected[N_KINDS][N_SOUNDS]; /* once it was asked for */

/* ---- recordings ---- */

/* Of a file that is written, opened and removed. */
static const char *path(void)
{
    static char text[4200];
    snprintf(text, sizeof text, "%s/recording", folder);
    return text;
}

static void put_u32(FILE *f, uint32_t x)
{
    const unsigned char b[4] = {(unsigned char)x, (unsigned char)(x >> 8), (unsigned char)(x >> 16),
                                (unsigned char)(x >> 24)};
    fwrite(b, 1, 4, f);
}

static void write_wav(int i_sound)
{
    const float *samples = i_sound % 2 == 0 ? sound : other;
    uint32_t n = SHORT - 16000 * (uint32_t)i_sound;
    FILE *f = fopen(path(), "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs("RIFF", f);
    put_u32(f, 36 + 2 * n);
    fputs("WAVEfmt ", f);
    put_u32(f, 16);
    put_u32(f, 1 | 1 << 16); /* PCM, a channel */
    put_u32(f, 16000);
    put_u32(f, 32000);
    put_u32(f, 2 | 16 << 16);
    fputs("data", f);
    put_u32(f, 2 * n);
    for (uint32_t i = 0; i < n; i++) {
        int value = (int)(samples[i] * 32767);
        fputc(value & 255, f);
        fputc(value >> 8 & 255, f);
    }
    fclose(f);
}

static int open_bytes(const char *bytes)
{
    FILE *f = fopen(path(), "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(bytes, f);
    fclose(f);
    int fd = open(path(), O_RDONLY | O_CLOEXEC);
    unlink(path());
    return fd;
}

static int open_sound(int i)
{
    write_wav(i);
    int fd = open(path(), O_RDONLY | O_CLOEXEC);
    unlink(path());
    return fd;
}

static int count_descriptors(void)
{
    int n = 0;
    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* What a stream of its own gives. */
static const char *expect(int i_kind, int i_sound)
{
    const struct kind *k = &kinds[i_kind];
    struct buffer *out = &expected[i_kind][i_sound];
    if (out->n > 0)
        return buffer_text(out);
    char texts[4][64];
    const char *settings[6] = {always[0], always[1]};
    size_t n = 2;
    const char *const keys[] = {"language", "decoder.name", "decoder.initial_prompt", "decoder.temperature"};
    const char *const values[] = {k->language, k->decoder, k->prompt, k->temperature};
    for (int i = 0; i < 4; i++)
        if (values[i] != NULL && values[i][0] != '\0') {
            snprintf(texts[i], sizeof texts[i], "%s=%s", keys[i], values[i]);
            settings[n++] = texts[i];
        }
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    o.word_times = k->word_times;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_open(model, &o, &s, NULL, 0), 0);
    write_wav(i_sound);
    CU_ASSERT_EQUAL(linnet_stream_open_file(s, path(), NULL), 0);
    while (linnet_stream_read(s) > 0)
        ;
    CU_ASSERT_EQUAL(event_dump_run(out, s, NULL, 0, 1), 0);
    linnet_stream_close(s);
    unlink(path());
    return buffer_text(out);
}

/* ---- a server's files, and what they tell ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int is_shut; /* jobs wait in `fed` */

struct told {
    struct file_job *job;
    struct buffer out;
    double fed_s, length_s;
    int code, n_ended, n_released;
    char why[300];
};

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct told *t = arg;
    return event_dump(&t->out, e) < 0 ? fail_memory(msg) : 0;
}

static void wait_in_gate(void *arg, double fed_s, double length_s)
{
    struct told *t = arg;
    pthread_mutex_lock(&lock);
    t->fed_s = fed_s;
    t->length_s = length_s;
    while (is_shut)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static void open_gate(void)
{
    pthread_mutex_lock(&lock);
    is_shut = 0;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

static void take_end(void *arg, int code, const char *why, const struct linnet_stats *stats)
{
    struct told *t = arg;
    pthread_mutex_lock(&lock);
    t->code = code;
    t->n_ended++;
    snprintf(t->why, sizeof t->why, "%s", why);
    CU_ASSERT_TRUE(code < 0 || stats->audio_s == t->fed_s);
    pthread_mutex_unlock(&lock);
}

static void take_release(void *arg)
{
    struct told *t = arg;
    pthread_mutex_lock(&lock);
    CU_ASSERT_EQUAL(t->n_ended, 1);
    t->n_released++;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

struct server {
    struct serve_models models;
    struct files *files;
    struct told told[N_JOBS];
};

static void open_server(struct server *s, const char *batch)
{
    struct message msg = {""};
    struct decoding_options o = {.model = folder, .batch = batch, .quiet = 1, .threads = 2, .gate = 1};
    char *items[] = {(char *)always[0], (char *)always[1]};
    const struct files_options files = {.most_waiting = N_WAITING};
    o.set.items = items;
    o.set.n = 2;
    *s = (struct server){.files = NULL};
    CU_ASSERT_EQUAL_FATAL(serve_models_open(&s->models, &o, NULL, 0, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(files_open(&s->files, &files, &s->models, &msg), 0);
}

static void close_server(struct server *s)
{
    files_close(s->files);
    serve_models_close(&s->models);
    for (int i = 0; i < N_JOBS; i++)
        buffer_free(&s->told[i].out);
}

static int add_as(struct server *s, int i, const struct kind *k, int fd, struct message *msg)
{
    const struct file_sink sink = {take_event, wait_in_gate, take_end, take_release, &s->told[i]};
    struct serve_request r = {.model = &s->models.at[0],
                              .language = k->language,
                              .decoder = k->decoder,
                              .prompt = k->prompt,
                              .temperature = k->temperature,
                              .word_times = k->word_times};
    return files_add(&s->told[i].job, s->files, &r, fd, &sink, msg);
}

/* Adds a job, waiting for a place in the line. */
static void add(struct server *s, int i, int i_kind, int fd)
{
    int rc, copy = -1;
    while ((copy = dup(fd)) >= 0 && (rc = add_as(s, i, &kinds[i_kind], copy, NULL)) == LINNET_E_BUSY)
        usleep(1000);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    close(fd);
}

static void wait_for(struct told *t)
{
    pthread_mutex_lock(&lock);
    while (t->n_released == 0)
        pthread_cond_wait(&change, &lock);
    pthread_mutex_unlock(&lock);
}

static void wait_until_running(struct server *s, int n)
{
    struct files_facts facts;
    do {
        usleep(1000);
        files_facts(s->files, &facts);
    } while (facts.n_running < n);
}

static void is_expected(struct told *t, int i_kind, int i_sound)
{
    CU_ASSERT_EQUAL(t->code, 0);
    CU_ASSERT_STRING_EQUAL(buffer_text(&t->out), expect(i_kind, i_sound));
    CU_ASSERT_TRUE(t->length_s == t->fed_s && t->fed_s > 1);
}

/* ---- tests ---- */

/* More of them than threads, kinds and places in the line; some are no recordings. */
static void decode_all(const char *batch)
{
    enum { TEXT = 3, EMPTY = 5, OTHER = 7 };
    static const struct kind unknown = {.language = "klingon"};
    int n_before = count_descriptors();
    struct server s;
    struct files_facts facts;
    open_server(&s, batch);
    for (int i = 0; i < N_JOBS; i++) {
        if (i == OTHER)
            while (add_as(&s, i, &unknown, open_sound(0), NULL) == LINNET_E_BUSY)
                usleep(1000);
        else
            add(&s, i, i % N_KINDS,
                i == TEXT    ? open_bytes("no sound")
                : i == EMPTY ? open_bytes("")
                             : open_sound(i % N_SOUNDS));
    }
    for (int i = 0; i < N_JOBS; i++)
        wait_for(&s.told[i]);
    files_facts(s.files, &facts);
    CU_ASSERT_TRUE(facts.n_waiting == 0 && facts.n_running == 0);
    CU_ASSERT_TRUE(facts.n_done == N_JOBS - 3 && facts.n_failed == 3 && facts.audio_s > N_JOBS && facts.compute_s > 0);
    for (int i = 0; i < N_JOBS; i++) {
        struct told *t = &s.told[i];
        if (i == TEXT || i == EMPTY || i == OTHER) {
            CU_ASSERT_EQUAL(t->code, i == TEXT ? LINNET_E_FORMAT : i == EMPTY ? LINNET_E_AUDIO : LINNET_E_ARGUMENT);
            CU_ASSERT_TRUE(i == OTHER ? strstr(t->why, "klingon") != NULL
                                      : strncmp(t->why, "the recording: ", 15) == 0);
            CU_ASSERT_EQUAL(t->out.n, 0);
        } else {
            is_expected(t, i % N_KINDS, i % N_SOUNDS);
        }
        files_let_go(t->job);
    }
    close_server(&s);
    CU_ASSERT_EQUAL(count_descriptors(), n_before);
}

static void many_at_once(void) { decode_all("3"); }

/* Under sanitizers nothing new. */
static void one_at_a_time(void)
{
    if (getenv("LINNET_TEST_FEW") == NULL)
        decode_all("1");
}

/* What runs waits in the gate; the line is filled behind it. */
static void fill(struct server *s)
{
    is_shut = 1;
    open_server(s, "3");
    for (int i = 0; i < N_THREADS; i++)
        add(s, i, 0, open_sound(0));
    wait_until_running(s, N_THREADS);
    for (int i = N_THREADS; i < N_THREADS + N_WAITING; i++)
        add(s, i, 0, open_sound(0));
}

static void full_and_cancelled(void)
{
    enum { LAST = N_THREADS + N_WAITING, WAITS = N_THREADS + 1, RUNS = 1 };
    int n_before = count_descriptors(), fd = open_sound(1);
    struct message msg = {""};
    struct server s;
    struct files_facts facts;
    fill(&s);
    CU_ASSERT_EQUAL(add_as(&s, LAST, &kinds[0], fd, &msg), LINNET_E_BUSY);
    CU_ASSERT_TRUE(msg.text[0] != '\0' && fcntl(fd, F_GETFD) < 0 && errno == EBADF);
    files_let_go(s.told[WAITS].job);
    CU_ASSERT_EQUAL(s.told[WAITS].n_released, 1); /* at once */
    files_let_go(s.told[RUNS].job);               /* soon, at once if its audio has not been decoded yet */
    CU_ASSERT_EQUAL_FATAL(add_as(&s, LAST, &kinds[0], open_sound(1), &msg), 0);
    files_facts(s.files, &facts);
    int n_left = facts.n_waiting + facts.n_running, n_most = N_WAITING + N_THREADS;
    CU_ASSERT_TRUE(facts.n_refused == 1 && (n_left == n_most || n_left == n_most - 1));
    open_gate();
    for (int i = 0; i <= LAST; i++) {
        wait_for(&s.told[i]);
        if (i == WAITS || i == RUNS) {
            CU_ASSERT_EQUAL(s.told[i].code, LINNET_E_CANCELLED);
        } else {
            is_expected(&s.told[i], 0, i == LAST ? 1 : 0);
            files_let_go(s.told[i].job);
        }
    }
    close_server(&s);
    CU_ASSERT_EQUAL(count_descriptors(), n_before);
}

static void end_and_open_gate(void *arg, int code, const char *why, const struct linnet_stats *stats)
{
    take_end(arg, code, why, stats);
    open_gate();
}

/* The first that ends, of those that wait, opens the gate for those that run, which have been cancelled then. */
static void closed_while_running(void)
{
    enum { OPENS = N_THREADS };
    int n_before = count_descriptors();
    struct server s;
    is_shut = 1;
    open_server(&s, "3");
    for (int i = 0; i < N_THREADS; i++)
        add(&s, i, 0, open_sound(0));
    wait_until_running(&s, N_THREADS);
    const struct file_sink sink = {take_event, wait_in_gate, end_and_open_gate, take_release, &s.told[OPENS]};
    const struct serve_request r = {.model = &s.models.at[0]};
    CU_ASSERT_EQUAL_FATAL(files_add(&s.told[OPENS].job, s.files, &r, open_sound(1), &sink, NULL), 0);
    files_close(s.files);
    s.files = NULL;
    for (int i = 0; i <= OPENS; i++) {
        CU_ASSERT_TRUE(s.told[i].code == LINNET_E_CANCELLED && s.told[i].n_released == 1);
        files_let_go(s.told[i].job);
    }
    close_server(&s);
    CU_ASSERT_EQUAL(count_descriptors(), n_before);
}

static const struct unit_test tests[] = {
    {"many at once", many_at_once},
    {"one at a time", one_at_a_time},
    {"full, cancelled", full_and_cancelled},
    {"closed while running", closed_while_running},
};

int main(void)
{
    int code = tiny_stream_main("files", tests, sizeof tests / sizeof tests[0]);
    for (int i = 0; i < N_KINDS * N_SOUNDS; i++)
        buffer_free(&expected[i / N_SOUNDS][i % N_SOUNDS]);
    return code;
}
