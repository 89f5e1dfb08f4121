/* SPDX-License-Identifier: Apache-2.0
 * json.c - JSON: one object on one line for a recording.
 *
 *     {"file", "duration", "language", "text",
 *      "segments": [{"id", "seek", "start", "end", "text", "tokens": [ids], "temperature", "avg_logprob",
 *                    "compression_ratio", "no_speech_prob", "logprob", "confidence", "no_speech",
 *                    "words": [{"word", "start", "end", "probability", "confidence"}]}],
 *      "nbest": [{"segment", "text", "tokens", "score", "times"}]}
 *
 * What reads the results of openai-whisper finds its fields by their names and in their units: seek is the frame of
 * 10 ms where the window starts.  Those from seek on that tell of the window are only there where the decoder has
 * windows; ours are always there.  Times are seconds; nbest[].times are the starts of the encoder frames that gave the
 * tokens.  Segments are written into a buffer as they come, because the text and the duration stand before them. */
#include <math.h>
#include <string.h>

#include "base/json_writer.h"
#include "bin/output.h"
#include "bin/output/text.h"

enum { SEEK_PER_S = 100 };

static int add_number(struct buffer *b, const char *before, double value, int decimals)
{
    int rc = buffer_puts(b, before);
    return rc == 0 ? json_write_number(b, value, decimals) : rc;
}

static int add_ints(struct buffer *b, const char *before, const int *values, int n)
{
    int rc = buffer_puts(b, before);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = buffer_printf(b, i > 0 ? ", %d" : "%d", values[i]);
    return rc == 0 ? buffer_puts(b, "]") : rc;
}

static int add_word(struct buffer *b, const struct linnet_word *word, int is_first)
{
    int rc = buffer_puts(b, is_first ? "{\"word\": " : ", {\"word\": ");
    THEN(json_write_text(b, word->text));
    THEN(add_number(b, ", \"start\": ", word->start_s, 3));
    THEN(add_number(b, ", \"end\": ", word->end_s, 3));
    THEN(add_number(b, ", \"probability\": ", (double)word->probability, 4));
    THEN(add_number(b, ", \"confidence\": ", (double)word->confidence, 4));
    THEN(buffer_puts(b, "}"));
    return rc;
}

/* What openai-whisper tells of a segment's window. */
static int add_window(struct buffer *b, const linnet_event *event)
{
    const struct linnet_window *w = event->window;
    int rc = add_number(b, ", \"temperature\": ", w->temperature, 6);
    THEN(add_number(b, ", \"avg_logprob\": ", event->logprob, 6));
    THEN(add_number(b, ", \"compression_ratio\": ", w->compression_ratio, 16)); /* all of it */
    THEN(add_number(b, ", \"no_speech_prob\": ", event->no_speech, 12));
    return rc;
}

static int add_segment(struct buffer *b, const linnet_event *event, int i_segment)
{
    int rc = buffer_printf(b, "%s{\"id\": %d", i_segment > 0 ? ", " : "", i_segment);
    if (event->window != NULL)
        THEN(buffer_printf(b, ", \"seek\": %lld", llrint(event->window->start_s * SEEK_PER_S)));
    THEN(add_number(b, ", \"start\": ", event->start_s, 3));
    THEN(add_number(b, ", \"end\": ", event->end_s, 3));
    THEN(buffer_puts(b, ", \"text\": "));
    THEN(json_write_text(b, event->text));
    THEN(add_ints(b, ", \"tokens\": [", event->tokens, event->n_tokens));
    if (event->window != NULL)
        THEN(add_window(b, event));
    THEN(add_number(b, ", \"logprob\": ", event->logprob, 6));
    THEN(add_number(b, ", \"confidence\": ", (double)event->confidence, 4));
    THEN(add_number(b, ", \"no_speech\": ", event->no_speech, 6));
    THEN(buffer_puts(b, ", \"words\": ["));
    for (int i = 0; rc == 0 && i < event->n_words; i++)
        rc = add_word(b, &event->words[i], i == 0);
    THEN(buffer_puts(b, "]}"));
    return rc;
}

static int add_hypothesis(struct buffer *b, const struct linnet_hypothesis *h, int i_segment)
{
    int rc = buffer_printf(b, "%s{\"segment\": %d, \"text\": ", b->n > 0 ? ", " : "", i_segment);
    THEN(json_write_text(b, h->text));
    THEN(add_ints(b, ", \"tokens\": [", h->tokens, h->n_tokens));
    THEN(add_number(b, ", \"score\": ", h->score, 6));
    THEN(buffer_puts(b, ", \"times\": ["));
    for (int i = 0; rc == 0 && h->times_s != NULL && i < h->n_tokens; i++)
        rc = add_number(b, i > 0 ? ", " : "", h->times_s[i], 3);
    THEN(buffer_puts(b, "]}"));
    return rc;
}

static int segment(struct output *o, const linnet_event *event)
{
    const char *text = event->text + (o->text.n == 0 ? strspn(event->text, " ") : 0);
    int rc = text_needs_space(buffer_text(&o->text), o->text.n, text) ? buffer_puts(&o->text, " ") : 0;
    THEN(buffer_puts(&o->text, text));
    THEN(add_segment(&o->segments, event, o->n_segments));
    for (int i = 0; rc == 0 && i < event->n_nbest; i++)
        rc = add_hypothesis(&o->nbest, &event->nbest[i], o->n_segments);
    return rc;
}

static int end(struct output *o, double duration_s)
{
    int rc = buffer_puts(&o->out, "{\"file\": ");
    THEN(json_write_text(&o->out, o->file));
    THEN(add_number(&o->out, ", \"duration\": ", duration_s, 3));
    THEN(buffer_puts(&o->out, ", \"language\": "));
    THEN(json_write_text(&o->out, o->language));
    THEN(buffer_puts(&o->out, ", \"text\": "));
    THEN(json_write_string(&o->out, buffer_text(&o->text), o->text.n));
    THEN(buffer_puts(&o->out, ", \"segments\": ["));
    THEN(buffer_append(&o->out, buffer_text(&o->segments), o->segments.n));
    THEN(buffer_puts(&o->out, "], \"nbest\": ["));
    THEN(buffer_append(&o->out, buffer_text(&o->nbest), o->nbest.n));
    THEN(buffer_puts(&o->out, "]}\n"));
    return rc;
}

const struct output_format json_output = {.name = "json", .segment = segment, .end = end};
