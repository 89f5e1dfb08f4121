/* SPDX-License-Identifier: Apache-2.0
 * merge.c - `linnet merge`: shares of `linnet decode --shard` to what one run would have written.
 *
 * Refused are shares of other settings or data, a share that is there twice or missing, and one that was not decoded to
 * its end.  Whether all utterances are there, each once, is seen without the data: the ids of all shares, and of what
 * failed in them, must have the fingerprint that each of them has of the whole list.
 *
 * Files are written one after the other, each at once; stats.json goes first and comes back last: a folder without it
 * is no result. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "bin/hypotheses.h"
#include "bin/options.h"
#include "bin/problems.h"
#include "bin/run_stats.h"
#include "bin/share.h"

#define MAX_BYTES ((size_t)1 << 30)

struct merge_options {
    const char *out;
};

static const struct option_spec options[] = {
    {"out", 'o', OPTION_TEXT, offsetof(struct merge_options, out), "DIR", .help = "folder for the results"}, {0}};

/* One share. */
struct part {
    const char *folder;
    struct share share;
    struct buffer recipe; /* without the share's line */
    json_t *stats;        /* stats.json; NULL: there is none */
    int n_there;          /* its hypotheses */
};

struct merging {
    const char *out;
    struct part *parts; /* [n] in order of shares once they are checked */
    int n;
    struct hypotheses all;
    struct run_stats stats;
    struct problems problems;
};

/* ---- reading ---- */

static int read_recipe(struct part *p, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct buffer text = {0};
    size_t before;
    const char *after;
    int rc = file_in(path, p->folder, "recipe.yaml", msg);
    if (rc < 0 || (rc = file_read(path, MAX_BYTES, &text, msg)) < 0)
        return rc;
    share_read(&p->share, buffer_text(&text));
    share_cut(buffer_text(&text), &before, &after);
    if (p->share.n_shares == 0)
        rc = fail(msg, LINNET_E_FORMAT, "%s: is not of 'linnet decode --shard I/N'", p->folder);
    else if (buffer_append(&p->recipe, buffer_text(&text), before) < 0 || buffer_puts(&p->recipe, after) < 0)
        rc = fail_memory(msg);
    buffer_free(&text);
    return rc;
}

static int read_part(struct part *p, const char *folder, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc;
    p->folder = folder;
    if ((rc = read_recipe(p, msg)) < 0 || (rc = file_in(path, folder, "stats.json", msg)) < 0)
        return rc;
    p->stats = json_load_file(path, 0, NULL);
    return LINNET_OK;
}

static int by_share(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return (x->share.index > y->share.index) - (x->share.index < y->share.index);
}

