/* SPDX-License-Identifier: Apache-2.0
 * clock.h - a clock to measure with. */
#ifndef LINNET_BASE_CLOCK_H
#define LINNET_BASE_CLOCK_H

double clock_s(void); /* monotonic, from an arbitrary start */

#endif
