/* SPDX-License-Identifier: Apache-2.0
 * test_alignatt_beam.c - streaming Whisper's beam with a small random model: paths do not disturb each other, and the
 * probabilities and times of decoded tokens are those of the same tokens run alone. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/alignatt/beam.h"
#include "decoders/whisper_common/prompt.h"
#include "decoders/whisper_common/rules.h"
#include "models/model.h"
#include "tests/support/tiny_whisper.h"
#include "tests/support/unit.h"

/* Rows of several paths in one step are multiplied by other kernels than a row alone, and sum in another order. */
#define CLOSE 2e-4f
enum { RATE_HZ = 16000, N_SAMPLES = 6 * RATE_HZ, N_SOUNDS = 8, N_MAX = 200 };

static linnet_model *model;

/* All that the beam needs: encoded audio, and a prompt that has run on path 0. */
struct situation {
    struct settings settings;
    struct message msg;
    struct linnet_stats stats;
    struct decoder_host host;
    struct alignatt_audio audio;
    struct alignatt_network network;
    struct alignatt_text text;
    float *window;
    int n_window, n_content, prompt[4];
};

static void encode(struct situation *s, struct alignatt_network *r)
{
    alignatt_network_encode(r, s->window, s->n_window, s->n_content, 0);
    alignatt_network_run(r, 0, s->prompt, 4);
}

static void situation_open(struct situation *s, uint64_t seed, int n_paths)
{
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    const struct whisper_specials *special = &vocab->special;
    memset(s, 0, sizeof *s);
    s->host = (struct decoder_host){.model = model, .settings = &s->settings, .msg = &s->msg, .stats = &s->stats};
    CU_ASSERT_EQUAL_FATAL(model_open_settings(&s->settings, &s->msg), 0);
    const struct vad_options *vad = settings_of(&s->settings, &vad_settings);
    CU_ASSERT_EQUAL_FATAL(alignatt_audio_open(&s->audio, vad, &model->features, 3000, &s->msg), 0);
    CU_ASSERT_EQUAL_FATAL(alignatt_text_open(&s->text, &s->host, vocab, N_MAX, 64), 0);
    CU_ASSERT_EQUAL_FATAL(alignatt_network_open(&s->network, model, 0, n_paths, "", &s->msg), 0);
    float *sound = tiny_sound(N_SAMPLES, seed);
    for (size_t at = 0; at < N_SAMPLES;)
        at += alignatt_audio_feed(&s->audio, sound + at, N_SAMPLES - at);
    s->audio.speech_from = 0;
    s->window = mem_array(3000 * TINY_MELS, sizeof *s->window);
    s->n_window = alignatt_audio_window(&s->audio, N_SAMPLES, 200, s->window, &s->n_content);
    s->prompt[0] = special->sot;
    const struct decoder_options *shared = settings_of(&s->settings, &decoder_settings);
    CU_ASSERT_EQUAL_FATAL(whisper_prompt_task(vocab, shared, special->first_language, s->prompt + 1), 2);
    s->prompt[3] = special->timestamp_begin;
    encode(s, &s->network);
    free(sound);
}

static void situation_close(struct situation *s)
{
    alignatt_audio_close(&s->audio);
    alignatt_network_close(&s->network);
    alignatt_text_close(&s->text);
    settings_close(&s->settings);
    mem_free(s->window);
}

static float most_apart(const float *a, const float *b, int n)
{
    float most = 0;
    for (int i = 0; i < n; i++)
        most = fabsf(a[i] - b[i]) > most ? fabsf(a[i] - b[i]) : most;
    return most;
}

/* Three paths fork after the prompt, one of them again after two tokens: each has the logits that it has alone. */
static void paths_are_apart(void)
{
    enum { N = 4, STEPS = 4 };
    static const int parents[STEPS][N] = {{0, 0, 0, -1}, {0, 1, 2, -1}, {0, 1, 2, 1}, {0, 1, 2, 3}};
    struct situation s, alone;
    int tokens[N][STEPS], n_vocab = model->vocab->n;
    situation_open(&s, 1, N);
    situation_open(&alone, 1, 1);
    for (int step = 0; step < STEPS; step++) {
        int paths[N], next[N], n = 0;
        for (int p = N - 1; p >= 0; p--) { /* the first is what others come from */
            int from = parents[step][p];
            if (from < 0)
                continue;
            if (from != p) {
                alignatt_network_fork(&s.network, p, from);
                memcpy(tokens[p], tokens[from], sizeof tokens[p]);
            }
            tokens[p][step] = 100 + 1000 * p + 7 * step;
            paths[n] = p;
            next[n++] = tokens[p][step];
        }
        alignatt_network_run_each(&s.network, paths, next, n);
        for (int i = 0; i < n; i++) {
            encode(&alone, &alone.network);
            alignatt_network_run(&alone.network, 0, tokens[paths[i]], step + 1);
            const float *wanted = alone.network.paths[0].logits, *got = s.network.paths[paths[i]].logits;
            CU_ASSERT(most_apart(wanted, got, n_vocab) < CLOSE);
            CU_ASSERT_EQUAL(alignatt_network_attended(&s.network, paths[i]),
                            alignatt_network_attended(&alone.network, 0));
        }
    }
    situation_close(&s);
    situation_close(&alone);
}

