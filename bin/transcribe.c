/* SPDX-License-Identifier: Apache-2.0
 * transcribe.c - `linnet transcribe`: files to text. */
#include <signal.h>
#include <stdio.h>

#include "bin/decoding.h"
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
    struct decoding decoding;
    struct output output;
    struct progress progress;
    double fed_s;
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

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    struct job *j = arg;
    int rc = e->type == LINNET_EVENT_FINAL ? output_segment(&j->output, e, msg) : LINNET_OK;
    return rc < 0 ? rc : print_ready(j, msg);
}

static void show_progress(void *arg, double fed_s)
{
    struct job *j = arg;
    j->fed_s = fed_s;
    progress_step(&j->progress, fed_s);
}

static int transcribe(struct job *j, const char *path, struct message *msg)
{
    struct output_options cues = {.word_cues = j->options->word_cues};
    struct decoding_sink sink = {.event = take_event, .fed = show_progress, .arg = j};
    struct linnet_stats stats = {.size = sizeof stats};
    struct linnet_file_options file;
    linnet_file_options_init(&file);
    file.raw = j->options->raw;
    j->fed_s = 0;
    int rc = decoding_open_file(&j->decoding, path, &file, msg);
    if (rc < 0 || (rc = output_open(&j->output, j->options->format, path, &cues, msg)) < 0 ||
        (rc = linnet_stream_stats(j->decoding.stream, &stats)) < 0)
        return rc;
    progress_start(&j->progress, stats.file_s);
    rc = decoding_run(&j->decoding, &sink, msg);
    progress_hide(&j->progress);
    /* Whatever went wrong, what was recognised before it is written; the first failure is reported. */
    struct message *later = rc < 0 ? NULL : msg;
    int end = output_end(&j->output, j->fed_s, later);
    if (end >= 0 && j->options->output == NULL)
        end = print_ready(j, later);
    else if (end >= 0 && j->fed_s > 0)
        end = output_save(&j->output, j->options->output, later);
    return rc < 0 ? rc : end;
}

static int transcribe_all(struct job *j, int n, char **paths)
{
    int code = EXIT_DONE;
    for (int i = 0; i < n && decoding_signal() == 0; i++) {
        struct message msg = {""};
        int rc = transcribe(j, paths[i], &msg);
        output_close(&j->output);
        if (rc >= 0)
            continue;
        code = EXIT_WORK_FAILED;
        if (decoding_signal() != 0)
            fprintf(stderr, "linnet: %s: interrupted at %.1f s\n", paths[i], j->fed_s);
        else
            fprintf(stderr, "linnet: %s\n", msg.text);
    }
    return decoding_signal() != 0 ? EXIT_WORK_FAILED : code;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    struct transcribe_options *o = values;
    const struct output_format *format = output_format_find(o->format);
    struct job j = {.options = o};
    o->decoding.word_times |= o->word_cues || (format != NULL && format->needs_word_times);
    if (o->verify_streaming)
        return verify_streaming(&o->decoding, o->raw, n, paths, msg);
    int rc = decoding_open(&j.decoding, &o->decoding, 0, msg);
    if (rc >= 0) {
        decoding_catch(SIGINT, j.decoding.stream);
        decoding_catch(SIGTERM, j.decoding.stream);
        rc = transcribe_all(&j, n, paths);
    }
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
