/* SPDX-License-Identifier: Apache-2.0
 * units.h - the vocabulary of a WeNet model: units.txt, and the scores of its sentencepiece model where it has one.
 *
 * Four kinds of vocabulary are distinguished by their units: pieces that include the space before them (sentencepiece,
 * U+2581 "▁" in front), characters with a "▁" of its own between words, whole words without any (also with "@@" at the
 * end of what is not a word's end), and characters of a script without spaces, each of which is a word.  A unit
 * "<space>" is another name of "▁". */
#ifndef LINNET_VOCAB_UNITS_H
#define LINNET_VOCAB_UNITS_H

#include "vocab/vocab.h"

extern const struct vocab_kind units_vocab; /* units.txt and, where it is, pieces.tsv of a model directory */

/* units_path: lines "unit id", with each of 0 .. n_vocabulary-1 once.  pieces_path: NULL, or a file of lines
 * "piece<TAB>score" as sentencepiece's vocab files, where a first line "#model<TAB>bpe" says that scores rank merges
 * and are not log probabilities of a unigram model. */
LINNET_MUST_CHECK int units_open(struct vocab **out, const char *units_path, const char *pieces_path, int n_vocabulary,
                                 struct message *msg);

int units_find(const struct vocab *v, const char *name); /* the id of a unit, or -1 */

#endif
