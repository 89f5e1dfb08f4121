/* SPDX-License-Identifier: Apache-2.0
 * http.c - HTTP/1.1 on libwebsockets.
 *
 * libwebsockets parses the head of a request and counts the bytes of its body, whose length must be declared.  A
 * request that is refused before its body has come is answered at once; some of the body is still read, for a client
 * that is cut off while it sends may never see the answer.
 *
 * A connection is kept for further requests after one with a body alone.  What comes in one packet with a request
 * without one, libwebsockets 4.1 keeps in a buffer; if that is a request with a body, it takes its head for the body
 * too, and closes the connection twice or loops for ever. */
#include "serve/http.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "serve/gate.h"
#include "serve/server.h"

enum {
    PIECE = 16 << 10,     /* bytes of a reply that are written at a time */
    DROP_MOST = 1 << 20,  /* bytes of a refused body that are read */
    DROP_S = 2,           /* and for how long */
    GRACE_S = 30,         /* after which a body must have come at */
    SLOWEST = 1000,       /* bytes in a second on average */
    LENGTH_DIGITS = 15,   /* of a declared length */
    LONGEST_HEADER = 2048 /* bytes of a reply's head */
};

static const struct route *const tables[] = {openai_routes, page_routes, report_routes, NULL};

/* ---- routes ---- */

static int is_of(const struct route *a, const char *path)
{
    size_t n = strlen(a->path);
    return n > 1 && a->path[n - 1] == '/' ? strncmp(a->path, path, n) == 0 && path[n] != '\0'
                                          : strcmp(a->path, path) == 0;
}

static int takes(const struct route *a, const char *method)
{
    return strcmp(a->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(a->method, "GET") == 0);
}

/* The route; NULL: there is none, and then `allowed` has the methods of that path, or "". */
static const struct route *find(const char *method, const char *path, char *allowed, size_t size)
{
    allowed[0] = '\0';
    for (const struct route *const *t = tables; *t != NULL; t++)
        for (const struct route *a = *t; a->method != NULL; a++) {
            if (!is_of(a, path))
                continue;
            if (takes(a, method))
                return a;
            size_t n = strlen(allowed);
            snprintf(allowed + n, size - n, "%s%s, ", strcmp(a->method, "GET") == 0 ? "HEAD, " : "", a->method);
        }
    if (allowed[0] != '\0')
        snprintf(allowed + strlen(allowed), size - strlen(allowed), "OPTIONS");
    return NULL;
}

/* ---- heads ---- */

static int is_post(const struct request *r) { return strcmp(r->method, "POST") == 0; }

