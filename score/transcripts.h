/* SPDX-License-Identifier: Apache-2.0
 * transcripts.h - a file of utterances with their text. */
#ifndef LINNET_SCORE_TRANSCRIPTS_H
#define LINNET_SCORE_TRANSCRIPTS_H

#include "base/buffer.h"
#include "base/status.h"

struct transcript {
    const char *id, *text; /* in bytes; the id in NFC */
    int line;              /* of the file */
};

struct transcripts {
    struct transcript *at; /* [n] in order of ids, no two the same */
    int n;
    struct buffer bytes;
    struct buffer problems; /* lines "path:number: why" of the first that were left out */
    int n_problems;
};

/* Reads a Kaldi file (a line "utt-id words" for each utterance) or JSON lines (objects with "utt", "id", "key" or
 * "file", and "text" or "txt"); "-" is standard input.  A line that cannot be used, or whose id was there before, is
 * left out and told in problems. */
int transcripts_read(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;

/* The same of a file whose texts are names of files, which may be any bytes. */
int transcripts_read_paths(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;
void transcripts_close(struct transcripts *t);

/* Adds a problem that the caller has with a line: what msg says. */
int transcripts_complain(struct transcripts *t, const struct message *why) LINNET_MUST_CHECK;

/* Fails with the first problem, if there are any. */
int transcripts_check(const struct transcripts *t, struct message *msg) LINNET_MUST_CHECK;

const char *transcripts_text(const struct transcripts *t, const char *id); /* NULL when it is not there */

#endif
