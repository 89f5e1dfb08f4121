/* SPDX-License-Identifier: Apache-2.0
 * test_hybrid.c - WeNet models from samples to events, through the public interface: against what WeNet returns, and
 * against themselves in other pieces, on other threads, beside other streams. */
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "base/buffer.h"
#include "decoders/hybrid_encoder.h"
#include "decoders/hybrid_forward.h"
#include "decoders/model.h"
#include "linnet.h"
#include "tests/support/converted.h"
#include "tests/support/reference.h"
#include "tests/support/refs.h"

#define MAX_SETTINGS 12

struct settings {
    char text[MAX_SETTINGS][64];
    const char *list[MAX_SETTINGS];
    size_t n;
};

static void set(struct settings *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void set(struct settings *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->text[s->n], sizeof s->text[0], format, args);
    va_end(args);
    s->list[s->n] = s->text[s->n];
    s->n++;
}

static linnet_model *model_open(const char *dir, int n_threads)
{
    char error[500] = "";
    linnet_model *model = NULL;
    struct linnet_model_options options;
    linnet_model_options_init(&options);
    options.n_threads = n_threads;
    int rc = linnet_model_open(dir, &options, &model, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return model;
}

static linnet_stream *stream_open(linnet_model *model, const struct settings *s, int streaming)
{
    char error[500] = "";
    linnet_stream *stream = NULL;
    struct linnet_stream_options options;
    linnet_stream_options_init(&options);
    options.settings = s->list;
    options.n_settings = s->n;
    options.streaming = streaming;
    int rc = linnet_stream_open(model, &options, &stream, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return stream;
}

/* ---- events as one text, so that they can be compared ---- */

static void note_hypothesis(struct buffer *b, const struct linnet_hypothesis *h)
{
    CU_ASSERT_EQUAL(buffer_printf(b, "  %a [%s]", h->score, h->text), 0);
    for (int i = 0; i < h->n_tokens; i++)
        CU_ASSERT_EQUAL(buffer_printf(b, " %d@%d", h->tokens[i], h->times != NULL ? h->times[i] : -1), 0);
    CU_ASSERT_EQUAL(buffer_puts(b, "\n"), 0);
}

static void note_event(struct buffer *b, const linnet_event *e)
{
    CU_ASSERT_EQUAL(buffer_printf(b, "%d %a-%a [%s] %zu %a %a\n", e->type, e->start_s, e->end_s, e->text, e->committed,
                                  e->logprob, (double)e->confidence),
                    0);
    for (int i = 0; i < e->n_words; i++)
        CU_ASSERT_EQUAL(buffer_printf(b, "  %s %a-%a %a\n", e->words[i].text, e->words[i].start_s, e->words[i].end_s,
                                      (double)e->words[i].confidence),
                        0);
    for (int i = 0; i < e->n_nbest; i++)
        note_hypothesis(b, &e->nbest[i]);
}

static void note_events(linnet_stream *s, struct buffer *b)
{
    linnet_event e;
    while (linnet_stream_next(s, &e) > 0)
        note_event(b, &e);
}

/* The whole recording in pieces of n_piece samples; its events are appended to b. */
static void run(linnet_stream *s, const float *samples, size_t n, size_t n_piece, struct buffer *b)
{
    for (size_t at = 0; at < n; at += n_piece) {
        CU_ASSERT_EQUAL(linnet_stream_feed(s, samples + at, n - at < n_piece ? n - at : n_piece), 0);
        note_events(s, b);
    }
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    note_events(s, b);
}

/* The final event's n-best list of a recording that is one utterance: for what the caller compares. */
static int final_event(linnet_stream *s, const struct reference *wav, linnet_event *e)
{
    CU_ASSERT_EQUAL(linnet_stream_feed(s, wav->data, wav->n_rows), 0);
    CU_ASSERT_EQUAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, e) > 0)
        if (e->type == LINNET_EVENT_FINAL)
            return 1;
    return 0;
}

/* ---- against WeNet ---- */

static double largest(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fabs((double)a[i] - (double)b[i]) <= most ? most : fabs((double)a[i] - (double)b[i]);
    return most;
}

