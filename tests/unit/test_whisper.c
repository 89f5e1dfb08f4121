/* SPDX-License-Identifier: Apache-2.0
 * test_whisper.c - Whisper's networks against reference numbers of a small random model of large-v3's kind, and models
 * that are not as they should be. */
#include <jansson.h>
#include <unistd.h>

#include "base/mem.h"
#include "decoders/whisper_common/state.h"
#include "encoder/whisper_silence.h"
#include "frontend/log_mel.h"
#include "linnet.h"
#include "tests/support/event_dump.h"
#include "tests/support/reference.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"
#include "vocab/whisper_vocab.h"

/* ---- the random model ---- */

enum { WINDOW = LOG_MEL_WINDOW_FRAMES };

static const char *reference_folder(void)
{
    static char path[4200];
    const char *shared = unit_shared();
    snprintf(path, sizeof path, "%s/refs/whisper-random-v3", shared != NULL ? shared : "");
    return shared != NULL && access(path, R_OK) == 0 ? path : NULL;
}

static float difference(const float *a, const float *b, size_t n)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) {
        float d = fabsf(a[i] - b[i]);
        if (!(d <= most))
            most = d;
    }
    return most;
}

/* A tensor of expected.safetensors as floats; free with mem_free. */
static float *expected(const char *name, size_t n)
{
    char path[4400];
    struct safetensors *f = NULL;
    snprintf(path, sizeof path, "%s/expected.safetensors", reference_folder());
    CU_ASSERT_EQUAL_FATAL(safetensors_open(&f, path, NULL), 0);
    const struct tensor *t = safetensors_find(f, name);
    CU_ASSERT_TRUE_FATAL(t != NULL && tensor_elements(t) == n);
    float *data = mem_array(n, sizeof *data);
    tensor_to_f32(t, 0, n, data);
    safetensors_close(f);
    return data;
}

/* Channels by frames to frames by channels. */
static float *turned(const float *mel, int n_mels)
{
    float *frames = mem_array((size_t)WINDOW * (size_t)n_mels, sizeof *frames);
    for (int t = 0; t < WINDOW; t++)
        for (int k = 0; k < n_mels; k++)
            frames[t * n_mels + k] = mel[k * WINDOW + t];
    return frames;
}

struct network {
    linnet_model *model;
    const struct whisper_encoder *whisper;
    struct nn_context ctx;
    struct whisper_encoder_state encoder;
    struct text_decoder_state state;
    float *states, *logits;
};

/* The reference comes without a vocabulary, for which any will do. */
static void open_with_vocabulary(linnet_model **model, const struct linnet_model_options *o)
{
    static const char *const names[] = {"config.json", "model.safetensors"};
    char *beside = tiny_folder(), from[4400], to[4400];
    CU_ASSERT_PTR_NOT_NULL_FATAL(beside);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *file = realpath(reference_folder(), NULL);
        snprintf(from, sizeof from, "%s/%s", file, names[i]);
        snprintf(to, sizeof to, "%s/%s", beside, names[i]);
        CU_ASSERT_EQUAL_FATAL(symlink(from, to), 0);
        free(file);
    }
    CU_ASSERT_EQUAL_FATAL(tiny_vocabulary(beside, 50257), 0);
    CU_ASSERT_EQUAL_FATAL(linnet_model_open(beside, o, model, NULL, 0), 0);
    tiny_remove(beside);
    free(beside);
}

