/* SPDX-License-Identifier: Apache-2.0
 * event_dump.h - everything that a stream says, as text with every bit of its numbers, for comparisons. */
#ifndef LINNET_TESTS_SUPPORT_EVENT_DUMP_H
#define LINNET_TESTS_SUPPORT_EVENT_DUMP_H

#include "base/buffer.h"
#include "linnet.h"

static inline int event_dump(struct buffer *out, const linnet_event *e)
{
    int rc = buffer_printf(out, "%d %a %a '%s' %zu %s %a %a %a:", (int)e->type, e->start_s, e->end_s,
                           e->text != NULL ? e->text : "", e->committed, e->language != NULL ? e->language : "",
                           e->logprob, e->no_speech, (double)e->confidence);
    for (int i = 0; i < e->n_tokens && rc == 0; i++)
        rc = buffer_printf(out, " %d", e->tokens[i]);
    for (int i = 0; i < e->n_words && rc == 0; i++)
        rc = buffer_printf(out, " [%s %a %a %a]", e->words[i].text, e->words[i].start_s, e->words[i].end_s,
                           (double)e->words[i].confidence);
    for (int i = 0; i < e->n_nbest && rc == 0; i++) {
        const struct linnet_hypothesis *h = &e->nbest[i];
        rc = buffer_printf(out, " {%s %d %a", h->text, h->n_tokens, h->score);
        for (int k = 0; k < h->n_tokens && h->times_s != NULL && rc == 0; k++)
            rc = buffer_printf(out, " %a", h->times_s[k]);
        if (rc == 0)
            rc = buffer_puts(out, "}");
    }
    return rc == 0 ? buffer_puts(out, "\n") : rc;
}

/* Appends all events that are ready. */
static inline int event_dump_ready(struct buffer *out, linnet_stream *s)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(s, &e)) > 0)
        if ((rc = event_dump(out, &e)) < 0)
            return rc;
    return rc;
}

/* Feeds samples [n] in pieces, finishes, appends all events. */
static inline int event_dump_run(struct buffer *out, linnet_stream *s, const float *samples, size_t n, size_t piece)
{
    int rc = 0;
    for (size_t at = 0; at < n && rc >= 0; at += piece) {
        rc = linnet_stream_feed(s, samples + at, n - at < piece ? n - at : piece);
        if (rc >= 0)
            rc = event_dump_ready(out, s);
    }
    if (rc >= 0)
        rc = linnet_stream_finish(s);
    return rc >= 0 ? event_dump_ready(out, s) : rc;
}

#endif
