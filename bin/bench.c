/* SPDX-License-Identifier: Apache-2.0
 * bench.c - `linnet bench`: what decoding a recording takes, stage by stage.
 *
 * One run warms up and brings the recording into memory; those after it count.  Of each figure the median is reported:
 * other work on the machine only ever adds time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "bin/decoding.h"
#include "bin/progress.h"
#include "nn/matmul.h"

enum { MAX_RUNS = 1000 };

struct bench_options {
    struct decoding_options decoding;
    const char *raw;
    int runs, streaming, json;
};

static const struct bench_options defaults = {.runs = 3};

#define FIELD(name) offsetof(struct bench_options, name)

static const struct option_spec options[] = {
    {"runs", 'n', OPTION_INT, FIELD(runs), "N", .help = "runs measured (3)", .low = 1, .high = MAX_RUNS},
    {"streaming", 0, OPTION_FLAG, FIELD(streaming), .help = "decode as a live stream"},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC",
     .help = "the file has no header: ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1"},
    {"json", 0, OPTION_FLAG, FIELD(json), .help = "as JSON"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

enum figure { WALL, FEATURES, ENCODER, DECODER, N_FIGURES };

struct bench {
    const struct bench_options *options;
    struct decoding decoding;
    double load_s, open_s; /* of the model, of a stream */
    double seconds[N_FIGURES][MAX_RUNS];
    double audio_s;
    unsigned long long n_tokens; /* of a run */
};

static int open_all(struct bench *b, struct message *msg)
{
    double start = clock_s();
    int rc = decoding_open_model(&b->decoding, &b->options->decoding, msg);
    b->load_s = clock_s() - start;
    if (rc < 0)
        return rc;
    start = clock_s();
    rc = decoding_open_stream(&b->decoding, &b->options->decoding, b->options->streaming, 0, msg);
    b->open_s = clock_s() - start;
    return rc;
}

static int take_event(void *arg, const linnet_event *event, struct message *msg)
{
    (void)arg, (void)event, (void)msg;
    return LINNET_OK;
}

static int measure(struct bench *b, const char *path, int i_run, struct message *msg)
{
    static const struct decoding_sink sink = {.event = take_event};
    struct linnet_stats stats = {.size = sizeof stats};
    struct linnet_file_options file;
    linnet_file_options_init(&file);
    file.raw = b->options->raw;
    double start = clock_s();
    int rc;
    if ((rc = decoding_open_file(&b->decoding, path, &file, msg)) < 0 ||
        (rc = decoding_run(&b->decoding, &sink, msg)) < 0 || (rc = linnet_stream_stats(b->decoding.stream, &stats)) < 0)
        return rc;
    b->seconds[WALL][i_run] = clock_s() - start;
    b->seconds[FEATURES][i_run] = stats.features_s;
    b->seconds[ENCODER][i_run] = stats.encoder_s;
    b->seconds[DECODER][i_run] = stats.decoder_s;
    b->audio_s = stats.audio_s;
    b->n_tokens = stats.n_tokens;
    return LINNET_OK;
}

static int measure_all(struct bench *b, const char *path, struct message *msg)
{
    struct progress p;
    int runs = b->options->runs, rc = LINNET_OK;
    progress_start(&p, runs + 1);
    for (int i = -1; i < runs && rc >= 0; i++) {
        rc = measure(b, path, i < 0 ? 0 : i, msg);
        progress_step(&p, i + 2);
    }
    progress_hide(&p);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts them. */
static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct result {
    const char *name, *unit;
    double value;
    int decimals;
};

static void print(const struct bench *b, const struct result *r, int n, const struct linnet_model_info *info,
                  const char *path)
{
    const struct nn_kernels *kernels = kernels_pick();
    struct buffer out = {0};
    static const char text_head[] = "\nmodel               %s\nkernels             %s\nmatmul              %s\n"
                                    "precision           %s\nthreads             %d\n";
    static const char json_head[] = ",\n \"model\": \"%s\",\n \"kernels\": \"%s\",\n \"matmul\": \"%s\",\n "
                                    "\"precision\": \"%s\",\n \"threads\": %d";
    int json = b->options->json, rc = buffer_puts(&out, json ? "{\"file\": " : "file                ");
    if (rc >= 0 && (rc = json ? json_write_text(&out, path) : buffer_puts(&out, path)) >= 0)
        rc = buffer_printf(&out, json ? json_head : text_head, info->description, kernels->name, matmul_name(kernels),
                           info->precision, info->n_threads);
    for (int i = 0; i < n && rc >= 0; i++)
        rc = json ? buffer_printf(&out, ",\n \"%s%s%s\": %.*f", r[i].name, *r[i].unit != '\0' ? "_" : "", r[i].unit,
                                  r[i].decimals, r[i].value)
                  : buffer_printf(&out, "%-20s%.*f %s\n", r[i].name, r[i].decimals, r[i].value, r[i].unit);
    if (rc >= 0 && json)
        rc = buffer_puts(&out, "}\n");
    fputs(rc >= 0 ? buffer_text(&out) : "out of memory\n", rc >= 0 ? stdout : stderr);
    buffer_free(&out);
}

static int report(struct bench *b, const char *path)
{
    struct linnet_model_info info = {.size = sizeof info};
    struct rusage usage;
    int rc = linnet_model_info(b->decoding.model, &info);
    if (rc < 0)
        return rc;
    getrusage(RUSAGE_SELF, &usage);
    double at[N_FIGURES];
    for (int i = 0; i < N_FIGURES; i++)
        at[i] = median(b->seconds[i], b->options->runs);
    const struct result results[] = {
        {"runs", "", b->options->runs, 0},
        {"audio", "s", b->audio_s, 3},
        {"load", "s", b->load_s, 4},
        {"open", "s", b->open_s, 4},
        {"features", "s", at[FEATURES], 4},
        {"encoder", "s", at[ENCODER], 4},
        {"decoder", "s", at[DECODER], 4},
        {"wall", "s", at[WALL], 4},
        {"fastest", "s", b->seconds[WALL][0], 4},
        {"real_time_factor", "", at[WALL] / b->audio_s, 5},
        {"tokens", "", (double)b->n_tokens, 0},
        {"tokens_per_s", "", at[DECODER] > 0 ? (double)b->n_tokens / at[DECODER] : 0, 1},
        {"weights", "MB", (double)info.n_weight_bytes / 1e6, 1},
        {"peak_memory", "MB", (double)usage.ru_maxrss * 1024 / 1e6, 1},
    };
    print(b, results, sizeof results / sizeof results[0], &info, path);
    return LINNET_OK;
}

static int run(void *values, int n, char **paths, struct message *msg)
{
    (void)n;
    if (strcmp(paths[0], "-") == 0)
        return options_mistake("bench", "standard input can be read only once");
    struct bench b = {.options = values};
    int rc;
    if ((rc = open_all(&b, msg)) >= 0 && (rc = measure_all(&b, paths[0], msg)) >= 0 && (rc = report(&b, paths[0])) < 0)
        fail(msg, rc, "%s", linnet_strerror(rc));
    decoding_close(&b.decoding);
    return rc;
}

const struct command bench_command = {
    .name = "bench",
    .summary = "time and memory that a recording takes",
    .arguments = "FILE",
    .text = "Times are medians over the runs, after one warm-up run that is not measured; load is\n"
            "the time to open the model, open that to open a stream on it.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
