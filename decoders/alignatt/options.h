/* SPDX-License-Identifier: Apache-2.0
 * options.h - the settings of streaming Whisper (decoders alignatt and simul_whisper). */
#ifndef LINNET_DECODERS_ALIGNATT_OPTIONS_H
#define LINNET_DECODERS_ALIGNATT_OPTIONS_H

#include "base/settings.h"

struct alignatt_options {
    int frame_threshold, rewind_threshold; /* encoder frames of 20 ms */
    double delay_s, sure_delay_s, sure;    /* before a word is committed; sure: probability */
    double segment_s, buffer_s, context_s;
    char *head; /* directory; "": the model's */
};
extern const struct settings_table alignatt_settings;

#endif
