/* SPDX-License-Identifier: Apache-2.0
 * transcripts.h - a file of utterances with their text. */
#ifndef LINNET_SCORE_TRANSCRIPTS_H
#define LINNET_SCORE_TRANSCRIPTS_H

#include "base/buffer.h"
#include "base/status.h"

struct transcript {
    const char *id, *text; /* in bytes */
};

struct transcripts {
    struct transcript *at; /* [n] in order of ids, no two the same */
    int n;
    struct buffer bytes;
};

/* Reads a Kaldi file (a line "utt-id words" for each utterance) or JSON lines (objects with "utt", "id", "key" or
 * "file", and "text" or "txt"); "-" is standard input. */
int transcripts_read(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;
void transcripts_close(struct transcripts *t);

const char *transcripts_text(const struct transcripts *t, const char *id); /* NULL when it is not there */

#endif
