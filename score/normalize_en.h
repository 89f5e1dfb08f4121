/* SPDX-License-Identifier: Apache-2.0
 * normalize_en.h - openai-whisper's two normalizers, on code points. */
#ifndef LINNET_SCORE_NORMALIZE_EN_H
#define LINNET_SCORE_NORMALIZE_EN_H

#include "base/unicode.h"

int normalize_basic(struct codes *text) __attribute__((warn_unused_result));
int normalize_english(struct codes *text) __attribute__((warn_unused_result));

#endif
