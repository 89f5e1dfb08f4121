/* SPDX-License-Identifier: Apache-2.0
 * output.c - result writers: plain text, subtitles, tables.
 *
 * Subtitles and tables are written as openai-whisper's writers do it: text without space around it, times rounded to
 * milliseconds, hours in SRT always and in WebVTT from one hour on; where there are word times a cue runs from its
 * first word to its last. */
#include "bin/output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "bin/output_json.h"

/* Appends text without blanks around it and with what would break the format replaced: a tab, a line end, an arrow. */
static int add_text(struct buffer *out, const char *text)
{
    size_t n = strlen(text), from = out->n;
    while (n > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        n--;
    }
    while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
        n--;
    int rc = utf8_append(out, text, n);
    for (size_t i = from; rc == 0 && i < out->n; i++)
        if (strchr("\t\r\n", out->data[i]) != NULL)
            out->data[i] = ' ';
    return rc;
}

static int is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static int txt_segment(struct output *o, const linnet_event *event)
{
    int rc = is_blank(event->text) ? 0 : add_text(&o->out, event->text);
    return rc == 0 && !is_blank(event->text) ? buffer_puts(&o->out, "\n") : rc;
}

static long long milliseconds(double s)
{
    return s > 0 && s < 1e12 ? llrint(s * 1000) : 0;
}

/* hours:minutes:seconds, mark, milliseconds */
static int add_time(struct buffer *out, double s, int hours_always, char mark)
{
    long long ms = milliseconds(s), hours = ms / 3600000;
    int rc = hours_always || hours > 0 ? buffer_printf(out, "%02lld:", hours) : 0;
    if (rc == 0)
        rc = buffer_printf(out, "%02lld:%02lld%c%03lld", ms / 60000 % 60, ms / 1000 % 60, mark, ms % 1000);
    return rc;
}

/* Text of a cue: "-->" must not be in it. */
static int add_cue_text(struct buffer *out, const char *text)
{
    size_t from = out->n;
    int rc = add_text(out, text);
    char *arrow;
    while (rc == 0 && out->n > from && (arrow = strstr(out->data + from, "-->")) != NULL) {
        memmove(arrow, arrow + 1, strlen(arrow)); /* "->", as openai-whisper writes it */
        out->n--;
    }
    return rc == 0 ? buffer_puts(out, "\n\n") : rc;
}

static int add_cue(struct output *o, double start_s, double end_s, const char *text, int is_srt)
{
    char mark = is_srt ? ',' : '.';
    int rc = 0;
    if (is_blank(text))
        return 0;
    o->n_cues++;
    if (is_srt)
        rc = buffer_printf(&o->out, "%d\n", o->n_cues);
    if (rc == 0)
        rc = add_time(&o->out, start_s, is_srt, mark);
    if (rc == 0)
        rc = buffer_puts(&o->out, " --> ");
    if (rc == 0)
        rc = add_time(&o->out, end_s, is_srt, mark);
    if (rc == 0)
        rc = buffer_puts(&o->out, "\n");
    return rc == 0 ? add_cue_text(&o->out, text) : rc;
}

static int add_cues(struct output *o, const linnet_event *event, int is_srt)
{
    const struct linnet_word *words = event->words;
    int n = event->n_words, rc = 0;
    if (n == 0)
        return add_cue(o, event->start_s, event->end_s, event->text, is_srt);
    if (!o->options.word_cues)
        return add_cue(o, words[0].start_s, words[n - 1].end_s, event->text, is_srt);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = add_cue(o, words[i].start_s, words[i].end_s, words[i].text, is_srt);
    return rc;
}

static int srt_segment(struct output *o, const linnet_event *event)
{
    return add_cues(o, event, 1);
}

static int vtt_begin(struct output *o)
{
    return buffer_puts(&o->out, "WEBVTT\n\n");
}

static int vtt_segment(struct output *o, const linnet_event *event)
{
    return add_cues(o, event, 0);
}

static int tsv_begin(struct output *o)
{
    return buffer_puts(&o->out, "start\tend\ttext\n");
}

static int tsv_segment(struct output *o, const linnet_event *event)
{
    int rc = buffer_printf(&o->out, "%lld\t%lld\t", milliseconds(event->start_s), milliseconds(event->end_s));
    if (rc == 0)
        rc = add_text(&o->out, event->text);
    return rc == 0 ? buffer_puts(&o->out, "\n") : rc;
}

