/* SPDX-License-Identifier: Apache-2.0
 * cues.c - from segments to cues: one for each, one for each word, or as many as its text fills.
 *
 * In the last case text is collected, across segments, until a sentence or a pause ends; then it is cut.  Two cues are
 * held back: where the last one ends depends on where the next one starts, and where that leaves it too short, it takes
 * from the one before it. */
#include "bin/output/cues.h"

#include <string.h>

#include "base/mem.h"
#include "bin/output/layout.h"
#include "bin/output/text.h"

#define PAUSE_S 0.75 /* that parts cues */
#define LEAST_OF_WORD_S 0.02

struct cue {
    double start_s, end_s;
    struct buffer text;
};

struct cues {
    const struct cue_style *style;
    double least_s; /* how long a cue should be shown */
    int is_cut;     /* into cues that fit the layout */
    struct pieces pieces;
    int i_piece;        /* pieces before it are no place to end a cue for sure */
    struct cue held[2]; /* [n_held] in order */
    int n_held, n_written;
};

/* ---- settled cues ---- */

/* "-->" must not be in a text: "->", as OpenAI's Whisper writes it. */
static void shorten_arrows(struct buffer *text)
{
    char *arrow;
    while (text->n > 0 && (arrow = strstr(text->data, "-->")) != NULL) {
        memmove(arrow, arrow + 1, strlen(arrow));
        text->n--;
    }
}

static int write_first(struct output *o)
{
    struct cues *c = o->cues;
    struct cue *cue = &c->held[0];
    int rc = c->style->is_numbered ? buffer_printf(&o->out, "%d\n", ++c->n_written) : 0;
    if (rc == 0)
        rc = text_append_time(&o->out, cue->start_s, c->style->has_hours, c->style->point);
    if (rc == 0)
        rc = buffer_puts(&o->out, " --> ");
    if (rc == 0)
        rc = text_append_time(&o->out, cue->end_s, c->style->has_hours, c->style->point);
    if (rc == 0)
        rc = buffer_printf(&o->out, "\n%s\n\n", buffer_text(&cue->text));
    buffer_free(&cue->text);
    c->held[0] = c->held[1];
    c->held[1] = (struct cue){0};
    c->n_held--;
    return rc;
}

/* The last cue ends before next_s.  One that is too short is shown longer; then earlier, where nothing is shown or the
 * cue before it can spare the time. */
static void settle_last(struct cues *c, double next_s)
{
    struct cue *last = &c->held[c->n_held - 1], *before = c->n_held > 1 ? last - 1 : NULL;
    if (last->end_s < last->start_s + c->least_s)
        last->end_s = last->start_s + c->least_s;
    if (last->end_s > next_s)
        last->end_s = next_s;
    const double lack_s = c->least_s - (last->end_s - last->start_s);
    double from_s = before == NULL                                 ? 0
                    : before->end_s - before->start_s > c->least_s ? before->start_s + c->least_s
                                                                   : before->end_s;
    if (lack_s > 0 && from_s < last->start_s)
        last->start_s = last->start_s - lack_s > from_s ? last->start_s - lack_s : from_s;
    if (last->end_s < last->start_s)
        last->end_s = last->start_s;
    if (before != NULL && before->end_s > last->start_s)
        before->end_s = last->start_s;
}

/* Holds the cue, whose text it takes over, back. */
static int hold(struct output *o, struct cue *cue)
{
    struct cues *c = o->cues;
    int rc = 0;
    if (c->n_held > 0) {
        double last_s = c->held[c->n_held - 1].start_s + LEAST_OF_WORD_S;
        cue->start_s = cue->start_s > last_s ? cue->start_s : last_s;
        settle_last(c, cue->start_s);
    }
    cue->end_s = cue->end_s > cue->start_s ? cue->end_s : cue->start_s;
    if (c->n_held == 2)
        rc = write_first(o);
    c->held[c->n_held++] = *cue;
    return rc;
}

/* ---- a cue for each segment or word ---- */

static int add_text(struct output *o, double start_s, double end_s, const char *text)
{
    struct cue cue = {.start_s = start_s, .end_s = end_s};
    if (text_is_blank(text))
        return 0;
    int rc = text_append(&cue.text, text);
    if (rc < 0) {
        buffer_free(&cue.text);
        return rc;
    }
    shorten_arrows(&cue.text);
    return hold(o, &cue);
}

