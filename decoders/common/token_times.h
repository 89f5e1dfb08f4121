/* SPDX-License-Identifier: Apache-2.0
 * token_times.h - start and end of CTC tokens from their frames. */
#ifndef LINNET_DECODERS_COMMON_TOKEN_TIMES_H
#define LINNET_DECODERS_COMMON_TOKEN_TIMES_H

/* The rule of WeNet's runtime (asr_decoder.cc): a token begins gap_ms before its frame and ends at it; where two
 * tokens' frames are closer than gap_ms, they meet in the middle, in whole frames.  offset_s is added to all.  Never
 * decreases. frames [n] -> start_s [n], end_s [n]. */
#define TOKEN_TIMES_GAP_MS 100.0
void token_times(const int *frames, int n, double frame_ms, double gap_ms, double offset_s, double *start_s,
                 double *end_s);

#endif
