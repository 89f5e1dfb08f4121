/* SPDX-License-Identifier: Apache-2.0
 * results.c - tokens are cut into segments at their time stamps, each becomes an event, the first one with the n-best
 * list of the whole window.  With word times the next window starts after the last word, as in openai-whisper's
 * transcribe.py. */
#include "decoders/whisper/results.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper/frames.h"
#include "decoders/whisper_common/options.h"
#include "vocab/whisper_language.h"

#define SPEECH_MARGIN AUDIO_RATE_HZ /* samples */
enum { LEAST_CLAUSE = 3 };          /* tokens: a shorter one may well be said twice */

/* ---- opening ---- */

int whisper_results_open(struct whisper_results *r, const struct decoder_host *host, struct whisper_prompt *prompt,
                         struct nn_context *ctx, struct text_decoder_state *decoder, const struct speech *speech)
{
    const struct decoder_options *shared = settings_of(host->settings, &decoder_settings);
    const struct whisper_options *o = settings_of(host->settings, &whisper_settings);
    *r = (struct whisper_results){.host = host, .prompt = prompt, .ctx = ctx, .decoder = decoder, .speech = speech};
    r->n_nbest = shared->nbest;
    r->condition_on_previous = o->condition_on_previous;
    r->segments = mem_array(1, sizeof *r->segments);
    if (r->segments == NULL)
        return fail_memory(host->msg);
    if (!shared->word_times)
        return LINNET_OK;
    return whisper_times_open(&r->times, host->model, o->alignment_heads == WHISPER_HEADS_MODEL, host->msg);
}

void whisper_results_close(struct whisper_results *r)
{
    whisper_times_close(r->times);
    mem_free(r->segments);
    buffer_free(&r->text);
    *r = (struct whisper_results){0};
}

void whisper_results_reset(struct whisper_results *r) { r->last_speech_s = r->last_duration_s = 0; }

/* ---- one segment ---- */

static int is_empty(const struct whisper_results *r, const struct whisper_segment *g, const int *tokens)
{
    if (g->start_s == g->end_s)
        return 1;
    for (int i = g->first; i < g->last; i++) {
        size_t n;
        const char *piece = whisper_vocab_piece(r->prompt->vocab, tokens[i], &n);
        for (size_t k = 0; tokens[i] < r->prompt->vocab->special.eot && k < n; k++)
            if (piece[k] != ' ' && piece[k] != '\n' && piece[k] != '\t')
                return 0;
    }
    return 1;
}

/* Text of the hypotheses and words of one event, all in one buffer; offsets first, pointers when it no longer moves. */
struct texts {
    struct buffer buffer;
    struct linnet_word words[WHISPER_MAX_SEGMENTS];
    size_t word_at[WHISPER_MAX_SEGMENTS];
    void *block; /* of the n-best list */
    struct linnet_hypothesis *nbest;
    size_t *nbest_at;
    int n_nbest;
};

static int append_text(const struct whisper_results *r, struct buffer *b, const int *tokens, int n, size_t *at)
{
    *at = b->n;
    int rc = whisper_vocab_text(r->prompt->vocab, tokens, n, b);
    return rc < 0 ? rc : buffer_append(b, "", 1);
}

static int append_words(struct whisper_results *r, const struct whisper_segment *g, const int *text_tokens,
                        struct texts *t)
{
    for (int i = g->first_word; i < g->last_word; i++) {
        const struct whisper_timed_word *word = &r->segments->words[i];
        int k = i - g->first_word, rc;
        if (k >= WHISPER_MAX_SEGMENTS)
            break;
        if ((rc = append_text(r, &t->buffer, text_tokens + word->first, word->last - word->first, &t->word_at[k])) < 0)
            return rc;
        t->words[k] =
            (struct linnet_word){NULL, word->start_s, word->end_s, (float)word->probability, (float)word->probability};
    }
    return LINNET_OK;
}

static int append_nbest(struct whisper_results *r, const struct whisper_outcome *o, struct texts *t)
{
    int n = o->n < r->n_nbest ? o->n : r->n_nbest, rc;
    if (r->n_nbest < 2)
        return LINNET_OK;
    t->block = MEM_PARTS(MEM_PART(t->nbest, (size_t)n), MEM_PART(t->nbest_at, (size_t)n));
    if (t->block == NULL)
        return LINNET_E_MEMORY;
    for (; t->n_nbest < n; t->n_nbest++) {
        const struct whisper_hypothesis *h = &o->best[t->n_nbest];
        if ((rc = append_text(r, &t->buffer, h->tokens, h->n, &t->nbest_at[t->n_nbest])) < 0)
            return rc;
        t->nbest[t->n_nbest] = (struct linnet_hypothesis){NULL, h->tokens, NULL, h->n, h->score};
    }
    return LINNET_OK;
}

