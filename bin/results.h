/* SPDX-License-Identifier: Apache-2.0
 * results.h - the output folder of `linnet decode` while a run writes into it.
 *
 * Each utterance becomes a line of stats.jsonl, hyp.jsonl and hyp.txt, in this order, when it is done; at the end the
 * files are put in order of ids, if they are not.  After an interruption hyp.jsonl and hyp.txt are cut to the lines
 * that both have in full. */
#ifndef LINNET_BIN_RESULTS_H
#define LINNET_BIN_RESULTS_H

#include <dirent.h>
#include <stdio.h>

#include "bin/hypotheses.h"

/* Zeroed may be closed. */
struct results {
    const char *folder;       /* the caller's */
    struct hypotheses before; /* of earlier runs */
    FILE *stats, *jsonl, *txt;
    DIR *lock; /* the folder, locked */
};

/* Makes the folder where there is none, and reads what is in it.  Fails with LINNET_E_IO while another run
 * writes into it. */
LINNET_MUST_CHECK int results_open(struct results *r, const char *folder, struct message *msg);
LINNET_MUST_CHECK int results_begin(struct results *r, struct message *msg); /* from now on lines can be added */
LINNET_MUST_CHECK int results_add(struct results *r, const struct hypothesis *h, struct message *msg);
LINNET_MUST_CHECK int results_end(struct results *r, struct message *msg); /* puts them in order */
void results_close(struct results *r);

#endif
