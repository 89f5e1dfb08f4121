/* SPDX-License-Identifier: Apache-2.0
 * wenet.c - WeNet directories: train.yaml, units.txt, global_cmvn, a checkpoint and maybe a sentencepiece model.
 *
 * Makes model.safetensors (WeNet's own tensor names, and cmvn.mean, cmvn.istd [input_dim]), config.json (see
 * wenet_config.h), units.txt and pieces.tsv.  File names in train.yaml are of the machine that trained: their last part
 * is looked for in the directory. */
#include "convert/wenet.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml_tree.h"
#include "convert/convert.h"
#include "convert/torch_file.h"
#include "convert/wenet_config.h"
#include "convert/whisper.h"
#include "vocab/units.h"

struct source {
    char dir[FILE_MAX_PATH], checkpoint[FILE_MAX_PATH];
    json_t *train, *config;
};

/* dir/name; a name with folders counts from its last part. */
static const char *in_dir(char path[FILE_MAX_PATH], const char *dir, const char *name)
{
    const char *slash = strrchr(name, '/');
    snprintf(path, FILE_MAX_PATH, "%.3000s/%.1000s", dir, slash != NULL ? slash + 1 : name);
    return path;
}

/* The directory of a source that is a checkpoint file, or the source itself. */
static void find_dir(const char *source, char dir[FILE_MAX_PATH])
{
    const char *slash = strrchr(source, '/');
    if (!file_has_suffix(source, ".pt") && !file_has_suffix(source, ".zip"))
        snprintf(dir, FILE_MAX_PATH, "%s", source);
    else
        snprintf(dir, FILE_MAX_PATH, "%.*s", slash != NULL ? (int)(slash - source) : 1, slash != NULL ? source : ".");
}

static int recognizes(const char *source)
{
    char dir[FILE_MAX_PATH], path[FILE_MAX_PATH];
    find_dir(source, dir);
    return strlen(source) < FILE_MAX_PATH - 1 &&
           (file_exists(in_dir(path, dir, "train.yaml")) || file_has_suffix(source, ".zip") ||
            file_exists_in(source, "final.zip"));
}

/* final.pt, or the only checkpoint that is there. */
static int find_checkpoint(struct source *s, const char *source, struct message *msg)
{
    if (!file_is_folder(source)) {
        snprintf(s->checkpoint, FILE_MAX_PATH, "%s", source);
        return 0;
    }
    if (file_exists(in_dir(s->checkpoint, s->dir, "final.pt")))
        return 0;
    int n = 0;
    DIR *d = opendir(s->dir);
    const struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL)
        if (file_has_suffix(e->d_name, ".pt")) {
            in_dir(s->checkpoint, s->dir, e->d_name);
            n++;
        }
    if (d != NULL)
        closedir(d);
    if (n == 0 && file_exists(in_dir(s->checkpoint, s->dir, "final.zip")))
        n = 1;
    if (n == 1)
        return 0;
    return fail(msg, LINNET_E_MODEL,
                n == 0 ? "%s: no checkpoint (final.pt) in it"
                       : "%s: several checkpoints and no final.pt: name the one to convert",
                s->dir);
}

/* Archives of WeNet's runtime are programs: the error names what they were made from. */
static int refuse_program(const struct source *s, struct message *msg)
{
    struct checkpoint *c = NULL;
    int rc = file_has_suffix(s->checkpoint, ".zip") ? torch_file_open(&c, s->checkpoint, msg) : LINNET_OK;
    checkpoint_close(c);
    return rc;
}

/* Where the statistics of the features are, or "" when the model uses none. */
static void find_cmvn(const struct source *s, char path[FILE_MAX_PATH])
{
    const json_t *name = json_object_get(json_object_get(s->train, "cmvn_conf"), "cmvn_file");
    if (name == NULL)
        name = json_object_get(s->train, "cmvn_file"); /* until 2023 */
    const char *kind = json_string_value(json_object_get(s->train, "cmvn"));
    path[0] = '\0';
    if (json_is_string(name) || (kind != NULL && strcmp(kind, "global_cmvn") == 0))
        in_dir(path, s->dir, json_is_string(name) ? json_string_value(name) : "global_cmvn");
}

