/* SPDX-License-Identifier: Apache-2.0
 * openai_reply.c - the text of a recording in the form that was asked for: at its end, or as server-sent events.
 *
 * All but openai_job_start and openai_job_free is called by a thread that decodes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/mem.h"
#include "serve/files.h"
#include "serve/openai.h"
#include "serve/server.h"

static int checked(int rc, struct message *msg)
{
    return rc == LINNET_E_MEMORY ? fail_memory(msg) : rc < 0 ? fail(msg, rc, "too much text for a reply") : 0;
}

static int add_text(struct buffer *out, const char *before, const char *text, size_t n)
{
    int rc = buffer_puts(out, before);
    return rc == 0 ? json_write_string(out, text, n) : rc;
}

static int add_number(struct buffer *out, const char *before, double value, int decimals)
{
    int rc = buffer_puts(out, before);
    return rc == 0 ? json_write_number(out, value, decimals) : rc;
}

/* ---- what is decoded ---- */

static int add_word(struct buffer *out, const struct linnet_word *w)
{
    const char *text = w->text + strspn(w->text, " ");
    int rc = add_text(out, out->n > 0 ? ",{\"word\":" : "{\"word\":", text, strlen(text));
    THEN(add_number(out, ",\"start\":", w->start_s, 3));
    THEN(add_number(out, ",\"end\":", w->end_s, 3));
    THEN(add_number(out, ",\"probability\":", (double)w->probability, 4));
    THEN(add_number(out, ",\"confidence\":", (double)w->confidence, 4));
    THEN(buffer_puts(out, "}"));
    return rc;
}

static int add_logprob(struct buffer *out, const struct linnet_word *w)
{
    int rc = add_text(out, out->n > 0 ? ",{\"token\":" : "{\"token\":", w->text, strlen(w->text));
    THEN(buffer_puts(out, ",\"bytes\":["));
    for (const char *at = w->text; *at != '\0' && rc == 0; at++)
        rc = buffer_printf(out, at > w->text ? ",%d" : "%d", (unsigned char)*at);
    THEN(add_number(out, "],\"logprob\":", log(fmax((double)w->probability, 1e-9)), 6));
    THEN(buffer_puts(out, "}"));
    return rc;
}

/* ---- server-sent events ---- */

/* Sends what `event` holds, as one event, and empties it. */
static int send_event(struct openai_job *j, struct buffer *event, struct message *msg)
{
    struct request *r = j->request;
    int rc = checked(buffer_puts(event, "\n\n"), msg);
    if (rc >= 0 && !atomic_load(&r->is_answered) && (rc = request_header(r, "cache-control", "no-cache", msg)) >= 0)
        rc = request_begin(r, 200, "text/event-stream; charset=utf-8", msg);
    if (rc >= 0)
        rc = request_put(r, event->data, event->n, msg);
    buffer_free(event);
    return rc;
}

static int add_logprobs(struct buffer *out, const struct openai_job *j, size_t from)
{
    if (!j->form.has_logprobs)
        return 0;
    from += from > 0 && from < j->logprobs.n; /* a comma */
    int rc = buffer_puts(out, ",\"logprobs\":[");
    THEN(buffer_append(out, buffer_text(&j->logprobs) + from, j->logprobs.n - from));
    THEN(buffer_puts(out, "]"));
    return rc;
}

/* The text that has come since the last one: put together, deltas are the text. */
static int send_delta(struct openai_job *j, size_t logprobs_from, struct message *msg)
{
    const struct buffer *text = &j->output.text;
    struct buffer event = {0};
    if (text->n == j->n_told)
        return LINNET_OK;
    int rc = add_text(&event, "data: {\"type\":\"transcript.text.delta\",\"delta\":", text->data + j->n_told,
                      text->n - j->n_told);
    THEN(add_logprobs(&event, j, logprobs_from));
    THEN(buffer_puts(&event, "}"));
    j->n_told = text->n;
    return rc == 0 ? send_event(j, &event, msg) : checked(rc, msg);
}

/* The segment that begins at `from` of the segments, with its words, as the API tells those of diarized_json. */
static int send_segment(struct openai_job *j, size_t from, struct message *msg)
{
    const char *segment = strchr(buffer_text(&j->output.segments) + from, '{');
    struct buffer event = {0};
    if (segment == NULL)
        return LINNET_OK;
    int rc = buffer_puts(&event, "data: {\"type\":\"transcript.text.segment\",");
    THEN(buffer_puts(&event, segment + 1));
    return rc == 0 ? send_event(j, &event, msg) : checked(rc, msg);
}