/* ---- what is no text of this window ---- */

uint64_t whisper_results_earliest(int64_t seek)
{
    uint64_t at = (uint64_t)seek * LOG_MEL_HOP;
    return at > SPEECH_MARGIN ? at - SPEECH_MARGIN : 0;
}

/* Whether nobody speaks while the segment lasts, or shortly before or after: its time stamps are not exact. */
static int is_unspoken(const struct whisper_results *r, const struct whisper_segment *g, const struct whisper_window *w)
{
    if (r->speech == NULL)
        return 0;
    uint64_t least = whisper_results_earliest(w->seek), most = (uint64_t)(w->seek + w->n_frames) * LOG_MEL_HOP;
    uint64_t from = (uint64_t)(g->start_s * AUDIO_RATE_HZ), to = (uint64_t)(g->end_s * AUDIO_RATE_HZ) + SPEECH_MARGIN;
    from = from > least + SPEECH_MARGIN ? from - SPEECH_MARGIN : least;
    return speech_within(r->speech, from, to < most ? to : most) == 0;
}

/* Whether the first segment of a window says once more what the text so far ends in.  It does where the last window's
 * text was thought to end too early, and where half a clause is left over, of which the decoder, knowing the text,
 * makes a whole one. */
static int is_said(const struct whisper_results *r, const struct whisper_segment *g, const int *tokens,
                   const struct whisper_window *w)
{
    int eot = r->prompt->vocab->special.eot, i = g->last - 1, k = r->prompt->n_past - 1, n = 0;
    if (!w->goes_on && g->end_s - g->start_s > r->last_duration_s / 2)
        return 0;
    for (;; i--, k--, n++) {
        while (i >= g->first && tokens[i] >= eot)
            i--;
        while (k >= r->prompt->n_initial && r->prompt->past[k] >= eot)
            k--;
        if (i < g->first)
            return n >= LEAST_CLAUSE;
        if (k < r->prompt->n_initial || tokens[i] != r->prompt->past[k])
            return 0;
    }
}

/* ---- events ---- */

/* The window that starts at frame seek. */
static struct linnet_window window_of(const struct whisper_results *r, const struct whisper_outcome *o, int64_t seek)
{
    int language = whisper_language_find(whisper_prompt_language(r->prompt));
    int other = o->other_language - r->prompt->vocab->special.first_language;
    return (struct linnet_window){.size = sizeof(struct linnet_window),
                                  .start_s = (double)seek / WHISPER_FRAMES_PER_S,
                                  .temperature = o->temperature,
                                  .compression_ratio = o->compression_ratio,
                                  .language_probability = o->language_probability,
                                  .language_name = whisper_language_name(language),
                                  .other_language = o->other_language >= 0 ? whisper_language_name(other) : NULL};
}

static int push_segment(struct whisper_results *r, const struct whisper_segment *g, const struct whisper_outcome *o,
                        const struct linnet_window *window, int first, const int *text_tokens)
{
    const int *tokens = o->best->tokens;
    struct texts *t = mem_array(1, sizeof *t);
    if (t == NULL)
        return fail_memory(r->host->msg);
    size_t text_at = 0;
    t->buffer = r->text; /* borrowed: its memory is used again */
    t->buffer.n = 0;
    int rc;
    if ((rc = append_text(r, &t->buffer, tokens + g->first, g->last - g->first, &text_at)) < 0 ||
        (rc = append_words(r, g, text_tokens, t)) < 0 || (first && (rc = append_nbest(r, o, t)) < 0)) {
        fail_memory(r->host->msg);
    } else {
        linnet_event e = {.type = LINNET_EVENT_FINAL, .start_s = g->start_s, .end_s = g->end_s};
        e.text = t->buffer.data + text_at;
        e.committed = strlen(e.text);
        e.language = whisper_prompt_language(r->prompt);
        e.tokens = tokens + g->first;
        e.n_tokens = g->last - g->first;
        e.logprob = o->mean_logprob;
        e.no_speech = o->no_speech;
        e.confidence = (float)exp(o->mean_logprob);
        e.words = t->words;
        e.n_words = g->last_word - g->first_word;
        for (int i = 0; i < e.n_words; i++)
            t->words[i].text = t->buffer.data + t->word_at[i];
        e.window = window;
        e.nbest = t->nbest;
        e.n_nbest = t->n_nbest;
        for (int i = 0; i < t->n_nbest; i++)
            t->nbest[i].text = t->buffer.data + t->nbest_at[i];
        rc = events_push(r->host->events, &e, r->host->msg);
    }
    r->text = t->buffer;
    mem_free(t->block);
    mem_free(t);
    return rc;
}

