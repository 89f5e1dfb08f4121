/* SPDX-License-Identifier: Apache-2.0
 * step.c - one look at the open utterance.
 *
 * The model is shown the text as it was trained to give it: in segments, each between two times.  The beginning of the
 * open utterance is such a time, so that what was said before is not taken for all there is; and where the model ends
 * a segment and begins another, reading goes on.  Without times it takes the end of a sentence for that of the audio.
 *
 * The encoder goes on from its last call: states of what was heard three seconds ago stay, new ones attend to them, so
 * that a step encodes the last seconds and not all of its utterance, as long as what is heard begins where it began. */
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
    PAD_FRAMES = 200, /* mel frames of silence after the audio */
    UNSETTLED = 150,  /* encoder frames before the end of the audio that are encoded again when more has come */
    FASTEST = 2,      /* frames from one token to the next .. */
    FEWEST = 3,       /* .. on average over so many tokens and more */
    SURROUNDINGS = 8, /* tokens of a prompt that are not text, and the times around the last segment */
};

/* ---- opening ---- */

int alignatt_step_open(struct alignatt_step *s, const struct decoder_host *host)
{
    const struct linnet_model *model = host->model;
    int n_positions = model->left->config.n_positions, rc;
    const struct alignatt_options *o = settings_of(host->settings, &alignatt_settings);
    *s =
        (struct alignatt_step){.host = host, .model = model, .vocab = whisper_vocab_of(model->vocab), .heard_from = -1};
    s->shared = settings_of(host->settings, &decoder_settings);
    s->whisper = settings_of(host->settings, &whisper_settings);
    if ((rc = whisper_window_check(model, host->msg)) < 0)
        return rc;
    if (n_positions < 2 * (ALIGNATT_CONTEXT + SURROUNDINGS))
        return fail(host->msg, LINNET_E_UNSUPPORTED, "room for %d tokens of text: at least %d are needed", n_positions,
                    2 * (ALIGNATT_CONTEXT + SURROUNDINGS));
    s->prompt = mem_array((size_t)n_positions, sizeof *s->prompt);
    s->window = mem_array(WINDOW * (size_t)model->encoder->n_features, sizeof *s->window);
    rc = s->prompt == NULL || s->window == NULL ? fail_memory(host->msg) : LINNET_OK;
    if (rc < 0 || (rc = alignatt_beam_open(&s->beam, host, s->vocab, alignatt_step_max_tokens(s))) < 0 ||
        (rc = whisper_prompt_language_setting(s->vocab, s->shared, &s->wanted_language, host->msg)) < 0 ||
        (rc = alignatt_reader_open(&s->reader, model, 1, s->beam.width, o->head, host->msg)) < 0)
        alignatt_step_close(s);
    return rc;
}

void alignatt_step_close(struct alignatt_step *s)
{
    alignatt_beam_close(&s->beam);
    alignatt_reader_close(&s->reader);
    mem_free(s->prompt);
    mem_free(s->window);
    *s = (struct alignatt_step){0};
}

void alignatt_step_reset(struct alignatt_step *s) { s->heard_from = -1; }

int alignatt_step_max_tokens(const struct alignatt_step *s)
{
    return s->model->left->config.n_positions - ALIGNATT_CONTEXT - SURROUNDINGS;
}

/* ---- listening ---- */

/* Encodes what is kept of the audio up to sample `to`. */
static void listen(struct alignatt_step *s, const struct alignatt_audio *audio, int64_t to)
{
    double start = clock_s();
    int n_content, n = alignatt_audio_window(audio, to, PAD_FRAMES, s->window, &n_content), from = 0;
    if (audio->first_frame == s->heard_from)
        from = (n_content < s->n_heard ? n_content : s->n_heard) - UNSETTLED;
    alignatt_reader_listen(&s->reader, s->window, n, n_content, from > 0 ? from : 0);
    s->heard_from = audio->first_frame;
    s->n_heard = n_content;
    s->host->stats->encoder_s += clock_s() - start;
}

/* ---- the prompt ---- */

static int detect_language(const struct alignatt_step *s)
{
    const struct whisper_specials *special = &s->vocab->special;
    const float *logits = s->reader.paths[0].logits + special->first_language;
    return special->first_language + whisper_candidates_likeliest(logits, special->n_languages);
}

static double silence_probability(struct alignatt_step *s)
{
    float *logits = s->reader.paths[0].logits;
    s->reader.ctx.kernels->log_softmax(logits, logits, s->vocab->base.n);
    return exp((double)logits[s->vocab->special.no_speech]);
}

