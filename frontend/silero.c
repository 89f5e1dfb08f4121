/* SPDX-License-Identifier: Apache-2.0
 * silero.c - Silero VAD v6 for 16 kHz (https://github.com/snakers4/silero-vad, MIT), after the definition that its
 * package has for tinygrad.
 *
 *     block [576], its end mirrored [640] -> windowed Fourier transform, a convolution 256/128 [4, 258]
 *     -> magnitudes [4, 129] -> convolutions of width 3 with ReLU: [4, 128] [2, 64] [1, 64] [1, 128]
 *     -> LSTM cell [128] -> ReLU -> linear, sigmoid [1]
 *
 * Everything is time-major, and each convolution's input has a row of zeros before and after it, so that all of them
 * are linear layers (nn/linear.h).  The cell's state is what a stream carries from block to block. */
#include "frontend/silero.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "frontend/vad_turns.h"
#include "nn/layers.h"

enum {
    HEARD = SILERO_BEFORE + SILERO_BLOCK,
    MIRRORED = 64,
    WINDOW = 256,
    STRIDE = 128,
    FRAMES = (HEARD + MIRRORED - WINDOW) / STRIDE + 1,
    BINS = WINDOW / 2 + 1,
    WIDTH = 3, /* of a convolution */
    STATE = 128,
};

/* Rows are those of the output. */
static const struct convolution {
    const char *name;
    int n_in, n_out, stride, n_rows;
} convolutions[] = {
    {"conv1", BINS, 128, 1, FRAMES}, {"conv2", 128, 64, 2, 2}, {"conv3", 64, 64, 2, 1}, {"conv4", 64, STATE, 1, 1}};
enum { N_CONVOLUTIONS = sizeof convolutions / sizeof convolutions[0] };

struct silero {
    struct nn_context ctx;
    struct linear fourier, layers[N_CONVOLUTIONS], input, hidden, output;
    void *block;                        /* of the arrays */
    float *samples;                     /* [HEARD + MIRRORED] */
    float *spectrum;                    /* [FRAMES, 2 * BINS] real parts, imaginary parts */
    float *rows[N_CONVOLUTIONS + 1];    /* [1 + rows + 1, n_in] of a convolution; the last one's output */
    float *gates;                       /* [4, STATE] */
    float *memory, *answer, *rectified; /* [STATE] cell, and what it says */
};

/* ---- opening ---- */

/* lstm_cell.weight_PART [4 * STATE, STATE] and lstm_cell.bias_PART: gates in, forget, cell, out. */
static int gates_load(struct linear *l, const struct layer_source *from, const char *weight, const char *bias)
{
    const struct tensor *w, *b;
    int rc = safetensors_get(from->file, weight, 2, (const int64_t[]){4 * STATE, STATE}, &w, from->msg);
    if (rc < 0 || (rc = safetensors_get(from->file, bias, 1, (const int64_t[]){4 * STATE}, &b, from->msg)) < 0)
        return rc;
    return linear_open(l, &w, &b, 1, from->precision, from->pool, from->msg);
}

static int weights_load(struct silero *s, const struct layer_source *from)
{
    int rc = linear_load_convolution(&s->fourier, from, "stft_conv", 1, 2 * BINS, WINDOW, LAYER_NO_BIAS);
    for (int i = 0; i < N_CONVOLUTIONS && rc >= 0; i++) {
        const struct convolution *c = &convolutions[i];
        rc = linear_load_convolution(&s->layers[i], from, c->name, c->n_in, c->n_out, WIDTH, LAYER_BIAS);
    }
    if (rc < 0 || (rc = gates_load(&s->input, from, "lstm_cell.weight_ih", "lstm_cell.bias_ih")) < 0 ||
        (rc = gates_load(&s->hidden, from, "lstm_cell.weight_hh", "lstm_cell.bias_hh")) < 0)
        return rc;
    return linear_load_convolution(&s->output, from, "final_conv", STATE, 1, 1, LAYER_BIAS);
}

static int reserve(struct silero *s, struct message *msg)
{
    const struct linear *layers[] = {&s->fourier, &s->input, &s->hidden, &s->output};
    int rc = nn_context_open(&s->ctx, NULL, msg);
    for (size_t i = 0; i < sizeof layers / sizeof layers[0] && rc >= 0; i++)
        rc = nn_context_reserve(&s->ctx, linear_scratch(layers[i]), msg);
    for (int i = 0; i < N_CONVOLUTIONS && rc >= 0; i++)
        rc = nn_context_reserve(&s->ctx, linear_scratch(&s->layers[i]), msg);
    return rc;
}

/* Rows that a convolution's input has, with those of zeros. */
static size_t rows_of(int i) { return 2 + (size_t)(i == 0 ? FRAMES : convolutions[i - 1].n_rows); }

static int buffers_open(struct silero *s, struct message *msg)
{
    s->block = MEM_PARTS(MEM_PART(s->samples, HEARD + MIRRORED), MEM_PART(s->spectrum, FRAMES * 2 * BINS),
                         MEM_PART(s->rows[0], rows_of(0) * BINS), MEM_PART(s->rows[1], rows_of(1) * 128),
                         MEM_PART(s->rows[2], rows_of(2) * 64), MEM_PART(s->rows[3], rows_of(3) * 64),
                         MEM_PART(s->rows[4], rows_of(4) * STATE), MEM_PART(s->gates, 4 * STATE),
                         MEM_PART(s->memory, STATE), MEM_PART(s->answer, STATE), MEM_PART(s->rectified, STATE));
    return s->block == NULL ? fail_memory(msg) : LINNET_OK;
}

