/* SPDX-License-Identifier: Apache-2.0
 * whisper.c - Whisper on recordings of any length.
 *
 * Windows of 30 s follow each other, each starting where the time stamps of the last say that its text is complete
 * (openai-whisper's transcribe.py, but frames come as audio comes, and what lies before the current window is dropped,
 * so memory does not grow; of a previewed recording only the largest value is kept).  A window whose text is too
 * repetitive or too improbable is decoded again at higher temperatures; one that is probably silence gives nothing.
 *
 * With decoder.context=audio a window that holds less than 30 s is encoded only as far as its audio goes, and a margin:
 * the encoder's time grows with what it is given.  Text that such a window leaves in doubt is decoded again with all
 * 30 s before any higher temperature is tried, so that what is hard is decoded as if the setting were not there. */
#include <math.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "decoders/decoder.h"
#include "decoders/whisper/bias.h"
#include "decoders/whisper/frames.h"
#include "decoders/whisper/outcome.h"
#include "decoders/whisper/results.h"
#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/state.h"
#include "encoder/whisper_encoder.h"
#include "frontend/log_mel.h"
#include "frontend/speech.h"
#include "vocab/whisper_vocab.h"

enum { WINDOW = LOG_MEL_WINDOW_FRAMES, PIECE = AUDIO_RATE_HZ };
#define OTHER_LANGUAGE 0.8f /* probability from which on a window is worth a remark */
#define CLEAR_LANGUAGE 0.5f /* probability from which on it counts */
#define LITTLE_SPEECH 0.1   /* of a window: what is improbable there is not tried again */
#define MISSED_SPEECH_S 1.0 /* after the last time stamp: the text is not complete */
enum { LEAST_STEP = 100 };  /* frames to go on where speech was missed */
enum { MARGIN = 200 };      /* frames that are encoded after the audio; doc/decisions.md says why so many */

struct whisper {
    struct decoder_host host;
    const struct decoder_options *shared;
    const struct whisper_options *options;
    const struct linnet_model *model;
    const struct whisper_vocab *vocab;
    struct nn_context ctx;
    struct whisper_frames frames;
    struct speech speech;                                /* with decoder.skip_silence only */
    struct whisper_encoder_state encoder, *encoder_used; /* its own or another's, like window and states */
    struct whisper_search *search;
    int *suppressed; /* of the search */
    struct whisper_prompt prompt;
    struct whisper_results results;
    void *block; /* of window and states */
    int64_t n_samples;
    int64_t seek, end; /* mel frame where the next window starts; of the recording, -1 while unknown */
    int i_clip;
    double language_probability;           /* of the detected language */
    int encodes_whole;                     /* windows, whatever they hold */
    int language_is_given, other_language; /* by the settings; token of the window's, if it clearly differs, or -1 */
    int language_is_open;                  /* detected in the next window too */
    int goes_on;                           /* the last window's text ended before speech did */
    float *window, *states;                /* [WINDOW, n_mels], [n_audio_ctx, D] */
    struct buffer text;                    /* whose repetitions are measured */
};

/* ---- opening ---- */

static int search_open(struct whisper *w)
{
    struct whisper_search_options options;
    int rc = whisper_options_for_search(w->options, w->shared, w->vocab, &options, &w->suppressed, w->host.msg);
    return rc < 0 ? rc : whisper_search_open(&w->search, w->model, &options, &w->ctx, w->host.msg);
}

static int results_open(struct whisper *w)
{
    const struct speech *speech = w->speech.vad != NULL ? &w->speech : NULL;
    return whisper_results_open(&w->results, &w->host, &w->prompt, &w->ctx, whisper_search_state(w->search), speech);
}

static int whisper_reset(void *state)
{
    struct whisper *w = state;
    const struct settings_list *clip = &w->shared->clip;
    whisper_frames_reset(&w->frames);
    if (w->speech.vad != NULL)
        speech_reset(&w->speech);
    w->n_samples = 0;
    w->language_is_open = w->goes_on = 0;
    w->end = -1;
    w->i_clip = 0;
    w->language_probability = 0;
    w->seek = clip->n > 0 ? (int64_t)llrint(clip->at[0] * WHISPER_FRAMES_PER_S) : 0;
    whisper_prompt_reset(&w->prompt);
    w->language_is_given = w->prompt.language >= 0;
    w->other_language = -1;
    whisper_results_reset(&w->results);
    return LINNET_OK;
}

