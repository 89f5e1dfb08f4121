/* SPDX-License-Identifier: Apache-2.0
 * guard.h - who may speak to the server: who has a token, and comes from a web page that may.
 *
 * Browsers run what any page says.  So that a page from elsewhere cannot use the server of its reader, a request that
 * names its origin is taken only where that is the server itself, or allowed; and on loopback without tokens only under
 * a name of this machine, for a name of theirs could be pointed to it (DNS rebinding). */
#ifndef LINNET_SERVE_GUARD_H
#define LINNET_SERVE_GUARD_H

#include "base/status.h"

struct guard;

struct guard_options {
    const char *token_file; /* tokens, a line each; NULL: none */
    int no_token;           /* nobody needs one, wherever from */
    char *const *origins;   /* [n_origins] of pages that may use the server beside its own; "*": any */
    int n_origins;
    const char *host; /* that it listens on */
    int is_loopback, has_tls;
};

/* Of a request; NULL or "": it has none. */
struct guard_headers {
    const char *host, *origin, *authorization;
    const char *protocols; /* of websockets: "linnet, linnet-token.x" */
};

enum guard_verdict { GUARD_PASSES, GUARD_TOKEN, GUARD_ORIGIN, GUARD_HOST, GUARD_VERDICTS };

/* Fails where others than this machine could reach the server and nothing says that all of them may use it. */
LINNET_MUST_CHECK int guard_open(struct guard **out, const struct guard_options *o, struct message *msg);
void guard_close(struct guard *g);

/* What is wrong with a request; is_public: it needs no token. */
enum guard_verdict guard_judge(const struct guard *g, const struct guard_headers *h, int is_public);

/* Whether the page of that origin, not the server's own, may read replies. */
int guard_allows_origin(const struct guard *g, const char *origin);

#endif
