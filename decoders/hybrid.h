/* SPDX-License-Identifier: Apache-2.0
 * hybrid.h - the decoders of WeNet models: ctc_greedy, ctc_prefix_beam, attention, attention_rescoring,
 * segmental. */
#ifndef LINNET_DECODERS_HYBRID_H
#define LINNET_DECODERS_HYBRID_H

#include "decoders/decoder.h"

extern const struct decoder_ops hybrid_greedy_decoder, hybrid_prefix_decoder, hybrid_attention_decoder,
    hybrid_rescoring_decoder, hybrid_segmental_decoder;

#endif
