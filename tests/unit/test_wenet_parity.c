/* SPDX-License-Identifier: Apache-2.0
 * test_wenet_parity.c - WeNet models from samples to events, through the public interface: against what WeNet
 * returns, every mode and method, and the tensors on the way. */
#include <math.h>
#include <string.h>

#include "models/forward.h"
#include "tests/support/refs.h"
#include "tests/support/wenet_stream.h"

static double largest(const float *a, const float *b, size_t n)
{
    double most = 0.0;
    for (size_t i = 0; i < n; i++)
        most = fabs((double)a[i] - (double)b[i]) <= most ? most : fabs((double)a[i] - (double)b[i]);
    return most;
}

static void mode_settings(struct setting_texts *s, const char *mode, const json_t *wenet)
{
    int chunk = -1, left = -1;
    if (strcmp(mode, "full") != 0)
        CU_ASSERT_EQUAL_FATAL(sscanf(mode, "chunk%d_left%d", &chunk, &left), 2);
    set(s, "decoder.chunk=%d", chunk);
    set(s, "decoder.left_chunks=%d", left);
    set(s, "decoder.beam=%d", (int)json_integer_value(json_object_get(wenet, "beam_size")));
    set(s, "decoder.ctc_weight=%g", json_number_value(json_object_get(wenet, "ctc_weight")));
    set(s, "decoder.reverse_weight=%g", json_number_value(json_object_get(wenet, "reverse_weight")));
    set(s, "decoder.nbest=100");
    set(s, "decoder.times=wenet");
}

/* 1 when WeNet's frames, from the start of the recording, are these times. */
static int same_times(const linnet_model *m, const json_t *frames, const struct linnet_hypothesis *h)
{
    struct linnet_model_info info = {.size = sizeof info};
    int is_same = linnet_model_info(m, &info) == 0 && json_array_size(frames) == (size_t)h->n_tokens;
    for (int i = 0; i < h->n_tokens && is_same; i++)
        is_same = h->times_s[i] == (double)json_integer_value(json_array_get(frames, (size_t)i)) * info.frame_s;
    return is_same;
}

static void check_prefix(const linnet_model *m, const linnet_event *e, const json_t *wanted)
{
    const json_t *nbest = json_object_get(wanted, "nbest"), *scores = json_object_get(wanted, "scores"),
                 *times = json_object_get(wanted, "times");
    CU_ASSERT_EQUAL_FATAL((size_t)e->n_nbest, json_array_size(nbest));
    for (int i = 0; i < e->n_nbest; i++) {
        CU_ASSERT(refs_same(json_array_get(nbest, (size_t)i), e->nbest[i].tokens, e->nbest[i].n_tokens));
        CU_ASSERT(same_times(m, json_array_get(times, (size_t)i), &e->nbest[i]));
        CU_ASSERT(fabs(e->nbest[i].score - json_number_value(json_array_get(scores, (size_t)i))) <= 1e-3);
    }
}

static void check_method(linnet_model *m, const struct reference *wav, const char *mode, const char *method,
                         const json_t *wanted, const json_t *wenet)
{
    struct setting_texts s = {.n = 0};
    linnet_event e;
    mode_settings(&s, mode, wenet);
    set(&s, "decoder.name=%s",
        strcmp(method, "ctc_greedy_search") == 0        ? "ctc_greedy"
        : strcmp(method, "ctc_prefix_beam_search") == 0 ? "ctc_prefix_beam"
                                                        : method);
    linnet_stream *stream = stream_open(m, &s, 0);
    CU_ASSERT_EQUAL_FATAL(final_event(stream, wav, &e), 1);
    if (strcmp(method, "ctc_prefix_beam_search") == 0)
        check_prefix(m, &e, wanted);
    else
        CU_ASSERT(refs_same(json_object_get(wanted, "tokens"), e.tokens, e.n_tokens));
    if (strcmp(method, "attention_rescoring") == 0) {
        CU_ASSERT(fabs(e.nbest[0].score - json_number_value(json_object_get(wanted, "score"))) <= 1e-3);
        CU_ASSERT(fabs((double)e.confidence - json_number_value(json_object_get(wanted, "confidence"))) <= 1e-4);
        CU_ASSERT(same_times(m, json_object_get(wanted, "times"), &e.nbest[0]));
    }
    linnet_stream_close(stream);
}

