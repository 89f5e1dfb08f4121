/* SPDX-License-Identifier: Apache-2.0
 * alignatt_stream.c - our streaming Whisper.
 *
 * Every decoder.segment_s of audio is a step: the audio of the open utterance is encoded with a little silence after
 * it, the words said so far are run in one go, and reading goes on until attention comes near the end of the audio or
 * the model has nothing more to say.  A word is whole when the truncation head says that the audio ends with a word, or
 * when the token at which reading stopped begins another one.  It is said for good when enough audio has followed it
 * (alignatt_text_settled), and until then read again at every step: what a word is, is often decided by the next.  The
 * voice detector decides where there is anything to read; when speech pauses, the rest is read at once, and all words
 * are whole.  How long the pause is decides whether the utterance has ended (endpoint.h, with the detector's silence in
 * place of blank's).
 *
 * The last decoder.context_s of what was said before are encoded again with the next utterance, and their text is run
 * before its own: Whisper hears a new sentence better with the voice and the words before it, as it does in the 30 s
 * windows of a recording.  Older text stays as the prompt.
 *
 * Frames of the spectrogram are made once and kept.  Encoder states cannot be kept, every one depends on all the audio;
 * nor can the decoder's keys and values from step to step, they depend on those states: within a step they are.
 *
 * When the buffer is full its older part leaves at the end of a sentence or word, and its text becomes prompt.  Results
 * depend on the samples alone, not on how they were cut when fed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "decoders/alignatt.h"
#include "decoders/alignatt_audio.h"
#include "decoders/alignatt_reader.h"
#include "decoders/alignatt_text.h"
#include "decoders/endpoint.h"
#include "decoders/model.h"
#include "decoders/whisper.h"
#include "decoders/whisper_prompt.h"
#include "decoders/whisper_rules.h"

enum {
    WINDOW = LOG_MEL_WINDOW_FRAMES,
    LAST_THRESHOLD = 4,                  /* frames, where the audio is known to be complete */
    EARLY = 25,                          /* frames before the detector's beginning of speech where a word may lie */
    BACK_FRAMES = 50,                    /* further back than a word may be corrected */
    KEPT_SILENCE = 100,                  /* mel frames kept while nobody speaks: a beginning may be dated back */
    PAD_FRAMES = 200,                    /* mel frames of silence after the audio */
    CONTEXT = 64,                        /* tokens of the prompt: text before the buffer */
    LONG_PAUSE = 3 * DECODER_RATE_HZ,    /* samples after which what was said before is no longer heard */
    SHORTEST = DECODER_RATE_HZ / 2,      /* samples of speech in which there is no word yet */
};

struct stream {
    struct decoder_host host;
    const struct whisper_model *model;
    const struct whisper_vocab *vocab;
    struct alignatt_audio audio;
    struct alignatt_reader reader;
    struct alignatt_text text;
    struct whisper_search_options rules;
    struct endpoint_options endpoints;
    int *suppressed;
    float *window;                /* [WINDOW, n_mels] */
    int64_t n_step;               /* samples */
    int64_t read_to;              /* end of speech up to which all was read; -1: none was */
    int wanted_language;          /* token; < 0: to be detected */
    int *prompt;                  /* [n_text_ctx] */
    int *initial, n_initial;      /* the recipe's prompt */
};

/* ---- opening ---- */

static void start_over(struct stream *s)
{
    alignatt_audio_reset(&s->audio);
    alignatt_text_reset(&s->text);
    s->text.language = s->wanted_language;
    s->text.n_context = s->n_initial < CONTEXT ? s->n_initial : CONTEXT;
    if (s->text.n_context > 0)
        memcpy(s->text.context, s->initial, (size_t)s->text.n_context * sizeof *s->initial);
    s->read_to = -1;
}

