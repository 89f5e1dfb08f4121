/* SPDX-License-Identifier: Apache-2.0
 * prefix.h - CTC prefix beam search, for streams: feed any number of frames at a time, read the best so far.
 *
 * One utterance: reset, step ..., finish, nbest.  Feeding frame by frame gives the same result, bit for bit. */
#ifndef LINNET_DECODERS_CTC_PREFIX_H
#define LINNET_DECODERS_CTC_PREFIX_H

#include "base/settings.h"
#include "base/status.h"
#include "decoders/common/hotwords.h"
#include "decoders/common/hypothesis.h"

#define CTC_PREFIX_TIMES(X)                                                                                            \
    X(CTC_PREFIX_TIMES_PEAK, "peak")   /* the token's most probable frame */                                           \
    X(CTC_PREFIX_TIMES_WENET, "wenet") /* what WeNet returns: the last frame of the token */
enum ctc_prefix_times { CTC_PREFIX_TIMES(SETTING_ENUM) };

struct ctc_prefix_options {
    int n_vocabulary, blank;
    int n_symbols; /* first beam: symbols tried in each frame */
    int n_beam;    /* second beam: prefixes kept */
    enum ctc_prefix_times times;
    double token_bonus;              /* added to the score for each token; negative for shorter results */
    const struct hotwords *hotwords; /* or NULL; must live as long as the search */
};
extern const struct settings_table ctc_prefix_settings; /* of times; the rest is the caller's */

struct ctc_prefix;

LINNET_MUST_CHECK int ctc_prefix_open(struct ctc_prefix **out, const struct ctc_prefix_options *options,
                                      struct message *msg);
void ctc_prefix_close(struct ctc_prefix *p);
void ctc_prefix_reset(struct ctc_prefix *p); /* for the next utterance */

/* logprobs [n_frames, V], natural log.  n_frames may be 0. */
LINNET_MUST_CHECK int ctc_prefix_step(struct ctc_prefix *p, const float *logprobs, int n_frames, struct message *msg);

/* No more frames come: hotwords that are not completed lose their bonus, and the list is sorted again. */
void ctc_prefix_finish(struct ctc_prefix *p);

/* The best n_max hypotheses, best first (at any time: those so far).  Returns how many, at least 1, or an error. */
LINNET_MUST_CHECK int ctc_prefix_nbest(struct ctc_prefix *p, int n_max, const struct hypothesis **hypotheses,
                                       struct message *msg);

int ctc_prefix_committed(const struct ctc_prefix *p); /* tokens at the beginning that all hypotheses share */

#endif
