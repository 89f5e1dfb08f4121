/* SPDX-License-Identifier: Apache-2.0
 * live.c - `linnet live`: words as they are spoken.
 *
 * One loop: read audio, save it, feed it, show the events.  Meanwhile the microphone writes into a ring buffer; when
 * decoding falls half a minute behind, audio is dropped, and how much is reported.  On a terminal the partial text is
 * redrawn in place; anywhere else every event is a line of JSON. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "base/unicode.h"
#include "base/utf8.h"
#include "bin/decoding.h"
#include "bin/live_source.h"
#include "frontend/mic.h"
#include "frontend/mix.h"
#include "frontend/wav_writer.h"
#include "score/latency.h"

enum { BLOCKS_PER_S = 10, METER = 10 };

struct live_options {
    struct decoding_options decoding;
    const char *device, *input, *raw, *save;
    double speed;
    int list_devices, json, level, latency;
};

static const struct live_options defaults = {.speed = 1};

#define FIELD(name) offsetof(struct live_options, name)

static const struct option_spec options[] = {
    {"list-devices", 0, OPTION_FLAG, FIELD(list_devices), .help = "list microphones and end"},
    {"device", 0, OPTION_TEXT, FIELD(device), "NAME", .help = "microphone: its number, or a part of its name"},
    {"input", 'i', OPTION_TEXT, FIELD(input), "FILE", .help = "a file in the place of the microphone, as FILE itself"},
    {"raw", 0, OPTION_TEXT, FIELD(raw), "SPEC",
     .help = "the file, or standard input, has no header: ENCODING[:RATE[:CHANNELS]], such as s16le:16000:1"},
    {"speed", 0, OPTION_NUMBER, FIELD(speed), "X",
     .help = "speed at which a file is played, times real time; 0: as fast as it decodes (1)", .high = 1000},
    {"save", 0, OPTION_TEXT, FIELD(save), "WAV", .help = "save the audio; decoding it again gives the same events"},
    {"json", 0, OPTION_FLAG, FIELD(json), .help = "JSON events, also on a terminal"},
    {"level", 0, OPTION_FLAG, FIELD(level), .help = "show a level meter (terminal)"},
    {"latency", 0, OPTION_FLAG, FIELD(latency), .help = "report latency at the end, as JSON on stderr"},
    {.type = OPTION_GROUP, .offset = FIELD(decoding), .group = decoding_table},
    {0}};

struct live {
    const struct live_options *options;
    struct decoding decoding;
    struct live_source *source;
    struct wav_writer *wav;
    struct latency latency;
    struct buffer line, shown; /* of output; partial text on the terminal */
    int is_terminal;
    double started_s, fed_s; /* clock of the first sample, audio so far */
    float peak;
};

/* ---- output ---- */

static int print(const struct buffer *b, struct message *msg)
{
    if (fwrite(b->data, 1, b->n, stdout) == b->n && fflush(stdout) == 0)
        return LINNET_OK;
    return fail(msg, LINNET_E_IO, "standard output: cannot write");
}

static int terminal_columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > METER + 4 ? size.ws_col : 80;
}

/* The end of text that fits n columns. */
static const char *fitting_end(const char *text, int n)
{
    const char *end = text + strlen(text), *at = end, *start = end;
    while (at > text) {
        uint32_t code;
        at--;
        if (((unsigned char)*at & 0xc0) == 0x80)
            continue;
        utf8_next(at, (size_t)(end - at), &code);
        n -= unicode_columns(code);
        if (n < 0)
            break;
        start = at;
    }
    return start;
}

/* Redraws the open line: level meter and the end of the text. */
static int redraw(struct live *l, struct message *msg)
{
    int columns = terminal_columns() - 1, rc;
    buffer_cut(&l->line, 0);
    if ((rc = buffer_puts(&l->line, "\r\033[K")) < 0)
        return fail_memory(msg);
    if (l->options->level) {
        int n = (int)(l->peak * METER + 0.999f);
        rc = buffer_printf(&l->line, "[%.*s%*s] ", n > METER ? METER : n, "##########", n > METER ? 0 : METER - n, "");
        columns -= METER + 3;
    }
    if (rc < 0 || (rc = buffer_puts(&l->line, fitting_end(buffer_text(&l->shown), columns))) < 0)
        return fail_memory(msg);
    return print(&l->line, msg);
}

static int show_on_terminal(struct live *l, const linnet_event *e, const char *text, struct message *msg)
{
    buffer_cut(&l->shown, 0);
    if (e->type == LINNET_EVENT_PARTIAL)
        return buffer_puts(&l->shown, text) < 0 ? fail_memory(msg) : redraw(l, msg);
    if (e->type != LINNET_EVENT_FINAL)
        return LINNET_OK;
    buffer_cut(&l->line, 0);
    if (buffer_printf(&l->line, "\r\033[K%s\n", text) < 0)
        return fail_memory(msg);
    return print(&l->line, msg);
}

