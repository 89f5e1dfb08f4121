/* SPDX-License-Identifier: Apache-2.0
 * alignatt.c - streaming Whisper (AlignAtt, Papi et al. 2023).
 *
 * Every decoder.segment_s of audio is a step (alignatt/step.h): the audio of the open utterance is encoded with some
 * silence after it, the committed text is run in one go, and decoding goes on (alignatt/beam.h) until attention comes
 * near the end of the audio or the model ends the text.  A word is whole when the truncation head says that a word ends
 * with the audio, or when the token at which decoding stopped begins another one.  It is committed when enough audio
 * has followed it (alignatt_text_stable), and until then decoded again at every step: what a word is, is often decided
 * by the next.  The voice detector says where there is speech; when it pauses, the rest is decoded at once, and all
 * words are whole.  The endpoint rules decide whether a pause ends the utterance (endpoint.h, with the detector's
 * silence in place of blank's).
 *
 * The last decoder.context_s of earlier audio are encoded again with the next utterance, and their text is run before
 * its own: Whisper decodes a sentence better after the voice and the words before it, as in the 30 s windows of a
 * recording.  Older text is the prompt.
 *
 * Frames of the spectrogram are computed once, and so are encoder states of an utterance once three seconds of audio
 * have followed them.  Keys and values of the decoder are kept within a step: the next one has more audio.
 *
 * When the buffer is full its older part is dropped up to the end of a sentence or word, and its text becomes the
 * prompt.  Results depend on the samples alone, not on how they were cut when fed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/alignatt/options.h"
#include "decoders/alignatt/step.h"
#include "decoders/common/endpoint.h"
#include "decoders/decoder.h"
#include "decoders/whisper_common/options.h"
#include "decoders/whisper_common/phrases.h"
#include "decoders/whisper_common/prompt.h"

enum {
    PRE_SPEECH = 160,               /* mel frames kept in silence: the detector dates a beginning back */
    LONG_PAUSE = 3 * AUDIO_RATE_HZ, /* samples of silence after which earlier audio is dropped */
    MIN_SPEECH = AUDIO_RATE_HZ / 2, /* samples of speech before the first step */
    ECHO = 3,                       /* tokens that two segments seldom have in common at their beginning */
};

struct stream {
    struct decoder_host host;
    const struct alignatt_options *options;
    struct alignatt_audio audio;
    struct alignatt_text text;
    struct alignatt_step step;
    struct endpoint_options endpoints;
    int64_t n_step;          /* samples */
    int64_t decoded_to;      /* end of speech up to which all is decoded; -1: none */
    int *initial, n_initial; /* decoder.initial_prompt */
};

/* ---- opening ---- */

/* The context is only the initial prompt. */
static void reset_context(struct stream *s)
{
    s->text.n_context = s->n_initial;
    if (s->n_initial > 0)
        memcpy(s->text.context, s->initial, (size_t)s->n_initial * sizeof *s->initial);
}

static int stream_reset(void *state)
{
    struct stream *s = state;
    alignatt_audio_reset(&s->audio);
    alignatt_text_reset(&s->text);
    alignatt_step_reset(&s->step);
    s->text.language = s->step.fixed_language;
    reset_context(s);
    s->decoded_to = -1;
    return LINNET_OK;
}

static void stream_close(void *state)
{
    struct stream *s = state;
    if (s == NULL)
        return;
    alignatt_audio_close(&s->audio);
    alignatt_text_close(&s->text);
    alignatt_step_close(&s->step);
    mem_free(s->initial);
    mem_free(s);
}

static int stream_open(void **state, const struct decoder_host *host)
{
    struct stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(host->msg);
    s->host = *host;
    const struct linnet_model *model = host->model;
    const struct whisper_options *whisper = settings_of(host->settings, &whisper_settings);
    const struct vad_options *vad = settings_of(host->settings, &vad_settings);
    s->options = settings_of(host->settings, &alignatt_settings);
    endpoint_options_read(&s->endpoints, host->settings);
    s->n_step = (int64_t)(s->options->segment_s * AUDIO_RATE_HZ / ALIGNATT_CELL) * ALIGNATT_CELL;
    int64_t n_frames = 2 * LOG_MEL_WINDOW_FRAMES + s->n_step / LOG_MEL_HOP + PRE_SPEECH;
    int rc;
    if ((rc = alignatt_step_open(&s->step, &s->host)) < 0 ||
        (rc = alignatt_audio_open(&s->audio, vad, &model->features, n_frames, host->msg)) < 0 ||
        (rc = alignatt_text_open(&s->text, &s->host, whisper_vocab_of(model->vocab), alignatt_step_max_tokens(&s->step),
                                 ALIGNATT_CONTEXT)) < 0 ||
        (rc = whisper_prompt_encode(whisper_vocab_of(model->vocab), whisper->initial_prompt, &s->initial, &s->n_initial,
                                    host->msg)) < 0) {
        stream_close(s);
        return rc;
    }
    s->n_initial = s->n_initial < ALIGNATT_CONTEXT ? s->n_initial : ALIGNATT_CONTEXT;
    *state = s;
    return stream_reset(s);
}

