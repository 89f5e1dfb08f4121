/* SPDX-License-Identifier: Apache-2.0
 * network.h - the networks on one window: encodes it, runs the tokens of hypotheses, and finds the frame that the last
 * one attends to. */
#ifndef LINNET_DECODERS_ALIGNATT_NETWORK_H
#define LINNET_DECODERS_ALIGNATT_NETWORK_H

#include "decoders/common/model.h"
#include "decoders/whisper_common/slots.h"
#include "encoder/whisper_encoder.h"

enum { ALIGNATT_BLOCK = 64 /* rows of the prompt that run at once */ };

/* Tokens that were run one after another.  Paths share the keys and values of what they have in common. */
struct alignatt_path {
    int *slots; /* [n_text_ctx] of keys and values */
    int n_tokens;
    float *logits;         /* [n_vocab] after the last token */
    float *weights;        /* [n_taps, n_frames] attention of the alignment heads in the last token's row */
    double *sum, *squares; /* [n_taps, n_frames] of the weights of all rows */
};

struct alignatt_network {
    const struct linnet_model *model;
    struct nn_context ctx;
    struct whisper_encoder_state encoder;
    struct text_decoder_state decoder;
    void *block;             /* of the arrays */
    float *states;           /* [n_frames, D] */
    int n_frames, n_content; /* encoder frames; of them, those that hold audio */
    int keeps;
    struct alignatt_path *paths;
    int n_paths;
    struct whisper_slots slots; /* scratch */
    struct text_row *rows;      /* [ALIGNATT_BLOCK] */
    float *logits;              /* [n_paths, n_vocab] */
    float *weights;             /* [n_taps, rows of the last step, n_frames] */
    float *amounts, *attention; /* [n_audio_ctx] */
    float *own_head;            /* [D] of decoder.head, else NULL */
    const float *head;          /* [D] the truncation head's weights, NULL: there is none */
    float head_bias;
};

/* keeps: a call of encode may go on from the states of the last one, and silence that follows the audio by half a
 * second and more has the states of silence alone (encoder/whisper_silence.h).  n_paths: 1 to ALIGNATT_BLOCK.
 * head_dir: where another truncation head than the model's lies, or "". */
LINNET_MUST_CHECK int alignatt_network_open(struct alignatt_network *r, const struct linnet_model *model, int keeps,
                                            int n_paths, const char *head_dir, struct message *msg);
void alignatt_network_close(struct alignatt_network *r); /* zeroed and half-opened ones too */

/* Encodes normalised mel [n_mel_frames, n_mels], even, of which n_content encoder frames hold audio, and empties the
 * paths.  The states before encoder frame `from` (0 without `keeps`) stay as they are: the audio up to there is that of
 * the last call. */
void alignatt_network_encode(struct alignatt_network *r, const float *mel, int n_mel_frames, int n_content, int from);

/* Runs tokens [n] after those of path p, many at a time. */
void alignatt_network_run(struct alignatt_network *r, int p, const int *tokens, int n);

/* Runs one token of each of n paths in one step. */
void alignatt_network_run_each(struct alignatt_network *r, const int *paths, const int *tokens, int n);

/* Copies path `from` to path `to`, but for the logits and the attention of its last token. */
void alignatt_network_fork(struct alignatt_network *r, int to, int from);

/* The frame among the first n_content that the last row of path p attends to most: weights relative to those of its
 * other rows, median over 7 frames, mean of the alignment heads. */
int alignatt_network_attended(struct alignatt_network *r, int p);

int alignatt_network_has_room(const struct alignatt_network *r, int p, int n); /* room for n tokens more */

/* 1 when the truncation head finds the end of a word at the end of the audio; 0 without a head. */
int alignatt_network_fires(struct alignatt_network *r);

#endif
