/* SPDX-License-Identifier: Apache-2.0
 * yaml_tree.h - a YAML file as the JSON values that it stands for. */
#ifndef LINNET_BASE_YAML_TREE_H
#define LINNET_BASE_YAML_TREE_H

#include <jansson.h>

#include "base/status.h"

/* Reads the one document of the file at path; the caller releases *root with json_decref. */
int yaml_tree_read(const char *path, json_t **root, struct message *msg) LINNET_MUST_CHECK;

#endif
