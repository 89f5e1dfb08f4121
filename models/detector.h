/* SPDX-License-Identifier: Apache-2.0
 * detector.h - which voice detector there is: Silero VAD's weights in the model cache. */
#ifndef LINNET_MODELS_DETECTOR_H
#define LINNET_MODELS_DETECTOR_H

#include "base/facts.h"
#include "base/settings.h"

/* In the model cache. */
#define DETECTOR_FILE "silero-vad/silero_vad_16k.safetensors"

/* Completes vad.model (frontend/vad.h) by the file in the model cache, if it is there.  Fails where silero is asked for
 * and there is none. */
LINNET_MUST_CHECK int detector_find(struct settings *s, struct message *msg);

/* Which it would be, for `linnet info`. */
void detector_facts(struct facts *f);

#endif
