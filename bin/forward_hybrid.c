/* SPDX-License-Identifier: Apache-2.0
 * forward_hybrid.c - `linnet forward` for WeNet models: features [T, n_mels] before normalization, encoder_out [T', D]
 * and ctc_logprobs [T', V] of the whole recording, with attention masked to chunks when asked for. */
#include <string.h>

#include "bin/forward.h"
#include "decoders/hybrid_forward.h"

static int put(struct forward_tensors *t, const char *name, const float *data, int rows, int columns,
               struct message *msg)
{
    float *to = forward_add(t, name, rows, columns);
    if (to == NULL)
        return fail_memory(msg);
    memcpy(to, data, (size_t)rows * (size_t)columns * sizeof *to);
    return LINNET_OK;
}

int forward_hybrid(const struct linnet_model *model, const struct forward_options *o, struct audio_file *audio,
                   struct forward_tensors *t, struct message *msg)
{
    const struct hybrid_model *m = model->hybrid;
    struct hybrid_forward f;
    int rc = o->tokens != NULL ? fail(msg, LINNET_E_UNSUPPORTED, "--tokens is for Whisper models") : LINNET_OK;
    if (rc >= 0 && o->chunk > 0 && conformer_config_chunk(&m->config, o->chunk) == 0)
        rc = fail(msg, LINNET_E_UNSUPPORTED, "the model was not trained for chunks");
    if (rc < 0 || (rc = hybrid_forward(&f, m, model->pool, audio, o->chunk, o->left_chunks, msg)) < 0)
        return rc;
    if ((rc = put(t, "features", f.features, f.n_features, m->config.n_features, msg)) >= 0 &&
        (rc = put(t, "encoder_out", f.states, f.n_states, m->config.n_dims, msg)) >= 0)
        rc = put(t, "ctc_logprobs", f.logprobs, f.n_states, m->n_vocabulary, msg);
    hybrid_forward_close(&f);
    return rc;
}
