/* SPDX-License-Identifier: Apache-2.0
 * model.c - the table of families, and opening a model of any of them. */
#include "models/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sized.h"
#include "decoders/ctc/layer.h"
#include "decoders/decoder.h"
#include "decoders/segmental/boundary.h"
#include "decoders/segmental/length_model.h"
#include "frontend/mix.h"
#include "models/detector.h"
#include "models/find.h"
#include "nn/linear_stored.h"
#include "nn/text_batch.h"

/* clang-format off */
#define FAMILIES(X) \
    X(whisper) \
    X(wenet)
/* clang-format on */

#define DECLARE(name) extern const struct family name##_family;
#define ENTRY(name) &name##_family,
#define COMMA_NAME(name) ", " #name
FAMILIES(DECLARE)
static const struct family *const families[] = {FAMILIES(ENTRY) NULL};
static const char names[] = FAMILIES(COMMA_NAME);

static const struct setting settings[] = {
    {"model", SETTING_TEXT, offsetof(struct model_options, name), "", 0, 0, NULL,
     "model directory, or the name of one: see 'linnet models'"},
    {"threads", SETTING_INT, offsetof(struct model_options, threads), "0", 0, 1024, NULL,
     "threads to use; 0: one for each processor"},
    {"batch", SETTING_INT, offsetof(struct model_options, batch), "0", 0, TEXT_BATCH_MOST, NULL,
     "recordings decoded at a time; above 1 long ones are cut at silences; 0: as many as pay, none cut"},
    {"precision", SETTING_CHOICE, offsetof(struct model_options, precision), "auto", 0, 0, SETTING_CHOICES(PRECISIONS),
     "of products: single, bf16, 8-bit, or what is fastest on this processor"},
    {0}};

const struct settings_table model_settings = {"Model", sizeof(struct model_options), settings};

int model_open_settings(struct settings *s, struct message *msg)
{
    static const struct settings_table *const tables[] = {&model_settings, &mix_settings, NULL};
    int rc = settings_open(s, tables, msg);
    if (rc >= 0)
        rc = decoder_add_settings(s, msg);
    if (rc < 0)
        settings_close(s);
    return rc;
}

static int locate(char **dir, const char *name, struct message *msg)
{
    struct model_place place;
    int rc = model_find(&place, name, msg);
    if (rc < 0)
        return rc;
    if (place.is_file)
        return fail(msg, LINNET_E_MODEL, "%s: a model is a directory; 'linnet convert' makes one of a checkpoint",
                    place.path);
    *dir = mem_string(place.path);
    return *dir != NULL ? LINNET_OK : fail_memory(msg);
}

/* ---- opening ---- */

struct opening {
    const char *precision;
    int n_threads;
    struct linear_list *list; /* of the layers, or NULL */
};

static const struct family *family_find(struct config *config)
{
    const char *type = config_text(config, "model_type");
    for (const struct family *const *f = families; *f != NULL; f++)
        if (strcmp((*f)->name, type) == 0)
            return *f;
    if (config->rc >= 0)
        config->rc = fail(config->msg, LINNET_E_MODEL, "%s: model_type '%.60s' is not one that is known: %s",
                          config->path, type, names + 2);
    return NULL;
}

int model_family(const char *dir, const char **name, struct message *msg)
{
    struct config config = {0};
    const struct family *family = NULL;
    int rc = config_open(&config, dir, msg);
    if (rc >= 0 && (family = family_find(&config)) == NULL)
        rc = config.rc;
    if (rc >= 0)
        *name = family->name;
    config_close(&config);
    return rc;
}

