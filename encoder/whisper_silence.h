/* SPDX-License-Identifier: Apache-2.0
 * whisper_silence.h - what Whisper's encoder makes of silence, computed once for all streams.
 *
 * A stream that encodes a window every second puts silence behind its audio, as the model was trained to expect.  Its
 * states hardly depend on the audio before them, so those of silence alone stand for them (whisper_encoder_tail). */
#ifndef LINNET_ENCODER_WHISPER_SILENCE_H
#define LINNET_ENCODER_WHISPER_SILENCE_H

#include "encoder/whisper_encoder.h"

/* Its normalised features, beside speech of usual loudness: of the 300 utterances of recipes/speechocean762 half have
 * -0.86 to -0.73. */
#define WHISPER_SILENCE (-0.8f)

struct whisper_silence;

/* Takes little memory until it is prepared. */
LINNET_MUST_CHECK int whisper_silence_open(struct whisper_silence **out, struct message *msg);
void whisper_silence_close(struct whisper_silence *s); /* NULL is fine */

/* When a stream is opened: the first encodes twenty seconds of silence.  Several threads may call this and the next one
 * at the same time. */
LINNET_MUST_CHECK int whisper_silence_prepare(const struct whisper_encoder *e, struct nn_context *ctx,
                                              struct message *msg);

/* The states from .. to - 1 of a window of silence, to <= n_states.  Those that nobody has asked for before are
 * computed with the caller's context, on which a state of the encoder has been opened.  What *tail refers to lives as
 * long as the encoder. */
void whisper_silence_tail(const struct whisper_encoder *e, struct nn_context *ctx, int from, int to,
                          struct whisper_encoder_tail *tail);

#endif
