/* SPDX-License-Identifier: Apache-2.0
 * decode.c - `linnet decode`: a data directory to hypotheses.
 *
 * Writes into the output folder, utterance by utterance, in order of ids:
 *
 *     hyp.jsonl    {"utt": id, ...} as `linnet transcribe --format json` has it, a line each
 *     hyp.txt      "id text", what `linnet score` takes
 *     recipe.yaml  the settings that are not at their default
 *     stats.json   times, of the last run that decoded anything; with --streaming also delays, as they would have
 *                  been had the audio come as it was spoken
 *
 * Resuming.  Both hypothesis files hold the same utterances in the same order; after an interruption lines that only
 * one of them has in full are cut off, and the utterances that are left are not decoded again.  A folder with results
 * of other settings is refused: the whole would be a mixture. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "bin/batch.h"
#include "bin/data_dir.h"
#include "bin/output.h"
#include "bin/problems.h"
#include "bin/progress.h"
#include "models/model.h"
#include "score/latency.h"

#define MAX_HYP_BYTES ((size_t)1 << 30)

struct decode_options {
    struct decoding_options decoding;
    const char *data, *out;
    int streaming;
};

#define FIELD(name) offsetof(struct decode_options, name)

static const struct option_spec options[] = {
    {"data", 0, OPTION_TEXT, FIELD(data), "DIR",
     .help = "data directory: wav.scp, and segments where recordings are cut"},
    {"out", 'o', OPTION_TEXT, FIELD(out), "DIR", .help = "folder for the results; an interrupted run is resumed"},
    {"streaming", 0, OPTION_FLAG, FIELD(streaming), .help = "decode as a live stream, and report latency"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

struct totals {
    int done, skipped, failed;
    double wall_s;
    struct linnet_stats sum;
};

struct job {
    const struct decode_options *options;
    struct decoding decoding;
    struct data_dir data;
    struct transcripts before; /* of an earlier run */
    FILE *txt, *jsonl;
    const struct data_utterance **to_do; /* [n_to_do] */
    int n_to_do;
    char path[FILE_MAX_PATH]; /* of the utterance whose turn it is, */
    struct output output;     /* and what comes of it */
    struct progress progress;
    struct totals totals;
    struct transcripts references; /* for average lagging; may be empty */
    struct latency latency;
};

/* ---- resuming ---- */

/* Bytes of the first *n whole lines, or of as many as there are: *n becomes their number. */
static size_t whole_lines(const struct buffer *b, int *n)
{
    const char *start = buffer_text(b), *at = start, *end;
    int i = 0;
    for (; i < *n && (end = memchr(at, '\n', b->n - (size_t)(at - start))) != NULL; i++)
        at = end + 1;
    *n = i;
    return (size_t)(at - start);
}

static int read_old(const char *path, struct buffer *b, struct message *msg)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? file_read(path, MAX_HYP_BYTES, b, msg) : LINNET_OK;
}

static int cut(const char *path, const struct buffer *b, size_t n, struct message *msg)
{
    if (b->n > n && truncate(path, (off_t)n) < 0)
        return fail(msg, LINNET_E_IO, "%s: %s", path, strerror(errno));
    return LINNET_OK;
}

/* Cuts both files to the lines that both have. */
static int even_out(const char *txt, const char *jsonl, struct message *msg)
{
    struct buffer a = {0}, b = {0};
    int n = INT32_MAX, rc;
    if ((rc = read_old(txt, &a, msg)) >= 0 && (rc = read_old(jsonl, &b, msg)) >= 0) {
        whole_lines(&a, &n);
        size_t n_b = whole_lines(&b, &n), n_a = whole_lines(&a, &n);
        if ((rc = cut(txt, &a, n_a, msg)) >= 0)
            rc = cut(jsonl, &b, n_b, msg);
    }
    buffer_free(&a);
    buffer_free(&b);
    return rc;
}

/* ---- recipe.yaml ---- */

static const char *heading(const struct job *j)
{
    return j->options->streaming ? "# linnet decode --streaming\n" : "# linnet decode\n";
}

