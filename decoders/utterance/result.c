/* SPDX-License-Identifier: Apache-2.0
 * result.c - hypotheses of an utterance as an event. */
#include "decoders/utterance/result.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/confidence.h"
#include "decoders/common/token_times.h"

/* Texts lie in one buffer that moves while it grows: offsets first, pointers at the end. */
struct making {
    const struct linnet_model *model;
    const struct utterance_span *utterance;
    struct message *msg;
    struct buffer text;
    void *block;               /* of the arrays */
    struct linnet_word *words; /* [n_words] */
    struct linnet_hypothesis *nbest;
    size_t *word_at, *nbest_at;
    int *ends;               /* of words */
    double *start_s, *end_s; /* of tokens */
    double *times_s;         /* of the tokens of the hypotheses of nbest, one after the other */
    float *confidences;      /* of words */
    int n_words, n_nbest;
};

static int put_text(struct making *m, const int *tokens, int n, int at_start, size_t *at)
{
    *at = m->text.n;
    int rc = vocab_text(m->model->vocab, tokens, n, at_start, &m->text);
    return rc < 0 ? rc : buffer_append(&m->text, "", 1);
}

/* Times of the tokens, if they have any, within the utterance. */
static void put_times(struct making *m, const struct hypothesis *best, linnet_event *event)
{
    const struct utterance_span *u = m->utterance;
    if (best->times == NULL || best->n == 0)
        return;
    token_times(best->times, best->n, model_frame_s(m->model) * 1000.0, TOKEN_TIMES_GAP_MS, u->start_s, m->start_s,
                m->end_s);
    for (int i = 0; i < best->n; i++) {
        m->start_s[i] = m->start_s[i] < u->end_s ? m->start_s[i] : u->end_s;
        m->end_s[i] = m->end_s[i] < u->end_s ? m->end_s[i] : u->end_s;
    }
    event->start_s = m->start_s[0];
    event->end_s = m->end_s[best->n - 1];
}

static int put_words(struct making *m, const struct hypothesis *best)
{
    if (!m->utterance->word_times || best->times == NULL)
        return LINNET_OK;
    m->n_words = vocab_words(m->model->vocab, best->tokens, best->n, m->ends);
    confidence_of_words(best->confidences, m->ends, m->n_words, m->confidences);
    for (int i = 0, from = 0; i < m->n_words; from = m->ends[i++]) {
        int rc = put_text(m, best->tokens + from, m->ends[i] - from, i == 0, &m->word_at[i]);
        if (rc < 0)
            return rc;
        m->words[i] = (struct linnet_word){NULL, m->start_s[from], m->end_s[m->ends[i] - 1], m->confidences[i],
                                           m->confidences[i]};
    }
    return LINNET_OK;
}

static int put_nbest(struct making *m, const struct hypothesis *results, int n)
{
    double *times_s = m->times_s;
    for (; m->n_nbest < n; m->n_nbest++) {
        const struct hypothesis *r = &results[m->n_nbest];
        for (int i = 0; i < r->n && r->times != NULL; i++)
            times_s[i] = fmin(m->utterance->start_s + r->times[i] * model_frame_s(m->model), m->utterance->end_s);
        int rc = put_text(m, r->tokens, r->n, 1, &m->nbest_at[m->n_nbest]);
        if (rc < 0)
            return rc;
        m->nbest[m->n_nbest] = (struct linnet_hypothesis){
            .tokens = r->tokens, .times_s = r->times != NULL ? times_s : NULL, .n_tokens = r->n, .score = r->score};
        times_s += r->n;
    }
    return LINNET_OK;
}

static int making_open(struct making *m, const struct hypothesis *results, int n_nbest)
{
    size_t n = (size_t)results[0].n, k = (size_t)n_nbest, n_all = 0;
    for (int i = 0; i < n_nbest; i++)
        n_all += (size_t)results[i].n;
    m->block = MEM_PARTS(MEM_PART(m->times_s, n_all), MEM_PART(m->words, n), MEM_PART(m->word_at, n),
                         MEM_PART(m->ends, n), MEM_PART(m->start_s, n), MEM_PART(m->end_s, n),
                         MEM_PART(m->confidences, n), MEM_PART(m->nbest, k), MEM_PART(m->nbest_at, k));
    return m->block != NULL ? LINNET_OK : fail_memory(m->msg);
}

static int fill(struct making *m, const struct hypothesis *results, int n_nbest, linnet_event *event)
{
    const struct hypothesis *best = &results[0];
    size_t text_at;
    int rc = put_text(m, best->tokens, best->n, 1, &text_at);
    put_times(m, best, event);
    if (rc < 0 || (rc = put_words(m, best)) < 0 || (n_nbest > 1 && (rc = put_nbest(m, results, n_nbest)) < 0))
        return rc == LINNET_E_MEMORY ? fail_memory(m->msg) : rc;
    const char *texts = buffer_text(&m->text);
    for (int i = 0; i < m->n_words; i++)
        m->words[i].text = texts + m->word_at[i];
    for (int i = 0; i < m->n_nbest; i++)
        m->nbest[i].text = texts + m->nbest_at[i];
    event->text = texts + text_at;
    return LINNET_OK;
}

int utterance_result_push(struct events *events, const struct linnet_model *model, const struct utterance_span *u,
                          const struct hypothesis *results, int n, struct message *msg)
{
    struct making m = {.model = model, .utterance = u, .msg = msg};
    linnet_event event = {.type = LINNET_EVENT_FINAL, .start_s = u->start_s, .end_s = u->end_s, .language = ""};
    int n_nbest = n < u->nbest ? n : u->nbest;
    int rc = making_open(&m, results, n_nbest);
    if (rc >= 0)
        rc = fill(&m, results, n_nbest, &event);
    if (rc >= 0) {
        event.committed = strlen(event.text);
        event.tokens = results[0].tokens;
        event.n_tokens = results[0].n;
        event.words = m.words;
        event.n_words = m.n_words;
        event.logprob = results[0].logprob;
        event.confidence = (float)results[0].confidence;
        event.nbest = m.nbest;
        event.n_nbest = m.n_nbest;
        rc = events_push(events, &event, msg);
    }
    mem_free(m.block);
    buffer_free(&m.text);
    return rc;
}
