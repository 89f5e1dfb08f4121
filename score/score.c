/* SPDX-License-Identifier: Apache-2.0
 * score.c - error rates of hypotheses against references, and a bootstrap test of a difference.
 *
 * Comparing follows Bisani and Ney 2004: utterances are drawn with replacement, as many as there are, the two error
 * rates of each draw are taken from the same utterances, and the spread of their difference is looked at. */
#include "score/score.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "score/normalize.h"

double score_percent(const struct edits *e)
{
    long long n_errors = edits_errors(e);
    return n_errors == 0 ? 0 : e->n_reference > 0 ? 100.0 * (double)n_errors / (double)e->n_reference : INFINITY;
}

static int count_letters(const struct buffer *reference, const struct buffer *hypothesis, struct edits *edits)
{
    struct edits_token *a = NULL, *b = NULL;
    int n_a = edits_split(buffer_text(reference), reference->n, 1, &a);
    int n_b = n_a < 0 ? n_a : edits_split(buffer_text(hypothesis), hypothesis->n, 1, &b);
    int rc = n_b < 0 ? n_b : edits_count(a, n_a, b, n_b, edits, NULL, NULL);
    mem_free(a);
    mem_free(b);
    return rc;
}

/* Counts the errors of words, and shows the alignment to the visitor. */
static int align_words(struct score_utterance *u, const struct buffer *reference, const struct buffer *hypothesis,
                       struct score_alignment *al, const struct score_visitor *visitor, struct message *msg)
{
    struct edits_token *a = NULL, *b = NULL;
    unsigned char *steps = NULL;
    int n_a = edits_split(buffer_text(reference), reference->n, 0, &a);
    int n_b = n_a < 0 ? n_a : edits_split(buffer_text(hypothesis), hypothesis->n, 0, &b), rc = n_b < 0 ? n_b : 0;
    if (rc == 0 && visitor != NULL && (steps = mem_array((size_t)n_a + (size_t)n_b, 1)) == NULL)
        rc = LINNET_E_MEMORY;
    if (rc == 0)
        rc = edits_count(a, n_a, b, n_b, &u->words, steps, &al->n_steps);
    if (rc < 0)
        fail_memory(msg);
    if (rc == 0 && visitor != NULL) {
        al->reference = a;
        al->hypothesis = b;
        al->n_hypothesis = n_b;
        al->steps = steps;
        rc = visitor->take(visitor->arg, al, msg);
    }
    mem_free(steps);
    mem_free(a);
    mem_free(b);
    return rc;
}

static int score_one(struct score_utterance *u, const struct transcript *reference, const char *hypothesis,
                     const char *normalizer, const struct score_visitor *visitor, struct message *msg)
{
    struct buffer a = {0}, b = {0};
    struct score_alignment al = {.utterance = u, .hypothesis_text = hypothesis};
    u->id = reference->id;
    u->is_missing = hypothesis == NULL;
    int rc = normalize_text(normalizer, reference->text, strlen(reference->text), &a, msg);
    if (rc == 0 && hypothesis != NULL)
        rc = normalize_text(normalizer, hypothesis, strlen(hypothesis), &b, msg);
    if (rc == 0 && count_letters(&a, &b, &u->letters) < 0)
        rc = fail_memory(msg);
    if (rc == 0)
        rc = align_words(u, &a, &b, &al, visitor, msg);
    buffer_free(&a);
    buffer_free(&b);
    return rc;
}

int score_run(struct score *s, const struct transcripts *reference, const struct transcripts *hypothesis,
              const char *normalizer, const struct score_visitor *visitor, struct message *msg)
{
    struct score done = {.utterances = mem_array((size_t)reference->n, sizeof *done.utterances), .n = reference->n};
    int n_found = 0;
    if (done.utterances == NULL)
        return fail_memory(msg);
    for (int i = 0; i < reference->n; i++) {
        struct score_utterance *u = &done.utterances[i];
        const struct transcript *t = &reference->at[i];
        int rc = score_one(u, t, transcripts_text(hypothesis, t->id), normalizer, visitor, msg);
        if (rc < 0) {
            score_close(&done);
            return rc;
        }
        n_found += !u->is_missing;
        done.n_wrong += edits_errors(&u->words) > 0;
        edits_add(&done.words, &u->words);
        edits_add(&done.letters, &u->letters);
    }
    done.n_missing = done.n - n_found;
    done.n_extra = hypothesis->n - n_found;
    *s = done;
    return 0;
}

void score_close(struct score *s)
{
    mem_free(s->utterances);
    *s = (struct score){0};
}

int score_next(struct score_walk *w, const struct score_alignment *a, struct score_pair *pair)
{
    if (w->i_step == a->n_steps)
        return 0;
    enum edits_step step = a->steps[w->i_step++];
    int has_reference = step != EDITS_INSERTION, has_hypothesis = step != EDITS_DELETION;
    *pair = (struct score_pair){step, has_reference ? &a->reference[w->i_reference] : NULL,
                                has_hypothesis ? &a->hypothesis[w->i_hypothesis] : NULL};
    w->i_reference += has_reference;
    w->i_hypothesis += has_hypothesis;
    return 1;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Difference of the error rates over one draw. */
static double draw(const struct score *a, const struct score *b, uint64_t *state)
{
    long long n_words = 0, n_more = 0;
    for (int i = 0; i < a->n; i++) {
        size_t k = (size_t)(next_random(state) % (uint64_t)a->n);
        n_words += a->utterances[k].words.n_reference;
        n_more += edits_errors(&b->utterances[k].words) - edits_errors(&a->utterances[k].words);
    }
    return n_words > 0 ? 100.0 * (double)n_more / (double)n_words : 0;
}

int score_compare(const struct score *a, const struct score *b, int n_samples, struct score_difference *d,
                  struct message *msg)
{
    double *samples = mem_array((size_t)n_samples, sizeof *samples);
    uint64_t state = 1;
    int n_above = 0, n_below = 0;
    if (samples == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n_samples; i++) {
        samples[i] = draw(a, b, &state);
        n_above += samples[i] >= 0;
        n_below += samples[i] <= 0;
    }
    qsort(samples, (size_t)n_samples, sizeof *samples, by_value);
    int n_tail = (int)(0.025 * n_samples);
    double p = 2.0 * (n_above < n_below ? n_above : n_below) / n_samples;
    *d = (struct score_difference){score_percent(&b->words) - score_percent(&a->words), samples[n_tail],
                                   samples[n_samples - 1 - n_tail], p < 1 ? p : 1};
    mem_free(samples);
    return 0;
}
