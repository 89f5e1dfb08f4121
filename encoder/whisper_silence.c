/* SPDX-License-Identifier: Apache-2.0
 * whisper_silence.c - silence is encoded block by block, as far as anybody has asked for it; a block attends to itself
 * and those before it.  So its states are the same whoever asks for them, and when. */
#include "encoder/whisper_silence.h"

#include <pthread.h>

#include "base/mem.h"

enum {
    BLOCK = 500,          /* states: ten seconds */
    PREPARED = 2 * BLOCK, /* more than most utterances with their context need, so that few streams have to wait */
};

struct whisper_silence {
    pthread_mutex_t lock;
    struct whisper_encoder_state state;
    void *block;   /* of the arrays */
    float *mel;    /* [2 n_states, n_mels] */
    float *states; /* [n_states, D] */
    int n;         /* encoded */
};

int whisper_silence_open(struct whisper_silence **out, struct message *msg)
{
    struct whisper_silence *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(msg);
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return LINNET_OK;
}

void whisper_silence_close(struct whisper_silence *s)
{
    if (s == NULL)
        return;
    whisper_encoder_state_close(&s->state);
    mem_free(s->block);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}

static int allocate(struct whisper_silence *s, const struct whisper_encoder *e, struct nn_context *ctx,
                    struct message *msg)
{
    size_t n = (size_t)e->n_states, n_mel = 2 * n * (size_t)e->base.n_features;
    s->block = MEM_PARTS(MEM_PART(s->mel, n_mel), MEM_PART(s->states, n * (size_t)e->base.n_dims));
    if (s->block == NULL)
        return fail_memory(msg);
    for (size_t i = 0; i < n_mel; i++)
        s->mel[i] = WHISPER_SILENCE;
    int rc = whisper_encoder_state_open(&s->state, e, 1, ctx, msg);
    if (rc < 0) {
        mem_free(s->block);
        s->block = NULL;
    }
    return rc;
}

/* With the lock: the first `least` states, as far as there are so many, and what else is in their blocks. */
static void encode(struct whisper_silence *s, const struct whisper_encoder *e, struct nn_context *ctx, int least)
{
    while (s->n < least && s->n < e->n_states) {
        int n = s->n + BLOCK < e->n_states ? s->n + BLOCK : e->n_states;
        const struct whisper_encoder_input in = {.mel = s->mel, .n_frames = 2 * n, .from = s->n};
        whisper_encoder_forward(ctx, e, &s->state, &in, s->states);
        s->n = n;
    }
}

int whisper_silence_prepare(const struct whisper_encoder *e, struct nn_context *ctx, struct message *msg)
{
    struct whisper_silence *s = e->silence;
    pthread_mutex_lock(&s->lock);
    int rc = s->block == NULL ? allocate(s, e, ctx, msg) : LINNET_OK;
    if (rc >= 0)
        encode(s, e, ctx, PREPARED);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void whisper_silence_tail(const struct whisper_encoder *e, struct nn_context *ctx, int from, int to,
                          struct whisper_encoder_tail *tail)
{
    struct whisper_silence *s = e->silence;
    pthread_mutex_lock(&s->lock);
    encode(s, e, ctx, to);
    pthread_mutex_unlock(&s->lock);
    *tail = (struct whisper_encoder_tail){s->state.caches, s->states, from, to - from};
}
