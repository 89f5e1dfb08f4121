/* SPDX-License-Identifier: Apache-2.0
 * decoding.h - the options by which commands choose model, decoder and settings, and what they open with them. */
#ifndef LINNET_BIN_DECODING_H
#define LINNET_BIN_DECODING_H

#include "base/buffer.h"
#include "base/status.h"
#include "bin/options.h"

struct decoding_options {
    const char *recipe, *model, *decoder, *language, *task, *hotwords, *prompt, *clip;
    struct option_list set;
    int threads, beam, nbest, word_times;
};

extern const struct option_spec decoding_table[]; /* for OPTION_GROUP */

/* An open model and a stream made with the options.  Zeroed may be closed. */
struct decoding {
    linnet_model *model;
    linnet_stream *stream;
    struct buffer settings;   /* the texts of items, each NUL-terminated */
    const char **items;       /* [n] */
    size_t n;
    double hotword_bonus;     /* of phrases that come without one */
};

/* Opens both; streaming as in linnet_stream_options.  The recipe's settings come first, then --set in order, then the
 * options with names of their own. */
LINNET_MUST_CHECK int decoding_open(struct decoding *d, const struct decoding_options *options, int streaming,
                                    int sample_rate_hz, struct message *msg);
void decoding_close(struct decoding *d);

/* Opens only the model. */
LINNET_MUST_CHECK int decoding_open_model(struct decoding *d, const struct decoding_options *options, struct message *msg);

/* While a signal (Ctrl-C, or a request to end) is caught: the stream is cancelled and this returns the signal. */
void decoding_catch_signals(struct decoding *d);
int decoding_signal(void);

#endif
