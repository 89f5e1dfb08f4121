/* SPDX-License-Identifier: Apache-2.0 */
#include "decoders/common/endpoint.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#define FIELD(name) offsetof(struct endpoint_options, name)

static const struct setting lines[] = {
    {"endpoint.rule1_silence_ms", SETTING_NUMBER, FIELD(rules[0].min_silence_ms), "5000", 0, 1e9, NULL,
     "silence after which an utterance ends even if nothing was decoded, in ms"},
    {"endpoint.rule2_silence_ms", SETTING_NUMBER, FIELD(rules[1].min_silence_ms), "1000", 0, 1e9, NULL,
     "silence after which an utterance ends if something was decoded, in ms"},
    {"endpoint.rule3_utterance_ms", SETTING_NUMBER, FIELD(rules[2].min_utterance_ms), "20000", 0, 1e9, NULL,
     "length at which an utterance ends in any case, in ms"},
    {"endpoint.blank_threshold", SETTING_NUMBER, FIELD(blank_threshold), "0.8", 0, 1, NULL,
     "CTC and segmental decoders: a frame is silence if the probability of blank is higher than this"},
    {0}};

const struct settings_table endpoint_settings = {"Endpoints of a stream's utterances", sizeof(struct endpoint_options),
                                                 lines};

void endpoint_options_read(struct endpoint_options *options, const struct settings *settings)
{
    const struct endpoint_options *set = settings_of(settings, &endpoint_settings);
    *options = *set;
    options->rules[1].needs_tokens = 1;
}

int endpoint_options_check(const struct endpoint_options *options, struct message *msg)
{
    for (int i = 0; i < ENDPOINT_RULES; i++)
        if (!(options->rules[i].min_silence_ms >= 0.0) || !(options->rules[i].min_utterance_ms >= 0.0))
            return fail(msg, LINNET_E_ARGUMENT, "endpoint rule %d: a time is negative or not a number", i + 1);
    if (!(options->blank_threshold >= 0.0))
        return fail(msg, LINNET_E_ARGUMENT, "endpoint: the blank threshold is negative or not a number");
    if (!(options->frame_ms > 0.0) || options->blank < 0 || options->blank >= options->n_vocabulary)
        return fail(msg, LINNET_E_ARGUMENT, "endpoint: blank %d of %d symbols, frames of %g ms", options->blank,
                    options->n_vocabulary, options->frame_ms);
    return LINNET_OK;
}

void endpoint_open(struct endpoint *e, const struct endpoint_options *options)
{
    e->options = *options;
    endpoint_reset(e);
}

void endpoint_reset(struct endpoint *e) { e->n_frames = e->n_silent = 0; }

int endpoint_find(const struct endpoint_options *o, double silence_ms, double utterance_ms, int has_tokens,
                  struct endpoint_found *found)
{
    struct endpoint_found now = {.silence_ms = silence_ms, .utterance_ms = utterance_ms};
    for (int i = 0; i < ENDPOINT_RULES && now.rule == 0; i++)
        if ((has_tokens || !o->rules[i].needs_tokens) && silence_ms >= o->rules[i].min_silence_ms &&
            utterance_ms >= o->rules[i].min_utterance_ms)
            now.rule = i + 1;
    if (now.rule > 0)
        snprintf(now.text, sizeof now.text, "rule %d: %.2f s of silence, utterance of %.2f s", now.rule,
                 silence_ms / 1000.0, utterance_ms / 1000.0);
    if (found != NULL)
        *found = now;
    return now.rule;
}

int endpoint_step(struct endpoint *e, const float *logprobs, int n_frames, int has_tokens, struct endpoint_found *found)
{
    const struct endpoint_options *o = &e->options;
    for (int t = 0; t < n_frames; t++) {
        double blank = exp((double)logprobs[(size_t)t * (size_t)o->n_vocabulary + (size_t)o->blank]);
        e->n_silent = blank > o->blank_threshold ? e->n_silent + 1 : 0;
        e->n_frames++;
    }
    return endpoint_find(o, e->n_silent * o->frame_ms, e->n_frames * o->frame_ms, has_tokens, found);
}
