/* SPDX-License-Identifier: Apache-2.0
 * text_batch.h - decoder steps of several recordings at once.
 *
 * A step reads all of the decoder's weights, for one row or for many.  Here the rows of several recordings go through
 * it together.  Each recording is decoded by a thread of its own, whose code knows nothing of the others; but the
 * threads take turns.  One runs at a time, until it wants a step, and when all of them want one it is run for all.  So
 * what a thread does between two steps needs no locks, and the processors that are used are those of the pool.
 *
 * A row has the same bits whatever rows are computed with it: what a recording gets does not depend on the others. */
#ifndef LINNET_NN_TEXT_BATCH_H
#define LINNET_NN_TEXT_BATCH_H

#include "nn/text_decoder.h"

enum { TEXT_BATCH_MOST = 64 };

struct text_batch;

/* For n_threads recordings at a time at most, of 1 .. TEXT_BATCH_MOST. */
LINNET_MUST_CHECK int text_batch_open(struct text_batch **out, const struct text_decoder *d, int n_threads,
                                      struct message *msg);
void text_batch_close(struct text_batch *b); /* NULL is fine; nobody may be inside */

/* One recording's steps have up to n_rows rows and up to n_logits whose logits it wants.  Before any step, or later by
 * a thread inside; after a failure the others go on. */
LINNET_MUST_CHECK int text_batch_reserve(struct text_batch *b, int n_rows, int n_logits, struct message *msg);

/* From enter to leave the calling thread takes turns with the others that are inside. */
void text_batch_enter(struct text_batch *b);
void text_batch_leave(struct text_batch *b);

/* What a recording wants of a step. */
struct text_wish {
    struct nn_context *ctx;
    struct text_part part;
    const int *wanted; /* [n_wanted] rows of the part, in rising order */
    int n_wanted;
    float *logits; /* [n_wanted, V] what follows them */
};

/* Ends the thread's turn; returns in its next one, when the wish has been fulfilled: the seconds that went to others,
 * which are all but the thread's share of the step. */
double text_batch_step(struct text_batch *b, const struct text_wish *wish);

uint64_t text_batch_steps(const struct text_batch *b); /* done so far, each for one or many; nobody may be inside */

#endif
