/* SPDX-License-Identifier: Apache-2.0
 * alignatt_reader.c - reading tokens with an eye on attention.
 *
 * AlignAtt (Papi et al. 2023) in Simul-Whisper's form (Wang et al. 2024): for the row that predicts a token, the weights
 * of each alignment head are normalised over all rows up to it (the start sequence among them), so that frames which
 * every token looks at do not count.  Only that row is needed: of the others sums and sums of squares are kept. */
#include "decoders/alignatt_reader.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/alignatt_head.h"

enum { MEDIAN = 7, HALF = MEDIAN / 2 };

int alignatt_reader_open(struct alignatt_reader *r, const struct whisper_model *model, int keeps, struct pool *pool,
                         const char *head_dir, struct message *msg)
{
    const struct whisper_config *c = &model->config;
    size_t d = (size_t)c->d_model, n_audio = (size_t)c->n_audio_ctx, n_taps = (size_t)model->n_taps;
    int rc;
    memset(r, 0, sizeof *r);
    r->model = model;
    if ((rc = nn_context_open(&r->ctx, pool, msg)) < 0 ||
        (rc = whisper_encoder_state_open(&r->encoder, &model->encoder, keeps, &r->ctx, msg)) < 0 ||
        (rc = whisper_network_state_open(&r->network, &model->network, c->n_text_ctx, ALIGNATT_BLOCK, &r->ctx, msg)) < 0)
        goto fail;
    r->states = mem_array(n_audio * d, sizeof *r->states);
    r->slots = mem_array((size_t)c->n_text_ctx, sizeof *r->slots);
    r->rows = mem_array(ALIGNATT_BLOCK, sizeof *r->rows);
    r->hidden = mem_array(ALIGNATT_BLOCK * d, sizeof *r->hidden);
    r->logits = mem_array((size_t)c->n_vocab, sizeof *r->logits);
    r->weights = mem_array(n_taps * ALIGNATT_BLOCK * n_audio, sizeof *r->weights);
    r->sum = mem_array(n_taps * n_audio, sizeof *r->sum);
    r->squares = mem_array(n_taps * n_audio, sizeof *r->squares);
    r->amounts = mem_array(n_audio, sizeof *r->amounts);
    r->attention = mem_array(n_audio, sizeof *r->attention);
    rc = fail_memory(msg);
    if (r->states == NULL || r->slots == NULL || r->rows == NULL || r->hidden == NULL || r->logits == NULL ||
        r->weights == NULL || r->sum == NULL || r->squares == NULL || r->amounts == NULL || r->attention == NULL)
        goto fail;
    for (int i = 0; i < c->n_text_ctx; i++)
        r->slots[i] = i;
    r->head_bias = model->head_bias;
    if (head_dir[0] != '\0' && (rc = whisper_model_head(&r->own_head, &r->head_bias, head_dir, c->d_model, msg)) < 0)
        goto fail;
    r->head = r->own_head != NULL ? r->own_head : model->head_weight;
    return LINNET_OK;
fail:
    alignatt_reader_close(r);
    return rc;
}

void alignatt_reader_close(struct alignatt_reader *r)
{
    whisper_encoder_state_close(&r->encoder);
    whisper_network_state_close(&r->network);
    void *arrays[] = {r->states, r->slots, r->rows, r->hidden, r->logits, r->weights, r->sum, r->squares, r->amounts,
                      r->attention, r->own_head};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
    nn_context_close(&r->ctx);
    memset(r, 0, sizeof *r);
}

void alignatt_reader_listen(struct alignatt_reader *r, const float *mel, int n_mel_frames, int n_content, int from)
{
    size_t n_sums = (size_t)r->model->n_taps * (size_t)r->model->config.n_audio_ctx;
    r->n_frames = n_mel_frames / 2;
    r->n_content = n_content < r->n_frames ? n_content : r->n_frames;
    r->n_tokens = r->n_last = 0;
    memset(r->sum, 0, n_sums * sizeof *r->sum);
    memset(r->squares, 0, n_sums * sizeof *r->squares);
    whisper_encoder_forward(&r->ctx, &r->model->encoder, &r->encoder, mel, n_mel_frames, from, r->states);
    whisper_network_listen(&r->ctx, &r->model->network, &r->network, r->states, r->n_frames, from);
}

