/* SPDX-License-Identifier: Apache-2.0
 * decode.c - `linnet decode`: a data set, or a share of it, to hypotheses.
 *
 * Writes into the output folder, utterance by utterance:
 *
 *     hyp.jsonl    {"utt": id, ...} as `linnet transcribe --format json` has it, a line each
 *     hyp.txt      "id text", what `linnet score` takes
 *     stats.jsonl  what it took (run_stats.h)
 *     recipe.yaml  the settings that are not at their default
 *     stats.json   sums of stats.jsonl, what failed, and with --streaming delays, as they would have been had the audio
 *                  come as it was spoken
 *
 * Resuming.  Utterances that are in the folder are not decoded again (results.h).  A folder with results of other
 * settings is refused, since the whole would be a mixture, and so is one with another share. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "bin/batch.h"
#include "bin/data_set.h"
#include "bin/output.h"
#include "bin/problems.h"
#include "bin/progress.h"
#include "bin/results.h"
#include "bin/run_recipe.h"
#include "bin/run_stats.h"
#include "models/model.h"

struct decode_options {
    struct decoding_options decoding;
    const char *data, *out, *shard;
    int streaming;
};

#define FIELD(name) offsetof(struct decode_options, name)

static const struct option_spec options[] = {
    {"data", 0, OPTION_TEXT, FIELD(data), "LIST", .help = "a Kaldi directory, JSON lines, a table, or a list of files"},
    {"out", 'o', OPTION_TEXT, FIELD(out), "DIR", .help = "folder for the results; an interrupted run is resumed"},
    {"shard", 0, OPTION_TEXT, FIELD(shard), "I/N",
     .help = "decode share I of N only, for 'linnet merge': as many utterances as the others, or one less"},
    {"streaming", 0, OPTION_FLAG, FIELD(streaming), .help = "decode as a live stream, and report latency"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

struct job {
    const struct decode_options *options;
    struct decoding decoding;
    struct data_set data;
    struct share share;
    struct results results;
    const struct data_utterance **to_do; /* [n_to_do] */
    int n_to_do, n_share;                /* of the share, whether done before or not */
    char path[FILE_MAX_PATH];            /* of the utterance whose turn it is, */
    struct output output;                /* what comes of it, */
    struct latency latency;              /* and when */
    struct progress progress;
    double last_s; /* when the utterance before it was done */
    int n_done, n_failed;
    struct run_stats stats;          /* of this and earlier runs */
    double begun_s, earlier_audio_s; /* when this one began, and what they had done */
    struct problems problems;
};

/* ---- one utterance ---- */

static int find(void *arg, int i, struct batch_source *source, struct message *msg)
{
    const struct job *j = arg;
    const struct data_utterance *u = j->to_do[i];
    source->part.start_s = u->start_s;
    source->part.end_s = u->end_s < 0 ? 0 : u->end_s;
    return data_set_find(&j->data, u, source->path, sizeof source->path, msg);
}

static int begin(void *arg, int i, const struct linnet_stats *stats, struct message *msg)
{
    struct job *j = arg;
    (void)stats;
    int rc = data_set_find(&j->data, j->to_do[i], j->path, sizeof j->path, msg);
    return rc < 0 ? rc : output_open(&j->output, "json", j->path, NULL, msg);
}

static int take_call(void *arg, double fed_s, double compute_s, struct message *msg)
{
    struct job *j = arg;
    return j->options->streaming && latency_called(&j->latency, fed_s, compute_s, -1) < 0 ? fail_memory(msg)
                                                                                          : LINNET_OK;
}

static int take_event(void *arg, int i, const linnet_event *e, struct message *msg)
{
    struct job *j = arg;
    (void)i;
    if (j->options->streaming && latency_event(&j->latency, e) < 0)
        return fail_memory(msg);
    return e->type == LINNET_EVENT_FINAL ? output_segment(&j->output, e, msg) : LINNET_OK;
}