/* ---- flow ---- */

/* The first n tokens become final and then, with the audio up to frame `at`, are dropped. */
static int finalize(struct stream *s, int n, int64_t at)
{
    int rc = alignatt_text_push_final(&s->text, n, (double)at * ALIGNATT_FRAME_S);
    alignatt_text_drop(&s->text, n);
    alignatt_audio_drop(&s->audio, 2 * at);
    return rc;
}

/* Makes the committed words final and drops all audio and context up to their end, so that decoding restarts there. */
static int restart(struct stream *s)
{
    struct alignatt_text *t = &s->text;
    struct alignatt_audio *a = &s->audio;
    int64_t at = a->speech_from / ALIGNATT_CELL, now = a->n_samples / ALIGNATT_CELL;
    if (t->n_committed > t->n_final && t->at[t->n_committed - 1].frame + ALIGNATT_WORD > at)
        at = t->at[t->n_committed - 1].frame + ALIGNATT_WORD;
    at = at < now ? at : now;
    int rc = finalize(s, t->n_committed, at);
    reset_context(s);
    a->speech_from = at * ALIGNATT_CELL;
    return rc;
}

/* Where the model only repeats earlier text, the step is done again without that: if it was spoken, it comes again. */
static int decode_step(struct stream *s, int64_t to, int is_complete, int64_t now)
{
    struct alignatt_text *t = &s->text;
    int rc = alignatt_step_decode(&s->step, &s->audio, t, to, is_complete, now);
    int is_lost = s->step.beam.is_loop || alignatt_text_echo(t) >= ECHO;
    if (rc < 0 || !is_lost || (t->n_committed == 0 && t->n_context <= s->n_initial))
        return rc;
    rc = restart(s);
    return rc < 0 ? rc : alignatt_step_decode(&s->step, &s->audio, t, to, is_complete, now);
}

/* Speech pauses: decodes all of it.  Where that gives nothing, earlier audio and text may be the reason. */
static int decode_rest(struct stream *s, int64_t now)
{
    struct alignatt_text *t = &s->text;
    int rc = decode_step(s, s->audio.speech_to, 1, now);
    if (rc < 0 || t->n_final == 0 || t->n > t->n_final)
        return rc;
    alignatt_text_drop(t, t->n_final);
    alignatt_audio_drop(&s->audio, s->audio.speech_from / LOG_MEL_HOP);
    return decode_step(s, s->audio.speech_to, 1, now);
}

/* In silence: commits the words that are old enough by now. */
static int commit(struct stream *s, int64_t now)
{
    int n = alignatt_text_stable(&s->text, -1, now);
    if (n < 0)
        return n;
    s->text.n_committed = alignatt_text_without_punctuation(&s->text, n);
    return alignatt_text_push_partial(&s->text, (double)s->audio.n_samples / AUDIO_RATE_HZ);
}

/* Makes the words that attend to frames before `latest` final and drops their audio: up to the end of a sentence, if
 * there is one, else of a word, else (if it must be) up to that frame.  Returns the frame of the cut, 0: none. */
static int64_t cut(struct stream *s, int64_t latest, int must)
{
    struct alignatt_text *t = &s->text;
    int n = alignatt_text_find_cut(t, latest);
    if (n < 0 || (n <= t->n_final && !must))
        return n < 0 ? n : 0;
    int64_t at = n > 0 ? (t->at[n - 1].frame + t->at[n].frame) / 2 : latest;
    int rc = finalize(s, n, at);
    return rc < 0 ? rc : at;
}

/* Drops the older half of a full buffer. */
static int trim(struct stream *s)
{
    const struct alignatt_audio *a = &s->audio;
    int64_t n_most = (int64_t)(s->options->buffer_s / ALIGNATT_FRAME_S);
    int64_t rc = a->n_frames / 2 < n_most ? 0 : cut(s, (a->first_frame + a->n_frames) / 2 - n_most / 2, 1);
    return rc < 0 ? (int)rc : LINNET_OK;
}

