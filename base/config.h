/* SPDX-License-Identifier: Apache-2.0
 * config.h - the config.json of a model directory, read with every value checked.
 *
 * A struct config stands at one object of the file.  The first value that is missing, of another type or out of range
 * sets `rc` and the message; later reads do nothing, so that a caller reads all it needs and looks at rc once. */
#ifndef LINNET_BASE_CONFIG_H
#define LINNET_BASE_CONFIG_H

#include "base/file.h"

struct json_t;

struct config {
    const struct json_t *at;  /* the object */
    struct json_t *root;      /* of the file; NULL in what config_in returns */
    char path[FILE_MAX_PATH]; /* of the file, for messages */
    struct message *msg;
    int rc;
};

/* Opens dir/config.json. */
LINNET_MUST_CHECK int config_open(struct config *c, const char *dir, struct message *msg);
void config_close(struct config *c); /* zeroed and half-opened ones too */

/* The object under key, with an rc of its own; bad where there is none. */
struct config config_in(const struct config *c, const char *key);
int config_has(const struct config *c, const char *key);

int config_int(struct config *c, const char *key, int low, int high);             /* low when bad */
double config_number(struct config *c, const char *key, double low, double high); /* low when bad */
int config_bool(struct config *c, const char *key);
const char *config_text(struct config *c, const char *key); /* "" when bad; lives as long as the file */

/* The index of the text among choices such as "relu|swish|gelu". */
int config_choice(struct config *c, const char *key, const char *choices);

#endif
