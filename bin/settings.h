/* SPDX-License-Identifier: Apache-2.0
 * settings.h - the table of settings as a section of the manual page. */
#ifndef LINNET_BIN_SETTINGS_H
#define LINNET_BIN_SETTINGS_H

#include <stdio.h>

void settings_manual(FILE *out);

#endif