static void check_reference(const char *name)
{
    struct refs refs;
    struct converted c;
    char source[100], folder[4300];
    const char *mode, *method;
    json_t *methods, *wanted;
    snprintf(source, sizeof source, "refs/%s", name);
    snprintf(folder, sizeof folder, "%s/%s", unit_shared(), source);
    CU_ASSERT_EQUAL_FATAL(converted_open(&c, source), 0);
    CU_ASSERT_EQUAL_FATAL(refs_open(&refs, name), 0);
    struct reference wav = reference_wav(folder, "input.wav");
    CU_ASSERT_FATAL(wav.n_rows > 0);
    linnet_model *m = model_open(c.dir, 1);
    json_object_foreach(refs.results, mode, methods) json_object_foreach(methods, method, wanted)
        check_method(m, &wav, mode, method, wanted, json_object_get(refs.json, "settings"));
    linnet_model_close(m);
    free(wav.data);
    refs_close(&refs);
    converted_close(&c);
}

static void test_references(void)
{
    for (int i = 0; i < REFS_N; i++)
        check_reference(refs_names[i]);
}

/* What the tensors on the way may differ by: features have the reference's bits but for the C library's logarithms, the
 * encoder's sums are in another order. */
#define FEATURES_CLOSE 1e-4
#define STATES_CLOSE 1e-4
#define LOGPROBS_CLOSE 1e-3

static void check_stream(struct forward *f, const linnet_model *m, const struct forward_options *options)
{
    double difference = 1.0;
    CU_ASSERT_EQUAL(forward_verify(f, m, options, &difference, NULL), 0);
    CU_ASSERT_EQUAL(difference, 0.0);
    f->states[5] += 0.5f;
    CU_ASSERT_EQUAL(forward_verify(f, m, options, &difference, NULL), 0);
    CU_ASSERT(difference > 0.49 && difference < 0.51);
}

/* The tensors on the way, from the recording, and the encoder in chunks against the whole. */
static void check_forward(const linnet_model *m, const struct refs *refs, const char *wav, const char *mode)
{
    struct audio_file *audio = NULL;
    struct forward f;
    struct forward_options options = {-1, -1};
    int n = 0, d = 0, in_chunks = sscanf(mode, "chunk%d_left%d", &options.chunk, &options.left_chunks) == 2;
    CU_ASSERT_EQUAL_FATAL(audio_file_open(&audio, wav, NULL, 16000, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(forward_open(&f, m, audio, &options, NULL), 0);
    const struct tensor *fbank = safetensors_find(refs->tensors, "fbank");
    size_t n_features = tensor_elements(fbank);
    CU_ASSERT_EQUAL_FATAL((size_t)f.n_features * (size_t)m->encoder->n_features, n_features);
    float *features = mem_array(n_features, sizeof *features);
    tensor_to_f32(fbank, 0, n_features, features);
    float *states = refs_matrix(refs, mode, "encoder_out", &n, &d);
    float *logprobs = refs_matrix(refs, mode, "ctc_logprobs", &n, &d);
    CU_ASSERT_EQUAL_FATAL(f.n_states, n);
    CU_ASSERT(largest(f.features, features, n_features) <= FEATURES_CLOSE);
    CU_ASSERT(largest(f.states, states, (size_t)(n * m->encoder->n_dims)) <= STATES_CLOSE);
    CU_ASSERT(largest(f.logprobs, logprobs, (size_t)(n * d)) <= LOGPROBS_CLOSE);
    if (in_chunks)
        check_stream(&f, m, &options);
    forward_close(&f);
    audio_file_close(audio);
    mem_free(features);
    mem_free(states);
    mem_free(logprobs);
}

static void test_forward(void)
{
    for (int i = 0; i < REFS_N; i++) {
        struct refs refs;
        struct converted c;
        char source[100], wav[4500];
        const char *mode;
        json_t *methods;
        snprintf(source, sizeof source, "refs/%s", refs_names[i]);
        snprintf(wav, sizeof wav, "%s/%s/input.wav", unit_shared(), source);
        CU_ASSERT_EQUAL_FATAL(converted_open(&c, source), 0);
        CU_ASSERT_EQUAL_FATAL(refs_open(&refs, refs_names[i]), 0);
        linnet_model *m = model_open(c.dir, 2);
        json_object_foreach(refs.results, mode, methods) check_forward(m, &refs, wav, mode);
        linnet_model_close(m);
        refs_close(&refs);
        converted_close(&c);
    }
}

static const struct unit_test tests[] = {
    {"tokens, scores, times, confidences of every reference", test_references},
    {"features, encoder output, log probabilities from the recording", test_forward},
};

int main(void)
{
    if (unit_shared() == NULL)
        return UNIT_SKIP;
    return unit_main("wenet parity", tests, sizeof tests / sizeof tests[0]);
}