static int is_chunked(const struct request *r)
{
    return lws_hdr_total_length(r->connection, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
}

static int has_length(const struct request *r)
{
    return lws_hdr_total_length(r->connection, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
}

/* libwebsockets waits for a body of these methods, whether its length is declared or not. */
static int may_have_body(const struct request *r)
{
    return is_post(r) || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0;
}

static int read_head(struct request *r, const char *path, struct message *msg)
{
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"}, {WSI_TOKEN_HEAD_URI, "HEAD"},
                   {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_PUT_URI, "PUT"},   {WSI_TOKEN_PATCH_URI, "PATCH"},
                   {WSI_TOKEN_DELETE_URI, "DELETE"}};
    struct lws *wsi = r->connection;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (lws_hdr_total_length(wsi, methods[i].token) > 0)
            snprintf(r->method, sizeof r->method, "%s", methods[i].name);
    int is_short = snprintf(r->path, sizeof r->path, "%s", path) < (int)sizeof r->path &&
                   lws_hdr_copy(wsi, r->query, sizeof r->query, WSI_TOKEN_HTTP_URI_ARGS) >= 0 &&
                   lws_hdr_copy(wsi, r->content_type, sizeof r->content_type, WSI_TOKEN_HTTP_CONTENT_TYPE) >= 0;
    return is_short ? LINNET_OK : fail(msg, LINNET_E_ARGUMENT, "the request's address or type is too long");
}

/* The body's length as declared; SIZE_MAX: it is no length, or one that nobody sends. */
static size_t declared_length(const struct request *r)
{
    char text[LENGTH_DIGITS + 1] = "";
    if (!has_length(r))
        return 0;
    if (lws_hdr_copy(r->connection, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
        text[strspn(text, "0123456789")] != '\0')
        return SIZE_MAX;
    return (size_t)strtoull(text, NULL, 10);
}

/* The status with which a request is refused for its body, or 0. */
static int check_length(const struct request *r, struct message *msg)
{
    size_t most = (size_t)r->server->options->upload_mb << 20;
    if (is_chunked(r) || (is_post(r) && !has_length(r))) {
        fail(msg, LINNET_E_ARGUMENT, "a body needs its length in Content-Length, and no Transfer-Encoding");
        return 411;
    }
    if (r->length > 0 && !is_post(r)) {
        fail(msg, LINNET_E_ARGUMENT, "%s takes no body", r->method);
        return 400;
    }
    if (r->length <= most)
        return 0;
    fail(msg, LINNET_E_ARGUMENT, "the body is too long: %d MB at most are taken", r->server->options->upload_mb);
    return 413;
}

/* Whether the server wants nothing to do with the request: then it is answered.  Questions of browsers whether they
 * may ask have no token. */
static int is_turned_away(struct request *r, struct message *msg)
{
    const char *why = "";
    int is_public = strcmp(r->method, "OPTIONS") == 0 || (r->route != NULL && r->route->is_public);
    int status =
        gate_check(r->server, r->connection, (is_public ? GATE_PUBLIC : 0) | (is_post(r) ? GATE_WORK : 0), &why);
    int rc = gate_add_headers(r, status, msg);
    if (rc >= 0 && status != 0)
        rc = request_refuse(r, status, NULL, NULL, why, msg) < 0 ? LINNET_E_IO : 1;
    return rc;
}

/* A client that waits for a word before it sends its body. */
static int encourage(struct request *r, struct message *msg)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    unsigned char bytes[LWS_PRE + sizeof line];
    char expected[32];
    if (!is_post(r) || lws_hdr_copy(r->connection, expected, sizeof expected, WSI_TOKEN_HTTP_EXPECT) <= 0 ||
        strcasecmp(expected, "100-continue") != 0)
        return LINNET_OK;
    memcpy(bytes + LWS_PRE, line, sizeof line - 1);
    int n = lws_write(r->connection, bytes + LWS_PRE, sizeof line - 1, LWS_WRITE_HTTP_HEADERS);
    return n >= 0 ? LINNET_OK : fail(msg, LINNET_E_IO, "the connection is gone");
}

/* The head has come: answers the request, or waits for its body. */
static int take_head(struct request *r, const char *path, struct message *msg)
{
    char allowed[64];
    int rc = read_head(r, path, msg), status;
    if (rc < 0)
        return request_refuse(r, 414, NULL, NULL, msg->text, msg);
    r->route = find(r->method, r->path, allowed, sizeof allowed);
    if ((rc = is_turned_away(r, msg)) != 0)
        return rc;
    if (r->route == NULL && allowed[0] == '\0')
        return request_refuse(r, 404, NULL, NULL, "there is nothing at this address", msg);
    if (r->route == NULL) {
        rc = request_header(r, "allow", allowed, msg);
        return rc < 0                              ? rc
               : strcmp(r->method, "OPTIONS") == 0 ? request_reply(r, 204, NULL, NULL, 0, msg)
                                                   : request_refuse(r, 405, NULL, NULL, "not with this method", msg);
    }
    status = check_length(r, msg);
    if (status == 413)
        server_refuse(r->server, REFUSED_BODY);
    if (status != 0)
        return request_refuse(r, status, NULL, NULL, msg->text, msg);
    if (!is_post(r))
        return r->route->handle(r, msg);
    rc = r->route->open != NULL ? r->route->open(r, msg) : LINNET_OK;
    return rc < 0 ? rc : encourage(r, msg);
}

/* What a route returned: whatever went wrong, there is an answer.  < 0: the connection is to be closed. */
static int settle(struct request *r, int rc, const struct message *msg)
{
    if (rc < 0 && !atomic_load(&r->is_answered))
        rc = request_refuse(r, request_status_of(rc), NULL, NULL, msg->text, NULL);
    return rc < 0 ? -1 : 0;
}

static int start(struct lws *wsi, void **user, const char *path)
{
    struct message msg = {""};
    struct server *s = lws_context_user(lws_get_context(wsi));
    struct request *r = mem_array(1, sizeof *r);
    if (r == NULL || outbox_open(&r->outbox, &msg) < 0) {
        mem_free(r);
        return -1;
    }
    r->server = s;
    r->connection = wsi;
    r->begun_s = r->heard_s = clock_s();
    atomic_init(&r->n_holders, 1);
    atomic_init(&r->is_answered, 0);
    r->next = s->requests;
    if (r->next != NULL)
        r->next->before = r;
    s->requests = r;
    *user = r;
    r->length = declared_length(r);
    int rc = settle(r, take_head(r, path, &msg), &msg);
    r->is_whole = !may_have_body(r) && r->length == 0 && !is_chunked(r);
    if (r->is_whole)
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    r->is_refused = !r->is_whole && atomic_load(&r->is_answered);
    return rc;
}

static void close_request(struct request *r)
{
    if (r->route != NULL && r->route->gone != NULL)
        r->route->gone(r);
    if (r->next != NULL)
        r->next->before = r->before;
    *(r->before != NULL ? &r->before->next : &r->server->requests) = r->next;
    r->connection = NULL;
    request_let_go(r);
}

/* ---- bodies ---- */

static int take_body(struct request *r, const char *bytes, size_t n)
{
    struct message msg = {""};
    r->n_received += n;
    r->server->report.bytes_in += n;
    r->heard_s = clock_s();
    double taken_s = r->heard_s - r->begun_s;
    if (r->is_refused)
        return r->n_received > DROP_MOST || (r->is_sent && taken_s > DROP_S) ? -1 : 0;
    int rc = LINNET_OK;
    if (taken_s > GRACE_S && (double)r->n_received < taken_s * SLOWEST) {
        server_refuse(r->server, REFUSED_IDLE);
        rc = request_refuse(r, 408, NULL, NULL, "the body comes too slowly", &msg);
    } else if (n > 0 && r->route->body != NULL)
        rc = r->route->body(r, bytes, n, &msg);
    rc = settle(r, rc, &msg);
    r->is_refused = atomic_load(&r->is_answered);
    return rc;
}

/* libwebsockets calls this again for what follows a body before it is answered: nobody should send that. */
static int end_body(struct request *r)
{
    struct message msg = {""};
    int is_again = r->is_whole;
    r->is_whole = 1;
    if (r->is_refused)
        return r->is_sent ? -1 : 0;
    return is_again ? -1 : settle(r, r->route->handle(r, &msg), &msg);
}

/* ---- replies ---- */

static int add_headers(struct request *r, unsigned char **at, unsigned char *end)
{
    for (const char *name = r->headers, *value; name < r->headers + r->n_headers; name = value + strlen(value) + 1) {
        value = name + strlen(name) + 1;
        if (lws_add_http_header_by_name(r->connection, (const unsigned char *)name, (const unsigned char *)value,
                                        (int)strlen(value), at, end) != 0)
            return -1;
    }
    return 0;
}

/* Whether the connection is for another request afterwards. */
static int is_kept(const struct request *r)
{
    return is_post(r) && !r->is_refused && r->reply_length >= 0 && !r->server->is_draining;
}

static int send_head(struct request *r)
{
    unsigned char header[LWS_PRE + LONGEST_HEADER], *start = header + LWS_PRE, *at = start;
    unsigned char *end = header + sizeof header - 1;
    char length[32];
    snprintf(length, sizeof length, "%lld", r->reply_length);
    report_reply(&r->server->report, r->route != NULL ? r->route->path : NULL, r->status);
    if ((r->type != NULL && request_header(r, "content-type", r->type, NULL) < 0) ||
        (r->reply_length >= 0 && r->status != 204 && request_header(r, "content-length", length, NULL) < 0) ||
        (r->status == 503 && request_header(r, "retry-after", "5", NULL) < 0) ||
        (!is_kept(r) && request_header(r, "connection", "close", NULL) < 0))
        return -1;
    if (lws_add_http_header_status(r->connection, (unsigned)r->status | LWSAHH_FLAG_NO_SERVER_NAME, &at, end) != 0 ||
        add_headers(r, &at, end) != 0 || lws_finalize_write_http_header(r->connection, start, &at, end) != 0)
        return -1;
    r->has_begun = 1;
    lws_callback_on_writable(r->connection);
    return 0;
}

/* All is sent.  A client that still sends a body has some time to read the reply. */
static int finish(struct request *r)
{
    r->is_sent = 1;
    if (is_kept(r))
        return lws_http_transaction_completed(r->connection) != 0 ? -1 : 0;
    lws_set_timeout(r->connection, PENDING_TIMEOUT_HTTP_CONTENT, DROP_S);
    return r->is_whole ? -1 : 0;
}

static int send_piece(struct request *r)
{
    int is_ended = 0, is_head = strcmp(r->method, "HEAD") == 0;
    if (r->is_sent)
        return 0;
    if (r->sending == NULL) {
        r->sending = is_head ? NULL : outbox_take(&r->outbox, &is_ended);
        r->n_sent = 0;
    }
    if (r->sending == NULL) {
        if (is_head || is_ended)
            return finish(r);
        lws_set_timeout(r->connection, NO_PENDING_TIMEOUT, 0); /* it is us who are waited for */
        return 0;
    }
    size_t n = r->sending->n - r->n_sent;
    n = n < PIECE ? n : PIECE;
    if (lws_write(r->connection, (unsigned char *)r->sending->bytes + r->n_sent, n, LWS_WRITE_HTTP) < 0)
        return -1;
    r->n_sent += n;
    r->n_written += n;
    r->server->report.bytes_out += n;
    r->heard_s = clock_s();
    if (r->n_sent == r->sending->n) {
        outbox_free_message(r->sending);
        r->sending = NULL;
    }
    lws_set_timeout(r->connection, PENDING_TIMEOUT_HTTP_CONTENT, (int)r->server->options->idle_s);
    if (r->reply_length >= 0 && r->n_written == (size_t)r->reply_length)
        return finish(r); /* before another request can be here */
    lws_callback_on_writable(r->connection);
    return 0;
}

/* ---- the loop ---- */

int http_callback(struct lws *wsi, int reason, void **user, void *in, size_t n)
{
    struct request *r = user != NULL ? *user : NULL;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return start(wsi, user, in);
    case LWS_CALLBACK_HTTP_BODY:
        return r != NULL ? take_body(r, in, n) : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return r != NULL ? end_body(r) : -1;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return r == NULL || !atomic_load(&r->is_answered) ? 0 : r->has_begun ? send_piece(r) : send_head(r);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (r != NULL) {
            *user = NULL;
            close_request(r);
        }
        return 0;
    default:
        return 0;
    }
}

void http_wake(struct server *s)
{
    for (struct request *r = s->requests; r != NULL; r = r->next)
        if (atomic_load(&r->is_answered) && !r->is_sent && (!r->has_begun || !outbox_is_empty(&r->outbox)))
            lws_callback_on_writable(r->connection);
}
