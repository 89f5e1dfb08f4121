/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/problems.h"

#include <stdio.h>
#include <string.h>

void problems_report(const struct transcripts *t)
{
    const int most = 20;
    const char *at = buffer_text(&t->problems);
    for (int i = 0; i < t->n_problems && i < most; i++) {
        int n = (int)strcspn(at, "\n");
        fprintf(stderr, "linnet: %.*s\n", n, at);
        at += n + 1;
    }
    if (t->n_problems > most)
        fprintf(stderr, "linnet: %d lines are left out in all\n", t->n_problems);
}
