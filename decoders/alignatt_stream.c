/* SPDX-License-Identifier: Apache-2.0
 * alignatt_stream.c - our streaming Whisper.
 *
 * Every decoder.segment_s of audio is a step: the audio of the open utterance is encoded with a little silence after it,
 * the words said so far are run in one go, and reading goes on until attention comes near the end of the audio or the
 * model has nothing more to say.  A word is whole when the truncation head says that the audio ends with a word, or when
 * the token at which reading stopped begins another one; it is said for good when decoder.delay_s of audio have followed
 * it, and until then read again at every step: what a word is, is often decided by the next.  The voice detector decides
 * where there is anything to read; when speech has paused, all words are whole.
 *
 * Frames of the spectrogram are made once and kept.  Encoder states cannot be kept, every one depends on all the audio;
 * nor can the decoder's keys and values from step to step, they depend on those states: within a step they are.
 *
 * Times are exact: nothing is heard twice.  When the buffer is full its older part leaves at the end of a sentence or
 * word, and its text becomes context.  Results depend on the samples alone, not on how they were cut when fed. */
#include <math.h>
#include <string.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "decoders/alignatt.h"
#include "decoders/alignatt_reader.h"
#include "decoders/alignatt_text.h"
#include "decoders/model.h"
#include "decoders/whisper.h"
#include "decoders/whisper_rules.h"
#include "frontend/log_mel.h"
#include "frontend/vad.h"

enum {
    WINDOW = LOG_MEL_WINDOW_FRAMES,
    SAMPLES_PER_FRAME = 2 * LOG_MEL_HOP, /* of the encoder */
    LAST_THRESHOLD = 4,                  /* frames, where the audio is known to be complete */
    BACK_FRAMES = 50,                    /* further back than a word may be corrected */
    KEPT_SILENCE = 100,                  /* mel frames kept while nobody speaks: a beginning may be dated back */
    PAD_FRAMES = 200,                    /* mel frames of silence after the audio */
    CONTEXT = 64,                        /* tokens of text before the buffer */
};
#define SILENCE -10.0f /* log10 of the least energy */

