/* SPDX-License-Identifier: Apache-2.0
 * truncation_head.c - Simul-Whisper's truncation detection heads: one linear layer on encoder frames, {"weight" [1, D],
 * "bias" [1]} in a .pt file, to truncation_head.safetensors in the directory of the model that it belongs to. */
#include "base/file.h"
#include "convert/convert.h"
#include "convert/plan.h"
#include "convert/torch_file.h"
#include "nn/safetensors.h"

/* By its contents: a .pt file may be anything. */
static int recognizes(const char *source)
{
    struct checkpoint *c = NULL;
    if (!file_has_suffix(source, ".pt") || torch_file_open(&c, source, NULL) < 0)
        return 0;
    int is_head =
        checkpoint_count(c) == 2 && checkpoint_find(c, "weight") != NULL && checkpoint_find(c, "bias") != NULL;
    checkpoint_close(c);
    return is_head;
}

/* The width of the model in dir. */
static int model_width(const char *dir, int64_t *width, struct message *msg)
{
    struct safetensors *model = NULL;
    const struct tensor *norm = NULL;
    int rc = safetensors_open_dir(&model, dir, msg);
    if (rc < 0)
        return rc;
    rc = safetensors_get(model, "model.encoder.layer_norm.weight", 1, (const int64_t[]){-1}, &norm, msg);
    if (rc == 0)
        *width = norm->shape[0];
    safetensors_close(model);
    return rc;
}

static int convert_file(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct plan plan = {0};
    int64_t width = 0;
    char path[FILE_MAX_PATH];
    int rc = model_width(dir, &width, msg);
    if (rc < 0)
        return fail_in(msg, rc, "a truncation head is added to a converted Whisper model");
    if ((rc = torch_file_open(&c, source, msg)) < 0)
        return rc;
    plan.checkpoint = c;
    if ((rc = plan_add(&plan, "weight", "weight", 2, (const int64_t[]){1, width}, msg)) == 0 &&
        (rc = plan_add(&plan, "bias", "bias", 1, (const int64_t[]){1}, msg)) == 0 &&
        (rc = file_in(path, dir, "truncation_head.safetensors", msg)) == 0)
        rc = plan_write(&plan, path, options->matrix_type, msg);
    plan_close(&plan);
    checkpoint_close(c);
    return rc;
}

const struct convert_kind convert_truncation_head = {"Simul-Whisper truncation head", 1, recognizes, convert_file};
