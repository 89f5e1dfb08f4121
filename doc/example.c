/* SPDX-License-Identifier: Apache-2.0
 * example.c - a complete program with the library: prints what is said in a recording, with times.
 *
 *     cc example.c $(pkg-config --cflags --libs linnet) -o example
 *     ./example whisper-base talk.flac */
#include <linnet.h>
#include <stdio.h>

/* Prints the events that are ready. */
static int print_events(linnet_stream *stream)
{
    linnet_event event;
    int rc;
    while ((rc = linnet_stream_next(stream, &event)) > 0)
        if (event.type == LINNET_EVENT_FINAL)
            printf("%7.2f %7.2f %s\n", event.start_s, event.end_s, event.text);
    return rc;
}

static int transcribe(linnet_stream *stream, const char *path)
{
    int rc = linnet_stream_open_file(stream, path, NULL);
    while (rc >= 0 && (rc = linnet_stream_read(stream)) > 0) /* some seconds at a time */
        if ((rc = print_events(stream)) < 0)
            return rc;
    if (rc >= 0)
        rc = linnet_stream_finish(stream);
    return rc >= 0 ? print_events(stream) : rc;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {"decoder.beam=5"}; /* `linnet settings` lists them */
    struct linnet_stream_options options;
    linnet_model *model = NULL;
    linnet_stream *stream = NULL;
    char error[300];
    if (argc != 3) {
        fprintf(stderr, "usage: example MODEL RECORDING\n");
        return 2;
    }
    linnet_stream_options_init(&options);
    options.settings = settings;
    options.n_settings = sizeof settings / sizeof settings[0];
    options.language = "en";
    int rc = linnet_model_open(argv[1], NULL, &model, error, sizeof error);
    if (rc >= 0)
        rc = linnet_stream_open(model, &options, &stream, error, sizeof error);
    if (rc < 0) {
        fprintf(stderr, "example: %s\n", error);
    } else if ((rc = transcribe(stream, argv[2])) < 0) {
        fprintf(stderr, "example: %s\n", linnet_stream_error(stream));
    }
    linnet_stream_close(stream); /* NULL is fine */
    linnet_model_close(model);
    return rc < 0 ? 1 : 0;
}