/* The text on one line. */
static void flatten(struct buffer *text)
{
    for (size_t i = 0; i < text->n; i++)
        if (strchr("\t\r\n", text->data[i]) != NULL)
            text->data[i] = ' ';
    while (text->n > 0 && text->data[text->n - 1] == ' ')
        buffer_cut(text, text->n - 1);
}

static int write_results(struct job *j, const char *id, const struct linnet_stats *took, struct message *msg)
{
    struct buffer json = {0}, stats = {0};
    double now_s = clock_s();
    int rc = output_end(&j->output, took->audio_s, msg);
    if (rc >= 0 && (buffer_puts(&json, "{\"utt\": ") < 0 || json_write_text(&json, id) < 0 ||
                    buffer_printf(&json, ", %s", buffer_text(&j->output.out) + 1) < 0 ||
                    run_stats_line(&stats, id, took, now_s - j->last_s, &j->latency) < 0))
        rc = fail_memory(msg);
    if (rc >= 0) {
        flatten(&j->output.text);
        while (json.n > 0 && json.data[json.n - 1] == '\n')
            buffer_cut(&json, json.n - 1);
        const struct hypothesis h = {id, buffer_text(&j->output.text), json.data, stats.data};
        rc = results_add(&j->results, &h, msg);
    }
    if (rc >= 0)
        rc = run_stats_add(&j->stats, stats.data, msg);
    j->last_s = now_s;
    buffer_free(&json);
    buffer_free(&stats);
    return rc;
}

/* Ends the delays of an utterance with that reference, or NULL. */
static int end_latency(struct job *j, const char *text, struct message *msg)
{
    int n = 0;
    for (size_t length; text != NULL && *(text += strspn(text, " \t\r\n")) != '\0'; text += length, n++)
        length = strcspn(text, " \t\r\n");
    return j->options->streaming && latency_end(&j->latency, n) < 0 ? fail_memory(msg) : LINNET_OK;
}

static void warn_of_cut(struct job *j, const struct data_utterance *u, double heard_s)
{
    struct message msg;
    if (data_set_is_cut(&j->data, u, heard_s, &msg)) {
        progress_hide(&j->progress);
        fprintf(stderr, "linnet: %s: %s\n", u->id, msg.text);
    }
}

static void tell_failure(struct job *j, const char *id, const char *why)
{
    progress_hide(&j->progress);
    fprintf(stderr, "linnet: %s: %s\n", id, decoding_signal() != 0 ? "interrupted" : why);
    if (decoding_signal() == 0) {
        j->n_failed++;
        problems_add(&j->problems, id, why);
    }
}

/* Fails where nothing can be written any more. */
static int end(void *arg, int i, struct batch_end *e)
{
    struct job *j = arg;
    const char *id = j->to_do[i]->id;
    int rc = e->rc, written = LINNET_OK;
    if (rc >= 0) {
        warn_of_cut(j, j->to_do[i], e->stats.audio_s);
        if ((rc = end_latency(j, j->to_do[i]->text, e->msg)) >= 0)
            rc = written = write_results(j, id, &e->stats, e->msg);
    }
    output_close(&j->output);
    latency_close(&j->latency);
    if (j->options->decoding.verbose)
        progress_hide(&j->progress);
    decoding_tell_times(&j->options->decoding, id, &e->stats);
    j->n_done += rc >= 0;
    if (rc < 0)
        tell_failure(j, id, e->msg->text);
    progress_step(&j->progress, j->n_done + j->n_failed);
    return written;
}

/* ---- all ---- */

static void measure_share(struct job *j)
{
    j->share.n_all = j->data.n;
    j->share.ids = SHARE_NO_IDS;
    for (int i = 0; i < j->data.n; i++)
        j->share.ids = share_add_id(j->share.ids, j->data.at[i].id);
}

/* Leaves out what an earlier run has decoded. */
static int list_utterances(struct job *j, struct message *msg)
{
    int first, end, rc = LINNET_OK;
    share_range(&j->share, &first, &end);
    j->n_share = end - first;
    j->to_do = mem_array((size_t)j->n_share + 1, sizeof *j->to_do);
    if (j->to_do == NULL)
        return fail_memory(msg);
    for (int i = first; i < end && rc >= 0; i++) {
        const struct hypothesis *before = hypotheses_find(&j->results.before, j->data.at[i].id);
        if (before == NULL)
            j->to_do[j->n_to_do++] = &j->data.at[i];
        else if (before->stats != NULL)
            rc = run_stats_add(&j->stats, before->stats, msg);
    }
    return rc;
}

