/* SPDX-License-Identifier: Apache-2.0
 * settings.h - the tables of settings as subsections of the manual page. */
#ifndef LINNET_BIN_SETTINGS_H
#define LINNET_BIN_SETTINGS_H

#include <stdio.h>

int settings_manual(FILE *out); /* an exit code, or why not */

#endif
