/* SPDX-License-Identifier: Apache-2.0
 * greedy.h - the most probable symbol of each CTC frame, repeats and blanks removed; for streams.
 *
 * No token is ever taken back: the whole result so far is committed, but for the time of the last token. */
#ifndef LINNET_DECODERS_CTC_GREEDY_H
#define LINNET_DECODERS_CTC_GREEDY_H

#include "base/status.h"
#include "decoders/common/hypothesis.h"

struct ctc_greedy;

LINNET_MUST_CHECK int ctc_greedy_open(struct ctc_greedy **out, int n_vocabulary, int blank, struct message *msg);
void ctc_greedy_close(struct ctc_greedy *g);
void ctc_greedy_reset(struct ctc_greedy *g);

/* logprobs [n_frames, V], natural log.  n_frames may be 0. */
LINNET_MUST_CHECK int ctc_greedy_step(struct ctc_greedy *g, const float *logprobs, int n_frames, struct message *msg);

/* Valid until the next call.  Times are the tokens' most probable frames; the score is the log probability of the
 * alignment. */
const struct hypothesis *ctc_greedy_result(struct ctc_greedy *g);

#endif
