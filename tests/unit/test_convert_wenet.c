/* SPDX-License-Identifier: Apache-2.0
 * test_convert_wenet.c - checkpoints of WeNet to models: what they become, and what is refused with which words. */
#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/checkpoint.h"
#include "convert/torch_file.h"
#include "nn/safetensors.h"
#include "tests/support/conversion.h"
#include "tests/support/torch_writer.h"

/* Copies a reference model to wenet/, with its train.yaml edited by sed. */
static const char *edited(const char *model, const char *edit)
{
    run("rm -rf %s && mkdir %s && cp %s/%s/* %s && chmod -R u+w %s", in_folder("wenet"), in_folder("wenet"),
        unit_shared(), model, in_folder("wenet"), in_folder("wenet"));
    if (edit != NULL)
        run("sed -i '%s' %s", edit, in_folder("wenet/train.yaml"));
    return in_folder("wenet");
}

/* final.pt once more, without a tensor, or with one more row, or with everything under "model". */
static void rewrite(const char *without, const char *longer, int nested)
{
    struct checkpoint *c = NULL;
    struct message msg = {""};
    struct torch_writer w;
    CU_ASSERT_EQUAL_FATAL(torch_file_open(&c, in_folder("wenet/final.pt"), &msg), 0);
    torch_open(&w, in_folder("wenet/new"));
    TORCH_PUTS(&w, "}(");
    if (nested) {
        torch_text(&w, "epoch");
        TORCH_PUTS(&w, "K\7");
        torch_text(&w, "model");
        TORCH_PUTS(&w, "}(");
    }
    for (size_t i = 0; i < checkpoint_count(c); i++) {
        struct tensor t = *checkpoint_at(c, i);
        char *data = mem_array(t.n_bytes * 2, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        CU_ASSERT_EQUAL(checkpoint_read(c, checkpoint_at(c, i), data, &msg), 0);
        t.data = data;
        if (longer != NULL && strcmp(t.name, longer) == 0) {
            t.n_bytes = t.n_bytes / (size_t)t.shape[0] * (size_t)(t.shape[0] + 1);
            t.shape[0]++;
        }
        if (without == NULL || strcmp(t.name, without) != 0) {
            torch_text(&w, t.name);
            torch_tensor(&w, &t);
        }
        mem_free(data);
    }
    TORCH_PUTS(&w, "u");
    if (nested)
        TORCH_PUTS(&w, "u");
    torch_close(&w);
    checkpoint_close(c);
    run("mv %s %s", in_folder("wenet/new"), in_folder("wenet/final.pt"));
}

/* Every tensor of the model is the checkpoint's. */
static void check_tensors(const char *source, const char *dir)
{
    struct checkpoint *c = NULL;
    struct safetensors *f = NULL;
    struct message msg = {""};
    int n_same = 0;
    CU_ASSERT_EQUAL_FATAL(torch_file_open(&c, source, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&f, dir, &msg), 0);
    for (size_t i = 0; i < safetensors_count(f); i++) {
        char name[256];
        const struct tensor *t = safetensors_at(f, i);
        snprintf(name, sizeof name, "%s%s", strncmp(t->name, "cmvn.", 5) == 0 ? "encoder.global_" : "", t->name);
        const struct tensor *from = checkpoint_find(c, name);
        CU_ASSERT_PTR_NOT_NULL_FATAL(from);
        char *data = mem_array(from->n_bytes, 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(data);
        CU_ASSERT_EQUAL(checkpoint_read(c, from, data, &msg), 0);
        n_same += from->n_bytes == t->n_bytes && memcmp(data, t->data, t->n_bytes) == 0;
        mem_free(data);
    }
    CU_ASSERT_EQUAL((size_t)n_same, safetensors_count(f));
    checkpoint_close(c);
    safetensors_close(f);
}

static void wenet_becomes_a_model(void)
{
    static const char *const models[] = {"refs/wenet-u2pp", "refs/wenet-conformer-full", "refs/wenet-transformer",
                                         "models/conformer-early"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const char *kind = NULL, *dir = in_folder("model");
        struct message msg = {""};
        CU_ASSERT_EQUAL_FATAL(convert(edited(models[i], NULL), dir, &as_it_is, &kind, &msg), 0);
        CU_ASSERT_STRING_EQUAL(kind, "WeNet");
        check_tensors(in_folder("wenet/final.pt"), dir);
        CU_ASSERT(file_exists(in_folder("model/units.txt")));
        CU_ASSERT_EQUAL(file_exists(in_folder("model/pieces.tsv")), i == 3);
    }
}

/* What WeNet's defaults are, where train.yaml is silent. */
static void silence_means_the_default(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    const char *source = edited("refs/wenet-conformer-full",
                                "/causal:/d; /cnn_module_norm:/d; /activation_type:/d; /pos_enc_layer_type:/d");
    CU_ASSERT_EQUAL_FATAL(convert(source, in_folder("model"), &as_it_is, &kind, &msg), 0);
    json_t *config = read_json(in_folder("model"), "config.json"), *encoder = json_object_get(config, "encoder");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(encoder, "cnn_module_norm")), "batch_norm");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(encoder, "activation_type")), "swish");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(encoder, "pos_enc_layer_type")), "rel_pos");
    CU_ASSERT(json_is_false(json_object_get(encoder, "causal")));
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(config, "sos")), 59);
    json_decref(config);
}