static void stream_close(void *state)
{
    struct stream *s = state;
    if (s == NULL)
        return;
    alignatt_audio_close(&s->audio);
    alignatt_reader_close(&s->reader);
    alignatt_text_close(&s->text);
    void *arrays[] = {s->suppressed, s->window, s->prompt, s->initial, s};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        mem_free(arrays[i]);
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
    if (2 * c->n_audio_ctx != WINDOW)
        return fail(s->host.msg, LINNET_E_UNSUPPORTED, "a window of %d frames: only %d are supported",
                    2 * c->n_audio_ctx, WINDOW);
    s->n_step = (int64_t)(r->decoder_segment_s * DECODER_RATE_HZ / ALIGNATT_CELL) * ALIGNATT_CELL;
    s->window = mem_array(WINDOW * (size_t)c->n_mels, sizeof *s->window);
    s->prompt = mem_array((size_t)c->n_text_ctx, sizeof *s->prompt);
    if (s->window == NULL || s->prompt == NULL)
        return fail_memory(s->host.msg);
    int64_t n_frames = 2 * WINDOW + s->n_step / LOG_MEL_HOP + KEPT_SILENCE;
    return alignatt_audio_open(&s->audio, r, c->n_mels, n_frames, s->host.msg);
}

static int stream_open(void **state, const struct decoder_host *host)
{
    struct stream *s = mem_array(1, sizeof *s);
    if (s == NULL)
        return fail_memory(host->msg);
    s->host = *host;
    s->model = host->model->whisper;
    s->vocab = s->model->vocab;
    endpoint_options_read(&s->endpoints, host->recipe);
    int rc;
    if ((rc = whisper_prompt_language_setting(s->vocab, host->recipe, &s->wanted_language, host->msg)) < 0 ||
        (rc = buffers_open(s)) < 0 || (rc = rules_open(s)) < 0 ||
        (rc = whisper_prompt_encode(s->vocab, host->recipe->decoder_initial_prompt, &s->initial, &s->n_initial,
                                    host->msg)) < 0 ||
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
    double start = clock_s();
    int n_content, n = alignatt_audio_window(&s->audio, to, PAD_FRAMES, s->window, &n_content);
    alignatt_reader_listen(&s->reader, s->window, n, n_content);
    s->host.stats->encoder_s += clock_s() - start;
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
    n += whisper_prompt_task(s->vocab, s->host.recipe, t->language, s->prompt + n);
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
    int64_t speech_from = s->audio.speech_from / ALIGNATT_CELL;
    int64_t first = s->audio.first_frame / 2, last = t->n > 0 ? t->at[t->n - 1].frame : first;
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
        if (first + frame < speech_from - EARLY && t->n_final > 0)
            return; /* what was said before this utterance is said again */
        /* The audio is complete and attention returns to where it has been: a repetition, which never ends. */
        if (is_complete && t->n > t->n_said && last - (first + frame) > BACK_FRAMES)
            return;
        int at_end = r->n_content - frame <= threshold;
        *next = token;
        if (at_end && !(is_complete && alignatt_text_is_mark(t, token)))
            return;
        last = first + frame;
        alignatt_text_add(t, token, last, r->logits[token]);
        int n_loop = alignatt_text_loop(t);
        if (n_loop > 0) {
            *next = is_complete ? -1 : token;
            alignatt_text_cut(t, t->n - n_loop > t->n_said ? t->n - n_loop : t->n_said);
            return;
        }
        if (at_end)
            return;
        s->host.stats->n_tokens++;
        alignatt_reader_run(r, &token, 1);
        *next = -1;
    }
}

/* What was read where nothing was said before is no speech, by the recipe's thresholds.  Text twice as unlikely as they
 * allow is none, whatever the model says of silence: it is what a cough or a slamming door reads like. */
static int is_no_speech(const struct stream *s, double silence)
{
    const struct alignatt_text *t = &s->text;
    const struct recipe *r = s->host.recipe;
    double sum = 0, least = r->decoder_logprob_threshold;
    for (int i = t->n_said; i < t->n; i++)
        sum += (double)t->at[i].logprob;
    double mean = t->n > t->n_said ? sum / (t->n - t->n_said) : 0;
    return t->n_said == t->n_final &&
           ((silence > r->decoder_no_speech_threshold && mean < least) || mean < 2 * least);
}

/* Reads the audio up to sample `to`; is_complete: speech ends there.  Words may be said for good by how long they have
 * been over at the frame `now`. */
