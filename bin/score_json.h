/* SPDX-License-Identifier: Apache-2.0
 * score_json.h - scores as an object of JSON:
 *
 *     {"wer": {"percent", "errors", "total", "ins", "del", "sub"}, "cer": the same,
 *      "ser": {"percent", "errors", "total"}, "missing", "extra",
 *      "by_speaker": {NAME: as wer, and "utterances"}, "by_length": the same,
 *      "against": {"wer", ..., "difference": {"percent", "low", "high", "p"}},
 *      "confidence": {"n", "ece", "nce", "bins": [{"low", "high", "n", "confidence", "accuracy"}]},
 *      "confusions": [["sub" | "del" | "ins", word of the reference or null, of the hypothesis or null, n], ...],
 *      "utterances": [{"id", "wer", "alignment": [["ok" | "sub" | "del" | "ins", word or null, word or null], ...]}]}
 *
 * Those from by_speaker on are there where they are asked for, confidence where the hypothesis has some.  What is no
 * number, such as the error rate of an empty reference, is null. */
#ifndef LINNET_BIN_SCORE_JSON_H
#define LINNET_BIN_SCORE_JSON_H

#include "bin/scoring.h"

/* Appends an utterance, with a comma before it if it is not the first. */
int score_json_align(struct buffer *out, const struct score_alignment *a) LINNET_MUST_CHECK;

int score_json_write(struct buffer *out, const struct scoring *s) LINNET_MUST_CHECK;

#endif
