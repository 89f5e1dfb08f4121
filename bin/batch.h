/* SPDX-License-Identifier: Apache-2.0
 * batch.h - the recordings of a run: one after the other, or several at a time, with results in order.
 *
 * Where their decoder can share steps (nn/text_batch.h) they take turns; else each has a thread to itself that computes
 * alone, as many as the model has threads. */
#ifndef LINNET_BIN_BATCH_H
#define LINNET_BIN_BATCH_H

#include "base/file.h"
#include "bin/decoding.h"
#include "bin/windows.h"
#include "nn/text_batch.h"

/* What is to be decoded. */
struct batch_source {
    char path[FILE_MAX_PATH];
    struct linnet_file_options part;
};

/* What came of a recording. */
struct batch_end {
    int rc, is_open;           /* the first error; whether there was a file, and `begin` did well */
    struct message *msg;       /* of the error; free for others if there was none */
    struct linnet_stats stats; /* sums */
};

/* Adds what a recording took to a sum. */
void batch_add_stats(struct linnet_stats *sum, const struct linnet_stats *s);

/* What a command does with its recordings 0 .. n - 1.  But for find, never two of its functions run at once, and they
 * are called in the order of recordings: begin, event and fed, end.  Any but find, event and end may be NULL. */
struct batch_work {
    int n;
    int is_live;   /* recordings stand for live streams, whose delays are those of one alone: one after the other */
    int any_order; /* several at a time are taken longest first, so that none is left for the end, and come in that
                      order */
    void *arg;
    int (*find)(void *arg, int i, struct batch_source *source, struct message *msg);
    int (*begin)(void *arg, int i, const struct linnet_stats *stats, struct message *msg); /* the file is open */
    int (*event)(void *arg, int i, const linnet_event *event, struct message *msg);
    void (*fed)(void *arg, int i, double fed_s);
    int (*end)(void *arg, int i, struct batch_end *end); /* after a failure too; < 0: no others are wanted */
    int (*called)(void *arg, double fed_s, double compute_s, struct message *msg); /* as a sink's */
};

/* Streams for recordings at a time.  Zeroed may be closed. */
struct batch {
    const struct batch_work *work;
    struct text_batch *steps; /* NULL: none are shared */
    struct decoding at[TEXT_BATCH_MOST];
    int n;
    struct windows windows;
};

/* Recordings that share steps: as many as pay, or as was asked for; 1 where the stream cannot. */
int batch_size(const struct decoding *d, const linnet_stream *s);

/* d, which is open with these options, and work must outlive it.  A signal that ends the program cancels all of its
 * streams. */
LINNET_MUST_CHECK int batch_open(struct batch *b, const struct decoding *d, const struct decoding_options *options,
                                 const struct batch_work *work, struct message *msg);
void batch_close(struct batch *b);

/* Decodes the recordings until all are done, no others are wanted, or a signal is caught. */
LINNET_MUST_CHECK int batch_run(struct batch *b, struct message *msg);

#endif
