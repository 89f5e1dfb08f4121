/* SPDX-License-Identifier: Apache-2.0
 * segmental.c - the decoder "segmental": the attention decoder frame by frame, attention limited to segments. */
#include <limits.h>

#include "base/mem.h"
#include "decoders/ctc/layer.h"
#include "decoders/segmental/boundary.h"
#include "decoders/segmental/length_model.h"
#include "decoders/segmental/search.h"
#include "decoders/utterance.h"

/* ---- settings ---- */

struct segmental_length_options {
    struct length_model_options model;
    char *file; /* of counts; "": the model's */
};

#define FIELD(name) offsetof(struct segmental_options, name)

static const struct setting search_lines[] = {
    {"segmental.left", SETTING_INT, FIELD(left), "8", -1, 100000, NULL,
     "encoder frames before its segment that a label attends to; -1: all"},
    {"segmental.right", SETTING_INT, FIELD(right), "6", -1, 100000, NULL,
     "encoder frames after its segment that a label attends to: a stream's look-ahead; -1: all"},
    {"segmental.longest", SETTING_INT, FIELD(longest_segment), "100", 0, 100000, NULL,
     "encoder frames of a segment that a label attends to, at most: of longer ones the last; 0: all"},
    {"segmental.history", SETTING_INT, FIELD(history), "100", 0, 100000, NULL,
     "labels after which the label decoder restarts without context; 0: never"},
    {"segmental.recombination", SETTING_CHOICE, FIELD(recombination), "sum", 0, 0,
     SETTING_CHOICES(SEGMENTAL_RECOMBINATIONS),
     "of hypotheses with the same labels keep all (none), the best (max), or the best with the probability of all "
     "(sum)"},
    {"segmental.score_beam", SETTING_NUMBER, FIELD(score_beam), "12", 0.01, 1e9, NULL,
     "hypotheses whose log probability is this much below the best are dropped"},
    {"segmental.label_scale", SETTING_NUMBER, FIELD(label_scale), "1", 0, 1000, NULL, "weight of label scores"},
    {"segmental.boundary_scale", SETTING_NUMBER, FIELD(boundary_scale), "1", 0, 1000, NULL,
     "weight of the scores of segment boundaries"},
    {"segmental.length_scale", SETTING_NUMBER, FIELD(length_scale), "1", 0, 1000, NULL,
     "weight of the scores of segment lengths"},
    {0}};

static const struct settings_table search_settings = {"Segmental search", sizeof(struct segmental_options),
                                                      search_lines};

#undef FIELD
#define FIELD(name) offsetof(struct segmental_length_options, name)

static const struct setting length_lines[] = {
    {"segmental.length_model", SETTING_CHOICE, FIELD(model.kind), "none", 0, 0, SETTING_CHOICES(LENGTH_MODEL_KINDS),
     "lengths of segments: any (none), around the label's mean (static), one histogram for all labels (global), or one "
     "for each (label)"},
    {"segmental.length_file", SETTING_TEXT, FIELD(file), "", 0, 0, NULL,
     "lengths that 'linnet align' counted; empty: lengths.txt of the model"},
    {"segmental.length_variance", SETTING_NUMBER, FIELD(model.variance), "0.3", 0, 1000, NULL,
     "static: how fast probability falls away from the mean length"},
    {"segmental.length_smoothing", SETTING_NUMBER, FIELD(model.smoothing), "10", 0, 1e9, NULL,
     "global, label: counts added from the more general distribution"},
    {0}};

static const struct settings_table length_settings = {"Lengths of segments", sizeof(struct segmental_length_options),
                                                      length_lines};

static const struct settings_table *const tables[] = {&search_settings, &length_settings, NULL};

/* ---- the search ---- */

struct segmental_pass {
    struct segmental *search;
    struct length_model *lengths;
};

static void close_search(void *search)
{
    struct segmental_pass *s = search;
    if (s == NULL)
        return;
    segmental_close(s->search);
    length_model_close(s->lengths);
    mem_free(s);
}

static int lengths_open(struct segmental_pass *s, const struct search_host *host)
{
    const struct segmental_length_options *o = settings_of(host->settings, &length_settings);
    const struct linnet_model *m = host->model;
    struct message *msg = host->msg;
    struct length_counts read = {0};
    const struct length_counts *counts = m->lengths;
    int rc = LINNET_OK;
    if (o->model.kind == LENGTH_MODEL_NONE)
        return LINNET_OK;
    if (o->file[0] != '\0') {
        rc = length_counts_read(&read, o->file, m->ctc->n_vocabulary, msg);
        counts = &read;
    } else if (m->lengths == NULL) {
        rc = fail(msg, LINNET_E_ARGUMENT,
                  "segmental.length_model: the model has no lengths.txt, and segmental.length_file is not set (linnet "
                  "align makes one)");
    }
    if (rc >= 0)
        rc = length_model_open(&s->lengths, &o->model, counts, msg);
    length_counts_close(&read);
    return rc;
}

static int open_search(void **search, const struct search_host *host)
{
    struct segmental_options o = *(const struct segmental_options *)settings_of(host->settings, &search_settings);
    struct segmental_pass *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(host->msg);
    int rc = lengths_open(s, host);
    o.blank = host->model->ctc->blank;
    o.n_beam = decoder_beam(settings_of(host->settings, &decoder_settings));
    o.lengths = s->lengths;
    o.boundary = host->model->boundary;
    if (rc < 0 || (rc = segmental_open(&s->search, host->model->left, &o, host->msg)) < 0) {
        close_search(s);
        return rc;
    }
    *search = s;
    return LINNET_OK;
}

static void reset(void *search) { segmental_reset(((struct segmental_pass *)search)->search); }

static int step(void *search, const struct search_host *host, const struct frame_block *block)
{
    struct segmental_pass *s = search;
    return segmental_step(s->search, host->ctx, block->states, block->logprobs, block->n, host->msg);
}

static int partial(void *search, const struct search_host *host, const struct hypothesis **best, int *n_committed)
{
    struct segmental_pass *s = search;
    *n_committed = segmental_committed(s->search);
    return segmental_nbest(s->search, 1, best, host->msg);
}

static int finish(void *search, const struct search_host *host, const struct hypothesis **results)
{
    struct segmental_pass *s = search;
    int rc = segmental_finish(s->search, host->ctx, host->msg);
    return rc < 0 ? rc : segmental_nbest(s->search, INT_MAX, results, host->msg);
}

static const struct search_ops segmental_ops = {
    .open = open_search, .close = close_search, .reset = reset, .step = step, .partial = partial, .finish = finish};

const struct decoder segmental_decoder = {
    .name = "segmental",
    .summary = "the attention decoder frame by frame, attention limited to segments",
    .needs = MODEL_FRAMES | MODEL_CTC | MODEL_TEXT_DECODER,
    .settings = tables,
    .ignores = "language|task|decoder.length_penalty|decoder.max_tokens",
    .search = &segmental_ops,
    UTTERANCE_DECODER,
};
