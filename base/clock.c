/* SPDX-License-Identifier: Apache-2.0
 * clock.c - POSIX's clocks. */
#include "base/clock.h"

#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double clock_s(void) { return read_clock(CLOCK_MONOTONIC); }

double clock_thread_s(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
