/* SPDX-License-Identifier: Apache-2.0
 * info.c - `linnet info`: what a model is. */
#include <stdio.h>

#include "bin/decoding.h"
#include "models/model.h"

struct info_options {
    struct decoding_options decoding;
    int json;
};

static const struct option_spec options[] = {
    {"json", 0, OPTION_FLAG, offsetof(struct info_options, json), .help = "as JSON"}, {0}};

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct info_options *o = values;
    struct decoding d = {0};
    struct facts f = {.is_json = o->json};
    (void)n;
    o->decoding.model = arguments[0];
    int rc = decoding_open_model(&d, &o->decoding, msg);
    if (rc >= 0) {
        model_facts(d.model, &f);
        if ((rc = facts_finish(&f)) < 0)
            fail(msg, rc, "%s", linnet_strerror(rc));
    }
    if (rc >= 0)
        fputs(buffer_text(&f.out), stdout);
    buffer_free(&f.out);
    decoding_close(&d);
    return rc;
}

const struct command info_command = {
    .name = "info",
    .summary = "what a model is",
    .arguments = "MODEL",
    .options = options,
    .size = sizeof(struct info_options),
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
