/* SPDX-License-Identifier: Apache-2.0
 * network.c - AlignAtt (Papi et al. 2023) in Simul-Whisper's form (Wang et al. 2024): for the row that predicts a
 * token, the weights of each alignment head are normalised over all rows up to it (the start sequence among them), so
 * that frames which every token attends to do not count.  Only that row is needed: of all, sums and sums of squares are
 * kept. */
#include "decoders/alignatt/network.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/alignatt/head.h"
#include "decoders/whisper_common/state.h"
#include "encoder/whisper_silence.h"

enum {
    MEDIAN = 7,
    HALF = MEDIAN / 2,
    NEAR = 25, /* states of silence behind the audio that know it; those that follow are of silence alone */
};

static int arrays_open(struct alignatt_network *r, size_t n_paths, size_t n_states, size_t n_taps)
{
    const struct linnet_model *m = r->model;
    size_t n_positions = (size_t)m->left->config.n_positions, n_weights = n_taps * n_states;
    int *slots;
    float *weights;
    double *sums;
    r->block =
        MEM_PARTS(MEM_PART(r->states, n_states * (size_t)m->encoder->n_dims), MEM_PART(r->rows, ALIGNATT_BLOCK),
                  MEM_PART(r->logits, n_paths * (size_t)m->vocab->n), MEM_PART(r->weights, ALIGNATT_BLOCK * n_weights),
                  MEM_PART(r->amounts, n_states), MEM_PART(r->attention, n_states), MEM_PART(r->paths, n_paths),
                  MEM_PART(slots, n_paths * n_positions), MEM_PART(weights, n_paths * n_weights),
                  MEM_PART(sums, 2 * n_paths * n_weights));
    if (r->block == NULL)
        return LINNET_E_MEMORY;
    for (size_t i = 0; i < n_paths; i++)
        r->paths[i] = (struct alignatt_path){.slots = slots + i * n_positions,
                                             .logits = r->logits + i * (size_t)m->vocab->n,
                                             .weights = weights + i * n_weights,
                                             .sum = sums + 2 * i * n_weights,
                                             .squares = sums + (2 * i + 1) * n_weights};
    r->n_paths = (int)n_paths;
    return LINNET_OK;
}

int alignatt_network_open(struct alignatt_network *r, const struct linnet_model *model, int keeps, int n_paths,
                          const char *head_dir, struct message *msg)
{
    size_t n_states = (size_t)whisper_window_states(model), n_taps = (size_t)model->named_heads.n;
    int n_slots = n_paths * model->left->config.n_positions, rc;
    *r = (struct alignatt_network){.model = model, .keeps = keeps, .head_bias = model->truncation_bias};
    if ((rc = nn_context_open(&r->ctx, model->pool, msg)) < 0 ||
        (rc = whisper_encoder_state_open(&r->encoder, whisper_encoder_of(model->encoder), keeps, &r->ctx, msg)) < 0 ||
        (keeps && (rc = whisper_silence_prepare(whisper_encoder_of(model->encoder), &r->ctx, msg)) < 0) ||
        (rc = whisper_state_open(&r->decoder, model, &r->ctx, n_slots, ALIGNATT_BLOCK, msg)) < 0)
        goto fail;
    if (arrays_open(r, (size_t)n_paths, n_states, n_taps) < 0 || whisper_slots_open(&r->slots, n_slots) < 0) {
        rc = fail_memory(msg);
        goto fail;
    }
    if (head_dir[0] != '\0' &&
        (rc = alignatt_head_read(&r->own_head, &r->head_bias, head_dir, model->encoder->n_dims, msg)) < 0)
        goto fail;
    r->head = r->own_head != NULL ? r->own_head : model->truncation_weight;
    return LINNET_OK;
fail:
    alignatt_network_close(r);
    return rc;
}

void alignatt_network_close(struct alignatt_network *r)
{
    whisper_encoder_state_close(&r->encoder);
    text_decoder_state_close(&r->decoder);
    whisper_slots_close(&r->slots);
    mem_free(r->own_head);
    mem_free(r->block);
    nn_context_close(&r->ctx);
    *r = (struct alignatt_network){0};
}