static void whisper_close(void *state)
{
    struct whisper *w = state;
    if (w == NULL)
        return;
    whisper_frames_close(&w->frames);
    speech_close(&w->speech);
    whisper_encoder_state_close(&w->encoder);
    whisper_search_close(w->search);
    whisper_prompt_close(&w->prompt);
    whisper_results_close(&w->results);
    nn_context_close(&w->ctx);
    buffer_free(&w->text);
    mem_free(w->suppressed);
    mem_free(w->block);
    mem_free(w);
}

static int buffers_open(struct whisper *w)
{
    const struct encoder *e = w->model->encoder;
    size_t n_mels = (size_t)e->n_features, n_states = (size_t)whisper_window_states(w->model);
    w->block = MEM_PARTS(MEM_PART(w->window, WINDOW * n_mels), MEM_PART(w->states, n_states * (size_t)e->n_dims));
    return w->block == NULL ? fail_memory(w->host.msg) : whisper_window_check(w->model, w->host.msg);
}

static int whisper_open(void **state, const struct decoder_host *host)
{
    struct whisper *w = mem_array(1, sizeof *w);
    if (w == NULL)
        return fail_memory(host->msg);
    w->host = *host;
    w->shared = settings_of(host->settings, &decoder_settings);
    w->options = settings_of(host->settings, &whisper_settings);
    w->model = host->model;
    w->vocab = whisper_vocab_of(w->model->vocab);
    w->encoder_used = &w->encoder;
    int is_auto = w->options->context == WHISPER_CONTEXT_AUTO;
    w->encodes_whole =
        w->options->context == WHISPER_CONTEXT_FULL || (is_auto && w->model->precision == PRECISION_FP32);
    int rc;
    if ((rc = nn_context_open(&w->ctx, host->model->pool, host->msg)) < 0 || (rc = buffers_open(w)) < 0 ||
        (rc = whisper_frames_open(&w->frames, w->model, host->msg)) < 0 ||
        (rc = whisper_encoder_state_open(&w->encoder, whisper_encoder_of(w->model->encoder), 0, &w->ctx, host->msg)) <
            0 ||
        (rc = search_open(w)) < 0 || (rc = whisper_prompt_open(&w->prompt, w->model, host->settings, host->msg)) < 0 ||
        (w->options->skip_silence &&
         (rc = speech_open(&w->speech, settings_of(host->settings, &vad_settings), host->msg)) < 0) ||
        (rc = results_open(w)) < 0) {
        whisper_close(w);
        return rc;
    }
    *state = w;
    return whisper_reset(w);
}

/* ---- one window ---- */

static int is_cancelled(const struct whisper *w) { return *w->host.cancelled != 0; }

/* Frames that are encoded of a window with n frames of audio. */
static int frames_to_encode(const struct whisper *w, int n)
{
    int rate = w->model->encoder->rate, wanted = (n + MARGIN + rate - 1) / rate * rate;
    return w->encodes_whole || wanted > WINDOW ? WINDOW : wanted;
}

static void encode_window(struct whisper *w, int n, int n_encoded)
{
    double start = clock_s();
    whisper_frames_window(&w->frames, w->seek, n, n_encoded, w->options->padding == WHISPER_PADDING_SILENCE, w->window);
    const struct whisper_encoder_input in = {.mel = w->window, .n_frames = n_encoded};
    whisper_encoder_forward(&w->ctx, whisper_encoder_of(w->model->encoder), w->encoder_used, &in, w->states);
    whisper_search_set_states(w->search, w->states, encoder_frames(w->model->encoder, n_encoded));
    w->host.stats->encoder_s += clock_s() - start;
}

