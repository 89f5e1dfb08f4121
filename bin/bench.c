/* SPDX-License-Identifier: Apache-2.0
 * bench.c - `linnet bench`: what decoding a recording takes, stage by stage.
 *
 * One run warms up and brings the recording into memory; those after it count.  Of each figure the median is reported:
 * other work on the machine only ever adds time.  Then the model's networks alone are set beside what the machine can
 * do (bounds.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "bin/bounds.h"
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

enum figure { WALL, FEATURES, ENCODER, DECODER, ENCODING, STEP, READING, N_FIGURES };

struct bench {
    const struct bench_options *options;
    struct decoding decoding;
    double load_s, open_s; /* of the model, of a stream */
    double seconds[N_FIGURES][MAX_RUNS];
    double audio_s;
    unsigned long long n_tokens; /* of a run */
    double peak_bytes;           /* of memory */
    struct bounds bounds;
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
    static const struct decoding_sink sink = {.event = take_event, .warn = decoding_warn};
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
    struct rusage usage;
    int runs = b->options->runs, rc = LINNET_OK;
    progress_start(&p, b->options->decoding.quiet ? 0 : 2 * (runs + 1));
    for (int i = -1; i < runs && rc >= 0; i++) {
        rc = measure(b, path, i < 0 ? 0 : i, msg);
        progress_step(&p, i + 2);
    }
    getrusage(RUSAGE_SELF, &usage);
    b->peak_bytes = (double)usage.ru_maxrss * 1024;
    if (rc >= 0)
        rc = bounds_open(&b->bounds, b->decoding.model, msg);
    for (int i = -1; i < runs && rc >= 0; i++) {
        int at = i < 0 ? 0 : i;
        struct bounds_times times;
        rc = bounds_round(&b->bounds, &times, msg);
        b->seconds[ENCODING][at] = times.encoding_s;
        b->seconds[STEP][at] = times.step_s;
        b->seconds[READING][at] = times.reading_s;
        progress_step(&p, runs + i + 3);
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

enum { MAX_RESULTS = 40, NAME_SIZE = 32 };

struct results {
    struct result at[MAX_RESULTS];
    char names[MAX_RESULTS][NAME_SIZE]; /* of those that are made here */
    int n;
};

static void add(struct results *r, const char *name, const char *unit, double value, int decimals)
{
    if (r->n < MAX_RESULTS)
        r->at[r->n++] = (struct result){name, unit, value, decimals};
}

static void add_peak(struct results *r, enum dtype weights, enum dtype inputs, double peak)
{
    if (r->n == MAX_RESULTS)
        return;
    snprintf(r->names[r->n], NAME_SIZE, "bound_%sx%s", dtype_name(weights), dtype_name(inputs));
    add(r, r->names[r->n], "GOPS", 2e-9 * peak, 1);
}

/* A multiplication and an addition are two operations. */
static void add_bounds(struct results *r, const struct bounds *b, const double at[N_FIGURES])
{
    double work = 2e-9 * bounds_products(&b->encoding), encoding_s = at[ENCODING];
    add(r, "encoding", "s", encoding_s, 4);
    add(r, "encoding_work", "GOP", work, 3);
    add(r, "encoding_speed", "GOPS", work / encoding_s, 1);
    for (int weights = 0; weights < N_DTYPES; weights++)
        for (int inputs = 0; inputs < N_DTYPES; inputs++)
            if (b->peak[weights][inputs] > 0)
                add_peak(r, (enum dtype)weights, (enum dtype)inputs, b->peak[weights][inputs]);
    add(r, "encoding_of_bound", "percent", 100 * bounds_encoding_s(b) / encoding_s, 1);
    if (at[STEP] <= 0)
        return;
    add(r, "step", "s", at[STEP], 6);
    add(r, "step_reads", "MB", b->step.read_bytes / 1e6, 3);
    add(r, "step_reading", "s", at[READING], 6);
    add(r, "step_over_reading", "", at[STEP] / at[READING], 2);
}

static int report(struct bench *b, const char *path)
{
    struct linnet_model_info info = {.size = sizeof info};
    struct results r = {.n = 0};
    int rc = linnet_model_info(b->decoding.model, &info);
    if (rc < 0)
        return rc;
    double at[N_FIGURES];
    for (int i = 0; i < N_FIGURES; i++)
        at[i] = median(b->seconds[i], b->options->runs);
    add(&r, "runs", "", b->options->runs, 0);
    add(&r, "audio", "s", b->audio_s, 3);
    add(&r, "load", "s", b->load_s, 4);
    add(&r, "open", "s", b->open_s, 4);
    add(&r, "features", "s", at[FEATURES], 4);
    add(&r, "encoder", "s", at[ENCODER], 4);
    add(&r, "decoder", "s", at[DECODER], 4);
    add(&r, "wall", "s", at[WALL], 4);
    add(&r, "fastest", "s", b->seconds[WALL][0], 4);
    add(&r, "real_time_factor", "", at[WALL] / b->audio_s, 5);
    add(&r, "tokens", "", (double)b->n_tokens, 0);
    add(&r, "tokens_per_s", "", at[DECODER] > 0 ? (double)b->n_tokens / at[DECODER] : 0, 1);
    add(&r, "weights", "MB", (double)info.n_weight_bytes / 1e6, 1);
    add(&r, "peak_memory", "MB", b->peak_bytes / 1e6, 1);
    add_bounds(&r, &b->bounds, at);
    print(b, r.at, r.n, &info, path);
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
    bounds_close(&b.bounds);
    decoding_close(&b.decoding);
    return rc;
}

const struct command bench_command = {
    .name = "bench",
    .summary = "time and memory that a recording takes",
    .arguments = "FILE",
    .text = "Times are medians over the runs, after one warm-up run that is not measured; load is\n"
            "the time to open the model, open that to open a stream on it.\n"
            "\n"
            "Then the networks alone are set beside what the threads can do here at most: an\n"
            "encoding is one window, or 30 s, encoding_work its operations (a multiplication and\n"
            "an addition are two), bound_WxI how many a second products of weights of type W with\n"
            "inputs of type I reach in the first-level cache, and encoding_of_bound how much of\n"
            "the encoding's time they would need; step is a step of the text decoder on those\n"
            "states, step_reads what it reads of weights, keys and values, and step_reading how\n"
            "long reading as many bytes once takes.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
