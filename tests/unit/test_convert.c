/* SPDX-License-Identifier: Apache-2.0
 * test_convert.c - checkpoints of Whisper to models: what they become, and what is refused with which words. */
#include <jansson.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/mem.h"
#include "convert/wenet.h"
#include "nn/half.h"
#include "nn/safetensors.h"
#include "tests/support/conversion.h"
#include "tests/support/torch_writer.h"

/* ---- a Whisper model of width 4, one layer a side, in OpenAI's form; its numbers count up ---- */

struct named_shape {
    const char *name;
    int64_t shape[3]; /* zeros at its end are no dimensions */
};

static const struct named_shape ends[] = {
    {"encoder.conv1.weight", {4, 80, 3}},
    {"encoder.conv1.bias", {4}},
    {"encoder.conv2.weight", {4, 4, 3}},
    {"encoder.conv2.bias", {4}},
    {"encoder.ln_post.weight", {4}},
    {"encoder.ln_post.bias", {4}},
    {"decoder.token_embedding.weight", {51865, 4}},
    {"decoder.positional_embedding", {8, 4}},
    {"decoder.ln.weight", {4}},
    {"decoder.ln.bias", {4}},
};
static const struct named_shape attention[] = {
    {".query.weight", {4, 4}}, {".query.bias", {4}}, {".key.weight", {4, 4}},
    {".value.weight", {4, 4}}, {".value.bias", {4}}, {".out.weight", {4, 4}},
    {".out.bias", {4}},        {"_ln.weight", {4}},  {"_ln.bias", {4}},
};
static const struct named_shape mlp[] = {
    {"_ln.weight", {4}}, {"_ln.bias", {4}},      {".0.weight", {16, 4}},
    {".0.bias", {16}},   {".2.weight", {4, 16}}, {".2.bias", {4}},
};
static const struct {
    const char *name;
    int64_t value;
} dims[] = {{"n_mels", 80},     {"n_audio_ctx", 1500}, {"n_audio_state", 4}, {"n_audio_head", 2}, {"n_audio_layer", 1},
            {"n_vocab", 51865}, {"n_text_ctx", 8},     {"n_text_state", 4},  {"n_text_layer", 1}};

struct source {
    struct torch_writer w;
    const char *without;
    uint16_t *numbers;
};

static void put_tensor(struct source *s, const char *name, const int64_t shape[3])
{
    int n_dims = shape[2] > 0 ? 3 : shape[1] > 0 ? 2 : 1;
    struct tensor t = {name, DTYPE_F16, n_dims, {shape[0], shape[1], shape[2]}, s->numbers, 0};
    if (s->without != NULL && strcmp(name, s->without) == 0)
        return;
    CU_ASSERT_EQUAL_FATAL(tensor_measure(t.dtype, t.n_dims, t.shape, &t.n_bytes), 0);
    torch_text(&s->w, name);
    torch_tensor(&s->w, &t);
}

static void put_tensors(struct source *s, const char *prefix, const struct named_shape *rows, size_t n)
{
    char name[120];
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, rows[i].name);
        put_tensor(s, name, rows[i].shape);
    }
}
#define PUT_TENSORS(s, prefix, rows) put_tensors(s, prefix, rows, sizeof rows / sizeof rows[0])

static void put_dims(struct source *s, int64_t n_text_head)
{
    torch_text(&s->w, "dims");
    TORCH_PUTS(&s->w, "}(");
    for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++) {
        torch_text(&s->w, dims[i].name);
        torch_number(&s->w, dims[i].value);
    }
    torch_text(&s->w, "n_text_head");
    torch_number(&s->w, n_text_head);
    TORCH_PUTS(&s->w, "u");
}

/* Tensor `without` is left out. */
static void write_whisper(const char *path, const char *without, int64_t n_text_head)
{
    struct source s = {.without = without, .numbers = mem_array(51865 * 4, 2)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.numbers);
    for (int i = 0; i < 51865 * 4; i++)
        s.numbers[i] = half_f32_to_f16((float)(i % 1000) / 8.0f);
    torch_open(&s.w, path);
    TORCH_PUTS(&s.w, "}(");
    put_dims(&s, n_text_head);
    torch_text(&s.w, "model_state_dict");
    TORCH_PUTS(&s.w, "}(");
    PUT_TENSORS(&s, "", ends);
    PUT_TENSORS(&s, "encoder.blocks.0.attn", attention);
    PUT_TENSORS(&s, "encoder.blocks.0.mlp", mlp);
    PUT_TENSORS(&s, "decoder.blocks.0.attn", attention);
    PUT_TENSORS(&s, "decoder.blocks.0.cross_attn", attention);
    PUT_TENSORS(&s, "decoder.blocks.0.mlp", mlp);
    TORCH_PUTS(&s.w, "uu");
    torch_close(&s.w);
    mem_free(s.numbers);
}

/* ---- what becomes of it ---- */