static void what_cannot_be_computed_is_refused_by_name(void)
{
    static const struct {
        const char *edit, *says;
    } cases[] = {
        {"s/^encoder: conformer/encoder: squeezeformer/", "encoder 'squeezeformer'"},
        {"s/^decoder: .*/decoder: sanm_decoder/", "decoder 'sanm_decoder'"},
        {"s/^model: .*/model: transducer/", "model 'transducer'"},
        {"s/input_layer: conv2d/input_layer: dwconv2d4/", "encoder_conf.input_layer: \"dwconv2d4\""},
        {"s/activation_type: swish/activation_type: selu/", "encoder_conf.activation_type: \"selu\""},
        {"s/selfattention_layer_type: .*/selfattention_layer_type: shaw_rel_selfattn/", "shaw_rel_selfattn"},
        {"s/cnn_module_norm: .*/cnn_module_norm: rms_norm/", "cnn_module_norm: \"rms_norm\""},
        {"s/  causal: true/  causal: maybe/", "encoder_conf.causal: \"maybe\""},
        {"s/  causal: true/  n_kv_head: 1/", "n_kv_head"},
        {"s/  causal: true/  layer_norm_type: rms_norm/", "layer_norm_type"},
        {"s/  causal: true/  mlp_type: moe/", "mlp_type"},
        {"s/  causal: true/  causel: true/", "encoder_conf.causel"},
        {"s/attention_heads: 4/attention_heads: 5/", "5 heads for a width of 64"},
        {"s/  reverse_weight: .*/  apply_non_blank_embedding: true/", "apply_non_blank_embedding"},
        {"s/num_mel_bins: 80/num_mel_bins: 40/", "num_mel_bins is 40, input_dim 80"},
        {"s/^dataset_conf:/dataset_conf:\\n  feats_type: log_mel_spectrogram/", "log_mel_spectrogram"},
        {"s/<eos>: 59/<eos>: 60/", "eos is 60 of 60"},
        {"s/^input_dim: .*/input_dim: x/", "input_dim"},
        /* shapes that contradict */
        {"s/  output_size: 64/  output_size: 32/",
         "encoder.embed.conv.0.weight is [64, 1, 3, 3], expected [32, 1, 3, 3]"},
        {"s/  cnn_module_kernel: 15/  cnn_module_kernel: 7/",
         "depthwise_conv.weight is [64, 1, 15], expected [64, 1, 7]"},
        {"s/num_blocks: 3/num_blocks: 4/", "no tensor encoder.encoders.3"},
        {"s/num_blocks: 3/num_blocks: 2/", "encoder.encoders.2"},
        {"s/  macaron_style: .*//; s/  use_cnn_module: true/  macaron_style: false/", "feed_forward_macaron"},
        {"s/input_layer: conv2d/input_layer: conv2d8/", "no tensor encoder.embed.conv.4.weight"},
        {"s/^output_dim: 60/output_dim: 61/", "decoder.left_decoder.embed.0.weight is [60, 64], expected [61, 64]"},
        {"s/^decoder: .*/decoder: null/", "decoder."},
        {"1i \\  - [", "train.yaml"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(edited("refs/wenet-u2pp", cases[i].edit), cases[i].says);
}

static void broken_wenets_are_refused(void)
{
    edited("refs/wenet-u2pp", NULL);
    rewrite("encoder.encoders.1.norm_mha.bias", NULL, 0);
    refuse(in_folder("wenet"), "no tensor encoder.encoders.1.norm_mha.bias");
    edited("refs/wenet-u2pp", NULL);
    rewrite(NULL, "ctc.ctc_lo.bias", 0);
    refuse(in_folder("wenet"), "tensor ctc.ctc_lo.bias is [61], expected [60]");
    edited("refs/wenet-u2pp", NULL);
    run("sed -i '$d' %s", in_folder("wenet/units.txt"));
    refuse(in_folder("wenet"), "units.txt");
    run("rm %s", in_folder("wenet/final.pt"));
    refuse(in_folder("wenet"), "no checkpoint (final.pt)");
    refuse(edited("refs/wenet-u2pp", "s#bpe_path: null#bpe_path: /data/bpe.model#"), "no /data/bpe.model");
}

static void nested_checkpoints_and_statistics_beside_are_found(void)
{
    struct message msg = {""};
    const char *kind = NULL;
    struct safetensors *before = NULL, *after = NULL;
    CU_ASSERT_EQUAL_FATAL(convert(edited("refs/wenet-u2pp", NULL), in_folder("model"), &as_it_is, &kind, &msg), 0);
    rewrite("encoder.global_cmvn.mean", NULL, 0);
    rewrite("encoder.global_cmvn.istd", NULL, 1);
    run("mv %s %s", in_folder("wenet/final.pt"), in_folder("wenet/avg_3.pt"));
    CU_ASSERT_EQUAL_FATAL(convert(in_folder("wenet/avg_3.pt"), in_folder("again"), &as_it_is, &kind, &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&before, in_folder("model"), &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_open_dir(&after, in_folder("again"), &msg), 0);
    CU_ASSERT_EQUAL_FATAL(safetensors_count(before), safetensors_count(after));
    for (size_t i = 0; i < safetensors_count(before); i++) {
        const struct tensor *a = safetensors_at(before, i), *b = safetensors_at(after, i);
        CU_ASSERT_STRING_EQUAL(a->name, b->name);
        CU_ASSERT(a->n_bytes == b->n_bytes && memcmp(a->data, b->data, a->n_bytes) == 0);
    }
    safetensors_close(before);
    safetensors_close(after);
}

static int id_of(const char *key)
{
    json_t *config = read_json(in_folder("model"), "config.json");
    int id = (int)json_integer_value(json_object_get(config, key));
    json_decref(config);
    return id;
}

/* Where train.yaml names no special tokens, units.txt does; where both do they agree. */
static void ends_and_blank_are_where_units_say(void)
{
    struct message msg = {""};
    const char *kind = NULL, *source = edited("refs/wenet-u2pp", "/special_tokens:/,/<eos>/d; /ctc_blank_id/d");
    run("sed -i 's/^<sos.eos> 59/x 59/; s/^[^ ]* 2$/<sos\\/eos> 2/' %s", in_folder("wenet/units.txt"));
    CU_ASSERT_EQUAL_FATAL(convert(source, in_folder("model"), &as_it_is, &kind, &msg), 0);
    CU_ASSERT(id_of("sos") == 2 && id_of("eos") == 2 && id_of("blank") == 0);
    run("sed -i 's/^<sos.eos> 2/<sos> 2/; s/^[^ ]* 3$/<eos> 3/; s/^<blank> 0/y 0/; s/^[^ ]* 4$/<blank> 4/' %s",
        in_folder("wenet/units.txt"));
    CU_ASSERT_EQUAL_FATAL(convert(source, in_folder("model"), &as_it_is, &kind, &msg), 0);
    CU_ASSERT(id_of("sos") == 2 && id_of("eos") == 3 && id_of("blank") == 4);
    edited("refs/wenet-u2pp", "s/ctc_blank_id: 0/ctc_blank_id: 1/");
    refuse(in_folder("wenet"), "'<blank>' is unit 0, but blank is 1 in train.yaml");
    edited("refs/wenet-u2pp", NULL);
    run("sed -i 's/^<sos.eos> 59/x 59/; s/^[^ ]* 2$/<sos\\/eos> 2/' %s", in_folder("wenet/units.txt"));
    refuse(in_folder("wenet"), "'<sos/eos>' is unit 2, but sos is 59 in train.yaml");
}

/* An archive of WeNet's runtime, in its directory and by itself, with train.yaml beside it and without. */
static void programs_are_refused_with_the_remedy(void)
{
    struct torch_writer w;
    edited("refs/wenet-u2pp", NULL);
    run("rm %s", in_folder("wenet/final.pt"));
    torch_open(&w, in_folder("wenet/final.zip"));
    torch_file(&w, "t/code/__torch__.py", "pass", 4);
    torch_close(&w);
    refuse(in_folder("wenet"), "final.zip: a TorchScript program");
    refuse(in_folder("wenet/final.zip"), "state_dict()");
    run("rm %s", in_folder("wenet/train.yaml"));
    refuse(in_folder("wenet"), "final.pt");
    refuse(in_folder("wenet/final.zip"), "final.zip: a TorchScript program");
    run("mv %s %s", in_folder("wenet/final.zip"), in_folder("wenet/vad.pt"));
    refuse(in_folder("wenet/vad.pt"), "vad.pt: a TorchScript program");
}

static const struct unit_test tests[] = {
    {"WeNet becomes a model", wenet_becomes_a_model},
    {"silence means the default", silence_means_the_default},
    {"what cannot be computed is refused by name", what_cannot_be_computed_is_refused_by_name},
    {"broken WeNets are refused", broken_wenets_are_refused},
    {"ends and blank are where units say", ends_and_blank_are_where_units_say},
    {"programs are refused with the remedy", programs_are_refused_with_the_remedy},
    {"nested checkpoints and statistics beside are found", nested_checkpoints_and_statistics_beside_are_found},
};

int main(void)
{
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    return scratch_main("conversion of WeNet", tests, sizeof tests / sizeof tests[0]);
}
