/* SPDX-License-Identifier: Apache-2.0
 * units.h - the vocabulary of a WeNet model: units.txt, and the scores of its sentencepiece model where it has one.
 *
 * Four kinds of vocabulary are told apart by what is in them: pieces that carry the space before them (sentencepiece,
 * U+2581 "▁" in front), characters with a "▁" of its own between words, whole words without any (also with "@@" at the
 * end of what is not a word's end), and characters of a language that is written without spaces.  Does not change after
 * it is open. */
#ifndef LINNET_VOCAB_UNITS_H
#define LINNET_VOCAB_UNITS_H

#include "vocab/vocab.h"

struct units;

extern const struct vocab_kind units_vocab; /* units.txt and, where it is, pieces.tsv of a model directory */

/* units_path: lines "unit id", with each of 0 .. n_vocabulary-1 once.  pieces_path: NULL, or a file of lines
 * "piece<TAB>score" as sentencepiece's vocab files, where a first line "#model<TAB>bpe" says that scores rank merges
 * and are not log probabilities of a unigram model. */
LINNET_MUST_CHECK int units_open(struct units **out, const char *units_path, const char *pieces_path, int n_vocabulary,
                                 struct message *msg);
void units_close(struct units *u);

int units_count(const struct units *u);
const char *units_name(const struct units *u, int id);   /* the unit as it stands in the file */
int units_find(const struct units *u, const char *name); /* its id, or -1 */

/* Appends the text of ids [n].  at_start: without the space that may come first.  Blank, sos and eos have no text. */
LINNET_MUST_CHECK int units_text(const struct units *u, const int *ids, int n, int at_start, struct buffer *text);

/* Groups ids [n] into words: the i-th word ends before ends[i] (there is room for n); returns how many.  A character of
 * a script without spaces is a word. */
int units_words(const struct units *u, const int *ids, int n, int *ends);

/* Spells text with the units as the model's own tokenizer does: ids has room for at least units_spell_max(text).  Case
 * follows the vocabulary where the text as it is cannot be spelled.  Returns how many, or LINNET_E_ARGUMENT when it
 * cannot be spelled; the message tells which character is to blame. */
LINNET_MUST_CHECK int units_spell(const struct units *u, const char *text, int *ids, struct message *msg);
int units_spell_max(const char *text);

#endif