static void mode_settings(struct settings *s, const char *mode, const json_t *wenet)
{
    int chunk = -1, left = -1;
    if (strcmp(mode, "full") != 0)
        CU_ASSERT_EQUAL_FATAL(sscanf(mode, "chunk%d_left%d", &chunk, &left), 2);
    set(s, "decoder.chunk=%d", chunk);
    set(s, "decoder.left_chunks=%d", left);
    set(s, "decoder.beam=%d", (int)json_integer_value(json_object_get(wenet, "beam_size")));
    set(s, "decoder.ctc_weight=%g", json_number_value(json_object_get(wenet, "ctc_weight")));
    set(s, "decoder.reverse_weight=%g", json_number_value(json_object_get(wenet, "reverse_weight")));
    set(s, "decoder.nbest=100");
    set(s, "decoder.times=wenet");
}

static void check_prefix(const linnet_event *e, const json_t *wanted)
{
    const json_t *nbest = json_object_get(wanted, "nbest"), *scores = json_object_get(wanted, "scores"),
                 *times = json_object_get(wanted, "times");
    CU_ASSERT_EQUAL_FATAL((size_t)e->n_nbest, json_array_size(nbest));
    for (int i = 0; i < e->n_nbest; i++) {
        CU_ASSERT(refs_same(json_array_get(nbest, (size_t)i), e->nbest[i].tokens, e->nbest[i].n_tokens));
        CU_ASSERT(refs_same(json_array_get(times, (size_t)i), e->nbest[i].times, e->nbest[i].n_tokens));
        CU_ASSERT(fabs(e->nbest[i].score - json_number_value(json_array_get(scores, (size_t)i))) <= 1e-3);
    }
}

static void check_method(linnet_model *m, const struct reference *wav, const char *mode, const char *method,
                         const json_t *wanted, const json_t *wenet)
{
    struct settings s = {.n = 0};
    linnet_event e;
    mode_settings(&s, mode, wenet);
    set(&s, "decoder.name=%s",
        strcmp(method, "ctc_greedy_search") == 0        ? "ctc_greedy"
        : strcmp(method, "ctc_prefix_beam_search") == 0 ? "ctc_prefix_beam"
                                                        : method);
    linnet_stream *stream = stream_open(m, &s, 0);
    CU_ASSERT_EQUAL_FATAL(final_event(stream, wav, &e), 1);
    if (strcmp(method, "ctc_prefix_beam_search") == 0)
        check_prefix(&e, wanted);
    else
        CU_ASSERT(refs_same(json_object_get(wanted, "tokens"), e.tokens, e.n_tokens));
    if (strcmp(method, "attention_rescoring") == 0) {
        CU_ASSERT(fabs(e.nbest[0].score - json_number_value(json_object_get(wanted, "score"))) <= 1e-3);
        CU_ASSERT(fabs((double)e.confidence - json_number_value(json_object_get(wanted, "confidence"))) <= 1e-4);
        CU_ASSERT(refs_same(json_object_get(wanted, "times"), e.nbest[0].times, e.nbest[0].n_tokens));
    }
    linnet_stream_close(stream);
}

static void check_reference(const char *name)
{
    struct refs refs;
    struct converted c;
    char source[100], folder[4300];
    const char *mode, *method;
    json_t *methods, *wanted;
    snprintf(source, sizeof source, "refs/%s", name);
    snprintf(folder, sizeof folder, "%s/%s", unit_shared(), source);
    CU_ASSERT_EQUAL_FATAL(converted_open(&c, source), 0);
    CU_ASSERT_EQUAL_FATAL(refs_open(&refs, name), 0);
    struct reference wav = reference_wav(folder, "input.wav");
    CU_ASSERT_FATAL(wav.n_rows > 0);
    linnet_model *m = model_open(c.dir, 1);
    json_object_foreach(refs.results, mode, methods) json_object_foreach(methods, method, wanted)
        check_method(m, &wav, mode, method, wanted, json_object_get(refs.json, "settings"));
    linnet_model_close(m);
    free(wav.data);
    refs_close(&refs);
    converted_close(&c);
}

