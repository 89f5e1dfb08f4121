/* SPDX-License-Identifier: Apache-2.0
 * vocab.c - the table of vocabularies. */
#include "vocab/vocab.h"

#include <string.h>

/* clang-format off */
#define VOCABULARIES(X) \
    X(bpe) \
    X(units)
/* clang-format on */

#define DECLARE(name) extern const struct vocab_kind name##_vocab;
#define ENTRY(name) &name##_vocab,
VOCABULARIES(DECLARE)
static const struct vocab_kind *const kinds[] = {VOCABULARIES(ENTRY) NULL};

int vocab_open(struct vocab **out, const char *kind, const char *dir, int n, struct message *msg)
{
    for (const struct vocab_kind *const *k = kinds; *k != NULL; k++)
        if (strcmp((*k)->name, kind) == 0)
            return (*k)->open(out, dir, n, msg);
    return fail(msg, LINNET_E_MODEL, "there is no vocabulary of kind '%s'", kind);
}

void vocab_close(struct vocab *v)
{
    if (v != NULL)
        v->kind->close(v);
}

const char *vocab_token(const struct vocab *v, int id) { return v->kind->token(v, id); }

int vocab_text(const struct vocab *v, const int *ids, int n, int at_start, struct buffer *text)
{
    return v->kind->text(v, ids, n, at_start, text);
}

int vocab_words(const struct vocab *v, const int *ids, int n, int *ends) { return v->kind->words(v, ids, n, ends); }

int vocab_spell(const struct vocab *v, const char *text, int **ids, struct message *msg)
{
    return v->kind->spell(v, text, ids, msg);
}
