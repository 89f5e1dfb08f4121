/* SPDX-License-Identifier: Apache-2.0
 * serve.c - `linnet serve`: speech to text for clients, over the network. */
#include "serve/server.h"

#include "bin/options.h"

static const struct serve_options defaults = {.host = "127.0.0.1", .port = 8080, .upload_mb = 512, .idle_s = 60};

#define FIELD(name) offsetof(struct serve_options, name)

static const struct option_spec options[] = {
    {"host", 0, OPTION_TEXT, FIELD(host), "ADDRESS", .help = "address to listen on (127.0.0.1: this machine alone)"},
    {"port", 'p', OPTION_INT, FIELD(port), "N", .help = "port to listen on (8080); 0: a free one, which stderr tells",
     .high = 65535},
    {"streams", 0, OPTION_INT, FIELD(max_streams), "N",
     .help = "live streams at most; 0: as many as can be served in time", .high = 100000},
    {"stream-seconds", 0, OPTION_NUMBER, FIELD(stream_s), "S", .help = "longest live recording; 0: any", .high = 1e6},
    {"idle-seconds", 0, OPTION_NUMBER, FIELD(idle_s), "S", .help = "silence of a client after which it is let go (60)",
     .low = 1, .high = 1e6},
    {"upload-mb", 0, OPTION_INT, FIELD(upload_mb), "N", .help = "longest request, in MB: a recording (512)", .low = 1,
     .high = 1 << 20},
    {NULL, 0, OPTION_GROUP, FIELD(decoding), .group = decoding_table},
    {0}};

static int run(void *values, int n, char **names, struct message *msg)
{
    struct serve_options *o = values;
    o->decoding.gate = 1;
    int rc = serve_run(o, names, n, msg);
    return rc < 0 ? rc : EXIT_DONE;
}

const struct command serve_command = {
    .name = "serve",
    .summary = "speech to text over the network",
    .arguments = "[MODEL...]",
    .text = "Clients speak HTTP or websockets, see doc/serve.md; the models are opened once and shared by all.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .max_arguments = -1,
    .run = run,
};
