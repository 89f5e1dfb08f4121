/* SPDX-License-Identifier: Apache-2.0
 * watch.h - looks each second for what takes too long: live clients from whom nothing comes, and those who are left
 * when the server must end; and how much memory the process has. */
#ifndef LINNET_SERVE_WATCH_H
#define LINNET_SERVE_WATCH_H

#include "base/status.h"

struct server;
struct watch;

LINNET_MUST_CHECK int watch_open(struct watch **out, struct server *s, struct message *msg);
void watch_close(struct watch *w);

#endif
