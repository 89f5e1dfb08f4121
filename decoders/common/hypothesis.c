/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/hypothesis.h"

#include <string.h>

#include "base/mem.h"
#include "decoders/common/confidence.h"

int hypothesis_store_reserve(struct hypothesis_store *s, int n_kept, int n)
{
    if (n <= s->size)
        return LINNET_OK;
    if (n > HYPOTHESIS_MAX_TOKENS)
        return LINNET_E_MEMORY;
    n += n / 2 + 64;
    struct hypothesis_store fresh = {.size = n};
    fresh.block = MEM_PARTS(MEM_PART(fresh.tokens, (size_t)n), MEM_PART(fresh.times, (size_t)n),
                            MEM_PART(fresh.logprobs, (size_t)n));
    if (fresh.block == NULL)
        return LINNET_E_MEMORY;
    if (n_kept > 0) {
        memcpy(fresh.tokens, s->tokens, (size_t)n_kept * sizeof *s->tokens);
        memcpy(fresh.times, s->times, (size_t)n_kept * sizeof *s->times);
        memcpy(fresh.logprobs, s->logprobs, (size_t)n_kept * sizeof *s->logprobs);
    }
    mem_free(s->block);
    *s = fresh;
    return LINNET_OK;
}

void hypothesis_store_free(struct hypothesis_store *s)
{
    mem_free(s->block);
    *s = (struct hypothesis_store){0};
}

static double mean(const float *values, int n)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++)
        sum += (double)values[i];
    return n > 0 ? sum / n : 0.0;
}

int hypotheses_take(struct hypotheses *s, const struct hypothesis *h, int n, const struct hypothesis **out,
                    struct message *msg)
{
    int n_tokens = 0, at = 0;
    for (int i = 0; i < n; i++)
        n_tokens += h[i].n;
    if (MEM_GROW(s->at, s->room, n) < 0 || MEM_GROW(s->confidences, s->room_confidences, n_tokens) < 0)
        return fail_memory(msg);
    for (int i = 0; i < n; at += h[i++].n) {
        float *confidences = s->confidences + at;
        confidence_of_logprobs(h[i].logprobs, h[i].n, confidences);
        s->at[i] = h[i];
        s->at[i].confidences = confidences;
        s->at[i].logprob = mean(h[i].logprobs, h[i].n);
        s->at[i].confidence = (double)confidence_mean(confidences, h[i].n);
    }
    *out = s->at;
    return n;
}

void hypotheses_free(struct hypotheses *s)
{
    mem_free(s->at);
    mem_free(s->confidences);
    *s = (struct hypotheses){0};
}