static void test_references(void)
{
    for (int i = 0; i < REFS_N; i++)
        check_reference(refs_names[i]);
}

/* What the tensors on the way may differ by: features have the reference's bits but for the C library's logarithms, the
 * encoder's sums are in another order. */
#define FEATURES_CLOSE 1e-4
#define STATES_CLOSE 1e-4
#define LOGPROBS_CLOSE 1e-3

static void check_stream(struct hybrid_forward *f, const linnet_model *m, int chunk, int left)
{
    double difference = 1.0;
    CU_ASSERT_EQUAL(hybrid_forward_verify(f, m->hybrid, m->pool, chunk, left, &difference, NULL), 0);
    CU_ASSERT_EQUAL(difference, 0.0);
    f->states[5] += 0.5f;
    CU_ASSERT_EQUAL(hybrid_forward_verify(f, m->hybrid, m->pool, chunk, left, &difference, NULL), 0);
    CU_ASSERT(difference > 0.49 && difference < 0.51);
}

/* The tensors on the way, from the recording, and the encoder in chunks against the whole. */
static void check_forward(const linnet_model *m, const struct refs *refs, const char *wav, const char *mode)
{
    struct audio_file *audio = NULL;
    struct hybrid_forward f;
    int n = 0, d = 0, chunk = -1, left = -1, in_chunks = sscanf(mode, "chunk%d_left%d", &chunk, &left) == 2;
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&audio, wav, NULL, 16000, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(hybrid_forward(&f, m->hybrid, m->pool, audio, chunk, left, NULL), 0);
    const struct tensor *fbank = safetensors_find(refs->tensors, "fbank");
    size_t n_features = tensor_elements(fbank);
    CU_ASSERT_EQUAL_FATAL((size_t)f.n_features * (size_t)m->hybrid->config.n_features, n_features);
    float *features = mem_array(n_features, sizeof *features);
    tensor_to_f32(fbank, 0, n_features, features);
    float *states = refs_matrix(refs, mode, "encoder_out", &n, &d);
    float *logprobs = refs_matrix(refs, mode, "ctc_logprobs", &n, &d);
    CU_ASSERT_EQUAL_FATAL(f.n_states, n);
    CU_ASSERT(largest(f.features, features, n_features) <= FEATURES_CLOSE);
    CU_ASSERT(largest(f.states, states, (size_t)(n * m->hybrid->config.n_dims)) <= STATES_CLOSE);
    CU_ASSERT(largest(f.logprobs, logprobs, (size_t)(n * d)) <= LOGPROBS_CLOSE);
    if (in_chunks)
        check_stream(&f, m, chunk, left);
    hybrid_forward_close(&f);
    audio_file_close(audio);
    mem_free(features);
    mem_free(states);
    mem_free(logprobs);
}

static void test_forward(void)
{
    for (int i = 0; i < REFS_N; i++) {
        struct refs refs;
        struct converted c;
        char source[100], wav[4500];
        const char *mode;
        json_t *methods;
        snprintf(source, sizeof source, "refs/%s", refs_names[i]);
        snprintf(wav, sizeof wav, "%s/%s/input.wav", unit_shared(), source);
        CU_ASSERT_EQUAL_FATAL(converted_open(&c, source), 0);
        CU_ASSERT_EQUAL_FATAL(refs_open(&refs, refs_names[i]), 0);
        linnet_model *m = model_open(c.dir, 2);
        json_object_foreach(refs.results, mode, methods) check_forward(m, &refs, wav, mode);
        linnet_model_close(m);
        refs_close(&refs);
        converted_close(&c);
    }
}

/* ---- against itself ---- */

struct recording {
    struct converted c;
    struct reference wav;
};

