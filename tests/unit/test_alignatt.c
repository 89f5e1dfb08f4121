/* SPDX-License-Identifier: Apache-2.0
 * Streaming Whisper: the truncation head by hand, what Simul-Whisper emitted chunk by chunk, and what must not depend on
 * how audio is fed.  Skipped where Whisper base is not in the model cache. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "decoders/alignatt_head.h"
#include "decoders/alignatt_text.h"
#include "convert/convert.h"
#include "decoders/model.h"
#include "decoders/whisper_model.h"
#include "decoders/whisper_prompt.h"
#include "frontend/audio_file.h"
#include "tests/support/unit.h"

static linnet_model *model;
static char model_dir[4200], head_dir[64];

static const char *const recordings[] = {"000030012", "000940012", "001200015", "004570010",
                                         "008110043", "010500012", "011350001", "012930008"};
enum { N_RECORDINGS = sizeof recordings / sizeof recordings[0], RATE_HZ = 16000 };

#define REFERENCES "refs/simul-whisper" /* where they lie */
#define UTTERANCES "data/speechocean762-dev/wav"

static float *read_recording(const char *folder, const char *name, size_t *n)
{
    char path[4400];
    struct audio_file *f;
    snprintf(path, sizeof path, "%s/%s/%s.flac", unit_shared(), folder, name);
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE_HZ, NULL), 0);
    float *samples = mem_array(30 * RATE_HZ, sizeof *samples);
    long n_read = audio_file_read(f, samples, 30 * RATE_HZ, NULL);
    CU_ASSERT_FATAL(n_read > RATE_HZ);
    audio_file_close(f);
    *n = (size_t)n_read;
    return samples;
}

static linnet_stream *open_stream(const char *const *settings, size_t n)
{
    struct linnet_stream_options o;
    linnet_stream *s = NULL;
    char error[500] = "";
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = n;
    o.streaming = 1;
    int rc = linnet_stream_open(model, &o, &s, error, sizeof error);
    if (rc < 0)
        printf("%s\n", error);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
    return s;
}

/* Events as text, one a line: type, times, committed, text, tokens, words. */
static void take_events(linnet_stream *s, struct buffer *out)
{
    linnet_event e;
    int rc = 0;
    while (linnet_stream_next(s, &e) > 0) {
        rc |= buffer_printf(out, "%d %.4f %.4f %zu '%s' %.9g", e.type, e.start_s, e.end_s, e.committed, e.text, e.logprob);
        for (int i = 0; i < e.n_tokens; i++)
            rc |= buffer_printf(out, " %d", e.tokens[i]);
        for (int i = 0; i < e.n_words; i++)
            rc |= buffer_printf(out, " {%s %.4f %.4f}", e.words[i].text, e.words[i].start_s, e.words[i].end_s);
        rc |= buffer_puts(out, "\n");
        CU_ASSERT(e.committed <= strlen(e.text) && e.start_s <= e.end_s);
    }
    CU_ASSERT_EQUAL(rc, 0);
}

static void run(linnet_stream *s, const float *samples, size_t n, size_t chunk, struct buffer *out)
{
    for (size_t at = 0; at < n; at += chunk) {
        CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples + at, n - at < chunk ? n - at : chunk), 0);
        take_events(s, out);
    }
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    take_events(s, out);
}

/* From -0.5 to 0.5. */
static float noise_of(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(*seed >> 8) / 16777216.0f - 0.5f;
}

/* D = 1 with weight 1: the state is the logit of the amount.  The last frame's amount is not added up. */
static void head_fires_where_a_word_ends(void)
{
    static const float halves[] = {0, 0, 0, 0}, reaches[] = {0, -0.405465f, -0.847298f, 1.386294f};
    static const float early[] = {-8, 0, -8, 0, 0, 0}, never[] = {0, 0, 0, 0, -8, -8};
    const struct nn_kernels *k = kernels_pick();
    float one = 1, amounts[6];
    /* .5 1 1.5: the first word is full at frame 1, and the end is frame 2 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, halves, 4, 1, amounts), 0);
    /* .5 .9 1.2: full at frame 2 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, reaches, 4, 1, amounts), 1);
    /* 0 .5 .5 1 1.5: full at frame 3 of 4 */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, early, 6, 1, amounts), 0);
    /* just below two words all along the end */
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, never, 6, 1, amounts), 0);
    CU_ASSERT_EQUAL(alignatt_head_fires(k, &one, 0, never, 1, 1, amounts), 0);
}