/* Runs what lies before token i of the text alone, and checks the token's log probability and frame. */
static void check_token(struct situation *alone, struct whisper_search_options *rules, const struct alignatt_text *t,
                        int i)
{
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    struct alignatt_network *r = &alone->network;
    encode(alone, r);
    for (int k = 0; k <= i; k++) {
        struct alignatt_pause before = t->at[k].before;
        const int times[] = {vocab->special.timestamp_begin + (int)before.from,
                             vocab->special.timestamp_begin + (int)before.to};
        if (k > 0 && before.to >= 0)
            alignatt_network_run(r, 0, times, 2);
        if (k < i)
            alignatt_network_run(r, 0, t->ids + k, 1);
    }
    float *logits = r->paths[0].logits;
    whisper_rules_apply(r->ctx.kernels, vocab, rules, t->ids, i, logits);
    CU_ASSERT(fabsf(logits[t->ids[i]] - t->at[i].logprob) < CLOSE);
    CU_ASSERT_EQUAL(alignatt_network_attended(r, 0), t->at[i].frame);
}

static void set_beam(struct situation *s, int width)
{
    char value[16];
    snprintf(value, sizeof value, "%d", width);
    CU_ASSERT_EQUAL_FATAL(settings_set_key(&s->settings, "decoder.beam", value, &s->msg), 0);
}

/* Decodes a sound with a beam, and checks each token.  Returns the score. */
static double decode_sound(uint64_t seed, int width)
{
    struct situation s, alone;
    struct alignatt_beam beam;
    situation_open(&s, seed, width);
    situation_open(&alone, seed, 1);
    set_beam(&s, width);
    CU_ASSERT_EQUAL_FATAL(alignatt_beam_open(&beam, &s.host, whisper_vocab_of(model->vocab), N_MAX), 0);
    (void)alignatt_beam_decode(&beam, &s.network, &s.audio, &s.text, 0, 1);
    CU_ASSERT(s.text.n > 0 && s.text.n < N_MAX);
    for (int i = 0; i < s.text.n; i++)
        check_token(&alone, &beam.rules, &s.text, i);
    double score = beam.score;
    alignatt_beam_close(&beam);
    situation_close(&s);
    situation_close(&alone);
    return score;
}

static void tokens_are_as_probable_alone(void)
{
    double sums[2] = {0, 0};
    for (uint64_t seed = 1; seed <= N_SOUNDS; seed++) {
        sums[0] += decode_sound(seed, 1);
        sums[1] += decode_sound(seed, 4);
    }
    CU_ASSERT(sums[1] > sums[0]); /* a beam finds more probable texts */
}

static void beams_have_limits(void)
{
    static const char *const settings[] = {"decoder.name=simul_whisper", "decoder.beam=5", "language=en"};
    struct linnet_stream_options o;
    linnet_stream *stream = NULL;
    char error[200] = "";
    struct situation s;
    struct alignatt_beam beam;
    situation_open(&s, 1, 1);
    set_beam(&s, ALIGNATT_BLOCK + 1);
    CU_ASSERT_EQUAL(alignatt_beam_open(&beam, &s.host, whisper_vocab_of(model->vocab), N_MAX), LINNET_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(s.msg.text, "decoder.beam is 65"));
    situation_close(&s);
    linnet_stream_options_init(&o);
    o.settings = settings;
    o.n_settings = 3;
    o.streaming = 1;
    CU_ASSERT(linnet_stream_open(model, &o, &stream, error, sizeof error) < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "decoder.beam is 5"));
}

/* Ids past the vocabulary are dropped: there is no logit for them. */
static void suppressed_tokens_are_in_the_vocabulary(void)
{
    struct situation s;
    struct alignatt_beam beam;
    const struct whisper_vocab *vocab = whisper_vocab_of(model->vocab);
    situation_open(&s, 1, 1);
    CU_ASSERT_EQUAL_FATAL(settings_set_key(&s.settings, "decoder.suppress_tokens", "7,1000000", &s.msg), 0);
    CU_ASSERT_EQUAL_FATAL(alignatt_beam_open(&beam, &s.host, vocab, N_MAX), 0);
    CU_ASSERT_EQUAL(beam.rules.n_suppressed, 7); /* and 6 special tokens */
    for (int i = 0; i < beam.rules.n_suppressed; i++)
        CU_ASSERT(beam.rules.suppressed[i] < vocab->base.n);
    alignatt_beam_close(&beam);
    situation_close(&s);
}

static const struct unit_test tests[] = {
    {"paths are apart", paths_are_apart},
    {"tokens are as probable alone", tokens_are_as_probable_alone},
    {"beams have limits", beams_have_limits},
    {"suppressed tokens are in the vocabulary", suppressed_tokens_are_in_the_vocabulary},
};

int main(void)
{
    static const struct tiny_whisper how = {0};
    char *dir = tiny_folder();
    if (dir == NULL || tiny_whisper_write(dir, &how) < 0 || linnet_model_open(dir, NULL, &model, NULL, 0) < 0)
        return 99;
    int code = unit_main("alignatt_beam", tests, sizeof tests / sizeof tests[0]);
    linnet_model_close(model);
    tiny_remove(dir);
    free(dir);
    return code;
}
