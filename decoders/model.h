/* SPDX-License-Identifier: Apache-2.0
 * model.h - an open model of either kind, as streams see it. */
#ifndef LINNET_DECODERS_MODEL_H
#define LINNET_DECODERS_MODEL_H

#include "base/pool.h"
#include "base/settings.h"
#include "base/status.h"

struct whisper_model;
struct hybrid_model;

/* What linnet_model_open is to be given. */
struct model_options {
    char *name; /* or path */
    int threads;
};
extern const struct settings_table model_settings;

/* Immutable after linnet_model_open, but for the pool, which may be used by several threads. */
struct linnet_model {
    const char *kind; /* "whisper" or "hybrid" */
    char *dir;
    char description[240];
    struct pool *pool;
    struct whisper_model *whisper; /* one of the two */
    struct hybrid_model *hybrid;
};

/* Where the model `name` lies: the path itself when there is such a directory, else NAME in the model cache
 * ($LINNET_MODELS, or ~/.cache/linnet/models).  The result is the caller's to mem_free. */
LINNET_MUST_CHECK int model_locate(char **dir, const char *name, struct message *msg);

#endif