static int decode_all(struct job *j, struct message *msg)
{
    const struct batch_work work = {.n = j->n_to_do,
                                    .is_live = j->options->streaming,
                                    .any_order = 1,
                                    .arg = j,
                                    .find = find,
                                    .begin = begin,
                                    .event = take_event,
                                    .end = end,
                                    .called = take_call};
    struct batch b = {0};
    j->begun_s = j->last_s = clock_s();
    j->earlier_audio_s = j->stats.sum.audio_s;
    int rc = batch_open(&b, &j->decoding, &j->options->decoding, &work, msg);
    if (rc >= 0) {
        progress_start(&j->progress, j->options->decoding.quiet ? 0 : j->n_to_do);
        rc = batch_run(&b, msg);
        progress_hide(&j->progress);
    }
    batch_close(&b);
    return rc;
}

/* ---- stats.json ---- */

static int add_settings(const struct job *j, struct buffer *b)
{
    const char *recipe = j->options->decoding.recipe;
    int rc;
    if ((rc = buffer_puts(b, "\", \"recipe\": ")) < 0 ||
        (rc = recipe != NULL ? json_write_text(b, recipe) : buffer_puts(b, "null")) < 0 ||
        (rc = buffer_puts(b, ", \"settings\": [")) < 0)
        return rc;
    for (size_t i = 0; i < j->decoding.n && rc >= 0; i++)
        if ((rc = buffer_puts(b, i > 0 ? ", " : "")) >= 0)
            rc = json_write_text(b, j->decoding.items[i]);
    return rc < 0 ? rc : buffer_printf(b, "], \"streaming\": %s", j->options->streaming ? "true" : "false");
}

static int add_share(const struct job *j, struct buffer *b)
{
    const struct share *s = &j->share;
    if (s->n_shares == 0)
        return LINNET_OK;
    return buffer_printf(b,
                         ",\n \"shard\": {\"index\": %d, \"of\": %d, \"utterances\": %d, \"ids\": \"%016" PRIx64 "\"}",
                         s->index, s->n_shares, j->n_share, s->ids);
}

static int make_stats(struct job *j, struct buffer *b)
{
    const char *decoder = decoding_decoder(&j->decoding, j->options->streaming);
    struct linnet_model_info info = {.size = sizeof info};
    int n_there = j->n_share - j->n_to_do + j->n_done, rc = linnet_model_info(j->decoding.model, &info);
    if (rc < 0 ||
        (rc = buffer_printf(b, "{\"utterances\": %d, \"skipped\": %d, \"failed\": %d, \"complete\": %s,\n", j->stats.n,
                            n_there - j->stats.n, problems_count(&j->problems),
                            n_there + j->n_failed == j->n_share ? "true" : "false")) < 0 ||
        (rc = run_stats_report(&j->stats, b)) < 0 ||
        (rc = buffer_printf(b, ", \"threads\": %d,\n \"version\": \"%s\", \"decoder\": \"%s\", \"model\": \"%s",
                            info.n_threads, linnet_version(), decoder, info.description)) < 0 ||
        (rc = add_settings(j, b)) < 0 || (rc = add_share(j, b)) < 0 || (rc = problems_write(&j->problems, b)) < 0 ||
        (rc = run_stats_report_latency(&j->stats, b)) < 0)
        return rc;
    return buffer_puts(b, "}\n");
}

/* Nothing changes where there was nothing to do. */
static int save_stats(struct job *j, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct buffer b = {0};
    int rc = file_in(path, j->options->out, "stats.json", msg);
    if (rc >= 0 && (j->n_to_do > 0 || j->n_share == 0 || !file_exists(path)))
        rc = make_stats(j, &b) < 0 ? fail_memory(msg) : file_write(path, b.data, b.n, msg);
    buffer_free(&b);
    return rc;
}

