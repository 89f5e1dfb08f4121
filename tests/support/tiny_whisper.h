/* SPDX-License-Identifier: Apache-2.0
 * tiny_whisper.h - a very small Whisper model with random weights, and sounds to give it.
 *
 * Everything about it is real but its size and what it says: the window of 30 s, the vocabulary's layout (256 bytes,
 * then tokens that read "<256>"), the names and shapes of the tensors.  The numbers come from a generator with a fixed
 * seed, so that the model is the same everywhere. */
#ifndef LINNET_TESTS_SUPPORT_TINY_WHISPER_H
#define LINNET_TESTS_SUPPORT_TINY_WHISPER_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/safetensors.h"

struct tiny_whisper {
    int n_vocab;                     /* 0: 51865; 51864 is English only */
    const char *missing, *misshapen; /* a tensor that is left out, or has a row too many */
    int ends;                        /* its texts end after a few tokens, where they would go on for ever */
};

enum { TINY_D = 16, TINY_MELS = 80, TINY_FFN = 32, TINY_LAYERS = 2, TINY_CTX = 1500, TINY_TEXT = 448, TINY_MAX = 128 };

struct tiny_tensor {
    char name[256];
    int n_dims;
    int64_t shape[3];
    float scale, centre; /* of the numbers */
};

struct tiny_list {
    struct tiny_tensor at[TINY_MAX];
    int n;
};

static inline uint32_t tiny_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* In [-1, 1). */
static inline float tiny_uniform(uint64_t *state) { return (float)tiny_random(state) / (float)(1u << 30) - 1.0f; }

/* shape: zeros at its end are no dimensions. */
static inline void tiny_add(struct tiny_list *l, const char *prefix, const char *name, const int64_t shape[3],
                            float scale, float centre)
{
    struct tiny_tensor *t = &l->at[l->n++];
    snprintf(t->name, sizeof t->name, "%s.%s", prefix, name);
    t->n_dims = shape[2] > 0 ? 3 : shape[1] > 0 ? 2 : 1;
    memcpy(t->shape, shape, sizeof t->shape);
    t->scale = scale;
    t->centre = centre;
}

static inline void tiny_linear(struct tiny_list *l, const char *prefix, const char *name, int n_out, int n_in, int bias)
{
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    tiny_add(l, prefix, full, (const int64_t[3]){n_out, n_in}, 1.7f / sqrtf((float)n_in), 0);
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias)
        tiny_add(l, prefix, full, (const int64_t[3]){n_out}, 0.1f, 0);
}

static inline void tiny_norm(struct tiny_list *l, const char *prefix, const char *name)
{
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    tiny_add(l, prefix, full, (const int64_t[3]){TINY_D}, 0.1f, 1);
    snprintf(full, sizeof full, "%s.bias", name);
    tiny_add(l, prefix, full, (const int64_t[3]){TINY_D}, 0.1f, 0);
}

static inline void tiny_attention(struct tiny_list *l, const char *prefix, const char *name)
{
    char full[120];
    static const char *const parts[] = {"q_proj", "k_proj", "v_proj", "out_proj"};
    for (int i = 0; i < 4; i++) {
        snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        tiny_linear(l, prefix, full, TINY_D, TINY_D, i != 1);
        if (strcmp(name, "encoder_attn") == 0)
            l->at[l->n - (i != 1 ? 2 : 1)].scale *= 4; /* so that much depends on the sound */
    }
    snprintf(full, sizeof full, "%s_layer_norm", name);
    tiny_norm(l, prefix, full);
}

static inline void tiny_layers(struct tiny_list *l, const char *side, int crosses)
{
    char prefix[64];
    for (int i = 0; i < TINY_LAYERS; i++) {
        snprintf(prefix, sizeof prefix, "model.%s.layers.%d", side, i);
        tiny_attention(l, prefix, "self_attn");
        if (crosses)
            tiny_attention(l, prefix, "encoder_attn");
        tiny_linear(l, prefix, "fc1", TINY_FFN, TINY_D, 1);
        tiny_linear(l, prefix, "fc2", TINY_D, TINY_FFN, 1);
        tiny_norm(l, prefix, "final_layer_norm");
    }
    snprintf(prefix, sizeof prefix, "model.%s", side);
    tiny_norm(l, prefix, "layer_norm");
}

static inline void tiny_list_all(struct tiny_list *l, int n_vocab)
{
    static const char encoder[] = "model.encoder", decoder[] = "model.decoder";
    tiny_add(l, encoder, "conv1.weight", (const int64_t[3]){TINY_D, TINY_MELS, 3}, 0.2f, 0);
    tiny_add(l, encoder, "conv1.bias", (const int64_t[3]){TINY_D}, 0.1f, 0);
    tiny_add(l, encoder, "conv2.weight", (const int64_t[3]){TINY_D, TINY_D, 3}, 0.4f, 0);
    tiny_add(l, encoder, "conv2.bias", (const int64_t[3]){TINY_D}, 0.1f, 0);
    tiny_add(l, encoder, "embed_positions.weight", (const int64_t[3]){TINY_CTX, TINY_D}, 0.5f, 0);
    tiny_layers(l, "encoder", 0);
    tiny_add(l, decoder, "embed_tokens.weight", (const int64_t[3]){n_vocab, TINY_D}, 1.5f, 0);
    tiny_add(l, decoder, "embed_positions.weight", (const int64_t[3]){TINY_TEXT, TINY_D}, 1.5f, 0);
    tiny_layers(l, "decoder", 1);
}

static inline size_t tiny_elements(const struct tiny_tensor *t)
{
    size_t n = 1;
    for (int i = 0; i < t->n_dims; i++)
        n *= (size_t)t->shape[i];
    return n;
}