/* What the window is in, by the probabilities of the languages. */
static void judge_language(struct whisper *w, const float *probabilities, int best)
{
    int first = w->vocab->special.first_language, is_known = w->prompt.language >= 0 && !w->language_is_open;
    if (is_known) {
        int is_other = first + best != w->prompt.language && probabilities[best] >= OTHER_LANGUAGE;
        w->other_language = is_other ? first + best : -1;
        return;
    }
    int is_clear = probabilities[best] >= CLEAR_LANGUAGE;
    if (is_clear || w->prompt.language < 0)
        w->prompt.language = first + best;
    w->language_probability = (double)probabilities[w->prompt.language - first];
    w->language_is_open = w->options->each_window || !is_clear;
}

/* The language is that of the first window, or, while no window was clear, of each: a few words may be of any. */
static int detect_language(struct whisper *w)
{
    size_t n = (size_t)w->vocab->special.n_languages;
    if (w->language_is_given || n == 0)
        return LINNET_OK;
    float *probabilities = mem_array(n, sizeof *probabilities);
    if (probabilities == NULL)
        return fail_memory(w->host.msg);
    int best = whisper_search_language(w->search, probabilities);
    judge_language(w, probabilities, best);
    mem_free(probabilities);
    return LINNET_OK;
}

/* Encodes n_encoded frames of the window, of which n_frames hold audio, and runs the prompt. */
static int begin_window(struct whisper *w, int n_frames, int n_encoded, struct whisper_outcome *out)
{
    encode_window(w, n_frames, n_encoded);
    int rc = detect_language(w);
    if (rc < 0)
        return rc;
    int *prompt = mem_array((size_t)w->model->left->config.n_positions, sizeof *prompt);
    if (prompt == NULL)
        return fail_memory(w->host.msg);
    rc = whisper_search_prompt(w->search, prompt, whisper_prompt_make(&w->prompt, w->seek == 0, prompt),
                               &out->no_speech, w->host.msg);
    mem_free(prompt);
    return rc;
}

/* Decodes at temperature i of the list.  Returns 1 where the text is accepted, being neither repetitive nor improbable,
 * or silence; 0 where it is not. */
static int decode_at(struct whisper *w, int i, struct whisper_outcome *out)
{
    const struct whisper_options *o = w->options;
    uint64_t seed = ((uint64_t)o->seed << 32) + (uint64_t)w->seek * 16 + (uint64_t)i;
    out->temperature = o->temperature.n > 0 ? o->temperature.at[i] : 0;
    if (is_cancelled(w))
        return fail(w->host.msg, LINNET_E_CANCELLED, "cancelled");
    int rc = whisper_search_run(w->search, out->temperature, seed, w->host.cancelled, &out->best, &out->n);
    if (rc < 0)
        return rc;
    rc = whisper_outcome_measure(out, w->vocab, &w->text, w->host.msg);
    return rc < 0 ? rc : whisper_outcome_is_accepted(out, o);
}

/* Whether a text may be wrong because only n_encoded frames were encoded: there is none, or it counts as silence,
 * though there is sound; it does not end; it goes on after what was encoded. */
static int is_doubtful(const struct whisper *w, int n_encoded, const struct whisper_outcome *out)
{
    int n_text, last = whisper_outcome_last_time(out, w->vocab, &n_text);
    return n_text == 0 || whisper_outcome_is_silence(out, w->options) || out->best->is_full ||
           last > encoder_frames(w->model->encoder, n_encoded);
}

/* Decodes a window of which only n_encoded frames are encoded, once.  Returns 1 where the text is accepted and not in
 * doubt; 0, and nothing has changed, where it is. */
static int decode_short(struct whisper *w, int n_frames, int n_encoded, struct whisper_outcome *out)
{
    int language = w->prompt.language, is_open = w->language_is_open, rc = begin_window(w, n_frames, n_encoded, out);
    if (rc < 0 || (rc = decode_at(w, 0, out)) < 0)
        return rc;
    if (rc > 0 && !is_doubtful(w, n_encoded, out))
        return 1;
    w->prompt.language = language;
    w->language_is_open = is_open;
    w->host.stats->n_fallbacks++;
    return 0;
}

/* Seconds of speech in frames from .. to - 1; all of them where nothing listens for it. */
static double speech_s(const struct whisper *w, int64_t from, int64_t to)
{
    uint64_t hop = LOG_MEL_HOP, n = (uint64_t)(to - from) * hop;
    if (w->speech.vad != NULL)
        n = speech_within(&w->speech, (uint64_t)from * hop, (uint64_t)to * hop);
    return (double)n / AUDIO_RATE_HZ;
}

