/* SPDX-License-Identifier: Apache-2.0
 * test_whisper_hotwords.c - hotwords in Whisper's search with a small random model: what bonuses do to the tokens, the
 * ranking and the log probabilities; and in the prompt. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper/search.h"
#include "decoders/whisper_common/prompt.h"
#include "decoders/whisper_common/state.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

enum { LENGTH = 12, GROUP = 5, PHRASE = 3 };

static linnet_model *model;

struct searching {
    struct nn_context ctx;
    struct whisper_search *search;
    const struct whisper_hypothesis *best;
    int n;
    int tokens[LENGTH], n_tokens; /* of the best, kept */
};

static void searching_open(struct searching *s, int beam, const int *suppressed, int n_suppressed)
{
    const struct whisper_specials *special = &whisper_vocab_of(model->vocab)->special;
    const struct whisper_search_options options = {.beam = beam,
                                                   .best_of = GROUP,
                                                   .patience = 1,
                                                   .length_penalty = -1,
                                                   .max_initial_timestamp = -1,
                                                   .suppressed = suppressed,
                                                   .n_suppressed = n_suppressed,
                                                   .max_tokens = LENGTH};
    const int prompt[] = {special->sot, special->first_language, special->transcribe, special->no_timestamps};
    uint64_t seed = 11;
    double no_speech;
    size_t n = 100 * (size_t)model->encoder->n_dims;
    float *states = mem_array(n, sizeof *states);
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < n; i++)
        states[i] = tiny_uniform(&seed);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&s->ctx, model->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_search_open(&s->search, model, &options, &s->ctx, NULL), 0);
    whisper_search_set_states(s->search, states, 100);
    CU_ASSERT_EQUAL_FATAL(whisper_search_prompt(s->search, prompt, 4, &no_speech, NULL), 0);
    mem_free(states);
}

static void searching_close(struct searching *s)
{
    whisper_search_close(s->search);
    nn_context_close(&s->ctx);
}

static void search(struct searching *s, double temperature)
{
    CU_ASSERT_EQUAL_FATAL(whisper_search_run(s->search, temperature, 3, NULL, &s->best, &s->n), 0);
    s->n_tokens = s->best->n;
    memcpy(s->tokens, s->best->tokens, (size_t)s->n_tokens * sizeof *s->tokens);
}

/* A graph of one phrase, which the search owns; may_widen as there. */
static void boost(struct searching *s, const int *tokens, int n, double bonus, int may_widen)
{
    struct hotwords *h = NULL;
    const struct hotword word = {tokens, n, bonus};
    CU_ASSERT_EQUAL_FATAL(hotwords_open(&h, &word, 1, NULL), 0);
    whisper_search_set_hotwords(s->search, h, may_widen);
}

static int count_phrase(const struct searching *s, const int *phrase, int n)
{
    int found = 0;
    for (int i = 0; i + n <= s->n_tokens; i++)
        found += memcmp(s->tokens + i, phrase, (size_t)n * sizeof *phrase) == 0;
    return found;
}

/* Bonuses of 0 change no token and no number, and taking the phrases away brings back what was, to the bit. */
static void nothing_changes_without_a_bonus(void)
{
    static const int phrase[PHRASE] = {1000, 2000, 3000};
    for (int beam = 1; beam <= GROUP; beam += GROUP - 1) {
        struct searching s;
        int before[LENGTH];
        searching_open(&s, beam, NULL, 0);
        search(&s, 0);
        double sum = s.best->sum_logprob, score = s.best->score;
        int n = s.n_tokens;
        memcpy(before, s.tokens, sizeof before);
        boost(&s, phrase, PHRASE, 0, 0);
        search(&s, 0);
        CU_ASSERT(s.n_tokens == n && memcmp(s.tokens, before, (size_t)n * sizeof *before) == 0);
        CU_ASSERT_DOUBLE_EQUAL(s.best->sum_logprob, sum, 1e-6);
        whisper_search_set_hotwords(s.search, NULL, 0);
        search(&s, 0);
        CU_ASSERT(s.n_tokens == n && memcmp(s.tokens, before, (size_t)n * sizeof *before) == 0);
        CU_ASSERT(s.best->sum_logprob == sum && s.best->score == score && s.best->bonus == 0);
        searching_close(&s);
    }
}

