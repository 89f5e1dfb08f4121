/* SPDX-License-Identifier: Apache-2.0
 * hypotheses.h - what output folders of `linnet decode` hold of each utterance. */
#ifndef LINNET_BIN_HYPOTHESES_H
#define LINNET_BIN_HYPOTHESES_H

#include "base/buffer.h"
#include "base/status.h"

/* Without ends of lines. */
struct hypothesis {
    const char *id, *text; /* of hyp.txt */
    const char *json;      /* line of hyp.jsonl */
    const char *stats;     /* the last line of stats.jsonl that is its own, or NULL */
};

/* Zeroed is empty and may be closed. */
struct hypotheses {
    struct hypothesis *at; /* [n] */
    int n, room;
    struct buffer *files; /* [n_files] what at points into */
    int n_files, room_files;
};

/* Appends those of a folder, in order of ids: none where its files are not there.  Files of different utterances, and
 * one that is there twice, are errors. */
LINNET_MUST_CHECK int hypotheses_read(struct hypotheses *h, const char *folder, struct message *msg);

/* Puts those of several folders in order; an utterance that two of them have is an error. */
LINNET_MUST_CHECK int hypotheses_sort(struct hypotheses *h, struct message *msg);

/* Once they are in order; NULL: not there. */
const struct hypothesis *hypotheses_find(const struct hypotheses *h, const char *id);

/* Writes hyp.txt, hyp.jsonl and stats.jsonl, each at once. */
LINNET_MUST_CHECK int hypotheses_write(const struct hypotheses *h, const char *folder, struct message *msg);
void hypotheses_close(struct hypotheses *h);

#endif
