/* SPDX-License-Identifier: Apache-2.0
 * normalize.h - text made comparable before it is scored: the table of normalizers.
 *
 *     none           as it is
 *     lower, upper   case only
 *     whisper-basic  BasicTextNormalizer: lower case, no brackets, symbols to spaces
 *     whisper-en     EnglishTextNormalizer: that, contractions and titles spelled out, numbers as digits, American
 *                    spelling
 *
 * The last two give what those of OpenAI's Whisper (20250625) give, character by character, quirks included ("nineth"
 * is a number and "ninth" is not), so that error rates can be compared with published ones.
 *
 * A new one is a function normalize_NAME (normalize_rules.h) and one line in NORMALIZERS. */
#ifndef LINNET_SCORE_NORMALIZE_H
#define LINNET_SCORE_NORMALIZE_H

#include "base/buffer.h"
#include "base/status.h"

/* X(function, name), in the order of help. */
/* clang-format off */
#define NORMALIZERS(X) \
    X(none, "none") \
    X(lower, "lower") \
    X(upper, "upper") \
    X(basic, "whisper-basic") \
    X(english, "whisper-en")
/* clang-format on */

#define NORMALIZE_NAME(function, name) "|" name
#define NORMALIZE_NAMES (&(NORMALIZERS(NORMALIZE_NAME))[1]) /* "none|lower|..." */

/* Appends the text [n bytes] normalized by the named rules. */
int normalize_text(const char *name, const char *text, size_t n, struct buffer *out,
                   struct message *msg) LINNET_MUST_CHECK;

#endif
