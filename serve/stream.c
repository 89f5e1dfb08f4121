/* SPDX-License-Identifier: Apache-2.0
 * stream.c - linnet's own protocol, at /v1/stream (doc/serve.md has its messages).
 *
 * {"type": "start", ...} opens a stream, binary messages are its audio, {"type": "finish"} ends a recording; the audio
 * after it is that of another one.  What is wrong with a message is told, and ends the connection. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "decoders/common/hotword_list.h"
#include "decoders/decoder.h"
#include "serve/client.h"
#include "serve/fields.h"
#include "serve/server.h"

enum { MOST_HOTWORDS = 1000 };

static const char *const encodings[] = {[SAMPLES_S16LE] = "s16le", [SAMPLES_F32LE] = "f32le"};

/* ---- messages that come ---- */

enum field_type { FIELD_TEXT, FIELD_INTEGER, FIELD_BOOLEAN, FIELD_LIST };

struct field {
    const char *name;
    enum field_type type;
};

/* beside "type" */
static const struct field start_fields[] = {{"model", FIELD_TEXT},
                                            {"language", FIELD_TEXT},
                                            {"task", FIELD_TEXT},
                                            {"decoder", FIELD_TEXT},
                                            {"prompt", FIELD_TEXT},
                                            {"encoding", FIELD_TEXT},
                                            {"nbest", FIELD_INTEGER},
                                            {"sample_rate", FIELD_INTEGER},
                                            {"hotwords", FIELD_LIST},
                                            {"word_times", FIELD_BOOLEAN},
                                            {0}};
static const struct field finish_fields[] = {{0}};

static int check_field(const char *name, const json_t *value, const struct field *fields, struct message *msg)
{
    static const char *const wanted[] = {"text", "an integer", "true or false", "a list"};
    const struct field *f = fields;
    while (f->name != NULL && strcmp(f->name, name) != 0)
        f++;
    if (f->name == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "there is no field '%.60s' in such a message", name);
    int is_right = (f->type == FIELD_TEXT && json_is_string(value)) ||
                   (f->type == FIELD_INTEGER && json_is_integer(value)) ||
                   (f->type == FIELD_BOOLEAN && json_is_boolean(value)) ||
                   (f->type == FIELD_LIST && json_is_array(value)) || json_is_null(value);
    return is_right ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "field '%s': %s is expected", name, wanted[f->type]);
}

static int check_fields(json_t *o, const struct field *fields, struct message *msg)
{
    const char *name;
    json_t *value;
    json_object_foreach(o, name, value)
    {
        int rc = strcmp(name, "type") == 0 ? LINNET_OK : check_field(name, value, fields, msg);
        if (rc < 0)
            return rc;
    }
    return LINNET_OK;
}

static const char *text_of(const json_t *o, const char *name) { return json_string_value(json_object_get(o, name)); }

/* Where there is none: what is otherwise so. */
static int integer_of(int *value, const json_t *o, const char *name, int otherwise, struct message *msg)
{
    const json_t *number = json_object_get(o, name);
    json_int_t n = json_is_integer(number) ? json_integer_value(number) : otherwise;
    if (n < 0 || n > 10000000)
        return fail(msg, LINNET_E_ARGUMENT, "field '%s': %lld is out of range", name, (long long)n);
    *value = (int)n;
    return LINNET_OK;
}

static int encoding_of(enum samples_encoding *encoding, const char *name, struct message *msg)
{
    *encoding = SAMPLES_S16LE;
    if (name == NULL || strcmp(name, encodings[SAMPLES_S16LE]) == 0)
        return LINNET_OK;
    *encoding = SAMPLES_F32LE;
    if (strcmp(name, encodings[SAMPLES_F32LE]) == 0)
        return LINNET_OK;
    return fail(msg, LINNET_E_ARGUMENT, "field 'encoding': s16le and f32le are known, not '%.60s'", name);
}

