/* SPDX-License-Identifier: Apache-2.0
 * samples.h - PCM as clients send it, byte by byte, to samples of one channel: a frame may come in pieces, and channels
 * are mixed to their mean. */
#ifndef LINNET_SERVE_SAMPLES_H
#define LINNET_SERVE_SAMPLES_H

#include <stddef.h>

enum samples_encoding {
    SAMPLES_U8,
    SAMPLES_S16LE,
    SAMPLES_S24LE,
    SAMPLES_S32LE,
    SAMPLES_F32LE,
    SAMPLES_ULAW, /* G.711 */
    SAMPLES_ALAW
};

#define SAMPLES_MAX_CHANNELS 32

struct samples {
    enum samples_encoding encoding;
    int n_channels; /* 1 .. SAMPLES_MAX_CHANNELS */
    /* since samples_open: */
    unsigned char sample[4]; /* that came in part */
    int n_bytes, i_channel;
    float sum; /* of the frame's channels so far */
};

void samples_open(struct samples *s, enum samples_encoding encoding, int n_channels);
size_t samples_frame_bytes(const struct samples *s);

/* Writes samples of the bytes [*n] into mono, `most` of them at most, and returns how many; *bytes and *n are then what
 * was not taken. */
size_t samples_take(struct samples *s, const unsigned char **bytes, size_t *n, float *mono, size_t most);

#endif
