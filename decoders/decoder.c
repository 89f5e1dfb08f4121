/* SPDX-License-Identifier: Apache-2.0
 * decoder.c - the table of decoders, and the settings that they share. */
#include "decoders/decoder.h"

#include <string.h>

#include "decoders/ctc/scores.h"
#include "decoders/common/endpoint.h"
#include "decoders/hybrid_encoder.h"
#include "decoders/model.h"
#include "frontend/gate.h"

/* A new decoder is one line here. */
/* clang-format off */
#define DECODERS(X) \
    X(ctc_greedy) \
    X(ctc_prefix_beam) \
    X(attention) \
    X(attention_rescoring) \
    X(segmental) \
    X(whisper) \
    X(alignatt) \
    X(simul_whisper)
/* clang-format on */

#define DECLARE(name) extern const struct decoder_ops name##_decoder;
#define ENTRY(name) &name##_decoder,
#define BAR_NAME(name) "|" #name
DECODERS(DECLARE)
static const struct decoder_ops *const table[] = {DECODERS(ENTRY)};
enum { N_DECODERS = sizeof table / sizeof table[0] };

/* ---- settings ---- */

#define FIELD(name) offsetof(struct decoder_options, name)

static const struct setting settings[] = {
    {"language", SETTING_TEXT, FIELD(language), "auto", 0, 0, NULL,
     "language spoken: a code, an English name, or auto"},
    {"task", SETTING_CHOICE, FIELD(task), "transcribe", 0, 0, SETTING_CHOICES(DECODER_TASKS),
     "translate: into English"},
    {"decoder.name", SETTING_CHOICE, FIELD(name), "auto", 0, 0, "auto" DECODERS(BAR_NAME),
     "decoder; auto: the model's default"},
    {"decoder.beam", SETTING_INT, FIELD(beam), "0", 0, 1000, NULL,
     "hypotheses kept; 0: the decoder's default (whisper 1, alignatt 3, others 10)"},
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
    {0}};

const struct settings_table decoder_settings = {"Decoding", sizeof(struct decoder_options), settings};

int decoder_open_settings(struct settings *s, struct message *msg)
{
    static const struct settings_table *const first[] = {&model_settings, &decoder_settings, &hybrid_encoder_settings,
                                                         &ctc_settings, NULL};
    static const struct settings_table *const last[] = {&endpoint_settings, &vad_settings, &gate_settings, NULL};
    int rc = settings_open(s, first, msg);
    for (int i = 0; i < N_DECODERS && rc >= 0; i++)
        rc = settings_add(s, table[i]->settings, msg);
    if (rc >= 0)
        rc = settings_add(s, last, msg);
    if (rc < 0)
        settings_close(s);
    return rc;
}

/* ---- the table ---- */

/* The decoder for "auto" of a kind of model. */
static const struct decoder_ops *decoder_default(const char *kind, int streaming)
{
    if (strcmp(kind, "whisper") == 0)
        return streaming ? &alignatt_decoder : &whisper_decoder;
    return &attention_rescoring_decoder;
}

int decoder_find(const struct decoder_ops **ops, const struct decoder_options *options, const char *kind, int streaming,
                 struct message *msg)
{
    const struct decoder_ops *found = options->name > 0 ? table[options->name - 1] : decoder_default(kind, streaming);
    if (strcmp(found->kind, kind) != 0)
        return fail(msg, LINNET_E_UNSUPPORTED, "decoder '%s' is for %s models, this is a %s model", found->name,
                    found->kind, kind);
    *ops = found;
    return LINNET_OK;
}
