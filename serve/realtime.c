/* SPDX-License-Identifier: Apache-2.0
 * realtime.c - OpenAI's Realtime API, as far as transcription needs it: JSON events over a websocket.
 *
 * Audio that a client appends is decoded as it comes.  An item is what lies between two commits, each a recording of
 * its own for the stream; with turn detection also what lies between two endpoints.  Deltas are text that will not
 * change, so they come when the decoder has committed it, in speech and before the item is committed; together they are
 * the transcript of `completed`.  An error is told, and the session goes on. */
#include <libwebsockets.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "serve/client.h"
#include "serve/fields.h"
#include "serve/realtime_session.h"
#include "serve/server.h"
#include "serve/transcript.h"

enum { MOST_WAITING = 64 /* recordings that are not decoded yet */ };

struct state {
    struct realtime_session session;
    int is_beta;
    unsigned n_events;                      /* that were sent */
    unsigned n_recordings, n_decoded;       /* that have ended, by commit or clear; and of which all is decoded */
    unsigned char is_cleared[MOST_WAITING]; /* recordings, by number: nobody wants their text */
    size_t n_bytes;                         /* of the recording that has not ended */
    unsigned item;                          /* number of the one that is open, or is next */
    int is_open;                            /* it has text */
    struct transcript transcript;           /* of it */
    double recording_s, item_s; /* where in the session the recording that is decoded begins, and in it the item */
};

/* ---- events ---- */

/* Takes the event. */
static int put(struct client *c, json_t *event, struct message *msg)
{
    struct state *s = c->state;
    if (event != NULL)
        json_object_set_new(event, "event_id", json_sprintf("event_%06u", ++s->n_events));
    return client_put_json(c, event, msg);
}

static json_t *item_name(unsigned number) { return number > 0 ? json_sprintf("item_%06u", number) : json_null(); }

static int put_error(struct client *c, int code, const char *name, const char *why, const char *event_id,
                     struct message *msg)
{
    int is_ours = code != LINNET_E_ARGUMENT && code != LINNET_E_FORMAT && code != LINNET_E_STATE;
    return put(c,
               json_pack("{ss s{ss ss? so sn so}}", "type", "error", "error", "type",
                         is_ours ? "server_error" : "invalid_request_error", "code", name, "message",
                         fields_string(why, strlen(why)), "param", "event_id",
                         event_id != NULL ? json_string(event_id) : json_null()),
               msg);
}

static int put_session(struct client *c, const char *type, int is_beta, struct message *msg)
{
    const struct state *s = c->state;
    return put(c, json_pack("{ss so}", "type", type, "session", realtime_session_tell(&s->session, is_beta)), msg);
}

static int put_item(struct client *c, const char *type, unsigned number, struct message *msg)
{
    json_t *item =
        json_pack("{so ss ss ss ss s[{ss sn}]}", "id", item_name(number), "object", "realtime.item", "type", "message",
                  "status", "completed", "role", "user", "content", "type", "input_audio", "transcript");
    return put(c, json_pack("{ss so so}", "type", type, "previous_item_id", item_name(number - 1), "item", item), msg);
}

/* ---- what is decoded ---- */

static int put_speech(struct client *c, int is_start, double time_s, struct message *msg)
{
    struct state *s = c->state;
    json_int_t time_ms = (json_int_t)lround((s->recording_s + time_s) * 1000);
    return put(c,
               json_pack("{ss sI so}", "type",
                         is_start ? "input_audio_buffer.speech_started" : "input_audio_buffer.speech_stopped",
                         is_start ? "audio_start_ms" : "audio_end_ms", time_ms, "item_id", item_name(s->item)),
               msg);
}

static int take_text_event(struct client *c, const linnet_event *e, struct message *msg)
{
    struct state *s = c->state;
    const char *news;
    size_t n_news;
    int rc = transcript_take(&s->transcript, e, &news, &n_news, msg);
    if (rc >= 0 && !s->is_open && e->text != NULL && e->text[0] != '\0') {
        s->is_open = 1;
        if (s->session.has_turns)
            rc = put_speech(c, 1, e->start_s, msg);
    }
    if (rc < 0 || n_news == 0)
        return rc;
    return put(c,
               json_pack("{ss so si so}", "type", "conversation.item.input_audio_transcription.delta", "item_id",
                         item_name(s->item), "content_index", 0, "delta", fields_string(news, n_news)),
               msg);
}

static int put_completed(struct client *c, unsigned number, double length_s, struct message *msg)
{
    struct state *s = c->state;
    const char *text = transcript_text(&s->transcript);
    return put(c,
               json_pack("{ss so si so s{ss sf}}", "type", "conversation.item.input_audio_transcription.completed",
                         "item_id", item_name(number), "content_index", 0, "transcript",
                         fields_string(text, strlen(text)), "usage", "type", "duration", "seconds", length_s),
               msg);
}

