/* SPDX-License-Identifier: Apache-2.0
 * hub.h - a repository of the Hugging Face hub: what is in it, and getting it.
 *
 * HF_ENDPOINT names another hub, HF_TOKEN is the user's token for it, which no other host gets to see.  What the hub
 * says is not trusted: of its files only those with plain names count, one that is longer than announced is cut off,
 * and it is there under its name only when its sum is right. */
#ifndef LINNET_BIN_HUB_H
#define LINNET_BIN_HUB_H

#include <stdint.h>

#include "base/status.h"

struct hub_file {
    char name[128]; /* letters, digits, '-', '_' and '.', which is not the first */
    uint64_t n_bytes;
    char sum[65]; /* hexadecimal: SHA-256, or with 40 digits git's name of the contents; "": of a small one unknown */
};

struct hub; /* a repository as it is now */

/* Who follows a transfer. */
struct hub_watch {
    void (*arrived)(void *arg, uint64_t n_bytes); /* of the file, so far */
    void *arg;
    int (*is_stopped)(void); /* the transfer is to end; what arrived stays */
};

/* Asks the hub about a repository, "owner/name". */
LINNET_MUST_CHECK int hub_open(struct hub **out, const char *repository, struct message *msg);
void hub_close(struct hub *h); /* NULL is fine */

int hub_count(const struct hub *h);
const struct hub_file *hub_at(const struct hub *h, int i);
const struct hub_file *hub_find(const struct hub *h, const char *name); /* NULL when not there */

/* Gets a file into the folder, or goes on where an earlier call was cut off. */
LINNET_MUST_CHECK int hub_get(struct hub *h, const struct hub_file *file, const char *folder,
                              const struct hub_watch *watch, struct message *msg);

/* How much of the file is in the folder. */
uint64_t hub_arrived(const struct hub_file *file, const char *folder);

#endif
