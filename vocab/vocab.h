/* SPDX-License-Identifier: Apache-2.0
 * vocab.h - what every vocabulary is to the stages around it: ids to text and words, text to ids.
 *
 * A vocabulary is a struct that begins with a struct vocab, and a const struct vocab_kind at the end of its file, named
 * in VOCABULARIES.  It does not change after opening and may be used by many threads. */
#ifndef LINNET_VOCAB_VOCAB_H
#define LINNET_VOCAB_VOCAB_H

#include "base/buffer.h"
#include "base/status.h"

struct vocab {
    const struct vocab_kind *kind;
    int n;         /* ids are 0 .. n - 1 */
    int has_tasks; /* there are tokens for languages, tasks and times */
};

struct vocab_kind {
    const char *name;
    int (*open)(struct vocab **out, const char *dir, int n, struct message *msg);
    void (*close)(struct vocab *v);
    const char *(*token)(const struct vocab *v, int id);
    int (*text)(const struct vocab *v, const int *ids, int n, int at_start, struct buffer *text);
    int (*words)(const struct vocab *v, const int *ids, int n, int *ends);
    int (*spell)(const struct vocab *v, const char *text, int **ids, struct message *msg);
};

/* Opens the vocabulary of that kind of the model in dir, which has n ids. */
LINNET_MUST_CHECK int vocab_open(struct vocab **out, const char *kind, const char *dir, int n, struct message *msg);
void vocab_close(struct vocab *v); /* NULL is fine */

const char *vocab_token(const struct vocab *v, int id); /* as it stands in the model's files */

/* Appends the text of ids [n].  at_start: without the space that may come first.  Special tokens have no text. */
LINNET_MUST_CHECK int vocab_text(const struct vocab *v, const int *ids, int n, int at_start, struct buffer *text);

/* Groups ids [n] into words: the i-th word ends before ends[i] (there is room for n); returns how many. */
LINNET_MUST_CHECK int vocab_words(const struct vocab *v, const int *ids, int n, int *ends);

/* Spells text as the model's own tokenizer does.  Returns how many ids there are, which are the caller's to mem_free,
 * or LINNET_E_ARGUMENT when it cannot be spelled; the message names the character. */
LINNET_MUST_CHECK int vocab_spell(const struct vocab *v, const char *text, int **ids, struct message *msg);

#endif
