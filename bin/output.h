/* SPDX-License-Identifier: Apache-2.0
 * output.h - the table of output formats, and the writing of one recording's results in one of them.
 *
 * One struct output is one recording.  Feed it the FINAL events as they come and take what is ready from `out`:
 *
 *     output_open(&o, "srt", "talk.wav", &options, &msg);
 *     output_segment(&o, &event, &msg);  ... fwrite(o.out.data, 1, o.out.n, stdout), buffer_cut(&o.out, 0) if live ...
 *     output_end(&o, duration_s, &msg);
 *     output_save(&o, "folder", &msg);   // folder/talk.srt
 *     output_close(&o);
 *
 * Every format but JSON gives its lines segment by segment, subtitles a few later.  A new format is a file in output/
 * that ends in a `const struct output_format NAME_output`, and one line in OUTPUT_FORMATS. */
#ifndef LINNET_BIN_OUTPUT_H
#define LINNET_BIN_OUTPUT_H

#include "base/buffer.h"
#include "base/status.h"
#include "bin/output/layout.h"

/* In the order of help. */
/* clang-format off */
#define OUTPUT_FORMATS(X) \
    X(txt) \
    X(json) \
    X(srt) \
    X(vtt) \
    X(tsv) \
    X(ctm) \
    X(lrc) \
    X(csv)
/* clang-format on */

#define OUTPUT_NAME(name) "|" #name
#define OUTPUT_NAMES (&(OUTPUT_FORMATS(OUTPUT_NAME))[1]) /* "txt|json|..." */

struct output_options {
    int timestamps;       /* txt: the times of segments */
    int word_cues;        /* srt, vtt: a cue for each word, where there are word times */
    struct layout layout; /* srt, vtt; columns 0: a cue for each segment */
};

struct cues;

struct output {
    const struct output_format *format;
    const char *file; /* the recording's name as given; the caller's */
    struct output_options options;
    struct buffer out;                   /* what is ready to be written */
    int n_segments, n_words;             /* so far */
    char language[16];                   /* of the first segment that has one */
    struct buffer text, segments, nbest; /* JSON collects these until the end */
    struct cues *cues;                   /* subtitles */
};

struct output_format {
    const char *name; /* also the file name extension */
    int needs_word_times;
    int has_cues;                   /* for whose cut word times are wanted */
    int is_of_one;                  /* several recordings do not go into one file */
    int (*begin)(struct output *o); /* any may be NULL; they return 0 or a LINNET_E_* */
    int (*segment)(struct output *o, const linnet_event *event);
    int (*end)(struct output *o, double duration_s);
};

const struct output_format *output_format_find(const char *name); /* or NULL */

int output_open(struct output *o, const char *format, const char *file, const struct output_options *options,
                struct message *msg) LINNET_MUST_CHECK;
int output_segment(struct output *o, const linnet_event *event, struct message *msg) LINNET_MUST_CHECK;
int output_end(struct output *o, double duration_s, struct message *msg) LINNET_MUST_CHECK;

/* Writes `out` to the file in dir that is named after the recording, all of it or nothing; makes dir if need be. */
int output_save(const struct output *o, const char *dir, struct message *msg) LINNET_MUST_CHECK;
void output_close(struct output *o); /* also zeroed and half opened ones */

/* The name of a file without folders and extension, as far as it fits: "talk" for "/a/talk.wav", "stdin" for "-". */
void output_stem(const char *file, char *stem, size_t size);

#endif
