/* SPDX-License-Identifier: Apache-2.0
 * decoding.h - the options by which commands choose model, decoder and settings, and what they open with them. */
#ifndef LINNET_BIN_DECODING_H
#define LINNET_BIN_DECODING_H

#include "base/buffer.h"
#include "base/settings.h"
#include "base/status.h"
#include "bin/options.h"

struct decoding_options {
    const char *recipe, *model, *precision, *context, *batch, *decoder, *language, *task, *hotwords, *prompt, *clip;
    double no_speech;
    struct option_list set;
    int threads, beam, nbest, word_times;
    int gate; /* the default of vad.gate is true */
    int quiet, verbose;
};

extern const struct option_spec decoding_table[]; /* for OPTION_GROUP */

/* An open model and a stream on it.  Zeroed may be closed. */
struct decoding {
    linnet_model *model;
    linnet_stream *stream;
    struct settings settings; /* as the stream sees them */
    struct buffer texts;      /* of items, each NUL-terminated */
    const char **items;       /* [n] "key=value", after the recipe */
    size_t n;
    int batch;   /* recordings at a time, as in struct model_options */
    int is_told; /* --verbose: what decodes is on stderr */
};

/* A line on stderr, but for --quiet.  Errors are always reported. */
void decoding_note(const struct decoding_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* With --verbose, what a recording of that name took, on stderr. */
void decoding_tell_times(const struct decoding_options *options, const char *name, const struct linnet_stats *stats);

/* Opens both, to decode files; streaming as in linnet_stream_options.  What comes later wins: the recipe, --set in
 * order, the options with names of their own. */
LINNET_MUST_CHECK int decoding_open(struct decoding *d, const struct decoding_options *options, int streaming,
                                    struct message *msg);
void decoding_close(struct decoding *d);

/* The name of the decoder that a stream on it has; "" where none suits the model. */
const char *decoding_decoder(const struct decoding *d, int streaming);

/* The two steps of it: first the model, then the stream.  sample_rate_hz: of samples fed; 0: only files are read. */
LINNET_MUST_CHECK int decoding_open_model(struct decoding *d, const struct decoding_options *options,
                                          struct message *msg);
LINNET_MUST_CHECK int decoding_open_stream(struct decoding *d, const struct decoding_options *options, int streaming,
                                           int sample_rate_hz, struct message *msg);

/* Where the results of a recording go. */
struct decoding_sink {
    int (*event)(void *arg, const linnet_event *event, struct message *msg); /* each, as it comes */
    void (*fed)(void *arg, double fed_s);                                    /* after them; may be NULL */
    void *arg;
    /* After each call of the decoder, before its events: the audio fed so far, the time of the call; may be NULL. */
    int (*called)(void *arg, double fed_s, double compute_s, struct message *msg);
    void (*warn)(void *arg, const char *warning); /* what is odd about the recording, again and again; may be NULL */
};

/* Opens a recording on the stream, which is reset. */
LINNET_MUST_CHECK int decoding_open_file(struct decoding *d, const char *path,
                                         const struct linnet_file_options *options, struct message *msg);

/* Decodes the open recording to its end, or to where it is damaged: that error is returned after the last events. */
LINNET_MUST_CHECK int decoding_run(struct decoding *d, const struct decoding_sink *sink, struct message *msg);

struct audio_file;

/* Opens a recording for those who read it themselves: the channel that the settings choose, at the decoder's rate. */
LINNET_MUST_CHECK int decoding_open_audio(const struct decoding *d, struct audio_file **out, const char *path,
                                          const char *raw, struct message *msg);

/* Writes a warning about a recording to stderr, unless it is "" or was the last one; a sink's warn. */
void decoding_warn(void *arg, const char *warning);

/* From now on the signal cancels the streams [n], TEXT_BATCH_MOST at most, and is what decoding_signal returns, 0
 * before; a second one ends the program. */
void decoding_catch(int number, linnet_stream *const *streams, int n);
int decoding_signal(void);

#endif
