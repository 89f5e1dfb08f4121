/* SPDX-License-Identifier: Apache-2.0
 * conformer_blocks.h - what whole recordings and streams share: frames through all blocks. */
#ifndef LINNET_ENCODER_CONFORMER_BLOCKS_H
#define LINNET_ENCODER_CONFORMER_BLOCKS_H

#include "encoder/conformer.h"

/* Scratch of the frames that are encoded, and the context that they leave for those after them. */
struct conformer_blocks {
    const struct conformer *model;
    struct nn_context *ctx;
    int max_frames; /* at a time */
    void *block;    /* of the arrays below, contexts aside */
    struct subsampling_state input;
    float *x;                       /* [max_frames, D] the frames */
    float *positions;               /* [max_frames, D] encodings of them */
    float *q, *attended;            /* [max_frames, D] */
    float *gated;                   /* [K - 1 + max_frames, E] */
    float *norm, *position, *bias;  /* [rows, D], [rows, D], [rows, H]: of some rows at a time */
    float *wide;                    /* [rows, widest layer] */
    struct attention_cache *caches; /* [n_caches] */
    int n_caches;                   /* n_blocks for a stream, 1 for whole recordings, which is cleared for each block */
    float *contexts;                /* [n_blocks, K - 1, E] for a stream, else NULL */
};

/* keys: how many keys a frame may see (the caches can grow). */
LINNET_MUST_CHECK int conformer_blocks_open(struct conformer_blocks *w, const struct conformer *m,
                                            struct nn_context *ctx, int max_frames, int keys, int is_stream,
                                            struct message *msg);
void conformer_blocks_close(struct conformer_blocks *w); /* half-opened and zeroed ones too */
void conformer_blocks_reset(struct conformer_blocks *w); /* to the start of a recording */

/* The n frames in x through all blocks; the first is frame number `first` of the recording.  Frame i sees
 * keys begin[i] .. end[i] - 1, NULL: all in the cache and the n.  The caches must have room.  Result in out [n, D]. */
void conformer_blocks_forward(struct conformer_blocks *w, int n, int first, const int *begin, const int *end,
                              float *out);

/* Features to frames in x, scaled and with their positions as the first block wants them; returns how many. */
int conformer_blocks_embed(struct conformer_blocks *w, const float *features, int n_features, int first);

#endif
