/* SPDX-License-Identifier: Apache-2.0
 * ctm.c - NIST's time-marked conversation: "recording channel start duration word confidence", a line for each word. */
#include <string.h>

#include "bin/output.h"
#include "bin/output/text.h"

/* Blanks inside of names and words would make further columns. */
static void fill_blanks(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strchr(" \t\r\n", text[i]) != NULL)
            text[i] = '_';
}

static int add_word(struct buffer *out, const char *stem, const struct linnet_word *w)
{
    double duration_s = w->end_s > w->start_s ? w->end_s - w->start_s : 0;
    int rc = buffer_printf(out, "%s 1 %.3f %.3f ", stem, w->start_s, duration_s);
    size_t from = out->n;
    if (rc < 0 || (rc = text_append(out, w->text)) < 0)
        return rc;
    fill_blanks(out->data + from, out->n - from);
    return buffer_printf(out, " %.4f\n", (double)w->confidence);
}

static int segment(struct output *o, const linnet_event *event)
{
    char stem[256];
    int rc = 0;
    output_stem(o->file, stem, sizeof stem);
    fill_blanks(stem, strlen(stem));
    for (int i = 0; rc == 0 && i < event->n_words; i++)
        if (!text_is_blank(event->words[i].text))
            rc = add_word(&o->out, stem, &event->words[i]);
    return rc;
}

const struct output_format ctm_output = {.name = "ctm", .needs_word_times = 1, .segment = segment};
