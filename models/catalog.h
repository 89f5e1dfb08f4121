/* SPDX-License-Identifier: Apache-2.0
 * catalog.h - the published models: their names, where the Hugging Face hub has them, how large they are. */
#ifndef LINNET_MODELS_CATALOG_H
#define LINNET_MODELS_CATALOG_H

#include "base/parse.h"

struct catalog_entry {
    const char *name;       /* of its directory in the model cache */
    const char *brief;      /* what people call it: "small" */
    const char *repository; /* "owner/name" */
    int megabytes;          /* of 10^6 bytes, about: what a download takes */
    int is_english;         /* and nothing else */
};

extern const struct catalog_entry catalog[]; /* ends in zeros */

/* By name, brief name, repository, or another usual name ("turbo"); NULL: none. */
const struct catalog_entry *catalog_find(const char *name);

/* Offers the brief names, for a name that is not one. */
void catalog_offer(struct parse_nearest *nearest);

/* Whether it has the form owner/name that repositories have: letters, digits, '-', '_' and '.', no more than 96 each,
 * and neither side begins with a dot. */
int catalog_is_repository(const char *name);

/* The name in the model cache: of a repository that is not in the catalog "owner--name". */
void catalog_directory(const char *repository, char *name, int size);

#endif
