/* SPDX-License-Identifier: Apache-2.0
 * step.h - a step: encodes the audio of the open utterance, runs the committed text, and decodes what follows. */
#ifndef LINNET_DECODERS_ALIGNATT_STEP_H
#define LINNET_DECODERS_ALIGNATT_STEP_H

#include "decoders/alignatt/beam.h"

enum { ALIGNATT_CONTEXT = 64 /* tokens of the prompt: text before the audio */ };

struct alignatt_step {
    const struct decoder_host *host;
    const struct decoder_options *shared;
    const struct whisper_options *whisper;
    const struct linnet_model *model;
    const struct whisper_vocab *vocab;
    struct alignatt_network network;
    struct alignatt_beam beam;
    void *block;          /* of the arrays */
    int *prompt;          /* [n_text_ctx] */
    float *window;        /* [LOG_MEL_WINDOW_FRAMES, n_mels] */
    int64_t encoded_from; /* mel frame where the encoded audio begins; < 0: none is */
    int n_encoded;        /* encoder frames of it */
    int fixed_language;   /* token; < 0: to be detected */
};

/* host must live as long as the step. */
LINNET_MUST_CHECK int alignatt_step_open(struct alignatt_step *s, const struct decoder_host *host);
void alignatt_step_close(struct alignatt_step *s); /* zeroed and half-opened ones too */
void alignatt_step_reset(struct alignatt_step *s);

int alignatt_step_max_tokens(const struct alignatt_step *s); /* of a text that it can extend */

/* Decodes the audio up to sample `to` into the text; is_complete: speech ends there.  Words are committed by the audio
 * between them and the frame `now`. */
LINNET_MUST_CHECK int alignatt_step_decode(struct alignatt_step *s, const struct alignatt_audio *audio,
                                           struct alignatt_text *text, int64_t to, int is_complete, int64_t now);

#endif
