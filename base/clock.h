/* SPDX-License-Identifier: Apache-2.0
 * clock.h - clocks to measure with. */
#ifndef LINNET_BASE_CLOCK_H
#define LINNET_BASE_CLOCK_H

double clock_s(void);        /* monotonic, from an arbitrary start */
double clock_thread_s(void); /* what this thread has computed, without where it waited */

#endif