/* 50257 pieces: the 256 bytes, then pairs of them in order. */
static void write_vocabulary(const char *path)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (unsigned i = 0; i < 50257; i++) {
        unsigned bits = i < 256 ? i << 16 : (i - 256) << 8;
        fprintf(f, "%c%c%c= %u\n", digits[bits >> 18], digits[bits >> 12 & 63], i < 256 ? '=' : digits[bits >> 6 & 63],
                i);
    }
    fclose(f);
}

static void whisper_becomes_a_model(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    struct safetensors *f = NULL;
    const struct tensor *t = NULL;
    const char *dir = in_folder("whisper"), *source = in_folder("tiny.pt");
    write_whisper(source, NULL, 2);
    refuse(source, "multilingual.tiktoken beside it");
    write_vocabulary(in_folder("multilingual.tiktoken"));
    CU_ASSERT_EQUAL_FATAL(convert(source, dir, &as_it_is, &kind, &msg), 0);
    CU_ASSERT_STRING_EQUAL(kind, "OpenAI Whisper");
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&f, dir, &msg), 0);
    CU_ASSERT_EQUAL(safetensors_count(f), 7 + 4 + 15 + 15 + 9); /* the positions were not in the source */
    CU_ASSERT_EQUAL(
        safetensors_get(f, "model.decoder.layers.0.encoder_attn.k_proj.weight", 2, (const int64_t[]){4, 4}, &t, &msg),
        0);
    CU_ASSERT_EQUAL(((const uint16_t *)t->data)[8], half_f32_to_f16(1.0f));
    CU_ASSERT_EQUAL_FATAL(
        safetensors_get(f, "model.encoder.embed_positions.weight", 2, (const int64_t[]){1500, 4}, &t, &msg), 0);
    const float *p = t->data; /* sin(t), sin(t / 10000), cos(t), cos(t / 10000) */
    CU_ASSERT_DOUBLE_EQUAL(p[4 * 3 + 0], 0.1411200080598672, 1e-7);
    CU_ASSERT_DOUBLE_EQUAL(p[4 * 3 + 1], 0.0002999999955, 1e-10);
    CU_ASSERT_DOUBLE_EQUAL(p[4 * 3 + 2], -0.9899924966004454, 1e-7);
    safetensors_close(f);
    json_t *config = read_json(dir, "config.json"), *generation = read_json(dir, "generation_config.json");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(config, "decoder_attention_heads")), 2);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(config, "decoder_ffn_dim")), 16);
    CU_ASSERT_PTR_NULL(json_object_get(generation, "alignment_heads")); /* not a size that was published */
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(generation, "no_timestamps_token_id")), 50363);
    json_decref(config);
    json_decref(generation);
    refuse(dir, "loads as it is");
}

static void broken_whispers_are_refused(void)
{
    const char *source = in_folder("broken.pt");
    write_whisper(source, "decoder.blocks.0.cross_attn.key.weight", 2);
    refuse(source, "no tensor model_state_dict.decoder.blocks.0.cross_attn.key.weight");
    write_whisper(source, "encoder.conv1.weight", 2);
    refuse(source, "not a Whisper model");
    write_whisper(source, NULL, 3);
    refuse(source, "does not divide");
    run("head -c 100000 %s > %s", source, in_folder("cut.pt"));
    refuse(in_folder("cut.pt"), "cut or damaged");
    run("echo nothing > %s", in_folder("text.pt"));
    refuse(in_folder("text.pt"), "not a PyTorch checkpoint");
    refuse(in_folder("nowhere"), "No such file");
    run("mkdir -p %s", in_folder("empty"));
    refuse(in_folder("empty"), "no kind of checkpoint");
}

static void matrices_change_type_and_vectors_do_not(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    struct safetensors *f = NULL;
    const struct convert_options bf16 = {in_folder("multilingual.tiktoken"), DTYPE_BF16, 0};
    CU_ASSERT_EQUAL_FATAL(convert(in_folder("tiny.pt"), in_folder("bf16"), &bf16, &kind, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&f, in_folder("bf16"), &msg), 0);
    const struct tensor *t = safetensors_find(f, "model.decoder.layers.0.fc1.weight");
    CU_ASSERT_EQUAL(t->dtype, DTYPE_BF16);
    CU_ASSERT_EQUAL(((const uint16_t *)t->data)[5], half_f32_to_bf16(0.625f));
    CU_ASSERT_EQUAL(safetensors_find(f, "model.decoder.layers.0.fc1.bias")->dtype, DTYPE_F16);
    safetensors_close(f);
}

static void models_change_type_too(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    struct safetensors *f = NULL;
    const struct convert_options f32 = {NULL, DTYPE_F32, 0};
    CU_ASSERT_EQUAL_FATAL(convert(in_folder("whisper"), in_folder("f32"), &f32, &kind, &msg), 0);
    CU_ASSERT_STRING_EQUAL(kind, "model");
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&f, in_folder("f32"), &msg), 0);
    const struct tensor *t = safetensors_find(f, "model.decoder.layers.0.fc1.weight");
    CU_ASSERT_EQUAL(t->dtype, DTYPE_F32);
    CU_ASSERT_EQUAL(((const float *)t->data)[5], 0.625f);
    CU_ASSERT(file_exists(in_folder("f32/vocab.tiktoken")) && file_exists(in_folder("f32/generation_config.json")));
    safetensors_close(f);
}

