/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/http.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/server.h"

static int health(struct request *r, struct message *msg)
{
    static const char body[] = "{\"status\":\"ok\"}\n";
    return request_reply(r, 200, "application/json", body, sizeof body - 1, msg);
}

static const struct route report_routes[] = {{"GET", "/health", health}, {0}};

/* Each is that of a file with pages of one kind. */
static const struct route *const tables[] = {report_routes, NULL};

static const struct route *find(const char *method, const char *path)
{
    for (const struct route *const *t = tables; *t != NULL; t++)
        for (const struct route *a = *t; a->method != NULL; a++)
            if (strcmp(a->method, method) == 0 && strcmp(a->path, path) == 0)
                return a;
    return NULL;
}

/* ---- replies ---- */

static int begin(struct request *r, int status, const char *type, long long length, struct message *msg)
{
    unsigned char header[LWS_PRE + 2048], *start = header + LWS_PRE, *at = start, *end = header + sizeof header - 1;
    lws_filepos_t n = length < 0 ? LWS_ILLEGAL_HTTP_CONTENT_LEN : (lws_filepos_t)length;
    if (lws_add_http_common_headers(r->connection, (unsigned)status, type, n, &at, end) != 0 ||
        lws_finalize_write_http_header(r->connection, start, &at, end) != 0)
        return fail(msg, LINNET_E_IO, "the reply cannot be begun");
    r->has_begun = 1;
    lws_callback_on_writable(r->connection);
    return LINNET_OK;
}

int request_begin(struct request *r, int status, const char *type, struct message *msg)
{
    return begin(r, status, type, -1, msg);
}

int request_reply(struct request *r, int status, const char *type, const void *body, size_t n, struct message *msg)
{
    int rc = begin(r, status, type, (long long)n, msg);
    if (rc >= 0 && n > 0)
        rc = outbox_put(&r->outbox, body, n, msg);
    outbox_end(&r->outbox);
    return rc;
}

/* ---- requests ---- */

static void let_go(struct request *r)
{
    if (atomic_fetch_sub(&r->n_holders, 1) > 1)
        return;
    outbox_close(&r->outbox);
    mem_free(r);
}

static void close_request(struct request *r)
{
    if (r->next != NULL)
        r->next->before = r->before;
    *(r->before != NULL ? &r->before->next : &r->server->requests) = r->next;
    r->connection = NULL;
    let_go(r);
}

static int read_head(struct request *r, struct lws *wsi, const char *path)
{
    static const struct {
        int token;
        const char *name;
    } methods[] = {{WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (lws_hdr_total_length(wsi, (enum lws_token_indexes)methods[i].token) > 0)
            snprintf(r->method, sizeof r->method, "%s", methods[i].name);
    lws_hdr_copy(wsi, r->query, sizeof r->query, WSI_TOKEN_HTTP_URI_ARGS);
    return snprintf(r->path, sizeof r->path, "%s", path) < (int)sizeof r->path ? 0 : -1;
}

static int start(struct lws *wsi, void **user, const char *path)
{
    struct server *s = lws_context_user(lws_get_context(wsi));
    struct message msg = {""};
    struct request *r = mem_array(1, sizeof *r);
    if (r == NULL || outbox_open(&r->outbox, &msg) < 0) {
        mem_free(r);
        return -1;
    }
    r->server = s;
    r->connection = wsi;
    r->heard_s = clock_s();
    atomic_init(&r->n_holders, 1);
    r->next = s->requests;
    if (r->next != NULL)
        r->next->before = r;
    s->requests = r;
    *user = r;
    if (read_head(r, wsi, path) < 0)
        return -1;
    r->route = find(r->method, r->path);
    if (r->route == NULL)
        return request_reply(r, 404, "text/plain", "not found\n", 10, &msg) < 0 ? -1 : 0;
    return r->route->handle(r, &msg) < 0 ? -1 : 0;
}

/* Sends the next piece of the reply. */
static int write_piece(struct request *r)
{
    int is_ended;
    struct outbox_message *m = outbox_take(&r->outbox, &is_ended);
    if (m == NULL)
        return is_ended && lws_http_transaction_completed(r->connection) ? -1 : 0;
    int is_last = is_ended && r->outbox.first == NULL;
    int n = lws_write(r->connection, (unsigned char *)m->bytes, m->n, is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    outbox_free_message(m);
    r->heard_s = clock_s();
    if (n < 0)
        return -1;
    if (is_last)
        return lws_http_transaction_completed(r->connection) ? -1 : 0;
    lws_callback_on_writable(r->connection);
    return 0;
}

int http_callback(struct lws *wsi, int reason, void **user, void *in, size_t n)
{
    struct request *r = user != NULL ? *user : NULL;
    (void)n;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return start(wsi, user, in);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return r != NULL && r->has_begun ? write_piece(r) : 0;
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (r != NULL)
            close_request(r);
        *user = NULL;
        return 0;
    default:
        return 0;
    }
}

void http_wake(struct server *s)
{
    for (struct request *r = s->requests; r != NULL; r = r->next)
        if (r->has_begun)
            lws_callback_on_writable(r->connection);
}
