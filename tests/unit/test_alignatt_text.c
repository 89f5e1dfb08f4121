/* SPDX-License-Identifier: Apache-2.0
 * test_alignatt_text.c - the text of AlignAtt: when tokens are committed, and what is cut out of it. Skipped where
 * Whisper base is not in the model cache: the vocabulary is its. */
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "decoders/alignatt/text.h"
#include "decoders/whisper_common/prompt.h"
#include "models/model.h"
#include "tests/support/whisper_base.h"

/* A token in the middle of a segment. */
static void add_token(struct alignatt_text *t, int id, int64_t frame, float logprob)
{
    alignatt_text_add(t, id, (struct alignatt_token){frame, logprob, {-1, -1}});
}

/* Some characters are two or three tokens: 17527 and 96 are one.  A text that ends in its middle is emitted, and
 * committed, without its first part. */
static void characters_are_not_cut(void)
{
    enum { A = 17527, B = 96, C = 46974 };
    struct settings settings = {0};
    struct events events = {0};
    struct message msg = {""};
    struct alignatt_text t;
    linnet_event e;
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&settings, &msg), 0);
    struct decoder_host host = {.model = model, .settings = &settings, .events = &events, .msg = &msg};
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    CU_ASSERT_EQUAL_FATAL(alignatt_text_open(&t, &host, vocab, 20, 20), 0);
    t.language = whisper_vocab_language(vocab, "zh");
    add_token(&t, C, 10, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_drop_incomplete(&t), -1);
    add_token(&t, A, 20, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_drop_incomplete(&t), A);
    CU_ASSERT_EQUAL(t.n, 1);
    CU_ASSERT_EQUAL(alignatt_text_stable(&t, A, 1000), 1);
    CU_ASSERT_EQUAL(alignatt_text_push_partial(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    char first[20];
    snprintf(first, sizeof first, "%s", e.text);
    CU_ASSERT_EQUAL(strlen(first), 3);
    add_token(&t, A, 20, -0.1f);
    add_token(&t, B, 22, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_drop_incomplete(&t), -1);
    CU_ASSERT_EQUAL(t.n, 3);
    CU_ASSERT_EQUAL(alignatt_text_push_partial(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    CU_ASSERT(strlen(e.text) == 6 && strncmp(e.text, first, 3) == 0 && utf8_valid(e.text, 6) == 6);
    CU_ASSERT_PTR_NULL(strstr(e.text, "\xef\xbf\xbd"));
    /* An empty text withdraws the last partial. */
    alignatt_text_truncate(&t, 0);
    CU_ASSERT_EQUAL(alignatt_text_push_partial(&t, 1), 0);
    CU_ASSERT_EQUAL_FATAL(events_pop(&events, &e), 1);
    CU_ASSERT(e.type == LINNET_EVENT_PARTIAL && e.text[0] == '\0');
    CU_ASSERT_EQUAL(alignatt_text_push_partial(&t, 1), 0);
    CU_ASSERT_EQUAL(events_pop(&events, &e), 0);
    alignatt_text_close(&t);
    events_clear(&events);
    settings_close(&settings);
}

/* An empty text in English with the tokens of some words, n of them. */
struct words {
    struct settings settings;
    struct message msg;
    struct decoder_host host;
    struct alignatt_text text;
    int *ids, n_ids;
};

static void words_open(struct words *w, const char *words, int n)
{
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    *w = (struct words){0};
    w->host = (struct decoder_host){.model = model, .settings = &w->settings, .msg = &w->msg};
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&w->settings, &w->msg), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_prompt_encode(vocab, words, &w->ids, &w->n_ids, &w->msg), 0);
    CU_ASSERT_EQUAL_FATAL(w->n_ids, n);
    CU_ASSERT_EQUAL_FATAL(alignatt_text_open(&w->text, &w->host, vocab, 20, 20), 0);
    w->text.language = whisper_vocab_language(vocab, "en");
}

static void words_close(struct words *w)
{
    alignatt_text_close(&w->text);
    mem_free(w->ids);
    settings_close(&w->settings);
}

/* " one" is improbable, " two" is not: 3 s, or 0.2 s for probable words. */
static void words_are_committed_by_age(void)
{
    struct words w;
    words_open(&w, "one two", 2);
    struct alignatt_text *t = &w.text;
    add_token(t, w.ids[0], 100, -2);
    add_token(t, w.ids[1], 120, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 250), 0); /* the first one is 3 s old at frame 250 */
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 251), 2);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, w.ids[1], 251), 2);
    t->at[0].logprob = -0.1f; /* both are probable */
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 110), 0);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 111), 1);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 131), 2);
    words_close(&w);
}