static int show_as_json(struct live *l, const linnet_event *e, const char *text, double latency_s, struct message *msg)
{
    static const char *const types[] = {"", "partial", "final", "endpoint"};
    struct buffer *b = &l->line;
    size_t n_skipped = (size_t)(text - e->text), committed = e->committed > n_skipped ? e->committed - n_skipped : 0;
    buffer_cut(b, 0);
    if (buffer_printf(b, "{\"type\": \"%s\", \"text\": ", types[e->type]) < 0 || json_write_text(b, text) < 0 ||
        buffer_puts(b, ", \"start\": ") < 0 || json_write_number(b, e->start_s, 3) < 0 ||
        buffer_puts(b, ", \"end\": ") < 0 || json_write_number(b, e->end_s, 3) < 0 ||
        buffer_printf(b, ", \"committed\": %zu, \"latency\": ", committed) < 0 ||
        json_write_number(b, latency_s, 3) < 0 || buffer_puts(b, "}\n") < 0)
        return fail_memory(msg);
    return print(b, msg);
}

/* Shows the events that are ready. */
static int take_events(struct live *l, struct message *msg)
{
    linnet_event e;
    int rc;
    while ((rc = linnet_stream_next(l->decoding.stream, &e)) > 0) {
        if (e.type == LINNET_EVENT_END)
            continue;
        if (l->options->latency && latency_event(&l->latency, &e) < 0)
            return fail_memory(msg);
        const char *text = e.text[0] == ' ' ? e.text + 1 : e.text;
        double shown_s = l->latency.now_s[LATENCY_WALL];
        rc = l->is_terminal ? show_on_terminal(l, &e, text, msg) : show_as_json(l, &e, text, shown_s - e.end_s, msg);
        if (rc < 0)
            return rc;
    }
    return rc;
}

/* ---- the loop ---- */

static int decode(struct live *l, const float *samples, size_t n, int is_end, struct message *msg)
{
    double call_s = clock_s();
    int rc = is_end ? linnet_stream_finish(l->decoding.stream) : linnet_stream_feed(l->decoding.stream, samples, n);
    double now_s = clock_s();
    if (rc < 0)
        return fail(msg, rc, "%s", linnet_stream_error(l->decoding.stream));
    double compute_s = now_s - call_s, listener_s = live_source_is_paced(l->source) ? now_s - l->started_s : -1;
    if (!l->options->latency)
        latency_advance(&l->latency, l->fed_s, compute_s, listener_s);
    else if (latency_called(&l->latency, l->fed_s, compute_s, listener_s) < 0)
        return fail_memory(msg);
    return take_events(l, msg);
}

static void measure_level(struct live *l, const float *samples, long n)
{
    l->peak = 0;
    for (long i = 0; i < n; i++) {
        float magnitude = samples[i] < 0 ? -samples[i] : samples[i];
        l->peak = magnitude > l->peak ? magnitude : l->peak;
    }
}

/* Until the audio ends, the microphone is lost, or a signal is caught. */
static int read_all(struct live *l, float *block, size_t n_block, struct message *msg)
{
    for (;;) {
        long n = live_source_read(l->source, block, n_block, msg);
        if (n <= 0)
            return (int)n;
        if (l->fed_s <= 0)
            l->started_s = clock_s() - (double)n / live_source_rate_hz(l->source);
        l->fed_s += (double)n / live_source_rate_hz(l->source);
        int rc = l->wav != NULL ? wav_writer_write(l->wav, block, (size_t)n, msg) : LINNET_OK;
        if (rc >= 0)
            rc = decode(l, block, (size_t)n, 0, msg);
        measure_level(l, block, n);
        if (rc >= 0 && l->is_terminal && l->options->level)
            rc = redraw(l, msg);
        if (rc < 0)
            return rc;
    }
}

/* Whatever ends the audio, what came before is decoded, shown and saved.  The first failure is reported. */
static int run_live(struct live *l, struct message *msg)
{
    size_t n_block = (size_t)(live_source_rate_hz(l->source) / BLOCKS_PER_S);
    float *block = mem_array(n_block, sizeof *block);
    if (block == NULL)
        return fail_memory(msg);
    int rc = read_all(l, block, n_block, msg);
    mem_free(block);
    struct message *later = rc < 0 ? NULL : msg;
    int can_finish = rc >= 0 || rc == LINNET_E_DEVICE || rc == LINNET_E_FORMAT || rc == LINNET_E_AUDIO;
    int end = can_finish ? decode(l, NULL, 0, 1, later) : LINNET_OK;
    int saved = l->wav != NULL ? wav_writer_close(l->wav, end < 0 ? NULL : later) : LINNET_OK;
    l->wav = NULL;
    return rc < 0 ? rc : end < 0 ? end : saved;
}

