/* SPDX-License-Identifier: Apache-2.0
 * calibrate.c - `linnet calibrate`: from decoded recordings and their transcripts to true confidences.
 *
 * Words are aligned as `linnet score` aligns them; one that is matched is right.  For each decoder, whole and streaming
 * apart, the temperature and the offset of decoders/common/calibration.h are those under which what was right is most
 * probable: logistic regression on the logit of what the decoder gave a word, whose slope is 1 / temperature.
 *
 * How good it is on other speech is told by a cross-validation: speakers, or utterances where these are not known, are
 * dealt into two halves in order of names, each half is calibrated by what the other gives, and both are judged. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "bin/options.h"
#include "bin/problems.h"
#include "decoders/common/calibration.h"
#include "score/confidences.h"
#include "score/logistic.h"
#include "score/normalize.h"
#include "score/reliability.h"

#define MAX_STATS_BYTES ((size_t)1 << 24)

struct calibrate_options {
    const char *normalize, *by_speaker, *out;
};

static const struct calibrate_options defaults = {.normalize = "none"};

#define FIELD(name) offsetof(struct calibrate_options, name)

static const struct option_spec options[] = {
    {"normalize", 'n', OPTION_TEXT, FIELD(normalize), "RULES", .help = "normalize both sides first, as 'linnet score'",
     .choices = NORMALIZE_NAMES},
    {"by-speaker", 's', OPTION_TEXT, FIELD(by_speaker), "FILE",
     .help = "cross-validate by speakers; FILE as for 'linnet score'"},
    {"out", 'o', OPTION_TEXT, FIELD(out), "FILE", .help = "write the calibrations as JSON, in place of what is there"},
    {0}};

/* How good confidences are. */
struct figures {
    double ece, nce;
};

/* What one decoder did, in one or more runs. */
struct decoder_run {
    char decoder[64]; /* "": not known */
    int is_streaming;
    struct confidences_judged words;
    unsigned char *half; /* [words.n] of each word */
    int room_half;
    struct calibration calibration;
    struct figures before, after, crossed; /* crossed: of words that it was not fitted to */
    struct message not_crossed;            /* why there is no crossed, or "" */
};

struct job {
    const struct calibrate_options *options;
    struct transcripts reference, speakers;
    const char **names; /* [n_names] of speakers, or utterances, in order */
    int n_names;
    struct decoder_run *runs; /* [n_runs] */
    int n_runs, room_runs;
    struct problems problems;
};

/* ---- halves ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static const char *speaker_of(const struct job *j, const char *id)
{
    const char *name = j->options->by_speaker != NULL ? transcripts_text(&j->speakers, id) : NULL;
    return name != NULL ? name : id;
}

static int list_names(struct job *j, struct message *msg)
{
    int n = 0;
    j->names = mem_array((size_t)j->reference.n, sizeof *j->names);
    if (j->names == NULL)
        return fail_memory(msg);
    for (int i = 0; i < j->reference.n; i++)
        j->names[i] = speaker_of(j, j->reference.at[i].id);
    qsort(j->names, (size_t)j->reference.n, sizeof *j->names, by_text);
    for (int i = 0; i < j->reference.n; i++)
        if (n == 0 || strcmp(j->names[n - 1], j->names[i]) != 0)
            j->names[n++] = j->names[i];
    j->n_names = n;
    return LINNET_OK;
}

static unsigned char half_of(const struct job *j, const char *id)
{
    const char *name = speaker_of(j, id);
    const char **found = bsearch(&name, j->names, (size_t)j->n_names, sizeof *j->names, by_text);
    return found != NULL ? (unsigned char)((found - j->names) % 2) : 0;
}

/* ---- reading ---- */

