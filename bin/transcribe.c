/* SPDX-License-Identifier: Apache-2.0
 * transcribe.c - `linnet transcribe`: files to text. */
#include <ctype.h>
#include <stdio.h>

#include "bin/batch.h"
#include "bin/destination.h"
#include "bin/progress.h"
#include "bin/verify_streaming.h"

struct transcribe_options {
    struct decoding_options decoding;
    struct option_list formats;
    const char *folder, *raw;
    struct output_options output;
    int verify_streaming;
};

static const struct transcribe_options defaults = {.output.layout.columns = 42};

#define FIELD(name) offsetof(struct transcribe_options, name)

static const struct option_spec options[] = {
    {"format", 'f', OPTION_LIST, FIELD(formats), "FORMAT",
     .help = "output format (txt), several with commas between them, or all", .choices = DESTINATION_CHOICES},
    {"output", 'o', OPTION_TEXT, FIELD(folder), "DIR",
     .help = "write a file for each recording and format into DIR instead of to stdout"},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC",
     .help = "files have no header: ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1"},
    {"timestamps", 0, OPTION_FLAG, FIELD(output.timestamps), .help = "txt: the times of each segment before its text"},
    {"max-line-width", 0, OPTION_INT, FIELD(output.layout.columns), "N",
     .help = "srt, vtt: columns of a line, of which wide characters take two; 0: cues are segments, of any width (42)",
     .high = 1000},
    {"max-line-count", 0, OPTION_INT, FIELD(output.layout.lines), "N",
     .help = "srt, vtt: lines of a cue (2; with --max-words-per-line 1)", .low = 1, .high = 100},
    {"max-words-per-line", 0, OPTION_INT, FIELD(output.layout.words), "N", .help = "srt, vtt: words of a line",
     .low = 1, .high = 1000},
    {"word-cues", 0, OPTION_FLAG, FIELD(output.word_cues), .help = "srt, vtt: a cue for each word"},
    {"verify-streaming", 0, OPTION_FLAG, FIELD(verify_streaming),
     .help =
         "instead, print how much the encoder's output in chunks differs from that at once; exit code 1 above 0.001"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

struct job {
    const struct transcribe_options *options;
    char **paths;
    struct decoding decoding;
    struct destination destination;
    struct output outputs[DESTINATION_MOST]; /* of the recording whose turn it is, one for each format */
    int n_printed;                           /* objects of a JSON array */
    int is_told, is_warned;                  /* its language is; of a window in another one */
    struct progress progress;
    int code;
};

/* ---- results ---- */

static int print(struct job *j, const char *bytes, size_t n, struct message *msg)
{
    progress_hide(&j->progress);
    int ok = fwrite(bytes, 1, n, stdout) == n && fflush(stdout) == 0;
    return ok ? LINNET_OK : fail(msg, LINNET_E_IO, "standard output: cannot write");
}

/* What is ready, where that goes to standard output. */
static int print_ready(struct job *j, struct message *msg)
{
    struct buffer *ready = &j->outputs[0].out;
    if (j->destination.folder != NULL || ready->n == 0)
        return LINNET_OK;
    int rc = j->destination.is_array ? print(j, j->n_printed++ == 0 ? "[" : ",", 1, msg) : LINNET_OK;
    if (rc >= 0)
        rc = print(j, ready->data, ready->n, msg);
    buffer_cut(ready, 0);
    return rc;
}

/* Whatever went wrong, what was recognised before it is written; the first failure is reported. */
static int write_results(struct job *j, double fed_s, struct message *msg)
{
    int rc = LINNET_OK;
    for (int i = 0; i < j->destination.n; i++) {
        struct output *o = &j->outputs[i];
        int mine = output_end(o, fed_s, msg);
        if (mine >= 0 && j->destination.folder == NULL)
            mine = print_ready(j, msg);
        else if (mine >= 0 && fed_s > 0)
            mine = output_save(o, j->destination.folder, msg);
        if (mine < 0) {
            rc = rc < 0 ? rc : mine;
            msg = NULL;
        }
    }
    return rc;
}

static const char *capital(char *name, size_t size, const char *lower)
{
    snprintf(name, size, "%s", lower);
    name[0] = (char)toupper((unsigned char)name[0]);
    return name;
}

/* A window in another language, once for a recording. */
static void tell_other_language(struct job *j, const char *path, const linnet_event *e)
{
    const struct linnet_window *w = e->window;
    char name[32], other[32];
    if (j->is_warned || w == NULL || w->other_language == NULL)
        return;
    j->is_warned = 1;
    progress_hide(&j->progress);
    decoding_note(&j->options->decoding,
                  "%s: at %.0f s the language seems to be %s, not %s: to detect it in each window, "
                  "--set language.each_window=true",
                  path, w->start_s, capital(other, sizeof other, w->other_language),
                  capital(name, sizeof name, w->language_name));
}

/* The language that was detected, once for a recording. */
static void tell_language(struct job *j, const char *path, const linnet_event *e)
{
    const struct linnet_window *w = e->window;
    char name[64];
    if (j->is_told || w == NULL || !(w->language_probability > 0))
        return;
    j->is_told = 1;
    progress_hide(&j->progress);
    decoding_note(&j->options->decoding, "%s: language: %s (%s), probability %.2f", path,
                  capital(name, sizeof name, w->language_name), e->language, w->language_probability);
}

/* ---- recordings ---- */

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
    int rc = LINNET_OK;
    progress_start(&j->progress, j->options->decoding.quiet ? 0 : stats->file_s);
    j->is_told = j->is_warned = 0;
    for (int k = 0; k < j->destination.n && rc >= 0; k++)
        rc = output_open(&j->outputs[k], j->destination.formats[k]->name, j->paths[i], &j->options->output, msg);
    return rc;
}