/* What to compute in: as wanted, but a model that is stored for int8 runs in nothing else. */
static int precision_take(struct linnet_model *m, const char *wanted, struct message *msg)
{
    int rc = precision_find(&m->precision, wanted, msg), stored = rc < 0 ? 0 : linear_stored_in(m->weights, msg);
    if (rc < 0 || stored < 0)
        return rc < 0 ? rc : fail_in(msg, stored, m->dir);
    if (!stored)
        return LINNET_OK;
    m->is_quantized = 1;
    if (strcmp(wanted, "auto") != 0 && m->precision != PRECISION_INT8)
        return fail(msg, LINNET_E_UNSUPPORTED,
                    "%s: is quantized: it runs with precision int8 alone, %s needs the model that it was made from",
                    m->dir, wanted);
    m->precision = PRECISION_INT8;
    return LINNET_OK;
}

static void count_parameters(struct linnet_model *m)
{
    const char *number = m->is_quantized ? safetensors_metadata(m->weights, MODEL_PARAMETERS) : NULL;
    m->n_parameters = number != NULL ? strtoull(number, NULL, 10) : 0;
    for (size_t i = 0; number == NULL && i < safetensors_count(m->weights); i++)
        m->n_parameters += tensor_elements(safetensors_at(m->weights, i));
}

static int parts_open(struct linnet_model *m, struct config *config, const struct opening *how, struct message *msg)
{
    m->family = family_find(config);
    if (m->family == NULL)
        return config->rc;
    int rc = safetensors_open_dir(&m->weights, m->dir, msg);
    if (rc < 0)
        return rc;
    if ((rc = precision_take(m, how->precision, msg)) < 0)
        return rc;
    count_parameters(m);
    const struct layer_source layers = {m->weights, m->precision, m->pool, msg, how->list};
    return m->family->open(m, &(const struct model_source){config, m->dir, &layers});
}

static int open_in(struct linnet_model *m, const char *path, const struct opening *how, struct message *msg)
{
    struct config config = {0};
    enum precision p;
    int rc = precision_find(&p, how->precision, msg); /* before anything is opened */
    if (rc < 0)
        return rc;
    if ((rc = pool_open(&m->pool, how->n_threads)) < 0)
        return fail(msg, rc, "a pool of %d threads: %s", how->n_threads, linnet_strerror(rc));
    if ((rc = locate(&m->dir, path, msg)) >= 0 && (rc = config_open(&config, m->dir, msg)) >= 0)
        rc = parts_open(m, &config, how, msg);
    config_close(&config);
    return rc;
}

static int model_open(struct linnet_model **out, const char *path, const struct opening *how, struct message *msg)
{
    struct linnet_model *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return fail_memory(msg);
    int rc = open_in(m, path, how, msg);
    if (rc < 0)
        linnet_model_close(m);
    else
        *out = m;
    return rc;
}

int model_open_listed(struct linnet_model **out, const char *path, struct linear_list *list, struct message *msg)
{
    const struct opening how = {precision_name(PRECISION_INT8), pool_processors(), list};
    return model_open(out, path, &how, msg);
}

void linnet_model_options_init(struct linnet_model_options *options)
{
    *options = (struct linnet_model_options){.size = sizeof *options};
}

int model_report(int rc, const struct message *msg, char *error, size_t error_size)
{
    if (rc < 0 && error != NULL && error_size > 0)
        snprintf(error, error_size, "%s", msg->text);
    return rc;
}

int linnet_model_open(const char *path, const struct linnet_model_options *options, linnet_model **model, char *error,
                      size_t error_size)
{
    struct message msg = {""};
    struct linnet_model_options mine;
    linnet_model_options_init(&mine);
    if (path == NULL || model == NULL || sized_take(&mine, sizeof mine, options) < 0)
        return model_report(fail(&msg, LINNET_E_ARGUMENT, "bad argument"), &msg, error, error_size);
    const struct opening how = {mine.precision != NULL ? mine.precision : "auto",
                                mine.n_threads > 0 ? mine.n_threads : pool_processors(), NULL};
    return model_report(model_open(model, path, &how, &msg), &msg, error, error_size);
}

