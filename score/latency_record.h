/* SPDX-License-Identifier: Apache-2.0
 * latency_record.h - what latency.h keeps of recordings as JSON, so that those of several runs can be reported as one.
 *
 *     {"recordings", "words", "revised", "audio", "compute", "chunks": [s],
 *      "audio_clock": {"lags": [s], "utterances", "firsts", "finals", "delays"}, "with_compute": {the same}} */
#ifndef LINNET_SCORE_LATENCY_RECORD_H
#define LINNET_SCORE_LATENCY_RECORD_H

#include <jansson.h>

#include "score/latency.h"

/* Appends that of the recordings that are over. */
LINNET_MUST_CHECK int latency_record_write(const struct latency *l, struct buffer *out);

/* Adds its recordings; fails for want of memory only: what is missing counts as none. */
LINNET_MUST_CHECK int latency_record_read(struct latency *l, const json_t *record);

#endif