static int same_tokens(const json_t *want, const linnet_event *e)
{
    int same = json_array_size(want) == (size_t)e->n_tokens;
    for (int i = 0; same && i < e->n_tokens; i++)
        same = json_integer_value(json_array_get(want, (size_t)i)) == e->tokens[i];
    return same;
}

/* Feeds one recording; 1 when every chunk gives the tokens that Simul-Whisper gave. */
static int equals_simul_whisper(linnet_stream *s, const char *name)
{
    char path[4400];
    size_t n, i;
    float *samples = read_recording(REFERENCES, name, &n);
    snprintf(path, sizeof path, "%s/" REFERENCES "/%s.json", unit_shared(), name);
    json_t *root = json_load_file(path, 0, NULL), *chunks = json_object_get(root, "chunks"), *chunk;
    CU_ASSERT_FATAL(json_array_size(chunks) > 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    int same = 1;
    linnet_event e;
    json_array_foreach(chunks, i, chunk)
    {
        const json_t *want = json_object_get(chunk, "tokens");
        if (json_array_size(want) == 0)
            continue;
        same = same && linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_FINAL && same_tokens(want, &e) &&
               (int)(e.start_s / 0.999) == (int)i;
    }
    same = same && linnet_stream_next(s, &e) > 0 && e.type == LINNET_EVENT_END;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_reset(s), 0);
    json_decref(root);
    mem_free(samples);
    return same;
}

static void chunks_equal_simul_whispers(void)
{
    char head[100];
    int n_same = 0;
    snprintf(head, sizeof head, "decoder.head=%s", head_dir);
    const char *const settings[] = {"decoder.compat=simul-whisper", "language=en", head};
    linnet_stream *s = open_stream(settings, 3);
    for (int i = 0; i < N_RECORDINGS; i++) {
        int same = equals_simul_whisper(s, recordings[i]);
        if (!same)
            printf("%s differs\n", recordings[i]);
        n_same += same;
    }
    linnet_stream_close(s);
    CU_ASSERT(n_same >= 7);
}

static void feeding_does_not_matter(void)
{
    static const char *const settings[][3] = {{"endpoint.rule3_utterance_ms=2500", "language=en", "decoder.buffer_s=3"},
                                              {"language=en", "decoder.compat=simul-whisper", "decoder.buffer_s=3"}};
    static const size_t chunks[] = {1, 7, 160, 4000};
    size_t n;
    float *samples = read_recording(REFERENCES, recordings[0], &n);
    for (int way = 0; way < 2; way++) {
        linnet_stream *s = open_stream(settings[way], 3);
        struct buffer whole = {0}, cut = {0};
        run(s, samples, n, n, &whole);
        CU_ASSERT_PTR_NOT_NULL(strstr(buffer_text(&whole), way == 0 ? "elephant" : "Mark"));
        for (size_t i = way == 0 ? 0 : 3; i < sizeof chunks / sizeof chunks[0]; i++) {
            CU_ASSERT_EQUAL_FATAL(linnet_stream_reset(s), 0);
            buffer_cut(&cut, 0);
            run(s, samples, n, chunks[i], &cut);
            CU_ASSERT_STRING_EQUAL(buffer_text(&cut), buffer_text(&whole));
        }
        buffer_free(&whole);
        buffer_free(&cut);
        linnet_stream_close(s);
    }
    mem_free(samples);
}

