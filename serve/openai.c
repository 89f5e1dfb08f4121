/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/openai.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json_writer.h"
#include "base/mem.h"
#include "decoders/common/model.h"
#include "decoders/decoder.h"
#include "serve/files.h"
#include "serve/http.h"
#include "serve/server.h"

static int refuse_model(struct request *r, const char *name, struct message *msg)
{
    char why[400];
    snprintf(why, sizeof why, "The model '%.200s' does not exist", name);
    return request_refuse(r, 404, "model_not_found", "model", why, msg);
}

/* ---- recordings ---- */

static int open_form(struct request *r, struct message *msg)
{
    struct openai_job *j = mem_array(1, sizeof *j);
    if (j == NULL)
        return fail_memory(msg);
    j->request = r;
    r->state = j;
    return upload_open(&j->upload, r->content_type, r->length, msg);
}

static int take_form(struct request *r, const char *bytes, size_t n, struct message *msg)
{
    struct openai_job *j = r->state;
    return upload_feed(j->upload, bytes, n, msg);
}

static int start(struct request *r, const char *task, struct message *msg)
{
    struct openai_job *j = r->state;
    int rc = upload_end(j->upload, msg);
    if (rc < 0)
        return rc;
    if ((rc = openai_form_read(&j->form, j->upload, msg)) < 0)
        return request_refuse(r, 400, NULL, j->form.param, msg->text, msg);
    if (!upload_has_file(j->upload))
        return request_refuse(r, 400, NULL, "file", "the form has no file: the recording", msg);
    struct serve_model *model = serve_models_find(&r->server->models, j->form.model);
    if (model == NULL)
        return refuse_model(r, j->form.model, msg);
    j->task = task;
    return openai_job_start(j, model, msg);
}

static int transcribe(struct request *r, struct message *msg) { return start(r, "transcribe", msg); }

static int translate(struct request *r, struct message *msg) { return start(r, "translate", msg); }

static void cancel(struct request *r)
{
    struct openai_job *j = r->state;
    if (j != NULL)
        files_let_go(j->file);
}

static void release(struct request *r) { openai_job_free(r->state); }

/* ---- models ---- */

/* Ours: the decoders that suit the model, which are for live streams, and which are told the language. */
static int add_decoders(struct buffer *out, const struct serve_model *m)
{
    const struct decoder *d;
    const char *comma = "";
    int rc = buffer_puts(out, ",\"decoders\":[");
    for (int i = 0; (d = decoder_at(i)) != NULL && rc == 0; i++) {
        if (model_lacks(m->decoding.model, d->needs) != NULL)
            continue;
        rc = buffer_printf(out, "%s{\"name\":\"%s\",\"live\":%s,\"languages\":%s}", comma, d->name,
                           d->is_whole_only ? "false" : "true", decoder_ignores(d, "language", 0) ? "false" : "true");
        comma = ",";
    }
    return rc == 0 ? buffer_puts(out, "]") : rc;
}

static int add_model(struct buffer *out, const struct serve_model *m)
{
    struct stat s;
    long long created = stat(m->decoding.model->dir, &s) == 0 ? (long long)s.st_mtime : 0;
    int rc = buffer_puts(out, "{\"id\":");
    if (rc == 0)
        rc = json_write_text(out, m->name);
    if (rc < 0)
        return rc;
    rc = buffer_printf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"linnet\"", created);
    if (rc == 0)
        rc = add_decoders(out, m);
    return rc == 0 ? buffer_puts(out, "}") : rc;
}

static int reply(struct request *r, int rc, struct buffer *body, struct message *msg)
{
    if (rc == 0)
        rc = buffer_puts(body, "\n");
    rc = rc < 0 ? fail_memory(msg) : request_reply(r, 200, "application/json", body->data, body->n, msg);
    buffer_free(body);
    return rc;
}

static int list_models(struct request *r, struct message *msg)
{
    const struct serve_models *models = &r->server->models;
    struct buffer body = {0};
    int rc = buffer_puts(&body, "{\"object\":\"list\",\"data\":[");
    for (int i = 0; i < models->n && rc == 0; i++) {
        rc = i > 0 ? buffer_puts(&body, ",") : 0;
        if (rc == 0)
            rc = add_model(&body, &models->at[i]);
    }
    if (rc == 0)
        rc = buffer_puts(&body, "]}");
    return reply(r, rc, &body, msg);
}

static int show_model(struct request *r, struct message *msg)
{
    const char *name = r->path + strlen(r->route->path);
    const struct serve_model *model = serve_models_find(&r->server->models, name);
    struct buffer body = {0};
    return model == NULL ? refuse_model(r, name, msg) : reply(r, add_model(&body, model), &body, msg);
}

#define RECORDING .open = open_form, .body = take_form, .gone = cancel, .release = release
const struct route openai_routes[] = {
    {.method = "POST", .path = "/v1/audio/transcriptions", .handle = transcribe, RECORDING},
    {.method = "POST", .path = "/v1/audio/translations", .handle = translate, RECORDING},
    {.method = "GET", .path = "/v1/models", .handle = list_models},
    {.method = "GET", .path = "/v1/models/", .handle = show_model},
    {0},
};
