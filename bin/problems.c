/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/problems.h"

#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/mem.h"

enum { MOST_LISTED = 1000 };

void problems_add(struct problems *p, const char *id, const char *why)
{
    if (MEM_GROW(p->at, p->room, p->n + 1) < 0) {
        p->n_lost++;
        return;
    }
    p->at[p->n++] = (struct problem){id != NULL ? mem_string(id) : NULL, mem_string(why)};
}

void problems_add_lines(struct problems *p, const struct transcripts *t)
{
    char line[sizeof(struct message)];
    const char *at = buffer_text(&t->problems);
    int n = 0;
    for (; *at != '\0'; at += strcspn(at, "\n") + 1, n++) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
        problems_add(p, NULL, line);
    }
    p->n_lost += t->n_problems - n;
}

int problems_count(const struct problems *p) { return p->n + p->n_lost; }

void problems_list(const struct problems *p)
{
    int n = problems_count(p);
    if (n == 0)
        return;
    fprintf(stderr, "linnet: %d %s in all:\n", n, n == 1 ? "problem" : "problems");
    int n_listed = p->n < MOST_LISTED ? p->n : MOST_LISTED;
    for (int i = 0; i < n_listed; i++)
        fprintf(stderr, "    %s%s%s\n", p->at[i].id != NULL ? p->at[i].id : "", p->at[i].id != NULL ? ": " : "",
                p->at[i].why != NULL ? p->at[i].why : "out of memory");
    if (n > n_listed)
        fprintf(stderr, "    and %d more\n", n - n_listed);
}

int problems_write(const struct problems *p, struct buffer *out)
{
    int rc = buffer_puts(out, ",\n \"failures\": [");
    for (int i = 0; i < p->n && rc >= 0; i++) {
        rc = buffer_puts(out, i > 0 ? ",\n  {" : "{");
        if (rc >= 0 && p->at[i].id != NULL && (rc = buffer_puts(out, "\"utt\": ")) >= 0 &&
            (rc = json_write_text(out, p->at[i].id)) >= 0)
            rc = buffer_puts(out, ", ");
        if (rc >= 0 && (rc = buffer_puts(out, "\"why\": ")) >= 0 &&
            (rc = json_write_text(out, p->at[i].why != NULL ? p->at[i].why : "out of memory")) >= 0)
            rc = buffer_puts(out, "}");
    }
    return rc < 0 ? rc : buffer_puts(out, "]");
}

void problems_close(struct problems *p)
{
    for (int i = 0; i < p->n; i++) {
        mem_free(p->at[i].id);
        mem_free(p->at[i].why);
    }
    mem_free(p->at);
    *p = (struct problems){0};
}

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
