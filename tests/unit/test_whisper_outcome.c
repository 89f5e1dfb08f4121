/* SPDX-License-Identifier: Apache-2.0
 * What is made of the tokens of a window: repetitions are cut off, nothing ends after the audio, and no word has no
 * duration. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decoders/whisper/outcome.h"
#include "decoders/whisper/segments.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

enum { BEGIN = 50364, MOST = 224 }; /* the first time stamp of 51865 tokens */

static struct whisper_vocab *vocabulary(void)
{
    char folder[] = "/tmp/linnet-outcome-XXXXXX", path[sizeof folder + 16];
    struct whisper_vocab *v = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL_FATAL(tiny_vocabulary(folder, 50257), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_vocab_open(&v, folder, 51865, NULL), 0);
    snprintf(path, sizeof path, "%s/vocab.json", folder);
    unlink(path);
    rmdir(folder);
    CU_ASSERT_EQUAL_FATAL(v->special.timestamp_begin, BEGIN);
    return v;
}

/* ---- repetitions ---- */

static int tokens[MOST], n_tokens;

static void add(int token) { tokens[n_tokens++] = token; }

static void add_time(int steps) { add(BEGIN + steps); }

/* Tokens that nobody says twice. */
static void add_text(int from, int n)
{
    for (int i = 0; i < n; i++)
        add(from + 7 * i);
}

/* How many tokens are kept. */
static int kept(void)
{
    static const struct whisper_options options = {.compression_ratio_threshold = 2.4, .logprob_threshold = -1};
    struct whisper_vocab *v = vocabulary();
    struct buffer text = {0};
    const struct whisper_hypothesis h = {.tokens = tokens, .n = n_tokens, .sum_logprob = -n_tokens / 2};
    struct whisper_outcome o = {.best = &h, .n = 1};
    CU_ASSERT_EQUAL(whisper_outcome_measure(&o, v, &text, NULL), 0);
    CU_ASSERT_EQUAL(whisper_outcome_cut_repetition(&o, &options, v, &text, NULL), 0);
    buffer_free(&text);
    whisper_vocab_close(v);
    n_tokens = 0;
    return o.n_tokens;
}

static void repetitions_are_cut(void)
{
    add_time(0);
    add_text(1000, 30);
    add_time(200);
    CU_ASSERT_EQUAL(kept(), 32);
    /* A sentence, then one phrase over and over: the sentence and the first of it are left. */
    add_time(0);
    add_text(1000, 8);
    add_time(100);
    for (int i = 0; i < 20; i++)
        add_text(3000, 4);
    CU_ASSERT_EQUAL(kept(), 1 + 8 + 1 + 4);
    /* With time stamps between. */
    add_time(0);
    add_text(1000, 8);
    for (int i = 0; i < 20; i++) {
        add_time(100 + 50 * i);
        add_time(100 + 50 * i);
        add_text(3000, 4);
    }
    CU_ASSERT_EQUAL(kept(), 1 + 8 + 2 + 4 + 2);
    /* What follows a repetition goes with it: nobody knows where its audio begins. */
    add_text(1000, 8);
    for (int i = 0; i < 30; i++)
        add_text(3000, 3);
    add_text(5000, 8);
    CU_ASSERT_EQUAL(kept(), 8 + 3);
    /* Two repetitions, the shorter first. */
    for (int i = 0; i < 20; i++)
        add_text(3000, 1);
    for (int i = 0; i < 30; i++)
        add_text(4000, 5);
    CU_ASSERT_EQUAL(kept(), 1);
    CU_ASSERT_EQUAL(kept(), 0);
    /* A sentence that is said twice, of few different tokens. */
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 12; k++)
            add(1000 + k);
    CU_ASSERT_EQUAL(kept(), 24);
}

/* ---- times ---- */

static void set_word(struct whisper_segments *s, int i, double start_s, double end_s)
{
    s->words[i] = (struct whisper_timed_word){i, i + 1, start_s, end_s, 1};
    s->n_words = i + 1;
}

