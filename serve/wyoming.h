/* SPDX-License-Identifier: Apache-2.0
 * wyoming.h - what Wyoming's clients are told about this server. */
#ifndef LINNET_SERVE_WYOMING_H
#define LINNET_SERVE_WYOMING_H

struct json_t;
struct serve_models;

/* The data of its event "info": the models, and what they understand.  language: the command line's, or NULL. */
struct json_t *wyoming_info(const struct serve_models *models, const char *language);

#endif
