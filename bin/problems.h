/* SPDX-License-Identifier: Apache-2.0
 * problems.h - what was wrong with the lines of a text file, for people. */
#ifndef LINNET_BIN_PROBLEMS_H
#define LINNET_BIN_PROBLEMS_H

#include "score/transcripts.h"

/* Writes the first ones on stderr, and how many there are in all. */
void problems_report(const struct transcripts *t);

#endif