/* Decodes at rising temperatures until the text is neither repetitive nor improbable; once where it is silence, or
 * mostly noise, for which no temperature finds words.  Of a text that stays repetitive the repetitions are cut off. */
static int decode_window(struct whisper *w, int n_frames, struct whisper_outcome *out)
{
    int n = w->options->temperature.n > 0 ? w->options->temperature.n : 1, n_encoded = frames_to_encode(w, n_frames);
    int rc = n_encoded < WINDOW ? decode_short(w, n_frames, n_encoded, out) : 0, accepted = 0;
    if (rc != 0)
        return rc;
    if (speech_s(w, w->seek, w->seek + n_frames) < LITTLE_SPEECH * n_frames / WHISPER_FRAMES_PER_S)
        n = 1;
    rc = begin_window(w, n_frames, WINDOW, out);
    for (int i = 0; i < n && rc >= 0 && !accepted; i++) {
        rc = accepted = decode_at(w, i, out);
        w->host.stats->n_fallbacks += rc == 0 && i + 1 < n;
    }
    if (rc == 0)
        rc = whisper_outcome_cut_repetition(out, w->options, w->vocab, &w->text, w->host.msg);
    return rc;
}

/* Whether the text of a window ends before its audio does, which counts as the end of speech, though the detector hears
 * more of it.  The next window then starts at the last time stamp, after *n_done frames. */
static int misses_speech(const struct whisper *w, const struct whisper_outcome *o, int n_frames, int *n_done)
{
    int n_text, last = whisper_outcome_last_time(o, w->vocab, &n_text) * w->model->encoder->rate;
    if (w->speech.vad == NULL || *n_done < n_frames || n_text == 0 || last < LEAST_STEP || last >= n_frames ||
        speech_s(w, w->seek + last, w->seek + n_frames) < MISSED_SPEECH_S)
        return 0;
    *n_done = last;
    return 1;
}

static int window_step(struct whisper *w, int n_frames)
{
    struct whisper_outcome o = {0};
    const struct whisper_window window = {w->seek, n_frames, w->goes_on};
    double start = clock_s(), encoder_s = w->host.stats->encoder_s;
    uint64_t steps = whisper_search_steps(w->search);
    double others_s = whisper_search_others_s(w->search);
    int rc = decode_window(w, n_frames, &o), n_done = n_frames;
    w->host.stats->n_tokens += whisper_search_steps(w->search) - steps;
    w->goes_on = 0;
    if (rc < 0)
        return rc;
    o.language_probability = w->language_probability;
    o.other_language = w->other_language;
    if (!whisper_outcome_is_silence(&o, w->options)) {
        rc = whisper_results_push(&w->results, &o, &window, &n_done);
        w->goes_on = misses_speech(w, &o, n_frames, &n_done);
    }
    w->seek += n_done;
    others_s = whisper_search_others_s(w->search) - others_s;
    w->host.stats->decoder_s += clock_s() - start - (w->host.stats->encoder_s - encoder_s) - others_s;
    return rc;
}

/* ---- flow ---- */

/* The frame where the clip that holds seek ends (INT64_MAX: with the recording); moves seek from between two clips to
 * the next one. */
static int64_t clip_end(struct whisper *w)
{
    const struct settings_list *clip = &w->shared->clip;
    for (; w->i_clip < clip->n; w->i_clip += 2) {
        int64_t from = (int64_t)llrint(clip->at[w->i_clip] * WHISPER_FRAMES_PER_S);
        int64_t to =
            w->i_clip + 1 < clip->n ? (int64_t)llrint(clip->at[w->i_clip + 1] * WHISPER_FRAMES_PER_S) : INT64_MAX;
        w->seek = w->seek < from ? from : w->seek;
        if (w->seek < to)
            return to;
    }
    return clip->n > 0 ? w->seek : INT64_MAX;
}

/* Moves seek over silence where the next n frames start with two seconds of it or more: 1 when it did, 0 when there is
 * speech, -1 when that is not known yet. */
