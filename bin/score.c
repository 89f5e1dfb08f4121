/* SPDX-License-Identifier: Apache-2.0
 * score.c - `linnet score`: error rates, alignments, and rates by speaker and length. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "bin/options.h"
#include "bin/problems.h"
#include "bin/score_json.h"
#include "bin/score_text.h"
#include "bin/scoring.h"
#include "score/normalize.h"

static const struct score_options defaults = {.normalize = "none", .n_samples = 1000};

#define FIELD(name) offsetof(struct score_options, name)

static const struct option_spec options[] = {
    {"normalize", 'n', OPTION_TEXT, FIELD(normalize), "RULES", .help = "normalize both sides first",
     .choices = NORMALIZE_NAMES},
    {"by-speaker", 's', OPTION_TEXT, FIELD(by_speaker), "FILE",
     .help = "error rates of each speaker too; FILE has lines \"utt speaker\", or is a list with speakers"},
    {"by-length", 'l', OPTION_FLAG, FIELD(by_length), .help = "error rates by length of the reference too"},
    {"align", 'a', OPTION_FLAG, FIELD(align),
     .help = "show the alignment of utterances with errors, with --json of all"},
    {"confusions", 'c', OPTION_INT, FIELD(n_confusions), "N",
     .help = "the N most frequent substitutions, deletions and insertions", .low = 1, .high = 1000000},
    {"against", 0, OPTION_TEXT, FIELD(against), "HYP2",
     .help = "score HYP2 too, and test the significance of the difference"},
    {"samples", 0, OPTION_INT, FIELD(n_samples), "N", .help = "bootstrap samples of --against (1000)", .low = 40,
     .high = 1000000},
    {"json", 'j', OPTION_FLAG, FIELD(json), .help = "as JSON"},
    {0}};

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

static int add_confusions(struct confusions *c, const struct score_alignment *a)
{
    struct score_walk walk = {0};
    struct score_pair pair;
    int rc = 0;
    while (rc == 0 && score_next(&walk, a, &pair))
        rc = confusions_add(c, &pair);
    return rc;
}

static int add_reliability(struct scoring *s, const struct score_alignment *a, struct message *msg)
{
    struct confidences_judged judged = {0};
    int rc = confidences_judge(&s->confidences, a, s->options->normalize, &judged, msg);
    for (int i = 0; i < judged.n; i++)
        reliability_add(&s->reliability, judged.values[i], judged.is_right[i]);
    confidences_judged_free(&judged);
    return rc < 0 ? rc : 0;
}

/* An utterance: all that needs its alignment. */
static int take(void *arg, const struct score_alignment *a, struct message *msg)
{
    struct scoring *s = arg;
    const struct score_options *o = s->options;
    if ((o->align && (o->json ? score_json_align : score_text_align)(&s->alignments, a) < 0) ||
        (o->n_confusions > 0 && add_confusions(&s->confusions, a) < 0))
        return fail_memory(msg);
    return s->confidences.n_words > 0 ? add_reliability(s, a, msg) : 0;
}

static int load(struct scoring *s, char **arguments, struct message *msg)
{
    const struct score_options *o = s->options;
    const struct score_visitor visitor = {take, s};
    int rc;
    if ((rc = transcripts_read(&s->reference, arguments[0], msg)) < 0 ||
        (rc = transcripts_read(&s->hypothesis, arguments[1], msg)) < 0 ||
        (rc = confidences_read(&s->confidences, arguments[1], 0, msg)) < 0 ||
        (o->against != NULL && (rc = transcripts_read(&s->second, o->against, msg)) < 0) ||
        (o->by_speaker != NULL && (rc = transcripts_read_speakers(&s->speakers, o->by_speaker, msg)) < 0))
        return rc;
    int is_visited = o->align || o->n_confusions > 0 || s->confidences.n_words > 0;
    if ((rc = score_run(&s->score, &s->reference, &s->hypothesis, o->normalize, is_visited ? &visitor : NULL, msg)) < 0)
        return rc;
    if (s->score.words.n_reference == 0)
        return fail(msg, LINNET_E_FORMAT, "%s: there is not one word", arguments[0]);
    confusions_rank(&s->confusions, o->n_confusions);
    if (o->against == NULL)
        return LINNET_OK;
    rc = score_run(&s->other, &s->reference, &s->second, o->normalize, NULL, msg);
    return rc < 0 ? rc : score_compare(&s->score, &s->other, o->n_samples, &s->difference, msg);
}

static int report(const struct scoring *s, struct message *msg)
{
    struct buffer out = {0};
    int rc = (s->options->json ? score_json_write : score_text_write)(&out, s);
    if (rc == 0)
        fwrite(out.data, 1, out.n, stdout);
    buffer_free(&out);
    return rc < 0 ? fail_memory(msg) : 0;
}

static void close_all(struct scoring *s)
{
    score_close(&s->score);
    score_close(&s->other);
    transcripts_close(&s->reference);
    transcripts_close(&s->hypothesis);
    transcripts_close(&s->second);
    transcripts_close(&s->speakers);
    confidences_close(&s->confidences);
    confusions_free(&s->confusions);
    buffer_free(&s->alignments);
    problems_close(&s->problems);
}

static int run(void *values, int n_arguments, char **arguments, struct message *msg)
{
    struct scoring s = {.options = values, .alignments.max = SIZE_MAX / 4};
    (void)n_arguments;
    int rc = load(&s, arguments, msg);
    if (rc == 0)
        rc = report(&s, msg);
    keep_problems(&s, arguments);
    problems_list(&s.problems);
    int is_whole = problems_count(&s.problems) == 0;
    close_all(&s);
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
            "Of ways that need equally few errors that one is taken which jiwer takes.\n"
            "\n"
            "Where HYP is JSON lines with confidences of words (linnet decode --word-times):\n"
            "    confidence ECE 0.1234, NCE 0.0567, 890 words\n"
            "the expected calibration error over 15 bins, 0 where of the words with a\n"
            "confidence of 0.8 80 % are right, and the normalized cross entropy, 1 at best.\n"
            "With --confusions lines \"sub 12 the -> a\", \"del 5 of\", \"ins 3 so\": how often.\n"
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
