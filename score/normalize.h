/* SPDX-License-Identifier: Apache-2.0
 * normalize.h - text made comparable before it is scored: the table of normalizers.
 *
 *     none                   as it is
 *     lower, upper           letters that differ in case alone become the same, in every script: both give two texts
 *                            one form or neither does.  Whether an I is an i or a dotless i depends on the language:
 *                            they are one letter, and so are sharp s and "ss", whose capitals are the same
 *     whisper-basic          BasicTextNormalizer: lower case, no brackets, symbols and marks to spaces
 *     whisper-basic-marks    that, but marks stay with their letters, as words of Indian scripts, Thai and Arabic need
 *     whisper-basic-plain    BasicTextNormalizer(remove_diacritics=True): letters lose their marks and strokes
 *     whisper-basic-letters  BasicTextNormalizer(split_letters=True): a blank between any two letters
 *     whisper-en             EnglishTextNormalizer: lower case, no brackets, symbols to spaces, contractions and titles
 *                            spelled out, numbers as digits, American spelling
 *
 * All begin with NFC, so that it does not matter how letters and their marks are written.  Those named after Whisper
 * give what OpenAI's (20250625) give, character by character, quirks included ("nineth" is a number and "ninth" is
 * not), so that error rates can be compared with published ones; -marks is not one of theirs.
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
    X(basic_marks, "whisper-basic-marks") \
    X(basic_plain, "whisper-basic-plain") \
    X(basic_letters, "whisper-basic-letters") \
    X(english, "whisper-en")
/* clang-format on */

#define NORMALIZE_NAME(function, name) "|" name
#define NORMALIZE_NAMES (&(NORMALIZERS(NORMALIZE_NAME))[1]) /* "none|lower|..." */

/* Appends the text [n bytes] normalized by the named rules. */
int normalize_text(const char *name, const char *text, size_t n, struct buffer *out,
                   struct message *msg) LINNET_MUST_CHECK;

#endif