/* A phrase that nobody said comes when its bonus is large enough, with any search; log probabilities stay such. */
static void a_bonus_brings_its_phrase(void)
{
    static const int phrase[PHRASE] = {1000, 2000, 3000};
    for (int how = 0; how < 3; how++) {
        struct searching s;
        searching_open(&s, how == 1 ? GROUP : 1, NULL, 0);
        search(&s, how == 2 ? 0.5 : 0);
        CU_ASSERT_EQUAL(count_phrase(&s, phrase, PHRASE), 0);
        boost(&s, phrase, PHRASE, 60, 0);
        search(&s, how == 2 ? 0.5 : 0);
        int n = count_phrase(&s, phrase, PHRASE);
        CU_ASSERT(n > 0);
        /* what was lent for a phrase that is broken off at the end is given back */
        CU_ASSERT(s.best->sum_logprob <= 0 && s.best->sum_logprob + s.best->bonus <= 60.0 * PHRASE * n + 1e-6);
        searching_close(&s);
    }
}

/* A beam takes the bonus back from a phrase whose last token is impossible; a beam of one is widened where it may. */
static void a_broken_phrase_gives_its_bonus_back(void)
{
    static const int phrase[PHRASE] = {1000, 2000, 3000}, impossible[] = {3000};
    struct searching s;
    searching_open(&s, GROUP, impossible, 1);
    search(&s, 0);
    double score = s.best->score;
    boost(&s, phrase, PHRASE, 2, 0);
    search(&s, 0);
    CU_ASSERT_DOUBLE_EQUAL((s.best->sum_logprob + s.best->bonus) / (s.n_tokens + (s.n_tokens == 0)), score, 1e-4);
    CU_ASSERT_DOUBLE_EQUAL(s.best->score, score, 1e-4);
    searching_close(&s);
    searching_open(&s, 1, impossible, 1);
    search(&s, 0);
    CU_ASSERT_EQUAL(s.n, 1);
    boost(&s, phrase, PHRASE, 2, 1);
    search(&s, 0);
    CU_ASSERT_EQUAL(s.n, WHISPER_HOTWORDS_BEAM);
    CU_ASSERT_DOUBLE_EQUAL(s.best->score, score, 1e-4);
    whisper_search_set_hotwords(s.search, NULL, 1);
    search(&s, 0);
    CU_ASSERT_EQUAL(s.n, 1);
    searching_close(&s);
}

/* sot_prev, hotwords, the text so far, the start sequence; half of the room at most is for hotwords. */
static void hotwords_come_before_the_text(void)
{
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    const struct whisper_specials *special = &vocab->special;
    static const struct decoder_options shared = {.task = DECODER_TRANSCRIBE};
    int hotwords[400], text[400], prompt[TINY_TEXT];
    for (int i = 0; i < 400; i++) {
        hotwords[i] = 1000 + i;
        text[i] = 2000 + i;
    }
    struct whisper_prompt p = {.vocab = vocab,
                               .shared = &shared,
                               .timestamps = 1,
                               .n_text_ctx = TINY_TEXT,
                               .language = special->first_language,
                               .past = text,
                               .n_past = 2,
                               .hotwords = hotwords,
                               .n_hotwords = 2};
    const int wanted[] = {special->sot_prev,  1000, 1001, 2000, 2001, special->sot, special->first_language,
                          special->transcribe};
    CU_ASSERT_EQUAL(whisper_prompt_make(&p, 0, prompt), 8);
    CU_ASSERT_EQUAL(memcmp(prompt, wanted, sizeof wanted), 0);
    p.n_past = 0;
    CU_ASSERT_EQUAL(whisper_prompt_make(&p, 0, prompt), 6); /* they are context without any text too */
    p.n_past = p.n_hotwords = 400;
    CU_ASSERT_EQUAL(whisper_prompt_make(&p, 0, prompt), TINY_TEXT / 2 + 3);
    CU_ASSERT_EQUAL(prompt[111], 1110); /* of 223 tokens 111 */
    CU_ASSERT_EQUAL(prompt[112], 2000 + 400 - 112);
}

static const struct unit_test tests[] = {
    {"nothing changes without a bonus", nothing_changes_without_a_bonus},
    {"a bonus brings its phrase", a_bonus_brings_its_phrase},
    {"a broken phrase gives its bonus back", a_broken_phrase_gives_its_bonus_back},
    {"hotwords come before the text", hotwords_come_before_the_text},
};

int main(void)
{
    static const struct tiny_whisper how = {0};
    char *dir = tiny_folder();
    if (dir == NULL || tiny_whisper_write(dir, &how) < 0 || linnet_model_open(dir, NULL, &model, NULL, 0) < 0)
        return 99;
    int code = unit_main("whisper_hotwords", tests, sizeof tests / sizeof tests[0]);
    linnet_model_close(model);
    tiny_remove(dir);
    free(dir);
    return code;
}
