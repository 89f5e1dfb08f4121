/* SPDX-License-Identifier: Apache-2.0
 * ctc_prefix_beam.c - the decoder "ctc_prefix_beam". */
#include "decoders/ctc/prefix_beam.h"
#include "decoders/utterance.h"

const struct decoder ctc_prefix_beam_decoder = {
    .name = "ctc_prefix_beam",
    .summary = "beam search over what the frames spell",
    .needs = MODEL_FRAMES | MODEL_CTC,
    .settings = ctc_prefix_beam_tables,
    .ignores = "language|task|decoder.length_penalty|decoder.max_tokens",
    .search = &ctc_prefix_beam_search,
    .with_hotwords = &ctc_prefix_beam_search,
    UTTERANCE_DECODER,
};
