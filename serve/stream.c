/* SPDX-License-Identifier: Apache-2.0
 * stream.c - linnet's own protocol, at /v1/stream (doc/serve.md has its messages). */
#include <jansson.h>
#include <string.h>

#include "serve/client.h"
#include "serve/server.h"

struct state {
    enum client_encoding encoding;
    int is_started;
};

static const char *text_of(const json_t *o, const char *key) { return json_string_value(json_object_get(o, key)); }

/* {"type": "start", ...} */
static int start(struct client *c, const json_t *o, struct message *msg)
{
    struct state *s = c->state;
    const char *encoding = text_of(o, "encoding"), *model = text_of(o, "model");
    const json_t *rate = json_object_get(o, "sample_rate");
    struct serve_request r = {.model = serve_models_find(&c->server->models, model),
                              .language = text_of(o, "language"),
                              .task = text_of(o, "task"),
                              .decoder = text_of(o, "decoder"),
                              .prompt = text_of(o, "prompt"),
                              .word_times = json_is_true(json_object_get(o, "word_times")),
                              .nbest = (int)json_integer_value(json_object_get(o, "nbest")),
                              .sample_rate_hz = rate != NULL ? (int)json_integer_value(rate) : 16000};
    if (r.model == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "there is no model '%s'", model);
    if (encoding != NULL && strcmp(encoding, "s16le") != 0 && strcmp(encoding, "f32le") != 0)
        return fail(msg, LINNET_E_ARGUMENT, "encoding '%s': s16le and f32le are understood", encoding);
    s->encoding = encoding != NULL && strcmp(encoding, "f32le") == 0 ? CLIENT_F32LE : CLIENT_S16LE;
    int rc = client_start(c, &r, msg);
    return rc < 0 ? rc
                  : client_put_json(c,
                                    json_pack("{ss ss si}", "type", "ready", "model", r.model->name, "sample_rate",
                                              r.sample_rate_hz),
                                    msg);
}

static int take_message(struct client *c, const json_t *o, struct message *msg)
{
    const char *type = text_of(o, "type");
    if (type != NULL && strcmp(type, "start") == 0)
        return start(c, o, msg);
    if (type != NULL && strcmp(type, "finish") == 0)
        return client_finish(c, msg);
    return fail(msg, LINNET_E_ARGUMENT, "a message needs the type \"start\" or \"finish\"");
}

static int take_text(struct client *c, const char *text, size_t n, struct message *msg)
{
    json_error_t error;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    int rc = o != NULL ? take_message(c, o, msg) : fail(msg, LINNET_E_FORMAT, "no JSON: %s", error.text);
    json_decref(o);
    return rc;
}

static int take_binary(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    const struct state *s = c->state;
    return client_audio(c, s->encoding, bytes, n, msg);
}

static json_t *words_of(const linnet_event *e)
{
    json_t *words = json_array();
    for (int i = 0; i < e->n_words; i++)
        json_array_append_new(words,
                              json_pack("{ss sf sf sf}", "word", e->words[i].text, "start", e->words[i].start_s, "end",
                                        e->words[i].end_s, "probability", (double)e->words[i].confidence));
    return words;
}

static int tell_event(struct client *c, const linnet_event *e, struct message *msg)
{
    static const char *const types[] = {"", "partial", "final", "endpoint", "end"};
    const char *text = e->text != NULL ? e->text : "";
    size_t n_skipped = text[0] == ' ', committed = e->committed > n_skipped ? e->committed - n_skipped : 0;
    json_t *o = json_pack("{ss ss sf sf sI}", "type", types[e->type], "text", text + n_skipped, "start", e->start_s,
                          "end", e->end_s, "committed", (json_int_t)committed);
    if (o != NULL && e->n_words > 0)
        json_object_set_new(o, "words", words_of(e));
    if (o != NULL && e->language != NULL && e->language[0] != '\0')
        json_object_set_new(o, "language", json_string(e->language));
    return client_put_json(c, o, msg);
}

static int tell_failure(struct client *c, int code, const char *why, struct message *msg)
{
    const char *name = code == LINNET_E_BUSY ? "busy" : linnet_strerror(code);
    return client_put_json(c, json_pack("{ss ss ss}", "type", "error", "code", name, "message", why), msg);
}

const struct protocol stream_protocol = {
    .name = "stream",
    .path = "/v1/stream",
    .state_size = sizeof(struct state),
    .text = take_text,
    .binary = take_binary,
    .event = tell_event,
    .failed = tell_failure,
};
