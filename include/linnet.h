/* SPDX-License-Identifier: Apache-2.0
 * linnet.h - the public interface of linnet, a speech recognition toolkit.
 *
 * Usage.  Open a model once, open a stream for each recording, feed audio, take events:
 *
 *     linnet_model *model;
 *     linnet_stream *stream;
 *     linnet_event event;
 *     if (linnet_model_open("whisper-base", NULL, &model, NULL, 0) < 0) ...
 *     if (linnet_stream_open(model, NULL, &stream, NULL, 0) < 0) ...
 *     linnet_stream_feed(stream, samples, n_samples);        // any number, any number of times
 *     linnet_stream_finish(stream);
 *     while (linnet_stream_next(stream, &event) > 0)
 *         if (event.type == LINNET_EVENT_FINAL) puts(event.text);
 *     linnet_stream_close(stream);
 *     linnet_model_close(model);
 *
 * Errors.  Functions return 0 or a positive count when they succeed and a negative LINNET_E_* code when they fail;
 * outputs are written only on success.  linnet_strerror names a code; linnet_stream_error tells what exactly went wrong
 * on a stream; the two open functions write that into a buffer of the caller's.  After an error other than
 * LINNET_E_ARGUMENT, LINNET_E_STATE and that of a damaged file (linnet_stream_read) a stream only accepts next, error,
 * stats, reset and close.
 *
 * Threads.  A model may be used by any number of threads at once after linnet_model_open returned.  A stream belongs to
 * one thread at a time; different streams of one model run in parallel and share the model's thread pool.  Results do
 * not depend on the number of threads or on other streams.  The library never exits, prints, installs signal handlers,
 * or changes the locale or the floating-point mode.
 *
 * Ownership.  What open returns is released with close, which takes NULL.  A model must outlive its streams.  Pointers
 * inside an event stay valid until the next call on that stream.  Arguments are copied: nothing of the caller's is
 * kept.
 *
 * Units.  Audio is 32-bit float in [-1, 1], one channel; times are seconds from the first sample of the stream;
 * probabilities' logarithms are natural; confidences are in [0, 1]. */
#ifndef LINNET_H
#define LINNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LINNET_API __attribute__((visibility("default")))
#define LINNET_CHECK __attribute__((warn_unused_result))
#else
#define LINNET_API
#define LINNET_CHECK
#endif

enum linnet_status {
    LINNET_OK = 0,
    LINNET_E_ARGUMENT = -1,     /* an argument or option is wrong */
    LINNET_E_MEMORY = -2,       /* out of memory */
    LINNET_E_IO = -3,           /* a file cannot be opened, read or written */
    LINNET_E_FORMAT = -4,       /* a file's contents are not what they should be */
    LINNET_E_MODEL = -5,        /* a model is incomplete, inconsistent or of an unknown kind */
    LINNET_E_AUDIO = -6,        /* audio that cannot be used: empty, not finite, unreadable */
    LINNET_E_DEVICE = -7,       /* an audio device failed or is missing */
    LINNET_E_STATE = -8,        /* calls out of order, such as feed after finish */
    LINNET_E_CANCELLED = -9,    /* linnet_stream_cancel was called */
    LINNET_E_UNSUPPORTED = -10, /* this model or this build cannot do that */
};

typedef struct linnet_model linnet_model;
typedef struct linnet_stream linnet_stream;

/* How a model is opened. */
struct linnet_model_options {
    size_t size;           /* of this struct, set by linnet_model_options_init */
    int n_threads;         /* threads of the model's pool, the caller included; 0: one for each processor */
    const char *precision; /* of its products: "fp32", "bf16", "int8"; NULL, "auto": the fastest here */
};

/* How a stream decodes.  What comes later wins: the recipe, the settings in order, the fields below them.  `linnet
 * settings` lists all settings with their ranges and defaults. */
struct linnet_stream_options {
    size_t size;                 /* of this struct, set by linnet_stream_options_init */
    const char *recipe;          /* path of a recipe.yaml, or NULL */
    const char *const *settings; /* [n_settings], each "key=value": "decoder.beam=5" */
    size_t n_settings;
    int sample_rate_hz; /* of the samples fed; default 16000; any from 1000 to 768000 */
    int streaming;      /* 1: words as early as the decoder can; 0: best result, whole recording */
    /* NULL or 0: as the recipe, the settings or their defaults have it */
    const char *language; /* spoken: a code such as "en", an English name, or "auto": detect it */
    const char *task;     /* "transcribe", or "translate": into English */
    int word_times;       /* 1: events have words with times and confidences */
    int nbest;            /* hypotheses that a final event reports */
};

