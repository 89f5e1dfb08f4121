/* SPDX-License-Identifier: Apache-2.0
 * score_text.h - scores as lines of text. */
#ifndef LINNET_BIN_SCORE_TEXT_H
#define LINNET_BIN_SCORE_TEXT_H

#include "bin/scoring.h"

/* Appends an utterance with errors: its words in two rows, and a row of marks. */
int score_text_align(struct buffer *out, const struct score_alignment *a) LINNET_MUST_CHECK;

int score_text_write(struct buffer *out, const struct scoring *s) LINNET_MUST_CHECK;

#endif
