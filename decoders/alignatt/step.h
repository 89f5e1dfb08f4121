/* SPDX-License-Identifier: Apache-2.0
 * step.h - one look at the open utterance: what is heard is encoded, what was said is run, and read on. */
#ifndef LINNET_DECODERS_ALIGNATT_STEP_H
#define LINNET_DECODERS_ALIGNATT_STEP_H

#include "decoders/alignatt/beam.h"

enum { ALIGNATT_CONTEXT = 64 /* tokens of the prompt: text before what is heard */ };

struct alignatt_step {
    const struct decoder_host *host;
    const struct decoder_options *shared;
    const struct whisper_options *whisper;
    const struct linnet_model *model;
    const struct whisper_vocab *vocab;
    struct alignatt_reader reader;
    struct alignatt_beam beam;
    int *prompt;         /* [n_text_ctx] */
    float *window;       /* [LOG_MEL_WINDOW_FRAMES, n_mels] */
    int64_t heard_from;  /* mel frame where the encoded audio begins; < 0: none is */
    int n_heard;         /* encoder frames of it */
    int wanted_language; /* token; < 0: to be detected */
};

/* host must live as long as the step. */
LINNET_MUST_CHECK int alignatt_step_open(struct alignatt_step *s, const struct decoder_host *host);
void alignatt_step_close(struct alignatt_step *s); /* zeroed and half-opened ones too */
void alignatt_step_reset(struct alignatt_step *s);

int alignatt_step_max_tokens(const struct alignatt_step *s); /* of a text that it can go on with */

/* Reads the audio up to sample `to` into the text; is_complete: speech ends there.  Words may be said for good by how
 * long they have been over at the frame `now`. */
LINNET_MUST_CHECK int alignatt_step_read(struct alignatt_step *s, const struct alignatt_audio *audio,
                                         struct alignatt_text *text, int64_t to, int is_complete, int64_t now);

#endif
