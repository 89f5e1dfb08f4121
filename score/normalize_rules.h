/* SPDX-License-Identifier: Apache-2.0
 * normalize_rules.h - the normalizers, on code points, and the two big steps of the English one. */
#ifndef LINNET_SCORE_NORMALIZE_RULES_H
#define LINNET_SCORE_NORMALIZE_RULES_H

#include "base/unicode.h"
#include "score/normalize.h"

#define NORMALIZE_DECLARE(function, name) void normalize_##function(struct codes *text);
NORMALIZERS(NORMALIZE_DECLARE)

/* The American spelling of a British word [n bytes], or NULL. */
const char *normalize_spelling(const char *word, size_t n);

/* Replaces spelled-out numbers by digits in text that is otherwise clean. */
void normalize_numbers(struct codes *text);

/* The step of it that goes from word to word: appends UTF-8 words with one space between them. */
int normalize_number_words(const struct buffer *text, struct buffer *out) LINNET_MUST_CHECK;

/* Building blocks shared by the steps. */
int normalize_is_ascii_digit(uint32_t code);
void normalize_squeeze(struct codes *text);                    /* one space for blanks */
int normalize_at_boundary(const struct codes *text, size_t i); /* between a word character and another, as \b */

#endif