static int write_tensors(const struct source *s, const char *dir, const struct convert_options *options,
                         struct message *msg)
{
    struct checkpoint *c = NULL;
    struct plan plan = {0};
    char path[FILE_MAX_PATH], cmvn[FILE_MAX_PATH];
    int rc = torch_file_open(&c, s->checkpoint, msg);
    if (rc < 0)
        return rc;
    plan.checkpoint = c;
    rc = wenet_tensors_plan(&plan, s->config, msg);
    int has_cmvn = plan.n > 0 && strncmp(plan.items[plan.n - 1].name, "cmvn.", 5) == 0;
    find_cmvn(s, cmvn);
    if (rc == 0 && !has_cmvn && cmvn[0] != '\0')
        rc = wenet_cmvn_plan(&plan, cmvn, wenet_config_int(s->config, NULL, "input_dim"), msg);
    if (rc == 0)
        rc = plan_write(&plan, in_dir(path, dir, "model.safetensors"), options->matrix_type, msg);
    plan_close(&plan);
    checkpoint_close(c);
    return rc;
}

/* Which units stand for blank and the ends is in train.yaml; where it is silent, units.txt says so by their names. */
static int take_ids(struct source *s, const struct vocab *units, const char *path, struct message *msg)
{
    const json_t *special = json_object_get(json_object_get(s->train, "tokenizer_conf"), "special_tokens");
    const struct {
        const char *key, *names[2];
        const json_t *given;
    } ids[] = {
        {"blank", {"<blank>", "<blk>"}, json_object_get(json_object_get(s->train, "ctc_conf"), "ctc_blank_id")},
        {"sos", {"<sos/eos>", "<sos>"}, json_object_get(special, "<sos>")},
        {"eos", {"<sos/eos>", "<eos>"}, json_object_get(special, "<eos>")},
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        int id = units_find(units, ids[i].names[0]), old = wenet_config_int(s->config, NULL, ids[i].key);
        if (id < 0)
            id = units_find(units, ids[i].names[1]);
        if (id >= 0 && id != old && json_is_integer(ids[i].given))
            return fail(msg, LINNET_E_FORMAT, "%s: '%s' is unit %d, but %s is %d in train.yaml", path,
                        vocab_token(units, id), id, ids[i].key, old);
        if (id >= 0)
            json_object_set_new(s->config, ids[i].key, json_integer(id));
    }
    return LINNET_OK;
}

/* units.txt, checked against the size of the model's output. */
static int write_units(struct source *s, const char *dir, struct message *msg)
{
    const json_t *tokenizer = json_object_get(s->train, "tokenizer_conf");
    const char *name = json_string_value(json_object_get(tokenizer, "symbol_table_path"));
    const char *bpe = json_string_value(json_object_get(tokenizer, "bpe_path"));
    char path[FILE_MAX_PATH], pieces[FILE_MAX_PATH];
    struct vocab *units = NULL;
    in_dir(path, s->dir, name != NULL ? name : "units.txt");
    if (!file_exists(path))
        in_dir(path, s->dir, "units.txt");
    int rc = units_open(&units, path, NULL, wenet_config_int(s->config, NULL, "output_dim"), msg);
    if (rc == 0)
        rc = take_ids(s, units, path, msg);
    vocab_close(units);
    if (rc == 0)
        rc = convert_copy(path, dir, "units.txt", msg);
    if (rc < 0 || bpe == NULL)
        return rc;
    if (!file_exists(in_dir(path, s->dir, bpe)))
        return fail(msg, LINNET_E_MODEL, "%s: no %s, which train.yaml names as bpe_path", s->dir, bpe);
    return sentencepiece_write(path, in_dir(pieces, dir, "pieces.tsv"), msg);
}

static int convert_dir(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct source s = {.train = NULL};
    char path[FILE_MAX_PATH];
    find_dir(source, s.dir);
    int rc;
    if ((rc = find_checkpoint(&s, source, msg)) < 0 || (rc = refuse_program(&s, msg)) < 0 ||
        (rc = yaml_tree_read(in_dir(path, s.dir, "train.yaml"), &s.train, msg)) < 0)
        return rc;
    if ((rc = wenet_config_make(s.train, path, &s.config, msg)) == 0 &&
        (rc = write_tensors(&s, dir, options, msg)) == 0 && (rc = write_units(&s, dir, msg)) == 0)
        rc = convert_write_json(dir, "config.json", json_incref(s.config), msg);
    json_decref(s.train);
    json_decref(s.config);
    return rc;
}

const struct convert_kind convert_wenet = {"WeNet", 0, recognizes, convert_dir};