/* ---- hotwords: each a phrase, or {"phrase": "...", "bonus": 2} ---- */

static int add_hotword(struct hotword_list *l, const json_t *item, double bonus, struct message *msg)
{
    const char *phrase = json_is_string(item) ? json_string_value(item) : text_of(item, "phrase");
    const json_t *own = json_object_get(item, "bonus");
    size_t n_fields = json_is_object(item) ? json_object_size(item) : 1;
    if (phrase == NULL || (own != NULL && !json_is_number(own)) || n_fields > (own != NULL ? 2 : 1))
        return fail(msg, LINNET_E_ARGUMENT, "field 'hotwords': each is text, or has a phrase and a bonus");
    return hotword_list_add(l, phrase, own != NULL ? json_number_value(own) : bonus, msg);
}

static int add_hotwords(struct hotword_list *l, const json_t *list, const struct serve_model *model,
                        struct message *msg)
{
    const struct decoder_options *o = settings_of(&model->decoding.settings, &decoder_settings);
    int rc = LINNET_OK;
    if (json_array_size(list) > MOST_HOTWORDS)
        return fail(msg, LINNET_E_ARGUMENT, "field 'hotwords': more than %d", MOST_HOTWORDS);
    for (size_t i = 0; i < json_array_size(list) && rc >= 0; i++)
        rc = add_hotword(l, json_array_get(list, i), o->hotword_bonus, msg);
    return rc;
}

/* ---- the stream ---- */

static int open_stream(struct client *c, const json_t *o, struct serve_request *r, enum samples_encoding encoding,
                       struct message *msg)
{
    struct hotword_list hotwords = {0};
    int rc = add_hotwords(&hotwords, json_object_get(o, "hotwords"), r->model, msg);
    r->hotwords = &hotwords;
    if (rc >= 0)
        rc = client_start(c, r, encoding, 1, msg);
    hotword_list_free(&hotwords);
    return rc;
}

static int start(struct client *c, json_t *o, struct message *msg)
{
    enum samples_encoding encoding;
    const char *model = text_of(o, "model");
    struct serve_request r = {.model = serve_models_find(&c->server->models, model),
                              .language = text_of(o, "language"),
                              .task = text_of(o, "task"),
                              .decoder = text_of(o, "decoder"),
                              .prompt = text_of(o, "prompt"),
                              .word_times = json_is_true(json_object_get(o, "word_times"))};
    int rc = check_fields(o, start_fields, msg);
    if (rc < 0 || (rc = integer_of(&r.nbest, o, "nbest", 0, msg)) < 0 ||
        (rc = integer_of(&r.sample_rate_hz, o, "sample_rate", 16000, msg)) < 0 ||
        (rc = encoding_of(&encoding, text_of(o, "encoding"), msg)) < 0)
        return rc;
    if (r.model == NULL)
        return fail(msg, LINNET_E_ARGUMENT, "field 'model': there is no '%.60s'", model);
    if (r.sample_rate_hz == 0)
        return fail(msg, LINNET_E_ARGUMENT, "field 'sample_rate': 0 is out of range");
    if ((rc = open_stream(c, o, &r, encoding, msg)) < 0)
        return rc;
    return client_put_json(c,
                           json_pack("{ss ss ss si ss ss}", "type", "ready", "model", r.model->name, "decoder",
                                     live_decoder(c->live), "sample_rate", r.sample_rate_hz, "encoding",
                                     encodings[encoding], "version", linnet_version()),
                           msg);
}

static int take_message(struct client *c, json_t *o, struct message *msg)
{
    const char *type = text_of(o, "type");
    if (type != NULL && strcmp(type, "start") == 0)
        return start(c, o, msg);
    if (type == NULL || strcmp(type, "finish") != 0)
        return fail(msg, LINNET_E_ARGUMENT, "a message needs the type \"start\" or \"finish\"");
    int rc = check_fields(o, finish_fields, msg);
    return rc < 0 ? rc : client_finish(c, msg);
}

