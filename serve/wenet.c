/* SPDX-License-Identifier: Apache-2.0
 * wenet.c - the websocket protocol of WeNet's runtime (websocket_server.cc), at / as there.
 *
 *     client: {"signal": "start", "nbest": 1, "continuous_decoding": false}, audio (16 kHz, s16le), {"signal": "end"}
 *     server: server_ready; partial_result and final_result; speech_end, after which it closes
 *
 * "nbest" of a result is a string that holds JSON, a list of {"sentence"}, and in finals of {"word_pieces"} too, whose
 * times are in ms; its clients read the first without looking whether there is one.  Without continuous_decoding the
 * first endpoint is the end.  Where that server ends itself (the end before the start), or says nothing (no JSON), this
 * one tells what is wrong.  Its pieces are tokens, ours words. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "serve/client.h"
#include "serve/fields.h"
#include "serve/server.h"

enum { RATE_HZ = 16000, MOST_NBEST = 100 };

struct state {
    int nbest, is_continuous;
    int is_ended; /* by the client */
    int n_finals; /* results so far */
};

/* ---- results ---- */

static json_t *sentence(const char *text)
{
    text += *text == ' ';
    return json_pack("{so}", "sentence", fields_string(text, strlen(text)));
}

static json_t *pieces_of(const linnet_event *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->n_words; i++) {
        const struct linnet_word *w = &e->words[i];
        const char *text = w->text + (w->text[0] == ' ');
        json_array_append_new(list, json_pack("{so sI sI}", "word", fields_string(text, strlen(text)), "start",
                                              (json_int_t)lround(w->start_s * 1000), "end",
                                              (json_int_t)lround(w->end_s * 1000)));
    }
    return list;
}

/* The n-best list, which has one entry at least; e: NULL where there are no words. */
static json_t *list_results(const linnet_event *e, int nbest, int is_final)
{
    json_t *list = json_array();
    int n = e != NULL && e->n_nbest > 1 ? e->n_nbest : 1;
    for (int i = 0; i < n && i < nbest; i++) {
        json_t *one = sentence(i > 0 ? e->nbest[i].text : e != NULL && e->text != NULL ? e->text : "");
        if (is_final)
            json_object_set_new(one, "word_pieces", i == 0 && e != NULL ? pieces_of(e) : json_array());
        json_array_append_new(list, one);
    }
    return list;
}

static int put_result(struct client *c, const char *type, const linnet_event *e, struct message *msg)
{
    const struct state *s = c->state;
    json_t *list = list_results(e, s->nbest, strcmp(type, "final_result") == 0);
    char *text = list != NULL ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    json_t *o = text != NULL ? json_pack("{ss ss ss}", "status", "ok", "type", type, "nbest", text) : NULL;
    free(text);
    return client_put_json(c, o, msg);
}

/* The end, before which every client waits for one final result. */
static int put_end(struct client *c, struct message *msg)
{
    const struct state *s = c->state;
    int rc = s->n_finals == 0 ? put_result(c, "final_result", NULL, msg) : LINNET_OK;
    if (rc >= 0)
        rc = client_put_json(c, json_pack("{ss ss}", "status", "ok", "type", "speech_end"), msg);
    if (rc >= 0)
        client_end(c);
    return rc;
}

static int take_event(struct client *c, const linnet_event *e, struct message *msg)
{
    struct state *s = c->state;
    switch (e->type) {
    case LINNET_EVENT_PARTIAL:
        return put_result(c, "partial_result", e, msg);
    case LINNET_EVENT_FINAL:
        s->n_finals++;
        return put_result(c, "final_result", e, msg);
    case LINNET_EVENT_ENDPOINT:
        return s->is_continuous ? LINNET_OK : put_end(c, msg);
    default:
        return put_end(c, msg);
    }
}

/* ---- what clients say ---- */

static int start(struct client *c, const json_t *o, struct message *msg)
{
    struct state *s = c->state;
    struct serve_request r = {
        .model = serve_models_find(&c->server->models, NULL), .word_times = 1, .sample_rate_hz = RATE_HZ};
    s->nbest = 1;
    int rc = c->live != NULL ? fail(msg, LINNET_E_STATE, "the start signal has come already") : LINNET_OK;
    if (rc >= 0 && (rc = fields_int(o, "nbest", 1, MOST_NBEST, &s->nbest, msg)) >= 0)
        rc = fields_flag(o, "continuous_decoding", &s->is_continuous, msg);
    r.nbest = s->nbest > 1 ? s->nbest : 0;
    if (rc >= 0 && (rc = client_start(c, &r, SAMPLES_S16LE, 1, msg)) >= 0)
        rc = client_put_json(c, json_pack("{ss ss}", "status", "ok", "type", "server_ready"), msg);
    return rc;
}

static int take_message(struct client *c, const json_t *o, struct message *msg)
{
    struct state *s = c->state;
    const char *signal = "";
    int rc = fields_text(o, "signal", &signal, msg);
    if (rc < 0)
        return rc;
    if (strcmp(signal, "start") == 0)
        return start(c, o, msg);
    if (strcmp(signal, "end") != 0)
        return fail(msg, LINNET_E_ARGUMENT, "the signal \"start\" or \"end\" is expected");
    if (s->is_ended)
        return LINNET_OK;
    s->is_ended = 1;
    return client_finish(c, msg);
}

static int take_text(struct client *c, const char *text, size_t n, struct message *msg)
{
    json_t *o;
    int rc = fields_read(&o, text, n, msg);
    if (rc < 0)
        return rc;
    rc = take_message(c, o, msg);
    json_decref(o);
    return rc;
}

static int take_binary(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    const struct state *s = c->state;
    if (c->live == NULL)
        return fail(msg, LINNET_E_STATE, "the start signal is expected before audio");
    return s->is_ended ? LINNET_OK : client_audio(c, bytes, n, msg);
}

static int tell_failure(struct client *c, int code, const char *why, struct message *msg)
{
    (void)code;
    return client_put_json(c, json_pack("{ss so}", "status", "failed", "message", fields_string(why, strlen(why))),
                           msg);
}

const struct protocol wenet_protocol = {
    .name = "wenet",
    .path = "/",
    .state_size = sizeof(struct state),
    .text = take_text,
    .binary = take_binary,
    .event = take_event,
    .failed = tell_failure,
};
