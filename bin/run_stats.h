/* SPDX-License-Identifier: Apache-2.0
 * run_stats.h - what the utterances of `linnet decode` took: a line of JSON for each, and the sums of many.
 *
 *     {"utt", "audio_s", "wall_s", "features_s", "encoder_s", "decoder_s", "tokens", "fallbacks", "peak_memory_mb",
 *      "latency": as latency_record.h has it, where it was streamed}
 *
 * wall_s is the time since the utterance before it was done, so that the sum is that of the run; peak_memory_mb the
 * most that the process had taken up to then.  Sums are made of such lines alone: those of a run that was interrupted
 * and resumed, or of several, are what one run would have had. */
#ifndef LINNET_BIN_RUN_STATS_H
#define LINNET_BIN_RUN_STATS_H

#include "base/buffer.h"
#include "base/status.h"
#include "score/latency.h"

/* Zeroed is empty. */
struct run_stats {
    int n; /* utterances */
    double wall_s, peak_memory_mb;
    struct linnet_stats sum;
    struct latency latency; /* no recordings: nothing was streamed */
};

/* Appends an utterance's line, without its end. */
LINNET_MUST_CHECK int run_stats_line(struct buffer *out, const char *id, const struct linnet_stats *took, double wall_s,
                                     const struct latency *latency);

/* Adds an utterance's line; one that is not what run_stats_line writes counts for nothing. */
LINNET_MUST_CHECK int run_stats_add(struct run_stats *s, const char *line, struct message *msg);

/* Append members of a JSON object: the sums, without the brackets; the delays, where there are any. */
LINNET_MUST_CHECK int run_stats_report(const struct run_stats *s, struct buffer *out);
LINNET_MUST_CHECK int run_stats_report_latency(struct run_stats *s, struct buffer *out);
void run_stats_close(struct run_stats *s);

#endif