int alignatt_reader_can_run(const struct alignatt_reader *r, int n)
{
    return r->n_tokens + n <= r->model->config.n_text_ctx;
}

/* Adds the rows of the last step to the sums. */
static void add_weights(struct alignatt_reader *r)
{
    for (int tap = 0; tap < r->model->n_taps; tap++) {
        double *sum = r->sum + (ptrdiff_t)tap * r->n_frames, *squares = r->squares + (ptrdiff_t)tap * r->n_frames;
        for (int row = 0; row < r->n_last; row++) {
            const float *w = r->weights + ((ptrdiff_t)tap * r->n_last + row) * r->n_frames;
            for (int t = 0; t < r->n_frames; t++) {
                sum[t] += (double)w[t];
                squares[t] += (double)w[t] * (double)w[t];
            }
        }
    }
}

static void run_block(struct alignatt_reader *r, const int *tokens, int n)
{
    const struct whisper_taps taps = {r->model->tap_index, r->weights};
    for (int i = 0; i < n; i++)
        r->rows[i] = (struct whisper_row){tokens[i], r->n_tokens + i, r->slots};
    whisper_network_step(&r->ctx, &r->model->network, &r->network, r->rows, n, r->hidden, &taps);
    r->n_tokens += n;
    r->n_last = n;
    add_weights(r);
}

void alignatt_reader_run(struct alignatt_reader *r, const int *tokens, int n)
{
    for (int at = 0; at < n; at += r->n_last)
        run_block(r, tokens + at, n - at < ALIGNATT_BLOCK ? n - at : ALIGNATT_BLOCK);
    whisper_network_logits(&r->ctx, &r->model->network, r->hidden + (ptrdiff_t)(r->n_last - 1) * r->model->config.d_model,
                           1, r->logits);
}

int alignatt_reader_best(const struct alignatt_reader *r)
{
    int best = 0;
    for (int i = 1; i < r->model->vocab->n; i++)
        best = r->logits[i] > r->logits[best] ? i : best;
    return best;
}

/* ---- attention ---- */

/* Weight t of the last row relative to all rows, frames mirrored at both ends. */
static float relative(const struct alignatt_reader *r, const float *w, const double *sum, const double *squares, int t)
{
    int n = r->n_frames;
    t = t < 0 ? -t : t >= n ? 2 * (n - 1) - t : t;
    if (t < 0 || t >= n)
        return 0;
    double mean = sum[t] / r->n_tokens, variance = squares[t] / r->n_tokens - mean * mean;
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
static void add_head(struct alignatt_reader *r, int tap)
{
    const float *w = r->weights + ((ptrdiff_t)tap * r->n_last + r->n_last - 1) * r->n_frames;
    const double *sum = r->sum + (ptrdiff_t)tap * r->n_frames, *squares = r->squares + (ptrdiff_t)tap * r->n_frames;
    float window[MEDIAN];
    for (int i = 0; i < MEDIAN; i++)
        window[i] = relative(r, w, sum, squares, i - HALF);
    for (int t = 0; t < r->n_content; t++) {
        r->attention[t] += median_of(window);
        memmove(window, window + 1, sizeof window - sizeof window[0]);
        window[MEDIAN - 1] = relative(r, w, sum, squares, t + 1 + HALF);
    }
}

int alignatt_reader_attended(struct alignatt_reader *r)
{
    int best = 0;
    memset(r->attention, 0, (size_t)r->n_frames * sizeof *r->attention);
    for (int tap = 0; tap < r->model->n_taps; tap++)
        add_head(r, tap);
    for (int t = 1; t < r->n_content; t++)
        best = r->attention[t] > r->attention[best] ? t : best;
    return best;
}

int alignatt_reader_fires(struct alignatt_reader *r)
{
    return r->head != NULL && alignatt_head_fires(r->ctx.kernels, r->head, r->head_bias, r->states, r->n_content,
                                                  r->model->config.d_model, r->amounts);
}