/* Whether all are shares of the same, and each is there once. */
static int check_parts(struct merging *m, struct message *msg)
{
    const struct part *first = &m->parts[0];
    int n = first->share.n_shares;
    for (int i = 1; i < m->n; i++) {
        const struct part *p = &m->parts[i];
        if (p->share.n_shares != n)
            return fail(msg, LINNET_E_ARGUMENT, "%s is a share of %d, %s of %d", first->folder, n, p->folder,
                        p->share.n_shares);
        if (p->share.n_all != first->share.n_all || p->share.ids != first->share.ids)
            return fail(msg, LINNET_E_ARGUMENT, "%s and %s are shares of other data", first->folder, p->folder);
        if (strcmp(buffer_text(&p->recipe), buffer_text(&first->recipe)) != 0)
            return fail(msg, LINNET_E_ARGUMENT, "%s and %s were decoded with other settings (see recipe.yaml there)",
                        first->folder, p->folder);
    }
    qsort(m->parts, (size_t)m->n, sizeof *m->parts, by_share);
    for (int i = 1; i < m->n; i++)
        if (by_share(&m->parts[i - 1], &m->parts[i]) == 0)
            return fail(msg, LINNET_E_ARGUMENT, "share %d/%d is there twice: %s, %s", m->parts[i].share.index, n,
                        m->parts[i - 1].folder, m->parts[i].folder);
    for (int i = 0; i < n; i++)
        if (i >= m->n || m->parts[i].share.index != i + 1)
            return fail(msg, LINNET_E_ARGUMENT, "share %d/%d is missing (%d are there)", i + 1, n, m->n);
    return LINNET_OK;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Keeps what failed in the share and is not there; returns how many utterances that is.  Lines of the data that could
 * not be used are the same in all of them. */
static int add_failures(struct merging *m, const struct part *p)
{
    const json_t *failures = json_object_get(p->stats, "failures");
    int n = 0;
    for (size_t i = 0; i < json_array_size(failures); i++) {
        const json_t *one = json_array_get(failures, i);
        const char *id = member(one, "utt"), *why = member(one, "why");
        if (id != NULL && hypotheses_find(&m->all, id) != NULL)
            continue;
        n += id != NULL;
        if (id != NULL || p == m->parts)
            problems_add(&m->problems, id, why != NULL ? why : "failed");
    }
    return n;
}

static int is_streaming(const struct part *p)
{
    const char *text = buffer_text(&p->recipe);
    return strncmp(text, "# linnet decode --streaming\n", strcspn(text, "\n") + 1) == 0;
}

/* Adds to what msg says what can be done. */
static int not_finished(const struct part *p, struct message *msg)
{
    struct message why = *msg;
    return fail(msg, LINNET_E_STATE,
                "%.200s: finish it with 'linnet decode%s --shard %d/%d --data DATA --recipe %s/recipe.yaml --out %s'",
                why.text, is_streaming(p) ? " --streaming" : "", p->share.index, p->share.n_shares, p->folder,
                p->folder);
}

/* Reads the hypotheses of all shares, each of which must be whole. */
static int read_hypotheses(struct merging *m, struct message *msg)
{
    int rc, first, end;
    for (int i = 0; i < m->n; i++) {
        m->parts[i].n_there = -m->all.n;
        if ((rc = hypotheses_read(&m->all, m->parts[i].folder, msg)) < 0)
            return rc == LINNET_E_FORMAT ? not_finished(&m->parts[i], msg) : rc;
        m->parts[i].n_there += m->all.n;
    }
    if ((rc = hypotheses_sort(&m->all, msg)) < 0)
        return rc;
    for (int i = 0; i < m->n; i++) {
        const struct part *p = &m->parts[i];
        int n = p->n_there + add_failures(m, p);
        share_range(&p->share, &first, &end);
        if (n >= end - first)
            continue;
        fail(msg, LINNET_E_STATE, "%s: share %d/%d has only %d of its %d utterances", p->folder, p->share.index,
             p->share.n_shares, n, end - first);
        return not_finished(p, msg);
    }
    return LINNET_OK;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* Whether those that are there and those that failed are all that there should be. */
static int check_ids(const struct merging *m, struct message *msg)
{
    const struct share *share = &m->parts[0].share;
    const char **ids = mem_array((size_t)m->all.n + (size_t)m->problems.n + 1, sizeof *ids);
    uint64_t sum = SHARE_NO_IDS;
    int n = 0;
    if (ids == NULL)
        return fail_memory(msg);
    for (int i = 0; i < m->all.n; i++)
        ids[n++] = m->all.at[i].id;
    for (int i = 0; i < m->problems.n; i++)
        if (m->problems.at[i].id != NULL)
            ids[n++] = m->problems.at[i].id;
    qsort(ids, (size_t)n, sizeof *ids, by_text);
    for (int i = 0; i < n; i++)
        sum = share_add_id(sum, ids[i]);
    mem_free(ids);
    if (n == share->n_all && sum == share->ids)
        return LINNET_OK;
    return fail(msg, LINNET_E_FORMAT, "the shares have %d utterances that are not the %d that they were begun with", n,
                share->n_all);
}

/* ---- writing ---- */

/* Members of stats.json that are the same in all shares, as the first one has them. */
static int add_common(const struct part *p, struct buffer *out)
{
    static const char *const names[] = {"threads", "version", "decoder", "model", "recipe", "settings", "streaming"};
    int rc = LINNET_OK;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc >= 0; i++) {
        const json_t *value = json_object_get(p->stats, names[i]);
        char *text = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        rc = buffer_printf(out, ",\n \"%s\": %s", names[i], text != NULL ? text : "null");
        free(text);
    }
    return rc;
}

static int make_stats(struct merging *m, struct buffer *out)
{
    double longest_s = 0;
    int rc;
    for (int i = 0; i < m->n; i++) {
        double wall_s = json_number_value(json_object_get(m->parts[i].stats, "wall_s"));
        longest_s = wall_s > longest_s ? wall_s : longest_s;
    }
    if ((rc = buffer_printf(out, "{\"utterances\": %d, \"skipped\": %d, \"failed\": %d, \"complete\": true,\n",
                            m->stats.n, m->all.n - m->stats.n, problems_count(&m->problems))) < 0 ||
        (rc = run_stats_report(&m->stats, out)) < 0 || (rc = add_common(&m->parts[0], out)) < 0 ||
        (rc = buffer_printf(out, ",\n \"shards\": %d, \"longest_shard_s\": %.3f", m->n, longest_s)) < 0 ||
        (rc = problems_write(&m->problems, out)) < 0 || (rc = run_stats_report_latency(&m->stats, out)) < 0)
        return rc;
    return buffer_puts(out, "}\n");
}

/* What is there already must be of the same settings, and no share. */
static int check_out(const struct merging *m, const char *path, struct message *msg)
{
    struct buffer text = {0};
    int is_other = 0, rc = LINNET_OK;
    if (file_exists(path) && (rc = file_read(path, MAX_BYTES, &text, msg)) >= 0)
        is_other = strcmp(buffer_text(&text), buffer_text(&m->parts[0].recipe)) != 0;
    buffer_free(&text);
    return is_other ? fail(msg, LINNET_E_ARGUMENT, "%s: has results of other settings (see recipe.yaml there)", m->out)
                    : rc;
}

static int write_all(struct merging *m, struct message *msg)
{
    char stats[FILE_MAX_PATH], recipe[FILE_MAX_PATH];
    const struct buffer *text = &m->parts[0].recipe;
    struct buffer b = {0};
    int rc;
    if ((rc = file_in(stats, m->out, "stats.json", msg)) < 0 ||
        (rc = file_in(recipe, m->out, "recipe.yaml", msg)) < 0 || (rc = file_make_folder(m->out, msg)) < 0 ||
        (rc = check_out(m, recipe, msg)) < 0)
        return rc;
    if (make_stats(m, &b) < 0)
        rc = fail_memory(msg);
    else if (unlink(stats) < 0 && errno != ENOENT)
        rc = fail(msg, LINNET_E_IO, "%s: %s", stats, strerror(errno));
    else if ((rc = hypotheses_write(&m->all, m->out, msg)) >= 0 &&
             (rc = file_write(recipe, text->data, text->n, msg)) >= 0)
        rc = file_write(stats, b.data, b.n, msg);
    buffer_free(&b);
    return rc;
}

/* ---- the command ---- */

static int merge(struct merging *m, char **folders, struct message *msg)
{
    int rc;
    for (int i = 0; i < m->n; i++)
        if ((rc = read_part(&m->parts[i], folders[i], msg)) < 0)
            return rc;
    if ((rc = check_parts(m, msg)) < 0 || (rc = read_hypotheses(m, msg)) < 0 || (rc = check_ids(m, msg)) < 0)
        return rc;
    for (int i = 0; i < m->all.n; i++)
        if (m->all.at[i].stats != NULL && (rc = run_stats_add(&m->stats, m->all.at[i].stats, msg)) < 0)
            return rc;
    if ((rc = write_all(m, msg)) < 0)
        return rc;
    fprintf(stderr, "linnet: %d utterances of %d shares, %d failed\n", m->all.n, m->n, problems_count(&m->problems));
    problems_list(&m->problems);
    return problems_count(&m->problems) > 0 ? EXIT_WORK_FAILED : EXIT_DONE;
}

static void close_all(struct merging *m)
{
    for (int i = 0; i < m->n; i++) {
        buffer_free(&m->parts[i].recipe);
        json_decref(m->parts[i].stats);
    }
    mem_free(m->parts);
    hypotheses_close(&m->all);
    run_stats_close(&m->stats);
    problems_close(&m->problems);
}

static int run(void *values, int n, char **folders, struct message *msg)
{
    const struct merge_options *o = values;
    struct merging m = {.out = o->out};
    if (o->out == NULL)
        return options_mistake("merge", "--out is needed");
    m.parts = mem_array((size_t)n, sizeof *m.parts);
    if (m.parts == NULL)
        return fail_memory(msg);
    m.n = n;
    int rc = merge(&m, folders, msg);
    close_all(&m);
    return rc;
}

const struct command merge_command = {
    .name = "merge",
    .summary = "shares of a decoding to the whole",
    .arguments = "SHARE...",
    .text = "SHAREs are the output folders of 'linnet decode --shard I/N', with I from 1 to N.\n"
            "Writes what decoding all at once writes: hyp.txt, hyp.jsonl and recipe.yaml to the\n"
            "byte, stats.json with the sums.  A share that is missing, there twice, not decoded\n"
            "to its end, or of other settings or data is named, and nothing is written.\n"
            "Utterances that failed are named, and make the exit code 1.",
    .options = options,
    .size = sizeof(struct merge_options),
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
