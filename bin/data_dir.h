/* SPDX-License-Identifier: Apache-2.0
 * data_dir.h - a data directory as Kaldi lays it out: `wav.scp` and, where recordings are cut, `segments`.
 *
 *     wav.scp    recording path        relative to the current folder, else to the directory; commands are refused
 *     segments   utterance recording start end         in seconds; end -1: to the end of the recording
 *
 * Without segments every recording is an utterance. */
#ifndef LINNET_BIN_DATA_DIR_H
#define LINNET_BIN_DATA_DIR_H

#include "score/transcripts.h"

struct data_utterance {
    const char *id, *path; /* as wav.scp has it */
    double start_s, end_s; /* end_s < 0: to the end */
};

struct data_dir {
    struct data_utterance *at; /* [n] in order of ids */
    int n;
    const char *dir; /* the caller's */
    struct transcripts recordings, segments;
};

int data_dir_open(struct data_dir *d, const char *dir, struct message *msg) LINNET_MUST_CHECK;
void data_dir_close(struct data_dir *d); /* zeroed ones too */

/* Where the utterance's recording lies. */
int data_dir_find(const struct data_dir *d, const struct data_utterance *u, char *path, size_t size,
                  struct message *msg) LINNET_MUST_CHECK;

#endif
