/* SPDX-License-Identifier: Apache-2.0
 * logistic.c - Newton's method; a step that makes the likelihood smaller is halved, so that it ends at the maximum
 * from anywhere.  Sums go over the examples in their order: the same data give the same bits. */
#include "score/logistic.h"

#include <math.h>

enum { MOST_STEPS = 100, MOST_HALVINGS = 60 };
#define CLOSE 1e-12 /* relative: a step to the parameters, what a sum's rounding may add to it */

double logistic_of(const struct logistic *l, double x) { return 1 / (1 + exp(-(l->slope * x + l->offset))); }

struct examples {
    const double *x;
    const unsigned char *is_right;
    int n;
};

/* Negative log likelihood. */
static double cost(const struct logistic *l, const struct examples *e)
{
    double sum = 0;
    for (int i = 0; i < e->n; i++) {
        double z = l->slope * e->x[i] + l->offset;
        z = e->is_right[i] ? -z : z;
        sum += z > 0 ? z + log1p(exp(-z)) : log1p(exp(z));
    }
    return sum;
}

/* Newton's step from l; 0 where the curvature is none. */
static int find_step(const struct logistic *l, const struct examples *e, struct logistic *step)
{
    double g_slope = 0, g_offset = 0, h_slope = 0, h_both = 0, h_offset = 0;
    for (int i = 0; i < e->n; i++) {
        double p = logistic_of(l, e->x[i]), error = p - e->is_right[i], weight = p * (1 - p);
        g_slope += error * e->x[i];
        g_offset += error;
        h_slope += weight * e->x[i] * e->x[i];
        h_both += weight * e->x[i];
        h_offset += weight;
    }
    double determinant = h_slope * h_offset - h_both * h_both;
    if (!(determinant > 0))
        return 0;
    step->slope = -(h_offset * g_slope - h_both * g_offset) / determinant;
    step->offset = -(h_slope * g_offset - h_both * g_slope) / determinant;
    return 1;
}

static int is_close(const struct logistic *step, const struct logistic *l)
{
    return fabs(step->slope) <= CLOSE * (1 + fabs(l->slope)) && fabs(step->offset) <= CLOSE * (1 + fabs(l->offset));
}

static int check(const struct examples *e, struct message *msg)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    int n[2] = {0, 0};
    for (int i = 0; i < e->n; i++) {
        int k = e->is_right[i] != 0;
        low[k] = fmin(low[k], e->x[i]);
        high[k] = fmax(high[k], e->x[i]);
        n[k]++;
    }
    if (n[0] < LOGISTIC_LEAST || n[1] < LOGISTIC_LEAST)
        return fail(msg, LINNET_E_FORMAT, "%d right and %d wrong words are too few: at least %d of each are needed",
                    n[1], n[0], LOGISTIC_LEAST);
    if (high[0] <= low[1] || high[1] <= low[0])
        return fail(msg, LINNET_E_FORMAT,
                    "no curve fits best: a threshold of confidence tells %d right and %d wrong words apart", n[1],
                    n[0]);
    return 0;
}

int logistic_fit(struct logistic *l, const double *x, const unsigned char *is_right, int n, struct message *msg)
{
    const struct examples e = {x, is_right, n};
    struct logistic at = {0, 0}, step;
    int rc = check(&e, msg);
    double now = rc == 0 ? cost(&at, &e) : 0;
    for (int i = 0; rc == 0 && i < MOST_STEPS && find_step(&at, &e, &step); i++) {
        struct logistic next;
        double then;
        for (int k = 0; k < MOST_HALVINGS; k++, step.slope /= 2, step.offset /= 2) {
            next = (struct logistic){at.slope + step.slope, at.offset + step.offset};
            if ((then = cost(&next, &e)) <= now * (1 + CLOSE))
                break;
        }
        at = next;
        now = then;
        if (is_close(&step, &at)) {
            *l = at;
            return 0;
        }
    }
    return rc < 0 ? rc : fail(msg, LINNET_E_FORMAT, "no curve fits %d words", n);
}
