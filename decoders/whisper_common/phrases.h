/* SPDX-License-Identifier: Apache-2.0
 * phrases.h - hotwords as Whisper's vocabulary spells them. */
#ifndef LINNET_DECODERS_WHISPER_COMMON_PHRASES_H
#define LINNET_DECODERS_WHISPER_COMMON_PHRASES_H

#include "decoders/common/host.h"
#include "decoders/common/hotwords.h"

/* The graph of phrases [n], each with the blank that begins a word and without it; *out is NULL for none.  bonus [n] of
 * each token, NULL: as the settings have it.  Returns how many can be spelled; the others are appended to unspelled. */
LINNET_MUST_CHECK int whisper_phrases_open(struct hotwords **out, const struct decoder_host *host,
                                           const char *const *phrases, const float *bonus, size_t n,
                                           struct buffer *unspelled);

#endif