/* The times between two segments as tokens, of which the first segment has only its beginning before it. */
static int put_times(const struct alignatt_step *s, struct alignatt_pause pause, int is_first, int *to)
{
    const int64_t frames[] = {pause.from, pause.to};
    int n = 0;
    for (int i = is_first; i < 2; i++) {
        int64_t frame = frames[i] - s->heard_from / 2;
        frame = frame < 0 ? 0 : frame < WHISPER_TIMESTAMPS ? frame : WHISPER_TIMESTAMPS - 1;
        to[n++] = s->vocab->special.timestamp_begin + (int)frame;
    }
    return n;
}

/* Writes the words said, with times between segments where there is room, to the prompt from token n on. */
static int put_words(struct alignatt_step *s, const struct alignatt_audio *audio, const struct alignatt_text *t, int n)
{
    int n_most = s->model->left->config.n_positions - SURROUNDINGS / 2;
    for (int i = 0; i < t->n_said; i++) {
        if (i == 0 || (t->at[i].before.to >= 0 && n + t->n_said - i < n_most))
            n += put_times(s, t->at[i].before, i == 0, s->prompt + n);
        s->prompt[n++] = t->ids[i];
    }
    if (t->n_said == t->n_final)
        n += put_times(s, alignatt_text_pause(t, audio->speech_from / ALIGNATT_CELL), t->n_said == 0, s->prompt + n);
    return n;
}

/* Runs context, start sequence and the words said.  Returns the probability of silence, 0 once something was said. */
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
    if (t->n_said == 0) {
        alignatt_reader_run(&s->reader, 0, s->prompt, n);
        if (s->wanted_language < 0 && special->n_languages > 0)
            t->language = detect_language(s);
        silence = silence_probability(s);
        n = 0;
    }
    n += whisper_prompt_task(s->vocab, s->shared, t->language, s->prompt + n);
    n = put_words(s, audio, t, n);
    alignatt_reader_run(&s->reader, 0, s->prompt, n);
    return silence;
}

/* ---- reading ---- */

/* Nobody speaks so fast: attention stays where it is and the model writes on, from memory. */
static int is_too_fast(const struct alignatt_text *t)
{
    int n = t->n - t->n_said;
    return n >= FEWEST && t->at[t->n - 1].frame - t->at[t->n_said].frame < (n - 1) * FASTEST;
}

/* What was read where nothing was said before is no speech, by the thresholds.  Text twice as unlikely as they
 * allow is none, whatever the model says of silence: it is what a cough or a slamming door reads like. */
static int is_no_speech(const struct alignatt_step *s, const struct alignatt_text *t, double silence)
{
    double sum = 0, least = s->whisper->logprob_threshold;
    for (int i = t->n_said; i < t->n; i++)
        sum += (double)t->at[i].logprob;
    double mean = t->n > t->n_said ? sum / (t->n - t->n_said) : 0;
    return t->n_said == t->n_final &&
           ((silence > s->whisper->no_speech_threshold && mean < least) || mean < 2 * least || is_too_fast(t));
}

int alignatt_step_read(struct alignatt_step *s, const struct alignatt_audio *audio, struct alignatt_text *t, int64_t to,
                       int is_complete, int64_t now)
{
    if (*s->host->cancelled != 0)
        return fail(s->host->msg, LINNET_E_CANCELLED, "cancelled");
    alignatt_text_cut(t, t->n_said);
    listen(s, audio, to);
    if (s->reader.n_content < 1)
        return LINNET_OK;
    double start = clock_s(), silence = run_prompt(s, audio, t);
    int next = alignatt_beam_read(&s->beam, &s->reader, audio, t, s->heard_from / 2, is_complete), n_whole;
    if (is_no_speech(s, t, silence))
        alignatt_text_cut(t, t->n_said);
    int unfinished = alignatt_text_cut_unfinished(t);
    next = unfinished >= 0 ? unfinished : next;
    if (is_complete || alignatt_reader_fires(&s->reader))
        next = -1;
    alignatt_text_give_marks(t);
    n_whole = alignatt_text_settled(t, next, now);
    s->host->stats->decoder_s += clock_s() - start;
    if (n_whole < 0)
        return n_whole;
    t->n_said = next < 0 ? alignatt_text_before_stop(t, n_whole) : n_whole;
    return alignatt_text_show(t, (double)audio->n_samples / AUDIO_RATE_HZ);
}