/* The settings that decide what comes out. */
static int write_settings(const struct job *j, struct settings *s, struct buffer *out, struct message *msg)
{
    const struct model_options *model = settings_of(s, &model_settings);
    int rc = settings_set(s, "threads=0", msg);
    if (rc >= 0) /* more than one: long recordings are cut */
        rc = settings_set(s, model->batch > 1 ? "batch=2" : "batch=0", msg);
    if (rc >= 0 && ((rc = buffer_puts(out, heading(j))) < 0 || (rc = settings_write(s, 0, out)) < 0))
        fail_memory(msg);
    return rc;
}

/* The same of an earlier run's recipe.yaml, rewritten: versions differ in the order of settings. */
static int read_settings(const struct job *j, const char *path, struct buffer *out, struct message *msg)
{
    struct buffer text = {0};
    struct settings s = {0};
    int rc = file_read(path, MAX_HYP_BYTES, &text, msg);
    if (rc >= 0 && strncmp(buffer_text(&text), heading(j), strlen(heading(j))) != 0)
        rc = buffer_puts(out, "# of another kind\n");
    else if (rc >= 0 && (rc = model_open_settings(&s, msg)) >= 0 && (rc = settings_read(&s, path, msg)) >= 0)
        rc = write_settings(j, &s, out, msg);
    settings_close(&s);
    buffer_free(&text);
    return rc;
}

/* Writes recipe.yaml, or checks that the one that is there has the same settings. */
static int check_settings(struct job *j, int is_new, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct buffer mine = {0}, old = {0};
    int rc = file_in(path, j->options->out, "recipe.yaml", msg);
    if (rc >= 0 && (rc = write_settings(j, &j->decoding.settings, &mine, msg)) >= 0) {
        if (is_new)
            rc = file_write(path, buffer_text(&mine), mine.n, msg);
        else if ((rc = read_settings(j, path, &old, msg)) >= 0 && strcmp(buffer_text(&mine), buffer_text(&old)) != 0)
            rc = fail(msg, LINNET_E_ARGUMENT, "%s: was begun with other settings (see recipe.yaml there)",
                      j->options->out);
    }
    buffer_free(&mine);
    buffer_free(&old);
    return rc;
}

/* ---- the other files ---- */

static int open_results(struct job *j, struct message *msg)
{
    char txt[FILE_MAX_PATH], jsonl[FILE_MAX_PATH];
    int rc;
    if ((rc = file_in(txt, j->options->out, "hyp.txt", msg)) < 0 ||
        (rc = file_in(jsonl, j->options->out, "hyp.jsonl", msg)) < 0 ||
        (rc = file_make_folder(j->options->out, msg)) < 0 || (rc = even_out(txt, jsonl, msg)) < 0 ||
        (access(txt, F_OK) == 0 && (rc = transcripts_read(&j->before, txt, msg)) < 0) ||
        (rc = transcripts_check(&j->before, msg)) < 0 || (rc = check_settings(j, j->before.n == 0, msg)) < 0)
        return rc;
    if ((j->jsonl = fopen(jsonl, "a")) == NULL || (j->txt = fopen(txt, "a")) == NULL)
        return fail(msg, LINNET_E_IO, "%s: %s", j->jsonl == NULL ? jsonl : txt, strerror(errno));
    return LINNET_OK;
}

/* ---- one utterance ---- */

static int find(void *arg, int i, struct batch_source *source, struct message *msg)
{
    const struct job *j = arg;
    const struct data_utterance *u = j->to_do[i];
    source->part.start_s = u->start_s;
    source->part.end_s = u->end_s < 0 ? 0 : u->end_s;
    return data_dir_find(&j->data, u, source->path, sizeof source->path, msg);
}

