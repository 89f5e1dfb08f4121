/* SPDX-License-Identifier: Apache-2.0
 * sized.h - structs that begin with their size, by which a caller and a library of different versions understand each
 * other: what the caller's does not have keeps the library's default. */
#ifndef LINNET_BASE_SIZED_H
#define LINNET_BASE_SIZED_H

#include "base/status.h"

/* Copies theirs (NULL: nothing) over mine [size bytes], which holds the defaults.  LINNET_E_ARGUMENT when theirs was
 * not initialised, or is of a newer library. */
int sized_take(void *mine, size_t size, const void *theirs) LINNET_MUST_CHECK;

/* Copies of mine [size bytes] what theirs has room for, but for the size itself. */
int sized_give(const void *mine, size_t size, void *theirs) LINNET_MUST_CHECK;

#endif