/* The U2++ reference model and its recording, three times with silence between, so that endpoints are found. */
static void recording_open(struct recording *r)
{
    char folder[4300];
    enum { SILENCE = 24000 };
    snprintf(folder, sizeof folder, "%s/refs/wenet-u2pp", unit_shared());
    CU_ASSERT_EQUAL_FATAL(converted_open(&r->c, "refs/wenet-u2pp"), 0);
    struct reference wav = reference_wav(folder, "input.wav");
    r->wav.n_rows = 3 * (wav.n_rows + SILENCE);
    r->wav.data = calloc(r->wav.n_rows, sizeof *r->wav.data);
    for (size_t i = 0; i < 3; i++)
        memcpy(r->wav.data + i * (wav.n_rows + SILENCE), wav.data, wav.n_rows * sizeof *wav.data);
    free(wav.data);
}

static void recording_close(struct recording *r)
{
    free(r->wav.data);
    converted_close(&r->c);
}

static void stream_settings(struct settings *s, const char *decoder)
{
    set(s, "decoder.name=%s", decoder);
    set(s, "decoder.left_chunks=4");
    set(s, "decoder.nbest=3");
    set(s, "decoder.word_times=true");
    set(s, "endpoint.rule3_utterance_ms=3000"); /* a random model hears no silence */
}

static const char *const streaming_decoders[] = {"ctc_greedy", "ctc_prefix_beam", "attention_rescoring", "segmental"};
enum { N_DECODERS = sizeof streaming_decoders / sizeof streaming_decoders[0] };

static void test_pieces(void)
{
    static const size_t pieces[] = {1, 7, 160, 4000, 1000000};
    struct recording r;
    recording_open(&r);
    linnet_model *one = model_open(r.c.dir, 1), *two = model_open(r.c.dir, 2);
    for (int d = 0; d < N_DECODERS; d++)
        for (int streaming = 0; streaming < 2; streaming++) {
            struct settings s = {.n = 0};
            struct buffer first = {0}, again = {0};
            stream_settings(&s, streaming_decoders[d]);
            linnet_stream *stream = stream_open(one, &s, streaming), *other = stream_open(two, &s, streaming);
            run(stream, r.wav.data, r.wav.n_rows, 4000, &first);
            CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&first), streaming ? "\n3 " : "2 "));
            for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
                buffer_cut(&again, 0);
                CU_ASSERT_EQUAL(linnet_stream_reset(stream), 0);
                run(stream, r.wav.data, r.wav.n_rows, pieces[i], &again);
                CU_ASSERT_STRING_EQUAL(buffer_text(&again), buffer_text(&first));
            }
            buffer_cut(&again, 0);
            run(other, r.wav.data, r.wav.n_rows, 1234, &again);
            CU_ASSERT_STRING_EQUAL(buffer_text(&again), buffer_text(&first));
            linnet_stream_close(stream);
            linnet_stream_close(other);
            buffer_free(&first);
            buffer_free(&again);
        }
    linnet_model_close(one);
    linnet_model_close(two);
    recording_close(&r);
}

static void test_interleaved(void)
{
    struct recording r;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 2);
    linnet_stream *streams[N_DECODERS];
    struct buffer alone[N_DECODERS] = {{0}}, beside[N_DECODERS] = {{0}};
    size_t starts[N_DECODERS] = {0, 5000, 20000, 9000}, at[N_DECODERS];
    for (int i = 0; i < N_DECODERS; i++) {
        struct settings s = {.n = 0};
        stream_settings(&s, streaming_decoders[i]);
        streams[i] = stream_open(m, &s, 1);
        run(streams[i], r.wav.data + starts[i], r.wav.n_rows - starts[i], 3000, &alone[i]);
        CU_ASSERT_EQUAL(linnet_stream_reset(streams[i]), 0);
        at[i] = starts[i];
    }
    for (int busy = 1; busy;) {
        busy = 0;
        for (int i = 0; i < N_DECODERS; i++) {
            size_t n = r.wav.n_rows - at[i] < 700 ? r.wav.n_rows - at[i] : 700;
            CU_ASSERT_EQUAL(linnet_stream_feed(streams[i], r.wav.data + at[i], n), 0);
            note_events(streams[i], &beside[i]);
            at[i] += n;
            busy |= n > 0;
        }
    }
    for (int i = 0; i < N_DECODERS; i++) {
        CU_ASSERT_EQUAL(linnet_stream_finish(streams[i]), 0);
        note_events(streams[i], &beside[i]);
        CU_ASSERT_STRING_EQUAL(buffer_text(&beside[i]), buffer_text(&alone[i]));
        linnet_stream_close(streams[i]);
        buffer_free(&alone[i]);
        buffer_free(&beside[i]);
    }
    linnet_model_close(m);
    recording_close(&r);
}