/* Drops audio and text but for the last context_s. */
static void keep_context(struct stream *s)
{
    struct alignatt_text *t = &s->text;
    double most_s = fmin(s->options->context_s, s->options->buffer_s / 2);
    int64_t end = s->audio.speech_to / ALIGNATT_CELL, from = end - llrint(most_s / ALIGNATT_FRAME_S);
    int n = 0;
    while (n < t->n_final && t->at[n].frame < from)
        n++;
    if (n == t->n_final)
        from = end;
    else if (n > 0)
        from = (t->at[n - 1].frame + t->at[n].frame) / 2;
    alignatt_text_drop(t, n);
    alignatt_audio_drop(&s->audio, 2 * from);
}

/* The utterance is over: its last words are final, and it becomes context. */
static int end_utterance(struct stream *s)
{
    struct alignatt_audio *a = &s->audio;
    int rc = alignatt_text_push_final(&s->text, s->text.n, (double)a->speech_to / AUDIO_RATE_HZ);
    a->speech_from = s->decoded_to = -1;
    a->is_noise = 0;
    keep_context(s);
    return rc;
}

/* Ends the utterance in the middle of speech, after committed words; without any text, its audio is dropped.  Returns
 * 1, or 0 when there is no place for it yet. */
static int break_utterance(struct stream *s)
{
    if (s->text.n == s->text.n_final)
        alignatt_text_drop(&s->text, s->text.n_final);
    int64_t at = cut(s, s->audio.n_samples / ALIGNATT_CELL, s->text.n == 0);
    if (at > 0)
        s->audio.speech_from = at * ALIGNATT_CELL;
    return at < 0 ? (int)at : at > 0;
}

/* The detector was wrong: there was no speech. */
static void drop_noise(struct stream *s)
{
    alignatt_text_drop(&s->text, s->text.n_final);
    alignatt_audio_drop_noise(&s->audio, PRE_SPEECH);
}

/* Ends the utterance if an endpoint rule fires: in silence at once, in speech at the next step. */
static int apply_endpoint_rules(struct stream *s, int is_step)
{
    struct alignatt_audio *a = &s->audio;
    struct alignatt_text *t = &s->text;
    double silence_s = alignatt_audio_silence_s(a);
    struct endpoint_found found;
    linnet_event e = {.type = LINNET_EVENT_ENDPOINT, .text = found.text, .language = alignatt_text_language(t)};
    e.start_s = (double)a->speech_from / AUDIO_RATE_HZ;
    e.end_s = (double)a->n_samples / AUDIO_RATE_HZ;
    int ends = 0, rc = LINNET_OK;
    if (a->is_speech ? is_step : !vad_may_be_speech(a->vad))
        ends =
            endpoint_find(&s->endpoints, silence_s * 1000, (e.end_s - e.start_s) * 1000, t->n > t->n_final, &found) > 0;
    if (ends && a->is_speech)
        ends = rc = break_utterance(s);
    else if (ends)
        rc = end_utterance(s);
    else if (!a->is_speech && t->n == t->n_final && silence_s * 1000 >= s->endpoints.rules[1].min_silence_ms)
        drop_noise(s);
    if (rc >= 0 && ends)
        return events_push(s->host.events, &e, s->host.msg);
    return rc < 0 || !is_step ? rc : trim(s);
}

/* At the end of a cell. */
static int cell_step(struct stream *s)
{
    struct alignatt_audio *a = &s->audio;
    int64_t step = a->n_samples / s->n_step * s->n_step; /* the last one */
    int is_step = a->n_samples == step, rc = LINNET_OK;
    int is_missed = a->found_from >= 0 && a->found_from < step; /* nobody knew then that there was speech */
    int64_t now = a->n_samples / ALIGNATT_CELL;
    if (a->speech_from < 0) {
        if (s->text.n_final > 0 && a->n_samples - a->speech_to > LONG_PAUSE)
            alignatt_text_drop(&s->text, s->text.n_final);
        if (s->text.n_final == 0)
            alignatt_audio_drop(a, a->n_samples / LOG_MEL_HOP - PRE_SPEECH);
        return LINNET_OK;
    }
    if (s->text.n == 0)
        alignatt_audio_drop(a, a->speech_from / LOG_MEL_HOP);
    if (!a->is_speech && s->decoded_to != a->speech_to)
        rc = decode_rest(s, now);
    else if (a->is_speech && (is_step || is_missed) && step - a->speech_from >= MIN_SPEECH)
        rc = decode_step(s, step, 0, now);
    else if (!a->is_speech && is_step)
        rc = commit(s, now);
    if (!a->is_speech)
        s->decoded_to = a->speech_to;
    return rc < 0 ? rc : apply_endpoint_rules(s, is_step);
}

