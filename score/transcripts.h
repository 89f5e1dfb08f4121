/* SPDX-License-Identifier: Apache-2.0
 * transcripts.h - a list of utterances with their text. */
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

/* Reads a Kaldi file (a line "utt-id words" for each utterance), JSON lines or a table (entries.h); "-" is standard
 * input.  An entry that cannot be used, or whose id was there before, is left out and told in problems. */
int transcripts_read(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;

/* The same with the speakers as texts (lines "utt-id speaker"), and with names of files, which may be any bytes, of a
 * Kaldi file. */
int transcripts_read_speakers(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;
int transcripts_read_paths(struct transcripts *t, const char *path, struct message *msg) LINNET_MUST_CHECK;
void transcripts_close(struct transcripts *t);

/* Adds a problem that the caller has with a line: what msg says. */
int transcripts_complain(struct transcripts *t, const struct message *why) LINNET_MUST_CHECK;

/* Fails with the first problem, if there are any. */
int transcripts_check(const struct transcripts *t, struct message *msg) LINNET_MUST_CHECK;

const char *transcripts_text(const struct transcripts *t, const char *id); /* NULL when it is not there */

#endif
