/* SPDX-License-Identifier: Apache-2.0
 * whisper_options.c - the search options that a recipe asks for. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper.h"

/* The ids that never come: -1 in the list stands for annotations; special tokens that are no text go with any list. */
static int suppressed_list(int **out, int *n_out, const struct whisper_vocab *vocab, const struct recipe_list *wanted,
                           struct message *msg)
{
    const struct whisper_specials *s = &vocab->special;
    const int always[] = {s->transcribe, s->translate, s->sot, s->sot_prev, s->sot_lm, s->no_speech};
    const int n_always = (int)(sizeof always / sizeof always[0]);
    int *annotations = NULL, n_annotations = 0, n = 0, rc = LINNET_OK;
    for (int i = 0; i < wanted->n && annotations == NULL && rc >= 0; i++)
        if (wanted->at[i] < 0 && vocab->has_pieces)
            rc = whisper_vocab_non_speech(vocab, &annotations, &n_annotations, msg);
    if (rc < 0)
        return rc;
    int *ids = mem_array((size_t)(n_annotations + n_always + wanted->n), sizeof *ids);
    if (ids == NULL) {
        mem_free(annotations);
        return fail_memory(msg);
    }
    for (int i = 0; i < n_annotations; i++)
        ids[n++] = annotations[i];
    for (int i = 0; i < wanted->n; i++)
        if (wanted->at[i] >= 0)
            ids[n++] = (int)wanted->at[i];
    for (int i = 0; i < n_always; i++)
        ids[n++] = always[i];
    mem_free(annotations);
    *out = ids;
    *n_out = n;
    return LINNET_OK;
}

int whisper_options(struct whisper_search_options *options, int **suppressed, const struct whisper_vocab *vocab,
                    const struct recipe *r, struct message *msg)
{
    memset(options, 0, sizeof *options);
    options->beam = r->decoder_beam > 0 ? r->decoder_beam : 1;
    options->best_of = r->decoder_best_of;
    options->patience = r->decoder_patience;
    options->length_penalty = r->decoder_length_penalty;
    options->timestamps = r->decoder_timestamps;
    options->max_initial_timestamp = (int)lrint(r->decoder_max_initial_timestamp / 0.02);
    options->suppress_blank = r->decoder_suppress_blank;
    options->max_tokens = r->decoder_max_tokens;
    int rc = suppressed_list(suppressed, &options->n_suppressed, vocab, &r->decoder_suppress_tokens, msg);
    if (rc >= 0)
        options->suppressed = *suppressed;
    return rc;
}
