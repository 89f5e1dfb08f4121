/* SPDX-License-Identifier: Apache-2.0
 * decoding.c - from command line options to an open model and stream. */
#include "bin/decoding.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "bin/converted.h"
#include "decoders/common/hotword_list.h"
#include "decoders/decoder.h"
#include "frontend/audio_file.h"
#include "frontend/gate.h"
#include "frontend/mix.h"
#include "models/find.h"
#include "models/model.h"
#include "models/stream.h"
#include "nn/text_batch.h"

#define FIELD(name) offsetof(struct decoding_options, name)

const struct option_spec decoding_table[] = {
    {"recipe", 'r', OPTION_TEXT, FIELD(recipe), "FILE", .help = "settings from a recipe.yaml"},
    {"model", 'm', OPTION_TEXT, FIELD(model), "MODEL",
     .help = "a model's name (small), see 'linnet models'; or a model directory, or a file that 'linnet convert' "
             "takes"},
    {"decoder", 'd', OPTION_TEXT, FIELD(decoder), "NAME", .help = "decoder: see decoder.name in 'linnet settings'"},
    {"language", 'l', OPTION_TEXT, FIELD(language), "LANG",
     .help = "Whisper: language spoken, a code (de, zh-CN), a name, or auto"},
    {"task", 0, OPTION_TEXT, FIELD(task), "TASK", .help = "Whisper: translate is into English",
     .choices = "transcribe|translate"},
    {"beam", 'b', OPTION_INT, FIELD(beam), "N", .help = "beam searches: beam width, hypotheses kept", .low = 1,
     .high = 1000},
    {"nbest", 0, OPTION_INT, FIELD(nbest), "N", .help = "beam searches: length of the n-best list (JSON)", .low = 1,
     .high = 1000},
    {"word-times", 'w', OPTION_FLAG, FIELD(word_times), .help = "start and end of each word"},
    {"prompt", 0, OPTION_TEXT, FIELD(prompt), "TEXT",
     .help = "Whisper: initial prompt, the context of the first window"},
    {"clip", 0, OPTION_TEXT, FIELD(clip), "LIST",
     .help = "files: start and end, in seconds, of each part to decode: 0,10,60,70"},
    {"no-speech", 0, OPTION_NUMBER, FIELD(no_speech), "P",
     .help = "Whisper: windows whose no-speech probability is higher give no text (0.6)", .high = 1},
    {"hotwords", 0, OPTION_TEXT, FIELD(hotwords), "FILE",
     .help = "Whisper, CTC, attention: phrases to boost, a line \"phrase<TAB>bonus\" each"},
    {"threads", 't', OPTION_INT, FIELD(threads), "N", .help = "threads; 0: one for each processor", .high = 256},
    {"batch", 0, OPTION_TEXT, FIELD(batch), "N",
     .help =
         "recordings at a time, 1 to 64 (Whisper: with long ones cut at silences), or auto: as many as pay, none cut"},
    {"context", 0, OPTION_TEXT, FIELD(context), "WHAT",
     .help = "Whisper (files): what is encoded of a window: 30 s, or its audio", .choices = "auto|full|audio"},
    {"precision", 0, OPTION_TEXT, FIELD(precision), "P", .help = "of products: fp32, bf16, int8, or auto: the fastest",
     .choices = SETTING_CHOICES(PRECISIONS)},
    {"set", 's', OPTION_LIST, FIELD(set), "KEY=VALUE", .help = "any setting of 'linnet settings'"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), .help = "only errors on stderr: no progress, no notes"},
    {"verbose", 'v', OPTION_FLAG, FIELD(verbose), .help = "say what decodes, and how long it takes"},
    {0}};

/* ---- what is said on stderr ---- */

