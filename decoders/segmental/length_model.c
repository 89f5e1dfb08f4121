/* SPDX-License-Identifier: Apache-2.0
 * length_model.c - segment lengths: counting, files, probabilities.
 *
 * The static form is that of RETURNN's segmental models (Zeyer et al. 2022); lengths beyond the table cost as much as
 * its last entry, where the original forbids them: a segment holds the silence before its label. */
#include "decoders/segmental/length_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"

#define MAX_LABELS (1 << 24)
#define MAX_LONGEST 10000
#define MAX_CELLS (1 << 28)
#define MAX_COUNT (1LL << 48)
#define MAX_VARIANCE 1000.0 /* half a frame from the mean is then still a number */

int length_counts_open(struct length_counts *c, int n_labels, int longest, struct message *msg)
{
    if (n_labels < 1 || n_labels > MAX_LABELS || longest < 1 || longest > MAX_LONGEST || n_labels > MAX_CELLS / longest)
        return fail(msg, LINNET_E_ARGUMENT, "lengths up to %d of %d labels are too many to count", longest, n_labels);
    long long *at = mem_array((size_t)n_labels * (size_t)longest, sizeof *at);
    if (at == NULL)
        return fail_memory(msg);
    *c = (struct length_counts){n_labels, longest, at};
    return LINNET_OK;
}

void length_counts_close(struct length_counts *c)
{
    if (c == NULL)
        return;
    mem_free(c->at);
    *c = (struct length_counts){0};
}

static size_t cell(const struct length_counts *c, int label, int length)
{
    int column = length < 1 ? 0 : length > c->longest ? c->longest - 1 : length - 1;
    return (size_t)label * (size_t)c->longest + (size_t)column;
}

void length_counts_add(struct length_counts *c, int label, int length) { c->at[cell(c, label, length)]++; }

/* ---- files ---- */

static long long total(const struct length_counts *c, int label)
{
    long long sum = 0;
    for (int length = 1; length <= c->longest; length++)
        sum += c->at[cell(c, label, length)];
    return sum;
}

static int write_label(const struct length_counts *c, int label, struct buffer *text)
{
    int rc = buffer_printf(text, "%d", label);
    for (int length = 1; rc == 0 && length <= c->longest; length++)
        rc = buffer_printf(text, " %lld", c->at[cell(c, label, length)]);
    return rc < 0 ? rc : buffer_puts(text, "\n");
}

int length_counts_write(const struct length_counts *c, const char *path, struct message *msg)
{
    struct buffer text = {0};
    int rc = buffer_printf(&text, "lengths %d %d\n", c->n_labels, c->longest);
    for (int label = 0; rc == 0 && label < c->n_labels; label++)
        if (total(c, label) > 0)
            rc = write_label(c, label, &text);
    rc = rc < 0 ? fail_memory(msg) : file_write(path, text.data, text.n, msg);
    buffer_free(&text);
    return rc;
}

/* The next whole number of a line, at most high; moves *at past it.  -1: there is none. */
static long long take_number(const char **at, long long high)
{
    const char *p = *at;
    long long value = 0;
    while (*p == ' ' || *p == '\t')
        p++;
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (*p - '0');
        if (value > high)
            return -1;
    }
    *at = p;
    return value;
}

static int at_line_end(const char **at)
{
    while (**at == ' ' || **at == '\t' || **at == '\r')
        ++*at;
    if (**at != '\n')
        return 0;
    ++*at;
    return 1;
}

static int read_line(struct length_counts *c, const char **at, const char *path, int i_line, struct message *msg)
{
    long long label = take_number(at, c->n_labels - 1);
    if (label < 0)
        return fail(msg, LINNET_E_FORMAT, "%s: line %d does not begin with a label of 0 to %d", path, i_line,
                    c->n_labels - 1);
    for (int length = 1; length <= c->longest; length++) {
        long long n = take_number(at, MAX_COUNT);
        if (n < 0)
            return fail(msg, LINNET_E_FORMAT, "%s: line %d has %d counts, not %d", path, i_line, length - 1,
                        c->longest);
        long long *to = &c->at[cell(c, (int)label, length)];
        if (*to > MAX_COUNT - n)
            return fail(msg, LINNET_E_FORMAT, "%s: line %d: the counts are too large", path, i_line);
        *to += n;
    }
    return at_line_end(at)
               ? LINNET_OK
               : fail(msg, LINNET_E_FORMAT, "%s: line %d has more than %d counts", path, i_line, c->longest);
}

static int read_text(struct length_counts *c, const char *text, const char *path, int n_labels, struct message *msg)
{
    const char *at = text;
    long long n = -1, longest = -1;
    if (strncmp(at, "lengths ", 8) == 0) {
        at += 8;
        n = take_number(&at, MAX_LABELS);
        longest = take_number(&at, MAX_LONGEST);
    }
    if (n < 1 || longest < 1 || !at_line_end(&at))
        return fail(msg, LINNET_E_FORMAT, "%s: does not begin with a line \"lengths LABELS LONGEST\"", path);
    if (n != n_labels)
        return fail(msg, LINNET_E_FORMAT, "%s: lengths of %lld labels, the model has %d", path, n, n_labels);
    int rc = length_counts_open(c, n_labels, (int)longest, msg);
    for (int i = 2; rc == 0 && *at != '\0'; i++)
        rc = read_line(c, &at, path, i, msg);
    return rc;
}