/* What was committed stays: each later text of the utterance starts with it. */
static void committed_text_stays(void)
{
    static const char *const settings[] = {"language=en"};
    size_t n;
    float *samples = read_recording(REFERENCES, recordings[3], &n);
    linnet_stream *s = open_stream(settings, 1);
    char said[1000] = "";
    linnet_event e;
    int n_partials = 0;
    for (size_t at = 0; at < n; at += 4000) {
        CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples + at, n - at < 4000 ? n - at : 4000), 0);
        if (at + 4000 >= n)
            CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
        while (linnet_stream_next(s, &e) > 0) {
            if (e.type != LINNET_EVENT_PARTIAL && e.type != LINNET_EVENT_FINAL)
                continue;
            n_partials += e.type == LINNET_EVENT_PARTIAL;
            CU_ASSERT_EQUAL(strncmp(e.text, said, strlen(said)), 0);
            snprintf(said, sizeof said, "%.*s", e.type == LINNET_EVENT_FINAL ? 0 : (int)e.committed, e.text);
        }
    }
    CU_ASSERT(n_partials > 1);
    linnet_stream_close(s);
    mem_free(samples);
}

/* A token in the middle of a segment. */
static void add_token(struct alignatt_text *t, int id, int64_t frame, float logprob)
{
    alignatt_text_add(t, id, (struct alignatt_token){frame, logprob, {-1, -1}});
}

/* The vocabulary spells some characters with two or three tokens: 17527 and 96 are one.  A text that is read up to its
 * middle is shown, and said for good, without its first part. */
static void characters_are_not_cut(void)
{
    enum { A = 17527, B = 96, C = 46974 };
    struct recipe recipe = {0};
    struct events events = {0};
    struct message msg = {""};
    struct alignatt_text t;
    linnet_event e;
    CU_ASSERT_EQUAL_FATAL(recipe_open(&recipe, &msg), 0);
    struct decoder_host host = {.model = model, .recipe = &recipe, .events = &events, .msg = &msg};
    const struct whisper_vocab *vocab = model->whisper->vocab;
    CU_ASSERT_EQUAL_FATAL(alignatt_text_open(&t, &host, vocab, 20, 20), 0);
    t.language = whisper_vocab_language(vocab, "zh");
    add_token(&t, C, 10, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_cut_unfinished(&t), -1);
    add_token(&t, A, 20, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_cut_unfinished(&t), A);
    CU_ASSERT_EQUAL(t.n, 1);
    CU_ASSERT_EQUAL(alignatt_text_settled(&t, A, 1000), 1);
    CU_ASSERT_EQUAL(alignatt_text_show(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    char first[20];
    snprintf(first, sizeof first, "%s", e.text);
    CU_ASSERT_EQUAL(strlen(first), 3);
    add_token(&t, A, 20, -0.1f);
    add_token(&t, B, 22, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_cut_unfinished(&t), -1);
    CU_ASSERT_EQUAL(t.n, 3);
    CU_ASSERT_EQUAL(alignatt_text_show(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    CU_ASSERT(strlen(e.text) == 6 && strncmp(e.text, first, 3) == 0 && utf8_valid(e.text, 6) == 6);
    CU_ASSERT_PTR_NULL(strstr(e.text, "\xef\xbf\xbd"));
    /* What is taken back is taken back on the screen. */
    alignatt_text_cut(&t, 0);
    CU_ASSERT_EQUAL(alignatt_text_show(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    CU_ASSERT(e.type == LINNET_EVENT_PARTIAL && e.text[0] == '\0');
    CU_ASSERT_EQUAL(alignatt_text_show(&t, 1), 0);
    CU_ASSERT_EQUAL(events_pop(&events, &e), 0);
    alignatt_text_close(&t);
    events_clear(&events);
    recipe_close(&recipe);
}

/* An empty text in English with the tokens of some words, n of them. */
struct words {
    struct recipe recipe;
    struct message msg;
    struct decoder_host host;
    struct alignatt_text text;
    int *ids, n_ids;
};

static void words_open(struct words *w, const char *words, int n)
{
    const struct whisper_vocab *vocab = model->whisper->vocab;
    *w = (struct words){0};
    w->host = (struct decoder_host){.model = model, .recipe = &w->recipe, .msg = &w->msg};
    CU_ASSERT_EQUAL_FATAL(recipe_open(&w->recipe, &w->msg), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_prompt_encode(vocab, words, &w->ids, &w->n_ids, &w->msg), 0);
    CU_ASSERT_EQUAL_FATAL(w->n_ids, n);
    CU_ASSERT_EQUAL_FATAL(alignatt_text_open(&w->text, &w->host, vocab, 20, 20), 0);
    w->text.language = whisper_vocab_language(vocab, "en");
}

static void words_close(struct words *w)
{
    alignatt_text_close(&w->text);
    mem_free(w->ids);
    recipe_close(&w->recipe);
}

/* " one" is unlikely, " two" is not: 3 s, or 0.2 s for what is likely. */
static void words_settle_by_age(void)
{
    struct words w;
    words_open(&w, "one two", 2);
    struct alignatt_text *t = &w.text;
    add_token(t, w.ids[0], 100, -2);
    add_token(t, w.ids[1], 120, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 250), 0); /* the first one is 3 s old at frame 250 */
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 251), 2);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, w.ids[1], 251), 2);
    t->at[0].logprob = -0.1f; /* likely, both */
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 110), 0);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 111), 1);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 131), 2);
    words_close(&w);
}

