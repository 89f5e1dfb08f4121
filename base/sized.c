/* SPDX-License-Identifier: Apache-2.0
 * sized.c - copies between structs of two versions. */
#include "base/sized.h"

#include <string.h>

/* The bytes after the size that both structs have; SIZE_MAX when theirs cannot be one of this library. */
static size_t shared_bytes(size_t size, const void *theirs)
{
    size_t n;
    memcpy(&n, theirs, sizeof n);
    return n >= sizeof n && n <= size ? n - sizeof n : SIZE_MAX;
}

int sized_take(void *mine, size_t size, const void *theirs)
{
    size_t n = theirs != NULL ? shared_bytes(size, theirs) : 0;
    if (n == SIZE_MAX)
        return LINNET_E_ARGUMENT;
    if (n > 0)
        memcpy((char *)mine + sizeof n, (const char *)theirs + sizeof n, n);
    return LINNET_OK;
}

int sized_give(const void *mine, size_t size, void *theirs)
{
    size_t n = theirs != NULL ? shared_bytes(size, theirs) : SIZE_MAX;
    if (n == SIZE_MAX)
        return LINNET_E_ARGUMENT;
    memcpy((char *)theirs + sizeof n, (const char *)mine + sizeof n, n);
    return LINNET_OK;
}
