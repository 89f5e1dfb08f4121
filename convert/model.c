/* SPDX-License-Identifier: Apache-2.0
 * model.c - model directories as they are: another type for the matrices, or safetensors for the
 * pytorch_model.bin of older Hugging Face directories.  Everything else in the directory is copied. */
#include <string.h>

#include "base/file.h"
#include "convert/plan.h"
#include "convert/safetensors_checkpoint.h"
#include "convert/torch_file.h"
#include "convert/whisper.h"
#include "models/quantize.h"

static int has_safetensors(const char *dir)
{
    return file_exists_in(dir, "model.safetensors") || file_exists_in(dir, "model.safetensors.index.json");
}

static int recognizes(const char *source)
{
    return file_exists_in(source, "config.json") &&
           (has_safetensors(source) || file_exists_in(source, "pytorch_model.bin"));
}

/* All tensors as they are.  proj_out.weight is the embedding once more, for software that does not know that. */
static int plan_all(struct plan *plan, const struct checkpoint *c, struct message *msg)
{
    plan->checkpoint = c;
    for (size_t i = 0; i < checkpoint_count(c); i++) {
        const struct tensor *t = checkpoint_at(c, i);
        int rc = 0;
        if (strcmp(t->name, "proj_out.weight") != 0)
            rc = strlen(t->name) < PLAN_MAX_NAME
                     ? plan_add(plan, t->name, t->name, t->n_dims, t->shape, msg)
                     : fail(msg, LINNET_E_FORMAT, "%s: name of a tensor too long", checkpoint_path(c));
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int copy_others(const char *source, const char *dir, struct message *msg)
{
    static const char *const names[] = {"config.json",
                                        "generation_config.json",
                                        "preprocessor_config.json",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "vocab.json",
                                        "vocab.tiktoken",
                                        "vocabulary.json",
                                        "merges.txt",
                                        "units.txt",
                                        "pieces.tsv",
                                        "truncation_head.safetensors"};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && rc == 0; i++) {
        char path[FILE_MAX_PATH];
        if ((rc = file_in(path, source, names[i], msg)) == 0 && file_exists(path))
            rc = convert_copy(path, dir, names[i], msg);
    }
    return rc;
}

static int convert_dir(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct plan plan = {0};
    char path[FILE_MAX_PATH];
    int rc;
    if (has_safetensors(source) && (rc = model_is_quantized(source, msg)) != 0)
        return rc < 0
                   ? rc
                   : fail(msg, LINNET_E_ARGUMENT, "%s: is quantized; convert the model that it was made from", source);
    if (has_safetensors(source) && options->matrix_type == N_DTYPES && !options->quantize)
        return fail(msg, LINNET_E_ARGUMENT, "%s: is a model already and loads as it is", source);
    if ((rc = file_in(path, source, "pytorch_model.bin", msg)) < 0)
        return rc;
    rc = has_safetensors(source) ? safetensors_checkpoint_open(&c, source, msg) : torch_file_open(&c, path, msg);
    if (rc < 0)
        return rc;
    if ((rc = file_in(path, dir, "model.safetensors", msg)) == 0 && (rc = plan_all(&plan, c, msg)) == 0 &&
        (rc = plan_write(&plan, path, options->matrix_type, msg)) == 0)
        rc = copy_others(source, dir, msg);
    plan_close(&plan);
    checkpoint_close(c);
    return rc;
}

const struct convert_kind convert_model = {"model", 0, recognizes, convert_dir};
