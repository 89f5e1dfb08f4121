/* SPDX-License-Identifier: Apache-2.0
 * score.c - `linnet score`: error rates, alignments, and rates by speaker and length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "bin/options.h"
#include "bin/problems.h"
#include "score/normalize.h"
#include "score/score.h"

struct score_options {
    const char *normalize, *by_speaker, *against;
    int by_length, align, json, n_samples;
};

static const struct score_options defaults = {.normalize = "none", .n_samples = 1000};

#define FIELD(name) offsetof(struct score_options, name)

static const struct option_spec options[] = {
    {"normalize", 'n', OPTION_TEXT, FIELD(normalize), "RULES", .help = "normalize both sides first",
     .choices = NORMALIZE_NAMES},
    {"by-speaker", 's', OPTION_TEXT, FIELD(by_speaker), "FILE",
     .help = "error rates of each speaker too; FILE has lines \"utt speaker\", or is a list with speakers"},
    {"by-length", 'l', OPTION_FLAG, FIELD(by_length), .help = "error rates by length of the reference too"},
    {"align", 'a', OPTION_FLAG, FIELD(align), .help = "show the alignment of utterances with errors"},
    {"against", 0, OPTION_TEXT, FIELD(against), "HYP2",
     .help = "score HYP2 too, and test the significance of the difference"},
    {"samples", 0, OPTION_INT, FIELD(n_samples), "N", .help = "bootstrap samples of --against (1000)", .low = 40,
     .high = 1000000},
    {"json", 'j', OPTION_FLAG, FIELD(json), .help = "as JSON"},
    {0}};

struct scoring {
    const struct score_options *options;
    struct transcripts reference, hypothesis, second, speakers;
    struct score score, other; /* other: of second */
    struct score_difference difference;
    struct problems problems;
};

enum { N_LENGTHS = 6 };

/* One class of utterances: a speaker, or a range of lengths. */
struct group {
    const char *name;
    struct edits words;
    int n;
};

static void print_edits(const char *name, const struct edits *e)
{
    printf("%%%s %.2f [ %lld / %lld, %lld ins, %lld del, %lld sub ]", name, score_percent(e), edits_errors(e),
           e->n_reference, e->n_insertions, e->n_deletions, e->n_substitutions);
}

static double wrong_percent(const struct score *s) { return s->n > 0 ? 100.0 * s->n_wrong / s->n : 0; }

static void print_score(const struct score *s)
{
    print_edits("WER", &s->words);
    fputs("\n", stdout);
    print_edits("CER", &s->letters);
    printf("\n%%SER %.2f [ %d / %d ]\n", wrong_percent(s), s->n_wrong, s->n);
}

/* Words in columns: a row of the reference, a row of the hypothesis, stars where one has none. */
static void print_row(const char *title, const struct edits_token *own, const struct edits_token *other,
                      const unsigned char *steps, int n_steps, unsigned char gap)
{
    printf("%s", title);
    for (int i = 0, k = 0, o = 0; i < n_steps; i++) {
        int has_own = steps[i] != gap, has_other = steps[i] == gap || steps[i] < EDITS_DELETION;
        size_t n_own = has_own ? utf8_count(own[k].text, own[k].n) : 1;
        size_t n_other = has_other ? utf8_count(other[o].text, other[o].n) : 1;
        printf(" %.*s%*s", has_own ? (int)own[k].n : 1, has_own ? own[k].text : "*",
               n_other > n_own ? (int)(n_other - n_own) : 0, "");
        k += has_own;
        o += has_other;
    }
    fputs("\n", stdout);
}

static int print_alignment(const char *id, const struct buffer *reference, const struct buffer *hypothesis)
{
    struct edits_token *a = NULL, *b = NULL;
    struct edits edits;
    int n_steps = 0, n_a = edits_split(buffer_text(reference), reference->n, 0, &a);
    int n_b = n_a < 0 ? n_a : edits_split(buffer_text(hypothesis), hypothesis->n, 0, &b);
    unsigned char *steps = n_b < 0 ? NULL : mem_array((size_t)n_a + (size_t)n_b, 1);
    int rc = steps == NULL ? LINNET_E_MEMORY : edits_count(a, n_a, b, n_b, &edits, steps, &n_steps);
    if (rc == 0 && edits_errors(&edits) > 0) {
        printf("%s ", id);
        print_edits("WER", &edits);
        print_row("\n  REF:", a, b, steps, n_steps, EDITS_INSERTION);
        print_row("  HYP:", b, a, steps, n_steps, EDITS_DELETION);
    }
    mem_free(steps);
    mem_free(a);
    mem_free(b);
    return rc;
}

