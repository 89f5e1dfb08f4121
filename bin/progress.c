/* SPDX-License-Identifier: Apache-2.0
 * progress.c - the progress bar: redrawn in place on stderr, only where that is a terminal. */
#include "bin/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { WIDTH = 30 };
#define FIRST_S 2.0
#define REDRAW_S 0.2

void progress_start(struct progress *p, double total)
{
    *p = (struct progress){.total = isatty(STDERR_FILENO) ? total : 0, .started_s = clock_s()};
}

void progress_step(struct progress *p, double done)
{
    double now = clock_s(), spent = now - p->started_s;
    if (p->total <= 0 || done <= 0 || spent < FIRST_S || now - p->shown_s < REDRAW_S)
        return;
    double share = done < p->total ? done / p->total : 1;
    long left = (long)(spent / share - spent + 0.5);
    char bar[WIDTH + 1];
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < (int)(share * WIDTH) ? '=' : ' ';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3.0f %%  %ld:%02ld left ", bar, 100 * share, left / 60, left % 60);
    fflush(stderr);
    p->shown_s = now;
    p->visible = 1;
}

void progress_hide(struct progress *p)
{
    if (p->visible)
        fputs("\r\033[K", stderr);
    p->visible = 0;
}
