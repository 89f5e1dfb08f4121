/* SPDX-License-Identifier: Apache-2.0
 * realtime_session.h - what a client of the Realtime API has set: read from both shapes of its updates, and told in
 * them.  The first API (beta) has a flat session, and events of other names; the present one nests all in audio.input.
 */
#ifndef LINNET_SERVE_REALTIME_SESSION_H
#define LINNET_SERVE_REALTIME_SESSION_H

#include <jansson.h>

#include "serve/models.h"
#include "serve/samples.h"

struct realtime_session {
    enum samples_encoding encoding;
    int rate_hz;
    struct serve_model *model;
    char model_name[128]; /* as the client calls it, or "" */
    char language[64], prompt[SERVE_TEXT + 1];
    int has_turns;  /* an endpoint ends an item; else the client does */
    int silence_ms; /* of an endpoint; 0: the server's own */
    char id[24];
};

/* As it is at first.  model: NULL: the first. */
void realtime_session_init(struct realtime_session *s, struct serve_model *model, const struct serve_models *models);

/* Changes what the update names: all of it, or nothing after a failure. */
LINNET_MUST_CHECK int realtime_session_update(struct realtime_session *s, const json_t *update,
                                              const struct serve_models *models, struct message *msg);
json_t *realtime_session_tell(const struct realtime_session *s, int is_beta);

#endif
