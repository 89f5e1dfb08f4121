/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/models.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "decoders/common/model.h"
#include "decoders/decoder.h"
#include "models/model.h"
#include "models/stream.h"

/* ---- opening ---- */

static void name(struct serve_model *m)
{
    const char *dir = m->decoding.model->dir;
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    size_t at = n;
    while (at > 0 && dir[at - 1] != '/')
        at--;
    snprintf(m->name, sizeof m->name, "%.*s", (int)(n - at), dir + at);
}

static int read_hotwords(struct serve_model *m, const char *path, struct message *msg)
{
    const struct decoder_options *o = settings_of(&m->decoding.settings, &decoder_settings);
    return path != NULL ? hotword_list_read(&m->hotwords, path, o->hotword_bonus, msg) : LINNET_OK;
}

static int open_one(struct serve_models *m, const struct decoding_options *options, struct message *msg)
{
    struct serve_model *model = &m->at[m->n];
    int rc = decoding_open_model(&model->decoding, options, msg);
    model->recipe = options->recipe;
    m->n++; /* half open ones are closed too */
    if (rc >= 0)
        rc = read_hotwords(model, options->hotwords, msg);
    if (rc >= 0) {
        name(model);
        rc = model_open_low(&model->low, model->decoding.model, msg);
    }
    for (int i = 0; i < m->n - 1 && rc >= 0; i++)
        if (strcmp(m->at[i].name, model->name) == 0)
            rc = fail(msg, LINNET_E_ARGUMENT, "two models are called %s", model->name);
    return rc;
}

int serve_models_open(struct serve_models *m, const struct decoding_options *options, char *const *names, int n_names,
                      struct message *msg)
{
    *m = (struct serve_models){.at = mem_array((size_t)n_names + 1, sizeof *m->at)};
    if (m->at == NULL)
        return fail_memory(msg);
    struct decoding_options other = *options;
    int rc = LINNET_OK;
    if (options->model != NULL || options->recipe != NULL || n_names == 0)
        rc = open_one(m, options, msg);
    for (int i = 0; i < n_names && rc >= 0; i++) {
        other.model = names[i];
        rc = open_one(m, &other, msg);
    }
    if (rc < 0)
        serve_models_close(m);
    return rc;
}

void serve_models_close(struct serve_models *m)
{
    for (int i = 0; i < m->n; i++) {
        model_close_low(m->at[i].low);
        decoding_close(&m->at[i].decoding);
        hotword_list_free(&m->at[i].hotwords);
    }
    mem_free(m->at);
    *m = (struct serve_models){0};
}

struct serve_model *serve_models_find(const struct serve_models *m, const char *wanted)
{
    static const char *const others[] = {"whisper-1",           "gpt-4o-transcribe",    "gpt-4o-mini-transcribe",
                                         "gpt-live-transcribe", "gpt-realtime-whisper", "gpt-transcribe"};
    for (int i = 0; i < m->n && wanted != NULL; i++)
        if (strcmp(m->at[i].name, wanted) == 0)
            return &m->at[i];
    int is_default = wanted == NULL || *wanted == '\0';
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !is_default; i++)
        is_default = strcmp(others[i], wanted) == 0;
    return is_default ? &m->at[0] : NULL;
}

/* ---- requests ---- */

static const size_t texts_of_request[] = {offsetof(struct serve_request, language),
                                          offsetof(struct serve_request, task), offsetof(struct serve_request, decoder),
                                          offsetof(struct serve_request, prompt),
                                          offsetof(struct serve_request, temperature)};
enum { N_TEXTS = sizeof texts_of_request / sizeof texts_of_request[0] };

static const char **text_at(struct serve_request *r, int i) { return (const char **)((char *)r + texts_of_request[i]); }

static const char *text_of(const struct serve_request *r, int i)
{
    const char *text = *(const char *const *)((const char *)r + texts_of_request[i]);
    return text != NULL ? text : "";
}

int serve_request_copy(struct serve_request *out, const struct serve_request *r, struct message *msg)
{
    struct serve_request copy = *r;
    int is_there = 1;
    copy.hotwords = NULL;
    for (int i = 0; i < N_TEXTS; i++) {
        *text_at(&copy, i) = mem_string(text_of(r, i));
        is_there &= *text_at(&copy, i) != NULL;
    }
    if (!is_there) {
        serve_request_free(&copy);
        return fail_memory(msg);
    }
    *out = copy;
    return LINNET_OK;
}

void serve_request_free(struct serve_request *r)
{
    for (int i = 0; i < N_TEXTS; i++)
        mem_free((void *)*text_at(r, i));
    *r = (struct serve_request){0};
}

