/* SPDX-License-Identifier: Apache-2.0
 * options.h - the settings that all decoders share. */
#ifndef LINNET_DECODERS_COMMON_OPTIONS_H
#define LINNET_DECODERS_COMMON_OPTIONS_H

#include "base/settings.h"

#define DECODER_TASKS(X) X(DECODER_TRANSCRIBE, "transcribe") X(DECODER_TRANSLATE, "translate")
enum decoder_task { DECODER_TASKS(SETTING_ENUM) };

struct decoder_options {
    char *language;
    enum decoder_task task;
    int name; /* place in the table of decoders, from 1; 0: auto */
    int beam; /* 0: the decoder's default */
    double length_penalty;
    int nbest, word_times, max_tokens;
    struct settings_list clip; /* seconds where the parts to decode start and end, in turn */
    double hotword_bonus;
    char *calibration; /* a file of it, "auto" or "none" */
};

extern const struct settings_table decoder_settings;

enum { DECODER_BEAM = 10 };

/* Hypotheses that a frame-synchronous decoder keeps. */
static inline int decoder_beam(const struct decoder_options *o) { return o->beam > 0 ? o->beam : DECODER_BEAM; }

#endif