static void only_models_are_replaced(void)
{
    struct message msg = {""};
    const char *kind = NULL, *dir = in_folder("whisper");
    CU_ASSERT_EQUAL(convert(in_folder("tiny.pt"), dir, &as_it_is, &kind, &msg), 0);
    CU_ASSERT(file_exists(in_folder("whisper/model.safetensors")));
    run("mkdir -p %s && echo precious > %s", in_folder("mine"), in_folder("mine/notes"));
    int before = n_files();
    CU_ASSERT(convert(in_folder("tiny.pt"), in_folder("mine"), &as_it_is, &kind, &msg) < 0);
    CU_ASSERT(says(&msg, "is not a model"));
    CU_ASSERT(file_exists(in_folder("mine/notes")));
    CU_ASSERT(convert(in_folder("tiny.pt"), in_folder("mine/notes"), &as_it_is, &kind, &msg) < 0);
    CU_ASSERT(convert(in_folder("tiny.pt"), in_folder("no/where"), &as_it_is, &kind, &msg) < 0);
    CU_ASSERT_EQUAL(n_files(), before);
}

static void write_head(const char *path, int64_t width)
{
    static const float numbers[16] = {1, 2, 3, 4};
    struct tensor weight = {"weight", DTYPE_F32, 2, {1, width}, numbers, (size_t)width * 4};
    struct tensor bias = {"bias", DTYPE_F32, 1, {1}, numbers, 4};
    struct torch_writer w;
    torch_open(&w, path);
    TORCH_PUTS(&w, "}(");
    torch_text(&w, "weight");
    torch_tensor(&w, &weight);
    torch_text(&w, "bias");
    torch_tensor(&w, &bias);
    TORCH_PUTS(&w, "u");
    torch_close(&w);
}

static void a_truncation_head_joins_its_model(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    struct safetensors *f = NULL;
    write_head(in_folder("head.pt"), 4);
    CU_ASSERT_EQUAL_FATAL(convert(in_folder("head.pt"), in_folder("whisper"), &as_it_is, &kind, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&f, in_folder("whisper/truncation_head.safetensors"), &msg), 0);
    const struct tensor *t = safetensors_find(f, "weight");
    CU_ASSERT(t != NULL && tensor_has_shape(t, 2, (const int64_t[]){1, 4}) && ((const float *)t->data)[3] == 4.0f);
    safetensors_close(f);
    write_head(in_folder("head.pt"), 5);
    CU_ASSERT(convert(in_folder("head.pt"), in_folder("whisper"), &as_it_is, &kind, &msg) < 0);
    CU_ASSERT(says(&msg, "weight is [1, 5], expected [1, 4]"));
    refuse(in_folder("head.pt"), "added to a converted Whisper model");
}

/* A sentencepiece model by hand: fields 1 (pieces), 2 (training), and one that is not of interest. */
static void sentencepiece_models_become_lists(void)
{
    static const char model[] = "\x0a\x0c\x0a\x05<unk>\x15\0\0\0\0\x18\x02"
                                "\x0a\x0b\x0a\x04\xe2\x96\x81"
                                "a\x15\0\0\x20\xc0" /* -2.5 */
                                "\x12\x04\x18\x02\x20\x64"
                                "\x1a\x02hi";
    struct buffer got = {0};
    struct message msg = {""};
    CU_ASSERT_EQUAL_FATAL(file_write(in_folder("sp.model"), model, sizeof model - 1, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(sentencepiece_write(in_folder("sp.model"), in_folder("pieces.tsv"), &msg), 0);
    CU_ASSERT_EQUAL_FATAL(file_read(in_folder("pieces.tsv"), 1000, &got, &msg), 0);
    CU_ASSERT_STRING_EQUAL(got.data, "#model\tbpe\n<unk>\t0\n\xe2\x96\x81"
                                     "a\t-2.5\n");
    for (size_t n = 0; n < sizeof model - 1; n++) /* any cut: a list or an error */
        if (file_write(in_folder("sp.model"), model, n, &msg) == 0 &&
            sentencepiece_write(in_folder("sp.model"), in_folder("pieces.tsv"), &msg) < 0)
            CU_ASSERT(says(&msg, "not a sentencepiece model"));
    buffer_free(&got);
}

static const struct unit_test tests[] = {
    {"Whisper becomes a model", whisper_becomes_a_model},
    {"broken Whispers are refused", broken_whispers_are_refused},
    {"matrices change type and vectors do not", matrices_change_type_and_vectors_do_not},
    {"models change type too", models_change_type_too},
    {"only models are replaced", only_models_are_replaced},
    {"a truncation head joins its model", a_truncation_head_joins_its_model},
    {"sentencepiece models become lists", sentencepiece_models_become_lists},
};

SCRATCH_MAIN("conversion", tests)