/* However likely: 2, 8 may go on as 2891. */
static void numbers_wait(void)
{
    struct words w;
    words_open(&w, "one 28", 2);
    add_token(&w.text, w.ids[0], 100, -0.01f);
    add_token(&w.text, w.ids[1], 120, -0.01f);
    CU_ASSERT_EQUAL(alignatt_text_settled(&w.text, -1, 270), 1);
    CU_ASSERT_EQUAL(alignatt_text_settled(&w.text, -1, 271), 2);
    words_close(&w);
}

/* Four tokens three times are a loop, of which the first time counts as said; one token is after six times, unless they
 * come faster than anybody speaks. */
static void repetitions_are_loops(void)
{
    struct words w;
    words_open(&w, "one", 1);
    struct alignatt_text *t = &w.text;
    for (int i = 0; i < 11; i++)
        add_token(t, 100 + i % 4, 20 * i, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_loop(t), 0);
    add_token(t, 103, 220, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_loop(t), 8);
    for (int frames = 3; frames <= 20; frames += 17) {
        alignatt_text_cut(t, 0);
        for (int i = 0; i < 5; i++)
            add_token(t, 100, frames * i, -0.1f);
        CU_ASSERT_EQUAL(alignatt_text_loop(t), frames == 3 ? 4 : 0);
    }
    add_token(t, 100, 100, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_loop(t), 5);
    words_close(&w);
}

/* "one two three" and "two" are final, two segments; an utterance that begins as one of them does may be an echo of
 * it, and what there is of it waits. */
static void echoes_wait(void)
{
    struct words w;
    words_open(&w, "one two three", 3);
    struct alignatt_text *t = &w.text;
    const int ids[] = {w.ids[0], w.ids[1], w.ids[2], w.ids[1], w.ids[2], w.ids[1], w.ids[0]};
    for (int i = 0; i < 7; i++)
        alignatt_text_add(t, ids[i], (struct alignatt_token){50 * i, -0.01f, {-1, i == 3 ? 140 : -1}});
    t->n_final = t->n_said = 4;
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 0); /* "three": no segment begins so */
    t->ids[4] = w.ids[1];
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 1);
    t->ids[4] = w.ids[0];
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 2); /* "one two", and then "one", not "three" */
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 311), 4);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 350), 4);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 351), 5);
    CU_ASSERT_EQUAL(alignatt_text_settled(t, -1, 401), 7);
    words_close(&w);
}

/* The end of a sentence that is only heard again is no place to cut the open utterance. */
static void cuts_are_in_the_open_utterance(void)
{
    struct words w;
    words_open(&w, "one. two two two", 5);
    struct alignatt_text *t = &w.text;
    for (int i = 0; i < w.n_ids; i++)
        add_token(t, w.ids[i], 50 * i, -0.1f);
    t->n_said = 5;
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 1000), 2); /* all of one utterance */
    t->n_final = 2;
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 1000), 4);
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 101), 3);
    words_close(&w);
}