int serve_request_is(const struct serve_request *r, const struct serve_request *other)
{
    int is = r->model == other->model && r->word_times == other->word_times && r->nbest == other->nbest &&
             r->sample_rate_hz == other->sample_rate_hz;
    for (int i = 0; i < N_TEXTS && is; i++)
        is = strcmp(text_of(r, i), text_of(other, i)) == 0;
    return is;
}

/* ---- streams ---- */

enum { MOST_OWN = 4 /* settings of a request that have no field in linnet_stream_options */ };

/* The settings of the command line, then those of the request, as *texts, which the caller frees.  Returns how many. */
static int list_settings(const struct serve_request *r, int is_live, const char **items, char **texts,
                         struct message *msg)
{
    static const char *const keys[MOST_OWN] = {"decoder.name", "decoder.initial_prompt", "decoder.temperature",
                                               "endpoint.rule2_silence_ms"};
    const char *const values[MOST_OWN] = {r->decoder, r->prompt, r->temperature, r->endpoint_ms};
    const struct decoding *d = &r->model->decoding;
    size_t n_bytes = 0;
    int n = 0;
    for (int i = 0; i < MOST_OWN; i++) {
        size_t length = values[i] != NULL ? strlen(values[i]) : 0;
        if (length > SERVE_TEXT)
            return fail(msg, LINNET_E_ARGUMENT, "%s: too long, more than %d bytes", keys[i], SERVE_TEXT);
        n_bytes += strlen(keys[i]) + length + 2;
    }
    char *text = *texts = mem_array(n_bytes, 1);
    if (text == NULL)
        return fail_memory(msg);
    /* The first is vad.gate, whose default is another for files. */
    for (size_t i = is_live || r->is_whole ? 0 : 1; i < d->n; i++)
        items[n++] = d->items[i];
    for (int i = 0; i < MOST_OWN; i++) {
        if (values[i] == NULL || *values[i] == '\0')
            continue;
        items[n++] = text;
        text += snprintf(text, n_bytes - (size_t)(text - *texts), "%s=%s", keys[i], values[i]) + 1;
    }
    return n;
}

/* With the request's hotwords, or the server's.  Phrases that the vocabulary cannot spell are left out. */
static int boost(linnet_stream *stream, const struct serve_request *r, struct message *msg)
{
    const struct hotword_list *l = r->hotwords != NULL && r->hotwords->n > 0 ? r->hotwords : &r->model->hotwords;
    if (l->n == 0)
        return LINNET_OK;
    float *bonus = mem_array((size_t)l->n, sizeof *bonus);
    if (bonus == NULL)
        return fail_memory(msg);
    for (int i = 0; i < l->n; i++)
        bonus[i] = (float)l->bonus[i];
    int rc = linnet_stream_bias(stream, (const char *const *)l->phrases, bonus, (size_t)l->n, NULL, 0);
    mem_free(bonus);
    return rc < 0 ? fail(msg, rc, "%s", linnet_stream_error(stream)) : LINNET_OK;
}

int serve_models_open_stream(linnet_stream **out, const struct serve_request *r, int is_live, struct message *msg)
{
    const struct decoding *d = &r->model->decoding;
    char *texts = NULL;
    const char **items = mem_array(d->n + MOST_OWN, sizeof *items);
    if (items == NULL)
        return fail_memory(msg);
    struct linnet_stream_options o;
    linnet_stream *stream = NULL;
    linnet_stream_options_init(&o);
    int rc = list_settings(r, is_live, items, &texts, msg);
    if (rc >= 0) {
        o.settings = items;
        o.n_settings = (size_t)rc;
        o.recipe = r->model->recipe;
        o.streaming = is_live;
        o.sample_rate_hz = r->sample_rate_hz > 0 ? r->sample_rate_hz : o.sample_rate_hz;
        o.language = r->language != NULL && *r->language != '\0' ? r->language : NULL;
        o.task = r->task != NULL && *r->task != '\0' ? r->task : NULL;
        o.word_times = r->word_times;
        o.nbest = r->nbest;
        rc = linnet_stream_open(is_live ? d->model : r->model->low, &o, &stream, msg->text, sizeof msg->text);
    }
    mem_free(items);
    mem_free(texts);
    if (rc >= 0 && (rc = boost(stream, r, msg)) < 0)
        linnet_stream_close(stream);
    if (rc >= 0)
        *out = stream;
    return rc;
}

const char *serve_models_decoder(const struct serve_model *m, const linnet_stream *stream)
{
    const struct decoder *decoder = NULL;
    const struct decoder_options *options = settings_of(stream_settings(stream), &decoder_settings);
    return decoder_find(&decoder, options, m->decoding.model, 1, NULL) >= 0 ? decoder->name : "";
}