/* Partials: what is committed stays, times go forward, each utterance ends with a final and an endpoint. */
static void test_events(void)
{
    struct recording r;
    struct settings s = {.n = 0};
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    stream_settings(&s, "attention_rescoring");
    linnet_stream *stream = stream_open(m, &s, 1);
    linnet_event e;
    char committed[1000] = "";
    double last_s = 0.0;
    int n_partial = 0, n_final = 0, n_endpoint = 0, n_end = 0;
    for (size_t at = 0; at <= r.wav.n_rows; at += 1600) {
        size_t n = r.wav.n_rows - at < 1600 ? r.wav.n_rows - at : 1600;
        CU_ASSERT_EQUAL(linnet_stream_feed(stream, r.wav.data + at, n), 0);
        if (n < 1600)
            CU_ASSERT_EQUAL(linnet_stream_finish(stream), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            n_partial += e.type == LINNET_EVENT_PARTIAL;
            n_final += e.type == LINNET_EVENT_FINAL;
            n_endpoint += e.type == LINNET_EVENT_ENDPOINT;
            n_end += e.type == LINNET_EVENT_END;
            if (e.type == LINNET_EVENT_PARTIAL || e.type == LINNET_EVENT_FINAL) {
                CU_ASSERT_EQUAL(strncmp(e.text, committed, strlen(committed)), 0);
                CU_ASSERT(e.committed <= strlen(e.text));
                snprintf(committed, sizeof committed, "%.*s", e.type == LINNET_EVENT_FINAL ? 0 : (int)e.committed,
                         e.text);
            }
            if (e.type == LINNET_EVENT_FINAL)
                for (int i = 0; i < e.n_words; i++) {
                    CU_ASSERT(e.words[i].start_s >= last_s - 1e-9 && e.words[i].end_s >= e.words[i].start_s);
                    last_s = e.words[i].end_s;
                }
        }
    }
    CU_ASSERT(n_partial > 5);
    CU_ASSERT(n_final >= 3);
    CU_ASSERT(n_endpoint >= 3);
    CU_ASSERT_EQUAL(n_end, 1);
    CU_ASSERT(last_s <= (double)r.wav.n_rows / 16000.0 + 1e-9);
    linnet_stream_close(stream);
    linnet_model_close(m);
    recording_close(&r);
}

/* 7 s of silence, the recording, 7 s of silence, twice: the gate opens where the detector hears speech and not before,
 * is shut by an endpoint, and the clock goes on.  Without it rule 1 ends an utterance every 5 s of silence. */