/* The item ends at end_s of the recording. */
static int end_item(struct client *c, double end_s, struct message *msg)
{
    struct state *s = c->state;
    unsigned number = s->item;
    int rc = s->session.has_turns && s->is_open ? put_speech(c, 0, end_s, msg) : LINNET_OK;
    if (rc >= 0)
        rc = put(c,
                 json_pack("{ss so so}", "type", "input_audio_buffer.committed", "previous_item_id",
                           item_name(number - 1), "item_id", item_name(number)),
                 msg);
    if (rc >= 0)
        rc = put_item(c, s->is_beta ? "conversation.item.created" : "conversation.item.added", number, msg);
    if (rc >= 0 && !s->is_beta)
        rc = put_item(c, "conversation.item.done", number, msg);
    if (rc >= 0)
        rc = put_completed(c, number, end_s > s->item_s ? end_s - s->item_s : 0, msg);
    s->item = number + 1;
    s->item_s = end_s;
    s->is_open = 0;
    transcript_clear(&s->transcript);
    return rc;
}

static int take_event(struct client *c, const linnet_event *e, struct message *msg)
{
    struct state *s = c->state;
    unsigned i_recording = s->n_decoded;
    int is_cleared = s->is_cleared[i_recording % MOST_WAITING], rc = LINNET_OK;
    if ((e->type == LINNET_EVENT_PARTIAL || e->type == LINNET_EVENT_FINAL) && !is_cleared)
        return take_text_event(c, e, msg);
    if (e->type == LINNET_EVENT_ENDPOINT && !is_cleared && s->session.has_turns && s->is_open)
        return end_item(c, e->end_s, msg);
    if (e->type != LINNET_EVENT_END)
        return LINNET_OK;
    if (!is_cleared)
        rc = end_item(c, e->end_s, msg);
    s->is_open = 0;
    s->recording_s += e->end_s;
    s->item_s = 0;
    transcript_clear(&s->transcript);
    s->is_cleared[i_recording % MOST_WAITING] = 0;
    s->n_decoded = i_recording + 1;
    return rc;
}

static int tell_failure(struct client *c, int code, const char *why, struct message *msg)
{
    struct state *s = c->state;
    json_t *error = json_pack("{ss so}", "type", "server_error", "message", fields_string(why, strlen(why)));
    int rc = put(c,
                 json_pack("{ss so si so}", "type", "conversation.item.input_audio_transcription.failed", "item_id",
                           item_name(s->item), "content_index", 0, "error", error),
                 msg);
    return rc < 0 ? rc : put_error(c, code, NULL, why, NULL, msg);
}

/* ---- what comes ---- */

static unsigned n_waiting(struct state *s) { return s->n_recordings - s->n_decoded; }

static int update(struct client *c, const json_t *event, struct message *msg)
{
    struct state *s = c->state;
    const json_t *session = NULL;
    int rc = fields_object(event, "session", &session, msg);
    if (rc >= 0 && (s->n_bytes > 0 || n_waiting(s) > 0))
        rc = fail(msg, LINNET_E_STATE, "the session can be changed when no audio waits: commit or clear it before");
    if (rc < 0)
        return rc;
    client_stop(c); /* the next stream is another one; nothing is lost of this */
    return realtime_session_update(&s->session, session, &c->server->models, msg);
}

static int update_session(struct client *c, const json_t *event, struct message *msg)
{
    int rc = update(c, event, msg);
    return rc < 0 ? rc : put_session(c, "session.updated", 0, msg);
}

static int update_transcription_session(struct client *c, const json_t *event, struct message *msg)
{
    int rc = update(c, event, msg);
    return rc < 0 ? rc : put_session(c, "transcription_session.updated", 1, msg);
}

static int start(struct client *c, struct message *msg)
{
    struct state *s = c->state;
    char silence[24];
    snprintf(silence, sizeof silence, "%d", s->session.silence_ms);
    const struct serve_request r = {.model = s->session.model,
                                    .language = s->session.language,
                                    .prompt = s->session.prompt,
                                    .endpoint_ms = s->session.silence_ms > 0 ? silence : NULL,
                                    .sample_rate_hz = s->session.rate_hz};
    return client_start(c, &r, s->session.encoding, 1, msg);
}

