/* SPDX-License-Identifier: Apache-2.0
 * priority.h - threads that give way to others of the process. */
#ifndef LINNET_BASE_PRIORITY_H
#define LINNET_BASE_PRIORITY_H

/* The calling thread does from now on: where others want all processors it gets a tenth of what they do, which is
 * enough not to keep a lock for long.  Where the system has no priorities of threads, nothing happens. */
void priority_lower(void);

#endif