/* Which decoder made the hypotheses, as stats.json beside them tells; nothing where it does not. */
static void find_decoder(const char *path, struct decoder_run *run)
{
    char stats[FILE_MAX_PATH];
    struct buffer text = {0};
    const char *slash = strrchr(path, '/');
    int n = slash != NULL ? (int)(slash - path + 1) : 0;
    if (snprintf(stats, sizeof stats, "%.*sstats.json", n, path) >= (int)sizeof stats ||
        file_read(stats, MAX_STATS_BYTES, &text, NULL) < 0) {
        buffer_free(&text);
        return;
    }
    json_t *root = json_loadb(buffer_text(&text), text.n, 0, NULL);
    const char *decoder = json_string_value(json_object_get(root, "decoder"));
    snprintf(run->decoder, sizeof run->decoder, "%s", decoder != NULL ? decoder : "");
    run->is_streaming = decoder != NULL && json_is_true(json_object_get(root, "streaming"));
    json_decref(root);
    buffer_free(&text);
}

static int find_run(struct job *j, const char *path, struct decoder_run **out, struct message *msg)
{
    struct decoder_run wanted = {.decoder = ""};
    find_decoder(path, &wanted);
    for (int i = 0; i < j->n_runs; i++)
        if (strcmp(j->runs[i].decoder, wanted.decoder) == 0 && j->runs[i].is_streaming == wanted.is_streaming) {
            *out = &j->runs[i];
            return LINNET_OK;
        }
    if (MEM_GROW(j->runs, j->room_runs, j->n_runs + 1) < 0)
        return fail_memory(msg);
    j->runs[j->n_runs] = wanted;
    *out = &j->runs[j->n_runs++];
    return LINNET_OK;
}

struct reading {
    struct job *job;
    struct decoder_run *run;
    struct confidences confidences;
    int n_without; /* utterances with words, but not their confidences */
};

static int take(void *arg, const struct score_alignment *a, struct message *msg)
{
    struct reading *r = arg;
    struct decoder_run *run = r->run;
    int before = run->words.n;
    int rc = confidences_judge(&r->confidences, a, r->job->options->normalize, &run->words, msg);
    if (rc < 0)
        return rc;
    r->n_without += rc == 0 && a->n_hypothesis > 0;
    if (MEM_GROW(run->half, run->room_half, run->words.n) < 0)
        return fail_memory(msg);
    for (int i = before; i < run->words.n; i++)
        run->half[i] = half_of(r->job, a->utterance->id);
    return LINNET_OK;
}

static int read_hypothesis(struct job *j, const char *path, struct message *msg)
{
    struct transcripts hypothesis = {0};
    struct score score = {0};
    struct reading r = {.job = j};
    const struct score_visitor visitor = {take, &r};
    int rc = find_run(j, path, &r.run, msg), before = rc >= 0 ? r.run->words.n : 0;
    if (rc >= 0 && (rc = transcripts_read(&hypothesis, path, msg)) >= 0 &&
        (rc = confidences_read(&r.confidences, path, 1, msg)) >= 0)
        rc = score_run(&score, &j->reference, &hypothesis, j->options->normalize, &visitor, msg);
    problems_add_lines(&j->problems, &hypothesis);
    if (rc >= 0 && r.run->words.n == before)
        rc = fail(msg, LINNET_E_FORMAT,
                  "%s: has no confidences of words that REF has a transcript for; 'linnet decode --word-times' writes "
                  "them into hyp.jsonl",
                  path);
    else if (rc >= 0 && r.n_without > 0)
        fprintf(stderr, "linnet: %s: %d utterances have no confidences for their words, left out\n", path, r.n_without);
    score_close(&score);
    confidences_close(&r.confidences);
    transcripts_close(&hypothesis);
    return rc;
}

/* ---- fitting ---- */

/* To the words outside of a half; -1: to all.  Logits [n] of all words. */
static int fit(struct calibration *c, const struct decoder_run *run, const double *logits, int half,
               struct message *msg)
{
    size_t n_most = (size_t)run->words.n;
    struct logistic found;
    double *x;
    unsigned char *is_right;
    void *block = MEM_PARTS(MEM_PART(x, n_most), MEM_PART(is_right, n_most));
    int n = 0;
    if (block == NULL)
        return fail_memory(msg);
    for (int i = 0; i < run->words.n; i++)
        if (run->half[i] != half) {
            x[n] = logits[i];
            is_right[n++] = run->words.is_right[i];
        }
    int rc = logistic_fit(&found, x, is_right, n, msg);
    mem_free(block);
    if (rc >= 0 && !(found.slope > 1e-6))
        rc = fail(msg, LINNET_E_FORMAT, "words with higher confidences are not more often right");
    if (rc >= 0)
        *c = (struct calibration){1 / found.slope, found.offset};
    return rc;
}

