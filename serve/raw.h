/* SPDX-License-Identifier: Apache-2.0
 * raw.h - clients of live protocols over plain TCP, at a port of their own. */
#ifndef LINNET_SERVE_RAW_H
#define LINNET_SERVE_RAW_H

#include "base/status.h"

struct server;

/* Takes the port for Wyoming's clients; from raw_start on they are served, which a line on stderr tells. */
LINNET_MUST_CHECK int raw_open(struct server *s, struct message *msg);
LINNET_MUST_CHECK int raw_start(struct server *s, struct message *msg);

#endif
