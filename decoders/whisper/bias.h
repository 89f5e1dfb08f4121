/* SPDX-License-Identifier: Apache-2.0
 * bias.h - hotwords for the search of a window, and for what it starts from. */
#ifndef LINNET_DECODERS_WHISPER_BIAS_H
#define LINNET_DECODERS_WHISPER_BIAS_H

#include "decoders/whisper/search.h"
#include "decoders/whisper_common/prompt.h"

/* Boosts phrases [n] in place of those before, as struct decoder's `bias` does. */
LINNET_MUST_CHECK int whisper_bias_set(struct whisper_search *search, struct whisper_prompt *prompt,
                                       const struct decoder_host *host, const char *const *phrases, const float *bonus,
                                       size_t n, struct buffer *unspelled);

#endif
