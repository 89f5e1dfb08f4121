/* SPDX-License-Identifier: Apache-2.0
 * progress.h - a progress bar on a terminal, for work of more than two seconds. */
#ifndef LINNET_BIN_PROGRESS_H
#define LINNET_BIN_PROGRESS_H

struct progress {
    double total, started_s, shown_s;
    int visible;
};

void progress_start(struct progress *p, double total); /* total <= 0: not known */
void progress_step(struct progress *p, double done);
void progress_hide(struct progress *p); /* before something else is printed, and at the end */

#endif
