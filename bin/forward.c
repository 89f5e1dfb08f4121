/* SPDX-License-Identifier: Apache-2.0
 * forward.c - `linnet forward`: the tensors on the way from a recording to words, to check a model against its origin.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bin/forward.h"
#include "nn/safetensors.h"

enum { RATE_HZ = 16000 };

static const struct forward_options defaults = {.chunk = -1, .left_chunks = -1};

#define FIELD(name) offsetof(struct forward_options, name)
#define DECODING(name) offsetof(struct forward_options, decoding.name)

static const struct option_spec options[] = {
    {"model", 'm', OPTION_TEXT, DECODING(model), "DIR", "model directory, or a name in the model cache (whisper-base)",
     0, 0, NULL, NULL},
    {"out", 'o', OPTION_TEXT, FIELD(out), "FILE", "safetensors file to write", 0, 0, NULL, NULL},
    {"tokens", 0, OPTION_TEXT, FIELD(tokens), "LIST", "Whisper: ids to give to the decoder: 50258,50259,50359,50363", 0,
     0, NULL, NULL},
    {"chunk", 0, OPTION_INT, FIELD(chunk), "N", "WeNet: encoder frames of a chunk; -1: the whole recording", -1, 100000,
     NULL, NULL},
    {"left-chunks", 0, OPTION_INT, FIELD(left_chunks), "K", "WeNet: chunks before it that a chunk sees; -1: all", -1,
     100000, NULL, NULL},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC", "the file is bare samples, such as s16le:16000:1", 0, 0, NULL, NULL},
    {"threads", 't', OPTION_INT, DECODING(threads), "N", "threads; 0: one for each processor", 0, 256, NULL, NULL},
    {0}};

float *forward_add(struct forward_tensors *t, const char *name, int rows, int columns)
{
    t->at[t->n].name = name;
    t->at[t->n].shape[0] = rows;
    t->at[t->n].shape[1] = columns;
    t->at[t->n].data = mem_array((size_t)rows * (size_t)columns, sizeof(float));
    return t->at[t->n].data != NULL ? t->at[t->n++].data : NULL;
}

static void free_tensors(struct forward_tensors *t)
{
    while (t->n > 0)
        mem_free(t->at[--t->n].data);
}

static int put_all(struct safetensors_writer *w, const struct forward_tensors *t, struct message *msg)
{
    int rc = LINNET_OK;
    for (int i = 0; i < t->n && rc >= 0; i++)
        rc = safetensors_writer_declare(w, t->at[i].name, DTYPE_F32, 2, t->at[i].shape, msg);
    for (int i = 0; i < t->n && rc >= 0; i++)
        rc = safetensors_writer_put(w, i, t->at[i].data,
                                    (size_t)(t->at[i].shape[0] * t->at[i].shape[1]) * sizeof(float), msg);
    return rc;
}

static int write_tensors(const struct forward_tensors *t, const char *path, struct message *msg)
{
    struct safetensors_writer *w;
    int rc = safetensors_writer_open(&w, path, msg);
    if (rc < 0)
        return rc;
    if ((rc = put_all(w, t, msg)) >= 0)
        return safetensors_writer_close(w, msg);
    safetensors_writer_abort(w);
    return rc;
}

static const struct {
    const char *kind;
    forward_kind *forward;
} kinds[] = {
    {"whisper", forward_whisper},
    {"hybrid", forward_hybrid},
};

static int forward(const struct linnet_model *model, const struct forward_options *o, const char *path,
                   struct forward_tensors *t, struct message *msg)
{
    struct audio_file *audio = NULL;
    int rc = audio_file_open(&audio, path, o->raw, RATE_HZ, msg);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && rc >= 0; i++)
        if (strcmp(kinds[i].kind, model->kind) == 0)
            rc = kinds[i].forward(model, o, audio, t, msg);
    audio_file_close(audio);
    return rc >= 0 ? write_tensors(t, o->out, msg) : rc;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    const struct forward_options *o = values;
    struct decoding d = {0};
    struct forward_tensors t = {0};
    (void)n;
    if (o->out == NULL)
        return options_mistake("forward", "--out is needed");
    int rc = decoding_open_model(&d, &o->decoding, msg);
    if (rc >= 0)
        rc = forward(d.model, o, paths[0], &t, msg);
    free_tensors(&t);
    decoding_close(&d);
    return rc;
}

const struct command forward_command = {
    .name = "forward",
    .summary = "the tensors between a recording and its words",
    .arguments = "FILE",
    .text = "Writes a safetensors file with features, encoder_out and what comes after, to\n"
            "compare a model with the program that it comes from.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