/* Chinese in steps so short that readings end anywhere: whole characters only, committed ones too, and the words. */
static void chinese_is_read_by_characters(void)
{
    static const char *const settings[] = {"language=zh", "decoder.segment_s=0.3", "decoder.frame_threshold=2"};
    char path[4400], said[500] = "";
    struct audio_file *f;
    linnet_event e;
    int n_partials = 0;
    snprintf(path, sizeof path, "%s/audio/aishell-BAC009S0724W0121.wav", unit_shared());
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&f, path, NULL, RATE_HZ, NULL), 0);
    float *samples = mem_array(10 * RATE_HZ, sizeof *samples);
    long n = audio_file_read(f, samples, 10 * RATE_HZ, NULL);
    linnet_stream *s = open_stream(settings, 3);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, (size_t)n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        CU_ASSERT_EQUAL(utf8_valid(e.text, strlen(e.text)), strlen(e.text));
        CU_ASSERT_EQUAL(utf8_valid(e.text, e.committed), e.committed);
        CU_ASSERT_PTR_NULL(strstr(e.text, "\xef\xbf\xbd"));
        n_partials += e.type == LINNET_EVENT_PARTIAL;
        if (e.type == LINNET_EVENT_FINAL)
            strncat(said, e.text, sizeof said - strlen(said) - 1);
    }
    CU_ASSERT(n_partials > 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "地產")); /* real estate, as Whisper base writes it of the whole recording too */
    linnet_stream_close(s);
    audio_file_close(f);
    mem_free(samples);
}

/* Recordings, each with `pause` samples of silence after it and two seconds more at the end; *n: samples of it all. */
static float *one_after_another(const char *folder, const char *const *names, size_t n_names, size_t pause, size_t *n)
{
    size_t at = 0, n_one;
    float *samples = mem_array(60 * RATE_HZ, sizeof *samples);
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    for (size_t i = 0; i < n_names; i++) {
        float *one = read_recording(folder, names[i], &n_one);
        CU_ASSERT_FATAL(at + n_one + pause + 2 * RATE_HZ <= 60 * RATE_HZ);
        memcpy(samples + at, one, n_one * sizeof *one);
        at += n_one + pause;
        mem_free(one);
    }
    *n = at + 2 * RATE_HZ;
    return samples;
}

/* 150 ms of noise. */
static void add_click(float *samples)
{
    unsigned seed = 1;
    for (int i = 0; i < RATE_HZ * 15 / 100; i++)
        samples[i] = 0.2f * noise_of(&seed);
}

/* What is heard again is not said again, noise after speech says nothing, and pieces of any size are the same. */
static void earlier_utterances_are_context(void)
{
    static const char *const settings[] = {"language=en", "endpoint.rule2_silence_ms=600"};
    const char *const names[] = {recordings[0], recordings[4]};
    size_t n;
    float *samples = one_after_another(REFERENCES, names, 2, RATE_HZ, &n);
    add_click(samples + n - 2 * RATE_HZ);
    linnet_stream *s = open_stream(settings, 2);
    struct buffer whole = {0}, cut = {0};
    run(s, samples, n, n, &whole);
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    run(s, samples, n, 777, &cut);
    CU_ASSERT_STRING_EQUAL(buffer_text(&cut), buffer_text(&whole));
    CU_ASSERT_EQUAL(linnet_stream_reset(s), 0);
    linnet_event e;
    char said[500] = "";
    double last = 0;
    int n_finals = 0;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        if (e.type != LINNET_EVENT_FINAL)
            continue;
        CU_ASSERT(e.start_s >= last);
        last = e.end_s;
        n_finals++;
        strncat(said, e.text, sizeof said - strlen(said) - 1);
    }
    CU_ASSERT_EQUAL(n_finals, 2);
    const char *first = strstr(said, "elephant"), *second = strstr(said, "states have not had much time");
    CU_ASSERT(first != NULL && second > first);
    CU_ASSERT_PTR_NULL(strstr(first + 1, "elephant"));
    CU_ASSERT(second != NULL && strlen(second) <= strlen("states have not had much time."));
    linnet_stream_close(s);
    buffer_free(&whole);
    buffer_free(&cut);
    mem_free(samples);
}