static void report(struct live *l)
{
    struct buffer b = {0};
    struct linnet_stats stats = {.size = sizeof stats};
    uint64_t n_dropped = live_source_dropped(l->source);
    if (n_dropped > 0)
        decoding_note(&l->options->decoding, "%.2f s of audio were dropped: this machine does not decode in real time",
                      (double)n_dropped / live_source_rate_hz(l->source));
    if (linnet_stream_stats(l->decoding.stream, &stats) >= 0)
        decoding_tell_times(&l->options->decoding, live_source_name(l->source), &stats);
    if (l->options->latency && latency_end(&l->latency, 0) >= 0 && latency_report(&l->latency, &b) >= 0)
        fprintf(stderr, "{\"type\": \"latency\", %s\n", buffer_text(&b) + 1);
    buffer_free(&b);
}

static void live_close(struct live *l)
{
    if (l->wav != NULL)
        wav_writer_discard(l->wav);
    live_source_close(l->source);
    decoding_close(&l->decoding);
    latency_close(&l->latency);
    buffer_free(&l->line);
    buffer_free(&l->shown);
}

/* All that takes time comes before the audio: none may be lost meanwhile. */
static int live_open(struct live *l, struct message *msg)
{
    const struct live_options *o = l->options;
    int rc = decoding_open_model(&l->decoding, &o->decoding, msg);
    if (rc < 0 || (rc = live_source_open(&l->source, o->input, o->raw, o->speed, o->device, msg)) < 0)
        return rc;
    int rate_hz = live_source_rate_hz(l->source);
    const struct mix_options *mix = settings_of(&l->decoding.settings, &mix_settings);
    if ((rc = live_source_set_channel(l->source, mix->channel, msg)) < 0 ||
        (rc = decoding_open_stream(&l->decoding, &o->decoding, 1, rate_hz, msg)) < 0 ||
        (o->save != NULL && (rc = wav_writer_open(&l->wav, o->save, rate_hz, msg)) < 0))
        return rc;
    return live_source_start(l->source, msg);
}

static void print_device(void *arg, const struct mic_device *d)
{
    (void)arg;
    printf("%d\t%s\t%s\t%d Hz\t%d channels%s\n", d->index, d->name, d->system, d->rate_hz, d->n_channels,
           d->is_default ? "\tdefault" : "");
}

static int list_devices(void)
{
    struct message msg = {""};
    int n = mic_list(print_device, NULL, &msg);
    if (n <= 0)
        fprintf(stderr, "linnet: %s\n", n < 0 ? msg.text : "there is no microphone");
    return n > 0 ? EXIT_DONE : EXIT_WORK_FAILED;
}

static int run(void *values, int n, char **arguments, struct message *msg)
{
    struct live_options *o = values;
    struct live l = {.options = o, .is_terminal = !o->json && isatty(STDOUT_FILENO)};
    if (o->list_devices)
        return list_devices();
    if (n > 0 && o->input != NULL)
        return options_mistake("live", "two files: --input=%s and %s", o->input, arguments[0]);
    if (o->input == NULL)
        o->input = n > 0 ? arguments[0] : o->raw != NULL ? "-" : NULL;
    o->decoding.word_times |= o->latency;
    o->decoding.gate = 1;
    int rc = live_open(&l, msg);
    if (rc >= 0) {
        static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
            decoding_catch(ends[i], NULL, 0);
        signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of fwrite, with a message */
        if (l.is_terminal && o->input == NULL && !o->decoding.quiet)
            fprintf(stderr, "Listening to %s; Ctrl-C ends.\n", live_source_name(l.source));
        rc = run_live(&l, msg);
        if (l.is_terminal && l.shown.n > 0)
            putchar('\n'); /* the partial text stays, the shell's prompt comes below */
        report(&l);
    }
    live_close(&l);
    return rc;
}

const struct command live_command = {
    .name = "live",
    .summary = "a microphone to text, as it is spoken",
    .arguments = "[FILE]",
    .text = "Without a FILE it is the microphone; - is standard input:\n"
            "    ffmpeg -i URL -f s16le -ac 1 -ar 16000 - | linnet live --raw s16le -\n"
            "On a terminal the text is redrawn in place until it is final; elsewhere every\n"
            "event is a line of JSON: type (partial, final, endpoint), text, start, end,\n"
            "committed (bytes of text that will not change) and latency, in seconds.\n"
            "Ctrl-C ends, after the last words.",
    .options = options,
    .defaults = &defaults,
    .size = sizeof defaults,
    .max_arguments = 1,
    .run = run,
};
