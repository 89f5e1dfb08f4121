/* SPDX-License-Identifier: Apache-2.0
 * wenet_cmvn.c - global_cmvn: sums and squares of the features over the training data, to mean and 1 / deviation.
 *
 * Two forms (wenet/utils/cmvn.py): JSON {"mean_stat", "var_stat", "frame_num"}, and Kaldi's text "[ sums count squares
 * 0 ]". Variances under 1e-20 are taken as that. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/wenet.h"

#define MAX_FILE ((size_t)16 << 20)
#define MIN_VARIANCE 1e-20

struct statistics {
    double *sums, *squares; /* [n] in block */
    void *block;
    double count;
    int n;
};

static int read_numbers(const json_t *list, double *out, int n)
{
    for (int i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        if (!json_is_number(value))
            return -1;
        out[i] = json_number_value(value);
    }
    return json_array_size(list) == (size_t)n ? 0 : -1;
}

static int read_json(const struct buffer *text, struct statistics *s)
{
    json_t *root = json_loadb(buffer_text(text), text->n, JSON_REJECT_DUPLICATES, NULL);
    s->count = json_number_value(json_object_get(root, "frame_num"));
    int rc = read_numbers(json_object_get(root, "mean_stat"), s->sums, s->n);
    if (rc == 0)
        rc = read_numbers(json_object_get(root, "var_stat"), s->squares, s->n);
    json_decref(root);
    return rc;
}

static int read_number(char **at, double *value)
{
    char *end;
    *value = strtod(*at, &end); /* the C locale's: the library never sets another */
    if (end == *at)
        return -1;
    *at = end;
    return 0;
}

static int read_kaldi(const struct buffer *text, struct statistics *s)
{
    char *at = strchr(text->data, '[');
    double zero;
    int rc = at != NULL ? 0 : -1;
    at += rc == 0;
    for (int i = 0; i < s->n && rc == 0; i++)
        rc = read_number(&at, &s->sums[i]);
    if (rc == 0)
        rc = read_number(&at, &s->count);
    for (int i = 0; i < s->n && rc == 0; i++)
        rc = read_number(&at, &s->squares[i]);
    if (rc == 0)
        rc = read_number(&at, &zero);
    return rc < 0 || at[strspn(at, " \t\r\n")] != ']' ? -1 : 0;
}

static int add(struct plan *plan, const char *name, const double *numbers, int n, struct message *msg)
{
    float *made = mem_array((size_t)n, sizeof *made);
    if (made == NULL)
        return fail_memory(msg);
    for (int i = 0; i < n; i++)
        made[i] = (float)numbers[i];
    return plan_add_made(plan, name, 1, (const int64_t[]){n}, made, msg);
}

/* The sums become means, the squares 1 / deviation. */
static int finish(struct statistics *s)
{
    if (!(s->count >= 1))
        return -1;
    for (int i = 0; i < s->n; i++) {
        double mean = s->sums[i] / s->count, variance = s->squares[i] / s->count - mean * mean;
        s->sums[i] = mean;
        s->squares[i] = 1.0 / sqrt(variance < MIN_VARIANCE ? MIN_VARIANCE : variance);
        if (!isfinite(s->sums[i]) || !isfinite(s->squares[i]))
            return -1;
    }
    return 0;
}

int wenet_cmvn_plan(struct plan *plan, const char *path, int n, struct message *msg)
{
    struct statistics s = {.n = n};
    struct buffer text = {0};
    int rc = file_read(path, MAX_FILE, &text, msg);
    if (rc < 0)
        return rc;
    s.block = MEM_PARTS(MEM_PART(s.sums, (size_t)n), MEM_PART(s.squares, (size_t)n));
    int is_json = buffer_text(&text)[strspn(buffer_text(&text), " \t\r\n")] == '{';
    if (s.block == NULL)
        rc = fail_memory(msg);
    else if ((is_json ? read_json : read_kaldi)(&text, &s) < 0 || finish(&s) < 0)
        rc = fail(msg, LINNET_E_FORMAT, "%s: not the statistics of %d features", path, n);
    if (rc == 0 && (rc = add(plan, "cmvn.mean", s.sums, n, msg)) == 0)
        rc = add(plan, "cmvn.istd", s.squares, n, msg);
    mem_free(s.block);
    buffer_free(&text);
    return rc;
}
