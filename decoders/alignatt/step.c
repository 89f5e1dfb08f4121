/* SPDX-License-Identifier: Apache-2.0
 * step.c - the prompt has the text in segments, each between two time stamps, as the model was trained.  The open
 * utterance begins with one, so that earlier text is not taken for all of it.  Without time stamps the model takes the
 * end of a sentence for that of the audio.
 *
 * The encoder goes on from its last call: states that are three seconds old are kept and new ones attend to them, so
 * that a step encodes the last seconds and not the whole utterance, as long as the audio begins where it did.  Most of
 * the silence behind it is not encoded at all (encoder/whisper_silence.h). */
#include "decoders/alignatt/step.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/prompt.h"
#include "decoders/whisper_common/state.h"
#include "vocab/whisper_vocab.h"

enum {
    WINDOW = LOG_MEL_WINDOW_FRAMES,
    PAD_FRAMES = 200,  /* mel frames of silence after the audio */
    PROVISIONAL = 150, /* encoder frames before the end of the audio that the next step encodes again */
    FASTEST = 2,       /* frames from one token to the next .. */
    FEWEST = 3,        /* .. on average over so many tokens and more */
    SURROUNDINGS = 8,  /* tokens of a prompt that are not text, and the times around the last segment */
};

/* ---- opening ---- */

int alignatt_step_open(struct alignatt_step *s, const struct decoder_host *host)
{
    const struct linnet_model *model = host->model;
    int n_positions = model->left->config.n_positions, rc;
    const struct alignatt_options *o = settings_of(host->settings, &alignatt_settings);
    *s = (struct alignatt_step){.host = host, .model = model, .encoded_from = -1};
    s->vocab = whisper_vocab_of(model->vocab);
    s->shared = settings_of(host->settings, &decoder_settings);
    s->whisper = settings_of(host->settings, &whisper_settings);
    if ((rc = whisper_window_check(model, host->msg)) < 0)
        return rc;
    if (n_positions < 2 * (ALIGNATT_CONTEXT + SURROUNDINGS))
        return fail(host->msg, LINNET_E_UNSUPPORTED, "room for %d tokens of text: at least %d are needed", n_positions,
                    2 * (ALIGNATT_CONTEXT + SURROUNDINGS));
    s->block = MEM_PARTS(MEM_PART(s->prompt, (size_t)n_positions),
                         MEM_PART(s->window, WINDOW * (size_t)model->encoder->n_features));
    rc = s->block == NULL ? fail_memory(host->msg) : LINNET_OK;
    if (rc < 0 || (rc = alignatt_beam_open(&s->beam, host, s->vocab, alignatt_step_max_tokens(s))) < 0 ||
        (rc = whisper_prompt_language_setting(s->vocab, s->shared, &s->fixed_language, host->msg)) < 0 ||
        (rc = alignatt_network_open(&s->network, model, 1, s->beam.width, o->head, host->msg)) < 0)
        alignatt_step_close(s);
    return rc;
}

void alignatt_step_close(struct alignatt_step *s)
{
    alignatt_beam_close(&s->beam);
    alignatt_network_close(&s->network);
    mem_free(s->block);
    *s = (struct alignatt_step){0};
}

void alignatt_step_reset(struct alignatt_step *s) { s->encoded_from = -1; }

int alignatt_step_max_tokens(const struct alignatt_step *s)
{
    return s->model->left->config.n_positions - ALIGNATT_CONTEXT - SURROUNDINGS;
}

/* Encodes the audio that is kept up to sample `to`. */
static void encode(struct alignatt_step *s, const struct alignatt_audio *audio, int64_t to)
{
    double start = clock_s();
    int n_content, n = alignatt_audio_window(audio, to, PAD_FRAMES, s->window, &n_content), from = 0;
    if (audio->first_frame == s->encoded_from)
        from = (n_content < s->n_encoded ? n_content : s->n_encoded) - PROVISIONAL;
    alignatt_network_encode(&s->network, s->window, n, n_content, from > 0 ? from : 0);
    s->encoded_from = audio->first_frame;
    s->n_encoded = n_content;
    s->host->stats->encoder_s += clock_s() - start;
}

/* ---- the prompt ---- */

static int detect_language(const struct alignatt_step *s)
{
    const struct whisper_specials *special = &s->vocab->special;
    const float *logits = s->network.paths[0].logits + special->first_language;
    return special->first_language + whisper_candidates_top(s->network.ctx.kernels, logits, special->n_languages);
}

static double silence_probability(struct alignatt_step *s)
{
    float *logits = s->network.paths[0].logits;
    s->network.ctx.kernels->log_softmax(logits, logits, s->vocab->base.n);
    return exp((double)logits[s->vocab->special.no_speech]);
}

