/* SPDX-License-Identifier: Apache-2.0
 * transcribe.c - `linnet transcribe`: files to text. */
#include <stdio.h>

#include "base/mem.h"
#include "bin/batch.h"
#include "bin/output.h"
#include "bin/progress.h"
#include "bin/verify_streaming.h"

struct transcribe_options {
    struct decoding_options decoding;
    const char *format, *output, *raw;
    int word_cues, verify_streaming;
};

static const struct transcribe_options defaults = {.format = "txt"};

#define FIELD(name) offsetof(struct transcribe_options, name)

static const struct option_spec options[] = {
    {"format", 'f', OPTION_TEXT, FIELD(format), "FORMAT", .help = "output format (txt)", .choices = OUTPUT_NAMES},
    {"output", 'o', OPTION_TEXT, FIELD(output), "DIR",
     .help = "write a file for each recording into DIR instead of to stdout"},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC",
     .help = "files have no header: ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1"},
    {"word-cues", 0, OPTION_FLAG, FIELD(word_cues), .help = "srt, vtt: a cue for each word"},
    {"verify-streaming", 0, OPTION_FLAG, FIELD(verify_streaming),
     .help =
         "instead, print how much the encoder's output in chunks differs from that at once; exit code 1 above 0.001"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

struct job {
    const struct transcribe_options *options;
    char **paths;
    struct recording **recordings; /* [n] under way, or waiting for those before them */
    struct decoding decoding;
    struct progress progress;
    int i_shown; /* recording that it shows */
    int n_handed_on, code;
};

struct recording {
    struct job *job;
    int i;
    struct output output;
    double fed_s, file_s;
    int rc;
    struct message msg;
};

/* What is ready of a recording goes to stdout when the turn of its output has come. */
static int print_ready(struct recording *r, struct message *msg)
{
    struct buffer *out = &r->output.out;
    if (r->job->options->output != NULL || r->i != r->job->n_handed_on || out->n == 0)
        return LINNET_OK;
    progress_hide(&r->job->progress);
    size_t n = fwrite(out->data, 1, out->n, stdout);
    int ok = n == out->n && fflush(stdout) == 0;
    buffer_cut(out, 0);
    return ok ? LINNET_OK : fail(msg, LINNET_E_IO, "standard output: cannot write");
}

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct recording *r = arg;
    int rc = e->type == LINNET_EVENT_FINAL ? output_segment(&r->output, e, msg) : LINNET_OK;
    return rc < 0 ? rc : print_ready(r, msg);
}

/* Of the recording whose output comes next. */
static void show_progress(void *arg, double fed_s)
{
    struct recording *r = arg;
    struct progress *p = &r->job->progress;
    r->fed_s = fed_s;
    if (r->i != r->job->n_handed_on)
        return;
    if (r->job->i_shown != r->i)
        progress_start(p, r->file_s);
    r->job->i_shown = r->i;
    progress_step(p, fed_s);
}

static int transcribe(struct recording *r, const char *path, struct decoding *d)
{
    const struct transcribe_options *o = r->job->options;
    struct output_options cues = {.word_cues = o->word_cues};
    struct decoding_sink sink = {.event = take_event, .fed = show_progress, .arg = r};
    struct linnet_stats stats = {.size = sizeof stats};
    struct linnet_file_options file;
    linnet_file_options_init(&file);
    file.raw = o->raw;
    int rc = decoding_open_file(d, path, &file, &r->msg);
    if (rc < 0 || (rc = output_open(&r->output, o->format, path, &cues, &r->msg)) < 0 ||
        (rc = linnet_stream_stats(d->stream, &stats)) < 0)
        return rc;
    r->file_s = stats.file_s;
    rc = decoding_run(d, &sink, &r->msg);
    /* Whatever went wrong, what was recognised before it is written; the first failure is reported. */
    int end = output_end(&r->output, r->fed_s, rc < 0 ? NULL : &r->msg);
    return rc < 0 ? rc : end;
}

static void decode(void *arg, int i, struct decoding *d)
{
    struct job *j = arg;
    struct recording *r = j->recordings[i] = mem_array(1, sizeof *r);
    if (r == NULL)
        return;
    r->job = j;
    r->i = i;
    r->rc = transcribe(r, j->paths[i], d);
}

/* Writes what came of the recording, or what was recognised before it failed. */
static int write_results(struct recording *r)
{
    const char *dir = r->job->options->output;
    struct message *later = r->rc < 0 ? NULL : &r->msg;
    int rc = LINNET_OK;
    if (r->output.format == NULL)
        return r->rc;
    if (dir == NULL)
        rc = print_ready(r, later);
    else if (r->fed_s > 0)
        rc = output_save(&r->output, dir, later);
    return r->rc < 0 ? r->rc : rc;
}

static int hand_on(void *arg, int i)
{
    struct job *j = arg;
    struct recording *r = j->recordings[i];
    int rc = r != NULL ? write_results(r) : LINNET_E_MEMORY;
    progress_hide(&j->progress);
    if (rc < 0 && decoding_signal() != 0)
        fprintf(stderr, "linnet: %s: interrupted at %.1f s\n", j->paths[i], r != NULL ? r->fed_s : 0);
    else if (rc < 0)
        fprintf(stderr, "linnet: %s\n", r != NULL ? r->msg.text : linnet_strerror(rc));
    j->code = rc < 0 ? EXIT_WORK_FAILED : j->code;
    if (r != NULL)
        output_close(&r->output);
    mem_free(r);
    j->n_handed_on = i + 1;
    return LINNET_OK;
}

static int transcribe_all(struct job *j, int n, struct message *msg)
{
    const struct batch_work work = {n, decode, hand_on, j};
    struct batch b = {0};
    j->recordings = mem_array((size_t)n, sizeof *j->recordings);
    int rc = j->recordings == NULL ? fail_memory(msg) : batch_open(&b, &j->decoding, &j->options->decoding, n, msg);
    if (rc >= 0)
        rc = batch_run(&b, &work, msg);
    batch_close(&b);
    mem_free(j->recordings);
    return rc < 0 ? rc : decoding_signal() != 0 ? EXIT_WORK_FAILED : j->code;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    struct transcribe_options *o = values;
    const struct output_format *format = output_format_find(o->format);
    struct job j = {.options = o, .paths = paths, .i_shown = -1, .code = EXIT_DONE};
    o->decoding.word_times |= o->word_cues || (format != NULL && format->needs_word_times);
    if (o->verify_streaming)
        return verify_streaming(&o->decoding, o->raw, n, paths, msg);
    int rc = decoding_open(&j.decoding, &o->decoding, 0, msg);
    if (rc >= 0)
        rc = transcribe_all(&j, n, msg);
    decoding_close(&j.decoding);
    return rc;
}

const struct command transcribe_command = {
    .name = "transcribe",
    .summary = "files to text, subtitles or JSON",
    .arguments = "FILE...",
    .text = "Takes any audio file that libsndfile reads, at any rate; - is standard input.\n"
            "A file that cannot be read is reported by name, and the others are decoded.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
