/* SPDX-License-Identifier: Apache-2.0
 * search.h - monotonic segmental attention: a time-synchronous beam search for streams.
 *
 * At each encoder frame a hypothesis stays in its open segment, or ends it and emits a label, which the attention
 * decoder scores from that segment's frames only, with a window to the left and right.  One utterance: reset,
 * step ..., finish, nbest.  Feeding frame by frame gives the same result, bit for bit.  See doc/segmental.md. */
#ifndef LINNET_DECODERS_SEGMENTAL_SEARCH_H
#define LINNET_DECODERS_SEGMENTAL_SEARCH_H

#include "base/settings.h"
#include "decoders/common/hypothesis.h"
#include "decoders/segmental/boundary.h"
#include "decoders/segmental/length_model.h"
#include "nn/text_decoder.h"

/* Of hypotheses with the same labels, whatever their segments are: */
#define SEGMENTAL_RECOMBINATIONS(X)                                                                                    \
    X(SEGMENTAL_RECOMBINE_NONE, "none") /* all are kept */                                                             \
    X(SEGMENTAL_RECOMBINE_MAX, "max")   /* the best one (Viterbi) */                                                   \
    X(SEGMENTAL_RECOMBINE_SUM, "sum")   /* the best one, with the probabilities of all */
enum segmental_recombination { SEGMENTAL_RECOMBINATIONS(SETTING_ENUM) };

#define SEGMENTAL_ALL (-1)

struct segmental_options {
    int blank;           /* of the CTC distribution; never a label, nor are the decoder's sos and eos */
    int n_beam;          /* hypotheses kept */
    double score_beam;   /* those further below the best are dropped; INFINITY: none */
    int left, right;     /* frames seen before and after the segment; SEGMENTAL_ALL: to the ends of the recording */
    int longest_segment; /* of a longer one the last frames are seen; 0: no limit */
    int history;         /* after so many labels the decoder restarts; 0: never */
    enum segmental_recombination recombination;
    double label_scale, boundary_scale, length_scale; /* >= 0 */
    const struct length_model *lengths;               /* NULL: free */
    const struct boundary *boundary;                  /* NULL: boundaries from CTC */
};

struct segmental;

/* The decoder, lengths and boundary must live as long as the search. */
LINNET_MUST_CHECK int segmental_open(struct segmental **out, const struct text_decoder *decoder,
                                     const struct segmental_options *options, struct message *msg);
void segmental_close(struct segmental *s);
void segmental_reset(struct segmental *s); /* for the next utterance */

/* The next n >= 0 frames: encoder_out [n, D] and logprobs [n, V] of CTC, natural log.  Each frame is searched when
 * options.right frames after it are there. */
LINNET_MUST_CHECK int segmental_step(struct segmental *s, struct nn_context *ctx, const float *encoder_out,
                                     const float *logprobs, int n, struct message *msg);
LINNET_MUST_CHECK int segmental_finish(struct segmental *s, struct nn_context *ctx, struct message *msg);

/* The best n_max hypotheses with different labels, best first (at any time: those so far).  times are the frames at
 * which segments end, logprobs the label scores.  Returns how many, at least 1, or an error. */
LINNET_MUST_CHECK int segmental_nbest(struct segmental *s, int n_max, const struct hypothesis **hypotheses,
                                      struct message *msg);

int segmental_committed(const struct segmental *s); /* labels at the beginning that all hypotheses share */
int segmental_n_tokens(const struct segmental *s);  /* in the best hypothesis */
int segmental_n_frames(const struct segmental *s);  /* searched since reset */

/* The cost of the search since reset. */
struct segmental_cost {
    long long n_rows; /* rows of the decoder that were computed */
    int most_frames;  /* encoder frames kept at once */
    int most_nodes;   /* slots of the decoder that are allocated */
};
struct segmental_cost segmental_cost(const struct segmental *s);

#endif