static void network_open(struct network *w)
{
    struct linnet_model_options o;
    linnet_model_options_init(&o);
    o.precision = "fp32";
    memset(w, 0, sizeof *w);
    open_with_vocabulary(&w->model, &o);
    w->whisper = whisper_encoder_of(w->model->encoder);
    CU_ASSERT_EQUAL_FATAL(nn_context_open(&w->ctx, w->model->pool, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_encoder_state_open(&w->encoder, w->whisper, 1, &w->ctx, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(whisper_state_open(&w->state, w->model, &w->ctx, 64, 8, NULL), 0);
    w->states = mem_array((size_t)w->whisper->n_states * (size_t)w->whisper->base.n_dims, sizeof *w->states);
    w->logits = mem_array((size_t)w->model->vocab->n, sizeof *w->logits);
}

static void network_close(struct network *w)
{
    whisper_encoder_state_close(&w->encoder);
    text_decoder_state_close(&w->state);
    nn_context_close(&w->ctx);
    linnet_model_close(w->model);
    mem_free(w->states);
    mem_free(w->logits);
}

static int largest(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* Runs tokens from position on; the logits are those after the last. */
static void run_tokens(struct network *w, const int *tokens, int n, int position, const int *slots)
{
    struct text_row rows[8];
    for (int i = 0; i < n; i++)
        rows[i] = (struct text_row){tokens[i], position + i, slots};
    text_decoder_state_step(&w->state, &w->ctx, rows, n, NULL);
    text_decoder_state_logits(&w->state, &w->ctx, n - 1, 1, w->logits);
}

/* States of the window mel [n_frames, n_mels] from state `from` on. */
static void encode(struct network *w, const float *mel, int n_frames, int from)
{
    const struct whisper_encoder_input in = {.mel = mel, .n_frames = n_frames, .from = from};
    whisper_encoder_forward(&w->ctx, w->whisper, &w->encoder, &in, w->states);
}

static void features_and_encoder(struct network *w)
{
    int n_mels = w->whisper->base.n_features;
    size_t n_states = (size_t)w->whisper->n_states * (size_t)w->whisper->base.n_dims,
           n_mel = (size_t)WINDOW * (size_t)n_mels;
    float *mel = expected("mel", n_mel), *states = expected("encoder_out", n_states), *frames = turned(mel, n_mels);
    char folder[4200];
    snprintf(folder, sizeof folder, "%s/audio", unit_shared());
    struct reference wav = reference_wav(folder, "jfk.wav");
    struct features_stream *features = NULL;
    float *mine = mem_array(n_mel, sizeof *mine), *samples = mem_array(WINDOW * LOG_MEL_HOP + 40, sizeof *samples);
    CU_ASSERT_TRUE_FATAL(wav.n_rows > 0 && wav.n_rows < WINDOW * LOG_MEL_HOP);
    memcpy(samples, wav.data, wav.n_rows * sizeof *samples);
    CU_ASSERT_EQUAL_FATAL(log_mel_open(&features, n_mels, NULL), 0);
    CU_ASSERT_EQUAL(features_feed(features, samples, WINDOW * LOG_MEL_HOP + 40, mine), WINDOW);
    log_mel_normalize(mine, n_mel, -INFINITY);
    CU_ASSERT_TRUE(difference(mine, frames, n_mel) < 1e-4f);
    encode(w, frames, WINDOW, 0);
    CU_ASSERT_TRUE(difference(w->states, states, n_states) < 1e-3f);
    features_close(features);
    void *all[] = {mel, states, frames, mine, samples};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    free(wav.data);
}

/* Where the audio is that of the last call the rest of it gives the same states and the same logits; where it is not,
 * the states before it stay. */
static void encoder_continues(void)
{
    enum { FRAMES = 400, FROM = 77 };
    static const int tokens[3] = {1, 2, 3}, slots[3] = {0, 1, 2};
    struct network w;
    if (reference_folder() == NULL) {
        printf("(no reference data) ");
        return;
    }
    network_open(&w);
    size_t n_mels = (size_t)w.whisper->base.n_features, n_dims = (size_t)w.whisper->base.n_dims,
           n_mel = WINDOW * n_mels, n = FRAMES / 2 * n_dims, n_kept = FROM * n_dims,
           n_vocab = (size_t)w.model->vocab->n;
    float *mel = expected("mel", n_mel), *frames = turned(mel, (int)n_mels);
    float *states = mem_array(n, sizeof *states), *logits = mem_array(n_vocab, sizeof *logits);
    encode(&w, frames, FRAMES, 0);
    text_decoder_state_append(&w.state, &w.ctx, w.states, FRAMES / 2);
    run_tokens(&w, tokens, 3, 0, slots);
    memcpy(states, w.states, n * sizeof *states);
    memcpy(logits, w.logits, n_vocab * sizeof *logits);
    memset(w.states + n_kept, 0, (n - n_kept) * sizeof *w.states);
    encode(&w, frames, FRAMES, FROM);
    text_decoder_state_cut(&w.state, FROM);
    text_decoder_state_append(&w.state, &w.ctx, w.states + n_kept, FRAMES / 2 - FROM);
    run_tokens(&w, tokens, 3, 0, slots);
    CU_ASSERT(memcmp(states, w.states, n * sizeof *states) == 0);
    CU_ASSERT(memcmp(logits, w.logits, n_vocab * sizeof *logits) == 0);
    for (size_t i = 0; i < FRAMES * n_mels; i++)
        frames[i] += 0.5f;
    encode(&w, frames, FRAMES, FROM);
    CU_ASSERT(memcmp(states, w.states, n_kept * sizeof *states) == 0);
    CU_ASSERT(memcmp(states + n_kept, w.states + n_kept, (n - n_kept) * sizeof *states) != 0);
    encode(&w, frames, FRAMES, 0);
    CU_ASSERT(memcmp(states, w.states, n_kept * sizeof *states) != 0);
    void *all[] = {mel, frames, states, logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        mem_free(all[i]);
    network_close(&w);
}

/* States before a tail see what it copies: where the window is silence itself they are the silence's own. */
static void silence_ends_a_window(void)
{
    enum { N = 500, FROM = 60, OWN = 101, MORE = 600 };
    struct network w, later;
    struct whisper_encoder_tail tail, all;
    if (reference_folder() == NULL) {
        printf("(no reference data) ");
        return;
    }
    network_open(&w);
    network_open(&later);
    size_t n_dims = (size_t)w.whisper->base.n_dims, n = N * n_dims, n_mel = 2 * N * (size_t)w.whisper->base.n_features;
    float *mel = mem_array(n_mel, sizeof *mel);
    for (size_t i = 0; i < n_mel; i++)
        mel[i] = WHISPER_SILENCE;
    CU_ASSERT_EQUAL_FATAL(whisper_silence_prepare(w.whisper, &w.ctx, NULL), 0);
    whisper_silence_tail(w.whisper, &w.ctx, OWN, N, &tail);
    CU_ASSERT(tail.from == OWN && tail.n == N - OWN);
    encode(&w, mel, 2 * N, 0);
    CU_ASSERT(memcmp(w.states, tail.states, n * sizeof *mel) == 0);
    for (int from = 0; from <= FROM; from += FROM) {
        memset(w.states + (size_t)from * n_dims, 0, (n - (size_t)from * n_dims) * sizeof *mel);
        const struct whisper_encoder_input in = {.mel = mel, .n_frames = 2 * N, .from = from, .tail = tail};
        whisper_encoder_forward(&w.ctx, w.whisper, &w.encoder, &in, w.states);
        CU_ASSERT(memcmp(w.states, tail.states, n * sizeof *mel) == 0);
    }
    /* As far as it is asked for, and the same whenever that is. */
    whisper_silence_tail(w.whisper, &w.ctx, 0, MORE, &tail);
    CU_ASSERT_EQUAL_FATAL(whisper_silence_prepare(later.whisper, &later.ctx, NULL), 0);
    whisper_silence_tail(later.whisper, &later.ctx, 0, MORE, &all);
    CU_ASSERT(memcmp(tail.states, all.states, MORE * n_dims * sizeof *mel) == 0);
    mem_free(mel);
    network_close(&later);
    network_close(&w);
}

static void special_tokens(const struct whisper_specials *s, const json_t *wanted)
{
    const struct {
        const char *name;
        int id;
    } ids[] = {{"sot", s->sot},
               {"eot", s->eot},
               {"no_timestamps", s->no_timestamps},
               {"no_speech", s->no_speech},
               {"sot_prev", s->sot_prev},
               {"timestamp_begin", s->timestamp_begin},
               {"transcribe", s->transcribe},
               {"translate", s->translate}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        CU_ASSERT_EQUAL(json_integer_value(json_object_get(wanted, ids[i].name)), ids[i].id);
}

static void random_v3(void)
{
    char path[4400];
    struct network w;
    int slots[64], prompt[4];
    if (reference_folder() == NULL) {
        printf("(no reference data) ");
        return;
    }
    snprintf(path, sizeof path, "%s/expected.json", reference_folder());
    json_t *json = json_load_file(path, 0, NULL), *argmax = json_object_get(json, "argmax_tokens");
    CU_ASSERT_EQUAL_FATAL(json_array_size(argmax), 24);
    network_open(&w);
    size_t n_vocab = (size_t)w.model->vocab->n;
    special_tokens(&whisper_vocab_of(w.model->vocab)->special, json_object_get(json, "special"));
    features_and_encoder(&w);
    float *first = expected("first_logits", n_vocab), *last = expected("last_logits", n_vocab);
    for (int i = 0; i < 64; i++)
        slots[i] = 63 - i; /* any order will do */
    for (size_t i = 0; i < 4; i++)
        prompt[i] = (int)json_integer_value(json_array_get(json_object_get(json, "prompt"), i));
    text_decoder_state_append(&w.state, &w.ctx, w.states, w.whisper->n_states);
    run_tokens(&w, prompt, 4, 0, slots);
    CU_ASSERT_TRUE(difference(w.logits, first, n_vocab) < 1e-3f);
    for (int i = 0; i < 24; i++) {
        int token = largest(w.logits, w.model->vocab->n);
        CU_ASSERT_EQUAL(token, json_integer_value(json_array_get(argmax, (size_t)i)));
        if (i < 23)
            run_tokens(&w, &token, 1, 4 + i, slots);
    }
    CU_ASSERT_TRUE(difference(w.logits, last, n_vocab) < 1e-3f);
    mem_free(first);
    mem_free(last);
    json_decref(json);
    network_close(&w);
}

/* ---- models of our own ---- */

static char *folder;

static int open_tiny(const struct tiny_whisper *how, linnet_model **model, char error[400])
{
    CU_ASSERT_EQUAL_FATAL(tiny_whisper_write(folder, how), 0);
    error[0] = '\0';
    *model = NULL;
    return linnet_model_open(folder, NULL, model, error, 400);
}

static void english_only(void)
{
    static const struct tiny_whisper english = {.n_vocab = 51864};
    static const char *const good[] = {"language=en", "decoder.temperature=0", "decoder.max_tokens=10"},
                             *const german[] = {"language=de"}, *const translate[] = {"task=translate"};
    char error[400];
    linnet_model *m;
    linnet_stream *s = NULL;
    struct linnet_stream_options o;
    struct buffer out = {0};
    CU_ASSERT_EQUAL_FATAL(open_tiny(&english, &m, error), 0);
    CU_ASSERT_EQUAL(whisper_vocab_of(m->vocab)->special.n_languages, 0);
    CU_ASSERT_EQUAL(whisper_vocab_of(m->vocab)->special.sot, 50257);
    linnet_stream_options_init(&o);
    o.n_settings = 1;
    o.settings = german;
    CU_ASSERT_EQUAL(linnet_stream_open(m, &o, &s, error, sizeof error), LINNET_E_UNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "English"));
    o.settings = translate;
    CU_ASSERT_EQUAL(linnet_stream_open(m, &o, &s, error, sizeof error), LINNET_E_UNSUPPORTED);
    o.settings = good;
    o.n_settings = 3;
    float *x = tiny_sound(20000, 1);
    CU_ASSERT_EQUAL_FATAL(linnet_stream_open(m, &o, &s, error, sizeof error), 0);
    CU_ASSERT_EQUAL(event_dump_run(&out, s, x, 20000, 20000), 0);
    linnet_stream_close(s);
    linnet_model_close(m);
    buffer_free(&out);
    free(x);
}

/* The error must name the tensor and the file. */
static void broken_tensors(void)
{
    static const char *const names[] = {
        "model.encoder.conv2.weight",        "model.encoder.layers.1.self_attn.k_proj.weight",
        "model.decoder.embed_tokens.weight", "model.decoder.layers.0.encoder_attn.out_proj.bias",
        "model.decoder.layer_norm.weight",   "model.decoder.embed_positions.weight"};
    char error[400];
    linnet_model *m;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tiny_whisper missing = {.missing = names[i]}, misshapen = {.misshapen = names[i]};
        CU_ASSERT_EQUAL(open_tiny(&missing, &m, error), LINNET_E_MODEL);
        CU_ASSERT_TRUE(strstr(error, names[i]) != NULL && strstr(error, "model.safetensors") != NULL);
        CU_ASSERT_EQUAL(open_tiny(&misshapen, &m, error), LINNET_E_MODEL);
        CU_ASSERT_TRUE(strstr(error, names[i]) != NULL && strstr(error, "model.safetensors") != NULL);
        CU_ASSERT_PTR_NULL(m);
    }
}

static void cut_files(void)
{
    static const struct tiny_whisper defaults = {0};
    char error[400], path[4200];
    linnet_model *m;
    CU_ASSERT_EQUAL_FATAL(open_tiny(&defaults, &m, error), 0);
    linnet_model_close(m);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    struct stat info;
    CU_ASSERT_EQUAL_FATAL(stat(path, &info), 0);
    const long sizes[] = {(long)info.st_size - 1, (long)info.st_size / 2, 4000, 8, 7, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(truncate(path, sizes[i]), 0);
        CU_ASSERT_EQUAL(linnet_model_open(folder, NULL, &m, error, sizeof error), LINNET_E_FORMAT);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, "model.safetensors"));
    }
}

/* config.json with one number replaced. */
static void write_config(const char *key, const char *value)
{
    static const char *const defaults[][2] = {{"model_type", "\"whisper\""},
                                              {"d_model", "16"},
                                              {"num_mel_bins", "80"},
                                              {"encoder_layers", "2"},
                                              {"encoder_attention_heads", "2"},
                                              {"encoder_ffn_dim", "32"},
                                              {"decoder_layers", "2"},
                                              {"decoder_attention_heads", "2"},
                                              {"decoder_ffn_dim", "32"},
                                              {"max_source_positions", "1500"},
                                              {"max_target_positions", "448"},
                                              {"vocab_size", "51865"},
                                              {"activation_function", "\"gelu\""},
                                              {"scale_embedding", "false"}};
    char path[4200];
    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        fprintf(f, "%s\"%s\": %s", i == 0 ? "{" : ", ", defaults[i][0],
                strcmp(defaults[i][0], key) == 0 ? value : defaults[i][1]);
    fputs("}", f);
    fclose(f);
}

static void wrong_configs(void)
{
    static const struct {
        const char *key, *value, *named;
    } wrong[] = {{"d_model", "0", "d_model"},
                 {"d_model", "-16", "d_model"},
                 {"d_model", "1e9", "d_model"},
                 {"d_model", "\"16\"", "d_model"},
                 {"d_model", "17", "d_model"},
                 {"encoder_layers", "2000000000", "encoder_layers"},
                 {"decoder_layers", "1001", "decoder_layers"},
                 {"vocab_size", "51863", "51863"},
                 {"vocab_size", "9000000000000", "vocab_size"},
                 {"num_mel_bins", "81", "conv1"},
                 {"max_target_positions", "null", "max_target_positions"},
                 {"activation_function", "\"relu\"", "relu"},
                 {"scale_embedding", "true", "scale_embedding"},
                 {"model_type", "\"parrot\"", "parrot"},
                 {"model_type", "[1, 2", "config.json"}};
    static const struct tiny_whisper defaults = {0};
    char error[400];
    linnet_model *m;
    CU_ASSERT_EQUAL_FATAL(open_tiny(&defaults, &m, error), 0);
    linnet_model_close(m);
    m = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_config(wrong[i].key, wrong[i].value);
        int rc = linnet_model_open(folder, NULL, &m, error, sizeof error);
        CU_ASSERT_TRUE(rc == LINNET_E_MODEL || rc == LINNET_E_FORMAT);
        if (strstr(error, wrong[i].named) == NULL)
            printf("%s=%s: %s\n", wrong[i].key, wrong[i].value, error);
        CU_ASSERT_PTR_NOT_NULL(strstr(error, wrong[i].named));
        CU_ASSERT_PTR_NULL(m);
    }
}

static const struct unit_test tests[] = {
    {"a random model of large-v3's kind", random_v3},  {"the encoder goes on from its last call", encoder_continues},
    {"silence ends a window", silence_ends_a_window},  {"English-only vocabulary", english_only},
    {"missing and misshapen tensors", broken_tensors}, {"files cut short", cut_files},
    {"wrong configurations", wrong_configs},
};

int main(void)
{
    folder = tiny_folder();
    if (folder == NULL)
        return 99;
    int code = unit_main("whisper", tests, sizeof tests / sizeof *tests);
    tiny_remove(folder);
    free(folder);
    return code;
}