/* Recordings one after another say three things one after another. */
static void check_order(const char *folder, const char *const *names, size_t n_names, size_t pause,
                        const char *const wanted[3])
{
    static const char *const settings[] = {"language=en"};
    size_t n;
    float *samples = one_after_another(folder, names, n_names, pause, &n);
    linnet_stream *s = open_stream(settings, 1);
    linnet_event e;
    char said[500] = "";
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0)
        if (e.type == LINNET_EVENT_FINAL)
            strncat(said, e.text, sizeof said - strlen(said) - 1);
    const char *first = strstr(said, wanted[0]), *second = strstr(said, wanted[1]), *third = strstr(said, wanted[2]);
    CU_ASSERT(first != NULL && second > first && third > second);
    linnet_stream_close(s);
    mem_free(samples);
}

/* A sentence that has ended does not end what is heard: without the times of the segments in the prompt the model says
 * nothing of the third speaker. */
static void speakers_take_turns(void)
{
    static const char *const wanted[] = {"After all", "the key to", "elephant"};
    const char *const turns[] = {recordings[3], recordings[6], recordings[0]};
    check_order(REFERENCES, turns, 3, RATE_HZ / 4, wanted);
}

/* Whisper base says what it said before, "We must at your house", for the second and the third as well. */
static void nothing_is_echoed(void)
{
    static const char *const names[] = {"050170129", "028920174", "023550175", "001110009",
                                        "096170001", "000030145", "021120296"};
    static const char *const wanted[] = {"house", "old pattern", "Old people"};
    check_order(UTTERANCES, names, 7, RATE_HZ / 2, wanted);
}

/* After "two three zero zero" Whisper base goes on counting, over the fifth of them. */
static void loops_are_left(void)
{
    static const char *const names[] = {"001130002", "001130023", "001130054", "001130087", "001130138", "001200015"};
    static const char *const wanted[] = {"0, 0", "not a ", "We were fortunate"};
    check_order(UTTERANCES, names, 6, RATE_HZ / 2, wanted);
}

/* After the fifth Whisper base takes it that all is said, though the last two, of another speaker, are to come. */
static void nobody_is_passed_over(void)
{
    static const char *const settings[] = {"language=en"};
    static const char *const names[] = {"014650011", "014650038", "014650047", "014650085",
                                        "014650113", "015010004", "015010041"};
    size_t n;
    float *samples = one_after_another(UTTERANCES, names, 7, RATE_HZ / 2, &n);
    linnet_stream *s = open_stream(settings, 1);
    linnet_event e;
    double last = 0;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0)
        last = e.type == LINNET_EVENT_FINAL && e.text[0] != '\0' ? e.end_s : last;
    CU_ASSERT((double)n / RATE_HZ - last < 7); /* silence of 2.5 s, and the last of them is 3.3 s long */
    linnet_stream_close(s);
    mem_free(samples);
}

static void silence_and_noise_say_nothing(void)
{
    static const char *const settings[] = {"language=en"};
    static float samples[8 * RATE_HZ];
    unsigned seed = 1;
    for (int noise = 0; noise < 2; noise++) {
        linnet_stream *s = open_stream(settings, 1);
        struct buffer out = {0};
        for (int i = 0; i < 8 * RATE_HZ && noise; i++)
            samples[i] = 0.02f * noise_of(&seed);
        run(s, samples, 8 * RATE_HZ, 4000, &out);
        CU_ASSERT_STRING_EQUAL(buffer_text(&out), "4 0.0000 8.0000 0 '' 0\n");
        buffer_free(&out);
        linnet_stream_close(s);
    }
}

/* ---- when utterances end ---- */

enum { LEAD = 2 * RATE_HZ, TAIL = 7 * RATE_HZ };