/* The time stamps between two segments; before the first there is only its beginning. */
static int put_times(const struct alignatt_step *s, struct alignatt_pause pause, int is_first, int *to)
{
    const int64_t frames[] = {pause.from, pause.to};
    int n = 0;
    for (int i = is_first; i < 2; i++) {
        int64_t frame = frames[i] - s->encoded_from / 2;
        frame = frame < 0 ? 0 : frame < WHISPER_TIMESTAMPS ? frame : WHISPER_TIMESTAMPS - 1;
        to[n++] = s->vocab->special.timestamp_begin + (int)frame;
    }
    return n;
}

/* Writes the committed text, with time stamps between segments where there is room, to the prompt from token n on. */
static int put_words(struct alignatt_step *s, const struct alignatt_audio *audio, const struct alignatt_text *t, int n)
{
    int n_most = s->model->left->config.n_positions - SURROUNDINGS / 2;
    for (int i = 0; i < t->n_committed; i++) {
        if (i == 0 || (t->at[i].before.to >= 0 && n + t->n_committed - i < n_most))
            n += put_times(s, t->at[i].before, i == 0, s->prompt + n);
        s->prompt[n++] = t->ids[i];
    }
    if (t->n_committed == t->n_final)
        n += put_times(s, alignatt_text_pause(t, audio->speech_from / ALIGNATT_CELL), t->n_committed == 0,
                       s->prompt + n);
    return n;
}

/* Runs context, start sequence and the committed text.  Returns the probability of silence, 0 after committed text. */
static double run_prompt(struct alignatt_step *s, const struct alignatt_audio *audio, struct alignatt_text *t)
{
    const struct whisper_specials *special = &s->vocab->special;
    int n = 0;
    double silence = 0;
    if (t->n_context > 0)
        s->prompt[n++] = special->sot_prev;
    for (int i = 0; i < t->n_context; i++)
        s->prompt[n++] = t->context[i];
    s->prompt[n++] = special->sot;
    if (t->n_committed == 0) {
        alignatt_network_run(&s->network, 0, s->prompt, n);
        if (s->fixed_language < 0 && special->n_languages > 0)
            t->language = detect_language(s);
        silence = silence_probability(s);
        n = 0;
    }
    n += whisper_prompt_task(s->vocab, s->shared, t->language, s->prompt + n);
    n = put_words(s, audio, t, n);
    alignatt_network_run(&s->network, 0, s->prompt, n);
    return silence;
}

/* ---- decoding ---- */

/* Nobody speaks so fast: the model goes on without attending to the audio. */
static int is_too_fast(const struct alignatt_text *t)
{
    int n = t->n - t->n_committed;
    return n >= FEWEST && t->at[t->n - 1].frame - t->at[t->n_committed].frame < (n - 1) * FASTEST;
}

/* Whether an utterance's first text is none, by the thresholds.  A mean log probability below twice its threshold is
 * enough, whatever the probability of silence: so a cough or a slamming door is decoded. */
static int is_no_speech(const struct alignatt_step *s, const struct alignatt_text *t, double silence)
{
    double sum = 0, least = s->whisper->logprob_threshold;
    for (int i = t->n_committed; i < t->n; i++)
        sum += (double)t->at[i].logprob;
    double mean = t->n > t->n_committed ? sum / (t->n - t->n_committed) : 0;
    return t->n_committed == t->n_final &&
           ((silence > s->whisper->no_speech_threshold && mean < least) || mean < 2 * least || is_too_fast(t));
}

int alignatt_step_decode(struct alignatt_step *s, const struct alignatt_audio *audio, struct alignatt_text *t,
                         int64_t to, int is_complete, int64_t now)
{
    if (*s->host->cancelled != 0)
        return fail(s->host->msg, LINNET_E_CANCELLED, "cancelled");
    alignatt_text_truncate(t, t->n_committed);
    encode(s, audio, to);
    if (s->network.n_content < 1)
        return LINNET_OK;
    double start = clock_s(), silence = run_prompt(s, audio, t);
    int next = alignatt_beam_decode(&s->beam, &s->network, audio, t, s->encoded_from / 2, is_complete), n_whole;
    if (is_no_speech(s, t, silence))
        alignatt_text_truncate(t, t->n_committed);
    int unfinished = alignatt_text_drop_incomplete(t);
    next = unfinished >= 0 ? unfinished : next;
    if (is_complete || alignatt_network_fires(&s->network))
        next = -1;
    alignatt_text_attach_punctuation(t);
    n_whole = alignatt_text_stable(t, next, now);
    s->host->stats->decoder_s += clock_s() - start;
    if (n_whole < 0)
        return n_whole;
    t->n_committed = next < 0 ? alignatt_text_without_punctuation(t, n_whole) : n_whole;
    return alignatt_text_push_partial(t, (double)audio->n_samples / AUDIO_RATE_HZ);
}
