/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/whisper_common/state.h"

int whisper_window_check(const struct linnet_model *m, struct message *msg)
{
    if (m->encoder->window == LOG_MEL_WINDOW_FRAMES)
        return LINNET_OK;
    return fail(msg, LINNET_E_UNSUPPORTED, "a window of %d frames: only %d are supported", m->encoder->window,
                LOG_MEL_WINDOW_FRAMES);
}

int whisper_state_open(struct text_decoder_state *s, const struct linnet_model *m, struct nn_context *ctx, int n_slots,
                       int n_rows, struct message *msg)
{
    int n_states = whisper_window_states(m), n_positions = m->left->config.n_positions;
    int rc = text_decoder_state_open(s, m->left, n_states, msg);
    if (rc >= 0 && ((rc = text_decoder_state_reserve(s, ctx, n_rows, n_slots, n_positions, msg)) < 0 ||
                    (rc = text_decoder_state_reserve_frames(s, ctx, n_states, msg)) < 0))
        text_decoder_state_close(s);
    return rc;
}
