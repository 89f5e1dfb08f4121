/* SPDX-License-Identifier: Apache-2.0
 * rehearsal.h - decodes some seconds of a made voice with each model, so that what live streams cost is known before
 * the first of them comes. */
#ifndef LINNET_SERVE_REHEARSAL_H
#define LINNET_SERVE_REHEARSAL_H

#include "serve/models.h"

/* On n_threads at once, as when the server is busy; puts into each model's cost what its seconds took. */
LINNET_MUST_CHECK int rehearsal_run(struct serve_models *models, int n_threads, struct message *msg);

/* The voice: n samples at 16 kHz of babble, syllables of a source and formants. */
void rehearsal_voice(float *samples, size_t n);

#endif