static void test_gate(void)
{
    enum { SILENCE = 7 * 16000 };
    static const char *const more[] = {"vad.gate=false", "vad.gate=true", "vad.gate=true", "vad.gate=true"};
    static const char *const detector[] = {"vad.pre_roll_ms=300", "vad.pre_roll_ms=300", "vad.pre_roll_ms=100",
                                           "vad.threshold_db=19"};
    struct recording r;
    recording_open(&r);
    size_t n_speech = r.wav.n_rows / 3 - 24000, n = 2 * (2 * SILENCE + n_speech);
    float *samples = calloc(n, sizeof *samples);
    for (size_t i = 0; i < 2; i++)
        memcpy(samples + SILENCE + i * (2 * SILENCE + n_speech), r.wav.data, n_speech * sizeof *samples);
    linnet_model *m = model_open(r.c.dir, 1);
    struct buffer first = {0}, again = {0};
    double starts[4] = {0};
    for (int way = 0; way < 4; way++) {
        struct settings s = {.n = 0};
        set(&s, "decoder.name=ctc_greedy");
        set(&s, "endpoint.blank_threshold=0"); /* a random model does not know silence: all is, and rule 1 fires */
        set(&s, "endpoint.rule2_silence_ms=1e9");
        set(&s, "%s", more[way]);
        set(&s, "%s", detector[way]);
        linnet_stream *stream = stream_open(m, &s, 1);
        linnet_event e;
        int n_endpoint = 0, n_final = 0;
        buffer_cut(&first, 0);
        run(stream, samples, n, 4000, &first);
        CU_ASSERT_EQUAL(linnet_stream_reset(stream), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(stream, samples, n), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(stream), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            n_final += e.type == LINNET_EVENT_FINAL;
            if (e.type == LINNET_EVENT_ENDPOINT && n_endpoint++ == 0)
                starts[way] = e.start_s;
            if (e.type == LINNET_EVENT_END)
                CU_ASSERT_DOUBLE_EQUAL(e.end_s, (double)n / 16000, 1e-6);
            if (way > 0 && e.type != LINNET_EVENT_END)
                CU_ASSERT(e.end_s > 6.5 && (e.start_s < 12 || e.start_s > 20));
        }
        CU_ASSERT(way == 0 ? n_endpoint >= 6 : way == 3 ? n_endpoint == 0 && n_final == 0 : n_endpoint == 2);
        for (size_t piece = 1; piece < 5000 && way == 1; piece = piece * 13 + 1) {
            buffer_cut(&again, 0);
            CU_ASSERT_EQUAL(linnet_stream_reset(stream), 0);
            run(stream, samples, n, piece, &again);
            CU_ASSERT_STRING_EQUAL(buffer_text(&again), buffer_text(&first));
        }
        linnet_stream_close(stream);
    }
    CU_ASSERT_DOUBLE_EQUAL(starts[0], 0, 1e-6);
    CU_ASSERT(starts[1] > 6.69 && starts[1] < 7.7);
    CU_ASSERT_DOUBLE_EQUAL(starts[2] - starts[1], 0.2, 1e-6);
    buffer_free(&first);
    buffer_free(&again);
    free(samples);
    linnet_model_close(m);
    recording_close(&r);
}

/* ---- long, and many ---- */

static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    if (f != NULL)
        fclose(f);
    return resident;
}

/* An hour through one stream: what is resident after a minute stays all there is. */
static void test_hour(void)
{
    enum { SECOND = 16000 };
    const int hour = getenv("LINNET_TEST_FEW") == NULL ? 3600 : 300; /* sanitizers slow it down twentyfold */
    struct recording r;
    struct settings s = {.n = 0};
    linnet_event e;
    long after_minute = 0;
    int n_final = 0;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    stream_settings(&s, "attention_rescoring");
    linnet_stream *stream = stream_open(m, &s, 1);
    for (int t = 0; t < hour; t++) {
        size_t at = (size_t)(t % 9) * SECOND;
        CU_ASSERT_EQUAL(linnet_stream_feed(stream, r.wav.data + at, SECOND), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            n_final += e.type == LINNET_EVENT_FINAL;
            CU_ASSERT(e.end_s <= t + 1.0);
            CU_ASSERT(e.type == LINNET_EVENT_END || e.start_s >= t - 9.0);
        }
        if (t == 60)
            after_minute = resident_pages();
    }
    printf(" %d results, %ld pages after a minute, %ld after %d s ", n_final, after_minute, resident_pages(), hour);
    CU_ASSERT(n_final > hour / 6);
    CU_ASSERT(resident_pages() <= after_minute + 256);
    linnet_stream_close(stream);
    linnet_model_close(m);
    recording_close(&r);
}

enum { N_STREAMS = 16 };

struct alone {
    linnet_model *model;
    const struct recording *recording;
    int i;
    struct buffer events;
};

static void *run_alone(void *arg)
{
    struct alone *a = arg;
    struct settings s = {.n = 0};
    stream_settings(&s, streaming_decoders[a->i % 3]);
    linnet_stream *stream = stream_open(a->model, &s, 1);
    size_t start = (size_t)(a->i % 4) * 5000;
    size_t n = getenv("LINNET_TEST_FEW") == NULL ? 80000 : 32000;
    run(stream, a->recording->wav.data + start, n, (size_t)(500 + 300 * a->i), &a->events);
    linnet_stream_close(stream);
    return NULL;
}

