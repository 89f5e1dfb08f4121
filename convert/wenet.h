/* SPDX-License-Identifier: Apache-2.0
 * wenet.h - the pieces of converting a WeNet directory. */
#ifndef LINNET_CONVERT_WENET_H
#define LINNET_CONVERT_WENET_H

#include <jansson.h>

#include "convert/plan.h"

/* Plans every tensor that the config (of wenet_config_make) calls for, with the shape that follows from it.  Tensors of
 * the checkpoint that it does not call for are an error, but for those that hold no weights. */
int wenet_tensors_plan(struct plan *plan, const json_t *config, struct message *msg) LINNET_MUST_CHECK;

/* What names begin with in the checkpoint: "" or "model." and the like. */
const char *wenet_tensors_prefix(const struct checkpoint *c);

/* Adds cmvn.mean and cmvn.istd [n] from the statistics in the file at path: JSON or Kaldi's text. */
int wenet_cmvn_plan(struct plan *plan, const char *path, int n, struct message *msg) LINNET_MUST_CHECK;

/* Writes the pieces and scores of a sentencepiece model to the file at path, as units.h reads them. */
int sentencepiece_write(const char *model, const char *path, struct message *msg) LINNET_MUST_CHECK;

#endif
