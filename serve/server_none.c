/* SPDX-License-Identifier: Apache-2.0
 * server_none.c - where linnet was built without libwebsockets. */
#include "serve/server.h"

int serve_run(const struct serve_options *o, char *const *names, int n, struct message *msg)
{
    (void)o, (void)names, (void)n;
    return fail(msg, LINNET_E_UNSUPPORTED,
                "this linnet cannot serve: build it with libwebsockets (Debian: libwebsockets-dev)");
}
