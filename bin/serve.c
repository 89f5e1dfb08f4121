/* SPDX-License-Identifier: Apache-2.0
 * serve.c - `linnet serve`: speech to text for clients, over the network. */
#include "serve/server.h"

#include "bin/options.h"

static const struct serve_options defaults = {
    .host = "127.0.0.1",
    .port = 8080,
    .wyoming_port = -1,
    .upload_mb = 512,
    .queue = 1000,
    .file_s = 12 * 3600,
    .idle_s = 60,
    .drain_s = 60,
    .limits = {.connections = 1000, .connections_per_address = 100, .streams_per_address = 16, .message_mb = 16}};

#define FIELD(name) offsetof(struct serve_options, name)

static const struct option_spec options[] = {
    {"host", 0, OPTION_TEXT, FIELD(host), "ADDRESS", .help = "address to listen on (127.0.0.1: this machine alone)"},
    {"port", 'p', OPTION_INT, FIELD(port), "N", .help = "port to listen on (8080); 0: a free one, which stderr tells",
     .high = 65535},
    {"token-file", 0, OPTION_TEXT, FIELD(token_file), "FILE",
     .help = "serve only who has one of these tokens, a line each"},
    {"no-token", 0, OPTION_FLAG, FIELD(no_token), .help = "serve whoever can reach an address that is not loopback"},
    {"certificate", 0, OPTION_TEXT, FIELD(certificate), "FILE", .help = "TLS: the certificate and its chain, in PEM"},
    {"key", 0, OPTION_TEXT, FIELD(key), "FILE", .help = "TLS: the certificate's key, in PEM"},
    {"allow-origin", 0, OPTION_LIST, FIELD(origins), "ORIGIN",
     .help = "pages of this origin may use the server too (https://host); repeatable"},
    {"wyoming", 0, OPTION_INT, FIELD(wyoming_port), "PORT",
     .help = "port for the Wyoming protocol, Home Assistant's (none); 0: a free one", .high = 65535},
    {"streams", 0, OPTION_INT, FIELD(max_streams), "N",
     .help = "live streams at most; 0: as many as can be served in time", .high = 100000},
    {"streams-per-address", 0, OPTION_INT, FIELD(limits.streams_per_address), "N",
     .help = "of them, from one other machine (16)", .low = 1, .high = 100000},
    {"connections", 0, OPTION_INT, FIELD(limits.connections), "N", .help = "connections at most (1000)", .low = 1,
     .high = 1000000},
    {"connections-per-address", 0, OPTION_INT, FIELD(limits.connections_per_address), "N",
     .help = "of them, from one other machine (100)", .low = 1, .high = 1000000},
    {"stream-seconds", 0, OPTION_NUMBER, FIELD(stream_s), "S", .help = "longest live recording; 0: any", .high = 1e6},
    {"file-seconds", 0, OPTION_NUMBER, FIELD(file_s), "S", .help = "longest recording in a request (43200); 0: any",
     .high = 1e9},
    {"idle-seconds", 0, OPTION_NUMBER, FIELD(idle_s), "S", .help = "silence of a client after which it is let go (60)",
     .low = 1, .high = 1e6},
    {"upload-mb", 0, OPTION_INT, FIELD(upload_mb), "N", .help = "longest request, in MB: a recording (512)", .low = 1,
     .high = 1 << 20},
    {"message-mb", 0, OPTION_NUMBER, FIELD(limits.message_mb), "N", .help = "largest text message of a websocket (16)",
     .low = 0.001, .high = 1e3},
    {"queue", 0, OPTION_INT, FIELD(queue), "N", .help = "recordings that may wait (1000)", .high = 100000},
    {"memory-mb", 0, OPTION_NUMBER, FIELD(limits.memory_mb), "N",
     .help = "memory from which nobody new is served; 0: three quarters of what is there", .high = 1e9},
    {"drain-seconds", 0, OPTION_NUMBER, FIELD(drain_s), "S",
     .help = "for which those who are here are served on after SIGTERM (60)", .high = 1e6},
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
    .text = "Clients speak HTTP or websockets, see doc/serve.md.  The model of --model and every MODEL\n"
            "are opened once and shared by all; clients name them, and get the first who name none.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .max_arguments = -1,
    .run = run,
};