/* A recording between 2 s and 7 s of a quiet room; instead of speech, `click` gives 0.15 s of loud noise. */
static float *in_silence(int click, size_t *n)
{
    size_t n_speech;
    float *speech = read_recording(REFERENCES, recordings[4], &n_speech);
    float *samples = mem_array(LEAD + n_speech + TAIL, sizeof *samples);
    unsigned seed = 1;
    CU_ASSERT_PTR_NOT_NULL_FATAL(samples);
    if (click)
        n_speech = RATE_HZ * 15 / 100;
    *n = LEAD + n_speech + TAIL;
    for (size_t i = 0; i < *n; i++) {
        int is_speech = i >= LEAD && i < LEAD + n_speech;
        float noise = noise_of(&seed);
        samples[i] = (is_speech && click ? 0.2f : 0.01f) * noise + (is_speech && !click ? speech[i - LEAD] : 0);
    }
    mem_free(speech);
    return samples;
}

/* What came of it: the first endpoint, if any, and all final texts. */
struct ending {
    double start_s, end_s; /* of the utterance */
    int rule, n;           /* of the first endpoint; how many there were */
    char text[500];
};

static struct ending ending_of(const float *samples, size_t n, const char *one, const char *two)
{
    const char *const settings[] = {"language=en", one, two};
    linnet_stream *s = open_stream(settings, two != NULL ? 3 : 2);
    struct ending found = {0};
    linnet_event e;
    CU_ASSERT_EQUAL_FATAL(linnet_stream_feed(s, samples, n), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_finish(s), 0);
    while (linnet_stream_next(s, &e) > 0) {
        if (e.type == LINNET_EVENT_FINAL)
            strncat(found.text, e.text, sizeof found.text - strlen(found.text) - 1);
        if (e.type == LINNET_EVENT_ENDPOINT && found.n++ == 0) {
            found.start_s = e.start_s;
            found.end_s = e.end_s;
            CU_ASSERT_EQUAL(sscanf(e.text, "rule %d", &found.rule), 1);
        }
    }
    linnet_stream_close(s);
    return found;
}

/* The recording's last sound is at 4.96 s of the stream. */
static void endpoint_rules_end_utterances(void)
{
    size_t n;
    float *samples = in_silence(0, &n), *click;
    struct ending usual = ending_of(samples, n, "endpoint.rule2_silence_ms=1000", NULL);
    CU_ASSERT(usual.rule == 2 && usual.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(usual.end_s, 5.96, 0.1);
    CU_ASSERT_PTR_NOT_NULL(strstr(usual.text, "states have not had much time"));
    struct ending e = ending_of(samples, n, "endpoint.rule2_silence_ms=2500", NULL);
    CU_ASSERT(e.rule == 2 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - usual.end_s, 1.5, 0.021); /* it is looked for every 20 ms */
    e = ending_of(samples, n, "endpoint.rule2_silence_ms=1e9", "endpoint.rule1_silence_ms=3000");
    CU_ASSERT(e.rule == 1 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - usual.end_s, 2, 0.021);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    e = ending_of(samples, n, "endpoint.rule2_silence_ms=1e9", "endpoint.rule1_silence_ms=1e9");
    CU_ASSERT(e.n == 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    /* In the middle of speech: words before the cut are final, those after it come later. */
    e = ending_of(samples, n, "endpoint.rule3_utterance_ms=1500", "decoder.delay_s=1");
    CU_ASSERT(e.rule == 3 && e.n > 1 && e.end_s < 4.96);
    CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "states have not had much time"));
    /* A sound that is no speech: nothing said, rule 1 alone ends that. */
    click = in_silence(1, &n);
    e = ending_of(click, n, "endpoint.rule1_silence_ms=3000", NULL);
    CU_ASSERT(e.rule == 1 && e.n == 1 && e.text[0] == '\0');
    CU_ASSERT(e.end_s > 5 && e.end_s < 5.4);
    mem_free(samples);
    mem_free(click);
}