static int send_done(struct openai_job *j, double audio_s, struct message *msg)
{
    struct buffer event = {0};
    int rc = add_text(&event, "data: {\"type\":\"transcript.text.done\",\"text\":", buffer_text(&j->output.text),
                      j->output.text.n);
    THEN(add_logprobs(&event, j, 0));
    if (j->form.format == OPENAI_VERBOSE_JSON) {
        THEN(add_text(&event, ",\"language\":", j->language, strlen(j->language)));
        THEN(add_number(&event, ",\"duration\":", audio_s, 3));
    }
    THEN(buffer_puts(&event, "}"));
    return rc == 0 ? send_event(j, &event, msg) : checked(rc, msg);
}

/* ---- what the recording tells ---- */

static int take_event(void *arg, const linnet_event *e, struct message *msg)
{
    static const struct linnet_window none = {.size = sizeof none, .language_name = ""};
    struct openai_job *j = arg;
    linnet_event whole = *e; /* clients read the fields of a window whether the decoder has windows or not */
    size_t logprobs_from = j->logprobs.n, segments_from = j->output.segments.n;
    if (e->type != LINNET_EVENT_FINAL)
        return LINNET_OK;
    whole.window = e->window != NULL ? e->window : &none;
    int rc = output_segment(&j->output, &whole, msg);
    if (rc < 0)
        return rc;
    for (int i = 0; i < e->n_words; i++) {
        THEN(j->form.has_words ? add_word(&j->words, &e->words[i]) : 0);
        THEN(j->form.has_logprobs ? add_logprob(&j->logprobs, &e->words[i]) : 0);
    }
    if (j->language[0] == '\0')
        snprintf(j->language, sizeof j->language, "%s",
                 whole.window->language_name[0] != '\0' ? whole.window->language_name : j->output.language);
    if (rc < 0)
        return checked(rc, msg);
    if (!j->form.is_stream || (rc = send_delta(j, logprobs_from, msg)) < 0)
        return rc;
    return j->form.format == OPENAI_VERBOSE_JSON ? send_segment(j, segments_from, msg) : LINNET_OK;
}

static void take_progress(void *arg, double fed_s, double length_s)
{
    struct openai_job *j = arg;
    struct buffer event = {0};
    if (!j->form.has_progress)
        return;
    int rc = add_number(&event, "data: {\"type\":\"transcript.progress\",\"seconds\":", fed_s, 3);
    THEN(add_number(&event, ",\"duration\":", length_s, 3));
    THEN(buffer_puts(&event, "}"));
    if (rc < 0 || send_event(j, &event, NULL) < 0)
        buffer_free(&event); /* somebody who does not read is found out by the text */
}

static void tell_failure(struct openai_job *j, int code, const char *why)
{
    int status = request_status_of(code);
    const char *param = code == LINNET_E_AUDIO || code == LINNET_E_FORMAT ? "file" : NULL;
    struct message msg;
    struct buffer event = {0};
    if (!atomic_load(&j->request->is_answered)) {
        if (request_refuse(j->request, status, NULL, param, why, &msg) < 0)
            request_end(j->request);
        return;
    }
    int rc = buffer_puts(&event, "data: ");
    THEN(request_write_error(&event, status, NULL, param, why));
    if (rc < 0 || send_event(j, &event, &msg) < 0)
        buffer_free(&event);
    request_end(j->request);
}

/* ---- whole replies ---- */

static int write_json(const struct openai_job *j, double audio_s, struct buffer *out)
{
    int rc = add_text(out, "{\"text\":", buffer_text(&j->output.text), j->output.text.n);
    THEN(add_logprobs(out, j, 0));
    THEN(add_number(out, ",\"usage\":{\"type\":\"duration\",\"seconds\":", ceil(audio_s), 0));
    THEN(buffer_puts(out, "}}\n"));
    return rc;
}

static int add_items(struct buffer *out, const char *before, const struct buffer *items)
{
    int rc = buffer_puts(out, before);
    THEN(buffer_append(out, buffer_text(items), items->n));
    THEN(buffer_puts(out, "]"));
    return rc;
}