static int read_step(struct stream *s, int64_t to, int is_complete, int64_t now)
{
    struct alignatt_text *t = &s->text;
    if (*s->host.cancelled != 0)
        return fail(s->host.msg, LINNET_E_CANCELLED, "cancelled");
    alignatt_text_cut(t, t->n_said);
    listen(s, to);
    if (s->reader.n_content < 1)
        return LINNET_OK;
    double start = clock_s(), silence = run_prompt(s);
    int next, n_whole = 0;
    read_tokens(s, is_complete, &next);
    if (is_no_speech(s, silence))
        alignatt_text_cut(t, t->n_said);
    int unfinished = alignatt_text_cut_unfinished(t);
    next = unfinished >= 0 ? unfinished : next;
    if (is_complete || alignatt_reader_fires(&s->reader))
        next = -1;
    alignatt_text_give_marks(t);
    alignatt_text_compare(t);
    n_whole = alignatt_text_settled(t, next, now);
    s->host.stats->decoder_s += clock_s() - start;
    if (n_whole < 0)
        return n_whole;
    t->n_said = next < 0 ? alignatt_text_before_stop(t, n_whole) : n_whole;
    return alignatt_text_show(t, (double)s->audio.n_samples / DECODER_RATE_HZ);
}

/* Speech pauses: reads what there is of it.  Where that is nothing, what was said before may be in the way. */
static int read_rest(struct stream *s, int64_t now)
{
    struct alignatt_text *t = &s->text;
    int rc = read_step(s, s->audio.speech_to, 1, now);
    if (rc < 0 || t->n_final == 0 || t->n > t->n_final)
        return rc;
    alignatt_text_forget(t, t->n_final);
    alignatt_audio_drop(&s->audio, s->audio.speech_from / LOG_MEL_HOP);
    return read_step(s, s->audio.speech_to, 1, now);
}

/* ---- flow ---- */

/* What was read in the last part of speech is said for good as it becomes old enough. */
static int settle(struct stream *s, int64_t now)
{
    int n = alignatt_text_settled(&s->text, -1, now);
    if (n < 0)
        return n;
    s->text.n_said = alignatt_text_before_stop(&s->text, n);
    return alignatt_text_show(&s->text, (double)s->audio.n_samples / DECODER_RATE_HZ);
}

/* The words that were attended before the frame `latest` are final, and their sound is forgotten: the cut is at the end
 * of a sentence, if there is one, else of a word, else (if it must be) at that frame.  Returns where it is, 0: nowhere.
 */
static int64_t cut(struct stream *s, int64_t latest, int must)
{
    struct alignatt_text *t = &s->text;
    int n = alignatt_text_find_cut(t, latest);
    if (n < 0 || (n <= t->n_final && !must))
        return n < 0 ? n : 0;
    int64_t at = n > 0 ? (t->at[n - 1].frame + t->at[n].frame) / 2 : latest;
    int rc = alignatt_text_finish(t, n, (double)at * ALIGNATT_FRAME_S);
    alignatt_text_forget(t, n);
    alignatt_audio_drop(&s->audio, 2 * at);
    return rc < 0 ? rc : at;
}

/* Makes room when the buffer is full: its older half leaves. */
static int trim(struct stream *s)
{
    const struct alignatt_audio *a = &s->audio;
    int64_t n_most = (int64_t)(s->host.recipe->decoder_buffer_s / ALIGNATT_FRAME_S);
    int64_t rc = a->n_frames / 2 < n_most ? 0 : cut(s, (a->first_frame + a->n_frames) / 2 - n_most / 2, 1);
    return rc < 0 ? (int)rc : LINNET_OK;
}

/* Of what was heard and said up to now, only the last part goes on being heard. */
static void keep_context(struct stream *s)
{
    const struct recipe *r = s->host.recipe;
    struct alignatt_text *t = &s->text;
    double most_s = fmin(r->decoder_context_s, r->decoder_buffer_s / 2);
    int64_t end = s->audio.speech_to / ALIGNATT_CELL, from = end - llrint(most_s / ALIGNATT_FRAME_S);
    int n = 0;
    while (n < t->n_final && t->at[n].frame < from)
        n++;
    if (n == t->n_final)
        from = end;
    else if (n > 0)
        from = (t->at[n - 1].frame + t->at[n].frame) / 2;
    alignatt_text_forget(t, n);
    alignatt_audio_drop(&s->audio, 2 * from);
}

/* The utterance is over: its last words are final, and it becomes context. */
static int end_utterance(struct stream *s)
{
    struct alignatt_audio *a = &s->audio;
    int rc = alignatt_text_finish(&s->text, s->text.n, (double)a->speech_to / DECODER_RATE_HZ);
    a->speech_from = s->read_to = -1;
    a->was_none = 0;
    keep_context(s);
    return rc;
}

