/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/request.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "serve/live.h"
#include "serve/server.h"

/* ---- who holds it ---- */

void request_hold(struct request *r) { atomic_fetch_add(&r->n_holders, 1); }

void request_let_go(struct request *r)
{
    if (atomic_fetch_sub(&r->n_holders, 1) > 1)
        return;
    if (r->route != NULL && r->route->release != NULL)
        r->route->release(r);
    if (r->sending != NULL)
        outbox_free_message(r->sending);
    outbox_close(&r->outbox);
    mem_free(r);
}

/* ---- replies ---- */

static int is_one_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            return 0;
    return 1;
}

int request_header(struct request *r, const char *name, const char *value, struct message *msg)
{
    size_t n_name = strlen(name), n_value = strlen(value), n = n_name + n_value + 3;
    if (!is_one_line(name) || !is_one_line(value) || r->n_headers + n > sizeof r->headers)
        return fail(msg, LINNET_E_ARGUMENT, "a header of the reply is too long, or not one line");
    char *at = r->headers + r->n_headers;
    memcpy(at, name, n_name);
    memcpy(at + n_name, ":", 2);
    memcpy(at + n_name + 2, value, n_value + 1);
    r->n_headers += n;
    return LINNET_OK;
}

static void answer(struct request *r, int status, const char *type, long long length)
{
    r->status = status;
    r->type = type;
    r->reply_length = length;
    atomic_store(&r->is_answered, 1);
    server_wake(r->server);
}

int request_begin(struct request *r, int status, const char *type, struct message *msg)
{
    if (atomic_load(&r->is_answered))
        return fail(msg, LINNET_E_STATE, "the request has been answered already");
    answer(r, status, type, -1);
    return LINNET_OK;
}

int request_put(struct request *r, const void *bytes, size_t n, struct message *msg)
{
    int rc = outbox_put(&r->outbox, bytes, n, msg);
    if (rc >= 0)
        server_wake(r->server);
    return rc;
}

void request_end(struct request *r)
{
    outbox_end(&r->outbox);
    server_wake(r->server);
}

int request_reply(struct request *r, int status, const char *type, const void *body, size_t n, struct message *msg)
{
    if (atomic_load(&r->is_answered))
        return fail(msg, LINNET_E_STATE, "the request has been answered already");
    int rc = n > 0 ? outbox_put(&r->outbox, body, n, msg) : LINNET_OK;
    if (rc < 0)
        return rc;
    outbox_end(&r->outbox);
    answer(r, status, type, (long long)n);
    return LINNET_OK;
}

/* ---- errors ---- */

int request_status_of(int code)
{
    switch (code) {
    case LINNET_E_ARGUMENT:
    case LINNET_E_FORMAT:
    case LINNET_E_AUDIO:
    case LINNET_E_UNSUPPORTED:
        return 400;
    case LINNET_E_BUSY:
    case LINNET_E_MEMORY:
    case LINNET_E_CANCELLED:
        return 503;
    default:
        return 500;
    }
}

static int add_text(struct buffer *out, const char *before, const char *text)
{
    int rc = buffer_puts(out, before);
    return rc < 0 ? rc : text != NULL ? json_write_text(out, text) : buffer_puts(out, "null");
}

int request_write_error(struct buffer *out, int status, const char *code, const char *param, const char *why)
{
    int rc = add_text(out, "{\"error\":{\"message\":", why);
    if (rc == 0)
        rc = add_text(out, ",\"type\":", status >= 500 ? "server_error" : "invalid_request_error");
    if (rc == 0)
        rc = add_text(out, ",\"param\":", param);
    if (rc == 0)
        rc = add_text(out, ",\"code\":", code);
    return rc == 0 ? buffer_puts(out, "}}") : rc;
}

int request_refuse(struct request *r, int status, const char *code, const char *param, const char *why,
                   struct message *msg)
{
    int is_api = strncmp(r->path, "/v1/", 4) == 0;
    struct buffer body = {0};
    int rc = is_api ? request_write_error(&body, status, code, param, why) : buffer_puts(&body, why);
    if (rc == 0)
        rc = buffer_puts(&body, "\n");
    rc = rc < 0 ? fail_memory(msg)
                : request_reply(r, status, is_api ? "application/json" : "text/plain; charset=utf-8", body.data, body.n,
                                msg);
    buffer_free(&body);
    return rc;
}