/* What of a file is decoded. */
struct linnet_file_options {
    size_t size;     /* of this struct, set by linnet_file_options_init */
    const char *raw; /* of a file without a header: ENCODING[:RATE[:CHANNELS]], such as "s16le:16000:1"; else NULL */
    double start_s;  /* first sample decoded, from which times of events count */
    double end_s;    /* where to stop; 0: at the end of the file */
};

/* What a model is. */
struct linnet_model_info {
    size_t size;             /* set to sizeof(struct linnet_model_info) before the call */
    const char *kind;        /* its family, the model_type of config.json; strings live as long as the model */
    const char *description; /* one line: architecture and sizes */
    int sample_rate_hz;      /* of its features; a stream may be fed at any */
    int n_mels;              /* mel bins of a feature frame */
    int n_vocabulary;        /* tokens */
    double frame_s;          /* duration of an encoder frame */
    int n_threads;
    uint64_t n_parameters;
    uint64_t n_weight_bytes; /* in memory */
    const char *precision;   /* of its products */
};

enum linnet_event_type {
    LINNET_EVENT_PARTIAL = 1,  /* the open utterance so far: may still change after its first `committed` bytes */
    LINNET_EVENT_FINAL = 2,    /* a segment or an utterance: does not change any more */
    LINNET_EVENT_ENDPOINT = 3, /* an utterance has ended; text tells which endpoint rule fired */
    LINNET_EVENT_END = 4,      /* after finish: the last event, at the end of the audio */
};

/* Texts are UTF-8. */
struct linnet_word {
    const char *text; /* with the space before it, if the model writes one */
    double start_s, end_s;
    float probability; /* that the decoder gives it */
    float confidence;  /* that it is right: the same, or what decoder.calibration makes of it */
};

/* An entry of an n-best list. */
struct linnet_hypothesis {
    const char *text;
    const int *tokens;     /* [n_tokens] */
    const double *times_s; /* [n_tokens] start of the encoder frame that gave each, or NULL */
    int n_tokens;
    double score; /* natural log, as the decoder ranks them */
};

/* How the window that a segment is from was decoded. */
struct linnet_window {
    size_t size;                 /* of this struct in the library */
    double start_s;              /* in the recording */
    double temperature;          /* at which its text was found */
    double compression_ratio;    /* of its text, by zlib: high for repetitions */
    double language_probability; /* of the language, where it was detected; else 0 */
    const char *language_name;   /* in English: "german" */
    const char *other_language;  /* such a name: what the window seems to be in instead; NULL: nothing speaks for it */
};

typedef struct linnet_event {
    enum linnet_event_type type;
    double start_s, end_s;
    const char *text;
    size_t committed;     /* bytes of text that later events will not change */
    const char *language; /* code such as "en", or "" */
    const int *tokens;    /* [n_tokens] vocabulary ids */
    int n_tokens;
    const struct linnet_word *words; /* [n_words]; empty unless word times are on */
    int n_words;
    double logprob;   /* mean log probability of the tokens */
    double no_speech; /* probability that the segment holds no speech; 0 where the model has no such output */
    float confidence;
    const struct linnet_hypothesis *nbest; /* [n_nbest], best first */
    int n_nbest;
    const struct linnet_window *window; /* Whisper's, not streaming; else NULL */
} linnet_event;

/* What a stream has done since open or reset. */
struct linnet_stats {
    size_t size;                             /* set to sizeof(struct linnet_stats) before the call */
    double audio_s;                          /* audio fed or read so far */
    double features_s, encoder_s, decoder_s; /* computation time, by stage */
    uint64_t n_tokens;                       /* decoder steps */
    uint64_t n_fallbacks;                    /* windows decoded again: all 30 s, or at a higher temperature */
    double file_s;                           /* length of the open file; 0: none, or not known (a pipe) */
};

