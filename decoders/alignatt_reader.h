/* SPDX-License-Identifier: Apache-2.0
 * alignatt_reader.h - listens to some audio, reads tokens one after another and says which frame the last one came from. */
#ifndef LINNET_DECODERS_ALIGNATT_READER_H
#define LINNET_DECODERS_ALIGNATT_READER_H

#include "decoders/whisper_model.h"

enum { ALIGNATT_BLOCK = 64 /* rows of the prompt that run at once */ };

struct alignatt_reader {
    const struct whisper_model *model;
    struct nn_context ctx;
    struct whisper_encoder_state encoder;
    struct whisper_network_state network;
    float *states;              /* [n_frames, D] */
    int n_frames, n_content;    /* encoder frames; of them, those that hold audio */
    int *slots;                 /* [n_text_ctx] 0, 1, .. */
    struct whisper_row *rows;   /* [ALIGNATT_BLOCK] */
    float *hidden;              /* [ALIGNATT_BLOCK, D] */
    float *logits;              /* [n_vocab] after the last token */
    float *weights;             /* [n_taps, rows of the last step, n_frames] attention of the alignment heads */
    double *sum, *squares;      /* [n_taps, n_audio_ctx] of the weights of all rows so far */
    float *amounts, *attention; /* [n_audio_ctx] */
    int n_tokens, n_last;       /* run so far; in the last step */
    float *own_head;            /* [D] of decoder.head, else NULL */
    const float *head;          /* [D] the truncation head's weights, NULL: there is none */
    float head_bias;
};

/* keeps: listening can go on from what was heard.  head_dir: where another truncation head than the model's lies, or
 * "". */
LINNET_MUST_CHECK int alignatt_reader_open(struct alignatt_reader *r, const struct whisper_model *model, int keeps,
                                           struct pool *pool, const char *head_dir, struct message *msg);
void alignatt_reader_close(struct alignatt_reader *r); /* zeroed and half-opened ones too */

/* Encodes normalised mel [n_mel_frames, n_mels], even, of which n_content encoder frames hold audio; forgets all tokens.
 * The states before encoder frame `from` (0 in a reader that does not keep them) stay as they are: the audio up to there
 * is that of the last call. */
void alignatt_reader_listen(struct alignatt_reader *r, const float *mel, int n_mel_frames, int n_content, int from);

/* Runs tokens [n], many at a time; afterwards r->logits [n_vocab] tell of what comes next. */
void alignatt_reader_run(struct alignatt_reader *r, const int *tokens, int n);

int alignatt_reader_best(const struct alignatt_reader *r); /* the token with the largest logit */

/* The frame among the first n_content that the last token's row attends to most: weights relative to those of the other
 * rows, median over 7 frames, mean of the alignment heads. */
int alignatt_reader_attended(struct alignatt_reader *r);

int alignatt_reader_can_run(const struct alignatt_reader *r, int n); /* room for n tokens more */

/* What the truncation head says of the audio; 0 without a head. */
int alignatt_reader_fires(struct alignatt_reader *r);

#endif
