/* SPDX-License-Identifier: Apache-2.0
 * results.c - tokens are cut into segments at their time stamps, each becomes an event, the first one with the n-best
 * list of the whole window.  With word times the next window starts after the last word, as in openai-whisper's
 * transcribe.py. */
#include "decoders/whisper/results.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/whisper_common/options.h"

/* ---- opening ---- */

int whisper_results_open(struct whisper_results *r, const struct decoder_host *host, struct whisper_prompt *prompt,
                         struct nn_context *ctx, struct text_decoder_state *decoder)
{
    const struct decoder_options *shared = settings_of(host->settings, &decoder_settings);
    const struct whisper_options *o = settings_of(host->settings, &whisper_settings);
    *r = (struct whisper_results){.host = host, .prompt = prompt, .ctx = ctx, .decoder = decoder};
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

void whisper_results_reset(struct whisper_results *r) { r->last_speech_s = 0; }

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
        t->words[k] = (struct linnet_word){NULL, word->start_s, word->end_s, (float)word->probability};
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

/* The window that starts at frame seek. */
static struct linnet_window window_of(const struct whisper_outcome *o, int64_t seek)
{
    return (struct linnet_window){.size = sizeof(struct linnet_window),
                                  .start_s = (double)seek / WHISPER_FRAMES_PER_S,
                                  .temperature = o->temperature,
                                  .compression_ratio = o->compression_ratio,
                                  .language_probability = o->language_probability};
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
                      int64_t seek, int n_frames)
{
    double offset = (double)seek / WHISPER_FRAMES_PER_S;
    int start[3];
    const struct whisper_times_text text = {.start = start,
                                            .n_start = whisper_prompt_start(r->prompt, start),
                                            .tokens = text_tokens,
                                            .n = n_text,
                                            .n_frames = n_frames / 2,
                                            .language = whisper_prompt_language(r->prompt)};
    struct whisper_words words;
    int rc = whisper_times_align(r->times, r->ctx, r->decoder, &text, &words, r->host->msg);
    if (rc < 0)
        return rc;
    struct whisper_segments *s = r->segments;
    whisper_segments_time(s, o->best->tokens, r->prompt->vocab->special.eot, &words, offset, &r->last_speech_s);
    if (!s->single_ending && s->n_words > 0 && s->words[s->n_words - 1].end_s > offset)
        s->seek_frames = (int)(llrint(s->words[s->n_words - 1].end_s * WHISPER_FRAMES_PER_S) - seek);
    return LINNET_OK;
}

int whisper_results_push(struct whisper_results *r, const struct whisper_outcome *o, int64_t seek, int n_frames,
                         int *n_done)
{
    const int *tokens = o->best->tokens, eot = r->prompt->vocab->special.eot;
    const struct linnet_window window = window_of(o, seek);
    struct whisper_segments *s = r->segments;
    whisper_segments_cut(s, tokens, o->best->n, r->prompt->vocab->special.timestamp_begin,
                         (double)seek / WHISPER_FRAMES_PER_S, n_frames);
    int *text_tokens = mem_array((size_t)o->best->n + 1, sizeof *text_tokens), n_text = 0, first = 1, rc = LINNET_OK;
    if (text_tokens == NULL)
        return fail_memory(r->host->msg);
    for (int i = 0; s->n > 0 && i < s->at[s->n - 1].last; i++)
        if (tokens[i] < eot)
            text_tokens[n_text++] = tokens[i];
    if (r->times != NULL)
        rc = time_words(r, o, text_tokens, n_text, seek, n_frames);
    for (int i = 0; i < s->n && rc >= 0; i++) {
        if (is_empty(r, &s->at[i], tokens))
            continue;
        rc = push_segment(r, &s->at[i], o, &window, first, text_tokens);
        first = 0;
        if (rc >= 0)
            rc = whisper_prompt_add(r->prompt, tokens + s->at[i].first, s->at[i].last - s->at[i].first, r->host->msg);
    }
    mem_free(text_tokens);
    if (!r->condition_on_previous || o->temperature > 0.5)
        whisper_prompt_drop_past(r->prompt);
    *n_done = s->seek_frames > 0 ? s->seek_frames : n_frames;
    return rc;
}