/* In the middle of speech, after words that are said for good; when nothing was said, what was heard is let go.
 * Returns 1, or 0 when there is no place for it yet. */
static int break_utterance(struct stream *s)
{
    if (s->text.n == s->text.n_final)
        alignatt_text_forget(&s->text, s->text.n_final);
    int64_t at = cut(s, s->audio.n_samples / ALIGNATT_CELL, s->text.n == 0);
    if (at > 0)
        s->audio.speech_from = at * ALIGNATT_CELL;
    return at < 0 ? (int)at : at > 0;
}

/* What the detector took for speech was none. */
static void forget_noise(struct stream *s)
{
    alignatt_text_forget(&s->text, s->text.n_final);
    alignatt_audio_forget(&s->audio, KEPT_SILENCE);
}

/* Ends the utterance if one of the rules says so: in silence at once, in speech at the next step. */
static int apply_rules(struct stream *s, int is_step)
{
    struct alignatt_audio *a = &s->audio;
    struct alignatt_text *t = &s->text;
    double silence_s = alignatt_audio_silence_s(a);
    struct endpoint_found found;
    linnet_event e = {.type = LINNET_EVENT_ENDPOINT, .text = found.text, .language = alignatt_text_language(t)};
    e.start_s = (double)a->speech_from / DECODER_RATE_HZ;
    e.end_s = (double)a->n_samples / DECODER_RATE_HZ;
    int ends = 0, rc = LINNET_OK;
    if (!a->is_speech || is_step)
        ends = endpoint_find(&s->endpoints, silence_s * 1000, (e.end_s - e.start_s) * 1000, t->n > t->n_final,
                             &found) > 0;
    if (ends && a->is_speech)
        ends = rc = break_utterance(s);
    else if (ends)
        rc = end_utterance(s);
    else if (!a->is_speech && t->n == t->n_final && silence_s * 1000 >= s->endpoints.rules[1].min_silence_ms)
        forget_noise(s);
    if (rc >= 0 && ends)
        return events_push(s->host.events, &e, s->host.msg);
    return rc < 0 || !is_step ? rc : trim(s);
}

/* Looks at what has come, at the end of a cell. */
static int look(struct stream *s)
{
    struct alignatt_audio *a = &s->audio;
    int is_step = a->n_samples % s->n_step == 0, rc = LINNET_OK;
    int64_t now = a->n_samples / ALIGNATT_CELL;
    if (a->speech_from < 0) {
        if (s->text.n_final > 0 && a->n_samples - a->speech_to > LONG_PAUSE)
            alignatt_text_forget(&s->text, s->text.n_final);
        if (s->text.n_final == 0)
            alignatt_audio_drop(a, a->n_samples / LOG_MEL_HOP - KEPT_SILENCE);
        return LINNET_OK;
    }
    if (s->text.n == 0)
        alignatt_audio_drop(a, a->speech_from / LOG_MEL_HOP);
    if (!a->is_speech && s->read_to != a->speech_to)
        rc = read_rest(s, now);
    else if (a->is_speech && is_step && a->n_samples - a->speech_from >= SHORTEST)
        rc = read_step(s, a->n_samples, 0, now);
    else if (!a->is_speech && is_step)
        rc = settle(s, now);
    if (!a->is_speech)
        s->read_to = a->speech_to;
    return rc < 0 ? rc : apply_rules(s, is_step);
}

static int stream_feed(void *state, const float *samples, size_t n)
{
    struct stream *s = state;
    for (int rc; n > 0;) {
        double start = clock_s();
        size_t n_taken = alignatt_audio_hear(&s->audio, samples, n);
        s->host.stats->features_s += clock_s() - start;
        samples += n_taken;
        n -= n_taken;
        if (s->audio.n_samples % ALIGNATT_CELL == 0 && (rc = look(s)) < 0)
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
    if (a->speech_from >= 0 && s->read_to != a->speech_to)
        rc = read_step(s, a->speech_to, 1, INT64_MAX);
    if (rc >= 0 && a->speech_from >= 0)
        rc = end_utterance(s);
    linnet_event e = {.type = LINNET_EVENT_END, .text = "", .end_s = (double)a->n_samples / DECODER_RATE_HZ};
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
