/* SPDX-License-Identifier: Apache-2.0
 * transcribe.c - `linnet transcribe`: files to text. */
#include <stdio.h>

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
    struct decoding decoding;
    struct output output; /* of the recording whose turn it is */
    struct progress progress;
    int code;
};

static int print_ready(struct job *j, struct message *msg)
{
    if (j->options->output != NULL || j->output.out.n == 0)
        return LINNET_OK;
    progress_hide(&j->progress);
    size_t n = fwrite(j->output.out.data, 1, j->output.out.n, stdout);
    int ok = n == j->output.out.n && fflush(stdout) == 0;
    buffer_cut(&j->output.out, 0);
    return ok ? LINNET_OK : fail(msg, LINNET_E_IO, "standard output: cannot write");
}

static int find(void *arg, int i, struct batch_source *source, struct message *msg)
{
    const struct job *j = arg;
    source->part.raw = j->options->raw;
    if (snprintf(source->path, sizeof source->path, "%s", j->paths[i]) < (int)sizeof source->path)
        return LINNET_OK;
    return fail(msg, LINNET_E_IO, "%s: too long a name", j->paths[i]);
}

static int begin(void *arg, int i, const struct linnet_stats *stats, struct message *msg)
{
    struct job *j = arg;
    struct output_options cues = {.word_cues = j->options->word_cues};
    progress_start(&j->progress, j->options->decoding.quiet ? 0 : stats->file_s);
    return output_open(&j->output, j->options->format, j->paths[i], &cues, msg);
}

static int take_event(void *arg, int i, const linnet_event *e, struct message *msg)
{
    struct job *j = arg;
    (void)i;
    int rc = e->type == LINNET_EVENT_FINAL ? output_segment(&j->output, e, msg) : LINNET_OK;
    return rc < 0 ? rc : print_ready(j, msg);
}

static void show_progress(void *arg, int i, double fed_s)
{
    struct job *j = arg;
    (void)i;
    progress_step(&j->progress, fed_s);
}

/* Whatever went wrong, what was recognised before it is written; the first failure is reported. */
static int write_results(struct job *j, double fed_s, struct message *msg)
{
    int rc = output_end(&j->output, fed_s, msg);
    if (rc >= 0 && j->options->output == NULL)
        return print_ready(j, msg);
    return rc >= 0 && fed_s > 0 ? output_save(&j->output, j->options->output, msg) : rc;
}

static int end(void *arg, int i, struct batch_end *e)
{
    struct job *j = arg;
    double fed_s = e->stats.audio_s;
    progress_hide(&j->progress);
    decoding_tell_times(&j->options->decoding, j->paths[i], &e->stats);
    int rc = e->is_open ? write_results(j, fed_s, e->rc < 0 ? NULL : e->msg) : LINNET_OK;
    output_close(&j->output);
    if (e->rc >= 0 && rc >= 0)
        return LINNET_OK;
    j->code = EXIT_WORK_FAILED;
    if (decoding_signal() != 0)
        fprintf(stderr, "linnet: %s: interrupted at %.1f s\n", j->paths[i], fed_s);
    else
        fprintf(stderr, "linnet: %s\n", e->msg->text);
    return LINNET_OK;
}

static int transcribe_all(struct job *j, int n, struct message *msg)
{
    const struct batch_work work = {
        .n = n, .arg = j, .find = find, .begin = begin, .event = take_event, .fed = show_progress, .end = end};
    struct batch b = {0};
    int rc = batch_open(&b, &j->decoding, &j->options->decoding, &work, msg);
    if (rc >= 0)
        rc = batch_run(&b, msg);
    batch_close(&b);
    return rc < 0 ? rc : decoding_signal() != 0 ? EXIT_WORK_FAILED : j->code;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    struct transcribe_options *o = values;
    const struct output_format *format = output_format_find(o->format);
    struct job j = {.options = o, .paths = paths, .code = EXIT_DONE};
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