int length_counts_read(struct length_counts *c, const char *path, int n_labels, struct message *msg)
{
    struct buffer text = {0};
    struct length_counts read = {0};
    int rc = file_read(path, BUFFER_MAX, &text, msg);
    if (rc >= 0)
        rc = read_text(&read, buffer_text(&text), path, n_labels, msg);
    buffer_free(&text);
    if (rc < 0) {
        length_counts_close(&read);
        return rc;
    }
    *c = read;
    return LINNET_OK;
}

/* ---- probabilities ---- */

struct length_model {
    int n_labels, longest;
    int n_rows;      /* n_labels, 1: the same for all labels, 0: every length costs nothing */
    float *logprobs; /* [longest, n_rows] */
};

/* Everything counted, by length: sums [longest]. */
static double add_up(const struct length_counts *c, double *sums)
{
    double all = 0.0;
    for (int length = 1; length <= c->longest; length++) {
        sums[length - 1] = 0.0;
        for (int label = 0; label < c->n_labels; label++)
            sums[length - 1] += (double)c->at[cell(c, label, length)];
        all += sums[length - 1];
    }
    return all;
}

static void fill_global(struct length_model *m, const double *p)
{
    for (int i = 0; i < m->longest; i++)
        m->logprobs[i] = (float)log(p[i]);
}

static void fill_label(struct length_model *m, const struct length_counts *c, const double *p, double smoothing)
{
    for (int label = 0; label < m->n_labels; label++) {
        double n = (double)total(c, label);
        for (int i = 0; i < m->longest; i++) {
            double own = (double)c->at[cell(c, label, i + 1)];
            double q = n + smoothing > 0.0 ? (own + smoothing * p[i]) / (n + smoothing) : p[i];
            m->logprobs[(size_t)i * (size_t)m->n_rows + (size_t)label] = (float)log(q);
        }
    }
}

static double mean_length(const struct length_counts *c, int label, double otherwise)
{
    double n = (double)total(c, label), sum = 0.0;
    for (int length = 1; length <= c->longest; length++)
        sum += length * (double)c->at[cell(c, label, length)];
    return n > 0.0 ? sum / n : otherwise;
}

static void fill_static(struct length_model *m, const struct length_counts *c, const double *p, double variance)
{
    double global = 0.0; /* mean of all labels */
    for (int i = 0; i < m->longest; i++)
        global += p[i] * (i + 1);
    for (int label = 0; label < m->n_labels; label++) {
        double mean = mean_length(c, label, global), sum = 0.0;
        for (int length = 1; length <= m->longest; length++)
            sum += exp(-fabs(mean - length) * variance);
        for (int i = 0; i < m->longest; i++)
            m->logprobs[(size_t)i * (size_t)m->n_rows + (size_t)label] =
                (float)(-fabs(mean - (i + 1)) * variance - log(sum));
    }
}

static int fill(struct length_model *m, const struct length_model_options *o, const struct length_counts *c,
                struct message *msg)
{
    double *p = mem_array((size_t)m->longest, sizeof *p);
    m->logprobs = mem_array((size_t)m->longest * (size_t)m->n_rows, sizeof *m->logprobs);
    if (p == NULL || m->logprobs == NULL) {
        mem_free(p);
        return fail_memory(msg);
    }
    double all = add_up(c, p), added = o->kind == LENGTH_MODEL_STATIC ? 0.0 : o->smoothing;
    for (int i = 0; i < m->longest; i++)
        p[i] = all + added > 0.0 ? (p[i] + added / m->longest) / (all + added) : 1.0 / m->longest;
    if (o->kind == LENGTH_MODEL_GLOBAL)
        fill_global(m, p);
    else if (o->kind == LENGTH_MODEL_LABEL)
        fill_label(m, c, p, o->smoothing);
    else
        fill_static(m, c, p, o->variance);
    mem_free(p);
    return LINNET_OK;
}

int length_model_open(struct length_model **out, const struct length_model_options *options,
                      const struct length_counts *counts, struct message *msg)
{
    if (options->kind != LENGTH_MODEL_NONE && counts == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "a length model needs a file of lengths");
    if (!(options->smoothing >= 0.0) || !isfinite(options->smoothing) || !(options->variance >= 0.0) ||
        options->variance > MAX_VARIANCE)
        return fail(msg, LINNET_E_ARGUMENT, "a length model's smoothing %g is negative, or variance %g not 0 to %g",
                    options->smoothing, options->variance, MAX_VARIANCE);
    struct length_model *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(msg);
    int rc = LINNET_OK;
    if (options->kind != LENGTH_MODEL_NONE) {
        m->n_labels = counts->n_labels;
        m->longest = counts->longest;
        m->n_rows = options->kind == LENGTH_MODEL_GLOBAL ? 1 : counts->n_labels;
        rc = fill(m, options, counts, msg);
    }
    if (rc < 0) {
        length_model_close(m);
        return rc;
    }
    *out = m;
    return LINNET_OK;
}

void length_model_close(struct length_model *m)
{
    if (m == NULL)
        return;
    mem_free(m->logprobs);
    mem_free(m);
}

static const float *row(const struct length_model *m, int length)
{
    int i = length > m->longest ? m->longest - 1 : length - 1;
    return m->logprobs + (size_t)i * (size_t)m->n_rows;
}

double length_model_logprob(const struct length_model *m, int label, int length)
{
    return m->n_rows == 0 ? 0.0 : (double)row(m, length)[m->n_rows > 1 ? label : 0];
}

void length_model_add(const struct length_model *m, int length, double scale, float *scores, int n_labels)
{
    if (m->n_rows == 0 || scale == 0.0)
        return;
    const float *logprobs = row(m, length);
    for (int label = 0; label < n_labels; label++)
        scores[label] += (float)scale * logprobs[m->n_rows > 1 ? label : 0];
}
