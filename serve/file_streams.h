/* SPDX-License-Identifier: Apache-2.0
 * file_streams.h - streams of a model for recordings that came whole.
 *
 * Opening one takes as long as decoding some words, so they are kept for requests of the same kind.  Those whose
 * decoder can share steps with others (nn/text_batch.h) do so. */
#ifndef LINNET_SERVE_FILE_STREAMS_H
#define LINNET_SERVE_FILE_STREAMS_H

#include "serve/models.h"

struct file_streams;

struct file_stream {
    linnet_stream *stream;
    struct serve_request request;
    int shares_steps, has_steps, has_entered; /* it can; it was told which; its thread takes turns */
    struct file_stream *next;
};

LINNET_MUST_CHECK int file_streams_open(struct file_streams **out, struct serve_model *model, struct message *msg);
void file_streams_close(struct file_streams *f); /* all streams must have been put back; NULL is fine */

int file_streams_most(const struct file_streams *f); /* threads that may have a stream at a time */

/* A stream for a request to the model, as new. */
LINNET_MUST_CHECK int file_streams_take(struct file_streams *f, struct file_stream **out, const struct serve_request *r,
                                        struct message *msg);

/* It is to decode.  From here until it is put back the thread takes turns with others. */
LINNET_MUST_CHECK int file_streams_enter(struct file_streams *f, struct file_stream *s, struct message *msg);
void file_streams_put(struct file_streams *f, struct file_stream *s);

#endif