static struct whisper_segments *one_segment(double start_s, double end_s, int n_words)
{
    static struct whisper_segments s;
    memset(&s, 0, sizeof s);
    s.n = 1;
    s.at[0] = (struct whisper_segment){0, n_words, start_s, end_s, 0, n_words};
    return &s;
}

/* In order, none shorter than two hundredths, and in the segment. */
static void check_words(const struct whisper_segments *s)
{
    double last = s->at[0].start_s;
    for (int i = 0; i < s->n_words; i++) {
        CU_ASSERT(s->words[i].start_s >= last - 1e-9);
        CU_ASSERT(s->words[i].end_s - s->words[i].start_s > 0.019);
        last = s->words[i].end_s;
    }
    CU_ASSERT(last <= s->at[0].end_s + 1e-9);
}

static void nothing_ends_after_the_audio(void)
{
    struct whisper_segments *s = one_segment(0, 2, 2);
    set_word(s, 0, 0, 0.3);
    set_word(s, 1, 0.3, 2);
    whisper_segments_limit(s, 0.45);
    CU_ASSERT_EQUAL(s->at[0].end_s, 0.45);
    CU_ASSERT_EQUAL(s->words[0].end_s, 0.3);
    CU_ASSERT_EQUAL(s->words[1].end_s, 0.45);
    s = one_segment(3, 4, 1);
    set_word(s, 0, 3, 4);
    whisper_segments_limit(s, 2.5);
    CU_ASSERT(s->at[0].start_s == 2.5 && s->at[0].end_s == 2.5); /* empty: is left out */
}

static void words_on_one_instant_share_time(void)
{
    /* All of them. */
    struct whisper_segments *s = one_segment(1, 3, 4);
    for (int i = 0; i < 4; i++)
        set_word(s, i, 3, 3);
    whisper_segments_limit(s, 30);
    check_words(s);
    CU_ASSERT(s->words[0].start_s == 1 && s->words[0].end_s == 1.5 && s->words[3].end_s == 3);
    /* Those between two words with time: what is between them. */
    s = one_segment(1, 3, 4);
    set_word(s, 0, 1, 1.4);
    set_word(s, 1, 1.6, 1.6);
    set_word(s, 2, 1.6, 1.6);
    set_word(s, 3, 2, 3);
    whisper_segments_limit(s, 30);
    check_words(s);
    CU_ASSERT(s->words[0].end_s == 1.4 && s->words[1].start_s == 1.4 && s->words[1].end_s == 1.7);
    CU_ASSERT(s->words[2].end_s == 2 && s->words[3].start_s == 2);
    /* One alone stays where it is. */
    s = one_segment(1, 3, 3);
    set_word(s, 0, 1, 1.4);
    set_word(s, 1, 1.8, 1.8);
    set_word(s, 2, 1.8, 3);
    whisper_segments_limit(s, 30);
    check_words(s);
    CU_ASSERT(s->words[0].end_s == 1.4 && s->words[1].start_s == 1.78 && s->words[1].end_s == 1.8);
    /* With their neighbours where nothing is between them. */
    s = one_segment(1, 2, 3);
    set_word(s, 0, 1, 1.5);
    set_word(s, 1, 1.5, 1.5);
    set_word(s, 2, 1.5, 2);
    whisper_segments_limit(s, 30);
    check_words(s);
    /* At the end, after the audio's end was put before them. */
    s = one_segment(1, 2, 3);
    set_word(s, 0, 1, 1.5);
    set_word(s, 1, 1.5, 1.8);
    set_word(s, 2, 1.8, 2);
    whisper_segments_limit(s, 1.5);
    check_words(s);
}

static const struct unit_test tests[] = {
    {"repetitions are cut", repetitions_are_cut},
    {"nothing ends after the audio", nothing_ends_after_the_audio},
    {"words on one instant share time", words_on_one_instant_share_time},
};

UNIT_MAIN("whisper outcome", tests)
