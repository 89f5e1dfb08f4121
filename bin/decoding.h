/* SPDX-License-Identifier: Apache-2.0
 * decoding.h - the options by which commands choose model, decoder and settings, and what they open with them. */
#ifndef LINNET_BIN_DECODING_H
#define LINNET_BIN_DECODING_H

#include "base/buffer.h"
#include "base/settings.h"
#include "base/status.h"
#include "bin/options.h"

struct audio_file;

struct decoding_options {
    const char *recipe, *model, *decoder, *language, *task, *hotwords, *prompt, *clip;
    double no_speech;
    struct option_list set;
    int threads, beam, nbest, word_times;
    int gate; /* the default of vad.gate is true */
};

extern const struct option_spec decoding_table[]; /* for OPTION_GROUP */

/* An open model and a stream made with the options.  Zeroed may be closed. */
struct decoding {
    linnet_model *model;
    linnet_stream *stream;
    struct settings settings; /* as the stream sees them */
    struct buffer texts;      /* of items, each NUL-terminated */
    const char **items;       /* [n] "key=value", which come after the recipe */
    size_t n;
};

/* Opens both; streaming as in linnet_stream_options.  The recipe's settings come first, then --set in order, then the
 * options with names of their own. */
LINNET_MUST_CHECK int decoding_open(struct decoding *d, const struct decoding_options *options, int streaming,
                                    int sample_rate_hz, struct message *msg);
void decoding_close(struct decoding *d);

/* The two parts of it: first the model, then the stream. */
LINNET_MUST_CHECK int decoding_open_model(struct decoding *d, const struct decoding_options *options,
                                          struct message *msg);
LINNET_MUST_CHECK int decoding_open_stream(struct decoding *d, const struct decoding_options *options, int streaming,
                                           int sample_rate_hz, struct message *msg);

/* Where the results of a recording go. */
struct decoding_sink {
    int (*event)(void *arg, const linnet_event *event, struct message *msg); /* each, as it comes */
    void (*fed)(void *arg, double fed_s);                                    /* after each block; may be NULL */
    void *arg;
    double block_s; /* audio given to the decoder at a time; 0: 2 s */
    /* After each call of the decoder, before its events: the audio that it has had, the time it took; may be NULL. */
    int (*called)(void *arg, double fed_s, double compute_s, struct message *msg);
};

/* Decodes a recording from start_s on: max_samples of it at most, < 0: all.  The stream must be new or reset, at
 * audio_file's rate.  What was read before damage is decoded, its error is returned after. */
LINNET_MUST_CHECK int decoding_run(struct decoding *d, struct audio_file *audio, double start_s, long max_samples,
                                   const struct decoding_sink *sink, struct message *msg);

/* While a signal (Ctrl-C, or a request to end) is caught: the stream is cancelled and this returns the signal. */
void decoding_catch_signals(struct decoding *d);
int decoding_signal(void);

#endif