LINNET_API void linnet_model_options_init(struct linnet_model_options *options);
LINNET_API void linnet_stream_options_init(struct linnet_stream_options *options);
LINNET_API void linnet_file_options_init(struct linnet_file_options *options);

/* Opens the model in the directory path (or by a name, see doc/models.md).  options may be NULL.
 * On failure writes what was wrong into error [error_size], which may be NULL. */
LINNET_API LINNET_CHECK int linnet_model_open(const char *path, const struct linnet_model_options *options,
                                              linnet_model **model, char *error, size_t error_size);
LINNET_API LINNET_CHECK int linnet_model_info(const linnet_model *model, struct linnet_model_info *info);
LINNET_API void linnet_model_close(linnet_model *model);

/* Opens a stream on the model.  options may be NULL.  error as above. */
LINNET_API LINNET_CHECK int linnet_stream_open(linnet_model *model, const struct linnet_stream_options *options,
                                               linnet_stream **stream, char *error, size_t error_size);

/* Boosts the phrases [n]: each of its tokens scores bonus[i] more (natural log; NULL: decoder.hotword_bonus for all).
 * Before the first audio; holds until close, and replaces what was boosted before.  Returns the number of phrases that
 * the vocabulary can spell, and writes the others, a line "phrase: reason" each, into unspelled [unspelled_size], which
 * may be NULL. */
LINNET_API LINNET_CHECK int linnet_stream_bias(linnet_stream *stream, const char *const *phrases, const float *bonus,
                                               size_t n, char *unspelled, size_t unspelled_size);

/* Decodes n more samples of the recording; any n, 0 too.  The events become ready for linnet_stream_next. */
LINNET_API LINNET_CHECK int linnet_stream_feed(linnet_stream *stream, const float *samples, size_t n);

/* Opens an audio file for linnet_stream_read: any format that libsndfile reads, or FFmpeg's libraries where linnet was
 * built with them, any rate and channel count (one of them, or all mixed: audio.channel); "-" is standard input.
 * options may be NULL.  A stream takes its audio from one file or from feed: fails with LINNET_E_STATE when audio was
 * fed or a file opened since open or reset.
 *
 * Whisper normalizes its spectrogram by the loudest moment of the whole recording, as OpenAI's program does: unless it
 * streams, or the file is a pipe, open_file makes a first pass over the file to find it.  Audio that is fed is
 * normalized window by window, and some words can differ. */
LINNET_API LINNET_CHECK int linnet_stream_open_file(linnet_stream *stream, const char *path,
                                                    const struct linnet_file_options *options);

/* Decodes the next seconds of the open file (a tenth of a second when streaming): 1, or 0 at the end of the file, after
 * which finish is still to be called.  A damaged file is decoded up to the damage; read then returns its error, and
 * finish can still be called for the last events. */
LINNET_API LINNET_CHECK int linnet_stream_read(linnet_stream *stream);

/* Ends the recording: decodes what is left, and the last events become ready.  Later feeds fail until reset. */
LINNET_API LINNET_CHECK int linnet_stream_finish(linnet_stream *stream);

/* Takes the next event: 1 and the event, or 0 when none is ready. */
LINNET_API LINNET_CHECK int linnet_stream_next(linnet_stream *stream, linnet_event *event);

/* Makes a decoding call that runs on another thread return LINNET_E_CANCELLED soon.  The one function that may be
 * called while the stream is in use, also from a signal handler. */
LINNET_API void linnet_stream_cancel(linnet_stream *stream);

/* Makes the stream ready for another recording; its options and boosted phrases stay. */
LINNET_API LINNET_CHECK int linnet_stream_reset(linnet_stream *stream);
LINNET_API const char *linnet_stream_error(const linnet_stream *stream); /* "" when nothing went wrong */

/* What is odd about the open file but does not keep it from being decoded, such as a length that its header does not
 * tell: a line with the file's name; "" for nothing.  Known after the first read; of a pipe it may change later. */
LINNET_API const char *linnet_stream_warning(const linnet_stream *stream);
LINNET_API LINNET_CHECK int linnet_stream_stats(const linnet_stream *stream, struct linnet_stats *stats);
LINNET_API void linnet_stream_close(linnet_stream *stream);

LINNET_API const char *linnet_strerror(int code);
LINNET_API const char *linnet_version(void); /* "0.1.0" */

#ifdef __cplusplus
}
#endif

#endif
