/* SPDX-License-Identifier: Apache-2.0
 * model.h - families of models, and opening a model of any of them.
 *
 * A family is a file that ends in a const struct family, named in FAMILIES (model.c).  It reads the config.json of a
 * model directory and fills in the parts of struct linnet_model that its models have. */
#ifndef LINNET_MODELS_MODEL_H
#define LINNET_MODELS_MODEL_H

#include "base/config.h"
#include "base/facts.h"
#include "base/settings.h"
#include "decoders/common/model.h"

#define MODEL_DEFAULT "whisper-base" /* the program's where none is named */

/* For linnet_model_open. */
struct model_options {
    char *name; /* or path */
    int threads;
    int batch; /* recordings at a time; 0: as many as pay */
    enum precision precision;
};

extern const struct settings_table model_settings;

/* Where a model is opened from. */
struct model_source {
    struct config *config;
    const char *dir;
    const struct layer_source *layers;
};

struct family {
    const char *name; /* model_type in config.json */
    /* Fills in the parts; what is there after a failure is closed. */
    int (*open)(struct linnet_model *m, const struct model_source *from);
    void (*facts)(const struct linnet_model *m, struct facts *facts); /* what only this family has */
};

/* In the metadata of a quantized model's file: how many parameters it had. */
#define MODEL_PARAMETERS "linnet.parameters"

/* Opens a model in int8, the same on every processor, and lists its linear layers (nn/linear_stored.h), to be used
 * while it is open. */
LINNET_MUST_CHECK int model_open_listed(struct linnet_model **out, const char *path, struct linear_list *list,
                                        struct message *msg);

/* The family of the model in dir, by its config.json alone; the name is static. */
LINNET_MUST_CHECK int model_family(const char *dir, const char **name, struct message *msg);

/* The model once more, with threads of its own that give way to others (base/priority.h).  m must outlive it. */
LINNET_MUST_CHECK int model_open_low(struct linnet_model **out, const struct linnet_model *m, struct message *msg);
void model_close_low(struct linnet_model *low);

/* All settings, at their defaults: of the model and of the decoders. */
LINNET_MUST_CHECK int model_open_settings(struct settings *s, struct message *msg);

/* All that is known about the model, for `linnet info`. */
void model_facts(const struct linnet_model *m, struct facts *facts);

/* Copies the message of a negative rc to an error text of the public interface; returns rc. */
int model_report(int rc, const struct message *msg, char *error, size_t error_size);

#endif
