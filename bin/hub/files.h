/* SPDX-License-Identifier: Apache-2.0
 * files.h - what the hub's API says about a repository. */
#ifndef LINNET_BIN_HUB_FILES_H
#define LINNET_BIN_HUB_FILES_H

#include "base/buffer.h"
#include "bin/hub.h"

struct hub_files {
    struct hub_file *at; /* [n] those with plain names */
    int n, room;
    int n_unknown;     /* the sizes were not in the answer */
    char revision[65]; /* the commit */
};

/* Reads the answer to /api/models/REPOSITORY/revision/main?blobs=true. */
LINNET_MUST_CHECK int hub_files_read(struct hub_files *files, const struct buffer *answer, struct message *msg);

/* Reads the answer to /api/models/REPOSITORY/tree/REVISION, for hubs that give no sizes in the other, whose files
 * it takes the place of. */
LINNET_MUST_CHECK int hub_files_read_tree(struct hub_files *files, const struct buffer *answer, struct message *msg);

void hub_files_free(struct hub_files *files);

#endif
