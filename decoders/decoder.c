/* SPDX-License-Identifier: Apache-2.0
 * decoder.c - the table of decoders, and the settings that they share. */
#include "decoders/decoder.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "decoders/common/endpoint.h"
#include "decoders/ctc/blank.h"
#include "decoders/utterance/frames.h"
#include "frontend/gate.h"

/* The order is that in which "auto" tries them. */
/* clang-format off */
#define DECODERS(X) \
    X(whisper) \
    X(alignatt) \
    X(simul_whisper) \
    X(attention_rescoring) \
    X(ctc_prefix_beam) \
    X(ctc_greedy) \
    X(attention) \
    X(segmental)
/* clang-format on */

#define DECLARE(name) extern const struct decoder name##_decoder;
#define ENTRY(name) &name##_decoder,
#define BAR_NAME(name) "|" #name
DECODERS(DECLARE)
static const struct decoder *const table[] = {DECODERS(ENTRY)};
enum { N_DECODERS = sizeof table / sizeof table[0] };

/* ---- settings ---- */

#define FIELD(name) offsetof(struct decoder_options, name)

static const struct setting settings[] = {
    {"language", SETTING_TEXT, FIELD(language), "auto", 0, 0, NULL,
     "language spoken: a code, an English name, or auto"},
    {"task", SETTING_CHOICE, FIELD(task), "transcribe", 0, 0, SETTING_CHOICES(DECODER_TASKS),
     "translate: into English"},
    {"decoder.name", SETTING_CHOICE, FIELD(name), "auto", 0, 0, "auto" DECODERS(BAR_NAME),
     "decoder; auto: the first of these that suits the model"},
    {"decoder.beam", SETTING_INT, FIELD(beam), "0", 0, 1000, NULL,
     "hypotheses kept; 0: the decoder's default (whisper 1, with hotwords 5, alignatt 3, others 10)"},
    {"decoder.length_penalty", SETTING_NUMBER, FIELD(length_penalty), "-1", -1, 10, NULL,
     "exponent of the length that scores are divided by; -1: the decoder's default (whisper: mean, attention: 0)"},
    {"decoder.nbest", SETTING_INT, FIELD(nbest), "1", 1, 1000, NULL, "hypotheses reported"},
    {"decoder.word_times", SETTING_BOOL, FIELD(word_times), "false", 0, 1, NULL,
     "find where each word begins and ends"},
    {"decoder.max_tokens", SETTING_INT, FIELD(max_tokens), "0", 0, 100000, NULL,
     "tokens at most, in a window or utterance; 0: the decoder's default (whisper 224, attention as many as frames)"},
    {"decoder.clip", SETTING_LIST, FIELD(clip), "", 0, 1e9, NULL,
     "seconds where the parts to decode start and end, in turn; empty: decode everything"},
    {"decoder.hotword_bonus", SETTING_NUMBER, FIELD(hotword_bonus), "3", -100, 100, NULL,
     "log probability added for each token of a hotword"},
    {"decoder.calibration", SETTING_TEXT, FIELD(calibration), "auto", 0, 0, NULL,
     "what 'linnet calibrate' wrote, for confidences of words; auto: calibration.json in the model's folder; or none"},
    {0}};

const struct settings_table decoder_settings = {"Decoding", sizeof(struct decoder_options), settings};

int decoder_add_settings(struct settings *s, struct message *msg)
{
    static const struct settings_table *const first[] = {&decoder_settings, &frames_settings, &ctc_blank_settings,
                                                         NULL},
                                              *const last[] = {&endpoint_settings, &vad_settings, &gate_settings, NULL};
    int rc = settings_add(s, first, msg);
    for (int i = 0; i < N_DECODERS && rc >= 0; i++)
        if (table[i]->settings != NULL)
            rc = settings_add(s, table[i]->settings, msg);
    return rc < 0 ? rc : settings_add(s, last, msg);
}

/* ---- the table ---- */

int decoder_find(const struct decoder **decoder, const struct decoder_options *options,
                 const struct linnet_model *model, int streaming, struct message *msg)
{
    const struct decoder *found = options->name > 0 ? table[options->name - 1] : NULL;
    for (int i = 0; i < N_DECODERS && found == NULL; i++)
        if (model_lacks(model, table[i]->needs) == NULL && !(streaming && table[i]->is_whole_only))
            found = table[i];
    if (found == NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "no decoder suits this model");
    const char *lacks = model_lacks(model, found->needs);
    if (lacks != NULL)
        return fail(msg, LINNET_E_UNSUPPORTED, "decoder '%s' needs %s; this model has none", found->name, lacks);
    *decoder = found;
    return LINNET_OK;
}

const struct decoder *decoder_at(int i) { return i < N_DECODERS ? table[i] : NULL; }

/* ---- who uses a setting ---- */

static int has(const struct settings_table *t, const char *key)
{
    const struct setting *k = t->at;
    while (k->key != NULL && strcmp(k->key, key) != 0)
        k++;
    return k->key != NULL;
}

static int is_own(const struct decoder *d, const char *key)
{
    for (const struct settings_table *const *t = d->settings; t != NULL && *t != NULL; t++)
        if (has(*t, key))
            return 1;
    return 0;
}

int decoder_ignores(const struct decoder *d, const char *key, int has_hotwords)
{
    int is_others = 0, is_of_frames = has(&frames_settings, key) || has(&ctc_blank_settings, key);
    for (int i = 0; i < N_DECODERS; i++) {
        is_others |= is_own(table[i], key);
        if (has_hotwords && d->with_hotwords != NULL && d->with_hotwords != d->search &&
            table[i]->search == d->with_hotwords)
            return decoder_ignores(table[i], key, 0); /* decodes in its place */
    }
    if (parse_choice(key, d->ignores) >= 0)
        return 1;
    if (is_of_frames)
        return (d->needs & MODEL_FRAMES) == 0;
    return is_others && !is_own(d, key);
}

void decoder_users(const char *key, char *names, size_t size)
{
    size_t n = 0;
    names[0] = '\0';
    for (int i = 0; i < N_DECODERS && n < size; i++)
        if (!decoder_ignores(table[i], key, 0))
            n += (size_t)snprintf(names + n, size - n, "%s%s", n > 0 ? ", " : "", table[i]->name);
}