/* However probable: 28 may go on as 2891. */
static void numbers_wait(void)
{
    struct words w;
    words_open(&w, "one 28", 2);
    add_token(&w.text, w.ids[0], 100, -0.01f);
    add_token(&w.text, w.ids[1], 120, -0.01f);
    CU_ASSERT_EQUAL(alignatt_text_stable(&w.text, -1, 270), 1);
    CU_ASSERT_EQUAL(alignatt_text_stable(&w.text, -1, 271), 2);
    words_close(&w);
}

/* Four tokens three times are a loop, of which the first time is text; one token is a loop after six times, or sooner
 * where it comes faster than anybody speaks. */
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
        alignatt_text_truncate(t, 0);
        for (int i = 0; i < 5; i++)
            add_token(t, 100, frames * i, -0.1f);
        CU_ASSERT_EQUAL(alignatt_text_loop(t), frames == 3 ? 4 : 0);
    }
    add_token(t, 100, 100, -0.1f);
    CU_ASSERT_EQUAL(alignatt_text_loop(t), 5);
    words_close(&w);
}

/* "one two three" and "two" are final, two segments; an utterance that begins like one of them may only repeat it, and
 * is not committed so soon. */
static void repetitions_wait(void)
{
    struct words w;
    words_open(&w, "one two three", 3);
    struct alignatt_text *t = &w.text;
    const int ids[] = {w.ids[0], w.ids[1], w.ids[2], w.ids[1], w.ids[2], w.ids[1], w.ids[0]};
    for (int i = 0; i < 7; i++)
        alignatt_text_add(t, ids[i], (struct alignatt_token){50 * i, -0.01f, {-1, i == 3 ? 140 : -1}});
    t->n_final = t->n_committed = 4;
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 0); /* "three": no segment begins so */
    t->ids[4] = w.ids[1];
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 1);
    t->ids[4] = w.ids[0];
    CU_ASSERT_EQUAL(alignatt_text_echo(t), 2); /* "one two", and then "one", not "three" */
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 311), 4);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 350), 4);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 351), 5);
    CU_ASSERT_EQUAL(alignatt_text_stable(t, -1, 401), 7);
    words_close(&w);
}

/* The end of a sentence of the context is no place to cut the open utterance. */
static void cuts_are_in_the_open_utterance(void)
{
    struct words w;
    words_open(&w, "one. two two two", 5);
    struct alignatt_text *t = &w.text;
    for (int i = 0; i < w.n_ids; i++)
        add_token(t, w.ids[i], 50 * i, -0.1f);
    t->n_committed = 5;
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 1000), 2); /* all of one utterance */
    t->n_final = 2;
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 1000), 4);
    CU_ASSERT_EQUAL(alignatt_text_find_cut(t, 101), 3);
    words_close(&w);
}

static const struct unit_test tests[] = {
    {"characters are not cut", characters_are_not_cut},
    {"words are committed by age", words_are_committed_by_age},
    {"numbers wait", numbers_wait},
    {"repetitions are loops", repetitions_are_loops},
    {"repetitions wait", repetitions_wait},
    {"cuts are in the open utterance", cuts_are_in_the_open_utterance},
};

int main(void)
{
    int code = whisper_base_open();
    if (code != 0)
        return code;
    code = unit_main("text of alignatt", tests, sizeof tests / sizeof tests[0]);
    linnet_model_close(model);
    return code;
}