static int take_text(struct client *c, const char *text, size_t n, struct message *msg)
{
    json_error_t error;
    json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    int rc = o != NULL ? take_message(c, o, msg) : fail(msg, LINNET_E_ARGUMENT, "no JSON: %s", error.text);
    json_decref(o);
    return rc;
}

static int take_binary(struct client *c, const unsigned char *bytes, size_t n, struct message *msg)
{
    return client_audio(c, bytes, n, msg);
}

/* ---- messages that go ---- */

static json_t *whole_text(const char *text) { return fields_string(text, strlen(text)); }

static double rounded(double value, double steps) { return round(value * steps) / steps; }

static json_t *words_of(const linnet_event *e)
{
    json_t *words = json_array();
    for (int i = 0; i < e->n_words; i++)
        json_array_append_new(words,
                              json_pack("{so sf sf sf sf}", "word", whole_text(e->words[i].text), "start",
                                        rounded(e->words[i].start_s, 1e3), "end", rounded(e->words[i].end_s, 1e3),
                                        "probability", rounded((double)e->words[i].probability, 1e4), "confidence",
                                        rounded((double)e->words[i].confidence, 1e4)));
    return words;
}

static json_t *nbest_of(const linnet_event *e)
{
    json_t *list = json_array();
    for (int i = 0; i < e->n_nbest; i++)
        json_array_append_new(
            list, json_pack("{so sf}", "text", whole_text(e->nbest[i].text), "score", rounded(e->nbest[i].score, 1e4)));
    return list;
}

/* As JavaScript counts: 2 for what is past U+FFFF. */
static size_t utf16_units(const char *text, size_t n)
{
    size_t units = 0;
    for (size_t at = 0; at < n;) {
        uint32_t code;
        at += utf8_next(text + at, n - at, &code);
        units += code > 0xFFFF ? 2 : 1;
    }
    return units;
}

static int tell_event(struct client *c, const linnet_event *e, struct message *msg)
{
    static const char *const types[] = {"", "partial", "final", "endpoint", "end"};
    const char *text = e->text != NULL ? e->text : "";
    size_t n_skipped = text[0] == ' ', committed = e->committed > n_skipped ? e->committed - n_skipped : 0;
    text += n_skipped;
    json_t *o = json_pack("{ss so sf sf sI sI}", "type", types[e->type], "text", whole_text(text), "start",
                          rounded(e->start_s, 1e3), "end", rounded(e->end_s, 1e3), "committed", (json_int_t)committed,
                          "committed_utf16", (json_int_t)utf16_units(text, committed));
    if (o != NULL && e->n_words > 0)
        json_object_set_new(o, "words", words_of(e));
    if (o != NULL && e->n_nbest > 0)
        json_object_set_new(o, "nbest", nbest_of(e));
    if (o != NULL && e->language != NULL && e->language[0] != '\0')
        json_object_set_new(o, "language", json_string(e->language));
    return client_put_json(c, o, msg);
}

static int tell_failure(struct client *c, int code, const char *why, struct message *msg)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {{LINNET_E_BUSY, "busy"},
                 {LINNET_E_ARGUMENT, "argument"},
                 {LINNET_E_STATE, "state"},
                 {LINNET_E_AUDIO, "audio"},
                 {LINNET_E_UNSUPPORTED, "unsupported"}};
    const char *name = "server";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        name = names[i].code == code ? names[i].name : name;
    return client_put_json(c, json_pack("{ss ss so}", "type", "error", "code", name, "message", whole_text(why)), msg);
}

static int tell_ending(struct client *c, double end_s, struct message *msg)
{
    return client_put_json(c, json_pack("{ss sf}", "type", "ending", "seconds", end_s), msg);
}

const struct protocol stream_protocol = {
    .name = "stream",
    .path = "/v1/stream",
    .text = take_text,
    .binary = take_binary,
    .event = tell_event,
    .failed = tell_failure,
    .ending = tell_ending,
};
