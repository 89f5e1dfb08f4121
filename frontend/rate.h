/* SPDX-License-Identifier: Apache-2.0
 * rate.h - the one sample rate behind the resampler. */
#ifndef LINNET_FRONTEND_RATE_H
#define LINNET_FRONTEND_RATE_H

#define AUDIO_RATE_HZ 16000

#endif
