/* SPDX-License-Identifier: Apache-2.0
 * wyoming.c - the Wyoming protocol, which Home Assistant's voice assistants speak: events over plain TCP.
 *
 *     {"type": ..., "data": {...}, "data_length": N, "payload_length": M}\n, N bytes of JSON, M bytes
 *
 * where the JSON goes on top of "data", and the payload is PCM.  A client says describe, or transcribe, audio-start,
 * audio-chunk and so on, audio-stop, and is sent the transcript; events of another kind are skipped.
 *
 * What comes is decoded as a recording is, not as a live stream: an assistant acts on the whole command, and nobody
 * reads along, so it should have the better words, and a command is one window of Whisper's, encoded once instead of
 * each second.  It waits in the line of live streams, before all files.  After an error the connection ends, since
 * clients wait for a transcript or for that. */
#include "serve/wyoming.h"

#include <stdio.h>
#include <string.h>

#include "serve/client.h"
#include "serve/fields.h"
#include "serve/server.h"
#include "serve/transcript.h"

enum { MOST_LINE = 64 << 10, MOST_DATA = 1 << 20, MOST_PAYLOAD = 64 << 20, MOST_HZ = 1000000 };

struct format {
    int rate_hz, width, n_channels;
};

struct state {
    /* The event that comes: its line, and then its data, are in the client's `incoming`. */
    enum { LINE, DATA, PAYLOAD } part;
    json_t *event;
    int n_data, n_payload; /* bytes to come */
    int is_audio;          /* the payload */
    /* The recording. */
    struct serve_model *model; /* NULL: the default */
    char language[64];
    struct format format;
    int is_stopped;
    struct transcript transcript;
};

/* ---- what is said ---- */

/* Takes data, which may be NULL. */
static int put_event(struct client *c, const char *type, json_t *data, struct message *msg)
{
    struct buffer b = {0};
    char *text = data != NULL ? json_dumps(data, JSON_COMPACT) : NULL;
    int rc = LINNET_OK;
    json_decref(data);
    if (text != NULL)
        rc = buffer_printf(&b, "{\"type\":\"%s\",\"version\":\"%s\",\"data_length\":%zu}\n%s", type, linnet_version(),
                           strlen(text), text);
    if (text == NULL || rc < 0)
        rc = fail_memory(msg);
    else
        rc = client_put(c, b.data, b.n, msg);
    free(text);
    buffer_free(&b);
    return rc;
}

static int put_transcript(struct client *c, const char *text, const char *language, struct message *msg)
{
    json_t *data = json_pack("{so}", "text", fields_string(text, strlen(text)));
    if (data != NULL && language != NULL && *language != '\0')
        json_object_set_new(data, "language", json_string(language));
    return put_event(c, "transcript", data, msg);
}

/* Text as it is found, for clients that show it, and once more as a whole. */
static int take_event(struct client *c, const linnet_event *e, struct message *msg)
{
    struct state *s = c->state;
    const char *news;
    size_t n_news;
    int is_first = s->transcript.n_final == 0, rc;
    if (e->type == LINNET_EVENT_FINAL) {
        if ((rc = transcript_take(&s->transcript, e, &news, &n_news, msg)) < 0 || n_news == 0)
            return rc;
        if (is_first && (rc = put_event(c, "transcript-start", json_object(), msg)) < 0)
            return rc;
        return put_event(c, "transcript-chunk", json_pack("{so}", "text", fields_string(news, n_news)), msg);
    }
    if (e->type != LINNET_EVENT_END)
        return LINNET_OK;
    client_done(c);
    if ((rc = put_transcript(c, transcript_text(&s->transcript), e->language, msg)) >= 0 && !is_first)
        rc = put_event(c, "transcript-stop", json_object(), msg);
    transcript_clear(&s->transcript);
    return rc;
}

static int tell_failure(struct client *c, int code, const char *why, struct message *msg)
{
    const char *name = code == LINNET_E_BUSY ? "busy" : linnet_strerror(code);
    return put_event(c, "error", json_pack("{so ss}", "text", fields_string(why, strlen(why)), "code", name), msg);
}