void linnet_model_close(linnet_model *m)
{
    if (m == NULL)
        return;
    encoder_close(m->encoder);
    vocab_close(m->vocab);
    ctc_layer_close(m->ctc);
    text_decoder_close(m->left);
    text_decoder_close(m->right);
    boundary_close(m->boundary);
    length_counts_close(m->lengths);
    mem_free(m->lengths);
    mem_free(m->named_heads.index);
    mem_free(m->upper_heads.index);
    mem_free(m->truncation_weight);
    safetensors_close(m->weights);
    pool_close(m->pool);
    mem_free(m->dir);
    mem_free(m);
}

int model_open_low(struct linnet_model **out, const struct linnet_model *m, struct message *msg)
{
    struct linnet_model *low = mem_array(1, sizeof *low);
    if (low == NULL)
        return fail_memory(msg);
    *low = *m; /* all of it is immutable, and m's, but for the pool */
    if (pool_open_low(&low->pool, pool_threads(m->pool)) < 0) {
        mem_free(low);
        return fail_memory(msg);
    }
    *out = low;
    return LINNET_OK;
}

void model_close_low(struct linnet_model *low)
{
    if (low == NULL)
        return;
    pool_close(low->pool);
    mem_free(low);
}

/* ---- what a model is ---- */

static size_t weight_bytes(const struct linnet_model *m)
{
    return encoder_bytes(m->encoder) + (m->ctc != NULL ? linear_bytes(&m->ctc->linear) : 0) +
           (m->left != NULL ? text_decoder_bytes(m->left) : 0) + (m->right != NULL ? text_decoder_bytes(m->right) : 0);
}

int linnet_model_info(const linnet_model *m, struct linnet_model_info *info)
{
    if (m == NULL)
        return LINNET_E_ARGUMENT;
    struct linnet_model_info all = {.kind = m->family->name,
                                    .description = m->description,
                                    .sample_rate_hz = m->features.rate_hz,
                                    .n_mels = m->features.n_mels,
                                    .n_vocabulary = m->vocab->n,
                                    .frame_s = model_frame_s(m),
                                    .n_threads = pool_threads(m->pool),
                                    .precision = precision_name(m->precision),
                                    .n_parameters = m->n_parameters,
                                    .n_weight_bytes = weight_bytes(m)};
    return sized_give(&all, sizeof all, info);
}

/* Decoders that suit the model, the default first; for streams: those with partial results. */
static void decoder_facts(const struct linnet_model *m, const char *name, int streaming, struct facts *f)
{
    const struct decoder *d;
    facts_list_begin(f, name);
    for (int i = 0; (d = decoder_at(i)) != NULL; i++)
        if (model_lacks(m, d->needs) == NULL && !(streaming && d->is_whole_only))
            facts_list_text(f, d->name);
    facts_list_end(f);
}

void model_facts(const struct linnet_model *m, struct facts *f)
{
    char text[120];
    facts_text(f, "directory", m->dir);
    facts_text(f, "kind", m->family->name);
    facts_text(f, "description", m->description);
    facts_number(f, "parameters", (double)m->n_parameters, 0);
    facts_text(f, "precision", precision_name(m->precision));
    facts_text(f, "quantized", m->is_quantized ? "yes" : "no");
    facts_number(f, "weight_bytes", (double)weight_bytes(m), 0);
    facts_number(f, "sample_rate_hz", m->features.rate_hz, 0);
    facts_number(f, "mel_bins", m->features.n_mels, 0);
    facts_number(f, "frame_s", model_frame_s(m), 4);
    facts_number(f, "vocabulary", m->vocab->n, 0);
    decoder_facts(m, "decoders", 0, f);
    decoder_facts(m, "streaming_decoders", 1, f);
    m->family->facts(m, f);
    snprintf(text, sizeof text, "%s, frames of %g ms every %g ms", m->features.kind->title, m->features.length_ms,
             m->features.shift_ms);
    facts_text(f, "front_end", text);
    detector_facts(f);
}
