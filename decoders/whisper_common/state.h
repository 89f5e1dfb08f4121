/* SPDX-License-Identifier: Apache-2.0
 * state.h - the text decoder's state for windows of audio. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_STATE_H
#define LINNET_DECODERS_WHISPER_COMMON_STATE_H

#include "decoders/common/model.h"
#include "frontend/log_mel.h"

static inline int whisper_window_states(const struct linnet_model *m) /* encoder states of a window */
{
    return encoder_frames(m->encoder, m->encoder->window);
}

/* Fails where the model's window is not Whisper's 30 s. */
LINNET_MUST_CHECK int whisper_window_check(const struct linnet_model *m, struct message *msg);

/* A state of the model's text decoder with room for a window, for n_slots slots and for steps of n_rows. */
LINNET_MUST_CHECK int whisper_state_open(struct text_decoder_state *s, const struct linnet_model *m,
                                         struct nn_context *ctx, int n_slots, int n_rows, struct message *msg);

#endif
