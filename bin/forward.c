/* SPDX-License-Identifier: Apache-2.0
 * forward.c - `linnet forward`: the tensors on the way from a recording to words, to check a model against its origin.
 *
 * features [T, n_mels], or [n_mels, T] where the model's origin lays them out bin by bin; encoder_out [T', D]; with a
 * CTC layer ctc_logprobs [T', V]; with --tokens logits [n, V] after each of them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "bin/decoding.h"
#include "decoders/ctc/layer.h"
#include "frontend/audio_file.h"
#include "models/forward.h"
#include "nn/safetensors.h"

enum { MAX_TENSORS = 4, MAX_TOKENS = 4096 };

struct values {
    struct decoding_options decoding;
    struct forward_options encoder;
    const char *out, *raw, *tokens;
};

static const struct values defaults = {.encoder = {.chunk = -1, .left_chunks = -1}, .decoding = {.precision = "fp32"}};

#define FIELD(name) offsetof(struct values, name)

static const struct option_spec options[] = {
    {"model", 'm', OPTION_TEXT, FIELD(decoding.model), "DIR",
     .help = "model directory, or a name in the model cache (whisper-base)"},
    {"out", 'o', OPTION_TEXT, FIELD(out), "FILE", .help = "safetensors file to write"},
    {"tokens", 0, OPTION_TEXT, FIELD(tokens), "LIST",
     .help = "ids to give to the text decoder: 50258,50259,50359,50363"},
    {"chunk", 0, OPTION_INT, FIELD(encoder.chunk), "N", .help = "encoder frames of a chunk; -1: the whole recording",
     .low = -1, .high = 100000},
    {"left-chunks", 0, OPTION_INT, FIELD(encoder.left_chunks), "K",
     .help = "chunks of left context that a chunk sees; -1: all", .low = -1, .high = 100000},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC", .help = "the file is bare samples, such as s16le:16000:1"},
    {"precision", 0, OPTION_TEXT, FIELD(decoding.precision), "P", .help = "precision of products (fp32)",
     .choices = SETTING_CHOICES(PRECISIONS)},
    {"threads", 't', OPTION_INT, FIELD(decoding.threads), "N", .help = "threads; 0: one for each processor",
     .high = 256},
    {0}};

struct tensors {
    struct tensor_out {
        const char *name;
        int64_t shape[2];
        const float *data;
    } at[MAX_TENSORS];
    int n;
};

static void add(struct tensors *t, const char *name, int rows, int columns, const float *data)
{
    t->at[t->n++] = (struct tensor_out){name, {rows, columns}, data};
}

static int write_tensors(const struct tensors *t, const char *path, struct message *msg)
{
    struct safetensors_writer *w;
    int rc = safetensors_writer_open(&w, path, msg);
    if (rc < 0)
        return rc;
    for (int i = 0; i < t->n && rc >= 0; i++)
        rc = safetensors_writer_declare(w, t->at[i].name, DTYPE_F32, 2, t->at[i].shape, msg);
    for (int i = 0; i < t->n && rc >= 0; i++)
        rc = safetensors_writer_put(w, i, t->at[i].data,
                                    (size_t)(t->at[i].shape[0] * t->at[i].shape[1]) * sizeof(float), msg);
    if (rc >= 0)
        return safetensors_writer_close(w, msg);
    safetensors_writer_abort(w);
    return rc;
}

/* [n_mels, T] from [T, n_mels]. */
static float *transposed(const struct forward *f, int n_mels)
{
    float *to = mem_array((size_t)f->n_features * (size_t)n_mels, sizeof *to);
    for (int i = 0; to != NULL && i < f->n_features; i++)
        for (int k = 0; k < n_mels; k++)
            to[(ptrdiff_t)k * f->n_features + i] = f->features[(ptrdiff_t)i * n_mels + k];
    return to;
}

/* The ids of a list [MAX_TOKENS]; how many. */
static int parse_tokens(const char *list, int n_vocabulary, int *tokens, struct message *msg)
{
    int n = 0;
    for (const char *at = list; *at != '\0'; at += strspn(at, ", ")) {
        char number[32];
        size_t size = strcspn(at, ", ");
        long long id;
        snprintf(number, sizeof number, "%.*s", (int)(size < 31 ? size : 31), at);
        if (size > 31 || parse_int(number, 0, n_vocabulary - 1, &id) < 0)
            return fail(msg, LINNET_E_ARGUMENT, "token '%s' is not a number below %d", number, n_vocabulary);
        if (n == MAX_TOKENS)
            return fail(msg, LINNET_E_ARGUMENT, "more than %d tokens", MAX_TOKENS);
        tokens[n++] = (int)id;
        at += size;
    }
    return n;
}

/* Logits [n, V] of the text decoder after each token; *logits is the caller's to mem_free. */
static int add_logits(struct tensors *t, const struct linnet_model *m, const struct forward *f, const char *list,
                      float **logits, struct message *msg)
{
    static int tokens[MAX_TOKENS];
    if (m->left == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "--tokens needs an attention decoder; this model has none");
    int n = parse_tokens(list, m->left->config.n_vocabulary, tokens, msg), most = m->left->config.n_positions;
    if (n <= 0)
        return n;
    if (most > 0 && n > most)
        return fail(msg, LINNET_E_ARGUMENT, "more than %d tokens", most);
    *logits = mem_array((size_t)n * (size_t)m->left->config.n_vocabulary, sizeof **logits);
    if (*logits == NULL)
        return fail_memory(msg);
    int rc = forward_logits(f, m, tokens, n, *logits, msg);
    if (rc >= 0)
        add(t, "logits", n, m->left->config.n_vocabulary, *logits);
    return rc;
}

static int write_all(const struct linnet_model *m, const struct values *v, const struct forward *f, struct message *msg)
{
    struct tensors t = {0};
    int n_mels = m->encoder->n_features, rc = LINNET_OK;
    float *by_bin = m->features.kind->is_laid_by_bin ? transposed(f, n_mels) : NULL, *logits = NULL;
    if (m->features.kind->is_laid_by_bin && by_bin == NULL)
        return fail_memory(msg);
    if (by_bin != NULL)
        add(&t, "features", n_mels, f->n_features, by_bin);
    else
        add(&t, "features", f->n_features, n_mels, f->features);
    add(&t, "encoder_out", f->n_states, m->encoder->n_dims, f->states);
    if (f->logprobs != NULL)
        add(&t, "ctc_logprobs", f->n_states, m->ctc->n_vocabulary, f->logprobs);
    if (v->tokens != NULL)
        rc = add_logits(&t, m, f, v->tokens, &logits, msg);
    if (rc >= 0)
        rc = write_tensors(&t, v->out, msg);
    mem_free(by_bin);
    mem_free(logits);
    return rc;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    const struct values *v = values;
    struct decoding d = {0};
    struct forward f = {0};
    struct audio_file *audio = NULL;
    (void)n;
    if (v->out == NULL)
        return options_mistake("forward", "--out is needed");
    int rc = decoding_open_model(&d, &v->decoding, msg);
    if (rc >= 0 && (rc = decoding_open_audio(&d, &audio, paths[0], v->raw, msg)) >= 0)
        rc = forward_open(&f, d.model, audio, &v->encoder, msg);
    if (rc >= 0)
        rc = write_all(d.model, v, &f, msg);
    if (audio != NULL)
        decoding_warn(NULL, audio_file_warning(audio));
    audio_file_close(audio);
    forward_close(&f);
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