static int write_verbose_json(const struct openai_job *j, double audio_s, struct buffer *out)
{
    int is_translated = strcmp(j->task, "translate") == 0;
    const char *language = is_translated ? "english" : j->language;
    int rc = add_text(out, "{\"task\":", j->task, strlen(j->task));
    THEN(add_text(out, ",\"language\":", language, strlen(language)));
    THEN(add_number(out, ",\"duration\":", audio_s, 3));
    THEN(add_text(out, ",\"text\":", buffer_text(&j->output.text), j->output.text.n));
    if (j->form.has_segments)
        THEN(add_items(out, ",\"segments\":[", &j->output.segments));
    if (j->form.has_words)
        THEN(add_items(out, ",\"words\":[", &j->words));
    THEN(add_number(out, ",\"usage\":{\"type\":\"duration\",\"seconds\":", ceil(audio_s), 0));
    THEN(buffer_puts(out, "}}\n"));
    return rc;
}

static int write_text(const struct openai_job *j, struct buffer *out)
{
    int rc = buffer_append(out, buffer_text(&j->output.text), j->output.text.n);
    return rc == 0 ? buffer_puts(out, "\n") : rc;
}

static int reply(struct openai_job *j, double audio_s, struct message *msg)
{
    static const char *const types[] = {
        [OPENAI_JSON] = "application/json",         [OPENAI_TEXT] = "text/plain; charset=utf-8",
        [OPENAI_SRT] = "text/plain; charset=utf-8", [OPENAI_VTT] = "text/vtt; charset=utf-8",
        [OPENAI_VERBOSE_JSON] = "application/json",
    };
    struct buffer body = {0};
    enum openai_format format = j->form.format;
    int rc, is_cues = format == OPENAI_SRT || format == OPENAI_VTT;
    if (is_cues && (rc = output_end(&j->output, audio_s, msg)) < 0)
        return rc;
    rc = is_cues                         ? 0
         : format == OPENAI_JSON         ? write_json(j, audio_s, &body)
         : format == OPENAI_VERBOSE_JSON ? write_verbose_json(j, audio_s, &body)
                                         : write_text(j, &body);
    const struct buffer *out = is_cues ? &j->output.out : &body;
    rc = rc < 0 ? checked(rc, msg) : request_reply(j->request, 200, types[format], out->data, out->n, msg);
    buffer_free(&body);
    return rc;
}

static void take_end(void *arg, int code, const char *why, const struct linnet_stats *stats)
{
    struct openai_job *j = arg;
    struct message msg;
    if (code < 0) {
        tell_failure(j, code, why);
        return;
    }
    int rc = j->form.is_stream ? send_done(j, stats->audio_s, &msg) : reply(j, stats->audio_s, &msg);
    if (rc < 0)
        tell_failure(j, rc, msg.text);
    else if (j->form.is_stream)
        request_end(j->request);
}

static void take_release(void *arg)
{
    struct openai_job *j = arg;
    request_let_go(j->request);
}

/* ---- the job ---- */

int openai_job_start(struct openai_job *j, struct serve_model *model, struct message *msg)
{
    static const struct output_options options = {.layout = {.columns = 42, .lines = 2}}; /* as transcribe has them */
    const struct file_sink sink = {take_event, take_progress, take_end, take_release, j};
    const struct openai_form *f = &j->form;
    int is_cues = f->format == OPENAI_SRT || f->format == OPENAI_VTT;
    const struct serve_request wish = {.model = model,
                                       .language = f->language,
                                       .task = j->task,
                                       .decoder = f->decoder,
                                       .prompt = f->prompt,
                                       .temperature = f->temperature,
                                       .word_times = is_cues || f->has_words || f->has_logprobs};
    int rc = output_open(&j->output, !is_cues ? "json" : f->format == OPENAI_SRT ? "srt" : "vtt", "", &options, msg);
    if (rc < 0)
        return rc;
    request_hold(j->request);
    int fd = upload_take_file(j->upload);
    rc = files_add(&j->file, j->request->server->files, &wish, fd, &sink, msg);
    if (rc < 0)
        request_let_go(j->request);
    return rc;
}

void openai_job_free(struct openai_job *j)
{
    if (j == NULL)
        return;
    output_close(&j->output);
    buffer_free(&j->words);
    buffer_free(&j->logprobs);
    upload_close(j->upload);
    mem_free(j);
}
