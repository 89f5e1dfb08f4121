/* SPDX-License-Identifier: Apache-2.0
 * hypothesis.c - memory for hypotheses. */
#include "decoders/common/hypothesis.h"

#include <string.h>

#include "base/mem.h"

int hypothesis_store_reserve(struct hypothesis_store *s, int n_kept, int n)
{
    if (n <= s->size)
        return LINNET_OK;
    if (n > HYPOTHESIS_MAX_TOKENS)
        return LINNET_E_MEMORY;
    n += n / 2 + 64;
    struct hypothesis_store fresh = {.tokens = mem_array((size_t)n, sizeof *fresh.tokens),
                                     .times = mem_array((size_t)n, sizeof *fresh.times),
                                     .logprobs = mem_array((size_t)n, sizeof *fresh.logprobs),
                                     .size = n};
    if (fresh.tokens == NULL || fresh.times == NULL || fresh.logprobs == NULL) {
        hypothesis_store_free(&fresh);
        return LINNET_E_MEMORY;
    }
    if (n_kept > 0) {
        memcpy(fresh.tokens, s->tokens, (size_t)n_kept * sizeof *s->tokens);
        memcpy(fresh.times, s->times, (size_t)n_kept * sizeof *s->times);
        memcpy(fresh.logprobs, s->logprobs, (size_t)n_kept * sizeof *s->logprobs);
    }
    hypothesis_store_free(s);
    *s = fresh;
    return LINNET_OK;
}

void hypothesis_store_free(struct hypothesis_store *s)
{
    mem_free(s->tokens);
    mem_free(s->times);
    mem_free(s->logprobs);
    *s = (struct hypothesis_store){0};
}