static struct figures figures_of(const struct reliability *r)
{
    return (struct figures){reliability_ece(r), reliability_nce(r)};
}

/* Words with their half's calibration; NULL: as they are. */
static struct figures judge(const struct decoder_run *run, const struct calibration *halves)
{
    struct reliability r = {0};
    for (int i = 0; i < run->words.n; i++) {
        double p = run->words.values[i];
        reliability_add(&r, halves != NULL ? calibration_apply(&halves[run->half[i]], p) : p, run->words.is_right[i]);
    }
    return figures_of(&r);
}

static int calibrate_run(struct decoder_run *run, struct message *msg)
{
    double *logits = mem_array((size_t)run->words.n, sizeof *logits);
    struct calibration halves[2];
    if (logits == NULL)
        return fail_memory(msg);
    for (int i = 0; i < run->words.n; i++)
        logits[i] = calibration_logit(run->words.values[i]);
    int rc = fit(&run->calibration, run, logits, -1, msg);
    if (rc >= 0) {
        run->before = judge(run, NULL);
        halves[0] = halves[1] = run->calibration;
        run->after = judge(run, halves);
        for (int half = 0; half < 2 && rc >= 0; half++)
            rc = fit(&halves[half], run, logits, half, &run->not_crossed);
        run->crossed = rc >= 0 ? judge(run, halves) : (struct figures){NAN, NAN};
        rc = rc == LINNET_E_MEMORY ? fail_memory(msg) : LINNET_OK;
    }
    mem_free(logits);
    return rc;
}

/* ---- telling ---- */

static const char *name_of(const struct decoder_run *run)
{
    return run->decoder[0] != '\0' ? run->decoder : "any decoder";
}

static void print_run(const struct job *j, const struct decoder_run *run)
{
    int n_right = 0;
    for (int i = 0; i < run->words.n; i++)
        n_right += run->words.is_right[i];
    printf("%s%s: %d words, %.1f %% right\n", name_of(run), run->is_streaming ? ", streaming" : "", run->words.n,
           100.0 * n_right / run->words.n);
    printf("  temperature %.4f, offset %+.4f\n", run->calibration.temperature, run->calibration.offset);
    printf("  before           ECE %.4f, NCE %.4f\n", run->before.ece, run->before.nce);
    printf("  after            ECE %.4f, NCE %.4f\n", run->after.ece, run->after.nce);
    if (run->not_crossed.text[0] == '\0')
        printf("  cross-validated  ECE %.4f, NCE %.4f, halves of %d %s\n", run->crossed.ece, run->crossed.nce,
               j->n_names, j->options->by_speaker != NULL ? "speakers" : "utterances");
    else
        printf("  not cross-validated, in half of the words: %s\n", run->not_crossed.text);
}

static int put_number(struct buffer *b, const char *before, double value)
{
    int rc = buffer_puts(b, before);
    return rc < 0 ? rc : json_write_number(b, value, 9);
}

static int put_figures(struct buffer *b, const char *name, const struct figures *f)
{
    int rc = buffer_printf(b, ",\n   \"%s\": {", name);
    if (rc == 0 && (rc = put_number(b, "\"ece\": ", f->ece)) == 0 && (rc = put_number(b, ", \"nce\": ", f->nce)) == 0)
        rc = buffer_puts(b, "}");
    return rc;
}

static int put_run(struct buffer *b, const struct decoder_run *run, int is_first)
{
    int rc = buffer_puts(b, is_first ? "\n  {" : ",\n  {");
    if (rc == 0 && run->decoder[0] != '\0' && (rc = buffer_puts(b, "\"decoder\": ")) == 0 &&
        (rc = json_write_text(b, run->decoder)) == 0)
        rc = buffer_printf(b, ", \"streaming\": %s, ", run->is_streaming ? "true" : "false");
    if (rc == 0 && (rc = put_number(b, "\"temperature\": ", run->calibration.temperature)) == 0 &&
        (rc = put_number(b, ", \"offset\": ", run->calibration.offset)) == 0 &&
        (rc = buffer_printf(b, ", \"words\": %d", run->words.n)) == 0 &&
        (rc = put_figures(b, "before", &run->before)) == 0 && (rc = put_figures(b, "after", &run->after)) == 0 &&
        (rc = put_figures(b, "cross_validated", &run->crossed)) == 0)
        rc = buffer_puts(b, "}");
    return rc;
}