struct stream {
    struct decoder_host host;
    const struct whisper_model *model;
    const struct whisper_vocab *vocab;
    struct alignatt_reader reader;
    struct alignatt_text text;
    struct whisper_search_options rules;
    int *suppressed;
    struct log_mel *mel;
    struct vad *vad;
    struct vad_change *changes;
    float *frames, *window;       /* [max_frames, n_mels] log10 from first_frame on; [WINDOW, n_mels] */
    int64_t first_frame, n_frames, max_frames;
    int64_t n_samples, n_step;    /* heard; of a step */
    int64_t speech_from, speech_to; /* samples; from: -1 while the buffer holds no speech */
    int is_speech, is_settled;    /* all that was spoken before a pause has been read */
    int wanted_language;          /* token; < 0: to be detected */
    int *prompt;                  /* [n_text_ctx] */
    int *initial, n_initial;      /* the recipe's prompt */
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- opening ---- */

static void start_over(struct stream *s)
{
    log_mel_reset(s->mel);
    vad_reset(s->vad);
    alignatt_text_reset(&s->text);
    s->text.language = s->wanted_language;
    s->text.n_context = s->n_initial < CONTEXT ? s->n_initial : CONTEXT;
    if (s->text.n_context > 0)
        memcpy(s->text.context, s->initial, (size_t)s->text.n_context * sizeof *s->initial);
    s->first_frame = s->n_frames = s->n_samples = 0;
    s->speech_from = -1;
    s->speech_to = 0;
    s->is_speech = s->is_settled = 0;
}

static void stream_close(void *state)
{
    struct stream *s = state;
    if (s == NULL)
        return;
    alignatt_reader_close(&s->reader);
    alignatt_text_close(&s->text);
    log_mel_close(s->mel);
    vad_close(s->vad);
    void *arrays[] = {s->suppressed, s->changes, s->frames, s->window, s->prompt, s->initial, s};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
}

static int language_open(struct stream *s)
{
    const char *name = s->host.recipe->language;
    int n_languages = s->vocab->special.n_languages;
    s->wanted_language = -1;
    if (n_languages == 0 && strcmp(name, "auto") != 0 && strcmp(name, "en") != 0 && strcmp(name, "english") != 0)
        return fail(s->host.msg, LINNET_E_UNSUPPORTED, "this model knows English only");
    if (n_languages == 0 || strcmp(name, "auto") == 0)
        return LINNET_OK;
    s->wanted_language = whisper_vocab_language(s->vocab, name);
    if (s->wanted_language < 0)
        return fail(s->host.msg, LINNET_E_ARGUMENT, "language '%s' is not one of the model's", name);
    return LINNET_OK;
}

static int prompt_open(struct stream *s)
{
    const char *text = s->host.recipe->decoder_initial_prompt;
    struct buffer b = {0};
    while (*text == ' ')
        text++;
    if (*text == '\0')
        return LINNET_OK;
    int rc = buffer_printf(&b, " %s", text);
    if (rc >= 0)
        rc = whisper_vocab_encode(s->vocab, b.data, b.n, &s->initial, &s->n_initial, s->host.msg);
    buffer_free(&b);
    return rc;
}

static int rules_open(struct stream *s)
{
    struct recipe recipe = *s->host.recipe;
    recipe.decoder_timestamps = 0;
    recipe.decoder_suppress_blank = 0; /* silence is allowed to say nothing */
    return whisper_options(&s->rules, &s->suppressed, s->vocab, &recipe, s->host.msg);
}

static int buffers_open(struct stream *s)
{
    const struct recipe *r = s->host.recipe;
    const struct whisper_config *c = &s->model->config;
    size_t n_mels = (size_t)c->n_mels;
    if (2 * c->n_audio_ctx != WINDOW)
        return fail(s->host.msg, LINNET_E_UNSUPPORTED, "a window of %d frames: only %d are supported", 2 * c->n_audio_ctx,
                    WINDOW);
    s->n_step = (int64_t)(r->decoder_segment_s * DECODER_RATE_HZ / SAMPLES_PER_FRAME) * SAMPLES_PER_FRAME;
    s->max_frames = 2 * WINDOW + s->n_step / LOG_MEL_HOP + KEPT_SILENCE;
    s->frames = mem_array((size_t)s->max_frames * n_mels, sizeof *s->frames);
    s->window = mem_array(WINDOW * n_mels, sizeof *s->window);
    s->changes = mem_array(vad_max_changes(s->vad, (size_t)s->n_step), sizeof *s->changes);
    s->prompt = mem_array((size_t)c->n_text_ctx, sizeof *s->prompt);
    if (s->frames == NULL || s->window == NULL || s->changes == NULL || s->prompt == NULL)
        return fail_memory(s->host.msg);
    return LINNET_OK;
}

static int stream_open(void **state, const struct decoder_host *host)
{
    struct stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(host->msg);
    s->host = *host;
    s->model = host->model->whisper;
    s->vocab = s->model->vocab;
    int rc;
    if ((rc = language_open(s)) < 0 || (rc = vad_open(&s->vad, NULL, host->msg)) < 0 || (rc = buffers_open(s)) < 0 ||
        (rc = rules_open(s)) < 0 || (rc = prompt_open(s)) < 0 ||
        (rc = log_mel_open(&s->mel, s->model->config.n_mels, host->msg)) < 0 ||
        (rc = alignatt_text_open(&s->text, &s->host, s->vocab, s->model->config.n_text_ctx, CONTEXT)) < 0 ||
        (rc = alignatt_reader_open(&s->reader, s->model, host->model->pool, host->recipe->decoder_head, host->msg)) < 0)
        goto fail;
    start_over(s);
    *state = s;
    return LINNET_OK;
fail:
    stream_close(s);
    return rc;
}

/* ---- reading ---- */

/* Encodes the buffer up to sample `to`. */
static void listen(struct stream *s, int64_t to)
{
    size_t n_mels = (size_t)s->model->config.n_mels;
    double start = seconds();
    int64_t n = to / LOG_MEL_HOP - s->first_frame;
    n = n < s->n_frames ? n : s->n_frames;
    n = n < WINDOW ? n : WINDOW;
    int n_window = (int)(n + PAD_FRAMES + 1) / 2 * 2;
    n_window = n_window < WINDOW ? n_window : WINDOW;
    memcpy(s->window, s->frames, (size_t)n * n_mels * sizeof *s->window);
    for (size_t i = (size_t)n * n_mels; i < (size_t)n_window * n_mels; i++)
        s->window[i] = SILENCE;
    log_mel_normalize(s->window, (size_t)n_window * n_mels, -INFINITY);
    alignatt_reader_listen(&s->reader, s->window, n_window, (int)n / 2);
    s->host.stats->encoder_s += seconds() - start;
}

static int detect_language(const struct stream *s)
{
    const struct whisper_specials *special = &s->vocab->special;
    int best = special->first_language;
    for (int i = best; i < special->first_language + special->n_languages; i++)
        best = s->reader.logits[i] > s->reader.logits[best] ? i : best;
    return best;
}

static double silence_probability(struct stream *s)
{
    struct alignatt_reader *r = &s->reader;
    r->ctx.kernels->log_softmax(r->logits, r->logits, s->vocab->n);
    return exp((double)r->logits[s->vocab->special.no_speech]);
}

/* Runs context, start sequence and the words said.  Returns the probability of silence, 0 once something was said. */
static double run_prompt(struct stream *s)
{
    const struct whisper_specials *special = &s->vocab->special;
    struct alignatt_text *t = &s->text;
    int n = 0;
    double silence = 0;
    if (t->n_context > 0)
        s->prompt[n++] = special->sot_prev;
    for (int i = 0; i < t->n_context; i++)
        s->prompt[n++] = t->context[i];
    s->prompt[n++] = special->sot;
    if (t->n_said == 0) {
        alignatt_reader_run(&s->reader, s->prompt, n);
        if (s->wanted_language < 0 && special->n_languages > 0)
            t->language = detect_language(s);
        silence = silence_probability(s);
        n = 0;
    }
    if (special->n_languages > 0) {
        s->prompt[n++] = t->language;
        s->prompt[n++] = strcmp(s->host.recipe->task, "translate") == 0 ? special->translate : special->transcribe;
    }
    s->prompt[n++] = special->no_timestamps;
    for (int i = 0; i < t->n_said; i++)
        s->prompt[n++] = t->ids[i];
    alignatt_reader_run(&s->reader, s->prompt, n);
    return silence;
}

/* Reads on after the words said.  *next gets the token at which it stopped, -1 when the model ended. */
static void read_tokens(struct stream *s, int is_complete, int *next)
{
    struct alignatt_reader *r = &s->reader;
    struct alignatt_text *t = &s->text;
    const struct recipe *recipe = s->host.recipe;
    int64_t first = s->first_frame / 2, last = t->n > 0 ? t->at[t->n - 1].frame : first;
    int threshold = is_complete ? LAST_THRESHOLD : recipe->decoder_frame_threshold;
    int most = t->n + 10 + (int)(first + r->n_content - last) / 5; /* nobody speaks faster than 10 tokens a second */
    *next = -1;
    while (t->n < most && t->n < t->n_max && alignatt_reader_can_run(r, 1)) {
        whisper_rules_apply(r->ctx.kernels, s->vocab, &s->rules, t->ids, t->n, r->logits);
        for (int i = s->vocab->special.eot + 1; i < s->vocab->n; i++)
            r->logits[i] = -INFINITY;
        int token = alignatt_reader_best(r);
        if (token == s->vocab->special.eot)
            return;
        int frame = alignatt_reader_attended(r);
        if (!is_complete && last - (first + frame) > recipe->decoder_rewind_threshold) {
            alignatt_text_cut(t, t->n_said);
            return;
        }
        /* The audio is complete and attention returns to where it has been: a repetition, which never ends. */
        if (is_complete && t->n > t->n_said && last - (first + frame) > BACK_FRAMES)
            return;
        int at_end = r->n_content - frame <= threshold;
        *next = token;
        if (at_end && !(is_complete && alignatt_text_is_mark(t, token)))
            return;
        last = first + frame;
        alignatt_text_add(t, token, last, r->logits[token]);
        if (at_end)
            return;
        s->host.stats->n_tokens++;
        alignatt_reader_run(r, &token, 1);
        *next = -1;
    }
}

static double mean_logprob(const struct alignatt_text *t)
{
    double sum = 0;
    for (int i = t->n_said; i < t->n; i++)
        sum += (double)t->at[i].logprob;
    return t->n > t->n_said ? sum / (t->n - t->n_said) : 0;
}

/* Reads the audio up to sample `to`; is_complete: speech ends there.  Words attended before `settled` (a frame) may be
 * said for good. */
static int read_step(struct stream *s, int64_t to, int is_complete, int64_t settled)
{
    struct alignatt_text *t = &s->text;
    const struct recipe *r = s->host.recipe;
    if (*s->host.cancelled != 0)
        return fail(s->host.msg, LINNET_E_CANCELLED, "cancelled");
    alignatt_text_cut(t, t->n_said);
    listen(s, to);
    if (s->reader.n_content < 1)
        return LINNET_OK;
    double start = seconds(), silence = run_prompt(s);
    int next, n_whole = 0;
    read_tokens(s, is_complete, &next);
    if (silence > r->decoder_no_speech_threshold && mean_logprob(t) < r->decoder_logprob_threshold)
        alignatt_text_cut(t, t->n_said);
    if (is_complete || alignatt_reader_fires(&s->reader))
        next = -1;
    n_whole = alignatt_text_whole(t, next, settled);
    s->host.stats->decoder_s += seconds() - start;
    if (n_whole < 0)
        return n_whole;
    t->n_said = next < 0 ? alignatt_text_before_stop(t, n_whole) : n_whole;
    return alignatt_text_show(t, (double)s->n_samples / DECODER_RATE_HZ);
}

/* ---- flow ---- */

static void drop_frames(struct stream *s, int64_t before)
{
    int64_t n = before - s->first_frame;
    size_t n_mels = (size_t)s->model->config.n_mels;
    n = (n < s->n_frames ? n : s->n_frames) / 2 * 2;
    if (n <= 0)
        return;
    memmove(s->frames, s->frames + (size_t)n * n_mels, (size_t)(s->n_frames - n) * n_mels * sizeof *s->frames);
    s->first_frame += n;
    s->n_frames -= n;
}

/* Makes room when the buffer is full: the older half leaves, with its words. */
static int trim(struct stream *s)
{
    struct alignatt_text *t = &s->text;
    int64_t last = (s->first_frame + s->n_frames) / 2, n_most = (int64_t)(s->host.recipe->decoder_buffer_s / ALIGNATT_FRAME_S);
    if (last - s->first_frame / 2 < n_most)
        return LINNET_OK;
    int64_t latest = last - n_most / 2;
    int n = alignatt_text_find_cut(t, latest);
    if (n < 0)
        return n;
    int64_t cut = n > 0 ? (t->at[n - 1].frame + t->at[n].frame) / 2 : latest;
    cut = cut > t->at[n > 0 ? n - 1 : 0].frame || n == 0 ? cut : t->at[n - 1].frame;
    int rc = alignatt_text_finish(t, n, (double)cut * ALIGNATT_FRAME_S);
    drop_frames(s, 2 * cut);
    return rc;
}

/* The utterance is over: its last words are final, and its audio is no longer needed. */
static int end_utterance(struct stream *s)
{
    int rc = alignatt_text_finish(&s->text, s->text.n, (double)s->speech_to / DECODER_RATE_HZ);
    s->speech_from = -1;
    drop_frames(s, s->speech_to / LOG_MEL_HOP);
    return rc;
}

static int push_endpoint(struct stream *s, double silence_s)
{
    char text[96];
    snprintf(text, sizeof text, "rule 2: %.0f ms of silence", silence_s * 1000);
    linnet_event e = {.type = LINNET_EVENT_ENDPOINT, .text = text};
    e.start_s = e.end_s = (double)s->n_samples / DECODER_RATE_HZ;
    e.language = alignatt_text_language(&s->text);
    return events_push(s->host.events, &e, s->host.msg);
}

/* Looks at what has come since the last step. */
static int step(struct stream *s, int is_end)
{
    int64_t delay = llrint(s->host.recipe->decoder_delay_s / ALIGNATT_FRAME_S);
    int64_t settled = is_end ? INT64_MAX : s->n_samples / SAMPLES_PER_FRAME - delay;
    int rc = LINNET_OK;
    if (s->speech_from < 0) {
        drop_frames(s, s->n_samples / LOG_MEL_HOP - KEPT_SILENCE);
        return LINNET_OK;
    }
    drop_frames(s, s->text.n == 0 && s->first_frame < s->speech_from / LOG_MEL_HOP ? s->speech_from / LOG_MEL_HOP : 0);
    if (s->is_speech || !s->is_settled)
        rc = read_step(s, s->is_speech ? s->n_samples : s->speech_to, !s->is_speech || is_end, settled);
    s->is_settled = !s->is_speech && settled >= s->speech_to / SAMPLES_PER_FRAME;
    double silence_s = s->is_speech ? 0 : (double)(s->n_samples - s->speech_to) / DECODER_RATE_HZ;
    if (rc < 0 || is_end)
        return rc < 0 ? rc : end_utterance(s);
    if (silence_s * 1000 < s->host.recipe->endpoint_rule2_silence_ms)
        return trim(s);
    int said = s->text.n > 0;
    rc = end_utterance(s);
    return rc < 0 || !said ? rc : push_endpoint(s, silence_s);
}

/* Takes samples up to the next step at most. */
static void hear(struct stream *s, const float *samples, size_t n)
{
    double start = seconds();
    s->n_frames += (int64_t)log_mel_feed(s->mel, samples, n,
                                         s->frames + (size_t)s->n_frames * (size_t)s->model->config.n_mels);
    size_t n_changes = vad_feed(s->vad, samples, n, s->changes);
    for (size_t i = 0; i < n_changes; i++) {
        s->is_speech = s->changes[i].is_speech;
        if (s->is_speech && s->speech_from < 0)
            s->speech_from = (int64_t)s->changes[i].at;
        if (!s->is_speech)
            s->speech_to = (int64_t)s->changes[i].at;
        s->is_settled = 0;
    }
    s->n_samples += (int64_t)n;
    s->host.stats->features_s += seconds() - start;
}

static int stream_feed(void *state, const float *samples, size_t n)
{
    struct stream *s = state;
    for (int rc; n > 0;) {
        size_t room = (size_t)(s->n_step - s->n_samples % s->n_step), n_taken = n < room ? n : room;
        hear(s, samples, n_taken);
        samples += n_taken;
        n -= n_taken;
        if (n_taken == room && (rc = step(s, 0)) < 0)
            return rc;
    }
    return LINNET_OK;
}

static int stream_finish(void *state)
{
    struct stream *s = state;
    struct vad_change change;
    if (vad_finish(s->vad, &change) > 0 || s->is_speech) {
        s->speech_to = s->n_samples;
        s->is_speech = s->is_settled = 0;
    }
    int rc = step(s, 1);
    linnet_event e = {.type = LINNET_EVENT_END, .text = "", .end_s = (double)s->n_samples / DECODER_RATE_HZ};
    e.language = alignatt_text_language(&s->text);
    return rc < 0 ? rc : events_push(s->host.events, &e, s->host.msg);
}

static int stream_reset(void *state)
{
    start_over(state);
    return LINNET_OK;
}

const struct decoder_ops alignatt_stream_ops = {
    .name = "alignatt",
    .kind = "whisper",
    .open = stream_open,
    .feed = stream_feed,
    .finish = stream_finish,
    .reset = stream_reset,
    .close = stream_close,
};