void decoding_note(const struct decoding_options *options, const char *format, ...)
{
    va_list args;
    if (options->quiet)
        return;
    va_start(args, format);
    fputs("linnet: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void tell_model(const struct decoding_options *o, const struct linnet_model *m)
{
    struct linnet_model_info info = {.size = sizeof info};
    if (o->verbose && linnet_model_info(m, &info) >= 0)
        fprintf(stderr, "linnet: model %s: %s, in %s, threads: %d\n", m->dir, info.description, info.precision,
                info.n_threads);
}

/* Of the streams of a run the first stands for all. */
static void tell_decoder(struct decoding *d, const struct decoding_options *o, int streaming)
{
    const struct decoder *decoder;
    const struct decoder_options *shared = settings_of(&d->settings, &decoder_settings);
    if (o->verbose && !d->is_told && decoder_find(&decoder, shared, d->model, streaming, NULL) >= 0)
        fprintf(stderr, "linnet: decoder %s: %s\n", decoder->name, decoder->summary);
    d->is_told = 1;
}

const char *decoding_decoder(const struct decoding *d, int streaming)
{
    const struct decoder *decoder;
    const struct decoder_options *shared = settings_of(&d->settings, &decoder_settings);
    return decoder_find(&decoder, shared, d->model, streaming, NULL) >= 0 ? decoder->name : "";
}

void decoding_tell_times(const struct decoding_options *options, const char *name, const struct linnet_stats *stats)
{
    double sum_s = stats->features_s + stats->encoder_s + stats->decoder_s;
    if (options->verbose && stats->audio_s > 0)
        fprintf(stderr,
                "linnet: %s: %.2f s of audio in %.2f s: features %.2f, encoder %.2f, decoder %.2f; %.2f of real time\n",
                name, stats->audio_s, sum_s, stats->features_s, stats->encoder_s, stats->decoder_s,
                sum_s / stats->audio_s);
}

/* ---- settings ---- */

/* Options that stand for a setting. */
static const struct short_cut {
    const char *option, *key;
} short_cuts[] = {{"model", "model"},
                  {"decoder", "decoder.name"},
                  {"precision", "precision"},
                  {"context", "decoder.context"},
                  {"language", "language"},
                  {"task", "task"},
                  {"prompt", "decoder.initial_prompt"},
                  {"clip", "decoder.clip"},
                  {"word-times", "decoder.word_times"},
                  {"beam", "decoder.beam"},
                  {"nbest", "decoder.nbest"},
                  {"no-speech", "decoder.no_speech_threshold"},
                  {"threads", "threads"},
                  {"batch", "batch"}};
enum { N_SHORT_CUTS = sizeof short_cuts / sizeof short_cuts[0] };

static int put(struct decoding *d, const char *key, const char *value)
{
    int rc = buffer_printf(&d->texts, "%s=%s", key, value);
    if (rc < 0)
        return rc;
    d->n++;
    return buffer_append(&d->texts, "", 1);
}

/* The setting of an option, if that was given. */
static int put_option(struct decoding *d, const struct decoding_options *o, const struct short_cut *c)
{
    const struct option_spec *s = decoding_table;
    char number[32] = "";
    while (strcmp(s->name, c->option) != 0)
        s++;
    const void *field = (const char *)o + s->offset;
    const char *text = number;
    if (s->type == OPTION_TEXT)
        text = *(const char *const *)field;
    else if (s->type == OPTION_NUMBER && *(const double *)field > 0)
        snprintf(number, sizeof number, "%.6f", *(const double *)field);
    else if (s->type == OPTION_INT && *(const int *)field > 0)
        snprintf(number, sizeof number, "%d", *(const int *)field);
    else if (s->type == OPTION_FLAG && *(const int *)field)
        text = "true";
    if (text == NULL || *text == '\0')
        return LINNET_OK;
    return put(d, c->key, strcmp(c->key, "batch") == 0 && strcmp(text, "auto") == 0 ? "0" : text);
}

/* The stream's, which reads the recipe before them: hence vad.gate as the recipe has it, or true. */
static int make_items(struct decoding *d, const struct decoding_options *o)
{
    const struct gate_options *gate = settings_of(&d->settings, &gate_settings);
    int rc = o->gate ? put(d, "vad.gate", gate->is_wanted ? "true" : "false") : LINNET_OK;
    for (int i = 0; i < o->set.n && rc >= 0; i++) {
        rc = buffer_append(&d->texts, o->set.items[i], strlen(o->set.items[i]) + 1);
        d->n++;
    }
    for (int i = 0; i < N_SHORT_CUTS && rc >= 0; i++)
        rc = put_option(d, o, &short_cuts[i]);
    if (rc < 0)
        return rc;
    d->items = mem_array(d->n + 1, sizeof *d->items);
    if (d->items == NULL)
        return LINNET_E_MEMORY;
    const char *at = buffer_text(&d->texts);
    for (size_t i = 0; i < d->n; i++, at += strlen(at) + 1)
        d->items[i] = at;
    return LINNET_OK;
}

/* ---- opening ---- */

static int open_settings(struct decoding *d, const struct decoding_options *o, struct message *msg)
{
    int rc;
    if ((rc = model_open_settings(&d->settings, msg)) < 0 ||
        (o->gate && (rc = settings_set(&d->settings, "vad.gate=true", msg)) < 0) ||
        (o->recipe != NULL && (rc = settings_read(&d->settings, o->recipe, msg)) < 0))
        return rc;
    if (make_items(d, o) < 0)
        return fail_memory(msg);
    for (size_t i = 0; i < d->n && rc >= 0; i++)
        rc = settings_set(&d->settings, d->items[i], msg);
    return rc;
}

int decoding_open_model(struct decoding *d, const struct decoding_options *o, struct message *msg)
{
    struct linnet_model_options options;
    memset(d, 0, sizeof *d);
    int rc = open_settings(d, o, msg);
    if (rc < 0)
        return rc;
    const struct model_options *model = settings_of(&d->settings, &model_settings);
    d->batch = model->batch;
    linnet_model_options_init(&options);
    options.n_threads = model->threads;
    options.precision = precision_name(model->precision);
    struct model_place place;
    char made[FILE_MAX_PATH];
    if ((rc = model_find(&place, model->name[0] != '\0' ? model->name : MODEL_DEFAULT, msg)) < 0 ||
        (place.is_file && (rc = converted_model(made, place.path, msg)) < 0))
        return rc;
    rc = linnet_model_open(place.is_file ? made : place.path, &options, &d->model, msg->text, sizeof msg->text);
    if (rc >= 0)
        tell_model(o, d->model);
    return rc;
}

/* A setting without effect: how it was given, and whose it is. */
static void tell_ignored(const struct decoding_options *o, const struct decoder *decoder, const char *item,
                         int is_option)
{
    char key[128], users[256];
    const char *option = NULL;
    snprintf(key, sizeof key, "%.*s", (int)strcspn(item, "="), item);
    if (!decoder_ignores(decoder, key, o->hotwords != NULL))
        return;
    for (int i = 0; is_option && i < N_SHORT_CUTS; i++)
        option = strcmp(short_cuts[i].key, key) == 0 ? short_cuts[i].option : option;
    decoder_users(key, users, sizeof users);
    decoding_note(o, "%s%s has no effect: decoder '%s' makes no use of it (these do: %s)", option != NULL ? "--" : "",
                  option != NULL ? option : key, decoder->name, users);
}

/* Recipes are for many models; what was given on the command line is meant for this one.  Said once, for the first
 * stream. */
static void tell_all_ignored(struct decoding *d, const struct decoding_options *o, int streaming)
{
    const struct decoder *decoder;
    const struct decoder_options *shared = settings_of(&d->settings, &decoder_settings);
    size_t i = o->gate ? 1 : 0, n_set = i + (size_t)o->set.n;
    if (d->is_told || decoder_find(&decoder, shared, d->model, streaming, NULL) < 0)
        return;
    for (; i < d->n; i++)
        tell_ignored(o, decoder, d->items[i], i >= n_set);
    if (d->batch > 1 && streaming)
        decoding_note(o, "--batch has no effect: a stream decodes one recording at a time");
}

/* Boosts the phrases of the file; those that cannot be spelled are reported on stderr. */
static int bias(struct decoding *d, const char *path, struct message *msg)
{
    const struct decoder_options *shared = settings_of(&d->settings, &decoder_settings);
    struct hotword_list list = {0};
    char unspelled[8192] = "";
    if (!file_exists(path))
        return fail(msg, LINNET_E_IO, "--hotwords=%s: no such file; it has a phrase in each line", path);
    int rc = hotword_list_read(&list, path, shared->hotword_bonus, msg);
    if (rc < 0)
        return rc;
    float *bonus = mem_array((size_t)list.n, sizeof *bonus);
    for (int i = 0; bonus != NULL && i < list.n; i++)
        bonus[i] = (float)list.bonus[i];
    if (bonus == NULL)
        rc = fail_memory(msg);
    else if ((rc = linnet_stream_bias(d->stream, (const char *const *)list.phrases, bonus, (size_t)list.n, unspelled,
                                      sizeof unspelled)) < 0)
        fail(msg, rc, "%s: %s", path, linnet_stream_error(d->stream));
    for (char *line = strtok(unspelled, "\n"); line != NULL; line = strtok(NULL, "\n"))
        fprintf(stderr, "linnet: %s: %s\n", path, line);
    mem_free(bonus);
    hotword_list_free(&list);
    return rc;
}

int decoding_open_stream(struct decoding *d, const struct decoding_options *o, int streaming, int sample_rate_hz,
                         struct message *msg)
{
    struct linnet_stream_options options;
    linnet_stream_options_init(&options);
    options.recipe = o->recipe;
    options.settings = d->items;
    options.n_settings = d->n;
    options.streaming = streaming;
    if (sample_rate_hz > 0)
        options.sample_rate_hz = sample_rate_hz;
    int rc = linnet_stream_open(d->model, &options, &d->stream, msg->text, sizeof msg->text);
    if (rc >= 0) {
        tell_all_ignored(d, o, streaming);
        tell_decoder(d, o, streaming);
    }
    return rc >= 0 && o->hotwords != NULL ? bias(d, o->hotwords, msg) : rc;
}

int decoding_open(struct decoding *d, const struct decoding_options *o, int streaming, struct message *msg)
{
    int rc = decoding_open_model(d, o, msg);
    return rc < 0 ? rc : decoding_open_stream(d, o, streaming, 0, msg);
}

void decoding_close(struct decoding *d)
{
    linnet_stream_close(d->stream);
    linnet_model_close(d->model);
    settings_close(&d->settings);
    buffer_free(&d->texts);
    mem_free(d->items);
    memset(d, 0, sizeof *d);
}

/* ---- recordings ---- */

int decoding_open_file(struct decoding *d, const char *path, const struct linnet_file_options *options,
                       struct message *msg)
{
    int rc = linnet_stream_reset(d->stream);
    if (rc >= 0)
        rc = linnet_stream_open_file(d->stream, path, options);
    return rc < 0 ? fail(msg, rc, "%s", linnet_stream_error(d->stream)) : LINNET_OK;
}

/* What follows a call of the decoder: its time, then the events that are ready. */
static int hand_on(struct decoding *d, double compute_s, const struct decoding_sink *sink, struct message *msg)
{
    struct linnet_stats stats = {.size = sizeof stats};
    linnet_event e;
    int rc = linnet_stream_stats(d->stream, &stats);
    if (rc >= 0 && sink->called != NULL)
        rc = sink->called(sink->arg, stats.audio_s, compute_s, msg);
    while (rc >= 0 && (rc = linnet_stream_next(d->stream, &e)) > 0)
        rc = sink->event(sink->arg, &e, msg);
    if (rc >= 0 && sink->fed != NULL)
        sink->fed(sink->arg, stats.audio_s);
    return rc;
}

/* One call of the decoder, whose result goes to *result, and its message to msg; returns the sink's. */
static int call(struct decoding *d, int (*what)(linnet_stream *stream), const struct decoding_sink *sink, int *result,
                struct message *msg)
{
    double start_s = clock_s();
    *result = what(d->stream);
    double compute_s = clock_s() - start_s;
    if (*result < 0)
        fail(msg, *result, "%s", linnet_stream_error(d->stream));
    return hand_on(d, compute_s, sink, *result < 0 ? NULL : msg);
}

int decoding_open_audio(const struct decoding *d, struct audio_file **out, const char *path, const char *raw,
                        struct message *msg)
{
    const struct mix_options *mix = settings_of(&d->settings, &mix_settings);
    struct audio_file *f = NULL;
    int rc = audio_file_open(&f, path, raw, AUDIO_RATE_HZ, msg);
    if (rc >= 0)
        rc = audio_file_set_channel(f, mix->channel, msg);
    if (rc < 0)
        audio_file_close(f);
    else
        *out = f;
    return rc;
}

/* Recordings come in parts, each of which would warn of the same. */
void decoding_warn(void *arg, const char *warning)
{
    static char last[sizeof(struct message)];
    (void)arg;
    if (warning[0] == '\0' || strcmp(warning, last) == 0)
        return;
    fprintf(stderr, "linnet: %s\n", warning);
    snprintf(last, sizeof last, "%s", warning);
}

int decoding_run(struct decoding *d, const struct decoding_sink *sink, struct message *msg)
{
    int result, end = LINNET_OK, rc;
    do {
        rc = call(d, linnet_stream_read, sink, &result, msg);
        if (sink->warn != NULL)
            sink->warn(sink->arg, linnet_stream_warning(d->stream));
    } while (rc >= 0 && result > 0);
    if (rc >= 0)
        rc = call(d, linnet_stream_finish, sink, &end, result < 0 ? NULL : msg);
    return result < 0 ? result : end < 0 ? end : rc;
}

/* ---- signals ---- */

static linnet_stream *volatile streams_to_cancel[TEXT_BATCH_MOST];
static volatile sig_atomic_t signal_caught;

static void on_signal(int number)
{
    signal_caught = number;
    for (int i = 0; i < TEXT_BATCH_MOST; i++)
        linnet_stream_cancel(streams_to_cancel[i]);
    signal(number, SIG_DFL);
}

void decoding_catch(int number, linnet_stream *const *streams, int n)
{
    struct sigaction action = {.sa_handler = on_signal};
    for (int i = 0; i < n; i++)
        streams_to_cancel[i] = streams[i];
    sigaction(number, &action, NULL);
}

int decoding_signal(void) { return signal_caught; }