/* ---- the recording ---- */

static int read_format(struct format *f, const json_t *data, struct message *msg)
{
    int rc = fields_int(data, "rate", 1, MOST_HZ, &f->rate_hz, msg);
    if (rc >= 0 && (rc = fields_int(data, "width", 1, 4, &f->width, msg)) >= 0)
        rc = fields_int(data, "channels", 1, SAMPLES_MAX_CHANNELS, &f->n_channels, msg);
    return rc;
}

static int start(struct client *c, const struct format *f, struct message *msg)
{
    static const enum samples_encoding encodings[] = {SAMPLES_U8, SAMPLES_S16LE, SAMPLES_S24LE, SAMPLES_S32LE};
    struct state *s = c->state;
    const struct serve_request r = {.model = s->model != NULL ? s->model : serve_models_find(&c->server->models, NULL),
                                    .language = s->language,
                                    .is_whole = 1,
                                    .sample_rate_hz = f->rate_hz};
    s->format = *f;
    s->is_stopped = 0;
    return client_start(c, &r, encodings[f->width - 1], f->n_channels, msg);
}

static int audio_start(struct client *c, const json_t *data, struct message *msg)
{
    struct format f = {16000, 2, 1};
    int rc = read_format(&f, data, msg);
    if (rc >= 0 && c->live != NULL)
        rc = fail(msg, LINNET_E_STATE, "audio-start: the audio before has not ended, or its transcript not come");
    return rc < 0 ? rc : start(c, &f, msg);
}

/* Each says its format too, so that audio-start may be missing. */
static int audio_chunk(struct client *c, const json_t *data, struct message *msg)
{
    struct state *s = c->state;
    struct format f = c->live != NULL ? s->format : (struct format){16000, 2, 1};
    int rc = read_format(&f, data, msg);
    if (rc < 0 || (c->live != NULL && s->is_stopped))
        return rc;
    if (c->live == NULL && (rc = start(c, &f, msg)) < 0)
        return rc;
    if (f.rate_hz != s->format.rate_hz || f.width != s->format.width || f.n_channels != s->format.n_channels)
        return fail(msg, LINNET_E_ARGUMENT, "audio-chunk: its format is not that of audio-start");
    s->is_audio = 1;
    return LINNET_OK;
}

static int audio_stop(struct client *c, const json_t *data, struct message *msg)
{
    struct state *s = c->state;
    (void)data;
    if (c->live == NULL)
        return put_transcript(c, "", NULL, msg);
    if (s->is_stopped)
        return LINNET_OK;
    s->is_stopped = 1;
    return client_finish(c, msg);
}

static int transcribe(struct client *c, const json_t *data, struct message *msg)
{
    struct state *s = c->state;
    const char *name = NULL, *language = "";
    int rc = fields_text(data, "name", &name, msg);
    if (rc >= 0 && (rc = fields_text(data, "language", &language, msg)) >= 0 && c->live != NULL)
        rc = fail(msg, LINNET_E_STATE, "transcribe: amid audio");
    if (rc < 0)
        return rc;
    s->model = serve_models_find(&c->server->models, name);
    if (s->model == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "there is no model '%s'", name);
    if (snprintf(s->language, sizeof s->language, "%s", language) >= (int)sizeof s->language)
        return fail(msg, LINNET_E_ARGUMENT, "there is no language '%s'", language);
    return LINNET_OK;
}

static int describe(struct client *c, const json_t *data, struct message *msg)
{
    (void)data;
    return put_event(c, "info", wyoming_info(&c->server->models, c->server->options->decoding.language), msg);
}

static int ping(struct client *c, const json_t *data, struct message *msg)
{
    return put_event(c, "pong", json_pack("{sO?}", "text", json_object_get(data, "text")), msg);
}

/* ---- what comes ---- */

