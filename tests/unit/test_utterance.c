/* SPDX-License-Identifier: Apache-2.0
 * test_utterance.c - what the utterances of a frame-synchronous decoder promise: partial and final events,
 * endpoints, phrases, clips, the gate, the end of a stream, refusals. */
#include <math.h>
#include <string.h>

#include "decoders/utterance/frames.h"
#include "models/model.h"
#include "tests/support/wenet_stream.h"

/* Partials: what is committed stays, times go forward, each utterance ends with a final and an endpoint. */
static void test_events(void)
{
    struct recording r;
    struct setting_texts s = {.n = 0};
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

/* Units that are whole words: of n ids, in place of the model's. */
static void write_words(const char *dir, int n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/units.txt", dir);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (int id = 0; id < n; id++)
        if (id == 0 || id == n - 1)
            fprintf(f, "%s %d\n", id == 0 ? "<blank>" : "<sos/eos>", id);
        else
            fprintf(f, "word%d %d\n", id, id);
    fclose(f);
}

/* Partial text has spaces between all of its words, also where the committed ones end. */
static void test_partial_words(void)
{
    struct recording r;
    struct setting_texts s = {.n = 0};
    struct buffer text = {0};
    linnet_event e;
    int n_committed = 0;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    int n = m->vocab->n;
    linnet_model_close(m);
    write_words(r.c.dir, n);
    m = model_open(r.c.dir, 1);
    stream_settings(&s, "ctc_prefix_beam");
    linnet_stream *stream = stream_open(m, &s, 1);
    CU_ASSERT_EQUAL(linnet_stream_feed(stream, r.wav.data, r.wav.n_rows), 0);
    while (linnet_stream_next(stream, &e) > 0) {
        if (e.type != LINNET_EVENT_PARTIAL)
            continue;
        n_committed += e.committed > 0 && e.committed < strlen(e.text);
        buffer_cut(&text, 0);
        CU_ASSERT_EQUAL(vocab_text(m->vocab, e.tokens, e.n_tokens, 1, &text), 0);
        CU_ASSERT_STRING_EQUAL(e.text, buffer_text(&text));
    }
    CU_ASSERT(n_committed > 0);
    buffer_free(&text);
    linnet_stream_close(stream);
    linnet_model_close(m);
    recording_close(&r);
}

/* 7 s of silence, the recording, 7 s of silence, twice: the gate opens where the detector finds speech and not before,
 * is closed by an endpoint, and the clock runs on.  Without it rule 1 ends an utterance every 5 s of silence. */
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
        struct setting_texts s = {.n = 0};
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

static int count_of(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

/* Of these two phrases the second cannot be spelled, and is reported with the reason, however often and in however
 * little room; the first is boosted in the end. */
static void check_unspelled(linnet_stream *stream, const char *const phrases[2], const float bonus[2])
{
    const char *many[100];
    char unspelled[200] = "x", cut[5] = "x", wanted[20];
    for (int i = 0; i < 100; i++)
        many[i] = phrases[1];
    CU_ASSERT_EQUAL(linnet_stream_bias(stream, many, NULL, 100, cut, sizeof cut), 0);
    CU_ASSERT_EQUAL(strlen(cut), sizeof cut - 1);
    CU_ASSERT_EQUAL(linnet_stream_bias(stream, phrases, bonus, 1, unspelled, sizeof unspelled), 1);
    CU_ASSERT_STRING_EQUAL(unspelled, "");
    CU_ASSERT_EQUAL(linnet_stream_bias(stream, phrases, bonus, 2, NULL, 0), 1);
    CU_ASSERT_EQUAL(linnet_stream_bias(stream, phrases, bonus, 2, unspelled, sizeof unspelled), 1);
    snprintf(wanted, sizeof wanted, "%s: ", phrases[1]);
    CU_ASSERT_EQUAL(strncmp(unspelled, wanted, strlen(wanted)), 0);
    CU_ASSERT(strlen(unspelled) > strlen(wanted) + 5 && strchr(unspelled, '\n') == unspelled + strlen(unspelled) - 1);
    CU_ASSERT_STRING_EQUAL(linnet_stream_error(stream), "");
}

/* Phrases are recognised more often with a bonus, in every search; what cannot be spelled is reported. */
static void test_phrases(void)
{
    static const char *const decoders[] = {"ctc_greedy", "ctc_prefix_beam", "attention", "attention_rescoring"};
    static const char *const phrases[] = {"c2 c2", "\xe6\x97\xa5"};
    static const float bonus[] = {8.0f, 8.0f};
    struct recording r;
    recording_open(&r);
    linnet_model *m = model_open(r.c.dir, 1);
    for (int i = 0; i < 4; i++) {
        struct setting_texts s = {.n = 0};
        linnet_event e;
        int counts[2];
        set(&s, "decoder.name=%s", decoders[i]);
        for (int with = 0; with < 2; with++) {
            linnet_stream *stream = stream_open(m, &s, 0);
            if (with)
                check_unspelled(stream, phrases, bonus);
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
        struct setting_texts s = {.n = 0}, clips = {.n = 0};
        linnet_event e;
        char first[500] = "";
        double first_s = -1.0; /* the time of the second hypothesis's last token */
        int n_final = 0;
        set(&s, "decoder.name=ctc_prefix_beam");
        set(&s, "decoder.nbest=2");
        set(&clips, "decoder.name=ctc_prefix_beam");
        set(&clips, "decoder.nbest=2");
        set(&clips, "decoder.clip=0.5,2,5,6.5,100,200");
        linnet_stream *alone = stream_open(m, &s, streaming), *stream = stream_open(m, &clips, streaming);
        CU_ASSERT_EQUAL(linnet_stream_feed(alone, r.wav.data + 8000, 24000), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(alone), 0);
        while (linnet_stream_next(alone, &e) > 0)
            if (e.type == LINNET_EVENT_FINAL) {
                CU_ASSERT_FATAL(e.n_nbest == 2 && e.nbest[1].n_tokens > 0);
                snprintf(first, sizeof first, "%s", e.text);
                first_s = e.nbest[1].times_s[e.nbest[1].n_tokens - 1];
            }
        CU_ASSERT(first_s > 0);
        for (size_t at = 0; at < r.wav.n_rows; at += 777)
            CU_ASSERT_EQUAL(
                linnet_stream_feed(stream, r.wav.data + at, r.wav.n_rows - at < 777 ? r.wav.n_rows - at : 777), 0);
        CU_ASSERT_EQUAL(linnet_stream_finish(stream), 0);
        while (linnet_stream_next(stream, &e) > 0) {
            if (e.type != LINNET_EVENT_FINAL)
                continue;
            double start = n_final == 0 ? 0.5 : 5.0;
            CU_ASSERT(e.start_s >= start - 1e-9 && e.end_s <= start + 1.5 + 1e-9);
            CU_ASSERT_FATAL(e.n_nbest == 2 && e.nbest[0].n_tokens > 0 && e.nbest[1].n_tokens > 0);
            CU_ASSERT(e.nbest[0].times_s[0] >= start && e.nbest[0].times_s[0] < e.end_s);
            if (n_final++ > 0)
                continue;
            CU_ASSERT_STRING_EQUAL(e.text, first);
            CU_ASSERT_DOUBLE_EQUAL(e.nbest[1].times_s[e.nbest[1].n_tokens - 1], start + first_s, 1e-9);
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
    const struct encoder *encoder = m->encoder;
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&ctx, NULL, NULL), 0);
    for (size_t n = 1; n < 30000; n += 397) {
        struct frames *f;
        struct frames_options options = {.chunk = 4, .left_chunks = 2, .pad = 1};
        struct frame_block block;
        static const float samples[30000];
        long n_frames = 0;
        CU_ASSERT_EQUAL_FATAL(frames_open(&f, m, &ctx, &options, NULL), 0);
        for (size_t at = 0, taken; at < n; at += taken) {
            CU_ASSERT_EQUAL(frames_feed(f, samples + at, n - at, &taken, NULL), 0);
            while (frames_next(f, &block, NULL) > 0)
                n_frames += block.n;
        }
        CU_ASSERT_EQUAL(frames_finish(f, NULL), 0);
        while (frames_next(f, &block, NULL) > 0)
            n_frames += block.n;
        /* Frame t ends with sample (rate t + context) 160 + 400. */
        CU_ASSERT(((n_frames - 1) * encoder->rate + encoder->context) * 160 + 400 >= (long)n);
        CU_ASSERT(n_frames == 1 || ((n_frames - 2) * encoder->rate + encoder->context) * 160 + 400 < (long)n);
        frames_close(f);
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
    struct setting_texts s = {.n = 0};
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
    {"partial results, endpoints, times", test_events},
    {"words of partial results", test_partial_words},
    {"phrases", test_phrases},
    {"parts of a recording", test_clips},
    {"the gate", test_gate},
    {"the end of a stream", test_flush},
    {"what cannot be done is refused", test_refusals},
};

int main(void)
{
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    return unit_main("utterances", tests, sizeof tests / sizeof tests[0]);
}
