/* SPDX-License-Identifier: Apache-2.0
 * host.h - what a stream gives its decoder; lives as long as the decoder. */
#ifndef LINNET_DECODERS_COMMON_HOST_H
#define LINNET_DECODERS_COMMON_HOST_H

#include <stdatomic.h>

#include "decoders/common/events.h"
#include "decoders/common/model.h"
#include "decoders/common/options.h"
#include "frontend/rate.h"

struct decoder_host {
    const struct decoder *decoder;
    const struct linnet_model *model;
    const struct settings *settings;
    int streaming;
    struct events *events;
    struct linnet_stats *stats;  /* the decoder adds its times and counts */
    const atomic_int *cancelled; /* checked between steps */
    struct message *msg;
};

#endif
