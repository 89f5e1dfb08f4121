/* SPDX-License-Identifier: Apache-2.0
 * align.h - times of given tokens: their most probable CTC alignment, for results that come without times. */
#ifndef LINNET_DECODERS_CTC_ALIGN_H
#define LINNET_DECODERS_CTC_ALIGN_H

#include "base/status.h"

struct ctc_align_input {
    const float *logprobs; /* [n_frames, n_vocabulary] natural log */
    int n_frames, n_vocabulary, blank;
    const int *tokens; /* [n] */
    int n;
};

/* The result; arrays [n] are the caller's, or NULL where not wanted. */
struct ctc_alignment {
    int *peaks;         /* frame where the token is most probable */
    int *begins, *ends; /* the token's run of frames is begins[i] .. ends[i] - 1 */
    float *logprobs;    /* of the token at its peak */
    double score;       /* log probability of the alignment */
};

/* The most probable alignment.  LINNET_E_ARGUMENT when there are fewer frames than the tokens need (one each, and one
 * between equal ones). */
LINNET_MUST_CHECK int ctc_align(const struct ctc_align_input *in, struct ctc_alignment *out, struct message *msg);

#endif
