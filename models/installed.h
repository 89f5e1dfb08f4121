/* SPDX-License-Identifier: Apache-2.0
 * installed.h - the models that are there: in the model cache, in the Hugging Face hub's, and whisper.cpp's files in
 * this folder. */
#ifndef LINNET_MODELS_INSTALLED_H
#define LINNET_MODELS_INSTALLED_H

#include <stdint.h>

#include "base/file.h"

struct installed {
    char name[256]; /* by which model_find finds it */
    char path[FILE_MAX_PATH];
    const char *family, *precision; /* as it is stored; family "": it cannot be used */
    uint64_t n_bytes;               /* of the weights */
};

struct installed_list {
    struct installed *at; /* [n] by place, then by name */
    int n, room;
};

LINNET_MUST_CHECK int installed_read(struct installed_list *list, struct message *msg);
void installed_free(struct installed_list *list);

#endif
