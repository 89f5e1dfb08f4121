/* SPDX-License-Identifier: Apache-2.0
 * align.h - when given tokens were said: the likeliest CTC alignment of them, for results that come without times.
 */
#ifndef LINNET_DECODERS_CTC_ALIGN_H
#define LINNET_DECODERS_CTC_ALIGN_H

#include "base/status.h"

/* Aligns tokens [n] with logprobs [T, V] (natural log).  Writes the frame where each token is likeliest into times [n],
 * its log probability there into token_logprobs [n], and the log probability of the alignment into *score; the last two
 * may be NULL.  LINNET_E_ARGUMENT when there are fewer frames than the tokens need (one each, and one between equal
 * ones). */
LINNET_MUST_CHECK int ctc_align(const float *logprobs, int n_frames, int n_vocabulary, int blank, const int *tokens,
                                int n, int *times, float *token_logprobs, double *score, struct message *msg);

/* The same, and the run of frames of each token: begins[i] .. ends[i] - 1. */
LINNET_MUST_CHECK int ctc_align_runs(const float *logprobs, int n_frames, int n_vocabulary, int blank,
                                     const int *tokens, int n, int *begins, int *ends, float *token_logprobs,
                                     double *score, struct message *msg);

#endif
