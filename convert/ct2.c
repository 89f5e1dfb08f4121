/* SPDX-License-Identifier: Apache-2.0
 * ct2.c - CTranslate2 (faster-whisper) directories: model.bin, or model.bin.part1 and on, and the JSON beside. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/ct2_file.h"
#include "convert/whisper.h"

#define MAX_PARTS 64

static int recognizes(const char *source)
{
    return file_exists_in(source, "model.bin") || file_exists_in(source, "model.bin.part1");
}

/* Opens dir/model.bin or its parts, numbered from 1. */
static int open_model(struct checkpoint **c, const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    char *paths[MAX_PARTS] = {NULL};
    int n = 0, rc = 0;
    if ((rc = file_in(path, dir, "model.bin", msg)) < 0)
        return rc;
    if (file_exists(path))
        return ct2_file_open(c, (const char *const[]){path}, 1, msg);
    for (; n < MAX_PARTS; n++) {
        char name[32];
        snprintf(name, sizeof name, "model.bin.part%d", n + 1);
        if ((rc = file_in(path, dir, name, msg)) < 0 || !file_exists(path))
            break;
        if ((paths[n] = mem_string(path)) == NULL) {
            rc = fail_memory(msg);
            break;
        }
    }
    if (rc == 0)
        rc = ct2_file_open(c, (const char *const *)paths, n, msg);
    for (int i = 0; i < n; i++)
        mem_free(paths[i]);
    return rc;
}

static int copy_vocabulary(const char *source, const char *dir, struct message *msg)
{
    static const char *const names[] = {"tokenizer.json", "vocabulary.json"};
    char path[FILE_MAX_PATH];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int rc = file_in(path, source, names[i], msg);
        if (rc < 0)
            return rc;
        if (file_exists(path))
            return convert_copy(path, dir, names[i], msg);
    }
    return fail(msg, LINNET_E_MODEL, "%s: neither tokenizer.json nor vocabulary.json in it", source);
}

static int convert_dir(const char *source, const char *dir, const struct convert_options *options, struct message *msg)
{
    struct checkpoint *c = NULL;
    struct whisper_sizes sizes = {0};
    char path[FILE_MAX_PATH];
    json_error_t error;
    int rc = open_model(&c, source, msg);
    if (rc < 0)
        return rc;
    if (checkpoint_number(c, "encoder/num_heads", &sizes.n_encoder_heads) < 0 ||
        checkpoint_number(c, "decoder/num_heads", &sizes.n_decoder_heads) < 0)
        sizes.n_encoder_heads = sizes.n_decoder_heads = 0; /* old ones do not say */
    rc = whisper_write_model(c, WHISPER_NAMES_CT2, "", dir, options, &sizes, msg);
    checkpoint_close(c);
    if (rc < 0 || (rc = copy_vocabulary(source, dir, msg)) < 0 || (rc = file_in(path, source, "config.json", msg)) < 0)
        return rc;
    json_t *known = file_exists(path) ? json_load_file(path, 0, &error) : json_object();
    if (known == NULL)
        return fail(msg, LINNET_E_FORMAT, "%s: %s", path, error.text);
    rc = whisper_write_generation(&sizes, source, dir, known, msg);
    json_decref(known);
    return rc;
}

const struct convert_kind convert_ct2 = {"CTranslate2", 0, recognizes, convert_dir};
