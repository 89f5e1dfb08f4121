/* SPDX-License-Identifier: Apache-2.0 */
#include "base/priority.h"

#include <unistd.h>

enum { STEP = 10 /* each takes a fifth of a thread's share: nine parts to one */ };

void priority_lower(void)
{
#ifdef __linux__ /* where nice(2) is for the thread; by POSIX it is for the process */
    int now = nice(STEP);
    (void)now; /* one cannot fail to be nicer */
#endif
}