static int append(struct client *c, const json_t *event, struct message *msg)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct state *s = c->state;
    const char *audio = NULL;
    int rc = fields_text(event, "audio", &audio, msg);
    if (rc < 0)
        return rc;
    size_t n = audio != NULL ? strlen(audio) : 0, n_letters = audio != NULL ? strspn(audio, letters) : 0;
    if (audio == NULL || n % 4 != 0 || n_letters + 2 < n || n_letters + strspn(audio + n_letters, "=") < n)
        return fail(msg, LINNET_E_ARGUMENT, "audio: it is not base64");
    if (c->live == NULL && (rc = start(c, msg)) < 0)
        return rc;
    int size = (int)(n / 4 * 3 + 4);
    char *bytes = mem_array((size_t)size, 1);
    int n_bytes = bytes != NULL ? lws_b64_decode_string_len(audio, (int)n, bytes, size) : 0;
    if (bytes == NULL)
        rc = fail_memory(msg);
    else if (n_bytes < 0)
        rc = fail(msg, LINNET_E_ARGUMENT, "audio: it is not base64");
    else
        rc = client_audio(c, (unsigned char *)bytes, (size_t)n_bytes, msg);
    s->n_bytes += rc >= 0 ? (size_t)n_bytes : 0;
    mem_free(bytes);
    return rc;
}

static int end_recording(struct client *c, int is_cleared, struct message *msg)
{
    struct state *s = c->state;
    if (n_waiting(s) >= MOST_WAITING)
        return fail(msg, LINNET_E_STATE, "too many items wait for their transcripts");
    s->is_cleared[s->n_recordings % MOST_WAITING] = (unsigned char)is_cleared;
    s->n_recordings++;
    s->n_bytes = 0;
    return client_finish(c, msg);
}

static int commit(struct client *c, const json_t *event, struct message *msg)
{
    const struct state *s = c->state;
    (void)event;
    if (s->n_bytes == 0)
        return fail(msg, LINNET_E_STATE, "the input audio buffer is empty: nothing to commit");
    return end_recording(c, 0, msg);
}

static int clear(struct client *c, const json_t *event, struct message *msg)
{
    const struct state *s = c->state;
    (void)event;
    int rc = s->n_bytes > 0 ? end_recording(c, 1, msg) : LINNET_OK;
    return rc < 0 ? rc : put(c, json_pack("{ss}", "type", "input_audio_buffer.cleared"), msg);
}

static int take_message(struct client *c, const json_t *event, struct message *msg)
{
    static const struct {
        const char *type;
        int (*take)(struct client *c, const json_t *event, struct message *msg);
    } types[] = {{"input_audio_buffer.append", append},
                 {"input_audio_buffer.commit", commit},
                 {"input_audio_buffer.clear", clear},
                 {"session.update", update_session},
                 {"transcription_session.update", update_transcription_session}};
    const char *type = "";
    int rc = fields_text(event, "type", &type, msg);
    for (size_t i = 0; i < sizeof types / sizeof types[0] && rc >= 0; i++)
        if (strcmp(types[i].type, type) == 0)
            return types[i].take(c, event, msg);
    return rc < 0 ? rc : fail(msg, LINNET_E_ARGUMENT, "no event '%s' is known to a transcription session", type);
}

static const char *name_of(int code, const char *type)
{
    if (code == LINNET_E_STATE && type != NULL && strcmp(type, "input_audio_buffer.commit") == 0)
        return "input_audio_buffer_commit_empty";
    return code == LINNET_E_BUSY ? "rate_limit_exceeded" : code == LINNET_E_FORMAT ? "invalid_json" : NULL;
}

static int take_text(struct client *c, const char *text, size_t n, struct message *msg)
{
    json_t *event = NULL;
    struct message why = {""};
    int rc = fields_read(&event, text, n, &why);
    if (rc >= 0)
        rc = take_message(c, event, &why);
    if (rc < 0)
        rc = put_error(c, rc, name_of(rc, json_string_value(json_object_get(event, "type"))), why.text,
                       json_string_value(json_object_get(event, "event_id")), msg);
    json_decref(event);
    return rc;
}

/* Old clients say so in a header, those in browsers by the name of a protocol. */
static int is_beta(struct lws *wsi)
{
    static const char name[] = "openai-beta:";
    char text[512];
    return lws_hdr_custom_copy(wsi, text, sizeof text, name, sizeof name - 1) > 0 ||
           (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_PROTOCOL) > 0 && strstr(text, "openai-beta") != NULL);
}

/* The model that the address names may be one for conversations, which stands for the default. */
static int open_session(struct client *c, const char *query, struct message *msg)
{
    struct state *s = c->state;
    char name[128];
    (void)query;
    const char *wanted = lws_get_urlarg_by_name(c->connection, "model=", name, sizeof name);
    realtime_session_init(&s->session, serve_models_find(&c->server->models, wanted), &c->server->models);
    s->item = 1;
    s->is_beta = is_beta(c->connection);
    return put_session(c, s->is_beta ? "transcription_session.created" : "session.created", s->is_beta, msg);
}

static void close_state(struct client *c)
{
    struct state *s = c->state;
    transcript_free(&s->transcript);
}

const struct protocol realtime_protocol = {
    .name = "realtime",
    .path = "/v1/realtime",
    .state_size = sizeof(struct state),
    .open = open_session,
    .text = take_text,
    .event = take_event,
    .failed = tell_failure,
    .close = close_state,
};