int silero_open(struct silero **out, const char *path, struct message *msg)
{
    struct safetensors *file = NULL;
    struct silero *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    int rc = safetensors_open(&file, path, msg);
    if (rc >= 0)
        rc = weights_load(s, &(const struct layer_source){file, PRECISION_FP32, NULL, msg, NULL});
    safetensors_close(file);
    if (rc < 0 || (rc = reserve(s, msg)) < 0 || (rc = buffers_open(s, msg)) < 0) {
        silero_close(s);
        return rc;
    }
    *out = s;
    return LINNET_OK;
}

void silero_close(struct silero *s)
{
    if (s == NULL)
        return;
    linear_close(&s->fourier);
    for (int i = 0; i < N_CONVOLUTIONS; i++)
        linear_close(&s->layers[i]);
    linear_close(&s->input);
    linear_close(&s->hidden);
    linear_close(&s->output);
    nn_context_close(&s->ctx);
    mem_free(s->block);
    mem_free(s);
}

void silero_reset(struct silero *s)
{
    memset(s->memory, 0, STATE * sizeof *s->memory);
    memset(s->answer, 0, STATE * sizeof *s->answer);
}

/* ---- a step ---- */

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* Rows of a layer that lie side by side, but for the stride of the input's. */
static void forward(struct silero *s, const struct linear *l, const float *x, ptrdiff_t ldx, int n, float *y,
                    const struct linear_how *how)
{
    linear_forward(&s->ctx, l, &(struct linear_rows){x, ldx, n, y, l->n_out}, how);
}

/* The magnitudes of the block's spectrum, in the rows of the first convolution. */
static void listen(struct silero *s, const float *block)
{
    memcpy(s->samples, block, HEARD * sizeof *block);
    for (int i = 0; i < MIRRORED; i++)
        s->samples[HEARD + i] = block[HEARD - 2 - i];
    forward(s, &s->fourier, s->samples, STRIDE, FRAMES, s->spectrum, NULL);
    for (ptrdiff_t t = 0; t < FRAMES; t++) {
        const float *real = s->spectrum + t * 2 * BINS, *imaginary = real + BINS;
        for (ptrdiff_t k = 0; k < BINS; k++)
            s->rows[0][(1 + t) * BINS + k] = sqrtf(real[k] * real[k] + imaginary[k] * imaginary[k]);
    }
}

static void remember(struct silero *s, const float *latent)
{
    static const struct linear_how add = {NN_NONE, 1, 1.0f};
    const float *in = s->gates, *keep = in + STATE, *cell = keep + STATE, *out = cell + STATE;
    forward(s, &s->input, latent, STATE, 1, s->gates, NULL);
    forward(s, &s->hidden, s->answer, STATE, 1, s->gates, &add);
    for (int i = 0; i < STATE; i++) {
        s->memory[i] = sigmoid(keep[i]) * s->memory[i] + sigmoid(in[i]) * tanhf(cell[i]);
        s->answer[i] = sigmoid(out[i]) * tanhf(s->memory[i]);
        s->rectified[i] = s->answer[i] > 0.0f ? s->answer[i] : 0.0f;
    }
}

float silero_step(struct silero *s, const float *block)
{
    static const struct linear_how relu = {NN_RELU, 0, 0.0f};
    float logit;
    listen(s, block);
    for (int i = 0; i < N_CONVOLUTIONS; i++) {
        const struct convolution *c = &convolutions[i];
        forward(s, &s->layers[i], s->rows[i], c->stride * c->n_in, c->n_rows, s->rows[i + 1] + c->n_out, &relu);
    }
    remember(s, s->rows[N_CONVOLUTIONS] + STATE);
    forward(s, &s->output, s->rectified, STATE, 1, &logit, NULL);
    return sigmoid(logit);
}

/* ---- the table's entry ---- */

/* How much less probable speech may be that goes on, as in the package. */
#define HYSTERESIS 0.15f
#define LEAST 0.01f

static int scorer_open(void **state, const struct vad_options *o, struct message *msg)
{
    struct silero *s = NULL;
    if (o->model[0] == '\0')
        return fail(msg, LINNET_E_ARGUMENT, "vad.kind=silero: there are no weights, and vad.model names none");
    int rc = silero_open(&s, o->model, msg);
    if (rc >= 0)
        *state = s;
    return rc;
}

static void scorer_close(void *state) { silero_close(state); }

static void scorer_reset(void *state) { silero_reset(state); }

static float scorer_score(void *state, const float *frame) { return silero_step(state, frame); }

static struct vad_limits scorer_limits(const struct vad_options *o)
{
    float start = (float)o->threshold;
    return (struct vad_limits){start, fmaxf(start - HYSTERESIS, LEAST)};
}

const struct vad_kind silero_vad = {
    .length = HEARD,
    .hop = SILERO_BLOCK,
    .n_before = SILERO_BEFORE,
    .n_sound = SILERO_BLOCK,
    .n_least = 3, /* a crowd, or the first note of a piece, is now and then speech for two */
    .open = scorer_open,
    .close = scorer_close,
    .reset = scorer_reset,
    .score = scorer_score,
    .limits = scorer_limits,
};
