/* SPDX-License-Identifier: Apache-2.0
 * batch.h - the recordings of a run, several at a time where their decoder can share steps (nn/text_batch.h). */
#ifndef LINNET_BIN_BATCH_H
#define LINNET_BIN_BATCH_H

#include "bin/decoding.h"
#include "nn/text_batch.h"

/* What a command does with its recordings 0 .. n - 1.  Never two of its functions run at once. */
struct batch_work {
    int n;
    void (*decode)(void *arg, int i, struct decoding *d); /* recording i on d's stream; whatever came of it is kept */
    /* The results of recording i.  In the order of recordings, each called when it is decoded and those before it are
     * handed on.  < 0: no others are wanted. */
    int (*hand_on)(void *arg, int i);
    void *arg;
};

/* Streams for recordings at a time.  Zeroed may be closed. */
struct batch {
    struct text_batch *steps; /* NULL: one recording after the other */
    struct decoding at[TEXT_BATCH_MOST];
    int n;
};

/* d, which is open with these options, must outlive it.  A signal that ends the program cancels all streams. */
LINNET_MUST_CHECK int batch_open(struct batch *b, const struct decoding *d, const struct decoding_options *options,
                                 int n_recordings, struct message *msg);
void batch_close(struct batch *b);

/* Decodes the recordings until all are done or a signal is caught. */
LINNET_MUST_CHECK int batch_run(struct batch *b, const struct batch_work *work, struct message *msg);

#endif