/* The row of the end of text is so large that it is mostly the most probable token, or the least. */
static inline void tiny_end(float *embed_tokens, int n_vocab)
{
    int eot = n_vocab >= 51865 ? 50257 : 50256;
    for (int i = 0; i < TINY_D; i++)
        embed_tokens[eot * TINY_D + i] *= 6;
}

static inline int tiny_put(struct safetensors_writer *w, const struct tiny_list *l, const struct tiny_whisper *how)
{
    uint64_t state = 1;
    int rc = 0;
    for (int i = 0; i < l->n && rc >= 0; i++) {
        size_t n = tiny_elements(&l->at[i]);
        float *data = calloc(n, sizeof *data);
        if (data == NULL)
            return -1;
        for (size_t k = 0; k < n; k++)
            data[k] = l->at[i].centre + l->at[i].scale * tiny_uniform(&state);
        if (how->ends && strcmp(l->at[i].name, "model.decoder.embed_tokens.weight") == 0)
            tiny_end(data, (int)l->at[i].shape[0]);
        rc = safetensors_writer_put(w, i, data, n * sizeof *data, NULL);
        free(data);
    }
    return rc;
}

static inline int tiny_weights(const char *dir, const struct tiny_whisper *how, int n_vocab)
{
    struct tiny_list all = {.n = 0}, l = {.n = 0};
    struct safetensors_writer *w;
    char path[4200];
    tiny_list_all(&all, n_vocab);
    for (int i = 0; i < all.n; i++) {
        if (how->missing != NULL && strcmp(how->missing, all.at[i].name) == 0)
            continue;
        l.at[l.n] = all.at[i];
        if (how->misshapen != NULL && strcmp(how->misshapen, all.at[i].name) == 0)
            l.at[l.n].shape[0]++;
        l.n++;
    }
    snprintf(path, sizeof path, "%s/model.safetensors", dir);
    if (safetensors_writer_open(&w, path, NULL) < 0)
        return -1;
    for (int i = 0; i < l.n; i++)
        if (safetensors_writer_declare(w, l.at[i].name, DTYPE_F32, l.at[i].n_dims, l.at[i].shape, NULL) < 0)
            return -1;
    return tiny_put(w, &l, how) < 0 ? -1 : safetensors_writer_close(w, NULL);
}

/* In GPT-2's alphabet, see vocab/whisper_pieces.c. */
static inline int tiny_vocabulary(const char *dir, int n_pieces)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/vocab.json", dir);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return -1;
    for (int id = 0, next = 256; id < 256; id++) {
        int is_plain = (id >= 33 && id <= 126) || (id >= 161 && id <= 172) || id >= 174;
        fprintf(f, "%c\"\\u%04x\": %d", id == 0 ? '{' : ',', is_plain ? (unsigned)id : (unsigned)next++, id);
    }
    for (int id = 256; id < n_pieces; id++)
        fprintf(f, ",\"<%d>\": %d", id, id);
    fputc('}', f);
    return fclose(f);
}

/* Makes the directory dir and the model in it; 0, or < 0. */
static inline int tiny_whisper_write(const char *dir, const struct tiny_whisper *how)
{
    char path[4200];
    int n_vocab = how->n_vocab > 0 ? how->n_vocab : 51865;
    mkdir(dir, 0777);
    snprintf(path, sizeof path, "%s/config.json", dir);
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return -1;
    fprintf(f, "{\"model_type\": \"whisper\", \"d_model\": %d, \"num_mel_bins\": %d,\n", TINY_D, TINY_MELS);
    fprintf(f, " \"encoder_layers\": %d, \"encoder_attention_heads\": 2, \"encoder_ffn_dim\": %d,\n", TINY_LAYERS,
            TINY_FFN);
    fprintf(f, " \"decoder_layers\": %d, \"decoder_attention_heads\": 2, \"decoder_ffn_dim\": %d,\n", TINY_LAYERS,
            TINY_FFN);
    fprintf(f, " \"max_source_positions\": %d, \"max_target_positions\": %d, \"vocab_size\": %d}\n", TINY_CTX,
            TINY_TEXT, n_vocab);
    if (fclose(f) != 0 || tiny_vocabulary(dir, n_vocab >= 51865 ? 50257 : 50256) != 0)
        return -1;
    return tiny_weights(dir, how, n_vocab);
}

/* n samples at 16 kHz of a voice-like sound that changes all the time: a tone with overtones that glides, and noise. */
static inline float *tiny_sound(size_t n, uint64_t seed)
{
    float *x = calloc(n + 1, sizeof *x);
    double phase = 0;
    for (size_t i = 0; x != NULL && i < n; i++) {
        double t = (double)i / 16000;
        phase += 2 * 3.14159265358979 * (140 + 60 * sin(1.7 * t) + 25 * (double)(seed % 7)) / 16000;
        double loud = 0.5 + 0.5 * sin(9 * t);
        x[i] = (float)(0.2 * loud * (sin(phase) + 0.5 * sin(2 * phase) + 0.3 * sin(5 * phase))) +
               0.02f * tiny_uniform(&seed);
    }
    return x;
}

/* The folder for what a test writes; the caller frees it. */
static inline char *tiny_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    char *path = calloc(4096, 1);
    if (path != NULL)
        snprintf(path, 4096, "%s/linnet-test-XXXXXX", tmp != NULL && *tmp != '\0' ? tmp : "/tmp");
    return path != NULL ? mkdtemp(path) : NULL;
}

static inline void tiny_remove(const char *dir)
{
    char command[4200];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "%s: cannot be removed\n", dir);
}

#endif