static void detector_settings_act(void)
{
    size_t n;
    float *samples = in_silence(0, &n), *click;
    struct ending usual = ending_of(samples, n, "vad.pre_roll_ms=300", NULL);
    struct ending e = ending_of(samples, n, "vad.pre_roll_ms=700", NULL);
    CU_ASSERT(usual.n == 1 && e.n == 1);
    CU_ASSERT_DOUBLE_EQUAL(usual.start_s - e.start_s, 0.4, 1e-6);
    e = ending_of(samples, n, "vad.threshold_db=18", NULL);
    CU_ASSERT(e.n == 0 && e.text[0] == '\0');
    /* Speech goes on for so long after its last sound: no silence before, whatever rule 2 says. */
    e = ending_of(samples, n, "vad.hold_ms=2000", "endpoint.rule2_silence_ms=500");
    CU_ASSERT_DOUBLE_EQUAL(e.end_s - usual.end_s, 1, 0.05);
    click = in_silence(1, &n);
    CU_ASSERT(ending_of(click, n, "vad.start_ms=60", NULL).n == 1);
    CU_ASSERT(ending_of(click, n, "vad.start_ms=400", NULL).n == 0);
    mem_free(samples);
    mem_free(click);
}

static const struct unit_test tests[] = {
    {"the truncation head fires where a word ends", head_fires_where_a_word_ends},
    {"chunks equal Simul-Whisper's", chunks_equal_simul_whispers},
    {"feeding does not matter", feeding_does_not_matter},
    {"committed text stays", committed_text_stays},
    {"characters are not cut", characters_are_not_cut},
    {"Chinese is read by characters", chinese_is_read_by_characters},
    {"words settle by age", words_settle_by_age},
    {"numbers wait", numbers_wait},
    {"repetitions are loops", repetitions_are_loops},
    {"echoes wait", echoes_wait},
    {"cuts are in the open utterance", cuts_are_in_the_open_utterance},
    {"earlier utterances are context", earlier_utterances_are_context},
    {"speakers take turns", speakers_take_turns},
    {"nobody is passed over", nobody_is_passed_over},
    {"nothing is echoed", nothing_is_echoed},
    {"loops are left", loops_are_left},
    {"silence and noise say nothing", silence_and_noise_say_nothing},
    {"endpoint rules end utterances", endpoint_rules_end_utterances},
    {"the detector's settings act", detector_settings_act},
};

/* The published head beside a link to the model that it belongs to. */
static int open_head(void)
{
    char from[4500], to[200], source[4500];
    const struct convert_options options = {.matrix_type = N_DTYPES};
    const char *kind;
    struct message msg = {""};
    snprintf(head_dir, sizeof head_dir, "/tmp/linnet-test-XXXXXX");
    if (mkdtemp(head_dir) == NULL)
        return -1;
    snprintf(from, sizeof from, "%s/model.safetensors", model_dir);
    snprintf(to, sizeof to, "%s/model.safetensors", head_dir);
    snprintf(source, sizeof source, "%s/models/simul-whisper-base-head/base.pt", unit_shared());
    int rc = symlink(from, to) == 0 ? convert(source, head_dir, &options, &kind, &msg) : -1;
    if (rc < 0)
        printf("%s: %s\n", source, msg.text);
    return rc;
}

static void close_head(void)
{
    static const char *const files[] = {"model.safetensors", "truncation_head.safetensors"};
    char path[200];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", head_dir, files[i]);
        unlink(path);
    }
    rmdir(head_dir);
}

int main(void)
{
    const char *models = getenv("LINNET_MODELS"), *home = getenv("HOME");
    if (models != NULL)
        snprintf(model_dir, sizeof model_dir, "%s/whisper-base", models);
    else
        snprintf(model_dir, sizeof model_dir, "%s/.cache/linnet/models/whisper-base", home != NULL ? home : "");
    if (unit_shared() == NULL || access(model_dir, R_OK) != 0) {
        printf("no reference data, or no Whisper model at %s\n", model_dir);
        return UNIT_SKIP;
    }
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.n_threads = 2;
    if (linnet_model_open(model_dir, &o, &model, NULL, 0) < 0 || open_head() < 0)
        return 99;
    int code = unit_main("alignatt", tests, sizeof tests / sizeof tests[0]);
    close_head();
    linnet_model_close(model);
    return code;
}
