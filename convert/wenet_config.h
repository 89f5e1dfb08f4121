/* SPDX-License-Identifier: Apache-2.0
 * wenet_config.h - WeNet's train.yaml to the config.json of a model.
 *
 * Every setting that changes what a model computes is written out, with WeNet's default where the file is silent; what
 * only concerns training is left out; what would change the result and cannot be computed here is refused by name. */
#ifndef LINNET_CONVERT_WENET_CONFIG_H
#define LINNET_CONVERT_WENET_CONFIG_H

#include <jansson.h>

#include "base/status.h"

/* train: the tree of a train.yaml; path is for messages.  The caller releases *config with json_decref. */
int wenet_config_make(const json_t *train, const char *path, json_t **config, struct message *msg) LINNET_MUST_CHECK;

/* Of a config that wenet_config_make made. */
int wenet_config_int(const json_t *config, const char *part,
                     const char *key); /* part NULL: of the top; 0 when absent */
int wenet_config_is(const json_t *config, const char *part, const char *key, const char *value);
int wenet_config_true(const json_t *config, const char *part, const char *key);

#endif