static size_t n_weights(const struct alignatt_network *r)
{
    return (size_t)r->model->named_heads.n * (size_t)r->n_frames;
}

void alignatt_network_encode(struct alignatt_network *r, const float *mel, int n_mel_frames, int n_content, int from)
{
    r->n_frames = n_mel_frames / 2;
    r->n_content = n_content < r->n_frames ? n_content : r->n_frames;
    for (int i = 0; i < r->n_paths; i++)
        r->paths[i].n_tokens = 0;
    memset(r->paths[0].sum, 0, n_weights(r) * sizeof *r->paths[0].sum);
    memset(r->paths[0].squares, 0, n_weights(r) * sizeof *r->paths[0].squares);
    const struct whisper_encoder *e = whisper_encoder_of(r->model->encoder);
    struct whisper_encoder_input in = {.mel = mel, .n_frames = n_mel_frames, .from = from};
    if (r->keeps && r->n_frames > r->n_content + NEAR)
        whisper_silence_tail(e, &r->ctx, r->n_content + NEAR, r->n_frames, &in.tail);
    whisper_encoder_forward(&r->ctx, e, &r->encoder, &in, r->states);
    text_decoder_state_cut(&r->decoder, from);
    text_decoder_state_append(&r->decoder, &r->ctx, r->states + (ptrdiff_t)from * r->model->encoder->n_dims,
                              r->n_frames - from);
}

/* ---- running ---- */

int alignatt_network_has_room(const struct alignatt_network *r, int p, int n)
{
    return r->paths[p].n_tokens + n <= r->model->left->config.n_positions;
}

void alignatt_network_fork(struct alignatt_network *r, int to, int from)
{
    struct alignatt_path *a = &r->paths[to];
    const struct alignatt_path *b = &r->paths[from];
    a->n_tokens = b->n_tokens;
    memcpy(a->slots, b->slots, (size_t)b->n_tokens * sizeof *a->slots);
    memcpy(a->sum, b->sum, n_weights(r) * sizeof *a->sum);
    memcpy(a->squares, b->squares, n_weights(r) * sizeof *a->squares);
}

static void mark_slots(struct alignatt_network *r)
{
    whisper_slots_clear(&r->slots);
    for (int i = 0; i < r->n_paths; i++)
        whisper_slots_mark(&r->slots, r->paths[i].slots, r->paths[i].n_tokens);
}

/* The row of path p's next token. */
static struct text_row next_row(struct alignatt_network *r, struct alignatt_path *p, int token)
{
    p->slots[p->n_tokens] = whisper_slots_take(&r->slots); /* there are enough for every path's every token */
    return (struct text_row){token, p->n_tokens++, p->slots};
}

static void run_rows(struct alignatt_network *r, int n)
{
    text_decoder_state_step(&r->decoder, &r->ctx, r->rows, n,
                            &(struct text_cross){.taps = r->model->named_heads.index, .weights = r->weights});
}

/* Adds the weights in one of the n rows that ran to the sums of path p. */
static void add_weights(struct alignatt_network *r, struct alignatt_path *p, int row, int n)
{
    for (int tap = 0; tap < r->model->named_heads.n; tap++) {
        const float *w = r->weights + ((ptrdiff_t)tap * n + row) * r->n_frames;
        double *sum = p->sum + (ptrdiff_t)tap * r->n_frames, *squares = p->squares + (ptrdiff_t)tap * r->n_frames;
        for (int t = 0; t < r->n_frames; t++) {
            sum[t] += (double)w[t];
            squares[t] += (double)w[t] * (double)w[t];
        }
    }
}

/* Keeps the weights in one of the n rows that ran as those of path p's last. */
static void keep_weights(struct alignatt_network *r, struct alignatt_path *p, int row, int n)
{
    for (int tap = 0; tap < r->model->named_heads.n; tap++)
        memcpy(p->weights + (ptrdiff_t)tap * r->n_frames, r->weights + ((ptrdiff_t)tap * n + row) * r->n_frames,
               (size_t)r->n_frames * sizeof *p->weights);
}

