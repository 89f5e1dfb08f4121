/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/scores.h"

#include <math.h>

#define IMPOSSIBLE (-1e30f)

int scores_best(const float *logprobs, int n_vocabulary, int n, int *ids, float *values)
{
    if (n > n_vocabulary)
        n = n_vocabulary;
    int n_found = 0;
    float worst = -INFINITY; /* of a full list */
    for (int v = 0; v < n_vocabulary; v++) {
        float x = logprobs[v];
        if (n_found == n && !(x > worst))
            continue;
        if (!(x > IMPOSSIBLE) || x == INFINITY)
            x = IMPOSSIBLE;
        if (n_found == n && !(x > worst))
            continue;
        int at = n_found < n ? n_found++ : n - 1;
        while (at > 0 && values[at - 1] < x) {
            values[at] = values[at - 1];
            ids[at] = ids[at - 1];
            at--;
        }
        values[at] = x;
        ids[at] = v;
        if (n_found == n)
            worst = values[n - 1];
    }
    return n_found;
}

double scores_add(double a, double b)
{
    double large = a < b ? b : a, small = a < b ? a : b;
    return small == -INFINITY ? large : large + log1p(exp(small - large));
}
