/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/gate.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "serve/guard.h"
#include "serve/request.h"
#include "serve/server.h"

enum { MOST_HEADER = 1024 };

/* "" where there is none; NULL: too long a one. */
static const char *header(struct lws *wsi, enum lws_token_indexes token, char *text)
{
    text[0] = '\0';
    return lws_hdr_copy(wsi, text, MOST_HEADER, token) < 0 ? NULL : text;
}

static enum guard_verdict judge(struct server *s, struct lws *wsi, int is_public)
{
    char host[MOST_HEADER], origin[MOST_HEADER], authorization[MOST_HEADER], protocols[MOST_HEADER];
    const struct guard_headers h = {header(wsi, WSI_TOKEN_HOST, host), header(wsi, WSI_TOKEN_ORIGIN, origin),
                                    header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, authorization),
                                    header(wsi, WSI_TOKEN_PROTOCOL, protocols)};
    if (h.host == NULL)
        return GUARD_HOST;
    return h.origin == NULL ? GUARD_ORIGIN : guard_judge(s->guard, &h, is_public);
}

static int refuse(struct server *s, enum refusal reason, int status, const char *text, const char **why)
{
    server_refuse(s, reason);
    *why = text;
    return status;
}

int gate_check(struct server *s, struct lws *wsi, int kind, const char **why)
{
    switch (judge(s, wsi, (kind & GATE_PUBLIC) != 0)) {
    case GUARD_TOKEN:
        return refuse(s, REFUSED_TOKEN, 401, "a token is needed: Authorization: Bearer TOKEN", why);
    case GUARD_ORIGIN:
        return refuse(s, REFUSED_ORIGIN, 403, "pages of this origin may not use the server", why);
    case GUARD_HOST:
        return refuse(s, REFUSED_HOST, 403, "the server does not go by that name", why);
    default:
        break;
    }
    if ((kind & GATE_WORK) != 0 && s->is_draining)
        return refuse(s, REFUSED_DRAINING, 503, "the server is about to end", why);
    if ((kind & GATE_WORK) != 0 && !server_has_memory(s))
        return refuse(s, REFUSED_MEMORY, 503, "the server has no more memory: try again later", why);
    return 0;
}

/* ---- replies ---- */

/* Of a page that may use the server: browsers hide replies from others. */
static int add_origin(struct request *r, const char *origin, struct message *msg)
{
    int rc = request_header(r, "access-control-allow-origin", origin, msg);
    if (rc >= 0)
        rc = request_header(r, "vary", "Origin", msg);
    if (rc < 0 || strcmp(r->method, "OPTIONS") != 0)
        return rc;
    if ((rc = request_header(r, "access-control-allow-methods", "GET, POST, OPTIONS", msg)) >= 0)
        rc = request_header(r, "access-control-allow-headers", "Authorization, Content-Type", msg);
    return rc < 0 ? rc : request_header(r, "access-control-max-age", "600", msg);
}

int gate_add_headers(struct request *r, int status, struct message *msg)
{
    char origin[MOST_HEADER];
    int rc = request_header(r, "x-content-type-options", "nosniff", msg);
    if (rc >= 0 && status == 401)
        rc = request_header(r, "www-authenticate", "Bearer", msg);
    if (rc >= 0 && header(r->connection, WSI_TOKEN_ORIGIN, origin) != NULL && origin[0] != '\0' &&
        guard_allows_origin(r->server->guard, origin))
        rc = add_origin(r, origin, msg);
    return rc;
}

/* Tells an upgrade that it is refused, in words that need no parsing of what asked for it. */
static void tell(struct lws *wsi, int status, const char *why)
{
    static const struct {
        int status;
        const char *words;
    } lines[] = {{400, "400 Bad Request"},
                 {401, "401 Unauthorized\r\nwww-authenticate: Bearer"},
                 {403, "403 Forbidden"},
                 {404, "404 Not Found"},
                 {503, "503 Service Unavailable\r\nretry-after: 5"}};
    unsigned char bytes[LWS_PRE + 512];
    size_t i = 0;
    while (lines[i].status != status)
        i++;
    int n = snprintf((char *)bytes + LWS_PRE, sizeof bytes - LWS_PRE,
                     "HTTP/1.1 %s\r\ncontent-type: text/plain\r\ncontent-length: %zu\r\nconnection: close\r\n\r\n%s\n",
                     lines[i].words, strlen(why) + 1, why);
    (void)!lws_write(wsi, bytes + LWS_PRE, (size_t)n, LWS_WRITE_HTTP_HEADERS);
}

int gate_upgrade(struct server *s, struct lws *wsi, char *to, int is_known)
{
    if (strcasecmp(to, "h2c") == 0) {
        to[0] = '-'; /* browsers and libraries offer HTTP/2 in passing: the request goes on as it is */
        return 0;
    }
    const char *why = "this upgrade is not understood";
    int status = strcasecmp(to, "websocket") != 0 ? 400 : gate_check(s, wsi, GATE_WORK, &why);
    if (status == 0 && !is_known) {
        status = 404;
        why = "there is no websocket at this address";
    }
    if (status == 0)
        return 0;
    report_reply(&s->report, "websocket", status);
    tell(wsi, status, why);
    return -1;
}
