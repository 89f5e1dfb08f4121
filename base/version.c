/* SPDX-License-Identifier: Apache-2.0 */
#include "linnet.h"
#include <config.h>

const char *linnet_version(void) { return PACKAGE_VERSION; }
