/* SPDX-License-Identifier: Apache-2.0
 * forward_whisper.c - `linnet forward` for Whisper models.
 *
 * The first window of 30 s, filled up with silence.  features [n_mels, 3000] are normalised as the encoder takes them,
 * channel by channel as openai-whisper lays them out; encoder_out [1500, D]; with tokens, logits [n, V] after each of
 * them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "bin/forward.h"
#include "decoders/whisper_model.h"
#include "frontend/log_mel.h"

struct whisper_run {
    struct nn_context ctx;
    struct whisper_encoder_state encoder;
    struct whisper_network_state network;
    struct features_stream *mel;
    float *samples, *frames, *hidden;
    int *tokens, *slots;
    int n_tokens;
    struct whisper_row *rows;
};

static void whisper_run_close(struct whisper_run *r)
{
    features_close(r->mel);
    whisper_encoder_state_close(&r->encoder);
    whisper_network_state_close(&r->network);
    nn_context_close(&r->ctx);
    void *arrays[] = {r->samples, r->frames, r->hidden, r->tokens, r->slots, r->rows};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
}

static int parse_tokens(struct whisper_run *r, const char *list, const struct whisper_config *c, struct message *msg)
{
    r->tokens = mem_array((size_t)c->n_text_ctx, sizeof *r->tokens);
    if (r->tokens == NULL)
        return fail_memory(msg);
    for (const char *at = list; *at != '\0'; at += strspn(at, ", ")) {
        char number[32];
        size_t n = strcspn(at, ", ");
        long long id;
        snprintf(number, sizeof number, "%.*s", (int)(n < 31 ? n : 31), at);
        if (n > 31 || parse_int(number, 0, c->n_vocab - 1, &id) < 0)
            return fail(msg, LINNET_E_ARGUMENT, "token '%s' is not a number below %d", number, c->n_vocab);
        if (r->n_tokens == c->n_text_ctx)
            return fail(msg, LINNET_E_ARGUMENT, "more than %d tokens", c->n_text_ctx);
        r->tokens[r->n_tokens++] = (int)id;
        at += n;
    }
    return LINNET_OK;
}

/* The window's samples, zeros after them, and what the last frame looks at. */
static int read_window(struct whisper_run *r, struct audio_file *audio, size_t n, struct message *msg)
{
    r->samples = mem_array(n, sizeof *r->samples);
    if (r->samples == NULL)
        return fail_memory(msg);
    long got = 1;
    for (size_t at = 0; at < n && got > 0; at += (size_t)got)
        if ((got = audio_file_read(audio, r->samples + at, n - at, msg)) < 0)
            return (int)got;
    return LINNET_OK;
}

static int whisper_features(struct whisper_run *r, const struct whisper_config *c, struct audio_file *audio,
                            struct forward_tensors *t, struct message *msg)
{
    int n_frames = 2 * c->n_audio_ctx, rc;
    size_t n = (size_t)n_frames * LOG_MEL_HOP + 40, n_values = (size_t)n_frames * (size_t)c->n_mels;
    if ((rc = log_mel_open(&r->mel, c->n_mels, msg)) < 0 || (rc = read_window(r, audio, n, msg)) < 0)
        return rc;
    r->frames = mem_array(n_values, sizeof *r->frames);
    float *features = forward_add(t, "features", c->n_mels, n_frames);
    if (r->frames == NULL || features == NULL || features_max_frames(r->mel, n) != (size_t)n_frames)
        return fail_memory(msg);
    features_feed(r->mel, r->samples, n, r->frames);
    log_mel_normalize(r->frames, n_values, -INFINITY);
    for (int i = 0; i < n_frames; i++)
        for (int k = 0; k < c->n_mels; k++)
            features[k * n_frames + i] = r->frames[i * c->n_mels + k];
    return LINNET_OK;
}

static int whisper_logits(struct whisper_run *r, const struct whisper_model *m, const float *states,
                          struct forward_tensors *t, struct message *msg)
{
    const struct whisper_config *c = &m->config;
    int n = r->n_tokens;
    if (n == 0)
        return LINNET_OK;
    int rc = whisper_network_state_open(&r->network, &m->network, n, n, &r->ctx, msg);
    if (rc < 0)
        return rc;
    r->hidden = mem_array((size_t)n * (size_t)c->d_model, sizeof *r->hidden);
    r->slots = mem_array((size_t)n, sizeof *r->slots);
    r->rows = mem_array((size_t)n, sizeof *r->rows);
    float *logits = forward_add(t, "logits", n, c->n_vocab);
    if (r->hidden == NULL || r->slots == NULL || r->rows == NULL || logits == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n; i++) {
        r->slots[i] = i;
        r->rows[i] = (struct whisper_row){r->tokens[i], i, r->slots};
    }
    whisper_network_listen(&r->ctx, &m->network, &r->network, states, c->n_audio_ctx, 0);
    whisper_network_step(&r->ctx, &m->network, &r->network, r->rows, n, r->hidden, NULL);
    whisper_network_logits(&r->ctx, &m->network, r->hidden, n, logits);
    return LINNET_OK;
}

static int whisper_run(struct whisper_run *r, const struct linnet_model *model, const struct forward_options *o,
                       struct audio_file *audio, struct forward_tensors *t, struct message *msg)
{
    const struct whisper_model *m = model->whisper;
    int rc;
    if ((o->tokens != NULL && (rc = parse_tokens(r, o->tokens, &m->config, msg)) < 0) ||
        (rc = nn_context_open(&r->ctx, model->pool, msg)) < 0 ||
        (rc = whisper_encoder_state_open(&r->encoder, &m->encoder, 0, &r->ctx, msg)) < 0 ||
        (rc = whisper_features(r, &m->config, audio, t, msg)) < 0)
        return rc;
    float *states = forward_add(t, "encoder_out", m->config.n_audio_ctx, m->config.d_model);
    if (states == NULL)
        return fail_memory(msg);
    whisper_encoder_forward(&r->ctx, &m->encoder, &r->encoder, r->frames, 2 * m->config.n_audio_ctx, 0, states);
    return whisper_logits(r, m, states, t, msg);
}

int forward_whisper(const struct linnet_model *model, const struct forward_options *o, struct audio_file *audio,
                    struct forward_tensors *t, struct message *msg)
{
    struct whisper_run r = {0};
    if (o->chunk > 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "--chunk is for WeNet models");
    int rc = whisper_run(&r, model, o, audio, t, msg);
    whisper_run_close(&r);
    return rc;
}
