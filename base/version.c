/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>
#include "linnet.h"

const char *linnet_version(void)
{
    return PACKAGE_VERSION;
}
