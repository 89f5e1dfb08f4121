/* SPDX-License-Identifier: Apache-2.0
 * make_model.c - writes a U2++ Conformer with random weights: bench/make_model [--tiny] DIR.
 *
 * Of WeNet's LibriSpeech size: 12 blocks of 256, feed-forward 2048, 4 heads, kernel 15, decoders of 3 + 3 blocks,
 * vocabulary 5002: speed does not depend on what the weights are, but for those of the CTC layer.  --tiny is for tests
 * of what runs the program; its units are the letters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "nn/safetensors.h"

enum { MELS = 80, HEADS = 4, KERNEL = 15, LETTERS = 26, N_MAX_DIMS = 4 };

struct size {
    int d, hidden, blocks, text_blocks, v;
    float blank_bias;
};

static const struct size large = {256, 2048, 12, 3, 5002, 17.0f};
static const struct size tiny = {32, 64, 2, 1, LETTERS + 3, 1.0f}; /* blank, a space, letters, sos and eos */
static const struct size *size = &large;

#define D (size->d)
#define HIDDEN (size->hidden)
#define V (size->v)

/* Two passes over all tensors: the first declares them, the second writes their numbers. */
struct writing {
    struct safetensors_writer *w;
    int declares, i_tensor;
    struct message *msg;
    int rc; /* the first failure: later calls do nothing */
};

static float *random_values(size_t n, float scale, float centre)
{
    static uint64_t state = 1;
    float *values = mem_array(n, sizeof *values);
    for (size_t i = 0; values != NULL && i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = centre + scale * ((float)(state >> 40) / 8388608.0f - 1.0f);
    }
    return values;
}

/* A tensor of these values [n], which it releases; they may be NULL where tensors are only declared. */
static void put_values(struct writing *x, const char *name, const int64_t *shape, size_t n, float *values)
{
    int n_dims = 0;
    for (; n_dims < N_MAX_DIMS && shape[n_dims] > 0; n_dims++)
        ;
    if (x->rc < 0)
        ;
    else if (x->declares)
        x->rc = safetensors_writer_declare(x->w, name, DTYPE_F32, n_dims, shape, x->msg);
    else
        x->rc = values != NULL ? safetensors_writer_put(x->w, x->i_tensor++, values, n * sizeof *values, x->msg)
                               : fail_memory(x->msg);
    mem_free(values);
}

static void put(struct writing *x, const char *name, const int64_t shape[N_MAX_DIMS], float scale, float centre)
{
    size_t n = 1;
    for (int i = 0; i < N_MAX_DIMS && shape[i] > 0; i++)
        n *= (size_t)shape[i];
    put_values(x, name, shape, n, x->declares ? NULL : random_values(n, scale, centre));
}

/* PREFIX NAME.weight of that shape, around centre, and .bias around 0. */
static void put_pair(struct writing *x, const char *prefix, const char *name, const int64_t shape[N_MAX_DIMS],
                     float scale, float centre)
{
    char full[160];
    snprintf(full, sizeof full, "%s%s.weight", prefix, name);
    put(x, full, shape, scale, centre);
    snprintf(full, sizeof full, "%s%s.bias", prefix, name);
    put(x, full, (const int64_t[N_MAX_DIMS]){shape[0]}, scale, 0.0f);
}

static void layer(struct writing *x, const char *prefix, const char *name, const int64_t shape[N_MAX_DIMS])
{
    put_pair(x, prefix, name, shape, 0.05f, 0.0f);
}

static void norm(struct writing *x, const char *prefix, const char *name)
{
    put_pair(x, prefix, name, (const int64_t[N_MAX_DIMS]){D}, 0.1f, 1.0f);
}

static void layers(struct writing *x, const char *prefix, const char *const *names, int64_t n_out, int64_t n_in)
{
    for (; *names != NULL; names++)
        layer(x, prefix, *names, (const int64_t[N_MAX_DIMS]){n_out, n_in});
}

#define LINEARS(x, prefix, n_out, n_in, ...) layers(x, prefix, (const char *const[]){__VA_ARGS__, NULL}, n_out, n_in)