/* ---- the command ---- */

static int open_all(struct job *j, struct message *msg)
{
    const struct decode_options *o = j->options;
    int rc;
    if ((rc = data_set_open(&j->data, o->data, o->streaming, msg)) < 0)
        return rc;
    data_set_problems(&j->data, &j->problems);
    measure_share(j);
    if ((rc = decoding_open(&j->decoding, &o->decoding, o->streaming, msg)) < 0 ||
        (rc = results_open(&j->results, o->out, msg)) < 0 || (rc = list_utterances(j, msg)) < 0)
        return rc;
    const struct run_recipe recipe = {&j->decoding.settings, &j->share, o->streaming};
    rc = run_recipe_check(&recipe, o->out, j->results.before.n == 0, msg);
    return rc < 0 ? rc : results_begin(&j->results, msg);
}

static int decode(struct job *j, struct message *msg)
{
    int rc;
    if ((rc = open_all(j, msg)) < 0 || (rc = decode_all(j, msg)) < 0 || (rc = results_end(&j->results, msg)) < 0)
        return rc;
    decoding_note(&j->options->decoding, "%d utterances decoded, %d were there, %d failed; %.1f s of audio in %.1f s",
                  j->n_done, j->n_share - j->n_to_do, problems_count(&j->problems),
                  j->stats.sum.audio_s - j->earlier_audio_s, clock_s() - j->begun_s);
    problems_list(&j->problems);
    return save_stats(j, msg);
}

static void close_job(struct job *j)
{
    results_close(&j->results);
    run_stats_close(&j->stats);
    problems_close(&j->problems);
    latency_close(&j->latency);
    mem_free(j->to_do);
    data_set_close(&j->data);
    decoding_close(&j->decoding);
}

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct decode_options *o = values;
    struct job j = {.options = o};
    (void)n, (void)arguments;
    o->decoding.word_times |= o->streaming; /* delays are counted from the end of a word */
    if (j.options->data == NULL || j.options->out == NULL)
        return options_mistake("decode", "--data and --out are needed");
    if (o->shard != NULL && share_parse(&j.share, o->shard, msg) < 0)
        return options_mistake("decode", "%s", msg->text);
    int rc = decode(&j, msg), is_whole = problems_count(&j.problems) == 0 && decoding_signal() == 0;
    close_job(&j);
    return rc >= 0 && !is_whole ? EXIT_WORK_FAILED : rc;
}

const struct command decode_command = {
    .name = "decode",
    .summary = "a data set to hypotheses",
    .arguments = "",
    .text = "LIST is one of these; paths are relative to the current folder, or else to LIST's:\n"
            "    a Kaldi directory: wav.scp (lines \"utterance path\"), segments, text\n"
            "    JSON lines, as WeNet's raw data.list: {\"key\": .., \"wav\": .., \"txt\": ..}, perhaps\n"
            "    with \"start\" and \"end\" in seconds\n"
            "    a table with a header, CSV or TSV, with a column of paths: audio, path, file,\n"
            "    audio_path, wav or file_name; perhaps id (or utt, key), start, end, and text\n"
            "    (or sentence, transcription, transcript, txt)\n"
            "    a path in each line\n"
            "Without an id it is the file's name without folders and ending.  'linnet score'\n"
            "takes the same lists for references.\n"
            "\n"
            "Writes hyp.txt, hyp.jsonl, recipe.yaml, stats.json, and stats.jsonl with the times\n"
            "of each utterance.  Utterances that are in the output folder already are not\n"
            "decoded again.  With --streaming stats.json has latencies, on the audio's clock and\n"
            "with the computation time added; average_lagging is LAAL, against the words of the\n"
            "references.  What cannot be used or decoded is named, and once more in a list at the\n"
            "end, left out, and makes the exit code 1; an utterance that ends after its recording\n"
            "is cut there, with a warning.",
    .options = options,
    .size = sizeof(struct decode_options),
    .run = run,
};