/* ---- a window ---- */

/* Word times for all segments of the window; the next window starts after the last word. */
static int time_words(struct whisper_results *r, const struct whisper_outcome *o, const int *text_tokens, int n_text,
                      const struct whisper_window *w)
{
    double offset = (double)w->seek / WHISPER_FRAMES_PER_S;
    int start[3];
    const struct whisper_times_text text = {.start = start,
                                            .n_start = whisper_prompt_start(r->prompt, start),
                                            .tokens = text_tokens,
                                            .n = n_text,
                                            .n_frames = w->n_frames / 2,
                                            .language = whisper_prompt_language(r->prompt)};
    struct whisper_words words;
    int rc = whisper_times_align(r->times, r->ctx, r->decoder, &text, &words, r->host->msg);
    if (rc < 0)
        return rc;
    struct whisper_segments *s = r->segments;
    whisper_segments_time(s, o->best->tokens, r->prompt->vocab->special.eot, &words, offset, &r->last_speech_s);
    if (!s->single_ending && s->n_words > 0 && s->words[s->n_words - 1].end_s > offset)
        s->seek_frames = (int)(llrint(s->words[s->n_words - 1].end_s * WHISPER_FRAMES_PER_S) - w->seek);
    return LINNET_OK;
}

/* The text of a window without its special tokens. */
static int text_of_segments(const struct whisper_segments *s, const int *tokens, int eot, int *text)
{
    int n = 0;
    for (int i = 0; s->n > 0 && i < s->at[s->n - 1].last; i++)
        if (tokens[i] < eot)
            text[n++] = tokens[i];
    return n;
}

static int push_segments(struct whisper_results *r, const struct whisper_outcome *o, const struct whisper_window *w,
                         const int *text_tokens)
{
    const int *tokens = o->best->tokens;
    const struct whisper_segments *s = r->segments;
    const struct linnet_window window = window_of(r, o, w->seek);
    int first = 1, rc = LINNET_OK;
    for (int i = 0; i < s->n && rc >= 0; i++) {
        const struct whisper_segment *g = &s->at[i];
        if (is_empty(r, g, tokens) || is_unspoken(r, g, w) || (first && is_said(r, g, tokens, w)))
            continue;
        rc = push_segment(r, g, o, &window, first, text_tokens);
        first = 0;
        r->last_duration_s = g->end_s - g->start_s;
        if (rc >= 0)
            rc = whisper_prompt_add(r->prompt, tokens + g->first, g->last - g->first, r->host->msg);
    }
    return rc;
}

int whisper_results_push(struct whisper_results *r, const struct whisper_outcome *o, const struct whisper_window *w,
                         int *n_done)
{
    const int *tokens = o->best->tokens;
    const struct whisper_specials *special = &r->prompt->vocab->special;
    double from_s = (double)w->seek / WHISPER_FRAMES_PER_S,
           to_s = (double)(w->seek + w->n_frames) / WHISPER_FRAMES_PER_S;
    struct whisper_segments *s = r->segments;
    int *text_tokens = mem_array((size_t)o->n_tokens + 1, sizeof *text_tokens), rc = LINNET_OK;
    if (text_tokens == NULL)
        return fail_memory(r->host->msg);
    whisper_segments_cut(s, tokens, o->n_tokens, special->timestamp_begin, from_s, w->n_frames);
    int n_text = text_of_segments(s, tokens, special->eot, text_tokens);
    if (r->times != NULL)
        rc = time_words(r, o, text_tokens, n_text, w);
    whisper_segments_limit(s, to_s);
    if (rc >= 0)
        rc = push_segments(r, o, w, text_tokens);
    mem_free(text_tokens);
    if (!r->condition_on_previous || o->temperature > 0.5)
        whisper_prompt_drop_past(r->prompt);
    *n_done = s->seek_frames > 0 ? s->seek_frames : w->n_frames;
    return rc;
}
