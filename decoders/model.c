/* SPDX-License-Identifier: Apache-2.0
 * model.c - opening a model of any kind. */
#include "decoders/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sized.h"
#include "decoders/hybrid_model.h"
#include "decoders/whisper_model.h"

static const struct setting settings[] = {
    {"model", SETTING_TEXT, offsetof(struct model_options, name), "", 0, 0, NULL,
     "model directory, or the name of one in the model cache"},
    {"threads", SETTING_INT, offsetof(struct model_options, threads), "0", 0, 1024, NULL,
     "threads to use; 0: one for each processor"},
    {0}};

const struct settings_table model_settings = {"Model", sizeof(struct model_options), settings};

int model_locate(char **dir, const char *name, struct message *msg)
{
    char path[FILE_MAX_PATH];
    const char *cache = getenv("LINNET_MODELS"), *home = getenv("HOME");
    if (!file_is_folder(name) && strchr(name, '/') == NULL) {
        if (cache != NULL && *cache != '\0')
            snprintf(path, sizeof path, "%s/%s", cache, name);
        else
            snprintf(path, sizeof path, "%s/.cache/linnet/models/%s", home != NULL ? home : "", name);
    } else {
        snprintf(path, sizeof path, "%s", name);
    }
    if (!file_is_folder(path) && !file_exists(path))
        return fail(msg, LINNET_E_IO, "%s: there is no such model%s%s", name, strcmp(path, name) ? ", nor " : "",
                    strcmp(path, name) ? path : "");
    if (!file_is_folder(path))
        return fail(msg, LINNET_E_MODEL, "%s: a model is a directory; 'linnet convert' makes one of a checkpoint",
                    name);
    *dir = mem_string(path);
    return *dir != NULL ? LINNET_OK : fail_memory(msg);
}

static void describe_whisper(struct linnet_model *m)
{
    const struct whisper_config *c = &m->whisper->config;
    snprintf(m->description, sizeof m->description,
             "Whisper, %s, %d mel bins, encoder %d x %d, decoder %d x %d, %d tokens",
             m->whisper->vocab->special.n_languages > 0 ? "multilingual" : "English only", c->n_mels, c->encoder_layers,
             c->d_model, c->decoder_layers, c->d_model, c->n_vocab);
}

static int open_kind(struct linnet_model *m, struct message *msg)
{
    char type[64];
    int rc = whisper_config_kind(m->dir, type, sizeof type, msg);
    if (rc < 0)
        return rc;
    if (strcmp(type, "whisper") == 0) {
        m->kind = "whisper";
        if ((rc = whisper_model_open(&m->whisper, m->dir, m->pool, msg)) < 0)
            return rc;
        describe_whisper(m);
        return LINNET_OK;
    }
    if (strcmp(type, "wenet") == 0) {
        m->kind = "hybrid";
        if ((rc = hybrid_model_open(&m->hybrid, m->dir, m->pool, msg)) < 0)
            return rc;
        hybrid_model_describe(m->hybrid, m->description, sizeof m->description);
        return LINNET_OK;
    }
    return fail(msg, LINNET_E_MODEL, "%s/config.json: model_type '%s' is not one that is known: whisper, wenet", m->dir,
                type);
}

void linnet_model_options_init(struct linnet_model_options *options)
{
    *options = (struct linnet_model_options){.size = sizeof *options};
}

/* Tells the caller what was wrong; returns rc. */
static int report(int rc, const struct message *msg, char *error, size_t error_size)
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
        return report(fail(&msg, LINNET_E_ARGUMENT, "bad argument"), &msg, error, error_size);
    struct linnet_model *m = mem_array(1, sizeof *m);
    if (m == NULL)
        return report(fail_memory(&msg), &msg, error, error_size);
    int n_threads = mine.n_threads > 0 ? mine.n_threads : pool_processors(), rc = pool_open(&m->pool, n_threads);
    if (rc < 0)
        fail(&msg, rc, "a pool of %d threads: %s", n_threads, linnet_strerror(rc));
    if (rc >= 0)
        rc = model_locate(&m->dir, path, &msg);
    if (rc >= 0)
        rc = open_kind(m, &msg);
    if (rc < 0)
        linnet_model_close(m);
    else
        *model = m;
    return report(rc, &msg, error, error_size);
}

int linnet_model_info(const linnet_model *m, struct linnet_model_info *info)
{
    if (m == NULL)
        return LINNET_E_ARGUMENT;
    struct linnet_model_info all = {.kind = m->kind, .description = m->description};
    all.sample_rate_hz = 16000;
    all.n_threads = pool_threads(m->pool);
    if (m->whisper != NULL) {
        all.n_mels = m->whisper->config.n_mels;
        all.n_vocabulary = m->whisper->config.n_vocab;
        all.frame_s = 0.02;
        all.n_parameters = whisper_model_parameters(m->whisper);
        all.n_weight_bytes = whisper_model_bytes(m->whisper);
    }
    if (m->hybrid != NULL) {
        all.n_mels = m->hybrid->config.n_features;
        all.n_vocabulary = m->hybrid->n_vocabulary;
        all.frame_s = m->hybrid->frame_s;
        all.n_parameters = m->hybrid->n_parameters;
        all.n_weight_bytes = hybrid_model_bytes(m->hybrid);
    }
    return sized_give(&all, sizeof all, info);
}

void linnet_model_close(linnet_model *m)
{
    if (m == NULL)
        return;
    whisper_model_close(m->whisper);
    hybrid_model_close(m->hybrid);
    pool_close(m->pool);
    mem_free(m->dir);
    mem_free(m);
}
