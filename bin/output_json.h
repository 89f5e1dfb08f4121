/* SPDX-License-Identifier: Apache-2.0
 * output_json.h - the JSON writer: one object on one line for a recording. */
#ifndef LINNET_BIN_OUTPUT_JSON_H
#define LINNET_BIN_OUTPUT_JSON_H

#include "bin/output.h"

int output_json_segment(struct output *o, const linnet_event *event);
int output_json_end(struct output *o, double duration_s);

#endif
