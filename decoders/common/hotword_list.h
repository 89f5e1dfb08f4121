/* SPDX-License-Identifier: Apache-2.0
 * hotword_list.h - hotwords as people write them: phrases with a bonus, from a file or one by one, and the graph of
 * them.
 *
 * The file (base/lines.h) has a phrase a line, with a bonus behind a tab where it differs from the default; empty lines
 * and lines that start with '#' and a space are left out. */
#ifndef LINNET_DECODERS_COMMON_HOTWORD_LIST_H
#define LINNET_DECODERS_COMMON_HOTWORD_LIST_H

#include "decoders/common/hotwords.h"
#include "vocab/vocab.h"

/* A zeroed struct is an empty list. */
struct hotword_list {
    char **phrases; /* [n] */
    double *bonus;  /* [n] natural log, for each token */
    int n, room_phrases, room_bonus;
};

LINNET_MUST_CHECK int hotword_list_add(struct hotword_list *l, const char *phrase, double bonus, struct message *msg);

/* Adds those of the file; where that fails the list is empty. */
LINNET_MUST_CHECK int hotword_list_read(struct hotword_list *l, const char *path, double default_bonus,
                                        struct message *msg);
void hotword_list_free(struct hotword_list *l);

/* The graph of all phrases that the vocabulary can spell.  Returns how many those are; the others are appended to
 * unspelled, a line each with the reason (NULL: not wanted). */
LINNET_MUST_CHECK int hotword_list_graph(const struct hotword_list *l, const struct vocab *vocab, struct hotwords **out,
                                         struct buffer *unspelled, struct message *msg);

#endif
