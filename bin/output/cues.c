/* SPDX-License-Identifier: Apache-2.0
 * cues.c - subtitles as OpenAI's Whisper writes them: text without blanks around it, times rounded to milliseconds. */
#include "bin/output/cues.h"

#include <string.h>

#include "bin/output/text.h"

/* hours:minutes:seconds, point, milliseconds */
static int add_time(struct buffer *out, double s, const struct cue_style *style)
{
    long long ms = text_milliseconds(s), hours = ms / 3600000;
    int rc = style->has_hours || hours > 0 ? buffer_printf(out, "%02lld:", hours) : 0;
    if (rc == 0)
        rc = buffer_printf(out, "%02lld:%02lld%c%03lld", ms / 60000 % 60, ms / 1000 % 60, style->point, ms % 1000);
    return rc;
}

/* Text of a cue: "-->" must not be in it. */
static int add_text(struct buffer *out, const char *text)
{
    size_t from = out->n;
    int rc = text_append(out, text);
    char *arrow;
    while (rc == 0 && out->n > from && (arrow = strstr(out->data + from, "-->")) != NULL) {
        memmove(arrow, arrow + 1, strlen(arrow)); /* "->", as OpenAI's Whisper writes it */
        out->n--;
    }
    return rc == 0 ? buffer_puts(out, "\n\n") : rc;
}

static int add_cue(struct output *o, double start_s, double end_s, const char *text, const struct cue_style *style)
{
    if (text_is_blank(text))
        return 0;
    o->n_cues++;
    int rc;
    if ((style->is_numbered && (rc = buffer_printf(&o->out, "%d\n", o->n_cues)) < 0) ||
        (rc = add_time(&o->out, start_s, style)) < 0 || (rc = buffer_puts(&o->out, " --> ")) < 0 ||
        (rc = add_time(&o->out, end_s, style)) < 0 || (rc = buffer_puts(&o->out, "\n")) < 0)
        return rc;
    return add_text(&o->out, text);
}

int cues_append(struct output *o, const linnet_event *event, const struct cue_style *style)
{
    const struct linnet_word *words = event->words;
    int n = event->n_words, rc = 0;
    if (n == 0)
        return add_cue(o, event->start_s, event->end_s, event->text, style);
    if (!o->options.word_cues)
        return add_cue(o, words[0].start_s, words[n - 1].end_s, event->text, style);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_cue(o, words[i].start_s, words[i].end_s, words[i].text, style);
    return rc;
}