static int add_segment(struct output *o, const linnet_event *event)
{
    const struct linnet_word *words = event->words;
    int n = event->n_words, rc = 0;
    if (n == 0)
        return add_text(o, event->start_s, event->end_s, event->text);
    if (!o->options.word_cues)
        return add_text(o, words[0].start_s, words[n - 1].end_s, event->text);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_text(o, words[i].start_s, words[i].end_s, words[i].text);
    return rc;
}

/* ---- cues that fit ---- */

static int add_cue(struct output *o, int first, int last)
{
    const struct pieces *p = &o->cues->pieces;
    struct cue cue = {.start_s = p->at[first].start_s, .end_s = p->at[last - 1].end_s};
    int ends[LAYOUT_MOST], n = layout_lines(&o->options.layout, p, first, last, ends), rc = 0;
    if (cue.end_s > cue.start_s + LAYOUT_LONGEST_S) /* a few words, the last of which is rarely that long */
        cue.end_s = cue.start_s + LAYOUT_LONGEST_S;
    for (int i = 0; rc == 0 && i < n; i++) {
        rc = i > 0 ? buffer_puts(&cue.text, "\n") : 0;
        if (rc == 0)
            rc = pieces_write(p, i > 0 ? ends[i - 1] : first, ends[i], &cue.text);
    }
    if (rc < 0) {
        buffer_free(&cue.text);
        return rc;
    }
    shorten_arrows(&cue.text);
    return hold(o, &cue);
}

/* The first n pieces, after which a cue ends. */
static int add_pieces(struct output *o, int n)
{
    struct cues *c = o->cues;
    int ends[LAYOUT_MOST], n_cues = layout_cues(&o->options.layout, &c->pieces, n, ends), rc = 0;
    for (int i = 0; rc == 0 && i < n_cues; i++)
        rc = add_cue(o, i > 0 ? ends[i - 1] : 0, ends[i]);
    pieces_drop(&c->pieces, n);
    c->i_piece = 0;
    return rc;
}

static int ends_cue(const struct pieces *p, int i)
{
    double pause_s = p->at[i + 1].start_s - p->at[i].end_s, so_far_s = p->at[i].end_s - p->at[0].start_s;
    return i + 1 == LAYOUT_MOST || pause_s >= PAUSE_S ||
           (so_far_s >= LAYOUT_LEAST_S && pieces_break(p, i) == PIECE_SENTENCE);
}

static int add_and_cut(struct output *o, const linnet_event *event)
{
    struct cues *c = o->cues;
    struct pieces *p = &c->pieces;
    int widest = o->options.layout.columns, rc = 0;
    p->is_spaced |= text_needs_space(buffer_text(&p->text), p->text.n, event->text);
    if (event->n_words == 0)
        rc = pieces_add(p, event->text, event->start_s, event->end_s, widest);
    for (int i = 0; rc == 0 && i < event->n_words; i++)
        rc = pieces_add(p, event->words[i].text, event->words[i].start_s, event->words[i].end_s, widest);
    pieces_end_segment(p);
    while (rc == 0 && c->i_piece + 1 < p->n)
        if (ends_cue(p, c->i_piece))
            rc = add_pieces(o, c->i_piece + 1);
        else
            c->i_piece++;
    return rc;
}

/* ---- all ---- */

int cues_begin(struct output *o, const struct cue_style *style)
{
    o->cues = mem_array(1, sizeof *o->cues);
    if (o->cues == NULL)
        return LINNET_E_MEMORY;
    o->cues->style = style;
    o->cues->least_s = o->options.word_cues ? LEAST_OF_WORD_S : LAYOUT_LEAST_S;
    o->cues->is_cut = !o->options.word_cues && o->options.layout.columns > 0;
    return 0;
}

int cues_add(struct output *o, const linnet_event *event)
{
    return o->cues->is_cut ? add_and_cut(o, event) : add_segment(o, event);
}

int cues_end(struct output *o, double duration_s)
{
    struct cues *c = o->cues;
    int rc = c->pieces.n > 0 ? add_pieces(o, c->pieces.n) : 0;
    if (c->n_held > 0)
        settle_last(c, duration_s);
    while (rc == 0 && c->n_held > 0)
        rc = write_first(o);
    return rc;
}

void cues_close(struct cues *c)
{
    if (c == NULL)
        return;
    pieces_free(&c->pieces);
    buffer_free(&c->held[0].text);
    buffer_free(&c->held[1].text);
    mem_free(c);
}