static int begin(void *arg, int i, const struct linnet_stats *stats, struct message *msg)
{
    struct job *j = arg;
    (void)stats;
    int rc = data_dir_find(&j->data, j->to_do[i], j->path, sizeof j->path, msg);
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

static int write_results(struct job *j, const char *id, double duration_s, struct message *msg)
{
    struct buffer line = {0};
    int rc = output_end(&j->output, duration_s, msg);
    if (rc >= 0 && (buffer_puts(&line, "{\"utt\": ") < 0 || json_write_text(&line, id) < 0 ||
                    buffer_printf(&line, ", %s", buffer_text(&j->output.out) + 1) < 0))
        rc = fail_memory(msg);
    if (rc >= 0) {
        flatten(&j->output.text);
        const char *text = buffer_text(&j->output.text);
        if (fputs(line.data, j->jsonl) < 0 || fflush(j->jsonl) != 0 ||
            fprintf(j->txt, "%s%s%s\n", id, *text != '\0' ? " " : "", text) < 0 || fflush(j->txt) != 0)
            rc = fail(msg, LINNET_E_IO, "%s: %s", j->options->out, strerror(errno));
    }
    buffer_free(&line);
    return rc;
}

/* Ends an utterance, which may have failed. */
static int end_latency(struct job *j, const char *id, struct message *msg)
{
    const char *text = transcripts_text(&j->references, id);
    int n = 0;
    for (size_t length; text != NULL && *(text += strspn(text, " \t")) != '\0'; text += length, n++)
        length = strcspn(text, " \t");
    return j->options->streaming && latency_end(&j->latency, n) < 0 ? fail_memory(msg) : LINNET_OK;
}

static void warn_of_cut(struct job *j, const struct data_utterance *u, double heard_s)
{
    struct message msg;
    if (data_dir_is_cut(u, heard_s, &msg)) {
        progress_hide(&j->progress);
        fprintf(stderr, "linnet: %s: %s\n", u->id, msg.text);
    }
}

/* Fails where nothing can be written any more. */
static int end(void *arg, int i, struct batch_end *e)
{
    struct job *j = arg;
    const char *id = j->to_do[i]->id;
    int rc = e->rc, written = LINNET_OK;
    if (rc >= 0) {
        batch_add_stats(&j->totals.sum, &e->stats);
        warn_of_cut(j, j->to_do[i], e->stats.audio_s);
        rc = written = write_results(j, id, e->stats.audio_s, e->msg);
    }
    output_close(&j->output);
    if (j->options->decoding.verbose)
        progress_hide(&j->progress);
    decoding_tell_times(&j->options->decoding, id, &e->stats);
    int latency = end_latency(j, id, rc < 0 ? NULL : e->msg);
    if (rc >= 0 && (rc = latency) >= 0) {
        j->totals.done++;
    } else {
        j->totals.failed += decoding_signal() == 0;
        progress_hide(&j->progress);
        fprintf(stderr, "linnet: %s: %s\n", id, decoding_signal() != 0 ? "interrupted" : e->msg->text);
    }
    progress_step(&j->progress, i + 1);
    return written;
}

/* ---- all ---- */

/* Leaves out what an earlier run has decoded. */
static int list_utterances(struct job *j, struct message *msg)
{
    size_t n = (size_t)j->data.n + 1;
    j->to_do = mem_array(n, sizeof *j->to_do);
    if (j->to_do == NULL)
        return fail_memory(msg);
    for (int i = 0; i < j->data.n; i++)
        if (transcripts_text(&j->before, j->data.at[i].id) == NULL)
            j->to_do[j->n_to_do++] = &j->data.at[i];
    j->totals.skipped = j->data.n - j->n_to_do;
    return LINNET_OK;
}

static int decode_all(struct job *j, struct message *msg)
{
    struct batch_work work = {
        .arg = j, .find = find, .begin = begin, .event = take_event, .end = end, .called = take_call};
    struct batch b = {0};
    double start = clock_s();
    int rc = list_utterances(j, msg);
    work.n = j->n_to_do;
    if (rc >= 0)
        rc = batch_open(&b, &j->decoding, &j->options->decoding, &work, msg);
    if (rc >= 0) {
        progress_start(&j->progress, j->options->decoding.quiet ? 0 : j->n_to_do);
        rc = batch_run(&b, msg);
        progress_hide(&j->progress);
    }
    batch_close(&b);
    j->totals.wall_s = clock_s() - start;
    return rc;
}

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

static int make_stats(struct job *j, struct buffer *b)
{
    const struct totals *t = &j->totals;
    struct linnet_model_info info = {.size = sizeof info};
    int rc = linnet_model_info(j->decoding.model, &info);
    if (rc >= 0)
        rc = buffer_printf(b,
                           "{\"utterances\": %d, \"skipped\": %d, \"failed\": %d,\n"
                           " \"audio_s\": %.3f, \"wall_s\": %.3f, \"real_time_factor\": %.4f,\n"
                           " \"features_s\": %.3f, \"encoder_s\": %.3f, \"decoder_s\": %.3f,\n"
                           " \"tokens\": %llu, \"fallbacks\": %llu, \"threads\": %d,\n"
                           " \"version\": \"%s\", \"model\": \"%s",
                           t->done, t->skipped, t->failed, t->sum.audio_s, t->wall_s,
                           t->sum.audio_s > 0 ? t->wall_s / t->sum.audio_s : 0, t->sum.features_s, t->sum.encoder_s,
                           t->sum.decoder_s, (unsigned long long)t->sum.n_tokens,
                           (unsigned long long)t->sum.n_fallbacks, info.n_threads, linnet_version(), info.description);
    if (rc >= 0)
        rc = add_settings(j, b);
    if (rc >= 0 && j->options->streaming && (rc = buffer_puts(b, ",\n \"latency\": ")) >= 0)
        rc = latency_report(&j->latency, b);
    return rc < 0 ? rc : buffer_puts(b, "}\n");
}

static int save_stats(struct job *j, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct buffer b = {0};
    int rc = file_in(path, j->options->out, "stats.json", msg);
    if (rc >= 0)
        rc = make_stats(j, &b) < 0 ? fail_memory(msg) : file_write(path, b.data, b.n, msg);
    buffer_free(&b);
    return rc;
}

/* The reference transcripts, where the data directory has them. */
static int open_references(struct job *j, struct message *msg)
{
    char path[FILE_MAX_PATH];
    if (file_in(path, j->options->data, "text", NULL) < 0 || !file_exists(path))
        return LINNET_OK;
    int rc = transcripts_read(&j->references, path, msg);
    problems_report(&j->references);
    return rc;
}

static int decode(struct job *j, struct message *msg)
{
    int rc;
    if ((rc = data_dir_open(&j->data, j->options->data, msg)) < 0 ||
        (j->options->streaming && (rc = open_references(j, msg)) < 0) ||
        (rc = decoding_open(&j->decoding, &j->options->decoding, j->options->streaming, msg)) < 0 ||
        (rc = open_results(j, msg)) < 0 || (rc = decode_all(j, msg)) < 0)
        return rc;
    struct totals *t = &j->totals;
    t->failed += data_dir_problems(&j->data);
    decoding_note(&j->options->decoding, "%d utterances decoded, %d were there, %d failed; %.1f s of audio in %.1f s",
                  t->done, t->skipped, t->failed, t->sum.audio_s, t->wall_s);
    return t->done > 0 ? save_stats(j, msg) : LINNET_OK;
}

static void close_job(struct job *j)
{
    if (j->txt != NULL)
        fclose(j->txt);
    if (j->jsonl != NULL)
        fclose(j->jsonl);
    transcripts_close(&j->before);
    transcripts_close(&j->references);
    latency_close(&j->latency);
    mem_free(j->to_do);
    data_dir_close(&j->data);
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
    int rc = decode(&j, msg);
    close_job(&j);
    return rc >= 0 && (j.totals.failed > 0 || decoding_signal() != 0) ? EXIT_WORK_FAILED : rc;
}

const struct command decode_command = {
    .name = "decode",
    .summary = "a data directory to hypotheses",
    .arguments = "",
    .text = "Reads DIR/wav.scp (a line \"utterance path\" each) and DIR/segments as Kaldi has\n"
            "them.  Writes hyp.txt, hyp.jsonl, recipe.yaml and stats.json.  Utterances that are\n"
            "in the output folder already are not decoded again.  With --streaming stats.json\n"
            "has latencies, on the audio's clock and with the computation time added;\n"
            "average_lagging is LAAL, against the words of DIR/text.  Lines of wav.scp and\n"
            "segments that cannot be used are named and left out, and make the exit code 1; a\n"
            "segment that ends after its recording is cut there, with a warning.",
    .options = options,
    .size = sizeof(struct decode_options),
    .run = run,
};
