/* SPDX-License-Identifier: Apache-2.0
 * transcript.h - the text of several events as one, and what of it is new and stays. */
#ifndef LINNET_SERVE_TRANSCRIPT_H
#define LINNET_SERVE_TRANSCRIPT_H

#include "base/buffer.h"
#include "base/status.h"

/* Zeroed is empty. */
struct transcript {
    struct buffer text; /* of finals, and what is committed of the last partial */
    size_t n_final;     /* bytes of finals */
    size_t n_told;      /* bytes that `news` has been */
};

/* Takes a partial or final event.  *news [*n_news] is text that is certain now and was not before, until the next call;
 * all news one after the other are the text. */
LINNET_MUST_CHECK int transcript_take(struct transcript *t, const linnet_event *e, const char **news, size_t *n_news,
                                      struct message *msg);
const char *transcript_text(const struct transcript *t);
void transcript_clear(struct transcript *t);
void transcript_free(struct transcript *t);

#endif
