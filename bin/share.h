/* SPDX-License-Identifier: Apache-2.0
 * share.h - a share of a data set's utterances, where several runs, on several machines, decode one.
 *
 * Of n utterances in order of ids, share I of N has those from n (I - 1) / N on and before n I / N, rounded down: as
 * many as any other or one less, and neighbours, which are often of one recording, stay together.  Nothing but the ids
 * and N decides.  A share may be empty. */
#ifndef LINNET_BIN_SHARE_H
#define LINNET_BIN_SHARE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

enum { SHARE_MOST = 1000000 };

/* Zeroed: all utterances. */
struct share {
    int index, n_shares; /* 1 <= index <= n_shares; 0 and 0: no share but all */
    int n_all;           /* utterances of all shares */
    uint64_t ids;        /* their fingerprint */
};

/* Reads "I/N".  Sets nothing else. */
int share_parse(struct share *s, const char *text, struct message *msg) LINNET_MUST_CHECK;

/* Goes on with a fingerprint, which begins as SHARE_NO_IDS, by the next id in their order (FNV-1a of 64 bits). */
#define SHARE_NO_IDS UINT64_C(0xcbf29ce484222325)
uint64_t share_add_id(uint64_t ids, const char *id);

/* The share's utterances: from *first on and before *end. */
void share_range(const struct share *s, int *first, int *end);

/* The comment in recipe.yaml that tells what a folder is a share of: appends it, or nothing where it is no share; reads
 * it, and is zeroed where there is none. */
int share_write(const struct share *s, struct buffer *out) LINNET_MUST_CHECK;
void share_read(struct share *s, const char *recipe);

/* Bytes of the recipe's text before that comment, and of those after it. */
void share_cut(const char *recipe, size_t *before, const char **after);

#endif
