/* SPDX-License-Identifier: Apache-2.0
 * whisper.h - Whisper on recordings of any length (decoder_ops "whisper"). */
#ifndef LINNET_DECODERS_WHISPER_H
#define LINNET_DECODERS_WHISPER_H

#include "decoders/decoder.h"
#include "decoders/whisper_search.h"

extern const struct decoder_ops whisper_decoder;

/* Search options as the recipe has them; *suppressed becomes the caller's to mem_free after the options. */
LINNET_MUST_CHECK int whisper_options(struct whisper_search_options *options, int **suppressed,
                                      const struct whisper_vocab *vocab, const struct recipe *recipe,
                                      struct message *msg);

#endif
