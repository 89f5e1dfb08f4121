/* SPDX-License-Identifier: Apache-2.0
 * forward.h - what the kinds of models share in `linnet forward`: options in, tensors out. */
#ifndef LINNET_BIN_FORWARD_H
#define LINNET_BIN_FORWARD_H

#include "bin/decoding.h"
#include "decoders/model.h"
#include "frontend/audio_file.h"

struct forward_options {
    struct decoding_options decoding;
    const char *out, *raw, *tokens;
    int chunk, left_chunks;
};

enum { FORWARD_MAX_TENSORS = 4 };

/* What is to be written. */
struct forward_tensors {
    struct {
        const char *name;
        int64_t shape[2];
        float *data;
    } at[FORWARD_MAX_TENSORS];
    int n;
};

/* A new tensor [rows, columns] of zeros, or NULL. */
float *forward_add(struct forward_tensors *t, const char *name, int rows, int columns);

typedef int forward_kind(const struct linnet_model *model, const struct forward_options *o, struct audio_file *audio,
                         struct forward_tensors *t, struct message *msg);

forward_kind forward_whisper, forward_hybrid;

#endif