static int skip_silence(struct whisper *w, int64_t n)
{
    if (w->speech.vad == NULL)
        return 0;
    uint64_t from = (uint64_t)w->seek * LOG_MEL_HOP, to = from + (uint64_t)n * LOG_MEL_HOP;
    if (w->end < 0 && speech_decided(&w->speech) < to)
        return -1;
    uint64_t next = speech_next(&w->speech, from);
    if (next >= to) {
        w->seek += n;
        return 1;
    }
    if (next < from + 2 * AUDIO_RATE_HZ)
        return 0;
    w->seek = (int64_t)(next / LOG_MEL_HOP);
    return 1;
}

/* Decodes all windows for which there are frames. */
static int advance(struct whisper *w)
{
    for (;;) {
        int64_t end = clip_end(w), have = whisper_frames_end(&w->frames);
        if (w->end >= 0 && w->end < end)
            end = w->end;
        whisper_frames_drop(&w->frames, w->seek);
        if (w->speech.vad != NULL)
            speech_drop(&w->speech, whisper_results_earliest(w->seek));
        if (w->seek >= end)
            return LINNET_OK;
        int64_t n = end - w->seek < WINDOW ? end - w->seek : WINDOW;
        if (have < w->seek + n)
            return LINNET_OK;
        int rc = skip_silence(w, n);
        if (rc < 0)
            return LINNET_OK;
        if (rc == 0 && is_cancelled(w))
            return fail(w->host.msg, LINNET_E_CANCELLED, "cancelled");
        if (rc == 0 && (rc = window_step(w, (int)n)) < 0)
            return rc;
    }
}

static int whisper_preview(void *state, const float *samples, size_t n)
{
    struct whisper *w = state;
    if (w->host.streaming)
        return 0;
    whisper_frames_preview(&w->frames, samples, n);
    return 1;
}

/* At most PIECE samples. */
static int feed_piece(struct whisper *w, const float *samples, size_t n)
{
    double start = clock_s();
    whisper_frames_feed(&w->frames, samples, n);
    w->host.stats->features_s += clock_s() - start;
    int rc = w->speech.vad != NULL ? speech_feed(&w->speech, samples, n, w->host.msg) : LINNET_OK;
    return rc < 0 ? rc : advance(w);
}

static int whisper_feed(void *state, const float *samples, size_t n)
{
    struct whisper *w = state;
    int rc = LINNET_OK;
    w->n_samples += (int64_t)n;
    for (size_t at = 0; at < n && rc >= 0; at += PIECE)
        rc = feed_piece(w, samples + at, n - at < PIECE ? n - at : PIECE);
    return rc;
}

static int whisper_finish(void *state)
{
    struct whisper *w = state;
    w->end = w->n_samples / LOG_MEL_HOP;
    int rc = w->speech.vad != NULL ? speech_finish(&w->speech, (uint64_t)w->n_samples, w->host.msg) : LINNET_OK;
    if (rc < 0)
        return rc;
    whisper_frames_finish(&w->frames);
    return advance(w);
}

static int whisper_bias(void *state, const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled)
{
    struct whisper *w = state;
    return whisper_bias_set(w->search, &w->prompt, &w->host, phrases, bonus, n, unspelled);
}

static int whisper_set_batch(void *state, struct text_batch *batch, void *first)
{
    struct whisper *w = state, *f = first;
    w->encoder_used = &f->encoder;
    w->window = f->window;
    w->states = f->states;
    return whisper_search_set_batch(w->search, batch, w->host.msg);
}

static const struct settings_table *const settings[] = {&whisper_settings, NULL};

const struct decoder whisper_decoder = {
    .name = "whisper",
    .summary = "Whisper, 30 s windows: greedy or beam search with temperature fallback",
    .needs = MODEL_WINDOWS | MODEL_TEXT_DECODER | MODEL_TASK_TOKENS,
    .is_whole_only = 1,
    .settings = settings,
    .open = whisper_open,
    .feed = whisper_feed,
    .finish = whisper_finish,
    .reset = whisper_reset,
    .close = whisper_close,
    .bias = whisper_bias,
    .preview = whisper_preview,
    .set_batch = whisper_set_batch,
};
