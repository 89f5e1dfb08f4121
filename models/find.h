/* SPDX-License-Identifier: Apache-2.0
 * find.h - from the name of a model to where it is.
 *
 * A name is the path of a model directory, or it is looked for, in this order:
 *     in the model cache     $LINNET_MODELS, $XDG_CACHE_HOME/linnet/models or ~/.cache/linnet/models: as it is, and by
 *                            its full name (small: whisper-small; owner/name: owner--name)
 *     in this folder         the file ggml-NAME.bin of whisper.cpp
 *     in the cache of the Hugging Face hub   $HF_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or
 *                            ~/.cache/huggingface/hub: the repository of that name, as refs/main has it, else any state
 * Last it is the path of a file, which may be a checkpoint.
 * XDG's base directory specification: a variable that is empty or no absolute path does not count. */
#ifndef LINNET_MODELS_FIND_H
#define LINNET_MODELS_FIND_H

#include "base/file.h"

struct model_place {
    char path[FILE_MAX_PATH];
    int is_file; /* not a model directory: `linnet convert` makes one of it */
};

/* What is found is found again by its path.  The message tells what was looked for and how to get the model. */
LINNET_MUST_CHECK int model_find(struct model_place *place, const char *name, struct message *msg);

/* The folder of the model cache, whether it is there or not; without HOME there may be none. */
LINNET_MUST_CHECK int model_cache(char path[FILE_MAX_PATH], struct message *msg);

/* The folder of the hub's cache; 0: there is none. */
int model_hub_cache(char path[FILE_MAX_PATH]);

/* Where the hub's cache has that repository, "owner/name", with configuration and weights; 0: it has not. */
int model_in_hub_cache(char path[FILE_MAX_PATH], const char *repository);

#endif