static int save(const struct job *j, const char *path, struct message *msg)
{
    struct buffer b = {0};
    int rc = buffer_puts(&b, "{\"calibrations\": [");
    for (int i = 0; i < j->n_runs && rc == 0; i++)
        rc = put_run(&b, &j->runs[i], i == 0);
    rc = rc < 0 || buffer_puts(&b, "\n]}\n") < 0 ? fail_memory(msg) : file_write(path, b.data, b.n, msg);
    buffer_free(&b);
    return rc;
}

/* ---- all ---- */

static int calibrate(struct job *j, int n, char **arguments, struct message *msg)
{
    const struct calibrate_options *o = j->options;
    int rc = transcripts_read(&j->reference, arguments[0], msg);
    if (rc >= 0 && o->by_speaker != NULL)
        rc = transcripts_read_speakers(&j->speakers, o->by_speaker, msg);
    if (rc >= 0)
        rc = list_names(j, msg);
    for (int i = 1; i < n && rc >= 0; i++)
        rc = read_hypothesis(j, arguments[i], msg);
    for (int i = 0; i < j->n_runs && rc >= 0; i++)
        if ((rc = calibrate_run(&j->runs[i], msg)) < 0)
            fail_in(msg, rc, name_of(&j->runs[i]));
    if (rc >= 0 && o->out != NULL)
        rc = save(j, o->out, msg);
    for (int i = 0; i < j->n_runs && rc >= 0; i++)
        print_run(j, &j->runs[i]);
    problems_add_lines(&j->problems, &j->reference);
    problems_add_lines(&j->problems, &j->speakers);
    problems_list(&j->problems);
    return rc;
}

static void close_job(struct job *j)
{
    for (int i = 0; i < j->n_runs; i++) {
        confidences_judged_free(&j->runs[i].words);
        mem_free(j->runs[i].half);
    }
    mem_free(j->runs);
    mem_free(j->names);
    transcripts_close(&j->reference);
    transcripts_close(&j->speakers);
    problems_close(&j->problems);
}

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct job j = {.options = values};
    int rc = calibrate(&j, n, arguments, msg);
    int is_whole = problems_count(&j.problems) == 0;
    close_job(&j);
    return rc >= 0 && !is_whole ? EXIT_WORK_FAILED : rc;
}

const struct command calibrate_command = {
    .name = "calibrate",
    .summary = "make confidences of words true, by decoded and transcribed speech",
    .arguments = "REF HYP.jsonl...",
    .text = "HYP.jsonl are what 'linnet decode --word-times' wrote; REF has the transcripts.\n"
            "Fits a temperature and an offset, so that of the words with a confidence of 0.8\n"
            "80 % are right: confidence = sigmoid(logit(probability) / temperature + offset).\n"
            "stats.json beside a HYP.jsonl tells which decoder made it, and whether it\n"
            "streamed; each has a calibration of its own.  One whose decoder nothing tells\n"
            "is for all that have none.\n"
            "\n"
            "Prints the expected calibration error over 15 bins of equal width (ECE; Guo et\n"
            "al. 2017) and the normalized cross entropy (NCE; NIST) before, after, and as\n"
            "they are in each half of the speakers with what is fitted to the other: what to\n"
            "expect on other speech of this kind.\n"
            "\n"
            "A calibration.json in a model's folder is used by decode, transcribe, serve and\n"
            "the library; --set decoder.calibration=FILE names another, or none.  Words stay\n"
            "as they are, and so do the confidences of segments; JSON has the decoder's own\n"
            "figure for a word as \"probability\", which is what is calibrated.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 2,
    .max_arguments = -1,
    .run = run,
};
