/* SPDX-License-Identifier: Apache-2.0
 * guard.c - tokens are compared in constant time: how long it takes tells nothing of how much of one is right. */
#include "serve/guard.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/lines.h"
#include "base/mem.h"

enum { MOST_TOKEN = 256, LEAST_TOKEN = 8, MOST_FILE = 1 << 20 };

struct token {
    char text[MOST_TOKEN + 1];
    char encoded[MOST_TOKEN * 4 / 3 + 8]; /* base64url without padding, as subprotocols are spelled with it */
};

struct guard {
    struct guard_options options;
    struct token *tokens; /* [n] */
    int n, room;
};

/* ---- opening ---- */

static int add_token(struct guard *g, const struct lines *lines, const struct line *line, struct message *msg)
{
    if (line->n < LEAST_TOKEN || line->n > MOST_TOKEN)
        return lines_fail(lines, msg, "a token has from %d to %d characters", LEAST_TOKEN, MOST_TOKEN);
    if (MEM_GROW(g->tokens, g->room, g->n + 1) < 0)
        return fail_memory(msg);
    struct token *t = &g->tokens[g->n];
    snprintf(t->text, sizeof t->text, "%s", line->text);
    if (lws_b64_encode_string_url(t->text, (int)line->n, t->encoded, sizeof t->encoded) < 0)
        return lines_fail(lines, msg, "too long a token");
    t->encoded[strcspn(t->encoded, "=")] = '\0';
    g->n++;
    return LINNET_OK;
}

static int read_tokens(struct guard *g, const char *path, struct message *msg)
{
    struct lines lines = {0};
    struct line line;
    int rc = lines_open(&lines, path, MOST_FILE, msg);
    while (rc >= 0 && (rc = lines_next(&lines, &line, msg)) > 0) {
        line_trim(&line);
        if (line.n > 0 && line.text[0] != '#')
            rc = add_token(g, &lines, &line, msg);
    }
    lines_close(&lines);
    return rc >= 0 && g->n == 0 ? fail(msg, LINNET_E_FORMAT, "%s: there is no token in it", path) : rc;
}

int guard_open(struct guard **out, const struct guard_options *o, struct message *msg)
{
    if (!o->is_loopback && o->token_file == NULL && !o->no_token)
        return fail(msg, LINNET_E_ARGUMENT,
                    "other machines can reach %s: give --token-file FILE, or --no-token to serve whoever comes",
                    o->host);
    if (o->token_file != NULL && o->no_token)
        return fail(msg, LINNET_E_ARGUMENT, "--token-file and --no-token exclude each other");
    struct guard *g = mem_array(1, sizeof *g);
    if (g == NULL)
        return fail_memory(msg);
    g->options = *o;
    int rc = o->token_file != NULL ? read_tokens(g, o->token_file, msg) : LINNET_OK;
    if (rc < 0) {
        guard_close(g);
        return rc;
    }
    *out = g;
    return LINNET_OK;
}

void guard_close(struct guard *g)
{
    if (g == NULL)
        return;
    mem_free(g->tokens);
    mem_free(g);
}

/* ---- tokens ---- */

static int is_equal(const char *a, size_t n, const char *b)
{
    return strlen(b) == n && lws_timingsafe_bcmp(a, b, (uint32_t)n) == 0;
}

static int is_token(const struct guard *g, const char *text, size_t n, int is_encoded)
{
    int is_one = 0;
    for (int i = 0; i < g->n; i++)
        is_one |= is_equal(text, n, is_encoded ? g->tokens[i].encoded : g->tokens[i].text);
    return is_one;
}

static int bears_token(const struct guard *g, const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
        return 0;
    const char *text = authorization + 7 + strspn(authorization + 7, " ");
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    return is_token(g, text, n, 0);
}

/* Browsers cannot set headers of a websocket: there the token is among the subprotocols. */
static int offers_token(const struct guard *g, const char *protocols)
{
    static const struct {
        const char *prefix;
        int is_encoded;
    } kinds[] = {{"linnet-token.", 1}, {"openai-insecure-api-key.", 0}};
    for (const char *at = protocols; at != NULL && *at != '\0';) {
        at += strspn(at, ", \t");
        size_t n = strcspn(at, ", \t");
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            size_t n_prefix = strlen(kinds[i].prefix);
            if (n > n_prefix && strncmp(at, kinds[i].prefix, n_prefix) == 0 &&
                is_token(g, at + n_prefix, n - n_prefix, kinds[i].is_encoded))
                return 1;
        }
        at += n;
    }
    return 0;
}

/* ---- origins and hosts ---- */

int guard_allows_origin(const struct guard *g, const char *origin)
{
    for (int i = 0; i < g->options.n_origins; i++)
        if (strcmp(g->options.origins[i], "*") == 0 || strcasecmp(g->options.origins[i], origin) == 0)
            return 1;
    return 0;
}

/* What follows the scheme; NULL: there is none. */
static const char *host_of(const char *origin)
{
    const char *at = strstr(origin, "://");
    return at != NULL ? at + 3 : NULL;
}

/* The page is the server's: a proxy before it may have put TLS between them. */
static int is_own_origin(const struct guard *g, const char *origin, const char *host)
{
    const char *named = host_of(origin);
    return named != NULL && host != NULL && strcasecmp(named, host) == 0 &&
           (!g->options.has_tls || strncasecmp(origin, "https:", 6) == 0);
}

/* A host's name, without the port. */
static void cut_port(char *name, size_t size, const char *host)
{
    size_t n = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":");
    const char *start = host[0] == '[' ? host + 1 : host;
    n -= host[0] == '[' && n > 0;
    snprintf(name, size, "%.*s", (int)(n < size ? n : size - 1), start);
}

/* Nobody else can point that name to this machine: numbers are no names. */
static int is_own_name(const struct guard *g, const char *host)
{
    char name[256], other[256];
    unsigned char address[16];
    cut_port(name, sizeof name, host);
    if (strcasecmp(name, "localhost") == 0 || strcasecmp(name, g->options.host) == 0 ||
        inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
        return 1;
    for (int i = 0; i < g->options.n_origins; i++) {
        const char *allowed = host_of(g->options.origins[i]);
        if (allowed == NULL)
            continue;
        cut_port(other, sizeof other, allowed);
        if (strcasecmp(name, other) == 0)
            return 1;
    }
    return 0;
}

/* ---- all of it ---- */

static int is_given(const char *text) { return text != NULL && *text != '\0'; }

enum guard_verdict guard_judge(const struct guard *g, const struct guard_headers *h, int is_public)
{
    if (g->options.is_loopback && g->n == 0 && is_given(h->host) && !is_own_name(g, h->host))
        return GUARD_HOST;
    if (is_given(h->origin) && !is_own_origin(g, h->origin, h->host) && !guard_allows_origin(g, h->origin))
        return GUARD_ORIGIN;
    if (g->n > 0 && !is_public && !bears_token(g, h->authorization) && !offers_token(g, h->protocols))
        return GUARD_TOKEN;
    return GUARD_PASSES;
}
