/* SPDX-License-Identifier: Apache-2.0
 * destination.h - where the results of a run go, and in which formats: found out and tried before any work. */
#ifndef LINNET_BIN_DESTINATION_H
#define LINNET_BIN_DESTINATION_H

#include "bin/options.h"
#include "bin/output.h"

#define DESTINATION_COUNT(name) +1
enum { DESTINATION_MOST = OUTPUT_FORMATS(DESTINATION_COUNT) };

#define DESTINATION_CHOICES (&(OUTPUT_FORMATS(OUTPUT_NAME) "|all")[1]) /* "txt|json|...|all" */

struct destination {
    const struct output_format *formats[DESTINATION_MOST]; /* [n] in the order of the table */
    int n;
    const char *folder; /* NULL: standard output */
    int is_array;       /* JSON of several recordings there */
};

/* Each list is names with commas between them; none: txt.  LINNET_E_ARGUMENT where one is none, or where the results of
 * the recordings at paths [n] cannot all go there: into one stream, or into files of their own. */
LINNET_MUST_CHECK int destination_choose(struct destination *d, const struct option_list *lists, const char *folder,
                                         int n, char **paths, struct message *msg);

/* Makes the folder, if there is to be one, and a file in it, which is removed again. */
LINNET_MUST_CHECK int destination_try(const struct destination *d, struct message *msg);

#endif
