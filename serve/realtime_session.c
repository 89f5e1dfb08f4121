/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/realtime_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "serve/fields.h"

enum { PCM_HZ = 24000, G711_HZ = 8000, LOW_HZ = 1000, HIGH_HZ = 768000, MOST_SILENCE_MS = 60000 };

static const struct format {
    const char *name, *beta_name;
    enum samples_encoding encoding;
    int rate_hz;
} formats[] = {{"audio/pcm", "pcm16", SAMPLES_S16LE, PCM_HZ},
               {"audio/pcmu", "g711_ulaw", SAMPLES_ULAW, G711_HZ},
               {"audio/pcma", "g711_alaw", SAMPLES_ALAW, G711_HZ}};
enum { N_FORMATS = sizeof formats / sizeof formats[0] };

void realtime_session_init(struct realtime_session *s, struct serve_model *model, const struct serve_models *models)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) < 0)
        number = 1; /* names nothing but this session */
    *s = (struct realtime_session){.encoding = SAMPLES_S16LE,
                                   .rate_hz = PCM_HZ,
                                   .model = model != NULL ? model : serve_models_find(models, NULL),
                                   .has_turns = 1};
    snprintf(s->id, sizeof s->id, "sess_%016" PRIx64, number);
}

/* ---- updates ---- */

static int read_format(struct realtime_session *s, const char *name, const json_t *o, struct message *msg)
{
    for (int i = 0; i < N_FORMATS; i++) {
        const struct format *f = &formats[i];
        if (strcmp(name, o != NULL ? f->name : f->beta_name) != 0)
            continue;
        s->encoding = f->encoding;
        s->rate_hz = f->rate_hz;
        return o != NULL && f->encoding == SAMPLES_S16LE ? fields_int(o, "rate", LOW_HZ, HIGH_HZ, &s->rate_hz, msg)
                                                         : LINNET_OK;
    }
    return fail(msg, LINNET_E_ARGUMENT, "there is no audio format '%s'", name);
}

static int copy(char *to, size_t size, const char *text, const char *key, struct message *msg)
{
    if (snprintf(to, size, "%s", text) < (int)size)
        return LINNET_OK;
    return fail(msg, LINNET_E_ARGUMENT, "%s: longer than %zu bytes", key, size - 1);
}

static int read_transcription(struct realtime_session *s, const json_t *o, const struct serve_models *models,
                              struct message *msg)
{
    const struct realtime_session old = *s;
    const char *model = old.model_name, *language = old.language, *prompt = old.prompt;
    int rc = fields_text(o, "model", &model, msg);
    if (rc >= 0 && (rc = fields_text(o, "language", &language, msg)) >= 0 &&
        (rc = fields_text(o, "prompt", &prompt, msg)) >= 0 &&
        (rc = copy(s->model_name, sizeof s->model_name, model, "model", msg)) >= 0 &&
        (rc = copy(s->language, sizeof s->language, language, "language", msg)) >= 0)
        rc = copy(s->prompt, sizeof s->prompt, prompt, "prompt", msg);
    if (rc >= 0 && (s->model = serve_models_find(models, s->model_name)) == NULL)
        rc = fail(msg, LINNET_E_ARGUMENT, "there is no model '%s'", s->model_name);
    return rc;
}

/* Null turns it off.  Whether a turn has ended by its meaning (semantic_vad) nobody judges here: silence does. */
static int read_turns(struct realtime_session *s, const json_t *o, struct message *msg)
{
    const char *type = "server_vad";
    s->has_turns = json_is_object(o);
    if (!s->has_turns)
        return json_is_null(o) ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "turn_detection: an object or null");
    int rc = fields_text(o, "type", &type, msg);
    if (rc >= 0 && strcmp(type, "none") == 0)
        s->has_turns = 0;
    else if (rc >= 0 && strcmp(type, "server_vad") != 0 && strcmp(type, "semantic_vad") != 0)
        rc = fail(msg, LINNET_E_ARGUMENT, "turn_detection: there is no type '%s'", type);
    return rc < 0 ? rc : fields_int(o, "silence_duration_ms", 0, MOST_SILENCE_MS, &s->silence_ms, msg);
}

static int read_beta(struct realtime_session *s, const json_t *o, const struct serve_models *models,
                     struct message *msg)
{
    const char *format = NULL;
    const json_t *transcription = NULL, *turns = json_object_get(o, "turn_detection");
    int rc = fields_text(o, "input_audio_format", &format, msg);
    if (rc >= 0 && format != NULL)
        rc = read_format(s, format, NULL, msg);
    if (rc >= 0 && (rc = fields_object(o, "input_audio_transcription", &transcription, msg)) >= 0 &&
        transcription != NULL)
        rc = read_transcription(s, transcription, models, msg);
    return rc < 0 || turns == NULL ? rc : read_turns(s, turns, msg);
}

static int read_nested(struct realtime_session *s, const json_t *input, const struct serve_models *models,
                       struct message *msg)
{
    const json_t *format = NULL, *transcription = NULL, *turns = json_object_get(input, "turn_detection");
    const char *name = formats[0].name;
    int rc = fields_object(input, "format", &format, msg);
    if (rc >= 0 && format != NULL && (rc = fields_text(format, "type", &name, msg)) >= 0)
        rc = read_format(s, name, format, msg);
    if (rc >= 0 && (rc = fields_object(input, "transcription", &transcription, msg)) >= 0 && transcription != NULL)
        rc = read_transcription(s, transcription, models, msg);
    return rc < 0 || turns == NULL ? rc : read_turns(s, turns, msg);
}

int realtime_session_update(struct realtime_session *s, const json_t *update, const struct serve_models *models,
                            struct message *msg)
{
    struct realtime_session changed = *s;
    const json_t *audio = NULL, *input = NULL;
    int rc = read_beta(&changed, update, models, msg);
    if (rc >= 0 && (rc = fields_object(update, "audio", &audio, msg)) >= 0 &&
        (rc = fields_object(audio, "input", &input, msg)) >= 0)
        rc = read_nested(&changed, input, models, msg);
    if (rc >= 0)
        *s = changed;
    return rc;
}

/* ---- telling ---- */

static json_t *transcription_of(const struct realtime_session *s)
{
    return json_pack("{ss ss* ss}", "model", s->model_name[0] != '\0' ? s->model_name : s->model->name, "language",
                     s->language[0] != '\0' ? s->language : NULL, "prompt", s->prompt);
}

static json_t *turns_of(const struct realtime_session *s)
{
    if (!s->has_turns)
        return json_null();
    json_t *o = json_pack("{ss}", "type", "server_vad");
    if (s->silence_ms > 0)
        json_object_set_new(o, "silence_duration_ms", json_integer(s->silence_ms));
    return o;
}

json_t *realtime_session_tell(const struct realtime_session *s, int is_beta)
{
    const struct format *f = formats;
    while (f->encoding != s->encoding)
        f++;
    if (is_beta)
        return json_pack("{ss ss ss so so}", "id", s->id, "object", "realtime.transcription_session",
                         "input_audio_format", f->beta_name, "input_audio_transcription", transcription_of(s),
                         "turn_detection", turns_of(s));
    return json_pack("{ss ss ss s{s{s{ss si} so so}}}", "type", "transcription", "id", s->id, "object",
                     "realtime.transcription_session", "audio", "input", "format", "type", f->name, "rate", s->rate_hz,
                     "transcription", transcription_of(s), "turn_detection", turns_of(s));
}