static int take_whole_event(struct client *c, const json_t *event, struct message *msg)
{
    static const struct {
        const char *type;
        int (*take)(struct client *c, const json_t *data, struct message *msg);
    } types[] = {{"audio-chunk", audio_chunk}, {"audio-start", audio_start}, {"audio-stop", audio_stop},
                 {"transcribe", transcribe},   {"describe", describe},       {"ping", ping}};
    const char *type = NULL;
    int rc = fields_text(event, "type", &type, msg);
    if (rc >= 0 && type == NULL)
        rc = fail(msg, LINNET_E_FORMAT, "an event needs a type");
    for (size_t i = 0; i < sizeof types / sizeof types[0] && rc >= 0; i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].take(c, json_object_get(event, "data"), msg);
    return rc;
}

/* The event is there but for its payload. */
static int end_header(struct client *c, struct message *msg)
{
    struct state *s = c->state;
    json_t *event = s->event;
    s->event = NULL;
    s->is_audio = 0;
    s->part = s->n_payload > 0 ? PAYLOAD : LINE;
    int rc = take_whole_event(c, event, msg);
    json_decref(event);
    return rc;
}

static int end_line(struct client *c, struct message *msg)
{
    struct state *s = c->state;
    const json_t *data = NULL;
    s->n_data = s->n_payload = 0;
    int rc = fields_read(&s->event, buffer_text(&c->incoming), c->incoming.n, msg);
    if (rc < 0 || (rc = fields_object(s->event, "data", &data, msg)) < 0 ||
        (rc = fields_int(s->event, "data_length", 0, MOST_DATA, &s->n_data, msg)) < 0 ||
        (rc = fields_int(s->event, "payload_length", 0, MOST_PAYLOAD, &s->n_payload, msg)) < 0)
        return rc;
    buffer_cut(&c->incoming, 0);
    s->part = DATA;
    return s->n_data > 0 ? LINNET_OK : end_header(c, msg);
}

static int end_data(struct client *c, struct message *msg)
{
    struct state *s = c->state;
    json_t *more, *data = json_object_get(s->event, "data");
    int rc = fields_read(&more, buffer_text(&c->incoming), c->incoming.n, msg);
    if (rc < 0)
        return rc;
    buffer_cut(&c->incoming, 0);
    if (json_is_object(data) ? json_object_update(data, more) != 0 : json_object_set(s->event, "data", more) != 0)
        rc = fail_memory(msg);
    json_decref(more);
    return rc < 0 ? rc : end_header(c, msg);
}

/* Takes some of the bytes: how many. */
static int take_bytes(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    struct state *s = c->state;
    const unsigned char *end = s->part == LINE ? memchr(bytes, '\n', n) : NULL;
    size_t left = s->part == DATA ? (size_t)s->n_data : s->part == PAYLOAD ? (size_t)s->n_payload : n;
    int rc = LINNET_OK;
    n = end != NULL ? (size_t)(end - bytes) : n < left ? n : left;
    if (s->part == PAYLOAD) {
        rc = s->is_audio ? client_audio(c, bytes, n, msg) : LINNET_OK;
        s->n_payload -= (int)n;
        s->part = s->n_payload > 0 ? PAYLOAD : LINE;
        return rc < 0 ? rc : (int)n;
    }
    if (s->part == LINE && c->incoming.n + n > MOST_LINE)
        return fail(msg, LINNET_E_FORMAT, "an event's first line is longer than %d bytes", MOST_LINE);
    if (buffer_append(&c->incoming, bytes, n) < 0)
        return fail_memory(msg);
    if (end != NULL) {
        rc = end_line(c, msg);
    } else if (s->part == DATA) {
        s->n_data -= (int)n;
        rc = s->n_data == 0 ? end_data(c, msg) : LINNET_OK;
    }
    return rc < 0 ? rc : (int)n + (end != NULL);
}

static int take_binary(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    int rc = 0;
    for (size_t at = 0; at < n; at += (size_t)rc)
        if ((rc = take_bytes(c, bytes + at, n - at, msg)) < 0)
            return rc;
    return LINNET_OK;
}

static void close_state(struct client *c)
{
    struct state *s = c->state;
    json_decref(s->event);
    transcript_free(&s->transcript);
}

const struct protocol wyoming_protocol = {
    .name = "wyoming",
    .state_size = sizeof(struct state),
    .binary = take_binary,
    .event = take_event,
    .failed = tell_failure,
    .close = close_state,
};