void alignatt_network_run(struct alignatt_network *r, int path, const int *tokens, int n)
{
    struct alignatt_path *p = &r->paths[path];
    int n_rows = 0;
    for (int at = 0; at < n; at += n_rows) {
        n_rows = n - at < ALIGNATT_BLOCK ? n - at : ALIGNATT_BLOCK;
        mark_slots(r);
        for (int i = 0; i < n_rows; i++)
            r->rows[i] = next_row(r, p, tokens[at + i]);
        run_rows(r, n_rows);
        for (int i = 0; i < n_rows; i++)
            add_weights(r, p, i, n_rows);
    }
    keep_weights(r, p, n_rows - 1, n_rows);
    text_decoder_state_logits(&r->decoder, &r->ctx, n_rows - 1, 1, p->logits);
}

void alignatt_network_run_each(struct alignatt_network *r, const int *paths, const int *tokens, int n)
{
    mark_slots(r);
    for (int i = 0; i < n; i++)
        r->rows[i] = next_row(r, &r->paths[paths[i]], tokens[i]);
    run_rows(r, n);
    text_decoder_state_logits(&r->decoder, &r->ctx, 0, n, r->logits);
    for (int i = 0; i < n; i++) {
        add_weights(r, &r->paths[paths[i]], i, n);
        keep_weights(r, &r->paths[paths[i]], i, n);
        r->paths[paths[i]].logits = r->logits + (ptrdiff_t)i * r->model->vocab->n;
    }
}

/* ---- attention ---- */

/* Weight t of the last of n_rows rows relative to all of them, the n frames mirrored at both ends. */
static float relative(const float *w, const double *sum, const double *squares, int n_rows, int n, int t)
{
    t = t < 0 ? -t : t >= n ? 2 * (n - 1) - t : t;
    if (t < 0 || t >= n)
        return 0;
    double mean = sum[t] / n_rows, variance = squares[t] / n_rows - mean * mean;
    return variance > 0 ? (float)(((double)w[t] - mean) / sqrt(variance)) : 0;
}

static float median_of(const float *window)
{
    float sorted[MEDIAN];
    for (int i = 0; i < MEDIAN; i++) {
        int at = i;
        for (; at > 0 && sorted[at - 1] > window[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = window[i];
    }
    return sorted[HALF];
}

/* Adds the smoothed relative weights of one head. */
static void add_head(struct alignatt_network *r, const struct alignatt_path *p, int tap)
{
    int n = r->n_frames;
    const float *w = p->weights + (ptrdiff_t)tap * n;
    const double *sum = p->sum + (ptrdiff_t)tap * n, *squares = p->squares + (ptrdiff_t)tap * n;
    float window[MEDIAN];
    for (int i = 0; i < MEDIAN; i++)
        window[i] = relative(w, sum, squares, p->n_tokens, n, i - HALF);
    for (int t = 0; t < r->n_content; t++) {
        r->attention[t] += median_of(window);
        memmove(window, window + 1, sizeof window - sizeof window[0]);
        window[MEDIAN - 1] = relative(w, sum, squares, p->n_tokens, n, t + 1 + HALF);
    }
}

int alignatt_network_attended(struct alignatt_network *r, int p)
{
    int best = 0;
    memset(r->attention, 0, (size_t)r->n_frames * sizeof *r->attention);
    for (int tap = 0; tap < r->model->named_heads.n; tap++)
        add_head(r, &r->paths[p], tap);
    for (int t = 1; t < r->n_content; t++)
        best = r->attention[t] > r->attention[best] ? t : best;
    return best;
}

int alignatt_network_fires(struct alignatt_network *r)
{
    return r->head != NULL && alignatt_head_fires(r->ctx.kernels, r->head, r->head_bias, r->states, r->n_content,
                                                  r->model->encoder->n_dims, r->amounts);
}