static int stream_feed(void *state, const float *samples, size_t n)
{
    struct stream *s = state;
    for (int rc; n > 0;) {
        double start = clock_s();
        size_t n_taken = alignatt_audio_feed(&s->audio, samples, n);
        s->host.stats->features_s += clock_s() - start;
        samples += n_taken;
        n -= n_taken;
        if (s->audio.n_samples % ALIGNATT_CELL == 0 && (rc = cell_step(s)) < 0)
            return rc;
    }
    return LINNET_OK;
}

static int stream_finish(void *state)
{
    struct stream *s = state;
    struct alignatt_audio *a = &s->audio;
    int rc = LINNET_OK;
    alignatt_audio_finish(a);
    if (a->speech_from >= 0 && s->decoded_to != a->speech_to)
        rc = decode_rest(s, INT64_MAX);
    return rc >= 0 && a->speech_from >= 0 ? end_utterance(s) : rc;
}

static int stream_bias(void *state, const char *const *phrases, const float *bonus, size_t n, struct buffer *unspelled)
{
    struct stream *s = state;
    struct hotwords *hotwords = NULL;
    int n_spelled = whisper_phrases_open(&hotwords, &s->host, phrases, bonus, n, unspelled);
    if (n_spelled >= 0)
        alignatt_beam_set_hotwords(&s->step.beam, hotwords);
    return n_spelled;
}

/* ---- the table's entry ---- */

#define FIELD(name) offsetof(struct alignatt_options, name)

static const struct setting lines[] = {
    {"decoder.frame_threshold", SETTING_INT, FIELD(frame_threshold), "12", 0, 1500, NULL,
     "decoding stops where attention comes this near the end of the audio, in frames of 20 ms"},
    {"decoder.rewind_threshold", SETTING_INT, FIELD(rewind_threshold), "200", 0, 1500, NULL,
     "decoding stops where attention jumps back further than this, in frames of 20 ms"},
    {"decoder.delay_s", SETTING_NUMBER, FIELD(delay_s), "3", 0, 30, NULL,
     "audio after a word before it is committed, in seconds"},
    {"decoder.sure_delay_s", SETTING_NUMBER, FIELD(sure_delay_s), "0.2", 0, 30, NULL,
     "the same for probable words, in seconds"},
    {"decoder.sure", SETTING_NUMBER, FIELD(sure), "0.45", 0, 1, NULL,
     "probability of all its tokens from which a word is a probable one"},
    {"decoder.segment_s", SETTING_NUMBER, FIELD(segment_s), "1", 0.1, 30, NULL, "audio of a step, in seconds"},
    {"decoder.buffer_s", SETTING_NUMBER, FIELD(buffer_s), "20", 1, 30, NULL, "audio kept at most, in seconds"},
    {"decoder.context_s", SETTING_NUMBER, FIELD(context_s), "8", 0, 30, NULL,
     "audio before an utterance that is encoded again as its context, in seconds"},
    {"decoder.head", SETTING_TEXT, FIELD(head), "", 0, 0, NULL,
     "directory of the truncation head; empty: the model's own, if any"},
    {"decoder.compat", SETTING_GONE, 0, "none", 0, 0, NULL, "decoder.name=simul_whisper does that now"},
    {0}};

const struct settings_table alignatt_settings = {"AlignAtt: streaming Whisper (alignatt, simul_whisper)",
                                                 sizeof(struct alignatt_options), lines};

static const struct settings_table *const settings[] = {&alignatt_settings, &whisper_settings, NULL};

const struct decoder alignatt_decoder = {
    .name = "alignatt",
    .summary = "Whisper, streaming: text appears once attention has passed its audio",
    .needs = MODEL_WINDOWS | MODEL_TEXT_DECODER | MODEL_TASK_TOKENS,
    .settings = settings,
    .ignores = "decoder.length_penalty|decoder.nbest|decoder.max_tokens|decoder.clip|decoder.patience|"
               "decoder.best_of|decoder.temperature|decoder.seed|decoder.compression_ratio_threshold|"
               "decoder.prefix|decoder.timestamps|decoder.max_initial_timestamp|decoder.suppress_blank|"
               "decoder.alignment_heads|decoder.padding|decoder.context|decoder.skip_silence|"
               "decoder.hotwords_prompt",
    .open = stream_open,
    .feed = stream_feed,
    .finish = stream_finish,
    .reset = stream_reset,
    .close = stream_close,
    .bias = stream_bias,
};