static void encoder_block(struct writing *x, int i)
{
    static const char *const norms[] = {"norm_ff",   "norm_mha",   "norm_ff_macaron",
                                        "norm_conv", "norm_final", "conv_module.norm"};
    char p[64], name[120];
    snprintf(p, sizeof p, "encoder.encoders.%d.", i);
    for (size_t k = 0; k < sizeof norms / sizeof norms[0]; k++)
        norm(x, p, norms[k]);
    LINEARS(x, p, D, D, "self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v", "self_attn.linear_out");
    LINEARS(x, p, HIDDEN, D, "feed_forward.w_1", "feed_forward_macaron.w_1");
    LINEARS(x, p, D, HIDDEN, "feed_forward.w_2", "feed_forward_macaron.w_2");
    snprintf(name, sizeof name, "%sself_attn.linear_pos.weight", p);
    put(x, name, (const int64_t[N_MAX_DIMS]){D, D}, 0.05f, 0.0f);
    snprintf(name, sizeof name, "%sself_attn.pos_bias_u", p);
    put(x, name, (const int64_t[N_MAX_DIMS]){HEADS, D / HEADS}, 0.05f, 0.0f);
    snprintf(name, sizeof name, "%sself_attn.pos_bias_v", p);
    put(x, name, (const int64_t[N_MAX_DIMS]){HEADS, D / HEADS}, 0.05f, 0.0f);
    layer(x, p, "conv_module.pointwise_conv1", (const int64_t[N_MAX_DIMS]){2 * D, D, 1});
    layer(x, p, "conv_module.depthwise_conv", (const int64_t[N_MAX_DIMS]){D, 1, KERNEL});
    layer(x, p, "conv_module.pointwise_conv2", (const int64_t[N_MAX_DIMS]){D, D, 1});
}

static void text_decoder(struct writing *x, const char *prefix)
{
    char name[120], p[80];
    snprintf(name, sizeof name, "%sembed.0.weight", prefix);
    put(x, name, (const int64_t[N_MAX_DIMS]){V, D}, 0.05f, 0.0f);
    norm(x, prefix, "after_norm");
    LINEARS(x, prefix, V, D, "output_layer");
    for (int i = 0; i < size->text_blocks; i++) {
        snprintf(p, sizeof p, "%sdecoders.%d.", prefix, i);
        norm(x, p, "norm1");
        norm(x, p, "norm2");
        norm(x, p, "norm3");
        LINEARS(x, p, D, D, "self_attn.linear_q", "self_attn.linear_k", "self_attn.linear_v", "self_attn.linear_out");
        LINEARS(x, p, D, D, "src_attn.linear_q", "src_attn.linear_k", "src_attn.linear_v", "src_attn.linear_out");
        LINEARS(x, p, HIDDEN, D, "feed_forward.w_1");
        LINEARS(x, p, D, HIDDEN, "feed_forward.w_2");
    }
}

/* Most frames are blank, and the others fairly sure of their unit, as a trained model has them: the work of searches
 * and second passes depends on it. */
static void ctc_layer(struct writing *x)
{
    put(x, "ctc.ctc_lo.weight", (const int64_t[N_MAX_DIMS]){V, D}, 0.5f, 0.0f);
    float *bias = x->declares ? NULL : random_values((size_t)V, 0.0f, 0.0f);
    if (bias != NULL)
        bias[0] = size->blank_bias;
    put_values(x, "ctc.ctc_lo.bias", (const int64_t[N_MAX_DIMS]){V}, (size_t)V, bias);
}

static void all_tensors(struct writing *x)
{
    layer(x, "encoder.embed.", "conv.0", (const int64_t[N_MAX_DIMS]){D, 1, 3, 3});
    layer(x, "encoder.embed.", "conv.2", (const int64_t[N_MAX_DIMS]){D, D, 3, 3});
    LINEARS(x, "encoder.embed.", D, D * ((MELS / 2 - 1) / 2), "out.0");
    norm(x, "encoder.", "after_norm");
    for (int i = 0; i < size->blocks; i++)
        encoder_block(x, i);
    ctc_layer(x);
    text_decoder(x, "decoder.left_decoder.");
    text_decoder(x, "decoder.right_decoder.");
}

