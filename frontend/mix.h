/* SPDX-License-Identifier: Apache-2.0
 * mix.h - channels to one, at the scale [-1, 1].
 *
 * The mean of channels that cancel each other is silence: where it has far less energy than channels that have nothing
 * to do with each other would leave, the loudest channel stands for all.  Samples stored as floating point may be
 * integers in disguise, up to 32768 or more: where they are, all are divided by the power of two above the largest.
 * Both are judged on frames that are shown first, and hold for all. */
#ifndef LINNET_FRONTEND_MIX_H
#define LINNET_FRONTEND_MIX_H

#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "base/status.h"

#define MIX_MAX_CHANNELS 256

struct mix_options {
    char *channel; /* "mix", "left", "right", or a number from 1 */
};
extern const struct settings_table mix_settings;

struct mix {
    int n_channels;
    int wanted, channel; /* -1: their mean; channel: in use */
    int may_scale;
    float scale;
    double energy[MIX_MAX_CHANNELS], mean_energy; /* of frames shown */
    float peak;
    uint64_t n_large, n_sounds; /* samples beyond any usual scale, and those that are not 0 */
    struct message note;        /* what was done, "": nothing unusual */
};

/* is_float: samples are stored as floating point.  Fails with what is wrong with `channel` (NULL: "mix"). */
int mix_init(struct mix *m, const char *channel, int n_channels, int is_float, struct message *msg) LINNET_MUST_CHECK;

int mix_is_undecided(const struct mix *m);                   /* frames should be shown to it */
void mix_show(struct mix *m, const float *frames, size_t n); /* frames [n, n_channels] */
void mix_decide(struct mix *m);                              /* by all that were shown so far */

/* Mixes n frames into mono; returns how many come before one that cannot be used. */
size_t mix_run(const struct mix *m, const float *frames, size_t n, float *mono);

#endif