static int print_alignments(const struct scoring *s, struct message *msg)
{
    for (int i = 0; i < s->reference.n; i++) {
        const struct transcript *t = &s->reference.at[i];
        const char *hypothesis = transcripts_text(&s->hypothesis, t->id);
        struct buffer a = {0}, b = {0};
        int rc = normalize_text(s->options->normalize, t->text, strlen(t->text), &a, msg);
        if (rc == 0 && hypothesis != NULL)
            rc = normalize_text(s->options->normalize, hypothesis, strlen(hypothesis), &b, msg);
        if (rc == 0 && print_alignment(t->id, &a, &b) < 0)
            rc = fail_memory(msg);
        buffer_free(&a);
        buffer_free(&b);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

/* A group for each speaker, in order of names; an utterance without one belongs to "?".  Returns their number. */
static int group_by_speaker(const struct scoring *s, struct group *groups)
{
    int n = 0;
    for (int i = 0; i < s->score.n; i++) {
        const char *name = transcripts_text(&s->speakers, s->score.utterances[i].id);
        groups[i] = (struct group){name != NULL ? name : "?", s->score.utterances[i].words, 1};
    }
    qsort(groups, (size_t)s->score.n, sizeof *groups, by_name);
    for (int i = 0; i < s->score.n; i++) {
        if (n > 0 && by_name(&groups[n - 1], &groups[i]) == 0) {
            edits_add(&groups[n - 1].words, &groups[i].words);
            groups[n - 1].n++;
        } else {
            groups[n++] = groups[i];
        }
    }
    return n;
}

/* Groups of 1-5 words and so on; empty ones are left out. */
static int group_by_length(const struct scoring *s, struct group *groups)
{
    static const struct {
        const char *name;
        long long longest;
    } classes[N_LENGTHS] = {{"0", 0}, {"1-5", 5}, {"6-10", 10}, {"11-20", 20}, {"21-40", 40}, {"41+", 1LL << 60}};
    struct group all[N_LENGTHS] = {0};
    int n = 0;
    for (int i = 0; i < s->score.n; i++) {
        int k = 0;
        while (s->score.utterances[i].words.n_reference > classes[k].longest)
            k++;
        all[k].name = classes[k].name;
        edits_add(&all[k].words, &s->score.utterances[i].words);
        all[k].n++;
    }
    for (int k = 0; k < N_LENGTHS; k++)
        if (all[k].n > 0)
            groups[n++] = all[k];
    return n;
}

typedef int grouping(const struct scoring *s, struct group *groups);

static int write_edits(struct buffer *out, const char *before, const struct edits *e)
{
    int rc;
    if ((rc = buffer_printf(out, "%s{\"percent\": ", before)) < 0 ||
        (rc = json_write_number(out, score_percent(e), 4)) < 0)
        return rc;
    return buffer_printf(out, ", \"errors\": %lld, \"total\": %lld, \"ins\": %lld, \"del\": %lld, \"sub\": %lld",
                         edits_errors(e), e->n_reference, e->n_insertions, e->n_deletions, e->n_substitutions);
}

/* Prints groups as lines, or writes them as a JSON member of that name into out. */
static int report_groups(const struct scoring *s, grouping *group, const char *name, struct buffer *out)
{
    struct group *groups = mem_array((size_t)s->score.n + N_LENGTHS, sizeof *groups);
    if (groups == NULL)
        return LINNET_E_MEMORY;
    int n = group(s, groups), rc = out != NULL ? buffer_printf(out, ", \"by_%s\": {", name) : 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        if (out == NULL) {
            printf("%s %s ", name, groups[i].name);
            print_edits("WER", &groups[i].words);
            printf(" %d utterances\n", groups[i].n);
            continue;
        }
        if ((rc = buffer_puts(out, i > 0 ? ", " : "")) == 0 && (rc = json_write_text(out, groups[i].name)) == 0 &&
            (rc = write_edits(out, ": ", &groups[i].words)) == 0)
            rc = buffer_printf(out, ", \"utterances\": %d}", groups[i].n);
    }
    mem_free(groups);
    return rc == 0 && out != NULL ? buffer_puts(out, "}") : rc;
}

static int write_score(struct buffer *out, const struct score *s)
{
    int rc;
    if ((rc = write_edits(out, "\"wer\": ", &s->words)) < 0 ||
        (rc = write_edits(out, "}, \"cer\": ", &s->letters)) < 0 ||
        (rc = buffer_puts(out, "}, \"ser\": {\"percent\": ")) < 0 ||
        (rc = json_write_number(out, wrong_percent(s), 4)) < 0)
        return rc;
    return buffer_printf(out, ", \"errors\": %d, \"total\": %d}, \"missing\": %d, \"extra\": %d", s->n_wrong, s->n,
                         s->n_missing, s->n_extra);
}

static int write_difference(struct buffer *out, const struct scoring *s)
{
    const struct score_difference *d = &s->difference;
    const double values[] = {d->percent, d->low, d->high, d->p};
    static const char *const names[] = {
        "}, \"difference\": {\"percent\": ", ", \"low\": ", ", \"high\": ", ", \"p\": "};
    int rc = buffer_puts(out, ", \"against\": {");
    if (rc == 0)
        rc = write_score(out, &s->other);
    for (int i = 0; rc == 0 && i < 4; i++)
        if ((rc = buffer_puts(out, names[i])) == 0)
            rc = json_write_number(out, values[i], 4);
    return rc == 0 ? buffer_puts(out, "}") : rc;
}

static int report_json(const struct scoring *s)
{
    struct buffer out = {0};
    int rc = buffer_puts(&out, "{");
    if (rc == 0)
        rc = write_score(&out, &s->score);
    if (rc == 0 && s->options->by_speaker != NULL)
        rc = report_groups(s, group_by_speaker, "speaker", &out);
    if (rc == 0 && s->options->by_length)
        rc = report_groups(s, group_by_length, "length", &out);
    if (rc == 0 && s->options->against != NULL)
        rc = write_difference(&out, s);
    if (rc == 0)
        printf("%s}\n", out.data);
    buffer_free(&out);
    return rc;
}

static int report(const struct scoring *s)
{
    int rc = 0;
    print_score(&s->score);
    if (s->options->by_speaker != NULL)
        rc = report_groups(s, group_by_speaker, "speaker", NULL);
    if (rc == 0 && s->options->by_length)
        rc = report_groups(s, group_by_length, "length", NULL);
    if (s->options->against != NULL) {
        const struct score_difference *d = &s->difference;
        printf("against %s\n", s->options->against);
        print_score(&s->other);
        printf("difference %+.2f, 95%% between %+.2f and %+.2f, p %.3f\n", d->percent, d->low, d->high, d->p);
    }
    return rc;
}

static void add_problem(struct scoring *s, const char *path, const char *before, const char *id, const char *after)
{
    struct message why;
    fail(&why, 0, "%.200s: %s'%.200s'%s", path, before, id, after);
    problems_add(&s->problems, NULL, why.text);
}

static int is_blank(const char *text) { return text[strspn(text, " \t\r\n")] == '\0'; }

/* References without words; those that have none left once they are normalized are no mistake. */
static void check_references(struct scoring *s, const char *path)
{
    for (int i = 0; i < s->score.n; i++)
        if (is_blank(s->reference.at[i].text))
            add_problem(s, path, "", s->reference.at[i].id, " has no words");
}

/* Keeps what is missing, and tells what has no reference, which does no harm. */
static void check_ids(struct scoring *s, const struct score *score, const struct transcripts *hypothesis,
                      const char *path)
{
    const int most = 10;
    for (int i = 0; i < score->n; i++)
        if (score->utterances[i].is_missing)
            add_problem(s, path, "no ", score->utterances[i].id, ", counted as deleted");
    for (int i = 0, n_extra = 0; i < hypothesis->n && score->n_extra > 0; i++)
        if (transcripts_text(&s->reference, hypothesis->at[i].id) == NULL && n_extra++ < most)
            fprintf(stderr, "linnet score: %s: '%s' has no reference, left out\n", path, hypothesis->at[i].id);
    if (score->n_extra > most)
        fprintf(stderr, "linnet score: %s: %d have no reference in all\n", path, score->n_extra);
}

static void keep_problems(struct scoring *s, char **arguments)
{
    const struct transcripts *const files[] = {&s->reference, &s->hypothesis, &s->second, &s->speakers};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        problems_add_lines(&s->problems, files[i]);
    check_references(s, arguments[0]);
    check_ids(s, &s->score, &s->hypothesis, arguments[1]);
    if (s->options->against != NULL)
        check_ids(s, &s->other, &s->second, s->options->against);
}

static int load(struct scoring *s, char **arguments, struct message *msg)
{
    const struct score_options *o = s->options;
    int rc;
    if ((rc = transcripts_read(&s->reference, arguments[0], msg)) < 0 ||
        (rc = transcripts_read(&s->hypothesis, arguments[1], msg)) < 0 ||
        (o->against != NULL && (rc = transcripts_read(&s->second, o->against, msg)) < 0) ||
        (o->by_speaker != NULL && (rc = transcripts_read_speakers(&s->speakers, o->by_speaker, msg)) < 0) ||
        (rc = score_run(&s->score, &s->reference, &s->hypothesis, o->normalize, msg)) < 0)
        return rc;
    if (s->score.words.n_reference == 0)
        return fail(msg, LINNET_E_FORMAT, "%s: there is not one word", arguments[0]);
    if (o->against == NULL)
        return LINNET_OK;
    rc = score_run(&s->other, &s->reference, &s->second, o->normalize, msg);
    return rc < 0 ? rc : score_compare(&s->score, &s->other, o->n_samples, &s->difference, msg);
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    struct scoring s = {.options = values};
    (void)n_arguments;
    int rc = load(&s, arguments, msg);
    if (rc == 0 && s.options->align && !s.options->json)
        rc = print_alignments(&s, msg);
    if (rc == 0 && (s.options->json ? report_json(&s) : report(&s)) < 0)
        rc = fail_memory(msg);
    keep_problems(&s, arguments);
    problems_list(&s.problems);
    int is_whole = problems_count(&s.problems) == 0;
    problems_close(&s.problems);
    score_close(&s.score);
    score_close(&s.other);
    transcripts_close(&s.reference);
    transcripts_close(&s.hypothesis);
    transcripts_close(&s.second);
    transcripts_close(&s.speakers);
    return rc >= 0 && !is_whole ? EXIT_WORK_FAILED : rc;
}

const struct command score_command = {
    .name = "score",
    .summary = "word, character and sentence error rates of a decoding",
    .arguments = "REF HYP",
    .text = "REF and HYP are Kaldi files (lines \"utt-id words\"), JSON lines with \"utt\" and\n"
            "\"text\", or the lists that 'linnet decode --help' names, with ids and texts.\n"
            "Prints, with counts of insertions, deletions and substitutions:\n"
            "    %WER 12.34 [ 123 / 997, 10 ins, 20 del, 93 sub ]\n"
            "    %CER ...   over characters, blanks left out\n"
            "    %SER ...   over utterances\n"
            "An utterance that HYP lacks counts as deleted.  It is named in a list at the end,\n"
            "as are lines that cannot be read, or whose utterance was there before, which are\n"
            "left out, and references without words; any of these makes the exit code 1.\n"
            "Texts are compared in Unicode's form NFC.\n"
            "\n"
            "Rules: lower and upper ignore case, in all scripts.  whisper-en, whisper-basic,\n"
            "whisper-basic-plain (its remove_diacritics) and whisper-basic-letters (its\n"
            "split_letters) are openai-whisper's.  whisper-basic makes spaces of marks, which\n"
            "words of Indian scripts, Thai and Arabic need; whisper-basic-marks keeps them.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
