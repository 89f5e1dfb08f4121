/* SPDX-License-Identifier: Apache-2.0
 * resample.h - changes the sample rate of a stream (libsoxr, high quality), one channel.
 *
 * What comes out does not depend on the sizes in which samples are fed; when it comes out does a little: the input is
 * worked on in blocks of 10 ms and the filter looks ahead (resample_feed may return nothing for some calls).  n samples
 * in give round(n * out_hz / in_hz) samples out once finish was called, and sample 0 stays at time 0. */
#ifndef LINNET_FRONTEND_RESAMPLE_H
#define LINNET_FRONTEND_RESAMPLE_H

#include <stddef.h>

#include "base/status.h"

#define RESAMPLE_MIN_HZ 1000
#define RESAMPLE_MAX_HZ 768000

struct resample;

int resample_open(struct resample **out, int in_hz, int out_hz, struct message *msg) LINNET_MUST_CHECK;
void resample_close(struct resample *r);
int resample_reset(struct resample *r, struct message *msg) LINNET_MUST_CHECK; /* as new */

/* The most samples that feeding n (0 for finish) can give: the room that `to` needs. */
size_t resample_max_samples(const struct resample *r, size_t n);

int resample_feed(struct resample *r, const float *from, size_t n, float *to, size_t *n_to,
                  struct message *msg) LINNET_MUST_CHECK;

/* The end of the stream: the samples still inside.  Only reset or close may follow. */
int resample_finish(struct resample *r, float *to, size_t *n_to, struct message *msg) LINNET_MUST_CHECK;

#endif
