/* SPDX-License-Identifier: Apache-2.0
 * transcribe.c - `linnet transcribe`: files to text. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bin/decoding.h"
#include "bin/output.h"
#include "bin/progress.h"
#include "frontend/audio_file.h"

enum { RATE_HZ = 16000, BLOCK = 2 * RATE_HZ };

struct transcribe_options {
    struct decoding_options decoding;
    const char *format, *output, *raw;
    int word_cues;
};

static const struct transcribe_options defaults = {.format = "txt"};

#define FIELD(name) offsetof(struct transcribe_options, name)

static const struct option_spec options[] = {
    {"format", 'f', OPTION_TEXT, FIELD(format), "FORMAT", "what to write (txt)", 0, 0, OUTPUT_FORMATS, NULL},
    {"output", 'o', OPTION_TEXT, FIELD(output), "DIR", "write a file for each recording into DIR instead of to stdout", 0, 0,
     NULL, NULL},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC", "files are bare samples, such as s16le:16000:1", 0, 0, NULL, NULL},
    {"word-cues", 0, OPTION_FLAG, FIELD(word_cues), NULL, "srt, vtt: a cue for each word", 0, 0, NULL, NULL},
    {NULL, 0, OPTION_GROUP, FIELD(decoding), NULL, NULL, 0, 0, NULL, decoding_table},
    {0}};

struct job {
    const struct transcribe_options *options;
    struct decoding decoding;
    struct audio_file *audio;
    struct output output;
    struct progress progress;
    float *block;
    double fed_s;
};

static int print_ready(struct job *j)
{
    if (j->options->output != NULL || j->output.out.n == 0)
        return LINNET_OK;
    progress_hide(&j->progress);
    size_t n = fwrite(j->output.out.data, 1, j->output.out.n, stdout);
    int ok = n == j->output.out.n && fflush(stdout) == 0;
    buffer_cut(&j->output.out, 0);
    return ok ? LINNET_OK : LINNET_E_IO;
}

static int take_events(struct job *j, struct message *msg)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(j->decoding.stream, &e)) > 0) {
        if (e.type == LINNET_EVENT_FINAL && (rc = output_segment(&j->output, &e, msg)) < 0)
            return rc;
        if ((rc = print_ready(j)) < 0)
            return fail(msg, rc, "standard output: cannot write");
    }
    return rc;
}

static int stream_failed(struct job *j, int rc, struct message *msg)
{
    return fail(msg, rc, "%s", linnet_stream_error(j->decoding.stream));
}

/* Feeds the whole file.  What was read before damage is decoded; its error is returned after. */
static int decode_file(struct job *j, struct message *msg)
{
    linnet_stream *s = j->decoding.stream;
    int rc = LINNET_OK, damage = LINNET_OK;
    struct message what = {""};
    long n;
    while ((n = audio_file_read(j->audio, j->block, BLOCK, &what)) > 0) {
        if ((rc = linnet_stream_feed(s, j->block, (size_t)n)) < 0)
            break;
        j->fed_s += (double)n / RATE_HZ;
        if ((rc = take_events(j, msg)) < 0)
            return rc;
        progress_step(&j->progress, j->fed_s);
    }
    if (n < 0)
        damage = (int)n;
    if (rc >= 0 && (j->fed_s > 0 || damage == LINNET_OK))
        rc = linnet_stream_finish(s);
    if (rc < 0)
        stream_failed(j, rc, msg);
    int last = rc == LINNET_OK || rc == LINNET_E_CANCELLED ? take_events(j, msg) : LINNET_OK;
    if (rc == LINNET_OK && last < 0)
        rc = last;
    if (rc >= 0 && damage < 0)
        return fail(msg, damage, "%s", what.text);
    return rc;
}

static int transcribe(struct job *j, const char *path, struct message *msg)
{
    struct output_options cues = {.word_cues = j->options->word_cues};
    j->fed_s = 0;
    int rc = linnet_stream_reset(j->decoding.stream);
    if (rc < 0)
        return stream_failed(j, rc, msg);
    if ((rc = audio_file_open(&j->audio, path, j->options->raw, RATE_HZ, msg)) < 0)
        return rc;
    if ((rc = output_open(&j->output, j->options->format, path, &cues, msg)) < 0)
        return rc;
    progress_start(&j->progress, audio_file_duration_s(j->audio));
    rc = decode_file(j, msg);
    progress_hide(&j->progress);
    /* Whatever went wrong, what was recognised before it is written. */
    struct message later;
    int end = output_end(&j->output, j->fed_s, &later);
    if (end >= 0)
        end = j->options->output == NULL ? print_ready(j)
              : j->fed_s > 0             ? output_save(&j->output, j->options->output, &later)
                                         : LINNET_OK;
    if (rc >= 0 && end < 0)
        rc = j->options->output == NULL ? fail(msg, end, "standard output: cannot write") : fail(msg, end, "%s", later.text);
    return rc;
}

static int transcribe_all(struct job *j, int n, char **paths)
{
    int code = EXIT_DONE;
    for (int i = 0; i < n && decoding_signal() == 0; i++) {
        struct message msg = {""};
        int rc = transcribe(j, paths[i], &msg);
        audio_file_close(j->audio);
        output_close(&j->output);
        j->audio = NULL;
        memset(&j->output, 0, sizeof j->output);
        if (rc >= 0)
            continue;
        code = EXIT_WORK_FAILED;
        if (decoding_signal() != 0)
            fprintf(stderr, "linnet: %s: interrupted at %.1f s\n", paths[i], j->fed_s);
        else if (strstr(msg.text, paths[i]) != NULL)
            fprintf(stderr, "linnet: %s\n", msg.text);
        else
            fprintf(stderr, "linnet: %s: %s\n", paths[i], msg.text);
    }
    return decoding_signal() != 0 ? EXIT_WORK_FAILED : code;
}

static int run(void *values, int n, char **paths)
{
    struct transcribe_options *o = values;
    struct message msg = {""};
    const struct output_format *format = output_format_find(o->format);
    struct job j = {.options = o, .block = mem_array(BLOCK, sizeof *j.block)};
    o->decoding.word_times |= o->word_cues || (format != NULL && format->needs_word_times);
    int code = EXIT_WORK_FAILED;
    if (j.block == NULL || decoding_open(&j.decoding, &o->decoding, 0, RATE_HZ, &msg) < 0) {
        fprintf(stderr, "linnet: %s\n", j.block == NULL ? "out of memory" : msg.text);
    } else {
        decoding_catch_signals(&j.decoding);
        code = transcribe_all(&j, n, paths);
    }
    decoding_close(&j.decoding);
    mem_free(j.block);
    return code;
}

const struct command transcribe_command = {
    .name = "transcribe",
    .summary = "files to text, subtitles or JSON",
    .arguments = "FILE...",
    .text = "Takes any audio file that libsndfile reads, at any rate; - is standard input.\n"
            "A file that cannot be read is reported by name and the others are done.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