static int write_weights(const char *dir, struct message *msg)
{
    char path[FILE_MAX_PATH];
    struct writing x = {.msg = msg};
    int rc = file_in(path, dir, "model.safetensors", msg);
    if (rc < 0 || (rc = safetensors_writer_open(&x.w, path, msg)) < 0)
        return rc;
    for (x.declares = 1; x.declares >= 0; x.declares--)
        all_tensors(&x);
    if (x.rc >= 0)
        return safetensors_writer_close(x.w, msg);
    safetensors_writer_abort(x.w);
    return x.rc;
}

static int write_file(const char *dir, const char *name, const struct buffer *text, struct message *msg)
{
    char path[FILE_MAX_PATH];
    int rc = file_in(path, dir, name, msg);
    return rc < 0 ? rc : file_write(path, buffer_text(text), text->n, msg);
}

#define ATTENTION                                                                                                      \
    "\"normalize_before\": true, \"norm_eps\": 1e-5, \"query_bias\": true, \"key_bias\": true, \"value_bias\": true,"  \
    "\"mlp_bias\": true, \"attention_heads\": 4, \"linear_units\": %d,"

static int put_config(struct buffer *out)
{
    return buffer_printf(
        out,
        "{\"model_type\": \"wenet\", \"input_dim\": 80, \"output_dim\": %d, \"blank\": 0, \"sos\": %d, \"eos\": %d,"
        "\"reverse_weight\": 0.3, \"features\": {\"kind\": \"fbank\", \"n_mels\": 80, \"frame_ms\": 25, \"shift_ms\": "
        "10,"
        "\"sample_rate\": 16000}, \"encoder\": {\"kind\": \"conformer\"," ATTENTION " \"num_blocks\": %d,"
        "\"output_size\": %d, \"input_layer\": \"conv2d\", \"final_norm\": true, \"static_chunk_size\": 0,"
        "\"use_dynamic_chunk\": true, \"pos_enc_layer_type\": \"rel_pos\", \"selfattention_layer_type\": "
        "\"rel_selfattn\","
        "\"activation_type\": \"swish\", \"macaron_style\": true, \"use_cnn_module\": true, \"cnn_module_kernel\": 15,"
        "\"causal\": true, \"cnn_module_norm\": \"layer_norm\", \"conv_bias\": true, \"conv_norm_eps\": 1e-5,"
        "\"conv_inner_factor\": 2}, \"decoder\": {\"kind\": \"bitransformer\"," ATTENTION " \"num_blocks\": %d,"
        "\"r_num_blocks\": %d, \"input_layer\": \"embed\", \"activation_type\": \"relu\", \"src_query_bias\": true,"
        "\"src_key_bias\": true, \"src_value_bias\": true}}\n",
        V, V - 1, V - 1, HIDDEN, size->blocks, D, HIDDEN, size->text_blocks, size->text_blocks);
}

static int put_units(struct buffer *out)
{
    int rc = buffer_puts(out, "<blank> 0\n");
    for (int i = 1; rc >= 0 && i < V - 1; i++)
        rc = size == &large ? buffer_printf(out, "u%d %d\n", i, i)
             : i == 1       ? buffer_printf(out, "\xe2\x96\x81 1\n")
                            : buffer_printf(out, "%c %d\n", 'A' + i - 2, i);
    return rc < 0 ? rc : buffer_printf(out, "<sos/eos> %d\n", V - 1);
}

int main(int argc, char **argv)
{
    struct message msg = {""};
    struct buffer text = {0};
    if (argc == 3 && strcmp(argv[1], "--tiny") == 0)
        size = &tiny, argv++;
    else if (argc != 2) {
        fprintf(stderr, "usage: %s [--tiny] DIR\n", argv[0]);
        return 2;
    }
    int rc = file_make_folder(argv[1], &msg);
    if (rc >= 0 && (rc = put_units(&text)) >= 0)
        rc = write_file(argv[1], "units.txt", &text, &msg);
    buffer_cut(&text, 0);
    if (rc >= 0 && (rc = put_config(&text)) >= 0)
        rc = write_file(argv[1], "config.json", &text, &msg);
    if (rc >= 0)
        rc = write_weights(argv[1], &msg);
    buffer_free(&text);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", argv[0], msg.text);
    return rc < 0;
}