static int take_event(void *arg, int i, const linnet_event *e, struct message *msg)
{
    struct job *j = arg;
    int rc = LINNET_OK;
    if (e->type != LINNET_EVENT_FINAL)
        return rc;
    tell_language(j, j->paths[i], e);
    tell_other_language(j, j->paths[i], e);
    for (int k = 0; k < j->destination.n && rc >= 0; k++)
        rc = output_segment(&j->outputs[k], e, msg);
    return rc < 0 ? rc : print_ready(j, msg);
}

static void show_progress(void *arg, int i, double fed_s)
{
    struct job *j = arg;
    (void)i;
    progress_step(&j->progress, fed_s);
}

static int end(void *arg, int i, struct batch_end *e)
{
    struct job *j = arg;
    double fed_s = e->stats.audio_s;
    progress_hide(&j->progress);
    decoding_tell_times(&j->options->decoding, j->paths[i], &e->stats);
    int rc = e->is_open ? write_results(j, fed_s, e->rc < 0 ? NULL : e->msg) : LINNET_OK;
    for (int k = 0; k < j->destination.n; k++)
        output_close(&j->outputs[k]);
    if (e->rc >= 0 && rc >= 0)
        return LINNET_OK;
    j->code = EXIT_WORK_FAILED;
    if (decoding_signal() != 0)
        fprintf(stderr, "linnet: %s: interrupted at %.1f s\n", j->paths[i], fed_s);
    else
        fprintf(stderr, "linnet: %s\n", e->msg->text);
    return LINNET_OK;
}

/* ---- all ---- */

static int transcribe_all(struct job *j, int n, struct message *msg)
{
    const struct batch_work work = {
        .n = n, .arg = j, .find = find, .begin = begin, .event = take_event, .fed = show_progress, .end = end};
    struct batch b = {0};
    int rc = batch_open(&b, &j->decoding, &j->options->decoding, &work, msg);
    if (rc >= 0)
        rc = batch_run(&b, msg);
    if (rc >= 0 && j->destination.is_array)
        rc = j->n_printed == 0 ? print(j, "[]\n", 3, msg) : print(j, "]\n", 2, msg);
    batch_close(&b);
    return rc < 0 ? rc : decoding_signal() != 0 ? EXIT_WORK_FAILED : j->code;
}

/* Lines of subtitles, and word times where the formats need or want them. */
static void complete(struct transcribe_options *o, const struct destination *d)
{
    struct layout *layout = &o->output.layout;
    if (layout->lines == 0)
        layout->lines = layout->words > 0 ? 1 : 2;
    o->decoding.word_times |= o->output.word_cues;
    for (int i = 0; i < d->n; i++)
        o->decoding.word_times |= d->formats[i]->needs_word_times || (d->formats[i]->has_cues && layout->columns > 0);
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    struct transcribe_options *o = values;
    struct job j = {.options = o, .paths = paths, .code = EXIT_DONE};
    if (o->verify_streaming)
        return verify_streaming(&o->decoding, o->raw, n, paths, msg);
    int rc = destination_choose(&j.destination, &o->formats, o->folder, n, paths, msg);
    if (rc == LINNET_E_ARGUMENT)
        return options_mistake("transcribe", "%s", msg->text);
    complete(o, &j.destination);
    if (rc < 0 || (rc = destination_try(&j.destination, msg)) < 0)
        return rc;
    if ((rc = decoding_open(&j.decoding, &o->decoding, 0, msg)) >= 0)
        rc = transcribe_all(&j, n, msg);
    decoding_close(&j.decoding);
    return rc;
}

const struct command transcribe_command = {
    .name = "transcribe",
    .summary = "files to text, subtitles or JSON",
    .arguments = "FILE...",
    .text = "Takes any audio or video file that libsndfile or FFmpeg's libraries read; - is standard input.\n"
            "A file that cannot be read is reported by name, and the others are decoded.\n"
            "JSON of several files on standard output is one array, an object for each.\n"
            "Subtitles break at the ends of sentences and at pauses, which word times tell.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