/* file channel start duration word confidence; blanks inside of names and words would make further columns. */
static int ctm_segment(struct output *o, const linnet_event *event)
{
    char stem[256];
    int rc = 0;
    output_stem(o->file, stem, sizeof stem);
    for (char *at = stem; *at != '\0'; at++)
        if (strchr(" \t\r\n", *at) != NULL)
            *at = '_';
    for (int i = 0; rc == 0 && i < event->n_words; i++) {
        const struct linnet_word *w = &event->words[i];
        if (is_blank(w->text))
            continue;
        double duration_s = w->end_s > w->start_s ? w->end_s - w->start_s : 0;
        rc = buffer_printf(&o->out, "%s 1 %.3f %.3f ", stem, w->start_s, duration_s);
        size_t from = o->out.n;
        if (rc == 0)
            rc = add_text(&o->out, w->text);
        for (size_t k = from; rc == 0 && k < o->out.n; k++)
            if (o->out.data[k] == ' ')
                o->out.data[k] = '_';
        if (rc == 0)
            rc = buffer_printf(&o->out, " %.4f\n", (double)w->confidence);
    }
    return rc;
}

static const struct output_format formats[] = {
    {"txt", 0, NULL, txt_segment, NULL},      {"json", 0, NULL, output_json_segment, output_json_end},
    {"srt", 0, NULL, srt_segment, NULL},      {"vtt", 0, vtt_begin, vtt_segment, NULL},
    {"tsv", 0, tsv_begin, tsv_segment, NULL}, {"ctm", 1, NULL, ctm_segment, NULL},
};

const struct output_format *output_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

static int failed(const struct output *o, int rc, struct message *msg)
{
    return rc == LINNET_E_MEMORY ? fail_memory(msg) : rc < 0 ? fail(msg, rc, "%s: too much text", o->file) : 0;
}

int output_open(struct output *o, const char *format, const char *file, const struct output_options *options,
                struct message *msg)
{
    const struct output_format *found = output_format_find(format);
    if (found == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "format '%s' is not one of %s", format, OUTPUT_FORMATS);
    *o = (struct output){.format = found, .file = file};
    if (options != NULL)
        o->options = *options;
    return failed(o, found->begin != NULL ? found->begin(o) : 0, msg);
}

int output_segment(struct output *o, const linnet_event *event, struct message *msg)
{
    o->n_words += event->n_words;
    /* A later segment may have none: where the last word of the one before goes on into it. */
    if (o->format->needs_word_times && o->n_words == 0 && !is_blank(event->text))
        return fail(msg, LINNET_E_UNSUPPORTED, "%s: format %s needs word times", o->file, o->format->name);
    if (o->language[0] == '\0' && event->language != NULL)
        snprintf(o->language, sizeof o->language, "%s", event->language);
    int rc = o->format->segment != NULL ? o->format->segment(o, event) : 0;
    o->n_segments++;
    return failed(o, rc, msg);
}

int output_end(struct output *o, double duration_s, struct message *msg)
{
    return failed(o, o->format->end != NULL ? o->format->end(o, duration_s) : 0, msg);
}

void output_stem(const char *file, char *stem, size_t size)
{
    const char *slash = strrchr(file, '/');
    const char *name = strcmp(file, "-") == 0 ? "stdin" : slash != NULL && slash[1] != '\0' ? slash + 1 : file;
    const char *dot = strrchr(name, '.');
    size_t n = dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name);
    snprintf(stem, size, "%.*s", (int)(n < size ? n : size - 1), name);
}

int output_save(const struct output *o, const char *dir, struct message *msg)
{
    char stem[256], name[300], path[FILE_MAX_PATH];
    output_stem(o->file, stem, sizeof stem);
    snprintf(name, sizeof name, "%s.%s", stem, o->format->name);
    int rc;
    if ((rc = file_make_folder(dir, msg)) < 0 || (rc = file_in(path, dir, name, msg)) < 0)
        return rc;
    return file_write(path, buffer_text(&o->out), o->out.n, msg);
}

void output_close(struct output *o)
{
    buffer_free(&o->out);
    buffer_free(&o->text);
    buffer_free(&o->segments);
    buffer_free(&o->nbest);
}