/* Sixteen streams on one model, each on a thread of its own: what each gives alone. */
static void test_many(void)
{
    struct recording r;
    struct alone together[N_STREAMS], one;
    pthread_t threads[N_STREAMS];
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 3);
    for (int i = 0; i < N_STREAMS; i++) {
        together[i] = (struct alone){.model = m, .recording = &r, .i = i};
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, run_alone, &together[i]), 0);
    }
    for (int i = 0; i < N_STREAMS; i++)
        CU_ASSERT_EQUAL(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < N_STREAMS; i++) {
        one = (struct alone){.model = m, .recording = &r, .i = i};
        run_alone(&one);
        CU_ASSERT(one.events.n > 200);
        CU_ASSERT_STRING_EQUAL(buffer_text(&together[i].events), buffer_text(&one.events));
        buffer_free(&together[i].events);
        buffer_free(&one.events);
    }
    linnet_model_close(m);
    recording_close(&r);
}

static int count_of(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

/* Phrases come oftener with a bonus, in every search; what cannot be spelled is told. */
static void test_phrases(void)
{
    static const char *const decoders[] = {"ctc_greedy", "ctc_prefix_beam", "attention", "attention_rescoring"};
    static const char *const phrases[] = {"c2 c2", "\xe6\x97\xa5"};
    static const float bonus[] = {8.0f, 8.0f};
    struct recording r;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    for (int i = 0; i < 4; i++) {
        struct settings s = {.n = 0};
        linnet_event e;
        int counts[2];
        set(&s, "decoder.name=%s", decoders[i]);
        for (int with = 0; with < 2; with++) {
            linnet_stream *stream = stream_open(m, &s, 0);
            if (with) {
                CU_ASSERT_EQUAL(linnet_stream_bias(stream, phrases, bonus, 2), 1);
                CU_ASSERT_PTR_NOT_NULL(strstr(linnet_stream_error(stream), phrases[1]));
            }
            struct reference start = {r.wav.data, 40000, 1};
            CU_ASSERT_EQUAL_FATAL(final_event(stream, &start, &e), 1);
            counts[with] = count_of(e.text, "c2");
            linnet_stream_close(stream);
        }
        CU_ASSERT(counts[1] > counts[0]);
    }
    linnet_model_close(m);
    recording_close(&r);
}

/* Parts of a recording: each gives what it gives alone, at its own time. */
static void test_clips(void)
{
    struct recording r;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    for (int streaming = 0; streaming < 2; streaming++) {
        struct settings s = {.n = 0}, clips = {.n = 0};
        linnet_event e;
        char first[500] = "";
        int n_final = 0;
        set(&s, "decoder.name=ctc_prefix_beam");
        set(&clips, "decoder.name=ctc_prefix_beam");
        set(&clips, "decoder.clip=0.5,2,5,6.5,100,200");
        linnet_stream *alone = stream_open(m, &s, streaming), *stream = stream_open(m, &clips, streaming);
        CU_ASSERT_EQUAL(linnet_stream_feed(alone, r.wav.data + 8000, 24000), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(alone), 0);
        while (linnet_stream_next(alone, &e) > 0)
            if (e.type == LINNET_EVENT_FINAL)
                snprintf(first, sizeof first, "%s", e.text);
        for (size_t at = 0; at < r.wav.n_rows; at += 777)
            CU_ASSERT_EQUAL(
                linnet_stream_feed(stream, r.wav.data + at, r.wav.n_rows - at < 777 ? r.wav.n_rows - at : 777), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(stream), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            if (e.type != LINNET_EVENT_FINAL)
                continue;
            double start = n_final == 0 ? 0.5 : 5.0;
            CU_ASSERT(e.start_s >= start - 1e-9 && e.end_s <= start + 1.5 + 1e-9);
            if (n_final++ == 0)
                CU_ASSERT_STRING_EQUAL(e.text, first);
        }
        CU_ASSERT_EQUAL(n_final, 2);
        linnet_stream_close(alone);
        linnet_stream_close(stream);
    }
    linnet_model_close(m);
    recording_close(&r);
}

/* At the end of a stream every sample is in an encoder frame, and none is added that sees silence alone. */
static void test_flush(void)
{
    struct converted c;
    struct nn_context ctx;
    CU_ASSERT_EQUAL_FATAL(converted_open(&c, "refs/wenet-u2pp"), 0);
    linnet_model *m = model_open(c.dir, 1);
    const struct subsampling *sub = &m->hybrid->encoder->subsampling;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    for (size_t n = 1; n < 30000; n += 397) {
        struct hybrid_encoder *e;
        struct hybrid_encoder_options options = {.chunk = 4, .left_chunks = 2, .pad = 1};
        struct hybrid_block block;
        static const float samples[30000];
        long n_frames = 0;
        CU_ASSERT_EQUAL_FATAL(hybrid_encoder_open(&e, m->hybrid, &ctx, &options, NULL), 0);
        for (size_t at = 0, taken; at < n; at += taken) {
            CU_ASSERT_EQUAL(hybrid_encoder_feed(e, samples + at, n - at, &taken, NULL), 0);
            while (hybrid_encoder_next(e, &block, NULL) > 0)
                n_frames += block.n;
        }
        CU_ASSERT_EQUAL(hybrid_encoder_finish(e, NULL), 0);
        while (hybrid_encoder_next(e, &block, NULL) > 0)
            n_frames += block.n;
        /* Frame t ends with sample (rate t + context) 160 + 400. */
        CU_ASSERT(((n_frames - 1) * sub->rate + sub->context) * 160 + 400 >= (long)n);
        CU_ASSERT(n_frames == 1 || ((n_frames - 2) * sub->rate + sub->context) * 160 + 400 < (long)n);
        hybrid_encoder_close(e);
    }
    nn_context_close(&ctx);
    linnet_model_close(m);
    converted_close(&c);
}

static void test_refusals(void)
{
    struct converted c;
    char error[500];
    linnet_stream *stream = NULL;
    struct linnet_stream_options options;
    struct settings s = {.n = 0};
    CU_ASSERT_EQUAL_FATAL(converted_open(&c, "refs/wenet-conformer-full"), 0);
    linnet_model *m = model_open(c.dir, 1);
    linnet_stream_options_init(&options);
    options.streaming = 1;
    CU_ASSERT_EQUAL(linnet_stream_open(m, &options, &stream, error, sizeof error), LINNET_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "not trained for chunks"));
    set(&s, "decoder.name=attention");
    options.settings = s.list;
    options.n_settings = 1;
    CU_ASSERT_EQUAL(linnet_stream_open(m, &options, &stream, error, sizeof error), LINNET_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "cannot stream"));
    /* No audio, and less than a frame of it: an end and nothing else. */
    options.streaming = 0;
    options.n_settings = 0;
    for (int n = 0; n < 1000; n += 300) {
        float nothing[1000] = {0};
        linnet_event e;
        CU_ASSERT_EQUAL_FATAL(linnet_stream_open(m, &options, &stream, error, sizeof error), 0);
        CU_ASSERT_EQUAL(linnet_stream_feed(stream, nothing, (size_t)n), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(stream), 0);
        CU_ASSERT_EQUAL(linnet_stream_next(stream, &e), 1);
        CU_ASSERT_EQUAL(e.type, LINNET_EVENT_END);
        linnet_stream_close(stream);
    }
    linnet_model_close(m);
    converted_close(&c);
}

static const struct unit_test tests[] = {
    {"tokens, scores, times, confidences of every reference", test_references},
    {"features, encoder output, log probabilities from the recording", test_forward},
    {"pieces of any size, again, on two threads: the same events", test_pieces},
    {"streams beside each other", test_interleaved},
    {"partial results, endpoints, times", test_events},
    {"phrases", test_phrases},
    {"parts of a recording", test_clips},
    {"the gate", test_gate},
    {"the end of a stream", test_flush},
    {"an hour through one stream", test_hour},
    {"sixteen streams at once", test_many},
    {"what cannot be done is refused", test_refusals},
};

int main(void)
{
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    return unit_main("hybrid", tests, sizeof tests / sizeof tests[0]);
}
